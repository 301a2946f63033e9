# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocks of the command tables to checked objects.

Everything that a visitor (out_*.py) relies on is checked here, so that a mistake in a table is a build error with
file and line. The language is described in README.md beside this file.
"""
import copy
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "api", "gen"))
from lang import TableError, nearest, parse  # noqa: E402

# kind: (mandatory keys, optional keys, repeatable keys)
GRAMMAR = {
    "group": ("title order", "hidden", ""),
    "more": ("", "", ""),
    "shared": ("", "", "option"),
    "command": ("summary", "handler todo act autostart dump edit make print done fail json connection since hidden",
                "text alias use option option-alias exclusive flag"),
    "completer": ("doc", "", ""),
    "object": ("type find name label", "", ""),
}
ACTIONS = ("act", "autostart", "dump", "edit", "make", "print")  # handlers that are generated, see out_act.py
PARAMS = ("bool", "int", "uint", "llong", "ullong", "string", "bytes", "kib")
TYPES = ("bool", "string", "int", "argv")
WORDS = ("positional", "also-positional", "required", "allow-empty", "extra")
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*$")


class Option:
    """One option: name, type, words (a set of WORDS), completer or values, what it stands for in a call (flag: a
    constant; param: a field of typed parameters and its kind), one line of documentation."""

    def __init__(self, name, kind, where):
        self.name, self.type, self.where = name, kind, where
        self.words, self.completer, self.values, self.doc = set(), None, [], ""
        self.flag = self.param = None

    @property
    def positional(self):
        return "positional" in self.words

    @property
    def required(self):
        return "required" in self.words

    def usage(self):
        """How the synopsis shows it."""
        if self.type == "bool":
            return f"[--{self.name}]"
        more = "..." if self.type == "argv" else ""
        if self.positional:
            return (f"<{self.name}>" if self.required else f"[<{self.name}>]") + more
        kind = "<number>" if self.type == "int" else "<string>"
        return (f"--{self.name} {kind}" if self.required else f"[--{self.name} {kind}]") + more


class Action:
    """A handler that the table describes: what it does, with which object, by which function, what it says."""

    def __init__(self, block, key, objects):
        self.kind, self.where = key.word, key.where
        words = key.value.split()
        if len(words) < 2 or words[0] not in objects:
            raise TableError(key.where, f"{key.word} needs an object and a function: '{key.value}'"
                             f"{nearest(words[0], objects)}")
        self.object, self.function, self.more = objects[words[0]], words[1], words[2:]
        self.done, self.fail = block.get("done"), block.get("fail")
        if (self.kind in ("act", "make")) != (self.done is not None):
            raise TableError(key.where, f"'done' belongs to act and make, which need it ('{block.heading}')")
        if (self.kind in ("act", "make")) and self.fail is None:
            raise TableError(key.where, f"{self.kind} of '{block.heading}' needs 'fail'")


class Command:
    """One command with its options in order."""

    def __init__(self, block):
        self.name, self.where = block.heading, block.where
        self.summary, self.text = block.get("summary"), block.all("text")
        self.aliases, self.handler, self.todo = block.all("alias"), block.get("handler"), block.get("todo")
        self.json, self.since = block.get("json"), block.get("since")
        self.connection = block.get("connection", "yes") == "yes"
        self.options, self.option_aliases, self.exclusive, self.action = [], [], [], None

    def synopsis(self):
        return " ".join([self.name] + [o.usage() for o in self.options if "extra" not in o.words])

    def description(self):
        return " ".join(self.text) or self.summary[0].upper() + self.summary[1:] + "."


class Group:
    def __init__(self, block):
        self.keyword, self.title, self.where = block.heading, block.get("title"), block.where
        self.order, self.hidden, self.commands = block.get("order"), block.get("hidden") == "yes", []


def load(directory, shapes=None):
    """All groups of a directory of *.cmd files, in order; raises TableError."""
    texts = []
    for name in sorted(os.listdir(directory)):
        if name.endswith(".cmd"):
            path = os.path.join(directory, name)
            with open(path, encoding="utf-8") as stream:
                texts.append((os.path.join(os.path.basename(directory), name), stream.read()))
    return build(texts, shapes)


def build(texts, shapes=None):
    """Groups of [(file name, text)]; shapes: names of the JSON shapes that exist, or None to leave that unchecked."""
    blocks = [(name, parse(name, text, grammar=GRAMMAR)) for name, text in texts]
    shared, completers = {}, set()
    objects = {b.heading: b for _, items in blocks for b in items if b.kind == "object"}
    for _, items in blocks:
        for block in items:
            if block.kind == "shared":
                shared[block.heading] = [option(value, where) for value, where in pairs(block, "option")]
            elif block.kind == "completer":
                completers.add(block.heading)
    groups = [group for name, items in blocks for group in group_of(name, items, shared, objects)]
    for name, items in blocks:
        add_more(items, groups, shared, objects)
    check_all(groups, completers, shapes)
    return sorted(groups, key=lambda g: int(g.order))


def pairs(block, word):
    return [(k.value, k.where) for k in block.keys if k.word == word]


def group_of(name, items, shared, objects):
    """The group that a file describes, if it has one (shared.cmd has none)."""
    groups = [Group(b) for b in items if b.kind == "group"]
    commands = [b for b in items if b.kind == "command"]
    if len(groups) > 1:
        raise TableError(groups[1].where, f"second group '{groups[1].keyword}' in one file")
    if any(b.kind == "more" for b in items):
        if groups:
            raise TableError(groups[0].where, f"group '{groups[0].keyword}' in a file that goes on with another")
        return []
    if commands and not groups:
        raise TableError(commands[0].where, f"command '{commands[0].heading}' in a file without a group")
    for group in groups:
        if not group.order.isdigit():
            raise TableError(group.where, f"order of group '{group.keyword}' is not a number: '{group.order}'")
        group.commands = [command(b, shared, objects) for b in commands]
    return groups


def add_more(items, groups, shared, objects):
    """The commands of a file that goes on with a group ("more KEYWORD") come behind those that the group has."""
    for block in items:
        if block.kind != "more":
            continue
        group = next((g for g in groups if g.keyword == block.heading), None)
        if group is None:
            raise TableError(block.where, f"more of unknown group '{block.heading}'"
                             f"{nearest(block.heading, [g.keyword for g in groups])}")
        group.commands += [command(b, shared, objects) for b in items if b.kind == "command"]


def command(block, shared, objects):
    made = Command(block)
    if not NAME.match(made.name):
        raise TableError(made.where, f"not a command name: '{made.name}'")
    actions = [k for k in block.keys if k.word in ACTIONS]
    if len(actions) + (made.handler is not None) + (made.todo is not None) != 1:
        raise TableError(made.where, f"command '{made.name}' needs one of handler, todo, {', '.join(ACTIONS)}")
    if actions:
        made.action = Action(block, actions[0], objects)
        made.handler = "cmd_" + made.name.replace("-", "_")
    elif block.get("done") or block.get("fail"):
        raise TableError(made.where, f"command '{made.name}' has done or fail without an action")
    if block.get("connection", "yes") not in ("yes", "no"):
        raise TableError(block.where_of("connection"), f"connection of '{made.name}' is yes or no")
    for key in block.keys:
        if key.word == "option":
            made.options.append(option(key.value, key.where))
        elif key.word == "use":
            for name in key.value.split():
                if name not in shared:
                    raise TableError(key.where, f"no shared options '{name}'{nearest(name, shared)}")
                made.options += shared[name]
    check_options(made)
    for value, where in pairs(block, "flag"):
        flag_of_shared(made, value.split(), where)
    for value, where in pairs(block, "exclusive"):
        made.exclusive.append(exclusive(made, value.split(), where))
    for value, where in pairs(block, "option-alias"):
        made.option_aliases.append(option_alias(made, value.split(None, 2), where))
    return made


def option(value, where):
    """NAME TYPE WORD... [complete=NAME] [values=A,B] [flag=CONSTANT] [param=FIELD:KIND] -- DOC"""
    head, dashes, doc = value.partition(" -- ")
    words = head.split()
    if not dashes or not doc.strip():
        raise TableError(where, f"option '{words[0]}' has no documentation (after ' -- ')")
    if len(words) < 2 or words[1] not in TYPES:
        given = words[1] if len(words) > 1 else ""
        raise TableError(where, f"option '{words[0]}' has type '{given}', not one of {', '.join(TYPES)}")
    if not NAME.match(words[0]):
        raise TableError(where, f"not an option name: '{words[0]}'")
    made = Option(words[0], words[1], where)
    made.doc = doc.strip()
    for word in words[2:]:
        if word.startswith("complete="):
            made.completer = word.partition("=")[2]
        elif word.startswith("values="):
            made.values = word.partition("=")[2].split(",")
        elif word.startswith("flag="):
            made.flag = word.partition("=")[2]
        elif word.startswith("param="):
            made.param = param(word.partition("=")[2], where)
        elif word in WORDS:
            made.words.add(word)
        else:
            raise TableError(where, f"unknown word '{word}' in option '{made.name}'{nearest(word, WORDS)}")
    if made.type == "bool" and (made.words - {"extra"} or made.completer or made.values):
        raise TableError(where, f"option '{made.name}' is a bool, which takes no value")
    if made.flag and made.type != "bool":
        raise TableError(where, f"option '{made.name}' has a flag but isn't a bool")
    return made


def param(text, where):
    """FIELD:KIND of a typed parameter, FIELD being a constant or a string."""
    field, _, kind = text.partition(":")
    if kind not in PARAMS:
        raise TableError(where, f"kind '{kind}' of the parameter {field} is none of {', '.join(PARAMS)}")
    return field, kind


def flag_of_shared(made, words, where):
    """A flag that a shared option stands for in this command."""
    names = [o.name for o in made.options if o.type == "bool"]
    if len(words) != 2 or words[0] not in names:
        raise TableError(where, f"flag needs a bool of '{made.name}' and a constant{nearest(words[0], names)}")
    at = next(i for i, o in enumerate(made.options) if o.name == words[0])
    made.options[at] = copy.copy(made.options[at])
    made.options[at].flag = words[1]


def exclusive(made, words, where):
    """Names of options of which one at most may be given."""
    known = {o.name for o in made.options}
    for word in words:
        if word not in known:
            raise TableError(where, f"exclusive names '{word}', no option of '{made.name}'{nearest(word, known)}")
    if len(words) < 2:
        raise TableError(where, "exclusive needs two options or more")
    return words


def option_alias(made, words, where):
    known = {o.name: o for o in made.options}
    if len(words) < 2:
        raise TableError(where, "option-alias needs a name and an option")
    if words[1] not in known:
        raise TableError(where, f"alias '{words[0]}' of unknown option '{words[1]}'{nearest(words[1], known)}")
    if words[0] in known:
        raise TableError(where, f"alias '{words[0]}' is also an option of '{made.name}'")
    if len(words) > 2 and known[words[1]].type == "bool":
        raise TableError(where, f"alias '{words[0]}' gives a value to the bool '{words[1]}'")
    return words[0], words[1], words[2] if len(words) > 2 else None


def check_options(made):
    seen, optional, rest = set(), None, None
    for item in made.options:
        if item.name in seen:
            raise TableError(item.where, f"option '{item.name}' twice in command '{made.name}'")
        seen.add(item.name)
        if rest:
            raise TableError(item.where, f"option '{item.name}' after '{rest}', which takes all words that are left")
        if item.positional and item.required and optional:
            raise TableError(item.where, f"'{item.name}' is required but comes after '{optional}', which is not")
        if item.positional and not item.required:
            optional = item.name
        if item.type == "argv":
            rest = item.name
    if made.json and "format" in seen:
        raise TableError(made.where, f"command '{made.name}' has its own --format and cannot have json")


def check_all(groups, completers, shapes):
    names, keywords = {}, {}
    for group in groups:
        if group.keyword in keywords:
            raise TableError(group.where, f"group '{group.keyword}' twice")
        keywords[group.keyword] = group
        for item in group.commands:
            for name in [item.name] + item.aliases:
                if name in names:
                    raise TableError(item.where, f"command '{name}' twice, first at {names[name]}")
                names[name] = item.where
            if shapes is not None and item.json and item.json not in shapes:
                raise TableError(item.where, f"no JSON shape '{item.json}'{nearest(item.json, shapes)}")
            for opt in item.options:
                if opt.completer and opt.completer not in completers:
                    raise TableError(opt.where, f"no completer '{opt.completer}'{nearest(opt.completer, completers)}")
