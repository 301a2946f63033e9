/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the generated entry points are made of: argument checks and the reporting of failures.
 */
#pragma once
#include "core/driver.h"
#include "core/objects.h"

typedef enum { ENTRY_READ, ENTRY_WRITE } EntryAccess;

/* The plain names below report in the ERROR_DOMAIN that stands where they are used. */

/** @handle must be a live handle of class @cls, and for ENTRY_WRITE its connection not read-only. 0, or -1 with
 * VIR_ERR_INVALID_xxx / VIR_ERR_OPERATION_DENIED set; @func names the public function. */
int entry_check_in(int domain, const void *handle, ObjectClass cls, EntryAccess access, const char *func);
#define entry_check(handle, cls, access, func) entry_check_in(ERROR_DOMAIN, handle, cls, access, func)

/** 0, or -1 with VIR_ERR_INVALID_ARG naming the parameter. */
int entry_nonnull_in(int domain, const void *arg, const char *name, const char *func);
#define entry_nonnull(arg, name, func) entry_nonnull_in(ERROR_DOMAIN, arg, name, func)
/** The same for a text that is empty. */
int entry_nonempty_in(int domain, const char *arg, const char *name, const char *func);
#define entry_nonempty(arg, name, func) entry_nonempty_in(ERROR_DOMAIN, arg, name, func)
/** The same for the path of a file; @full (freed by the caller) is the absolute one, from the current folder if need be, without "." and "..": as
 * the reference's client sends it. A daemon takes none but absolute ones, as they are: its folder isn't its clients'. */
int entry_path_in(int domain, const char *arg, const char *name, const char *func, char **full);
#define entry_path(arg, name, func, full) entry_path_in(ERROR_DOMAIN, arg, name, func, full)
/** An array of @count items is there. */
int entry_array_in(int domain, const void *array, long long count, const char *name, const char *func);
#define entry_array(array, count, name, func) entry_array_in(ERROR_DOMAIN, array, count, name, func)
int entry_nonneg_in(int domain, long long arg, const char *name, const char *func);
#define entry_nonneg(arg, name, func) entry_nonneg_in(ERROR_DOMAIN, arg, name, func)
/** It is as demanded; @demand completes "must ...". */
int entry_demand_in(int domain, gboolean met, const char *demand, const char *name, const char *func);
#define entry_positive(arg, name, func) entry_demand_in(ERROR_DOMAIN, (arg) > 0, "be greater than zero", name, func)
#define entry_nonzero(arg, name, func) entry_demand_in(ERROR_DOMAIN, (arg) != 0, "not be zero", name, func)
/** A descriptor is a socket; VIR_ERR_SYSTEM_ERROR if it is nothing at all. */
int entry_socket_in(int domain, int fd, const char *name, const char *func);
#define entry_socket(fd, name, func) entry_socket_in(ERROR_DOMAIN, fd, name, func)

/** Report this thread's error to the connection of @handle (if that is a handle at all) and to handlers. */
void entry_failed(const void *handle);

/** Raise and report @code for @func, which the driver doesn't have. */
void entry_missing_in(int domain, const void *handle, int code, const char *func);
#define entry_missing(handle, code, func) entry_missing_in(ERROR_DOMAIN, handle, code, func)
#define entry_unsupported(handle, func) entry_missing(handle, VIR_ERR_NO_SUPPORT, func)

/** UUID text of 36 characters and NUL; and back (hyphens and blanks anywhere), -1 with VIR_ERR_INVALID_ARG. */
void entry_format_uuid(const unsigned char *uuid, char *text);
int entry_parse_uuid_in(int domain, const char *text, unsigned char *uuid, const char *func);
#define entry_parse_uuid(text, uuid, func) entry_parse_uuid_in(ERROR_DOMAIN, text, uuid, func)

/** Same as the public virInitialize(), without reporting. */
int lib_initialize(void);

/** The process is the daemon: the remote driver is not to be used. Before lib_initialize(). */
void lib_set_daemon(void);
gboolean lib_is_daemon(void);

/** virConnectOpenAuth() for a client of the daemon, without reporting. @reader: it came over the read-only socket, so that
 * the connection is read-only whatever @flags say, and nothing is opened that the daemon may read and the client may not. */
virConnectPtr lib_open_for_client(const char *name, unsigned int flags, gboolean reader);

/** Put a driver's tables on a new connection. */
void connect_use_driver(virConnectPtr conn, const ConnectDriver *driver);
