/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a program sees of the library, a line for each observation: `LABEL: VALUE`. Sections begin with `== NAME`. The same program,
 * compiled once, runs on our library and on the reference's; see tests/integration/test_library.py.
 */
#ifndef BEHAVIOURS_H
#define BEHAVIOURS_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *socket; /* of a daemon */
    const char *folder; /* for files, empty */
} World;

/* One observation. */
void see(const char *label, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Code, domain and level of @err, and its number and what its strings name if they name what doesn't depend on words of its
 * own; or "none"; in one of a few static buffers. */
const char *told(virErrorPtr err);

/* What a call returned, and the last error if that was -1. */
void see_int(const char *label, long long ret);
void see_ptr(const char *label, const void *ret);

#define CALL(expr) see_int(#expr, (expr))
#define CALL_PTR(expr) see_ptr(#expr, (expr))

/* Writes a file of @world's folder; its path is malloc()ed. */
char *file_with(const World *world, const char *name, const char *text);

/* Runs @body in a child, waits for its end and tells if it didn't end well. What it changes of its process ends with it. */
void in_child(const World *world, void (*body)(const World *world));

/* A connection to the test driver in this process; ends the program if there is none. */
virConnectPtr open_test(void);

void see_errors(const World *world);
void see_events(const World *world);
void see_custom_events(const World *world);
void see_params(const World *world);
void see_connections(const World *world);
void see_objects(const World *world);
void see_nulls(const World *world);
void see_auth(const World *world);
void see_config(const World *world);
void see_close(const World *world);
void see_hypervisors(const World *world);
void see_streams(const World *world);

#endif
