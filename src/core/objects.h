/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The handles that the public API gives out: connection, domain, network, … A handle is a name for an
 * object of a driver (name, UUID, id at the time it was made) and a reference to its connection; the
 * object itself lives in the driver's store. Handles are reference counted and immutable but for a
 * domain's id.
 */
#pragma once
#include <glib.h>
#include "core/driver_table.h"

/** First word of each handle; tells a valid handle from garbage. */
typedef enum {
    OBJECT_CONNECT = 0x76c0a0c1, OBJECT_DOMAIN, OBJECT_NETWORK, OBJECT_NETWORK_PORT, OBJECT_INTERFACE,
    OBJECT_STORAGE_POOL, OBJECT_STORAGE_VOL, OBJECT_NODE_DEVICE, OBJECT_SECRET, OBJECT_STREAM, OBJECT_NWFILTER,
    OBJECT_NWFILTER_BINDING, OBJECT_DOMAIN_SNAPSHOT, OBJECT_DOMAIN_CHECKPOINT,
    OBJECT_ADM_CONNECT, OBJECT_ADM_SERVER, OBJECT_ADM_CLIENT
} ObjectClass;

/** What every handle begins with. */
typedef struct Object {
    guint32 magic;       /* an ObjectClass */
    gint refs;
    virConnectPtr conn;  /* owned reference; NULL for a connection */
} Object;

typedef struct EventRegistry EventRegistry;
typedef struct Uri Uri;
typedef struct ConnectDriver ConnectDriver;

struct _virConnect {
    Object o;
    GMutex lock;              /* guards handler, close callback, error */
    Uri *uri;                 /* parsed; owned */
    unsigned int flags;       /* virConnectFlags */
    gint gone;                /* atomic: the client that it is for has gone; what lasts may be given up */
    gboolean for_reader;      /* of a client that may only read, here in the daemon: its URI must not open files */
    const ConnectDriver *driver;
    const HypervisorDriver *hypervisor;
    const NetworkDriver *network;
    const HostInterfaceDriver *interface;
    const NodedevDriver *nodedev;
    const NwfilterDriver *nwfilter;
    const SecretDriver *secret;
    const StorageDriver *storage;
    void *data;               /* the driver's own, per connection; freed by its close() */
    struct ManagedTables *tables; /* what the functions for networks, pools … work on (core/managed.h); the driver's */
    EventRegistry *events;    /* callbacks registered on this connection */
    virErrorFunc handler;     /* virConnSetErrorFunc() */
    void *handler_data;
    virError err;             /* virConnGetLastError() */
    virConnectCloseFunc close_cb;
    void *close_opaque;
    virFreeCallback close_free;
};

struct _virDomain {
    Object o;
    char *name;
    int id;
    unsigned char uuid[VIR_UUID_BUFLEN];
    GSList *former; /* names before a rename */
};
struct _virNetwork { Object o; char *name; unsigned char uuid[VIR_UUID_BUFLEN]; };
struct _virNetworkPort { Object o; virNetworkPtr net; unsigned char uuid[VIR_UUID_BUFLEN]; };
struct _virInterface { Object o; char *name; char *mac; };
struct _virStoragePool { Object o; char *name; unsigned char uuid[VIR_UUID_BUFLEN]; };
struct _virStorageVol { Object o; char *pool; char *name; char *key; };
struct _virNodeDevice { Object o; char *name; char *parent; };
struct _virSecret { Object o; unsigned char uuid[VIR_UUID_BUFLEN]; int usageType; char *usageID; };
struct _virNWFilter { Object o; char *name; unsigned char uuid[VIR_UUID_BUFLEN]; };
struct _virNWFilterBinding { Object o; char *portdev; char *filtername; };
struct _virDomainSnapshot { Object o; virDomainPtr domain; char *name; };
struct _virDomainCheckpoint { Object o; virDomainPtr domain; char *name; };

typedef struct StreamDriver StreamDriver;
struct _virStream {
    Object o;
    unsigned int flags;           /* virStreamFlags */
    const StreamDriver *driver;   /* NULL until a call binds the stream */
    void *data;                   /* the driver's own */
    GDestroyNotify free_data;
};

/** What a stream is bound to. All results as the public functions of the same name. @since 0.7.2 */
struct StreamDriver {
    gboolean waits;               /* calls may wait for a disk: they are made without callbacks, on threads that may wait */
    int (*send)(virStreamPtr st, const char *data, size_t nbytes);
    int (*recv)(virStreamPtr st, char *data, size_t nbytes, unsigned int flags);
    /** As recv, a block at a time without a copy: *@data is in *@block, which is the caller's (rpc_block_free()). NULL: there are none. */
    int (*recv_block)(virStreamPtr st, guint8 **block, const char **data, unsigned int flags);
    /** As recv, into a pipe, without a copy; never waits for room in it: -2. -4: not from here, recv() can. NULL: nor from elsewhere. */
    int (*recv_pipe)(virStreamPtr st, int pipe, size_t nbytes, unsigned int flags);
    /** As send, what is in a pipe (@nbytes at least), without a copy where that can be. NULL: not from pipes. */
    int (*send_pipe)(virStreamPtr st, int pipe, size_t nbytes);
    int (*send_hole)(virStreamPtr st, long long length, unsigned int flags);
    int (*recv_hole)(virStreamPtr st, long long *length, unsigned int flags);
    int (*in_data)(virStreamPtr st, int *data, long long *length);
    int (*add_callback)(virStreamPtr st, int events, virStreamEventCallback cb, void *opaque, virFreeCallback ff);
    int (*update_callback)(virStreamPtr st, int events);
    int (*remove_callback)(virStreamPtr st);
    int (*finish)(virStreamPtr st);
    int (*abort)(virStreamPtr st);
};

/* Constructors: a new handle with one reference, holding one on @conn. Strings are copied. Never NULL. */
virConnectPtr connect_new(void);
virDomainPtr domain_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid, int id);
/** A handle's domain has another name from now on; who asked for the former one may keep it as long as the handle. */
void domain_handle_rename(virDomainPtr dom, const char *name);
virNetworkPtr network_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid);
virNetworkPortPtr network_port_handle_new(virNetworkPtr net, const unsigned char *uuid);
virInterfacePtr interface_handle_new(virConnectPtr conn, const char *name, const char *mac);
virStoragePoolPtr storage_pool_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid);
virStorageVolPtr storage_vol_handle_new(virConnectPtr conn, const char *pool, const char *name, const char *key);
virNodeDevicePtr node_device_handle_new(virConnectPtr conn, const char *name);
/** Tell a device's handle the name of its parent (copied; NULL: none), which lives as long as the handle. The first to tell
 * wins; gives what is kept. */
const char *node_device_handle_set_parent(virNodeDevicePtr dev, const char *parent);
virSecretPtr secret_handle_new(virConnectPtr conn, const unsigned char *uuid, int usage_type, const char *usage_id);
virNWFilterPtr nwfilter_handle_new(virConnectPtr conn, const char *name, const unsigned char *uuid);
virNWFilterBindingPtr nwfilter_binding_handle_new(virConnectPtr conn, const char *portdev, const char *filtername);
virDomainSnapshotPtr domain_snapshot_handle_new(virDomainPtr domain, const char *name);
virDomainCheckpointPtr domain_checkpoint_handle_new(virDomainPtr domain, const char *name);
virStreamPtr stream_handle_new(virConnectPtr conn, unsigned int flags);

/** Take one more reference on any handle; returns it. */
void *object_ref(void *handle);
/** The same for somebody who has no reference but knows that the memory is still there: FALSE if the last reference
 * is gone and the handle is on its way out. */
gboolean object_try_ref(void *handle);

/** Give a reference back (NULL is fine); the last one frees the handle. */
void object_unref(void *handle);

/** Whether @handle is a live handle of class @cls. */
gboolean object_is(const void *handle, ObjectClass cls);

/** The connection of any handle (the connection itself for one). */
virConnectPtr object_connect(void *handle);

/** Free an array of @n handles and the array. */
void object_list_free(void *list, size_t n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virConnect, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNetwork, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNetworkPort, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virInterface, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStoragePool, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStorageVol, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNodeDevice, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virSecret, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNWFilter, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNWFilterBinding, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomainSnapshot, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomainCheckpoint, object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStream, object_unref)
