/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions before they run: what depends on the emulator, and its command line as text.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.prepare"
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "domain/host.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/cpu.h"
#include "drivers/qemu/descriptors.h"
#include "drivers/qemu/firmware.h"
#include "drivers/qemu/image_chain.h"
#include "drivers/qemu/security.h"
#include "storage/source.h"

#define DEFAULT_MAX_VCPUS 16

static const char *host_arch(void)
{
    struct utsname uts;

    return uname(&uts) == 0 ? g_intern_string(uts.machine) : "x86_64";
}

static int prepare_emulator(DomainDef *def)
{
    const char *target;

    if (!def->os.arch)
        def->os.arch = g_strdup(host_arch());
    if (def->devices.emulator)
        return 0;
    def->devices.emulator = qemu_find_emulator(def->os.arch);
    if (def->devices.emulator)
        return 0;
    target = qemu_arch_to_target(def->os.arch);
    if (!target)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain.os.type: QEMU doesn't emulate the architecture '%s'", def->os.arch);
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain.os.type: no emulator for architecture '%s' is installed ('qemu-system-%s' is not in the PATH)",
                def->os.arch, target);
}

static int prepare_machine(DomainDef *def, const QemuCaps *caps)
{
    const QemuMachine *machine = qemu_caps_machine(caps, def->os.machine);

    if (!machine && def->os.machine) {
        g_autofree char *hint = qemu_caps_machine_hint(caps, def->os.machine);

        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain.os.type: emulator '%s' does not support machine type '%s' (see 'virsh "
                    "capabilities')%s", caps->binary, def->os.machine, hint);
    }
    if (!machine)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "emulator '%s' has no default machine type; name one in <type machine=>", caps->binary);
    if (def->vcpu.count > machine->max_cpus)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain.vcpu: Maximum CPUs greater than specified machine type limit %u", machine->max_cpus);
    if (g_strcmp0(def->os.machine, machine->name) != 0) {
        g_free(def->os.machine);
        def->os.machine = g_strdup(machine->name);
    }
    return 0;
}

int qemu_backend_prepare(DomainHost *host, DomainDef *def)
{
    QemuDriver *driver = host_priv(host);
    g_autoptr(QemuCaps) caps = NULL;

    if (prepare_emulator(def) < 0)
        return -1;
    caps = qemu_caps_store_get(driver->caps, def->devices.emulator);
    if (caps)
        return prepare_machine(def, caps);
    /* A definition may come before its emulator is installed; the start will say what is missing. */
    if (error_code() != VIR_ERR_SYSTEM_ERROR || !def->os.machine)
        return -1;
    virResetLastError();
    return 0;
}

/* What only QEMU's user may see, or what a dead server holds back, QEMU will tell. */
static int is_missing(const DomainDisk *disk)
{
    const StorageSource *source = &disk->source;
    const char *path = source->file ? source->file : source->dev;

    if (!path || source->fdgroup || access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
        return 0;
    error_report_errno(VIR_FROM_STORAGE, errno, "Cannot access storage file '%s'", path);
    return -1;
}

int qemu_resolve_volumes(DomainDisk *disk)
{
    StorageSource *source = &disk->source;
    StorageFormat *format = &disk->driver.type;
    DomainBackingStore *below = disk->backing_store;

    for (;;) {
        if (source->type == DOMAIN_DISK_TYPE_VOLUME && source->pool && source->volume && storage_source_resolve(source, format) < 0) {
            error_context("disk '%s'", disk->target.dev);
            return -1;
        }
        if (!below)
            return 0;
        source = &below->source;
        format = &below->format;
        below = below->backing_store;
    }
}

int qemu_check_image(DomainDisk *disk)
{
    return qemu_resolve_volumes(disk) < 0 || is_missing(disk) < 0 ? -1 : image_chain_complete(disk);
}

/* A medium that may be missing isn't in the drive then; a disk that may be missing isn't there. */
static void leave_out(DomainDef *def, guint at)
{
    DomainDisk *disk = def->devices.disks[at];

    LOG_WARN("domain '%s' starts without what is in disk '%s': %s", def->name, disk->target.dev, error_message());
    virResetLastError();
    if (domain_disk_is_drive(disk)) {
        g_clear_pointer(&disk->source.file, g_free);
        g_clear_pointer(&disk->source.dev, g_free);
        g_clear_pointer(&disk->source.pool, g_free);
        g_clear_pointer(&disk->source.volume, g_free);
        if (disk->source.type == DOMAIN_DISK_TYPE_VOLUME)
            disk->source.type = DOMAIN_DISK_TYPE_FILE;
        return;
    }
    XML_LIST_REMOVE(def->devices.disks, def->devices.n_disks, at);
    xml_struct_free(&DOMAIN_DISK_DESC, disk);
}

int qemu_check_images(DomainDef *def)
{
    for (guint i = def->devices.n_disks; i-- > 0;) {
        DomainDisk *disk = def->devices.disks[i];

        if (disk->source.startup_policy == STARTUP_POLICY_OPTIONAL && (qemu_resolve_volumes(disk) < 0 || is_missing(disk) < 0))
            leave_out(def, i);
    }
    for (guint i = 0; i < def->devices.n_disks; i++)
        if (qemu_check_image(def->devices.disks[i]) < 0)
            return -1;
    return 0;
}

void qemu_backend_describe(DomainHost *host, const DomainDef *def, DomainMachineInfo *info)
{
    QemuDriver *driver = host_priv(host);
    g_autoptr(QemuCaps) caps = def->devices.emulator ? qemu_caps_store_peek(driver->caps, def->devices.emulator) : NULL;
    const QemuMachine *machine = caps ? qemu_caps_machine(caps, def->os.machine) : NULL;

    if (machine && machine->default_cpu)
        info->default_cpu = g_intern_string(machine->default_cpu);
    if (host_paths(host))
        info->nvram_dir = host_paths(host)->nvram;
    if (driver->confiner)
        info->first_security_model = qemu_security_first_model(driver);
}

int qemu_backend_complete(DomainHost *host, DomainDef *def)
{
    if (def->type == DOMAIN_VIRT_TYPE_KVM && !qemu_host_has_kvm())
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has type='kvm', but KVM can't be used here (is /dev/kvm there, accessible, "
                    "and virtualisation on in the firmware?); type='qemu' runs without it", def->name);
    return 0;
}

char *qemu_backend_to_native(DomainHost *host, const char *format, const DomainDef *def)
{
    g_autoptr(GPtrArray) env = g_ptr_array_new();
    QemuDriver *driver = host_priv(host);
    const HostPaths *paths = host_paths(host);
    g_auto(GStrv) folders = NULL;
    g_autofree char *dir = NULL;
    g_autoptr(DomainDef) copy = NULL;
    g_autoptr(QemuCaps) caps = NULL;
    g_autoptr(QemuCommand) cmd = NULL;
    QemuCommandOptions options = { .monitor_fd = -1, .uid = -1, .gid = -1, .conf = &driver->conf, .dry_run = TRUE };

    if (g_strcmp0(format, "qemu-argv") != 0)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "unsupported config type %s (known is qemu-argv)", format);
    copy = domain_def_copy(def);
    dir = g_strdup_printf("%s/domain--1-%s", paths ? paths->lib : "", def->name);
    options.dir = dir;
    for (guint i = 0; i < copy->devices.n_disks; i++)
        if (qemu_resolve_volumes(copy->devices.disks[i]) < 0)
            return NULL;
    if (qemu_assign_aliases(copy) < 0 || qemu_assign_channel_paths(copy, dir) < 0 || qemu_assign_displays(driver, NULL, copy, dir) < 0)
        return NULL;
    caps = qemu_caps_store_get(driver->caps, copy->devices.emulator ? copy->devices.emulator : "");
    folders = qemu_descriptor_folders("firmware");
    if (!caps || qemu_cpu_settle(copy, caps) < 0 || qemu_firmware_choose(copy, (const char *const *)folders, paths ? paths->nvram : "") < 0)
        return NULL;
    cmd = qemu_command_new(copy, caps, &options);
    if (!cmd)
        return NULL;
    g_ptr_array_add(env, (char *)"LC_ALL=C");
    g_ptr_array_add(env, (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    for (guint i = 0; i < cmd->env->len; i++)
        g_ptr_array_add(env, g_ptr_array_index(cmd->env, i));
    g_ptr_array_add(env, NULL);
    return qemu_command_text(cmd, (const char *const *)env->pdata, FALSE);
}

int qemu_backend_max_vcpus(DomainHost *host, const char *type)
{
    if (!type || g_ascii_strcasecmp(type, "qemu") == 0)
        return DEFAULT_MAX_VCPUS;
    if (g_ascii_strcasecmp(type, "kvm") == 0)
        return 288;
    return FAIL(VIR_ERR_INVALID_ARG, "unknown type '%s'", type);
}
