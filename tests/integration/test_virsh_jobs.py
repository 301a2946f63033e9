# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 200
"""Jobs on disks as virsh waits for them, with the reference's daemon and its QEMU: events, deadlines, what is said."""
import os
import re
import subprocess

import pytest

import support
from support import tree

DOMAIN = """<domain type='qemu'><name>d</name><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>
  <emulator>/usr/bin/qemu-system-x86_64</emulator>
  <disk type='file'><driver name='qemu' type='qcow2'/><source file='{}/top.qcow2'/><target dev='vda' bus='virtio'/></disk>
  <memballoon model='none'/></devices></domain>"""


@pytest.fixture
def virsh(tmp_path):
    """Our virsh on Debian's daemon, where domain d runs from an overlay on a base with data. In its output a carriage
    return, with which progress rewrites its line, is read as a newline."""
    if not support.reference_root():
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
    try:
        program = tree.place(support.BUILD, 'virsh')
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))
    images = tmp_path / 'images'
    images.mkdir(mode=0o777)
    support.run(['qemu-img', 'create', '-q', '-f', 'qcow2', str(images / 'base.qcow2'), '64M'])
    support.run(['qemu-io', '-c', 'write -P 1 0 32M', str(images / 'base.qcow2')])
    support.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', str(images / 'top.qcow2')])
    (images / 'd.xml').write_text(DOMAIN.format(images))
    other = support.ReferenceDaemon(str(tmp_path / 'r'), binds=[str(images)])
    other.start()

    def call(*words, check=True):
        done = subprocess.run([program, '-c', other.uri, *(w.replace('@', str(images)) for w in words)],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done
    try:
        call('create', '@/d.xml')
        yield call
    finally:
        other.clean()


def test_jobs(virsh):
    late = virsh('blockpull', 'd', 'vda', '--wait', '--timeout', '1', '--bandwidth', '1', check=False)
    assert (late.returncode, late.stdout) == (1, '\nPull aborted\n')
    assert virsh('blockpull', 'd', 'vda', '--bandwidth', '1').stdout == 'Block Pull started\n'
    shown = virsh('blockjob', 'd', 'vda')
    assert re.fullmatch(r'\nBlock Pull: \[ *\d+ %\]', shown.stderr)
    assert shown.stdout == '    Bandwidth limit: 1048576 bytes/s (1.000 MiB/s)\n\n'
    virsh('blockjob', 'd', 'vda', '2M')
    assert ' bandwidth=2097152\n' in virsh('blockjob', 'd', 'vda', '--raw', '--bytes').stdout
    virsh('blockjob', 'd', 'vda', '--abort')
    assert virsh('blockjob', 'd', 'vda').stdout == 'No current block job for vda\n'
    done = virsh('blockcopy', 'd', 'vda', '@/copy.qcow2', '--wait', '--verbose', '--finish', '--transient-job')
    assert done.stdout == '\nSuccessfully copied\n' and done.stderr.endswith('\nBlock Copy: [100 %]')
    assert virsh('blockcopy', 'd', 'vda', '@/kept.qcow2', '--wait', '--transient-job').stdout == '\nNow in mirroring phase\n'
    assert virsh('blockjob', 'd', 'vda', '--abort').stdout == '\n'
    assert virsh('blockcommit', 'd', 'vda', '--active', '--pivot').stdout == '\nSuccessfully pivoted\n'
    assert virsh('blockresize', 'd', 'vda', '96M').stdout == "Block device 'vda' is resized\n"
    assert virsh('wait', 'd', '--job', '--timeout', '20').stderr == ''


def test_pull_to_the_end(virsh):
    done = virsh('blockpull', 'd', 'vda', '--wait', '--verbose')
    assert done.stdout == '\nPull complete\n' and done.stderr.endswith('\nBlock Pull: [100 %]')
    assert os.path.basename(virsh('domblklist', 'd').stdout.split()[-1]) == 'top.qcow2'
