/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random bytes from the kernel.
 */
#pragma once
#include <stddef.h>

/** Fill @buffer with @len unpredictable bytes. Never fails (waits only while the kernel has not booted its pool). */
void random_bytes(void *buffer, size_t len);
