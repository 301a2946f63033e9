/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_LOCKING
#define LOG_SOURCE "qemu.locks"
#include "drivers/qemu/locks.h"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "core/host/disk_lock.h"
#include "core/host/sanlock.h"
#include "drivers/qemu/hotplug_priv.h"

struct QemuLocks {
    GPtrArray *held;     /* of DiskLock */
    GPtrArray *leases;   /* names, for QEMU to begin with; NULL: sanlock isn't asked */
    GPtrArray *command;
};

void qemu_locks_free(QemuLocks *locks)
{
    if (!locks)
        return;
    g_ptr_array_unref(locks->held);
    g_clear_pointer(&locks->leases, g_ptr_array_unref);
    g_clear_pointer(&locks->command, g_ptr_array_unref);
    g_free(locks);
}

/* ---- settings ---- */

typedef enum { MANAGER_NONE, MANAGER_LOCKD, MANAGER_SANLOCK } Manager;

static Manager manager_of(const QemuDriver *driver)
{
    const char *name = driver->conf.lock_manager;

    return !name ? MANAGER_NONE : g_str_equal(name, "sanlock") ? MANAGER_SANLOCK : MANAGER_LOCKD;
}

/* Guests whose disks get no leases by themselves have to name some, if @demanded (-1: nothing is said of it) by @file. */
static int check_leases(const DomainDef *def, gboolean automatic, int demanded, const char *file)
{
    if (automatic || demanded == 0 || def->devices.n_leases)
        return 0;
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];

        if (!disk->readonly && !disk->shareable)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' of domain '%s' is writable and not shared, and the domain names no <lease>, which "
                        "require_lease_for_disks in %s demands", disk->target.dev, def->name, file);
    }
    return 0;
}

static DiskLockSettings lockd_settings(const QemuLockdConf *conf)
{
    return (DiskLockSettings) {
        .automatic = conf->auto_disk_leases,
        .files = conf->file_lockspace_dir, .lvm = conf->lvm_lockspace_dir, .scsi = conf->scsi_lockspace_dir,
    };
}

static int sanlock_settings(const QemuSanlockConf *conf, SanlockSettings *settings)
{
    *settings = (SanlockSettings) {
        .automatic = conf->auto_disk_leases,
        .ignore_shared = conf->ignore_readonly_and_shared_disks > 0, .check_owner = conf->check_disk_lease_owner,
        .folder = conf->disk_lease_dir, .host_id = (guint)conf->host_id, .io_timeout = (guint)MIN(conf->io_timeout, G_MAXINT),
    };
    return user_find(conf->user, &settings->uid) < 0 || group_find(conf->group, &settings->gid) < 0 ? -1 : 0;
}

/* ---- guests that begin ---- */

QemuLocks *qemu_locks_take(Guest *guest, const DomainDef *def)
{
    const QemuDriver *driver = guest_host_priv(guest);
    g_autoptr(QemuLocks) locks = g_new0(QemuLocks, 1);
    DiskLockSettings lockd = lockd_settings(&driver->lockd);
    SanlockSettings sanlock;
    int rc = 0;

    locks->held = g_ptr_array_new_with_free_func((GDestroyNotify)disk_lock_free);
    switch (manager_of(driver)) {
    case MANAGER_NONE:
        break;
    case MANAGER_LOCKD:
        rc = check_leases(def, lockd.automatic, driver->lockd.require_lease_for_disks, "qemu-lockd.conf");
        rc = rc < 0 ? -1 : disk_lock_all(&lockd, def, locks->held);
        break;
    case MANAGER_SANLOCK:
        locks->leases = g_ptr_array_new_with_free_func(g_free);
        rc = check_leases(def, driver->sanlock.auto_disk_leases, driver->sanlock.require_lease_for_disks, "qemu-sanlock.conf");
        rc = rc < 0 || sanlock_settings(&driver->sanlock, &sanlock) < 0 ? -1 : sanlock_all(&sanlock, def, locks->leases);
        break;
    }
    return rc < 0 ? NULL : g_steal_pointer(&locks);
}

void qemu_locks_begin_with(QemuLocks *locks, ProcessSpec *spec)
{
    if (!locks->leases)
        return;
    g_clear_pointer(&locks->command, g_ptr_array_unref);
    locks->command = sanlock_command(locks->leases, spec);
    spec->argv = (const char *const *)locks->command->pdata;
    spec->uid = (uid_t)-1;
    spec->gid = (gid_t)-1;
    spec->label_path = NULL;
}

static int give(Guest *guest, const DiskLock *lock)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    int fd = lock->fd;

    return mon ? qmp_call_full(mon, "getfd", json_make(JSON_STR("fdname", lock->name)), &fd, 1,
                               (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, NULL) : -1;
}

int qemu_locks_give(Guest *guest, const QemuLocks *locks)
{
    for (guint i = 0; i < locks->held->len; i++) {
        if (give(guest, g_ptr_array_index(locks->held, i)) < 0)
            return -1;
    }
    return 0;
}

int qemu_locks_explain(const QemuLocks *locks, const char *words)
{
    return locks->leases ? sanlock_explain(words) : 0;
}

/* ---- devices that come and go ---- */

static int attach_lockd(Guest *guest, const DiskLockSettings *settings, const char *kind, const void *device)
{
    g_autoptr(DiskLock) lock = NULL;

    if ((g_str_equal(kind, "disk") && disk_lock_disk(settings, guest->name, device, &lock) < 0) ||
        (g_str_equal(kind, "lease") && disk_lock_lease(guest->name, device, &lock) < 0))
        return -1;
    return lock ? give(guest, lock) : 0;
}

static int attach_sanlock(Guest *guest, const QemuSanlockConf *conf, const char *kind, const void *device)
{
    SanlockSettings settings;
    g_autofree char *lease = NULL;

    if (sanlock_settings(conf, &settings) < 0 ||
        (g_str_equal(kind, "disk") && sanlock_disk(&settings, device, &lease) < 0) ||
        (g_str_equal(kind, "lease") && sanlock_lease(guest->name, device, &lease) < 0))
        return -1;
    return lease ? sanlock_acquire(guest->pid, lease) : 0;
}

int qemu_locks_attach(Guest *guest, const char *kind, const void *device)
{
    const QemuDriver *driver = guest_host_priv(guest);
    DiskLockSettings lockd = lockd_settings(&driver->lockd);

    switch (manager_of(driver)) {
    case MANAGER_LOCKD:
        return attach_lockd(guest, &lockd, kind, device);
    case MANAGER_SANLOCK:
        return attach_sanlock(guest, &driver->sanlock, kind, device);
    case MANAGER_NONE:
    default:
        return 0;
    }
}

static void detach_lockd(Guest *guest, const char *kind, const void *device)
{
    g_autofree char *name = g_str_equal(kind, "disk") ? disk_lock_disk_name(device) :
        g_str_equal(kind, "lease") ? disk_lock_lease_name(device) : NULL;

    if (name)
        qemu_remove_later(guest, "closefd", "fdname", "", name);
}

/* One that isn't given back goes with the guest; meanwhile nobody else gets it. */
static void detach_sanlock(Guest *guest, const QemuSanlockConf *conf, const char *kind, const void *device)
{
    SanlockSettings settings;
    virErrorPtr saved = error_save();
    g_autofree char *lease = NULL;
    int rc = sanlock_settings(conf, &settings);

    if (rc == 0 && g_str_equal(kind, "disk"))
        lease = sanlock_disk_name(&settings, device);
    else if (rc == 0 && g_str_equal(kind, "lease"))
        lease = sanlock_lease_name(device);
    if (rc < 0 || (lease && sanlock_release(guest->pid, lease) < 0))
        LOG_WARN("domain '%s' keeps a lease of what it has no more: %s", guest->name, error_message());
    error_restore(saved);
}

void qemu_locks_detach(Guest *guest, const char *kind, const void *device)
{
    const QemuDriver *driver = guest_host_priv(guest);

    switch (manager_of(driver)) {
    case MANAGER_LOCKD:
        detach_lockd(guest, kind, device);
        break;
    case MANAGER_SANLOCK:
        detach_sanlock(guest, &driver->sanlock, kind, device);
        break;
    case MANAGER_NONE:
    default:
        break;
    }
}
