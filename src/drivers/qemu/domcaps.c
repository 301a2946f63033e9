/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <domainCapabilities>: what a definition for one emulator, machine and virtualisation may contain: what the probed QEMU has
 * and command*.c can say. Lists here and refusals there must agree.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <sys/utsname.h>
#include "base/error.h"
#include "drivers/qemu/caps_xml.h"
#include "drivers/qemu/command.h"

typedef struct {
    const char *value;
    gboolean there;
} Choice;

typedef struct {
    GString *xml;
    const QemuCaps *caps;
    const QemuMachine *machine;
    const QemuAccel *accel;
    gboolean kvm;
} Context;

static void add(Context *c, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static void add(Context *c, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_markup_vprintf_escaped(fmt, args);
    va_end(args);
    g_string_append(c->xml, text);
}

static void add_enum(Context *c, int indent, const char *name, const Choice *choices, guint n)
{
    gboolean any = FALSE;

    for (guint i = 0; i < n; i++)
        any = any || choices[i].there;
    if (!any) {
        add(c, "%*s<enum name='%s'/>\n", indent, "", name);
        return;
    }
    add(c, "%*s<enum name='%s'>\n", indent, "", name);
    for (guint i = 0; i < n; i++) {
        if (choices[i].there)
            add(c, "%*s<value>%s</value>\n", indent + 2, "", choices[i].value);
    }
    add(c, "%*s</enum>\n", indent, "");
}

#define ADD_ENUM(c, indent, name, ...) do { \
        const Choice choices_[] = { __VA_ARGS__ }; \
        add_enum(c, indent, name, choices_, G_N_ELEMENTS(choices_)); \
    } while (0)

static gboolean has(const Context *c, const char *type)
{
    return qemu_caps_has_type(c->caps, type);
}

static gboolean is_x86(const Context *c)
{
    return g_str_equal(c->caps->arch, "x86_64") || g_str_equal(c->caps->arch, "i686");
}

static void add_os(Context *c)
{
    add(c, "  <os supported='yes'>\n");
    add(c, "    <enum name='firmware'/>\n    <loader supported='yes'>\n");
    ADD_ENUM(c, 6, "type", { "rom", TRUE }, { "pflash", is_x86(c) || g_str_equal(c->caps->arch, "aarch64") });
    ADD_ENUM(c, 6, "readonly", { "yes", TRUE }, { "no", TRUE });
    ADD_ENUM(c, 6, "secure", { "yes", qemu_machine_is_q35(c->machine->name) }, { "no", TRUE });
    add(c, "    </loader>\n  </os>\n");
}

static const char *usable_text(QemuCpuUsable usable)
{
    return usable == QEMU_CPU_USABLE_YES ? "yes" : usable == QEMU_CPU_USABLE_NO ? "no" : "unknown";
}

/* Models that are not a processor of their own. */
static gboolean is_special(const char *name)
{
    return g_str_equal(name, "host") || g_str_equal(name, "max") || g_str_equal(name, "base");
}

static gboolean has_version_suffix(const char *name)
{
    const char *dash = strrchr(name, '-');

    return dash && dash[1] == 'v' && g_ascii_isdigit(dash[2]);
}

static void add_cpu_model(Context *c, const QemuCpuModel *model)
{
    if (is_special(model->name) || has_version_suffix(model->name))
        return;
    add(c, "      <model usable='%s'", usable_text(model->usable));
    if (model->deprecated)
        add(c, " deprecated='yes'");
    add(c, " vendor='unknown'>%s</model>\n", model->name);
    if (model->usable != QEMU_CPU_USABLE_NO || !model->blockers[0])
        return;
    add(c, "      <blockers model='%s'>\n", model->name);
    for (guint i = 0; model->blockers[i]; i++)
        add(c, "        <feature name='%s'/>\n", model->blockers[i]);
    add(c, "      </blockers>\n");
}

static void add_cpu(Context *c)
{
    add(c, "  <cpu>\n");
    if (c->kvm) {
        add(c, "    <mode name='host-passthrough' supported='yes'>\n");
        ADD_ENUM(c, 6, "hostPassthroughMigratable", { "on", TRUE }, { "off", TRUE });
        add(c, "    </mode>\n");
    } else {
        add(c, "    <mode name='host-passthrough' supported='no'/>\n");
    }
    add(c, "    <mode name='maximum' supported='yes'>\n");
    ADD_ENUM(c, 6, "maximumMigratable", { "on", TRUE }, { "off", TRUE });
    add(c, "    </mode>\n    <mode name='host-model' supported='no'/>\n");
    if (c->accel->cpus->len == 0) {
        add(c, "    <mode name='custom' supported='no'/>\n  </cpu>\n");
        return;
    }
    add(c, "    <mode name='custom' supported='yes'>\n");
    for (guint i = 0; i < c->accel->cpus->len; i++)
        add_cpu_model(c, g_ptr_array_index(c->accel->cpus, i));
    add(c, "    </mode>\n  </cpu>\n");
}

static void add_memory_backing(Context *c)
{
    add(c, "  <memoryBacking supported='yes'>\n");
    ADD_ENUM(c, 4, "sourceType", { "anonymous", TRUE }, { "memfd", has(c, "memory-backend-memfd") });
    add(c, "  </memoryBacking>\n");
}

static void add_disk(Context *c)
{
    gboolean i440fx = qemu_machine_is_i440fx(c->machine->name);

    add(c, "    <disk supported='yes'>\n");
    ADD_ENUM(c, 6, "diskDevice", { "disk", TRUE }, { "cdrom", TRUE }, { "floppy", has(c, "floppy") }, { "lun", has(c, "scsi-block") });
    ADD_ENUM(c, 6, "bus", { "ide", i440fx }, { "fdc", has(c, "floppy") }, { "scsi", has(c, "scsi-hd") },
             { "virtio", has(c, "virtio-blk-pci") || has(c, "virtio-blk-device") }, { "usb", has(c, "usb-storage") },
             { "sata", has(c, "ich9-ahci") });
    ADD_ENUM(c, 6, "model", { "virtio", TRUE }, { "virtio-transitional", has(c, "virtio-blk-pci-transitional") },
             { "virtio-non-transitional", has(c, "virtio-blk-pci-non-transitional") });
    add(c, "    </disk>\n");
}

static void add_graphics(Context *c)
{
    gboolean vnc = qemu_caps_has_command(c->caps, "query-vnc"), spice = qemu_caps_has_command(c->caps, "query-spice");

    add(c, "    <graphics supported='yes'>\n");
    ADD_ENUM(c, 6, "type", { "vnc", vnc }, { "spice", spice }, { "egl-headless", qemu_caps_has_flag(c->caps, "display.egl-headless") });
    add(c, "    </graphics>\n    <video supported='yes'>\n");
    ADD_ENUM(c, 6, "modelType", { "vga", has(c, "VGA") }, { "cirrus", has(c, "cirrus-vga") }, { "vmvga", has(c, "vmware-svga") },
             { "qxl", has(c, "qxl") }, { "virtio", has(c, "virtio-gpu-pci") || has(c, "virtio-gpu-device") }, { "none", TRUE },
             { "bochs", has(c, "bochs-display") }, { "ramfb", has(c, "ramfb") });
    add(c, "    </video>\n");
}

static void add_rng(Context *c)
{
    if (!has(c, "virtio-rng-pci") && !has(c, "virtio-rng-device")) {
        add(c, "    <rng supported='no'/>\n");
        return;
    }
    add(c, "    <rng supported='yes'>\n");
    ADD_ENUM(c, 6, "model", { "virtio", TRUE }, { "virtio-transitional", has(c, "virtio-rng-pci-transitional") },
             { "virtio-non-transitional", has(c, "virtio-rng-pci-non-transitional") });
    ADD_ENUM(c, 6, "backendModel", { "random", has(c, "rng-random") }, { "egd", has(c, "rng-egd") }, { "builtin", has(c, "rng-builtin") });
    add(c, "    </rng>\n");
}

static void add_tpm(Context *c)
{
    gboolean passthrough = g_hash_table_contains(c->caps->tpm_types, "passthrough");
    gboolean any = passthrough && (g_hash_table_contains(c->caps->tpm_models, "tpm-tis") ||
                                   g_hash_table_contains(c->caps->tpm_models, "tpm-crb"));

    if (!any) {
        add(c, "    <tpm supported='no'/>\n");
        return;
    }
    add(c, "    <tpm supported='yes'>\n");
    ADD_ENUM(c, 6, "model", { "tpm-tis", g_hash_table_contains(c->caps->tpm_models, "tpm-tis") },
             { "tpm-crb", g_hash_table_contains(c->caps->tpm_models, "tpm-crb") });
    ADD_ENUM(c, 6, "backendModel", { "passthrough", TRUE });
    add(c, "    </tpm>\n");
}

static void add_devices(Context *c)
{
    add(c, "  <devices>\n");
    add_disk(c);
    add_graphics(c);
    add(c, "    <hostdev supported='no'/>\n");
    add_rng(c);
    add(c, "    <filesystem supported='no'/>\n");
    add_tpm(c);
    if (has(c, "usb-redir")) {
        add(c, "    <redirdev supported='yes'>\n");
        ADD_ENUM(c, 6, "bus", { "usb", TRUE });
        add(c, "    </redirdev>\n");
    } else {
        add(c, "    <redirdev supported='no'/>\n");
    }
    add(c, "    <channel supported='yes'>\n");
    ADD_ENUM(c, 6, "type", { "pty", TRUE }, { "unix", TRUE }, { "spicevmc", qemu_caps_has_flag(c->caps, "chardev.spicevmc") },
             { "qemu-vdagent", qemu_caps_has_flag(c->caps, "chardev.qemu-vdagent") });
    add(c, "    </channel>\n    <crypto supported='no'/>\n    <interface supported='yes'>\n");
    ADD_ENUM(c, 6, "backendType", { "default", TRUE });
    add(c, "    </interface>\n    <panic supported='%s'>\n", is_x86(c) ? "yes" : "no");
    ADD_ENUM(c, 6, "model", { "isa", is_x86(c) && has(c, "pvpanic") }, { "pvpanic", has(c, "pvpanic-pci") });
    add(c, "    </panic>\n  </devices>\n");
}

static void add_features(Context *c)
{
    add(c, "  <features>\n    <gic supported='no'/>\n");
    add(c, "    <vmcoreinfo supported='%s'/>\n", has(c, "vmcoreinfo") ? "yes" : "no");
    add(c, "    <genid supported='no'/>\n    <backingStoreInput supported='yes'/>\n    <backup supported='no'/>\n");
    add(c, "    <async-teardown supported='no'/>\n    <sev supported='no'/>\n    <sgx supported='no'/>\n  </features>\n");
}

static int resolve_machine(Context *c, const char *machine)
{
    c->machine = qemu_caps_machine(c->caps, machine);
    if (c->machine)
        return 0;
    if (!machine && c->caps->machines->len > 0) {
        c->machine = g_ptr_array_index(c->caps->machines, 0);
        return 0;
    }
    return FAIL(VIR_ERR_INVALID_ARG, "the machine '%s' is not supported by emulator '%s'", machine ? machine : "", c->caps->binary);
}

static int resolve_type(Context *c, const char *type)
{
    if (type && !g_str_equal(type, "qemu") && !g_str_equal(type, "kvm"))
        return FAIL(VIR_ERR_INVALID_ARG, "unknown virttype: %s", type);
    c->kvm = type ? g_str_equal(type, "kvm") : c->caps->kvm.available;
    c->accel = c->kvm ? &c->caps->kvm : &c->caps->tcg;
    if (!c->accel->available)
        return FAIL(VIR_ERR_INVALID_ARG, "the accelerator '%s' is not supported by emulator '%s' on this host",
                    c->kvm ? "kvm" : "tcg", c->caps->binary);
    return 0;
}

char *qemu_domain_capabilities_xml(QemuCapsStore *store, const char *emulator, const char *arch, const char *machine,
                                   const char *virt_type)
{
    g_autofree char *found = NULL;
    g_autoptr(QemuCaps) caps = NULL;
    g_autoptr(GString) xml = NULL;
    struct utsname uts;
    Context c;

    if (!arch && !emulator)
        arch = uname(&uts) == 0 ? uts.machine : "x86_64";
    if (!emulator)
        emulator = found = qemu_find_emulator(arch);
    if (!emulator)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "unable to find any emulator to serve '%s' architecture", arch);
    caps = qemu_caps_store_get(store, emulator);
    if (!caps)
        return NULL;
    if (arch && !g_str_equal(arch, caps->arch))
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "architecture from emulator '%s' doesn't match given architecture '%s'", caps->arch, arch);
    c = (Context){ .caps = caps };
    if (resolve_machine(&c, machine) < 0 || resolve_type(&c, virt_type) < 0)
        return NULL;
    c.xml = xml = g_string_new("<domainCapabilities>\n");
    add(&c, "  <path>%s</path>\n  <domain>%s</domain>\n  <machine>%s</machine>\n  <arch>%s</arch>\n", caps->binary, c.kvm ? "kvm" : "qemu",
        c.machine->name, caps->arch);
    add(&c, "  <vcpu max='%u'/>\n  <iothreads supported='yes'/>\n", c.machine->max_cpus);
    add_os(&c);
    add_cpu(&c);
    add_memory_backing(&c);
    add_devices(&c);
    add_features(&c);
    g_string_append(xml, "</domainCapabilities>\n");
    return g_string_free(g_steal_pointer(&xml), FALSE);
}
