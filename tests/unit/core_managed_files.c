/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects that are kept in files: what the next daemon finds, whenever the one before has ended.
 */
#include "core/managed.h"
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "model/network.h"

#define UUID "11111111-1111-1111-1111-111111111112"

static GString *calls;          /* of the backend */
static gboolean start_fails, stop_fails, restore_fails;
static char *seen_at_start;     /* the state file while start() runs */

typedef struct Fixture {
    char *dir, *config, *state;
    EventBus *bus;
    ManagedTable *table;
} Fixture;

static Fixture *present;

static char *place(const Fixture *f, const char *file)
{
    return g_build_filename(f->dir, file, NULL);
}

static gboolean exists(const Fixture *f, const char *file)
{
    g_autofree char *path = place(f, file);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static gboolean holds(const Fixture *f, const char *file, const char *text)
{
    g_autofree char *path = place(f, file);
    g_autofree char *all = file_read(path, 65536, NULL);
    return all && strstr(all, text);
}

static int fail(void)
{
    error_report(VIR_FROM_TEST, VIR_ERR_OPERATION_FAILED, "no");
    return -1;
}

static int start(Managed *obj, void *live)
{
    NetworkDef *def = live;
    g_autofree char *path = place(present, "state/a.xml");
    g_string_append(calls, "start ");
    g_free(seen_at_start);
    seen_at_start = file_read(path, 65536, NULL);
    def->bridge.name = g_strdup("virbr9");
    return start_fails ? fail() : 0;
}

static int stop(Managed *obj, const void *live)
{
    g_string_append(calls, "stop ");
    g_assert_true(holds(present, "state/a.xml", "phase='st"));
    return stop_fails ? fail() : 0;
}

static int restore(Managed *obj, void *live)
{
    const NetworkDef *def = live;
    g_string_append_printf(calls, "restore:%s ", def->bridge.name);
    return restore_fails ? fail() : 0;
}

static const ManagedKind kind = {
    .name = "network", .root = &NETWORK_ROOT, .error_domain = VIR_FROM_TEST, .no_object = VIR_ERR_NO_NETWORK,
    .clash = VIR_ERR_OPERATION_FAILED, .name_at = offsetof(NetworkDef, name), .uuid_at = offsetof(NetworkDef, uuid),
    .has_uuid_at = offsetof(NetworkDef, has_uuid), .edit = "net-edit", .status = "networkstatus",
};
static const ManagedBackend backend = { .start = start, .stop = stop, .restore = restore };

/* A new daemon. */
static void begin(Fixture *f)
{
    g_string_truncate(calls, 0);
    start_fails = stop_fails = restore_fails = FALSE;
    f->table = managed_table_new(&kind, &backend, NULL, f->bus);
    g_assert_cmpint(managed_table_keep(f->table, f->config, f->state), ==, 0);
    managed_table_load(f->table);
    g_assert_cmpint(error_code(), ==, 0);
}

static void restart(Fixture *f)
{
    managed_table_free(f->table);
    begin(f);
}

static void set_up(Fixture *f, gconstpointer unused)
{
    f->dir = g_dir_make_tmp("managed-XXXXXX", NULL);
    f->config = place(f, "config");
    f->state = place(f, "state");
    f->bus = event_bus_new();
    present = f;
    begin(f);
}

static void tear_down(Fixture *f, gconstpointer unused)
{
    const char *const argv[] = { "rm", "-rf", f->dir, NULL };
    managed_table_free(f->table);
    event_bus_unref(f->bus);
    g_assert_true(g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    g_free(f->dir);
    g_free(f->config);
    g_free(f->state);
    virResetLastError();
}

static gboolean define(Fixture *f, const char *name, const char *uuid)
{
    g_autofree char *xml = g_strdup_printf("<network><name>%s</name><uuid>%s</uuid></network>", name, uuid);
    void *def = managed_parse(f->table, xml, FALSE);
    g_assert_nonnull(def);
    g_autoptr(Managed) obj = managed_define(f->table, def, "define");
    return obj != NULL;
}

static int with_job(Fixture *f, int (*fn)(ManagedJob *job))
{
    g_auto(ManagedJob) job = { NULL };
    return managed_job_begin(&job, f->table, NULL, "a", "test") < 0 ? -1 : fn(&job);
}

static int autostart_on(ManagedJob *job) { return managed_set_autostart(job, TRUE); }

static void test_definitions(Fixture *f, gconstpointer unused)
{
    int on = -1;
    g_assert_true(define(f, "a", UUID));
    g_assert_true(define(f, ".b--", "21111111-1111-1111-1111-111111111112"));
    g_assert_true(holds(f, "config/a.xml", "virsh net-edit a"));
    g_assert_cmpint(with_job(f, autostart_on), ==, 0);
    restart(f);
    g_assert_cmpint(managed_count(f->table, MANAGED_LIST_INACTIVE), ==, 2);
    g_assert_cmpint(managed_get_autostart(f->table, NULL, "a", &on), ==, 0);
    g_assert_cmpint(on, ==, 1);
    managed_table_autostart(f->table);
    g_assert_cmpstr(calls->str, ==, "start ");
    g_assert_cmpint(with_job(f, managed_stop), ==, 0);
    restart(f);
    managed_table_autostart(f->table); /* the machine has not been booted anew */
    g_assert_cmpstr(calls->str, ==, "");
    g_assert_cmpint(with_job(f, managed_undefine), ==, 0);
    g_assert_false(exists(f, "config/a.xml"));
    g_assert_false(exists(f, "config/autostart/a.xml"));
    restart(f);
    g_assert_cmpint(managed_count(f->table, MANAGED_LIST_INACTIVE), ==, 1);
}

static void test_runs(Fixture *f, gconstpointer unused)
{
    g_assert_true(define(f, "a", UUID));
    g_assert_cmpint(with_job(f, managed_start), ==, 0);
    g_assert_nonnull(strstr(seen_at_start, "phase='starting'"));
    g_assert_true(holds(f, "state/a.xml", "phase='running'"));
    g_assert_true(holds(f, "state/a.xml", "virbr9"));
    restart(f);
    g_assert_cmpstr(calls->str, ==, "restore:virbr9 ");
    g_assert_cmpint(managed_is_active(f->table, NULL, "a"), ==, 1);
    g_assert_cmpint(with_job(f, managed_stop), ==, 0);
    g_assert_false(exists(f, "state/a.xml"));
    restart(f);
    g_assert_cmpint(managed_is_active(f->table, NULL, "a"), ==, 0);
}

/* Replace a word in the state file, as if the daemon had been killed there. */
static void set_phase(Fixture *f, const char *phase)
{
    g_autofree char *path = place(f, "state/a.xml");
    g_autofree char *text = file_read(path, 65536, NULL);
    g_autoptr(GString) changed = g_string_new(text);
    g_assert_cmpint(g_string_replace(changed, "running", phase, 1), ==, 1);
    g_assert_cmpint(file_replace_quickly(path, changed->str, changed->len, 0600), ==, 0);
}

static void test_cut_short(Fixture *f, gconstpointer phase)
{
    g_assert_true(define(f, "a", UUID));
    g_assert_cmpint(with_job(f, managed_start), ==, 0);
    set_phase(f, phase);
    restart(f);
    g_assert_cmpstr(calls->str, ==, "stop ");
    g_assert_cmpint(managed_is_active(f->table, NULL, "a"), ==, 0);
    g_assert_false(exists(f, "state/a.xml"));
}

static void test_gone(Fixture *f, gconstpointer unused)
{
    g_assert_true(define(f, "a", UUID));
    g_assert_cmpint(with_job(f, managed_start), ==, 0);
    managed_table_free(f->table);
    g_string_truncate(calls, 0);
    restore_fails = TRUE;
    f->table = managed_table_new(&kind, &backend, NULL, f->bus);
    g_assert_cmpint(managed_table_keep(f->table, f->config, f->state), ==, 0);
    managed_table_load(f->table);
    g_assert_cmpstr(calls->str, ==, "restore:virbr9 stop ");
    g_assert_cmpint(managed_is_active(f->table, NULL, "a"), ==, 0);
}

/* ---- one that hangs when the daemon begins ---- */

static gint others; /* that have begun */

/* "a" isn't ready before both others are: who waited for it would wait for ever. */
static int hang(Managed *obj, void *live)
{
    if (strcmp(MANAGED_NAME(obj), "a") != 0) {
        g_atomic_int_inc(&others);
        return 0;
    }
    for (guint i = 0; g_atomic_int_get(&others) < 2; i++) {
        g_assert_cmpuint(i, <, 60000);
        g_usleep(1000);
    }
    return 0;
}

static void test_one_hangs(Fixture *f, gconstpointer unused)
{
    static const ManagedBackend hanging = { .rules = MANAGED_MAY_HANG, .start = hang, .restore = hang };
    const char *const names[] = { "a", "b", "c" };
    for (guint daemon = 0; daemon < 2; daemon++) { /* the first one starts, the second one finds */
        managed_table_free(f->table);
        f->table = managed_table_new(&kind, &hanging, NULL, f->bus);
        others = 0;
        g_assert_cmpint(managed_table_keep(f->table, f->config, f->state), ==, 0);
        managed_table_load(f->table);
        for (guint i = 0; daemon == 0 && i < G_N_ELEMENTS(names); i++) {
            g_autofree char *uuid = g_strdup_printf("%.35s%u", UUID, i);
            g_auto(ManagedJob) job = { NULL };
            g_assert_true(define(f, names[i], uuid));
            g_assert_cmpint(managed_job_begin(&job, f->table, NULL, names[i], "test"), ==, 0);
            g_assert_cmpint(managed_set_autostart(&job, TRUE), ==, 0);
        }
        managed_table_autostart(f->table);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
            g_assert_cmpint(managed_is_active(f->table, NULL, names[i]), ==, 1);
        g_assert_cmpint(others, ==, 2);
    }
}

static void test_failures(Fixture *f, gconstpointer unused)
{
    g_assert_true(define(f, "a", UUID));
    start_fails = TRUE;
    g_assert_cmpint(with_job(f, managed_start), ==, -1);
    g_assert_false(exists(f, "state/a.xml"));
    start_fails = FALSE;
    g_assert_cmpint(with_job(f, managed_start), ==, 0);
    stop_fails = TRUE;
    g_assert_cmpint(with_job(f, managed_stop), ==, -1);
    g_assert_true(holds(f, "state/a.xml", "phase='running'"));
    g_assert_cmpint(managed_is_active(f->table, NULL, "a"), ==, 1);
}

static void put(Fixture *f, const char *file, const char *text)
{
    g_autofree char *path = place(f, file);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_garbage(Fixture *f, gconstpointer unused)
{
    put(f, "config/a.xml", "<network><name>a</name><uuid>" UUID "</uuid></network>");
    put(f, "config/other.xml", "<network><name>b</name></network>");                       /* another's name */
    put(f, "config/c.xml", "<network><name>c</name><uuid>" UUID "</uuid></network>");      /* another's UUID */
    put(f, "config/d.xml", "<network");
    put(f, "config/e.xml", "");
    put(f, "state/a.xml", "<networkstatus><network><name>a</name>");
    put(f, "state/x.xml", "<networkstatus/>");
    restart(f);
    g_assert_cmpint(managed_count(f->table, MANAGED_LIST_INACTIVE), ==, 1);
    g_assert_cmpint(managed_count(f->table, MANAGED_LIST_ACTIVE), ==, 0);
    g_assert_true(exists(f, "config/d.xml")); /* nothing is thrown away */
    g_assert_true(exists(f, "state/x.xml"));
    g_assert_true(define(f, "b", "31111111-1111-1111-1111-111111111112")); /* no name is lost to a file that can't be used */
}

/* What a definition lacks that was written by hand is found once, not by each daemon anew. */
static void test_settled(Fixture *f, gconstpointer unused)
{
    put(f, "config/a.xml", "<network><name>a</name></network>");
    restart(f);
    g_assert_cmpint(with_job(f, managed_start), ==, 0);
    g_assert_true(holds(f, "config/a.xml", "<uuid>"));
    restart(f);
    g_assert_cmpint(managed_count(f->table, MANAGED_LIST_ACTIVE), ==, 1);
    put(f, "config/c.xml", "<network><!-- mine --><name>c</name><uuid>" UUID "</uuid></network>");
    restart(f);
    g_assert_true(holds(f, "config/c.xml", "<!-- mine -->")); /* nothing was lacking */
}

/* A folder that can't be written to: nothing has happened. */
static void test_no_room(Fixture *f, gconstpointer unused)
{
    const char *const away[] = { "config", "state" };
    for (guint i = 0; i < G_N_ELEMENTS(away); i++) {
        g_autofree char *folder = place(f, away[i]);
        g_autofree char *other = g_strconcat(folder, ".away", NULL);
        if (i == 1)
            g_assert_true(define(f, "a", UUID));
        g_assert_cmpint(g_rename(folder, other), ==, 0);
        if (i == 0)
            g_assert_false(define(f, "a", UUID));
        else
            g_assert_cmpint(with_job(f, managed_start), ==, -1);
        g_assert_cmpint(error_code(), ==, VIR_ERR_SYSTEM_ERROR);
        virResetLastError();
        g_assert_cmpint(g_rename(other, folder), ==, 0);
        g_assert_cmpint(managed_count(f->table, MANAGED_LIST_ACTIVE | MANAGED_LIST_INACTIVE), ==, i);
        g_assert_cmpint(managed_count(f->table, MANAGED_LIST_ACTIVE), ==, 0);
    }
    g_assert_cmpstr(calls->str, ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    calls = g_string_new(NULL);
    g_test_add("/managed-files/definitions", Fixture, NULL, set_up, test_definitions, tear_down);
    g_test_add("/managed-files/runs", Fixture, NULL, set_up, test_runs, tear_down);
    g_test_add("/managed-files/starting", Fixture, "starting", set_up, test_cut_short, tear_down);
    g_test_add("/managed-files/stopping", Fixture, "stopping", set_up, test_cut_short, tear_down);
    g_test_add("/managed-files/gone", Fixture, NULL, set_up, test_gone, tear_down);
    g_test_add("/managed-files/one-hangs", Fixture, NULL, set_up, test_one_hangs, tear_down);
    g_test_add("/managed-files/failures", Fixture, NULL, set_up, test_failures, tear_down);
    g_test_add("/managed-files/garbage", Fixture, NULL, set_up, test_garbage, tear_down);
    g_test_add("/managed-files/settled", Fixture, NULL, set_up, test_settled, tear_down);
    g_test_add("/managed-files/no-room", Fixture, NULL, set_up, test_no_room, tear_down);
    int rc = g_test_run();
    g_string_free(calls, TRUE);
    g_free(seen_at_start);
    return rc;
}
