/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of networks: rules, and changes of single sections. The codes are what Debian's library answered to the same
 * calls, in this order, on test:///default; where ours differs a comment tells why.
 */
#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "model/network.h"

#define HEAD "<network><name>n</name><uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid>"

static NetworkDef *read_network(const char *xml)
{
    NetworkDef *def = xml_parse(&NETWORK_ROOT, xml, strlen(xml), XML_INACTIVE, NULL);
    if (def && network_def_complete(def) == 0)
        return def;
    xml_struct_free(&NETWORK_DEF_DESC, def);
    return NULL;
}

static char *format(const NetworkDef *def)
{
    return xml_format(NETWORK_ROOT.desc, def, NETWORK_ROOT.name, NETWORK_ROOT.ns, 0, XML_INACTIVE);
}

enum { MODIFY = VIR_NETWORK_UPDATE_COMMAND_MODIFY, DELETE = VIR_NETWORK_UPDATE_COMMAND_DELETE,
       ADD = VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, FIRST = VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST };
enum { HOST = VIR_NETWORK_SECTION_IP_DHCP_HOST, RANGE = VIR_NETWORK_SECTION_IP_DHCP_RANGE,
       GROUP = VIR_NETWORK_SECTION_PORTGROUP, DNS = VIR_NETWORK_SECTION_DNS_HOST, TXT = VIR_NETWORK_SECTION_DNS_TXT,
       SRV = VIR_NETWORK_SECTION_DNS_SRV };

static const struct { unsigned int command, section; const char *xml; int code; } updates[] = {
    { ADD, HOST, "<host mac='52:54:00:00:00:03' name='c' ip='192.168.5.13'/>", 0 },
    { FIRST, HOST, "<host mac='52:54:00:00:00:04' name='d' ip='192.168.5.14'/>", 0 },
    { ADD, HOST, "<host mac='52:54:00:00:00:01' name='e' ip='192.168.5.15'/>", VIR_ERR_OPERATION_INVALID },
    { ADD, HOST, "<host mac='52:54:00:00:00:09' name='e' ip='192.168.5.11'/>", VIR_ERR_OPERATION_INVALID },
    { ADD, HOST, "<host mac='52:54:00:00:00:09' name='a' ip='192.168.5.15'/>", VIR_ERR_OPERATION_INVALID },
    { MODIFY, HOST, "<host mac='52:54:00:00:00:01' name='aa' ip='192.168.5.21'/>", 0 },
    { MODIFY, HOST, "<host mac='52:54:00:00:00:91' name='aa' ip='192.168.5.22'/>", 0 },
    { MODIFY, HOST, "<host mac='52:54:00:00:00:92' name='zz' ip='192.168.5.22'/>", 0 },
    /* The address is another host's. The reference takes it; dnsmasq calls it a mistake. */
    { MODIFY, HOST, "<host mac='52:54:00:00:00:02' name='b' ip='192.168.5.13'/>", VIR_ERR_OPERATION_INVALID },
    { MODIFY, HOST, "<host mac='52:54:00:00:00:77' name='u' ip='192.168.5.77'/>", VIR_ERR_OPERATION_INVALID },
    { DELETE, HOST, "<host mac='52:54:00:00:00:02'/>", 0 },
    { DELETE, HOST, "<host mac='52:54:00:00:00:03' ip='192.168.5.99'/>", VIR_ERR_OPERATION_INVALID },
    { DELETE, HOST, "<host mac='52:54:00:00:00:78'/>", VIR_ERR_OPERATION_INVALID },
    { DELETE, HOST, "<host name='c'/>", 0 },
    { ADD, HOST, "<host/>", VIR_ERR_XML_ERROR },
    { ADD, HOST, "<range/>", VIR_ERR_XML_ERROR },
    { ADD, HOST, "<host", VIR_ERR_XML_DETAIL },
    { ADD, RANGE, "<range start='192.168.5.150' end='192.168.5.160'/>", 0 },
    { ADD, RANGE, "<range start='192.168.5.150' end='192.168.5.160'/>", VIR_ERR_OPERATION_INVALID },
    { ADD, RANGE, "<range start='192.168.5.170' end='192.168.5.165'/>", VIR_ERR_INTERNAL_ERROR },
    { MODIFY, RANGE, "<range start='192.168.5.150' end='192.168.5.161'/>", VIR_ERR_OPERATION_UNSUPPORTED },
    { DELETE, RANGE, "<range start='192.168.5.150' end='192.168.5.160'/>", 0 },
    { ADD, VIR_NETWORK_SECTION_FORWARD, "<forward mode='nat'/>", VIR_ERR_OPERATION_UNSUPPORTED },
    { MODIFY, VIR_NETWORK_SECTION_BRIDGE, "<bridge name='x'/>", VIR_ERR_OPERATION_UNSUPPORTED },
    { ADD, GROUP, "<portgroup name='p' default='yes'/>", 0 },
    { ADD, GROUP, "<portgroup name='p'/>", VIR_ERR_OPERATION_INVALID },
    { ADD, GROUP, "<portgroup name='q' default='yes'/>", VIR_ERR_OPERATION_INVALID },
    { MODIFY, GROUP, "<portgroup name='p'/>", 0 },
    { MODIFY, GROUP, "<portgroup name='zz'/>", VIR_ERR_OPERATION_INVALID },
    { DELETE, GROUP, "<portgroup name='p'/>", 0 },
    { ADD, DNS, "<host ip='192.168.5.30'><hostname>h</hostname></host>", 0 },
    { ADD, DNS, "<host ip='192.168.5.30'><hostname>i</hostname></host>", VIR_ERR_OPERATION_INVALID },
    { ADD, DNS, "<host ip='192.168.5.31'><hostname>h</hostname></host>", 0 },
    { MODIFY, DNS, "<host ip='192.168.5.30'><hostname>k</hostname></host>", VIR_ERR_OPERATION_UNSUPPORTED },
    { DELETE, DNS, "<host ip='192.168.5.30'/>", 0 },
    { ADD, TXT, "<txt name='t' value='v'/>", 0 },
    { ADD, TXT, "<txt name='t' value='w'/>", VIR_ERR_OPERATION_INVALID },
    { DELETE, TXT, "<txt name='t'/>", 0 },
    { ADD, SRV, "<srv service='s' protocol='tcp' domain='d' target='t' port='5'/>", 0 },
    { ADD, SRV, "<srv service='s' protocol='tcp' domain='d' target='t' port='5'/>", VIR_ERR_OPERATION_INVALID },
    { DELETE, SRV, "<srv service='s' protocol='tcp'/>", 0 },
    { ADD, 0, "<x/>", VIR_ERR_OPERATION_UNSUPPORTED },
    { ADD, VIR_NETWORK_SECTION_DNS_SRV + 1, "<x/>", VIR_ERR_OPERATION_UNSUPPORTED },
    { 0, HOST, "<host mac='52:54:00:00:00:81' name='y' ip='192.168.5.81'/>", VIR_ERR_OPERATION_UNSUPPORTED },
    { 9, HOST, "<host mac='52:54:00:00:00:81' name='y' ip='192.168.5.81'/>", VIR_ERR_OPERATION_UNSUPPORTED },
};

static const char before[] = HEAD
    "<forward mode='nat'/><bridge name='virbr9' stp='on' delay='0'/><ip address='192.168.5.1' netmask='255.255.255.0'><dhcp>"
    "<range start='192.168.5.2' end='192.168.5.99'/><host mac='52:54:00:00:00:01' name='a' ip='192.168.5.11'/>"
    "<host mac='52:54:00:00:00:02' name='b' ip='192.168.5.12'/></dhcp></ip></network>";

static const char after[] =
    "<network>\n"
    "  <name>n</name>\n"
    "  <uuid>81ff0d90-c91e-6742-64da-4a736edb9a9b</uuid>\n"
    "  <forward mode='nat'/>\n"
    "  <bridge name='virbr9' stp='on' delay='0'/>\n"
    "  <dns>\n"
    "    <host ip='192.168.5.31'>\n"
    "      <hostname>h</hostname>\n"
    "    </host>\n"
    "  </dns>\n"
    "  <ip address='192.168.5.1' netmask='255.255.255.0'>\n"
    "    <dhcp>\n"
    "      <range start='192.168.5.2' end='192.168.5.99'/>\n"
    "      <host mac='52:54:00:00:00:04' name='d' ip='192.168.5.14'/>\n"
    "      <host mac='52:54:00:00:00:92' name='zz' ip='192.168.5.22'/>\n"
    "    </dhcp>\n"
    "  </ip>\n"
    "</network>\n";

static void test_updates(void)
{
    NetworkDef *def = read_network(before);
    g_assert_nonnull(def);
    for (guint i = 0; i < G_N_ELEMENTS(updates); i++) {
        NetworkDef *next = xml_struct_copy(&NETWORK_DEF_DESC, def);
        virResetLastError();
        int rc = network_def_update(next, updates[i].command, updates[i].section, -1, updates[i].xml);
        g_test_message("%u: %s: %s", updates[i].command, updates[i].xml, rc < 0 ? error_message() : "done");
        g_assert_cmpint(rc, ==, updates[i].code ? -1 : 0);
        g_assert_cmpint(rc < 0 ? error_code() : 0, ==, updates[i].code);
        if (rc == 0) {
            xml_struct_free(&NETWORK_DEF_DESC, def);
            def = g_steal_pointer(&next);
        }
        xml_struct_free(&NETWORK_DEF_DESC, next);
    }
    g_autofree char *text = format(def);
    g_assert_cmpstr(text, ==, after);
    xml_struct_free(&NETWORK_DEF_DESC, def);
}

static void test_wrong_place(void)
{
    NetworkDef *def = read_network(before);
    g_assert_cmpint(network_def_update(def, ADD, HOST, 7, "<host mac='52:54:00:00:00:34' name='o' ip='192.168.5.44'/>"), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_INVALID);
    xml_struct_free(&NETWORK_DEF_DESC, def);
}

/* What is completed stays as it is. */
static void test_complete_twice(void)
{
    NetworkDef *def = read_network(before);
    g_autofree char *once = format(def);
    g_assert_cmpint(network_def_complete(def), ==, 0);
    g_autofree char *twice = format(def);
    g_assert_cmpstr(once, ==, twice);
    xml_struct_free(&NETWORK_DEF_DESC, def);
}

#define PORT "<networkport><uuid>11111111-1111-1111-1111-11111111111%d</uuid><owner><name>g</name>" \
    "<uuid>22222222-2222-2222-2222-222222222221</uuid></owner><mac address='52:54:00:00:00:01'/>%s</networkport>"

static NetworkPortDef *read_port(int number, const char *inside)
{
    g_autofree char *xml = g_strdup_printf(PORT, number, inside);
    NetworkPortDef *port = xml_parse(&NETWORK_PORT_ROOT, xml, strlen(xml), 0, NULL);
    g_assert_nonnull(port);
    g_assert_cmpint(network_port_def_complete(port), ==, 0);
    return port;
}

/* Devices that are passed have one guest each; what a running guest has is kept when its port is reclaimed. (What can be compared with
 * Debian's is in tests/integration/test_network.py; it wants real devices for this.) */
static void test_passed_devices(void)
{
    NetworkDef *net = read_network(HEAD "<forward mode='hostdev' managed='yes'><driver name='vfio'/>"
                                   "<address type='pci' bus='5' slot='1'/><address type='pci' bus='5' slot='2'/></forward></network>");
    NetworkPortDef *ports[3];
    g_assert_nonnull(net);
    for (guint i = 0; i < 3; i++)
        ports[i] = read_port((int) i, i == 2 ? "<plug type='hostdev-pci'><address bus='5' slot='2'/></plug>" : "");
    const NetworkPortDef *const *others = (const NetworkPortDef *const *) ports;
    g_assert_cmpint(network_port_def_plan(ports[2], net, false, others, 0), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(network_port_def_plan(ports[0], net, true, others, 0), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(network_port_def_plan(ports[2], net, true, others, 0), ==, 0);
    g_assert_cmpint(network_port_def_plan(ports[0], net, false, others + 2, 1), ==, 0);
    g_assert_cmpint(ports[0]->plug->type, ==, NETWORK_PORT_PLUG_TYPE_HOSTDEV_PCI);
    g_assert_cmpint(ports[0]->plug->address->slot, ==, 1);
    g_assert_cmpint(ports[0]->plug->driver, ==, NETWORK_HOSTDEV_DRIVER_VFIO);
    g_assert_cmpint(ports[0]->plug->managed, ==, TRISTATE_YES);
    const NetworkPortDef *both[] = { ports[0], ports[2] };
    g_assert_cmpint(network_port_def_plan(ports[1], net, false, both, 2), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_INTERNAL_ERROR);
    for (guint i = 0; i < 3; i++)
        xml_struct_free(&NETWORK_PORT_DEF_DESC, ports[i]);
    xml_struct_free(&NETWORK_DEF_DESC, net);
    virResetLastError();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/updates", test_updates);
    g_test_add_func("/network/wrong-place", test_wrong_place);
    g_test_add_func("/network/complete-twice", test_complete_twice);
    g_test_add_func("/network/passed-devices", test_passed_devices);
    return g_test_run();
}
