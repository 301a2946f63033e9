/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_LOCKING
#include "drivers/qemu/locks.h"
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/hotplug_priv.h"

/* 1; 0: no locks are wanted; -1 with an error: they are, and can't be had. */
static int settings_of(Guest *guest, DiskLockSettings *settings)
{
    const QemuDriver *driver = guest_host_priv(guest);
    const QemuLockdConf *conf = &driver->lockd;

    if (!driver->conf.lock_manager)
        return 0;
    if (!g_str_equal(driver->conf.lock_manager, "lockd"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "lock_manager = \"%s\" in qemu.conf can't be had, so that guest '%s' would run without locks; "
                    "\"lockd\" can, see qemu-lockd.conf", driver->conf.lock_manager, guest->name);
    *settings = (DiskLockSettings) {
        .automatic = conf->auto_disk_leases,
        .required = conf->require_lease_for_disks >= 0 ? conf->require_lease_for_disks : !conf->auto_disk_leases,
        .files = conf->file_lockspace_dir, .lvm = conf->lvm_lockspace_dir, .scsi = conf->scsi_lockspace_dir,
    };
    return 1;
}

GPtrArray *qemu_locks_take(Guest *guest, const DomainDef *def)
{
    g_autoptr(GPtrArray) locks = g_ptr_array_new_with_free_func((GDestroyNotify)disk_lock_free);
    DiskLockSettings settings;

    int wanted = settings_of(guest, &settings);

    return wanted < 0 || (wanted && disk_lock_all(&settings, def, locks) < 0) ? NULL : g_steal_pointer(&locks);
}

static int give(Guest *guest, const DiskLock *lock)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    int fd = lock->fd;

    return mon ? qmp_call_full(mon, "getfd", json_make(JSON_STR("fdname", lock->name)), &fd, 1,
                               (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, NULL) : -1;
}

int qemu_locks_give(Guest *guest, GPtrArray *locks)
{
    for (guint i = 0; i < locks->len; i++) {
        if (give(guest, g_ptr_array_index(locks, i)) < 0)
            return -1;
    }
    return 0;
}

int qemu_locks_attach(Guest *guest, const char *kind, const void *device)
{
    g_autoptr(DiskLock) lock = NULL;
    DiskLockSettings settings;

    int wanted = settings_of(guest, &settings);

    if (wanted <= 0)
        return wanted;
    if ((g_str_equal(kind, "disk") && disk_lock_disk(&settings, guest->name, device, &lock) < 0) ||
        (g_str_equal(kind, "lease") && disk_lock_lease(guest->name, device, &lock) < 0))
        return -1;
    return lock ? give(guest, lock) : 0;
}

void qemu_locks_detach(Guest *guest, const char *kind, const void *device)
{
    const QemuDriver *driver = guest_host_priv(guest);
    g_autofree char *name = NULL;

    if (!driver->conf.lock_manager)
        return;
    if (g_str_equal(kind, "disk"))
        name = disk_lock_disk_name(device);
    else if (g_str_equal(kind, "lease"))
        name = disk_lock_lease_name(device);
    if (name)
        qemu_remove_later(guest, "closefd", "fdname", "", name);
}
