# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interfaces of a host whose kernel has VLANs and bonds."""
import json
import os

import pytest

from conftest import modules, run, virsh, wait_for

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
LIVED_IN = """link set e0 down
link set e1 down
link add bo0 type bond mode active-backup miimon 100 updelay 200 resend_igmp 3 num_grat_arp 2
link set e1 master bo0
link set e0 master bo0
link set bo0 type bond primary e1 primary_reselect failure
link set e0 type bond_slave queue_id 2
link set bo0 alias uplink
link set bo0 up mtu 1400
address add 10.70.0.1/24 dev bo0
address add fd00:70::1/64 dev bo0 nodad
route add 10.99.0.0/16 via 10.70.0.254 metric 7
link add link bo0 name bo0.5 type vlan id 5
link set bo0.5 up
link add link bo0 name mac0 type macvlan mode private
address add 10.75.0.1/24 dev bo0.5
route add 10.98.0.0/16 via 10.75.0.254
link set e2 up
link add link e2 name e2.9 type vlan id 9 protocol 802.1ad
link add br0 type bridge stp_state 1 forward_delay 600
link set e2.9 master br0
link set e2.9 type bridge_slave cost 17 priority 9 learning off isolated on
link set br0 up
link set br0 type bridge mcast_querier 1 vlan_filtering 1
link set e2.9 up
address add 10.76.0.1/24 dev br0
link set e3 up
address add 10.77.0.1/32 dev e3
route add fd00:99::/64 via fd00:70::9"""

VLANS = """vlan add dev e2.9 vid 20 pvid untagged
vlan del dev e2.9 vid 1
vlan add dev e2.9 vid 30-32
vlan add dev br0 vid 20 self
vlan add dev br0 vid 30 self"""


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
    virsh('net-list')   # the daemon runs, and so the bridge of its network is there
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


def settled():
    """What `ip` tells, once nothing of it is on its way."""
    def look():
        found = {'link': ip('-d', 'link'), 'addr': ip('addr'), 'route': ip('route', 'show', 'table', 'main'),
                 'vlans': json.loads(run('bridge', '-j', 'vlan') or '[]'),
                 # routes of several devices to the same place come in the order in which they were made
                 'six': sorted(ip('-6', 'route', 'show', 'table', 'main'), key=lambda route: (route['dst'], route['dev']))}
        for link in found['link']:
            for counter in [key for key in link.get('linkinfo', {}).get('info_data', {}) if 'timer' in key]:
                del link['linkinfo']['info_data'][counter]      # it runs
        return found

    def quiet():
        first = look()
        if any(a.get('tentative') for link in first['addr'] for a in link['addr_info']) or \
                any(link.get('linkinfo', {}).get('info_data', {}).get('topology_change') for link in first['link']):
            return None
        run('sleep', '0.5')     # a bond finds out about its ports' carriers in this time
        return first if first == look() else None
    return wait_for(quiet, what='the network being quiet')


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
        for name in defined:
            virsh('iface-destroy', name)
        assert not set(defined) & names() and 'master' not in details('e2')
    finally:
        for name in defined:
            virsh('iface-destroy', name, check=False)
            virsh('iface-undefine', name)


def test_bridge_of_a_bond_and_a_vlan(cables, xml):
    virsh('iface-define', xml(BRIDGE))
    try:
        virsh('iface-start', 'br1')
        assert details('bo2')['master'] == details('e3.9')['master'] == 'br1' and details('e2')['master'] == 'bo2'
        assert details('bo2')['linkinfo']['info_data']['mode'] == 'balance-xor'
        virsh('iface-destroy', 'br1')
        assert not {'br1', 'bo2', 'e3.9'} & names() and 'master' not in details('e2')
    finally:
        virsh('iface-destroy', 'br1', check=False)
        virsh('iface-undefine', 'br1')


def unlike(before, after, place=''):
    """Where two answers of `ip` differ, and how."""
    if type(before) is not type(after) or not isinstance(before, (dict, list)):
        return [] if before == after else [f'{place}: {before} -> {after}']
    if isinstance(before, list) and len(before) == len(after):
        before, after = dict(enumerate(before)), dict(enumerate(after))
    if isinstance(before, list):
        return [f'{place}: {before} -> {after}']
    return [line for key in {**before, **after} for line in unlike(before.get(key), after.get(key), f'{place}.{key}')]


CHANGE = """iface-begin
iface-destroy bo0
iface-destroy br0
iface-destroy e3
iface-define {}
iface-define {}
iface-start bo1
iface-start e1.7"""


def test_change(cables, xml):
    """A change that takes away a bond with what stands on it, a bridge and addresses, taken back by a daemon that was killed meanwhile:
    everything is as it was."""
    run('ip', '-batch', '-', stdin=LIVED_IN)
    run('bridge', '-batch', '-', stdin=VLANS)
    before = settled()
    assert {'vlan': 31} in [one for link in before['vlans'] for one in link['vlans']]
    virsh(CHANGE.format(xml(BOND, 'bond.xml'), xml(VLAN, 'vlan.xml')).replace('\n', ';'))
    assert {'bo1', 'e1.7'} < names() and not {'bo0', 'bo0.5', 'mac0', 'br0'} & names()
    run('systemctl', 'kill', '--kill-who=main', '-s', 'KILL', 'libvirtd.service')
    run('systemctl', 'restart', 'libvirtd.service')
    left = virsh('iface-rollback; iface-list --all').split()
    after = settled()
    assert not [line for what, was in before.items() for line in unlike(was, after[what], what)]
    assert not {'bo1', 'e1.7'} & set(left) and 'bo0' in left
