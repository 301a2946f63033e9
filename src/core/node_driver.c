/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/node_driver.h"
#include <string.h>
#include "base/error.h"

/* More than there are kinds of objects. */
#define MAX_DRIVERS 16

/* A driver's place in the tables that want constants. */
typedef struct Place {
    const NodeDriver *driver;
    const char *schemes[2];
    ConnectDriver connect;
    StateDriver state;
} Place;

static Place places[MAX_DRIVERS];
static guint n_places;

static gboolean system_daemon;
static HypervisorDriver hypervisor; /* of none: who this host is, and that the connection stands */

static OpenResult node_open(virConnectPtr conn, virConnectAuthPtr auth)
{
    const NodeDriver *driver = NULL;
    for (guint i = 0; i < n_places && !driver; i++)
        driver = strcmp(places[i].driver->name, conn->uri->scheme) == 0 ? places[i].driver : NULL;
    const char *ours = system_daemon ? "/system" : "/session";
    if (driver && (strcmp(conn->uri->path, ours) == 0 || (system_daemon && strcmp(conn->uri->path, "/session") == 0)))
        return OPEN_OK;
    error_report(driver ? driver->error_domain : VIR_FROM_NONE, VIR_ERR_INTERNAL_ERROR, "unexpected %s URI path '%s', try %s://%s",
                 conn->uri->scheme, conn->uri->path, conn->uri->scheme, ours);
    return OPEN_ERROR;
}

static void node_close(virConnectPtr conn)
{
}

static char *get_hostname(virConnectPtr conn)
{
    return g_strdup(g_get_host_name());
}

static int yes(virConnectPtr conn)
{
    return 1;
}

static int no(virConnectPtr conn)
{
    return 0;
}

static int note_context(const StateContext *ctx)
{
    system_daemon = ctx->privileged;
    return 0;
}

static void forget_context(void)
{
    system_daemon = FALSE;
}

void node_driver_register(const NodeDriver *driver)
{
    static const StateDriver first = { .name = "node", .start = note_context, .stop = forget_context };
    g_assert(n_places < MAX_DRIVERS);
    if (n_places == 0)
        state_driver_register(&first);
    Place *place = &places[n_places++];
    hypervisor.connect_get_hostname = get_hostname;
    hypervisor.connect_is_alive = yes;
    hypervisor.connect_is_secure = yes;
    hypervisor.connect_is_encrypted = no;
    place->driver = driver;
    place->schemes[0] = driver->name;
    place->connect = (ConnectDriver) {
        .name = driver->type ? driver->type : driver->name, .error_domain = driver->error_domain, .schemes = place->schemes, .node = TRUE, .local = TRUE,
        .open = node_open, .close = node_close, .hypervisor = &hypervisor,
    };
    place->state = (StateDriver) { .name = driver->name, .start = driver->start, .stop = driver->stop, .busy = driver->busy };
    state_driver_register(&place->state);
    driver_register(&place->connect);
}
