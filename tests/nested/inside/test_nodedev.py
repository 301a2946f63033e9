# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of a host with udev and SCSI: told of by name and contents, defined by mdevctl."""
import re
import subprocess

import pytest

from conftest import modules, run, virsh, wait_for


def device(name):
    return virsh('nodedev-dumpxml', name)


def spare():
    """The NVMe controller that nobody needs: (name of the function, of its disk)."""
    [disk] = [name for name in virsh('nodedev-list', '--cap', 'storage').split() if 'SPARE' in name]
    return re.search('<parent>(pci_[0-9a-f_]+)</parent>', device(disk)).group(1), disk


def test_tree():
    """Everything hangs on something that is told of, and all on the host."""
    names = set(virsh('nodedev-list').split())
    for name in names - {'computer'}:
        parent = re.search('<parent>(.*)</parent>', device(name)).group(1)
        assert parent in names, (name, parent)
    assert 'computer' in virsh('nodedev-list', '--tree')


def test_scsi_comes_and_goes():
    if subprocess.run(['modprobe', '-n', 'scsi_debug'], capture_output=True, check=False).returncode:
        pytest.skip('the kernel has no module scsi_debug')
    try:
        run('modprobe', 'scsi_debug', 'dev_size_mb=8', 'num_tgts=2')
        wait_for(lambda: len(virsh('nodedev-list', '--cap', 'scsi').split()) == 2, what='two units')
        disks = wait_for(lambda: [name for name in virsh('nodedev-list', '--cap', 'storage').split() if name.startswith('block_sd')])
        told = device(disks[0])
        for part in ('<drive_type>disk</drive_type>', '<model>scsi_debug</model>', '<vendor>Linux</vendor>', '<size>8388608</size>',
                     '<bus>scsi</bus>', "<devnode type='dev'>/dev/sd", '<parent>scsi_'):
            assert part in told, (part, told)
        assert '<type>disk</type>' in device(virsh('nodedev-list', '--cap', 'scsi').split()[0])
    finally:
        run('modprobe', '-r', 'scsi_debug')
    wait_for(lambda: not virsh('nodedev-list', '--cap', 'scsi').split(), what='no unit')


def test_pci():
    """What is told of a function, and why this host can't give it away (with an IOMMU everything in here is ten times slower)."""
    modules('vfio-pci')
    function, disk = spare()
    told = device(function)
    assert '<name>nvme</name>' in told and '<pci-express>' in told and '<class>0x010802</class>' in told
    assert "the host's driver 'nvme'" in virsh('nodedev-reset', function, check=False)
    assert 'IOMMU' in virsh('nodedev-detach', function, check=False)
    assert '<name>nvme</name>' in device(function) and disk in virsh('nodedev-list')


def test_definitions_of_mediated_devices(xml):
    """They are mdevctl's, and so outlive the daemon; what can't start says why."""
    function = spare()[0]
    name = 'mdev_11111111_2222_3333_4444_555555555556_' + function.removeprefix('pci_')
    virsh('nodedev-define', xml(f"<device><parent>{function}</parent><capability type='mdev'><type id='x-type'/>"
                                "<uuid>11111111-2222-3333-4444-555555555556</uuid><attr name='a' value='b'/></capability></device>"))
    assert name in virsh('nodedev-list', '--inactive', '--cap', 'mdev')
    virsh('nodedev-autostart', name)
    assert 'mdevctl' in virsh('nodedev-start', name, check=False)
    assert '11111111-2222-3333-4444-555555555556' in run('mdevctl', 'list', '--defined')
    run('systemctl', 'restart', 'libvirtd.service')
    info = virsh('nodedev-info', name)
    assert re.search('Active: +no', info) and re.search('Persistent: +yes', info) and re.search('Autostart: +yes', info)
    assert "<attr name='a' value='b'/>" in device(name) and f'<parent>{function}</parent>' in device(name)
    virsh('nodedev-undefine', name)
    assert '11111111' not in run('mdevctl', 'list', '--defined') and name not in virsh('nodedev-list', '--all')
