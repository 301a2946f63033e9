# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk from which the tiny guest boots by itself, as firmware would from any: for tests of where disks are kept."""
import os
import shutil
import subprocess

MIB = 1 << 20
SIZE_MIB = 32
# Behind the file system, which is smaller than the disk: where the guest writes.
MARK_MIB = 31


def missing():
    """Which program is not installed here, or None."""
    return next((f'{name} is not installed' for name in ('syslinux', 'mcopy', 'mkfs.vfat') if not shutil.which(name)), None)


def make(path, guest):
    """A raw image of SIZE_MIB MiB with the files of the folder @guest. The guest writes its kernel's version at MARK_MIB MiB of the
    disk that it has booted from, and says GUEST-RAN 0."""
    with open(os.path.join(guest, 'cmdline'), encoding='utf-8') as f:
        words = f'{f.read().strip()} guest.run=dd,if=/proc/version,of=/dev/vda,bs=1M,seek={MARK_MIB},conv=fsync'
    with open(path, 'wb') as f:
        f.truncate(MARK_MIB * MIB)
    settings = f'{path}.cfg'
    with open(settings, 'w', encoding='utf-8') as f:
        f.write(f'DEFAULT guest\nLABEL guest\n KERNEL vmlinuz\n INITRD initrd.img\n APPEND {words}\n')
    try:
        for command in (['mkfs.vfat', path], ['mcopy', '-i', path, f'{guest}/vmlinuz', f'{guest}/initrd.img', '::/'],
                        ['mcopy', '-i', path, settings, '::/syslinux.cfg'], ['syslinux', '--install', path]):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            assert done.returncode == 0, f'{command}: {done.stdout}'
    finally:
        os.unlink(settings)
    os.truncate(path, SIZE_MIB * MIB)


def was_here(stream):
    """Whether the guest has run from the disk behind this open file."""
    stream.seek(MARK_MIB * MIB)
    return stream.read(13) == b'Linux version'
