/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A guest of the test driver, and the parts of the backend that play its system (test_guest.c, test_agent.c).
 */
#pragma once
#include "domain/backend.h"

#define TEST_MAX_VCPUS 32
/** The time in a guest when it starts, in seconds since 1970. */
#define TEST_TIME 627319920

typedef struct TestGuest {
    gint64 started_ms;
    GMutex lock;           /* guards the following */
    Bitmap *offline;       /* vCPUs that the guest's system doesn't use */
    guint frozen;          /* file systems: bit masks of test_agent.c */
    long long seconds;     /* its time stands still */
    unsigned int nseconds;
    GHashTable *keys;      /* user -> GStrv */
} TestGuest;

/* test_guest.c: seen from outside */
int test_block_info(DomainHost *host, Guest *guest, const DomainDisk *disk, virDomainBlockInfoPtr info);
int test_block_peek(DomainHost *host, const DomainDisk *disk, unsigned long long offset, size_t size, void *buffer);
int test_memory_peek(Guest *guest, unsigned long long start, size_t size, void *buffer, gboolean is_virtual);
int test_block_resize(Guest *guest, const DomainDisk *disk, unsigned long long bytes);
int test_disk_errors(Guest *guest, const DomainDef *def, int *codes);
int test_cpu_stats(Guest *guest, int cpu, TypedList *list);
int test_addresses(Guest *guest, const DomainDef *def, unsigned int source, virDomainInterfacePtr **ifaces);
int test_screenshot(Guest *guest, const DomainDef *def, unsigned int screen, char **mime);
int test_signal(Guest *guest, long long pid, unsigned int signum);

/* test_agent.c: from inside */
int test_filesystems(Guest *guest, virDomainFSInfoPtr **info);
int test_freeze(Guest *guest, const char **mountpoints, unsigned int n, gboolean freeze);
int test_trim(Guest *guest, const char *mountpoint, unsigned long long minimum);
int test_time(Guest *guest, long long *seconds, unsigned int *nseconds);
int test_set_time(Guest *guest, long long seconds, unsigned int nseconds, gboolean sync);
int test_password(Guest *guest, const char *user, const char *password, gboolean encrypted);
int test_keys(Guest *guest, const char *user, char ***keys);
int test_set_keys(Guest *guest, const char *user, const char **keys, unsigned int n, GuestKeysMode mode);
int test_agent_timeout(Guest *guest, int timeout);
int test_agent_info(Guest *guest, unsigned int type, TypedList *list);
int test_sleep(Guest *guest, unsigned int target);
int test_wake(Guest *guest);
int test_agent_vcpus(Guest *guest, Bitmap **possible, Bitmap **online, Bitmap **offlinable);
int test_agent_set_vcpus(Guest *guest, const Bitmap *vcpus, gboolean online);
