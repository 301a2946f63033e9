# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 1200
"""Domains and real guests through python3-libvirt on Debian's library: states and their reasons, events, persistence,
what guests do by themselves, and what is done to them."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

import pytest

import support
from support import domain_xml, file_has, wait_for, wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = pytest.mark.foreign_library
BOOT_SECONDS = 60
RUNNING, PAUSED, SHUTOFF = 1, 3, 5
STARTED, SUSPENDED, RESUMED, STOPPED = 2, 3, 4, 5
AGENT_COMMAND_TIMEOUT, AGENT_COMMAND_FAILED = 112, 113     # python3-libvirt 9.0 has no names for them
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
NIC = "<interface type='user'><mac address='52:54:00:aa:bb:cc'/><model type='virtio'/></interface>"

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


class Events:
    """Life-cycle events of a connection, pumped while waiting."""

    def __init__(self, connection):
        self.connection, self.seen = connection, []
        self.id = connection.domainEventRegisterAny(
            None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
            lambda c, d, event, detail, o: self.seen.append((d.name(), event, detail)), None)

    def wait(self, name, event, seconds=20):
        """The detail of the first event of this kind, which is taken off the list."""
        end = time.monotonic() + seconds
        timer = libvirt.virEventAddTimeout(50, lambda *_: None, None)
        try:
            while True:
                for item in self.seen:
                    if item[:2] == (name, event):
                        self.seen.remove(item)
                        return item[2]
                assert time.monotonic() < end, f'no event {event} of {name}; seen: {self.seen}'
                libvirt.virEventRunDefaultImpl()
        finally:
            libvirt.virEventRemoveTimeout(timer)


@contextlib.contextmanager
def opened(daemon):
    connection = libvirt.open(daemon.uri)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def connection(daemon):
    with opened(daemon) as found:
        yield found


@pytest.fixture
def events(connection):
    found = Events(connection)
    yield found
    connection.domainEventDeregisterAny(found.id)


@pytest.fixture
def booted(guest_daemon, guest, request):
    """A function that boots the tiny guest and gives (domain, console file)."""
    logs = []
    with opened(guest_daemon) as found:
        def boot(name, extra='', flags=0, **options):
            log = support.console_file(guest, name)
            logs.append(log)
            domain = found.createXML(domain_xml(name, guest=guest, extra=extra, console=log, **options), flags)
            wait_for_mark(log, 'GUEST-READY', BOOT_SECONDS)
            return domain, log
        yield boot
        for domain in found.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            try:
                domain.destroy()
            except libvirt.libvirtError as error: # it may end by itself meanwhile
                if error.get_error_code() not in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
                    raise
    for log in logs:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(log)


def code(caught):
    return caught.value.get_error_code()


def test_states_and_reasons(connection):
    domain = connection.defineXML(domain_xml('a', memory=16))
    assert domain.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_UNKNOWN]
    domain.create()
    assert domain.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED]
    domain.suspend()
    assert domain.state() == [PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
    domain.resume()
    assert domain.state() == [RUNNING, libvirt.VIR_DOMAIN_RUNNING_UNPAUSED]
    domain.destroy()
    assert domain.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED]
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    assert domain.state() == [PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
    domain.destroy()


def test_events(connection, events):
    domain = connection.defineXML(domain_xml('e', memory=16))
    assert events.wait('e', 0) == libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED
    connection.defineXML(domain_xml('e', memory=17))
    assert events.wait('e', 0) == libvirt.VIR_DOMAIN_EVENT_DEFINED_UPDATED
    domain.create()
    assert events.wait('e', STARTED) == libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED
    domain.suspend()
    assert events.wait('e', SUSPENDED) == libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED
    domain.resume()
    assert events.wait('e', RESUMED) == libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED
    domain.destroy()
    assert events.wait('e', STOPPED) == libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED
    domain.undefine()
    assert events.wait('e', 1) == libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED


def test_wrong_state_is_refused(connection):
    domain = connection.defineXML(domain_xml('w', memory=16))
    for call in (domain.suspend, domain.resume, domain.destroy, domain.shutdown, domain.reset,
                 lambda: domain.reboot(0)):
        with pytest.raises(libvirt.libvirtError) as caught:
            call()
        assert code(caught) == libvirt.VIR_ERR_OPERATION_INVALID
    domain.create()
    with pytest.raises(libvirt.libvirtError) as caught:
        domain.create()
    assert code(caught) == libvirt.VIR_ERR_OPERATION_INVALID
    domain.destroy()


def test_transient_and_persistent(connection):
    domain = connection.createXML(domain_xml('t', memory=16), libvirt.VIR_DOMAIN_START_PAUSED)
    assert not domain.isPersistent() and domain.isActive()
    connection.defineXML(domain_xml('t', memory=20))
    assert domain.isPersistent() and domain.isUpdated() == 0
    assert '>16384<' in domain.XMLDesc() and '>20480<' in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    domain.undefine()
    assert domain.isActive() and not domain.isPersistent()
    domain.destroy()
    with pytest.raises(libvirt.libvirtError) as caught:
        connection.lookupByName('t')
    assert code(caught) == libvirt.VIR_ERR_NO_DOMAIN


def test_names_and_ids_are_unique(connection):
    domain = connection.defineXML(domain_xml('one', memory=16))
    other = domain_xml('two', memory=16).replace(
        domain_xml('two').split('<uuid>')[1].split('<')[0], domain.UUIDString())
    for text in (other, domain_xml('two', memory=16).replace('<name>two', '<name>one')):
        with pytest.raises(libvirt.libvirtError) as caught:
            connection.defineXML(text)
        assert code(caught) == libvirt.VIR_ERR_OPERATION_FAILED
    assert [d.name() for d in connection.listAllDomains()] == ['one']


def test_list_filters(connection):
    connection.defineXML(domain_xml('off', memory=16))
    connection.createXML(domain_xml('paused', memory=16), libvirt.VIR_DOMAIN_START_PAUSED)
    connection.createXML(domain_xml('runs', memory=16))
    names = lambda flags: sorted(d.name() for d in connection.listAllDomains(flags))    # noqa: E731
    assert names(0) == ['off', 'paused', 'runs']
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE) == ['paused', 'runs']
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE) == ['off']
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT) == ['off']
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT) == ['paused', 'runs']
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING) == ['runs']
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_PAUSED | libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT) == ['paused']
    assert names(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART) == []
    assert connection.numOfDomains() == 2 and connection.listDefinedDomains() == ['off']


def test_autodestroy(daemon, connection):
    with opened(daemon) as other:
        other.createXML(domain_xml('with-me', memory=16), libvirt.VIR_DOMAIN_START_AUTODESTROY)
        assert connection.lookupByName('with-me').isActive()
    wait_for(lambda: connection.numOfDomains() == 0, 10, 'the guest going with its connection')


def test_killed_qemu_is_noticed(connection, events):
    domain = connection.defineXML(domain_xml('k', memory=16))
    domain.create()
    pid = pid_of('k')
    os.kill(pid, signal.SIGKILL)
    assert events.wait('k', STOPPED) == libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED
    assert domain.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]
    domain.create()
    domain.destroy()


def test_failed_start_says_why(connection):
    disk = "<disk type='file' device='disk'><driver name='qemu' type='raw'/>" \
           "<source file='/nonexistent/disk.img'/><target dev='vda' bus='virtio'/></disk>"
    domain = connection.defineXML(domain_xml('f', memory=16, devices=disk))
    with pytest.raises(libvirt.libvirtError) as caught:
        domain.create()
    assert '/nonexistent/disk.img' in str(caught.value)
    assert domain.state() == [SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_FAILED] and not domain.isActive()


def test_monitor_command_and_taint(connection, daemon):
    pytest.importorskip('libvirt_qemu')
    import libvirt_qemu     # pylint: disable=import-outside-toplevel
    domain = connection.createXML(domain_xml('m', memory=16), libvirt.VIR_DOMAIN_START_PAUSED)
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, '{"execute": "query-status"}', 0))
    assert answer['return']['running'] is False
    assert 'qemu' in libvirt_qemu.qemuMonitorCommand(domain, 'info version',
                                                     libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) or True
    assert any('monitor' in message for message in domain.messages())


def test_configuration_calls(connection):
    domain = connection.defineXML(domain_xml('c', memory=64))
    domain.setMemoryFlags(32 * 1024, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    domain.setMaxMemory(128 * 1024)
    assert domain.info()[1:3] == [128 * 1024, 32 * 1024] and domain.maxMemory() == 128 * 1024
    domain.setVcpusFlags(4, libvirt.VIR_DOMAIN_AFFECT_CONFIG | libvirt.VIR_DOMAIN_VCPU_MAXIMUM)
    domain.setVcpusFlags(2, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    assert domain.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_CONFIG) == 2
    assert domain.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_CONFIG | libvirt.VIR_DOMAIN_VCPU_MAXIMUM) == 4
    for wrong in (lambda: domain.setMemoryFlags(1024 * 1024, libvirt.VIR_DOMAIN_AFFECT_CONFIG),
                  lambda: domain.setVcpusFlags(9, libvirt.VIR_DOMAIN_AFFECT_CONFIG),
                  lambda: domain.setVcpusFlags(0, libvirt.VIR_DOMAIN_AFFECT_CONFIG)):
        with pytest.raises(libvirt.libvirtError) as caught:
            wrong()
        assert code(caught) == libvirt.VIR_ERR_INVALID_ARG
    assert domain.autostart() == 0
    domain.setAutostart(1)
    assert domain.autostart() == 1
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'Named', None, None, 0)
    assert domain.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None, 0) == 'Named'


def test_guest_powers_itself_off(booted, guest_daemon):
    with opened(guest_daemon) as watcher:
        events = Events(watcher)
        booted('off', extra='guest.off')
        assert events.wait('off', STOPPED, 30) == libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN
        assert watcher.listAllDomains() == []
        watcher.domainEventDeregisterAny(events.id)


def test_power_button_is_a_wish(booted):
    """A guest that ignores the button stays, and destroy ends it."""
    domain, log = booted('deaf', extra='guest.noacpi')
    domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    wait_for_mark(log, 'GUEST-BUTTON ignored')
    assert domain.state()[0] == RUNNING
    domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
    with pytest.raises(libvirt.libvirtError):
        domain.state()


def test_reset(booted):
    domain, log = booted('again', on_reboot='restart')
    domain.reset()
    wait_for(lambda: open(log, encoding='utf-8', errors='replace').read().count('GUEST-READY') == 2, BOOT_SECONDS,
             'the second boot')
    assert domain.state()[0] == RUNNING


def test_agent(booted):
    pytest.importorskip('libvirt_qemu')
    import libvirt_qemu     # pylint: disable=import-outside-toplevel
    domain, log = booted('agent', devices=AGENT)
    answer = wait_for(lambda: agent_answers(libvirt_qemu, domain), 20, 'the agent answering')
    assert json.loads(answer) == {'return': {}}
    assert "name='org.qemu.guest_agent.0' state='connected'" in domain.XMLDesc()
    with pytest.raises(libvirt.libvirtError) as caught:
        libvirt_qemu.qemuAgentCommand(domain, '{"execute":"no-such-thing"}', 5, 0)
    assert 'no-such-thing' in str(caught.value)
    domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
    wait_for_mark(log, 'GUEST-DOWN agent', 30)


def test_agent_asks_the_system(booted, guest_daemon):
    libvirt_qemu = pytest.importorskip('libvirt_qemu')
    domain, _ = booted('asks', devices=AGENT + NIC, vcpus=2)
    wait_for(lambda: agent_answers(libvirt_qemu, domain), 20, 'the agent answering')
    assert domain.guestVcpus() == {'vcpus': '0-1', 'online': '0-1', 'offlinable': '1'}
    guest = libvirt.VIR_DOMAIN_VCPU_GUEST
    domain.setVcpusFlags(1, guest)
    assert domain.vcpusFlags(guest) == 1 and domain.guestVcpus()['online'] == '0'
    domain.setGuestVcpus('1', 1)
    assert domain.vcpusFlags(guest) == 2
    assert caught_code(domain.setVcpusFlags, 3, guest) == libvirt.VIR_ERR_INVALID_ARG
    now = domain.getTime()
    assert abs(now['seconds'] - time.time()) < 3600 and 0 <= now['nseconds'] < 10 ** 9
    # the tiny guest has no hwclock, which its agent would call
    assert caught_code(domain.setTime, {'seconds': 1234567890}) == AGENT_COMMAND_FAILED
    assert caught_code(domain.setTime, {'seconds': 1 << 60}) == libvirt.VIR_ERR_INVALID_ARG
    frozen = domain.fsFreeze()
    assert domain.fsThaw() == frozen
    assert caught_code(domain.fSTrim, '/', 0) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    found = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    assert {'addr': '127.0.0.1', 'prefix': 8, 'type': libvirt.VIR_IP_ADDR_TYPE_IPV4} in found['lo']['addrs']
    assert any(i['hwaddr'] == '52:54:00:aa:bb:cc' for i in found.values())
    assert not domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)      # it is on no network of ours
    own = json.loads(guest_daemon.virsh('domifaddr', 'asks', '--wait', '--timeout', '30', '--format', 'json'))      # without loopback
    assert own and {(one['mac'], one['source']) for one in own} == {('52:54:00:aa:bb:cc', 'agent')}
    told = domain.guestInfo(0, 0)
    assert told['if.count'] == len(found)
    assert told['os.machine'] == 'x86_64' and told['os.kernel-release'] and told['user.count'] == 0 and told['hostname']
    assert domain.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_TIMEZONE, 0)['timezone.offset'] == 0
    domain.agentSetResponseTimeout(0)
    pid = pid_of('asks')
    os.kill(pid, signal.SIGSTOP)        # some guests do answer within no time
    try:
        assert caught_code(domain.getTime) in (libvirt.VIR_ERR_AGENT_UNRESPONSIVE, AGENT_COMMAND_TIMEOUT,
                                               libvirt.VIR_ERR_AGENT_UNSYNCED)
    finally:
        os.kill(pid, signal.SIGCONT)
    domain.agentSetResponseTimeout(libvirt.VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT)
    assert wait_for(lambda: agent_answers(libvirt_qemu, domain), 20, 'the agent answering again')
    assert domain.getTime()['seconds'] >= now['seconds']


def test_asked_while_taken_over(daemon, tmp_path):
    """Who asks a guest that a beginning daemon is still taking over gets the answer, not an error."""
    support.run(['qemu-img', 'create', '-q', '-f', 'raw', str(tmp_path / 'image'), '8M'])
    disk = f"<disk type='file'><driver name='qemu' type='raw'/><source file='{tmp_path}/image'/><target dev='vda' bus='virtio'/></disk>"
    libvirt.open(daemon.uri).createXML(domain_xml('taken', devices=disk + AGENT))
    pid = next(p for p in support.guest_processes(daemon.root))
    daemon.kill()
    os.kill(pid, signal.SIGSTOP)
    answers = {}

    def ask(name, call):
        connection = libvirt.open(daemon.uri)
        try:
            answers[name] = call(connection.lookupByName('taken'))
        except libvirt.libvirtError as problem:
            answers[name] = problem
    try:
        daemon.start()
        libvirt_qemu = pytest.importorskip('libvirt_qemu')
        threads = [threading.Thread(target=ask, args=each) for each in {
            'block': lambda domain: domain.blockInfo('vda')[0],
            'monitor': lambda domain: 'running' in libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"query-status"}', 0),
            'agent': lambda domain: libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-ping"}', 1, 0)}.items()]
        for thread in threads:
            thread.start()
        threads[0].join(0.5)
        assert not answers
    finally:
        os.kill(pid, signal.SIGCONT)
    for thread in threads:
        thread.join()
    assert answers['block'] == 8 << 20 and answers['monitor'] is True
    assert answers['agent'].get_error_code() == libvirt.VIR_ERR_AGENT_UNRESPONSIVE       # nobody is in the guest: asked, without answer


def test_trays_and_viewers(connection, daemon, tmp_path):
    """Told as the reference tells them; what stands open is known to a daemon that wasn't there, too."""
    seen = []
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, lambda c, d, alias, why, o: seen.append((alias, why)), None)
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_GRAPHICS,
                                      lambda c, d, phase, local, remote, scheme, subject, o:
                                      seen.append((phase, local['family'], local['service'], remote['node'], scheme, subject)), None)
    (tmp_path / 'cd').write_bytes(bytes(1 << 20))
    cd = f"<disk type='file' device='cdrom'><source file='{tmp_path}/cd'/><target dev='sda' bus='scsi'/></disk>"
    domain = connection.createXML(domain_xml('tray', devices=cd + "<graphics type='vnc' port='-1' listen='127.0.0.1'/>"), libvirt.VIR_DOMAIN_START_PAUSED)

    tree = ET.fromstring(domain.XMLDesc())
    alias, port = tree.find('devices/disk/alias').get('name'), tree.find('devices/graphics').get('port')

    def tray():
        return "tray='open'" in daemon.virsh('dumpxml', 'tray')

    def told(*expected):
        wait_for(lambda: seen == list(expected), 20, f'{expected}; seen: {seen}')
        seen.clear()
    support.ask(daemon, 'tray', 'blockdev-open-tray', id=alias, force=True)
    told((alias, libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN))
    assert tray()
    support.ask(daemon, 'tray', 'blockdev-close-tray', id=alias)
    told((alias, libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_CLOSE))
    assert not tray()
    with socket.create_connection(('127.0.0.1', int(port))) as viewer:
        viewer.sendall(viewer.recv(12))
        viewer.recv(10)
        viewer.sendall(b'\1')          # no authentication
        viewer.recv(4)
        viewer.sendall(b'\1')          # shared
        viewer.recv(24)
    told(*((phase, libvirt.VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_IPV4, port, '127.0.0.1', 'none', []) for phase in (0, 1, 2)))
    support.ask(daemon, 'tray', 'blockdev-open-tray', id=alias, force=True)
    told((alias, libvirt.VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN))
    daemon.kill()
    daemon.start()
    daemon.virsh('qemu-monitor-command', 'tray', '{"execute":"query-status"}')     # it is taken over
    assert tray()
    with subprocess.Popen([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'event', '--event', 'tray-change', '--timeout', '30'],
                          stdout=subprocess.PIPE, text=True) as watcher:
        while watcher.poll() is None:       # from when on it listens, it doesn't say
            support.ask(daemon, 'tray', 'blockdev-close-tray', id=alias)
            support.ask(daemon, 'tray', 'blockdev-open-tray', id=alias, force=True)
        assert watcher.stdout.read().startswith(f"event 'tray-change' for domain 'tray' disk {alias}: ")


def pid_of(name):
    """Of the QEMU of this domain."""
    mark = f'guest={name},'.encode()
    for pid in support.guest_processes(''):
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            if mark in f.read() + b',':
                return pid
    raise AssertionError(f'no process of {name}')


def caught_code(function, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        function(*args)
    return code(caught)


def agent_answers(libvirt_qemu, domain):
    try:
        return libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-ping"}', 5, 0)
    except libvirt.libvirtError as problem:
        assert problem.get_error_code() in (libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_AGENT_UNSYNCED)
        return None


def test_no_agent_is_said(connection):
    libvirt_qemu = pytest.importorskip('libvirt_qemu')
    domain = connection.createXML(domain_xml('none', memory=16), libvirt.VIR_DOMAIN_START_PAUSED)
    with pytest.raises(libvirt.libvirtError) as caught:
        libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-ping"}', 5, 0)
    assert code(caught) in (libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
                            libvirt.VIR_ERR_OPERATION_INVALID)


def test_statistics_and_input(booted):
    domain, _ = booted('busy', devices=NIC + "<video><model type='vga'/></video><graphics type='vnc' autoport='yes'/>")
    stats = domain.connect().getAllDomainStats(0)[0][1]
    assert stats['state.state'] == RUNNING and stats['vcpu.current'] == 1 and stats['net.count'] == 1
    assert stats['cpu.time'] > 0 and stats['balloon.maximum'] == 128 * 1024
    assert domain.info()[4] > 0
    domain.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, 0, [28], 1, 0)
    domain.injectNMI()
    stream = domain.connect().newStream()
    assert domain.screenshot(stream, 0) in ('image/png', 'image/x-portable-pixmap')
    data = bytearray()
    stream.recvAll(lambda s, part, opaque: data.extend(part), None)
    stream.finish()
    assert data[:4] == b'\x89PNG' or data[:2] == b'P6'
    assert len(data) > 1000
    assert domain.jobInfo()[0] == libvirt.VIR_DOMAIN_JOB_NONE


def test_autostart_with_the_host(daemon):
    """Guests start when the host has come up (its /run is empty then), not each time that the daemon does."""
    if isinstance(daemon, support.ReferenceDaemon):
        pytest.skip('its /run lies in its namespace')
    with opened(daemon) as connection:
        connection.defineXML(domain_xml('auto', memory=16)).setAutostart(1)
    daemon.stop()
    daemon.start()
    with opened(daemon) as connection:
        assert not connection.lookupByName('auto').isActive()
    daemon.stop()
    os.unlink(os.path.join(daemon.root, 'run/libvirt/qemu/autostarted'))
    daemon.start()
    with opened(daemon) as connection:
        domain = connection.lookupByName('auto')
        wait_for(lambda: domain.state()[0] == RUNNING, 20, 'the guest starting with the daemon')


def test_the_log_tells_the_command(daemon, connection):
    connection.createXML(domain_xml('logged', memory=16), libvirt.VIR_DOMAIN_START_PAUSED)
    if isinstance(daemon, support.ReferenceDaemon):
        pytest.skip('its log lies in its namespace')
    path = os.path.join(daemon.root, 'var/log/libvirt/qemu/logged.log')
    assert file_has(path, '-name guest=logged') and file_has(path, '-nodefaults')
    assert os.stat(path).st_mode & 0o077 == 0


def test_definition_written_by_hand(new_daemon):
    """A file that was put into the folder, without UUID and addresses: they are found once and stay, for all daemons."""
    daemon = new_daemon()
    if isinstance(daemon, support.ReferenceDaemon):
        pytest.skip('it finds others each time')
    path = os.path.join(daemon.root, 'etc/libvirt/qemu/hand.xml')
    os.makedirs(os.path.dirname(path))
    with open(path, 'w', encoding='utf-8') as f:
        f.write("<domain type='qemu'><name>hand</name><memory>16384</memory><os><type>hvm</type></os>"
                "<devices><interface type='user'/></devices></domain>")
    daemon.start()
    xml = daemon.virsh('dumpxml', 'hand')
    assert '<uuid>' in xml and '<mac address=' in xml
    daemon.stop()
    daemon.start()
    assert daemon.virsh('dumpxml', 'hand') == xml


def test_process_id_for_scripts(daemon, connection):
    """run/…/NAME.pid holds the process id as long as the guest runs."""
    if isinstance(daemon, support.ReferenceDaemon):
        pytest.skip('its /run lies in its namespace')
    connection.createXML(domain_xml('told', memory=16), libvirt.VIR_DOMAIN_START_PAUSED)
    path = os.path.join(daemon.root, 'run/libvirt/qemu/told.pid')
    with open(path, encoding='utf-8') as f:
        pid = f.read().strip()
    assert 'qemu-system' in os.readlink(f'/proc/{pid}/exe')
    connection.lookupByName('told').destroy()
    assert not os.path.exists(path)
