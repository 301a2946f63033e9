# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 120
"""What networks promise, as it is seen from outside: addresses and ports of translated connections, answers of the name server, what
nss_libvirt finds. A namespace on the bridge takes the guest's place."""
import json
import os
import shutil
import subprocess
import sys
import uuid

import pytest

import support
from netnode import SERVER, SERVER_PORT, network_xml, start_network
from netnode import connection, firewall, server      # pylint: disable=unused-import # noqa: F401
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='bridges can be made by root only'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about parts that only ours has')]

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)

# So many connections that are open at the same time, and what the server says to each.
ASK = f'''
import json, socket, sys
held, said = [], []
for _ in range(int(sys.argv[1])):
    s = socket.create_connection(('{SERVER}', {SERVER_PORT}), 5)
    held.append(s)
    said.append(s.makefile().readline().split()[2:])
print(json.dumps(said))
'''


@pytest.fixture
def stranger():
    """A host on a bridge, which has an address and the bridge's as its router: runs what it is given."""
    made = []

    def plug(bridge, address, router):
        space = f'guest{uuid.uuid4().hex[:6]}'
        support.run(['ip', 'netns', 'add', space])
        made.append(space)
        inside = ['ip', 'netns', 'exec', space]
        support.run(['ip', 'link', 'add', 'far0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space])
        support.run(['ip', 'link', 'set', 'far0', 'master', bridge, 'up'])
        for words in (['address', 'add', f'{address}/24', 'dev', 'eth0'], ['link', 'set', 'eth0', 'up'], ['link', 'set', 'lo', 'up'],
                      ['route', 'add', 'default', 'via', router]):
            support.run([*inside, 'ip', *words])
        wait_for(lambda: subprocess.run([*inside, 'ping', '-c', '1', '-W', '1', router] if shutil.which('ping') else [*inside, 'true'],
                                        stdout=subprocess.DEVNULL, check=False).returncode == 0, 20, 'the bridge')
        return lambda *words, check=True: support.run([*inside, *words], check=check)
    yield plug
    for space in made:
        support.run(['ip', 'netns', 'delete', space])


def test_ports_and_addresses(connection, server, stranger):
    """Sources are within the ranges; other connections than TCP's and UDP's are translated too."""
    for address in ('10.99.0.5/24', '10.99.0.6/24'):
        support.run(['ip', 'address', 'add', address, 'dev', 'up0'])
    nat = "<nat><address start='10.99.0.5' end='10.99.0.6'/><port start='4000' end='4019'/></nat>"
    xml = network_xml('n1', 31, bridge='virbr31').replace("<forward mode='nat'/>", f"<forward mode='nat'>{nat}</forward>")
    network = start_network(connection, xml)
    ask = stranger('virbr31', '192.168.31.50', '192.168.31.1')
    said = json.loads(ask(sys.executable, '-c', ASK, '12').stdout)
    assert {address for address, _ in said} <= {'10.99.0.5', '10.99.0.6'}, said
    assert all(4000 <= int(port) <= 4019 for _, port in said), said
    network.destroy()
    network.undefine()
    xml = xml.replace("<address start='10.99.0.5' end='10.99.0.6'/>", '')
    start_network(connection, xml)
    support.run(['ip', 'link', 'set', 'far0', 'master', 'virbr31'])
    ask('ip', 'neighbour', 'flush', 'all')      # this definition's bridge has another hardware address
    said = json.loads(ask(sys.executable, '-c', ASK, '12').stdout)
    assert {address for address, _ in said} == {'10.99.0.1'} and len({port for _, port in said}) == 12
    assert all(4000 <= int(port) <= 4019 for _, port in said), said
    # more than there are ports
    assert ask(sys.executable, '-c', ASK, '40', check=False).returncode != 0


@pytest.mark.skipif(not shutil.which('dig'), reason='bind9-dnsutils is not installed')
def test_name_server(connection, server, stranger):
    """Records and forwarders are answered as defined; names of the network's own domain are never asked elsewhere."""
    inside = ['ip', 'netns', 'exec', server]
    far = subprocess.Popen([*inside, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file', '--no-resolv', '--no-hosts',  # pylint: disable=consider-using-with
                            '--address=/far.corp/192.0.2.7', '--address=/lost.lan/192.0.2.9'], stderr=subprocess.DEVNULL)
    try:
        dns = f"""<dns><forwarder domain='corp' addr='{SERVER}'/>
          <txt name='note.lan' value='hello there'/>
          <srv service='ldap' protocol='tcp' domain='lan' target='one.lan' port='389' priority='10' weight='20'/>
          <host ip='192.168.31.77'><hostname>named</hostname><hostname>alias</hostname></host></dns>"""
        hosts = "<host mac='52:54:00:00:31:01' name='one' ip='192.168.31.11'/>"
        start_network(connection, network_xml('n1', 31, bridge='virbr31', more=dns, hosts=hosts))
        ask = stranger('virbr31', '192.168.31.50', '192.168.31.1')

        def dig(*words):
            return ask('dig', '+short', '+tries=2', '+time=3', '@192.168.31.1', *words, check=False).stdout.split('\n')[0]
        wait_for(lambda: dig('TXT', 'note.lan') == '"hello there"', 20, 'the name server')
        assert dig('SRV', '_ldap._tcp.lan') == '10 20 389 one.lan.'
        assert dig('A', 'named.lan') == dig('A', 'alias.lan') == '192.168.31.77' and dig('-x', '192.168.31.77') in ('named.', 'named.lan.')
        wait_for(lambda: dig('A', 'far.corp') == '192.0.2.7', 20, 'the forwarder')
        assert dig('A', 'lost.lan') == ''
    finally:
        far.kill()
        far.wait()
