/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The status file of a running guest: <domstatus> with state, process and the live definition. It is all that the
 * next daemon has to find the guest again. The format is the one that libvirt has always had, so that guests survive a
 * change of the implementation; <process> is ours and is skipped by others.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.status"
#include "base/error.h"
#include <errno.h>
#include "base/file.h"
#include "base/log.h"
#include "domain/persist.h"
#include "domain/run.h"
#include "model/domainbackup_def.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *const states[] = {
    "no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended",
};
static const char *const running[] = {
    "unknown", "booted", "migrated", "restored", "from snapshot", "unpaused", "migration canceled", "save canceled",
    "wakeup", "crashed", "post-copy", "post-copy failed",
};
static const char *const paused[] = {
    "unknown", "user", "migration", "save", "dump", "ioerror", "watchdog", "from snapshot", "shutdown", "snapshot",
    "panicked", "starting up", "post-copy", "post-copy failed", "api error",
};
static const char *const shutting[] = { "unknown", "user" };
static const char *const crashed[] = { "unknown", "panicked" };
static const char *const unknown[] = { "unknown" };

static const struct { const char *const *texts; guint n; } reasons[] = {
    [VIR_DOMAIN_NOSTATE] = { unknown, 1 },
    [VIR_DOMAIN_RUNNING] = { running, G_N_ELEMENTS(running) },
    [VIR_DOMAIN_BLOCKED] = { unknown, 1 },
    [VIR_DOMAIN_PAUSED] = { paused, G_N_ELEMENTS(paused) },
    [VIR_DOMAIN_SHUTDOWN] = { shutting, G_N_ELEMENTS(shutting) },
    [VIR_DOMAIN_SHUTOFF] = { unknown, 1 },
    [VIR_DOMAIN_CRASHED] = { crashed, G_N_ELEMENTS(crashed) },
    [VIR_DOMAIN_PMSUSPENDED] = { unknown, 1 },
};

static const char *reason_text(int state, int reason)
{
    return reason >= 0 && (guint) reason < reasons[state].n ? reasons[state].texts[reason] : "unknown";
}

static int text_index(const char *const *texts, guint n, const char *text)
{
    for (guint i = 0; i < n; i++) {
        if (g_strcmp0(texts[i], text) == 0)
            return (int) i;
    }
    return -1;
}

/* The first line has the state and nothing else that changes, padded to one length: when only the state has changed
 * it is overwritten in place by one small write, which a killed daemon can't tear. */
#define HEAD_LEN 160

static void format_head(Guest *guest, const DomainState *state, char head[HEAD_LEN + 1])
{
    int n = g_snprintf(head, HEAD_LEN, "<domstatus state='%s' reason='%s' pid='%d'", states[state->state],
                       reason_text(state->state, state->reason), (int) guest->pid);
    memset(head + n, ' ', HEAD_LEN - n);
    memcpy(head + HEAD_LEN - 2, ">\n", 3);
}

/* What stands between the head and the definition. */
static char *format_middle(Guest *guest, const DomainState *state)
{
    const DomainBackend *backend = host_backend(guest->host);
    g_autoptr(GString) xml = g_string_sized_new(1024);
    for (guint bit = 0; taint_name(bit); bit++) {
        if (state->taints & (1u << bit))
            g_string_append_printf(xml, "  <taint flag='%s'/>\n", taint_name(bit));
    }
    g_string_append_printf(xml, "  <process start='%" G_GUINT64_FORMAT "'/>\n", guest->pid_start);
    if (state->backup) {
        g_autofree char *backup = xml_format(DOMAIN_BACKUP_ROOT.desc, definition_get(state->backup), "domainbackup", NULL, 1,
                                             XML_SECURE);
        g_string_append(xml, backup);
    }
    if (backend->status_format)
        backend->status_format(guest, xml);
    return g_string_free(g_steal_pointer(&xml), FALSE);
}

/* FALSE: the file isn't as we left it; write it whole. */
static gboolean overwrite_head(const char *path, const char *head)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    gboolean done = pwrite(fd, head, HEAD_LEN, 0) == HEAD_LEN;
    close(fd);
    return done;
}

/* The process id alone, in NAME.pid beside the status: for people's scripts, we never read it. */
static void write_pid(GuestCore *core, const Guest *guest)
{
    if (guest->pid <= 0 || guest->pid == core->pid_told)
        return;
    g_autofree char *path = persist_path(host_paths(guest->host)->state, guest->name, "pid");
    g_autofree char *text = g_strdup_printf("%d\n", (int) guest->pid);
    if (file_replace_quickly(path, text, strlen(text), 0644) == 0) {
        core->pid_told = guest->pid;
        return;
    }
    LOG_WARN("%s", error_message());
    virResetLastError();
}

/* Takes over @middle. */
static int write_whole(Guest *guest, const DomainState *state, const char *path, const char *head, char *middle)
{
    GuestCore *core = guest_core(guest);
    g_autofree char *def = xml_format(DOMAIN_ROOT.desc, shared_def_get(state->live), "domain", DOMAIN_ROOT.ns, 1,
                                      XML_SECURE);
    g_autofree char *text = g_strconcat(head, middle, def, "</domstatus>\n", NULL);
    g_clear_pointer(&core->status_live, shared_def_unref);
    g_clear_pointer(&core->status_middle, g_free);
    /* a crash of the machine ends the guest as well */
    if (file_replace_quickly(path, text, strlen(text), 0600) < 0) {
        g_free(middle);
        return -1;
    }
    core->status_live = shared_def_ref(state->live);
    core->status_middle = middle;
    write_pid(core, guest);
    return 0;
}

/* What the file of @guest is to begin with. */
static char *status_path(Guest *guest, const DomainState *state, char head[HEAD_LEN + 1])
{
    format_head(guest, state, head);
    return persist_path(host_paths(guest->host)->state, guest->name, "xml");
}

int status_save(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    int rc = 0;
    if (!host_paths(guest->host))
        return 0;
    g_mutex_lock(&core->status_lock);
    g_atomic_int_set(&core->status_queued, 0);
    g_autoptr(DomainState) state = domain_state(guest->dom); /* taken inside, so that the file never goes back in time */
    if (!core->status_final && state->guest == guest) {
        char head[HEAD_LEN + 1];
        g_autofree char *path = status_path(guest, state, head);
        g_autofree char *middle = format_middle(guest, state);
        gboolean same = core->status_live == state->live && g_strcmp0(core->status_middle, middle) == 0;
        if (!same || !overwrite_head(path, head))
            rc = write_whole(guest, state, path, head, g_steal_pointer(&middle));
    }
    g_mutex_unlock(&core->status_lock);
    return rc;
}

gboolean status_save_at_once(Guest *guest)
{
    GuestCore *core = guest_core(guest);
    if (!host_paths(guest->host))
        return TRUE;
    if (!host_paths(guest->host)->state_in_memory || !g_mutex_trylock(&core->status_lock))
        return FALSE;
    g_autoptr(DomainState) state = domain_state(guest->dom);
    gboolean ours = !core->status_final && state->guest == guest, done = !ours;
    if (ours && core->status_live == state->live) {
        char head[HEAD_LEN + 1];
        g_autofree char *path = status_path(guest, state, head);
        g_autofree char *middle = format_middle(guest, state);
        done = g_strcmp0(core->status_middle, middle) == 0 && overwrite_head(path, head);
    }
    g_mutex_unlock(&core->status_lock);
    return done;
}

static void save_in_worker(void *opaque)
{
    g_autoptr(Guest) guest = opaque;
    if (status_save(guest) < 0)
        LOG_WARN("status of domain '%s' could not be written: %s", guest->name, error_message());
}

void status_save_later(Guest *guest)
{
    if (!host_paths(guest->host) || !g_atomic_int_compare_and_exchange(&guest_core(guest)->status_queued, 0, 1))
        return;
    host_run(guest->host, NULL, save_in_worker, guest_ref(guest));
}

void status_remove(Guest *guest)
{
    const HostPaths *paths = host_paths(guest->host);
    GuestCore *core = guest_core(guest);
    if (!paths)
        return;
    g_mutex_lock(&core->status_lock);
    core->status_final = TRUE;
    g_autofree char *path = persist_path(paths->state, guest->name, "xml");
    if (unlink(path) < 0 && errno != ENOENT)
        LOG_ERROR("cannot remove '%s': %s", path, g_strerror(errno));
    g_autofree char *pid = persist_path(paths->state, guest->name, "pid");
    if (unlink(pid) < 0 && errno != ENOENT)
        LOG_ERROR("cannot remove '%s': %s", pid, g_strerror(errno));
    g_mutex_unlock(&core->status_lock);
}

/* ---- reading ---- */

static char *attribute(xmlNodePtr node, const char *name)
{
    xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *) name);
    char *copy = g_strdup((const char *) value);
    xmlFree(value);
    return copy;
}

static int read_numbers(xmlNodePtr root, StatusFile *status)
{
    g_autofree char *state = attribute(root, "state");
    g_autofree char *reason = attribute(root, "reason");
    g_autofree char *pid = attribute(root, "pid");
    guint64 number;

    status->state = text_index(states, G_N_ELEMENTS(states), state);
    if (status->state < 0 || !pid || !g_ascii_string_to_unsigned(pid, 10, 0, G_MAXINT32, &number, NULL))
        return FAIL(VIR_ERR_XML_ERROR, "state or process id of the status is missing or invalid");
    status->pid = (pid_t) number;
    status->reason = MAX(0, text_index(reasons[status->state].texts, reasons[status->state].n, reason));
    return 0;
}

static void *read_definition(const XmlRoot *root, xmlNodePtr node)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    void *def = xml_parse_node(root->desc, node, root->name, 0, diag);
    if (!def)
        xml_diagnostics_report(diag, VIR_FROM_DOMAIN);
    return def;
}

static int read_child(xmlNodePtr node, StatusFile *status)
{
    if (xmlStrEqual(node->name, BAD_CAST "process")) {
        g_autofree char *start = attribute(node, "start");
        if (start && !g_ascii_string_to_unsigned(start, 10, 0, G_MAXUINT64, &status->pid_start, NULL))
            return FAIL(VIR_ERR_XML_ERROR, "start time of the process is invalid");
    } else if (xmlStrEqual(node->name, BAD_CAST "taint")) {
        g_autofree char *flag = attribute(node, "flag");
        for (guint bit = 0; taint_name(bit); bit++)
            status->taints |= g_strcmp0(flag, taint_name(bit)) == 0 ? 1u << bit : 0;
    } else if (xmlStrEqual(node->name, BAD_CAST "domain") && !status->def) {
        status->def = read_definition(&DOMAIN_ROOT, node);
        return status->def ? 0 : -1;
    } else if (xmlStrEqual(node->name, BAD_CAST "domainbackup") && !status->backup) {
        status->backup = read_definition(&DOMAIN_BACKUP_ROOT, node);
        return status->backup ? 0 : -1;
    }
    return 0;
}

int status_read(const char *path, StatusFile *status)
{
    gsize len;
    *status = (StatusFile) { 0 };
    g_autofree char *text = file_read(path, PERSIST_MAX_FILE, &len);
    if (!text)
        return -1;
    status->doc = xml_document_parse(text, len, "(domain_status)", VIR_FROM_DOMAIN);
    xmlNodePtr root = status->doc ? xmlDocGetRootElement(status->doc) : NULL;
    if (!root)
        return -1;
    if (!xmlStrEqual(root->name, BAD_CAST "domstatus"))
        return FAIL(VIR_ERR_XML_ERROR, "'%s' is not the status of a domain", path);
    if (read_numbers(root, status) < 0)
        return -1;
    for (xmlNodePtr node = root->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && read_child(node, status) < 0)
            return -1;
    }
    if (!status->def || !status->def->name || !status->def->has_uuid || !status->def->has_id)
        return FAIL(VIR_ERR_XML_ERROR, "'%s' lacks the definition of the domain, its UUID or its id", path);
    return 0;
}

void status_clear(StatusFile *status)
{
    g_clear_pointer(&status->def, domain_def_free);
    xml_struct_free(&DOMAIN_BACKUP_DEF_DESC, status->backup);
    status->backup = NULL;
    g_clear_pointer(&status->doc, xmlFreeDoc);
}
