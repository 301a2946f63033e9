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

extern const StorageBackend storage_rbd_backend, storage_iscsi_direct_backend;

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

/** A descriptor of the content of @from, raw, that a new volume is made from, and its bytes; -1 with an error. */
static inline int remote_open_source(const StorageVolDef *def, StorageVol *from, guint64 *size)
{
    const StorageBackend *backend = storage_vol_backend(from);
    StorageVolDef *source = storage_vol_copy_def(from);
    int fd = -1;
    if (!backend || !backend->vol_open)
        error_report(VIR_FROM_STORAGE, VIR_ERR_NO_SUPPORT, "the content of volume '%s' can't be read", storage_vol_name(from));
    else if (source->type != STORAGE_VOL_TYPE_BLOCK && source->target.format > STORAGE_VOL_FORMAT_RAW)
        error_report(VIR_FROM_STORAGE, VIR_ERR_NO_SUPPORT, "volume '%s' can only be made from a raw one", def->name);
    else
        fd = backend->vol_open(storage_vol_pool(from), from, source, FALSE, size);
    *size = MIN(*size, source->capacity);
    xml_struct_free(&STORAGE_VOL_DEF_DESC, source);
    return fd;
}
