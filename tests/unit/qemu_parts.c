/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Small parts of the QEMU driver: key codes, port ranges, folders of runs, devices of the host.
 */
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/hostdevs.h"
#include "drivers/qemu/keycodes.h"
#include "drivers/qemu/ports.h"
#include "drivers/qemu/rlimits.h"
#include "drivers/qemu/tree.h"
#include "model/domain.h"

static void test_keycodes(void)
{
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 30), ==, 30);     /* A */
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 88), ==, 0x58);   /* F12 */
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 111), ==, 0xd3);  /* Delete */
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_XT, 0xe053), ==, 0xd3);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_QNUM, 0xd3), ==, 0xd3);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 0), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_LINUX, 60000), ==, -1);
    g_assert_cmpint(keycode_to_qemu(VIR_KEYCODE_SET_WIN32, 30), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_ARGUMENT_UNSUPPORTED);
    virResetLastError();
}

static void test_ports(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port, got;
    PortPool *pool;

    /* A port that somebody listens on is passed over. */
    g_assert_cmpint(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&addr, &len), ==, 0);
    port = ntohs(addr.sin_port);
    pool = port_pool_new("test", port, port);
    g_assert_cmpint(port_pool_take(pool), ==, -1);
    close(fd);
    got = port_pool_take(pool);
    g_assert_cmpint(got, ==, port);
    g_assert_cmpint(port_pool_take(pool), ==, -1);
    port_pool_give_back(pool, got);
    g_assert_cmpint(port_pool_take(pool), ==, port);
    port_pool_give_back(pool, port);
    port_pool_reserve(pool, port);
    g_assert_cmpint(port_pool_take(pool), ==, -1);
    port_pool_reserve(pool, 1);      /* outside: nothing happens */
    port_pool_give_back(pool, 70000);
    port_pool_free(pool);
    virResetLastError();
}

/* How much of its memory a guest's QEMU locks. */
static void test_locked_memory(void)
{
    DomainMemoryBacking backing = { .locked = TRUE };
    DomainMemtune tune = { .has_hard_limit = TRUE, .hard_limit = 2048 };
    DomainHostdev card = { .type = DOMAIN_HOSTDEV_TYPE_PCI }, stick = { .type = DOMAIN_HOSTDEV_TYPE_USB };
    DomainHostdev *hostdevs[] = { &stick, &card, &card };
    DomainDisk nvme = { .source.type = DOMAIN_DISK_TYPE_NVME }, *disks[] = { &nvme };
    DomainIommu iommu = { .model = DOMAIN_IOMMU_MODEL_INTEL }, *iommus[] = { &iommu };
    DomainDef def = { .memory = 1024 };
    const guint64 mib = 1024 * 1024, gib = 1024 * mib;

    g_assert_cmpuint(qemu_locked_bytes(&def), ==, 0);
    def.memtune = &tune;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, 0);
    def.memory_backing = &backing;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, 2 * mib);
    def.memtune = NULL;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, RLIM_INFINITY);
    def.memory_backing = NULL;
    def.devices.hostdevs = hostdevs;
    def.devices.n_hostdevs = 1;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, 0);
    def.devices.n_hostdevs = 3;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, gib + mib);
    def.devices.disks = disks;
    def.devices.n_disks = 1;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, gib + 2 * mib);
    def.devices.iommus = iommus;
    def.devices.n_iommus = 1;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, gib + 3 * mib);
    def.memory = G_MAXUINT64 / 1024;
    g_assert_cmpuint(qemu_locked_bytes(&def), ==, RLIM_INFINITY);
}

/* What a hostile QEMU left behind goes, what its links point to stays. */
static void test_tree(void)
{
    g_autofree char *dir = g_dir_make_tmp("qemu-tree-XXXXXX", NULL), *inside = g_build_filename(dir, "run", NULL);
    g_autofree char *deep = g_build_filename(inside, "a", "b", NULL), *file = g_build_filename(deep, "f", NULL);
    g_autofree char *outside = g_build_filename(dir, "outside", NULL), *kept = g_build_filename(outside, "kept", NULL);
    g_autofree char *link = g_build_filename(inside, "link", NULL), *top = g_build_filename(dir, "top", NULL);

    g_assert_cmpint(g_mkdir_with_parents(deep, 0700), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(outside, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, "x", 1, NULL));
    g_assert_true(g_file_set_contents(kept, "x", 1, NULL));
    g_assert_cmpint(symlink(outside, link), ==, 0);
    g_assert_cmpint(symlink(outside, top), ==, 0);
    qemu_remove_tree(inside);
    g_assert_false(g_file_test(inside, G_FILE_TEST_EXISTS));
    qemu_remove_tree(top);
    g_assert_true(g_file_test(kept, G_FILE_TEST_EXISTS));
    qemu_remove_tree(inside); /* twice is harmless */
    qemu_remove_tree(dir);
    g_assert_false(g_file_test(dir, G_FILE_TEST_EXISTS));
}

/* ---- devices of the host, in a folder that looks like the kernel's ---- */

static void put(const char *root, const char *path, const char *text)
{
    g_autofree char *file = g_strdup_printf("%s/%s", root, path), *dir = g_path_get_dirname(file);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

static void put_usb(const char *root, const char *name, const char *bus, const char *device, const char *vendor, const char *product)
{
    const char *const attributes[][2] = { { "busnum", bus }, { "devnum", device }, { "idVendor", vendor }, { "idProduct", product } };

    for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
        g_autofree char *path = g_strdup_printf("bus/usb/devices/%s/%s", name, attributes[i][0]);

        put(root, path, attributes[i][1]);
    }
}

static void assert_file(const char *root, const char *path, const char *text)
{
    g_autofree char *file = g_strdup_printf("%s/%s", root, path), *now = NULL;

    g_assert_true(g_file_get_contents(file, &now, NULL, NULL));
    g_assert_cmpstr(now, ==, text);
}

static DomainDef *with_devices(const char *devices)
{
    g_autofree char *xml = g_strdup_printf("<domain type='qemu'><name>g</name><memory>1024</memory><os><type>hvm</type></os><devices>%s"
                                           "</devices></domain>", devices);
    DomainDef *def = domain_def_parse(xml, strlen(xml), 0, NULL);

    if (!def)
        g_error("%s: %s", xml, error_message());
    return def;
}

#define USB(policy, vendor) "<hostdev mode='subsystem' type='usb'><source" policy "><vendor id='" vendor "'/><product id='0x0001'/></source></hostdev>"

static void test_usb(void)
{
    g_autofree char *root = g_dir_make_tmp("sysfs-XXXXXX", NULL);
    g_autoptr(DomainDef) one = with_devices(USB("", "0x1111")), two = with_devices(USB("", "0x2222"));
    g_autoptr(DomainDef) none = with_devices(USB("", "0x3333")), maybe = with_devices(USB(" startupPolicy='optional'", "0x3333") USB("", "0x1111"));

    put_usb(root, "1-1", "1\n", "7\n", "1111\n", "0001\n");
    put_usb(root, "2-1", "2\n", "3\n", "2222\n", "0001\n");
    put_usb(root, "2-2", "2\n", "4\n", "2222\n", "0001\n");
    put_usb(root, "bad", "x\n", "4\n", "3333\n", "0001\n");
    g_assert_cmpint(hostdevs_find_usb(one, root), ==, 0);
    g_assert_cmpuint(one->devices.hostdevs[0]->source.usb_address->bus, ==, 1);
    g_assert_cmpuint(one->devices.hostdevs[0]->source.usb_address->device, ==, 7);
    g_assert_cmpint(hostdevs_find_usb(one, root), ==, 0);       /* it is still there */
    g_assert_cmpint(hostdevs_find_usb(two, root), ==, -1);
    g_assert_nonnull(strstr(error_message(), "2 USB devices"));
    g_assert_cmpint(hostdevs_find_usb(none, root), ==, -1);
    g_assert_nonnull(strstr(error_message(), "3333:0001"));
    g_assert_cmpint(hostdevs_find_usb(maybe, root), ==, 0);
    g_assert_cmpuint(maybe->devices.n_hostdevs, ==, 1);
    virResetLastError();
    qemu_remove_tree(root);
}

#define PCI "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='6' slot='1' function='0'/></source></hostdev>"

static void test_pci(void)
{
    static const char device[] = "bus/pci/devices/0000:06:01.0";
    g_autofree char *root = g_dir_make_tmp("sysfs-XXXXXX", NULL), *wish = g_strconcat(device, "/driver_override", NULL);
    g_autofree char *group = g_strconcat(device, "/iommu_group/x", NULL), *link = g_strconcat(root, "/", device, "/driver", NULL);
    g_autofree char *unbind = g_strconcat("bus/pci/drivers/e1000/unbind", NULL);
    g_autoptr(DomainDef) def = with_devices(PCI);

    g_assert_cmpint(hostdevs_detach_pci(def, root), ==, -1);
    g_assert_nonnull(strstr(error_message(), "no PCI device '0000:06:01.0'"));
    put(root, wish, "(null)\n");
    g_assert_cmpint(hostdevs_detach_pci(def, root), ==, -1);
    g_assert_nonnull(strstr(error_message(), "no IOMMU"));
    put(root, group, "");
    put(root, "bus/pci/drivers_probe", "");
    put(root, unbind, "");
    put(root, "bus/pci/drivers/vfio-pci/bind", "");
    g_assert_cmpint(symlink("../../drivers/e1000", link), ==, 0);
    /* The kernel that doesn't act here is one without the driver: it is told, and the wish is taken back. */
    g_assert_cmpint(hostdevs_detach_pci(def, root), ==, -1);
    g_assert_nonnull(strstr(error_message(), "modprobe vfio-pci"));
    assert_file(root, unbind, "0000:06:01.0");
    assert_file(root, "bus/pci/drivers_probe", "0000:06:01.0");
    g_assert_cmpint(unlink(link), ==, 0);
    g_assert_cmpint(symlink("../../drivers/vfio-pci", link), ==, 0);
    put(root, wish, "");
    g_assert_cmpint(hostdevs_detach_pci(def, root), ==, 0);
    assert_file(root, wish, "vfio-pci");
    virResetLastError();
    qemu_remove_tree(root);
}

static void test_one_owner(void)
{
    g_autoptr(GHashTable) table = hostdevs_table_new();
    g_autoptr(DomainDef) def = with_devices(PCI "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>");
    g_autoptr(DomainDef) twice = with_devices(PCI PCI);

    g_assert_cmpint(hostdevs_claim(table, def, "one"), ==, 0);
    g_assert_cmpint(hostdevs_claim(table, def, "two"), ==, -1);
    g_assert_nonnull(strstr(error_message(), "in use by domain 'one'"));
    hostdevs_release(table, "one");
    g_assert_cmpint(hostdevs_claim(table, twice, "one"), ==, -1);
    g_assert_cmpuint(g_hash_table_size(table), ==, 0);
    g_assert_cmpint(hostdevs_claim(table, def, "two"), ==, 0);
    virResetLastError();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu/parts/keycodes", test_keycodes);
    g_test_add_func("/qemu/parts/ports", test_ports);
    g_test_add_func("/qemu/parts/locked-memory", test_locked_memory);
    g_test_add_func("/qemu/parts/tree", test_tree);
    g_test_add_func("/qemu/parts/usb", test_usb);
    g_test_add_func("/qemu/parts/pci", test_pci);
    g_test_add_func("/qemu/parts/one-owner", test_one_owner);
    return g_test_run();
}
