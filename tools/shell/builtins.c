/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of the shell itself. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/shell/shell.h"

bool cmd_cd(Shell *shell, const Cmd *cmd)
{
    const char *dir = cmd_get(cmd, "dir");

    if (!shell->interactive)
        return shell_error(shell, "cd: command valid only in interactive mode");
    if (!dir)
        dir = g_get_home_dir();
    if (chdir(dir) < 0)
        return shell_error(shell, "cd: %s: '%s'", g_strerror(errno), dir);
    return true;
}

bool cmd_pwd(Shell *shell, const Cmd *cmd)
{
    g_autofree char *dir = g_get_current_dir();

    shell_print(shell, "%s\n", dir);
    return true;
}

bool cmd_quit(Shell *shell, const Cmd *cmd)
{
    shell->quit = true;
    return true;
}

bool cmd_help(Shell *shell, const Cmd *cmd)
{
    const char *word = cmd_get(cmd, "command");

    return word ? shell_help(shell, word) : shell_help_all(shell);
}

/* 'text', only where a shell would not take the word as it is. */
static char *shell_quoted(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.,:=+@%";

    if (*text && strspn(text, plain) == strlen(text))
        return g_strdup(text);
    return g_shell_quote(text);
}

static char *echo_word(const Cmd *cmd, const char *word)
{
    g_autofree char *text = g_strdup(word);
    char *quoted = NULL;

    if (cmd_has(cmd, "xml")) {
        quoted = g_markup_escape_text(text, -1);
        g_free(g_steal_pointer(&text));
        text = quoted;
    }
    return cmd_has(cmd, "shell") ? shell_quoted(text) : g_steal_pointer(&text);
}

/* Parts of a word between commas, a double comma being one of the text. */
static void split_word(const char *word, GPtrArray *parts)
{
    GString *part = g_string_new(NULL);

    for (; *word; word++) {
        if (*word == ',' && word[1] == ',') {
            g_string_append_c(part, *word++);
        } else if (*word == ',') {
            g_ptr_array_add(parts, g_string_free(part, FALSE));
            part = g_string_new(NULL);
        } else {
            g_string_append_c(part, *word);
        }
    }
    g_ptr_array_add(parts, g_string_free(part, FALSE));
}

bool cmd_echo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) line = g_string_new(cmd_get(cmd, "prefix"));

    for (const char *const *word = cmd_argv(cmd, "string"); *word; word++) {
        if (cmd_has(cmd, "split"))
            split_word(*word, words);
        else
            g_ptr_array_add(words, g_strdup(*word));
    }
    if (line->len && words->len)
        g_string_append_c(line, ' ');
    for (guint i = 0; i < words->len; i++) {
        g_autofree char *word = echo_word(cmd, words->pdata[i]);
        g_string_append_printf(line, "%s%s", i ? (cmd_has(cmd, "split") ? "\n" : " ") : "", word);
    }
    if (cmd_has(cmd, "split") && words->len)
        g_string_append_c(line, '\n');
    if (cmd_has(cmd, "err"))
        shell_error(shell, "%s", line->str);
    else
        shell_print(shell, "%s", line->str);
    return true;
}

bool cmd_complete(Shell *shell, const Cmd *cmd)
{
    const char *const *words = cmd_argv(cmd, "string");
    g_auto(GStrv) found = NULL;

    if (!words[0])
        return true;
    found = shell_complete(shell, words);
    for (char **at = found; at && *at; at++)
        shell_print(shell, "%s\n", *at);
    return true;
}

bool cmd_self_test(Shell *shell, const Cmd *cmd)
{
    for (const ShellGroup *group = shell->program->groups; group->keyword; group++) {
        for (const ShellCommand *command = group->commands; command->name; command++) {
            if (cmd_has(cmd, "dump-help"))
                shell_help_command(shell, command);
            for (const ShellOption *option = command->options; cmd_has(cmd, "completers-missing") && option->name;
                 option++) {
                if (!option->completer && !option->values && option->type != SHELL_BOOL && option->type != SHELL_INT)
                    shell_print(shell, "%s %s\n", command->name, option->name);
            }
        }
    }
    return true;
}
