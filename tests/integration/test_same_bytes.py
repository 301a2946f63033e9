# SPDX-License-Identifier: LGPL-2.1-or-later
"""What our client sends for each method of python3-libvirt is byte for byte what Debian's sends, but for what is explained."""
import os

import pytest

import support
import wiretap
from support import tree

pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

# Begins what belongs to a method: the name of a domain that nobody has.
MARK = b'MARK-'
# Questions that clients may or may not have about a connection, whatever it is for.
ABOUT_CONNECTION = {'CONNECT_SUPPORTS_FEATURE', 'CONNECT_GET_LIB_VERSION', 'CONNECT_IS_SECURE', 'CONNECT_REGISTER_CLOSE_CALLBACK'}
EXPLAINED = {
    'conn.baselineHypervisorCPU': 'no processor to compare is refused by their client already, and by each daemon',
    'again.create': 'ours makes one call, whose answer has the new id, theirs two',
}

SCRIPT = r'''
import inspect, libvirt, os
os.chdir(FOLDER)
conn = libvirt.open(URI)
# What ends what comes later is left out, and what waits or needs a stream; functions of the binding's own; and getSEVInfo(), with which theirs
# sends a number that nobody has set.
LEFT_OUT = {'c_pointer', 'close', 'connect', 'create', 'createWithFlags', 'delete', 'destroy', 'destroyFlags', 'detach', 'detachFlags',
            'dettach', 'domainListGetStats', 'getAllDomainStats', 'getSEVInfo', 'isAlive', 'managedSave', 'migrate', 'migrate2', 'migrate3',
            'migrateToURI', 'migrateToURI2', 'migrateToURI3', 'newStream', 'openChannel', 'openConsole', 'reAttach', 'reboot',
            'registerCloseCallback', 'rename', 'reset', 'save', 'saveFlags', 'screenshot', 'setKeepAlive', 'shutdown', 'storagePoolDestroy',
            'suspendForDuration', 'undefine', 'undefineFlags', 'wipe'}

def mark(name):
    try:
        conn.lookupByName('MARK-' + name)
    except libvirt.libvirtError:
        pass

def attempt(name, function, *arguments):
    mark(name)
    try:
        function(*arguments)
    except Exception:
        pass    # what was sent counts, whatever the binding thinks of it

def value(parameter, number):
    kind = str(parameter.annotation)
    if 'int' in kind or parameter.name == 'flags':
        return 0 if parameter.name == 'flags' else number
    if 'List' in kind or 'Sequence' in kind:
        return ['relative/one', 'two']
    if 'Dict' in kind:
        return {}
    if 'Tuple' in kind:
        return (True,)
    if 'bool' in kind:
        return True
    return ('../relative/path', '<a/>')[number]

def all_of(title, thing, number):
    for name in sorted(dir(thing)):
        method = getattr(thing, name)
        if name.startswith('_') or name in LEFT_OUT or 'Event' in name or 'stream' in name.lower() or not callable(method):
            continue
        wanted = [p for p in inspect.signature(method).parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
        attempt(f'{title}.{name}', method, *(value(p, number) for p in wanted))

pool = conn.storagePoolLookupByName('default-pool')
things = {'conn': conn, 'dom': conn.lookupByName('test'), 'net': conn.networkLookupByName('default'), 'pool': pool,
          'iface': conn.interfaceLookupByName('eth1'), 'dev': conn.nodeDeviceLookupByName('computer'),
          'vol': pool.createXML('<volume><name>v</name><capacity>1000000</capacity></volume>', 0)}
for number in range(2):
    for title, thing in things.items():
        all_of(title, thing, number)
dom = things['dom']
for name, arguments in (('suspend', ()), ('resume', ()), ('save', ('./saved',)), ('create', ()), ('coreDump', ('a//b/../core', 0)),
                        ('managedSave', (0,)), ('setMemoryFlags', (1000, 3)), ('blockRebase', ('vda', 'relative', 0, 8)),
                        ('snapshotCreateXML', ('<domainsnapshot/>', 0)), ('setUserPassword', ('user', 'secret', 0)),
                        ('shutdownFlags', (0,)), ('reboot', (0,)), ('destroyFlags', (0,)), ('undefineFlags', (0,)), ('undefine', ())):
    attempt('again.' + name, getattr(dom, name), *arguments)
for name, arguments in (('restore', ('saved',)), ('saveImageGetXMLDesc', ('/tmp/../saved//', 0)), ('getAllDomainStats', (0, 0)),
                        ('domainListGetStats', ([dom], 0, 0))):
    attempt('again.' + name, getattr(conn, name), *arguments)
mark('end')
'''


def sent(daemon, folder, ours, protocol):
    """METHOD -> what was sent for it: (procedure, arguments). Both sides' folders have names of one length, which isn't told apart."""
    folder.mkdir()
    names = {(protocol.program(call.program)[0], call.number): call.name for call, _ in protocol.calls.values()}
    path = os.path.join(folder, 'tap')
    with wiretap.WireTap(path, daemon.socket) as tap:
        head = f'FOLDER, URI = {str(folder)!r}, "test+unix:///default?socket={path}"\n'
        daemon.python(head + SCRIPT, ours=ours, seconds=100)
    os.unlink(path)
    found, method = {}, None
    for program, procedure, body in tap.asked:
        name, at = names[program, procedure], body.find(MARK)
        if at >= 0:
            method = body[at + len(MARK):at + int.from_bytes(body[at - 4:at], 'big')].decode()
            found.setdefault(method, [])
        elif method and name not in ABOUT_CONNECTION:
            found[method].append((name, body.replace(str(folder).encode(), b'FOLDER')))
    return found


def test_same(new_daemon, tmp_path, protocol):
    ours, theirs = (sent(new_daemon().start(), tmp_path / side, side == 'ours', protocol) for side in ('ours', 'them'))
    assert ours.keys() == theirs.keys() and len(ours) > 250 and sum(map(len, ours.values())) > 300
    differ = {name for name, calls in ours.items() if calls != theirs[name]}
    told = '\n'.join(f'{name}:\n  ours   {ours[name]}\n  theirs {theirs[name]}' for name in sorted(differ - EXPLAINED.keys()))
    assert not told, told
    assert not EXPLAINED.keys() - differ, 'these agree now, so they need no explanation'
