/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Virtual functions of a card, in a sysfs of the test's own: found when a network starts, handed out one by one.
 */
#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "core/host/sriov.h"
#include "drivers/network/network_driver.h"
#include "remove_tree.h"

static void link_to(const char *root, const char *at, const char *target)
{
    g_autofree char *path = g_build_filename(root, at, NULL), *folder = g_path_get_dirname(path);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_cmpint(symlink(target, path), ==, 0);
}

static void folder(const char *root, const char *at)
{
    g_autofree char *path = g_build_filename(root, at, NULL);
    g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
}

/* eth9 at 0000:01:00.0 with three functions, of which the host has the first and the last as network devices. */
static char *make_card(void)
{
    char *root = g_dir_make_tmp("sysfs-XXXXXX", NULL);
    folder(root, "bus/pci/devices/0000:01:00.0/net/eth9");
    link_to(root, "class/net/eth9/device", "../../../bus/pci/devices/0000:01:00.0");
    for (guint i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("bus/pci/devices/0000:01:10.%u/physfn", i);
        g_autofree char *of = g_strdup_printf("bus/pci/devices/0000:01:00.0/virtfn%u", i), *to = g_strdup_printf("../0000:01:10.%u", i);
        g_autofree char *net = g_strdup_printf("bus/pci/devices/0000:01:10.%u/net/vf%u", i, i);
        link_to(root, name, "../0000:01:00.0");
        link_to(root, of, to);
        if (i != 1)
            folder(root, net);
    }
    folder(root, "bus/pci/devices/0000:02:00.0/net/eth8");
    link_to(root, "class/net/eth8/device", "../../../bus/pci/devices/0000:02:00.0");
    return root;
}

static NetworkDef *network(const char *mode, const char *pf)
{
    g_autofree char *xml = g_strdup_printf("<network><name>n</name><forward mode='%s' managed='yes'><pf dev='%s'/></forward></network>", mode, pf);
    NetworkDef *net = xml_parse(&NETWORK_ROOT, xml, strlen(xml), 0, NULL);
    g_assert_nonnull(net);
    if (network_def_complete(net) < 0)
        g_error("%s", error_message());
    return net;
}

static void fails(NetworkDef *net, const char *root, const char *word)
{
    g_assert_cmpint(pool_find(net, root), ==, -1);
    if (!strstr(error_message(), word))
        g_error("'%s' isn't in: %s", word, error_message());
    virResetLastError();
    xml_struct_free(&NETWORK_DEF_DESC, net);
}

static void test_found(void)
{
    g_autofree char *root = make_card();
    NetworkDef *passed = network("hostdev", "eth9"), *shared = network("passthrough", "eth9");
    g_assert_cmpint(pool_find(passed, root), ==, 0);
    g_assert_cmpuint(passed->forward.n_addresses, ==, 3);
    for (guint i = 0; i < 3; i++) {
        g_assert_cmpuint(passed->forward.addresses[i]->pci.slot, ==, 0x10);
        g_assert_cmpuint(passed->forward.addresses[i]->pci.function, ==, i);
    }
    g_assert_cmpint(pool_find(passed, root), ==, 0); /* nothing is found twice */
    g_assert_cmpuint(passed->forward.n_addresses, ==, 3);
    g_assert_cmpint(pool_find(shared, root), ==, 0);
    g_assert_cmpuint(shared->forward.n_interfaces, ==, 2);
    g_assert_cmpstr(shared->forward.interfaces[1]->dev, ==, "vf2");
    xml_struct_free(&NETWORK_DEF_DESC, passed);
    xml_struct_free(&NETWORK_DEF_DESC, shared);
    fails(network("hostdev", "eth8"), root, "sriov_numvfs");
    fails(network("hostdev", "eth7"), root, "no network card 'eth7'");
    remove_tree(root);
}

static NetworkPortDef *port(void)
{
    static const char xml[] = "<networkport><owner><name>g</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid></owner>"
                              "<mac address='52:54:00:00:00:01'/></networkport>";
    NetworkPortDef *def = xml_parse(&NETWORK_PORT_ROOT, xml, strlen(xml), 0, NULL);
    g_assert_nonnull(def);
    g_assert_cmpint(network_port_def_complete(def), ==, 0);
    return def;
}

/* Passed devices have one guest each; shared ones the fewest. */
static void test_handed_out(void)
{
    g_autofree char *root = make_card();
    NetworkDef *passed = network("hostdev", "eth9"), *shared = network("private", "eth9");
    NetworkPortDef *ports[4] = { port(), port(), port(), port() };
    g_assert_cmpint(pool_find(passed, root), ==, 0);
    for (guint i = 0; i < 3; i++) {
        g_assert_cmpint(network_port_def_plan(ports[i], passed, false, (const NetworkPortDef *const *) ports, i), ==, 0);
        g_assert_cmpint(ports[i]->plug->type, ==, NETWORK_PORT_PLUG_TYPE_HOSTDEV_PCI);
        g_assert_cmpuint(ports[i]->plug->address->function, ==, i);
        g_assert_cmpint(ports[i]->plug->managed, ==, TRISTATE_YES);
    }
    g_assert_cmpint(network_port_def_plan(ports[3], passed, false, (const NetworkPortDef *const *) ports, 3), ==, -1);
    g_assert_nonnull(strstr(error_message(), "no device left"));
    virResetLastError();
    for (guint i = 0; i < G_N_ELEMENTS(ports); i++) {
        xml_struct_free(&NETWORK_PORT_DEF_DESC, ports[i]);
        ports[i] = port();
    }
    g_assert_cmpint(pool_find(shared, root), ==, 0);
    for (guint i = 0; i < 4; i++) {
        g_assert_cmpint(network_port_def_plan(ports[i], shared, false, (const NetworkPortDef *const *) ports, i), ==, 0);
        g_assert_cmpstr(ports[i]->plug->dev, ==, i % 2 ? "vf2" : "vf0");
    }
    for (guint i = 0; i < G_N_ELEMENTS(ports); i++)
        xml_struct_free(&NETWORK_PORT_DEF_DESC, ports[i]);
    xml_struct_free(&NETWORK_DEF_DESC, passed);
    xml_struct_free(&NETWORK_DEF_DESC, shared);
    remove_tree(root);
}

static void test_parent(void)
{
    g_autofree char *root = make_card();
    PciAddress pci = { .bus = 1, .slot = 0x10, .function = 2 };
    guint number = 99;
    g_autofree char *card = sriov_parent(root, &pci, &number);
    g_assert_cmpstr(card, ==, "eth9");
    g_assert_cmpuint(number, ==, 2);
    pci = (PciAddress) { .bus = 1 };
    g_assert_null(sriov_parent(root, &pci, &number));
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    pci.bus = 9;
    g_assert_null(sriov_parent(root, &pci, &number));
    g_assert_nonnull(strstr(error_message(), "no PCI device '0000:09:00.0'"));
    virResetLastError();
    remove_tree(root);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/pool/found", test_found);
    g_test_add_func("/network/pool/handed-out", test_handed_out);
    g_test_add_func("/network/pool/parent", test_parent);
    return g_test_run();
}
