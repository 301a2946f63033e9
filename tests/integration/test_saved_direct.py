# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""A real guest is saved, restored and dumped past the host's cache of files."""
import os
import subprocess

import pytest

import support
from support import wait_for
from test_saved_guest import goes_on

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = pytest.mark.foreign_library
MIB = 1 << 20

libvirt.registerErrorHandler(lambda *_: None, None)


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def cached(path):
    """Bytes of the file that the host keeps in memory."""
    return int(output('fincore', '-b', '-n', '-o', 'RES', path))


@pytest.fixture
def folder(tmp_path):
    """A folder whose file system has something besides the cache."""
    kind = output('stat', '-f', '-c', '%T', str(tmp_path))
    if kind in ('tmpfs', 'ramfs'):
        pytest.skip(f'{tmp_path} is on {kind}, which is nothing but cache')
    return tmp_path


@pytest.fixture
def mounted(tmp_path):
    """Mounts a file system of this type in a folder, and returns that."""
    places = []

    def make(kind, *options, place=None):
        if not place:
            place = tmp_path / kind
            place.mkdir()
        output('mount', '-t', kind, *options, kind, str(place))
        places.append(place)
        return place
    yield make
    for place in places:
        output('umount', '-l', str(place))


def test_past_the_cache(boot_defined, folder):
    domain, log = boot_defined('direct')
    connection, image, core = domain.connect(), str(folder / 'image'), str(folder / 'core')
    for flags, begin in ((libvirt.VIR_DUMP_MEMORY_ONLY, b'\x7fELF'), (0, b'QEVM')):
        domain.coreDump(core, flags | libvirt.VIR_DUMP_BYPASS_CACHE)
        assert os.path.getsize(core) > 2 * MIB and cached(core) < MIB
        with open(core, 'rb') as f:
            assert f.read(4) == begin
        assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    domain.saveFlags(image, None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    assert os.path.getsize(image) > 2 * MIB and cached(image) < MIB
    connection.restoreFlags(image, None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    assert cached(image) < MIB
    domain.managedSave(libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_BYPASS_CACHE)
    goes_on(domain, log)


def test_what_fails_loses_nothing(boot_defined, folder, mounted):
    domain, log = boot_defined('direct-fails')
    connection, image = domain.connect(), folder / 'image'
    small, unable = mounted('tmpfs', '-o', 'size=4m'), mounted('ramfs')
    for place, part in ((small, "No space left on device|past the host's cache"), (unable, "can't be read or written past the host's cache")):
        for call in (lambda to: domain.saveFlags(to, None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE),
                     lambda to: domain.coreDump(to, libvirt.VIR_DUMP_BYPASS_CACHE)):
            with pytest.raises(libvirt.libvirtError, match=part):
                call(str(place / 'file'))
            assert not (place / 'file').exists() and domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    domain.saveFlags(str(image), None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    whole = image.read_bytes()
    image.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(libvirt.libvirtError):
        connection.restoreFlags(str(image), None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    assert not domain.isActive() and image.exists()
    image.write_bytes(whole)
    connection.restoreFlags(str(image), None, libvirt.VIR_DOMAIN_SAVE_BYPASS_CACHE)
    goes_on(domain, log)


def test_started_with_the_host(new_daemon, mounted):
    """auto_start_bypass_cache: seen where it can't be done."""
    daemon = support.configured(new_daemon, 'auto_start_bypass_cache = 1')
    saves = os.path.join(daemon.root, 'var/lib/libvirt/qemu/save')
    os.makedirs(saves, exist_ok=True)
    os.chmod(saves, 0o755)
    mounted('ramfs', place=saves)

    def lookup():
        return libvirt.open(daemon.uri).lookupByName('auto')

    def come_up_again():
        daemon.stop()
        os.unlink(os.path.join(daemon.root, 'run/libvirt/qemu/autostarted'))
        daemon.start()

    domain = libvirt.open(daemon.uri).defineXML(support.domain_xml('auto', memory=16))
    domain.setAutostart(1)
    domain.create()
    domain.managedSave()
    del domain
    come_up_again()
    wait_for(lambda: support.file_has(daemon.log, "autostart of domain 'auto' failed"), 20, 'the start that fails')
    assert support.file_has(daemon.log, "past the host's cache")
    assert not lookup().isActive() and lookup().hasManagedSaveImage()
    with open(os.path.join(daemon.root, 'etc/libvirt/qemu.conf'), 'w', encoding='utf-8'):
        pass
    come_up_again()
    wait_for(lambda: lookup().isActive(), 20, 'the guest starting with the daemon')
    wait_for(lambda: not lookup().hasManagedSaveImage(), 20, 'its image being used')
    lookup().destroy()
    daemon.stop()
