/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes of PCI functions: good ones, and all that a broken or hostile device might show.
 */
#include <string.h>
#include "drivers/nodedev/describe.h"

static void put16(guint8 *at, guint value)
{
    at[0] = (guint8) value;
    at[1] = (guint8) (value >> 8);
}

/* A root port: first power management, then express. */
static void make_config(guint8 config[256], guint kind)
{
    memset(config, 0, 256);
    put16(config + 0x06, 0x10);
    config[0x34] = 0x40;
    config[0x40] = 0x01;
    config[0x41] = 0x50;
    config[0x50] = 0x10;
    put16(config + 0x52, kind << 4 | 2);
    put16(config + 0x5c, 4 | (16 & 0x3f) << 4);     /* up to 16 GT/s, 16 lanes */
    put16(config + 0x5e, 0x0300);                   /* port 3 */
    put16(config + 0x62, 3 | 4 << 4);               /* now 8 GT/s, 4 lanes */
}

static void test_express(void)
{
    guint8 config[256];
    make_config(config, 4);
    NodedevPciExpress *express = pci_config_express(config, sizeof(config));
    g_assert_nonnull(express);
    g_assert_cmpuint(express->n_links, ==, 2);
    g_assert_cmpint(express->links[0]->validity, ==, NODEDEV_PCI_VALIDITY_CAP);
    g_assert_cmpint(express->links[0]->speed, ==, NODEDEV_PCI_SPEED_16);
    g_assert_cmpuint(express->links[0]->width, ==, 16);
    g_assert_true(express->links[0]->has_port);
    g_assert_cmpuint(express->links[0]->port, ==, 3);
    g_assert_cmpint(express->links[1]->speed, ==, NODEDEV_PCI_SPEED_8);
    g_assert_cmpuint(express->links[1]->width, ==, 4);
    g_assert_false(express->links[1]->has_port);
    xml_struct_free(&NODEDEV_PCI_EXPRESS_DESC, express);
    make_config(config, 9); /* an endpoint in the root complex has no link */
    express = pci_config_express(config, sizeof(config));
    g_assert_cmpuint(express->n_links, ==, 0);
    xml_struct_free(&NODEDEV_PCI_EXPRESS_DESC, express);
}

static void test_bad_config(void)
{
    guint8 config[256];
    for (guint len = 0; len < 0x64; len++) {    /* who may not read all sees the first 64 bytes */
        make_config(config, 4);
        g_assert_null(pci_config_express(config, len));
    }
    make_config(config, 4);
    put16(config + 0x06, 0);
    g_assert_null(pci_config_express(config, sizeof(config)));
    make_config(config, 4);
    config[0x41] = 0x40; /* round in a circle */
    g_assert_null(pci_config_express(config, sizeof(config)));
    config[0x41] = 0xfc; /* to the very end */
    config[0xfc] = 0x10;
    g_assert_null(pci_config_express(config, sizeof(config)));
    memset(config, 0xff, sizeof(config)); /* a device that is gone */
    g_assert_null(pci_config_express(config, sizeof(config)));
}

/* Name, read-only and read-write data; the sum is right. */
static size_t make_vpd(guint8 *data)
{
    static const char name[] = "Fine card", readonly[] = "PN\x04" "P-12" "SN\x03" "\x01\x02\x03" "EC\x02" "A1" "V0\x05" "hello" "MN\x04" "1028" "RV\x01";
    static const char readwrite[] = "YA\x03" "tag" "Y1\x02" "ok" "V2\x01" "x" "RW\x00";
    size_t at = 0;
    guint8 sum = 0;
    data[at] = 0x82;
    put16(data + at + 1, sizeof(name) - 1);
    memcpy(data + at + 3, name, sizeof(name) - 1);
    at += 3 + sizeof(name) - 1;
    data[at] = 0x90;
    put16(data + at + 1, sizeof(readonly));
    memcpy(data + at + 3, readonly, sizeof(readonly) - 1);
    at += 3 + sizeof(readonly) - 1;
    for (size_t i = 0; i < at; i++)
        sum = (guint8) (sum + data[i]);
    data[at++] = (guint8) -sum;
    data[at] = 0x91;
    put16(data + at + 1, sizeof(readwrite) - 1);
    memcpy(data + at + 3, readwrite, sizeof(readwrite) - 1);
    at += 3 + sizeof(readwrite) - 1;
    data[at++] = 0x78;
    return at;
}

static void test_vpd(void)
{
    guint8 data[512] = { 0 };
    size_t len = make_vpd(data);
    NodedevPciSubcap *vpd = pci_config_vpd(data, len);
    g_assert_nonnull(vpd);
    g_assert_cmpstr(vpd->name, ==, "Fine card");
    g_assert_cmpuint(vpd->n_vpd_fields, ==, 2);
    const NodedevVpdFields *readonly = vpd->vpd_fields[0], *readwrite = vpd->vpd_fields[1];
    g_assert_cmpstr(readonly->part_number, ==, "P-12");
    g_assert_null(readonly->serial_number); /* no text */
    g_assert_cmpstr(readonly->change_level, ==, "A1");
    g_assert_cmpstr(readonly->manufacture_id, ==, "1028");
    g_assert_cmpuint(readonly->n_vendor_fields, ==, 1);
    g_assert_cmpstr(readonly->vendor_fields[0]->index, ==, "0");
    g_assert_cmpstr(readonly->vendor_fields[0]->value, ==, "hello");
    g_assert_cmpstr(readwrite->asset_tag, ==, "tag");
    g_assert_cmpuint(readwrite->n_system_fields, ==, 1);
    g_assert_cmpuint(readwrite->n_vendor_fields, ==, 1);
    xml_struct_free(&NODEDEV_PCI_SUBCAP_DESC, vpd);
}

static void test_bad_vpd(void)
{
    guint8 data[512] = { 0 };
    size_t len = make_vpd(data);
    data[5] ^= 1; /* the sum says so */
    g_assert_null(pci_config_vpd(data, len));
    make_vpd(data);
    for (size_t cut = 0; cut < len; cut++) {
        NodedevPciSubcap *vpd = pci_config_vpd(data, cut);
        if (vpd)
            xml_struct_free(&NODEDEV_PCI_SUBCAP_DESC, vpd);
    }
    for (guint seed = 0; seed < 20000; seed++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        len = make_vpd(data);
        for (guint i = 0; i < 4; i++)
            data[g_rand_int_range(rand, 0, (int) len)] = (guint8) g_rand_int(rand);
        NodedevPciSubcap *vpd = pci_config_vpd(data, len);
        if (vpd)
            xml_struct_free(&NODEDEV_PCI_SUBCAP_DESC, vpd);
    }
}

static void test_addresses(void)
{
    static const char *const wrong[] = { "", "0000:00:00", "0000:00:00.0x", "zz", "0000:00:00.", NULL };
    PciAddress at = { 0 };
    g_assert_true(parse_pci_address("10001:3a:1f.7", &at));
    g_assert_cmpuint(at.domain, ==, 0x10001);
    g_assert_cmpuint(at.bus, ==, 0x3a);
    g_assert_cmpuint(at.slot, ==, 0x1f);
    g_assert_cmpuint(at.function, ==, 7);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(parse_pci_address(wrong[i], &at));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nodedev/express", test_express);
    g_test_add_func("/nodedev/bad-config", test_bad_config);
    g_test_add_func("/nodedev/vpd", test_vpd);
    g_test_add_func("/nodedev/bad-vpd", test_bad_vpd);
    g_test_add_func("/nodedev/addresses", test_addresses);
    return g_test_run();
}
