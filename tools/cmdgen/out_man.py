# SPDX-License-Identifier: LGPL-2.1-or-later
"""The COMMANDS part of the manual page, as reStructuredText: PROGRAM-commands.rst; and a roff page around it."""


def generate(groups, program):
    shown = [g for g in groups if not g.hidden]
    return {f"{program}-commands.rst": rst(shown), f"{program}-commands.roff": roff(shown)}


def rst(groups):
    lines = []
    for group in groups:
        title = f"{group.title} (help keyword '{group.keyword}')"
        lines += [title, "=" * len(title), ""]
        for command in group.commands:
            lines += [command.name, "-" * len(command.name), "", "::", "", "   " + command.synopsis(), "",
                      sentence(command), ""]
            lines += [f"- ``{label(o)}``: {o.doc}" for o in command.options]
            lines += [""] if command.options else []
            if command.json:
                lines += [f"With ``--format json`` it prints the shape *{command.json}*.", ""]
    return "\n".join(lines)


def roff(groups):
    lines = []
    for group in groups:
        lines += [f".SS {escape(group.title)} (help keyword \\(aq{escape(group.keyword)}\\(aq)"]
        for command in group.commands:
            lines += [".TP", f".B {escape(command.name)}", ".nh", escape(command.synopsis()), ".hy", ".br",
                      escape(sentence(command))]
            if command.options or command.json:
                lines.append(".RS")
                for item in command.options:
                    lines += [".TP", f".B {escape(label(item))}", escape(item.doc)]
                if command.json:
                    lines += [".TP", r".B \-\-format json", f"print the shape {escape(command.json)}"]
                lines.append(".RE")
    return "\n".join(lines) + "\n"


def sentence(command):
    text = command.summary[0].upper() + command.summary[1:] + "."
    extra = " ".join(command.text)
    todo = " Not in this build yet." if command.todo else ""
    return (text + " " + extra if extra else text) + todo


def label(option):
    if option.type == "bool":
        return f"--{option.name}"
    kind = "number" if option.type == "int" else "string"
    text = f"--{option.name} <{kind}>"
    return f"[--{option.name}] <{kind}>" if option.positional else text


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + text if text.startswith(".") else text
