/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Secrets as managed objects, and their values. A value that a backend keeps is in memory only while it is used; any other is in one place
 * of memory, which is in no core dump. All are cleared before they are freed, and never get into a text.
 */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "secret/host.h"
#include <stddef.h>
#include <string.h>
#include "base/error.h"
#include "base/uuid.h"
#include "core/event_table.h"
#include "secret/memory.h"

/* What a secret has beside its definition: Managed.data. Only what no backend keeps: of ephemeral ones, or all. */
typedef struct SecretValue {
    GMutex lock;          /* guards the following; held for a few instructions */
    guint8 *bytes;        /* secret_memory_new(); NULL: there is no value here */
    size_t size;
} SecretValue;

/* Takes over @bytes. */
static void value_replace(SecretValue *value, guint8 *bytes, size_t size)
{
    g_mutex_lock(&value->lock);
    guint8 *old = value->bytes;
    size_t old_size = value->size;
    value->bytes = bytes;
    value->size = size;
    g_mutex_unlock(&value->lock);
    secret_memory_free(old, old_size);
}

/* Put a copy there. */
static int value_store(SecretValue *value, const guint8 *bytes, size_t size)
{
    guint8 *copy = secret_memory_new(size);
    if (!copy)
        return -1;
    memcpy(copy, bytes, size);
    value_replace(value, copy, size);
    return 0;
}

static guint8 *value_copy(SecretValue *value, size_t *size)
{
    g_mutex_lock(&value->lock);
    guint8 *copy = g_memdup2(value->bytes, value->size);
    *size = value->size;
    g_mutex_unlock(&value->lock);
    return copy;
}

void secret_value_free(guint8 *value, size_t size)
{
    if (value)
        explicit_bzero(value, size);
    g_free(value);
}

static const SecretBackend *backend_of(const ManagedTable *table)
{
    return managed_table_priv(table);
}

guint8 *secret_value_get(const Managed *secret, const SecretDef *def, size_t *size)
{
    const SecretBackend *backend = backend_of(secret->table);
    guint8 *value = value_copy(secret->data, size);
    if (!value && backend->get_value && def->ephemeral != TRISTATE_YES &&
        backend->get_value(def, &value, size, backend->opaque) < 0)
        return NULL;
    return value ? value : FAIL_NULL(VIR_ERR_NO_SECRET, "secret '%s' does not have a value", MANAGED_NAME(secret));
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

static int secret_check(ManagedTable *table, void *def, const void *old)
{
    return old ? secret_def_check_replace(def, old) : 0;
}

/* It was kept, and is to be in memory only. */
static int move_to_memory(const SecretBackend *backend, const SecretDef *old, SecretValue *into)
{
    guint8 *value = NULL;
    size_t size = 0;
    if (backend->get_value(old, &value, &size, backend->opaque) < 0)
        return -1;
    int rc = value ? value_store(into, value, size) : 0;
    secret_value_free(value, size);
    if (rc == 0 && backend->undefine(old, backend->opaque) == 0)
        return 0;
    value_replace(into, NULL, 0);
    return -1;
}

/* It was in memory only, if it was at all, and is to be kept. */
static int move_to_backend(const SecretBackend *backend, const SecretDef *def, SecretValue *from)
{
    size_t size = 0;
    guint8 *value = value_copy(from, &size);
    int rc = backend->define(def, NULL, value, size, backend->opaque);
    secret_value_free(value, size);
    if (rc == 0)
        value_replace(from, NULL, 0);
    return rc;
}

static int secret_keep(Managed *obj, const void *old, const void *config)
{
    const SecretBackend *backend = backend_of(obj->table);
    const SecretDef *before = old, *after = config;
    gboolean was = before && before->ephemeral != TRISTATE_YES, will = after && after->ephemeral != TRISTATE_YES;
    if (!backend->define || (!was && !will))
        return 0;
    if (was && will)
        return backend->define(after, before, NULL, 0, backend->opaque);
    if (will)
        return move_to_backend(backend, after, obj->data);
    return after ? move_to_memory(backend, before, obj->data) : backend->undefine(before, backend->opaque);
}

ManagedTable *secret_table_new(const SecretBackend *backend, EventBus *bus)
{
    static const ManagedBackend managed = { .check = secret_check, .keep = secret_keep };
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
    if (backend->set_value && def->ephemeral != TRISTATE_YES ? backend->set_value(def, value, size, backend->opaque) < 0
                                                              : value_store(obj->data, value, size) < 0)
        return -1;
    managed_table_emit(obj->table, event_secret_value_changed_new(secret_def_usage_id(def), obj->entry.uuid,
                                                                  secret_def_usage_type(def)));
    return 0;
}

int secret_undefine(ManagedJob *job)
{
    if (managed_undefine(job) < 0)
        return -1;
    value_replace(job->obj->data, NULL, 0);
    return 0;
}
