/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The threads of a guest's QEMU. All functions may wait for QEMU: not on the loop's thread.
 */
#pragma once
#include "drivers/qemu/backend.h"

/** All threads (guint) of a process; caller frees. Doesn't wait. */
GArray *qemu_process_tids(pid_t pid);
/** Thread of a vCPU, 0 if there is none. Doesn't wait. */
int qemu_guest_vcpu_tid(QemuGuest *qemu, guint id);
/** Threads of the I/O threads, by their numbers (GINT_TO_POINTER); caller frees. 0, or -1 with an error. */
int qemu_guest_iothread_tids(Guest *guest, GHashTable **tids);
/** All threads (guint) that are neither vCPUs nor these; caller frees. */
GArray *qemu_guest_emulator_tids(Guest *guest, GHashTable *iothreads);

/** Have the threads run on the CPUs and by the schedulers that @def wants. 0, or -1 with an error. */
int qemu_guest_place_threads(Guest *guest, const DomainDef *def);
/** The same for a vCPU, which may have come just now. */
int qemu_guest_place_vcpu(Guest *guest, const DomainDef *def, guint id);

/** Have an I/O thread follow what its definition gives. 0, or -1 with an error. */
int qemu_guest_set_iothread_params(Guest *guest, const DomainIothread *thread);

int qemu_backend_pin(Guest *guest, DomainDef *def, GuestThread thread, guint id, const Bitmap *cpus);
int qemu_backend_set_iothread(Guest *guest, DomainDef *def, guint id, gboolean exists);
