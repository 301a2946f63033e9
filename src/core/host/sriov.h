/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Network cards that make several of themselves (SR-IOV): which virtual functions a card has, and which card a function is of.
 * @sysfs is "/sys", or the tree of a test. Nothing here waits.
 */
#pragma once
#include "model/domain_def.h"

/** The virtual functions of network device @device, in the order of their numbers: array of PciAddress, caller unrefs. NULL with an error
 * that says how to make some if it has none. */
GArray *sriov_functions(const char *sysfs, const char *device);
/** The network device of the card that virtual function @pci is of, and its number there; caller frees. NULL with an error, also if @pci
 * is none (VIR_ERR_CONFIG_UNSUPPORTED). */
char *sriov_parent(const char *sysfs, const PciAddress *pci, guint *number);
/** The network device that the host has of a PCI device; NULL without an error if it has none. Caller frees. */
char *sriov_net_device(const char *sysfs, const PciAddress *pci);
