/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that belong to a guest's user while the guest runs, or carry its label of SELinux, and are as they were before, afterwards. What is
 * said of users here holds for labels as well.
 *
 * Who had a file is noted in its extended attributes, with a count of those who use it, in the form that every libvirt knows
 * (trusted.libvirt.security.dac, ref_dac, timestamp_dac); and in a list for each guest, NAME.owners (NAME.labels) in the state folder, which is
 * written before anything is changed. So a daemon that is killed at any instant gives everything back when it starts again, also
 * where the file system has no attributes. Several guests may use a file if all have the same user; the last one gives it back.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct Owners Owners;

typedef enum { OWNERS_USERS, OWNERS_LABELS } OwnersOf;

/** Longest owner, "+107:+107", or label. */
#define OWNER_MAX 255
#define OWNER_SIZE (OWNER_MAX + 1)

/** What is wanted of a file. */
typedef struct OwnerWish {
    const char *path;
    char to[OWNER_SIZE];    /**< without blanks */
} OwnerWish;

/** @folder: for the lists. @remember: whether owners are noted; else everything is root's afterwards. */
Owners *owners_new(OwnersOf of, const char *folder, bool remember);
void owners_free(Owners *owners);

/** Read the lists of a former daemon: once, before anything else. What can't be read is logged. */
void owners_load(Owners *owners);
/** Give back what guests that don't run any more had. @alive tells who does. */
void owners_sweep(Owners *owners, bool (*alive)(const char *guest, void *opaque), void *opaque);

/** Give files to a guest's user; one that is wished for again, by the same guest, is given back as often. Missing ones are skipped, as
 * are those whose owner the file system doesn't let us change: whoever opens it meets that. 0; -1 with an error, and nothing is changed:
 * another guest uses one of them as another user, or the system fails. May wait for file systems. */
int owners_give(Owners *owners, const char *guest, const OwnerWish *wishes, size_t n);

/** Give back @paths (NULL: all that the guest has). Of what fails is logged. */
void owners_restore(Owners *owners, const char *guest, const char *const *paths, size_t n);
