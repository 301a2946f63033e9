/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/mac.h"
#include <string.h>

bool mac_parse(const char *text, guint8 mac[6])
{
    guint8 bytes[6];
    for (guint i = 0; i < sizeof(bytes); i++) {
        int value = text ? g_ascii_xdigit_value(*text) : -1;
        if (value < 0)
            return false;
        int low = g_ascii_xdigit_value(*++text);
        if (low >= 0)
            text++;
        bytes[i] = (guint8) (low < 0 ? value : value << 4 | low);
        if (*text++ != (i < sizeof(bytes) - 1 ? ':' : '\0'))
            return false;
    }
    memcpy(mac, bytes, sizeof(bytes));
    return true;
}

char *mac_format(const guint8 mac[6], char text[MAC_TEXT_SIZE])
{
    g_snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return text;
}
