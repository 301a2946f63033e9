/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a firewall must be able to do. Functions may block; they run one at a time, so that filters and what is in force agree,
 * and no lock is held. Each returns 0, or -1 with the error set. A member that is NULL has nothing to do.
 */
#pragma once
#include "model/nwfilter.h"

typedef struct NwfilterHost NwfilterHost;

/** A binding and what it needs: all filters, the binding's own first, each once; none: one of them is missing. */
typedef struct NwfilterUse {
    const NwfilterBindingDef *binding;
    const NwfilterDef **filters;
    guint n_filters;
} NwfilterUse;

typedef struct NwfilterBackend {
    /** Put the filters that each of @uses needs in force, in place of what its interface had: all, or with an error none. @anyhow: an
     * interface for which that can't be done is cut off, which is logged and no error; else none has a filter missing. */
    int (*bind)(NwfilterHost *host, const NwfilterUse *uses, guint n, gboolean anyhow);
    int (*unbind)(NwfilterHost *host, const NwfilterBindingDef *binding);
    /** Whether somebody else has taken away what was in force; then nothing is, and all is put in force anew. */
    gboolean (*lost)(NwfilterHost *host);
} NwfilterBackend;

/** The driver's own, of nwfilter_host_new(). */
void *nwfilter_host_priv(const NwfilterHost *host);
