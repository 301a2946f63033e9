/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains: waiting until something is so. A condition is looked at once, and again after each event that may have
 * changed it; what no event tells of, and a connection that was lost, is found by looking now and then.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

typedef struct {
    const char *name; /* of the condition for await, of the option for wait */
    const char *what; /* "domain 'x' isn't ..." */
    int events[2];    /* VIR_DOMAIN_EVENT_ID_*, or -1 */
    int pause;        /* seconds between two looks without an event */
    /* 1: it is so, 0: not yet, -1: it can't be asked. `value` is the option's. */
    int (*check)(Shell *shell, virDomainPtr domain, const char *value);
} Condition;

/* --- conditions --- */

static int check_inactive(Shell *shell, virDomainPtr domain, const char *value)
{
    int active = virDomainIsActive(domain);

    if (active < 0 && client_error_code() == VIR_ERR_NO_DOMAIN) { /* a transient one is gone */
        client_error_forget();
        return 1;
    }
    return active < 0 ? -1 : !active;
}

static int check_agent(Shell *shell, virDomainPtr domain, const char *value)
{
    g_autoptr(xmlDoc) doc = virsh_domain_doc(shell, domain, 0);
    g_autofree char *state = NULL;

    if (!doc)
        return -1;
    state = virsh_xpath_string(doc, NULL,
                               "string(/domain/devices/channel/target[@name='org.qemu.guest_agent.0']/@state)");
    return g_str_equal(state, "connected");
}

static int check_state(Shell *shell, virDomainPtr domain, const char *value)
{
    int state = 0, reason;

    if (virDomainGetState(domain, &state, &reason, 0) < 0) {
        if (client_error_code() != VIR_ERR_NO_DOMAIN)
            return -1;
        client_error_forget();
        state = VIR_DOMAIN_SHUTOFF;
    }
    return g_str_equal(virsh_domain_state(state), value);
}

static int check_job(Shell *shell, virDomainPtr domain, const char *value)
{
    virDomainJobInfo info;

    if (virDomainGetJobInfo(domain, &info) < 0) {
        if (client_error_code() != VIR_ERR_OPERATION_INVALID)
            return -1;
        client_error_forget(); /* one that is off has none */
        return 1;
    }
    return info.type != VIR_DOMAIN_JOB_BOUNDED && info.type != VIR_DOMAIN_JOB_UNBOUNDED;
}

/* Prints the first address that isn't the guest's own loopback or link's; false if there is none. */
static bool print_address(Shell *shell, virDomainInterfacePtr *interfaces, int count)
{
    bool found = false;

    for (int i = 0; i < count; i++) {
        for (unsigned int k = 0; k < interfaces[i]->naddrs && !found; k++) {
            const char *address = interfaces[i]->addrs[k].addr;

            if (g_str_has_prefix(address, "127.") || g_str_equal(address, "::1") || g_str_has_prefix(address, "fe80:"))
                continue;
            shell_print(shell, "%s\n", address);
            found = true;
        }
        virDomainInterfaceFree(interfaces[i]);
    }
    free(interfaces);
    return found;
}

static int check_ip(Shell *shell, virDomainPtr domain, const char *value)
{
    static const int sources[] = {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
                                  VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP};

    if (virDomainIsActive(domain) != 1) {
        if (!client_error_code())
            shell_error(shell, "domain '%s' is not running", virDomainGetName(domain));
        return -1;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        virDomainInterfacePtr *interfaces = NULL;
        int count = virDomainInterfaceAddresses(domain, &interfaces, sources[i], 0);

        client_error_forget(); /* no agent, no lease: another may know */
        if (count > 0 && print_address(shell, interfaces, count))
            return 1;
    }
    return 0;
}

static int check_address(Shell *shell, virDomainPtr domain, const char *value)
{
    return virsh_has_address(shell, domain, value);
}

/* --- waiting --- */

static void wait_free(void *opaque)
{
    virsh_wait_free(opaque);
}

/* lifecycle and agent-lifecycle */
static void on_change(virConnectPtr conn, virDomainPtr domain, int first, int second, void *opaque)
{
    virsh_wait_wake(opaque);
}

static void on_job(virConnectPtr conn, virDomainPtr domain, virTypedParameterPtr params, int count, void *opaque)
{
    virsh_wait_wake(opaque);
}

static int add_event(virDomainPtr domain, int id, VirshWait *wait)
{
    void *callback = id == VIR_DOMAIN_EVENT_ID_JOB_COMPLETED ? (void *)on_job : (void *)on_change;
    int number = virConnectDomainEventRegisterAny(virDomainGetConnect(domain), domain, id,
                                                  (virConnectDomainEventGenericCallback)callback, virsh_wait_ref(wait),
                                                  wait_free);

    if (number < 0) {
        virsh_wait_free(wait);
        client_error_forget(); /* a driver without such events: looking now and then finds it */
    }
    return number;
}

/* Until it is so, the end comes (-1: never), or ^C. */
static bool wait_loop(Shell *shell, virDomainPtr domain, const Condition *condition, const char *value, VirshWait *wait,
                      gint64 end)
{
    for (;;) {
        gint64 now, look;
        int rc = condition->check(shell, domain, value);

        if (rc)
            return rc > 0;
        now = g_get_monotonic_time();
        if (end >= 0 && now >= end)
            return shell_error(shell, "timed out: domain '%s' %s%s", virDomainGetName(domain), condition->what,
                               value ? value : "");
        look = now + condition->pause * G_TIME_SPAN_SECOND;
        if (virsh_wait_until(wait, end < 0 ? look : MIN(look, end)) == VIRSH_INTERRUPTED)
            return shell_error(shell, "interrupted: domain '%s' %s%s", virDomainGetName(domain), condition->what,
                               value ? value : "");
    }
}

static bool wait_for(Shell *shell, const Cmd *cmd, const Condition *condition, const char *value)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int numbers[G_N_ELEMENTS(condition->events)];
    int milliseconds = 0;
    VirshWait *wait;
    bool done;

    if (!domain || cmd_timeout(shell, cmd, &milliseconds) < 0)
        return false;
    wait = virsh_wait_new();
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        numbers[i] = condition->events[i] < 0 ? -1 : add_event(domain, condition->events[i], wait);
    done = wait_loop(shell, domain, condition, value, wait,
                     milliseconds ? g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND : -1);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (numbers[i] >= 0)
            virConnectDomainEventDeregisterAny(virsh_conn(shell), numbers[i]);
    }
    virsh_wait_free(wait);
    return done;
}

enum { LOOK = 5 }; /* seconds, where events tell */

bool virsh_wait_for_address(Shell *shell, const Cmd *cmd, const char *wanted)
{
    const Condition condition = {NULL, wanted ? "has no address on interface " : "has no address",
                                 {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE}, 1, check_address};

    return wait_for(shell, cmd, &condition, wanted);
}

bool cmd_await(Shell *shell, const Cmd *cmd)
{
    static const Condition conditions[] = {
        {"domain-inactive", "is still active", {VIR_DOMAIN_EVENT_ID_LIFECYCLE, -1}, LOOK, check_inactive},
        {"guest-agent-available", "has no guest agent that answers",
         {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_ID_LIFECYCLE}, LOOK, check_agent},
    };
    const char *name = NULL;

    if (cmd_string(shell, cmd, "condition", &name) <= 0)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++) {
        if (g_str_equal(conditions[i].name, name))
            return wait_for(shell, cmd, &conditions[i], NULL);
    }
    return shell_error(shell, "unknown condition '%s', expecting 'domain-inactive' or 'guest-agent-available'", name);
}

bool cmd_wait(Shell *shell, const Cmd *cmd)
{
    static const Condition conditions[] = {
        {"state", "is not ", {VIR_DOMAIN_EVENT_ID_LIFECYCLE, -1}, LOOK, check_state},
        {"ip", "has no address", {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE}, 1, check_ip},
        {"agent", "has no guest agent that answers",
         {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_ID_LIFECYCLE}, LOOK, check_agent},
        {"job", "still has a job", {VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_ID_LIFECYCLE}, 1, check_job},
    };
    static const char *const states[] = {"running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended",
                                         NULL};
    const char *state = NULL;

    if (cmd_string(shell, cmd, "state", &state) < 0)
        return false;
    if (g_strcmp0(state, "shutoff") == 0)
        state = "shut off";
    if (state && !g_strv_contains(states, state)) {
        g_autofree char *known = g_strjoinv("', '", (char **)states);

        return shell_error(shell, "unknown state '%s', expecting one of '%s'", state, known);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++) {
        if (cmd_has(cmd, conditions[i].name))
            return wait_for(shell, cmd, &conditions[i], state);
    }
    return shell_error(shell, "one of --state, --ip, --agent or --job is required");
}
