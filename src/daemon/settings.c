/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about libvirtd.conf.
 */
#define ERROR_DOMAIN VIR_FROM_CONF
#include "daemon/settings.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/threadpool.h"
#include "base/uuid.h"
#include "core/host/host.h"
#include "network/switch.h"

typedef struct {
    const char *file;
    ConfReport *report;
    bool failed;
} Checker;

static void G_GNUC_PRINTF(2, 3) complain(Checker *checker, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    if (checker->report)
        conf_report_add(checker->report, true, checker->file, 0, "%s", text);
    if (!checker->failed)
        error_report(ERROR_DOMAIN, VIR_ERR_CONF_SYNTAX, "%s: %s", checker->file, text);
    checker->failed = true;
}

static void check_network(Checker *checker, const LibvirtdConf *conf)
{
    guint certs = conf->cert_files ? g_strv_length(conf->cert_files) : 0;
    guint keys = conf->key_files ? g_strv_length(conf->key_files) : 0;
    if (conf->listen_tls && certs != keys)
        complain(checker, "'cert_files' names %u files, 'key_files' %u; there must be a key for each certificate", certs, keys);
}

static void check_workers(Checker *checker, const char *prefix, unsigned min, unsigned max)
{
    if (min > max)
        complain(checker, "'%smin_workers' is %u, more than '%smax_workers', which is %u", prefix, min, prefix, max);
}

static void check_host_uuid(Checker *checker, const char *text)
{
    guint8 uuid[UUID_BYTES];
    if (text && (uuid_parse(text, uuid) < 0 || !uuid_is_valid(uuid)))
        complain(checker, "'host_uuid' is '%.100s', which is no UUID or has all digits equal; make one with \"uuidgen\"", text);
}

int settings_check(const LibvirtdConf *conf, const char *file, bool listen, ConfReport *report)
{
    Checker checker = { .file = file, .report = report };
    if (listen)
        check_network(&checker, conf);
    if (conf->access_drivers && conf->access_drivers[0])
        complain(&checker, "'access_drivers' names '%s', but this release has no access drivers; remove the key",
                 conf->access_drivers[0]);
    check_workers(&checker, "", conf->min_workers, conf->max_workers);
    check_workers(&checker, "admin_", conf->admin_min_workers, conf->admin_max_workers);
    check_host_uuid(&checker, conf->host_uuid);
    if (conf->prio_workers > POOL_HARD_CAP - conf->max_workers)
        complain(&checker, "'max_workers' and 'prio_workers' are together more than %d", POOL_HARD_CAP);
    return checker.failed ? -1 : 0;
}

static void set_default(char **field, const char *value)
{
    if (!*field)
        *field = g_strdup(value);
}

void settings_finish(LibvirtdConf *conf, bool system)
{
    set_default(&conf->auth_unix_ro, system ? "polkit" : "none");
    set_default(&conf->auth_unix_rw, system ? "polkit" : "none");
    set_default(&conf->unix_sock_rw_perms, strcmp(conf->auth_unix_rw, "none") == 0 ? "0700" : "0777");
}

void settings_apply_host(const LibvirtdConf *conf)
{
    guint8 uuid[UUID_BYTES];
    bool given = conf->host_uuid && uuid_parse(conf->host_uuid, uuid) == 0;
    host_uuid_configure(given ? uuid : NULL, strcmp(conf->host_uuid_source, "machine-id") == 0);
    switch_configure(conf->ovs_timeout);
}

/* ---- log ---- */

/* Where messages go if nobody says: a service of systemd has the journal; a daemon in the background its file. */
static char *default_destination(const Options *options, const DaemonPaths *paths)
{
    const char *stream = g_getenv("JOURNAL_STREAM");
    if (stream && *stream && !options->root[0])
        return g_strdup("journald");
    if (options->daemon)
        return g_strdup_printf("file:%s/libvirtd.log", paths->log_dir);
    return g_strdup("stderr");
}

static LogLevel wanted_level(const LibvirtdConf *conf, const Options *options)
{
    LogLevel level = conf->log_level;
    return options->verbose && level > LOG_LEVEL_INFO ? LOG_LEVEL_INFO : level;
}

int settings_apply_log(const LibvirtdConf *conf, const Options *options, const DaemonPaths *paths)
{
    g_autofree char *destination = default_destination(options, paths);
    log_set_default_level(wanted_level(conf, options));
    if (log_set_default_output(destination) < 0 && log_set_default_output("stderr") < 0)
        return -1;
    const char *env_outputs = g_getenv("LIBVIRT_LOG_OUTPUTS");
    if (log_set_from_environment() < 0)
        return -1;
    if (options->verbose && log_get_default_level() > LOG_LEVEL_INFO)
        log_set_default_level(LOG_LEVEL_INFO);
    if (conf->log_filters && !g_getenv("LIBVIRT_LOG_FILTERS") && log_set_filters(conf->log_filters) < 0)
        return -1;
    if (!env_outputs || !*env_outputs)
        return log_set_outputs(conf->log_outputs ? conf->log_outputs : "");
    return 0;
}
