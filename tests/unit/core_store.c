/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/store.h"
#include <string.h>

typedef struct Thing { StoreEntry entry; int value; } Thing;

static gint alive;

static void thing_free(void *opaque)
{
    g_atomic_int_add(&alive, -1);
    g_free(opaque);
}

static void number_to_uuid(guint n, guint8 uuid[16])
{
    memset(uuid, 0, 16);
    memcpy(uuid, &n, sizeof(n));
    uuid[15] = 1;
}

static Thing *thing_new(guint n)
{
    Thing *t = g_new0(Thing, 1);
    guint8 uuid[16];
    g_autofree char *name = g_strdup_printf("thing%u", n);
    number_to_uuid(n, uuid);
    t->value = (int) n;
    store_entry_init(&t->entry, name, uuid, thing_free);
    g_atomic_int_inc(&alive);
    return t;
}

static void test_uniqueness(void)
{
    Store *store = store_new();
    Thing *a = thing_new(1), *b = thing_new(1), *c = thing_new(2), *found = NULL;
    g_assert_cmpint(store_add(store, a, NULL), ==, STORE_ADDED);
    g_assert_cmpint(store_add(store, b, &found), ==, STORE_UUID_TAKEN);
    g_assert_true(found == a);
    store_entry_unref(found);
    g_free(c->entry.name);
    c->entry.name = g_strdup("thing1");
    g_assert_cmpint(store_add(store, c, &found), ==, STORE_NAME_TAKEN);
    g_assert_true(found == a);
    store_entry_unref(found);
    g_assert_false(store_contains(store, c));
    g_assert_false(store_remove(store, c));
    store_entry_unref(a);
    store_entry_unref(b);
    store_entry_unref(c);
    g_assert_cmpint(alive, ==, 1);
    store_free(store);
    g_assert_cmpint(alive, ==, 0);
}

static void test_rename_and_id(void)
{
    Store *store = store_new();
    Thing *a = thing_new(1), *b = thing_new(2);
    g_assert_false(store_rename(store, a, "x"));
    store_add(store, a, NULL);
    store_add(store, b, NULL);
    g_assert_false(store_rename(store, a, "thing2"));
    g_assert_true(store_rename(store, a, "new"));
    g_assert_null(store_by_name(store, "thing1"));
    Thing *found = store_by_name(store, "new");
    g_assert_true(found == a);
    store_entry_unref(found);
    g_assert_true(store_set_id(store, a, 7));
    g_assert_false(store_set_id(store, b, 7));
    found = store_by_id(store, 7);
    g_assert_true(found == a);
    store_entry_unref(found);
    g_assert_true(store_set_id(store, a, -1));
    g_assert_null(store_by_id(store, 7));
    g_assert_null(store_by_id(store, -1));
    store_set_id(store, a, 0);
    g_assert_true(store_remove(store, a));
    g_assert_null(store_by_id(store, 0));
    store_entry_unref(a);
    store_entry_unref(b);
    store_free(store);
    g_assert_cmpint(alive, ==, 0);
}

static gboolean is_even(StoreEntry *entry, void *opaque)
{
    return ((Thing *) entry)->value % 2 == 0;
}

static void test_list_keeps_order(void)
{
    Store *store = store_new();
    for (guint i = 0; i < 10; i++) {
        Thing *t = thing_new(i);
        store_add(store, t, NULL);
        store_entry_unref(t);
    }
    Thing *gone = store_by_name(store, "thing4");
    store_remove(store, gone);
    store_entry_unref(gone);
    g_assert_cmpuint(store_count(store, is_even, NULL), ==, 4);
    g_assert_cmpuint(store_count(store, NULL, NULL), ==, 9);
    g_autoptr(GPtrArray) list = store_list(store, is_even, NULL);
    const int expected[] = { 0, 2, 6, 8 };
    g_assert_cmpuint(list->len, ==, 4);
    for (guint i = 0; i < list->len; i++)
        g_assert_cmpint(((Thing *) list->pdata[i])->value, ==, expected[i]);
    store_free(store);
    g_assert_cmpint(((Thing *) list->pdata[3])->value, ==, 8); /* the list has references of its own */
}

static gint stop;

static void *reader(void *opaque)
{
    Store *store = opaque;
    guint seen = 0;
    while (!g_atomic_int_get(&stop)) {
        g_autoptr(GPtrArray) list = store_list(store, is_even, NULL);
        for (guint i = 0; i < list->len; i++)
            g_assert_cmpint(((Thing *) list->pdata[i])->value % 2, ==, 0);
        Thing *t = store_by_name(store, "thing5");
        if (t)
            g_assert_cmpint(t->value, ==, 5);
        store_entry_unref(t);
        seen += list->len;
    }
    return GUINT_TO_POINTER(seen);
}

static void test_concurrent(void)
{
    Store *store = store_new();
    GThread *threads[2];
    g_atomic_int_set(&stop, 0);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("reader", reader, store);
    for (guint round = 0; round < 2000; round++) {
        Thing *t = thing_new(round % 8);
        if (store_add(store, t, NULL) == STORE_ADDED)
            store_set_id(store, t, (int) round);
        store_entry_unref(t);
        g_autoptr(GPtrArray) list = store_list(store, NULL, NULL);
        if (list->len > 6) {
            store_rename(store, list->pdata[0], "moved");
            g_assert_true(store_remove(store, list->pdata[0]));
        }
    }
    g_atomic_int_set(&stop, 1);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    store_free(store);
    g_assert_cmpint(alive, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/uniqueness", test_uniqueness);
    g_test_add_func("/store/rename-and-id", test_rename_and_id);
    g_test_add_func("/store/list", test_list_keeps_order);
    g_test_add_func("/store/concurrent", test_concurrent);
    return g_test_run();
}
