/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "rpc/xdr_values.h"
#include "base/error.h"
#include "rpc/wire_protocol.h"

void xdr_put_typed_params(XdrOut *out, virTypedParameterPtr params, int n, size_t max)
{
    /* entries without a type are holes that a driver left */
    int present = 0;
    for (int i = 0; i < n; i++)
        present += params[i].type != 0;
    if (!xdr_put_count(out, present, max))
        return;
    for (int i = 0; i < n; i++) {
        virTypedParameterPtr p = &params[i];
        if (!p->type)
            continue;
        xdr_put_string(out, p->field);
        xdr_put_int(out, p->type);
        switch (p->type) {
        case VIR_TYPED_PARAM_INT: xdr_put_int(out, p->value.i); break;
        case VIR_TYPED_PARAM_UINT: xdr_put_uint(out, p->value.ui); break;
        case VIR_TYPED_PARAM_LLONG: xdr_put_hyper(out, p->value.l); break;
        case VIR_TYPED_PARAM_ULLONG: xdr_put_uhyper(out, p->value.ul); break;
        case VIR_TYPED_PARAM_DOUBLE: xdr_put_double(out, p->value.d); break;
        case VIR_TYPED_PARAM_BOOLEAN: xdr_put_int(out, p->value.b); break;
        case VIR_TYPED_PARAM_STRING: xdr_put_string(out, p->value.s); break;
        default: xdr_out_fail(out, "parameter of unknown type");
        }
    }
}

virTypedParameterPtr xdr_get_typed_params(XdrIn *in, size_t max, int *n)
{
    size_t count = xdr_get_count(in, max);
    virTypedParameterPtr params = count ? g_new0(virTypedParameter, count) : NULL;
    *n = count;
    for (size_t i = 0; i < count; i++) {
        virTypedParameterPtr p = &params[i];
        xdr_get_string_into(in, p->field, sizeof(p->field));
        int type = xdr_get_int(in);
        switch (in->failure ? 0 : type) {
        case VIR_TYPED_PARAM_INT: p->value.i = xdr_get_int(in); break;
        case VIR_TYPED_PARAM_UINT: p->value.ui = xdr_get_uint(in); break;
        case VIR_TYPED_PARAM_LLONG: p->value.l = xdr_get_hyper(in); break;
        case VIR_TYPED_PARAM_ULLONG: p->value.ul = xdr_get_uhyper(in); break;
        case VIR_TYPED_PARAM_DOUBLE: p->value.d = xdr_get_double(in); break;
        case VIR_TYPED_PARAM_BOOLEAN: p->value.b = xdr_get_int(in) != 0; break;
        case VIR_TYPED_PARAM_STRING: p->value.s = xdr_get_string(in); break;
        default: xdr_in_fail(in, "parameter of unknown type");
        }
        if (in->failure)
            break;
        p->type = type;
    }
    if (!in->failure)
        return params;
    virTypedParamsFree(params, count);
    *n = 0;
    return NULL;
}

void xdr_put_error(XdrOut *out)
{
    virErrorPtr err = virGetLastError();
    xdr_put_int(out, err ? err->code : VIR_ERR_INTERNAL_ERROR);
    xdr_put_int(out, err ? err->domain : VIR_FROM_RPC);
    xdr_put_string_opt(out, err && err->message ? err->message : "a call failed without saying why");
    xdr_put_int(out, err ? err->level : VIR_ERR_ERROR);
    xdr_put_uint(out, 0); /* domain */
    xdr_put_string_opt(out, err ? err->str1 : NULL);
    xdr_put_string_opt(out, err ? err->str2 : NULL);
    xdr_put_string_opt(out, err ? err->str3 : NULL);
    xdr_put_int(out, err ? err->int1 : -1);
    xdr_put_int(out, err ? err->int2 : -1);
    xdr_put_uint(out, 0); /* network */
}

/* Objects that an old server may attach to an error; nothing of them is kept. */
static void skip_named(XdrIn *in, gboolean with_id)
{
    unsigned char uuid[VIR_UUID_BUFLEN];
    if (!xdr_get_present(in))
        return;
    g_free(xdr_get_string(in));
    xdr_get_uuid(in, uuid);
    if (with_id)
        xdr_get_int(in);
}

void xdr_get_error(XdrIn *in)
{
    int code = xdr_get_int(in);
    int domain = xdr_get_int(in);
    g_autofree char *message = xdr_get_string_opt(in);
    int level = xdr_get_int(in);
    skip_named(in, TRUE);
    g_autofree char *str1 = xdr_get_string_opt(in);
    g_autofree char *str2 = xdr_get_string_opt(in);
    g_autofree char *str3 = xdr_get_string_opt(in);
    int int1 = xdr_get_int(in);
    int int2 = xdr_get_int(in);
    skip_named(in, FALSE);
    if (xdr_in_done(in) && code != VIR_ERR_OK)
        error_set_raw(domain, code, level, message, str1, str2, str3, int1, int2);
    else
        error_report(ERROR_DOMAIN, VIR_ERR_RPC, "the server refused the call but its error is malformed%s%s",
                     in->failure ? ": " : "", in->failure ? in->failure : "");
}

/* The object of an event, as its family has it on the wire. */
static void put_object(XdrOut *out, const Event *event)
{
    const EventObject *o = &event->object;
    switch (event->desc->family) {
    case EVENT_DOMAIN: case EVENT_QEMU_MONITOR:
        xdr_put_string(out, o->name);
        xdr_put_uuid(out, o->uuid);
        xdr_put_int(out, o->id);
        break;
    case EVENT_NETWORK: case EVENT_STORAGE_POOL:
        xdr_put_string(out, o->name);
        xdr_put_uuid(out, o->uuid);
        break;
    case EVENT_NODE_DEVICE:
        xdr_put_string(out, o->name);
        break;
    case EVENT_SECRET:
        xdr_put_uuid(out, o->uuid);
        xdr_put_int(out, o->id);
        xdr_put_string(out, o->name);
        break;
    case EVENT_FAMILIES:
        break;
    }
}

static void get_object(XdrIn *in, Event *event)
{
    EventObject *o = &event->object;
    switch (event->desc->family) {
    case EVENT_DOMAIN: case EVENT_QEMU_MONITOR:
        o->name = xdr_get_string(in);
        xdr_get_uuid(in, o->uuid);
        o->id = xdr_get_int(in);
        break;
    case EVENT_NETWORK: case EVENT_STORAGE_POOL:
        o->name = xdr_get_string(in);
        xdr_get_uuid(in, o->uuid);
        break;
    case EVENT_NODE_DEVICE:
        o->name = xdr_get_string(in);
        break;
    case EVENT_SECRET:
        xdr_get_uuid(in, o->uuid);
        o->id = xdr_get_int(in);
        o->name = xdr_get_string(in);
        break;
    case EVENT_FAMILIES:
        break;
    }
}

static void put_address(XdrOut *out, const virDomainEventGraphicsAddress *address)
{
    xdr_put_int(out, address->family);
    xdr_put_string(out, address->node ? address->node : "");
    xdr_put_string(out, address->service ? address->service : "");
}

static virDomainEventGraphicsAddress *get_address(XdrIn *in)
{
    virDomainEventGraphicsAddress *address = g_new0(virDomainEventGraphicsAddress, 1);
    address->family = xdr_get_int(in);
    address->node = xdr_get_string(in);
    address->service = xdr_get_string(in);
    return address;
}

static void put_subject(XdrOut *out, const virDomainEventGraphicsSubject *subject)
{
    if (!xdr_put_count(out, subject->nidentity, REMOTE_DOMAIN_EVENT_GRAPHICS_IDENTITY_MAX))
        return;
    for (int i = 0; i < subject->nidentity; i++) {
        xdr_put_string(out, subject->identities[i].type);
        xdr_put_string(out, subject->identities[i].name);
    }
}

static virDomainEventGraphicsSubject *get_subject(XdrIn *in)
{
    virDomainEventGraphicsSubject *subject = g_new0(virDomainEventGraphicsSubject, 1);
    subject->nidentity = xdr_get_count(in, REMOTE_DOMAIN_EVENT_GRAPHICS_IDENTITY_MAX);
    subject->identities = g_new0(virDomainEventGraphicsSubjectIdentity, MAX(subject->nidentity, 1));
    for (int i = 0; i < subject->nidentity; i++) {
        subject->identities[i].type = xdr_get_string(in);
        subject->identities[i].name = xdr_get_string(in);
    }
    return subject;
}

static void put_value(XdrOut *out, char letter, const EventValue *v)
{
    switch (letter) {
    case 'i': xdr_put_int(out, (int) v->l); break;
    case 'u': xdr_put_uint(out, (unsigned int) v->l); break;
    case 'l': case 'L': xdr_put_hyper(out, v->l); break;
    case 's': xdr_put_string(out, v->s ? v->s : ""); break;
    case 'S': xdr_put_string_opt(out, v->s); break;
    case 'p': xdr_put_typed_params(out, v->params, v->n_params, REMOTE_DOMAIN_EVENT_TUNABLE_MAX); break;
    case 'a': put_address(out, v->address); break;
    case 'j': put_subject(out, v->subject); break;
    }
}

static void get_value(XdrIn *in, char letter, EventValue *v)
{
    switch (letter) {
    case 'i': v->l = xdr_get_int(in); break;
    case 'u': v->l = xdr_get_uint(in); break;
    case 'l': case 'L': v->l = xdr_get_hyper(in); break;
    case 's': v->s = xdr_get_string(in); break;
    case 'S': v->s = xdr_get_string_opt(in); break;
    case 'p': v->params = xdr_get_typed_params(in, REMOTE_DOMAIN_EVENT_TUNABLE_MAX, &v->n_params); break;
    case 'a': v->address = get_address(in); break;
    case 'j': v->subject = get_subject(in); break;
    }
}

void xdr_put_event(XdrOut *out, const Event *event, int callback_id)
{
    const EventDesc *desc = event->desc;
    gboolean reason_first = desc->reason_first && callback_id >= 0;
    if (callback_id >= 0)
        xdr_put_int(out, callback_id);
    if (reason_first)
        put_value(out, desc->values[0], &event->values[0]);
    put_object(out, event);
    /* the legacy form of an event whose reason comes first has no reason */
    for (guint i = desc->reason_first ? 1 : 0; desc->values[i]; i++)
        put_value(out, desc->values[i], &event->values[i]);
}

Event *xdr_get_event(XdrIn *in, const EventDesc *desc, gboolean legacy, int *callback_id)
{
    *callback_id = legacy ? -1 : xdr_get_int(in);
    Event *event = event_new(desc, NULL, NULL, 0);
    if (desc->reason_first && !legacy)
        get_value(in, desc->values[0], &event->values[0]);
    get_object(in, event);
    for (guint i = desc->reason_first ? 1 : 0; desc->values[i]; i++)
        get_value(in, desc->values[i], &event->values[i]);
    if (xdr_in_done(in))
        return event;
    event_unref(event);
    return NULL;
}
