/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chains of images: heads made by hand, good and hostile ones.
 */
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/stat.h>
#include "base/error.h"
#include "drivers/qemu/image_chain.h"
#include "drivers/qemu/tree.h"

typedef struct {
    guint32 version, name_len, extension;
    guint64 name_at;
    const char *name, *format;
} Head;

static void put32(guint8 *at, guint32 value)
{
    value = GUINT32_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

/* A qcow2 head; what is 0 gets the proper value. */
static void write_file(const char *dir, const char *file, const char *bytes, gssize len)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_assert_true(g_file_set_contents(path, bytes, len, NULL));
}

static void write_qcow2(const char *dir, const char *file, const Head *h)
{
    guint8 bytes[4096] = "QFI\xfb";
    guint32 version = h->version ? h->version : 3, at = version >= 3 ? 104 : 72;
    guint64 name_at = GUINT64_TO_BE(h->name ? h->name_at ? h->name_at : 1024 : 0);
    g_autofree char *path = g_build_filename(dir, file, NULL);

    put32(bytes + 4, version);
    memcpy(bytes + 8, &name_at, sizeof(name_at));
    put32(bytes + 16, h->name_len ? h->name_len : h->name ? strlen(h->name) : 0);
    put32(bytes + 20, 16);      /* clusters of 64 KiB */
    put32(bytes + 100, version >= 3 ? 104 : 0);
    if (h->format) {
        put32(bytes + at, 0x6803f857);      /* one that is passed over */
        put32(bytes + at + 4, 5);
        put32(bytes + at + 16, 0xe2792aca);
        put32(bytes + at + 20, h->extension ? h->extension : strlen(h->format));
        memcpy(bytes + at + 24, h->format, strlen(h->format));
    }
    if (h->name)
        memcpy(bytes + 1024, h->name, strlen(h->name));
    g_assert_true(g_file_set_contents(path, (const char *)bytes, sizeof(bytes), NULL));
}

static DomainDisk *disk_new(const char *dir, const char *file, StorageFormat format)
{
    DomainDisk *disk = xml_struct_new(&DOMAIN_DISK_DESC);

    disk->source.type = DOMAIN_DISK_TYPE_FILE;
    disk->source.file = g_build_filename(dir, file, NULL);
    disk->driver.type = format;
    return disk;
}

/* The chain as "name:format name:format end", or what failed. */
static char *chain_of(const char *dir, const char *file, StorageFormat format)
{
    DomainDisk *disk = disk_new(dir, file, format);
    GString *out = g_string_new(NULL);

    if (image_chain_complete(disk) < 0) {
        g_string_append_printf(out, "%d: %s", error_code(), error_message());
        virResetLastError();
    }
    for (const DomainBackingStore *b = disk->backing_store; b; b = b->backing_store) {
        g_autofree char *name = b->source.file ? g_path_get_basename(b->source.file) : NULL;

        g_string_append_printf(out, name ? "%s:%s " : "end", name, storage_format_to_string(b->format));
    }
    xml_struct_free(&DOMAIN_DISK_DESC, disk);
    return g_string_free(out, FALSE);
}

static void assert_chain(const char *dir, const char *file, StorageFormat format, const char *wanted)
{
    g_autofree char *chain = chain_of(dir, file, format);

    g_assert_cmpstr(chain, ==, wanted);
}

static void test_chains(void)
{
    g_autofree char *dir = g_dir_make_tmp("images-XXXXXX", NULL), *raw = g_build_filename(dir, "raw", NULL);
    g_autofree char *absolute = g_build_filename(dir, "mid", NULL);

    g_assert_true(g_file_set_contents(raw, "anything", -1, NULL));
    write_qcow2(dir, "alone", &(Head){ 0 });
    write_qcow2(dir, "mid", &(Head){ .name = "raw", .format = "raw", .version = 2 });
    write_qcow2(dir, "top", &(Head){ .name = absolute, .format = "qcow2" });
    write_qcow2(dir, "untold", &(Head){ .name = "raw" });
    write_qcow2(dir, "net", &(Head){ .name = "nbd://h/x", .format = "raw" });
    write_qcow2(dir, "json", &(Head){ .name = "json:{\"file\":{\"filename\":\"/etc/shadow\"}}", .format = "raw" });
    write_qcow2(dir, "other", &(Head){ .name = "raw", .format = "vmdk" });
    assert_chain(dir, "raw", STORAGE_FORMAT_RAW, "end");
    assert_chain(dir, "alone", STORAGE_FORMAT_QCOW2, "end");
    assert_chain(dir, "top", STORAGE_FORMAT_QCOW2, "mid:qcow2 raw:raw end");
    assert_chain(dir, "top", STORAGE_FORMAT_RAW, "end");        /* what its guest wrote isn't believed */
    assert_chain(dir, "untold", STORAGE_FORMAT_QCOW2, "raw:raw end");
    assert_chain(dir, "net", STORAGE_FORMAT_QCOW2, "");
    assert_chain(dir, "json", STORAGE_FORMAT_QCOW2, "");
    assert_chain(dir, "other", STORAGE_FORMAT_QCOW2, "raw:vmdk ");
    assert_chain(dir, "raw", STORAGE_FORMAT_QCOW2, "");          /* QEMU says that it isn't one */
    qemu_remove_tree(dir);
}

/* QED tells its base as well, and nothing of its format unless it is raw. */
static void test_qed(void)
{
    g_autofree char *dir = g_dir_make_tmp("images-XXXXXX", NULL), *raw = g_build_filename(dir, "raw", NULL);
    g_autofree char *path = g_build_filename(dir, "qed", NULL);
    guint8 bytes[4096] = "QED";

    bytes[16] = 1 | 4;          /* it has a base, which is raw */
    bytes[56] = 128;
    bytes[60] = 3;
    memcpy(bytes + 128, "raw", 3);
    g_assert_true(g_file_set_contents(raw, "QFI\xfb", 4, NULL));
    g_assert_true(g_file_set_contents(path, (const char *)bytes, sizeof(bytes), NULL));
    assert_chain(dir, "qed", STORAGE_FORMAT_QED, "raw:raw end");
    assert_chain(dir, "qed", STORAGE_FORMAT_QCOW2, "");
    qemu_remove_tree(dir);
}

static void test_hostile(void)
{
    g_autofree char *dir = g_dir_make_tmp("images-XXXXXX", NULL), *fifo = g_build_filename(dir, "fifo", NULL);
    g_autofree char *raw = g_build_filename(dir, "raw", NULL);
    static const struct {
        Head head;
        int code;
        const char *text;
    } cases[] = {
        { { .name = "gone", .format = "raw" }, VIR_ERR_SYSTEM_ERROR, "gone" },
        { { .name = "self", .format = "qcow2" }, VIR_ERR_CONFIG_UNSUPPORTED, "based on itself" },
        { { .name = "self" }, VIR_ERR_OPERATION_INVALID, "was not specified" },
        { { .name = "vhdx" }, VIR_ERR_OPERATION_INVALID, "was not specified" },
        { { .name = "luks" }, VIR_ERR_OPERATION_INVALID, "was not specified" },
        { { .name = "raw", .format = "nosuch" }, VIR_ERR_INTERNAL_ERROR, "nosuch" },
        { { .name = "raw", .format = "raw", .extension = G_MAXUINT32 }, VIR_ERR_INTERNAL_ERROR, "damaged" },
        { { .name = "raw", .name_at = G_MAXUINT64 }, VIR_ERR_INTERNAL_ERROR, "damaged" },
        { { .name = "raw", .name_at = 4095 }, VIR_ERR_INTERNAL_ERROR, "damaged" },
        { { .name = "raw", .name_len = G_MAXUINT32 }, VIR_ERR_INTERNAL_ERROR, "damaged" },
    };

    g_assert_true(g_file_set_contents(raw, "anything", -1, NULL));
    write_file(dir, "vhdx", "vhdxfile", 8);
    write_file(dir, "luks", "LUKS\xba\xbe\0\x9", 8);      /* of a version that nobody knows */
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        DomainDisk *disk = disk_new(dir, "self", STORAGE_FORMAT_QCOW2);

        write_qcow2(dir, "self", &cases[i].head);
        g_assert_cmpint(image_chain_complete(disk), ==, -1);
        g_assert_cmpint(error_code(), ==, cases[i].code);
        if (!strstr(error_message(), cases[i].text))
            g_error("'%s' does not say '%s'", error_message(), cases[i].text);
        virResetLastError();
        xml_struct_free(&DOMAIN_DISK_DESC, disk);
    }
    /* A queue is never waited for. */
    write_qcow2(dir, "waits", &(Head){ .name = "fifo", .format = "qcow2" });
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    assert_chain(dir, "waits", STORAGE_FORMAT_QCOW2, "");
    qemu_remove_tree(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu/image/chains", test_chains);
    g_test_add_func("/qemu/image/qed", test_qed);
    g_test_add_func("/qemu/image/hostile", test_hostile);
    return g_test_run();
}
