/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains: jobs on disks. One that is waited for is told to be ready or over by an event; progress is asked for twice a
 * second, which also finds the end if the event was missed.
 */
#include <string.h>

#include "tools/virsh/virsh.h"

/* --bandwidth: as it is for the call, in MiB or, with --bytes, in bytes a second; false after an error printed. */
static bool take_bandwidth(Shell *shell, const Cmd *cmd, unsigned long *bandwidth)
{
    unsigned long long unit = cmd_has(cmd, "bytes") ? 1 : 1 << 20, bytes = 0;

    if (cmd_scaled(shell, cmd, "bandwidth", unit, G_MAXULONG, &bytes) < 0)
        return false;
    *bandwidth = bytes / unit;
    return true;
}

/* --- waiting for a job --- */

typedef struct {
    const char *label, *noun;          /* of progress; "Copy" of messages */
    const char *ready, *pivoted, *kept; /* what to say: of a job that goes on, after --pivot, after the end */
    const char *finish;                /* the option for that, or NULL */
} BlockKind;

static const BlockKind pull = {"Block Pull", "Pull", NULL, NULL, NULL, NULL};
static const BlockKind commit = {"Block commit", "Commit", "Now in synchronized phase", "Successfully pivoted",
                                 "Commit complete, overlay image kept", "keep-overlay"};
static const BlockKind copy = {"Block Copy", "Copy", "Now in mirroring phase", "Successfully pivoted",
                               "Successfully copied", "finish"};

typedef struct {
    Shell *shell;
    const Cmd *cmd;
    const BlockKind *kind;
    virDomainPtr domain;
    const char *path;
    VirshWait *wait; /* told VIR_DOMAIN_BLOCK_JOB_* */
    int callbacks[2];
    VirshProgress progress;
    gint64 end; /* of --timeout, or -1 */
} BlockJob;

/* A callback's own data. */
typedef struct {
    VirshWait *wait;
    char *path;
} BlockEvents;

static void block_events_free(void *opaque)
{
    BlockEvents *events = opaque;

    virsh_wait_free(events->wait);
    g_free(events->path);
    g_free(events);
}

static void on_block_job(virConnectPtr conn, virDomainPtr domain, const char *disk, int type, int status, void *opaque)
{
    BlockEvents *events = opaque;

    if (g_strcmp0(disk, events->path) == 0)
        virsh_wait_tell(events->wait, status);
}

/* Events name the disk by its target or by its source, as the caller may have done. */
static bool job_begin(BlockJob *job)
{
    static const int ids[] = {VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, VIR_DOMAIN_EVENT_ID_BLOCK_JOB};
    int milliseconds = 0;

    if (cmd_timeout(job->shell, job->cmd, &milliseconds) < 0)
        return false;
    job->end = milliseconds ? g_get_monotonic_time() + milliseconds * G_GINT64_CONSTANT(1000) : -1;
    job->wait = virsh_wait_new();
    job->progress.label = job->kind->label;
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        BlockEvents *events = g_new0(BlockEvents, 1);

        *events = (BlockEvents){virsh_wait_ref(job->wait), g_strdup(job->path)};
        job->callbacks[i] = virConnectDomainEventRegisterAny(virsh_conn(job->shell), job->domain, ids[i],
                                                             (virConnectDomainEventGenericCallback)(void *)on_block_job,
                                                             events, block_events_free);
        if (job->callbacks[i] < 0)
            block_events_free(events);
    }
    client_error_forget(); /* without events the questions find the end */
    return true;
}

static void job_end(BlockJob *job)
{
    for (size_t i = 0; i < G_N_ELEMENTS(job->callbacks); i++) {
        if (job->wait && job->callbacks[i] >= 0)
            virConnectDomainEventDeregisterAny(virsh_conn(job->shell), job->callbacks[i]);
    }
    virsh_wait_free(job->wait);
}

/* What the job's state is, as VIR_DOMAIN_BLOCK_JOB_*; -1: it goes on; -2 if it can't be asked. */
static int job_look(BlockJob *job)
{
    int status = virsh_wait_told(job->wait);
    virDomainBlockJobInfo info;
    int rc;

    if (status >= 0)
        return status;
    rc = virDomainGetBlockJobInfo(job->domain, job->path, &info, 0);
    if (rc < 0)
        return -2;
    status = virsh_wait_told(job->wait);
    if (status >= 0)
        return status;
    if (rc == 0)
        return VIR_DOMAIN_BLOCK_JOB_COMPLETED; /* over without an event */
    if (cmd_has(job->cmd, "verbose") && (info.end || info.cur))
        virsh_progress(&job->progress, info.end, info.end - info.cur);
    return -1;
}

/* Aborts the job and, unless --async, waits until it is gone: the call itself does. */
static void job_abort(BlockJob *job)
{
    unsigned int flags = cmd_has(job->cmd, "async") ? VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC : 0;

    if (virDomainBlockJobAbort(job->domain, job->path, flags) == 0)
        shell_print_extra(job->shell, "\n%s aborted", job->kind->noun);
}

/* Until the job is ready or over. Its state, or -1 if it was aborted, failed to be asked, or timed out. */
static int job_wait(BlockJob *job)
{
    for (;;) {
        gint64 pause = g_get_monotonic_time() + G_USEC_PER_SEC / 2;
        int status = job_look(job);

        if (status >= 0)
            return status;
        if (status == -2)
            return -1;
        if (virsh_wait_until(job->wait, job->end < 0 ? pause : MIN(pause, job->end)) == VIRSH_INTERRUPTED ||
            (job->end >= 0 && g_get_monotonic_time() >= job->end)) {
            shell_interrupt_reset();
            job_abort(job);
            return -1;
        }
    }
}

/* What follows when the job is ready. */
static bool job_ready(BlockJob *job)
{
    bool pivot = cmd_has(job->cmd, "pivot");
    bool finish = cmd_has(job->cmd, job->kind->finish);

    if ((pivot || finish) &&
        virDomainBlockJobAbort(job->domain, job->path, pivot ? VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT : 0) < 0)
        return shell_error(job->shell, pivot ? "failed to pivot job for disk %s" : "failed to finish job for disk %s",
                           job->path);
    shell_print_extra(job->shell, "\n%s", pivot ? job->kind->pivoted : finish ? job->kind->kept : job->kind->ready);
    return true;
}

static bool job_follow(BlockJob *job)
{
    int status = job_wait(job);

    if (cmd_has(job->cmd, "verbose") &&
        (status == VIR_DOMAIN_BLOCK_JOB_READY || status == VIR_DOMAIN_BLOCK_JOB_COMPLETED))
        virsh_progress(&job->progress, 0, 0);
    switch (status) {
    case VIR_DOMAIN_BLOCK_JOB_READY:
        if (job->kind->ready)
            return job_ready(job);
        break;
    case VIR_DOMAIN_BLOCK_JOB_COMPLETED:
        break;
    case VIR_DOMAIN_BLOCK_JOB_FAILED:
    case VIR_DOMAIN_BLOCK_JOB_CANCELED:
        shell_print_extra(job->shell, "\n");
        return shell_error(job->shell, status == VIR_DOMAIN_BLOCK_JOB_FAILED ? "%s failed" : "%s aborted",
                           job->kind->noun);
    default:
        return false;
    }
    shell_print_extra(job->shell, "\n%s complete", job->kind->noun);
    return true;
}

/* Begins the job by `start` and, if it shall be waited for, follows it; else says that it started. */
static bool job_run(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *path, const BlockKind *kind,
                    bool follow, const char *started, bool (*start)(BlockJob *job, void *data), void *data)
{
    BlockJob job = {.shell = shell, .cmd = cmd, .kind = kind, .domain = domain, .path = path};
    bool done = job_begin(&job) && start(&job, data);

    if (done && follow)
        done = job_follow(&job);
    else if (done)
        shell_print_extra(shell, "%s", started);
    job_end(&job);
    return done;
}

/* Domain and disk of the command. */
static virDomainPtr domain_and_path(Shell *shell, const Cmd *cmd, const char **path)
{
    return cmd_string(shell, cmd, "path", path) > 0 ? virsh_domain(shell, cmd) : NULL;
}

/* --- blockpull --- */

typedef struct {
    const char *base, *top;
    unsigned long bandwidth;
    unsigned int flags;
} Layers;

static bool start_pull(BlockJob *job, void *data)
{
    const Layers *layers = data;

    if (layers->base || layers->flags & VIR_DOMAIN_BLOCK_REBASE_RELATIVE)
        return virDomainBlockRebase(job->domain, job->path, layers->base, layers->bandwidth, layers->flags) == 0;
    G_STATIC_ASSERT((int)VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES == (int)VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES);
    return virDomainBlockPull(job->domain, job->path, layers->bandwidth, layers->flags) == 0;
}

bool cmd_blockpull(Shell *shell, const Cmd *cmd)
{
    static const char *const needing[] = {"verbose", "async"};
    g_autoptr(virDomain) domain = NULL;
    const char *path = NULL;
    Layers layers = {.flags = cmd_flags(cmd)};

    for (size_t i = 0; i < G_N_ELEMENTS(needing); i++) {
        if (cmd_has(cmd, needing[i]) && !cmd_has(cmd, "wait"))
            return shell_error(shell, "Option --wait is required by option --%s", needing[i]);
    }
    if (cmd_string(shell, cmd, "base", &layers.base) < 0 || !take_bandwidth(shell, cmd, &layers.bandwidth))
        return false;
    domain = domain_and_path(shell, cmd, &path);
    if (!domain)
        return false;
    return job_run(shell, cmd, domain, path, &pull, cmd_has(cmd, "wait"), "Block Pull started", start_pull, &layers);
}

/* --- blockcommit --- */

static bool start_commit(BlockJob *job, void *data)
{
    const Layers *layers = data;

    return virDomainBlockCommit(job->domain, job->path, layers->base, layers->top, layers->bandwidth,
                                layers->flags) == 0;
}

bool cmd_blockcommit(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    const char *path = NULL;
    Layers layers = {.flags = cmd_flags(cmd)};
    bool ends = cmd_has(cmd, "pivot") || cmd_has(cmd, "keep-overlay");
    bool follow = cmd_has(cmd, "wait") || cmd_has(cmd, "timeout") || ends;
    bool active = cmd_has(cmd, "active") || ends;

    for (int i = 0; i < 2 && !follow; i++) {
        if (cmd_has(cmd, i ? "async" : "verbose"))
            return shell_error(shell, "--%s requires at least one of --timeout, --wait, --pivot, or --keep-overlay",
                               i ? "async" : "verbose");
    }
    if (cmd_string(shell, cmd, "base", &layers.base) < 0 || cmd_string(shell, cmd, "top", &layers.top) < 0 ||
        !take_bandwidth(shell, cmd, &layers.bandwidth))
        return false;
    if (active)
        layers.flags |= VIR_DOMAIN_BLOCK_COMMIT_ACTIVE;
    domain = domain_and_path(shell, cmd, &path);
    return domain && job_run(shell, cmd, domain, path, &commit, follow,
                             active ? "Active Block Commit started" : "Block Commit started", start_commit, &layers);
}

/* --- blockcopy --- */

typedef struct {
    const char *dest, *format;
    char *xml; /* given, or made if the call needs it */
    unsigned long bandwidth;
    unsigned int flags;
    bool rebase; /* the older call does */
    VirshParams params;
} Copy;

static void copy_clear(Copy *data)
{
    g_free(data->xml);
    virsh_params_clear(&data->params);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Copy, copy_clear)

static bool start_copy(BlockJob *job, void *data)
{
    Copy *args = data;
    unsigned int flags = 0;

    if (!args->rebase)
        return virDomainBlockCopy(job->domain, job->path, args->xml, args->params.list, args->params.count,
                                  args->flags) == 0;
    flags = VIR_DOMAIN_BLOCK_REBASE_COPY |
            (args->flags & (VIR_DOMAIN_BLOCK_COPY_SHALLOW | VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    if (cmd_has(job->cmd, "blockdev"))
        flags |= VIR_DOMAIN_BLOCK_REBASE_COPY_DEV;
    if (g_strcmp0(args->format, "raw") == 0)
        flags |= VIR_DOMAIN_BLOCK_REBASE_COPY_RAW;
    if (cmd_has(job->cmd, "bytes"))
        flags |= VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES;
    return virDomainBlockRebase(job->domain, job->path, args->dest, args->bandwidth, flags) == 0;
}

static char *copy_xml(const Cmd *cmd, const char *dest, const char *format)
{
    bool block = cmd_has(cmd, "blockdev");
    GString *xml = g_string_new(NULL);

    virsh_xml_line(xml, 0, "<disk type='%s'>", block ? "block" : "file");
    virsh_xml_line(xml, 1, block ? "<source dev='%s'/>" : "<source file='%s'/>", dest);
    if (format)
        virsh_xml_line(xml, 1, "<driver type='%s'/>", format);
    virsh_xml_line(xml, 0, "</disk>");
    return g_string_free(xml, FALSE);
}

/* Options to arguments; false after an error printed. */
static bool copy_options(Shell *shell, const Cmd *cmd, Copy *args)
{
    unsigned long long bytes;

    if (cmd_string(shell, cmd, "dest", &args->dest) < 0 || cmd_string(shell, cmd, "format", &args->format) < 0 ||
        !take_bandwidth(shell, cmd, &args->bandwidth) || !virsh_params_take(shell, cmd, &args->params))
        return false;
    if (!args->dest && !cmd_has(cmd, "xml"))
        return shell_error(shell, "need either --dest or --xml");
    args->xml = cmd_has(cmd, "xml") ? virsh_read_option(shell, cmd, "xml") : copy_xml(cmd, args->dest, args->format);
    if (!args->xml)
        return false;
    args->flags = cmd_flags(cmd);
    args->rebase = args->dest && !args->params.count && !(args->format && !g_str_equal(args->format, "raw")) &&
                   !(args->flags & ~(VIR_DOMAIN_BLOCK_COPY_SHALLOW | VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    bytes = args->bandwidth * (cmd_has(cmd, "bytes") ? 1ULL : 1ULL << 20);
    return !bytes || args->rebase ||
           virTypedParamsAddULLong(&args->params.list, &args->params.count, &args->params.max,
                                   VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, bytes) == 0;
}

bool cmd_blockcopy(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_auto(Copy) args = {0};
    const char *path = NULL;
    bool follow = cmd_has(cmd, "wait") || cmd_has(cmd, "timeout") || cmd_has(cmd, "pivot") || cmd_has(cmd, "finish");

    for (int i = 0; i < 2 && !follow; i++) {
        if (cmd_has(cmd, i ? "async" : "verbose"))
            return shell_error(shell, "--%s requires at least one of --timeout, --wait, --pivot, or --finish",
                               i ? "async" : "verbose");
    }
    if (!copy_options(shell, cmd, &args))
        return false;
    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", args.xml);
        return true;
    }
    domain = domain_and_path(shell, cmd, &path);
    return domain && job_run(shell, cmd, domain, path, &copy, follow, "Block Copy started", start_copy, &args);
}

/* --- blockjob --- */

static const char *job_name(int type)
{
    static const VirshName names[] = {
        {VIR_DOMAIN_BLOCK_JOB_TYPE_UNKNOWN, "Unknown job"},
        {VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, "Block Pull"},
        {VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, "Block Copy"},
        {VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT, "Block Commit"},
        {VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT, "Active Block Commit"},
        {VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP, "Backup"},
        {0, NULL},
    };

    return virsh_name(names, type, "Unknown job");
}

/* Asks with the bandwidth in bytes, which old daemons can't. 1: there is a job, 0: none, -1: failed. */
static int ask_job(virDomainPtr domain, const char *path, virDomainBlockJobInfo *info, bool *bytes)
{
    int rc = virDomainGetBlockJobInfo(domain, path, info, VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES);

    *bytes = rc >= 0;
    if (rc >= 0 || client_error_code() != VIR_ERR_INVALID_ARG)
        return rc;
    client_error_forget();
    return virDomainGetBlockJobInfo(domain, path, info, 0);
}

static bool job_json(Shell *shell, int found, const virDomainBlockJobInfo *info, unsigned long long bandwidth)
{
    json_object *document = json_object_new_object();

    shell_json_string(document, "type", found ? job_name(info->type) : NULL);
    json_object_object_add(document, "bandwidth_bytes", found ? json_object_new_uint64(bandwidth) : NULL);
    json_object_object_add(document, "cur", found ? json_object_new_uint64(info->cur) : NULL);
    json_object_object_add(document, "end", found ? json_object_new_uint64(info->end) : NULL);
    return shell_json_print(shell, document);
}

static bool job_raw(Shell *shell, const virDomainBlockJobInfo *info, unsigned long long bandwidth)
{
    shell_print(shell, " type=%s\n bandwidth=%llu\n cur=%llu\n end=%llu\n", job_name(info->type), bandwidth, info->cur,
                info->end);
    return true;
}

static bool job_show(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *path)
{
    virDomainBlockJobInfo info;
    bool bytes = false;
    int found = ask_job(domain, path, &info, &bytes);
    unsigned long long bandwidth = found > 0 ? info.bandwidth * (bytes ? 1ULL : 1ULL << 20) : 0;
    VirshProgress progress = {.label = found > 0 ? job_name(info.type) : ""};

    if (found < 0)
        return false;
    if (shell_json(cmd))
        return job_json(shell, found, &info, bandwidth);
    if (cmd_has(cmd, "raw"))
        return !found || job_raw(shell, &info, cmd_has(cmd, "bytes") ? bandwidth : (bandwidth + (1 << 20) - 1) >> 20);
    if (!found) {
        shell_print_extra(shell, "No current block job for %s", path);
        return true;
    }
    virsh_progress(&progress, info.end, info.end - info.cur);
    if (bandwidth) {
        g_autofree char *text = virsh_size_digits(bandwidth, 3);

        shell_print(shell, "    Bandwidth limit: %llu bytes/s (%s/s)", bandwidth, text);
    }
    shell_print(shell, "\n");
    return true;
}

bool cmd_blockjob(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    const char *path = NULL;
    unsigned long bandwidth = 0;

    domain = domain_and_path(shell, cmd, &path);
    if (!domain)
        return false;
    if (cmd_has(cmd, "bandwidth"))
        return take_bandwidth(shell, cmd, &bandwidth) &&
               virDomainBlockJobSetSpeed(domain, path, bandwidth,
                                         cmd_has(cmd, "bytes") ? VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES : 0) == 0;
    if (cmd_has(cmd, "abort") || cmd_has(cmd, "pivot") || cmd_has(cmd, "async"))
        return virDomainBlockJobAbort(domain, path, cmd_flags(cmd)) == 0;
    return job_show(shell, cmd, domain, path);
}

/* --- blockresize --- */

bool cmd_blockresize(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    const char *path = NULL;
    unsigned long long size = 0;
    unsigned int flags = cmd_flags(cmd);
    int given = cmd_scaled(shell, cmd, "size", 1024, G_MAXUINT64, &size);

    if (given < 0)
        return false;
    if (!given && !cmd_has(cmd, "capacity"))
        return shell_error(shell, "command 'blockresize' requires <size> option");
    if (size % 1024)
        flags |= VIR_DOMAIN_BLOCK_RESIZE_BYTES;
    else
        size /= 1024;
    domain = domain_and_path(shell, cmd, &path);
    if (!domain)
        return false;
    if (virDomainBlockResize(domain, path, size, flags) < 0)
        return shell_error(shell, "Failed to resize block device '%s'", path);
    shell_print_extra(shell, "Block device '%s' is resized", path);
    return true;
}
