/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between the generated functions of libtally.so and what counts their calls.
 */
#pragma once

typedef struct TallyFunction {
    const char *name, *version, *library; /* the real one: its version node and the library's soname */
} TallyFunction;

extern const unsigned int tally_count;
extern const TallyFunction tally_functions[];
extern void *tally_found[]; /* the real ones, once called */

/** One item of the file that TALLY names, in the order of tally_functions. */
typedef struct TallyRecord {
    char name[56];
    unsigned long long calls;
} TallyRecord;

/** Counts a call of function @number if its arguments are @valid and @from, an address, lies in no library of ours. Gives the
 * real function; ends the program if that is not there. */
void *tally_call(unsigned int number, int valid, const void *from);
