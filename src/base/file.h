/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files and folders. Whatever is created gets exactly the mode and owner that the caller names, whatever the
 * umask is. What is replaced is on the disk, whole, before success is reported. Every read has a bound.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** Leave owner or group as the kernel makes them. */
#define FILE_OWNER_KEEP ((uid_t) -1)
#define FILE_GROUP_KEEP ((gid_t) -1)

/** Longest name that file_name_is_safe() accepts: leaves room for suffixes and temporary names. */
#define FILE_NAME_MAX 200

/** Whether @name can be one component of a path: not empty, no "/", not "." or "..", no control characters, at most
 * FILE_NAME_MAX bytes, valid UTF-8, and not a name that file_replace() makes. It may begin with "-": never give it to a program as a bare argument. */
bool file_name_is_safe(const char *name);

/** The same with VIR_ERR_INVALID_ARG set, which calls the name @what ("domain name"). 0 or -1. */
int file_name_check(const char *what, const char *name);

/** Replace or create @path with @data. After any crash it has either the old or the new content, whole; only if there was no
 * old one and the machine itself stopped before the return may the new one be incomplete.
 * On return the file and its name are on the disk. A link is replaced, not followed.
 * @uid, @gid: FILE_OWNER_KEEP, FILE_GROUP_KEEP or the owner. 0, or -1 with an error (the old content stands). */
int file_replace(const char *path, const void *data, size_t len, mode_t mode, uid_t uid, gid_t gid);

/** The same without waiting for the disk: for what only the next process needs to know, not the next boot. If the machine itself
 * stops, the file may be empty or incomplete afterwards. Owner and group are ours. */
int file_replace_quickly(const char *path, const void *data, size_t len, mode_t mode);

/** Remove what file_replace() left half done in @dir when it was killed. Only while nobody replaces
 * files there. Returns how many were removed; -1 with an error. A missing folder is 0. */
int file_sweep(const char *dir);

/** Read a whole regular file (also in /proc and /sys) of at most @max bytes. A NUL is put behind the data, and
 * doesn't count in @len (may be NULL). NULL with an error: VIR_ERR_SYSTEM_ERROR, or VIR_ERR_OPERATION_FAILED
 * if it is larger or no regular file. Caller frees. */
char *file_read(const char *path, size_t max, size_t *len);

/** As file_read(), but a missing file is no error. Returns 1 and the data, 0 if it doesn't exist, -1 with an error. */
int file_read_optional(const char *path, size_t max, char **data, size_t *len);

/** Open a regular file that exists; never waits for what else may stand at @path (a FIFO). @access: O_RDONLY, O_WRONLY or
 * O_RDWR. @domain: the VIR_FROM_xxx of its errors. Returns a descriptor (close-on-exec); -1 with an error as file_read(). */
int file_open(int domain, const char *path, int access);

/** Remove a file and have that on the disk before returning. A missing file is success. 0, or -1 with an error. */
int file_remove_sync(const char *path);

/** Whether what stands at @path is in memory only, so that reading and writing it never waits for a disk. FALSE also if that
 * can't be told. */
bool file_is_in_memory(const char *path);

/** Bring the folder's entries (created, renamed, removed names) onto the disk. 0, or -1 with an error. */
int file_sync_dir(const char *dir);

/** Create (or, without O_EXCL in @flags, open) a regular file for writing. @flags: O_APPEND, O_TRUNC, O_EXCL, O_RDWR.
 * A link is not followed. Mode and owner are set also on a file that existed. Returns a descriptor (close-on-exec),
 * or -1 with an error. */
int file_create(const char *path, int flags, mode_t mode, uid_t uid, gid_t gid);

/** Create a listening UNIX stream socket; a socket that stands at @path is replaced, anything else is not.
 * Nobody can connect before mode and owner are as asked. Paths may be longer than the kernel's 107 bytes.
 * Returns a non-blocking descriptor, or -1 with an error. */
int file_listen_unix(const char *path, mode_t mode, uid_t uid, gid_t gid);

/** Connect to a UNIX stream socket. Returns a blocking descriptor; -1 with an error, and errno set to the cause. */
int file_connect_unix(const char *path);

/** Create a folder and those above it. What is new gets @mode and owner for the last one and 0755 above; what
 * exists is left as it is. 0, or -1 with an error. */
int file_mkdirs(const char *path, mode_t mode, uid_t uid, gid_t gid);

/** Names in a folder, sorted, without those that file_replace() makes. NULL-terminated; empty if the folder doesn't exist.
 * NULL with an error if it can't be read or has more than @max names. */
char **file_list_dir(const char *path, size_t max);

/** Write all of @data to a blocking or regular descriptor. 0, or -1 with errno set (no error set). */
int file_write_all(int fd, const void *data, size_t len);

/** A lock on a PID file. */
typedef struct PidFile PidFile;

/** Create @path with our process id and lock it for as long as we live. NULL with an error:
 * VIR_ERR_OPERATION_INVALID if a living process holds it, which is given a second to end. */
PidFile *pid_file_acquire(const char *path);

/** Remove and unlock. Accepts NULL. */
void pid_file_release(PidFile *file);
/** Process id in @path if a living process holds its lock; 0 if there is none; -1 with an error. */
pid_t pid_file_holder(const char *path);
