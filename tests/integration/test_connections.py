# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections that come and go: whoever notices the end first, nobody is hurt by it."""
import os

import pytest

from support import BUILD, Daemon, run, tree

ROUNDS = 40


@pytest.fixture
def daemon(tmp_path):
    private = Daemon(tmp_path / 'root').start()
    yield private
    private.stop()


def test_many_short_ones(daemon):
    """virsh has a thread for events, which sees the daemon's side being closed while the last reference goes."""
    uri = tree.uri(daemon.root, driver='test', path='default')
    for _ in range(ROUNDS):
        assert 'test' in run([tree.place(BUILD, 'virsh'), '-c', uri, 'list', '--all']).stdout


@pytest.mark.parametrize('path', ['', 'system'])
def test_remote_leaves_the_choice_to_the_daemon(daemon, path):
    """As the reference's client: whatever the path is, the daemon is asked for its default."""
    uri = tree.uri(daemon.root, driver='remote', path=path)
    words = ['-c', uri, '-q', 'uri; version']
    ours = run([tree.place(BUILD, 'virsh'), *words]).stdout
    assert ours.splitlines()[0] == uri and 'Using API: QEMU' in ours


def test_daemon_dies(daemon):
    """A connection whose daemon is gone says so, and closes in order."""
    script = f'''
import libvirt, os, signal
libvirt.virEventRegisterDefaultImpl()
uri = {tree.uri(daemon.root, driver='test', path='default')!r}
conns = [libvirt.open(uri) for _ in range(3)]
reasons = []
conns[0].registerCloseCallback(lambda conn, reason, opaque: reasons.append(reason), None)
os.kill({daemon.process.pid}, signal.SIGKILL)
while not reasons:
    libvirt.virEventRunDefaultImpl()
try:
    conns[1].getHostname()
    print('no error')
except libvirt.libvirtError as error:
    print(error.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR or error)
del conns
print(reasons)
'''
    output = daemon.python(script, ours=True)
    daemon.process.wait()
    assert output.split('\n')[:2] == ['True', '[1]'], output
    daemon.start()


@pytest.mark.parametrize('ours', [True, False])
def test_paths_begin_where_the_caller_is(daemon, tmp_path, ours):
    if not ours:
        pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
    here = tmp_path / 'here'
    here.mkdir()
    script = f'''
import libvirt, os
os.chdir({str(here)!r})
conn = libvirt.open({tree.uri(daemon.root, driver='test', path='default')!r})
domain = conn.lookupByName('test')
domain.coreDump('core')
domain.save('image')
print('<name>test</name>' in conn.saveImageGetXMLDesc('./image'))
conn.restore('../here/image')
print(domain.isActive())
'''
    assert daemon.python(script, ours=ours).split() == ['True', '1']
    assert sorted(os.listdir(here)) == ['core', 'image']


def test_daemon_dies_and_no_loop_runs(daemon):
    """Then it is the call that notices."""
    script = f'''
import libvirt, os, signal, time
conn = libvirt.open({tree.uri(daemon.root, driver='test', path='default')!r})
print(conn.isAlive())
os.kill({daemon.process.pid}, signal.SIGKILL)
proc = '/proc/{daemon.process.pid}/'
while open(proc + 'stat').read().rpartition(')')[2].split()[0] != 'Z' or len(os.listdir(proc + 'task')) > 1:
    time.sleep(0.001)    # till then its sockets may be open
try:
    conn.getHostname()
except libvirt.libvirtError as error:
    print(error.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR or error)
print(conn.isAlive())
'''
    output = daemon.python(script, ours=True)
    daemon.process.wait()
    assert output.split() == ['1', 'True', '0'], output
    daemon.start()


def test_close_is_the_end(daemon):
    """Who opens the test node after the last one has left it finds it as new."""
    script = f'''
uri = {tree.uri(daemon.root, driver='test', path='default')!r}
for number in range(100):
    c = libvirt.open(uri)
    dom = c.lookupByName('test')
    assert '<title>' not in dom.XMLDesc(0), number
    dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'changed', None, None)
    del dom
    c.close()
print('as new')
'''
    assert daemon.python(script) == 'as new\n'


def test_stream_that_is_let_go(daemon):
    """A program that frees a stream without a word has done with the volume, too."""
    output = daemon.python(f'''
conn = libvirt.open('test+unix:///default?socket={daemon.socket}')
pool = conn.storagePoolLookupByName('default-pool')
volume = pool.createXML('<volume><name>v</name><capacity>1000000</capacity></volume>')
for _ in range(20):
    stream = conn.newStream()
    volume.upload(stream, 0, 1000)
    stream.send(b'x' * 10)
    del stream
    stream = conn.newStream()
    volume.download(stream, 0, 1000)
    del stream
volume.delete()
stream = conn.newStream()
volume = pool.createXML('<volume><name>v</name><capacity>100</capacity></volume>')
volume.download(stream, 0, 100)
while stream.recv(1000):
    pass
volume.delete()     # it is read, though nobody has said that he has done with the stream
print('gone')
''', ours=True)
    assert output == 'gone\n'
