# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Networks on hosts with firewalld or with a name server of their own: they work, or the error names the cause."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import support
from netnode import BOOT_SECONDS, OUR_MARKS, ask_server, caught, network_xml, nic, nothing_left, rules, run_when_up, start_network, works
from netnode import connection, server      # pylint: disable=unused-import # noqa: F401
from support import wait_for, wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = OUR_MARKS
needs_firewalld = pytest.mark.skipif(not shutil.which('firewalld') or not shutil.which('dbus-daemon'), reason='firewalld is not installed')

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)

BUS = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>
'''


class Firewalld:
    """A firewalld of the test's own, on a bus of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = []
        os.makedirs(f'{folder}/etc/zones')
        shutil.copy(f'{support.SOURCE}/data/firewalld/libvirt.xml', f'{folder}/etc/zones')

    def start_bus(self):
        with open(f'{self.folder}/bus.conf', 'w', encoding='utf-8') as f:
            f.write(BUS.format(f'{self.folder}/bus'))
        self.spawn(['dbus-daemon', f'--config-file={self.folder}/bus.conf', '--nofork'])
        wait_for(lambda: os.path.exists(f'{self.folder}/bus'), 20, 'the bus')

    def spawn(self, words):
        self.programs.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))   # pylint: disable=consider-using-with

    def start(self):
        self.spawn(['firewalld', '--nofork', '--nopid', '--system-config', f'{self.folder}/etc', '--log-file', f'{self.folder}/log'])
        wait_for(lambda: self.say('--state', check=False).stdout.strip() == 'running', 60, 'firewalld')

    def stop(self):
        program = self.programs.pop()
        program.send_signal(signal.SIGTERM)
        program.wait(30)

    @staticmethod
    def say(*words, check=True):
        return support.run(['firewall-cmd', *words], check=check)

    def zone(self, bridge):
        return self.say('--get-zone-of-interface', bridge, check=False).stdout.strip()


@pytest.fixture
def firewalld(tmp_path, monkeypatch):
    made = Firewalld(str(tmp_path))
    monkeypatch.setenv('DBUS_SYSTEM_BUS_ADDRESS', f'unix:path={tmp_path}/bus')
    made.start_bus()
    made.start()
    yield made
    while made.programs:
        made.stop()
    support.run(['nft', 'flush', 'ruleset'])


@needs_firewalld
def test_firewalld(firewalld, guest_daemon, connection, boot_defined, server):
    """Bridges are in their zones, also after firewalld was read anew, restarted, and after the network's end; guests reach the world."""
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    assert firewalld.zone('virbr31') == 'libvirt'
    assert re.search(r'Zone: +libvirt\n', guest_daemon.virsh('net-info', 'n1'))
    _, log = boot_defined('one', devices=nic('n1', '52:54:00:00:31:01'), extra=run_when_up([ask_server()]))
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    assert support.file_has(log, 'you are 10.99.0.1')
    firewalld.say('--reload')
    wait_for(lambda: firewalld.zone('virbr31') == 'libvirt', 20, 'the zone after firewalld was read anew')
    firewalld.stop()
    wait_for(lambda: 'to_virbr31' in rules(), 10, 'our rules')
    firewalld.start()
    wait_for(lambda: firewalld.zone('virbr31') == 'libvirt' and 'to_virbr31' in rules(), 20, 'the zone after a restart of firewalld')
    network.destroy()
    assert firewalld.zone('virbr31') != 'libvirt'
    other = connection.networkDefineXML(network_xml('n2', 32).replace("<bridge stp", "<bridge name='virbr32' zone='trusted' stp"))
    other.create()
    assert firewalld.zone('virbr32') == 'trusted'
    other.destroy()
    bad = connection.networkDefineXML(network_xml('n3', 33).replace("<bridge stp", "<bridge name='virbr33' zone='nowhere' stp"))
    problem = str(caught(bad.create))
    assert "'nowhere'" in problem and "'n3'" in problem and 'firewalld' in problem and 'INVALID_ZONE' in problem
    nothing_left('virbr33', 'n3')


def test_bus_without_an_answer(tmp_path, monkeypatch, request):
    """A bus that takes connections and says nothing costs one wait, not one for each network and change."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f'{tmp_path}/bus')
        silent.listen()
        monkeypatch.setenv('DBUS_SYSTEM_BUS_ADDRESS', f'unix:path={tmp_path}/bus')
        opened = request.getfixturevalue('connection')
        begin = time.monotonic()
        for number in (31, 32, 33):
            start_network(opened, network_xml(f'n{number}', number))
        assert time.monotonic() - begin < 9


def test_no_firewalld(connection, guest):
    bad = connection.networkDefineXML(network_xml('n3', 33).replace("<bridge stp", "<bridge name='virbr33' zone='home' stp"))
    problem = str(caught(bad.create))
    assert "'home'" in problem and 'firewalld' in problem
    nothing_left('virbr33', 'n3')


@pytest.fixture
def name_server():
    """Starts a name server of the host's own, as people have them."""
    programs = []

    def start(*words):
        programs.append(subprocess.Popen(['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file', '--no-resolv', '--no-hosts',     # pylint: disable=consider-using-with
                                          *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_for(lambda: ':53 ' in support.run(['ss', '-Hlun']).stdout, 20, 'the name server')
        return programs[-1].pid
    yield start
    for program in programs:
        program.terminate()
        program.wait(20)


@pytest.mark.parametrize('how', [[], ['--bind-dynamic']], ids=['everywhere', 'on addresses as they come'])
def test_other_name_server(connection, name_server, how):
    """One on all addresses is in the way of ours, and so is one that takes each new address; it is named, and how to mend that."""
    support.run(['ip', 'link', 'set', 'lo', 'up'])
    pid = name_server(*how)
    network = connection.networkDefineXML(network_xml('n1', 31, bridge='virbr31'))
    problem = str(caught(network.create))
    assert "'n1'" in problem and '53' in problem and f"'dnsmasq' (process {pid})" in problem, problem
    assert "'bind-dynamic' and 'except-interface=virbr31' for dnsmasq" in problem, problem
    nothing_left('virbr31', 'n1')


@pytest.mark.parametrize('how', [['--bind-interfaces', '--listen-address=127.0.0.1'], ['--bind-dynamic', '--except-interface=virbr31']],
                         ids=['on its address', 'all but the bridge'])
def test_name_server_beside(connection, boot_defined, server, name_server, how):
    """One that leaves the bridge alone is in nobody's way."""
    support.run(['ip', 'link', 'set', 'lo', 'up'])
    name_server(*how)
    works(connection, boot_defined)
