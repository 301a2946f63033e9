/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Character devices of a QEMU that runs: what command_char.c says in an option, as the monitor's command wants it.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_secret.h"

static json_object *inet_address(const char *host, const char *service, const char *otherwise)
{
    return json_make(JSON_STR("type", "inet"), JSON_VALUE("data", json_make(JSON_STR("host", host ? host : ""),
                                                                            JSON_STR("port", service ? service : otherwise))));
}

static void add_end(const QemuCommand *cmd, json_object *data, const ChardevSource *source)
{
    const Reconnect *reconnect = &source->reconnect;
    gboolean server = source->mode != CHARDEV_MODE_CONNECT;

    json_add(data, JSON_BOOL("server", server));
    if (server)
        json_add(data, JSON_BOOL("wait", FALSE));
    else if (reconnect->enabled == TRISTATE_YES && reconnect->timeout && qemu_caps_has_flag(cmd->caps, "chardev.reconnect-ms"))
        qemu_add_uint(data, "reconnect-ms", (guint64)reconnect->timeout * 1000);
    else if (reconnect->enabled == TRISTATE_YES && reconnect->timeout)
        qemu_add_uint(data, "reconnect", reconnect->timeout);
}

static int add_unix(QemuCommand *cmd, json_object *data, const ChardevSource *source, const char *what)
{
    if (!source->path)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "%s has no socket path", what);
    if (source->mode == CHARDEV_MODE_CONNECT) {
        json_add(data, JSON_VALUE("addr", json_make(JSON_STR("type", "unix"),
                                                    JSON_VALUE("data", json_make(JSON_STR("path", source->path))))));
    } else {
        int fd = qemu_chardev_listen(cmd, source->path);
        g_autofree char *name = fd >= 0 ? qemu_fd_name(cmd, fd) : NULL;

        if (fd < 0)
            return -1;
        json_add(data, JSON_VALUE("addr", json_make(JSON_STR("type", "fd"), JSON_VALUE("data", json_make(JSON_STR("str", name))))));
    }
    add_end(cmd, data, source);
    return 0;
}

static int add_tcp(QemuCommand *cmd, json_object *data, const ChardevSource *source, const char *alias, const char *what)
{
    g_autofree char *tls = g_strdup_printf("objchar%s_tls0", alias);

    json_add(data, JSON_VALUE("addr", inet_address(source->host, source->service, "")));
    add_end(cmd, data, source);
    if (source->protocol == CHARDEV_PROTOCOL_TELNET)
        json_add(data, JSON_BOOL("telnet", TRUE));
    if (!qemu_chardev_has_tls(cmd->conf, source))
        return 0;
    json_add(data, JSON_STR("tls-creds", tls));
    return qemu_tls_credentials(cmd, QEMU_TLS_CHARDEV, source->mode == CHARDEV_MODE_BIND, tls, what);
}

static int add_file(QemuCommand *cmd, json_object *data, const ChardevSource *source, const char *alias)
{
    g_autofree char *path = qemu_chardev_file(cmd, source->path, source->append == TRISTATE_ON, alias, "source");

    if (!path)
        return -1;
    json_add(data, JSON_STR("out", path), JSON_BOOL("append", TRUE));
    return 0;
}

static void add_vdagent(json_object *data, const ChardevSource *source)
{
    qemu_add_switch(data, "clipboard", source->vdagent_clipboard);
    if (source->vdagent_mouse)
        json_add(data, JSON_BOOL("mouse", source->vdagent_mouse == CHARDEV_VDAGENT_MOUSE_CLIENT));
}

/* What the kind of source needs. */
static int add_data(QemuCommand *cmd, json_object *data, const ChardevSource *source, const char *alias, const char *what)
{
    switch (source->type) {
    case CHARDEV_TYPE_DEV:
    case CHARDEV_TYPE_PIPE:
        json_add(data, JSON_STR("device", source->path));
        return 0;
    case CHARDEV_TYPE_FILE:
        return add_file(cmd, data, source, alias);
    case CHARDEV_TYPE_UDP:
        json_add(data, JSON_VALUE("remote", inet_address(source->udp_connect.host, source->udp_connect.service, "0")),
                 JSON_VALUE("local", inet_address(source->udp_bind.host, source->udp_bind.service, "0")));
        return 0;
    case CHARDEV_TYPE_TCP:
        return add_tcp(cmd, data, source, alias, what);
    case CHARDEV_TYPE_UNIX:
        return add_unix(cmd, data, source, what);
    case CHARDEV_TYPE_SPICEVMC:
        json_add(data, JSON_STR("type", g_str_has_prefix(what, "redirdev") ? "usbredir" :
                                g_str_has_prefix(what, "smartcard") ? "smartcard" : "vdagent"));
        return 0;
    case CHARDEV_TYPE_SPICEPORT:
        json_add(data, JSON_STR("fqdn", source->channel));
        return 0;
    case CHARDEV_TYPE_DBUS:
        json_add(data, JSON_STR("name", source->channel));
        return 0;
    case CHARDEV_TYPE_QEMU_VDAGENT:
        add_vdagent(data, source);
        return 0;
    default:
        return 0;
    }
}

static int add_log(QemuCommand *cmd, json_object *data, const ChardevSource *source, const char *alias)
{
    g_autofree char *path = NULL;

    if (!source->log_file)
        return 0;
    path = qemu_chardev_file(cmd, source->log_file, source->log_append != TRISTATE_OFF, alias, "log");
    if (!path)
        return -1;
    json_add(data, JSON_STR("logfile", path), JSON_BOOL("logappend", TRUE));
    return 0;
}

int qemu_chardev_live(QemuCommand *cmd, const ChardevSource *source, const char *backend, const char *alias, const char *what)
{
    json_object *data = json_object_new_object();
    g_autofree char *id = g_strdup_printf("char%s", alias);

    if (add_data(cmd, data, source, alias, what) < 0 || add_log(cmd, data, source, alias) < 0) {
        json_object_put(data);
        return -1;
    }
    qemu_arg_json(cmd, "-chardev", json_make(JSON_STR("id", id), JSON_VALUE("backend",
        json_make(JSON_STR("type", backend), JSON_VALUE("data", data)))));
    return 0;
}
