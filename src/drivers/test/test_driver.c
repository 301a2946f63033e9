/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_TEST
#include "drivers/test/test_driver.h"
#include "base/error.h"
#include "domain/functions.h"
#include "drivers/test/test_host.h"
#include "drivers/test/test_node.h"
#include "drivers/test/test_nodedev.h"
#include "hostif/functions.h"
#include "network/functions.h"
#include "nwfilter/functions.h"
#include "secret/functions.h"
#include "storage/functions.h"
#include <string.h>

static HypervisorDriver test_hypervisor;
static NodedevDriver test_nodedev;
static NetworkDriver test_network;

static OpenResult test_open(virConnectPtr conn, virConnectAuthPtr auth)
{
    const char *path = conn->uri->path;
    if (!*path || strcmp(path, "/") == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "'%s' names no test node: use test:///default or test:///path/to/node.xml",
                    conn->uri->text);
    return test_node_open(conn, path, auth) < 0 ? OPEN_ERROR : OPEN_OK;
}

static void test_close(virConnectPtr conn)
{
    test_node_close(conn);
}

static int test_get_version(virConnectPtr conn, unsigned long *version)
{
    *version = 2;
    return 0;
}

static char *test_get_hostname(virConnectPtr conn)
{
    return g_strdup(g_get_host_name());
}

/* Whatever the definition says, as upstream's: programs' tests expect it. */
static char *test_os_type(virDomainPtr dom)
{
    g_autofree char *type = core_domain_get_os_type(dom);
    return type ? g_strdup("linux") : NULL;
}

static int test_security_label(virDomainPtr dom, virSecurityLabelPtr label)
{
    int active = core_domain_is_active(dom);
    memset(label, 0, sizeof(*label));
    if (active <= 0)
        return active;
    g_strlcpy(label->label, "libvirt-test", sizeof(label->label));
    label->enforcing = 1;
    return 0;
}

void test_driver_register(void)
{
    static const char *const schemes[] = { "test", NULL };
    static const ConnectDriver driver = {
        .name = "TEST",
        .error_domain = VIR_FROM_TEST,
        .schemes = schemes,
        .open = test_open,
        .close = test_close,
        .hypervisor = &test_hypervisor,
        .nodedev = &test_nodedev,
        .nwfilter = &nwfilter_functions,
        .network = &test_network,
        .interface = &hostif_functions,
        .secret = &secret_functions,
        .storage = &storage_functions,
    };
    core_functions_fill(&test_hypervisor, &test_backend);
    test_host_fill(&test_hypervisor);
    test_hypervisor.domain_get_os_type = test_os_type;
    test_nodedev_fill(&test_nodedev);
    test_network = network_functions;
    test_network.network_get_dhcp_leases = NULL; /* nobody asks for addresses there */
    test_hypervisor.connect_get_version = test_get_version;
    test_hypervisor.connect_get_hostname = test_get_hostname;
    test_hypervisor.domain_get_security_label = test_security_label;
    driver_register(&driver);
}
