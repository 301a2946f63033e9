# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network filters and bindings. The reference's test driver has none: ours is compared with the reference's daemon, which is asked on
interfaces of a network namespace of its own."""
import glob
import os

import agreement
import support

HEAD = r'''
import re
U = '11111111-1111-1111-1111-1111111111%02d'
def filter(name='t', inside='', number=1, attrs=''):
    return "<filter name='%s' %s><uuid>%s</uuid>%s</filter>" % (name, attrs, U % number, inside)
def F(name='t'):
    return c.nwfilterLookupByName(name)
def once(document):
    made = c.nwfilterDefineXML(document)
    try:
        return tree(made.XMLDesc(0), ['uuid'])
    finally:
        made.undefine()
def rule(inside='', attrs="action='drop' direction='in'"):
    """The rule's attributes and the traffic it is about, as printed."""
    text = once("<filter name='t'><rule %s>%s</rule></filter>" % (attrs, inside))
    return text[3][1][1], [[e[0], e[1]] for e in text[3][1][3]]
'''

PROTOCOLS = HEAD + r'''
VALUES = {
    'mac': ('00:11:22:33:44:55', '0:1:2:3:4:5', 'AA:bb:cc:dd:ee:ff', 'zz', '', '00-11-22-33-44-55', '00:11:22:33:44', '1:2:3:4:5:6:7'),
    'macmask': ('00:11:22:33:44:55', 'ff:ff:ff:ff:ff:ff', 'ff:00:ff:00:00:00', 'ff:ff:f0:00:00:00', 'zz'),
    'number': ('0', '1', '63', '64', '255', '256', '4095', '4096', '65535', '65536', '0x10', '0XfF', '0x100', '0xffff', '0x10000', 'x', '',
               '010', '1x', '4294967295', '4294967296', '99999999999999999999'),
    'ethertype': ('arp', 'ARP', 'ipv4', 'rarp', 'ipv6', 'vlan', 'ip', 'stp', '0x800', '2048', '2054', '0x600', '0x5ff', '59', '60', '65535', '65536', 'zz'),
    'opcode': ('Request', 'Reply', 'request', '1', '0x1', '9', '10', '65536', 'zz', 'Request_Reverse', 'DRARP_Error', 'InARP_Request', 'ARP_NAK'),
    'protocol': ('tcp', 'TCP', '6', '0x6', '17', '255', '256', 'icmp', 'igmp', 'udplite', 'esp', 'ah', 'sctp', 'icmpv6', '33', 'zz', '0'),
    'ipv4': ('1.2.3.4', '1.2.3.256', '::1', 'x', ''),
    'ipv6': ('::1', 'FFFF::1', 'fe80:0:0:0::1', '::ffff:1.2.3.4', '1.2.3.4', 'zz'),
    'mask4': ('24', '0', '32', '33', '255.255.255.0', '1.2.3.4', 'x'),
    'mask6': ('64', '0', '128', '129', 'ffff:ffff::', '::1', 'ffff::1'),
    'bool': ('true', 'yes', '1', 'false', 'no', '0', 'zz', 'TRUE'),
    'state': ('NEW', 'new', 'NEW,ESTABLISHED', 'ESTABLISHED,NEW', 'NONE', 'NONE,NEW', 'RELATED,INVALID', 'zz', '', 'NEW,NEW', 'NEW, ESTABLISHED',
              'INVALID,RELATED,NEW,ESTABLISHED', 'NEW,'),
    'flags': ('SYN', 'SYN/SYN', 'ALL/NONE', 'ACK,SYN/SYN', 'syn/ack', 'ALL/ALL', 'SYN,ACK,URG,PSH,FIN,RST/SYN', 'FIN,RST,PSH/NONE', 'URG,ACK,SYN/NONE', '/SYN', 'SYN/',
              'zz/SYN', 'SYN/SYN/SYN'),
    'comment': ('hello', 'a&lt;b&apos;c', 'x' * 256, 'x' * 257, '', '$X', 'a$b'),
    'limit': ('0', '1', '65535', '65536', '0x10'),
}
VARIABLES = ('$V', '$V[1]', '$V[@2]', '$V[01]', '$V C', '$A-b', '$V[x]', '$V[@', '$V[99999999999]', '$_a')
L2 = {'srcmacaddr': 'mac', 'srcmacmask': 'macmask', 'dstmacaddr': 'mac', 'dstmacmask': 'macmask'}
def addresses(family, ranges=True):
    found = {'srcipaddr': 'ipv' + family, 'srcipmask': 'mask' + family, 'dstipaddr': 'ipv' + family, 'dstipmask': 'mask' + family}
    if ranges:
        found.update((name, 'ipv' + family) for name in ('srcipfrom', 'srcipto', 'dstipfrom'))
    if ranges and family == '4':        # the reference wants an IPv4 address there in any case
        found['dstipto'] = 'ipv4'
    return found
def numbers(*names):
    return dict.fromkeys(names, 'number')
PORTS = numbers('srcportstart', 'srcportend', 'dstportstart', 'dstportend')
def connection(family):
    return {'srcmacaddr': 'mac', **addresses(family), 'dscp': 'number', 'connlimit-above': 'limit', 'state': 'state'}
ARP = {**L2, **numbers('hwtype', 'protocoltype'), 'opcode': 'opcode', 'arpsrcmacaddr': 'mac', 'arpdstmacaddr': 'mac', 'arpsrcipaddr': 'ipv4',
       'arpsrcipmask': 'mask4', 'arpdstipaddr': 'ipv4', 'arpdstipmask': 'mask4', 'gratuitous': 'bool'}
ATTRIBUTES = {
    'mac': {**L2, 'protocolid': 'ethertype'}, 'vlan': {**L2, 'vlanid': 'number', 'encap-protocol': 'ethertype'},
    'stp': {'srcmacaddr': 'mac', 'srcmacmask': 'macmask', 'root-address': 'mac', 'root-address-mask': 'macmask', 'sender-address': 'mac',
            'sender-address-mask': 'macmask', **numbers('type', 'flags', 'root-priority', 'root-priority-hi', 'root-cost', 'root-cost-hi',
            'sender-priority', 'sender-priority-hi', 'port', 'port-hi', 'age', 'age-hi', 'max-age', 'max-age-hi', 'hello-time',
            'hello-time-hi', 'forward-delay', 'forward-delay-hi')},
    'arp': ARP, 'rarp': ARP, 'ip': {**L2, **addresses('4', False), 'protocol': 'protocol', 'dscp': 'number'},
    'ipv6': {**L2, **addresses('6', False), 'protocol': 'protocol', **numbers('type', 'typeend', 'code', 'codeend')},
    'tcp': {**connection('4'), **PORTS, 'flags': 'flags'}, 'icmp': {**connection('4'), **numbers('type', 'code')},
    'icmpv6': {**connection('6'), **numbers('type', 'code')},
    **{name: {**connection('4'), **PORTS} for name in ('udp', 'sctp')},
    **{name: connection('4') for name in ('igmp', 'esp', 'ah', 'udplite', 'all')},
    **{name + '-ipv6': {**connection('6'), **PORTS} for name in ('tcp', 'udp', 'sctp')},
    **{name + '-ipv6': connection('6') for name in ('esp', 'ah', 'udplite', 'all')},
}
seen = set()
for protocol, attributes in ATTRIBUTES.items():
    call(protocol + ' alone', rule, '<%s/>' % protocol)
    for name, kind in {**attributes, 'comment': 'comment'}.items():
        # the same row serves many protocols: all values once, for the others those that tell most
        values = VALUES[kind] if (name, kind) not in seen else VALUES[kind][:2]
        seen.add((name, kind))
        for value in values + VARIABLES[:1]:
            call('%s %s=%s' % (protocol, name, value), rule, "<%s %s='%s'/>" % (protocol, name, value))
for value in VARIABLES:
    call('variable ' + value, rule, "<mac srcmacaddr='%s'/>" % value)
for ports in ("srcportstart='1'", "srcportend='2'", "dstportstart='$V'", "dstportend='3'"):
    for protocol in ('ip', 'ipv6'):
        for inner in ('', "protocol='icmp'", "protocol='33'", "protocol='$P'", "protocol='udplite'", "protocol='sctp'", "protocol='17'"):
            call('%s %s %s' % (protocol, inner, ports), rule, '<%s %s %s/>' % (protocol, inner, ports))
call('ipset', rule, "<all ipset='a-b_c.d' ipsetflags='src,DST'/>")
for flags in ('src,src,dst,dst,src,dst', 'src,src,dst,dst,src,dst,src', 'zz', '', 'src,', ' src'):
    call('ipset flags ' + flags, rule, "<all ipset='a' ipsetflags='%s'/>" % flags)
for name in ('a b', 'a' * 31, 'a' * 32, 'a/b', '$X', 'A+='):
    call('ipset ' + name, rule, "<all ipset='%s' ipsetflags='src'/>" % name)
call('not', rule, "<mac match='no' srcmacaddr='$MAC'/>")
call('not and so', rule, "<tcp srcipaddr='1.2.3.4'/><tcp match='no' dstipaddr='1.2.3.5'/>")
call('so', rule, "<tcp match='yes' srcipaddr='1.2.3.4'/>")
'''

FILTERS = HEAD + r'''
for what, document in {'garbage': 'zz', 'root': '<x/>', 'nameless': '<filter/>', 'empty name': "<filter name=''/>",
                       'plain': "<filter name='t'/>", 'uuid': "<filter name='t'><uuid>zz</uuid></filter>"}.items():
    call(what, once, document)
for chain in ('root', 'arp', 'arp-x', 'arpx', 'mac', 'vlan', 'rarp', 'ipv4', 'ipv6', 'ipv4-1', 'stp', 'zz', '', 'arp-' + 'x' * 20, 'arp x', 'ARP'):
    call('chain ' + chain, once, "<filter name='t' chain='%s'/>" % chain)
    for priority in ('-500', '0', '1000', '1001', '-1000', '-1001', 'x'):
        call('chain %s priority %s' % (chain, priority), once, "<filter name='t' chain='%s' priority='%s'/>" % (chain, priority))
call('priority alone', once, "<filter name='t' priority='5'/>")
for attrs in ("action='drop' direction='in'", "action='accept' direction='out'", "action='reject' direction='inout'",
              "action='return' direction='in'", "action='continue' direction='in'", "action='zz' direction='in'",
              "action='drop' direction='zz'", "action='drop'", "direction='in'", ''):
    call('rule ' + attrs, rule, '', attrs)
for priority in ('500', '0', '-1', '1000', '-1000', '1001', 'x'):
    call('rule priority ' + priority, rule, '', "action='drop' direction='in' priority='%s'" % priority)
for value in ('0', 'false', 'true', '1', 'zz'):
    call('rule statematch ' + value, rule, '<tcp/>', "action='drop' direction='in' statematch='%s'" % value)
call('order', once, "<filter name='t'><rule action='drop' direction='in'/><filterref filter='x'/><rule action='drop' direction='out' "
     "priority='100'/><filterref filter='y'/></filter>")
call('two protocols', rule, '<tcp/><udp/>')
call('unknown protocol', rule, '<zz/>')
def parameters(*pairs):
    inside = ''.join("<parameter name='%s' value='%s'/>" % pair for pair in pairs)
    return once("<filter name='t'><filterref filter='x'>%s</filterref></filter>" % inside)[3][1]
call('parameters', parameters, ('IP', '1.2.3.4'), ('IP', '1.2.3.5'), ('B', 'x'), ('A', 'y'), ('IP', '1.2.3.0'))
for name, value in (('a b', 'x'), ('a-b', 'x'), ('1', '2'), ('x', 'a_b.c:d'), ('x', 'a/b'), ('x', ''), ('x', '$V')):
    call('parameter %s %s' % (name, value), parameters, (name, value))

call('define', lambda: tree(c.nwfilterDefineXML(filter('a', "<filterref filter='b'/>")).XMLDesc(0)))
call('again', lambda: tree(c.nwfilterDefineXML(filter('a', "<filterref filter='b'/><filterref filter='b'/>")).XMLDesc(0)))
call('other uuid', c.nwfilterDefineXML, filter('a', '', 2))
call('no uuid', c.nwfilterDefineXML, "<filter name='a'/>")
call('other name', c.nwfilterDefineXML, filter('z'))
call('own circle', c.nwfilterDefineXML, filter('s', "<filterref filter='s'/>", 3))
call('circle', c.nwfilterDefineXML, filter('b', "<filterref filter='a'/>", 3))
call('b', c.nwfilterDefineXML, filter('b', "<filterref filter='c'/>", 3))
call('longer circle', c.nwfilterDefineXML, filter('c', "<filterref filter='d'/><filterref filter='a'/>", 4))
call('lookup', F, 'a')
call('lookup uuid', c.nwfilterLookupByUUIDString, U % 1)
call('unknown', F, 'zz')
call('unknown uuid', c.nwfilterLookupByUUIDString, U % 99)
call('list flags', c.listAllNWFilters, 1)
call('xml flags', lambda: F('a').XMLDesc(1))
call('define flags', c.nwfilterDefineXMLFlags, filter('v', '', 9), 2)
call('valid', c.nwfilterDefineXMLFlags, filter('v', '', 9), 1)
call('invalid', c.nwfilterDefineXMLFlags, filter('v', '<foo/>', 9), 1)
call('undefine v', lambda: F('v').undefine())
call('there', lambda: sorted(n for n in c.listNWFilters() if len(n) == 1))
call('handle', lambda: (F('a').name(), F('a').UUIDString()))

def bind(dev, name, inside='', **parts):
    text = {'owner': '<owner><name>vm</name><uuid>' + U % 50 + '</uuid></owner>', 'portdev': "<portdev name='%s'/>" % dev,
            'mac': "<mac address='00:11:22:33:44:55'/>", 'ref': "<filterref filter='%s'>%s</filterref>" % (name, inside), **parts}
    return '<filterbinding>%s</filterbinding>' % ''.join(text.values())
def make(*how, flags=0, **parts):
    made = c.nwfilterBindingCreateXML(bind(*how, **parts), flags)
    return made.portDev(), made.filterName(), tree(made.XMLDesc(0))
def B(dev='lo'):
    return c.nwfilterBindingLookupByPortDev(dev)
call('bind nowhere', make, 'lo', 'nowhere')
call('bind half', make, 'lo', 'a')
call('c', c.nwfilterDefineXML, filter('c', '', 4))
call('bind', make, 'lo', 'a', "<parameter name='IP' value='1.2.3.4'/><parameter name='A' value='b'/>")
call('bind twice', make, 'lo', 'a')
call('look', lambda: (B().portDev(), B().filterName(), tree(B().XMLDesc(0))))
call('look nowhere', B, 'zz')
call('bindings', lambda: sorted((b.portDev(), b.filterName()) for b in c.listAllNWFilterBindings(0)))
call('bindings flags', c.listAllNWFilterBindings, 1)
call('binding xml flags', lambda: B().XMLDesc(1))
for name in 'abc':
    call('undefine used ' + name, lambda: F(name).undefine())
call('change used', lambda: c.nwfilterDefineXML(filter('c', "<rule action='drop' direction='in'/>", 4)).name())
call('break used', c.nwfilterDefineXML, filter('c', "<filterref filter='gone'/>", 4))
call('still', lambda: tree(F('c').XMLDesc(0)))
call('delete', lambda: B().delete())
def gone():
    made = c.nwfilterBindingCreateXML(bind('lo', 'c'), 0)
    made.delete()
    return made
call('gone delete', lambda: gone().delete())
call('gone xml', lambda: gone().XMLDesc(0))
for what, parts in {'owner': {'owner': ''}, 'owner uuid': {'owner': '<owner><name>vm</name></owner>'},
                    'owner name': {'owner': '<owner><uuid>%s</uuid></owner>' % (U % 50)},
                    'bad owner uuid': {'owner': '<owner><name>vm</name><uuid>zz</uuid></owner>'}, 'portdev': {'portdev': ''},
                    'portdev name': {'portdev': '<portdev/>'}, 'mac': {'mac': ''}, 'bad mac': {'mac': "<mac address='zz'/>"},
                    'ref': {'ref': ''}, 'ref name': {'ref': '<filterref/>'}}.items():
    call('bind without ' + what, lambda: make('lo', 'c', **parts))
call('bind garbage', c.nwfilterBindingCreateXML, 'zz', 0)
call('bind root', c.nwfilterBindingCreateXML, '<x/>', 0)
call('bind flags', lambda: make('lo', 'c', flags=2))
call('link device', lambda: (make('lo', 'c', link="<linkdev name='l'/>"), B().delete()))
call('valid bind', lambda: (make('lo', 'c', flags=1), B().delete()))
for name in 'bca':
    call('undefine ' + name, lambda: F(name).undefine())
call('gone', lambda: [n for n in c.listNWFilters() if len(n) == 1])
def undefined():
    made = c.nwfilterDefineXML(filter('g', '', 7))
    made.undefine()
    return made
call('undefined twice', lambda: undefined().undefine())
call('undefined xml', lambda: undefined().XMLDesc(0))
'''


def test_protocols(tmp_path, reference):
    ours = agreement.check(PROTOCOLS, tmp_path, reference=reference)
    assert ours['tcp flags=ACK,SYN/SYN'][0][1] == [['tcp', [['flags', 'SYN,ACK/SYN']]]]


def test_filters(tmp_path, reference):
    agreement.check(FILTERS, tmp_path, reference=reference, differing=[
        'chain stp',                # the reference forgets what its documents say of the priority
        # what has no meaning is refused; the reference takes something else for it, or nothing
        'rule priority 1001', 'rule priority x', 'rule statematch zz', 'two protocols', 'parameter a b x', 'parameter a-b x',
        'parameter x a/b', 'parameter x ', 'parameter x $V',
        'bind without ref name',    # another code
    ])


def test_filters_of_the_reference(tmp_path, reference):
    """Those that Debian ships are understood."""
    documents = {}
    for path in glob.glob(os.path.join(support.reference_root(), 'etc/libvirt/nwfilter/*.xml')):
        with open(path, encoding='utf-8') as f:
            documents[os.path.basename(path)] = f.read()
    assert len(documents) > 20
    agreement.check(HEAD + f'documents = {documents!r}\n' + """
for name, text in sorted(documents.items()):
    if c.getType() == 'TEST':
        c.nwfilterDefineXML(text)
    call(name, lambda: tree(F(name[:-4]).XMLDesc(0), ['uuid']))
call('known', lambda: sorted(c.listNWFilters()))
""", tmp_path, reference=reference)


def test_over_the_wire(tmp_path, daemon):
    agreement.check_wire(FILTERS, tmp_path, daemon)
