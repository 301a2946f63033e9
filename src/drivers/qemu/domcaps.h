/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files that write <domainCapabilities>.
 */
#pragma once
#include "drivers/qemu/claims.h"

typedef struct {
    GString *xml;
    ClaimTarget target;
    const QemuAccel *accel;  /* of the target */
    unsigned int flags;      /* virConnectGetDomainCapabilitiesFlags */
} DomcapsText;

/** Append text made by printf rules, with its arguments escaped. */
void domcaps_add(DomcapsText *t, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** Append <cpu>. */
void domcaps_add_cpu(DomcapsText *t);
