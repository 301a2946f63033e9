/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls of backends whose storage hangs, is slow, or is given up by the backend: who waits for how long, and what is said of which pool.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "storage/call.h"

#define STALL_MS 300

static PoolHost *host;
static EventBus *bus;

/* ---- storage: each volume is as its name says, while the gate is shut ---- */

static GMutex lock;     /* guards the following */
static GCond changed;
static gboolean shut;
static guint inside;    /* threads that wait at the gate */
static gboolean stop_hangs;     /* set before any thread looks */

static void wait_at_gate(void)
{
    g_mutex_lock(&lock);
    inside++;
    while (shut)
        g_cond_wait(&changed, &lock);
    inside--;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&lock);
}

static void set_shut(gboolean now)
{
    g_mutex_lock(&lock);
    shut = now;
    g_cond_broadcast(&changed);
    while (!now && inside)
        g_cond_wait(&changed, &lock);
    g_mutex_unlock(&lock);
}

static int behave(const char *name)
{
    g_mutex_lock(&lock);
    gboolean now = shut;
    g_mutex_unlock(&lock);
    if (g_str_has_prefix(name, "hangs")) {
        wait_at_gate();
    } else if (g_str_has_prefix(name, "slow")) { /* twice the deadline, in steps that are answered */
        for (guint i = 0; i < 8; i++) {
            g_usleep(STALL_MS * 1000 / 4);
            storage_answered();
        }
    } else if (g_str_has_prefix(name, "silent") && now) {
        g_usleep(STALL_MS * 1000 / 3);
        storage_silent();
        error_report(VIR_FROM_STORAGE, VIR_ERR_OPERATION_TIMEOUT, "no answer");
        return -1;
    }
    return 0;
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    static const char *const names[] = { "hangs", "slow", "silent", "well", "above", "kept" };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", def->target.path, names[i]);
        storage_scan_add_name(scan, names[i], path, path);
    }
    return behave(def->name);
}

static int pool_stop(StoragePool *pool, const StoragePoolDef *def)
{
    return stop_hangs ? behave("hangs") : 0;
}

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    def->target.path = g_strdup_printf("%s/%s", pool_def->target.path, def->name);
    def->key = g_strdup(def->target.path);
    return 0;
}

static int vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp)
{
    int rc = behave(storage_vol_name(vol));
    g_assert_cmpstr(storage_vol_pool_def(vol)->name, ==, storage_pool_name(pool));
    return rc;
}

/* ---- content that a server keeps ---- */

#define WINDOW (1 << 20)

typedef struct Server {
    StorageContent base;
    guint8 bytes[3 * WINDOW];
} Server;

static struct { guint reads, writes, flushes, open; gsize last; guint8 first; } told;

static gssize server_read(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    told.reads++;
    wait_at_gate();
    memcpy(buffer, ((Server *) content)->bytes + at, n);
    return (gssize) n;
}

static gssize server_write(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    told.writes++;
    told.last = n;
    wait_at_gate();
    memcpy(((Server *) content)->bytes + at, buffer, n);
    return (gssize) n;
}

static int server_flush(StorageContent *content)
{
    told.flushes++;
    told.first = ((Server *) content)->bytes[0];
    return 0;
}

static void server_close(StorageContent *content)
{
    told.open--;
}

static StorageContent *server_new(void)
{
    static const StorageContentOps ops = { .read = server_read, .write = server_write, .flush = server_flush, .close = server_close };
    Server *server = CONTENT_NEW(Server, &ops, sizeof(server->bytes));
    told.open++;
    return &server->base;
}

/* What is based on a volume of the other pool needs that one's storage. */
static StorageContent *vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write)
{
    if (strcmp(storage_vol_name(vol), "above") == 0)
        return storage_host_open_path(host, "/b/hangs", NULL);
    if (strcmp(storage_vol_name(vol), "kept") == 0)
        return server_new();
    return behave(storage_vol_name(vol)) < 0 ? NULL : content_new_fd(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
}

static int vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    int rc = behave(storage_vol_name(from));
    g_assert_cmpstr(storage_vol_pool_def(from)->name, ==, "b");
    return rc;
}

static const StorageBackend backend = { .vol_clash = VIR_ERR_STORAGE_VOL_EXIST, .pool_refresh = pool_refresh,
    .pool_stop = pool_stop, .stop_by_hand = "umount -f -l", .vol_plan = vol_plan,
    .vol_create = vol_create, .vol_refresh = vol_refresh, .vol_open = vol_open };
static const StorageDriverSetup setup = { .stall_ms = STALL_MS, .backends = { [STORAGE_POOL_TYPE_DIR] = &backend } };

/* ---- what is asked ---- */

static StoragePool *pool_of(const char *name)
{
    g_autoptr(Managed) obj = managed_find(storage_host_pools(host), NULL, name);
    return storage_pool_of(obj);
}

static gboolean is_silent(const char *name)
{
    StoragePool *pool = pool_of(name);
    g_mutex_lock(&pool->lock);
    gboolean silent = storage_pool_is_silent(pool);
    g_mutex_unlock(&pool->lock);
    return silent;
}

static gboolean has_left(const char *name)
{
    StoragePool *pool = pool_of(name);
    g_mutex_lock(&pool->lock);
    gboolean left = pool->stuck + pool->left > 0;
    g_mutex_unlock(&pool->lock);
    return left;
}

static int look(const char *pool, const char *vol)
{
    g_auto(VolJob) job = { NULL };
    return vol_job_begin(&job, host, pool, vol, VOL_LOOK) < 0 ? -1 : vol_job_refresh(&job);
}

static int refresh(const char *name)
{
    g_auto(ManagedJob) job = { NULL };
    g_assert_cmpint(managed_job_begin(&job, storage_host_pools(host), NULL, name, "test"), ==, 0);
    return storage_pool_refresh(&job);
}

static void restart(const char *name)
{
    g_auto(ManagedJob) job = { NULL };
    g_assert_cmpint(managed_job_begin(&job, storage_host_pools(host), NULL, name, "test"), ==, 0);
    g_assert_cmpint(managed_stop(&job), ==, 0);
    managed_job_refresh(&job);
    g_assert_cmpint(managed_start(&job), ==, 0);
}

static int run_create(StorageCall *call)
{
    return call->backend->vol_create(call->pool, call->vol, call->def, call->from, 0);
}

static void refused(int rc, const char *words)
{
    g_assert_cmpint(rc, ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_TIMEOUT);
    if (!strstr(error_message(), words))
        g_error("'%s' says nothing of '%s'", error_message(), words);
    virResetLastError();
}

static void begin(void)
{
    bus = event_bus_new();
    host = storage_host_new(&setup, NULL, bus);
    for (const char *const *name = (const char *const[]) { "a", "b", NULL }; *name; name++) {
        g_autofree char *xml = g_strdup_printf("<pool type='dir'><name>%s</name><target><path>/%s</path></target></pool>", *name, *name);
        g_assert_cmpint(storage_host_add_pool(host, xml, TRUE, NULL), ==, 0);
    }
}

static void end(void)
{
    set_shut(FALSE);
    /* threads that were left behind have come back, but perhaps not told so yet */
    while (has_left("a") || has_left("b"))
        g_usleep(1000);
    storage_host_free(host);
    event_bus_unref(bus);
}

static void test_hangs(void)
{
    begin();
    set_shut(TRUE);
    refused(look("a", "hangs"), "pool 'a' is not responding: '/a' has not answered");
    gint64 began = g_get_monotonic_time();
    refused(look("a", "well"), "virsh pool-destroy a");
    refused(refresh("a"), "not responding");
    g_assert_cmpint(look("b", "well"), ==, 0);
    g_assert_cmpint(g_get_monotonic_time() - began, <, STALL_MS * 1000);
    g_assert_true(is_silent("a") && !is_silent("b"));
    restart("a"); /* connects it anew, whatever was left behind */
    g_assert_false(is_silent("a"));
    g_assert_cmpint(look("a", "well"), ==, 0);
    refused(look("a", "hangs"), "not responding");
    set_shut(FALSE);
    while (is_silent("a"))
        g_usleep(1000);
    g_assert_cmpint(look("a", "hangs"), ==, 0);
    end();
}

/* Who can't end a pool is told what does. */
static void test_stop_hangs(void)
{
    stop_hangs = TRUE;
    begin();
    set_shut(TRUE);
    g_auto(ManagedJob) job = { NULL };
    g_assert_cmpint(managed_job_begin(&job, storage_host_pools(host), NULL, "b", "test"), ==, 0);
    refused(managed_stop(&job), "'umount -f -l /b'");
    set_shut(FALSE);
    while (has_left("b"))
        g_usleep(1000);
    g_assert_cmpint(managed_stop(&job), ==, 0);
    managed_job_end(&job);
    end();
    stop_hangs = FALSE;
}

static void test_answers_in_steps(void)
{
    begin();
    g_assert_cmpint(look("a", "slow"), ==, 0);
    g_assert_false(is_silent("a"));
    end();
}

static void test_given_up_by_backend(void)
{
    begin();
    set_shut(TRUE);
    refused(look("a", "silent"), "storage pool 'a' is not responding: '/a': no answer");
    g_assert_true(is_silent("a"));
    gint64 began = g_get_monotonic_time();
    refused(look("a", "silent"), "not responding"); /* not asked again yet */
    g_assert_cmpint(g_get_monotonic_time() - began, <, STALL_MS * 1000 / 3);
    set_shut(FALSE);
    g_assert_cmpint(refresh("a"), ==, 0); /* who wants to know it is told how it is now */
    g_assert_false(is_silent("a"));
    g_assert_cmpint(look("a", "silent"), ==, 0);
    end();
}

/* A call on one pool that needs the other. */
static void test_two_pools(void)
{
    begin();
    set_shut(TRUE);
    g_auto(VolJob) job = { NULL };
    g_assert_cmpint(vol_job_begin(&job, host, "a", "above", VOL_LOOK), ==, 0);
    refused(vol_job_open(&job, FALSE) ? 0 : -1, "pool 'b' is not responding");
    g_assert_true(!is_silent("a") && is_silent("b"));
    vol_job_end(&job);

    g_auto(VolJob) source = { NULL }, made = { NULL };
    restart("b");
    g_assert_cmpint(vol_job_begin(&source, host, "b", "hangs", VOL_USE), ==, 0);
    StoragePool *a = pool_of("a");
    StorageVolDef *def = storage_vol_read(a, definition_get(a->running),
                                          "<volume><name>copy</name><capacity>1</capacity></volume>", FALSE, FALSE);
    g_assert_nonnull(def);
    g_assert_cmpint(vol_job_create(&made, host, "a", source.vol, def), ==, 0);
    StorageCall *call = vol_job_call(&made, "copy", run_create);
    storage_call_set_source(call, source.vol);
    refused(storage_call_run(call), "volume 'hangs' of pool 'b' to pool 'a'");
    storage_call_unref(call);
    g_assert_true(!is_silent("a") && !is_silent("b")); /* it may be either */
    g_assert_cmpint(look("a", "well") + look("b", "well"), ==, 0);
    vol_job_drop(&made);
    vol_job_end(&made);
    vol_job_end(&source);
    end();
}

static StorageContent *open_kept(void)
{
    g_auto(VolJob) job = { NULL };
    memset(&told, 0, sizeof(told));
    g_assert_cmpint(vol_job_begin(&job, host, "a", "kept", VOL_LOOK), ==, 0);
    StorageContent *content = vol_job_open(&job, TRUE);
    g_assert_nonnull(content);
    return content;
}

/* A server sees large pieces that begin where it likes them to; what was written is read back before and after it got there. */
static void test_gathered(void)
{
    g_autofree guint8 *bytes = g_malloc(3 * WINDOW), *back = g_malloc(3 * WINDOW);
    begin();
    for (guint i = 0; i < 3 * WINDOW; i++)
        bytes[i] = (guint8) (i * 7 + i / 251);
    StorageContent *content = open_kept();
    for (guint at = 0; at < 3 * WINDOW - 5; at += 65521)
        g_assert_cmpint(content_write_all(content, at, bytes + at, MIN(65521, 3 * WINDOW - 5 - at)), ==, 0);
    g_assert_cmpuint(told.writes, ==, 2);
    g_assert_cmpuint(told.last, ==, WINDOW);
    g_assert_cmpint(content_read_all(content, 3 * WINDOW - 105, back, 100), ==, 100);
    g_assert_cmpmem(back, 100, bytes + 3 * WINDOW - 105, 100);
    g_assert_cmpuint(told.last, ==, WINDOW - 5);
    g_assert_cmpint(content_write_all(content, 0, "x", 1), ==, 0);
    g_assert_cmpint(content_flush(content), ==, 0);
    g_assert_true(told.flushes == 1 && told.first == 'x');
    bytes[0] = 'x';
    told.reads = 0;
    for (guint at = 0; at < 2 * WINDOW; at += 4096)
        g_assert_cmpint(content_read_all(content, at, back + at, 4096), ==, 4096);
    g_assert_cmpmem(back, 2 * WINDOW, bytes, 2 * WINDOW);
    g_assert_cmpuint(told.reads, ==, 2);
    g_assert_cmpint(content_zero(content, WINDOW - 3, 6), ==, 0);
    g_assert_cmpint(content_read_all(content, WINDOW - 4, back, 8), ==, 8);
    g_assert_true(back[0] == bytes[WINDOW - 4] && !back[1] && !back[6] && back[7] == bytes[WINDOW + 3]);
    g_assert_cmpint(content_write(content, 3 * WINDOW, "x", 1), ==, -1);
    content_unref(content);
    g_assert_cmpuint(told.open, ==, 0);
    end();
}

/* Whoever streams is told that a server hangs, at the end of the deadline, and at once from then on. */
static void test_content_hangs(void)
{
    char byte;
    begin();
    StorageContent *content = open_kept();
    set_shut(TRUE);
    refused((int) content_read(content, 0, &byte, 1), "pool 'a' is not responding");
    gint64 began = g_get_monotonic_time();
    refused((int) content_read(content, 0, &byte, 1), "its storage did not respond");
    refused((int) content_write(content, 0, &byte, 1), "its storage did not respond");
    refused(content_flush(content), "its storage did not respond");
    content_unref(content);
    g_assert_cmpint(g_get_monotonic_time() - began, <, STALL_MS * 1000);
    g_assert_true(is_silent("a") && told.open == 1);
    set_shut(FALSE);
    while (is_silent("a") || has_left("a"))
        g_usleep(1000);
    end();
    g_assert_cmpuint(told.open, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/call/hangs", test_hangs);
    g_test_add_func("/storage/call/stop_hangs", test_stop_hangs);
    g_test_add_func("/storage/call/answers_in_steps", test_answers_in_steps);
    g_test_add_func("/storage/call/given_up_by_backend", test_given_up_by_backend);
    g_test_add_func("/storage/call/two_pools", test_two_pools);
    g_test_add_func("/storage/call/gathered", test_gathered);
    g_test_add_func("/storage/call/content_hangs", test_content_hangs);
    return g_test_run();
}
