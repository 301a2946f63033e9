# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the integration tests."""
import os
import tempfile

import pytest

import support
import wire
from support import tree


def make_daemon(root, guest=None, **options):
    """Ours, or what LIBVIRT_TEST_SIDE asks for; skips the test when it cannot be had."""
    if os.environ.get('LIBVIRT_TEST_SIDE') == 'reference':
        if not support.reference_root():
            pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
        return support.ReferenceDaemon(root, binds=[support.BUILD] if guest else [], **options)
    try:
        tree.place(support.BUILD, 'libvirtd')
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))
    return support.Daemon(root, **options)


@pytest.fixture(scope='session')
def protocol():
    """The tables of the wire protocol."""
    return wire.Protocol()


@pytest.fixture(scope='session')
def guest():
    """The tiny guest."""
    return support.build_guest()


@pytest.fixture
def new_daemon():
    """Makes daemons that are ended, with their guests, when the test ends. Each has a folder of its own."""
    made = []
    with tempfile.TemporaryDirectory(prefix='d') as folder:
        def make(**options):
            daemon = make_daemon(os.path.join(folder, str(len(made))), **options)
            made.append(daemon)
            return daemon
        try:
            yield make
        finally:
            for daemon in made:
                if daemon.process:
                    daemon.clean()


@pytest.fixture
def daemon(new_daemon):
    """A running private daemon."""
    return new_daemon().start()


@pytest.fixture
def guest_daemon(new_daemon, guest):
    """A running private daemon that can read the tiny guest's files."""
    return new_daemon(guest=guest).start()


@pytest.fixture
def client(daemon, protocol):
    """A raw connection, opened, to the daemon."""
    with wire.Client(daemon.socket, protocol) as connection:
        yield connection.open()


@pytest.fixture
def reference(tmp_path):
    """Debian's own daemon, running."""
    if not support.reference_root():
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
    other = support.ReferenceDaemon(str(tmp_path / 'r'), binds=[support.BUILD])
    other.start()
    yield other
    other.clean()
