# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests under SELinux (permissive, which labels all the same): a pair of categories for each, labels of files for as long as it runs. The
host is booted for it with LIBVIRT_TEST_LONG=1 alone."""
import os
import re
import signal

import pytest

from conftest import guest_xml, run, virsh, wait_for

FOLDER = '/srv/labelled'
BUS = "<controller type='scsi' model='virtio-scsi'/>"
BEFORE = b'system_u:object_r:var_t:s0\0'
GUEST = r'system_u:system_r:(svirt\w*):s0:c(\d+),c(\d+)'

pytestmark = pytest.mark.skipif(not os.path.exists('/sys/fs/selinux/enforce'), reason='the kernel runs without SELinux')


def label(path):
    return os.getxattr(path, 'security.selinux').rstrip(b'\0').decode()


def label_of(name):
    with open(f'/run/libvirt/qemu/{name}.pid', encoding='utf-8') as f:
        pid = int(f.read())
    with open(f'/proc/{pid}/attr/current', encoding='utf-8') as f:
        return f.read().rstrip('\0\n'), pid


def made(name, *words):
    path = f'{FOLDER}/{name}'
    run('qemu-img', 'create', '-q', '-f', *words[:1], *words[1:], path, '1M')
    os.setxattr(path, 'security.selinux', BEFORE)
    return path


def disk(path, target, kind='raw', more='', inner=''):
    return (f"<disk type='file'><driver name='qemu' type='{kind}'/><source file='{path}'>{inner}</source>"
            f"<target dev='{target}' bus='scsi'/>{more}</disk>")


@pytest.fixture(autouse=True)
def folder():
    os.makedirs(FOLDER, exist_ok=True)
    yield FOLDER
    for name in ('one', 'two'):
        virsh('destroy', name, check=False)
    run('rm', '-r', FOLDER)


def test_dynamic_labels(xml):
    """Of two guests: their categories differ; what one writes, reads and shares; all as before at the end."""
    base = made('base', 'raw')
    top = made('top', 'qcow2', '-b', base, '-F', 'raw')
    shared, own, left = made('shared', 'raw'), made('own', 'raw'), made('left', 'raw')
    os.setxattr(left, 'security.selinux', BEFORE)
    devices = (BUS + disk(top, 'sda', 'qcow2') + disk(shared, 'sdb', more='<shareable/>') +
               disk(own, 'sdc', inner="<seclabel model='selinux' relabel='yes'><label>system_u:object_r:virt_image_t:s0</label></seclabel>") +
               disk(left, 'sdd', inner="<seclabel model='selinux' relabel='no'/>"))
    virsh('create', xml(guest_xml('one', kind='qemu', devices=devices)), '--paused')
    virsh('create', xml(guest_xml('two', kind='qemu', devices=BUS + disk(shared, 'sda', more='<shareable/>'))), '--paused')
    labels = [re.fullmatch(GUEST, label_of(name)[0]).groups() for name in ('one', 'two')]
    assert labels[0][1:] != labels[1][1:] and all(int(a) < int(b) for _, a, b in labels)
    categories = f's0:c{labels[0][1]},c{labels[0][2]}'
    text = virsh('dumpxml', 'one')
    assert "<seclabel type='dynamic' model='selinux' relabel='yes'>" in text and f'<imagelabel>system_u:object_r:svirt_image_t:{categories}<' in text
    assert re.search(rf'Security label: +{label_of("one")[0]} \(permissive\)', virsh('dominfo', 'one'))
    assert label(top) == f'system_u:object_r:svirt_image_t:{categories}'
    assert label(base) == 'system_u:object_r:virt_content_t:s0'
    assert label(shared) == 'system_u:object_r:svirt_image_t:s0'
    assert label(own) == 'system_u:object_r:virt_image_t:s0' and label(left) == BEFORE.rstrip(b'\0').decode()
    plugged = made('plugged', 'raw')
    virsh('attach-device', 'one', xml(disk(plugged, 'sde')), '--live')
    assert label(plugged) == f'system_u:object_r:svirt_image_t:{categories}'
    virsh('detach-disk', 'one', 'sde', '--live')
    wait_for(lambda: label(plugged) == BEFORE.rstrip(b'\0').decode(), what='the label before')
    virsh('destroy', 'one')
    assert label(shared) == 'system_u:object_r:svirt_image_t:s0'    # the other has it still
    virsh('destroy', 'two')
    assert {label(path) for path in (top, base, shared, own, left)} == {BEFORE.rstrip(b'\0').decode()}


def test_killed_daemon(xml):
    image = made('image', 'raw')
    virsh('create', xml(guest_xml('one', kind='qemu', devices=BUS + disk(image, 'sda'))), '--paused')
    context, pid = label_of('one')
    run('systemctl', 'kill', '--signal=KILL', '--kill-who=main', 'libvirtd.service')
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: 'one' not in virsh('list', '--all', '--name', check=False).split() and label(image) == BEFORE.rstrip(b'\0').decode(),
             what='the label before')
    assert re.fullmatch(GUEST, context)


def test_static_labels(xml):
    image = made('image', 'raw')
    text = "<seclabel type='static' model='selinux' relabel='{}'><label>{}</label></seclabel>"
    mine = 'system_u:system_r:svirt_t:s0:c1,c2'
    for relabel, expected in (('no', BEFORE.rstrip(b'\0').decode()), ('yes', 'system_u:object_r:svirt_image_t:s0:c1,c2')):
        virsh('create', xml(guest_xml('one', kind='qemu', devices=BUS + disk(image, 'sda')).replace('</domain>', text.format(relabel, mine) + '</domain>')),
              '--paused')
        assert label_of('one')[0] == mine and label(image) == expected
        virsh('destroy', 'one')
    said = virsh('create', xml(guest_xml('one', kind='qemu').replace('</domain>', text.format('no', 'not:a:context:s0') + '</domain>')), check=False)
    assert "knows no label 'not:a:context:s0'" in said


def test_models_are_told():
    told = re.findall("<model>(none|dac|selinux)</model>|<baselabel type='(?:kvm|qemu)'>(system_u:.*)</baselabel>", virsh('capabilities'))
    assert [model for model, _ in told if model] == ['selinux', 'dac']
    assert [base for _, base in told if base] and all(re.match('system_u:system_r:svirt', base) for _, base in told if base)


def test_label_of_a_new_volume(xml):
    virsh('pool-create-as', 'labelled', 'dir', '--target', FOLDER)
    wanted = 'system_u:object_r:virt_image_t:s0'
    virsh('vol-create', 'labelled', xml(f"<volume><name>new</name><capacity>65536</capacity><target><permissions><label>{wanted}</label>"
                                        "</permissions></target></volume>"))
    assert label(f'{FOLDER}/new') == wanted
    virsh('pool-destroy', 'labelled')
