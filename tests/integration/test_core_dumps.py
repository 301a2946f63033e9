# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Cores that are dumped unasked: of real guests whose kernel panics, or whose watchdog isn't fed."""
import glob
import os
import re
import time

import pytest

import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
support.run_events_while_waiting(libvirt)

pytestmark = pytest.mark.foreign_library
CRASH = 'panic=0 guest.run=echo,1,>/proc/sys/kernel/sysrq;echo,c,>/proc/sysrq-trigger'
PANIC = "<panic model='pvpanic'/>"
DUMP_SECONDS = 120


@pytest.fixture
def boot(new_daemon, guest, tmp_path, request):
    """Starts a guest of this name, which is crashed by itself: (domain, life cycle events, folder of dumps). The folder isn't there yet."""
    def make(name, action, files=guest, extra=CRASH, devices=PANIC, **options):
        daemon = support.configured(lambda: new_daemon(guest=files), f'auto_dump_path = "{tmp_path}/cores"', 'auto_dump_bypass_cache = 1')
        connection, told = libvirt.open(daemon.uri), []
        request.addfinalizer(connection.close)
        console = support.console_file(files, name)
        request.addfinalizer(lambda: os.unlink(console))
        xml = support.domain_xml(name, guest=files, extra=extra, devices=devices, console=console, **options)
        domain = connection.defineXML(xml.replace('<devices>', f'<on_crash>{action}</on_crash><devices>'))
        connection.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, d, event, detail, _: told.append((event, detail)), None)
        domain.create()
        return domain, told, f'{tmp_path}/cores'
    return make


def one_core(folder, domain_name, begun):
    """The path of the only core, which must be whole."""
    path, = glob.glob(f'{folder}/*')
    number, date = re.fullmatch(rf'(\d+)-{domain_name}-(\d{{4}}-\d\d-\d\d-\d\d:\d\d:\d\d)', os.path.basename(path)).groups()
    assert int(number) == 1 and begun <= time.mktime(time.strptime(date, '%Y-%m-%d-%H:%M:%S')) + 1 <= time.time() + 1
    with open(path, 'rb') as file:
        assert file.read(4) == b'\x7fELF' and file.seek(0, 2) >= 128 << 20
    assert os.stat(path).st_mode & 0o777 == 0o600
    return path


def test_destroyed_after_a_dump(boot):
    begun = time.time()
    domain, told, folder = boot('a-guest-with-quite-a-long-name', 'coredump-destroy')
    wait_for(lambda: (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED) in told, DUMP_SECONDS, 'the end of the crashed guest')
    assert domain.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED]
    assert (libvirt.VIR_DOMAIN_EVENT_CRASHED, libvirt.VIR_DOMAIN_EVENT_CRASHED_PANICKED) in told
    one_core(folder, 'a-guest-with-quite-a', begun)


def test_restarted_after_a_dump(boot):
    begun = time.time()
    domain, told, folder = boot('again', 'coredump-restart', on_reboot='restart')
    wait_for(lambda: os.path.isdir(folder) and domain.state() == [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_CRASHED], DUMP_SECONDS,
             'the guest being restarted')
    one_core(folder, 'again', begun)
    assert (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED) not in told
    domain.destroy()


def test_no_room_for_a_dump(boot, tmp_path):
    """What fails is in the log; the guest ends all the same."""
    (tmp_path / 'cores').write_text('no folder')
    domain, told, _ = boot('nowhere', 'coredump-destroy')
    wait_for(lambda: (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED) in told, DUMP_SECONDS, 'the end of the crashed guest')
    assert not domain.isActive()


def test_dumped_by_a_watchdog(boot, every_device_guest):
    """It is dumped and runs on."""
    begun = time.time()
    domain, _, folder = boot('unfed', 'destroy', files=every_device_guest, extra='guest.run=watchdog,-T,2,-t,600,/dev/watchdog', memory=160,
                             devices="<watchdog model='i6300esb' action='dump'/>")
    wait_for(lambda: os.path.isdir(folder) and domain.state() == [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_UNPAUSED], 120,
             'the guest running on')
    one_core(folder, 'unfed', begun)
    domain.destroy()
