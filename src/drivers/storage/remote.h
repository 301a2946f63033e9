/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Backends on a server's own protocol, each a module of its own that is loaded when it is first needed: its library may be large, or
 * missing. What they have in common.
 */
#pragma once
#include "base/error.h"
#include "secret/host.h"
#include "secret/lookup.h"
#include "storage/backend.h"

extern const StorageBackend storage_rbd_backend, storage_iscsi_direct_backend, storage_gluster_backend;

/** What a server keeps isn't ours to delete. */
static inline int remote_pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    error_report(VIR_FROM_STORAGE, VIR_ERR_NO_SUPPORT, "pool '%s' is kept by a server, where it is to be deleted", def->name);
    return -1;
}

/** The secret of a pool's credentials, of @usage; as secret_lookup(). */
static inline guint8 *remote_secret(const StoragePoolDef *def, StorageAuthSecretType usage, size_t *size)
{
    SecretRef ref = def->source.auth->secret; /* which says no usage itself */
    g_autofree char *what = g_strdup_printf("pool '%s'", def->name);
    ref.type = usage;
    return secret_lookup(&ref, what, size);
}
