/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of QEMU's process. Memory is locked by <locked/>, and for devices that are passed to the guest: they reach its memory past the
 * kernel, so that all of it must stay where it is. Root's QEMU may lock what it likes, whatever its limit is.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/rlimits.h"
#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/error.h"

/* What such devices map beside the guest's memory. */
#define DEVICE_BYTES (1024ull * 1024 * 1024)

/* Without an IOMMU of its own the guest has one map for all such devices, else each has one. */
static guint64 maps_of(const DomainDevices *d)
{
    guint64 shared = 0, own = 0;

    for (guint i = 0; i < d->n_hostdevs; i++) {
        if (d->hostdevs[i]->type == DOMAIN_HOSTDEV_TYPE_PCI || d->hostdevs[i]->type == DOMAIN_HOSTDEV_TYPE_MDEV)
            shared++;
    }
    for (guint i = 0; i < d->n_disks; i++)
        own += d->disks[i]->source.type == DOMAIN_DISK_TYPE_NVME;
    for (guint i = 0; i < d->n_interfaces; i++)
        own += d->interfaces[i]->source.type == DOMAIN_INTERFACE_TYPE_VDPA;
    return own + (d->n_iommus > 0 ? shared : MIN(shared, 1));
}

guint64 qemu_locked_bytes(const DomainDef *def)
{
    gboolean locked = def->memory_backing && def->memory_backing->locked;
    guint64 maps = maps_of(&def->devices), bytes;

    if (!locked && maps == 0)
        return 0;
    if (def->memtune && def->memtune->has_hard_limit)
        return def->memtune->hard_limit <= G_MAXINT64 / 1024 ? def->memtune->hard_limit * 1024 : RLIM_INFINITY;
    if (locked || __builtin_mul_overflow(maps, def->memory, &bytes) || __builtin_mul_overflow(bytes, 1024, &bytes) ||
        __builtin_add_overflow(bytes, DEVICE_BYTES, &bytes))
        return RLIM_INFINITY;
    return bytes;
}

static gboolean has_capability(guint number)
{
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[2];

    return syscall(SYS_capget, &head, data) == 0 && (data[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number)) != 0;
}

/* Whether QEMU will be able to lock anything by what it is. */
static gboolean locks_anyhow(uid_t uid)
{
    return (uid == (uid_t)-1 || uid == 0) && has_capability(CAP_IPC_LOCK);
}

static int cannot_lock(const DomainDef *def, guint64 bytes, guint64 most)
{
    g_autofree char *wanted = bytes == RLIM_INFINITY ? g_strdup("all") : g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *have = g_format_size_full(most, G_FORMAT_SIZE_IEC_UNITS);

    return FAIL(VIR_ERR_OPERATION_FAILED, "QEMU of domain '%s' must be able to lock %s of its memory, but the daemon's limit is %s and it may not "
                "raise it; set 'LimitMEMLOCK=infinity' for its service, or 'memlock' for its user in /etc/security/limits.conf",
                def->name, wanted, have);
}

static int add_locked(uid_t uid, const DomainDef *def, ProcessLimit *limits, int *n)
{
    guint64 bytes = qemu_locked_bytes(def);
    struct rlimit now;

    if (bytes == 0)
        return 0;
    if (getrlimit(RLIMIT_MEMLOCK, &now) < 0)
        return FAIL_ERRNO(errno, "cannot read the limit for locked memory");
    if (now.rlim_cur >= bytes) /* RLIM_INFINITY is the largest number */
        return 0;
    if (now.rlim_max < bytes && !has_capability(CAP_SYS_RESOURCE))
        return locks_anyhow(uid) ? 0 : cannot_lock(def, bytes, now.rlim_max);
    limits[(*n)++] = (ProcessLimit){ RLIMIT_MEMLOCK, bytes };
    return 0;
}

/* "unlimited", or bytes: the table has checked it. */
static rlim_t core_size(const char *text)
{
    return g_str_equal(text, "unlimited") ? RLIM_INFINITY : g_ascii_strtoull(text, NULL, 10);
}

int qemu_process_limits(const QemuDriver *driver, uid_t uid, const DomainDef *def, ProcessLimit *limits)
{
    const QemuConf *conf = &driver->conf;
    int n = 0;

    if (conf->max_processes)
        limits[n++] = (ProcessLimit){ RLIMIT_NPROC, conf->max_processes };
    if (conf->max_files)
        limits[n++] = (ProcessLimit){ RLIMIT_NOFILE, conf->max_files };
    if (conf->max_core)
        limits[n++] = (ProcessLimit){ RLIMIT_CORE, core_size(conf->max_core) };
    return add_locked(uid, def, limits, &n) < 0 ? -1 : n;
}

int qemu_guest_raise_limits(Guest *guest, const DomainDef *def)
{
    guint64 bytes = qemu_locked_bytes(def);
    struct rlimit now;

    if (bytes == 0)
        return 0;
    if (prlimit(guest->pid, RLIMIT_MEMLOCK, NULL, &now) < 0)
        return FAIL_ERRNO(errno, "cannot read the limit for locked memory of domain '%s'", guest->name);
    if (now.rlim_cur >= bytes)
        return 0;
    if (prlimit(guest->pid, RLIMIT_MEMLOCK, &(struct rlimit){ bytes, bytes }, NULL) == 0)
        return 0;
    if (errno != EPERM)
        return FAIL_ERRNO(errno, "cannot raise the limit for locked memory of domain '%s'", guest->name);
    return locks_anyhow(qemu_guest(guest)->user.uid) ? 0 : cannot_lock(def, bytes, now.rlim_max);
}
