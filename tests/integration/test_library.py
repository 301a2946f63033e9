# SPDX-License-Identifier: LGPL-2.1-or-later
"""One program in C, compiled once, on our library with our daemon and on the reference's library with its daemon: what it sees must
be the same, but for what tests/library/differences.toml lists with a reason."""
import glob
import os
import re
import subprocess
import tempfile
import tomllib

import pytest

import support
from support import tree

HERE = os.path.join(support.SOURCE, 'tests/library')
SECONDS = 150


@pytest.fixture(scope='module')
def folder():
    """Where the program lies: readable for everybody, as a part of it isn't root."""
    path = os.path.join(support.BUILD, 'library-behaviours')
    os.makedirs(path, exist_ok=True)
    return path


@pytest.fixture(scope='module')
def program(folder):
    """The program, linked with our libraries; it starts with either."""
    try:
        libraries = [tree.place(support.BUILD, f'libvirt{name}.so.0') for name in ('-qemu', '-lxc', '')]
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))
    path = os.path.join(folder, 'behaviours')
    support.run(['gcc', '-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Werror', '-g', '-I', os.path.join(support.BUILD, 'include'),
                 *sorted(glob.glob(os.path.join(HERE, '*.c'))), '-o', path, *libraries, '-Wl,--unresolved-symbols=ignore-in-shared-libs',
                 '-lpthread'])
    return path


def seen(text):
    """{(section, label, how many of that label came before): value}, in order."""
    found, count, section = {}, {}, None
    for line in text.splitlines():
        if line.startswith('== '):
            section = line[3:]
        elif ': ' in line:
            label, _, value = line.partition(': ')
            number = count[section, label] = count.get((section, label), -1) + 1
            found[section, label, number] = value
    return found


def ours(program, daemon, folder):
    with tempfile.TemporaryDirectory(dir=folder) as work:
        os.chmod(work, 0o755)
        return seen(support.run([program, daemon.socket, work], env=support.our_library_environment(), seconds=SECONDS).stdout)


def theirs(program):
    if not support.reference_root():
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
    command = 'mkdir -m 755 /tmp/w && exec "$0" /run/libvirt/libvirt-sock /tmp/w'
    words = [os.path.join(support.SOURCE, 'tests/reference/enter'), '--bind', os.path.dirname(program), support.reference_root(),
             'sh', '-c', command, program]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return seen(done.stdout)


def known_differences():
    with open(os.path.join(HERE, 'differences.toml'), 'rb') as f:
        entries = tomllib.load(f)['difference']
    for entry in entries:
        assert set(entry) == {'section', 'label', 'reason'} and len(entry['reason']) > 10, entry
    return entries


def test_the_library_behaves_as_the_reference(program, daemon, folder):
    mine, other = ours(program, daemon, folder), theirs(program)
    assert len(other) > 1000, 'the program tells little'
    broken = [(key, side[key]) for side in (mine, other) for key in side if key[1] == 'child']
    assert not broken, f'a part of the program did not end well: {broken}'
    entries = known_differences()
    used, unknown = set(), []
    for key in dict.fromkeys([*other, *mine]):
        if mine.get(key) == other.get(key):
            continue
        section, label, number = key
        fitting = {n for n, e in enumerate(entries) if e['section'] == section and re.fullmatch(e['label'], label)}
        used |= fitting
        if not fitting:
            unknown.append(f'{section}: {label} [{number}]: ours {mine.get(key)}, theirs {other.get(key)}')
    assert not unknown, '\n'.join(unknown)
    stale = [f"{e['section']}: {e['label']}" for n, e in enumerate(entries) if n not in used]
    assert not stale, f'these agree now, so they need no exception: {stale}'
