/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CPUs as QEMU tells them, in the words of domain XML.
 */
#pragma once
#include "drivers/qemu/caps.h"
#include "model/cpu_x86.h"
#include "model/domain_def.h"

/** Who makes processors of @model (a QEMU model, with or without its version); NULL: nobody in particular, or unknown. */
const char *qemu_cpu_vendor(const char *model);

/** Our name of a feature that QEMU calls @name; @name itself if it has none. */
const char *qemu_cpu_feature_name(const char *name);

/** What the fullest CPU of @accel has. FALSE if it isn't known. @vendor: of it, NULL if unknown. */
gboolean qemu_cpu_fullest(const QemuAccel *accel, CpuSet *set, const char **vendor);

/** Name of the model that describes it best for guests of @arch; NULL if none is known or QEMU hasn't it. */
const char *qemu_cpu_base(const char *arch, const QemuAccel *accel);

/** <model>, <vendor> and <feature> elements that describe that CPU for a guest of @arch. @flags: CpuGuestFlags. NULL if
 * this can't be told; no error is set. Caller frees. */
char *qemu_cpu_describe_fullest(const char *arch, const QemuAccel *accel, unsigned flags, int indent);

/** Write out the host's model that the CPU of @def asks for, so that the guest's CPU stays what it is wherever it goes on: it becomes one
 * of a model with features, those of @def kept. Where this can't be told, and where KVM gives the host's own, it stays as it is. 0, or
 * -1 with an error. */
int qemu_cpu_settle(DomainDef *def, const QemuCaps *caps);
