/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Character devices. Files and listening sockets are opened here, and passed as
 * descriptors: QEMU needs no right to the folders, and the other end can connect before QEMU runs.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/command_secret.h"

char *qemu_chardev_file(QemuCommand *cmd, const char *path, gboolean append, const char *alias, const char *role)
{
    int fd;

    if (cmd->options->dry_run)
        return g_strdup(path);
    fd = file_create(path, append ? O_APPEND : O_TRUNC | O_APPEND, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    return fd < 0 ? NULL : qemu_pass_fd_set(cmd, fd, alias, role);
}

static void add_reconnect(const QemuCommand *cmd, GString *out, const Reconnect *reconnect)
{
    if (reconnect->enabled != TRISTATE_YES || reconnect->timeout == 0)
        return;
    if (qemu_caps_has_flag(cmd->caps, "chardev.reconnect-ms"))
        g_string_append_printf(out, ",reconnect-ms=%u", reconnect->timeout * 1000);
    else
        g_string_append_printf(out, ",reconnect=%u", reconnect->timeout);
}

static void add_value(GString *out, const char *name, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(out, ",%s=", name);
    qemu_escape(out, value);
}

int qemu_chardev_listen(QemuCommand *cmd, const char *path)
{
    int fd = file_listen_unix(path, 0700, cmd->options->uid, cmd->options->gid);

    if (fd < 0)
        return -1;
    g_ptr_array_add(cmd->unlink, g_strdup(path));
    return qemu_pass_fd(cmd, fd);
}

static int chardev_unix(QemuCommand *cmd, GString *out, const ChardevSource *source, const char *what)
{
    int fd;

    if (!source->path)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "%s has no socket path", what);
    if (source->mode == CHARDEV_MODE_CONNECT || cmd->options->dry_run) {
        add_value(out, "path", source->path);
        if (source->mode == CHARDEV_MODE_CONNECT)
            add_reconnect(cmd, out, &source->reconnect);
        else
            g_string_append(out, ",server=on,wait=off");
        return 0;
    }
    fd = qemu_chardev_listen(cmd, source->path);
    if (fd < 0)
        return -1;
    g_string_append_printf(out, ",fd=%d,server=on,wait=off", fd);
    return 0;
}

gboolean qemu_chardev_has_tls(const QemuConf *conf, const ChardevSource *source)
{
    return source->type == CHARDEV_TYPE_TCP &&
        (source->tls == TRISTATE_YES || (source->tls == TRISTATE_UNSET && conf->chardev_tls > 0));
}

static int chardev_tcp(QemuCommand *cmd, GString *out, const ChardevSource *source, const char *alias, const char *what)
{
    gboolean server = source->mode == CHARDEV_MODE_BIND;
    g_autofree char *tls = g_strdup_printf("objchar%s_tls0", alias);

    add_value(out, "host", source->host ? source->host : "");
    add_value(out, "port", source->service ? source->service : "");
    if (source->protocol == CHARDEV_PROTOCOL_TELNET)
        g_string_append(out, ",telnet=on");
    if (server)
        g_string_append(out, ",server=on,wait=off");
    else
        add_reconnect(cmd, out, &source->reconnect);
    if (!qemu_chardev_has_tls(cmd->conf, source))
        return 0;
    add_value(out, "tls-creds", tls);
    return qemu_tls_credentials(cmd, QEMU_TLS_CHARDEV, server, tls, what);
}

static void chardev_udp(GString *out, const ChardevSource *source)
{
    add_value(out, "host", source->udp_connect.host ? source->udp_connect.host : "");
    add_value(out, "port", source->udp_connect.service ? source->udp_connect.service : "0");
    add_value(out, "localaddr", source->udp_bind.host ? source->udp_bind.host : "");
    add_value(out, "localport", source->udp_bind.service ? source->udp_bind.service : "0");
}

static int chardev_file(QemuCommand *cmd, GString *out, const ChardevSource *source, const char *alias)
{
    g_autofree char *path = qemu_chardev_file(cmd, source->path, source->append == TRISTATE_ON, alias, "source");

    if (!path)
        return -1;
    add_value(out, "path", path);
    if (!cmd->options->dry_run || source->append == TRISTATE_ON)
        g_string_append(out, ",append=on");
    return 0;
}

static void chardev_vdagent(GString *out, const ChardevSource *source)
{
    g_string_append(out, ",name=vdagent");
    if (source->vdagent_clipboard)
        g_string_append_printf(out, ",clipboard=%s", source->vdagent_clipboard == TRISTATE_YES ? "on" : "off");
    if (source->vdagent_mouse)
        g_string_append_printf(out, ",mouse=%s", source->vdagent_mouse == CHARDEV_VDAGENT_MOUSE_CLIENT ? "on" : "off");
}

/* Parameters behind the id. */
static int chardev_parameters(QemuCommand *cmd, GString *out, const ChardevSource *source, const char *alias, const char *what)
{
    switch (source->type) {
    case CHARDEV_TYPE_DEV:
    case CHARDEV_TYPE_PIPE:
        add_value(out, "path", source->path);
        return 0;
    case CHARDEV_TYPE_FILE:
        return chardev_file(cmd, out, source, alias);
    case CHARDEV_TYPE_UDP:
        chardev_udp(out, source);
        return 0;
    case CHARDEV_TYPE_TCP:
        return chardev_tcp(cmd, out, source, alias, what);
    case CHARDEV_TYPE_UNIX:
        return chardev_unix(cmd, out, source, what);
    case CHARDEV_TYPE_SPICEVMC:
        g_string_append_printf(out, ",name=%s", g_str_has_prefix(what, "redirdev") ? "usbredir" :
                               g_str_has_prefix(what, "smartcard") ? "smartcard" : "vdagent");
        return 0;
    case CHARDEV_TYPE_SPICEPORT:
    case CHARDEV_TYPE_DBUS:
        add_value(out, "name", source->channel);
        return 0;
    case CHARDEV_TYPE_QEMU_VDAGENT:
        chardev_vdagent(out, source);
        return 0;
    default:
        return 0;
    }
}

/* QEMU's name for a kind of source; NULL if it has none. */
static const char *chardev_backend(ChardevType type, const char *what)
{
    switch (type) {
    case CHARDEV_TYPE_DEV:
        return g_str_has_prefix(what, "parallel") ? "parallel" : "serial";
    case CHARDEV_TYPE_TCP:
    case CHARDEV_TYPE_UNIX:
        return "socket";
    case CHARDEV_TYPE_NMDM:
    case CHARDEV_TYPE_UNSET:
        return NULL;
    default:
        return chardev_type_to_string(type);
    }
}

static gboolean has_graphics(const QemuCommand *cmd, DomainGraphicsType type)
{
    for (guint i = 0; i < cmd->def->devices.n_graphics; i++) {
        if (cmd->def->devices.graphics[i]->type == type)
            return TRUE;
    }
    return FALSE;
}

int qemu_chardev(QemuCommand *cmd, const ChardevSource *source, const char *alias, const char *what)
{
    const char *backend = chardev_backend(source->type, what);
    g_autoptr(GString) out = g_string_new(backend);
    g_autofree char *flag = NULL;

    if (!backend)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: QEMU has no backend of type '%s'", what, chardev_type_to_string(source->type));
    flag = g_strdup_printf("chardev.%s", backend);
    if ((source->type == CHARDEV_TYPE_SPICEVMC || source->type == CHARDEV_TYPE_QEMU_VDAGENT || source->type == CHARDEV_TYPE_DBUS) &&
        !qemu_caps_has_flag(cmd->caps, flag))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' has no backend '%s'", what, cmd->caps->binary, backend);
    if ((source->type == CHARDEV_TYPE_SPICEVMC || source->type == CHARDEV_TYPE_SPICEPORT) && !has_graphics(cmd, DOMAIN_GRAPHICS_TYPE_SPICE))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: type '%s' needs <graphics type='spice'>", what, backend);
    if (cmd->options->running)
        return qemu_chardev_live(cmd, source, backend, alias, what);
    g_string_append_printf(out, ",id=char%s", alias);
    if (chardev_parameters(cmd, out, source, alias, what) < 0)
        return -1;
    if (source->log_file) {
        g_autofree char *path = qemu_chardev_file(cmd, source->log_file, source->log_append != TRISTATE_OFF, alias, "log");

        if (!path)
            return -1;
        add_value(out, "logfile", path);
        if (!cmd->options->dry_run || source->log_append)
            g_string_append(out, ",logappend=on");
    }
    qemu_arg_f(cmd, "-chardev", "%s", out->str);
    return 0;
}

static json_object *char_device(const char *driver, const char *alias)
{
    g_autofree char *chardev = g_strdup_printf("char%s", alias);

    return json_make(JSON_STR("driver", driver), JSON_STR("chardev", chardev), JSON_STR("id", alias));
}

static const char *serial_driver(const DomainSerial *serial)
{
    switch (serial->target.model) {
    case SERIAL_TARGET_MODEL_ISA_SERIAL:
    case SERIAL_TARGET_MODEL_USB_SERIAL:
    case SERIAL_TARGET_MODEL_PCI_SERIAL:
    case SERIAL_TARGET_MODEL_SPAPR_VTY:
    case SERIAL_TARGET_MODEL_SCLPCONSOLE:
    case SERIAL_TARGET_MODEL_SCLPLMCONSOLE:
    case SERIAL_TARGET_MODEL_ISA_DEBUGCON:
        return serial_target_model_to_string(serial->target.model);
    case SERIAL_TARGET_MODEL_UNSET:
        return serial->target.type == SERIAL_TARGET_TYPE_USB_SERIAL ? "usb-serial" :
            serial->target.type == SERIAL_TARGET_TYPE_PCI_SERIAL ? "pci-serial" :
            serial->target.type == SERIAL_TARGET_TYPE_ISA_SERIAL ? "isa-serial" : NULL;
    default:
        return NULL; /* part of the board */
    }
}

static int one_serial(QemuCommand *cmd, const DomainSerial *serial)
{
    const char *driver = serial_driver(serial), *alias = serial->info.alias;
    g_autofree char *what = g_strdup_printf("serial port '%s'", alias);
    json_object *props;

    if (qemu_chardev(cmd, &serial->source, alias, what) < 0)
        return -1;
    if (!driver) {
        qemu_arg_f(cmd, "-serial", "chardev:char%s", alias);
        return 0;
    }
    if (qemu_require_type(cmd, driver, what) < 0)
        return -1;
    props = char_device(driver, alias);
    if (g_str_equal(driver, "isa-serial"))
        json_add(props, JSON_INT("index", serial->target.port));
    return qemu_arg_device(cmd, props, &serial->info);
}

static int one_parallel(QemuCommand *cmd, const DomainParallel *parallel)
{
    g_autofree char *what = g_strdup_printf("parallel port '%s'", parallel->info.alias);

    if (qemu_require_type(cmd, "isa-parallel", what) < 0 || qemu_chardev(cmd, &parallel->source, parallel->info.alias, what) < 0)
        return -1;
    return qemu_arg_device(cmd, char_device("isa-parallel", parallel->info.alias), &parallel->info);
}

/* A network of its own, on which connections to one address come out here. */
static int guest_forward(QemuCommand *cmd, const DomainChannel *channel, const char *what)
{
    g_autofree char *text = NULL;
    json_object *rules = json_object_new_array();
    gint64 port;
    struct in_addr in;

    if (inet_pton(AF_INET, channel->target.address ? channel->target.address : "", &in) != 1 ||
        !g_ascii_string_to_signed(channel->target.port ? channel->target.port : "", 10, 1, 65535, &port, NULL)) {
        json_object_put(rules);
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: target type 'guestfwd' needs an IPv4 address and a port", what);
    }
    text = g_strdup_printf("tcp:%s:%s-chardev:char%s", channel->target.address, channel->target.port, channel->info.alias);
    json_object_array_add(rules, json_make(JSON_STR("str", text)));
    qemu_arg_json(cmd, "-netdev", json_make(JSON_STR("type", "user"), JSON_VALUE("guestfwd", rules), JSON_STR("id", channel->info.alias)));
    return 0;
}

static int one_channel(QemuCommand *cmd, const DomainChannel *channel)
{
    const char *alias = channel->info.alias;
    g_autofree char *what = g_strdup_printf("channel '%s'", alias), *chardev = g_strdup_printf("char%s", alias);
    json_object *props;

    if (channel->target.type != CHANNEL_TARGET_TYPE_VIRTIO && channel->target.type != CHANNEL_TARGET_TYPE_GUESTFWD)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: target type '%s' is not supported", what,
                    channel_target_type_to_string(channel->target.type));
    if (qemu_chardev(cmd, &channel->source, alias, what) < 0)
        return -1;
    if (channel->target.type == CHANNEL_TARGET_TYPE_GUESTFWD)
        return guest_forward(cmd, channel, what);
    props = json_make(JSON_STR("driver", "virtserialport"));
    if (qemu_add_address(cmd, props, &channel->info) < 0) {
        json_object_put(props);
        return -1;
    }
    json_add(props, JSON_STR("chardev", chardev), JSON_STR("id", alias));
    if (channel->target.name)
        json_add(props, JSON_STR("name", channel->target.name));
    else if (channel->source.type == CHARDEV_TYPE_SPICEVMC)
        json_add(props, JSON_STR("name", "com.redhat.spice.0"));
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

static int one_console(QemuCommand *cmd, const DomainConsole *console)
{
    static const char *const drivers[CONSOLE_TARGET_TYPE_LAST] = {
        [CONSOLE_TARGET_TYPE_VIRTIO] = "virtconsole", [CONSOLE_TARGET_TYPE_SCLP] = "sclpconsole",
        [CONSOLE_TARGET_TYPE_SCLPLM] = "sclplmconsole",
    };
    const char *alias = console->info.alias, *driver = drivers[console->target.type];
    g_autofree char *what = g_strdup_printf("console '%s'", alias), *chardev = g_strdup_printf("char%s", alias);
    json_object *props;

    if (console->target.type == CONSOLE_TARGET_TYPE_SERIAL || console->target.type == CONSOLE_TARGET_TYPE_UNSET)
        return 0;
    if (!driver)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: target type '%s' is not supported", what,
                    console_target_type_to_string(console->target.type));
    if (qemu_require_type(cmd, driver, what) < 0 || qemu_chardev(cmd, &console->source, alias, what) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver));
    if (qemu_add_address(cmd, props, &console->info) < 0) {
        json_object_put(props);
        return -1;
    }
    json_add(props, JSON_STR("chardev", chardev), JSON_STR("id", alias));
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

int qemu_command_chardevs(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_serials; i++) {
        if (one_serial(cmd, d->serials[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_parallels; i++) {
        if (one_parallel(cmd, d->parallels[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_channels; i++) {
        if (one_channel(cmd, d->channels[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_consoles; i++) {
        if (one_console(cmd, d->consoles[i]) < 0)
            return -1;
    }
    return 0;
}
