/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices that come while the guest runs. A device is built by the same functions as for the command line; their options become
 * the monitor's commands, one each, and are undone in reverse order when one of them fails. They are sent without waiting for the
 * answer to the one before; but for devices, which a guest would have seen by then and would have to let go of: unless QEMU itself
 * refuses the device where one of its parts is missing.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/command_storage.h"
#include "drivers/qemu/device_helpers.h"
#include "drivers/qemu/hotplug_priv.h"
#include "drivers/qemu/locks.h"
#include "drivers/qemu/rlimits.h"
#include "drivers/qemu/nics.h"
#include "drivers/qemu/security.h"
#include "drivers/qemu/tap_priv.h"
#include "drivers/qemu/vsock.h"
#include "network/switch.h"

/* Sets of descriptors that we number begin here: QEMU itself takes the lowest number that is free. */
#define FIRST_FDSET 4096

/* ---- what a running guest can't get ---- */

static int check_disk(const Guest *guest, void *device)
{
    return qemu_check_image(device);
}

static int check_serial(const Guest *guest, void *device)
{
    const DomainSerialTarget *target = &((const DomainSerial *)device)->target;

    if (target->type == SERIAL_TARGET_TYPE_USB_SERIAL || target->type == SERIAL_TARGET_TYPE_PCI_SERIAL)
        return 0;
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "a serial port of the running domain '%s' must be of type 'usb-serial' or 'pci-serial'",
                guest->name);
}

static int check_filesystem(const Guest *guest, void *device)
{
    if (((const DomainFilesystem *)device)->driver.type == FILESYSTEM_DRIVER_TYPE_VIRTIOFS)
        return 0;
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a file system of the running domain '%s' must be of driver 'virtiofs'", guest->name);
}

static int check_console(const Guest *guest, void *device)
{
    if (((const DomainConsole *)device)->target.type == CONSOLE_TARGET_TYPE_VIRTIO)
        return 0;
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "a console of the running domain '%s' must be of type 'virtio'", guest->name);
}

/* Those of ISA are on the board; the others that are missing here have codecs, whose bus takes none while the guest runs. */
static int check_sound(const Guest *guest, void *device)
{
    switch (((const DomainSound *)device)->model) {
    case DOMAIN_SOUND_MODEL_USB:
    case DOMAIN_SOUND_MODEL_AC97:
    case DOMAIN_SOUND_MODEL_ES1370:
    case DOMAIN_SOUND_MODEL_VIRTIO:
        return 0;
    default:
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "a sound card of the running domain '%s' must be of model 'usb', 'ac97', 'es1370' or "
                    "'virtio'; '--config' adds others for the next start", guest->name);
    }
}

static int check_panic(const Guest *guest, void *device)
{
    if (((const DomainPanic *)device)->model == DOMAIN_PANIC_MODEL_PVPANIC)
        return 0;
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "a crash notifier of the running domain '%s' must be of model 'pvpanic'", guest->name);
}

static const LiveKind kinds[] = {
    { "disk", qemu_command_disks, check_disk },
    { "interface", qemu_command_interfaces, .netdev = "host" },
    { "controller", NULL },             /* it is among the new controllers */
    { "filesystem", qemu_command_filesystems, check_filesystem },
    { "hostdev", qemu_command_hostdevs },
    { "input", qemu_command_inputs },
    { "rng", qemu_command_misc, .object = "obj" },
    { "memory", qemu_command_memories, .object = "mem" },
    { "watchdog", qemu_command_misc },
    { "redirdev", qemu_command_redirdevs },
    { "shmem", qemu_command_shmems, .object = "shmmem-" },
    { "vsock", qemu_command_vsock },
    { "serial", qemu_command_chardevs, check_serial },
    { "channel", qemu_command_chardevs },
    { "console", qemu_command_chardevs, check_console },
    { "smartcard", qemu_command_smartcards },
    { "hub", qemu_command_hubs },
    { "sound", qemu_command_sounds, check_sound },
    { "crypto", qemu_command_cryptos, .object = "obj" },
    { "panic", qemu_command_panics, check_panic },
    { "lease", NULL },                  /* QEMU knows nothing of it but a descriptor (locks.h) */
};

gboolean qemu_is_object(const char *kind, const void *device)
{
    return g_str_equal(kind, "input") && ((const DomainInput *)device)->type == DOMAIN_INPUT_TYPE_EVDEV;
}

const LiveKind *qemu_live_kind(Guest *guest, const char *kind)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_equal(kinds[i].kind, kind))
            return &kinds[i];
    }
    return FAIL_NULL(VIR_ERR_OPERATION_UNSUPPORTED, "devices of type '%s' of the running domain '%s' can't be changed; '--config' does "
                     "it for the next start", kind, guest->name);
}

/* Of each option: the command that makes its thing in a running QEMU, what names the thing, and the command that removes it. */
static const struct {
    const char *option, *add, *key, *del;
} ways[] = {
    { "-object", "object-add", "id", "object-del" },
    { "-chardev", "chardev-add", "id", "chardev-remove" },
    { "-blockdev", "blockdev-add", "node-name", "blockdev-del" },
    { "-netdev", "netdev_add", "id", "netdev_del" },
    { "-device", "device_add", "id", "device_del" },
    { "-watchdog-action", "watchdog-set-action", "action", NULL },
};

#define NO_WAY G_MAXUINT    /* a descriptor that was passed: take_back() is for those */

typedef struct {
    guint way;
    char *name;
    QmpMonitor *mon;
    QmpRequest *request;        /* NULL: QEMU has answered */
} Made;

/* Answered: 0, or -1 with an error. */
static int made_finish(Made *made)
{
    QmpRequest *request = g_steal_pointer(&made->request);

    return request ? qmp_finish(made->mon, request, NULL) : 0;
}

static void made_clear(gpointer data)
{
    Made *made = data;

    if (made->request && made_finish(made) < 0)
        virResetLastError();
    qmp_unref(made->mon);
    g_free(made->name);
}

GArray *qemu_made_new(void)
{
    GArray *made = g_array_new(FALSE, FALSE, sizeof(Made));

    g_array_set_clear_func(made, made_clear);
    return made;
}

static int begin(Guest *guest, guint way, const char *name, const char *command, json_object *args, const int *fd, unsigned flags,
                 GArray *made)
{
    Made m = { .way = way, .mon = qemu_guest_monitor(guest) };

    if (!m.mon) {
        json_object_put(args);
        return -1;
    }
    m.name = g_strdup(name);
    m.request = qmp_begin(m.mon, command, args, fd, fd ? 1 : 0, (int)MIN(guest_deadline_ms(guest), G_MAXINT), flags);
    if (!m.request) {
        made_clear(&m);
        return -1;
    }
    g_array_append_val(made, m);
    return 0;
}

/* Wait until QEMU has answered all. 0; or -1 with the first error, and what failed isn't in the list any more. */
static int finish(GArray *made)
{
    const Made *last = made->len ? &g_array_index(made, Made, made->len - 1) : NULL;
    virErrorPtr first = NULL;

    if (last && last->request)
        qmp_wait(last->mon, last->request);
    for (guint i = 0; i < made->len;) {
        if (made_finish(&g_array_index(made, Made, i)) == 0) {
            i++;
            continue;
        }
        if (!first)
            first = error_save();
        g_array_remove_index(made, i);
    }
    if (!first)
        return 0;
    error_restore(first);
    return -1;
}

/* Failures don't matter any more: there is an error already, which stays. */
void qemu_make_undo(Guest *guest, GArray *made)
{
    virErrorPtr error = error_save();

    finish(made);
    for (guint i = made->len; i-- > 0;) {
        const Made *m = &g_array_index(made, Made, i);

        if (m->way != NO_WAY && ways[m->way].del)
            qemu_guest_call(guest, ways[m->way].del, json_make(JSON_STR(ways[m->way].key, m->name)), NULL);
    }
    g_array_set_size(made, 0);
    error_restore(error);
}

static int begin_one(Guest *guest, const char *option, const char *value, unsigned flags, GArray *made)
{
    for (guint w = 0; w < G_N_ELEMENTS(ways); w++) {
        if (!g_str_equal(ways[w].option, option))
            continue;
        /* What isn't JSON is but the name. */
        json_object *args = *value == '{' ? json_tokener_parse(value) : json_make(JSON_STR(ways[w].key, value));
        g_autofree char *name = g_strdup(json_member_string(args, ways[w].key));

        return begin(guest, w, name, ways[w].add, args, NULL, flags, made);
    }
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "what domain '%s' shall get needs QEMU's option '%s %s', which a running QEMU has no "
                "command for; '--config' adds it for the next start", guest->name, option, value);
}

/* Whether @name, of what one option makes, is named by another one up to number @at. */
static gboolean is_needed(const QemuCommand *cmd, const char *name, guint at)
{
    g_autofree char *quoted = g_strdup_printf("\"%s\"", name);
    guint found = 0;

    for (guint i = 1; i <= at + 1; i += 2)
        found += strstr(g_ptr_array_index(cmd->argv, i), quoted) != NULL;
    return found > 1;
}

/* Whether QEMU refuses the device of option number @at if it refuses one of what it hasn't answered yet: each is named by something
 * that comes later, the last by the device. */
static gboolean depends_on_all(const QemuCommand *cmd, guint at, const GArray *made)
{
    for (guint i = 0; i < made->len; i++) {
        const Made *m = &g_array_index(made, Made, i);

        if (m->request && m->way != NO_WAY && (!m->name || !is_needed(cmd, m->name, at)))
            return FALSE;
    }
    return TRUE;
}

/* From option number @at on: begin what is before the next device. */
static int begin_parts(Guest *guest, const QemuCommand *cmd, guint *at, GArray *made)
{
    for (; *at + 1 < cmd->argv->len && !g_str_equal(g_ptr_array_index(cmd->argv, *at), "-device"); *at += 2) {
        if (begin_one(guest, g_ptr_array_index(cmd->argv, *at), g_ptr_array_index(cmd->argv, *at + 1), 0, made) < 0)
            return -1;
    }
    return 0;
}

/* Begin the device of option number @at, when all is there that it wouldn't miss by itself. */
static int begin_device(Guest *guest, const QemuCommand *cmd, guint at, unsigned flags, GArray *made)
{
    if (!depends_on_all(cmd, at, made) && finish(made) < 0)
        return -1;
    return begin_one(guest, "-device", g_ptr_array_index(cmd->argv, at + 1), flags, made);
}

/* Have the rest, from option number @at on. */
static int make_rest(Guest *guest, const QemuCommand *cmd, guint at, GArray *made)
{
    while (begin_parts(guest, cmd, &at, made) == 0) {
        if (at + 1 >= cmd->argv->len)
            return finish(made);
        if (begin_device(guest, cmd, at, 0, made) < 0)
            return -1;
        at += 2;
    }
    return -1;
}

int qemu_make_all(Guest *guest, QemuCommand *cmd, GArray *made)
{
    if (make_rest(guest, cmd, 0, made) == 0)
        return 0;
    qemu_make_undo(guest, made);
    return -1;
}

/* ---- descriptors ---- */

static guint set_of(const QemuCommand *cmd, int fd)
{
    for (guint i = 0; i < cmd->sets->len; i++) {
        if (g_array_index(cmd->sets, QemuFdSet, i).fd == fd)
            return g_array_index(cmd->sets, QemuFdSet, i).set;
    }
    return 0;
}

/* Give QEMU descriptors, from number @first on, under names or as sets; they are its own then. */
static int pass(Guest *guest, const QemuCommand *cmd, const GArray *fds, guint first, GArray *made)
{
    for (guint i = first; i < fds->len; i++) {
        int fd = g_array_index(fds, int, i);
        guint set = set_of(cmd, fd);
        g_autofree char *name = qemu_fd_name(cmd, fd);

        if ((set ? begin(guest, NO_WAY, NULL, "add-fd", json_make(JSON_UINT("fdset-id", set)), &fd, 0, made)
                 : begin(guest, NO_WAY, NULL, "getfd", json_make(JSON_STR("fdname", name)), &fd, 0, made)) < 0)
            return -1;
    }
    return 0;
}

/* Those that nothing has taken; QEMU refuses the names of the others. Of a set it keeps what is in use for just as long. */
static void take_back(Guest *guest, const QemuCommand *cmd, GArray *fds, gboolean failed)
{
    virErrorPtr error = error_save();

    for (guint i = 0; i < fds->len; i++) {
        int fd = g_array_index(fds, int, i);
        guint set = set_of(cmd, fd);
        g_autofree char *name = qemu_fd_name(cmd, fd);

        /* An image may be opened again, so that its set is there as long as it is. */
        if (set && (failed || set < QEMU_STORAGE_FDSETS))
            qemu_guest_call(guest, "remove-fd", json_make(JSON_UINT("fdset-id", set)), NULL);
        else if (failed)
            qemu_guest_call(guest, "closefd", json_make(JSON_STR("fdname", name)), NULL);
    }
    error_restore(error);
}

/* The first number for sets of descriptors that is above all that there are, but those of images; 0 with an error. QEMU numbers
 * those of its own choice from 0 on; so nothing comes between once it was asked. */
static guint first_set(Guest *guest)
{
    g_autoptr(json_object) sets = NULL;
    gint64 next = FIRST_FDSET;

    if (qemu_guest(guest)->next_fdset)
        return qemu_guest(guest)->next_fdset;
    if (qemu_guest_call(guest, "query-fdsets", NULL, &sets) < 0)
        return 0;
    for (gsize i = 0; json_object_is_type(sets, json_type_array) && i < json_object_array_length(sets); i++) {
        gint64 number = json_member_int(json_object_array_get_idx(sets, i), "fdset-id", 0);

        next = number < QEMU_STORAGE_FDSETS ? MAX(next, number + 1) : next;
    }
    if (next < QEMU_STORAGE_FDSETS)
        return (guint)next;
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "QEMU of domain '%s' has no free number for a descriptor", guest->name);
    return 0;
}

/* ---- the parts of one device ---- */

/* @wanted are those that the device would need. */
static int no_slot(const DomainDef *whole, GPtrArray *wanted)
{
    guint ports = 0;

    for (guint i = 0; i < wanted->len; i++) {
        const DomainController *c = g_ptr_array_index(wanted, i);

        if (g_strcmp0(c->model, "pcie-to-pci-bridge") == 0)
            return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "this is a conventional PCI device, and domain '%s' has no bus for such devices with a free "
                        "slot: add <controller type='pci' model='pcie-to-pci-bridge'/> with '--config' and start it anew", whole->name);
    }
    for (guint i = 0; i < whole->devices.n_controllers; i++) {
        const DomainController *c = whole->devices.controllers[i];

        ports += c->type == DOMAIN_CONTROLLER_TYPE_PCI && !g_ptr_array_find(wanted, c, NULL) &&
            (g_strcmp0(c->model, "pcie-root-port") == 0 || g_strcmp0(c->model, "pcie-switch-downstream-port") == 0);
    }
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' has no free slot on a PCI bus that takes devices while it runs: all its %u hotpluggable "
                "ports are used; add <controller type='pci' model='pcie-root-port'/>, one for each device that is to come, with '--config' (or "
                "set pcie_spare_ports in qemu.conf, for all guests) and start it anew", whole->name, ports);
}

static int build_controllers(QemuCommand *cmd, const DomainDef *whole, GPtrArray *controllers)
{
    for (guint i = 0; i < controllers->len; i++) {
        const DomainController *c = g_ptr_array_index(controllers, i);

        if (c->type == DOMAIN_CONTROLLER_TYPE_PCI)
            return no_slot(whole, controllers);
        if (qemu_command_controller(cmd, c) < 0)
            return -1;
    }
    return 0;
}

DomainDef qemu_part_of(const DomainDef *def)
{
    DomainDef part = *def;

    part.devices = (DomainDevices){ .controllers = def->devices.controllers, .n_controllers = def->devices.n_controllers,
                                    .graphics = def->devices.graphics, .n_graphics = def->devices.n_graphics,
                                    .audios = def->devices.audios, .n_audios = def->devices.n_audios,
                                    .redirfilter = def->devices.redirfilter };
    part.features.has_vmcoreinfo = FALSE;
    return part;
}

/* Controllers that came with the device have no name yet; it may be one itself, with a name that the user gave. */
static GPtrArray *new_controllers(const DomainDef *def, const void *device)
{
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < def->devices.n_controllers; i++) {
        if (!def->devices.controllers[i]->info.alias || def->devices.controllers[i] == device)
            g_ptr_array_add(found, def->devices.controllers[i]);
    }
    return found;
}

/* What the command line has no words for. */
static int settle(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    if (g_str_equal(kind, "disk"))
        return ((DomainDisk *)device)->iotune ? qemu_guest_set_throttle(guest, device) : 0;
    if (g_str_equal(kind, "interface") && ((DomainInterface *)device)->link == INTERFACE_LINK_STATE_DOWN)
        return qemu_guest_set_link(guest, device);
    return domain_device_chardev(kind, device) || g_str_equal(kind, "memory") ? qemu_guest_refresh(guest, def) : 0;
}

/* ---- attach ---- */

/* One device's coming. */
typedef struct Plug {
    Guest *guest;
    DomainDef *def;
    const LiveKind *kind;
    void *device;
    GPtrArray *controllers;      /* those that are new */
    GArray *opened;              /* descriptors that it needs: tap devices, or of vsock */
    guint n_passed;              /* of them, that QEMU was given */
    Wire wire;                   /* what a tap device is to be connected to */
    QemuCaps *caps;
    QemuCommandOptions options;
    DomainDef part;
    QemuCommand *cmd;            /* what QEMU is told of it */
    GArray *made;                /* what was made in QEMU */
} Plug;

/* The builders take all devices of a kind from the definition: they get one that has but this device. */
static int build(Plug *p)
{
    QemuCommand *cmd = p->cmd;
    void *one = p->device;

    if (build_controllers(cmd, p->def, p->controllers) < 0)
        return -1;
    domain_devices_hold(&p->part.devices, p->kind->kind, &one);
    if (p->kind->build && p->kind->build(cmd) < 0)
        return -1;
    if (!domain_device_info(p->kind->kind, p->device))      /* a lease */
        return 0;
    for (guint i = 0; i < cmd->argv->len; i += 2) {
        if (g_str_equal(g_ptr_array_index(cmd->argv, i), qemu_is_object(p->kind->kind, p->device) ? "-object" : "-device"))
            return 0;
    }
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "this device '%s' is part of the machine's board, so that the running domain '%s' can't "
                "get it", p->kind->kind, p->guest->name);
}

static gboolean has_tap(const Plug *p)
{
    return g_str_equal(p->kind->kind, "interface") && qemu_interface_needs_tap(p->device);
}

/* While QEMU takes and opens its end of a tap device, and reads what the guest is to have, the host's end is connected. A program of the
 * administrator's may ask QEMU something, and Open vSwitch's takes its time, in which others would wait for the monitor: both come before. */
static int make_on_tap(const Plug *p)
{
    const DomainInterface *net = p->device;
    const QemuCommand *cmd = p->cmd;
    GArray *made = p->made;
    gboolean early = !net->script && !switch_is_openvswitch(net);
    guint at = 0;
    int rc;

    if (begin_parts(p->guest, cmd, &at, made) < 0)
        return -1;
    if (early && begin_device(p->guest, cmd, at, QMP_SEND_HELD, made) < 0)
        return -1;
    rc = tap_connect(p->def, p->device, &p->wire);
    if (early) {
        const Made *device = &g_array_index(made, Made, made->len - 1);

        qmp_release(device->mon, device->request, rc == 0);
        at += 2;
    }
    return rc < 0 ? -1 : make_rest(p->guest, cmd, at, made);
}

/* While the kernel makes a tap device, QEMU reads that it is to take its descriptor. That itself it gets later: with one that belongs to no
 * device yet, a QEMU that obeys its guest could attach itself to somebody else's. */
static int tap_opening(void *plug)
{
    Plug *p = plug;
    g_autofree char *name = g_strdup_printf(QEMU_FD_NAME, p->n_passed);

    return begin(p->guest, NO_WAY, NULL, "getfd", json_make(JSON_STR("fdname", name)), NULL, QMP_SEND_HELD, p->made);
}

/* What was opened for the device goes to QEMU at once: nothing else does until it has taken it. */
static int pass_opened(Plug *p)
{
    guint first = p->n_passed;

    p->options.tap_fds = (const int *)p->opened->data;
    p->options.n_tap_fds = p->n_passed = p->opened->len;
    return pass(p->guest, p->cmd, p->opened, first, p->made);
}

/* Nothing was begun since tap_opening(). Others wait for the monitor until it is released: also where nothing came of it. */
static int tap_opened(void *plug, int rc)
{
    Plug *p = plug;
    const Made *m = &g_array_index(p->made, Made, p->made->len - 1);

    if (rc < 0) {
        qmp_release(m->mon, m->request, FALSE);
        return -1;
    }
    if (qmp_release_with(m->mon, m->request, g_array_index(p->opened, int, p->n_passed)) < 0)
        return -1;
    p->n_passed++;
    return pass_opened(p);
}

static int make(Plug *p)
{
    if (pass_opened(p) < 0 || build(p) < 0 || pass(p->guest, p->cmd, p->cmd->fds, 0, p->made) < 0)
        return -1;
    if ((has_tap(p) ? make_on_tap(p) : make_rest(p->guest, p->cmd, 0, p->made)) < 0)
        return -1;
    return settle(p->guest, p->def, p->kind->kind, p->device);
}

/* Sockets that QEMU listens on are removed at the end; those of a device that didn't come at once. */
static void note_sockets(Guest *guest, const QemuCommand *cmd, gboolean failed)
{
    QemuGuest *qemu = qemu_guest(guest);

    for (guint i = 0; i < cmd->unlink->len; i++) {
        if (failed)
            unlink(g_ptr_array_index(cmd->unlink, i));
        else
            qemu_guest_unlink_later(qemu, g_ptr_array_index(cmd->unlink, i));
    }
}

/* What goes to QEMU; nothing has yet. */
static int begin_plug(Plug *p)
{
    QemuDriver *driver = guest_host_priv(p->guest);
    const QemuGuest *qemu = qemu_guest(p->guest);

    p->part = qemu_part_of(p->def);
    p->made = qemu_made_new();
    p->options = (QemuCommandOptions){ .dir = qemu->dir, .monitor_fd = -1, .running = TRUE, .guest = p->guest, .conf = &driver->conf,
                                       .uid = qemu->user.uid, .gid = qemu->user.gid };
    p->caps = qemu_guest_caps(p->guest, p->def);
    p->options.first_fdset = p->caps ? first_set(p->guest) : 0;
    p->cmd = p->options.first_fdset ? qemu_command_new_part(&p->part, p->caps, &p->options) : NULL;
    return p->cmd ? 0 : -1;
}

/* QEMU has the device, or nothing of it any more. */
static void end_plug(Plug *p, gboolean failed)
{
    g_autoptr(QemuCommand) cmd = g_steal_pointer(&p->cmd);
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));

    if (failed)
        qemu_make_undo(p->guest, p->made);
    if (cmd) {
        qemu_guest(p->guest)->next_fdset = cmd->next_fdset < QEMU_STORAGE_FDSETS ? cmd->next_fdset : 0;
        g_array_append_vals(fds, p->opened->data, p->n_passed);
        g_array_append_vals(fds, cmd->fds->data, cmd->fds->len);
        take_back(p->guest, cmd, fds, failed);
        note_sockets(p->guest, cmd, failed);
    }
    g_clear_pointer(&p->made, g_array_unref);
    g_clear_pointer(&p->caps, qemu_caps_unref);
}

static int plug(Plug *p)
{
    int ret;

    p->options.vsock_fd = g_str_equal(p->kind->kind, "vsock") ? g_array_index(p->opened, int, 0) : 0;
    ret = make(p);
    end_plug(p, ret < 0);
    return ret;
}

/* What a network connects it to, is known when it is plugged in there. */
static int open_interface(Plug *p, DomainInterface *net)
{
    p->wire.conf = &((QemuDriver *)guest_host_priv(p->guest))->conf;
    p->wire.opening = tap_opening;
    p->wire.opened = tap_opened;
    p->wire.opaque = p;
    if (qemu_interface_needs_tap(net) && tap_make(p->def, net, p->opened, &p->wire) < 0)
        return -1;
    if (qemu_guest_take_nic(p->guest, net) == 0)
        return 0;
    tap_down(p->guest->name, p->guest->uuid, net);
    return -1;
}

static int open_what_it_needs(Plug *p)
{
    if (g_str_equal(p->kind->kind, "hostdev"))
        return qemu_guest_take_hostdev(p->guest, p->device);
    if (g_str_equal(p->kind->kind, "interface"))
        return open_interface(p, p->device);
    if (g_str_equal(p->kind->kind, "vsock")) {
        int fd = vsock_open(p->device, p->guest->name);

        if (fd < 0)
            return -1;
        g_array_append_val(p->opened, fd);
    }
    return 0;
}

/* What is given to it and locked before QEMU opens it. */
static int plug_locked(Plug *p)
{
    if (qemu_security_give_device(p->guest, p->def, p->kind->kind, p->device) < 0)
        return -1;
    if (qemu_locks_attach(p->guest, p->kind->kind, p->device) == 0) {
        if (plug(p) == 0)
            return 0;
        qemu_locks_detach(p->guest, p->kind->kind, p->device);
    }
    qemu_security_restore_device(p->guest, p->def, p->kind->kind, p->device);
    return -1;
}

int qemu_backend_attach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    g_autoptr(GPtrArray) controllers = new_controllers(def, device);
    g_autoptr(GArray) opened = g_array_new(FALSE, FALSE, sizeof(int));
    Plug p = { guest, def, qemu_live_kind(guest, kind), device, controllers, opened };
    int ret = !p.kind ? -1 : p.kind->check ? p.kind->check(guest, device) : 0;

    if (ret == 0)
        ret = qemu_assign_aliases(def) < 0 ? -1 : qemu_assign_channel_paths(def, qemu_guest(guest)->channel_dir);
    if (ret == 0)
        ret = qemu_guest_raise_limits(guest, def);
    if (ret == 0)
        ret = begin_plug(&p);
    if (ret == 0)
        ret = open_what_it_needs(&p);
    if (ret == 0)
        ret = qemu_device_helper_start(guest, kind, device);
    if (ret == 0) {
        ret = plug_locked(&p);
        if (ret < 0 && g_str_equal(kind, "hostdev"))
            qemu_guest_give_hostdev(guest, device);
        if (ret < 0 && g_str_equal(kind, "interface")) {
            qemu_guest_give_nic(guest, device);
            tap_down(guest->name, guest->uuid, device);
        }
        if (ret < 0)
            qemu_device_helper_stop(guest, kind, device);
    }
    if (p.made) /* something failed before QEMU was told of the device */
        end_plug(&p, TRUE);
    for (guint i = 0; i < opened->len; i++)
        close(g_array_index(opened, int, i));
    tap_wire_clear(&p.wire);
    if (ret == 0)
        qemu_guest_note_lists(qemu_guest(guest), def);
    return ret;
}
