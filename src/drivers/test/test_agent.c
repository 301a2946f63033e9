/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The system in a test guest: two file systems on the first disk, a clock that stands still, users who keep their keys.
 */
#define ERROR_DOMAIN VIR_FROM_TEST
#include <string.h>
#include "base/error.h"
#include "domain/vcpus.h"
#include "drivers/test/test_guest.h"

/* Most keys that a user may have, and most users who have any. */
enum { KEYS_MAX = 2048, USERS_MAX = 1024 };

static const char *const mounts[] = { "/", "/boot" };

static int find_mount(const Guest *guest, const char *mountpoint)
{
    for (guint i = 0; i < G_N_ELEMENTS(mounts); i++) {
        if (strcmp(mounts[i], mountpoint) == 0)
            return (int) i;
    }
    return FAIL(VIR_ERR_OPERATION_INVALID, "nothing is mounted at '%s' in test domain '%s'", mountpoint, guest->name);
}

/* ---- file systems ---- */

static void find_first_disk(const DomainDef *def, void *opaque)
{
    char **target = opaque;
    for (guint i = 0; i < def->devices.n_disks && !*target; i++) {
        if (def->devices.disks[i]->device == DOMAIN_DISK_DEVICE_DISK)
            *target = g_strdup(def->devices.disks[i]->target.dev);
    }
}

int test_filesystems(Guest *guest, virDomainFSInfoPtr **info)
{
    g_autofree char *target = NULL;
    guest_with_def(guest, find_first_disk, &target);
    if (!target)
        return 0;
    *info = g_new0(virDomainFSInfoPtr, G_N_ELEMENTS(mounts));
    for (guint i = 0; i < G_N_ELEMENTS(mounts); i++) {
        virDomainFSInfoPtr fs = (*info)[i] = g_new0(virDomainFSInfo, 1);
        fs->mountpoint = g_strdup(mounts[i]);
        fs->name = g_strdup_printf("%s%u", target, i + 1);
        fs->fstype = g_strdup("ext4");
        fs->devAlias = g_new0(char *, 1);
        fs->devAlias[fs->ndevAlias++] = g_strdup(target);
    }
    return G_N_ELEMENTS(mounts);
}

int test_freeze(Guest *guest, const char **mountpoints, unsigned int n, gboolean freeze)
{
    TestGuest *t = guest->priv;
    guint wanted = n ? 0 : (1 << G_N_ELEMENTS(mounts)) - 1;
    for (unsigned int i = 0; i < n; i++) {
        int mount = find_mount(guest, mountpoints[i]);
        if (mount < 0)
            return -1;
        wanted |= 1u << mount;
    }
    g_mutex_lock(&t->lock);
    guint changed = freeze ? wanted & ~t->frozen : wanted & t->frozen;
    t->frozen ^= changed;
    g_mutex_unlock(&t->lock);
    return __builtin_popcount(changed);
}

int test_trim(Guest *guest, const char *mountpoint, unsigned long long minimum)
{
    return mountpoint && find_mount(guest, mountpoint) < 0 ? -1 : 0;
}

/* ---- time ---- */

int test_time(Guest *guest, long long *seconds, unsigned int *nseconds)
{
    TestGuest *t = guest->priv;
    g_mutex_lock(&t->lock);
    *seconds = t->seconds;
    *nseconds = t->nseconds;
    g_mutex_unlock(&t->lock);
    return 0;
}

int test_set_time(Guest *guest, long long seconds, unsigned int nseconds, gboolean sync)
{
    TestGuest *t = guest->priv;
    g_mutex_lock(&t->lock);
    t->seconds = seconds;
    t->nseconds = nseconds;
    g_mutex_unlock(&t->lock);
    return 0;
}

/* ---- users ---- */

int test_password(Guest *guest, const char *user, const char *password, gboolean encrypted)
{
    return 0;
}

int test_keys(Guest *guest, const char *user, char ***keys)
{
    TestGuest *t = guest->priv;
    g_mutex_lock(&t->lock);
    char **known = g_hash_table_lookup(t->keys, user);
    int n = known ? (int) g_strv_length(known) : 0;
    *keys = n ? g_strdupv(known) : NULL;
    g_mutex_unlock(&t->lock);
    return n;
}

/* Called with the lock. */
static char **merge_keys(char **known, const char **keys, unsigned int n, GuestKeysMode mode)
{
    g_autoptr(GStrvBuilder) merged = g_strv_builder_new();
    const char *const none[] = { NULL };
    g_autofree const char **given = g_new0(const char *, n + 1);
    for (unsigned int i = 0; i < n; i++)
        given[i] = keys[i];
    for (const char *const *key = known && mode != GUEST_KEYS_REPLACE ? (const char *const *) known : none; *key; key++) {
        if (!g_strv_contains(given, *key))
            g_strv_builder_add(merged, *key);
    }
    if (mode != GUEST_KEYS_REMOVE)
        g_strv_builder_addv(merged, given);
    return g_strv_builder_end(merged);
}

int test_set_keys(Guest *guest, const char *user, const char **keys, unsigned int n, GuestKeysMode mode)
{
    TestGuest *t = guest->priv;
    g_mutex_lock(&t->lock);
    char **merged = merge_keys(g_hash_table_lookup(t->keys, user), keys, n, mode);
    gboolean room = g_strv_length(merged) <= KEYS_MAX &&
        (g_hash_table_contains(t->keys, user) || g_hash_table_size(t->keys) < USERS_MAX);
    if (room)
        g_hash_table_insert(t->keys, g_strdup(user), g_steal_pointer(&merged));
    g_mutex_unlock(&t->lock);
    g_strfreev(merged);
    return room ? 0 : FAIL(VIR_ERR_OPERATION_INVALID, "test domain '%s' has no room for so many keys", guest->name);
}

/* ---- vCPUs ---- */

static void count_vcpus(const DomainDef *def, void *opaque)
{
    Bitmap *possible = opaque;
    for (guint i = 0; i < vcpus_max(def); i++) {
        if (vcpu_is_plugged(def, i))
            bitmap_set(possible, i);
    }
}

/* The system does without every vCPU but the first. */
int test_agent_vcpus(Guest *guest, Bitmap **possible, Bitmap **online, Bitmap **offlinable)
{
    TestGuest *t = guest->priv;
    *possible = bitmap_new(TEST_MAX_VCPUS);
    guest_with_def(guest, count_vcpus, *possible);
    *online = bitmap_copy(*possible);
    *offlinable = bitmap_copy(*possible);
    bitmap_clear(*offlinable, 0);
    g_mutex_lock(&t->lock);
    for (ssize_t i = -1; (i = bitmap_next(t->offline, i)) >= 0;)
        bitmap_clear(*online, (size_t) i);
    g_mutex_unlock(&t->lock);
    return 0;
}

int test_agent_set_vcpus(Guest *guest, const Bitmap *vcpus, gboolean online)
{
    TestGuest *t = guest->priv;
    g_mutex_lock(&t->lock);
    for (ssize_t i = -1; (i = bitmap_next(vcpus, i)) >= 0;) {
        if (online)
            bitmap_clear(t->offline, (size_t) i);
        else
            bitmap_set(t->offline, (size_t) i);
    }
    g_mutex_unlock(&t->lock);
    return 0;
}

/* ---- the system ---- */

/* It always answers at once. */
int test_agent_timeout(Guest *guest, int timeout)
{
    return 0;
}

static void list_disks(const DomainDef *def, void *opaque)
{
    TypedList *list = opaque;
    unsigned int n = 0;
    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        if (disk->device != DOMAIN_DISK_DEVICE_DISK)
            continue;
        g_autofree char *name = g_strdup_printf("/dev/%s", disk->target.dev);
        typed_list_string_f(list, name, "disk.%u.name", n);
        typed_list_bool_f(list, FALSE, "disk.%u.partition", n);
        if (disk->serial)
            typed_list_string_f(list, disk->serial, "disk.%u.serial", n);
        typed_list_string_f(list, disk->target.dev, "disk.%u.alias", n);
        n++;
    }
    typed_list_uint(list, "disk.count", n);
}

int test_agent_info(Guest *guest, unsigned int type, TypedList *list)
{
    static const char *const system[][2] = { { "os.id", "test" }, { "os.name", "Test" }, { "os.pretty-name", "Test guest 1" },
        { "os.version", "1" }, { "os.version-id", "1" }, { "os.kernel-release", "1.0" }, { "os.machine", "i686" } };
    switch (type) {
    case VIR_DOMAIN_GUEST_INFO_USERS:
        typed_list_uint(list, "user.count", 1);
        typed_list_string(list, "user.0.name", "root");
        typed_list_ullong(list, "user.0.login-time", TEST_TIME * 1000ULL);
        return 0;
    case VIR_DOMAIN_GUEST_INFO_OS:
        for (guint i = 0; i < G_N_ELEMENTS(system); i++)
            typed_list_string(list, system[i][0], system[i][1]);
        return 0;
    case VIR_DOMAIN_GUEST_INFO_TIMEZONE:
        typed_list_string(list, "timezone.name", "UTC");
        typed_list_int(list, "timezone.offset", 0);
        return 0;
    default:
        guest_with_def(guest, list_disks, list);
        return 0;
    }
}

/* ---- sleep ---- */

int test_sleep(Guest *guest, unsigned int target)
{
    if (target != VIR_NODE_SUSPEND_TARGET_MEM)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "test domain '%s' sleeps with its memory on only ('mem')", guest->name);
    guest_upcall_pmsuspend(guest, FALSE);
    return 0;
}

int test_wake(Guest *guest)
{
    guest_upcall_pmwakeup(guest);
    return 0;
}
