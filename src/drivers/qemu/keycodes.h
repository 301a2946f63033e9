/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Key codes of the public API as QEMU's numbers.
 */
#pragma once

/** QEMU's number of key @code in @codeset (virKeycodeSet). -1 with VIR_ERR_INVALID_ARG (no such key) or
 * VIR_ERR_ARGUMENT_UNSUPPORTED (code set). */
int keycode_to_qemu(unsigned int codeset, unsigned int code);
