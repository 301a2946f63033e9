/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The image that a volume holds, with all that it is based on, opened for a program that reads it. What images say of their bases is
 * believed only as far as it names volumes of active pools; the program gets descriptors, and opens by name only what we know to be such a
 * volume that a server keeps.
 */
#pragma once
#include "storage/backend.h"

typedef struct SourceChain {
    GArray *fds;        /* of int, owned */
    GPtrArray *keys;    /* of char *, owned: objects of QEMU that are passphrases, of encrypted images and of servers */
    GPtrArray *remote;  /* of char *, owned: what servers keep of it */
    GString *spec;      /* "json:…", what qemu-img takes as a source */
    guint first_id;     /* of keys and servers: another chain that the same program gets has those below */
} SourceChain;

/** Open @vol, which @def describes, to read. 0; -1 with an error: the chain leads out of the pools, bites its tail, a head can't be
 * believed, or QEMU can't do what it wants. */
int source_chain_open(SourceChain *chain, StorageVol *vol, const StorageVolDef *def);
/** The same with @fd, which is copied, as an image that is changed by itself: @vol, or a copy of it. A base that is no volume is left
 * away. */
int source_chain_open_fd(SourceChain *chain, StorageVol *vol, const StorageVolDef *def, int fd);
/** The same with @content of a volume that a server keeps. */
int source_chain_open_content(SourceChain *chain, StorageVol *vol, const StorageVolDef *def, StorageContent *content);
/** The same with what @vol, which @def describes and which isn't made yet, is to be based on. */
int source_chain_open_base(SourceChain *chain, StorageVol *vol, const StorageVolDef *def);
/** Add the bytes of @content, known to people as @path, to what a program gets: the JSON object that QEMU's block layer takes, the caller's to
 * free. A descriptor is taken from @content. NULL with an error, also if they are part of the chain already. */
char *source_chain_add(SourceChain *chain, StorageContent *content, const char *path);
void source_chain_clear(SourceChain *chain);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SourceChain, source_chain_clear)
