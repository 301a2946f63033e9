/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects that can be defined, with domains' documents as definitions.
 */
#include "core/managed.h"
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "model/domain.h"

enum { EV_DEFINED, EV_UNDEFINED, EV_STARTED, EV_STOPPED };

static GString *events; /* one letter each: D U S T */
static const EventDesc thing_event = { .family = EVENT_NETWORK, .id = 0, .name = "thing", .values = "ii" };
static gboolean start_fails;
static GMutex gate;     /* held: starts wait */
static gint starting;

static Event *make_event(const Managed *obj, const void *def, int event, int detail)
{
    g_string_append_c(events, "DUST"[event]);
    g_assert_nonnull(def);
    return event_new(&thing_event, MANAGED_NAME(obj), obj->entry.uuid, -1);
}

static int start(Managed *obj, void *live)
{
    g_atomic_int_inc(&starting);
    g_mutex_lock(&gate);
    g_mutex_unlock(&gate);
    DomainDef *def = live;
    g_free(def->title);
    def->title = g_strdup("running");
    if (start_fails) {
        error_report(VIR_FROM_TEST, VIR_ERR_OPERATION_FAILED, "no");
        return -1;
    }
    return 0;
}

static const ManagedKind kind = {
    .name = "thing", .root = &DOMAIN_ROOT, .error_domain = VIR_FROM_TEST,
    .no_object = VIR_ERR_NO_NETWORK, .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(DomainDef, name), .uuid_at = offsetof(DomainDef, uuid), .has_uuid_at = offsetof(DomainDef, has_uuid),
    .event = make_event, .defined = EV_DEFINED, .undefined = EV_UNDEFINED, .started = EV_STARTED, .stopped = EV_STOPPED,
};
static const ManagedKind nameless = {
    .name = "thing", .root = &DOMAIN_ROOT, .error_domain = VIR_FROM_TEST,
    .no_object = VIR_ERR_NO_INTERFACE, .clash = VIR_ERR_OPERATION_FAILED,
    .name_at = offsetof(DomainDef, name), .uuid_at = -1, .has_uuid_at = -1,
};
static const ManagedBackend strict = { .start = start };
static const ManagedBackend lenient = { .start = start, .rules = MANAGED_UNDEFINE_ACTIVE | MANAGED_STOP_INACTIVE |
                                        MANAGED_AUTOSTART_TRANSIENT };

#define UUID_1 "11111111-1111-1111-1111-111111111112"
#define UUID_2 "22222222-2222-2222-2222-222222222223"

static void *parse(ManagedTable *table, const char *name, const char *uuid)
{
    g_autofree char *xml = g_strdup_printf("<domain type='test'><name>%s</name>%s%s%s<memory>1024</memory>"
                                           "<os><type>hvm</type></os></domain>", name, uuid ? "<uuid>" : "", uuid ? uuid : "",
                                           uuid ? "</uuid>" : "");
    return managed_parse(table, xml, FALSE);
}

static ManagedTable *new_table(const ManagedKind *k, const ManagedBackend *backend)
{
    EventBus *bus = event_bus_new();
    ManagedTable *table = managed_table_new(k, backend, NULL, bus);
    event_bus_unref(bus);
    g_string_truncate(events, 0);
    start_fails = FALSE;
    return table;
}

static void expect_error(int code)
{
    g_assert_cmpint(error_code(), ==, code);
    virResetLastError();
}

static gboolean define(ManagedTable *table, const char *name, const char *uuid)
{
    g_autoptr(Managed) obj = managed_define(table, parse(table, name, uuid), "define");
    return obj != NULL;
}

static gboolean create(ManagedTable *table, const char *name, const char *uuid)
{
    g_autoptr(Managed) obj = managed_create(table, parse(table, name, uuid), "create");
    return obj != NULL;
}

static int with_job(ManagedTable *table, const char *name, int (*fn)(ManagedJob *job))
{
    g_auto(ManagedJob) job = { NULL };
    return managed_job_begin(&job, table, NULL, name, "test") < 0 ? -1 : fn(&job);
}

static int autostart_on(ManagedJob *job)
{
    return managed_set_autostart(job, TRUE);
}

static void test_clashes(void)
{
    ManagedTable *table = new_table(&kind, &strict);
    g_assert_true(define(table, "a", UUID_1));
    g_assert_true(define(table, "a", UUID_1)); /* again: replaced */
    g_assert_false(define(table, "a", UUID_2));
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_false(define(table, "a", NULL));  /* a new UUID is another object */
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_false(create(table, "b", UUID_1));
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_null(parse(table, "a/b", NULL));
    expect_error(VIR_ERR_XML_ERROR);
    g_assert_null(managed_find(table, NULL, "b"));
    expect_error(VIR_ERR_NO_NETWORK);
    g_assert_cmpint(managed_count(table, 0), ==, 1);
    g_assert_cmpstr(events->str, ==, "DD");
    managed_table_free(table);

    table = new_table(&nameless, &strict);
    g_assert_true(define(table, "a", NULL));
    g_assert_true(define(table, "a", NULL));
    g_assert_cmpint(managed_count(table, 0), ==, 1);
    managed_table_free(table);
}

static void test_life(void)
{
    ManagedTable *table = new_table(&kind, &strict);
    g_assert_true(define(table, "a", UUID_1));
    g_assert_cmpint(with_job(table, "a", managed_stop), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(with_job(table, "a", autostart_on), ==, 0);
    start_fails = TRUE;
    g_assert_cmpint(with_job(table, "a", managed_start), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    start_fails = FALSE;
    g_assert_cmpint(managed_is_active(table, NULL, "a"), ==, 0);
    g_assert_cmpint(with_job(table, "a", managed_start), ==, 0);
    g_assert_cmpint(with_job(table, "a", managed_start), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    g_assert_false(create(table, "a", UUID_1));
    expect_error(VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(with_job(table, "a", managed_undefine), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);

    /* a definition for the next start changes nothing now */
    g_assert_true(define(table, "a", UUID_1));
    g_autofree char *live = managed_xml(table, NULL, "a", 0);
    g_autofree char *inactive = managed_xml(table, NULL, "a", XML_INACTIVE);
    g_assert_nonnull(strstr(live, "running"));
    g_assert_null(strstr(inactive, "running"));

    int autostart = 0;
    g_assert_cmpint(managed_get_autostart(table, NULL, "a", &autostart), ==, 0);
    g_assert_cmpint(autostart, ==, 1);
    g_assert_cmpint(with_job(table, "a", managed_stop), ==, 0);
    g_assert_cmpint(with_job(table, "a", managed_undefine), ==, 0);
    g_assert_cmpint(with_job(table, "a", managed_undefine), ==, -1);
    expect_error(VIR_ERR_NO_NETWORK);
    g_assert_cmpstr(events->str, ==, "DSDTU");
    managed_table_free(table);
}

static void test_transient(void)
{
    ManagedTable *table = new_table(&kind, &lenient);
    start_fails = TRUE;
    g_assert_false(create(table, "a", NULL));
    expect_error(VIR_ERR_OPERATION_FAILED);
    start_fails = FALSE;
    g_assert_true(create(table, "a", NULL)); /* the name is free again */
    g_assert_cmpint(managed_is_persistent(table, NULL, "a"), ==, 0);
    g_assert_cmpint(with_job(table, "a", managed_undefine), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(with_job(table, "a", autostart_on), ==, 0);
    g_assert_cmpint(with_job(table, "a", managed_stop), ==, 0);
    g_assert_null(managed_peek(table, NULL, "a"));

    g_assert_true(define(table, "b", UUID_1));
    g_assert_cmpint(with_job(table, "b", managed_stop), ==, 0);
    g_assert_true(create(table, "b", UUID_1)); /* this run only */
    g_assert_cmpint(managed_is_persistent(table, NULL, "b"), ==, 1);
    g_assert_true(managed_table_busy(table));
    g_assert_cmpint(with_job(table, "b", managed_undefine), ==, 0);
    g_assert_cmpint(managed_is_persistent(table, NULL, "b"), ==, 0);
    g_assert_cmpint(with_job(table, "b", managed_stop), ==, 0);
    g_assert_cmpint(managed_count(table, 0), ==, 0);
    g_assert_false(managed_table_busy(table));
    managed_table_free(table);
}

static void test_lists(void)
{
    ManagedTable *table = new_table(&kind, &strict);
    g_assert_true(define(table, "a", NULL) && define(table, "b", NULL) && create(table, "c", NULL));
    g_assert_cmpint(with_job(table, "b", managed_start), ==, 0);
    g_assert_cmpint(with_job(table, "b", autostart_on), ==, 0);
    const struct { unsigned int flags; const char *names; } cases[] = {
        { 0, "a b c" }, { MANAGED_LIST_ACTIVE, "b c" }, { MANAGED_LIST_INACTIVE, "a" },
        { MANAGED_LIST_ACTIVE | MANAGED_LIST_INACTIVE, "a b c" }, { MANAGED_LIST_PERSISTENT, "a b" },
        { MANAGED_LIST_TRANSIENT, "c" }, { MANAGED_LIST_AUTOSTART, "b" }, { MANAGED_LIST_NO_AUTOSTART, "a c" },
        { MANAGED_LIST_PERSISTENT | MANAGED_LIST_ACTIVE, "b" }, { MANAGED_LIST_TRANSIENT | MANAGED_LIST_INACTIVE, "" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *names[5] = { NULL };
        int n = managed_names(table, cases[i].flags, names, 4);
        g_autofree char *text = g_strjoinv(" ", names);
        g_assert_cmpstr(text, ==, cases[i].names);
        g_assert_cmpint(managed_count(table, cases[i].flags), ==, n);
        for (int j = 0; j < n; j++)
            g_free(names[j]);
    }
    char *one[1];
    g_assert_cmpint(managed_names(table, 0, one, 1), ==, 1);
    g_free(one[0]);
    managed_table_free(table);
}

static int set_title(Managed *obj, void *def, gboolean live, void *opaque)
{
    DomainDef *d = def;
    g_free(d->title);
    d->title = g_strdup(opaque);
    if (!live || strcmp(opaque, "bad") != 0)
        return 0;
    error_report(VIR_FROM_TEST, VIR_ERR_INVALID_ARG, "bad");
    return -1;
}

static int edit(ManagedTable *table, unsigned int flags, const char *title)
{
    g_auto(ManagedJob) job = { NULL };
    g_assert_cmpint(managed_job_begin(&job, table, NULL, "a", "edit"), ==, 0);
    unsigned int scope = managed_scope(job.obj, job.state, flags);
    return scope ? managed_edit(&job, scope, set_title, (void *) title, NULL) : -1;
}

static void expect_titles(ManagedTable *table, const char *live, const char *config)
{
    g_autoptr(Managed) obj = managed_find(table, NULL, "a");
    g_autoptr(ManagedState) state = managed_state(obj);
    if (live)
        g_assert_cmpstr(((const DomainDef *) definition_get(state->live))->title, ==, live);
    g_assert_cmpstr(((const DomainDef *) definition_get(state->config))->title, ==, config);
}

static void test_edit(void)
{
    ManagedTable *table = new_table(&kind, &strict);
    g_assert_true(define(table, "a", NULL));
    g_assert_cmpint(edit(table, MANAGED_LIVE, "x"), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(edit(table, 0, "one"), ==, 0);
    expect_titles(table, NULL, "one");
    g_assert_cmpint(with_job(table, "a", managed_start), ==, 0);
    g_assert_cmpint(edit(table, 0, "two"), ==, 0);
    expect_titles(table, "two", "one");
    g_assert_cmpint(edit(table, MANAGED_LIVE | MANAGED_CONFIG, "bad"), ==, -1);
    expect_error(VIR_ERR_INVALID_ARG);
    expect_titles(table, "two", "one"); /* all or nothing */
    g_assert_cmpint(edit(table, MANAGED_LIVE | MANAGED_CONFIG, "three"), ==, 0);
    expect_titles(table, "three", "three");
    managed_table_free(table);
}

static gpointer start_thread(gpointer table)
{
    return GINT_TO_POINTER(with_job(table, "a", managed_start));
}

/* While one starts, readers don't wait, and who wants to change waits. */
static void test_slow_start(void)
{
    ManagedTable *table = new_table(&kind, &strict);
    g_assert_true(define(table, "a", NULL));
    g_atomic_int_set(&starting, 0);
    g_mutex_lock(&gate);
    GThread *one = g_thread_new("one", start_thread, table);
    while (!g_atomic_int_get(&starting))
        g_thread_yield();
    g_autofree char *xml = managed_xml(table, NULL, "a", 0);
    g_assert_nonnull(xml);
    g_assert_cmpint(managed_is_active(table, NULL, "a"), ==, 0);
    GThread *two = g_thread_new("two", start_thread, table);
    g_mutex_unlock(&gate);
    int results = GPOINTER_TO_INT(g_thread_join(one)) + GPOINTER_TO_INT(g_thread_join(two));
    g_assert_cmpint(results, ==, -1); /* one started, for the other it was active already */
    g_assert_cmpint(managed_is_active(table, NULL, "a"), ==, 1);
    managed_table_free(table);
}

#define ROUNDS 300

static gpointer churn(gpointer table)
{
    for (int i = 0; i < ROUNDS; i++) {
        define(table, "a", UUID_1);
        g_autofree char *xml = managed_xml(table, NULL, "a", 0);
        with_job(table, "a", managed_undefine);
        virResetLastError();
    }
    return NULL;
}

/* Several define and undefine the same name: nobody is left in the table, nothing is freed twice. */
static void test_churn(void)
{
    ManagedTable *table = new_table(&nameless, &strict);
    GThread *threads[4];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("churn", churn, table);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(managed_count(table, 0), ==, 0);
    managed_table_free(table);
}

/* A table has no more objects than a list can have. */
static void test_limit(void)
{
    ManagedTable *table = new_table(&nameless, &strict);
    for (int i = 0; i < 16384; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);
        g_assert_true(define(table, name, NULL));
    }
    g_assert_false(define(table, "more", NULL));
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_true(define(table, "n7", NULL)); /* what is there can be defined anew */
    g_assert_cmpint(with_job(table, "n9", managed_undefine), ==, 0);
    g_assert_true(define(table, "more", NULL));
    managed_table_free(table);
}

static const ManagedBackend single = { .start = start, .rules = MANAGED_ONE_DEFINITION };

/* Where there is one definition, a new one is in force at once, and undefining stops. */
static void test_one_definition(void)
{
    ManagedTable *table = new_table(&kind, &single);
    g_assert_true(define(table, "a", UUID_1));
    g_assert_cmpint(with_job(table, "a", managed_start), ==, 0);
    g_assert_true(define(table, "a", UUID_1));
    ManagedState *state;
    managed_unref(managed_find_state(table, NULL, "a", &state));
    g_assert_true(state->live && state->live == state->config);
    managed_state_unref(state);
    g_assert_cmpint(with_job(table, "a", managed_undefine), ==, 0);
    g_assert_cmpstr(events->str, ==, "DSDTU");
    g_assert_cmpint(managed_count(table, 0), ==, 0);
    managed_table_free(table);
}

/* What came goes, what went comes back, what runs on isn't touched; what can't be started again is left off, and said. */
static void test_restore(void)
{
    ManagedTable *table = new_table(&nameless, &single);
    g_assert_true(define(table, "a", NULL) && define(table, "b", NULL) && define(table, "c", NULL));
    g_assert_cmpint(with_job(table, "a", managed_start), ==, 0);
    g_assert_cmpint(with_job(table, "c", managed_start), ==, 0);
    g_autoptr(ManagedBackup) backup = managed_backup_new(table);
    g_atomic_int_set(&starting, 0);
    g_assert_cmpint(managed_restore(table, backup), ==, 0);
    g_assert_cmpint(g_atomic_int_get(&starting), ==, 0);
    g_assert_cmpint(with_job(table, "a", managed_undefine), ==, 0);
    g_assert_cmpint(with_job(table, "b", managed_start), ==, 0);
    g_assert_true(define(table, "d", NULL));
    g_assert_cmpint(managed_restore(table, backup), ==, 0);
    g_assert_cmpint(managed_count(table, 0), ==, 3);
    g_assert_cmpint(managed_is_active(table, NULL, "a"), ==, 1);
    g_assert_cmpint(managed_is_active(table, NULL, "b"), ==, 0);
    g_assert_cmpint(managed_is_active(table, NULL, "c"), ==, 1);
    g_assert_cmpint(with_job(table, "a", managed_stop), ==, 0);
    g_assert_cmpint(with_job(table, "b", managed_undefine), ==, 0);
    start_fails = TRUE;
    g_assert_cmpint(managed_restore(table, backup), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(managed_is_active(table, NULL, "a"), ==, 0);
    g_assert_cmpint(managed_is_persistent(table, NULL, "b"), ==, 1);
    start_fails = FALSE;
    managed_table_free(table);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    events = g_string_new(NULL);
    g_test_add_func("/managed/clashes", test_clashes);
    g_test_add_func("/managed/life", test_life);
    g_test_add_func("/managed/transient", test_transient);
    g_test_add_func("/managed/lists", test_lists);
    g_test_add_func("/managed/edit", test_edit);
    g_test_add_func("/managed/slow-start", test_slow_start);
    g_test_add_func("/managed/churn", test_churn);
    g_test_add_func("/managed/limit", test_limit);
    g_test_add_func("/managed/one-definition", test_one_definition);
    g_test_add_func("/managed/restore", test_restore);
    int rc = g_test_run();
    g_string_free(events, TRUE);
    return rc;
}
