/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guests whose memory the host can't read: AMD's SEV and SEV-SNP, Intel's TDX, Protected Virtualization of s390x.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/command_secret.h"
#include "drivers/qemu/domcaps.h"

#define OBJECT "lsec0"

/* What each kind needs of QEMU and of the host. */
static const struct {
    const char *type, *device, *has;
} kinds[LAUNCH_SECURITY_TYPE_LAST] = {
    [LAUNCH_SECURITY_TYPE_SEV] = { "sev-guest", "/dev/sev", "AMD's SEV" },
    [LAUNCH_SECURITY_TYPE_SEV_SNP] = { "sev-snp-guest", "/dev/sev", "AMD's SEV-SNP" },
    [LAUNCH_SECURITY_TYPE_S390_PV] = { "s390-pv-guest", "/sys/firmware/uv", "Protected Virtualization" },
    [LAUNCH_SECURITY_TYPE_TDX] = { "tdx-guest", "/sys/module/kvm_intel/parameters/tdx", "Intel's TDX" },
};

static void add_text(json_object *props, const char *name, const char *text)
{
    if (text)
        json_add(props, JSON_STR(name, text));
}

/* QEMU takes such a text from a file. */
static int add_file(QemuCommand *cmd, json_object *props, const char *name, const char *text)
{
    g_autofree char *path = text ? qemu_file_in_memory(cmd, name, (const guint8 *)text, strlen(text)) : NULL;

    add_text(props, name, path);
    return text && !path ? -1 : 0;
}

static int add_sev(QemuCommand *cmd, json_object *props, const DomainLaunchSecurity *sec)
{
    const QemuCaps *caps = cmd->caps;

    /* Where a page says that it is encrypted is the processor's business: as this host has it. */
    if ((!caps->sev && (!sec->has_cbitpos || !sec->has_reduced_phys_bits)) || !sec->has_policy)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "<launchSecurity> of domain '%s' needs <cbitpos>, <reducedPhysBits> ('virsh nodesevinfo' "
                    "tells both) and <policy>", cmd->def->name);
    qemu_add_uint(props, "cbitpos", sec->has_cbitpos ? sec->cbitpos : qemu_sev_number(caps, QEMU_SEV_CBITPOS));
    qemu_add_uint(props, "reduced-phys-bits", sec->has_reduced_phys_bits ? sec->reduced_phys_bits :
                                                                           qemu_sev_number(caps, QEMU_SEV_REDUCED_PHYS_BITS));
    qemu_add_uint(props, "policy", sec->policy);
    qemu_add_switch(props, "kernel-hashes", sec->kernel_hashes);
    return add_file(cmd, props, "dh-cert-file", sec->dh_cert) < 0 ? -1 : add_file(cmd, props, "session-file", sec->session);
}

static void add_snp(json_object *props, const DomainLaunchSecurity *sec)
{
    qemu_add_switch(props, "author-key-enabled", sec->author_key);
    if (sec->vcek)
        json_add(props, JSON_BOOL("vcek-disabled", sec->vcek == TRISTATE_NO));
    add_text(props, "guest-visible-workarounds", sec->guest_visible_workarounds);
    add_text(props, "id-block", sec->id_block);
    add_text(props, "id-auth", sec->id_auth);
    add_text(props, "host-data", sec->host_data);
}

static void add_tdx(json_object *props, const DomainLaunchSecurity *sec)
{
    if (sec->has_policy)
        qemu_add_uint(props, "attributes", sec->policy);
    add_text(props, "mrconfigid", sec->mr_config_id);
    add_text(props, "mrowner", sec->mr_owner);
    add_text(props, "mrownerconfig", sec->mr_owner_config);
    if (sec->has_quote_generation_service)
        json_object_object_add(props, "quote-generation-socket", json_make(JSON_STR("type", "unix"), JSON_STR("path",
                               sec->quote_generation_service.path ? sec->quote_generation_service.path : "/var/run/tdx-qgs/qgs.socket")));
}

const char *qemu_launch_object(const DomainDef *def)
{
    return def->launch_security ? OBJECT : NULL;
}

int qemu_command_launch_security(QemuCommand *cmd)
{
    const DomainLaunchSecurity *sec = cmd->def->launch_security;
    g_autofree char *what = g_strdup_printf("<launchSecurity> of domain '%s'", cmd->def->name);
    int rc = 0;

    if (!sec)
        return 0;
    if (qemu_require_type(cmd, kinds[sec->type].type, what) < 0)
        return -1;
    if (cmd->def->type != DOMAIN_VIRT_TYPE_KVM)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s needs %s, which emulation doesn't have: it needs type='kvm'", what, kinds[sec->type].has);
    if (!cmd->options->dry_run && access(kinds[sec->type].device, F_OK) < 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s needs %s, which this host doesn't have (there is no '%s')", what, kinds[sec->type].has,
                    kinds[sec->type].device);
    json_object *props = json_make(JSON_STR("qom-type", kinds[sec->type].type), JSON_STR("id", OBJECT));

    if (sec->type == LAUNCH_SECURITY_TYPE_SEV || sec->type == LAUNCH_SECURITY_TYPE_SEV_SNP)
        rc = add_sev(cmd, props, sec);
    if (sec->type == LAUNCH_SECURITY_TYPE_SEV_SNP)
        add_snp(props, sec);
    if (sec->type == LAUNCH_SECURITY_TYPE_TDX)
        add_tdx(props, sec);
    if (rc < 0) {
        json_object_put(props);
        return -1;
    }
    qemu_arg_json(cmd, "-object", props);
    return 0;
}

/* ---- while it runs ---- */

static guint32 bounded(json_object *object, const char *name)
{
    return (guint32)CLAMP(json_member_int(object, name, 0), 0, G_MAXUINT32);
}

int qemu_backend_launch_info(Guest *guest, const DomainDef *def, TypedList *list)
{
    g_autoptr(json_object) sev = NULL, measure = NULL;
    const char *data;

    if (qemu_guest_call(guest, "query-sev", NULL, &sev) < 0)
        return -1;
    /* The firmware of SEV-SNP proves its launch to its guest alone. */
    if (def->launch_security->type == LAUNCH_SECURITY_TYPE_SEV && qemu_guest_call(guest, "query-sev-launch-measure", NULL, &measure) < 0)
        return -1;
    data = json_member_string(measure, "data");
    if (measure && !data)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "QEMU of domain '%s' doesn't tell the measurement of its launch", guest->name);
    if (data)
        typed_list_string(list, VIR_DOMAIN_LAUNCH_SECURITY_SEV_MEASUREMENT, data);
    typed_list_uint(list, VIR_DOMAIN_LAUNCH_SECURITY_SEV_API_MAJOR, bounded(sev, "api-major"));
    typed_list_uint(list, VIR_DOMAIN_LAUNCH_SECURITY_SEV_API_MINOR, bounded(sev, "api-minor"));
    typed_list_uint(list, VIR_DOMAIN_LAUNCH_SECURITY_SEV_BUILD_ID, bounded(sev, "build-id"));
    if (def->launch_security->type == LAUNCH_SECURITY_TYPE_SEV)
        typed_list_uint(list, VIR_DOMAIN_LAUNCH_SECURITY_SEV_POLICY, bounded(sev, "policy"));
    else
        typed_list_ullong(list, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SNP_POLICY,
                          (unsigned long long)MAX(json_member_int(sev, "snp-policy", 0), 0));
    return 0;
}

int qemu_backend_launch_secret(Guest *guest, const LaunchSecret *secret)
{
    json_object *args = json_make(JSON_STR("packet-header", secret->header), JSON_STR("secret", secret->value));

    if (secret->has_address)
        json_add(args, JSON_UINT("gpa", secret->address));
    return qemu_guest_call(guest, "sev-inject-launch-secret", args, NULL);
}
