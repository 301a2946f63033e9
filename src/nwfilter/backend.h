/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a firewall must be able to do. Functions may block; they run one at a time, so that filters and what is in force agree,
 * and no lock is held. Each returns 0, or -1 with the error set. A member that is NULL has nothing to do.
 */
#pragma once
#include "model/nwfilter.h"

typedef struct NwfilterHost NwfilterHost;

typedef struct NwfilterBackend {
    /** Put the filters that @binding needs in force. @filters: all of them, the binding's own first, each once. */
    int (*bind)(NwfilterHost *host, const NwfilterBindingDef *binding, const NwfilterDef *const *filters, guint n);
    int (*unbind)(NwfilterHost *host, const NwfilterBindingDef *binding);
} NwfilterBackend;

/** The driver's own, of nwfilter_host_new(). */
void *nwfilter_host_priv(const NwfilterHost *host);
