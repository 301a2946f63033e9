/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Domain definitions: what Debian's libvirt 9.0 prints is read and written back byte by byte, and what it adds to a
 * definition is what we add. The files in tests/data/domain were made by running it.
 */
#include "model/domain.h"
#include <string.h>
#include "base/error.h"

#define DATA SOURCE_ROOT "/tests/data/domain/"

static char *load(const char *path, gsize *len)
{
    g_autoptr(GError) err = NULL;
    char *text = NULL;

    g_file_get_contents(path, &text, len, &err);
    g_assert_no_error(err);
    return text;
}

static DomainDef *parse_clean(const char *text, gsize len, unsigned flags)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    DomainDef *def = domain_def_parse(text, len, flags, diag);

    for (guint i = 0; i < diag->problems->len; i++) {
        const XmlProblem *problem = diag->problems->pdata[i];
        g_test_message("line %u: %s: %s", problem->line, problem->path, problem->message);
    }
    g_assert_cmpuint(diag->problems->len, ==, 0);
    g_assert_nonnull(def);
    return def;
}

static void assert_same_text(const char *got, const char *want)
{
    g_auto(GStrv) a = g_strsplit(got, "\n", -1);
    g_auto(GStrv) b = g_strsplit(want, "\n", -1);

    for (guint i = 0; a[i] && b[i]; i++) {
        if (strcmp(a[i], b[i]))
            g_test_message("line %u differs", i + 1);
        g_assert_cmpstr(a[i], ==, b[i]);
    }
    g_assert_cmpstr(got, ==, want);
}

/* Parse, print, copy, compare. */
static void test_roundtrip(gconstpointer path)
{
    gsize len;
    g_autofree char *text = load(path, &len);
    g_autoptr(DomainDef) def = parse_clean(text, len, 0);
    g_autofree char *out = domain_def_format(def, XML_SECURE);
    g_autoptr(DomainDef) copy = domain_def_copy(def);
    g_autofree char *again = domain_def_format(copy, XML_SECURE);
    g_autoptr(GPtrArray) changes = domain_def_diff(def, copy);

    assert_same_text(out, text);
    g_assert_cmpstr(again, ==, out);
    g_assert_true(domain_def_equal(def, copy));
    g_assert_cmpuint(changes->len, ==, 0);
}

/* What a running QEMU would have told. */
static void machine_info(const DomainDef *def, DomainMachineInfo *info)
{
    domain_machine_info(def->os.arch, def->os.machine, info);
    info->arch = "x86_64";
    info->emulator = "/usr/bin/qemu-system-x86_64";
    info->default_cpu = "qemu64";
    info->nvram_dir = "/var/lib/libvirt/qemu/nvram";
    info->canonical_machine = info->has_sata ? "pc-q35-7.2" : "pc-i440fx-7.2";
}

static char *define(const char *text, gsize len)
{
    g_autoptr(DomainDef) def = parse_clean(text, len, XML_INACTIVE);
    DomainMachineInfo info;

    machine_info(def, &info);
    int rc = domain_def_complete(def, &info, text, len, NULL);
    if (rc < 0)
        g_test_message("%s", error_message());
    g_assert_cmpint(rc, ==, 0);
    return domain_def_format(def, XML_SECURE | XML_INACTIVE);
}

static void test_define(gconstpointer path)
{
    gsize len, len_want;
    g_autofree char *text = load(path, &len);
    g_autofree char *want_path = g_strdup_printf("%.*s.out", (int)strlen(path) - 4, (const char *)path);
    g_autofree char *want = load(want_path, &len_want);
    g_autofree char *out = define(text, len);
    g_autofree char *again = define(out, strlen(out));

    assert_same_text(out, want);
    /* What is complete stays as it is. */
    assert_same_text(again, out);
}

static void add_files(const char *folder, const char *name, GTestDataFunc test)
{
    g_autofree char *dir = g_strconcat(DATA, folder, NULL);
    g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
    const char *file;
    guint n = 0;

    g_assert_nonnull(files);
    while ((file = g_dir_read_name(files))) {
        if (!g_str_has_suffix(file, ".xml"))
            continue;
        g_autofree char *test_name = g_strdup_printf("/model/%s/%s", name, file);
        g_test_add_data_func_full(test_name, g_strconcat(dir, "/", file, NULL), test, g_free);
        n++;
    }
    g_assert_cmpuint(n, >, 0);
}

/* Without UUID and MAC both are made, and the address is a valid one. */
static void test_generated(void)
{
    static const char xml[] = "<domain type='qemu'><name>a</name><memory>1024</memory><os><type>hvm</type></os>"
                              "<devices><interface type='user'/><interface type='user'/></devices></domain>";
    g_autoptr(DomainDef) def = parse_clean(xml, strlen(xml), XML_INACTIVE);
    DomainMachineInfo info;

    machine_info(def, &info);
    g_assert_cmpint(domain_def_complete(def, &info, xml, strlen(xml), NULL), ==, 0);
    g_assert_true(def->has_uuid);
    const DomainInterface *a = def->devices.interfaces[0], *b = def->devices.interfaces[1];
    g_assert_true(a->has_mac && b->has_mac);
    g_assert_cmpmem(a->mac, 3, "\x52\x54\x00", 3);
    g_assert_cmpint(memcmp(a->mac, b->mac, 6), !=, 0);
}

/* Memory and numbers with units, white space around them, entities. */
static void test_values(void)
{
    static const char xml[] =
        "<domain type='kvm'><name>a&amp;&#x62;</name><memory unit='GiB'> 2\n</memory><maxMemory slots='1' unit='MB'>4000"
        "</maxMemory><currentMemory unit='bytes'>1025</currentMemory><vcpu cpuset='0-3,^2'>4</vcpu>"
        "<os><type>hvm</type><cmdline>a='1' &lt;b&gt;</cmdline></os>"
        "<devices><controller type='pci' index='0'><target port='0X1f'/></controller>"
        "<disk><source file='/x&quot;y'/><target dev='vda'/><address type='pci' bus='10' slot='0x1f'/></disk>"
        "</devices></domain>";
    g_autoptr(DomainDef) def = parse_clean(xml, strlen(xml), 0);

    g_assert_cmpstr(def->name, ==, "a&b");
    g_assert_cmpuint(def->memory, ==, 2 * 1024 * 1024);
    g_assert_cmpuint(def->max_memory, ==, 3906250);
    g_assert_cmpuint(def->current_memory, ==, 2);
    g_assert_cmpuint(bitmap_count(def->vcpu.cpuset), ==, 3);
    g_assert_cmpstr(def->os.cmdline, ==, "a='1' <b>");
    const DomainDisk *disk = def->devices.disks[0];
    g_assert_cmpint(disk->device, ==, DOMAIN_DISK_DEVICE_DISK);
    g_assert_cmpint(disk->source.type, ==, DOMAIN_DISK_TYPE_FILE);
    g_assert_cmpstr(disk->source.file, ==, "/x\"y");
    g_assert_cmpuint(disk->info.address->pci.bus, ==, 10);
    g_assert_cmpuint(disk->info.address->pci.slot, ==, 31);
    g_assert_cmpuint(def->devices.controllers[0]->target.port, ==, 31);
    g_autofree char *out = domain_def_format(def, 0);
    g_assert_nonnull(strstr(out, "<name>a&amp;b</name>"));
    g_assert_nonnull(strstr(out, "<cmdline>a=&apos;1&apos; &lt;b&gt;</cmdline>"));
    g_assert_nonnull(strstr(out, "<source file='/x&quot;y'/>"));
    g_assert_nonnull(strstr(out, "cpuset='0-1,3'"));
}

/* Blank text is dropped only where it is indentation: text comes from the parser in pieces. */
static void test_blank_text(void)
{
    static const char xml[] = "<domain type='kvm'><name>a</name><description>\n  &lt;x&gt;\n  &amp;\n</description>\n"
                              "<metadata>\n<m:x xmlns:m='http://m'>\n</m:x> </metadata><os><type>hvm</type></os></domain>";
    g_autoptr(DomainDef) def = parse_clean(xml, strlen(xml), 0);

    g_assert_cmpstr(def->description, ==, "\n  <x>\n  &\n");
    g_assert_cmpstr(def->metadata, ==, "<metadata>\n<m:x xmlns:m=\"http://m\">\n</m:x> </metadata>");
}

static void test_namespace(void)
{
    static const char xml[] =
        "<domain type='kvm' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' xmlns:m='http://m'><name>a</name>"
        "<metadata><m:x m:a='1'/></metadata><os><type>hvm</type></os><q:commandline><q:arg value='-S'/></q:commandline>"
        "<qemu:commandline xmlns:qemu='http://other'/></domain>";
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_autoptr(DomainDef) def = domain_def_parse(xml, strlen(xml), 0, diag);

    g_assert_nonnull(def);
    g_assert_cmpuint(diag->n_ignored, ==, 1); /* the other qemu */
    g_assert_cmpstr(def->qemu_commandline->args[0]->value, ==, "-S");
    g_autofree char *out = domain_def_format(def, 0);
    g_assert_true(g_str_has_prefix(out,
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"));
    g_assert_nonnull(strstr(out, "  <qemu:commandline>\n    <qemu:arg value='-S'/>\n  </qemu:commandline>\n"));
    g_assert_nonnull(strstr(out, "<metadata xmlns:m=\"http://m\">\n    <m:x m:a=\"1\"/>\n  </metadata>"));
    g_autoptr(DomainDef) again = parse_clean(out, strlen(out), 0);
    g_assert_true(domain_def_equal(def, again));
    again->metadata[strlen(again->metadata) / 2] = '?';
    g_assert_false(domain_def_equal(def, again));
}

static const char running[] =
    "<domain type='kvm' id='7'><name>a</name><memory>1</memory><os><type>hvm</type></os><devices>"
    "<disk><source file='/a' index='3'/><target dev='vda'/><alias name='virtio-disk0'/></disk>"
    "<disk><source file='/b'/><target dev='vdb'/><alias name='ua-mine'/></disk>"
    "<disk type='network'><source protocol='https' name='n'><cookies><cookie name='c'>chocolate</cookie></cookies>"
    "</source><target dev='vdc'/></disk>"
    "<serial type='pty'><source path='/dev/pts/3'/></serial>"
    "<graphics type='vnc' passwd='opensesame' passwdValidTo='2030-01-01T00:00:00' connected='keep'/>"
    "</devices></domain>";

static void test_secrets(void)
{
    g_autoptr(DomainDef) def = parse_clean(running, strlen(running), 0);
    g_autofree char *open = domain_def_format(def, 0);
    g_autofree char *secure = domain_def_format(def, XML_SECURE);

    g_assert_null(strstr(open, "opensesame"));
    g_assert_null(strstr(open, "2030"));
    g_assert_null(strstr(open, "chocolate"));
    g_assert_nonnull(strstr(secure, "passwd='opensesame' passwdValidTo='2030-01-01T00:00:00' connected='keep'"));
    g_assert_nonnull(strstr(secure, ">chocolate</cookie>"));
    /* A comparison shows that it changed, but not what it was. */
    g_autoptr(DomainDef) other = domain_def_copy(def);
    g_free(other->devices.graphics[0]->passwd);
    other->devices.graphics[0]->passwd = g_strdup("other");
    g_autoptr(GPtrArray) changes = domain_def_diff(def, other);
    g_assert_cmpuint(changes->len, ==, 1);
    const XmlChange *change = changes->pdata[0];
    g_assert_cmpstr(change->path, ==, "domain.devices.graphics[1]@passwd");
    g_assert_cmpstr(change->old, ==, "***");
    g_assert_cmpstr(change->new, ==, "***");
}

static void test_inactive(void)
{
    g_autoptr(DomainDef) def = parse_clean(running, strlen(running), 0);
    g_autoptr(DomainDef) inactive = parse_clean(running, strlen(running), XML_INACTIVE);
    g_autofree char *live = domain_def_format(def, XML_SECURE);
    g_autofree char *a = domain_def_format(def, XML_SECURE | XML_INACTIVE);
    g_autofree char *b = domain_def_format(inactive, XML_SECURE | XML_INACTIVE);

    g_assert_nonnull(strstr(live, "id='7'"));
    g_assert_nonnull(strstr(live, "<source file='/a' index='3'/>"));
    g_assert_nonnull(strstr(live, "virtio-disk0"));
    g_assert_nonnull(strstr(live, "/dev/pts/3"));
    g_assert_null(strstr(a, "id='7'"));
    g_assert_null(strstr(a, "index="));
    g_assert_null(strstr(a, "virtio-disk0"));
    g_assert_null(strstr(a, "/dev/pts/3"));
    g_assert_nonnull(strstr(a, "ua-mine"));
    g_assert_cmpstr(a, ==, b);
}

static void test_diff(void)
{
    g_autoptr(DomainDef) def = parse_clean(running, strlen(running), 0);
    g_autoptr(DomainDef) other = domain_def_copy(def);
    static const char *const paths[] = {"domain.memory", "domain.devices.disk[1].driver@cache",
                                        "domain.devices.disk[4]", "domain.devices.memballoon"};

    other->memory = 2048;
    other->devices.disks[0]->driver.cache = DOMAIN_DISK_CACHE_NONE;
    DomainDisk *disk = xml_struct_new(&DOMAIN_DISK_DESC);
    XML_LIST_APPEND(other->devices.disks, other->devices.n_disks, disk);
    other->devices.memballoon = xml_struct_new(&DOMAIN_MEMBALLOON_DESC);
    g_autoptr(GPtrArray) changes = domain_def_diff(def, other);
    g_assert_false(domain_def_equal(def, other));
    g_assert_cmpuint(changes->len, ==, G_N_ELEMENTS(paths));
    for (guint i = 0; i < changes->len; i++)
        g_assert_cmpstr(((const XmlChange *)changes->pdata[i])->path, ==, paths[i]);
    const XmlChange *cache = changes->pdata[1];
    g_assert_cmpstr(cache->old, ==, NULL);
    g_assert_cmpstr(cache->new, ==, "none");
}

static void test_device(void)
{
    static const char xml[] = "<interface type='bridge'><source bridge='br0'/></interface>";
    g_autoptr(DomainDevice) dev = domain_device_parse(xml, strlen(xml), XML_INACTIVE, NULL);

    g_assert_nonnull(dev);
    g_assert_cmpstr(dev->kind, ==, "interface");
    g_assert_cmpstr(((DomainInterface *)dev->device)->source.bridge, ==, "br0");
    g_assert_null(domain_device_parse("<frob/>", 7, 0, NULL));
    g_assert_cmpint(error_code(), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_null(domain_device_parse("<disk/>", 7, 0, NULL));
    g_assert_cmpint(error_code(), ==, VIR_ERR_NO_TARGET);
}

static void test_list_macros(void)
{
    DomainBootDev *devs = NULL;
    guint n = 0;

    for (guint i = 0; i < 100; i++)
        XML_LIST_APPEND(devs, n, i % 2 ? DOMAIN_BOOT_DEV_HD : DOMAIN_BOOT_DEV_FD);
    XML_LIST_INSERT(devs, n, 3, DOMAIN_BOOT_DEV_NETWORK);
    g_assert_cmpuint(n, ==, 101);
    g_assert_cmpint(devs[3], ==, DOMAIN_BOOT_DEV_NETWORK);
    g_assert_cmpint(devs[4], ==, DOMAIN_BOOT_DEV_HD);
    XML_LIST_REMOVE(devs, n, 3);
    g_assert_cmpint(devs[3], ==, DOMAIN_BOOT_DEV_HD);
    g_assert_cmpint(devs[99], ==, DOMAIN_BOOT_DEV_HD);
    g_free(devs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_files("roundtrip", "roundtrip", test_roundtrip);
    add_files("define", "define", test_define);
    g_test_add_func("/model/generated", test_generated);
    g_test_add_func("/model/values", test_values);
    g_test_add_func("/model/blank-text", test_blank_text);
    g_test_add_func("/model/namespace", test_namespace);
    g_test_add_func("/model/secrets", test_secrets);
    g_test_add_func("/model/inactive", test_inactive);
    g_test_add_func("/model/diff", test_diff);
    g_test_add_func("/model/device", test_device);
    g_test_add_func("/model/list-macros", test_list_macros);
    return g_test_run();
}
