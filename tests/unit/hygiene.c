/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Linked into every unit test: a descriptor that is open when the program ends, and was not when it began,
 * fails the test. (Memory is watched by the sanitizer, everything else by the runner.)
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WATCHED_DESCRIPTORS = 4096, LEAK_STATUS = 98 };

static bool open_before[WATCHED_DESCRIPTORS];

/* GLib's worker thread keeps its wake-up event for ever; libraries may keep a source of randomness. */
static bool belongs_to_library(const char *target)
{
    return strcmp(target, "anon_inode:[eventfd]") == 0 || strcmp(target, "/dev/urandom") == 0;
}

/* Call @each for every open descriptor but the one that is needed for looking; gives the sum of its answers. */
static int look_at_descriptors(int (*each)(int fd))
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int sum = 0;
    if (!dir) {
        perror("hygiene: /proc/self/fd");
        _exit(LEAK_STATUS);
    }
    while ((entry = readdir(dir))) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(dir) && fd < WATCHED_DESCRIPTORS)
            sum += each(fd);
    }
    closedir(dir);
    return sum;
}

static int remember(int fd)
{
    open_before[fd] = true;
    return 1;
}

static int complain(int fd)
{
    char path[64], target[256];
    ssize_t len;
    if (open_before[fd])
        return 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    len = readlink(path, target, sizeof(target) - 1);
    if (len < 0)
        return 0;
    target[len] = '\0';
    if (belongs_to_library(target))
        return 0;
    fprintf(stderr, "hygiene: descriptor %d (%s) was left open\n", fd, target);
    return 1;
}

__attribute__((constructor)) static void hygiene_begin(void)
{
    look_at_descriptors(remember);
}

__attribute__((destructor)) static void hygiene_end(void)
{
    if (look_at_descriptors(complain) > 0) {
        fflush(NULL);
        _exit(LEAK_STATUS);
    }
}
