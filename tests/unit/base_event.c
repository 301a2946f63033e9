/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The public event loop: default implementation, forwarding to a program's own. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <unistd.h>

#include "lib/event_impl.h"

static int calls, frees, last_id, last_events;

static void on_handle(int watch, int fd, int events, void *opaque)
{
    calls++;
    last_id = watch;
    last_events = events;
    if (opaque)
        g_assert_cmpint(virEventRemoveHandle(watch), ==, 0);
}

static void on_timeout(int timer, void *opaque)
{
    calls++;
    last_id = timer;
    if (opaque)
        g_assert_cmpint(virEventRunDefaultImpl(), ==, 0); /* a nested round */
}

static void on_free(void *opaque)
{
    frees++;
}

static void test_unregistered(void)
{
    g_assert_false(event_impl_registered());
    g_assert_cmpint(virEventAddHandle(0, 1, on_handle, NULL, NULL), ==, -1);
    g_assert_cmpint(virEventAddTimeout(0, on_timeout, NULL, NULL), ==, -1);
    g_assert_cmpint(virEventRemoveHandle(1), ==, -1);
    virEventUpdateHandle(1, 1);
    virSetErrorFunc(NULL, NULL);
    g_assert_cmpint(virEventRunDefaultImpl(), ==, -1);
    g_assert_nonnull(virGetLastError());
}

static void test_handle(void)
{
    int fds[2];
    g_assert_cmpint(virEventRegisterDefaultImpl(), ==, 0);
    g_assert_cmpint(virEventRegisterDefaultImpl(), ==, 0);
    g_assert_true(event_impl_registered());
    g_assert_cmpint(pipe(fds), ==, 0);
    calls = frees = 0;
    int id = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_READABLE, on_handle, NULL, on_free);
    int own = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_READABLE, on_handle, fds, on_free);
    g_assert_cmpint(id, >, 0);
    g_assert_cmpint(own, >, id);
    g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
    g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    g_assert_cmpint(calls, ==, 2);
    g_assert_cmpint(frees, ==, 1); /* the one that removed itself */
    g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    g_assert_cmpint(calls, ==, 3);
    g_assert_cmpint(last_id, ==, id);
    g_assert_cmpint(last_events, ==, VIR_EVENT_HANDLE_READABLE);
    virEventUpdateHandle(id, 0);
    int timer = virEventAddTimeout(0, on_timeout, NULL, on_free);
    g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    g_assert_cmpint(calls, ==, 4);
    g_assert_cmpint(virEventRemoveTimeout(timer), ==, 0);
    g_assert_cmpint(virEventRemoveTimeout(timer), ==, -1);
    g_assert_cmpint(virEventRemoveHandle(own), ==, -1);
    g_assert_cmpint(virEventRemoveHandle(id), ==, 0);
    g_assert_cmpint(virEventAddHandle(-1, 1, on_handle, NULL, on_free), ==, -1);
    frees = 0;
    close(fds[0]);
    close(fds[1]);
}

static void test_timeout(void)
{
    calls = 0;
    int off = virEventAddTimeout(-1, on_timeout, NULL, NULL);
    int timer = virEventAddTimeout(1, on_timeout, NULL, NULL);
    while (calls < 3)
        g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    g_assert_cmpint(last_id, ==, timer);
    virEventUpdateTimeout(timer, -1);
    virEventUpdateTimeout(off, 0);
    g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    g_assert_cmpint(last_id, ==, off);
    virEventRemoveTimeout(off);
    virEventRemoveTimeout(timer);
    calls = 0;
    int outer = virEventAddTimeout(1, on_timeout, &calls, NULL);
    int inner = virEventAddTimeout(2, on_timeout, NULL, NULL);
    while (calls < 2)
        g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    virEventRemoveTimeout(outer);
    virEventRemoveTimeout(inner);
}

static void *add_from_thread(void *opaque)
{
    return GINT_TO_POINTER(virEventAddTimeout(0, on_timeout, NULL, NULL));
}

/* A loop that sleeps must notice what another thread adds. */
static void test_wake(void)
{
    pthread_t thread;
    void *timer;
    calls = 0;
    pthread_create(&thread, NULL, add_from_thread, NULL);
    while (calls == 0)
        g_assert_cmpint(virEventRunDefaultImpl(), ==, 0);
    pthread_join(thread, &timer);
    virEventRemoveTimeout(GPOINTER_TO_INT(timer));
}

static int own_add(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    return 1000 + timeout;
}

static void own_update(int timer, int timeout)
{
    last_id = timer;
}

static int own_remove(int timer)
{
    return timer == 1001 ? 0 : -1;
}

static void test_own(void)
{
    virEventRegisterImpl(NULL, NULL, NULL, own_add, own_update, own_remove);
    g_assert_true(event_impl_registered());
    g_assert_cmpint(virEventAddTimeout(7, on_timeout, NULL, NULL), ==, 1007);
    virEventUpdateTimeout(5, 1);
    g_assert_cmpint(last_id, ==, 5);
    g_assert_cmpint(virEventRemoveTimeout(1001), ==, 0);
    g_assert_cmpint(virEventRemoveTimeout(1), ==, -1);
    virEventRegisterImpl(NULL, NULL, NULL, NULL, NULL, NULL);
    g_assert_false(event_impl_registered());
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event/unregistered", test_unregistered);
    g_test_add_func("/event/handle", test_handle);
    g_test_add_func("/event/timeout", test_timeout);
    g_test_add_func("/event/wake", test_wake);
    g_test_add_func("/event/own", test_own);
    int ret = g_test_run();
    event_default_free();
    return ret;
}
