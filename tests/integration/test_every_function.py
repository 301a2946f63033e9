# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every public function that a driver serves is called once in process and once over the wire, on the test driver: with the
same outcome, and never as unsupported if the driver has it. tests/every/ makes the calls."""
import os

import pytest

import support
from runner import tree

NO_SUPPORT = '3'
# Where the two may differ, and why.
DIFFERENT = {'virConnectSetKeepAlive': 'in process nothing is between program and driver that could go silent'}


def outcomes(uri, env=None):
    """function -> 'ok' or the error's code, and the lines for a message."""
    done = support.run([tree.place(support.BUILD, 'every'), uri], env=env, seconds=300)
    lines = [line.split(' ', 2) for line in done.stdout.splitlines() if line.startswith('vir')]
    return {words[0]: words[1] for words in lines}, {words[0]: ' '.join(words[1:]) for words in lines}


def served():
    """The functions that the test driver has, by its table."""
    report = support.run([tree.place(support.BUILD, 'api-coverage')], env=dict(
        os.environ, LIBVIRT_DRIVER_DIR=os.path.join(support.BUILD, 'src/drivers/qemu'))).stdout.splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in report if line.startswith('|')]
    column = rows[0].index('TEST')
    return {row[0] for row in rows[2:] if row[column] == '+'}


@pytest.fixture(name='uris')
def fixture_uris(daemon):
    return 'test:///default', f'test+unix:///default?socket={daemon.socket}'


def test_same_in_process_and_over_the_wire(uris):
    (here, text), (there, remote_text) = outcomes(uris[0]), outcomes(uris[1])
    assert len(here) > 380 and here.keys() == there.keys()
    differ = {name: (text[name], remote_text[name]) for name in here
              if here[name] != there[name] and name not in DIFFERENT}
    assert not differ, '\n'.join(f'{name}: in process {a}; over the wire {b}' for name, (a, b) in differ.items())


def test_none_that_the_driver_has_is_unreachable(uris):
    have = served()
    assert len(have) > 80
    for uri in uris:
        codes, text = outcomes(uri)
        refused = [f'{name}: {text[name]}' for name in have & codes.keys() if codes[name] == NO_SUPPORT]
        assert not refused, f'{uri}: ' + '\n'.join(refused)
        assert not [name for name, code in codes.items() if code == '0'], 'a failure without an error'
