/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a server offers: folders of NFS, volumes of Gluster, shares of SMB. Each kind is asked for by its own program.
 */
#pragma once
#include "storage/backend.h"

/** Sources of pools of type netfs, as StorageBackend.find_sources: of the format that @wanted names, else of all whose program is there. */
char *exports_find(PoolHost *host_pools, StoragePoolType type, const StoragePoolSource *wanted);
/** The server that @wanted, of find_sources, names; NULL with an error. */
const char *exports_server(const StoragePoolSource *wanted);
/** Names of a Gluster server's volumes, which the caller frees; NULL with an error. */
char **exports_gluster_volumes(const char *server);
