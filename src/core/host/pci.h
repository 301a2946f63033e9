/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PCI devices of the host that guests get: who has them. @sysfs is "/sys", or the tree of a test. Each function may block, and
 * answers 0, or -1 with an error that names the device.
 */
#pragma once
#include "model/domain_def.h"

/** The driver that has devices while guests have them. */
#define PCI_GUEST_DRIVER "vfio-pci"
/** Where the kernel tells of the devices. */
#define HOST_SYSFS "/sys"

/** "0000:01:00.0"; caller frees. */
char *pci_name(const PciAddress *pci);
/** The driver that has the device; NULL if none has, or there is no such device. Caller frees. */
char *pci_driver(const char *sysfs, const PciAddress *pci);

/** Take the device from its driver and give it to @driver (NULL: PCI_GUEST_DRIVER). One that has it already is fine. */
int pci_detach(const char *sysfs, const PciAddress *pci, const char *driver);
/** Let the kernel choose the driver that fits. */
int pci_reattach(const char *sysfs, const PciAddress *pci);
/** Reset the device. Refused with VIR_ERR_OPERATION_INVALID while a driver of the host has it. */
int pci_reset(const char *sysfs, const PciAddress *pci);
