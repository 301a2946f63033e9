# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every public function is called in process and over the wire, on the test driver: with the same outcome, never as
unsupported if the driver has it, and counted. tests/every/ makes the calls; BUILD/tests/coverage/reached.md is the report."""
import os
import re
import sys
import tempfile

import pytest

import support
import wiretap
from support import tree

sys.path.insert(0, os.path.join(support.SOURCE, 'tests/coverage'))
import reached  # noqa: E402  pylint: disable=wrong-import-position

NO_SUPPORT = '3'
# Where the two may differ, and why.
DIFFERENT = {'virConnectSetKeepAlive': 'in process nothing is between program and driver that could go silent',
             'virConnectDomainQemuMonitorEventDeregister': 'a client looks for the registration before it asks'}
# What an entry point says of arguments that it refuses; such a call has not been made.
REFUSED = re.compile(r'invalid [\w ]* pointer in vir|\bin vir\w+ must |read only access')


def counted(folder, name, words):
    """Output of a program, and the file with the count of its calls."""
    tally = os.path.join(folder, f'{name}-{len(os.listdir(folder))}.tally')
    preload = [tree.place(support.BUILD, 'libtally.so')]
    if support.sanitized():
        preload.insert(0, support.run(['gcc', '-print-file-name=libasan.so']).stdout.strip())
    env = dict(os.environ, TALLY=tally, LD_PRELOAD=' '.join(preload))
    return support.run([tree.place(support.BUILD, name), *words], env=env, seconds=300).stdout, tally


def outcomes(text):
    """function -> 'ok', or the error's code and message."""
    lines = [line.split(' ', 1) for line in text.splitlines() if line.startswith('vir')]
    return {words[0]: words[1] for words in lines}


def code(outcome):
    return outcome.split(' ')[0]


class Runs:
    """All programs have run: what they said, and what was reached."""

    def __init__(self, folder, model):
        self.reached = reached.Reached(model)
        daemon = support.Daemon(os.path.join(folder, 'd')).start()
        tallies, taps = os.path.join(folder, 't'), os.path.join(folder, 's')
        os.mkdir(tallies)
        os.mkdir(taps)
        try:
            text, tally = counted(tallies, 'every', ['test:///default'])
            self.reached.add('in process', 'every', tally)
            self.here = outcomes(text)
            socket = os.path.join(taps, 'sock')
            with wiretap.WireTap(socket, daemon.socket) as tap:
                uri = f'test+unix:///default?socket={socket}'
                text, tally = counted(tallies, 'every', [uri])
                self.reached.add('over the wire', 'every', tally)
                self.there = outcomes(text)
                names = [f.name for f in model.functions if f.library == 'libvirt-qemu']
                text, tally = counted(tallies, 'every', [f'qemu+unix:///system?socket={socket}', *names])
                self.reached.add('over the wire', 'every on QEMU', tally)
                self.qemu = outcomes(text)
            self.reached.answered |= tap.answered
            admin = os.path.join(taps, 'admin')
            with wiretap.WireTap(admin, os.path.join(os.path.dirname(daemon.socket), 'libvirt-admin-sock')) as tap:
                text, tally = counted(tallies, 'every-admin', [f'libvirtd:///system?socket={admin}',
                                                               f'test+unix:///default?socket={daemon.socket}'])
                self.reached.add('over the wire', 'every-admin', tally)
                self.admin = outcomes(text)
            self.reached.answered |= tap.answered
            support.wait_for(lambda: not daemon.alive(), 20, 'the end of the daemon, which was asked for')
            self.status = daemon.process.returncode
        finally:
            if daemon.alive():
                daemon.stop()


@pytest.fixture(name='runs', scope='module')
def fixture_runs(protocol):
    with tempfile.TemporaryDirectory(prefix='e') as folder:
        return Runs(folder, protocol.model)


def drivers_of():
    """function -> the drivers that have it, by their tables."""
    report = support.run([tree.place(support.BUILD, 'api-coverage')], env=dict(
        os.environ, LIBVIRT_DRIVER_DIR=os.path.join(support.BUILD, 'src/drivers/qemu'))).stdout.splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in report if line.startswith('|')]
    return {row[0]: [name for name, cell in zip(rows[0][1:], row[1:]) if cell == '+'] for row in rows[2:]}


def test_same_in_process_and_over_the_wire(runs):
    assert len(runs.here) > 500 and runs.here.keys() == runs.there.keys()
    differ = {name: (here, runs.there[name]) for name, here in runs.here.items()
              if code(here) != code(runs.there[name]) and name not in DIFFERENT}
    assert not differ, '\n'.join(f'{name}: in process {a}; over the wire {b}' for name, (a, b) in differ.items())


def test_none_that_the_driver_has_is_unsupported(runs):
    have = {name for name, drivers in drivers_of().items() if 'TEST' in drivers}
    assert len(have) > 80
    for way in (runs.here, runs.there):
        refused = [f'{name}: {way[name]}' for name in have & way.keys() if code(way[name]) == NO_SUPPORT]
        assert not refused, '\n'.join(refused)
        assert not [name for name, outcome in way.items() if code(outcome) == '0'], 'a failure without an error'


def test_what_is_for_qemu_alone_works_there(runs):
    agent, attach = runs.qemu.pop('virDomainQemuAgentCommand'), runs.qemu.pop('virDomainQemuAttach')
    assert len(runs.qemu) == 4 and set(runs.qemu.values()) == {'ok'}
    assert 'agent' in agent and code(attach) == NO_SUPPORT


def test_administration_does_all_and_the_daemon_ends_well(runs):
    failed = [name for name, outcome in runs.admin.items() if outcome != 'ok']
    assert failed == ['virAdmServerUpdateTlsFiles'], 'but for that, as the daemon has no TLS'
    assert runs.status == 0


def test_every_function_is_reached_in_process_and_over_the_wire(runs):
    refused = [f'{name}: {text}' for way in (runs.here, runs.there) for name, text in way.items() if REFUSED.search(text)]
    assert not refused, 'these calls come no further than the entry point:\n' + '\n'.join(refused)
    path = os.path.join(support.BUILD, 'tests/coverage/reached.md')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(runs.reached.report(drivers_of()))
    missing = runs.reached.unreachable()
    assert not missing, f'unreachable (the report: {path}):\n' + '\n'.join(missing)
    assert not runs.reached.stale(), 'these go their own way by now, so instead.toml need not name them'


def test_a_function_that_nobody_calls_is_told(runs, tmp_path, protocol):
    _, tally = counted(tmp_path, 'every', ['test:///default', 'virDomainSuspend'])
    few = reached.Reached(protocol.model)
    few.add('in process', 'every', tally)
    missing = few.unreachable()
    assert 'virDomainSuspend over the wire' in missing and 'virDomainSuspend in process' not in missing
    assert 'virDomainResume in process' in missing and 'virAdmServerGetName in process' not in missing
    assert 'virDomainResume in process' in few.report({})
