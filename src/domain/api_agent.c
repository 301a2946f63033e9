/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the guest's own system tells and does: by its agent, for most. These calls are queries: a guest that doesn't answer holds up
 * nobody but its callers.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/functions.h"

#define BACKEND(access) host_backend((access).obj->host)

#define begin_running(access, dom) begin_query(access, dom, __func__)

static int begin_query(Access *access, virDomainPtr dom, const char *api)
{
    return api_begin_job(access, dom, JOB_QUERY, api) < 0 ? -1 : api_need_active(access);
}

/* ---- file systems ---- */

int core_domain_get_fsinfo(virDomainPtr dom, virDomainFSInfoPtr **info, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    *info = NULL;
    return begin_running(&a, dom) < 0 ? -1 : GUEST_CALL(BACKEND(a)->agent_filesystems(a.state->guest, info));
}

int core_domain_fsfreeze(virDomainPtr dom, const char **mountpoints, unsigned int nmountpoints, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    return begin_running(&a, dom) < 0 ? -1
        : GUEST_CALL(BACKEND(a)->agent_freeze(a.state->guest, mountpoints, nmountpoints, TRUE));
}

int core_domain_fsthaw(virDomainPtr dom, const char **mountpoints, unsigned int nmountpoints, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    return begin_running(&a, dom) < 0 ? -1
        : GUEST_CALL(BACKEND(a)->agent_freeze(a.state->guest, mountpoints, nmountpoints, FALSE));
}

int core_domain_fstrim(virDomainPtr dom, const char *mount_point, unsigned long long minimum, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    return begin_running(&a, dom) < 0 ? -1 : GUEST_CALL(BACKEND(a)->agent_trim(a.state->guest, mount_point, minimum));
}

/* ---- time ---- */

int core_domain_get_time(virDomainPtr dom, long long *seconds, unsigned int *nseconds, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    long long s = 0;
    unsigned int ns = 0;
    if (begin_running(&a, dom) < 0 || GUEST_CALL(BACKEND(a)->agent_time(a.state->guest, &s, &ns)) < 0)
        return -1;
    if (seconds)
        *seconds = s;
    if (nseconds)
        *nseconds = ns;
    return 0;
}

int core_domain_set_time(virDomainPtr dom, long long seconds, unsigned int nseconds, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_TIME_SYNC, -1);
    g_auto(Access) a = { NULL };
    return begin_running(&a, dom) < 0 ? -1
        : GUEST_CALL(BACKEND(a)->agent_set_time(a.state->guest, seconds, nseconds, flags & VIR_DOMAIN_TIME_SYNC));
}

/* ---- users ---- */

int core_domain_set_user_password(virDomainPtr dom, const char *user, const char *password, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_PASSWORD_ENCRYPTED, -1);
    g_auto(Access) a = { NULL };
    return begin_running(&a, dom) < 0 ? -1
        : GUEST_CALL(BACKEND(a)->agent_password(a.state->guest, user, password, flags & VIR_DOMAIN_PASSWORD_ENCRYPTED));
}

int core_domain_authorized_sshkeys_get(virDomainPtr dom, const char *user, char ***keys, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    *keys = NULL;
    return begin_running(&a, dom) < 0 ? -1 : GUEST_CALL(BACKEND(a)->agent_keys(a.state->guest, user, keys));
}

int core_domain_authorized_sshkeys_set(virDomainPtr dom, const char *user, const char **keys, unsigned int nkeys,
                                        unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND | VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE, -1);
    g_auto(Access) a = { NULL };
    if (begin_running(&a, dom) < 0)
        return -1;
    gboolean append = flags & VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND, remove = flags & VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE;
    if (append && remove)
        return FAIL(VIR_ERR_INVALID_ARG, "keys are either added or removed");
    if ((append || remove) && nkeys == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "no keys are given");
    return GUEST_CALL(BACKEND(a)->agent_set_keys(a.state->guest, user, keys, nkeys, remove ? GUEST_KEYS_REMOVE
                                                 : append ? GUEST_KEYS_APPEND : GUEST_KEYS_REPLACE));
}

/* ---- network ---- */

int core_domain_interface_addresses(virDomainPtr dom, virDomainInterfacePtr **ifaces, unsigned int source,
                                    unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (source > VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP)
        return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "unknown source %u of interface addresses", source);
    *ifaces = NULL;
    return begin_running(&a, dom) < 0 ? -1
        : GUEST_CALL(BACKEND(a)->addresses(a.state->guest, shared_def_get(a.state->live), source, ifaces));
}

/* ---- all in one ---- */

static int list_hostname(Access *a, TypedList *list)
{
    g_autofree char *name = GUEST_CALL(BACKEND(*a)->agent_hostname(a->state->guest));
    if (name)
        typed_list_string(list, "hostname", name);
    return name ? 0 : -1;
}

static int list_filesystems(Access *a, TypedList *list)
{
    virDomainFSInfoPtr *info = NULL;
    int n = GUEST_CALL(BACKEND(*a)->agent_filesystems(a->state->guest, &info));
    if (n >= 0)
        typed_list_uint(list, "fs.count", (unsigned int) n);
    for (int i = 0; i < n; i++) {
        typed_list_string_f(list, info[i]->mountpoint, "fs.%d.mountpoint", i);
        typed_list_string_f(list, info[i]->name, "fs.%d.name", i);
        typed_list_string_f(list, info[i]->fstype, "fs.%d.fstype", i);
        typed_list_uint_f(list, (unsigned int) info[i]->ndevAlias, "fs.%d.disk.count", i);
        for (size_t j = 0; j < info[i]->ndevAlias; j++)
            typed_list_string_f(list, info[i]->devAlias[j], "fs.%d.disk.%zu.alias", i, j);
        virDomainFSInfoFree(info[i]);
    }
    g_free(info);
    return n < 0 ? -1 : 0;
}

static int list_interfaces(Access *a, TypedList *list)
{
    virDomainInterfacePtr *ifaces = NULL;
    int n = GUEST_CALL(BACKEND(*a)->addresses(a->state->guest, shared_def_get(a->state->live),
                                              VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, &ifaces));
    if (n >= 0)
        typed_list_uint(list, "if.count", (unsigned int) n);
    for (int i = 0; i < n; i++) {
        typed_list_string_f(list, ifaces[i]->name, "if.%d.name", i);
        if (ifaces[i]->hwaddr)
            typed_list_string_f(list, ifaces[i]->hwaddr, "if.%d.hwaddr", i);
        typed_list_uint_f(list, ifaces[i]->naddrs, "if.%d.addr.count", i);
        for (unsigned int j = 0; j < ifaces[i]->naddrs; j++) {
            const virDomainIPAddress *ip = &ifaces[i]->addrs[j];
            typed_list_string_f(list, ip->type == VIR_IP_ADDR_TYPE_IPV6 ? "ipv6" : "ipv4", "if.%d.addr.%u.type", i, j);
            typed_list_string_f(list, ip->addr, "if.%d.addr.%u.addr", i, j);
            typed_list_uint_f(list, ip->prefix, "if.%d.addr.%u.prefix", i, j);
        }
        virDomainInterfaceFree(ifaces[i]);
    }
    g_free(ifaces);
    return n < 0 ? -1 : 0;
}

/* What a hypervisor can be asked for. */
static unsigned int info_types(const DomainBackend *backend)
{
    return (backend->agent_info ? backend->agent_info_types : 0) |
        (backend->agent_hostname ? VIR_DOMAIN_GUEST_INFO_HOSTNAME : 0) |
        (backend->agent_filesystems ? VIR_DOMAIN_GUEST_INFO_FILESYSTEM : 0) |
        (backend->addresses ? VIR_DOMAIN_GUEST_INFO_INTERFACES : 0);
}

static int list_info(Access *a, unsigned int type, TypedList *list)
{
    if (type == VIR_DOMAIN_GUEST_INFO_HOSTNAME)
        return list_hostname(a, list);
    if (type == VIR_DOMAIN_GUEST_INFO_FILESYSTEM)
        return list_filesystems(a, list);
    if (type == VIR_DOMAIN_GUEST_INFO_INTERFACES)
        return list_interfaces(a, list);
    return GUEST_CALL(BACKEND(*a)->agent_info(a->state->guest, type, list));
}

int core_domain_get_guest_info(virDomainPtr dom, unsigned int types, virTypedParameterPtr *params, int *nparams,
                               unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    TypedList list = { NULL };
    if (begin_running(&a, dom) < 0)
        return -1;
    unsigned int there = info_types(BACKEND(a)), wanted = types ? types : there;
    if (types & ~there)
        return FAIL(VIR_ERR_INVALID_ARG, "information 0x%x of the guest is not supported for domain '%s'", types & ~there, API_NAME(&a));
    for (unsigned int type = 1; wanted; type <<= 1) {
        if (!(wanted & type))
            continue;
        wanted &= ~type;
        if (list_info(&a, type, &list) == 0)
            continue;
        if (types == 0 && virGetLastErrorCode() == VIR_ERR_OPERATION_UNSUPPORTED) { /* all means all that this guest has */
            virResetLastError();
            continue;
        }
        typed_list_clear(&list);
        return -1;
    }
    *params = typed_list_steal(&list, nparams);
    return 0;
}

int core_domain_agent_set_response_timeout(virDomainPtr dom, int timeout, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    if (timeout < VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK)
        return FAIL(VIR_ERR_INVALID_ARG, "%d is neither a number of seconds nor one of -2 (block), -1 (default), 0 (don't wait)", timeout);
    return api_need_active(&a) < 0 ? -1 : BACKEND(a)->agent_timeout(a.state->guest, timeout);
}

/* ---- sleep, and signals ---- */

int core_domain_pm_suspend_for_duration(virDomainPtr dom, unsigned int target, unsigned long long duration,
                                        unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainPMSuspendForDuration") < 0 || api_need_active(&a) < 0)
        return -1;
    if (duration)
        return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "a sleep of a certain duration is not supported; use 0");
    if (target > VIR_NODE_SUSPEND_TARGET_HYBRID)
        return FAIL(VIR_ERR_INVALID_ARG, "unknown kind %u of sleep", target);
    return GUEST_CALL(BACKEND(a)->agent_sleep(a.state->guest, target));
}

int core_domain_pm_wakeup(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainPMWakeup") < 0 || api_need_active(&a) < 0)
        return -1;
    if (a.state->state != VIR_DOMAIN_PMSUSPENDED)
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' doesn't sleep", API_NAME(&a));
    return GUEST_CALL(BACKEND(a)->wake(a.state->guest));
}

int core_domain_send_process_signal(virDomainPtr dom, long long pid_value, unsigned int signum, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    if (signum > VIR_DOMAIN_PROCESS_SIGNAL_RT32)
        return FAIL(VIR_ERR_INVALID_ARG, "signum value %u is out of range", signum);
    return api_need_active(&a) < 0 ? -1 : GUEST_CALL(BACKEND(a)->send_signal(a.state->guest, pid_value, signum));
}
