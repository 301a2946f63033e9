/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guest agent client. Commands run one at a time: the head of the queue is in phase SYNC until a line that holds the byte
 * 0xFF and behind it {"return": our number} arrives, then in phase COMMAND until the next object with
 * "return" or "error". Everything else is thrown away. One timer serves the deadline of the phase and of all
 * that wait. A deadline never closes the channel: the next command synchronises anew.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/agent.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/error.h"

#define READS_PER_ROUND 4

typedef enum {
    AGENT_OK,
    AGENT_NO_SYNC,
    AGENT_TIMEOUT,
    AGENT_LOST,
} AgentOutcome;

typedef struct {
    gint refs;
    char *command;
    json_object *args;
    gint64 deadline_us;
    int deadline_ms;
    int sync_ms;
    unsigned flags;
    AgentReplyFunc fn;
    void *opaque;
    gboolean done;      /* under the agent's lock */
    AgentOutcome outcome;
    json_object *reply; /* whole line; NULL if the guest went away as asked */
    GCond cond;
} AgentRequest;

typedef enum {
    AGENT_IDLE,
    AGENT_SYNCING,
    AGENT_RUNNING,
} AgentPhase;

struct Agent {
    gint refs;
    Loop *loop;
    char *domain;
    AgentClosedFunc closed_fn;
    void *opaque;
    GDestroyNotify free_opaque;
    JsonLines in;     /* loop's thread only */

    GMutex lock;
    int fd;
    LoopWatch *watch;
    LoopTimer *timer;
    gboolean closed;
    gboolean muted;
    AgentPhase phase; /* of the head of the queue */
    gint64 sync_id;
    gint64 sync_us;   /* deadline of the synchronisation */
    GString *out;     /* bytes of the phase that are not written yet */
    gsize written;
    GQueue queue;     /* AgentRequest */
};

static void agent_request_unref(AgentRequest *req)
{
    if (!req || !g_atomic_int_dec_and_test(&req->refs))
        return;
    json_object_put(req->args);
    json_object_put(req->reply);
    g_free(req->command);
    g_cond_clear(&req->cond);
    g_free(req);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentRequest, agent_request_unref)

Agent *agent_ref(Agent *agent)
{
    g_atomic_int_inc(&agent->refs);
    return agent;
}

void agent_unref(Agent *agent)
{
    if (!agent || !g_atomic_int_dec_and_test(&agent->refs))
        return;
    json_lines_finish(&agent->in);
    g_string_free(agent->out, TRUE);
    g_mutex_clear(&agent->lock);
    g_free(agent->domain);
    g_free(agent);
}

static int agent_reply_error(const char *command, json_object *error)
{
    const char *class = json_member_string(error, "class");
    const char *desc = json_member_string(error, "desc");

    if (!desc)
        desc = "no reason given";
    if (class && g_str_equal(class, "CommandNotFound"))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "the guest agent refused command '%s': %s", command, desc);
    return FAIL(VIR_ERR_AGENT_COMMAND_FAILED, "unable to execute QEMU agent command '%s': %s", command, desc);
}

/* Turn the outcome, once, into *@result (owned by the caller) and 0, or an error and -1. */
static int agent_request_result(Agent *agent, AgentRequest *req, json_object **result)
{
    json_object *member;

    switch (req->outcome) {
    case AGENT_NO_SYNC:
        return FAIL(VIR_ERR_AGENT_UNRESPONSIVE, "the guest agent of domain '%s' didn't answer within %.3g s; '%s' was not"
                    " sent (is qemu-guest-agent running in the guest?)", agent->domain, req->sync_ms / 1000.0, req->command);
    case AGENT_TIMEOUT:
        return FAIL(VIR_ERR_AGENT_COMMAND_TIMEOUT, "the guest agent of domain '%s' didn't complete '%s' within %.3g s",
                    agent->domain, req->command, req->deadline_ms / 1000.0);
    case AGENT_LOST:
        return FAIL(VIR_ERR_AGENT_UNRESPONSIVE, "the guest agent of domain '%s' went away before '%s' was answered",
                    agent->domain, req->command);
    case AGENT_OK:
        break;
    }
    if (!req->reply) {
        *result = json_object_new_object();
        return 0;
    }
    if (json_object_object_get_ex(req->reply, "return", &member)) {
        *result = json_object_get(member);
        /* Here, and not where the last reference goes, which may be another thread: json-c counts references without any care for them. */
        json_object_put(g_steal_pointer(&req->reply));
        return 0;
    }
    member = json_member(req->reply, "error", json_type_object);
    return agent_reply_error(req->command, member);
}

/* Hand over the outcome. Takes the caller's reference and @reply. No lock held. */
static void agent_finish(Agent *agent, AgentRequest *req, AgentOutcome outcome, json_object *reply)
{
    g_autoptr(json_object) result = NULL;
    AgentReplyFunc fn;

    g_mutex_lock(&agent->lock);
    req->outcome = outcome;
    req->reply = reply;
    req->done = TRUE;
    fn = req->fn;
    g_cond_signal(&req->cond);
    g_mutex_unlock(&agent->lock);
    if (fn) {
        if (agent_request_result(agent, req, &result) < 0)
            result = NULL;
        fn(agent, result, req->opaque);
    }
    agent_request_unref(req);
}

/* Write what can be written and listen as the phase demands. Lock held. */
static void agent_flush(Agent *agent)
{
    unsigned want = agent->phase == AGENT_IDLE ? LOOP_HUP : LOOP_IN;

    while (agent->fd >= 0 && agent->written < agent->out->len) {
        gssize n = send(agent->fd, agent->out->str + agent->written, agent->out->len - agent->written,
                        MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            want |= errno == EAGAIN ? LOOP_OUT : 0;
            break;
        }
        agent->written += n;
    }
    if (agent->written == agent->out->len)
        agent->written = 0, g_string_truncate(agent->out, 0);
    if (agent->watch)
        loop_watch_update(agent->watch, want);
}

/* Fire at the earliest deadline. Lock held. */
static void agent_arm(Agent *agent)
{
    gint64 when = agent->phase == AGENT_SYNCING ? agent->sync_us : G_MAXINT64;

    for (GList *l = agent->queue.head; l; l = l->next)
        when = MIN(when, ((AgentRequest *)l->data)->deadline_us);
    if (agent->timer)
        loop_timer_set(agent->timer, when == G_MAXINT64 ? -1 :
                       MAX((when - g_get_monotonic_time() + 999) / 1000, 0), -1);
}

/* Begin the head of the queue, if there is one and none runs. Lock held. */
static void agent_start_next(Agent *agent)
{
    AgentRequest *head = g_queue_peek_head(&agent->queue);

    if (agent->phase == AGENT_IDLE && head && !agent->closed) {
        agent->phase = AGENT_SYNCING;
        /* Numbers that a guest can't guess keep an old answer from fitting. */
        agent->sync_id = ((gint64)g_random_int() << 16 | (g_random_int() & 0xffff)) & G_MAXINT64;
        agent->sync_us = g_get_monotonic_time() + head->sync_ms * G_GINT64_CONSTANT(1000);
        /* What the guest didn't take of an earlier command is dropped: 0xFF resets the agent's parser, and
         * a guest that never reads can't make this grow. */
        g_string_truncate(agent->out, 0);
        agent->written = 0;
        g_string_append_printf(agent->out, "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%"
                               G_GINT64_FORMAT "}}\n", agent->sync_id);
    }
    agent_arm(agent);
    agent_flush(agent);
}

static void agent_send_command(Agent *agent, AgentRequest *req)
{
    g_autoptr(json_object) line = json_object_new_object();

    json_object_object_add(line, "execute", json_object_new_string(req->command));
    if (req->args)
        json_object_object_add(line, "arguments", g_steal_pointer(&req->args));
    g_string_append(agent->out, json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
                                                               JSON_C_TO_STRING_NOSLASHESCAPE));
    g_string_append_c(agent->out, '\n');
    agent->phase = AGENT_RUNNING;
    agent_arm(agent);
    agent_flush(agent);
}

/* The running request is over: take it out and begin the next. Returns it. Lock held. */
static AgentRequest *agent_pop(Agent *agent)
{
    AgentRequest *req = g_queue_pop_head(&agent->queue);

    agent->phase = AGENT_IDLE;
    agent_start_next(agent);
    return req;
}

static void agent_line(Agent *agent, char *text, gsize len)
{
    char *mark = memrchr(text, 0xff, len);
    g_autoptr(json_object) line = NULL;
    AgentRequest *done = NULL;
    const char *why;

    if (mark) {
        len -= mark + 1 - text;
        text = mark + 1;
    }
    line = json_lines_parse(text, len, &why);
    g_mutex_lock(&agent->lock);
    if (agent->phase == AGENT_SYNCING && mark && json_member_int(line, "return", -1) == agent->sync_id)
        agent_send_command(agent, g_queue_peek_head(&agent->queue));
    else if (agent->phase == AGENT_RUNNING && json_object_is_type(line, json_type_object) &&
             (json_object_object_get_ex(line, "return", NULL) || json_object_object_get_ex(line, "error", NULL)))
        done = agent_pop(agent);
    g_mutex_unlock(&agent->lock);
    if (done)
        agent_finish(agent, done, AGENT_OK, g_steal_pointer(&line));
}

static void agent_end(Agent *agent, const char *reason)
{
    GQueue lost = G_QUEUE_INIT;
    AgentRequest *req;
    LoopWatch *watch;
    LoopTimer *timer;
    gboolean tell;
    int fd;

    g_mutex_lock(&agent->lock);
    fd = agent->fd;
    agent->fd = -1;
    agent->closed = TRUE;
    tell = !agent->muted;
    agent->muted = TRUE;
    watch = g_steal_pointer(&agent->watch);
    timer = g_steal_pointer(&agent->timer);
    while ((req = g_queue_pop_head(&agent->queue)))
        g_queue_push_tail(&lost, req);
    agent->phase = AGENT_IDLE;
    g_mutex_unlock(&agent->lock);
    if (fd < 0)
        return;
    while ((req = g_queue_pop_head(&lost)))
        agent_finish(agent, req, AGENT_LOST, NULL);
    if (tell && agent->closed_fn)
        agent->closed_fn(agent, reason, agent->opaque);
    loop_timer_remove(timer);
    loop_watch_remove(watch);
    close(fd);
}

/* One read and the lines it brings. FALSE when there is nothing more to do now. */
static gboolean agent_read(Agent *agent, int fd)
{
    gssize got = json_lines_read(&agent->in, fd);
    char *line;
    gsize len;
    int rc;

    if (got == -EAGAIN)
        return FALSE;
    if (got <= 0) {
        agent_end(agent, got == 0 ? "QEMU closed the channel" : g_strerror(-got));
        return FALSE;
    }
    while ((rc = json_lines_next(&agent->in, &line, &len)) > 0 || rc == JSON_LINES_LONG) {
        if (rc > 0)
            agent_line(agent, line, len);
    }
    if (rc < 0)
        json_lines_drop(&agent->in);
    return TRUE;
}

static void agent_watch(LoopWatch *watch, int fd, unsigned events, void *opaque)
{
    g_autoptr(Agent) agent = agent_ref(opaque);
    gboolean idle;

    g_mutex_lock(&agent->lock);
    idle = agent->phase == AGENT_IDLE;
    if (events & LOOP_OUT)
        agent_flush(agent);
    if (agent->closed)
        events = 0;
    g_mutex_unlock(&agent->lock);
    if (idle && (events & (LOOP_HUP | LOOP_ERR))) {
        agent_end(agent, "QEMU closed the channel");
        return;
    }
    for (int i = 0; i < READS_PER_ROUND && (events & (LOOP_IN | LOOP_HUP | LOOP_ERR)); i++) {
        if (!agent_read(agent, fd))
            return;
    }
}

static void agent_timer(LoopTimer *timer, void *opaque)
{
    g_autoptr(Agent) agent = agent_ref(opaque);
    gint64 now = g_get_monotonic_time();
    GQueue over = G_QUEUE_INIT;
    AgentRequest *head, *req;
    gboolean head_over, no_sync;

    g_mutex_lock(&agent->lock);
    head = g_queue_peek_head(&agent->queue);
    no_sync = agent->phase == AGENT_SYNCING;
    head_over = head && agent->phase != AGENT_IDLE && (head->deadline_us <= now || (no_sync && agent->sync_us <= now));
    if (head_over) {
        /* Who waited behind it without an own answer in sight gets its own synchronisation. */
        g_queue_push_tail(&over, g_queue_pop_head(&agent->queue));
        agent->phase = AGENT_IDLE;
    }
    for (GList *l = agent->queue.head, *next; l; l = next) {
        next = l->next;
        req = l->data;
        if (req->deadline_us <= now && !(req == head && agent->phase != AGENT_IDLE)) {
            g_queue_delete_link(&agent->queue, l);
            g_queue_push_tail(&over, req);
        }
    }
    agent_start_next(agent);
    g_mutex_unlock(&agent->lock);
    while ((req = g_queue_pop_head(&over)))
        agent_finish(agent, req, req == head && head_over && !no_sync ? AGENT_TIMEOUT : AGENT_NO_SYNC, NULL);
}

static void agent_released(void *opaque)
{
    Agent *agent = opaque;

    if (agent->free_opaque)
        agent->free_opaque(agent->opaque);
    agent_unref(agent);
}

static void agent_close_in_loop(void *opaque)
{
    g_autoptr(Agent) agent = opaque;

    agent_end(agent, "closed by us");
}

void agent_close(Agent *agent)
{
    gboolean first;

    g_mutex_lock(&agent->lock);
    first = !agent->closed;
    agent->closed = TRUE;
    agent->muted = TRUE;
    g_mutex_unlock(&agent->lock);
    if (first)
        loop_call(agent->loop, agent_close_in_loop, agent_ref(agent));
}

Agent *agent_open_fd(Loop *loop, int fd, const char *domain, AgentClosedFunc closed, void *opaque,
                     GDestroyNotify free_opaque)
{
    g_autoptr(Agent) agent = g_new0(Agent, 1);

    agent->refs = 1;
    agent->loop = loop;
    agent->domain = g_strdup(domain);
    agent->closed_fn = closed;
    agent->opaque = opaque;
    agent->free_opaque = free_opaque;
    agent->out = g_string_new(NULL);
    agent->fd = fd;
    json_lines_init(&agent->in, AGENT_MAX_LINE);
    g_mutex_init(&agent->lock);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
        error_report_errno(VIR_FROM_QEMU, errno, "cannot use descriptor %d as agent of domain '%s'", fd, domain);
        close(fd);
        return NULL;
    }
    g_mutex_lock(&agent->lock);
    agent->watch = loop_watch_add(loop, fd, LOOP_HUP, agent_watch, agent_ref(agent), agent_released);
    if (agent->watch)
        agent->timer = loop_timer_add(loop, agent_timer, agent_ref(agent), (GDestroyNotify)agent_unref);
    g_mutex_unlock(&agent->lock);
    if (!agent->timer) {
        close(fd);
        agent_unref(agent);
        return NULL;
    }
    return g_steal_pointer(&agent);
}

static int agent_submit(Agent *agent, AgentRequest *req)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&agent->lock);

    if (agent->closed)
        return FAIL(VIR_ERR_AGENT_UNRESPONSIVE, "the guest agent of domain '%s' is not connected", agent->domain);
    if (agent->queue.length >= AGENT_MAX_QUEUED)
        return FAIL(VIR_ERR_RESOURCE_BUSY, "%u commands wait for the guest agent of domain '%s' already",
                    agent->queue.length, agent->domain);
    g_atomic_int_inc(&req->refs);
    g_queue_push_tail(&agent->queue, req);
    agent_start_next(agent);
    return 0;
}

static AgentRequest *agent_request_new(const char *command, json_object *args, int deadline_ms, int sync_ms,
                                       unsigned flags)
{
    AgentRequest *req = g_new0(AgentRequest, 1);

    req->refs = 1;
    req->command = g_strdup(command);
    req->args = args;
    req->deadline_ms = MAX(deadline_ms, 1);
    req->deadline_us = g_get_monotonic_time() + req->deadline_ms * G_GINT64_CONSTANT(1000);
    req->sync_ms = MIN(sync_ms > 0 ? sync_ms : AGENT_SYNC_MS, req->deadline_ms);
    req->flags = flags;
    g_cond_init(&req->cond);
    return req;
}

int agent_send(Agent *agent, const char *command, json_object *args, int deadline_ms, int sync_ms, unsigned flags,
               AgentReplyFunc fn, void *opaque)
{
    g_autoptr(AgentRequest) req = agent_request_new(command, args, deadline_ms, sync_ms, flags);

    req->fn = fn;
    req->opaque = opaque;
    return agent_submit(agent, req);
}

int agent_call(Agent *agent, const char *command, json_object *args, int deadline_ms, int sync_ms, unsigned flags,
               json_object **result)
{
    g_autoptr(AgentRequest) req = agent_request_new(command, args, deadline_ms, sync_ms, flags);
    g_autoptr(json_object) value = NULL;

    if (loop_in_thread(agent->loop))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "'%s' would wait for the agent on the thread that reads it", command);
    if (agent_submit(agent, req) < 0)
        return -1;
    /* The loop's timer ends it at the deadline at the latest. */
    g_mutex_lock(&agent->lock);
    while (!req->done)
        g_cond_wait(&req->cond, &agent->lock);
    g_mutex_unlock(&agent->lock);
    if (agent_request_result(agent, req, &value) < 0)
        return -1;
    if (result)
        *result = g_steal_pointer(&value);
    return 0;
}

static void agent_gone_in_loop(void *opaque)
{
    g_autoptr(Agent) agent = opaque;
    AgentRequest *req = NULL;

    g_mutex_lock(&agent->lock);
    if (agent->phase == AGENT_RUNNING)
        req = agent_pop(agent);
    g_mutex_unlock(&agent->lock);
    if (req)
        agent_finish(agent, req, req->flags & AGENT_ENDS_GUEST ? AGENT_OK : AGENT_LOST, NULL);
}

void agent_guest_gone(Agent *agent)
{
    loop_call(agent->loop, agent_gone_in_loop, agent_ref(agent));
}
