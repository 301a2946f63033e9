/* SPDX-License-Identifier: LGPL-2.1-or-later
 * libvirt.conf: default URI and aliases. */
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "lib/client_conf.h"

static char *resolve(const char *text, const char *name, unsigned flags)
{
    ClientConf conf;
    g_assert_cmpint(conf_load_text(&libvirt_conf_schema, text, strlen(text), "f", &conf, NULL), ==, 0);
    char *uri = client_conf_resolve(&conf, name, flags);
    conf_clear(&libvirt_conf_schema, &conf);
    return uri;
}

static void test_resolve(void)
{
    static const char text[] = "uri_default = 'two'\nuri_aliases = [ 'one=test:///default', 'two=qemu+ssh://h/system?a=b' ]\n";
    static const struct {
        const char *text, *name;
        unsigned flags;
        const char *uri;
    } cases[] = {
        { text, "one", 0, "test:///default" },
        { text, "two", 0, "qemu+ssh://h/system?a=b" },
        { text, NULL, 0, "qemu+ssh://h/system?a=b" }, /* the default may be an alias */
        { text, "on", 0, "on" },
        { text, "one1", 0, "one1" },
        { text, "one", VIR_CONNECT_NO_ALIASES, "one" },
        { text, "xen:///system", 0, "xen:///system" },
        { "uri_default = 'xen:///system'", NULL, 0, "xen:///system" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *uri = resolve(cases[i].text, cases[i].name, cases[i].flags);
        g_assert_cmpstr(uri, ==, cases[i].uri);
    }
    g_autofree char *fallback = resolve("", NULL, 0);
    g_assert_cmpstr(fallback, ==, geteuid() == 0 ? "qemu:///system" : "qemu:///session");
}

static void test_bad_alias(void)
{
    static const char *const bad[] = { "one", "=x", "one=", "o n=x", "a/b=x" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *text = g_strdup_printf("uri_aliases = [ '%s' ]", bad[i]);
        virResetLastError();
        g_assert_null(resolve(text, "other", 0));
        g_assert_nonnull(strstr(error_message(), bad[i]));
    }
}

static void test_environment(void)
{
    g_setenv("LIBVIRT_DEFAULT_URI", "test:///default", TRUE);
    g_autofree char *a = client_conf_uri(NULL, 0);
    g_autofree char *b = client_conf_uri("", 0);
    g_autofree char *c = client_conf_uri("xen:///system", 0);
    g_assert_cmpstr(a, ==, "test:///default");
    g_assert_cmpstr(b, ==, "test:///default");
    g_assert_cmpstr(c, ==, "xen:///system");
    g_setenv("LIBVIRT_ADMIN_DEFAULT_URI", "virtlogd:///system", TRUE);
    g_autofree char *admin = client_conf_admin_uri(NULL, 0);
    g_autofree char *named = client_conf_admin_uri("libvirtd:///session", 0);
    g_assert_cmpstr(admin, ==, "virtlogd:///system");
    g_assert_cmpstr(named, ==, "libvirtd:///session");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lib/client-conf/resolve", test_resolve);
    g_test_add_func("/lib/client-conf/bad-alias", test_bad_alias);
    g_test_add_func("/lib/client-conf/environment", test_environment);
    return g_test_run();
}
