/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading of words, between words.c and the parser. */
#pragma once

#include "tools/shell/shell.h"

typedef enum {
    SHELL_WORD,
    SHELL_WORD_SEPARATOR, /* ';' or newline */
    SHELL_WORD_END,
    SHELL_WORD_ERROR,
} ShellWord;

struct ShellWords {
    char *text; /* owned; NULL for argv */
    char *at;
    char **argv; /* borrowed */
    int argc, next;
};

/* The next word; *value is the caller's. `first`: a command may begin here, so '#' is a comment. *problem is set on
 * SHELL_WORD_ERROR (static text). */
ShellWord shell_words_next(ShellWords *words, bool first, char **value, const char **problem);
