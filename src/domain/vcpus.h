/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vCPUs and I/O threads of a definition: numbers, or a list of single ones.
 */
#pragma once
#include "model/domain.h"

/** How many vCPUs there may be. How many there are: def_current_vcpus(). */
guint vcpus_max(const DomainDef *def);
/** Whether there is a vCPU @id and it is plugged. */
bool vcpu_is_plugged(const DomainDef *def, guint id);

/** CPUs of the host that vCPU @id, the emulator, I/O thread @id may run on; NULL: all. */
const Bitmap *vcpu_cpus(const DomainDef *def, guint id);
const Bitmap *emulator_cpus(const DomainDef *def);
const Bitmap *iothread_cpus(const DomainDef *def, guint id);

/** List single vCPUs, as many as there may be: the first ones are plugged and stay, the others can come and go. */
void vcpus_expand(DomainDef *def);
/** Have the number agree with the list again. */
void vcpus_recount(DomainDef *def);
/** Plug or unplug so that there are @count, at most vcpus_max(). @hotpluggable: those that come can be unplugged, so single ones are
 * listed. */
void vcpus_set_count(DomainDef *def, guint count, bool hotpluggable);
/** Note that a running guest got or lost a vCPU: single ones are listed, with the order in which they came. */
void vcpus_plug(DomainDef *def, guint id, bool on);
/** Of a list: give those that are plugged their place in the order in which they came. */
void vcpus_number(DomainDef *def);
/** Set how many there may be; those beyond go, with what is said about them. */
void vcpus_set_max(DomainDef *def, guint count);
