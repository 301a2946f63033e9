# SPDX-License-Identifier: LGPL-2.1-or-later
"""For tests of filters: a guest's side of a bridge that sends and gets raw frames, documents, and what the firewall has."""
import contextlib
import ctypes
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import threading

import pytest

import corpus
import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
libvirt.registerErrorHandler(lambda *_: None, None)
MARKS = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='bridges can be made by root only'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about parts that only ours has')]

MAC, OTHER, HOST = '52:54:00:00:00:01', '52:54:00:00:00:02', '02:00:00:00:00:10'
MARK, HELD = 0x88b5, 0x3333
# what no chain may hold up: the frame by which a test knows that the one before it did not come
PASS = "<rule action='accept' direction='inout' priority='-1000'><mac protocolid='0x88b5'/></rule>"
NO_CONNECTIONS = 'nf_conntrack_bridge'


def raw(mac):
    return bytes.fromhex(mac.replace(':', ''))


def frame(kind, payload=b'', src=MAC, dst=HOST):
    return raw(dst) + raw(src) + struct.pack('!H', kind) + payload.ljust(46, b'\0')


def arp(op, smac, sip, tmac='00:00:00:00:00:00', tip='10.0.0.1', src=MAC, kind=0x806):
    return frame(kind, struct.pack('!HHBBH', 1, 0x800, 6, 4, op) + raw(smac) + socket.inet_aton(sip) + raw(tmac) + socket.inet_aton(tip),
                 src, 'ff:ff:ff:ff:ff:ff')


def ipv4(sip, dip='10.0.0.1', proto=17, sport=1000, dport=2000, src=MAC):
    inner = struct.pack('!HHHH', sport, dport, 8, 0) if proto == 17 else struct.pack('!HHIIHHHH', sport, dport, 0, 0, 0x5002, 99, 0, 0) \
        if proto == 6 else struct.pack('!BBHHH', 8, 0, 0, 1, 1)
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(inner), 1, 0, 64, proto, 0) + socket.inet_aton(sip) + socket.inet_aton(dip)
    total = sum(struct.unpack('!10H', head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack('!H', ~(total + (total >> 16)) & 0xffff) + head[12:]
    return frame(0x800, head + inner, src)


def packet(proto, payload=b'', dip='10.0.0.1', src=MAC, tos=0):
    """Any protocol over IPv4."""
    inner = payload.ljust(24, b'\0')
    head = struct.pack('!BBHHHBBH', 0x45, tos, 20 + len(inner), 1, 0, 64, proto, 0) + socket.inet_aton('10.0.0.5') + socket.inet_aton(dip)
    total = sum(struct.unpack('!10H', head))
    total = (total & 0xffff) + (total >> 16)
    return frame(0x800, head[:10] + struct.pack('!H', ~(total + (total >> 16)) & 0xffff) + head[12:] + inner, src)


def packet6(proto, payload=b'', sip='fe80::5', dip='fe80::1', dscp=0):
    """The same over IPv6."""
    inner = payload.ljust(24, b'\0')
    head = struct.pack('!IHBB', 0x60000000 | dscp << 22, len(inner), proto, 64)
    return frame(0x86dd, head + socket.inet_pton(socket.AF_INET6, sip) + socket.inet_pton(socket.AF_INET6, dip) + inner)


def stp(kind=0, cost=4, priority=0x8000):
    bridge = struct.pack('!H', priority) + raw(OTHER)
    message = bytes([0x42, 0x42, 3, 0, 0, 0, kind, 0]) + bridge + struct.pack('!I', cost) + bridge + struct.pack('!HHHHH', 1, 2, 20, 2, 15)
    return frame(len(message), message, MAC, '01:80:c2:00:00:00')


def datagram(sip, dip, payload, sport, dport, src=MAC, dst=HOST):
    head = struct.pack('!BBHHHBBH', 0x45, 0, 28 + len(payload), 1, 0, 64, 17, 0) + socket.inet_aton(sip) + socket.inet_aton(dip)
    total = sum(struct.unpack('!10H', head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack('!H', ~(total + (total >> 16)) & 0xffff) + head[12:]
    return frame(0x800, head + struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload, src, dst)


class Guest:
    """The other end of veth0 in a namespace of its own; the host's side is in the bridge br0."""

    def __init__(self):
        support.run(['ip', 'link', 'add', 'br0', 'address', HOST, 'type', 'bridge', 'mcast_snooping', '0'])
        support.run(['ip', 'address', 'add', '10.0.0.1/24', 'dev', 'br0'])
        support.run(['ip', 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'eth0', 'address', MAC])
        self.process = subprocess.Popen(['unshare', '--net', 'sleep', 'infinity'])
        own = os.readlink('/proc/self/ns/net')
        wait_for(lambda: os.readlink(f'/proc/{self.process.pid}/ns/net') != own, what='the namespace')
        support.run(['ip', 'link', 'set', 'eth0', 'netns', str(self.process.pid)])
        for words in (['ip', 'link', 'set', 'veth0', 'master', 'br0', 'up'], ['ip', 'link', 'set', 'br0', 'up']):
            support.run(words)
        self.inside('ip', 'link', 'set', 'eth0', 'up')
        self.host = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.host.bind(('br0', 0))
        self.guest = self.socket_inside()
        self.strange = []       # frames of the kind HELD that came meanwhile
        wait_for(lambda: 'state UP' in support.run(['ip', 'link', 'show', 'br0']).stdout, what='the bridge being up')

    def inside(self, *words, **options):
        return support.run(['nsenter', '-t', str(self.process.pid), '-n', *words], **options)

    def socket_inside(self):
        """A raw socket on the guest's device: a thread goes there to open it."""
        made = []

        def go():
            with open(f'/proc/{self.process.pid}/ns/net', 'rb') as target:
                libc.setns(target.fileno(), 0)
            made.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
            made[0].bind(('eth0', 0))
        libc = ctypes.CDLL(None, use_errno=True)
        thread = threading.Thread(target=go)
        thread.start()
        thread.join()
        return made[0]

    def passes(self, data, out=True):
        """Whether a frame gets from the guest to the host (@out), or the other way."""
        sender, receiver = (self.guest, self.host) if out else (self.host, self.guest)
        mark = os.urandom(16)
        sender.send(data)
        sender.send(frame(MARK, mark, *((MAC, HOST) if out else (HOST, MAC))))
        receiver.settimeout(10)
        came = False
        while True:
            got = receiver.recv(4096)
            if got[12:14] == struct.pack('!H', MARK) and got[14:30] == mark:
                return came
            # the kernel tells of a VLAN's tag elsewhere, and a bridge may cut what pads an IP packet
            if got[12:14] == struct.pack('!H', HELD):
                self.strange.append(got)
            came = came or (len(got) > 33 and (data.startswith(got) or (data[:12] + data[16:]).startswith(got)))

    def forget(self):
        """Throw away what has come."""
        for end in (self.guest, self.host):
            end.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                while end.recv(4096):
                    pass

    def close(self):
        self.host.close()
        self.guest.close()
        self.process.kill()
        self.process.wait()
        subprocess.run(['ip', 'link', 'del', 'br0'], check=True)
        wait_for(lambda: subprocess.run(['ip', 'link', 'show', 'veth0'], capture_output=True, check=False).returncode, what='veth0 gone')


@pytest.fixture
def guest():
    made = Guest()
    yield made
    made.close()


@pytest.fixture
def host(new_daemon):
    """A daemon with the filters that are installed, and a connection to it."""
    daemon = new_daemon(config='log_outputs = "3:stderr"\n')
    shutil.copytree(f'{support.SOURCE}/data/nwfilter', f'{daemon.root}/etc/libvirt/nwfilter')
    daemon.start()
    with contextlib.closing(libvirt.open(daemon.uri)) as conn:
        conn.daemon = daemon
        yield conn
    subprocess.run(['nft', 'delete', 'table', 'bridge', 'libvirt_nwfilter'], capture_output=True, check=False)


def binding_xml(name, filter_name, parameters=(), mac=MAC):
    given = ''.join(f"<parameter name='{key}' value='{value}'/>" for key, value in parameters)
    return (f"<filterbinding><owner><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid></owner><portdev name='{name}'/>"
            f"<mac address='{mac}'/><filterref filter='{filter_name}'>{given}</filterref></filterbinding>")


def filter_xml(name, inside, chain='root', uuid='11111111-1111-1111-1111-111111111111'):
    return f"<filter name='{name}' chain='{chain}'><uuid>{uuid}</uuid>{inside}</filter>"


def table():
    """What nftables has of ours: the lines of the table, or nothing; without the digests of rules."""
    done = subprocess.run(['nft', 'list', 'table', 'bridge', 'libvirt_nwfilter'], capture_output=True, text=True, check=False)
    return re.sub(r'[0-9a-f]{40}"', '"', done.stdout)


def make_devices(pattern, count, verb='add'):
    """Interfaces of nobody, so that a daemon that starts doesn't take their bindings for those of guests that are gone."""
    kind = 'type ifb' if verb == 'add' else ''
    subprocess.run(['ip', '-batch', '-'], input=''.join(f'link {verb} {pattern.format(n)} {kind}\n' for n in range(count)), text=True, check=True)


def problem(call, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*args)
    return caught.value


def chains():
    done = subprocess.run(['nft', '-j', 'list', 'table', 'bridge', 'libvirt_nwfilter'], capture_output=True, text=True, check=False)
    if done.returncode:
        return set()
    return {item['chain']['name'] for item in json.loads(done.stdout)['nftables'] if 'chain' in item} - {
        'from', 'from_packets', 'to', 'to_packets'}


DROP = "<rule action='drop' direction='{}' priority='{}'>{}</rule>"


VALUES = {'filter_mac': MAC, 'filter_mac_mask': 'ff:ff:ff:ff:ff:00', 'filter_ipv4': '10.0.0.1', 'filter_ipv6': 'fe80::1', 'filter_mask4': '24',
          'filter_mask6': '64', 'filter_ethertype': 'arp', 'filter_opcode': 'Request', 'filter_ip_protocol': 'tcp', 'filter_bool': 'false',
          'filter_state': 'NEW,ESTABLISHED', 'filter_tcp_flags': 'SYN,ACK/SYN', 'filter_ipset': 'x', 'filter_ipset_flags': 'src',
          'filter_comment': 'it "is" \\ fine', 'filter_number': '5', 'filter_decimal': '5'}
WITH = {'ipsetflags': "ipset='x'", 'ipset': "ipsetflags='src'", 'srcipto': "srcipfrom='{}'", 'dstipto': "dstipfrom='{}'"}


def rules_of_rows():
    """(protocol, attribute, what a rule with it is about) for every row of the format's table."""
    made = corpus.schema('nwfilter')
    protocols = [word for word, _ in made.tables.enums['NwfilterProtocol'].words]
    for member in made.descs['NwfilterMatch'].members:
        for protocol in protocols:
            if member.kind != 'attr' or 'form' not in member.item.opts or not corpus.Coverage.meant(member, {'protocol': protocol}):
                continue
            more = WITH.get(member.name, '').format('fe80::1' if protocol.endswith('v6') else '10.0.0.1')
            if protocol in ('ip', 'ipv6') and 'port' in member.name:
                more = "protocol='tcp'"
            if protocol == 'ipv6' and member.name in ('type', 'typeend', 'code', 'codeend'):
                more = "protocol='icmpv6'"
            value = VALUES[member.item.opts['form']].replace('"', '&quot;')
            yield protocol, member.name, f'<{protocol} {member.name}="{value}" {more}/>'
