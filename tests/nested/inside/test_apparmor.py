# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests under AppArmor: each has a profile of its own, made of the files that it uses, for as long as it runs."""
import json
import os
import re
import signal

import pytest

from conftest import guest_xml, modules, run, virsh, wait_for

NAME = 'held'
UUID = 'a75aca4b-a02f-2bcb-4a91-c93cd848c34b'
PROFILE = f'libvirt-{UUID}'
FOLDER = '/etc/apparmor.d/libvirt'
POOL = '/srv/odd pool,{*}'
BUS = "<controller type='scsi' model='virtio-scsi'/>"

pytestmark = pytest.mark.skipif(not os.path.exists('/sys/kernel/security/apparmor/profiles'), reason='the kernel runs without AppArmor')


def profiles():
    with open('/sys/kernel/security/apparmor/profiles', encoding='utf-8') as f:
        return re.findall(r'^(libvirt-[0-9a-f-]{36}) ', f.read(), re.MULTILINE)


def nothing_left():
    return profiles() == [] and not [name for name in os.listdir(FOLDER) if UUID in name]


def pid():
    with open(f'/run/libvirt/qemu/{NAME}.pid', encoding='utf-8') as f:
        return int(f.read())


def label_of(process):
    with open(f'/proc/{process}/attr/current', encoding='utf-8') as f:
        return f.read().strip()


def denied():
    """What the kernel has told of it so far."""
    return [line for line in run('dmesg').splitlines() if 'apparmor="DENIED"' in line and PROFILE in line]


def add_image(path):
    """What QEMU says to a file that it is asked to open, and let go of."""
    def ask(command, **arguments):
        return json.loads(virsh('qemu-monitor-command', NAME, json.dumps({'execute': command, 'arguments': arguments})))
    answer = ask('blockdev-add', **{'driver': 'file', 'node-name': 'probe', 'filename': path, 'read-only': True})
    if 'error' in answer:
        return answer['error']['desc']
    ask('blockdev-del', **{'node-name': 'probe'})
    return None


def image(path):
    run('qemu-img', 'create', '-q', '-f', 'raw', path, '1M')
    os.chmod(path, 0o666)   # what keeps QEMU out is the profile alone
    return path


@pytest.fixture(scope='module')
def pool():
    """At a path of which every other character means something in a profile; with an image on top of two others."""
    os.makedirs(POOL, exist_ok=True)
    os.chmod(POOL, 0o755)
    image(f'{POOL}/base')
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', f'{POOL}/base', '-F', 'raw', f'{POOL}/middle')
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', f'{POOL}/middle', '-F', 'qcow2', f'{POOL}/top')
    virsh('pool-create-as', 'odd', 'dir', '--target', POOL)
    yield 'odd'
    virsh('pool-destroy', 'odd')


@pytest.fixture
def guest(xml, pool):
    modules('kvm_amd')
    disk = f"""<disk type='volume'><driver name='qemu' type='qcow2'/><source pool='{pool}' volume='top'/><target dev='sda' bus='scsi'/></disk>"""
    text = guest_xml(NAME, devices=BUS + disk).replace('</name>', f'</name><uuid>{UUID}</uuid>')
    virsh('create', xml(text), '--paused')
    yield NAME
    virsh('destroy', NAME, check=False)
    wait_for(nothing_left, what='the end of the profile')


def test_model_is_told():
    models = re.findall('<model>(none|dac|apparmor|selinux)</model>', virsh('capabilities'))
    assert models == ['apparmor', 'dac']


def test_guest_is_held(guest, xml):
    """It has what it needs to boot, with the images of its disk; nothing else of the host; what is plugged in, as long as it is there."""
    virsh('resume', guest)
    console = f'/run/{NAME}.console'
    wait_for(lambda: 'GUEST-READY' in open(console, encoding='utf-8', errors='replace').read(), what='the guest')
    assert denied() == []
    assert label_of(pid()) == f'{PROFILE} (enforce)'
    assert re.search(rf'Security label: +{PROFILE} \(enforcing\)', virsh('dominfo', guest))
    text = virsh('dumpxml', guest)
    assert f'<label>{PROFILE}</label>' in text and f'<imagelabel>{PROFILE}</imagelabel>' in text and "model='apparmor'" in text
    other = image('/srv/other.img')
    assert 'Permission denied' in add_image(other)
    before = denied()
    assert before and all(other in line for line in before)
    virsh('attach-device', guest, xml(f"<disk type='file'><source file='{other}'/><target dev='sdb' bus='scsi'/></disk>"), '--live')
    assert denied() == before
    virsh('detach-disk', guest, 'sdb', '--live')
    wait_for(lambda: 'Permission denied' in (add_image(other) or ''), what='the profile without it')   # soon, by somebody else
    os.unlink(other)


def test_killed_daemon(guest, xml):
    """One that starts anew goes on with the profile; of a guest that ended meanwhile nothing is left."""
    def kill():
        run('systemctl', 'kill', '--signal=KILL', '--kill-who=main', 'libvirtd.service')
        run('systemctl', 'stop', 'libvirtd.service', 'libvirtd.socket', 'libvirtd-ro.socket', 'libvirtd-admin.socket')

    def start():
        run('systemctl', 'reset-failed', 'libvirtd.service')
        run('systemctl', 'start', 'libvirtd.socket', 'libvirtd-ro.socket', 'libvirtd-admin.socket')
    kill()
    start()
    assert virsh('domstate', guest).strip() == 'paused'
    other = image('/srv/other.img')
    assert 'Permission denied' in add_image(other)
    virsh('attach-device', guest, xml(f"<disk type='file'><source file='{other}'/><target dev='sdb' bus='scsi'/></disk>"), '--live')
    process = pid()
    kill()
    os.kill(process, signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f'/proc/{process}'), what='the end of QEMU')
    assert profiles() == [PROFILE]
    start()
    wait_for(lambda: guest not in virsh('list', '--all', '--name').split() and nothing_left(), what='the end of the profile')
    os.unlink(other)


def test_labels_of_guests(xml):
    """One that isn't to be confined, one under a profile of the administrator, a model that isn't there."""
    base = guest_xml(NAME, kind='qemu').replace('</name>', f'</name><uuid>{UUID}</uuid>')
    try:
        virsh('create', xml(base.replace('</devices>', "</devices><seclabel type='none' model='apparmor'/>")), '--paused')
        assert label_of(pid()) == 'unconfined' and profiles() == []
        virsh('destroy', NAME)
        label = "<seclabel type='static' model='{}'><label>{}</label></seclabel>"
        assert "apparmor_parser -r FILE" in virsh('create', xml(base.replace('</devices>', '</devices>' + label.format('apparmor', 'absent'))), check=False)
        said = virsh('create', xml(base.replace('</devices>', '</devices>' + label.format('selinux', 'a:b:c'))), check=False)
        assert "model 'selinux', which isn't available" in said
        with open(f'{FOLDER}/{PROFILE}', 'w', encoding='utf-8') as f:
            f.write(f'#include <tunables/global>\nprofile {PROFILE} flags=(attach_disconnected) {{\n  #include <abstractions/libvirt-qemu>\n'
                    f'  #include <libvirt/{PROFILE}.files>\n  /srv/extra.img rk,\n}}\n')
        virsh('create', xml(base), '--paused')
        image('/srv/extra.img')
        assert 'Permission denied' not in (add_image('/srv/extra.img') or '')
        virsh('destroy', NAME)
        assert os.listdir(FOLDER) == [PROFILE] and profiles() == []     # the administrator's stays
    finally:
        virsh('destroy', NAME, check=False)
        os.unlink(f'{FOLDER}/{PROFILE}')
