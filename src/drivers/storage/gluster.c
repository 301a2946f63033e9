/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "gluster": a folder of a Gluster volume, whose files and folders are volumes. A module of its own, since libgfapi may be
 * missing.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.gluster"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glusterfs/api/glfs-handles.h>
#include <glusterfs/api/glfs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "drivers/storage/exports.h"
#include "drivers/storage/remote.h"
#include "storage/content.h"
#include "storage/image_head.h"
#include "storage/file_name.h"
#include "storage/vol_look.h"

/* Seconds after which the library asks a silent server whether it is there, and after which it gives it up then. */
#define PING_SECONDS "12"
#define PORT 24007
/* What a server is asked to do at once. */
#define STRETCH ((guint64) 64 << 20)
#define CHUNK ((gsize) 1 << 20)
/* Images' sizes are multiples of it. */
#define BLOCK 4096
#define MAX_VOLUMES 1000000
#define VOLUME_MODE 0600
#define FOLDER_MODE 0711

typedef struct Gluster {
    StorageConnection base;
    glfs_t *fs;
    char *folder;           /* the pool's, in the Gluster volume: "/", "/a/b" */
} Gluster;

/* A file or folder that was looked up. */
typedef glfs_object_t Entry;

static void entry_close(Entry *object)
{
    glfs_h_close(object);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Entry, entry_close)

/* libgfapi leaves its errors in errno. */
#define GLUSTER_FAIL(...) FAIL_ERRNO(note_silence(errno), __VA_ARGS__)

static int note_silence(int error)
{
    if (error == ENOTCONN || error == ETIMEDOUT)
        storage_silent();
    return error ? error : EIO;
}

/* ---- the connection ---- */

/* May wait for a server that is dead. */
static void *end_session(void *fs)
{
    glfs_fini(fs);
    return NULL;
}

static void gluster_end(StorageConnection *connection)
{
    Gluster *gluster = (Gluster *) connection;
    if (gluster->fs)
        g_thread_unref(g_thread_new("gluster-end", end_session, gluster->fs));
    g_free(gluster->folder);
    g_free(gluster);
}

static void gluster_unref(Gluster *gluster) { storage_connection_unref((StorageConnection *) gluster); }
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Gluster, gluster_unref)

/* A reference to the pool's connection; NULL with an error. */
static Gluster *gluster_of(StoragePool *pool) { return (Gluster *) storage_pool_connection(pool); }

/* The pool's folder without slashes around it, "" for all of the Gluster volume; the caller frees. */
static char *inner_folder(const StoragePoolDef *def)
{
    char *folder = g_strdup(def->source.dir ? def->source.dir + strspn(def->source.dir, "/") : "");
    for (size_t len = strlen(folder); len && folder[len - 1] == '/';)
        folder[--len] = '\0';
    return folder;
}

static int configure(glfs_t *fs, const StoragePoolDef *def)
{
    int rc = glfs_set_logging(fs, "/dev/null", 0);
    if (rc == 0)
        rc = glfs_set_xlator_option(fs, "*-client-*", "ping-timeout", PING_SECONDS);
    for (guint i = 0; rc == 0 && i < def->source.n_hosts; i++)
        rc = glfs_set_volfile_server(fs, "tcp", def->source.hosts[i]->name, (int) def->source.hosts[i]->port);
    return rc == 0 ? 0 : GLUSTER_FAIL("cannot make a client of Gluster for pool '%s'", def->name);
}

/* The pool's folder, which the caller closes; NULL with an error. What was looked up before may be found without a server. */
static Entry *open_folder(const Gluster *gluster)
{
    struct stat info;
    g_autoptr(Entry) folder = glfs_h_lookupat(gluster->fs, NULL, gluster->folder, &info, 1);
    if (folder && glfs_h_stat(gluster->fs, folder, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return g_steal_pointer(&folder);
        errno = ENOTDIR;
    }
    error_report_errno(ERROR_DOMAIN, note_silence(errno), "cannot open directory '%s' of the Gluster volume", gluster->folder);
    return NULL;
}

static int connect_volume(Gluster *gluster, const StoragePoolDef *def)
{
    const StoragePoolSource *source = &def->source;
    if (!*source->name || strchr(source->name, '/'))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "pool.source.name: '%s' is no name of a Gluster volume; a directory in it stands in <dir path='…'/>",
                    source->name);
    if (!(gluster->fs = glfs_new(source->name)))
        return GLUSTER_FAIL("cannot make a client of Gluster for pool '%s'", def->name);
    if (configure(gluster->fs, def) < 0)
        return -1;
    if (glfs_init(gluster->fs) < 0)
        return errno == ENOENT ? FAIL(VIR_ERR_OPERATION_FAILED, "pool '%s': server '%s' has no volume '%s' that is started ('gluster volume info' "
                                      "there lists them)", def->name, source->hosts[0]->name, source->name)
            : GLUSTER_FAIL("pool '%s': server '%s' is not responding, or refuses us", def->name, source->hosts[0]->name);
    g_autoptr(Entry) folder = open_folder(gluster);
    return folder ? 0 : -1;
}

/* ---- the pool ---- */

/* What was left half made by a killed daemon of this host. */
static void sweep(const Gluster *gluster, const StoragePoolDef *def)
{
    g_autoptr(Entry) folder = open_folder(gluster);
    glfs_fd_t *dir = folder ? glfs_h_opendir(gluster->fs, folder) : NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    struct dirent entry, *found = NULL;
    while (dir && names->len < MAX_VOLUMES && glfs_readdir_r(dir, &entry, &found) == 0 && found) {
        if (file_name_is_left(found->d_name))
            g_ptr_array_add(names, g_strdup(found->d_name));
    }
    if (dir)
        glfs_closedir(dir);
    for (guint i = 0; i < names->len; i++) {
        if (glfs_h_unlink(gluster->fs, folder, names->pdata[i]) == 0)
            LOG_INFO("pool '%s': removed '%s', which was not finished", def->name, (const char *) names->pdata[i]);
    }
    virResetLastError();
}

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    g_autoptr(Gluster) gluster = g_new0(Gluster, 1);
    g_autofree char *inner = inner_folder(def);
    gluster->base = (StorageConnection) { 1, gluster_end };
    gluster->folder = g_strdup_printf("/%s", inner);
    if (connect_volume(gluster, def) < 0)
        return -1;
    sweep(gluster, def);
    storage_pool_set_connection(pool, &g_steal_pointer(&gluster)->base);
    return 0;
}

static int pool_stop(StoragePool *pool, const StoragePoolDef *def)
{
    storage_pool_set_connection(pool, NULL);
    return 0;
}

static int pool_sizes(StoragePool *pool, const Gluster *gluster, const StoragePoolDef *def)
{
    struct statvfs fs;
    if (glfs_statvfs(gluster->fs, gluster->folder, &fs) < 0)
        return GLUSTER_FAIL("cannot tell how much room pool '%s' has", def->name);
    guint64 capacity = (guint64) fs.f_blocks * fs.f_frsize, available = (guint64) fs.f_bfree * fs.f_frsize;
    storage_pool_set_sizes(pool, capacity, capacity - MIN(capacity, available), available);
    return 0;
}

/* The path of a volume; the caller frees. */
static char *path_of(const StoragePoolDef *def, const char *name)
{
    const StoragePoolHost *host = def->source.hosts[0];
    g_autofree char *inner = inner_folder(def), *inside = g_strdup_printf("%s/%s%s%s", def->source.name, inner, *inner ? "/" : "", name);
    g_autofree char *escaped = g_uri_escape_string(inside, G_URI_RESERVED_CHARS_ALLOWED_IN_PATH, FALSE);
    g_autofree char *port = host->port ? g_strdup_printf(":%u", host->port) : g_strdup("");
    gboolean bare6 = strchr(host->name, ':') && *host->name != '[';
    return g_strdup_printf("gluster://%s%s%s%s/%s", bare6 ? "[" : "", host->name, bare6 ? "]" : "", port, escaped);
}

static int scan_names(glfs_fd_t *dir, const StoragePoolDef *def, StorageScan *scan)
{
    struct dirent entry, *found = NULL;
    struct stat info;
    int rc;
    guint n = 0;
    while ((rc = glfs_readdirplus_r(dir, &info, &entry, &found)) == 0 && found) {
        if ((!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) || !file_name_may_be_volume(found->d_name))
            continue;
        if (++n > MAX_VOLUMES)
            return FAIL(VIR_ERR_OPERATION_FAILED, "pool '%s' has more than %d volumes", def->name, MAX_VOLUMES);
        g_autofree char *path = path_of(def, found->d_name);
        storage_scan_add_name(scan, found->d_name, path, path);
        if (n % 1000 == 0)
            storage_answered();
    }
    return rc == 0 ? 0 : GLUSTER_FAIL("cannot list the files of pool '%s'", def->name);
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    g_autoptr(Gluster) gluster = gluster_of(pool);
    g_autoptr(Entry) folder = gluster ? open_folder(gluster) : NULL;
    if (!folder)
        return -1;
    glfs_fd_t *dir = glfs_h_opendir(gluster->fs, folder);
    if (!dir)
        return GLUSTER_FAIL("cannot open directory '%s' of the Gluster volume", gluster->folder);
    int rc = scan_names(dir, def, scan);
    glfs_closedir(dir);
    return rc < 0 ? -1 : pool_sizes(pool, gluster, def);
}

/* ---- looking at volumes ---- */

/* A volume by its name; what is a link is none. NULL with an error. */
static Entry *look_up(const Gluster *gluster, const char *name, struct stat *info)
{
    g_autoptr(Entry) folder = open_folder(gluster);
    if (!folder)
        return NULL;
    g_autoptr(Entry) object = glfs_h_lookupat(gluster->fs, folder, name, info, 0);
    if (!object || glfs_h_stat(gluster->fs, object, info) < 0) {
        error_report_errno(ERROR_DOMAIN, note_silence(errno), "cannot open volume '%s'", name);
        return NULL;
    }
    return S_ISREG(info->st_mode) || S_ISDIR(info->st_mode) ? g_steal_pointer(&object)
        : FAIL_NULL(VIR_ERR_OPERATION_INVALID, "volume '%s' is neither a file nor a directory", name);
}

static StorageStamp stamp_of(const struct stat *info)
{
    return (StorageStamp) { { info->st_ino, (guint64) info->st_size, (guint64) info->st_mtim.tv_sec << 30 ^ (guint64) info->st_mtim.tv_nsec,
                              (guint64) info->st_ctim.tv_sec << 30 ^ (guint64) info->st_ctim.tv_nsec, (guint64) info->st_blocks, 1 } };
}

static void set_outside(StorageVolDef *def, const struct stat *info)
{
    const gboolean is_folder = S_ISDIR(info->st_mode);
    StoragePermissions *rights = def->target.permissions ?: (def->target.permissions = xml_struct_new(&STORAGE_PERMISSIONS_DESC));
    rights->has_mode = rights->has_owner = rights->has_group = true;
    rights->mode = info->st_mode & 07777;
    rights->owner = info->st_uid;
    rights->group = info->st_gid;
    def->type = is_folder ? STORAGE_VOL_TYPE_NETDIR : STORAGE_VOL_TYPE_NETWORK;
    def->target.format = is_folder ? STORAGE_VOL_FORMAT_DIR : STORAGE_VOL_FORMAT_RAW;
    def->capacity = def->physical = is_folder ? 0 : (guint64) info->st_size;
    def->allocation = is_folder ? 0 : (guint64) info->st_blocks * 512;
    def->has_capacity = def->has_allocation = true;
    def->has_physical = !is_folder;
}

static int look_inside(const Gluster *gluster, Entry *object, StorageVolDef *def, guint64 size)
{
    g_autofree guint8 *bytes = g_malloc(IMAGE_HEAD_BYTES);
    glfs_fd_t *fd = glfs_h_open(gluster->fs, object, O_RDONLY);
    ssize_t n = fd ? glfs_pread(fd, bytes, IMAGE_HEAD_BYTES, 0, 0, NULL) : -1;
    int saved = errno;
    if (fd)
        glfs_close(fd);
    if (n < 0)
        return FAIL_ERRNO(note_silence(saved), "cannot look into volume '%s'", def->name);
    vol_look_inside(def, bytes, (gsize) n, size);
    return 0;
}

static int vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp)
{
    struct stat info;
    g_autoptr(Gluster) gluster = gluster_of(pool);
    g_autoptr(Entry) object = gluster ? look_up(gluster, storage_vol_name(vol), &info) : NULL;
    if (!object)
        return -1;
    StorageStamp now = stamp_of(&info);
    if (memcmp(&now, stamp, sizeof(now)) == 0)
        return 1;
    set_outside(def, &info);
    vol_forget_inside(def);
    if (S_ISREG(info.st_mode) && look_inside(gluster, object, def, (guint64) info.st_size) < 0)
        return -1;
    *stamp = now;
    return 0;
}

/* ---- content ---- */

typedef struct GlusterContent {
    StorageContent base;
    Gluster *gluster;       /* reference */
    glfs_fd_t *fd;
    gboolean may_write, is_image;   /* @is_image: which is being made */
    char *name;             /* of the file */
    StoragePoolDef *pool;   /* owned */
} GlusterContent;

static gssize gluster_read(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    GlusterContent *self = (GlusterContent *) content;
    ssize_t got = glfs_pread(self->fd, buffer, MIN(n, CHUNK), (off_t) at, 0, NULL);
    return got < 0 ? GLUSTER_FAIL("cannot read volume '%s'", self->name) : got;
}

static gssize gluster_write(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    GlusterContent *self = (GlusterContent *) content;
    ssize_t put = at > G_MAXINT64 ? (errno = EFBIG, -1) : glfs_pwrite(self->fd, buffer, MIN(n, CHUNK), (off_t) at, 0, NULL, NULL);
    return put > 0 ? put : GLUSTER_FAIL("cannot write volume '%s'", self->name);
}

/* Servers whose file systems have no holes make zeros, or are sent some. */
static int zero_part(GlusterContent *self, guint64 at, guint64 end)
{
    if (glfs_discard(self->fd, (off_t) at, (size_t) (end - at)) == 0 || glfs_zerofill(self->fd, (off_t) at, (off_t) (end - at)) == 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return GLUSTER_FAIL("cannot make a hole in volume '%s'", self->name);
    g_autofree char *zeros = g_malloc0(CHUNK);
    while (at < end) {
        gssize put = gluster_write(&self->base, at, zeros, (gsize) MIN(end - at, CHUNK));
        if (put < 0)
            return -1;
        at += (guint64) put;
        storage_answered();
    }
    return 0;
}

/* What was there goes; the file ends behind the hole if it ended before. */
static int gluster_zero(StorageContent *content, guint64 at, guint64 length)
{
    GlusterContent *self = (GlusterContent *) content;
    struct stat info;
    const guint64 end = at + length;
    if (end > G_MAXINT64)
        return FAIL_ERRNO(EFBIG, "cannot make a hole in volume '%s'", self->name);
    int rc = glfs_fstat(self->fd, &info);
    if (rc == 0 && end > (guint64) info.st_size)
        rc = glfs_ftruncate(self->fd, (off_t) end, NULL, NULL);
    if (rc < 0)
        return GLUSTER_FAIL("cannot make a hole in volume '%s'", self->name);
    for (; at < end; at += MIN(end - at, STRETCH)) {
        if (zero_part(self, at, at + MIN(end - at, STRETCH)) < 0)
            return -1;
        storage_answered();
    }
    return 0;
}

/* One that is being made, or was uploaded and does not mind what stands behind it. */
static gboolean is_image(const GlusterContent *self, guint64 size)
{
    g_auto(ImageHead) head = { 0 };
    g_autofree guint8 *bytes = g_malloc(IMAGE_HEAD_BYTES);
    ssize_t n = self->is_image ? 0 : glfs_pread(self->fd, bytes, IMAGE_HEAD_BYTES, 0, 0, NULL);
    image_head_read(&head, bytes, (gsize) MAX(n, 0), size);
    return self->is_image || head.format == STORAGE_VOL_FORMAT_QCOW2;
}

/* QEMU reads whole blocks of an image in Gluster, and takes a shorter one at its end for an error. */
static int gluster_flush(StorageContent *content)
{
    GlusterContent *self = (GlusterContent *) content;
    struct stat info;
    if (self->may_write) {
        int rc = glfs_fstat(self->fd, &info);
        if (rc == 0 && info.st_size % BLOCK && is_image(self, (guint64) info.st_size))
            rc = glfs_ftruncate(self->fd, info.st_size - info.st_size % BLOCK + BLOCK, NULL, NULL);
        if (rc < 0)
            return GLUSTER_FAIL("cannot round up the size of volume '%s'", self->name);
    }
    return glfs_fsync(self->fd, NULL, NULL) == 0 ? 0 : GLUSTER_FAIL("cannot bring volume '%s' onto the disk", self->name);
}

static int gluster_discard(StorageContent *content)
{
    GlusterContent *self = (GlusterContent *) content;
    struct stat info;
    if (glfs_fstat(self->fd, &info) < 0)
        return GLUSTER_FAIL("cannot look at volume '%s'", self->name);
    const guint64 size = (guint64) info.st_size;
    for (guint64 at = 0; at < size; at += STRETCH) {
        if (glfs_discard(self->fd, (off_t) at, (size_t) MIN(size - at, STRETCH)) < 0)
            return GLUSTER_FAIL("cannot give back what volume '%s' takes", self->name);
        if (storage_progress(at, size) < 0)
            return -1;
    }
    return gluster_flush(content);
}

/* Volumes whose servers don't know holes are data throughout. */
static int gluster_extent(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data)
{
    GlusterContent *self = (GlusterContent *) content;
    struct stat info;
    if (glfs_fstat(self->fd, &info) < 0)
        return GLUSTER_FAIL("cannot look at volume '%s'", self->name);
    *length = MIN(*length, (guint64) info.st_size > at ? (guint64) info.st_size - at : 0);
    if (!*length)
        return 0;
    off_t data = glfs_lseek(self->fd, (off_t) at, SEEK_DATA);
    if (data < 0 && errno == ENOTCONN)
        return GLUSTER_FAIL("cannot ask which parts of volume '%s' hold data", self->name);
    if (data < 0 && errno != ENXIO)
        return 0;
    *is_data = data >= 0 && (guint64) data == at;
    off_t next = *is_data ? glfs_lseek(self->fd, (off_t) at, SEEK_HOLE) : data;
    if (next > 0 && (guint64) next > at)
        *length = MIN(*length, (guint64) next - at);
    return 0;
}

/* Who opens it by itself finds what was written so far. */
static char *gluster_describe(StorageContent *content, const char *key, guint8 **secret, gsize *secret_size)
{
    GlusterContent *self = (GlusterContent *) content;
    const StoragePoolSource *source = &self->pool->source;
    if (gluster_flush(content) < 0)
        return NULL;
    json_object *servers = json_object_new_array();
    for (guint i = 0; i < source->n_hosts; i++) {
        g_autofree char *port = g_strdup_printf("%u", source->hosts[i]->port ? source->hosts[i]->port : PORT);
        json_object_array_add(servers, json_make(JSON_STR("type", "inet"), JSON_STR("host", source->hosts[i]->name), JSON_STR("port", port)));
    }
    g_autofree char *inner = inner_folder(self->pool), *path = g_strdup_printf("%s%s%s", inner, *inner ? "/" : "", self->name);
    g_autoptr(json_object) node = json_make(JSON_STR("driver", "gluster"), JSON_STR("volume", source->name), JSON_STR("path", path),
                                            JSON_VALUE("server", servers));
    return g_strdup(json_text(node));
}

static void gluster_close(StorageContent *content)
{
    GlusterContent *self = (GlusterContent *) content;
    if (self->fd)
        glfs_close(self->fd);
    gluster_unref(self->gluster);
    xml_struct_free(&STORAGE_POOL_DEF_DESC, self->pool);
    g_free(self->name);
}

static const StorageContentOps gluster_content_ops = {
    .read = gluster_read, .write = gluster_write, .zero = gluster_zero, .discard = gluster_discard, .extent = gluster_extent,
    .flush = gluster_flush, .describe = gluster_describe, .close = gluster_close,
};

/* Of the file @object, whose name is @name. NULL with an error. */
static StorageContent *content_of(Gluster *gluster, Entry *object, const StoragePoolDef *def, const char *name, gboolean write, guint64 size)
{
    glfs_fd_t *fd = glfs_h_open(gluster->fs, object, write ? O_RDWR : O_RDONLY);
    if (!fd)
        return FAIL_ERRNO_NULL(note_silence(errno), "cannot open volume '%s'", name);
    GlusterContent *self = CONTENT_NEW(GlusterContent, &gluster_content_ops, write ? G_MAXUINT64 : size);
    self->gluster = (Gluster *) storage_connection_ref(&gluster->base);
    self->fd = fd;
    self->may_write = write;
    self->name = g_strdup(name);
    self->pool = xml_struct_copy(&STORAGE_POOL_DEF_DESC, def);
    return &self->base;
}

static StorageContent *vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write)
{
    struct stat info;
    g_autoptr(Gluster) gluster = gluster_of(pool);
    g_autoptr(Entry) object = gluster ? look_up(gluster, storage_vol_name(vol), &info) : NULL;
    if (!object)
        return NULL;
    if (!S_ISREG(info.st_mode))
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "volume '%s' is a directory: its content can't be had", storage_vol_name(vol));
    return content_of(gluster, object, storage_vol_pool_def(vol), storage_vol_name(vol), write, (guint64) info.st_size);
}

static int vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    g_autoptr(StorageContent) content = vol_open(pool, vol, def, TRUE);
    return content ? storage_content_wipe(content, algorithm, storage_vol_name(vol)) : -1;
}

/* ---- making ---- */

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    const StorageVolFormat format = def->target.format;
    if (file_name_check_new(def->name) < 0)
        return -1;
    if (def->target.encryption)
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s': encrypted volumes can't be made in a pool of Gluster", def->name);
    if (def->backing_store && (format == STORAGE_VOL_FORMAT_RAW || format == STORAGE_VOL_FORMAT_DIR))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': one of format '%s' can't be based on another one", def->name,
                    storage_vol_format_to_string(format));
    def->type = format == STORAGE_VOL_FORMAT_DIR ? STORAGE_VOL_TYPE_NETDIR : STORAGE_VOL_TYPE_NETWORK;
    g_free(def->target.path);
    g_free(def->key);
    def->target.path = path_of(pool_def, def->name);
    def->key = g_strdup(def->target.path);
    return 0;
}

static int set_rights(const Gluster *gluster, Entry *object, const StorageVolDef *def)
{
    const StoragePermissions *rights = def->target.permissions;
    struct stat info = { 0 };
    int which = 0;
    if (rights && rights->has_mode) {
        info.st_mode = (mode_t) rights->mode;
        which |= GFAPI_SET_ATTR_MODE;
    }
    if (rights && rights->has_owner && rights->owner >= 0) {
        info.st_uid = (uid_t) rights->owner;
        which |= GFAPI_SET_ATTR_UID;
    }
    if (rights && rights->has_group && rights->group >= 0) {
        info.st_gid = (gid_t) rights->group;
        which |= GFAPI_SET_ATTR_GID;
    }
    return !which || glfs_h_setattrs(gluster->fs, object, &info, which) == 0 ? 0 : GLUSTER_FAIL("cannot give volume '%s' its rights", def->name);
}

static int fail_exists(const char *name)
{
    return FAIL(VIR_ERR_STORAGE_VOL_EXIST, "there is a file '%s' in the pool's directory already; 'virsh pool-refresh' shows it", name);
}

static int make_folder(const Gluster *gluster, Entry *parent, const StorageVolDef *def)
{
    struct stat info;
    g_autoptr(Entry) folder = glfs_h_mkdir(gluster->fs, parent, def->name, FOLDER_MODE, &info);
    if (!folder)
        return errno == EEXIST ? fail_exists(def->name) : GLUSTER_FAIL("cannot make the directory '%s'", def->target.path);
    if (set_rights(gluster, folder, def) == 0)
        return 0;
    glfs_h_unlink(gluster->fs, parent, def->name);
    return -1;
}

static int set_size(GlusterContent *content, const StorageVolDef *def)
{
    const guint64 allocation = MIN(def->allocation, def->capacity);
    if (def->capacity > G_MAXINT64)
        return FAIL(VIR_ERR_OVERFLOW, "volume '%s' can't have %" G_GUINT64_FORMAT " bytes", def->name, def->capacity);
    if (glfs_ftruncate(content->fd, (off_t) def->capacity, NULL, NULL) < 0)
        return GLUSTER_FAIL("cannot give volume '%s' %" G_GUINT64_FORMAT " bytes", def->name, def->capacity);
    for (guint64 at = 0; at < allocation; at += STRETCH) {
        if (glfs_fallocate(content->fd, 0, (off_t) at, (size_t) MIN(allocation - at, STRETCH)) < 0)
            return GLUSTER_FAIL("cannot allocate %" G_GUINT64_FORMAT " bytes for volume '%s'", allocation, def->name);
        storage_answered();
    }
    return 0;
}

static int make_content(GlusterContent *content, StorageVol *vol, StorageVolDef *def, StorageVol *from)
{
    content->is_image = def->target.format > STORAGE_VOL_FORMAT_RAW;
    content->base.is_zero = TRUE;
    if (from) {
        StorageVolDef *source = storage_vol_copy_def(from);
        def->capacity = MAX(def->capacity, source->capacity);
        xml_struct_free(&STORAGE_VOL_DEF_DESC, source);
    }
    if (!content->is_image && set_size(content, def) < 0)
        return -1;
    return (from || content->is_image) && storage_vol_fill(vol, def, &content->base, from) < 0 ? -1 : content_flush(&content->base);
}

/* A file has another name until it is complete. */
static int make_file(Gluster *gluster, Entry *folder, StorageVol *vol, StorageVolDef *def, StorageVol *from)
{
    struct stat info;
    g_autoptr(FileName) name = file_name_begin();
    g_autoptr(Entry) object = glfs_h_creat(gluster->fs, folder, name, O_CREAT | O_EXCL | O_RDWR, VOLUME_MODE, &info);
    if (!object)
        return GLUSTER_FAIL("cannot make a file for volume '%s'", def->name);
    StorageContent *content = content_of(gluster, object, storage_vol_pool_def(vol), name, TRUE, 0);
    int rc = content && make_content((GlusterContent *) content, vol, def, from) == 0 && set_rights(gluster, object, def) == 0 ? 0 : -1;
    content_unref(content);
    if (rc == 0 && glfs_h_link(gluster->fs, object, folder, def->name) < 0)
        rc = errno == EEXIST ? fail_exists(def->name) : GLUSTER_FAIL("cannot give volume '%s' its name", def->name);
    if (glfs_h_unlink(gluster->fs, folder, name) < 0)
        LOG_WARN("volume '%s': its former name '%s' is still there, until the pool starts again: %s", def->name, name, g_strerror(errno));
    return rc;
}

static int vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    const gboolean is_folder = def->target.format == STORAGE_VOL_FORMAT_DIR;
    if (from && (is_folder || def->backing_store))
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s': a copy can't be %s", def->name,
                    is_folder ? "a directory" : "based on another volume: leave out <backingStore>");
    g_autoptr(Gluster) gluster = gluster_of(pool);
    g_autoptr(Entry) folder = gluster ? open_folder(gluster) : NULL;
    if (!folder)
        return -1;
    int rc = is_folder ? make_folder(gluster, folder, def) : make_file(gluster, folder, vol, def, from);
    return rc < 0 ? -1 : pool_sizes(pool, gluster, storage_vol_pool_def(vol));
}

/* ---- deleting, resizing ---- */

static int vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    g_autoptr(Gluster) gluster = gluster_of(pool);
    g_autoptr(Entry) folder = gluster ? open_folder(gluster) : NULL;
    if (!folder)
        return -1;
    return glfs_h_unlink(gluster->fs, folder, def->name) < 0 && errno != ENOENT ? GLUSTER_FAIL("cannot delete volume '%s'", def->name)
        : pool_sizes(pool, gluster, storage_vol_pool_def(vol));
}

static int resize_file(GlusterContent *content, const StorageVolDef *def, guint64 capacity, gboolean allocate)
{
    for (guint64 at = def->capacity; allocate && at < capacity; at += MIN(capacity - at, STRETCH)) {
        if (glfs_fallocate(content->fd, 0, (off_t) at, (size_t) MIN(capacity - at, STRETCH)) < 0)
            return GLUSTER_FAIL("cannot allocate %" G_GUINT64_FORMAT " bytes for volume '%s'", capacity, def->name);
        storage_answered();
    }
    return glfs_ftruncate(content->fd, (off_t) capacity, NULL, NULL) < 0 ? GLUSTER_FAIL("cannot resize volume '%s'", def->name) : 0;
}

static int vol_resize(StoragePool *pool, StorageVol *vol, StorageVolDef *def, guint64 capacity, unsigned int flags)
{
    if (def->type == STORAGE_VOL_TYPE_NETDIR)
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is a directory: it has no size", def->name);
    if (capacity > G_MAXINT64)
        return FAIL(VIR_ERR_OVERFLOW, "volume '%s' can't have %" G_GUINT64_FORMAT " bytes", def->name, capacity);
    g_autoptr(Gluster) gluster = gluster_of(pool);
    g_autoptr(StorageContent) content = gluster ? vol_open(pool, vol, def, TRUE) : NULL;
    if (!content)
        return -1;
    const gboolean allocate = (flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE) != 0;
    int rc = def->target.format == STORAGE_VOL_FORMAT_RAW && !def->target.encryption
        ? resize_file((GlusterContent *) content, def, capacity, allocate)
        : storage_vol_resize_image(vol, def, content, capacity, allocate);
    return rc < 0 || content_flush(content) < 0 ? -1 : pool_sizes(pool, gluster, storage_vol_pool_def(vol));
}

/* ---- discovery ---- */

static char *find_sources(PoolHost *pools, StoragePoolType type, const StoragePoolSource *wanted)
{
    const char *server = exports_server(wanted);
    g_auto(GStrv) names = server ? exports_gluster_volumes(server) : NULL;
    if (!names)
        return NULL;
    GPtrArray *found = g_ptr_array_new();
    for (char **name = names; *name; name++) {
        StoragePoolSource *source = xml_struct_new(&STORAGE_POOL_SOURCE_DESC);
        StoragePoolHost *host = xml_struct_copy(&STORAGE_POOL_HOST_DESC, wanted->hosts[0]);
        XML_LIST_APPEND(source->hosts, source->n_hosts, host);
        source->name = g_strdup(*name);
        source->dir = g_strdup("/");
        g_ptr_array_add(found, source);
    }
    return storage_pool_sources_finish(found);
}

const StorageBackend storage_gluster_backend = {
    .vol_resize_flags = VIR_STORAGE_VOL_RESIZE_ALLOCATE | VIR_STORAGE_VOL_RESIZE_DELTA | VIR_STORAGE_VOL_RESIZE_SHRINK,
    .wipe_algorithms = CONTENT_WIPE_ALGORITHMS,
    .vol_clash = VIR_ERR_STORAGE_VOL_EXIST,
    .find_sources = find_sources,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_stop = pool_stop,
    .pool_delete = remote_pool_delete,
    .vol_plan = vol_plan,
    .vol_create = vol_create,
    .vol_delete = vol_delete,
    .vol_resize = vol_resize,
    .vol_wipe = vol_wipe,
    .vol_refresh = vol_refresh,
    .vol_open = vol_open,
};
