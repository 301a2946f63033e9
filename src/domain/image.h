/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Images of saved guests: a header, the definition of the run, and what the backend writes of the guest's memory.
 *
 *   offset  size
 *        0    16  what it is: the backend's word ("LibvirtQemud") and "Save", or "Part" until it is complete
 *       16     4  version, 2 (numbers are little-endian)
 *       20     4  length of the part with the definition
 *       24     4  1: the guest ran when it was saved
 *       28     4  compression of the memory: 0 none
 *       32     4  where the cookie begins in the part with the definition, 0: there is none
 *       36    56  unused
 *       92        the definition and a NUL, the cookie and a NUL, room for a longer definition, then the memory
 *
 * An image that is marked as partial is left alone by everybody; it came from a daemon or host that died.
 */
#pragma once
#include "domain/domain_obj.h"

/** What an image tells before its memory. */
typedef struct Image {
    int fd;              /* at the memory; -1: none */
    char *xml;           /* the definition, of a domain that doesn't run; with secrets */
    char *cookie;        /* what its writer added; NULL: nothing */
    gboolean running;    /* to run on when it is restored */
    guint32 compression;
    guint32 room;        /* length of the part with definition and cookie */
} Image;

#define IMAGE_INIT { .fd = -1 }
void image_clear(Image *image);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Image, image_clear)

/** An image whose writer died: of no use to anybody. */
#define IMAGE_INCOMPLETE (-2)

/** Read the head of an image. 0; -1: VIR_ERR_SYSTEM_ERROR if it can't be read or is too short, VIR_ERR_OPERATION_FAILED
 * if it is none of this hypervisor; IMAGE_INCOMPLETE with VIR_ERR_OPERATION_FAILED. */
int image_open(DomainHost *host, const char *path, Image *image);

/** Begin an image at @path, marked as partial. Returns a descriptor (caller closes) that stands where the memory goes;
 * -1 with an error. */
int image_begin(DomainHost *host, const char *path, const char *xml, gboolean running);
/** All is written: mark it as complete and have it on the disk. 0 or -1. */
int image_finish(DomainHost *host, const char *path, int fd);

/** Put another definition and mark into an image. @xml must fit into the room of the old one. 0, or -1. */
int image_rewrite(DomainHost *host, const char *path, const Image *old, const char *xml, gboolean running);
