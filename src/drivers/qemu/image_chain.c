/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/qemu/image_chain.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"

/* As many images as one can be based on; a chain that bites its tail ends here. */
#define MAX_CHAIN 200
/* Of an image only its head is read: all that tells its kind and base is there. */
#define HEAD_BYTES 65536
#define MAX_NAME 1023

#define QCOW2_MAGIC "QFI\xfb"
#define QCOW2_V2_LENGTH 72
#define QCOW2_EXT_FORMAT 0xe2792acau

typedef struct {
    guint8 bytes[HEAD_BYTES];
    gsize len;
} Head;

/* Beginnings of formats other than raw. */
static const struct {
    gsize offset;
    const char *bytes;
    gsize len;
} signs[] = {
    { 0, QCOW2_MAGIC, 4 }, { 0, "QED", 4 }, { 0, "KDMV", 4 }, { 0, "COWD", 4 }, { 0, "vhdxfile", 8 }, { 0, "conectix", 8 },
    { 0, "LUKS\xba\xbe", 6 }, { 64, "\x7f\x10\xda\xbe", 4 }, { 0, "WithoutFreeSpace", 16 }, { 0, "WithouFreSpacExt", 16 },
    { 0, "Bochs Virtual HD Image", 22 }, { 0, "# VMDK Disk Desc", 16 }, { 0, "# Disk Descriptor", 17 },
};

static guint32 u32(const guint8 *at)
{
    guint32 value;

    memcpy(&value, at, sizeof(value));
    return GUINT32_FROM_BE(value);
}

static guint64 u64(const guint8 *at)
{
    guint64 value;

    memcpy(&value, at, sizeof(value));
    return GUINT64_FROM_BE(value);
}

/* 1; 0 if we can't look into it; -1 with an error if it isn't there. */
static int read_head(const char *path, const char *above, Head *head)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    gssize n;

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
    n = pread(fd, head->bytes, HEAD_BYTES, 0);
    close(fd);
    head->len = MAX(n, 0);
    return n >= 0;
}

static gboolean is_qcow2(const Head *head)
{
    return head->len >= QCOW2_V2_LENGTH && memcmp(head->bytes, QCOW2_MAGIC, 4) == 0 && u32(head->bytes + 4) >= 2;
}

static gboolean looks_raw(const Head *head)
{
    for (guint i = 0; i < G_N_ELEMENTS(signs); i++) {
        if (head->len >= signs[i].offset + signs[i].len && memcmp(head->bytes + signs[i].offset, signs[i].bytes, signs[i].len) == 0)
            return FALSE;
    }
    return TRUE;
}

/* The format that a qcow2 image says its base has; the caller frees. NULL if it doesn't say it. */
static char *qcow2_base_format(const Head *head)
{
    guint64 at = QCOW2_V2_LENGTH;

    if (u32(head->bytes + 4) >= 3) {
        if (head->len < 104)
            return NULL;
        at = u32(head->bytes + 100);
    }
    while (at + 8 <= head->len) {
        guint32 type = u32(head->bytes + at), len = u32(head->bytes + at + 4);

        if (type == 0 || len > head->len - at - 8)
            return NULL;
        if (type == QCOW2_EXT_FORMAT)
            return g_strndup((const char *)head->bytes + at + 8, len);
        at += 8 + (((guint64)len + 7) & ~(guint64)7);
    }
    return NULL;
}

/* What a qcow2 image is based on. 1, and the caller frees @name and @format (NULL: not told); 0: nothing; -1 with an error. */
static int qcow2_base(const char *path, const Head *head, char **name, char **format)
{
    guint64 offset = u64(head->bytes + 8);
    guint32 len = u32(head->bytes + 16);

    if (offset == 0 || len == 0)
        return 0;
    if (len > MAX_NAME || offset > head->len || len > head->len - offset)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "image '%s' is damaged: what it is based on stands outside of its head", path);
    *name = g_strndup((const char *)head->bytes + offset, len);
    *format = qcow2_base_format(head);
    return 1;
}

/* "nbd://…", "json:…": in words that only QEMU understands. */
static gboolean is_protocol(const char *name)
{
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');

    return colon && (!slash || colon < slash);
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

static int base_format(const char *name, const char *format, const char *above, const Head *head, StorageFormat *result)
{
    if (format) {
        *result = storage_format_from_string(format);
        if (*result > 0)
            return 0;
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "image '%s' is based on '%s' of the unknown format '%s'", above, name, format);
    }
    *result = STORAGE_FORMAT_RAW;
    return looks_raw(head) ? 0 :
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
static int complete(char *path, StorageFormat format, Head *head, DomainBackingStore **slot)
{
    g_autofree char *image = path;

    for (guint depth = 0; depth < MAX_CHAIN; depth++) {
        g_autofree char *name = NULL, *said = NULL, *below = NULL;
        int rc;

        if (format == STORAGE_FORMAT_RAW || format == STORAGE_FORMAT_ISO) {
            *slot = xml_struct_new(&DOMAIN_BACKING_STORE_DESC);     /* the end */
            return 0;
        }
        if (format != STORAGE_FORMAT_QCOW2 || !is_qcow2(head))
            return 0;               /* QEMU will look, or say that it isn't one */
        rc = qcow2_base(image, head, &name, &said);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            *slot = xml_struct_new(&DOMAIN_BACKING_STORE_DESC);
            return 0;
        }
        if (is_protocol(name))
            return 0;
        below = base_path(name, image);
        rc = read_head(below, image, head);
        if (rc <= 0)
            return rc;
        if (base_format(name, said, image, head, &format) < 0)
            return -1;
        *slot = base_new(below, format);
        slot = &(*slot)->backing_store;
        g_free(image);
        image = g_steal_pointer(&below);
    }
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "image '%s' is based on itself, or on more than %d images", image, MAX_CHAIN);
}

int image_chain_complete(DomainDisk *disk)
{
    const char *path = disk->source.file ? disk->source.file : disk->source.dev, *above = NULL;
    StorageFormat format = disk->driver.type;
    DomainBackingStore **slot = &disk->backing_store;
    const StorageSource *source = &disk->source;
    g_autofree Head *head = NULL;
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
    if (!path || (source->type != DOMAIN_DISK_TYPE_FILE && source->type != DOMAIN_DISK_TYPE_BLOCK) || source->n_slices || source->encryption ||
        disk->encryption)
        return 0;
    head = g_new(Head, 1);
    rc = read_head(path, above, head);
    return rc <= 0 ? rc : complete(g_strdup(path), format, head, slot);
}
