/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Client of the guest agent. The other side is a program inside the guest, thus wholly hostile: it may send
 * garbage, answers of other commands, nothing, or without end. Each command is preceded by a
 * synchronisation with a number of its own, so that what the guest said before can't be taken for its answer.
 * While no command runs nothing is read, so a chattering guest costs nothing. Nothing here knows about the monitor.
 */
#pragma once
#include <glib.h>
#include "base/loop.h"
#include "drivers/qemu/json_lines.h"

/** Longest line in bytes; what is longer is thrown away. (guest-file-read returns at most 48 MiB, in base64, so callers
 * must ask for parts.) */
#define AGENT_MAX_LINE (16 * 1024 * 1024)
/** Most commands waiting for their turn. */
#define AGENT_MAX_QUEUED 64
/** Time for the guest to answer a synchronisation, in ms. */
#define AGENT_SYNC_MS 5000

typedef struct Agent Agent;

typedef enum {
    /* The guest may go away instead of answering (shutdown, suspend): agent_guest_gone() completes it. */
    AGENT_ENDS_GUEST = 1 << 0,
} AgentFlags;

/** Answer, on the loop's thread. @result belongs to the agent; NULL: the thread's error is set. For a command that ended the
 * guest @result is an empty object. */
typedef void (*AgentReplyFunc)(Agent *agent, json_object *result, void *opaque);

/** Called on the loop's thread when the channel ended; not after agent_close(). */
typedef void (*AgentClosedFunc)(Agent *agent, const char *reason, void *opaque);

/** Speak to the agent over connected stream socket @fd (owned from now on, also on failure). @domain: name for
 * messages. @free_opaque frees @opaque on the loop's thread when nothing can be called any more. NULL with an error. */
Agent *agent_open_fd(Loop *loop, int fd, const char *domain, AgentClosedFunc closed, void *opaque,
                     GDestroyNotify free_opaque);

Agent *agent_ref(Agent *agent);
void agent_unref(Agent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Agent, agent_unref)

/** End the channel; commands without an answer fail from the loop's thread. */
void agent_close(Agent *agent);

/** Queue @command. @args: object or NULL, taken over in any case. @deadline_ms counts from now, waiting for earlier commands
 * included; synchronising has @sync_ms (<= 0: AGENT_SYNC_MS) of its own within it. @fn is called exactly once
 * if this returns 0. -1 with an error if closed or too much is queued. */
int agent_send(Agent *agent, const char *command, json_object *args, int deadline_ms, int sync_ms, unsigned flags,
               AgentReplyFunc fn, void *opaque);

/** Blocking form for worker threads. @result (may be NULL) is freed with json_object_put(). Errors:
 * VIR_ERR_AGENT_UNRESPONSIVE (no synchronisation in time, or channel closed), VIR_ERR_AGENT_COMMAND_TIMEOUT, or
 * the agent's own error (VIR_ERR_AGENT_COMMAND_FAILED, VIR_ERR_OPERATION_UNSUPPORTED). */
int agent_call(Agent *agent, const char *command, json_object *args, int deadline_ms, int sync_ms, unsigned flags,
               json_object **result);

/** The guest shut down, was suspended or reset: a running AGENT_ENDS_GUEST command has succeeded, any other one fails. */
void agent_guest_gone(Agent *agent);
