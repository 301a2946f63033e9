# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests that run inside the nested host, as root, on our files in their usual places."""
import os
import subprocess
import time

import pytest

GUEST = '/payload/guest'
SECONDS = 120       # everything is emulated
LONG = pytest.mark.skipif(not os.path.exists('/payload/long'), reason='it takes minutes: LIBVIRT_TEST_LONG=1 runs it')


def run(*words, check=True, stdin=None, seconds=SECONDS):
    """Output of a program (both channels); a failure tells it."""
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, input=stdin,
                          timeout=seconds)
    assert not check or done.returncode == 0, f'{" ".join(map(str, words))}: status {done.returncode}\n{done.stdout}'
    return done.stdout


def virsh(*words, **options):
    return run('virsh', *words, **options)


def python(script):
    """Debian's python3-libvirt, on our library."""
    return run('env', f'LD_PRELOAD={os.environ["SANITIZER"]}', 'python3', '-c', script)


def wait_for(condition, seconds=SECONDS, what='the condition'):
    """Ask again until it holds; what it gave."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f'{what} did not come true in {seconds} s'
        time.sleep(0.1)


def modules(*names):
    """Skip the test where the host's kernel lacks a module."""
    for name in names:
        if subprocess.run(['modprobe', name], capture_output=True).returncode != 0:
            pytest.skip(f'the kernel has no module {name}')


def guest_xml(name, kind='kvm', devices='', memory=128):
    """A tiny guest, which says GUEST-READY on its serial console, in /run/NAME.console."""
    with open(f'{GUEST}/cmdline', encoding='utf-8') as f:
        cmdline = f.read().strip()
    cpu = "<cpu mode='host-passthrough'/>" if kind == 'kvm' else ''
    return f'''<domain type='{kind}'><name>{name}</name><memory unit='MiB'>{memory}</memory>{cpu}
<os><type arch='x86_64' machine='q35'>hvm</type><kernel>/var/lib/libvirt/boot/vmlinuz</kernel>
<initrd>/var/lib/libvirt/boot/initrd.img</initrd><cmdline>{cmdline}</cmdline></os><features><acpi/></features>
<devices><serial type='file'><source path='/run/{name}.console'/></serial>{devices}</devices></domain>'''


@pytest.fixture(scope='session', autouse=True)
def guest_files():
    run('cp', f'{GUEST}/vmlinuz', f'{GUEST}/initrd.img', '/var/lib/libvirt/boot/')


@pytest.fixture
def xml(tmp_path):
    """A function that writes a document and gives its path."""
    def write(text, name='it.xml'):
        path = os.path.join(tmp_path, name)
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        return path
    return write
