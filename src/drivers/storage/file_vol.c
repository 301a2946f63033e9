/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making, deleting and resizing. A new file has no name before it is complete, so that nobody ever sees half a volume.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.file"
#include "drivers/storage/file_vol.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "drivers/storage/folder.h"
#include "drivers/storage/image_tool.h"

#define VOLUME_MODE 0600
#define FOLDER_MODE 0711

int file_vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    if (file_name_check_new(def->name) < 0)
        return -1;
    def->type = def->target.format == STORAGE_VOL_FORMAT_DIR ? STORAGE_VOL_TYPE_DIR : STORAGE_VOL_TYPE_FILE;
    g_free(def->target.path);
    g_free(def->key);
    def->target.path = g_build_filename(pool_def->target.path, def->name, NULL);
    def->key = g_strdup(def->target.path);
    return 0;
}

int file_vol_open_fd(StorageVol *vol, int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    int folder = folder_open(pool_def);
    if (folder < 0)
        return -1;
    flags = flags & O_PATH ? flags : flags | O_NONBLOCK | O_NOCTTY;
    int fd = folder_open_beneath(folder, storage_vol_name(vol), flags), saved = errno;
    if (fd < 0 && as_user_helps(pool_def, saved)) {
        g_auto(AsUser) owner = AS_USER_INIT;
        fd = folder_be_owner(&owner, folder, storage_vol_name(vol)) < 0 ? -1 : folder_open_beneath(folder, storage_vol_name(vol), flags);
        virResetLastError();
    }
    close(folder);
    return fd >= 0 ? fd : FAIL_ERRNO(saved, "cannot open volume '%s'", storage_vol_path(vol));
}

int file_vol_be_owner(AsUser *owner, const StoragePoolDef *pool_def, int fd)
{
    struct stat info;
    char self[64];
    if (!as_user_helps(pool_def, EACCES))
        return 0;
    g_snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    int own = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc = own >= 0 || !as_user_helps(pool_def, errno) || fstat(fd, &info) < 0 ? 0 : as_user_begin(owner, info.st_uid, info.st_gid);
    if (own >= 0)
        close(own);
    return rc;
}

/* ---- making ---- */

/* btrfs: no copies when blocks are overwritten. A wish: other file systems don't know it. */
static void set_nocow(int fd, const char *name)
{
    int attributes = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &attributes) == 0) {
        attributes |= FS_NOCOW_FL;
        if (ioctl(fd, FS_IOC_SETFLAGS, &attributes) == 0)
            return;
    }
    LOG_INFO("volume '%s': its file system has no switch for copy on write: %s", name, g_strerror(errno));
}

static int make_raw(int fd, const StorageVolDef *def)
{
    if (def->capacity > G_MAXINT64)
        return FAIL(VIR_ERR_OVERFLOW, "volume '%s' can't have %" G_GUINT64_FORMAT " bytes", def->name, def->capacity);
    if (ftruncate(fd, (off_t) def->capacity) < 0)
        return FAIL_ERRNO(errno, "cannot give volume '%s' %" G_GUINT64_FORMAT " bytes", def->name, def->capacity);
    guint64 allocation = MIN(def->allocation, def->capacity);
    if (allocation && fallocate(fd, 0, 0, (off_t) allocation) < 0 &&
        (errno != EOPNOTSUPP || (errno = posix_fallocate(fd, 0, (off_t) allocation)) != 0))
        return FAIL_ERRNO(errno, "cannot allocate %" G_GUINT64_FORMAT " bytes for volume '%s'", allocation, def->name);
    return 0;
}

static int resize_raw(int fd, const StorageVolDef *def, guint64 capacity, gboolean allocate)
{
    if (capacity > G_MAXINT64)
        return FAIL(VIR_ERR_OVERFLOW, "volume '%s' can't have %" G_GUINT64_FORMAT " bytes", def->name, capacity);
    if (allocate && capacity > def->capacity && fallocate(fd, 0, (off_t) def->capacity, (off_t) (capacity - def->capacity)) < 0)
        return FAIL_ERRNO(errno, "cannot allocate %" G_GUINT64_FORMAT " bytes for volume '%s'", capacity, def->name);
    return ftruncate(fd, (off_t) capacity) == 0 ? 0 : FAIL_ERRNO(errno, "cannot resize volume '%s'", def->name);
}

static gboolean is_raw(const StorageVolDef *def)
{
    return def->target.format <= STORAGE_VOL_FORMAT_RAW;
}

/* At most @bytes of another volume, in a file that is at least @size bytes long then. */
static int copy_bytes(int fd, const StorageVolDef *def, StorageVol *from, guint64 bytes, guint64 size, gboolean whole, gboolean must_share)
{
    g_auto(AsUser) daemon = AS_USER_INIT;
    g_autoptr(StorageContent) in = as_user_pause(&daemon) < 0 ? NULL : storage_vol_open_source(from);
    as_user_end(&daemon);
    if (!in)
        return -1;
    bytes = MIN(bytes, in->size);
    size = MAX(size, bytes);
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0 || ftruncate(fd, (off_t) MIN(size, G_MAXINT64)) < 0) {
        int saved = errno;
        if (own >= 0)
            close(own);
        return FAIL_ERRNO(saved, "cannot give volume '%s' %" G_GUINT64_FORMAT " bytes", def->name, size);
    }
    g_autoptr(StorageContent) out = content_new_fd(own, size);
    out->is_zero = TRUE;
    return storage_content_copy(in, out, bytes, whole, must_share, def->name);
}

static int copy_raw(int fd, const StorageVolDef *def, StorageVol *from, const StorageVolDef *source, unsigned int flags)
{
    gboolean must_share = (flags & VIR_STORAGE_VOL_CREATE_REFLINK) != 0;
    return copy_bytes(fd, def, from, source->capacity, def->capacity, def->allocation >= def->capacity && !must_share, must_share);
}

static int convert(int fd, StorageVolDef *def, StorageVol *from, const StorageVolDef *source, unsigned int flags)
{
    g_auto(SourceChain) chain = { NULL };
    g_auto(AsUser) daemon = AS_USER_INIT;
    if (as_user_pause(&daemon) < 0 || source_chain_open(&chain, from, source) < 0)
        return -1;
    as_user_end(&daemon);
    return image_tool_convert(fd, def, &chain, def->capacity > source->capacity, flags);
}

/* What of another volume differs from the one that @def is to be based on. */
static int make_layer(int fd, StorageVolDef *def, StorageVol *from, const StorageVolDef *source, unsigned int flags)
{
    g_auto(SourceChain) chain = { NULL }, base = { NULL };
    g_auto(AsUser) daemon = AS_USER_INIT;
    if (image_tool_check_layer(def, flags) < 0 || as_user_pause(&daemon) < 0 || source_chain_open(&chain, from, source) < 0)
        return -1;
    base.first_id = chain.keys->len + chain.remote->len;
    if (source_chain_open_base(&base, from, def) < 0)
        return -1;
    as_user_end(&daemon);
    return image_tool_convert_layer(fd, def, &chain, &base, flags);
}

/* A layer on the same base, by the same name from the same folder. */
static gboolean is_same_layer(const StorageVolDef *def, const StorageVolDef *source)
{
    if (!def->backing_store || !source->backing_store || strcmp(def->backing_store->path, source->backing_store->path) != 0)
        return FALSE;
    g_autofree char *here = g_path_get_dirname(def->target.path), *there = g_path_get_dirname(source->target.path);
    return strcmp(here, there) == 0;
}

static gboolean is_same_secret(const SecretRef *a, const SecretRef *b)
{
    return a->has_uuid && b->has_uuid ? memcmp(&a->uuid, &b->uuid, sizeof(a->uuid)) == 0 : !a->has_uuid && !b->has_uuid && g_strcmp0(a->usage, b->usage) == 0;
}

/* Whether it is to have the passphrase that @source has: none other is named. */
static gboolean is_same_key(const StorageEncryption *encryption, const StorageEncryption *source)
{
    if (encryption->format != source->format || encryption->cipher || encryption->ivgen)
        return FALSE;
    return !encryption->n_secrets ||
        (encryption->n_secrets == 1 && source->n_secrets == 1 && is_same_secret(encryption->secrets[0], source->secrets[0]));
}

/* Whether the bytes of @source, as they are, are what is wanted: a layer on the same base, or an encrypted volume whose passphrase may be
 * known to nobody here. */
static gboolean is_exact(const StorageVolDef *def, const StorageVolDef *source)
{
    const StorageEncryption *encryption = def->target.encryption, *other = source->target.encryption;
    gboolean layer = is_same_layer(def, source);
    if (MAX(def->target.format, STORAGE_VOL_FORMAT_RAW) != MAX(source->target.format, STORAGE_VOL_FORMAT_RAW) || !encryption != !other)
        return FALSE;
    if (!encryption)
        return layer;
    return is_same_key(encryption, other) && (layer || (!def->backing_store && !source->backing_store && !encryption->n_secrets));
}

static int copy_exact(int fd, StorageVolDef *def, StorageVol *from, const StorageVolDef *source)
{
    g_auto(SourceChain) chain = { NULL };
    if (copy_bytes(fd, def, from, G_MAXUINT64, 0, FALSE, FALSE) < 0)
        return -1;
    if (source->target.encryption) {
        xml_struct_free(&STORAGE_ENCRYPTION_DESC, def->target.encryption);
        def->target.encryption = xml_struct_copy(&STORAGE_ENCRYPTION_DESC, source->target.encryption);
    }
    return def->capacity <= source->capacity ? 0
        : source_chain_open_fd(&chain, from, source, fd) < 0 ? -1 : image_tool_resize(&chain, source, def->capacity, FALSE);
}

/* The content of another volume, whose pool may be any. */
static int make_copy(int fd, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    StorageVolDef *source = storage_vol_copy_def(from);
    gboolean plain = !def->target.encryption && !source->target.encryption;
    def->capacity = MAX(def->capacity, source->capacity);
    int rc = is_exact(def, source) ? copy_exact(fd, def, from, source)
        : def->backing_store ? make_layer(fd, def, from, source, flags)
        : plain && is_raw(source) && is_raw(def) ? copy_raw(fd, def, from, source, flags) : convert(fd, def, from, source, flags);
    xml_struct_free(&STORAGE_VOL_DEF_DESC, source);
    return rc;
}

static int make_content(int fd, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    if (def->target.nocow)
        set_nocow(fd, def->name);
    if (from)
        return make_copy(fd, def, from, flags);
    return def->target.format == STORAGE_VOL_FORMAT_RAW && !def->target.encryption ? make_raw(fd, def) : image_tool_create(fd, def, flags);
}

/* @user: who makes it; where root can't, or can't give it away, the user that it is to belong to. */
static int begin_file(int folder, const StoragePoolDef *pool_def, const StorageVolDef *def, AsUser *user, FileName **temporary)
{
    const StoragePermissions *rights = def->target.permissions;
    int fd = folder_begin_file(folder, def->target.path, temporary);
    if (!as_user_helps(pool_def, EACCES))
        return fd;
    if (!rights || !rights->has_owner) {
        if (fd < 0)
            error_context("what a server lets nobody else do is done as the <owner> that <permissions> name");
        return fd;
    }
    gid_t group = rights->has_group ? (gid_t) rights->group : FILE_GROUP_KEEP;
    if (fd >= 0 && fchown(fd, (uid_t) rights->owner, group) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    if (*temporary)
        unlinkat(folder, *temporary, 0);
    g_clear_pointer(temporary, file_name_end);
    virResetLastError();
    return as_user_begin(user, (uid_t) rights->owner, group) < 0 ? -1 : folder_begin_file(folder, def->target.path, temporary);
}

static int make_file(int folder, const StoragePoolDef *pool_def, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    g_autoptr(FileName) temporary = NULL;
    g_auto(AsUser) user = AS_USER_INIT;
    int fd = begin_file(folder, pool_def, def, &user, &temporary);
    if (fd < 0)
        return -1;
    int rc = make_content(fd, def, from, flags) < 0 || folder_set_rights(fd, def->target.path, def->target.permissions, VOLUME_MODE) < 0 ||
        folder_publish(folder, fd, temporary, def->name) < 0 ? -1 : 0;
    if (rc < 0 && temporary)
        unlinkat(folder, temporary, 0);
    close(fd);
    return rc;
}

static int make_folder(int folder, const StoragePoolDef *pool_def, const StorageVolDef *def)
{
    const StoragePermissions *rights = def->target.permissions;
    g_auto(AsUser) user = AS_USER_INIT;
    int made = mkdirat(folder, def->name, FOLDER_MODE);
    if (made < 0 && as_user_helps(pool_def, errno) && rights && rights->has_owner) {
        if (as_user_begin(&user, (uid_t) rights->owner, rights->has_group ? (gid_t) rights->group : FILE_GROUP_KEEP) < 0)
            return -1;
        made = mkdirat(folder, def->name, FOLDER_MODE);
    }
    if (made < 0)
        return FAIL_ERRNO(errno, "cannot make the directory '%s'", def->target.path);
    int fd = openat(folder, def->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd < 0 ? FAIL_ERRNO(errno, "cannot open '%s'", def->target.path)
        : folder_set_rights(fd, def->target.path, def->target.permissions, FOLDER_MODE);
    if (fd >= 0)
        close(fd);
    if (rc < 0)
        unlinkat(folder, def->name, AT_REMOVEDIR);
    return rc;
}

/* By its name alone, which may be relative or a server's: what is there may come and go. */
static int check_base_there(const StorageVolDef *def)
{
    const char *path = def->backing_store ? def->backing_store->path : NULL;
    return !path || !g_path_is_absolute(path) || access(path, R_OK) == 0 ? 0
        : FAIL_ERRNO(errno, "volume '%s' is to be based on '%s', which can't be read", def->name, path);
}

static int check_creation(const StorageVolDef *def, const StorageVol *from, unsigned int flags)
{
    StorageVolFormat format = def->target.format;
    if ((flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA) && format != STORAGE_VOL_FORMAT_QCOW2)
        return FAIL(VIR_ERR_INVALID_ARG, "volume '%s': only the format qcow2 has metadata that can be allocated", def->name);
    if ((flags & VIR_STORAGE_VOL_CREATE_REFLINK) && format != STORAGE_VOL_FORMAT_RAW)
        return FAIL(VIR_ERR_INVALID_ARG, "volume '%s': only raw volumes can share their blocks", def->name);
    if (format == STORAGE_VOL_FORMAT_DIR && (from || def->backing_store))
        return FAIL(VIR_ERR_INVALID_ARG, "volume '%s' is a directory: it can't be made from another volume", def->name);
    if (def->backing_store && format == STORAGE_VOL_FORMAT_RAW)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': a raw volume can't be based on another one", def->name);
    return format == STORAGE_VOL_FORMAT_DIR ? 0 : image_tool_check(def) < 0 ? -1 : check_base_there(def);
}

int file_vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    if (check_creation(def, from, flags) < 0)
        return -1;
    int folder = folder_open(pool_def);
    if (folder < 0)
        return -1;
    int rc = def->target.format == STORAGE_VOL_FORMAT_DIR ? make_folder(folder, pool_def, def) : make_file(folder, pool_def, def, from, flags);
    close(folder);
    return rc < 0 ? rc : folder_sizes(pool, pool_def);
}

/* ---- deleting, resizing ---- */

static int remove_name(int folder, const char *name)
{
    int rc = unlinkat(folder, name, 0);
    if (rc == 0 || (errno != EISDIR && errno != EPERM))
        return rc;
    int saved = errno;
    rc = unlinkat(folder, name, AT_REMOVEDIR);
    if (rc < 0 && errno == ENOTDIR)
        errno = saved;
    return rc;
}

int file_vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    const StoragePoolDef *pool_def = storage_vol_pool_def(vol);
    int folder = folder_open(pool_def);
    if (folder < 0)
        return -1;
    int rc = remove_name(folder, storage_vol_name(vol));
    if (rc < 0 && as_user_helps(pool_def, errno)) {
        g_auto(AsUser) owner = AS_USER_INIT;
        int saved = errno;
        rc = folder_be_owner(&owner, folder, storage_vol_name(vol)) < 0 ? -1 : remove_name(folder, storage_vol_name(vol));
        if (!owner.changed)
            errno = saved;
        virResetLastError();
    }
    if (rc < 0 && errno != ENOENT)
        rc = FAIL_ERRNO(errno, "cannot delete volume '%s'", storage_vol_path(vol));
    else
        rc = fsync(folder) == 0 || errno == EINVAL ? 0 : FAIL_ERRNO(errno, "cannot bring the end of volume '%s' onto the disk", storage_vol_name(vol));
    close(folder);
    return rc < 0 ? rc : folder_sizes(pool, pool_def);
}

static int resize_image(int fd, StorageVol *vol, const StorageVolDef *def, guint64 capacity, gboolean allocate)
{
    g_auto(SourceChain) image = { NULL };
    return source_chain_open_fd(&image, vol, def, fd) < 0 ? -1 : image_tool_resize(&image, def, capacity, allocate);
}

int file_vol_resize(StoragePool *pool, StorageVol *vol, StorageVolDef *def, guint64 capacity, unsigned int flags)
{
    gboolean allocate = (flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE) != 0;
    if (def->type == STORAGE_VOL_TYPE_DIR)
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is a directory: it has no size", def->name);
    g_auto(AsUser) owner = AS_USER_INIT;
    int fd = image_tool_check_size(def, capacity) < 0 ? -1 : file_vol_open_fd(vol, O_RDWR);
    if (fd < 0)
        return -1;
    if (file_vol_be_owner(&owner, storage_vol_pool_def(vol), fd) < 0) {
        close(fd);
        return -1;
    }
    int rc = def->target.format == STORAGE_VOL_FORMAT_RAW && !def->target.encryption ? resize_raw(fd, def, capacity, allocate)
        : resize_image(fd, vol, def, capacity, allocate);
    if (rc == 0 && fsync(fd) < 0)
        rc = FAIL_ERRNO(errno, "cannot bring volume '%s' onto the disk", def->name);
    close(fd);
    as_user_end(&owner);
    return rc < 0 ? rc : folder_sizes(pool, storage_vol_pool_def(vol));
}
