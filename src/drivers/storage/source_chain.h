/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The image that a volume holds, with all that it is based on, opened for a program that reads it. What images say of their bases is
 * believed only as far as it names volumes of active pools; the program gets descriptors, and opens nothing by name.
 */
#pragma once
#include "storage/backend.h"

typedef struct SourceChain {
    GArray *fds;        /* of int, owned */
    GPtrArray *keys;    /* of char *, owned: objects of QEMU that are the passphrases of encrypted images */
    GString *spec;      /* "json:…", what qemu-img takes as a source */
} SourceChain;

/** Open @vol, which @def describes, to read. 0; -1 with an error: the chain leads out of the pools, bites its tail, a head can't be
 * believed, or QEMU can't do what it wants. */
int source_chain_open(SourceChain *chain, StorageVol *vol, const StorageVolDef *def);
/** The same with @fd, which is copied, as an image that is changed by itself: @vol, or a copy of it. A base that is no volume is left
 * away. */
int source_chain_open_fd(SourceChain *chain, StorageVol *vol, const StorageVolDef *def, int fd);
void source_chain_clear(SourceChain *chain);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SourceChain, source_chain_clear)
