/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Filters and bindings over a firewall that writes down what is in force, and can fail.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "nwfilter/host.h"

static GString *done;          /* "lo:a,b,c " for what was put in force, "-lo " for what was taken away */
static int fails_at = -1;      /* how many more bindings go well */
static NwfilterHost *host;
static gboolean is_lost;

static int bind_filters(NwfilterHost *h, const NwfilterUse *uses, guint n, gboolean anyhow)
{
    if (fails_at-- == 0) {
        error_report(VIR_FROM_TEST, VIR_ERR_OPERATION_FAILED, "no");
        return -1;
    }
    for (guint k = 0; k < n; k++) {
        g_string_append_printf(done, "%s:", uses[k].binding->portdev);
        for (guint i = 0; i < uses[k].n_filters; i++)
            g_string_append_printf(done, "%s%s%u", i ? "," : "", uses[k].filters[i]->name, uses[k].filters[i]->n_entries);
        g_string_append_c(done, ' ');
    }
    return 0;
}

static int unbind(NwfilterHost *h, const NwfilterBindingDef *binding)
{
    g_string_append_printf(done, "-%s ", binding->portdev);
    return 0;
}

static gboolean lost(NwfilterHost *h)
{
    gboolean was = is_lost;
    is_lost = FALSE;
    return was;
}

static const NwfilterBackend firewall = { .bind = bind_filters, .unbind = unbind, .lost = lost };

#define UUID(number) "11111111-1111-1111-1111-1111111111" number
#define FILTER(name, number, inside) "<filter name='" name "'><uuid>" UUID(number) "</uuid>" inside "</filter>"
#define REF(name) "<filterref filter='" name "'/>"
#define RULE "<rule action='drop' direction='in'/>"

static int define(const char *xml)
{
    NwfilterDef *def = managed_parse(nwfilter_host_filters(host), xml, FALSE);
    g_autoptr(Managed) obj = def ? nwfilter_host_define(host, def, __func__) : NULL;
    return obj ? 0 : -1;
}

static int bind_how(const char *dev, const char *filter, guint how)
{
    g_autofree char *xml = g_strdup_printf(
        "<filterbinding><owner><name>g</name><uuid>" UUID("99") "</uuid></owner><portdev name='%s'/>"
        "<mac address='00:11:22:33:44:55'/><filterref filter='%s'/></filterbinding>", dev, filter);
    NwfilterBindingDef *def = managed_parse(nwfilter_host_bindings(host), xml, FALSE);
    g_autoptr(Managed) obj = def ? nwfilter_host_bind(host, def, how, __func__) : NULL;
    return obj ? 0 : -1;
}

static int bind_to(const char *dev, const char *filter) { return bind_how(dev, filter, 0); }

static int undefine(const char *name)
{
    g_autoptr(Managed) obj = managed_find(nwfilter_host_filters(host), NULL, name);
    return obj ? nwfilter_host_undefine(host, obj->entry.uuid, __func__) : -1;
}

static void begin(void)
{
    EventBus *bus = event_bus_new();
    host = nwfilter_host_new(&firewall, NULL, bus);
    event_bus_unref(bus);
    fails_at = -1;
    g_string_truncate(done, 0);
    g_assert_cmpint(define(FILTER("c", "03", RULE)), ==, 0);
    g_assert_cmpint(define(FILTER("b", "02", REF("c"))), ==, 0);
    g_assert_cmpint(define(FILTER("a", "01", REF("b") REF("c"))), ==, 0);
}

static void expect(const char *text)
{
    g_assert_cmpstr(done->str, ==, text);
    g_string_truncate(done, 0);
}

static void expect_error(int code)
{
    g_assert_cmpint(error_code(), ==, code);
    virResetLastError();
}

static void test_use(void)
{
    begin();
    g_assert_cmpint(bind_to("lo", "a"), ==, 0);
    expect("lo:a2,b1,c1 ");
    g_assert_cmpint(bind_to("lo", "b"), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(undefine("c"), ==, -1);
    expect_error(VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(nwfilter_host_unbind(host, "lo", __func__), ==, 0);
    expect("-lo ");
    g_assert_cmpint(nwfilter_host_unbind(host, "lo", __func__), ==, -1);
    expect_error(VIR_ERR_NO_NWFILTER_BINDING);
    g_assert_cmpint(undefine("c"), ==, 0);
    g_assert_cmpint(bind_to("lo", "a"), ==, -1);
    expect_error(VIR_ERR_INTERNAL_ERROR);
    expect("");
    nwfilter_host_free(host);
}

static void test_change(void)
{
    begin();
    g_assert_cmpint(bind_to("one", "a"), ==, 0);
    g_assert_cmpint(bind_to("two", "b"), ==, 0);
    expect("one:a2,b1,c1 two:b1,c1 ");
    g_assert_cmpint(define(FILTER("c", "03", RULE RULE)), ==, 0);
    expect("one:a2,b1,c2 two:b1,c2 ");
    fails_at = 0;
    g_assert_cmpint(define(FILTER("c", "03", RULE RULE RULE)), ==, -1); /* all interfaces or none */
    expect_error(VIR_ERR_OPERATION_FAILED);
    expect("");
    g_assert_cmpint(define(FILTER("c", "04", RULE)), ==, -1); /* another's name */
    expect_error(VIR_ERR_OPERATION_FAILED);
    expect("one:a2,b1,c1 two:b1,c1 one:a2,b1,c2 two:b1,c2 ");
    g_assert_cmpint(define(FILTER("b", "02", REF("gone"))), ==, -1);
    expect_error(VIR_ERR_INTERNAL_ERROR);
    fails_at = 0;
    g_assert_cmpint(bind_to("three", "c"), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(nwfilter_host_unbind(host, "three", __func__), ==, -1);
    expect_error(VIR_ERR_NO_NWFILTER_BINDING);
    nwfilter_host_free(host);
}

static char *bound_to(const char *dev)
{
    g_autofree char *xml = managed_xml(nwfilter_host_bindings(host), NULL, dev, 0);
    const char *at = strstr(xml, "filter='");
    return g_strndup(at + strlen("filter='"), 1);
}

/* One in place of another: never taken away between, and with an error the old one is in force. */
static void test_rebind(void)
{
    begin();
    g_assert_cmpint(bind_how("lo", "b", NWFILTER_BIND_REPLACE), ==, 0);
    g_assert_cmpint(bind_how("lo", "c", NWFILTER_BIND_REPLACE), ==, 0);
    expect("lo:b1,c1 lo:c1 ");
    g_assert_cmpint(bind_how("lo", "gone", NWFILTER_BIND_REPLACE), ==, -1);
    expect_error(VIR_ERR_INTERNAL_ERROR);
    fails_at = 0;
    g_assert_cmpint(bind_how("lo", "a", NWFILTER_BIND_REPLACE), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    expect("lo:c1 lo:c1 ");
    g_autofree char *bound = bound_to("lo");
    g_assert_cmpstr(bound, ==, "c");
    /* cut off, until the filter comes */
    g_assert_cmpint(bind_how("lo", "d", NWFILTER_BIND_REPLACE | NWFILTER_BIND_ANYHOW), ==, 0);
    expect("lo: ");
    g_assert_cmpint(define(FILTER("d", "05", REF("c"))), ==, 0);
    expect("lo:d1,c1 ");
    nwfilter_host_free(host);
}

/* Somebody flushes the firewall. */
static void test_lost(void)
{
    begin();
    g_assert_cmpint(bind_to("one", "a"), ==, 0);
    g_assert_cmpint(bind_to("two", "b"), ==, 0);
    g_assert_cmpint(nwfilter_host_renew(host), ==, 0);
    expect("one:a2,b1,c1 two:b1,c1 ");
    is_lost = TRUE;
    g_assert_cmpint(nwfilter_host_renew(host), ==, 0);
    expect("one:a2,b1,c1 two:b1,c1 ");
    is_lost = TRUE;
    fails_at = 0;
    g_assert_cmpint(bind_how("two", "c", NWFILTER_BIND_REPLACE), ==, 0);
    expect("one:a2,b1,c1 two:b1,c1 two:c1 ");
    /* not to be had: tried again with the next change, others first */
    is_lost = TRUE;
    fails_at = 0;
    g_assert_cmpint(nwfilter_host_renew(host), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(bind_to("three", "c"), ==, 0);
    expect("one:a2,b1,c1 two:c1 three:c1 ");
    nwfilter_host_free(host);
}

static void test_circles(void)
{
    begin();
    g_assert_cmpint(define(FILTER("c", "03", REF("c"))), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(define(FILTER("c", "03", REF("x") REF("a"))), ==, -1);
    expect_error(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(define(FILTER("a", "01", REF("c") REF("b") REF("c"))), ==, 0);
    nwfilter_host_free(host);
}

#define ROUNDS 200

static gpointer define_over_and_over(gpointer xml)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (define(xml) == 0)
            g_assert_cmpint(define(strstr(xml, "'x'") ? FILTER("x", "11", "") : FILTER("y", "12", "")), ==, 0);
        virResetLastError();
    }
    return NULL;
}

/* Two that would refer to each other: never both, whoever is faster. */
static void test_race(void)
{
    begin();
    g_assert_cmpint(define(FILTER("x", "11", "")), ==, 0);
    g_assert_cmpint(define(FILTER("y", "12", "")), ==, 0);
    GThread *other = g_thread_new("other", define_over_and_over, (void *) FILTER("x", "11", REF("y")));
    for (int i = 0; i < ROUNDS; i++) {
        if (define(FILTER("y", "12", REF("x"))) == 0) {
            g_autofree char *x = managed_xml(nwfilter_host_filters(host), NULL, "x", 0);
            g_assert_null(strstr(x, "filterref"));
            g_assert_cmpint(define(FILTER("y", "12", "")), ==, 0);
        }
        virResetLastError();
    }
    g_thread_join(other);
    nwfilter_host_free(host);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    done = g_string_new(NULL);
    g_test_add_func("/nwfilter/use", test_use);
    g_test_add_func("/nwfilter/change", test_change);
    g_test_add_func("/nwfilter/rebind", test_rebind);
    g_test_add_func("/nwfilter/lost", test_lost);
    g_test_add_func("/nwfilter/circles", test_circles);
    g_test_add_func("/nwfilter/race", test_race);
    int rc = g_test_run();
    g_string_free(done, TRUE);
    return rc;
}
