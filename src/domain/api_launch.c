/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guests whose memory the host can't read: what proves how they were launched, and the secret that they get in turn.
 */
#define ERROR_DOMAIN api_error_domain
#include "base/typed_param.h"
#include "domain/api.h"
#include "domain/functions.h"

/* As Base64 text; a page and its header at most are taken. */
#define SECRET_MAX (16 * 1024)

static gboolean is_sev(const DomainDef *def)
{
    return def->launch_security && (def->launch_security->type == LAUNCH_SECURITY_TYPE_SEV ||
                                    def->launch_security->type == LAUNCH_SECURITY_TYPE_SEV_SNP);
}

int core_domain_get_launch_security_info(virDomainPtr dom, virTypedParameterPtr *params, int *nparams, unsigned int flags)
{
    API_FLAGS(flags, VIR_TYPED_PARAM_STRING_OKAY, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_QUERY, "virDomainGetLaunchSecurityInfo") < 0)
        return -1;
    g_autoptr(SharedDef) shared = domain_current_def(a.obj, a.state);
    TypedList list = { NULL };
    if (!shared)
        return -1;
    if (is_sev(shared_def_get(shared))) {
        if (api_need_active(&a) < 0)
            return -1;
        if (GUEST_CALL(host_backend(a.obj->host)->launch_info(a.state->guest, shared_def_get(shared), &list)) < 0) {
            typed_list_clear(&list);
            return -1;
        }
    }
    *params = typed_list_steal(&list, nparams);
    return 0;
}

/* The values by name; those that aren't there stay as they are. */
static int read_secret(virTypedParameterPtr params, int n, LaunchSecret *secret)
{
    static const TypedRule rules[] = {
        { VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_HEADER, VIR_TYPED_PARAM_STRING, FALSE },
        { VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET, VIR_TYPED_PARAM_STRING, FALSE },
        { VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_SET_ADDRESS, VIR_TYPED_PARAM_ULLONG, FALSE }, { NULL },
    };
    if (typed_params_check(params, n, rules) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        if (params[i].type == VIR_TYPED_PARAM_ULLONG) {
            secret->has_address = TRUE;
            secret->address = params[i].value.ul;
        } else if (strlen(params[i].value.s) > SECRET_MAX) {
            return FAIL(VIR_ERR_INVALID_ARG, "parameter '%s' is longer than %d bytes", params[i].field, SECRET_MAX);
        } else if (g_str_equal(params[i].field, VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET)) {
            secret->value = params[i].value.s;
        } else {
            secret->header = params[i].value.s;
        }
    }
    return 0;
}

int core_domain_set_launch_security_state(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, VIR_TYPED_PARAM_STRING_OKAY, -1);
    g_auto(Access) a = { NULL };
    LaunchSecret secret = { NULL };
    if (read_secret(params, nparams, &secret) < 0 || api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetLaunchSecurityState") < 0)
        return -1;
    g_autoptr(SharedDef) shared = domain_current_def(a.obj, a.state);
    if (!shared)
        return -1;
    if (!is_sev(shared_def_get(shared)))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' can't be given a launch secret: it has no <launchSecurity> of type 'sev'",
                    API_NAME(&a));
    if (!secret.header || !secret.value)
        return FAIL(VIR_ERR_INVALID_ARG, "a launch secret is both '%s' and '%s'", VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_HEADER,
                    VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET);
    if (api_need_active(&a) < 0)
        return -1;
    if (a.state->state != VIR_DOMAIN_PAUSED)
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' runs already: a launch secret is given while it is paused ('virsh start --paused')",
                    API_NAME(&a));
    return GUEST_CALL(host_backend(a.obj->host)->launch_secret(a.state->guest, &secret));
}
