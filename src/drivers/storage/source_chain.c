/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/source_chain.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/storage/image_tool.h"
#include "storage/image_head.h"

/* Longest chain that is followed. */
#define MAX_CHAIN 200

void source_chain_clear(SourceChain *chain)
{
    for (guint i = 0; chain->fds && i < chain->fds->len; i++)
        close(g_array_index(chain->fds, int, i));
    g_clear_pointer(&chain->fds, g_array_unref);
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
    if (head->data_file)
        return FAIL(VIR_ERR_NO_SUPPORT, "image '%s' has its data in another file: it can't be copied", path);
    if (head->encryption)
        return FAIL(VIR_ERR_NO_SUPPORT, "image '%s' is encrypted: it can't be converted", path);
    return 0;
}

/* The volume that an image is based on, opened; -1 with an error. */
static int open_base(StorageVol *top, const char *above, const ImageHead *head, char **path)
{
    if (image_name_is_protocol(head->backing))
        return FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' is based on '%s', which is no volume of an active pool", above, head->backing);
    if (!head->backing_format)
        return FAIL(VIR_ERR_OPERATION_INVALID, "image '%s' doesn't tell the format of what it is based on ('qemu-img rebase -u -F FORMAT -b %s %s' "
                    "writes it there)", above, head->backing, above);
    g_autofree char *dir = g_path_get_dirname(above);
    *path = g_path_is_absolute(head->backing) ? g_strdup(head->backing) : g_canonicalize_filename(head->backing, dir);
    int fd = storage_host_open_path(storage_pool_host(storage_vol_pool(top)), *path);
    if (fd < 0 && error_code() == VIR_ERR_NO_STORAGE_VOL)
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "image '%s' is based on '%s', which is no volume of an active pool: "
                     "'virsh pool-create-as NAME dir --target FOLDER' makes it one", above, *path);
    return fd;
}

static gboolean may_have_base(StorageVolFormat format)
{
    return format == STORAGE_VOL_FORMAT_QCOW || format == STORAGE_VOL_FORMAT_QCOW2 || format == STORAGE_VOL_FORMAT_QED ||
           format == STORAGE_VOL_FORMAT_VMDK;
}

static int add_image(SourceChain *chain, int fd, const char *path, StorageVolFormat format)
{
    const char *driver = image_tool_format(format);
    struct stat info;
    if (add_fd(chain, fd, path) < 0)
        return -1;
    if (!driver || fstat(fd, &info) < 0)
        return FAIL(VIR_ERR_NO_SUPPORT, "image '%s': its format can't be read", path);
    g_string_append_printf(chain->spec, "{\"driver\":\"%s\",\"file\":{\"driver\":\"%s\",\"filename\":\"/proc/self/fd/%d\"}", driver,
                           S_ISBLK(info.st_mode) ? "host_device" : "file", fd);
    return 0;
}

int source_chain_open(SourceChain *chain, StorageVol *vol, const StorageVolDef *def)
{
    g_autofree char *path = g_strdup(storage_vol_path(vol));
    StorageVolFormat format = def->target.format ? def->target.format : STORAGE_VOL_FORMAT_RAW;
    guint64 size;
    int fd = storage_vol_backend(vol)->vol_open(storage_vol_pool(vol), vol, def, FALSE, &size);
    guint open = 0;
    chain->fds = g_array_new(FALSE, FALSE, sizeof(int));
    chain->spec = g_string_new("json:");
    while (fd >= 0) {
        g_auto(ImageHead) head = { 0 };
        open++;
        if (add_image(chain, fd, path, format) < 0)
            return -1;
        if (!may_have_base(format))
            break;
        if (read_head(fd, path, &head) < 0)
            return -1;
        if (!head.backing) {
            g_string_append(chain->spec, ",\"backing\":null");
            break;
        }
        g_autofree char *below = NULL;
        fd = open_base(vol, path, &head, &below);
        format = head.backing_format;
        g_free(path);
        path = g_steal_pointer(&below);
        g_string_append(chain->spec, ",\"backing\":");
    }
    for (; open; open--)
        g_string_append_c(chain->spec, '}');
    return fd < 0 ? -1 : 0;
}
