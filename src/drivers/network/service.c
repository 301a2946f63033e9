/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * dnsmasq, one process for each network that hands out addresses or names.
 *
 * It goes into the background by itself once it serves, so its start tells at once whether it can; it outlives the daemon, and
 * is found again by the file in which it writes its id. One that ends by itself is started again, after a pause that grows
 * with each end and is forgotten after a while of quiet service.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.dnsmasq"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "core/host/host.h"
#include "drivers/network/leases.h"
#include "drivers/network/network_driver.h"
#include "drivers/network/rival.h"

#define START_MS 20000
#define STOP_GRACE_MS 2000
#define STOP_MS 5000
#define MAX_OUTPUT 65536
#define MAX_CMDLINE 65536
#define MAX_CONF (16 * 1024 * 1024)
#define PAUSE_MIN_MS 500
#define PAUSE_MAX_MS 60000
/* Of service without an end, after which the pause is forgotten. */
#define QUIET_MS 300000

/* One network's. The table has a reference, and so has each watch and timer. */
typedef struct Service {
    gint refs;
    NetworkNode *node;
    char *name;             /* of the network */
    /* guarded by node->lock */
    pid_t pid;
    int pidfd;              /* -1: it doesn't run */
    ProcessWatch *watch;
    LoopTimer *timer;
    gint64 started_us;
    guint pause_ms;
} Service;

static Service *service_ref(Service *service)
{
    g_atomic_int_inc(&service->refs);
    return service;
}

static void service_unref(void *opaque)
{
    Service *service = opaque;
    if (!g_atomic_int_dec_and_test(&service->refs))
        return;
    if (service->pidfd >= 0)
        close(service->pidfd);
    g_free(service->name);
    g_free(service);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Service, service_unref)

/* ---- files ---- */

DnsmasqFiles *service_files(const NetworkNode *node, const NetworkDef *net)
{
    DnsmasqFiles *files = g_new0(DnsmasqFiles, 1);
    files->conf = g_strdup_printf("%s/%s.conf", node->lib, net->name);
    files->hosts = g_strdup_printf("%s/%s.hostsfile", node->lib, net->name);
    files->names = g_strdup_printf("%s/%s.addnhosts", node->lib, net->name);
    files->pid = g_strdup_printf("%s/%s.pid", node->state, net->name);
    return files;
}

void service_files_free(DnsmasqFiles *files)
{
    if (!files)
        return;
    g_free(files->conf);
    g_free(files->hosts);
    g_free(files->names);
    g_free(files->pid);
    g_free(files);
}

static int write_file(const char *path, char *text)
{
    int rc = file_replace_quickly(path, text, strlen(text), 0644);
    g_free(text);
    return rc;
}

/* Whether the configuration is another one than that on the disk, @conf the new one. */
static bool is_changed(const DnsmasqFiles *files, const char *conf)
{
    g_autofree char *old = NULL;
    size_t len;
    if (file_read_optional(files->conf, MAX_CONF, &old, &len) < 0)
        virResetLastError();
    return g_strcmp0(conf, old) != 0;
}

/* dnsmasq reads the names of hosts as a user without rights. */
static void check_reach(const NetworkDef *net, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct stat st;
    while (strcmp(folder, "/") != 0 && stat(folder, &st) == 0) {
        if (!(st.st_mode & S_IXOTH))
            LOG_WARN("network '%s': dnsmasq can't read its hosts, as other users may not enter '%s': 'chmod o+x %s' mends that", net->name,
                     folder, folder);
        char *above = g_path_get_dirname(folder);
        g_free(folder);
        folder = above;
    }
}

/* What is read again without a restart. */
static int write_hosts(const NetworkDef *net, const DnsmasqFiles *files)
{
    check_reach(net, files->hosts);
    return write_file(files->hosts, dnsmasq_hosts(net)) < 0 || write_file(files->names, dnsmasq_names(net)) < 0 ? -1 : 0;
}

/* ---- the process ---- */

/* Whether a process was started with this configuration. */
static bool serves(pid_t pid, const DnsmasqFiles *files)
{
    g_autofree char *cmdline = NULL, *wanted = g_strdup_printf("--conf-file=%s", files->conf);
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", (int) pid);
    size_t len = 0;
    bool same = false;
    if (file_read_optional(path, MAX_CMDLINE, &cmdline, &len) > 0) {
        for (const char *arg = cmdline; arg < cmdline + len; arg += strlen(arg) + 1)
            same |= strcmp(arg, wanted) == 0;
    }
    virResetLastError();
    return same;
}

/* A descriptor of the process if it serves with this configuration; else -1 without an error. */
static int open_process(pid_t pid, const DnsmasqFiles *files)
{
    int pidfd = pid > 1 ? process_open(pid) : -1;
    if (pidfd < 0 || serves(pid, files)) /* looked at when it can't become another one any more */
        return pidfd;
    close(pidfd);
    return -1;
}

/* The process that serves with this configuration; -1 without an error if there is none. */
static int find_process(const DnsmasqFiles *files, pid_t *pid)
{
    g_autofree char *text = NULL;
    size_t len = 0;
    if (file_read_optional(files->pid, 64, &text, &len) > 0)
        *pid = (pid_t) g_ascii_strtoll(text, NULL, 10);
    virResetLastError();
    return text ? open_process(*pid, files) : -1;
}

/* If its address is taken: by whom. Always -1. */
static int explain(const NetworkDef *net)
{
    g_autofree char *rival = strstr(error_message(), "already in use") ? rival_find(53, net->n_ips ? net->ips[0]->address : NULL) : NULL;
    g_autofree char *told = rival ? g_strdup(error_message()) : NULL;
    if (!rival)
        return -1;
    return FAIL(VIR_ERR_OPERATION_FAILED, "%s. It is %s that listens at port 53 there: let it leave the bridge alone ('bind-dynamic' and "
                "'except-interface=%s' for dnsmasq, the interfaces or addresses that it is to listen on for others), or give the network "
                "<dns enable='no'/>", told, rival, net->bridge.name);
}

static int launch(const NetworkNode *node, const NetworkDef *net, const DnsmasqFiles *files)
{
    g_autofree char *conf = g_strdup_printf("--conf-file=%s", files->conf), *script = NULL;
    g_autofree char *bridge = g_strdup_printf("VIR_BRIDGE_NAME=%s", net->bridge.name), *folder = NULL;
    g_autofree char *path_env = g_strdup_printf("PATH=%s", g_getenv("PATH") ? g_getenv("PATH") : "/usr/sbin:/usr/bin:/sbin:/bin");
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    script = g_strdup_printf("--dhcp-script=%s", leases_helper_path());
    folder = g_strdup_printf("LIBVIRT_LEASES_DIR=%s", node->lib);
    const char *const argv[] = { "dnsmasq", conf, "--leasefile-ro", script, NULL };
    const char *const env[] = { path_env, bridge, folder, NULL };
    spec.argv = argv;
    spec.env = env;
    spec.die_with_parent = true; /* the one that waits until the other serves */
    if (process_run_checked(&spec, NULL, 0, MAX_OUTPUT, START_MS, &output) == 0)
        return 0;
    error_context("network '%s' has no DHCP and DNS", net->name);
    return explain(net);
}

static void on_end(pid_t pid, const ProcessEnd *end, void *opaque);

/* Take over a running process. node->lock is held. */
static int adopt(Service *service, pid_t pid, int pidfd)
{
    service->pid = pid;
    service->pidfd = pidfd;
    service->started_us = g_get_monotonic_time();
    if (!service->node->loop)
        return 0;
    service->watch = process_watch(service->node->loop, pid, pidfd, on_end, service_ref(service), service_unref);
    if (service->watch)
        return 0;
    service_unref(service);
    return -1;
}

/* Let go of the process and of what waits. node->lock is held; what is returned is removed without it. */
static void let_go(Service *service, ProcessWatch **watch, LoopTimer **timer)
{
    *watch = g_steal_pointer(&service->watch);
    *timer = g_steal_pointer(&service->timer);
}

static void forget(Service *service)
{
    ProcessWatch *watch;
    LoopTimer *timer;
    g_mutex_lock(&service->node->lock);
    let_go(service, &watch, &timer);
    int pidfd = service->pidfd;
    service->pidfd = -1;
    g_mutex_unlock(&service->node->lock);
    process_watch_remove(watch);
    if (timer)
        loop_timer_remove(timer);
    if (pidfd >= 0)
        close(pidfd);
}

static Service *find_service(NetworkNode *node, const char *name, bool make)
{
    g_mutex_lock(&node->lock);
    Service *service = g_hash_table_lookup(node->services, name);
    if (!service && make) {
        service = g_new0(Service, 1);
        *service = (Service) { .refs = 1, .node = node, .name = g_strdup(name), .pidfd = -1, .pause_ms = PAUSE_MIN_MS };
        g_hash_table_insert(node->services, service->name, service);
    }
    if (service)
        service_ref(service);
    g_mutex_unlock(&node->lock);
    return service;
}

/* ---- when it ends ---- */

static void start_again(void *opaque)
{
    g_autoptr(Service) service = opaque;
    NetworkNode *node = service->node;
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, network_host_table(node->host), NULL, service->name, __func__) == 0 && managed_active(job.state) &&
        service_ensure(node, definition_get(job.state->live)) < 0)
        LOG_ERROR("network '%s': dnsmasq can't be started again: %s", service->name, error_message());
    virResetLastError();
}

static void on_pause_over(LoopTimer *timer, void *opaque)
{
    Service *service = opaque;
    pool_submit(service->node->pool, NULL, false, start_again, service_ref(service));
}

static void on_end(pid_t pid, const ProcessEnd *end, void *opaque)
{
    Service *service = opaque;
    NetworkNode *node = service->node;
    g_mutex_lock(&node->lock);
    if (!node->closed && service->pidfd >= 0 && service->pid == pid) {
        bool quiet = g_get_monotonic_time() - service->started_us > QUIET_MS * G_GINT64_CONSTANT(1000);
        service->pause_ms = quiet ? PAUSE_MIN_MS : MIN(service->pause_ms * 2, PAUSE_MAX_MS);
        LOG_WARN("dnsmasq of network '%s' has ended; it is started again in %u ms", service->name, service->pause_ms);
        service->timer = loop_timer_add(node->loop, on_pause_over, service_ref(service), service_unref);
        if (service->timer)
            loop_timer_set(service->timer, service->pause_ms, -1);
        else
            service_unref(service);
    }
    g_mutex_unlock(&node->lock);
}

/* ---- what others call ---- */

static int stop_and_close(int pidfd)
{
    int rc = process_stop(pidfd, STOP_GRACE_MS, STOP_MS, NULL);
    close(pidfd);
    return rc;
}

/* Those that a daemon has started which was killed before they had written down their id. */
static int stop_lost(const DnsmasqFiles *files)
{
    g_autoptr(GArray) pids = host_list_numbers("/proc", "");
    for (guint i = 0; i < pids->len; i++) {
        pid_t pid = (pid_t) g_array_index(pids, guint, i);
        int pidfd = serves(pid, files) ? open_process(pid, files) : -1;
        if (pidfd >= 0 && stop_and_close(pidfd) < 0)
            return -1;
    }
    return 0;
}

static int stop_process(Service *service, const DnsmasqFiles *files)
{
    pid_t pid = 0;
    forget(service);
    int pidfd = find_process(files, &pid);
    if (pidfd >= 0)
        return stop_and_close(pidfd);
    return access(files->conf, F_OK) == 0 ? stop_lost(files) : 0;
}

/* The files are replaced while no process is there, so that none serves with another configuration than the one on the disk. */
static int serve_anew(NetworkNode *node, Service *service, const NetworkDef *net, const DnsmasqFiles *files, char *conf)
{
    if (stop_process(service, files) < 0) {
        g_free(conf);
        return -1;
    }
    return write_file(files->conf, conf) < 0 || write_hosts(net, files) < 0 || launch(node, net, files) < 0 ? -1 : 0;
}

int service_ensure(NetworkNode *node, const NetworkDef *net)
{
    g_autoptr(DnsmasqFiles) files = service_files(node, net);
    pid_t pid = 0;
    if (!dnsmasq_is_needed(net))
        return service_end(node, net);
    g_autofree char *conf = dnsmasq_conf(net, files);
    g_autoptr(Service) service = find_service(node, net->name, true);
    int pidfd = find_process(files, &pid);
    bool keep = pidfd >= 0 && !is_changed(files, conf);
    if (pidfd >= 0 && !keep) {
        close(pidfd);
        pidfd = -1;
    }
    if (keep)
        forget(service);
    if (keep ? write_hosts(net, files) < 0 || process_signal(pidfd, SIGHUP) < 0
             : serve_anew(node, service, net, files, g_steal_pointer(&conf)) < 0) {
        if (pidfd >= 0)
            close(pidfd);
        return -1;
    }
    if (!keep && (pidfd = find_process(files, &pid)) < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "network '%s': dnsmasq has started, but '%s' doesn't name it", net->name, files->pid);
    g_mutex_lock(&node->lock);
    int rc = adopt(service, pid, pidfd);
    g_mutex_unlock(&node->lock);
    return rc;
}

bool service_runs(NetworkNode *node, const NetworkDef *net)
{
    g_autoptr(DnsmasqFiles) files = service_files(node, net);
    pid_t pid = 0;
    int pidfd = find_process(files, &pid);
    if (pidfd >= 0)
        close(pidfd);
    return pidfd >= 0;
}

int service_end(NetworkNode *node, const NetworkDef *net)
{
    g_autoptr(DnsmasqFiles) files = service_files(node, net);
    g_autoptr(Service) service = find_service(node, net->name, true);
    if (stop_process(service, files) < 0)
        return -1;
    g_mutex_lock(&node->lock);
    g_hash_table_remove(node->services, net->name);
    g_mutex_unlock(&node->lock);
    const char *const paths[] = { files->conf, files->hosts, files->names, files->pid };
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        if (unlink(paths[i]) < 0 && errno != ENOENT)
            LOG_WARN("cannot remove '%s': %s", paths[i], g_strerror(errno));
    }
    leases_forget(node->lib, net->bridge.name);
    return 0;
}

static GPtrArray *all_services(NetworkNode *node)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(service_unref);
    GHashTableIter iter;
    gpointer service;
    g_mutex_lock(&node->lock);
    node->closed = TRUE;
    g_hash_table_iter_init(&iter, node->services);
    while (g_hash_table_iter_next(&iter, NULL, &service))
        g_ptr_array_add(all, service_ref(service));
    g_mutex_unlock(&node->lock);
    return all;
}

void service_detach_all(NetworkNode *node)
{
    g_autoptr(GPtrArray) all = all_services(node);
    for (guint i = 0; i < all->len; i++)
        forget(all->pdata[i]);
}

GHashTable *service_table_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, service_unref);
}
