/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_FIREWALLD
#define LOG_SOURCE "network.firewalld"
#include "drivers/network/firewalld.h"
#include <gio/gio.h>
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "base/threadpool.h"

#define NAME "org.fedoraproject.FirewallD1"
#define PATH "/org/fedoraproject/FirewallD1"
#define ZONES "org.fedoraproject.FirewallD1.zone"
/* It answers while it reads its rules anew. */
#define CALL_MS 15000

/* Longest wait for the bus to take us; so long one that didn't is left alone. */
#define CONNECT_MS 5000
#define LEFT_ALONE_US (10 * G_USEC_PER_SEC)

static GMutex lock;               /* guards the following */
static GDBusConnection *shared;
static gint64 refused_us;

typedef struct Connecting {
    GDBusConnection *bus;
    gboolean done;
} Connecting;

static void on_connected(GObject *source, GAsyncResult *result, gpointer opaque)
{
    Connecting *connecting = opaque;
    connecting->bus = g_dbus_connection_new_for_address_finish(result, NULL);
    connecting->done = TRUE;
}

static gboolean on_deadline(gpointer opaque)
{
    g_cancellable_cancel(opaque);
    return G_SOURCE_REMOVE;
}

/* A connection of our own, whose end doesn't end the process. NULL: the bus isn't there, or doesn't answer. */
static GDBusConnection *connect_in_time(const char *address)
{
    Connecting connecting = { NULL, FALSE };
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    GSource *deadline = g_timeout_source_new(CONNECT_MS);
    g_source_set_callback(deadline, on_deadline, cancel, NULL);
    g_source_attach(deadline, context);
    g_main_context_push_thread_default(context);
    g_dbus_connection_new_for_address(address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                      NULL, cancel, on_connected, &connecting);
    while (!connecting.done)
        g_main_context_iteration(context, TRUE);
    g_main_context_pop_thread_default(context);
    g_source_destroy(deadline);
    g_source_unref(deadline);
    return connecting.bus;
}

/* The system's bus, to which all networks share a connection: a reference, or NULL if there is none. */
static GDBusConnection *connect_bus(void)
{
    g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
    g_mutex_lock(&lock);
    if (shared && g_dbus_connection_is_closed(shared))
        g_clear_object(&shared);
    if (!shared && address && g_get_monotonic_time() >= refused_us) {
        gint64 begin = g_get_monotonic_time();
        pool_blocking_begin();
        shared = connect_in_time(address);
        pool_blocking_end();
        if (!shared && g_get_monotonic_time() - begin >= CONNECT_MS * G_GINT64_CONSTANT(1000)) {
            LOG_WARN("the system's bus doesn't answer, so networks aren't put into zones of firewalld");
            refused_us = g_get_monotonic_time() + LEFT_ALONE_US;
        }
    }
    GDBusConnection *bus = shared ? g_object_ref(shared) : NULL;
    g_mutex_unlock(&lock);
    return bus;
}

void firewalld_disconnect(void)
{
    g_mutex_lock(&lock);
    if (shared)
        g_dbus_connection_close_sync(shared, NULL, NULL);
    g_clear_object(&shared);
    g_mutex_unlock(&lock);
}

static bool is_running(GDBusConnection *bus)
{
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                                            "NameHasOwner", g_variant_new("(s)", NAME), G_VARIANT_TYPE("(b)"),
                                                            G_DBUS_CALL_FLAGS_NONE, CALL_MS, NULL, NULL);
    gboolean owned = FALSE;
    if (reply)
        g_variant_get(reply, "(b)", &owned);
    return owned;
}

static GVariant *call(GDBusConnection *bus, const char *method, GVariant *args, GError **error)
{
    pool_blocking_begin();
    GVariant *reply = g_dbus_connection_call_sync(bus, NAME, PATH, ZONES, method, args, G_VARIANT_TYPE("(s)"),
                                                  G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_MS, NULL, error);
    pool_blocking_end();
    return reply;
}

static const char *zone_of(const NetworkDef *net)
{
    return net->bridge.zone ? net->bridge.zone : FIREWALLD_ZONE;
}

/* The zone that the bridge is in; caller frees. NULL: in none. */
static char *ask_zone(GDBusConnection *bus, const NetworkDef *net)
{
    char *zone = NULL;
    g_autoptr(GVariant) reply = call(bus, "getZoneOfInterface", g_variant_new("(s)", net->bridge.name), NULL);
    if (reply)
        g_variant_get(reply, "(s)", &zone);
    if (zone && !*zone)
        g_clear_pointer(&zone, g_free);
    return zone;
}

static bool is_in_zone(GDBusConnection *bus, const NetworkDef *net)
{
    g_autofree char *zone = ask_zone(bus, net);
    return g_strcmp0(zone, zone_of(net)) == 0;
}

char *firewalld_zone(const NetworkDef *net)
{
    g_autoptr(GDBusConnection) bus = connect_bus();
    return bus && is_running(bus) ? ask_zone(bus, net) : NULL;
}

static int put_into_zone(GDBusConnection *bus, const NetworkDef *net)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call(bus, "changeZoneOfInterface", g_variant_new("(ss)", zone_of(net), net->bridge.name), &error);
    if (reply)
        return 0;
    g_dbus_error_strip_remote_error(error);
    bool unknown = strstr(error->message, "INVALID_ZONE") != NULL;
    return FAIL(VIR_ERR_OPERATION_FAILED, "firewalld doesn't take bridge '%s' of network '%s' into its zone '%s': %s%s", net->bridge.name,
                net->name, zone_of(net), error->message, unknown ? " ('firewall-cmd --get-zones' lists those that it knows, after "
                "'firewall-cmd --reload' also those that were installed meanwhile)" : "");
}

int firewalld_ensure(const NetworkDef *net, bool strict)
{
    g_autoptr(GDBusConnection) bus = connect_bus();
    if (!bus || !is_running(bus)) {
        if (!net->bridge.zone || !strict)
            return 0;
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s' wants its bridge in zone '%s' of firewalld, which doesn't run "
                    "('systemctl start firewalld' starts it)", net->name, net->bridge.zone);
    }
    if (is_in_zone(bus, net))
        return 0;
    LOG_INFO("network '%s': bridge '%s' is put into zone '%s' of firewalld", net->name, net->bridge.name, zone_of(net));
    return put_into_zone(bus, net);
}

void firewalld_remove(const NetworkDef *net)
{
    g_autoptr(GDBusConnection) bus = connect_bus();
    g_autoptr(GError) error = NULL;
    if (!bus || !is_running(bus) || !is_in_zone(bus, net))
        return;
    g_autoptr(GVariant) reply = call(bus, "removeInterface", g_variant_new("(ss)", zone_of(net), net->bridge.name), &error);
    if (!reply)
        LOG_WARN("firewalld keeps bridge '%s' of network '%s' in its zone '%s': %s", net->bridge.name, net->name, zone_of(net),
                 error->message);
}
