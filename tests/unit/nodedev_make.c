/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Node devices that can be defined, on a host that can make everything: the test driver only has virtual ports.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "base/uuid.h"
#include "nodedev/functions.h"

static GString *done;      /* what the backend was asked for */
static gboolean fails;
static GString *heard;     /* events: C created, - deleted, D defined, U undefined, * changed */
static ManagedTables tables;
static virConnectPtr conn;
static EventBus *bus;

static int step(const char *what)
{
    g_string_append_printf(done, "%s ", what);
    if (!fails)
        return 0;
    error_report(VIR_FROM_TEST, VIR_ERR_OPERATION_FAILED, "no");
    return -1;
}

static char *name_mdev(NodedevHost *host, const NodedevDef *def, const NodedevDef *parent)
{
    char text[UUID_TEXT_SIZE];
    uuid_format(nodedev_mdev(def)->uuid, text);
    return step("name") < 0 ? NULL : g_strdup_printf("mdev_%s_%s", text, parent->name);
}

static int start_mdev(NodedevHost *host, NodedevDef *live) { return step("start"); }
static int update_mdev(NodedevHost *host, const NodedevDef *old, const NodedevDef *new)
{
    g_string_append_printf(done, "%u>%u ", nodedev_mdev(old)->n_attrs, nodedev_mdev(new)->n_attrs);
    return step("update");
}
static int remove_device(NodedevHost *host, const NodedevDef *def) { return step("remove"); }
static int detach(NodedevHost *host, const NodedevDef *def, const char *driver) { return step(driver ? driver : "detach"); }
static int reattach(NodedevHost *host, const NodedevDef *def) { return step("reattach"); }
static int reset(NodedevHost *host, const NodedevDef *def) { return step("reset"); }

static const NodedevBackend able = {
    .name_mdev = name_mdev, .start_mdev = start_mdev, .update_mdev = update_mdev, .remove = remove_device,
    .detach = detach, .reattach = reattach, .reset = reset,
};
static const NodedevBackend poor;

static const char gpu[] =
    "<device><name>gpu</name><parent>computer</parent><capability type='pci'><domain>0</domain><bus>2</bus><slot>0</slot>"
    "<function>0</function><product id='1'/><vendor id='2'/><capability type='mdev_types'/></capability></device>";
#define UUID "c9488981-5049-11cb-9c1c-993d0230b4cd"
#define NAME "mdev_" UUID "_gpu"
#define MDEV(parent, type, attrs) "<device><parent>" parent "</parent><capability type='mdev'><type id='" type "'/>" \
    "<uuid>" UUID "</uuid>" attrs "</capability></device>"
#define ATTR "<attr name='a' value='b'/>"

static void hear(Event *event, int callback_id, void *opaque)
{
    g_string_append_c(heard, event->desc->id == VIR_NODE_DEVICE_EVENT_ID_UPDATE ? '*' : "C-DU"[event->values[0].l]);
}

static void begin(const NodedevBackend *backend)
{
    NodedevHost *host = nodedev_host_new(backend, NULL, bus);
    tables.nodedevs = nodedev_host_devices(host);
    g_assert_cmpint(nodedev_host_add_xml(host, gpu), ==, 0);
    g_string_truncate(done, 0);
    g_string_truncate(heard, 0);
}

static void end(void)
{
    nodedev_host_free(managed_table_priv(tables.nodedevs));
    fails = FALSE;
}

static void expect(const char *calls, const char *events)
{
    g_assert_cmpstr(done->str, ==, calls);
    g_assert_cmpstr(heard->str, ==, events);
    g_string_truncate(done, 0);
    g_string_truncate(heard, 0);
}

static void expect_error(int code)
{
    g_assert_cmpint(error_code(), ==, code);
    virResetLastError();
}

static void expect_state(virNodeDevicePtr dev, int active, int persistent)
{
    g_assert_cmpint(nodedev_functions.node_device_is_active(dev), ==, active);
    g_assert_cmpint(nodedev_functions.node_device_is_persistent(dev), ==, persistent);
}

static void test_life(void)
{
    begin(&able);
    const NodedevDriver *f = &nodedev_functions;
    g_autoptr(virNodeDevice) dev = f->node_device_define_xml(conn, MDEV("gpu", "t", ATTR), 0);
    g_assert_nonnull(dev);
    g_assert_cmpstr(dev->name, ==, NAME);
    g_assert_cmpstr(dev->parent, ==, "gpu");
    expect("name ", "D");
    expect_state(dev, 0, 1);
    g_assert_cmpint(f->node_num_of_devices(conn, "mdev", 0), ==, 0); /* active ones */
    g_assert_cmpint(f->connect_list_all_node_devices(conn, NULL, VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE), ==, 1);
    g_assert_cmpint(f->connect_list_all_node_devices(conn, NULL, VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT), ==, 1);
    int autostart = -1;
    g_assert_cmpint(f->node_device_set_autostart(dev, 1), ==, 0);
    g_assert_cmpint(f->node_device_get_autostart(dev, &autostart), ==, 0);
    g_assert_cmpint(autostart, ==, 1);
    fails = TRUE;
    g_assert_cmpint(f->node_device_create(dev, 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    fails = FALSE;
    expect("start ", "");
    expect_state(dev, 0, 1);
    g_assert_cmpint(f->node_device_create(dev, 0), ==, 0);
    g_assert_cmpint(f->node_device_create(dev, 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    expect("start ", "C");
    g_assert_cmpint(f->node_device_undefine(dev, 0), ==, 0);
    expect_state(dev, 1, 0);
    g_assert_cmpint(f->node_device_set_autostart(dev, 1), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    fails = TRUE;
    g_assert_cmpint(f->node_device_destroy(dev), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    fails = FALSE;
    g_assert_cmpint(f->node_device_destroy(dev), ==, 0);
    expect("remove remove ", "U-");
    g_assert_cmpint(f->node_device_is_active(dev), ==, -1);
    expect_error(VIR_ERR_NO_NODE_DEVICE);
    end();
}

static void test_update(void)
{
    begin(&able);
    const NodedevDriver *f = &nodedev_functions;
    g_autoptr(virNodeDevice) dev = f->node_device_create_xml(conn, MDEV("gpu", "t", ATTR), 0);
    g_assert_nonnull(dev);
    expect("name start ", "C");
    g_assert_cmpint(f->node_device_update(dev, MDEV("gpu", "t", ATTR ATTR), VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(f->node_device_update(dev, MDEV("gpu", "other", ATTR), 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_UNSUPPORTED);
    g_assert_cmpint(f->node_device_update(dev, gpu, 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_UNSUPPORTED);
    expect("", "");
    fails = TRUE;
    g_assert_cmpint(f->node_device_update(dev, MDEV("gpu", "t", ""), 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    fails = FALSE;
    expect("1>0 update ", "");
    g_assert_cmpint(f->node_device_update(dev, MDEV("gpu", "t", ATTR ATTR), 0), ==, 0);
    expect("1>2 update ", "*");
    g_autofree char *xml = f->node_device_get_xml_desc(dev, 0);
    g_assert_nonnull(strstr(strstr(xml, "<attr") + 1, "<attr"));
    g_autoptr(virNodeDevice) hard = f->node_device_lookup_by_name(conn, "gpu");
    g_assert_cmpint(f->node_device_update(hard, gpu, 0), ==, -1);
    expect_error(VIR_ERR_OPERATION_UNSUPPORTED);
    end();
}

static void test_refused(void)
{
    begin(&able);
    const NodedevDriver *f = &nodedev_functions;
    g_assert_null(f->node_device_define_xml(conn, MDEV("nobody", "t", ""), 0));
    expect_error(VIR_ERR_INTERNAL_ERROR);
    g_assert_null(f->node_device_define_xml(conn, gpu, 0));
    expect_error(VIR_ERR_INTERNAL_ERROR);
    g_assert_null(f->node_device_define_xml(conn, MDEV("gpu", "t", "<frob/>"), VIR_NODE_DEVICE_DEFINE_XML_VALIDATE));
    expect_error(VIR_ERR_XML_INVALID_SCHEMA);
    fails = TRUE;
    g_assert_null(f->node_device_create_xml(conn, MDEV("gpu", "t", ""), 0));
    expect_error(VIR_ERR_OPERATION_FAILED);
    expect("name ", "");
    end();
    begin(&poor);
    g_assert_null(f->node_device_create_xml(conn, MDEV("gpu", "t", ""), 0));
    expect_error(VIR_ERR_INTERNAL_ERROR);
    end();
}

static void test_pci(void)
{
    begin(&able);
    const NodedevDriver *f = &nodedev_functions;
    g_autoptr(virNodeDevice) dev = f->node_device_lookup_by_name(conn, "gpu");
    g_autoptr(virNodeDevice) mdev = f->node_device_create_xml(conn, MDEV("gpu", "t", ""), 0);
    expect("name start ", "C");
    g_assert_cmpint(f->node_device_dettach(dev), ==, 0);
    g_assert_cmpint(f->node_device_detach_flags(dev, "vfio", 0), ==, 0);
    g_assert_cmpint(f->node_device_reset(dev), ==, 0);
    g_assert_cmpint(f->node_device_re_attach(dev), ==, 0);
    expect("detach vfio reset reattach ", "");
    g_assert_cmpint(f->node_device_reset(mdev), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG);
    g_assert_cmpint(f->node_device_detach_flags(dev, NULL, 1), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG);
    end();
    begin(&poor);
    g_assert_cmpint(f->node_device_reset(dev), ==, -1);
    expect_error(VIR_ERR_NO_SUPPORT);
    g_assert_cmpint(f->node_device_destroy(dev), ==, -1);
    expect_error(VIR_ERR_NO_SUPPORT);
    end();
}

static void test_wwn(void)
{
    begin(&poor);
    const NodedevDriver *f = &nodedev_functions;
    static const char host[] = "<device><name>h</name><capability type='scsi_host'><host>1</host><capability type='fc_host'>"
        "<wwnn>1</wwnn><wwpn>2</wwpn></capability></capability></device>";
    g_assert_cmpint(nodedev_host_add_xml(managed_table_priv(tables.nodedevs), host), ==, 0);
    g_autoptr(virNodeDevice) dev = f->node_device_lookup_scsi_host_by_wwn(conn, "1", "2", 0);
    g_assert_cmpstr(dev->name, ==, "h");
    g_assert_null(f->node_device_lookup_scsi_host_by_wwn(conn, "1", "3", 0));
    expect_error(VIR_ERR_NO_NODE_DEVICE);
    g_assert_cmpint(nodedev_host_add_xml(managed_table_priv(tables.nodedevs), host), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    done = g_string_new(NULL);
    heard = g_string_new(NULL);
    bus = event_bus_new();
    conn = connect_new();
    conn->tables = &tables;
    event_registry_attach(conn->events, bus);
    for (int id = 0; id <= VIR_NODE_DEVICE_EVENT_ID_UPDATE; id++)
        g_assert_cmpint(event_register(conn, EVENT_NODE_DEVICE, id, NULL, NULL, hear, NULL, NULL), >=, 0);
    g_test_add_func("/nodedev/life", test_life);
    g_test_add_func("/nodedev/update", test_update);
    g_test_add_func("/nodedev/refused", test_refused);
    g_test_add_func("/nodedev/pci", test_pci);
    g_test_add_func("/nodedev/wwn", test_wwn);
    int rc = g_test_run();
    event_registry_clear(conn->events);
    object_unref(conn);
    event_bus_unref(bus);
    g_string_free(done, TRUE);
    g_string_free(heard, TRUE);
    return rc;
}
