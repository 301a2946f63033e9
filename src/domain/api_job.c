/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What lasts: telling of it, aborting it; and backups, which go on after the call that began them.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "base/loop.h"
#include "base/typed_param.h"
#include "core/event_table.h"
#include "domain/api_moments.h"
#include "domain/functions.h"
#include "model/domainbackup_def.h"

/* ---- what is under way ---- */

/* Operations by the call that has the async job. */
static const struct { const char *api; int operation; } operations[] = {
    { "virDomainSave", VIR_DOMAIN_JOB_OPERATION_SAVE },
    { "virDomainManagedSave", VIR_DOMAIN_JOB_OPERATION_SAVE },
    { "virDomainCoreDump", VIR_DOMAIN_JOB_OPERATION_DUMP },
    { "virDomainSnapshotCreateXML", VIR_DOMAIN_JOB_OPERATION_SNAPSHOT },
    { "virDomainRevertToSnapshot", VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT },
    { "virDomainSnapshotDelete", VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE },
};

static int operation_of(const char *api)
{
    for (guint i = 0; i < G_N_ELEMENTS(operations); i++) {
        if (g_str_has_prefix(api, operations[i].api))
            return operations[i].operation;
    }
    return VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
}

/* The job that goes on; type VIR_DOMAIN_JOB_NONE if there is none. */
static JobReport current_job(const Access *a)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    JobHolder holder = job_lasting(&a->obj->jobs);
    JobReport job = { .info.type = VIR_DOMAIN_JOB_NONE };
    gint64 since = holder.since_ms;
    if (holder.api) {
        job.operation = operation_of(holder.api);
    } else if (a->state->backup) {
        job.operation = VIR_DOMAIN_JOB_OPERATION_BACKUP;
        since = a->state->backup_since_ms;
    } else {
        return job;
    }
    job.info.type = VIR_DOMAIN_JOB_UNBOUNDED;
    if (a->state->guest && backend->job_progress)
        backend->job_progress(a->state->guest, &job.info);
    job.info.timeElapsed = (unsigned long long) MAX(loop_now_ms() - since, 0);
    return job;
}

int core_domain_get_job_info(virDomainPtr dom, virDomainJobInfoPtr info)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    *info = current_job(&a).info;
    return 0;
}

static void list_report(TypedList *list, const JobReport *job)
{
    const struct { const char *name; unsigned long long value; } amounts[] = {
        { VIR_DOMAIN_JOB_TIME_REMAINING, job->info.timeRemaining },
        { VIR_DOMAIN_JOB_DATA_TOTAL, job->info.dataTotal },
        { VIR_DOMAIN_JOB_DATA_PROCESSED, job->info.dataProcessed },
        { VIR_DOMAIN_JOB_DATA_REMAINING, job->info.dataRemaining },
        { VIR_DOMAIN_JOB_MEMORY_TOTAL, job->info.memTotal },
        { VIR_DOMAIN_JOB_MEMORY_PROCESSED, job->info.memProcessed },
        { VIR_DOMAIN_JOB_MEMORY_REMAINING, job->info.memRemaining },
        { VIR_DOMAIN_JOB_DISK_TOTAL, job->info.fileTotal },
        { VIR_DOMAIN_JOB_DISK_PROCESSED, job->info.fileProcessed },
        { VIR_DOMAIN_JOB_DISK_REMAINING, job->info.fileRemaining },
    };
    typed_list_int(list, VIR_DOMAIN_JOB_OPERATION, job->operation);
    typed_list_ullong(list, VIR_DOMAIN_JOB_TIME_ELAPSED, job->info.timeElapsed);
    for (guint i = 0; i < G_N_ELEMENTS(amounts); i++) {
        if (amounts[i].value)
            typed_list_ullong(list, amounts[i].name, amounts[i].value);
    }
    if (job->info.type == VIR_DOMAIN_JOB_COMPLETED || job->info.type == VIR_DOMAIN_JOB_FAILED ||
        job->info.type == VIR_DOMAIN_JOB_CANCELLED)
        typed_list_bool(list, VIR_DOMAIN_JOB_SUCCESS, job->info.type == VIR_DOMAIN_JOB_COMPLETED);
}

/* The last one that ended, which is told once unless it is to be kept. */
static JobReport completed_job(DomainObj *obj, gboolean keep)
{
    g_mutex_lock(&obj->lock);
    JobReport job = obj->last_job;
    if (!keep)
        obj->last_job = (JobReport) { .info.type = VIR_DOMAIN_JOB_NONE };
    g_mutex_unlock(&obj->lock);
    return job;
}

int core_domain_get_job_stats(virDomainPtr dom, int *type, virTypedParameterPtr *params, int *nparams,
                              unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED, -1);
    g_auto(Access) a = { NULL };
    TypedList list = { NULL };
    gboolean completed = flags & VIR_DOMAIN_JOB_STATS_COMPLETED;
    if (api_begin(&a, dom) < 0 || (!completed && api_need_active(&a) < 0))
        return -1;
    JobReport job = completed ? completed_job(a.obj, flags & VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED) : current_job(&a);
    *type = job.info.type;
    if (job.info.type != VIR_DOMAIN_JOB_NONE)
        list_report(&list, &job);
    *params = typed_list_steal(&list, nparams);
    return 0;
}

/* Takes no job: what is to be aborted may have it. */
int core_domain_abort_job_flags(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_ABORT_JOB_POSTCOPY, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    if (current_job(&a).info.type == VIR_DOMAIN_JOB_NONE)
        return FAIL(VIR_ERR_OPERATION_INVALID, "no job is active on the domain '%s'", API_NAME(&a));
    return GUEST_CALL(host_backend(a.obj->host)->job_abort(a.state->guest, flags));
}

int core_domain_abort_job(virDomainPtr dom)
{
    return core_domain_abort_job_flags(dom, 0);
}

int core_domain_get_control_info(virDomainPtr dom, virDomainControlInfoPtr info, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0 || api_need_active(&a) < 0)
        return -1;
    JobHolder holder = job_current(&a.obj->jobs);
    memset(info, 0, sizeof(*info));
    if (holder.api) {
        info->state = VIR_DOMAIN_CONTROL_OCCUPIED;
        info->stateTime = (unsigned long long) (loop_now_ms() - holder.since_ms);
    }
    return 0;
}

/* ---- backup ---- */

typedef struct BackupChange { Guest *guest; Definition *from, *to; } BackupChange;

static gboolean change_backup(DomainTransition *t, void *opaque)
{
    BackupChange *c = opaque;
    if (!run_is_current(t, c->guest) || t->old->backup != c->from)
        return FALSE;
    if (!c->from)
        t->next->backup_since_ms = loop_now_ms();
    transition_set_backup(t, c->to);
    return TRUE;
}

/* The checkpoint that begins with the backup, in @point (caller frees). 0, also if none is wanted; or -1. */
static int read_checkpoint(Access *a, const char *xml, DomainCheckpointDef **point)
{
    if (!xml)
        return 0;
    *point = definition_read(&DOMAIN_CHECKPOINT_ROOT, xml, TRUE);
    return *point ? checkpoint_prepare(a, *point) : -1;
}

/* Begin it; takes @def over. It is published before, because it may end before we return. */
static int begin(Access *a, DomainBackupDef *def, DomainCheckpointDef *point, unsigned int flags)
{
    Guest *guest = a->state->guest;
    g_autoptr(Definition) early = definition_new(&DOMAIN_BACKUP_ROOT, xml_struct_copy(&DOMAIN_BACKUP_DEF_DESC, def));
    g_autoptr(Definition) whole = definition_new(&DOMAIN_BACKUP_ROOT, def);
    if (!domain_change(a->obj, change_backup, &(BackupChange) { guest, NULL, early }))
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' ended meanwhile", API_NAME(a));
    int rc = status_save(guest); /* a daemon that comes after us must know of it */
    if (rc == 0)
        rc = GUEST_CALL(host_backend(a->obj->host)->backup_begin(guest, def, point, flags));
    domain_change(a->obj, change_backup, &(BackupChange) { guest, early, rc < 0 ? NULL : whole });
    status_save_later(guest);
    return rc;
}

static int keep_checkpoint(Access *a, Moment *moment)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    if (!moment || moments_add(&MOMENT_CHECKPOINT, a->obj, moment, TRUE) == 0)
        return 0;
    virErrorPtr error = error_save();
    if (backend->job_abort)
        GUEST_CALL(backend->job_abort(a->state->guest, 0));
    if (backend->checkpoint_delete)
        GUEST_CALL(backend->checkpoint_delete(a->obj->host, a->state->guest, moment, 0));
    error_restore(error);
    return -1;
}

int core_domain_backup_begin(virDomainPtr dom, const char *xml, const char *checkpoint_xml, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL, -1);
    g_auto(Access) a = { NULL };
    DomainCheckpointDef *point = NULL;
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainBackupBegin") < 0)
        return -1;
    if (!a.state->guest)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "cannot back up the inactive domain '%s'", API_NAME(&a));
    if (a.state->backup)
        return FAIL(VIR_ERR_OPERATION_INVALID, "a backup of domain '%s' is under way; 'virsh domjobabort %s' ends it",
                    API_NAME(&a), API_NAME(&a));
    DomainBackupDef *def = definition_read(&DOMAIN_BACKUP_ROOT, xml, TRUE);
    if (!def)
        return -1;
    int rc = backup_check(def) < 0 || read_checkpoint(&a, checkpoint_xml, &point) < 0 || backup_align(def, &a) < 0 ? -1 : 0;
    if (rc == 0)
        rc = begin(&a, def, point, flags);
    else
        xml_struct_free(&DOMAIN_BACKUP_DEF_DESC, def);
    g_autoptr(Moment) moment = point ? moment_new(&MOMENT_CHECKPOINT, point) : NULL;
    return rc < 0 ? -1 : keep_checkpoint(&a, moment);
}

typedef struct BackupEnd { Guest *guest; JobReport job; } BackupEnd;

static gboolean change_backup_ended(DomainTransition *t, void *opaque)
{
    BackupEnd *end = opaque;
    TypedList list = { NULL };
    int n;
    if (!run_is_current(t, end->guest) || !t->old->backup)
        return FALSE;
    end->job.info.timeElapsed = (unsigned long long) MAX(loop_now_ms() - t->old->backup_since_ms, 0);
    transition_set_backup(t, NULL);
    list_report(&list, &end->job);
    virTypedParameterPtr params = typed_list_steal(&list, &n);
    transition_emit(t, event_domain_job_completed_new(t->next->name, t->obj->entry.uuid, domain_state_id(t->next), params, n));
    virTypedParamsFree(params, n);
    return TRUE;
}

void guest_upcall_backup_ended(Guest *guest, const virDomainJobInfo *info)
{
    BackupEnd end = { guest, { *info, VIR_DOMAIN_JOB_OPERATION_BACKUP } };
    DomainObj *obj = guest->dom;
    if (!domain_change(obj, change_backup_ended, &end))
        return;
    g_mutex_lock(&obj->lock);
    obj->last_job = end.job;
    g_mutex_unlock(&obj->lock);
    status_save_later(guest);
}

char *core_domain_backup_get_xml_desc(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, 0, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    if (!a.state->backup)
        return FAIL_NULL(VIR_ERR_NO_DOMAIN_BACKUP, "no backup of domain '%s' is under way", API_NAME(&a));
    return g_strdup(definition_xml(a.state->backup, 0));
}
