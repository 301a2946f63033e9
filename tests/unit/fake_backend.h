/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A backend for tests of the domain core: its guests are real processes (sleep) that keep real files; what they answer
 * is the test's choice.
 */
#pragma once
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "domain/connect.h"
#include "domain/def_cache.h"
#include "domain/functions.h"
#include "domain/host.h"
#include "domain/persist.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct FakeRules {
    gint fail_start;     /* start() fails */
    gint hang_stats;     /* requests for statistics are kept unanswered */
    gint refuse_stats;   /* they are refused at once */
    gint hang_pause;     /* pause() doesn't return while set and the guest lives */
    gint hang_reconnect; /* reconnect() doesn't return while set */
    char *status_at_cont; /* the status file when cont() was called last, if it exists */
    GMutex lock;
    GPtrArray *held;     /* kept requests */
    gint starts, cleanups, reconnects; /* how often */
} FakeRules;

typedef struct FakeHeld { Guest *guest; GuestStatsFunc done; void *opaque; } FakeHeld;

typedef struct FakeHost {
    DomainHost *host;
    FakeRules rules;
    Loop *loop;
    GThread *thread;
    Pool *pool;
    virConnectPtr conn;
    HypervisorDriver table;
} FakeHost;

static FakeRules *fake_rules(Guest *guest)
{
    return guest_host_priv(guest);
}

static int fake_start(Guest *guest, DomainDef *def, const StartOptions *options)
{
    const char *const argv[] = { "sleep", "1000", NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    int pidfd;
    spec.argv = argv;
    g_atomic_int_inc(&fake_rules(guest)->starts);
    if (g_atomic_int_get(&fake_rules(guest)->fail_start)) {
        error_report(VIR_FROM_NONE, VIR_ERR_INTERNAL_ERROR, "fake: no start today");
        return -1;
    }
    guest->pid = process_spawn(&spec, &pidfd);
    if (guest->pid < 0)
        return -1;
    guest->priv = g_memdup2(&pidfd, sizeof(pidfd));
    g_free(def->title);
    def->title = g_strdup_printf("pid %d", (int) guest->pid); /* something that only the run knows */
    if (options->restore_fd >= 0) {
        char memory[16] = "";
        g_assert_cmpint(read(options->restore_fd, memory, sizeof(memory)), ==, 6);
        g_assert_cmpstr(memory, ==, "memory");
    }
    return 0;
}

static int fake_reconnect(Guest *guest, DomainDef *def, GuestCondition *condition)
{
    int pidfd = process_open(guest->pid);
    g_atomic_int_inc(&fake_rules(guest)->reconnects);
    while (g_atomic_int_get(&fake_rules(guest)->hang_reconnect))
        g_usleep(1000);
    guest->priv = g_memdup2(&pidfd, sizeof(pidfd));
    *condition = (GuestCondition) { VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED };
    return pidfd < 0 ? -1 : 0;
}

static int fake_succeed(Guest *guest)
{
    return 0;
}

static int fake_cont(Guest *guest)
{
    FakeRules *rules = fake_rules(guest);
    g_clear_pointer(&rules->status_at_cont, g_free);
    if (host_paths(guest->host)) {
        g_autofree char *path = persist_path(host_paths(guest->host)->state, guest->name, "xml");
        g_file_get_contents(path, &rules->status_at_cont, NULL, NULL);
    }
    return 0;
}

G_GNUC_UNUSED static int fake_save(Guest *guest, int fd, unsigned int flags)
{
    return file_write_all(fd, "memory", 6);
}

static int fake_pause(Guest *guest)
{
    while (g_atomic_int_get(&fake_rules(guest)->hang_pause)) {
        if (g_atomic_int_get(&guest->killed)) {
            error_report(VIR_FROM_NONE, VIR_ERR_OPERATION_FAILED, "fake: guest is gone");
            return -1;
        }
        g_usleep(1000);
    }
    return 0;
}

static int fake_shutdown(Guest *guest, GuestStopMode mode)
{
    guest_upcall_shutdown(guest, TRUE, FALSE);
    return 0;
}

static int fake_kill(Guest *guest, gboolean graceful, gint64 grace_ms)
{
    return guest->priv ? process_stop(*(int *) guest->priv, graceful ? grace_ms : 0, 5000, NULL) : 0;
}

static void fake_cleanup(Guest *guest, const DomainDef *def)
{
    g_atomic_int_inc(&fake_rules(guest)->cleanups);
}

static void fake_free(Guest *guest)
{
    if (*(int *) guest->priv >= 0)
        close(*(int *) guest->priv);
    g_free(guest->priv);
}

static void fake_stats(Guest *guest, unsigned int groups, gint64 deadline_ms, GuestStatsFunc done, void *opaque)
{
    FakeRules *rules = fake_rules(guest);
    if (g_atomic_int_get(&rules->hang_stats) && (groups & ~GUEST_STATS_HOST_SIDE)) {
        FakeHeld *held = g_new0(FakeHeld, 1);
        *held = (FakeHeld) { guest_ref(guest), done, opaque };
        g_mutex_lock(&rules->lock);
        g_ptr_array_add(rules->held, held);
        g_mutex_unlock(&rules->lock);
        return;
    }
    if (g_atomic_int_get(&rules->refuse_stats) && (groups & ~GUEST_STATS_HOST_SIDE)) {
        error_report(VIR_FROM_NONE, VIR_ERR_OPERATION_FAILED, "fake: nothing is told today");
        done(guest, NULL, opaque);
        return;
    }
    g_autoptr(GuestStats) stats = guest_stats_new(groups);
    stat_set(&stats->cpu_time, 5);
    stat_set(&stats->balloon_current, 777);
    done(guest, stats, opaque);
}

/* Answer what was kept, with statistics or with none. */
G_GNUC_UNUSED static void fake_release(FakeHost *f, gboolean with_stats)
{
    g_mutex_lock(&f->rules.lock);
    GPtrArray *held = f->rules.held;
    f->rules.held = g_ptr_array_new();
    g_mutex_unlock(&f->rules.lock);
    for (guint i = 0; i < held->len; i++) {
        FakeHeld *h = held->pdata[i];
        g_autoptr(GuestStats) stats = guest_stats_new(GUEST_STATS_BALLOON);
        stat_set(&stats->balloon_current, 888);
        h->done(h->guest, with_stats ? stats : NULL, h->opaque);
        guest_unref(h->guest);
        g_free(h);
    }
    g_ptr_array_unref(held);
}

static void fake_describe(DomainHost *host, const DomainDef *def, DomainMachineInfo *info)
{
    *info = (DomainMachineInfo) { .pci_root = DOMAIN_PCI_ROOT_NONE };
}

/* Tests may give it more, before they make a host of it. */
static DomainBackend fake_backend = {
    .name = "FAKE", .folder = "qemu", .describe = fake_describe, .start = fake_start, .reconnect = fake_reconnect,
    .cont = fake_cont, .pause = fake_pause, .shutdown = fake_shutdown, .reset = fake_succeed, .kill = fake_kill,
    .cleanup = fake_cleanup, .guest_free = fake_free, .stats = fake_stats,
};

static void *fake_loop_thread(void *opaque)
{
    loop_run(opaque);
    return NULL;
}

static FakeHost *fake_host_new(const char *root)
{
    FakeHost *f = g_new0(FakeHost, 1);
    f->rules.held = g_ptr_array_new();
    f->loop = loop_new();
    f->thread = g_thread_new("loop", fake_loop_thread, f->loop);
    f->pool = pool_new("fake", 1, 8, 1);
    f->host = host_new(&(HostSetup) { .backend = &fake_backend, .priv = &f->rules, .loop = f->loop, .pool = f->pool,
                                      .root = root, .privileged = TRUE });
    g_assert_nonnull(f->host);
    core_functions_fill(&f->table, &fake_backend);
    f->conn = connect_new();
    f->conn->hypervisor = &f->table;
    connect_attach(f->conn, f->host, NULL);
    return f;
}

/* As if the daemon ended: guests go on. */
static void fake_host_free(FakeHost *f)
{
    connect_detach(f->conn);
    object_unref(f->conn);
    pool_free(f->pool);
    host_free(f->host);
    loop_quit(f->loop);
    g_thread_join(f->thread);
    loop_free(f->loop);
    g_ptr_array_unref(f->rules.held);
    g_free(f->rules.status_at_cont);
    g_free(f);
}

static char *fake_xml(const char *name, guint number)
{
    g_autofree char *escaped = g_markup_escape_text(name, -1);
    return g_strdup_printf("<domain type='qemu'><name>%s</name><uuid>3a57d2d6-fb20-404d-b591-%012x</uuid>"
                           "<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os>"
                           "</domain>", escaped, number);
}

G_GNUC_UNUSED static virDomainPtr fake_define(FakeHost *f, const char *name, guint number)
{
    g_autofree char *xml = fake_xml(name, number);
    return f->table.domain_define_xml(f->conn, xml);
}
