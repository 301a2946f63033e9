# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 900
"""What a guest is made of apart from its plain devices (those: test_device_classes.py): TPMs, firmware, memory, machines. What a definition
asks for is there in a real QEMU, which is asked over QMP. A row of ROWS is one guest, which doesn't run; add rows, not functions."""
import dataclasses
import json
import os
import subprocess

import pytest

import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
libvirt_qemu = pytest.importorskip('libvirt_qemu')

pytestmark = pytest.mark.foreign_library
END_SECONDS = 20

libvirt.registerErrorHandler(lambda *_: None, None)


@dataclasses.dataclass
class Row:
    """@devices stand in <devices>, @top in <domain>. @asks: QMP command, its arguments, what its answer must have (see has())."""
    name: str
    asks: list
    devices: str = ''
    top: str = ''
    features: str = '<acpi/>'
    machine: str = 'pc'
    memory: int = 128
    vcpus: int = 1
    programs: tuple = ()

    def xml(self, name, folder):
        return f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>{self.memory}</memory><vcpu>{self.vcpus}</vcpu>
          <os><type arch='x86_64' machine='{self.machine}'>hvm</type></os><features>{self.features}</features>{self.top}
          <devices><emulator>{support.EMULATOR}</emulator><controller type='usb' model='none'/>{self.devices}
          <memballoon model='none'/></devices></domain>""".replace('FOLDER', str(folder))


def has(answer, wanted):
    """Whether @answer has what is @wanted: objects at least these members, lists at least these elements, the rest is equal."""
    if isinstance(wanted, dict):
        return isinstance(answer, dict) and all(key in answer and has(answer[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(answer, list) and all(any(has(element, one) for element in answer) for one in wanted)
    return answer == wanted


def prop(path, name, value):
    """A question for the property of an object."""
    return ('qom-get', {'path': path, 'property': name}, value)


def tpm(model, version=''):
    return f"<tpm model='{model}'><backend type='emulator'{version}/></tpm>"


TPM_TOOLS = ('swtpm', 'swtpm_setup')

ROWS = [
    Row('tpm-tis', devices=tpm('tpm-tis'), programs=TPM_TOOLS,
        asks=[('query-tpm', {}, [{'id': 'tpm-tpm0', 'model': 'tpm-tis', 'options': {'type': 'emulator'}}])]),
    Row('tpm-crb', devices=tpm('tpm-crb'), machine='q35', programs=TPM_TOOLS,
        asks=[('query-tpm', {}, [{'id': 'tpm-tpm0', 'model': 'tpm-crb'}])]),
    Row('tpm-1.2', devices=tpm('tpm-tis', " version='1.2'"), programs=TPM_TOOLS,
        asks=[('query-tpm', {}, [{'id': 'tpm-tpm0', 'model': 'tpm-tis'}])]),
    Row('tpm-banks', programs=TPM_TOOLS, devices="<tpm model='tpm-tis'><backend type='emulator' debug='2'><active_pcr_banks><sha256/><sha384/>"
        "</active_pcr_banks></backend></tpm>", asks=[('query-tpm', {}, [{'id': 'tpm-tpm0'}])]),
    Row('genid', top='<genid>c5b6a1de-0d5c-4d0c-9d1c-2f8a7b3e6c90</genid>',
        asks=[('query-vm-generation-id', {}, {'guid': 'c5b6a1de-0d5c-4d0c-9d1c-2f8a7b3e6c90'})]),
    Row('tseg', machine='q35', features="<acpi/><smm state='on'><tseg>48</tseg></smm>",
        asks=[prop('/machine/q35/mch', 'extended-tseg-mbytes', 48)]),
    Row('memfd', top="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
        asks=[('query-memdev', {}, [{'id': 'pc.ram', 'share': True}]),
              prop('/objects/pc.ram', 'x-use-canonical-path-for-ramblock-id', False)]),
    Row('cpu-max', top="<cpu mode='maximum' migratable='on'><cache mode='disable'/></cpu>",
        asks=[('query-memdev', {}, [{'id': 'pc.ram', 'share': False}])]),
    Row('iommu-intel', machine='q35', features="<acpi/>",
        devices="<iommu model='intel'><driver caching_mode='on' iotlb='on' aw_bits='48'/></iommu>",
        asks=[prop('/machine/peripheral/iommu0', 'aw-bits', 48),
              prop('/machine/peripheral/iommu0', 'caching-mode', True)]),
    Row('iommu-virtio', machine='q35', devices="<iommu model='virtio'/>",
        asks=[prop('/machine/peripheral/iommu0', 'type', 'virtio-iommu-pci')]),
    Row('panic-hyperv', devices="<panic model='hyperv'/>", top="<cpu mode='maximum'/>", asks=[('query-status', {}, {'running': False})]),
    Row('other-hypervisors', features="<acpi/><xen><e820_host state='on'/></xen><msrs unknown='ignore'/><capabilities policy='default'/>"
        '<privnet/>', asks=[('query-status', {}, {'running': False})]),
]


class Host:
    """A daemon with a connection."""

    def __init__(self, daemon):
        self.daemon = daemon
        folder = os.path.join(daemon.root, 'etc/libvirt')
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'qemu.conf'), 'w', encoding='utf-8') as conf:
            conf.write('swtpm_user = "root"\nswtpm_group = "root"\n')    # nobody else may see the daemon's folder
        daemon.start()
        self.connection = libvirt.open(daemon.uri)

    def again(self):
        self.connection.close()
        self.daemon.crash()
        self.daemon.restart()
        self.connection = libvirt.open(self.daemon.uri)

    def helpers(self):
        """Processes that serve guests beside QEMU."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/environ', 'rb') as f:
                    environ = f.read()
            except OSError:
                continue
            if b'LIBVIRT_HELPER_OF=' in environ and self.daemon.root.encode() in environ:
                found.append(int(pid))
        return found


@pytest.fixture
def host(new_daemon):
    one = Host(new_daemon())
    yield one
    one.connection.close()


def qmp(domain, command, arguments):
    text = json.dumps({'execute': command, **({'arguments': arguments} if arguments else {})})
    return json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0))


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row.name)
def test_row(host, row, tmp_path):
    missing = [program for program in row.programs if not support.have(program)]
    if missing:
        pytest.skip(f'not installed: {" ".join(missing)}')
    domain = host.connection.createXML(row.xml(row.name, tmp_path), libvirt.VIR_DOMAIN_START_PAUSED)
    for command, arguments, wanted in row.asks:
        answer = qmp(domain, command, arguments)
        assert has(answer.get('return'), wanted), (command, arguments, answer)
    domain.destroy()
    assert host.helpers() == []


def test_emulated_tpm(host):
    if not all(map(support.have, TPM_TOOLS)):
        pytest.skip('swtpm is not installed')
    row = next(row for row in ROWS if row.name == 'tpm-tis')
    domain = host.connection.defineXML(row.xml('tpm', ''))
    states = os.path.join(host.daemon.root, 'var/lib/libvirt/swtpm', domain.UUIDString())
    assert not os.path.exists(states)
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    first, = host.helpers()
    assert os.listdir(states) == ['tpm2'] and 'tpm2-00.permall' in os.listdir(f'{states}/tpm2')

    host.again()        # a daemon that was killed: the next one knows its helpers
    domain = host.connection.lookupByName('tpm')
    assert domain.isActive() and host.helpers() == [first]
    domain.destroy()
    assert host.helpers() == []

    domain.create()     # with the state of the first run
    second, = host.helpers()
    os.kill(second, 9)  # the guest goes on without
    wait_for(lambda: support.file_has(host.daemon.log, "helper 'swtpm-tpm0' of domain 'tpm' was killed by signal 9"), END_SECONDS,
             'the word of the end of the TPM')
    assert domain.isActive()
    domain.destroy()

    domain.create()
    qemu = support.guest_processes(host.daemon.root)
    domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_KEEP_TPM)
    assert os.path.exists(states) and host.helpers()
    for pid in qemu:
        os.kill(pid, 9)  # with QEMU its helpers end, and with the domain its state
    wait_for(lambda: not os.path.exists(states) and host.helpers() == [], END_SECONDS, 'the end of the emulator and of its state')


def test_tpm_state_is_kept(host):
    if not all(map(support.have, TPM_TOOLS)):
        pytest.skip('swtpm is not installed')
    row = next(row for row in ROWS if row.name == 'tpm-tis')
    for flags, more, kept in ((0, '', False), (libvirt.VIR_DOMAIN_UNDEFINE_KEEP_TPM, '', True), (0, " persistent_state='yes'", True),
                              (libvirt.VIR_DOMAIN_UNDEFINE_TPM, " persistent_state='yes'", False)):
        domain = host.connection.defineXML(row.xml('kept', '').replace("type='emulator'", f"type='emulator'{more}"))
        states = os.path.join(host.daemon.root, 'var/lib/libvirt/swtpm', domain.UUIDString())
        domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        domain.destroy()
        domain.undefineFlags(flags)
        assert os.path.exists(states) == kept, (flags, more)


def test_tpm_that_cannot_start(host):
    """What the helper says is in the error, and nothing is left."""
    if not all(map(support.have, TPM_TOOLS)):
        pytest.skip('swtpm is not installed')
    row = next(row for row in ROWS if row.name == 'tpm-tis')
    domain = host.connection.defineXML(row.xml('broken', ''))
    states = os.path.join(host.daemon.root, 'var/lib/libvirt/swtpm', domain.UUIDString())
    os.makedirs(f'{states}/tpm2')
    with open(f'{states}/tpm2/tpm2-00.permall', 'w', encoding='utf-8') as f:
        f.write('no such state')
    with pytest.raises(libvirt.libvirtError) as caught:
        domain.create()
    assert "TPM result for CMD_INIT" in str(caught.value)
    assert not domain.isActive() and host.helpers() == []


def test_start_cut_short(host, tmp_path):
    """A daemon that is killed while QEMU comes up leaves no helper: its successor ends it all."""
    if not all(map(support.have, TPM_TOOLS)):
        pytest.skip('swtpm is not installed')
    row = next(row for row in ROWS if row.name == 'tpm-tis')
    # QEMU waits for somebody to connect here before it answers
    waits = ("<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-chardev'/>"
             f"<qemu:arg value='socket,id=waits,path={tmp_path}/waits,server=on,wait=on'/></qemu:commandline></domain>")
    host.connection.defineXML(row.xml('short', '').replace('</domain>', waits))
    with subprocess.Popen([support.tree.place(support.BUILD, 'virsh'), '-c', host.daemon.uri, 'start', 'short'],
                          stderr=subprocess.DEVNULL) as starting:
        wait_for(lambda: os.path.exists(f'{tmp_path}/waits'), END_SECONDS, 'QEMU waiting')
        assert len(host.helpers()) == 1
        host.again()
        starting.wait(END_SECONDS)
    wait_for(lambda: host.helpers() == [], END_SECONDS, 'the end of the helper')
    assert not host.connection.lookupByName('short').isActive()
