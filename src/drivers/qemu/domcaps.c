/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <domainCapabilities>: what a definition for one emulator, machine and virtualisation may contain. The table has for each
 * value a piece of a definition that needs it; it is told if such a guest can be started (claims.h).
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/domcaps.h"
#include "drivers/qemu/descriptors.h"
#include "drivers/qemu/firmware.h"
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/caps_xml.h"
#include "drivers/qemu/target.h"

typedef struct {
    const char *group, *name;
    const char *value;       /* NULL: the list is there though it is empty */
    const char *device;      /* what the guest has in <devices> */
    const char *top;         /* and beside it */
    const char *needs;       /* a file or, without a slash, a program that the host must have; NULL: nothing */
} Claim;

#define DISK(device, target, bus) \
    "<disk type='file' device='" device "'><source file='/x'/><target dev='" target "' bus='" bus "'/></disk>"
#define VIRTIO_DISK(model) "<disk type='file' model='" model "'><source file='/x'/><target dev='vda' bus='virtio'/></disk>"
#define GRAPHICS(type) "<graphics type='" type "'/><video><model type='none'/></video>"
#define VIDEO(model) "<video><model type='" model "'/></video>"
#define RNG(model, backend) "<rng model='" model "'>" backend "</rng>"
#define RANDOM "<backend model='random'>/dev/urandom</backend>"
#define TPM(model) "<tpm model='" model "'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>"
#define TPM_EMULATOR(version) "<tpm model='tpm-tis'><backend type='emulator' version='" version "'/></tpm>"
#define HOSTDEV(attributes, source) "<hostdev mode='subsystem' " attributes ">" source "</hostdev>"
#define USB_POLICY(policy) \
    HOSTDEV("type='usb'", "<source startupPolicy='" policy "'><vendor id='0x1'/><product id='0x2'/></source>")
#define PCI_SOURCE "<source><address domain='0' bus='1' slot='0' function='0'/></source>"
#define FILESYSTEM(driver) \
    "<filesystem type='mount'><driver type='" driver "'/><source dir='/x'/><target dir='x'/></filesystem>"
#define SHARED "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
#define CHANNEL(type) "<channel type='" type "'><target type='virtio' name='x'/></channel>"
#define CONSOLE(type, source) "<console type='" type "'>" source "<target type='virtio'/></console>"
#define SPICE "<graphics type='spice'/><video><model type='none'/></video>"
#define CRYPTO(backend) "<crypto model='virtio' type='qemu'><backend model='" backend "'/></crypto>"
#define MEMORY(source) "<memoryBacking><source type='" source "'/></memoryBacking>"
#define VFIO "/dev/vfio/vfio"

static const Claim memory_claims[] = {
    { "memoryBacking", "sourceType", "file", NULL, MEMORY("file") },
    { "memoryBacking", "sourceType", "anonymous", NULL, MEMORY("anonymous") },
    { "memoryBacking", "sourceType", "memfd", NULL, MEMORY("memfd") },
};

/* In the document's order. The first list of a group decides whether there is such a device at all. */
static const Claim device_claims[] = {
    { "disk", "diskDevice", "disk", VIRTIO_DISK("virtio") },
    { "disk", "diskDevice", "cdrom", DISK("cdrom", "sda", "scsi") },
    { "disk", "diskDevice", "floppy", DISK("floppy", "fda", "fdc") },
    { "disk", "diskDevice", "lun",
      "<disk type='block' device='lun'><source dev='/x'/><target dev='sda' bus='scsi'/></disk>" },
    { "disk", "bus", "ide", DISK("disk", "hda", "ide") },
    { "disk", "bus", "fdc", DISK("floppy", "fda", "fdc") },
    { "disk", "bus", "scsi", DISK("disk", "sda", "scsi") },
    { "disk", "bus", "virtio", DISK("disk", "vda", "virtio") },
    { "disk", "bus", "usb", DISK("disk", "sda", "usb") },
    { "disk", "bus", "sata", DISK("disk", "sda", "sata") },
    { "disk", "bus", "sd", DISK("disk", "sda", "sd") },
    { "disk", "bus", "nvme", DISK("disk", "nvme0n1", "nvme") },
    { "disk", "model", "virtio", VIRTIO_DISK("virtio") },
    { "disk", "model", "virtio-transitional", VIRTIO_DISK("virtio-transitional") },
    { "disk", "model", "virtio-non-transitional", VIRTIO_DISK("virtio-non-transitional") },
    { "graphics", "type", "sdl", GRAPHICS("sdl") },
    { "graphics", "type", "vnc", GRAPHICS("vnc") },
    { "graphics", "type", "rdp", GRAPHICS("rdp") },
    { "graphics", "type", "spice", GRAPHICS("spice") },
    { "graphics", "type", "egl-headless", GRAPHICS("egl-headless") },
    { "graphics", "type", "dbus", GRAPHICS("dbus") },
    { "video", "modelType", "vga", VIDEO("vga") },
    { "video", "modelType", "cirrus", VIDEO("cirrus") },
    { "video", "modelType", "vmvga", VIDEO("vmvga") },
    { "video", "modelType", "qxl", VIDEO("qxl") },
    { "video", "modelType", "virtio", VIDEO("virtio") },
    { "video", "modelType", "none", VIDEO("none") },
    { "video", "modelType", "bochs", VIDEO("bochs") },
    { "video", "modelType", "ramfb", VIDEO("ramfb") },
    { "hostdev", "mode", "subsystem", HOSTDEV("type='pci'", "<driver name='vfio'/>" PCI_SOURCE) },
    { "hostdev", "startupPolicy", "default", USB_POLICY("mandatory") },
    { "hostdev", "startupPolicy", "mandatory", USB_POLICY("mandatory") },
    { "hostdev", "startupPolicy", "requisite", USB_POLICY("requisite") },
    { "hostdev", "startupPolicy", "optional", USB_POLICY("optional") },
    { "hostdev", "subsysType", "usb", USB_POLICY("mandatory") },
    { "hostdev", "subsysType", "pci", HOSTDEV("type='pci'", "<driver name='vfio'/>" PCI_SOURCE) },
    { "hostdev", "subsysType", "scsi",
      HOSTDEV("type='scsi'", "<source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source>") },
    { "hostdev", "capsType", NULL },
    { "hostdev", "pciBackend", NULL },
    { "hostdev", "pciBackend", "vfio", HOSTDEV("type='pci'", "<driver name='vfio'/>" PCI_SOURCE), NULL, VFIO },
    { "hostdev", "iommufd", "no", HOSTDEV("type='pci'", "<driver name='vfio'/>" PCI_SOURCE) },
    { "rng", "model", "virtio", RNG("virtio", RANDOM) },
    { "rng", "model", "virtio-transitional", RNG("virtio-transitional", RANDOM) },
    { "rng", "model", "virtio-non-transitional", RNG("virtio-non-transitional", RANDOM) },
    { "rng", "backendModel", "random", RNG("virtio", RANDOM) },
    { "rng", "backendModel", "egd",
      RNG("virtio", "<backend model='egd' type='tcp'><source mode='connect' host='h' service='1'/></backend>") },
    { "rng", "backendModel", "builtin", RNG("virtio", "<backend model='builtin'/>") },
    { "filesystem", "driverType", "path", FILESYSTEM("path") },
    { "filesystem", "driverType", "virtiofs", FILESYSTEM("virtiofs"), SHARED },
    { "filesystem", "driverType", "mtp", FILESYSTEM("mtp") },
    { "tpm", "model", "tpm-tis", TPM("tpm-tis") },
    { "tpm", "model", "tpm-crb", TPM("tpm-crb") },
    { "tpm", "model", "tpm-spapr", TPM("tpm-spapr") },
    { "tpm", "model", "spapr-tpm-proxy", TPM("spapr-tpm-proxy") },
    { "tpm", "backendModel", "passthrough", TPM("tpm-tis") },
    { "tpm", "backendModel", "emulator", TPM_EMULATOR("2.0"), NULL, "swtpm" },
    { "tpm", "backendModel", "external",
      "<tpm model='tpm-tis'><backend type='external'><source type='unix' mode='connect' path='/x'/></backend></tpm>" },
    { "tpm", "backendVersion", "1.2", TPM_EMULATOR("1.2"), NULL, "swtpm" },
    { "tpm", "backendVersion", "2.0", TPM_EMULATOR("2.0"), NULL, "swtpm" },
    { "redirdev", "bus", "usb", "<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='1'/></redirdev>" },
    { "channel", "type", "pty", CHANNEL("pty") },
    { "channel", "type", "unix", CHANNEL("unix") },
    { "channel", "type", "spicevmc", CHANNEL("spicevmc") SPICE },
    { "crypto", "model", "virtio", CRYPTO("builtin") },
    { "crypto", "type", "qemu", CRYPTO("builtin") },
    { "crypto", "backendModel", "builtin", CRYPTO("builtin") },
    { "crypto", "backendModel", "lkcf", CRYPTO("lkcf") },
    { "interface", "backendType", "default", "<interface type='user'/>" },
    { "interface", "backendType", "passt", "<interface type='user'><backend type='passt'/></interface>", NULL, "passt" },
    { "panic", "model", "isa", "<panic model='isa'/>" },
    { "panic", "model", "pseries", "<panic model='pseries'/>" },
    { "panic", "model", "hyperv", "<panic model='hyperv'/>" },
    { "panic", "model", "s390", "<panic model='s390'/>" },
    { "panic", "model", "pvpanic", "<panic model='pvpanic'/>" },
    { "console", "type", "null", CONSOLE("null", "") },
    { "console", "type", "vc", CONSOLE("vc", "") },
    { "console", "type", "pty", CONSOLE("pty", "") },
    { "console", "type", "dev", CONSOLE("dev", "<source path='/x'/>") },
    { "console", "type", "file", CONSOLE("file", "<source path='/x'/>") },
    { "console", "type", "pipe", CONSOLE("pipe", "<source path='/x'/>") },
    { "console", "type", "stdio", CONSOLE("stdio", "") },
    { "console", "type", "udp", CONSOLE("udp", "<source mode='connect' host='h' service='1'/>") },
    { "console", "type", "tcp", CONSOLE("tcp", "<source mode='connect' host='h' service='1'/>") },
    { "console", "type", "unix", CONSOLE("unix", "<source mode='bind' path='/x'/>") },
    { "console", "type", "spicevmc", CONSOLE("spicevmc", "") SPICE },
    { "console", "type", "spiceport", CONSOLE("spiceport", "<source channel='x'/>") SPICE },
    { "console", "type", "qemu-vdagent", CONSOLE("qemu-vdagent", "") GRAPHICS("vnc") },
    { "console", "type", "dbus", CONSOLE("dbus", "<source channel='x'/>") GRAPHICS("dbus") },
};

static const Claim gic_claims[] = {
    { "gic", "version", "2", NULL, "<features><gic version='2'/></features>" },
    { "gic", "version", "3", NULL, "<features><gic version='3'/></features>" },
};

#define TDX "<launchSecurity type='tdx'/>", "/sys/module/kvm_intel/parameters/tdx"

static const Claim security_claims[] = {
    { "launchSecurity", "sectype", "sev", NULL,
      "<launchSecurity type='sev'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>1</policy></launchSecurity>", "/dev/sev" },
    { "launchSecurity", "sectype", "sev-snp", NULL,
      "<launchSecurity type='sev-snp'><cbitpos>51</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>0x30000</policy></launchSecurity>",
      "/dev/sev" },
    { "launchSecurity", "sectype", "s390-pv", NULL, "<launchSecurity type='s390-pv'/>", "/sys/firmware/uv" },
    { "launchSecurity", "sectype", "tdx", NULL, TDX },
};

static const Claim tdx_claim = { "tdx", NULL, "yes", NULL, TDX };

/* Switches of <features>: told if they change the command line. What has none here can't be had. */
typedef struct {
    const char *name, *top;
} Switch;

static const Switch switches[] = {
    { "vmcoreinfo", "<features><vmcoreinfo state='on'/></features>" },
    { "genid", "<genid>c5b6a1de-0d5c-4d0c-9d1c-2f8a7b3e6c90</genid>" },
};

static const Switch late_switches[] = {
    { "async-teardown", "<features><async-teardown enabled='yes'/></features>" },
    { "s390-pv", NULL },
    { "ps2", "<features><ps2 state='off'/></features>" },
};

static gboolean host_has(const char *needed)
{
    g_autofree char *found = NULL;

    if (!needed)
        return TRUE;
    if (*needed == '/')
        return access(needed, F_OK) == 0;
    found = g_find_program_in_path(needed);
    return found != NULL;
}

static gboolean claimed(const ClaimTarget *target, const Claim *claim)
{
    return claim->value && host_has(claim->needs) && qemu_can_start(target, claim->top, claim->device);
}

/* The list that begins at @claims[@i]; returns where the next one begins. @any: whether it has a value. */
static guint add_list(DomcapsText *t, int indent, const Claim *claims, guint n, guint i, gboolean *any)
{
    const Claim *first = &claims[i];

    *any = FALSE;
    for (; i < n && g_str_equal(first->group, claims[i].group) && g_str_equal(first->name, claims[i].name); i++) {
        if (!claimed(&t->target, &claims[i]))
            continue;
        if (!*any)
            domcaps_add(t, "%*s<enum name='%s'>\n", indent, "", first->name);
        *any = TRUE;
        domcaps_add(t, "%*s<value>%s</value>\n", indent + 2, "", claims[i].value);
    }
    if (*any)
        domcaps_add(t, "%*s</enum>\n", indent, "");
    else if (!first->value)
        domcaps_add(t, "%*s<enum name='%s'/>\n", indent, "", first->name);
    return i;
}

static void add_groups(DomcapsText *t, int indent, const Claim *claims, guint n)
{
    guint i = 0;

    while (i < n) {
        const char *group = claims[i].group;
        gsize start = t->xml->len;
        gboolean supported, any;

        domcaps_add(t, "%*s<%s supported='yes'>\n", indent, "", group);
        i = add_list(t, indent + 2, claims, n, i, &supported);
        while (i < n && g_str_equal(claims[i].group, group)) {
            if (supported)
                i = add_list(t, indent + 2, claims, n, i, &any);
            else
                i++;
        }
        if (!supported)
            g_string_truncate(t->xml, start);
        domcaps_add(t, supported ? "%*s</%s>\n" : "%*s<%s supported='no'/>\n", indent, "", group);
    }
}

void domcaps_add(DomcapsText *t, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_markup_vprintf_escaped(fmt, args);
    va_end(args);
    g_string_append(t->xml, text);
}

static gboolean is_arm(const DomcapsText *t)
{
    return g_str_equal(t->target.arch, "aarch64") || g_str_equal(t->target.arch, "armv7l");
}

static gboolean is_x86(const DomcapsText *t)
{
    return g_str_equal(t->target.arch, "x86_64") || g_str_equal(t->target.arch, "i686");
}

/* An enum of what is there of "yes" and "no". */
static void add_yes_no(DomcapsText *t, int indent, const char *name, const gboolean there[2])
{
    if (!there[0] && !there[1]) {
        domcaps_add(t, "%*s<enum name='%s'/>\n", indent, "", name);
        return;
    }
    domcaps_add(t, "%*s<enum name='%s'>\n", indent, "", name);
    if (there[1])
        domcaps_add(t, "%*s<value>yes</value>\n", indent + 2, "");
    if (there[0])
        domcaps_add(t, "%*s<value>no</value>\n", indent + 2, "");
    domcaps_add(t, "%*s</enum>\n", indent, "");
}

static void add_firmware(DomcapsText *t, const QemuFirmwareOffer *offer)
{
    if (!offer->efi && !offer->bios) {
        domcaps_add(t, "    <enum name='firmware'/>\n");
    } else {
        domcaps_add(t, "    <enum name='firmware'>\n");
        if (offer->bios)
            domcaps_add(t, "      <value>bios</value>\n");
        if (offer->efi)
            domcaps_add(t, "      <value>efi</value>\n");
        domcaps_add(t, "    </enum>\n");
    }
    domcaps_add(t, "    <firmwareFeatures supported='yes'>\n");
    add_yes_no(t, 6, "secureBoot", offer->secure_boot);
    add_yes_no(t, 6, "enrolledKeys", offer->enrolled_keys);
    domcaps_add(t, "    </firmwareFeatures>\n");
}

static void add_os(DomcapsText *t)
{
    g_auto(GStrv) folders = qemu_descriptor_folders("firmware");
    QemuFirmwareOffer offer;

    qemu_firmware_offer(t->target.arch, t->target.machine->name, (const char *const *)folders, &offer);
    offer.smm[0] = TRUE;
    domcaps_add(t, "  <os supported='yes'>\n");
    add_firmware(t, &offer);
    domcaps_add(t, "    <loader supported='yes'>\n");
    for (guint i = 0; i < offer.loaders->len; i++)
        domcaps_add(t, "      <value>%s</value>\n", (const char *)g_ptr_array_index(offer.loaders, i));
    domcaps_add(t, "      <enum name='type'>\n        <value>rom</value>\n");
    if (is_x86(t) || is_arm(t))
        domcaps_add(t, "        <value>pflash</value>\n");
    domcaps_add(t, "      </enum>\n      <enum name='readonly'>\n        <value>yes</value>\n        <value>no</value>\n      </enum>\n");
    add_yes_no(t, 6, "secure", offer.smm);
    domcaps_add(t, "    </loader>\n    <varstore supported='no'/>\n  </os>\n");
    g_ptr_array_unref(offer.loaders);
}

/* Enlightenments for Windows are KVM's. Those with a value of their own need nothing of the host. */
static void add_hyperv(DomcapsText *t)
{
    static const char *const names[] = { "relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer", "reset", "vendor_id",
                                         "frequencies", "reenlightenment", "tlbflush", "ipi", "evmcs", "avic", "emsr_bitmap",
                                         "xmm_input" };

    if (!t->target.kvm || !is_x86(t))
        return;
    domcaps_add(t, "    <hyperv supported='yes'>\n      <enum name='features'>\n");
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *prop = g_strdelimit(g_strconcat("hv-", names[i], NULL), "_", '-');

        if (g_str_equal(names[i], "spinlocks") || g_str_equal(names[i], "vendor_id") || json_member_bool(t->accel->max_cpu, prop, FALSE))
            domcaps_add(t, "        <value>%s</value>\n", names[i]);
    }
    domcaps_add(t, "      </enum>\n    </hyperv>\n");
}

static void add_switch(DomcapsText *t, const char *name, gboolean supported)
{
    domcaps_add(t, "    <%s supported='%s'/>\n", name, supported ? "yes" : "no");
}

static void add_switches(DomcapsText *t, const Switch *list, guint n)
{
    for (guint i = 0; i < n; i++)
        add_switch(t, list[i].name, list[i].top && qemu_can_start_with_effect(&t->target, list[i].top, NULL));
}

static void add_features(DomcapsText *t)
{
    domcaps_add(t, "  <features>\n");
    if (is_arm(t))
        add_groups(t, 4, gic_claims, G_N_ELEMENTS(gic_claims));
    else
        add_switch(t, "gic", FALSE);
    add_switches(t, switches, G_N_ELEMENTS(switches));
    add_switch(t, "backingStoreInput", TRUE);
    add_switch(t, "backup", qemu_backend.backup_begin != NULL);
    add_switches(t, late_switches, G_N_ELEMENTS(late_switches));
    domcaps_add_secure(t, claimed(&t->target, &tdx_claim));
    add_hyperv(t);
    add_groups(t, 4, security_claims, G_N_ELEMENTS(security_claims));
    domcaps_add(t, "  </features>\n");
}

char *qemu_domain_capabilities_xml(QemuCapsStore *store, const char *emulator, const char *arch, const char *machine,
                                   const char *virt_type, unsigned int flags)
{
    g_autoptr(QemuCaps) caps = NULL;
    g_autoptr(GString) xml = NULL;
    DomcapsText t = { .flags = flags };

    caps = qemu_target_find(store, emulator, arch, machine, virt_type, &t.target);
    if (!caps)
        return NULL;
    t.accel = qemu_target_accel(&t.target);
    t.xml = xml = g_string_new("<domainCapabilities>\n");
    domcaps_add(&t, "  <path>%s</path>\n  <domain>%s</domain>\n  <machine>%s</machine>\n  <arch>%s</arch>\n", caps->binary,
                t.target.kvm ? "kvm" : "qemu", t.target.machine->name, t.target.arch);
    domcaps_add(&t, "  <vcpu max='%u'/>\n", t.target.machine->max_cpus);
    domcaps_add(&t, "  <iothreads supported='%s'/>\n", qemu_can_start(&t.target, "<iothreads>1</iothreads>", NULL) ? "yes" : "no");
    add_os(&t);
    domcaps_add_cpu(&t);
    add_groups(&t, 2, memory_claims, G_N_ELEMENTS(memory_claims));
    domcaps_add(&t, "  <devices>\n");
    add_groups(&t, 4, device_claims, G_N_ELEMENTS(device_claims));
    domcaps_add(&t, "  </devices>\n");
    add_features(&t);
    g_string_append(xml, "</domainCapabilities>\n");
    return g_string_free(g_steal_pointer(&xml), FALSE);
}
