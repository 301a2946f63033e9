/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words to a Cmd. Options are --NAME, --NAME VALUE or --NAME=VALUE, spelled in full; other words go to the options that
 * take them by position, in the order of the table; after -- every word is such a one. Nothing of the values is looked
 * at here: that is done where they are used (cmd.c).
 */
#include <string.h>

#include "tools/shell/cmd_priv.h"
#include "tools/shell/words.h"

typedef struct {
    Shell *shell;     /* NULL: complain about nothing (completion) */
    Cmd *cmd;
    bool only_data;   /* after -- */
    int pending;      /* option that waits for its value, or -1 */
} Parser;

const ShellCommand *shell_find_command(const ShellGroup *groups, const char *name)
{
    for (const ShellGroup *group = groups; group->keyword; group++) {
        for (const ShellCommand *command = group->commands; command->name; command++) {
            if (g_str_equal(command->name, name) || (command->aliases && g_strv_contains(command->aliases, name)))
                return command;
        }
    }
    return NULL;
}

const ShellGroup *shell_find_group(const ShellGroup *groups, const char *keyword)
{
    for (const ShellGroup *group = groups; group->keyword; group++) {
        if (!group->hidden && g_str_equal(group->keyword, keyword))
            return group;
    }
    return NULL;
}

static int find_option(const ShellCommand *command, const char *name, const char **value)
{
    const ShellOptionAlias *alias = command->option_aliases;

    *value = NULL;
    for (; alias && alias->name; alias++) {
        if (g_str_equal(alias->name, name)) {
            name = alias->option;
            *value = alias->value;
            break;
        }
    }
    for (size_t i = 0; command->options[i].name; i++) {
        if (g_str_equal(command->options[i].name, name))
            return i;
    }
    return -1;
}

/* The option that takes the next positional word, or -1. */
static int next_positional(const Cmd *cmd)
{
    const ShellOption *options = cmd->command->options;

    for (size_t i = 0; i < cmd->count; i++) {
        if (options[i].type == SHELL_BOOL || !(options[i].flags & (SHELL_POSITIONAL | SHELL_ALSO_POSITIONAL)))
            continue;
        if (!cmd->values[i] || options[i].type == SHELL_ARGV)
            return i;
    }
    return -1;
}

static bool complain(Parser *parser, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool complain(Parser *parser, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (!parser->shell)
        return true;
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    return shell_error(parser->shell, "%s", text);
}

static bool take_data(Parser *parser, const char *word)
{
    int option = next_positional(parser->cmd);

    if (option < 0)
        return complain(parser, "unexpected data '%s'", word);
    cmd_add(parser->cmd, option, word);
    return true;
}

static bool take_option(Parser *parser, const char *word)
{
    Cmd *cmd = parser->cmd;
    const char *equals = strchr(word, '=');
    g_autofree char *name = equals ? g_strndup(word, equals - word) : g_strdup(word);
    const char *value = NULL;
    int option;

    if (g_str_equal(word, "help")) {
        cmd->help = true;
        return true;
    }
    option = find_option(cmd->command, name, &value);
    if (option < 0)
        return complain(parser, "command '%s' doesn't support option --%s", cmd->command->name, name);
    if (cmd->values[option] && cmd->command->options[option].type != SHELL_ARGV)
        return complain(parser, "option --%s already seen", name);
    if (cmd->command->options[option].type == SHELL_BOOL || value) {
        if (equals)
            return complain(parser, "invalid '=' after option --%s", name);
        cmd_add(cmd, option, value);
    } else if (equals) {
        cmd_add(cmd, option, equals + 1);
    } else {
        parser->pending = option;
    }
    return true;
}

static bool take_word(Parser *parser, const char *word)
{
    if (parser->pending >= 0) {
        cmd_add(parser->cmd, parser->pending, word);
        parser->pending = -1;
        return true;
    }
    if (!parser->only_data && g_str_has_prefix(word, "--")) {
        if (word[2])
            return take_option(parser, word + 2);
        parser->only_data = true;
        return true;
    }
    return take_data(parser, word);
}

/* After the last word: is everything there? */
static bool check_complete(Parser *parser)
{
    const ShellOption *options = parser->cmd->command->options;

    if (parser->cmd->help)
        return true;
    if (parser->pending >= 0) {
        const ShellOption *option = &options[parser->pending];
        return complain(parser, "expected syntax: --%s <%s>", option->name,
                        option->type == SHELL_INT ? "number" : "string");
    }
    for (size_t i = 0; i < parser->cmd->count; i++) {
        if (!(options[i].flags & SHELL_REQUIRED) || parser->cmd->values[i])
            continue;
        return complain(parser, options[i].flags & SHELL_POSITIONAL ? "command '%s' requires <%s> option"
                                                                     : "command '%s' requires --%s option",
                        parser->cmd->command->name, options[i].name);
    }
    return true;
}

static ShellParseResult parse_command(Parser *parser, ShellWords *words)
{
    for (;;) {
        g_autofree char *word = NULL;
        const char *problem = NULL;

        switch (shell_words_next(words, false, &word, &problem)) {
        case SHELL_WORD:
            if (!take_word(parser, word))
                return SHELL_PARSE_ERROR;
            break;
        case SHELL_WORD_ERROR:
            complain(parser, "%s", problem);
            return SHELL_PARSE_ERROR;
        case SHELL_WORD_SEPARATOR:
        case SHELL_WORD_END:
            return check_complete(parser) ? SHELL_PARSE_OK : SHELL_PARSE_ERROR;
        }
    }
}

static ShellParseResult first_word(Shell *shell, ShellWords *words, char **word)
{
    const char *problem = NULL;

    for (;;) {
        switch (shell_words_next(words, true, word, &problem)) {
        case SHELL_WORD:
            return SHELL_PARSE_OK;
        case SHELL_WORD_SEPARATOR:
            break;
        case SHELL_WORD_END:
            return SHELL_PARSE_END;
        case SHELL_WORD_ERROR:
            shell_error(shell, "%s", problem);
            return SHELL_PARSE_ERROR;
        }
    }
}

static void unknown_command(Shell *shell, const char *word)
{
    ShellNearest nearest = {.word = word};

    for (const ShellGroup *group = shell->program->groups; group->keyword; group++) {
        for (const ShellCommand *command = group->commands; command->name; command++)
            shell_nearest_try(&nearest, command->name);
    }
    if (nearest.found)
        shell_error(shell, "unknown command: '%s'; did you mean '%s'?", word, nearest.found);
    else
        shell_error(shell, "unknown command: '%s'", word);
}

ShellParseResult shell_parse(Shell *shell, ShellWords *words, Cmd **cmd)
{
    g_autofree char *word = NULL;
    const ShellCommand *command;
    ShellParseResult result = first_word(shell, words, &word);
    Parser parser = {.shell = shell, .pending = -1};

    *cmd = NULL;
    if (result != SHELL_PARSE_OK)
        return result;
    command = shell_find_command(shell->program->groups, word);
    if (!command) {
        unknown_command(shell, word);
        return SHELL_PARSE_ERROR;
    }
    parser.cmd = cmd_new(command);
    result = parse_command(&parser, words);
    if (result == SHELL_PARSE_OK)
        *cmd = parser.cmd;
    else
        cmd_free(parser.cmd);
    return result;
}

Cmd *shell_parse_partial(const ShellGroup *groups, const char *const *words, const ShellOption **option)
{
    const ShellCommand *command;
    Parser parser = {.pending = -1};
    size_t i;
    int at;

    *option = NULL;
    if (!words[0] || !words[1])
        return NULL;
    command = shell_find_command(groups, words[0]);
    if (!command)
        return NULL;
    parser.cmd = cmd_new(command);
    for (i = 1; words[i + 1]; i++)
        take_word(&parser, words[i]);
    at = parser.pending;
    if (at < 0 && (parser.only_data || !g_str_has_prefix(words[i], "-")))
        at = next_positional(parser.cmd);
    if (at >= 0)
        *option = &command->options[at];
    return parser.cmd;
}
