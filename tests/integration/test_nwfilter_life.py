# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters under load, under kills, under those who empty the firewall, over restarts: no rule is too many or too few."""
import contextlib
import os
import random
import re
import subprocess
import threading

import pytest

import support
from filtered import MARKS as pytestmark, guest, host  # noqa: F401 pylint: disable=unused-import
from filtered import DROP, HELD, PASS, binding_xml, chains, filter_xml, frame, make_devices, problem, table
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
KILLS = int(os.environ.get('LIBVIRT_TEST_KILLS') or 10)
# connections at a time: by hand a hundred
CHANGERS = int(os.environ.get('LIBVIRT_TEST_CHANGERS') or 4)


def test_many_changes_at_once(host):
    """Many connections change a filter and bind and unbind interfaces: all see whole rules, and none is left."""
    host.nwfilterDefineXML(filter_xml('t', DROP.format('in', 1, '<mac/>')))
    failures, rounds = [], max(100 // CHANGERS, 2)

    def work(number):
        try:
            with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
                for n in range(rounds):
                    binding = conn.nwfilterBindingCreateXML(binding_xml(f'w{number}n{n}', 't'))
                    conn.nwfilterDefineXML(filter_xml('t', DROP.format('in', n % 9, '<mac/>') * (n % 3 + 1)))
                    if n % 2:
                        binding.delete()
        except libvirt.libvirtError as error:
            failures.append(str(error))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CHANGERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    left = [binding.portDev() for binding in host.listAllNWFilterBindings()]
    assert len(left) == CHANGERS * ((rounds + 1) // 2) and chains() == {f'to2_{name}' for name in left}
    for binding in host.listAllNWFilterBindings():
        binding.delete()
    assert table() == ''


GUEST = """<domain type='qemu'><name>g{0}</name><memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><controller type='usb' model='none'/><interface type='bridge'><mac address='52:54:00:00:07:{0:02x}'/><source bridge='br0'/>
<filterref filter='{1}'/></interface><memballoon model='none'/></devices></domain>"""


def taps():
    return set(re.findall(r'vnet\d+', support.run(['ip', '-o', 'link']).stdout))


def test_guests_at_once(host, guest):
    """Guests start, change their filter and end while filters change: each has whole rules, and none is left."""
    host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='clean-traffic'/>"))
    host.nwfilterDefineXML(filter_xml('u', PASS, uuid='21111111-1111-1111-1111-111111111111'))
    failures, began = [], threading.Barrier(2 * CHANGERS)

    def attempt(work, number):
        try:
            began.wait()
            with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
                work(conn, number)
        except libvirt.libvirtError as error:
            failures.append(str(error))

    def start(conn, number):
        domain = conn.createXML(GUEST.format(number, 'tu'[number % 2]), libvirt.VIR_DOMAIN_START_PAUSED)
        live = re.search(r'<interface.*?</interface>', domain.XMLDesc(), re.S).group(0)
        domain.updateDeviceFlags(re.sub("filterref filter='.'", "filterref filter='clean-traffic'", live), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        if number % 3:
            domain.destroy()

    def change(conn, number):
        for n in range(3):
            conn.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='clean-traffic'/>" + DROP.format('in', n, '<mac/>') * (number % 3)))
    threads = [threading.Thread(target=attempt, args=(work, number)) for number in range(CHANGERS) for work in (start, change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    bound = {binding.portDev(): binding.filterName() for binding in host.listAllNWFilterBindings()}
    assert len(bound) == len(range(0, CHANGERS, 3)) and set(bound) == taps() and set(bound.values()) == {'clean-traffic'}
    assert {name.split('_')[1].split('.')[0] for name in chains()} == set(bound)
    for domain in host.listAllDomains():
        domain.destroy()
    wait_for(lambda: not taps() and table() == '', what='nothing being left')


def test_a_filter_in_use(host, guest):
    """A change is in force at once and without a gap on guests that run; a broken one is refused and changes nothing."""
    first, other = (DROP.format('out', 5, f"<mac protocolid='{kind}'/>") for kind in ('0x1111', '0x2222'))
    host.nwfilterDefineXML(filter_xml('u', PASS + first, uuid='21111111-1111-1111-1111-111111111111'))
    host.nwfilterDefineXML(filter_xml('t', "<filterref filter='u'/>"))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't'))
    assert not guest.passes(frame(0x1111)) and guest.passes(frame(0x2222))
    # what is dropped before and after is dropped in between: a stream of frames through many changes
    ended, came = threading.Event(), []

    def pour():
        while not ended.is_set():
            came.append(guest.passes(frame(0x1111)))
    thread = threading.Thread(target=pour)
    thread.start()
    for n in range(max(100, 3 * CHANGERS)):
        host.nwfilterDefineXML(filter_xml('u', PASS + first + (other if n % 2 else ''), uuid='21111111-1111-1111-1111-111111111111'))
    ended.set()
    thread.join()
    assert len(came) > 30 and not any(came)
    assert not guest.passes(frame(0x2222))
    before = table()
    for broken in ("<filterref filter='nowhere'/>", DROP.format('out', 5, "<ip srcipaddr='$NOBODY'/>"), DROP.format('out', 5, "<all ipset='x' ipsetflags='src'/>"),
                   "<filterref filter='t'/>", "<rule action='x' direction='in'/>"):
        problem(host.nwfilterDefineXML, filter_xml('u', broken, uuid='21111111-1111-1111-1111-111111111111'))
        assert table() == before and '0x2222' in host.nwfilterLookupByName('u').XMLDesc()
    for name in 'tu':
        assert problem(host.nwfilterLookupByName(name).undefine).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
    host.nwfilterBindingLookupByPortDev('veth0').delete()
    for name in 'tu':
        host.nwfilterLookupByName(name).undefine()
    assert table() == ''


def test_killed_at_any_moment(host):
    """After each kill the next daemon has the rules of the bindings that it knows, and no others."""
    daemon, seed = host.daemon, random.Random(int(os.environ.get('SEED') or 1))
    host.nwfilterDefineXML(filter_xml('t', DROP.format('in', 1, '<mac/>')))
    made = 0
    for number in range(2):
        make_devices(f'k{number}n{{}}', 60)
    for _ in range(KILLS):
        def work(number):
            with contextlib.suppress(libvirt.libvirtError), contextlib.closing(libvirt.open(daemon.uri)) as conn:
                for n in range(60):
                    binding = conn.nwfilterBindingCreateXML(binding_xml(f'k{number}n{n}', 't'))
                    conn.nwfilterDefineXML(filter_xml('t', DROP.format('in', n % 9, '<mac/>')))
                    if n % 3:
                        binding.delete()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        moment = threading.Event()
        moment.wait(seed.random() * 0.5)        # the moment of the kill is by chance
        daemon.kill()
        for thread in threads:
            thread.join()
        daemon.start()
        with contextlib.closing(libvirt.open(daemon.uri)) as conn:
            assert chains() == {f'to2_{binding.portDev()}' for binding in conn.listAllNWFilterBindings()}
            made += len(conn.listAllNWFilterBindings())
            for binding in conn.listAllNWFilterBindings():
                binding.delete()
        assert table() == ''
    assert made
    for number in range(2):
        make_devices(f'k{number}n{{}}', 60, 'del')


def test_flushed_by_somebody(host, guest):
    """Who empties the firewall opens it for a moment only, and what is asked of us meanwhile works."""
    host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('out', 5, "<mac protocolid='0x1111'/>")))
    make_devices('p{}', 2)
    for name in ('veth0', 'p0', 'p1'):
        host.nwfilterBindingCreateXML(binding_xml(name, 't'))
    before = table()
    subprocess.run(['nft', 'flush', 'ruleset'], check=True)
    wait_for(lambda: table() == before, what='the rules being back')
    assert not guest.passes(frame(0x1111))
    subprocess.run(['nft', 'flush', 'ruleset'], check=True)
    host.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('out', 5, "<mac protocolid='0x2222'/>")))
    assert guest.passes(frame(0x1111)) and not guest.passes(frame(0x2222)) and table().replace('0x2222', '0x1111') == before
    subprocess.run(['nft', 'flush', 'ruleset'], check=True)
    host.nwfilterBindingLookupByPortDev('p0').delete()
    wait_for(lambda: chains() == {f'from2_{name}' for name in ('veth0', 'p1')} | {f'to2_{name}' for name in ('veth0', 'p1')},
             what='the rules of the others being back')
    for binding in host.listAllNWFilterBindings():
        binding.delete()
    assert table() == ''
    make_devices('p{}', 2, 'del')


def test_what_a_restart_cannot_have(host, guest):
    """An interface whose filter is gone or can't be had is cut off, and comes back with the filter; one whose note can't be read has none."""
    host.nwfilterDefineXML(filter_xml('t', PASS))
    host.nwfilterDefineXML(filter_xml('u', PASS, uuid='21111111-1111-1111-1111-111111111111'))
    make_devices('p{}', 2)
    for name, what in (('veth0', 't'), ('p0', 'u'), ('p1', 'u')):
        host.nwfilterBindingCreateXML(binding_xml(name, what))
    assert guest.passes(frame(0x1111))
    host.daemon.kill()
    os.unlink(f'{host.daemon.root}/etc/libvirt/nwfilter/t.xml')
    with open(f'{host.daemon.root}/run/libvirt/nwfilter-binding/p0.xml', 'w', encoding='utf-8') as f:
        f.write('rubbish')
    host.daemon.start()
    with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
        assert sorted(b.portDev() for b in conn.listAllNWFilterBindings()) == ['p1', 'veth0']
        assert 'veth0' in host.daemon.output() and 'cut off' in host.daemon.output()
        assert not {name for name in chains() if name.endswith('_p0')}
        guest.guest.send(frame(HELD))
        conn.nwfilterDefineXML(filter_xml('t', PASS))
        assert guest.passes(frame(0x1111)) and guest.strange == []
        conn.nwfilterDefineXML(filter_xml('t', PASS + DROP.format('out', 5, "<mac protocolid='0x1111'/>")))
        assert not guest.passes(frame(0x1111))
        for binding in conn.listAllNWFilterBindings():
            binding.delete()
    # nothing but a note that can't be read
    host.daemon.stop()
    support.run(['nft', 'add', 'table', 'bridge', 'libvirt_nwfilter'])
    host.daemon.start()
    with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
        assert conn.listAllNWFilterBindings() == [] and table() == ''
    make_devices('p{}', 2, 'del')
