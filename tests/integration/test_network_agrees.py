# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Networks that run on our daemon and on Debian's: what dnsmasq is told, which addresses and routes the host has, what the documents say."""
import json
import os
import re
import subprocess

import pytest

import support

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='bridges can be made by root only')]
libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)

DNS = 'http://libvirt.org/schemas/network/dnsmasq/1.0'
DHCP = "<ip address='192.168.{n}.1' netmask='255.255.255.0'><dhcp><range start='192.168.{n}.2' end='192.168.{n}.99'/>{more}</dhcp></ip>"


def dhcp(n, more=''):
    return DHCP.format(n=n, more=more)


CASES = {
    'nat': f"<forward mode='nat'/>{dhcp(1)}",
    'leases': f"""<forward mode='nat'/><ip address='192.168.2.1' netmask='255.255.255.0'><dhcp>
        <range start='192.168.2.2' end='192.168.2.99'><lease expiry='2' unit='hours'/></range>
        <range start='192.168.2.200' end='192.168.2.210'><lease expiry='0'/></range>
        <host mac='52:54:00:00:00:01' ip='192.168.2.5'><lease expiry='900' unit='seconds'/></host>
        <host mac='52:54:00:00:00:03' name='d' ip='192.168.2.8'/><host name='b' ip='192.168.2.6'/></dhcp></ip>""",
    'isolated': f"<dns/><ip address='192.168.3.1' netmask='255.255.255.0' localPtr='yes'><tftp root='/tmp'/><dhcp>"
                "<range start='192.168.3.2' end='192.168.3.99'/><bootp file='pxelinux.0' server='10.0.0.1'/></dhcp></ip>",
    'nodns': f"<forward mode='route'/><dns enable='no'/>{dhcp(4)}",
    'open': "<forward mode='open'/><dns forwardPlainNames='no'/><ip address='192.168.5.1' prefix='25'><dhcp>"
            "<host mac='52:54:00:00:00:01' name='x' ip='192.168.5.9'/></dhcp></ip>",
    'records': """<forward mode='nat'/><domain name='a.example'/><dns forwardPlainNames='yes'>
        <forwarder domain='corp' addr='10.1.1.1'/><forwarder domain='only.here'/><txt name='t' value='v'/>
        <srv service='s' protocol='tcp' domain='d.example' target='h' port='1' priority='2' weight='3'/>
        <srv service='q' protocol='udp'/><srv service='q2' protocol='udp' target='.'/>
        <host ip='192.168.6.3'><hostname>q</hostname><hostname>r</hostname></host><host ip='fd00::3'><hostname>s</hostname></host></dns>
        <ip family='ipv6' address='fd00:6::1' prefix='64'/><ip address='192.168.6.1' prefix='24'/>""",
    'forwarders': f"<forward mode='nat'/><domain name='lan' localOnly='yes'/><dns forwardPlainNames='no'><forwarder addr='8.8.8.8'/>"
                  f"<forwarder addr='8.8.4.4'/></dns>{dhcp(7)}",
    'v6': """<forward mode='route'/><ip family='ipv6' address='fd00:8::1' prefix='64'><dhcp>
        <range start='fd00:8::100' end='fd00:8::1ff'/><host name='h6' ip='fd00:8::5'/>
        <host id='0:1:0:1:18:aa:62:fe:0:16:3e:44:55:66' ip='fd00:8::6'/></dhcp></ip><ip address='192.168.8.1' prefix='24'/>
        <route address='192.168.88.0' prefix='24' gateway='192.168.8.2' metric='7'/>
        <route family='ipv6' address='fd00:88::' prefix='64' gateway='fd00:8::2'/>""",
    'v6static': "<ip family='ipv6' address='fd00:9::1' prefix='64'><dhcp><host name='h6' ip='fd00:9::5'/></dhcp></ip>",
    'bare': "<domain name='only' localOnly='yes'/>",
    'options': f"<mtu size='9000'/><forward mode='nat'/>{dhcp(11)}<dnsmasq:options xmlns:dnsmasq='{DNS}'>"
               "<dnsmasq:option value='log-dhcp'/><dnsmasq:option value='cname=a,b'/></dnsmasq:options>",
    'several': f"<forward mode='nat'/><ip address='10.9.0.1' netmask='255.255.0.0'/>{dhcp(12, '<bootp file=&quot;/x&quot;/>')}",
    'quiet': "<dns enable='no'/><ip address='192.168.13.1' netmask='255.255.255.0'/>",
    'pointers': "<forward mode='nat'/><domain name='z'/><ip address='172.16.0.1' prefix='16' localPtr='yes'><dhcp>"
                "<range start='172.16.0.2' end='172.16.255.254'/></dhcp></ip>"
                "<ip family='ipv6' address='fd00:14::1' prefix='60' localPtr='yes'/>",
    'bridged': "<forward mode='bridge'/><bridge name='BRIDGE'/>",
}


def document(name, body):
    bridge = '' if '<bridge' in body else f"<bridge name='v{name}' stp='off'/>"
    return f"<network><name>{name}</name><uuid>{support.uuid.uuid5(support.uuid.NAMESPACE_URL, name)}</uuid>{bridge}{body}</network>"


def settled(text):
    """A file of dnsmasq's without what must differ: comments, places."""
    lines = [re.sub(r'/\S*/(dnsmasq|network)/', '/', line.rstrip()) for line in text.splitlines() if line and not line.startswith('#')]
    return sorted(lines)


def inside(pid, *words):
    done = subprocess.run(['nsenter', '-t', str(pid), '-n', 'ip', '-j', *words], stdout=subprocess.PIPE, check=False, text=True)
    return json.loads(done.stdout or '[]') if done.returncode == 0 else []


def seen(pid, folder, name):
    """What is there of a running network."""
    found = {}
    for kind in ('conf', 'hostsfile', 'addnhosts'):
        path = f'{folder}/{name}.{kind}'
        found[kind] = settled(open(path, encoding='utf-8').read()) if os.path.exists(path) else []     # pylint: disable=consider-using-with
    if not any('.conf' in f and f.startswith(name) for f in os.listdir(folder)):
        found['hostsfile'] = found['addnhosts'] = []    # of a dnsmasq that isn't there
    addresses = inside(pid, 'address', 'show', f'v{name}')
    found['addresses'] = sorted(f"{a['local']}/{a['prefixlen']} {a.get('broadcast')}" for link in addresses for a in link['addr_info']
                                if a['scope'] == 'global')
    found['mtu'] = [link['mtu'] for link in addresses]
    found['routes'] = sorted(f"{r['dst']} {r.get('gateway')} {r.get('metric')}" for family in ('-4', '-6')
                             for r in inside(pid, family, 'route') if r.get('gateway'))
    return found


def run_all(uri, pid, folder):
    connection, results = libvirt.open(uri), {}
    for name, body in CASES.items():
        try:
            network = connection.networkCreateXML(document(name, body))
        except libvirt.libvirtError as problem:
            results[name] = problem.get_error_code()
            continue
        text = re.sub(r"<mac address='[^']*'/>", '', network.XMLDesc())
        results[name] = dict(seen(pid, folder, name), document=[line.strip() for line in text.splitlines() if line.strip()])
        network.destroy()
    connection.close()
    return results


def test_networks(daemon, reference):
    pid = reference.daemon_pid()
    theirs_folder = f'/proc/{pid}/root/var/lib/libvirt/dnsmasq'
    os.makedirs(theirs_folder, exist_ok=True)
    ours = run_all(daemon.uri, os.getpid(), f'{daemon.root}/var/lib/libvirt/dnsmasq')
    theirs = run_all(reference.uri, pid, theirs_folder)
    assert set(ours) == set(CASES)
    other = [f'{name}: {kind}\n  ours   {value}\n  theirs {theirs[name][kind]}' for name, result in ours.items()
             for kind, value in (result.items() if isinstance(result, dict) and isinstance(theirs[name], dict) else ())
             if value != theirs[name][kind]]
    other += [f'{name}: {ours[name]} {theirs[name]}' for name in CASES if isinstance(ours[name], dict) != isinstance(theirs[name], dict)]
    assert not other, '\n'.join(other)
    assert sum(isinstance(result, dict) for result in ours.values()) >= len(CASES) - 1
