/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Command lines: tests/data/qemu/NAME.xml gives NAME.args, one option a line. The files were recorded from Debian's libvirt 9.0
 * with QEMU 7.2 (define, dumpxml, domxml-to-native; what that tool forgets, from the log of a start); what differs on purpose
 * is listed in differs().
 */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/command.h"
#include "drivers/qemu/command_block.h"
#include "model/domain.h"
#include "qemu_peer.h"
#include "secret/lookup.h"

static QemuCaps *caps;

static DomainDef *load(const char *name)
{
    g_autofree char *path = g_strdup_printf(TEST_DATA "/qemu/%s.xml", name);
    g_autofree char *text = NULL;
    gsize len;
    DomainDef *def;

    g_assert_true(g_file_get_contents(path, &text, &len, NULL));
    def = domain_def_parse(text, len, 0, NULL);
    if (!def)
        g_error("%s: %s", path, error_message());
    g_assert_cmpint(qemu_assign_aliases(def), ==, 0);
    g_assert_cmpint(qemu_assign_channel_paths(def, "/run/channel"), ==, 0);
    /* Ports are chosen at start: here as the recording did. */
    for (guint i = 0; i < def->devices.n_graphics; i++) {
        DomainGraphics *graphics = def->devices.graphics[i];

        if (!graphics->has_port || graphics->port < 0) {
            graphics->has_port = true;
            graphics->port = 5900 + i;
        }
    }
    return def;
}

static GPtrArray *lines_of(QemuCommand *cmd)
{
    const char *const *argv = qemu_command_argv(cmd);
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; argv[i]; i++) {
        if (i > 0 && argv[i][0] == '-' && argv[i + 1] && argv[i + 1][0] != '-') {
            g_ptr_array_add(lines, g_strconcat(argv[i], " ", argv[i + 1], NULL));
            i++;
        } else {
            g_ptr_array_add(lines, g_strdup(argv[i]));
        }
    }
    return lines;
}

/* Lines that aren't compared. */
static gboolean differs(const char *line)
{
    return strstr(line, "masterKey0") ||          /* made only when a secret needs it */
        g_str_has_prefix(line, "-netdev ") ||     /* the recorded tool turns every interface into a tap device … */
        strstr(line, "\"virtio-net-pci\"") ||     /* … and forgets its driver's settings */
        g_str_has_prefix(line, "-rtc base=2");    /* a time of day */
}

static void test_golden(gconstpointer data)
{
    const char *name = data;
    g_autofree char *path = g_strdup_printf(TEST_DATA "/qemu/%s.args", name), *text = NULL;
    g_autoptr(DomainDef) def = load(name);
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };
    g_autoptr(QemuCommand) cmd = NULL;
    g_autoptr(GPtrArray) lines = NULL;
    g_auto(GStrv) wanted = NULL;
    guint l = 0;

    if (!caps || caps->version < QEMU_VERSION(7, 2, 0) || caps->version >= QEMU_VERSION(8, 0, 0)) {
        g_test_skip("needs QEMU 7.2");
        return;
    }
    cmd = qemu_command_new(def, caps, &options);
    if (!cmd)
        g_error("%s: %s", name, error_message());
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    wanted = g_strsplit(g_strchomp(text), "\n", -1);
    lines = lines_of(cmd);
    for (guint w = 0; wanted[w]; w++) {
        if (differs(wanted[w]))
            continue;
        while (l < lines->len && differs(g_ptr_array_index(lines, l)))
            l++;
        g_assert_cmpuint(l, <, lines->len);
        g_assert_cmpstr(g_ptr_array_index(lines, l), ==, wanted[w]);
        l++;
    }
    while (l < lines->len && differs(g_ptr_array_index(lines, l)))
        l++;
    g_assert_cmpuint(l, ==, lines->len);
}

/* A definition with @devices in an otherwise small domain. */
static DomainDef *small(const char *attributes, const char *more, const char *devices)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='%s'><name>small</name><uuid>11111111-2222-3333-4444-555555555555</uuid>"
        "<memory>131072</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>%s"
        "<devices>%s</devices></domain>", attributes, more, devices);
    DomainDef *def = domain_def_parse(xml, strlen(xml), 0, NULL);

    if (!def)
        g_error("%s: %s", xml, error_message());
    g_assert_cmpint(qemu_assign_aliases(def), ==, 0);
    return def;
}

static void test_refused(void)
{
    static const struct {
        const char *type, *more, *devices;
        const char *text;
    } cases[] = {
        { "qemu", "<cpu mode='custom'><model>NoSuchCPU</model></cpu>", "", "no CPU model 'NoSuchCPU'" },
        { "qemu", "<cpu mode='host-passthrough'/>", "", "needs type='kvm'" },
        { "qemu", "", "<disk type='file'><source file='/x'/><target dev='vda' bus='xen'/></disk>", "bus 'xen'" },
        { "qemu", "", "<disk type='file'><target dev='vda' bus='virtio'/></disk>", "no source" },
        { "qemu", "", "<disk type='file'><source file='/a'/><target dev='sdb' bus='sd'/></disk>", "no reader of cards" },
        { "qemu", "", "<disk type='file'><driver name='qemu' io='native'/><source file='/x'/><target dev='vda' bus='virtio'/></disk>",
          "cache='none'" },
        { "qemu", "", "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='nosuchnic'/></interface>", "'nosuchnic'" },
        { "qemu", "", "<interface type='user'><portForward proto='tcp'><range start='1' end='2000'/></portForward></interface>", "more than 1024" },
        { "qemu", "", "<interface type='user'><portForward proto='tcp' address='::1'><range start='1'/></portForward></interface>", "passt" },
        { "qemu", "", "<interface type='user'><portForward proto='tcp'/></interface>", "passt" },
        { "qemu", "", "<interface type='ethernet'><model type='virtio'/><driver name='vhost'/></interface>", "type 'kvm'" },
        { "qemu", "", "<interface type='user'><script path='/x'/></interface>", "have scripts" },
        { "qemu", "", "<interface type='vhostuser'><source type='unix' path='/x' mode='client'/><model type='virtio'/></interface>",
          "memory to be shared" },
        { "qemu", "", "<interface type='vdpa'><source dev='/x'/><model type='e1000'/></interface>", "model 'virtio'" },
        { "qemu", "", "<interface type='null'/>", "'null'" },
        { "qemu", "", "<filesystem><driver type='handle'/><source dir='/x'/><target dir='y'/></filesystem>", "driver 'handle'" },
        { "qemu", "", "<filesystem><source dir='/x'/><target dir='01234567890123456789012345678901'/></filesystem>", "1 to 31 bytes" },
        { "qemu", "", "<filesystem accessmode='mapped' fmode='999'><source dir='/x'/><target dir='y'/></filesystem>", "octal" },
        { "qemu", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
          "<filesystem><driver type='virtiofs' queue='1000'/><source dir='/x'/><target dir='y'/></filesystem>", "power of two" },
        { "qemu", "", "<hostdev mode='subsystem' type='pci'><driver name='kvm'/><source><address domain='0' bus='6' slot='1' function='0'/>"
          "</source></hostdev>", "driver 'kvm'" },
        { "qemu", "", "<hostdev mode='subsystem' type='mdev' model='vfio-ap'><source>"
          "<address uuid='53764d0e-85a0-42b4-af5c-2046b460b1dc'/></source></hostdev>", "'vfio-ap'" },
        { "qemu", "", "<disk type='network'><source protocol='sheepdog' name='x'><host name='h'/></source><target dev='vda' bus='virtio'/></disk>",
          "sheepdog" },
        { "qemu", "", "<disk type='network'><source protocol='rbd' name='x'/><target dev='vda' bus='virtio'/></disk>", "pool/image" },
        { "qemu", "", "<disk type='network'><source protocol='nbd'><host name='h'/><host name='g'/></source><target dev='vda' bus='virtio'/></disk>",
          "exactly one host" },
        { "qemu", "", "<disk type='network'><source protocol='iscsi' name='a/b/c'><host name='h'/></source><target dev='vda' bus='virtio'/></disk>",
          "no iSCSI target" },
        { "qemu", "", "<disk type='network'><source protocol='ssh' name='a'><host name='h'/><identity keyfile='/k'/></source>"
          "<target dev='vda' bus='virtio'/></disk>", "no keyfile" },
        { "qemu", "", "<disk type='volume'><source pool='p' volume='v'/><target dev='vda' bus='virtio'/></disk>", "type 'volume'" },
        { "qemu", "", "<disk type='vhostvdpa'><source dev='/x'/><target dev='vda' bus='virtio'/></disk>", "vDPA" },
        { "qemu", "", "<disk type='vhostuser'><source type='unix' path='/x'/><target dev='vda' bus='virtio'/></disk>", "memory to be shared" },
        { "qemu", "", "<disk type='dir'><source dir='/x'/><target dev='vda' bus='virtio'/></disk>", "format 'fat'" },
        { "qemu", "", "<disk type='file'><driver name='qemu' type='qcow2' discard_no_unref='on'/><source file='/x'/>"
          "<target dev='vda' bus='virtio'/></disk>", "discard_no_unref" },
        { "qemu", "", "<disk type='file'><source file='/x'><encryption format='qcow'><secret type='passphrase' usage='u'/></encryption></source>"
          "<target dev='vda' bus='virtio'/></disk>", "use 'luks'" },
        { "qemu", "", "<disk type='file'><source file='/x'><encryption format='luks'><secret type='passphrase' usage='u'/></encryption></source>"
          "<target dev='vda' bus='virtio'/></disk>", "needs the secret 'u'" },
        { "qemu", "", "<disk type='file'><source file='/x'/><target dev='sda' bus='sd'/></disk>", "no reader of cards" },
        { "qemu", "<launchSecurity type='sev'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>1</policy></launchSecurity>", "",
          "needs type='kvm'" },
        { "qemu", "<features><hyperv mode='host-model'/></features>", "", "mode='host-model'" },
        { "qemu", "<launchSecurity type='s390-pv'/>", "", "'s390-pv-guest'" },
        { "qemu", "", "<panic model='pseries'/>", "'pseries'" },
        { "qemu", "", "<iommu model='smmuv3'/>", "the property 'iommu' of 'machine'" },
        { "qemu", "<keywrap><cipher name='aes' state='on'/></keywrap>", "", "the property 'aes-key-wrap' of 'machine'" },
        { "qemu", "", "<nvram><address type='spapr-vio' reg='0x3000'/></nvram>", "spapr-nvram" },
        { "qemu", "", "<sound model='ich7'/>", "ich7" },
        { "qemu", "", "<graphics type='desktop'/>", "desktop" },
        { "qemu", "", "<graphics type='spice' defaultMode='secure'/>", "no TLS port" },
        { "qemu", "", "<video><model type='xen'/></video>", "xen" },
        { "qemu", "", "<video><driver name='vhostuser'/><model type='qxl'/></video>", "type 'virtio'" },
        { "qemu", "", "<video><driver name='vhostuser'/><model type='virtio'/></video>", "memory to be shared" },
        { "qemu", "", "<input type='tablet' bus='ps2'/>", "can't be on bus 'ps2'" },
        { "qemu", "", "<input type='mouse' bus='virtio' model='virtio-transitional'/>", "virtio-mouse-pci-transitional" },
        { "qemu", "", "<graphics type='rdp'/>", "rdp" },
        { "qemu", "", "<serial type='nmdm'><source master='a' slave='b'/></serial>", "nmdm" },
        { "qemu", "", "<shmem name='a'/>", "ivshmem" },
        { "qemu", "", "<shmem name='a'><model type='ivshmem-plain'/><size unit='M'>3</size></shmem>", "power of two" },
        { "qemu", "", "<smartcard mode='host-certificates'><certificate>c</certificate></smartcard>", "three certificates" },
        { "qemu", "", "<channel type='spicevmc'><target type='virtio' name='x'/></channel>", "needs <graphics type='spice'>" },
        { "qemu", "", "<channel type='pty'><target type='guestfwd' address='::1' port='1'/></channel>", "an IPv4 address" },
        { "qemu", "", "<channel type='pty'><target type='guestfwd' address='1.2.3.4' port='x'/></channel>", "an IPv4 address" },
        { "qemu", "", "<crypto model='virtio' type='qemu'><backend model='lkcf'/></crypto>", "cryptodev-backend-lkcf" },
        { "xen", "", "", "type 'xen'" },
    };
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };

    for (guint i = 0; caps && i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DomainDef) def = small(cases[i].type, cases[i].more, cases[i].devices);

        g_autoptr(QemuCommand) cmd = qemu_command_new(def, caps, &options);

        if (cmd)
            g_error("%s%s isn't refused", cases[i].more, cases[i].devices);
        if (!strstr(error_message(), cases[i].text))
            g_error("'%s' does not say '%s'", error_message(), cases[i].text);
    }
    virResetLastError();
}

/* What the recorded tool or QEMU 7.2 doesn't have: the options that a device makes. */
static void test_rows(void)
{
    static const struct {
        const char *devices, *options;
    } rows[] = {
        { "<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/><driver packed='on'/></crypto>",
          "-object {\"qom-type\":\"cryptodev-backend-builtin\",\"id\":\"objcrypto0\",\"queues\":1}\n"
          "-device {\"driver\":\"virtio-crypto-pci\",\"cryptodev\":\"objcrypto0\",\"id\":\"crypto0\",\"packed\":true}\n" },
        { "<pstore backend='acpi-erst'><path>/x</path><size unit='KiB'>64</size></pstore>",
          "-object {\"qom-type\":\"memory-backend-file\",\"id\":\"mem-pstore0\",\"share\":true,\"mem-path\":\"/x\",\"size\":65536}\n"
          "-device {\"driver\":\"acpi-erst\",\"id\":\"pstore0\",\"memdev\":\"mem-pstore0\"}\n" },
        { "<shmem name='s'><model type='ivshmem-doorbell'/><server/><msi vectors='3' ioeventfd='off'/></shmem>",
          "-chardev socket,id=charshmem0,path=" LOCALSTATEDIR "/lib/libvirt/shmem-s-sock\n"
          "-device {\"driver\":\"ivshmem-doorbell\",\"id\":\"shmem0\",\"chardev\":\"charshmem0\",\"vectors\":3,\"ioeventfd\":false}\n" },
        { "<disk type='network'><source protocol='rbd' name='p/ns/i'/><target dev='vda' bus='virtio'/></disk>",
          "\"driver\":\"rbd\",\"pool\":\"p\",\"namespace\":\"ns\",\"image\":\"i\",\"node-name\"" },
        { "<disk type='network'><source protocol='nbd' name='e'><host name='h'/><reconnect enabled='yes' timeout='10'/></source>"
          "<target dev='vda' bus='virtio'/></disk>", "\"export\":\"e\",\"reconnect-delay\":10," },
        { "<disk type='network'><source protocol='http' name='a'><host name='h'/><cookies><cookie name='c'>v</cookie></cookies></source>"
          "<target dev='vda' bus='virtio'/></disk>", "\"url\":\"http://h:80/a\",\"cookie-secret\":\"libvirt-1-storage-httpcookie-secret0\"" },
        { "<disk type='file' model='usb-bot' device='cdrom'><source file='/x'/><target dev='sda' bus='usb'/></disk>",
          "-device {\"driver\":\"usb-bot\",\"id\":\"usb-disk0-bot\"}\n-device {\"driver\":\"scsi-cd\",\"bus\":\"usb-disk0-bot.0\"" },
        { "<controller type='scsi' index='0' model='virtio-scsi'><alias name='ua-s'/></controller><hostdev mode='subsystem' type='scsi'>"
          "<source protocol='iscsi' name='iqn.x/3'><host name='h'/></source><readonly/>"
          "<address type='drive' controller='0' bus='0' target='0' unit='4'/></hostdev>",
          "-blockdev {\"driver\":\"iscsi\",\"portal\":\"h:3260\",\"target\":\"iqn.x\",\"lun\":3,\"transport\":\"tcp\","
          "\"node-name\":\"libvirt-hostdev0-backend\",\"read-only\":true}\n"
          "-device {\"driver\":\"scsi-generic\",\"drive\":\"libvirt-hostdev0-backend\",\"id\":\"hostdev0\",\"bus\":\"ua-s.0\",\"channel\":0,"
          "\"scsi-id\":0,\"lun\":4}\n" },
        { "<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>",
          "-device {\"driver\":\"vhost-scsi-pci\",\"wwpn\":\"naa.5123456789abcde0\",\"vhostfd\":\"-1\",\"id\":\"hostdev0\"}\n" },
        { "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='6' slot='0x12' function='5'/></source>"
          "<teaming type='transient' persistent='ua-n'/></hostdev>",
          "\"host\":\"0000:06:12.5\",\"id\":\"hostdev0\",\"failover_pair_id\":\"ua-n\"}" },
        { "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><portForward proto='tcp' address='127.0.0.1'>"
          "<range start='2022' to='22'/><range start='80' end='82'/><range start='81' exclude='yes'/></portForward>"
          "<portForward proto='udp'><range start='53'/></portForward><teaming type='persistent'/></interface>",
          "-netdev {\"type\":\"user\",\"hostfwd\":[{\"str\":\"tcp:127.0.0.1:2022-:22\"},{\"str\":\"tcp:127.0.0.1:80-:80\"},"
          "{\"str\":\"tcp:127.0.0.1:82-:82\"},{\"str\":\"udp::53-:53\"}],\"id\":\"hostnet0\"}\n"
          "-device {\"driver\":\"virtio-net-pci\",\"failover\":true,\"netdev\":\"hostnet0\"," },
        { "<interface type='vdpa'><mac address='52:54:00:00:00:01'/><model type='virtio'/><source dev='/dev/vhost-vdpa-0'/>"
          "<driver queues='2'/></interface>",
          "-netdev {\"type\":\"vhost-vdpa\",\"vhostdev\":\"/dev/vhost-vdpa-0\",\"queues\":2,\"id\":\"hostnet0\"}\n" },
        { "<controller type='pci' index='0' model='pci-root'/><controller type='pci' index='1' model='pci-bridge'>"
          "<address type='pci' domain='0' bus='2' slot='3' function='0'/></controller><controller type='pci' index='2' model='pci-bridge'>"
          "<address type='pci' domain='0' bus='0' slot='7' function='0'/></controller>",
          "\"id\":\"pci.2\",\"bus\":\"pci.0\",\"addr\":\"0x7\"}\n-device {\"driver\":\"pci-bridge\",\"id\":\"pci.1\",\"bus\":\"pci.2\",\"addr\":\"0x3\"}" },
        { "<sound model='pcspk'/><audio id='2' type='none'/>", ",pcspk-audiodev=audio2," },
        { "<graphics type='dbus' address='unix:path=/a,b'/>", "-display dbus,addr=unix:path=/a,,b\n" },
        { "<controller type='pci' index='0' model='pci-root'><pcihole64 unit='GiB'>1</pcihole64></controller>",
          "-global i440FX-pcihost.pci-hole64-size=1048576K\n" },
        { "<graphics type='dbus'/>", "-display dbus,addr=unix:path=/run/guest/dbus.sock\n" },
        { "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><backend type='passt'/></interface>",
          "-netdev {\"type\":\"stream\",\"addr\":{\"type\":\"unix\",\"path\":\"/run/guest/net0-passt.sock\"},\"server\":false,\"id\":\"hostnet0\"}\n" },
        { "<controller type='scsi' index='0' model='virtio-scsi'/>"
          "<disk type='block' device='lun'><source dev='/dev/a'><reservations managed='yes'/></source><target dev='sda' bus='scsi'/>"
          "<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>",
          "-object {\"qom-type\":\"pr-manager-helper\",\"id\":\"pr-helper0\",\"path\":\"/run/guest/pr-helper0.sock\"}\n"
          "-blockdev {\"driver\":\"host_device\",\"filename\":\"/dev/a\",\"pr-manager\":\"pr-helper0\"," },
        { "<graphics type='spice'/><smartcard mode='passthrough' type='spicevmc'/>",
          "-chardev spicevmc,id=charsmartcard0,name=smartcard\n"
          "-device {\"driver\":\"ccid-card-passthru\",\"chardev\":\"charsmartcard0\",\"id\":\"smartcard0\"}\n" },
    };
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };

    for (guint i = 0; caps && i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DomainDef) def = small("qemu", "", rows[i].devices);
        g_autoptr(QemuCommand) cmd = qemu_command_new(def, caps, &options);
        g_autoptr(GPtrArray) lines = NULL;
        g_autofree char *text = NULL;

        if (!cmd)
            g_error("%s: %s", rows[i].devices, error_message());
        lines = lines_of(cmd);
        g_ptr_array_add(lines, NULL);
        text = g_strjoinv("\n", (char **)lines->pdata);
        if (!strstr(text, rows[i].options))
            g_error("%s\ndoes not give\n%s\nbut\n%s", rows[i].devices, rows[i].options, text);
    }
}

/* Which pages each piece of the guest's memory is in. */
static void test_large_pages(void)
{
    static const char xml[] = "<maxMemory slots='4' unit='GiB'>1</maxMemory><memoryBacking><hugepages><page size='2048' nodeset='1'/>"
        "<page size='4' nodeset='2'/><page size='1' unit='GiB'/></hugepages></memoryBacking><cpu><numa>"
        "<cell id='0' cpus='0' memory='65536'/><cell id='1' memory='65536'/><cell id='2' memory='65536'/></numa></cpu>";
    static const char modules[] =
        "<memory model='dimm'><target><size unit='MiB'>128</size><node>1</node></target></memory>"
        "<memory model='dimm'><source><pagesize unit='KiB'>4</pagesize></source><target><size unit='MiB'>128</size><node>1</node></target></memory>"
        "<memory model='dimm'><source><pagesize unit='KiB'>2048</pagesize></source><target><size unit='MiB'>128</size><node>2</node></target></memory>"
        "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>1</node><block unit='KiB'>2048</block><requested>0</requested>"
        "</target></memory>"
        "<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>2</node><block unit='KiB'>2048</block><requested>0</requested>"
        "</target></memory>";
    /* What the guest isn't given yet isn't taken from the host: only the device allocates. */
    static const char *const gradual[] = {
        "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"memvirtiomem0\",\"hugetlb\":true,\"hugetlbsize\":2097152,\"share\":false,\"reserve\":false,\"size\"",
        "\"prealloc\":true,\"memdev\":\"memvirtiomem0\"",
        "{\"qom-type\":\"memory-backend-ram\",\"id\":\"memvirtiomem1\",\"reserve\":false,\"size\"",
        "\"memdev\":\"memvirtiomem1\"",
    };
    static const struct {
        const char *id;
        guint64 size; /* of the large pages; 0: ordinary ones */
    } objects[] = { { "ram-node0", 1 << 30 }, { "ram-node1", 2 << 20 }, { "ram-node2", 0 },
                    { "memdimm0", 2 << 20 }, { "memdimm1", 0 }, { "memdimm2", 2 << 20 } };
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };
    g_autoptr(DomainDef) def = small("qemu", xml, modules);
    g_autoptr(QemuCommand) cmd = NULL;
    g_autoptr(GPtrArray) lines = NULL;
    g_autofree char *text = NULL;

    if (!caps) {
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    cmd = qemu_command_new(def, caps, &options);
    if (!cmd)
        g_error("%s", error_message());
    lines = lines_of(cmd);
    g_ptr_array_add(lines, NULL);
    text = g_strjoinv("\n", (char **)lines->pdata);
    for (guint i = 0; i < G_N_ELEMENTS(objects); i++) {
        g_autofree char *large = g_strdup_printf("{\"qom-type\":\"memory-backend-memfd\",\"id\":\"%s\",\"hugetlb\":true,\"hugetlbsize\":%"
                                                 G_GUINT64_FORMAT ",\"share\":false,\"prealloc\":true,", objects[i].id, objects[i].size);
        g_autofree char *ordinary = g_strdup_printf("{\"qom-type\":\"memory-backend-ram\",\"id\":\"%s\",\"size\":", objects[i].id);

        if (!strstr(text, objects[i].size ? large : ordinary))
            g_error("%s is not in pages of %" G_GUINT64_FORMAT " bytes:\n%s", objects[i].id, objects[i].size, text);
    }
    for (guint i = 0; i < G_N_ELEMENTS(gradual); i++) {
        if (!strstr(text, gradual[i]))
            g_error("%s is not in\n%s", gradual[i], text);
    }
}

/* Secrets: from where they are kept into memory that QEMU inherits, and nowhere else. */

static guint8 *only_secret(const SecretRef *ref, size_t *size, void *opaque)
{
    if (g_strcmp0(ref->usage, "known") != 0 && !ref->has_uuid)
        return FAIL_NULL(VIR_ERR_NO_SECRET, "no such secret");
    *size = strlen(opaque);
    return g_memdup2(opaque, *size);
}

static void test_secrets(void)
{
    static const char xml[] = "<serial type='tcp'><source mode='bind' host='h' service='1' tls='yes'/></serial>"
                              "<serial type='tcp'><source mode='connect' host='h' service='2'/></serial>";
    QemuConf conf = { 0 };
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = 77, .uid = -1, .gid = -1, .conf = &conf };
    g_autoptr(DomainDef) def = small("qemu", "", xml);
    QemuCommand *cmd;
    g_autofree char *text = NULL, *file = NULL, *value = NULL;
    const char *at;

    conf_init(&qemu_conf_schema, &conf);
    conf.chardev_tls_x509_secret_uuid = g_strdup("11111111-2222-3333-4444-555555555555");
    if (!caps) {
        conf_clear(&qemu_conf_schema, &conf);
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    g_assert_null(qemu_command_new(def, caps, &options));
    g_assert_cmpint(error_code(), ==, VIR_ERR_NO_SECRET);
    virResetLastError();
    secret_source_set(only_secret, (void *)"opensesame");
    cmd = qemu_command_new(def, caps, &options);
    g_assert_nonnull(cmd);
    text = qemu_command_text(cmd, NULL, FALSE);
    g_assert_null(strstr(text, "opensesame"));
    at = strstr(text, "\"id\":\"objcharserial0_tls0-secret0\",\"format\":\"raw\",\"file\":\"");
    g_assert_nonnull(at);
    at = strstr(at, "/dev/fd/");
    file = g_strndup(at, strcspn(at, "\""));
    g_assert_true(g_file_get_contents(file, &value, NULL, NULL));
    g_assert_cmpstr(value, ==, "opensesame");
    g_assert_nonnull(strstr(text, "\"endpoint\":\"server\",\"verify-peer\":true,\"passwordid\":\"objcharserial0_tls0-secret0\""));
    g_assert_nonnull(strstr(text, "host=h,port=1,server=on,wait=off,tls-creds=objcharserial0_tls0"));
    g_assert_nonnull(strstr(text, "host=h,port=2 "));
    qemu_command_free(cmd);
    g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
    secret_source_set(NULL, NULL);
    conf_clear(&qemu_conf_schema, &conf);
}

/* Who decrypts an image, and who shows that the guest may have it. */
static void test_disk_secrets(void)
{
    static const char xml[] =
        "<disk type='file'><driver name='qemu' type='raw'/><source file='/r'><encryption format='luks'>"
        "<secret type='passphrase' usage='known'/></encryption></source><target dev='vda' bus='virtio'/></disk>"
        "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/q'/><target dev='vdb' bus='virtio'/>"
        "<encryption format='luks'><secret type='passphrase' usage='known'/></encryption></disk>"
        "<disk type='network'><auth username='u'><secret type='ceph' usage='known'/></auth><source protocol='rbd' name='p/i'>"
        "<encryption format='luks2' engine='librbd'><secret type='passphrase' usage='known'/></encryption></source>"
        "<target dev='vdc' bus='virtio'/></disk>"
        "<disk type='network'><source protocol='iscsi' name='i'><host name='h'/><auth username='me'><secret type='iscsi' usage='known'/>"
        "</auth></source><target dev='vdd' bus='virtio'/></disk>";
    static const char *const wanted[] = {
        "\"driver\":\"luks\",\"key-secret\":\"libvirt-4-format-encryption-secret0\",\"file\":\"libvirt-4-storage\"",
        "\"driver\":\"qcow2\",\"encrypt\":{\"format\":\"luks\",\"key-secret\":\"libvirt-3-format-encryption-secret0\"},",
        "\"encrypt\":{\"format\":\"luks2\",\"key-secret\":\"libvirt-2-storage-encryption-secret0\"},\"user\":\"u\","
        "\"auth-client-required\":[\"cephx\",\"none\"],\"key-secret\":\"libvirt-2-storage-auth-secret0\"",
        "\"driver\":\"raw\",\"file\":\"libvirt-2-storage\"",
        "\"user\":\"me\",\"password-secret\":\"libvirt-1-storage-auth-secret0\"",
    };
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .running = TRUE };
    g_autoptr(DomainDef) def = small("qemu", "", xml);
    g_autoptr(QemuCommand) cmd = NULL;
    g_autofree char *text = NULL;

    if (!caps) {
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    secret_source_set(only_secret, (void *)"opensesame");
    cmd = qemu_command_new(def, caps, &options);
    secret_source_set(NULL, NULL);
    if (!cmd)
        g_error("%s", error_message());
    text = qemu_command_text(cmd, NULL, FALSE);
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
        if (!strstr(text, wanted[i]))
            g_error("%s\nisn't in\n%s", wanted[i], text);
    }
    g_assert_nonnull(strstr(text, "\"data\":\"b3BlbnNlc2FtZQ==\",\"format\":\"base64\""));
}

/* What a disk leaves in QEMU when it is unplugged. */

static void note_leftover(const char *command, const char *key, const char *name, void *opaque)
{
    g_string_append_printf(opaque, "%s %s=%s\n", command, key, name);
}

static void test_leftovers(void)
{
    g_autoptr(DomainDef) def = small("qemu", "",
        "<disk type='network'><driver name='qemu' type='qcow2' copy_on_read='on'/><auth username='u'><secret type='iscsi' usage='k'/></auth>"
        "<source protocol='nbd' name='n' tls='yes'><host name='h'/><slices><slice type='storage' offset='0' size='512'/></slices>"
        "<encryption format='luks'><secret type='passphrase' usage='k'/></encryption></source>"
        "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore><target dev='vda' bus='virtio'/></disk>");
    g_autoptr(GString) told = g_string_new(NULL);

    qemu_disk_leftovers(def->devices.disks[0], note_leftover, told);
    g_assert_cmpstr(told->str, ==,
                    "blockdev-del node-name=libvirt-CoR-vda\nblockdev-del node-name=libvirt-1-format\n"
                    "blockdev-del node-name=libvirt-1-slice-sto\nblockdev-del node-name=libvirt-1-storage\n"
                    "object-del id=libvirt-1-format-encryption-secret0\nobject-del id=libvirt-1-storage-auth-secret0\n"
                    "object-del id=objlibvirt-1-storage_tls0\nobject-del id=objlibvirt-1-storage_tls0-secret0\n"
                    "blockdev-del node-name=libvirt-2-format\nblockdev-del node-name=libvirt-2-storage\n");
}

/* Memory that the host can't read: of a QEMU and a host that can do it. */
static void test_launch_security(void)
{
    static const struct {
        const char *type, *xml, *object;
    } rows[] = {
        { "sev-guest", "<launchSecurity type='sev' kernelHashes='yes'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>0x0003</policy>"
          "<dhCert>AAAA</dhCert><session>BBBB</session></launchSecurity>",
          "{\"qom-type\":\"sev-guest\",\"id\":\"lsec0\",\"cbitpos\":47,\"reduced-phys-bits\":1,\"policy\":3,\"kernel-hashes\":true,"
          "\"dh-cert-file\":\"/run/guest/dh-cert-file\",\"session-file\":\"/run/guest/session-file\"}" },
        { "sev-snp-guest", "<launchSecurity type='sev-snp' authorKey='yes' vcek='no'><cbitpos>51</cbitpos><reducedPhysBits>1</reducedPhysBits>"
          "<policy>0x30000</policy><guestVisibleWorkarounds>AA</guestVisibleWorkarounds><idBlock>BB</idBlock><idAuth>CC</idAuth>"
          "<hostData>DD</hostData></launchSecurity>",
          "{\"qom-type\":\"sev-snp-guest\",\"id\":\"lsec0\",\"cbitpos\":51,\"reduced-phys-bits\":1,\"policy\":196608,"
          "\"author-key-enabled\":true,\"vcek-disabled\":true,\"guest-visible-workarounds\":\"AA\",\"id-block\":\"BB\",\"id-auth\":\"CC\","
          "\"host-data\":\"DD\"}" },
        { "tdx-guest", "<launchSecurity type='tdx'><policy>0x10000001</policy><mrConfigId>AA</mrConfigId><mrOwner>BB</mrOwner><mrOwnerConfig>CC</mrOwnerConfig>"
          "<quoteGenerationService path='/q'/></launchSecurity>",
          "{\"qom-type\":\"tdx-guest\",\"id\":\"lsec0\",\"attributes\":268435457,\"mrconfigid\":\"AA\",\"mrowner\":\"BB\","
          "\"mrownerconfig\":\"CC\",\"quote-generation-socket\":{\"type\":\"unix\",\"path\":\"/q\"}}" },
    };
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };

    if (!caps) {
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    QemuCaps able = *caps;
    able.kvm.available = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DomainDef) def = small("kvm", rows[i].xml, ""), emulated = small("qemu", rows[i].xml, "");
        g_autoptr(QemuCommand) cmd = NULL;
        g_autofree char *text = NULL;

        if (!qemu_caps_has_type(&able, rows[i].type)) {
            g_assert_null(qemu_command_new(def, &able, &options));
            g_assert_nonnull(strstr(error_message(), "<launchSecurity> of domain 'small' needs"));
            g_hash_table_add(caps->types, g_strdup(rows[i].type));
        }
        g_assert_null(qemu_command_new(emulated, &able, &options));
        g_assert_nonnull(strstr(error_message(), "needs type='kvm'"));
        cmd = qemu_command_new(def, &able, &options);
        if (!cmd)
            g_error("%s: %s", rows[i].xml, error_message());
        text = qemu_command_text(cmd, NULL, FALSE);
        g_assert_nonnull(strstr(text, ",confidential-guest-support=lsec0"));
        if (!strstr(text, rows[i].object))
            g_error("%s\nisn't in\n%s", rows[i].object, text);
    }
    virResetLastError();
}

/* Parts that no QEMU here has, or whose host isn't this one: of one that has them. */
static void test_rare_parts(void)
{
    static const struct {
        const char *type, *props[3], *top, *devices;
        const char *options[2];
    } rows[] = {
        { "memory-backend-epc", { NULL }, "", "<memory model='sgx-epc'><source><nodemask>0-1</nodemask></source><target><size unit='MiB'>16</size>"
          "</target></memory><memory model='sgx-epc'><target><size unit='MiB'>8</size><node>0</node></target></memory>",
          { "sgx-epc.0.memdev=memepc0,sgx-epc.1.memdev=memepc1,sgx-epc.1.node=0",
            "{\"qom-type\":\"memory-backend-epc\",\"id\":\"memepc0\",\"prealloc\":true,\"size\":16777216,\"host-nodes\":[0,1],\"policy\":\"bind\"" } },
        { "amd-iommu", { "amd-iommu.pci-id", "amd-iommu.xtsup" }, "",
          "<iommu model='amd'><driver intremap='on' iotlb='on' xtsup='on' passthrough='off'/></iommu>",
          { "{\"driver\":\"AMDVI-PCI\",\"id\":\"iommu0\"}",
            "{\"driver\":\"amd-iommu\",\"pci-id\":\"iommu0\",\"intremap\":\"on\",\"pt\":false,\"xtsup\":true,\"device-iotlb\":true}" } },
    };
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };
    QemuCaps able;

    if (!caps) {
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    able = *caps;
    able.kvm.available = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DomainDef) def = small("kvm", rows[i].top, rows[i].devices);
        g_autoptr(QemuCommand) cmd = NULL;
        g_autofree char *text = NULL;

        g_free(def->os.machine);
        def->os.machine = g_strdup("q35");
        if (!qemu_caps_has_type(&able, rows[i].type) || (rows[i].props[0] && !g_hash_table_contains(caps->props, rows[i].props[0]))) {
            g_assert_null(qemu_command_new(def, &able, &options));
            g_assert_nonnull(strstr(error_message(), rows[i].type));
            g_hash_table_add(caps->types, g_strdup(rows[i].type));
        }
        for (guint p = 0; rows[i].props[p]; p++)
            g_hash_table_add(caps->props, g_strdup(rows[i].props[p]));
        cmd = qemu_command_new(def, &able, &options);
        if (!cmd)
            g_error("%s: %s", rows[i].devices, error_message());
        text = qemu_command_text(cmd, NULL, FALSE);
        for (guint o = 0; o < G_N_ELEMENTS(rows[i].options); o++) {
            if (!strstr(text, rows[i].options[o]))
                g_error("%s\nisn't in\n%s", rows[i].options[o], text);
        }
    }
    virResetLastError();
}

/* Commas can't smuggle options in, whatever field they are in. */
static void test_escaping(void)
{
    g_autoptr(DomainDef) def = NULL;
    g_autoptr(QemuCommand) cmd = NULL;
    g_autofree char *text = NULL;
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };

    if (!caps) {
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    def = small("qemu", "", "<serial type='tcp'><source mode='connect' host='h,server=on' service='1,telnet=on'/></serial>"
                "<serial type='dev'><source path='/dev/x,id=y'/></serial>"
                "<graphics type='vnc' socket='/x,tls-creds=z'/>");
    g_free(def->name);
    def->name = g_strdup("a,process=b");
    cmd = qemu_command_new(def, caps, &options);
    g_assert_nonnull(cmd);
    text = qemu_command_text(cmd, NULL, FALSE);
    g_assert_nonnull(strstr(text, "guest=a,,process=b,debug-threads=on"));
    g_assert_nonnull(strstr(text, "host=h,,server=on,port=1,,telnet=on"));
    g_assert_nonnull(strstr(text, "path=/dev/x,,id=y"));
    g_assert_nonnull(strstr(text, "unix:/x,,tls-creds=z"));
}

/* Files and sockets are made with exact modes, passed as descriptors, and sockets are listed for removal. */
static void test_descriptors(void)
{
    g_autofree char *dir = g_dir_make_tmp("qemu-command-XXXXXX", NULL), *file = NULL, *sock = NULL, *devices = NULL, *text = NULL;
    g_autoptr(DomainDef) def = NULL;
    QemuCommand *cmd;
    QemuCommandOptions options = { .dir = dir, .monitor_fd = 77, .uid = -1, .gid = -1 };
    struct stat st;

    if (!caps) {
        g_test_skip("no qemu-system-x86_64");
        g_rmdir(dir);
        return;
    }
    file = g_strconcat(dir, "/serial.log", NULL);
    sock = g_strconcat(dir, "/s", NULL);
    devices = g_strdup_printf("<serial type='file'><source path='%s'/></serial>"
                              "<serial type='unix'><source mode='bind' path='%s'/></serial>", file, sock);
    def = small("qemu", "", devices);
    cmd = qemu_command_new(def, caps, &options);
    g_assert_nonnull(cmd);
    text = qemu_command_text(cmd, NULL, FALSE);
    g_assert_nonnull(strstr(text, "socket,id=charmonitor,fd=77,server=on,wait=off"));
    g_assert_nonnull(strstr(text, "path=/dev/fdset/0,append=on"));
    g_assert_cmpuint(cmd->fds->len, ==, 2);
    g_assert_cmpuint(cmd->unlink->len, ==, 1);
    g_assert_cmpint(stat(file, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 07777, ==, 0600);
    g_assert_cmpint(stat(sock, &st), ==, 0);
    g_assert_true(S_ISSOCK(st.st_mode));
    g_assert_cmpuint(st.st_mode & 0077, ==, 0);
    qemu_command_free(cmd);
    g_unlink(file);
    g_unlink(sock);
    g_rmdir(dir);
}

static void test_text(void)
{
    static const char *const env[] = { "LC_ALL=C", "X=a b'c", NULL };
    g_autoptr(DomainDef) def = NULL;
    g_autoptr(QemuCommand) cmd = NULL;
    g_autofree char *text = NULL;
    QemuCommandOptions options = { .dir = "/run/guest", .monitor_fd = -1, .uid = -1, .gid = -1, .dry_run = TRUE };

    if (!caps) {
        g_test_skip("no qemu-system-x86_64");
        return;
    }
    def = small("qemu", "", "");
    cmd = qemu_command_new(def, caps, &options);
    text = qemu_command_text(cmd, env, TRUE);
    g_assert_true(g_str_has_prefix(text, "LC_ALL=C \\\n'X=a b'\\''c' \\\n"));
    g_assert_nonnull(strstr(text, "\\\n-name guest=small,debug-threads=on \\\n-S \\\n-machine "));
    g_assert_true(g_str_has_suffix(text, "-msg timestamp=on"));
}

static void test_aliases(void)
{
    g_autoptr(DomainDef) def = small("qemu", "",
        "<disk type='file'><source file='/x'/><target dev='vdab' bus='virtio'/></disk>"
        "<disk type='file'><source file='/x'/><target dev='vdb' bus='virtio'/><alias name='ua-mine'/></disk>"
        "<serial type='pty'/><console type='pty'><target type='serial'/></console>");

    g_assert_cmpstr(def->devices.disks[0]->info.alias, ==, "virtio-disk27");
    g_assert_cmpstr(def->devices.disks[1]->info.alias, ==, "ua-mine");
    g_assert_cmpuint(def->devices.disks[1]->source.index, ==, 1);
    g_assert_cmpuint(def->devices.disks[0]->source.index, ==, 2);
    g_assert_cmpstr(def->devices.consoles[0]->info.alias, ==, "serial0");
}

static void find_caps(void)
{
    g_autofree char *binary = g_find_program_in_path("qemu-system-x86_64");
    PeerLoop *pl;

    if (!binary)
        return;
    pl = peer_loop_start();
    caps = qemu_caps_probe(pl->loop, binary, FALSE);
    peer_loop_stop(pl);
    g_assert_nonnull(caps);
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "min", "full-pc", "full-q35", "cpu", "cpu2", "devices", "small-devices", "displays", "storage", "host", "features" };
    int rc;

    g_test_init(&argc, &argv, NULL);
    find_caps();
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strconcat("/qemu/command/golden/", names[i], NULL);

        g_test_add_data_func(path, names[i], test_golden);
    }
    g_test_add_func("/qemu/command/aliases", test_aliases);
    g_test_add_func("/qemu/command/refused", test_refused);
    g_test_add_func("/qemu/command/rows", test_rows);
    g_test_add_func("/qemu/command/large_pages", test_large_pages);
    g_test_add_func("/qemu/command/secrets", test_secrets);
    g_test_add_func("/qemu/command/disk-secrets", test_disk_secrets);
    g_test_add_func("/qemu/command/leftovers", test_leftovers);
    g_test_add_func("/qemu/command/launch-security", test_launch_security);
    g_test_add_func("/qemu/command/rare-parts", test_rare_parts);
    g_test_add_func("/qemu/command/escaping", test_escaping);
    g_test_add_func("/qemu/command/descriptors", test_descriptors);
    g_test_add_func("/qemu/command/text", test_text);
    rc = g_test_run();
    qemu_caps_unref(caps);
    return rc;
}
