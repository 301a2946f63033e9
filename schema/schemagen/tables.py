# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output: the C file with descriptors and the functions of enums."""
from . import names

KINDS = {'attr': 'ATTR', 'text': 'TEXT', 'child': 'CHILD', 'elem': 'ELEM', 'list': 'LIST'}
FLAGS = {'required': 'XML_REQUIRED', 'always': 'XML_ALWAYS', 'ref': 'XML_REF', 'flat': 'XML_FLAT',
         'live': 'XML_LIVE', 'live-unless-user': 'XML_LIVE_UNLESS_USER', 'range': 'XML_RANGE'}


def quote(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def enum_text(enum):
    up = names.upper(enum.name)
    low = up.lower()
    values = ', '.join(quote(word) for word, _ in enum.words)
    return [f'static const char *const {up}_TEXTS[] = {{{values}}};',
            f'const XmlEnum {up}_ENUM = {{"{enum.name}", {len(enum.words)}, {up}_TEXTS}};', '',
            f'const char *{low}_to_string(int value)', '{',
            f'    return xml_enum_text(&{up}_ENUM, value);', '}', '',
            f'{enum.name} {low}_from_string(const char *text)', '{',
            f'    return xml_enum_value(&{up}_ENUM, text);', '}', '']


def limits(member):
    """C text of the least and greatest value of a number."""
    scalar, item = member.scalar, member.item
    if 'range' in item.opts:
        low, _, high = item.opts['range'].partition('..')
    elif scalar.code == 'XML_INT':
        low, high = -(1 << (scalar.bits - 1)), (1 << (scalar.bits - 1)) - 1
    else:
        low, high = 0, (1 << scalar.bits) - 1
    if scalar.code == 'XML_INT':
        return [f'(guint64)({int(low) + 1}LL - 1)', f'{high}']
    return [f'{low}ULL', f'{high}ULL']


def flags_of(member):
    opts = member.item.opts
    flags = [text for key, text in FLAGS.items() if key in opts]
    if member.item.secret == 'secret':
        flags.append('XML_SECRET')
    if member.union:
        flags.append('XML_UNION')
    if member.shared and 'flat' not in member.item.opts:
        flags.append('XML_SHARED')
    if member.aux and member.kind != 'list':
        flags.append('XML_HAS')
    return ' | '.join(flags) or '0'


def scalar_parts(member, struct):
    scalar, item = member.scalar, member.item
    parts = [f'.type = {scalar.code}']
    if member.enum:
        parts.append(f'.info = &{names.upper(member.enum.name)}_ENUM')
        if 'default' in item.opts:
            parts.append(f".initial = {names.constant(member.enum.name, item.opts['default'])}")
    if scalar.bits:
        low, high = limits(member)
        parts += [f'.bytes = {scalar.bits // 8}', f'.width = {scalar.width}', f'.min = {low}', f'.max = {high}']
    if scalar.unit and item.opts.get('unit') != 'largest':
        parts.append(f".unit = {quote(item.opts.get('unit', scalar.unit))}")
    if 'form' in item.opts:
        parts.append(f".form = xml_form_{item.opts['form']}")
        if 'range' in item.opts:
            low, _, high = item.opts['range'].partition('..')
            parts += [f'.min = {low}ULL', f'.max = {high}ULL']
    length, _, count = item.max.partition('/')
    if length != '-':
        parts.append(f'.max_len = {length}')
    if count:
        parts.append(f'.max_count = {count}')
    return parts


def condition_parts(member, struct):
    parts, item = [], member.item
    if member.when:
        path, mask, enum = member.when
        parts += [f'.when_offset = offsetof({struct}, {path})', f'.when_mask = {hex(mask)}ULL',
                  f'.when_enum = &{names.upper(enum.name)}_ENUM']
    if 'match' in item.opts:
        attr, sep, value = item.opts['match'].partition(':')
        parts.append(f'.match = {quote(attr)}')
        if sep:
            parts.append(f'.match_value = {quote(value)}')
    return parts


def member_text(member, model, struct):
    item = member.item
    parts = [f'.kind = XML_MEMBER_{KINDS[member.kind]}']
    if member.kind != 'text':
        parts.append(f'.name = {quote(member.name)}')
    if member.leaf:
        parts.append(f'.leaf = {quote(member.leaf)}')
    if member.prefix:
        parts += [f'.ns = {quote(member.prefix)}', f'.ns_uri = {quote(model.tables.namespaces[member.prefix])}']
    if member.scalar:
        parts += scalar_parts(member, struct)
    else:
        parts.append(f'.info = &{desc_name(member.desc.ident)}')
        if member.names:
            enum, field = member.names
            parts += [f'.names = &{names.upper(enum.name)}_ENUM', f'.name_at = offsetof({item.type}, {field})']
        if member.kind == 'list':
            parts.append(f".max_count = {item.max.split('/')[0]}")
    if member.path:
        parts.append(f'.offset = offsetof({struct}, {member.path})')
    if member.aux:
        parts.append(f'.aux = offsetof({struct}, {member.aux})')
    parts += condition_parts(member, struct)
    flags = flags_of(member)
    if flags != '0':
        parts.append(f'.flags = {flags}')
    if 'error' in item.opts:
        parts.append(f".error = VIR_ERR_{item.opts['error']}")
    for key in ('bad', 'unknown'):
        if key in item.opts:
            parts.append(f".bad = VIR_ERR_{item.opts[key]}")
    parts += [f'.since = {quote(item.since)}', f'.doc = {quote(item.doc)}']
    return '    {' + ', '.join(parts) + '},'


def desc_name(ident):
    return names.upper(ident) + '_DESC'


def has_defaults(desc, seen=()):
    """Whether a fresh struct of this kind is not all zeros."""
    if desc.ident in seen:
        return False
    for member in desc.members:
        if 'default' in member.item.opts:
            return True
        if member.kind == 'elem' and 'ref' not in member.item.opts and has_defaults(member.desc, seen + (desc.ident,)):
            return True
    return False


OWNERS = {'XML_STRING', 'XML_RAW', 'XML_BITMAP'}


def owns_memory(member, seen=()):
    """Whether freeing a struct must look at this member."""
    if member.shared and 'flat' not in member.item.opts:
        return False
    if member.kind == 'list' or 'ref' in member.item.opts:
        return True
    if member.kind == 'elem':
        return member.desc.ident not in seen and any(
            owns_memory(inner, seen + (member.desc.ident,)) for inner in member.desc.members)
    return member.scalar.code in OWNERS


def prints_zero(desc, seen=()):
    """Whether a struct of zeros is printed all the same."""
    if desc.ident in seen:
        return False
    for member in desc.members:
        if 'always' in member.item.opts and member.kind != 'list':
            return True
        if member.kind == 'elem' and 'ref' not in member.item.opts and prints_zero(member.desc, seen + (desc.ident,)):
            return True
    return False


def desc_text(desc, model):
    name = desc_name(desc.ident)
    members = sorted(desc.members, key=lambda member: member.kind != 'attr')
    flat = hasattr(desc, 'body')
    size = '0' if flat else f'sizeof({desc.struct})'
    lines = []
    if members:
        lines.append(f'static const XmlMember {names.upper(desc.ident)}_MEMBERS[] = {{')
        lines += [member_text(member, model, desc.struct) for member in members]
        lines.append('};')
    attrs = sum(member.kind == 'attr' for member in members)
    owners = [str(at) for at, member in enumerate(members) if owns_memory(member)]
    if owners:
        lines.append(f'static const guint8 {names.upper(desc.ident)}_OWNERS[] = {{{", ".join(owners)}}};')
    lines += [f'const XmlDesc {name} = {{',
              f'    .name = {quote(desc.struct)}, .size = {size}, .n_members = {len(members)}, .n_attrs = {attrs},',
              f'    .has_defaults = {int(has_defaults(desc))},'
              f' .n_owners = {len(owners)}, .prints_zero = {int(prints_zero(desc))},',
              f'    .owners = {names.upper(desc.ident) + "_OWNERS" if owners else "NULL"},'
              f' .members = {names.upper(desc.ident) + "_MEMBERS" if members else "NULL"},', '};', '']
    return lines


def render(model):
    lines = ['/* SPDX-License-Identifier: LGPL-2.1-or-later */',
             '/* Generated from the tables in schema/ - do not edit. */',
             f'#include "{names.header(model.tables.formats[-1])}"', '#include <libvirt/virterror.h>', '']
    for enum in model.tables.enums.values():
        if model.tables.is_own(enum.name):
            lines += enum_text(enum)
    forms = sorted({m.item.opts['form'] for d in model.descs.values() if d.own for m in d.members if 'form' in m.item.opts})
    if forms:
        lines += ['XmlForm ' + ', '.join(f'xml_form_{form}' for form in forms) + ';', '']
    for desc in model.descs.values():
        if desc.own:
            lines += desc_text(desc, model)
    for root in model.tables.roots:
        pairs = ', '.join(f'{quote(prefix)}, {quote(uri)}' for prefix, uri in model.reached_namespaces(root))
        up = names.root(root.type)
        lines += [f'static const char *const {up}_NS[] = {{{pairs + ", " if pairs else ""}NULL}};',
                  f'const XmlRoot {up} = {{{quote(root.name)}, {up}_NS, &{desc_name(root.type)}, VIR_FROM_{root.domain}}};', '']
    return '\n'.join(lines)
