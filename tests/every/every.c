/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls every public function but those of libvirt-admin, on a new connection with one object of every kind, and prints what
 * came of it: `NAME ok` or `NAME CODE MESSAGE`. Most calls are generated. Uses nothing but the public API.
 *
 *   every URI [NAME...]       of the test driver, or with NAMEs what wants a guest of QEMU
 */
#include "every.h"
#include <unistd.h>

void report(const Fixture *x, bool success)
{
    virErrorPtr error = virGetLastError();
    if (success)
        printf("%s ok\n", x->function);
    else
        printf("%s %d %s\n", x->function, error ? error->code : 0, error ? error->message : "no error was set");
}

static void quiet(void *opaque, virErrorPtr error)
{
    (void) opaque;
    (void) error;
}

/* A connection to a host that has nothing of the call before. A daemon lets go of a closed connection a moment later. */
static virConnectPtr open_fresh(const char *uri)
{
    for (int tries = 0; tries < 5000; tries++) {
        virConnectPtr conn = virConnectOpen(uri);
        if (!conn) {
            fprintf(stderr, "every: cannot open %s: %s\n", uri, virGetLastErrorMessage());
            exit(1);
        }
        virDomainPtr old = virDomainLookupByName(conn, "every");
        if (!old)
            return conn;
        virDomainFree(old);
        virConnectClose(conn);
        usleep(1000);
    }
    fprintf(stderr, "every: the host of the connection before does not go\n");
    exit(1);
}

/* Calls that need another state than that of a running guest. */
static const struct { const char *prefix; int (*before)(virDomainPtr domain); } states[] = {
    { "virDomainCreateWith", virDomainDestroy }, { "virDomainRename", virDomainDestroy },
    { "virDomainSetMaxMemory", virDomainDestroy }, { "virDomainResume", virDomainSuspend },
};

static void set_state(Fixture *x)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strncmp(x->function, states[i].prefix, strlen(states[i].prefix)) == 0)
            states[i].before(x->domain);
    }
    if (strcmp(x->function, "virDomainCreate") == 0)
        virDomainDestroy(x->domain);
    if (strcmp(x->function, "virConnectDomainEventDeregister") == 0)
        virConnectDomainEventRegister(x->conn, (virConnectDomainEventCallback) ignore, NULL, NULL);
    if (strcmp(x->function, "virConnectUnregisterCloseCallback") == 0)
        virConnectRegisterCloseCallback(x->conn, (virConnectCloseFunc) ignore, NULL, NULL);
    virResetLastError();
}

static bool wanted(const char *name, char **names, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return n == 0;
}

static void make(const char *uri, const Call *call)
{
    virConnectPtr conn = open_fresh(uri);
    Fixture *x = open_fixture(conn, call->name);
    if (!x->domain || !virDomainIsActive(x->domain)) {
        fprintf(stderr, "every: cannot start a domain: %s\n", virGetLastErrorMessage());
        exit(1);
    }
    x->function = call->name;
    set_state(x);
    call->call(x);
    fflush(stdout);
    bool stays = strcmp(virConnectGetType(conn), "TEST") != 0;
    close_fixture(x);
    if (stays)
        remove_domains(conn);
    virConnectClose(conn); /* with the last one to the test driver goes the host, and with it whatever was made */
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: every URI [NAME...]\n");
        return 2;
    }
    virSetErrorFunc(NULL, quiet);
    if (wanted("virEventRegisterImpl", argv + 2, argc - 2))
        call_own_loop(argv[1]);
    virEventRegisterDefaultImpl();
    const Call *const tables[] = { every_calls, hand_calls, stream_calls };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const Call *call = tables[i]; call->name; call++) {
            if (wanted(call->name, argv + 2, argc - 2))
                make(argv[1], call);
        }
    }
    return 0;
}
