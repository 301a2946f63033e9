# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host that a running guest gets and gives back, and sees: those that need a kernel with more than the machine's own."""
import errno
import glob
import json
import os
import socket
import subprocess

import pytest

from conftest import guest_xml, modules, run, virsh, wait_for

PORTS = "<controller type='pci' index='0' model='pcie-root'/>" + "<controller type='pci' model='pcie-root-port'/>" * 8
NAME = 'plugged'
CONSOLE = f'/run/{NAME}.console'


def says(text):
    wait_for(lambda: os.path.exists(CONSOLE) and text in open(CONSOLE, encoding='utf-8', errors='replace').read(), what=f"'{text}'")


def ask(command, **arguments):
    return json.loads(virsh('qemu-monitor-command', NAME, json.dumps({'execute': command, 'arguments': arguments})))['return']


@pytest.fixture
def guest(xml):
    modules('kvm_amd')
    virsh('create', xml(guest_xml(NAME, devices=PORTS)))
    try:
        says('GUEST-READY')
        yield NAME
    finally:
        virsh('destroy', NAME, check=False)
        os.unlink(CONSOLE)


def test_vsock(guest, xml):
    """Host and guest reach each other: nobody listens in the guest, which is what it answers."""
    modules('vhost_vsock')

    def answer():
        with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as asking:
            asking.settimeout(30)
            return asking.connect_ex((77, 1234))
    assert answer() == errno.ENODEV
    virsh('attach-device', guest, xml("<vsock model='virtio'><cid auto='no' address='77'/></vsock>"), '--live')
    says('GUEST-PLUG pci 1AF4:1053')
    wait_for(lambda: answer() == errno.ECONNRESET, what="the guest's answer")
    virsh('detach-device-alias', guest, 'vsock0', '--live')
    says('GUEST-PLUG pci 1AF4:1053 gone')
    wait_for(lambda: answer() == errno.ENODEV, what='the end of the way')
    assert '<vsock' not in virsh('dumpxml', guest)


def test_scsi_unit_of_the_host(guest, xml):
    if subprocess.run(['modprobe', '-n', 'scsi_debug'], capture_output=True, check=False).returncode:
        pytest.skip('the kernel has no module scsi_debug')
    modules('sg')
    try:
        run('modprobe', 'scsi_debug', 'dev_size_mb=8')
        unit, = wait_for(lambda: glob.glob('/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*/scsi_generic/sg*'), what='the unit')
        host, bus, target, lun = unit.split('/')[-3].split(':')
        virsh('attach-device', guest, xml("<controller type='scsi' model='virtio-scsi'/>"), '--live')
        says('GUEST-PLUG driver virtio_scsi')
        virsh('attach-device', guest, xml(f"<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host{host}'/>"
                                          f"<address bus='{bus}' target='{target}' unit='{lun}'/></source></hostdev>"), '--live')
        says('GUEST-PLUG disk sda')
        virsh('detach-device-alias', guest, 'hostdev0', '--live')
        says('GUEST-PLUG disk sda gone')
        assert '<hostdev' not in virsh('dumpxml', guest)
    finally:
        virsh('destroy', guest)
        wait_for(lambda: subprocess.run(['modprobe', '-r', 'scsi_debug'], capture_output=True, check=False).returncode == 0, what='its end')


def test_input_of_the_host(guest, xml):
    """What is typed there goes to the guest's own devices; QEMU has an object that reads it."""
    modules('evdev', 'button')
    event = wait_for(lambda: sorted(glob.glob('/dev/input/event*')), what='an input device')[0]
    device = xml(f"<input type='evdev'><source dev='{event}' grab='all'/></input>")
    virsh('attach-device', guest, device, '--live')
    known = {o['name']: o['type'] for o in ask('qom-list', path='/objects')}
    alias, = [name for name, kind in known.items() if kind == 'child<input-linux>']
    assert "<input type='evdev'>" in virsh('dumpxml', guest)
    virsh('detach-device', guest, device, '--live')
    assert alias not in [o['name'] for o in ask('qom-list', path='/objects')]
    assert "<input type='evdev'>" not in virsh('dumpxml', guest)
