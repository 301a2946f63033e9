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
    g_clear_pointer(&chain->remote, g_ptr_array_unref);
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

static int read_head(StorageContent *content, const char *path, ImageHead *head)
{
    g_autofree guint8 *bytes = g_malloc(IMAGE_HEAD_BYTES);
    gssize n = content_read_all(content, 0, bytes, IMAGE_HEAD_BYTES);
    if (n < 0) {
        error_context("image '%s'", path);
        return -1;
    }
    image_head_read(head, bytes, (gsize) n, MIN(content->size, G_MAXINT64));
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

/* The volume of an active pool that image @above names, opened to read. NULL with an error. */
static StorageContent *open_named(StorageVol *top, const char *above, const char *name, const char *how, char **path, StorageVolDef **def)
{
    const gboolean remote = image_name_is_protocol(name);
    g_autofree char *dir = g_path_get_dirname(above);
    *path = remote || g_path_is_absolute(name) ? g_strdup(name)
        : image_name_is_protocol(above) ? g_build_filename(dir, name, NULL) : g_canonicalize_filename(name, dir);
    StorageContent *content = storage_host_open_path(storage_pool_host(storage_vol_pool(top)), *path, def);
    if (!content && error_code() == VIR_ERR_NO_STORAGE_VOL && remote)
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "image '%s' %s '%s', which is no volume of an active pool", above, how, name);
    else if (!content && error_code() == VIR_ERR_NO_STORAGE_VOL)
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "image '%s' %s '%s', which is no volume of an active pool: "
                     "'virsh pool-create-as NAME dir --target FOLDER' makes it one", above, how, *path);
    return content;
}

static StorageContent *open_base(StorageVol *top, const char *above, const ImageHead *head, char **path, StorageVolDef **def)
{
    if (!image_name_is_protocol(head->backing) && !head->backing_format && head->format != STORAGE_VOL_FORMAT_QCOW2)
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "image '%s' can't tell the format of what it is based on, as images of format '%s' can't: "
                    "'qemu-img convert -O qcow2' makes one of it that stands by itself", above, storage_vol_format_to_string(head->format));
    if (!image_name_is_protocol(head->backing) && !head->backing_format)
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "image '%s' doesn't tell the format of what it is based on ('qemu-img rebase -u -F FORMAT -b %s %s' "
                    "writes it there)", above, head->backing, above);
    return open_named(top, above, head->backing, "is based on", path, def);
}

/* ---- what QEMU is told ---- */

static const char *file_driver(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISBLK(info.st_mode) ? "host_device" : "file";
}

/* The chain takes the key over. */
static void keep_key(SourceChain *chain, ImageCrypt *crypt)
{
    g_array_append_val(chain->fds, crypt->fd);
    crypt->fd = -1;
    g_ptr_array_add(chain->keys, g_steal_pointer(&crypt->object));
}

/* @words, which are taken over: what a server's bytes are to QEMU. */
static int add_remote(SourceChain *chain, char *words, const char *path)
{
    gboolean again = g_ptr_array_find_with_equal_func(chain->remote, words, g_str_equal, NULL);
    gboolean many = chain->remote->len >= MAX_CHAIN;
    g_ptr_array_add(chain->remote, words);
    return again ? FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' is based on itself", path)
        : many ? FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' is based on more than %d others", path, MAX_CHAIN) : 0;
}

static char *describe_remote(SourceChain *chain, StorageContent *content, const char *path)
{
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    guint8 *secret = NULL;
    gsize size = 0;
    /* One server's volumes may all want the same password, each by a name of its own: its place among those that servers keep. */
    g_autofree char *id = g_strdup_printf("server%u", chain->first_id + chain->remote->len);
    g_autofree char *words = content->ops->describe(content, id, &secret, &size), *plain = content->ops->describe(content, "", NULL, NULL);
    if (secret && image_crypt_hold(&crypt, id, secret, size, path) < 0)
        return NULL;
    if (!words || !plain || add_remote(chain, g_steal_pointer(&plain), path) < 0)
        return NULL;
    if (crypt.fd >= 0)
        keep_key(chain, &crypt);
    return g_steal_pointer(&words);
}

static void begin_chain(SourceChain *chain)
{
    if (chain->fds)
        return;
    chain->fds = g_array_new(FALSE, FALSE, sizeof(int));
    chain->keys = g_ptr_array_new_with_free_func(g_free);
    chain->remote = g_ptr_array_new_with_free_func(g_free);
}

char *source_chain_add(SourceChain *chain, StorageContent *content, const char *path)
{
    begin_chain(chain);
    int fd = content_take_fd(content);
    if (fd < 0)
        return describe_remote(chain, content, path);
    return add_fd(chain, fd, path) < 0 ? NULL : g_strdup_printf("{\"driver\":\"%s\",\"filename\":\"/proc/self/fd/%d\"}", file_driver(fd), fd);
}

/* The passphrase of an image is an object that its description names. */
static int add_key(SourceChain *chain, const char *path, StorageVolFormat format, StorageEncryptionFormat encryption, const StorageVolDef *def)
{
    g_autofree char *id = g_strdup_printf("key%u", chain->first_id + chain->keys->len), *what = g_strdup_printf("image '%s'", path);
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    if (encryption != STORAGE_ENCRYPTION_FORMAT_LUKS)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "image '%s' is encrypted in format '%s', which can't be read: only 'luks' can", path,
                    storage_encryption_format_to_string(encryption));
    if (image_crypt_open(&crypt, id, def ? def->target.encryption : NULL, path, what) < 0)
        return -1;
    keep_key(chain, &crypt);
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
    g_autoptr(StorageContent) content = open_named(top, path, head->data_file, "has its data in", &data, NULL);
    g_autofree char *file = content ? source_chain_add(chain, content, data) : NULL;
    if (!file)
        return -1;
    g_string_append_printf(chain->spec, ",\"data-file\":%s", file);
    return 0;
}

/* @def: what is known of the image; NULL: nothing. The description is left open, for a base. */
static int add_image(SourceChain *chain, StorageVol *top, StorageContent *content, const char *path, StorageVolFormat format,
                     const StorageVolDef *def, gboolean write, ImageHead *head)
{
    StorageEncryptionFormat encryption = def && def->target.encryption ? def->target.encryption->format : STORAGE_ENCRYPTION_FORMAT_UNSET;
    if (has_words(format)) {
        if (read_head(content, path, head) < 0)
            return -1;
        encryption = head->encryption;
    }
    g_autofree char *file = source_chain_add(chain, content, path);
    const char *driver = format <= STORAGE_VOL_FORMAT_RAW && encryption ? "luks" : image_tool_format(format);
    if (file && !driver)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "image '%s': its format '%s' can't be read", path, storage_vol_format_to_string(format));
    if (!file)
        return -1;
    g_string_append_printf(chain->spec, "{\"driver\":\"%s\",\"file\":%s", driver, file);
    if (encryption && add_key(chain, path, format, encryption, def) < 0)
        return -1;
    return head->data_file ? add_data_file(chain, top, path, head, write) : 0;
}

/* The image below in *@content, or NULL: there is none. */
static int next_base(SourceChain *chain, StorageVol *top, char **path, const ImageHead *head, gboolean write, StorageVolDef **def,
                     StorageContent **content)
{
    g_autofree char *below = NULL;
    *content = head->backing ? open_base(top, *path, head, &below, def) : NULL;
    if (head->backing && !*content && !write)
        return -1;
    if (*content) {
        g_string_append(chain->spec, ",\"backing\":");
        g_free(*path);
        *path = g_steal_pointer(&below);
        return 0;
    }
    virResetLastError();    /* what is done to an image by itself needs no base */
    g_string_append(chain->spec, ",\"backing\":null");
    return 0;
}

static void free_def(StorageVolDef **def)
{
    if (*def)
        xml_struct_free(&STORAGE_VOL_DEF_DESC, g_steal_pointer(def));
}

/* The image at @name, of @format, whose definition @def may be unknown, and all below. @content is taken over; NULL: there is an error
 * already. */
static int open_all(SourceChain *chain, StorageVol *vol, const char *name, StorageVolFormat format, const StorageVolDef *def,
                    StorageContent *content, gboolean write)
{
    g_autofree char *path = g_strdup(name);
    StorageVolDef *known = NULL;
    guint open = 0;
    int rc = content ? 0 : -1;
    format = MAX(format, STORAGE_VOL_FORMAT_RAW);
    begin_chain(chain);
    chain->spec = g_string_new("json:");
    while (rc == 0 && content) {
        g_auto(ImageHead) head = { 0 };
        rc = add_image(chain, vol, content, path, format, open ? known : def, write && !open, &head);
        g_clear_pointer(&content, content_unref);
        free_def(&known);
        open++;
        if (rc == 0 && has_words(format))
            rc = next_base(chain, vol, &path, &head, write, &known, &content);
        format = head.backing_format;
    }
    free_def(&known);
    for (; open; open--)
        g_string_append_c(chain->spec, '}');
    return rc;
}

int source_chain_open(SourceChain *chain, StorageVol *vol, const StorageVolDef *def)
{
    return open_all(chain, vol, storage_vol_path(vol), def->target.format, def, storage_vol_open_source(vol), FALSE);
}

int source_chain_open_fd(SourceChain *chain, StorageVol *vol, const StorageVolDef *def, int fd)
{
    struct stat info;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0 || fstat(own, &info) < 0)
        error_report_errno(ERROR_DOMAIN, errno, "cannot open volume '%s' once more", def->name);
    guint64 size = own >= 0 && S_ISREG(info.st_mode) ? (guint64) info.st_size : G_MAXINT64;
    return open_all(chain, vol, storage_vol_path(vol), def->target.format, def, own < 0 ? NULL : content_new_fd(own, size), TRUE);
}

int source_chain_open_content(SourceChain *chain, StorageVol *vol, const StorageVolDef *def, StorageContent *content)
{
    return open_all(chain, vol, storage_vol_path(vol), def->target.format, def, content_ref(content), TRUE);
}

int source_chain_open_base(SourceChain *chain, StorageVol *vol, const StorageVolDef *def)
{
    const StorageVolBacking *base = def->backing_store;
    g_autofree char *path = NULL;
    StorageVolDef *known = NULL;
    StorageContent *content = open_named(vol, def->target.path, base->path, "is to be based on", &path, &known);
    int rc = open_all(chain, vol, path, base->format, known, content, FALSE);
    free_def(&known);
    return rc;
}
