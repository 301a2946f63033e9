/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What dnsmasq and the firewall are told: pure functions of a network's definition. The configurations are compared with Debian's in
 * integration/network_agrees; here is what that can't show.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "drivers/network/dnsmasq.h"
#include "drivers/network/rules.h"

static const DnsmasqFiles files = { "/conf", "/hosts", "/names", "/pid" };

static NetworkDef *network(const char *body)
{
    g_autofree char *xml = g_strdup_printf("<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>n</name>"
                                           "<bridge name='virbr0'/>%s</network>", body);
    NetworkDef *net = xml_parse(&NETWORK_ROOT, xml, strlen(xml), 0, NULL);
    g_assert_nonnull(net);
    if (network_def_complete(net) < 0)
        g_error("%s", error_message());
    return net;
}

static void has(const char *text, const char *line)
{
    g_autofree char *whole = g_strdup_printf("\n%s\n", line);
    g_autofree char *all = g_strdup_printf("\n%s", text);
    if (!strstr(all, whole))
        g_error("there is no '%s' in:\n%s", line, text);
}

#define NET4 "<ip address='192.168.5.1' netmask='255.255.255.0'>"

static void test_leases(void)
{
    NetworkDef *net = network(NET4 "<dhcp><range start='192.168.5.2' end='192.168.5.9'><lease expiry='2' unit='hours'/></range>"
                              "<range start='192.168.5.20' end='192.168.5.29'><lease expiry='0'/></range>"
                              "<range start='192.168.5.30' end='192.168.5.39'><lease expiry='4294967295' unit='seconds'/></range>"
                              "<host mac='52:54:00:00:00:01' ip='192.168.5.5'><lease expiry='10'/></host>"
                              "<host name='b' ip='192.168.5.6'/></dhcp></ip>");
    g_autofree char *conf = dnsmasq_conf(net, &files), *hosts = dnsmasq_hosts(net);
    has(conf, "dhcp-range=192.168.5.2,192.168.5.9,255.255.255.0,2h");
    has(conf, "dhcp-range=192.168.5.20,192.168.5.29,255.255.255.0,infinite");
    has(conf, "dhcp-range=192.168.5.30,192.168.5.39,255.255.255.0,4294967295s");
    has(conf, "dhcp-lease-max=28");
    has(hosts, "52:54:00:00:00:01,192.168.5.5,10m");
    has(hosts, "b,192.168.5.6");
    xml_struct_free(&NETWORK_DEF_DESC, net);
}

static void test_needed(void)
{
    static const struct { const char *body; bool needed; } cases[] = {
        { "", false },
        { NET4 "</ip>", true },
        { "<dns enable='no'/>" NET4 "</ip>", false },
        { "<dns enable='no'/>" NET4 "<dhcp><range start='192.168.5.2' end='192.168.5.9'/></dhcp></ip>", true },
        { "<dns enable='no'/>" NET4 "<dhcp/></ip>", false },
        { "<dns enable='no'/>" NET4 "<tftp root='/t'/></ip>", true },
        { "<dns enable='no'/><ip family='ipv6' address='fd00::1' prefix='64'/>", true },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        NetworkDef *net = network(cases[i].body);
        g_assert_cmpint(dnsmasq_is_needed(net), ==, cases[i].needed);
        xml_struct_free(&NETWORK_DEF_DESC, net);
    }
}

/* Nothing that comes from a definition makes a line of its own. */
static void test_lines(void)
{
    static const char *const bad[] = {
        "<domain name='a&#10;b'/>",
        "<dns><forwarder domain='a&#10;b' addr='1.1.1.1'/></dns>",
        "<dns><txt name='a' value='b&#13;c'/></dns>",
        "<dns><srv service='a&#10;b' protocol='tcp'/></dns>",
        "<dns><srv service='a' protocol='tcp' domain='x&#10;y'/></dns>",
        "<dns><host ip='1.1.1.1'><hostname>a&#10;b</hostname></host></dns>",
        NET4 "<tftp root='/a&#10;b'/></ip>",
        NET4 "<dhcp><range start='192.168.5.2' end='192.168.5.9'/><bootp file='a&#10;b'/></dhcp></ip>",
        "<dnsmasq:options><dnsmasq:option value='a&#10;b'/></dnsmasq:options>",
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *xml = g_strdup_printf("<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>n</name>"
                                               "<bridge name='virbr0'/>%s</network>", bad[i]);
        NetworkDef *net = xml_parse(&NETWORK_ROOT, xml, strlen(xml), 0, NULL);
        /* some of it the format's own rules refuse */
        if (net && network_def_complete(net) == 0)
            g_assert_cmpint(dnsmasq_check(net), ==, -1);
        g_assert_cmpint(error_code(), !=, VIR_ERR_OK);
        virResetLastError();
        if (net)
            xml_struct_free(&NETWORK_DEF_DESC, net);
    }
}

static void test_bridges(void)
{
    static const struct { const char *name; bool fine; } cases[] = {
        { "virbr0", true }, { "br-lan.5", true }, { "", false }, { "a b", false }, { "a\"b", false }, { "a*", false }, { "..", false },
        { "sixteencharacter", false }, { "a/b", false },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(rules_bridge_is_writable(cases[i].name), ==, cases[i].fine);
}

static void test_rules(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    NetworkDef *net = network("<forward mode='nat' dev='up0'><nat><address start='1.2.3.4' end='1.2.3.9'/><port start='500' end='600'/></nat>"
                              "</forward>" NET4 "</ip>");
    rules_add(net, text);
    has(text->str, "add rule inet libvirt_network to_virbr0 iifname \"up0\" ip daddr 192.168.5.0/24 ct state related,established accept");
    has(text->str, "add rule inet libvirt_network from_virbr0 oifname \"up0\" ip saddr 192.168.5.0/24 accept");
    has(text->str, "add rule inet libvirt_network nat_virbr0 oifname \"up0\" ip saddr 192.168.5.0/24 ip daddr != 192.168.5.0/24 meta l4proto "
        "{ tcp, udp } snat ip to 1.2.3.4-1.2.3.9:500-600");
    xml_struct_free(&NETWORK_DEF_DESC, net);
    net = network("<forward mode='open'/>" NET4 "</ip>");
    g_string_truncate(text, 0);
    rules_add(net, text);
    g_assert_cmpstr(text->str, ==, "");
    xml_struct_free(&NETWORK_DEF_DESC, net);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network-texts/leases", test_leases);
    g_test_add_func("/network-texts/needed", test_needed);
    g_test_add_func("/network-texts/lines", test_lines);
    g_test_add_func("/network-texts/bridges", test_bridges);
    g_test_add_func("/network-texts/rules", test_rules);
    return g_test_run();
}
