/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a guest's interfaces have on the host: tap devices on a bridge, macvtap devices, ports of networks.
 */
#pragma once
#include <glib.h>
#include "model/domain_def.h"
#include "qemu.h"

/** Make or open the device of each interface that needs one, connect it, and append its descriptors (one per queue) to @fds, which
 * are the caller's also if this fails. Names and ports that were chosen are put into @def. 0, or -1 with an error; then the
 * guest's tap_down() takes away what was made before. [worker] */
int tap_open_all(DomainDef *def, const QemuConf *conf, GArray *fds);
/** Have the limits of traffic of a running guest's interface in force, also at its network. [worker] */
int tap_set_limits(const DomainDef *def, const DomainInterface *net);
/** Have an interface of a running guest as @now, which was @old and has its device: other limits, VLANs, another bridge. @now gets what its
 * network gives it. [worker] */
int tap_update(const DomainDef *def, const QemuConf *conf, DomainInterface *now, const DomainInterface *old);
/** Plug an interface into its network, which was stopped and started. The bridge that it is in, caller frees; NULL if there was nothing to
 * do, or with an error. [worker] */
char *tap_plug_again(const DomainDef *def, const QemuConf *conf, const DomainInterface *net);
/** The interface of the domain of that name and UUID is gone: take away what it had, and run the script for that, if it names one.
 * Failures are logged; the thread's error stays. [worker] */
void tap_down(const char *domain, const guint8 uuid[16], const DomainInterface *net);
