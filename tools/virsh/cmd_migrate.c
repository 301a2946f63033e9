/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: migration to another host, and its settings. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

typedef enum { AT_TIMEOUT_SUSPEND, AT_TIMEOUT_POSTCOPY } AtTimeout;

typedef struct {
    virDomainPtr domain;
    virConnectPtr dest; /* NULL: the source's daemon goes there itself */
    const char *uri;
    VirshParams params;
    unsigned int flags;
    bool postcopy_after_precopy, switched;
    gint64 end; /* of --timeout, or -1 */
    AtTimeout at_timeout;
} Migration;

static void migration_clear(Migration *migration)
{
    virsh_params_clear(&migration->params);
    if (migration->dest)
        virConnectClose(migration->dest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Migration, migration_clear)

static int call_migrate(void *opaque)
{
    Migration *migration = opaque;
    virTypedParameterPtr params = migration->params.list;
    int count = migration->params.count;
    virDomainPtr moved;

    if (!migration->dest)
        return virDomainMigrateToURI3(migration->domain, migration->uri, params, count, migration->flags);
    moved = virDomainMigrate3(migration->domain, migration->dest, params, count, migration->flags);
    if (!moved)
        return -1;
    virDomainFree(moved);
    return 0;
}

/* Whether memory has been sent once already, so that post-copy need not fetch all of it. */
static bool first_round_done(virDomainPtr domain)
{
    virTypedParameterPtr params = NULL;
    unsigned long long round = 0;
    int type, count = 0;

    if (virDomainGetJobStats(domain, &type, &params, &count, 0) == 0)
        (void)virTypedParamsGetULLong(params, count, VIR_DOMAIN_JOB_MEMORY_ITERATION, &round);
    virTypedParamsFree(params, count);
    client_error_forget();
    return round > 1;
}

static void migration_tick(Shell *shell, VirshJob *job)
{
    Migration *migration = job->data;
    bool late = migration->end >= 0 && g_get_monotonic_time() >= migration->end;
    bool postcopy = (late && migration->at_timeout == AT_TIMEOUT_POSTCOPY) ||
                    (migration->postcopy_after_precopy && !migration->switched && first_round_done(migration->domain));

    if (postcopy && !migration->switched) {
        migration->switched = true;
        if (virDomainMigrateStartPostCopy(migration->domain, 0) < 0)
            shell_error(shell, "failed to switch the migration to post-copy: %s", client_error_text());
    } else if (late) {
        if (virDomainSuspend(migration->domain) < 0)
            shell_error(shell, "failed to pause the domain at the timeout: %s", client_error_text());
    }
    if (late)
        migration->end = -1;
    client_error_forget();
}

/* --- options --- */

/* Options of which the second needs the first. */
static bool requirements(Shell *shell, const Cmd *cmd)
{
    static const char *const needed[][2] = {
        {"postcopy", "postcopy-after-precopy"}, {"postcopy", "timeout-postcopy"}, {"postcopy", "postcopy-resume"},
        {"persistent", "persistent-xml"},       {"tls", "tls-destination"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (cmd_has(cmd, needed[i][1]) && !cmd_has(cmd, needed[i][0]))
            return shell_error(shell, "Option --%s is required by option --%s", needed[i][0], needed[i][1]);
    }
    if (cmd_has(cmd, "copy-storage-synchronous-writes") && !cmd_has(cmd, "copy-storage-all") &&
        !cmd_has(cmd, "copy-storage-inc"))
        return shell_error(shell, "'--copy-storage-synchronous-writes' requires one of '--copy-storage-all', "
                                  "'copy-storage-inc'");
    return true;
}

static bool take_timeout(Shell *shell, const Cmd *cmd, Migration *migration)
{
    int seconds = 0;

    if (cmd_int(shell, cmd, "timeout", &seconds) < 0)
        return false;
    if (seconds < 0)
        return shell_error(shell, "Numeric value '%d' for <timeout> option is malformed or out of range", seconds);
    if (seconds && !cmd_has(cmd, "live"))
        return shell_error(shell, "migrate: Unexpected timeout for offline migration");
    if (!seconds && (cmd_has(cmd, "timeout-suspend") || cmd_has(cmd, "timeout-postcopy")))
        return shell_error(shell, "migrate: Unexpected --timeout-* option without --timeout");
    migration->end = seconds ? g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND : -1;
    migration->at_timeout = cmd_has(cmd, "timeout-postcopy") ? AT_TIMEOUT_POSTCOPY : AT_TIMEOUT_SUSPEND;
    return true;
}

/* What isn't one parameter for one option: files' texts, and lists. */
static bool take_more(Shell *shell, const Cmd *cmd, VirshParams *params)
{
    static const char *const files[][2] = {{"xml", VIR_MIGRATE_PARAM_DEST_XML},
                                           {"persistent-xml", VIR_MIGRATE_PARAM_PERSIST_XML}};
    static const char *const lists[][2] = {
        {"migrate-disks", VIR_MIGRATE_PARAM_MIGRATE_DISKS},
        {"migrate-disks-detect-zeroes", VIR_MIGRATE_PARAM_MIGRATE_DISKS_DETECT_ZEROES},
        {"migrate-disks-target-zero", VIR_MIGRATE_PARAM_MIGRATE_DISKS_TARGET_ZERO},
        {"comp-methods", VIR_MIGRATE_PARAM_COMPRESSION},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        const char *text = NULL;

        if (cmd_string(shell, cmd, lists[i][0], &text) < 0 ||
            (text && !virsh_params_add_words(params, lists[i][1], text)))
            return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        const char *path = NULL;
        g_autofree char *text = NULL;

        if (cmd_string(shell, cmd, files[i][0], &path) < 0)
            return false;
        if (path && access(path, R_OK) < 0)
            shell_error(shell, "cannot read file '%s'", path); /* the next line says why */
        if (path && (!(text = virsh_read_file(shell, path)) || !virsh_params_add_string(params, files[i][1], text)))
            return false;
    }
    return true;
}

/* --- migrate --- */

bool cmd_migrate(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_auto(Migration) migration = {.flags = cmd_flags(cmd), .end = -1,
                                   .postcopy_after_precopy = cmd_has(cmd, "postcopy-after-precopy")};
    VirshJob job = {.verbose = cmd_has(cmd, "verbose"), .call = call_migrate, .tick = migration_tick,
                    .data = &migration, .progress = {.label = "Migration"}};

    if (!requirements(shell, cmd) || cmd_string(shell, cmd, "desturi", &migration.uri) <= 0)
        return false;
    domain = job.domain = migration.domain = virsh_domain(shell, cmd);
    if (!domain || !take_timeout(shell, cmd, &migration) || !virsh_params_take(shell, cmd, &migration.params) ||
        !take_more(shell, cmd, &migration.params))
        return false;
    if (!cmd_has(cmd, "p2p") && !cmd_has(cmd, "direct")) {
        migration.dest = virConnectOpenAuth(migration.uri, virConnectAuthPtrDefault, 0);
        if (!migration.dest)
            return false;
    }
    return virsh_job_run(shell, &job);
}

/* --- settings --- */

bool cmd_migrate_setmaxdowntime(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned long long downtime = 0;

    if (!domain || cmd_ull(shell, cmd, "downtime", &downtime) <= 0)
        return false;
    if (!downtime)
        return shell_error(shell, "migrate: Invalid downtime");
    return virDomainMigrateSetMaxDowntime(domain, downtime, 0) == 0;
}

bool cmd_migrate_getmaxdowntime(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned long long downtime = 0;

    return domain && virDomainMigrateGetMaxDowntime(domain, &downtime, 0) == 0 &&
           virsh_print_number(shell, cmd, "downtime_ms", downtime);
}

bool cmd_migrate_compcache(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *text = NULL;
    unsigned long long size = 0;
    int given = domain ? cmd_ull(shell, cmd, "size", &size) : -1;

    if (given < 0 || (given && virDomainMigrateSetCompressionCache(domain, size, 0) < 0) ||
        virDomainMigrateGetCompressionCache(domain, &size, 0) < 0)
        return false;
    if (shell_json(cmd))
        return virsh_print_number(shell, cmd, "size_bytes", size);
    text = virsh_size_digits(size, 3);
    shell_print(shell, "Compression cache: %s", text);
    return true;
}

bool cmd_migrate_setspeed(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned long bandwidth = 0;

    return domain && cmd_ulong(shell, cmd, "bandwidth", &bandwidth) > 0 &&
           virDomainMigrateSetMaxSpeed(domain, bandwidth, cmd_flags(cmd)) == 0;
}

bool cmd_migrate_getspeed(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned long bandwidth = 0;

    return domain && virDomainMigrateGetMaxSpeed(domain, &bandwidth, cmd_flags(cmd)) == 0 &&
           virsh_print_number(shell, cmd, "bandwidth_mib_s", bandwidth);
}

bool cmd_migrate_postcopy(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);

    return domain && virDomainMigrateStartPostCopy(domain, 0) == 0;
}
