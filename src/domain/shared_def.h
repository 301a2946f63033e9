/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A domain definition that is shared: immutable, reference counted, with its XML texts kept once they were made.
 */
#pragma once
#include "model/domain.h"

typedef struct SharedDef SharedDef;

/** Takes @def over; nobody may change it any more. */
SharedDef *shared_def_new(DomainDef *def);
SharedDef *shared_def_ref(SharedDef *shared);
void shared_def_unref(SharedDef *shared);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SharedDef, shared_def_unref)

const DomainDef *shared_def_get(const SharedDef *shared);

/** A copy that may be changed. */
DomainDef *shared_def_copy(const SharedDef *shared);

/** XML text (flags of domain_def_format()); belongs to @shared. */
const char *shared_def_xml(SharedDef *shared, unsigned int flags);
