/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the driver of host interfaces share.
 */
#pragma once
#include "base/netlink.h"
#include "core/job.h"
#include "drivers/interface/style.h"
#include "hostif/host.h"

typedef struct HostFiles HostFiles;

typedef struct InterfaceNode {
    gboolean privileged;
    char *root;             /* below which the host's files and programs are; "" for the real ones */
    char *state;            /* folder for what is under way */
    char *lib;              /* folder for what survives a reboot */
    HostifHost *host;
    JobQueue jobs;          /* one thing at a time is done to the host */
    GMutex lock;            /* guards the following */
    Netlink *netlink;
    NetlinkWatch *watch;
    HostFiles *files;
    gboolean stale;         /* what was seen last is not what the table has */
} InterfaceNode;

extern const HostifBackend interface_node_backend;

/** Let one thread change the host; g_auto() lets the next one. 0; -1 with VIR_ERR_OPERATION_TIMEOUT. */
typedef struct NodeJob {
    InterfaceNode *node;
} NodeJob;
int node_job_begin(NodeJob *job, InterfaceNode *node, const char *api);
void node_job_end(NodeJob *job);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NodeJob, node_job_end)

/* Live (live.c) */

/** The host's links, addresses and routes at one time. */
typedef struct LiveFacts LiveFacts;
/** NULL with an error. */
LiveFacts *live_facts_new(Netlink *nl);
/** Accepts NULL. */
void live_facts_free(LiveFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LiveFacts, live_facts_free)
/** The links that are interfaces of the host (a guest's are not): how many, one of them. */
guint live_count(const LiveFacts *facts);
const NetlinkLink *live_link(const LiveFacts *facts, guint i);
/** Link of a name; NULL if there is none. Guests' too. */
const NetlinkLink *live_find(const LiveFacts *facts, const char *name);
/** What a link is, as a definition; caller owns it. */
HostInterfaceDef *live_def(const LiveFacts *facts, const NetlinkLink *link);
/** Whether it is up. */
bool live_is_up(const NetlinkLink *link);

/* Files (files.c): what the host's interfaces are to be. */

HostFiles *host_files_new(const char *root);
/** Accepts NULL. */
void host_files_free(HostFiles *files);
/** Whether there may be another style, or other contents, than at the last call. */
gboolean host_files_changed(HostFiles *files);
/** The style of this host; NULL: it has none. */
const HostStyle *host_style(const char *root);
/** All files of a style, whole: array of StyleFile; caller unrefs. NULL with an error. */
GPtrArray *host_style_files(const char *root, const HostStyle *style);
/** What they define: array of StyleEntry, complete; caller unrefs. Empty if the host has no style; NULL with an error. */
GPtrArray *host_files_read(const char *root);
/** Make the files say @def of @name, or with NULL nothing any more: all of it, or with an error nothing, also if the daemon is killed
 * meanwhile. A file that isn't ours is never changed. */
int host_files_keep(InterfaceNode *node, const char *name, const HostInterfaceDef *def);
/** Put back what a daemon that was killed had begun to change. */
void host_files_mend(const InterfaceNode *node);

/* Before and after (saved.c): what is kept to be put back. */

typedef struct SavedHost {
    char *boot;             /* id of the boot */
    GPtrArray *files;       /* of StyleFile; text NULL: it isn't there. NULL: no files were saved */
    NetlinkSaved *network;  /* NULL: wasn't saved */
    GHashTable *names;      /* set: whose links are to be restored */
} SavedHost;
SavedHost *saved_host_new(void);
void saved_host_free(SavedHost *saved);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SavedHost, saved_host_free)
/** Write it to a file; with @sync it survives a crash of the machine. */
int saved_host_write(const SavedHost *saved, const char *path, gboolean sync);
/** NULL without an error: there is no such file. */
SavedHost *saved_host_read(const char *path, gboolean *failed);
/** Make the files what they were. 0; -1 with the first error, after as much as possible. */
int saved_host_restore_files(const SavedHost *saved, const char *root);
/** Names of @def and of all that it is made of, into a set. */
void saved_host_add_names(GHashTable *names, const HostInterfaceDef *def);
/** The same and what else a start or stop of @def changes. */
void saved_host_add_touched(GHashTable *names, const HostInterfaceDef *def);
/** Of the running kernel; caller frees. */
char *host_boot_id(void);

/* Up and down (activate.c) */

/** Whether the host's own manager is to be asked, and how it answered. */
int activate_up(InterfaceNode *node, const HostInterfaceDef *def);
/** @defined: some file says what it is, so that it can be made again. */
int activate_down(InterfaceNode *node, const HostInterfaceDef *def, gboolean defined);
/** Put back what a daemon that was killed had begun to start or stop. */
void activate_mend(InterfaceNode *node);
/** Have the manager, if one runs, start or stop those of @names (set of names) that files define, so that what it believes is what is going to be:
 * stop those that are there, start those that were up in @was. Its failures go to the log. */
void activate_tell(const InterfaceNode *node, GHashTable *names, gboolean up, const NetlinkSaved *was);
/** Have the manager read its files again; nothing if none runs. */
int activate_reload(const InterfaceNode *node);

/* Changes that can be taken back (change.c) */

int change_begin(ManagedTable *table);
int change_commit(ManagedTable *table);
int change_rollback(ManagedTable *table);
/** Note down, before it is done, that something is done to @def, for a change that is under way. */
int change_touch(InterfaceNode *node, const HostInterfaceDef *def);
/** A change that an earlier boot of the machine has seen begin is taken back. */
void change_mend(const InterfaceNode *node);
