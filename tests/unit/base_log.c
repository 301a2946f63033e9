/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Log: syntax of filters and outputs, what is written, what costs nothing. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_SOURCE "test.log"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

static char *dir;

static void test_filters(void)
{
    static const struct {
        const char *text;
        const char *normal; /* NULL: refused */
    } cases[] = {
        { "1:qemu 2:+rpc 3:*util.j?on* 4:qemu", "1:*qemu* 2:*rpc* 3:**util.j?on** 4:*qemu*" },
        { "  1:a   2:b ", "1:*a* 2:*b*" },
        { "", "" },
        { "1:", NULL }, { "5:x", NULL }, { "0:x", NULL }, { "x", NULL }, { "11:x", NULL }, { "1:a 1:", NULL }, { "-1:x", NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(log_set_filters("1:before"), ==, 0);
        int ret = log_set_filters(cases[i].text);
        g_autofree char *now = log_get_filters();
        g_assert_cmpint(ret, ==, cases[i].normal ? 0 : -1);
        g_assert_cmpstr(now, ==, cases[i].normal ? cases[i].normal : "1:*before*");
    }
    g_assert_cmpint(log_set_filters("5:x"), ==, -1);
    g_assert_nonnull(strstr(error_message(), "'5:x'"));
    g_autoptr(GString) many = g_string_new(NULL);
    for (int i = 0; i < 300; i++)
        g_string_append(many, "1:x ");
    g_assert_cmpint(log_set_filters(many->str), ==, -1);
    log_shutdown();
}

static void test_outputs(void)
{
    static const char *const bad[] = {
        "1:foo", "1:syslog", "1:syslog:", "1:stderr:x", "1:journald:x", "5:stderr", "stderr", "1:file", "1:file:",
        "1:file:relative", "1:file:/no/such/folder/x", "1:stderr 1:foo",
    };
    g_autofree char *path = g_build_filename(dir, "with:colon", NULL);
    g_autofree char *text = g_strdup_printf("1:stderr  2:file:%s 3:stderr 1:file:/dev/null", path);
    g_autofree char *normal = g_strdup_printf("3:stderr 2:file:%s 1:file:/dev/null", path);
    g_assert_cmpint(log_set_outputs(text), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpint(log_set_outputs(bad[i]), ==, -1);
    g_autofree char *now = log_get_outputs();
    g_assert_cmpstr(now, ==, normal); /* still */
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);

    g_autofree char *destination = g_strdup_printf("file:%s", path);
    g_autofree char *expected = g_strdup_printf("3:file:%s", path);
    log_set_default_level(LOG_LEVEL_WARN);
    g_assert_cmpint(log_set_default_output("nonsense"), ==, -1);
    g_assert_cmpint(log_set_default_output(destination), ==, 0);
    g_assert_cmpint(log_set_outputs(""), ==, 0);
    g_autofree char *fallback = log_get_outputs();
    g_assert_cmpstr(fallback, ==, expected);
    log_shutdown();
    unlink(path);
}

static char *log_text(const char *path)
{
    char *text = file_read(path, 1 << 20, NULL);
    g_assert_nonnull(text);
    g_assert_cmpint(truncate(path, 0), ==, 0);
    return text;
}

static int evaluated;

static int count(void)
{
    return ++evaluated;
}

static void test_messages(void)
{
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    g_autofree char *out = g_strdup_printf("1:file:%s", path);
    g_assert_cmpint(log_set_outputs(out), ==, 0);
    LOG_DEBUG("%d", count());
    LOG_WARN("%d", count());
    g_assert_cmpint(evaluated, ==, 0); /* not even the arguments */
    errno = 77;
    LOG_ERROR("first\nsecond \x1b[1m %s", "x");
    g_assert_cmpint(errno, ==, 77);
    g_autofree char *text = log_text(path);
    g_assert_true(g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}\\+0000: \\d+: error : test_messages:\\d+ : "
                                       "first\\\\nsecond \\\\x1b\\[1m x\\n$", text, 0, 0));

    g_assert_cmpint(log_set_filters("3:nobody 2:est.l 1:test"), ==, 0); /* the first that matches */
    LOG_DEBUG("no");
    LOG_INFO("yes");
    g_autofree char *filtered = log_text(path);
    g_assert_null(strstr(filtered, "no\n"));
    g_assert_nonnull(strstr(filtered, ": info : "));

    g_autofree char *quiet = g_strdup_printf("3:file:%s", path);
    g_assert_cmpint(log_set_outputs(quiet), ==, 0);
    LOG_INFO("wanted by the filter, not by the output");
    g_autofree char *nothing = log_text(path);
    g_assert_cmpstr(nothing, ==, "");
    g_autofree char *huge = g_strnfill(100000, 'h');
    LOG_ERROR("%s", huge);
    g_autofree char *cut = log_text(path);
    g_assert_cmpuint(strlen(cut), <, 17000);
    log_shutdown();
    unlink(path);
}

static void *noise(void *opaque)
{
    for (int i = 0; i < 500; i++)
        LOG_ERROR("from thread %d", *(int *) opaque);
    return NULL;
}

static void test_threads(void)
{
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    g_autofree char *out = g_strdup_printf("1:file:%s", path);
    pthread_t threads[3];
    int numbers[3] = { 0, 1, 2 };
    g_assert_cmpint(log_set_outputs(out), ==, 0);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, noise, &numbers[i]);
    for (int i = 0; i < 200; i++) {
        log_set_filters(i % 2 ? "1:test" : "4:test"); /* errors are wanted in either case */
        log_set_outputs(out);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    g_autofree char *text = log_text(path);
    int lines = 0;
    for (char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    g_assert_cmpint(lines, ==, 1500);
    log_shutdown();
    unlink(path);
}

static void test_environment(void)
{
    g_setenv("LIBVIRT_DEBUG", "warning", TRUE);
    g_setenv("LIBVIRT_LOG_FILTERS", "1:x", TRUE);
    g_setenv("LIBVIRT_LOG_OUTPUTS", "nonsense", TRUE);
    g_assert_cmpint(log_set_from_environment(), ==, -1);
    g_assert_cmpint(log_get_default_level(), ==, LOG_LEVEL_WARN);
    g_autofree char *filters = log_get_filters();
    g_assert_cmpstr(filters, ==, "1:*x*");
    g_setenv("LIBVIRT_LOG_OUTPUTS", "2:stderr", TRUE);
    g_setenv("LIBVIRT_DEBUG", "1", TRUE);
    g_assert_cmpint(log_set_from_environment(), ==, 0);
    g_assert_cmpint(log_get_default_level(), ==, LOG_LEVEL_DEBUG);
    g_autofree char *outputs = log_get_outputs();
    g_assert_cmpstr(outputs, ==, "2:stderr");
    g_setenv("LIBVIRT_DEBUG", "much", TRUE);
    g_assert_cmpint(log_set_from_environment(), ==, -1);
    log_shutdown();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("base-log-XXXXXX", NULL);
    g_test_add_func("/base/log/filters", test_filters);
    g_test_add_func("/base/log/outputs", test_outputs);
    g_test_add_func("/base/log/messages", test_messages);
    g_test_add_func("/base/log/threads", test_threads);
    g_test_add_func("/base/log/environment", test_environment);
    int ret = g_test_run();
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    g_free(dir);
    return ret;
}
