/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Users and groups. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "base/user.h"

static void test_find(void)
{
    uid_t uid = 1;
    gid_t gid = 1;
    g_assert_cmpint(user_find("root", &uid), ==, 0);
    g_assert_cmpuint(uid, ==, 0);
    g_assert_cmpint(group_find("root", &gid), ==, 0);
    g_assert_cmpuint(gid, ==, 0);
    g_assert_cmpint(user_find("54321", &uid), ==, 0);
    g_assert_cmpuint(uid, ==, 54321);
    g_assert_cmpint(group_find("+54322", &gid), ==, 0);
    g_assert_cmpuint(gid, ==, 54322);
    static const char *const bad[] = { "", "+", "+root", "no-such-one-here", "-1", "4294967295", "99999999999999999999", "1x" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        virResetLastError();
        g_assert_cmpint(user_find(bad[i], &uid), ==, -1);
        g_assert_nonnull(strstr(error_message(), bad[i]));
        g_assert_cmpint(group_find(bad[i], &gid), ==, -1);
    }
}

static void test_groups(void)
{
    gid_t *groups = NULL;
    size_t n = 0;
    g_assert_cmpint(user_groups(0, 77, &groups, &n), ==, 0);
    g_assert_cmpuint(n, >=, 1);
    g_assert_cmpuint(groups[0], ==, 77);
    g_clear_pointer(&groups, g_free);
    g_assert_cmpint(user_groups(3999999999u, 78, &groups, &n), ==, 0);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpuint(groups[0], ==, 78);
    g_free(groups);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/user/find", test_find);
    g_test_add_func("/base/user/groups", test_groups);
    return g_test_run();
}
