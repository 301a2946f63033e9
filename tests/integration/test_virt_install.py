# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Debian's virt-install, with the options of tests/virt_install/options.txt, on our daemon with real guests; then virt-xml and
virt-clone on what it made, volumes of pools included."""
import os
import shutil
import subprocess

import pytest

import support

HERE = os.path.join(support.SOURCE, 'tests/virt_install')
ROOT = os.environ.get('LIBVIRT_BINDINGS')

pytestmark = pytest.mark.skipif(not ROOT or not support.reference_root() or not os.path.exists(ROOT),
                                reason='LIBVIRT_BINDINGS does not name a root made by tests/bindings/build, or not root')


def in_root(daemon, folder, *words):
    """A command in the root of the tools, where our daemon is the system's."""
    done = subprocess.run([os.path.join(support.SOURCE, 'tests/reference/enter'), '--no-daemon', '--bind', HERE, '--bind', folder,
                           '--run', os.path.dirname(daemon.socket), ROOT, *words],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=500, check=False)
    return done.returncode, done.stdout + done.stderr


def sections(text):
    found, here = {}, []
    for line in text.splitlines():
        if line.startswith('== '):
            here = found.setdefault(line[3:], [])
        else:
            here.append(line)
    return found


@pytest.fixture(name='folder')
def fixture_folder(tmp_path, guest):
    for name in ('image.img', 'cd.iso'):
        with open(tmp_path / name, 'wb') as f:
            f.truncate(1 << 20)
    shutil.copy(os.path.join(guest.folder, 'vmlinuz'), tmp_path / 'vmlinuz')
    shutil.copy(os.path.join(guest.folder, 'initrd.img'), tmp_path / 'initrd')
    return str(tmp_path)


# Sections after those of virt-install, with what the definition or the state shows then.
AFTER = {'edit-memory': 'changed', 'edit-processor': 'changed', 'add-device': 'changed', 'remove-device': 'changed',
         'add-to-running': 'changed', 'clone': 'running', 'clone-volumes': 'running', 'remove-volumes': 'changed'}


def test_option_sets(new_daemon, folder):
    daemon = new_daemon()
    settings = os.path.join(daemon.root, 'etc/libvirt')
    os.makedirs(settings, exist_ok=True)
    with open(os.path.join(settings, 'qemu.conf'), 'w', encoding='utf-8') as f:
        f.write('swtpm_user = "root"\nswtpm_group = "root"\n')    # nobody else may see the daemon's folder
    networks = os.path.join(settings, 'qemu/networks/autostart')
    os.makedirs(networks)
    shutil.copy(os.path.join(support.SOURCE, 'data/networks/default.xml'), os.path.dirname(networks))
    os.symlink('../default.xml', os.path.join(networks, 'default.xml'))
    daemon.start()
    daemon.virsh('pool-define-as', 'default', 'dir', '--target', f'{folder}/default')
    daemon.virsh('pool-build', 'default')
    daemon.virsh('pool-start', 'default')
    daemon.virsh('vol-create-as', 'default', 'there', '1M', '--format', 'qcow2')
    status, text = in_root(daemon, folder, os.path.join(HERE, 'inside.sh'), folder)
    daemon.virsh('net-destroy', 'default')
    ran = sections(text)
    with open(os.path.join(HERE, 'options.txt'), encoding='utf-8') as f:
        wanted = {line.partition(': ')[0]: 'running' for line in f if not line.startswith('#')}
    assert len(wanted) >= 20
    wanted.update(AFTER)
    assert list(ran) == list(wanted), text
    assert any('there-clone' in line for line in ran['clone-volumes']), ran['clone-volumes']
    wrong = [name for name, lines in ran.items() if 'status 0' not in lines or wanted[name] not in lines]
    assert not wrong and status == 0, '\n'.join(f'{name}: ' + '\n    '.join(ran[name]) for name in wrong) or text
