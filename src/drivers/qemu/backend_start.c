/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Begin and end of a QEMU process. Everything that the process needs (sockets, files, tap devices) is opened here and
 * inherited by it. The monitor's socket listens before QEMU runs, so we connect at once and QEMU finds us waiting; as nobody
 * but QEMU holds the listening end afterwards, its early death shows at once as the end of our connection. The
 * process is its own session and survives us; a later daemon finds it by its id and the monitor's path.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.backend"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "core/host/host.h"
#include "domain/host.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/cachetune.h"
#include "drivers/qemu/cpu.h"
#include "drivers/qemu/command_block.h"
#include "drivers/qemu/device_helpers.h"
#include "drivers/qemu/failure.h"
#include "drivers/qemu/descriptors.h"
#include "drivers/qemu/firmware.h"
#include "drivers/qemu/hostdevs.h"
#include "drivers/qemu/locks.h"
#include "drivers/qemu/rlimits.h"
#include "drivers/qemu/nics.h"
#include "drivers/qemu/rx_filter.h"
#include "drivers/qemu/security.h"
#include "drivers/qemu/tap.h"
#include "drivers/qemu/tpm.h"
#include "drivers/qemu/tree.h"
#include "drivers/qemu/tuning.h"
#include "drivers/qemu/vsock.h"

#define KILL_WAIT_MS 15000
/* Longest command line that is looked at. */
#define CMDLINE_MAX (2 * 1024 * 1024)

static void qemu_disk_free(void *opaque)
{
    QemuDisk *disk = opaque;

    g_free(disk->alias);
    g_free(disk->target);
    g_free(disk->path);
    g_free(disk->node);
    g_free(disk);
}

void qemu_backend_guest_new(Guest *guest)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = g_new0(QemuGuest, 1);

    g_mutex_init(&qemu->lock);
    g_cond_init(&qemu->migrated);
    g_cond_init(&qemu->left);
    qemu->pidfd = -1;
    qemu->user = (UserIdentity)USER_IDENTITY_INIT;
    qemu->agent_timeout = VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT;
    qemu->unlink = g_ptr_array_new_with_free_func(g_free);
    qemu->ports = g_array_new(FALSE, FALSE, sizeof(QemuPort));
    qemu->vcpu_tids = g_array_new(FALSE, TRUE, sizeof(int));
    qemu->disks = g_ptr_array_new_with_free_func(qemu_disk_free);
    qemu->taps = g_ptr_array_new_with_free_func(g_free);
    qemu->helpers = qemu_helpers_new();
    qemu->perf = qemu_perf_new();
    guest->priv = qemu;
    g_mutex_lock(&driver->lock);
    g_ptr_array_add(driver->guests, guest);
    g_mutex_unlock(&driver->lock);
}

void qemu_backend_guest_free(Guest *guest)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);

    g_mutex_lock(&driver->lock);
    g_ptr_array_remove_fast(driver->guests, guest);
    g_mutex_unlock(&driver->lock);
    g_clear_pointer(&qemu->mon, qmp_unref);
    g_clear_pointer(&qemu->agent, agent_unref);
    process_watch_remove(qemu->watch);
    qemu_security_forget(driver, qemu);
    qemu_caps_unref(qemu->caps);
    if (qemu->pidfd >= 0)
        close(qemu->pidfd);
    for (guint i = 0; i < qemu->ports->len; i++) {
        QemuPort *port = &g_array_index(qemu->ports, QemuPort, i);

        port_pool_give_back(port->pool, port->port);
    }
    g_array_unref(qemu->ports);
    g_array_unref(qemu->vcpu_tids);
    g_ptr_array_unref(qemu->unlink);
    g_ptr_array_unref(qemu->disks);
    g_ptr_array_unref(qemu->taps);
    qemu_helpers_free(qemu->helpers);
    user_identity_clear(&qemu->user);
    qemu_perf_free(qemu->perf);
    g_clear_pointer(&qemu->monitors, g_ptr_array_unref);
    g_free(qemu->dir);
    g_free(qemu->channel_dir);
    g_free(qemu->memory_dir);
    g_free(qemu->program);
    g_free(qemu->monitor_path);
    g_free(qemu->agent_path);
    g_free(qemu->agent_alias);
    g_free(qemu->balloon_path);
    g_cond_clear(&qemu->migrated);
    g_cond_clear(&qemu->left);
    g_mutex_clear(&qemu->lock);
    g_free(qemu);
}

static const DomainChannel *agent_channel(const DomainDevices *d)
{
    for (guint i = 0; i < d->n_channels; i++) {
        const DomainChannel *channel = d->channels[i];

        if (g_strcmp0(channel->target.name, DOMAIN_AGENT_CHANNEL) == 0 && channel->source.type == CHARDEV_TYPE_UNIX &&
            channel->source.mode != CHARDEV_MODE_CONNECT)
            return channel;
    }
    return NULL;
}

/* The channel of the agent may come and go. Lock held. */
static void note_agent(QemuGuest *qemu, const DomainChannel *channel)
{
    if (g_strcmp0(qemu->agent_alias, channel ? channel->info.alias : NULL) == 0)
        return;
    g_free(qemu->agent_alias);
    g_free(qemu->agent_path);
    qemu->agent_alias = channel ? g_strdup(channel->info.alias) : NULL;
    qemu->agent_path = channel ? g_strdup(channel->source.path) : NULL;
    qemu->agent_up = channel && channel->target.state == CHANNEL_STATE_CONNECTED;
    if (qemu->agent)
        agent_close(qemu->agent);
}

void qemu_guest_note_lists(QemuGuest *qemu, const DomainDef *def)
{
    const DomainDevices *d = &def->devices;
    GPtrArray *disks = g_ptr_array_new_with_free_func(qemu_disk_free), *taps = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < d->n_disks; i++) {
        QemuDisk *disk = g_new0(QemuDisk, 1);
        const StorageSource *source = &d->disks[i]->source;

        disk->alias = g_strdup(d->disks[i]->info.alias);
        disk->target = g_strdup(d->disks[i]->target.dev);
        disk->path = g_strdup(source->file ? source->file : source->dev ? source->dev : source->dir ? source->dir : source->name);
        disk->node = qemu_disk_has_media(d->disks[i]) ? qemu_node_storage(source) : NULL;
        g_ptr_array_add(disks, disk);
    }
    for (guint i = 0; i < d->n_interfaces; i++)
        g_ptr_array_add(taps, qemu_interface_needs_tap(d->interfaces[i]) ? g_strdup(d->interfaces[i]->target.dev) : NULL);
    g_mutex_lock(&qemu->lock);
    GPtrArray *old_disks = g_steal_pointer(&qemu->disks), *old_taps = g_steal_pointer(&qemu->taps);
    qemu->disks = disks;
    qemu->taps = taps;
    note_agent(qemu, agent_channel(d));
    g_mutex_unlock(&qemu->lock);
    g_ptr_array_unref(old_disks);
    g_ptr_array_unref(old_taps);
}

GPtrArray *qemu_guest_disks(QemuGuest *qemu)
{
    g_mutex_lock(&qemu->lock);
    GPtrArray *disks = g_ptr_array_ref(qemu->disks);
    g_mutex_unlock(&qemu->lock);
    return disks;
}

GPtrArray *qemu_guest_taps(QemuGuest *qemu)
{
    g_mutex_lock(&qemu->lock);
    GPtrArray *taps = g_ptr_array_ref(qemu->taps);
    g_mutex_unlock(&qemu->lock);
    return taps;
}

void qemu_guest_note_devices(QemuGuest *qemu, const DomainDef *def)
{
    const DomainDevices *d = &def->devices;

    qemu_guest_note_lists(qemu, def);
    if (d->memballoon && d->memballoon->model != DOMAIN_MEMBALLOON_MODEL_NONE && d->memballoon->info.alias)
        qemu->balloon_path = g_strconcat("/machine/peripheral/", d->memballoon->info.alias, NULL);
}

void qemu_guest_unlink_later(QemuGuest *qemu, const char *path)
{
    g_mutex_lock(&qemu->lock);
    g_ptr_array_add(qemu->unlink, g_strdup(path));
    g_mutex_unlock(&qemu->lock);
}

/* Names of domains may be long; a part is enough beside the id, which makes the folder unique. */
static void guest_paths(Guest *guest, QemuGuest *qemu)
{
    const HostPaths *paths = host_paths(guest->host);
    g_autofree char *part = g_utf8_substring(guest->name, 0, MIN(g_utf8_strlen(guest->name, -1), 20));

    qemu->dir = g_strdup_printf("%s/domain-%d-%s", paths->lib, guest->id, part);
    qemu->channel_dir = g_strdup_printf("%s/domain-%d-%s", paths->channel, guest->id, part);
    qemu->monitor_path = g_strconcat(qemu->dir, "/monitor.sock", NULL);
}

static int make_folders(QemuDriver *driver, QemuGuest *qemu, const DomainDef *def)
{
    g_free(qemu->memory_dir);
    qemu->memory_dir = qemu_memory_folder(def, &driver->conf, qemu->dir);
    if (qemu->memory_dir && file_mkdirs(qemu->memory_dir, 0750, qemu->user.uid, qemu->user.gid) < 0)
        return -1;
    if (file_mkdirs(qemu->dir, 0750, qemu->user.uid, qemu->user.gid) < 0)
        return -1;
    return file_mkdirs(qemu->channel_dir, 0750, qemu->user.uid, qemu->user.gid);
}

char **qemu_guest_environment(const QemuGuest *qemu)
{
    GPtrArray *env = g_ptr_array_new();
    const char *path = g_getenv("PATH");

    g_ptr_array_add(env, g_strdup("LC_ALL=C"));
    g_ptr_array_add(env, g_strconcat("PATH=", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin", NULL));
    g_ptr_array_add(env, g_strconcat("HOME=", qemu->dir, NULL));
    g_ptr_array_add(env, g_strconcat("XDG_DATA_HOME=", qemu->dir, "/.local/share", NULL));
    g_ptr_array_add(env, g_strconcat("XDG_CACHE_HOME=", qemu->dir, "/.cache", NULL));
    g_ptr_array_add(env, g_strconcat("XDG_CONFIG_HOME=", qemu->dir, "/.config", NULL));
    g_ptr_array_add(env, NULL);
    return (char **)g_ptr_array_free(env, FALSE);
}

static void append_environment(char ***env, const QemuCommand *cmd)
{
    const QemuCommandline *extra = cmd->def->qemu_commandline;

    for (guint i = 0; i < cmd->env->len; i++) {
        g_auto(GStrv) pair = g_strsplit(g_ptr_array_index(cmd->env, i), "=", 2);

        *env = g_environ_setenv(*env, pair[0], pair[1], TRUE);
    }
    for (guint i = 0; extra && i < extra->n_envs; i++)
        *env = g_environ_setenv(*env, extra->envs[i]->name, extra->envs[i]->value ? extra->envs[i]->value : "", TRUE);
}

/* The head of a start in the guest's log. */
static void log_start(Guest *guest, const QemuCaps *caps, QemuCommand *cmd, char **env)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *when = g_date_time_format(now, "%F %T");
    g_autofree char *command = qemu_command_text(cmd, (const char *const *)env, TRUE);
    g_autofree char *text = NULL;
    struct utsname uts;

    if (guest->log_fd < 0)
        return;
    if (uname(&uts) < 0)
        uts.release[0] = uts.nodename[0] = '\0';
    text = g_strdup_printf("%s.%03d+0000: starting up libvirt version: " PACKAGE_VERSION ", qemu version: %u.%u.%u%s, kernel: %s, "
                           "hostname: %s\n%s\n", when, g_date_time_get_microsecond(now) / 1000, caps->version / 1000000,
                           caps->version / 1000 % 1000, caps->version % 1000, caps->package ? caps->package : "", uts.release,
                           uts.nodename, command);
    if (file_write_all(guest->log_fd, text, strlen(text)) < 0)
        LOG_WARN("cannot write to the log of domain '%s': %s", guest->name, g_strerror(errno));
}

static void on_process_end(pid_t pid, const ProcessEnd *end, void *opaque)
{
    Guest *guest = opaque;
    QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *text = process_end_text(end);
    gboolean expected;

    g_mutex_lock(&qemu->lock);
    expected = qemu->powered_off || qemu->stopping;
    g_mutex_unlock(&qemu->lock);
    LOG_INFO("QEMU of domain '%s' %s", guest->name, text);
    guest_upcall_ended(guest, !expected && !(end->known && end->signal == 0 && end->code == 0));
}

static int watch_process(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);

    qemu->watch = process_watch(guest_loop(guest), guest->pid, qemu->pidfd, on_process_end, qemu_guest_attach(guest),
                                qemu_guest_detach);
    if (qemu->watch)
        return 0;
    qemu_guest_detach(guest);
    return -1;
}

int qemu_guest_connect(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);
    QmpMonitor *mon;
    int fd = file_connect_unix(qemu->monitor_path);

    if (fd < 0)
        return -1;
    mon = qmp_open_fd(guest_loop(guest), fd, guest->name, QEMU_START_MS, &qemu_monitor_callbacks,
                      qemu_guest_attach(guest), qemu_guest_detach);
    if (!mon) {
        qemu_guest_detach(guest);
        return -1;
    }
    g_mutex_lock(&qemu->lock);
    qemu->mon = mon;
    g_mutex_unlock(&qemu->lock);
    return 0;
}

char *qemu_last_words(int fd, off_t from)
{
    char words[QEMU_LAST_WORDS_MAX + 1];
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd); /* it may be open for appending only */
    off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    int again = end > from ? open(link, O_RDONLY | O_CLOEXEC) : -1;
    gssize n;

    if (again < 0)
        return NULL;
    n = pread(again, words, QEMU_LAST_WORDS_MAX, MAX(from, end - QEMU_LAST_WORDS_MAX));
    close(again);
    words[MAX(n, 0)] = '\0';
    return *g_strstrip(words) ? g_utf8_make_valid(words, -1) : NULL;
}

/* Put what QEMU wrote since @from in front of nothing: it is the reason. */
static void report_last_words(Guest *guest, const DomainDef *def, const QemuLocks *locks, off_t from)
{
    const UserIdentity *user = &qemu_guest(guest)->user;
    g_autofree char *text = qemu_last_words(guest->log_fd, from);

    if (text && qemu_locks_explain(locks, text) == 0)
        qemu_failure_report(def, text, user->uid == (uid_t)-1 ? geteuid() : user->uid, user->gid == (gid_t)-1 ? getegid() : user->gid);
}

static gboolean process_is_gone(QemuGuest *qemu, int wait_ms)
{
    struct pollfd pfd = { qemu->pidfd, POLLIN, 0 };
    int rc;

    do
        rc = poll(&pfd, 1, wait_ms);
    while (rc < 0 && errno == EINTR);
    return rc > 0;
}

/* What was opened for QEMU before its command line was made. */
typedef struct {
    int monitor, vsock;      /* -1: not there */
    GArray *taps;
    QemuLocks *locks;
} Opened;

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void opened_close(Opened *opened)
{
    close_one(&opened->monitor);
    close_one(&opened->vsock);
    for (guint i = 0; i < opened->taps->len; i++)
        close(g_array_index(opened->taps, int, i));
    g_array_unref(opened->taps);
    qemu_locks_free(opened->locks);
}

/* Start the process with everything that it inherits. The monitor's listening end is closed here. */
static int spawn(Guest *guest, const DomainDef *def, QemuCommand *cmd, char **env, Opened *opened)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    g_autoptr(GArray) keep = g_array_new(FALSE, FALSE, sizeof(int));
    ProcessSpec spec = PROCESS_SPEC_INIT;
    ProcessLimit limits[QEMU_MAX_LIMITS];
    int n_limits = qemu_process_limits(driver, qemu->user.uid, def, limits);
    pid_t pid;

    if (n_limits < 0)
        return -1;
    g_array_append_val(keep, opened->monitor);
    if (opened->vsock >= 0)
        g_array_append_val(keep, opened->vsock);
    g_array_append_vals(keep, cmd->fds->data, cmd->fds->len);
    g_array_append_vals(keep, opened->taps->data, opened->taps->len);
    spec.env = (const char *const *)env;
    spec.out_fd = spec.err_fd = guest->log_fd;
    spec.keep_fds = (const int *)keep->data;
    spec.n_keep_fds = keep->len;
    spec.limits = limits;
    spec.n_limits = (size_t)n_limits;
    spec.argv = qemu_command_argv(cmd);
    spec.uid = qemu->user.uid;
    spec.gid = qemu->user.gid;
    spec.groups = qemu->user.groups;
    spec.n_groups = qemu->user.n_groups;
    qemu_security_start_as(guest, &spec);
    qemu_locks_begin_with(opened->locks, &spec);
    pid = process_spawn(&spec, &qemu->pidfd);
    close_one(&opened->monitor);
    if (pid < 0)
        return -1;
    guest->pid = pid;
    return watch_process(guest);
}

/* What was there for the start alone. */
static int drop_contexts(Guest *guest, const QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->contexts->len; i++) {
        if (qemu_guest_call(guest, "object-del", json_make(JSON_STR("id", g_ptr_array_index(cmd->contexts, i))), NULL) < 0)
            return -1;
    }
    return 0;
}

/* From a process that was started to a guest that is set up. */
static int meet(Guest *guest, const QemuCommand *cmd, DomainDef *def, const QemuLocks *locks, int restore_fd)
{
    QemuGuest *qemu = qemu_guest(guest);

    /* who destroys it may have come before there was a process to kill */
    if (qemu_guest_connect(guest) < 0 || g_atomic_int_get(&guest->killed))
        return -1;
    if (qmp_wait_ready(qemu->mon, QEMU_START_MS) < 0 || qemu_locks_give(guest, locks) < 0 || drop_contexts(guest, cmd) < 0 ||
        qemu_guest_plug_listed(guest, def) < 0)
        return -1;
    qemu_guest_note_program(guest);
    return (restore_fd >= 0 && qemu_guest_restore(guest, restore_fd) < 0) || qemu_guest_setup(guest, def) < 0 ? -1 : 0;
}

/* From the command line to a monitor that answers. */
static int launch(Guest *guest, DomainDef *def, const QemuCaps *caps, Opened *opened, int restore_fd)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    QemuCommandOptions options = {
        .dir = qemu->dir, .monitor_fd = opened->monitor, .uid = qemu->user.uid, .gid = qemu->user.gid,
        .conf = &driver->conf, .tap_fds = (const int *)opened->taps->data, .n_tap_fds = opened->taps->len,
        .vsock_fd = MAX(opened->vsock, 0), .restore = restore_fd >= 0, .guest = guest,
    };
    g_autoptr(QemuCommand) cmd = qemu_command_new(def, caps, &options);
    g_auto(GStrv) env = qemu_guest_environment(qemu);
    off_t log_end;

    if (!cmd)
        return -1;
    for (guint i = 0; i < cmd->unlink->len; i++)
        qemu_guest_unlink_later(qemu, g_ptr_array_index(cmd->unlink, i));
    qemu->clock_shift = cmd->clock_shift;
    append_environment(&env, cmd);
    log_start(guest, caps, cmd, env);
    log_end = guest->log_fd >= 0 ? lseek(guest->log_fd, 0, SEEK_END) : 0;
    if (spawn(guest, def, cmd, env, opened) < 0 || qemu_guest_tune_process(guest, def) < 0 ||
        qemu_perf_follow(qemu->perf, guest->pid, def) < 0)
        return -1;
    if (meet(guest, cmd, def, opened->locks, restore_fd) == 0)
        return 0;
    if (g_atomic_int_get(&guest->killed))
        return FAIL(VIR_ERR_OPERATION_ABORTED, "domain '%s' was destroyed while it started", guest->name);
    /* If it ended its own words tell more; they are complete only when it is gone. */
    if (process_is_gone(qemu, 1000))
        report_last_words(guest, def, opened->locks, log_end);
    qemu_helpers_explain(guest);
    return -1;
}

/* A failure leaves nothing claimed: cleanup takes back only what is. */
static int take_hostdevs(Guest *guest, DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);
    int rc;

    if (hostdevs_find_usb(def, HOST_SYSFS) < 0)
        return -1;
    g_mutex_lock(&driver->lock);
    rc = hostdevs_claim(driver->hostdevs, def, guest->name);
    g_mutex_unlock(&driver->lock);
    if (rc < 0)
        return -1;
    if (hostdevs_detach_pci(def, HOST_SYSFS) == 0) {
        qemu_guest(guest)->has_hostdevs = TRUE;
        return 0;
    }
    g_mutex_lock(&driver->lock);
    hostdevs_release(driver->hostdevs, guest->name);
    g_mutex_unlock(&driver->lock);
    return -1;
}

static void give_hostdevs_back(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);

    if (!qemu_guest(guest)->has_hostdevs)
        return;
    hostdevs_reattach_pci(def, HOST_SYSFS);
    g_mutex_lock(&driver->lock);
    hostdevs_release(driver->hostdevs, guest->name);
    g_mutex_unlock(&driver->lock);
    qemu_guest(guest)->has_hostdevs = FALSE;
}

/* Those of a run that a former daemon has started. */
static void had_hostdevs(Guest *guest, const DomainDef *def)
{
    QemuDriver *driver = guest_host_priv(guest);

    g_mutex_lock(&driver->lock);
    qemu_guest(guest)->has_hostdevs = TRUE;
    if (hostdevs_claim(driver->hostdevs, def, guest->name) < 0)
        virResetLastError();    /* it has them, whoever else says so */
    g_mutex_unlock(&driver->lock);
    qemu_guest_has_nics(guest, def);
}

static int open_devices(DomainDef *def, const char *domain, const QemuConf *conf, Opened *opened)
{
    if (def->devices.vsock)
        opened->vsock = vsock_open(def->devices.vsock, domain);
    if (def->devices.vsock && opened->vsock < 0)
        return -1;
    return tap_open_all(def, conf, opened->taps);
}

/* The firmware that it asks for, and the file with its variables. */
static int prepare_firmware(Guest *guest, DomainDef *def, const StartOptions *options)
{
    const UserIdentity *user = &qemu_guest(guest)->user;
    g_auto(GStrv) folders = qemu_descriptor_folders("firmware");
    const char *const *places = (const char *const *)folders;

    if (qemu_firmware_choose(def, places, host_paths(guest->host)->nvram) < 0)
        return -1;
    return qemu_firmware_make_nvram(def, places, (options->flags & VIR_DOMAIN_START_RESET_NVRAM) != 0, user->uid, user->gid);
}

/* A guest that goes on from where it was has the ports that it had. */
static int add_spare_ports(QemuDriver *driver, DomainDef *def, const StartOptions *options)
{
    DomainMachineInfo info;

    domain_machine_info(def->os.arch, def->os.machine, &info);
    return options->restore_fd >= 0 ? 0 : domain_def_spare_ports(def, &info, (guint)driver->conf.pcie_spare_ports);
}

int qemu_backend_start(Guest *guest, DomainDef *def, const StartOptions *options)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    g_autoptr(QemuCaps) caps = NULL;
    Opened opened = { -1, -1, NULL, NULL };
    int rc;

    if (options->n_fds > 0)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "starting domain '%s' from passed descriptors is not supported yet", guest->name);
    if (!def->devices.emulator)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "domain '%s' has no emulator", guest->name);
    if (qemu_hook(guest, def, "prepare") < 0 || qemu_security_begin(guest, def) < 0)
        return -1;
    caps = qemu_check_images(def) < 0 || qemu_check_tuning(def) < 0 ? NULL : qemu_caps_store_get(driver->caps, def->devices.emulator);
    if (!caps)
        return -1;
    qemu_guest_note_caps(guest, caps);
    if (qemu_cpu_settle(def, caps) < 0 || prepare_firmware(guest, def, options) < 0 || add_spare_ports(driver, def, options) < 0)
        return -1;
    guest_paths(guest, qemu);
    if (make_folders(driver, qemu, def) < 0 || take_hostdevs(guest, def) < 0 || qemu_make_overlays(qemu, def) < 0 || qemu_assign_aliases(def) < 0 ||
        qemu_assign_channel_paths(def, qemu->channel_dir) < 0 || qemu_assign_displays(driver, qemu, def, qemu->dir) < 0)
        return -1;
    opened.locks = qemu_locks_take(guest, def);
    if (!opened.locks)
        return -1;
    opened.monitor = file_listen_unix(qemu->monitor_path, 0700, qemu->user.uid, qemu->user.gid);
    if (opened.monitor < 0) {
        qemu_locks_free(opened.locks);
        return -1;
    }
    qemu_guest_unlink_later(qemu, qemu->monitor_path);
    opened.taps = g_array_new(FALSE, FALSE, sizeof(int));
    rc = open_devices(def, guest->name, &driver->conf, &opened) < 0 ? -1 : qemu_guest_take_nics(guest, def);
    qemu_guest_note_devices(qemu, def);
    if (rc == 0)
        rc = qemu_security_give(guest, def);
    if (rc == 0)
        rc = qemu_device_helpers_start(guest, def);
    if (rc == 0)
        rc = qemu_tpm_start_all(guest, def);
    if (rc == 0)
        rc = qemu_hook(guest, def, "start");
    if (rc == 0)
        rc = launch(guest, def, caps, &opened, options->restore_fd);
    if (rc == 0)
        rc = qemu_hook(guest, def, "started");
    opened_close(&opened);
    return rc;
}

int qemu_backend_kill(Guest *guest, gboolean graceful, gint64 grace_ms)
{
    QemuGuest *qemu = qemu_guest(guest);

    /* A run of a former daemon that was never taken over: its process was found and checked by the core. */
    g_mutex_lock(&qemu->lock);
    if (qemu->pidfd < 0 && guest->pid > 0)
        qemu->pidfd = process_open(guest->pid);
    if (qemu->pidfd < 0) {
        g_mutex_unlock(&qemu->lock);
        return 0;
    }
    qemu->stopping = TRUE;
    g_mutex_unlock(&qemu->lock);
    if (process_is_gone(qemu, 0))
        return 0;
    if (graceful || grace_ms > 0) {
        if (process_signal(qemu->pidfd, SIGTERM) < 0)
            return -1;
        if (process_is_gone(qemu, MIN(grace_ms, G_MAXINT32)))
            return 0;
        if (graceful)
            return FAIL_ERRNO(EBUSY, "QEMU of domain '%s' (process %d) didn't end within %.3g s of SIGTERM", guest->name,
                              (int)guest->pid, grace_ms / 1000.0);
    }
    if (process_signal(qemu->pidfd, SIGKILL) < 0)
        return -1;
    if (!process_is_gone(qemu, KILL_WAIT_MS))
        return FAIL_ERRNO(EBUSY, "QEMU of domain '%s' (process %d) didn't end within %d s of SIGKILL: it hangs in the kernel",
                          guest->name, (int)guest->pid, KILL_WAIT_MS / 1000);
    return 0;
}

void qemu_backend_cleanup(Guest *guest, const DomainDef *def)
{
    QemuGuest *qemu = qemu_guest(guest);

    g_mutex_lock(&qemu->lock);
    if (qemu->mon)
        qmp_close(qemu->mon);
    if (qemu->agent)
        agent_close(qemu->agent);
    for (guint i = 0; i < qemu->unlink->len; i++)
        unlink(g_ptr_array_index(qemu->unlink, i));
    g_ptr_array_set_size(qemu->unlink, 0);
    g_mutex_unlock(&qemu->lock);
    qemu_guest_migration_is(qemu, NULL); /* nobody will hear of its end from a monitor that is closed */
    process_watch_remove(g_steal_pointer(&qemu->watch));
    qemu_hook_tell(guest, def, "stopped");
    qemu_helpers_stop_all(guest);
    for (guint i = 0; i < qemu->ports->len; i++) {
        QemuPort *port = &g_array_index(qemu->ports, QemuPort, i);

        port_pool_give_back(port->pool, port->port);
    }
    g_array_set_size(qemu->ports, 0);
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        qemu_guest_give_nic(guest, def->devices.interfaces[i]);
        tap_down(guest->name, guest->uuid, def->devices.interfaces[i]);
    }
    qemu_security_restore(guest);
    give_hostdevs_back(guest, def);
    qemu_guest_untune(guest, def);
    if (qemu->channel_dir)
        rmdir(qemu->channel_dir);
    if (qemu->memory_dir)
        qemu_remove_tree(qemu->memory_dir);
    if (qemu->dir)
        qemu_remove_tree(qemu->dir);
    qemu_hook_tell(guest, def, "release");
}

void qemu_backend_status_format(Guest *guest, GString *xml)
{
    QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *monitor = NULL, *dir = NULL, *channel = NULL;

    if (!qemu->monitor_path)
        return;
    monitor = g_markup_escape_text(qemu->monitor_path, -1);
    dir = g_markup_escape_text(qemu->dir, -1);
    channel = g_markup_escape_text(qemu->channel_dir, -1);
    g_string_append_printf(xml, "  <monitor path='%s' type='unix'/>\n  <libDir path='%s'/>\n  <channelTargetDir path='%s'/>\n",
                           monitor, dir, channel);
    if (qemu->memory_dir) {
        g_autofree char *memory = g_markup_escape_text(qemu->memory_dir, -1);

        g_string_append_printf(xml, "  <memoryDir path='%s'/>\n", memory);
    }
    if (g_atomic_int_get(&qemu->agent_timeout) != VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT)
        g_string_append_printf(xml, "  <agentTimeout>%d</agentTimeout>\n", g_atomic_int_get(&qemu->agent_timeout));
    if (qemu->clock_shift)
        g_string_append_printf(xml, "  <clockShift>%" G_GINT64_FORMAT "</clockShift>\n", qemu->clock_shift);
    qemu_guest_program_format(guest, xml);
    qemu_helpers_format(qemu->helpers, xml);
}

static char *child_text(xmlNodePtr root, const char *name, const char *attribute)
{
    for (xmlNodePtr node = root->children; node; node = node->next) {
        xmlChar *value;
        char *text;

        if (node->type != XML_ELEMENT_NODE || !g_str_equal((const char *)node->name, name))
            continue;
        value = xmlGetNoNsProp(node, BAD_CAST attribute);
        text = g_strdup((const char *)value);
        xmlFree(value);
        return text;
    }
    return NULL;
}

/* The number in child @name of @root, if there is one from @min to @max; else @missing. */
static gint64 child_number(xmlNodePtr root, const char *name, gint64 min, gint64 max, gint64 missing)
{
    gint64 number = missing;

    for (xmlNodePtr node = root->children; node; node = node->next) {
        gint64 value;

        if (node->type != XML_ELEMENT_NODE || !g_str_equal((const char *)node->name, name))
            continue;
        xmlChar *text = xmlNodeGetContent(node);
        if (text && g_ascii_string_to_signed((const char *)text, 10, min, max, &value, NULL))
            number = value;
        xmlFree(text);
    }
    return number;
}

int qemu_backend_status_parse(Guest *guest, xmlNodePtr root)
{
    QemuGuest *qemu = qemu_guest(guest);

    g_atomic_int_set(&qemu->tuned, 1);      /* by the daemon that was before, perhaps */
    qemu->monitor_path = child_text(root, "monitor", "path");
    qemu->dir = child_text(root, "libDir", "path");
    qemu->channel_dir = child_text(root, "channelTargetDir", "path");
    qemu->memory_dir = child_text(root, "memoryDir", "path");
    qemu->agent_timeout = (gint)child_number(root, "agentTimeout", VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK, G_MAXINT, qemu->agent_timeout);
    qemu->clock_shift = child_number(root, "clockShift", -G_GINT64_CONSTANT(0x100000000), G_GINT64_CONSTANT(0x100000000), 0);
    qemu->program = child_text(root, "program", "file");
    qemu_helpers_parse(qemu->helpers, root);
    if (!qemu->monitor_path)
        guest_paths(guest, qemu);
    return 0;
}

static void read_condition(json_object *status, GuestCondition *condition)
{
    const char *text = json_member_string(status, "status");

    condition->state = VIR_DOMAIN_PAUSED;
    condition->reason = VIR_DOMAIN_PAUSED_UNKNOWN;
    if (json_member_bool(status, "running", FALSE)) {
        condition->state = VIR_DOMAIN_RUNNING;
        condition->reason = VIR_DOMAIN_RUNNING_UNKNOWN;
    } else if (g_strcmp0(text, "shutdown") == 0) {
        condition->state = VIR_DOMAIN_SHUTDOWN;
        condition->reason = VIR_DOMAIN_SHUTDOWN_UNKNOWN;
    } else if (g_strcmp0(text, "io-error") == 0) {
        condition->reason = VIR_DOMAIN_PAUSED_IOERROR;
    } else if (g_strcmp0(text, "watchdog") == 0) {
        condition->reason = VIR_DOMAIN_PAUSED_WATCHDOG;
    } else if (g_strcmp0(text, "guest-panicked") == 0) {
        condition->state = VIR_DOMAIN_CRASHED;
        condition->reason = VIR_DOMAIN_CRASHED_PANICKED;
    } else if (g_strcmp0(text, "suspended") == 0) {
        condition->state = VIR_DOMAIN_PMSUSPENDED;
        condition->reason = VIR_DOMAIN_PMSUSPENDED_UNKNOWN;
    }
}

/* QEMU tells when the guest opens the channel, not that it did so before. */
static void note_agent_up(QemuGuest *qemu, const DomainDef *def)
{
    const DomainChannel *channel = agent_channel(&def->devices);

    g_mutex_lock(&qemu->lock);
    qemu->agent_up |= channel && channel->target.state == CHANNEL_STATE_CONNECTED;
    g_mutex_unlock(&qemu->lock);
}

int qemu_backend_reconnect(Guest *guest, DomainDef *def, GuestCondition *condition)
{
    QemuDriver *driver = guest_host_priv(guest);
    QemuGuest *qemu = qemu_guest(guest);
    g_autoptr(json_object) status = NULL;

    int pidfd = process_open(guest->pid);

    had_hostdevs(guest, def); /* also of one that is gone: they are given back then */
    if (pidfd < 0)
        return FAIL_ERRNO(errno, "QEMU of domain '%s' (process %d) is gone", guest->name, (int)guest->pid);
    g_mutex_lock(&qemu->lock);
    if (qemu->pidfd >= 0)
        close(pidfd);
    else
        qemu->pidfd = pidfd;
    g_mutex_unlock(&qemu->lock);
    if (!qemu->monitor_path)
        guest_paths(guest, qemu);
    if (g_atomic_int_get(&guest->killed))
        return FAIL(VIR_ERR_OPERATION_ABORTED, "domain '%s' was destroyed while it was taken over", guest->name);
    qemu_guest_note_devices(qemu, def);
    qemu_guest_cachetune_note(guest, def);
    for (guint i = 0; i < def->devices.n_channels; i++) {
        if (def->devices.channels[i]->source.type == CHARDEV_TYPE_UNIX && def->devices.channels[i]->source.path)
            qemu_guest_unlink_later(qemu, def->devices.channels[i]->source.path);
    }
    qemu_guest_unlink_later(qemu, qemu->monitor_path);
    qemu_find_overlays(qemu, def);
    if (qemu_security_take_over(guest, def) < 0 || watch_process(guest) < 0 || qemu_helpers_take_over(guest) < 0 || qemu_guest_connect(guest) < 0)
        return -1;
    if (qemu_hook(guest, def, "reconnect") < 0) { /* who needs the hook must not run without what it does */
        virErrorPtr error = error_save();

        if (qemu_backend_kill(guest, FALSE, 0) < 0)
            LOG_ERROR("%s", error_message());
        error_restore(error);
        return -1;
    }
    if (qmp_wait_ready(qemu->mon, guest_deadline_ms(guest)) < 0 || qemu_assign_displays(driver, qemu, def, qemu->dir) < 0)
        return -1;
    if (qemu_guest_call(guest, "query-status", NULL, &status) < 0 || qemu_guest_drop_gone(guest, def) < 0 ||
        qemu_guest_drop_strays(guest, def) < 0 || qemu_guest_refresh(guest, def) < 0 || qemu_guest_read_trays(guest, def) < 0)
        return -1;
    if (qemu_perf_follow(qemu->perf, guest->pid, def) < 0) {
        LOG_WARN("events of domain '%s' aren't counted any more: %s", guest->name, error_message());
        virResetLastError();
    }
    qemu_guest_note_lists(qemu, def);
    note_agent_up(qemu, def);
    qemu_guest_rx_filters_follow(guest, def);
    read_condition(status, condition);
    return 0;
}

/* Whether the NUL-separated command line of @len bytes is that of a QEMU with this "-uuid". */
static gboolean is_command_of(const char *text, gsize len, const char *uuid)
{
    const char *previous = "";

    for (const char *arg = text; arg < text + len; arg += strlen(arg) + 1) {
        if (g_str_equal(previous, "-uuid") && g_str_equal(arg, uuid))
            return TRUE;
        previous = arg;
    }
    return FALSE;
}

pid_t qemu_backend_find_process(Guest *guest)
{
    g_autoptr(GArray) pids = host_list_numbers("/proc", "");
    char uuid[UUID_TEXT_SIZE];

    qemu_helpers_find(guest);
    uuid_format(guest->uuid, uuid);
    for (guint i = 0; i < pids->len; i++) {
        g_autofree char *path = g_strdup_printf("/proc/%u/cmdline", g_array_index(pids, guint, i));
        g_autofree char *text = NULL;
        size_t len;

        if (file_read_optional(path, CMDLINE_MAX, &text, &len) <= 0)
            virResetLastError();
        else if (is_command_of(text, len, uuid))
            return g_array_index(pids, guint, i);
    }
    return 0;
}
