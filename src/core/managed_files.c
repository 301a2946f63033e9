/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of objects that can be defined: CONFIG/NAME.xml, CONFIG/autostart/NAME.xml (a link), STATE/NAME.xml.
 *
 * A definition is on the disk, whole, before anybody sees it. After a crash between any two steps the next daemon finds
 * either the old or the new condition: undefining removes the link first, and a link without file is removed at the load.
 *
 * The file about a run is written before anything is started, and goes after everything has been stopped; its phase tells
 * the next daemon what to do about a run that was cut short: stop what is left of it. It outlives the daemon, not the
 * machine, so nobody waits for the disk.
 */
#define ERROR_DOMAIN managed_error_domain(obj->table)
#define LOG_SOURCE "core.managed"
#include "core/managed_private.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

/* Longest definition that is read. */
#define FILE_MAX (16 * 1024 * 1024)
/* More files than this in one folder are not ours. */
#define FILES_MAX 100000
/* In the folder of states while the machine runs: what starts by itself has been started. */
#define STARTED_MARK "autostarted"

static const char *const phases[] = { "running", "starting", "stopping" };

void managed_folders_clear(ManagedFolders *folders)
{
    g_free(folders->config);
    g_free(folders->autostart);
    g_free(folders->state);
}

const char *managed_table_state_folder(const ManagedTable *table)
{
    return managed_table_folders((ManagedTable *) table)->state;
}

static int prepare_folder(const char *path, mode_t mode)
{
    return file_mkdirs(path, mode, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 || file_sweep(path) < 0 ? -1 : 0;
}

int managed_table_keep(ManagedTable *table, const char *config, const char *state)
{
    ManagedFolders *folders = managed_table_folders(table);
    folders->config = g_strdup(config);
    folders->autostart = config ? g_build_filename(config, "autostart", NULL) : NULL;
    folders->state = managed_table_kind(table)->status ? g_strdup(state) : NULL;
    if (config && (prepare_folder(config, 0700) < 0 || prepare_folder(folders->autostart, 0700) < 0))
        return -1;
    return folders->state ? prepare_folder(folders->state, 0755) : 0;
}

static char *file_of(const char *folder, const char *name)
{
    return g_strdup_printf("%s/%s.xml", folder, name);
}

int managed_files_check_name(ManagedTable *table, const char *name)
{
    const ManagedFolders *folders = managed_table_folders(table);
    g_autofree char *what = g_strdup_printf("%s name", managed_table_kind(table)->name);
    return folders->config || folders->state ? file_name_check(what, name) : 0;
}

/* ---- writing ---- */

static int write_config(const Managed *obj, const char *folder, Definition *config)
{
    const ManagedKind *kind = managed_table_kind(obj->table);
    /* a comment can't hold two hyphens in a row */
    const char *name = strstr(MANAGED_NAME(obj), "--") || g_str_has_suffix(MANAGED_NAME(obj), "-") ? "NAME" : MANAGED_NAME(obj);
    g_autofree char *path = file_of(folder, MANAGED_NAME(obj));
    g_autofree char *text = g_strdup_printf("<!-- Written by the daemon, which overwrites it. To change it: virsh %s %s -->\n%s",
                                            kind->edit, name, definition_xml(config, XML_INACTIVE | XML_SECURE));
    return file_replace(path, text, strlen(text), 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
}

static int set_link(const Managed *obj, const ManagedFolders *folders, gboolean on)
{
    g_autofree char *target = file_of(folders->config, MANAGED_NAME(obj));
    g_autofree char *link = file_of(folders->autostart, MANAGED_NAME(obj));
    if (!on)
        return file_remove_sync(link);
    if (symlink(target, link) < 0 && errno != EEXIST)
        return FAIL_ERRNO(errno, "cannot create link '%s' to '%s'", link, target);
    return file_sync_dir(folders->autostart);
}

static int change_config(const Managed *obj, const ManagedFolders *folders, const ManagedState *old, const ManagedState *next)
{
    if (next->config == old->config)
        return 0;
    if (next->config)
        return write_config(obj, folders->config, next->config);
    g_autofree char *path = file_of(folders->config, MANAGED_NAME(obj));
    return file_remove_sync(path);
}

/* A definition that is without a link may start by itself after a crash, a link without definition may not. */
static int change_config_and_link(const Managed *obj, const ManagedFolders *folders, const ManagedState *old,
                                  const ManagedState *next)
{
    gboolean was = old->autostart && old->config, will = next->autostart && next->config;
    if (was && !will && set_link(obj, folders, FALSE) < 0)
        return -1;
    if (change_config(obj, folders, old, next) < 0)
        return -1;
    return !was && will ? set_link(obj, folders, TRUE) : 0;
}

int managed_files_intend(const Managed *obj, Definition *live, ManagedPhase phase)
{
    const ManagedFolders *folders = managed_table_folders(obj->table);
    const ManagedKind *kind = managed_table_kind(obj->table);
    if (!folders->state)
        return 0;
    g_autofree char *path = file_of(folders->state, MANAGED_NAME(obj));
    /* not definition_xml(), which keeps the text: a start may still complete the definition */
    g_autofree char *def = xml_format(kind->root->desc, definition_get(live), kind->root->name, kind->root->ns, 1, XML_SECURE);
    g_autofree char *text = g_strdup_printf("<%s phase='%s'>\n%s</%s>\n", kind->status, phases[phase], def, kind->status);
    return file_replace_quickly(path, text, strlen(text), 0600);
}

static int forget(const Managed *obj, const ManagedFolders *folders)
{
    g_autofree char *path = file_of(folders->state, MANAGED_NAME(obj));
    if (unlink(path) < 0 && errno != ENOENT)
        return FAIL_ERRNO(errno, "cannot remove '%s'", path);
    return 0;
}

void managed_files_forget(const Managed *obj)
{
    const ManagedFolders *folders = managed_table_folders(obj->table);
    virErrorPtr error = error_save();
    if (folders->state && forget(obj, folders) < 0)
        LOG_WARN("%s", error_message());
    error_restore(error);
}

static int change_live(const Managed *obj, const ManagedFolders *folders, const ManagedState *next)
{
    return next->live ? managed_files_intend(obj, next->live, PHASE_RUNNING) : forget(obj, folders);
}

int managed_files_change(const Managed *obj, const ManagedState *old, const ManagedState *next)
{
    const ManagedFolders *folders = managed_table_folders(obj->table);
    if (folders->config && change_config_and_link(obj, folders, old, next) < 0)
        return -1;
    if (!folders->state || next->live == old->live || change_live(obj, folders, next) == 0)
        return 0;
    virErrorPtr error = error_save();
    if (folders->config && change_config_and_link(obj, folders, next, old) < 0)
        LOG_ERROR("%s '%s' will be another one after a restart: %s", managed_table_kind(obj->table)->name, MANAGED_NAME(obj),
                  error_message());
    error_restore(error);
    return -1;
}

/* ---- reading ---- */

/* Make what was read known to the table. Takes over @def. */
static int adopt(ManagedTable *table, void *def, ManagedJob *job, Definition **definition)
{
    *definition = definition_new(managed_table_kind(table)->root, def);
    if (managed_reserve(table, def, __func__, job) == 0)
        return 0;
    g_clear_pointer(definition, definition_unref);
    return -1;
}

/* What a definition that was written by hand lacks (a UUID, a hardware address) was found by chance, and must be the same for the
 * next daemon: it is written down. */
static void settle(const Managed *obj, Definition *config, const char *text)
{
    const XmlRoot *root = managed_table_kind(obj->table)->root;
    const char *now = definition_xml(config, XML_INACTIVE | XML_SECURE);
    if (g_str_has_suffix(text, now)) /* as we have written it */
        return;
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    void *given = xml_parse(root, text, strlen(text), XML_INACTIVE, diag);
    g_autofree char *before = given ? xml_format(root->desc, given, root->name, root->ns, 0, XML_INACTIVE | XML_SECURE) : NULL;
    if (given)
        xml_struct_free(root->desc, given);
    if (g_strcmp0(before, now) == 0 ||
        write_config(obj, managed_table_folders(obj->table)->config, config) == 0)
        return;
    LOG_WARN("%s '%s' will be another one for the next daemon: %s", managed_table_kind(obj->table)->name, MANAGED_NAME(obj),
             error_message());
    virResetLastError();
}

static int load_config(ManagedTable *table, const char *file, const char *path, const char *link)
{
    const ManagedBackend *backend = managed_table_backend(table);
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(Definition) config = NULL;
    g_autofree char *text = file_read(path, FILE_MAX, NULL);
    void *def = text ? managed_parse(table, text, FALSE) : NULL;
    if (!def || adopt(table, def, &job, &config) < 0 || (backend->check && backend->check(table, def, NULL) < 0))
        return -1;
    g_autofree char *expected = g_strdup_printf("%s.xml", MANAGED_NAME(job.obj));
    if (strcmp(expected, file) != 0 || job.state->config) {
        error_report(managed_error_domain(table), VIR_ERR_CONFIG_UNSUPPORTED, "it defines the %s '%s', whose file is '%s'",
                     managed_table_kind(table)->name, MANAGED_NAME(job.obj), expected);
        return -1;
    }
    settle(job.obj, config, text);
    managed_publish_loaded(&job, config, NULL, access(link, F_OK) == 0);
    return 0;
}

static void load_configs(ManagedTable *table, const ManagedFolders *folders)
{
    g_auto(GStrv) files = file_list_dir(folders->config, FILES_MAX);
    g_auto(GStrv) links = file_list_dir(folders->autostart, FILES_MAX);
    if (!files || !links)
        LOG_ERROR("%s", error_message());
    for (char **file = files; file && *file; file++) {
        g_autofree char *path = g_build_filename(folders->config, *file, NULL);
        g_autofree char *link = g_build_filename(folders->autostart, *file, NULL);
        if (!g_str_has_suffix(*file, ".xml") || load_config(table, *file, path, link) == 0)
            continue;
        LOG_ERROR("'%s' is left out: %s", path, error_message());
        virResetLastError();
    }
    for (char **file = links; file && *file; file++) {
        g_autofree char *link = g_build_filename(folders->autostart, *file, NULL);
        if (access(link, F_OK) < 0 && errno == ENOENT && unlink(link) == 0)
            LOG_INFO("removed '%s', which pointed nowhere", link);
    }
}

static ManagedPhase read_phase(xmlNode *root)
{
    xmlChar *text = xmlGetProp(root, (const xmlChar *) "phase");
    ManagedPhase phase = PHASE_RUNNING;
    for (guint i = 0; text && i < G_N_ELEMENTS(phases); i++) {
        if (strcmp((const char *) text, phases[i]) == 0)
            phase = (ManagedPhase) i;
    }
    xmlFree(text);
    return phase;
}

/* The definition in the file about a run; caller owns it. NULL with an error. */
static void *read_status(ManagedTable *table, const char *path, ManagedPhase *phase)
{
    const ManagedKind *kind = managed_table_kind(table);
    size_t len = 0;
    g_autofree char *text = file_read(path, FILE_MAX, &len);
    xmlDoc *doc = text ? xml_document_parse(text, len, path, managed_error_domain(table)) : NULL;
    if (!doc)
        return NULL;
    xmlNode *root = xmlDocGetRootElement(doc), *node = root ? root->children : NULL;
    while (node && (node->type != XML_ELEMENT_NODE || strcmp((const char *) node->name, kind->root->name) != 0))
        node = node->next;
    void *def = NULL;
    if (node) {
        g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
        *phase = read_phase(root);
        def = xml_parse_node(kind->root->desc, node, kind->root->name, 0, diag);
        xml_diagnostics_report(diag, managed_error_domain(table));
    } else {
        error_report(managed_error_domain(table), VIR_ERR_XML_ERROR, "there is no <%s> in it", kind->root->name);
    }
    xmlFreeDoc(doc);
    return def;
}

/* What a run that was read goes on as, or how it ends. */
static void take_over(ManagedJob *job, Definition *live, void *def, ManagedPhase phase)
{
    const ManagedBackend *backend = managed_table_backend(job->obj->table);
    const char *kind = managed_table_kind(job->obj->table)->name;
    if (phase == PHASE_RUNNING && (!backend->restore || backend->restore(job->obj, def) == 0)) {
        managed_publish_loaded(job, job->state->config, live, job->state->autostart);
        return;
    }
    if (phase == PHASE_RUNNING)
        LOG_ERROR("%s '%s' does not run any more: %s", kind, MANAGED_NAME(job->obj), error_message());
    else
        LOG_INFO("%s '%s' was %s when the daemon ended, and is stopped", kind, MANAGED_NAME(job->obj), phases[phase]);
    virResetLastError();
    if (managed_files_intend(job->obj, live, PHASE_STOPPING) < 0 || (backend->stop && backend->stop(job->obj, def) < 0))
        LOG_ERROR("%s '%s' could not be stopped: %s", kind, MANAGED_NAME(job->obj), error_message());
    else
        managed_files_forget(job->obj);
    virResetLastError();
}

/* ---- one after the other, as long as they are quick ---- */

/* Who isn't ready after this is left to himself, and the next one begins: his server may be dead. */
#define PATIENCE_MS 2000

typedef struct Turn {
    ManagedTable *table;
    void (*work)(ManagedTable *table, void *item);
    void *item;
    GMutex lock;        /* guards the following */
    GCond changed;
    gboolean done;
    GThread *thread;    /* NULL: there could be none */
} Turn;

static gpointer take_turn(gpointer opaque)
{
    Turn *turn = opaque;
    managed_thread_domain = managed_error_domain(turn->table);
    turn->work(turn->table, turn->item);
    g_mutex_lock(&turn->lock);
    turn->done = TRUE;
    g_cond_signal(&turn->changed);
    g_mutex_unlock(&turn->lock);
    return NULL;
}

static void turn_begin(Turn *turn)
{
    gint64 until_us = g_get_monotonic_time() + PATIENCE_MS * 1000;
    g_mutex_init(&turn->lock);
    g_cond_init(&turn->changed);
    if (!(turn->thread = g_thread_try_new("managed", take_turn, turn, NULL)))
        take_turn(turn);
    g_mutex_lock(&turn->lock);
    while (!turn->done && g_cond_wait_until(&turn->changed, &turn->lock, until_us))
        continue;
    gboolean done = turn->done;
    g_mutex_unlock(&turn->lock);
    if (done && turn->thread) /* now, so that there are never more threads than there are who hang */
        g_thread_join(g_steal_pointer(&turn->thread));
}

static void turn_end(Turn *turn)
{
    if (turn->thread)
        g_thread_join(turn->thread);
    g_cond_clear(&turn->changed);
    g_mutex_clear(&turn->lock);
}

/* Returns when all are ready. */
static void in_turn(ManagedTable *table, void (*work)(ManagedTable *table, void *item), void **items, guint n)
{
    g_autofree Turn *turns = g_new0(Turn, n);
    gboolean threads = (managed_table_backend(table)->rules & MANAGED_MAY_HANG) != 0;
    for (guint i = 0; i < n; i++) {
        turns[i] = (Turn) { .table = table, .work = work, .item = items[i] };
        if (threads)
            turn_begin(&turns[i]);
        else
            work(table, items[i]);
    }
    for (guint i = 0; threads && i < n; i++)
        turn_end(&turns[i]);
}

static int load_state(ManagedTable *table, const char *path)
{
    g_auto(ManagedJob) job = { NULL };
    g_autoptr(Definition) live = NULL;
    ManagedPhase phase = PHASE_RUNNING;
    void *def = read_status(table, path, &phase);
    if (!def || adopt(table, def, &job, &live) < 0)
        return -1;
    take_over(&job, live, def, phase);
    return 0;
}

static void load_state_file(ManagedTable *table, void *file)
{
    g_autofree char *path = g_build_filename(managed_table_folders(table)->state, file, NULL);
    if (!g_str_has_suffix(file, ".xml") || load_state(table, path) == 0)
        return;
    LOG_ERROR("'%s' is left out: %s", path, error_message());
    virResetLastError();
}

static void load_states(ManagedTable *table, const ManagedFolders *folders)
{
    g_auto(GStrv) files = file_list_dir(folders->state, FILES_MAX);
    if (files)
        in_turn(table, load_state_file, (void **) files, g_strv_length(files));
    else
        LOG_ERROR("%s", error_message());
}

void managed_table_load(ManagedTable *table)
{
    const ManagedFolders *folders = managed_table_folders(table);
    if (folders->config)
        load_configs(table, folders);
    if (folders->state)
        load_states(table, folders);
    virResetLastError();
}

/* ---- autostart ---- */

static void autostart(ManagedTable *table, void *opaque)
{
    Managed *obj = opaque;
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, table, obj->entry.uuid, NULL, __func__) == 0 && (managed_active(job.state) || managed_start(&job) == 0))
        return;
    LOG_ERROR("%s '%s' should start by itself: %s", managed_table_kind(table)->name, MANAGED_NAME(obj), error_message());
    virResetLastError();
}

void managed_table_autostart(ManagedTable *table)
{
    const ManagedFolders *folders = managed_table_folders(table);
    g_autofree char *mark = folders->state ? g_build_filename(folders->state, STARTED_MARK, NULL) : NULL;
    if (mark && access(mark, F_OK) == 0)
        return;
    g_autoptr(GPtrArray) all = managed_objects(table, MANAGED_LIST_AUTOSTART, NULL, NULL);
    in_turn(table, autostart, all->pdata, all->len);
    if (mark && file_replace_quickly(mark, "", 0, 0600) < 0) {
        LOG_WARN("%s", error_message());
        virResetLastError();
    }
}
