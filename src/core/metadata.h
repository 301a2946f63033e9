/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elements of other programs inside <metadata>, one for each namespace. Shared by all objects that have them. What the
 * functions take and give is the text of the whole element <metadata>; NULL: there is none.
 */
#pragma once
#include <glib.h>

/** Text of the element of namespace @uri in @metadata, without that namespace's prefix; NULL
 * if there is none such; caller frees. 0, or -1 if the text is not XML. */
int metadata_find(const char *metadata, const char *uri, char **element);

/** Put @element (NULL: remove it) under prefix @key into the namespace @uri. *metadata is replaced. 0, or -1 with an error. */
int metadata_replace(char **metadata, const char *element, const char *key, const char *uri);
