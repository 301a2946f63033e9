/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Kinds of pools whose parts a test machine hasn't: what the kernel and programs would tell of them is written down here.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include "base/error.h"
#include "drivers/storage/scsi_units.h"
#include "drivers/storage/storage_driver.h"
#include "drivers/storage/zfs_list.h"
#include "remove_tree.h"
#include "storage/vol.h"

static char *root;

/* A file of the kernel's tree. */
static void tell(const char *path, const char *text)
{
    g_autofree char *full = g_build_filename(root, path, NULL), *folder = g_path_get_dirname(full);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static char *told(const char *path)
{
    g_autofree char *full = g_build_filename(root, path, NULL);
    char *text = NULL;
    g_assert_true(g_file_get_contents(full, &text, NULL, NULL));
    return text;
}

static void begin(void)
{
    root = g_dir_make_tmp("sysXXXXXX", NULL);
    scsi_sys = root;
}

static void end(void)
{
    remove_tree(root);
    g_clear_pointer(&root, g_free);
}

/* The pool's definition in a document, complete. */
static StoragePoolDef *pool_def(const char *xml)
{
    StoragePoolDef *def = definition_read(&STORAGE_POOL_ROOT, xml, FALSE);
    g_assert_nonnull(def);
    g_assert_cmpint(storage_pool_complete(def), ==, 0);
    return def;
}

typedef struct { StoragePool pool; StorageScan scan; } Look;

static void look_begin(Look *look)
{
    memset(look, 0, sizeof(*look));
    g_mutex_init(&look->pool.lock);
    storage_index_init(&look->pool);
    storage_scan_init(&look->pool, &look->scan);
}

static void look_end(Look *look)
{
    storage_scan_clear(&look->scan);
    storage_index_clear(&look->pool);
    g_mutex_clear(&look->pool.lock);
}

static const StorageVol *seen(const Look *look, const char *name)
{
    for (guint i = 0; i < look->scan.vols->len; i++) {
        const StorageVol *vol = look->scan.vols->pdata[i];
        if (strcmp(vol->name, name) == 0)
            return vol;
    }
    return NULL;
}

static void unit(const char *name, const char *type, const char *block, const char *sectors)
{
    g_autofree char *kind = g_strdup_printf("bus/scsi/devices/%s/type", name);
    g_autofree char *size = g_strdup_printf("bus/scsi/devices/%s/block/%s/size", name, block);
    tell(kind, type);
    tell(size, sectors);
}

static void test_units(void)
{
    StoragePoolDef *def;
    Look look;
    begin();
    tell("class/scsi_host/host3/scan", "");
    tell("class/scsi_host/host4/unique_id", "1\n");
    unit("3:0:0:0", "0\n", "nosuchdisk1", "2048\n");
    unit("3:0:1:5", "5\n", "nosuchdisk2", "4096\n");
    unit("3:0:2:0", "1\n", "nosuchtape", "1\n");
    unit("3:0:3:0", "0\n", "nosuchdisk3", "99999999999999999999\n");
    unit("4:0:0:0", "0\n", "nosuchdisk4", "2048\n");
    unit("host3", "0\n", "nosuchdisk5", "2048\n");
    def = pool_def("<pool type='scsi'><name>p</name><source><adapter name='host3'/></source><target><path>/dev</path></target></pool>");
    look_begin(&look);
    g_assert_cmpint(storage_scsi_backend.pool_start(&look.pool, def), ==, 0);
    g_assert_cmpint(storage_scsi_backend.pool_refresh(&look.pool, def, &look.scan), ==, 0);
    g_assert_cmpuint(look.scan.vols->len, ==, 2);
    const StorageVol *disk = seen(&look, "unit:0:0:0"), *drive = seen(&look, "unit:0:1:5");
    g_assert_true(disk && drive);
    g_assert_cmpstr(disk->path, ==, "/dev/nosuchdisk1");
    g_assert_cmpuint(((const StorageVolDef *) definition_get(drive->def))->capacity, ==, 4096 * 512);
    g_assert_cmpuint(look.pool.capacity, ==, (2048 + 4096) * 512);
    g_autofree char *asked = told("class/scsi_host/host3/scan");
    g_assert_cmpstr(asked, ==, "- - -");
    g_assert_cmpint(storage_scsi_backend.pool_stop(&look.pool, def), ==, 0);
    look_end(&look);
    xml_struct_free(&STORAGE_POOL_DEF_DESC, def);
    def = pool_def("<pool type='scsi'><name>p</name><source><adapter name='scsi_host9'/></source><target><path>/dev</path></target></pool>");
    g_assert_cmpint(storage_scsi_backend.pool_start(NULL, def), ==, -1);
    virResetLastError();
    xml_struct_free(&STORAGE_POOL_DEF_DESC, def);
    end();
}

static void test_virtual_port(void)
{
    static const char xml[] = "<pool type='scsi'><name>p</name><source><adapter type='fc_host' parent='scsi_host5' managed='yes' "
        "wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'/></source><target><path>/dev</path></target></pool>";
    StoragePoolDef *def = pool_def(xml);
    begin();
    tell("class/fc_host/host5/vport_create", "");
    tell("class/fc_host/host5/vport_delete", "");
    tell("class/fc_host/host6/port_name", "0x10000000c9831b4b\n"); /* as if the kernel had made it */
    g_assert_cmpint(storage_scsi_backend.pool_start(NULL, def), ==, 0);
    g_autofree char *untouched = told("class/fc_host/host5/vport_create");
    g_assert_cmpstr(untouched, ==, "");
    g_assert_cmpint(storage_scsi_backend.pool_stop(NULL, def), ==, 0);
    g_autofree char *deleted = told("class/fc_host/host5/vport_delete");
    g_assert_cmpstr(deleted, ==, "10000000c9831b4b:20000000c9831b4b");
    xml_struct_free(&STORAGE_POOL_DEF_DESC, def);
    end();
}

static void test_maps(void)
{
    StoragePoolDef *def = pool_def("<pool type='mpath'><name>p</name><target><path>/dev/mapper</path></target></pool>");
    Look look;
    begin();
    tell("block/dm-0/dm/uuid", "mpath-360000000000000000e00000000010001\n");
    tell("block/dm-0/dm/name", "mpatha\n");
    tell("block/dm-0/size", "4096\n");
    tell("block/dm-1/dm/uuid", "part1-mpath-360000000000000000e00000000010001\n");
    tell("block/dm-1/dm/name", "mpatha-part1\n");
    tell("block/dm-1/size", "2048\n");
    tell("block/dm-2/dm/uuid", "LVM-abc\n");
    tell("block/sda/size", "2048\n");
    look_begin(&look);
    g_assert_cmpint(storage_mpath_backend.pool_refresh(&look.pool, def, &look.scan), ==, 0);
    g_assert_cmpuint(look.scan.vols->len, ==, 1);
    g_assert_cmpstr(seen(&look, "dm-0")->path, ==, "/dev/mapper/mpatha");
    g_assert_cmpstr(seen(&look, "dm-0")->key, ==, "360000000000000000e00000000010001");
    look_end(&look);
    xml_struct_free(&STORAGE_POOL_DEF_DESC, def);
    end();
}

static void test_zfs(void)
{
    guint64 size, available, allocated;
    GPtrArray *found = zfs_parse_volumes("tank/vm/a\t1048576\t2097152\ntank/vm/b\t4194304\tnone\ntank/vm/deep/c\t1\t1\ntank/vmx\t1\t1\n", "tank/vm");
    g_assert_cmpuint(found->len, ==, 2);
    const StorageVolDef *a = found->pdata[0], *b = found->pdata[1];
    g_assert_true(a->capacity == 1048576 && a->allocation == 1048576 && b->capacity == 4194304 && b->allocation == 0);
    g_assert_cmpstr(a->name, ==, "a");
    for (guint i = 0; i < found->len; i++)
        xml_struct_free(&STORAGE_VOL_DEF_DESC, found->pdata[i]);
    g_ptr_array_unref(found);
    g_assert_null(zfs_parse_volumes("tank/a\t1\t1\ntank/b\tbig\t1\n", "tank"));
    g_assert_null(zfs_parse_volumes("tank/a 1 1\n", "tank"));
    g_assert_cmpint(zfs_parse_sizes("size\t10\nfree\t7\nallocated\t3\n", &size, &available, &allocated), ==, 0);
    g_assert_true(size == 10 && available == 7 && allocated == 3);
    g_assert_cmpint(zfs_parse_sizes("size\t10\nfree\tmuch\n", &size, &available, &allocated), ==, -1);
    virResetLastError();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/lists/units", test_units);
    g_test_add_func("/storage/lists/virtual_port", test_virtual_port);
    g_test_add_func("/storage/lists/maps", test_maps);
    g_test_add_func("/storage/lists/zfs", test_zfs);
    return g_test_run();
}
