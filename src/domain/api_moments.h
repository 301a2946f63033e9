/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the functions on snapshots and checkpoints share.
 */
#pragma once
#include "domain/api.h"
#include "domain/moments.h"

/** The moment of that name, belonging to the access's state; NULL with VIR_ERR_NO_DOMAIN_SNAPSHOT or _CHECKPOINT. */
Moment *api_moment(const MomentKind *kind, const Access *a, const char *name);
int api_fail_no_moment(const MomentKind *kind, const char *name);

/** Whether something of a snapshot lies outside of the disks' own images. */
gboolean snapshot_is_external(const DomainSnapshotDef *def);

/* moment_def.c: a definition from a client. Functions answer 0, or -1 with an error. */

/** What a new moment gets: time, a name if it has none, its parent, and the definition of the domain. */
int moment_fill(const MomentKind *kind, const Access *a, void *def);
/** What a definition that is given back must have: name, time and domain. A known one without a domain gets the domain that it had;
 * a domain that comes from the client is completed. @xml: the text of @def. */
int moment_check_whole(const MomentKind *kind, const Access *a, void *def, const char *xml);
/** And that it is of this domain, with a parent that exists and makes no cycle. */
int moment_check_again(const MomentKind *kind, const Access *a, void *def, const char *xml);

/* moment_disks.c */

/** What stands in the structs of all disks' parts first: the name, target or path. */
#define PART_NAME(part) (*(char **) (part))
/** Let each disk of @domain have one of the @n @parts (structs of @desc), in the domain's order and named by its target; new ones where
 * there is none. -1 with VIR_ERR_CONFIG_UNSUPPORTED for parts without disk, and two of one. */
int disks_align(const DomainDef *domain, const XmlDesc *desc, void ***parts, guint *n);
gboolean disk_is_empty(const DomainDisk *disk);
/** A name for a new image of a disk: its file's with a suffix. NULL with an error if it isn't in a file; caller frees. */
char *disk_invent_file(const DomainDisk *disk, const char *suffix);

/** Whether what is said of the memory is possible at all. 0 or -1. */
int snapshot_check_memory(DomainSnapshotDef *def);
/** Decide for each disk of the snapshot's domain what becomes of it, and for the memory if that isn't said. @strict: none is
 * external while others are internal. 0 or -1. */
int snapshot_align(DomainSnapshotDef *def, gboolean strict);
int checkpoint_align(DomainCheckpointDef *def);

/** Complete a new checkpoint of a running domain. 0 or -1. */
int checkpoint_prepare(Access *a, DomainCheckpointDef *def);

/* backup_def.c */

struct DomainBackupDef;
/** Whether a backup is one at all: VIR_ERR_XML_INVALID_SCHEMA if not. 0 or -1. */
int backup_check(const struct DomainBackupDef *def);
/** Decide for each disk of the running domain what becomes of it. 0 or -1. */
int backup_align(struct DomainBackupDef *def, const Access *a);

/** The whole of virDomainSnapshotDelete() and virDomainCheckpointDelete(), called @api, behind the check of unknown flags. */
int api_delete_moments(const MomentKind *kind, virDomainPtr dom, const char *name, unsigned int flags, const char *api);
