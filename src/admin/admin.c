/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_ADMIN
#include "admin/admin_priv.h"
#include "base/error.h"
#include "lib/client_conf.h"
#include "core/driver.h"
#include "lib/event_impl.h"
#include "rpc/wire_protocol.h"
#include "remote/transport.h"

/* Reports */

int adm_failed(void)
{
    error_dispatch(NULL);
    return -1;
}

int adm_nonnull(const void *arg, const char *name, const char *func)
{
    if (arg)
        return 0;
    error_report(ERROR_DOMAIN, VIR_ERR_INVALID_ARG, "%s in %s must not be NULL", name, func);
    return adm_failed();
}

static int bad_handle(int code, const char *func)
{
    error_report(ERROR_DOMAIN, code, "%s", func);
    return adm_failed();
}

int adm_check_connect(virAdmConnectPtr conn, const char *func)
{
    return conn && conn->magic == ADM_CONNECT_MAGIC ? 0 : bad_handle(VIR_ERR_INVALID_CONN, func);
}

int adm_check_server(virAdmServerPtr srv, const char *func)
{
    return srv && srv->magic == ADM_SERVER_MAGIC ? 0 : bad_handle(VIR_ERR_INVALID_CONN, func);
}

int adm_check_client(virAdmClientPtr client, const char *func)
{
    return client && client->magic == ADM_CLIENT_MAGIC ? 0 : bad_handle(VIR_ERR_INVALID_CONN, func);
}

/* Calls */

void adm_call_begin(AdmCall *call)
{
    xdr_out_init(&call->out, RPC_MESSAGE_MAX);
    rpc_packet_begin(&call->out, -1);
}

int adm_call_run(AdmCall *call, virAdmConnectPtr conn, int procedure)
{
    int ret = rpc_client_call(conn->client, ADMIN_PROGRAM, ADMIN_PROTOCOL_VERSION, procedure, &call->out, NULL, 0, NULL,
                              &call->reply);
    xdr_out_clear(&call->out);
    if (ret < 0)
        return adm_failed();
    xdr_in_init(&call->in, call->reply.data, call->reply.len);
    return 0;
}

int adm_call_end(AdmCall *call)
{
    gboolean done = xdr_in_done(&call->in);
    rpc_reply_clear(&call->reply);
    if (done)
        return 0;
    error_report(ERROR_DOMAIN, VIR_ERR_RPC, "malformed reply of the daemon");
    return adm_failed();
}

/* Connection */

int virAdmInitialize(void)
{
    return virInitialize();
}

static void on_event(const RpcPacket *packet, void *opaque)
{
}

typedef struct CloseNotice {
    virAdmConnectPtr conn;
    int reason;
} CloseNotice;

static void notice_free(void *opaque)
{
    CloseNotice *notice = opaque;
    adm_connect_unref(notice->conn);
    g_free(notice);
}

/* In the program's loop. */
static void notice_fire(int timer, void *opaque)
{
    CloseNotice *notice = opaque;
    virAdmConnectPtr conn = notice->conn;
    g_mutex_lock(&conn->lock);
    virAdmConnectCloseFunc cb = conn->close_cb;
    void *cb_opaque = conn->close_opaque;
    virFreeCallback free_cb = conn->close_free;
    conn->close_cb = NULL;
    conn->close_free = NULL;
    g_mutex_unlock(&conn->lock);
    if (cb)
        cb(conn, notice->reason, cb_opaque);
    if (free_cb)
        free_cb(cb_opaque);
    virEventRemoveTimeout(timer);
}

/* Unless nobody has it any more: the program is freeing it just now (and waits for on_closed() to be over). */
static gboolean ref_if_held(virAdmConnectPtr conn)
{
    for (;;) {
        gint refs = g_atomic_int_get(&conn->refs);
        if (refs == 0)
            return FALSE;
        if (g_atomic_int_compare_and_exchange(&conn->refs, refs, refs + 1))
            return TRUE;
    }
}

static void on_closed(int reason, void *opaque)
{
    virAdmConnectPtr conn = opaque;
    g_mutex_lock(&conn->lock);
    gboolean wanted = conn->close_cb != NULL;
    g_mutex_unlock(&conn->lock);
    if (!wanted || !event_impl_registered() || !ref_if_held(conn))
        return;
    CloseNotice *notice = g_new(CloseNotice, 1);
    *notice = (CloseNotice) { conn, reason };
    if (virEventAddTimeout(0, notice_fire, notice, notice_free) < 0)
        notice_free(notice);
}

void adm_connect_unref(virAdmConnectPtr conn)
{
    if (!conn || !g_atomic_int_dec_and_test(&conn->refs))
        return;
    if (conn->client) {
        rpc_client_close(conn->client);
        rpc_client_unref(conn->client);
    }
    if (conn->close_free)
        conn->close_free(conn->close_opaque);
    conn->magic = 0;
    g_free(conn->uri);
    g_mutex_clear(&conn->lock);
    g_free(conn);
}

/* libvirtd:///system or /session; "?socket=" names another. */
static char *socket_of(const Uri *uri)
{
    const char *given = uri_param(uri, "socket");
    if (given)
        return g_strdup(given);
    const char *daemon = g_str_equal(uri->scheme, "libvirtd") ? "libvirt" : uri->scheme;
    g_autofree char *dir = transport_runtime_dir(g_str_equal(uri->path, "/session"));
    return g_strdup_printf("%s/%s-admin-sock", dir, daemon);
}

static int say_hello(virAdmConnectPtr conn, unsigned int flags)
{
    AdmCall call;
    adm_call_begin(&call);
    xdr_put_uint(&call.out, flags & ~VIR_CONNECT_NO_ALIASES);
    return adm_call_run(&call, conn, ADMIN_PROC_CONNECT_OPEN) < 0 ? -1 : adm_call_end(&call);
}

virAdmConnectPtr virAdmConnectOpen(const char *name, unsigned int flags)
{
    virResetLastError();
    g_autofree char *text = client_conf_admin_uri(name, flags);
    Uri *uri = text ? uri_parse(text) : NULL;
    if (!uri) {
        adm_failed();
        return NULL;
    }
    g_autofree char *path = socket_of(uri);
    int fd = transport_connect_unix(path);
    virAdmConnectPtr conn = NULL;
    if (fd < 0) {
        adm_failed();
    } else {
        conn = g_new0(struct _virAdmConnect, 1);
        conn->refs = 1;
        conn->magic = ADM_CONNECT_MAGIC;
        conn->uri = g_strdup(uri->text);
        g_mutex_init(&conn->lock);
        conn->client = rpc_client_new(fd, NULL, on_event, on_closed, conn, NULL);
        if (say_hello(conn, flags) < 0)
            g_clear_pointer(&conn, adm_connect_unref);
    }
    uri_free(uri);
    return conn;
}

int virAdmConnectClose(virAdmConnectPtr conn)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0)
        return -1;
    int left = g_atomic_int_get(&conn->refs) - 1;
    adm_connect_unref(conn);
    return left > 0 ? left : 0;
}

int virAdmConnectRef(virAdmConnectPtr conn)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0)
        return -1;
    g_atomic_int_inc(&conn->refs);
    return 0;
}

int virAdmConnectIsAlive(virAdmConnectPtr conn)
{
    virResetLastError();
    return adm_check_connect(conn, __func__) < 0 ? -1 : rpc_client_is_open(conn->client);
}

char *virAdmConnectGetURI(virAdmConnectPtr conn)
{
    virResetLastError();
    return adm_check_connect(conn, __func__) < 0 ? NULL : g_strdup(conn->uri);
}

int virAdmGetVersion(unsigned long long *libVer)
{
    virResetLastError();
    if (adm_nonnull(libVer, "libVer", __func__) < 0)
        return -1;
    *libVer = LIBVIR_VERSION_NUMBER;
    return 0;
}

int virAdmConnectRegisterCloseCallback(virAdmConnectPtr conn, virAdmConnectCloseFunc cb, void *opaque,
                                       virFreeCallback freecb)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0 || adm_nonnull((void *) cb, "cb", __func__) < 0)
        return -1;
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
    return adm_failed();
}

int virAdmConnectUnregisterCloseCallback(virAdmConnectPtr conn, virAdmConnectCloseFunc cb)
{
    virResetLastError();
    if (adm_check_connect(conn, __func__) < 0)
        return -1;
    g_mutex_lock(&conn->lock);
    gboolean found = cb && conn->close_cb == cb;
    virFreeCallback free_cb = found ? conn->close_free : NULL;
    void *opaque = conn->close_opaque;
    if (found) {
        conn->close_cb = NULL;
        conn->close_free = NULL;
    }
    g_mutex_unlock(&conn->lock);
    if (free_cb)
        free_cb(opaque);
    if (found)
        return 0;
    error_report(ERROR_DOMAIN, VIR_ERR_INVALID_ARG, "this close callback is not registered");
    return adm_failed();
}

/* Handles */

virAdmServerPtr adm_server_new(virAdmConnectPtr conn, const char *name)
{
    virAdmServerPtr srv = g_new0(struct _virAdmServer, 1);
    srv->refs = 1;
    srv->magic = ADM_SERVER_MAGIC;
    g_atomic_int_inc(&conn->refs);
    srv->conn = conn;
    srv->name = g_strdup(name);
    return srv;
}

void adm_server_unref(virAdmServerPtr srv)
{
    if (!srv || !g_atomic_int_dec_and_test(&srv->refs))
        return;
    adm_connect_unref(srv->conn);
    srv->magic = 0;
    g_free(srv->name);
    g_free(srv);
}

void adm_client_unref(virAdmClientPtr client)
{
    if (!client || !g_atomic_int_dec_and_test(&client->refs))
        return;
    adm_server_unref(client->srv);
    client->magic = 0;
    g_free(client);
}

int virAdmServerFree(virAdmServerPtr srv)
{
    virResetLastError();
    if (!srv)
        return 0;
    if (adm_check_server(srv, __func__) < 0)
        return -1;
    adm_server_unref(srv);
    return 0;
}

int virAdmClientFree(virAdmClientPtr client)
{
    virResetLastError();
    if (!client)
        return 0;
    if (adm_check_client(client, __func__) < 0)
        return -1;
    adm_client_unref(client);
    return 0;
}

const char *virAdmServerGetName(virAdmServerPtr srv)
{
    virResetLastError();
    return adm_check_server(srv, __func__) < 0 ? NULL : srv->name;
}

unsigned long long virAdmClientGetID(virAdmClientPtr client)
{
    virResetLastError();
    return adm_check_client(client, __func__) < 0 ? (unsigned long long) -1 : client->id;
}

long long virAdmClientGetTimestamp(virAdmClientPtr client)
{
    virResetLastError();
    return adm_check_client(client, __func__) < 0 ? -1 : client->timestamp;
}

int virAdmClientGetTransport(virAdmClientPtr client)
{
    virResetLastError();
    return adm_check_client(client, __func__) < 0 ? -1 : (int) client->transport;
}
