/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The formats are published by their makers; offsets are bytes.
 */
#include "storage/image_head.h"
#include <string.h>

/* Longest name of a base that QEMU accepts. */
#define MAX_NAME 1023
#define SECTOR 512
#define MIN_CLUSTER_BITS 9
#define MAX_CLUSTER_BITS 21
/* No image is larger: what a file's offset can say. */
#define MAX_CAPACITY G_MAXINT64

typedef struct {
    const guint8 *data;
    gsize len;
    guint64 size;   /* of the file */
} Bytes;

typedef void (*Reader)(ImageHead *head, const Bytes *b);

/* Zero behind the end: who reads has looked at the length that the format needs at least. */
static guint64 number(const Bytes *b, guint64 at, guint bytes, gboolean big)
{
    guint64 value = 0;
    if (at > b->len || bytes > b->len - at)
        return 0;
    for (guint i = 0; i < bytes; i++)
        value |= (guint64) b->data[at + i] << 8 * (big ? bytes - 1 - i : i);
    return value;
}

static guint32 be32(const Bytes *b, guint64 at) { return (guint32) number(b, at, 4, TRUE); }
static guint64 be64(const Bytes *b, guint64 at) { return number(b, at, 8, TRUE); }
static guint32 le32(const Bytes *b, guint64 at) { return (guint32) number(b, at, 4, FALSE); }
static guint64 le64(const Bytes *b, guint64 at) { return number(b, at, 8, FALSE); }

static void problem(ImageHead *head, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void problem(ImageHead *head, const char *format, ...)
{
    va_list args;
    if (head->problem)
        return;
    va_start(args, format);
    head->problem = g_strdup_vprintf(format, args);
    va_end(args);
}

static void set_capacity(ImageHead *head, guint64 units, guint64 unit)
{
    if (unit && units > MAX_CAPACITY / unit) {
        problem(head, "it claims more bytes than there can be");
        return;
    }
    head->has_capacity = TRUE;
    head->capacity = units * unit;
}

/* A text of the image that is to be a name; NULL with a problem. */
static char *text_at(ImageHead *head, const Bytes *b, guint64 at, guint64 len, guint64 max, const char *what)
{
    if (len > max) {
        problem(head, "%s is longer than %" G_GUINT64_FORMAT " bytes", what, max);
        return NULL;
    }
    if (at > b->len || len > b->len - at) {
        problem(head, "%s stands outside of its head", what);
        return NULL;
    }
    char *text = g_strndup((const char *) b->data + at, len);
    if (*text && g_utf8_validate(text, -1, NULL) && strlen(text) == len) {
        const char *c = text;
        while (*c && !g_ascii_iscntrl(*c))
            c++;
        if (!*c)
            return text;
    }
    problem(head, "%s is no text", what);
    g_free(text);
    return NULL;
}

gboolean image_name_is_protocol(const char *name)
{
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');
    return colon && (!slash || colon < slash);
}

/* ---- qcow ---- */

#define QCOW2_V2_LENGTH 72
#define QCOW2_V3_LENGTH 104
#define QCOW2_EXT_FORMAT 0xe2792acau
#define QCOW2_EXT_DATA_FILE 0x44415441u
#define QCOW2_MAX_EXTENSIONS 64
enum { INCOMPATIBLE_DATA_FILE = 1 << 2, INCOMPATIBLE_EXTENDED_L2 = 1 << 4, INCOMPATIBLE_KNOWN = (1 << 5) - 1 };
enum { COMPATIBLE_LAZY_REFCOUNTS = 1 };

static void qcow2_extensions(ImageHead *head, const Bytes *b, guint64 at)
{
    for (guint i = 0; i < QCOW2_MAX_EXTENSIONS && at + 8 <= b->len; i++) {
        guint32 type = be32(b, at), len = be32(b, at + 4);
        if (type == 0)
            return;
        if (len > b->len - at - 8) {
            problem(head, "an extension of its head is longer than the head");
            return;
        }
        if (type == QCOW2_EXT_FORMAT) {
            g_autofree char *format = text_at(head, b, at + 8, len, MAX_NAME, "the format of its base");
            head->backing_format = format ? storage_vol_format_from_string(format) : STORAGE_VOL_FORMAT_UNSET;
            if (format && !head->backing_format)
                problem(head, "its base has the unknown format '%s'", format);
        } else if (type == QCOW2_EXT_DATA_FILE && !head->data_file) {
            head->data_file = text_at(head, b, at + 8, len, MAX_NAME, "the name of its data file");
        }
        at += 8 + (((guint64) len + 7) & ~(guint64) 7);
    }
}

static void read_base(ImageHead *head, const Bytes *b)
{
    guint64 at = be64(b, 8);
    guint32 len = be32(b, 16);
    if (at && len)
        head->backing = text_at(head, b, at, len, MAX_NAME, "the name of its base");
}

static void read_qcow2(ImageHead *head, const Bytes *b)
{
    guint32 version = be32(b, 4), bits = be32(b, 20), crypt = be32(b, 32);
    guint64 extensions = QCOW2_V2_LENGTH;
    head->format = STORAGE_VOL_FORMAT_QCOW2;
    head->compat = version >= 3 ? "1.1" : "0.10";
    if (bits < MIN_CLUSTER_BITS || bits > MAX_CLUSTER_BITS)
        problem(head, "its clusters would have 2^%u bytes", bits);
    else
        head->cluster_size = 1ULL << bits;
    set_capacity(head, be64(b, 24), 1);
    if (crypt > 2)
        problem(head, "it is encrypted by the unknown method %u", crypt);
    else if (crypt)
        head->encryption = crypt == 2 ? STORAGE_ENCRYPTION_FORMAT_LUKS : STORAGE_ENCRYPTION_FORMAT_QCOW;
    if (version >= 3) {
        guint64 incompatible = be64(b, 72);
        guint32 length = be32(b, 100);
        head->lazy_refcounts = (be64(b, 80) & COMPATIBLE_LAZY_REFCOUNTS) != 0;
        head->extended_l2 = (incompatible & INCOMPATIBLE_EXTENDED_L2) != 0;
        if (incompatible & ~(guint64) INCOMPATIBLE_KNOWN)
            problem(head, "it has unknown features");
        if (b->len < QCOW2_V3_LENGTH || length < QCOW2_V3_LENGTH || (head->cluster_size && length > head->cluster_size))
            problem(head, "its head would have %u bytes", length);
        extensions = length;
    }
    qcow2_extensions(head, b, extensions);
    read_base(head, b);
    if (be64(b, 40) > b->size || be64(b, 48) > b->size)
        problem(head, "its tables stand behind its end");
}

static void read_qcow(ImageHead *head, const Bytes *b)
{
    guint32 version = be32(b, 4);
    if (version == 2 || version == 3) {
        read_qcow2(head, b);
        return;
    }
    if (version != 1) {
        problem(head, "it has the unknown version %u of qcow", version);
        return;
    }
    head->format = STORAGE_VOL_FORMAT_QCOW;
    set_capacity(head, be64(b, 24), 1);
    read_base(head, b);
    if (be32(b, 36))
        head->encryption = STORAGE_ENCRYPTION_FORMAT_QCOW;
}

/* ---- others ---- */

enum { QED_HAS_BASE = 1, QED_BASE_IS_RAW = 4 };

static void read_qed(ImageHead *head, const Bytes *b)
{
    guint64 features = le64(b, 16);
    head->format = STORAGE_VOL_FORMAT_QED;
    set_capacity(head, le64(b, 48), 1);
    if (!(features & QED_HAS_BASE))
        return;
    head->backing = text_at(head, b, le32(b, 56), le32(b, 60), MAX_NAME, "the name of its base");
    if (features & QED_BASE_IS_RAW)
        head->backing_format = STORAGE_VOL_FORMAT_RAW;
}

/* The text that describes a VMDK image: what stands in quotes behind parentFileNameHint=. */
static void vmdk_base(ImageHead *head, const Bytes *b, guint64 at, guint64 len)
{
    static const char key[] = "parentFileNameHint=\"";
    if (at > b->len)
        return;
    len = MIN(len, b->len - at);
    const char *from = (const char *) b->data + at, *end = from + len;
    from = memmem(from, len, key, sizeof(key) - 1);
    if (!from)
        return;
    from += sizeof(key) - 1;
    const char *quote = memchr(from, '"', (gsize) (end - from));
    if (!quote)
        problem(head, "the name of its base doesn't end");
    else
        head->backing = text_at(head, b, (guint64) (from - (const char *) b->data), (guint64) (quote - from), MAX_NAME,
                                "the name of its base");
    head->backing_format = head->backing ? STORAGE_VOL_FORMAT_VMDK : STORAGE_VOL_FORMAT_UNSET;     /* there are no others */
}

static void read_vmdk(ImageHead *head, const Bytes *b)
{
    guint64 at = le64(b, 28), sectors = le64(b, 36);
    head->format = STORAGE_VOL_FORMAT_VMDK;
    set_capacity(head, le64(b, 12), SECTOR);
    if (at > b->size / SECTOR || sectors > b->size / SECTOR)
        problem(head, "its description stands behind its end");
    else if (at)
        vmdk_base(head, b, at * SECTOR, sectors * SECTOR);
}

static void read_vmdk_text(ImageHead *head, const Bytes *b)
{
    head->format = STORAGE_VOL_FORMAT_VMDK;
    vmdk_base(head, b, 0, b->len);
}

static void read_vdi(ImageHead *head, const Bytes *b)
{
    if (le32(b, 0x44) != 0x00010001)
        return;
    head->format = STORAGE_VOL_FORMAT_VDI;
    set_capacity(head, le64(b, 0x170), 1);
}

static void read_vpc(ImageHead *head, const Bytes *b)
{
    if (be32(b, 12) != 0x00010000)
        return;
    head->format = STORAGE_VOL_FORMAT_VPC;
    set_capacity(head, be64(b, 48), 1);
}

static void read_cow(ImageHead *head, const Bytes *b)
{
    if (be32(b, 4) != 2)
        return;
    head->format = STORAGE_VOL_FORMAT_COW;
    set_capacity(head, be64(b, 1036), 1);
    const guint8 *end = b->len > 8 ? memchr(b->data + 8, 0, MIN(b->len - 8, 1024)) : NULL;
    if (end && end > b->data + 8)
        head->backing = text_at(head, b, 8, (guint64) (end - b->data - 8), MAX_NAME, "the name of its base");
}

static void read_bochs(ImageHead *head, const Bytes *b)
{
    guint32 version = le32(b, 64);
    if (version != 0x00010000 && version != 0x00020000)
        return;
    head->format = STORAGE_VOL_FORMAT_BOCHS;
    set_capacity(head, le64(b, version == 0x00020000 ? 88 : 84), 1);
}

static void read_cloop(ImageHead *head, const Bytes *b)
{
    head->format = STORAGE_VOL_FORMAT_CLOOP;
    set_capacity(head, be32(b, 132), be32(b, 128));
}

static void read_ploop(ImageHead *head, const Bytes *b)
{
    head->format = STORAGE_VOL_FORMAT_PLOOP;
    set_capacity(head, le64(b, 36), SECTOR);
}

static void read_iso(ImageHead *head, const Bytes *b)
{
    head->format = STORAGE_VOL_FORMAT_ISO;
}

/* The data of a LUKS image are those of a raw one. */
static void read_luks(ImageHead *head, const Bytes *b)
{
    guint version = (guint) number(b, 6, 2, TRUE);
    if (version != 1 && version != 2)
        return;
    head->encryption = version == 1 ? STORAGE_ENCRYPTION_FORMAT_LUKS : STORAGE_ENCRYPTION_FORMAT_LUKS2;
    if (version == 2)
        return;
    guint64 payload = (guint64) be32(b, 104) * SECTOR;
    if (payload > b->size)
        problem(head, "its data begin behind its end");
    else
        set_capacity(head, b->size - payload, 1);
}

/* Of a format that volumes can't have: its data are none of ours, but they aren't raw. */
static void read_nothing(ImageHead *head, const Bytes *b)
{
}

static const struct {
    guint offset;
    const char *bytes;
    guint len;
    guint least;      /* shorter images are none of the kind */
    Reader read;
} kinds[] = {
    { 0, "QFI\xfb", 4, 48, read_qcow },
    { 0, "QED\0", 4, 64, read_qed },
    { 0, "KDMV", 4, 512, read_vmdk },
    { 0, "COWD", 4, 512, read_vmdk_text },
    { 0, "# Disk DescriptorFile", 21, 21, read_vmdk_text },
    { 0, "# Disk Descriptor", 17, 17, read_nothing },
    { 0, "# VMDK Disk Desc", 16, 16, read_nothing },
    { 0, "vhdxfile", 8, 8, read_nothing },
    { 0x40, "\x7f\x10\xda\xbe", 4, 0x178, read_vdi },
    { 0, "conectix", 8, 64, read_vpc },
    { 0, "OOOM", 4, 1044, read_cow },
    { 0, "Bochs Virtual HD Image", 22, 96, read_bochs },
    { 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop", 37, 136, read_cloop },
    { 0, "WithoutFreeSpace", 16, 64, read_ploop },
    { 0, "WithouFreSpacExt", 16, 64, read_ploop },
    { 0, "LUKS\xba\xbe", 6, 108, read_luks },
    { 0x8001, "CD001", 5, 0x8006, read_iso },
};

void image_head_read(ImageHead *head, const guint8 *data, gsize len, guint64 size)
{
    const Bytes b = { data, MIN(len, IMAGE_HEAD_BYTES), size };
    *head = (ImageHead) { .format = STORAGE_VOL_FORMAT_RAW };
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (b.len < kinds[i].offset + kinds[i].len || memcmp(data + kinds[i].offset, kinds[i].bytes, kinds[i].len) != 0)
            continue;
        head->has_mark = TRUE;
        if (b.len >= kinds[i].least)
            kinds[i].read(head, &b);
        else
            problem(head, "it ends within its head");
        if (head->format != STORAGE_VOL_FORMAT_RAW || head->encryption || head->problem)
            return;
    }
}

void image_head_clear(ImageHead *head)
{
    g_free(head->backing);
    g_free(head->data_file);
    g_free(head->problem);
    *head = (ImageHead) { 0 };
}
