/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One guest that doesn't answer, and everybody else; jobs; races of ends.
 */
#include "fake_backend.h"
#include "domain/stats_format.h"

typedef struct Fixture { char *root; FakeHost *f; virDomainPtr sick, well; } Fixture;

static virDomainPtr start(FakeHost *f, const char *name, guint number)
{
    virDomainPtr dom = fake_define(f, name, number);
    g_assert_cmpint(f->table.domain_create(dom), ==, 0);
    return dom;
}

static void setup(Fixture *x, gconstpointer data)
{
    x->root = g_dir_make_tmp("domain-stuck-XXXXXX", NULL);
    x->f = fake_host_new(x->root);
    x->sick = start(x->f, "sick", 1);
    x->well = start(x->f, "well", 2);
}

static void teardown(Fixture *x, gconstpointer data)
{
    const char *const argv[] = { "rm", "-rf", x->root, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) out = { 0 };
    virDomainPtr doms[] = { x->sick, x->well };
    for (guint i = 0; i < G_N_ELEMENTS(doms); i++) {
        if (x->f->table.domain_is_active(doms[i]) == 1)
            g_assert_cmpint(x->f->table.domain_destroy(doms[i]), ==, 0);
        object_unref(doms[i]);
    }
    fake_release(x->f, FALSE);
    fake_host_free(x->f);
    spec.argv = argv;
    g_assert_cmpint(process_run_checked(&spec, NULL, 0, 4096, 20000, &out), ==, 0);
    g_free(x->root);
}

static virDomainStatsRecordPtr find_record(virDomainStatsRecordPtr *records, const char *name)
{
    while (strcmp((*records)->dom->name, name) != 0)
        records++;
    return *records;
}

static unsigned long long number(virDomainStatsRecordPtr record, const char *name)
{
    unsigned long long value;
    if (virTypedParamsGetULLong(record->params, record->nparams, name, &value) != 1)
        return G_MAXUINT64;
    return value;
}

/* Bulk statistics; how long they took in milliseconds. */
static gint64 ask_all(Fixture *x, virDomainStatsRecordPtr **records)
{
    gint64 begin = loop_now_ms();
    g_assert_cmpint(x->f->table.connect_get_all_domain_stats(x->f->conn, 0, records, 0), ==, 2);
    return loop_now_ms() - begin;
}

static void test_bulk_stats(Fixture *x, gconstpointer data)
{
    virDomainStatsRecordPtr *records;
    ask_all(x, &records);
    g_assert_cmpuint(number(find_record(records, "sick"), "balloon.current"), ==, 777);
    g_assert_cmpuint(number(find_record(records, "sick"), STATS_AGE), ==, G_MAXUINT64);
    virDomainStatsRecordListFree(records);

    g_atomic_int_set(&x->f->rules.hang_stats, 1);
    ask_all(x, &records); /* the first time somebody has to find out */
    g_assert_cmpuint(number(find_record(records, "sick"), "balloon.current"), ==, 777);
    g_assert_cmpuint(number(find_record(records, "sick"), STATS_AGE), !=, G_MAXUINT64);
    g_assert_cmpuint(number(find_record(records, "sick"), "cpu.time"), ==, 5); /* the host's own figures are fresh */
    virDomainStatsRecordListFree(records);

    g_autoptr(DomainObj) obj = store_by_name(host_domains(x->f->host), "sick");
    for (guint i = 0; i < 50; i++) { /* if anybody waited, this would take 25 s */
        ask_all(x, &records);
        virDomainStatsRecordListFree(records);
    }
    g_mutex_lock(&obj->lock);
    g_assert_true(obj->stats_stuck);
    g_assert_cmpuint(obj->stats_asked, <=, 2); /* requests don't pile up at the guest */
    g_mutex_unlock(&obj->lock);

    g_atomic_int_set(&x->f->rules.hang_stats, 0);
    fake_release(x->f, TRUE); /* it comes to its senses */
    ask_all(x, &records);
    g_assert_cmpuint(number(find_record(records, "sick"), STATS_AGE), ==, G_MAXUINT64);
    virDomainStatsRecordListFree(records);
}

/* Who refuses has answered: it is asked again each time. */
static void test_refused_stats(Fixture *x, gconstpointer data)
{
    virDomainStatsRecordPtr *records;
    g_autoptr(DomainObj) obj = store_by_name(host_domains(x->f->host), "sick");
    g_atomic_int_set(&x->f->rules.refuse_stats, 1);
    ask_all(x, &records);
    virDomainStatsRecordListFree(records);
    g_mutex_lock(&obj->lock);
    g_assert_false(obj->stats_stuck);
    g_mutex_unlock(&obj->lock);
    g_atomic_int_set(&x->f->rules.refuse_stats, 0);
    ask_all(x, &records);
    g_assert_cmpuint(number(find_record(records, "sick"), "balloon.current"), ==, 777);
    virDomainStatsRecordListFree(records);
}

static void *suspend_sick(void *opaque)
{
    Fixture *x = opaque;
    return GINT_TO_POINTER(x->f->table.domain_suspend(x->sick));
}

static void wait_for_job(DomainObj *obj)
{
    gint64 until = loop_now_ms() + 10000;
    while (!job_current(&obj->jobs).api) {
        g_assert_cmpint(loop_now_ms(), <, until);
        g_usleep(1000);
    }
}

static void test_job_deadline_and_destroy(Fixture *x, gconstpointer data)
{
    int state, reason;
    virDomainControlInfo control;
    g_autoptr(DomainObj) obj = store_by_name(host_domains(x->f->host), "sick");
    g_atomic_int_set(&x->f->rules.hang_pause, 1);
    GThread *thread = g_thread_new("suspend", suspend_sick, x);
    wait_for_job(obj);
    host_set_deadline_ms(x->f->host, 50);
    g_assert_cmpint(x->f->table.domain_resume(x->sick), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_nonnull(strstr(error_message(), "cannot acquire state change lock of domain 'sick'"));
    g_assert_nonnull(strstr(error_message(), "held by virDomainSuspend"));
    host_set_deadline_ms(x->f->host, 30000);
    /* readers never wait */
    g_autofree char *xml = x->f->table.domain_get_xml_desc(x->sick, 0);
    g_assert_nonnull(xml);
    g_assert_cmpint(x->f->table.domain_get_state(x->sick, &state, &reason, 0), ==, 0);
    g_assert_cmpint(x->f->table.domain_get_control_info(x->sick, &control, 0), ==, 0);
    g_assert_cmpint(control.state, ==, VIR_DOMAIN_CONTROL_OCCUPIED);
    g_assert_cmpint(x->f->table.domain_reset(x->well, 0), ==, 0);
    /* and neither does destroy */
    g_assert_cmpint(x->f->table.domain_destroy(x->sick), ==, 0);
    g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(thread)), ==, -1);
    g_atomic_int_set(&x->f->rules.hang_pause, 0);
    g_assert_cmpint(x->f->table.domain_create(x->sick), ==, 0);
}

/* ---- everybody at once ---- */

static gint stop;

static void *reader(void *opaque)
{
    Fixture *x = opaque;
    while (!g_atomic_int_get(&stop)) {
        virDomainPtr *list;
        int n = x->f->table.connect_list_all_domains(x->f->conn, &list, 0);
        for (int i = 0; i < n; i++) {
            g_autofree char *xml = x->f->table.domain_get_xml_desc(list[i], 0);
            virDomainInfo info;
            x->f->table.domain_get_info(list[i], &info);
        }
        object_list_free(list, n);
        virDomainStatsRecordPtr *records;
        if (x->f->table.connect_get_all_domain_stats(x->f->conn, 0, &records, 0) >= 0)
            virDomainStatsRecordListFree(records);
        virResetLastError();
    }
    return NULL;
}

static void *writer(void *opaque)
{
    Fixture *x = opaque;
    for (guint i = 0; i < 15; i++) {
        virDomainPtr dom = fake_define(x->f, "busy", 9);
        if (dom) {
            x->f->table.domain_create(dom);
            x->f->table.domain_suspend(dom);
            if (i % 2)
                x->f->table.domain_destroy(dom);
            else
                x->f->table.domain_shutdown(dom);
            x->f->table.domain_undefine(dom);
        }
        object_unref(dom);
        virResetLastError();
    }
    return NULL;
}

static void test_races(Fixture *x, gconstpointer data)
{
    GThread *readers[2], *writers[3];
    g_atomic_int_set(&stop, 0);
    for (guint i = 0; i < G_N_ELEMENTS(readers); i++)
        readers[i] = g_thread_new("reader", reader, x);
    for (guint i = 0; i < G_N_ELEMENTS(writers); i++)
        writers[i] = g_thread_new("writer", writer, x);
    for (guint i = 0; i < G_N_ELEMENTS(writers); i++)
        g_thread_join(writers[i]);
    g_atomic_int_set(&stop, 1);
    for (guint i = 0; i < G_N_ELEMENTS(readers); i++)
        g_thread_join(readers[i]);
    virDomainPtr busy = x->f->table.domain_lookup_by_name(x->f->conn, "busy");
    if (busy && x->f->table.domain_is_active(busy) == 1)
        x->f->table.domain_destroy(busy);
    object_unref(busy);
    virResetLastError();
    /* each run that began was cleaned up once; "sick" and "well" go on */
    gint64 until = loop_now_ms() + 10000;
    while (g_atomic_int_get(&x->f->rules.starts) - 2 != g_atomic_int_get(&x->f->rules.cleanups)) {
        g_assert_cmpint(loop_now_ms(), <, until);
        g_usleep(1000);
    }
    g_assert_cmpint(x->f->table.connect_num_of_domains(x->f->conn), ==, 2);
}

/* Two clients destroy, and the process dies by itself: it ends once, and both are told so. */
static void *destroy_sick(void *opaque)
{
    Fixture *x = opaque;
    int rc = x->f->table.domain_destroy(x->sick);
    return GINT_TO_POINTER(rc == 0 || error_code() == VIR_ERR_OPERATION_INVALID);
}

static void test_double_end(Fixture *x, gconstpointer data)
{
    for (guint i = 0; i < 20; i++) {
        gint before = g_atomic_int_get(&x->f->rules.cleanups);
        g_autoptr(DomainObj) obj = store_by_name(host_domains(x->f->host), "sick");
        g_autoptr(DomainState) state = domain_state(obj);
        GThread *a = g_thread_new("a", destroy_sick, x), *b = g_thread_new("b", destroy_sick, x);
        guest_upcall_ended(state->guest, FALSE);
        g_assert_true(GPOINTER_TO_INT(g_thread_join(a)));
        g_assert_true(GPOINTER_TO_INT(g_thread_join(b)));
        g_assert_cmpint(x->f->table.domain_is_active(x->sick), ==, 0);
        g_assert_cmpint(g_atomic_int_get(&x->f->rules.cleanups), ==, before + 1);
        g_assert_cmpint(x->f->table.domain_create(x->sick), ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) g_test_add("/domain/stuck/" path, Fixture, NULL, setup, fn, teardown)
    ADD("bulk-stats", test_bulk_stats);
    ADD("refused-stats", test_refused_stats);
    ADD("job-deadline", test_job_deadline_and_destroy);
    ADD("double-end", test_double_end);
    ADD("races", test_races);
    return g_test_run();
}
