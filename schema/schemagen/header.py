# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output: the header with enums, structs and the names of descriptors."""
from . import names

TOP = '''/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the tables in schema/ - do not edit.
 * Every enum has the value 0 for "not given". Pointers may be NULL; all memory belongs to the struct
 * that points to it. Numbers without a has_ field are 0 when they were not given.
 */
#pragma once
'''


def enum_text(enum):
    lines = [f'/** {enum.doc}. */', f'typedef enum __attribute__((packed)) {{',
             f'    {names.upper(enum.name)}_UNSET = 0,']
    lines += [f'    {names.constant(enum.name, word)},' for word, _ in enum.words]
    low = names.upper(enum.name).lower()
    lines += [f'    {names.upper(enum.name)}_LAST', f'}} {enum.name};',
              f'/** Text of a value; NULL for UNSET and values out of range. */',
              f'const char *{low}_to_string(int value);',
              f'/** Value of a text, {names.upper(enum.name)}_UNSET if there is none such. Sets no error. */',
              f'{enum.name} {low}_from_string(const char *text);',
              f'extern const XmlEnum {names.upper(enum.name)}_ENUM;', '']
    return lines


def field_text(field, indent):
    space = '' if field.ctype.endswith('*') else ' '
    array = f'[{field.array}]' if field.array else ''
    return f'{indent}{field.ctype}{space}{field.name}{array}; /**< {field.doc}. */'


def alignment(field, structs):
    inner = structs.get(field.ctype)
    if not inner:
        return field.align
    return max([alignment(one, structs) for one in inner.fields.values()] or [1])


def struct_text(struct, structs):
    """Widest fields first, so that nothing is lost to padding."""
    lines = [f'/** {struct.doc}. */', f'struct {struct.name} {{']
    fields = sorted(struct.fields.values(), key=lambda field: -alignment(field, structs))
    union = [field for field in fields if field.union]
    if not fields:
        lines.append('    char unused; /**< The element has nothing yet. */')
    for field in fields:
        if not field.union:
            lines.append(field_text(field, '    '))
        elif field is union[0]:
            lines.append('    union {')
            lines += [field_text(one, '        ') for one in union]
            lines.append('    };')
    return lines + ['};', '']


def render(model):
    used = [names.header(name) for name in model.tables.used] or ['base/xml.h']
    lines = [TOP + '\n'.join(f'#include "{name}"' for name in used), '']
    for enum in model.tables.enums.values():
        if model.tables.is_own(enum.name):
            lines += enum_text(enum)
    own = [name for name in model.order if model.structs[name].own]
    lines += [f'typedef struct {name} {name};' for name in own] + ['']
    for name in own:
        lines += struct_text(model.structs[name], model.structs)
    lines.append('/* Descriptors, for the functions in base/xml.h. */')
    lines += [f'extern const XmlDesc {names.upper(desc.ident)}_DESC;' for desc in model.descs.values() if desc.own]
    lines += [f'extern const XmlRoot {names.root(root.type)};' for root in model.tables.roots]
    return '\n'.join(lines) + '\n'
