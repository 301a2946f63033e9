/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_LOCKING
#include "core/host/sanlock.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/threadpool.h"

#define SANLOCK "sanlock"
#define SETPRIV "setpriv"               /* util-linux */
#define OUTPUT_BYTES 4096
/* To take part in a lockspace takes a few times the timeout of an access to it, by default 10 s. */
#define DEADLINE_MS 30000
#define JOIN_DEADLINE_MS 120000
#define JOIN_TIMEOUTS 12
#define LEASE_BYTES (1 << 20)
#define LEASE_MODE 0660
#define FOLDER_MODE 0755
#define NAME_BYTES 48                   /* of a lockspace or a lease */

/* ---- the program ---- */

/* Codes that sanlock adds to errno's (sanlock_rv.h). */
enum {
    OWN_CODES = 200,
    LEADER_MAGIC = 223, /* nothing was written there yet */
    LEADER_VERSION, LEADER_SECTORSIZE, LEADER_LOCKSPACE, LEADER_RESOURCE, LEADER_NUMHOSTS, LEADER_CHECKSUM,
    ADDLS_INVALID_HOSTID = 231, ACQUIRE_LVER = 240, ACQUIRE_LOCKSPACE, ACQUIRE_IDDISK, ACQUIRE_IDLIVE, ACQUIRE_OWNED, ACQUIRE_OTHER, ACQUIRE_SHRETRY,
    HOSTID_BUSY = 262,
};

/* @code, positive, of @action about @what. -1. */
static int refuse(const char *action, const char *what, int code)
{
    switch (code) {
    case EEXIST: case EAGAIN: case EBUSY: case ACQUIRE_OWNED: case ACQUIRE_OTHER: case ACQUIRE_SHRETRY:
        return FAIL(VIR_ERR_RESOURCE_BUSY, "%s is held by another guest of this host or of another one; '"SANLOCK" client status' on each shows whose "
                    "process has it", what);
    case ACQUIRE_IDLIVE: case ACQUIRE_IDDISK:
        return FAIL(VIR_ERR_RESOURCE_BUSY, "%s is held by a guest of another host that shares the storage, which is alive; '"SANLOCK" client status' "
                    "there shows whose process has it", what);
    case ENOSPC: case ACQUIRE_LOCKSPACE:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "this host takes no part in the lockspace of %s: '"SANLOCK" client add_lockspace' adds it", what);
    case LEADER_MAGIC: case LEADER_LOCKSPACE: case LEADER_RESOURCE: case LEADER_SECTORSIZE: case LEADER_VERSION: case LEADER_CHECKSUM:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s is no lease of that name; '"SANLOCK" client init' makes one", what);
    case HOSTID_BUSY: case ADDLS_INVALID_HOSTID:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "cannot %s: host_id in qemu-sanlock.conf is another host's already, or too great (%s)", action, what);
    case ENOENT: case ECONNREFUSED:
        return FAIL(VIR_ERR_OPERATION_FAILED, "cannot %s: the daemon sanlock doesn't run on this host, or a file is missing; 'systemctl start "
                    "sanlock' starts it (%s)", action, what);
    default:
        return FAIL(VIR_ERR_OPERATION_FAILED, "cannot %s: sanlock says %d%s%s (%s)", action, -code, code < OWN_CODES ? ", " : "",
                    code < OWN_CODES ? g_strerror(code) : "", what);
    }
}

/* What it says in its lines "ACTION done CODE": the first that is negative, as a positive number; 0: none. */
static int code_in(const char *words)
{
    for (const char *at = words; (at = strstr(at, " done -")); at++) {
        long code = strtol(at + strlen(" done -"), NULL, 10);
        if (code > 0 && code < G_MAXINT)
            return (int) code;
    }
    return 0;
}

/* Run "sanlock client WORDS", which ends with NULL. 0; -1 with an error; the code, positive, if sanlock refuses. */
static int client(const char *const *words, gint64 deadline_ms)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) output = { 0 };
    g_ptr_array_add(argv, (void *) SANLOCK);
    g_ptr_array_add(argv, (void *) "client");
    for (guint i = 0; words[i]; i++)
        g_ptr_array_add(argv, (void *) words[i]);
    g_ptr_array_add(argv, NULL);
    spec.argv = (const char *const *) argv->pdata;
    if (process_run(&spec, NULL, 0, OUTPUT_BYTES, deadline_ms, &output) < 0)
        return -1;
    if (!output.end.signal && output.end.code == 0)
        return 0;
    g_autofree char *said = g_strndup(output.out, output.out_len);
    int code = code_in(said);
    if (code)
        return code;
    g_autofree char *how = process_end_text(&output.end);
    return FAIL(VIR_ERR_OPERATION_FAILED, "'"SANLOCK" client %s' %s: %s%s", words[0], how, said, output.err ? output.err : "");
}

/* ---- names ---- */

/* A path as sanlock reads it, with backslashes before colons. */
static void append_path(GString *text, const char *path)
{
    for (; *path; path++) {
        if (*path == ':' || *path == '\\')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *path);
    }
}

static char *name_of(const char *space, const char *key, const char *path, guint64 offset, gboolean shared)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s:%s:", space, key);
    append_path(text, path);
    g_string_append_printf(text, ":%" G_GUINT64_FORMAT "%s", offset, shared ? ":SH" : "");
    return g_string_free(text, FALSE);
}

/* What of a disk is guarded; NULL: nothing. */
static const char *guarded(const SanlockSettings *settings, const DomainDisk *disk)
{
    const char *path = disk->source.file ? disk->source.file : disk->source.dev;
    return !settings->automatic || disk->readonly || (disk->shareable && settings->ignore_shared) ? NULL : path;
}

static char *sum_of(const char *path)
{
    return g_compute_checksum_for_string(G_CHECKSUM_MD5, path, -1);
}

char *sanlock_disk_name(const SanlockSettings *settings, const DomainDisk *disk)
{
    const char *path = guarded(settings, disk);
    if (!path)
        return NULL;
    g_autofree char *sum = sum_of(path), *file = g_build_filename(settings->folder, sum, NULL);
    return name_of(SANLOCK_DISKS, sum, file, 0, disk->shareable);
}

char *sanlock_lease_name(const DomainLease *def)
{
    return name_of(def->lockspace ? def->lockspace : "", def->key, def->target.path, def->target.offset, FALSE);
}

/* ---- files ---- */

static int check_owner(const SanlockSettings *settings, const char *path)
{
    struct stat info;
    if (!settings->check_owner)
        return 0;
    if (stat(path, &info) < 0)
        return FAIL_ERRNO(errno, "cannot look at lease '%s'", path);
    if (info.st_uid != settings->uid || info.st_gid != settings->gid)
        return FAIL(VIR_ERR_OPERATION_FAILED, "lease '%s' belongs to user %u and group %u, not to %u and %u as qemu-sanlock.conf says: 'chown %u:%u %s' "
                    "mends it", path, info.st_uid, info.st_gid, settings->uid, settings->gid, settings->uid, settings->gid, path);
    return 0;
}

static int make_empty(const SanlockSettings *settings, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, LEASE_MODE);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot make the lease file '%s'", path);
    /* all of it, so that a full disk is told now */
    int err = posix_fallocate(fd, 0, LEASE_BYTES);
    if (!err && ((geteuid() == 0 && fchown(fd, settings->uid, settings->gid) < 0) || fchmod(fd, LEASE_MODE) < 0))
        err = errno;
    close(fd);
    return err ? FAIL_ERRNO(err, "cannot make the lease file '%s'", path) : 0;
}

/* Make the file, with what sanlock wants to find in it, if it isn't there. It has its name when it is complete; who is second takes the
 * first one's, on whatever host that was. @kind: "-s" or "-r"; @space and @id: as in the file's name for sanlock. */
static int make_file(const SanlockSettings *settings, const char *kind, const char *space, const char *id, const char *path)
{
    if (g_access(path, F_OK) == 0)
        return check_owner(settings, path);
    if (g_mkdir_with_parents(settings->folder, FOLDER_MODE) < 0)
        return FAIL_ERRNO(errno, "cannot make the folder '%s' of leases", settings->folder);
    g_autofree char *part = g_strdup_printf("%s.%u-%d-%u", path, settings->host_id, (int) getpid(), g_random_int());
    if (make_empty(settings, part) < 0) {
        g_unlink(part);
        return -1;
    }
    g_autofree char *name = name_of(space, id, part, 0, FALSE), *seconds = g_strdup_printf("%u", settings->io_timeout);
    const char *const words[] = { "init", kind, name, settings->io_timeout ? "-o" : NULL, seconds, NULL };
    int code = client(words, DEADLINE_MS);
    int rc = code ? -1 : 0;
    if (code > 0)
        refuse("make a lease", path, code);
    if (rc == 0 && link(part, path) < 0 && errno != EEXIST)
        rc = FAIL_ERRNO(errno, "cannot give the lease '%s' its name", path);
    g_unlink(part);
    return rc;
}

/* Whether this host is just beginning to take part: who comes then waits for that, since sanlock would refuse him. */
static struct {
    GMutex lock;
    GCond over;
    gboolean under_way;
} joining;

static int begin_to_join(gint64 patience_ms, const char *path)
{
    const gint64 until_us = g_get_monotonic_time() + patience_ms * 1000;
    gboolean mine = TRUE;
    pool_blocking_begin();
    g_mutex_lock(&joining.lock);
    while (joining.under_way && mine)
        mine = g_cond_wait_until(&joining.over, &joining.lock, until_us);
    joining.under_way |= mine;
    g_mutex_unlock(&joining.lock);
    pool_blocking_end();
    return mine ? 0 : FAIL(VIR_ERR_OPERATION_TIMEOUT, "this host has not come to take part in the lockspace of disks ('%s') within %d s", path,
                           (int) (patience_ms / 1000));
}

static void end_to_join(void)
{
    g_mutex_lock(&joining.lock);
    joining.under_way = FALSE;
    g_cond_signal(&joining.over);
    g_mutex_unlock(&joining.lock);
}

/* Take part in the lockspace of disks, and stay in it. */
static int join(const SanlockSettings *settings)
{
    const gint64 patience_ms = MAX(JOIN_DEADLINE_MS, (gint64) settings->io_timeout * JOIN_TIMEOUTS * 1000);
    g_autofree char *path = g_build_filename(settings->folder, SANLOCK_DISKS, NULL), *id = g_strdup_printf("%u", settings->host_id);
    g_autofree char *name = name_of(SANLOCK_DISKS, id, path, 0, FALSE), *seconds = g_strdup_printf("%u", settings->io_timeout);
    const char *const ask[] = { "inq_lockspace", "-s", name, NULL };
    const char *const add[] = { "add_lockspace", "-s", name, settings->io_timeout ? "-o" : NULL, seconds, NULL };
    if (!settings->host_id)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "host_id is missing in qemu-sanlock.conf: a number from 1 to 2000, another one on each host that shares '%s'",
                    settings->folder);
    if (begin_to_join(patience_ms, path) < 0)
        return -1;
    int code = make_file(settings, "-s", SANLOCK_DISKS, "0", path) < 0 ? -1 : client(ask, DEADLINE_MS);
    if (code > 0)
        code = client(add, patience_ms);
    end_to_join();
    return code > 0 && code != EEXIST ? refuse("take part in the lockspace of disks", path, code) : code < 0 ? -1 : 0;
}

/* ---- leases ---- */

/* In the lockspace that this host takes part in. */
static int lease_of(const SanlockSettings *settings, const DomainDisk *disk, char **lease)
{
    g_autofree char *sum = sum_of(guarded(settings, disk)), *file = g_build_filename(settings->folder, sum, NULL);
    *lease = NULL;
    if (make_file(settings, "-r", SANLOCK_DISKS, sum, file) < 0)
        return -1;
    *lease = sanlock_disk_name(settings, disk);
    return 0;
}

int sanlock_disk(const SanlockSettings *settings, const DomainDisk *disk, char **lease)
{
    *lease = NULL;
    return !guarded(settings, disk) ? 0 : join(settings) < 0 ? -1 : lease_of(settings, disk, lease);
}

static int check_name(const char *what, const char *name, const char *domain)
{
    if (!name || !*name || strlen(name) > NAME_BYTES || strpbrk(name, ":\\"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s '%s' of a <lease> of domain '%s': sanlock takes 1 to %d bytes without ':'", what, name ? name : "",
                    domain, NAME_BYTES);
    return 0;
}

int sanlock_lease(const char *domain, const DomainLease *def, char **lease)
{
    *lease = NULL;
    if (check_name("lockspace", def->lockspace, domain) < 0 || check_name("key", def->key, domain) < 0)
        return -1;
    *lease = sanlock_lease_name(def);
    return 0;
}

static int check_action(const DomainDef *def)
{
    if (def->on_lockfailure != DOMAIN_LOCKFAILURE_ACTION_UNSET && def->on_lockfailure != DOMAIN_LOCKFAILURE_ACTION_POWEROFF)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<on_lockfailure>%s</on_lockfailure> of domain '%s' can't be had: sanlock ends guests whose leases are "
                    "lost ('poweroff')", domain_lockfailure_action_to_string(def->on_lockfailure), def->name);
    return 0;
}

int sanlock_all(const SanlockSettings *settings, const DomainDef *def, GPtrArray *leases)
{
    gboolean joined = FALSE;
    char *lease;
    if (check_action(def) < 0)
        return -1;
    for (guint i = 0; i < def->devices.n_leases; i++) {
        if (sanlock_lease(def->name, def->devices.leases[i], &lease) < 0)
            return -1;
        g_ptr_array_add(leases, lease);
    }
    for (guint i = 0; i < def->devices.n_disks; i++) {
        if (!guarded(settings, def->devices.disks[i]))
            continue;
        if ((!joined && join(settings) < 0) || lease_of(settings, def->devices.disks[i], &lease) < 0)
            return -1;
        joined = TRUE;
        g_ptr_array_add(leases, lease);
    }
    if (leases->len > SANLOCK_LEASES_MAX)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' needs %u leases, and sanlock lets a guest hold %d", def->name, leases->len, SANLOCK_LEASES_MAX);
    return 0;
}

/* ---- processes ---- */

static void add_format(GPtrArray *argv, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add_format(GPtrArray *argv, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(argv, g_strdup_vprintf(format, args));
    va_end(args);
}

/* What the kernel is told of a profile of AppArmor; a context of SELinux is told as it is. */
#define APPARMOR_EXEC "exec "

static void add_label(GPtrArray *argv, const char *label)
{
    if (g_str_has_prefix(label, APPARMOR_EXEC))
        add_format(argv, "--apparmor-profile=%s", label + strlen(APPARMOR_EXEC));
    else
        add_format(argv, "--selinux-label=%s", label);
}

static void add_groups(GPtrArray *argv, const ProcessSpec *spec)
{
    g_autoptr(GString) groups = g_string_new("--groups=");
    for (size_t i = 0; i < spec->n_groups; i++)
        g_string_append_printf(groups, "%s%u", i ? "," : "", spec->groups[i]);
    add_format(argv, "%s", spec->n_groups ? groups->str : "--clear-groups");
}

static void add_identity(GPtrArray *argv, const ProcessSpec *spec)
{
    gboolean other = spec->uid != (uid_t) -1 || spec->gid != (gid_t) -1;
    if (!other && !spec->label_path)
        return;
    g_autofree char *program = g_find_program_in_path(SETPRIV);
    add_format(argv, "%s", program ? program : SETPRIV);
    if (spec->label_path)
        add_label(argv, spec->label);
    if (spec->gid != (gid_t) -1)
        add_format(argv, "--regid=%u", spec->gid);
    if (spec->uid != (uid_t) -1)
        add_format(argv, "--reuid=%u", spec->uid);
    if (other)
        add_groups(argv, spec);
    add_format(argv, "--");
}

GPtrArray *sanlock_command(const GPtrArray *leases, const ProcessSpec *spec)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    add_format(all, SANLOCK);
    add_format(all, "client");
    add_format(all, "command");
    for (guint i = 0; i < leases->len; i++) {
        add_format(all, "-r");
        add_format(all, "%s", (const char *) leases->pdata[i]);
    }
    add_format(all, "-c");
    add_identity(all, spec);
    for (const char *const *arg = spec->argv; *arg; arg++)
        add_format(all, "%s", *arg);
    g_ptr_array_add(all, NULL);
    return all;
}

int sanlock_explain(const char *words)
{
    int code = code_in(words);
    return code ? refuse("get the guest's leases", "a lease of the guest", code) : 0;
}

static int change(const char *action, pid_t pid, const char *lease, int fine)
{
    g_autofree char *number = g_strdup_printf("%d", (int) pid), *what = g_strdup_printf("lease '%s'", lease);
    const char *const words[] = { action, "-r", lease, "-p", number, NULL };
    int code = client(words, DEADLINE_MS);
    if (code == ESRCH)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "sanlock doesn't know process %d: the guest began before lock_manager was \"sanlock\"; start it anew", (int) pid);
    return code > 0 && code != fine ? refuse(action, what, code) : code < 0 ? -1 : 0;
}

int sanlock_acquire(pid_t pid, const char *lease)
{
    return change("acquire", pid, lease, 0);
}

int sanlock_release(pid_t pid, const char *lease)
{
    return change("release", pid, lease, EPERM); /* EPERM: it had none */
}
