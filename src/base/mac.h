/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hardware addresses as text.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

/** Room for the text, with the NUL. */
#define MAC_TEXT_SIZE 18

/** Read six bytes of one or two hexadecimal digits each with colons between. false (no error set, @mac untouched) if @text is NULL or
 * anything else. */
bool mac_parse(const char *text, guint8 mac[6]);
/** With two small digits for each byte. Returns @text. */
char *mac_format(const guint8 mac[6], char text[MAC_TEXT_SIZE]);
