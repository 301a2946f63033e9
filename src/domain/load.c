/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Start of a host: read names and UUIDs of all definitions, find the guests that run, start those that should.
 * Nothing here ends the start: what can't be used is reported and left alone.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.load"
#include "base/error.h"
#include <errno.h>
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "domain/api.h"
#include "domain/def_cache.h"
#include "domain/persist.h"
#include "domain/run.h"
#include "model/domainbackup_def.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More files than this in one folder are not ours. */
#define MAX_FILES 1000000

typedef struct LoadChange { gboolean autostart, autostart_once, managed_save; } LoadChange;

static gboolean change_loaded(DomainTransition *t, void *opaque)
{
    LoadChange *c = opaque;
    t->next->persistent = TRUE;
    t->next->autostart = c->autostart;
    t->next->autostart_once = c->autostart_once;
    t->next->managed_save = c->managed_save;
    t->next->config_serial = 1;
    return TRUE;
}

/* A rename that was cut short left both files. The new one is whole, so finish it. */
static void finish_rename(DomainHost *host, const PersistHead *head, GHashTable *links)
{
    g_autofree char *old = persist_path(host_paths(host)->config, head->replaces, "xml");
    PersistHead old_head;
    if (access(old, F_OK) < 0)
        return;
    gboolean same = persist_read_head(old, &old_head) == 0 && memcmp(old_head.uuid, head->uuid, VIR_UUID_BUFLEN) == 0;
    persist_head_clear(&old_head);
    virResetLastError();
    if (!same)
        return;
    LOG_INFO("finishing the rename of domain '%s' to '%s'", head->replaces, head->name);
    g_autofree char *link = g_strdup_printf("%s.xml", head->replaces);
    gboolean autostart = g_hash_table_contains(links, link);
    if ((autostart && persist_set_autostart(host, head->name, TRUE) < 0) || persist_remove(host, head->replaces) < 0)
        LOG_ERROR("cannot finish the rename of domain '%s': %s", head->replaces, error_message());
    else if (autostart)
        g_hash_table_add(links, g_strdup_printf("%s.xml", head->name));
}

/* A file that somebody wrote by hand, without what the daemon finds for a definition (UUID, addresses): found now and written
 * down, so that the next daemon has the same. */
static int settle(DomainHost *host, const char *path, PersistHead *head)
{
    g_autofree char *text = file_read(path, PERSIST_MAX_FILE, NULL);
    g_autoptr(DomainDef) def = text ? definition_parse(host, text, FALSE) : NULL;
    if (!def) {
        error_context("'%s'", path);
        return -1;
    }
    memcpy(head->uuid, def->uuid, VIR_UUID_BUFLEN);
    g_autoptr(SharedDef) whole = shared_def_new(g_steal_pointer(&def));
    return persist_write(host, head->name, whole);
}

/* Its file is left as it is, and no domain. */
static void leave_out(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        LOG_ERROR("a domain is left out: %s", error_message());
    virResetLastError();
}

static gboolean load_one(DomainHost *host, const char *file, PersistHead *head, GHashTable *links,
                         GHashTable *saves)
{
    g_autofree char *expected = g_strdup_printf("%s.xml", head->name);
    g_autofree char *once = g_strdup_printf("%s.xml.once", head->name);
    g_autofree char *save = g_strdup_printf("%s.save", head->name);
    if (strcmp(expected, file) != 0) {
        LOG_ERROR("'%s/%s' defines a domain '%s'; the file's name must be '%s'", host_paths(host)->config, file,
                  head->name, expected);
        return FALSE;
    }
    g_autofree char *path = persist_path(host_paths(host)->config, head->name, "xml");
    if (head->incomplete && settle(host, path, head) < 0) {
        leave_out(path);
        return FALSE;
    }
    g_autoptr(DomainObj) obj = domain_obj_new(host, head->name, head->uuid);
    LoadChange change = { g_hash_table_contains(links, expected), g_hash_table_contains(links, once),
                          g_hash_table_contains(saves, save) };
    domain_change(obj, change_loaded, &change);
    moments_load(&MOMENT_SNAPSHOT, obj);
    moments_load(&MOMENT_CHECKPOINT, obj);
    if (store_add(host_domains(host), obj, NULL) == STORE_ADDED)
        return TRUE;
    LOG_ERROR("'%s/%s' has the UUID of another domain and is left out", host_paths(host)->config, file);
    return FALSE;
}

static GHashTable *name_set(const char *dir)
{
    GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    char **names = file_list_dir(dir, MAX_FILES);
    if (!names)
        LOG_ERROR("%s", error_message());
    for (char **n = names; n && *n; n++)
        g_hash_table_add(set, *n);
    g_free(names); /* the strings went into the set */
    return set;
}

typedef struct Found { char *file; PersistHead head; } Found;

static void found_free(void *opaque)
{
    Found *found = opaque;
    g_free(found->file);
    persist_head_clear(&found->head);
    g_free(found);
}

static GPtrArray *read_heads(const char *dir, char **names)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(found_free);
    for (char **n = names; *n; n++) {
        if (!g_str_has_suffix(*n, ".xml"))
            continue;
        g_autofree char *path = g_strdup_printf("%s/%s", dir, *n);
        PersistHead head;
        if (persist_read_head(path, &head) < 0) {
            leave_out(path);
            continue;
        }
        Found *found = g_new0(Found, 1);
        *found = (Found) { g_strdup(*n), head };
        g_ptr_array_add(all, found);
    }
    return all;
}

static void remove_stale_links(DomainHost *host, GHashTable *links)
{
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, links);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_autofree char *link = g_strdup_printf("%s/%s", host_paths(host)->autostart, (char *) name);
        if (access(link, F_OK) < 0 && errno == ENOENT && unlink(link) == 0)
            LOG_INFO("removed '%s', which pointed nowhere", link);
    }
}

int host_load_configs(DomainHost *host)
{
    const HostPaths *paths = host_paths(host);
    if (!paths)
        return 0;
    g_auto(GStrv) names = file_list_dir(paths->config, MAX_FILES);
    if (!names)
        return -1;
    g_autoptr(GHashTable) links = name_set(paths->autostart);
    g_autoptr(GHashTable) saves = name_set(paths->save);
    remove_stale_links(host, links);
    g_autoptr(GPtrArray) found = read_heads(paths->config, names);
    for (guint i = 0; i < found->len; i++) {
        Found *f = found->pdata[i];
        if (f->head.replaces)
            finish_rename(host, &f->head, links);
    }
    for (guint i = 0; i < found->len; i++) {
        Found *f = found->pdata[i];
        g_autofree char *path = g_strdup_printf("%s/%s", paths->config, f->file);
        if (access(path, F_OK) == 0) /* the other half of a rename is gone by now */
            load_one(host, f->file, &f->head, links, saves);
    }
    return 0;
}

/* ---- guests of a former daemon ---- */

typedef struct ReviveChange { Guest *guest; SharedDef *live; Definition *backup; const StatusFile *status; } ReviveChange;

static gboolean change_revived(DomainTransition *t, void *opaque)
{
    ReviveChange *c = opaque;
    transition_set_guest(t, c->guest);
    transition_set_live(t, c->live);
    transition_set_backup(t, c->backup);
    t->next->backup_since_ms = loop_now_ms(); /* when it really was isn't known */
    transition_set_state(t, c->status->state, c->status->reason);
    t->next->taints = c->status->taints;
    return TRUE;
}

/* The domain of a status file: known by its definition, or transient. NULL with an error. */
static DomainObj *domain_of_status(DomainHost *host, const DomainDef *def)
{
    DomainObj *obj = store_by_uuid(host_domains(host), def->uuid);
    if (obj)
        return obj;
    obj = domain_obj_new(host, def->name, def->uuid);
    if (store_add(host_domains(host), obj, NULL) == STORE_ADDED)
        return obj;
    domain_obj_unref(obj);
    return FAIL_NULL(VIR_ERR_OPERATION_FAILED, "the name '%s' of a running guest belongs to another domain", def->name);
}

/* Is the process of the status file still the same one? An id that is in use again has another start time. */
static gboolean process_is_same(const StatusFile *status)
{
    guint64 start = status->pid > 0 ? process_start_time(status->pid) : 0;
    return start && (!status->pid_start || status->pid_start == start);
}

static gboolean change_condition(DomainTransition *t, void *opaque)
{
    void **args = opaque;
    GuestCondition *condition = args[1];
    if (!run_is_current(t, args[0]))
        return FALSE;
    transition_set_live(t, args[2]);
    if (t->old->state != condition->state)
        transition_set_state(t, condition->state, condition->reason);
    return TRUE;
}

/* Ends the guest if it is gone or can't be controlled. */
static void give_up(Guest *guest, int reason)
{
    if (run_end(guest, reason, VIR_DOMAIN_EVENT_STOPPED_FAILED) < 0)
        LOG_ERROR("domain '%s' can't be ended: %s", guest->name, error_message());
}

/* A run whose start nobody was told the success of. */
static void undo_start(Guest *guest)
{
    const DomainBackend *backend = host_backend(guest->host);
    if (!guest->pid && backend->find_process)
        guest->pid = backend->find_process(guest);
    LOG_WARN("the start of domain '%s' was cut short; it is undone", guest->name);
    give_up(guest, VIR_DOMAIN_SHUTOFF_FAILED);
}

typedef struct Revival { Guest *guest; DomainDef *def; } Revival;

/* Find out how the guest is, and publish it. With a job that keeps away who would change it or ask it in between. */
static void take_over(Guest *guest, DomainDef *taken)
{
    g_autoptr(DomainDef) def = taken;
    GuestCondition condition = { VIR_DOMAIN_NOSTATE, 0 };
    gboolean failed = GUEST_CALL(host_backend(guest->host)->reconnect(guest, def, &condition)) < 0;
    if (failed && !g_atomic_int_get(&guest->killed))
        LOG_ERROR("cannot take over the running domain '%s': %s", guest->name, error_message());
    if (!run_settle(guest, failed, VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_EVENT_STOPPED_FAILED))
        return;
    g_autoptr(SharedDef) live = shared_def_new(g_steal_pointer(&def));
    domain_change(guest->dom, change_condition, (void *[]) { guest, &condition, live });
    if (condition.state == VIR_DOMAIN_SHUTDOWN)
        guest_upcall_shutdown(guest, TRUE, FALSE);
    status_save_later(guest);
}

static void revive(void *opaque)
{
    Revival *r = opaque;
    take_over(r->guest, r->def);
    domain_job_end(r->guest->dom, JOB_TAKEOVER);
    guest_unref(r->guest);
    g_free(r);
}

/* The daemon died before it could remove an image that the run came from, or end a run that was saved; the run goes on, so
 * the image is of a past that must not come back. */
static void drop_outdated_image(Guest *guest)
{
    if (run_drop_saved(guest->dom) < 0)
        LOG_ERROR("the managed save image of the running domain '%s' is outdated, but can't be removed: %s", guest->name,
                  error_message());
}

static int revive_one(DomainHost *host, const char *path, StatusFile *status)
{
    const DomainBackend *backend = host_backend(host);
    g_autoptr(DomainObj) obj = domain_of_status(host, status->def);
    if (!obj)
        return -1;
    g_autoptr(Guest) guest = guest_new(host, obj, status->def->name, status->def->id);
    host_note_id(host, guest->id);
    guest->pid = status->pid;
    guest->pid_start = status->pid_start;
    if (backend->status_parse && backend->status_parse(guest, xmlDocGetRootElement(status->doc)) < 0) {
        error_context("'%s'", path);
        return -1;
    }
    g_autoptr(SharedDef) live = shared_def_new(domain_def_copy(status->def));
    g_autoptr(Definition) backup = status->backup ? definition_new(&DOMAIN_BACKUP_ROOT, g_steal_pointer(&status->backup)) : NULL;
    domain_change(obj, change_revived, &(ReviveChange) { guest, live, backup, status });
    g_autoptr(DomainState) state = domain_state(obj);
    if (!state->persistent) { /* those of others were read with their definitions */
        moments_load(&MOMENT_SNAPSHOT, obj);
        moments_load(&MOMENT_CHECKPOINT, obj);
    }
    store_set_id(host_domains(host), obj, guest->id);
    gboolean alive = process_is_same(status);
    if (!alive)
        guest->pid = 0; /* gone, or another process has its id: never to be touched */
    if (status->state == VIR_DOMAIN_PAUSED && status->reason == VIR_DOMAIN_PAUSED_STARTING_UP) {
        undo_start(guest);
    } else if (!alive || !backend->reconnect) {
        LOG_INFO("domain '%s' ended while no daemon ran", guest->name);
        give_up(guest, VIR_DOMAIN_SHUTOFF_CRASHED);
    } else {
        drop_outdated_image(guest);
        Revival *r = g_new0(Revival, 1);
        *r = (Revival) { guest_ref(guest), g_steal_pointer(&status->def) };
        guest->starting = 1;
        if (!job_try_begin(&obj->jobs, JOB_TAKEOVER, "reconnect"))
            g_assert_not_reached(); /* nobody knows of the domain yet */
        host_run(host, obj, revive, r);
    }
    return 0;
}

int host_load_guests(DomainHost *host)
{
    const HostPaths *paths = host_paths(host);
    if (!paths)
        return 0;
    g_auto(GStrv) names = file_list_dir(paths->state, MAX_FILES);
    if (!names)
        return -1;
    for (char **n = names; *n; n++) {
        if (!g_str_has_suffix(*n, ".xml"))
            continue;
        g_autofree char *path = g_strdup_printf("%s/%s", paths->state, *n);
        StatusFile status;
        if (status_read(path, &status) < 0 || revive_one(host, path, &status) < 0) {
            LOG_ERROR("a running guest can't be taken over: %s", error_message());
            virResetLastError();
        }
        status_clear(&status);
    }
    return 0;
}

/* ---- autostart ---- */

static gboolean change_no_once(DomainTransition *t, void *opaque)
{
    t->next->autostart_once = FALSE;
    return TRUE;
}

static void autostart_one(void *opaque)
{
    g_autoptr(DomainObj) obj = opaque;
    g_autoptr(DomainState) state = domain_state(obj);
    RunOptions options = RUN_OPTIONS_INIT;
    const HostPaths *paths = host_paths(obj->host);
    options.start.flags = paths && paths->start_bypasses_cache ? VIR_DOMAIN_START_BYPASS_CACHE : 0;
    if (domain_job_begin(obj, JOB_MODIFY, "autostart") < 0)
        return;
    if (state->autostart_once) { /* removed first: a guest that brings the host down must not do so for ever */
        if (persist_set_autostart_once(obj->host, state->name, FALSE) < 0)
            LOG_ERROR("%s", error_message());
        domain_change(obj, change_no_once, NULL);
    }
    if (run_persistent(obj, &options) < 0)
        LOG_ERROR("autostart of domain '%s' failed: %s", state->name, error_message());
    domain_job_end(obj, JOB_MODIFY);
}

void host_autostart(DomainHost *host)
{
    g_autoptr(GPtrArray) all = store_list(host_domains(host), NULL, NULL);
    for (guint i = 0; i < all->len; i++) {
        g_autoptr(DomainState) state = domain_state(all->pdata[i]);
        if ((state->autostart || state->autostart_once) && !state->guest && state->persistent)
            host_run(host, all->pdata[i], autostart_one, domain_obj_ref(all->pdata[i]));
    }
}

/* Guests are started when the host comes up, not each time that the daemon does: the mark lives as long as the host runs. */
static gboolean first_start_of_host(const HostPaths *paths)
{
    g_autofree char *mark = g_strdup_printf("%s/autostarted", paths->state);
    if (access(mark, F_OK) == 0)
        return FALSE;
    int fd = file_create(mark, 0, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    if (fd < 0)
        LOG_ERROR("%s", error_message());
    else
        close(fd);
    return TRUE;
}

int host_load(DomainHost *host)
{
    if (host_load_configs(host) < 0 || host_load_guests(host) < 0)
        return -1;
    if (host_paths(host) && first_start_of_host(host_paths(host)))
        host_autostart(host);
    return 0;
}
