/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* help in all its forms, out of the command table. */
#include <string.h>

#include "tools/shell/shell.h"

static void list_commands(Shell *shell, const ShellGroup *group)
{
    for (const ShellCommand *command = group->commands; command->name; command++)
        shell_print(shell, "    %-30s %s%s\n", command->name, command->summary,
                    command->handler ? "" : " (not in this build yet)");
}

static void list_group(Shell *shell, const ShellGroup *group, const char *end)
{
    shell_print(shell, " %s (help keyword '%s')%s\n", group->title, group->keyword, end);
    list_commands(shell, group);
}

bool shell_help_all(Shell *shell)
{
    shell_print(shell, "Grouped commands:\n\n");
    for (const ShellGroup *group = shell->program->groups; group->keyword; group++) {
        if (group->hidden)
            continue;
        list_group(shell, group, ":");
        shell_print(shell, "\n");
    }
    return true;
}

/* How the list of options shows one. */
static char *option_label(const ShellOption *option)
{
    const char *kind = option->type == SHELL_INT ? "number" : "string";

    if (option->type == SHELL_BOOL)
        return g_strdup_printf("--%s", option->name);
    if (option->flags & SHELL_POSITIONAL)
        return option->flags & SHELL_REQUIRED ? g_strdup_printf("[--%s] <%s>", option->name, kind)
                                              : g_strdup_printf("<%s>", option->name);
    return g_strdup_printf("--%s <%s>", option->name, kind);
}

static void print_option(Shell *shell, const ShellOption *option)
{
    g_autofree char *label = option_label(option);

    shell_print(shell, "    %-15s  %s\n", label, option->doc);
}

void shell_help_command(Shell *shell, const ShellCommand *command)
{
    const ShellOption *option = command->options;

    shell_print(shell, "  NAME\n    %s - %s\n", command->name, command->summary);
    shell_print(shell, "\n  SYNOPSIS\n    %s\n", command->synopsis);
    shell_print(shell, "\n  DESCRIPTION\n    %s\n", command->description);
    if (!command->handler)
        shell_print(shell, "    Not in this build yet.\n");
    if (option->name && !(option->flags & SHELL_FORMAT))
        shell_print(shell, "\n  OPTIONS\n");
    for (; option->name && !(option->flags & SHELL_FORMAT); option++)
        print_option(shell, option);
    if (command->json)
        shell_print(shell, "\n  OUTPUT\n    --format json    print JSON (shape '%s') instead of text\n", command->json);
    shell_print(shell, "\n");
}

bool shell_help(Shell *shell, const char *word)
{
    const ShellCommand *command = shell_find_command(shell->program->groups, word);
    const ShellGroup *group = shell_find_group(shell->program->groups, word);

    if (group) {
        list_group(shell, group, ":");
        return true;
    }
    if (!command)
        return shell_error(shell, "command or command group '%s' doesn't exist", word);
    shell_help_command(shell, command);
    return true;
}

static const struct {
    char letter; /* as in ShellProgram.without */
    const char *text;
} usage_lines[] = {
    {'c', "    -c | --connect=URI      URI to connect to\n"},
    {'d', "    -d | --debug=NUM        debug level, 0 (everything) to 4 (errors only)\n"},
    {'e', "    -e | --escape <char>    escape sequence of consoles, as ^]\n"},
    {'h', "    -h | --help             this text\n"},
    {'k', "    -k | --keepalive-interval=NUM\n"
          "                            seconds between keepalive messages, 0 for none\n"},
    {'K', "    -K | --keepalive-count=NUM\n"
          "                            missed keepalive messages that end a connection\n"},
    {'l', "    -l | --log=FILE         log to a file too\n"},
    {'q', "    -q | --quiet            no headings and remarks\n"},
    {'r', "    -r | --readonly         read-only connection\n"},
    {'t', "    -t | --timing           show how long each command takes\n"},
    {'A', "         --no-pkttyagent    start no agent that asks for passwords\n"},
    {'T', "    --timeout=SECONDS       end with an error if a command takes longer, connecting included\n"},
    {'v', "    -v                      short version\n"
          "    -V                      long version\n"
          "         --version[=TYPE]   version, TYPE is short or long (default short)\n"},
};

void shell_usage(Shell *shell)
{
    const char *name = shell->program->name, *without = shell->program->without;

    shell_print(shell, "\n%s [options]... [<command_string>]\n%s [options]... <command> [args...]\n\n  options:\n", name,
                name);
    for (guint i = 0; i < G_N_ELEMENTS(usage_lines); i++) {
        if (!without || !strchr(without, usage_lines[i].letter))
            shell_print(shell, "%s", usage_lines[i].text);
    }
    shell_print(shell, "  commands (non interactive mode):\n\n");
    for (const ShellGroup *group = shell->program->groups; group->keyword; group++) {
        if (group->hidden)
            continue;
        list_group(shell, group, "");
        shell_print(shell, "\n");
    }
    shell_print(shell, "\n  (help <group> explains the commands of a group)\n\n"
                       "  (help <command> explains a command)\n\n");
}
