# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 1200
"""A real guest through its whole life, driven by each client that must work: our virsh, Debian's unmodified virsh,
python3-libvirt on Debian's library and on ours."""
import os
import subprocess
import sys

import pytest

import support
from support import domain_xml, file_has, tree, wait_for, wait_for_mark, written
from terminal import Terminal

BOOT_SECONDS = 60
DOWN_SECONDS = 30
WATCH = os.path.join(support.SOURCE, 'tests/guest/watch')


class Virsh:
    """A virsh program and the daemon that it speaks to."""

    def __init__(self, daemon, program, env):
        self.daemon, self.program, self.env = daemon, program, env

    def __call__(self, *words):
        return support.run([self.program, '-c', self.daemon.uri, *words], env=self.env).stdout


@pytest.fixture(params=['ours', 'debian', 'ours-on-reference'])
def virsh(request):
    """Each pair of virsh and daemon that must work together."""
    if request.param == 'debian':
        if not support.have(support.DEBIAN_VIRSH):
            pytest.skip('libvirt-clients is not installed')
        return Virsh(request.getfixturevalue('guest_daemon'), support.DEBIAN_VIRSH, support.foreign_environment())
    try:
        program = tree.place(support.BUILD, 'virsh')
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))
    daemon = 'reference' if request.param == 'ours-on-reference' else 'guest_daemon'
    return Virsh(request.getfixturevalue(daemon), program, dict(os.environ))


def fields(text):
    """`Key: value` lines as a dictionary."""
    return {k.strip(): v.strip() for k, _, v in (line.partition(':') for line in text.splitlines()) if v}


def test_life_by_virsh(virsh, guest, tmp_path):
    log = support.console_file(guest, 'life')
    xml = written(tmp_path, domain_xml('life', guest=guest, console=log))
    try:
        assert "Domain 'life' defined" in virsh('define', xml)
        assert fields(virsh('dominfo', 'life'))['State'] == 'shut off'
        assert 'life' in virsh('list', '--all') and 'life' not in virsh('list')
        assert "Domain 'life' started" in virsh('start', 'life')
        wait_for_mark(log, 'GUEST-READY', BOOT_SECONDS)
        assert virsh('list', '--name').split() == ['life']
        assert virsh('list', '--all', '--state-running', '--persistent', '--name').split() == ['life']
        assert virsh('list', '--inactive', '--name').split() == []
        info = fields(virsh('dominfo', 'life'))
        assert (info['State'], info['Persistent'], info['CPU(s)']) == ('running', 'yes', '1')
        assert info['Max memory'] == f'{128 * 1024} KiB'
        assert int(virsh('domid', 'life')) > 0 and 'running (booted)' in virsh('domstate', 'life', '--reason')
        live = virsh('dumpxml', 'life')
        assert "<domain type='qemu' id='" in live and "<alias name='serial0'/>" in live
        assert "<alias" not in virsh('dumpxml', 'life', '--inactive')
        virsh('suspend', 'life')
        assert 'paused (user)' in virsh('domstate', 'life', '--reason')
        virsh('resume', 'life')
        assert 'running (unpaused)' in virsh('domstate', 'life', '--reason')
        stats = virsh('domstats', 'life')
        assert 'state.state=1' in stats and 'vcpu.current=1' in stats
        virsh('shutdown', 'life', '--mode', 'acpi')
        wait_for(lambda: virsh('list', '--name').split() == [], DOWN_SECONDS, 'the guest being off')
        assert file_has(log, 'GUEST-DOWN button')
        assert 'shut off (shutdown)' in virsh('domstate', 'life', '--reason')
        virsh('undefine', 'life')
        assert 'life' not in virsh('list', '--all')
    finally:
        if os.path.exists(log):
            os.unlink(log)


def test_console(virsh, guest, tmp_path):
    """The console shows the boot and takes input."""
    virsh('create', written(tmp_path, domain_xml('talk', guest=guest, extra='guest.run=sh,-c,:')))
    seen = subprocess.run([sys.executable, WATCH, '--seconds', str(BOOT_SECONDS), '--until', 'GUEST-RAN',
                           virsh.program, '-c', virsh.daemon.uri, 'console', 'talk'], env=virsh.env, capture_output=True, text=True,
                          timeout=BOOT_SECONDS * 2, check=False)
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert 'GUEST-READY' in seen.stdout and "Connected to domain 'talk'" in seen.stdout
    virsh('destroy', 'talk')


def test_console_takes_input_and_is_left(virsh, guest, tmp_path):
    """What is typed reaches the guest, ^] leaves the console and the guest runs on, a second console works as well."""
    virsh('create', written(tmp_path, domain_xml('typed', guest=guest)))
    for word in ('first', 'second'):
        with Terminal([virsh.program, '-c', virsh.daemon.uri, 'console', 'typed'], virsh.env) as terminal:
            terminal.expect("Connected to domain 'typed'")
            if word == 'first':
                terminal.expect('guest# ', BOOT_SECONDS)     # the guest's shell
            terminal.wait_raw()
            terminal.type(f'echo $((40+2))-{word}\r')
            terminal.expect(f'42-{word}\n')
            terminal.type('\x1d')
            assert terminal.end() == 0
        assert virsh('domstate', 'typed').strip() == 'running'
    virsh('destroy', 'typed')


def test_event(virsh, tmp_path):
    """A second client is told of what the first one does."""
    virsh('create', written(tmp_path, domain_xml('told')))
    waiting = subprocess.Popen([virsh.program, '-c', virsh.daemon.uri, 'event', 'told', 'lifecycle'], env=virsh.env,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        # It does not say when it listens: the event is caused until it is seen.
        wait_for(lambda: (virsh('suspend', 'told'), virsh('resume', 'told'), waiting.poll() is not None)[-1], what='an event')
        seen = waiting.communicate()[0]
    finally:
        waiting.kill()
        waiting.wait()
    assert waiting.returncode == 0, seen
    assert "event 'lifecycle' for domain 'told': " in seen and 'events received: 1' in seen
    virsh('destroy', 'told')


def test_errors_are_the_known_ones(virsh):
    with pytest.raises(AssertionError) as caught:
        virsh('start', 'nobody')
    assert "failed to get domain 'nobody'" in str(caught.value)


PYTHON_LIFE = '''
import threading
libvirt.virEventRegisterDefaultImpl()
conn = libvirt.open(uri)
seen = []
conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                            lambda c, d, event, detail, o: seen.append((d.name(), event, detail)), None)
def until(condition, seconds, what):
    import time
    end = time.monotonic() + seconds
    libvirt.virEventAddTimeout(100, lambda t, o: None, None)
    while not condition():
        assert time.monotonic() < end, what
        libvirt.virEventRunDefaultImpl()
dom = conn.defineXML(XML)
until(lambda: ('py', 0, 0) in seen, 10, 'defined event')
assert dom.create() == 0
until(lambda: ('py', 2, 0) in seen, 10, 'started event')
assert [d.name() for d in conn.listAllDomains()] == ['py']
assert conn.lookupByUUIDString(dom.UUIDString()).name() == 'py'
assert conn.lookupByID(dom.ID()).name() == 'py'
until(lambda: 'GUEST-READY' in open(LOG, errors='replace').read(), 60, 'boot')
assert dom.state()[0] == libvirt.VIR_DOMAIN_RUNNING
assert dom.info()[1] == 128 * 1024
dom.suspend()
until(lambda: ('py', 3, 0) in seen, 10, 'suspended event')
assert dom.state() == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
dom.resume()
until(lambda: ('py', 4, 0) in seen, 10, 'resumed event')
stats = conn.getAllDomainStats()
assert stats[0][0].name() == 'py' and stats[0][1]['state.state'] == 1
assert "<name>py</name>" in dom.XMLDesc()
try:
    conn.lookupByName('nobody')
    assert False
except libvirt.libvirtError as e:
    assert e.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN
dom.shutdown()
until(lambda: any(s[:2] == ('py', 5) for s in seen), 30, 'stopped event')
dom.undefine()
until(lambda: ('py', 1, 0) in seen, 10, 'undefined event')
assert conn.listAllDomains() == []
conn.close()
print('DONE')
'''


@pytest.mark.parametrize('library', ['debian', 'ours', 'ours-on-reference'])
def test_life_by_python(guest, library, request):
    daemon = request.getfixturevalue('reference' if library == 'ours-on-reference' else 'guest_daemon')
    ours = library != 'debian'
    log = support.console_file(guest, 'python')
    xml = domain_xml('py', guest=guest, console=log)
    if ours:
        try:
            tree.place(support.BUILD, 'libvirt.so.0')
        except tree.NotBuilt as problem:
            pytest.skip(str(problem))
    open(log, 'w', encoding='utf-8').close()
    try:
        out = daemon.python(f'XML = {xml!r}\nLOG = {log!r}\n{PYTHON_LIFE}', ours=ours, seconds=150)
        assert out.endswith('DONE\n')
    finally:
        os.unlink(log)


PYTHON_ABORT = '''
conn = libvirt.open(uri)
dom = conn.createXML(XML, libvirt.VIR_DOMAIN_START_PAUSED)
for i in range(3):
    stream = conn.newStream()
    dom.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_SAFE)     # the one before has let it go
    assert stream.abort() == 0
dom.destroy()
'''


@pytest.mark.parametrize('library', ['debian', 'ours', 'ours-on-reference'])
def test_stream_aborted(library, request):
    """The client is told that the stream ended, and that it wanted it so."""
    daemon = request.getfixturevalue('reference' if library == 'ours-on-reference' else 'guest_daemon')
    daemon.python(f'XML = {domain_xml("aborted", memory=16)!r}\n{PYTHON_ABORT}', ours=library != 'debian')
