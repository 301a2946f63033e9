/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks of a test node: there is nothing behind them, so that whatever keeps the rules can be had.
 */
#include <libvirt/virterror.h>
#include "domain/host.h"
#include "drivers/test/test_node.h"
#include "network/host.h"

static const NetworkBackend backend = { .rules = MANAGED_STOP_INACTIVE | MANAGED_AUTOSTART_TRANSIENT };

static void start(TestNode *node)
{
    node->tables.networks = network_host_table(network_host_new(&backend, node, host_bus(node->host)));
    managed_table_set_error_domain(node->tables.networks, VIR_FROM_TEST);
}

static void stop(TestNode *node)
{
    network_host_free(managed_table_priv(node->tables.networks));
}

static int add(virConnectPtr conn, const char *xml)
{
    g_autoptr(Managed) net = managed_add(conn->tables->networks, xml, TRUE);
    return net ? 0 : -1;
}

static int add_default(virConnectPtr conn)
{
    return add(conn, "<network><name>default</name><uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid>"
               "<bridge name='virbr0'/><forward/>"
               "<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>"
               "<range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network>");
}

const TestKind test_network_kind = {
    .element = "network",
    .start = start,
    .stop = stop,
    .add_default = add_default,
    .add = add,
};
