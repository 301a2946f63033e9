/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events. A driver emits an Event on its EventBus. Each connection has an EventRegistry with the
 * callbacks that were registered on it; the registry subscribes to the bus of the connection's driver.
 * A program's callbacks run from its event loop (virEventRunDefaultImpl or its own); internal
 * subscribers (the daemon) are called at once in the emitting thread and must not block.
 * What each event carries stands in api/events.api; event_table.h has a typed constructor per event.
 */
#pragma once
#include "core/objects.h"

typedef enum {
    EVENT_DOMAIN, EVENT_NETWORK, EVENT_STORAGE_POOL, EVENT_NODE_DEVICE, EVENT_SECRET, EVENT_QEMU_MONITOR,
    EVENT_FAMILIES
} EventFamily;

/** A callback of the program, cast by event_call() to what its event demands. */
typedef void (*PublicCallback)(void);

#define EVENT_VALUES_MAX 5

/** One value that an event carries; which member is in force stands in its EventDesc. */
typedef struct EventValue {
    long long l;                 /* 'i', 'u', 'l', 'L' */
    char *s;                     /* 's', 'S' (may be NULL) */
    virTypedParameterPtr params; /* 'p' */
    int n_params;
    virDomainEventGraphicsAddress *address;   /* 'a' */
    virDomainEventGraphicsSubject *subject;   /* 'j' */
} EventValue;

/** Static facts of one kind of event, generated. */
typedef struct EventDesc {
    EventFamily family;
    int id;                /* the public event id within its family */
    const char *name;
    const char *values;    /* one letter per value: i u l L (unsigned 64) s S p a j */
    int proc;              /* wire procedure that carries the callback id */
    int legacy_proc;       /* wire procedure without one, 0 if there is none */
    gboolean reason_first; /* the wire puts values[0] before the object */
} EventDesc;

/** The object an event is about. */
typedef struct EventObject {
    char *name;            /* secret: usage id */
    unsigned char uuid[VIR_UUID_BUFLEN];
    int id;                /* domain: id; secret: usage type */
} EventObject;

typedef struct Event {
    gint refs;
    const EventDesc *desc;
    EventObject object;
    int remote_id;         /* from a server: meant for the callbacks of this registration alone; -1 for all */
    EventValue values[EVENT_VALUES_MAX];
} Event;

/** New event without values. @uuid NULL for node devices. */
Event *event_new(const EventDesc *desc, const char *name, const unsigned char *uuid, int id);
Event *event_ref(Event *event);
void event_unref(Event *event);

/** The descriptor of an event id, NULL if unknown. */
const EventDesc *event_desc(EventFamily family, int id);
/** The descriptor carried by a wire procedure (with a callback id, or a legacy one). */
const EventDesc *event_desc_by_proc(EventFamily family, int proc);

typedef struct EventBus EventBus;
EventBus *event_bus_new(void);
EventBus *event_bus_ref(EventBus *bus);
void event_bus_unref(EventBus *bus);

/** Give @event (reference taken over) to everybody who registered for it. Callable from any thread, with
 * any lock held that subscribers don't take. */
void event_emit(EventBus *bus, Event *event);

/** Internal subscriber; runs in the emitting thread. */
typedef void (*EventFn)(Event *event, int callback_id, void *opaque);

EventRegistry *event_registry_new(void);
/** Drops all callbacks; their free functions run. None runs afterwards. */
void event_registry_free(EventRegistry *registry);
/** Drop all callbacks but keep the registry. */
void event_registry_clear(EventRegistry *registry);
/** Subscribe the connection's callbacks to a bus (reference taken). In the driver's open(), for each bus that tells of the
 * connection's objects. */
void event_registry_attach(EventRegistry *registry, EventBus *bus);

/** Register a callback: public (@cb) or internal (@fn), for one object (@object non-NULL: by UUID, node devices
 * by name) or all. Returns the callback id, or -1 (no bus: VIR_ERR_NO_SUPPORT; unknown @id: VIR_ERR_INVALID_ARG). */
int event_register(virConnectPtr conn, EventFamily family, int id, const EventObject *object,
                   PublicCallback cb, EventFn fn, void *opaque, virFreeCallback free_cb);

/** As event_register() for QEMU monitor events. @pattern NULL, a name, or a regular expression by @flags. */
int event_register_monitor(virConnectPtr conn, const EventObject *object, const char *pattern, unsigned int flags,
                           PublicCallback cb, EventFn fn, void *opaque, virFreeCallback free_cb);

/** Forget a callback. 0, or -1 (VIR_ERR_INVALID_ARG) if @family has none with this id. */
int event_deregister(virConnectPtr conn, EventFamily family, int callback_id);

/** Tie a callback to the number under which a server knows it: it gets only events that carry it. */
void event_registry_set_remote(EventRegistry *registry, EventFamily family, int callback_id, int remote_id);
int event_registry_remote(EventRegistry *registry, EventFamily family, int callback_id);

/** How many callbacks of (family, id) exist (any object if @object is NULL); @callback_id: what the registry answers. */
guint event_registry_count(EventRegistry *registry, EventFamily family, int id);
/** Family event id of a callback id, -1 if there is none. */
int event_registry_event_of(EventRegistry *registry, EventFamily family, int callback_id);
/** The callback id of a function registered for (family, id), -1 if there is none (old-style deregistration by pointer). */
int event_registry_find(EventRegistry *registry, EventFamily family, int id, PublicCallback cb);

/** Call a public callback with an event's values (generated). */
void event_call(const Event *event, PublicCallback cb, virConnectPtr conn, void *object, void *opaque);
