/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_FIREWALLD
#define LOG_SOURCE "network.firewalld"
#include "drivers/network/firewalld.h"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "base/threadpool.h"
#include "bus/bus.h"

#define NAME "org.fedoraproject.FirewallD1"
#define PATH "/org/fedoraproject/FirewallD1"
#define ZONES "org.fedoraproject.FirewallD1.zone"
/* It answers while it reads its rules anew. */
#define CALL_MS 15000

static bool is_running(GDBusConnection *bus)
{
    pool_blocking_begin();
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                                            "NameHasOwner", g_variant_new("(s)", NAME), G_VARIANT_TYPE("(b)"),
                                                            G_DBUS_CALL_FLAGS_NONE, CALL_MS, NULL, NULL);
    pool_blocking_end();
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
    g_autoptr(GDBusConnection) bus = bus_system(NULL);
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
    g_autoptr(GDBusConnection) bus = bus_system(NULL);
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
    g_autoptr(GDBusConnection) bus = bus_system(NULL);
    g_autoptr(GError) error = NULL;
    if (!bus || !is_running(bus) || !is_in_zone(bus, net))
        return;
    g_autoptr(GVariant) reply = call(bus, "removeInterface", g_variant_new("(ss)", zone_of(net), net->bridge.name), &error);
    if (!reply)
        LOG_WARN("firewalld keeps bridge '%s' of network '%s' in its zone '%s': %s", net->bridge.name, net->name, zone_of(net),
                 error->message);
}
