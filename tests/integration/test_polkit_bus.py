# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that polkit is to be asked about, on a system whose bus isn't as it should be: they are told in time, and the daemon stays."""
import contextlib
import os
import shutil
import socket
import subprocess
import time

import pytest

import support
from support import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which('setpriv'), reason='only root becomes somebody else, by setpriv')
# one that takes clients, but whose policy lets no answer through, and one that works
SILENT_BUS = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>
'''
BUS = SILENT_BUS.replace('<allow own', '<allow eavesdrop="true"/><allow own')


def open_folders(daemon):
    """Lets others through to its socket."""
    folder = os.path.dirname(daemon.socket)
    while folder != '/tmp':
        os.chmod(folder, 0o711)
        folder = os.path.dirname(folder)


def somebody(daemon, group=65534):
    """What virsh says to a user with neither home nor agent; he is nobody, in this session of that group only."""
    done = subprocess.run(['setpriv', '--reuid=65534', f'--regid={group}', '--clear-groups', daemon_virsh(), '-c', daemon.uri, 'uri'],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, 'LIBVIRT_POLKIT_AGENT': '0', 'HOME': '/nonexistent', 'XDG_RUNTIME_DIR': '/nonexistent'})
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize('group, text', [
    ('users', "user 'nobody' is not in group 'users', which may use it: 'usermod -aG users nobody' as root, then log in anew"),
    ('nogroup', "user 'nobody' is in group 'nogroup', but this session began before that: log in anew")])
def test_socket_of_a_group(new_daemon, group, text):
    """Who isn't let in is told what lets him in; being in the group isn't enough for a session that is older."""
    daemon = new_daemon(config='auth_unix_rw = "none"\nunix_sock_rw_perms = "0770"\n').start()
    open_folders(daemon)
    shutil.chown(daemon.socket, group=group)
    said = somebody(daemon, group=1)
    assert 'Failed to connect socket' in said and text in said, said


@pytest.fixture
def asked(new_daemon, tmp_path, monkeypatch):
    """A daemon that asks polkit, on a bus at tmp_path; what a client of another user is told, and after how many seconds."""
    monkeypatch.setenv('DBUS_SYSTEM_BUS_ADDRESS', f'unix:path={tmp_path}/bus')
    daemon = new_daemon(config='auth_unix_rw = "polkit"\nunix_sock_rw_perms = "0777"\n').start()
    open_folders(daemon)

    def ask():
        begin = time.monotonic()
        return somebody(daemon), time.monotonic() - begin
    ask.daemon = daemon
    return ask


def daemon_virsh():
    return support.tree.place(support.BUILD, 'virsh')


def test_no_bus(asked):
    said, _ = asked()
    assert 'cannot reach polkit' in said and 'auth_unix_rw = "none"' in said, said


def test_bus_without_an_answer(asked, tmp_path):
    """One wait, then the bus is left alone for a while."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f'{tmp_path}/bus')
        silent.listen()
        said, seconds = asked()
        assert "cannot reach polkit: the system's bus doesn't answer" in said and seconds < 20, (said, seconds)
        again, seconds = asked()
        assert "doesn't answer" in again and seconds < 4, (again, seconds)
        assert asked.daemon.virsh('uri').strip()


@contextlib.contextmanager
def running(text, folder):
    """A real bus."""
    with open(folder / 'bus.conf', 'w', encoding='utf-8') as f:
        f.write(text.format(folder / 'bus'))
    with subprocess.Popen(['dbus-daemon', f'--config-file={folder}/bus.conf', '--nofork'], stderr=subprocess.DEVNULL) as bus:
        try:
            wait_for(lambda: os.path.exists(folder / 'bus'), 20, 'the bus')
            yield
        finally:
            bus.terminate()


needs_bus = pytest.mark.skipif(not shutil.which('dbus-daemon'), reason='dbus-daemon is not installed')


@needs_bus
def test_bus_that_does_not_greet(asked, tmp_path):
    with running(SILENT_BUS, tmp_path):
        said, seconds = asked()
        assert "cannot reach polkit: the system's bus doesn't answer" in said and seconds < 20, (said, seconds)


@needs_bus
def test_bus_that_ends(asked, tmp_path):
    """A bus without polkit, that ends and comes back: the daemon outlives it, and finds the new one."""
    for _ in range(2):
        with running(BUS, tmp_path):
            said, seconds = asked()
            assert 'polkit did not answer' in said, (said, seconds)
        wait_for(lambda: 'cannot reach polkit' in asked()[0], 20, 'the end of the bus')
        assert asked.daemon.virsh('uri').strip()
