# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table language: text to blocks, with file and line for every word.

A table is lines. A line at column 0 opens a block: a keyword and its heading. Lines indented under it
are its keys: a key word and the rest of the line. '#' begins a comment line. Which keys a block may and
must have stands in BLOCKS; anything else is an error that names file and line. See README.md beside.
"""
import difflib
import re


class TableError(Exception):
    """A mistake in a table; str() is FILE:LINE: TEXT."""

    def __init__(self, where, text):
        super().__init__(f"{where}: {text}")


class Key:
    """One key line of a block."""

    def __init__(self, word, value, where):
        self.word, self.value, self.where = word, value, where


class Block:
    """A block: keyword, heading and key lines in order."""

    def __init__(self, kind, heading, where, spec):
        self.kind, self.heading, self.where, self.keys, self.spec = kind, heading, where, [], spec
        self.topic = None

    def all(self, word):
        return [k.value for k in self.keys if k.word == word]

    def get(self, word, default=None):
        found = self.all(word)
        return found[0] if found else default

    def where_of(self, word):
        return next((k.where for k in self.keys if k.word == word), self.where)


# kind: (mandatory keys, optional keys, repeatable keys)
BLOCKS = {
    "header": ("library guard", "doc errors", "doc"),
    "continue": ("", "", ""),
    "topic": ("", "doc", "doc"),
    "opaque": ("tag since", "doc", "doc"),
    "macro": ("since", "kind doc value", "doc"),
    "strings": ("", "doc", "value doc"),
    "enum": ("", "doc", "value last doc"),
    "typedef": ("type since", "doc", "doc"),
    "struct": ("names since", "doc", "field union struct member doc"),
    "callback": ("since", "doc arg returns form", "doc arg"),
    "variable": ("version since", "doc", "doc"),
    "library": ("soname", "doc", "node private"),
    "program": ("number version", "imports doc", ""),
    "limits": ("", "", "value"),
    "wire-enum": ("", "doc", "value"),
    "record": ("", "doc c", "item"),
    "function": ("header version since readonly acl owns secret driver blocking",
                 "doc arg returns error entry hand null nonnull nonempty path positive socket renames ends strings async missing call args ret",
                 "doc arg error acl filter call args ret hand exclusive"),
    "procedure": ("readonly acl secret blocking call args ret", "doc hand", "acl hand"),
    "event": ("msg", "doc callback id", "filter"),
}


def parse(path, text, name=None, grammar=None):
    """Blocks of one table file; raises TableError. Another table language gives its own grammar, shaped like BLOCKS."""
    grammar = grammar or BLOCKS
    name = name or path
    blocks = []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if "\t" in line:
            raise TableError(where, "tab in a table; indent with spaces")
        word, _, rest = line.strip().partition(" ")
        if not line[0].isspace():
            if word not in grammar:
                raise TableError(where, f"unknown block '{word}'{nearest(word, grammar)}")
            blocks.append(Block(word, rest.strip(), where, grammar[word]))
            continue
        if not blocks:
            raise TableError(where, f"key '{word}' before any block")
        add_key(blocks[-1], Key(word, rest.strip(), where))
    for block in blocks:
        check_mandatory(block)
    return blocks


def nearest(word, known):
    close = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean '{close[0]}'?" if close else ""


def add_key(block, key):
    mandatory, optional, repeat = (s.split() for s in block.spec)
    known = set(mandatory) | set(optional) | set(repeat)
    if key.word not in known:
        raise TableError(key.where, f"unknown key '{key.word}' in {block.kind} "
                         f"'{block.heading}'{nearest(key.word, known)}")
    if key.word not in repeat and block.get(key.word) is not None:
        raise TableError(key.where, f"key '{key.word}' twice in {block.kind} '{block.heading}'")
    if not key.value:
        raise TableError(key.where, f"key '{key.word}' of {block.kind} '{block.heading}' has no value")
    block.keys.append(key)


def check_mandatory(block):
    for word in block.spec[0].split():
        if block.get(word) is None:
            raise TableError(block.where, f"{block.kind} '{block.heading}' lacks the key '{word}'")


def split_doc(text):
    """A member's line without its documentation, and that: 'NAME 1 0.1.0 : what it is'. No text: ''."""
    words, _, doc = text.partition(" : ")
    return words.strip(), doc.strip()


SIGNATURE = re.compile(r"^(?P<ret>.+?[ *])(?P<name>\w+)\((?P<params>.*)\)$")


def signature(block):
    """Return type, name, [(type, name)], variadic of a heading that is a C prototype."""
    match = SIGNATURE.match(block.heading)
    if not match:
        raise TableError(block.where, f"not a prototype: '{block.heading}'")
    params, variadic = [], False
    for part in match["params"].split(","):
        part = part.strip()
        if part in ("void", ""):
            continue
        if part == "...":
            variadic = True
            continue
        item = re.match(r"^(?P<type>.+?[ *]+(?:const )?)(?P<name>\w+)$", part)
        if not item:
            raise TableError(block.where, f"not a parameter: '{part}'")
        params.append((tidy(item["type"]), item["name"]))
    return tidy(match["ret"]), match["name"], params, variadic


def tidy(ctype):
    """One spelling for a C type: 'const char *', 'char **', 'char ** const'."""
    ctype = re.sub(r"\s+", " ", ctype).strip()
    ctype = re.sub(r"\s*(\*+)", r" \1", ctype)
    return re.sub(r"\* +\*", "**", ctype)
