# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Every public function is called in process and over the wire, on the test driver, and what is for domains on a guest of QEMU,
too: with the same outcome, never as unsupported if the driver has it, and counted. tests/every/ makes the calls;
BUILD/tests/coverage/reached.md is the report."""
import os
import re
import sys
import tempfile

import pytest

import every
import support
import wiretap
from every import NO_SUPPORT
from support import tree

sys.path.insert(0, os.path.join(support.SOURCE, 'tests/coverage'))
import reached  # noqa: E402  pylint: disable=wrong-import-position

# Where in process and over the wire may differ, and why.
DIFFERENT = {'virConnectSetKeepAlive': 'in process nothing is between program and driver that could go silent',
             'virConnectDomainQemuMonitorEventDeregister': 'a client looks for the registration before it asks'}
# What an entry point says of arguments that it refuses; such a call has not been made.
REFUSED = re.compile(r'invalid [\w ]* pointer in vir|\bin vir\w+ must |read only access')


class Runs:
    """All programs have run: what they said, and what was reached."""

    def __init__(self, folder, model):
        self.folder, self.model, self.reached = folder, model, reached.Reached(model)
        self.disk = os.path.join(folder, 'disk')
        with open(self.disk, 'wb') as f:
            f.truncate(1 << 20)
        daemon = support.Daemon(os.path.join(folder, 'd')).start()
        try:
            self.on_test_driver(daemon)
            self.on_qemu(daemon)
            self.administration(daemon)
            support.wait_for(lambda: not daemon.alive(), 20, 'the end of the daemon, which was asked for')
            self.status = daemon.process.returncode
        finally:
            if daemon.alive():
                daemon.stop()

    def run(self, way, name, words, title=None):
        tally = os.path.join(self.folder, 'tally')
        found = every.run(name, words, tally, self.disk)
        self.reached.add(way, title or name, tally)
        os.unlink(tally)
        return found

    def tapped(self, daemon_socket, way, name, words, title=None):
        """Through a socket that sees what is answered; SOCKET stands for it in the words."""
        path = os.path.join(self.folder, 'sock')
        with wiretap.WireTap(path, daemon_socket) as tap:
            found = self.run(way, name, [word.replace('SOCKET', path) for word in words], title)
        os.unlink(path)
        self.reached.answered |= tap.answered
        return found

    def on_test_driver(self, daemon):
        self.here = self.run('in process', 'every', ['test:///default'])
        self.there = self.tapped(daemon.socket, 'over the wire', 'every', ['test+unix:///default?socket=SOCKET'])

    def on_qemu(self, daemon):
        names = every.guest_functions(self.model)
        embedded = f'qemu:///embed?root={self.folder}/embedded'
        self.qemu_here = self.run('in process', 'every', [embedded, *names], 'every on QEMU')
        self.qemu_there = self.tapped(daemon.socket, 'over the wire', 'every', ['qemu+unix:///system?socket=SOCKET', *names],
                                      'every on QEMU')

    def administration(self, daemon):
        socket = os.path.join(os.path.dirname(daemon.socket), 'libvirt-admin-sock')
        self.admin = self.tapped(socket, 'over the wire', 'every-admin', [
            'libvirtd:///system?socket=SOCKET', f'test+unix:///default?socket={daemon.socket}'])


@pytest.fixture(name='runs', scope='module')
def fixture_runs(protocol):
    with tempfile.TemporaryDirectory(prefix='e') as folder:
        return Runs(folder, protocol.model)


def drivers_of():
    """function -> the drivers that have it, by their tables."""
    report = support.run([tree.place(support.BUILD, 'api-coverage')], env=dict(
        os.environ, LIBVIRT_DRIVER_DIR=tree.modules(support.BUILD))).stdout.splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in report if line.startswith('|')]
    return {row[0]: [name for name, cell in zip(rows[0][1:], row[1:]) if cell == '+'] for row in rows[2:]}


@pytest.mark.parametrize('driver', ['test', 'QEMU'])
def test_same_in_process_and_over_the_wire(runs, driver):
    here, there = (runs.here, runs.there) if driver == 'test' else (runs.qemu_here, runs.qemu_there)
    assert len(here) > (500 if driver == 'test' else 200) and here.keys() == there.keys()
    differ = [f'{name}: in process {" ".join(mine)}; over the wire {" ".join(there[name])}' for name, mine in here.items()
              if mine[0] != there[name][0] and name not in DIFFERENT]
    assert not differ, '\n'.join(differ)
    assert not [name for way in (here, there) for name, outcome in way.items() if outcome[0] == '0'], 'a failure without an error'


def test_none_that_the_driver_has_is_unsupported(runs):
    have = {name for name, drivers in drivers_of().items() if 'TEST' in drivers}
    assert len(have) > 80
    for way in (runs.here, runs.there):
        refused = [f'{name}: {way[name][1]}' for name in have & way.keys() if way[name][0] == NO_SUPPORT]
        assert not refused, '\n'.join(refused)


def test_what_is_for_qemu_alone_works_there(runs):
    names = {f.name for f in runs.model.functions if f.library == 'libvirt-qemu'}
    for way in (runs.qemu_here, runs.qemu_there):
        found = {name: way[name] for name in names}
        agent, attach = found.pop('virDomainQemuAgentCommand'), found.pop('virDomainQemuAttach')
        assert len(found) == 4 and {outcome[0] for outcome in found.values()} == {'ok'}
        assert 'agent' in agent[1] and attach[0] == NO_SUPPORT


def test_administration_does_all_and_the_daemon_ends_well(runs):
    failed = [name for name, outcome in runs.admin.items() if outcome[0] != 'ok']
    assert failed == ['virAdmServerUpdateTlsFiles'], 'but for that, as the daemon has no TLS'
    assert runs.status == 0


def test_every_function_is_reached_in_process_and_over_the_wire(runs):
    refused = [f'{name}: {outcome[1]}' for way in (runs.here, runs.there) for name, outcome in way.items() if REFUSED.search(outcome[1])]
    assert not refused, 'these calls come no further than the entry point:\n' + '\n'.join(refused)
    path = os.path.join(support.BUILD, 'tests/coverage/reached.md')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(runs.reached.report(drivers_of()))
    missing = runs.reached.unreachable()
    assert not missing, f'unreachable (the report: {path}):\n' + '\n'.join(missing)
    assert not runs.reached.stale(), 'these go their own way by now, so instead.toml need not name them'


def test_a_function_that_nobody_calls_is_told(tmp_path, protocol):
    every.run('every', ['test:///default', 'virDomainSuspend'], tmp_path / 'tally')
    few = reached.Reached(protocol.model)
    few.add('in process', 'every', tmp_path / 'tally')
    missing = few.unreachable()
    assert 'virDomainSuspend over the wire' in missing and 'virDomainSuspend in process' not in missing
    assert 'virDomainResume in process' in missing and 'virAdmServerGetName in process' not in missing
    assert 'virDomainResume in process' in few.report({})
