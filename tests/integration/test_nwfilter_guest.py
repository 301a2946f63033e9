# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Filters of a real guest."""
import contextlib
import re
import shutil

import pytest

import support
from filtered import MARKS as pytestmark  # noqa: F401 pylint: disable=unused-import
from filtered import problem, table
from netnode import BOOT_SECONDS, connection, network_xml, nic, run_when_up, start_network  # noqa: F401 pylint: disable=unused-import
from support import wait_for_mark

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
support.run_events_while_waiting(libvirt)


def test_a_real_guest(guest_daemon, connection, boot_defined):     # noqa: F811 pylint: disable=redefined-outer-name
    """clean-traffic on a guest of a network: the address that it got by DHCP works, another's doesn't, in IP or in ARP; filters change live and
    go with it."""
    shutil.copytree(f'{support.SOURCE}/data/nwfilter', f'{guest_daemon.root}/etc/libvirt/nwfilter', dirs_exist_ok=True)
    guest_daemon.stop()
    guest_daemon.start()
    with contextlib.closing(libvirt.open(guest_daemon.uri)) as conn:
        start_network(conn, network_xml('n1', 31, hosts="<host mac='52:54:00:00:31:01' ip='192.168.31.11'/>", bridge='virbr31'))
        ref = "<filterref filter='clean-traffic'><parameter name='CTRL_IP_LEARNING' value='dhcp'/></filterref>"
        device_xml = nic('n1', '52:54:00:00:31:01').replace('</interface>', ref + '</interface>')
        commands = ['ping -c 1 -W 5 192.168.31.1', 'arping -c 1 -w 5 -I eth0 192.168.31.1',
                    'ip address add 192.168.31.12/24 dev eth0',
                    'arping -c 1 -w 2 -I eth0 -s 192.168.31.12 192.168.31.1', 'ping -c 1 -W 2 -I 192.168.31.12 192.168.31.1',
                    'ip link set eth0 down', 'ip link set eth0 address 52:54:00:00:31:99', 'ip link set eth0 up',
                    'ip route replace default via 192.168.31.1', 'ping -c 1 -W 2 -I 192.168.31.11 192.168.31.1']
        xml = support.domain_xml('one', guest=support.build_guest(), console=f'{guest_daemon.root}/console', devices=device_xml,
                                 extra=run_when_up(commands))
        domain = conn.defineXML(xml)
        domain.create()
        wait_for_mark(f'{guest_daemon.root}/console', 'GUEST-RAN', BOOT_SECONDS)
        with open(f'{guest_daemon.root}/console', encoding='utf-8', errors='replace') as f:
            said = f.read()
        assert 'GUEST-IP eth0 192.168.31.11' in said and said.count('1 packets received') == 1 and said.count('0 packets received') == 2, said
        assert said.count('Received 1 response') == 1 and said.count('Received 0 response') == 1, said
        [binding] = conn.listAllNWFilterBindings()
        assert binding.filterName() == 'clean-traffic' and f'_{binding.portDev()}' in table()
        guest_daemon.kill()
    guest_daemon.start()
    with contextlib.closing(libvirt.open(guest_daemon.uri)) as conn:        # what was learnt stays
        assert '192.168.31.11 ' in re.search(r'set dhcp_.*?}', table(), re.S).group(0)
        guest_daemon.kill()
    with open(f'{guest_daemon.root}/run/libvirt/nwfilter-binding/{binding.portDev()}.xml', 'w', encoding='utf-8') as f:
        f.write('rubbish')
    guest_daemon.start()
    with contextlib.closing(libvirt.open(guest_daemon.uri)) as conn:
        domain = conn.lookupByName('one')
        assert domain.isActive()
        assert len(conn.listAllNWFilterBindings()) == 1, guest_daemon.output()
        [binding] = conn.listAllNWFilterBindings()      # by the guest, although the note about it is spoilt
        assert f'_{binding.portDev()}' in table()
        live = re.search(r'<interface.*?</interface>', domain.XMLDesc(), re.S).group(0)
        domain.updateDeviceFlags(live.replace('clean-traffic', 'allow-arp'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
        assert [b.filterName() for b in conn.listAllNWFilterBindings()] == ['allow-arp']
        assert 'nowhere' in str(problem(domain.updateDeviceFlags, live.replace('clean-traffic', 'nowhere'), libvirt.VIR_DOMAIN_AFFECT_LIVE))
        assert [b.filterName() for b in conn.listAllNWFilterBindings()] == ['allow-arp']
        assert problem(conn.nwfilterLookupByName('allow-arp').undefine).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        domain.destroy()
        assert conn.listAllNWFilterBindings() == [] and table() == ''
        broken = conn.defineXML(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).replace("filter='clean-traffic'", "filter='nowhere'"))
        assert "filter 'nowhere'" in str(problem(broken.create)) and 'nwfilter-list' in str(problem(broken.create))
        conn.networkLookupByName('n1').destroy()
    assert table() == ''
