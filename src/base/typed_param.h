/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Typed parameters: lists of (name, type, value). The public virTypedParams functions are in the .c file.
 */
#pragma once
#include <glib.h>
#include <libvirt/libvirt.h>

/** A growing list. Zero-initialise; typed_list_clear() or take the array with typed_list_steal(). */
typedef struct TypedList {
    virTypedParameterPtr params;
    int n;
    int room;
} TypedList;

/** Append; names longer than the field are cut (they are constants of ours). @value NULL strings become "". */
void typed_list_int(TypedList *list, const char *name, int value);
void typed_list_uint(TypedList *list, const char *name, unsigned int value);
void typed_list_llong(TypedList *list, const char *name, long long value);
void typed_list_ullong(TypedList *list, const char *name, unsigned long long value);
void typed_list_double(TypedList *list, const char *name, double value);
void typed_list_bool(TypedList *list, const char *name, gboolean value);
void typed_list_string(TypedList *list, const char *name, const char *value);

/** The same with a name made by printf rules. */
void typed_list_uint_f(TypedList *list, unsigned int value, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void typed_list_int_f(TypedList *list, int value, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void typed_list_ullong_f(TypedList *list, unsigned long long value, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void typed_list_string_f(TypedList *list, const char *value, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void typed_list_bool_f(TypedList *list, gboolean value, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

void typed_list_clear(TypedList *list);
/** The array (caller frees with virTypedParamsFree) and its length; the list is empty afterwards. */
virTypedParameterPtr typed_list_steal(TypedList *list, int *n);

/** Deep copy; NULL for none. */
virTypedParameterPtr typed_params_copy(virTypedParameterPtr params, int n);

/** Give @list to a caller of the query-then-fetch kind: with *nparams == 0 answers the count; otherwise moves
 * up to *nparams entries into @params and sets *nparams. 0 always. */
int typed_list_fill(TypedList *list, virTypedParameterPtr params, int *nparams);

/** What parameters a function accepts. @type 0 ends the table. */
typedef struct TypedRule { const char *name; int type; gboolean multiple; } TypedRule;

/** Check @params against @rules: known names, right types (int/uint may stand for longer ones is not done), no
 * doubles. 0, or -1 with VIR_ERR_INVALID_ARG (type, double) or VIR_ERR_ARGUMENT_UNSUPPORTED (unknown name). */
int typed_params_check(virTypedParameterPtr params, int n, const TypedRule *rules);
