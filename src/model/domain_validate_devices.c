/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about single devices and about devices of one kind.
 */
#include "base/mac.h"
#include "model/domain_private.h"

static void report(XmlDiagnostics *diag, int code, const char *kind, guint at, const char *fmt, ...) G_GNUC_PRINTF(5, 6);

static void report(XmlDiagnostics *diag, int code, const char *kind, guint at, const char *fmt, ...)
{
    g_autofree char *path = g_strdup_printf("domain.devices.%s[%u]", kind, at + 1);
    va_list args;

    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    xml_diagnostics_add(diag, XML_PROBLEM_ERROR, code, 0, path, "%s", text);
}

/* Interfaces */

static const char *missing_peer(const InterfaceSource *source)
{
    switch (source->type) {
    case DOMAIN_INTERFACE_TYPE_NETWORK:
        return source->network ? NULL : "source network";
    case DOMAIN_INTERFACE_TYPE_BRIDGE:
        return source->bridge ? NULL : "source bridge";
    case DOMAIN_INTERFACE_TYPE_DIRECT:
    case DOMAIN_INTERFACE_TYPE_VDPA:
        return source->dev ? NULL : "source dev";
    case DOMAIN_INTERFACE_TYPE_INTERNAL:
        return source->name ? NULL : "source name";
    case DOMAIN_INTERFACE_TYPE_VHOSTUSER:
        return source->path ? NULL : "source path";
    case DOMAIN_INTERFACE_TYPE_HOSTDEV:
        return source->host_address ? NULL : "source address";
    case DOMAIN_INTERFACE_TYPE_SERVER:
    case DOMAIN_INTERFACE_TYPE_CLIENT:
    case DOMAIN_INTERFACE_TYPE_MCAST:
    case DOMAIN_INTERFACE_TYPE_UDP:
        return source->port ? NULL : "source port";
    default:
        return NULL;
    }
}

static void check_interface(const DomainInterface *iface, guint at, XmlDiagnostics *diag)
{
    const char *missing = missing_peer(&iface->source);
    char mac[MAC_TEXT_SIZE];

    if (missing)
        report(diag, VIR_ERR_XML_ERROR, "interface", at, "missing %s, which an interface of type '%s' needs", missing,
               domain_interface_type_to_string(iface->source.type));
    if (iface->has_mac && iface->mac[0] & 1)
        report(diag, VIR_ERR_XML_ERROR, "interface", at, "expected a unicast address, found a multicast one: %s",
               mac_format(iface->mac, mac));
    for (const char *c = iface->model ?: ""; *c; c++) {
        if (g_ascii_isalnum(*c) || strchr("-_", *c))
            continue;
        report(diag, VIR_ERR_INVALID_ARG, "interface", at, "model '%s' contains invalid characters", iface->model);
        break;
    }
}

/* Controllers */

static void check_controllers(const DomainDef *def, XmlDiagnostics *diag)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < def->devices.n_controllers; i++) {
        const DomainController *controller = def->devices.controllers[i];
        bool companion = controller->has_index && controller->info.has_master_startport;
        char *key = g_strdup_printf("%d/%u", controller->type, controller->index);
        if (companion)
            g_free(key);
        else if (!g_hash_table_add(seen, key))
            report(diag, VIR_ERR_XML_ERROR, "controller", i, "there are two controllers of type '%s' with index='%u'",
                   domain_controller_type_to_string(controller->type), controller->index);
    }
}

/* Graphics and video */

static void check_display(const DomainDef *def, XmlDiagnostics *diag)
{
    static const DomainVideoType only_primary[] = {DOMAIN_VIDEO_TYPE_VGA, DOMAIN_VIDEO_TYPE_CIRRUS,
                                                   DOMAIN_VIDEO_TYPE_VMVGA, DOMAIN_VIDEO_TYPE_BOCHS,
                                                   DOMAIN_VIDEO_TYPE_RAMFB};

    for (guint i = 1; i < def->devices.n_videos; i++) {
        DomainVideoType type = def->devices.videos[i]->type;
        for (guint j = 0; j < G_N_ELEMENTS(only_primary); j++) {
            if (type == only_primary[j])
                report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "video", i, "video type '%s' is only valid as primary video device",
                       domain_video_type_to_string(type));
        }
        if (type == DOMAIN_VIDEO_TYPE_NONE)
            report(diag, VIR_ERR_CONFIG_UNSUPPORTED, "video", i, "video type 'none' must be the only video device");
    }
    for (guint i = 0; i < def->devices.n_sounds; i++) {
        guint id = def->devices.sounds[i]->audio_id, j = 0;
        while (j < def->devices.n_audios && def->devices.audios[j]->id != id)
            j++;
        if (id && j == def->devices.n_audios)
            report(diag, VIR_ERR_XML_ERROR, "sound", i, "there is no audio device with id %u", id);
    }
}

/* Character devices */

static const char *missing_chardev(const ChardevSource *source)
{
    switch (source->type) {
    case CHARDEV_TYPE_DEV:
    case CHARDEV_TYPE_FILE:
    case CHARDEV_TYPE_PIPE:
        return source->path ? NULL : "source path";
    case CHARDEV_TYPE_TCP:
        return source->host && source->service ? NULL : "source host and service";
    case CHARDEV_TYPE_UDP:
        return source->udp_connect.service ? NULL : "source with mode='connect' and a service";
    case CHARDEV_TYPE_NMDM:
        return source->master && source->slave ? NULL : "source master and slave";
    case CHARDEV_TYPE_SPICEPORT:
    case CHARDEV_TYPE_DBUS:
        return source->channel ? NULL : "source channel";
    default:
        return NULL;
    }
}

static void check_chardev(const ChardevSource *source, const char *kind, guint at, XmlDiagnostics *diag)
{
    const char *missing = missing_chardev(source);
    bool socket = source->type == CHARDEV_TYPE_UNIX || source->type == CHARDEV_TYPE_TCP;

    if (missing)
        report(diag, VIR_ERR_XML_ERROR, kind, at, "missing %s, which type '%s' needs", missing,
               chardev_type_to_string(source->type));
    if (socket && source->reconnect.enabled == TRISTATE_YES && source->mode == CHARDEV_MODE_BIND)
        report(diag, VIR_ERR_XML_ERROR, kind, at, "reconnect is possible only for connections with mode='connect'");
}

static void check_chardevs(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainDevices *devices = &def->devices;

    for (guint i = 0; i < devices->n_serials; i++)
        check_chardev(&devices->serials[i]->source, "serial", i, diag);
    for (guint i = 0; i < devices->n_parallels; i++)
        check_chardev(&devices->parallels[i]->source, "parallel", i, diag);
    for (guint i = 0; i < devices->n_consoles; i++)
        check_chardev(&devices->consoles[i]->source, "console", i, diag);
    for (guint i = 0; i < devices->n_channels; i++)
        check_chardev(&devices->channels[i]->source, "channel", i, diag);
    for (guint i = 0; i < devices->n_redirdevs; i++)
        check_chardev(&devices->redirdevs[i]->source, "redirdev", i, diag);
}

/* Limits */

static void check_uniques(const DomainDef *def, XmlDiagnostics *diag)
{
    for (guint i = 0; i < def->devices.n_memories; i++) {
        const DomainMemory *memory = def->devices.memories[i];
        if (memory->target.has_node && (!def->cpu || memory->target.node >= MAX(def->cpu->n_numa_cells, 1)))
            report(diag, VIR_ERR_XML_ERROR, "memory", i, "there is no NUMA node %u in the guest", memory->target.node);
    }
    for (guint i = 0; i < def->devices.n_rngs; i++) {
        const DomainRng *rng = def->devices.rngs[i];
        if (!rng->backend.model)
            report(diag, VIR_ERR_XML_ERROR, "rng", i, "missing backend");
    }
}

void domain_validate_devices(const DomainDef *def, XmlDiagnostics *diag)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++)
        check_interface(def->devices.interfaces[i], i, diag);
    check_controllers(def, diag);
    check_display(def, diag);
    check_chardevs(def, diag);
    check_uniques(def, diag);
}
