/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What QEMU says when it fails, in terms of the definition: which element was meant, what kind of error it is, and what mends it.
 */
#pragma once
#include <sys/types.h>
#include "model/domain_def.h"

/** Set the thread's error by what QEMU wrote before it ended: @words, valid UTF-8, its last lines. The error begins with the place
 * in @def that QEMU's option was made of, where that can be told. A failure that is known gets its own code and tells the mend;
 * one that carries an errno is VIR_ERR_SYSTEM_ERROR; any other is VIR_ERR_INTERNAL_ERROR with @words whole.
 * @uid and @gid: as whom QEMU runs. -1. */
int qemu_failure_report(const DomainDef *def, const char *words, uid_t uid, gid_t gid);
