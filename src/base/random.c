/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random bytes. A system without getrandom() can't make keys or identities, so there is no second way.
 */
#include "base/random.h"

#include <errno.h>
#include <glib.h>
#include <sys/random.h>

void random_bytes(void *buffer, size_t len)
{
    char *at = buffer;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            g_error("the kernel gives no random bytes: %s", g_strerror(errno));
        at += n;
        len -= n;
    }
}
