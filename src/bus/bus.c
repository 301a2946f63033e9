/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define LOG_SOURCE "bus"
#include "bus/bus.h"
#include <stdbool.h>
#include "base/log.h"
#include "base/threadpool.h"

/* Longest wait for the bus to take us; so long one that didn't is left alone. */
#define CONNECT_MS 5000
#define LEFT_ALONE_US (10 * G_USEC_PER_SEC)

static GMutex lock;               /* guards the following */
static GDBusConnection *shared;
static gint64 refused_us;         /* it isn't asked again before then */

typedef struct Connecting {
    GDBusConnection *bus;
    GError *error;
    gboolean done;
} Connecting;

static void on_connected(GObject *source, GAsyncResult *result, gpointer opaque)
{
    Connecting *connecting = opaque;
    (void) source;
    connecting->bus = g_dbus_connection_new_for_address_finish(result, &connecting->error);
    connecting->done = TRUE;
}

static gboolean on_deadline(gpointer opaque)
{
    g_cancellable_cancel(opaque);
    return G_SOURCE_REMOVE;
}

/* A connection of our own: that of g_bus_get() may be anybody's, and would end the process with it. The bus is greeted by greet(), as gio's
 * own greeting heeds no deadline. */
static GDBusConnection *connect_in_time(const char *address, GError **error)
{
    Connecting connecting = { NULL, NULL, FALSE };
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    GSource *deadline = g_timeout_source_new(CONNECT_MS);
    g_source_set_callback(deadline, on_deadline, cancel, NULL);
    g_source_attach(deadline, context);
    g_main_context_push_thread_default(context);
    g_dbus_connection_new_for_address(address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, cancel, on_connected, &connecting);
    while (!connecting.done)
        g_main_context_iteration(context, TRUE);
    g_main_context_pop_thread_default(context);
    g_source_destroy(deadline);
    g_source_unref(deadline);
    if (connecting.error)
        g_propagate_error(error, connecting.error);
    return connecting.bus;
}

/* The bus takes no other message before this one. */
static GDBusConnection *greet(GDBusConnection *bus, GError **error)
{
    if (!bus)
        return NULL;
    g_autoptr(GVariant) name = g_dbus_connection_call_sync(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello",
                                                           NULL, G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NONE, CONNECT_MS, NULL, error);
    if (name)
        return bus;
    g_dbus_connection_close_sync(bus, NULL, NULL);
    g_object_unref(bus);
    return NULL;
}

static bool is_late(const GError *error)
{
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

/* lock is held. */
static void connect_locked(const char *address, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (g_get_monotonic_time() >= refused_us) {
        shared = greet(connect_in_time(address, &failure), &failure);
        if (!shared && is_late(failure)) {
            LOG_WARN("the system's bus doesn't answer: networks aren't put into zones of firewalld, nor is polkit asked");
            refused_us = g_get_monotonic_time() + LEFT_ALONE_US;
        } else if (!shared) {
            g_propagate_error(error, g_steal_pointer(&failure));
        }
    }
    if (!shared && error && !*error)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the system's bus doesn't answer");
}

GDBusConnection *bus_system(char **why)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    pool_blocking_begin();
    g_mutex_lock(&lock);
    if (shared && g_dbus_connection_is_closed(shared))
        g_clear_object(&shared);
    if (!shared && address)
        connect_locked(address, &error);
    GDBusConnection *bus = shared ? g_object_ref(shared) : NULL;
    g_mutex_unlock(&lock);
    pool_blocking_end();
    if (!bus && why)
        *why = g_strdup(error ? error->message : "the system has no bus");
    return bus;
}

void bus_disconnect(void)
{
    g_mutex_lock(&lock);
    if (shared)
        g_dbus_connection_close_sync(shared, NULL, NULL);
    g_clear_object(&shared);
    g_mutex_unlock(&lock);
}
