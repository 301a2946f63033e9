/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TPMs that the program swtpm emulates, one process for each. Their state lies in a folder of the domain, by its UUID, and belongs to
 * swtpm's user; swtpm_setup makes it at the first start.
 */
#pragma once
#include "domain/backend.h"

/** Name of the helper that serves @tpm (which has its alias). Caller frees. */
char *qemu_tpm_helper(const DomainTpm *tpm);

/** Make the state of each emulated TPM that has none, and start its emulator. 0, or -1 with an error. [worker] */
int qemu_tpm_start_all(Guest *guest, const DomainDef *def);

/** Remove the state of a domain that is gone, unless it is to be kept: by its definition, or by @flags (virDomainUndefineFlagsValues).
 * [worker] */
void qemu_tpm_forget(DomainHost *host, const DomainDef *def, unsigned int flags);
