/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a driver of node devices must be able to do. All functions but name_mdev() may block; no lock is held while they run.
 * Each returns 0, or -1 with the error set. A member that is NULL: VIR_ERR_NO_SUPPORT, or where the comment says so, nothing needs
 * to be done.
 */
#pragma once
#include "core/event.h"
#include "model/nodedev.h"

typedef struct NodedevHost NodedevHost;

typedef struct NodedevBackend {
    /** Make the virtual port that @def wants on the device @parent, and nodedev_host_add() it. *@name: its name, which the caller
     * frees. */
    int (*make_vport)(NodedevHost *host, const NodedevDef *def, const NodedevDef *parent, char **name);
    /** Name of a new mediated device, which has a UUID, on @parent; caller frees. NULL with an error if @parent can't have it. NULL
     * member: there are no mediated devices. */
    char *(*name_mdev)(NodedevHost *host, const NodedevDef *def, const NodedevDef *parent);
    /** Keep the definition @config of a mediated device (NULL: none any more) in place of @old (NULL: there was none); have it begin by
     * itself. NULL: definitions last as long as the process. */
    int (*keep_mdev)(NodedevHost *host, const NodedevDef *old, const NodedevDef *config);
    int (*autostart_mdev)(NodedevHost *host, const NodedevDef *def, gboolean on);
    /** Begin a mediated device; @live may be completed. NULL: nothing to do. */
    int (*start_mdev)(NodedevHost *host, NodedevDef *live);
    /** Give a running mediated device the settings of @new. NULL: it can't be changed while it runs. */
    int (*update_mdev)(NodedevHost *host, const NodedevDef *old, const NodedevDef *new);
    /** Remove a device from the host: virtual ports and mediated devices, others are refused. */
    int (*remove)(NodedevHost *host, const NodedevDef *def);
    /** Take a device from its driver on the host, so that a guest can have it; @driver: who holds it meanwhile, NULL for the
     * default. */
    int (*detach)(NodedevHost *host, const NodedevDef *def, const char *driver);
    int (*reattach)(NodedevHost *host, const NodedevDef *def);
    int (*reset)(NodedevHost *host, const NodedevDef *def);
} NodedevBackend;

/* For backends */

/** The driver's own, of nodedev_host_new(). */
void *nodedev_host_priv(const NodedevHost *host);

/** A device has appeared; @def is taken over. 0, or -1 with VIR_ERR_OPERATION_INVALID if there is one of that name. */
int nodedev_host_add(NodedevHost *host, NodedevDef *def);
/** The same by its XML, which says what the device is like as it runs. */
int nodedev_host_add_xml(NodedevHost *host, const char *xml);
/** A device is there, and as @def says, which is taken over in any case: as nodedev_host_add(), or what changes of one that is known. */
int nodedev_host_tell(NodedevHost *host, NodedevDef *def);
/** It is gone. */
int nodedev_host_tell_gone(NodedevHost *host, const char *name);
/** The devices are being read for the first time: calls wait until they are known. */
void nodedev_host_settling(NodedevHost *host);
void nodedev_host_settled(NodedevHost *host);
/** Whether there is a device of that name. */
gboolean nodedev_host_has(NodedevHost *host, const char *name);
