# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules of a table: every key makes sense by itself and beside the others."""
import re

from .parse import TableError

TYPES = {
    # type: (C type, kinds of a constant value)
    'bool': ('int', ('int',)),
    'int': ('unsigned int', ('int',)),
    'signed': ('int', ('int',)),
    'bytes': ('guint64', ('string',)),
    'string': ('char *', ('string',)),
    'string-list': ('char **', ('list',)),
    'string-or-list': ('char **', ('string', 'list')),
    'int-or-string': ('char *', ('int', 'string')),
}
STATES = ('works', 'later', 'ignored')
RANGED = ('int', 'signed', 'int-or-string')
LIMITS = {'int': (0, 2**32 - 1), 'signed': (-2**31, 2**31 - 1), 'int-or-string': (-2**63, 2**63 - 1)}
RESERVED = set('auto break case char const continue default do double else enum extern float for goto if inline int long '
               'register restrict return short signed sizeof static struct switch typedef union unsigned void volatile '
               'while'.split())


def _where(key, word):
    return key.raw[word][0][0] if word in key.raw else key.where


def _check_range(key):
    if (key.type in RANGED) != (key.range is not None):
        raise TableError(_where(key, 'range'), f'key {key.name!r}: a range is for '
                         f'{", ".join(RANGED)}, and needed there; its type is {key.type}')
    if key.range:
        low, high = LIMITS[key.type]
        if not low <= key.range[0] <= key.range[1] <= high:
            raise TableError(_where(key, 'range'), f'key {key.name!r}: range is empty or beyond {low} to {high}')


def _check_value(key, word, value):
    where = _where(key, word)
    kinds = TYPES[key.type][1]
    if value.kind in ('none', 'computed'):
        if word == 'sample':
            raise TableError(where, f'key {key.name!r}: a sample must be a value')
        if key.type in ('int', 'signed', 'bytes') and value.kind != 'constant':
            raise TableError(where, f'key {key.name!r}: a number needs a constant default')
        return
    if value.kind not in kinds:
        raise TableError(where, f'key {key.name!r}: {word} of type {value.kind}, must be {" or ".join(kinds)}')
    if key.type == 'bool' and value.data not in (0, 1):
        raise TableError(where, f'key {key.name!r}: {word} must be 0 or 1')
    if key.range and value.kind == 'int' and not key.range[0] <= value.data <= key.range[1]:
        raise TableError(where, f'key {key.name!r}: {word} {value.data} is out of range')
    if key.type == 'bytes' and not re.fullmatch(r'\d{1,12}([kMGTPE]|[kKMGTPE]iB|[KMGTPE]B)?', value.data):
        raise TableError(where, f'key {key.name!r}: {word} {value.data!r} is no number of bytes')
    items = value.data if value.kind == 'list' else [value.data]
    for item in items:
        if key.values and item not in key.values:
            raise TableError(where, f'key {key.name!r}: {word} {item!r} is not among its values')
        if isinstance(item, str) and re.search(r'["\\\n]', item):
            raise TableError(where, f'key {key.name!r}: {word} {item!r} cannot be written in a configuration file')


def _check_key(key):
    if not re.fullmatch(r'[a-z][a-z0-9_]*', key.name) or key.name in RESERVED:
        raise TableError(key.where, f'{key.name!r} is no name of a key')
    if key.type not in TYPES:
        raise TableError(_where(key, 'type'), f'key {key.name!r}: unknown type {key.type!r}, '
                         f'must be one of: {", ".join(TYPES)}')
    if key.state not in STATES:
        raise TableError(_where(key, 'state'), f'key {key.name!r}: unknown state {key.state!r}, '
                         f'must be one of: {", ".join(STATES)}')
    if key.values is not None and TYPES[key.type][1] == ('int',) or key.values and key.type == 'bytes':
        raise TableError(_where(key, 'values'), f'key {key.name!r}: values are for strings')
    if key.since and not re.fullmatch(r'\d+\.\d+\.\d+', key.since):
        raise TableError(_where(key, 'since'), f'key {key.name!r}: {key.since!r} is no release')
    if not key.doc.endswith(('.', ')')):
        raise TableError(_where(key, 'doc'), f'key {key.name!r}: doc must be whole sentences')
    _check_range(key)
    _check_value(key, 'default', key.default)
    if key.sample:
        _check_value(key, 'sample', key.sample)


def check(table):
    seen = {}
    for key in table.keys:
        if key.name in seen:
            raise TableError(key.where, f'key {key.name!r} stands already at {seen[key.name]}')
        seen[key.name] = key.where
        _check_key(key)
    if not table.keys:
        raise TableError(f'{table.path}:1', 'the table has no keys')
