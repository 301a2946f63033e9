/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "domain/stats_ask.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/threadpool.h"
#include "domain/host.h"

typedef struct Request {
    gint refs;             /* the asker's and the callback's */
    StatsAsker *asker;     /* the callback holds a reference on it */
    DomainObj *obj;
    GuestStats *answer;
    virErrorPtr error;     /* why there is none; NULL: nothing was told, or nothing yet */
    gboolean done, stuck;
    gboolean guest_side;   /* needs the guest's answer; others say nothing of its health */
} Request;

/* Outlives its owner while requests are under way. */
struct StatsAsker {
    gint refs;
    GMutex lock;
    GCond answered;
    GPtrArray *requests;
};

static void request_unref(void *opaque)
{
    Request *r = opaque;
    if (!g_atomic_int_dec_and_test(&r->refs))
        return;
    guest_stats_unref(r->answer);
    virFreeError(r->error);
    domain_obj_unref(r->obj);
    g_free(r);
}

static void asker_unref(StatsAsker *asker)
{
    if (!g_atomic_int_dec_and_test(&asker->refs))
        return;
    g_ptr_array_unref(asker->requests);
    g_mutex_clear(&asker->lock);
    g_cond_clear(&asker->answered);
    g_free(asker);
}

StatsAsker *stats_asker_new(void)
{
    StatsAsker *asker = g_new0(StatsAsker, 1);
    asker->refs = 1;
    g_mutex_init(&asker->lock);
    g_cond_init(&asker->answered);
    asker->requests = g_ptr_array_new_with_free_func(request_unref);
    return asker;
}

void stats_asker_free(StatsAsker *asker)
{
    if (asker)
        asker_unref(asker);
}

/* Note the end of a request in the domain. */
static void note_answer(const Request *r, GuestStats *stats)
{
    GuestStats *old = NULL;
    DomainObj *obj = r->obj;
    if (!r->guest_side)
        return;
    g_mutex_lock(&obj->lock);
    obj->stats_asked--;
    obj->stats_stuck = !stats && error_code() == VIR_ERR_OPERATION_TIMEOUT; /* a refusal is an answer */
    if (stats) {
        old = obj->last_stats;
        obj->last_stats = guest_stats_ref(stats);
    }
    g_mutex_unlock(&obj->lock);
    guest_stats_unref(old);
}

static void answered(Guest *guest, GuestStats *stats, void *opaque)
{
    Request *r = opaque;
    StatsAsker *asker = r->asker;
    if (stats && !stats->when)
        stats->when = loop_now_ms();
    note_answer(r, stats);
    g_mutex_lock(&asker->lock);
    r->done = TRUE;
    r->answer = guest_stats_ref(stats);
    r->error = stats ? NULL : error_save();
    g_cond_signal(&asker->answered);
    g_mutex_unlock(&asker->lock);
    request_unref(r);
    asker_unref(asker);
}

/* Note the request in the domain. FALSE if it must not be sent: the guest has one that it doesn't answer. */
static gboolean note_request(Request *r, gboolean insist)
{
    DomainObj *obj = r->obj;
    g_mutex_lock(&obj->lock);
    r->stuck = obj->stats_stuck;
    gboolean send = insist || !obj->stats_stuck || obj->stats_asked == 0;
    obj->stats_asked += send;
    g_mutex_unlock(&obj->lock);
    return send;
}

guint stats_ask(StatsAsker *asker, Guest *guest, unsigned int groups, gboolean insist)
{
    Request *r = g_new0(Request, 1);
    r->refs = 1;
    r->asker = asker;
    r->obj = domain_obj_ref(guest->dom);
    r->guest_side = groups & ~GUEST_STATS_HOST_SIDE;
    gboolean send = !r->guest_side || note_request(r, insist);
    r->done = !send;
    g_mutex_lock(&asker->lock);
    g_ptr_array_add(asker->requests, r);
    guint n = asker->requests->len - 1;
    g_mutex_unlock(&asker->lock);
    if (send) {
        g_atomic_int_inc(&r->refs);
        g_atomic_int_inc(&asker->refs);
        host_backend(guest->host)->stats(guest, groups, guest_deadline_ms(guest), answered, r);
    }
    return n;
}

static gboolean is_waiting(StatsAsker *asker, gboolean insist)
{
    for (guint i = 0; i < asker->requests->len; i++) {
        Request *r = asker->requests->pdata[i];
        if (!r->done && (insist || !r->stuck))
            return TRUE;
    }
    return FALSE;
}

/* Those who left us waiting. */
static void mark_stuck(StatsAsker *asker)
{
    for (guint i = 0; i < asker->requests->len; i++) {
        Request *r = asker->requests->pdata[i];
        if (r->done || !r->guest_side)
            continue;
        g_mutex_lock(&r->obj->lock);
        r->obj->stats_stuck = TRUE;
        g_mutex_unlock(&r->obj->lock);
    }
}

void stats_wait(StatsAsker *asker, gint64 patience_ms, gboolean insist)
{
    gint64 until = g_get_monotonic_time() + patience_ms * 1000;
    gboolean in_time = TRUE;
    g_mutex_lock(&asker->lock);
    if (is_waiting(asker, insist)) {
        pool_blocking_begin();
        while (in_time && is_waiting(asker, insist))
            in_time = g_cond_wait_until(&asker->answered, &asker->lock, until);
        pool_blocking_end();
    }
    if (!in_time)
        mark_stuck(asker);
    g_mutex_unlock(&asker->lock);
}

GuestStats *stats_answer(StatsAsker *asker, guint n, virErrorPtr *error)
{
    g_mutex_lock(&asker->lock);
    Request *r = asker->requests->pdata[n];
    GuestStats *answer = guest_stats_ref(r->answer);
    if (error)
        *error = g_steal_pointer(&r->error);
    g_mutex_unlock(&asker->lock);
    return answer;
}

GuestStats *stats_last(DomainObj *obj)
{
    g_mutex_lock(&obj->lock);
    GuestStats *stats = guest_stats_ref(obj->last_stats);
    g_mutex_unlock(&obj->lock);
    return stats;
}
