# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Settings of a whole guest: its clock, which it sets; features of machines, x86 and others. Asked of real QEMUs."""
import datetime
import re
import shutil
import socket

import pytest

import support
from support import ask, wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = pytest.mark.foreign_library
libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)

OPPOSITE_HALF = 12 * 3600       # how far a clock moves when its hour is changed from the first half of the day to the second, or back


def document(name, top='', machine='pc', arch='x86_64', features='<acpi/>', arguments='', devices=''):
    return f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>{name}</name><memory unit='MiB'>256</memory>
      <os><type arch='{arch}' machine='{machine}'>hvm</type></os><features>{features}</features>{top}
      <devices><controller type='usb' model='none'/>{devices}<memballoon model='none'/></devices>
      <qemu:commandline>{''.join(f"<qemu:arg value='{one}'/>" for one in arguments)}</qemu:commandline></domain>"""


class Ports:
    """The guest's I/O ports, read and written as its processor would do it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile('rw')

    def tell(self, command):
        self.lines.write(command + '\n')
        self.lines.flush()
        answer = self.lines.readline().split()
        assert answer[0] == 'OK', (command, answer)
        return answer[1:]

    def clock(self, register, value=None):
        self.tell(f'outb 0x70 {register}')
        return self.tell(f'outb 0x71 {value}') if value is not None else int(self.tell('inb 0x71')[0], 16)

    def hour(self):
        digits = self.clock(4)
        return (digits >> 4) * 10 + (digits & 15)

    def move_by_half_a_day(self):
        hour = (self.hour() + 12) % 24
        self.clock(4, hour // 10 << 4 | hour % 10)
        return OPPOSITE_HALF if hour >= 12 else -OPPOSITE_HALF

    def close(self):
        self.lines.close()
        self.socket.close()


@pytest.fixture
def start_with_clock(daemon, tmp_path):
    """Defines and starts a guest with this clock: its ports."""
    opened = []

    def start(clock):
        path = tmp_path / f'ports{len(opened)}'
        daemon.virsh('define', support.written(tmp_path, document('clock', clock, arguments=['-qtest', f'unix:{path},server=on,wait=off'])))
        daemon.virsh('start', 'clock', '--paused')      # its firmware would use the same ports
        opened.append(Ports(str(path)))
        return opened[-1]
    yield start
    for ports in opened:
        ports.close()


def clock_of(daemon, *options):
    return re.search('<clock.*?/>', daemon.virsh('dumpxml', 'clock', *options)).group(0)


def seconds_of(clock):
    return int(re.search("adjustment='(-?[0-9]+)'", clock).group(1))


def test_variable_clock_keeps_what_the_guest_sets(daemon, start_with_clock):
    ports = start_with_clock("<clock offset='variable' adjustment='7200' basis='utc'/>")
    hours = {(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2, minutes=shift)).hour for shift in (-1, 0)}
    assert ports.hour() in hours
    moved = ports.move_by_half_a_day()
    wait_for(lambda: seconds_of(clock_of(daemon)) != 7200, 20, 'the new time')
    assert abs(seconds_of(clock_of(daemon)) - (7200 + moved)) <= 2 and "basis='utc'" in clock_of(daemon)
    # A daemon that comes later knows where it began.
    kept = clock_of(daemon)
    daemon.crash()
    daemon.restart()
    assert clock_of(daemon) == kept
    back = ports.move_by_half_a_day()
    assert back == -moved
    wait_for(lambda: abs(seconds_of(clock_of(daemon)) - 7200) <= 2, 20, 'the old time')
    # The next start is as it was defined.
    assert seconds_of(clock_of(daemon, '--inactive')) == 7200


def test_other_clocks_stay_as_defined(daemon, start_with_clock):
    ports = start_with_clock("<clock offset='utc'/>")
    connection, told = libvirt.open(daemon.uri), []
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_RTC_CHANGE, lambda c, d, offset, opaque: told.append(offset), None)
    moved = ports.move_by_half_a_day()
    wait_for(lambda: told, 20, 'the event')
    connection.close()
    assert abs(told[0] - moved) <= 2
    assert clock_of(daemon) == clock_of(daemon, '--inactive') == "<clock offset='utc'/>"


def test_clock_of_a_time_zone(daemon, start_with_clock):
    ports = start_with_clock("<clock offset='timezone' timezone='XYZ-5'/>")      # POSIX's form: five hours east of UTC
    hours = {(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=5, minutes=shift)).hour for shift in (-1, 0)}
    assert ports.hour() in hours
    assert clock_of(daemon) == "<clock offset='timezone' timezone='XYZ-5'/>"


# Features of machines: what stands in <features> or <devices>, and what the machine then has.
FEATURES = {
    'power': ('ppc64', 'pseries', "<hpt resizing='disabled'><maxpagesize unit='KiB'>64</maxpagesize></hpt><htm state='off'/><nested-hv state='off'/>"
              "<ccf-assist state='off'/><cfpc value='broken'/><sbbc value='broken'/><ibs value='broken'/>", "<panic model='pseries'/>",
              {'resize-hpt': 'disabled', 'cap-hpt-max-page-size': 65536, 'cap-htm': False, 'cap-nested-hv': False, 'cap-cfpc': 'broken'}),
    'arm': ('aarch64', 'virt', "<gic version='3'/><ras state='on'/>", "<iommu model='smmuv3'/>", {'ras': True, 'iommu': 'smmuv3', 'gic-version': '3'}),
    'riscv': ('riscv64', 'virt', "<aia value='aplic'/>", '', {'aia': 'aplic'}),
}


@pytest.mark.parametrize('name', FEATURES)
def test_features_of_other_machines(daemon, tmp_path, name):
    arch, machine, features, devices, properties = FEATURES[name]
    if not shutil.which(f'qemu-system-{arch}'):
        pytest.skip(f'qemu-system-{arch} is not installed')
    daemon.virsh('create', '--paused', support.written(tmp_path, document(name, '', machine, arch, features, devices=devices)))
    for key, value in properties.items():
        assert ask(daemon, name, 'qom-get', path='/machine', property=key) == value, key


def test_workers_of_the_main_loop(daemon, tmp_path):
    daemon.virsh('create', '--paused', support.written(tmp_path, document(
        'loop', "<defaultiothread thread_pool_min='2' thread_pool_max='5'/>")))
    for key, value in (('thread-pool-min', 2), ('thread-pool-max', 5)):
        assert ask(daemon, 'loop', 'qom-get', path='/objects/main-loop', property=key) == value


def test_memory_given_back_in_the_background(daemon, tmp_path):
    daemon.virsh('create', support.written(tmp_path, document('teardown', features="<async-teardown enabled='yes'/>")))
    qemu, = support.guest_processes(daemon.root)
    with open(f'/proc/{qemu}/task/{qemu}/children', encoding='ascii') as f:
        helper, = f.read().split()
    with open(f'/proc/{helper}/comm', encoding='ascii') as f:
        assert f.read() == f'cleanup/{qemu}\n'


def code_of(function, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        function(*args)
    return caught.value.get_error_code()


def test_launches_that_prove_nothing(daemon, tmp_path):
    """A guest without <launchSecurity> tells nothing and takes no secret; a host without SEV says so. Codes as in the reference."""
    connection = libvirt.open(daemon.uri)
    domain = connection.createXML(document('plain'))
    assert domain.launchSecurityInfo() == {}
    assert code_of(connection.getSEVInfo) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    whole = {'sev-secret': 'QQ==', 'sev-secret-header': 'QQ=='}
    assert code_of(domain.setLaunchSecurityState, whole) == libvirt.VIR_ERR_OPERATION_UNSUPPORTED
    assert code_of(domain.setLaunchSecurityState, {'sev-secret': 'A' * 20000}) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(domain.setLaunchSecurityState, {}) == libvirt.VIR_ERR_INVALID_ARG
    assert code_of(domain.setLaunchSecurityState, {'sev-measurement': 'x'}) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    connection.close()
    path = support.written(tmp_path, document('hidden', "<launchSecurity type='sev'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits>"
                                                        "<policy>1</policy></launchSecurity>"))
    with pytest.raises(AssertionError, match="needs type='kvm'"):
        daemon.virsh('create', path)


def counted(domain):
    (_, values), = domain.connect().domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_PERF)
    return values


def test_events_that_are_counted(daemon):
    connection = libvirt.open(daemon.uri)
    wanted = "<perf><event name='cpu_clock' enabled='yes'/><event name='page_faults' enabled='no'/></perf>"
    domain = connection.defineXML(document('counted', wanted))
    domain.create()
    assert list(counted(domain)) == ['perf.cpu_clock']
    before = counted(domain)['perf.cpu_clock']
    wait_for(lambda: counted(domain)['perf.cpu_clock'] > before, 20, 'more time of the processor')
    domain.setPerfEvents({'page_faults_min': True, 'context_switches': True})
    assert list(counted(domain)) == ['perf.cpu_clock', 'perf.context_switches', 'perf.page_faults_min']
    wait_for(lambda: counted(domain)['perf.context_switches'] > 0, 20, 'switches of context')
    # One that can't be counted leaves all as it was.
    assert code_of(domain.setPerfEvents, {'task_clock': True, 'cmt': True}) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    assert list(counted(domain)) == ['perf.cpu_clock', 'perf.context_switches', 'perf.page_faults_min']
    events = domain.perfEvents()
    assert events['cpu_clock'] and not events['task_clock'] and not events['cmt']
    domain.setPerfEvents({'context_switches': False})
    assert list(counted(domain)) == ['perf.cpu_clock', 'perf.page_faults_min']
    connection.close()
    daemon.crash()
    daemon.restart()
    connection = libvirt.open(daemon.uri)
    domain = connection.lookupByName('counted')
    wait_for(lambda: list(counted(domain)) == ['perf.cpu_clock', 'perf.page_faults_min'], 20, 'the guest being taken over')
    wait_for(lambda: counted(domain)['perf.cpu_clock'] > 0, 20, 'time of the processor after the restart')
    domain.destroy()
    assert not counted(domain)
    domain = connection.defineXML(document('uncounted', "<perf><event name='mbml' enabled='yes'/></perf>"))
    assert code_of(domain.create) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    connection.close()
