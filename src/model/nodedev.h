/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about node devices that the tables in schema/ can't say, and what a device can do.
 */
#pragma once
#include "model/nodedev_def.h"

/** Check the description of a device that exists. 0, or -1 with an error whose text begins with the path of what is wrong. */
int nodedev_complete(NodedevDef *def);

/** The same for a virtual port or mediated device that is to be made; its name need not be known. */
int nodedev_complete_new(NodedevDef *def);

/** What a device can do: bits VIR_CONNECT_LIST_NODE_DEVICES_CAP_xxx. */
unsigned int nodedev_caps(const NodedevDef *def);
/** The bit of a capability's name, as "pci" or "fc_host"; 0 if there is none such. */
unsigned int nodedev_cap_flag(const char *name);

/** What is said of a SCSI host; NULL if the device isn't one or that isn't said. */
const NodedevScsiHostSubcap *nodedev_scsi_host(const NodedevDef *def, NodedevScsiHostSubcapType type);
/** The mediated device; NULL if the device is none. */
const NodedevMdev *nodedev_mdev(const NodedevDef *def);

/** Whether @def is the Fibre Channel host with these world wide names; NULL: any. */
bool nodedev_has_wwn(const NodedevDef *def, const char *wwnn, const char *wwpn, const char *fabric_wwn);
