/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors that packages install for QEMU's managers: JSON files about firmware ("firmware") and about programs that serve devices
 * ("vhost-user"). What is in them, and which folders count how much, is told in QEMU's docs/interop.
 */
#pragma once
#include <glib.h>
#include "base/json.h"

/** Folders with descriptors of @kind, by rising weight: a file hides those of its name in folders before. NULL-terminated; the caller
 * frees. */
char **qemu_descriptor_folders(const char *kind);

/** Paths (char *) of all descriptors in @folders that none of a later folder hides, in the order of their names. The caller frees. */
GPtrArray *qemu_descriptors_list(const char *const *folders);

/** NULL for one that is empty, which only hides others, or that can't be read, which is logged; no error is set. */
json_object *qemu_descriptor_read(const char *path);
