# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses of guests that nobody has named: learnt from the guest's first packet, or from DHCP."""
import contextlib
import json
import socket
import struct
import subprocess

import pytest

from filtered import MARKS as pytestmark, guest, host  # noqa: F401 pylint: disable=unused-import
from filtered import HOST, MAC, OTHER, PASS, arp, binding_xml, datagram, filter_xml, ipv4, problem, raw, table
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
CLEAN = PASS + "<filterref filter='clean-traffic'/>"
UUID = '21111111-1111-1111-1111-111111111111'


def learnt(name):
    """The addresses in a set, with the seconds that each has left (None: no end)."""
    done = subprocess.run(['nft', '-j', 'list', 'set', 'bridge', 'libvirt_nwfilter', name], capture_output=True, text=True, check=False)
    if done.returncode:
        return {}
    [found] = [item['set'] for item in json.loads(done.stdout)['nftables'] if 'set' in item]
    elements = [e if isinstance(e, str) else e['elem'] for e in found.get('elem', [])]
    return {e if isinstance(e, str) else e['val']: None if isinstance(e, str) else e.get('expires') for e in elements}


def dhcp(address, kind=5, seconds=None, mac=MAC, server='10.0.0.1', kind_first=False):
    """A server's ACK for a guest, or (@kind 7) the guest's RELEASE. Servers tell the kind first, which they need not."""
    release = kind == 7
    message = struct.pack('!BBBBIHH', 1 if release else 2, 1, 6, 0, 7, 0, 0)
    message += socket.inet_aton(address if release else '0.0.0.0') + socket.inet_aton('0.0.0.0' if release else address) + bytes(8)
    message += raw(mac).ljust(16, b'\0') + bytes(192) + bytes([99, 130, 83, 99])
    options = [bytes([54, 4]) + socket.inet_aton(server) + (bytes([51, 4]) + struct.pack('!I', seconds) if seconds else b''), bytes([53, 1, kind])]
    message += b''.join(reversed(options) if kind_first else options) + b'\xff'
    if release:
        return datagram(address, server, message, 68, 67, src=mac, dst=HOST)
    return datagram(server, address, message, 67, 68, src=HOST, dst=mac)


def test_first_address(host, guest):
    """The first address that is used in ARP or IP is the only one, whoever floods with others, whatever changes, and over restarts."""
    host.nwfilterDefineXML(filter_xml('t', CLEAN))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
    assert guest.passes(ipv4('0.0.0.0', sport=68, dport=67)) and guest.passes(ipv4('0.0.0.0', '255.255.255.255', sport=68, dport=67))
    assert not guest.passes(arp(1, OTHER, '10.0.0.9')) and not guest.passes(ipv4('10.0.0.9', src=OTHER)) and not guest.passes(ipv4('224.0.0.9'))
    assert not guest.passes(arp(1, MAC, '0.0.0.0')) and learnt('any_veth0') == {}
    assert guest.passes(arp(1, MAC, '10.0.0.5')) and learnt('any_veth0') == {'10.0.0.5': None}
    for n in range(200):
        guest.guest.send(ipv4(f'10.0.{n}.6'))
        guest.guest.send(arp(1, MAC, f'10.0.{n}.7'))
    guest.forget()

    def locked():
        return guest.passes(ipv4('10.0.0.5')) and guest.passes(arp(1, MAC, '10.0.0.5')) and not guest.passes(ipv4('10.0.0.6')) \
            and not guest.passes(arp(1, MAC, '10.0.0.6')) and list(learnt('any_veth0')) == ['10.0.0.5']
    assert locked()
    guest.inside('ip', 'address', 'add', '10.0.0.5/24', 'dev', 'eth0')
    assert '1 received' in guest.inside('ping', '-c', '1', '-W', '5', '10.0.0.1').stdout
    host.nwfilterDefineXML(filter_xml('t', CLEAN + "<rule action='drop' direction='out'><udp srcipaddr='$IP' dstportstart='7'/></rule>"))
    assert locked() and not guest.passes(ipv4('10.0.0.5', dport=7))
    host.daemon.kill()
    host.daemon.start()
    with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
        assert len(conn.listAllNWFilterBindings()) == 1 and locked()
        conn.nwfilterBindingLookupByPortDev('veth0').delete()
        assert table() == ''
        # another guest that gets the device has nothing of it
        conn.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
        assert guest.passes(ipv4('10.0.0.6')) and list(learnt('any_veth0')) == ['10.0.0.6']
        conn.nwfilterBindingLookupByPortDev('veth0').delete()
    assert table() == ''


def test_first_address_by_dhcp(host, guest):
    """What a server acknowledges to the guest is its address before it has used any; an offer isn't yet, nor what is for others."""
    host.nwfilterDefineXML(filter_xml('t', CLEAN))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
    for other in dhcp('10.0.0.7', 2, 99, kind_first=True), dhcp('10.0.0.7', mac=OTHER, kind_first=True), dhcp('0.0.0.7', kind_first=True), \
            dhcp('10.0.0.7', 6, kind_first=True), datagram('10.0.0.1', '10.0.0.7', b'x', 67, 68, src=HOST, dst=MAC):
        guest.passes(other, out=False)
    assert learnt('any_veth0') == {}
    assert not guest.passes(dhcp('10.0.0.8', kind_first=True), out=True) and learnt('any_veth0') == {}, 'what it says itself'
    guest.passes(dhcp('10.0.0.5', seconds=99, kind_first=True), out=False)
    assert learnt('any_veth0') == {'10.0.0.5': None}
    assert not guest.passes(arp(1, MAC, '10.0.0.6')) and not guest.passes(ipv4('10.0.0.6'))
    guest.passes(dhcp('10.0.0.6', seconds=99, kind_first=True), out=False)
    assert guest.passes(arp(1, MAC, '10.0.0.5')) and guest.passes(ipv4('10.0.0.5')) and not guest.passes(ipv4('10.0.0.6'))
    host.nwfilterBindingLookupByPortDev('veth0').delete()
    assert table() == ''


def test_words(host, guest):
    host.nwfilterDefineXML(filter_xml('t', CLEAN))
    for given, said in (([('CTRL_IP_LEARNING', 'none')], '$IP'), ([('CTRL_IP_LEARNING', 'x')], "'any', 'dhcp' or 'none'"),
                        ([('CTRL_IP_LEARNING', 'dhcp'), ('DHCPSERVER', 'x')], 'DHCPSERVER')):
        assert said in str(problem(host.nwfilterBindingCreateXML, binding_xml('veth0', 't', given)))
    assert 'no interface' in str(problem(host.nwfilterBindingCreateXML, binding_xml('veth9', 't', [('CTRL_IP_LEARNING', 'dhcp')])))
    for match in ("<ip srcipaddr='$IP' srcipmask='24'/>", "<tcp srcipfrom='$IP' srcipto='10.0.0.9'/>", "<rarp arpsrcipaddr='$IP'/>"):
        host.nwfilterDefineXML(filter_xml('u', f"<rule action='drop' direction='out'>{match}</rule>", uuid=UUID))
        assert 'learnt' in str(problem(host.nwfilterBindingCreateXML, binding_xml('veth0', 'u')))
    for match in ("<ip match='no' srcipaddr='$IP'/>", "<arp match='no' arpsrcipaddr='$IP[0]'/>", "<all match='no' srcipaddr='$IP[@1]'/>"):
        host.nwfilterDefineXML(filter_xml('u', PASS + f"<rule action='drop' direction='out'>{match}</rule>", uuid=UUID))
        host.nwfilterBindingCreateXML(binding_xml('veth0', 'u'))
        make, other = (lambda ip: arp(1, MAC, ip), ipv4) if 'arp' in match else (ipv4, lambda ip: arp(1, MAC, ip))
        assert guest.passes(make('10.0.0.5')) and not guest.passes(make('10.0.0.6')) and guest.passes(other('10.0.0.7'))
        host.nwfilterBindingLookupByPortDev('veth0').delete()
    # an address that is given is not learnt
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't', [('CTRL_IP_LEARNING', 'dhcp'), ('IP', '10.0.0.5'), ('IP', '10.0.0.6')]))
    assert [guest.passes(ipv4(f'10.0.0.{n}')) for n in (5, 6, 7)] == [True, True, False] and 'set dhcp_' not in table()
    host.nwfilterBindingLookupByPortDev('veth0').delete()
    assert table() == ''


def test_dhcp(host, guest):
    """What a trusted server gives the guest works as long as the lease, over restarts and changes; what the guest says itself never does."""
    host.nwfilterDefineXML(filter_xml('t', CLEAN))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't', [('CTRL_IP_LEARNING', 'dhcp'), ('DHCPSERVER', '10.0.0.1'), ('DHCPSERVER', '10.0.0.2')]))

    def told(*news, out=False):
        for data in news:
            guest.passes(data, out=out)

    def has(*addresses):
        wait_for(lambda: set(learnt('dhcp_veth0')) == set(addresses), what=f'{addresses} learnt')
        return all(guest.passes(ipv4(a)) and guest.passes(arp(1, MAC, a)) for a in addresses)
    assert not guest.passes(ipv4('10.0.0.5')) and not guest.passes(arp(1, MAC, '10.0.0.5'))
    told(dhcp('10.0.0.7', seconds=99, server='10.0.0.3'), dhcp('10.0.0.7', seconds=99, mac=OTHER), dhcp('10.0.0.7', 2, 99),
         dhcp('10.0.0.7', seconds=99)[:200], dhcp('10.0.0.5', seconds=1000))
    told(dhcp('10.0.0.7', seconds=99), out=True)
    assert has('10.0.0.5') and not guest.passes(ipv4('10.0.0.7'))
    told(dhcp('10.0.0.6', seconds=2000, server='10.0.0.2'))
    assert has('10.0.0.5', '10.0.0.6')
    host.nwfilterDefineXML(filter_xml('t', CLEAN + "<rule action='drop' direction='out'><udp dstportstart='7'/></rule>"))
    assert has('10.0.0.5', '10.0.0.6')
    host.daemon.kill()
    host.daemon.start()
    with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
        assert has('10.0.0.5', '10.0.0.6') and 0 < learnt('dhcp_veth0')['10.0.0.5'] <= 1000 < learnt('dhcp_veth0')['10.0.0.6']
        told(dhcp('10.0.0.6', seconds=1))       # a shorter lease counts, too
        wait_for(lambda: set(learnt('dhcp_veth0')) == {'10.0.0.5'}, what='the end of the lease')
        assert not guest.passes(ipv4('10.0.0.6')) and has('10.0.0.5')
        told(dhcp('10.0.0.5', 7, mac=OTHER), out=True)
        assert has('10.0.0.5')
        told(dhcp('10.0.0.5', 7), out=True)
        wait_for(lambda: not learnt('dhcp_veth0'), what='the address being given back')
        assert not guest.passes(ipv4('10.0.0.5'))
        # a flood is looked at in part, and what comes after it is heard again
        for n in range(3000):
            guest.host.send(dhcp(f'10.1.{n % 250}.9', seconds=500))
        guest.forget()
        wait_for(lambda: learnt('dhcp_veth0'), what='some of a flood')

        def heard():
            guest.passes(dhcp('10.0.0.5', seconds=500), out=False)
            return '10.0.0.5' in learnt('dhcp_veth0') or len(learnt('dhcp_veth0')) == 64
        wait_for(heard, what='the server being heard after a flood')
        assert len(learnt('dhcp_veth0')) <= 64
        conn.nwfilterBindingLookupByPortDev('veth0').delete()
    assert table() == ''
