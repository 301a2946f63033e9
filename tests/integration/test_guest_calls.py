# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""What a real guest is asked for while it runs: its disks and memory from outside, what its agent does; through python3-libvirt on
Debian's library."""
import json
import shutil
import socket
import xml.etree.ElementTree as ElementTree

import pytest

import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
libvirt_qemu = pytest.importorskip('libvirt_qemu')

pytestmark = pytest.mark.foreign_library
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


def qmp(domain, command, **arguments):
    text = json.dumps({'execute': command, **({'arguments': arguments} if arguments else {})})
    return json.loads(libvirt_qemu.qemuMonitorCommand(domain, text, 0))['return']


def caught_code(function, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        function(*args)
    return caught.value.get_error_code()


def disk(path, target, more=''):
    source = f"<source file='{path}'/>" if path else ''
    bus, device = ('ide', 'cdrom') if target.startswith('hd') else ('virtio', 'disk')
    return f"<disk type='file' device='{device}'><driver name='qemu' type='raw'/>{source}<target dev='{target}' bus='{bus}'/>{more}</disk>"


def has_agent(domain):
    target = ElementTree.fromstring(domain.XMLDesc()).find('devices/channel/target')
    return target.get('state') == 'connected'


def test_disks_and_memory(boot_defined, tmp_path):
    path = tmp_path / 'image'
    path.write_bytes(b'begin' + bytes((8 << 20) - 5))
    events = []
    domain, log = boot_defined('outside', devices=disk(path, 'vda') + disk(None, 'hdc'))
    domain.connect().domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD,
                                            lambda c, d, *what: events.append(what[:-1]), None)
    assert domain.blockPeek('vda', 0, 5) == b'begin' and domain.blockPeek(str(path), 2, 3) == b'gin'
    assert caught_code(domain.blockPeek, 'vda', 1 << 40, 1) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert domain.diskErrors() == {}
    domain.blockResize('vda', 16 << 20, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
    assert path.stat().st_size == 16 << 20 and domain.blockInfo('vda')[0] == 16 << 20
    support.wait_for_mark(log, 'GUEST-PLUG disk vda changed', 30)
    domain.blockResize('vda', 17 << 10)
    assert path.stat().st_size == 17 << 20
    for function, arguments in ((domain.blockResize, (1 << 20,)), (domain.setBlockThreshold, (1 << 20,))):
        assert caught_code(function, 'hdc', *arguments) == libvirt.VIR_ERR_OPERATION_INVALID     # there is nothing in it
    domain.setBlockThreshold('vda', 1 << 20)
    node = next(n for n in qmp(domain, 'query-named-block-nodes') if n['write_threshold'])
    assert node['write_threshold'] == 1 << 20 and node['node-name'].endswith('-storage')
    said = qmp(domain, 'human-monitor-command', **{'command-line': 'qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "write 2M 64k"'})
    assert said == ''
    wait_for(lambda: events, 20, 'the event of the threshold')
    assert events == [('vda', str(path), 1 << 20, (1 << 20) + (64 << 10))]
    assert domain.memoryPeek(0xffff0, 1, libvirt.VIR_MEMORY_PHYSICAL) == b'\xea'     # where processors begin: a jump
    assert len(domain.memoryPeek(0, 65536, libvirt.VIR_MEMORY_PHYSICAL)) == 65536


def test_agent(boot_defined):
    domain, log = boot_defined('agent', devices=AGENT)
    wait_for(lambda: has_agent(domain), 30, 'the guest opening the agent\'s channel')
    assert domain.fsInfo() == []            # it lives in memory
    assert caught_code(domain.authorizedSSHKeysGet, 'nobody-there') != libvirt.VIR_ERR_NO_SUPPORT
    assert caught_code(domain.authorizedSSHKeysSet, 'nobody-there', ['ssh-rsa x']) != libvirt.VIR_ERR_NO_SUPPORT
    domain.pMSuspendForDuration(libvirt.VIR_NODE_SUSPEND_TARGET_MEM, 0)
    wait_for(lambda: domain.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED, 30, 'the guest sleeping')
    domain.pMWakeup()
    wait_for(lambda: domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING, 30, 'the guest running again')
    assert caught_code(domain.pMWakeup) == libvirt.VIR_ERR_OPERATION_INVALID


def test_file_systems(boot_defined, tmp_path):
    """The disks that they are on are told by the names of the definition."""
    if not shutil.which('mke2fs'):
        pytest.skip('e2fsprogs is not installed')
    for name in 'ab':
        support.run(['mke2fs', '-q', '-t', 'ext4', str(tmp_path / name), '8M'])
    scsi = disk(tmp_path / 'b', 'sda').replace("bus='virtio'", "bus='scsi'")
    domain, log = boot_defined('mounted', devices=disk(tmp_path / 'a', 'vdc') + "<controller type='scsi' model='virtio-scsi'/>" + scsi + AGENT,
                               extra='guest.run=mkdir,/a,/b;mount,/dev/vda,/a;mount,/dev/sda,/b')
    support.wait_for_mark(log, 'GUEST-RAN 0', 30)
    wait_for(lambda: has_agent(domain), 30, 'the guest opening the agent\'s channel')
    assert sorted(domain.fsInfo()) == [('/a', 'vda', 'ext4', ['vdc']), ('/b', 'sda', 'ext4', ['sda'])]
    assert domain.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_FILESYSTEM)['fs.count'] == 2
    found = domain.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_DISKS)
    assert {found[f'disk.{i}.name']: found[f'disk.{i}.alias'] for i in range(found['disk.count'])} == {'/dev/vda': 'vdc', '/dev/sda': 'sda'}
    assert not any(found[f'disk.{i}.partition'] for i in range(found['disk.count']))


def test_the_agent_after_the_daemons_end(boot_defined, guest_daemon):
    """The guest opened the channel before the daemon began."""
    domain, _ = boot_defined('kept', devices=AGENT)
    wait_for(lambda: has_agent(domain), 30, 'the guest opening the agent\'s channel')
    guest_daemon.crash()
    guest_daemon.restart()
    again = libvirt.open(guest_daemon.uri)

    def answers():      # not before the daemon has taken the guest over
        try:
            return again.lookupByName('kept').fsInfo() == []
        except libvirt.libvirtError:
            return False
    wait_for(answers, 20, 'the agent answering')
    again.close()


def test_core_dumps(boot_defined, tmp_path):
    """Of its memory or its whole state, while it stands still or runs; it goes on as before."""
    domain, _ = boot_defined('dumped', on_reboot='restart')
    core, alone = str(tmp_path / 'core'), libvirt.VIR_DUMP_MEMORY_ONLY
    raw, zlib = libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_RAW, libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB
    for dump_format, flags, begins in ((raw, alone, b'\x7fELF'), (zlib, alone | libvirt.VIR_DUMP_LIVE, b'makedumpfile'),
                                       (raw, 0, b'QEVM'), (raw, libvirt.VIR_DUMP_LIVE, b'QEVM'), (raw, libvirt.VIR_DUMP_RESET, b'QEVM'),
                                       (raw, alone | libvirt.VIR_DUMP_RESET, b'\x7fELF')):
        domain.coreDumpWithFormat(core, dump_format, flags)
        with open(core, 'rb') as file:
            assert file.read(len(begins)) == begins and file.seek(0, 2) > 1 << 20
        wait_for(lambda: domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING and qmp(domain, 'query-status')['running'], what='the guest going on')
    assert caught_code(domain.coreDumpWithFormat, core, zlib, 0) == libvirt.VIR_ERR_INVALID_ARG
    assert caught_code(domain.coreDumpWithFormat, core, libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP, alone) in (
        libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_OPERATION_FAILED, libvirt.VIR_ERR_INTERNAL_ERROR)
    assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    domain.suspend()
    for flags in (alone, libvirt.VIR_DUMP_LIVE):
        domain.coreDumpWithFormat(core, raw, flags)
        assert domain.state() == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
    domain.coreDumpWithFormat(core, raw, 0)         # QEMU does that twice only if it runs in between
    assert domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED and not qmp(domain, 'query-status')['running']
    domain.resume()
    assert qmp(domain, 'query-status')['running'] and domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    domain.coreDumpWithFormat(core, raw, alone | libvirt.VIR_DUMP_CRASH)
    assert domain.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]


def test_dirty_rate(daemon, tmp_path):
    """How fast a guest changes its memory: measured when somebody asks, told among the statistics."""
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('dirty', memory=32)))
    connection = libvirt.open(daemon.uri)
    domain = connection.lookupByName('dirty')

    def told():
        [(_, found)] = connection.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_DIRTYRATE,
                                                     libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS)
        return {name.removeprefix('dirtyrate.'): value for name, value in found.items()}
    assert told() == {'calc_status': libvirt.VIR_DOMAIN_DIRTYRATE_UNSTARTED, 'calc_start_time': 0, 'calc_period': 0, 'calc_mode': 'page-sampling'}
    domain.startDirtyRateCalc(1)
    measured = wait_for(lambda: told()['calc_status'] == libvirt.VIR_DOMAIN_DIRTYRATE_MEASURED and told(), what='the measurement')
    assert measured['megabytes_per_second'] >= 0 and measured['calc_period'] == 1 and measured['calc_start_time'] > 0
    for seconds in (0, 61, -1):
        assert caught_code(domain.startDirtyRateCalc, seconds) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    for mode in (libvirt.VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP, libvirt.VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING):
        assert caught_code(domain.startDirtyRateCalc, 1, mode) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert caught_code(domain.startDirtyRateCalc, 1, 3) == libvirt.VIR_ERR_INVALID_ARG
    assert qmp(domain, 'query-status')['running']       # QEMU 7.2 ends when an emulated guest's bitmap is asked for
    domain.destroy()
    connection.close()


RARP = b'\x80\x35'


def test_cards_are_announced(daemon, tmp_path):
    """Each on its own link."""
    macs = ['52:54:00:00:00:0a', '52:54:00:00:00:0b']
    links = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in macs]
    for link in links:
        link.bind(('127.0.0.1', 0))
        link.settimeout(20)
    devices = ''.join(f"<interface type='udp'><mac address='{mac}'/><source address='127.0.0.1' port='{link.getsockname()[1]}'>"
                      "<local address='127.0.0.1' port='0'/></source><model type='e1000'/></interface>" for mac, link in zip(macs, links))
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('cards', memory=32, devices=devices)))

    def frame(link, mac):
        hardware = bytes.fromhex(mac.replace(':', ''))
        while True:
            got = link.recv(2048)       # the firmware speaks as well
            if got[6:14] == hardware + RARP:
                return
    for link, mac in zip(links, macs):
        daemon.virsh('domifannounce', 'cards', '--interface', mac, '--rounds', '2')
        frame(link, mac)
    virsh = [support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri]
    assert 'not a known interface' in support.run([*virsh, 'domifannounce', 'cards', '--interface', '52:54:00:00:00:0c'], check=False).stderr
    assert "no display of type 'vnc'" in support.run([*virsh, 'domdisplay-reload', 'cards'], check=False).stderr
    daemon.virsh('destroy', 'cards')
    for link in links:
        link.close()
