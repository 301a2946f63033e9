/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loop of the event commands. Lines travel through a queue with a bound: when the printing falls behind (a slow
 * terminal), the oldest are dropped and counted, and the user is told.
 */
#include <string.h>

#include "tools/virsh/events.h"

enum { QUEUE_MAX = 100000 };

struct EventLoop {
    Shell *shell;
    gint refs;
    VirshWait *wait;
    GMutex lock;
    GQueue lines;             /* of char *, complete lines; under lock */
    unsigned long long lost;  /* under lock */
    bool closed;              /* nothing is queued any more; under lock */
    bool json, timestamp;
};

static void loop_unref(EventLoop *loop)
{
    if (!g_atomic_int_dec_and_test(&loop->refs))
        return;
    g_queue_clear_full(&loop->lines, g_free);
    g_mutex_clear(&loop->lock);
    virsh_wait_free(loop->wait);
    g_free(loop);
}

static void source_free(void *opaque)
{
    EventSource *source = opaque;

    loop_unref(source->loop);
    g_free(source);
}

static void push_line(EventLoop *loop, char *line)
{
    g_mutex_lock(&loop->lock);
    if (loop->closed) {
        g_free(line);
    } else {
        g_queue_push_tail(&loop->lines, line);
        if (g_queue_get_length(&loop->lines) > QUEUE_MAX) {
            g_free(g_queue_pop_head(&loop->lines));
            loop->lost++;
        }
        virsh_wait_wake(loop->wait);
    }
    g_mutex_unlock(&loop->lock);
}

static char *time_stamp(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");

    return g_strdup_printf("%s.%03d+0000", seconds, g_date_time_get_microsecond(now) / 1000);
}

static char *json_line(EventSource *source, const char *type, const char *object, json_object *fields)
{
    json_object *document = json_object_new_object();
    g_autofree char *stamp = time_stamp();
    char *line;

    if (source->loop->timestamp)
        shell_json_string(document, "time", stamp);
    shell_json_string(document, "event", source->kind);
    shell_json_string(document, type, object);
    json_object_object_add(document, "details", fields ? fields : json_object_new_object());
    line = g_strdup(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(document);
    return line;
}

void event_emit_lines(EventSource *source, const char *type, const char *object, json_object *fields, const char *text)
{
    g_autofree char *stamp = NULL;
    const char *separator = *text == ' ' ? "" : *text == '\n' || !*text ? ":" : ": ";

    if (source->loop->json) {
        push_line(source->loop, json_line(source, type, object, fields));
        return;
    }
    if (fields)
        json_object_put(fields);
    stamp = source->loop->timestamp ? time_stamp() : NULL;
    push_line(source->loop, g_strdup_printf("%s%sevent '%s' for %s '%s'%s%s", stamp ? stamp : "", stamp ? ": " : "",
                                            source->kind, type, object, separator, text));
}

void event_emit(EventSource *source, const char *type, const char *object, json_object *fields, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    event_emit_lines(source, type, object, fields, text);
}

/* Prints what is queued, `most` lines at most; how many. */
static unsigned int print_queued(EventLoop *loop, unsigned int most)
{
    unsigned int count = 0;
    char *line;

    for (; count < most; count++) {
        g_mutex_lock(&loop->lock);
        line = g_queue_pop_head(&loop->lines);
        g_mutex_unlock(&loop->lock);
        if (!line)
            break;
        shell_print(loop->shell, "%s\n", line);
        g_free(line);
    }
    fflush(stdout);
    return count;
}

/* False if none came. */
static bool wait_for_events(EventLoop *loop, bool forever, int timeout)
{
    gint64 end = timeout > 0 ? g_get_monotonic_time() + timeout * G_GINT64_CONSTANT(1000) : -1;
    const char *why = NULL;
    unsigned int count = 0;

    while (!why) {
        count += print_queued(loop, forever ? G_MAXUINT : 1 - count);
        if (!forever && count)
            break;
        switch (virsh_wait_until(loop->wait, end)) {
        case VIRSH_WOKEN:
            break;
        case VIRSH_TIMEOUT:
            why = "event loop timed out";
            break;
        case VIRSH_INTERRUPTED:
            why = "event loop interrupted";
            break;
        }
    }
    if (forever || !count)
        count += print_queued(loop, forever ? G_MAXUINT : 1);
    if (loop->json)
        return count > 0;
    if (why)
        shell_print(loop->shell, "%s\n", why);
    shell_print(loop->shell, "events received: %u\n", count);
    if (loop->lost)
        shell_print(loop->shell, "events lost because they came faster than they could be shown: %llu\n", loop->lost);
    return count > 0;
}

static int register_one(Shell *shell, EventLoop *loop, const EventKind *kind, void *filter, EventRegister add)
{
    EventSource *source = g_new0(EventSource, 1);
    int callback;

    source->loop = loop;
    source->kind = kind->name;
    g_atomic_int_inc(&loop->refs);
    callback = add(virsh_conn(shell), filter, kind, source, source_free);
    if (callback < 0)
        source_free(source);
    return callback;
}

bool event_run(Shell *shell, const Cmd *cmd, const EventKind *const *kinds, size_t count, void *filter,
               EventRegister add, EventDeregister drop)
{
    EventLoop *loop = g_new0(EventLoop, 1);
    g_autofree int *callbacks = g_new0(int, count);
    size_t registered = 0;
    bool received = false;
    int timeout = 0;

    *loop = (EventLoop){.shell = shell, .refs = 1, .wait = virsh_wait_new(), .json = shell_json(cmd),
                        .timestamp = cmd_has(cmd, "timestamp")};
    g_mutex_init(&loop->lock);
    if (cmd_timeout(shell, cmd, &timeout) < 0)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        callbacks[registered] = register_one(shell, loop, kinds[i], filter, add);
        if (callbacks[registered] >= 0) /* with --all, an older daemon doesn't know the newest kinds */
            registered++;
    }
    if (registered) {
        client_error_forget();
        received = wait_for_events(loop, cmd_has(cmd, "loop"), timeout);
    }
    g_mutex_lock(&loop->lock);
    loop->closed = true;
    g_mutex_unlock(&loop->lock);
    for (size_t i = 0; i < registered; i++)
        drop(virsh_conn(shell), callbacks[i]);
    loop_unref(loop);
    return received;
}

bool event_command(Shell *shell, const Cmd *cmd, const EventKind *kinds, void *filter, EventRegister add,
                   EventDeregister drop)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    const char *name = NULL;
    bool all = cmd_may_have(cmd, "all");

    if (cmd_has(cmd, "list")) {
        for (; kinds->name; kinds++)
            shell_print(shell, "%s\n", kinds->name);
        return true;
    }
    if (cmd_string(shell, cmd, "event", &name) < 0)
        return false;
    if (all && name)
        return shell_error(shell, "Options --all and --event are mutually exclusive");
    if (!all && !name)
        return shell_error(shell, cmd_may_get(cmd, "event") || g_str_equal(cmd_command(cmd)->name, "event")
                                      ? "one of --list, --all, or --event <type> is required"
                                      : "either --list or --event <type> is required");
    for (; kinds->name; kinds++) {
        if (all || g_str_equal(kinds->name, name))
            g_ptr_array_add(chosen, (void *)kinds);
    }
    if (!chosen->len)
        return shell_error(shell, "unknown event type %s", name);
    return event_run(shell, cmd, (const EventKind *const *)chosen->pdata, chosen->len, filter, add, drop);
}

char **event_names(const EventKind *kinds)
{
    GPtrArray *names = g_ptr_array_new();

    for (; kinds->name; kinds++)
        g_ptr_array_add(names, g_strdup(kinds->name));
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}
