/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Event registrations of clients. An event is encoded and sent by whichever thread emits it. A client of today registers
 * with a callback id in each message; very old ones by event alone ("legacy").
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "base/error.h"
#include "daemon/dispatch_priv.h"
#include "rpc/xdr_values.h"

/* What the registry hands back with each event; freed by it. */
typedef struct Subscription {
    ServerClient *client;  /* reference */
    gboolean legacy;
} Subscription;

static void subscription_free(void *opaque)
{
    Subscription *sub = opaque;
    server_client_unref(sub->client);
    g_free(sub);
}

static void send_event(Event *event, int callback_id, void *opaque)
{
    Subscription *sub = opaque;
    const EventDesc *desc = event->desc;
    gboolean qemu = desc->family == EVENT_QEMU_MONITOR;
    XdrOut out;
    RpcHeader header = { qemu ? QEMU_PROGRAM : REMOTE_PROGRAM, 1, sub->legacy ? desc->legacy_proc : desc->proc,
                         RPC_EVENT, 0, RPC_OK };
    xdr_out_init(&out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&out, -1);
    xdr_put_event(&out, event, sub->legacy ? -1 : callback_id);
    if (rpc_packet_finish(&out, &header) == 0)
        server_client_send(sub->client, &out, NULL, 0);
    xdr_out_clear(&out);
}

static Subscription *subscription_new(DispatchCall *call, gboolean legacy)
{
    Subscription *sub = g_new(Subscription, 1);
    sub->client = server_client_ref(call->client);
    sub->legacy = legacy;
    return sub;
}

static int subscribe(DispatchCall *call, EventFamily family, int event, const EventObject *limit, gboolean legacy)
{
    Subscription *sub = subscription_new(call, legacy);
    int id = event_register(call->conn, family, event, limit, NULL, send_event, sub, subscription_free);
    if (id < 0)
        subscription_free(sub);
    return id;
}

/* The modern form: event id, optional object, answer the callback id. */
#define REGISTER(name, type, family, limit_init) \
    int dispatch_connect_##name##_register_any(DispatchCall *call) \
    { \
        int event = xdr_get_int(&call->in); \
        g_autoptr(type) object = xdr_get_##family##_opt(&call->in, call->conn); \
        if (dispatch_args_done(call) < 0) \
            return -1; \
        EventObject limit = { 0 }; \
        if (object) { \
            limit_init; \
        } \
        int id = subscribe(call, FAMILY_##family, event, object ? &limit : NULL, FALSE); \
        xdr_put_int(&call->out, id); \
        return id < 0 ? -1 : 0; \
    } \
    int dispatch_connect_##name##_deregister_any(DispatchCall *call) \
    { \
        int id = xdr_get_int(&call->in); \
        if (dispatch_args_done(call) < 0) \
            return -1; \
        return event_deregister(call->conn, FAMILY_##family, id); \
    }

#define FAMILY_domain EVENT_DOMAIN
#define FAMILY_network EVENT_NETWORK
#define FAMILY_storage_pool EVENT_STORAGE_POOL
#define FAMILY_node_device EVENT_NODE_DEVICE
#define FAMILY_secret EVENT_SECRET
#define BY_UUID memcpy(limit.uuid, object->uuid, VIR_UUID_BUFLEN)

REGISTER(domain_event_callback, virDomain, domain, BY_UUID)
REGISTER(network_event, virNetwork, network, BY_UUID)
REGISTER(storage_pool_event, virStoragePool, storage_pool, BY_UUID)
REGISTER(node_device_event, virNodeDevice, node_device, limit.name = object->name)
REGISTER(secret_event, virSecret, secret, BY_UUID)

/* The legacy form: one registration for each event id. */

static int legacy_register(DispatchCall *call, int event)
{
    const EventDesc *desc = event_desc(EVENT_DOMAIN, event);
    if (!desc || !desc->legacy_proc)
        return FAIL(VIR_ERR_INVALID_ARG, "unsupported event ID %d", event);
    int id = subscribe(call, EVENT_DOMAIN, event, NULL, TRUE);
    if (id < 0)
        return -1;
    int *record = g_new(int, 2);
    record[0] = event;
    record[1] = id;
    g_mutex_lock(&call->state->lock);
    g_ptr_array_add(call->state->callbacks, record);
    g_mutex_unlock(&call->state->lock);
    return 0;
}

static int legacy_deregister(DispatchCall *call, int event)
{
    int id = -1;
    g_mutex_lock(&call->state->lock);
    for (guint i = 0; i < call->state->callbacks->len && id < 0; i++) {
        int *record = call->state->callbacks->pdata[i];
        if (record[0] == event) {
            id = record[1];
            g_ptr_array_remove_index_fast(call->state->callbacks, i);
        }
    }
    g_mutex_unlock(&call->state->lock);
    if (id < 0)
        return FAIL(VIR_ERR_INVALID_ARG, "domain event %d not registered", event);
    return event_deregister(call->conn, EVENT_DOMAIN, id);
}

int dispatch_connect_domain_event_register_any(DispatchCall *call)
{
    int event = xdr_get_int(&call->in);
    return dispatch_args_done(call) < 0 ? -1 : legacy_register(call, event);
}

int dispatch_connect_domain_event_deregister_any(DispatchCall *call)
{
    int event = xdr_get_int(&call->in);
    return dispatch_args_done(call) < 0 ? -1 : legacy_deregister(call, event);
}

int dispatch_connect_domain_event_register(DispatchCall *call)
{
    if (dispatch_args_done(call) < 0 || legacy_register(call, VIR_DOMAIN_EVENT_ID_LIFECYCLE) < 0)
        return -1;
    xdr_put_int(&call->out, 1);
    return 0;
}

int dispatch_connect_domain_event_deregister(DispatchCall *call)
{
    if (dispatch_args_done(call) < 0 || legacy_deregister(call, VIR_DOMAIN_EVENT_ID_LIFECYCLE) < 0)
        return -1;
    xdr_put_int(&call->out, 0);
    return 0;
}

int dispatch_connect_domain_monitor_event_register(DispatchCall *call)
{
    g_autoptr(virDomain) dom = xdr_get_domain_opt(&call->in, call->conn);
    g_autofree char *pattern = xdr_get_string_opt(&call->in);
    unsigned int flags = xdr_get_uint(&call->in);
    if (dispatch_args_done(call) < 0)
        return -1;
    EventObject limit = { 0 };
    if (dom)
        memcpy(limit.uuid, dom->uuid, VIR_UUID_BUFLEN);
    Subscription *sub = subscription_new(call, FALSE);
    int id = event_register_monitor(call->conn, dom ? &limit : NULL, pattern, flags, NULL, send_event, sub,
                                    subscription_free);
    if (id < 0)
        subscription_free(sub);
    xdr_put_int(&call->out, id);
    return id < 0 ? -1 : 0;
}

int dispatch_connect_domain_monitor_event_deregister(DispatchCall *call)
{
    int id = xdr_get_int(&call->in);
    return dispatch_args_done(call) < 0 ? -1 : event_deregister(call->conn, EVENT_QEMU_MONITOR, id);
}

/* The daemon's own connection can't be lost without the client's: nothing to watch, but asking is fine. */
int dispatch_connect_register_close_callback(DispatchCall *call)
{
    return dispatch_args_done(call);
}

int dispatch_connect_unregister_close_callback(DispatchCall *call)
{
    return dispatch_args_done(call);
}
