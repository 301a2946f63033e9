/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What is wrong in a domain's XML is told with line, path and what would be right.
 */
#include "model/domain.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"

#define START "<domain type='kvm'>\n<name>a</name>\n<memory>1024</memory>\n<os><type>hvm</type></os>\n<devices>\n"
#define END "</devices>\n</domain>\n"
#define OBSERVED(elements) "<domain type='kvm'><name>a</name><memory>1024</memory><vcpu>4</vcpu><os><type>hvm</type></os>\n<cputune>" elements \
    "</cputune></domain>"

typedef struct {
    const char *xml;
    int code;
    const char *message; /* part of the error */
} Case;

static const Case cases[] = {
    {"", VIR_ERR_XML_DETAIL, "(domain_definition):1: "},
    {"<domain", VIR_ERR_XML_DETAIL, "(domain_definition):1: "},
    {"<domain>\n<name>\n</domain>", VIR_ERR_XML_DETAIL, "(domain_definition):3: Opening and ending tag mismatch"},
    {"<!DOCTYPE domain [<!ENTITY a 'b'>]><domain/>", VIR_ERR_XML_DETAIL, "document type declarations are not allowed"},
    {"<network/>", VIR_ERR_XML_ERROR, "line 1: network: unexpected root element <network>, expecting <domain>"},
    {"<domain/>", VIR_ERR_INTERNAL_ERROR, "line 1: domain: missing attribute 'type'"},
    {"<domain type='qwmu'>\n</domain>", VIR_ERR_CONFIG_UNSUPPORTED,
     "line 1: domain@type: invalid value 'qwmu': allowed: qemu, kqemu, kvm, xen, lxc, uml, openvz, test, vmware, hyperv, "
     "vbox, phyp, parallels, bhyve, vz, hvf; did you mean 'qemu'?"},
    {"<domain type='kvm'><os><type>hvm</type></os></domain>", VIR_ERR_NO_NAME, "line 1: domain: missing element 'name'"},
    {"<domain type='kvm'>\n<name></name><memory>1</memory><os><type>hvm</type></os></domain>", VIR_ERR_NO_NAME,
     "line 2: domain.name: missing text (Name)"},
    {"<domain type='kvm'><name>a</name></domain>", VIR_ERR_XML_ERROR, "missing element 'os'"},
    {"<domain type='kvm'><name>a</name>\n<os></os></domain>", VIR_ERR_XML_ERROR, "line 2: domain.os: missing element 'type'"},
    {"<domain type='kvm'><name>a</name>\n<os>\n<type></type></os></domain>", VIR_ERR_XML_ERROR,
     "line 3: domain.os.type: missing text"},
    {START "<disk>\n<source file='/a'/></disk>" END, VIR_ERR_NO_TARGET, "line 6: domain.devices.disk[1]: missing element 'target'"},
    {START "<disk>\n<target/></disk>" END, VIR_ERR_NO_TARGET, "line 7: domain.devices.disk[1].target: missing attribute 'dev'"},
    {START "<disk><target dev='a'/></disk>\n<disk>\n<driver cache='writbeack'/><target dev='b'/></disk>" END, VIR_ERR_XML_ERROR,
     "line 8: domain.devices.disk[2].driver@cache: invalid value 'writbeack': allowed: default, none, writethrough, "
     "writeback, directsync, unsafe; did you mean 'writeback'?"},
    {START "<controller type='pci' index='-1'/>" END, VIR_ERR_XML_ERROR, "a number from 0 is expected"},
    {START "<controller type='pci' index='4294967296'/>" END, VIR_ERR_XML_ERROR, "allowed: 0 to 4294967295"},
    {START "<controller type='pci' index='99999999999999999999999999'/>" END, VIR_ERR_XML_ERROR, "a number from 0"},
    {START "<disk><target dev='a'/><address type='pci' slot='0x20'/></disk>" END, VIR_ERR_XML_ERROR, "allowed: 0 to 31"},
    {START "<disk><target dev='a'/><address type='pci' slot='0x'/></disk>" END, VIR_ERR_XML_ERROR, "such as 0x1f or 31"},
    {START "<disk rawio='1'><target dev='a'/></disk>" END, VIR_ERR_XML_ERROR, "disk[1]@rawio: invalid value '1': allowed: yes, no"},
    {START "<interface type='user'><mac address='52:54:00:1:2:3'/></interface>" END, VIR_ERR_XML_ERROR, "hardware address"},
    {"<domain type='kvm'><name>a</name>\n<uuid>12</uuid><os><type>hvm</type></os></domain>", VIR_ERR_INTERNAL_ERROR,
     "line 2: domain.uuid: invalid value '12': a UUID is expected"},
    {"<domain type='kvm'><name>a</name>\n<memory unit='XiB'>1</memory><os><type>hvm</type></os></domain>", VIR_ERR_XML_ERROR,
     "unknown unit 'XiB'"},
    {"<domain type='kvm'><name>a</name>\n<memory unit='EiB'>16</memory><os><type>hvm</type></os></domain>", VIR_ERR_XML_ERROR,
     "the size is too large"},
    {"<domain type='kvm'><name>a</name>\n<vcpu cpuset='3-'>1</vcpu><os><type>hvm</type></os></domain>", VIR_ERR_INVALID_ARG,
     "line 2: domain.vcpu@cpuset: invalid value '3-': a set of numbers"},
    /* what is observed of caches and memory bandwidth */
    {OBSERVED("<cachetune vcpus='0-2'><monitor level='3' vcpus='0-2'/><monitor level='3' vcpus='0'/><monitor level='3' vcpus='1'/></cachetune>"
              "<memorytune vcpus='0-2'><monitor vcpus='0'/><monitor vcpus='0-2'/></memorytune>"
              "<memorytune vcpus='3'><monitor vcpus='3'/></memorytune>"), VIR_ERR_OK, NULL},
    {OBSERVED("<cachetune vcpus='0-1'><monitor level='3' vcpus='0-2'/></cachetune>"), VIR_ERR_INVALID_ARG,
     "a monitor of vCPUs '0-2' can't observe more than the vCPUs of the element"},
    {OBSERVED("<memorytune vcpus='0-1'><monitor vcpus='2'/></memorytune>"), VIR_ERR_INVALID_ARG, "a monitor of vCPUs '2' can't"},
    {OBSERVED("<cachetune vcpus='0-9'><monitor level='3' vcpus='9'/></cachetune>"), VIR_ERR_INVALID_ARG, "no vCPUs '9' for a monitor"},
    {OBSERVED("<cachetune vcpus='0-1'><monitor level='3'/></cachetune>"), VIR_ERR_XML_ERROR, "missing attribute 'vcpus'"},
    {OBSERVED("<cachetune vcpus='0-1'><monitor level='2' vcpus='0'/></cachetune>"), VIR_ERR_XML_ERROR, "on level 3 only"},
    {OBSERVED("<cachetune vcpus='0'><monitor level='3' vcpus='0'/><monitor level='3' vcpus='0'/></cachetune>"), VIR_ERR_INVALID_ARG,
     "two monitors of vCPUs '0'"},
    {OBSERVED("<memorytune vcpus='0-2'><monitor vcpus='0-1'/><monitor vcpus='1-2'/></memorytune>"), VIR_ERR_INVALID_ARG,
     "the monitor of vCPUs '1-2' shares some of them"},
    {OBSERVED("<cachetune vcpus='0-2'><monitor level='3' vcpus='0-1'/></cachetune><memorytune vcpus='0-2'><monitor vcpus='1'/></memorytune>"),
     VIR_ERR_INVALID_ARG, "the monitor of vCPUs '1' shares some of them"},
    {OBSERVED("<cachetune vcpus='0-1'><monitor level='3' vcpus='0'/></cachetune><memorytune vcpus='1-2'><monitor vcpus='2'/></memorytune>"),
     VIR_ERR_XML_ERROR, "a cachetune and a memorytune element share some"},
    /* rules, with the line of what they are about */
    {START END, VIR_ERR_OK, NULL},
    {START "<disk>\n<target dev='vda'/></disk>" END, VIR_ERR_NO_SOURCE, "line 6: domain.devices.disk[1]: vda: missing source file"},
    {START "<disk>\n<source file='/a'/><target dev='x'/></disk>" END, VIR_ERR_XML_ERROR, "line 6: domain.devices.disk[1]: target name 'x'"},
    {START "<disk><source file='/a'/><target dev='vda'/></disk>\n<disk><source file='/a'/><target dev='vda'/></disk>" END,
     VIR_ERR_XML_ERROR, "line 7: domain.devices.disk[2]: target 'vda' is used by two disks"},
    {START "<redirfilter>\n<usbdev version='2' allow='yes'/></redirfilter>" END, VIR_ERR_XML_ERROR,
     "domain.devices.redirfilter: rule 1: '2' is no USB version such as 1.1 or 2.00"},
    {START "<console type='pty'/>\n<console type='pty'/>" END, VIR_ERR_CONFIG_UNSUPPORTED,
     "line 7: domain.devices.console[2]: only the first console can be a serial port"},
    {START "<disk><source file='/a'/><target dev='vda'/><address type='pci' bus='0' slot='5'/></disk>\n"
     "<disk><source file='/a'/><target dev='vdb'/><address type='pci' bus='0' slot='5'/></disk>" END,
     VIR_ERR_XML_ERROR, "line 7: domain.devices.disk[2]: attempted double use of PCI address 0000:00:05.0"},
    {START "<controller type='pci' index='0' model='pcie-root'/>" END, VIR_ERR_XML_ERROR, "must have model='pci-root'"},
    {START "<controller type='pci' index='300' model='pci-bridge'/>" END, VIR_ERR_XML_ERROR, "PCI bus 300 is beyond"},
    {START "<controller type='usb' model='none'/>\n<input type='tablet' bus='usb'/>" END, VIR_ERR_CONFIG_UNSUPPORTED,
     "line 7: domain.devices.input[1]: it needs USB"},
    {START "<interface type='bridge'/>" END, VIR_ERR_XML_ERROR, "missing source bridge"},
    {START "<interface type='user'><mac address='01:00:00:00:00:01'/></interface>" END, VIR_ERR_XML_ERROR, "unicast"},
    {START "<channel type='pty'><target name='x'/></channel>" END, VIR_ERR_XML_ERROR, "its target must have a type"},
    {"<domain type='kvm'>\n<name>a/b</name><memory>1</memory><os><type>hvm</type></os></domain>", VIR_ERR_XML_ERROR,
     "line 2: domain.name: name 'a/b' is empty or contains '/'"},
    {"<domain type='kvm'><name>a</name><os><type>hvm</type></os></domain>", VIR_ERR_XML_ERROR, "memory must be greater than 0"},
    {"<domain type='kvm'><name>a</name><memory>1</memory><vcpu>2</vcpu><os><type>hvm</type></os>\n"
     "<cpu><topology sockets='4294967295' cores='4294967295' threads='4294967295'/></cpu></domain>",
     VIR_ERR_CONFIG_UNSUPPORTED, "line 2: domain.cpu.topology: the CPU topology has"},
};

static void test_case(gconstpointer data)
{
    const Case *c = data;
    DomainMachineInfo info;

    virResetLastError();
    g_autoptr(DomainDef) def = domain_def_parse(c->xml, strlen(c->xml), XML_INACTIVE, NULL);
    if (def) {
        domain_machine_info(def->os.arch, def->os.machine, &info);
        int rc = domain_def_complete(def, &info, c->xml, strlen(c->xml), NULL);
        g_assert_cmpint(rc, ==, c->code ? -1 : 0);
    }
    g_test_message("%s", error_message());
    g_assert_cmpint(error_code(), ==, c->code);
    if (c->message)
        g_assert_nonnull(strstr(error_message(), c->message));
    virResetLastError();
}

/* All problems at once, and what has no meaning. */
static void test_all_problems(void)
{
    static const char xml[] =
        "<domain type='kvm' colour='red'>\n<name>a</name>\n<memroy>1</memroy>\n<os><type>hvm</type></os>\n"
        "<devices>\n<disk type='block' devcie='disk'>\n<driver name='qemu' cahce='none' io='nativ'/>\n"
        "<source file='/a'/>\n<target dev='vda' bus='frob'/></disk>\n<frobnicator/>\nhello</devices>\n"
        "<name>b</name></domain>";
    static const struct {
        XmlSeverity severity;
        guint line;
        const char *path, *message;
    } want[] = {
        {XML_PROBLEM_IGNORED, 1, "domain@colour", "unknown attribute 'colour' is ignored"},
        {XML_PROBLEM_IGNORED, 3, "domain.memroy", "unknown element 'memroy' is ignored; did you mean 'memory'?"},
        {XML_PROBLEM_IGNORED, 11, "domain.devices", "text is ignored: none has a meaning here"},
        {XML_PROBLEM_IGNORED, 6, "domain.devices.disk[1]@devcie", "unknown attribute 'devcie' is ignored; did you mean 'device'?"},
        {XML_PROBLEM_ERROR, 7, "domain.devices.disk[1].driver@io",
         "invalid value 'nativ': allowed: native, threads, io_uring; did you mean 'native'?"},
        {XML_PROBLEM_IGNORED, 7, "domain.devices.disk[1].driver@cahce", "unknown attribute 'cahce' is ignored; did you mean 'cache'?"},
        {XML_PROBLEM_IGNORED, 8, "domain.devices.disk[1].source@file", "attribute 'file' is ignored: it has a meaning only for file"},
        {XML_PROBLEM_ERROR, 9, "domain.devices.disk[1].target@bus",
         "invalid value 'frob': allowed: ide, fdc, scsi, virtio, xen, usb, uml, sata, sd, nvme"},
        {XML_PROBLEM_IGNORED, 10, "domain.devices.frobnicator", "unknown element 'frobnicator' is ignored"},
        {XML_PROBLEM_IGNORED, 12, "domain.name", "element 'name' stands twice; this one is ignored"},
    };
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();

    g_assert_null(domain_def_parse(xml, strlen(xml), 0, diag));
    for (guint i = 0; i < diag->problems->len; i++) {
        const XmlProblem *problem = diag->problems->pdata[i];
        g_test_message("%u %s: %s", problem->line, problem->path, problem->message);
    }
    g_assert_cmpuint(diag->problems->len, ==, G_N_ELEMENTS(want));
    g_assert_cmpuint(diag->n_errors, ==, 2);
    for (guint i = 0; i < G_N_ELEMENTS(want); i++) {
        const XmlProblem *problem = diag->problems->pdata[i];
        g_assert_cmpint(problem->severity, ==, want[i].severity);
        g_assert_cmpuint(problem->line, ==, want[i].line);
        g_assert_cmpstr(problem->path, ==, want[i].path);
        g_assert_cmpstr(problem->message, ==, want[i].message);
    }
    g_assert_nonnull(strstr(error_message(), "line 7: domain.devices.disk[1].driver@io"));
    virResetLastError();
}

static void assert_refused(const char *xml, size_t len, const char *message)
{
    virResetLastError();
    g_assert_null(domain_def_parse(xml, len, 0, NULL));
    g_test_message("%.300s", error_message());
    g_assert_nonnull(strstr(error_message(), message));
    virResetLastError();
}

/* Documents made to hurt: each is refused at once and the memory stays small. */
static void test_hostile(void)
{
    g_autoptr(GString) xml = g_string_new(NULL);
    g_autofree char *big = g_malloc0(XML_MAX_INPUT + 1);

    assert_refused(big, XML_MAX_INPUT + 1, "at most 16777216 are accepted");
    assert_refused("\0\0\0", 3, "(domain_definition):1:");
    for (guint i = 0; i < 100000; i++)
        g_string_append(xml, "<a>");
    assert_refused(xml->str, xml->len, "(domain_definition):1:");
    /* long values */
    g_string_printf(xml, "<domain type='kvm'><name>%0*d</name><os><type>hvm</type></os></domain>", 300, 1);
    assert_refused(xml->str, xml->len, "it is longer than 255 bytes");
    /* long lists */
    g_string_assign(xml, "<domain type='kvm'><name>a</name><os><type>hvm</type>");
    for (guint i = 0; i < 100000; i++)
        g_string_append(xml, "<boot dev='hd'/>");
    g_string_append(xml, "</os></domain>");
    assert_refused(xml->str, xml->len, "more than 16 elements 'boot'");
    /* unknown things by the thousand are counted, not kept */
    g_string_assign(xml, "<domain type='kvm'><name>a</name><os><type>hvm</type></os>");
    for (guint i = 0; i < 100000; i++)
        g_string_append(xml, "<x/>");
    g_string_append(xml, "</domain>");
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_autoptr(DomainDef) def = domain_def_parse(xml->str, xml->len, 0, diag);
    g_assert_nonnull(def);
    g_assert_cmpuint(diag->problems->len, ==, XML_MAX_PROBLEMS);
    g_assert_cmpuint(diag->n_ignored, ==, 100000);
}

static void test_validate(void)
{
    g_autoptr(DomainDef) def = xml_struct_new(&DOMAIN_DEF_DESC);

    def->type = DOMAIN_VIRT_TYPE_KVM;
    def->name = g_strnfill(300, 'x');
    def->vcpu.count = 100000;
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_assert_cmpint(xml_validate(&DOMAIN_DEF_DESC, def, "domain", diag), ==, -1);
    g_assert_cmpuint(diag->n_errors, >=, 1);
    const XmlProblem *first = diag->problems->pdata[0];
    g_assert_cmpstr(first->path, ==, "domain.name");
}

static void test_explain(void)
{
    const XmlMember *m = xml_explain(&DOMAIN_ROOT, "domain.devices.disk[2].driver@cache");

    g_assert_nonnull(m);
    g_assert_cmpstr(m->name, ==, "cache");
    g_assert_cmpstr(m->doc, ==, "Cache mode");
    g_assert_nonnull(xml_explain(&DOMAIN_ROOT, "domain.os.boot@dev"));
    g_assert_nonnull(xml_explain(&DOMAIN_ROOT, "domain@type"));
    g_assert_null(xml_explain(&DOMAIN_ROOT, "domain.devices.disk.driver@cahce"));
    g_assert_null(xml_explain(&DOMAIN_ROOT, "domain.devices.disk.driver@cache.x"));
    g_assert_null(xml_explain(&DOMAIN_ROOT, "network.name"));
    g_assert_null(xml_explain(&DOMAIN_ROOT, "domain.[.@]"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strdup_printf("/model/error/%u", i);
        g_test_add_data_func(name, &cases[i], test_case);
    }
    g_test_add_func("/model/all-problems", test_all_problems);
    g_test_add_func("/model/hostile", test_hostile);
    g_test_add_func("/model/validate", test_validate);
    g_test_add_func("/model/explain", test_explain);
    return g_test_run();
}
