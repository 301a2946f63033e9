/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Title, description and other programs' elements in a definition, shared by all objects that have them. The elements, one for
 * each namespace, are the text of the whole element <metadata>; NULL: there is none. The types of metadata are
 * virDomainMetadataType, whose numbers other objects have as well. @domain: VIR_FROM_xxx of errors.
 */
#pragma once
#include <glib.h>

typedef struct MetadataTexts {
    const char *title, *description, *metadata;
} MetadataTexts;

/** Where a definition has them. */
typedef struct MetadataFields {
    char **title, **description, **metadata;
} MetadataFields;

/** One of them into *value, which the caller frees; NULL: there is none. An element (of namespace @uri) comes without that
 * namespace's prefix. 0, or -1 with an error. */
int metadata_get(const MetadataTexts *texts, int type, const char *uri, char **value, int domain);

/** Replace one of them; @text NULL removes it. An element goes under prefix @key into the namespace @uri. 0, or -1 with an
 * error; then nothing has changed. */
int metadata_set(const MetadataFields *fields, int type, const char *text, const char *key, const char *uri, int domain);
