/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "secret/memory.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "base/error.h"

guint8 *secret_memory_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return FAIL_NULL(VIR_ERR_SYSTEM_ERROR, "cannot get memory for a secret: %s", g_strerror(errno));
    if (madvise(memory, size, MADV_DONTDUMP) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot keep a secret out of core dumps");
        munmap(memory, size);
        return NULL;
    }
    /* Where the limit is reached, swap is the administrator's to encrypt: failing would lose the value for certain. */
    (void) !mlock(memory, size);
    return memory;
}

void secret_memory_free(guint8 *memory, size_t size)
{
    if (!memory)
        return;
    explicit_bzero(memory, size);
    munmap(memory, size);
}
