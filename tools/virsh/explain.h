/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the XML formats consist of, as `virsh explain` tells it. The data are generated from the tables in schema/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum { EXPLAIN_ATTRIBUTE, EXPLAIN_TEXT, EXPLAIN_ELEMENT } ExplainKind;

typedef struct {
    ExplainKind kind;
    const char *name;      /* as in the document; "" for text */
    const char *attribute; /* of an element that holds one value as an attribute, or NULL */
    const char *value;     /* values it may have, or NULL if it has members */
    const char *since, *doc;
    short type; /* of its members: index into the format's types, or -1 */
} ExplainMember;

typedef struct {
    const char *doc; /* or NULL */
    const ExplainMember *members;
    int count;
} ExplainType;

typedef struct {
    const char *name; /* NULL ends a list */
    short type;
} ExplainRoot;

typedef struct {
    const ExplainRoot *roots;
    const ExplainType *types;
} ExplainFormat;

/* Whether an attribute of this name is the unit of a size, which the tables take for granted (cmd_explain.c). */
bool explain_is_unit(const ExplainMember *member, const char *name);
/* All formats; NULL-ended (cmd_explain.c). */
extern const ExplainFormat *const explain_formats[];
