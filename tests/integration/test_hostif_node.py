# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Interfaces of a real host, which is this test's own network namespace, with the host's files below the daemon's root."""
import contextlib
import json
import os
import random
import re
import subprocess
import time

import pytest

import support
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='network devices can be made by root only'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about parts that only ours has')]
libvirt.registerErrorHandler(lambda *_: None, None)
KILLS = int(os.environ.get('LIBVIRT_TEST_KILLS') or 12)
MANY = int(os.environ.get('LIBVIRT_TEST_MANY') or 300)      # interfaces
STYLES = {
    'ifupdown': ('etc/network/interfaces.d', {'libvirt-br0'}),
    'networkd': ('etc/systemd/network', {'10-libvirt-br0.netdev', '10-libvirt-br0.network', '10-libvirt-e0.network'}),
    'keyfile': ('etc/NetworkManager/system-connections', {'libvirt-br0.nmconnection', 'libvirt-e0.nmconnection'}),
    'netplan': ('etc/netplan', {'90-libvirt-br0.yaml'}),
}
INTERFACES = 'source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\niface adm0 inet static\n  address 10.77.0.1/24\n'
BRIDGE = """<interface type='bridge' name='br0'><start mode='onboot'/>
  <protocol family='ipv4'><ip address='10.9.0.1' prefix='24'/><ip address='10.9.1.1' prefix='24'/><route gateway='10.9.0.254'/></protocol>
  <protocol family='ipv6'><ip address='fd00:9::1' prefix='64'/></protocol>
  <bridge stp='on' delay='4'><interface type='ethernet' name='e0'/></bridge></interface>"""


def ethernet(name, more='', start='none'):
    return f"<interface type='ethernet' name='{name}'><start mode='{start}'/>{more}</interface>"


def ip(*words):
    return json.loads(support.run(['ip', '-j', *words]).stdout or '[]')


def links():
    return {link['ifname'] for link in ip('link')}


def run_ip(text):
    for line in filter(None, map(str.strip, text.split(';'))):
        support.run(['ip', *line.split()])


def write(daemon, path, text):
    full = os.path.join(daemon.root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'w', encoding='utf-8') as f:
        f.write(text)


def files(daemon):
    """The host's files, with their modes."""
    found = {}
    for folder, _, names in os.walk(os.path.join(daemon.root, 'etc')):
        for name in names:
            path = os.path.join(folder, name)
            if '/libvirt/' not in path:
                with open(path, encoding='utf-8') as f:
                    found[os.path.relpath(path, daemon.root)] = (os.stat(path).st_mode & 0o7777, f.read())
    return found


def by_device(routes):
    """Each link has the same one of its own, chosen by the link: they stand in the order in which links came up."""
    own = [route for route in routes if route['dst'] == 'fe80::/64' and route.get('protocol') == 'kernel']
    return [route for route in routes if route not in own] + sorted(own, key=lambda route: route['dev'])


def look():
    return {'link': ip('link'), 'addr': ip('addr'), 'route': ip('route', 'show', 'table', 'main'), 'route6': by_device(ip('-6', 'route', 'show', 'table', 'main'))}


def shape(state=None):
    """What somebody has asked for, without what the kernel finds out by itself."""
    state = state or look()
    return json.dumps([sorted((link['ifname'], link.get('master', ''), link['mtu'], 'UP' in link['flags']) for link in state['link']),
                       sorted((link['ifname'], a['local'], a['prefixlen']) for link in state['addr'] for a in link['addr_info'] if a['scope'] == 'global'),
                       sorted((r['dst'], r.get('gateway', ''), r.get('dev', '')) for r in state['route'])])


def settled():
    """Links, addresses and routes, once none is on its way: neither tentative addresses, nor routes of links whose state is being found out."""
    last = [look()]

    def quiet():
        seen = look()
        same = seen == last[0] and not any(a.get('tentative') for link in seen['addr'] for a in link['addr_info'])
        last[0] = seen
        return same
    wait_for(quiet, 20, 'the network being quiet')
    return last[0]


def caught(function, *args):
    with pytest.raises(libvirt.libvirtError) as problem:
        function(*args)
    return problem.value


@pytest.fixture(name='host')
def fixture_host():
    """Two cables whose ends are here."""
    run_ip('link set lo up; link add e0 type veth peer name p0; link add e1 type veth peer name p1; link set p0 up; link set p1 up')
    yield
    for name in links() - {'lo'}:
        support.run(['ip', 'link', 'delete', name], check=False)
    run_ip('link set lo down')


@pytest.fixture(name='styled')
def fixture_styled(host, new_daemon):   # pylint: disable=unused-argument
    """Makes a running daemon whose host has files of a style."""
    def make(style='ifupdown'):
        daemon = new_daemon()
        if style == 'ifupdown':
            write(daemon, 'etc/network/interfaces', INTERFACES)
        elif style == 'netplan':
            write(daemon, 'etc/netplan/01.yaml', 'network: {version: 2, ethernets: {adm0: {addresses: [10.77.0.1/24]}}}\n')
        elif style:
            os.makedirs(os.path.join(daemon.root, STYLES[style][0]))
        return daemon.start()
    return make


def opened(daemon):
    return contextlib.closing(libvirt.open(daemon.uri))


# What runs

def test_what_runs(styled):
    daemon = styled()
    run_ip('link add br0 type bridge stp_state 1 forward_delay 400; link set e0 master br0; link set e0 up; link set br0 up; link set e1 mtu 1400; '
           'address add 10.1.1.1/24 dev br0; address add fd00::1/64 dev br0; route add default via 10.1.1.254; tuntap add dev tap0 mode tap')
    with opened(daemon) as c:
        wait_for(lambda: "state='up'" in c.interfaceLookupByName('e0').XMLDesc(), 5, 'the link')
        assert sorted(c.listInterfaces()) == ['br0', 'e0', 'lo', 'p0', 'p1'] and sorted(c.listDefinedInterfaces()) == ['adm0', 'e1']
        assert 'tap0' not in [i.name() for i in c.listAllInterfaces()]      # a guest's
        mac = {link['ifname']: link['address'] for link in ip('link')}
        assert {i.name(): i.MACString() for i in c.listAllInterfaces()} == {**{n: mac[n] for n in ('br0', 'e0', 'e1', 'lo', 'p0', 'p1')}, 'adm0': ''}
        assert re.sub(r'\s*\n\s*', '', c.interfaceLookupByName('br0').XMLDesc()) == (
            "<interface type='bridge' name='br0'><mtu size='1500'/><protocol family='ipv4'><ip address='10.1.1.1' prefix='24'/>"
            "<route gateway='10.1.1.254'/></protocol><protocol family='ipv6'><ip address='fd00::1' prefix='64'/></protocol>"
            f"<bridge stp='on' delay='4'><interface type='ethernet' name='e0'><link speed='10000' state='up'/><mac address='{mac['e0']}'/>"
            "</interface></bridge></interface>")
        assert "<mtu size='1400'/>" in c.interfaceLookupByName('e1').XMLDesc()
        assert c.interfaceLookupByMACString(mac['e1'].upper()).name() == 'e1'
        run_ip(f"link set e1 address {mac['e0']}")
        assert caught(c.interfaceLookupByMACString, mac['e0']).get_error_code() == libvirt.VIR_ERR_MULTIPLE_INTERFACES
        handle = c.interfaceLookupByName('e1')
        run_ip('link delete e1')
        assert caught(handle.isActive).get_error_code() == libvirt.VIR_ERR_NO_INTERFACE
        assert caught(c.interfaceLookupByName, 'e1').get_error_code() == libvirt.VIR_ERR_NO_INTERFACE
    with contextlib.closing(libvirt.open(daemon.uri.replace('qemu', 'interface', 1))) as c:
        assert 'br0' in c.listInterfaces() and c.getType() == 'Interface'
        assert caught(c.listAllDomains).get_error_code() == libvirt.VIR_ERR_NO_SUPPORT


def test_as_the_reference(styled, reference):
    """What both tell of the same devices. The reference tells no addresses, a bridge's delay in hundredths of a second, and as active
    only what has a link."""
    daemon, make = styled(), ('link add br0 type bridge stp_state 1 forward_delay 400; link add r0 address 52:54:00:00:00:01 type veth peer name r1 '
                              'address 52:54:00:00:00:02; link set r0 master br0; link set r0 up; link set r1 up mtu 1400; link set br0 up; link set lo up; '
                              'link add q0 address 52:54:00:00:00:03 type veth peer name q1 address 52:54:00:00:00:04')
    run_ip(make)
    inside = ['nsenter', '-t', str(reference.daemon_pid()), '-n', 'ip']
    for line in make.split(';'):
        support.run(inside + line.split())
    told = []
    for uri in daemon.uri, reference.uri.replace('qemu', 'interface', 1):
        with contextlib.closing(libvirt.open(uri)) as c:
            def ready(c=c):
                return "state='up'" in c.interfaceLookupByName('r0').XMLDesc()
            wait_for(ready, 5, 'the link')
            told.append({n: c.interfaceLookupByName(n).XMLDesc() for n in ('br0', 'r0', 'r1', 'q0', 'q1', 'lo')})
    ours, theirs = told
    plain = {n: re.sub(r'  <protocol.*</protocol>\n', '', text, flags=re.S) for n, text in ours.items()}
    assert plain['br0'] == theirs['br0'].replace("delay='400'", "delay='4'")
    assert {n: plain[n] for n in plain if n != 'br0'} == {n: theirs[n] for n in plain if n != 'br0'}


def test_vlan_and_bond(styled):
    daemon = styled()
    for name, words in {'v5': 'link e0 name v5 type vlan id 5', 'bo': 'name bo type bond mode active-backup miimon 100'}.items():
        done = subprocess.run(['ip', 'link', 'add', *words.split()], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            pytest.skip(f'this kernel makes no device like {name}: {done.stderr.strip()}')
    with opened(daemon) as c:
        assert "<vlan tag='5'>" in c.interfaceLookupByName('v5').XMLDesc()
        assert "<bond mode='active-backup'>" in c.interfaceLookupByName('bo').XMLDesc()
        c.interfaceDefineXML("<interface type='vlan' name='e1.7'><start mode='none'/><vlan tag='7'><interface name='e1'/></vlan></interface>").create()
        assert 'e1.7' in links()


def test_many(styled):
    """A list is one look at the kernel, and none at all while nothing changes."""
    daemon = styled()
    batch = '\n'.join(f'link add m{n} type veth peer name n{n}' for n in range(MANY // 2))
    support.run(['ip', '-batch', '-'], stdin=batch)
    with opened(daemon) as c:
        began = time.monotonic()
        assert len(c.listAllInterfaces()) >= MANY
        first, began = time.monotonic() - began, time.monotonic()
        for _ in range(50):
            c.numOfInterfaces()
            assert not c.interfaceLookupByName('m7').isActive()
        again = (time.monotonic() - began) / 50
    print(f'{MANY} interfaces: first {first * 1000:.1f} ms, then {again * 1000:.2f} ms')
    assert first < 3 and again < 0.05
    support.run(['ip', '-batch', '-'], stdin='\n'.join(f'link delete m{n}' for n in range(MANY // 2)))


# Definitions

@pytest.mark.parametrize('style', STYLES)
def test_definitions_in_the_style_of_the_host(styled, style):
    daemon = styled(style)
    folder, expected = STYLES[style]
    before = files(daemon)
    with opened(daemon) as c:
        bridge = c.interfaceDefineXML(BRIDGE, libvirt.VIR_INTERFACE_DEFINE_VALIDATE)
        assert not bridge.isActive() and c.listDefinedInterfaces().count('br0') == 1
        text = bridge.XMLDesc(libvirt.VIR_INTERFACE_XML_INACTIVE)
        assert re.sub(r'\s*\n\s*', '', text) == re.sub(r'\s*\n\s*', '', BRIDGE)
        new = {os.path.basename(path) for path in set(files(daemon)) - set(before)}
        assert new == expected
        daemon.stop()
        daemon.start()
    with opened(daemon) as c:
        assert c.interfaceLookupByName('br0').XMLDesc() == text
        c.interfaceDefineXML(BRIDGE.replace("<interface type='ethernet' name='e0'/>", ''))      # with fewer files
        assert 'e0' not in ''.join(path + t for path, (_, t) in files(daemon).items())
        # what the administrator adds later is seen at once
        write(daemon, folder + '/10-libvirt-x.network', '[Match]\nName=adm1\n')
        if style == 'networkd':
            assert 'adm1' in c.listDefinedInterfaces()
        os.unlink(os.path.join(daemon.root, folder, '10-libvirt-x.network'))
        c.interfaceLookupByName('br0').undefine()
        assert 'br0' not in c.listDefinedInterfaces() and files(daemon) == before


def test_vlans_of_networkd_are_named_in_what_they_are_on(styled):
    """By a file of ours beside the administrator's, which isn't touched."""
    daemon = styled('networkd')
    vlan = "<interface type='vlan' name='{0}.5'><start mode='onboot'/><vlan tag='5'><interface name='{0}'/></vlan></interface>"
    write(daemon, 'etc/systemd/network/50-lan.network', '[Match]\nName=adm0\n\n[Network]\nDHCP=yes\n')
    with opened(daemon) as c:
        assert "'virsh iface-define' it first" in str(caught(c.interfaceDefineXML, vlan.format('e0')))
        c.interfaceDefineXML(ethernet('e0'))
        before = files(daemon)
        for on, file in ('e0', '10-libvirt-e0'), ('adm0', '50-lan'):
            made = c.interfaceDefineXML(vlan.format(on))
            text = made.XMLDesc()
            assert f"<interface name='{on}'/>" in text
            path = f'etc/systemd/network/{file}.network.d/libvirt-{on}_2e5.conf'
            assert set(files(daemon)) - set(before) == {path, f'etc/systemd/network/10-libvirt-{on}_2e5.netdev',
                                                        f'etc/systemd/network/10-libvirt-{on}_2e5.network'}
            assert f'VLAN={on}.5\n' in files(daemon)[path][1]
            c.changeBegin()
            made.undefine()
            assert files(daemon) == before and not os.path.exists(os.path.dirname(os.path.join(daemon.root, path)))
            c.changeRollback()
            assert c.interfaceLookupByName(f'{on}.5').XMLDesc() == text
            c.interfaceLookupByName(f'{on}.5').undefine()
            assert files(daemon) == before


def test_the_administrators_files_are_left_alone(styled):
    daemon = styled()
    with opened(daemon) as c:
        before = files(daemon)
        adm0 = c.interfaceLookupByName('adm0')
        assert "<ip address='10.77.0.1' prefix='24'/>" in adm0.XMLDesc()
        for action in (adm0.undefine, lambda: c.interfaceDefineXML(ethernet('adm0')),
                       lambda: c.interfaceDefineXML(BRIDGE.replace("name='e0'", "name='adm0'"))):
            problem = caught(action)
            assert problem.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID and '/etc/network/interfaces' in str(problem)
        c.interfaceDefineXML(BRIDGE)
        assert "part of 'br0'" in str(caught(c.interfaceDefineXML, ethernet('e0')))
        c.interfaceLookupByName('br0').undefine()
        assert 'nothing to undefine' in str(caught(c.interfaceLookupByName('e0').undefine))
        assert files(daemon) == before
        write(daemon, 'etc/network/interfaces', 'iface lo inet loopback\n')
        assert "add the line 'source /etc/network/interfaces.d/*'" in str(caught(c.interfaceDefineXML, BRIDGE))


def test_refused_definitions(styled):
    with opened(styled()) as c:
        for xml in (ethernet('a b'), ethernet('a:b'), ethernet('sixteen-letters-x'), ethernet('-a'), ethernet('a;b'), ethernet('a&quot;b'),
                    ethernet('e0', "<protocol family='ipv4'><ip address='1.2.3.4'/></protocol>"),
                    BRIDGE.replace("<interface type='ethernet' name='e0'/>", "<interface type='ethernet' name='e0'/>" * 2),
                    BRIDGE.replace("name='e0'", "name='br0'"),
                    "<interface type='vlan' name='v'><start mode='none'/><vlan tag='5'><interface name='a b'/></vlan></interface>"):
            assert caught(c.interfaceDefineXML, xml).get_error_code() == libvirt.VIR_ERR_XML_ERROR, xml
    with opened(styled(None)) as c:
        assert caught(c.interfaceDefineXML, BRIDGE).get_error_code() == libvirt.VIR_ERR_NO_SUPPORT


# Up and down

def test_up_and_down(styled):
    with opened(styled()) as c:
        before = shape()
        bridge = c.interfaceDefineXML(BRIDGE)
        bridge.create()
        assert bridge.isActive() and "<ip address='10.9.1.1' prefix='24'/>" in bridge.XMLDesc()
        by_name = {link['ifname']: link for link in ip('-d', 'addr')}
        assert by_name['e0']['master'] == 'br0' and by_name['br0']['linkinfo']['info_data']['forward_delay'] == 400
        assert {a['local'] for a in by_name['br0']['addr_info']} >= {'10.9.0.1', '10.9.1.1', 'fd00:9::1'}
        assert any(r['dst'] == 'default' and r['gateway'] == '10.9.0.254' for r in ip('route'))
        assert caught(bridge.create).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        bridge.destroy()
        assert not bridge.isActive() and shape() == before
        assert caught(bridge.destroy).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        e1 = c.interfaceDefineXML(ethernet('e1', "<mtu size='1300'/><protocol family='ipv4'><ip address='10.8.0.1' prefix='24'/></protocol>"))
        e1.create()
        assert "<mtu size='1300'/>" in e1.XMLDesc() and '10.8.0.1' in e1.XMLDesc()
        e1.destroy()
        assert not any(a['family'] == 'inet' for link in ip('addr', 'show', 'dev', 'e1') for a in link['addr_info'])


def test_a_start_that_fails_leaves_nothing(styled):
    with opened(styled()) as c:
        run_ip('address add 10.5.0.1/24 dev e0; link set e0 up')
        before = settled()
        two = BRIDGE.replace("<interface type='ethernet' name='e0'/>", "<interface type='ethernet' name='e0'/><interface type='ethernet' name='none0'/>")
        problem = caught(c.interfaceDefineXML(two).create)
        assert "no network device 'none0'" in str(problem) and settled() == before
        problem = caught(c.interfaceDefineXML(ethernet('e1', "<protocol family='ipv4'><dhcp/></protocol>")).create)
        assert problem.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED and settled() == before
        assert "no network device 'x9'" in str(caught(c.interfaceDefineXML(ethernet('x9')).create))


def test_the_bridge_of_a_network_is_left_alone(styled):
    with opened(styled()) as c:
        network = c.networkCreateXML("<network><name>n</name><bridge name='brn'/></network>")
        problem = caught(c.interfaceLookupByName('brn').destroy)
        assert 'net-destroy n' in str(problem) and network.isActive()
        network.destroy()


MANAGERS = {
    'ifupdown': ('usr/sbin/ifup usr/sbin/ifdown', None, [['ifup', 'br0']], [['ifdown', 'br0']]),
    'networkd': ('usr/bin/networkctl', 'run/systemd/netif/state', [['networkctl', 'reload'], ['networkctl', 'up', 'br0'], ['networkctl', 'reconfigure', 'br0']],
                 [['networkctl', 'down', 'br0']]),
    'keyfile': ('usr/bin/nmcli', 'run/NetworkManager', [['nmcli', 'connection', 'reload'], ['nmcli', 'connection', 'up', 'id', 'libvirt-br0']],
                [['nmcli', 'device', 'disconnect', 'br0']]),
    'netplan': ('usr/sbin/netplan', 'run/systemd/system', [['netplan', 'apply']], []),
}


@pytest.mark.parametrize('style', MANAGERS)
def test_the_hosts_manager_is_asked(styled, style):
    daemon = styled(style)
    programs, sign, up, down = MANAGERS[style]
    calls = os.path.join(daemon.root, 'calls')
    for program in programs.split():
        # makes the bridge when it is told so, a moment later
        write(daemon, program, f'#!/bin/sh\necho "${{0##*/}} $*" >> {calls}\n'
              'case "${0##*/} $*" in *ifdown*|*down*|*disconnect*|*reload*|*reconfigure*) ;; *) (ip link add br0 type bridge; ip link set br0 up) 2> /dev/null & ;; esac\n'
              f'[ ! -e {calls}.fail ] || {{ echo "no such luck" >&2; exit 3; }}\n')
        os.chmod(os.path.join(daemon.root, program), 0o755)
    if sign:
        os.makedirs(os.path.join(daemon.root, sign), exist_ok=True)

    def asked():
        with open(calls, encoding='utf-8') as f:
            lines = [line.split() for line in f]
        os.unlink(calls)
        return lines
    with opened(daemon) as c:
        bridge = c.interfaceDefineXML(BRIDGE)
        bridge.create()
        assert bridge.isActive() and asked() == up
        bridge.destroy()
        assert not bridge.isActive() and (not down or asked() == down)
        c.changeBegin()
        bridge.create()
        asked()
        c.changeRollback()      # nor does the manager believe that it is up
        assert not bridge.isActive() and 'br0' not in links() and (not down or asked()[:1] == down)
        write(daemon, 'calls.fail', '')
        problem = caught(bridge.create)
        assert 'no such luck' in str(problem)
        wait_for(lambda: not subprocess.run(['pgrep', '-f', programs.split()[0]], stdout=subprocess.PIPE, check=False).stdout, 5, 'the manager')


# Changes that can be taken back

def change_all(c):
    """Everything that a change may be about."""
    c.interfaceDefineXML(BRIDGE).create()
    c.interfaceDefineXML(ethernet('e1', "<protocol family='ipv4'><ip address='10.8.0.1' prefix='24'/></protocol>"))
    c.interfaceLookupByName('e1').destroy()
    c.interfaceLookupByName('br9').destroy()
    c.interfaceLookupByName('old0').undefine()


@pytest.fixture(name='lived_in')
def fixture_lived_in(styled):
    """A daemon on a host that has addresses, routes and a bridge."""
    daemon = styled()
    run_ip('address add 10.9.0.1/24 dev e0; address add 10.9.0.2/24 dev e0; address add fd00:1::5/64 dev e0; address add 10.66.0.1/32 dev e1; '
           'link set e0 up; link set e1 up mtu 1400; route add default via 10.9.0.254 metric 77; route add 10.200.0.0/16 via 10.9.0.253 src 10.9.0.2; '
           '-6 route add fd00:2::/64 via fd00:1::1; route add 10.201.0.0/16 dev e1; link add br8 type bridge; '
           'link add br9 type bridge stp_state 1 forward_delay 600; link set p1 master br9; link set br9 up; address add 10.55.0.1/24 dev br9')
    with opened(daemon) as c:
        c.interfaceDefineXML(ethernet('old0', start='onboot'))
    os.chmod(os.path.join(daemon.root, 'etc/network/interfaces'), 0o640)
    return daemon


@pytest.mark.parametrize('end', ['rollback', 'killed', 'commit', 'reboot'])
def test_change(lived_in, end):
    daemon = lived_in
    network, configuration = settled(), files(daemon)
    with opened(daemon) as c:
        assert caught(c.changeRollback).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        assert caught(c.changeCommit).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        c.changeBegin()
        assert caught(c.changeBegin).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        change_all(c)
        write(daemon, 'etc/network/interfaces.d/more', 'iface z inet manual\n')     # by somebody else
        assert files(daemon) != configuration and 'br9' not in links() and 'br0' in links()
    if end in ('killed', 'reboot'):
        daemon.crash()
    if end == 'reboot':
        path = os.path.join(daemon.root, 'var/lib/libvirt/interface/change.json')
        with open(path, encoding='utf-8') as f:
            saved = json.load(f)
        saved['boot'] = 'another one'
        write(daemon, 'var/lib/libvirt/interface/change.json', json.dumps(saved))
    if end in ('killed', 'reboot'):
        daemon.start()
    with opened(daemon) as c:
        if end == 'reboot':
            assert files(daemon) == configuration
        elif end == 'commit':
            c.changeCommit()
            assert 'br0' in c.listInterfaces() and files(daemon) != configuration
        else:
            c.changeRollback()
            assert files(daemon) == configuration and settled() == network
        assert caught(c.changeRollback).get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
        c.changeBegin()
        c.changeCommit()


def test_what_starts_during_a_change_stays(lived_in):
    with opened(lived_in) as c:
        c.changeBegin()
        network = c.networkCreateXML("<network><name>n</name><bridge name='brn'/><ip address='192.168.99.1' prefix='24'/></network>")
        run_ip('link add other type bridge; link set other up; address add 10.44.0.1/24 dev other')
        change_all(c)
        c.changeRollback()
        assert network.isActive() and {'brn', 'other'} <= links() and 'br0' not in links()
        assert any(a['local'] == '10.44.0.1' for a in ip('addr', 'show', 'dev', 'other')[0]['addr_info'])
        network.destroy()


@pytest.mark.parametrize('who', ['ours', 'debian'])
def test_bridge_and_unbridge(styled, who):
    daemon = styled()
    if who == 'debian' and not support.have(support.DEBIAN_VIRSH):
        pytest.skip('libvirt-clients is not installed')
    virsh = daemon.virsh if who == 'ours' else daemon.debian_virsh
    run_ip('address add 10.9.0.1/24 dev e0; link set e0 up; route add default via 10.9.0.254')
    assert 'Bridge interface br0 started' in virsh('iface-bridge', 'e0', 'br0', '--no-stp')
    by_name = {link['ifname']: link for link in ip('addr')}
    assert by_name['e0']['master'] == 'br0' and not [a for a in by_name['e0']['addr_info'] if a['family'] == 'inet']
    assert by_name['br0']['addr_info'][0]['local'] == '10.9.0.1' and ip('route')[0]['dev'] == 'br0'
    assert 'br0' in virsh('iface-list')
    assert 'un-attached' in virsh('iface-unbridge', 'br0')
    by_name = {link['ifname']: link for link in ip('addr')}
    assert 'br0' not in by_name and by_name['e0']['addr_info'][0]['local'] == '10.9.0.1' and ip('route')[0]['dev'] == 'e0'
    virsh('iface-begin')
    virsh('iface-undefine', 'e0')
    virsh('iface-rollback')
    assert "<ip address='10.9.0.1'" in virsh('iface-dumpxml', '--inactive', 'e0')


def test_nothing_half_done(lived_in):
    """Killed at any time, the daemon finds or leaves all of an interface or nothing."""
    daemon, generator = lived_in, random.Random(7)
    without, gone = shape(), files(daemon)
    with opened(daemon) as c:
        c.interfaceDefineXML(BRIDGE)
    defined = files(daemon)
    with opened(daemon) as c:
        c.interfaceLookupByName('br0').create()
        up = shape()
        c.interfaceLookupByName('br0').destroy()
    down = shape()

    shapes = {up: 'up', down: 'down', without: 'without'}
    seen = set()
    for _ in range(KILLS):
        daemon.python(f"""
import libvirt, os, threading, time
def call(f):
    try:
        f()
    except libvirt.libvirtError:
        pass
c = libvirt.open({daemon.uri!r})
threading.Thread(target=lambda: (time.sleep({generator.uniform(0.0005, 0.12)}), os.kill({daemon.process.pid}, 9))).start()
while c.isAlive():
    call(lambda: c.interfaceDefineXML({BRIDGE!r}))
    call(lambda: c.interfaceLookupByName('br0').create())
    call(lambda: c.interfaceLookupByName('br0').destroy())
    call(lambda: c.interfaceLookupByName('br0').undefine())
""")
        daemon.process.wait()
        daemon.start()
        with opened(daemon) as c:       # once it has started all its parts
            assert c.interfaceLookupByName('e0')
        now = shape()
        assert now in shapes, now
        seen.add(shapes[now])
        assert files(daemon) in (defined, gone)
        assert not os.listdir(f'{daemon.root}/var/lib/libvirt/interface') and not os.listdir(f'{daemon.root}/run/libvirt/interface')
    print(f'{KILLS} kills: {sorted(seen)}')
