/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The QEMU backend's table, and the driver's own data.
 */
#define LOG_SOURCE "qemu.backend"
#include "base/log.h"
#include "drivers/qemu/hostdevs.h"
#include "drivers/qemu/owners.h"
#include "drivers/qemu/security.h"
#include "drivers/qemu/selinux_context.h"
#include "drivers/qemu/threads.h"
#include "drivers/qemu/tpm.h"
#include "drivers/qemu/throttle.h"

/* Longest wait for the loop to let go of monitors. */
#define DETACH_MS 10000

const DomainBackend qemu_backend = {
    .name = "QEMU",
    .folder = "qemu",
    .image_word = "LibvirtQemud",
    .virt_types = 1u << DOMAIN_VIRT_TYPE_QEMU | 1u << DOMAIN_VIRT_TYPE_KVM,
    .prepare = qemu_backend_prepare,
    .describe = qemu_backend_describe,
    .complete = qemu_backend_complete,
    .to_native = qemu_backend_to_native,
    .forget = qemu_tpm_forget,
    .max_vcpus = qemu_backend_max_vcpus,
    .guest_new = qemu_backend_guest_new,
    .start = qemu_backend_start,
    .reconnect = qemu_backend_reconnect,
    .status_format = qemu_backend_status_format,
    .status_parse = qemu_backend_status_parse,
    .cont = qemu_backend_cont,
    .pause = qemu_backend_pause,
    .request = qemu_backend_request,
    .shutdown = qemu_backend_shutdown,
    .reboot_agent = qemu_backend_reboot_agent,
    .reset = qemu_backend_reset,
    .kill = qemu_backend_kill,
    .find_process = qemu_backend_find_process,
    .cleanup = qemu_backend_cleanup,
    .guest_free = qemu_backend_guest_free,
    .set_balloon = qemu_backend_set_balloon,
    .set_balloon_period = qemu_backend_set_balloon_period,
    .set_vcpus = qemu_backend_set_vcpus,
    .plug_vcpus = qemu_backend_plug_vcpus,
    .save = qemu_backend_save,
    .job_abort = qemu_backend_job_abort,
    .job_progress = qemu_backend_job_progress,
    .set_params = qemu_backend_set_params,
    .pin = qemu_backend_pin,
    .set_iothread = qemu_backend_set_iothread,
    .drop_throttle_group = qemu_backend_drop_throttle_group,
    .attach = qemu_backend_attach,
    .detach = qemu_backend_detach,
    .update = qemu_backend_update,
    .device_gone = qemu_backend_device_gone,
    .block_peek = qemu_backend_block_peek,
    .memory_peek = qemu_backend_memory_peek,
    .block_resize = qemu_backend_block_resize,
    .block_threshold = qemu_backend_block_threshold,
    .disk_errors = qemu_backend_disk_errors,
    .stats = qemu_backend_stats,
    .takes_fds = TRUE,
    .dirty_rate = qemu_backend_dirty_rate,
    .send_key = qemu_backend_send_key,
    .inject_nmi = qemu_backend_inject_nmi,
    .screenshot = qemu_backend_screenshot,
    .open_console = qemu_backend_open_console,
    .open_graphics = qemu_backend_open_graphics,
    .reload_graphics = qemu_backend_reload_graphics,
    .announce = qemu_backend_announce,
    .dump = qemu_backend_dump,
    .monitor_command = qemu_backend_monitor_command,
    .agent_command = qemu_backend_agent_command,
    .agent_hostname = qemu_backend_agent_hostname,
    .agent_timeout = qemu_backend_agent_timeout,
    .agent_vcpus = qemu_backend_agent_vcpus,
    .agent_set_vcpus = qemu_backend_agent_set_vcpus,
    .agent_time = qemu_backend_agent_time,
    .agent_set_time = qemu_backend_agent_set_time,
    .agent_filesystems = qemu_backend_agent_filesystems,
    .agent_freeze = qemu_backend_agent_freeze,
    .agent_trim = qemu_backend_agent_trim,
    .agent_password = qemu_backend_agent_password,
    .agent_keys = qemu_backend_agent_keys,
    .agent_set_keys = qemu_backend_agent_set_keys,
    .launch_info = qemu_backend_launch_info,
    .security_labels = qemu_backend_security_labels,
    .launch_secret = qemu_backend_launch_secret,
    .agent_sleep = qemu_backend_agent_sleep,
    .wake = qemu_backend_wake,
    .addresses = qemu_backend_addresses,
    .agent_info = qemu_backend_agent_info,
    .agent_info_types = VIR_DOMAIN_GUEST_INFO_USERS | VIR_DOMAIN_GUEST_INFO_OS | VIR_DOMAIN_GUEST_INFO_TIMEZONE |
        VIR_DOMAIN_GUEST_INFO_DISKS,
};

QemuDriver *qemu_driver_new(Loop *loop)
{
    QemuDriver *driver = g_new0(QemuDriver, 1);

    driver->loop = loop;
    g_mutex_init(&driver->lock);
    g_cond_init(&driver->cond);
    driver->guests = g_ptr_array_new();
    driver->hostdevs = hostdevs_table_new();
    return driver;
}

void qemu_driver_set_cache(QemuDriver *driver, const char *dir)
{
    g_autofree char *path = g_strconcat(dir, "/capabilities", NULL);

    driver->caps = qemu_caps_store_new(driver->loop, path);
}

Guest *qemu_guest_attach(Guest *guest)
{
    QemuDriver *driver = guest_host_priv(guest);

    g_mutex_lock(&driver->lock);
    driver->attached++;
    g_mutex_unlock(&driver->lock);
    return guest_ref(guest);
}

void qemu_guest_detach(void *opaque)
{
    QemuDriver *driver = guest_host_priv(opaque);

    guest_unref(opaque);
    g_mutex_lock(&driver->lock);
    driver->attached--;
    g_cond_broadcast(&driver->cond);
    g_mutex_unlock(&driver->lock);
}

/* End what may call us for one guest. */
static void detach_guest(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);

    g_mutex_lock(&qemu->lock);
    if (qemu->mon)
        qmp_close(qemu->mon);
    if (qemu->agent)
        agent_close(qemu->agent);
    g_mutex_unlock(&qemu->lock);
    process_watch_remove(g_steal_pointer(&qemu->watch));
    qemu_helpers_detach(qemu->helpers);
}

void qemu_driver_detach(QemuDriver *driver)
{
    gint64 until = g_get_monotonic_time() + DETACH_MS * G_GINT64_CONSTANT(1000);

    g_mutex_lock(&driver->lock);
    for (guint i = 0; i < driver->guests->len; i++)
        detach_guest(g_ptr_array_index(driver->guests, i));
    while (driver->attached > 0 && g_cond_wait_until(&driver->cond, &driver->lock, until))
        continue;
    if (driver->attached > 0)
        LOG_ERROR("%u monitors are still in use", driver->attached);
    g_mutex_unlock(&driver->lock);
}

void qemu_driver_free(QemuDriver *driver)
{
    if (!driver)
        return;
    qemu_caps_store_free(driver->caps);
    port_pool_free(driver->vnc_ports);
    port_pool_free(driver->websocket_ports);
    conf_clear(&qemu_conf_schema, &driver->conf);
    conf_clear(&qemu_lockd_conf_schema, &driver->lockd);
    conf_clear(&qemu_sanlock_conf_schema, &driver->sanlock);
    g_hash_table_unref(driver->hostdevs);
    owners_free(driver->owners);
    owners_free(driver->labels);
    selinux_levels_free(driver->levels);
    g_ptr_array_unref(driver->guests);
    g_free(driver->hooks);
    g_free(driver->etc);
    g_mutex_clear(&driver->lock);
    g_cond_clear(&driver->cond);
    g_free(driver);
}
