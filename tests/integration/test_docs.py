# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documentation says is so: links lead somewhere, commands, options and configuration keys exist, examples are
valid and run, messages are those that are printed, what is said not to work yet doesn't, and every program has a manual page
with all its options.

How a page marks what it shows: a block ```virsh is typed into one virsh shell on test:///default, all of a page in one
session; ```xml NAME is a file for it; ```conf FILE holds settings of FILE; commands stand in ```sh blocks and in `backticks`;
the table behind <!-- coverage --> ends its rows with a function."""
import errno
import glob
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys

import pytest

import support
from support import BUILD, SOURCE, tree

sys.path.insert(0, os.path.join(SOURCE, 'config'))
from confgen.parse import parse as conf_table  # noqa: E402  pylint: disable=wrong-import-position

PAGES = ['README.md', 'CONTRIBUTING.md'] + sorted(
    os.path.relpath(path, SOURCE) for path in glob.glob(os.path.join(SOURCE, 'docs/*.md')))
FENCE = re.compile(r'^```(.*)$')
LINK = re.compile(r'(?<!`)\[[^\]\n]+\]\(([^)\s]+)\)')
SPAN = re.compile(r'`([^`\n]+)`')
SNAKE = re.compile(r'[a-z]+(_[a-z]+)+')
TOP = ('api', 'schema', 'config', 'data', 'docs', 'include', 'src', 'tools', 'tests', 'build')
READMES = sorted(os.path.relpath(path, SOURCE) for top in TOP[:-1]
                 for path in glob.glob(os.path.join(SOURCE, top, '**/README.md'), recursive=True))
PROGRAMS = ('virsh', 'virt-admin')
VALUED = {'-c', '-d', '-e', '-k', '-K', '-l'}      # options of the programs themselves that take the next word
COVERAGE = {'yes': '+', 'not yet': ''}


def read(page):
    with open(os.path.join(SOURCE, page), encoding='utf-8') as f:
        return f.read()


class Page:
    """A page in parts: prose, and fenced blocks as (first line behind the fence, text)."""

    def __init__(self, text):
        self.prose, self.blocks, inside = [], [], None
        for line in text.split('\n'):
            fence = FENCE.match(line)
            if fence and inside is None:
                inside = (fence.group(1), [])
            elif fence:
                self.blocks.append((inside[0], '\n'.join(inside[1]) + '\n'))
                inside = None
            else:
                (self.prose if inside is None else inside[1]).append(line)
        assert inside is None, 'a block has no end'
        self.paragraphs = [' '.join(part.split()) for part in re.split(r'\n\s*\n', '\n'.join(self.prose))]
        self.spans = [span for part in self.paragraphs for span in SPAN.findall(part)]

    def of(self, language):
        """(name, text) of the blocks in a language."""
        return [(info.partition(' ')[2], text) for info, text in self.blocks if info.split(' ')[0] == language]


def anchors(text):
    heads = re.findall(r'(?m)^#+ (.*)$', '\n'.join(Page(text).prose))
    return {re.sub(r'[^a-z0-9 _-]', '', head.lower()).replace(' ', '-') for head in heads}


def broken_links(page, text):
    for target in LINK.findall('\n'.join(Page(text).prose)):
        path, _, anchor = target.partition('#')
        if re.match(r'[a-z]+:', target):
            continue
        place = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(os.path.join(SOURCE, place)):
            yield f'{page}: no {target}'
        elif page.startswith('docs/') and not place.startswith('docs/'):
            yield f'{page}: {target} leaves docs/, which is installed alone'
        elif anchor and anchor not in anchors(text if place == page else read(place)):
            yield f'{page}: no heading for {target}'


def test_links_lead_somewhere():
    assert len(READMES) > 10
    assert [wrong for page in PAGES + READMES for wrong in broken_links(page, read(page))] == []


def missing_places(page, text):
    """Files and folders of the tree, or of the build, that are named in backticks."""
    for word in Page(text).spans:
        first, slash, rest = word.partition('/')
        if first not in TOP or not slash or not re.fullmatch(r'[\w./*-]*', rest) or re.search('[A-Z]{3}', rest):
            continue
        root, path = (BUILD, rest) if first == 'build' else (SOURCE, word)
        if not glob.glob(os.path.join(root, path)):
            yield f'{page}: no {word}'


def test_places_exist():
    assert [wrong for page in PAGES for wrong in missing_places(page, read(page))] == []


@pytest.fixture(scope='module')
def tables():
    """program -> name of a command -> the command."""
    found = {}
    # Not by name: the API's generator, which other tests import, has a module of this name, too.
    spec = importlib.util.spec_from_file_location('cmdgen_model', os.path.join(SOURCE, 'tools/cmdgen/model.py'))
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    for program in PROGRAMS:
        commands = [c for g in model.load(os.path.join(SOURCE, 'tools', program, 'commands')) for c in g.commands]
        found[program] = {name: command for command in commands for name in [command.name] + command.aliases}
    return found


def calls_of(text):
    """(program, words behind it) of all calls in a shell line."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars='|&;<>()')
    lexer.whitespace_split = True
    found = None
    for word in [*lexer, ';']:
        if re.fullmatch(r'[|&;<>()]+', word):
            if found:
                yield found
            found = None
        elif found:
            found[1].append(word)
        elif os.path.basename(word) in PROGRAMS:
            found = (os.path.basename(word), [])


def wrong_words(commands, words):
    """What a command line has that the tables don't know."""
    words = list(words)
    while words and words[0].startswith('-'):
        first = words.pop(0)
        if first in VALUED or first == '--timeout':
            del words[:1]
    if not words:
        return None
    if len(words) == 1 and ' ' in words[0]:
        lines = [shlex.split(part, comments=True) for part in words[0].split(';')]
        return next((wrong for wrong in (wrong_words(commands, line) for line in lines) if wrong), None)
    command = commands.get(words[0])
    if command is None:
        return f'no command {words[0]}'
    known = {o.name for o in command.options} | {a[0] for a in command.option_aliases} | {'help'}
    known |= {'format'} if command.json else set()
    return next((f'{words[0]} has no {word}' for word in words[1:]
                 if word.startswith('--') and word[2:].partition('=')[0] not in known), None)


def shown_lines(page):
    for _, text in page.of('sh'):
        yield from text.split('\n')
    yield from (line for line in page.prose if line.startswith('    '))
    for span in page.spans:
        quoted = re.findall(r"'((?:virsh|virt-admin) [^']*)'", span)    # a message that names a command
        yield from quoted or ([span] if re.search(r'\b(virsh|virt-admin) ', span) else [])


def wrong_commands(name, text, tables):
    page = Page(text)
    for line in shown_lines(page):
        try:
            calls = list(calls_of(re.sub(r'(^|\s)#.*', '', line)))
        except ValueError as problem:
            yield f'{name}: {line}: {problem}'
            continue
        for program, words in calls:
            wrong = wrong_words(tables[program], words)
            if wrong:
                yield f'{name}: {line}: {wrong}'
    for line in (line for _, text in page.of('virsh') for line in text.split('\n') if line):
        wrong = wrong_words(tables['virsh'], shlex.split(line))
        if wrong:
            yield f'{name}: {line}: {wrong}'


def test_commands_and_options_exist(tables):
    assert [wrong for page in PAGES for wrong in wrong_commands(page, read(page), tables)] == []


def conf_tables():
    """file -> key -> its row."""
    found = {}
    for path in glob.glob(os.path.join(SOURCE, 'config/*.conf-table')):
        table = conf_table(path, os.path.basename(path))
        found[table.file] = {key.name: key for key in table.keys}
    return found


def wrong_keys(name, text, known):
    page = Page(text)
    for paragraph in page.paragraphs:
        spans = SPAN.findall(paragraph)
        files = [span for span in map(os.path.basename, spans) if span in known]
        keys = set().union(*(known[file] for file in files))
        yield from (f'{name}: no key {span} in {files}' for span in spans
                    if files and SNAKE.fullmatch(span) and span not in keys)
    for file, text in page.of('conf'):
        for key in re.findall(r'(?m)^(\w+) *=', text):
            row = known[file].get(key)
            if row is None or row.state != 'works':
                yield f'{name}: {key} in {file} ' + ('has no effect' if row else 'is no key')


def test_configuration_keys_exist_and_work():
    known = conf_tables()
    assert [wrong for page in PAGES for wrong in wrong_keys(page, read(page), known)] == []


def test_mistakes_would_be_seen(tables):
    """The checks above find what they are for."""
    def count(found):
        return len(list(found))
    text = '# Some Head\n[a](nosuch.md) [b](guide.md#nosuch) [c](#some-head) [d](../check)'
    assert count(broken_links('docs/guide.md', text)) == 3
    assert count(missing_places('x', '`src/nosuch.c` `tests/unit/*.nosuch` `src/base` `docs/NAME.md`')) == 2
    text = ('`virsh lists` `virsh list --al`\n```sh\nfalse || sudo virsh -c x -q nosuch | cat\nvirsh list --all  # virsh nosuch\n'
            "virsh --timeout 5 'list; nosuch'\nvirt-admin list\n```\n```virsh\nstart web --nosuch\n```\n")
    assert count(wrong_commands('x', text, tables)) == 6
    text = ('`log_levels` in `libvirtd.conf`\n\n`log_levels`\n'
            '```conf libvirtd.conf\naccess_drivers = [ "polkit" ]\nnosuch = 2\nlog_level = 1\n```\n')
    assert count(wrong_keys('x', text, conf_tables())) == 3


def built(name):
    try:
        return tree.place(BUILD, name)
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))


@pytest.fixture(params=[page for page in PAGES if Page(read(page)).of('virsh') or Page(read(page)).of('xml')])
def shown(request, tmp_path):
    """A page with examples, and a folder with its files."""
    page = Page(read(request.param))
    for name, text in page.of('xml'):
        (tmp_path / name).write_text(text)
    return page


def test_examples_run(shown, tmp_path):
    """Each line on its own must succeed: the shell itself goes on after an error, and forgets it."""
    lines = [line for _, text in shown.of('virsh') for line in text.split('\n') if line]
    assert lines
    done = subprocess.run([built('virsh'), '-q', '-c', 'test:///default'], input='\n'.join(lines) + '\n', text=True,
                          capture_output=True, timeout=120, cwd=tmp_path, check=False)
    assert (done.stderr, done.returncode) == ('', 0), done.stdout + done.stderr
    assert done.stdout.count('virsh # ') == len(lines) + 1


def test_documents_are_valid(shown, tmp_path):
    for name, _ in shown.of('xml'):
        support.run([os.path.join(BUILD, 'tools/virt-xml-validate'), '-s', os.path.join(BUILD, 'schema'),
                     str(tmp_path / name)])


GUESTS = [name for name, text in Page(read('docs/guide.md')).of('xml') if "<domain type='qemu'>" in text]


@pytest.mark.parametrize('name', GUESTS)
def test_guests_start(name, daemon, tmp_path):
    """Those of the guide, on images of their own."""
    text = dict(Page(read('docs/guide.md')).of('xml'))[name]
    for number, image in enumerate(re.findall("source file='([^']*)'", text)):
        own = str(tmp_path / str(number))
        support.run(['qemu-img', 'create', '-q', '-f', 'raw' if image.endswith('.iso') else 'qcow2', own, '1M'])
        text = text.replace(image, own)
    (tmp_path / name).write_text(text)
    daemon.virsh('define', str(tmp_path / name), '--validate')
    domain = re.search('<name>(.*)</name>', text).group(1)
    daemon.virsh('start', domain, '--paused')
    assert daemon.virsh('domdisplay', domain).startswith('vnc://')
    more = str(tmp_path / 'more')
    support.run(['qemu-img', 'create', '-q', '-f', 'raw', more, '1M'])
    daemon.virsh('attach-disk', domain, more, 'vdy', '--live')
    daemon.virsh('destroy', domain)
    daemon.virsh('undefine', domain)


def test_settings_are_taken(tmp_path):
    """The daemon itself finds nothing to say about the settings that are shown for it (in a group that is there)."""
    for page in PAGES:
        for file, text in Page(read(page)).of('conf'):
            if file == 'libvirtd.conf':
                (tmp_path / file).write_text(text.replace('"libvirt"', '"root"'))
                out = support.run([built('libvirtd'), '--root', str(tmp_path / 'r'), '--check', '--config',
                                   str(tmp_path / file)]).stdout
                assert ', 0 problems' in out, out


def test_what_works_is_what_the_drivers_have():
    env = dict(os.environ, LIBVIRT_DRIVER_DIR=tree.modules(BUILD))
    report = support.run([built('api-coverage')], env=env).stdout
    heads = next(cells for cells in rows(report) if cells[0] == 'function')
    have = {cells[0]: {'test': cells[heads.index('TEST')], 'qemu': cells[heads.index('QEMU')]} for cells in rows(report)
            if cells[0].startswith('vir')}
    said = rows(read('docs/guide.md').partition('<!-- coverage -->')[2])
    said = [cells for cells in said if len(cells) == 4 and cells[3].startswith('`')]
    assert len(said) > 10
    wrong = []
    for what, test, qemu, function in said:
        real = have[function.strip('`')]
        if (COVERAGE[test], COVERAGE[qemu]) != (real['test'], real['qemu']):
            wrong.append(f'{what} ({function}): test driver {real["test"] or "not yet"}, QEMU {real["qemu"] or "not yet"}')
    assert not wrong, 'docs/guide.md, "Not yet", is not up to date: ' + '; '.join(wrong)


def test_messages_that_are_explained_exist():
    """Those in the guide's table of errors, in pieces between what differs."""
    texts = os.strerror(errno.EACCES).encode()
    for where in ('libvirt.so.0', 'libvirt_driver_qemu.so'):
        with open(os.path.join(tree.modules(BUILD), where), 'rb') as f:
            texts += f.read()
    table = read('docs/guide.md').partition('| you see | do |')[2].partition('\n\n')[0]
    messages = [cells[0].strip('`') for cells in rows(table)[1:]]
    pieces = [piece.strip() for message in messages for piece in re.split("[…:;()']+", message) if len(piece.strip()) > 6]
    assert len(messages) > 5 and len(pieces) > len(messages)
    assert [piece for piece in pieces if piece.encode() not in texts] == []


def rows(text):
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in text.split('\n') if line.startswith('|')]


def installed():
    """What `meson install` would make: where it goes -> where it is in the build."""
    with open(os.path.join(BUILD, 'meson-info/intro-installed.json'), encoding='utf-8') as f:
        return {place: made for made, place in json.load(f).items()}


def test_every_program_has_a_manual_with_its_options():
    places = installed()
    manuals = {os.path.basename(place)[:-2]: made for place, made in places.items() if '/man/man' in place}
    programs = {os.path.basename(place): made for place, made in places.items()
                if os.path.dirname(place).endswith(('/bin', '/sbin'))}
    assert len(programs) > 5 and sorted(programs.keys() - manuals.keys()) == []
    wrong = []
    for name, path in programs.items():
        text = support.run([path, '--help']).stdout
        own = text.partition('commands (non interactive mode)')[0]
        options = set(re.findall(r'(?m)^\s+(?:-\w\s*[,|]\s*)?(--[a-z][a-z-]+)', own))
        with open(manuals[name], encoding='utf-8') as f:
            told = set(re.findall(r'--[a-z][a-z-]+', f.read().replace('\\-', '-').partition('.SH COMMANDS')[0]))
        wrong += [f'{name}: {option}' for option in sorted(options - told)]
        assert options, text
    assert not wrong, 'options that their manual pages do not have'
