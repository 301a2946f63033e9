/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PHP loads its modules with RTLD_DEEPBIND, which the address sanitizer refuses. Preloaded, this takes the flag away.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

void *dlopen(const char *path, int flags)
{
    void *(*next)(const char *, int) = (void *(*) (const char *, int)) dlsym(RTLD_NEXT, "dlopen");
    return next(path, flags & ~RTLD_DEEPBIND);
}
