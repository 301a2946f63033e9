/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The measured side of the benchmark: a C program that uses nothing but the public API, so that the same binary runs
 * on any implementation of libvirt.so.0. Each command prints one line of JSON: {"name": ..., "ns": [...]}, one
 * figure per round; run.py makes medians and ratios of them.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    const char *why = virGetLastErrorMessage();
    fprintf(stderr, "bench/client: %s: %s\n", what, why ? why : "no reason given");
    exit(1);
}

static void quiet(void *opaque, virErrorPtr err)
{
    (void) opaque;
    (void) err;
}

static virConnectPtr open_uri(const char *uri)
{
    virConnectPtr conn = virConnectOpen(uri);
    if (!conn)
        die(uri);
    return conn;
}

static bool first_figure;

static void begin(const char *name)
{
    printf("{\"name\": \"%s\", \"ns\": [", name);
    first_figure = true;
}

static void figure(int64_t ns)
{
    printf("%s%" PRId64, first_figure ? "" : ", ", ns);
    first_figure = false;
}

static void end(void)
{
    puts("]}");
}

/* A round is BATCH calls: one figure for one call of some microseconds would be mostly clock. */
enum { BATCH = 200 };

static void roundtrip(virConnectPtr conn, int rounds, const char *argument)
{
    (void) argument;
    begin("roundtrip");
    for (int i = 0; i < rounds; i++) {
        unsigned long version;
        int64_t start = now_ns();
        for (int k = 0; k < BATCH; k++) {
            if (virConnectGetLibVersion(conn, &version) < 0)
                die("virConnectGetLibVersion");
        }
        figure((now_ns() - start) / BATCH);
    }
    end();
}

static void free_list(virDomainPtr *list, int n)
{
    for (int i = 0; i < n; i++)
        virDomainFree(list[i]);
    free(list);
}

static void list(virConnectPtr conn, int rounds, const char *argument)
{
    (void) argument;
    begin("list");
    for (int i = 0; i < rounds; i++) {
        virDomainPtr *domains = NULL;
        int64_t start = now_ns();
        int n = virConnectListAllDomains(conn, &domains, 0);
        if (n < 0)
            die("virConnectListAllDomains");
        free_list(domains, n);
        figure(now_ns() - start);
    }
    end();
}

static void xmldesc(virConnectPtr conn, int rounds, const char *argument)
{
    virDomainPtr domain = virDomainLookupByName(conn, argument);
    if (!domain)
        die(argument);
    begin("xmldesc");
    for (int i = 0; i < rounds; i++) {
        int64_t start = now_ns();
        for (int k = 0; k < BATCH; k++) {
            char *xml = virDomainGetXMLDesc(domain, 0);
            if (!xml)
                die("virDomainGetXMLDesc");
            free(xml);
        }
        figure((now_ns() - start) / BATCH);
    }
    end();
    virDomainFree(domain);
}

/* Read a template and put a number wherever it has a '%'; NULL ends the program. */
static char *instance(const char *path, int number)
{
    static char text[65536], out[131072];
    size_t len, used = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    for (size_t i = 0; i < len && used < sizeof(out) - 16; i++) {
        if (text[i] == '%')
            used += (size_t) snprintf(out + used, 16, "%d", number);
        else
            out[used++] = text[i];
    }
    out[used] = '\0';
    return out;
}

static void define(virConnectPtr conn, int rounds, const char *template)
{
    begin("define");
    for (int i = 0; i < rounds; i++) {
        const char *xml = instance(template, i);
        int64_t start = now_ns();
        virDomainPtr domain = virDomainDefineXML(conn, xml);
        if (!domain)
            die("virDomainDefineXML");
        figure(now_ns() - start);
        if (virDomainUndefine(domain) < 0)
            die("virDomainUndefine");
        virDomainFree(domain);
    }
    end();
}

/* Rounds that aren't counted: a short run is else mostly the first use of memory and libraries. */
enum { WARM_UP = 20 };

/* A document to a definition and back; @conn should be one that keeps nothing on disk. */
static void describe(virConnectPtr conn, int rounds, const char *path)
{
    const char *xml = instance(path, 0);
    begin("describe");
    for (int i = -WARM_UP; i < rounds; i++) {
        int64_t start = now_ns();
        virDomainPtr domain = virDomainDefineXML(conn, xml);
        char *told = domain ? virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE) : NULL;
        if (i >= 0)
            figure(now_ns() - start);
        if (!told || virDomainUndefine(domain) < 0)
            die(path);
        free(told);
        virDomainFree(domain);
    }
    end();
}

/* Paused guests come and go; prints two lines. */
static void start_stop(virConnectPtr conn, int rounds, const char *template)
{
    int64_t *gone = calloc((size_t) rounds, sizeof(*gone));
    begin("create");
    for (int i = 0; i < rounds; i++) {
        const char *xml = instance(template, i);
        int64_t start = now_ns();
        virDomainPtr domain = virDomainCreateXML(conn, xml, VIR_DOMAIN_START_PAUSED);
        if (!domain)
            die("virDomainCreateXML");
        figure(now_ns() - start);
        start = now_ns();
        if (virDomainDestroy(domain) < 0)
            die("virDomainDestroy");
        gone[i] = now_ns() - start;
        virDomainFree(domain);
    }
    end();
    begin("destroy");
    for (int i = 0; i < rounds; i++)
        figure(gone[i]);
    end();
    free(gone);
}

/* Leaves @rounds paused guests behind for `stats`. */
static void many(virConnectPtr conn, int rounds, const char *template)
{
    begin("many");
    for (int i = 0; i < rounds; i++) {
        int64_t start = now_ns();
        virDomainPtr domain = virDomainCreateXML(conn, instance(template, i), VIR_DOMAIN_START_PAUSED);
        if (!domain)
            die("virDomainCreateXML");
        figure(now_ns() - start);
        virDomainFree(domain);
    }
    end();
}

static void stats(virConnectPtr conn, int rounds, const char *argument)
{
    int want = argument ? atoi(argument) : 0;
    begin("stats");
    for (int i = 0; i < rounds; i++) {
        virDomainStatsRecordPtr *records = NULL;
        int64_t start = now_ns();
        int n = virConnectGetAllDomainStats(conn, 0, &records, VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE);
        if (n < want)
            die("virConnectGetAllDomainStats");
        figure(now_ns() - start);
        virDomainStatsRecordListFree(records);
    }
    end();
}

static int64_t event_at;
static int event_wanted;

static int on_event(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
    (void) conn;
    (void) domain;
    (void) detail;
    (void) opaque;
    if (event == event_wanted)
        event_at = now_ns();
    return 0;
}

static void pump_until_event(void)
{
    while (!event_at) {
        if (virEventRunDefaultImpl() < 0)
            die("virEventRunDefaultImpl");
    }
}

/* Between stop and cont: so that on both sides the guest is really running when it is to be stopped, which takes
 * QEMU longer than to stop one that has hardly begun. */
static void let_it_run(void)
{
    nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
}

/* From the call of one client to the event at another; both live in this thread, the call does not pump the
 * other's connection, so what is measured is the longer of reply and event. */
static void events(virConnectPtr conn, int rounds, const char *name)
{
    virConnectPtr second = open_uri(getenv("BENCH_URI"));
    virDomainPtr domain = virDomainLookupByName(conn, name);
    int id = virConnectDomainEventRegisterAny(second, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                              VIR_DOMAIN_EVENT_CALLBACK((void (*)(void)) on_event), NULL, NULL);
    if (!domain || id < 0)
        die(name);
    begin("event");
    for (int i = 0; i < rounds; i++) {
        int64_t start;
        bool resume = i % 2 == 0;
        event_wanted = resume ? VIR_DOMAIN_EVENT_RESUMED : VIR_DOMAIN_EVENT_SUSPENDED;
        event_at = 0;
        let_it_run();
        start = now_ns();
        if ((resume ? virDomainResume(domain) : virDomainSuspend(domain)) < 0)
            die("suspend or resume");
        pump_until_event();
        figure(event_at - start);
    }
    end();
    virConnectDomainEventDeregisterAny(second, id);
    virDomainFree(domain);
    virConnectClose(second);
}

static void count(virConnectPtr conn, int rounds, const char *argument)
{
    (void) rounds;
    (void) argument;
    begin("count");
    figure(virConnectNumOfDefinedDomains(conn));
    end();
}

static const struct {
    const char *name;
    void (*run)(virConnectPtr conn, int rounds, const char *argument);
} commands[] = {
    { "roundtrip", roundtrip }, { "list", list }, { "xmldesc", xmldesc }, { "define", define },
    { "describe", describe }, { "create", start_stop }, { "many", many }, { "stats", stats }, { "events", events }, { "count", count },
};

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: client URI COMMAND ROUNDS [ARGUMENT]\n");
        return 2;
    }
    virSetErrorFunc(NULL, quiet);
    setenv("BENCH_URI", argv[1], 1);
    if (virEventRegisterDefaultImpl() < 0)
        die("virEventRegisterDefaultImpl");
    virConnectPtr conn = open_uri(argv[1]);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[2]) == 0) {
            commands[i].run(conn, atoi(argv[3]), argc > 4 ? argv[4] : NULL);
            virConnectClose(conn);
            return 0;
        }
    }
    fprintf(stderr, "bench/client: no command '%s'\n", argv[2]);
    return 2;
}
