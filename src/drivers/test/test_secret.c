/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Secrets of a test node, which exist in memory only, whether they are ephemeral or not.
 */
#include "domain/host.h"
#include "drivers/test/test_node.h"
#include "secret/host.h"

static void start(TestNode *node)
{
    static const SecretBackend backend = { NULL };
    node->tables.secrets = secret_table_new(&backend, host_bus(node->host));
}

static void stop(TestNode *node)
{
    managed_table_free(node->tables.secrets);
}

static int add(virConnectPtr conn, const char *xml)
{
    g_autoptr(Managed) secret = managed_add(conn->tables->secrets, xml, FALSE);
    return secret ? 0 : -1;
}

const TestKind test_secret_kind = {
    .element = "secret",
    .start = start,
    .stop = stop,
    .add = add,
};
