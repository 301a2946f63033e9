/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's devices. Internal to this folder.
 */
#pragma once
#include "base/loop.h"
#include "base/threadpool.h"
#include "nodedev/host.h"

typedef struct NodedevWatch NodedevWatch;

typedef struct NodedevNode {
    NodedevHost *host;
    Loop *loop;
    Pool *pool;
    gboolean privileged;
    NodedevWatch *watch;
} NodedevNode;

extern const NodedevBackend nodedev_node_backend;

/* Devices that come, change and go (watch.c) */

/** Begin to tell of the host's devices: those that are there, and from then on what udev says. Devices are read on a worker, one
 * after the other; nodedev_host_settled() tells when those that were there are known. NULL with an error. */
NodedevWatch *nodedev_watch_new(NodedevNode *node);
/** Nothing is told any more; a device may still be read on a worker. Accepts NULL. */
void nodedev_watch_stop(NodedevWatch *watch);
/** After the workers have ended. Accepts NULL. */
void nodedev_watch_free(NodedevWatch *watch);
/** Read the devices anew that mediated devices come from: what they offer has changed. */
void nodedev_watch_look(NodedevWatch *watch, const char *syspath);

/* Mediated devices (mdev.c): with the program mdevctl, which keeps their definitions */

char *mdev_name(NodedevHost *host, const NodedevDef *def, const NodedevDef *parent);
int mdev_keep(NodedevHost *host, const NodedevDef *old, const NodedevDef *config);
int mdev_set_autostart(NodedevHost *host, const NodedevDef *def, gboolean on);
int mdev_start(NodedevHost *host, NodedevDef *def);
int mdev_stop(const NodedevDef *def);
/** Tell of the devices that mdevctl has definitions of. What can't be read is logged. [worker] */
void mdev_load(NodedevNode *node);
