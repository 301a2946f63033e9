/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices that go while the guest runs: it is asked, and what was behind the device goes when the guest has let go of it.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "domain/devices.h"
#include "domain/host.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/command_storage.h"
#include "drivers/qemu/hotplug_priv.h"
#include "drivers/qemu/locks.h"
#include "drivers/qemu/security.h"
#include "drivers/qemu/nics.h"
#include "drivers/qemu/tap.h"

/* For how long a call waits for the guest's consent, in ms; what comes later is told by an event alone. */
#define CONSENT_MS 5000

/* ---- waiting for the guest's consent ---- */

struct QemuLeaving {
    const char *alias;
    gboolean gone, kept;
};

void qemu_guest_device_is(QemuGuest *qemu, const char *alias, gboolean gone)
{
    g_mutex_lock(&qemu->lock);
    if (qemu->leaving && g_str_equal(qemu->leaving->alias, alias)) {
        qemu->leaving->gone = gone;
        qemu->leaving->kept = !gone;
        g_cond_broadcast(&qemu->left);
    }
    g_mutex_unlock(&qemu->lock);
}

/* There is one at a time: whoever asks has the domain's job. */
int qemu_guest_unplug(Guest *guest, const char *alias)
{
    QemuGuest *qemu = qemu_guest(guest);
    QemuLeaving leaving = { alias };
    gint64 until;
    int rc;

    g_mutex_lock(&qemu->lock);
    qemu->leaving = &leaving;
    g_mutex_unlock(&qemu->lock);
    rc = qemu_guest_call(guest, "device_del", json_make(JSON_STR("id", alias)), NULL);
    until = g_get_monotonic_time() + MIN(CONSENT_MS, guest_deadline_ms(guest)) * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&qemu->lock);
    while (rc == 0 && !leaving.gone && !leaving.kept && g_cond_wait_until(&qemu->left, &qemu->lock, until))
        continue;
    qemu->leaving = NULL;
    g_mutex_unlock(&qemu->lock);
    if (rc == 0 && leaving.kept)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the guest of domain '%s' doesn't let go of device '%s'", guest->name, alias);
    return rc < 0 ? -1 : leaving.gone;
}

/* ---- controllers ---- */

/* What others are on, with a name for one of them. */
typedef struct Bus {
    const DomainController *controller;
    const DomainHub *hub;
    char *user;
} Bus;

static gboolean is_on(const DomainController *c, const char *kind, const void *device, const DomainAddress *address)
{
    switch (c->type) {
    case DOMAIN_CONTROLLER_TYPE_SCSI:
        return address->type == DOMAIN_ADDRESS_TYPE_DRIVE && address->drive.controller == c->index &&
            (g_str_equal(kind, "hostdev") ||
             (g_str_equal(kind, "disk") && ((const DomainDisk *)device)->target.bus == DOMAIN_DISK_BUS_SCSI));
    case DOMAIN_CONTROLLER_TYPE_SATA:
        return address->type == DOMAIN_ADDRESS_TYPE_DRIVE && address->drive.controller == c->index && g_str_equal(kind, "disk") &&
            ((const DomainDisk *)device)->target.bus == DOMAIN_DISK_BUS_SATA;
    case DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL:
        return address->type == DOMAIN_ADDRESS_TYPE_VIRTIO_SERIAL && address->virtio_serial.controller == c->index;
    case DOMAIN_CONTROLLER_TYPE_CCID:
        return address->type == DOMAIN_ADDRESS_TYPE_CCID && address->ccid.controller == c->index;
    default:
        return FALSE;
    }
}

/* Ports of a hub have its own port and a dot before their number. */
static gboolean is_behind(const DomainHub *hub, const DomainAddress *address)
{
    const DomainAddress *own = hub->info.address;
    size_t len = own && own->type == DOMAIN_ADDRESS_TYPE_USB && own->usb.port ? strlen(own->usb.port) : 0;

    return len && address->type == DOMAIN_ADDRESS_TYPE_USB && address->usb.bus == own->usb.bus && address->usb.port &&
        strncmp(address->usb.port, own->usb.port, len) == 0 && address->usb.port[len] == '.';
}

static int find_user(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    Bus *bus = opaque;

    if (!info->address || !(bus->hub ? is_behind(bus->hub, info->address) : is_on(bus->controller, kind, device, info->address)))
        return 0;
    bus->user = g_strdup(info->alias);
    return 1;
}

/* Those that are part of the board, of others, or a bus of buses stay; USB controllers, too, which QEMU doesn't let go of. */
static gboolean can_go(const DomainDef *def, const DomainController *c)
{
    switch (c->type) {
    case DOMAIN_CONTROLLER_TYPE_SCSI:
    case DOMAIN_CONTROLLER_TYPE_VIRTIO_SERIAL:
    case DOMAIN_CONTROLLER_TYPE_CCID:
        return TRUE;
    case DOMAIN_CONTROLLER_TYPE_SATA:
        return c->index > 0 || !qemu_machine_is_q35(def->os.machine);
    default:
        return FALSE;
    }
}

static int check_unused(DomainDef *def, const char *kind, const char *alias, Bus *bus)
{
    if (domain_def_each_device(def, find_user, bus) == 0)
        return 0;
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "device cannot be detached: %s '%s' of domain '%s' is in use by device '%s'",
                 kind, alias, def->name, bus->user ? bus->user : "?");
    g_free(bus->user);
    return -1;
}

static int check_controller(DomainDef *def, const DomainController *c)
{
    if (!can_go(def, c))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "controllers of type '%s' and model '%s' can't be taken from the running domain '%s'",
                    domain_controller_type_to_string(c->type), c->model ? c->model : "", def->name);
    return check_unused(def, "controller", c->info.alias, &(Bus){ .controller = c });
}

/* What no QEMU lets go of. */
static int check_memory(const DomainDef *def, const DomainMemory *memory)
{
    if (memory->model != DOMAIN_MEMORY_MODEL_NVDIMM && memory->model != DOMAIN_MEMORY_MODEL_VIRTIO_PMEM)
        return 0;
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "QEMU can't take memory of model '%s' from the running domain '%s': taken from its persistent "
                "definition ('virsh edit %s'), it is gone with the next start", domain_memory_model_to_string(memory->model), def->name,
                def->name);
}

/* ---- detach ---- */

int qemu_backend_detach(Guest *guest, DomainDef *def, const char *kind, void *device)
{
    const LiveKind *live = qemu_live_kind(guest, kind);
    const DomainDeviceInfo *info = domain_device_info(kind, device);

    if (!live)
        return -1;
    if (!info) {        /* nothing of it is in QEMU but its lock */
        qemu_locks_detach(guest, kind, device);
        return 1;
    }
    if (!info->alias)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the device '%s' of domain '%s' has no name in QEMU", kind, guest->name);
    if (g_str_equal(kind, "memory") && check_memory(def, device) < 0)
        return -1;
    if (g_str_equal(kind, "controller") && check_controller(def, device) < 0)
        return -1;
    if (g_str_equal(kind, "hub") && check_unused(def, kind, info->alias, &(Bus){ .hub = device }) < 0)
        return -1;
    if (qemu_is_object(kind, device))
        return qemu_guest_call(guest, "object-del", json_make(JSON_STR("id", info->alias)), NULL) < 0 ? -1 : 1;
    return qemu_guest_unplug(guest, info->alias) < 0 ? -1 : 0;
}

void qemu_remove_later(Guest *guest, const char *command, const char *key, const char *prefix, const char *name)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    g_autofree char *whole = g_strconcat(prefix, name, NULL);

    if (!mon || qmp_send(mon, command, json_make(JSON_STR(key, whole)), NULL, 0, (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, NULL,
                         NULL) < 0)
        virResetLastError();    /* its end is near: it takes all of it along */
}

static void remove_leftover(const char *command, const char *key, const char *name, void *opaque)
{
    qemu_remove_later(opaque, command, key, "", name);
}

static void remove_fdset(Guest *guest, const StorageSource *source)
{
    g_autoptr(QmpMonitor) mon = source->fdgroup ? qemu_guest_monitor(guest) : NULL;

    if (source->fdgroup && (!mon || qmp_send(mon, "remove-fd", json_make(JSON_UINT("fdset-id", qemu_storage_fdset(source))), NULL, 0,
                                             (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, NULL, NULL) < 0))
        virResetLastError();
}

void qemu_remove_images_later(Guest *guest, const DomainDisk *disk)
{
    qemu_disk_leftovers(disk, remove_leftover, guest);
    remove_fdset(guest, &disk->source);
    for (const DomainBackingStore *b = disk->backing_store; b && b->source.type; b = b->backing_store)
        remove_fdset(guest, &b->source);
}

static void note_again(const DomainDef *def, void *opaque)
{
    qemu_guest_note_lists(opaque, def);
}

/* Character devices that the definition has in another form. */
static gboolean has_other_chardev(const char *kind, const void *device)
{
    if (g_str_equal(kind, "interface"))
        return ((const DomainInterface *)device)->source.type == DOMAIN_INTERFACE_TYPE_VHOSTUSER;
    if (g_str_equal(kind, "filesystem"))
        return ((const DomainFilesystem *)device)->driver.type == FILESYSTEM_DRIVER_TYPE_VIRTIOFS;
    return g_str_equal(kind, "shmem") && ((const DomainShmem *)device)->model == DOMAIN_SHMEM_MODEL_IVSHMEM_DOORBELL;
}

static void release_chardev(Guest *guest, const ChardevSource *source, const char *alias)
{
    QemuDriver *driver = guest_host_priv(guest);
    g_autofree char *tls = g_strdup_printf("objchar%s_tls0", alias);

    qemu_remove_later(guest, "chardev-remove", "id", "char", alias);
    if (qemu_chardev_has_tls(&driver->conf, source))
        qemu_remove_later(guest, "object-del", "id", "", tls);
    if (source->type == CHARDEV_TYPE_UNIX && source->mode == CHARDEV_MODE_BIND && source->path)
        unlink(source->path);
}

static void release_hostdev(Guest *guest, const DomainHostdev *device)
{
    g_autofree char *node = qemu_hostdev_node(device);

    if (device->type == DOMAIN_HOSTDEV_TYPE_SCSI)
        qemu_remove_later(guest, "blockdev-del", "node-name", "", node);
    qemu_guest_give_hostdev_later(guest, device);
}

typedef struct Unplugged {
    Guest *guest;            /* reference */
    DomainInterface *net;
} Unplugged;

static void take_down(void *opaque)
{
    Unplugged *u = opaque;

    qemu_guest_give_nic(u->guest, u->net);
    tap_down(u->guest->name, u->guest->uuid, u->net);
    xml_struct_free(&DOMAIN_INTERFACE_DESC, u->net);
    guest_unref(u->guest);
    g_free(u);
}

/* What an interface has on the host may take a while to go. */
static void release_interface(Guest *guest, const DomainInterface *net)
{
    Unplugged *u = g_new0(Unplugged, 1);

    *u = (Unplugged){ guest_ref(guest), xml_struct_copy(&DOMAIN_INTERFACE_DESC, net) };
    host_run(guest->host, guest->dom, take_down, u);
}

/* The file that it was in, if the guest's memory is in files; QEMU has it open until the backend goes. */
static void remove_memory_file(const QemuGuest *qemu, const char *alias)
{
    g_autofree char *path = qemu->memory_dir ? g_build_filename(qemu->memory_dir, alias, NULL) : NULL;

    if (path)
        unlink(path);
}

/* A card of the host, which has nothing else in QEMU. */
static gboolean is_nic(const LiveKind *live, const void *device)
{
    return g_str_equal(live->kind, "interface") && qemu_interface_is_nic(device);
}

static void release(Guest *guest, const LiveKind *live, const void *device)
{
    const char *alias = domain_device_info(live->kind, (void *)device)->alias;
    const ChardevSource *source = domain_device_chardev(live->kind, device);
    gboolean other = has_other_chardev(live->kind, device);

    if (g_str_equal(live->kind, "disk"))
        qemu_remove_images_later(guest, device);
    if (g_str_equal(live->kind, "hostdev"))
        release_hostdev(guest, device);
    if (g_str_equal(live->kind, "interface"))
        release_interface(guest, device);
    if (g_str_equal(live->kind, "memory"))
        remove_memory_file(qemu_guest(guest), alias);
    if (live->netdev && !is_nic(live, device))
        qemu_remove_later(guest, "netdev_del", "id", live->netdev, alias);
    if (live->object && !(other && g_str_equal(live->kind, "shmem")))
        qemu_remove_later(guest, "object-del", "id", live->object, alias);
    if (other)
        qemu_remove_later(guest, "chardev-remove", "id", "char", alias);
    if (source)
        release_chardev(guest, source, alias);
    qemu_locks_detach(guest, live->kind, device);
    qemu_security_restore_device_later(guest, live->kind, device);
}

void qemu_backend_device_gone(Guest *guest, const char *kind, const void *device)
{
    const LiveKind *live = qemu_live_kind(guest, kind);

    if (live)
        release(guest, live, device);
    else
        virResetLastError();    /* QEMU let go of what nobody asked it for */
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

typedef struct Search {
    Guest *guest;
    json_object *children;
    const char *alias;       /* of one that isn't there any more */
} Search;

/* Those on the board aren't among what came and can go. */
static int find_gone(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    Search *s = opaque;

    if (!info->alias || !info->address || info->address->type == DOMAIN_ADDRESS_TYPE_NONE ||
        info->address->type == DOMAIN_ADDRESS_TYPE_ISA || has_child(s->children, info->alias))
        return 0;
    if (g_str_equal(kind, "controller") && !can_go(def, device))
        return 0;
    if (!qemu_live_kind(s->guest, kind)) {
        virResetLastError();
        return 0;
    }
    s->alias = info->alias;
    return 1;
}

int qemu_guest_drop_gone(Guest *guest, DomainDef *def)
{
    g_autoptr(json_object) children = NULL;
    Search search = { guest };
    DeviceRef ref;

    if (qemu_guest_call(guest, "qom-list", json_make(JSON_STR("path", "/machine/peripheral")), &children) < 0)
        return -1;
    search.children = children;
    while (domain_def_each_device(def, find_gone, &search) && device_by_alias(def, search.alias, &ref)) {
        g_autoptr(DomainDevice) gone = device_take(def, &ref);

        release(guest, qemu_live_kind(guest, gone->kind), gone->device);
    }
    return 0;
}
