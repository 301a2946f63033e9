/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the kernel has told of links, addresses and routes, kept as text.
 */
#include <libvirt/virterror.h>
#include <sched.h>
#include <string.h>
#include "base/error.h"
#include "base/netlink.h"

static void test_text(void)
{
    g_autoptr(Netlink) nl = netlink_open();
    g_assert_nonnull(nl);
    g_autoptr(NetlinkSaved) saved = netlink_saved_new(nl);
    g_assert_nonnull(saved);
    g_assert_cmpuint(saved->items[NETLINK_SAVED_LINKS]->len, >=, 1); /* the loopback device */
    g_autofree char *text = netlink_saved_text(saved);
    g_autoptr(NetlinkSaved) again = netlink_saved_parse(text);
    g_assert_nonnull(again);
    g_autofree char *text_again = netlink_saved_text(again);
    g_assert_cmpstr(text, ==, text_again);
    g_assert_false(netlink_saved_was_up(again, "none such"));
    g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);
    g_assert_cmpint(netlink_saved_restore(nl, again, none), ==, 0);
}

static void test_find(void)
{
    g_autoptr(Netlink) nl = netlink_open();
    g_assert_cmpuint(netlink_find(nl, "lo"), ==, netlink_index("lo"));
    g_assert_cmpuint(netlink_find(nl, "lo"), >, 0);
    g_assert_cmpuint(netlink_mtu(nl, "lo"), >, 0);
    static const char *const none[] = { NULL, "", "none such", "lo/", "a name that no device can have" };
    for (guint i = 0; i < G_N_ELEMENTS(none); i++) {
        g_assert_cmpuint(netlink_find(nl, none[i]), ==, 0);
        g_assert_cmpuint(netlink_mtu(nl, none[i]), ==, 0);
    }
}

/* A file that was damaged is told, and never believed. */
static void test_damaged(void)
{
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(NetlinkSaved) saved = netlink_saved_new(nl);
    g_autofree char *text = netlink_saved_text(saved);
    static const char *const bad[] = { "x", "0", "0 ", "3 AAAA", "0 AAAA", "1 %%%%", "0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(netlink_saved_parse(bad[i]));
        g_assert_cmpint(virGetLastErrorCode(), ==, VIR_ERR_INTERNAL_ERROR);
        virResetLastError();
    }
    /* shorter by a few characters each time: the length in the message doesn't fit any more */
    size_t line = strcspn(text, "\n");
    for (size_t cut = 4; cut < 64 && cut < line; cut += 4) {
        g_autofree char *part = g_strndup(text, line - cut);
        g_assert_null(netlink_saved_parse(part));
        virResetLastError();
    }
    g_autoptr(NetlinkSaved) empty = netlink_saved_parse("");
    g_assert_nonnull(empty);
}

static void test_watch(void)
{
    NetlinkWatch *watch = netlink_watch_new();
    g_assert_nonnull(watch);
    netlink_watch_changed(watch);
    g_assert_false(netlink_watch_changed(watch));
    netlink_watch_wait(watch, 1);
    netlink_watch_free(watch);
    netlink_watch_free(NULL);
}

/* ---- a network that changes under the kernel's hands ---- */

#define CHURN_LISTS 300

/* Links come and go until nobody holds on to it. */
static gpointer churn(gpointer opaque)
{
    gint *stop = opaque;
    g_autoptr(Netlink) nl = netlink_open();
    const NetlinkBridge options = { .stp = false };
    while (!g_atomic_int_get(stop)) {
        guint32 index = netlink_bridge_new(nl, "churn", &options);
        if (!index || netlink_delete(nl, index) < 0)
            return "a link could not be made or ended";
    }
    return NULL;
}

/* More than one message of the kernel's has room for: only between two messages can anything change. */
static guint fill(Netlink *nl)
{
    const NetlinkBridge options = { .stp = false };
    guint made = 0;
    for (guint i = 0; i < 64; i++) {
        g_autofree char *name = g_strdup_printf("still%u", i);
        made += netlink_bridge_new(nl, name, &options) != 0;
    }
    return made;
}

/* A list that the kernel says something may be missing in is never taken for the whole, nor for a failure. */
static void test_changing(void)
{
    gint stop = 0;
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        g_test_skip("no network namespace of its own can be had");
        return;
    }
    g_autoptr(Netlink) nl = netlink_open();
    guint still = fill(nl);
    g_assert_cmpuint(still, ==, 64);
    GThread *thread = g_thread_new("churn", churn, &stop);
    for (guint i = 0; i < CHURN_LISTS; i++) {
        g_autoptr(NetlinkSaved) saved = netlink_saved_new(nl);
        if (!saved)
            g_error("list %u: %s", i, virGetLastErrorMessage());
        g_assert_cmpuint(saved->items[NETLINK_SAVED_LINKS]->len, >=, still + 1);
    }
    g_atomic_int_set(&stop, 1);
    g_assert_cmpstr(g_thread_join(thread), ==, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/netlink/text", test_text);
    g_test_add_func("/netlink/find", test_find);
    g_test_add_func("/netlink/damaged", test_damaged);
    g_test_add_func("/netlink/watch", test_watch);
    g_test_add_func("/netlink/changing", test_changing); /* the last: it goes into another network */
    return g_test_run();
}
