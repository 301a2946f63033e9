/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SMBIOS tables, clocks, power states, boot menu, direct kernel boot.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <time.h>
#include "base/error.h"
#include "core/host/host.h"
#include "drivers/qemu/command_priv.h"

static void append_entries(GString *out, const SysinfoBlock *block, gboolean without_uuid)
{
    for (guint i = 0; i < block->n_entries; i++) {
        const SysinfoEntry *entry = block->entries[i];

        if (!entry->name || !entry->value || (without_uuid && g_str_equal(entry->name, "uuid")))
            continue;
        g_string_append_printf(out, ",%s=", entry->name);
        qemu_escape(out, entry->value);
    }
}

/* @host: what is told is the host's, of which no guest may have the UUID. */
static void smbios_table(QemuCommand *cmd, int type, const SysinfoBlock *block, gboolean host)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_string_printf(out, "type=%d", type);
    append_entries(out, block, host);
    if (strchr(out->str, ','))
        qemu_arg_f(cmd, "-smbios", "%s", out->str);
}

static void smbios_strings(QemuCommand *cmd, const SysinfoBlock *block)
{
    g_autoptr(GString) out = g_string_new("type=11");

    for (guint i = 0; i < block->n_entries; i++) {
        g_string_append(out, ",value=");
        qemu_escape(out, block->entries[i]->value ? block->entries[i]->value : "");
    }
    if (block->n_entries > 0)
        qemu_arg_f(cmd, "-smbios", "%s", out->str);
}

static void command_fwcfg(QemuCommand *cmd, const DomainSysinfo *info)
{
    for (guint i = 0; i < info->n_fwcfg; i++) {
        const SysinfoEntry *entry = info->fwcfg[i];
        g_autoptr(GString) out = g_string_new("name=");

        qemu_escape(out, entry->name ? entry->name : "");
        g_string_append(out, entry->file ? ",file=" : ",string=");
        qemu_escape(out, entry->file ? entry->file : entry->value ? entry->value : "");
        qemu_arg_f(cmd, "-fw_cfg", "%s", out->str);
    }
}

static int smbios_tables(QemuCommand *cmd, const DomainSysinfo *info, gboolean host)
{
    /* QEMU takes the last one, and no other. */
    if (info->n_base_boards > 1)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<sysinfo> of domain '%s' has %u <baseBoard>, but QEMU has one", cmd->def->name, info->n_base_boards);
    smbios_table(cmd, 0, &info->bios, host);
    smbios_table(cmd, 1, &info->system, host);
    for (guint i = 0; i < info->n_base_boards; i++)
        smbios_table(cmd, 2, info->base_boards[i], host);
    smbios_table(cmd, 3, &info->chassis, host);
    smbios_strings(cmd, &info->oem_strings);
    return 0;
}

static int host_tables(QemuCommand *cmd)
{
    DomainSysinfo *info = host_smbios();
    int rc = info ? smbios_tables(cmd, info, TRUE) :
        FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "Host SMBIOS information is not available: domain '%s' can't have <smbios mode='host'/> here "
             "(use mode='sysinfo' and tell it in <sysinfo>)", cmd->def->name);

    xml_struct_free(&DOMAIN_SYSINFO_DESC, info);
    return rc;
}

int qemu_command_smbios(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;

    if (def->os.smbios_mode == DOMAIN_SMBIOS_MODE_HOST && host_tables(cmd) < 0)
        return -1;
    for (guint i = 0; i < def->n_sysinfos; i++) {
        const DomainSysinfo *info = def->sysinfos[i];

        if (info->type == SYSINFO_TYPE_FWCFG)
            command_fwcfg(cmd, info);
        else if (def->os.smbios_mode == DOMAIN_SMBIOS_MODE_SYSINFO && smbios_tables(cmd, info, FALSE) < 0)
            return -1;
    }
    return 0;
}

/* How far the guest's clock begins off UTC. */
static int rtc_shift(QemuCommand *cmd, gint64 now)
{
    const DomainClock *clock = &cmd->def->clock;

    if (clock->adjustment && !g_str_equal(clock->adjustment, "reset") &&
        !g_ascii_string_to_signed(clock->adjustment, 10, -G_MAXINT32, G_MAXINT32, &cmd->clock_shift, NULL))
        return FAIL(VIR_ERR_XML_ERROR, "clock adjustment '%s' of domain '%s' is not a number of seconds", clock->adjustment, cmd->def->name);
    if (clock->basis == DOMAIN_CLOCK_BASIS_LOCALTIME) {
        g_autoptr(GDateTime) local = g_date_time_new_from_unix_local(now);

        cmd->clock_shift += local ? g_date_time_get_utc_offset(local) / G_USEC_PER_SEC : 0;
    }
    return 0;
}

static int rtc_base(QemuCommand *cmd, GString *out)
{
    const DomainClock *clock = &cmd->def->clock;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GDateTime) begin = NULL;

    switch (clock->offset) {
    case DOMAIN_CLOCK_OFFSET_UNSET:
    case DOMAIN_CLOCK_OFFSET_UTC:
        g_string_append(out, "base=utc");
        return 0;
    case DOMAIN_CLOCK_OFFSET_TIMEZONE: /* QEMU's own local time is another one */
        qemu_env(cmd, "TZ", clock->timezone);
        /* fall through */
    case DOMAIN_CLOCK_OFFSET_LOCALTIME:
        g_string_append(out, "base=localtime");
        return 0;
    case DOMAIN_CLOCK_OFFSET_VARIABLE:
        if (rtc_shift(cmd, now) < 0)
            return -1;
        begin = g_date_time_new_from_unix_utc(now + cmd->clock_shift);
        break;
    case DOMAIN_CLOCK_OFFSET_ABSOLUTE:
        begin = clock->start <= G_MAXINT64 ? g_date_time_new_from_unix_utc((gint64)clock->start) : NULL;
        break;
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has an unknown clock offset", cmd->def->name);
    }
    g_autofree char *date = begin ? g_date_time_format(begin, "%Y-%m-%dT%H:%M:%S") : NULL;

    if (!date)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the clock of domain '%s' is out of range", cmd->def->name);
    g_string_append_printf(out, "base=%s", date);
    return 0;
}

static int rtc_timer(QemuCommand *cmd, GString *out, const DomainTimer *timer)
{
    static const char *const tracks[DOMAIN_TIMER_TRACK_LAST] = {
        [DOMAIN_TIMER_TRACK_GUEST] = "vm", [DOMAIN_TIMER_TRACK_WALL] = "host", [DOMAIN_TIMER_TRACK_REALTIME] = "rt",
    };

    if (timer->track != DOMAIN_TIMER_TRACK_UNSET) {
        if (!tracks[timer->track])
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "timer 'rtc' can't track '%s'", domain_timer_track_to_string(timer->track));
        g_string_append_printf(out, ",clock=%s", tracks[timer->track]);
    }
    if (timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_CATCHUP)
        g_string_append(out, ",driftfix=slew");
    else if (timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_MERGE || timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_DISCARD)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "timer 'rtc' has no tick policy '%s'",
                    domain_timer_tickpolicy_to_string(timer->tickpolicy));
    return 0;
}

static int pit_timer(QemuCommand *cmd, const DomainTimer *timer)
{
    const char *policy = timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_DELAY ? "delay" :
        timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_DISCARD ? "discard" : NULL;

    if (timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_UNSET || timer->present == TRISTATE_NO)
        return 0;
    /* Without KVM's timer there is only one policy, which is not to be chosen. */
    if (!qemu_caps_has_type(cmd->caps, "kvm-pit") && timer->tickpolicy == DOMAIN_TIMER_TICKPOLICY_DELAY)
        return 0;
    if (!policy)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "timer 'pit' has no tick policy '%s'",
                    domain_timer_tickpolicy_to_string(timer->tickpolicy));
    qemu_arg_f(cmd, "-global", "kvm-pit.lost_tick_policy=%s", policy);
    return 0;
}

int qemu_command_clock(QemuCommand *cmd)
{
    const DomainClock *clock = &cmd->def->clock;
    g_autoptr(GString) rtc = g_string_new(NULL);

    if (rtc_base(cmd, rtc) < 0)
        return -1;
    for (guint i = 0; i < clock->n_timers; i++) {
        if (clock->timers[i]->name == DOMAIN_TIMER_NAME_RTC && rtc_timer(cmd, rtc, clock->timers[i]) < 0)
            return -1;
    }
    qemu_arg_f(cmd, "-rtc", "%s", rtc->str);
    for (guint i = 0; i < clock->n_timers; i++) {
        const DomainTimer *timer = clock->timers[i];

        if (timer->name == DOMAIN_TIMER_NAME_ARMVTIMER && cmd->def->type != DOMAIN_VIRT_TYPE_KVM)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "timer 'armvtimer' of domain '%s' needs type='kvm'", cmd->def->name);
        if (timer->name == DOMAIN_TIMER_NAME_PIT && pit_timer(cmd, timer) < 0)
            return -1;
        if (timer->name == DOMAIN_TIMER_NAME_HPET && timer->present == TRISTATE_NO &&
            cmd->caps->version < QEMU_VERSION(8, 0, 0))
            qemu_arg(cmd, "-no-hpet");
    }
    return 0;
}

static void command_pm(QemuCommand *cmd)
{
    const DomainDef *def = cmd->def;
    const char *device = qemu_machine_is_q35(def->os.machine) ? "ICH9-LPC" :
        qemu_machine_is_i440fx(def->os.machine) ? "PIIX4_PM" : NULL;

    if (!device)
        return;
    if (def->pm.suspend_to_mem)
        qemu_arg_f(cmd, "-global", "%s.disable_s3=%d", device, def->pm.suspend_to_mem == TRISTATE_NO);
    if (def->pm.suspend_to_disk)
        qemu_arg_f(cmd, "-global", "%s.disable_s4=%d", device, def->pm.suspend_to_disk == TRISTATE_NO);
}

static void command_menu(QemuCommand *cmd)
{
    const DomainOs *os = &cmd->def->os;
    g_autoptr(GString) boot = g_string_new(NULL);

    if (os->bootmenu.enable)
        g_string_append_printf(boot, "menu=%s,", os->bootmenu.enable == TRISTATE_YES ? "on" : "off");
    if (os->bios.has_reboot_timeout)
        g_string_append_printf(boot, "reboot-timeout=%d,", os->bios.reboot_timeout);
    if (os->bootmenu.has_timeout)
        g_string_append_printf(boot, "splash-time=%u,", os->bootmenu.timeout);
    g_string_append(boot, "strict=on");
    qemu_arg_f(cmd, "-boot", "%s", boot->str);
}

int qemu_command_boot(QemuCommand *cmd)
{
    const DomainOs *os = &cmd->def->os;

    qemu_arg(cmd, "-no-shutdown");
    if (qemu_can_switch_acpi(cmd) && !cmd->def->features.acpi && cmd->caps->version < QEMU_VERSION(8, 0, 0))
        qemu_arg(cmd, "-no-acpi");
    command_pm(cmd);
    command_menu(cmd);
    if (qemu_command_firmware(cmd) < 0)
        return -1;
    for (guint i = 0; i < os->n_acpi_tables; i++) {
        g_autoptr(GString) path = g_string_new(NULL);

        qemu_escape(path, os->acpi_tables[i]->value ? os->acpi_tables[i]->value : "");
        qemu_arg_f(cmd, "-acpitable", "sig=SLIC,file=%s", path->str); /* the only type that a definition may have */
    }
    if (os->kernel)
        qemu_arg_f(cmd, "-kernel", "%s", os->kernel);
    if (os->initrd)
        qemu_arg_f(cmd, "-initrd", "%s", os->initrd);
    if (os->shim) {
        g_autofree char *what = g_strdup_printf("<shim> of domain '%s'", cmd->def->name);

        if (qemu_require_prop(cmd, "machine", "shim", what) < 0)
            return -1;
        qemu_arg_f(cmd, "-shim", "%s", os->shim);
    }
    if (os->cmdline)
        qemu_arg_f(cmd, "-append", "%s", os->cmdline);
    if (os->dtb)
        qemu_arg_f(cmd, "-dtb", "%s", os->dtb);
    return 0;
}
