/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every program on the shell that talks to libvirt needs, whatever kind of connection it makes: the library's
 * event loop in a thread of its own, so that keepalive, events and the loss of a connection are noticed while a command
 * waits, and the library's pending error.
 *
 * Errors: the library keeps the last error per thread, and forgets it at the next successful call, such as the free of
 * an object on the way out of a handler. So each one is copied when it is raised on the main thread and kept until it
 * is printed or forgotten.
 *
 * One client per process; everything is called on the main thread. Public API only.
 */
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "tools/shell/shell.h"

/* Initializes the library and starts the loop, in a thread of this name; false after an error printed. */
bool client_start(Shell *shell, const char *thread);
/* Ends the loop. Connections must be closed by now. */
void client_stop(void);

/* Code of the library's pending error, or VIR_ERR_OK. */
int client_error_code(void);
/* Text of the pending error. */
const char *client_error_text(void);
/* Makes an error of another thread, as virSaveLastError() gave it, the pending one; takes it over. */
void client_error_take(virErrorPtr error);
/* Forgets the pending error: for failures that have been dealt with. */
void client_error_forget(void);
/* Prints the pending error, if any, and forgets it. */
void client_error_report(Shell *shell);

/* A VIR_CONNECT_CLOSE_REASON_* in words. */
const char *client_close_reason(int reason);

/* A typed parameter's value as text, to be freed. */
char *client_param_text(const virTypedParameter *param);
/* Adds it to a JSON object under this key. */
void client_param_json(json_object *object, const char *key, const virTypedParameter *param);
