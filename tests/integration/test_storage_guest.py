# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 200
"""Guests whose disks are volumes of pools."""
import contextlib
import os

import pytest

from support import ask
from test_storage_node import folder, pool_xml, refused, vol_xml

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
pytestmark = pytest.mark.foreign_library


@pytest.fixture
def pool(guest_daemon, tmp_path):
    connection = libvirt.open(guest_daemon.uri)
    made = connection.storagePoolDefineXML(pool_xml('pool', tmp_path / 'pool'))
    made.build()
    made.create()
    yield made
    with contextlib.suppress(libvirt.libvirtError):
        connection.close()


def disk(volume, target, more='', kind='disk'):
    return (f"<disk type='volume' device='{kind}'>{more}<source pool='pool' volume='{volume}'/><target dev='{target}'/></disk>")


def used(daemon, name):
    """Files and formats of the disks, as QEMU says."""
    return {os.path.basename(d['inserted']['file']): (d['inserted']['drv'], d['inserted'].get('backing_file'))
            for d in ask(daemon, name, 'query-block') if d.get('inserted')}


def test_disks_are_volumes(guest_daemon, boot_defined, pool):
    pool.createXML(vol_xml('raw'))
    base = pool.createXML(vol_xml('base', 8, 'qcow2'))
    pool.createXML(vol_xml('layer', 8, 'qcow2', more=f"<backingStore><path>{base.path()}</path><format type='qcow2'/></backingStore>"))
    under = pool.createXML(vol_xml('under', 8))
    pool.createXML(vol_xml('old', 8, 'qed', more=f"<backingStore><path>{under.path()}</path><format type='raw'/></backingStore>"))
    pool.createXML(vol_xml('plugged', 8, 'qcow2'))
    domain, _ = boot_defined('volumes', devices=disk('raw', 'vda') + disk('layer', 'vdb') + disk('old', 'vdd'))
    assert used(guest_daemon, 'volumes') == {'raw': ('raw', None), 'layer': ('qcow2', base.path()), 'old': ('qed', under.path())}
    assert f"file='{folder(pool)}/layer'" in domain.XMLDesc()
    assert "<source pool='pool' volume='layer'" in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    domain.attachDeviceFlags(disk('plugged', 'vdc'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    assert used(guest_daemon, 'volumes')['plugged'] == ('qcow2', None)
    assert domain.blockInfo('vdb')[0] == 8 << 20
    assert '/raw' in guest_daemon.virsh('domxml-to-native', 'qemu-argv', '--domain', 'volumes')
    domain.destroy()


def test_what_cannot_be_had(guest_daemon, boot_defined, pool):
    connection = libvirt.open(guest_daemon.uri)
    domain, _ = boot_defined('none', devices="<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>")
    assert 'none' in refused(libvirt.VIR_ERR_NO_STORAGE_VOL, domain.attachDeviceFlags, disk('none', 'vdc'), 1)
    pool.createXML(vol_xml('there'))
    assert 'mode' in refused(libvirt.VIR_ERR_XML_ERROR, domain.attachDeviceFlags,
                             disk('there', 'vdc').replace("volume='there'", "volume='there' mode='direct'"), 1)
    pool.destroy()
    assert 'virsh pool-start pool' in refused(libvirt.VIR_ERR_OPERATION_INVALID, domain.attachDeviceFlags, disk('there', 'vdc'), 1)
    pool.undefine()
    refused(libvirt.VIR_ERR_NO_STORAGE_POOL, domain.attachDeviceFlags, disk('there', 'vdc'), 1)
    domain.destroy()
    connection.close()
