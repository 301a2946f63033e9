/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Going into the background, and telling whoever started us how it went.
 */
#pragma once

/** Continue in a background process. Doesn't return in the foreground one: that waits until the other has called
 * daemonize_ready() or daemonize_failed() (or died), and ends accordingly. To be called before any thread is
 * started. 0, or -1 with an error. */
int daemonize(void);

/** The daemon is up. Also tells systemd (NOTIFY_SOCKET), daemonize()d or not. */
void daemonize_ready(void);
/** It can't come up: have @message printed where we were started. */
void daemonize_failed(const char *message);

/** Tell systemd about our state, "STOPPING=1"; nothing without NOTIFY_SOCKET. */
void daemonize_notify(const char *state);
