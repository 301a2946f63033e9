/* SPDX-License-Identifier: LGPL-2.1-or-later
 * JSON: bounds, strictness, getters, building. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"

static void test_parse(void)
{
    static const char *const good[] = { "{}", " [1] \n", "1", "-12", "\"a\"", "true", "{\"a\":{\"b\":[]}}" };
    static const char *const bad[] = {
        "", " ", "null", "{", "[1", "{\"a\"", "[1,]", "{\"a\":1,}", "{} {}", "1 2", "nul", "\"\xff\xfe\"", "01",
        "{\"a\" 1}", "\"unfinished", "[1]x", "// c\n1", "[[[[[[[[[[1]]]]]]]]]]", "[1]\0", "tru", "-",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(json_object) value = json_parse(good[i], strlen(good[i]), 8, "text");
        g_assert_nonnull(value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        virResetLastError();
        size_t len = bad[i][0] == '[' && i == 18 ? 4 : strlen(bad[i]);
        g_autoptr(json_object) value = json_parse(bad[i], len, 8, "reply of X");
        if (value)
            g_error("accepted: %s", bad[i]);
        g_assert_nonnull(strstr(error_message(), "reply of X is "));
    }
    g_autofree char *deep = g_strnfill(2000000, '[');
    g_assert_null(json_parse(deep, 2000000, 100000, "text"));
}

static void test_get(void)
{
    const char *text = "{\"s\":\"x\",\"i\":-5,\"u\":18446744073709551615,\"d\":1.5,\"b\":true,\"n\":null,"
                       "\"a\":[{},1],\"o\":{\"k\":1},\"z\":\"a\\u0000b\"}";
    g_autoptr(json_object) o = json_parse(text, strlen(text), 8, "text");
    const char *s = NULL;
    int64_t i = 0;
    uint64_t u = 0;
    double d = 0;
    bool b = false;
    json_object *v = NULL;
    g_assert_cmpint(json_get_string(o, "s", &s), ==, 0);
    g_assert_cmpstr(s, ==, "x");
    g_assert_cmpint(json_get_string(o, "z", &s), ==, -1);
    g_assert_cmpint(json_get_string(o, "i", &s), ==, -1);
    g_assert_nonnull(strstr(error_message(), "JSON member 'i' is of type int, not string"));
    g_assert_cmpint(json_get_int(o, "i", &i), ==, 0);
    g_assert_cmpint(i, ==, -5);
    g_assert_cmpint(json_get_int(o, "u", &i), ==, -1);
    g_assert_cmpint(json_get_uint(o, "u", &u), ==, 0);
    g_assert_cmpuint(u, ==, G_MAXUINT64);
    g_assert_cmpint(json_get_uint(o, "i", &u), ==, -1);
    g_assert_cmpint(json_get_double(o, "d", &d), ==, 0);
    g_assert_cmpint(json_get_double(o, "i", &d), ==, 0);
    g_assert_cmpint(json_get_bool(o, "b", &b), ==, 0);
    g_assert_true(b);
    g_assert_cmpint(json_get_bool(o, "n", &b), ==, -1); /* null is missing */
    g_assert_cmpint(json_find_bool(o, "n", &b), ==, 0);
    g_assert_cmpint(json_find_bool(o, "none", &b), ==, 0);
    g_assert_cmpint(json_find_bool(o, "s", &b), ==, -1);
    g_assert_cmpint(json_get_object(o, "o", &v), ==, 0);
    g_assert_cmpint(json_get_array(o, "o", &v), ==, -1);
    g_assert_cmpint(json_get_array(o, "a", &v), ==, 0);
    g_assert_nonnull(json_array_object(v, 0));
    g_assert_null(json_array_object(v, 1));
    g_assert_null(json_array_object(v, 2));
    g_assert_null(json_array_object(o, 0));
    g_assert_cmpint(json_find_string(v, "s", &s), ==, 0); /* not even an object */
    g_assert_cmpint(json_find_string(NULL, "s", &s), ==, 0);
}

static void test_make(void)
{
    g_autoptr(json_object) o = json_make(JSON_STR("s", "a/\"b"), JSON_STR("none", NULL), JSON_INT("i", -1),
                                         JSON_UINT("u", G_MAXUINT64), JSON_BOOL("b", true), JSON_DOUBLE("d", 0.5),
                                         JSON_VALUE("o", json_make(JSON_BOOL("x", false))), JSON_VALUE("no", NULL));
    json_add(o, JSON_INT("more", 2));
    g_assert_cmpstr(json_text(o), ==, "{\"s\":\"a/\\\"b\",\"i\":-1,\"u\":18446744073709551615,\"b\":true,\"d\":0.5,"
                                      "\"o\":{\"x\":false},\"more\":2}");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/json/parse", test_parse);
    g_test_add_func("/base/json/get", test_get);
    g_test_add_func("/base/json/make", test_make);
    return g_test_run();
}
