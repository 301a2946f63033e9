/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parts of a definition by the names under which callers know them.
 */
#pragma once
#include "model/domain.h"

/** Path of what is behind a disk, NULL if it is no path. Belongs to @disk. */
const char *disk_path(const DomainDisk *disk);

/** The disk with this target ("vda") or source path. NULL with VIR_ERR_INVALID_ARG. */
DomainDisk *find_disk(const DomainDef *def, const char *name);

/** The interface with this target or hardware address. NULL with VIR_ERR_INVALID_ARG; also if several have the address. */
DomainInterface *find_interface(const DomainDef *def, const char *name);

/** Place of I/O thread @id in def->iothreadids, or -1; sets no error. */
int find_iothread(const DomainDef *def, guint id);
