# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 900
"""Devices that come and go while a real guest runs, through python3-libvirt on Debian's library: what the guest sees, what QEMU has,
what the definition says, and what is left when it fails."""
import contextlib
import glob
import os
import re
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest

import support
from support import domain_xml, wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
from plugging import CONFIG, LIVE, PLUG_SECONDS, Guest, caught_code, disk, image     # noqa: E402  pylint: disable=wrong-import-position

pytestmark = pytest.mark.foreign_library


@pytest.fixture
def boot(boot_defined):
    """Boots a guest and watches it."""
    def make(name, **options):
        domain, log = boot_defined(name, **options)
        return Guest(domain.connect(), domain, log)
    return make


def test_disks(boot, tmp_path):
    guest = boot('disks')
    before = guest.nodes()
    base = image(tmp_path, 'base', '-f', 'raw')
    top = image(tmp_path, 'top', '-f', 'qcow2', '-b', base, '-F', 'raw')
    guest.domain.attachDeviceFlags(disk(top, 'vdb', 'qcow2', '<serial>mine</serial>'), LIVE | CONFIG)
    guest.told('added', 'virtio-disk1')
    guest.says('GUEST-PLUG disk vda')       # the guest counts for itself
    found = guest.devices('disk')
    assert [d.find('alias').get('name') for d in found] == ['virtio-disk1'] and found[0].find('address') is not None
    assert len(guest.devices('disk', inactive=True)) == 1
    assert guest.domain.blockInfo('vdb')[0] == 8 << 20
    stats = guest.domain.connect().domainListGetStats([guest.domain], libvirt.VIR_DOMAIN_STATS_BLOCK)
    assert stats[0][1]['block.count'] == 1 and stats[0][1]['block.0.name'] == 'vdb'
    assert caught_code(guest.domain.attachDeviceFlags, disk(base, 'vdb'), LIVE) == libvirt.VIR_ERR_OPERATION_INVALID
    guest.domain.detachDeviceFlags(disk(top, 'vdb', 'qcow2'), LIVE)
    guest.told('removed', 'virtio-disk1')
    guest.says('GUEST-PLUG disk vda gone')
    assert guest.devices('disk') == [] and len(guest.devices('disk', inactive=True)) == 1
    wait_for(lambda: guest.nodes() == before, PLUG_SECONDS, 'QEMU letting go of the images')
    guest.domain.attachDeviceFlags(disk(top, 'vdb', 'qcow2'), LIVE)     # and once more, under the same name
    guest.told('added', 'virtio-disk1')
    guest.domain.detachDeviceAlias('virtio-disk1', LIVE)
    guest.told('removed', 'virtio-disk1')


def links():
    """Network devices of the host. QEMU has a tap device already when it turns out that there is no bridge for it."""
    return subprocess.run(['ip', '-o', 'link'], check=True, capture_output=True, text=True).stdout


def taps_of(processes):
    """Descriptors of tap devices that QEMUs have; one that is none yet counts as well."""
    found = []
    for pid in processes:
        for path in glob.glob(f'/proc/{pid}/fd/*'):
            with contextlib.suppress(FileNotFoundError):    # it goes meanwhile
                found.append(os.readlink(path))
    return found.count('/dev/net/tun')


def test_what_fails_leaves_nothing(boot, guest_daemon, tmp_path):
    guest, cards = boot('fails'), links()
    before, described = guest.nodes(), guest.domain.XMLDesc()
    good = image(tmp_path, 'good', '-f', 'raw')
    for wrong in (disk(f'{tmp_path}/none', 'vdb'), disk(good, 'vdb', 'qcow2'),
                  disk(good, 'vdb', more="<address type='pci' domain='0' bus='0' slot='1' function='0'/>"),
                  "<interface type='bridge'><source bridge='nosuchbridge'/></interface>",
                  "<interface type='ethernet'><target dev='lo'/></interface>"):
        with pytest.raises(libvirt.libvirtError):
            guest.domain.attachDeviceFlags(wrong, LIVE)
        assert guest.nodes() == before and guest.domain.XMLDesc() == described and links() == cards, wrong
        assert taps_of(support.guest_processes(guest_daemon.root)) == 0, wrong
    assert not guest.events


def test_qemu_gets_no_descriptor_without_device(boot, guest_daemon):
    """With one, a QEMU that obeys its guest could attach itself to other guests' devices."""
    guest, wrong, over, seen = boot('none'), "<interface type='ethernet'><target dev='lo'/></interface>", threading.Event(), []
    processes = support.guest_processes(guest_daemon.root)

    def look():
        while not over.is_set():
            seen.append(taps_of(processes))
    looking = threading.Thread(target=look)
    looking.start()
    try:
        for tries in range(10000):
            if tries >= 50 and len(seen) > 50:
                break
            assert caught_code(guest.domain.attachDeviceFlags, wrong, LIVE) == libvirt.VIR_ERR_SYSTEM_ERROR
    finally:
        over.set()
        looking.join()
    assert len(seen) > 50 and not any(seen)


def test_taking_down_stalls_nobody(boot, tmp_path):
    """While the administrator's program takes down what couldn't be made, others ask the guest's QEMU."""
    guest = boot('down', devices=disk(image(tmp_path, 'one', '-f', 'raw'), 'vdb'))
    script, begun, asked = tmp_path / 'down', tmp_path / 'begun', tmp_path / 'asked'
    os.chmod(tmp_path, 0o755)
    script.write_text(f'#!/bin/sh\ntouch {begun}\nfor i in $(seq 200); do [ -e {asked} ] && exit 0; sleep 0.1; done\n')
    script.chmod(0o755)
    wrong = f"<interface type='ethernet'><downscript path='{script}'/><target dev='lo'/></interface>"
    attaching = threading.Thread(target=lambda: caught_code(guest.domain.attachDeviceFlags, wrong, LIVE))
    attaching.start()
    try:
        wait_for(begun.exists, PLUG_SECONDS, 'the program taking the device down')
        since = time.monotonic()
        stats = guest.domain.connect().domainListGetStats([guest.domain], libvirt.VIR_DOMAIN_STATS_BLOCK)
        took = time.monotonic() - since
    finally:
        asked.touch()
        attaching.join()
    assert 'block.0.rd.reqs' in stats[0][1] and took < 10


def test_names(boot):
    """A device that comes while the guest runs has the name that the user chose, or one of ours: names that are neither are nobody's."""
    guest = boot('names')
    for given, taken in (('ua-mine', 'ua-mine'), ('foo', None), ('net0', None)):
        guest.domain.attachDeviceFlags(f"<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='{given}'/></rng>", LIVE)
        names = re.findall(r"<rng.*?<alias name='([^']*)'", guest.domain.XMLDesc(), re.S)
        assert names[-1] == taken if taken else names[-1].startswith('rng'), names


def test_interfaces(boot):
    guest = boot('cards')
    for number, mac in enumerate(('52:54:00:00:00:01', '52:54:00:00:00:02')):
        guest.domain.attachDeviceFlags(f"<interface type='user'><mac address='{mac}'/><model type='virtio'/></interface>", LIVE)
        guest.told('added', f'net{number}')
        guest.says(f'GUEST-PLUG nic eth{number}')
    first = "<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
    guest.domain.detachDeviceFlags(first, LIVE)
    guest.told('removed', 'net0')
    guest.domain.attachDeviceFlags(first.replace("</interface>", "<model type='virtio'/><link state='down'/></interface>"), LIVE)
    guest.told('added', 'net2')             # a name that nobody has had
    wait_for(lambda: len(guest.qmp('query-rx-filter')) == 2, PLUG_SECONDS, 'QEMU having two cards')
    down = ElementTree.tostring(guest.devices('interface')[1], encoding='unicode')
    guest.domain.updateDeviceFlags(down.replace('"down"', '"up"'), LIVE)
    assert guest.devices('interface/link')[0].get('state') == 'up'
    assert caught_code(guest.domain.updateDeviceFlags, down.replace("</interface>", "<mtu size='1400'/></interface>"),
                       LIVE) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED


def test_cdrom(boot, tmp_path):
    one, two = image(tmp_path, 'one', '-f', 'raw'), image(tmp_path, 'two', '-f', 'raw')
    guest = boot('cdrom', devices=disk(one, 'hdc', bus='ide', device='cdrom'))
    before = len(guest.nodes())

    def inside():
        drive = next(b for b in guest.qmp('query-block') if b['qdev'].endswith('ide0-1-0'))
        return drive.get('inserted', {}).get('file')
    assert inside() == one
    for now in (two, None, one):
        guest.domain.updateDeviceFlags(disk(now, 'hdc', bus='ide', device='cdrom'), LIVE)
        assert inside() == now
        found = guest.devices('disk/source')
        assert [s.get('file') for s in found] == ([now] if now else [])
    wait_for(lambda: len(guest.nodes()) == before, PLUG_SECONDS, 'QEMU letting go of what was in the drive')
    assert caught_code(guest.domain.updateDeviceFlags, disk(f'{tmp_path}/none', 'hdc', bus='ide', device='cdrom'), LIVE)
    assert inside() == one


def test_what_of_a_disk_counts_later(boot, tmp_path):
    """The same image: nothing happens, and a policy for the next start may change."""
    base = image(tmp_path, 'base', '-f', 'raw')
    top = image(tmp_path, 'top', '-f', 'qcow2', '-b', base, '-F', 'raw')
    one = image(tmp_path, 'one', '-f', 'raw')
    guest = boot('later', devices=disk(top, 'vda', 'qcow2') + disk(one, 'hdc', bus='ide', device='cdrom'))
    nodes = guest.nodes()
    for same in (disk(top, 'vda', 'qcow2'), disk(one, 'hdc', bus='ide', device='cdrom')):
        before = guest.domain.XMLDesc()
        guest.domain.updateDeviceFlags(same, LIVE)
        assert guest.domain.XMLDesc() == before
        guest.domain.updateDeviceFlags(same.replace("'/><target", "' startupPolicy='optional'/><target"), LIVE)
    assert [s.get('startupPolicy') for s in guest.devices('disk/source')] == ['optional', 'optional'] and guest.nodes() == nodes
    for other in (disk(one, 'vda', 'qcow2'), disk(top, 'vda', 'raw')):
        assert caught_code(guest.domain.updateDeviceFlags, other, LIVE) in (libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
                                                                            libvirt.VIR_ERR_OPERATION_UNSUPPORTED)


def test_traffic_of_disks(boot, tmp_path):
    guest = boot('slow', devices=disk(image(tmp_path, 'd', '-f', 'raw'), 'vdb', more='<iotune><read_iops_sec>7</read_iops_sec></iotune>'))

    def limits():
        inserted = next(b for b in guest.qmp('query-block') if 'virtio-disk1' in b['qdev'])['inserted']
        return inserted['bps'], inserted['iops_rd']
    assert limits() == (0, 7)       # from the start
    guest.domain.setBlockIoTune('vdb', {'total_bytes_sec': 1 << 20, 'read_iops_sec': 500}, LIVE)
    assert limits() == (1 << 20, 500)
    assert guest.domain.blockIoTune('vdb', LIVE)['total_bytes_sec'] == 1 << 20
    guest.domain.setBlockIoTune('vdb', {'total_bytes_sec': 0, 'read_iops_sec': 0}, LIVE)
    assert limits() == (0, 0)
    code = caught_code(guest.domain.setMemoryParameters, {'hard_limit': 1 << 20}, LIVE)
    assert code == libvirt.VIR_ERR_OPERATION_INVALID        # there are no control groups here


def test_a_disk_brings_its_controller(boot, tmp_path):
    guest = boot('scsi')
    guest.domain.attachDeviceFlags("<controller type='scsi' model='virtio-scsi'/>", LIVE)
    guest.told('added', 'scsi0')
    guest.domain.attachDeviceFlags(disk(image(tmp_path, 's', '-f', 'raw'), 'sda', bus='scsi'), LIVE)
    guest.says('GUEST-PLUG disk sda')
    guest.domain.attachDeviceFlags("<rng model='virtio'><backend model='builtin'/></rng>", LIVE)
    guest.told('added', 'rng0')
    guest.domain.detachDeviceAlias('rng0', LIVE)
    guest.told('removed', 'rng0')
    assert 'objrng0' not in [o['name'] for o in guest.qmp('qom-list', path='/objects')]
    assert caught_code(guest.domain.detachDeviceAlias, 'scsi0', LIVE) == libvirt.VIR_ERR_OPERATION_FAILED    # the disk is on it
    guest.domain.detachDeviceAlias('scsi0-0-0-0', LIVE)
    guest.told('removed', 'scsi0-0-0-0')
    guest.domain.detachDeviceFlags("<controller type='scsi' model='virtio-scsi' index='0'/>", LIVE)
    guest.told('removed', 'scsi0')
    assert not [c for c in guest.devices('controller') if c.get('type') == 'scsi']


def test_a_guest_that_does_not_answer(boot):
    """The call ends before the guest, which is paused, lets go of the device; that is told when it comes."""
    guest = boot('silent')
    guest.domain.attachDeviceFlags("<rng model='virtio'><backend model='builtin'/></rng>", LIVE)
    guest.told('added', 'rng0')
    guest.domain.suspend()
    begun = time.monotonic()
    guest.domain.detachDeviceAlias('rng0', LIVE)
    assert time.monotonic() - begun > 4 and len(guest.devices('rng')) == 1 and not guest.events
    guest.domain.resume()
    guest.told('removed', 'rng0')
    assert guest.devices('rng') == []


def test_a_folder_of_the_host(boot, tmp_path):
    server = '/usr/lib/qemu/virtiofsd'
    if not os.access(server, os.X_OK):
        pytest.skip(f'there is no {server}')
    memory = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    guest = boot('folder', more=memory)
    before = sorted(c['label'] for c in guest.qmp('query-chardev'))
    (tmp_path / 'shared').mkdir()
    folder = (f"<filesystem type='mount'><driver type='virtiofs'/><source socket='{tmp_path}/fs.sock'/><target dir='tag'/></filesystem>")
    with pytest.raises(libvirt.libvirtError):       # nobody serves it yet
        guest.domain.attachDeviceFlags(folder, LIVE)
    assert sorted(c['label'] for c in guest.qmp('query-chardev')) == before
    with subprocess.Popen([server, f'--socket-path={tmp_path}/fs.sock', '-o', f'source={tmp_path}/shared,sandbox=chroot'],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for((tmp_path / 'fs.sock').exists, PLUG_SECONDS, 'the server listening')
            guest.domain.attachDeviceFlags(folder, LIVE)
            guest.told('added', 'fs0')
            guest.says('GUEST-PLUG pci 1AF4:105A')
            assert guest.qmp('qom-get', path='/machine/peripheral/fs0', property='tag') == 'tag'
            guest.domain.detachDeviceAlias('fs0', LIVE)
            guest.told('removed', 'fs0')
            guest.says('GUEST-PLUG pci 1AF4:105A gone')
            wait_for(lambda: sorted(c['label'] for c in guest.qmp('query-chardev')) == before, PLUG_SECONDS, 'QEMU letting go of it')
        finally:
            process.terminate()
    own = (f"<filesystem type='mount'><driver type='virtiofs'/><binary><sandbox mode='chroot'/></binary><source dir='{tmp_path}/%s'/>"
           "<target dir='own'/></filesystem>")
    with pytest.raises(libvirt.libvirtError):
        guest.domain.attachDeviceFlags(own % 'none', LIVE)
    guest.domain.attachDeviceFlags(own % 'shared', LIVE)    # with a server of its own
    alias = guest.devices('filesystem/alias')[0].get('name')
    guest.told('added', alias)
    assert guest.qmp('qom-get', path=f'/machine/peripheral/{alias}', property='tag') == 'own'
    guest.domain.detachDeviceAlias(alias, LIVE)
    guest.told('removed', alias)
    plain = "<filesystem type='mount'><source dir='/tmp'/><target dir='x'/></filesystem>"
    assert caught_code(guest.domain.attachDeviceFlags, plain, LIVE) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_devices_that_the_host_does_not_have(boot):
    guest = boot('hostless', devices="<controller type='usb' model='qemu-xhci'/>", no_usb=False)
    described = guest.domain.XMLDesc()
    for xml in ("<hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><vendor id='0xdead'/><product id='0xbeef'/></source></hostdev>",
                "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x7' bus='0x7' slot='0x7' function='0x7'/></source></hostdev>",
                "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host77'/><address bus='0' target='0' unit='0'/></source></hostdev>",
                "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"):
        for _ in range(2):      # what failed is not claimed
            with pytest.raises(libvirt.libvirtError) as caught:
                guest.domain.attachDeviceFlags(xml, LIVE)
            assert 'in use' not in str(caught.value), xml
        assert guest.domain.XMLDesc() == described


def test_what_a_running_guest_cannot_get(boot):
    guest = boot('never')
    for xml in ("<serial type='pty'/>", "<parallel type='pty'/>", "<console type='pty'><target type='serial'/></console>",
                "<sound model='ich6'/>", "<controller type='ide' index='1'/>", "<controller type='fdc'/>",
                "<input type='keyboard' bus='ps2'/>"):
        described = guest.domain.XMLDesc()
        assert caught_code(guest.domain.attachDeviceFlags, xml, LIVE) in (
            libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_CONFIG_UNSUPPORTED), xml
        assert guest.domain.XMLDesc() == described
    guest.domain.attachDeviceFlags("<controller type='usb' index='1' model='qemu-xhci'/>", LIVE)
    guest.told('added', 'usb1')
    guest.domain.attachDeviceFlags("<controller type='scsi' model='virtio-scsi'><alias name='ua-mine'/></controller>", LIVE)
    guest.told('added', 'ua-mine')
    assert 'ua-mine' in [p['name'] for p in guest.qmp('qom-list', path='/machine/peripheral')]
    lease = "<lease><lockspace>somewhere</lockspace><key>mine</key><target path='/nowhere'/></lease>"
    guest.domain.attachDeviceFlags(lease, LIVE)     # nobody but a lock manager would care
    assert len(guest.devices('lease')) == 1
    guest.domain.detachDeviceFlags(lease, LIVE)
    assert guest.devices('lease') == []
    for alias in ('pci.0', 'usb1'):
        assert caught_code(guest.domain.detachDeviceAlias, alias, LIVE) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED


def test_a_daemon_that_died_knows_them(boot, guest_daemon, tmp_path):
    """It is killed after the device came, and once more between the request and the guest's consent."""
    guest = boot('remembered')
    guest.domain.attachDeviceFlags(disk(image(tmp_path, 'i', '-f', 'raw'), 'vdb'), LIVE)
    guest.says('GUEST-PLUG disk vda')
    guest_daemon.crash()
    guest_daemon.restart()
    connection = libvirt.open(guest_daemon.uri)
    again = Guest(connection, connection.lookupByName('remembered'), guest.log)
    assert [d.find('alias').get('name') for d in again.devices('disk')] == ['virtio-disk1']
    again.domain.detachDeviceAlias('virtio-disk1', LIVE)
    guest_daemon.crash()
    again.says('GUEST-PLUG disk vda gone')
    guest_daemon.restart()
    connection = libvirt.open(guest_daemon.uri)
    last = Guest(connection, connection.lookupByName('remembered'), guest.log)
    wait_for(lambda: last.devices('disk') == [], PLUG_SECONDS, 'the daemon learning that the disk is gone')


def listed(guest, inactive=False):
    tree = ElementTree.fromstring(guest.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0))
    return [(v.get('enabled')[0], v.get('hotpluggable')[0], v.get('order')) for v in tree.findall('vcpus/vcpu')]


def plugged(guest):
    return sorted(c['cpu-index'] for c in guest.qmp('query-cpus-fast'))


def test_vcpus(boot):
    guest = boot('cpus', vcpus=4, vcpus_now=2)
    assert listed(guest) == [] and plugged(guest) == [0, 1]
    guest.domain.setVcpusFlags(4, LIVE)
    guest.says('GUEST-PLUG cpu3 online')
    assert plugged(guest) == [0, 1, 2, 3] and len(guest.domain.vcpus()[0]) == 4
    assert listed(guest) == [('y', 'n', '1'), ('y', 'n', '2'), ('y', 'y', '3'), ('y', 'y', '4')]
    guest.domain.setVcpusFlags(3, LIVE)
    guest.says('GUEST-PLUG cpu3 gone')
    assert plugged(guest) == [0, 1, 2] and guest.domain.vcpusFlags(LIVE) == 3
    assert listed(guest) == [('y', 'n', '1'), ('y', 'n', '2'), ('y', 'y', '3'), ('n', 'y', None)]
    guest.domain.setVcpu('2', 0, LIVE)          # not back again: QEMU 7.2 dies of that when it emulates
    assert plugged(guest) == [0, 1]
    assert listed(guest) == [('y', 'n', '1'), ('y', 'n', '2'), ('n', 'y', None), ('n', 'y', None)]
    assert caught_code(guest.domain.setVcpusFlags, 1, LIVE) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED     # two are there to stay
    for vcpu in '01':
        assert caught_code(guest.domain.setVcpu, vcpu, 0, LIVE) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert plugged(guest) == [0, 1] and guest.domain.vcpusFlags(LIVE) == 2
    assert guest.domain.vcpusFlags(CONFIG) == 2 and listed(guest, inactive=True) == []


def test_vcpus_of_a_list(boot):
    """They are plugged before the guest runs, in their order, and again when a saved guest goes on."""
    vcpus = ''.join(f"<vcpu id='{i}' enabled='{e}' hotpluggable='{h}' order='{o}'/>" for i, e, h, o in
                    ((0, 'yes', 'no', 1), (1, 'yes', 'yes', 3), (2, 'yes', 'yes', 2), (3, 'no', 'yes', 4)))
    guest = boot('listed', vcpus=4, vcpus_now=3, more=f'<vcpus>{vcpus}</vcpus>')
    now = [('y', 'n', '1'), ('y', 'y', '3'), ('y', 'y', '2'), ('n', 'y', '4')]
    assert plugged(guest) == [0, 1, 2] and listed(guest) == now
    guest.domain.managedSave(0)
    guest.domain.create()
    assert plugged(guest) == [0, 1, 2] and listed(guest) == now
    guest.domain.setVcpu('1', 0, LIVE | CONFIG)
    assert plugged(guest) == [0, 2] and [v[0] for v in listed(guest)] == ['y', 'n', 'y', 'n']
    assert [v[0] for v in listed(guest, inactive=True)] == ['y', 'n', 'y', 'n']


def test_memory(boot, guest_daemon):
    """Modules that come and go, with their files, and memory that the guest takes as it is asked to."""
    module = "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>"
    flexible = ("<memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>4</block>"
                "<requested unit='MiB'>64</requested></target></memory>")
    more = ("<maxMemory slots='4' unit='MiB'>1024</maxMemory><cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>"
            "<memoryBacking><source type='file'/><discard/></memoryBacking>")
    guest = boot('memory', memory=256, more=more, devices=module)

    def sizes(inactive=False):
        tree = ElementTree.fromstring(guest.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0))
        return int(tree.find('memory').text) >> 10, int(tree.find('currentMemory').text) >> 10

    def files():
        folder, = glob.glob(f'{guest_daemon.root}/var/lib/libvirt/qemu/ram/*-memory')
        return sorted(os.listdir(folder))
    base = int(guest.devices('memory/address')[0].get('base'), 16)
    assert sizes() == (384, 384) and base >= 1 << 32
    guest.domain.attachDeviceFlags(module, LIVE | CONFIG)
    guest.told('added', 'dimm1')
    guest.says('GUEST-PLUG memory33 online')        # blocks of 128 MiB, the first at 4 GiB
    assert sizes() == sizes(inactive=True) == (512, 512)
    assert [d['data']['id'] for d in guest.qmp('query-memory-devices')] == ['dimm0', 'dimm1']
    assert int(guest.devices('memory/address')[1].get('base'), 16) == base + (128 << 20)
    guest.domain.attachDeviceFlags(flexible, LIVE)
    guest.told('added', 'virtiomem0')
    guest.says('GUEST-PLUG pci 1AF4:1058')
    assert sizes() == (640, 640) and guest.devices('memory/target/requested')[0].text == str(64 << 10)
    new = ElementTree.tostring(guest.devices("memory[@model='virtio-mem']")[0], encoding='unicode').replace(f'>{64 << 10}<', f'>{32 << 10}<')
    guest.domain.updateDeviceFlags(new, LIVE)
    assert guest.qmp('qom-get', path='/machine/peripheral/virtiomem0', property='requested-size') == 32 << 20
    assert guest.devices('memory/target/requested')[0].text == str(32 << 10)
    assert caught_code(guest.domain.updateDeviceFlags, new.replace(f'>{4 << 10}<', f'>{8 << 10}<'), LIVE) in (
        libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_OPERATION_UNSUPPORTED)
    too_large = module.replace('128', '1024')
    described = guest.domain.XMLDesc()
    with pytest.raises(libvirt.libvirtError):
        guest.domain.attachDeviceFlags(too_large, LIVE)
    assert guest.domain.XMLDesc() == described
    assert files() == ['dimm0', 'dimm1', 'ram-node0', 'virtiomem0']
    guest.domain.detachDeviceAlias('dimm1', LIVE)
    guest.told('removed', 'dimm1')
    guest.says('GUEST-PLUG memory33 gone')
    assert sizes() == (512, 512) and sizes(inactive=True) == (512, 512)
    assert 'memdimm0' in [o['name'] for o in guest.qmp('qom-list', path='/objects')]
    wait_for(lambda: 'memdimm1' not in [o['name'] for o in guest.qmp('qom-list', path='/objects')], PLUG_SECONDS, 'its memory being gone')
    assert files() == ['dimm0', 'ram-node0', 'virtiomem0']


def after_a_kill(daemon, guest):
    """The guest, as the next daemon has it."""
    daemon.kill()
    daemon.start()
    return Guest(connection := libvirt.open(daemon.uri), connection.lookupByName(guest.domain.name()), guest.log)


def names(guest, command, member, **arguments):
    return {one[member] for one in guest.qmp(command, **arguments)}


def test_what_a_killed_daemon_left_goes(guest_daemon, boot, tmp_path):
    """A daemon that ends between a device's first command and the status file leaves QEMU what no definition knows: the next one removes
    it, so that it isn't in the way of what comes later. Here it is made as that daemon would have made it."""
    guest = boot('left')
    path, described = image(tmp_path, 'one', '-f', 'raw'), guest.domain.XMLDesc()
    guest.qmp('netdev_add', type='user', id='hostnet0')
    guest.qmp('chardev-add', id='charchannel1', backend={'type': 'null', 'data': {}})
    guest.qmp('object-add', **{'qom-type': 'rng-builtin', 'id': 'objrng0'})
    guest.qmp('blockdev-add', **{'node-name': 'libvirt-1-storage', 'driver': 'file', 'filename': path})
    guest.qmp('blockdev-add', **{'node-name': 'libvirt-1-format', 'driver': 'raw', 'file': 'libvirt-1-storage'})
    guest.qmp('netdev_add', type='user', id='hostnet1')     # another attempt, of which the guest has the device
    guest.qmp('device_add', driver='virtio-net-pci', netdev='hostnet1', id='net1')
    guest.says('GUEST-PLUG nic eth0')
    guest = after_a_kill(guest_daemon, guest)
    assert 'net1' in names(guest, 'qom-list', 'name', path='/machine/peripheral')    # somebody may be using it
    guest.qmp('device_del', id='net1')
    guest.says('GUEST-PLUG nic eth0 gone')
    guest.told('removed', 'net1')
    assert guest.domain.XMLDesc() == described
    wait_for(lambda: not [n for n in guest.nodes() if n.startswith('libvirt-')], PLUG_SECONDS, 'the image to be let go')
    wait_for(lambda: 'objrng0' not in names(guest, 'qom-list', 'name', path='/objects'), PLUG_SECONDS, 'the object to go')
    assert 'charchannel1' not in names(guest, 'query-chardev', 'label')
    for number in range(2):
        guest.domain.attachDeviceFlags("<interface type='user'><model type='virtio'/></interface>", LIVE)
        guest.told('added', f'net{number}')
    guest.domain.attachDeviceFlags(disk(path, 'vdb'), LIVE)
    guest.told('added', 'virtio-disk1')
    guest = after_a_kill(guest_daemon, guest)               # what the definition knows stays
    assert {'net0', 'net1', 'virtio-disk1'} <= names(guest, 'qom-list', 'name', path='/machine/peripheral')
    assert {'libvirt-1-format', 'libvirt-1-storage'} <= set(guest.nodes())


def test_what_somebody_added_by_hand_stays(guest_daemon, tmp_path):
    """Who writes QEMU's options into a definition names things as he likes: they aren't taken for what a killed daemon left."""
    added = ''.join(f"<qemu:arg value='{word}'/>" for word in
                    ('-netdev', 'user,id=hostnet0', '-device', 'virtio-net-pci,netdev=hostnet0,id=mine,addr=0x1e'))
    xml = domain_xml('mine').replace('<domain ', "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ", 1)
    guest_daemon.virsh('create', '--paused', support.written(tmp_path, xml.replace('</domain>', f'<qemu:commandline>{added}</qemu:commandline></domain>')))
    guest_daemon.kill()
    guest_daemon.start()
    again = '{"execute": "netdev_add", "arguments": {"type": "user", "id": "hostnet0"}}'     # the name is free only if it has gone
    assert 'Duplicate ID' in guest_daemon.virsh('qemu-monitor-command', 'mine', again)
