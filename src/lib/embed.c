/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "lib/embed.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/threadpool.h"
#include <unistd.h>

static struct {
    GMutex lock;
    char *scheme;
    char *root;
    Loop *loop;
    Pool *pool;
} embed;

gboolean embed_wanted(const Uri *uri)
{
    return !uri->transport && !uri->server && g_str_equal(uri->path, "/embed");
}

static gpointer embed_thread(gpointer opaque)
{
    loop_run(opaque);
    return NULL;
}

static int embed_start_drivers(const Uri *uri, const char *root)
{
    guint before = 0;
    while (state_driver_nth(before))
        before++;
    if (driver_module_load(uri->scheme) < 0)
        return -1;
    embed.loop = loop_new();
    embed.pool = pool_new("embed", 1, 20, 2);
    if (!embed.loop || !embed.pool)
        return -1;
    g_thread_unref(g_thread_new("embed-io", embed_thread, embed.loop));
    StateContext context = { root, geteuid() == 0, TRUE, FALSE, embed.loop, embed.pool };
    for (guint i = before; state_driver_nth(i); i++)
        if (state_driver_nth(i)->start(&context) < 0)
            return -1;
    return 0;
}

int embed_start(const Uri *uri)
{
    const char *root = uri_param(uri, "root");
    if (!root || !g_path_is_absolute(root))
        return FAIL(VIR_ERR_INVALID_ARG, "'%s' needs a root directory: %s:///embed?root=/absolute/path", uri->text,
                    uri->scheme);
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&embed.lock);
    if (embed.scheme) {
        if (g_str_equal(embed.scheme, uri->scheme) && g_str_equal(embed.root, root))
            return 0;
        return FAIL(VIR_ERR_OPERATION_INVALID, "this process already has an embedded driver for '%s' with root '%s'",
                    embed.scheme, embed.root);
    }
    if (embed_start_drivers(uri, root) < 0)
        return -1;
    embed.scheme = g_strdup(uri->scheme);
    embed.root = g_strdup(root);
    return 0;
}
