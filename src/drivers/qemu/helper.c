/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Programs that serve one guest beside QEMU. The set is guarded by its lock; no lock is held while one is waited for.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.helper"
#include "drivers/qemu/helper.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"
#include "core/host/host.h"
#include "drivers/qemu/backend.h"

#define STOP_GRACE_MS 5000
#define STOP_MS 10000
/* How often it is looked whether a helper listens: the kernel tells nobody when that begins. */
#define LOOK_MS 10
/* More than any guest has: a bound for what a status file says. */
#define MAX_HELPERS 4096
/* The kernel's list of sockets, a process' environment. */
#define MAX_PROC_FILE (16 * 1024 * 1024)
/* Names the guest that a process belongs to. */
#define MARK "LIBVIRT_HELPER_OF"
#define LISTENING_FLAG "00010000"

typedef struct {
    char *name;
    pid_t pid;
    guint64 start;         /* process_start_time(pid) */
    int pidfd;
    int log_fd;            /* -1: started by a former daemon */
    off_t log_start;
    gboolean vital;
    char *end;             /* how it ended by itself; NULL: it runs, as far as we know */
    ProcessWatch *watch;
} Helper;

struct QemuHelpers {
    GMutex lock;
    GPtrArray *all;        /* of Helper */
};

typedef struct {
    Guest *guest;          /* attached */
    char *name;
    int pidfd;             /* its own: the callback may be running while the helper is let go of */
} Watched;

static void helper_free(void *opaque)
{
    Helper *helper = opaque;

    process_watch_remove(helper->watch);
    if (helper->pidfd >= 0)
        close(helper->pidfd);
    if (helper->log_fd >= 0)
        close(helper->log_fd);
    g_free(helper->name);
    g_free(helper->end);
    g_free(helper);
}

QemuHelpers *qemu_helpers_new(void)
{
    QemuHelpers *helpers = g_new0(QemuHelpers, 1);

    g_mutex_init(&helpers->lock);
    helpers->all = g_ptr_array_new_with_free_func(helper_free);
    return helpers;
}

void qemu_helpers_free(QemuHelpers *helpers)
{
    g_ptr_array_unref(helpers->all);
    g_mutex_clear(&helpers->lock);
    g_free(helpers);
}

/* With the lock held. */
static gboolean find(QemuHelpers *helpers, const char *name, guint *index)
{
    for (guint i = 0; i < helpers->all->len; i++) {
        if (g_str_equal(((Helper *)g_ptr_array_index(helpers->all, i))->name, name)) {
            *index = i;
            return TRUE;
        }
    }
    return FALSE;
}

char *qemu_helper_socket(const char *dir, const char *name)
{
    return g_strdup_printf("%s/%s.sock", dir, name);
}

int qemu_helper_listen(Guest *guest, const char *name)
{
    const QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *path = qemu_helper_socket(qemu->dir, name);

    return file_listen_unix(path, 0700, qemu->user.uid, qemu->user.gid);
}

/* ---- their end ---- */

static void watched_free(void *opaque)
{
    Watched *watched = opaque;

    qemu_guest_detach(watched->guest);
    if (watched->pidfd >= 0)
        close(watched->pidfd);
    g_free(watched->name);
    g_free(watched);
}

static void on_end(pid_t pid, const ProcessEnd *end, void *opaque)
{
    Watched *watched = opaque;
    QemuHelpers *helpers = qemu_guest(watched->guest)->helpers;
    gboolean vital = FALSE;
    guint i;

    g_mutex_lock(&helpers->lock);
    if (find(helpers, watched->name, &i)) {
        Helper *helper = g_ptr_array_index(helpers->all, i);

        helper->end = process_end_text(end);
        vital = helper->vital;
        LOG_WARN("helper '%s' of domain '%s' %s%s", helper->name, watched->guest->name, helper->end,
                 vital ? ", which ends the domain" : "");
    }
    g_mutex_unlock(&helpers->lock);
    if (vital)
        guest_upcall_ended(watched->guest, TRUE);
}

static int watch(Guest *guest, Helper *helper)
{
    Watched *watched = g_new0(Watched, 1);

    *watched = (Watched) { qemu_guest_attach(guest), g_strdup(helper->name), fcntl(helper->pidfd, F_DUPFD_CLOEXEC, 3) };
    if (watched->pidfd < 0)
        error_report_errno(ERROR_DOMAIN, errno, "cannot watch helper '%s'", helper->name);
    else
        helper->watch = process_watch(guest_loop(guest), helper->pid, watched->pidfd, on_end, watched, watched_free);
    if (helper->watch)
        return 0;
    watched_free(watched);
    return -1;
}

/* Takes @helper over. */
static void stop(Guest *guest, Helper *helper)
{
    process_watch_remove(g_steal_pointer(&helper->watch));
    if (helper->pidfd >= 0 && process_stop(helper->pidfd, STOP_GRACE_MS, STOP_MS, NULL) < 0) {
        LOG_ERROR("helper '%s' (process %d) of domain '%s' can't be ended: %s", helper->name, (int)helper->pid, guest->name,
                  error_message());
        virResetLastError();
    }
    helper_free(helper);
}

void qemu_helper_stop(Guest *guest, const char *name)
{
    QemuHelpers *helpers = qemu_guest(guest)->helpers;
    Helper *helper = NULL;
    guint i;

    g_mutex_lock(&helpers->lock);
    if (find(helpers, name, &i))
        helper = g_ptr_array_steal_index(helpers->all, i);
    g_mutex_unlock(&helpers->lock);
    if (!helper)
        return;
    stop(guest, helper);
    guest_status_changed(guest);
}

void qemu_helpers_stop_all(Guest *guest)
{
    QemuHelpers *helpers = qemu_guest(guest)->helpers;

    g_mutex_lock(&helpers->lock);
    GPtrArray *all = g_steal_pointer(&helpers->all);
    helpers->all = g_ptr_array_new_with_free_func(helper_free);
    g_mutex_unlock(&helpers->lock);
    /* The last one may use the others. */
    while (all->len > 0)
        stop(guest, g_ptr_array_steal_index(all, all->len - 1));
    g_ptr_array_unref(all);
}

void qemu_helpers_explain(Guest *guest)
{
    QemuHelpers *helpers = qemu_guest(guest)->helpers;

    g_mutex_lock(&helpers->lock);
    for (guint i = 0; i < helpers->all->len; i++) {
        const Helper *helper = g_ptr_array_index(helpers->all, i);
        g_autofree char *words = helper->end ? qemu_last_words(helper->log_fd, helper->log_start) : NULL;

        if (helper->end)
            error_context("helper '%s' of domain '%s' %s%s%s", helper->name, guest->name, helper->end, words ? ": " : "",
                          words ? words : "");
    }
    g_mutex_unlock(&helpers->lock);
}

/* ---- their start ---- */

/* Whether somebody listens on the socket @path. The kernel's list has the path last in its line, and flags in its fourth word. */
static gboolean listens(const char *path)
{
    char *text = NULL;
    size_t len;
    struct stat st;

    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) || file_read_optional("/proc/net/unix", MAX_PROC_FILE, &text, &len) <= 0)
        return FALSE;
    g_autofree char *owned = text;
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (g_str_has_suffix(line, path) && strstr(line, " " LISTENING_FLAG " "))
            return TRUE;
    }
    return FALSE;
}

static int wait_ready(Guest *guest, const Helper *helper, const char *path)
{
    gint64 until = g_get_monotonic_time() + QEMU_HELPER_READY_MS * G_TIME_SPAN_MILLISECOND;
    struct pollfd ended = { helper->pidfd, POLLIN, 0 };

    while (!listens(path)) {
        if (poll(&ended, 1, LOOK_MS) > 0)
            return FAIL(VIR_ERR_OPERATION_FAILED, "helper '%s' of domain '%s' ended before it was ready", helper->name, guest->name);
        if (g_atomic_int_get(&guest->killed))
            return FAIL(VIR_ERR_OPERATION_ABORTED, "domain '%s' was destroyed while it started", guest->name);
        if (g_get_monotonic_time() > until)
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "helper '%s' of domain '%s' isn't ready after %d s: nothing listens on '%s'",
                        helper->name, guest->name, QEMU_HELPER_READY_MS / 1000, path);
    }
    return 0;
}

static char **environment(Guest *guest)
{
    char uuid[UUID_TEXT_SIZE];

    return g_environ_setenv(qemu_guest_environment(qemu_guest(guest)), MARK, uuid_format(guest->uuid, uuid), TRUE);
}

static int spawn(Guest *guest, const QemuHelperSpec *wish, Helper *helper)
{
    g_autofree char *log = g_strdup_printf("%s/%s-%s.log", host_paths(guest->host)->log, guest->name, wish->name);
    g_auto(GStrv) env = environment(guest);
    ProcessSpec spec = PROCESS_SPEC_INIT;

    helper->log_fd = file_create(log, O_APPEND, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    if (helper->log_fd < 0)
        return -1;
    helper->log_start = lseek(helper->log_fd, 0, SEEK_END);
    spec.argv = wish->argv;
    spec.env = (const char *const *)env;
    spec.out_fd = spec.err_fd = helper->log_fd;
    spec.keep_fds = wish->keep_fds;
    spec.n_keep_fds = wish->n_keep_fds;
    spec.uid = wish->user.uid;
    spec.gid = wish->user.gid;
    spec.groups = wish->user.groups;
    spec.n_groups = wish->user.n_groups;
    helper->pid = process_spawn(&spec, &helper->pidfd);
    if (helper->pid < 0)
        return -1;
    helper->start = process_start_time(helper->pid);
    return 0;
}

int qemu_helper_start(Guest *guest, const QemuHelperSpec *spec)
{
    QemuHelpers *helpers = qemu_guest(guest)->helpers;
    Helper *helper = g_new0(Helper, 1);
    g_autofree char *words = NULL;

    *helper = (Helper) { .name = g_strdup(spec->name), .pidfd = -1, .log_fd = -1, .vital = spec->vital };
    if (spawn(guest, spec, helper) == 0 && (!spec->ready_path || wait_ready(guest, helper, spec->ready_path) == 0)) {
        g_mutex_lock(&helpers->lock);
        g_ptr_array_add(helpers->all, helper);
        int rc = watch(guest, helper);
        g_mutex_unlock(&helpers->lock);
        guest_status_changed(guest);
        return rc;
    }
    virErrorPtr error = error_save();
    words = qemu_last_words(helper->log_fd, helper->log_start);
    stop(guest, helper);
    error_restore(error);
    if (words)
        error_context("'%s' says '%s'", spec->argv[0], words);
    return -1;
}

/* ---- those of a former daemon ---- */

void qemu_helpers_format(QemuHelpers *helpers, GString *xml)
{
    g_mutex_lock(&helpers->lock);
    for (guint i = 0; i < helpers->all->len; i++) {
        const Helper *helper = g_ptr_array_index(helpers->all, i);
        g_autofree char *name = g_markup_escape_text(helper->name, -1);

        g_string_append_printf(xml, "  <helper name='%s' pid='%d' start='%" G_GUINT64_FORMAT "' vital='%s'/>\n", name,
                               (int)helper->pid, helper->start, helper->vital ? "yes" : "no");
    }
    g_mutex_unlock(&helpers->lock);
}

/* A process that is what it was when it was noted down; -1: it is gone. */
static int open_same(pid_t pid, guint64 start)
{
    int pidfd = process_open(pid);

    if (pidfd < 0 || process_start_time(pid) == start)
        return pidfd;
    close(pidfd);
    return -1;
}

static void add_former(QemuHelpers *helpers, const char *name, pid_t pid, guint64 start, gboolean vital)
{
    Helper *helper = g_new0(Helper, 1);

    *helper = (Helper) { .name = g_strdup(name), .pid = pid, .start = start, .pidfd = open_same(pid, start), .log_fd = -1,
                         .vital = vital };
    if (helper->pidfd < 0)
        helper->end = g_strdup("ended while no daemon ran");
    g_mutex_lock(&helpers->lock);
    g_ptr_array_add(helpers->all, helper);
    g_mutex_unlock(&helpers->lock);
}

static guint64 number_of(xmlNodePtr node, const char *attribute)
{
    xmlChar *text = xmlGetNoNsProp(node, BAD_CAST attribute);
    guint64 value = 0;

    if (text && !g_ascii_string_to_unsigned((const char *)text, 10, 0, G_MAXINT64, &value, NULL))
        value = 0;
    xmlFree(text);
    return value;
}

void qemu_helpers_parse(QemuHelpers *helpers, xmlNodePtr root)
{
    for (xmlNodePtr node = root->children; node && helpers->all->len < MAX_HELPERS; node = node->next) {
        xmlChar *name, *vital;
        guint64 pid;

        if (node->type != XML_ELEMENT_NODE || !g_str_equal((const char *)node->name, "helper"))
            continue;
        name = xmlGetNoNsProp(node, BAD_CAST "name");
        vital = xmlGetNoNsProp(node, BAD_CAST "vital");
        pid = number_of(node, "pid");
        if (name && pid > 1 && pid <= G_MAXINT32)
            add_former(helpers, (const char *)name, (pid_t)pid, number_of(node, "start"), g_strcmp0((const char *)vital, "yes") == 0);
        xmlFree(name);
        xmlFree(vital);
    }
}

int qemu_helpers_take_over(Guest *guest)
{
    QemuHelpers *helpers = qemu_guest(guest)->helpers;
    int rc = 0;

    g_mutex_lock(&helpers->lock);
    for (guint i = 0; i < helpers->all->len && rc == 0; i++) {
        Helper *helper = g_ptr_array_index(helpers->all, i);

        if (!helper->end)
            rc = watch(guest, helper);
        else if (helper->vital)
            rc = FAIL(VIR_ERR_OPERATION_FAILED, "helper '%s' of domain '%s' %s", helper->name, guest->name, helper->end);
        else
            LOG_WARN("helper '%s' of domain '%s' %s", helper->name, guest->name, helper->end);
    }
    g_mutex_unlock(&helpers->lock);
    return rc;
}

/* Whether the NUL-separated @environ of @len bytes has @mark. */
static gboolean has_mark(const char *environ, gsize len, const char *mark)
{
    for (const char *entry = environ; entry < environ + len; entry += strlen(entry) + 1) {
        if (g_str_equal(entry, mark))
            return TRUE;
    }
    return FALSE;
}

void qemu_helpers_find(Guest *guest)
{
    g_autoptr(GArray) pids = host_list_numbers("/proc", "");
    char uuid[UUID_TEXT_SIZE];
    g_autofree char *mark = g_strconcat(MARK "=", uuid_format(guest->uuid, uuid), NULL);

    for (guint i = 0; i < pids->len; i++) {
        pid_t pid = (pid_t)g_array_index(pids, guint, i);
        guint64 start = process_start_time(pid);
        g_autofree char *path = g_strdup_printf("/proc/%d/environ", (int)pid), *text = NULL;
        size_t len;

        if (file_read_optional(path, MAX_PROC_FILE, &text, &len) <= 0)
            virResetLastError();
        else if (has_mark(text, len, mark))
            add_former(qemu_guest(guest)->helpers, "found", pid, start, FALSE);
    }
}

void qemu_helpers_detach(QemuHelpers *helpers)
{
    g_mutex_lock(&helpers->lock);
    for (guint i = 0; i < helpers->all->len; i++)
        process_watch_remove(g_steal_pointer(&((Helper *)g_ptr_array_index(helpers->all, i))->watch));
    g_mutex_unlock(&helpers->lock);
}
