# SPDX-License-Identifier: LGPL-2.1-or-later
"""Third layer: the C layout of every struct and the descriptor of every element."""
from . import names, scalars
from .check import fail, field_name, key_of, scalar_of
from .parse import SchemaError

MAX_MEMBERS = 128


class CField:
    def __init__(self, ctype, name, doc, align, array=0, union=False):
        self.ctype, self.name, self.doc, self.align = ctype, name, doc, align
        self.array, self.union = array, union


class CStruct:
    def __init__(self, name, doc, own):
        self.name, self.doc, self.own, self.fields = name, doc, own, {}

    def add(self, item, field):
        old = self.fields.get(field.name)
        if old and (old.ctype, old.array) != (field.ctype, field.array):
            fail(item, f"field '{field.name}' of {self.name} already has type {old.ctype}")
        if not old:
            self.fields[field.name] = field


class Member:
    """One entry of a descriptor; paths are C paths inside of the descriptor's struct."""

    def __init__(self, item, kind):
        self.item, self.kind = item, kind
        self.prefix, _, name = item.name.rpartition(':')
        self.name, _, self.leaf = name.partition('@')
        self.scalar = self.enum = self.desc = None
        self.path = self.aux = None
        self.names = None    # enum of the elements' names and the key's field in an item
        self.when = None
        self.union = self.shared = False


class Desc:
    def __init__(self, ident, struct, own):
        self.ident, self.struct, self.own, self.members = ident, struct, own, []


class Model:
    """Everything that the outputs need."""

    def __init__(self, tables):
        self.tables, self.structs, self.descs = tables, {}, {}
        for name, item in tables.structs.items():
            self.layout(CStruct(name, item.doc, tables.is_own(name)), item.body)
        for name in tables.structs:
            self.describe_named(name)
        self.order = self.sort_structs()

    # C layout

    def layout(self, struct, body):
        self.structs[struct.name] = struct
        self.add_fields(struct, body)

    def add_fields(self, struct, body):
        for item in body:
            if item.kind == 'elem' and 'flat' in item.opts:
                self.add_fields(struct, item.body)
            elif '.' not in field_name(item):
                self.add_member_fields(struct, item)

    def add_member_fields(self, struct, item):
        scalar, _ = scalar_of(item, self.tables)
        field = field_name(item)
        if item.kind in ('elem', 'part'):
            self.add_struct_field(struct, item, field)
        elif item.kind == 'list':
            base = scalar.ctype if scalar else item.type + ' *'
            stars = '*' if base.endswith('*') else ' *'
            struct.add(item, CField(base + stars, field, item.doc, 8))
            struct.add(item, CField('guint', 'n_' + field, f'How many {field}', 4))
        else:
            array = scalars.ARRAYS.get(item.type, 0)
            struct.add(item, CField(scalar.ctype, field, self.doc_of(item, scalar), scalar.align, array))
            if scalar.has or 'has' in item.opts:
                struct.add(item, CField('bool', 'has_' + field, f'Whether {field} was given', 1))

    @staticmethod
    def doc_of(item, scalar):
        if item.type.startswith('size.'):
            return f'{item.doc}, in {item.type[5:]}'
        return item.doc

    def add_struct_field(self, struct, item, field):
        name = item.type
        if name == '-':
            name = struct.name + names.camel(field)
            if name in self.structs or name in self.tables.enums or name in self.tables.structs:
                fail(item, f"the name of its struct, {name}, is taken")
            self.layout(CStruct(name, item.doc, struct.own), item.body)
        ref = 'ref' in item.opts
        struct.add(item, CField(name + ' *' if ref else name, field, item.doc, 8,
                                union='union' in item.opts))
        if 'present' in item.opts:
            struct.add(item, CField('bool', 'has_' + field, f'Whether the element {item.name} is there', 1))

    def sort_structs(self):
        """Structs so that each comes after those that it holds by value."""
        order, state = [], {}

        def visit(name):
            if state.get(name) == 'open':
                where = getattr(self.tables.structs.get(name), 'where', ('', 0))
                raise SchemaError(where, f"struct '{name}' holds itself")
            if name in state:
                return
            state[name] = 'open'
            for field in self.structs[name].fields.values():
                if field.ctype in self.structs:
                    visit(field.ctype)
            state[name] = 'done'
            order.append(name)
        for name in self.structs:
            visit(name)
        return order

    # descriptors

    def describe_named(self, name):
        if name not in self.descs:
            desc = self.descs[name] = Desc(name, name, self.structs[name].own)
            self.add_members(desc, self.tables.structs[name].body, '', name)
        return self.descs[name]

    def describe_body(self, ident, struct, body):
        if ident in self.descs:
            raise SchemaError(body[0].where, f'two descriptors would be called {ident}')
        desc = self.descs[ident] = Desc(ident, struct, self.structs[struct].own)
        self.add_members(desc, body, '', struct)
        return desc

    def add_members(self, desc, body, prefix, struct, outer_when=None, union=False):
        for item in body:
            if item.kind == 'key':
                continue
            when = self.condition(item, prefix, struct) or outer_when
            if item.kind == 'part':
                path = prefix + field_name(item)
                self.add_members(desc, self.tables.structs[item.type].body, path + '.', item.type, when,
                                 union or 'union' in item.opts)
                continue
            member = Member(item, item.kind)
            member.when, member.union = when, union
            self.fill_member(desc, member, prefix, struct)
            member.shared = member.path is not None and any(
                member.path == other.path and 'flat' not in other.item.opts for other in desc.members)
            desc.members.append(member)
        if len(desc.members) > MAX_MEMBERS:
            raise SchemaError(body[0].where, f"more than {MAX_MEMBERS} members in {desc.ident}")

    def fill_member(self, desc, member, prefix, struct):
        item = member.item
        field = field_name(item)
        member.path = prefix + field
        member.scalar, member.enum = scalar_of(item, self.tables)
        if item.kind == 'list':
            member.aux = prefix + 'n_' + field
            member.desc = None if member.scalar else self.describe_named(item.type)
            if item.name.startswith('*'):
                key = key_of(item, self.tables)
                member.names = self.tables.enums[key.type[5:]], field_name(key)
        elif item.kind == 'elem':
            self.fill_elem(member, prefix, struct, field)
        else:
            self.resolve(item, struct, field)
            head, _, tail = field.rpartition('.')
            if member.scalar.has or 'has' in item.opts:
                member.aux = prefix + (head + '.' if head else '') + 'has_' + tail

    def fill_elem(self, member, prefix, struct, field):
        item = member.item
        if 'flat' in item.opts:
            member.path = prefix.rstrip('.') or None
            ident = f"{struct}_{names.snake(item.name.split(':')[-1])}"
            while ident in self.descs and self.descs[ident].body is not item.body:
                ident += '_'
            member.desc = self.descs.get(ident) or self.describe_flat(ident, struct, item.body)
            return
        if item.type == '-':
            name = struct + names.camel(field)
            member.desc = self.descs.get(name) or self.describe_body(name, name, item.body)
        else:
            member.desc = self.describe_named(item.type)
        if 'present' in item.opts:
            member.aux = prefix + 'has_' + field

    def describe_flat(self, ident, struct, body):
        desc = self.descs[ident] = Desc(ident, struct, self.structs[struct].own)
        desc.body = body
        self.add_members(desc, body, '', struct)
        return desc

    def reached(self, roots):
        """The descriptors that documents of these roots use, each before those that it uses."""
        found = {}

        def visit(desc):
            if desc.ident in found:
                return
            found[desc.ident] = desc
            for member in desc.members:
                if member.desc:
                    visit(member.desc)
        for root in roots:
            visit(self.descs[root.type])
        return list(found.values())

    def reached_namespaces(self, *roots):
        """(prefix, URI) of those that the roots' documents may use."""
        used = {member.prefix for desc in self.reached(roots) for member in desc.members}
        return [(prefix, uri) for prefix, uri in self.tables.namespaces.items() if prefix in used]

    def resolve(self, item, struct, path):
        """The C field at a path from a struct."""
        current = self.structs[struct]
        field = None
        for part in path.split('.'):
            field = current.fields.get(part) if current else None
            if not field:
                fail(item, f"{struct} has no field '{path}'")
            current = self.structs.get(field.ctype)
        return field

    def condition(self, item, prefix, struct):
        """(path, mask) of 'when' or 'unless': bit N stands for enum value N."""
        text = item.opts.get('when') or item.opts.get('unless')
        if not text:
            return None
        path, _, values = text.partition(':')
        enum = self.tables.enums.get(self.resolve(item, struct, path).ctype)
        if not enum or not values:
            fail(item, f"condition '{text}' is not FIELD:VALUE,... of an enum")
        known = [word for word, _ in enum.words]
        mask = 0
        for value in values.split(','):
            if value not in known:
                fail(item, f"condition: '{value}' is not a value of {enum.name}")
            mask |= 1 << (known.index(value) + 1)
        if 'unless' in item.opts:
            mask = ((1 << (len(known) + 1)) - 1) & ~mask
        return prefix + path, mask, enum
