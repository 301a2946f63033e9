/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "secret/lookup.h"
#include "base/error.h"
#include "base/uuid.h"
#include "secret/host.h"

static SecretSource secret_source;
static void *secret_opaque;

void secret_source_set(SecretSource source, void *opaque)
{
    secret_source = source;
    secret_opaque = opaque;
}

/* What a secret is for that is named by what it is for; a passphrase is that of a volume. */
static int usage_type(const SecretRef *ref)
{
    switch (ref->type) {
    case STORAGE_AUTH_SECRET_TYPE_CEPH:
        return VIR_SECRET_USAGE_TYPE_CEPH;
    case STORAGE_AUTH_SECRET_TYPE_ISCSI:
        return VIR_SECRET_USAGE_TYPE_ISCSI;
    case STORAGE_AUTH_SECRET_TYPE_TLS:
        return VIR_SECRET_USAGE_TYPE_TLS;
    case STORAGE_AUTH_SECRET_TYPE_VTPM:
        return VIR_SECRET_USAGE_TYPE_VTPM;
    default:
        return VIR_SECRET_USAGE_TYPE_VOLUME;
    }
}

/* How an element of <usage> is called. */
static const char *usage_element(int type)
{
    return type == VIR_SECRET_USAGE_TYPE_VOLUME ? "volume" : type == VIR_SECRET_USAGE_TYPE_ISCSI ? "target" : "name";
}

static void fail_undefined(const SecretRef *ref)
{
    char uuid[UUID_TEXT_SIZE];
    int type = usage_type(ref);
    if (ref->has_uuid)
        error_report(ERROR_DOMAIN, VIR_ERR_NO_SECRET, "no secret with UUID %s is defined; define it ('virsh secret-define FILE', with "
                     "<uuid>%s</uuid>) and give it its value ('virsh secret-set-value %s --interactive')",
                     uuid_format(ref->uuid, uuid), uuid, uuid);
    else
        error_report(ERROR_DOMAIN, VIR_ERR_NO_SECRET, "no secret for usage '%s' of type %s is defined; define it ('virsh secret-define FILE', "
                     "with <usage type='%s'><%s>%s</%s></usage>) and give it its value ('virsh secret-set-value UUID --interactive')",
                     ref->usage, secret_usage_type_to_string(type + 1), secret_usage_type_to_string(type + 1), usage_element(type),
                     ref->usage, usage_element(type));
}

guint8 *secret_source_table(const SecretRef *ref, size_t *size, void *opaque)
{
    g_autofree char *key = ref->has_uuid ? NULL : secret_usage_key(usage_type(ref), ref->usage);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) secret = managed_find_state(opaque, ref->has_uuid ? ref->uuid : NULL, key, &state);
    if (!secret) {
        fail_undefined(ref);
        return NULL;
    }
    char uuid[UUID_TEXT_SIZE];
    guint8 *value = secret_value_get(secret, definition_get(state->config), size);
    if (!value && error_code() == VIR_ERR_NO_SECRET)
        error_report(ERROR_DOMAIN, VIR_ERR_NO_SECRET, "the secret %s (for '%s') has no value; give it one: 'virsh secret-set-value %s "
                     "--interactive'", uuid_format(secret->entry.uuid, uuid), secret_def_usage_id(definition_get(state->config)), uuid);
    return value;
}

guint8 *secret_lookup(const SecretRef *ref, const char *what, size_t *size)
{
    char uuid[UUID_TEXT_SIZE];

    if (!ref->has_uuid && !ref->usage)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "%s names a secret neither by uuid nor by usage", what);
    if (!secret_source)
        return FAIL_NULL(VIR_ERR_NO_SECRET, "%s needs the secret '%s', but no secrets are kept on this host: is libvirt_driver_secret.so "
                         "installed?", what, ref->has_uuid ? uuid_format(ref->uuid, uuid) : ref->usage);
    guint8 *value = secret_source(ref, size, secret_opaque);
    if (!value)
        error_context("%s", what);
    return value;
}
