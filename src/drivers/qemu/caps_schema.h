/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions to the answer of query-qmp-schema, in which types have numbers for names. A path is walked from a command:
 *   blockdev-add/arg-type/+file/aio/^io_uring
 * "arg-type", "ret-type" lead to a type; NAME to the type of a member; "+CASE" to the type of a variant; "^VALUE" asks
 * whether an enumeration has it and must be last. Arrays are passed through.
 */
#pragma once
#include "drivers/qemu/json_lines.h"

typedef struct QmpSchema QmpSchema;

/** @entries: the array that query-qmp-schema returned; it must outlive the schema. NULL without an error if it is none. */
QmpSchema *qmp_schema_new(json_object *entries);
void qmp_schema_free(QmpSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpSchema, qmp_schema_free)

/** Whether @path leads somewhere. */
gboolean qmp_schema_has(QmpSchema *schema, const char *path);
