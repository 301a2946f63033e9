/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of the machine for each kind of hypervisor.
 */
#pragma once
#include <glib.h>

typedef enum { CHECK_PASS, CHECK_WARN, CHECK_FAIL } CheckResult;

typedef struct Finding {
    char *check;   /* "for namespace ipc" */
    CheckResult result;
    char *remedy;  /* what to do unless it passed */
} Finding;

typedef struct Report {
    const char *root;  /* put before all paths; "" for the machine itself */
    GArray *findings;
    gboolean failed;
} Report;

void report_init(Report *report, const char *root);
void report_clear(Report *report);

void validate_qemu(Report *report);
void validate_lxc(Report *report);
