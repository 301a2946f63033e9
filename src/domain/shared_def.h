/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A domain definition that is shared: core/definition.h with the domain's types.
 */
#pragma once
#include "core/definition.h"
#include "model/domain.h"

typedef Definition SharedDef;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SharedDef, definition_unref)

/** Takes @def over; nobody may change it any more. */
static inline SharedDef *shared_def_new(DomainDef *def)
{
    return definition_new(&DOMAIN_ROOT, def);
}

static inline SharedDef *shared_def_ref(SharedDef *shared)
{
    return definition_ref(shared);
}

static inline void shared_def_unref(SharedDef *shared)
{
    definition_unref(shared);
}

static inline const DomainDef *shared_def_get(const SharedDef *shared)
{
    return definition_get(shared);
}

/** A copy that may be changed. */
static inline DomainDef *shared_def_copy(const SharedDef *shared)
{
    return definition_copy(shared);
}

/** XML text (flags of domain_def_format()); belongs to @shared. */
static inline const char *shared_def_xml(SharedDef *shared, unsigned int flags)
{
    return definition_xml(shared, flags);
}
