/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Event loop: descriptors, timers and calls from other threads, on epoll.
 *
 * One thread runs a loop (loop_run(), or loop_iterate() again and again); all callbacks happen on that
 * thread, without any lock held. Everything else here may be called from any thread and from any callback.
 *
 * Lifetime of watches and timers: x_remove() ends it at once for the caller, who must not use the pointer
 * any more. The callback isn't started again afterwards. If x_remove() is called on the loop's thread the
 * callback is also not running (unless it is the caller itself); on another thread it may be just running.
 * So what @opaque points to must stay valid until the free function is called, which always happens on
 * the loop's thread, from the loop and never from inside x_remove() (a caller may hold its locks).
 *
 * A watch must be removed before its descriptor is closed.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Loop Loop;
typedef struct LoopWatch LoopWatch;
typedef struct LoopTimer LoopTimer;

/** What a watch waits for. ERR and HUP are reported to every watch that waits for anything. Level
 * triggered: reported again as long as the condition lasts. */
typedef enum {
    LOOP_IN = 1 << 0,
    LOOP_OUT = 1 << 1,
    LOOP_ERR = 1 << 2,
    LOOP_HUP = 1 << 3,
} LoopEvents;

typedef void (*LoopWatchFunc)(LoopWatch *watch, int fd, unsigned events, void *opaque);
typedef void (*LoopTimerFunc)(LoopTimer *timer, void *opaque);
typedef void (*LoopFunc)(void *opaque);

/** New loop; NULL with an error set (out of descriptors). */
Loop *loop_new(void);

/** Free a loop that no thread runs any more. Calls that were accepted are still made, and the free function of
 * each watch and timer is called. Accepts NULL. */
void loop_free(Loop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loop, loop_free)

/** Run until loop_quit(). Returns 0; -1 with an error if another thread runs this loop or epoll fails. */
int loop_run(Loop *loop);

/** End loop_run() after the present callback batch (or as soon as it begins). Any thread. */
void loop_quit(Loop *loop);

/** One round: wait for something (not if @may_block is false), dispatch what is ready. May be called
 * by a callback (nested). Returns the number of callbacks made; -1 with an error as loop_run(). */
int loop_iterate(Loop *loop, bool may_block);

/** Whether the calling thread is at present running @loop. */
bool loop_in_thread(const Loop *loop);

/** Have @fn(@opaque) called on the loop's thread, once, in the order of the calls, soon. Any thread. */
void loop_call(Loop *loop, LoopFunc fn, void *opaque);

/** Watch @fd for @events (LoopEvents; 0: nothing for now). The descriptor stays the caller's. Several watches on one
 * descriptor are allowed. A regular file counts as always ready. @free_func (may be NULL) is called
 * with @opaque. NULL with an error set, then @free_func is not called. */
LoopWatch *loop_watch_add(Loop *loop, int fd, unsigned events, LoopWatchFunc func, void *opaque,
                          GDestroyNotify free_func);

/** Change what @watch waits for. Costs nothing if nothing changes. 0, or -1 with an error. */
int loop_watch_update(LoopWatch *watch, unsigned events);

/** See above. Accepts NULL. */
void loop_watch_remove(LoopWatch *watch);

int loop_watch_fd(const LoopWatch *watch);

/** New timer, not armed. Never fails. */
LoopTimer *loop_timer_add(Loop *loop, LoopTimerFunc func, void *opaque, GDestroyNotify free_func);

/** Arm @timer to fire in @first_ms milliseconds (-1: disarm) and then every @repeat_ms (-1: once only;
 * 0: each round of the loop). Monotonic clock; never early. */
void loop_timer_set(LoopTimer *timer, int64_t first_ms, int64_t repeat_ms);

/** See above. Accepts NULL. */
void loop_timer_remove(LoopTimer *timer);

/** Milliseconds of the monotonic clock, the one that timers use. */
int64_t loop_now_ms(void);
