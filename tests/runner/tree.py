# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where things are in a built tree, and how a private daemon of it is addressed. Known here and nowhere else."""
import os

PLACES = {
    'libvirtd': 'src/daemon/libvirtd',
    'virsh': 'tools/virsh/virsh',
    'virt-admin': 'tools/virt-admin/virt-admin',
    'libvirt.so.0': 'src/libvirt.so.0',
    'libvirt-qemu.so.0': 'src/libvirt-qemu.so.0',
    'libvirt-lxc.so.0': 'src/libvirt-lxc.so.0',
    'libvirt-admin.so.0': 'src/admin/libvirt-admin.so.0',
    'every': 'tests/every/every',
    'every-admin': 'tests/every/every-admin',
    'libtally.so': 'tests/every/libtally.so',
    'api-coverage': 'tests/coverage/api-coverage',
    'stress': 'tests/every/stress',
    'bench-client': 'tests/bench/bench-client',
    'bench-bare': 'tests/bench/bench-bare',
}


class NotBuilt(Exception):
    """The part is not in this tree."""


def place(build, what):
    path = os.path.join(build, PLACES[what])
    if not os.path.exists(path):
        raise NotBuilt(f'{what} is not built ({path} is missing)')
    return path


def library_path(build):
    """For LD_LIBRARY_PATH: makes any client use our libraries."""
    return ':'.join(os.path.join(build, where) for where in ('src', 'src/admin'))


def modules(build):
    """For LIBVIRT_DRIVER_DIR: where the drivers' modules are."""
    return os.path.join(build, 'src')


def socket_path(root, read_only=False):
    """The socket of `libvirtd --root ROOT`."""
    return os.path.join(root, 'run/libvirt', 'libvirt-sock-ro' if read_only else 'libvirt-sock')


def uri(root, driver='qemu', path='system', read_only=False):
    """The address of a private daemon, in the form that upstream's clients understand, too."""
    return f'{driver}+unix:///{path}?socket={socket_path(root, read_only)}'


def definitions(root):
    """Where a private daemon keeps its definitions of domains."""
    return os.path.join(root, 'etc/libvirt/qemu')
