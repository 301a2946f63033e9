/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_CGROUP
#define LOG_SOURCE "host.cgroup"
#include "core/host/cgroup.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libvirt/virterror.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "core/host/host.h"

#define MOUNTS_MAX (1024 * 1024)
#define VALUE_MAX 65536
#define MACHINES "/machine"
#define PARTITION_MAX 16

/* Names in the trees of the first and the second form. */
static const struct { const char *first, *second; } names[CGROUP_LAST] = {
    [CGROUP_CPU] = { "cpu", "cpu" }, [CGROUP_CPUSET] = { "cpuset", "cpuset" }, [CGROUP_MEMORY] = { "memory", "memory" },
    [CGROUP_IO] = { "blkio", "io" },
};

const char *cgroup_controller_name(CgroupController controller)
{
    return names[controller].first;
}

/* ---- which trees ---- */

static gboolean has_word(const char *text, const char *delimiters, const char *word)
{
    g_auto(GStrv) words = g_strsplit_set(text, delimiters, -1);

    return g_strv_contains((const char *const *)words, word);
}

static void take_tree(CgroupHost *host, CgroupController c, const char *mount, gboolean unified)
{
    if (host->tree[c])
        return;
    host->tree[c] = g_strdup(mount);
    host->unified[c] = unified;
}

static void take_unified(CgroupHost *host, const char *mount)
{
    g_autofree char *path = g_strconcat(mount, "/cgroup.controllers", NULL), *text = NULL;

    if (file_read_optional(path, VALUE_MAX, &text, NULL) <= 0) {
        virResetLastError();
        return;
    }
    for (guint c = 0; c < CGROUP_LAST; c++) {
        if (has_word(text, " \n", names[c].second))
            take_tree(host, c, mount, TRUE);
    }
}

CgroupHost *cgroup_host_parse(const char *mounts)
{
    CgroupHost *host = g_new0(CgroupHost, 1);
    g_auto(GStrv) lines = g_strsplit(mounts, "\n", -1);

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, " ", -1);

        if (g_strv_length(fields) < 4)
            continue;
        g_autofree char *mount = g_strcompress(fields[1]);   /* "\040" */

        if (strcmp(fields[2], "cgroup2") == 0)
            take_unified(host, mount);
        for (guint c = 0; strcmp(fields[2], "cgroup") == 0 && c < CGROUP_LAST; c++) {
            if (has_word(fields[3], ",", names[c].first))
                take_tree(host, c, mount, FALSE);
        }
    }
    return host;
}

CgroupHost *cgroup_host_read(void)
{
    g_autofree char *mounts = file_read("/proc/self/mounts", MOUNTS_MAX, NULL);

    return mounts ? cgroup_host_parse(mounts) : NULL;
}

void cgroup_host_free(CgroupHost *host)
{
    for (guint c = 0; host && c < CGROUP_LAST; c++)
        g_free(host->tree[c]);
    g_free(host);
}

char *cgroup_partition(const char *partition)
{
    g_auto(GStrv) parts = NULL;
    g_autoptr(GString) path = g_string_new(NULL);

    if (!partition || strcmp(partition, MACHINES) == 0)
        return g_strdup(MACHINES);
    parts = g_strsplit(partition, "/", PARTITION_MAX + 2);
    if (*partition != '/' || g_strv_length(parts) > PARTITION_MAX)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "partition '%s' is no absolute path of at most %d parts", partition, PARTITION_MAX);
    for (guint i = 1; parts[i]; i++) {
        gboolean known = i == 1 && (strcmp(parts[i], "machine") == 0 || strcmp(parts[i], "system") == 0 || strcmp(parts[i], "user") == 0);

        if (file_name_check("part of a partition", parts[i]) < 0)
            return NULL;
        g_string_append_printf(path, "/%s%s", parts[i], known || strchr(parts[i], '.') ? "" : ".partition");
    }
    return g_strdup(path->str);
}

/* ---- files ---- */

static char *path_of(const CgroupHost *host, CgroupController c, const char *path, const char *sub, const char *file)
{
    return g_strconcat(host->tree[c], path, sub ? "/" : "", sub ? sub : "", file ? "/" : "", file ? file : "", NULL);
}

static int check(const CgroupHost *host, CgroupController c)
{
    if (host->tree[c])
        return 0;
    return FAIL(VIR_ERR_OPERATION_INVALID, "cgroup controller '%s' is not mounted on this host", names[c].first);
}

int cgroup_set(const CgroupHost *host, CgroupController c, const char *path, const char *sub, const char *file, const char *fmt, ...)
{
    va_list args;

    if (check(host, c) < 0)
        return -1;
    va_start(args, fmt);
    g_autofree char *value = g_strdup_vprintf(fmt, args), *place = path_of(host, c, path, sub, file);
    va_end(args);
    if (host_write(place, value, 0) == 0)
        return 0;
    return errno == EINVAL || errno == ERANGE
        ? FAIL(VIR_ERR_INVALID_ARG, "the kernel doesn't take '%s' as value of '%s'", value, place)
        : FAIL_ERRNO(errno, "cannot write '%s' to '%s'", value, place);
}

gboolean cgroup_has(const CgroupHost *host, CgroupController c, const char *path, const char *file)
{
    g_autofree char *place = host->tree[c] ? path_of(host, c, path, NULL, file) : NULL;

    return place && access(place, F_OK) == 0;
}

/* ---- groups ---- */

/* A new group of CPUs and nodes is empty until it is told otherwise, and takes nobody before. */
static int inherit_cpuset(const char *parent, const char *group)
{
    static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *from = g_strdup_printf("%s/%s", parent, files[i]), *to = g_strdup_printf("%s/%s", group, files[i]);
        g_autofree char *have = file_read(to, VALUE_MAX, NULL), *value = have ? file_read(from, VALUE_MAX, NULL) : NULL;

        if (!value)
            return -1;
        if (*g_strstrip(have) == '\0' && host_write(to, g_strstrip(value), 0) < 0)
            return FAIL_ERRNO(errno, "cannot write '%s' to '%s'", value, to);
    }
    return 0;
}

/* @group in the folder @parent, which gives it the controller. */
static int make_group(const CgroupHost *host, CgroupController c, const char *parent, const char *group)
{
    if (host->unified[c]) {
        g_autofree char *control = g_strconcat(parent, "/cgroup.subtree_control", NULL), *word = g_strconcat("+", names[c].second, NULL);

        if (host_write(control, word, 0) < 0)
            return FAIL_ERRNO(errno, "cannot give controller '%s' to the groups in '%s'", names[c].second, parent);
    }
    if (mkdir(group, 0755) < 0 && errno != EEXIST)
        return FAIL_ERRNO(errno, "cannot make control group '%s'", group);
    return c == CGROUP_CPUSET && !host->unified[c] ? inherit_cpuset(parent, group) : 0;
}

/* All groups on the way down, of which only that for all machines is made. */
static int make_path(const CgroupHost *host, CgroupController c, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path + 1, "/", -1);
    g_autofree char *parent = g_strdup(host->tree[c]);

    for (guint i = 0; parts[i]; i++) {
        g_autofree char *group = g_strdup_printf("%s/%s", parent, parts[i]);
        gboolean ours = !parts[i + 1] || (i == 0 && strcmp(parts[i], MACHINES + 1) == 0);

        if (!ours && access(group, F_OK) < 0)
            return FAIL_ERRNO(errno, "the partition's control group '%s' isn't there ('mkdir %s' makes it)", group, group);
        if ((ours || host->unified[c]) && make_group(host, c, parent, group) < 0)
            return -1;
        g_free(parent);
        parent = g_steal_pointer(&group);
    }
    return 0;
}

static int add(const CgroupHost *host, CgroupController c, const char *path, const char *sub, const char *file, pid_t id)
{
    g_autofree char *place = path_of(host, c, path, sub, file), *text = g_strdup_printf("%d", (int)id);

    if (id <= 0 || host_write(place, text, 0) == 0 || errno == ESRCH)
        return 0;
    return FAIL_ERRNO(errno, "cannot put process %d into '%s'", (int)id, place);
}

/* Also if its threads are in groups below, in the one tree: these would be taken out. */
static gboolean is_member(const CgroupHost *host, CgroupController c, const char *path, pid_t pid)
{
    g_autofree char *place = path_of(host, c, path, NULL, "cgroup.procs"), *text = NULL, *word = g_strdup_printf("%d", (int)pid);
    size_t len;

    if (file_read_optional(place, VALUE_MAX, &text, &len) > 0)
        return has_word(text, "\n", word);
    virResetLastError();
    return FALSE;
}

int cgroup_enter(const CgroupHost *host, CgroupController c, const char *path, pid_t pid)
{
    if (check(host, c) < 0 || make_path(host, c, path) < 0)
        return -1;
    return pid > 0 && is_member(host, c, path, pid) ? 0 : add(host, c, path, NULL, "cgroup.procs", pid);
}

int cgroup_enter_thread(const CgroupHost *host, CgroupController c, const char *path, const char *sub, pid_t tid)
{
    g_autofree char *parent = NULL, *group = NULL, *type = NULL;

    if (check(host, c) < 0)
        return -1;
    parent = path_of(host, c, path, NULL, NULL);
    group = path_of(host, c, path, sub, NULL);
    if (host->unified[c]) {
        /* It must be one for threads before the controller may be given to it. */
        type = g_strconcat(group, "/cgroup.type", NULL);
        if (mkdir(group, 0755) < 0 && errno != EEXIST)
            return FAIL_ERRNO(errno, "cannot make control group '%s'", group);
        if (host_write(type, "threaded", 0) < 0)
            return FAIL_ERRNO(errno, "cannot make '%s' a control group of threads", group);
    }
    if (make_group(host, c, parent, group) < 0)
        return -1;
    return add(host, c, path, sub, host->unified[c] ? "cgroup.threads" : "tasks", tid);
}

static void remove_one(const char *path)
{
    if (rmdir(path) < 0 && errno != ENOENT)
        LOG_WARN("cannot remove control group '%s': %s", path, g_strerror(errno));
}

void cgroup_remove(const CgroupHost *host, const char *path)
{
    for (guint c = 0; c < CGROUP_LAST; c++) {
        g_autofree char *group = host->tree[c] ? path_of(host, c, path, NULL, NULL) : NULL;
        GDir *dir = group ? g_dir_open(group, 0, NULL) : NULL;

        for (const char *name; dir && (name = g_dir_read_name(dir));) {
            g_autofree char *sub = g_strdup_printf("%s/%s", group, name);

            if (g_file_test(sub, G_FILE_TEST_IS_DIR))
                remove_one(sub);
        }
        if (!dir)
            continue;
        g_dir_close(dir);
        remove_one(group);
    }
}
