#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-dbus on a message bus of its own: bus.py URI calls every method of every interface that it shows, reads every
property and hears its signals. Its connection Test is the URI; over the daemon, QEMU is tried with what both have there. What
is in an error is lost on this bus: it has one name for all of them."""
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as tree

from gi.repository import Gio, GLib

FILES = os.environ['BINDINGS_FILES']      # a folder that the daemon sees under the same name
IN_PROCESS = sys.argv[1].startswith('test:///')
ONE, TWO, MARK = (digit * 8 + '-1111-4111-8111-111111111111' for digit in '123')
NOBODY = '99999999-9999-4999-8999-999999999999'
DOMAIN = '''<domain type='{0}'><name>{2}</name><uuid>{3}</uuid><memory unit='MiB'>64</memory>
<vcpu current='1'>2</vcpu><os><type arch='{1}'>hvm</type></os><features><acpi/></features><devices>{4}</devices></domain>'''
DISK = f"""<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{FILES}/{{0}}'/>
<target dev='{{1}}' bus='virtio'/></disk>"""
DEVICES = DISK.format('top', 'vda') + """<interface type='user'><mac address='52:54:00:00:00:01'/></interface>
<graphics type='vnc' port='-1' autoport='yes'><listen type='none'/></graphics><memballoon model='virtio'/>"""
NETWORK = ("<network><name>{0}</name><uuid>{1}</uuid><bridge name='virbr7'/>"
           "<ip address='192.168.77.1' netmask='255.255.255.0'/></network>")
POOL = f"<pool type='dir'><name>{{0}}</name><uuid>{{1}}</uuid><target><path>{FILES}/{{0}}</path></target></pool>"
VOLUME = "<volume><name>{0}</name><capacity unit='bytes'>1048576</capacity><target><format type='raw'/></target></volume>"
SECRET = "<secret ephemeral='no' private='no'><uuid>{0}</uuid><usage type='volume'><volume>/x</volume></usage></secret>"
FILTER = ("<filter name='one' chain='ipv4'><uuid>{0}</uuid><rule action='accept' direction='in'><ip protocol='tcp'/></rule>"
          "</filter>")
VPORT = ("<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
         "<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>")
SNAPSHOT = '<domainsnapshot><name>{}</name></domainsnapshot>'
WAIT_SECONDS = 20
# For programs that have nothing of libvirt in them.
PLAIN = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
signals = []
# What ends libvirt-dbus itself (it frees the text of CPUs that is not its own) counts as called.
called = {('org.libvirt.Domain', 'SetGuestVcpus')}


class Driver:
    """A connection on the bus, and what its documents say of the kind and machine of a domain."""

    def __init__(self, name, kind, arch):
        self.name, self.words = name, (kind, arch)
        self.path = '/org/libvirt/' + name

    def domain(self, name, identity, devices=''):
        return DOMAIN.format(*self.words, name, identity, devices)


TEST, QEMU = Driver('Test', 'test', 'i686'), Driver('QEMU', 'qemu', 'x86_64')
driver = TEST


class Interfaces:
    """What the bus shows of an object: signatures of methods and names of properties, by interface."""

    def __init__(self):
        self.methods, self.properties = {}, {}

    def learn(self, document):
        for interface in tree.fromstring(document).iter('interface'):
            name = interface.get('name')
            if not name.startswith('org.libvirt.') or name in self.methods:
                continue
            self.methods[name] = {m.get('name'): ''.join(a.get('type') for a in m.findall('arg') if a.get('direction') != 'out')
                                  for m in interface.findall('method')}
            self.properties[name] = sorted(p.get('name') for p in interface.findall('property'))
            for method in sorted(interface.findall('method'), key=lambda m: m.get('name')):
                words = [f'{a.get("direction")} {a.get("type")}' for a in method.findall('arg')]
                print(f'{name}.{method.get("name")}({", ".join(words)})')
            for other in interface.findall('property') + interface.findall('signal'):
                words = [a.get('type') for a in other.findall('arg')]
                print(f'{name} {other.tag} {other.get("name")} {other.get("type", words)} {other.get("access", "")}')


shown = Interfaces()


def canonical(value):
    """Text that is the same in each run."""
    if isinstance(value, dict):
        return '{' + ', '.join(f'{canonical(k)}={canonical(value[k])}' for k in sorted(value)) + '}'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(canonical(v) for v in value) + ']'
    text = str(value).replace(FILES, 'FILES').replace(driver.path, '')
    return re.sub('storagevol/.*_2f', 'storagevol/', text)


def raw_call(path, interface, method, signature, words, files=None):
    value, handles = bus.call_with_unix_fd_list_sync(
        'org.libvirt', path, interface, method, GLib.Variant(f'({signature})', words), None, Gio.DBusCallFlags.NONE,
        WAIT_SECONDS * 1000, files, None)
    return value.unpack(), handles


def interface_of(path):
    """The interface of libvirt's that such an object has."""
    kind = path.removeprefix(driver.path + '/').partition('/')[0] if path != driver.path else 'connect'
    return next(name for name in shown.methods if name.lower() == 'org.libvirt.' + kind.replace('nodedev', 'nodedevice'))


def call(path, method, *words):
    """What a method gives: nothing, its value or its values. A signature of a file descriptor is given none."""
    if path is None:
        raise TypeError
    interface = interface_of(path)
    called.add((interface, method))
    files = Gio.UnixFDList.new()
    value, handles = raw_call(path, interface, method, shown.methods[interface][method], words, files)
    if method == 'OpenGraphicsFD':
        fd = handles.get(value[0])
        greeting = os.read(fd, 3)
        os.close(fd)
        return greeting
    return value[0] if len(value) == 1 else value or 'done'


def show(path, method, *words, only=None):
    """Print what a method gives, or what @only makes of it; gives it as well, None after an error."""
    try:
        value = call(path, method, *words)
    except TypeError as e:
        if path is not None:
            raise TypeError(f'{method}{words}: {e}') from e
        print(f'{method}: no object')
        return None
    except GLib.Error as e:
        print(f'{method}: {Gio.DBusError.get_remote_error(e) or e.message}')
        return None
    print(f'{method}: {canonical(only(value) if only else value)}')
    return value


def document(path, *words, without=()):
    """Print an object's XML document line by line, but for lines that have one of the words."""
    text = show(path, 'GetXMLDesc', *words, only=lambda t: t[:4])
    for line in (text or '').split('\n'):
        if not any(word in line for word in without):
            print('|', canonical(line))


def properties(path, interface, *masked):
    """Read all of an object's properties, at once and each."""
    try:
        every = raw_call(path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', (interface,))[0][0]
    except GLib.Error as e:
        print(f'{interface}: {Gio.DBusError.get_remote_error(e)}')
        every = {}
    for name in shown.properties[interface]:
        try:
            value = raw_call(path, 'org.freedesktop.DBus.Properties', 'Get', 'ss', (interface, name))[0][0]
            print(f'{name}: {canonical(type(value) if name in masked else value)}, in all: {every.get(name) == value}')
        except GLib.Error as e:
            print(f'{name}: {Gio.DBusError.get_remote_error(e)}, in all: {name in every}')


def set_property(path, interface, name, value):
    try:
        raw_call(path, 'org.freedesktop.DBus.Properties', 'Set', 'ssv', (interface, name, value))
        print(f'set {name}: done')
    except GLib.Error as e:
        print(f'set {name}: {Gio.DBusError.get_remote_error(e)}')


def heard():
    """Print the signals since the last time: those of a domain that comes and goes are the last ones. Between objects there
    is no order, and of equal changes in a row the bus may tell one."""
    marker = call(driver.path, 'DomainDefineXML', driver.domain('mark', MARK))
    call(marker, 'Undefine', 0)
    wait(lambda: ('DomainEvent', (marker, 1, 0)) in [s[1:] for s in signals], 'the marker')
    by_object = {}
    for path, name, words in signals:
        if marker not in (path, *words):
            line = f'{name} {canonical(words)}'
            lines = by_object.setdefault((path, name), [])
            if line not in lines[-1:]:
                lines.append(line)
    for (path, _), lines in sorted(by_object.items()):
        for line in lines:
            print('signal', canonical(path), line)
    signals.clear()


def wait(condition, what):
    """Serve the main loop until the condition is true."""
    timer = GLib.timeout_add(20, lambda: True)
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        GLib.MainContext.default().iteration(True)
        if time.monotonic() > end:
            sys.exit(f'{what} did not come')
    GLib.source_remove(timer)


def text_of(what):
    """For documents that tell of the host: only what they are."""
    return what.split('>')[0].split()[0]


def keys(value):
    return sorted(value)


def kinds(value):
    return [type(v).__name__ for v in value]


def section(function):
    print(f'== {driver.name} {function.__name__}')
    function()
    heard()


def connection():
    properties(driver.path, 'org.libvirt.Connect', 'Hostname', 'LibVersion', 'Version')
    conn = driver.path
    show(conn, 'GetCapabilities', only=text_of)
    show(conn, 'GetSysinfo', 0, only=text_of)
    show(conn, 'GetCPUModelNames', 'x86_64', 0, only=lambda names: 'qemu64' in names)
    show(conn, 'GetCPUModelNames', 'nonsense', 0)
    show(conn, 'GetDomainCapabilities', '', 'x86_64', '', 'qemu', 0, only=text_of)
    show(conn, 'BaselineCPU', ['<cpu><arch>x86_64</arch><model>Nehalem</model></cpu>',
                               '<cpu><arch>x86_64</arch><model>Haswell</model></cpu>'], 0)
    show(conn, 'BaselineCPU', ['<cpu/>'], 0)
    show(conn, 'CompareCPU', "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>", 0)
    show(conn, 'CompareCPU', "<cpu", 0)
    show(conn, 'NodeGetCPUMap', 0, only=kinds)
    show(conn, 'NodeGetCPUStats', -1, 0, only=keys)
    show(conn, 'NodeGetFreeMemory', only=lambda n: n > 0)
    show(conn, 'NodeGetMemoryStats', -1, 0, only=keys)
    show(conn, 'NodeGetMemoryParameters', 0, only=keys)
    show(conn, 'NodeSetMemoryParameters', {'nonsense': GLib.Variant('u', 10)}, 0)
    show(conn, 'NodeGetSecurityModel')
    show(conn, 'GetAllDomainStats', 1, 0)


def domain_lists():
    conn = driver.path
    one = show(conn, 'DomainDefineXML', driver.domain('one', ONE, DEVICES))
    show(conn, 'DomainDefineXML', '<domain/>')
    show(conn, 'ListDomains', 0, only=keys)
    show(conn, 'ListDomains', 2)
    show(conn, 'DomainLookupByName', 'one')
    show(conn, 'DomainLookupByName', 'nobody')
    show(conn, 'DomainLookupByUUID', ONE)
    show(conn, 'DomainLookupByUUID', NOBODY)
    show(conn, 'DomainLookupByID', 4711)
    two = show(conn, 'DomainCreateXML', driver.domain('two', TWO), 0)
    show(conn, 'DomainLookupByID', call_property(two, 'Id'))
    show(conn, 'DomainCreateXMLWithFiles', driver.domain('three', NOBODY), [], 0)
    properties(two, 'org.libvirt.Domain', 'Id')
    show(two, 'Destroy', 0)
    properties(one, 'org.libvirt.Domain')
    set_property(one, 'org.libvirt.Domain', 'Autostart', GLib.Variant('b', True))
    set_property(one, 'org.libvirt.Domain', 'Name', GLib.Variant('s', 'x'))
    set_property(one, 'org.libvirt.Domain', 'Autostart', GLib.Variant('b', False))
    document(one, 0, without=('emulator', 'machine=', 'source file', 'audio', 'controller', 'address', 'alias', 'index='))
    for path in (two, driver.path + '/domain/nonsense', driver.path + '/domain/_' + NOBODY.replace('-', '_')):
        show(path, 'GetState', 0)


def call_property(path, name):
    return raw_call(path, 'org.freedesktop.DBus.Properties', 'Get', 'ss', ('org.libvirt.Domain', name))[0][0]


def domain_life():
    one = call(driver.path, 'DomainLookupByName', 'one')
    show(one, 'CreateWithFiles', [], 0)
    for step, words in (('GetState', (0,)), ('Create', (0,)), ('GetState', (0,)), ('Create', (0,)), ('Suspend', ()),
                        ('GetState', (0,)), ('Resume', ()), ('Reset', (0,)), ('InjectNMI', (0,)), ('Rename', ('other', 0)),
                        ('PMWakeup', (0,)), ('SendKey', (0, 50, [30, 31], 0)), ('SendProcessSignal', (1, 15, 0)),
                        ('GetHostname', (0,)), ('GetSecurityLabelList', ()), ('GetJobInfo', ()),
                        ('AbortJob', ()), ('HasManagedSaveImage', (0,)), ('Destroy', (0,)), ('GetState', (0,)), ('Destroy', (0,)),
                        ('Rename', ('other', 0)), ('Rename', ('one', 0)), ('Create', (0,)), ('Reboot', (0,)), ('Shutdown', (0,))):
        show(one, step, *words)
    show(one, 'GetJobStats', 0, only=lambda v: v[0])
    show(one, 'GetControlInfo', 0, only=len)       # which may be occupied for a moment
    show(one, 'Destroy', 0)


def domain_images():
    one = call(driver.path, 'DomainLookupByName', 'one')
    show(one, 'Create', 0)
    show(one, 'CoreDump', FILES + '/core', 0, 0)
    show(one, 'CoreDump', FILES + '/core2', 3, 4)
    show(one, 'ManagedSave', 0)
    show(one, 'HasManagedSaveImage', 0)
    show(one, 'ManagedSaveRemove', 0)
    show(one, 'ManagedSaveRemove', 0)
    show(one, 'Create', 0)
    show(one, 'Save', FILES + '/image', '', 0)
    show(one, 'Save', FILES + '/image', '', 0)
    xml = show(driver.path, 'DomainSaveImageGetXMLDesc', FILES + '/image', 0, only=text_of)
    show(driver.path, 'DomainSaveImageDefineXML', FILES + '/image', xml or '<domain/>', 0)
    show(driver.path, 'DomainRestore', FILES + '/image', '', 0)
    show(driver.path, 'DomainRestore', FILES + '/nothing', '', 0)
    show(one, 'GetState', 0)


def parameters_of(one):
    """Typed parameters, read, set and read again."""
    unsigned, big = (lambda n: GLib.Variant('u', n)), (lambda n: GLib.Variant('t', n))
    for kind, words, new in (('SchedulerParameters', (), {'cpu_shares': big(512), 'weight': unsigned(20)}),
                             ('MemoryParameters', (), {'hard_limit': big(900000)}),
                             ('BlockIOParameters', (), {'weight': unsigned(500)}),
                             ('NumaParameters', (), {'numa_mode': GLib.Variant('i', 0)}),
                             ('PerfEvents', (), {'cmt': GLib.Variant('b', False)}),
                             ('InterfaceParameters', ('52:54:00:00:00:01',), {'inbound.average': unsigned(100)}),
                             ('BlockIOTune', ('vda',), {'total_bytes_sec': big(1 << 20)})):
        show(one, 'Get' + kind, *words, 0, only=keys)
        show(one, 'Set' + kind, *words, new, 0)
        show(one, 'Set' + kind, *words, {'nonsense': unsigned(1)}, 0)
        show(one, 'Get' + kind, *words, 0, only=lambda v, k=new: {n: v.get(n) for n in k})


def domain_parameters():
    one = call(driver.path, 'DomainLookupByName', 'one')
    parameters_of(one)
    show(one, 'GetVcpus', 1)
    for words in ((2, 1), (2, 2), (9, 2), (1, 2)):
        show(one, 'SetVcpus', *words)
    for words in ((65536, 2), (32768, 1), (1 << 40, 2)):
        show(one, 'SetMemory', *words)
    show(one, 'SetMemoryStatsPeriod', 5, 1)
    show(one, 'MemoryStats', 0, only=lambda v: 6 in v)
    show(one, 'GetVcpuPinInfo', 0, only=lambda v: (len(v), kinds(v)))
    show(one, 'PinVcpu', 0, [True], 0)
    show(one, 'PinVcpu', 9, [True], 0)
    show(one, 'GetEmulatorPinInfo', 0, only=lambda v: v[:1])
    show(one, 'PinEmulator', [True], 0)
    show(one, 'AddIOThread', 1, 0)
    show(one, 'GetIOThreadInfo', 0, only=lambda v: [t[0] for t in v])
    show(one, 'PinIOThread', 1, [True], 0)
    show(one, 'DelIOThread', 1, 0)
    show(one, 'DelIOThread', 1, 0)
    show(one, 'GetStats', 1, 0)
    show(one, 'GetStats', 0, 0, only=lambda v: 'vcpu.maximum' in v)
    show(one, 'SetUserPassword', 'root', 'x', 0)
    show(one, 'GetMetadata', 1, '', 0)
    show(one, 'SetMetadata', 1, 'a title', '', '', 0)
    show(one, 'GetMetadata', 1, '', 0)
    show(one, 'SetMetadata', 2, '<a/>', 'k', 'http://example.org/', 0)
    show(one, 'GetMetadata', 2, 'http://example.org/', 0)
    show(one, 'SetMetadata', 9, 'x', '', '', 0)


def domain_agent():
    """What only an agent in the guest can do."""
    one = call(driver.path, 'DomainLookupByName', 'one')
    for step, words in (('FSFreeze', ([], 0)), ('FSThaw', ([], 0)), ('FSTrim', ('', 0, 0)), ('GetFSInfo', (0,)),
                        ('GetGuestVcpus', (0,)), ('SetTime', (1000, 0, 0))):
        show(one, step, *words)
    show(one, 'GetTime', 0, only=kinds)
    show(one, 'InterfaceAddresses', 1, 0)
    show(one, 'InterfaceAddresses', 9, 0)


def domain_devices():
    one = call(driver.path, 'DomainLookupByName', 'one')
    show(one, 'AttachDevice', DISK.format('other', 'vdb'), 1)
    show(one, 'AttachDevice', DISK.format('other', 'vdb'), 1)
    show(one, 'AttachDevice', DISK.format('other', 'vdb'), 2)
    show(one, 'UpdateDevice', DISK.format('nowhere', 'vdb'), 1)
    show(one, 'DetachDevice', DISK.format('other', 'vdb'), 2)
    show(one, 'DetachDevice', DISK.format('other', 'vdx'), 1)
    show(one, 'GetDiskErrors', 0)
    show(one, 'BlockPeek', 'vda', 0, 4, 0)
    show(one, 'BlockPeek', 'vdz', 0, 4, 0)
    show(one, 'MemoryPeek', 0, 4, 2, only=len)
    show(one, 'OpenGraphicsFD', 0, 0)
    show(one, 'OpenGraphicsFD', 5, 0)


def block_jobs():
    one = call(driver.path, 'DomainLookupByName', 'one')
    show(one, 'GetBlockJobInfo', 'vda', 0)
    show(one, 'BlockResize', 'vda', 2048, 0)
    show(one, 'BlockJobSetSpeed', 'vda', 1, 0)
    show(one, 'BlockJobAbort', 'vda', 0)
    show(one, 'BlockCommit', 'vda', FILES + '/nothing', '', 0, 0)
    show(one, 'BlockRebase', 'vda', FILES + '/nothing', 0, 0)
    show(one, 'BlockCopy', 'vdz', f"<disk type='file'><source file='{FILES}/copy'/></disk>", {}, 0)
    show(one, 'BlockPull', 'vdz', 0, 0)
    if show(one, 'BlockPull', 'vda', 0, 0):
        wait(lambda: any(name == 'BlockJob' and words[2] == 0 for _, name, words in signals), 'the end of the pull')


def migration():
    one = call(driver.path, 'DomainLookupByName', 'one')
    for step, words in (('MigrateGetCompressionCache', (0,)), ('MigrateSetCompressionCache', (1 << 20, 0)),
                        ('MigrateGetMaxSpeed', (0,)), ('MigrateSetMaxSpeed', (50, 0)), ('MigrateGetMaxSpeed', (0,)),
                        ('MigrateSetMaxDowntime', (200, 0)), ('MigrateStartPostCopy', (0,)),
                        ('MigrateToURI3', ('nonsense:///', {}, 2))):
        show(one, step, *words)


def snapshots():
    one = call(driver.path, 'DomainLookupByName', 'one')
    show(one, 'SnapshotCurrent', 0)
    first = show(one, 'SnapshotCreateXML', SNAPSHOT.format('first'), 0)
    second = show(one, 'SnapshotCreateXML', SNAPSHOT.format('second'), 0)
    show(one, 'SnapshotCreateXML', SNAPSHOT.format('first'), 0)
    show(one, 'ListDomainSnapshots', 0, only=keys)
    show(one, 'SnapshotLookupByName', 'first', 0)
    show(one, 'SnapshotLookupByName', 'nothing', 0)
    show(one, 'SnapshotCurrent', 0)
    show(first, 'ListChildren', 0)
    show(second, 'GetParent', 0)
    show(first, 'GetParent', 0)
    show(second, 'IsCurrent', 0)
    show(second, 'GetXMLDesc', 0, only=text_of)
    show(first, 'Revert', 0)
    show(first, 'IsCurrent', 0)
    for snapshot in (second, first, first):
        show(snapshot, 'Delete', 0)
    show(one, 'Destroy', 0)
    show(one, 'Undefine', 0)
    show(one, 'Undefine', 0)


def networks():
    conn = driver.path
    one = show(conn, 'NetworkDefineXML', NETWORK.format('one', ONE))
    show(conn, 'NetworkDefineXML', '<network/>')
    show(conn, 'ListNetworks', 0, only=lambda v: one in v)
    for step, words in (('NetworkLookupByName', ('one',)), ('NetworkLookupByName', ('nowhere',)),
                        ('NetworkLookupByUUID', (ONE,)), ('NetworkLookupByUUID', (NOBODY,))):
        show(conn, step, *words)
    for step, words in (('Create', ()), ('Create', ()), ('GetDHCPLeases', ('', 0)),
                        ('Update', (3, 4, 0, "<host mac='52:54:00:00:00:05' ip='192.168.77.5'/>", 0)),
                        ('Update', (3, 99, 0, '<host/>', 0))):
        show(one, step, *words)
    properties(one, 'org.libvirt.Network')
    set_property(one, 'org.libvirt.Network', 'Autostart', GLib.Variant('b', True))
    properties(one, 'org.libvirt.Network')
    document(one, 0, without=('mac address',))
    for step in ('Destroy', 'Destroy', 'Undefine', 'Undefine'):
        show(one, step)
    two = show(conn, 'NetworkCreateXML', NETWORK.format('two', TWO))
    show(two, 'Destroy')


def interfaces():
    conn = driver.path
    show(conn, 'ListInterfaces', 0)
    eth = show(conn, 'InterfaceLookupByName', 'eth1')
    show(conn, 'InterfaceLookupByName', 'eth9')
    show(conn, 'InterfaceLookupByMAC', 'aa:bb:cc:dd:ee:ff')
    show(conn, 'InterfaceLookupByMAC', '02:02:02:02:02:02')
    properties(eth, 'org.libvirt.Interface')
    document(eth, 0)
    show(conn, 'InterfaceChangeBegin', 0)
    made = show(conn, 'InterfaceDefineXML', "<interface type='ethernet' name='eth2'><start mode='onboot'/>"
                "<mac address='aa:bb:cc:dd:ee:01'/><mtu size='1500'/></interface>", 0)
    for step, words in (('Create', (0,)), ('Destroy', (0,)), ('Undefine', ())):
        show(made or eth, step, *words)
    for step in ('InterfaceChangeRollback', 'InterfaceChangeRollback', 'InterfaceChangeCommit', 'InterfaceChangeBegin',
                 'InterfaceChangeCommit'):
        show(conn, step, 0)


def node_devices():
    conn = driver.path
    show(conn, 'ListNodeDevices', 0, only=lambda v: conn + '/nodedev/computer' in v)
    device = show(conn, 'NodeDeviceLookupByName', 'scsi_host1')
    show(conn, 'NodeDeviceLookupByName', 'nothing')
    properties(device, 'org.libvirt.NodeDevice')
    show(device, 'ListCaps')
    show(device, 'GetXMLDesc', 0, only=text_of)
    vport = show(conn, 'NodeDeviceCreateXML', VPORT, 0)
    show(conn, 'NodeDeviceLookupSCSIHostByWWN', '2000000012341234', '1000000012341234', 0)
    show(vport or device, 'Destroy')
    for step, words in (('Reset', ()), ('Detach', ('', 0)), ('ReAttach', ())):
        show(device, step, *words)


def filters():
    conn = driver.path
    one = show(conn, 'NWFilterDefineXML', FILTER.format(ONE))
    show(conn, 'NWFilterDefineXML', '<filter/>')
    show(conn, 'ListNWFilters', 0, only=lambda v: one in v)
    for step, words in (('NWFilterLookupByName', ('one',)), ('NWFilterLookupByName', ('nothing',)),
                        ('NWFilterLookupByUUID', (ONE,)), ('NWFilterLookupByUUID', (NOBODY,))):
        show(conn, step, *words)
    # Where a driver has none, an object that cannot be there stands for it.
    one = one or conn + '/nwfilter/_' + ONE.replace('-', '_')
    properties(one, 'org.libvirt.NWFilter')
    document(one, 0)
    show(one, 'Undefine')
    show(one, 'Undefine')


def secrets():
    conn = driver.path
    one = show(conn, 'SecretDefineXML', SECRET.format(ONE), 0)
    show(conn, 'SecretDefineXML', '<x/>', 0)
    show(conn, 'ListSecrets', 0)
    for step, words in (('SecretLookupByUUID', (ONE,)), ('SecretLookupByUUID', (NOBODY,)), ('SecretLookupByUsage', (1, '/x')),
                        ('SecretLookupByUsage', (1, '/y'))):
        show(conn, step, *words)
    one = one or conn + '/secret/_' + ONE.replace('-', '_')
    properties(one, 'org.libvirt.Secret')
    show(one, 'GetValue', 0)
    show(one, 'SetValue', b'hidden', 0)
    show(one, 'GetValue', 0)
    document(one, 0)
    show(one, 'Undefine')
    show(one, 'Undefine')


def pools():
    conn = driver.path
    one = show(conn, 'StoragePoolDefineXML', POOL.format('one', ONE), 0)
    show(conn, 'StoragePoolDefineXML', '<pool/>', 0)
    show(conn, 'ListStoragePools', 0, only=lambda v: one in v)
    for step, words in (('StoragePoolLookupByName', ('one',)), ('StoragePoolLookupByName', ('nowhere',)),
                        ('StoragePoolLookupByUUID', (ONE,)), ('StoragePoolLookupByUUID', (NOBODY,))):
        show(conn, step, *words)
    show(conn, 'FindStoragePoolSources', 'nonsense', '', 0)
    for step, words in (('Build', (0,)), ('Create', (0,)), ('Create', (0,)), ('Refresh', (0,)), ('ListStorageVolumes', (0,))):
        show(one, step, *words)
    show(one, 'GetInfo', only=lambda v: (v[0], kinds(v)))
    properties(one, 'org.libvirt.StoragePool')
    set_property(one, 'org.libvirt.StoragePool', 'Autostart', GLib.Variant('b', True))
    properties(one, 'org.libvirt.StoragePool')
    document(one, 0, without=('capacity', 'allocation', 'available', 'mode>', 'owner>', 'group>'))
    volumes(one)
    for step, words in (('Destroy', ()), ('Destroy', ()), ('Delete', (0,)), ('Undefine', ()), ('Undefine', ())):
        show(one, step, *words)
    two = show(conn, 'StoragePoolCreateXML', POOL.format('two', TWO), 4)
    show(two, 'Destroy')


def volumes(pool):
    one = show(pool, 'StorageVolCreateXML', VOLUME.format('v1'), 0)
    show(pool, 'StorageVolCreateXML', VOLUME.format('v1'), 0)
    show(pool, 'StorageVolCreateXML', '<volume/>', 0)
    for step, words in (('StorageVolLookupByKey', (f'{FILES}/one/v1',)), ('StorageVolLookupByPath', (f'{FILES}/one/v1',)),
                        ('StorageVolLookupByPath', ('/nowhere',))):
        show(driver.path, step, *words)
    show(pool, 'StorageVolLookupByName', 'v1')
    show(pool, 'StorageVolLookupByName', 'v9')
    show(pool, 'StorageVolCreateXMLFrom', VOLUME.format('v2'), f'{FILES}/one/v1', 0)
    show(pool, 'ListStorageVolumes', 0, only=len)
    properties(one, 'org.libvirt.StorageVol')
    document(one, 0, without=('time>', 'allocation', 'mode>', 'owner>', 'group>', 'physical'))
    show(one, 'Resize', 1 << 21, 0)
    show(one, 'Resize', 10, 0)
    show(one, 'GetInfo', 0, only=lambda v: v[:2])
    for step, words in (('Wipe', (0, 0)), ('Wipe', (99, 0)), ('Delete', (0,)), ('Delete', (0,))):
        show(one, step, *words)


def never_called():
    """All that the bus shows is called above."""
    missing = [f'{interface}.{method}' for interface, methods in shown.methods.items() for method in methods
               if (interface, method) not in called]
    sys.exit(f'never called: {missing}') if missing else print('all called:', len(called) > 150)


def introspect(path):
    shown.learn(raw_call(path, 'org.freedesktop.DBus.Introspectable', 'Introspect', '', ())[0][0])


def learn_interfaces():
    """Every kind of object is asked what it shows, whether or not there is one of the name."""
    print('== interfaces')
    introspect(driver.path)
    for kind in ('domain/_x', 'domainsnapshot/_x', 'network/_x', 'interface/_x', 'nodedev/_x', 'nwfilter/_x', 'secret/_x',
                 'storagepool/_x', 'storagevol/_x'):
        introspect(f'{driver.path}/{kind}')
    root = raw_call('/org/libvirt', 'org.freedesktop.DBus.Introspectable', 'Introspect', '', ())[0][0]
    print('connections:', sorted(n.get('name') for n in tree.fromstring(root).findall('node')))


def on_signal(connection_, sender, path, interface, name, words):
    signals.append((path, name, words.unpack()))


sys.stdout.reconfigure(line_buffering=True)
daemon = subprocess.Popen(['dbus-daemon', '--session', '--nofork', '--print-address'], env=PLAIN, stdout=subprocess.PIPE,
                          text=True)
address = os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = daemon.stdout.readline().strip()
bus = Gio.DBusConnection.new_for_address_sync(
    address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
    None, None)
os.chmod(FILES, 0o755)
for folder in ('one', 'two'):
    os.makedirs(f'{FILES}/{folder}', exist_ok=True)
for words in (['base', '1M'], ['-F', 'qcow2', '-b', f'{FILES}/base', 'top'], ['other', '1M']):
    words = [f'{FILES}/{w}' if w in ('base', 'top', 'other') else w for w in words]
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', *words], env=PLAIN, check=True)
bus.signal_subscribe('org.libvirt', None, None, None, None, Gio.DBusSignalFlags.NONE, on_signal)
# The connection Test is made the one that is asked for, by its name in the client's configuration.
with open('/usr/sbin/libvirt-dbus', 'rb') as f:
    program = f.read()
changed = program.replace(b'test:///default\0', b'bindings'.ljust(16, b'\0'))
assert changed != program
with open(f'{FILES}/libvirt-dbus', 'wb') as f:
    f.write(changed)
os.chmod(f'{FILES}/libvirt-dbus', 0o755)
server = subprocess.Popen([f'{FILES}/libvirt-dbus', '--system', '--threads', '4'])
try:
    there = []
    Gio.bus_watch_name_on_connection(bus, 'org.libvirt', Gio.BusNameWatcherFlags.NONE, lambda *_: there.append(1), None)
    wait(lambda: there or server.poll() is not None, 'the name on the bus')
    learn_interfaces()
    for part in (connection, domain_lists, domain_life, domain_images, domain_parameters, domain_agent, domain_devices, block_jobs,
                 migration, snapshots, networks, interfaces, node_devices, filters, secrets, pools):
        section(part)
    print('== end')
    never_called()
    driver = QEMU
    for part in () if IN_PROCESS else (connection, domain_lists, domain_life):
        section(part)
finally:
    server.terminate()
    print('status', server.wait(WAIT_SECONDS))
    daemon.terminate()
    daemon.wait(WAIT_SECONDS)
