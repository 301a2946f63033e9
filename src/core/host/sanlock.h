/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Leases of sanlock(8) that keep two hosts from using a disk at a time: areas on storage that all hosts share, which the daemon sanlock of
 * each host keeps renewing. A host that can't renew them any more ends the processes that hold them before another host gets them.
 *
 * All is done by the program `sanlock`, without its library. A process that is to hold leases is begun by `sanlock client command`, which
 * gets them and then becomes that process: they are its own until it ends, whatever becomes of us.
 */
#pragma once
#include "base/process.h"
#include "model/domain_def.h"

/** Disks get leases in it by themselves (a name that all hosts agree on). */
#define SANLOCK_DISKS "__LIBVIRT__DISKS__"
/** A process can hold no more leases (sanlock's own limit). */
#define SANLOCK_LEASES_MAX 8

typedef struct SanlockSettings {
    gboolean automatic;     /* a lease for each disk that needs one; FALSE: only what definitions name as <lease> */
    gboolean ignore_shared; /* disks that guests share get none */
    gboolean check_owner;   /* refuse lease files of somebody else */
    const char *folder;     /* where the leases of disks are, on storage that all hosts share */
    guint host_id;          /* 1 … 2000, another one on each host */
    guint io_timeout;       /* seconds; 0: sanlock's own choice */
    uid_t uid;              /* whom lease files belong to */
    gid_t gid;
} SanlockSettings;

/** What sanlock calls the lease of @disk ("LOCKSPACE:NAME:FILE:OFFSET", ":SH" behind if it is shared), whose file is made if it isn't there, in
 * a lockspace that this host takes part in from then on, which may last half a minute. *@lease: owned by the caller; NULL: it needs none.
 * 0, or -1 with an error. */
int sanlock_disk(const SanlockSettings *settings, const DomainDisk *disk, char **lease);
/** The same of a lease that a definition names, whose file and lockspace are the administrator's. */
int sanlock_lease(const char *domain, const DomainLease *def, char **lease);
/** The name alone, of what has been locked. NULL: it needs no lease. */
char *sanlock_disk_name(const SanlockSettings *settings, const DomainDisk *disk);
char *sanlock_lease_name(const DomainLease *def);
/** All that @def needs, appended to @leases (owned texts). 0, or -1 with an error. */
int sanlock_all(const SanlockSettings *settings, const DomainDef *def, GPtrArray *leases);

/** The command that gets @leases and becomes what @spec says, with its user, groups and security label: array of texts that belong to nobody but
 * the array, with a NULL at its end. It must be started as who we are, without a label. */
GPtrArray *sanlock_command(const GPtrArray *leases, const ProcessSpec *spec);
/** What a command that has ended had written, if it failed for a lease: -1 with that error; else 0. */
int sanlock_explain(const char *words);

/** Get one more for a process that was begun so, or give it back. 0; -1 with an error (VIR_ERR_RESOURCE_BUSY: others have it). */
int sanlock_acquire(pid_t pid, const char *lease);
int sanlock_release(pid_t pid, const char *lease);
