/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc/block.h"
#include <stddef.h>

/* Enough for a few streams at a time; all that a process keeps for them. */
#define KEPT_MAX 8
/* Less is cheap. */
#define KEEP_MIN 16384

typedef struct Block {
    gboolean kept;      /* of RPC_BLOCK bytes */
    max_align_t data[];
} Block;

static GMutex lock;
static Block *kept[KEPT_MAX];
static guint n_kept;

uint8_t *rpc_block_new(size_t size)
{
    Block *block = NULL;
    gboolean keep = size >= KEEP_MIN && size <= RPC_BLOCK;
    if (keep) {
        g_mutex_lock(&lock);
        if (n_kept)
            block = kept[--n_kept];
        g_mutex_unlock(&lock);
    }
    if (!block) {
        block = g_malloc(sizeof(*block) + (keep ? RPC_BLOCK : size));
        block->kept = keep;
    }
    return (uint8_t *) block->data;
}

void rpc_block_free(uint8_t *data)
{
    Block *block = data ? (Block *) (data - sizeof(Block)) : NULL;
    if (block && block->kept) {
        g_mutex_lock(&lock);
        if (n_kept < KEPT_MAX) {
            kept[n_kept++] = block;
            block = NULL;
        }
        g_mutex_unlock(&lock);
    }
    g_free(block);
}
