/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Secrets as managed objects, and their values. A value is in one place of memory only, is cleared before that is freed, and never
 * gets into a text.
 */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "secret/host.h"
#include <stddef.h>
#include <string.h>
#include "base/error.h"
#include "base/uuid.h"
#include "core/event_table.h"

/* What a secret has beside its definition: Managed.data. */
typedef struct SecretValue {
    GMutex lock;          /* guards the following; held for a few instructions */
    guint8 *bytes;        /* NULL: there is no value */
    size_t size;
} SecretValue;

static void value_replace(SecretValue *value, guint8 *bytes, size_t size)
{
    g_mutex_lock(&value->lock);
    guint8 *old = value->bytes;
    size_t old_size = value->size;
    value->bytes = bytes;
    value->size = size;
    g_mutex_unlock(&value->lock);
    secret_value_free(old, old_size);
}

void secret_value_free(guint8 *value, size_t size)
{
    if (value)
        explicit_bzero(value, size);
    g_free(value);
}

guint8 *secret_value_get(const Managed *secret, size_t *size)
{
    SecretValue *value = secret->data;
    g_mutex_lock(&value->lock);
    guint8 *copy = g_memdup2(value->bytes, value->size);
    *size = value->size;
    g_mutex_unlock(&value->lock);
    return copy ? copy : FAIL_NULL(VIR_ERR_NO_SECRET, "secret '%s' does not have a value", MANAGED_NAME(secret));
}

/* ---- as managed objects ---- */

static void secret_init(Managed *obj)
{
    SecretValue *value = obj->data = g_new0(SecretValue, 1);
    g_mutex_init(&value->lock);
}

static void secret_clear(Managed *obj)
{
    SecretValue *value = obj->data;
    value_replace(value, NULL, 0);
    g_mutex_clear(&value->lock);
    g_free(value);
}

static char *secret_key(const void *opaque)
{
    const SecretDef *def = opaque;
    char uuid[UUID_TEXT_SIZE];
    char *key = secret_usage_key(secret_def_usage_type(def), secret_def_usage_id(def));
    return key ? key : g_strdup(uuid_format(def->uuid, uuid));
}

static int secret_complete(void *def)
{
    secret_def_complete(def);
    return 0;
}

static Event *secret_event(const Managed *obj, const void *def, int event, int detail)
{
    return event_secret_lifecycle_new(secret_def_usage_id(def), obj->entry.uuid, secret_def_usage_type(def), event, detail);
}

static void *secret_handle(virConnectPtr conn, const Managed *obj, const void *def)
{
    return secret_handle_new(conn, obj->entry.uuid, secret_def_usage_type(def), secret_def_usage_id(def));
}

static const ManagedKind secret_kind = {
    .name = "secret",
    .root = &SECRET_ROOT,
    .error_domain = VIR_FROM_SECRET,
    .no_object = VIR_ERR_NO_SECRET,
    .clash = VIR_ERR_INTERNAL_ERROR,
    .uuid_at = offsetof(SecretDef, uuid),
    .has_uuid_at = offsetof(SecretDef, has_uuid),
    .complete = secret_complete,
    .key = secret_key,
    .event = secret_event,
    .defined = VIR_SECRET_EVENT_DEFINED,
    .undefined = VIR_SECRET_EVENT_UNDEFINED,
    .started = MANAGED_NO_EVENT,
    .stopped = MANAGED_NO_EVENT,
    .handle = secret_handle,
    .init = secret_init,
    .clear = secret_clear,
};

static const SecretBackend *backend_of(const ManagedTable *table)
{
    return managed_table_priv(table);
}

static int secret_check(ManagedTable *table, void *def, const void *old)
{
    const SecretBackend *backend = backend_of(table);
    if (old && secret_def_check_replace(def, old) < 0)
        return -1;
    return backend->define ? backend->define(table, def, old) : 0;
}

ManagedTable *secret_table_new(const SecretBackend *backend, EventBus *bus)
{
    static const ManagedBackend managed = { .check = secret_check };
    return managed_table_new(&secret_kind, &managed, (void *) backend, bus);
}

/* ---- changes ---- */

int secret_value_set(ManagedJob *job, const guint8 *value, size_t size)
{
    Managed *obj = job->obj;
    const SecretDef *def = definition_get(job->state->config);
    const SecretBackend *backend = backend_of(obj->table);
    if (!size || size > SECRET_VALUE_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "a value has 1 to %d bytes, not %zu", SECRET_VALUE_MAX, size);
    if (backend->set_value && backend->set_value(obj, def, value, size) < 0)
        return -1;
    value_replace(obj->data, g_memdup2(value, size), size);
    managed_table_emit(obj->table, event_secret_value_changed_new(secret_def_usage_id(def), obj->entry.uuid,
                                                                  secret_def_usage_type(def)));
    return 0;
}

int secret_undefine(ManagedJob *job)
{
    const SecretBackend *backend = backend_of(job->obj->table);
    if (backend->undefine && backend->undefine(job->obj, definition_get(job->state->config)) < 0)
        return -1;
    value_replace(job->obj->data, NULL, 0);
    return managed_undefine(job);
}
