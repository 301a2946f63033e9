/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Filters of guests' interfaces: for hypervisors' drivers.
 */
#pragma once
#include "model/domain_def.h"

/** Put the filter that @iface names in force on its device, before anything can pass there; without a filter nothing happens. @domain, @uuid:
 * of the guest. 0, or -1 with an error. [worker] */
int nwfilter_plug(const DomainInterface *iface, const char *domain, const guint8 uuid[16]);
/** Take it away; one that isn't there is fine. A failure is logged; the thread's error stays. [worker] */
void nwfilter_unplug(const DomainInterface *iface);
/** The filter of @now, which has the device of @old, in place of that of @old, without a moment between; with an error the old one is in
 * force. [worker] */
int nwfilter_change(const DomainInterface *now, const DomainInterface *old, const char *domain, const guint8 uuid[16]);

/** For a guest that a former daemon has started: what is in force on @iface is what it says; a filter that can't be had cuts it off. Failures
 * are logged. [worker] */
void nwfilter_settle(const DomainInterface *iface, const char *domain, const guint8 uuid[16]);

/** Whether the domain runs and has an interface with this device. */
typedef gboolean (*NwfilterLives)(const guint8 uuid[16], const char *portdev, void *opaque);
/** Take away the bindings of guests that are gone: a hypervisor's driver calls it when it knows which guests of a former daemon go on.
 * Failures are logged. [worker] */
void nwfilter_sweep(NwfilterLives lives, void *opaque);
