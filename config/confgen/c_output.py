# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C struct of a table, and the ConfSchema that describes it."""
import textwrap

from .check import TYPES


def _comment(key):
    lines = textwrap.wrap(f'{key.doc}', 96)
    return '\n'.join(['    /** ' + lines[0]] + ['     * ' + line for line in lines[1:]]) + ' */'


def _field(key):
    c_type = TYPES[key.type][0]
    return f'    {c_type}{"" if c_type.endswith("*") else " "}{key.name};'


def header(table):
    out = ['/* SPDX-License-Identifier: LGPL-2.1-or-later',
           ' *', f' * {table.file}. Generated from config/{table.stem}.conf-table.', ' */',
           '#pragma once', '#include "base/conf.h"', '', 'typedef struct {']
    for key in table.keys:
        out += [_comment(key), _field(key)]
    out += [f'}} {table.struct};', '',
            f'/** For conf_load() and its like, with a {table.struct}. */',
            f'extern const ConfSchema {table.symbol}_schema;', '']
    return '\n'.join(out)


def _strings(name, items):
    body = ', '.join(f'"{item}"' for item in items)
    return f'static const char *const {name}[] = {{ {body}{", " if body else ""}NULL }};'


def _default_text(key):
    if key.default.kind in ('int', 'string') and TYPES[key.type][0] != 'char **':
        return f'"{key.default.data}"'
    return 'NULL'


def _default_items(key):
    """Items of a list-like default, or None."""
    if TYPES[key.type][0] != 'char **' or key.default.kind not in ('string', 'list'):
        return None
    return key.default.data if key.default.kind == 'list' else [key.default.data]


def _entry(table, key):
    parts = [f'.name = "{key.name}"', f'.type = CONF_{key.type.upper().replace("-", "_")}',
             f'.offset = offsetof({table.struct}, {key.name})']
    if _default_text(key) != 'NULL':
        parts.append(f'.default_text = {_default_text(key)}')
    if _default_items(key) is not None:
        parts.append(f'.items = items_{key.name}')
    if key.values:
        parts.append(f'.values = values_{key.name}')
    low, high = key.range or (0, 1)
    parts.append(f'.min = {_number(low)}, .max = {_number(high)}')
    if key.state in ('ignored', 'later'):
        parts.append(f'.{key.state} = true')
    text = '{ ' + ', '.join(parts) + ' },'
    return '\n'.join(textwrap.wrap(text, 100, initial_indent='    ', subsequent_indent='      '))


def _number(value):
    if value == -2**63:
        return 'INT64_MIN'
    return f'INT64_C({value})' if abs(value) > 2**31 - 1 else str(value)


def source(table):
    out = [f'/* {table.file}. Generated from config/{table.stem}.conf-table. */',
           f'#include "config/{table.stem}.h"', '']
    for key in table.keys:
        if key.values:
            out.append(_strings(f'values_{key.name}', key.values))
        if _default_items(key) is not None:
            out.append(_strings(f'items_{key.name}', _default_items(key)))
    out += ['', 'static const ConfKey keys[] = {']
    out += [_entry(table, key) for key in table.keys]
    out += ['};', '', f'const ConfSchema {table.symbol}_schema = {{',
            f'    .file = "{table.file}", .size = sizeof({table.struct}),',
            '    .keys = keys, .n_keys = G_N_ELEMENTS(keys),', '};', '']
    return '\n'.join(out)
