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

/** Append what there is of Intel's TDX (@tdx: guests of it can be started), AMD's SEV, Intel's SGX. */
void domcaps_add_secure(DomcapsText *t, gboolean tdx);

/** Names of numbers in what QEMU tells of SEV. */
#define QEMU_SEV_CBITPOS "cbitpos"
#define QEMU_SEV_REDUCED_PHYS_BITS "reduced-phys-bits"
guint qemu_sev_number(const QemuCaps *caps, const char *name);
/** For how many guests of SEV, and of SEV-ES, this host's processors have keys. FALSE: they don't tell. */
gboolean qemu_sev_guests(guint *plain, guint *encrypted_state);

/** Append <cpu>. */
void domcaps_add_cpu(DomcapsText *t);
