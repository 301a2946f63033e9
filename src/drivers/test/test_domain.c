/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Domains of a test node, which may have a past: they are in any state, were saved, have snapshots.
 */
#define ERROR_DOMAIN VIR_FROM_TEST
#include <string.h>
#include "base/error.h"
#include "domain/functions.h"
#include "domain/host.h"
#include "drivers/test/test_node.h"
#include "model/testnode_def.h"

static const char default_domain[] =
    "<domain type='test'>"
    "  <name>test</name>"
    "  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
    "  <memory>8388608</memory>"
    "  <currentMemory>2097152</currentMemory>"
    "  <vcpu>2</vcpu>"
    "  <os><type arch='i686'>hvm</type><boot dev='hd'/></os>"
    "  <devices>"
    "    <disk type='file' device='disk'><source file='/guest/diskimage1'/><target dev='vda' bus='virtio'/>"
    "      <address type='pci' domain='0' bus='1' slot='0' function='0'/></disk>"
    "    <interface type='network'><mac address='aa:bb:cc:dd:ee:ff'/><source network='default'/>"
    "      <target dev='testnet0'/><address type='pci' domain='0' bus='0' slot='1' function='0'/></interface>"
    "    <memballoon model='virtio'><address type='pci' domain='0' bus='0' slot='2' function='0'/></memballoon>"
    "  </devices>"
    "</domain>";

static TestDomainDetails *read_details(const char *xml)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    xmlDoc *doc = xml_document_parse(xml, strlen(xml), "(domain)", ERROR_DOMAIN);
    if (!doc)
        return NULL;
    TestDomainDetails *details = xml_parse_node(&TEST_DOMAIN_DETAILS_DESC, xmlDocGetRootElement(doc), "domain", 0, diag);
    xmlFreeDoc(doc);
    if (!details)
        xml_diagnostics_report(diag, ERROR_DOMAIN);
    return details;
}

static int check_details(const TestDomainDetails *details, gboolean off)
{
    if (details->transient && off)
        return FAIL(VIR_ERR_XML_ERROR, "a transient domain of a test node can't have <test:runstate> %u: it wouldn't be there",
                    details->runstate);
    if (details->hasmanagedsave && !off)
        return FAIL(VIR_ERR_XML_ERROR, "a domain of a test node with <test:hasmanagedsave> must have <test:runstate> %d",
                    VIR_DOMAIN_SHUTOFF);
    return 0;
}

/* It was so before anybody came, so nothing is told. */
static gboolean change_past(DomainTransition *t, void *opaque)
{
    const TestDomainDetails *details = opaque;
    if (t->next->guest)
        transition_set_state(t, details->has_runstate ? details->runstate : VIR_DOMAIN_RUNNING, 0);
    if (details->hasmanagedsave) {
        transition_set_saved(t, t->next->config);
        t->next->managed_save = t->next->saved_running = TRUE;
    }
    return TRUE;
}

static int add_snapshots(virConnectPtr conn, virDomainPtr dom, const TestDomainDetails *details)
{
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < details->n_snapshots; i++) {
        char *document = test_node_document(test_node(conn), details->snapshots[i]);
        if (!document)
            return -1;
        g_ptr_array_add(documents, document);
    }
    return documents->len ? core_domain_adopt_snapshots(dom, (char **) documents->pdata, documents->len) : 0;
}

static int add_with(virConnectPtr conn, const char *xml, TestDomainDetails *details)
{
    gboolean off = details->has_runstate && details->runstate == VIR_DOMAIN_SHUTOFF;
    if (check_details(details, off) < 0)
        return -1;
    g_autoptr(virDomain) dom = details->transient ? core_domain_create_xml(conn, xml, 0)
                                                  : core_domain_define_xml(conn, xml);
    if (!dom || (!off && core_domain_is_active(dom) == 0 && core_domain_create(dom) < 0))
        return -1;
    g_autoptr(DomainObj) obj = store_by_uuid(host_domains(test_node(conn)->host), dom->uuid);
    domain_change(obj, change_past, details);
    return add_snapshots(conn, dom, details);
}

static int add(virConnectPtr conn, const char *xml)
{
    TestDomainDetails *details = read_details(xml);
    int rc = details ? add_with(conn, xml, details) : -1;
    xml_struct_free(&TEST_DOMAIN_DETAILS_DESC, details);
    return rc;
}

static int add_default(virConnectPtr conn)
{
    return add(conn, default_domain);
}

const TestKind test_domain_kind = { .element = "domain", .add_default = add_default, .add = add };
