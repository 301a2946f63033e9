/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Domains of a test node.
 */
#include "domain/functions.h"
#include "drivers/test/test_node.h"

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

static int add(virConnectPtr conn, const char *xml)
{
    g_autoptr(virDomain) dom = core_domain_define_xml(conn, xml);
    return dom ? core_domain_create(dom) : -1;
}

static int add_default(virConnectPtr conn)
{
    return add(conn, default_domain);
}

const TestKind test_domain_kind = { .element = "domain", .add_default = add_default, .add = add };
