/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Documents of the formats in the form in which they are printed: read and printed again they must not change, and the
 * grammars must accept them and refuse what isn't of their format.
 */
#include <glib.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <string.h>
#include "model/domainbackup_def.h"
#include "model/domaincheckpoint_def.h"
#include "model/domainsnapshot_def.h"
#include "model/interface_def.h"
#include "model/network_def.h"
#include "model/networkport_def.h"
#include "model/nodedev_def.h"
#include "model/nwfilter.h"
#include "model/secret_def.h"
#include "model/storagepool_def.h"
#include "model/storagevol_def.h"

typedef struct {
    const char *name;
    const XmlRoot *root;
    const char *const *wrong; /* documents that are not of the format */
} Format;

static const char *const wrong_pools[] = {
    "<network/>", "<pool><name>a</name></pool>", "<pool type='frob'><name>a</name></pool>",
    "<pool type='dir'><name>a</name><frob/></pool>", "<pool type='dir'><capacity>much</capacity></pool>",
    "<pool type='dir'><target><permissions><mode>0999</mode></permissions></target></pool>",
    "<pool type='dir'><target frob='1'/></pool>", NULL
};
static const char *const wrong_volumes[] = {
    "<pool/>", "<volume><capacity>1</capacity></volume>", "<volume type='frob'><name>a</name></volume>",
    "<volume><name>a</name><capacity>-1</capacity></volume>",
    "<volume><name>a</name><target><format type='frob'/></target></volume>",
    "<volume><name>a</name><target><features><frob/></features></target></volume>", NULL
};
static const char *const wrong_devices[] = {
    "<node/>", "<device><name>a</name><capability/></device>", "<device><capability type='frob'/></device>",
    "<device><capability type='pci'><numa node='x'/></capability></device>",
    "<device><capability type='net'><link state='sideways'/></capability></device>", NULL
};

static const char *const wrong_snapshots[] = {
    "<snapshot/>", "<domainsnapshot><frob/></domainsnapshot>", "<domainsnapshot><state>frob</state></domainsnapshot>",
    "<domainsnapshot><parent frob='1'/></domainsnapshot>", "<domainsnapshot><memory snapshot='frob'/></domainsnapshot>",
    "<domainsnapshot><disks><disk/></disks></domainsnapshot>", "<domainsnapshot><domain/></domainsnapshot>", NULL
};
static const char *const wrong_checkpoints[] = {
    "<checkpoint/>", "<domaincheckpoint><memory/></domaincheckpoint>",
    "<domaincheckpoint><disks><disk name='a' checkpoint='frob'/></disks></domaincheckpoint>",
    "<domaincheckpoint><creationTime>now</creationTime></domaincheckpoint>", NULL
};
static const char *const wrong_backups[] = {
    "<backup/>", "<domainbackup mode='frob'/>", "<domainbackup><server transport='rdma'/></domainbackup>",
    "<domainbackup><disks><disk/></disks></domainbackup>", "<domainbackup><server port='x'/></domainbackup>",
    "<domainbackup><disks><disk name='a' backupmode='frob'/></disks></domainbackup>", NULL
};
static const char *const wrong_filters[] = {
    "<network/>", "<filter/>", "<filter name='a'><frob/></filter>",
    "<filter name='a'><rule action='frob' direction='in'/></filter>",
    "<filter name='a'><rule action='drop' direction='in'><frob/></rule></filter>",
    "<filter name='a'><rule action='drop' direction='in'><tcp frob='1'/></rule></filter>", NULL
};
static const char *const wrong_bindings[] = {
    "<filter/>", "<filterbinding/>", "<filterbinding><owner><name>a</name></owner></filterbinding>", NULL
};

static const char *const wrong_networks[] = {
    "<net/>", "<network/>", "<network><name>a</name><frob/></network>", "<network><name>a</name><forward mode='x'/></network>",
    "<network><name>a</name><bridge stp='yes'/></network>", "<network><name>a</name><ip/></network>",
    "<network><name>a</name><portgroup/></network>", NULL
};
static const char *const wrong_ports[] = {
    "<port/>", "<networkport><mac/></networkport>", "<networkport><owner/></networkport>",
    "<networkport><mac address='52:54:00:00:00:01'/><plug type='frob'/></networkport>",
    "<networkport><mac address='52:54:00:00:00:01'/><plug frob='a'/></networkport>", NULL
};
static const char *const wrong_interfaces[] = {
    "<iface/>", "<interface name='a'/>", "<interface type='ethernet'/>", "<interface type='tunnel' name='a'/>",
    "<interface type='ethernet' name='a'><protocol/></interface>",
    "<interface type='vlan' name='a'><vlan/></interface>",
    "<interface type='bond' name='a'><bond><miimon/></bond></interface>",
    "<interface type='bridge' name='a'><bridge><interface name='b'/></bridge></interface>", NULL
};
static const char *const wrong_secrets[] = {
    "<key/>", "<secret private='maybe'/>", "<secret><usage/></secret>", "<secret><usage type='frob'/></secret>",
    "<secret><usage type='volume'><frob>a</frob></usage></secret>", "<secret><value>a</value></secret>", NULL
};

static const Format formats[] = {
    { "domainsnapshot", &DOMAIN_SNAPSHOT_ROOT, wrong_snapshots },
    { "domaincheckpoint", &DOMAIN_CHECKPOINT_ROOT, wrong_checkpoints },
    { "domainbackup", &DOMAIN_BACKUP_ROOT, wrong_backups },
    { "nwfilter", &NWFILTER_ROOT, wrong_filters },
    { "nwfilterbinding", &NWFILTER_BINDING_ROOT, wrong_bindings },
    { "network", &NETWORK_ROOT, wrong_networks },
    { "networkport", &NETWORK_PORT_ROOT, wrong_ports },
    { "interface", &HOST_INTERFACE_ROOT, wrong_interfaces },
    { "secret", &SECRET_ROOT, wrong_secrets },
    { "storagepool", &STORAGE_POOL_ROOT, wrong_pools },
    { "storagevol", &STORAGE_VOL_ROOT, wrong_volumes },
    { "nodedev", &NODEDEV_ROOT, wrong_devices },
};

static void round_trip(const Format *format, const char *file, const char *text)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    void *def = xml_parse(format->root, text, strlen(text), 0, diag);
    for (guint i = 0; i < diag->problems->len; i++) {
        XmlProblem *problem = diag->problems->pdata[i];
        g_test_message("%s:%u: %s: %s", file, problem->line, problem->path, problem->message);
    }
    g_assert_nonnull(def);
    g_assert_cmpuint(diag->problems->len, ==, 0);
    g_autofree char *again = xml_format(format->root->desc, def, format->root->name, format->root->ns, 0, XML_SECURE);
    g_assert_cmpstr(again, ==, text);
    void *copy = xml_struct_copy(format->root->desc, def);
    g_assert_true(xml_equal(format->root->desc, def, copy));
    xml_struct_free(format->root->desc, copy);
    xml_struct_free(format->root->desc, def);
}

static void test_round_trip(gconstpointer data)
{
    const Format *format = data;
    g_autofree char *folder = g_build_filename(TEST_DATA, format->name, NULL);
    GDir *dir = g_dir_open(folder, 0, NULL);
    guint n = 0;
    g_assert_nonnull(dir);
    for (const char *name; (name = g_dir_read_name(dir)); n++) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *text = NULL;
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        round_trip(format, name, text);
    }
    g_dir_close(dir);
    g_assert_cmpuint(n, >, 0);
}

/* A list of several names: the order is the document's, and paths count each name by itself. */
static void test_named_list(void)
{
    static const char text[] =
        "<filter name='f'>\n<rule action='drop' direction='in'/>\n<filterref filter='x'/>\n<odd/>\n"
        "<rule action='drop' direction='in'>\n<tcp srcipaddr='1.2.3.4'/>\n<udp/>\n<tcp srcipaddr='::1' frob='1'/></rule></filter>";
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_assert_null(xml_parse(&NWFILTER_ROOT, text, strlen(text), 0, diag));
    g_assert_cmpuint(diag->problems->len, ==, 3);
    static const char *const paths[] = { "filter.odd", "filter.rule[2].tcp[2]@srcipaddr", "filter.rule[2].tcp[2]@frob" };
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        g_assert_cmpstr(((XmlProblem *) diag->problems->pdata[i])->path, ==, paths[i]);
    g_assert_cmpuint(xml_line_of(text, strlen(text), paths[1]), ==, 8);
}

/* Longer than any filter may be. */
static void test_long_list(void)
{
    g_autoptr(GString) text = g_string_new("<filter name='f'>");
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    for (guint i = 0; i < 65540; i++)
        g_string_append(text, i % 2 ? "<filterref filter='x'/>" : "<rule action='drop' direction='in'/>");
    g_string_append(text, "</filter>");
    g_assert_null(xml_parse(&NWFILTER_ROOT, text->str, text->len, 0, diag));
    g_assert_cmpuint(diag->n_errors, ==, 1);
}

static gboolean accepted(xmlRelaxNGPtr grammar, const char *text)
{
    xmlDocPtr doc = xmlReadMemory(text, (int) strlen(text), "", NULL, 0);
    g_assert_nonnull(doc);
    xmlRelaxNGValidCtxtPtr ctx = xmlRelaxNGNewValidCtxt(grammar);
    int rc = xmlRelaxNGValidateDoc(ctx, doc);
    xmlRelaxNGFreeValidCtxt(ctx);
    xmlFreeDoc(doc);
    return rc == 0;
}

static void be_quiet(void *opaque, const char *fmt, ...)
{
}

static void test_grammar(gconstpointer data)
{
    const Format *format = data;
    g_autofree char *path = g_strdup_printf("%s/schema/%s.rng", BUILD_ROOT, format->name);
    xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(path);
    xmlRelaxNGPtr grammar = xmlRelaxNGParse(parser);
    g_assert_nonnull(grammar);
    g_autofree char *folder = g_build_filename(TEST_DATA, format->name, NULL);
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)); ) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        g_autofree char *text = NULL;
        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        if (!accepted(grammar, text))
            g_error("%s is refused", file);
    }
    g_dir_close(dir);
    xmlSetGenericErrorFunc(NULL, be_quiet);
    for (const char *const *text = format->wrong; *text; text++) {
        if (accepted(grammar, *text))
            g_error("%s accepts %s", path, *text);
    }
    xmlSetGenericErrorFunc(NULL, NULL);
    xmlRelaxNGFree(grammar);
    xmlRelaxNGFreeParserCtxt(parser);
    xmlRelaxNGCleanupTypes();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_autofree char *round = g_strdup_printf("/formats/%s/round-trip", formats[i].name);
        g_autofree char *grammar = g_strdup_printf("/formats/%s/grammar", formats[i].name);
        g_test_add_data_func(round, &formats[i], test_round_trip);
        g_test_add_data_func(grammar, &formats[i], test_grammar);
    }
    g_test_add_func("/formats/named-list", test_named_list);
    g_test_add_func("/formats/long-list", test_long_list);
    return g_test_run();
}
