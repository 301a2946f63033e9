/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locking: a registry has one mutex, held only to read or change its list; callbacks run without it.
 * A bus has a mutex over its list of registries; emit takes a snapshot, so that a subscriber may come or
 * go from within a callback. A public callback is marked as running while it runs and its free function
 * is called after it has returned, never under it.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/event.h"
#include "base/error.h"
#include "core/event_table.h"
#include "core/event_values.h"
#include "lib/event_impl.h"

typedef struct Callback {
    gint refs;
    int id;
    EventFamily family;
    int event;
    int remote_id;           /* -1: not tied to a server's registration */
    gboolean has_object;
    EventObject object;
    char *name;              /* monitor events: the one name that is wanted; NULL for all */
    gboolean nocase;
    GRegex *pattern;         /* … or a pattern of names */
    PublicCallback cb;
    EventFn fn;
    void *opaque;
    virFreeCallback free_cb;
    gint dead;
} Callback;

struct EventRegistry {
    gint refs;
    GMutex lock;
    GPtrArray *callbacks;
    int next_id;
    GPtrArray *buses;        /* of EventBus; changed while the connection is opened only */
    GQueue queue;            /* Pending, for the program's loop */
    int timer;               /* event_impl timer that delivers them; -1 none */
    virConnectPtr conn;      /* not a reference; cleared under lock when the connection goes */
};

typedef struct Pending {
    Event *event;
    Callback *callback;
} Pending;

struct EventBus {
    gint refs;
    GMutex lock;
    GPtrArray *registries;
};

/* Events */

Event *event_new(const EventDesc *desc, const char *name, const unsigned char *uuid, int id)
{
    Event *event = g_new0(Event, 1);
    event->refs = 1;
    event->desc = desc;
    event->object.name = g_strdup(name);
    event->object.id = id;
    event->remote_id = -1;
    if (uuid)
        memcpy(event->object.uuid, uuid, VIR_UUID_BUFLEN);
    return event;
}

Event *event_ref(Event *event)
{
    g_atomic_int_inc(&event->refs);
    return event;
}

void event_unref(Event *event)
{
    if (!event || !g_atomic_int_dec_and_test(&event->refs))
        return;
    g_free(event->object.name);
    for (guint i = 0; i < EVENT_VALUES_MAX; i++) {
        g_free(event->values[i].s);
        virTypedParamsFree(event->values[i].params, event->values[i].n_params);
        event_address_free(event->values[i].address);
        event_subject_free(event->values[i].subject);
    }
    g_free(event);
}

virDomainEventGraphicsAddress *event_address_copy(const virDomainEventGraphicsAddress *address)
{
    virDomainEventGraphicsAddress *copy = g_new0(virDomainEventGraphicsAddress, 1);
    copy->family = address->family;
    copy->node = g_strdup(address->node);
    copy->service = g_strdup(address->service);
    return copy;
}

void event_address_free(virDomainEventGraphicsAddress *address)
{
    if (!address)
        return;
    g_free(address->node);
    g_free(address->service);
    g_free(address);
}

virDomainEventGraphicsSubject *event_subject_copy(const virDomainEventGraphicsSubject *subject)
{
    virDomainEventGraphicsSubject *copy = g_new0(virDomainEventGraphicsSubject, 1);
    copy->nidentity = subject->nidentity;
    copy->identities = g_new0(virDomainEventGraphicsSubjectIdentity, MAX(subject->nidentity, 1));
    for (int i = 0; i < subject->nidentity; i++) {
        copy->identities[i].type = g_strdup(subject->identities[i].type);
        copy->identities[i].name = g_strdup(subject->identities[i].name);
    }
    return copy;
}

void event_subject_free(virDomainEventGraphicsSubject *subject)
{
    if (!subject)
        return;
    for (int i = 0; i < subject->nidentity; i++) {
        g_free(subject->identities[i].type);
        g_free(subject->identities[i].name);
    }
    g_free(subject->identities);
    g_free(subject);
}

const EventDesc *event_desc(EventFamily family, int id)
{
    for (guint i = 0; i < EVENT_DESCS; i++)
        if (event_descs[i].family == family && event_descs[i].id == id)
            return &event_descs[i];
    return NULL;
}

const EventDesc *event_desc_by_proc(EventFamily family, int proc)
{
    for (guint i = 0; i < EVENT_DESCS; i++)
        if ((event_descs[i].family == EVENT_QEMU_MONITOR) == (family == EVENT_QEMU_MONITOR) &&
            (event_descs[i].proc == proc || event_descs[i].legacy_proc == proc))
            return &event_descs[i];
    return NULL;
}

/* Callbacks */

static void callback_unref(Callback *callback)
{
    if (!g_atomic_int_dec_and_test(&callback->refs))
        return;
    if (callback->free_cb)
        callback->free_cb(callback->opaque);
    if (callback->pattern)
        g_regex_unref(callback->pattern);
    g_free(callback->name);
    g_free(callback->object.name);
    g_free(callback);
}

static gboolean name_matches(const Callback *callback, const char *name)
{
    if (callback->pattern)
        return g_utf8_validate(name, -1, NULL) && g_regex_match(callback->pattern, name, 0, NULL);
    if (!callback->name)
        return TRUE;
    return callback->nocase ? g_ascii_strcasecmp(callback->name, name) == 0 : g_str_equal(callback->name, name);
}

static gboolean callback_wants(const Callback *callback, const Event *event)
{
    if (callback->family != event->desc->family || callback->event != event->desc->id)
        return FALSE;
    if (event->remote_id != callback->remote_id)
        return FALSE;
    if (event->remote_id < 0 && !name_matches(callback, event->values[0].s))
        return FALSE;
    if (!callback->has_object)
        return TRUE;
    if (callback->family == EVENT_NODE_DEVICE)
        return g_strcmp0(callback->object.name, event->object.name) == 0;
    return memcmp(callback->object.uuid, event->object.uuid, VIR_UUID_BUFLEN) == 0;
}

/* Registry */

static void registry_unref(EventRegistry *registry)
{
    if (!g_atomic_int_dec_and_test(&registry->refs))
        return;
    g_ptr_array_unref(registry->callbacks);
    g_ptr_array_unref(registry->buses);
    g_mutex_clear(&registry->lock);
    g_free(registry);
}

static void registry_unref_opaque(void *opaque)
{
    registry_unref(opaque);
}

EventRegistry *event_registry_new(void)
{
    EventRegistry *registry = g_new0(EventRegistry, 1);
    registry->refs = 1;
    registry->timer = -1;
    g_mutex_init(&registry->lock);
    registry->callbacks = g_ptr_array_new_with_free_func((GDestroyNotify) callback_unref);
    registry->buses = g_ptr_array_new_with_free_func((GDestroyNotify) event_bus_unref);
    return registry;
}

static void pending_free(gpointer data)
{
    Pending *pending = data;
    event_unref(pending->event);
    callback_unref(pending->callback);
    g_free(pending);
}

void event_registry_clear(EventRegistry *registry)
{
    g_mutex_lock(&registry->lock);
    GPtrArray *callbacks = registry->callbacks;
    registry->callbacks = g_ptr_array_new_with_free_func((GDestroyNotify) callback_unref);
    for (guint i = 0; i < callbacks->len; i++)
        g_atomic_int_set(&((Callback *) callbacks->pdata[i])->dead, 1);
    GList *pending = registry->queue.head;
    g_queue_init(&registry->queue);
    int timer = registry->timer;
    registry->timer = -1;
    g_mutex_unlock(&registry->lock);
    if (timer >= 0)
        virEventRemoveTimeout(timer);
    g_list_free_full(pending, pending_free);
    g_ptr_array_unref(callbacks);
}

void event_registry_free(EventRegistry *registry)
{
    if (!registry)
        return;
    for (guint i = 0; i < registry->buses->len; i++) {
        EventBus *bus = registry->buses->pdata[i];
        g_mutex_lock(&bus->lock);
        if (g_ptr_array_remove(bus->registries, registry))
            registry_unref(registry);
        g_mutex_unlock(&bus->lock);
    }
    event_registry_clear(registry);
    g_mutex_lock(&registry->lock);
    registry->conn = NULL;
    g_mutex_unlock(&registry->lock);
    g_ptr_array_set_size(registry->buses, 0);
    registry_unref(registry);
}

void event_registry_attach(EventRegistry *registry, EventBus *bus)
{
    g_ptr_array_add(registry->buses, event_bus_ref(bus));
    g_mutex_lock(&bus->lock);
    g_atomic_int_inc(&registry->refs);
    g_ptr_array_add(bus->registries, registry);
    g_mutex_unlock(&bus->lock);
}

/* The handle that a public callback is given. */
static void *object_for(virConnectPtr conn, const Event *event)
{
    const EventObject *o = &event->object;
    switch (event->desc->family) {
    case EVENT_DOMAIN: case EVENT_QEMU_MONITOR: return domain_handle_new(conn, o->name, o->uuid, o->id);
    case EVENT_NETWORK: return network_handle_new(conn, o->name, o->uuid);
    case EVENT_STORAGE_POOL: return storage_pool_handle_new(conn, o->name, o->uuid);
    case EVENT_NODE_DEVICE: return node_device_handle_new(conn, o->name);
    case EVENT_SECRET: return secret_handle_new(conn, o->uuid, o->id, o->name);
    case EVENT_FAMILIES: break;
    }
    return NULL;
}

/* Runs in the program's event loop: deliver what has been queued. */
static void registry_deliver(int timer, void *opaque)
{
    EventRegistry *registry = opaque;
    g_mutex_lock(&registry->lock);
    virConnectPtr conn = registry->conn ? object_ref(registry->conn) : NULL;
    if (timer == registry->timer)
        virEventUpdateTimeout(timer, -1);
    GQueue queue = registry->queue;
    g_queue_init(&registry->queue);
    g_mutex_unlock(&registry->lock);

    for (GList *l = queue.head; l; l = l->next) {
        Pending *pending = l->data;
        if (conn && !g_atomic_int_get(&pending->callback->dead)) {
            void *object = object_for(conn, pending->event);
            event_call(pending->event, pending->callback->cb, conn, object, pending->callback->opaque);
            object_unref(object);
        }
        pending_free(pending);
    }
    g_list_free(queue.head);
    object_unref(conn);
}

/* Called by the bus, any thread. */
static void registry_take(EventRegistry *registry, Event *event)
{
    g_autoptr(GPtrArray) now = g_ptr_array_new();
    g_mutex_lock(&registry->lock);
    for (guint i = 0; i < registry->callbacks->len; i++) {
        Callback *callback = registry->callbacks->pdata[i];
        if (!callback_wants(callback, event))
            continue;
        g_atomic_int_inc(&callback->refs);
        if (callback->fn) {
            g_ptr_array_add(now, callback);
            continue;
        }
        Pending *pending = g_new(Pending, 1);
        pending->event = event_ref(event);
        pending->callback = callback;
        g_queue_push_tail(&registry->queue, pending);
        if (registry->timer >= 0)
            virEventUpdateTimeout(registry->timer, 0);
    }
    g_mutex_unlock(&registry->lock);
    for (guint i = 0; i < now->len; i++) {
        Callback *callback = now->pdata[i];
        if (!g_atomic_int_get(&callback->dead))
            callback->fn(event, callback->id, callback->opaque);
        callback_unref(callback);
    }
}

/* A public callback needs the program's event loop; the first one sets up the timer that delivers. */
static int registry_need_timer(EventRegistry *registry)
{
    if (registry->timer >= 0)
        return 0;
    if (!event_impl_registered())
        return FAIL(VIR_ERR_INTERNAL_ERROR, "no event loop: call virEventRegisterDefaultImpl() or "
                    "virEventRegisterImpl() before opening the connection");
    g_atomic_int_inc(&registry->refs);
    registry->timer = virEventAddTimeout(-1, registry_deliver, registry, registry_unref_opaque);
    if (registry->timer < 0) {
        registry_unref(registry);
        return FAIL(VIR_ERR_INTERNAL_ERROR, "cannot add a timer to the event loop");
    }
    return 0;
}

static int registry_add(virConnectPtr conn, Callback *callback)
{
    EventRegistry *registry = conn->events;
    g_mutex_lock(&registry->lock);
    for (guint i = 0; callback->cb && i < registry->callbacks->len; i++) {
        Callback *other = registry->callbacks->pdata[i];
        if (other->cb == callback->cb && other->family == callback->family && other->event == callback->event &&
            other->opaque == callback->opaque && other->has_object == callback->has_object && callback->family != EVENT_QEMU_MONITOR &&
            (!other->has_object || memcmp(other->object.uuid, callback->object.uuid, VIR_UUID_BUFLEN) == 0)) {
            g_mutex_unlock(&registry->lock);
            return FAIL(VIR_ERR_INTERNAL_ERROR, "this callback is already registered for the event");
        }
    }
    if (callback->cb && registry_need_timer(registry) < 0) {
        g_mutex_unlock(&registry->lock);
        return -1;
    }
    registry->conn = conn;
    callback->id = registry->next_id++;
    g_ptr_array_add(registry->callbacks, callback);
    int id = callback->id;
    g_mutex_unlock(&registry->lock);
    return id;
}

static Callback *callback_new(EventFamily family, int id, const EventObject *object, PublicCallback cb, EventFn fn,
                              void *opaque)
{
    Callback *callback = g_new0(Callback, 1);
    callback->refs = 1;
    callback->family = family;
    callback->event = id;
    callback->remote_id = -1;
    callback->cb = cb;
    callback->fn = fn;
    callback->opaque = opaque;
    if (object) {
        callback->has_object = TRUE;
        callback->object = *object;
        callback->object.name = g_strdup(object->name);
    }
    return callback;
}

/* On failure the caller keeps the opaque, so its free function must not run. */
static int callback_add(virConnectPtr conn, Callback *callback, virFreeCallback free_cb)
{
    g_atomic_int_inc(&callback->refs);
    int id = registry_add(conn, callback);
    if (id >= 0)
        callback->free_cb = free_cb;
    else
        callback_unref(callback);
    callback_unref(callback);
    return id;
}

int event_register(virConnectPtr conn, EventFamily family, int id, const EventObject *object, PublicCallback cb,
                   EventFn fn, void *opaque, virFreeCallback free_cb)
{
    if (!conn->events->buses->len)
        return FAIL(VIR_ERR_NO_SUPPORT, "events");
    if (!event_desc(family, id))
        return FAIL(VIR_ERR_INVALID_ARG, "unknown event id %d", id);
    return callback_add(conn, callback_new(family, id, object, cb, fn, opaque), free_cb);
}

/* Long enough for any set of event names; the compiler of patterns is not made for hostile input. */
#define PATTERN_MAX 1024

static GRegex *compile_pattern(const char *pattern, gboolean nocase)
{
    g_autoptr(GError) error = NULL;
    if (strlen(pattern) > PATTERN_MAX || !g_utf8_validate(pattern, -1, NULL))
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "a pattern of event names must be UTF-8 and at most %d bytes long", PATTERN_MAX);
    GRegex *regex = g_regex_new(pattern, nocase ? G_REGEX_CASELESS : 0, 0, &error);
    if (!regex)
        error_report(ERROR_DOMAIN, VIR_ERR_INVALID_ARG, "'%s' is not a regular expression: %s", pattern, error->message);
    return regex;
}

int event_register_monitor(virConnectPtr conn, const EventObject *object, const char *pattern, unsigned int flags,
                           PublicCallback cb, EventFn fn, void *opaque, virFreeCallback free_cb)
{
    if (!conn->events->buses->len || !conn->hypervisor->domain_qemu_monitor_command) /* guests without a monitor tell nothing */
        return FAIL(VIR_ERR_NO_SUPPORT, "virConnectDomainQemuMonitorEventRegister");
    g_autoptr(GRegex) regex = NULL;
    gboolean is_regex = pattern && (flags & VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX);
    gboolean nocase = (flags & VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_NOCASE) != 0;
    if (is_regex && !(regex = compile_pattern(pattern, nocase)))
        return -1;
    Callback *callback = callback_new(EVENT_QEMU_MONITOR, 0, object, cb, fn, opaque);
    callback->pattern = g_steal_pointer(&regex);
    callback->name = is_regex ? NULL : g_strdup(pattern);
    callback->nocase = nocase;
    return callback_add(conn, callback, free_cb);
}

static Callback *registry_steal(EventRegistry *registry, EventFamily family, int callback_id)
{
    for (guint i = 0; i < registry->callbacks->len; i++) {
        Callback *callback = registry->callbacks->pdata[i];
        if (callback->id == callback_id && callback->family == family) {
            g_atomic_int_set(&callback->dead, 1);
            return g_ptr_array_steal_index(registry->callbacks, i);
        }
    }
    return NULL;
}

int event_deregister(virConnectPtr conn, EventFamily family, int callback_id)
{
    EventRegistry *registry = conn->events;
    g_mutex_lock(&registry->lock);
    Callback *callback = registry_steal(registry, family, callback_id);
    g_mutex_unlock(&registry->lock);
    if (!callback)
        return FAIL(VIR_ERR_INVALID_ARG, "no event callback with id %d", callback_id);
    callback_unref(callback);
    return 0;
}

guint event_registry_count(EventRegistry *registry, EventFamily family, int id)
{
    guint n = 0;
    g_mutex_lock(&registry->lock);
    for (guint i = 0; i < registry->callbacks->len; i++) {
        Callback *callback = registry->callbacks->pdata[i];
        n += callback->family == family && callback->event == id;
    }
    g_mutex_unlock(&registry->lock);
    return n;
}

int event_registry_event_of(EventRegistry *registry, EventFamily family, int callback_id)
{
    int id = -1;
    g_mutex_lock(&registry->lock);
    for (guint i = 0; i < registry->callbacks->len; i++) {
        Callback *callback = registry->callbacks->pdata[i];
        if (callback->id == callback_id && callback->family == family)
            id = callback->event;
    }
    g_mutex_unlock(&registry->lock);
    return id;
}

void event_registry_set_remote(EventRegistry *registry, EventFamily family, int callback_id, int remote_id)
{
    g_mutex_lock(&registry->lock);
    for (guint i = 0; i < registry->callbacks->len; i++) {
        Callback *callback = registry->callbacks->pdata[i];
        if (callback->id == callback_id && callback->family == family)
            callback->remote_id = remote_id;
    }
    g_mutex_unlock(&registry->lock);
}

int event_registry_remote(EventRegistry *registry, EventFamily family, int callback_id)
{
    int remote_id = -1;
    g_mutex_lock(&registry->lock);
    for (guint i = 0; i < registry->callbacks->len; i++) {
        Callback *callback = registry->callbacks->pdata[i];
        if (callback->id == callback_id && callback->family == family)
            remote_id = callback->remote_id;
    }
    g_mutex_unlock(&registry->lock);
    return remote_id;
}

int event_registry_find(EventRegistry *registry, EventFamily family, int id, PublicCallback cb)
{
    int found = -1;
    g_mutex_lock(&registry->lock);
    for (guint i = 0; i < registry->callbacks->len; i++) {
        Callback *callback = registry->callbacks->pdata[i];
        if (callback->cb == cb && callback->family == family && callback->event == id)
            found = callback->id;
    }
    g_mutex_unlock(&registry->lock);
    return found;
}

/* Bus */

EventBus *event_bus_new(void)
{
    EventBus *bus = g_new0(EventBus, 1);
    bus->refs = 1;
    g_mutex_init(&bus->lock);
    bus->registries = g_ptr_array_new();
    return bus;
}

EventBus *event_bus_ref(EventBus *bus)
{
    g_atomic_int_inc(&bus->refs);
    return bus;
}

void event_bus_unref(EventBus *bus)
{
    if (!bus || !g_atomic_int_dec_and_test(&bus->refs))
        return;
    g_ptr_array_unref(bus->registries);
    g_mutex_clear(&bus->lock);
    g_free(bus);
}

void event_emit(EventBus *bus, Event *event)
{
    g_mutex_lock(&bus->lock);
    g_autoptr(GPtrArray) registries = g_ptr_array_copy(bus->registries, NULL, NULL);
    for (guint i = 0; i < registries->len; i++)
        g_atomic_int_inc(&((EventRegistry *) registries->pdata[i])->refs);
    g_mutex_unlock(&bus->lock);
    for (guint i = 0; i < registries->len; i++) {
        registry_take(registries->pdata[i], event);
        registry_unref(registries->pdata[i]);
    }
    event_unref(event);
}
