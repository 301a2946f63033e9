# SPDX-License-Identifier: LGPL-2.1-or-later
"""The content of volumes through streams: what is sent is what is there, and a disk that stalls holds up nobody else."""
import contextlib
import os
import signal
import struct
import subprocess
import time

import pytest

import support
import wire
from storage_parts import MIB, connected, libvirt, loop_device, pool_xml, refused, vol_xml
from support import wait_for

pytestmark = pytest.mark.foreign_library


@pytest.fixture
def connection(daemon):
    with connected(daemon) as opened:
        yield opened


@pytest.fixture
def pool(connection, tmp_path):
    (tmp_path / 'pool').mkdir()
    return connection.storagePoolCreateXML(pool_xml('dir', 'pool', '', tmp_path / 'pool'))


def upload(connection, vol, data, offset=0, length=0, flags=0):
    stream, left = connection.newStream(), memoryview(data)

    def source(_stream, count, _opaque):
        nonlocal left
        piece, left = bytes(left[:count]), left[count:]
        return piece
    vol.upload(stream, offset, length, flags)
    stream.sendAll(source, None)
    stream.finish()


def download(connection, vol, offset=0, length=0):
    stream, pieces = connection.newStream(), []
    vol.download(stream, offset, length)
    stream.recvAll(lambda _stream, data, _opaque: pieces.append(data), None)
    stream.finish()
    return b''.join(pieces)


def test_content(connection, pool):
    """Sizes and places around the edges of packets and pages."""
    vol = pool.createXML(vol_xml('v', 4))
    whole = bytearray(4 * MIB)
    for offset, size in ((0, 0), (0, 1), (1, 131071), (5, 131072), (7, 262145), (4095, 4097), (MIB, 3 * MIB), (4 * MIB - 1, 1)):
        data = os.urandom(size)
        whole[offset:offset + size] = data
        upload(connection, vol, data, offset, size)
        assert download(connection, vol, offset, size or 1) == whole[offset:offset + (size or 1)]
    assert download(connection, vol) == whole and os.stat(vol.path()).st_size == 4 * MIB
    upload(connection, vol, bytes(whole) + b'more')     # a volume grows, as its file does
    assert vol.info()[1] == 4 * MIB + 4
    assert 'have room' in refused(libvirt.VIR_ERR_SYSTEM_ERROR, upload, connection, vol, b'12345', 0, 4)
    upload(connection, vol, b'1234', 0, 4)
    assert download(connection, vol, 0, 6) == b'1234' + whole[4:6]


def test_holes(daemon, connection, pool, tmp_path):
    """What is sparse stays sparse both ways, with our client and with Debian's."""
    source = tmp_path / 'source'
    with open(source, 'wb') as f:
        for place in (MIB, 9 * MIB):
            f.seek(place)
            f.write(os.urandom(MIB // 2))
        f.truncate(32 * MIB)
    for program, environment in ((support.tree.place(support.BUILD, 'virsh'), None), (support.DEBIAN_VIRSH, support.foreign_environment())):
        vol, back = pool.createXML(vol_xml('v', 32)), tmp_path / 'back'
        for words in ('vol-upload --sparse --pool pool v'.split() + [source], 'vol-download --sparse --pool pool v'.split() + [back]):
            subprocess.run([program, '-q', '-c', daemon.uri, *words], check=True, env=environment)
        for path in vol.path(), back:
            assert support.run(['cmp', path, source]).returncode == 0 and os.stat(path).st_blocks * 512 == MIB
        vol.delete()
        back.unlink()


def test_two_that_are_not_read(connection, pool):
    """Two streams of one connection both wait until the client reads, and both go on then."""
    data = {name: os.urandom(3 * MIB) for name in ('a', 'b')}
    streams = {}
    for name, content in data.items():
        vol = pool.createXML(vol_xml(name, 3))
        upload(connection, vol, content)
        streams[name] = connection.newStream()
        vol.download(streams[name], 0, 0)
    got = {name: b'' for name in data}
    while any(len(got[name]) < 3 * MIB for name in data):
        for name, stream in streams.items():
            if len(got[name]) < 3 * MIB:
                got[name] += stream.recv(100000)
    assert got == data
    for stream in streams.values():
        stream.finish()


def test_idle(connection, pool):
    """Nobody waits for ever for a client that has opened a volume and does nothing: what it has it keeps."""
    def timed(call, *arguments):
        began = time.monotonic()
        call(*arguments)
        return time.monotonic() - began
    vol, streams = pool.createXML(vol_xml('v', 64)), []
    for begin in vol.download, vol.upload:
        streams.append(connection.newStream())
        begin(streams[-1], 0, 0)
    streams[0].recv(1000)
    streams[1].send(b'x' * 1000)
    assert timed(vol.resize, 65 * MIB) < 30
    assert timed(vol.delete) < 30 and not pool.listVolumes()
    assert streams[0].recv(1000)
    streams[1].finish()
    pool.createXML(vol_xml('w', 64)).download(streams.append(connection.newStream()) or streams[-1], 0, 0)
    assert timed(pool.destroy) < 30
    assert streams[-1].recv(1000) == bytes(1000)
    for stream in streams[0], streams[-1]:
        stream.abort()


def test_aborted(connection, pool):
    """Who stops in the middle is answered at once, and the volume is free; until then it tells how far it has got."""
    vol = pool.createXML(vol_xml('v', 64, allocation=0))
    for begin in vol.upload, vol.download:
        stream = connection.newStream()
        begin(stream, 0, 0)
        if begin == vol.upload:     # pylint: disable=comparison-with-callable
            for _ in range(16):
                stream.send(b'x' * 131072)
            wait_for(lambda: vol.info()[2] >= 2 * MIB, what='the data being there')
            pool.createXML(vol_xml('other')).delete()
        else:
            stream.recv(1000)
        stream.abort()
        vol.resize(64 * MIB)
    vol.delete()


def test_data_for_who_reads(daemon, pool):
    """A client that sends where it is to receive ends its stream, and nothing else."""
    pool.createXML(vol_xml('v', 64))
    with wire.Client(daemon.socket, wire.Protocol()) as client:
        client.open()
        vol = client.call('STORAGE_VOL_LOOKUP_BY_KEY', key=pool.storageVolLookupByName('v').key())['vol']
        client.call('STORAGE_VOL_DOWNLOAD', vol=vol, offset=0, length=0, flags=0)
        serial = client.serial
        client.send(client.packet('STORAGE_VOL_DOWNLOAD', b'x' * 1000, kind=wire.STREAM, status=wire.CONTINUE, serial=serial))
        wait_for(lambda: client.receive()[2:5] == (wire.STREAM, serial, wire.ERROR), what='the end of the stream')
        assert client.call('CONNECT_GET_LIB_VERSION')['lib_ver'] > 0
    assert pool.listVolumes() == ['v']


@contextlib.contextmanager
def raw_upload(daemon, vol, length=0):
    """A client that speaks the protocol itself and uploads: (client, what makes a packet of the stream)."""
    with wire.Client(daemon.socket, wire.Protocol()) as client:
        client.open()
        looked_up = client.call('STORAGE_VOL_LOOKUP_BY_KEY', key=vol.key())['vol']
        client.call('STORAGE_VOL_UPLOAD', vol=looked_up, offset=0, length=length, flags=libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
        serial = client.serial

        def packet(payload=b'', kind=wire.STREAM, status=wire.CONTINUE):
            return client.packet('STORAGE_VOL_UPLOAD', payload, kind=kind, status=status, serial=serial)
        yield client, packet


def ends(client):
    """The status of the packet that ends the stream."""
    while True:
        _, _, kind, _, status, _ = client.receive()
        if kind == wire.STREAM and status != wire.CONTINUE:
            return status


def test_much_with_little_between(daemon, connection, pool):
    """Who sends so much that a worker reads the socket is understood whatever comes between and however it is split: tiny packets, holes, calls."""
    vol = pool.createXML(vol_xml('v', 64, allocation=0))
    content, random = b'', os.urandom(262120)
    with raw_upload(daemon, vol) as (client, packet):
        for turn in range(12):
            for size in (262120, 262120, 131072, 1, 40000, 262120, 32767, 1000000):
                data = (random * 4)[turn:turn + size]
                content += data
                whole = packet(data)
                for piece in (whole[:turn], whole[turn:turn + 30], whole[turn + 30:turn + 50000], whole[turn + 50000:]):
                    client.send(piece)
            client.ask('CONNECT_GET_LIB_VERSION')
            client.send(packet(struct.pack('>qI', 70000, 0), wire.STREAM_HOLE))
            content += bytes(70000)
            assert client.answer(client.serial)[0] == wire.OK
        client.send(packet(status=wire.OK))
        assert ends(client) == wire.OK
        assert client.call('CONNECT_GET_LIB_VERSION')['lib_ver'] > 0
    assert download(connection, vol, 0, len(content)) == content
    assert not any(download(connection, vol, len(content)))


def test_small_pieces(daemon, connection, pool):
    """A client that writes a hundred bytes at a time is understood as well, in no more memory."""
    vol = pool.createXML(vol_xml('v', 4))
    content = os.urandom(2 * MIB)
    with raw_upload(daemon, vol) as (client, packet):
        client.send(packet(content[:MIB]))
        whole = packet(content[MIB:])
        for at in range(0, len(whole), 100):
            client.send(whole[at:at + 100])
        client.send(packet(status=wire.OK))
        assert ends(client) == wire.OK
    assert download(connection, vol, 0, 2 * MIB) == content


def test_no_room_in_the_midst(daemon, connection, pool):
    """What has no room ends the stream with an error, in the midst of a packet or not, and nothing else: what is behind it is answered."""
    vol = pool.createXML(vol_xml('v', 8))
    with raw_upload(daemon, vol, 3 * MIB) as (client, packet):
        data = os.urandom(200000)
        for _ in range(40):
            client.send(packet(data))
        assert ends(client) == wire.ERROR
        assert client.call('CONNECT_GET_LIB_VERSION')['lib_ver'] > 0
    assert not any(download(connection, vol, 3 * MIB))
    assert download(connection, vol, 0, 200000) == data
    vol.delete()


def test_gone_in_the_midst(daemon, connection, pool):
    """A client that goes, or is silent, within a packet leaves the volume free, and the daemon as it was."""
    vol = pool.createXML(vol_xml('v', 64, allocation=0))
    for gone_at in (28, 30000, 200000):
        with raw_upload(daemon, vol) as (client, packet):
            for _ in range(8):
                client.send(packet(bytes(262120)))
            client.send(packet(b'x' * 262120)[:gone_at])
            wait_for(lambda: vol.info()[2] >= 2 * 1000000, what='the data being there')
        wait_for(lambda: resized(vol), what='the upload having ended')
    with raw_upload(daemon, vol) as (client, packet):
        for _ in range(8):
            client.send(packet(bytes(262120)))
        client.send(packet(status=wire.ERROR))
        assert ends(client) == wire.OK
        assert client.call('CONNECT_GET_LIB_VERSION')['lib_ver'] > 0
        assert resized(vol)
    assert connection.isAlive()


def resized(vol):
    with contextlib.suppress(libvirt.libvirtError):
        return vol.resize(64 * MIB) == 0
    return False


UPLOADER = r'''
import libvirt, sys
c = libvirt.open(sys.argv[1])
stream = c.newStream()
c.storagePoolLookupByName('slow').storageVolLookupByName('v').upload(stream, 0, 0)
print('ready', flush=True)
for n in range(512):
    stream.send(b'x' * 65536)
stream.finish()
print('done', flush=True)
'''


def test_disk_that_stalls(daemon, connection, tmp_path):
    """A file system that takes no data at present holds up who writes there and nobody else; a client that goes doesn't wait for it."""
    with loop_device(tmp_path / 'disk', 128) as device:
        target = tmp_path / 'slow'
        target.mkdir()
        for command in ['mkfs.ext4', '-q', device], ['mount', device, target]:
            subprocess.run(command, check=True)
        try:
            slow = connection.storagePoolCreateXML(pool_xml('dir', 'slow', '', target))
            slow.createXML(vol_xml('v', 32, allocation=0))
            subprocess.run(['fsfreeze', '-f', target], check=True)
            try:
                uploaders = [subprocess.Popen([support.PYTHON, '-c', UPLOADER, daemon.uri], env=support.foreign_environment(),
                                              stdout=subprocess.PIPE, text=True) for _ in range(2)]
                assert all(process.stdout.readline() == 'ready\n' for process in uploaders)
                wait_for(lambda: in_state(daemon, 'D'), what='a thread that waits for the disk')
                began = time.monotonic()
                with contextlib.closing(libvirt.open(daemon.uri)) as other:
                    assert other.getLibVersion() and other.listStoragePools() == ['slow']
                uploaders[0].send_signal(signal.SIGKILL)
                uploaders[0].wait()
                assert connection.isAlive() and connection.listStoragePools() == ['slow']
                assert time.monotonic() - began < 5
                assert uploaders[1].poll() is None
            finally:
                subprocess.run(['fsfreeze', '-u', target], check=True)
            assert uploaders[1].wait(30) == 0 and uploaders[1].stdout.read() == 'done\n'
            for process in uploaders:
                process.stdout.close()
            assert os.stat(target / 'v').st_blocks * 512 >= 32 * MIB
            wait_for(lambda: deleted(slow.storageVolLookupByName('v')), what='both uploads having ended')
            slow.destroy()
        finally:
            subprocess.run(['umount', target], check=True)


def deleted(vol):
    with contextlib.suppress(libvirt.libvirtError):
        return vol.delete() == 0
    return False


def in_state(daemon, state):
    """Whether a thread of the daemon is in this state of the kernel's."""
    folder = f'/proc/{daemon.process.pid}/task'
    for task in os.listdir(folder):
        with open(f'{folder}/{task}/stat', encoding='utf-8') as f:
            if f.read().rpartition(')')[2].split()[0] == state:
                return True
    return False
