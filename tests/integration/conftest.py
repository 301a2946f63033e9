# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the integration tests."""
import contextlib
import gc
import os
import shutil
import sys
import tempfile

import pytest

import networked
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


@pytest.fixture(scope='session')
def every_device_guest():
    """The tiny guest with a kernel that knows USB, sound …"""
    return support.build_guest('--every-device', name='guest-every-device')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What fails shows what its daemons had to say."""
    report = (yield).get_result()
    if not report.failed:
        return
    for daemon in support.Daemon.alive_ones:
        ended = daemon.process.poll() if daemon.process else None
        state = 'runs' if ended is None else f'ended with {ended}'
        with contextlib.suppress(OSError):
            report.sections.append((f'daemon {daemon.root}, which {state}', daemon.output()))


@contextlib.contextmanager
def daemons():
    """A function that makes daemons, which are ended, with their guests, in the end. Each has a folder of its own."""
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


@pytest.fixture(autouse=True)
def collected():
    """What a test left to the garbage collector is freed before the next one. A domain object that is freed between a call
    that fails and libvirt.libvirtError's own look at the last error would put the error of its closed connection there."""
    yield
    if 'libvirt' in sys.modules:
        gc.collect()


@pytest.fixture
def new_daemon():
    """Makes daemons that are ended when the test ends."""
    with daemons() as make:
        yield make


@pytest.fixture
def daemon(new_daemon):
    """A running private daemon."""
    return new_daemon().start()


@pytest.fixture(scope='module')
def module_daemon():
    """A running private daemon that the tests of a file share."""
    with daemons() as make:
        yield make().start()


@pytest.fixture
def guest_daemon(new_daemon, guest):
    """A running private daemon that can read the tiny guest's files."""
    return new_daemon(guest=guest).start()


@pytest.fixture
def boot_defined(guest_daemon, guest):
    """A function that defines and boots a guest, through python3-libvirt: (domain, console file)."""
    import libvirt      # only tests that skip without it come here; pylint: disable=import-outside-toplevel,import-error
    connection, logs = libvirt.open(guest_daemon.uri), []

    def boot(name, files=guest, **options):
        logs.append(support.console_file(guest, name))
        domain = connection.defineXML(support.domain_xml(name, guest=files, console=logs[-1], **options))
        domain.create()
        support.wait_for_mark(logs[-1], 'GUEST-READY', 120)
        return domain, logs[-1]
    yield boot
    with contextlib.suppress(libvirt.libvirtError):     # the daemon may have been killed
        connection.close()
    for log in logs:
        os.unlink(log)


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


@pytest.fixture(scope='module')
def pki():
    if not shutil.which('certtool'):
        pytest.skip('gnutls-bin is not installed')
    with tempfile.TemporaryDirectory(prefix='pki') as folder:
        yield networked.make_all(networked.Pki(folder))


@pytest.fixture
def listening(new_daemon, pki):
    """Makes daemons that listen to the network, with the certificates of this folder; @prepare is called before they start."""
    def make(folder='good', extra='', auth_tcp='none', prepare=None):
        ports = networked.free_port(), networked.free_port()
        folder = folder if folder.startswith('/') else pki.path(folder)
        daemon = new_daemon(config=networked.server_conf(folder, *ports, extra, auth_tcp), arguments=['--listen'])
        daemon.tls_port, daemon.tcp_port = ports
        daemon.tcp = f'qemu+tcp://127.0.0.1:{ports[1]}/system'
        daemon.tls = lambda who='good', host='localhost', more='': (
            f'qemu+tls://{host}:{ports[0]}/system?pkipath={pki.path(who)}{more}')
        if prepare:
            prepare(daemon)
        daemon.start()
        for port in ports:
            support.wait_for(lambda: networked.accepts(port), what='the port being open') # pylint: disable=cell-var-from-loop
        return daemon
    return make
