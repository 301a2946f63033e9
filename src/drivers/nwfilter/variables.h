/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Variables of filters: who gives them values, and the rules that come of a rule with variables. No I/O.
 */
#pragma once
#include "model/nwfilter.h"

/** What begins the name of a set that stands for a variable; no value can. */
#define VARIABLE_IS_SET '@'

/** The set that stands for $IP where nobody gives it a value. */
typedef struct LearntAddress {
    const char *value; /**< VARIABLE_IS_SET and its name; NULL: there is none */
    gboolean used;     /**< set when it stands in a rule */
} LearntAddress;

/** Parameters of a reference, below those of the reference by which its filter was reached (NULL: the binding's own). */
typedef struct Scope {
    const InterfaceFilterref *ref;
    const struct Scope *above;
    LearntAddress *learnt;
} Scope;

/** Called with a copy of a rule in which each variable is a value. */
typedef int (*VariablesEach)(const NwfilterRule *rule, void *opaque);

/** Call @each for each combination of values. 0; -1 with an error, or what @each answered below 0. @filter: for errors. */
int variables_each(const Scope *scope, const char *filter, const NwfilterRule *rule, VariablesEach each, void *opaque);
