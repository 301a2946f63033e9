# SPDX-License-Identifier: LGPL-2.1-or-later
"""After `meson install --prefix=/usr` everything is where a distribution and every client expect it, and Debian's
unmodified virsh and python3-libvirt find our daemon by their default address."""
import json
import os
import shutil
import subprocess

import pytest

import support
from support import domain_xml, tree

INSTALLED = os.path.join(support.SOURCE, 'tests/integration/installed')
FILES = '''
usr/sbin/libvirtd usr/bin/virsh usr/bin/virt-admin
usr/include/libvirt/libvirt.h usr/include/libvirt/virterror.h usr/include/libvirt/libvirt-qemu.h
usr/include/libvirt/libvirt-lxc.h usr/include/libvirt/libvirt-admin.h
etc/libvirt/libvirtd.conf etc/libvirt/libvirt.conf etc/libvirt/qemu.conf etc/libvirt/libvirt-admin.conf
usr/lib/systemd/system/libvirtd.service usr/lib/systemd/system/libvirtd.socket
usr/lib/sysusers.d/libvirt-qemu.conf usr/lib/systemd/system/libvirtd-ro.socket usr/lib/systemd/system/libvirtd-admin.socket
'''.split()
LIBRARY_FILES = '''
libvirt.so.0 libvirt-qemu.so.0 libvirt-lxc.so.0 libvirt-admin.so.0 libvirt.so
pkgconfig/libvirt.pc pkgconfig/libvirt-qemu.pc pkgconfig/libvirt-lxc.pc pkgconfig/libvirt-admin.pc
libvirt/connection-driver/libvirt_driver_qemu.so
'''.split()


def build_option(name):
    out = subprocess.run(['meson', 'introspect', '--buildoptions', support.BUILD], capture_output=True, text=True,
                         check=True).stdout
    return next(o['value'] for o in json.loads(out) if o['name'] == name)


@pytest.fixture(scope='module')
def dest(tmp_path_factory):
    """The tree that `meson install` makes."""
    if build_option('prefix') != '/usr':
        pytest.skip('the build is not configured with --prefix=/usr')
    folder = os.path.join(support.BUILD, 'installed')
    subprocess.run(['rm', '-rf', folder], check=True)
    support.run(['meson', 'install', '-C', support.BUILD, '--no-rebuild', '--quiet', '--destdir', folder],
                seconds=120)
    yield folder
    subprocess.run(['rm', '-rf', folder], check=True)


def test_files(dest):
    libraries = os.path.join('usr', build_option('libdir'))
    wanted = FILES + [os.path.join(libraries, name) for name in LIBRARY_FILES]
    assert [name for name in wanted if not os.path.exists(os.path.join(dest, name))] == []


def test_nothing_knows_the_build(dest):
    """No installed file names the folder that it was built in."""
    for where, _, names in os.walk(dest):
        for name in names:
            path = os.path.join(where, name)
            if os.path.islink(path) or build_option('debug') and open(path, 'rb').read(4) == b'\x7fELF':
                continue    # debug information names sources
            with open(path, 'rb') as f:
                assert support.BUILD.encode() not in f.read(), path


def test_pkg_config(dest):
    folder = os.path.join(dest, 'usr', build_option('libdir'), 'pkgconfig')
    for name in ('libvirt', 'libvirt-qemu', 'libvirt-lxc', 'libvirt-admin'):
        done = support.run(['pkg-config', '--modversion', name], env=dict(os.environ, PKG_CONFIG_PATH=folder))
        assert done.stdout.strip() == '12.8.0'


SCRIPT = '''
set -eu
APPLY    # as the installation does
libvirtd -d
trap 'kill "$(cat /run/libvirtd.pid)"' EXIT
debian() { LD_LIBRARY_PATH=/run/debian /run/debian/virsh "$@"; }
test "$(stat -c %a /run/libvirt/libvirt-sock-ro)" = 777
debian uri
debian define /run/guest.xml
debian start here --paused
ps -o user:20= -p "$(cat /run/libvirt/qemu/here.pid)"
debian list --all
debian dominfo here | grep State:
debian -r list --name
LD_LIBRARY_PATH=/run/debian python3 -c '
import libvirt
conn = libvirt.open()
print("python", libvirt.getVersion(), conn.getURI(), conn.lookupByName("here").state())'
virsh list --name
debian destroy here
debian undefine here
'''


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_debian_clients_by_default_address(dest):
    try:
        tree.place(support.BUILD, 'libvirtd')
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))
    if not support.have(support.DEBIAN_VIRSH):
        pytest.skip('libvirt-clients is not installed')
    script = f"cat >/run/guest.xml <<'END'\n{domain_xml('here', memory=16)}END\n{SCRIPT}".replace('APPLY', os.path.join(support.SOURCE, 'data/sysusers/apply'))
    lines = support.run([INSTALLED, dest, 'bash', '-c', script]).stdout.split('\n')
    lines = [line.strip() for line in lines]
    assert 'libvirt-qemu' in lines
    assert 'qemu:///system' in lines and "Domain 'here' defined from /run/guest.xml" in lines
    assert 'State:          paused' in lines and lines.count('here') == 2
    assert 'python 9000000 qemu:///system [3, 1]' in lines


HINT = '''
set -eu
libvirtd -d
trap 'kill "$(cat /run/libvirtd.pid)" $(pgrep -u somebody libvirtd)' EXIT
virsh define /run/guest.xml
useradd --create-home somebody
LIST='runuser -u somebody -- env HOME=/home/somebody XDG_RUNTIME_DIR=/home/somebody script -qec'
$LIST 'virsh list --all' /dev/null
kill "$(cat /run/libvirtd.pid)"
while [ -e /run/libvirtd.pid ]; do sleep 0.1; done
echo 'auth_unix_ro = "none"' >>/etc/libvirt/libvirtd.conf
libvirtd -d
$LIST 'virsh list --all' /dev/null
'''


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which('script'), reason='needs root, and script of bsdutils')
def test_guests_of_another_uri_are_named(dest):
    """An ordinary user who sees no guests at a terminal, as the session has none, is told that the system's daemon has, or that it doesn't
    tell (here is no polkit)."""
    said = support.run([INSTALLED, dest, 'bash', '-c', f"cat >/run/guest.xml <<'END'\n{domain_xml('here', memory=16)}END\n{HINT}"]).stdout
    assert "hint: nothing at qemu:///session; qemu:///system may have domains, but doesn't let you look" in said
    assert 'hint: nothing at qemu:///session, but 1 domain at qemu:///system: virsh -c qemu:///system list --all' in said
