/* SPDX-License-Identifier: LGPL-2.1-or-later
 * libFuzzer target: bytes as the head of an image. Seeds: images of qemu-img. Build with clang and -Dfuzz=true.
 */
#include "storage/image_head.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_auto(ImageHead) head = { 0 };
    g_autofree guint8 *copy = g_memdup2(data, size); /* so that a byte too many is seen */

    image_head_read(&head, copy, size, size);
    if ((head.backing && !g_utf8_validate(head.backing, -1, NULL)) || !head.format || (head.has_capacity && head.capacity > G_MAXINT64))
        abort();
    return 0;
}
