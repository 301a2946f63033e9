# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that are attached, detached and updated: in definitions as the reference's QEMU driver does it, and in a running
domain of the test driver (where the reference has none of it)."""
import json
import os

import pytest

import agreement
import support

DISK = "<disk type='file' device='disk'><source file='%s'/><target dev='%s' bus='%s'/>%s</disk>"
NIC = "<interface type='user'><mac address='52:54:00:dd:ee:%s'/>%s</interface>"
USB = "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>"
RNG = "<rng model='virtio'><backend model='random'>%s</backend></rng>"
DOG = "<watchdog model='i6300esb' action='reset'/>"
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
SHMEM = "<shmem name='s1'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
LEASE = "<lease><lockspace>a</lockspace><key>k</key><target path='/p'/></lease>"
MOUNT = "<filesystem type='mount'><source dir='%s'/><target dir='b'/></filesystem>"
VSOCK = "<vsock model='virtio'>%s</vsock>"

# What is done (attach, detach, update, by alias) with what.
STEPS = [
    ('attach', DISK % ('/images/two', 'vdb', 'virtio', '')), ('attach', DISK % ('/images/two', 'vdb', 'virtio', '')),
    ('attach', DISK % ('/images/two', 'vdc', 'virtio', '<alias name="ua-two"/>')),
    ('attach', DISK % ('/images/three', 'sda', 'scsi', '')),
    ('attach', DISK % ('/images/three', 'vdd', 'virtio', '<alias name="ua-two"/>')),
    ('attach', DISK % ('/images/3', 'vde', 'virtio', "<address type='pci' domain='0' bus='0' slot='2' function='0'/>")),
    ('attach', "<disk type='file' device='disk'><source file='/x'/></disk>"),
    ('attach', "<disk type='file' device='disk'><source file='/x'/><target dev='vdg'/><boot order='1'/></disk>"),
    ('attach', '<foo/>'), ('attach', '<disk'), ('attach', '<disk/>'),
    ('detach', "<disk type='file'><source file='/other'/><target dev='vdb'/></disk>"),
    ('detach', "<disk type='file' device='disk'><target dev='vdz'/></disk>"),
    ('update', "<disk type='file' device='cdrom'><source file='/images/cd.iso'/><target dev='hda' bus='ide'/></disk>"),
    ('update', "<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>"),
    ('detach', "<disk type='file' device='disk'><target dev='hda'/></disk>"),
    ('update', "<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>"),
    ('update', "<disk type='file' device='disk'><driver name='qemu' cache='none'/><source file='/images/new'/>"
               "<target dev='vda' bus='virtio'/></disk>"),
    ('update', DISK % ('/images/new', 'vdz', 'virtio', '')),
    ('detach', NIC % ('f2', '')), ('detach', NIC % ('f2', "<model type='e1000'/>")), ('detach', NIC % ('f9', '')),
    ('detach', "<interface type='user'/>"),
    ('update', NIC % ('f1', "<model type='e1000'/><link state='down'/>")),
    ('update', "<interface type='network'><mac address='52:54:00:dd:ee:f1'/><source network='zz'/></interface>"),
    ('update', NIC % ('f1', "<boot order='1'/>")), ('update', NIC % ('f1', "<rom bar='off'/>")), ('update', NIC % ('f1', "<acpi index='3'/>")),
    ('update', NIC % ('f1', "<address type='pci' domain='0' bus='0' slot='9' function='0'/>")), ('update', NIC % ('f1', "<rom bar='on'/>")),
    ('update', NIC % ('f7', '')), ('attach', NIC % ('f3', '')), ('detach', NIC % ('f3', '')),
    ('update', "<graphics type='vnc' port='5902' passwd='x'/>"), ('update', "<graphics type='spice' port='5902'/>"),
    ('attach', "<graphics type='spice' autoport='yes'/>"), ('detach', "<graphics type='vnc'/>"),
    ('attach', "<sound model='ac97'/>"), ('detach', "<sound model='ac97'/>"),
    ('attach', "<controller type='scsi' model='virtio-scsi'/>"),
    ('attach', "<controller type='scsi' index='0' model='virtio-scsi'/>"),
    ('detach', "<controller type='scsi' index='1'/>"), ('detach', "<controller type='scsi' index='7'/>"),
    ('update', "<controller type='scsi' index='0' model='lsilogic'/>"),
    ('attach', RNG % '/dev/random'), ('detach', RNG % '/dev/random'), ('detach', RNG % '/dev/nope'),
    ('attach', "<memballoon model='none'/>"), ('detach', "<memballoon model='virtio'/>"),
    ('attach', "<input type='tablet' bus='usb'/>"), ('attach', "<input type='mouse' bus='usb'/>"),
    ('detach', "<input type='tablet' bus='usb'/>"), ('detach', "<video><model type='cirrus'/></video>"),
    ('attach', DOG), ('attach', DOG), ('detach', DOG), ('attach', "<serial type='pty'/>"),
    ('attach', "<console type='pty'/>"), ('attach', AGENT), ('attach', AGENT), ('detach', AGENT),
    ('detach', "<serial type='pty'><target port='0'/></serial>"), ('attach', USB), ('attach', USB), ('detach', USB),
    ('detach', USB), ('attach', MOUNT % '/a'), ('attach', MOUNT % '/a'), ('detach', MOUNT % '/zzz'),
    ('attach', LEASE), ('attach', LEASE), ('detach', LEASE), ('detach', LEASE), ('attach', SHMEM), ('attach', SHMEM), ('detach', SHMEM), ('detach', SHMEM),
    ('attach', VSOCK % "<cid auto='yes'/>"), ('attach', VSOCK % "<cid auto='yes'/>"), ('detach', VSOCK % ''),
    ('attach', "<parallel type='pty'/>"), ('attach', '<emulator>/x</emulator>'),
    ('alias', 'ua-two'), ('alias', 'net0'),
]

DOMAIN = """<domain type='%s'><name>p1</name><uuid>3a57d2d6-fb20-404d-b591-97e0f5aead94</uuid>
<memory unit='MiB'>32</memory><vcpu>2</vcpu><os><type arch='x86_64' %s>hvm</type></os><devices>
<disk type='file' device='disk'><source file='/images/one'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>
<interface type='user'><mac address='52:54:00:dd:ee:f1'/><model type='virtio'/></interface>
<interface type='user'><mac address='52:54:00:dd:ee:f2'/><model type='virtio'/></interface>
<interface type='user'><mac address='52:54:00:dd:ee:f2'/><model type='e1000'/></interface>
<graphics type='vnc' port='5901'/><sound model='ich6'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
</devices></domain>"""

# Each step: its error code or 0, and which devices came and went (addresses are the model's business).
SCRIPT = r'''
import json, libvirt, re, sys
from xml.etree import ElementTree
steps, domain, uri = json.load(sys.stdin)
libvirt.registerErrorHandler(lambda *a: None, None)
c = libvirt.open(uri)
d = c.defineXML(domain)

def devices():
    found = []
    for device in ElementTree.fromstring(d.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).find('devices'):
        for address in device.findall('address'):
            device.remove(address)
        found.append(re.sub(r'\s+', ' ', ElementTree.tostring(device, encoding='unicode')).replace('> <', '><').strip())
    return found

out, before = [], devices()
for what, which in steps:
    call = {'attach': d.attachDeviceFlags, 'detach': d.detachDeviceFlags, 'update': d.updateDeviceFlags,
            'alias': d.detachDeviceAlias}[what]
    try:
        answer = call(which, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    except libvirt.libvirtError as e:
        answer = e.get_error_code()
    after = devices()
    out.append([what + ' ' + which, answer, [x for x in before if x not in after], [x for x in after if x not in before]])
    before = after
json.dump(out, sys.stdout)
'''


def config_answers(daemon):
    given = json.dumps([STEPS, DOMAIN % ('qemu', "machine='pc'"), daemon.uri])
    return json.loads(support.run([support.PYTHON, '-c', SCRIPT], env=support.foreign_environment(), stdin=given).stdout)


@pytest.mark.skipif(not support.reference_root(), reason='there is no reference')
def test_definitions_change_as_the_reference_does_it(tmp_path, daemon):
    reference = support.ReferenceDaemon(tmp_path / 'reference').start()
    try:
        theirs = config_answers(reference)
    finally:
        reference.stop()
    ours = config_answers(daemon)
    wrong = [f'ours {o}\ntheirs {t[1:]}' for o, t in zip(ours, theirs) if o != t]
    assert not wrong, '\n'.join(wrong)


def test_what_only_ours_can(daemon, tmp_path):
    """Kinds of devices that a definition gets and gives back here alone."""
    daemon.virsh('define', support.written(tmp_path, DOMAIN % ('qemu', "machine='pc'")))
    for xml in ("<panic model='isa'/>", "<hub type='usb'/>", "<smartcard mode='host'/>"):
        device, before = support.written(tmp_path, xml), daemon.virsh('dumpxml', 'p1')
        daemon.virsh('attach-device', 'p1', device, '--config')
        assert xml.split()[0] in daemon.virsh('dumpxml', 'p1')
        daemon.virsh('detach-device', 'p1', device, '--config')
        assert xml.split()[0] not in daemon.virsh('dumpxml', 'p1') and xml.split()[0] not in before


LIVE = f'DISK, NIC = {DISK!r}, {NIC!r}\n' + r'''
import re
LIVE, CONFIG, NOW, BOTH = 1, 2, 0, 3
d = c.defineXML(xml('p1', 1, """<devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>
<interface type='user'><mac address='52:54:00:dd:ee:f1'/><model type='virtio'/></interface>
<graphics type='vnc' port='5901'/></devices>"""))

def targets(flags=0):
    return re.findall(r"<target dev='(\w+)' bus", d.XMLDesc(flags))

def says(text, flags=0):
    return text in d.XMLDesc(flags | libvirt.VIR_DOMAIN_XML_SECURE)

call('attach to nothing', d.attachDevice, DISK % ('/a', 'vda', 'virtio', ''))
call('config of inactive', d.attachDeviceFlags, DISK % ('/a', 'vda', 'virtio', ''), NOW)
d.create()
drain()
call('attach', d.attachDevice, DISK % ('/b', 'vdc', 'virtio', ''))
call('attach between', d.attachDeviceFlags, DISK % ('/c', 'vdb', 'virtio', '<alias name="ua-b"/>'), LIVE)
call('attach taken', d.attachDeviceFlags, DISK % ('/c', 'vdb', 'virtio', ''), LIVE)
call('attach alias taken', d.attachDeviceFlags, DISK % ('/c', 'vdf', 'virtio', '<alias name="ua-b"/>'), LIVE)
call('live', targets)
call('config', targets, 2)
call('attach both', d.attachDeviceFlags, DISK % ('/d', 'vdd', 'virtio', ''), BOTH)
call('attach both, one has it', d.attachDeviceFlags, DISK % ('/e', 'vdb', 'virtio', ''), BOTH)
call('attach both, the other has it', d.attachDeviceFlags, DISK % ('/e', 'vda', 'virtio', ''), BOTH)
call('after both', lambda: [targets(), targets(2)])
call('interface', d.attachDeviceFlags, NIC % ('f2', '<model type="virtio"/>'), LIVE)
call('video', d.attachDeviceFlags, "<video><model type='virtio'/></video>", LIVE)
call('insert', d.updateDeviceFlags, "<disk type='file' device='cdrom'><source file='/cd'/><target dev='hda' bus='ide'/></disk>", LIVE)
call('inserted', says, "/cd")
call('eject', d.updateDeviceFlags, "<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>", LIVE | 4)
call('ejected', says, "/cd")
call('no medium', d.updateDeviceFlags, DISK % ('/z', 'vdb', 'virtio', ''), LIVE)
call('link', d.updateDeviceFlags, NIC % ('f1', '<model type="virtio"/><link state="down"/>'), LIVE)
call('linked', says, "<link state='down'/>")
call('model', d.updateDeviceFlags, NIC % ('f1', '<model type="e1000"/>'), LIVE)
call('modelled', says, 'e1000')
call('password', d.updateDeviceFlags, "<graphics type='vnc' port='5901' passwd='secret'/>", LIVE)
call('passworded', says, 'secret')
call('port', d.updateDeviceFlags, "<graphics type='vnc' port='5907' passwd='secret'/>", LIVE)
call('update both', d.updateDeviceFlags, NIC % ('f1', '<model type="virtio"/><link state="up"/>'), BOTH)
call('updated both', lambda: [says("<link state='up'/>"), says("<link state='up'/>", 2)])
call('bad bits', d.updateDeviceFlags, NIC % ('f1', ''), 1 << 9)
call('detach', d.detachDevice, DISK % ('/b', 'vdc', 'virtio', ''))
call('detach again', d.detachDevice, DISK % ('/b', 'vdc', 'virtio', ''))
call('detach alias', d.detachDeviceAlias, 'ua-b', LIVE)
call('detach alias again', d.detachDeviceAlias, 'ua-b', LIVE)
call('detach both', d.detachDeviceFlags, DISK % ('/d', 'vdd', 'virtio', ''), BOTH)
call('detach one', d.detachDeviceFlags, NIC % ('f2', ''), LIVE)
call('left', lambda: [targets(), targets(2)])
d.destroy()
call('gone with the run', targets)
'''


def test_running_domains_change(tmp_path):
    got = {label: answer for label, *answer in agreement.answers(LIVE, support.our_library_environment(), tmp_path / 'ours')}
    value = {label: answer[0] for label, answer in got.items()}
    codes = {label: 0 for label in value if not isinstance(value[label], (list, bool))}
    codes.update({'attach to nothing': 55, 'attach taken': 55, 'attach alias taken': 67, 'attach both, one has it': 55,
                  'attach both, the other has it': 55, 'video': 84, 'no medium': 67, 'model': 84, 'port': 84, 'bad bits': 8,
                  'detach again': 99, 'detach alias again': 1})
    assert {k: v if v == 0 else int(v.split()[1]) for k, v in value.items() if k in codes} == codes
    assert value['live'] == ['hda', 'vda', 'vdb', 'vdc']
    assert value['config'] == ['hda', 'vda']
    assert value['after both'] == [['hda', 'vda', 'vdb', 'vdc', 'vdd'], ['hda', 'vda', 'vdd']]
    assert value['left'] == [['hda', 'vda'], ['hda', 'vda']]
    assert value['gone with the run'] == ['hda', 'vda']
    assert [value[x] for x in ('inserted', 'ejected', 'linked', 'modelled', 'passworded')] == [True, False, True, False, True]
    assert value['updated both'] == [True, True]
    assert got['attach'][1] == [['added', 'p1', 'disk0']]
    assert got['attach between'][1] == [['added', 'p1', 'ua-b']]
    assert got['detach'][1] == [['removed', 'p1', 'disk0']]
    assert got['detach alias'][1] == [['removed', 'p1', 'ua-b']]
    assert got['attach taken'][1] == []


def test_running_domains_change_over_the_wire(tmp_path, daemon):
    agreement.check_wire(LIVE, tmp_path, daemon)


def test_devices_have_a_limit(tmp_path, daemon):
    """A client can't make a definition grow without end."""
    many = ''.join(f"<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='{n}'/></redirdev>" for n in range(256))
    domain = f"<domain type='test'><name>p</name><memory>1</memory><os><type>hvm</type></os><devices>{many}</devices></domain>"
    script = ("import libvirt, sys\nlibvirt.registerErrorHandler(lambda *a: None, None)\n"
              "d = libvirt.open(sys.argv[1]).defineXML(sys.stdin.read())\n"
              "try:\n    d.attachDeviceFlags(\"<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='999'/></redirdev>\", 2)\n"
              "except libvirt.libvirtError as e:\n    print(e.get_error_code(), 'as many as it may have' in str(e))\n")
    uri = f'test+unix:///default?socket={daemon.socket}'
    done = support.run([support.PYTHON, '-c', script, uri], env=support.foreign_environment(), stdin=domain)
    assert done.stdout.split() == ['55', 'True']
