/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the first bytes of an image tell: format, size, what it is based on. No I/O. All of it may have been written by a guest or an
 * enemy: nothing is read outside of the given bytes, and what can't be is a problem that is told, not a value.
 */
#pragma once
#include "model/storage.h"

/** So many bytes of an image hold all that is looked at. */
#define IMAGE_HEAD_BYTES 65536

typedef struct ImageHead {
    StorageVolFormat format;     /* RAW where nothing else is recognized */
    gboolean has_mark;           /* it begins as some kind of image does, also as one that has no name as a volume's format */
    StorageEncryptionFormat encryption;  /* UNSET: none */
    gboolean has_capacity;       /* FALSE: as many bytes as the file has */
    guint64 capacity;
    char *backing;               /* what it is based on, in the image's words; NULL: nothing */
    StorageVolFormat backing_format;     /* UNSET: the image doesn't tell */
    char *data_file;             /* qcow2: where the data are; NULL: in the image */
    const char *compat;          /* qcow2: "0.10" or "1.1" */
    gboolean lazy_refcounts, extended_l2;
    guint64 cluster_size;        /* qcow2 */
    char *problem;               /* why the head can't be believed, for messages: "its cluster size is 2^77"; NULL: it can */
} ImageHead;

/** Read the @len first bytes of an image of @size bytes. image_head_clear() frees what is in @head. */
void image_head_read(ImageHead *head, const guint8 *data, gsize len, guint64 size);
void image_head_clear(ImageHead *head);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImageHead, image_head_clear)

/** Whether the name of a base says more than a path: "nbd://…", "json:…". */
gboolean image_name_is_protocol(const char *name);
