# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory of guests that real QEMUs have: files that keep their contents, caches and the speed of the ways between nodes."""
import os
import xml.etree.ElementTree as ElementTree

import support
from support import ask, configured, wait_for

NODES = """<maxMemory slots='8' unit='MiB'>1024</maxMemory><cpu><numa>
<cell id='0' cpus='0' memory='64' unit='MiB'><distances><sibling id='0' value='10'/><sibling id='1' value='21'/></distances>
<cache level='1' associativity='direct' policy='writeback'><size value='10' unit='KiB'/><line value='8' unit='B'/></cache></cell>
<cell id='1' memory='64' unit='MiB'/>
<interconnects><latency initiator='0' target='0' type='access' value='5'/><latency initiator='0' target='0' cache='1' type='access' value='5'/>
<latency initiator='0' target='1' type='access' value='15'/><bandwidth initiator='0' target='0' type='access' value='2' unit='GiB'/>
<bandwidth initiator='0' target='0' cache='1' type='access' value='1' unit='GiB'/>
<bandwidth initiator='0' target='1' type='access' value='1' unit='GiB'/></interconnects></numa></cpu>"""
NVDIMM = ("<memory model='nvdimm' access='{access}'><source><path>{path}</path></source><target><size unit='MiB'>16</size><node>1</node>"
          "{more}</target></memory>")
LABEL = "<label><size unit='KiB'>128</size></label>"


def backing(folder, name):
    path = folder / name
    with open(path, 'wb') as file:
        file.truncate(16 << 20)
    path.chmod(0o666)
    return path


def memory_devices(daemon, name):
    return {device['data']['id']: device['type'] for device in ask(daemon, name, 'query-memory-devices')}


def test_memory_that_keeps_its_contents(daemon, tmp_path):
    devices = (NVDIMM.format(access='shared', path=backing(tmp_path, 'a'), more=LABEL) +
               NVDIMM.format(access='private', path=backing(tmp_path, 'b'), more='<readonly/>') +
               f"<memory model='virtio-pmem' access='shared'><source><path>{backing(tmp_path, 'c')}</path></source><target><size unit='MiB'>16</size>"
               "</target></memory>")
    xml = support.domain_xml('kept', more=NODES, devices=devices).replace("machine='pc'", "machine='q35'")
    daemon.virsh('create', support.written(tmp_path, xml))
    assert memory_devices(daemon, 'kept') == {'nvdimm0': 'nvdimm', 'nvdimm1': 'nvdimm', 'virtiopmem0': 'virtio-pmem'}
    for place, what, value in (
            ('/machine', 'nvdimm', True), ('/machine', 'hmat', True), ('/machine/peripheral/nvdimm0', 'label-size', 128 << 10),
            ('/machine/peripheral/nvdimm0', 'node', 1), ('/machine/peripheral/nvdimm1', 'unarmed', True),
            ('/objects/memnvdimm0', 'share', True), ('/objects/memnvdimm1', 'share', False), ('/objects/memvirtiopmem0', 'share', True),
            ('/objects/memvirtiopmem0', 'size', 16 << 20)):
        assert ask(daemon, 'kept', 'qom-get', path=place, property=what) == value, (place, what)
    plugged = support.written(tmp_path, NVDIMM.format(access='shared', path=backing(tmp_path, 'd'), more=''))
    daemon.virsh('attach-device', 'kept', plugged, '--live')
    assert memory_devices(daemon, 'kept')['nvdimm2'] == 'nvdimm'
    described = ElementTree.fromstring(daemon.virsh('dumpxml', 'kept'))
    assert [element.find('source/path').text for element in described.findall("devices/memory[@model='nvdimm']")] == [
        str(tmp_path / name) for name in 'abd']
    daemon.virsh('destroy', 'kept')
    wait_for(lambda: 'kept' not in daemon.virsh('list'), what='the end of the guest')
    assert all((tmp_path / name).stat().st_size == 16 << 20 for name in 'abcd')


def in_files(name, **options):
    backing_xml = ("<memoryBacking><source type='file'/><access mode='shared'/><allocation mode='immediate' threads='2'/><discard/>"
                   "</memoryBacking>")
    return support.domain_xml(name, more=f"{backing_xml}{options.pop('more', '')}", **options)


def test_memory_in_files(new_daemon, tmp_path):
    """Each guest has a folder, which goes with it, even if the daemon died in between, and was told of another folder then."""
    folder = tmp_path / 'ram'
    daemon = configured(new_daemon, f'memory_backing_dir = "{folder}"')
    daemon.virsh('create', support.written(tmp_path, in_files('filed')))
    own, = folder.iterdir()
    assert [path.name for path in own.iterdir()] == ['pc.ram'] and (own / 'pc.ram').stat().st_size == 128 << 20
    for what, value in (('share', True), ('discard-data', True), ('prealloc', True), ('prealloc-threads', 2),
                        ('x-use-canonical-path-for-ramblock-id', False)):
        assert ask(daemon, 'filed', 'qom-get', path='/objects/pc.ram', property=what) == value, what
    daemon.kill()
    configured(lambda: daemon, f'memory_backing_dir = "{tmp_path}/other"')
    daemon.virsh('destroy', 'filed')
    wait_for(lambda: not own.exists(), what='the end of the folder')
    folder = tmp_path / 'other'
    nodes = NODES.replace("<cell id='1' memory='64' unit='MiB'/>", "<cell id='1' memory='64' unit='MiB' memAccess='private' discard='no'/>")
    module = "<memory model='dimm' discard='no'><target><size unit='MiB'>128</size><node>0</node></target></memory>"
    daemon.virsh('create', support.written(tmp_path, in_files('nodes', more=nodes)))
    own, = folder.iterdir()
    daemon.virsh('attach-device', 'nodes', support.written(tmp_path, module), '--live')
    assert sorted(path.name for path in own.iterdir()) == ['dimm0', 'ram-node0', 'ram-node1']
    assert ask(daemon, 'nodes', 'qom-get', path='/objects/ram-node0', property='discard-data') is True
    assert ask(daemon, 'nodes', 'qom-get', path='/objects/ram-node1', property='discard-data') is False
    assert ask(daemon, 'nodes', 'qom-get', path='/objects/ram-node1', property='share') is False
    daemon.virsh('destroy', 'nodes')
    wait_for(lambda: not own.exists(), what='the end of the folder')


CAN_RAISE_LIMITS = 1 << 24     # CAP_SYS_RESOURCE


def of_process(daemon, name, file):
    """Lines of a file in /proc of a guest's QEMU, by their first words."""
    with open(os.path.join(daemon.root, f'run/libvirt/qemu/{name}.pid'), encoding='utf-8') as pid, \
            open(f'/proc/{pid.read().strip()}/{file}', encoding='utf-8') as lines:
        return {line[:25].split(':')[0].strip(): line.split(':')[-1].split() if ':' in line else line[25:].split() for line in lines}


def test_memory_that_stays(daemon, tmp_path):
    """All of it is locked; a limit that is in the way was raised, where that may be done."""
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('locked', memory=32, more='<memoryBacking><locked/></memoryBacking>')))
    assert int(of_process(daemon, 'locked', 'status')['VmLck'][0]) > 32 << 10
    with open('/proc/self/status', encoding='utf-8') as status:
        mine = int(next(line for line in status if line.startswith('CapEff')).split()[1], 16)
    limit = of_process(daemon, 'locked', 'limits')['Max locked memory'][0]
    assert limit == 'unlimited' if mine & CAN_RAISE_LIMITS else limit != '0'
    daemon.virsh('destroy', 'locked')


def test_limits_of_the_process(new_daemon, tmp_path):
    daemon = configured(new_daemon, 'max_files = 1234', 'max_core = 0', 'max_processes = 4321', 'dump_guest_core = 1')
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('limited', memory=16)))
    limits = of_process(daemon, 'limited', 'limits')
    assert [limits[what][0] for what in ('Max open files', 'Max core file size', 'Max processes')] == ['1234', '0', '4321']
    assert ask(daemon, 'limited', 'qom-get', path='/machine', property='dump-guest-core') is True
    daemon.virsh('destroy', 'limited')


def test_threads_that_allocate(daemon, tmp_path):
    """They ran on the node whose memory they took; what chose their CPUs is gone once the guest is there."""
    more = ("<memoryBacking><allocation mode='immediate' threads='2'/></memoryBacking>"
            "<numatune><memory mode='strict' nodeset='0'/></numatune>")
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('threads', memory=16, more=more)))
    objects = [o['name'] for o in ask(daemon, 'threads', 'qom-list', path='/objects')]
    assert 'pc.ram' in objects and 'tc-pc.ram' not in objects
    log = os.path.join(daemon.root, 'var/log/libvirt/qemu/threads.log')
    with open(log, encoding='utf-8') as lines:
        assert '"qom-type":"thread-context","id":"tc-pc.ram","node-affinity":[0]' in lines.read()
    daemon.virsh('destroy', 'threads')


def test_mounts_of_large_pages(new_daemon, tmp_path):
    """Those that qemu.conf names, and no others: it may forbid them."""
    large = support.written(tmp_path, support.domain_xml('large', memory=16, more='<memoryBacking><hugepages/></memoryBacking>'))
    for mounts, told in (('""', 'qemu.conf forbids'), (f'"{tmp_path}"', 'hugetlbfs is mounted at none')):
        daemon = configured(new_daemon, f'hugetlbfs_mount = {mounts}')
        assert told in support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'create', large], check=False).stderr
        daemon.clean()
