/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Configuration files: syntax, types, what is said about mistakes, hostile texts. */
#include <string.h>

#include "base/conf.h"
#include "base/conf_parse.h"
#include "base/error.h"
#include "config/libvirtd.h"
#include "config/libvirt.h"

static int load(const char *text, LibvirtdConf *conf, ConfReport *report)
{
    return conf_load_text(&libvirtd_conf_schema, text, strlen(text), "f", conf, report);
}

static void test_syntax(void)
{
    static const struct {
        const char *text;
        const char *error; /* NULL: fine */
    } cases[] = {
        { "", NULL }, { "\n\n# x\n", NULL }, { "a=1", NULL }, { "  a = 1 # c\r\n b = 'x'; c = -5", NULL }, { "a = \"\"\n", NULL },
        { "a = [ ]", NULL }, { "a = [\n 'x', # c\n 2,\n]\n", NULL }, { "a = \"\"\"x\ny\"z\"\"\"\nb=1", NULL }, { "a=1;b=2", NULL },
        { "x y", "f:1: expected = behind key 'x'" },
        { "\nx\n = 1", "f:2: expected = behind key 'x'" },
        { "x =", "f:1: expected a value: a number, a string in quotes or a list in [ ]" },
        { "x = yes", "f:1: expected a value: a number, a string in quotes or a list in [ ]" },
        { "a = 1\nx = \"abc\n", "f:2: a string is not closed by \" on its line" },
        { "x = \"\"\"abc\n\n", "f:1: a string is not closed by \"\"\"" },
        { "x = \"", "f:1: a string is not closed by \" on its line" },
        { "x = '", "f:1: a string is not closed by ' on its line" },
        { "x = 1 2", "f:1: expected the end of the line behind the value of 'x'" },
        { "x = 0x10", "f:1: expected the end of the line behind the value of 'x'" },
        { "x = \"a\"b\"", "f:1: expected the end of the line behind the value of 'x'" },
        { "x = -", "f:1: a number has no digits" },
        { "1a = 2", "f:1: expected a key, which begins with a letter" },
        { "x = [ 1\n\n", "f:1: a list is not closed by ]" },
        { "x = [ 1\n 2 ]", "f:2: expected , or ] behind an entry of a list" },
        { "x = [ [ 1 ] ]", "f:1: expected a value: a number, a string in quotes" },
        { "x = \"\xff\"", "f:1: a string is not valid UTF-8" },
        { "=", "f:1: expected a key, which begins with a letter" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        virResetLastError();
        GPtrArray *entries = conf_parse(cases[i].text, strlen(cases[i].text), "f");
        g_assert_cmpint(entries == NULL, ==, cases[i].error != NULL);
        if (entries)
            g_ptr_array_unref(entries);
        else if (!strstr(error_message(), cases[i].error))
            g_error("%s: %s", cases[i].text, error_message());
    }
    g_assert_null(conf_parse("a=1\0b", 5, "f"));
    g_autoptr(GPtrArray) lines = conf_parse("a = '''\n", 0, "f");
    g_assert_cmpuint(lines->len, ==, 0);
}

static void test_values(void)
{
    LibvirtdConf conf;
    g_auto(ConfReport) report = { 0 };
    g_assert_cmpint(load("", &conf, &report), ==, 0);
    g_assert_null(report.problems);
    g_assert_cmpint(conf.listen_tls, ==, 1);
    g_assert_cmpint(conf.keepalive_required, ==, -1);
    g_assert_cmpuint(conf.max_clients, ==, 5000);
    g_assert_cmpstr(conf.tls_port, ==, "16514");
    g_assert_null(conf.unix_sock_group);
    g_assert_null(conf.tls_allowed_dn_list);
    conf_clear(&libvirtd_conf_schema, &conf);

    const char *text = "listen_tls = 0\nmax_clients = 7\nmax_clients = 8\nkeepalive_interval = -1\ntls_port = \"x\"\n"
                       "tls_allowed_dn_list = [ 'a', \"b\" ]\naccess_drivers = []\n";
    g_assert_cmpint(load(text, &conf, &report), ==, 0);
    g_assert_cmpint(conf.listen_tls, ==, 0);
    g_assert_cmpuint(conf.max_clients, ==, 7); /* the first one counts */
    g_assert_cmpint(conf.keepalive_interval, ==, -1);
    g_assert_cmpstr(conf.tls_port, ==, "x");
    g_assert_cmpuint(g_strv_length(conf.tls_allowed_dn_list), ==, 2);
    g_assert_cmpuint(g_strv_length(conf.access_drivers), ==, 0); /* empty isn't unset */
    g_assert_cmpuint(report.problems->len, ==, 1);
    const ConfProblem *problem = g_ptr_array_index(report.problems, 0);
    g_assert_false(problem->error);
    g_assert_cmpstr(problem->text, ==, "f:3: 'max_clients' is ignored here: line 2 has set it already");
    conf_clear(&libvirtd_conf_schema, &conf);

    /* what asks for no more than there is */
    conf_report_clear(&report);
    g_assert_cmpint(load("max_queued_clients = 1000\naudit_logging = 0\n", &conf, &report), ==, 0);
    g_assert_null(report.problems);
    conf_clear(&libvirtd_conf_schema, &conf);
}

static void test_problems(void)
{
    static const struct {
        const char *line;
        bool error;
        const char *text;
    } cases[] = {
        { "max_client = 1", false, "unknown key 'max_client' is ignored; did you mean 'max_clients'?" },
        { "something_else_entirely = 1", false, "unknown key 'something_else_entirely' is ignored" },
        { "keepalive_required = 1", false, "'keepalive_required' no longer has any effect" },
        { "max_queued_clients = 7", false, "'max_queued_clients' has no effect yet" },
        { "max_workers = 0", true, "'max_workers' must be from 1 to 1024" },
        { "max_clients = -1", true, "'max_clients' must be from 1 to 4294967295" },
        { "max_clients = 99999999999999999999999", true, "'max_clients' must be from 1 to 4294967295" },
        { "max_clients = 18446744073709551615", true, "'max_clients' must be from 1 to 4294967295" },
        { "max_clients = \"5\"", true, "'max_clients' must be a number without quotes" },
        { "listen_tls = 2", true, "'listen_tls' must be 0 or 1" },
        { "listen_tls = 'yes'", true, "'listen_tls' must be 0 or 1" },
        { "tls_port = 5", true, "'tls_port' must be a string in quotes" },
        { "auth_tcp = \"salt\"", true, "'auth_tcp' is 'salt', must be one of: none, sasl (did you mean 'sasl'?)" },
        { "auth_tcp = \"\"", true, "'auth_tcp' is '', must be one of: none, sasl" },
        { "access_drivers = \"x\"", true, "'access_drivers' must be a list of strings such as [ \"a\", \"b\" ]" },
        { "access_drivers = [ 1 ]", true, "'access_drivers' must be a list of strings such as [ \"a\", \"b\" ]" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        LibvirtdConf conf;
        g_auto(ConfReport) report = { 0 };
        g_autofree char *text = g_strdup_printf("\n%s\nmin_workers = 3\n", cases[i].line);
        g_autofree char *expected = g_strdup_printf("f:2: %s", cases[i].text);
        virResetLastError();
        g_assert_cmpint(load(text, &conf, &report), ==, cases[i].error ? -1 : 0);
        g_assert_cmpuint(report.problems->len, ==, 1);
        const ConfProblem *problem = g_ptr_array_index(report.problems, 0);
        g_assert_cmpstr(problem->text, ==, expected);
        g_assert_cmpint(problem->error, ==, cases[i].error);
        g_assert_cmpint(problem->line, ==, 2);
        if (cases[i].error)
            g_assert_nonnull(strstr(error_message(), expected));
        conf_clear(&libvirtd_conf_schema, &conf);
    }
    LibvirtdConf conf;
    g_auto(ConfReport) all = { 0 };
    g_assert_cmpint(load("tls_port=1\nlisten_tls='x'\n", &conf, &all), ==, -1); /* all are told, the first is the error */
    g_assert_cmpuint(all.problems->len, ==, 2);
    g_assert_nonnull(strstr(error_message(), "f:1:"));
    g_assert_null(conf.tls_port); /* nothing left in it */
}

static void test_bytes(void)
{
    static const struct {
        const char *text;
        guint64 bytes;
    } good[] = {
        { "0", 0 }, { "17", 17 }, { "1b", 1 }, { "1k", 1024 }, { "1KiB", 1024 }, { "1KB", 1000 }, { "2M", 2097152 },
        { "2 MiB", 2097152 }, { "3GB", 3000000000 }, { "1T", 1099511627776 }, { "1P", 1125899906842624 },
        { "15E", 15ULL << 60 }, { "18446744073709551615", G_MAXUINT64 },
    };
    static const char *const bad[] = { "", "x", "-1", "1x", "1Ki", "16E", "18446744073709551616", "1KiBx", "0x10", "1.5G" };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        guint64 bytes = 1;
        g_assert_cmpint(conf_bytes_parse(good[i].text, &bytes), ==, 0);
        g_assert_cmpuint(bytes, ==, good[i].bytes);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        guint64 bytes = 1;
        if (conf_bytes_parse(bad[i], &bytes) == 0)
            g_error("accepted %s", bad[i]);
    }
}

static void test_files(void)
{
    ClientConf conf;
    g_assert_cmpint(conf_load(&libvirt_conf_schema, "/no/such/file", true, &conf, NULL), ==, 0);
    g_assert_cmpstr(conf.remote_mode, ==, "auto");
    conf_clear(&libvirt_conf_schema, &conf);
    g_assert_cmpint(conf_load(&libvirt_conf_schema, "/no/such/file", false, &conf, NULL), ==, -1);
    g_assert_cmpint(conf_load(&libvirt_conf_schema, "/proc", true, &conf, NULL), ==, -1);
    g_assert_null(conf.remote_mode);
}

/* Any mutilation of a good file is read or refused, within bounds. */
static void test_mutants(void)
{
    static const char text[] = "a = 1\nlisten_tls = 0 # x\ntls_port = \"y\"\nlog_filters = \"\"\"1:a\n2:b\"\"\"\n"
                               "access_drivers = [ 'p',\n \"q\", ]\nmax_clients = 12;min_workers=1\n";
    static const char marks[] = "\"'[],;#=\n\\-+0\0\xff";
    for (int i = 0; i < 20000; i++) {
        char copy[sizeof(text)];
        size_t len = g_test_rand_int_range(0, sizeof(text));
        memcpy(copy, text, sizeof(text));
        for (int n = g_test_rand_int_range(0, 4); n > 0; n--)
            copy[g_test_rand_int_range(0, sizeof(text) - 1)] = marks[g_test_rand_int_range(0, sizeof(marks) - 1)];
        g_autofree char *exact = g_memdup2(copy, MAX(len, 1)); /* the sanitizer watches its end */
        LibvirtdConf conf;
        virResetLastError();
        int ret = conf_load_text(&libvirtd_conf_schema, exact, len, "f", &conf, NULL);
        if (ret < 0)
            g_assert_nonnull(strstr(error_message(), "f:"));
        conf_clear(&libvirtd_conf_schema, &conf);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/conf/syntax", test_syntax);
    g_test_add_func("/base/conf/values", test_values);
    g_test_add_func("/base/conf/problems", test_problems);
    g_test_add_func("/base/conf/bytes", test_bytes);
    g_test_add_func("/base/conf/files", test_files);
    g_test_add_func("/base/conf/mutants", test_mutants);
    return g_test_run();
}
