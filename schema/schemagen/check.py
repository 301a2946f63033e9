# SPDX-License-Identifier: LGPL-2.1-or-later
"""Second layer: the rules of the language. Everything that later layers rely on is checked here."""
from . import names, scalars
from .parse import SchemaError

ERROR_CODES = {'NO_NAME', 'NO_SOURCE', 'NO_TARGET', 'NO_DEVICE', 'OS_TYPE', 'XML_ERROR', 'NO_OS', 'INTERNAL_ERROR',
               'CONFIG_UNSUPPORTED', 'XML_DETAIL', 'INVALID_ARG'}
ERROR_DOMAINS = {'DOMAIN', 'DOMAIN_SNAPSHOT', 'DOMAIN_CHECKPOINT', 'NETWORK', 'STORAGE', 'NODEDEV', 'INTERFACE', 'SECRET',
                 'NWFILTER', 'TEST'}


MAX_NAMES = 64      # as in src/base/xml_parse.c


class Tables:
    """All items by name. formats: names of those that are used, and last of the one that is made."""

    def __init__(self, formats):
        self.formats = formats
        self.enums, self.structs, self.roots, self.namespaces = {}, {}, [], {}

    @property
    def used(self):
        return self.formats[:-1]

    def is_own(self, name):
        """Whether an enum or struct belongs to the format that is made."""
        item = self.enums.get(name) or self.structs[name]
        return item.format == self.formats[-1]

    def add(self, item, format_name):
        item.format = format_name
        table = {'enum': self.enums, 'struct': self.structs}.get(item.kind)
        if item.kind == 'root':
            if format_name == self.formats[-1]:
                self.roots.append(item)
        elif item.kind == 'namespace':
            self.namespaces[item.name] = item.type
        elif item.name in self.enums or item.name in self.structs:
            raise SchemaError(item.where, f"'{item.name}' is already defined")
        else:
            table[item.name] = item


def fail(item, text):
    raise SchemaError(item.where, f"{item.kind} '{item.name}': {text}")


def scalar_of(item, tables):
    """Scalar and enum item of a member's type; (None, None) for a struct."""
    if item.type.startswith('enum:'):
        enum = tables.enums.get(item.type[5:])
        if not enum:
            fail(item, f"there is no enum '{item.type[5:]}'")
        return scalars.Scalar(item.type[5:], 'XML_ENUM', 1), enum
    return scalars.lookup(item.type), None


def field_name(item):
    """C path of a member, from the key 'field' or its XML name."""
    if 'field' in item.opts:
        return item.opts['field']
    if item.kind == 'text':
        return 'value'
    base = item.name.split('@')[0].split(':')[-1]
    field = names.snake(base)
    return names.plural(field.rstrip('_')) if item.kind == 'list' else field


def check_enum(enum):
    words = [word for word, _ in enum.words]
    if not words:
        raise SchemaError(enum.where, f"enum '{enum.name}' has no values")
    for word, where in enum.words:
        if words.count(word) > 1:
            raise SchemaError(where, f"enum '{enum.name}': value '{word}' given twice")


def check_scalar(item, scalar, enum):
    length = item.max.split('/')[0]
    if item.secret == '-':
        fail(item, "column 'secret' must be 'open' or 'secret'")
    if scalar.needs_max and length == '-':
        fail(item, f"column 'max' is mandatory for type {item.type}")
    if not scalar.needs_max and length != '-':
        fail(item, f"type {item.type} takes no maximal length")
    if 'default' in item.opts:
        if not enum:
            fail(item, 'only an enum has a default')
        if item.opts['default'] not in [word for word, _ in enum.words]:
            fail(item, f"default '{item.opts['default']}' is not a value of {enum.name}")
    if 'range' in item.opts and not scalar.bits and 'form' not in item.opts:
        fail(item, 'only a number has a range')
    if 'form' in item.opts and scalar.code != 'XML_STRING':
        fail(item, "only a string has a form")
    if 'has' in item.opts and not scalar.bits:
        fail(item, f"type {item.type} needs no 'has'")


def check_list(item, tables):
    count = item.max.split('/')
    scalar, _ = scalar_of(item, tables)
    bound = count[1] if scalar and len(count) == 2 else None if scalar else count[0]
    if bound in (None, '-'):
        fail(item, "column 'max' must bound the length of a list")


def check_named(item, tables):
    """A list whose elements have the names of an enum."""
    if item.kind != 'list' or 'field' not in item.opts:
        fail(item, "a name that begins with '*' is for lists with a key 'field'")
    key = key_of(item, tables)
    enum = tables.enums.get(key.type[5:]) if key else None
    if not enum or len(enum.words) >= MAX_NAMES:
        fail(item, f"{item.type} has no key '{item.name[1:]}' that is an enum of less than {MAX_NAMES} values")


def key_of(item, tables):
    """The key of an item's struct that tells its element's name."""
    struct = tables.structs.get(item.type)
    return next((k for k in struct.body if k.kind == 'key' and k.name == item.name[1:]), None) if struct else None


def check_options(item):
    for key in ('flat', 'ref', 'union', 'present'):
        if key in item.opts and item.kind not in ('elem', 'part'):
            fail(item, f"key '{key}' is for elements")
    if 'flat' in item.opts and item.type != '-':
        fail(item, "key 'flat' needs a body of its own")
    if item.body and item.type != '-':
        fail(item, 'has both a struct and lines of its own')
    if item.type == '-' and not item.body:
        fail(item, 'has neither a struct nor lines of its own')
    for key in ('error', 'bad', 'unknown'):
        if key in item.opts and item.opts[key] not in ERROR_CODES:
            fail(item, f"unknown error '{item.opts[key]}'")
    if 'bad' in item.opts and (item.kind in ('elem', 'part') or item.type == '-'):
        fail(item, "key 'bad' is for values")
    if 'unknown' in item.opts and item.kind != 'elem':
        fail(item, "key 'unknown' is for elements")
    if 'when' in item.opts and 'unless' in item.opts:
        fail(item, "has both 'when' and 'unless'")


def check_member(item, tables):
    check_options(item)
    if item.name.startswith('*'):
        check_named(item, tables)
    if item.type == '-':
        check_body(item, tables)
        return
    scalar, enum = scalar_of(item, tables)
    if scalar:
        if item.kind in ('elem', 'part'):
            fail(item, f"needs a struct, not {item.type}")
        if item.kind in ('attr', 'text', 'child', 'list'):
            check_scalar(item, scalar, enum)
    elif item.type not in tables.structs:
        fail(item, f"there is no type '{item.type}'")
    elif item.kind in ('attr', 'text', 'child', 'key'):
        fail(item, f"needs a scalar type, not {item.type}")
    if item.kind == 'list':
        check_list(item, tables)
    if ':' in item.name and item.name.split(':')[0] not in tables.namespaces:
        fail(item, f"there is no namespace '{item.name.split(':')[0]}'")


def check_named_once(body):
    named = [item for item in body if item.name.startswith('*')]
    if len(named) > 1:
        fail(named[1], 'only one list of a struct may have several names')


def check_twins(body):
    """A name may stand twice only where conditions tell which one is meant."""
    seen = {}
    for item in body:
        key = (item.kind == 'attr', item.name)
        if item.kind in ('part', 'key'):
            continue
        conditional = {'when', 'unless', 'match'} & set(item.opts)
        if key in seen and not (conditional and seen[key]):
            fail(item, 'stands twice without a condition')
        seen[key] = conditional


def check_body(item, tables):
    check_twins(item.body)
    check_named_once(item.body)
    if sum(member.kind == 'text' for member in item.body) > 1:
        fail(item, 'has two texts')
    for member in item.body:
        check_member(member, tables)


def check(tables):
    """Raise SchemaError at the first line that breaks a rule."""
    for enum in tables.enums.values():
        check_enum(enum)
    for struct in tables.structs.values():
        check_body(struct, tables)
    for root in tables.roots:
        if root.type not in tables.structs:
            raise SchemaError(root.where, f"root '{root.name}': there is no struct '{root.type}'")
        if root.domain not in ERROR_DOMAINS:
            raise SchemaError(root.where, f"root '{root.name}': unknown error domain '{root.domain}'")
