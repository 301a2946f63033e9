/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Displays before they run: ports, addresses, sockets and the device that draws. What is chosen is put into the definition, so that
 * clients see it.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "core/host/host.h"
#include "drivers/qemu/backend.h"

#define RENDER_DIR "/dev/dri"
#define RENDER_PREFIX "renderD"

/* A port from @pool if one is @wanted; one that is given already belongs to this guest alone. */
static int assign_port(GArray *ports, PortPool *pool, bool *has, gint32 *port, gboolean wanted)
{
    QemuPort taken = { pool, 0 };

    if (*has && *port > 0) {
        taken.port = *port;
        port_pool_reserve(pool, *port);
    } else {
        if (!wanted)
            return 0;
        taken.port = port_pool_take(pool);
        if (taken.port < 0)
            return -1;
        *has = true;
        *port = taken.port;
    }
    g_array_append_val(ports, taken);
    return 0;
}

static const GraphicsListen *first_listen(const DomainGraphics *g)
{
    return g->n_listens > 0 ? g->listens[0] : NULL;
}

static gboolean listens_on_network(const DomainGraphics *g)
{
    const GraphicsListen *listen = first_listen(g);

    if (g->socket)
        return FALSE;
    return !listen || listen->type == GRAPHICS_LISTEN_TYPE_ADDRESS || listen->type == GRAPHICS_LISTEN_TYPE_NETWORK ||
        listen->type == GRAPHICS_LISTEN_TYPE_UNSET;
}

/* Where a display listens that doesn't say so. */
static void assign_address(DomainGraphics *g, const char *address)
{
    GraphicsListen *listen = g->n_listens > 0 ? g->listens[0] : NULL;

    if (listen && (listen->type == GRAPHICS_LISTEN_TYPE_ADDRESS || listen->type == GRAPHICS_LISTEN_TYPE_UNSET) && !listen->address)
        listen->address = g_strdup(g->listen ? g->listen : address);
    if (!g->listen)
        g->listen = g_strdup(listen && listen->address ? listen->address : address);
}

/* A socket instead of an address where qemu.conf wants it and the definition names none. */
static void prefer_socket(DomainGraphics *g, int wanted)
{
    GraphicsListen *listen = g->n_listens > 0 ? g->listens[0] : NULL;

    if (wanted > 0 && listen && listen->type == GRAPHICS_LISTEN_TYPE_ADDRESS && !listen->address && !g->listen)
        listen->type = GRAPHICS_LISTEN_TYPE_SOCKET;
}

static void assign_socket(DomainGraphics *g, const char *dir)
{
    GraphicsListen *listen = g->n_listens > 0 ? g->listens[0] : NULL;

    if (listen && listen->type == GRAPHICS_LISTEN_TYPE_SOCKET && !listen->socket)
        listen->socket = g->socket ? g_strdup(g->socket) : g_strdup_printf("%s/%s.sock", dir, domain_graphics_type_to_string(g->type));
}

/* Which kinds of port the channels of a SPICE display need. */
static void spice_needs(const DomainGraphics *g, const QemuConf *conf, gboolean *plain, gboolean *tls)
{
    *plain = *tls = FALSE;
    for (guint i = 0; i <= g->n_channels; i++) {
        SpiceChannelMode mode = i < g->n_channels ? g->channels[i]->mode : g->default_mode;

        *plain |= mode != SPICE_CHANNEL_MODE_SECURE;
        *tls |= mode == SPICE_CHANNEL_MODE_SECURE || (mode != SPICE_CHANNEL_MODE_INSECURE && conf->spice_tls > 0);
    }
}

static int assign_spice(QemuDriver *driver, GArray *ports, DomainGraphics *g)
{
    gboolean plain = g->has_port && g->port == -1, tls = g->has_tls_port && g->tls_port == -1;

    if (g->autoport == TRISTATE_YES || (plain && tls))
        spice_needs(g, &driver->conf, &plain, &tls);
    if (assign_port(ports, driver->spice_ports, &g->has_port, &g->port, plain) < 0)
        return -1;
    return assign_port(ports, driver->spice_ports, &g->has_tls_port, &g->tls_port, tls);
}

static int assign_network(QemuDriver *driver, GArray *ports, DomainGraphics *g)
{
    const GraphicsListen *listen = first_listen(g);

    if (listen && listen->type == GRAPHICS_LISTEN_TYPE_NETWORK && !listen->address)
        return FAIL(VIR_ERR_NO_NETWORK, "a display is to listen on the network '%s', but no networks are kept for this driver yet",
                    listen->network ? listen->network : "");
    if (g->type == DOMAIN_GRAPHICS_TYPE_SPICE) {
        assign_address(g, driver->conf.spice_listen);
        return assign_spice(driver, ports, g);
    }
    assign_address(g, driver->conf.vnc_listen);
    if (assign_port(ports, driver->vnc_ports, &g->has_port, &g->port, TRUE) < 0)
        return -1;
    return g->has_websocket ? assign_port(ports, driver->websocket_ports, &g->has_websocket, &g->websocket, TRUE) : 0;
}

/* The first device of the host that draws without a screen. */
static int assign_render_node(DomainGraphics *g)
{
    gboolean draws = g->type == DOMAIN_GRAPHICS_TYPE_EGL_HEADLESS || g->gl.enable == TRISTATE_YES;
    g_autoptr(GArray) nodes = NULL;

    if (!draws || g->gl.rendernode || g->type == DOMAIN_GRAPHICS_TYPE_SDL)
        return 0;
    nodes = host_list_numbers(RENDER_DIR, RENDER_PREFIX);
    if (nodes->len == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the display of type '%s' draws with OpenGL, but the host has no " RENDER_DIR "/"
                    RENDER_PREFIX "* (name another one in <gl rendernode=>)", domain_graphics_type_to_string(g->type));
    g->gl.rendernode = g_strdup_printf(RENDER_DIR "/" RENDER_PREFIX "%u", g_array_index(nodes, guint, 0));
    return 0;
}

static int assign_display(QemuDriver *driver, GArray *ports, DomainGraphics *g, const char *dir)
{
    gboolean vnc = g->type == DOMAIN_GRAPHICS_TYPE_VNC, spice = g->type == DOMAIN_GRAPHICS_TYPE_SPICE;

    if (assign_render_node(g) < 0)
        return -1;
    if (!vnc && !spice)
        return 0;
    if (spice && g->autoport != TRISTATE_YES && g->has_tls_port && g->tls_port > 0 && driver->conf.spice_tls <= 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "tlsPort of the SPICE display is %d, but qemu.conf doesn't have spice_tls = 1", g->tls_port);
    prefer_socket(g, vnc ? driver->conf.vnc_auto_unix_socket : driver->conf.spice_auto_unix_socket);
    assign_socket(g, dir);
    return listens_on_network(g) ? assign_network(driver, ports, g) : 0;
}

static int assign_displays(QemuDriver *driver, GArray *ports, DomainDef *def, const char *dir)
{
    gboolean seen[DOMAIN_GRAPHICS_TYPE_LAST] = { FALSE };

    for (guint i = 0; i < def->devices.n_graphics; i++) {
        DomainGraphics *g = def->devices.graphics[i];

        if (seen[g->type])
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has two displays of type '%s', and QEMU has one of each", def->name,
                        domain_graphics_type_to_string(g->type));
        seen[g->type] = TRUE;
        if (assign_display(driver, ports, g, dir) < 0)
            return -1;
    }
    return 0;
}

int qemu_assign_displays(QemuDriver *driver, QemuGuest *qemu, DomainDef *def, const char *dir)
{
    g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(QemuPort));
    int rc = assign_displays(driver, ports, def, dir);

    if (qemu) {
        g_array_append_vals(qemu->ports, ports->data, ports->len);
        return rc;
    }
    for (guint i = 0; i < ports->len; i++) {
        QemuPort *taken = &g_array_index(ports, QemuPort, i);

        port_pool_give_back(taken->pool, taken->port);
    }
    return rc;
}
