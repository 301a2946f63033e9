/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libtally.so, for LD_PRELOAD: counts which public functions a program calls, in the file that TALLY names. Calls between our
 * libraries don't count. The file is shared by all processes that the program starts, and it lives on if they die.
 */
#include "tally.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static TallyRecord *records;

static void __attribute__((constructor)) open_file(void)
{
    const char *path = getenv("TALLY");
    size_t size = tally_count * sizeof(TallyRecord);
    if (!path)
        return;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0 && ftruncate(fd, (off_t) size) == 0)
        records = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!records || records == MAP_FAILED) {
        perror(path);
        abort();
    }
    close(fd);
    for (unsigned int i = 0; i < tally_count; i++)
        strncpy(records[i].name, tally_functions[i].name, sizeof(records[i].name) - 1);
}

/* libvirt.so.0 and its siblings, and the modules libvirt_driver_NAME.so. */
static int is_ours(const void *address)
{
    Dl_info info;
    if (!dladdr(address, &info) || !info.dli_fname)
        return 0;
    const char *slash = strrchr(info.dli_fname, '/'), *base = slash ? slash + 1 : info.dli_fname;
    return strncmp(base, "libvirt", 7) == 0 && strstr(base, ".so");
}

static void *find(const TallyFunction *function)
{
    void *library = dlopen(function->library, RTLD_LAZY | RTLD_NOLOAD);
    void *real = library ? dlvsym(library, function->name, function->version) : NULL;
    if (!real) {
        fprintf(stderr, "tally: %s of %s: %s\n", function->name, function->library, dlerror());
        abort();
    }
    dlclose(library); /* whoever called holds it */
    return real;
}

void *tally_call(unsigned int number, int valid, const void *from)
{
    void *real = __atomic_load_n(&tally_found[number], __ATOMIC_RELAXED);
    if (!real) {
        real = find(&tally_functions[number]);
        __atomic_store_n(&tally_found[number], real, __ATOMIC_RELAXED);
    }
    if (records && valid && !is_ours(from))
        __atomic_add_fetch(&records[number].calls, 1, __ATOMIC_RELAXED);
    return real;
}
