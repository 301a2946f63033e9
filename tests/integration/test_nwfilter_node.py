# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters of traffic on a real firewall: real frames from a guest's side of a bridge (a namespace behind a veth) pass or don't."""
import contextlib
import re
import struct

import pytest

from filtered import MARKS as pytestmark, guest, host  # noqa: F401 pylint: disable=unused-import
from filtered import (DROP, HOST, MAC, NO_CONNECTIONS, OTHER, PASS, arp, binding_xml, filter_xml, frame, ipv4, make_devices, packet, packet6, problem, raw,
                      rules_of_rows, stp, table)

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')


def test_the_installed_filters(host):
    """All that people refer to are there and fit; each has a UUID that stays."""
    names = {f.name(): f.UUIDString() for f in host.listAllNWFilters()}
    assert {'clean-traffic', 'no-mac-spoofing', 'no-ip-spoofing', 'no-arp-spoofing', 'allow-dhcp', 'allow-ipv6', 'qemu-announce-self',
            'no-ipv6-spoofing', 'clean-traffic-gateway'} <= names.keys() and len(names) == 24
    make_devices('p{}', len(names))
    for number, name in enumerate(names):
        given = [('IP', '10.0.0.5'), ('IPV6', 'fe80::5'), ('DHCPSERVER', '10.0.0.1'), ('GATEWAY_MAC', HOST), ('DHCPSERVERV6', 'fe80::1')]
        if 'v6' in name:
            given = [('DHCPSERVER', 'fe80::1') if key == 'DHCPSERVER' else (key, value) for key, value in given]
        host.nwfilterBindingCreateXML(binding_xml(f'p{number}', name, given))
    host.daemon.stop()
    host.daemon.start()
    with contextlib.closing(libvirt.open(host.daemon.uri)) as again:
        assert {f.name(): f.UUIDString() for f in again.listAllNWFilters()} == names
        assert len(again.listAllNWFilterBindings()) == len(names)
        for binding in again.listAllNWFilterBindings():
            binding.delete()
    assert table() == ''
    make_devices('p{}', len(names), 'del')


def test_clean_traffic(host, guest):
    host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='clean-traffic'/>"))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't', [('IP', '10.0.0.5')]))
    good = {'arp': arp(1, MAC, '10.0.0.5'), 'udp': ipv4('10.0.0.5'), 'ping': ipv4('10.0.0.5', proto=1), 'dhcp': ipv4('0.0.0.0', sport=68, dport=67)}
    bad = {"another's address": ipv4('10.0.0.6'), "another's hardware address": ipv4('10.0.0.5', src=OTHER), 'arp for another': arp(2, MAC, '10.0.0.6'),
           "arp with another's hardware address": arp(2, OTHER, '10.0.0.5'), 'arp from another': arp(1, MAC, '10.0.0.5', src=OTHER),
           'ipv6': frame(0x86dd), 'other': frame(0x1234)}
    assert [what for what, data in good.items() if not guest.passes(data)] == []
    assert [what for what, data in bad.items() if guest.passes(data)] == []
    assert guest.passes(ipv4('10.0.0.1', '10.0.0.5', src=HOST).replace(raw(HOST), raw(MAC), 1), out=False)
    guest.inside('ip', 'address', 'add', '10.0.0.5/24', 'dev', 'eth0')
    assert '1 received' in guest.inside('ping', '-c', '1', '-W', '5', '10.0.0.1').stdout
    guest.inside('ip', 'address', 'add', '10.0.0.6/24', 'dev', 'eth0')
    assert '0 received' in guest.inside('ping', '-c', '1', '-W', '1', '-I', '10.0.0.6', '10.0.0.1', check=False).stdout
    host.nwfilterBindingLookupByPortDev('veth0').delete()
    assert all(guest.passes(bad[what]) for what in ("another's address", 'arp for another', 'other'))
    assert table() == ''


# a rule, a frame from the guest that it drops, and one that it doesn't
FRAMES = [
    ("<mac srcmacaddr='52:54:00:00:00:00' srcmacmask='ff:ff:ff:ff:ff:f0'/>", frame(0x1111), frame(0x1111, src='52:54:00:00:01:00')),
    (f"<mac dstmacaddr='{HOST}' protocolid='0x1111'/>", frame(0x1111), frame(0x1112)),
    (f"<mac match='no' srcmacaddr='{MAC}'/>", frame(0x1111, src=OTHER), frame(0x1111)),
    ("<vlan vlanid='5'/>", frame(0x8100, struct.pack('!HH', 5, 0x1111)), frame(0x8100, struct.pack('!HH', 6, 0x1111))),
    ("<arp opcode='Reply'/>", arp(2, MAC, '10.0.0.5'), arp(1, MAC, '10.0.0.5')),
    ("<arp arpsrcipaddr='10.1.0.0' arpsrcipmask='16'/>", arp(1, MAC, '10.1.9.9'), arp(1, MAC, '10.2.9.9')),
    (f"<arp arpdstmacaddr='{OTHER}' arpdstipaddr='10.0.0.9'/>", arp(2, MAC, '10.0.0.5', OTHER, '10.0.0.9'), arp(2, MAC, '10.0.0.5', OTHER, '10.0.0.8')),
    ("<rarp opcode='Request_Reverse'/>", arp(3, MAC, '0.0.0.0', kind=0x8035), arp(4, MAC, '0.0.0.0', kind=0x8035)),
    ("<ip srcipaddr='10.0.0.64' srcipmask='26'/>", ipv4('10.0.0.65'), ipv4('10.0.0.5')),
    ("<ip protocol='udp' dstportstart='50' dstportend='60'/>", ipv4('10.0.0.5', dport=55), ipv4('10.0.0.5', dport=61)),
    ("<ip match='no' protocol='tcp'/>", ipv4('10.0.0.5'), ipv4('10.0.0.5', proto=6)),
    ("<udp dstportstart='53'/>", ipv4('10.0.0.5', dport=53), ipv4('10.0.0.5', dport=54)),
    ("<tcp srcportstart='1' srcportend='100' dstipfrom='10.0.0.1' dstipto='10.0.0.3'/>", ipv4('10.0.0.5', proto=6, sport=99),
     ipv4('10.0.0.5', proto=6, sport=101)),
    ("<tcp flags='SYN/SYN'/>", ipv4('10.0.0.5', proto=6), ipv4('10.0.0.5')),
    ("<icmp type='8'/>", ipv4('10.0.0.5', proto=1), ipv4('10.0.0.5')),
    ("<all srcipaddr='10.0.0.5'/>", ipv4('10.0.0.5'), ipv4('10.0.0.6')),
    ("<all match='no' srcipaddr='10.0.0.0' srcipmask='8'/>", ipv4('11.0.0.5'), ipv4('10.0.0.6')),
    ("<stp root-cost='4' root-cost-hi='9' sender-priority='32768' type='0'/>", stp(cost=8), stp(cost=10)),
    ("<stp root-address='52:54:00:00:00:00' root-address-mask='ff:ff:ff:ff:ff:00' forward-delay='15'/>", stp(), frame(0x1111)),
    ("<arp hwtype='1' protocoltype='0x800' gratuitous='no' opcode='1'/>", arp(1, MAC, '10.0.0.5'), arp(2, MAC, '10.0.0.5')),
    ("<ipv6 srcipaddr='fe80::' srcipmask='64' protocol='tcp' dstportstart='80'/>", packet6(6, struct.pack('!HH', 1, 80)), packet6(6, struct.pack('!HH', 1, 81))),
    ("<ipv6 protocol='icmpv6' type='130' typeend='135' code='0'/>", packet6(58, bytes([133])), packet6(58, bytes([136]))),
    ("<ip protocol='33' dstportstart='5'/>", packet(33, struct.pack('!HH', 1, 5)), packet(33, struct.pack('!HH', 1, 6))),
    ("<ip dscp='10'/>", packet(99, tos=40), packet(99)),
    ("<sctp srcportstart='5' dstportstart='7'/>", packet(132, struct.pack('!HH', 5, 7)), packet(132, struct.pack('!HH', 5, 8))),
    ("<igmp/>", packet(2), packet(3)), ("<esp dstipaddr='10.0.0.1'/>", packet(50), packet(50, dip='10.0.0.2')), ("<ah/>", packet(51), packet(50)),
    ("<udplite srcmacaddr='52:54:00:00:00:01'/>", packet(136), packet(136, src=OTHER)), ("<icmp type='3' code='5'/>", packet(1, b'\3\5'), packet(1, b'\3\4')),
    ("<tcp-ipv6 dstportstart='80' dstportend='90'/>", packet6(6, struct.pack('!HH', 1, 85)), packet6(6, struct.pack('!HH', 1, 95))),
    ("<udp-ipv6 srcportstart='53'/>", packet6(17, struct.pack('!HHHH', 53, 1, 24, 0)), packet6(17, struct.pack('!HHHH', 54, 1, 24, 0))),
    ("<sctp-ipv6 dstportstart='9'/>", packet6(132, struct.pack('!HH', 1, 9)), packet6(132, struct.pack('!HH', 1, 8))),
    ("<icmpv6 type='128'/>", packet6(58, bytes([128])), packet6(58, bytes([129]))), ("<esp-ipv6/>", packet6(50), packet6(51)),
    ("<ah-ipv6 srcipfrom='fe80::4' srcipto='fe80::6'/>", packet6(51), packet6(51, sip='fe80::7')),
    ("<udplite-ipv6 dscp='12'/>", packet6(136, dscp=12), packet6(136, dscp=13)),
    # what one rule says in several elements must all be so
    ("<ip srcipaddr='10.0.0.5'/><ip match='no' dstipaddr='10.0.0.2'/>", ipv4('10.0.0.5'), ipv4('10.0.0.5', '10.0.0.2')),
    ("<udp match='no' dstportstart='53'/><udp srcportstart='7'/>", ipv4('10.0.0.5', sport=7), ipv4('10.0.0.5', dport=54)),
    ("<all-ipv6/>", frame(0x86dd, struct.pack('!IHBB', 0x60000000, 0, 59, 64) + bytes(32)), ipv4('10.0.0.6')),
]


def test_rules_on_real_frames(host, guest):
    """Each rule drops what it is about and nothing else; for frames to the guest it drops nothing from it."""
    host.nwfilterDefineXML(filter_xml('t', PASS))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
    for match, dropped, kept in FRAMES:
        assert guest.passes(dropped) and guest.passes(kept), match
    for match, dropped, kept in FRAMES:
        host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('out', 500, match)))
        assert not guest.passes(dropped) and guest.passes(kept), match
    host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('in', 500, "<mac protocolid='0x1111'/>")))
    assert guest.passes(frame(0x1111)) and not guest.passes(frame(0x1111, src=HOST, dst=MAC), out=False)
    # both directions: sender and receiver change places with them
    host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('inout', 500, f"<mac srcmacaddr='{HOST}' protocolid='0x1111'/>")))
    assert not guest.passes(frame(0x1111)) and not guest.passes(frame(0x1111, src=HOST, dst=MAC), out=False)


def test_order_and_chains(host, guest):
    """Priorities count within a chain, chains come by theirs, a filter's own chain returns to the root."""
    rule = "<rule action='{}' direction='out' priority='{}'><mac protocolid='0x1111'/></rule>"
    host.nwfilterDefineXML(filter_xml('sub', rule.format('return', 5) + rule.format('drop', 6), chain='mac-x', uuid='21111111-1111-1111-1111-111111111111'))
    for root, passed in ((rule.format('accept', 9), True), (rule.format('drop', 9), False), (rule.format('drop', 9) + rule.format('accept', 8), True),
                         (rule.format('continue', 7) + rule.format('drop', 8), False)):
        host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='sub'/>" + root))
        if not host.listAllNWFilterBindings():
            host.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
        assert guest.passes(frame(0x1111)) == passed, root
    host.nwfilterDefineXML(filter_xml('sub', rule.format('drop', 5), chain='mac-x', uuid='21111111-1111-1111-1111-111111111111'))
    host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='sub'/>" + rule.format('accept', -900)))
    assert guest.passes(frame(0x1111))      # the root's rule stands before the chain (-800)


def test_variables(host, guest):
    lists = [('A', '10.0.0.5'), ('A', '10.0.0.6'), ('P', '53'), ('P', '54'), ('P', '55')]
    rule = "<rule action='drop' direction='out' priority='9'><ip srcipaddr='{}' protocol='udp' dstportstart='{}'/></rule>"
    host.nwfilterDefineXML(filter_xml('t', PASS + rule.format('$A[@1]', '$P[@2]')))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't', lists))
    assert [guest.passes(ipv4(a, dport=p)) for a in ('10.0.0.5', '10.0.0.6', '10.0.0.7') for p in (53, 55, 56)] == [False, False, True] * 2 + [True] * 3
    assert 'iterators' in str(problem(host.nwfilterDefineXML, filter_xml('t', PASS + rule.format('$A', '$P'))))
    host.nwfilterDefineXML(filter_xml('t', PASS + rule.format('$A[1]', '$P[0]')))
    assert not guest.passes(ipv4('10.0.0.6', dport=53)) and guest.passes(ipv4('10.0.0.5', dport=53)) and guest.passes(ipv4('10.0.0.6', dport=54))
    for bad, said in (('$A[2]', '2 values'), ('$B', '$B'), ('$P', 'can\'t be the value')):
        assert said in str(problem(host.nwfilterDefineXML, filter_xml('t', PASS + rule.format(bad, '1'))))
    assert not guest.passes(ipv4('10.0.0.6', dport=53))     # the old rules are in force


def test_every_attribute(host):
    """Every attribute of every protocol makes rules that the kernel takes, but for those whose error says why not."""
    host.nwfilterDefineXML(filter_xml('t', ''))
    host.nwfilterBindingCreateXML(binding_xml('port0', 't'))
    rules = list(rules_of_rows())
    assert len(rules) > 250
    never = {'ipset': "doesn't see it", 'ipsetflags': "doesn't see it", 'gratuitous': None}
    connections = {'state', 'connlimit-above'}

    def define(direction, *texts):
        host.nwfilterDefineXML(filter_xml('t', ''.join(DROP.format(direction, 5, text) for text in texts)))
    for direction in ('in', 'out', 'inout'):
        one_way = {'srcmacaddr'} if direction == 'inout' else set()
        taken = [text for protocol, name, text in rules
                 if name not in connections and not never.get(name) and not (protocol == 'stp' and name in one_way)]
        define(direction, *taken)
        refused = {(protocol, name): text for protocol, name, text in rules if never.get(name) or protocol == 'stp' and name in one_way}
        for (protocol, name), text in refused.items():
            assert never.get(name, 'is for one direction') in str(problem(define, direction, text)), (protocol, name)
    # what the kernel may lack
    for text in [text for _, name, text in rules if name in connections]:
        try:
            define('in', text)
        except libvirt.libvirtError as error:
            assert NO_CONNECTIONS in str(error), text
    assert 'gratuitous' in str(problem(define, 'in', "<arp gratuitous='true'/>"))


def test_hostile_filters(host):
    """Circles, trees that double at each step, lists that multiply, names that end commands: an error, and nothing is in force."""
    assert problem(host.nwfilterDefineXML, filter_xml('t', "<filterref filter='t'/>")).get_error_code() == libvirt.VIR_ERR_OPERATION_FAILED
    for depth in range(30):
        inside = DROP.format('in', 1, '') if depth == 0 else f"<filterref filter='f{depth - 1}'/>" * 2
        host.nwfilterDefineXML(filter_xml(f'f{depth}', inside, uuid=f'11111111-1111-1111-1111-2222222222{depth:02}'))
    assert re.search('too often|more than', str(problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'f29'))))
    wide = ''.join(f"<ip srcipaddr='$A[@1]' dstipaddr='$A[@2]' srcportstart='$P[@3]' dstportstart='$P[@4]' protocol='tcp'/>" for _ in range(4))
    host.nwfilterDefineXML(filter_xml('wide', DROP.format('out', 1, wide)))
    lists = [('A', f'10.0.{n}.1') for n in range(40)] + [('P', str(n)) for n in range(40)]
    assert 'more than' in str(problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'wide', lists)))
    # references and lists by the ten thousand: in force or refused, at once
    host.nwfilterDefineXML(filter_xml('leaf', '', uuid='41111111-1111-1111-1111-111111111111'))
    host.nwfilterDefineXML(filter_xml('many', "<filterref filter='leaf'/>" * 10000, uuid='51111111-1111-1111-1111-111111111111'))
    host.nwfilterBindingCreateXML(binding_xml('port0', 'many')).delete()
    host.nwfilterDefineXML(filter_xml('leaf', DROP.format('in', 1, '') * 2, uuid='41111111-1111-1111-1111-111111111111'))
    assert re.search('too often|more than', str(problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'many'))))
    assert 'itself' in str(problem(host.nwfilterDefineXML, filter_xml('leaf', "<filterref filter='many'/>",
                                                                      uuid='41111111-1111-1111-1111-111111111111')))
    host.nwfilterDefineXML(filter_xml('list', DROP.format('out', 1, "<ip srcipaddr='$A'/>"), uuid='61111111-1111-1111-1111-111111111111'))
    problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'list', [('A', f'10.{n >> 8}.{n & 255}.1') for n in range(30000)]))
    host.nwfilterDefineXML(filter_xml('plain', DROP.format('in', 1, '<mac/>'), uuid='31111111-1111-1111-1111-111111111111'))
    for name in ('a"b', 'a b', 'a*', 'x' * 16, '../x'):
        problem(host.nwfilterBindingCreateXML, binding_xml(name.replace('"', '&quot;'), 'plain'))
    assert 'missing' in str(problem(host.nwfilterBindingCreateXML, binding_xml('port0', 'nowhere')))
    assert table() == '' and host.listAllNWFilterBindings() == []
