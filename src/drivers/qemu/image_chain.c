/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/qemu/image_chain.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "storage/image_head.h"

/* As many images as one can be based on; a chain that bites its tail ends here. */
#define MAX_CHAIN 200

/* 1, and the caller clears @head; 0 if we can't look into it; -1 with an error if it isn't there, or what it says of itself can't be. */
static int read_head(const char *path, const char *above, ImageHead *head)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return 0;
        return above ? FAIL_ERRNO(errno, "Cannot access backing file '%s' of storage file '%s'", path, above) :
            FAIL_ERRNO(errno, "Cannot access storage file '%s'", path);
    }
    /* Reading from anything else might wait for ever. */
    if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))) {
        close(fd);
        return 0;
    }
    g_autofree guint8 *bytes = g_malloc(IMAGE_HEAD_BYTES);
    gssize n = pread(fd, bytes, IMAGE_HEAD_BYTES, 0);
    close(fd);
    if (n < 0)
        return 0;
    image_head_read(head, bytes, n, S_ISREG(st.st_mode) ? (guint64)st.st_size : G_MAXINT64);
    return 1;
}

/* Whether @head is of an image of this format, which tells what it is based on in a way that we know. */
static gboolean tells_base(const ImageHead *head, StorageFormat format)
{
    return (format == STORAGE_FORMAT_QCOW2 && head->format == STORAGE_VOL_FORMAT_QCOW2) ||
        (format == STORAGE_FORMAT_QCOW && head->format == STORAGE_VOL_FORMAT_QCOW) ||
        (format == STORAGE_FORMAT_QED && head->format == STORAGE_VOL_FORMAT_QED);
}

/* The path of base @name of the image @above; the caller frees. */
static char *base_path(const char *name, const char *above)
{
    g_autofree char *dir = NULL;

    if (g_path_is_absolute(name))
        return g_strdup(name);
    dir = g_path_get_dirname(above);
    return g_build_filename(dir, name, NULL);
}

/* The format of the base @name, whose head is @base, of the image @above. */
static int base_format(const char *name, const ImageHead *top, const char *above, const ImageHead *base, StorageFormat *result)
{
    if (top->backing_format) {
        const char *format = storage_vol_format_to_string(top->backing_format);

        *result = storage_format_from_string(format);
        if (*result > 0)
            return 0;
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "image '%s' is based on '%s', whose format '%s' no disk can have", above, name, format);
    }
    *result = STORAGE_FORMAT_RAW;
    return !base->has_mark || (base->format == STORAGE_VOL_FORMAT_ISO && !base->problem) ? 0 :
        FAIL(VIR_ERR_OPERATION_INVALID, "format of backing image '%s' of image '%s' was not specified in the image metadata "
             "('qemu-img rebase -u -F FORMAT -b %s %s' writes it there)", name, above, name, above);
}

static gboolean is_block(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

static DomainBackingStore *base_new(const char *path, StorageFormat format)
{
    DomainBackingStore *base = xml_struct_new(&DOMAIN_BACKING_STORE_DESC);

    base->format = format;
    if (is_block(path)) {
        base->source.type = DOMAIN_DISK_TYPE_BLOCK;
        base->source.dev = g_strdup(path);
    } else {
        base->source.type = DOMAIN_DISK_TYPE_FILE;
        base->source.file = g_strdup(path);
    }
    return base;
}

/* Look what is below the image @path, whose format is known and whose head was read, put it into @slot and go on with it. */
static int complete(char *path, StorageFormat format, ImageHead *head, DomainBackingStore **slot)
{
    g_autofree char *image = path;

    for (guint depth = 0; depth < MAX_CHAIN; depth++) {
        g_autofree char *below = NULL;
        g_auto(ImageHead) base = { 0 };
        int rc;

        if (format == STORAGE_FORMAT_RAW || format == STORAGE_FORMAT_ISO) {
            *slot = xml_struct_new(&DOMAIN_BACKING_STORE_DESC);     /* the end */
            return 0;
        }
        if (!tells_base(head, format))
            return 0;               /* QEMU will look, or say that it isn't one */
        if (head->problem)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "image '%s' is damaged: %s", image, head->problem);
        if (!head->backing) {
            *slot = xml_struct_new(&DOMAIN_BACKING_STORE_DESC);
            return 0;
        }
        if (image_name_is_protocol(head->backing))
            return 0;
        below = base_path(head->backing, image);
        rc = read_head(below, image, &base);
        if (rc <= 0)
            return rc;
        if (base_format(head->backing, head, image, &base, &format) < 0)
            return -1;
        *slot = base_new(below, format);
        slot = &(*slot)->backing_store;
        g_free(image);
        image = g_steal_pointer(&below);
        image_head_clear(head);
        *head = base;
        base = (ImageHead){ 0 };
    }
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "image '%s' is based on itself, or on more than %d images", image, MAX_CHAIN);
}

int image_chain_complete(DomainDisk *disk)
{
    const char *path = disk->source.file ? disk->source.file : disk->source.dev, *above = NULL;
    StorageFormat format = disk->driver.type;
    DomainBackingStore **slot = &disk->backing_store;
    const StorageSource *source = &disk->source;
    g_auto(ImageHead) head = { 0 };
    int rc;

    /* What the definition tells is so. */
    while (*slot) {
        if ((*slot)->source.type == DOMAIN_DISK_TYPE_UNSET)
            return 0;
        source = &(*slot)->source;
        above = path;
        path = source->file ? source->file : source->dev;
        format = (*slot)->format;
        slot = &(*slot)->backing_store;
    }
    if (!path || source->fdgroup || (source->type != DOMAIN_DISK_TYPE_FILE && source->type != DOMAIN_DISK_TYPE_BLOCK) || source->n_slices || source->encryption ||
        disk->encryption)
        return 0;
    rc = read_head(path, above, &head);
    return rc <= 0 ? rc : complete(g_strdup(path), format, &head, slot);
}
