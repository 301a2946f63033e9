/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What managed.c and managed_list.c share. Not for others.
 */
#pragma once
#include "core/managed.h"

Store *managed_table_store(const ManagedTable *table);
const ManagedBackend *managed_table_backend(const ManagedTable *table);

/** Take the job of the object that has name and UUID of @def, a new one if there is none; of a UUID that is in use for another
 * name, and the other way round, an error. */
int managed_reserve(ManagedTable *table, void *def, const char *api, ManagedJob *job);
/** Where a table keeps its objects. Members are NULL where nothing is kept. */
typedef struct ManagedFolders {
    char *config, *autostart, *state;
} ManagedFolders;
ManagedFolders *managed_table_folders(ManagedTable *table);
void managed_folders_clear(ManagedFolders *folders);

/** How far a run is: what its file tells the next daemon. */
typedef enum { PHASE_RUNNING, PHASE_STARTING, PHASE_STOPPING } ManagedPhase;

/** Whether an object of that name can be kept. -1 with VIR_ERR_INVALID_ARG. */
int managed_files_check_name(ManagedTable *table, const char *name);
/** Write down what will be done about the run @live, before it is done. 0, or -1 with an error. */
int managed_files_intend(const Managed *obj, Definition *live, ManagedPhase phase);
/** There is no run after all. A failure is logged. Keeps the thread's error. */
void managed_files_forget(const Managed *obj);
/** Make the files of @obj those of @next, where they differ from @old. 0; -1 with an error, and they are as they were. */
int managed_files_change(const Managed *obj, const ManagedState *old, const ManagedState *next);

/** Replace both definitions (references are taken), with the job and without events. */
void managed_replace(ManagedJob *job, Definition *config, Definition *live, gboolean autostart);
/** The same for what was read from files, which are left as they are. */
void managed_publish_loaded(ManagedJob *job, Definition *config, Definition *live, gboolean autostart);
