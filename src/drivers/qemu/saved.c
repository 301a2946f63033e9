/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All that a run consists of into a file, and a new run from it: QEMU's migration, with a file at the other end. How it goes is
 * told by events. It may take as long as it takes, as disks may be slow and memory large; but QEMU is asked meanwhile, and if it doesn't
 * answer within the guest's deadline the waiting is over.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "base/error.h"
#include "drivers/qemu/backend.h"

#define FILE_NAME "libvirt-saved"
/* As fast as the file takes it. */
#define BYTES_PER_SECOND (G_GUINT64_CONSTANT(1) << 50)
#define ASK_MS 500
#define ASK_SETTLED_MS 5

void qemu_guest_migration_is(QemuGuest *qemu, const char *status)
{
    QemuMigration state = !status ? QEMU_MIGRATION_LOST : g_str_equal(status, "completed") ? QEMU_MIGRATION_DONE :
        g_str_equal(status, "failed") ? QEMU_MIGRATION_FAILED : g_str_equal(status, "cancelled") ? QEMU_MIGRATION_CANCELLED :
        QEMU_MIGRATION_ACTIVE;

    g_mutex_lock(&qemu->lock);
    if (qemu->migration == QEMU_MIGRATION_ACTIVE)
        qemu->migration = state;
    g_cond_broadcast(&qemu->migrated);
    g_mutex_unlock(&qemu->lock);
}

/* What is told from here on is of what begins now. */
static int begin(Guest *guest, QmpMonitor *mon, int fd, gboolean dumping)
{
    QemuGuest *qemu = qemu_guest(guest);

    if (qmp_call_full(mon, "getfd", json_make(JSON_STR("fdname", FILE_NAME)), &fd, 1, (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, NULL) < 0)
        return -1;
    g_mutex_lock(&qemu->lock);
    qemu->migration = QEMU_MIGRATION_ACTIVE;
    qemu->dumping = dumping;
    qemu->saved_total = qemu->saved_remaining = qemu->saved_done = 0;
    g_mutex_unlock(&qemu->lock);
    return 0;
}

static int prepare(Guest *guest, QmpMonitor *mon, int fd)
{
    json_object *events = json_object_new_array();
    int deadline = (int)MIN(guest_deadline_ms(guest), G_MAXINT);

    json_object_array_add(events, json_make(JSON_STR("capability", "events"), JSON_BOOL("state", true)));
    if (qmp_call(mon, "migrate-set-capabilities", json_make(JSON_VALUE("capabilities", events)), deadline, NULL) < 0 ||
        qmp_call(mon, "migrate-set-parameters", json_make(JSON_UINT("max-bandwidth", BYTES_PER_SECOND)), deadline, NULL) < 0)
        return -1;
    return begin(guest, mon, fd, FALSE);
}

static int failed(Guest *guest, QmpMonitor *mon, const char *what)
{
    g_autoptr(json_object) answer = NULL;
    const char *why = NULL;

    if (qmp_call(mon, qemu_guest(guest)->dumping ? "query-dump" : "query-migrate", NULL, (int)MIN(guest_deadline_ms(guest), G_MAXINT), &answer) == 0)
        why = json_member_string(answer, "error-desc");
    return FAIL(VIR_ERR_OPERATION_FAILED, "%s of domain '%s' failed: %s", what, guest->name, why ? why : "QEMU doesn't say why");
}

/* As long as it is like that, and no longer. */
static QemuMigration wait_a_while(QemuGuest *qemu, QemuMigration is, int ms)
{
    gint64 until = g_get_monotonic_time() + ms * G_TIME_SPAN_MILLISECOND;

    g_mutex_lock(&qemu->lock);
    while (qemu->migration == is && g_cond_wait_until(&qemu->migrated, &qemu->lock, until))
        ;
    QemuMigration state = qemu->migration;
    g_mutex_unlock(&qemu->lock);
    return state;
}

/* Note how far it is. -1 with an error if QEMU doesn't answer. */
static int ask(Guest *guest, QmpMonitor *mon)
{
    QemuGuest *qemu = qemu_guest(guest);
    g_autoptr(json_object) answer = NULL;
    gint64 total, done, remaining;

    if (qmp_call(mon, qemu->dumping ? "query-dump" : "query-migrate", NULL, (int)MIN(guest_deadline_ms(guest), G_MAXINT), &answer) < 0)
        return -1;
    json_object *ram = json_member(answer, "ram", json_type_object);
    total = json_member_int(qemu->dumping ? answer : ram, "total", 0);
    done = json_member_int(qemu->dumping ? answer : ram, qemu->dumping ? "completed" : "transferred", 0);
    remaining = qemu->dumping ? total - done : json_member_int(ram, "remaining", 0);
    g_mutex_lock(&qemu->lock);
    qemu->saved_total = MAX(total, 0);
    qemu->saved_remaining = MAX(remaining, 0);
    qemu->saved_done = MAX(done, 0);
    g_mutex_unlock(&qemu->lock);
    return 0;
}

static int wait_for_end(Guest *guest, QmpMonitor *mon, const char *what)
{
    QemuMigration state;

    while ((state = wait_a_while(qemu_guest(guest), QEMU_MIGRATION_ACTIVE, ASK_MS)) == QEMU_MIGRATION_ACTIVE) {
        if (ask(guest, mon) == 0)
            continue;
        if (qemu_guest(guest)->dumping)
            return -1;
        virErrorPtr error = error_save();

        /* for the case that it wakes up */
        qmp_send(mon, "migrate_cancel", NULL, NULL, 0, (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0, NULL, NULL);
        error_restore(error);
        return -1;
    }
    switch (state) {
    case QEMU_MIGRATION_DONE:
        return 0;
    case QEMU_MIGRATION_CANCELLED:
        return FAIL(VIR_ERR_OPERATION_ABORTED, "%s of domain '%s' was aborted", what, guest->name);
    case QEMU_MIGRATION_LOST:
        return FAIL(VIR_ERR_OPERATION_FAILED, "%s of domain '%s' failed: QEMU ended", what, guest->name);
    default:
        return failed(guest, mon, what);
    }
}

/* Whose state was written (for a dump) while it stood still, QEMU doesn't write it again before it has run: it does, for an instant. */
static int wake_for_an_instant(Guest *guest, QmpMonitor *mon)
{
    int deadline = (int)MIN(guest_deadline_ms(guest), G_MAXINT);
    g_autoptr(json_object) status = NULL;

    if (qmp_call(mon, "query-status", NULL, deadline, &status) < 0)
        return -1;
    if (g_strcmp0(json_member_string(status, "status"), "postmigrate") != 0)
        return 0;
    return qmp_send(mon, "cont", NULL, NULL, 0, deadline, 0, NULL, NULL) < 0 ? -1 : qmp_call(mon, "stop", NULL, deadline, NULL);
}

static int move(Guest *guest, int fd, const char *command, const char *what)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);

    if (!mon || prepare(guest, mon, fd) < 0 ||
        qmp_call(mon, command, json_make(JSON_STR("uri", "fd:" FILE_NAME)), (int)MIN(guest_deadline_ms(guest), G_MAXINT), NULL) < 0)
        return -1;
    return wait_for_end(guest, mon, what);
}

static int write_state(Guest *guest, int fd, const char *what)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);

    return !mon || wake_for_an_instant(guest, mon) < 0 ? -1 : move(guest, fd, "migrate", what);
}

static void look_for_overlays(const DomainDef *def, void *opaque)
{
    *(gboolean *)opaque = qemu_has_overlays(def);
}

int qemu_backend_save(Guest *guest, int fd, unsigned int flags)
{
    gboolean overlays = FALSE;

    guest_with_def(guest, look_for_overlays, &overlays);
    if (overlays)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' has a transient disk, whose contents end with this run", guest->name);
    return write_state(guest, fd, "saving the state");
}

/* ---- core dumps ---- */

static const char *const dump_formats[] = {
    [VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB] = "kdump-zlib", [VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO] = "kdump-lzo",
    [VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY] = "kdump-snappy", [VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP] = "win-dmp",
};

static int check_format(Guest *guest, const char *format)
{
    g_autoptr(json_object) able = NULL;
    json_object *list;

    if (qemu_guest_call(guest, "query-dump-guest-memory-capability", NULL, &able) < 0)
        return -1;
    list = json_member(able, "formats", json_type_array);
    for (gsize i = 0; list && i < json_object_array_length(list); i++) {
        if (g_strcmp0(json_object_get_string(json_object_array_get_idx(list, i)), format) == 0)
            return 0;
    }
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "QEMU of domain '%s' can't dump memory in the format '%s'", guest->name, format);
}

static int dump_memory(Guest *guest, int fd, unsigned int format)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    const char *name = format < G_N_ELEMENTS(dump_formats) ? dump_formats[format] : NULL;
    json_object *args;

    if (!mon || (name && check_format(guest, name) < 0) || begin(guest, mon, fd, TRUE) < 0)
        return -1;
    args = json_make(JSON_BOOL("paging", false), JSON_STR("protocol", "fd:" FILE_NAME), JSON_BOOL("detach", true));
    if (name)
        json_add(args, JSON_STR("format", name));
    if (qmp_call(mon, "dump-guest-memory", args, (int)MIN(guest_deadline_ms(guest), G_MAXINT), NULL) < 0) {
        qemu_guest_migration_is(qemu_guest(guest), "failed");
        return -1;
    }
    return wait_for_end(guest, mon, "the core dump");
}

/* QEMU tells that all is written a moment before it can run on, and nothing when it can. */
static int wait_until_settled(Guest *guest, const char *what)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    gint64 until = g_get_monotonic_time() + guest_deadline_ms(guest) * G_TIME_SPAN_MILLISECOND;

    if (!mon)
        return -1;
    for (;;) {
        g_autoptr(json_object) status = NULL;

        if (qmp_call(mon, "query-status", NULL, (int)MIN(guest_deadline_ms(guest), G_MAXINT), &status) < 0)
            return -1;
        if (g_strcmp0(json_member_string(status, "status"), "finish-migrate") != 0)
            return 0;
        if (g_get_monotonic_time() > until)
            return FAIL(VIR_ERR_OPERATION_TIMEOUT, "%s of domain '%s' is written, but QEMU doesn't come to an end with it", what, guest->name);
        wait_a_while(qemu_guest(guest), QEMU_MIGRATION_DONE, ASK_SETTLED_MS);
    }
}

/* The state as it is saved, without a head of ours: QEMU stands still once it is written. */
static int dump_state(Guest *guest, int fd, gboolean live)
{
    if (write_state(guest, fd, "the core dump") < 0 || wait_until_settled(guest, "the core dump") < 0)
        return -1;
    return live ? qemu_backend_cont(guest) : 0;
}

int qemu_backend_dump(Guest *guest, int fd, unsigned int format, unsigned int flags)
{
    if (flags & VIR_DUMP_MEMORY_ONLY)
        return dump_memory(guest, fd, format);
    if (format != VIR_DOMAIN_CORE_DUMP_FORMAT_RAW)
        return FAIL(VIR_ERR_INVALID_ARG, "only dumps of memory alone (VIR_DUMP_MEMORY_ONLY) have another format than 'raw'");
    return dump_state(guest, fd, flags & VIR_DUMP_LIVE);
}

int qemu_guest_restore(Guest *guest, int fd)
{
    return move(guest, fd, "migrate-incoming", "restoring the state");
}

int qemu_backend_job_abort(Guest *guest, unsigned int flags)
{
    QemuGuest *qemu = qemu_guest(guest);

    g_mutex_lock(&qemu->lock);
    gboolean active = qemu->migration == QEMU_MIGRATION_ACTIVE, dumping = qemu->dumping;
    g_mutex_unlock(&qemu->lock);
    if (active && dumping)
        return FAIL(VIR_ERR_OPERATION_INVALID, "QEMU can't abort the core dump of domain '%s', which is under way", guest->name);
    if (!active)
        return FAIL(VIR_ERR_OPERATION_INVALID, "what domain '%s' is doing can't be aborted", guest->name);
    return qemu_guest_call(guest, "migrate_cancel", NULL, NULL);
}

void qemu_backend_job_progress(Guest *guest, virDomainJobInfoPtr info)
{
    QemuGuest *qemu = qemu_guest(guest);

    g_mutex_lock(&qemu->lock);
    info->memTotal = info->dataTotal = qemu->saved_total;
    info->memRemaining = info->dataRemaining = qemu->saved_remaining;
    info->memProcessed = info->dataProcessed = qemu->saved_done;
    g_mutex_unlock(&qemu->lock);
}
