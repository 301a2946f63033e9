/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Node devices of a test node: what it has from the beginning, and virtual ports that are made on its SCSI hosts.
 */
#define ERROR_DOMAIN VIR_FROM_TEST
#include "drivers/test/test_nodedev.h"
#include <string.h>
#include "base/error.h"
#include "domain/host.h"
#include "drivers/test/test_node.h"
#include "nodedev/functions.h"

/* Where a node file says nothing else, the first port is called as the reference's. */
#define FIRST_PORT 12
#define MOST_PORTS 4096

#define FC_HOST(wwn, fabric) \
    "<capability type='fc_host'><wwnn>20000000" wwn "</wwnn><wwpn>10000000" wwn "</wwpn>" \
    "<fabric_wwn>20000000" fabric "</fabric_wwn></capability>"
#define SCSI_HOST(number, id, parent, more) \
    "<device><name>scsi_host" #number "</name><parent>" parent "</parent><capability type='scsi_host'>" \
    "<host>" #number "</host><unique_id>" #id "</unique_id>" more "</capability></device>"
#define VPORTS "<capability type='vport_ops'/>"

static const char port[] = SCSI_HOST(11, 10, "scsi_host1", FC_HOST("34563456", "43214321"));

static const char *const defaults[] = {
    "<device><name>computer</name><capability type='system'>"
    "<hardware><vendor>Libvirt</vendor><version>Test driver</version><serial>123456</serial>"
    "<uuid>11111111-2222-3333-4444-555555555555</uuid></hardware>"
    "<firmware><vendor>Libvirt</vendor><version>Test Driver</version><release_date>01/22/2007</release_date></firmware>"
    "</capability></device>",
    SCSI_HOST(1, 0, "computer", FC_HOST("12341234", "43214321") VPORTS),
    SCSI_HOST(2, 1, "computer", FC_HOST("56785678", "87658765") VPORTS),
    port,
};

static void set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

/* What a port shows beside its names is what the one that is there from the beginning shows. */
static NodedevDef *new_port(const NodedevDef *wanted, const NodedevDef *parent, const char *name)
{
    NodedevDef *def = xml_parse(&NODEDEV_ROOT, port, strlen(port), 0, NULL);
    NodedevScsiHostSubcap *fc = (NodedevScsiHostSubcap *) nodedev_scsi_host(def, NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST);
    const NodedevScsiHostSubcap *names = nodedev_scsi_host(wanted, NODEDEV_SCSI_HOST_SUBCAP_TYPE_FC_HOST);
    set_text(&def->name, name);
    set_text(&def->parent.value, parent->name);
    set_text(&fc->wwnn, names->wwnn);
    set_text(&fc->wwpn, names->wwpn);
    return def;
}

static int make_vport(NodedevHost *host, const NodedevDef *wanted, const NodedevDef *parent, char **name)
{
    for (guint number = FIRST_PORT; number < FIRST_PORT + MOST_PORTS; number++) {
        g_autofree char *candidate = g_strdup_printf("scsi_host%u", number);
        if (nodedev_host_has(host, candidate))
            continue;
        if (nodedev_host_add(host, new_port(wanted, parent, candidate)) == 0) {
            *name = g_steal_pointer(&candidate);
            return 0;
        }
        if (!nodedev_host_has(host, candidate)) /* else another call was faster with this name */
            return -1;
        virResetLastError();
    }
    return FAIL(VIR_ERR_OPERATION_FAILED, "a test node has %d virtual ports at most: destroy some", MOST_PORTS);
}

static int remove_device(NodedevHost *host, const NodedevDef *def)
{
    if (nodedev_caps(def) & VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST)
        return 0;
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "node device '%s' can't be removed: only Fibre Channel hosts can", def->name);
}

static const NodedevBackend backend = { .make_vport = make_vport, .remove = remove_device };

/* The functions that the reference's test driver has. */
void test_nodedev_fill(NodedevDriver *driver)
{
    *driver = (NodedevDriver) {
#define TAKE(member) .member = nodedev_functions.member
        TAKE(node_num_of_devices), TAKE(node_list_devices), TAKE(connect_list_all_node_devices), TAKE(node_device_lookup_by_name),
        TAKE(node_device_get_parent), TAKE(node_device_num_of_caps), TAKE(node_device_list_caps), TAKE(node_device_get_xml_desc),
        TAKE(node_device_create_xml), TAKE(node_device_destroy),
#undef TAKE
    };
}

/* ---- the node ---- */

static void start(TestNode *node)
{
    node->tables.nodedevs = nodedev_host_devices(nodedev_host_new(&backend, NULL, host_bus(node->host)));
    managed_table_set_error_domain(node->tables.nodedevs, VIR_FROM_TEST);
}

static void stop(TestNode *node)
{
    nodedev_host_free(managed_table_priv(node->tables.nodedevs));
}

static int add(virConnectPtr conn, const char *xml)
{
    return nodedev_host_add_xml(managed_table_priv(conn->tables->nodedevs), xml);
}

static int add_default(virConnectPtr conn)
{
    for (guint i = 0; i < G_N_ELEMENTS(defaults); i++) {
        if (add(conn, defaults[i]) < 0)
            return -1;
    }
    return 0;
}

const TestKind test_nodedev_kind = {
    .element = "device",
    .start = start,
    .stop = stop,
    .add_default = add_default,
    .add = add,
};
