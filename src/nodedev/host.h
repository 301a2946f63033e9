/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The devices of one driver.
 */
#pragma once
#include "core/managed.h"
#include "core/objects.h"
#include "nodedev/backend.h"

/** New host without devices. @backend must live as long; a reference of @bus is taken. */
NodedevHost *nodedev_host_new(const NodedevBackend *backend, void *priv, EventBus *bus);
/** Forget the devices. No call may be under way. Accepts NULL. */
void nodedev_host_free(NodedevHost *host);

ManagedTable *nodedev_host_devices(const NodedevHost *host);
const NodedevBackend *nodedev_host_backend(const NodedevHost *host);

/** A running device that passes @wanted, when it is told of; caller unrefs. NULL: it wasn't in time; sets no error. [worker] */
Managed *nodedev_host_wait_for(NodedevHost *host, ManagedPass wanted, void *opaque, guint timeout_ms);
/** The devices, for a call: waits until those are known that were there in the beginning. [worker] */
ManagedTable *nodedev_host_wait(NodedevHost *host);
