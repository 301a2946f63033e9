/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about storage pools and volumes that the tables in schema/ can't say: what a pool of each type needs, which formats
 * it and its volumes may have, which definitions mean the same storage.
 */
#pragma once
#include "model/storagepool_def.h"
#include "model/storagevol_def.h"

/** World wide names have 64 bits, in so many hexadecimal digits. */
enum { WWN_DIGITS = 16 };
bool wwn_is_valid(const char *text);

/** Complete a new pool definition (name, format, target) and check it. 0, or -1 with an error (VIR_ERR_XML_ERROR for what is
 * missing, VIR_ERR_CONFIG_UNSUPPORTED for a format that the type hasn't, VIR_ERR_NO_SUPPORT for a feature). */
int storage_pool_complete(StoragePoolDef *def);

/** Whether @def stands for the same storage as the existing pool @old (of another name or UUID). */
bool storage_pool_same_source(const StoragePoolDef *def, const StoragePoolDef *old);

/** Read what narrows a search for sources: an element <source>. Caller frees (xml_struct_free()). NULL with an error. */
StoragePoolSource *storage_pool_source_parse(const char *xml);
/** Document of found sources; caller frees. */
char *storage_pool_sources_format(StoragePoolSource *const *sources, guint n);

/** The same of an array of StoragePoolSource, which are freed with it. */
char *storage_pool_sources_finish(GPtrArray *sources);

/** Document that says of each type of pools whether it is @supported (by type: not NULL), and its formats. Caller frees. */
char *storage_pool_capabilities(const void *const supported[STORAGE_POOL_TYPE_LAST]);

/** Type of the volumes of a pool of type @type. */
StorageVolType storage_pool_vol_type(StoragePoolType type);
/** Where the volumes of a pool are: directory of the target, or name of the source. Never NULL. */
const char *storage_pool_vol_base(const StoragePoolDef *def);

/** Formats that volumes of such a pool may have (bit N: StorageVolFormat N), and the one where none is given. 0: there are
 * none, and what is given means nothing. */
guint32 storage_vol_formats(StoragePoolType type, StorageVolFormat *first);

/** Complete a new volume's definition for a pool of type @type and check it. What only a pool knows (key, path, sizes on the
 * host, times) is dropped unless @known. 0, or -1 with an error. */
int storage_vol_complete(StorageVolDef *def, StoragePoolType type, bool known);

/** Drop owner and group -1, which mean none, and permissions that say nothing. *@permissions may be NULL. */
void storage_permissions_complete(StoragePermissions **permissions);
