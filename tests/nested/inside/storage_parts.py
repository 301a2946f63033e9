# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of storage pools have in common."""
import contextlib

from conftest import GUEST, modules, run, virsh, wait_for

MIB = 1 << 20


@contextlib.contextmanager
def pool(xml, kind, name, source, target=None, more=''):
    """A defined pool, stopped and undefined at the end."""
    where = f'<target><path>{target}</path></target>' if target else ''
    virsh('pool-define', xml(f"<pool type='{kind}' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'><name>{name}</name>"
                             f'<source>{source}</source>{where}{more}</pool>'))
    try:
        yield name
    finally:
        virsh('pool-destroy', name, check=False)
        virsh('pool-undefine', name, check=False)


def volumes(name):
    return [line.split()[0] for line in virsh('vol-list', name).splitlines()[2:] if line.strip()]


def boots(xml, name, volume, server=None):
    """The firmware of a guest, whose disk is this volume of the pool @name, runs what is in its first sector, which writes a copy of
    itself at 3 MiB. @server: where root can read that."""
    modules('kvm_amd')
    virsh('vol-upload', volume, f'{GUEST}/boot.img', '--pool', name)
    path, console = virsh('vol-path', volume, name).strip(), f'/run/{name}.console'
    virsh('create', xml(f"""<domain type='kvm'><name>{name}</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices><serial type='file'><source path='{console}'/></serial>
<disk type='volume' device='disk'><source pool='{name}' volume='{volume}'/><target dev='vda' bus='virtio'/></disk></devices></domain>"""))
    try:
        wait_for(lambda: 'GUEST-BOOTED' in open(console, encoding='utf-8', errors='replace').read(), what=f'the guest on {path}')
        if path.startswith('/dev/group/'):
            assert 'in use' in virsh('vol-delete', volume, name, check=False)
    finally:
        virsh('destroy', name)
    run('cmp', '-n', 512, '-i', f'0:{3 * MIB}', server or path, server or path)
