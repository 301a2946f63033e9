/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody may have meant. */
#include <string.h>

#include "tools/shell/shell.h"

enum { WORD_MAX = 48 };

/* How many letters must be put in, taken out or replaced, or swapped with their neighbour, to make `b` of `a`. */
static int distance(const char *a, const char *b)
{
    int rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    int la = strlen(a), lb = strlen(b);

    for (int j = 0; j <= lb; j++)
        last[j] = j;
    for (int i = 1; i <= la; i++) {
        int *spare = before;

        now[0] = i;
        for (int j = 1; j <= lb; j++) {
            now[j] = MIN(MIN(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = MIN(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[lb];
}

void shell_nearest_try(ShellNearest *nearest, const char *candidate)
{
    if (strlen(nearest->word) > WORD_MAX || strlen(candidate) > WORD_MAX)
        return;
    int far = distance(nearest->word, candidate), allowed = MAX(1, (int)strlen(nearest->word) / 3);

    if (far > allowed || (nearest->found && far >= nearest->distance))
        return;
    nearest->found = candidate;
    nearest->distance = far;
}
