/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernel's file "schemata" of a group has a line for each resource, "L3:0=fff;1=fff": a mask of the cache's equal pieces, or per
 * cent of bandwidth. Groups may share pieces, so that a piece is somebody's own is an agreement: who takes some holds the lock (flock)
 * on the tree's folder, as the kernel's manual asks of all programs, and takes what no group has, the one of everybody included.
 */
#define ERROR_DOMAIN VIR_FROM_RESCTRL
#define LOG_SOURCE "host.resctrl"
#include "core/host/resctrl.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libvirt/virterror.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "core/host/host.h"

#define TREE "/sys/fs/resctrl"
#define CPUS "/sys/devices/system/cpu"
#define TEXT_MAX 65536
#define GROUPS_MAX 4096
#define LOCK_MS 5000
#define LOCK_STEP_MS 10

static char *group_file(const char *group, const char *file)
{
    g_autofree char *inside = g_strconcat(TREE "/", group, "/", file, NULL);

    return host_place(inside);
}

/* ---- what the host has ---- */

/* A hexadecimal number in a file of the resource; 0 if it isn't there. */
static guint64 info_number(const char *resource, const char *file, guint base)
{
    g_autofree char *text = host_read(TEXT_MAX, TREE "/info/%s/%s", resource, file);

    return text ? g_ascii_strtoull(text, NULL, base) : 0;
}

static guint bits_of(guint64 mask)
{
    return (guint)__builtin_popcountll(mask);
}

/* KiB; 0 if no CPU has such a cache. */
static guint64 cache_size(guint level, guint id)
{
    g_autoptr(GArray) cpus = host_list_numbers(CPUS, "cpu");

    for (guint i = 0; i < cpus->len; i++) {
        guint cpu = g_array_index(cpus, guint, i);
        g_autofree char *folder = g_strdup_printf(CPUS "/cpu%u/cache", cpu);
        g_autoptr(GArray) indices = host_list_numbers(folder, "index");

        for (guint j = 0; j < indices->len; j++) {
            guint index = g_array_index(indices, guint, j);
            g_autofree char *type = host_read(TEXT_MAX, CPUS "/cpu%u/cache/index%u/type", cpu, index);
            g_autofree char *size = host_read(TEXT_MAX, CPUS "/cpu%u/cache/index%u/size", cpu, index);
            char *end = NULL;

            if (type && size && g_str_has_prefix(type, "Unified") && level == host_read_number(0, CPUS "/cpu%u/cache/index%u/level", cpu, index) &&
                id == host_read_number(-1, CPUS "/cpu%u/cache/index%u/id", cpu, index)) {
                guint64 kib = g_ascii_strtoull(size, &end, 10);

                return *end == 'M' ? kib * 1024 : kib;
            }
        }
    }
    return 0;
}

/* ---- schemata ---- */

/* The line of the resource in the text, after the colon; NULL if there is none. Caller frees. */
static char *line_of(const char *schemata, const char *resource)
{
    g_auto(GStrv) lines = g_strsplit(schemata ? schemata : "", "\n", -1);

    for (char **line = lines; *line; line++) {
        char *name = g_strstrip(*line);
        size_t len = strlen(resource);

        if (strncmp(name, resource, len) == 0 && name[len] == ':')
            return g_strdup(name + len + 1);
    }
    return NULL;
}

/* What the line gives of part @id. FALSE: it has no such part. */
static gboolean value_of(const char *line, guint id, guint base, guint64 *value)
{
    g_auto(GStrv) items = g_strsplit(line, ";", -1);

    for (char **item = items; *item; item++) {
        char *end;
        guint64 found = g_ascii_strtoull(*item, &end, 10);

        if (end == *item || *end != '=' || found != id)
            continue;
        *value = g_ascii_strtoull(end + 1, NULL, base);
        return TRUE;
    }
    return FALSE;
}

static char *read_schemata(const char *group)
{
    return host_read(TEXT_MAX, TREE "%s%s/schemata", *group ? "/" : "", group);
}

/* ---- checks ---- */

static int check_cache(const ResctrlPart *p)
{
    guint64 mask = info_number(p->resource, "cbm_mask", 16), least = info_number(p->resource, "min_cbm_bits", 10);
    guint64 size = cache_size(p->level, p->id), piece = mask ? size / bits_of(mask) : 0;

    if (!piece)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the host's kernel tells no size of cache %u of level %u", p->id, p->level);
    if (p->amount % piece || !p->amount)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%" G_GUINT64_FORMAT " KiB of cache %u of level %u can't be kept for a guest: the "
                    "processor divides it into pieces of %" G_GUINT64_FORMAT " KiB", p->amount, p->id, p->level, piece);
    if (p->amount / piece < least || p->amount > size)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%" G_GUINT64_FORMAT " KiB of cache %u of level %u can't be kept for a guest: it must be from "
                    "%" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " KiB", p->amount, p->id, p->level, least * piece, size);
    return 0;
}

static int check_bandwidth(const ResctrlPart *p)
{
    guint64 least = info_number("MB", "min_bandwidth", 10), step = info_number("MB", "bandwidth_gran", 10);

    if (p->amount < least || p->amount > 100 || (step && p->amount % step))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%" G_GUINT64_FORMAT " per cent of the memory bandwidth of node %u can't be kept for a guest: "
                    "it must be from %" G_GUINT64_FORMAT " to 100, in steps of %" G_GUINT64_FORMAT, p->amount, p->id, least, MAX(step, 1));
    return 0;
}

int resctrl_check(const ResctrlPart *parts, guint n)
{
    g_autofree char *schemata = read_schemata("");

    if (!schemata)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "parts of caches and memory bandwidth can't be kept for a guest: " TREE " is not mounted; "
                    "'mount -t resctrl resctrl " TREE "' does it where kernel and processor can");
    for (guint i = 0; i < n; i++) {
        g_autofree char *line = line_of(schemata, parts[i].resource);
        guint64 value;

        if (!line)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "this host can't keep parts of '%s' for a guest: " TREE "/schemata hasn't it", parts[i].resource);
        if (!value_of(line, parts[i].id, 16, &value))
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' of this host has no number %u; " TREE "/schemata has the numbers", parts[i].resource,
                        parts[i].id);
        if ((parts[i].level ? check_cache(&parts[i]) : check_bandwidth(&parts[i])) < 0)
            return -1;
    }
    return 0;
}

/* @name in the list of what the kernel counts. */
static gboolean counts(const char *features, const char *name)
{
    g_auto(GStrv) lines = g_strsplit(features, "\n", -1);

    for (char **line = lines; *line; line++) {
        if (g_str_equal(g_strstrip(*line), name))
            return TRUE;
    }
    return FALSE;
}

int resctrl_check_monitors(gboolean cache, gboolean bandwidth)
{
    const struct {
        const char *name, *what;
        gboolean needed;
    } features[] = {
        { "llc_occupancy", "how much of a cache threads use", cache }, { "mbm_total_bytes", "traffic with memory", bandwidth },
        { "mbm_local_bytes", "traffic with a processor's own memory", bandwidth },
    };
    g_autofree char *text = host_read(TEXT_MAX, TREE "/info/L3_MON/mon_features");

    for (guint i = 0; i < G_N_ELEMENTS(features); i++) {
        if (features[i].needed && !counts(text ? text : "", features[i].name))
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "this host can't tell %s: '%s' is not in " TREE "/info/L3_MON/mon_features, which lists what "
                        "kernel and processor can count", features[i].what, features[i].name);
    }
    return 0;
}

/* ---- groups ---- */

/* The tree's folder, locked; -1 with an error. flock() can't be given a deadline, so it is tried again. */
static int lock_tree(void)
{
    g_autofree char *tree = host_place(TREE);
    int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open '%s'", tree);
    for (guint waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
        int saved = errno;

        if ((saved == EWOULDBLOCK || saved == EINTR) && waited < LOCK_MS) {
            g_usleep(LOCK_STEP_MS * 1000);
            continue;
        }
        close(fd);
        return saved == EWOULDBLOCK ? FAIL(VIR_ERR_OPERATION_TIMEOUT, "another program keeps '%s' locked; 'fuser -v %s' shows it", tree, tree)
                                    : FAIL_ERRNO(saved, "cannot lock '%s'", tree);
    }
    return fd;
}

/* Each group's schemata, that of all others first. NULL with an error. */
static GPtrArray *read_all(void)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *tree = host_place(TREE);
    g_auto(GStrv) names = file_list_dir(tree, GROUPS_MAX);
    char *text = read_schemata("");

    if (!names || !text) {
        g_free(text);
        return names ? FAIL_NULL(VIR_ERR_OPERATION_FAILED, "'%s/schemata' can't be read", tree) : NULL;
    }
    g_ptr_array_add(all, text);
    for (char **name = names; *name; name++) {
        /* "info", "mon_groups" and files have none. */
        text = read_schemata(*name);
        if (text)
            g_ptr_array_add(all, text);
    }
    return g_steal_pointer(&all);
}

/* The lowest pieces side by side that nobody has; 0 with an error. */
static guint64 choose_pieces(const ResctrlPart *p, GPtrArray *all)
{
    guint64 mask = info_number(p->resource, "cbm_mask", 16), size = cache_size(p->level, p->id), used = 0;
    guint wanted = mask && size ? (guint)(p->amount / MAX(size / bits_of(mask), 1)) : 0;

    for (guint i = 0; i < all->len; i++) {
        g_autofree char *line = line_of(g_ptr_array_index(all, i), p->resource);
        guint64 value;

        if (line && value_of(line, p->id, 16, &value))
            used |= value;
    }
    for (guint at = 0; wanted && wanted < 64 && at + wanted <= 64; at++) {
        guint64 run = ((G_GUINT64_CONSTANT(1) << wanted) - 1) << at;

        if ((run & mask) == run && !(run & used))
            return run;
    }
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "no %" G_GUINT64_FORMAT " KiB side by side of cache %u of level %u are free; what "
                 "groups in " TREE " have, that of all others included, must be made smaller ('schemata' there)", p->amount, p->id, p->level);
    return 0;
}

/* The lines that differ from those of all others; NULL with an error. */
static char *make_schemata(const ResctrlPart *parts, guint n, GPtrArray *all)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(g_ptr_array_index(all, 0), "\n", -1);

    /* A new group has of caches what the kernel thinks best: say what it has of each. */
    for (char **line = lines; *line; line++) {
        if (*g_strstrip(*line))
            g_string_append_printf(text, "%s\n", *line);
    }
    for (guint i = 0; i < n; i++) {
        guint64 pieces = parts[i].level ? choose_pieces(&parts[i], all) : 0;

        if (parts[i].level && !pieces)
            return NULL;
        if (parts[i].level)
            g_string_append_printf(text, "%s:%u=%" G_GINT64_MODIFIER "x\n", parts[i].resource, parts[i].id, pieces);
        else
            g_string_append_printf(text, "%s:%u=%" G_GUINT64_FORMAT "\n", parts[i].resource, parts[i].id, parts[i].amount);
    }
    return g_strdup(text->str);
}

/* The kernel takes one line of each resource at a time. */
static int write_schemata(const char *group, const char *schemata)
{
    g_autofree char *path = group_file(group, "schemata");
    g_auto(GStrv) lines = g_strsplit(schemata, "\n", -1);

    for (char **line = lines; *line && **line; line++) {
        g_autofree char *text = g_strconcat(*line, "\n", NULL);

        if (host_write(path, text, O_APPEND) < 0)
            return errno == EINVAL ? FAIL(VIR_ERR_OPERATION_FAILED, "the kernel doesn't take '%s' in '%s'; " TREE "/info/last_cmd_status tells why",
                                          *line, path)
                                   : FAIL_ERRNO(errno, "cannot write '%s' to '%s'", *line, path);
    }
    return 0;
}

static int make_locked(const char *group, const ResctrlPart *parts, guint n)
{
    g_autofree char *path = group_file(group, ""), *schemata = NULL;
    g_autoptr(GPtrArray) all = NULL;

    if (access(path, F_OK) == 0)
        return 0;
    all = read_all();
    schemata = all ? make_schemata(parts, n, all) : NULL;
    if (!schemata)
        return -1;
    if (mkdir(path, 0755) < 0)
        return errno == ENOSPC ? FAIL(VIR_ERR_OPERATION_FAILED, "the processor has no more groups for parts of caches and bandwidth; those in " TREE
                                      " that nobody needs can be removed by rmdir")
                               : FAIL_ERRNO(errno, "cannot make the group '%s'", path);
    if (write_schemata(group, schemata) == 0)
        return 0;
    if (rmdir(path) < 0)
        LOG_WARN("cannot remove the group '%s': %s", path, g_strerror(errno));
    return -1;
}

int resctrl_make(const char *group, const ResctrlPart *parts, guint n)
{
    int fd, rc;

    if (file_name_check("group", group) < 0 || (fd = lock_tree()) < 0)
        return -1;
    rc = make_locked(group, parts, n);
    close(fd);
    return rc;
}

char *resctrl_monitor_group(const char *group, const char *id)
{
    return g_strconcat(group, "/mon_groups/", id, NULL);
}

int resctrl_make_monitor(const char *group, const char *id)
{
    g_autofree char *name = resctrl_monitor_group(group, id), *path = group_file(name, "");

    if (file_name_check("group", group) < 0 || file_name_check("group", id) < 0)
        return -1;
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    return errno == ENOSPC ? FAIL(VIR_ERR_OPERATION_FAILED, "the processor can observe no more groups than there are (" TREE "/info/L3_MON/num_rmids "
                                  "tells how many); those that nobody needs can be removed by rmdir")
                           : FAIL_ERRNO(errno, "cannot make the group '%s'", path);
}

int resctrl_enter(const char *group, pid_t tid)
{
    g_autofree char *path = group_file(group, "tasks"), *text = g_strdup_printf("%d\n", (int)tid);

    return host_write(path, text, O_APPEND) == 0 || errno == ESRCH ? 0 : FAIL_ERRNO(errno, "cannot put thread %d into '%s'", (int)tid, path);
}

void resctrl_remove(const char *prefix)
{
    g_autofree char *tree = host_place(TREE);
    g_auto(GStrv) names = file_list_dir(tree, GROUPS_MAX);

    if (!names)
        LOG_WARN("cannot look for groups '%s*' in '%s': %s", prefix, tree, error_message());
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = group_file(*name, "");

        if (g_str_has_prefix(*name, prefix) && rmdir(path) < 0 && errno != ENOENT)
            LOG_WARN("cannot remove the group '%s': %s", path, g_strerror(errno));
    }
}

/* ---- what is used ---- */

/* -1: the kernel has no value now ("Unavailable", "Error"). */
static gint64 read_count(const char *group, guint id, const char *file)
{
    return host_read_number(-1, TREE "/%s/mon_data/mon_L3_%02u/%s", group, id, file);
}

GArray *resctrl_usage(const char *group)
{
    g_autofree char *folder = g_strconcat(TREE "/", group, "/mon_data", NULL);
    g_autoptr(GArray) ids = host_list_numbers(folder, "mon_L3_");
    GArray *usage = g_array_sized_new(FALSE, FALSE, sizeof(ResctrlUsage), ids->len);

    for (guint i = 0; i < ids->len; i++) {
        guint id = g_array_index(ids, guint, i);
        ResctrlUsage one = { id, read_count(group, id, "llc_occupancy"), read_count(group, id, "mbm_local_bytes"),
                             read_count(group, id, "mbm_total_bytes") };

        g_array_append_val(usage, one);
    }
    return usage;
}
