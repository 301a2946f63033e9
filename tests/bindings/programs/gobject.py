#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-glib by GObject introspection: gobject.py URI prints what the library answers; events come by GLib's main loop."""
import sys

import gi

gi.require_version('LibvirtGObject', '1.0')
gi.require_version('LibvirtGConfig', '1.0')
from gi.repository import GLib, LibvirtGConfig, LibvirtGObject  # noqa: E402

ONE = '11111111-1111-4111-8111-111111111111'
DOMAIN = (f"<domain type='test'><name>one</name><uuid>{ONE}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
          "<os><type arch='i686'>hvm</type></os></domain>")
WAIT_SECONDS = 10


def show(name, call, *words):
    try:
        print(f'{name}: {call(*words)}')
    except GLib.Error as e:
        print(f'{name}: {e.domain} {e.code}')


def names(objects):
    return sorted(o.get_name() for o in objects)


LibvirtGObject.init_object(None)
print('== connection')
conn = LibvirtGObject.Connection.new(sys.argv[1])
show('open', conn.open, None)
show('type', conn.get_hypervisor_name)
show('version', conn.get_version)
show('read-only', conn.is_read_only)
show('fetch', lambda: (conn.fetch_domains(None), conn.fetch_storage_pools(None), conn.fetch_networks(None)))
show('domains', lambda: names(conn.get_domains()))
show('pools', lambda: names(conn.get_storage_pools()))
show('networks', lambda: names(conn.get_networks()))
show('node', lambda: [getattr(conn.get_node_info(), k) for k in ('memory', 'cpus', 'mhz', 'nodes', 'sockets', 'cores', 'threads')])
show('nonsense', lambda: LibvirtGObject.Connection.new('nonsense:///').open(None))

print('== domains')
events, loop = [], GLib.MainLoop()
for signal in ('domain-added', 'domain-removed'):
    conn.connect(signal, lambda _, dom, s: (events.append((s, dom.get_name())), s == 'domain-removed' and loop.quit()), signal)
one = conn.create_domain(LibvirtGConfig.Domain.new_from_xml(DOMAIN))
show('name', one.get_name)
show('uuid', one.get_uuid)
for step, words in (('start', (0,)), ('suspend', ()), ('resume', ()), ('reboot', (0,)), ('stop', (0,)), ('get_id', ()),
                    ('get_persistent', ())):
    show(step, getattr(one, step), *words)
test = conn.find_domain_by_name('test')
show('info', lambda: [getattr(test.get_info(), k) for k in ('maxMem', 'memory', 'nrVirtCpu')])
show('config', lambda: test.get_config(0).get_name())
show('delete', one.delete, 0)
GLib.timeout_add_seconds(WAIT_SECONDS, loop.quit)
loop.run()
# How often a removal is told depends on when the loop runs: by the library at once, and by the event.
print('events:', sorted(set(events)))
