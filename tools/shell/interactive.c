/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading commands from standard input. On a terminal readline gives editing, completion and history (a file in the
 * user's cache directory; PREFIX_HISTSIZE bounds it). Otherwise lines are read as they come, and shown after the prompt
 * so that the output reads like a session.
 */
#include <errno.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/shell/options.h"
#include "tools/shell/words.h"

enum { LINE_MAX_BYTES = 1 << 20, HISTORY_DEFAULT = 500 };

static Shell *completing; /* readline's callbacks carry no data */

/* The words of the line up to the cursor, as the parser would see them. */
static char **line_words(const char *line, const char *word)
{
    g_autoptr(ShellWords) words = shell_words_text(line);
    GPtrArray *found = g_ptr_array_new();
    const char *problem = NULL;
    char *value = NULL;
    ShellWord kind;

    while ((kind = shell_words_next(words, false, &value, &problem)) != SHELL_WORD_END) {
        if (kind == SHELL_WORD)
            g_ptr_array_add(found, value);
        else
            g_ptr_array_set_size(found, 0);
        if (kind == SHELL_WORD_ERROR)
            break;
    }
    g_ptr_array_add(found, g_strdup(word));
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

static char *next_candidate(const char *word, int state)
{
    static char **found;
    static guint at;

    if (state == 0) {
        g_autofree char *before = g_strndup(rl_line_buffer, rl_point - strlen(word));
        g_auto(GStrv) words = line_words(before, word);

        g_strfreev(found);
        found = shell_complete(completing, (const char *const *)words);
        at = 0;
        rl_completion_append_character = found[0] && g_str_has_suffix(found[0], "/") ? '\0' : ' ';
    }
    return found[at] ? strdup(found[at++]) : NULL; /* readline frees with free() */
}

static char **complete_line(const char *word, int start, int end)
{
    rl_attempted_completion_over = 1;
    return rl_completion_matches(word, next_candidate);
}

static char *history_path(void)
{
    return g_build_filename(g_get_user_cache_dir(), "libvirt", completing->program->name, "history", NULL);
}

static int history_size(Shell *shell)
{
    g_autofree char *name = g_strdup_printf("%s_HISTSIZE", shell->program->environment);
    const char *text = g_getenv(name);
    char *end = NULL;
    long size = text ? strtol(text, &end, 10) : HISTORY_DEFAULT;

    if (text && (end == text || *end || size < 0 || size > G_MAXINT)) {
        shell_error(shell, "Bad $%s value.", name);
        return HISTORY_DEFAULT;
    }
    return size;
}

/* readline was interrupted: drop the line. */
static int on_signal(void)
{
    if (shell_interrupted()) {
        shell_interrupt_reset();
        rl_replace_line("", 0);
        rl_crlf();
        rl_on_new_line();
        rl_redisplay();
    }
    return 0;
}

static void terminal_begin(Shell *shell)
{
    g_autofree char *path = NULL;

    completing = shell;
    path = history_path();
    rl_readline_name = shell->program->name;
    rl_attempted_completion_function = complete_line;
    rl_basic_word_break_characters = " \t\n;'\"=";
    rl_signal_event_hook = on_signal;
    stifle_history(history_size(shell));
    read_history(path);
}

static void terminal_end(Shell *shell)
{
    g_autofree char *path = history_path();
    g_autofree char *folder = g_path_get_dirname(path);

    if (g_mkdir_with_parents(folder, 0755) < 0 && errno != EEXIST)
        shell_error(shell, "Failed to create '%s': %s", folder, g_strerror(errno));
    else
        write_history(path);
    completing = NULL;
}

static char *read_terminal(Shell *shell)
{
    char *line = readline(shell->program->prompt(shell)); /* freed with free() */
    char *copy = line ? g_strdup(line) : NULL;

    if (line && *line)
        add_history(line);
    free(line);
    return copy;
}

static char *read_pipe(Shell *shell)
{
    g_autoptr(GString) line = g_string_new(NULL);
    int c = EOF;

    shell_print(shell, "%s", shell->program->prompt(shell));
    fflush(stdout);
    while ((c = getchar_unlocked()) != EOF && c != '\n') {
        if (line->len == LINE_MAX_BYTES) {
            shell_error(shell, "a line is longer than %d bytes", LINE_MAX_BYTES);
            return NULL;
        }
        g_string_append_c(line, c);
    }
    if (c == EOF && !line->len)
        return NULL;
    shell_print(shell, "%s\n", line->str);
    return g_string_free(g_steal_pointer(&line), FALSE);
}

bool shell_interact(Shell *shell)
{
    bool terminal = isatty(STDIN_FILENO);

    shell->interactive = true;
    if (!shell->program->optional_connection && !shell->program->connect(shell)) {
        shell->program->report(shell);
        return false;
    }
    shell_print_extra(shell, "%s", shell->program->welcome);
    shell_interrupt_install();
    if (terminal)
        terminal_begin(shell);
    while (!shell->quit) {
        g_autofree char *line = terminal ? read_terminal(shell) : read_pipe(shell);

        if (!line)
            break;
        if (*line)
            shell_run_string(shell, line);
        shell_interrupt_reset();
    }
    if (!shell->quit)
        shell_print(shell, "\n");
    if (terminal)
        terminal_end(shell);
    return true;
}
