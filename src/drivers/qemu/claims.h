/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a guest may contain, found out by asking those who would start it: a small definition that has the thing is completed,
 * checked and turned into a command line. So no list can claim what the command builder refuses, nor forget what it can.
 */
#pragma once
#include "drivers/qemu/caps.h"

/** Whom the question is about. */
typedef struct {
    const QemuCaps *caps;
    const char *arch;            /* an emulator of 64 bits runs guests of 32, too */
    const QemuMachine *machine;
    gboolean kvm;
} ClaimTarget;

/** Whether a guest could be started that has @top (elements beside <devices>, NULL: none) and @device (elements in it, NULL:
 * none). Both are literal XML. No file is opened, nothing of the host is looked at; this thread's error is gone afterwards. */
gboolean qemu_can_start(const ClaimTarget *target, const char *top, const char *device);

/** The same, and the command line is another than without it: for what a builder that doesn't know it would leave out. */
gboolean qemu_can_start_with_effect(const ClaimTarget *target, const char *top, const char *device);
