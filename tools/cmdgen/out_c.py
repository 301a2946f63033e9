# SPDX-License-Identifier: LGPL-2.1-or-later
"""C tables of the commands: PROGRAM_commands.c and PROGRAM_commands.h. The handlers that the tables describe come
from out_act.py; they and the flags need the header tools/PROGRAM/PROGRAM.h (with a dash for _ in the folder)."""
from out_act import action

FLAGS = {"positional": "SHELL_POSITIONAL", "also-positional": "SHELL_ALSO_POSITIONAL",
         "required": "SHELL_REQUIRED", "allow-empty": "SHELL_ALLOW_EMPTY"}
NOTE = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n/* Generated from the command tables; edit those. */\n"


def generate(groups, program):
    return {f"{program}_commands.h": header(groups, program), f"{program}_commands.c": source(groups, program)}


def header(groups, program):
    commands = [c for g in groups for c in g.commands]
    handlers = sorted({c.handler for c in commands if c.handler})
    completers = sorted({o.completer for c in commands for o in c.options if o.completer})
    lines = [NOTE, "#pragma once", '#include "tools/shell/shell.h"', "",
             f"/* All groups, in the order of help; ends with a keyword of NULL. */",
             f"extern const ShellGroup {program}_groups[];", ""]
    lines += [f"bool {name}(Shell *shell, const Cmd *cmd);" for name in handlers]
    lines += [f"char **{complete(name)}(Shell *shell, const Cmd *cmd, const char *word);" for name in completers]
    return "\n".join(lines) + "\n"


def source(groups, program):
    lines = [NOTE, f'#include "tools/{program.replace("_", "-")}/{program}.h"', ""]
    for group in groups:
        for command in group.commands:
            lines += command_tables(command)
            if command.action:
                lines += action(command)
        lines += group_table(group)
    lines += [f"const ShellGroup {program}_groups[] = {{"]
    for group in groups:
        lines.append(f"    {{{quote(group.keyword)}, {quote(group.title)}, {'true' if group.hidden else 'false'}, "
                     f"commands_{ident(group.keyword)}}},")
    lines += ["    {NULL, NULL, false, NULL},", "};"]
    return "\n".join(lines) + "\n"


def command_tables(command):
    name = ident(command.name)
    lines = [f"static const ShellOption options_{name}[] = {{"]
    values = []
    for item in command.options:
        if item.values:
            values.append(f"static const char *const values_{name}_{ident(item.name)}[] = "
                          f"{{{', '.join(quote(v) for v in item.values)}, NULL}};")
        lines.append("    " + option_row(name, item))
    if command.json:
        lines.append('    {"format", SHELL_STRING, SHELL_FORMAT, "text (default) or json", '
                     '.values = format_values},')
        values.insert(0, 'static const char *const format_values[] = {"text", "json", NULL};')
    lines += ["    {.name = NULL},", "};"]
    aliases = []
    if command.option_aliases:
        aliases = [f"static const ShellOptionAlias option_aliases_{name}[] = {{"]
        aliases += [f"    {{{quote(a)}, {quote(b)}, {quote(c)}}}," for a, b, c in command.option_aliases]
        aliases += ["    {NULL, NULL, NULL},", "};"]
    if command.exclusive:
        words = ", ".join(quote(w) for names in command.exclusive for w in [*names, None])
        aliases.append(f"static const char *const exclusive_{name}[] = {{{words}, NULL}};")
    if command.aliases:
        aliases.append(f"static const char *const aliases_{name}[] = "
                       f"{{{', '.join(quote(a) for a in command.aliases)}, NULL}};")
    return [v.replace("format_values", f"format_{name}") for v in values] + \
        [line.replace("format_values", f"format_{name}") for line in lines] + aliases + [""]


def option_row(name, item):
    flags = " | ".join(FLAGS[w] for w in sorted(item.words) if w in FLAGS) or "0"
    values = f"values_{name}_{ident(item.name)}" if item.values else "NULL"
    more = f", .flag = {item.flag}" if item.flag else ""
    if item.param:
        more += f", .param = {item.param[0]}, .kind = SHELL_PARAM_{item.param[1].upper()}"
    return (f"{{{quote(item.name)}, SHELL_{item.type.upper()}, {flags}, {quote(item.doc)}, {values}, "
            f"{complete(item.completer) if item.completer else 'NULL'}{more}}},")


def group_table(group):
    lines = [f"static const ShellCommand commands_{ident(group.keyword)}[] = {{"]
    for item in group.commands:
        name = ident(item.name)
        lines += [f"    {{.name = {quote(item.name)}, .summary = {quote(item.summary)},",
                  f"     .description = {quote(item.description())},",
                  f"     .synopsis = {quote(item.synopsis())},",
                  f"     .options = options_{name},"]
        if item.aliases:
            lines.append(f"     .aliases = aliases_{name},")
        if item.option_aliases:
            lines.append(f"     .option_aliases = option_aliases_{name},")
        if item.json:
            lines.append(f"     .json = {quote(item.json)},")
        if item.exclusive:
            lines.append(f"     .exclusive = exclusive_{name},")
        lines.append(f"     .needs_connection = {'true' if item.connection else 'false'}, "
                     f".handler = {item.handler or 'NULL'}}},")
    return lines + ["    {.name = NULL},", "};", ""]


def complete(name):
    return "complete_" + ident(name)


def ident(name):
    return name.replace("-", "_")


def quote(text):
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
