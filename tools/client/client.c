/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/client/client.h"

static GThread *main_thread, *loop;
static virErrorPtr pending; /* main thread only */
static gint stop;           /* the loop shall end */
static int wake;            /* timer that wakes the loop */

static void on_error(void *opaque, virErrorPtr error)
{
    if (g_thread_self() != main_thread)
        return;
    virFreeError(pending);
    pending = virSaveLastError();
}

int client_error_code(void)
{
    return pending ? pending->code : VIR_ERR_OK;
}

const char *client_error_text(void)
{
    return pending && pending->message ? pending->message : "no error given";
}

void client_error_take(virErrorPtr error)
{
    virFreeError(pending);
    pending = error;
}

void client_error_forget(void)
{
    virFreeError(pending);
    pending = NULL;
    virResetLastError();
}

void client_error_report(Shell *shell)
{
    if (pending && pending->code != VIR_ERR_OK)
        shell_error(shell, "%s", client_error_text());
    client_error_forget();
}

static void on_timer(int timer, void *opaque)
{
    virEventUpdateTimeout(timer, -1);
}

static gpointer run_loop(gpointer opaque)
{
    while (!g_atomic_int_get(&stop)) {
        if (virEventRunDefaultImpl() < 0)
            g_usleep(10000); /* it says what is wrong each time: don't spin on it */
    }
    return NULL;
}

bool client_start(Shell *shell, const char *thread)
{
    main_thread = g_thread_self();
    virSetErrorFunc(NULL, on_error);
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0 ||
        (wake = virEventAddTimeout(-1, on_timer, NULL, NULL)) < 0) {
        shell_error(shell, "failed to start the event loop");
        client_error_report(shell);
        virSetErrorFunc(NULL, NULL);
        return false;
    }
    loop = g_thread_new(thread, run_loop, NULL);
    return true;
}

void client_stop(void)
{
    g_atomic_int_set(&stop, 1);
    virEventUpdateTimeout(wake, 0);
    g_thread_join(loop);
    virEventRemoveTimeout(wake);
    client_error_forget();
    virSetErrorFunc(NULL, NULL);
}

const char *client_close_reason(int reason)
{
    static const char *const reasons[] = {
        [VIR_CONNECT_CLOSE_REASON_ERROR] = "an I/O error",
        [VIR_CONNECT_CLOSE_REASON_EOF] = "end of file",
        [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "a keepalive timeout",
        [VIR_CONNECT_CLOSE_REASON_CLIENT] = "the client",
    };

    return reason >= 0 && reason < (int)G_N_ELEMENTS(reasons) ? reasons[reason] : "an unknown reason";
}
