/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * UUIDs: 16 raw bytes (as VIR_UUID_BUFLEN) and the usual text with hyphens.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define UUID_BYTES 16
#define UUID_TEXT_SIZE 37 /* with the NUL */

/** Read the text of a UUID. Hyphens may stand between any two bytes or be missing; white space around it is
 * skipped. Returns 0; -1 (no error set) if @text is anything else; @uuid is then untouched. */
int uuid_parse(const char *text, guint8 uuid[UUID_BYTES]);

/** Lower-case text with hyphens. Returns @text. */
char *uuid_format(const guint8 uuid[UUID_BYTES], char text[UUID_TEXT_SIZE]);

/** New random UUID (RFC 4122, version 4). */
void uuid_generate(guint8 uuid[UUID_BYTES]);

/** Whether @uuid can name something: false if all bytes are equal (as in firmware that nobody filled in). */
bool uuid_is_valid(const guint8 uuid[UUID_BYTES]);

/** For GHashTable keys that point to 16 bytes. */
guint uuid_hash(gconstpointer uuid);
gboolean uuid_equal(gconstpointer a, gconstpointer b);
