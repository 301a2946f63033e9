/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices of a definition, of whatever kind: finding, adding, taking out, replacing. What is peculiar to a kind stands in the
 * table of devices.c. Internal to the domain core.
 */
#pragma once
#include "model/domain.h"

/** What can be done to devices of a kind. */
typedef enum {
    DEVICE_ATTACH_LIVE = 1 << 0, DEVICE_ATTACH_CONFIG = 1 << 1, DEVICE_DETACH_LIVE = 1 << 2, DEVICE_DETACH_CONFIG = 1 << 3,
    DEVICE_UPDATE_LIVE = 1 << 4, DEVICE_UPDATE_CONFIG = 1 << 5,
} DeviceAbility;

typedef struct DeviceKind DeviceKind;

/** A device of a definition; meant only until that changes. */
typedef struct DeviceRef {
    const XmlMember *member;  /* of DomainDevices */
    guint at;                 /* place in its list */
    void *device;             /* DomainDisk … */
} DeviceRef;

/** What is known of a device by its element's name; VIR_ERR_OPERATION_UNSUPPORTED if @ability is not among it. @verb for the
 * error: "attach". */
const DeviceKind *device_kind(const char *name, DeviceAbility ability, const char *verb);

/** The device that @wanted means, by the rules of its kind: for most, one that has all that @wanted says. 0, or -1 with
 * VIR_ERR_DEVICE_MISSING, VIR_ERR_OPERATION_FAILED if several are meant. */
int device_find(const DomainDef *def, const DeviceKind *kind, const DomainDevice *wanted, DeviceRef *ref);

/** The device of this name. FALSE if there is none; no error is set. */
gboolean device_by_alias(const DomainDef *def, const char *alias, DeviceRef *ref);

/** Put a device (@dev->device is taken over and then NULL) where it belongs in its list. -1 with VIR_ERR_OPERATION_INVALID if it
 * clashes with one that is there. */
int device_add(DomainDef *def, const DeviceKind *kind, DomainDevice *dev, DeviceRef *ref);

/** Take a device out; the caller frees it. */
DomainDevice *device_take(DomainDef *def, const DeviceRef *ref);

/** Take a device out and free it; with the first serial port goes the console that is but another view of it. */
void device_remove(DomainDef *def, const DeviceRef *ref);

/** Put @dev (taken over, see device_add()) in the place of the device @ref, whose address and alias it gets where it names none.
 * @ref means the new one then; the old one is returned. */
void *device_replace(DomainDef *def, DeviceRef *ref, DomainDevice *dev);

/** Whether a running guest's device may become @now; VIR_ERR_OPERATION_UNSUPPORTED otherwise. */
int device_check_update(const DeviceKind *kind, const DeviceRef *now, const void *old);

/** Name a device, if it has no name yet, as no other device of @def is called. */
void device_name(DomainDef *def, const char *kind, void *device);
