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


# ---- no more than a boot sector ----

SECTOR = 512
SECTOR_MARK = 'GUEST-BOOTED'
ORIGIN = 0x7c00


def sector(mark_at):
    """A boot sector that writes a copy of itself at this byte of the disk that it was read from, by the firmware, and then says
    SECTOR_MARK on the first serial port: for where a kernel takes too long."""
    def word(n):
        return n.to_bytes(2, 'little')
    packet, text = ORIGIN + 0x60, ORIGIN + 0x80
    code = (b'\xfa\x31\xc0\x8e\xd8\x8e\xd0\xbc' + word(ORIGIN) +        # cli; ds = ss = 0; sp = ORIGIN
            b'\xfb\xbe' + word(packet) + b'\xb8\x00\x43\xcd\x13' +      # sti; si = packet; int 0x13, function 0x43: write
            b'\x72\x19\xbe' + word(text) +                              # carry: halt; si = text
            b'\xac\x84\xc0\x74\x11\x88\xc4' +                           # next: al = [si++]; zero: halt; ah = al
            b'\xba\xfd\x03\xec\xa8\x20\x74\xfb' +                       # wait until the port is ready for a byte
            b'\xb2\xf8\x88\xe0\xee\xeb\xea' +                           # write it; jmp next
            b'\xf4\xeb\xfd')                                            # halt: hlt; jmp halt
    assert len(code) <= packet - ORIGIN
    # one sector, from where this one is
    what = b'\x10\x00\x01\x00' + word(ORIGIN) + word(0) + (mark_at // SECTOR).to_bytes(8, 'little')
    whole = code.ljust(0x60, b'\0') + what.ljust(0x20, b'\0') + SECTOR_MARK.encode() + b'\r\n\0'
    return whole.ljust(SECTOR - 2, b'\0') + b'\x55\xaa'
