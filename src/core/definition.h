/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of any kind: reading the XML, and sharing what was read. A Definition is immutable and reference counted; its
 * XML texts are kept once they were made.
 */
#pragma once
#include "base/xml.h"

typedef struct Definition Definition;

/** Read a definition. @validate: what has no place in the schema is an error (else it goes to the log). What only running objects
 * have is left out. A struct of @root, caller owns it (xml_struct_free()); NULL with the error set, which names line and path. */
void *definition_read(const XmlRoot *root, const char *xml, gboolean validate);

/** The same; problems, also what was ignored, are added to @diag. */
void *definition_read_noting(const XmlRoot *root, const char *xml, gboolean validate, XmlDiagnostics *diag);

/** Put the line of @path in @xml in front of the error that a rule about it has raised. Returns NULL. */
void *definition_error_at(const char *xml, const char *path);

/** The same for an error whose text begins with the path, as "pool.source.host: …"; @otherwise (may be NULL) is it where it does
 * not. */
void *definition_error_in(const char *xml, const XmlRoot *root, const char *otherwise);

/** Make of this thread's error, if it is about content of a document, the one that validation reports. Returns NULL. */
void *definition_invalid(void);

/** Share @def, a struct of @root, taken over; nobody may change it any more. */
Definition *definition_new(const XmlRoot *root, void *def);
Definition *definition_ref(Definition *definition);
void definition_unref(Definition *definition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Definition, definition_unref)

const void *definition_get(const Definition *definition);

/** A copy that may be changed; caller owns it. */
void *definition_copy(const Definition *definition);

/** XML text; belongs to @definition. @flags: XML_SECURE, XML_INACTIVE. */
const char *definition_xml(Definition *definition, unsigned int flags);
