/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names in XML: enum values and their texts, and the guess at what a mistyped name was meant to be.
 */
#include "base/xml.h"
#include <string.h>

const char *xml_enum_text(const XmlEnum *e, int value)
{
    return value < 1 || value > (int)e->n ? NULL : e->texts[value - 1];
}

int xml_enum_value(const XmlEnum *e, const char *text)
{
    for (guint i = 0; text && i < e->n; i++) {
        if (e->texts[i][0] == text[0] && strcmp(e->texts[i], text) == 0)
            return i + 1;
    }
    return 0;
}

/* Words longer than this are never guessed at. */
#define MAX_WORD 63

static guint min3(guint a, guint b, guint c)
{
    return MIN(MIN(a, b), c);
}

/* Edit distance that also knows swapped neighbours, case not counted; three rows of the usual matrix. */
static guint edit_distance(const char *a, size_t len_a, const char *b, size_t len_b)
{
    guint rows[3][MAX_WORD + 1];

    for (size_t j = 0; j <= len_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= len_a; i++) {
        guint *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            char ca = g_ascii_tolower(a[i - 1]), cb = g_ascii_tolower(b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == g_ascii_tolower(b[j - 2]) && g_ascii_tolower(a[i - 2]) == cb)
                row[j] = MIN(row[j], second[j - 2] + 1);
        }
    }
    return rows[len_a % 3][len_b];
}

const char *xml_nearest(const char *word, const char *const *candidates, guint n)
{
    size_t len = strlen(word);
    guint best = len / 3 + 2;
    const char *nearest = NULL;

    if (len > MAX_WORD)
        return NULL;
    for (guint i = 0; i < n; i++) {
        size_t other = candidates[i] ? strlen(candidates[i]) : MAX_WORD + 1;
        if (other > MAX_WORD)
            continue;
        guint distance = edit_distance(word, len, candidates[i], other);
        if (distance < best && distance < MAX(len, other)) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
