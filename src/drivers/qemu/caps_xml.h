/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The documents that tell clients what host and emulators can do.
 */
#pragma once
#include "drivers/qemu/caps.h"

/** virConnectGetCapabilities(): host and all installed emulators. Worker threads only, as emulators may have to be asked.
 * @models: the elements <secmodel>.
 * NULL with an error. */
char *qemu_capabilities_xml(QemuCapsStore *store, const char *models);

/** virConnectGetDomainCapabilities(). Any of the strings may be NULL. @flags:
 * virConnectGetDomainCapabilitiesFlags. NULL with an error. */
char *qemu_domain_capabilities_xml(QemuCapsStore *store, const char *emulator, const char *arch, const char *machine,
                                   const char *virt_type, unsigned int flags);
