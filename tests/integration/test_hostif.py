# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host interfaces of the test driver, compared with Debian's library on test:///default."""
import glob
import os
import xml.etree.ElementTree as ET

import agreement
import corpus
import support

DOCUMENTS = sorted(glob.glob(os.path.join(support.SOURCE, 'tests/data/interface/*.xml')))
# What the format's words allow and its rules don't: bridges in bridges, and anything but devices in bonds.
REFUSED = {'schema/interface.schema:66: attr type=bridge', 'schema/interface.schema:47: attr type=bridge', 'schema/interface.schema:47: attr type=bond',
           'schema/interface.schema:47: attr type=vlan'}

HEAD = r'''
def iface(name, inside="<start mode='onboot'/>", type='ethernet'):
    return "<interface type='%s' name='%s'>%s</interface>" % (type, name, inside)
def I(name='eth1', conn=c):
    return conn.interfaceLookupByName(name)
def X(i, *flags):
    return tree(i.XMLDesc(*flags))
'''

FORMAT = HEAD + r'''
def defined(document, flags=0):
    i = c.interfaceDefineXML(document, flags)
    try:
        return X(i), i.name(), i.MACString()
    finally:
        i.undefine()
call('eth1', lambda: X(I()))
call('eth1 mac', lambda: I().MACString())
call('flags', c.interfaceDefineXML, iface('e'), 2)
call('xml flags', lambda: X(I(), 2))
call('inactive', lambda: X(I(), 1))
IN = "<start mode='onboot'/>"
v4, v6 = "<protocol family='ipv4'>%s</protocol>", "<protocol family='ipv6'>%s</protocol>"
ETHERNET = {
    'bare': '', 'start empty': '<start/>', 'start bad': "<start mode='zz'/>",
    'mac': IN + "<mac address='aa:bb:cc:dd:ee:01'/>", 'mac upper': IN + "<mac address='AA:bb:cc:dd:ee:01'/>",
    'mac bad': IN + "<mac address='zz'/>", 'mtu': IN + "<mtu size='1400'/>", 'mtu bad': IN + "<mtu size='-5'/>",
    'mtu word': IN + "<mtu size='x'/>", 'link speed': IN + "<link speed='x'/>", 'link bad': IN + "<link state='zz'/>",
    'all': "<mtu size='1400'/><link speed='100' state='up'/><mac address='aa:bb:cc:dd:ee:01'/>" + IN + v4 % '<dhcp/>',
    'address': IN + v4 % "<ip address='1.2.3.4' prefix='24'/><route gateway='1.2.3.1'/>",
    'addresses': IN + v4 % "<ip address='1.2.3.4' prefix='24'/><ip address='1.2.3.5'/>",
    'address none': IN + v4 % "<ip prefix='24'/>", 'address bad': IN + v4 % "<ip address='zz' prefix='24'/>",
    'prefix bad': IN + v4 % "<ip address='1.2.3.4' prefix='zz'/>", 'dhcp': IN + v4 % "<dhcp peerdns='no'/>",
    'prefix long': IN + v4 % "<ip address='1.2.3.4' prefix='33'/>", 'other family': IN + v4 % "<ip address='2001::1' prefix='64'/>",
    'dhcp yes': IN + v4 % "<dhcp peerdns='yes'/>", 'dhcp bad': IN + v4 % "<dhcp peerdns='zz'/>",
    'dhcp and address': IN + v4 % "<dhcp/><ip address='1.2.3.4' prefix='24'/>", 'no addresses': IN + v4 % '',
    'routes': IN + v4 % "<route gateway='1.2.3.1'/><route gateway='1.2.3.2'/>", 'route none': IN + v4 % '<route/>',
    'ipv6': IN + v6 % "<autoconf/><dhcp/><ip address='2001::1' prefix='64'/><ip address='2001::2' prefix='64'/><route gateway='2001::9'/>",
    'both': IN + v6 % '<autoconf/>' + v4 % '<dhcp/>', 'twice': IN + v4 % '<dhcp/>' + v4 % '<dhcp/>',
    'no family': IN + '<protocol/>', 'bad family': IN + "<protocol family='zz'/>", 'autoconf': IN + v4 % '<autoconf/>',
    'unknown': IN + '<zzz/>', 'bridge': IN + "<bridge stp='zz'/>",
}
for mode in ('none', 'onboot', 'hotplug'):
    ETHERNET['start ' + mode] = "<start mode='%s'/>" % mode
for state in ('up', 'down', 'unknown', 'notpresent', 'lowerlayerdown', 'testing', 'dormant', 'lower-layer-down'):
    ETHERNET['link ' + state] = IN + "<link state='%s'/>" % state
port = "<interface type='ethernet' name='e1'><mac address='aa:bb:cc:dd:ee:01'/></interface>"
bond = "<interface type='bond' name='bo'><bond mode='active-backup'><miimon freq='100' updelay='10' downdelay='20' carrier='ioctl'/>" + \
    port + "</bond></interface>"
vlan = "<interface type='vlan' name='v'><vlan tag='5'><interface name='e1'/></vlan></interface>"
BRIDGE = {
    'full': "<mtu size='1500'/>" + v4 % '<dhcp/>' + "<bridge stp='on' delay='0.01'>" + port + port.replace('e1', 'e2') + '</bridge>',
    'empty': '<bridge/>', 'none': '', 'stp bad': "<bridge stp='zz'/>", 'delay bad': "<bridge stp='off' delay='zz'/>",
    'stp off': "<bridge stp='off' delay='3'/>", 'of bond': '<bridge>' + bond + '</bridge>', 'of vlan': '<bridge>' + vlan + '</bridge>',
    'no type': "<bridge><interface name='e1'/></bridge>", 'no name': "<bridge><interface type='ethernet'/></bridge>",
    'of bridge': "<bridge><interface type='bridge' name='x'><bridge/></interface></bridge>",
    'part with more': "<bridge><interface type='ethernet' name='x'><start mode='none'/><mtu size='1300'/></interface></bridge>",
    'bare bond': "<bridge><interface type='bond' name='x'/></bridge>", 'bare vlan': "<bridge><interface type='vlan' name='x'/></bridge>",
}
BOND = {
    'bare': '<bond>' + port + '</bond>', 'none': '', 'empty': '<bond/>',
    'arp': "<bond mode='balance-rr'><arpmon interval='100' target='1.2.3.4'/>" + port + '</bond>',
    'arp bare': '<bond><arpmon/>' + port + '</bond>', 'arp interval': "<bond><arpmon interval='5'/>" + port + '</bond>',
    'arp target': "<bond><arpmon target='1.2.3.4'/>" + port + '</bond>',
    'arp bad target': "<bond><arpmon interval='5' target='zz'/>" + port + '</bond>',
    'arp bad interval': "<bond><arpmon interval='x' target='1.2.3.4'/>" + port + '</bond>',
    'both': "<bond><arpmon interval='5' target='1.2.3.4'/><miimon freq='100'/>" + port + '</bond>',
    'mii': "<bond mode='802.3ad'><miimon freq='100' carrier='netif'/>" + port + '</bond>',
    'mii bare': '<bond><miimon/>' + port + '</bond>', 'mii delay': "<bond><miimon freq='1' updelay='x'/>" + port + '</bond>',
    'mii carrier': "<bond><miimon freq='1' carrier='x'/>" + port + '</bond>',
    'of bridge': "<bond><interface type='bridge' name='e1'><bridge/></interface></bond>", 'of vlan': '<bond>' + vlan + '</bond>',
}
for mode in ('balance-rr', 'active-backup', 'balance-xor', 'broadcast', '802.3ad', 'balance-tlb', 'balance-alb', 'zz'):
    BOND['mode ' + mode] = "<bond mode='%s'>%s</bond>" % (mode, port)
for validate in ('active', 'backup', 'all', 'none'):
    BOND['validate ' + validate] = "<bond><arpmon interval='5' target='1.2.3.4' validate='%s'/>%s</bond>" % (validate, port)
VLAN = {
    'plain': "<vlan tag='42'><interface name='e1'/></vlan>", 'none': '', 'no tag': "<vlan><interface name='e1'/></vlan>",
    'typed': "<vlan tag='42'>" + port + '</vlan>', 'empty': "<vlan tag='3'/>", 'tag bad': "<vlan tag='x'><interface name='e1'/></vlan>",
    'tag big': "<vlan tag='99999'><interface name='e1'/></vlan>", 'nameless': "<vlan tag='3'><interface/></vlan>",
    'mac': "<mac address='aa:bb:cc:dd:ee:01'/><vlan tag='3'><interface name='e1'/></vlan>",
    'addresses': v4 % "<ip address='1.2.3.4' prefix='24'/>" + "<vlan tag='3'><interface name='e1'/></vlan>",
    'two': "<vlan tag='3'><interface name='a'/><interface name='b'/></vlan>",
}
for flags in (0, 1):
    for type, documents in (('ethernet', ETHERNET), ('bridge', BRIDGE), ('bond', BOND), ('vlan', VLAN)):
        for what, inside in documents.items():
            start = '' if type == 'ethernet' else IN
            call('%s %s %d' % (type, what, flags), defined, iface('x', start + inside, type), flags)
    for what, document in {'root': '<network/>', 'garbage': '<x', 'no name': "<interface type='ethernet'/>", 'no type': "<interface name='e'/>",
                           'type': iface('x', type='zz'), 'empty name': iface(''), 'slash': iface('a/b'), 'line': iface('a&#10;b')}.items():
        call('bad %s %d' % (what, flags), defined, document, flags)
'''


def test_format(tmp_path):
    agreement.check(FORMAT, tmp_path, differing=[
        'inactive',     # the reference's test driver has one document only
        'ethernet mac upper 0', 'ethernet mac upper 1',     # addresses are written in one form
        # what can't be meant is refused, where the reference takes it or drops it
        *(what + ' 0' for what in (
            'ethernet mac bad', 'ethernet address none', 'ethernet address bad', 'ethernet prefix long', 'ethernet other family',
            'bridge stp bad', 'bridge delay bad', 'bond arp bad target', 'bond both', 'vlan tag bad', 'vlan tag big', 'bad slash',
            'bad line', 'bad empty name')), 'bad slash 1',
        # what is merely superfluous or missing is no mistake of the format
        'ethernet start empty 1', 'ethernet route none 1', 'ethernet twice 1', 'bond empty 1',
        'bond validate none 1',     # its grammar has a value that its parser hasn't
    ])


LIFE = HEAD + r'''
lists = lambda: (sorted(c.listInterfaces()), sorted(c.listDefinedInterfaces()), c.numOfInterfaces(), c.numOfDefinedInterfaces(),
                 [sorted(i.name() for i in c.listAllInterfaces(f)) for f in (0, 1, 2, 3)])
mac = "<start mode='none'/><mac address='%s'/>"
call('lists', lists)
call('list flags', c.listAllInterfaces, 4)
call('none', I, 'eth9')
call('by mac', c.interfaceLookupByMACString, 'aa:bb:cc:dd:ee:ff')
call('by upper mac', c.interfaceLookupByMACString, 'AA:BB:CC:DD:EE:FF')
call('by other mac', c.interfaceLookupByMACString, 'aa:bb:cc:dd:ee:00')
call('by bad mac', c.interfaceLookupByMACString, 'zz')
call('define', c.interfaceDefineXML, iface('eth2', mac % 'aa:bb:cc:dd:ee:02'))
call('defined', lambda: (I('eth2').isActive(), I('eth2').MACString()))
call('lists defined', lists)
call('define again', lambda: X(c.interfaceDefineXML(iface('eth2', mac % 'aa:bb:cc:dd:ee:ff'))))
call('two of a mac', c.interfaceLookupByMACString, 'aa:bb:cc:dd:ee:ff')
call('create', lambda: I('eth2').create())
call('create twice', lambda: I('eth2').create())
call('create flags', lambda: I('eth2').create(1))
call('lists active', lists)
call('define active', lambda: (X(c.interfaceDefineXML(iface('eth2', mac % 'aa:bb:cc:dd:ee:03'))), I('eth2').isActive()))
call('redefined', lambda: (X(I('eth2')), I('eth2').MACString(), c.interfaceLookupByMACString('aa:bb:cc:dd:ee:03').name()))
call('destroy flags', lambda: I('eth2').destroy(1))
call('destroy', lambda: I('eth2').destroy())
call('destroyed', lambda: X(I('eth2')))
call('destroy twice', lambda: I('eth2').destroy())
call('create again', lambda: I('eth2').create())
call('undefine active', lambda: I('eth2').undefine())
call('undefined', lists)
def gone():
    i = c.interfaceDefineXML(iface('eth3'))
    i.undefine()
    return i
for name, args in (('undefine', ()), ('destroy', ()), ('create', ()), ('XMLDesc', ()), ('isActive', ())):
    call('gone ' + name, lambda: getattr(gone(), name)(*args))

names = lambda: sorted((i.name(), i.isActive(), i.MACString()) for i in c.listAllInterfaces())
call('commit none', c.changeCommit)
call('rollback none', c.changeRollback)
for flags in (1, 2):
    call('begin flags %d' % flags, c.changeBegin, flags)
call('begin', c.changeBegin)
call('begin twice', c.changeBegin)
call('commit flags', c.changeCommit, 1)
call('rollback flags', c.changeRollback, 1)
call('change', lambda: (c.interfaceDefineXML(iface('eth5', mac % 'aa:bb:cc:dd:ee:05')).create(), I().destroy(), names()))
call('commit', c.changeCommit)
call('committed', names)
call('commit twice', c.changeCommit)
call('begin again', c.changeBegin)
old = I('eth5')
call('change again', lambda: (I('eth5').undefine(), I().create(), c.interfaceDefineXML(iface('eth6')).create(),
     c.interfaceDefineXML(iface('eth1', mac % 'aa:bb:cc:dd:ee:0e')).name(), names()))
other = libvirt.open(sys.argv[2])
call('begin in another', other.changeBegin)
call('seen by another', lambda: sorted(i.name() for i in other.listAllInterfaces()))
call('rollback', c.changeRollback)
call('rolled back', names)
call('old handle', lambda: (old.isActive(), X(old)))
call('eth1 again', lambda: X(I()))
call('rollback twice', c.changeRollback)
call('begin for another', other.changeBegin)
call('rollback for another', c.changeRollback)
call('read only', lambda: libvirt.openReadOnly(sys.argv[2]).changeBegin())
'''


def test_life(tmp_path):
    ours = agreement.check(LIFE, tmp_path, differing=[
        'rolled back', 'old handle',    # the reference forgets what was up
    ])
    assert ['eth5', 1, 'aa:bb:cc:dd:ee:05'] in ours['rolled back'][0] and ours['old handle'][0][0] == 1


def test_over_the_wire(tmp_path, daemon):
    agreement.check_wire(LIFE, tmp_path, daemon)


NODE = HEAD + r'''
path = os.path.join(folder, 'node.xml')
def node(text):
    open(path, 'w').write('<node>' + text + '</node>')
    return libvirt.open('test://' + path)
def found(text):
    n = node(text)
    return sorted((i.name(), i.isActive(), i.MACString(), X(i)) for i in n.listAllInterfaces())
call('none', found, '')
call('two', found, iface('a') + iface('b', '<bridge/>', 'bridge'))
call('bad', found, iface('a', '', 'zz'))
call('twice', found, iface('a') + iface('a', "<mtu size='1300'/>"))
open(os.path.join(folder, 'i.xml'), 'w').write(iface('filed'))
call('file', found, "<interface file='i.xml'/>")
'''


def test_node_file(tmp_path):
    agreement.check(NODE, tmp_path)


CORPUS = HEAD + r'''
import glob
for path in sorted(glob.glob(%r)):
    def defined(flags):
        i = c.interfaceDefineXML(open(path).read(), flags)
        try:
            return X(i), i.name(), i.MACString()
        finally:
            i.undefine()
    for flags in (0, 1):
        call('%%s %%d' %% (os.path.basename(path), flags), lambda: defined(flags))
''' % os.path.join(support.SOURCE, 'tests/data/interface/*.xml')


def test_the_corpus(tmp_path):
    agreement.check(CORPUS, tmp_path)


def test_every_row_and_every_value_has_a_document():
    coverage = corpus.Coverage(corpus.schema('interface'))
    for path in DOCUMENTS:
        coverage.add(corpus.Case(path, ET.parse(path).getroot()))
    rows, values = coverage.missing()
    assert not rows and set(values) == REFUSED and not coverage.unknown, '\n'.join(rows + values)
