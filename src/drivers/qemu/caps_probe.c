/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asks a QEMU binary what it can do: starts it without a machine, so that no guest CPU exists, let alone runs, talks QMP
 * over an inherited socket, and ends it. All answers are taken with suspicion: what has the wrong shape is left
 * out, and a version or architecture that is missing fails the probe. The process dies with the
 * thread that asks, so nothing is left behind by a killed daemon.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/caps.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"
#include "base/process.h"
#include "drivers/qemu/caps_schema.h"
#include "drivers/qemu/cpu.h"
#include "model/cpu.h"
#include "drivers/qemu/qmp.h"

#define PROBE_MS 30000
#define PROBE_STOP_MS 5000
#define MAX_LAST_WORDS 4096
/* More machines, models or types than any QEMU has: a bound for hostile answers. */
#define MAX_ITEMS 20000

/* Types whose properties decide something on our command lines. None that is in a module and stands on another one: QEMU ends
 * itself when it is asked about one of which only a part is installed. */
static const char *const probed_types[] = {
    "virtio-blk-pci", "virtio-net-pci", "virtio-scsi-pci", "virtio-serial-pci", "virtio-balloon-pci", "virtio-rng-pci",
    "virtio-gpu-pci", "virtio-vga", "virtio-gpu-device", "virtio-9p-pci", "vhost-user-fs-pci", "vhost-vsock-pci",
    "scsi-hd", "scsi-cd", "ide-hd", "ide-cd", "usb-storage", "usb-host", "usb-redir", "usb-tablet", "qxl-vga", "qxl",
    "VGA", "cirrus-vga", "bochs-display", "nec-usb-xhci", "qemu-xhci", "pcie-root-port", "intel-iommu",
    "virtio-crypto-pci", "virtio-input-host-pci", "virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci",
    "vhost-user-blk-pci", "virtio-sound-pci", "isa-serial", "pvpanic", "floppy", "e1000", "rtl8139", "ramfb", "nvme", "vfio-pci",
    "ich9-intel-hda", "hda-duplex", "virtio-mem-pci", "virtio-mem-ccw", "nvdimm",
    "amd-iommu",
};

/* Facts that hide in the protocol's own description. */
static const struct {
    const char *flag;
    const char *path;
} schema_flags[] = {
    { "aio.io_uring", "blockdev-add/arg-type/+file/aio/^io_uring" },
    { "blockdev.nvme", "blockdev-add/arg-type/+nvme" },
    { "blockdev.rbd", "blockdev-add/arg-type/+rbd" },
    { "blockdev.nbd", "blockdev-add/arg-type/+nbd" },
    { "blockdev.gluster", "blockdev-add/arg-type/+gluster" },
    { "blockdev.http", "blockdev-add/arg-type/+http" },
    { "blockdev.https", "blockdev-add/arg-type/+https" },
    { "blockdev.ftp", "blockdev-add/arg-type/+ftp" },
    { "blockdev.ftps", "blockdev-add/arg-type/+ftps" },
    { "blockdev.virtio-blk-vhost-vdpa", "blockdev-add/arg-type/+virtio-blk-vhost-vdpa" },
    { "blockdev.qcow2.discard-no-unref", "blockdev-add/arg-type/+qcow2/discard-no-unref" },
    { "blockdev.ssh", "blockdev-add/arg-type/+ssh" },
    { "blockdev.iscsi", "blockdev-add/arg-type/+iscsi" },
    { "blockdev.nfs", "blockdev-add/arg-type/+nfs" },
    { "blockdev.nbd.reconnect", "blockdev-add/arg-type/+nbd/reconnect-delay" },
    { "blockdev.qcow2.data-file", "blockdev-add/arg-type/+qcow2/data-file" },
    { "chardev.qemu-vdagent", "chardev-add/arg-type/backend/+qemu-vdagent" },
    { "chardev.dbus", "chardev-add/arg-type/backend/+dbus" },
    { "chardev.spicevmc", "chardev-add/arg-type/backend/+spicevmc" },
    { "chardev.reconnect-ms", "chardev-add/arg-type/backend/+socket/data/reconnect-ms" },
    { "netdev.stream", "netdev_add/arg-type/+stream" },
    { "netdev.stream.reconnect", "netdev_add/arg-type/+stream/reconnect" },
    { "netdev.stream.reconnect-ms", "netdev_add/arg-type/+stream/reconnect-ms" },
    { "netdev.vhost-vdpa", "netdev_add/arg-type/+vhost-vdpa" },
    { "netdev.passt", "netdev_add/arg-type/+passt" },
    { "netdev.user", "netdev_add/arg-type/+user" },
    { "screendump.format", "screendump/arg-type/format/^png" },
    { "screendump.device", "screendump/arg-type/device" },
    { "display.sdl", "query-display-options/ret-type/+sdl" },
    { "display.gtk", "query-display-options/ret-type/+gtk" },
    { "display.dbus", "query-display-options/ret-type/+dbus" },
    { "display.egl-headless", "query-display-options/ret-type/+egl-headless" },
    { "memory-backend-memfd", "object-add/arg-type/qom-type/^memory-backend-memfd" },
    { "memory-backend-file.pmem", "object-add/arg-type/+memory-backend-file/pmem" },
    { "object.thread-context", "object-add/arg-type/qom-type/^thread-context" },
    { "set-action", "set-action/arg-type/panic" },
    { "query-stats", "query-stats/arg-type/target" },
    { "cpu-model-expansion.deprecated", "query-cpu-model-expansion/ret-type/deprecated-props" },
};

typedef struct {
    pid_t pid;
    int pidfd;
    int err_fd;    /* our end of its standard error */
    QmpMonitor *mon;
} Probe;

static json_object *probe_ask_args(Probe *probe, const char *command, json_object *args)
{
    json_object *result = NULL;

    return qmp_call(probe->mon, command, args, PROBE_MS, &result) < 0 ? NULL : result;
}

static json_object *probe_ask(Probe *probe, const char *command)
{
    return probe_ask_args(probe, command, NULL);
}

static json_object *object_with(const char *key, json_object *value)
{
    json_object *object = json_object_new_object();

    json_object_object_add(object, key, value);
    return object;
}

static gsize array_length(json_object *array)
{
    return json_object_is_type(array, json_type_array) ? MIN(json_object_array_length(array), MAX_ITEMS) : 0;
}

/* Add the @member of each element (or the element itself, if NULL) to @set, behind @prefix. */
static void collect(GHashTable *set, json_object *array, const char *member, const char *prefix)
{
    for (gsize i = 0; i < array_length(array); i++) {
        json_object *item = json_object_array_get_idx(array, i);
        const char *text = member ? json_member_string(item, member) :
            json_object_is_type(item, json_type_string) ? json_object_get_string(item) : NULL;

        if (text)
            g_hash_table_add(set, prefix ? g_strconcat(prefix, ".", text, NULL) : g_strdup(text));
    }
}

static int probe_identity(Probe *probe, QemuCaps *caps)
{
    g_autoptr(json_object) version = probe_ask(probe, "query-version");
    g_autoptr(json_object) target = version ? probe_ask(probe, "query-target") : NULL;
    json_object *numbers = json_member(version, "qemu", json_type_object);
    const char *arch = json_member_string(target, "arch");
    gint64 major = json_member_int(numbers, "major", -1), minor = json_member_int(numbers, "minor", -1);
    gint64 micro = json_member_int(numbers, "micro", -1);

    if (!version || !target)
        return -1;
    if (major < 0 || major > 1000 || minor < 0 || minor > 999 || micro < 0 || micro > 999)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "'%s' doesn't tell its version", caps->binary);
    caps->version = QEMU_VERSION(major, minor, micro);
    caps->package = g_strdup(json_member_string(version, "package"));
    if (caps->version < QEMU_VERSION_MIN)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' is QEMU %d.%d.%d; 6.2.0 or newer is needed", caps->binary,
                    (int)major, (int)minor, (int)micro);
    if (!qemu_arch_from_target(arch))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' emulates '%s', which is unknown here", caps->binary,
                    arch ? arch : "nothing");
    caps->target = g_strdup(arch);
    caps->arch = g_strdup(qemu_arch_from_target(arch));
    return 0;
}

static int probe_machines(Probe *probe, QemuCaps *caps)
{
    g_autoptr(json_object) list = probe_ask(probe, "query-machines");

    if (!list)
        return -1;
    for (gsize i = 0; i < array_length(list); i++) {
        json_object *item = json_object_array_get_idx(list, i);
        const char *name = json_member_string(item, "name");
        QemuMachine *machine;

        if (!name || g_str_equal(name, "none"))
            continue;
        machine = g_new0(QemuMachine, 1);
        machine->name = g_strdup(name);
        machine->alias = g_strdup(json_member_string(item, "alias"));
        machine->default_cpu = g_strdup(json_member_string(item, "default-cpu-type"));   /* until name_default_cpus() */
        machine->default_ram = g_strdup(json_member_string(item, "default-ram-id"));
        machine->max_cpus = CLAMP(json_member_int(item, "cpu-max", 1), 1, 1 << 20);
        machine->is_default = json_member_bool(item, "is-default", FALSE);
        machine->hotplug_cpus = json_member_bool(item, "hotpluggable-cpus", FALSE);
        machine->numa_mem = json_member_bool(item, "numa-mem-supported", FALSE);
        machine->deprecated = json_member_bool(item, "deprecated", FALSE);
        g_ptr_array_insert(caps->machines, machine->is_default ? 0 : -1, machine);
    }
    if (caps->machines->len == 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "'%s' has no machine types", caps->binary);
    return 0;
}

static char **string_array(json_object *array)
{
    GPtrArray *texts = g_ptr_array_new();

    for (gsize i = 0; i < array_length(array); i++) {
        json_object *item = json_object_array_get_idx(array, i);

        if (json_object_is_type(item, json_type_string))
            g_ptr_array_add(texts, g_strdup(json_object_get_string(item)));
    }
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

/* POWER processors are written in capitals, which QEMU takes as well. */
static char *usual_cpu_name(const char *arch, const char *name)
{
    g_autofree char *capitals = cpu_arch(arch) == CPU_ARCH_PPC ? g_ascii_strup(name, -1) : NULL;

    return g_strdup(capitals && cpu_ppc_model(capitals) ? capitals : name);
}

/* A machine tells the type of its CPU; definitions name models. Where models have no names it stays unsaid. */
static void name_default_cpus(QemuCaps *caps, const QemuAccel *accel)
{
    for (guint i = 0; i < caps->machines->len; i++) {
        QemuMachine *machine = g_ptr_array_index(caps->machines, i);
        g_autofree char *type = g_steal_pointer(&machine->default_cpu);

        for (guint j = 0; j < accel->cpus->len && !machine->default_cpu && cpu_arch(caps->arch) != CPU_ARCH_NO_NAMES; j++) {
            const QemuCpuModel *model = g_ptr_array_index(accel->cpus, j);
            if (g_strcmp0(model->type, type) == 0 && (cpu_arch(caps->arch) != CPU_ARCH_PPC || cpu_ppc_model(model->name)))
                machine->default_cpu = g_strdup(model->name);
        }
    }
}

static void add_cpu_model(const char *arch, QemuAccel *accel, json_object *item)
{
    json_object *blockers = json_member(item, "unavailable-features", json_type_array);
    const char *name = json_member_string(item, "name");
    QemuCpuModel *model;

    if (!name)
        return;
    model = g_new0(QemuCpuModel, 1);
    model->name = usual_cpu_name(arch, name);
    model->type = g_strdup(json_member_string(item, "typename"));
    model->canonical = g_strdup(json_member_string(item, "alias-of"));
    model->deprecated = json_member_bool(item, "deprecated", FALSE);
    model->blockers = string_array(blockers);
    model->usable = !blockers ? QEMU_CPU_USABLE_UNKNOWN :
        array_length(blockers) == 0 ? QEMU_CPU_USABLE_YES : QEMU_CPU_USABLE_NO;
    g_ptr_array_add(accel->cpus, model);
}

/* All properties of CPU @model, with @on (may be NULL) switched on; NULL if they can't be had. */
static json_object *probe_expansion(Probe *probe, const char *model, const char *on)
{
    g_autoptr(json_object) expansion = NULL;
    json_object *args = object_with("type", json_object_new_string("full")), *item = object_with("name", json_object_new_string(model));

    if (on)
        json_object_object_add(item, "props", object_with(on, json_object_new_boolean(TRUE)));
    json_object_object_add(args, "model", item);
    expansion = probe_ask_args(probe, "query-cpu-model-expansion", args);
    return json_object_get(json_member(json_member(expansion, "model", json_type_object), "props", json_type_object));
}

/* Note down in @cpu which enlightenments for Windows KVM has: those that are on if all are asked for. */
static void probe_hyperv(Probe *probe, json_object *cpu)
{
    g_autoptr(json_object) all = json_object_object_get_ex(cpu, "hv-passthrough", NULL) ? probe_expansion(probe, "host", "hv-passthrough") : NULL;

    if (!all)
        return;
    json_object_object_foreach(all, name, value) {
        if (g_str_has_prefix(name, "hv-") && json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value))
            json_object_object_add(cpu, name, json_object_new_boolean(TRUE));
    }
}

/* What depends on the accelerator that the probe runs with. Not every target has models or can expand them. */
static void probe_accel(Probe *probe, QemuCaps *caps, QemuAccel *accel, const char *fullest)
{
    g_autoptr(json_object) list = NULL;
    const char *base;

    accel->available = TRUE;
    if (qemu_caps_has_command(caps, "query-cpu-definitions"))
        list = probe_ask(probe, "query-cpu-definitions");
    for (gsize i = 0; i < array_length(list); i++)
        add_cpu_model(caps->arch, accel, json_object_array_get_idx(list, i));
    if (!qemu_caps_has_command(caps, "query-cpu-model-expansion") || !qemu_caps_cpu(accel, fullest))
        return;
    accel->max_cpu = probe_expansion(probe, fullest, NULL);
    base = qemu_cpu_base(caps->arch, accel);
    accel->base_cpu = base ? probe_expansion(probe, base, NULL) : NULL;
    if (accel->max_cpu && g_str_equal(fullest, "host"))
        probe_hyperv(probe, accel->max_cpu);
}

static int probe_types(Probe *probe, QemuCaps *caps)
{
    g_autoptr(json_object) types = probe_ask_args(probe, "qom-list-types",
                                                  object_with("abstract", json_object_new_boolean(FALSE)));
    const QemuMachine *machine = qemu_caps_machine(caps, "virt");

    /* Where there is a machine without hardware behind it, that is the one to know; else the default. */
    if (!machine)
        machine = qemu_caps_machine(caps, NULL);
    if (!types)
        return -1;
    collect(caps->types, types, "name", NULL);
    for (guint i = 0; i < G_N_ELEMENTS(probed_types); i++) {
        g_autoptr(json_object) props = NULL;

        if (!qemu_caps_has_type(caps, probed_types[i]))
            continue;
        props = probe_ask_args(probe, "device-list-properties",
                               object_with("typename", json_object_new_string(probed_types[i])));
        collect(caps->props, props, "name", probed_types[i]);
    }
    if (machine) {
        g_autofree char *type = g_strconcat(machine->name, "-machine", NULL);
        g_autoptr(json_object) props = probe_ask_args(probe, "qom-list-properties",
                                                      object_with("typename", json_object_new_string(type)));

        collect(caps->props, props, "name", "machine");
    }
    return 0;
}

static int probe_protocol(Probe *probe, QemuCaps *caps)
{
    g_autoptr(json_object) commands = probe_ask(probe, "query-commands");
    g_autoptr(json_object) entries = commands ? probe_ask(probe, "query-qmp-schema") : NULL;
    g_autoptr(QmpSchema) schema = entries ? qmp_schema_new(entries) : NULL;
    g_autoptr(json_object) options = NULL;

    if (!entries)
        return -1;
    collect(caps->commands, commands, "name", NULL);
    for (guint i = 0; schema && i < G_N_ELEMENTS(schema_flags); i++) {
        if (qmp_schema_has(schema, schema_flags[i].path))
            g_hash_table_add(caps->flags, g_strdup(schema_flags[i].flag));
    }
    options = probe_ask(probe, "query-command-line-options");
    collect(caps->flags, options, "option", "option");
    return 0;
}

static void probe_tpm(Probe *probe, QemuCaps *caps)
{
    g_autoptr(json_object) models = NULL, types = NULL;

    if (!qemu_caps_has_command(caps, "query-tpm-models"))
        return;
    models = probe_ask(probe, "query-tpm-models");
    types = probe_ask(probe, "query-tpm-types");
    collect(caps->tpm_models, models, NULL, NULL);
    collect(caps->tpm_types, types, NULL, NULL);
}

/* What QEMU said on its standard error; NULL if nothing. */
static char *probe_last_words(Probe *probe)
{
    char words[MAX_LAST_WORDS + 1];
    gssize n = read(probe->err_fd, words, MAX_LAST_WORDS);

    if (n <= 0)
        return NULL;
    words[n] = '\0';
    g_strstrip(words);
    return g_utf8_make_valid(words, -1);
}

static void probe_finish(Probe *probe)
{
    if (probe->mon) {
        qmp_close(probe->mon);
        qmp_unref(probe->mon);
    }
    if (probe->pidfd >= 0) {
        virErrorPtr err = error_save();

        process_stop(probe->pidfd, 0, PROBE_STOP_MS, NULL);
        error_restore(err);
        close(probe->pidfd);
    }
    if (probe->err_fd >= 0)
        close(probe->err_fd);
}

static pid_t probe_spawn(Probe *probe, const char *binary, const char *accel, int fd, int err_fd)
{
    g_autofree char *machine = g_strdup_printf("none,accel=%s", accel);
    g_autofree char *chardev = g_strdup_printf("socket,id=monitor,fd=%d", fd);
    const char *argv[] = {
        binary, "-S", "-no-user-config", "-nodefaults", "-display", "none", "-machine", machine,
        "-chardev", chardev, "-mon", "chardev=monitor,mode=control", NULL,
    };
    const char *env[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;

    spec.argv = argv;
    spec.env = env;
    spec.keep_fds = &fd;
    spec.n_keep_fds = 1;
    spec.err_fd = err_fd;
    spec.die_with_parent = TRUE;
    return process_spawn(&spec, &probe->pidfd);
}

static int probe_start(Probe *probe, Loop *loop, const char *binary, const char *accel)
{
    int socks[2] = { -1, -1 }, errs[2] = { -1, -1 };
    int rc = -1;

    *probe = (Probe){ .pidfd = -1, .err_fd = -1 };
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0 || pipe2(errs, O_CLOEXEC | O_NONBLOCK) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot create pipes to '%s'", binary);
    } else if ((probe->pid = probe_spawn(probe, binary, accel, socks[1], errs[1])) >= 0) {
        probe->err_fd = errs[0];
        errs[0] = -1;
        probe->mon = qmp_open_fd(loop, socks[0], binary, PROBE_MS, NULL, NULL, NULL);
        socks[0] = -1;
        rc = probe->mon ? 0 : -1;
    }
    for (int i = 0; i < 2; i++) {
        if (socks[i] >= 0)
            close(socks[i]);
        if (errs[i] >= 0)
            close(errs[i]);
    }
    if (rc == 0 && qmp_wait_ready(probe->mon, PROBE_MS) < 0) {
        g_autofree char *words = NULL;

        rc = -1;
        /* It is dead or useless; wait for its end so that its words are complete. */
        process_stop(probe->pidfd, 0, PROBE_STOP_MS, NULL);
        words = probe_last_words(probe);
        error_report(ERROR_DOMAIN, VIR_ERR_INTERNAL_ERROR, "cannot ask '%s' what it can do: %s", binary,
                     words ? words : "it gave no answer");
    }
    return rc;
}

static int probe_all(Probe *probe, QemuCaps *caps)
{
    if (probe_identity(probe, caps) < 0 || probe_protocol(probe, caps) < 0 || probe_machines(probe, caps) < 0 ||
        probe_types(probe, caps) < 0)
        return -1;
    probe_tpm(probe, caps);
    return 0;
}

/* With KVM as accelerator: only what differs. A QEMU that can't simply has no KVM. */
static void probe_kvm(Loop *loop, QemuCaps *caps)
{
    Probe probe;

    if (probe_start(&probe, loop, caps->binary, "kvm") == 0) {
        probe_accel(&probe, caps, &caps->kvm, "host");
        if (qemu_caps_has_command(caps, "query-sev-capabilities"))
            caps->sev = probe_ask(&probe, "query-sev-capabilities");
        if (qemu_caps_has_command(caps, "query-sgx-capabilities"))
            caps->sgx = probe_ask(&probe, "query-sgx-capabilities");
    }
    probe_finish(&probe);
    virResetLastError();
}

static gboolean probe_has_kvm(Probe *probe)
{
    g_autoptr(json_object) kvm = probe_ask(probe, "query-kvm");

    return json_member_bool(kvm, "present", FALSE);
}

/* Some questions may fail; but one that QEMU ended itself over leaves all later ones without an answer, and that isn't what it can do. */
static int probe_still_answers(Probe *probe, const char *binary)
{
    g_autoptr(json_object) version = probe_ask(probe, "query-version");
    g_autofree char *words = NULL;

    if (version)
        return 0;
    process_stop(probe->pidfd, 0, PROBE_STOP_MS, NULL);
    words = probe_last_words(probe);
    return FAIL(VIR_ERR_INTERNAL_ERROR, "'%s' ended while it was asked what it can do: %s", binary, words ? words : "it gave no reason");
}

QemuCaps *qemu_caps_probe(Loop *loop, const char *binary, gboolean with_kvm)
{
    g_autoptr(QemuCaps) caps = qemu_caps_new(binary);
    Probe probe;
    int rc;

    /* An emulator that was built without TCG says so at once; then KVM is all it has. */
    rc = probe_start(&probe, loop, binary, with_kvm ? "tcg:kvm" : "tcg");
    if (rc == 0)
        rc = probe_all(&probe, caps);
    if (rc == 0) {
        if (qemu_caps_has_type(caps, "tcg-accel"))
            probe_accel(&probe, caps, &caps->tcg, "max");
        with_kvm = with_kvm && probe_has_kvm(&probe);
        virResetLastError();
        rc = probe_still_answers(&probe, binary);
    }
    probe_finish(&probe);
    if (rc < 0)
        return NULL;
    if (with_kvm)
        probe_kvm(loop, caps);
    name_default_cpus(caps, caps->tcg.available ? &caps->tcg : &caps->kvm);
    return g_steal_pointer(&caps);
}
