/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds the command line from its parts, and holds what all parts use. The order of the options is that of
 * other implementations, so that logs and migration streams can be compared.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/uuid.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/throttle.h"
#include "model/domain.h"

void qemu_arg(QemuCommand *cmd, const char *arg)
{
    g_ptr_array_add(cmd->argv, g_strdup(arg));
}

void qemu_arg_f(QemuCommand *cmd, const char *option, const char *fmt, ...)
{
    va_list args;

    qemu_arg(cmd, option);
    va_start(args, fmt);
    g_ptr_array_add(cmd->argv, g_strdup_vprintf(fmt, args));
    va_end(args);
}

void qemu_env(QemuCommand *cmd, const char *name, const char *value)
{
    if (value)
        g_ptr_array_add(cmd->env, g_strdup_printf("%s=%s", name, value));
}

void qemu_arg_json(QemuCommand *cmd, const char *option, json_object *value)
{
    qemu_arg(cmd, option);
    qemu_arg(cmd, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(value);
}

int qemu_arg_device(QemuCommand *cmd, json_object *props, const DomainDeviceInfo *info)
{
    if (qemu_add_address(cmd, props, info) < 0) {
        json_object_put(props);
        return -1;
    }
    qemu_arg_json(cmd, "-device", props);
    return 0;
}

void qemu_escape(GString *out, const char *text)
{
    for (; *text; text++) {
        g_string_append_c(out, *text);
        if (*text == ',')
            g_string_append_c(out, ',');
    }
}

static char *qemu_version_text(const QemuCaps *caps)
{
    return g_strdup_printf("%u.%u.%u", caps->version / 1000000, caps->version / 1000 % 1000, caps->version % 1000);
}

/* -device takes some types by a shorter name. */
static const char *real_type(const char *type)
{
    return g_str_equal(type, "ahci") ? "ich9-ahci" : g_str_equal(type, "lsi") ? "lsi53c895a" : type;
}

int qemu_require_type(const QemuCommand *cmd, const char *type, const char *what)
{
    g_autofree char *version = NULL;

    if (qemu_caps_has_type(cmd->caps, real_type(type)))
        return 0;
    g_autofree char *hint = qemu_caps_type_hint(cmd->caps, type);

    version = qemu_version_text(cmd->caps);
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s needs '%s', which '%s' (QEMU %s) doesn't have%s", what, type,
                cmd->caps->binary, version, hint);
}

int qemu_require_prop(const QemuCommand *cmd, const char *type, const char *prop, const char *what)
{
    g_autofree char *version = NULL, *family = NULL;

    /* The variants of a virtio device differ in what they look like, not in what they can do. */
    if (g_str_has_suffix(type, "-transitional"))
        family = g_strndup(type, strlen(type) - strlen(g_str_has_suffix(type, "-non-transitional") ? "-non-transitional" :
                                                       "-transitional"));
    if (qemu_caps_has_prop(cmd->caps, family ? family : type, prop))
        return 0;
    version = qemu_version_text(cmd->caps);
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s needs the property '%s' of '%s', which '%s' (QEMU %s) doesn't have", what,
                prop, type, cmd->caps->binary, version);
}

int qemu_require_shared_memory(const QemuCommand *cmd, const char *what)
{
    return domain_memory_is_shared(cmd->def) ? 0 :
        FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s is served by another process, which needs the guest's memory to be shared "
             "(<memoryBacking> with <source type='memfd'/> and <access mode='shared'/>)", what);
}

gboolean qemu_machine_is_i440fx(const char *machine)
{
    return machine && (g_str_equal(machine, "pc") || g_str_has_prefix(machine, "pc-i440fx-") ||
                       g_str_has_prefix(machine, "pc-0.") || g_str_has_prefix(machine, "pc-1."));
}

gboolean qemu_machine_is_q35(const char *machine)
{
    return machine && (g_str_equal(machine, "q35") || g_str_has_prefix(machine, "pc-q35-"));
}

const DomainController *qemu_find_controller(const DomainDef *def, DomainControllerType type, guint index)
{
    for (guint i = 0; i < def->devices.n_controllers; i++) {
        const DomainController *controller = def->devices.controllers[i];

        /* Companions of a USB controller have its index, too; the bus is the master's. */
        if (controller->type == type && controller->index == index && !controller->info.has_master_startport)
            return controller;
    }
    return NULL;
}

void qemu_add_switch(json_object *props, const char *name, Tristate value)
{
    if (value != TRISTATE_UNSET)
        json_object_object_add(props, name, json_object_new_boolean(value == TRISTATE_YES));
}

void qemu_add_uint(json_object *props, const char *name, guint64 value)
{
    json_object_object_add(props, name, json_object_new_uint64(value));
}

void qemu_add_boot_index(json_object *props, guint index)
{
    if (index > 0)
        qemu_add_uint(props, "bootindex", index);
}

static void add_text(json_object *props, const char *name, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
static void add_text(json_object *props, const char *name, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    json_object_object_add(props, name, json_object_new_string(text));
}

/* On s390 a PCI function has a device beside it that bears its numbers; it must be there first. */
static int add_zpci(QemuCommand *cmd, const ZpciAddress *zpci, const char *target)
{
    g_autofree char *id = g_strdup_printf("zpci%u", zpci->uid);

    if (qemu_require_type(cmd, "zpci", "a PCI device") < 0)
        return -1;
    qemu_arg_json(cmd, "-device", json_make(JSON_STR("driver", "zpci"), JSON_UINT("uid", zpci->uid), JSON_UINT("fid", zpci->fid),
                                            JSON_STR("target", target), JSON_STR("id", id)));
    return 0;
}

static int add_pci(QemuCommand *cmd, json_object *props, const DomainDeviceInfo *info)
{
    const PciAddress *pci = &info->address->pci;
    const DomainController *bus = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_PCI, pci->bus);

    if (bus && bus->target.has_index && bus->target.index)  /* a host bridge beside that of the machine */
        add_text(props, "bus", "%s.0", bus->info.alias);
    else if (bus)
        add_text(props, "bus", "%s", bus->info.alias);
    else
        return FAIL(VIR_ERR_INTERNAL_ERROR, "device '%s' is on PCI bus %u, which no controller provides",
                    info->alias ? info->alias : "?", pci->bus);
    if (pci->multifunction != TRISTATE_UNSET)
        qemu_add_switch(props, "multifunction", pci->multifunction);
    if (pci->function)
        add_text(props, "addr", "0x%x.0x%x", pci->slot, pci->function);
    else
        add_text(props, "addr", "0x%x", pci->slot);
    if (info->acpi_index)
        qemu_add_uint(props, "acpi-index", info->acpi_index);
    return pci->zpci ? add_zpci(cmd, pci->zpci, info->alias) : 0;
}

static int add_usb(const QemuCommand *cmd, json_object *props, const DomainDeviceInfo *info)
{
    const UsbAddress *usb = &info->address->usb;
    const DomainController *bus = qemu_find_controller(cmd->def, DOMAIN_CONTROLLER_TYPE_USB, usb->bus);

    if (!bus)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "device '%s' is on USB bus %u, which no controller provides",
                    info->alias ? info->alias : "?", usb->bus);
    add_text(props, "bus", "%s.0", bus->info.alias);
    if (usb->port)
        add_text(props, "port", "%s", usb->port);
    return 0;
}

int qemu_add_address(QemuCommand *cmd, json_object *props, const DomainDeviceInfo *info)
{
    const DomainAddress *address = info->address;

    switch (address ? address->type : DOMAIN_ADDRESS_TYPE_UNSET) {
    case DOMAIN_ADDRESS_TYPE_UNSET:
    case DOMAIN_ADDRESS_TYPE_NONE:
    case DOMAIN_ADDRESS_TYPE_VIRTIO_MMIO:
    case DOMAIN_ADDRESS_TYPE_UNASSIGNED:
        return 0;
    case DOMAIN_ADDRESS_TYPE_PCI:
        return add_pci(cmd, props, info);
    case DOMAIN_ADDRESS_TYPE_USB:
        return add_usb(cmd, props, info);
    case DOMAIN_ADDRESS_TYPE_VIRTIO_SERIAL:
        add_text(props, "bus", "virtio-serial%u.%u", address->virtio_serial.controller, address->virtio_serial.bus);
        qemu_add_uint(props, "nr", address->virtio_serial.port);
        return 0;
    case DOMAIN_ADDRESS_TYPE_ISA:
        if (address->isa.iobase)
            qemu_add_uint(props, "iobase", address->isa.iobase);
        if (address->isa.irq)
            qemu_add_uint(props, "irq", address->isa.irq);
        return 0;
    case DOMAIN_ADDRESS_TYPE_SPAPR_VIO:
        if (address->spapr_vio.has_reg)
            qemu_add_uint(props, "reg", address->spapr_vio.reg);
        return 0;
    case DOMAIN_ADDRESS_TYPE_CCID:
        add_text(props, "bus", "ccid%u.0", address->ccid.controller);
        return 0;
    case DOMAIN_ADDRESS_TYPE_CCW:
        add_text(props, "devno", "%x.%x.%04x", address->ccw.cssid, address->ccw.ssid, address->ccw.devno);
        return 0;
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "device '%s' can't have an address of type '%s' here",
                    info->alias ? info->alias : "?", domain_address_type_to_string(address->type));
    }
}

int qemu_add_virtio(const QemuCommand *cmd, json_object *props, const char *type, const DomainVirtioOptions *options,
                    const char *what)
{
    const struct {
        Tristate value;
        const char *prop;
    } switches[] = {
        { options->iommu, "iommu_platform" },
        { options->ats, "ats" },
        { options->packed, "packed" },
        { options->page_per_vq, "page-per-vq" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(switches); i++) {
        if (switches[i].value == TRISTATE_UNSET)
            continue;
        if (qemu_require_prop(cmd, type, switches[i].prop, what) < 0)
            return -1;
        qemu_add_switch(props, switches[i].prop, switches[i].value);
    }
    return 0;
}

void qemu_add_rom(json_object *props, const DomainDeviceInfo *info)
{
    if (info->rom.bar != TRISTATE_UNSET)
        qemu_add_uint(props, "rombar", info->rom.bar == TRISTATE_ON);
    if (info->rom.enabled == TRISTATE_NO)
        json_add(props, JSON_STR("romfile", ""));
    else if (info->rom.file)
        json_add(props, JSON_STR("romfile", info->rom.file));
}

char *qemu_virtio_type(const DomainDeviceInfo *info, const char *base, const char *model)
{
    const char *suffix = model && g_str_has_suffix(model, "transitional") ? model + strlen("virtio") : NULL;

    switch (info->address ? info->address->type : DOMAIN_ADDRESS_TYPE_UNSET) {
    case DOMAIN_ADDRESS_TYPE_CCW:
        return g_strconcat(base, "-ccw", NULL);
    case DOMAIN_ADDRESS_TYPE_VIRTIO_MMIO:
        return g_strconcat(base, "-device", NULL);
    default:
        return g_strconcat(base, "-pci", suffix, NULL);
    }
}

int qemu_pass_fd(QemuCommand *cmd, int fd)
{
    g_array_append_val(cmd->fds, fd);
    return fd;
}

void qemu_add_to_set(QemuCommand *cmd, guint set, int fd, const char *alias, const char *role)
{
    qemu_pass_fd(cmd, fd);
    if (cmd->options->running)
        g_array_append_val(cmd->sets, ((QemuFdSet){ set, fd }));
    else
        qemu_arg_f(cmd, "-add-fd", "set=%u,fd=%d,opaque=%s-%s", set, fd, alias, role);
}

char *qemu_pass_fd_set(QemuCommand *cmd, int fd, const char *alias, const char *role)
{
    guint set = cmd->next_fdset++;

    qemu_add_to_set(cmd, set, fd, alias, role);
    return g_strdup_printf("/dev/fdset/%u", set);
}

char *qemu_fd_name(const QemuCommand *cmd, int fd)
{
    guint taps = cmd->options->n_tap_fds;

    if (!cmd->options->running)
        return g_strdup_printf("%d", fd);
    for (guint i = 0; i < taps; i++) {
        if (cmd->options->tap_fds[i] == fd)
            return g_strdup_printf(QEMU_FD_NAME, i);
    }
    for (guint i = 0; i < cmd->fds->len; i++) {
        if (g_array_index(cmd->fds, int, i) == fd)
            return g_strdup_printf(QEMU_FD_NAME, taps + i);
    }
    return g_strdup_printf("%d", fd); /* of a dry run */
}

guint qemu_boot_index(QemuCommand *cmd, DomainBootDev dev, const DomainDeviceInfo *info)
{
    guint index = info->boot_order;

    if (index == 0 && dev < G_N_ELEMENTS(cmd->boot_index)) {
        index = cmd->boot_index[dev];
        cmd->boot_index[dev] = 0;
    }
    return index;
}

/* <os><boot dev='…'/>: the position of each kind, for its first device. */
static void command_boot_order(QemuCommand *cmd)
{
    const DomainOs *os = &cmd->def->os;

    for (guint i = 0; i < os->n_boot_devs; i++) {
        DomainBootDev dev = os->boot_devs[i];

        if (dev < G_N_ELEMENTS(cmd->boot_index) && cmd->boot_index[dev] == 0)
            cmd->boot_index[dev] = i + 1;
    }
}

static void command_name(QemuCommand *cmd)
{
    g_autoptr(GString) name = g_string_new("guest=");

    qemu_escape(name, cmd->def->name);
    if (cmd->conf->set_process_name) {
        g_string_append(name, ",process=qemu:");
        qemu_escape(name, cmd->def->name);
    }
    g_string_append(name, ",debug-threads=on");
    qemu_arg_f(cmd, "-name", "%s", name->str);
    qemu_arg(cmd, "-S");
}

/* The workers of QEMU's own loop. */
static int command_main_loop(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;
    json_object *props;

    if (!def->defaultiothread.has_thread_pool_min && !def->defaultiothread.has_thread_pool_max)
        return 0;
    if (qemu_require_type(cmd, "main-loop", "<defaultiothread>") < 0)
        return -1;
    props = json_make(JSON_STR("qom-type", "main-loop"), JSON_STR("id", "main-loop"));
    if (def->defaultiothread.has_thread_pool_min)
        json_add(props, JSON_INT("thread-pool-min", def->defaultiothread.thread_pool_min));
    if (def->defaultiothread.has_thread_pool_max)
        json_add(props, JSON_INT("thread-pool-max", def->defaultiothread.thread_pool_max));
    qemu_arg_json(cmd, "-object", props);
    return 0;
}

static int command_iothreads(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;
    guint n = def->n_iothreadids ? def->n_iothreadids : def->iothreads;

    for (guint i = 0; i < n; i++) {
        const DomainIothread *thread = i < def->n_iothreadids ? def->iothreadids[i] : NULL;
        g_autofree char *id = g_strdup_printf("iothread%u", thread ? thread->id : i + 1);
        json_object *props = json_make(JSON_STR("qom-type", "iothread"), JSON_STR("id", id));

        if (thread && thread->has_thread_pool_min)
            json_add(props, JSON_INT("thread-pool-min", thread->thread_pool_min));
        if (thread && thread->has_thread_pool_max)
            json_add(props, JSON_INT("thread-pool-max", thread->thread_pool_max));
        if (thread && thread->poll.has_max)
            json_add(props, JSON_UINT("poll-max-ns", thread->poll.max));
        if (thread && thread->poll.has_grow)
            json_add(props, JSON_UINT("poll-grow", thread->poll.grow));
        if (thread && thread->poll.has_shrink)
            json_add(props, JSON_UINT("poll-shrink", thread->poll.shrink));
        qemu_arg_json(cmd, "-object", props);
    }
    return command_main_loop(cmd);
}

static void command_monitor(QemuCommand *cmd)
{
    if (cmd->options->dry_run) {
        g_autoptr(GString) dir = g_string_new(NULL);

        qemu_escape(dir, cmd->options->dir);
        qemu_arg_f(cmd, "-chardev", "socket,id=charmonitor,path=%s/monitor.sock,server=on,wait=off", dir->str);
    } else {
        qemu_arg_f(cmd, "-chardev", "socket,id=charmonitor,fd=%d,server=on,wait=off", cmd->options->monitor_fd);
    }
    qemu_arg_f(cmd, "-mon", "chardev=charmonitor,id=monitor,mode=control");
}

static void command_sandbox(QemuCommand *cmd)
{
    if (cmd->conf->seccomp_sandbox != 0 && qemu_caps_has_flag(cmd->caps, "option.sandbox"))
        qemu_arg_f(cmd, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}

static void command_passthrough(QemuCommand *cmd)
{
    const QemuCommandline *extra = cmd->def->qemu_commandline;

    for (guint i = 0; extra && i < extra->n_args; i++)
        qemu_arg(cmd, extra->args[i]->value ? extra->args[i]->value : "");
}

static int command_system(QemuCommand *cmd)
{
    char uuid[UUID_TEXT_SIZE];

    if (qemu_command_machine(cmd) < 0 || qemu_command_cpu(cmd) < 0 || qemu_command_memory(cmd) < 0)
        return -1;
    if (command_iothreads(cmd) < 0 || qemu_command_throttle_groups(cmd) < 0)
        return -1;
    qemu_arg_f(cmd, "-uuid", "%s", uuid_format(cmd->def->uuid, uuid));
    if (cmd->def->devices.n_graphics == 0)
        qemu_arg_f(cmd, "-display", "none");
    if (qemu_command_smbios(cmd) < 0)
        return -1;
    qemu_arg(cmd, "-no-user-config");
    qemu_arg(cmd, "-nodefaults");
    command_monitor(cmd);
    return qemu_command_clock(cmd) < 0 || qemu_command_boot(cmd) < 0 ? -1 : 0;
}

static int command_build(QemuCommand *cmd)
{
    command_boot_order(cmd);
    command_name(cmd);
    if (command_system(cmd) < 0 || qemu_command_iommus(cmd) < 0 || qemu_command_controllers(cmd) < 0 ||
        qemu_command_smmus(cmd) < 0 || qemu_command_disks(cmd) < 0 ||
        qemu_command_filesystems(cmd) < 0 || qemu_command_interfaces(cmd) < 0 || qemu_command_smartcards(cmd) < 0 || qemu_command_chardevs(cmd) < 0 || qemu_command_inputs(cmd) < 0 ||
        qemu_command_audios(cmd) < 0 || qemu_command_graphics(cmd) < 0 || qemu_command_videos(cmd) < 0 ||
        qemu_command_sounds(cmd) < 0 || qemu_command_misc(cmd) < 0)
        return -1;
    if (qemu_command_memories(cmd) < 0)
        return -1;
    command_sandbox(cmd);
    if (qemu_command_panics(cmd) < 0 || qemu_command_shmems(cmd) < 0 || qemu_command_vsock(cmd) < 0 ||
        qemu_command_cryptos(cmd) < 0 || qemu_command_pstore(cmd) < 0)
        return -1;
    if (qemu_command_launch_security(cmd) < 0)
        return -1;
    if (cmd->options->restore) {
        qemu_arg(cmd, "-incoming");
        qemu_arg(cmd, "defer");
    }
    command_passthrough(cmd);
    if (qemu_command_teardown(cmd) < 0)
        return -1;
    if (cmd->conf->log_timestamp)
        qemu_arg_f(cmd, "-msg", "timestamp=on");
    return 0;
}

static const QemuConf *default_conf(void)
{
    static QemuConf conf;
    static gsize once;

    if (g_once_init_enter(&once)) {
        conf_init(&qemu_conf_schema, &conf);
        g_once_init_leave(&once, 1);
    }
    return &conf;
}

QemuCommand *qemu_command_new_part(const DomainDef *def, const QemuCaps *caps, const QemuCommandOptions *options)
{
    g_autoptr(QemuCommand) cmd = g_new0(QemuCommand, 1);

    cmd->def = def;
    cmd->caps = caps;
    cmd->options = options;
    cmd->conf = options->conf ? options->conf : default_conf();
    cmd->argv = g_ptr_array_new_with_free_func(g_free);
    cmd->env = g_ptr_array_new_with_free_func(g_free);
    cmd->fds = g_array_new(FALSE, FALSE, sizeof(int));
    cmd->sets = g_array_new(FALSE, FALSE, sizeof(QemuFdSet));
    cmd->next_fdset = options->first_fdset;
    cmd->unlink = g_ptr_array_new_with_free_func(g_free);
    cmd->contexts = g_ptr_array_new_with_free_func(g_free);
    cmd->machine = qemu_caps_machine(caps, def->os.machine);
    if (!cmd->machine)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' has no machine type '%s' (see 'virsh capabilities')",
                         caps->binary, def->os.machine ? def->os.machine : "");
    return g_steal_pointer(&cmd);
}

QemuCommand *qemu_command_new(const DomainDef *def, const QemuCaps *caps, const QemuCommandOptions *options)
{
    g_autoptr(QemuCommand) cmd = qemu_command_new_part(def, caps, options);

    if (!cmd)
        return NULL;
    qemu_arg(cmd, caps->binary);
    if (command_build(cmd) < 0) {
        /* Nothing will use the sockets that were made. */
        for (guint i = 0; i < cmd->unlink->len; i++)
            unlink(g_ptr_array_index(cmd->unlink, i));
        return NULL;
    }
    return g_steal_pointer(&cmd);
}

void qemu_command_free(QemuCommand *cmd)
{
    if (!cmd)
        return;
    for (guint i = 0; i < cmd->fds->len; i++)
        close(g_array_index(cmd->fds, int, i));
    g_array_unref(cmd->fds);
    g_array_unref(cmd->sets);
    g_ptr_array_unref(cmd->argv);
    g_ptr_array_unref(cmd->env);
    g_ptr_array_unref(cmd->unlink);
    g_ptr_array_unref(cmd->contexts);
    g_free(cmd);
}

const char *const *qemu_command_argv(QemuCommand *cmd)
{
    if (cmd->argv->len == 0 || g_ptr_array_index(cmd->argv, cmd->argv->len - 1))
        g_ptr_array_add(cmd->argv, NULL);
    return (const char *const *)cmd->argv->pdata;
}

/* A word as a shell would need it; plain words stay as they are. */
static void append_word(GString *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:@%";

    if (*word && word[strspn(word, plain)] == '\0') {
        g_string_append(out, word);
        return;
    }
    g_string_append_c(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            g_string_append(out, "'\\''");
        else
            g_string_append_c(out, *word);
    }
    g_string_append_c(out, '\'');
}

char *qemu_command_text(QemuCommand *cmd, const char *const *env, gboolean lines)
{
    const char *const *argv = qemu_command_argv(cmd);
    const char *gap = lines ? " \\\n" : " ";
    GString *out = g_string_new(NULL);

    for (guint i = 0; env && env[i]; i++) {
        append_word(out, env[i]);
        g_string_append(out, gap);
    }
    for (guint i = 0; argv[i]; i++) {
        append_word(out, argv[i]);
        /* An option and its value share a line. */
        if (argv[i + 1])
            g_string_append(out, i > 0 && argv[i][0] == '-' && argv[i + 1][0] != '-' ? " " : gap);
    }
    return g_string_free(out, FALSE);
}
