#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3-libvirt's events: callbacks of every type that the test driver can cause, with the default loop and with a loop of
the program's own (asyncio through libvirtaio); close callbacks; timers and handles."""
import asyncio
import os
import socket
import sys
import time

import libvirt
import libvirtaio

sys.path.append(os.path.join(os.path.dirname(__file__), '../shared'))
import common  # noqa: E402  pylint: disable=wrong-import-position

URI = sys.argv[1]
ONE = '11111111-1111-4111-8111-111111111111'
DOMAIN = f'''<domain type='test'><name>one</name><uuid>{ONE}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='i686'>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest/one'/>
<target dev='vda' bus='virtio'/></disk></devices></domain>'''
NETWORK = (f"<network><name>one</name><uuid>{ONE}</uuid><forward mode='nat'/><bridge name='virbr7'/>"
           "<ip address='192.168.77.1' netmask='255.255.255.0'/></network>")
POOL = f"<pool type='dir'><name>one</name><uuid>{ONE}</uuid><target><path>/pool</path></target></pool>"
DEVICE = ("<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
          "<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>")
WAIT_SECONDS = 10
seen = []


def attempt(name, call, *words):
    try:
        return call(*words)
    except (libvirt.libvirtError, AttributeError) as e:
        print(f'{name}: {"error %s" % e.get_error_code() if hasattr(e, "get_error_code") else "failed"}')
        return None


def note(kind):
    """A callback that keeps what it is told, objects by their names."""
    def callback(conn, thing, *rest):
        seen.append([kind] + [x.name() if hasattr(x, 'name') else x for x in (thing, *rest[:-1])] + [rest[-1]])
    return callback


def register(conn):
    """All callbacks; gives what takes them away again."""
    ids = []
    for number in range(libvirt.VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE + 1):
        # What the binding at hand has no callback for it says itself.
        got = attempt(f'domain event {number}', conn.domainEventRegisterAny, None, number, note(f'domain {number}'), 'x')
        ids.append((conn.domainEventDeregisterAny, got))
    for number in (0, 1):
        ids.append((conn.networkEventDeregisterAny,
                    attempt(f'network event {number}', conn.networkEventRegisterAny, None, number, note(f'network {number}'), 'x')))
        ids.append((conn.storagePoolEventDeregisterAny,
                    attempt(f'pool event {number}', conn.storagePoolEventRegisterAny, None, number, note(f'pool {number}'), 'x')))
        ids.append((conn.nodeDeviceEventDeregisterAny,
                    attempt(f'device event {number}', conn.nodeDeviceEventRegisterAny, None, number, note(f'device {number}'), 'x')))
        ids.append((conn.secretEventDeregisterAny,
                    attempt(f'secret event {number}', conn.secretEventRegisterAny, None, number, note(f'secret {number}'), 'x')))
    return ids


def cause(conn):
    """Everything that makes events; the last one is a marker."""
    one = attempt('define', conn.defineXML, DOMAIN)
    for step in ('create', 'suspend', 'resume', 'reboot', 'shutdown', 'create', 'destroy'):
        attempt(step, getattr(one, step))
    attempt('metadata', lambda: one.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'title', None, None))
    attempt('element', lambda: one.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, '<a/>', 'x', 'http://example.org/'))
    test = conn.lookupByName('test')
    attempt('balloon', lambda: test.setMemory(1048576))
    attempt('agent', lambda: test.setVcpus(1))
    attempt('snapshot', lambda: test.snapshotCreateXML('<domainsnapshot><name>s</name></domainsnapshot>', 0))
    attempt('pause', test.suspend)
    attempt('revert', lambda: test.revertToSnapshot(test.snapshotLookupByName('s')))
    attempt('iotune', lambda: test.setBlockIoTune('vda', {'total_bytes_sec': 5000, 'group_name': 'g'}))
    attempt('save', lambda: (test.managedSave(), test.create()))
    net = attempt('network', conn.networkDefineXML, NETWORK)
    for step in ('create', 'destroy', 'undefine'):
        attempt(step, lambda s=step: getattr(net, s)())
    pool = attempt('pool', conn.storagePoolDefineXML, POOL)
    for step, words in (('build', (0,)), ('create', ()), ('refresh', ()), ('destroy', ()), ('delete', (0,)), ('undefine', ())):
        attempt(step, lambda s=step, w=words: getattr(pool, s)(*w))
    device = attempt('device', conn.nodeDeviceCreateXML, DEVICE)
    attempt('remove device', lambda: device.destroy())
    one.undefine()


def finished():
    """The marker was seen: the domain `one` is undefined."""
    return any(e[:4] == ['domain 0', 'one', 1, 0] for e in seen)


def report():
    """Events of one kind of object come in their order; between the kinds there is none."""
    for kind in ('domain', 'network', 'pool', 'device', 'secret'):
        for event in seen:
            if event[0].startswith(kind):
                print(event)
    seen.clear()


def run_until(condition):
    """One turn of the default loop at a time; a timer keeps a turn from lasting for ever."""
    end = time.monotonic() + WAIT_SECONDS
    timer = libvirt.virEventAddTimeout(50, lambda *_: None, None)
    while not condition() and time.monotonic() < end:
        libvirt.virEventRunDefaultImpl()
    libvirt.virEventRemoveTimeout(timer)
    return condition()


def default_loop():
    print('== default loop')
    libvirt.virEventRegisterDefaultImpl()
    conn = libvirt.open(URI)
    closed = []
    attempt('close callback', conn.registerCloseCallback, lambda c, reason, opaque: closed.append((reason, opaque)), 'bye')
    ids = register(conn)
    cause(conn)
    print('all came:', run_until(finished))
    report()
    for remove, number in ids:
        if number is not None:
            attempt('deregister', remove, number)
    attempt('deregister again', conn.domainEventDeregisterAny, ids[0][1])
    attempt('deregister nonsense', conn.domainEventDeregisterAny, 999)
    old = []

    def old_style(c, d, event, detail, opaque):
        old.append((d.name(), event, detail))
    conn.domainEventRegister(old_style, 'x')
    conn.lookupByName('test').suspend()
    print('old style:', bool(run_until(lambda: old)), old)
    attempt('deregister old style', conn.domainEventDeregister, old_style)
    limited = []
    number = conn.domainEventRegisterAny(conn.lookupByName('test'), 0, lambda c, d, e, i, o: limited.append(d.name()), None)
    conn.defineXML(DOMAIN).undefine()
    conn.lookupByName('test').resume()
    print('limited:', bool(run_until(lambda: limited)), limited)
    conn.domainEventDeregisterAny(number)
    attempt('unregister close', conn.unregisterCloseCallback)
    conn.close()
    print('closed:', closed)


def timers_and_handles():
    print('== timers and handles')
    fired, heard = [], []
    timers = [libvirt.virEventAddTimeout(ms, lambda t, o: fired.append(o), f'{ms} ms') for ms in (-1, 0, 1)]
    run_until(lambda: {'0 ms', '1 ms'} <= set(fired))
    print('fired:', sorted(set(fired)))
    libvirt.virEventUpdateTimeout(timers[0], 0)
    run_until(lambda: '-1 ms' in fired)
    print('updated:', '-1 ms' in fired)
    for timer in timers:
        libvirt.virEventRemoveTimeout(timer)
    fired.clear()
    a, b = socket.socketpair()
    watch = libvirt.virEventAddHandle(a.fileno(), libvirt.VIR_EVENT_HANDLE_READABLE,
                                      lambda w, fd, events, o: heard.append((events, os.read(fd, 10), o)), 'handle')
    b.send(b'one')
    run_until(lambda: heard)
    print('heard:', heard, 'timers that fire when removed:', fired)
    heard.clear()
    libvirt.virEventUpdateHandle(watch, libvirt.VIR_EVENT_HANDLE_WRITABLE)
    print('only writable:', [e for e in heard if e[0] == 1])
    libvirt.virEventRemoveHandle(watch)
    a.close()
    b.close()
    attempt('remove unknown timer', libvirt.virEventRemoveTimeout, 12345)
    attempt('remove unknown handle', libvirt.virEventRemoveHandle, 12345)


async def own_loop():
    print('== own loop')
    conn = libvirt.open(URI)
    ids = register(conn)
    cause(conn)
    end = time.monotonic() + WAIT_SECONDS
    while not finished() and time.monotonic() < end:
        await asyncio.sleep(0.01)
    print('all came:', finished())
    report()
    for remove, number in ids:
        if number is not None:
            attempt('deregister', remove, number)
    stream, got = conn.newStream(libvirt.VIR_STREAM_NONBLOCK), []
    if attempt('screenshot', conn.lookupByName('test').screenshot, stream, 0):
        done = asyncio.Event()

        def ready(s, events, opaque):
            data = s.recv(4096)
            if data == -2:
                return
            got.append(data)
            if not data:
                s.eventRemoveCallback()
                done.set()
        stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, ready, None)
        await asyncio.wait_for(done.wait(), WAIT_SECONDS)
        stream.finish()
        print('screenshot:', b''.join(got)[1:4])
    conn.close()


libvirt.registerErrorHandler(lambda *_: None, None)
# A program has one loop: each part is a process of its own.
for part in (default_loop, timers_and_handles, None):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        if part:
            if part is timers_and_handles:
                libvirt.virEventRegisterDefaultImpl()
            part()
        else:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            libvirtaio.virEventRegisterAsyncIOImpl(loop=loop)
            loop.run_until_complete(own_loop())
        common.record()
        sys.stdout.flush()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status:
        sys.exit(f'a part ended with {status}')
