# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 1800
"""Language bindings and tools as Debian ships them, on our library and our daemon: each program of tests/bindings/programs
prints what it sees, which must be what it sees with Debian's library but for what tests/bindings/differences.toml explains."""
import difflib
import functools
import glob
import os
import re
import subprocess
import tempfile
import tomllib

import pytest

import support
from support import tree

HERE = os.path.join(support.SOURCE, 'tests/bindings')
ROOT = os.environ.get('LIBVIRT_BINDINGS')
PROGRAMS = sorted(os.path.basename(p) for p in glob.glob(os.path.join(HERE, 'programs/*.*')))
IN_PROCESS, OVER_WIRE = 'test:///default', 'test+unix:///default?socket=/run/libvirt/libvirt-sock'
# Way: whose library, whose daemon (None: the driver in the program's process), and the way that it must equal.
WAYS = {
    'debian': ('debian', None, None),
    'debian-debian': ('debian', 'debian', None),
    'ours': ('ours', None, 'debian'),
    'ours-ours': ('ours', 'ours', 'debian-debian'),
    'debian-ours': ('debian', 'ours', 'debian-debian'),
    'ours-debian': ('ours', 'debian', 'debian-debian'),
}
# What runs with Debian's library alone: it has a client of the wire protocol of its own.
NOT_WITH_OUR_LIBRARY = {'wire.go'}
COMPARISONS = [(program, way) for program in PROGRAMS for way, (library, daemon, reference) in WAYS.items()
               if reference and (program not in NOT_WITH_OUR_LIBRARY or (library, daemon) == ('debian', 'ours'))]
PROGRAM_SECONDS = 150
# What was compared in this run, and the numbers of the entries of differences.toml that were needed for it.
COMPARED, USED = set(), set()
# Of each language (by the suffix of its programs): what its binding offers, and whether a program called it in some way.
OFFERED = {}

pytestmark = pytest.mark.skipif(
    not ROOT or not support.reference_root() or not os.path.exists(ROOT),
    reason='LIBVIRT_BINDINGS does not name a root made by tests/bindings/build, or not root')


def with_our_library():
    """Words for `enter` that show our library, and for `inside` that use it."""
    env = support.our_library_environment()
    binds = ['--bind', support.BUILD]
    preload = env.get('LD_PRELOAD', '')
    if preload:
        preload = os.path.realpath(preload)
        binds += ['--bind', preload]
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS'):
        options = env.get(name, '')
        binds += ['--env', f'{name}={options}']
        log = re.search(r'log_path=([^:]+)/', options)
        if log:
            binds += ['--bind', log.group(1)]
    return binds, [env['LD_LIBRARY_PATH'], preload]


def command_line(program, way, socket_folder, files):
    library, daemon, _ = WAYS[way]
    binds, uses = with_our_library() if library == 'ours' else ([], ['', ''])
    words = [os.path.join(support.SOURCE, 'tests/reference/enter'), '--bind', HERE, '--bind', files, '--env', f'BINDINGS_FILES={files}'] + binds
    if daemon != 'debian':
        words += ['--no-daemon']
    else:       # as ours, which has no user for guests: they reach what the program made
        words += ['--conf', 'user = "root"', '--conf', 'group = "root"']
    if daemon == 'ours':
        words += ['--run', socket_folder]
    return words + [ROOT, os.path.join(HERE, 'inside')] + uses + [OVER_WIRE if daemon else IN_PROCESS, program]


def note_calls(program, record):
    """A program leaves a line `+ NAME` or `- NAME` for everything that its binding offers: called or not."""
    calls = OFFERED.setdefault(os.path.splitext(program)[1], {})
    with open(record, encoding='utf-8') as f:
        for line in f:
            called, name = line.split()
            calls[name] = calls.get(name, False) or called == '+'


def output_of(program, way, socket_folder=None):
    with tempfile.TemporaryDirectory() as files:
        done = subprocess.run(command_line(program, way, socket_folder, files), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors='replace', timeout=PROGRAM_SECONDS, check=False)
        if os.path.exists(os.path.join(files, 'calls')):
            note_calls(program, os.path.join(files, 'calls'))
    assert done.returncode == 0, f'{program} {way}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}'
    return done.stdout


@functools.lru_cache(maxsize=None)
def reference_output(program, way):
    return output_of(program, way)


def sections(text):
    """Lines by section; a section begins with `== name`."""
    found, here = {}, None
    for line in text.splitlines():
        if line.startswith('== '):
            here = found.setdefault(line[3:], [])
        elif here is not None:
            here.append(line)
    return found


def differences(ours, theirs):
    """(section, line with + or -) of two texts."""
    ours, theirs = sections(ours), sections(theirs)
    for name in dict.fromkeys([*theirs, *ours]):
        for line in difflib.unified_diff(theirs.get(name, []), ours.get(name, []), lineterm='', n=0):
            if not line.startswith(('---', '+++', '@@')):
                yield name, line


class Known:
    """The differences that may be, from their file."""

    def __init__(self, program, way):
        with open(os.path.join(HERE, 'differences.toml'), 'rb') as f:
            self.entries = [(number, e) for number, e in enumerate(tomllib.load(f)['difference'])
                            if re.fullmatch(e.get('program', '.*'), program) and re.fullmatch(e.get('way', '.*'), way)]
        self.used = set()

    def explains(self, section, line):
        """`line` of an entry is how a line begins, `theirs` and `ours` what must follow in one that only one side has."""
        side = 'ours' if line[0] == '+' else 'theirs'
        for number, entry in self.entries:
            begins = re.match(entry.get('line', ''), line[1:])
            if re.fullmatch(entry.get('section', '.*'), section) and begins and re.match(entry.get(side, ''), line[1 + begins.end():]):
                self.used.add(number)
                return True
        return False


def compared(program, way, daemon):
    """Lines that nothing explains, of one run of each side; and the numbers of the entries that were needed."""
    theirs = reference_output(program, WAYS[way][2])
    assert sections(theirs), 'the program tells nothing'
    ours = output_of(program, way, os.path.dirname(daemon.socket) if daemon else None)
    known = Known(program, way)
    return [f'{section}: {line}' for section, line in differences(ours, theirs) if not known.explains(section, line)], known.used


@pytest.mark.parametrize('program,way', COMPARISONS)
def test_same_as_the_reference(program, way, request):
    daemon = request.getfixturevalue('daemon') if WAYS[way][1] == 'ours' else None
    unknown, used = compared(program, way, daemon)
    if unknown and 'debian' in (WAYS[way][1], WAYS[way][2].partition('-')[2]):
        # Debian's daemon drops the test driver's state with the last connection, while the next one may be there already.
        reference_output.cache_clear()
        unknown, used = compared(program, way, daemon)
    USED.update(used)
    COMPARED.add((program, way))
    assert not unknown, '\n'.join(unknown)


def entries_with_reasons(name, key, allowed):
    with open(os.path.join(HERE, name), 'rb') as f:
        entries = tomllib.load(f)[key]
    for entry in entries:
        assert set(entry) <= allowed, entry
        assert len(entry['reason']) > 10, entry
    return entries


def need_all_comparisons():
    if len(COMPARED) < len(COMPARISONS):
        pytest.skip('not all programs were compared in all ways, so an entry may look unused')


def test_known_differences_have_reasons_and_are_needed():
    entries = entries_with_reasons('differences.toml', 'difference', {'program', 'way', 'section', 'line', 'theirs', 'ours', 'reason'})
    need_all_comparisons()
    unused = [entry for number, entry in enumerate(entries) if number not in USED]
    assert not unused, f'entries that explain no difference any more: {unused}'


def test_everything_that_a_binding_offers_is_called():
    entries = entries_with_reasons('uncalled.toml', 'uncalled', {'language', 'call', 'reason'})
    need_all_comparisons()
    never = {(suffix, name) for suffix, calls in OFFERED.items() for name, called in calls.items() if not called}
    excused = {(suffix, name): number for number, entry in enumerate(entries) for suffix, name in never
               if suffix == entry['language'] and re.fullmatch(entry['call'], name)}
    assert set(OFFERED) >= {'.ml', '.php', '.pl', '.rb'}, 'a language keeps no record of its calls'
    assert never == set(excused), f'never called: {sorted(never - set(excused))}'
    unused = [entry for number, entry in enumerate(entries) if number not in excused.values()]
    assert not unused, f'entries that excuse nothing any more: {unused}'
