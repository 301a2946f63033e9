/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Programs that serve one guest beside QEMU (a TPM, a shared folder, a network). They start before QEMU and end with the guest, also
 * with one that was left by a killed daemon: their ids stand in the guest's status file, and for as long as they don't stand there
 * yet a mark in their environment tells whose they are.
 *
 * A program that takes a listening socket gets one made by qemu_helper_listen(): it is ready as soon as it runs. Of one
 * that makes its own, the path is given, and the start waits until it listens.
 */
#pragma once
#include "base/process.h"
#include "base/user.h"
#include "domain/backend.h"

/** Longest wait for a helper to be ready, in ms. */
#define QEMU_HELPER_READY_MS 20000

typedef struct QemuHelpers QemuHelpers;

typedef struct {
    const char *name;        /* "swtpm-tpm0": unique within the guest, fit for the name of a file */
    const char *const *argv; /* NULL-terminated */
    const int *keep_fds;     /* inherited under the same numbers; stay the caller's */
    guint n_keep_fds;
    const char *ready_path;  /* the UNIX socket that it listens on when it is ready; NULL: nothing to wait for */
    gboolean vital;          /* the guest can't go on without it: its end is the guest's; else it is only logged */
    UserIdentity user;       /* who it is; borrowed */
} QemuHelperSpec;

QemuHelpers *qemu_helpers_new(void);
/** Forget them; those that still run go on. */
void qemu_helpers_free(QemuHelpers *helpers);

/** The path of helper @name's socket in the private folder @dir of a run. Caller frees. */
char *qemu_helper_socket(const char *dir, const char *name);
/** Make that socket, listening, for QEMU to connect to. A descriptor for the helper, or -1 with an error. */
int qemu_helper_listen(Guest *guest, const char *name);

/** Start a helper of a guest that is being started, or of a device that is plugged in, and wait until it is ready. Its output goes to
 * GUEST-NAME.log in the folder of the guests' logs. 0; -1 with an error that has its last words, and nothing is left of it. [worker] */
int qemu_helper_start(Guest *guest, const QemuHelperSpec *spec);

/** End one, of a device that is gone; nothing if there is none of that name. [worker] */
void qemu_helper_stop(Guest *guest, const char *name);
/** End all: the guest is gone. [worker] */
void qemu_helpers_stop_all(Guest *guest);

/** If one of them ended by itself, put that and its last words before the thread's error. */
void qemu_helpers_explain(Guest *guest);

/** Their part of the status file. [any] */
void qemu_helpers_format(QemuHelpers *helpers, GString *xml);
void qemu_helpers_parse(QemuHelpers *helpers, xmlNodePtr root);
/** Watch those that the status file named. 0; -1 with an error if a vital one is gone. */
int qemu_helpers_take_over(Guest *guest);
/** Find those of a start that was cut short before they were noted down. */
void qemu_helpers_find(Guest *guest);
/** No longer watch any: the daemon ends, they go on. */
void qemu_helpers_detach(QemuHelpers *helpers);
