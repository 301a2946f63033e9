/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drivers and how a connection finds its own. A ConnectDriver serves URI schemes and fills the function
 * tables of a connection; a StateDriver is what a process that owns guests (the daemon, or a program
 * with an embedded driver) starts once, before connections are opened.
 */
#pragma once
#include "core/objects.h"

/** A parsed connection URI: driver[+transport]://[user@][host][:port]/[path][?params]. All strings owned; NULL if absent. */
struct Uri {
    char *scheme;      /* driver, "+transport" cut off */
    char *transport;   /* "unix", "tls", …; NULL if none was named */
    char *user, *server;
    int port;          /* 0 if none was named */
    char *path;        /* never NULL; "" if none */
    GHashTable *params;/* name -> value, unescaped */
    char *text;        /* as given */
};

/** Parse a URI; NULL with VIR_ERR_INVALID_ARG set. Free with uri_free(). */
Uri *uri_parse(const char *text);
void uri_free(Uri *uri);
const char *uri_param(const Uri *uri, const char *name);

typedef enum { OPEN_ERROR = -1, OPEN_DECLINED = 0, OPEN_OK = 1 } OpenResult;

struct ConnectDriver {
    const char *name;                 /* what virConnectGetType() answers, "QEMU" */
    const char *const *schemes;       /* NULL terminated URI schemes served; NULL: any */
    int error_domain;                 /* of errors about its domains, VIR_FROM_QEMU; 0: VIR_FROM_DOMAIN */
    gboolean node;                    /* its connections have what this host has beside guests (core/node.h) */
    gboolean local;                   /* must run in the process that owns the state (needs its StateDriver) */
    /** Serve @conn (uri and flags are set) or decline. On OPEN_OK conn->data is the driver's until close(). */
    OpenResult (*open)(virConnectPtr conn, virConnectAuthPtr auth);
    void (*close)(virConnectPtr conn);
    const HypervisorDriver *hypervisor;
    const NetworkDriver *network;
    const HostInterfaceDriver *interface;
    const NodedevDriver *nodedev;
    const NwfilterDriver *nwfilter;
    const SecretDriver *secret;
    const StorageDriver *storage;
};

/** The error domain of the driver that this thread's call goes to. */
extern _Thread_local int api_error_domain;
/** This thread's call is one on @conn: said by every entry point, so that no error is that of another call. */
void driver_serves(virConnectPtr conn);

typedef struct Loop Loop;
typedef struct Pool Pool;

/** What a state driver is started with. */
typedef struct StateContext {
    const char *root;       /* directory under which every path lies; "" for the real ones */
    gboolean privileged;    /* system (TRUE) or session paths */
    gboolean embedded;      /* inside a program rather than the daemon */
    gboolean monolithic;
    Loop *loop;             /* the I/O loop, already running or about to */
    Pool *pool;       /* workers */
} StateContext;

typedef struct StateDriver {
    const char *name;
    int (*start)(const StateContext *ctx);  /* load objects, find running guests, autostart; 0 or -1 */
    void (*reload)(void);                   /* SIGHUP; may be NULL */
    void (*stop)(void);                     /* let go of everything; guests go on */
    gboolean (*busy)(void);                 /* has active guests (keeps a --timeout daemon alive); may be NULL */
} StateDriver;

/** Register drivers; kept by reference, never freed. Later ones are asked later. */
void driver_register(const ConnectDriver *driver);
void state_driver_register(const StateDriver *driver);

/** Registered drivers in order, NULL behind the last. */
const ConnectDriver *driver_nth(guint n);
const StateDriver *state_driver_nth(guint n);

/** Names of the modules in the order of their start (guests need networks), NULL behind the last. */
extern const char *const driver_modules[];
/** Symbol of the module @file in the folder of modules (environment LIBVIRT_DRIVER_DIR goes before the installed one), which stays
 * loaded. NULL with VIR_ERR_NO_SUPPORT if the module isn't there or can't be loaded. */
void *driver_module_symbol(const char *file, const char *symbol);

/** Load the module libvirt_driver_NAME.so (environment LIBVIRT_DRIVER_DIR goes before the installed folder)
 * and run its exported `void NAME_driver_register(void)`. 0, or -1 with the error set; twice is harmless. */
int driver_module_load(const char *name);
