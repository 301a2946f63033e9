/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One form for what can be written in several: default ports of storage protocols, the engine of an encryption, the state
 * of a feature that is only named, the order of SMBIOS fields.
 */
#include "model/domain_private.h"

/* Storage */

/* 0 where QEMU needs none. */
static guint32 default_port(StorageProtocol protocol)
{
    static const guint16 ports[STORAGE_PROTOCOL_LAST] = {
        [STORAGE_PROTOCOL_NBD] = 10809,    [STORAGE_PROTOCOL_SHEEPDOG] = 7000, [STORAGE_PROTOCOL_GLUSTER] = 24007,
        [STORAGE_PROTOCOL_ISCSI] = 3260,   [STORAGE_PROTOCOL_HTTP] = 80,       [STORAGE_PROTOCOL_HTTPS] = 443,
        [STORAGE_PROTOCOL_FTP] = 21,       [STORAGE_PROTOCOL_FTPS] = 990,      [STORAGE_PROTOCOL_TFTP] = 69,
        [STORAGE_PROTOCOL_SSH] = 22,       [STORAGE_PROTOCOL_VXHS] = 9999,
    };

    return ports[protocol];
}

static void normalize_encryption(StorageEncryption *encryption)
{
    if (encryption && !encryption->engine)
        encryption->engine = STORAGE_ENCRYPTION_ENGINE_QEMU;
}

static void normalize_source(StorageSource *source)
{
    for (guint i = 0; i < source->n_hosts; i++) {
        StorageHost *host = source->hosts[i];
        if (host->transport == STORAGE_TRANSPORT_TCP)
            host->transport = STORAGE_TRANSPORT_UNSET;
        if (!host->transport && !host->port)
            host->port = default_port(source->protocol);
    }
    normalize_encryption(source->encryption);
}

static void normalize_disk(DomainDisk *disk)
{
    /* An empty drive is of no kind yet, and closed is what a tray is. */
    bool drive = domain_disk_is_drive(disk);

    if (drive && disk->source.type == DOMAIN_DISK_TYPE_BLOCK && !disk->source.dev)
        disk->source.type = DOMAIN_DISK_TYPE_FILE;
    if (drive && disk->target.tray == DOMAIN_DISK_TRAY_CLOSED)
        disk->target.tray = DOMAIN_DISK_TRAY_UNSET;
    domain_drop_empty(&DOMAIN_DISK_IOTUNE_DESC, &disk->iotune);
    normalize_source(&disk->source);
    normalize_encryption(disk->encryption);
    for (DomainBackingStore *below = disk->backing_store; below; below = below->backing_store)
        normalize_source(&below->source);
}

/* Features */

static void name_means_on(bool there, Tristate *state)
{
    if (there && !*state)
        *state = TRISTATE_ON;
}

static void normalize_features(DomainFeatures *features)
{
    name_means_on(features->has_hap, &features->hap.state);
    name_means_on(features->has_pvspinlock, &features->pvspinlock.state);
    name_means_on(features->has_pmu, &features->pmu.state);
    name_means_on(features->has_vmport, &features->vmport.state);
    name_means_on(features->has_smm, &features->smm.state);
    name_means_on(features->has_vmcoreinfo, &features->vmcoreinfo.state);
    if (features->smm.state != TRISTATE_ON)
        features->smm.tseg = 0;
    if (features->capabilities_policy == CAPABILITIES_POLICY_DEFAULT)
        features->capabilities_policy = CAPABILITIES_POLICY_UNSET;
}

/* SMBIOS */

static guint place_in(const char *const *order, const SysinfoEntry *entry)
{
    guint at = 0;

    while (order[at] && g_strcmp0(order[at], entry->name))
        at++;
    return at;
}

/* What no order names can't be told to the guest. */
static void drop_unknown(SysinfoBlock *block, const char *const *order)
{
    for (guint i = block->n_entries; i-- > 0;) {
        SysinfoEntry *entry = block->entries[i];
        if (order[place_in(order, entry)])
            continue;
        XML_LIST_REMOVE(block->entries, block->n_entries, i);
        xml_struct_free(&SYSINFO_ENTRY_DESC, entry);
    }
}

/* Stable. */
static void order_block(SysinfoBlock *block, const char *const *order)
{
    drop_unknown(block, order);
    for (guint i = 1; i < block->n_entries; i++) {
        SysinfoEntry *entry = block->entries[i];
        guint at = i;
        for (; at > 0 && place_in(order, block->entries[at - 1]) > place_in(order, entry); at--)
            block->entries[at] = block->entries[at - 1];
        block->entries[at] = entry;
    }
}

static void normalize_sysinfo(DomainSysinfo *sysinfo)
{
    static const char *const bios[] = {"vendor", "version", "date", "release", NULL};
    static const char *const system[] = {"manufacturer", "product", "version", "serial", "uuid", "sku", "family", NULL};
    static const char *const board[] = {"manufacturer", "product", "version", "serial", "asset", "location", NULL};
    static const char *const chassis[] = {"manufacturer", "version", "serial", "asset", "sku", NULL};

    order_block(&sysinfo->bios, bios);
    order_block(&sysinfo->system, system);
    for (guint i = 0; i < sysinfo->n_base_boards; i++)
        order_block(sysinfo->base_boards[i], board);
    order_block(&sysinfo->chassis, chassis);
    for (guint i = 0; i < sysinfo->n_fwcfg; i++) {
        if (sysinfo->fwcfg[i]->file)
            g_clear_pointer(&sysinfo->fwcfg[i]->value, g_free);
    }
}

/* Character devices */

static void normalize_char(ChardevSource *source)
{
    if (source->type == CHARDEV_TYPE_TCP && !source->protocol)
        source->protocol = CHARDEV_PROTOCOL_RAW;
    /* The path of an agent's socket is chosen at start, and we listen there: nothing is to be said about it. */
    if (source->type == CHARDEV_TYPE_UNIX && !source->path)
        source->mode = CHARDEV_MODE_UNSET;
}

/* USB versions are told as the device does: 1.1 is 1.10, and the second part always has two digits. */
static int normalize_filter(const DomainDef *def, DomainRedirfilter *filter)
{
    for (guint i = 0; i < filter->n_usbdevs; i++) {
        char **version = &filter->usbdevs[i]->version;
        if (!*version || strcmp(*version, "-1") == 0)
            continue;
        size_t major = strspn(*version, "0123456789");
        size_t minor = (*version)[major] == '.' ? strspn(*version + major + 1, "0123456789") : 0;
        if (major < 1 || major > 2 || minor < 1 || minor > 2 || (*version)[major + 1 + minor])
            return domain_fail_device(def, "redirfilter", filter, VIR_ERR_XML_ERROR, "rule %u: '%s' is no USB version such as "
                                      "1.1 or 2.00", i + 1, *version);
        char *text = g_strdup_printf("%s%s", *version, minor == 1 ? "0" : "");
        g_free(*version);
        *version = text;
    }
    return 0;
}

/* Displays */

/* A channel that may be secured or not is as if nothing were said about it. */
static void normalize_graphics(DomainGraphics *graphics)
{
    for (guint i = graphics->n_channels; i-- > 0;) {
        SpiceChannel *channel = graphics->channels[i];
        if (channel->mode != SPICE_CHANNEL_MODE_ANY)
            continue;
        XML_LIST_REMOVE(graphics->channels, graphics->n_channels, i);
        xml_struct_free(&SPICE_CHANNEL_DESC, channel);
    }
}

/* Boot and labels */

static void normalize_os(DomainDef *def)
{
    DomainOs *os = &def->os;

    if (os->bootmenu.enable != TRISTATE_YES) {
        os->bootmenu.has_timeout = false;
        os->bootmenu.timeout = 0;
    }
    if (os->smbios_mode == DOMAIN_SMBIOS_MODE_NONE)
        os->smbios_mode = DOMAIN_SMBIOS_MODE_UNSET;
    if (os->loader.path && !os->loader.type && domain_is_qemu(def))
        os->loader.type = DOMAIN_LOADER_TYPE_ROM;
}

/* Labels that name no model are of the host's first, or of none, which labels nothing. A label that says nothing isn't told. */
static int normalize_seclabels(DomainDef *def, const DomainMachineInfo *info)
{
    for (guint i = def->n_seclabels; i-- > 0 && domain_is_qemu(def);) {
        DomainSeclabel *label = def->seclabels[i];
        if (!label->model && info->first_security_model && label->type != SECLABEL_TYPE_NONE)
            label->model = g_strdup(info->first_security_model);
        if (!label->model && (!label->type || label->type == SECLABEL_TYPE_STATIC))
            return FAIL(VIR_ERR_XML_ERROR, "domain.seclabel[%u]: missing security model", i + 1);
        if (!label->model)
            label->model = g_strdup("none");
        if (strcmp(label->model, "none") == 0)
            label->type = SECLABEL_TYPE_NONE;
        if (label->type)
            continue;
        XML_LIST_REMOVE(def->seclabels, def->n_seclabels, i);
        xml_struct_free(&DOMAIN_SECLABEL_DESC, label);
    }
    return 0;
}

static int compare_events(const void *a, const void *b)
{
    return (*(PerfEvent *const *)a)->name - (*(PerfEvent *const *)b)->name;
}

/* Modes of files are told with four digits; what is none stays for those who check it. */
static void normalize_mode(char **mode)
{
    guint64 value;

    if (!*mode || !g_ascii_string_to_unsigned(*mode, 8, 0, 07777, &value, NULL))
        return;
    g_free(*mode);
    *mode = g_strdup_printf("%04o", (guint)value);
}

int domain_normalize(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;

    normalize_os(def);
    if (normalize_seclabels(def, info) < 0)
        return -1;
    if (def->n_perf_events)
        qsort(def->perf_events, def->n_perf_events, sizeof def->perf_events[0], compare_events);

    for (guint i = 0; i < devices->n_disks; i++)
        normalize_disk(devices->disks[i]);
    for (guint i = 0; i < devices->n_rngs; i++)
        normalize_char(&devices->rngs[i]->backend.source);
    for (guint i = 0; i < devices->n_filesystems; i++) {
        normalize_mode(&devices->filesystems[i]->fmode);
        normalize_mode(&devices->filesystems[i]->dmode);
        if (devices->filesystems[i]->multidevs == FILESYSTEM_MULTIDEVS_DEFAULT)
            devices->filesystems[i]->multidevs = FILESYSTEM_MULTIDEVS_UNSET;
    }
    for (guint i = 0; i < devices->n_channels; i++)
        normalize_char(&devices->channels[i]->source);
    for (guint i = 0; i < devices->n_serials; i++)
        normalize_char(&devices->serials[i]->source);
    for (guint i = 0; i < devices->n_parallels; i++)
        normalize_char(&devices->parallels[i]->source);
    for (guint i = 0; i < devices->n_consoles; i++)
        normalize_char(&devices->consoles[i]->source);
    for (guint i = 0; i < devices->n_smartcards; i++)
        normalize_char(&devices->smartcards[i]->source);
    for (guint i = 0; i < devices->n_graphics; i++)
        normalize_graphics(devices->graphics[i]);
    for (guint i = 0; i < devices->n_redirdevs; i++)
        normalize_char(&devices->redirdevs[i]->source);
    normalize_features(&def->features);
    for (guint i = 0; i < def->n_sysinfos; i++)
        normalize_sysinfo(def->sysinfos[i]);
    domain_normalize_numa(def);
    domain_normalize_tuning(def);
    return devices->redirfilter ? normalize_filter(def, devices->redirfilter) : 0;
}
