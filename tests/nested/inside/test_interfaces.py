# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's interfaces with the managers of a real host, and the kinds that need modules: VLANs and bonds."""
import contextlib
import json
import os

import pytest

from conftest import modules, run, virsh, wait_for

V4 = "<protocol family='ipv4'><ip address='{}' prefix='24'/></protocol>"
BRIDGE = "<interface type='bridge' name='br7'><start mode='none'/>" + V4.format('10.7.0.1') + \
    "<bridge stp='off' delay='0'><interface type='ethernet' name='d0'/></bridge></interface>"
VLAN = "<interface type='vlan' name='d1.5'><start mode='none'/>" + V4.format('10.7.5.1') + "<vlan tag='5'><interface name='d1'/></vlan></interface>"
BOND = "<interface type='bond' name='bond7'><start mode='none'/>" + V4.format('10.7.7.1') + \
    "<bond mode='active-backup'><miimon freq='100'/><interface type='ethernet' name='d0'/><interface type='ethernet' name='d1'/></bond></interface>"
IFUP = '/usr/sbin/ifup'


def links():
    return {link['ifname']: link for link in json.loads(run('ip', '-j', '-d', 'addr'))}


def addresses(name):
    return {a['local'] for a in links().get(name, {}).get('addr_info', [])}


@pytest.fixture(autouse=True)
def devices():
    """Two devices, and a main file of ifupdown's that reads ours."""
    modules('dummy', 'bonding', '8021q')
    for name in 'd0', 'd1':
        run('ip', 'link', 'add', name, 'type', 'dummy')
    with open('/etc/network/interfaces', 'w', encoding='utf-8') as f:
        f.write('source /etc/network/interfaces.d/*\n')
    os.makedirs('/etc/network/interfaces.d', exist_ok=True)
    yield
    for name in 'br7', 'd1.5', 'bond7':
        virsh('iface-destroy', name, check=False)
        virsh('iface-undefine', name, check=False)
    for name in 'd0', 'd1', 'br7', 'bond7':
        run('ip', 'link', 'delete', name, check=False)


@contextlib.contextmanager
def no_ifupdown():
    os.rename(IFUP, IFUP + '.away')
    try:
        yield
    finally:
        os.rename(IFUP + '.away', IFUP)


def up_and_down(xml, text, name, address):
    """What runs, as told while it did."""
    virsh('iface-define', xml(text))
    virsh('iface-start', name)
    wait_for(lambda: address in addresses(name), what=f'the address of {name}')
    told, there = virsh('iface-dumpxml', name), links()
    virsh('iface-destroy', name)
    wait_for(lambda: name not in links(), what=f'{name} being gone')
    virsh('iface-undefine', name)
    return told, there


def check_all(xml):
    told, there = up_and_down(xml, BRIDGE, 'br7', '10.7.0.1')
    assert "<ip address='10.7.0.1' prefix='24'/>" in told and there['d0']['master'] == 'br7', told
    told, there = up_and_down(xml, BOND, 'bond7', '10.7.7.1')
    assert "<bond mode='active-backup'>" in told and "<miimon freq='100'" in told and there['d1']['master'] == 'bond7', told


def test_ifupdown(xml):
    check_all(xml)
    told, _ = up_and_down(xml, VLAN, 'd1.5', '10.7.5.1')
    assert "<vlan tag='5'>" in told and "<interface name='d1'/>" in told, told
    virsh('iface-define', xml(BRIDGE))
    virsh('iface-start', 'br7')
    assert 'br7' in run('ifquery', '--state')


def test_without_a_manager(xml):
    with no_ifupdown():
        check_all(xml)
        told, _ = up_and_down(xml, VLAN, 'd1.5', '10.7.5.1')
        assert "<vlan tag='5'>" in told and "<interface name='d1'/>" in told, told


def test_networkd(xml):
    run('systemctl', 'start', 'systemd-networkd.service')
    try:
        wait_for(lambda: os.path.exists('/run/systemd/netif'), what='systemd-networkd')
        check_all(xml)
        assert not [name for name in os.listdir('/etc/systemd/network') if 'libvirt' in name]
    finally:
        run('systemctl', 'stop', 'systemd-networkd.socket', 'systemd-networkd.service', check=False)
        run('rm', '-rf', '/run/systemd/netif')


def test_rollback_of_vlans_and_bonds(xml):
    """What a change has taken away comes back as it was, with its numbers and settings."""
    def look():
        return [json.loads(run('ip', '-j', '-d', *words)) for words in (['link'], ['addr'], ['route'])]

    def same():
        """Without what only time changes."""
        text = json.dumps(look())
        return [part for part in text.split(', ') if not any(word in part for word in ('timer', 'life_time', 'tentative', 'ad_'))]
    with no_ifupdown():
        virsh('iface-define', xml(VLAN))
        virsh('iface-start', 'd1.5')
        run('ip', 'link', 'add', 'bond7', 'type', 'bond', 'mode', 'active-backup', 'miimon', '250')
        run('ip', 'link', 'set', 'd0', 'master', 'bond7')
        run('ip', 'link', 'set', 'bond7', 'up')
        run('ip', 'address', 'add', '10.7.7.1/24', 'dev', 'bond7')
        before = wait_for(lambda: same() if 'tentative' not in json.dumps(look()) else None, what='the network being quiet')
        virsh('iface-begin')
        for name in 'd1.5', 'bond7', 'd1':
            virsh('iface-destroy', name)
        assert not {'d1.5', 'bond7'} & set(links())
        virsh('iface-rollback')
        wait_for(lambda: same() == before or None, seconds=30, what='all as it was: ' + str([a for a in zip(before, same()) if a[0] != a[1]][:9]))
