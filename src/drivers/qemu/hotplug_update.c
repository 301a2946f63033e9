/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices that change while the guest runs: what is in a drive, links, passwords.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.hotplug"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/hotplug_priv.h"
#include "drivers/qemu/locks.h"
#include "drivers/qemu/rx_filter.h"
#include "drivers/qemu/security.h"
#include "drivers/qemu/tap.h"
#include "nwfilter/plug.h"

static int medium(Guest *guest, const DomainDisk *disk, const char *command, const char *node)
{
    json_object *args = json_make(JSON_STR("id", disk->info.alias));

    if (node)
        json_add(args, JSON_STR("node-name", node));
    return qemu_guest_call(guest, command, args, NULL);
}

/* The tray is open and empty. */
static int insert(Guest *guest, const DomainDisk *disk)
{
    g_autofree char *node = qemu_disk_node(disk);

    return qemu_disk_has_media(disk) ? medium(guest, disk, "blockdev-insert-medium", node) : 0;
}

static int exchange(Guest *guest, const DomainDisk *now, const DomainDisk *old, gboolean force)
{
    if (qemu_guest_call(guest, "blockdev-open-tray", json_make(JSON_STR("id", now->info.alias), JSON_BOOL("force", force)), NULL) < 0)
        return -1;
    int ret = qemu_disk_has_media(old) ? medium(guest, now, "blockdev-remove-medium", NULL) : 0;

    if (ret == 0 && insert(guest, now) < 0) {
        virErrorPtr error = error_save();

        insert(guest, old);
        error_restore(error);
        ret = -1;
    }
    virErrorPtr error = error_save();
    int closed = medium(guest, now, "blockdev-close-tray", NULL);

    if (ret == 0) {
        virFreeError(error);
        return closed;
    }
    error_restore(error);
    return -1;
}

static int change_medium(Guest *guest, DomainDef *def, DomainDisk *now, const DomainDisk *old, gboolean force)
{
    g_autoptr(QemuCaps) caps = qemu_guest_caps(guest, def);
    g_autoptr(GArray) made = qemu_made_new();
    QemuDriver *driver = guest_host_priv(guest);
    QemuCommandOptions options = { .dir = qemu_guest(guest)->dir, .monitor_fd = -1, .conf = &driver->conf, .running = TRUE };
    DomainDef part = qemu_part_of(def);
    g_autoptr(QemuCommand) cmd = caps ? qemu_command_new_part(&part, caps, &options) : NULL;

    if (qemu_check_image(now) < 0)
        return -1;
    now->source.index = 0;
    qemu_number_sources(def, old->source.index);
    if (!cmd || qemu_security_give_device(guest, def, "disk", now) < 0)
        return -1;
    if (qemu_locks_attach(guest, "disk", now) < 0) {
        qemu_security_restore_device(guest, def, "disk", now);
        return -1;
    }
    if ((qemu_disk_has_media(now) && qemu_command_images(cmd, now) < 0) || qemu_make_all(guest, cmd, made) < 0 ||
        exchange(guest, now, old, force) < 0) {
        qemu_make_undo(guest, made);
        qemu_locks_detach(guest, "disk", now);
        qemu_security_restore_device(guest, def, "disk", now);
        return -1;
    }
    qemu_remove_images_later(guest, old);
    qemu_locks_detach(guest, "disk", old);
    qemu_security_restore_device_later(guest, "disk", old);
    qemu_guest_note_lists(qemu_guest(guest), def);
    return 0;
}

/* Only what counts at a start has changed, such as the policy for images that are missing. */
static gboolean is_same_image(const DomainDisk *now, const DomainDisk *old)
{
    return now->source.index && now->source.index == old->source.index;
}

/* What QEMU follows, and where there is a device on the host what it, tap_update() and the filters do. */
static gboolean can_change(const char *path, gboolean has_tap)
{
    static const struct {
        const char *part;
        gboolean of_tap;
    } parts[] = {
        { ".link" }, { ".bandwidth", TRUE }, { ".vlan", TRUE }, { ".source", TRUE }, { ".virtualport", TRUE }, { ".port", TRUE }, { ".filterref", TRUE },
        { ".actual", TRUE }, { ".coalesce", TRUE }, { "@type", TRUE }, { "@trustGuestRxFilters", TRUE },
    };

    const char *rest = path + strlen("interface");

    if (!g_str_has_prefix(path, "interface"))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        size_t len = strlen(parts[i].part);

        /* strchr() finds the end as well: it is the part itself */
        if ((has_tap || !parts[i].of_tap) && strncmp(rest, parts[i].part, len) == 0 && strchr(".@[", rest[len]))
            return TRUE;
    }
    return FALSE;
}

static int update_interface(Guest *guest, const DomainDef *def, DomainInterface *now, const DomainInterface *old)
{
    g_autoptr(GPtrArray) changes = xml_diff(&DOMAIN_INTERFACE_DESC, old, now, "interface", 64);
    gboolean has_tap = qemu_interface_needs_tap(old);

    for (guint i = 0; i < changes->len; i++) {
        const XmlChange *change = changes->pdata[i];

        if (!can_change(change->path, has_tap))
            return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "'%s' of the running domain '%s' can't be changed yet; '--config' does it for the "
                        "next start", change->path, guest->name);
    }
    if (now->trust_guest_rx_filters != old->trust_guest_rx_filters && qemu_guest_rx_filter_follow(guest, now) < 0)
        return -1;
    if (has_tap && nwfilter_change(now, old, def->name, def->uuid) < 0)
        return -1;
    if (has_tap && tap_update(def, &((QemuDriver *)guest_host_priv(guest))->conf, now, old) < 0) {
        virErrorPtr error = error_save();

        if (nwfilter_change(old, now, def->name, def->uuid) < 0)
            LOG_ERROR("%s", error_message());
        error_restore(error);
        return -1;
    }
    return now->link == old->link ? 0 : qemu_guest_set_link(guest, now);
}

static int update_memory(Guest *guest, DomainMemory *now, const DomainMemory *old)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", now->info.alias);

    now->target.current = old->target.current;      /* the guest tells when it follows */
    now->target.has_current = old->target.has_current;
    if (now->target.requested == old->target.requested)
        return 0;
    return qemu_guest_call(guest, "qom-set", json_make(JSON_STR("path", path), JSON_STR("property", "requested-size"),
                                                       JSON_UINT("value", now->target.requested * 1024)), NULL);
}

int qemu_backend_update(Guest *guest, DomainDef *def, const char *kind, void *device, const void *old, gboolean force)
{
    if (g_str_equal(kind, "disk"))
        return is_same_image(device, old) ? 0 : change_medium(guest, def, device, old, force);
    if (g_str_equal(kind, "interface"))
        return update_interface(guest, def, device, old);
    if (g_str_equal(kind, "memory"))
        return update_memory(guest, device, old);
    if (g_str_equal(kind, "graphics"))
        return qemu_guest_set_password(guest, device);
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "devices of type '%s' of the running domain '%s' can't be changed yet", kind, guest->name);
}
