/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * UUIDs. Pure functions over 16 bytes.
 */
#include "base/uuid.h"

#include <string.h>

#include "base/random.h"

int uuid_parse(const char *text, guint8 uuid[UUID_BYTES])
{
    guint8 bytes[UUID_BYTES];
    while (g_ascii_isspace(*text))
        text++;
    for (int i = 0; i < UUID_BYTES; i++) {
        while (i > 0 && *text == '-')
            text++;
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]))
            return -1;
        bytes[i] = g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]);
        text += 2;
    }
    while (g_ascii_isspace(*text))
        text++;
    if (*text)
        return -1;
    memcpy(uuid, bytes, UUID_BYTES);
    return 0;
}

char *uuid_format(const guint8 uuid[UUID_BYTES], char text[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15];
    }
    *at = '\0';
    return text;
}

void uuid_generate(guint8 uuid[UUID_BYTES])
{
    random_bytes(uuid, UUID_BYTES);
    uuid[6] = (uuid[6] & 0x0f) | 0x40;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

bool uuid_is_valid(const guint8 uuid[UUID_BYTES])
{
    return memcmp(uuid, uuid + 1, UUID_BYTES - 1) != 0;
}

guint uuid_hash(gconstpointer uuid)
{
    guint32 part[4];
    memcpy(part, uuid, sizeof(part));
    return (part[0] ^ part[3]) * 2654435761u ^ part[1] ^ part[2];
}

gboolean uuid_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, UUID_BYTES) == 0;
}
