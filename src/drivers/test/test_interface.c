/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Interfaces of a test node: there is nothing behind them.
 */
#include <libvirt/virterror.h>
#include "domain/host.h"
#include "drivers/test/test_node.h"
#include "hostif/host.h"

static void start(TestNode *node)
{
    static const HostifBackend backend = { .rules = MANAGED_ONE_DEFINITION };
    node->tables.interfaces = hostif_host_table(hostif_host_new(&backend, NULL, host_bus(node->host)));
    managed_table_set_error_domain(node->tables.interfaces, VIR_FROM_TEST);
}

static void stop(TestNode *node)
{
    hostif_host_free(managed_table_priv(node->tables.interfaces));
}

static int add(virConnectPtr conn, const char *xml)
{
    g_autoptr(Managed) iface = managed_add(conn->tables->interfaces, xml, TRUE);
    return iface ? 0 : -1;
}

static int add_default(virConnectPtr conn)
{
    return add(conn, "<interface type='ethernet' name='eth1'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:ff'/>"
               "<mtu size='1492'/><protocol family='ipv4'><ip address='192.168.0.5' prefix='24'/>"
               "<route gateway='192.168.0.1'/></protocol></interface>");
}

const TestKind test_interface_kind = {
    .element = "interface",
    .start = start,
    .stop = stop,
    .add_default = add_default,
    .add = add,
};
