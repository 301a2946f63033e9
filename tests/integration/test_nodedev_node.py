# SPDX-License-Identifier: LGPL-2.1-or-later
"""The devices of this very host, beside what Debian's daemon tells of them; devices that come and go."""
import contextlib
import os
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library, pytest.mark.skipif(os.geteuid() != 0, reason='needs root')]
libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


@pytest.fixture(scope='module', autouse=True)
def own_sysfs():
    """That of this network's namespace, as the reference has it."""
    subprocess.run(['mount', '-t', 'sysfs', '-o', 'ro', 'sysfs', '/sys'], check=True)
    yield
    subprocess.run(['umount', '/sys'], check=True)


@pytest.fixture
def connection(daemon):
    with contextlib.closing(libvirt.open(daemon.uri)) as conn:
        yield conn


def told(conn):
    return {dev.name(): ElementTree.canonicalize(dev.XMLDesc(0), strip_text=True) for dev in conn.listAllDevices(0)}


def test_as_the_reference_tells(connection, reference):
    """All but the network's (each has its own), the host itself (without SMBIOS the reference has no UUID for it), and a bridge
    without the capability of PCI Express that the reference calls so."""
    with contextlib.closing(libvirt.open(reference.uri)) as other:
        ours, theirs = told(connection), told(other)
    for devices in (ours, theirs):
        for name in [name for name in devices if name.startswith('net_') or name == 'computer']:
            del devices[name]
    assert ours.keys() == theirs.keys() and ours
    for name, text in theirs.items():
        assert ours[name] in (text, text.replace('<pci-express></pci-express>', '')), name


def test_the_host(connection):
    computer = connection.nodeDeviceLookupByName('computer')
    assert computer.listCaps() == ['system'] and computer.parent() is None
    [uuid] = ElementTree.fromstring(computer.XMLDesc(0)).iter('uuid')
    assert uuid.text in connection.getCapabilities()


def test_coming_and_going(connection):
    """A pair of network devices, which is told of when it comes, when it changes and when it goes."""
    events = []

    def note(_, dev, event, detail, opaque):
        if dev.name().startswith('net_nd'):
            events.append((dev.name(), event))
    connection.nodeDeviceEventRegisterAny(None, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, note, None)
    connection.listAllDevices(0)    # from here on all that was there is known
    subprocess.run(['ip', 'link', 'add', 'nd0', 'address', '02:00:00:00:00:01', 'type', 'veth', 'peer', 'name', 'nd1',
                    'address', '02:00:00:00:00:02'], check=True)
    first = 'net_nd0_02_00_00_00_00_01'
    wait_for(lambda: len(events) == 2, what='both having come')
    assert {name for name, event in events if event == libvirt.VIR_NODE_DEVICE_EVENT_CREATED} == {first, 'net_nd1_02_00_00_00_00_02'}
    device = connection.nodeDeviceLookupByName(first)
    assert '<interface>nd0</interface>' in device.XMLDesc(0) and device.parent() == 'computer' and device.isActive() == 1
    assert first in connection.listDevices('net', 0) and connection.numOfDevices('net', 0) == len(connection.listDevices('net', 0))
    subprocess.run(['ip', 'link', 'del', 'nd0'], check=True)
    wait_for(lambda: len(events) == 4, what='both having gone')
    with pytest.raises(libvirt.libvirtError) as caught:
        connection.nodeDeviceLookupByName(first)
    assert caught.value.get_error_code() == libvirt.VIR_ERR_NO_NODE_DEVICE


def test_a_flood(connection):
    """More devices than one look takes: none is lost, none is left."""
    count = 200
    batch = ''.join(f'link add f{n} type ifb\n' for n in range(count))
    subprocess.run(['ip', '-batch', '-'], input=batch, text=True, check=True)
    flood = lambda: [name for name in connection.listDevices('net', 0) if name.startswith('net_f')]     # noqa: E731
    wait_for(lambda: len(flood()) == count, 60, 'all of them')
    subprocess.run(['ip', '-batch', '-'], input=batch.replace('add', 'del'), text=True, check=True)
    wait_for(lambda: not flood(), 60, 'none of them')


def test_what_is_no_device_for_guests(connection):
    """Refused with the reason, and nothing has happened."""
    def code(call, *args):
        with pytest.raises(libvirt.libvirtError) as caught:
            call(*args)
        return caught.value.get_error_code(), str(caught.value)
    pci = [dev for dev in connection.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)]
    assert code(connection.nodeDeviceLookupByName('computer').dettach)[0] == libvirt.VIR_ERR_INVALID_ARG
    assert code(connection.nodeDeviceLookupByName('computer').destroy)[0] == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    if pci:
        assert 'vfio-pci' in code(pci[0].detachFlags, 'odd', 0)[1]
    mdev = "<device><parent>computer</parent><capability type='mdev'><type id='x'/></capability></device>"
    assert code(connection.nodeDeviceCreateXML, mdev, 0)[0] in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INTERNAL_ERROR)
