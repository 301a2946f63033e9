/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes that somebody keeps, to be read and written at any place: behind a descriptor of this host, or with a server that only its own
 * protocol reaches. All functions may block.
 */
#pragma once
#include <glib.h>

typedef struct StorageContent StorageContent;

/** What a kind of content can do. @at and lengths are bytes; none ever reaches behind what @size says. A member that is NULL can't be
 * done, unless it says more. */
typedef struct StorageContentOps {
    /** Bytes that were read, at most @n; 0: here it ends. -1 with an error. */
    gssize (*read)(StorageContent *content, guint64 at, void *buffer, gsize n);
    /** Bytes that were written, 1 to @n; -1 with an error. */
    gssize (*write)(StorageContent *content, guint64 at, const void *buffer, gsize n);
    /** Make @length bytes read as zeros, and give back what they took where that can be done. 0, or -1 with an error. */
    int (*zero)(StorageContent *content, guint64 at, guint64 length);
    /** Tell that nothing of it all is needed any more. 0, or -1 with an error. */
    int (*discard)(StorageContent *content);
    /** Whether there is data at @at, or nothing but zeros, and for how long, at most @length; a shorter stretch than there is may be told,
     * but not none: 0 bytes are the content's end. 0, or -1 with an error. NULL: all is data. */
    int (*extent)(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data);
    /** What was written is kept. 0, or -1 with an error. NULL: it is at once. */
    int (*flush)(StorageContent *content);
    /** What QEMU's block layer is told to open it by itself, without any passphrase: a JSON object, the caller's to free. Where a
     * passphrase is needed it is named there @key, and is *@secret, the caller's (secret_value_free()); else that stays NULL.
     * NULL with an error. Never NULL where there is no descriptor. */
    char *(*describe)(StorageContent *content, const char *key, guint8 **secret, gsize *secret_size);
    /** Free what the content has, but not itself. */
    void (*close)(StorageContent *content);
} StorageContentOps;

/** The beginning of every kind of content. */
struct StorageContent {
    gint refs;
    const StorageContentOps *ops;
    guint64 size;       /* bytes that can be read, or written; G_MAXUINT64: no limit */
    int fd;             /* the descriptor behind it; -1: none */
    gboolean is_zero;   /* it was just made: what nobody has written reads as zeros */
};

/** Allocate one of a kind, whose struct has @struct_size bytes and begins with a StorageContent; the rest is zero. */
void *content_new(gsize struct_size, const StorageContentOps *ops, guint64 size);
#define CONTENT_NEW(type, ops, size) ((type *) content_new(sizeof(type), (ops), (size)))
/** Of a file or block device, @fd, which is taken over. @size: as in the struct. */
StorageContent *content_new_fd(int fd, guint64 size);
StorageContent *content_ref(StorageContent *content);
/** The last one closes it. */
void content_unref(StorageContent *content);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageContent, content_unref)
/** Its descriptor, which is the caller's from now on and ends with the content otherwise; -1: there is none. */
int content_take_fd(StorageContent *content);

/** As the members of StorageContentOps, whose absence is dealt with. */
gssize content_read(StorageContent *content, guint64 at, void *buffer, gsize n);
gssize content_write(StorageContent *content, guint64 at, const void *buffer, gsize n);
int content_zero(StorageContent *content, guint64 at, guint64 length);
int content_discard(StorageContent *content);
int content_extent(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data);
int content_flush(StorageContent *content);

/** All of @n bytes, fewer only at the end. Bytes, or -1 with an error. */
gssize content_read_all(StorageContent *content, guint64 at, void *buffer, gsize n);
/** All of @n bytes. 0, or -1 with an error. */
int content_write_all(StorageContent *content, guint64 at, const void *buffer, gsize n);
