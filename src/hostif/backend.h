/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a kind of host must be able to do for its interfaces. The functions may block; no lock is held while they run, and those
 * on one interface run one at a time. Each returns 0, or -1 with the error set. A member that is NULL: nothing needs to be
 * done.
 */
#pragma once
#include "core/managed.h"
#include "model/interface.h"

typedef struct HostifBackend {
    int (*check)(ManagedTable *table, HostInterfaceDef *def, const HostInterfaceDef *old);
    int (*start)(Managed *iface, HostInterfaceDef *live);
    int (*stop)(Managed *iface, const HostInterfaceDef *live);
    int (*keep)(Managed *iface, const HostInterfaceDef *old, const HostInterfaceDef *config); /* see ManagedBackend */
    /** Bring the table up to what the host has now (managed_observe()); before every answer, so it must be cheap if nothing changed. */
    int (*look)(ManagedTable *table);
    /** A change of everything that can be taken back; all of them or none. NULL: the definitions are kept in memory. */
    int (*change_begin)(ManagedTable *table);
    int (*change_commit)(ManagedTable *table);
    int (*change_rollback)(ManagedTable *table);
    unsigned int rules;        /* ManagedRules */
} HostifBackend;
