/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_LOCKING
#include "core/host/disk_lock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "core/host/host.h"
#include "core/host/host_paths.h"

#define HOLDERS_MAX 4
#define OWNER_BYTES 512
#define LEASE_MODE 0600
#define SCSI_ID "/lib/udev/scsi_id"
#define SCSI_ID_DEADLINE_MS 10000
#define SCSI_ID_BYTES 4096
/* How the kernel names a logical volume: this, and the UUIDs of group and volume without hyphens. */
#define LVM_PREFIX "LVM-"
#define LVM_UUID_CHARS 32
/* Characters of a path's sum that make the name of a lock. */
#define NAME_CHARS 16

void disk_lock_free(DiskLock *lock)
{
    if (!lock)
        return;
    if (lock->fd >= 0)
        close(lock->fd);
    g_free(lock->name);
    g_free(lock);
}

/* ---- taking ---- */

/* Who we are, for whoever is refused; only in files that are made for nothing but locks. */
static void sign(int fd, const char *domain)
{
    g_autofree char *text = g_strdup_printf("domain '%s' on host '%s', process %d\n", domain, g_get_host_name(), (int) getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, MIN(strlen(text), OWNER_BYTES), 0) < 0)
        return; /* it says less; the lock is the same */
}

/* What sign() has written; the caller frees. NULL: nothing, or nothing that can be shown. */
static char *signature(int fd)
{
    char text[OWNER_BYTES + 1];
    ssize_t n = pread(fd, text, OWNER_BYTES, 0);
    if (n <= 0)
        return NULL;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    for (char *c = text; *c; c++) {
        if (g_ascii_iscntrl(*c))
            return NULL;
    }
    return g_utf8_validate(text, -1, NULL) && *text ? g_strdup(text) : NULL;
}

static int refuse(const char *what, const char *path, int fd, gboolean is_own_file)
{
    g_autofree char *said = is_own_file ? signature(fd) : NULL;
    g_autofree char *seen = host_path_holders(path, HOLDERS_MAX);
    return FAIL(VIR_ERR_RESOURCE_BUSY, "%s is in use: '%s' is locked by %s", what, path,
                said ? said : seen ? seen : "nobody on this host, so by another host that shares it");
}

/* @is_own_file: made for the lock if it isn't there. */
static DiskLock *take(const char *what, const char *domain, const char *path, gboolean shared, gboolean is_own_file)
{
    struct flock range = { .l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
    int flags = (is_own_file ? O_RDWR | O_CREAT : shared ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(path, flags, LEASE_MODE);
    if (fd < 0)
        return FAIL_ERRNO_NULL(errno, "cannot open '%s' to lock %s", path, what);
    int rc;
    do {
        rc = fcntl(fd, F_OFD_SETLK, &range);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        if (errno == EAGAIN || errno == EACCES)
            refuse(what, path, fd, is_own_file);
        else
            error_report_errno(ERROR_DOMAIN, errno, "cannot lock '%s' for %s", path, what);
        close(fd);
        return NULL;
    }
    if (is_own_file && !shared)
        sign(fd, domain);
    DiskLock *lock = g_new0(DiskLock, 1);
    lock->fd = fd;
    return lock;
}

/* ---- disks ---- */

/* UUID of the logical volume @path as lvs(8) shows it; the caller frees. NULL: it is none. */
static char *lvm_uuid(const struct stat *info)
{
    static const guint groups[] = { 6, 4, 4, 4, 4, 4, 6 };
    g_autofree char *text = host_read(256, "/sys/dev/block/%u:%u/dm/uuid", major(info->st_rdev), minor(info->st_rdev));
    const char *uuid = text && g_str_has_prefix(g_strchomp(text), LVM_PREFIX) ? text + strlen(LVM_PREFIX) : NULL;
    if (!uuid || strlen(uuid) < 2 * LVM_UUID_CHARS)
        return NULL;
    uuid += LVM_UUID_CHARS;
    GString *shown = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(groups); uuid += groups[i++])
        g_string_append_printf(shown, "%s%.*s", i ? "-" : "", (int) groups[i], uuid);
    return g_string_free(shown, FALSE);
}

/* Identity of the SCSI device; the caller frees. NULL: it has none. */
static char *scsi_identity(const char *path)
{
    const char *const argv[] = { SCSI_ID, "--replace-whitespace", "--whitelisted", "--device", path, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) output = { 0 };
    spec.argv = argv;
    if (access(SCSI_ID, X_OK) < 0 || process_run_checked(&spec, NULL, 0, SCSI_ID_BYTES, SCSI_ID_DEADLINE_MS, &output) < 0) {
        virResetLastError(); /* no SCSI device: locked as a file */
        return NULL;
    }
    g_autofree char *text = g_strndup(output.out, output.out_len);
    text[strcspn(text, "\n")] = '\0';
    return *text && !strchr(text, '/') ? g_steal_pointer(&text) : NULL;
}

/* The folder's file for @path, which is a disk; the caller frees. NULL: the disk itself. */
static char *own_file(const DiskLockSettings *settings, const char *path)
{
    struct stat info;
    gboolean is_device = stat(path, &info) == 0 && S_ISBLK(info.st_mode);
    g_autofree char *uuid = is_device && settings->lvm ? lvm_uuid(&info) : NULL;
    if (uuid)
        return g_build_filename(settings->lvm, uuid, NULL);
    g_autofree char *identity = is_device && settings->scsi ? scsi_identity(path) : NULL;
    if (identity)
        return g_build_filename(settings->scsi, identity, NULL);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, path, -1);
    return settings->files ? g_build_filename(settings->files, sum, NULL) : NULL;
}

/* What of a disk can be locked; NULL: nothing. */
static const char *lockable(const DomainDisk *disk)
{
    const char *path = disk->source.file ? disk->source.file : disk->source.dev;
    return disk->readonly ? NULL : path;
}

static char *name_for(const char *kind, const char *text)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    return g_strdup_printf("%s-%.*s", kind, NAME_CHARS, sum);
}

char *disk_lock_disk_name(const DomainDisk *disk)
{
    const char *path = lockable(disk);
    return path ? name_for("lock", path) : NULL;
}

int disk_lock_disk(const DiskLockSettings *settings, const char *domain, const DomainDisk *disk, DiskLock **lock)
{
    const char *path = lockable(disk);
    *lock = NULL;
    if (!path || !settings->automatic)
        return 0;
    g_autofree char *what = g_strdup_printf("disk '%s' of domain '%s'", disk->target.dev, domain), *own = own_file(settings, path);
    *lock = take(what, domain, own ? own : path, disk->shareable, own != NULL);
    if (!*lock)
        return -1;
    (*lock)->name = disk_lock_disk_name(disk);
    return 0;
}

/* ---- leases ---- */

char *disk_lock_lease_name(const DomainLease *lease)
{
    g_autofree char *all = g_strdup_printf("%s/%s/%s", lease->target.path, lease->lockspace ? lease->lockspace : "", lease->key);
    return name_for("lease", all);
}

int disk_lock_lease(const char *domain, const DomainLease *lease, DiskLock **lock)
{
    *lock = NULL;
    if (lease->target.offset)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "lease '%s' of domain '%s' has an offset, which this lock manager has no use for: it is a file",
                    lease->key, domain);
    if (!lease->lockspace)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "lease '%s' of domain '%s' has no lockspace", lease->key, domain);
    if (file_name_check("name of a lockspace", lease->lockspace) < 0 || file_name_check("key of a lease", lease->key) < 0)
        return -1;
    g_autofree char *what = g_strdup_printf("lease '%s' of domain '%s'", lease->key, domain);
    g_autofree char *space = g_build_filename(lease->target.path, lease->lockspace, NULL);
    g_autofree char *path = g_build_filename(space, lease->key, NULL);
    if (!g_file_test(space, G_FILE_TEST_IS_DIR))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "there is no folder '%s' for %s: 'mkdir -p %s' on storage that all hosts share makes it", space, what,
                    space);
    *lock = take(what, domain, path, FALSE, TRUE);
    if (!*lock)
        return -1;
    (*lock)->name = disk_lock_lease_name(lease);
    return 0;
}

/* ---- all ---- */

int disk_lock_all(const DiskLockSettings *settings, const DomainDef *def, GPtrArray *locks)
{
    DiskLock *lock;
    for (guint i = 0; i < def->devices.n_leases; i++) {
        if (disk_lock_lease(def->name, def->devices.leases[i], &lock) < 0)
            return -1;
        g_ptr_array_add(locks, lock);
    }
    for (guint i = 0; i < def->devices.n_disks; i++) {
        if (disk_lock_disk(settings, def->name, def->devices.disks[i], &lock) < 0)
            return -1;
        if (lock)
            g_ptr_array_add(locks, lock);
    }
    return 0;
}
