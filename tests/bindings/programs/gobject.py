#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-glib by GObject introspection: gobject.py URI prints what the library answers to every method of every class, called
plainly and asynchronously; signals, streams and the events of python3-libvirt come by GLib's main loop."""
import os
import re
import sys

import gi
import libvirt

gi.require_version('LibvirtGLib', '1.0')
gi.require_version('LibvirtGObject', '1.0')
gi.require_version('LibvirtGConfig', '1.0')
from gi import _gi  # noqa: E402
from gi.repository import GLib, GObject, LibvirtGConfig, LibvirtGLib, LibvirtGObject  # noqa: E402

URI = sys.argv[1]
FILES = os.environ['BINDINGS_FILES']      # a folder that the daemon sees under the same name
ONE = '11111111-1111-4111-8111-111111111111'
DOMAIN = (f"<domain type='test'><name>one</name><uuid>{ONE}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
          "<os><type arch='i686'>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest/one'/>"
          "<target dev='vda' bus='virtio'/></disk><interface type='network'><mac address='52:54:00:00:00:01'/>"
          "<source network='default'/><target dev='net0'/></interface></devices></domain>")
POOL = f"<pool type='dir'><name>one</name><uuid>{ONE}</uuid><target><path>{FILES}/pool</path></target></pool>"
VOLUME = "<volume><name>v1</name><capacity unit='bytes'>1048576</capacity><target><format type='raw'/></target></volume>"
WAIT_SECONDS = 10
called, heard = set(), []


def canonical(value):
    """Text that is the same in each run: objects by name."""
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(canonical(v) for v in value) + ']'
    if isinstance(value, LibvirtGConfig.Object):
        return f'{type(value).__name__} {len(value.to_xml()) > 0}'
    if hasattr(value, 'get_name'):
        return f'{type(value).__name__} {value.get_name()}'
    if isinstance(value, GObject.Object):
        return type(value).__name__
    return str(value).replace(FILES, 'FILES')


def method_of(thing, method):
    """The method, which is noted for the class that has it."""
    for kind in type(thing).__mro__:
        if method in vars(kind):
            called.add((kind.__name__, method))
    return getattr(thing, method)


def show(name, call, *words, only=None):
    try:
        value = call(*words)
    except GLib.Error as e:
        print(f'{name}: {e.domain} {e.code}')
        return None
    except (AttributeError, TypeError, ValueError) as e:        # the binding's own, or None from a failed step
        print(f'{name}: {type(e).__name__}')
        return None
    print(f'{name}: {canonical(only(value) if only else value)}')
    return value


def do(thing, method, *words, only=None):
    """Call a method and print what it gives."""
    return show(method, lambda: method_of(thing, method)(*words), only=only)


def later(thing, method, *words, only=None):
    """Call the two halves of an asynchronous method, with the main loop between them."""
    def both():
        results = []
        method_of(thing, method + '_async')(*words, None, lambda _, result, *rest: results.append(result))
        wait(lambda: results, method)
        return method_of(thing, method + '_finish')(results[0])
    return show(method + ' later', both, only=only)


def wait(condition, what):
    """Run the main loop until the condition is true."""
    context, late = GLib.MainContext.default(), []
    timer = GLib.timeout_add_seconds(WAIT_SECONDS, lambda: late.append(1) or False)
    while not condition() and not late:
        context.iteration(True)
    if late:
        sys.exit(f'{what} did not come')
    GLib.source_remove(timer)


def names(things):
    return sorted(t.get_name() for t in things)


def listen(thing, *signals):
    for signal in signals:
        thing.connect(signal, lambda source, *rest: heard.append((rest[-1], rest[0].get_name() if len(rest) > 1 and hasattr(
            rest[0], 'get_name') else '')), signal)


def signals():
    """How often a removal is told depends on when the loop runs: by the library at once, and by the event."""
    print('signals:', sorted(set(heard)))
    heard.clear()


def connection():
    conn = LibvirtGObject.Connection.new(URI)
    listen(conn, 'connection-opened', 'connection-closed')
    do(conn, 'is_open')
    do(conn, 'open', None)
    do(conn, 'open', None)
    for method in ('is_open', 'is_read_only', 'get_hypervisor_name', 'get_version'):
        do(conn, method)
    do(conn, 'get_node_info', only=lambda i: (i.memory, i.cpus, i.mhz, i.nodes, i.sockets, i.cores, i.threads))
    do(conn, 'get_uri', only=lambda uri: uri == URI)
    do(conn, 'get_capabilities', only=lambda c: c.get_host().get_cpu().get_arch())
    later(conn, 'get_capabilities', only=lambda c: len(c.get_guests()))
    do(conn, 'get_domain_capabilities', None, 'x86_64', None, 'qemu', 0)
    later(conn, 'get_domain_capabilities', None, 'x86_64', None, 'qemu', 0)
    do(conn, 'close')
    do(conn, 'is_open')
    do(conn, 'get_hypervisor_name')
    later(conn, 'open')
    do(conn, 'close')
    for opened in (do, later):
        reader = LibvirtGObject.Connection.new(URI)
        opened(reader, 'open_read_only', *([None] if opened is do else []))
        do(reader, 'is_read_only')
        do(reader, 'create_domain', LibvirtGConfig.Domain.new_from_xml(DOMAIN))
    show('nonsense', LibvirtGObject.Connection.new('nonsense:///').open, None)
    later(LibvirtGObject.Connection.new('nonsense:///'), 'open')
    wait(lambda: ('connection-closed', '') in heard, 'the end of the connection')
    signals()


def manager():
    them, conn = LibvirtGObject.Manager.new(), opened()
    listen(them, 'connection-added', 'connection-removed')
    do(them, 'add_connection', conn)
    do(them, 'find_connection_by_uri', URI, only=lambda c: c == conn)
    do(them, 'find_connection_by_uri', 'nothing:///')
    do(them, 'remove_connection', conn)
    signals()


def opened():
    conn = LibvirtGObject.Connection.new(URI)
    conn.open(None)
    return conn


def lists():
    conn = opened()
    for kind in ('domains', 'storage_pools', 'networks', 'interfaces'):
        do(conn, 'get_' + kind)
        do(conn, 'fetch_' + kind, None)
        do(conn, 'get_' + kind, only=names)
        later(conn, 'fetch_' + kind)
    do(conn, 'find_domain_by_id', 1)
    do(conn, 'find_domain_by_id', 99)
    for kind, name in (('domain', 'test'), ('network', 'default'), ('storage_pool', 'default-pool')):
        found = do(conn, f'find_{kind}_by_name', name)
        do(conn, f'find_{kind}_by_name', 'nothing')
        do(conn, 'get_' + kind, found.get_uuid())
        do(conn, 'get_' + kind, ONE)
    do(conn, 'get_interface', 'eth1')
    do(conn, 'find_interface_by_mac', 'aa:bb:cc:dd:ee:ff')
    do(conn, 'find_interface_by_mac', '02:02:02:02:02:02')
    eth, net = conn.get_interface('eth1'), conn.find_network_by_name('default')
    for method, words in (('get_name', ()), ('get_mac', ()), ('get_config', (0,))):
        do(eth, method, *words)
    for method, words in (('get_name', ()), ('get_uuid', ()), ('get_config', (0,))):
        do(net, method, *words)
    leases = do(net, 'get_dhcp_leases', None, 0, only=len)
    for lease in leases or []:
        for method in ('get_iface', 'get_mac', 'get_ip', 'get_ip_type', 'get_prefix', 'get_hostname', 'get_client_id', 'get_iaid'):
            do(lease, method)
        do(lease, 'get_expiry_time', only=lambda t: t > 0)


def domains():
    conn = opened()
    listen(conn, 'domain-added', 'domain-removed')
    conn.fetch_domains(None)
    one = do(conn, 'create_domain', LibvirtGConfig.Domain.new_from_xml(DOMAIN))
    do(conn, 'create_domain', LibvirtGConfig.Domain.new_from_xml('<domain/>'))
    listen(one, 'started', 'stopped', 'suspended', 'resumed', 'updated', 'pmsuspended')
    for method, words in (('get_name', ()), ('get_uuid', ()), ('get_id', ()), ('get_persistent', ()), ('get_saved', ()),
                          ('start', (0,)), ('start', (0,)), ('get_id', ()), ('suspend', ()), ('resume', ()), ('suspend', ())):
        do(one, method, *words)
    later(one, 'resume')
    later(one, 'resume')
    later(one, 'get_info', only=lambda i: (i.maxMem, i.memory, i.nrVirtCpu))
    do(one, 'get_info', only=lambda i: (i.state, i.maxMem))
    for method, words in (('reboot', (0,)), ('wakeup', (0,)), ('set_time', (None, 0)), ('stop', (0,)), ('stop', (0,))):
        do(one, method, *words)
    later(one, 'start', 0)
    later(one, 'wakeup', 0)
    later(one, 'set_time', GLib.DateTime.new_utc(2020, 1, 2, 3, 4, 5), 0)
    config = do(one, 'get_config', 2)
    config.set_title('a title')
    do(one, 'set_config', config)
    do(one, 'get_config', 2, only=lambda c: (c.get_name(), c.get_title(), c.get_memory(), c.get_vcpus()))
    do(one, 'shutdown', 0)
    do(one, 'delete', 0)
    two = do(conn, 'start_domain', LibvirtGConfig.Domain.new_from_xml(DOMAIN.replace('one', 'two')), 0)
    two.stop(0)
    wait(lambda: ('domain-removed', 'two') in heard, 'the end of the domain')
    signals()


def domain_images():
    conn = opened()
    conn.fetch_domains(None)
    test = conn.find_domain_by_name('test')
    do(test, 'save', 0)
    do(test, 'get_saved')
    do(test, 'start', 0)
    later(test, 'save', 0)
    test.start(0)
    do(test, 'save_to_file', FILES + '/image', None, 0)
    do(test, 'save_to_file', FILES + '/image', None, 0)
    do(conn, 'restore_domain_from_file', FILES + '/image', None, 0)
    do(conn, 'restore_domain_from_file', FILES + '/nothing', None, 0)
    later(test, 'save_to_file', FILES + '/image', None, 0)
    later(conn, 'restore_domain_from_file', FILES + '/image', None, 0)
    do(test, 'get_info', only=lambda i: i.state)


def devices():
    conn = opened()
    one = conn.create_domain(LibvirtGConfig.Domain.new_from_xml(DOMAIN))
    one.start(0)
    for device in do(one, 'get_devices') or []:
        do(device, 'get_domain')
        config = do(device, 'get_config')
        if hasattr(device, 'get_stats'):
            do(device, 'get_stats', only=lambda s: type(s).__name__)
        if hasattr(device, 'resize'):
            do(device, 'resize', 2048, 0)
            do(one, 'update_device', config, 0)
    do(one, 'open_graphics', 0, 1, 0)
    do(one, 'open_graphics_fd', 0, 0)
    one.stop(0)
    one.delete(0)


def snapshots():
    conn = opened()
    conn.fetch_domains(None)
    test = conn.find_domain_by_name('test')

    def config(name):
        snapshot = LibvirtGConfig.DomainSnapshot.new()
        snapshot.set_name(name)
        return snapshot
    do(test, 'get_has_current_snapshot', 0)
    first = do(test, 'create_snapshot', config('first'), 0)
    do(test, 'create_snapshot', config('first'), 0)
    second = later(test, 'create_snapshot', config('second'), 0)
    do(test, 'get_has_current_snapshot', 0)
    do(test, 'fetch_snapshots', 0, None)
    later(test, 'fetch_snapshots', 0)
    do(test, 'get_snapshots', only=names)
    for method, words in (('get_name', ()), ('get_is_current', (0,)), ('revert_to', (0,)), ('get_is_current', (0,))):
        do(first, method, *words)
    later(second, 'revert_to', 0)
    changed = do(second, 'get_config', 0)
    changed.set_description('words')
    do(second, 'set_config', changed)
    do(second, 'get_config', 0, only=lambda c: c.get_description())
    do(second, 'delete', 0)
    later(first, 'delete', 0)
    later(first, 'delete', 0)


def pools():
    conn = opened()
    one = do(conn, 'create_storage_pool', LibvirtGConfig.StoragePool.new_from_xml(POOL), 0)
    do(conn, 'create_storage_pool', LibvirtGConfig.StoragePool.new_from_xml('<pool/>'), 0)
    for method, words in (('get_name', ()), ('get_uuid', ()), ('get_active', ()), ('get_persistent', ()), ('get_autostart', ()),
                          ('set_autostart', (True,)), ('get_autostart', ()), ('build', (0,)), ('start', (0,)), ('start', (0,)),
                          ('refresh', (None,)), ('get_config', (0,)), ('get_volumes', ())):
        do(one, method, *words)
    do(one, 'get_info', only=lambda i: i.state)
    volume = do(one, 'create_volume', LibvirtGConfig.StorageVol.new_from_xml(VOLUME))
    do(one, 'create_volume', LibvirtGConfig.StorageVol.new_from_xml(VOLUME))
    do(one, 'get_volumes', only=names)
    do(one, 'get_volume', 'v1')
    for method, words in (('get_name', ()), ('get_path', ()), ('get_config', (0,)), ('resize', (2 << 20, 0)), ('delete', (0,))):
        do(volume, method, *words)
    do(volume, 'get_info', only=lambda i: (i.type, i.capacity))
    later(one, 'refresh')
    do(one, 'stop')
    do(one, 'stop')
    later(one, 'start', 0)
    later(one, 'stop')
    later(one, 'build', 0)
    do(one, 'delete', 0)
    later(one, 'delete', 0)
    do(one, 'undefine')
    later(one, 'undefine')


def halves(name, pipe, method, *words, only):
    """Call the two halves of a method of GIO's streams, which these have asynchronously only."""
    def both():
        results = []
        getattr(pipe, method + '_async')(*words, GLib.PRIORITY_DEFAULT, None, lambda _, result: results.append(result))
        wait(lambda: results, name)
        return only(getattr(pipe, method + '_finish')(results[0]))
    show(name, both)


def streams():
    """Streams are read and written as any of GIO; what this library has beside that the binding can only try."""
    conn = opened()
    conn.fetch_domains(None)
    conn.fetch_storage_pools(None)
    pool = conn.find_storage_pool_by_name('default-pool')
    pool.refresh(None)
    volume = pool.create_volume(LibvirtGConfig.StorageVol.new_from_xml(VOLUME))
    test = conn.find_domain_by_name('test')
    stream = do(conn, 'get_stream', 0)
    do(test, 'screenshot', stream, 0, 0)
    show('read at once', lambda: stream.get_input_stream().read_bytes(100, None))
    halves('read', stream.get_input_stream(), 'read_bytes', 100, only=lambda data: (data.get_size(), data.get_data()[1:4]))
    show('close', stream.close, None)
    stream = conn.get_stream(0)
    if do(volume, 'upload', stream, 0, 9, 0):
        halves('write', stream.get_output_stream(), 'write', b'some text', only=int)
    show('close', stream.close, None)
    stream = conn.get_stream(0)
    if do(volume, 'download', stream, 0, 9, 0):
        halves('read volume', stream.get_input_stream(), 'read_bytes', 9, only=lambda data: data.get_data())
    show('close', stream.close, None)
    stream = conn.get_stream(0)
    test.screenshot(stream, 0, 0)
    do(stream, 'send', 'x', 1, None)
    do(stream, 'receive', 9, None)
    do(stream, 'send_all', None, lambda *_: 0, None)
    do(stream, 'receive_all', None, lambda *_: 0, None)
    watched, ready = conn.get_stream(1), []
    test.screenshot(watched, 0, 0)
    do(watched, 'add_watch', GLib.PRIORITY_DEFAULT, LibvirtGObject.StreamIOCondition.READABLE,
       lambda s, condition, *rest: ready.append(int(condition)) or False, only=lambda n: n > 0)
    wait(lambda: ready, 'the stream being readable')
    print('ready:', ready)
    do(test, 'open_console', conn.get_stream(0), None, 0)


def documents():
    """Every class of documents, made empty; one domain made by hand, as programs do."""
    for name in sorted(dir(LibvirtGConfig)):
        kind = getattr(LibvirtGConfig, name)
        if isinstance(kind, type) and issubclass(kind, LibvirtGConfig.Object) and hasattr(kind, 'new'):
            show(name, lambda k=kind: k.new().to_xml().strip())
    domain, machine = LibvirtGConfig.Domain.new(), LibvirtGConfig.DomainOs.new()
    domain.set_name('made')
    domain.set_virt_type(LibvirtGConfig.DomainVirtType.TEST)
    domain.set_memory(65536)
    domain.set_vcpus(2)
    machine.set_os_type(LibvirtGConfig.DomainOsType.HVM)
    machine.set_arch('i686')
    domain.set_os(machine)
    disk = LibvirtGConfig.DomainDisk.new()
    disk.set_type(LibvirtGConfig.DomainDiskType.FILE)
    disk.set_source('/guest/made')
    disk.set_target_dev('vda')
    disk.set_target_bus(LibvirtGConfig.DomainDiskBus.VIRTIO)
    net = LibvirtGConfig.DomainInterfaceNetwork.new()
    net.set_source('default')
    net.set_mac('52:54:00:00:00:02')
    domain.set_devices([disk, net])
    print(domain.to_xml())
    made = opened().create_domain(domain)
    config = made.get_config(0)
    print('made:', config.get_name(), config.get_memory(), config.get_vcpus(), config.get_virt_type(),
          [type(d).__name__ for d in config.get_devices()], re.sub('<uuid>.*</uuid>', '', config.to_xml()).count('<'))


def main_loop():
    """python3-libvirt's events by GLib's main loop."""
    libvirt.registerErrorHandler(lambda *_: None, None)
    conn, got = libvirt.open(URI), []
    number = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         lambda c, dom, event, detail, opaque: got.append((dom.name(), event, detail)), None)
    one = conn.defineXML(DOMAIN)
    one.create()
    one.destroy()
    one.undefine()
    wait(lambda: len(got) > 3, 'the events')
    print('events:', got)
    timers = []
    timer = libvirt.virEventAddTimeout(1, lambda t, opaque: timers.append(opaque), 'tick')
    wait(lambda: timers, 'the timer')
    libvirt.virEventRemoveTimeout(timer)
    print('timer:', timers[0])
    conn.domainEventDeregisterAny(number)
    print('closed:', conn.close())


def never_called():
    """Every method is called but for those of objects that no call gives, and what needs an answer that the driver may not have."""
    without = {'NetworkFilter', 'NodeDevice', 'Secret', 'NetworkDHCPLease',
               'Manager.get_connections'}     # gives the list away, and the binding frees what isn't its own
    missing = []
    for name in dir(LibvirtGObject):
        kind = getattr(LibvirtGObject, name)
        if isinstance(kind, type) and isinstance(vars(kind).get('__info__'), _gi.ObjectInfo) and name not in without:
            missing += [f'{name}.{m.get_name()}' for m in kind.__info__.get_methods() if m.get_name() != 'new' and
                        (name, m.get_name()) not in called and f'{name}.{m.get_name()}' not in without]
    print('never called:', missing)
    print('called:', len(called) > 100)


LibvirtGLib.init(None)
LibvirtGLib.event_register()
LibvirtGObject.init_object(None)
for part in (connection, manager, lists, domains, domain_images, devices, snapshots, pools, streams, documents, main_loop,
             never_called):
    print(f'== {part.__name__}', flush=True)
    part()
