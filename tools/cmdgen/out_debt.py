# SPDX-License-Identifier: LGPL-2.1-or-later
"""PROGRAM-debt.txt: the commands that are in the table without a handler. This list may only shrink."""


def generate(groups, program):
    commands = [c for g in groups for c in g.commands]
    todo = [c for c in commands if c.todo]
    lines = [f"{len(todo)} of {len(commands)} commands are not written yet"] + [f"{c.name}: {c.todo}" for c in todo]
    return {f"{program}-debt.txt": "\n".join(lines) + "\n"}
