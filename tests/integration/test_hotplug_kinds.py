# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Each kind of device that a running guest can get comes, is seen inside by a driver of the guest, goes, and is seen gone; and each
kind that it can't get is refused. Which kinds there are is read from the schema, what users are told of them from the guide."""
import dataclasses
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest

import plugged
import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
from plugging import LIVE, PLUG_SECONDS, Guest, caught_code     # noqa: E402  pylint: disable=wrong-import-position

pytestmark = pytest.mark.foreign_library


@dataclasses.dataclass
class Row:
    """A device: its element, its name then, what is behind it in QEMU (of query-chardev, or of /objects), what the guest says when it
    comes and goes, what offers it at the far end if that is us, and, of one that stays once it is there, why."""
    kind: str
    xml: str
    alias: str
    behind: str = None
    came: tuple = ()
    gone: str = None
    stays: str = None
    offer: object = None


CARD = bytes.fromhex('3b600000')        # what a card answers when it gets power


def usb_device(guest, _folder):
    where, = (c for c in guest.qmp('query-chardev') if c['label'] == 'charredir0')
    return plugged.UsbDevice(plugged.port_of(where), 0x1209, 0x0001)


def smartcard(_guest, folder):
    return plugged.Smartcard(f'{folder}/card', CARD)


def channel(path, name, kind='unix'):
    source = f"<source mode='bind' path='{path}'/>" if kind == 'unix' else f"<source path='{path}'/>"
    return f"<channel type='{kind}'>{source if path else ''}<target type='virtio' name='{name}'/></channel>"


def pci(number, *drivers):
    """What the guest says of a PCI device, and of the drivers that have taken it."""
    return {'came': (f'pci {number}', *(f'driver {driver}' for driver in drivers)), 'gone': f'pci {number} gone'}


def usb(number, *more):
    return {'came': (f'usb {number}', *more), 'gone': f'usb {number} gone'}


def port(name):
    return {'came': (f'port {name}',), 'gone': f'port {name} gone'}


def memory(model, more='', size=128, target=''):
    return f"<memory model='{model}'{' access=' + repr('shared') if more else ''}>{more}<target><size unit='MiB'>{size}</size>{target}</target></memory>"


NODE = '<node>0</node>'
ROWS = [
    Row('channel', channel('{dir}/sock', 'one.0'), 'channel0', 'charchannel0', **port('one.0')),
    Row('channel', channel(None, 'two.0', 'pty'), 'channel1', 'charchannel1', **port('two.0')),
    Row('channel', channel('{dir}/file', 'three.0', 'file'), 'channel2', 'charchannel2', **port('three.0')),
    Row('channel', channel(None, 'org.qemu.guest_agent.0'), 'channel3', 'charchannel3', **port('org.qemu.guest_agent.0')),
    Row('console', "<console type='pty'><log file='{dir}/log' append='on'/><target type='virtio'/></console>", 'console1', 'charconsole1',
        came=('console hvc0',), gone='console hvc0 gone'),
    Row('serial', "<serial type='udp'><source mode='bind' host='127.0.0.1' service='0'/><source mode='connect' host='127.0.0.1' service='9'/>"
        "<target type='pci-serial' port='1'/></serial>", 'serial1', 'charserial1', **pci('1B36:0002', 'serial')),
    Row('serial', "<serial type='file'><source path='{dir}/said'/><target type='usb-serial' port='3'/></serial>", 'serial2', 'charserial2',
        **usb('403/6001/400', 'driver ftdi_sio')),
    Row('redirdev', "<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='0'/><protocol type='raw'/></redirdev>",
        'redir0', 'charredir0', **usb('1209/1/100'), offer=usb_device),
    Row('rng', "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", 'rng0', 'objrng0',
        **pci('1AF4:1005', 'virtio_rng')),
    Row('watchdog', "<watchdog model='i6300esb' action='none'/>", 'watchdog0', **pci('8086:25AB', 'i6300ESB timer')),
    Row('shmem', "<shmem name='plugged'><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>", 'shmem0', 'shmmem-shmem0',
        **pci('1AF4:1110')),
    Row('input', "<input type='tablet' bus='usb'/>", 'input2', **usb('627/1/0', 'driver usbhid')),
    Row('input', "<input type='keyboard' bus='virtio'/>", 'input3', **pci('1AF4:1052', 'virtio_input')),
    Row('controller', "<controller type='virtio-serial' index='1'/>", 'virtio-serial1', **pci('1AF4:1003', 'virtio_console')),
    Row('controller', "<controller type='scsi' index='0' model='virtio-scsi'/>", 'scsi0', **pci('1AF4:1004', 'virtio_scsi')),
    Row('controller', "<controller type='ccid' index='0'/>", 'ccid0', **usb('8e6/4433/0')),
    Row('smartcard', "<smartcard mode='passthrough' type='unix'><source mode='bind' path='{dir}/card'/></smartcard>", 'smartcard0',
        'charsmartcard0', came=(f'card {CARD.hex()}',), gone='card gone', offer=smartcard),
    Row('disk', "<disk type='file'><source file='{dir}/stick'/><target dev='sda' bus='usb'/></disk>", 'usb-disk0',
        **usb('46f4/1/0', 'driver usb-storage', 'disk sda')),
    Row('hub', "<hub type='usb'/>", 'hub0', **usb('409/55aa/101', 'driver hub')),
    Row('sound', "<sound model='usb'/>", 'sound0', **usb('46f4/2/0', 'driver snd-usb-audio')),
    Row('sound', "<sound model='ac97'/>", 'sound1', **pci('8086:2415')),
    Row('crypto', "<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>", 'crypto0', 'objcrypto0',
        **pci('1AF4:1054', 'virtio_crypto')),
    Row('panic', "<panic model='pvpanic'/>", 'panic0', **pci('1B36:0011', 'pvpanic-pci')),
    Row('memory', memory('virtio-mem', target=f"{NODE}<block unit='MiB'>4</block><requested unit='MiB'>0</requested>"), 'virtiomem0',
        'memvirtiomem0', came=('pci 1AF4:1058', 'driver virtio_mem'), stays='unplug'),
    Row('memory', memory('virtio-pmem', '<source><path>{dir}/pmem</path></source>'), 'virtiopmem0', 'memvirtiopmem0',
        came=('pci 1AF4:105B', 'driver virtio_pmem', 'disk pmem1'), stays="can't take memory of model 'virtio-pmem' from"),
    Row('memory', memory('nvdimm', '<source><path>{dir}/nvdimm</path></source>', target=NODE), 'nvdimm1', 'memnvdimm1',
        came=('nd nmem1', 'disk pmem2'), stays="can't take memory of model 'nvdimm' from"),
]

# Kinds whose coming and going has a test of its own: files beside this one, or below tests/.
ELSEWHERE = {
    'disk': 'integration/test_hotplug.py::test_disks',
    'interface': 'integration/test_hotplug.py::test_interfaces',
    'filesystem': 'integration/test_hotplug.py::test_a_folder_of_the_host',
    'memory': 'integration/test_hotplug.py::test_memory',
    'hostdev': 'nested/inside/test_hotplug.py::test_scsi_unit_of_the_host',
    'vsock': 'nested/inside/test_hotplug.py::test_vsock',
    'lease': 'integration/test_hotplug.py::test_what_a_running_guest_cannot_get',
}

# Kinds that no running guest can get.
NEVER = {
    'parallel': "<parallel type='pty'/>",
    'tpm': "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
    'graphics': "<graphics type='vnc'/>",
    'audio': "<audio id='2' type='none'/>",
    'video': "<video><model type='virtio'/></video>",
    'memballoon': "<memballoon model='virtio'/>",
    'nvram': '<nvram/>',
    'iommu': "<iommu model='virtio'/>",
    'pstore': "<pstore backend='acpi-erst'><path>/nowhere/store</path><size unit='KiB'>64</size></pstore>",
}


def kinds():
    """All kinds of devices: members of the schema's structure but what is no device."""
    with open(os.path.join(support.SOURCE, 'schema/domain.schema'), encoding='utf-8') as schema:
        text = schema.read().partition('struct DomainDevices ')[2].partition('\nstruct ')[0]
    return set(re.findall(r'^    (?:list|elem) (\w+)', text, re.MULTILINE)) - {'redirfilter'}


def test_every_kind_has_a_row(capsys):
    come = {row.kind for row in ROWS} | set(ELSEWHERE)
    with capsys.disabled():
        for kind in sorted(kinds()):
            what = [row.alias for row in ROWS if row.kind == kind] + [ELSEWHERE.get(kind)]
            print(f'{kind:12} {", ".join(filter(None, what)) or "never"}')
    assert come | set(NEVER) == kinds() and not come & set(NEVER)
    for place in ELSEWHERE.values():
        path, _, name = place.partition('::')
        assert support.file_has(os.path.join(support.SOURCE, 'tests', path), f'def {name}('), place
    with open(os.path.join(support.SOURCE, 'docs/guide.md'), encoding='utf-8') as guide:
        told = re.findall(r'^\| `(\w+)` \| ([^|]*) \|', guide.read().partition('<!-- hotplug -->')[2].partition('\n\n')[0], re.MULTILINE)
    assert {kind: what != 'no' for kind, what in told} == {kind: kind in come for kind in kinds()}


def come(guest, row, folder, there):
    """The far end, if there is one."""
    guest.from_now()
    guest.domain.attachDeviceFlags(row.xml.replace('{dir}', folder), LIVE)
    guest.told('added', row.alias)
    assert row.alias in there(), row
    peer = row.offer(guest, folder) if row.offer else None
    for seen in row.came:
        guest.says(f'GUEST-PLUG {seen}')
    return peer


def go(guest, row, there):
    guest.from_now()
    if row.stays:
        with pytest.raises(libvirt.libvirtError, match=row.stays) as caught:
            guest.domain.detachDeviceAlias(row.alias, LIVE)
        ours = row.stays.startswith("can't")         # else QEMU says so, and a newer one may let it go
        assert not ours or caught.value.get_error_code() == libvirt.VIR_ERR_OPERATION_UNSUPPORTED, caught.value
        assert row.alias in there(), row
        return
    guest.domain.detachDeviceAlias(row.alias, LIVE)
    guest.told('removed', row.alias)            # at once: these need no consent, or it came while the call waited
    assert row.alias not in there(), row
    if row.gone:
        guest.says(f'GUEST-PLUG {row.gone}')


def resize(guest):
    """The guest takes and gives memory as it is asked to, seen by its own count."""
    def total():
        with open(guest.log, encoding='utf-8', errors='replace') as log:
            return int(re.findall(r'GUEST-PLUG total (\d+) kB', log.read())[-1])
    before = total()
    for mib in (64, 24):
        text = ElementTree.tostring(guest.devices("memory[@model='virtio-mem']")[0], encoding='unicode')
        guest.domain.updateDeviceFlags(re.sub(r'(<requested unit=.KiB.>)\d+', rf'\g<1>{mib << 10}', text), LIVE)
        wait_for(lambda size=mib << 10: total() - before == size, PLUG_SECONDS, f'{mib} MiB more in the guest')
        wait_for(lambda text=str(mib << 10): guest.devices("memory[@model='virtio-mem']/target/current")[0].text == text, PLUG_SECONDS,
                 'the definition telling so')       # QEMU tells it once a second at most


def refused(guest):
    """What can't come leaves nothing."""
    wrong = list(NEVER.values()) + [
        "<serial type='tcp'><source mode='connect' host='127.0.0.1' service='9'/><protocol type='raw'/>"    # nobody answers there
        "<target type='usb-serial' port='2'/></serial>"]
    for xml in wrong:
        described, nodes = guest.domain.XMLDesc(), guest.qmp('query-chardev')
        code = caught_code(guest.domain.attachDeviceFlags, xml, LIVE)
        assert xml == wrong[-1] or code in (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_CONFIG_UNSUPPORTED), xml
        assert guest.domain.XMLDesc() == described and guest.qmp('query-chardev') == nodes


def use_hub(guest):
    """It is in use as long as something is on it."""
    guest.from_now()
    guest.domain.attachDeviceFlags("<hub type='usb'><address type='usb' bus='0' port='9'/></hub>", LIVE)
    guest.domain.attachDeviceFlags("<input type='mouse' bus='usb'><address type='usb' bus='0' port='9.2'/></input>", LIVE)
    guest.told('added', 'hub0')
    guest.told('added', 'input2')
    guest.says('GUEST-PLUG driver usbhid')
    assert caught_code(guest.domain.detachDeviceAlias, 'hub0', LIVE) == libvirt.VIR_ERR_OPERATION_FAILED
    guest.domain.detachDeviceAlias('input2', LIVE)
    guest.told('removed', 'input2')
    guest.domain.detachDeviceAlias('hub0', LIVE)
    guest.told('removed', 'hub0')
    assert not guest.devices('hub')


def test_every_kind(boot_defined, every_device_guest, tmp_path, request):
    for name in ('there', 'nvdimm', 'pmem', 'stick'):
        with open(tmp_path / name, 'wb') as file:
            file.truncate(128 << 20)
    more = "<maxMemory slots='8' unit='MiB'>2048</maxMemory><cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>"
    devices = ("<controller type='usb' model='qemu-xhci' ports='15'/><controller type='virtio-serial' index='0'/>"
               + memory('nvdimm', f'<source><path>{tmp_path}/there</path></source>', target=NODE))
    domain, log = boot_defined('kinds', files=every_device_guest, memory=256, more=more, devices=devices, no_usb=False)
    guest = Guest(domain.connect(), domain, log)

    def sets():         # QEMU 7.2 forgets to drop the empty one of a log file
        return [s for s in guest.qmp('query-fdsets') if s['fds']]

    def behind():
        return [c['label'] for c in guest.qmp('query-chardev')] + [o['name'] for o in guest.qmp('qom-list', path='/objects')]

    def there():
        return {p['name'] for p in guest.qmp('qom-list', path='/machine/peripheral')}
    before, known, held, nodes, peers = set(behind()), there(), sets(), guest.nodes(), []
    request.addfinalizer(lambda: os.unlink('/dev/shm/plugged'))         # what guests share outlives them
    for row in ROWS:
        peers.append(come(guest, row, str(tmp_path), there))
        assert row.behind is None or row.behind in behind(), row
    wait_for(lambda: support.file_has(tmp_path / 'log', 'GUEST-HELLO hvc0'), PLUG_SECONDS, "the guest's words on its new console")
    resize(guest)
    assert guest.domain.connect().lookupByName('kinds').agentSetResponseTimeout(5) == 0
    assert all(c.get('path') for c in guest.devices("channel[@type='pty']/source"))
    assert guest.devices('console')[-1].get('tty') is None and guest.devices('console')[-1].find('source').get('path')
    assert (tmp_path / 'sock').is_socket() and (tmp_path / 'file').exists() and (tmp_path / 'log').exists()
    for row in reversed(ROWS):
        go(guest, row, there)
    for peer in filter(None, peers):
        peer.close()
    stay = [row for row in ROWS if row.stays]
    wait_for(lambda: set(behind()) == before | {row.behind for row in stay}, PLUG_SECONDS, 'QEMU letting go of what was behind them')
    assert there() == known | {row.alias for row in stay} and sets() == held and not (tmp_path / 'sock').exists()
    wait_for(lambda: guest.nodes() == nodes, PLUG_SECONDS, 'QEMU letting go of the image')
    refused(guest)
    use_hub(guest)
