# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU is upgraded while guests run: what a guest gets is what its own QEMU can, also for a daemon that comes after that."""
import os
import re
import shutil

import pytest

import support
from support import domain_xml

CARD = "<interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/></interface>"
DEVICES = "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk><video><model type='vga'/></video>"


@pytest.fixture
def emulator(tmp_path):
    """A QEMU of our own, with all parts where it looks for them: beside the folder that it is in."""
    place = tmp_path / 'usr/bin'
    place.mkdir(parents=True)
    for folder in 'lib', 'share':
        os.symlink(f'/usr/{folder}', tmp_path / 'usr' / folder)
    return shutil.copy(os.path.realpath(support.EMULATOR), place / 'qemu')


@pytest.fixture
def upgraded(guest_daemon, emulator, tmp_path):
    """Name of a paused guest; the file of its QEMU is another one meanwhile, which can't even tell what it can do."""
    new = tmp_path / 'new'
    new.write_text('#!/bin/sh\necho I am another one >&2\nexit 1\n')
    new.chmod(0o755)
    xml = domain_xml('upgraded', devices=DEVICES).replace(support.EMULATOR, str(emulator))
    guest_daemon.virsh('create', '--paused', support.written(tmp_path, xml))
    os.rename(new, emulator)
    yield 'upgraded'
    guest_daemon.virsh('destroy', 'upgraded')


def change(daemon, guest, folder):
    """What depends on what QEMU can do."""
    path = folder / 'medium'
    path.write_bytes(b'x' * 4096)
    daemon.virsh('attach-device', guest, '--live', support.written(folder, CARD))
    daemon.virsh('update-device', guest, '--live', support.written(folder, CARD.replace('/></', "/><link state='down'/></")))
    daemon.virsh('change-media', guest, 'hdc', str(path), '--live', '--update')
    daemon.virsh('change-media', guest, 'hdc', '--live', '--eject')
    daemon.virsh('screenshot', guest, str(folder / 'screen'))
    assert (folder / 'screen').read_bytes().startswith(b'\x89PNG')


def test_guest_keeps_its_own(guest_daemon, upgraded, tmp_path):
    change(guest_daemon, upgraded, tmp_path)


def test_next_daemon_finds_it(guest_daemon, upgraded, tmp_path):
    guest_daemon.kill()
    guest_daemon.start()
    change(guest_daemon, upgraded, tmp_path)


def test_new_one_is_for_new_guests(guest_daemon, upgraded, emulator, tmp_path):
    xml = domain_xml('other').replace(support.EMULATOR, str(emulator))
    with pytest.raises(AssertionError, match='I am another one'):
        guest_daemon.virsh('create', support.written(tmp_path, xml))


def test_other_program_is_not_run(guest_daemon, upgraded, tmp_path):
    """What the process runs isn't what was started: a QEMU that obeys its guest may have put it there, and the daemon runs unconfined."""
    guest_daemon.kill()
    status = os.path.join(guest_daemon.root, 'run/libvirt/qemu/upgraded.xml')
    with open(status, encoding='utf-8') as f:
        text = f.read()
    changed = re.sub(r"<program file='(\d+:\d+):(\d+):", lambda found: f"<program file='{found[1]}:{int(found[2]) + 1}:", text)
    assert changed != text
    with open(status, 'w', encoding='utf-8') as f:
        f.write(changed)
    guest_daemon.start()
    with pytest.raises(AssertionError, match='I am another one'):
        change(guest_daemon, upgraded, tmp_path)
