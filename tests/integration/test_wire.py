# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames and calls as they stand on the wire, with a client that shares no code with the library."""
import socket
import struct

import pytest

import support
import wire
from wire import CALL, CALL_WITH_FDS, ERROR, MESSAGE, OK, REPLY

KEEPALIVE_PING, KEEPALIVE_PONG = 1, 2


def error_of(connection, packet):
    """The error with which a packet is answered."""
    connection.send(packet)
    status, reader = connection.answer(connection.serial)
    assert status == ERROR
    return wire.decode_error(reader)


def closes(connection):
    """Whether the daemon ends the connection; whatever it says before is taken."""
    try:
        while True:
            connection.receive()
    except (wire.Closed, ConnectionResetError):
        return True
    except socket.timeout:
        return False


def still_serves(daemon, protocol):
    with wire.Client(daemon.socket, protocol) as other:
        other.open()
        assert other.call('CONNECT_GET_LIB_VERSION')['lib_ver'] > 0


def test_calls_before_open_are_refused(daemon, protocol):
    with wire.Client(daemon.socket, protocol) as connection:
        assert connection.call('AUTH_LIST')['types'] == [0]
        with pytest.raises(wire.RemoteError) as caught:
            connection.call('CONNECT_GET_LIB_VERSION')
        assert 'no open connection' in caught.value.message


def test_parameters_for_clients_of_all_ages(daemon, protocol):
    """Strings only for those who say that they know them; a number only for those who ask for no more than that."""
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open('test:///default')
        dom = connection.call('DOMAIN_LOOKUP_BY_NAME', name='test')['dom']
        ask = lambda room, flags: connection.call('DOMAIN_GET_BLKIO_PARAMETERS', dom=dom, nparams=room, flags=flags)
        number = ask(0, 0)['nparams']
        old, new = ask(number, 0), ask(number, 4)       # VIR_TYPED_PARAM_STRING_OKAY
        assert [old['nparams'], new['nparams'], len(new['params'])] == [0, 0, number]
        assert [p['field'] for p in old['params']] == ['weight'] and number > 1


def test_calls_behind_the_close(daemon, protocol):
    """What a client sends behind its farewell is answered with an error, if at all."""
    for _ in range(40):
        with wire.Client(daemon.socket, protocol) as connection:
            connection.open('test:///default')
            dom = connection.call('DOMAIN_LOOKUP_BY_NAME', name='test')['dom']
            state = protocol.encode(protocol.calls['remote', 'DOMAIN_GET_STATE'][0].args, {'dom': dom, 'flags': 0})
            behind = [connection.packet('DOMAIN_GET_STATE', state) for _ in range(20)]
            connection.send(b''.join([connection.packet('CONNECT_CLOSE'), *behind]))
            assert closes(connection)
    still_serves(daemon, protocol)


def test_open_and_ask(client):
    assert client.call('CONNECT_GET_TYPE')['type'] in ('QEMU', 'TEST')
    assert client.call('CONNECT_GET_LIB_VERSION')['lib_ver'] >= 9000000
    listed = client.call('CONNECT_LIST_ALL_DOMAINS', need_results=1, flags=0)
    assert listed['ret'] == len(listed['domains'])


def test_keepalive_is_answered(client):
    client.send(client.packet(KEEPALIVE_PING, program='keepalive', kind=MESSAGE, serial=0))
    _, procedure, kind, serial, _, _ = client.receive()
    assert (procedure, kind, serial) == (KEEPALIVE_PONG, MESSAGE, 0)


def test_many_calls_in_one_packet(client, protocol):
    """Pipelined calls are all answered, each with its serial."""
    calls = [client.packet('CONNECT_GET_LIB_VERSION') for _ in range(50)]
    first = client.serial - 49
    client.send(b''.join(calls))
    seen = sorted(client.receive()[3] for _ in calls)
    assert seen == list(range(first, first + 50))


def test_a_byte_at_a_time(client):
    for byte in client.packet('CONNECT_GET_LIB_VERSION'):
        client.send(bytes([byte]))
    assert client.answer(client.serial)[0] == OK


def test_unknown_procedure(client, daemon, protocol):
    caught = error_of(client, client.packet(9999))
    assert caught.code == 39 and 'unknown procedure: 9999' in caught.message
    still_serves(daemon, protocol)


def test_unknown_program(client, daemon, protocol):
    client.serial += 1
    header = wire.HEADER.pack(0x12345678, 1, 1, CALL, client.serial, OK)
    caught = error_of(client, struct.pack('>I', len(header) + 4) + header)
    assert caught.code == 39
    assert '0x12345678' in caught.message or str(0x12345678) in caught.message
    still_serves(daemon, protocol)


def test_wrong_version(client, daemon, protocol):
    client.serial += 1
    header = wire.HEADER.pack(protocol.program('remote')[0], 7, 3, CALL, client.serial, OK)
    assert error_of(client, struct.pack('>I', len(header) + 4) + header).code == 39
    still_serves(daemon, protocol)


@pytest.mark.parametrize('length', [0, 1, 3, 4, 27, wire.PACKET_MAX + 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_bad_length_ends_the_connection(client, daemon, protocol, length):
    client.send(struct.pack('>I', length) + bytes(60))
    assert closes(client)
    still_serves(daemon, protocol)


def test_truncated_arguments(client, daemon, protocol):
    caught = error_of(client, client.packet('DOMAIN_LOOKUP_BY_NAME', b'\0\0'))
    assert caught.code == 39
    still_serves(daemon, protocol)


@pytest.mark.parametrize('length', [wire.STRING_MAX + 1, 2**31, 2**32 - 1, 100])
def test_string_length_beyond_the_packet(client, daemon, protocol, length):
    assert error_of(client, client.packet('DOMAIN_LOOKUP_BY_NAME', struct.pack('>I', length) + b'abcd')).code == 39
    still_serves(daemon, protocol)


def test_array_longer_than_its_limit(client, daemon, protocol):
    call, _ = protocol.calls['remote', 'CONNECT_GET_ALL_DOMAIN_STATS']
    limit = next(f.max for f in call.args if f.name == 'doms')
    for count in (limit + 1, 2**31, 2**32 - 1):
        packet = client.packet('CONNECT_GET_ALL_DOMAIN_STATS', struct.pack('>I', count) + bytes(64))
        assert error_of(client, packet).code == 39
    still_serves(daemon, protocol)


def test_negative_lengths_in_arguments(client, daemon, protocol):
    """Signed counts that a caller names must not reach an allocator."""
    for name, values in (('CONNECT_LIST_DOMAINS', {'maxids': -1}),
                         ('CONNECT_LIST_DEFINED_DOMAINS', {'maxnames': -1}),
                         ('CONNECT_LIST_DOMAINS', {'maxids': 2**31 - 1})):
        with pytest.raises(wire.RemoteError):
            client.call(name, **values)
    still_serves(daemon, protocol)


def test_paths_of_nowhere(client, daemon, protocol):
    """A client's folder isn't ours: its library makes paths absolute."""
    for name, values in (('DOMAIN_RESTORE', {'from': 'image'}), ('DOMAIN_SAVE_IMAGE_GET_XML_DESC', {'file': '../image', 'flags': 0}),
                         ('DOMAIN_RESTORE_PARAMS', {'params': [{'field': 'file', 'value': (7, 'image')}], 'flags': 0})):
        with pytest.raises(wire.RemoteError, match='must be an absolute path') as caught:
            client.call(name, **values)
        assert caught.value.code == 8     # VIR_ERR_INVALID_ARG
    still_serves(daemon, protocol)


def test_descriptors_announced_but_not_sent(client, daemon, protocol):
    """The call waits for its descriptors; nobody else does."""
    client.send(client.packet('DOMAIN_CREATE_WITH_FILES', struct.pack('>I', 1) + bytes(24), kind=CALL_WITH_FDS))
    still_serves(daemon, protocol)


def test_too_many_descriptors(client, daemon, protocol):
    client.send(client.packet('DOMAIN_CREATE_WITH_FILES', struct.pack('>I', 33) + bytes(24), kind=CALL_WITH_FDS))
    assert closes(client)
    still_serves(daemon, protocol)


def test_reply_to_nothing(client, daemon, protocol):
    client.send(client.packet('CONNECT_GET_LIB_VERSION', kind=REPLY))
    try:
        assert client.call('CONNECT_GET_LIB_VERSION')
    except (wire.Closed, ConnectionError):
        pass    # to end such a connection is as good
    still_serves(daemon, protocol)


def test_zero_length_lists(client):
    assert client.call('CONNECT_LIST_DOMAINS', maxids=0)['ids'] == []
    assert client.call('CONNECT_LIST_DEFINED_DOMAINS', maxnames=0)['names'] == []
    assert client.call('CONNECT_LIST_ALL_DOMAINS', need_results=0, flags=0)['domains'] == []


def test_silent_clients_do_not_block_others(daemon, protocol):
    """Half a packet each, from as many clients as a pool of workers has room for."""
    silent = []
    try:
        for _ in range(40):
            silent.append(wire.Client(daemon.socket, protocol))
            silent[-1].open()
            silent[-1].send(b'\0\0\0')
        still_serves(daemon, protocol)
    finally:
        for connection in silent:
            connection.socket.close()


def test_client_that_never_reads(client, daemon, protocol):
    """Its replies are bounded: the daemon's memory does not grow with what it does not take."""
    def memory():
        with open(f'/proc/{daemon.process.pid}/status', encoding='utf-8') as f:
            return int(next(line for line in f if line.startswith('VmRSS')).split()[1])
    before = memory()
    client.socket.settimeout(0.5)
    packet = client.packet('CONNECT_GET_CAPABILITIES')
    try:
        for _ in range(200000):
            client.send(packet)
    except (socket.timeout, ConnectionError):
        pass    # it stopped reading, or took leave of such a client
    still_serves(daemon, protocol)
    # The sanitizer keeps 256 MiB of freed memory; unbounded replies would be more than 1 GiB.
    assert memory() - before < (512 if support.sanitized() else 128) * 1024
