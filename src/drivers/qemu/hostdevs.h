/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices of the host before and after a guest has them.
 */
#pragma once
#include "core/host/pci.h"
#include "model/domain_def.h"

/** Which guest has which device of the host. The caller's lock guards it. g_hash_table_unref() frees it. */
GHashTable *hostdevs_table_new(void);

/** Note down that the guest called @owner has the PCI and USB devices of @def. 0; -1 with VIR_ERR_OPERATION_INVALID if another has one, and
 * it has none of @def. */
int hostdevs_claim(GHashTable *table, const DomainDef *def, const char *owner);
/** The guest that has a PCI device; NULL if none has. Belongs to the table. */
const char *hostdevs_pci_owner(GHashTable *table, const PciAddress *pci);
/** It has those of @def no more. */
void hostdevs_release_of(GHashTable *table, const DomainDef *def, const char *owner);
/** It has none any more. */
void hostdevs_release(GHashTable *table, const char *owner);

/** Find the USB devices that @def names by vendor and product, and put their places into it. One that is missing is taken out of @def
 * if its startupPolicy allows that. @sysfs: "/sys". 0, or -1 with an error. */
int hostdevs_find_usb(DomainDef *def, const char *sysfs);

/** Take the PCI devices with managed='yes' from the host's drivers and give them to the driver for guests; when one can't be had the
 * others are given back. @sysfs: "/sys". 0, or -1 with an error. */
int hostdevs_detach_pci(const DomainDef *def, const char *sysfs);
/** Give them back to the host's drivers. What can't be done is logged. */
void hostdevs_reattach_pci(const DomainDef *def, const char *sysfs);
