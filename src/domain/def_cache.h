/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Persistent definitions stay in their files; the last ones used are kept here, parsed, up to a bound.
 */
#pragma once
#include "domain/domain_obj.h"

typedef struct DefCache DefCache;

/** Definitions kept. */
#define DEF_CACHE_MAX 256

DefCache *def_cache_new(guint max);
void def_cache_free(DefCache *cache);

/** A reference, or NULL. @serial is DomainState.config_serial. */
SharedDef *def_cache_get(DefCache *cache, const unsigned char *uuid, guint serial);
/** Keep @def (a reference is taken), unless a newer one is there. */
void def_cache_put(DefCache *cache, const unsigned char *uuid, guint serial, SharedDef *def);
void def_cache_drop(DefCache *cache, const unsigned char *uuid);

/** The persistent definition of a domain, from the state, the cache or its file. NULL with an error: the domain is transient
 * (VIR_ERR_OPERATION_INVALID) or its file can't be read. Caller unrefs. */
SharedDef *domain_config(DomainObj *obj, const DomainState *state);
/** The definition that a reader means: live if the domain is active, else persistent. */
SharedDef *domain_current_def(DomainObj *obj, const DomainState *state);
