/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory for large packets. What carries the data of streams is needed again at once, a thousand times a second, often on another
 * thread: some of it is kept, since fresh memory costs as much as the copy of what is put there.
 */
#pragma once
#include <glib.h>
#include <stdint.h>

/** Blocks of up to this size are used again: the packets of all streams, whoever sends them. */
#define RPC_BLOCK (256 * 1024 + 64)

/** Memory for @size bytes, not cleared; rpc_block_free(). Any thread. */
uint8_t *rpc_block_new(size_t size);
/** Accepts NULL. Any thread. */
void rpc_block_free(uint8_t *block);
