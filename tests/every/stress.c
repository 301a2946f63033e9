/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Threads that make random calls, out of all that a driver serves, on one connection and on the same objects: for the thread
 * sanitizer to watch. Uses nothing but the public API.
 *
 *   stress URI SECONDS [SEED]
 *
 * Prints how many calls were made; a thread that doesn't come back in time ends the program with a message that says where
 * it is.
 */
#include "every.h"
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define RENEW 16             /* one in so many times a thread takes new handles */
#define TIDY 64              /* one in so many of those times it removes what the calls made */
#define PATIENCE_SECONDS 60  /* for the last calls to come back */

typedef struct Caller {
    virConnectPtr conn;
    pthread_t thread;
    unsigned int seed;
    const char *function;    /* atomic: at work; NULL: done */
    unsigned long calls, succeeded;
} Caller;

static time_t end;
static int loop_stops;       /* atomic */
static _Thread_local Caller *self;

void report(const Fixture *x, bool success)
{
    (void) x;
    self->calls++;
    self->succeeded += success;
}

static void quiet(void *opaque, virErrorPtr error)
{
    (void) opaque;
    (void) error;
}

static void tick(int timer, void *opaque)
{
    (void) timer;
    (void) opaque;
}

static void *run_loop(void *opaque)
{
    (void) opaque;
    while (!__atomic_load_n(&loop_stops, __ATOMIC_ACQUIRE))
        virEventRunDefaultImpl();
    return NULL;
}

static size_t count_calls(void)
{
    size_t n = 0;
    while (every_calls[n].name)
        n++;
    return n;
}

/* Names are taken by what was made under them: without this, hardly a call would succeed after a while. */
static void tidy(virConnectPtr conn)
{
    virStoragePoolPtr *pools = NULL;
    remove_domains(conn);
    int n = virConnectListAllStoragePools(conn, &pools, 0);
    for (int i = 0; i < n; i++) {
        if (strcmp(virStoragePoolGetName(pools[i]), "default-pool") != 0 && virStoragePoolDestroy(pools[i]) == 0)
            virStoragePoolUndefine(pools[i]);
        virStoragePoolFree(pools[i]);
    }
    free(pools);
}

static void *run_calls(void *opaque)
{
    size_t n = count_calls();
    self = opaque;
    Fixture *x = open_fixture(self->conn, NULL);
    while (time(NULL) < end) {
        const Call *call = &every_calls[(size_t) rand_r(&self->seed) % n];
        __atomic_store_n(&self->function, call->name, __ATOMIC_RELEASE);
        x->function = call->name;
        virResetLastError();
        call->call(x);
        virStreamAbort(x->stream); /* if that has bound it: else this thread would wait for itself, to use the same volume */
        if (rand_r(&self->seed) % RENEW == 0) {
            close_fixture(x);
            if (rand_r(&self->seed) % TIDY == 0)
                tidy(self->conn);
            x = open_fixture(self->conn, NULL);
        }
    }
    close_fixture(x);
    __atomic_store_n(&self->function, NULL, __ATOMIC_RELEASE);
    return NULL;
}

/* Wait for a thread, not for ever. */
static void join(Caller *caller)
{
    struct timespec until = { .tv_sec = end + PATIENCE_SECONDS };
    if (pthread_timedjoin_np(caller->thread, NULL, &until) == 0)
        return;
    const char *function = __atomic_load_n(&caller->function, __ATOMIC_ACQUIRE);
    fprintf(stderr, "stress: a thread does not come back from %s\n", function ? function : "its end");
    abort();
}

int main(int argc, char **argv)
{
    Caller callers[THREADS] = { 0 };
    pthread_t loop;
    unsigned long calls = 0, succeeded = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: stress URI SECONDS [SEED]\n");
        return 2;
    }
    unsigned int seed = argc > 3 ? (unsigned int) strtoul(argv[3], NULL, 10) : (unsigned int) time(NULL);
    printf("seed %u\n", seed);
    virSetErrorFunc(NULL, quiet);
    virEventRegisterDefaultImpl();
    virEventAddTimeout(20, tick, NULL, NULL); /* so that the loop sees that it shall stop */
    virConnectPtr conn = virConnectOpen(argv[1]);
    if (!conn) {
        fprintf(stderr, "stress: cannot open %s: %s\n", argv[1], virGetLastErrorMessage());
        return 1;
    }
    end = time(NULL) + atoi(argv[2]);
    pthread_create(&loop, NULL, run_loop, NULL);
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (Caller) { .conn = conn, .seed = seed + (unsigned int) i };
        pthread_create(&callers[i].thread, NULL, run_calls, &callers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        join(&callers[i]);
        calls += callers[i].calls;
        succeeded += callers[i].succeeded;
    }
    int alive = virConnectIsAlive(conn);
    if (alive != 1)
        fprintf(stderr, "stress: the connection was lost: %s\n", virGetLastErrorMessage());
    virConnectClose(conn);
    __atomic_store_n(&loop_stops, 1, __ATOMIC_RELEASE);
    pthread_join(loop, NULL);
    printf("%lu calls, %lu succeeded\n", calls, succeeded);
    return alive != 1;
}
