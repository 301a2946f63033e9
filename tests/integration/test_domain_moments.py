# SPDX-License-Identifier: LGPL-2.1-or-later
"""Snapshots and checkpoints of the test driver, beside Debian's: trees, filters, going back in all states, XML."""
import agreement

COMMON = r'''
import itertools, re
numbers = itertools.count()
def go(fn, *args):
    call(next(numbers), fn, *args)
def described(moment, flags=0):
    text = re.sub(r'<domain type.*</domain>', '<domain/>', moment.getXMLDesc(flags), flags=re.S)
    return re.sub(r'<creationTime>\d+', '<creationTime>', text)
def parent(moment):
    try:
        return moment.getParent(0).getName()
    except libvirt.libvirtError as e:
        return e.get_error_code()
'''

SNAPSHOTS = COMMON + r'''
def new(name, inside='', flags=0):
    return t.snapshotCreateXML('<domainsnapshot><name>%s</name>%s</domainsnapshot>' % (name, inside), flags)
def get(name):
    return t.snapshotLookupByName(name)
def tree():
    all = sorted(t.listAllSnapshots(0), key=lambda s: s.getName())
    return [[s.getName(), parent(s), s.isCurrent(0), s.hasMetadata(0)] for s in all]
go(tree); go(t.hasCurrentSnapshot); go(t.snapshotCurrent)
for name in 'abcd':
    go(new, name, '<description>of %s</description>' % name)
go(lambda: described(get('a'))); go(lambda: described(get('b')))
go(tree); go(t.hasCurrentSnapshot); go(t.snapshotCurrent)
go(new, 'a'); go(new, 'x/y'); go(get, 'zz'); go(t.snapshotLookupByName, 'a', 1)
go(lambda: len(t.snapshotCreateXML('<domainsnapshot/>', 0).getName())); go(lambda: t.snapshotCurrent().delete(0))
go(lambda: t.revertToSnapshot(get('b'), 0)); go(tree)
go(new, 'e'); go(new, 'f'); go(tree)
for flags in [0] + [1 << bit for bit in range(12)] + [9, 12, 48, 96, 160, 768, 18]:
    go(t.snapshotNum, flags)
    go(lambda: sorted(t.snapshotListNames(flags)))
    go(lambda: sorted(s.getName() for s in t.listAllSnapshots(flags)))
    go(lambda: get('b').numChildren(flags))
    go(lambda: sorted(get('b').listChildrenNames(flags)))
    go(lambda: sorted(s.getName() for s in get('b').listAllChildren(flags)))
go(lambda: get('a').getXMLDesc(8)); go(t.snapshotCurrent, 1); go(t.hasCurrentSnapshot, 1)
go(c.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT)
go(c.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT)
go(t.suspend); go(new, 'p'); go(lambda: described(get('p')))
go(t.destroy); go(t.undefine); go(t.undefineFlags, 1)
go(new, 'o'); go(lambda: described(get('o')))
for name, start, flags in itertools.product('apo', ('run', 'pause', 'off'), (0, 1, 2, 3, 4, 16)):
    if name == 'o' and flags in (1, 2):
        continue    # theirs tells that it started, but says that it is off
    if t.isActive() and start == 'off':
        t.destroy()
    if not t.isActive() and start != 'off':
        t.create()
    if start == 'pause' and t.state()[0] == libvirt.VIR_DOMAIN_RUNNING:
        t.suspend()
    if start == 'run' and t.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        t.resume()
    drain()
    if flags == 16:
        go(lambda: t.revertToSnapshot(get(name), flags))
    else:
        go(lambda: t.revertToSnapshot(get(name), flags)); go(t.state)
go(tree)
go(lambda: get('b').delete(5)); go(lambda: get('b').delete(8))
go(lambda: get('c').delete(0)); go(tree)
go(lambda: get('b').delete(4)); go(tree)
go(lambda: t.revertToSnapshot(get('a'), 0)); go(new, 'g'); go(new, 'h'); go(tree)
go(lambda: get('a').delete(1)); go(tree)
go(new, 'g'); go(new, 'h'); go(new, 'i')
go(lambda: t.revertToSnapshot(get('h'), 0)); go(lambda: get('h').delete(0)); go(tree)
go(new, 'halt', '', libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_HALT); go(t.state)
for inside in ("<memory snapshot='no'/>", "<memory snapshot='external'/>", "<memory snapshot='internal' file='/m'/>",
               "<memory snapshot='external' file='/m'/>", "<disks><disk name='vda'/></disks>", "<disks><disk name='vdz'/></disks>",
               "<nonsense/>"):
    go(new, 'with', inside)
    go(lambda: get('with').delete(0))
go(new, 'valid', '<nonsense/>', libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE)
go(new, 'current', '', libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT)
go(new, 'both', '', libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA)
go(t.snapshotCreateXML, '<other/>', 0); go(t.snapshotCreateXML, '<domainsnapshot/>', 1 << 12)
# given back
D, time, running = t.XMLDesc(2), '<creationTime>5</creationTime>', '<state>running</state>'
def again(name, inside, flags=1):
    go(new, name, inside, flags); go(tree)
again('r', ''); again('r', time); again('r', time + running); again('r', time + running + D)
go(lambda: described(get('r')))
again('r3', time + running + D.replace('6695', '6696')); again('r4', time + '<state>foo</state>' + D)
again('r4', time + '<state>shutoff</state>' + D); go(lambda: described(get('r4')))
again('r', time + '<state>shutoff</state>' + D); again('r', time + '<state>paused</state>' + D)
again('r4', time + running + D)
for name, above in (('r8', 'r'), ('r9', 'zz'), ('r', 'r'), ('r', 'r8'), ('rx', 'rx'), ('r8', 'r4')):
    again(name, '<parent><name>%s</name></parent>' % above + time + running + D)
again('r8', time + running + D, 3); again('r8', time + running + D)
again('r11', time + '<state>disk-snapshot</state><disks><disk name="vda" snapshot="external"><driver type="qcow2"/>'
      '<source file="/new"/></disk></disks>' + D)
go(lambda: described(get('r11')))
go(lambda: [sorted(t.snapshotListNames(f)) for f in (64, 128, 256, 512, 16)])
go(t.snapshotCreateXML, '<domainsnapshot/>', 1)
again('r', time + running + D.replace('<name>test', '<name>other')); again('r5', time + running + re.sub('<.?[mM]emory.*', '', D))
again('r5', time + running + D.replace("bus='virtio'", "bus='xx'"))
for disks in ('external"><source file="/n"/></disk>', 'internal"/>', 'no"/>'):
    again('r6', time + running + '<disks><disk name="vda" snapshot="%s</disks>' % disks + D)
    go(lambda: described(get('r6')))
for memory in ('no"/>', 'internal"/>', 'external" file="/m"/>'):
    for state in ('running', 'shutoff', 'disk-snapshot'):
        again('r%d' % next(numbers), time + '<memory snapshot="%s<state>%s</state>' % (memory, state) + D)
again('r7', '<creationTime>x</creationTime>' + running + D); again('', time + running + D)
again('r7', '<creationTime>-7</creationTime>' + running + D); again('r12', '<parent/>' + time + running + D)
again('r13', '<parent><name/></parent>' + time + running + D)
for state in ('nostate', 'blocked', 'paused', 'shutdown', 'crashed', 'pmsuspended'):
    again('in ' + state, time + '<state>%s</state>' % state + D)
    go(lambda: t.revertToSnapshot(get('in ' + state))); go(t.state)
go(t.destroy)
go(t.undefineFlags, libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA); go(c.listAllDomains)
'''


def test_snapshots_as_debian(tmp_path):
    assert len(agreement.check(SNAPSHOTS, tmp_path)) > 200


CHECKPOINTS = COMMON + r'''
def new(name, inside='', flags=0):
    return t.checkpointCreateXML('<domaincheckpoint><name>%s</name>%s</domaincheckpoint>' % (name, inside), flags)
def get(name):
    return t.checkpointLookupByName(name)
def tree():
    return sorted([s.getName(), parent(s)] for s in t.listAllCheckpoints(0))
go(tree)
go(new, 'a')
for flags in (0, 1, 2, 4, 8):
    go(lambda: described(get('a'), flags))
for inside in ("<description>d</description><disks><disk name='vda' checkpoint='bitmap' bitmap='bb'/></disks>",
               "<disks><disk name='vda' checkpoint='no'/></disks>", "<disks><disk name='vdz'/></disks>",
               "<disks><disk name='vda'/></disks>", "<disks><disk name='vda' bitmap='x'/></disks>",
               "<disks><disk name='vda' checkpoint='no' bitmap='x'/></disks>", "<nonsense/>"):
    name = 'b%d' % next(numbers)
    go(new, name, inside); go(lambda: described(get(name)))
go(new, 'a'); go(new, 'x/y'); go(tree); go(get, 'zz')
for flags in [0] + [1 << bit for bit in range(6)]:
    go(lambda: sorted(x.getName() for x in t.listAllCheckpoints(flags)))
    go(lambda: sorted(x.getName() for x in get('a').listAllChildren(flags)))
for flags in (1, 4, 8):
    go(new, 'flags', '', flags)
D, time = t.XMLDesc(2), '<creationTime>5</creationTime>'
for name, inside, flags in (('r', time, 1), ('r', time + D, 1), ('r2', '<parent><name>a</name></parent>' + time + D, 1),
                            ('r3', '<parent><name>zz</name></parent>' + time + D, 1),
                            ('r4', time + D.replace('6695', '6696'), 1), ('r5', time + D, 3)):
    go(new, name, inside, flags); go(tree)
go(lambda: described(get('r2')))
for text in (time + re.sub('<name>.*?</name>', '', D), '<creationTime>-7</creationTime>' + D, '<creationTime>x</creationTime>' + D,
             '<parent/>' + time + D, '<parent><name/></parent>' + time + D, '<disks><disk name="vdz"/></disks>' + time + D,
             '<disks><disk name="vda" checkpoint="no"/></disks>' + time + D, re.sub('<.?[mM]emory.*', '', time + D)):
    go(new, 'r%d' % next(numbers), text, 1)
go(tree)
go(t.checkpointCreateXML, '<domaincheckpoint>' + time + '</domaincheckpoint>', 1)
go(t.snapshotCreateXML, '<domainsnapshot/>', 0)
go(c.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT)
go(lambda: get('a').delete(5)); go(lambda: get('a').delete(8)); go(lambda: get('a').delete(4)); go(tree)
go(t.suspend); go(new, 'paused'); go(t.destroy); go(new, 'off')
'''


def test_checkpoints_as_debian(tmp_path):
    assert len(agreement.check(CHECKPOINTS, tmp_path)) > 60


DISKS = COMMON + r'''
inside = """<devices><disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>
<disk type='file'><source file='/b'/><target dev='vdb' bus='virtio'/></disk>
<disk type='file'><source file='/c'/><target dev='vdc' bus='virtio'/><readonly/></disk>
<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>%s</devices>"""
OWN = """<disk type='file' snapshot='no'><source file='/e'/><target dev='vde' bus='virtio'/></disk>
<disk type='file' snapshot='external'><source file='/f'/><target dev='vdf' bus='virtio'/></disk>"""
def new(inside='', flags=0):
    moment = d.snapshotCreateXML('<domainsnapshot><name>n</name>%s</domainsnapshot>' % inside, flags)
    text = described(moment)
    moment.delete()
    return text
def point(inside, flags=0):
    moment = d.checkpointCreateXML('<domaincheckpoint><name>n</name>%s</domaincheckpoint>' % inside, flags)
    text = described(moment, 2)
    moment.delete()
    return text
def disks(*all):
    return '<disks>%s</disks>' % ''.join("<disk name='%s'%s" % (name, ' ' + rest if rest else '/>') for name, rest in all)
EXT, INT, NO = "snapshot='external'><source file='/new'/></disk>", "snapshot='internal'/>", "snapshot='no'/>"
MEMORY = "<memory snapshot='%s'/>"
FILE = "<memory snapshot='external' file='/m'/>"
both = disks(('vda', EXT), ('vdb', EXT))
d = c.defineXML(xml('d', 1, inside % ''))
for running in (False, True):
    if running:
        d.create()
    for flags in [1 << bit for bit in range(11) if bit != 3] + [2, 3, 18, 5, 9, 17, 65, 129, 257]:
        go(new, '', flags)
    for text in (
            disks(('vdb', NO)), disks(('hda', NO)), disks(('vdc', NO)), disks(('hda', EXT)), disks(('vdc', EXT)), disks(('vdb', EXT)),
            disks(('hda', INT)), both, FILE + both, FILE + disks(('vda', EXT), ('vdb', INT)), FILE + disks(('vda', EXT), ('vdb', NO)),
            MEMORY % 'no', MEMORY % 'no' + both, MEMORY % 'no' + disks(('vda', INT)), MEMORY % 'internal', MEMORY % 'manual',
            MEMORY % 'external', "<memory snapshot='external' file='m'/>" + both, "<memory file='/m'/>" + both,
            "<memory snapshot='no' file='/m'/>", disks(('vdb', "snapshot='manual'/>")), disks(('vdb', ''), ('vdb', '')),
            disks(('vdb', ''), ('/b', '')), disks(('/b', '')), '<disks><disk/></disks>', disks(('vdb', "snapshot='xx'/>")), '<disks/>',
            disks(('vdb', "snapshot='internal'><source file='/new'/></disk>")), FILE, FILE + disks(('vdb', "snapshot='external'/>"))):
        go(new, text)
for text in (
        '', disks(('vdb', '')), disks(('vdb', "bitmap='x'/>"), ('vda', "checkpoint='no'/>")), disks(('/b', '')),
        disks(('vdb', ''), ('/b', '')), disks(('vdc', '')), disks(('hda', '')), disks(('hda', "checkpoint='no'/>")),
        disks(('vdb', "checkpoint='no' bitmap='x'/>")), '<disks/>', disks(('vda', "checkpoint='no'/>"))):
    go(point, text)
d.destroy()
d = c.defineXML(xml('d', 1, inside % OWN))
for running in (False, True):
    if running:
        d.create()
    go(new); go(new, disks(('vdf', INT))); go(new, disks(('vde', INT), ('vdf', INT)))
go(c.createXML(xml('transient', 2)).snapshotCreateXML, '<domainsnapshot/>', libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_HALT)
'''


def test_disks_as_debian(tmp_path):
    assert len(agreement.check(DISKS, tmp_path)) > 100
