/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the generated entry points are made of: argument checks and the reporting of failures.
 */
#pragma once
#include "core/driver.h"
#include "core/objects.h"

typedef enum { ENTRY_READ, ENTRY_WRITE } EntryAccess;

/** @handle must be a live handle of class @cls, and for ENTRY_WRITE its connection not read-only. 0, or -1 with
 * VIR_ERR_INVALID_xxx / VIR_ERR_OPERATION_DENIED set; @func names the public function. */
int entry_check(const void *handle, ObjectClass cls, EntryAccess access, const char *func);

/** 0, or -1 with VIR_ERR_INVALID_ARG naming the parameter. */
int entry_nonnull(const void *arg, const char *name, const char *func);
/** An array of @count items is there. */
int entry_array(const void *array, long long count, const char *name, const char *func);
int entry_nonneg(long long arg, const char *name, const char *func);

/** Report this thread's error to the connection of @handle (if that is a handle at all) and to handlers. */
void entry_failed(const void *handle);

/** Raise and report VIR_ERR_NO_SUPPORT for @func. */
void entry_unsupported(const void *handle, const char *func);

/** UUID text of 36 characters and NUL; and back (hyphens and blanks anywhere), -1 with VIR_ERR_INVALID_ARG. */
void entry_format_uuid(const unsigned char *uuid, char *text);
int entry_parse_uuid(const char *text, unsigned char *uuid, const char *func);

/** Same as the public virInitialize(), without reporting. */
int lib_initialize(void);

/** The process is the daemon: the remote driver is not to be used. Before lib_initialize(). */
void lib_set_daemon(void);

/** Put a driver's tables on a new connection. */
void connect_use_driver(virConnectPtr conn, const ConnectDriver *driver);
