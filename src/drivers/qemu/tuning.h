/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a guest gets of the host, by control groups. A guest whose definition wants none of it has no group: that costs nothing at its
 * start. It gets one when it is first wanted. Not on the loop's thread.
 */
#pragma once
#include "drivers/qemu/backend.h"

/** What groups of the guest are called in the kernel, "qemu-1-web": letters, digits and a few signs of its name, as systemd could
 * name a machine. Caller frees. */
char *qemu_guest_group_name(const Guest *guest);
/** Refuse what this host can't do; before the start. 0, or -1 with an error. */
int qemu_check_tuning(const DomainDef *def);
/** Limits of the whole process, as soon as there is one. 0, or -1 with an error. */
int qemu_guest_tune_process(Guest *guest, const DomainDef *def);
/** Limits of single threads, once they are known; again when there are more. 0, or -1 with an error. */
int qemu_guest_tune_threads(Guest *guest, const DomainDef *def);
/** Have the guest, which had what @before says, follow the parameters of one group that were set in @def. 0, or -1 with an error. */
int qemu_guest_tune_again(Guest *guest, const DomainDef *def, const DomainDef *before, const ParamGroup *group);
/** Remove its groups; the process is gone. */
void qemu_guest_untune(Guest *guest, const DomainDef *def);
