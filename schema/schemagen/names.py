# SPDX-License-Identifier: LGPL-2.1-or-later
"""How names of XML become names of C."""
import re

C_WORDS = {'default', 'auto', 'static', 'char', 'int', 'switch', 'case', 'if', 'for', 'enum',
           'struct', 'union', 'register', 'volatile', 'const', 'long', 'short', 'signed'}


def snake(name):
    """backingStore -> backing_store, tb-cache -> tb_cache."""
    name = re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name.replace('-', '_').replace('.', '_'))
    name = re.sub(r'([A-Z]+)([A-Z][a-z])', r'\1_\2', name).lower()
    return name + '_' if name in C_WORDS else name


def camel(name):
    return ''.join(part[:1].upper() + part[1:] for part in re.split(r'[-_.]', name))


def upper(name):
    """DomainDiskType -> DOMAIN_DISK_TYPE."""
    return snake(name).rstrip('_').upper()


def constant(enum, value):
    word = re.sub(r'[^A-Za-z0-9]', '_', value)
    word = re.sub(r'([a-z])([A-Z])', r'\1_\2', word)
    return f'{upper(enum)}_{word.upper()}'


def root(struct):
    """C name of the document whose first element is this struct: NetworkDef -> NETWORK_ROOT."""
    return upper(re.sub('Def$', '', struct)) + '_ROOT'


def header(format_name):
    return f'model/{format_name}_def.h'


def plural(field):
    if field.endswith('s'):
        return field + 'es'
    if field.endswith('y') and field[-2] not in 'aeiou':
        return field[:-1] + 'ies'
    return field + 's'
