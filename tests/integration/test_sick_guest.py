# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: alone
# runner: timeout 600
"""A guest whose QEMU does not answer harms nobody but itself."""
import contextlib
import os
import signal
import statistics
import time

import pytest

import support
import wire
from support import domain_xml

WAITERS = 100
ROUNDS = 200
DEADLINE_SECONDS = 90           # by then every call on the sick guest has ended
DESTROY_SECONDS = 1.0
FLAG_PAUSED = 1
PAUSED = 3
# p99 may be at most twice the normal one; below this floor the scheduler of a busy machine decides.
P99_FACTOR, P99_FLOOR = 2.0, 0.020
TRIES = 3                       # of a measurement, the best counts: other programs only ever make it worse


@pytest.fixture
def guests(daemon, protocol):
    """A connection, a healthy guest and one that is stopped."""
    with wire.Client(daemon.socket, protocol, DEADLINE_SECONDS) as connection:
        connection.open()
        healthy, sick = (connection.call('DOMAIN_CREATE_XML', xml_desc=domain_xml(name, memory=16),
                                         flags=FLAG_PAUSED)['dom'] for name in ('healthy', 'sick'))
        connection.call('CONNECT_GET_ALL_DOMAIN_STATS', doms=[], stats=0, flags=0)
        root = '' if isinstance(daemon, support.ReferenceDaemon) else daemon.root
        pid = next(p for p in support.guest_processes(root) if is_guest(p, 'sick'))
        yield connection, healthy, sick, pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def is_guest(pid, name):
    with open(f'/proc/{pid}/cmdline', 'rb') as f:
        return f'guest={name}'.encode() in f.read()


def p99(connection, name, **arguments):
    """Seconds within which 99 % of the calls were answered."""
    times = []
    for _ in range(ROUNDS):
        begin = time.monotonic()
        connection.call(name, **arguments)
        times.append(time.monotonic() - begin)
    return statistics.quantiles(times, n=100)[98]


def work(connection, healthy):
    """p99 of calls of three kinds on the healthy guest: kept state, the whole host, QEMU's answer."""
    return {'DOMAIN_GET_STATE': p99(connection, 'DOMAIN_GET_STATE', dom=healthy, flags=0),
            'CONNECT_LIST_ALL_DOMAINS': p99(connection, 'CONNECT_LIST_ALL_DOMAINS', need_results=1, flags=0),
            'DOMAIN_GET_XML_DESC': p99(connection, 'DOMAIN_GET_XML_DESC', dom=healthy, flags=0),
            'QEMU': p99_of_monitor(connection, healthy)}


def p99_of_monitor(connection, healthy):
    times = []
    for _ in range(ROUNDS):
        begin = time.monotonic()
        connection.call('DOMAIN_MONITOR_COMMAND', 'qemu', dom=healthy, cmd='{"execute":"query-status"}', flags=0)
        times.append(time.monotonic() - begin)
    return statistics.quantiles(times, n=100)[98]


def too_slow(before, after):
    return {name: (before[name], after[name]) for name in before
            if after[name] > max(P99_FLOOR, P99_FACTOR * before[name])}


@contextlib.contextmanager
def waiting_clients(daemon, protocol, sick):
    """Clients that each wait for an answer of the sick guest."""
    clients = []
    try:
        for _ in range(WAITERS):
            client = wire.Client(daemon.socket, protocol, DEADLINE_SECONDS)
            clients.append(client)
            client.open()
            call = protocol.calls['qemu', 'DOMAIN_MONITOR_COMMAND'][0]
            arguments = {'cmd': '{"execute":"query-status"}', 'flags': 0, 'dom': sick}
            client.send(client.packet(call.name, protocol.encode(call.args, arguments), 'qemu'))
        yield clients
    finally:
        for client in clients:
            client.socket.close()


def test_others_do_not_wait(daemon, protocol, guests):
    connection, healthy, sick, pid = guests
    normal = work(connection, healthy)
    os.kill(pid, signal.SIGSTOP)
    for _ in range(TRIES):
        slow = too_slow(normal, work(connection, healthy))
        if not slow:
            break
    assert not slow, f'slower with a sick guest (before, after): {slow}'
    with waiting_clients(daemon, protocol, sick) as clients:
        for _ in range(TRIES):
            slow = too_slow(normal, work(connection, healthy))
            if not slow:
                break
        assert not slow, f'slower while {WAITERS} clients wait for a sick guest (before, after): {slow}'
        with wire.Client(daemon.socket, protocol) as newcomer:
            assert newcomer.open().call('CONNECT_GET_LIB_VERSION')
        for client in clients:
            status, reader = client.answer(client.serial)
            assert status == wire.ERROR
            assert 'sick' in wire.decode_error(reader).message


def test_statistics_come_at_once(guests):
    connection, _, sick, pid = guests
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    records = connection.call('CONNECT_GET_ALL_DOMAIN_STATS', doms=[], stats=0, flags=0)['retStats']
    seconds = time.monotonic() - begin
    assert seconds < 1, f'{seconds:.1f} s'
    mine = {p['field']: p['value'][1] for r in records if r['dom']['name'] == 'sick' for p in r['params']}
    assert mine['state.state'] == PAUSED and len(records) == 2
    assert sick['id'] > 0


def test_lists_and_descriptions_come_at_once(guests):
    connection, _, sick, pid = guests
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    assert 'sick' in connection.call('DOMAIN_GET_XML_DESC', dom=sick, flags=0)['xml']
    assert connection.call('DOMAIN_GET_STATE', dom=sick, flags=0)['state'] == PAUSED
    assert connection.call('DOMAIN_GET_INFO', dom=sick)['nrVirtCpu'] == 1
    assert time.monotonic() - begin < 1


def test_destroy_ends_it(guests):
    connection, _, sick, pid = guests
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    connection.call('DOMAIN_DESTROY', dom=sick)
    seconds = time.monotonic() - begin
    assert seconds < DESTROY_SECONDS, f'{seconds:.1f} s'
    support.wait_for(lambda: pid not in support.guest_processes(''), 5, 'the guest being gone')


def test_destroy_while_others_wait_for_it(daemon, protocol, guests):
    """Who waits for the guest is told that it is gone."""
    connection, _, sick, pid = guests
    os.kill(pid, signal.SIGSTOP)
    with waiting_clients(daemon, protocol, sick) as clients:
        begin = time.monotonic()
        connection.call('DOMAIN_DESTROY', dom=sick)
        assert time.monotonic() - begin < DESTROY_SECONDS
        for client in clients:
            assert client.answer(client.serial)[0] == wire.ERROR
    assert time.monotonic() - begin < DESTROY_SECONDS + 5
