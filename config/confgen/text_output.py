# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people read: the commented sample file and the page of the manual."""
import textwrap

EXAMPLES = {'bool': '1', 'int': '1', 'signed': '1', 'bytes': '"10MiB"', 'string': '""', 'string-list': '[ ]',
            'string-or-list': '""', 'int-or-string': '1'}
TYPE_NAMES = {'bool': '0 or 1', 'int': 'number', 'signed': 'number', 'bytes': 'size', 'string': 'string',
              'string-list': 'list of strings', 'string-or-list': 'string or list', 'int-or-string': 'number or string'}


def literal(value):
    """A constant as one writes it in the file."""
    if value.kind == 'int':
        return str(value.data)
    if value.kind == 'string':
        return f'"{value.data}"'
    if not value.data:
        return '[ ]'
    one_line = '[ ' + ', '.join(f'"{item}"' for item in value.data) + ' ]'
    if len(one_line) <= 80:
        return one_line
    return '[\n' + ',\n'.join(f'    "{item}"' for item in value.data) + '\n]'


def default_text(key):
    if key.default.kind == 'none':
        return 'not set'
    if key.default.kind == 'computed':
        return key.default.data
    return literal(key.default).replace('\n', ' ')


def _sample_value(key):
    value = key.sample or key.default
    return EXAMPLES[key.type] if value.kind in ('none', 'computed') else literal(value)


def _facts(key):
    """Sentences behind the documentation."""
    facts = []
    if key.values:
        facts.append('One of: ' + ', '.join(key.values) + '.')
    if key.range and key.range[1] < 2**31 - 1:
        facts.append(f'From {key.range[0]} to {key.range[1]}.')
    facts.append(f'Default: {default_text(key)}.')
    if key.since:
        facts.append(f'Since {key.since}.')
    if key.state == 'later':
        facts.append('(Accepted, but not in effect in this release.)')
    if key.state == 'ignored':
        facts.append('(Accepted for old files, without effect.)')
    return facts


def sample(table):
    out = [f'# {table.file}']
    out += textwrap.wrap(table.about, 78, initial_indent='# ', subsequent_indent='# ')
    out += ['# Every line here is commented out and shows the default, or an example where there is none.']
    group = None
    for key in table.keys:
        if key.group != group:
            group = key.group
            out += ['', '', '#' * 78, '#', f'# {group}', '#']
        out.append('')
        out += textwrap.wrap(key.doc + ' ' + ' '.join(_facts(key)), 78, initial_indent='# ', subsequent_indent='# ',
                             break_long_words=False, break_on_hyphens=False)
        out += ['#' + line for line in f'{key.name} = {_sample_value(key)}'.split('\n')]
    return '\n'.join(out) + '\n'


def manual(table):
    out = [f'# {table.file}', '', table.about, '']
    group = None
    for key in table.keys:
        if key.group != group:
            group = key.group
            out += [f'## {group}', '']
        out += [f'**`{key.name}`** ({TYPE_NAMES[key.type]})  ', key.doc + ' ' + ' '.join(_facts(key)), '']
    return '\n'.join(out)
