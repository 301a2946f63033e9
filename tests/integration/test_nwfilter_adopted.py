# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that starts leaves rules alone that are as they should be, so that no frame meets rules that are being exchanged."""
import contextlib
import os
import re
import socket
import struct
import subprocess
import threading

import pytest

import support
from filtered import MARKS as pytestmark, guest, host  # noqa: F401 pylint: disable=unused-import
from filtered import DROP, MAC, OTHER, PASS, arp, binding_xml, filter_xml, frame, ipv4, make_devices

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
RESTARTS = int(os.environ.get('LIBVIRT_TEST_KILLS') or 6)
OURS = 'bridge libvirt_nwfilter'
UUID = '21111111-1111-1111-1111-111111111111'
IN_FLIGHT = 100


def nft(*words):
    return support.run(['nft', *words]).stdout


def table():
    """The table with the kernel's numbers of its parts, which are new ones when a part is made anew."""
    return nft('-a', 'list', 'table', *OURS.split())


def numbers(text, name):
    """Those of an interface's chains and rules."""
    return [re.sub(r'.*# handle ', '', line) for chain in re.findall(rf'chain (?:from|to)\d_{name}\b.*?\n\t}}', text, re.S)
            for line in chain.splitlines() if '# handle' in line]


def begin(daemon):
    """It has looked at the rules when it answers."""
    daemon.start()
    libvirt.open(daemon.uri).close()


def restart(daemon):
    daemon.kill()
    begin(daemon)


def test_adopted(host, guest):
    """What is right isn't touched, what somebody has changed is put right, and that alone."""
    host.nwfilterDefineXML(filter_xml('t', PASS + "<filterref filter='clean-traffic'/>" + DROP.format('out', 5, "<mac protocolid='0x1111'/>")))
    host.nwfilterDefineXML(filter_xml('u', PASS, uuid=UUID))
    make_devices('p-{}', 3)
    for name, which in (('veth0', 't'), ('p-0', 'u'), ('p-1', 't'), ('p-2', 'u')):
        host.nwfilterBindingCreateXML(binding_xml(name, which))
    assert guest.passes(arp(1, MAC, '10.0.0.5'))        # learnt, and kept
    whole, daemon = table(), host.daemon
    restart(daemon)
    assert table() == whole and '10.0.0.5' in whole

    def mended(*touched):
        """After a restart all is as it was, and the interfaces that nobody touched have the very same rules."""
        restart(daemon)
        now = table()
        assert sorted(re.sub(' # handle .*', '', line) for line in now.splitlines()) == sorted(re.sub(' # handle .*', '', line) for line in whole.splitlines())
        for name in ('veth0', 'p_2d0', 'p_2d1', 'p_2d2'):
            assert (numbers(now, name) == numbers(whole, name)) == (name not in touched), name
        return now
    nft('flush', 'chain', *OURS.split(), 'from2_p_2d0')
    whole = mended('p_2d0')
    nft('add', 'rule', *OURS.split(), 'to2_p_2d1', 'counter', 'drop')
    nft('delete', 'element', *OURS.split(), 'from2', '{ "p-2" }')
    whole = mended('p_2d1', 'p_2d2')
    nft('delete', 'element', *OURS.split(), 'stamps', '{ "p-1" }')
    nft('add', 'chain', *OURS.split(), 'from2_gone')
    nft('add', 'element', *OURS.split(), 'from2', '{ "gone" : goto from2_gone }')
    nft('add', 'element', *OURS.split(), 'stamps', '{ "gone" comment "x" }')
    whole = mended('p_2d1')
    # a filter that changed meanwhile
    daemon.kill()
    path = f'{daemon.root}/etc/libvirt/nwfilter/u.xml'
    with open(path, encoding='utf-8') as f:
        text = f.read()
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text.replace('0x88b5', '0x4444'))
    begin(daemon)
    now = table()
    assert '0x4444' in now and numbers(now, 'veth0') == numbers(whole, 'veth0') and numbers(now, 'p_2d0') != numbers(whole, 'p_2d0')
    # a table whose base isn't ours
    nft('flush', 'chain', *OURS.split(), 'from')
    restart(daemon)
    assert 'iifname vmap @from2' in table() and guest.passes(ipv4('10.0.0.5')) and not guest.passes(ipv4('10.0.0.5', src=OTHER))
    with contextlib.closing(libvirt.open(daemon.uri)) as conn:
        for binding in conn.listAllNWFilterBindings():
            binding.delete()
    assert subprocess.run(['nft', 'list', 'table', *OURS.split()], capture_output=True, check=False).returncode
    make_devices('p-{}', 3, 'del')


class Flood:
    """Right and spoofed frames by turns; of the right ones so many at a time are on their way that no queue runs over."""
    SPOOFED = [ipv4('10.0.0.5', src=OTHER), ipv4('10.0.0.9'), arp(1, MAC, '10.0.0.9'), arp(1, OTHER, '10.0.0.5'), arp(2, OTHER, '10.0.0.5', src=OTHER)]
    KIND = 0x7777

    def __init__(self, guest):
        self.guest, self.sent, self.came, self.spoofed, self.lost = guest, 0, 0, 0, []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=work) for work in (self.read, self.send)]
        guest.host.settimeout(20)
        guest.host.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.ended.is_set():
            if self.sent - self.came < IN_FLIGHT:
                self.guest.guest.send(frame(self.KIND, struct.pack('!Q', self.sent)))
                self.sent += 1
                self.guest.guest.send(self.SPOOFED[self.sent % len(self.SPOOFED)])
            elif self.lost:
                return
        self.guest.guest.send(frame(self.KIND, struct.pack('!Q', 1 << 60)))

    def read(self):
        while True:
            try:
                got = self.guest.host.recv(4096)
            except TimeoutError:
                self.lost.append('nothing comes')
                return
            if struct.unpack('!H', got[12:14])[0] == self.KIND:
                [number] = struct.unpack('!Q', got[14:22])
                if number == 1 << 60:
                    return
                if number != self.came:
                    self.lost.append((number, self.came))
                self.came = number + 1
            elif got[6:12] != self.guest.address:
                self.spoofed += any(wrong.startswith(got) for wrong in self.SPOOFED)

    def end(self):
        self.ended.set()
        for thread in reversed(self.threads):
            thread.join()


def test_no_frame_is_let_through_or_lost(host, guest):
    """A flood from a guest while the daemon is killed and started, and finds its rules as they should be or other ones: no spoofed frame
    arrives, all others do."""
    right = f"<rule action='accept' direction='inout' priority='-1000'><mac protocolid='{Flood.KIND}'/></rule>"
    host.nwfilterDefineXML(filter_xml('t', PASS + right + "<filterref filter='clean-traffic'/>"))
    host.nwfilterBindingCreateXML(binding_xml('veth0', 't', [('IP', '10.0.0.5')]))
    assert guest.passes(ipv4('10.0.0.5'))
    guest.address = bytes(6)
    flood, path = Flood(guest), f'{host.daemon.root}/etc/libvirt/nwfilter/t.xml'
    with open(path, encoding='utf-8') as f:
        text = f.read()
    try:
        for n in range(RESTARTS):
            before = flood.came
            host.daemon.kill()
            if n % 2:      # other rules
                with open(path, 'w', encoding='utf-8') as f:
                    f.write(text.replace("</filter>", "<rule action='drop' direction='out'><mac protocolid='0x6666'/></rule>" * (n // 2 % 2) + '</filter>'))
            begin(host.daemon)
            support.wait_for(lambda: flood.came > before or flood.lost, what='frames that pass')
    finally:
        flood.end()
    assert not flood.lost and flood.came == flood.sent > 1000 and flood.spoofed == 0
    with contextlib.closing(libvirt.open(host.daemon.uri)) as conn:
        conn.nwfilterBindingLookupByPortDev('veth0').delete()
