# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interfaces of a host whose kernel has VLANs and bonds."""
import json
import os

import pytest

from conftest import modules, run, virsh

INTERFACES = '/etc/network/interfaces'
BOND = """<interface type='bond' name='bo1'><start mode='none'/><protocol family='ipv4'><ip address='10.71.0.1' prefix='24'/></protocol>
  <bond mode='active-backup'><miimon freq='100' updelay='200' carrier='netif'/>
  <interface type='ethernet' name='e2'/><interface type='ethernet' name='e3'/></bond></interface>"""
VLAN = """<interface type='vlan' name='e1.7'><start mode='none'/><protocol family='ipv4'><ip address='10.72.0.1' prefix='24'/>
  <route gateway='10.72.0.254'/></protocol><vlan tag='7'><interface name='e1'/></vlan></interface>"""
# with a bond and a VLAN of its own
BRIDGE = """<interface type='bridge' name='br1'><start mode='none'/><protocol family='ipv6'><ip address='fd00:71::1' prefix='64'/></protocol>
  <bridge stp='off'><interface type='bond' name='bo2'><bond mode='balance-xor'><miimon freq='50' carrier='netif'/>
  <interface type='ethernet' name='e2'/></bond></interface>
  <interface type='vlan' name='e3.9'><vlan tag='9'><interface name='e3'/></vlan></interface></bridge></interface>"""


def ip(*words):
    return json.loads(run('ip', '-j', *words) or '[]')


def names():
    return {link['ifname'] for link in ip('link')}


@pytest.fixture
def cables():
    """Four cables whose ends are here, on a host without a manager of its own; all that is made with them is gone after the test."""
    run('modprobe', 'bonding', 'max_bonds=0')
    modules('bonding', '8021q', 'veth')
    os.rename('/usr/sbin/ifup', '/usr/sbin/ifup.away')
    existed = os.path.exists(INTERFACES)
    if not existed:     # by this the daemon knows whose style the files have
        with open(INTERFACES, 'w', encoding='utf-8') as f:
            f.write('source /etc/network/interfaces.d/*\n')
    before = names()
    for number in range(4):
        run('ip', 'link', 'add', f'e{number}', 'type', 'veth', 'peer', 'name', f'p{number}')
        run('ip', 'link', 'set', f'p{number}', 'up')
    yield
    for name in sorted(names() - before, reverse=True):
        run('ip', 'link', 'delete', name, check=False)
    os.rename('/usr/sbin/ifup.away', '/usr/sbin/ifup')
    if not existed:
        os.unlink(INTERFACES)


def details(name):
    return ip('-d', 'link', 'show', 'dev', name)[0]


def test_vlan_and_bond(cables, xml):
    defined = {'bo1': BOND, 'e1.7': VLAN}
    for text in defined.values():
        virsh('iface-define', xml(text))
    try:
        for name in defined:
            virsh('iface-start', name)
        bond, vlan = details('bo1')['linkinfo'], details('e1.7')
        assert bond['info_kind'] == 'bond' and bond['info_data']['mode'] == 'active-backup'
        assert (bond['info_data']['miimon'], bond['info_data']['updelay']) == (100, 200)
        assert details('e2')['master'] == details('e3')['master'] == 'bo1'
        assert vlan['linkinfo']['info_data']['id'] == 7 and vlan['link'] == 'e1'
        assert [route['dev'] for route in ip('route') if route['dst'] == 'default' and route['gateway'] == '10.72.0.254'] == ['e1.7']
        told = virsh('iface-dumpxml', 'bo1')
        assert "<bond mode='active-backup'>" in told and "<miimon freq='100' updelay='200'" in told and "name='e2'" in told and "10.71.0.1" in told
        assert "<vlan tag='7'>" in virsh('iface-dumpxml', 'e1.7')
    finally:
        for name in defined:
            virsh('iface-destroy', name, check=False)
            virsh('iface-undefine', name)
    assert not set(defined) & names() and 'master' not in details('e2')


def test_bridge_of_a_bond_and_a_vlan(cables, xml):
    virsh('iface-define', xml(BRIDGE))
    try:
        virsh('iface-start', 'br1')
        assert details('bo2')['master'] == details('e3.9')['master'] == 'br1' and details('e2')['master'] == 'bo2'
        assert details('bo2')['linkinfo']['info_data']['mode'] == 'balance-xor'
    finally:
        virsh('iface-destroy', 'br1', check=False)
        virsh('iface-undefine', 'br1')
    assert not {'br1', 'bo2', 'e3.9'} & names() and 'master' not in details('e2')
