# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of virtual networks of a real host share, which is the test's own network namespace: what there is of a network, its XML,
connections and devices that leave nothing, a server behind the host."""
import contextlib
import json
import os
import re
import subprocess
import sys
import uuid

import pytest

import support
from support import wait_for, wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

# Of the tests of such networks: those that Debian's daemon passes as well, and those about parts that only ours has.
BRIDGE_MARKS = [pytest.mark.foreign_library,
                pytest.mark.skipif(os.geteuid() != 0, reason='bridges can be made by root only')]
OUR_MARKS = [*BRIDGE_MARKS,
             pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about parts that only ours has')]
BOOT_SECONDS = 90
SERVER, SERVER_PORT = '10.99.0.2', 8000
# Answers each connection with the address that it comes from.
SERVER_PROGRAM = f'''
import socket
s = socket.create_server(('{SERVER}', {SERVER_PORT}))
while True:
    c, peer = s.accept()
    c.sendall(('you are %s %d' % peer[:2]).encode() + b'\\n')
    c.close()
'''


def ip(*words):
    return json.loads(support.run(['ip', '-j', *words]).stdout or '[]')


def links():
    return {link['ifname'] for link in ip('link')}


def rules():
    return support.run(['nft', 'list', 'ruleset']).stdout


def dnsmasqs(name):
    """Process ids of dnsmasq for a network."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError), open(f'/proc/{pid}/cmdline', 'rb') as f:
            if f'/dnsmasq/{name}.conf'.encode() in f.read():
                found.append(int(pid))
    return sorted(found)


def network_xml(name, number, mode='nat', more='', hosts='', bridge=None, extra=''):
    forward = f"<forward mode='{mode}'{extra}/>" if mode else ''
    bridge = f"<bridge name='{bridge}' stp='off'/>" if bridge else "<bridge stp='off'/>"
    return f"""<network><name>{name}</name>{forward}{bridge}<domain name='lan' localOnly='yes'/>{more}
      <ip address='192.168.{number}.1' netmask='255.255.255.0'>
        <dhcp><range start='192.168.{number}.10' end='192.168.{number}.99'/>{hosts}</dhcp></ip></network>"""


def nic(network, mac, more=''):
    return f"<interface type='network'><mac address='{mac}'/><source network='{network}'/><model type='virtio'/>{more}</interface>"


def nothing_left(bridge, name):
    assert bridge not in links()
    assert f'"{bridge}"' not in rules() and f'_{bridge}' not in rules()
    assert not dnsmasqs(name)


@pytest.fixture
def connection(guest_daemon):
    folder = guest_daemon.root
    while folder != '/tmp':     # dnsmasq gives up root's rights before it reads its files
        os.chmod(folder, 0o711)
        folder = os.path.dirname(folder)
    opened = libvirt.open(guest_daemon.uri)
    yield opened
    with contextlib.suppress(libvirt.libvirtError):     # the daemon may have been killed
        opened.close()
    again = libvirt.open(guest_daemon.uri)
    for domain in again.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        domain.destroy()
    for network in again.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE):
        network.destroy()
    again.close()


@pytest.fixture
def device():
    """Makes devices of the host, which are gone after the test."""
    made = []

    def make(name, *more, address=None, kind='link'):
        support.run(['ip', kind, 'add', name, *more])
        made.append(name)
        if address:
            support.run(['ip', 'address', 'add', address, 'dev', name])
        support.run(['ip', 'link', 'set', name, 'up'])
    yield make
    for name in made:
        support.run(['ip', 'link', 'delete', name], check=False)


@pytest.fixture
def server():
    """A server behind this host, which knows the way back only to the host's own address and to 192.168.33.0/24."""
    space = f'server{uuid.uuid4().hex[:6]}'
    support.run(['ip', 'netns', 'add', space])
    inside = ['ip', 'netns', 'exec', space]
    support.run(['ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space])
    support.run(['ip', 'address', 'add', '10.99.0.1/24', 'dev', 'up0'])
    support.run(['ip', 'link', 'set', 'up0', 'up'])
    for words in (['address', 'add', f'{SERVER}/24', 'dev', 'eth0'], ['link', 'set', 'eth0', 'up'], ['link', 'set', 'lo', 'up'],
                  ['route', 'add', '192.168.33.0/24', 'via', '10.99.0.1']):
        support.run([*inside, 'ip', *words])
    with subprocess.Popen([*inside, sys.executable, '-c', SERVER_PROGRAM]) as process:
        wait_for(lambda: subprocess.run([*inside, 'ss', '-tln'], stdout=subprocess.PIPE, check=True, text=True)
                 .stdout.find(f':{SERVER_PORT}') >= 0, 20, 'the server')
        yield space
        process.kill()
    support.run(['ip', 'link', 'delete', 'up0'])
    support.run(['ip', 'netns', 'delete', space])
    support.run(['umount', '/run/netns'])


def start_network(connection, xml):
    network = connection.networkDefineXML(xml)
    network.create()
    return network


def caught(function, *args):
    with pytest.raises(libvirt.libvirtError) as problem:
        function(*args)
    return problem.value


def run_when_up(commands):
    """Words of the kernel command line: commands of a guest that has its address."""
    wait = 'until,ip,route|grep,-q,192;do,sleep,1;done'
    return f"guest.run={wait};{';'.join(c.replace(' ', ',') for c in commands)}"


def ask_server():
    return f'nc {SERVER} {SERVER_PORT} &lt;/dev/null'


def works(connection, boot_defined):
    """A network on which a guest gets an address and a name, and reaches the server as the host; it is the caller's to end it."""
    host = "<host mac='52:54:00:00:31:01' name='one' ip='192.168.31.11'/>"
    network = start_network(connection, network_xml('n1', 31, hosts=host, bridge='virbr31'))
    commands = ['nslookup one.lan 192.168.31.1', ask_server()]
    _, log = boot_defined('one', devices=nic('n1', '52:54:00:00:31:01'), extra=run_when_up(commands))
    wait_for_mark(log, 'GUEST-RAN', BOOT_SECONDS)
    with open(log, encoding='utf-8', errors='replace') as f:
        said = f.read()
    assert 'GUEST-IP eth0 192.168.31.11' in said and 'you are 10.99.0.1' in said, said
    assert re.search(r'one\.lan\s+Address[^\n]*192\.168\.31\.11', said), said
    return network


def nft(text):
    support.run(['nft', '-f', '-'], stdin=text)


@pytest.fixture
def firewall():
    """Somebody's rules, which are gone after the test."""
    yield nft
    support.run(['nft', 'flush', 'ruleset'])
