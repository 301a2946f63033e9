/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening and closing connections. The URI decides: a transport or a host means the remote driver; else
 * the first driver of this process that serves the scheme; else the remote driver asks the local daemon.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN /* what the functions of connections report in */
#define LOG_SOURCE "lib.connect"
#include "base/error.h"
#include "base/log.h"
#include "core/event.h"
#include "core/node.h"
#include "lib/client_conf.h"
#include "lib/embed.h"
#include "lib/entry.h"
#include "remote/remote.h"
#include <libxml/parser.h>

/* The test driver registers itself when it is built in. */
void test_driver_register(void) __attribute__((weak));

static gboolean is_daemon;

void lib_set_daemon(void)
{
    is_daemon = TRUE;
}

gboolean lib_is_daemon(void)
{
    return is_daemon;
}

/* The program's user may want to see what we do. A typing error in that must not keep the program from working. */
static void take_log_settings(void)
{
    virErrorPtr before = error_save();
    if (log_set_from_environment() < 0)
        LOG_ERROR("%s", error_message());
    error_restore(before);
}

int lib_initialize(void)
{
    static gsize once;
    if (g_once_init_enter(&once)) {
        xmlInitParser();
        if (test_driver_register)
            test_driver_register();
        if (!is_daemon) {
            remote_driver_register();
            take_log_settings();
        }
        g_once_init_leave(&once, 1);
    }
    return 0;
}

int virInitialize(void)
{
    return lib_initialize();
}

int virGetVersion(unsigned long *libVer, const char *type, unsigned long *typeVer)
{
    virResetLastError();
    if (entry_nonnull(libVer, "libVer", __func__) < 0) {
        error_dispatch(NULL);
        return -1;
    }
    *libVer = LIBVIR_VERSION_NUMBER;
    if (typeVer)
        *typeVer = LIBVIR_VERSION_NUMBER;
    return 0;
}

void connect_use_driver(virConnectPtr conn, const ConnectDriver *driver)
{
    conn->driver = driver;
    conn->hypervisor = driver->hypervisor;
    conn->network = driver->network;
    conn->interface = driver->interface;
    conn->nodedev = driver->nodedev;
    conn->nwfilter = driver->nwfilter;
    conn->secret = driver->secret;
    conn->storage = driver->storage;
}

static gboolean serves(const ConnectDriver *driver, const Uri *uri)
{
    if (!driver->schemes)
        return TRUE;
    /* a transport or a host means: not here */
    if (uri->transport || uri->server)
        return FALSE;
    return g_strv_contains(driver->schemes, uri->scheme);
}

/* Drivers of this process come before the one that takes any URI elsewhere. */
static OpenResult connect_among(virConnectPtr conn, virConnectAuthPtr auth, gboolean any)
{
    for (guint i = 0; driver_nth(i); i++) {
        const ConnectDriver *driver = driver_nth(i);
        if ((driver->schemes == NULL) != any || !serves(driver, conn->uri))
            continue;
        connect_use_driver(conn, driver);
        switch (driver->open(conn, auth)) {
        case OPEN_OK:
            if (driver->node)
                node_attach(conn);
            return OPEN_OK;
        case OPEN_DECLINED: break;
        case OPEN_ERROR:
            conn->driver = NULL;
            return OPEN_ERROR;
        }
        conn->driver = NULL;
    }
    return OPEN_DECLINED;
}

static int connect_to(virConnectPtr conn, virConnectAuthPtr auth)
{
    OpenResult result = connect_among(conn, auth, FALSE);
    if (result == OPEN_DECLINED)
        result = connect_among(conn, auth, TRUE);
    if (result != OPEN_DECLINED)
        return result == OPEN_OK ? 0 : -1;
    error_report(VIR_FROM_NONE, VIR_ERR_NO_CONNECT, "'%s'", conn->uri->text);
    return -1;
}

static virConnectPtr connect_open(const char *name, virConnectAuthPtr auth, unsigned int flags, gboolean for_reader)
{
    if (lib_initialize() < 0)
        return NULL;
    g_autofree char *uri = error_check_flags(VIR_FROM_NONE, "virConnectOpenAuth", flags, VIR_CONNECT_RO | VIR_CONNECT_NO_ALIASES) < 0
                               ? NULL : client_conf_uri(name, flags);
    if (!uri)
        return NULL;
    g_autoptr(virConnect) conn = connect_new();
    conn->flags = flags;
    conn->for_reader = for_reader;
    conn->uri = uri_parse(uri);
    if (!conn->uri)
        return NULL;
    if (!is_daemon && embed_wanted(conn->uri) && embed_start(conn->uri) < 0)
        return NULL;
    if (connect_to(conn, auth) < 0)
        return NULL;
    return g_steal_pointer(&conn);
}

virConnectPtr lib_open_for_client(const char *name, unsigned int flags, gboolean reader)
{
    return connect_open(name, NULL, reader ? flags | VIR_CONNECT_RO : flags, reader);
}

static virConnectPtr open_reporting(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
    virResetLastError();
    virConnectPtr conn = connect_open(name, auth, flags, FALSE);
    if (!conn)
        error_dispatch(NULL);
    return conn;
}

virConnectPtr virConnectOpen(const char *name)
{
    return open_reporting(name, NULL, 0);
}

virConnectPtr virConnectOpenReadOnly(const char *name)
{
    return open_reporting(name, NULL, VIR_CONNECT_RO);
}

virConnectPtr virConnectOpenAuth(const char *name, virConnectAuthPtr auth, unsigned int flags)
{
    return open_reporting(name, auth, flags);
}

int virConnectClose(virConnectPtr conn)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return -1;
    }
    int left = g_atomic_int_get(&conn->o.refs) - 1;
    object_unref(conn);
    return left > 0; /* whether it lives on, not how often */
}

const char *virConnectGetType(virConnectPtr conn)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return NULL;
    }
    if (!conn->hypervisor || !conn->hypervisor->connect_get_type)
        return conn->driver->name;
    const char *type = conn->hypervisor->connect_get_type(conn);
    if (!type)
        error_dispatch(conn);
    return type;
}

char *virConnectGetURI(virConnectPtr conn)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return NULL;
    }
    return g_strdup(conn->uri->text); /* what this end was opened with: a daemon knows another one */
}

int virConnectGetLibVersion(virConnectPtr conn, unsigned long *libVer)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0 ||
        entry_nonnull(libVer, "libVer", __func__) < 0) {
        entry_failed(conn);
        return -1;
    }
    *libVer = LIBVIR_VERSION_NUMBER;
    if (!conn->hypervisor || !conn->hypervisor->connect_get_lib_version)
        return 0;
    int ret = conn->hypervisor->connect_get_lib_version(conn, libVer);
    if (ret < 0)
        error_dispatch(conn);
    return ret;
}

/* A connection to a driver in this process is alive, and as safe as the process itself. */
static int ask_or(virConnectPtr conn, int (*ask)(virConnectPtr), int local, const char *func)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, func) < 0) {
        error_dispatch(NULL);
        return -1;
    }
    int ret = ask ? ask(conn) : local;
    if (ret < 0)
        error_dispatch(conn);
    return ret;
}

#define MEMBER(conn, member) (object_is(conn, OBJECT_CONNECT) && (conn)->hypervisor ? (conn)->hypervisor->member : NULL)

int virConnectIsAlive(virConnectPtr conn)
{
    return ask_or(conn, MEMBER(conn, connect_is_alive), 1, __func__);
}

int virConnectIsSecure(virConnectPtr conn)
{
    return ask_or(conn, MEMBER(conn, connect_is_secure), 1, __func__);
}

int virConnectIsEncrypted(virConnectPtr conn)
{
    return ask_or(conn, MEMBER(conn, connect_is_encrypted), 0, __func__);
}

int virConnectSetKeepAlive(virConnectPtr conn, int interval, unsigned int count)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return -1;
    }
    if (!conn->hypervisor || !conn->hypervisor->connect_set_keep_alive) {
        entry_unsupported(conn, __func__); /* nothing between us and the driver that could die */
        return -1;
    }
    int ret = conn->hypervisor->connect_set_keep_alive(conn, interval, count);
    if (ret < 0)
        error_dispatch(conn);
    return ret;
}

int virConnectSetIdentity(virConnectPtr conn, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0) {
        error_dispatch(NULL);
        return -1;
    }
    if (!conn->hypervisor || !conn->hypervisor->connect_set_identity) {
        entry_unsupported(conn, __func__);
        return -1;
    }
    int ret = conn->hypervisor->connect_set_identity(conn, params, nparams, flags);
    if (ret < 0)
        error_dispatch(conn);
    return ret;
}

int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb, void *opaque, virFreeCallback freecb)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0 ||
        entry_nonnull(cb, "cb", __func__) < 0) {
        entry_failed(conn);
        return -1;
    }
    g_mutex_lock(&conn->lock);
    gboolean taken = conn->close_cb != NULL;
    if (!taken) {
        conn->close_cb = cb;
        conn->close_opaque = opaque;
        conn->close_free = freecb;
    }
    g_mutex_unlock(&conn->lock);
    if (!taken)
        return 0;
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "a close callback is already registered");
    error_dispatch(conn);
    return -1;
}

int virConnectUnregisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb)
{
    virResetLastError();
    if (entry_check(conn, OBJECT_CONNECT, ENTRY_READ, __func__) < 0 ||
        entry_nonnull(cb, "cb", __func__) < 0) {
        entry_failed(conn);
        return -1;
    }
    g_mutex_lock(&conn->lock);
    gboolean found = conn->close_cb == cb;
    virFreeCallback free_cb = found ? conn->close_free : NULL;
    void *opaque = conn->close_opaque;
    if (found) {
        conn->close_cb = NULL;
        conn->close_free = NULL;
        conn->close_opaque = NULL;
    }
    g_mutex_unlock(&conn->lock);
    if (free_cb)
        free_cb(opaque);
    if (found)
        return 0;
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "this close callback is not registered");
    error_dispatch(conn);
    return -1;
}

/* The program that wants its own credentials asked on the terminal. */
static int auth_default(virConnectCredentialPtr cred, unsigned int ncred, void *cbdata)
{
    for (unsigned int i = 0; i < ncred; i++) {
        char line[1024];
        if (cred[i].type == VIR_CRED_EXTERNAL)
            return -1;
        gboolean hidden = cred[i].type == VIR_CRED_PASSPHRASE || cred[i].type == VIR_CRED_NOECHOPROMPT;
        const char *answer = NULL;
        if (hidden) {
            answer = getpass(cred[i].prompt);
        } else {
            printf("%s: ", cred[i].prompt);
            fflush(stdout);
            if (fgets(line, sizeof(line), stdin))
                answer = g_strchomp(line);
        }
        if (!answer)
            return -1;
        cred[i].result = g_strdup(*answer || !cred[i].defresult ? answer : cred[i].defresult);
        cred[i].resultlen = strlen(cred[i].result);
    }
    return 0;
}

static int auth_default_types[] = {
    VIR_CRED_AUTHNAME, VIR_CRED_ECHOPROMPT, VIR_CRED_REALM, VIR_CRED_PASSPHRASE,
    VIR_CRED_NOECHOPROMPT, VIR_CRED_EXTERNAL,
};
static virConnectAuth auth_default_record = {
    auth_default_types, G_N_ELEMENTS(auth_default_types), auth_default, NULL,
};

virConnectAuthPtr virConnectAuthPtrDefault = &auth_default_record;
