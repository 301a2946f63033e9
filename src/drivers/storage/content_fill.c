/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/content_fill.h"
#include <errno.h>
#include <sys/mman.h>
#include "base/error.h"
#include "drivers/storage/image_tool.h"
#include "storage/content.h"

/* Whether its bytes are what a guest sees. */
static gboolean is_plain(const StorageVolDef *source)
{
    return !source->target.encryption && (source->type == STORAGE_VOL_TYPE_BLOCK || source->target.format <= STORAGE_VOL_FORMAT_RAW);
}

static int convert(StorageVolDef *def, StorageContent *to, StorageVol *from, const StorageVolDef *source, StorageVolFormat format)
{
    g_auto(SourceChain) chain = { NULL };
    return source_chain_open(&chain, from, source) < 0 ? -1 : image_tool_write(to, def, format, &chain);
}

static int copy(StorageVolDef *def, StorageContent *to, StorageVol *from, guint64 bytes)
{
    g_autoptr(StorageContent) in = storage_vol_open_source(from);
    return in ? storage_content_copy(in, to, bytes, FALSE, FALSE, def->name) : -1;
}

/* An empty image, which is small: made in memory first, since the program makes files of ours only. */
static int make_image(StorageVolDef *def, StorageContent *to)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot make volume '%s'", def->name);
    g_autoptr(StorageContent) made = content_new_fd(fd, G_MAXINT64);
    return image_tool_create(fd, def, 0) < 0 ? -1 : storage_content_copy(made, to, G_MAXINT64, TRUE, FALSE, def->name);
}

static int fill_from(StorageVolDef *def, StorageContent *to, StorageVol *from, const StorageVolDef *source, StorageVolFormat format)
{
    if (source->capacity > def->capacity)
        return FAIL(VIR_ERR_INVALID_ARG, "volume '%s' has %" G_GUINT64_FORMAT " bytes, less than '%s', which it is made from", def->name,
                    def->capacity, storage_vol_name(from));
    return format == STORAGE_VOL_FORMAT_RAW && is_plain(source) ? copy(def, to, from, source->capacity) : convert(def, to, from, source, format);
}

int content_fill(StorageVolDef *def, StorageContent *to, StorageVol *from)
{
    const StorageVolFormat format = MAX(def->target.format, STORAGE_VOL_FORMAT_RAW);
    int rc = format == STORAGE_VOL_FORMAT_RAW ? 0 : make_image(def, to);
    if (rc == 0 && from) {
        StorageVolDef *source = storage_vol_copy_def(from);
        rc = fill_from(def, to, from, source, format);
        xml_struct_free(&STORAGE_VOL_DEF_DESC, source);
    }
    return rc < 0 ? -1 : content_flush(to);
}

int content_resize_image(StorageVol *vol, const StorageVolDef *def, StorageContent *content, guint64 capacity, gboolean allocate)
{
    g_auto(SourceChain) image = { NULL };
    return image_tool_check_size(def, capacity) < 0 || source_chain_open_content(&image, vol, def, content) < 0 ? -1
        : image_tool_resize(&image, def, capacity, allocate);
}
