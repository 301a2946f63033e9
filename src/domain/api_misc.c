/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Talking to a running guest: keys, screen, consoles, monitor, agent.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/fd_groups.h"
#include "core/fd_stream.h"
#include "domain/console.h"
#include "domain/find.h"
#include "domain/functions.h"
#include "domain/taint.h"
#include <libvirt/libvirt-qemu.h>
#include <sys/socket.h>
#include <unistd.h>

int core_domain_send_key(virDomainPtr dom, unsigned int codeset, unsigned int holdtime, unsigned int *keycodes,
                         int nkeycodes, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (nkeycodes > VIR_DOMAIN_SEND_KEY_MAX_KEYS)
        return FAIL(VIR_ERR_INVALID_ARG, "nkeycodes must be <= %d", VIR_DOMAIN_SEND_KEY_MAX_KEYS);
    if (api_begin_job(&a, dom, JOB_QUERY, "virDomainSendKey") < 0 || api_need_active(&a) < 0)
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->send_key(a.state->guest, codeset, holdtime, keycodes, nkeycodes));
}

int core_domain_inject_nmi(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_QUERY, "virDomainInjectNMI") < 0 || api_need_active(&a) < 0)
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->inject_nmi(a.state->guest));
}

int core_domain_fd_associate(virDomainPtr dom, const char *name, unsigned int nfds, int *fds, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE | VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    connect_add_fd_user(dom->o.conn, a.obj);
    return fd_groups_put(a.obj, name, fds, nfds, connect_fd_owner(dom->o.conn));
}

int core_domain_start_dirty_rate_calc(virDomainPtr dom, int seconds, unsigned int flags)
{
    const unsigned int modes = VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP | VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING;
    API_FLAGS(flags, modes, -1);
    g_auto(Access) a = { NULL };
    if ((flags & modes) == modes)
        return FAIL(VIR_ERR_INVALID_ARG, "the dirty rate is measured by the dirty bitmap or the dirty ring, not by both");
    if (seconds < 1 || seconds > 60)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "seconds=%d is invalid, please choose a value within [1, 60]", seconds);
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainStartDirtyRateCalc") < 0 || api_need_active(&a) < 0)
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->dirty_rate(a.state->guest, shared_def_get(a.state->live), (unsigned int) seconds,
                                                            flags));
}

char *core_domain_screenshot(virDomainPtr dom, virStreamPtr stream, unsigned int screen, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    g_auto(Access) a = { NULL };
    g_autofree char *mime = NULL;
    if (api_begin_job(&a, dom, JOB_QUERY, "virDomainScreenshot") < 0 || api_need_active(&a) < 0)
        return NULL;
    int fd = GUEST_CALL(host_backend(a.obj->host)->screenshot(a.state->guest, shared_def_get(a.state->live), screen,
                                                              &mime));
    if (fd < 0 || fd_stream_open(stream, fd, NULL, NULL) < 0)
        return NULL;
    return g_steal_pointer(&mime);
}

static int open_device(virDomainPtr dom, const char *name, virStreamPtr stream, gboolean force, gboolean channel)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    Guest *guest = a.state->guest;
    g_autofree char *key = g_strdup_printf("%s:%s", channel ? "channel" : "console", name ? name : "");
    if (console_check(guest, key, force) < 0)
        return -1;
    int fd = GUEST_CALL(host_backend(a.obj->host)->open_console(guest, shared_def_get(a.state->live), name, channel));
    return fd < 0 ? -1 : console_attach(guest, key, stream, fd, force);
}

int core_domain_open_console(virDomainPtr dom, const char *name, virStreamPtr stream, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_CONSOLE_SAFE | VIR_DOMAIN_CONSOLE_FORCE, -1);
    return open_device(dom, name, stream, flags & VIR_DOMAIN_CONSOLE_FORCE, FALSE);
}

int core_domain_open_channel(virDomainPtr dom, const char *name, virStreamPtr stream, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_CHANNEL_FORCE, -1);
    return open_device(dom, name, stream, flags & VIR_DOMAIN_CHANNEL_FORCE, TRUE);
}

static int open_graphics(virDomainPtr dom, unsigned int idx, int fd, unsigned int flags)
{
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_QUERY, "virDomainOpenGraphics") < 0 || api_need_active(&a) < 0)
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->open_graphics(a.state->guest, shared_def_get(a.state->live), idx, fd,
                                                               (flags & VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH) != 0));
}

int core_domain_open_graphics(virDomainPtr dom, unsigned int idx, int fd, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH, -1);
    return open_graphics(dom, idx, fd, flags);
}

int core_domain_open_graphics_fd(virDomainPtr dom, unsigned int idx, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH, -1);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return FAIL_ERRNO(errno, "cannot make a socket for the display of domain '%s'", dom->name);
    int rc = open_graphics(dom, idx, pair[1], flags);
    close(pair[1]);
    if (rc == 0)
        return pair[0];
    close(pair[0]);
    return -1;
}

int core_domain_graphics_reload(virDomainPtr dom, unsigned int type, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (type > VIR_DOMAIN_GRAPHICS_RELOAD_TYPE_VNC)
        return FAIL(VIR_ERR_INVALID_ARG, "unknown type %u of displays", type);
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainGraphicsReload") < 0 || api_need_active(&a) < 0)
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->reload_graphics(a.state->guest, shared_def_get(a.state->live), type));
}

/* More than any switch needs; QEMU's own bounds are wider. */
#define ANNOUNCE_MAX_MS 100000
#define ANNOUNCE_MAX_ROUNDS 1000

/* Any type of a whole number does. */
static int read_announce(virTypedParameterPtr params, int n, GuestAnnounce *how)
{
    const struct {
        const char *name;
        unsigned long long *place, most;
    } known[] = {
        { VIR_DOMAIN_ANNOUNCE_INTERFACE_INITIAL, &how->initial, ANNOUNCE_MAX_MS },
        { VIR_DOMAIN_ANNOUNCE_INTERFACE_MAX, &how->max, ANNOUNCE_MAX_MS },
        { VIR_DOMAIN_ANNOUNCE_INTERFACE_ROUNDS, &how->rounds, ANNOUNCE_MAX_ROUNDS },
        { VIR_DOMAIN_ANNOUNCE_INTERFACE_STEP, &how->step, ANNOUNCE_MAX_MS },
    };
    for (int i = 0; i < n; i++) {
        const virTypedParameterPtr p = &params[i];
        gsize k = 0;
        while (k < G_N_ELEMENTS(known) && !g_str_equal(known[k].name, p->field))
            k++;
        if (k == G_N_ELEMENTS(known))
            return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported", p->field);
        unsigned long long value = p->type == VIR_TYPED_PARAM_UINT ? p->value.ui : p->type == VIR_TYPED_PARAM_ULLONG ? p->value.ul
            : p->type == VIR_TYPED_PARAM_INT && p->value.i >= 0 ? (unsigned int)p->value.i
            : p->type == VIR_TYPED_PARAM_LLONG && p->value.l >= 0 ? (unsigned long long)p->value.l : G_MAXUINT64;
        if (value == 0 || value > known[k].most)
            return FAIL(VIR_ERR_INVALID_ARG, "parameter '%s' must be a number from 1 to %llu", p->field, known[k].most);
        *known[k].place = value;
    }
    return 0;
}

int core_domain_announce_interface(virDomainPtr dom, const char *device, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    GuestAnnounce how = { 0 };
    const DomainInterface *card = NULL;
    if (read_announce(params, nparams, &how) < 0 || api_begin_job(&a, dom, JOB_QUERY, "virDomainAnnounceInterface") < 0 ||
        api_need_active(&a) < 0)
        return -1;
    if (device && !(card = find_interface(shared_def_get(a.state->live), device)))
        return -1;
    return GUEST_CALL(host_backend(a.obj->host)->announce(a.state->guest, card, &how));
}

int core_domain_qemu_monitor_command_with_files(virDomainPtr dom, const char *cmd, unsigned int ninfiles, int *infiles,
                                                unsigned int *noutfiles, int **outfiles, char **result,
                                                unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP, -1);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_QUERY, "virDomainQemuMonitorCommand") < 0 || api_need_active(&a) < 0)
        return -1;
    if (noutfiles) {
        *noutfiles = 0;
        *outfiles = NULL;
    }
    guest_taint(a.state->guest, TAINT_CUSTOM_MONITOR);
    return GUEST_CALL(host_backend(a.obj->host)->monitor_command(a.state->guest, cmd,
        (flags & VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) != 0, infiles, ninfiles, result));
}

int core_domain_qemu_monitor_command(virDomainPtr dom, const char *cmd, char **result, unsigned int flags)
{
    return core_domain_qemu_monitor_command_with_files(dom, cmd, 0, NULL, NULL, NULL, result, flags);
}

/* The agent's calls are queries: a guest that doesn't answer holds up nobody but its callers. */
char *core_domain_qemu_agent_command(virDomainPtr dom, const char *cmd, int timeout, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_QUERY, __func__) < 0 || api_need_active(&a) < 0)
        return NULL;
    guest_taint(a.state->guest, TAINT_CUSTOM_GA_COMMAND);
    return GUEST_CALL(host_backend(a.obj->host)->agent_command(a.state->guest, cmd, timeout));
}

char *core_domain_get_hostname(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_GET_HOSTNAME_LEASE | VIR_DOMAIN_GET_HOSTNAME_AGENT, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin_job(&a, dom, JOB_QUERY, __func__) < 0 || api_need_active(&a) < 0)
        return NULL;
    if (flags & VIR_DOMAIN_GET_HOSTNAME_LEASE)
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "host name of domain '%s' by DHCP lease; '--source agent' asks the guest",
                         API_NAME(&a));
    return GUEST_CALL(host_backend(a.obj->host)->agent_hostname(a.state->guest));
}

/* ---- native formats ---- */

char *core_connect_domain_xml_to_native(virConnectPtr conn, const char *format, const char *xml, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    DomainHost *host = api_host(conn);
    g_autoptr(DomainDef) def = definition_parse(host, xml, FALSE);
    return def ? GUEST_CALL(host_backend(host)->to_native(host, format, def)) : NULL;
}

char *core_connect_domain_xml_from_native(virConnectPtr conn, const char *format, const char *config,
                                          unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    DomainHost *host = api_host(conn);
    return GUEST_CALL(host_backend(host)->from_native(host, format, config));
}
