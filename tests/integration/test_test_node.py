# SPDX-License-Identifier: LGPL-2.1-or-later
"""test:///path: who is let in and what domains a node has, beside Debian's."""

import agreement
import support

USERS = r'''
path = os.path.join(folder, 'node.xml')
def node(users):
    open(path, 'w').write(f'<node><auth>{users}</auth></node>')
asked = []
def answer(wanted, answers):
    for credential in wanted:
        asked.append(credential[0:3])
        credential[4] = answers.get(credential[0], 'x')
    return 0
def enter(kinds, answers):
    asked.clear()
    return libvirt.openAuth('test://' + path, [kinds, answer, answers], 0).getType()
def enter_asked(kinds, answers):
    try: enter(kinds, answers)
    except libvirt.libvirtError: pass
    return list(asked)
node("<user password='123'>one</user><user>two</user>")
BOTH = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
for label, kinds, answers in (('right', BOTH, {2: 'one', 5: '123'}), ('wrong', BOTH, {2: 'one', 5: '124'}),
                              ('free', BOTH, {2: 'two'}), ('unknown', BOTH, {2: 'three'}),
                              ('prefix', BOTH, {2: 'one', 5: '12'}), ('only the name', [2], {2: 'one'}),
                              ('no echo', [2, 7], {2: 'one', 7: '123'})):
    call(label, enter, kinds, answers)
    call(label + ', asked', enter_asked, kinds, answers)
call('refused', lambda: libvirt.openAuth('test://' + path, [BOTH, lambda *a: -1, None], 0))
call('nobody to ask', libvirt.open, 'test://' + path)
call('read only', libvirt.openReadOnly, 'test://' + path)
node('')
call('no users', lambda: libvirt.open('test://' + path).getType())
node("<user password='p'/>")
call('nameless', libvirt.open, 'test://' + path)
'''


def test_users(tmp_path):
    ours = agreement.check(USERS, tmp_path)
    assert ours['right'][0] == 'TEST'
    assert ours['wrong'][0] == ours['unknown'][0] == ours['prefix'][0] == 'error 45'

DOMAINS = r'''
import itertools
labels = itertools.count()
for flags in (0, 1, 2):
    call('default live %d' % flags, t.XMLDesc, flags)
call('default state', t.state)
t.destroy()
for flags in (0, 2):
    call('default off %d' % flags, t.XMLDesc, flags)
def disk(target, inside=''):
    return "<disk type='file' device='disk'>%s<source file='/%s'/><target %s/></disk>" % (inside, next(labels), target)
def net(number, inside='', kind='network'):
    source = "<source network='default'/>" if kind == 'network' else ''
    return "<interface type='%s'><mac address='52:54:00:00:00:%02x'/>%s%s</interface>" % (kind, number, source, inside)
for devices in (
        '', disk("dev='vda' bus='virtio'") + disk("dev='hdb' bus='ide'", "<driver cache='none'/>") + disk("dev='vdb' bus='virtio'", "<driver name='qemu'/>"),
        disk("dev='sda' bus='scsi'") + disk("dev='sdb' bus='sata'") + disk("dev='sdc' bus='usb'") + disk("dev='hda' bus='ide'"),
        net(1) + net(2, "<target dev='testnet2'/>") + net(3, "<target dev='vnet3'/>") + net(4, '', 'user'),
        net(1, "<address type='pci' domain='0' bus='0' slot='1' function='0'/>") + "<memballoon model='virtio'/>",
        "<graphics type='vnc'/>", "<graphics type='vnc'/><video><model type='qxl'/></video><video><model type='virtio'/></video>",
        "<graphics type='vnc' port='5901' websocket='5700' listen='1.2.3.4'><listen type='none'/></graphics>",
        "<graphics type='spice' port='5901' tlsPort='5902' autoport='no'><listen type='socket'/></graphics>",
        "<sound model='ich6'/><watchdog model='i6300esb'/><rng model='virtio'><backend model='random'>/dev/random</backend></rng>",
        "<controller type='usb' index='0' model='ehci'/><controller type='scsi' index='0' model='virtio-scsi'/>",
        "<serial type='pty'/><console type='pty'/><channel type='unix'><target type='virtio' name='a'/></channel>",
        "<input type='tablet' bus='usb'/><hub type='usb'/><tpm model='tpm-tis'><backend type='emulator'/></tpm>"):
    d = c.defineXML(xml('some', 1, '<devices>%s</devices>' % devices))
    call('inactive %d' % next(labels), d.XMLDesc)
    d.create()
    call('active %d' % next(labels), d.XMLDesc)
    d.destroy()
for kind in ('none', 'socket'):
    call('rdp on ' + kind, c.defineXML, xml('some', 1, "<devices><graphics type='rdp'><listen type='%s'/></graphics></devices>" % kind))
call('cpu', lambda: c.defineXML(xml('some', 1, "<cpu mode='host-model'/>")).XMLDesc())
'''


def test_domains(tmp_path):
    assert len(agreement.check(DOMAINS, tmp_path)) > 25


PAST = r'''
path = os.path.join(folder, 'node.xml')
def domain(name, number, inside):
    return """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>%s</name><memory>8192</memory>
<uuid>3a57d2d6-fb20-404d-b591-97e0f5aead%02d</uuid><os><type>hvm</type></os>%s</domain>""" % (name, number, inside)
def snapshot(name, parent=None, end='<active>0</active>', start='<creationTime>5</creationTime><state>running</state>'):
    above = '<parent><name>%s</name></parent>' % parent if parent else ''
    return '<test:domainsnapshot><name>%s</name>%s%s%s%s</test:domainsnapshot>' % (
        name, above, start, domain('d', 1, ''), end)
def node(*domains):
    with open(path, 'w') as f:
        f.write('<node>%s</node>' % ''.join(domains))
    n = libvirt.open('test://' + path)
    return [[d.name(), d.state(), d.isPersistent(), d.hasManagedSaveImage(),
             sorted([s.getName(), s.isCurrent(), s.getXMLDesc()] for s in d.listAllSnapshots())]
            for d in sorted(n.listAllDomains(), key=lambda d: d.name())]
STATE = '<test:runstate>%s</test:runstate>'
for state in [*range(-1, 9), 'x']:
    call('state %s' % state, node, domain('d', 1, STATE % state))
for label, inside in (
        ('transient', '<test:transient/>'), ('transient off', '<test:transient/>' + STATE % 5),
        ('transient crashed', '<test:transient/>' + STATE % 6), ('saved', '<test:hasmanagedsave/>'),
        ('saved off', '<test:hasmanagedsave/>' + STATE % 5), ('saved paused', '<test:hasmanagedsave/>' + STATE % 3),
        ('no namespace', '<runstate>5</runstate>'), ('two', snapshot('a') + snapshot('b', 'a')),
        ('child first', snapshot('b', 'a') + snapshot('a', None, '<active>1</active>')),
        ('both current', snapshot('b', 'a', '<active>1</active>') + snapshot('a', None, '<active>2</active>')),
        ('no parent', snapshot('b', 'zz')), ('circle', snapshot('b', 'a') + snapshot('a', 'b')),
        ('own parent', snapshot('a', 'a')), ('twice', snapshot('a') + snapshot('a')),
        ('no mark', snapshot('a', None, '')), ('bad mark', snapshot('a', None, '<active>x</active>')),
        ('no time', snapshot('a', None, start='')), ('no name', '<test:domainsnapshot><active>1</active></test:domainsnapshot>'),
        ('bad state', snapshot('a', start='<creationTime>5</creationTime><state>foo</state>')),
        ('of a transient one', '<test:transient/>' + snapshot('a')), ('off', STATE % 5 + snapshot('a'))):
    call(label, node, domain('d', 1, inside))
call('the same twice', lambda: len(node(domain('d', 1, ''), domain('d', 1, ''))))
call('name twice', node, domain('d', 1, ''), domain('d', 2, ''))
call('UUID twice', node, domain('d', 1, ''), domain('e', 1, ''))
'''


def test_past(tmp_path):
    ours = agreement.check(PAST, tmp_path)
    assert ours['child first'][0][0][4][0][1] == 1
    assert ours['saved off'][0][0][3] == 1


FILES = r'''
path = os.path.join(folder, 'node.xml')
with open(os.path.join(folder, 's.xml'), 'w') as f:
    f.write('<domainsnapshot><name>s</name><creationTime>5</creationTime><state>running</state>%s<active>1</active></domainsnapshot>'
            % xml('d', 1))
def node(file):
    with open(path, 'w') as f:
        f.write('<node>%s</node>' % xml('d', 1, "<t:domainsnapshot xmlns:t='http://libvirt.org/schemas/domain/test/1.0' file='%s'/>"
                                        % file))
    return libvirt.open('test://' + path).lookupByName('d').snapshotCurrent().getName()
call('beside', node, 's.xml')
call('absolute', node, os.path.join(folder, 's.xml'))
call('missing', node, 'none.xml')
'''


def test_snapshot_files(tmp_path):
    """Debian's library crashes on these."""
    found = {label: answer for label, answer, _ in agreement.answers(FILES, support.our_library_environment(), tmp_path / 'f')}
    assert found == {'beside': 's', 'absolute': 's', 'missing': 'error 27'}
