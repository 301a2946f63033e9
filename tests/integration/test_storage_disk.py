# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools that are partition tables, on loop devices."""
import json
import os
import re
import subprocess

import pytest

import servers
from storage_parts import MIB, connected, content, fill, libvirt, loop_device, pool_xml, refused, vol_xml

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(bool(servers.lacking('parted', 'sfdisk')), reason='parted or sfdisk is not installed')]
OVERWRITE, KEEP = libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE, libvirt.VIR_STORAGE_POOL_BUILD_NO_OVERWRITE


@pytest.fixture
def connection(daemon):
    with connected(daemon) as opened:
        yield opened


@pytest.fixture
def device(tmp_path):
    with loop_device(tmp_path / 'disk', 64) as name:
        yield name


def disk_xml(device, kind, target='/dev'):
    return pool_xml('disk', 'd', f"<device path='{device}'/><format type='{kind}'/>", target)


def table(device):
    """(name, first byte, bytes, type) of each partition, as another program tells them."""
    done = subprocess.run(['sfdisk', '--json', device], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)['partitiontable']
    return [(os.path.basename(part['node']), part['start'] * 512, part['size'] * 512, part['type']) for part in found.get('partitions', [])]


def running(connection, device, kind):
    pool = connection.storagePoolDefineXML(disk_xml(device, kind))
    pool.build(OVERWRITE)
    pool.create()
    return pool


def free_extents(pool):
    return [(int(start), int(end)) for start, end in re.findall("<freeExtent start='([0-9]+)' end='([0-9]+)'/>", pool.XMLDesc())]


def test_build_rules(connection, device):
    pool = connection.storagePoolDefineXML(disk_xml(device, 'gpt'))
    assert 'pool-build' in refused(libvirt.VIR_ERR_STORAGE_PROBE_FAILED, pool.create)
    pool.build()
    assert content(device) == 'gpt'
    for flags in 0, KEEP:
        assert 'gpt' in refused(libvirt.VIR_ERR_STORAGE_POOL_BUILT, pool.build, flags)
    pool.build(OVERWRITE)
    subprocess.run(['mkfs.ext4', '-qF', device], check=True)
    assert 'ext4' in refused(libvirt.VIR_ERR_STORAGE_POOL_BUILT, pool.build, KEEP)
    pool.build(OVERWRITE)
    assert content(device) == 'gpt'
    pool.create()
    pool.destroy()
    pool.delete()
    assert content(device) is None
    pool.undefine()
    pool = connection.storagePoolDefineXML(disk_xml(device, 'dos'))
    pool.build()
    assert content(device) == 'dos'
    pool.undefine()
    pool = connection.storagePoolDefineXML(disk_xml(device, 'gpt'))
    assert "'msdos', not 'gpt'" in refused(libvirt.VIR_ERR_STORAGE_PROBE_FAILED, pool.create)
    pool.undefine()
    pool = connection.storagePoolDefineXML(disk_xml(device, 'lvm2'))
    refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.build, OVERWRITE)


def test_gpt(connection, daemon, device):
    pool = running(connection, device, 'gpt')
    one, two, three = (f'{os.path.basename(device)}p{n}' for n in (1, 2, 3))
    assert one in refused(libvirt.VIR_ERR_INVALID_ARG, pool.createXML, vol_xml('data', 8, 'none'))
    vol = pool.createXML(vol_xml(one, 8, 'none'))
    assert vol.path() == f'/dev/{one}' and vol.info()[:2] == [libvirt.VIR_STORAGE_VOL_BLOCK, 8 * MIB]
    assert table(device)[0][:3] == (one, MIB, 8 * MIB)
    swap = pool.createXML(vol_xml(two, 4, 'linux-swap'))
    assert table(device)[1][3] == '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F'
    pool.createXML(vol_xml(three, 4, 'linux-lvm'))
    assert table(device)[2][3] == 'E6D6D379-F507-44C2-A23C-238F2A3DF928'
    document = swap.XMLDesc()
    assert f"<extent start='{9 * MIB}' end='{13 * MIB}'/>" in document and "<format type='linux-swap'/>" in document
    assert '<mode>' in document and f"<device path='{device}'>" in document
    assert pool.info()[2] == 16 * MIB and free_extents(pool)[-1][0] == 17 * MIB
    refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, pool.createXML, vol_xml('x', 1, 'extended'))
    assert 'largest' in refused(libvirt.VIR_ERR_OPERATION_FAILED, pool.createXML, vol_xml(f'{one[:-1]}4', 60, 'none'))
    assert len(table(device)) == 3

    daemon.kill()
    daemon.start()
    connection = libvirt.open(daemon.uri)
    pool = connection.storagePoolLookupByName('d')
    assert sorted(pool.listVolumes()) == [one, two, three]
    pool.storageVolLookupByName(two).delete()
    assert [part[0] for part in table(device)] == [one, three] and len(free_extents(pool)) >= 2
    vol = pool.createXML(vol_xml(two, 2, 'none'))
    assert table(device)[1][:3] == (two, 9 * MIB, 2 * MIB), 'the smallest room is taken'
    fill(vol.path(), b'secret' * 1000)
    vol.wipe()
    with open(vol.path(), 'rb') as f:
        assert not any(f.read(8192))
    connection.close()


def test_dos(connection, device):
    pool = running(connection, device, 'dos')
    base = f'{os.path.basename(device)}p'
    pool.createXML(vol_xml(base + '1', 8, 'linux'))
    pool.createXML(vol_xml(base + '2', 24, 'extended'))
    assert 'already' in refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.createXML, vol_xml(base + '3', 2, 'extended'))
    for n in 5, 6, 7:
        pool.createXML(vol_xml(f'{base}{n}', 4, 'fat32'))
    parts = {part[0]: part for part in table(device)}
    assert parts[base + '1'][3] == '83' and parts[base + '2'][3] in ('5', 'f') and parts[base + '6'][2] == 4 * MIB
    assert parts[base + '7'][1] >= parts[base + '6'][1] + 4 * MIB
    extended = pool.storageVolLookupByName(base + '2')
    assert extended.info()[1] == 24 * MIB and "<format type='extended'/>" in extended.XMLDesc()
    assert f'{base}2' in refused(libvirt.VIR_ERR_OPERATION_INVALID, extended.delete)
    assert 'number 7' in refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.storageVolLookupByName(base + '5').delete)
    for n in 7, 6, 5, 2:
        pool.storageVolLookupByName(f'{base}{n}').delete()
    assert [part[0] for part in table(device)] == [base + '1']


@pytest.mark.parametrize('kind', ['mac', 'bsd', 'pc98', 'sun', 'dvh'])
def test_other_tables(connection, device, kind):
    pool = connection.storagePoolDefineXML(disk_xml(device, kind))
    pool.build(OVERWRITE)
    pool.create()
    before = set(pool.listVolumes())
    message = refused(libvirt.VIR_ERR_INVALID_ARG, pool.createXML, vol_xml('x', 4, 'none'))
    name = re.search("expected '(.*?)'", message).group(1)
    with open('/proc/partitions', encoding='utf-8') as f:
        seen = f.read()
    try:
        vol = pool.createXML(vol_xml(name, 4, 'none'))
    except libvirt.libvirtError as error:
        assert 'did not appear' in str(error), error    # a kernel without this kind of table is no fault of ours
        assert set(pool.listVolumes()) == before and name not in seen
        pytest.skip(f'this kernel has no partition tables of type {kind}')
    assert vol.info()[1] >= 4 * MIB
    pool.storageVolLookupByName(name).delete()
    pool.refresh()
    assert set(pool.listVolumes()) == before


def test_what_is_in_use_stays(connection, device, tmp_path):
    pool = running(connection, device, 'gpt')
    name = f'{os.path.basename(device)}p1'
    vol = pool.createXML(vol_xml(name, 16, 'none'))
    subprocess.run(['mkfs.ext4', '-q', vol.path()], check=True)
    os.mkdir(tmp_path / 'm')
    subprocess.run(['mount', vol.path(), tmp_path / 'm'], check=True)
    try:
        assert 'in use' in refused(libvirt.VIR_ERR_OPERATION_INVALID, vol.delete)
        refused(libvirt.VIR_ERR_SYSTEM_ERROR, vol.wipe)
        pool.destroy()
        refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.delete)
        pool.create()
    finally:
        subprocess.run(['umount', tmp_path / 'm'], check=True)
    assert content(vol.path()) == 'ext4'
    pool.storageVolLookupByName(name).delete()


def test_made_from_another_pool(connection, device, tmp_path):
    os.mkdir(tmp_path / 'folder')
    files = connection.storagePoolCreateXML(f"<pool type='dir'><name>f</name><target><path>{tmp_path}/folder</path></target></pool>")
    source = files.createXML(vol_xml('source', 4))
    data = os.urandom(MIB)
    with open(source.path(), 'r+b') as f:
        f.seek(2 * MIB)
        f.write(data)
    pool = running(connection, device, 'gpt')
    name = f'{os.path.basename(device)}p1'
    assert 'less than' in refused(libvirt.VIR_ERR_INVALID_ARG, pool.createXMLFrom, vol_xml(name, 1, 'none'), source)
    assert not table(device) and not pool.listVolumes()
    vol = pool.createXMLFrom(vol_xml(name, 4, 'none'), source)
    with open(vol.path(), 'rb') as f:
        assert f.read() == bytes(2 * MIB) + data + bytes(MIB)
    back = files.createXMLFrom(vol_xml('back', 4), vol)
    with open(back.path(), 'rb') as f:
        assert f.read(3 * MIB)[2 * MIB:] == data


