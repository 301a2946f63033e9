# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests of other architectures are started for real: their devices are asked of QEMU over its monitor, devices come and go, and
firmware speaks on the console. The machines' defaults and addresses are compared with the reference in test_corpus.py."""
import dataclasses
import os
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import support
from support import ask, wait_for

FIRMWARE_SECONDS = 60
DISK = ("<disk type='file'><driver name='qemu' type='raw'/><source file='{folder}/disk'/><target dev='{target}' bus='{bus}'/></disk>")
VIRTIO = ("<controller type='scsi' model='virtio-scsi'/><controller type='virtio-serial'/><interface type='user'><model type='virtio'/></interface>"
          "<input type='keyboard' bus='virtio'/><video><model type='virtio'/></video><rng model='virtio'><backend model='builtin'/></rng>"
          "<memballoon model='virtio'/>" + DISK.replace('{target}', 'vda').replace('{bus}', 'virtio'))


@dataclasses.dataclass
class Board:
    """@asks: object, property, value. @bus: kind of address that a device gets that is plugged."""
    arch: str
    machine: str
    emulator: str
    devices: str
    asks: list
    bus: str
    features: str = ''
    more: str = ''

    @property
    def name(self):
        return f'{self.arch}-{self.machine}'


BOARDS = [
    Board('aarch64', 'virt', 'aarch64',
          VIRTIO + "<controller type='usb' model='qemu-xhci'/><input type='tablet'/><serial type='null'/><iommu model='smmuv3'/>"
          + ''.join(f"<controller type='pci' index='{i}' model='pcie-root-port'/>" for i in range(1, 11)),
          [('virtio-disk0', 'type', 'virtio-blk-pci'), ('net0', 'type', 'virtio-net-pci'), ('usb', 'type', 'qemu-xhci'),
           ('video0', 'type', 'virtio-gpu-pci'), ('/machine', 'gic-version', '3'), ('/machine', 'iommu', 'smmuv3')], 'pci',
          features="<features><gic version='3'/></features>", more='<cpu><model>cortex-a57</model></cpu>'),
    Board('armv7l', 'vexpress-a15', 'arm',     # has room for four
          "<controller type='scsi'/><rng model='virtio'><backend model='builtin'/></rng><memballoon model='virtio'/>"
          "<interface type='user'/><serial type='null'/>" + DISK.replace('{target}', 'vda').replace('{bus}', 'virtio'),
          [('virtio-disk0', 'type', 'virtio-blk-device'), ('scsi0', 'type', 'virtio-scsi-device'), ('rng0', 'type', 'virtio-rng-device'),
           ('balloon0', 'type', 'virtio-balloon-device')], None),
    Board('s390x', 's390-ccw-virtio', 's390x',
          VIRTIO + "<console type='null'/><console type='null'><target type='sclplm'/></console><watchdog model='diag288'/>"
          "<interface type='user'><model type='virtio'/><address type='pci'/></interface>",
          [('virtio-disk0', 'type', 'virtio-blk-ccw'), ('virtio-disk0', 'devno', 'fe.0.0000'), ('net0', 'type', 'virtio-net-ccw'),
           ('net0', 'devno', 'fe.0.0001'), ('net1', 'type', 'virtio-net-pci'), ('zpci1', 'uid', 1), ('zpci1', 'target', 'net1'),
           ('serial0', 'type', 'sclpconsole'), ('watchdog0', 'type', 'diag288')], 'ccw'),
    Board('ppc64', 'pseries', 'ppc64',
          VIRTIO + "<controller type='pci' model='pci-root'/><controller type='scsi' model='ibmvscsi' index='1'/><serial type='null'/><nvram/>"
          "<interface type='user'><model type='spapr-vlan'/></interface><interface type='user'><model type='e1000'/>"
          "<address type='pci' bus='1' slot='2'/></interface>",
          [('pci.1', 'type', 'spapr-pci-host-bridge'), ('pci.1', 'index', 1), ('scsi1', 'type', 'spapr-vscsi'), ('scsi1', 'reg', 0x2000),
           ('serial0', 'reg', 0x30000000), ('net1', 'reg', 0x1000), ('net2', 'type', 'e1000'), ('/machine', 'cap-cfpc', 'broken')], 'pci',
          features="<features><cfpc value='broken'/><sbbc value='broken'/><ibs value='broken'/></features>"),
    Board('riscv64', 'virt', 'riscv64', VIRTIO + "<serial type='null'/>",
          [('virtio-disk0', 'type', 'virtio-blk-pci'), ('balloon0', 'type', 'virtio-balloon-pci')], 'pci'),
    Board('x86_64', 'microvm', 'x86_64', "<serial type='null'/><interface type='user'/><rng model='virtio'><backend model='builtin'/></rng>"
          "<controller type='usb' model='none'/>",
          [('net0', 'type', 'virtio-net-device'), ('rng0', 'type', 'virtio-rng-device')], None),
    Board('ppc', 'mac99', 'ppc', "<serial type='null'/><interface type='user'/>", [('net0', 'type', 'rtl8139')], None),
]


def document(board, folder, name='guest', boot='', serial=''):
    return f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
      <os{' firmware="efi"' if boot == 'efi' else ''}><type arch='{board.arch}' machine='{board.machine}'>hvm</type></os>
      {board.features}{board.more}
      <devices><emulator>/usr/bin/qemu-system-{board.emulator}</emulator>{serial or board.devices}</devices></domain>
      """.replace('{folder}', str(folder))


@pytest.fixture(params=BOARDS, ids=lambda board: board.name)
def board(request):
    need(request.param.emulator)
    return request.param


def need(emulator):
    if not support.have(f'qemu-system-{emulator}'):
        pytest.skip(f'qemu-system-{emulator} is not installed')


def plugged(daemon, target):
    text = daemon.virsh('dumpxml', 'guest')
    return ElementTree.fromstring(text).find(f"devices/disk/target[@dev='{target}']/..")


def test_devices(module_daemon, board, tmp_path):
    """What stands in the definition is there, and another disk can come and go while the guest is paused, as far as no
    operating system is asked."""
    for file in 'disk', 'more':
        with open(tmp_path / file, 'wb') as f:
            f.truncate(1 << 20)
    module_daemon.virsh('create', '--paused', support.written(tmp_path, document(board, tmp_path)))
    try:
        for thing, name, value in board.asks:
            path = thing if thing.startswith('/') else f'/machine/peripheral/{thing}'
            assert ask(module_daemon, 'guest', 'qom-get', path=path, property=name) == value, (thing, name)
        if not board.bus:
            return
        disk = DISK.format(folder=tmp_path, target='vdb', bus='virtio').replace('/disk\'', '/more\'')
        module_daemon.virsh('attach-device', 'guest', support.written(tmp_path, disk))
        assert plugged(module_daemon, 'vdb').find('address').get('type') == board.bus
        kind = ask(module_daemon, 'guest', 'qom-get', path='/machine/peripheral/virtio-disk1', property='type')
        assert kind == f'virtio-blk-{board.bus}'
        if board.bus == 'ccw':      # no driver is asked
            module_daemon.virsh('detach-device', 'guest', support.written(tmp_path, disk))
            wait_for(lambda: plugged(module_daemon, 'vdb') is None, what='the end of the disk')
    finally:
        module_daemon.virsh('destroy', 'guest')


def test_numbered_function(module_daemon, tmp_path):
    """A PCI function of s390 comes and goes with the device that bears its numbers."""
    need('s390x')
    board = next(board for board in BOARDS if board.arch == 's390x')
    serial = "<console type='null'/>"
    module_daemon.virsh('create', '--paused', support.written(tmp_path, document(board, tmp_path, serial=serial)))
    try:
        net = support.written(tmp_path, "<interface type='user'><mac address='52:54:00:00:00:77'/><model type='virtio'/>"
                              "<address type='pci'><zpci uid='0x0007' fid='0x00000003'/></address></interface>")
        module_daemon.virsh('attach-device', 'guest', net)
        assert ask(module_daemon, 'guest', 'qom-get', path='/machine/peripheral/zpci7', property='target') == 'net0'
        told = ElementTree.fromstring(module_daemon.virsh('dumpxml', 'guest')).find('devices/interface/address/zpci')
        assert told.attrib == {'uid': '0x0007', 'fid': '0x00000003'}
    finally:
        module_daemon.virsh('destroy', 'guest')


@pytest.mark.parametrize('arch, machine, emulator, boot, console, words', [
    ('aarch64', 'virt', 'aarch64', 'efi', "<serial type='file'><source path='{file}'/></serial>", 'UEFI'),
    ('s390x', 's390-ccw-virtio', 's390x', '', "<serial type='file'><source path='{file}'/></serial>", 'LOADPARM'),
    ('ppc64', 'pseries', 'ppc64', '', "<serial type='file'><source path='{file}'/></serial>", 'SLOF'),
], ids=['aarch64', 's390x', 'ppc64'])
def test_firmware(module_daemon, arch, machine, emulator, boot, console, words, tmp_path):
    """The firmware that QEMU or the descriptors give a guest says who it is."""
    need(emulator)
    if boot and not os.path.exists('/usr/share/AAVMF/AAVMF_CODE.fd'):
        pytest.skip('qemu-efi-aarch64 is not installed')
    log = str(tmp_path / 'console')
    board = Board(arch, machine, emulator, '', [], None, features='<features><acpi/></features>' if boot else '',
                  more='<cpu><model>cortex-a57</model></cpu>' if boot else '')
    module_daemon.virsh('define', support.written(tmp_path, document(board, tmp_path, 'guest', boot, console.format(file=log))))
    try:
        module_daemon.virsh('start', 'guest')
        wait_for(lambda: support.file_has(log, words), FIRMWARE_SECONDS, f'{words} on the console')
    finally:
        module_daemon.virsh('destroy', 'guest', check=False)
        module_daemon.virsh('undefine', 'guest', '--nvram')


def test_processors(module_daemon):
    """QEMU tells which models it has; without KVM the host's can't be had."""
    for arch, emulator, model in (('aarch64', 'aarch64', 'cortex-a57'), ('armv6l', 'arm', 'arm926'), ('s390x', 's390x', 'z13.2'),
                                  ('ppc64', 'ppc64', 'POWER9'), ('ppc64le', 'ppc64', 'POWER9')):
        need(emulator)
        told = ElementTree.fromstring(module_daemon.virsh('domcapabilities', '--virttype', 'qemu', '--arch', arch)).find('cpu')
        assert model in [one.text for one in told.findall("mode[@name='custom']/model")], arch
        assert told.find("mode[@name='host-passthrough']").get('supported') == 'no'
        assert told.find("mode[@name='host-model']").get('supported') == 'no'


def test_capabilities(module_daemon):
    """One emulator may run guests of several architectures."""
    need('ppc64')
    need('arm')
    guests = ElementTree.fromstring(module_daemon.virsh('capabilities')).findall('guest')
    sizes = {guest.find('arch').get('name'): guest.findtext('arch/wordsize') for guest in guests}
    assert {'ppc64': '64', 'ppc64le': '64', 'armv7l': '32', 'armv6l': '32'}.items() <= sizes.items()


def test_graphics_of_s390(module_daemon):
    """Displays are possible where no VGA card is."""
    need('s390x')
    told = ElementTree.fromstring(module_daemon.virsh('domcapabilities', '--virttype', 'qemu', '--arch', 's390x'))
    assert 'vnc' in [value.text for value in told.findall("devices/graphics/enum[@name='type']/value")]
    assert [value.text for value in told.findall("devices/video/enum[@name='modelType']/value")] == ['virtio', 'none']


def test_crashes_at_once(module_daemon, tmp_path):
    """A guest that crashes before QEMU has answered that it runs was started all the same."""
    need('s390x')
    board = Board('s390x', 's390-ccw-virtio', 's390x', '', [], None)
    module_daemon.virsh('define', support.written(tmp_path, document(board, tmp_path, serial="<serial type='null'/>")))
    burners = [subprocess.Popen(['sh', '-c', 'while :; do :; done']) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        for _ in range(25):
            module_daemon.virsh('start', 'guest')
            wait_for(lambda: module_daemon.virsh('domstate', 'guest', '--reason').strip() == 'shut off (crashed)', what='the crash')
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
        module_daemon.virsh('undefine', 'guest')
