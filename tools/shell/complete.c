/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Completion: for the word under the cursor, the names of commands, options or values that may stand there. Values come
 * from the table (values=) or from a completer, which may ask the hypervisor; a completer never reports errors.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/shell/shell.h"

static void add_matching(GPtrArray *found, const char *candidate, const char *word)
{
    if (g_str_has_prefix(candidate, word))
        g_ptr_array_add(found, g_strdup(candidate));
}

static void add_commands(GPtrArray *found, const ShellGroup *groups, const char *word, bool keywords)
{
    for (const ShellGroup *group = groups; group->keyword; group++) {
        if (group->hidden)
            continue;
        if (keywords)
            add_matching(found, group->keyword, word);
        for (const ShellCommand *command = group->commands; command->name; command++)
            add_matching(found, command->name, word);
    }
}

char **complete_command(Shell *shell, const Cmd *cmd, const char *word)
{
    GPtrArray *found = g_ptr_array_new();

    add_commands(found, shell->program->groups, "", true);
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

static char **complete_path(const char *word, bool only_dirs)
{
    g_autofree char *shown = g_strndup(word, strrchr(word, '/') ? strrchr(word, '/') + 1 - word : 0);
    GPtrArray *found = g_ptr_array_new();
    g_autoptr(GDir) dir = g_dir_open(*shown ? shown : ".", 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_strconcat(shown, name, NULL);
        bool is_dir = g_file_test(path, G_FILE_TEST_IS_DIR);

        if (!only_dirs || is_dir)
            g_ptr_array_add(found, g_strconcat(path, is_dir ? "/" : "", NULL));
    }
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

char **complete_file(Shell *shell, const Cmd *cmd, const char *word)
{
    return complete_path(word, false);
}

char **complete_dir(Shell *shell, const Cmd *cmd, const char *word)
{
    return complete_path(word, true);
}

static void add_values(Shell *shell, GPtrArray *found, const Cmd *cmd, const ShellOption *option, const char *word)
{
    g_auto(GStrv) values = option->completer ? option->completer(shell, cmd, word) : NULL;

    for (const char *const *value = option->values; value && *value; value++)
        add_matching(found, *value, word);
    for (char **value = values; value && *value; value++)
        add_matching(found, *value, word);
}

static void add_options(GPtrArray *found, const Cmd *cmd, const char *word)
{
    for (const ShellOption *option = cmd_command(cmd)->options; option->name; option++) {
        g_autofree char *name = g_strdup_printf("--%s", option->name);

        if (!cmd_has(cmd, option->name))
            add_matching(found, name, word);
    }
}

static int compare_strings(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **shell_complete(Shell *shell, const char *const *words)
{
    GPtrArray *found = g_ptr_array_new();
    const ShellOption *option = NULL;
    g_autoptr(Cmd) cmd = NULL;
    guint last = 0;

    while (words[last + 1])
        last++;
    if (last == 0) {
        add_commands(found, shell->program->groups, words[0], false);
    } else {
        cmd = shell_parse_partial(shell->program->groups, words, &option);
        if (cmd && option)
            add_values(shell, found, cmd, option, words[last]);
        if (cmd && (!option || !*words[last]) && !found->len)
            add_options(found, cmd, words[last]);
    }
    g_ptr_array_sort(found, compare_strings);
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}
