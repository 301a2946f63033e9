/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Commands to a running guest.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "domain/params.h"
#include "drivers/qemu/keycodes.h"
#include "drivers/qemu/tap.h"
#include "drivers/qemu/threads.h"
#include "drivers/qemu/tuning.h"
#include "drivers/qemu/throttle.h"

/* Longest that the guest may take to answer its agent's shutdown call. */
#define AGENT_SHUTDOWN_MS 30000

int qemu_backend_cont(Guest *guest)
{
    return qemu_guest_call(guest, "cont", NULL, NULL);
}

int qemu_backend_pause(Guest *guest)
{
    return qemu_guest_call(guest, "stop", NULL, NULL);
}

typedef struct Request {
    Guest *guest;        /* reference */
    GuestAnswer done;
    void *opaque;
} Request;

static void request_answered(QmpMonitor *mon, json_object *result, void *opaque)
{
    Request *request = opaque;

    request->done(request->guest, result != NULL, request->opaque);
    guest_unref(request->guest);
    g_free(request);
}

int qemu_backend_request(Guest *guest, GuestRequest what, GuestAnswer done, void *opaque)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    Request *request;

    if (!mon)
        return -1;
    request = g_new0(Request, 1);
    *request = (Request){ guest_ref(guest), done, opaque };
    if (qmp_send(mon, what == GUEST_REQUEST_PAUSE ? "stop" : "cont", NULL, NULL, 0,
                 (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, request_answered, request) == 0)
        return 0;
    guest_unref(guest);
    g_free(request);
    return -1;
}

int qemu_backend_reset(Guest *guest)
{
    return qemu_guest_call(guest, "system_reset", NULL, NULL);
}

static int agent_shutdown(Guest *guest, const char *mode)
{
    g_autoptr(Agent) agent = qemu_guest_agent(guest);

    if (!agent)
        return -1;
    return agent_call(agent, "guest-shutdown", json_make(JSON_STR("mode", mode)), AGENT_SHUTDOWN_MS, 0, AGENT_ENDS_GUEST, NULL);
}

int qemu_backend_shutdown(Guest *guest, GuestStopMode mode)
{
    QemuGuest *qemu = qemu_guest(guest);
    gboolean agent_up;

    g_mutex_lock(&qemu->lock);
    agent_up = qemu->agent_up;
    g_mutex_unlock(&qemu->lock);
    if (mode == GUEST_STOP_AGENT)
        return agent_shutdown(guest, "powerdown");
    /* By default the agent, which the guest surely obeys; the button if that fails. */
    if (mode == GUEST_STOP_DEFAULT && agent_up) {
        if (agent_shutdown(guest, "powerdown") == 0)
            return 0;
        virResetLastError();
    }
    return qemu_guest_call(guest, "system_powerdown", NULL, NULL);
}

int qemu_backend_reboot_agent(Guest *guest)
{
    return agent_shutdown(guest, "reboot");
}

int qemu_backend_set_balloon(Guest *guest, DomainDef *def, unsigned long long kib)
{
    if (!qemu_guest(guest)->balloon_path)
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' has no memory balloon", guest->name);
    if (qemu_guest_call(guest, "balloon", json_make(JSON_UINT("value", kib * 1024)), NULL) < 0)
        return -1;
    def->current_memory = kib;
    return 0;
}

int qemu_backend_set_balloon_period(Guest *guest, DomainDef *def, unsigned int seconds)
{
    const char *path = qemu_guest(guest)->balloon_path;

    if (!path || !def->devices.memballoon)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "domain '%s' has no memory balloon", guest->name);
    if (qemu_guest_call(guest, "qom-set", json_make(JSON_STR("path", path), JSON_STR("property", "guest-stats-polling-interval"),
                                                    JSON_UINT("value", seconds)), NULL) < 0)
        return -1;
    def->devices.memballoon->stats_period = seconds;
    return 0;
}

int qemu_backend_set_params(Guest *guest, DomainDef *def, const ParamChange *change)
{
    const DomainDisk *disk = change->owner;

    if (change->group == &params_iothread)
        return qemu_guest_set_iothread_params(guest, change->owner);
    if (change->group == &params_cpu || change->group == &params_memory || change->group == &params_blkio || change->group == &params_numa)
        return qemu_guest_tune_again(guest, def, change->running, change->group);
    if (change->group == &params_perf)
        return qemu_perf_follow(qemu_guest(guest)->perf, guest->pid, def);
    if (change->group == &params_throttle)
        return qemu_guest_set_throttle_group(guest, change->running, change->owner);
    if (change->group == &params_interface)
        return tap_set_limits(def, change->owner);
    if (change->group != &params_iotune)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "%s of the running domain '%s' can't be set yet; '--config' sets them for the next start",
                    change->group->what, guest->name);
    return qemu_guest_set_throttle(guest, disk);    /* QEMU has the limits by group as well */
}

int qemu_backend_wake(Guest *guest)
{
    return qemu_guest_call(guest, "system_wakeup", NULL, NULL);
}

int qemu_backend_inject_nmi(Guest *guest)
{
    return qemu_guest_call(guest, "inject-nmi", NULL, NULL);
}

int qemu_backend_send_key(Guest *guest, unsigned int codeset, unsigned int holdtime, const unsigned int *codes, int n)
{
    json_object *keys = json_object_new_array();

    for (int i = 0; i < n; i++) {
        int number = keycode_to_qemu(codeset, codes[i]);

        if (number < 0) {
            json_object_put(keys);
            return -1;
        }
        json_object_array_add(keys, json_make(JSON_STR("type", "number"), JSON_INT("data", number)));
    }
    if (holdtime)
        return qemu_guest_call(guest, "send-key", json_make(JSON_VALUE("keys", keys), JSON_UINT("hold-time", holdtime)), NULL);
    return qemu_guest_call(guest, "send-key", json_make(JSON_VALUE("keys", keys)), NULL);
}
