/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "fs" and "netfs": a file system of a device or server, mounted when the pool starts.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/storage/device.h"
#include "drivers/storage/exports.h"
#include "drivers/storage/file_vol.h"
#include "drivers/storage/folder.h"
#include "drivers/storage/program.h"
#include "drivers/storage/storage_driver.h"
#include "drivers/storage/tool.h"

#define MOUNTS "/proc/self/mountinfo"
#define MAX_MOUNTS ((size_t) 16 << 20)
/* Images hold no programs and devices of this host. */
#define SAFE_OPTIONS "nodev,nosuid,noexec"
/* Ends the mount of a dead server, who has what is open there: a person's decision. */
#define FORCED_UMOUNT "umount -f -l"
/* A quiet program may write a whole device. */
#define FORMAT_MS 600000

/* ---- what is mounted where ---- */

/* The kernel writes blanks and backslashes in octal. */
static char *unescape(const char *word)
{
    return g_strcompress(word);
}

/* Source and device number of what is mounted last on @path. 1; 0 if nothing is; -1 with an error. */
static int mounted_source(const char *path, char **source, dev_t *device)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    int rc = 0;
    *source = NULL;
    if (!(text = file_read(MOUNTS, MAX_MOUNTS, NULL)))
        return -1;
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        unsigned int major, minor;
        const char *tail = strstr(*line, " - ");
        g_auto(GStrv) words = g_strsplit(*line, " ", -1), more = tail ? g_strsplit(tail + 3, " ", -1) : NULL;
        if (g_strv_length(words) < 5 || !more || g_strv_length(more) < 2 || sscanf(words[2], "%u:%u", &major, &minor) != 2)
            continue;
        g_autofree char *where = unescape(words[4]);
        if (strcmp(where, path) != 0)
            continue;
        g_free(*source);
        *source = unescape(more[1]);
        *device = makedev(major, minor);
        rc = 1;
    }
    return rc;
}

/* Whether @source (a device) is the loop device of the file @path. */
static gboolean is_loop_of(const char *source, const char *path)
{
    g_autofree char *real = realpath(path, NULL), *name = g_path_get_basename(source), *backing = NULL;
    g_autofree char *file = g_strdup_printf("/sys/block/%s/loop/backing_file", name);
    if (file_read_optional(file, 8192, &backing, NULL) <= 0) {
        virResetLastError();
        return FALSE;
    }
    return real && strcmp(g_strchomp(backing), real) == 0;
}

static gboolean same_source(const StoragePoolDef *def, const char *wanted, const char *source, dev_t device)
{
    struct stat info;
    if (strcmp(wanted, source) == 0)
        return TRUE;
    if (def->type == STORAGE_POOL_TYPE_NETFS) {
        size_t len = strlen(wanted); /* the kernel drops a last slash */
        return len > 1 && wanted[len - 1] == '/' && strncmp(wanted, source, len - 1) == 0 && !source[len - 1];
    }
    if (stat(wanted, &info) < 0)
        return FALSE;
    if (S_ISREG(info.st_mode))
        return is_loop_of(source, wanted);
    if (info.st_rdev == device)
        return TRUE;
    dev_t disk = info.st_rdev; /* btrfs has numbers of its own */
    return stat(source, &info) == 0 && S_ISBLK(info.st_mode) && info.st_rdev == disk;
}

/* ---- what to mount ---- */

/* No word that a program could take for something else. */
static int check_word(const StoragePoolDef *def, const char *what, const char *word)
{
    gboolean fine = *word && *word != '-';
    for (const char *c = word; *c; c++)
        fine = fine && !g_ascii_iscntrl(*c);
    g_autofree char *shown = fine ? NULL : g_strescape(word, NULL);
    return fine ? 0 : FAIL(VIR_ERR_XML_ERROR, "pool.%s: '%s' of pool '%s' can't be given to mount", what, shown, def->name);
}

/* The first argument of mount; the caller frees. NULL with an error. */
static char *source_of(const StoragePoolDef *def)
{
    const StoragePoolSource *source = &def->source;
    if (def->type == STORAGE_POOL_TYPE_FS) {
        if (source->n_devices != 1)
            return FAIL_NULL(VIR_ERR_XML_ERROR, "pool.source.device: pool '%s' is on one device, not on %u", def->name, source->n_devices);
        return device_check_path(source->devices[0]->path) < 0 ? NULL : g_strdup(source->devices[0]->path);
    }
    if (source->n_hosts != 1)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "pool.source.host: pool '%s' is mounted from one server, not from %u", def->name, source->n_hosts);
    const char *host = source->hosts[0]->name, *folder = source->dir;
    if (check_word(def, "source.host", host) < 0 || check_word(def, "source.dir", folder) < 0)
        return NULL;
    if (strchr(host, '/'))
        return FAIL_NULL(VIR_ERR_XML_ERROR, "pool.source.host: '%s' is no name of a server", host);
    const char *open = strchr(host, ':') && *host != '[' ? "[" : "", *close = *open ? "]" : "";
    if (source->format == STORAGE_POOL_FORMAT_CIFS)
        return g_strdup_printf("//%s%s%s/%s", open, host, close, folder + strspn(folder, "/"));
    if (source->format == STORAGE_POOL_FORMAT_GLUSTERFS)
        return g_strdup_printf("%s%s%s:%s", open, host, close, folder + strspn(folder, "/"));
    if (*folder != '/')
        return FAIL_NULL(VIR_ERR_XML_ERROR, "pool.source.dir: '%s' of pool '%s' is no absolute path", folder, def->name);
    return g_strdup_printf("%s%s%s:%s", open, host, close, folder);
}

/* What mount calls the format; NULL: it finds out. */
static const char *mount_type(const StoragePoolDef *def)
{
    switch (def->source.format) {
    case STORAGE_POOL_FORMAT_AUTO:
        return def->type == STORAGE_POOL_TYPE_NETFS ? "nfs" : NULL;
    case STORAGE_POOL_FORMAT_HFS_:
        return "hfsplus";
    default:
        return storage_pool_format_to_string(def->source.format);
    }
}

static char *mount_options(const StoragePoolDef *def)
{
    g_autoptr(GString) options = g_string_new(SAFE_OPTIONS);
    if (def->source.protocol_version)
        g_string_append_printf(options, ",nfsvers=%u", def->source.protocol_version);
    if (def->source.format == STORAGE_POOL_FORMAT_CIFS) /* locks of such servers keep QEMU itself from writing what it has locked */
        g_string_append(options, ",guest,nobrl");
    for (guint i = 0; i < def->n_mount_options; i++) {
        if (check_word(def, "mount_opts", def->mount_options[i]->name) < 0)
            return NULL;
        g_string_append_printf(options, ",%s", def->mount_options[i]->name);
    }
    return g_string_free(g_steal_pointer(&options), FALSE);
}

/* ---- the pool's life ---- */

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    g_autofree char *wanted = source_of(def), *options = wanted ? mount_options(def) : NULL, *source = NULL;
    dev_t device = 0;
    if (!options || check_word(def, "target.path", def->target.path) < 0 || folder_check(def) < 0)
        return -1;
    int there = mounted_source(def->target.path, &source, &device);
    if (there < 0)
        return -1;
    if (there && !same_source(def, wanted, source, device))
        return FAIL(VIR_ERR_OPERATION_INVALID, "'%s' is mounted on '%s', where pool '%s' would mount '%s': 'umount %s' makes room", source,
                    def->target.path, def->name, wanted, def->target.path);
    const char *type = mount_type(def);
    const char *argv[10] = { "mount" };
    guint n = 1;
    if (type) {
        argv[n++] = "-t";
        argv[n++] = type;
    }
    argv[n++] = "-o";
    argv[n++] = options;
    argv[n++] = wanted;
    argv[n++] = def->target.path;
    if (!there && tool_run(argv, TOOL_MS) < 0) {
        error_context("cannot mount '%s' for pool '%s'", wanted, def->name);
        return -1;
    }
    folder_sweep(def);
    return 0;
}

static int pool_stop(StoragePool *pool, const StoragePoolDef *def)
{
    g_autofree char *wanted = source_of(def), *source = NULL;
    dev_t device = 0;
    int there = wanted ? mounted_source(def->target.path, &source, &device) : -1;
    if (there <= 0 || !same_source(def, wanted, source, device))
        return MIN(there, 0);
    if (tool_run(TOOL("umount", def->target.path), TOOL_MS) == 0)
        return 0;
    if (def->type == STORAGE_POOL_TYPE_NETFS)
        error_context("pool '%s' is still mounted ('fuser -vm %s' shows who uses it; if its server is dead, '" FORCED_UMOUNT " %s' takes it "
                      "away)", def->name, def->target.path, def->target.path);
    else
        error_context("pool '%s' is still mounted ('fuser -vm %s' shows who uses it)", def->name, def->target.path);
    return -1;
}

/* How a file system is made without questions. */
static const struct {
    StoragePoolFormat format;
    const char *words[4];
} makers[] = {
    { STORAGE_POOL_FORMAT_EXT2, { "mkfs.ext2", "-F", "-q" } },
    { STORAGE_POOL_FORMAT_EXT3, { "mkfs.ext3", "-F", "-q" } },
    { STORAGE_POOL_FORMAT_EXT4, { "mkfs.ext4", "-F", "-q" } },
    { STORAGE_POOL_FORMAT_XFS, { "mkfs.xfs", "-f", "-q" } },
    { STORAGE_POOL_FORMAT_VFAT, { "mkfs.vfat", "-I" } },
    { STORAGE_POOL_FORMAT_UDF, { "mkudffs" } },
    { STORAGE_POOL_FORMAT_HFS_, { "mkfs.hfsplus" } },
    { STORAGE_POOL_FORMAT_OCFS2, { "mkfs.ocfs2", "-x", "-F" } },
    { STORAGE_POOL_FORMAT_GFS2, { "mkfs.gfs2", "-O" } },
};

static int make_file_system(const StoragePoolDef *def, const char *path)
{
    const char *argv[8] = { NULL };
    for (guint i = 0; i < G_N_ELEMENTS(makers); i++) {
        if (makers[i].format != def->source.format)
            continue;
        guint n = 0;
        for (; makers[i].words[n]; n++)
            argv[n] = makers[i].words[n];
        argv[n] = path;
    }
    if (!argv[0])
        return FAIL(VIR_ERR_OPERATION_INVALID, "pool '%s': file systems of format '%s' can't be made; give <format type='ext4'/> or another one",
                    def->name, storage_pool_format_to_string(def->source.format));
    if (program_run(argv, NULL, 0, FORMAT_MS, NULL, NULL) == 0)
        return 0;
    error_context("cannot make the file system of pool '%s'", def->name);
    return -1;
}

static int fs_build(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    g_autofree char *path = source_of(def);
    if (!path || folder_build(def) < 0)
        return -1;
    if (!flags)
        return 0;
    return device_may_format(def, path, "file system", flags) < 0 ? -1 : make_file_system(def, path);
}

static int netfs_build(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    return folder_build(def);
}

static int pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    return folder_delete(def);
}

const StorageBackend storage_fs_backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    FILE_VOL_FUNCTIONS,
    .pool_build = fs_build,
    .pool_start = pool_start,
    .pool_refresh = folder_refresh,
    .pool_stop = pool_stop,
    .pool_delete = pool_delete,
};

const StorageBackend storage_netfs_backend = {
    FILE_VOL_FUNCTIONS,
    .pool_build = netfs_build,
    .find_sources = exports_find,
    .pool_start = pool_start,
    .pool_refresh = folder_refresh,
    .pool_stop = pool_stop,
    .stop_by_hand = FORCED_UMOUNT,
    .pool_delete = pool_delete,
};
