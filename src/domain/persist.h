/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The files of a host: definitions (config/NAME.xml), links for autostart (autostart/NAME.xml), status of running guests
 * (state/NAME.xml), logs.
 *
 * A definition is on the disk, whole, before success is reported. The order of steps is such that after a crash
 * between any two of them the next start finds either the old or the new condition:
 *   define    write the file                              (one atomic replacement)
 *   undefine  remove the link, then the file              (a link without file is removed at start)
 *   rename    write the new file, move the link, remove the old file; a crash in between leaves two files with one UUID,
 *             of which the newer one wins at start and the other is removed, being named by it in a comment
 * Status files need to survive the daemon only, not the machine.
 */
#pragma once
#include "domain/domain_obj.h"
#include "domain/host.h"

/** Largest definition or status file that is read. */
#define PERSIST_MAX_FILE (16 * 1024 * 1024)
/** What a file begins with, behind its first comment, that a rename wrote; the old name follows, escaped as in a URI. */
#define PERSIST_REPLACES "<!-- replaces: "
/** So much of a definition is read at start; it must hold name and UUID, else the whole file is parsed. */
#define PERSIST_HEAD 4096

HostPaths *paths_new(const char *root, gboolean privileged, const char *folder);
void paths_free(HostPaths *paths);
/** Create what is missing; sweep what was half written. */
int paths_prepare(HostPaths *paths);

/** DIR/NAME.SUFFIX */
char *persist_path(const char *dir, const char *name, const char *suffix);

int persist_write(DomainHost *host, const char *name, SharedDef *def);
/** Write under a new name; @old is the name that it replaces. */
int persist_write_renamed(DomainHost *host, const char *name, SharedDef *def, const char *old);
int persist_remove(DomainHost *host, const char *name);
/** Read and parse a definition. NULL with an error that names file and line. */
SharedDef *persist_read(DomainHost *host, const char *name, const unsigned char *uuid);

int persist_set_autostart(DomainHost *host, const char *name, gboolean on);
/** A link "once": autostart/NAME.xml.once. */
int persist_set_autostart_once(DomainHost *host, const char *name, gboolean on);

/** What the beginning of a file tells. */
typedef struct PersistHead {
    char *name;
    unsigned char uuid[VIR_UUID_BUFLEN];
    char *replaces;      /* former name, if the file was written by a rename; else NULL */
    gboolean incomplete; /* there is no UUID in the file, which somebody wrote by hand */
} PersistHead;
void persist_head_clear(PersistHead *head);
/** Name and UUID of the definition at @path. 0, or -1 with an error. */
int persist_read_head(const char *path, PersistHead *head);
/** The same from text in memory; 1 if it is not certain without parsing the whole. */
int persist_scan_head(const char *text, gsize len, PersistHead *head);

gboolean persist_has_managed_save(DomainHost *host, const char *name);
int persist_remove_managed_save(DomainHost *host, const char *name);
