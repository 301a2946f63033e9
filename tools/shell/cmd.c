/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Access to a parsed command, with the checks of values. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shell/cmd_priv.h"

Cmd *cmd_new(const ShellCommand *command)
{
    Cmd *cmd = g_new0(Cmd, 1);

    cmd->command = command;
    while (command->options[cmd->count].name)
        cmd->count++;
    cmd->values = g_new0(GPtrArray *, cmd->count + 1);
    return cmd;
}

void cmd_add(Cmd *cmd, size_t option, const char *word)
{
    if (!cmd->values[option]) {
        cmd->values[option] = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(cmd->values[option], NULL);
    }
    if (word)
        g_ptr_array_insert(cmd->values[option], cmd->values[option]->len - 1, g_strdup(word));
}

void cmd_free(Cmd *cmd)
{
    if (!cmd)
        return;
    for (size_t i = 0; i < cmd->count; i++) {
        if (cmd->values[i])
            g_ptr_array_unref(cmd->values[i]);
    }
    g_free(cmd->values);
    g_free(cmd);
}

const ShellCommand *cmd_command(const Cmd *cmd)
{
    return cmd->command;
}

/* The words given for an option: NULL if it wasn't. */
static GPtrArray *find_values(const Cmd *cmd, const char *name, bool must)
{
    for (size_t i = 0; i < cmd->count; i++) {
        if (g_str_equal(cmd->command->options[i].name, name))
            return cmd->values[i];
    }
    if (must)
        g_error("command '%s' has no option '%s'", cmd->command->name, name);
    return NULL;
}

static bool allows_empty(const Cmd *cmd, const char *name)
{
    for (size_t i = 0; i < cmd->count; i++) {
        if (g_str_equal(cmd->command->options[i].name, name))
            return cmd->command->options[i].flags & SHELL_ALLOW_EMPTY;
    }
    return false;
}

bool cmd_knows(const Cmd *cmd, const char *name)
{
    for (size_t i = 0; i < cmd->count; i++) {
        if (g_str_equal(cmd->command->options[i].name, name))
            return true;
    }
    return false;
}

bool cmd_has(const Cmd *cmd, const char *name)
{
    return find_values(cmd, name, true) != NULL;
}

bool cmd_may_have(const Cmd *cmd, const char *name)
{
    return find_values(cmd, name, false) != NULL;
}

const char *cmd_get(const Cmd *cmd, const char *name)
{
    GPtrArray *values = find_values(cmd, name, true);

    return values ? values->pdata[0] : NULL;
}

const char *cmd_may_get(const Cmd *cmd, const char *name)
{
    GPtrArray *values = find_values(cmd, name, false);

    return values ? values->pdata[0] : NULL;
}

const char *const *cmd_argv(const Cmd *cmd, const char *name)
{
    static const char *const none[] = {NULL};
    GPtrArray *values = find_values(cmd, name, true);

    return values ? (const char *const *)values->pdata : none;
}

char *cmd_joined(const Cmd *cmd, const char *name)
{
    GPtrArray *values = find_values(cmd, name, true);

    return values ? g_strjoinv(" ", (char **)values->pdata) : NULL;
}

int cmd_string(Shell *shell, const Cmd *cmd, const char *name, const char **value)
{
    const char *text = cmd_may_get(cmd, name);

    if (!text)
        return 0;
    if (!*text && !allows_empty(cmd, name)) {
        shell_error(shell, "Failed to get option '%s': Option argument is empty", name);
        return -1;
    }
    *value = text;
    return 1;
}

static int malformed(Shell *shell, const char *kind, const char *text, const char *name)
{
    shell_error(shell, "%s value '%s' for <%s> option is malformed or out of range", kind, text, name);
    return -1;
}

static int signed_value(Shell *shell, const Cmd *cmd, const char *name, long long min, long long max, long long *value)
{
    const char *text = NULL;
    char *end = NULL;
    int rc = cmd_string(shell, cmd, name, &text);

    if (rc <= 0)
        return rc;
    errno = 0;
    *value = g_ascii_strtoll(text, &end, 10);
    if (errno || end == text || *end || *value < min || *value > max)
        return malformed(shell, "Numeric", text, name);
    return 1;
}

static int unsigned_value(Shell *shell, const Cmd *cmd, const char *name, unsigned long long max,
                          unsigned long long *value)
{
    const char *text = NULL;
    char *end = NULL;
    int rc = cmd_string(shell, cmd, name, &text);

    if (rc <= 0)
        return rc;
    errno = 0;
    *value = g_ascii_strtoull(text, &end, 10);
    if (errno || end == text || *end || strchr(text, '-') || *value > max)
        return malformed(shell, "Numeric", text, name);
    return 1;
}

int cmd_ll(Shell *shell, const Cmd *cmd, const char *name, long long *value)
{
    return signed_value(shell, cmd, name, LLONG_MIN, LLONG_MAX, value);
}

int cmd_int(Shell *shell, const Cmd *cmd, const char *name, int *value)
{
    long long wide = 0;
    int rc = signed_value(shell, cmd, name, INT_MIN, INT_MAX, &wide);

    if (rc > 0)
        *value = wide;
    return rc;
}

int cmd_ull(Shell *shell, const Cmd *cmd, const char *name, unsigned long long *value)
{
    return unsigned_value(shell, cmd, name, ULLONG_MAX, value);
}

int cmd_uint(Shell *shell, const Cmd *cmd, const char *name, unsigned int *value)
{
    unsigned long long wide = 0;
    int rc = unsigned_value(shell, cmd, name, UINT_MAX, &wide);

    if (rc > 0)
        *value = wide;
    return rc;
}

int cmd_ulong(Shell *shell, const Cmd *cmd, const char *name, unsigned long *value)
{
    unsigned long long wide = 0;
    int rc = unsigned_value(shell, cmd, name, ULONG_MAX, &wide);

    if (rc > 0)
        *value = wide;
    return rc;
}

/* b, byte(s), k, K, KiB (1024), KB (1000), and so on to E; 0 if it is none of them. */
static unsigned long long suffix_factor(const char *suffix)
{
    static const char letters[] = "kmgtpe";
    const char *at = *suffix ? strchr(letters, g_ascii_tolower(*suffix)) : NULL;
    unsigned long long base = 1024, factor = 1;

    if (!g_ascii_strcasecmp(suffix, "b") || !g_ascii_strcasecmp(suffix, "byte") || !g_ascii_strcasecmp(suffix, "bytes"))
        return 1;
    if (!at)
        return 0;
    if (!g_ascii_strcasecmp(suffix + 1, "b"))
        base = 1000;
    else if (suffix[1] && g_ascii_strcasecmp(suffix + 1, "ib"))
        return 0;
    for (const char *letter = letters; letter <= at; letter++)
        factor *= base;
    return factor;
}

bool shell_parse_size(const char *text, unsigned long long scale, unsigned long long max, unsigned long long *value)
{
    unsigned long long factor = scale;
    char *end = NULL;

    if (!g_ascii_isdigit(*text))
        return false;
    errno = 0;
    *value = g_ascii_strtoull(text, &end, 10);
    if (errno)
        return false;
    end += strspn(end, " ");
    if (*end)
        factor = suffix_factor(end);
    if (!factor || *value > max / factor)
        return false;
    *value *= factor;
    return true;
}

void shell_report_suffix(Shell *shell, const char *text)
{
    const char *suffix = text + strspn(text, "0123456789");

    if (suffix > text && *suffix && !suffix_factor(suffix + strspn(suffix, " ")))
        shell_error(shell, "invalid argument: unknown suffix '%s'", suffix);
}

int cmd_scaled(Shell *shell, const Cmd *cmd, const char *name, unsigned long long scale, unsigned long long max,
               unsigned long long *value)
{
    const char *text = NULL;
    int rc = cmd_string(shell, cmd, name, &text);

    if (rc <= 0)
        return rc;
    if (shell_parse_size(text, scale, max, value))
        return 1;
    malformed(shell, "Scaled numeric", text, name);
    shell_report_suffix(shell, text);
    return -1;
}

int cmd_timeout(Shell *shell, const Cmd *cmd, int *milliseconds)
{
    int seconds = 0;
    int rc = cmd_int(shell, cmd, "timeout", &seconds);

    if (rc <= 0)
        return rc;
    if (seconds < 1 || seconds > INT_MAX / 1000)
        return malformed(shell, "Numeric", cmd_get(cmd, "timeout"), "timeout");
    *milliseconds = seconds * 1000;
    return 1;
}

unsigned int cmd_flags(const Cmd *cmd)
{
    unsigned int flags = 0;

    for (size_t i = 0; i < cmd->count; i++) {
        if (cmd->values[i])
            flags |= cmd->command->options[i].flag;
    }
    return flags;
}

bool cmd_check_exclusive(Shell *shell, const Cmd *cmd)
{
    for (const char *const *list = cmd->command->exclusive; list && *list; list++) {
        for (; *list; list++) {
            for (const char *const *other = list + 1; *other; other++) {
                if (!cmd_exclusive(shell, cmd, *list, *other))
                    return false;
            }
        }
    }
    return true;
}

bool cmd_exclusive(Shell *shell, const Cmd *cmd, const char *first, const char *second)
{
    if (!cmd_may_have(cmd, first) || !cmd_may_have(cmd, second))
        return true;
    return shell_error(shell, "Options --%s and --%s are mutually exclusive", first, second);
}

bool cmd_exclusive_all(Shell *shell, const Cmd *cmd, const char *first, ...)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    bool fine = true;
    va_list args;

    va_start(args, first);
    for (const char *name = first; name; name = va_arg(args, const char *))
        g_ptr_array_add(names, (char *)name);
    va_end(args);
    for (guint i = 0; i < names->len; i++) {
        for (guint k = i + 1; k < names->len && fine; k++)
            fine = cmd_exclusive(shell, cmd, names->pdata[i], names->pdata[k]);
    }
    return fine;
}
