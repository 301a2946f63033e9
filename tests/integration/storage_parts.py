# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of storage pools share: loop devices, documents, refusals."""
import contextlib
import os
import re
import subprocess

import pytest

import support

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
libvirt.registerErrorHandler(lambda *_: None, None)
MIB = 1 << 20


def refused(code, call, *arguments):
    """The message of a call that must fail with @code."""
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*arguments)
    assert caught.value.get_error_code() == code, caught.value
    return str(caught.value)


@contextlib.contextmanager
def loop_device(path, mib):
    """A device of @mib MiB behind a new file; the test is skipped where there are none."""
    with open(path, 'wb') as f:
        f.truncate(mib * MIB)
    made = subprocess.run(['losetup', '--show', '-f', '-P', str(path)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f'no loop device: {made.stderr.strip()}')
    device = made.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(['losetup', '-d', device], check=True)


@contextlib.contextmanager
def connected(daemon):
    """A connection, closed whatever happens to the daemon; what runs is stopped, also by its next life."""
    connection = libvirt.open(daemon.uri)
    try:
        yield connection
    finally:
        with contextlib.suppress(libvirt.libvirtError):     # the daemon may have been killed
            connection.close()
        last = libvirt.open(daemon.uri)
        for pool in last.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
            pool.destroy()
        last.close()


def pool_xml(kind, name, source, target=None, more='', space=''):
    target = f'<target><path>{target}</path></target>' if target else ''
    return f"<pool type='{kind}'{space}><name>{name}</name><source>{source}</source>{target}{more}</pool>"


def vol_xml(name, mib=1, kind='raw', allocation=None):
    allocation = '' if allocation is None else f'<allocation>{allocation}</allocation>'
    return (f"<volume><name>{name}</name><capacity unit='MiB'>{mib}</capacity>{allocation}"
            f"<target><format type='{kind}'/></target></volume>")


def mounts(path):
    """Lines of what is mounted there: source, type, options."""
    with open('/proc/self/mounts', encoding='utf-8') as f:
        found = [line.split() for line in f]
    return [(words[0], words[2], words[3]) for words in found if words[1] == str(path)]


def content(path):
    """What a device or file holds, as blkid names it."""
    done = subprocess.run(['blkid', '-p', '-o', 'export', str(path)], capture_output=True, text=True)
    found = dict(re.findall('^([A-Z]+)=(.*)$', done.stdout, re.M))
    return found.get('TYPE') or found.get('PTTYPE')


def fill(path, text):
    with open(path, 'wb' if isinstance(text, bytes) else 'w') as f:
        f.write(text)


__all__ = ['MIB', 'connected', 'content', 'fill', 'libvirt', 'loop_device', 'mounts', 'os', 'pool_xml', 'refused', 'support', 'vol_xml']
