/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all drivers of core/node.h have in common: they begin and end with the process that owns state, and connections to
 * NAME:///system and NAME:///session have what the node has, but no guests.
 */
#pragma once
#include "core/driver.h"

typedef struct NodeDriver {
    const char *name;       /* scheme of its URIs, and in messages */
    const char *type;       /* what virConnectGetType() answers; NULL: the name */
    int error_domain;       /* VIR_FROM_xxx */
    /** As those of StateDriver; @busy may be NULL. */
    int (*start)(const StateContext *ctx);
    void (*stop)(void);
    gboolean (*busy)(void);
} NodeDriver;

/** Register it, once, before connections are opened; @driver must live as long as the process. */
void node_driver_register(const NodeDriver *driver);
