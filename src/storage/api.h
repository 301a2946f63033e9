/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the public functions share. Internal to this room. Arguments have been checked by the entry points; flags are
 * checked here.
 */
#pragma once
#include "base/error.h"
#include "storage/functions.h"
#include "storage/vol.h"

static inline PoolHost *storage_api_host(virConnectPtr conn)
{
    managed_thread_domain = managed_error_domain(conn->tables->pools);
    return managed_table_priv(conn->tables->pools);
}

/* Functions on volumes (api_vol.c, api_vol_data.c). */
int storage_pool_num_of_volumes(virStoragePoolPtr pool);
int storage_pool_list_volumes(virStoragePoolPtr pool, char **const names, int max);
int storage_pool_list_all_volumes(virStoragePoolPtr pool, virStorageVolPtr **vols, unsigned int flags);
virStorageVolPtr storage_vol_lookup_by_name(virStoragePoolPtr pool, const char *name);
virStorageVolPtr storage_vol_lookup_by_key(virConnectPtr conn, const char *key);
virStorageVolPtr storage_vol_lookup_by_path(virConnectPtr conn, const char *path);
virStoragePoolPtr storage_pool_lookup_by_volume(virStorageVolPtr vol);
virStorageVolPtr storage_vol_create_xml(virStoragePoolPtr pool, const char *xml, unsigned int flags);
virStorageVolPtr storage_vol_create_xml_from(virStoragePoolPtr pool, const char *xml, virStorageVolPtr from,
                                             unsigned int flags);
int storage_vol_delete(virStorageVolPtr vol, unsigned int flags);
int storage_vol_wipe(virStorageVolPtr vol, unsigned int flags);
int storage_vol_wipe_pattern(virStorageVolPtr vol, unsigned int algorithm, unsigned int flags);
int storage_vol_resize(virStorageVolPtr vol, unsigned long long capacity, unsigned int flags);
int storage_vol_get_info(virStorageVolPtr vol, virStorageVolInfoPtr info);
int storage_vol_get_info_flags(virStorageVolPtr vol, virStorageVolInfoPtr info, unsigned int flags);
char *storage_vol_get_xml_desc(virStorageVolPtr vol, unsigned int flags);
char *storage_vol_get_path(virStorageVolPtr vol);
int storage_vol_upload(virStorageVolPtr vol, virStreamPtr st, unsigned long long offset, unsigned long long length,
                       unsigned int flags);
int storage_vol_download(virStorageVolPtr vol, virStreamPtr st, unsigned long long offset, unsigned long long length,
                         unsigned int flags);
