/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * qemu.conf, qemu-lockd.conf, qemu-sanlock.conf: what of them this driver obeys so far.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.settings"
#include "base/error.h"
#include "base/log.h"
#include "drivers/qemu/backend.h"

static void log_problems(const ConfReport *report)
{
    for (guint i = 0; report->problems && i < report->problems->len; i++) {
        const ConfProblem *problem = g_ptr_array_index(report->problems, i);

        if (problem->error)
            LOG_ERROR("%s", problem->text);
        else
            LOG_WARN("%s", problem->text);
    }
}

/* Ranges are checked one by one by the table, and together here. */
static int take_ports(QemuDriver *driver, const QemuConf *conf)
{
    if (conf->remote_display_port_min > conf->remote_display_port_max ||
        conf->remote_websocket_port_min > conf->remote_websocket_port_max)
        return FAIL(VIR_ERR_CONF_SYNTAX, "qemu.conf: a range of ports ends before it begins");
    port_pool_free(driver->vnc_ports);
    port_pool_free(driver->websocket_ports);
    driver->vnc_ports = port_pool_new("display", conf->remote_display_port_min, conf->remote_display_port_max);
    driver->spice_ports = driver->vnc_ports;
    driver->websocket_ports = port_pool_new("vnc websocket", conf->remote_websocket_port_min, conf->remote_websocket_port_max);
    return 0;
}

static int load(const ConfSchema *schema, const char *folder, const char *name, void *conf)
{
    g_auto(ConfReport) report = { 0 };
    g_autofree char *path = g_build_filename(folder, name, NULL);
    int rc = conf_load(schema, path, true, conf, &report);

    log_problems(&report);
    return rc;
}

int qemu_driver_configure(QemuDriver *driver, const char *folder)
{
    if (load(&qemu_conf_schema, folder, "qemu.conf", &driver->conf) < 0 ||
        load(&qemu_lockd_conf_schema, folder, "qemu-lockd.conf", &driver->lockd) < 0 ||
        load(&qemu_sanlock_conf_schema, folder, "qemu-sanlock.conf", &driver->sanlock) < 0)
        return -1;
    return take_ports(driver, &driver->conf);
}
