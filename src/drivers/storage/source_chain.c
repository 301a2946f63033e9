/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/source_chain.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/storage/image_crypt.h"
#include "drivers/storage/image_tool.h"
#include "storage/image_head.h"

/* Longest chain that is followed. */
#define MAX_CHAIN 200

void source_chain_clear(SourceChain *chain)
{
    for (guint i = 0; chain->fds && i < chain->fds->len; i++)
        close(g_array_index(chain->fds, int, i));
    g_clear_pointer(&chain->fds, g_array_unref);
    g_clear_pointer(&chain->keys, g_ptr_array_unref);
    if (chain->spec)
        g_string_free(g_steal_pointer(&chain->spec), TRUE);
}

/* The chain takes the descriptor over. -1 with an error if the same file is in it already. */
static int add_fd(SourceChain *chain, int fd, const char *path)
{
    struct stat info, other;
    int rc = fstat(fd, &info);
    for (guint i = 0; rc == 0 && i < chain->fds->len; i++) {
        if (fstat(g_array_index(chain->fds, int, i), &other) == 0 && info.st_dev == other.st_dev && info.st_ino == other.st_ino)
            rc = FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' is based on itself", path);
    }
    if (rc == 0 && chain->fds->len >= MAX_CHAIN)
        rc = FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' is based on more than %d others", path, MAX_CHAIN);
    g_array_append_val(chain->fds, fd);
    return rc;
}

static int read_head(int fd, const char *path, ImageHead *head)
{
    g_autofree guint8 *bytes = g_malloc(IMAGE_HEAD_BYTES);
    struct stat info;
    ssize_t n = pread(fd, bytes, IMAGE_HEAD_BYTES, 0);
    if (n < 0 || fstat(fd, &info) < 0)
        return FAIL(VIR_ERR_OPERATION_FAILED, "cannot read image '%s'", path);
    image_head_read(head, bytes, (gsize) n, S_ISREG(info.st_mode) ? (guint64) info.st_size : G_MAXINT64);
    if (head->problem)
        return FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' can't be used: %s", path, head->problem);
    return 0;
}

/* Whose head is looked into: others say nothing of bases and passphrases. */
static gboolean has_words(StorageVolFormat format)
{
    return format == STORAGE_VOL_FORMAT_QCOW || format == STORAGE_VOL_FORMAT_QCOW2 || format == STORAGE_VOL_FORMAT_QED ||
           format == STORAGE_VOL_FORMAT_VMDK;
}

/* The volume of an active pool that image @above names, opened to read. -1 with an error. */
static int open_named(StorageVol *top, const char *above, const char *name, const char *how, char **path, StorageVolDef **def)
{
    if (image_name_is_protocol(name))
        return FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' %s '%s', which is no volume of an active pool", above, how, name);
    g_autofree char *dir = g_path_get_dirname(above);
    *path = g_path_is_absolute(name) ? g_strdup(name) : g_canonicalize_filename(name, dir);
    int fd = storage_host_open_path(storage_pool_host(storage_vol_pool(top)), *path, def);
    if (fd < 0 && error_code() == VIR_ERR_NO_STORAGE_VOL)
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "image '%s' %s '%s', which is no volume of an active pool: "
                     "'virsh pool-create-as NAME dir --target FOLDER' makes it one", above, how, *path);
    return fd;
}

static int open_base(StorageVol *top, const char *above, const ImageHead *head, char **path, StorageVolDef **def)
{
    if (!image_name_is_protocol(head->backing) && !head->backing_format && head->format != STORAGE_VOL_FORMAT_QCOW2)
        return FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' can't tell the format of what it is based on, as images of format '%s' can't: "
                    "'qemu-img convert -O qcow2' makes one of it that stands by itself", above, storage_vol_format_to_string(head->format));
    if (!image_name_is_protocol(head->backing) && !head->backing_format)
        return FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' doesn't tell the format of what it is based on ('qemu-img rebase -u -F FORMAT -b %s %s' "
                    "writes it there)", above, head->backing, above);
    return open_named(top, above, head->backing, "is based on", path, def);
}

/* ---- what QEMU is told ---- */

static const char *file_driver(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISBLK(info.st_mode) ? "host_device" : "file";
}

/* The passphrase of an image is an object that its description names. */
static int add_key(SourceChain *chain, const char *path, StorageVolFormat format, StorageEncryptionFormat encryption, const StorageVolDef *def)
{
    g_autofree char *id = g_strdup_printf("key%u", chain->keys->len), *what = g_strdup_printf("image '%s'", path);
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    if (encryption != STORAGE_ENCRYPTION_FORMAT_LUKS)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "image '%s' is encrypted in format '%s', which can't be read: only 'luks' can", path,
                    storage_encryption_format_to_string(encryption));
    if (image_crypt_open(&crypt, id, def ? def->target.encryption : NULL, path, what) < 0)
        return -1;
    g_array_append_val(chain->fds, crypt.fd);
    crypt.fd = -1;
    g_ptr_array_add(chain->keys, g_steal_pointer(&crypt.object));
    if (format == STORAGE_VOL_FORMAT_QCOW2)
        g_string_append_printf(chain->spec, ",\"encrypt\":{\"format\":\"luks\",\"key-secret\":\"%s\"}", id);
    else
        g_string_append_printf(chain->spec, ",\"key-secret\":\"%s\"", id);
    return 0;
}

static int add_data_file(SourceChain *chain, StorageVol *top, const char *path, const ImageHead *head, gboolean write)
{
    g_autofree char *data = NULL;
    if (write)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "image '%s' has its data in another file, '%s': it can't be changed; a copy of it can", path,
                    head->data_file);
    int fd = open_named(top, path, head->data_file, "has its data in", &data, NULL);
    if (fd < 0 || add_fd(chain, fd, data) < 0)
        return -1;
    g_string_append_printf(chain->spec, ",\"data-file\":{\"driver\":\"%s\",\"filename\":\"/proc/self/fd/%d\"}", file_driver(fd), fd);
    return 0;
}

/* @def: what is known of the image; NULL: nothing. The description is left open, for a base. */
static int add_image(SourceChain *chain, StorageVol *top, int fd, const char *path, StorageVolFormat format, const StorageVolDef *def,
                     gboolean write, ImageHead *head)
{
    StorageEncryptionFormat encryption = def && def->target.encryption ? def->target.encryption->format : STORAGE_ENCRYPTION_FORMAT_UNSET;
    if (add_fd(chain, fd, path) < 0)
        return -1;
    if (has_words(format)) {
        if (read_head(fd, path, head) < 0)
            return -1;
        encryption = head->encryption;
    }
    const char *driver = format <= STORAGE_VOL_FORMAT_RAW && encryption ? "luks" : image_tool_format(format);
    if (!driver)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "image '%s': its format '%s' can't be read", path, storage_vol_format_to_string(format));
    g_string_append_printf(chain->spec, "{\"driver\":\"%s\",\"file\":{\"driver\":\"%s\",\"filename\":\"/proc/self/fd/%d\"}", driver,
                           file_driver(fd), fd);
    if (encryption && add_key(chain, path, format, encryption, def) < 0)
        return -1;
    return head->data_file ? add_data_file(chain, top, path, head, write) : 0;
}

/* The image below, or none: its descriptor, -1 for none, -2 with an error. */
static int next_base(SourceChain *chain, StorageVol *top, char **path, const ImageHead *head, gboolean write, StorageVolDef **def)
{
    g_autofree char *below = NULL;
    if (head->backing) {
        int fd = open_base(top, *path, head, &below, def);
        if (fd < 0 && !write)
            return -2;
        if (fd >= 0) {
            g_string_append(chain->spec, ",\"backing\":");
            g_free(*path);
            *path = g_steal_pointer(&below);
            return fd;
        }
        virResetLastError();    /* what is done to an image by itself needs no base */
    }
    g_string_append(chain->spec, ",\"backing\":null");
    return -1;
}

static void free_def(StorageVolDef **def)
{
    if (*def)
        xml_struct_free(&STORAGE_VOL_DEF_DESC, g_steal_pointer(def));
}

/* @fd is taken over; -1: there is an error already. */
static int open_all(SourceChain *chain, StorageVol *vol, const StorageVolDef *def, int fd, gboolean write)
{
    g_autofree char *path = g_strdup(storage_vol_path(vol));
    StorageVolFormat format = def->target.format ? def->target.format : STORAGE_VOL_FORMAT_RAW;
    StorageVolDef *known = NULL;
    guint open = 0;
    int rc = fd < 0 ? -1 : 0;
    chain->fds = g_array_new(FALSE, FALSE, sizeof(int));
    chain->keys = g_ptr_array_new_with_free_func(g_free);
    chain->spec = g_string_new("json:");
    while (rc == 0 && fd >= 0) {
        g_auto(ImageHead) head = { 0 };
        rc = add_image(chain, vol, fd, path, format, open ? known : def, write && !open, &head);
        free_def(&known);
        open++;
        if (rc < 0 || !has_words(format))
            break;
        fd = next_base(chain, vol, &path, &head, write, &known);
        rc = fd == -2 ? -1 : 0;
        format = head.backing_format;
    }
    free_def(&known);
    for (; open; open--)
        g_string_append_c(chain->spec, '}');
    return rc;
}

int source_chain_open(SourceChain *chain, StorageVol *vol, const StorageVolDef *def)
{
    guint64 size;
    return open_all(chain, vol, def, storage_vol_backend(vol)->vol_open(storage_vol_pool(vol), vol, def, FALSE, &size), FALSE);
}

int source_chain_open_fd(SourceChain *chain, StorageVol *vol, const StorageVolDef *def, int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        error_report_errno(ERROR_DOMAIN, errno, "cannot open volume '%s' once more", def->name);
    return open_all(chain, vol, def, own, TRUE);
}
