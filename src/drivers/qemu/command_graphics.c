/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Displays. Passwords are set over the monitor (backend_setup.c), so that they aren't in the process list.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_secret.h"
#include "drivers/qemu/helper.h"

#define VNC_FIRST_PORT 5900
#define VNC_TLS_ID "vnc-tls-creds0"

static const GraphicsListen *first_listen(const DomainGraphics *graphics)
{
    return graphics->n_listens > 0 ? graphics->listens[0] : NULL;
}

static const char *listen_address(const DomainGraphics *graphics)
{
    const GraphicsListen *listen = first_listen(graphics);

    return listen && listen->address ? listen->address : graphics->listen ? graphics->listen : "127.0.0.1";
}

static const char *listen_socket(const DomainGraphics *graphics)
{
    const GraphicsListen *listen = first_listen(graphics);

    return listen && listen->type == GRAPHICS_LISTEN_TYPE_SOCKET && listen->socket ? listen->socket : graphics->socket;
}

static void add_value(GString *out, const char *name, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(out, "%s%s=", out->len ? "," : "", name);
    qemu_escape(out, value);
}

static const char *onoff(Tristate value)
{
    return value == TRISTATE_UNSET ? NULL : value == TRISTATE_YES ? "on" : "off";
}

static void vnc_place(GString *out, const DomainGraphics *graphics)
{
    const char *socket = listen_socket(graphics), *address = listen_address(graphics);
    const GraphicsListen *listen = first_listen(graphics);
    gboolean v6 = strchr(address, ':') != NULL;
    gint port = graphics->has_port && graphics->port >= VNC_FIRST_PORT ? graphics->port : VNC_FIRST_PORT;

    if (socket) {
        g_string_append(out, "vnc=unix:");
        qemu_escape(out, socket);
    } else if (listen && listen->type == GRAPHICS_LISTEN_TYPE_NONE) {
        g_string_append(out, "none");
    } else {
        g_string_append(out, v6 ? "[" : "");
        qemu_escape(out, address);
        g_string_append_printf(out, "%s:%d", v6 ? "]" : "", port - VNC_FIRST_PORT);
        if (graphics->has_websocket && graphics->websocket)
            g_string_append_printf(out, ",websocket=%d", graphics->websocket);
    }
}

static int command_vnc(QemuCommand *cmd, const DomainGraphics *graphics)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *audio = qemu_audio_id(cmd, graphics->audio_id);

    if (!qemu_caps_has_command(cmd->caps, "query-vnc"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' was built without VNC", cmd->caps->binary);
    if (graphics->vnc_wait)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "VNC displays of domain '%s' can't wait with updates yet", cmd->def->name);
    vnc_place(out, graphics);
    add_value(out, "share", vnc_share_policy_to_string(graphics->share_policy));
    if (graphics->passwd || cmd->conf->vnc_password)
        g_string_append(out, ",password=on");
    if (cmd->conf->vnc_tls > 0) {
        if (qemu_tls_credentials(cmd, QEMU_TLS_VNC, TRUE, VNC_TLS_ID, "the VNC display") < 0)
            return -1;
        g_string_append(out, ",tls-creds=" VNC_TLS_ID);
    }
    if (cmd->conf->vnc_sasl > 0) {
        g_string_append(out, ",sasl=on");
        qemu_env(cmd, "SASL_CONF_PATH", cmd->conf->vnc_sasl_dir);
    }
    add_value(out, "power-control", onoff(graphics->power_control));
    add_value(out, "audiodev", audio);
    qemu_arg_f(cmd, "-vnc", "%s", out->str);
    if (graphics->keymap)
        qemu_arg_f(cmd, "-k", "%s", graphics->keymap);
    return 0;
}

/* Where a SPICE display listens. Returns whether there is TLS. */
static gboolean spice_place(QemuCommand *cmd, GString *out, const DomainGraphics *g)
{
    const char *socket = listen_socket(g);
    gboolean network = !socket && !(first_listen(g) && first_listen(g)->type == GRAPHICS_LISTEN_TYPE_NONE);
    gboolean plain = network && g->has_port && g->port > 0, tls = network && g->has_tls_port && g->tls_port > 0;

    if (socket) {
        g_string_append(out, "unix=on");
        add_value(out, "addr", socket);
    } else if (!plain && !tls) {
        g_string_append(out, "port=0");
    }
    if (plain)
        g_string_append_printf(out, "port=%d", g->port);
    if (tls)
        g_string_append_printf(out, "%stls-port=%d", out->len ? "," : "", g->tls_port);
    if (plain || tls)
        add_value(out, "addr", listen_address(g));
    if (cmd->conf->spice_sasl > 0) {
        g_string_append(out, ",sasl=on");
        qemu_env(cmd, "SASL_CONF_PATH", cmd->conf->spice_sasl_dir);
    }
    add_value(out, "agent-mouse", g->mouse ? g->mouse == SPICE_MOUSE_MODE_CLIENT ? "on" : "off" : NULL);
    if (!g->passwd && !cmd->conf->spice_password)
        g_string_append(out, ",disable-ticketing=on");
    if (tls)
        add_value(out, "x509-dir", qemu_tls_folder(cmd->conf, "spice_tls_x509_cert_dir", cmd->conf->spice_tls_x509_cert_dir));
    return tls;
}

static int spice_channel(GString *out, const char *name, SpiceChannelMode mode, gboolean tls)
{
    if (mode == SPICE_CHANNEL_MODE_SECURE && !tls)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the channel '%s' of the SPICE display is to be secure, but the display has no TLS port", name);
    if (mode == SPICE_CHANNEL_MODE_SECURE || mode == SPICE_CHANNEL_MODE_INSECURE)
        add_value(out, mode == SPICE_CHANNEL_MODE_SECURE ? "tls-channel" : "plaintext-channel", name);
    return 0;
}

static int spice_channels(GString *out, const DomainGraphics *g, gboolean tls)
{
    if (spice_channel(out, "default", g->default_mode, tls) < 0)
        return -1;
    for (guint i = 0; i < g->n_channels; i++) {
        if (spice_channel(out, spice_channel_name_to_string(g->channels[i]->name), g->channels[i]->mode, tls) < 0)
            return -1;
    }
    return 0;
}

static void spice_options(GString *out, const DomainGraphics *g)
{
    const struct {
        const char *name;
        const char *value;
    } options[] = {
        { "image-compression", spice_image_compression_to_string(g->image) },
        { "jpeg-wan-compression", spice_compression_to_string(g->jpeg) },
        { "zlib-glz-wan-compression", spice_compression_to_string(g->zlib) },
        { "playback-compression", onoff(g->playback) },
        { "streaming-video", spice_streaming_mode_to_string(g->streaming) },
        { "disable-copy-paste", g->clipboard == TRISTATE_NO ? "on" : NULL },
        { "disable-agent-file-xfer", g->filetransfer == TRISTATE_NO ? "on" : NULL },
        { "gl", g->gl.enable == TRISTATE_YES ? "on" : NULL },
        { "rendernode", g->gl.enable == TRISTATE_YES ? g->gl.rendernode : NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(options); i++)
        add_value(out, options[i].name, options[i].value);
}

static int command_spice(QemuCommand *cmd, const DomainGraphics *graphics)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (!qemu_caps_has_command(cmd->caps, "query-spice"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' was built without SPICE", cmd->caps->binary);
    if (spice_channels(out, graphics, spice_place(cmd, out, graphics)) < 0)
        return -1;
    spice_options(out, graphics);
    g_string_append(out, ",seamless-migration=on");
    qemu_arg_f(cmd, "-spice", "%s", out->str);
    if (graphics->keymap)
        qemu_arg_f(cmd, "-k", "%s", graphics->keymap);
    return 0;
}

static int require_display(const QemuCommand *cmd, const char *type)
{
    g_autofree char *flag = g_strdup_printf("display.%s", type);

    return qemu_caps_has_flag(cmd->caps, flag) ? 0 :
        FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' was built without displays of type '%s'", cmd->caps->binary, type);
}

static int command_sdl(QemuCommand *cmd, const DomainGraphics *graphics)
{
    g_autoptr(GString) out = g_string_new("sdl");

    if (require_display(cmd, "sdl") < 0)
        return -1;
    qemu_env(cmd, "XAUTHORITY", graphics->xauth);
    qemu_env(cmd, "DISPLAY", graphics->display);
    if (graphics->fullscreen == TRISTATE_YES)
        qemu_arg(cmd, "-full-screen");
    add_value(out, "gl", onoff(graphics->gl.enable));
    qemu_arg_f(cmd, "-display", "%s", out->str);
    return 0;
}

static int command_egl_headless(QemuCommand *cmd, const DomainGraphics *graphics)
{
    g_autoptr(GString) out = g_string_new("egl-headless");

    if (require_display(cmd, "egl-headless") < 0)
        return -1;
    add_value(out, "rendernode", graphics->gl.rendernode);
    qemu_arg_f(cmd, "-display", "%s", out->str);
    return 0;
}

static int command_dbus(QemuCommand *cmd, const DomainGraphics *graphics)
{
    g_autoptr(GString) out = g_string_new("dbus");
    g_autofree char *audio = graphics->audio_id ? qemu_audio_id(cmd, graphics->audio_id) : NULL;
    g_autofree char *path = qemu_helper_socket(cmd->options->dir, "dbus"), *own = g_strconcat("unix:path=", path, NULL);

    if (require_display(cmd, "dbus") < 0)
        return -1;
    if (graphics->p2p == TRISTATE_YES)
        g_string_append(out, ",p2p=on");
    else
        add_value(out, "addr", graphics->dbus_address ? graphics->dbus_address : own);
    add_value(out, "gl", onoff(graphics->gl.enable));
    if (graphics->gl.enable == TRISTATE_YES)
        add_value(out, "rendernode", graphics->gl.rendernode);
    add_value(out, "audiodev", audio);
    qemu_arg_f(cmd, "-display", "%s", out->str);
    return 0;
}

static int command_one(QemuCommand *cmd, const DomainGraphics *graphics)
{
    switch (graphics->type) {
    case DOMAIN_GRAPHICS_TYPE_VNC:
        return command_vnc(cmd, graphics);
    case DOMAIN_GRAPHICS_TYPE_SPICE:
        return command_spice(cmd, graphics);
    case DOMAIN_GRAPHICS_TYPE_SDL:
        return command_sdl(cmd, graphics);
    case DOMAIN_GRAPHICS_TYPE_EGL_HEADLESS:
        return command_egl_headless(cmd, graphics);
    case DOMAIN_GRAPHICS_TYPE_DBUS:
        return command_dbus(cmd, graphics);
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "displays of type '%s' are not supported with QEMU",
                    domain_graphics_type_to_string(graphics->type));
    }
}

int qemu_command_graphics(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_graphics; i++) {
        if (command_one(cmd, cmd->def->devices.graphics[i]) < 0)
            return -1;
    }
    return 0;
}
