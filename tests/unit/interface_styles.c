/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The styles of the host's files: a definition that was written is read again as it was, and what administrators write is understood.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "core/definition.h"
#include "drivers/interface/style.h"

static const HostStyle *const styles[] = { &style_ifupdown, &style_networkd, &style_keyfile, &style_netplan };

#define V4(x) "<protocol family='ipv4'>" x "</protocol>"
#define V6(x) "<protocol family='ipv6'>" x "</protocol>"
#define PORT(n) "<interface type='ethernet' name='" n "'/>"
#define BOND_OF(options, attrs) "<bond" attrs ">" options PORT("e1") PORT("e2") "</bond>"

/* What every style can say, as interface type and inside. */
static const struct { const char *type, *inside; } all_can[] = {
    { "ethernet", "<start mode='none'/>" },
    { "ethernet", "<start mode='onboot'/><mtu size='1400'/><mac address='52:54:00:00:00:01'/>" },
    { "ethernet", "<start mode='onboot'/>" V4("<dhcp/>") },
    { "ethernet", "<start mode='onboot'/>" V4("<dhcp peerdns='no'/>") },
    { "ethernet", "<start mode='onboot'/>" V4("<dhcp peerdns='yes'/>") V6("<dhcp peerdns='no'/>") },
    { "ethernet", "<start mode='none'/>" V4("<ip address='10.0.0.1' prefix='24'/><route gateway='10.0.0.254'/>") },
    { "ethernet", "<start mode='onboot'/>" V4("<ip address='10.0.0.1' prefix='24'/><ip address='10.0.1.1' prefix='16'/>")
      V6("<ip address='fd00::1' prefix='64'/><ip address='fd00::2' prefix='64'/><route gateway='fd00::9'/>") },
    { "ethernet", "<start mode='onboot'/>" V6("<autoconf/>") },
    { "bridge", "<start mode='onboot'/>" V4("<ip address='10.0.0.1' prefix='24'/>") "<bridge stp='on' delay='4'>" PORT("e1") PORT("e2") "</bridge>" },
    { "bridge", "<start mode='none'/><bridge stp='off' delay='0'/>" },
    { "bridge", "<start mode='onboot'/><mtu size='9000'/><bridge>" PORT("e1") "</bridge>" },
    { "bridge", "<start mode='onboot'/><bridge><interface type='bond' name='bond0'>" BOND_OF("<miimon freq='100'/>", " mode='802.3ad'")
      "</interface></bridge>" },
    { "bond", "<start mode='onboot'/>" BOND_OF("<miimon freq='100' downdelay='20' updelay='10'/>", " mode='active-backup'") },
    { "bond", "<start mode='onboot'/>" V4("<dhcp/>") BOND_OF("<arpmon interval='100' target='10.0.0.9' validate='active'/>", " mode='balance-xor'") },
    { "bond", "<start mode='none'/>" BOND_OF("", " mode='broadcast'") },
};
/* And what some can't. */
static const struct { const char *type, *inside; const HostStyle *not[3]; } some_can[] = {
    { "ethernet", "<start mode='hotplug'/>", { &style_keyfile } },
    { "vlan", "<start mode='onboot'/>" V4("<ip address='10.0.0.1' prefix='24'/>") "<vlan tag='5'><interface name='e1'/></vlan>", { NULL } },
    { "bridge", "<start mode='none'/><bridge><interface type='vlan' name='e1.5'><vlan tag='5'><interface name='e1'/></vlan></interface></bridge>",
      { NULL } },
    { "vlan", "<start mode='onboot'/><vlan tag='5'><interface name='e9'/></vlan>", { &style_networkd } },
    { "bridge", "<start mode='none'/><bridge delay='0.5'/>", { &style_keyfile } },
    { "bond", "<start mode='onboot'/>" BOND_OF("<miimon freq='100' carrier='ioctl'/>", ""), { &style_netplan } },
    { "ethernet", "<start mode='onboot'/>" V6("<autoconf/><dhcp/>"), { NULL } },
};

static HostInterfaceDef *parse(const char *type, const char *inside)
{
    g_autofree char *xml = g_strdup_printf("<interface type='%s' name='x0.1_'>%s</interface>", type, inside);
    HostInterfaceDef *def = definition_read(&HOST_INTERFACE_ROOT, xml, TRUE);
    g_assert_nonnull(def);
    g_assert_cmpint(host_interface_complete(def), ==, 0);
    return def;
}

static char *text_of(const HostInterfaceDef *def) { return xml_format(&HOST_INTERFACE_DEF_DESC, def, "interface", NULL, 0, 0); }

static GPtrArray *new_files(void) { return g_ptr_array_new_with_free_func((GDestroyNotify) style_file_free); }

static GPtrArray *read_all(const HostStyle *style, const GPtrArray *files)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify) style_entry_free);
    style->read(files, entries);
    return entries;
}

static gboolean survives(const HostStyle *style, const HostInterfaceDef *def, char **difference)
{
    g_autoptr(GPtrArray) files = new_files();
    g_autoptr(GPtrArray) there = new_files();
    /* what a VLAN is on, for the style that wants to know it */
    g_ptr_array_add(there, style_file_new(g_strdup("/etc/systemd/network/e.network"), g_strdup("[Match]\nName=e1\n"), 0644));
    if (style->write(def, there, files) < 0) {
        g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_CONFIG_UNSUPPORTED);
        *difference = g_strdup(virGetLastErrorMessage());
        virResetLastError();
        return FALSE;
    }
    for (guint i = 0; i < files->len; i++) {
        const StyleFile *file = files->pdata[i];
        g_autofree char *owner = style_owner(file->text), *name = g_path_get_basename(file->path);
        g_assert_cmpstr(owner, ==, def->name);
        g_assert_true((g_str_has_prefix(name, style->prefix) || g_str_has_prefix(name, "libvirt-")) && g_str_has_prefix(file->path, style->folders[0]));
    }
    gboolean dropin = FALSE;
    for (guint i = 0; i < files->len; i++)
        dropin |= strstr(((StyleFile *) files->pdata[i])->path, ".network.d/") != NULL;
    if (dropin)
        g_ptr_array_add(files, g_ptr_array_steal_index(there, 0));
    g_autoptr(GPtrArray) entries = read_all(style, files);
    g_assert_cmpuint(entries->len, ==, dropin ? 2 : 1);
    HostInterfaceDef *read = ((StyleEntry *) entries->pdata[0])->def;
    g_assert_cmpint(host_interface_complete(read), ==, 0);
    g_autofree char *wanted = text_of(def), *got = text_of(read);
    if (strcmp(wanted, got) == 0)
        return TRUE;
    *difference = g_strdup_printf("%s: wanted %s got %s from %s", style->name, wanted, got, ((StyleFile *) files->pdata[0])->text);
    return FALSE;
}

static void test_all_can(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(all_can); i++) {
        HostInterfaceDef *def = parse(all_can[i].type, all_can[i].inside);
        for (guint s = 0; s < G_N_ELEMENTS(styles); s++) {
            g_autofree char *difference = NULL;
            if (!survives(styles[s], def, &difference))
                g_error("%s", difference);
        }
        xml_struct_free(&HOST_INTERFACE_DEF_DESC, def);
    }
}

static void test_some_can(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(some_can); i++) {
        HostInterfaceDef *def = parse(some_can[i].type, some_can[i].inside);
        for (guint s = 0; s < G_N_ELEMENTS(styles); s++) {
            g_autofree char *difference = NULL;
            gboolean can = TRUE;
            for (guint n = 0; n < G_N_ELEMENTS(some_can[i].not); n++)
                can &= some_can[i].not[n] != styles[s];
            if (survives(styles[s], def, &difference) != can)
                g_error("%u, %s: %s", i, styles[s]->name, difference ? difference : "it can");
        }
        xml_struct_free(&HOST_INTERFACE_DEF_DESC, def);
    }
}

/* ---- what administrators write ---- */

typedef struct Case {
    const HostStyle *style;
    const char *files[4][2];    /* path and text */
    const char *expected;       /* the definitions, without their line breaks */
} Case;

static const Case cases[] = {
    { &style_ifupdown, { { "/etc/network/interfaces",
        "# comment\nsource /etc/network/interfaces.d/*\n\nauto lo eth0\niface lo inet loopback\nallow-hotplug eth1\n"
        "iface eth0 inet static\n\taddress 192.168.1.5\n\tnetmask 255.255.255.0\n\tgateway 192.168.1.1\n\tdns-nameservers 1.1.1.1\n"
        "\tup ip route add 10.0.0.0/8 \\\n\t  via 192.168.1.2\n"
        "iface eth0 inet6 auto\niface eth1 inet dhcp\n  hwaddress 52:54:00:00:00:07\niface eth0:1 inet static\n  address 1.1.1.1/24\n"
        "iface wvdial inet ppp\n  provider x\n" } },
      "<interface type='ethernet' name='lo'><start mode='onboot'/></interface>"
      "<interface type='ethernet' name='eth0'><start mode='onboot'/><protocol family='ipv4'><ip address='192.168.1.5' prefix='24'/>"
      "<route gateway='192.168.1.1'/></protocol><protocol family='ipv6'><autoconf/></protocol></interface>"
      "<interface type='ethernet' name='eth1'><start mode='hotplug'/><protocol family='ipv4'><dhcp/></protocol>"
      "<mac address='52:54:00:00:00:07'/></interface><interface type='ethernet' name='wvdial'><start mode='none'/></interface>" },
    { &style_ifupdown, { { "/etc/network/interfaces", "iface br0 inet manual\n bridge-ports eth0 eth1.7\n bridge-stp off\n bridge_fd 0\n"
        "iface eth1.7 inet manual\n vlan_raw_device eth1\niface bond1 inet manual\n bond_mode 4\n bond_slaves none\n" } },
      "<interface type='bridge' name='br0'><start mode='none'/><bridge stp='off' delay='0'><interface type='ethernet' name='eth0'/>"
      "<interface type='vlan' name='eth1.7'><vlan tag='7'><interface name='eth1'/></vlan></interface></bridge></interface>"
      "<interface type='bond' name='bond1'><start mode='none'/><bond mode='802.3ad'/></interface>" },
    { &style_networkd, { { "/etc/systemd/network/a.netdev", "[NetDev]\nName = vlan5\nKind=vlan\n[VLAN]\nId=5\n" },
        { "/etc/systemd/network/b.network", "# x\n[Match]\nName=en*\n[Network]\nDHCP=yes\n" },
        { "/etc/systemd/network/c.network", "[Match]\nName=eth0\n[Link]\nMTUBytes=1400\n[Network]\nDHCP=ipv4\nVLAN=vlan5\nAddress=10.0.0.1/8\n[Address]\n"
          "Address=fd00::1/64\nLabel=x\n[Network]\nGateway=10.0.0.2\n" } },
      "<interface type='vlan' name='vlan5'><start mode='none'/><vlan tag='5'><interface name='eth0'/></vlan></interface>"
      "<interface type='ethernet' name='eth0'><start mode='onboot'/><mtu size='1400'/><protocol family='ipv4'><dhcp/>"
      "<ip address='10.0.0.1' prefix='8'/><route gateway='10.0.0.2'/></protocol><protocol family='ipv6'><ip address='fd00::1' prefix='64'/>"
      "</protocol></interface>" },
    { &style_networkd, { { "/etc/systemd/network/a.netdev", "[NetDev]\nName=b\nKind=bond\n[Bond]\nARPIntervalSec=1\nARPIPTargets=10.0.0.1,10.0.0.2\n" },
        { "/etc/systemd/network/b.netdev", "[NetDev]\nName=b\nKind=bond\n[Bond]\nARPIntervalSec=2\nARPIPTargets=10.0.0.3\n" } },
      "<interface type='bond' name='b'><start mode='none'/><bond><arpmon interval='2000' target='10.0.0.3'/></bond></interface>" },
    { &style_keyfile, { { "/etc/NetworkManager/system-connections/Wired.nmconnection",
        "[connection]\nid=Wired\nuuid=11111111-2222-3333-4444-555555555555\ntype=802-3-ethernet\ninterface-name=eth0\n[802-3-ethernet]\nmtu=1300\n"
        "[ipv4]\nmethod=manual\naddress1=10.0.0.1/24,10.0.0.9\naddress2=10.0.0.2/24\n[ipv6]\nmethod=ignore\n" },
        { "/etc/NetworkManager/system-connections/b.nmconnection",
          "[connection]\nid=b\nuuid=21111111-2222-3333-4444-555555555555\ntype=bridge\ninterface-name=br0\nautoconnect=false\n[bridge]\nstp=false\n" },
        { "/etc/NetworkManager/system-connections/p.nmconnection",
          "[connection]\nid=p\ntype=ethernet\ninterface-name=eth1\nmaster=21111111-2222-3333-4444-555555555555\nslave-type=bridge\n" } },
      "<interface type='ethernet' name='eth0'><start mode='onboot'/><mtu size='1300'/><protocol family='ipv4'>"
      "<ip address='10.0.0.1' prefix='24'/><ip address='10.0.0.2' prefix='24'/><route gateway='10.0.0.9'/></protocol></interface>"
      "<interface type='bridge' name='br0'><start mode='none'/><bridge stp='off'><interface type='ethernet' name='eth1'/></bridge></interface>" },
    { &style_netplan, { { "/etc/netplan/01.yaml",
        "network:\n    version: 2\n    renderer: networkd\n    ethernets:\n        eth0: {dhcp4: yes}\n        eth1: &x\n            addresses: [10.0.0.1/24,"
        " {\"10.0.0.2/24\": {label: x}}]\n            routes: [{to: default, via: 10.0.0.9}]\n        id0: {match: {macaddress: x}, dhcp4: true}\n"
        "    vlans:\n        vlan5: {id: 5, link: eth1}\n" }, { "/etc/netplan/02.yaml", "network: {ethernets: {eth0: {mtu: 1400}}}\n" },
        { "/etc/netplan/03.yaml", "network: [\n" } },
      "<interface type='ethernet' name='eth0'><start mode='onboot'/><mtu size='1400'/><protocol family='ipv4'><dhcp/></protocol></interface>"
      "<interface type='ethernet' name='eth1'><start mode='onboot'/><protocol family='ipv4'><ip address='10.0.0.1' prefix='24'/>"
      "<ip address='10.0.0.2' prefix='24'/><route gateway='10.0.0.9'/></protocol></interface>"
      "<interface type='vlan' name='vlan5'><start mode='onboot'/><vlan tag='5'><interface name='eth1'/></vlan></interface>" },
};

static void test_administrators(void)
{
    g_autoptr(GRegex) blank = g_regex_new(">\\s+<", 0, 0, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) files = new_files();
        g_autoptr(GString) got = g_string_new(NULL);
        for (guint f = 0; f < G_N_ELEMENTS(cases[i].files) && cases[i].files[f][0]; f++)
            g_ptr_array_add(files, style_file_new(g_strdup(cases[i].files[f][0]), g_strdup(cases[i].files[f][1]), 0644));
        g_autoptr(GPtrArray) entries = read_all(cases[i].style, files);
        for (guint e = 0; e < entries->len; e++) {
            g_autofree char *text = text_of(((StyleEntry *) entries->pdata[e])->def);
            g_string_append(got, text);
        }
        g_autofree char *plain = g_regex_replace(blank, got->str, -1, 0, "><", 0, NULL);
        g_assert_cmpstr(g_strchomp(plain), ==, cases[i].expected);
    }
}

/* Any text is read without harm. */
static void test_garbage(void)
{
    static const char *const texts[] = { "", "\n", "[", "[]", "=", "[a]\n=\n", "iface", "iface x", "iface x inet static\naddress\naddress /\naddress 1/",
                                         "network", "- - -", "network: {ethernets: [a], bridges: {b: [1]}, bonds: {c: {interfaces: {}}}}", "\xff\xfe",
                                         "bond-mode 99", "iface b inet manual\nbond-mode 99\nbond-arp-interval 5\nvlan-id x",
                                         "[NetDev]\nKind=bond\nName=b\n[Bond]\nARPIntervalSec=-1\nMIIMonitorSec=1e30\n",
                                         "[connection]\ntype=vlan\ninterface-name=v\n[ipv4]\naddress1=,\naddress=\n" };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        for (guint s = 0; s < G_N_ELEMENTS(styles); s++) {
            g_autoptr(GPtrArray) files = new_files();
            g_ptr_array_add(files, style_file_new(g_strconcat("/x", styles[s]->suffixes[0], NULL), g_strdup(texts[i]), 0644));
            g_autoptr(GPtrArray) entries = read_all(styles[s], files);
            for (guint e = 0; e < entries->len; e++) {
                g_autofree char *text = text_of(((StyleEntry *) entries->pdata[e])->def);
                host_interface_complete(((StyleEntry *) entries->pdata[e])->def);
            }
            virResetLastError();
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/styles/all-can", test_all_can);
    g_test_add_func("/styles/some-can", test_some_can);
    g_test_add_func("/styles/administrators", test_administrators);
    g_test_add_func("/styles/garbage", test_garbage);
    return g_test_run();
}
