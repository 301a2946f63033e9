/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening: find the daemon's socket, connect, authenticate, hand over the URI, learn what the server can do.
 */
#define ERROR_DOMAIN VIR_FROM_REMOTE
#include "base/error.h"
#include "core/driver.h"
#include "core/event.h"
#include "lib/event_impl.h"
#include "remote/features.h"
#include "remote/remote.h"
#include "remote/remote_call.h"
#include "remote/transport.h"
#include "rpc/xdr_values.h"

typedef struct CloseNotice {
    virConnectPtr conn;
    int reason;
} CloseNotice;

static void close_notice_free(void *opaque)
{
    CloseNotice *notice = opaque;
    object_unref(notice->conn);
    g_free(notice);
}

/* In the program's loop: tell it that the connection is gone. */
static void close_notice_fire(int timer, void *opaque)
{
    CloseNotice *notice = opaque;
    virConnectPtr conn = notice->conn;
    g_mutex_lock(&conn->lock);
    virConnectCloseFunc cb = conn->close_cb;
    virFreeCallback free_cb = conn->close_free;
    void *cb_opaque = conn->close_opaque;
    conn->close_cb = NULL;
    conn->close_free = NULL;
    conn->close_opaque = NULL;
    g_mutex_unlock(&conn->lock);
    if (cb)
        cb(conn, notice->reason, cb_opaque);
    if (free_cb)
        free_cb(cb_opaque);
    virEventRemoveTimeout(timer);
}

static void notify_closed(virConnectPtr conn, int reason)
{
    if (!event_impl_registered())
        return;
    CloseNotice *notice = g_new(CloseNotice, 1);
    *notice = (CloseNotice) { object_ref(conn), reason };
    /* the program's loop may have freed it before this comes back */
    if (virEventAddTimeout(0, close_notice_fire, notice, close_notice_free) < 0)
        close_notice_free(notice);
}

static void receive_event(virConnectPtr conn, const RpcPacket *packet)
{
    if (packet->header.program == REMOTE_PROGRAM &&
        packet->header.procedure == REMOTE_PROC_CONNECT_EVENT_CONNECTION_CLOSED) {
        XdrIn in;
        xdr_in_init(&in, packet->payload, packet->len);
        int reason = xdr_get_int(&in);
        if (xdr_in_done(&in))
            notify_closed(conn, reason);
        return;
    }
    if (packet->header.program == REMOTE_PROGRAM || packet->header.program == QEMU_PROGRAM)
        remote_event_received(conn->data, packet, conn);
}

/* The RPC client calls these with the connection as opaque. It is muted before the connection is freed, but the connection may
 * have lost its last reference already. */
static void on_event(const RpcPacket *packet, void *opaque)
{
    if (!object_try_ref(opaque))
        return;
    receive_event(opaque, packet);
    object_unref(opaque);
}

static void on_closed(int reason, void *opaque)
{
    if (!object_try_ref(opaque))
        return;
    notify_closed(opaque, reason);
    object_unref(opaque);
}

/* Handshake */

static int server_has(virConnectPtr conn, int feature)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_CONNECT_SUPPORTS_FEATURE);
    xdr_put_int(&call.out, feature);
    if (remote_call_run(&call) < 0)
        return -1;
    int supported = xdr_get_int(&call.in);
    return remote_call_end(&call) < 0 ? -1 : supported;
}

static int open_remote(virConnectPtr conn)
{
    g_autofree char *name = transport_remote_name(conn->uri);
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_CONNECT_OPEN);
    xdr_put_string_opt(&call.out, name);
    xdr_put_uint(&call.out, conn->flags & ~VIR_CONNECT_NO_ALIASES);
    if (remote_call_run(&call) < 0)
        return -1;
    return remote_call_end(&call);
}

static int handshake(virConnectPtr conn, virConnectAuthPtr auth)
{
    RemoteConn *remote = conn->data;
    if (remote_authenticate(conn, auth) < 0)
        return -1;
    /* a server pings only clients that asked; without a loop nobody would answer in time */
    if (event_impl_registered()) {
        int has = server_has(conn, FEATURE_PROGRAM_KEEPALIVE);
        if (has < 0)
            return -1;
        remote->server_keepalive = has;
    }
    if (open_remote(conn) < 0)
        return -1;
    if (server_has(conn, FEATURE_REMOTE_EVENT_CALLBACK) < 0)
        return -1;
    if (event_impl_registered() && server_has(conn, FEATURE_REMOTE_CLOSE_CALLBACK) > 0) {
        RemoteCall call;
        remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_CONNECT_REGISTER_CLOSE_CALLBACK);
        if (remote_call_run(&call) == 0)
            return remote_call_end(&call);
        if (error_code() != VIR_ERR_NO_SUPPORT)
            return -1;
        virResetLastError();
    }
    return 0;
}

static void remote_free(RemoteConn *remote)
{
    event_bus_unref(remote->bus);
    remote_registrations_free(remote->registrations);
    g_free(remote->type);
    transport_end(&remote->transport);
    g_mutex_clear(&remote->lock);
    g_free(remote);
}

static void remote_close(virConnectPtr conn)
{
    RemoteConn *remote = conn->data;
    rpc_client_mute(remote->client);
    if (rpc_client_is_open(remote->client)) {
        /* a polite farewell; whether it arrives doesn't matter */
        virErrorPtr saved = error_save();
        RemoteCall call;
        remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_CONNECT_CLOSE);
        if (remote_call_run(&call) == 0)
            remote_call_end(&call);
        error_restore(saved);
    }
    rpc_client_close(remote->client);
    rpc_client_unref(remote->client);
    remote_free(remote);
    conn->data = NULL;
}

static OpenResult remote_open(virConnectPtr conn, virConnectAuthPtr auth)
{
    Transport transport = TRANSPORT_INIT;
    if (transport_open(&transport, conn->uri, (conn->flags & VIR_CONNECT_RO) != 0) < 0)
        return OPEN_ERROR;
    RemoteConn *remote = g_new0(RemoteConn, 1);
    g_mutex_init(&remote->lock);
    remote->bus = event_bus_new();
    remote->registrations = g_ptr_array_new();
    conn->data = remote;
    remote->transport = transport;
    remote->client = rpc_client_new(transport.fd, transport.layer, on_event, on_closed, conn, NULL);
    if (handshake(conn, auth) < 0) {
        transport_explain(&remote->transport);
        rpc_client_close(remote->client);
        rpc_client_unref(remote->client);
        remote_free(remote);
        conn->data = NULL;
        return OPEN_ERROR;
    }
    event_registry_attach(conn->events, remote->bus);
    return OPEN_OK;
}

/* The generated call gives an owned text; this function answers one that belongs to the connection. */
const char *remote_connect_get_type(virConnectPtr conn)
{
    RemoteConn *remote = conn->data;
    g_mutex_lock(&remote->lock);
    if (!remote->type) {
        RemoteCall call;
        remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_CONNECT_GET_TYPE);
        if (remote_call_run(&call) == 0) {
            g_autofree char *type = xdr_get_string(&call.in);
            if (remote_call_end(&call) == 0)
                remote->type = g_steal_pointer(&type);
        }
    }
    const char *type = remote->type;
    g_mutex_unlock(&remote->lock);
    return type;
}

const char *remote_node_device_get_parent(virNodeDevicePtr dev)
{
    RemoteCall call;
    remote_call_begin(&call, dev->o.conn, REMOTE_PROGRAM, REMOTE_PROC_NODE_DEVICE_GET_PARENT);
    xdr_put_string(&call.out, dev->name);
    if (remote_call_run(&call) < 0)
        return NULL;
    g_autofree char *parent = xdr_get_string_opt(&call.in);
    return remote_call_end(&call) < 0 ? NULL : node_device_handle_set_parent(dev, parent);
}

static const ConnectDriver remote_driver = {
    .name = "remote",
    .open = remote_open,
    .close = remote_close,
    .hypervisor = &remote_hypervisor_driver,
    .network = &remote_network_driver,
    .interface = &remote_interface_driver,
    .nodedev = &remote_nodedev_driver,
    .nwfilter = &remote_nwfilter_driver,
    .secret = &remote_secret_driver,
    .storage = &remote_storage_driver,
};

void remote_driver_register(void)
{
    driver_register(&remote_driver);
}
