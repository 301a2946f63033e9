/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the event commands share. Callbacks run on the event loop's thread; each makes one EventLine and hands it to the
 * main thread, which prints it. See lib_events.c.
 */
#pragma once

#include "tools/virsh/virsh.h"

typedef struct EventLoop EventLoop;

/* Data of one registered callback. */
typedef struct {
    EventLoop *loop;
    const char *kind; /* name of the event */
} EventSource;

/* One kind of event and how its callback is called. */
typedef struct {
    const char *name;
    int id;
    void *callback;
} EventKind;

/* From a callback: an event of `source` about `object` (domain, network ...). `fields` (taken over) are its details for
 * JSON; the format is the text after "event 'KIND' for TYPE 'NAME': "; one that begins with a space follows without the colon. */
void event_emit(EventSource *source, const char *type, const char *object, json_object *fields, const char *format, ...)
    G_GNUC_PRINTF(5, 6);
void event_emit_lines(EventSource *source, const char *type, const char *object, json_object *fields, const char *text);

/* How the command registers for one kind: the callback's number, or -1. `filter` is what it was given, or NULL. */
typedef int (*EventRegister)(virConnectPtr conn, void *filter, const EventKind *kind, EventSource *source,
                             virFreeCallback free_source);
typedef int (*EventDeregister)(virConnectPtr conn, int callback);

/* The whole command: --list, or registering for --event or --all and printing what comes. */
bool event_command(Shell *shell, const Cmd *cmd, const EventKind *kinds, void *filter, EventRegister add,
                   EventDeregister drop);
/* For commands without a table of kinds: one registration. */
bool event_run(Shell *shell, const Cmd *cmd, const EventKind *const *kinds, size_t count, void *filter,
               EventRegister add, EventDeregister drop);
char **event_names(const EventKind *kinds);
