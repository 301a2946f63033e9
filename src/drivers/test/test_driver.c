/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_TEST
#include "drivers/test/test_driver.h"
#include "base/error.h"
#include "domain/connect.h"
#include "domain/functions.h"
#include "domain/host.h"
#include "domain/run.h"
#include <string.h>

/* The node of test:///default, shared by all its connections and gone with the last. */
static GMutex shared_lock;
static DomainHost *shared_host;
static guint shared_users;

static const char default_domain[] =
    "<domain type='test'>"
    "  <name>test</name>"
    "  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
    "  <memory>8388608</memory>"
    "  <currentMemory>2097152</currentMemory>"
    "  <vcpu>2</vcpu>"
    "  <os><type arch='i686'>hvm</type><boot dev='hd'/></os>"
    "  <devices>"
    "    <disk type='file' device='disk'><source file='/guest/diskimage1'/><target dev='vda' bus='virtio'/></disk>"
    "    <interface type='network'><mac address='aa:bb:cc:dd:ee:ff'/><source network='default'/>"
    "      <target dev='testnet0'/></interface>"
    "    <memballoon model='virtio'/>"
    "  </devices>"
    "</domain>";

static HypervisorDriver test_hypervisor;

static int add_default_domain(virConnectPtr conn)
{
    g_autoptr(virDomain) dom = test_hypervisor.domain_define_xml(conn, default_domain);
    return dom ? test_hypervisor.domain_create(dom) : -1;
}

static OpenResult open_default(virConnectPtr conn)
{
    OpenResult result = OPEN_OK;
    g_mutex_lock(&shared_lock);
    gboolean fresh = !shared_host;
    if (fresh)
        shared_host = host_new(&(HostSetup) { .backend = &test_backend, .root = "" });
    connect_attach(conn, shared_host, NULL);
    if (fresh && add_default_domain(conn) < 0) {
        connect_detach(conn);
        g_clear_pointer(&shared_host, host_free);
        result = OPEN_ERROR;
    } else {
        shared_users++;
    }
    g_mutex_unlock(&shared_lock);
    return result;
}

static OpenResult test_open(virConnectPtr conn, virConnectAuthPtr auth)
{
    const char *path = conn->uri->path;
    if (strcmp(path, "/default") == 0)
        return open_default(conn);
    if (!*path || strcmp(path, "/") == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "'%s' names no test node: use test:///default", conn->uri->text);
    return FAIL(VIR_ERR_NO_SUPPORT, "test nodes from files ('%s') can't be read yet: use test:///default", path);
}

static void test_close(virConnectPtr conn)
{
    g_mutex_lock(&shared_lock);
    connect_detach(conn);
    if (--shared_users == 0)
        g_clear_pointer(&shared_host, host_free);
    g_mutex_unlock(&shared_lock);
}

/* ---- the node ---- */

static int test_get_version(virConnectPtr conn, unsigned long *version)
{
    *version = 2;
    return 0;
}

static char *test_get_hostname(virConnectPtr conn)
{
    return g_strdup(g_get_host_name());
}

static char *test_get_capabilities(virConnectPtr conn)
{
    return g_strdup(test_capabilities);
}

static int test_node_info(virConnectPtr conn, virNodeInfoPtr info)
{
    *info = (virNodeInfo) { .model = "i686", .memory = 3145728, .cpus = 16, .mhz = 1400, .nodes = 2, .sockets = 2,
                            .cores = 2, .threads = 2 };
    return 0;
}

static unsigned long long test_free_memory(virConnectPtr conn)
{
    return 3145728;
}

static int test_security_model(virConnectPtr conn, virSecurityModelPtr model)
{
    memset(model, 0, sizeof(*model));
    g_strlcpy(model->model, "testSecurity", sizeof(model->model));
    return 0;
}

static int test_security_label(virDomainPtr dom, virSecurityLabelPtr label)
{
    memset(label, 0, sizeof(*label));
    g_strlcpy(label->label, "libvirt-test", sizeof(label->label));
    label->enforcing = 1;
    return 0;
}

void test_driver_register(void)
{
    static const char *const schemes[] = { "test", NULL };
    static const ConnectDriver driver = {
        .name = "TEST",
        .schemes = schemes,
        .open = test_open,
        .close = test_close,
        .hypervisor = &test_hypervisor,
    };
    core_functions_fill(&test_hypervisor, &test_backend);
    test_hypervisor.connect_get_version = test_get_version;
    test_hypervisor.connect_get_hostname = test_get_hostname;
    test_hypervisor.connect_get_capabilities = test_get_capabilities;
    test_hypervisor.node_get_info = test_node_info;
    test_hypervisor.node_get_free_memory = test_free_memory;
    test_hypervisor.node_get_security_model = test_security_model;
    test_hypervisor.domain_get_security_label = test_security_label;
    driver_register(&driver);
}
