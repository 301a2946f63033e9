# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output: the reference as C data for `virsh explain` (tools/virsh/explain.h)."""
from schemagen.reference import notes, type_words


def quote(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"' if text is not None else 'NULL'


def plain(text):
    """Without the marks of the page."""
    return text.replace('`', '').replace('**', '').replace('\\|', '|')


def full_name(member):
    if member.kind == 'text':
        return ''
    return (member.prefix + ':' if member.prefix else '') + member.name


def render(model):
    name = model.tables.formats[-1]
    types = list(model.reached(model.tables.roots))
    index = {desc.ident: number for number, desc in enumerate(types)}
    lines = ['/* SPDX-License-Identifier: LGPL-2.1-or-later */', '/* Generated from the tables in schema/; edit those. */',
             '#include "tools/virsh/explain.h"', '']
    for number, desc in enumerate(types):
        if not desc.members:
            continue
        lines.append(f'static const ExplainMember members_{number}[] = {{')
        for member in desc.members:
            words = None if member.desc else plain(type_words(member))
            lines.append(f"    {{EXPLAIN_{'TEXT' if member.kind == 'text' else 'ATTRIBUTE' if member.kind == 'attr' else 'ELEMENT'}, "
                         f'{quote(full_name(member))}, {quote(member.leaf or None)}, {quote(words)}, '
                         f'{quote(member.item.since)}, {quote(plain(notes(member)))}, '
                         f'{index[member.desc.ident] if member.desc else -1}}},')
        lines += ['};', '']
    lines.append('static const ExplainType types[] = {')
    for number, desc in enumerate(types):
        doc = model.structs[desc.struct].doc if not hasattr(desc, 'body') else None
        members = f'members_{number}, {len(desc.members)}' if desc.members else 'NULL, 0'
        lines.append(f'    {{{quote(plain(doc) if doc else None)}, {members}}},')
    lines += ['};', '', 'static const ExplainRoot roots[] = {']
    lines += [f'    {{{quote(root.name)}, {index[model.descs[root.type].ident]}}},' for root in model.tables.roots]
    lines += ['    {NULL, -1},', '};', '', f'const ExplainFormat explain_{name} = {{roots, types}};', '']
    return '\n'.join(lines)
