# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 120
"""What networks promise, as it is seen from outside: addresses and ports of translated connections, answers of the name server, what
nss_libvirt finds. A namespace on the bridge takes the guest's place."""
import glob
import json
import os
import shutil
import subprocess
import sys
import uuid

import pytest

import support
from netnode import OUR_MARKS, SERVER, SERVER_PORT, caught, network_xml, nic, nothing_left, rules, start_network
from netnode import connection, firewall, server      # pylint: disable=unused-import # noqa: F401
from support import wait_for, wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = OUR_MARKS

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


# ---- names for the host ----

def macs_path(daemon):
    return f'{daemon.root}/var/lib/libvirt/dnsmasq/virbr31.macs'


def macs_of(daemon):
    """What is noted of guests' hardware addresses; None without a file."""
    try:
        with open(macs_path(daemon), encoding='utf-8') as f:
            return json.load(f)
    except FileNotFoundError:
        return None


# Debian's own modules, which know one folder only.
FIND = 'mount -t tmpfs none /var/lib && mkdir /var/lib/libvirt && mount --bind "$1" /var/lib/libvirt && shift && exec getent "$@"'
DEBIAN_NSS = glob.glob('/lib/x86_64-linux-gnu/libnss_libvirt_guest.so.2')


@pytest.mark.skipif(not DEBIAN_NSS, reason='libnss-libvirt is not installed')
def test_names_for_the_host(guest_daemon, connection, boot_defined):
    """Debian's modules for names find guests by the name that they gave to DHCP, and by that of their definition."""
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31', hosts="<host mac='52:54:00:00:31:01' name='inner' ip='192.168.31.11'/>"))
    domain, log = boot_defined('outer', devices=nic('n1', '52:54:00:00:31:01') + nic('n1', '52:54:00:00:31:02'))
    wait_for_mark(log, 'GUEST-IP eth0 192.168.31.11', 60)

    def find(service, name):
        done = support.run(['unshare', '--mount', 'sh', '-c', FIND, 'sh', f'{guest_daemon.root}/var/lib/libvirt', '-s', service, 'ahostsv4', name],
                           env=support.foreign_environment(), check=False)
        return {line.split()[0] for line in done.stdout.splitlines()}
    assert find('libvirt', 'inner') == {'192.168.31.11'}
    wait_for(lambda: '192.168.31.11' in find('libvirt_guest', 'outer'), 10, "the guest's name")
    assert find('libvirt_guest', 'inner') == find('libvirt', 'outer') == set()
    assert macs_of(guest_daemon) == [{'domain': 'outer', 'macs': ['52:54:00:00:31:01', '52:54:00:00:31:02']}]
    domain.destroy()
    wait_for(lambda: not network.listAllPorts(), 10, 'the ports to go')
    wait_for(lambda: find('libvirt_guest', 'outer') == set(), 10, 'the name to go')
    assert macs_of(guest_daemon) is None


PORT = """<networkport><owner><name>guest{0}</name><uuid>6d5c1bb4-5e4b-4b5c-8d4e-0000000000{0:02x}</uuid></owner><mac address='52:54:00:00:33:{0:02x}'/></networkport>"""


def test_ports_in_a_row_are_noted_once(guest_daemon, connection):
    """Each port doesn't write the whole file of all ports anew; a daemon that takes over from a killed one makes up for it."""
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    versions, ports = set(), []
    for number in range(1, 120):
        ports.append(network.portCreateXML(PORT.format(number)))
        versions.add(os.stat(path).st_ino if os.path.exists(path := macs_path(guest_daemon)) else 0)
    assert len(versions) < 60
    wait_for(lambda: len(macs_of(guest_daemon) or []) == 119, 10, 'all to be noted')
    network.portCreateXML(PORT.format(200))
    guest_daemon.kill()
    guest_daemon.start()
    wait_for(lambda: macs_of(guest_daemon) is None, 10, 'the file to go with the ports, of which no guest is left')


# ---- ports that lead to guests ----

FORWARDS = 'urn:libvirt-forwards:1.0'
HEAR = '''
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
print(s.makefile().readline().strip())
'''


def forwards(*lines):
    return '<forwards>' + ''.join(f'<forward {line}/>' for line in lines) + '</forwards>'


def lead(daemon, *lines, check=True):
    """Errors as text."""
    what = ['--set', forwards(*lines)] if lines else ['--remove']
    return support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'net-metadata', 'n1', '--uri', FORWARDS, '--key', 'f',
                        '--live', '--config', *what], check=check).stderr


def hears(server, port, address='10.99.0.1'):
    done = support.run(['ip', 'netns', 'exec', server, sys.executable, '-c', HEAR, address, str(port)], check=False)
    return done.stdout.strip()


def test_ports_lead_to_guests(guest_daemon, connection, server, boot_defined, firewall):
    """From outside and from the host itself, to the address that the guest has got; also with a firewall that drops, and after a crash."""
    firewall('add table ip filter\nadd chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }\n')
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    lead(guest_daemon, "port='8080' to='80' guest='web'", "protocol='tcp' port='8081' to='80' mac='52:54:00:00:31:01' address='10.99.0.1'")
    assert hears(server, 8080) == ''
    wait = 'until,ip,route|grep,-q,192;do,sleep,1;done'
    boot_defined('web', devices=nic('n1', '52:54:00:00:31:01'), extra=f'guest.run={wait};while,true;do,echo,hello|nc,-l,-p,80;done')
    wait_for(lambda: hears(server, 8080) == 'hello', 60, 'the way to the guest')
    wait_for(lambda: hears(server, 8081) == 'hello', 10, 'the other way')
    wait_for(lambda: support.run([sys.executable, '-c', HEAR, '10.99.0.1', '8080'], check=False).stdout == 'hello\n', 10, 'the way from here')
    guest_daemon.crash()
    guest_daemon.restart()
    again = libvirt.open(guest_daemon.uri)
    network = again.networkLookupByName('n1')
    wait_for(lambda: hears(server, 8080) == 'hello', 10, 'the way after a crash')
    support.run(['nft', 'delete', 'table', 'inet', 'libvirt_network'])
    wait_for(lambda: hears(server, 8080) == 'hello', 10, 'the way after the rules were lost')
    lead(guest_daemon)
    assert hears(server, 8080) == '' and 'dport 8080' not in rules()
    lead(guest_daemon, "port='9090' to='80' guest='web'")
    wait_for(lambda: hears(server, 9090) == 'hello', 10, 'the new way')
    again.lookupByName('web').destroy()
    network.destroy()
    nothing_left('virbr31', 'n1')
    again.close()


def test_wrong_forwards(guest_daemon, connection):
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    before = network.XMLDesc()
    for line, word in (("port='0' guest='a'", 'port'), ("port='70000' guest='a'", 'port'), ("port='80x' guest='a'", 'port'), ("port='80'", 'guest'),
                       ("port='80' guest='a' ip='192.168.31.3'", 'guest'), ("protocol='sctp' port='80' guest='a'", 'protocol'),
                       ("port='80' ip='x'", 'ip'), ("port='80' mac='52:54'", 'mac'), ("port='80' guest='a' address='1.2.3'", 'address')):
        problem = lead(guest_daemon, line, check=False)
        assert f'{word}' in problem and 'n1' in problem, (line, problem)
        assert network.XMLDesc() == before
    bad = network_xml('n2', 32, mode=None).replace('</network>', f"<metadata><forwards xmlns='{FORWARDS}'><forward port='80' guest='a'/>"
                                                   '</forwards></metadata></network>')
    assert "mode='nat'" in str(caught(connection.networkDefineXML, bad))
