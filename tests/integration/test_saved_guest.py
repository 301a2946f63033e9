# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 900
"""A real guest is saved and goes on later where it was."""
import os

import pytest

import support
from support import file_has, wait_for, wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = pytest.mark.foreign_library
RUNNING, PAUSED = [1, 3], [3, 5]        # restored; paused and restored

libvirt.registerErrorHandler(lambda *_: None, None)


def goes_on(domain, log):
    """It is the same run of its system: it never booted again, and it still hears its power button."""
    support.wait_for(lambda: domain.state() == RUNNING, what='the guest running')
    domain.shutdown()
    wait_for_mark(log, 'GUEST-DOWN', 60)
    wait_for(lambda: not domain.isActive(), 30, 'the guest being off')
    with open(log, encoding='utf-8', errors='replace') as f:
        assert f.read().count('GUEST-UP') <= 1


def test_save_and_restore(boot_defined, tmp_path):
    domain, log = boot_defined('saved')
    image = str(tmp_path / 'image')
    domain.save(image)
    assert not domain.isActive() and os.path.getsize(image) > 1 << 20
    connection = domain.connect()
    assert '<name>saved</name>' in connection.saveImageGetXMLDesc(image)
    connection.restore(image)
    goes_on(domain, log)


def test_managed_save(boot_defined):
    domain, log = boot_defined('managed')
    domain.managedSave()
    assert domain.hasManagedSaveImage() == 1 and not domain.isActive()
    domain.create()
    assert domain.hasManagedSaveImage() == 0
    goes_on(domain, log)


def test_restored_paused(boot_defined, tmp_path):
    domain, log = boot_defined('paused')
    image = str(tmp_path / 'image')
    domain.saveFlags(image, None, libvirt.VIR_DOMAIN_SAVE_PAUSED)
    domain.connect().restore(image)
    assert domain.state()[0] == PAUSED[0]
    domain.resume()
    assert not file_has(log, 'GUEST-DOWN')
    domain.shutdown()
    wait_for_mark(log, 'GUEST-DOWN', 60)


def test_what_fails_loses_nothing(boot_defined, tmp_path):
    domain, log = boot_defined('kept')
    with pytest.raises(libvirt.libvirtError):
        domain.save('/dev/full')
    assert domain.state()[0] == 1                       # it goes on
    image = tmp_path / 'image'
    domain.save(str(image))
    whole = image.read_bytes()
    image.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(libvirt.libvirtError):
        domain.connect().restore(str(image))
    assert not domain.isActive() and image.exists()
    image.write_bytes(whole)
    domain.connect().restore(str(image))
    goes_on(domain, log)
