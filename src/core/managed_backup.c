/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects that can be defined: going back to what was. Published states are immutable, so that a backup is a list of them.
 */
#include "core/managed_private.h"
#include <libvirt/virterror.h>
#include "base/error.h"

struct ManagedBackup {
    GHashTable *names;  /* set */
    GPtrArray *states;  /* references, in the order of the table */
};

ManagedBackup *managed_backup_new(ManagedTable *table)
{
    ManagedBackup *backup = g_new0(ManagedBackup, 1);
    backup->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    backup->states = g_ptr_array_new_with_free_func((GDestroyNotify) managed_state_unref);
    g_autoptr(GPtrArray) objects = managed_objects(table, 0, NULL, NULL);
    for (guint i = 0; i < objects->len; i++) {
        Managed *obj = objects->pdata[i];
        g_hash_table_add(backup->names, g_strdup(MANAGED_NAME(obj)));
        g_ptr_array_add(backup->states, managed_state(obj));
    }
    return backup;
}

void managed_backup_free(ManagedBackup *backup)
{
    if (!backup)
        return;
    g_hash_table_unref(backup->names);
    g_ptr_array_unref(backup->states);
    g_free(backup);
}

/* Start a run like @was; its definition, or NULL with an error. */
static Definition *run_again(Managed *obj, const Definition *was)
{
    const ManagedBackend *backend = managed_table_backend(obj->table);
    void *def = definition_copy(was);
    g_autoptr(Definition) live = definition_new(managed_table_kind(obj->table)->root, def);
    return backend->start && backend->start(obj, def) < 0 ? NULL : g_steal_pointer(&live);
}

/* Bring an object, of which the caller has the job, into @state (NULL: it goes). A run that is the same goes on. */
static int restore(ManagedJob *job, const ManagedState *state)
{
    Definition *wanted = state ? state->live : NULL;
    g_autoptr(Definition) live = NULL;
    if (job->state->live == wanted)
        live = definition_ref(wanted);
    else if (job->state->live && managed_stop(job) < 0)
        return -1;
    int rc = wanted && !live && !(live = run_again(job->obj, wanted)) ? -1 : 0;
    managed_replace(job, state ? state->config : NULL, live, state && state->autostart);
    return rc;
}

static int drop_new(ManagedTable *table, const ManagedBackup *backup)
{
    g_autoptr(GPtrArray) present = managed_objects(table, 0, NULL, NULL);
    int rc = 0;
    for (guint i = 0; i < present->len; i++) {
        const Managed *obj = present->pdata[i];
        g_auto(ManagedJob) job = { NULL };
        if (!g_hash_table_contains(backup->names, MANAGED_NAME(obj)) &&
            (managed_job_begin(&job, table, obj->entry.uuid, NULL, __func__) < 0 || restore(&job, NULL) < 0))
            rc = -1;
    }
    return rc;
}

int managed_restore(ManagedTable *table, const ManagedBackup *backup)
{
    int rc = drop_new(table, backup);
    virErrorPtr first = rc < 0 ? error_save() : NULL;
    for (guint i = 0; i < backup->states->len; i++) {
        const ManagedState *state = backup->states->pdata[i];
        g_auto(ManagedJob) job = { NULL };
        if (!managed_visible(state))
            continue;
        void *def = (void *) definition_get(managed_definition(state));
        if (managed_reserve(table, def, __func__, &job) < 0 || restore(&job, state) < 0) {
            rc = -1;
            first = first ? first : error_save();
        }
    }
    if (rc < 0)
        error_restore(first);
    return rc;
}
