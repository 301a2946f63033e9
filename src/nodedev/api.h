/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the public functions share. Internal to this room. Arguments have been checked by the entry points; flags are
 * checked here.
 */
#pragma once
#include "base/error.h"
#include "nodedev/functions.h"

static inline NodedevHost *nodedev_api_host(virConnectPtr conn) { return managed_table_priv(conn->tables->nodedevs); }

/** The devices, when they are known. */
static inline ManagedTable *nodedev_api_devices(virConnectPtr conn) { return nodedev_host_wait(nodedev_api_host(conn)); }

/** Definition in force, of a state; belongs to the state. */
static inline const NodedevDef *nodedev_def(const ManagedState *state) { return definition_get(managed_definition(state)); }

/* Functions that make, change and remove devices (api_make.c). */
virNodeDevicePtr nodedev_create_xml(virConnectPtr conn, const char *xml, unsigned int flags);
virNodeDevicePtr nodedev_define_xml(virConnectPtr conn, const char *xml, unsigned int flags);
int nodedev_create(virNodeDevicePtr dev, unsigned int flags);
int nodedev_destroy(virNodeDevicePtr dev);
int nodedev_undefine(virNodeDevicePtr dev, unsigned int flags);
int nodedev_update(virNodeDevicePtr dev, const char *xml, unsigned int flags);
int nodedev_set_autostart(virNodeDevicePtr dev, int autostart);
int nodedev_dettach(virNodeDevicePtr dev);
int nodedev_detach_flags(virNodeDevicePtr dev, const char *driver, unsigned int flags);
int nodedev_reattach(virNodeDevicePtr dev);
int nodedev_reset(virNodeDevicePtr dev);
