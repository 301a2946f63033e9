/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files that fill the driver's table.
 */
#pragma once
#include "base/error.h"
#include "core/driver.h"
#include "drivers/qemu/backend.h"

/** The driver that serves a connection. */
QemuDriver *qemu_driver_of(virConnectPtr conn);

/** Refuse all flags but @allowed: return @failure from the calling function. */
#define QEMU_CHECK_FLAGS(flags, allowed, failure) do { \
        if (error_check_flags(ERROR_DOMAIN, __func__, (flags), (allowed)) < 0) \
            return (failure); \
    } while (0)

/** Calls about processors. */
void qemu_driver_fill_cpu(HypervisorDriver *driver);
void qemu_driver_fill_facts(HypervisorDriver *driver);
