# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a table into its model. Only form is judged here; check.py judges sense."""
import dataclasses
import json
import re

HEAD = {'file': False, 'struct': False, 'about': True, 'mode': False}
PROPERTIES = {'type': False, 'default': False, 'state': False, 'doc': True, 'range': False, 'values': False,
              'sample': False, 'since': False}


class TableError(Exception):
    """A mistake in a table; the text begins with FILE:LINE."""

    def __init__(self, where, text):
        super().__init__(f'{where}: {text}')


@dataclasses.dataclass
class Value:
    """A default or sample: @kind is none, computed, int, string or list."""
    kind: str
    data: object = None


@dataclasses.dataclass
class Key:
    name: str
    where: str
    group: str
    raw: dict = dataclasses.field(default_factory=dict)  # property -> list of (where, text)
    type: str = ''
    default: Value = None
    sample: Value = None
    state: str = ''
    doc: str = ''
    range: tuple = None
    values: list = None
    since: str = ''


@dataclasses.dataclass
class Table:
    path: str
    file: str = ''
    struct: str = ''
    about: str = ''
    mode: str = '0644'
    keys: list = dataclasses.field(default_factory=list)

    @property
    def stem(self):
        """Name of the outputs: "qemu-lockd.conf" -> "qemu-lockd"."""
        return self.file[:-len('.conf')]

    @property
    def symbol(self):
        return self.stem.replace('-', '_') + '_conf'


def parse_value(where, text):
    if text == 'none':
        return Value('none')
    if text.startswith('computed '):
        return Value('computed', text[len('computed '):].strip())
    try:
        data = json.loads(text)
    except ValueError:
        raise TableError(where, f'value {text!r} is neither a number, a string in quotes, a list of them, '
                                'none nor computed TEXT') from None
    if isinstance(data, bool) or not isinstance(data, (int, str, list)):
        raise TableError(where, f'value {text!r} is of no known kind')
    if isinstance(data, list) and not all(isinstance(item, str) for item in data):
        raise TableError(where, f'list {text!r} must hold strings')
    return Value({int: 'int', str: 'string', list: 'list'}[type(data)], data)


def _add(store, allowed, where, word, text, what):
    if word not in allowed:
        raise TableError(where, f'unknown {what} {word!r}, must be one of: {", ".join(allowed)}')
    if not text:
        raise TableError(where, f'{word!r} is empty')
    if word in store and not allowed[word]:
        raise TableError(where, f'{word!r} is given twice')
    store.setdefault(word, []).append((where, text))


def parse(path, name):
    """The lines of the file @path as a Table with raw properties; @name stands in errors."""
    table, head, group, key = Table(path), {}, None, None
    with open(path, encoding='utf-8') as f:
        lines = f.read().split('\n')
    for number, line in enumerate(lines, 1):
        where = f'{name}:{number}'
        text = line.strip()
        if not text or text.startswith('#'):
            continue
        word, _, rest = text.partition(' ')
        rest = rest.strip()
        if line[0] == ' ':
            if key is None:
                raise TableError(where, 'a property stands outside of any key')
            _add(key.raw, PROPERTIES, where, word, rest, 'property')
        elif word == 'group':
            group, key = rest, None
        elif word == 'key':
            if group is None:
                raise TableError(where, 'a key stands before any group')
            key = Key(rest, where, group)
            table.keys.append(key)
        else:
            _add(head, HEAD, where, word, rest, 'line')
    _fill_head(table, head, name)
    for item in table.keys:
        _fill_key(item)
    return table


def _fill_head(table, head, name):
    for word in ('file', 'struct', 'about'):
        if word not in head:
            raise TableError(f'{name}:1', f'{word!r} is missing')
    table.file = head['file'][0][1]
    table.struct = head['struct'][0][1]
    table.about = ' '.join(text for _, text in head['about'])
    if 'mode' in head:
        table.mode = head['mode'][0][1]
    if not re.fullmatch(r'[a-z][a-z-]*\.conf', table.file):
        raise TableError(head['file'][0][0], f'{table.file!r} is no name of a configuration file')
    if not re.fullmatch(r'([A-Z][a-z]+)+', table.struct):
        raise TableError(head['struct'][0][0], f'{table.struct!r} is no CamelCase name')
    if not re.fullmatch(r'0[0-7]{3}', table.mode):
        raise TableError(head['mode'][0][0], f'{table.mode!r} is no file mode')


def _fill_key(key):
    for word in ('type', 'default', 'state', 'doc'):
        if word not in key.raw:
            raise TableError(key.where, f'key {key.name!r} has no {word!r}')
    key.type = key.raw['type'][0][1]
    key.state = key.raw['state'][0][1]
    key.doc = ' '.join(text for _, text in key.raw['doc'])
    key.default = parse_value(*key.raw['default'][0])
    if 'sample' in key.raw:
        key.sample = parse_value(*key.raw['sample'][0])
    if 'values' in key.raw:
        key.values = key.raw['values'][0][1].split()
    if 'since' in key.raw:
        key.since = key.raw['since'][0][1]
    if 'range' in key.raw:
        where, text = key.raw['range'][0]
        if not re.fullmatch(r'-?\d+ -?\d+', text):
            raise TableError(where, f'range {text!r} must be MIN MAX')
        key.range = tuple(int(part) for part in text.split())
