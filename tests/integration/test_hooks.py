# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Programs of the administrator's that the daemon runs: when, with what, and what their failure does."""
import os
import signal
import xml.etree.ElementTree as ElementTree

import pytest

import support
from netnode import caught, network_xml, nic, nothing_left
from netnode import connection      # pylint: disable=unused-import # noqa: F401
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='bridges can be made by root only'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about our own daemon')]

libvirt.registerErrorHandler(lambda *_: None, None)

# Notes its arguments, session and input down. Fails at what stands in the file "fail".
HOOK = '''#!/bin/sh
d={folder}; n=$(ls $d | wc -l)
cat > $d/$(printf %03d $n).xml
line="{name} $* $(ps -o sid= -p $$ | tr -d ' ') $$"
echo "$line" >> $d/../calls
echo "saw $*"
if grep -qx "$2" $d/../fail 2>/dev/null; then echo "not $2 today" >&2; exit 3; fi
'''


class Hooks:
    def __init__(self, daemon, folder):
        self.root, self.folder = os.path.join(daemon.root, 'etc/libvirt/hooks'), folder
        self.file, self.at = f'{folder}/calls', 0
        os.makedirs(f'{folder}/input')
        os.makedirs(self.root, exist_ok=True)

    def add(self, name, label=None):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(HOOK.format(folder=f'{self.folder}/input', name=label or name))
        os.chmod(path, 0o755)
        return path

    def fail(self, *operations):
        with open(f'{self.folder}/fail', 'w', encoding='utf-8') as f:
            f.writelines(f'{o}\n' for o in operations)

    def calls(self):
        """What was called since the last time; each in a session of its own. A line that is still being written comes next time."""
        if not support.file_has(self.file, '\n', self.at):
            return []
        with open(self.file, 'rb') as f:
            f.seek(self.at)
            text = f.read()
        whole = text[:text.rindex(b'\n') + 1]
        self.at += len(whole)
        lines = [line.split() for line in whole.decode().splitlines()]
        assert all(line[-1] == line[-2] for line in lines), lines
        return [' '.join(line[:-2]) for line in lines]

    def wait(self):
        wait_for(lambda: support.file_has(self.file, '\n', self.at), what='the hook')

    def last_input(self):
        name = max(os.listdir(f'{self.folder}/input'))
        return ElementTree.parse(f'{self.folder}/input/{name}').getroot()


@pytest.fixture
def hooks(guest_daemon, tmp_path):
    return Hooks(guest_daemon, str(tmp_path))


def test_network(hooks, connection, guest):
    hooks.add('network')
    hooks.add('network.d/20-b')
    hooks.add('network.d/10-a')
    with open(os.path.join(hooks.root, 'network.d/30-not'), 'w', encoding='utf-8') as f:
        f.write('no program')
    network = connection.networkDefineXML(network_xml('n1', 31, bridge='virbr31'))
    network.create()
    assert hooks.calls() == [f'{who} n1 {what} begin -' for what in ('start', 'started') for who in ('network', 'network.d/10-a', 'network.d/20-b')]
    assert hooks.last_input().tag == 'hookData' and hooks.last_input().find('network/name').text == 'n1'
    os.unlink(os.path.join(hooks.root, 'network.d/10-a'))
    os.unlink(os.path.join(hooks.root, 'network.d/20-b'))
    domain = connection.createXML(support.domain_xml('a', devices=nic('n1', '52:54:00:00:31:01')), libvirt.VIR_DOMAIN_START_PAUSED)
    assert hooks.calls() == ['network n1 port-created begin -']
    assert hooks.last_input().find('networkport/owner/name').text == 'a'
    domain.destroy()
    wait_for(lambda: not network.listAllPorts(), 10, 'the port to go')
    assert hooks.calls() == ['network n1 port-deleted begin -']
    network.update(libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1,
                   "<host mac='52:54:00:00:31:09' ip='192.168.31.9'/>", libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE)
    assert hooks.calls() == ['network n1 updated begin -']
    hooks.fail('port-created')
    problem = str(caught(connection.createXML, support.domain_xml('b', devices=nic('n1', '52:54:00:00:31:01'))))
    assert os.path.join(hooks.root, 'network') in problem and 'not port-created today' in problem
    assert not network.listAllPorts()
    hooks.calls()
    hooks.fail('stopped')
    network.destroy()
    assert hooks.calls() == ['network n1 stopped end -'] and not network.isActive()
    for operation, then in (('start', ['start begin']), ('started', ['start begin', 'started begin', 'stopped end'])):
        hooks.fail(operation)
        problem = caught(network.create)
        assert problem.get_error_code() == libvirt.VIR_ERR_HOOK_SCRIPT_FAILED and f'not {operation} today' in str(problem)
        assert hooks.calls() == [f'network n1 {what} -' for what in then]
        nothing_left('virbr31', 'n1')


def test_guest(hooks, guest_daemon, connection, guest):
    hooks.add('qemu')
    domain = connection.createXML(support.domain_xml('a'), libvirt.VIR_DOMAIN_START_PAUSED)
    assert hooks.calls() == [f'qemu a {what} begin -' for what in ('prepare', 'start', 'started')]
    assert hooks.last_input().find('name').text == 'a'
    guest_daemon.crash()
    guest_daemon.restart()
    hooks.wait()
    assert hooks.calls() == ['qemu a reconnect begin -']
    again = libvirt.open(guest_daemon.uri)
    again.lookupByName('a').destroy()
    wait_for(lambda: not again.numOfDomains(), 10, 'the guest to end')
    calls = []
    wait_for(lambda: calls.extend(hooks.calls()) or len(calls) == 2, 10, 'the hooks at its end')
    assert calls == ['qemu a stopped end -', 'qemu a release end -']
    for operation in ('prepare', 'start', 'started'):
        hooks.fail(operation)
        problem = caught(again.createXML, support.domain_xml('a'))
        assert problem.get_error_code() == libvirt.VIR_ERR_HOOK_SCRIPT_FAILED and f'not {operation} today' in str(problem)
        assert not again.numOfDomains()
    again.close()
    del domain


def test_daemon(hooks, guest_daemon, connection):
    hooks.add('daemon')
    guest_daemon.crash()
    guest_daemon.restart()
    hooks.wait()
    assert hooks.calls() == ['daemon - start - start']
    guest_daemon.process.send_signal(signal.SIGHUP)
    hooks.wait()
    assert hooks.calls() == ['daemon - reload begin SIGHUP']
    guest_daemon.process.send_signal(signal.SIGTERM)
    guest_daemon.process.wait(30)
    assert hooks.calls() == ['daemon - shutdown - shutdown']
    guest_daemon.restart()
