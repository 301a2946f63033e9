/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include "base/error.h"
#include "drivers/storage/disk_table.h"

#define MIB ((guint64) 1 << 20)
#define HEAD "{\"disk\": {\"path\": \"/dev/x\", \"size\": \"67108864B\", \"logical-sector-size\": 512, \"label\": "
#define PART(n, type, start, end, more) "{\"number\": " #n ", \"start\": \"" #start "B\", \"end\": \"" #end "B\", \"type\": \"" type "\"" more "}"

static DiskTable *parse(const char *text)
{
    g_autoptr(json_object) object = json_parse(text, strlen(text), 16, "a table");
    g_assert_nonnull(object);
    return disk_table_parse(object);
}

static const char dos[] = HEAD "\"msdos\", \"max-partitions\": 4, \"partitions\": [" PART(0, "free", 1024, 1048575, "") ","
    PART(2, "primary", 1048576, 8388607, ", \"filesystem\": \"ext4\"") "," PART(0, "free", 8388608, 20971519, "") ","
    PART(1, "extended", 20971520, 62914559, ", \"flags\": [\"lba\"]") "," PART(0, "free", 20972544, 22020095, "") ","
    PART(5, "logical", 22021120, 31457279, ", \"flags\": [\"lvm\"]") "," PART(0, "free", 31457280, 62914559, "") ","
    PART(0, "free", 62914560, 67108863, "") "]}}";

static void test_dos(void)
{
    g_autoptr(DiskTable) table = parse(dos);
    guint number;
    DiskPartType type;
    guint64 start, end;
    g_assert_nonnull(table);
    g_assert_cmpuint(table->parts->len, ==, 8);
    g_assert_cmpint(disk_table_find(table, 2)->format, ==, STORAGE_VOL_FORMAT_LINUX);
    g_assert_cmpint(disk_table_find(table, 1)->format, ==, STORAGE_VOL_FORMAT_EXTENDED);
    g_assert_cmpint(disk_table_find(table, 5)->format, ==, STORAGE_VOL_FORMAT_LINUX_LVM);
    g_assert_null(disk_table_find(table, 0));
    g_assert_cmpint(disk_table_next(table, STORAGE_VOL_FORMAT_NONE, &number, &type), ==, 0);
    g_assert_true(number == 6 && type == DISK_LOGICAL);
    g_assert_cmpint(disk_table_next(table, STORAGE_VOL_FORMAT_EXTENDED, &number, &type), ==, -1);
    g_assert_cmpint(disk_table_place(table, DISK_LOGICAL, 5 * MIB, &start, &end), ==, 0);
    g_assert_true(start == 31 * MIB && end == 36 * MIB); /* its record stands before it */
    g_assert_cmpint(disk_table_place(table, DISK_PRIMARY, 4 * MIB, &start, &end), ==, 0);
    g_assert_true(start == 60 * MIB && end == 64 * MIB); /* the smallest room */
    g_assert_cmpint(disk_table_place(table, DISK_PRIMARY, 5 * MIB + 1, &start, &end), ==, 0);
    g_assert_true(start == 8 * MIB && end == 13 * MIB + 512);
    g_assert_cmpint(disk_table_place(table, DISK_PRIMARY, 13 * MIB, &start, &end), ==, -1);
    g_assert_cmpint(disk_table_place(table, DISK_PRIMARY, 0, &start, &end), ==, -1);
    g_assert_cmpint(disk_table_place(table, DISK_PRIMARY, G_MAXUINT64, &start, &end), ==, -1);
    virResetLastError();
}

static void test_full(void)
{
    g_autoptr(DiskTable) table = parse(HEAD "\"sun\", \"max-partitions\": 1, \"partitions\": [" PART(1, "primary", 0, 511, "") "]}}");
    guint number;
    DiskPartType type;
    g_assert_nonnull(table);
    g_assert_cmpint(disk_table_next(table, STORAGE_VOL_FORMAT_NONE, &number, &type), ==, -1);
    virResetLastError();
    g_autoptr(DiskTable) none = parse(HEAD "\"unknown\"}}");
    g_assert_true(none && none->parts->len == 0);
}

static void test_nonsense(void)
{
    static const char *const texts[] = {
        "{}", "{\"disk\": 3}", HEAD "3}}", HEAD "\"gpt\", \"partitions\": 3}}", HEAD "\"gpt\", \"partitions\": [3]}}",
        HEAD "\"gpt\", \"partitions\": [" PART(1, "primary", 5000, 10, "") "]}}",
        HEAD "\"gpt\", \"partitions\": [" PART(1, "round", 0, 10, "") "]}}",
        HEAD "\"gpt\", \"partitions\": [" PART(100000, "primary", 0, 10, "") "]}}",
        HEAD "\"gpt\", \"partitions\": [" PART(1, "primary", 99999999999999999999, 99999999999999999999, "") "]}}",
        HEAD "\"gpt\", \"partitions\": [" PART(1, "primary", x, 10, "") "]}}",
        "{\"disk\": {\"size\": \"1B\", \"logical-sector-size\": 0, \"label\": \"gpt\"}}",
        "{\"disk\": {\"size\": \"big\", \"logical-sector-size\": 512, \"label\": \"gpt\"}}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(DiskTable) table = parse(texts[i]);
        g_assert_null(table);
        g_assert_nonnull(virGetLastError());
        virResetLastError();
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/disk/dos", test_dos);
    g_test_add_func("/storage/disk/full", test_full);
    g_test_add_func("/storage/disk/nonsense", test_nonsense);
    return g_test_run();
}
