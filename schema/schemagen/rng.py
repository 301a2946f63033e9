# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output: a RELAX NG grammar. Conditions ('when') are not expressed: what a discriminator excludes is
allowed by the grammar, and reported as ignored by the parser."""
from xml.sax.saxutils import escape, quoteattr

ANY = '''  <define name="anyElement">
    <element><anyName/><zeroOrMore><choice><attribute><anyName/></attribute><text/><ref name="anyElement"/></choice></zeroOrMore></element>
  </define>'''


def value_pattern(member):
    if member.enum:
        values = ''.join(f'<value>{escape(word)}</value>' for word, _ in member.enum.words)
        return f'<choice>{values}</choice>'
    if member.scalar.code == 'XML_RAW':
        return '<zeroOrMore><choice><text/><ref name="anyElement"/></choice></zeroOrMore>'
    return member.scalar.rng


def unit_attribute(member):
    if member.scalar and member.scalar.code == 'XML_SIZE':
        return '<optional><attribute name="unit"/></optional>'
    return ''


def attribute(name, pattern, required):
    text = f'<attribute name={quoteattr(name)}>{pattern}</attribute>'
    return text if required else f'<optional>{text}</optional>'


def content_of(member):
    """What stands inside of a child element."""
    if member.desc:
        return f'<ref name="{member.desc.ident}"/>'
    if member.leaf:
        return attribute(member.leaf, value_pattern(member), True)
    return unit_attribute(member) + value_pattern(member)


def merged(patterns):
    unique = list(dict.fromkeys(patterns))
    return unique[0] if len(unique) == 1 else '<choice>' + ''.join(f'<group>{p}</group>' for p in unique) + '</choice>'


def attributes_text(desc):
    """The optional ones as one repeated choice: validators take exponential time over a long row of optionals. For the same
    reason those with the same values are one alternative with several names."""
    by_name = {}
    for member in desc.members:
        if member.kind == 'attr':
            by_name.setdefault(member.name, []).append(member)
    lines, optional = [], {}
    for name, members in by_name.items():
        pattern = merged([value_pattern(m) for m in members])
        if all('required' in m.item.opts and not m.when for m in members):
            lines.append('      ' + attribute(name, pattern, True))
        else:
            optional.setdefault(pattern, []).append(name)
    sized = [m for m in desc.members if m.kind in ('attr', 'text') and unit_attribute(m)]
    if sized and 'unit' not in by_name:
        optional.setdefault('<text/>', []).append('unit')
    if optional:
        lines.append('      <zeroOrMore><choice>')
        for pattern, words in optional.items():
            lines.append(f'        <attribute>{name_class(words)}{pattern}</attribute>')
        lines.append('      </choice></zeroOrMore>')
    return lines


def name_class(words):
    text = ''.join(f'<name>{word}</name>' for word in words)
    return text if len(words) == 1 else f'<choice>{text}</choice>'


def children_text(desc):
    by_name = {}
    for member in desc.members:
        if member.kind in ('child', 'elem', 'list'):
            by_name.setdefault((member.prefix, member.name), []).append(member)
    lines = []
    for (prefix, name), members in by_name.items():
        many = len(members) > 1 or members[0].kind == 'list'
        required = not many and 'required' in members[0].item.opts and not members[0].when
        qname = f'{prefix}:{name}' if prefix else name
        content = merged([content_of(m) for m in members])
        text = f'<element name={quoteattr(qname)}>{content}</element>'
        if members[0].names:
            text = f'<element>{name_class([word for word, _ in members[0].names[0].words])}{content}</element>'
        wrap = 'zeroOrMore' if many else None if required else 'optional'
        lines.append('        ' + (f'<{wrap}>{text}</{wrap}>' if wrap else text))
    return lines


def define_text(desc):
    lines = [f'  <define name="{desc.ident}">', '    <group>'] + attributes_text(desc)
    texts = [member for member in desc.members if member.kind == 'text']
    children = children_text(desc)
    for member in texts:
        lines.append(f'      <optional>{value_pattern(member)}</optional>')
    if children:
        lines += ['      <interleave>'] + children + ['      </interleave>']
    if not texts and not children and not attributes_text(desc):
        lines.append('      <empty/>')
    return lines + ['    </group>', '  </define>']


def render(model):
    spaces = ''.join(f' xmlns:{prefix}={quoteattr(uri)}' for prefix, uri in model.reached_namespaces(*model.tables.roots))
    lines = ['<?xml version="1.0"?>', '<!-- Generated from the tables in schema/ - do not edit. -->',
             '<grammar xmlns="http://relaxng.org/ns/structure/1.0"' + spaces +
             ' datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">', '  <start>']
    roots = ''.join(f'<element name="{root.name}"><ref name="{root.type}"/></element>' for root in model.tables.roots)
    lines += [f'    <choice>{roots}</choice>', '  </start>', ANY]
    for desc in model.reached(model.tables.roots):
        lines += define_text(desc)
    return '\n'.join(lines + ['</grammar>']) + '\n'
