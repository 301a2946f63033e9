# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output: the XML reference, one Markdown page: a section for each kind of element, reached by links."""


def type_words(member):
    if member.enum:
        return ', '.join(f'`{word}`' for word, _ in member.enum.words)
    return member.scalar.words


def anchor(ident):
    return ident.lower()


def condition_words(member):
    if not member.when:
        return ''
    path, mask, enum = member.when
    words = [word for at, (word, _) in enumerate(enum.words, 1) if mask >> at & 1]
    return f" Only for {path.split('.')[-1]} {', '.join(words)}."


def notes(member):
    opts = member.item.opts
    text = member.item.doc + '.' + condition_words(member)
    if 'required' in opts:
        text += ' Required.'
    if 'default' in opts:
        text += f" Default: `{opts['default']}`."
    if 'range' in opts:
        text += f" From {opts['range'].replace('..', ' to ')}."
    if 'live' in opts:
        text += ' Running objects only.'
    if member.item.secret == 'secret':
        text += ' **Secret**: shown only on request.'
    if member.kind == 'list':
        text += f" At most {member.item.max.split('/')[-1]}."
    return text.replace('|', '\\|')


def shown_name(member):
    if member.kind == 'attr':
        return f'`{member.name}=`'
    if member.kind == 'text':
        return 'text'
    if member.names:
        return ', '.join(f'`<{word}>`' for word, _ in member.names[0].words)
    name = (member.prefix + ':' if member.prefix else '') + member.name
    leaf = f' {member.leaf}=' if member.leaf else ''
    return f'`<{name}{leaf}>`'


def row(member):
    words = f'[{member.desc.ident}](#{anchor(member.desc.ident)})' if member.desc else type_words(member)
    return f'| {shown_name(member)} | {words} | {member.item.since} | {notes(member)} |'


def section(desc, model):
    doc = model.structs[desc.struct].doc if not hasattr(desc, 'body') else ''
    lines = [f'## <a id="{anchor(desc.ident)}"></a>{desc.ident}', '']
    if doc:
        lines += [doc + '.', '']
    if desc.members:
        lines += ['| what | value | since | meaning |', '| --- | --- | --- | --- |']
        lines += [row(member) for member in desc.members]
    return lines + ['']


def render(model):
    roots = ', '.join(f'[`<{root.name}>`](#{anchor(root.type)})' for root in model.tables.roots)
    lines = ['# XML reference', '', f'Generated from the tables in `schema/`. Begins with {roots}.', '']
    for desc in model.reached(model.tables.roots):
        lines += section(desc, model)
    return '\n'.join(lines) + '\n'
