/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of a command line. Text is split as a shell user expects: blanks separate, '...' and "..." keep blanks, a
 * backslash takes the next character as it is (inside "..." too, never inside '...'), ';' and newline end a command, a
 * '#' at the beginning of a command hides the rest of the line. Words from main()'s arguments are taken as they are.
 */
#include "tools/shell/words.h"

#include <string.h>

ShellWords *shell_words_text(const char *text)
{
    ShellWords *words = g_new0(ShellWords, 1);

    words->text = g_strdup(text);
    words->at = words->text;
    return words;
}

ShellWords *shell_words_argv(char **argv, int argc)
{
    ShellWords *words = g_new0(ShellWords, 1);

    words->argv = argv;
    words->argc = argc;
    return words;
}

void shell_words_free(ShellWords *words)
{
    if (!words)
        return;
    g_free(words->text);
    g_free(words);
}

static void skip_blanks(ShellWords *words)
{
    while (*words->at == ' ' || *words->at == '\t' || *words->at == '\r')
        words->at++;
}

/* One quoted piece; the quote has been passed. NULL or what is wrong. */
static const char *read_quoted(ShellWords *words, GString *word, char quote)
{
    while (*words->at && *words->at != quote) {
        if (*words->at == '\\' && quote == '"' && *++words->at == '\0')
            return "dangling \\";
        g_string_append_c(word, *words->at++);
    }
    if (*words->at != quote)
        return quote == '"' ? "missing \"" : "missing '";
    words->at++;
    return NULL;
}

static ShellWord read_text_word(ShellWords *words, char **value, const char **problem)
{
    g_autoptr(GString) word = g_string_new(NULL);

    while (*words->at && !strchr(" \t\r\n;", *words->at)) {
        char c = *words->at++;

        if (c == '"' || c == '\'') {
            *problem = read_quoted(words, word, c);
            if (*problem)
                return SHELL_WORD_ERROR;
        } else if (c == '\\') {
            if (!*words->at || *words->at == '\n') {
                *problem = "dangling \\";
                return SHELL_WORD_ERROR;
            }
            g_string_append_c(word, *words->at++);
        } else {
            g_string_append_c(word, c);
        }
    }
    *value = g_string_free(g_steal_pointer(&word), FALSE);
    return SHELL_WORD;
}

ShellWord shell_words_next(ShellWords *words, bool first, char **value, const char **problem)
{
    if (words->argv) {
        if (words->next == words->argc)
            return SHELL_WORD_END;
        *value = g_strdup(words->argv[words->next++]);
        return SHELL_WORD;
    }
    skip_blanks(words);
    if (first && *words->at == '#')
        words->at += strcspn(words->at, "\n");
    if (!*words->at)
        return SHELL_WORD_END;
    if (*words->at == ';' || *words->at == '\n') {
        words->at++;
        return SHELL_WORD_SEPARATOR;
    }
    return read_text_word(words, value, problem);
}
