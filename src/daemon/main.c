/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirtd. Theory of operation:
 *
 * Start: command line, configuration, into the background, log, PID file, sockets. The main thread then runs the
 * loop, on which all I/O happens, and a worker starts the drivers, who load their objects and find their running
 * guests with the loop's help. Only then are the sockets served (clients that come earlier wait in their
 * queues) and is whoever started us told that we are ready.
 *
 * Stop (SIGTERM, SIGINT, SIGQUIT, or idle for --timeout): connections are closed, a thread waits for the calls that
 * are under way and stops the drivers, which let go of their guests without harming them, and the loop ends. If
 * that takes longer than STOP_DEADLINE_MS, as a call may wait for a guest that doesn't answer, the process ends
 * anyway: nothing acknowledged is lost by that, as by a crash.
 *
 * SIGHUP makes the drivers read their configuration again. Starting and reloading run in one lane of the worker
 * pool, so they never overlap.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_SOURCE "daemon.main"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "bus/bus.h"
#include "core/driver.h"
#include "core/folders.h"
#include "core/hooks.h"
#include "daemon/admin.h"
#include "daemon/check.h"
#include "daemon/daemonize.h"
#include "daemon/options.h"
#include "daemon/paths.h"
#include "daemon/service.h"
#include "daemon/settings.h"
#include "daemon/sockets.h"
#include "lib/entry.h"
#include "rpc/sasl.h"

#define STOP_DEADLINE_MS 10000
#define IDLE_CHECK_MS 1000
#define LANE "daemon"
#define BUILT_PLACE "/src/daemon/libvirtd"

typedef struct {
    const Options *options;
    const DaemonPaths *paths;
    const LibvirtdConf *conf;
    bool privileged;

    Loop *loop;
    Pool *pool;
    Service *service;
    DaemonSockets sockets;
    int signal_fd;
    LoopWatch *signal_watch;
    unsigned timeout; /* seconds, 0: none */
    LoopTimer *idle_timer;
    LoopTimer *stop_timer;

    StateContext context;
    unsigned drivers_started; /* by the lane, then by the stopper */
    char *start_error;        /* NULL: the drivers started */
    char *failure;            /* why we end, for whoever started us: told when all is cleaned up */
    int64_t idle_since_ms;
    guint64 clients_ever;
    PidFile *pid_file;
    pthread_t stopper;
    bool stopping;
    bool stopper_runs;
} Daemon;

/* ---- drivers: on a worker, in the lane; never on the loop ---- */

static void load_modules(void)
{
    for (const char *const *name = driver_modules; *name; name++) {
        if (driver_module_load(*name) < 0)
            LOG_WARN("driver '%s' is not available: %s", *name, error_message());
    }
}

static bool any_driver_busy(const Daemon *daemon)
{
    for (unsigned i = 0; i < daemon->drivers_started; i++) {
        const StateDriver *driver = state_driver_nth(i);
        if (driver->busy && driver->busy())
            return true;
    }
    return false;
}

static void on_started(void *opaque);

/* A program of the administrator's that wants to know of the daemon's life. */
static void tell_hook(const Daemon *daemon, const char *operation, const char *sub, const char *extra)
{
    g_autofree char *folder = folder_of(FOLDER_CONFIG, daemon->options->root, daemon->privileged, "hooks");
    hooks_tell(folder, "daemon", &(HookCall) { NULL, operation, sub, extra }, NULL);
}

static void start_drivers(void *opaque)
{
    Daemon *daemon = opaque;
    const StateDriver *driver;
    load_modules();
    while ((driver = state_driver_nth(daemon->drivers_started))) {
        LOG_INFO("starting driver '%s'", driver->name);
        if (driver->start(&daemon->context) < 0) {
            daemon->start_error = g_strdup_printf("cannot start driver '%s': %s", driver->name, error_message());
            break;
        }
        daemon->drivers_started++;
    }
    if (!daemon->start_error)
        tell_hook(daemon, "start", NULL, "start");
    loop_call(daemon->loop, on_started, daemon);
}

static void reload_drivers(void *opaque)
{
    Daemon *daemon = opaque;
    for (unsigned i = 0; i < daemon->drivers_started; i++) {
        const StateDriver *driver = state_driver_nth(i);
        if (driver->reload)
            driver->reload();
    }
    LOG_INFO("configuration of the drivers was read again");
    tell_hook(daemon, "reload", "begin", "SIGHUP");
}

static void on_stopped(void *opaque)
{
    loop_quit(((Daemon *) opaque)->loop);
}

/* A thread of its own. Whether the calls end in time is the deadline timer's business. */
static void *stop_drivers(void *opaque)
{
    Daemon *daemon = opaque;
    pool_drain(daemon->pool, 2 * STOP_DEADLINE_MS);
    service_drain(daemon->service, 2 * STOP_DEADLINE_MS);
    tell_hook(daemon, "shutdown", NULL, "shutdown");
    while (daemon->drivers_started > 0)
        state_driver_nth(--daemon->drivers_started)->stop();
    loop_call(daemon->loop, on_stopped, daemon);
    return NULL;
}

/* ---- on the loop ---- */

static void on_stop_deadline(LoopTimer *timer, void *opaque)
{
    Daemon *daemon = opaque;
    PoolStats stats;
    pool_get_stats(daemon->pool, &stats);
    LOG_WARN("%u calls have not ended within %d s, %u of them wait for guests: ending without them",
             stats.workers - stats.free + stats.queued, STOP_DEADLINE_MS / 1000, stats.blocked);
    daemon_sockets_close(&daemon->sockets);
    pid_file_release(daemon->pid_file);
    if (daemon->failure)
        daemonize_failed(daemon->failure);
    _exit(daemon->failure ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* A round later than the connections were closed: what their end brings about is under way then. */
static void on_closed(void *opaque)
{
    Daemon *daemon = opaque;
    int err = pthread_create(&daemon->stopper, NULL, stop_drivers, daemon);
    daemon->stopper_runs = !err;
    if (err) {
        LOG_ERROR("cannot stop the drivers: %s", g_strerror(err));
        on_stop_deadline(daemon->stop_timer, daemon);
    }
}

static void begin_stop(Daemon *daemon)
{
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    daemonize_notify("STOPPING=1");
    daemon->stop_timer = loop_timer_add(daemon->loop, on_stop_deadline, daemon, NULL);
    loop_timer_set(daemon->stop_timer, STOP_DEADLINE_MS, -1);
    service_stop(daemon->service);
    loop_call(daemon->loop, on_closed, daemon);
}

static void fail_start(Daemon *daemon, const char *text)
{
    LOG_ERROR("%s", text);
    daemon->failure = g_strdup(text);
    begin_stop(daemon);
}

static void on_idle_check(LoopTimer *timer, void *opaque)
{
    Daemon *daemon = opaque;
    if (daemon->stopping)
        return;
    guint64 ever = service_clients_ever(daemon->service);
    if (service_clients(daemon->service) > 0 || ever != daemon->clients_ever || any_driver_busy(daemon)) {
        daemon->clients_ever = ever;
        daemon->idle_since_ms = loop_now_ms();
        return;
    }
    if (loop_now_ms() - daemon->idle_since_ms < (int64_t) daemon->timeout * 1000)
        return;
    LOG_INFO("idle for %u s: stopping", daemon->timeout);
    begin_stop(daemon);
}

/* End after @seconds without anything to do; 0: never. */
static void watch_idleness(unsigned seconds, void *opaque)
{
    Daemon *daemon = opaque;
    daemon->timeout = seconds;
    daemon->idle_since_ms = loop_now_ms();
    loop_timer_set(daemon->idle_timer, seconds ? IDLE_CHECK_MS : -1, IDLE_CHECK_MS);
}

static int serve_sockets(Daemon *daemon)
{
    for (int kind = 0; kind < SOCKET_KINDS; kind++) {
        int fd = daemon_sockets_take(&daemon->sockets, kind);
        if (fd >= 0 && service_listen(daemon->service, fd, kind) < 0)
            return -1;
    }
    return service_listen_network(daemon->service);
}

static void on_started(void *opaque)
{
    Daemon *daemon = opaque;
    if (daemon->stopping)
        return;
    if (daemon->start_error) {
        fail_start(daemon, daemon->start_error);
        return;
    }
    if (serve_sockets(daemon) < 0) {
        fail_start(daemon, error_message());
        return;
    }
    watch_idleness(daemon->options->timeout, daemon);
    admin_set_timeout_update(watch_idleness, daemon);
    LOG_INFO("ready");
    daemonize_ready();
}

static void on_signal(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    Daemon *daemon = opaque;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        LOG_INFO("signal %d from process %d", (int) info.ssi_signo, (int) info.ssi_pid);
        if (info.ssi_signo == SIGHUP && !daemon->stopping)
            pool_submit(daemon->pool, LANE, false, reload_drivers, daemon);
        else if (info.ssi_signo != SIGHUP)
            begin_stop(daemon);
    }
}

/* ---- life ---- */

static void daemon_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGQUIT);
    sigaddset(set, SIGHUP);
}

static int open_signals(Daemon *daemon)
{
    sigset_t set;
    daemon_signals(&set);
    daemon->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (daemon->signal_fd < 0)
        return FAIL_ERRNO(errno, "cannot receive signals");
    daemon->signal_watch = loop_watch_add(daemon->loop, daemon->signal_fd, LOOP_IN, on_signal, daemon, NULL);
    return daemon->signal_watch ? 0 : -1;
}

static int open_network(Daemon *daemon)
{
    GArray *handed_over = daemon_sockets_take_network(&daemon->sockets);
    return handed_over || daemon->options->listen ? service_open_network(daemon->service, handed_over) : 0;
}

static int open_all(Daemon *daemon)
{
    g_auto(SocketSettings) settings = { 0 };
    const LibvirtdConf *conf = daemon->conf;
    if (socket_settings_init(&settings, conf, daemon->paths->config_file, daemon->paths->run_dir, daemon->privileged,
                             NULL) < 0
        || daemon_sockets_open(&daemon->sockets, &settings, daemon->privileged) < 0)
        return -1;
    if (!(daemon->loop = loop_new())
        || !(daemon->pool = pool_new("libvirtd", conf->min_workers, conf->max_workers, conf->prio_workers))
        || !(daemon->service = service_new(daemon->loop, daemon->pool, conf, daemon->privileged))
        || open_network(daemon) < 0)
        return -1;
    daemon->idle_timer = loop_timer_add(daemon->loop, on_idle_check, daemon, NULL);
    return open_signals(daemon);
}

static void close_all(Daemon *daemon)
{
    if (daemon->stopper_runs)
        pthread_join(daemon->stopper, NULL);
    loop_watch_remove(daemon->signal_watch);
    loop_timer_remove(daemon->idle_timer);
    loop_timer_remove(daemon->stop_timer);
    bus_disconnect(); /* nobody waits for polkit any longer */
    pool_free(daemon->pool);
    service_free(daemon->service);
    loop_free(daemon->loop);
    daemon_sockets_close(&daemon->sockets);
    if (daemon->signal_fd >= 0)
        close(daemon->signal_fd);
    g_free(daemon->start_error);
}

/* Returns why it failed, caller frees; NULL after a life in order. */
static char *run(const Options *options, const DaemonPaths *paths, const LibvirtdConf *conf, bool privileged,
                 PidFile *pid_file)
{
    Daemon daemon = { .options = options, .paths = paths, .conf = conf, .privileged = privileged, .pid_file = pid_file,
                      .signal_fd = -1 };
    for (int kind = 0; kind < SOCKET_KINDS; kind++)
        daemon.sockets.sockets[kind].fd = -1;
    int ret = open_all(&daemon);
    if (ret == 0) {
        daemon.context = (StateContext){ .root = options->root, .privileged = privileged, .monolithic = TRUE,
                                         .loop = daemon.loop, .pool = daemon.pool };
        pool_submit(daemon.pool, LANE, false, start_drivers, &daemon);
        ret = loop_run(daemon.loop);
    }
    if (ret < 0 && !daemon.failure) {
        LOG_ERROR("%s", error_message());
        daemon.failure = g_strdup(error_message());
    }
    close_all(&daemon);
    return daemon.failure;
}

/* Many clients and guests need many descriptors; few threads allocate much, so they can share. */
static void set_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0)
            LOG_WARN("cannot raise the limit of open files: %s", g_strerror(errno));
    }
    mallopt(M_ARENA_MAX, 2);
}

static void prepare_process(void)
{
    sigset_t set;
    daemon_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread: all inherit it */
    signal(SIGPIPE, SIG_IGN);
    umask(0077);
    set_limits();
}

static void log_warnings(const ConfReport *report)
{
    for (guint i = 0; report->problems && i < report->problems->len; i++) {
        const ConfProblem *problem = g_ptr_array_index(report->problems, i);
        LOG_WARN("%s", problem->text);
    }
}

static int G_GNUC_PRINTF(1, 2) give_up(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    fprintf(stderr, "libvirtd: error: %s\n", text);
    daemonize_failed(text);
    return EXIT_FAILURE;
}

/* With a configuration that is in order. */
static int start(const Options *options, const DaemonPaths *paths, const LibvirtdConf *conf, bool privileged,
                 const ConfReport *report)
{
    prepare_process();
    if (daemon_paths_make(paths, privileged) < 0)
        return give_up("%s", error_message());
    if (options->daemon && daemonize() < 0)
        return give_up("%s", error_message());
    if (chdir("/") < 0 || settings_apply_log(conf, options, paths) < 0)
        return give_up("%s", error_message());
    PidFile *pid_file = pid_file_acquire(options->pid_file ? options->pid_file : paths->pid_file);
    if (!pid_file)
        return give_up("%s", error_message());
    LOG_INFO("libvirt version: %s", PACKAGE_VERSION);
    LOG_INFO("hostname: %s", g_get_host_name());
    log_warnings(report);
    settings_apply_host(conf);
    sasl_session_set_folder(paths->sasl_dir);
    g_autofree char *failure = run(options, paths, conf, privileged, pid_file);
    pid_file_release(pid_file);
    if (failure)
        daemonize_failed(failure);
    return failure ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_help(const DaemonPaths *paths)
{
    printf("\nUsage:\n  libvirtd [options]\n\nOptions:\n"
           "  -h | --help            Show this text\n"
           "  -v | --verbose         Log information, too\n"
           "  -d | --daemon          Go into the background when ready\n"
           "  -l | --listen          Listen for TCP/IP connections\n"
           "  -t | --timeout <secs>  End after so many seconds without clients and running guests\n"
           "  -f | --config <file>   Configuration file\n"
           "  -V | --version         Show the version\n"
           "  -p | --pid-file <file> File with the process id\n"
           "       --check           Check configuration and state, change nothing\n"
           "       --root <dir>      Keep everything below <dir>: a private daemon\n\n"
           "Configuration: %s\nSockets:       %s\nPID file:      %s\n\n",
           paths->config_file, paths->run_dir, paths->pid_file);
}

/* Started from the tree that it was built in, the daemon takes its modules from there as well. Where that is, it tells by its
 * own place: what is installed knows nothing of a build. */
static void find_modules(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    if (!self || !g_str_has_suffix(self, BUILT_PLACE) || g_getenv("LIBVIRT_DRIVER_DIR"))
        return;
    self[strlen(self) - strlen(BUILT_PLACE)] = '\0';
    g_autofree char *modules_dir = g_strconcat(self, "/src", NULL);
    g_setenv("LIBVIRT_DRIVER_DIR", modules_dir, TRUE);
}

static int check_or_start(const Options *options, DaemonPaths *paths, bool privileged)
{
    LibvirtdConf conf;
    g_auto(ConfReport) report = { 0 };
    int status;
    if (options->config) {
        g_free(paths->config_file);
        paths->config_file = g_strdup(options->config);
    }
    bool loaded = conf_load(&libvirtd_conf_schema, paths->config_file, !options->config, &conf, &report) == 0;
    if (loaded)
        settings_finish(&conf, privileged && !options->root[0]);
    if (options->action == OPTIONS_CHECK)
        status = check_run(paths, &conf, loaded, privileged, options->listen, &report) ? EXIT_FAILURE : EXIT_SUCCESS;
    else if (!loaded || settings_check(&conf, paths->config_file, options->listen, NULL) < 0)
        status = give_up("%s", error_message());
    else
        status = start(options, paths, &conf, privileged, &report);
    conf_clear(&libvirtd_conf_schema, &conf);
    return status;
}

int main(int argc, char **argv)
{
    g_auto(Options) options = { 0 };
    g_auto(DaemonPaths) paths = { 0 };
    if (options_parse(&options, argc, argv) < 0)
        return EXIT_FAILURE;
    bool privileged = geteuid() == 0 || options.root[0];
    daemon_paths_init(&paths, options.root, privileged);
    if (options.action == OPTIONS_HELP) {
        print_help(&paths);
        return EXIT_SUCCESS;
    }
    if (options.action == OPTIONS_VERSION) {
        printf("libvirtd (libvirt) %s\n", PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }
    find_modules();
    lib_set_daemon();
    lib_initialize();
    int status = check_or_start(&options, &paths, privileged);
    log_shutdown();
    return status;
}
