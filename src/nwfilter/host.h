/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The network filters and bindings of one driver.
 */
#pragma once
#include "core/managed.h"
#include "core/objects.h"
#include "nwfilter/backend.h"

/** New host without filters. @backend must live as long; a reference of @bus is taken. */
NwfilterHost *nwfilter_host_new(const NwfilterBackend *backend, void *priv, EventBus *bus);
/** Forget everything; what is in force stays so. No call may be under way. Accepts NULL. */
void nwfilter_host_free(NwfilterHost *host);

/** Read what a former daemon has left (managed_table_keep() was called for both tables), and put all bindings in force at once; one whose
 * filter can't be had is cut off, and logged. 0, or -1 with an error; then the bindings are known, but what the firewall has is not
 * theirs until the next change. */
int nwfilter_host_load(NwfilterHost *host);
/** The same if the firewall has lost what was in force. */
int nwfilter_host_renew(NwfilterHost *host);

ManagedTable *nwfilter_host_filters(const NwfilterHost *host);
ManagedTable *nwfilter_host_bindings(const NwfilterHost *host);

/** Define a filter, or give it a new definition, which is in force on all interfaces at once. @def is taken over in any case. A
 * reference, or NULL with an error: VIR_ERR_OPERATION_FAILED for a circle of references or another's name or UUID. */
Managed *nwfilter_host_define(NwfilterHost *host, NwfilterDef *def, const char *api);
/** VIR_ERR_OPERATION_INVALID if a binding needs the filter. */
int nwfilter_host_undefine(NwfilterHost *host, const guint8 uuid[16], const char *api);

/** How a binding is made. */
typedef enum {
    NWFILTER_BIND_REPLACE = 1 << 0, /**< in place of the one that the interface has, without a moment between; with an error that stays */
    NWFILTER_BIND_ANYHOW = 1 << 1,  /**< an interface whose filter can't be had is cut off, which is logged and no error */
} NwfilterBind;

/** Put a filter in force. @def is taken over in any case. @how: NwfilterBind. A reference, or NULL with VIR_ERR_OPERATION_FAILED if the
 * interface has a binding, VIR_ERR_INTERNAL_ERROR if a filter that it needs is missing. */
Managed *nwfilter_host_bind(NwfilterHost *host, NwfilterBindingDef *def, guint how, const char *api);
int nwfilter_host_unbind(NwfilterHost *host, const char *portdev, const char *api);
