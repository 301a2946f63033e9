# SPDX-License-Identifier: LGPL-2.1-or-later
"""The corpus of domain documents (tests/data/corpus/README.md): reading it, comparing what becomes of its cases, and which
rows of the schema they use."""
import copy
import fnmatch
import glob
import os
import re
import sys
import tomllib
import xml.etree.ElementTree as ET

import support
import wire

FOLDER = os.path.join(support.SOURCE, 'tests/data/corpus')
INACTIVE, SECURE, KEEP_NVRAM = 2, 1, 8
ORDER = 'only the order differs'
REFERENCE = (9, 0, 0)       # the release that the reference is of

sys.path.insert(0, os.path.join(support.SOURCE, 'schema'))
from schemagen import check, model, parse  # noqa: E402  pylint: disable=wrong-import-position


# The cases

OWN = 'name', 'base', 'refused', 'newer', 'each'    # attributes of <case>; others are the domain's


class Case:
    def __init__(self, name, document, refused=False, newer=False):
        self.name, self.document, self.refused, self.newer = name, document, refused, newer

    @property
    def text(self):
        return ET.tostring(self.document, encoding='unicode')


def parsed(path):
    """A file's root element; its namespaces keep their prefixes when they are written again."""
    for _, (prefix, uri) in ET.iterparse(path, events=['start-ns']):
        if prefix:
            ET.register_namespace(prefix, uri)
    return ET.parse(path).getroot()


def merged(base, case):
    """@base with the children of @case: devices are added to, everything else is replaced."""
    document = copy.deepcopy(base)
    for kind in {child.tag for child in case} - {'devices'}:
        for old in document.findall(kind):
            document.remove(old)
    for child in case:
        if child.tag != 'devices':
            document.append(copy.deepcopy(child))
            continue
        devices = document.find('devices')
        for device in child:
            if device.tag == 'emulator':
                devices.remove(devices.find('emulator'))
            devices.append(copy.deepcopy(device))
    document.attrib.update({key: value for key, value in case.attrib.items() if key not in OWN})
    return document


def cases_of(area, bases, case, base):
    """The cases that an element stands for: one, or one for each word of its `each`."""
    words = case.get('each', '').split()
    name = case.attrib['name']
    if not words:
        yield Case(f'{area}/{name}', merged(bases[case.get('base') or base], case), case.get('refused') == 'yes', case.get('newer') == 'yes')
    said = {key: words if case.get(key) == 'yes' else case.get(key, '').split() for key in ('refused', 'newer')}
    assert set(said['refused'] + said['newer']) <= set(words) or not words, name
    text = ET.tostring(case, encoding='unicode')
    for word in words:
        one = ET.fromstring(text.replace('{}', word))
        yield Case(f'{area}/{name}-{word}', merged(bases[case.get('base') or base], one), word in said['refused'], word in said['newer'])


def load(folder=FOLDER):
    """All cases, in the order of their files."""
    bases = {os.path.basename(path)[:-4]: parsed(path) for path in glob.glob(os.path.join(folder, 'bases/*.xml'))}
    cases = []
    for path in sorted(glob.glob(os.path.join(folder, '*.xml'))):
        root, area = parsed(path), os.path.basename(path)[:-4]
        for case in root:
            assert case.tag == 'case', f'{path}: <{case.tag}>'
            cases += cases_of(area, bases, case, root.get('base'))
    for path in sorted(glob.glob(os.path.join(folder, 'whole/*.xml'))):
        cases.append(Case('whole/' + os.path.basename(path)[:-4], parsed(path)))
    assert len({case.name for case in cases}) == len(cases), 'a name stands twice'
    return cases


# What becomes of them

def lines(element, path=''):
    """A document as sorted-by-attribute lines: place in the tree, attributes, text. Order of elements counts."""
    here = f'{path}/{element.tag}'
    attributes = ' '.join(f"{k}='{v}'" for k, v in sorted(element.attrib.items()))
    yield f'{here} {attributes} {(element.text or "").strip()}'.rstrip()
    for child in element:
        yield from lines(child, here)


def described(text):
    return list(lines(ET.fromstring(text)))


class Refused:
    def __init__(self, error):
        self.code, self.message = error.code, error.message

    def __str__(self):
        return f'refused ({self.code}: {self.message})'


def defined(connection, document, flags=INACTIVE | SECURE):
    """What becomes of a document: its description, or Refused."""
    try:
        domain = connection.call('DOMAIN_DEFINE_XML_FLAGS', xml=document, flags=0)['dom']
    except wire.RemoteError as error:
        return Refused(error)
    text = connection.call('DOMAIN_GET_XML_DESC', dom=domain, flags=flags)['xml']
    connection.call('DOMAIN_UNDEFINE_FLAGS', dom=domain, flags=KEEP_NVRAM)
    return text


def ask_all(socket, protocol, cases, ask, revive=None):
    """What @ask(connection, document) makes of each case, by name. @revive, if any, is called when the daemon died of a case, which is
    left out then."""
    told, waiting = {}, list(cases)
    while waiting:
        with wire.Client(socket, protocol) as connection:
            connection.open()
            while waiting:
                case = waiting.pop(0)
                try:
                    told[case.name] = ask(connection, case.text)
                except wire.Closed:
                    assert revive, f'{case.name}: the daemon died of it'
                    print(f'{case.name}: the daemon died of it')
                    revive()
                    break
    return told


def define_all(socket, protocol, cases, revive=None):
    """What becomes of each case when it is defined, by name."""
    return ask_all(socket, protocol, cases, defined, revive)


def difference(ours, theirs):
    """Lines that only one side has: '- ' theirs, '+ ' ours."""
    ours, theirs = described(ours), described(theirs)
    found = [f'- {line}' for line in theirs if line not in ours] + [f'+ {line}' for line in ours if line not in theirs]
    return found or ([] if ours == theirs else [ORDER])


def leaves(element, path=''):
    """What a document says, as (path, value): attributes and texts. Where things stand in lists doesn't matter."""
    here = f'{path}/{element.tag}'
    for key, value in element.attrib.items():
        yield f'{here}@{key}', value
    if (element.text or '').strip():
        yield here, element.text.strip()
    elif not element.attrib and not len(element):
        yield here, ''
    for child in element:
        yield from leaves(child, here)


def lost(case, ours):
    """What was given and isn't told any more."""
    told = list(leaves(ET.fromstring(ours)))
    gone = []
    for leaf in leaves(case.document):
        if leaf in told:
            told.remove(leaf)
        else:
            gone.append(leaf)
    return gone


# Differences that are known

class Difference:
    """An entry of differences.toml: `case` is a pattern of names, `lines` are expressions for lines that differ, `refused` tells
    which side refuses ('ours', 'theirs'), or that both do with other codes ('codes')."""

    def __init__(self, entry):
        assert set(entry) in ({'case', 'reason', 'lines'}, {'case', 'reason', 'refused'}), entry
        assert len(entry['reason']) > 20, entry
        self.case, self.reason = entry['case'], entry['reason']
        self.unused = set(entry.get('lines') or [entry['refused']])
        self.lines, self.refused = entry.get('lines', []), entry.get('refused')

    def covers(self, name, line):
        """Whether this entry explains a line that differs, or a word of @refused."""
        if not fnmatch.fnmatch(name, self.case):
            return False
        fitting = {e for e in self.lines if re.fullmatch(e, line)} | ({self.refused} & {line})
        self.unused -= fitting
        return bool(fitting)


def differences(folder=FOLDER, name='differences.toml'):
    with open(os.path.join(folder, name), 'rb') as f:
        return [Difference(entry) for entry in tomllib.load(f).get('difference', [])]


def check_all_used(known, died):
    """Nothing is explained that agrees. Cases of which the reference @died tell nothing of theirs."""
    unused = [f'{entry.case}: {sorted(entry.unused)}' for entry in known if entry.unused and not fnmatch.filter(died, entry.case)]
    assert not unused, 'these agree now, so they need no explanation:\n' + '\n'.join(unused)


def compare(case, ours, theirs, known):
    """What is wrong with the two outcomes of a case, as lines of text."""
    def explained(line):
        return any([entry.covers(case.name, line) for entry in known])   # each of them is told

    sides = {'ours': ours, 'theirs': theirs}
    refusing = [side for side, outcome in sides.items() if isinstance(outcome, Refused)]
    if len(refusing) == 1 and not explained(refusing[0]):
        return [f'{refusing[0]} {sides[refusing[0]]}']
    if len(refusing) == 2 and ours.code != theirs.code and not explained('codes'):
        return [f'ours {ours}, theirs {theirs}']
    if refusing:
        return []
    return [line for line in difference(ours, theirs) if not explained(line)]


# Coverage of the schema

FORMATS = ['device', 'net-common', 'storage-common'], ['domain-storage', 'domain-char', 'domain-net', 'domain-display',
                                                       'domain-misc', 'domain']


def schema(of=None):
    """The tables of the domain, or of a format that has one file, as the generator sees them."""
    names, formats = (['common', of], [FORMATS[0], [of]]) if of else (['common', 'domain'], FORMATS)
    tables = check.Tables(names)
    for name, files in zip(names, formats):
        for file in files:
            path = os.path.join(support.SOURCE, 'schema', file + '.schema')
            with open(path, encoding='utf-8') as f:
                for item in parse.parse_file(f'schema/{file}.schema', f.read()):
                    tables.add(item, name)
    check.check(tables)
    return model.Model(tables)


def member_name(member):
    name = f'{member.prefix}:{member.name}' if member.prefix else member.name
    return f'{name}@{member.leaf}' if member.leaf else name or 'text'


class Coverage:
    """Which rows of the schema documents use: places (file, line), and for enums (file, line, value)."""

    def __init__(self, made):
        self.model, self.used, self.unknown, self.newest = made, set(), set(), (0, 0, 0)
        self.spaces = {uri: prefix for prefix, uri in made.tables.namespaces.items()}
        self.root = made.descs[made.tables.roots[0].type]

    def add(self, case):
        """Count a case. Gives the release that has all that it says."""
        self.newest = (0, 0, 0)
        self.walk(case.name, case.document, self.root, {}, case.document.tag)
        return self.newest

    def use(self, member, value=None):
        self.newest = max(self.newest, tuple(map(int, member.item.since.split('.'))))
        self.used.add(member.item.where)
        if member.enum and value is not None:
            self.used.add((*member.item.where, value.strip()))

    @staticmethod
    def meant(member, fields):
        if not member.when:
            return True
        path, mask, enum = member.when
        words = [word for word, _ in enum.words]
        value = fields.get(path)
        return bool(mask & (1 << (words.index(value) + 1 if value in words else 0)))

    def attributes(self, desc, element, fields):
        """Attributes and text of an element; @fields learns the values that conditions ask for."""
        for member in desc.members:
            if member.kind not in ('attr', 'text') or not self.meant(member, fields):
                continue
            value = element.get(member_name(member)) if member.kind == 'attr' else (element.text or '').strip() or None
            if value is not None:
                self.use(member, value)
            if member.enum:
                fields[member.path] = value if value is not None else member.item.opts.get('default')
        known = {m.name for m in desc.members if m.kind == 'attr'} | {'unit'}
        return set(element.attrib) - known

    def fitting(self, desc, child, fields):
        """The members that a child element may be, tried in order."""
        space, _, tag = child.tag.rpartition('}')
        prefix = self.spaces.get(space[1:], '')
        for member in desc.members:
            if member.names:
                fits = not prefix and tag in [word for word, _ in member.names[0].words]
            else:
                fits = member.kind in ('child', 'elem', 'list') and (member.prefix, member.name) == (prefix, tag)
            attribute, _, value = member.item.opts.get('match', '').partition(':')
            if attribute and (child.get(attribute) is None or value and child.get(attribute) != value):
                continue
            if fits and self.meant(member, fields):
                yield member

    def walk(self, case, element, desc, fields, path):
        for name in self.attributes(desc, element, fields):
            self.unknown.add(f'{case}: {path}@{name}')
        for child in element:
            found = False
            for member in self.fitting(desc, child, fields):
                found = True
                self.child(case, child, member, fields, f'{path}.{child.tag}')
            if not found:
                self.unknown.add(f'{case}: {path}.{child.tag}')

    def child(self, case, child, member, fields, path):
        if not member.desc:
            self.use(member, child.get(member.leaf) if member.leaf else child.text or '')
            return
        self.use(member)
        inner = fields
        if member.path:     # what is known of the struct that the child fills
            inner = {key[len(member.path) + 1:]: value for key, value in fields.items() if key.startswith(f'{member.path}.')}
        if member.names:
            inner[member.names[1]] = child.tag
        self.walk(case, child, member.desc, inner, path)

    def reachable(self):
        """The descriptors that a document without a running domain's parts reaches."""
        found = []

        def visit(desc):
            if desc in found:
                return
            found.append(desc)
            for member in desc.members:
                if member.desc and 'live' not in member.item.opts:
                    visit(member.desc)
        visit(self.root)
        return found

    def rows(self):
        """Places of all that a document may say: {(file, line): member}."""
        return {member.item.where: member for desc in self.reachable() for member in desc.members if 'live' not in member.item.opts}

    def missing(self):
        """Rows that no case has, and values of enums that none has, as text."""
        rows, values = [], []
        for place, member in self.rows().items():
            where = f'{":".join(map(str, place))}: {member.item.kind} {member_name(member)}'
            if place not in self.used:
                rows.append(where)
            for word, _ in member.enum.words if member.enum else []:
                if (*place, word) not in self.used:
                    values.append(f'{where}={word}')
        return rows, values


def uncovered(of, texts):
    """Rows and values of a format with one file that none of the documents (by name) has, and what they have that it hasn't."""
    coverage = Coverage(schema(of))
    for name, text in texts.items():
        coverage.add(Case(name, ET.fromstring(text)))
    rows, values = coverage.missing()
    return [row for row in rows + values if '/device.schema' not in row] + [str(u) for u in coverage.unknown]
