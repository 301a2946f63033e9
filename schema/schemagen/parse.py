# SPDX-License-Identifier: LGPL-2.1-or-later
"""First layer: lines of a .schema file to items. Knows the shape of a line, nothing of its meaning."""
import re

MEMBER_KINDS = {'attr', 'text', 'child', 'list', 'elem', 'part', 'key'}
TOP_KINDS = {'root', 'namespace', 'enum', 'struct'}
OPTIONS = {'field', 'default', 'required', 'always', 'has', 'present', 'flat', 'ref', 'live',
           'live-unless-user', 'when', 'unless', 'match', 'range', 'error', 'bad', 'unknown', 'union', 'unit', 'form'}
NAME = re.compile(r'^\*?[A-Za-z_][A-Za-z0-9_.:@-]*$')


class SchemaError(Exception):
    """A mistake in a table; str() is what the user reads: file:line: text."""

    def __init__(self, where, text):
        super().__init__(f'{where[0]}:{where[1]}: {text}')


class Item:
    """One line of the table and the lines beneath it."""

    def __init__(self, kind, where):
        self.kind, self.where = kind, where
        self.name = self.type = self.since = self.secret = self.max = self.doc = None
        self.domain = self.format = None
        self.opts, self.body, self.words = {}, [], []


def split_doc(line, where):
    head, sep, doc = line.partition(' : ')
    if not sep or not doc.strip():
        raise SchemaError(where, "missing documentation: ' : ' and one line of text at the end")
    return head.split(), doc.strip()


def parse_options(words, item):
    for word in words:
        key, sep, value = word.partition('=')
        if key not in OPTIONS:
            raise SchemaError(item.where, f"unknown key '{key}'")
        if key in item.opts:
            raise SchemaError(item.where, f"key '{key}' given twice")
        item.opts[key] = value if sep else True


def take(words, item, what):
    if not words:
        raise SchemaError(item.where, f"{item.kind} '{item.name}': missing column '{what}'")
    return words.pop(0)


def parse_since(words, item):
    item.since = take(words, item, 'since')
    if not re.match(r'^\d+\.\d+\.\d+$', item.since):
        raise SchemaError(item.where, f"{item.kind} '{item.name}': '{item.since}' is not a "
                                      "version: expected column 'since'")


def parse_secret_max(words, item):
    item.secret = take(words, item, 'secret')
    if item.secret not in ('open', 'secret', '-'):
        raise SchemaError(item.where, f"{item.kind} '{item.name}': column 'secret' must be "
                                      f"'open' or 'secret', not '{item.secret}'")
    item.max = take(words, item, 'max')
    if not re.match(r'^(-|\d+)(/\d+)?$', item.max):
        raise SchemaError(item.where, f"{item.kind} '{item.name}': column 'max' must be a number "
                                      f"or '-', not '{item.max}'")


def parse_member(line, where):
    words, doc = split_doc(line, where)
    kind = words.pop(0)
    if kind not in MEMBER_KINDS:
        raise SchemaError(where, f"unknown kind '{kind}'")
    item = Item(kind, where)
    item.doc = doc
    item.name = 'text' if kind == 'text' else take(words, item, 'name')
    if not NAME.match(item.name):
        raise SchemaError(where, f"'{item.name}' is not a name")
    item.type = take(words, item, 'type')
    if kind in ('attr', 'text', 'child', 'list', 'elem'):
        parse_since(words, item)
    if kind in ('attr', 'text', 'child', 'list'):
        parse_secret_max(words, item)
    parse_options(words, item)
    return item


def parse_top(line, where):
    words = line.split()
    kind = words[0]
    if kind not in TOP_KINDS:
        raise SchemaError(where, f"unknown kind '{kind}'")
    item = Item(kind, where)
    if kind == 'root':
        if len(words) != 4:
            raise SchemaError(where, 'root takes three words')
        item.name, item.type, item.domain = words[1:]
        return item
    if kind == 'namespace':
        if len(words) != 3:
            raise SchemaError(where, 'namespace takes two words')
        item.name, item.type = words[1:]
        return item
    words, item.doc = split_doc(line, where)
    if len(words) != 2:
        raise SchemaError(where, f'{kind} takes one name')
    item.name = words[1]
    return item


def parse_line(indent, line, where, stack):
    """Put one line under the item it belongs to. stack holds (indent, item)."""
    while stack and stack[-1][0] >= indent:
        stack.pop()
    if not stack:
        if indent:
            raise SchemaError(where, 'indented line without an item above it')
        item = parse_top(line, where)
        stack.append((0, item))
        return item
    parent = stack[-1][1]
    if indent != stack[-1][0] + 4:
        raise SchemaError(where, 'indentation is four spaces a level')
    if parent.kind == 'enum':
        parent.words += [(word, where) for word in line.split()]
        return None
    if parent.kind not in ('struct', 'elem'):
        raise SchemaError(where, f"nothing may stand under {parent.kind} '{parent.name}'")
    item = parse_member(line, where)
    parent.body.append(item)
    stack.append((indent, item))
    return None


def parse_file(path, text):
    """All top items of one file, in order."""
    items, stack = [], []
    for number, raw in enumerate(text.split('\n'), 1):
        where = (path, number)
        line = raw.strip()
        if not line or line.startswith('#'):
            continue
        if '\t' in raw:
            raise SchemaError(where, 'tab: indent with spaces')
        item = parse_line(len(raw) - len(raw.lstrip(' ')), line, where, stack)
        if item:
            items.append(item)
    return items
