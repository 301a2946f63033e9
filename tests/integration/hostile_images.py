# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that lie: chains that loop or lead out of their pool, sizes and offsets that can't be, heads that end too early. All are made
here, from images of qemu-img and by hand."""
import os
import random
import struct

import support

KINDS = ('qcow2', 'qcow', 'qed', 'vmdk', 'vdi', 'vpc', 'luks')
MANY = 0xffffffffffffffff


def make(path, kind, *words):
    if kind == 'luks':
        head = b'LUKS\xba\xbe' + struct.pack('>H', 1) + b'aes'.ljust(32, b'\0') + b'xts-plain64'.ljust(32, b'\0')
        head += b'sha256'.ljust(32, b'\0') + struct.pack('>II', 4096, 64)
        with open(path, 'wb') as f:
            f.write(head.ljust(4096 * 512 + (1 << 20), b'\0'))
        return
    support.run(['qemu-img', 'create', '-q', '-u', '-f', kind, *words, str(path), '1M'])


def patch(path, *changes):
    """Write bytes at offsets."""
    with open(path, 'r+b') as f:
        for offset, data in changes:
            f.seek(offset)
            f.write(data)


def be32(n):
    return struct.pack('>I', n & 0xffffffff)


def be64(n):
    return struct.pack('>Q', n & MANY)


def le64(n):
    return struct.pack('<Q', n & MANY)


def le32(n):
    return struct.pack('<I', n & 0xffffffff)


# name: changes of a plain image of the kind that the name begins with
PATCHES = {
    'qcow2-version-0': [(4, be32(0))], 'qcow2-version-99': [(4, be32(99))], 'qcow2-cluster-0': [(20, be32(0))],
    'qcow2-cluster-63': [(20, be32(63))], 'qcow2-cluster-max': [(20, be32(MANY))], 'qcow2-size-max': [(24, be64(MANY))],
    'qcow2-size-sign': [(24, be64(1 << 63))], 'qcow2-crypt': [(32, be32(77))], 'qcow2-l1-far': [(40, be64(1 << 62))],
    'qcow2-l1-huge': [(36, be32(MANY))], 'qcow2-refcounts-far': [(48, be64(1 << 61))], 'qcow2-header-0': [(100, be32(0))],
    'qcow2-header-huge': [(100, be32(MANY))], 'qcow2-features': [(72, be64(MANY))], 'qcow2-data-file': [(72, be64(4))],
    'qcow2-base-far': [(8, be64(1 << 40) + be32(10))], 'qcow2-base-wraps': [(8, be64(MANY) + be32(10))],
    'qcow2-base-long': [(8, be64(512) + be32(MANY))], 'qcow2-base-1024': [(8, be64(512) + be32(1024)), (512, b'a' * 1024)],
    'qcow2-base-zeros': [(8, be64(65000) + be32(500))], 'qcow2-base-newline': [(8, be64(512) + be32(3)), (512, b'a\nb')],
    'qcow2-base-binary': [(8, be64(512) + be32(4)), (512, b'\xff\xfe\xfd\xfc')],
    'qcow2-extension-long': [(112, be32(0xe2792aca) + be32(MANY))], 'qcow2-extension-format': [(112, be32(0xe2792aca) + be32(4) + b'none')],
    'qcow2-extensions-many': [(112, (be32(0x11111111) + be32(0)) * 4000)],
    'qed-size-max': [(48, le64(MANY))], 'qed-base-far': [(16, le64(1)), (56, le32(MANY) + le32(10))],
    'qed-base-long': [(16, le64(1)), (56, le32(64) + le32(MANY))], 'qed-cluster': [(4, le32(3))],
    'vmdk-size-max': [(12, le64(MANY))], 'vmdk-description-far': [(28, le64(1 << 55))], 'vmdk-description-long': [(36, le64(MANY))],
    'vmdk-open-quote': [(512, b'parentFileNameHint="' + b'a' * 900)], 'vmdk-capacity-wraps': [(12, le64((1 << 55) + 1))],
    'vdi-size-max': [(0x170, le64(MANY))], 'vdi-version': [(0x44, le32(9))], 'vpc-size-max': [(48, be64(MANY))], 'vpc-version': [(12, be32(9))],
    'luks-version': [(6, b'\xff\xff')], 'luks-payload': [(104, be32(MANY))], 'qcow-size-max': [(24, be64(MANY))],
    'qcow-base-long': [(8, be64(48) + be32(MANY))],
}


def cut(path, length):
    os.truncate(path, length)


def by_hand(folder):
    """Formats that qemu-img doesn't make."""
    texts = {
        'cow-base': b'OOOM' + be32(2) + b'/etc/passwd'.ljust(1024, b'\0') + be32(0) + be64(MANY) + be32(512),
        'cow-base-unending': b'OOOM' + be32(2) + b'a' * 1024 + be32(0) + be64(5) + be32(512),
        'bochs': b'Bochs Virtual HD Image'.ljust(64, b'\0') + le32(0x20000) + b'\xff' * 200,
        'cloop': b'#!/bin/sh\n#V2.0 Format\nmodprobe cloop'.ljust(128, b'\0') + b'\xff' * 64,
        'ploop': b'WithoutFreeSpace' + b'\xff' * 64, 'vmdk-text': b'# Disk DescriptorFile\nparentFileNameHint="/etc/passwd"\n',
        'iso': b'\0' * 0x8001 + b'CD001', 'empty': b'', 'one-byte': b'Q', 'magic-only': b'QFI\xfb', 'luks-only': b'LUKS\xba\xbe',
    }
    for name, text in texts.items():
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(text)
    return list(texts)


def chains(folder, secret):
    """Images that are based on what they shouldn't be, or on themselves. @secret: a file outside of the pool."""
    bases = {
        'absolute': (secret, 'raw'), 'upwards': ('../' + os.path.basename(secret), 'raw'), 'fifo': (secret + '.fifo', 'raw'),
        'link': ('link-out', 'raw'), 'json': ('json:{"driver":"file","filename":"%s"}' % secret, 'raw'), 'nbd': ('nbd://127.0.0.1:1/x', 'raw'),
        'ssh': ('ssh://127.0.0.1/etc/passwd', 'raw'), 'file': ('file:' + secret, 'raw'), 'fat': ('fat:rw:/etc', 'raw'), 'dev': ('/dev/zero', 'raw'),
        'proc': ('/proc/self/fd/0', 'raw'), 'myself': ('myself.qcow2', 'qcow2'), 'ping': ('pong.qcow2', 'qcow2'), 'pong': ('ping.qcow2', 'qcow2'),
        'missing': ('not-there', 'raw'), 'second': ('absolute.qcow2', 'qcow2'), 'blkdebug': ('blkdebug::' + secret, 'raw'),
    }
    os.symlink(secret, os.path.join(folder, 'link-out'))
    for name, (base, kind) in bases.items():
        make(os.path.join(folder, name + '.qcow2'), 'qcow2', '-b', base, '-F', kind)
    no_format = os.path.join(folder, 'no-format.qcow2')
    make(no_format, 'qcow2', '-b', secret, '-F', 'raw')
    patch(no_format, (112, be32(0) + be32(0)))
    data_file = os.path.join(folder, 'data-file.qcow2')
    make(data_file, 'qcow2')
    name = secret.encode()
    patch(data_file, (72, be64(4)), (112, be32(0x44415441) + be32(len(name)) + name.ljust(-len(name) // 8 * -8 + 8, b'\0') + be32(0) + be32(0)))
    return [name + '.qcow2' for name in bases] + ['no-format.qcow2', 'data-file.qcow2']


def generate(folder, secret, seed=1):
    """Fill a folder; names of the images."""
    names = []
    for name, changes in PATCHES.items():
        path = os.path.join(folder, name)
        make(path, name.partition('-')[0])
        patch(path, *changes)
        names.append(name)
    for kind in KINDS:
        for length in 5, 60, 513:
            path = os.path.join(folder, f'{kind}-cut-{length}')
            make(path, kind)
            cut(path, length)
            names.append(os.path.basename(path))
    chance = random.Random(seed)
    for kind in KINDS:
        for n in range(4):
            path = os.path.join(folder, f'{kind}-chance-{n}')
            make(path, kind)
            patch(path, *((chance.randrange(4, 600), bytes([chance.randrange(256)])) for _ in range(30)))
            names.append(os.path.basename(path))
    return names + by_hand(folder) + chains(folder, secret)
