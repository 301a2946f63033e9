/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contexts of SELinux as texts, and pairs of categories: no two guests have the same.
 */
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/selinux_context.h"

static void test_ranges(void)
{
    static const struct {
        const char *context, *sensitivity;
        guint first, last;
    } cases[] = {
        { "system_u:system_r:virtd_t:s0-s0:c0.c1023", "s0", 0, 1023 }, { "u:r:t:s0:c5.c9", "s0", 5, 9 }, { "u:r:t:s2-s15:c0.c1023", "s2", 0, 1023 },
        { "u:r:t:s0", "s0", 0, 0 }, { "u:r:t:s0:c3,c5", "s0", 0, 0 }, { "u:r:t:s0:c9.c5", "s0", 0, 0 },
    };
    SelinuxRange range;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(selinux_range_parse(cases[i].context, &range));
        g_assert_cmpstr(range.sensitivity, ==, cases[i].sensitivity);
        g_assert_cmpuint(range.first, ==, cases[i].first);
        g_assert_cmpuint(range.last, ==, cases[i].last);
    }
    g_assert_false(selinux_range_parse("u:r:t", &range));
    g_assert_false(selinux_range_parse("", &range));
    g_assert_false(selinux_range_parse("u:r:t:s0123456789012345678901234567890123456789", &range));
}

static void check_level(const char *context, const char *level, const char *expected)
{
    g_autofree char *made = selinux_with_level(context, level);

    g_assert_cmpstr(made, ==, expected);
    virResetLastError();
}

static void test_levels(void)
{
    check_level("u:r:t:s0", "s0:c1,c2", "u:r:t:s0:c1,c2");
    check_level("u:r:t:s0-s0:c0.c1023", "s0:c1,c2", "u:r:t:s0:c1,c2");
    check_level("u:r:t", NULL, "u:r:t");
    check_level("u:r", "s0", NULL);
    check_level("u::t:s0", "s0", NULL);
    check_level("u:r:t t:s0", "s0", NULL);
    g_assert_cmpstr(selinux_level("u:r:t:s0:c1,c2"), ==, "s0:c1,c2");
    g_assert_null(selinux_level("u:r:t"));
}

/* Of five categories there are ten pairs: each once, then none; one that is released comes again, one that two have does not. */
static void test_pairs(void)
{
    SelinuxLevels *levels = selinux_levels_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    SelinuxRange range = { "s0", 10, 14 };
    g_autofree char *again = NULL;
    guint a, b;

    for (int i = 0; i < 10; i++) {
        char *level = selinux_levels_choose(levels, &range);

        g_assert_nonnull(level);
        g_assert_cmpint(sscanf(level, "s0:c%u,c%u", &a, &b), ==, 2);
        g_assert_true(a >= 10 && a < b && b <= 14);
        g_assert_true(g_hash_table_add(seen, level));
    }
    g_assert_null(selinux_levels_choose(levels, &range));
    g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_OPERATION_FAILED);
    virResetLastError();
    selinux_levels_take(levels, "s0:c11,c13");
    selinux_levels_release(levels, "s0:c11,c13");
    g_assert_null(selinux_levels_choose(levels, &range));
    virResetLastError();
    selinux_levels_release(levels, "s0:c11,c13");
    again = selinux_levels_choose(levels, &range);
    g_assert_cmpstr(again, ==, "s0:c11,c13");
    range.last = range.first;
    g_assert_null(selinux_levels_choose(levels, &range));
    virResetLastError();
    selinux_levels_free(levels);
}

static void test_files(void)
{
    g_autofree char *first = selinux_line("# guests\n\n  a:b:c:s0 \nd:e:f:s0\n", 0), *second = selinux_line("# guests\n\na:b:c:s0\nd:e:f:s0\n", 1);
    g_autofree char *type = selinux_setting("# SELINUXTYPE=x\nSELINUX=permissive\nSELINUXTYPE= default \n", "SELINUXTYPE");

    g_assert_cmpstr(first, ==, "a:b:c:s0");
    g_assert_cmpstr(second, ==, "d:e:f:s0");
    g_assert_null(selinux_line("a\n", 1));
    g_assert_cmpstr(type, ==, "default");
    g_assert_null(selinux_setting("SELINUX=1\n", "SELINUXTYPE"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selinux/ranges", test_ranges);
    g_test_add_func("/selinux/levels", test_levels);
    g_test_add_func("/selinux/pairs", test_pairs);
    g_test_add_func("/selinux/files", test_files);
    return g_test_run();
}
