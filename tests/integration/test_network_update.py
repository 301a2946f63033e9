# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Sections of networks that run are changed: every section with every command is answered as by Debian's daemon, and leaves the same
documents and the same files of dnsmasq; the name server answers accordingly."""
import os
import re
import shutil

import pytest

import support
from netnode import BRIDGE_MARKS, network_xml, start_network
from netnode import connection      # pylint: disable=unused-import # noqa: F401
from support import wait_for
from test_network_agrees import document, settled

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = BRIDGE_MARKS
libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)

SECTIONS = {name: getattr(libvirt, f'VIR_NETWORK_SECTION_{name.upper().replace("-", "_")}') for name in (
    'bridge', 'domain', 'ip', 'ip-dhcp-host', 'ip-dhcp-range', 'forward', 'forward-interface', 'forward-pf', 'portgroup', 'dns-host', 'dns-txt', 'dns-srv')}
COMMANDS = {name: getattr(libvirt, f'VIR_NETWORK_UPDATE_COMMAND_{name.upper().replace("-", "_")}') for name in (
    'none', 'modify', 'delete', 'add-last', 'add-first')}
LIVE, CONFIG = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE, libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
NETWORKS = {
    'nat': """<forward mode='nat'/><domain name='lan' localOnly='yes'/><dns><txt name='t0' value='v0'/></dns>
        <ip address='192.168.41.1' netmask='255.255.255.0'><dhcp><range start='192.168.41.10' end='192.168.41.50'/>
        <host mac='52:54:00:00:41:01' name='h1' ip='192.168.41.101'/></dhcp></ip>
        <ip family='ipv6' address='fd00:41::1' prefix='64'><dhcp><range start='fd00:41::10' end='fd00:41::50'/></dhcp></ip>
        <portgroup name='p0' default='yes'/>""",
    'isolated': "<ip address='192.168.42.1' netmask='255.255.255.0'/>",
    'devices': "<forward mode='private'><interface dev='lo'/></forward>",
}
# what is put in, in what it is changed, and what names nothing
ITEMS = {
    'bridge': ["<bridge name='vother'/>", "<bridge name='vother2'/>", "<bridge/>"],
    'domain': ["<domain name='x'/>", "<domain name='y'/>", "<domain name='z'/>"],
    'ip': ["<ip address='192.168.44.1' prefix='24'/>", "<ip address='192.168.44.2' prefix='24'/>", "<ip/>"],
    'ip-dhcp-host': ["<host mac='52:54:00:00:41:02' name='h2' ip='192.168.41.102'/>", "<host mac='52:54:00:00:41:02' name='h3' ip='192.168.41.103'/>",
                     "<host mac='52:54:00:00:41:09' name='h9' ip='192.168.41.109'/>"],
    'ip-dhcp-range': ["<range start='192.168.41.60' end='192.168.41.70'/>", "<range start='192.168.41.60' end='192.168.41.80'/>",
                      "<range start='192.168.41.90' end='192.168.41.95'/>"],
    'forward': ["<forward mode='route'/>", "<forward mode='nat' dev='lo'/>", "<forward/>"],
    'forward-interface': ["<interface dev='eth77'/>", "<interface dev='eth78'/>", "<interface dev='eth79'/>"],
    'forward-pf': ["<pf dev='eth77'/>", "<pf dev='eth78'/>", "<pf dev='eth79'/>"],
    'portgroup': ["<portgroup name='p1'><bandwidth><inbound average='1000'/></bandwidth></portgroup>", "<portgroup name='p1' trustGuestRxFilters='yes'/>",
                  "<portgroup name='p9'/>"],
    'dns-host': ["<host ip='192.168.41.77'><hostname>a</hostname><hostname>b</hostname></host>", "<host ip='192.168.41.77'><hostname>c</hostname></host>",
                 "<host ip='192.168.41.79'><hostname>z</hostname></host>"],
    'dns-txt': ["<txt name='t1' value='v1'/>", "<txt name='t1' value='v2'/>", "<txt name='t9' value='v9'/>"],
    'dns-srv': ["<srv service='ldap' protocol='tcp' target='h' port='389'/>", "<srv service='ldap' protocol='tcp' target='i' port='390'/>",
                "<srv service='sip' protocol='udp' target='j'/>"],
}
# (command, which item)
STEPS = [('none', 0), ('modify', 2), ('delete', 2), ('add-last', 0), ('add-last', 0), ('add-first', 2), ('add-first', 1), ('modify', 1), ('modify', 0),
         ('delete', 1), ('delete', 0), ('delete', 0), ('delete', 2)]
WALKED = {'nat': set(SECTIONS) - {'forward-interface'}, 'isolated': {'dns-host'}, 'devices': {'forward-interface', 'portgroup'}}
# beside the walk: items of other addresses, wrong ones, other places and other commands
MORE = [
    ('ip-dhcp-host', 3, 1, "<host id='0:1:0:1:18:aa:62:fe:0:16:3e:44:55:66' name='six' ip='fd00:41::66'/>"),
    ('ip-dhcp-host', 3, 9, ITEMS['ip-dhcp-host'][0]), ('ip-dhcp-host', 3, 0, "<host name='h1' ip='192.168.41.120'/>"),
    ('ip-dhcp-host', 3, 0, "<host mac='52:54:00:00:41:0a' ip='10.0.0.1'/>"), ('ip-dhcp-host', 3, 0, "<host mac='52:54:00:00:41:0a'/>"),
    ('ip-dhcp-host', 2, -1, "<host name='h1'/>"), ('ip-dhcp-host', 3, -1, "<range start='192.168.41.60' end='192.168.41.70'/>"),
    ('ip-dhcp-range', 3, 1, "<range start='fd00:41::60' end='fd00:41::70'/>"), ('ip-dhcp-range', 3, 0, "<range start='10.0.0.1' end='10.0.0.9'/>"),
    ('ip-dhcp-range', 3, 0, "<range start='192.168.41.70' end='192.168.41.60'/>"), ('ip-dhcp-range', 2, 0, "<range start='192.168.41.10' end='192.168.41.50'/>"),
    ('portgroup', 3, 0, "<portgroup name='p2' default='yes'/>"), ('portgroup', 3, 0, '<portgroup/>'), ('portgroup', 2, 0, "<portgroup name='p0'/>"),
    ('dns-host', 3, 0, "<host ip='fd00:41::77'><hostname>a6</hostname></host>"), ('dns-host', 2, 0, "<host><hostname>a6</hostname></host>"),
    ('dns-host', 3, 0, '<host/>'), ('dns-txt', 3, 0, "<txt value='x'/>"), ('dns-txt', 2, 0, "<txt name='t0'/>"), ('dns-srv', 3, 0, '<srv/>'),
    ('dns-srv', 3, 0, "<srv service='x' protocol='icmp'/>"), ('dns-txt', 7, 0, ITEMS['dns-txt'][0]), ('dns-txt', 3, 0, '<txt'),
]


def code(function, *args):
    try:
        function(*args)
        return 0
    except libvirt.libvirtError as problem:
        return problem.get_error_code()


def steps(name):
    for section in sorted(WALKED[name]):
        # what no daemon can change needs no walk
        for at, (command, item) in enumerate(STEPS if section not in ('bridge', 'domain', 'ip', 'forward', 'forward-pf') else STEPS[:5:2]):
            yield f'{section} {at} {command} {item}', COMMANDS[command], SECTIONS[section], -1, ITEMS[section][item]
    for at, (section, command, parent, xml) in enumerate(MORE if name == 'nat' else ()):
        yield f'more {at} {section} {command}', command, SECTIONS[section], parent, xml


def files(folder, name):
    found = {}
    for kind in ('conf', 'hostsfile', 'addnhosts'):
        path = f'{folder}/{name}.{kind}'
        found[kind] = settled(open(path, encoding='utf-8').read()) if os.path.exists(path) else []     # pylint: disable=consider-using-with
    return found


def walk(uri, folder):
    """What each step answers, with which flags in turn; and what there is after those that did something."""
    connection, found = libvirt.open(uri), {}
    for name, body in NETWORKS.items():
        network = connection.networkDefineXML(document(name, body).replace(f"<bridge name='v{name}' stp='off'/>" if name == 'devices' else ' ', ' '))
        network.create()
        for label, command, section, parent, xml in steps(name):
            for flags in (LIVE, CONFIG) if 'more' in label else (LIVE | CONFIG,):
                got = code(network.update, command, section, parent, xml, flags)
                found[f'{name} {label} {flags}'] = [got] if got else [got, files(folder, name), document_of(network, 0),
                                                                     document_of(network, libvirt.VIR_NETWORK_XML_INACTIVE)]
        network.destroy()
        found[f'{name} at rest'] = [code(network.update, 3, SECTIONS['dns-txt'], -1, "<txt name='rest' value='x'/>", flags) for flags in (LIVE, CONFIG, 0)]
        network.undefine()
    connection.close()
    return found


def document_of(network, flags):
    """One item a line, however it is laid out."""
    text = re.sub(r"\s*<mac address='[0-9a-f:]*'/>", '', re.sub(r'>\s+<', '>\n<', network.XMLDesc(flags)))
    return re.sub(r'<(\w+)([^<>]*)>\n</\1>', r'<\1\2/>', text).splitlines()


def difference(ours, theirs):
    """What of an answer differs, in short."""
    if len(ours) != len(theirs) or ours[0] != theirs[0]:
        return f'ours {ours[0]}, theirs {theirs[0]}'
    pairs = [(ours[1][kind], theirs[1][kind]) for kind in ours[1]] + list(zip(ours[2:], theirs[2:])) if len(ours) > 2 else []
    return ''.join(f'\n  ours {[x for x in a if x not in b]} theirs {[x for x in b if x not in a]}' for a, b in pairs if a != b)


def test_agrees(daemon, reference):
    pid = reference.daemon_pid()
    theirs_folder = f'/proc/{pid}/root/var/lib/libvirt/dnsmasq'
    os.makedirs(theirs_folder, exist_ok=True)
    ours = walk(daemon.uri, f'{daemon.root}/var/lib/libvirt/dnsmasq')
    theirs = walk(reference.uri, theirs_folder)
    assert list(ours) == list(theirs)
    wrong = [f'{label}: {difference(ours[label], theirs[label])}' for label in ours if ours[label] != theirs[label]]
    assert not wrong, f'{len(wrong)} of {len(ours)}\n' + '\n'.join(wrong[:40])
    done = {label.split()[1] for label, answer in ours.items() if label.startswith(('nat', 'devices')) and answer[0] == 0}
    assert done >= set(SECTIONS) - {'bridge', 'domain', 'ip', 'forward', 'forward-pf'}, done


@pytest.mark.skipif(not shutil.which('dig'), reason='bind9-dnsutils is not installed')
@pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about what ours does')
def test_served(guest_daemon, connection):     # noqa: F811 pylint: disable=redefined-outer-name,unused-argument
    """The name server that runs answers what it was told last."""
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))

    def change(command, section, xml):
        network.update(COMMANDS[command], SECTIONS[section], -1, xml, LIVE)

    def dig(*words):
        return support.run(['dig', '+short', '+tries=1', '+time=2', '@192.168.31.1', *words], check=False).stdout.split('\n')[0]
    for section, xml, asked, answer in (
            ('dns-host', "<host ip='192.168.31.77'><hostname>named</hostname></host>", ['A', 'named.lan'], '192.168.31.77'),
            ('dns-txt', "<txt name='note.lan' value='hello'/>", ['TXT', 'note.lan'], '"hello"'),
            ('dns-srv', "<srv service='ldap' protocol='tcp' domain='lan' target='one.lan' port='389'/>", ['SRV', '_ldap._tcp.lan'], '0 0 389 one.lan.')):
        assert dig(*asked) == ''
        change('add-last', section, xml)
        wait_for(lambda a=asked, w=answer: dig(*a) == w, 20, f'{section} to be served')
        change('delete', section, xml)
        wait_for(lambda a=asked: dig(*a) == '', 20, f'{section} to be forgotten')
