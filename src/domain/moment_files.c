/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Snapshots and checkpoints published and on disk: DIR/DOMAIN/NAME.xml. The element <active> tells which one is the current. A
 * new current one is written before the old one is marked as such no more; if a crash leaves two, the younger one is it.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.moments"
#include "domain/moments.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "domain/persist.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static char *folder_of(const MomentKind *kind, DomainHost *host, const char *domain)
{
    const HostPaths *paths = host_paths(host);
    return g_strdup_printf("%s/%s", kind == &MOMENT_SNAPSHOT ? paths->snapshot : paths->checkpoint, domain);
}

/* The text of a file: the definition with its secrets, and at the end what only files have. */
static char *file_text(const MomentKind *kind, const Moment *moment, gboolean current)
{
    g_autofree char *end = g_strdup_printf("</%s>\n", kind->root->name);
    g_autoptr(GString) text = g_string_new("<!-- Written by the daemon, which overwrites it. -->\n");
    g_string_append(text, definition_xml(moment->def, XML_SECURE | XML_INACTIVE));
    g_assert(g_str_has_suffix(text->str, end));
    g_string_truncate(text, text->len - strlen(end));
    g_string_append_printf(text, "  <active>%d</active>\n%s", current, end);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* A domain at the limits of length, depth or numbers may be beyond them within a snapshot. What couldn't be read again isn't
 * written. */
static int check_readable(const MomentKind *kind, const char *text, const char *path)
{
    int active;
    void *def = moment_read(kind, text, strlen(text), path, &active);
    xml_struct_free(kind->root->desc, def);
    return def ? 0 : -1;
}

static int write_one(const MomentKind *kind, DomainObj *obj, const Moment *moment, gboolean current)
{
    if (!moment || !host_paths(obj->host))
        return 0;
    g_autoptr(DomainState) state = domain_state(obj);
    g_autofree char *folder = folder_of(kind, obj->host, state->name);
    g_autofree char *path = persist_path(folder, moment->name, "xml");
    g_autofree char *text = file_text(kind, moment, current);
    if (check_readable(kind, text, path) < 0 || file_mkdirs(folder, 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
        return -1;
    return file_replace(path, text, strlen(text), 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
}

static int remove_one(const MomentKind *kind, DomainObj *obj, const char *name)
{
    if (!host_paths(obj->host))
        return 0;
    g_autoptr(DomainState) state = domain_state(obj);
    g_autofree char *folder = folder_of(kind, obj->host, state->name);
    g_autofree char *path = persist_path(folder, name, "xml");
    if (file_remove_sync(path) < 0)
        return -1;
    rmdir(folder); /* with the last one */
    return 0;
}

/* ---- publishing ---- */

typedef struct SetChange { const MomentKind *kind; MomentSet *set; } SetChange;

static gboolean change_set(DomainTransition *t, void *opaque)
{
    SetChange *c = opaque;
    if (c->set && !domain_visible(t->old))
        return FALSE;
    MomentSet **place = &G_STRUCT_MEMBER(MomentSet *, t->next, c->kind->set);
    moments_unref(*place);
    *place = moments_ref(c->set);
    return TRUE;
}

/* FALSE if there is no domain any more (a transient one that ended). */
static gboolean publish(const MomentKind *kind, DomainObj *obj, MomentSet *set)
{
    return domain_change(obj, change_set, &(SetChange) { kind, set });
}

int moments_check_room(const MomentKind *kind, const DomainState *state)
{
    if (moments_count(moments_of(kind, state)) < MOMENTS_MAX)
        return 0;
    return FAIL(VIR_ERR_OPERATION_FAILED, "domain '%s' has %d %ss already; 'virsh %s-delete' makes room", state->name, MOMENTS_MAX,
                kind->word, kind->word);
}

/* The second of two writes failed: let the first one's file be again as what is published. */
static void take_back(const MomentKind *kind, DomainObj *obj, const char *name)
{
    virErrorPtr error = error_save();
    g_autoptr(DomainState) state = domain_state(obj);
    const MomentSet *set = moments_of(kind, state);
    const Moment *moment = moments_find(set, name);
    int rc = moment ? write_one(kind, obj, moment, g_strcmp0(set->current, name) == 0) : remove_one(kind, obj, name);
    if (rc < 0)
        LOG_ERROR("%s '%s' of domain '%s' isn't on disk as it is: %s", kind->word, name, state->name, error_message());
    error_restore(error);
}

int moments_add(const MomentKind *kind, DomainObj *obj, Moment *moment, gboolean make_current)
{
    g_autoptr(DomainState) state = domain_state(obj);
    MomentSet *old = moments_of(kind, state);
    const char *before = old ? old->current : NULL;
    const char *current = make_current ? moment->name : before;
    if (!moments_find(old, moment->name) && moments_check_room(kind, state) < 0)
        return -1;
    if (write_one(kind, obj, moment, g_strcmp0(current, moment->name) == 0) < 0)
        return -1;
    if (before && g_strcmp0(before, current) != 0 && write_one(kind, obj, moments_find(old, before), FALSE) < 0) {
        take_back(kind, obj, moment->name);
        return -1;
    }
    g_autoptr(MomentSet) next = moments_with(old, moment, current);
    if (publish(kind, obj, next))
        return 0;
    remove_one(kind, obj, moment->name);
    return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' ended meanwhile, and with it goes its %s '%s'", state->name, kind->word,
                moment->name);
}

int moments_set_current(const MomentKind *kind, DomainObj *obj, const char *name)
{
    g_autoptr(DomainState) state = domain_state(obj);
    MomentSet *old = moments_of(kind, state);
    if (!old || g_strcmp0(old->current, name) == 0)
        return 0;
    if (write_one(kind, obj, moments_find(old, name), TRUE) < 0)
        return -1;
    if (write_one(kind, obj, moments_find(old, old->current), FALSE) < 0) {
        take_back(kind, obj, name);
        return -1;
    }
    g_autoptr(MomentSet) next = moments_with_current(old, name);
    publish(kind, obj, next);
    return 0;
}

int moments_remove(const MomentKind *kind, DomainObj *obj, const char *name)
{
    g_autoptr(DomainState) state = domain_state(obj);
    g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref);
    MomentSet *old = moments_of(kind, state);
    g_autoptr(MomentSet) next = moments_without(kind, old, name, changed);
    const char *current = next ? next->current : NULL;
    for (guint i = 0; i < changed->len; i++) {
        const Moment *child = changed->pdata[i];
        if (write_one(kind, obj, child, g_strcmp0(current, child->name) == 0) < 0)
            return -1;
    }
    if (current && g_strcmp0(old->current, current) != 0 && write_one(kind, obj, moments_find(next, current), TRUE) < 0)
        return -1;
    if (remove_one(kind, obj, name) < 0)
        return -1;
    publish(kind, obj, next);
    return 0;
}

int moments_remove_all(const MomentKind *kind, DomainObj *obj, GPtrArray *gone, MomentRelease release, void *opaque)
{
    g_autoptr(DomainState) state = domain_state(obj);
    g_autoptr(GHashTable) removed = g_hash_table_new(NULL, NULL);
    int rc = 0;
    for (guint i = gone->len; rc == 0 && i-- > 0;) {
        Moment *moment = gone->pdata[i];
        rc = release(moment, opaque) < 0 || remove_one(kind, obj, moment->name) < 0 ? -1 : 0;
        if (rc == 0)
            g_hash_table_add(removed, moment);
    }
    g_autoptr(MomentSet) next = moments_without_all(moments_of(kind, state), removed);
    publish(kind, obj, next);
    return rc;
}

int moments_forget(const MomentKind *kind, DomainObj *obj)
{
    g_autoptr(DomainState) state = domain_state(obj);
    MomentSet *old = moments_of(kind, state);
    int rc = 0;
    for (guint i = moments_count(old); i-- > 0;) {
        if (remove_one(kind, obj, ((Moment *) old->all->pdata[i])->name) < 0)
            rc = -1;
    }
    if (old)
        publish(kind, obj, NULL);
    return rc;
}

void moments_forget_gone(DomainObj *obj)
{
    const MomentKind *const kinds[] = { &MOMENT_SNAPSHOT, &MOMENT_CHECKPOINT };
    g_autoptr(DomainState) state = domain_state(obj);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (moments_forget(kinds[i], obj) < 0)
            LOG_ERROR("%ss of domain '%s', which is gone: %s", kinds[i]->word, state->name, error_message());
    }
}

/* ---- reading ---- */

/* What <active> says: a number, 0 or 1; -1 without it. */
static int mark_of(xmlNode *root)
{
    for (xmlNode *node = root->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || !xmlStrEqual(node->name, BAD_CAST "active") || !node->children)
            continue;
        const char *text = (const char *) node->children->content;
        char *end;
        guint64 value = text ? g_ascii_strtoull(text, &end, 10) : 0;
        return text && end > text && !*end ? value != 0 : -1;
    }
    return -1;
}

void *moment_read(const MomentKind *kind, const char *text, gsize len, const char *where, int *active)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    xmlDoc *doc = xml_document_parse(text, len, where, VIR_FROM_DOMAIN);
    if (!doc)
        return NULL;
    xmlNode *root = xmlDocGetRootElement(doc);
    void *def = NULL;
    if (xmlStrEqual(root->name, BAD_CAST kind->root->name))
        def = xml_parse_node(kind->root->desc, root, kind->root->name, XML_INACTIVE, diag);
    else
        error_report(VIR_FROM_DOMAIN, VIR_ERR_XML_ERROR, "%s: it is a <%s>, not a <%s>", where, root->name, kind->root->name);
    *active = mark_of(root);
    xmlFreeDoc(doc);
    if (!def)
        xml_diagnostics_report(diag, VIR_FROM_DOMAIN);
    return def;
}

static gboolean is_of(const MomentKind *kind, const Moment *moment, DomainObj *obj)
{
    const DomainDef *domain = G_STRUCT_MEMBER(DomainDef *, definition_get(moment->def), kind->domain);
    if (!domain && kind == &MOMENT_SNAPSHOT) /* nobody could go back to it */
        return FALSE;
    return !domain || memcmp(domain->uuid, obj->entry.uuid, sizeof(obj->entry.uuid)) == 0;
}

static Moment *read_one(const MomentKind *kind, DomainObj *obj, const char *folder, const char *file, gboolean *current)
{
    g_autofree char *path = g_strdup_printf("%s/%s", folder, file);
    gsize len;
    int active;
    g_autofree char *text = file_read(path, PERSIST_MAX_FILE, &len);
    void *def = text ? moment_read(kind, text, len, path, &active) : NULL;
    if (!def)
        return NULL;
    *current = active == 1;
    g_autofree char *expected = g_strdup_printf("%s.xml", G_STRUCT_MEMBER(char *, def, kind->name));
    g_autoptr(Moment) moment = moment_new(kind, def);
    if (!is_of(kind, moment, obj))
        return FAIL_NULL(VIR_ERR_XML_ERROR, "'%s' is of no domain, or of one that had this name before: its UUID differs", path);
    if (moment->name && strcmp(expected, file) == 0)
        return g_steal_pointer(&moment);
    return FAIL_NULL(VIR_ERR_XML_ERROR, "'%s' is not the file of a %s of that name", path, kind->word);
}

static gint64 time_of(const MomentKind *kind, const Moment *moment)
{
    return moment ? G_STRUCT_MEMBER(gint64, definition_get(moment->def), kind->time) : G_MININT64;
}

static gint by_time(gconstpointer a, gconstpointer b, gpointer kind)
{
    gint64 left = time_of(kind, *(Moment *const *) a), right = time_of(kind, *(Moment *const *) b);
    return left < right ? -1 : left > right;
}

/* The moments that can be read, the older ones first. @marked receives the names of those that are marked as current, the
 * youngest, which is it, at the end. */
static GPtrArray *read_all(const MomentKind *kind, DomainObj *obj, const char *folder, char **files, GPtrArray *marked)
{
    const Moment *youngest = NULL;
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref);
    for (char **f = files; *f; f++) {
        gboolean is_marked = FALSE;
        if (!g_str_has_suffix(*f, ".xml"))
            continue;
        Moment *moment = read_one(kind, obj, folder, *f, &is_marked);
        if (!moment) {
            LOG_ERROR("a %s is left out: %s", kind->word, error_message());
            virResetLastError();
            continue;
        }
        g_ptr_array_add(found, moment);
        if (!is_marked)
            continue;
        gboolean younger = time_of(kind, moment) >= time_of(kind, youngest);
        g_ptr_array_insert(marked, younger ? -1 : 0, g_strdup(moment->name));
        youngest = younger ? moment : youngest;
    }
    g_ptr_array_sort_with_data(found, by_time, (gpointer) kind);
    return found;
}

void moments_load(const MomentKind *kind, DomainObj *obj)
{
    g_autoptr(DomainState) state = domain_state(obj);
    g_autofree char *folder = folder_of(kind, obj->host, state->name);
    g_autoptr(GPtrArray) roots = g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref);
    g_autoptr(GPtrArray) marked = g_ptr_array_new_with_free_func(g_free);
    if (access(folder, F_OK) < 0)
        return;
    if (file_sweep(folder) < 0)
        LOG_WARN("%s", error_message());
    g_auto(GStrv) files = file_list_dir(folder, MOMENTS_MAX);
    if (!files) {
        LOG_ERROR("%ss of domain '%s': %s", kind->word, state->name, error_message());
        return;
    }
    g_autoptr(GPtrArray) found = read_all(kind, obj, folder, files, marked);
    moments_cut(kind, found, roots);
    for (guint i = 0; i < roots->len; i++)
        LOG_WARN("%s '%s' of domain '%s' lost the one that it follows", kind->word, ((Moment *) roots->pdata[i])->name,
                 state->name);
    g_autoptr(MomentSet) set = moments_new(found, marked->len ? marked->pdata[marked->len - 1] : NULL);
    publish(kind, obj, set);
    /* the mark of a change that was cut short must not come back when the younger one is the current no more */
    for (guint i = 0; i + 1 < marked->len; i++) {
        if (write_one(kind, obj, moments_find(set, marked->pdata[i]), FALSE) < 0)
            LOG_ERROR("%s '%s' of domain '%s' stays marked: %s", kind->word, (char *) marked->pdata[i], state->name, error_message());
    }
}
