/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a daemon left in QEMU that was killed between a device's first command and the status file. Nobody was told that the device
 * came, no definition knows of it, and its names would be in the way of the next one. Parts that no device has are removed. A device stays,
 * since whoever made it may be using it; when it goes its parts do as well. QEMU itself refuses to remove what is in use; but for back ends of interfaces, of which it
 * has no list either: so those names are tried that an interface would have got, and that no device has.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.strays"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "domain/host.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/hotplug_priv.h"

/* Most things of one kind that are looked at, and tried. */
#define MAX_THINGS 4096
/* Most that are removed at a time: as many commands wait, and others have to wait as well. */
#define MAX_REMOVED 256

/* Names that devices have which can come while the guest runs (alias.c). */
#define DEVICE "(?:ua-[-_A-Za-z0-9]+|(?:net|fs|hostdev|input|rng|dimm|nvdimm|virtiopmem|virtiomem|watchdog|redir|shmem|vsock|serial|channel|" \
    "console|smartcard|hub|sound|crypto|panic)[0-9]+|[a-z]+-disk[0-9]+|[a-z]+[0-9]+(?:-[0-9]+){2,3})"
/* Of the images behind disks, by their number. */
#define IMAGE "libvirt-([0-9]+)-"

/* Parts, those that others are made of last. The first group of a pattern is the device's name, or the image's number. */
static const struct {
    const char *list, *path, *member; /* the command that lists such things, what it is asked for, and which member has their names */
    const char *pattern;
    const char *del, *key;
} parts[] = {
    { "query-named-block-nodes", NULL, "node-name", "^" IMAGE "throttle[0-9]+$", "blockdev-del", "node-name" },
    { "query-named-block-nodes", NULL, "node-name", "^libvirt-CoR-([a-z]+)$", "blockdev-del", "node-name" },
    { "query-named-block-nodes", NULL, "node-name", "^" IMAGE "format$", "blockdev-del", "node-name" },
    { "query-named-block-nodes", NULL, "node-name", "^" IMAGE "slice-sto$", "blockdev-del", "node-name" },
    { "query-named-block-nodes", NULL, "node-name", "^" IMAGE "storage$", "blockdev-del", "node-name" },
    { "query-chardev", NULL, "label", "^char(" DEVICE ")$", "chardev-remove", "id" },
    { "qom-list", "/objects", "name", "^(?:obj|mem|shmmem-)(" DEVICE ")$", "object-del", "id" },
    { "qom-list", "/objects", "name", "^objchar(" DEVICE ")_tls0$", "object-del", "id" },
    { "qom-list", "/objects", "name", "^(?:obj)?" IMAGE "[-a-z0-9_]+$", "object-del", "id" },
};

/* What the definition has. */
typedef struct Known {
    GHashTable *names;  /* of devices, numbers of images, and targets of disks */
    guint next_net;     /* number in the name that the next interface gets */
    gboolean foreign;   /* who wrote it added options of QEMU, with names as he liked: nothing is taken for what a daemon left */
} Known;

static void known_clear(Known *known)
{
    g_hash_table_unref(known->names);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Known, known_clear)

static Known known_new(void)
{
    return (Known){ g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), 0, FALSE };
}

static int note_device(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    Known *known = opaque;
    guint64 number;

    if (!info->alias)
        return 0;
    g_hash_table_add(known->names, g_strdup(info->alias));
    if (g_str_has_prefix(info->alias, "net") && g_ascii_string_to_unsigned(info->alias + 3, 10, 0, MAX_THINGS, &number, NULL))
        known->next_net = MAX(known->next_net, (guint)number + 1);
    return 0;
}

static void note_image(Known *known, const StorageSource *source)
{
    if (source->index)
        g_hash_table_add(known->names, g_strdup_printf("%u", source->index));
}

static void note_all(const DomainDef *def, void *opaque)
{
    Known *known = opaque;

    known->foreign = def->qemu_commandline && def->qemu_commandline->n_args;
    known->next_net = (guint)def->devices.n_interfaces;
    domain_def_each_device((DomainDef *)def, note_device, known);
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];

        g_hash_table_add(known->names, g_strdup(disk->target.dev ? disk->target.dev : ""));
        note_image(known, &disk->source);
        for (const DomainBackingStore *b = disk->backing_store; b; b = b->backing_store)
            note_image(known, &b->source);
    }
}

/* The names in QEMU's answer. */
static GPtrArray *names_of(json_object *list, const char *member)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; json_object_is_type(list, json_type_array) && i < MIN(json_object_array_length(list), MAX_THINGS); i++) {
        const char *name = json_member_string(json_object_array_get_idx(list, i), member);

        if (name)
            g_ptr_array_add(names, g_strdup(name));
    }
    return names;
}

static GPtrArray *list(Guest *guest, const char *command, const char *path, const char *member)
{
    g_autoptr(json_object) found = NULL;

    if (qemu_guest_call(guest, command, path ? json_make(JSON_STR("path", path)) : NULL, &found) < 0)
        return NULL;
    return names_of(found, member);
}

static gboolean has_name(const GPtrArray *names, const char *name)
{
    return g_ptr_array_find_with_equal_func((GPtrArray *)names, name, g_str_equal, NULL);
}

/* Of @names those that fit @pattern, and whose device or image nobody knows. Their elements belong to @names. */
static GPtrArray *strays_among(const GPtrArray *names, const char *pattern, const Known *known)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    GPtrArray *strays = g_ptr_array_new();

    for (guint i = 0; i < names->len && strays->len < MAX_REMOVED; i++) {
        g_autoptr(GMatchInfo) match = NULL;
        g_autofree char *owner = g_regex_match(regex, names->pdata[i], 0, &match) ? g_match_info_fetch(match, 1) : NULL;

        if (owner && !g_hash_table_contains(known->names, owner))
            g_ptr_array_add(strays, names->pdata[i]);
    }
    return strays;
}

static int remove_parts(Guest *guest, const Known *known)
{
    g_autoptr(GPtrArray) names = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (i == 0 || strcmp(parts[i].list, parts[i - 1].list)) {
            g_clear_pointer(&names, g_ptr_array_unref);
            names = list(guest, parts[i].list, parts[i].path, parts[i].member);
        }
        if (!names)
            return -1;
        g_autoptr(GPtrArray) strays = strays_among(names, parts[i].pattern, known);
        for (guint k = 0; k < strays->len; k++)
            qemu_remove_later(guest, parts[i].del, parts[i].key, "", strays->pdata[k]);
    }
    return 0;
}

/* All that are free, up to that of the next interface. */
static void remove_netdevs(Guest *guest, const GPtrArray *children, const Known *known)
{
    for (guint n = known->next_net - MIN(known->next_net, MAX_REMOVED); n <= known->next_net; n++) {
        g_autofree char *alias = g_strdup_printf("net%u", n);

        if (!g_hash_table_contains(known->names, alias) && !has_name(children, alias))
            qemu_remove_later(guest, "netdev_del", "id", "host", alias);
    }
}

/* Descriptors that it was given and nothing took; QEMU has no list of them either. */
static void close_descriptors(Guest *guest)
{
    int rc = 0;

    for (guint i = 0; rc == 0 && i < MAX_REMOVED; i++) {
        g_autofree char *name = g_strdup_printf(QEMU_FD_NAME, i);

        rc = qemu_guest_call(guest, "closefd", json_make(JSON_STR("fdname", name)), NULL);
    }
    virResetLastError();
}

static int drop_strays(Guest *guest, const Known *known)
{
    g_autoptr(GPtrArray) children = list(guest, "qom-list", "/machine/peripheral", "name");
    g_autoptr(GPtrArray) devices = children ? strays_among(children, "^(" DEVICE ")$", known) : NULL;

    if (!children)
        return -1;
    for (guint i = 0; i < devices->len; i++) {
        LOG_WARN("domain '%s' has device '%s', which no definition knows: a former daemon didn't get to note it down, or somebody else made "
                 "it; 'virsh qemu-monitor-command %s --hmp device_del %s' removes it", guest->name, (const char *)devices->pdata[i], guest->name,
                 (const char *)devices->pdata[i]);
    }
    remove_netdevs(guest, children, known);
    return remove_parts(guest, known);
}

int qemu_guest_drop_strays(Guest *guest, const DomainDef *def)
{
    g_auto(Known) known = known_new();

    note_all(def, &known);
    if (known.foreign)
        return 0;
    close_descriptors(guest);
    return drop_strays(guest, &known);
}

static void drop_the_rest(void *opaque)
{
    g_auto(Known) known = known_new();
    Guest *guest = opaque;

    if (guest_with_def(guest, note_all, &known) && !known.foreign && drop_strays(guest, &known) < 0) {
        LOG_WARN("parts of a device of domain '%s' may be left: %s", guest->name, error_message());
        virResetLastError();
    }
    guest_unref(guest);
}

void qemu_guest_stray_went(Guest *guest, const char *alias)
{
    qemu_remove_later(guest, "netdev_del", "id", "host", alias);
    host_run(guest->host, guest->dom, drop_the_rest, guest_ref(guest));
}
