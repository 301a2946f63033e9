/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the XML runtime share. Not for others.
 */
#pragma once
#include "base/xml.h"

/* Where a member's value is. */
static inline void *member_ptr(const XmlMember *m, const void *obj)
{
    return (char *)obj + m->offset;
}

/* Whether a member has a meaning in this object: what its discriminator says. */
static inline bool member_active(const XmlMember *m, const void *obj)
{
    if (!m->when_mask)
        return true;
    guint8 value = *((const guint8 *)obj + m->when_offset);
    return value < 64 && (m->when_mask >> value & 1);
}

static inline bool *member_has(const XmlMember *m, const void *obj)
{
    return m->flags & XML_HAS ? (bool *)((char *)obj + m->aux) : NULL;
}

static inline guint *member_count(const XmlMember *m, const void *obj)
{
    return (guint *)((char *)obj + m->aux);
}

/* Name of the element that holds an item of a list. */
static inline const char *member_item_name(const XmlMember *m, const void *item)
{
    return m->names ? xml_enum_text(m->names, *((const guint8 *)item + m->name_at)) : m->name;
}

/* The struct of an element member: the object itself, a part of it, or behind a pointer (may be NULL). */
static inline void *member_struct(const XmlMember *m, const void *obj)
{
    void *at = member_ptr(m, obj);
    return m->flags & XML_REF ? *(void **)at : at;
}

/* Unsigned number of any width; signed ones are sign-extended bits. */
guint64 xml_number_get(const XmlMember *m, const void *at);
void xml_number_set(const XmlMember *m, void *at, guint64 value);

/* Whether a scalar has a value that format prints. */
bool xml_value_is_set(const XmlMember *m, const void *obj);

/* Read @text (and @unit, for sizes) into @at, setting @has if not NULL. false with the reason in @why (caller frees). */
bool xml_value_parse(const XmlMember *m, void *at, bool *has, const char *text, const char *unit, char **why);

/* Largest text of a value that is not a string; xml_value_text() returns the string itself or what it wrote to @buf. */
#define XML_VALUE_BUF 64
const char *xml_value_text(const XmlMember *m, const void *at, char buf[XML_VALUE_BUF]);

/* Size of one item of a list of scalars. */
size_t xml_value_size(const XmlMember *m);

/* Free, copy and compare a scalar. */
void xml_value_clear(const XmlMember *m, void *at);
void xml_value_dup(const XmlMember *m, void *at);
bool xml_value_equal(const XmlMember *m, const void *a, const void *b);

/* Whether a member is left out of what @flags ask for. */
bool xml_member_hidden(const XmlMember *m, const void *obj, unsigned flags);
