/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Small value types of base: UUIDs, number sets. */
#include <string.h>

#include "base/mac.h"
#include "base/bitmap.h"
#include "base/uuid.h"

static void test_uuid(void)
{
    static const struct {
        const char *text;
        const char *normal; /* NULL: refused */
    } cases[] = {
        { "c7a5fdbd-edaf-9455-926a-d65c16db1809", "c7a5fdbd-edaf-9455-926a-d65c16db1809" },
        { "C7A5FDBDEDAF9455926AD65C16DB1809", "c7a5fdbd-edaf-9455-926a-d65c16db1809" },
        { " \tc7-a5-fdbdedaf9455926ad65c16db1809\n", "c7a5fdbd-edaf-9455-926a-d65c16db1809" },
        { "", NULL },
        { "c7a5fdbd-edaf-9455-926a-d65c16db180", NULL },
        { "c7a5fdbd-edaf-9455-926a-d65c16db18090", NULL },
        { "c-7a5fdbdedaf9455926ad65c16db1809", NULL },
        { "-c7a5fdbd-edaf-9455-926a-d65c16db1809", NULL },
        { "g7a5fdbd-edaf-9455-926a-d65c16db1809", NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 uuid[UUID_BYTES] = { 1, 2, 3 };
        char text[UUID_TEXT_SIZE];
        int ret = uuid_parse(cases[i].text, uuid);
        g_assert_cmpint(ret, ==, cases[i].normal ? 0 : -1);
        if (ret == 0)
            g_assert_cmpstr(uuid_format(uuid, text), ==, cases[i].normal);
        else
            g_assert_cmpint(uuid[1], ==, 2); /* untouched */
    }
    guint8 a[UUID_BYTES], b[UUID_BYTES] = { 0 };
    g_assert_false(uuid_is_valid(b));
    memset(b, 0xff, sizeof(b));
    g_assert_false(uuid_is_valid(b));
    uuid_generate(a);
    uuid_generate(b);
    g_assert_true(uuid_is_valid(a));
    g_assert_false(uuid_equal(a, b));
    g_assert_cmpint(a[6] >> 4, ==, 4);
    g_assert_cmpint(a[8] >> 6, ==, 2);
}

static void test_bitmap_text(void)
{
    static const struct {
        const char *text;
        size_t max;
        const char *normal; /* NULL: refused */
    } cases[] = {
        { "0", 0, "0" },
        { "0-3,^2,8", 0, "0-1,3,8" },
        { "3,2,1", 0, "1-3" },
        { " 1 , 3 - 5 ", 0, "1,3-5" },
        { "0-200,^64-127", 0, "0-63,128-200" },
        { "63-64", 0, "63-64" },
        { "^1", 0, "" },
        { "0-7", 8, "0-7" },
        { "1048575", 0, "1048575" },
        { "0-8", 8, NULL },
        { "1048576", 0, NULL },
        { "99999999999999999999999", 0, NULL },
        { "", 0, NULL },
        { " ", 0, NULL },
        { ",", 0, NULL },
        { "1,", 0, NULL },
        { "1,,2", 0, NULL },
        { "3-1", 0, NULL },
        { "1-", 0, NULL },
        { "-1", 0, NULL },
        { "1 2", 0, NULL },
        { "^^1", 0, NULL },
        { "0x1", 0, NULL },
        { "a", 0, NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Bitmap) bitmap = bitmap_parse(cases[i].text, cases[i].max);
        g_autofree char *text = bitmap ? bitmap_format(bitmap) : NULL;
        g_assert_cmpstr(text, ==, cases[i].normal);
    }
    /* hostile: too long a text, and the longest one that is read at all */
    g_autoptr(GString) s = g_string_new("0-1048575");
    while (s->len < 65000)
        g_string_append(s, ",^0-1048575");
    g_autoptr(Bitmap) slow = bitmap_parse(s->str, 0);
    g_assert_cmpuint(bitmap_count(slow), ==, 0);
    while (s->len < 70000)
        g_string_append(s, ",1");
    g_assert_null(bitmap_parse(s->str, 0));
}

static void test_bitmap_ops(void)
{
    for (size_t n = 0; n <= 130; n++) {
        g_autoptr(Bitmap) all = bitmap_new(n);
        bitmap_set_all(all);
        g_assert_cmpuint(bitmap_count(all), ==, n);
        g_assert_cmpint(bitmap_last(all), ==, (ssize_t) n - 1);
        g_assert_false(bitmap_test(all, n));
        g_assert_false(bitmap_set(all, n));
        size_t seen = 0;
        for (ssize_t i = bitmap_next(all, -1); i >= 0; i = bitmap_next(all, i))
            g_assert_cmpint(i, ==, (ssize_t) seen++);
        g_assert_cmpuint(seen, ==, n);

        g_autofree unsigned char *bytes = g_malloc(20);
        bitmap_to_bytes(all, bytes, 20);
        g_autoptr(Bitmap) back = bitmap_from_bytes(bytes, 20);
        g_assert_true(bitmap_equal(all, back)); /* although the ranges differ */
        if (n) {
            g_assert_true(bitmap_overlaps(all, back));
            bitmap_clear(back, n - 1);
            g_assert_false(bitmap_equal(all, back));
        }
    }
    g_autoptr(Bitmap) b = bitmap_parse("9", 0);
    unsigned char bytes[2];
    bitmap_to_bytes(b, bytes, sizeof(bytes));
    g_assert_cmpint(bytes[0], ==, 0);
    g_assert_cmpint(bytes[1], ==, 2);
}

static void test_mac(void)
{
    static const char *const good[] = { "52:54:00:ab:cd:ef", "52:54:0:AB:cd:Ef" };
    static const char *const bad[] = { NULL, "", "52:54:00:ab:cd", "52:54:00:ab:cd:ef:", "52:54:00:ab:cd:ef0", "52:54:00:ab:cd:0x", " 2:54:0:1:2:3",
                                       "52-54-00-ab-cd-ef", "52:54::ab:cd:ef", "52:54:00:ab:cd:eg", "052:54:00:ab:cd:ef", "52:54:00:ab:cd:ef " };
    guint8 mac[6] = { 0 };
    char text[MAC_TEXT_SIZE];
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        memset(mac, 0, sizeof(mac));
        g_assert_true(mac_parse(good[i], mac));
        g_assert_cmpstr(mac_format(mac, text), ==, good[0]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(mac_parse(bad[i], mac));
    g_assert_cmpstr(mac_format(mac, text), ==, good[0]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/uuid", test_uuid);
    g_test_add_func("/base/bitmap/text", test_bitmap_text);
    g_test_add_func("/base/bitmap/ops", test_bitmap_ops);
    g_test_add_func("/base/mac", test_mac);
    return g_test_run();
}
