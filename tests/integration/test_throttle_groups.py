# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of traffic that disks share: from the start, made, changed and removed while a real QEMU runs."""
import re

import pytest

import support
from support import ask, wait_for


def image(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(bytes(1 << 20))
    return path


def disk(path, target, *groups, device='disk', bus='scsi', source=True, more=''):
    filters = ''.join(f"<throttlefilter group='{group}'/>" for group in groups)
    return (f"<disk type='file' device='{device}'><driver name='qemu' type='raw'{more}/>{f'<source file={str(path)!r}/>' if source else ''}"
            f"<target dev='{target}' bus='{bus}'/><throttlefilters>{filters}</throttlefilters></disk>")


def document(devices, groups):
    return f"""<domain type='qemu'><name>shared</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
      <throttlegroups>{groups}</throttlegroups><devices><controller type='usb' model='none'/><controller type='scsi' model='virtio-scsi'/>
      {devices}<memballoon model='none'/></devices></domain>"""


def group(name, limits=''):
    return f'<throttlegroup>{limits}<group_name>{name}</group_name></throttlegroup>'


SLOW = group('slow', '<total_bytes_sec>1000000</total_bytes_sec><total_iops_sec>300</total_iops_sec>')
FEW = group('few', '<read_iops_sec>40</read_iops_sec><read_iops_sec_max>80</read_iops_sec_max><read_iops_sec_max_length>5</read_iops_sec_max_length>')


def limits(daemon, name):
    told = ask(daemon, 'shared', 'qom-get', path=f'/objects/throttle-{name}', property='limits')
    return {key: value for key, value in told.items() if value and not (key.endswith('length') and value == 1)}


def groups(daemon):
    return {one['name'] for one in ask(daemon, 'shared', 'qom-list', path='/objects') if one['name'].startswith('throttle-')}


def filters(daemon):
    """Names of the block nodes that limit."""
    told = ask(daemon, 'shared', 'query-named-block-nodes')
    return sorted(node['node-name'] for node in told if node['drv'] == 'throttle')


def node_of(daemon, alias):
    return next(one['inserted']['node-name'] for one in ask(daemon, 'shared', 'query-block') if alias in one['qdev'])


@pytest.fixture
def run(daemon, tmp_path):
    def begin(devices, groups):
        daemon.virsh('define', '--validate', support.written(tmp_path, document(devices, groups)))
        daemon.virsh('start', 'shared', '--paused')
    return begin


def refused(daemon, why, *words):
    with pytest.raises(AssertionError, match=why):
        daemon.virsh(*words)


def test_groups_of_a_guest(daemon, tmp_path, run):
    run(disk(image(tmp_path, 'a'), 'vda', 'slow', 'few', bus='virtio') + disk(image(tmp_path, 'b'), 'sda', 'slow', more=" copy_on_read='on'"),
        SLOW + FEW)
    assert limits(daemon, 'slow') == {'bps-total': 1000000, 'iops-total': 300}
    assert limits(daemon, 'few') == {'iops-read': 40, 'iops-read-max': 80, 'iops-read-max-length': 5}
    assert len(filters(daemon)) == 3
    assert node_of(daemon, 'virtio-disk0').endswith('-throttle1')
    assert node_of(daemon, 'scsi0-0').endswith('-throttle0')
    assert 'slow' in daemon.virsh('domthrottlegrouplist', 'shared') and 'few' in daemon.virsh('domthrottlegrouplist', 'shared')

    # What is known of the disk is that of its image.
    stats = daemon.virsh('domstats', 'shared', '--block')
    assert 'block.0.capacity=1048576' in stats and 'block.0.rd.reqs=' in stats
    for target in ('vda', 'sda'):
        daemon.virsh('blockresize', 'shared', target, '2MiB')
        assert 'Capacity:       2097152' in daemon.virsh('domblkinfo', 'shared', target)
    daemon.virsh('domblkthreshold', 'shared', 'vda', '65536')
    assert 65536 in (node['write_threshold'] for node in ask(daemon, 'shared', 'query-named-block-nodes'))

    # Changed in part, made and removed; each where it was asked for.
    daemon.virsh('domthrottlegroupset', 'shared', 'slow', '--total-bytes-sec', '2000000', '--live')
    assert limits(daemon, 'slow') == {'bps-total': 2000000, 'iops-total': 300}
    assert '<total_bytes_sec>1000000<' in daemon.virsh('dumpxml', 'shared', '--inactive')
    daemon.virsh('domthrottlegroupset', 'shared', 'new', '--write-iops-sec', '9', '--live', '--config')
    assert limits(daemon, 'new') == {'iops-write': 9}
    assert re.search(r'write_iops_sec\s*: 9', daemon.virsh('domthrottlegroupinfo', 'shared', 'new', '--inactive'))
    refused(daemon, "disk 'vda' uses it", 'domthrottlegroupdel', 'shared', 'few', '--live')
    refused(daemon, 'at the same time', 'domthrottlegroupset', 'shared', 'new', '--total-iops-sec', '5')
    refused(daemon, 'no more than', 'domthrottlegroupset', 'shared', 'new', '--total-bytes-sec', '1000000000000001')
    refused(daemon, 'no more than', 'domthrottlegroupset', 'shared', 'new', '--write-iops-sec-max-length', '9223372036854775808')
    refused(daemon, "can't be the name", 'domthrottlegroupset', 'shared', 'a b', '--total-iops-sec', '5')
    refused(daemon, 'no throttle group', 'domthrottlegroupdel', 'shared', 'other')
    refused(daemon, '<throttlefilters>', 'blkdeviotune', 'shared', 'sda', '--total-iops-sec', '5')
    assert limits(daemon, 'new') == {'iops-write': 9}

    # A daemon that starts knows them by the guest's definition.
    daemon.crash()
    daemon.restart()
    wait_for(lambda: 'paused' in daemon.virsh('domstate', 'shared'), 20, 'the guest being taken over')
    daemon.virsh('domthrottlegroupset', 'shared', 'new', '--write-iops-sec', '0', '--read-iops-sec', '7', '--live')
    assert limits(daemon, 'new') == {'iops-read': 7}
    daemon.virsh('domthrottlegroupdel', 'shared', 'new', '--live', '--config')
    assert groups(daemon) == {'throttle-slow', 'throttle-few'}
    assert '>new<' not in daemon.virsh('dumpxml', 'shared') + daemon.virsh('dumpxml', 'shared', '--inactive')


def test_disks_that_come_and_go(daemon, tmp_path, run):
    run(disk(None, 'sda', 'slow', device='cdrom', source=False), SLOW + FEW)
    assert filters(daemon) == []
    daemon.virsh('change-media', 'shared', 'sda', str(image(tmp_path, 'first')), '--insert')
    assert len(filters(daemon)) == 1
    daemon.virsh('change-media', 'shared', 'sda', str(image(tmp_path, 'second')), '--update', '--force')
    wait_for(lambda: len(filters(daemon)) == 1, 20, 'the first medium being gone')
    daemon.virsh('attach-disk', 'shared', str(image(tmp_path, 'c')), 'sdb', '--targetbus', 'scsi', '--throttle-groups', 'slow,few', '--live')
    assert len(filters(daemon)) == 3
    refused(daemon, "no throttle group 'other'", 'attach-device', 'shared',
            support.written(tmp_path, disk(image(tmp_path, 'd'), 'sdc', 'other')), '--live')
    assert len(filters(daemon)) == 3
    daemon.virsh('detach-disk', 'shared', 'sdb', '--live')
    wait_for(lambda: len(filters(daemon)) == 1, 20, "the disk's nodes being gone")
    daemon.virsh('domthrottlegroupdel', 'shared', 'few', '--live')
    assert groups(daemon) == {'throttle-slow'}
