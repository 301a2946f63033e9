/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Watchdog, balloon, random numbers, crash notifiers, TPM.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "base/uuid.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/helper.h"
#include "drivers/qemu/tpm.h"

static const char *watchdog_action(DomainWatchdogAction action)
{
    /* QEMU can't dump by itself: it stops, and we dump. */
    return action == DOMAIN_WATCHDOG_ACTION_DUMP ? "pause" : action ? domain_watchdog_action_to_string(action) : "reset";
}

static int command_watchdogs(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_watchdogs; i++) {
        const DomainWatchdog *watchdog = d->watchdogs[i];
        const char *driver = domain_watchdog_model_to_string(watchdog->model);
        json_object *props;

        if (watchdog->model == DOMAIN_WATCHDOG_MODEL_ITCO) {
            qemu_arg_f(cmd, "-global", "ICH9-LPC.noreboot=off");
            continue;
        }
        if (!driver || qemu_require_type(cmd, driver, "a watchdog") < 0)
            return -1;
        props = json_make(JSON_STR("driver", driver), JSON_STR("id", watchdog->info.alias));
        if (qemu_arg_device(cmd, props, &watchdog->info) < 0)
            return -1;
    }
    for (guint i = 1; i < d->n_watchdogs; i++) {
        if (!g_str_equal(watchdog_action(d->watchdogs[i]->action), watchdog_action(d->watchdogs[0]->action)))
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "all watchdogs of domain '%s' must have the same action", cmd->def->name);
    }
    if (d->n_watchdogs > 0)
        qemu_arg_f(cmd, "-watchdog-action", "%s", watchdog_action(d->watchdogs[0]->action));
    return 0;
}

static int command_balloon(QemuCommand *cmd)
{
    const DomainMemballoon *balloon = cmd->def->devices.memballoon;
    g_autofree char *driver = NULL;
    json_object *props;

    if (!balloon || balloon->model == DOMAIN_MEMBALLOON_MODEL_NONE)
        return 0;
    driver = qemu_virtio_type(&balloon->info, "virtio-balloon", domain_memballoon_model_to_string(balloon->model));
    if (qemu_require_type(cmd, driver, "the memory balloon") < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver), JSON_STR("id", balloon->info.alias));
    qemu_add_switch(props, "deflate-on-oom", balloon->autodeflate);
    qemu_add_switch(props, "free-page-reporting", balloon->free_page_reporting);
    if (qemu_add_virtio(cmd, props, driver, &balloon->driver.virtio, "the memory balloon") < 0) {
        json_object_put(props);
        return -1;
    }
    return qemu_arg_device(cmd, props, &balloon->info);
}

static int rng_object(QemuCommand *cmd, const DomainRng *rng, const char *id)
{
    g_autofree char *chardev = g_strdup_printf("char%s", rng->info.alias);

    switch (rng->backend.model) {
    case DOMAIN_RNG_BACKEND_MODEL_RANDOM:
        qemu_arg_json(cmd, "-object", json_make(JSON_STR("qom-type", "rng-random"), JSON_STR("id", id),
                                                JSON_STR("filename", rng->backend.random ? rng->backend.random : "/dev/random")));
        return 0;
    case DOMAIN_RNG_BACKEND_MODEL_BUILTIN:
        qemu_arg_json(cmd, "-object", json_make(JSON_STR("qom-type", "rng-builtin"), JSON_STR("id", id)));
        return 0;
    case DOMAIN_RNG_BACKEND_MODEL_EGD:
        if (qemu_chardev(cmd, &rng->backend.source, rng->info.alias, "a random number generator") < 0)
            return -1;
        qemu_arg_json(cmd, "-object", json_make(JSON_STR("qom-type", "rng-egd"), JSON_STR("id", id), JSON_STR("chardev", chardev)));
        return 0;
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "random number generator '%s' has no backend", rng->info.alias);
    }
}

static int command_rngs(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_rngs; i++) {
        const DomainRng *rng = d->rngs[i];
        g_autofree char *id = g_strdup_printf("obj%s", rng->info.alias);
        g_autofree char *driver = qemu_virtio_type(&rng->info, "virtio-rng", domain_rng_model_to_string(rng->model));
        json_object *props;

        if (qemu_require_type(cmd, driver, "a random number generator") < 0 || rng_object(cmd, rng, id) < 0)
            return -1;
        props = json_make(JSON_STR("driver", driver), JSON_STR("rng", id), JSON_STR("id", rng->info.alias));
        if (rng->rate.bytes)
            json_add(props, JSON_UINT("max-bytes", rng->rate.bytes),
                     JSON_UINT("period", rng->rate.period ? rng->rate.period : 1000));
        if (qemu_add_virtio(cmd, props, driver, &rng->driver.virtio, "a random number generator") < 0) {
            json_object_put(props);
            return -1;
        }
        if (qemu_arg_device(cmd, props, &rng->info) < 0)
            return -1;
    }
    return 0;
}

int qemu_command_panics(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_panics; i++) {
        const DomainPanic *panic = d->panics[i];
        json_object *props;

        switch (panic->model) {
        case DOMAIN_PANIC_MODEL_UNSET:
        case DOMAIN_PANIC_MODEL_ISA:
            if (qemu_require_type(cmd, "pvpanic", "a crash notifier") < 0)
                return -1;
            props = json_make(JSON_STR("driver", "pvpanic"));
            if (panic->info.address && panic->info.address->type == DOMAIN_ADDRESS_TYPE_ISA)
                qemu_add_uint(props, "ioport", panic->info.address->isa.iobase);
            qemu_arg_json(cmd, "-device", props);
            break;
        case DOMAIN_PANIC_MODEL_PVPANIC:
            if (qemu_require_type(cmd, "pvpanic-pci", "a crash notifier") < 0 ||
                qemu_arg_device(cmd, json_make(JSON_STR("driver", "pvpanic-pci"), JSON_STR("id", panic->info.alias)), &panic->info) < 0)
                return -1;
            break;
        case DOMAIN_PANIC_MODEL_HYPERV: /* a property of the CPU */
            break;
        case DOMAIN_PANIC_MODEL_PSERIES: /* a part of such machines, and the next */
            if (!g_str_has_prefix(cmd->def->os.machine, "pseries"))
                return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the crash notifier of model 'pseries' of domain '%s' needs a machine of that type",
                            cmd->def->name);
            break;
        case DOMAIN_PANIC_MODEL_S390:
            if (!g_str_equal(cmd->caps->arch, "s390x"))
                return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the crash notifier of model 's390' of domain '%s' needs the architecture 's390x'",
                            cmd->def->name);
            break;
        default:
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "crash notifiers of model '%s' are not supported yet",
                        domain_panic_model_to_string(panic->model));
        }
    }
    return 0;
}

static const char *tpm_driver(const QemuCommand *cmd, const DomainTpm *tpm)
{
    /* Without an ISA bus it is a device of the platform. */
    if (tpm->model == DOMAIN_TPM_MODEL_TPM_TIS && (g_str_equal(cmd->caps->arch, "aarch64") || g_str_equal(cmd->caps->arch, "armv7l")))
        return "tpm-tis-device";
    return domain_tpm_model_to_string(tpm->model ? tpm->model : DOMAIN_TPM_MODEL_TPM_TIS);
}

static int tpm_backend(QemuCommand *cmd, const DomainTpm *tpm, const char *id)
{
    const char *kind = tpm->backend.type == DOMAIN_TPM_BACKEND_TYPE_PASSTHROUGH ? "passthrough" : "emulator";
    g_autofree char *helper = qemu_tpm_helper(tpm), *own = qemu_helper_socket(cmd->options->dir, helper);
    const char *path = tpm->backend.type == DOMAIN_TPM_BACKEND_TYPE_EXTERNAL ? tpm->backend.source.path : own;
    g_autoptr(GString) text = g_string_new(NULL);

    if (!g_hash_table_contains(cmd->caps->tpm_types, kind))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' has no TPM backend '%s', which domain '%s' needs", cmd->caps->binary, kind,
                    cmd->def->name);
    if (tpm->backend.type == DOMAIN_TPM_BACKEND_TYPE_PASSTHROUGH) {
        qemu_escape(text, tpm->backend.device ? tpm->backend.device : "/dev/tpm0");
        qemu_arg_f(cmd, "-tpmdev", "passthrough,id=%s,path=%s", id, text->str);
        return 0;
    }
    if (!path)
        return FAIL(VIR_ERR_XML_ERROR, "the external TPM of domain '%s' has no <source path=>", cmd->def->name);
    qemu_escape(text, path);
    qemu_arg_f(cmd, "-chardev", "socket,id=chrtpm-%s,path=%s", tpm->info.alias, text->str);
    qemu_arg_f(cmd, "-tpmdev", "emulator,id=%s,chardev=chrtpm-%s", id, tpm->info.alias);
    return 0;
}

static int command_tpms(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;

    for (guint i = 0; i < d->n_tpms; i++) {
        const DomainTpm *tpm = d->tpms[i];
        const char *driver = tpm_driver(cmd, tpm);
        g_autofree char *id = g_strdup_printf("tpm-%s", tpm->info.alias);

        if (tpm->model == DOMAIN_TPM_MODEL_TPM_CRB && tpm->backend.version == DOMAIN_TPM_VERSION_1_2)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a TPM of model 'tpm-crb' is always of version 2.0 (domain '%s')", cmd->def->name);
        if (qemu_require_type(cmd, driver, "a TPM") < 0)
            return -1;
        /* A path through to the host's, for nested guests of POWER; it has no backend. */
        if (tpm->model == DOMAIN_TPM_MODEL_SPAPR_TPM_PROXY) {
            qemu_arg_json(cmd, "-device", json_make(JSON_STR("driver", driver), JSON_STR("id", tpm->info.alias),
                                                    JSON_STR("host-path", tpm->backend.device ? tpm->backend.device : "/dev/tpmrm0")));
            continue;
        }
        json_object *props = json_make(JSON_STR("driver", driver), JSON_STR("tpmdev", id), JSON_STR("id", tpm->info.alias));

        if (tpm_backend(cmd, tpm, id) < 0) {
            json_object_put(props);
            return -1;
        }
        if (qemu_arg_device(cmd, props, &tpm->info) < 0)
            return -1;
    }
    return 0;
}

/* It is on the board of such machines; only its place is told. */
static int command_nvram(QemuCommand *cmd)
{
    const DomainNvram *nvram = cmd->def->devices.nvram;
    const DomainAddress *address = nvram ? nvram->info.address : NULL;

    if (!nvram)
        return 0;
    if (qemu_require_type(cmd, "spapr-nvram", "nvram") < 0)
        return -1;
    if (address && address->type == DOMAIN_ADDRESS_TYPE_SPAPR_VIO && address->spapr_vio.has_reg)
        qemu_arg_f(cmd, "-global", "spapr-nvram.reg=0x%" G_GINT64_MODIFIER "x", address->spapr_vio.reg);
    return 0;
}

static int command_genid(QemuCommand *cmd)
{
    char guid[UUID_TEXT_SIZE];

    if (!cmd->def->has_genid)
        return 0;
    if (qemu_require_type(cmd, "vmgenid", "the generation of the virtual machine") < 0)
        return -1;
    qemu_arg_json(cmd, "-device", json_make(JSON_STR("driver", "vmgenid"), JSON_STR("guid", uuid_format(cmd->def->genid.value, guid)),
                                            JSON_STR("id", "vmgenid0")));
    return 0;
}

int qemu_command_misc(QemuCommand *cmd)
{
    if (command_tpms(cmd) < 0 || command_watchdogs(cmd) < 0 || qemu_command_redirdevs(cmd) < 0 || qemu_command_hostdevs(cmd) < 0 || command_balloon(cmd) < 0 ||
        command_rngs(cmd) < 0)
        return -1;
    if (command_nvram(cmd) < 0)
        return -1;
    if (cmd->def->features.has_vmcoreinfo && cmd->def->features.vmcoreinfo.state != TRISTATE_OFF)
        qemu_arg_json(cmd, "-device", json_make(JSON_STR("driver", "vmcoreinfo")));
    return command_genid(cmd);
}
