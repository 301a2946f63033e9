/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices that come, go and change while the guest runs. A device is built by the same functions as for the command line; their
 * options become the monitor's commands, one each, and are undone in reverse order when one of them fails.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/tap.h"

/* Of each option: the command that makes its thing in a running QEMU, what names the thing, and the command that removes it. */
static const struct {
    const char *option, *add, *key, *del;
} ways[] = {
    { "-object", "object-add", "id", "object-del" },
    { "-blockdev", "blockdev-add", "node-name", "blockdev-del" },
    { "-netdev", "netdev_add", "id", "netdev_del" },
    { "-device", "device_add", "id", "device_del" },
};

typedef struct {
    guint way;
    char *name;
} Made;

static void made_clear(gpointer data)
{
    g_free(((Made *)data)->name);
}

/* Failures don't matter any more: there is an error already, which stays. */
static void undo(Guest *guest, GArray *made)
{
    virErrorPtr error = error_save();

    for (guint i = made->len; i-- > 0;) {
        const Made *m = &g_array_index(made, Made, i);

        qemu_guest_call(guest, ways[m->way].del, json_make(JSON_STR(ways[m->way].key, m->name)), NULL);
    }
    g_array_set_size(made, 0);
    error_restore(error);
}

static int make_one(Guest *guest, const char *option, const char *value, GArray *made)
{
    for (guint w = 0; w < G_N_ELEMENTS(ways); w++) {
        if (!g_str_equal(ways[w].option, option))
            continue;
        json_object *args = json_tokener_parse(value);
        Made m = { w, g_strdup(json_member_string(args, ways[w].key)) };

        if (qemu_guest_call(guest, ways[w].add, args, NULL) < 0) {
            g_free(m.name);
            return -1;
        }
        g_array_append_val(made, m);
        return 0;
    }
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "what domain '%s' shall get needs QEMU's option '%s %s', which a running QEMU has no "
                "command for; '--config' adds it for the next start", guest->name, option, value);
}

/* Have all that @cmd says. 0, and @made is what was made; or -1, and nothing was. */
static int make_all(Guest *guest, QemuCommand *cmd, GArray *made)
{
    for (guint i = 0; i + 1 < cmd->argv->len; i += 2) {
        if (make_one(guest, g_ptr_array_index(cmd->argv, i), g_ptr_array_index(cmd->argv, i + 1), made) < 0) {
            undo(guest, made);
            return -1;
        }
    }
    return 0;
}

static GArray *made_new(void)
{
    GArray *made = g_array_new(FALSE, FALSE, sizeof(Made));

    g_array_set_clear_func(made, made_clear);
    return made;
}

/* ---- the parts of one device ---- */

static int build_controllers(QemuCommand *cmd, const DomainDef *whole, GPtrArray *controllers)
{
    for (guint i = 0; i < controllers->len; i++) {
        const DomainController *c = g_ptr_array_index(controllers, i);

        if (c->type == DOMAIN_CONTROLLER_TYPE_PCI)
            return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' has no free slot on a PCI bus that takes devices while it runs; add "
                        "<controller type='pci' model='pcie-root-port'/> with '--config' and start it anew", whole->name);
        if (qemu_command_controller(cmd, c) < 0)
            return -1;
    }
    return 0;
}

/* The builders take all devices of a kind from the definition: they get one that has but this device. */
static int build_device(QemuCommand *cmd, DomainDef *part, const char *kind, void *device)
{
    DomainDevices *d = &part->devices;

    if (g_str_equal(kind, "disk")) {
        d->disks = (DomainDisk *[]){ device };
        d->n_disks = 1;
        return qemu_command_disks(cmd);
    }
    if (g_str_equal(kind, "interface")) {
        d->interfaces = (DomainInterface *[]){ device };
        d->n_interfaces = 1;
        return qemu_command_interfaces(cmd);
    }
    if (g_str_equal(kind, "input")) {
        d->inputs = (DomainInput *[]){ device };
        d->n_inputs = 1;
        return qemu_command_inputs(cmd);
    }
    if (g_str_equal(kind, "rng")) {
        d->rngs = (DomainRng *[]){ device };
        d->n_rngs = 1;
        return qemu_command_misc(cmd);
    }
    return g_str_equal(kind, "controller") ? 0 : FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "a running domain's devices of type '%s' "
                                                      "can't be changed yet; '--config' does it for the next start", kind);
}

/* Only the buses that devices are on stay. */
static DomainDef without_devices(const DomainDef *def)
{
    DomainDef part = *def;

    part.devices = (DomainDevices){ .controllers = def->devices.controllers, .n_controllers = def->devices.n_controllers };
    part.features.has_vmcoreinfo = FALSE;
    return part;
}

static QemuCaps *caps_of(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);

    return qemu_caps_store_get(driver->caps, def->devices.emulator);
}

/* ---- attach ---- */

/* Controllers that came with the device have no name yet. */
static GPtrArray *new_controllers(const DomainDef *def)
{
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < def->devices.n_controllers; i++) {
        if (!def->devices.controllers[i]->info.alias)
            g_ptr_array_add(found, def->devices.controllers[i]);
    }
    return found;
}

/* Give QEMU the descriptors under names; they are its own then. */
static int pass_taps(Guest *guest, GArray *fds)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);

    for (guint i = 0; mon && i < fds->len; i++) {
        int fd = g_array_index(fds, int, i);
        g_autofree char *name = g_strdup_printf(QEMU_TAP_NAME, fd);

        if (qmp_call_full(mon, "getfd", json_make(JSON_STR("fdname", name)), &fd, 1, (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0,
                          NULL) < 0)
            return -1;
    }
    return mon ? 0 : -1;
}

/* Those that nothing has taken; QEMU refuses the names of the others. */
static void take_back_taps(Guest *guest, GArray *fds)
{
    virErrorPtr error = error_save();

    for (guint i = 0; i < fds->len; i++) {
        g_autofree char *name = g_strdup_printf(QEMU_TAP_NAME, g_array_index(fds, int, i));

        qemu_guest_call(guest, "closefd", json_make(JSON_STR("fdname", name)), NULL);
    }
    error_restore(error);
}

static int open_taps(Guest *guest, const char *kind, void *device, GArray *fds)
{
    if (!g_str_equal(kind, "interface") || !qemu_interface_needs_tap(device))
        return 0;
    return tap_open(device, guest->name, fds) < 0 || pass_taps(guest, fds) < 0 ? -1 : 0;
}

/* What the command line has no words for. */
static int settle(Guest *guest, const char *kind, void *device)
{
    if (g_str_equal(kind, "disk"))
        return ((DomainDisk *)device)->iotune ? qemu_guest_set_throttle(guest, device) : 0;
    if (g_str_equal(kind, "interface") && ((DomainInterface *)device)->link == INTERFACE_LINK_STATE_DOWN)
        return qemu_guest_set_link(guest, device);
    return 0;
}

static int plug(Guest *guest, DomainDef *def, const char *kind, void *device, GPtrArray *controllers, GArray *fds)
{
    g_autoptr(QemuCaps) caps = caps_of(guest, def);
    g_autoptr(GArray) made = made_new();
    QemuCommandOptions options = { .dir = qemu_guest(guest)->dir, .monitor_fd = -1, .tap_fds = (const int *)fds->data,
                                   .n_tap_fds = fds->len, .running = TRUE };
    DomainDef part = without_devices(def);
    g_autoptr(QemuCommand) cmd = caps ? qemu_command_new_part(&part, caps, &options) : NULL;

    if (g_str_equal(kind, "disk") && qemu_check_image(device) < 0)
        return -1;
    if (!cmd || build_controllers(cmd, def, controllers) < 0 || build_device(cmd, &part, kind, device) < 0 ||
        make_all(guest, cmd, made) < 0)
        return -1;
    if (settle(guest, kind, device) == 0)
        return 0;
    undo(guest, made);
    return -1;
}

int qemu_backend_attach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    g_autoptr(GPtrArray) controllers = new_controllers(def);
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    int ret = qemu_assign_aliases(def);

    if (ret == 0)
        ret = open_taps(guest, kind, device, fds);
    if (ret == 0)
        ret = plug(guest, def, kind, device, controllers, fds);
    if (ret < 0)
        take_back_taps(guest, fds);
    for (guint i = 0; i < fds->len; i++)
        close(g_array_index(fds, int, i));
    if (ret == 0)
        qemu_guest_note_lists(qemu_guest(guest), def);
    return ret;
}

/* ---- detach ---- */

int qemu_backend_detach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    static const char *const able[] = { "disk", "interface", "input", "rng", NULL };
    const DomainDeviceInfo *info = domain_device_info(kind, device);

    if (!g_strv_contains(able, kind) || !info || !info->alias)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "devices of type '%s' can't be taken from the running domain '%s' yet; '--config' does "
                    "it for the next start", kind, guest->name);
    return qemu_guest_call(guest, "device_del", json_make(JSON_STR("id", info->alias)), NULL);
}

/* Nobody waits for the answer: what is left in QEMU harms nobody, and the log has it. */
static void remove_later(Guest *guest, const char *command, const char *key, const char *name)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);

    if (!mon || qmp_send(mon, command, json_make(JSON_STR(key, name)), NULL, 0, (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, NULL,
                         NULL) < 0)
        virResetLastError();    /* its end is near: it takes all of it along */
}

static void remove_image_later(Guest *guest, const StorageSource *source)
{
    g_autofree char *format = qemu_node_format(source), *storage = qemu_node_storage(source);

    remove_later(guest, "blockdev-del", "node-name", format);
    remove_later(guest, "blockdev-del", "node-name", storage);
}

static void remove_images_later(Guest *guest, const DomainDisk *disk)
{
    if (!qemu_disk_has_media(disk))
        return;
    remove_image_later(guest, &disk->source);
    for (const DomainBackingStore *b = disk->backing_store; b && b->source.type; b = b->backing_store)
        remove_image_later(guest, &b->source);
}

static void note_again(const DomainDef *def, void *opaque)
{
    qemu_guest_note_lists(opaque, def);
}

static void release(Guest *guest, const char *kind, const void *device)
{
    const DomainDeviceInfo *info = domain_device_info(kind, (void *)device);
    g_autofree char *id = g_strdup_printf("%s%s", g_str_equal(kind, "rng") ? "obj" : "host", info->alias);

    if (g_str_equal(kind, "disk"))
        remove_images_later(guest, device);
    else if (g_str_equal(kind, "interface"))
        remove_later(guest, "netdev_del", "id", id);
    else if (g_str_equal(kind, "rng"))
        remove_later(guest, "object-del", "id", id);
}

void qemu_backend_device_gone(Guest *guest, const char *kind, const void *device)
{
    release(guest, kind, device);
    guest_with_def(guest, note_again, qemu_guest(guest));
}

/* ---- while nobody listened ---- */

static gboolean has_child(json_object *children, const char *name)
{
    for (gsize i = 0; json_object_is_type(children, json_type_array) && i < json_object_array_length(children); i++) {
        if (g_strcmp0(json_member_string(json_object_array_get_idx(children, i), "name"), name) == 0)
            return TRUE;
    }
    return FALSE;
}

#define DROP_GONE(kind, desc, list, count) do { \
        for (guint i_ = def->devices.count; i_-- > 0;) { \
            void *device_ = def->devices.list[i_]; \
            const DomainDeviceInfo *info_ = domain_device_info(kind, device_); \
            if (!is_pluggable(info_) || has_child(children, info_->alias)) \
                continue; \
            XML_LIST_REMOVE(def->devices.list, def->devices.count, i_); \
            release(guest, kind, device_); \
            xml_struct_free(&desc, device_); \
        } \
    } while (0)

/* Those on the board aren't among what came and can go. */
static gboolean is_pluggable(const DomainDeviceInfo *info)
{
    return info->alias && info->address && info->address->type != DOMAIN_ADDRESS_TYPE_NONE;
}

int qemu_guest_drop_gone(Guest *guest, DomainDef *def)
{
    g_autoptr(json_object) children = NULL;

    if (qemu_guest_call(guest, "qom-list", json_make(JSON_STR("path", "/machine/peripheral")), &children) < 0)
        return -1;
    DROP_GONE("disk", DOMAIN_DISK_DESC, disks, n_disks);
    DROP_GONE("interface", DOMAIN_INTERFACE_DESC, interfaces, n_interfaces);
    DROP_GONE("input", DOMAIN_INPUT_DESC, inputs, n_inputs);
    DROP_GONE("rng", DOMAIN_RNG_DESC, rngs, n_rngs);
    return 0;
}

/* ---- update ---- */

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
    g_autofree char *node = qemu_node_format(&disk->source);

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
    g_autoptr(QemuCaps) caps = caps_of(guest, def);
    g_autoptr(GArray) made = made_new();
    QemuCommandOptions options = { .dir = qemu_guest(guest)->dir, .monitor_fd = -1, .running = TRUE };
    DomainDef part = without_devices(def);
    g_autoptr(QemuCommand) cmd = caps ? qemu_command_new_part(&part, caps, &options) : NULL;

    now->source.index = 0;
    qemu_number_sources(def, old->source.index);
    if (qemu_check_image(now) < 0)
        return -1;
    if (!cmd || (qemu_disk_has_media(now) && qemu_command_images(cmd, now) < 0) || make_all(guest, cmd, made) < 0)
        return -1;
    if (exchange(guest, now, old, force) < 0) {
        undo(guest, made);
        return -1;
    }
    remove_images_later(guest, old);
    qemu_guest_note_lists(qemu_guest(guest), def);
    return 0;
}

static int update_interface(Guest *guest, const DomainInterface *now, const DomainInterface *old)
{
    g_autoptr(GPtrArray) changes = xml_diff(&DOMAIN_INTERFACE_DESC, old, now, "interface", 16);

    for (guint i = 0; i < changes->len; i++) {
        const XmlChange *change = changes->pdata[i];

        if (!g_str_has_prefix(change->path, "interface.link"))
            return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "'%s' of the running domain '%s' can't be changed yet; '--config' does it for the "
                        "next start", change->path, guest->name);
    }
    return qemu_guest_set_link(guest, now);
}

int qemu_backend_update(Guest *guest, DomainDef *def, const char *kind, void *device, const void *old, gboolean force)
{
    if (g_str_equal(kind, "disk"))
        return change_medium(guest, def, device, old, force);
    if (g_str_equal(kind, "interface"))
        return update_interface(guest, device, old);
    if (g_str_equal(kind, "graphics"))
        return qemu_guest_set_password(guest, device);
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "devices of type '%s' of the running domain '%s' can't be changed yet", kind, guest->name);
}
