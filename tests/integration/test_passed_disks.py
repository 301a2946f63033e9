# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that are descriptors which a client has opened, given to a domain under a name (virDomainFDAssociate)."""
import contextlib
import gc
import os

import pytest

import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
from plugging import CONFIG, LIVE, PLUG_SECONDS, Guest, caught_code     # noqa: E402  pylint: disable=wrong-import-position

pytestmark = pytest.mark.foreign_library


def disk(group, target, kind='raw', more=''):
    """The path is where the client had the image; nobody need find it there."""
    return (f"<disk type='file'><driver name='qemu' type='{kind}'/><source file='/nowhere/{group}' fdgroup='{group}'/>{more}"
            f"<target dev='{target}' bus='virtio'/></disk>")


@contextlib.contextmanager
def opened(path, flags=os.O_RDWR):
    fd = os.open(path, flags)
    try:
        yield fd
    finally:
        os.close(fd)


def image(folder, name, *options):
    path = f'{folder}/{name}'
    support.run(['qemu-img', 'create', '-q', *options, path, '8M'])
    return path


def test_given_disks(daemon, tmp_path):
    """They are there as long as who gave them; a guest that has begun keeps its own."""
    base, top = image(tmp_path, 'base', '-f', 'raw'), f'{tmp_path}/top'
    image(tmp_path, 'top', '-f', 'qcow2', '-b', base, '-F', 'raw')
    below = "<backingStore type='file'><format type='raw'/><source file='/nowhere/b' fdgroup='base'/><backingStore/></backingStore>"
    xml = support.domain_xml('given', devices=disk('one', 'vda') + disk('two', 'vdb', 'qcow2', below))
    giver = libvirt.open(daemon.uri)
    domain = giver.defineXML(xml)
    assert caught_code(domain.create) == libvirt.VIR_ERR_INVALID_ARG
    with opened(image(tmp_path, 'one', '-f', 'raw')) as one, opened(top) as two, opened(base, os.O_RDONLY) as low:
        for name, fd in (('one', two), ('one', one), ('two', two), ('base', low)):      # the last one of a name counts
            domain.FDAssociate(name, [fd])
        os.unlink(tmp_path / 'one')
        os.unlink(top)
    other = libvirt.open(daemon.uri)
    same = other.lookupByName('given')
    same.create()
    assert same.isActive() and same.blockInfo('vda')[0] == 8 << 20 == same.blockInfo('vdb')[0]
    nodes = {n['node-name']: n for n in support.ask(daemon, 'given', 'query-named-block-nodes')}
    assert sorted(n['file'] for n in nodes.values() if n['drv'] == 'file') == sorted(f'/dev/fdset/{(1 << 20) + i}' for i in (1, 2, 3))
    assert "fdgroup='two'" in same.XMLDesc() and "file='/nowhere/one'" in same.XMLDesc()
    daemon.kill()               # what the guest has is its own
    daemon.start()
    again = libvirt.open(daemon.uri)
    domain = again.lookupByName('given')
    assert domain.isActive() and domain.blockInfo('vda')[0] == 8 << 20
    domain.destroy()
    assert caught_code(domain.create) == libvirt.VIR_ERR_INVALID_ARG       # the giver is gone


def test_the_giver_goes(daemon, tmp_path):
    giver, stays = libvirt.open(daemon.uri), libvirt.open(daemon.uri)
    domain = giver.defineXML(support.domain_xml('left', devices=disk('one', 'vda')))

    def held():
        return sum(os.path.realpath(f'/proc/{daemon.process.pid}/fd/{fd}') == f'{tmp_path}/one'
                   for fd in os.listdir(f'/proc/{daemon.process.pid}/fd'))
    with opened(image(tmp_path, 'one', '-f', 'raw')) as one:
        domain.FDAssociate('one', [one])
        stays.lookupByName('left').FDAssociate('two', [one])
    wait_for(lambda: held() == 2, PLUG_SECONDS, 'the end of what the calls had')
    assert caught_code(domain.FDAssociate, '', [0]) == libvirt.VIR_ERR_INVALID_ARG
    assert caught_code(domain.FDAssociate, 'x' * 256, [0]) == libvirt.VIR_ERR_INVALID_ARG
    del domain
    giver.close()
    wait_for(lambda: held() == 1, PLUG_SECONDS, "the end of the giver's descriptors")
    assert caught_code(stays.lookupByName('left').create) == libvirt.VIR_ERR_INVALID_ARG
    gc.collect()                # what was caught knows the connection
    stays.close()
    wait_for(lambda: held() == 0, PLUG_SECONDS, 'the end of the others')
    connection = libvirt.open(daemon.uri)
    domain, fd = connection.lookupByName('left'), os.open(tmp_path / 'one', os.O_RDWR)
    for number in range(128):
        domain.FDAssociate(f'n{number}', [fd])
    assert caught_code(domain.FDAssociate, 'one more', [fd]) == libvirt.VIR_ERR_OPERATION_DENIED
    domain.FDAssociate('n0', [fd])
    os.close(fd)


def test_plugged(boot_defined, tmp_path):
    """The guest sees it; its set of descriptors goes with it, not before: the image may be opened again."""
    domain, log = boot_defined('plugged')
    guest = Guest(domain.connect(), domain, log)

    def sets():
        return [s['fdset-id'] - (1 << 20) for s in guest.qmp('query-fdsets') if s['fds'] and s['fdset-id'] >= 1 << 20]
    with opened(image(tmp_path, 'one', '-f', 'raw')) as one:
        domain.FDAssociate('one', [one])
    for _ in range(2):
        guest.from_now()
        domain.attachDeviceFlags(disk('one', 'vdb'), LIVE)
        guest.says('GUEST-PLUG disk vda')
        assert sets() == [1]
        domain.detachDeviceFlags(disk('one', 'vdb'), LIVE)
        guest.says('GUEST-PLUG disk vda gone')
        wait_for(lambda: not sets(), PLUG_SECONDS, 'the end of the set')
    for wrong in ('none', 'one'):
        before = guest.nodes()
        xml = disk(wrong, 'vdb', 'qcow2')       # nobody gave the first, the second isn't of this format
        with pytest.raises(libvirt.libvirtError):
            domain.attachDeviceFlags(xml, LIVE)
        assert guest.nodes() == before and not sets()
    domain.attachDeviceFlags(disk('none', 'vdb'), CONFIG)       # for a start to come
