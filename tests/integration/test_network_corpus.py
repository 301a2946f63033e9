# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents that use every row and every value of the formats of networks: taken, told and refused as by Debian's library."""
import glob
import json
import os
import xml.etree.ElementTree as ET

import agreement
import corpus
import support

IP = "<ip address='198.51.100.1' netmask='255.255.255.0'>{}</ip>"
OWNED = "<bridge name='virbr7'/>"
LEASE = "<lease expiry='900' unit='{}'/>"
SWITCH = "<forward mode='{}'><interface dev='e0'/></forward><virtualport type='{}'><parameters {}/></virtualport>"
UUID = "'09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f'"

TAKEN = {
    'none': "<forward mode='none'/>" + OWNED,
    **{mode: f"<forward mode='{mode}'/>{OWNED}{IP.format('')}" for mode in ('nat', 'route', 'open')},
    **{mode: f"<forward mode='{mode}'><interface dev='e0'/><interface dev='e1'/></forward>" for mode in
       ('bridge', 'private', 'vepa', 'passthrough')},
    'pf': "<forward mode='passthrough'><pf dev='e0'/></forward>",
    **{f'hostdev {driver}': f"<forward mode='hostdev' managed='no'><driver name='{driver}'/><pf dev='e0'/></forward>"
       for driver in ('kvm', 'vfio', 'xen')},
    'devices': "<forward mode='hostdev' managed='yes'><address type='pci' domain='0' bus='5' slot='1' function='2'/></forward>",
    'translation': f"<forward dev='e0'><nat ipv6='yes'><address start='192.0.2.1' end='192.0.2.9'/><port start='500' end='600'/></nat>"
                   f"</forward>{OWNED}{IP.format('')}",
    'no ipv6': f"<forward><nat ipv6='no'/></forward>{OWNED}{IP.format('')}",
    **{f'stp {on}': f"<bridge name='virbr7' zone='home' stp='{on}' delay='3' macTableManager='{who}'/>" for on, who in
       (('on', 'kernel'), ('off', 'libvirt'))},
    **{f'unit {unit}': OWNED + IP.format(f"<dhcp><range start='198.51.100.2' end='198.51.100.9'>{LEASE.format(unit)}</range>"
                                         f"<host mac='52:54:00:00:00:02' name='h' ip='198.51.100.30'>{LEASE.format(unit)}</host>"
                                         "<bootp file='f' server='192.0.2.1'/></dhcp>") for unit in ('seconds', 'minutes', 'hours')},
    'v6': f"""{OWNED}<ip family='ipv6' address='2001:db8::1' prefix='64' localPtr='yes'><dhcp><range start='2001:db8::2' end='2001:db8::9'/>
      <host id='0:1:2' name='six' ip='2001:db8::5'/></dhcp></ip><ip family='ipv4' address='198.51.100.1' prefix='24' localPtr='no'>
      <tftp root='/t'/></ip><route family='ipv6' address='2001:db8:9::' prefix='64' gateway='2001:db8::3'/>
      <route family='ipv4' address='203.0.113.0' netmask='255.255.255.0' gateway='198.51.100.7' metric='5'/>""",
    **{f'names {on}': f"""{OWNED}<domain name='d.test' localOnly='{on}'/><dns enable='yes' forwardPlainNames='{on}'>
      <forwarder domain='x' addr='192.0.2.2'/><txt name='t' value='v'/>
      <srv service='s' protocol='tcp' domain='d' target='t' port='5' priority='1' weight='2'/>
      <host ip='198.51.100.7'><hostname>a</hostname><hostname>b</hostname></host></dns>{IP.format('')}""" for on in ('yes', 'no')},
    'no names': f"{OWNED}<dns enable='no'/>",
    **{f'flags {on}': f"""{OWNED}<mtu size='9000'/><mac address='52:54:00:00:00:07'/><port isolated='{on}'/>
      <portgroup name='a' default='{on}' trustGuestRxFilters='{on}'/>""" for on in ('yes', 'no')},
    'limits': f"""{OWNED}<bandwidth><inbound average='10' peak='20' burst='30'/><outbound average='1' peak='2' burst='3'/></bandwidth>
      <portgroup name='a'><bandwidth><inbound average='5'/></bandwidth></portgroup>{IP.format('')}""",
    **{f'vlan {mode}': f"""<forward mode='bridge'/><bridge name='br0'/><vlan trunk='yes'><tag id='5' nativeMode='{mode}'/><tag id='6'/></vlan>
      <virtualport type='openvswitch'><parameters profileid='p' interfaceid={UUID}/></virtualport>
      <portgroup name='a'><vlan trunk='no'><tag id='9'/></vlan><virtualport type='none'><parameters/></virtualport></portgroup>"""
       for mode in ('tagged', 'untagged')},
    'qbg': SWITCH.format('vepa', '802.1Qbg', f"managerid='1' typeid='2' typeidversion='3' instanceid={UUID}"),
    'qbh': SWITCH.format('private', '802.1Qbh', "profileid='p'"),
    'midonet': f"<forward mode='bridge'/><bridge name='br0'/><virtualport type='midonet'><parameters interfaceid={UUID}/></virtualport>",
    'same group': f"{OWNED}<portgroup name='a'/><portgroup name='a'/>",
    'two defaults': f"{OWNED}<portgroup name='a' default='yes'/><portgroup name='b' default='yes'/>",
    'other': f"""{OWNED}<metadata><a:b xmlns:a='http://a.test'>x</a:b></metadata>
      <dnsmasq:options xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><dnsmasq:option value='log-dhcp'/></dnsmasq:options>""",
}
HEADS = {'flags yes': " ipv6='yes' trustGuestRxFilters='yes'", 'flags no': " ipv6='no' trustGuestRxFilters='no'"}
# Newer than the library that is compared with.
NEWER = {
    'texts': f"<title>a title</title><description>more of it</description>{OWNED}",
    'register yes': f"{OWNED}<domain name='d' register='yes'/>", 'register no': f"{OWNED}<domain name='d' register='no'/>",
}
# Words that no document can have, with why.
NEVER = {'connections': 'counts guests of a network that runs', 'floor': 'is for ports only'}
REFUSED = {
    'mode': "<forward mode='x'/>", 'delay': f"<bridge name='a' delay='x'/>{IP.format('')}", 'stp': "<bridge name='a' stp='x'/>",
    'nat without ip': "<forward mode='nat'/>", 'open with dev': f"<forward mode='open' dev='e'/>{IP.format('')}",
    'floor': f"{OWNED}<bandwidth><inbound average='1' floor='2'/></bandwidth>", 'limit': f"{OWNED}<bandwidth><inbound peak='2'/></bandwidth>",
    'rate': f"{OWNED}<bandwidth><inbound average='-1'/></bandwidth>", 'no tag': f"{OWNED}<vlan/>",
    'trunk': f"{OWNED}<vlan trunk='no'><tag id='1'/><tag id='2'/></vlan>", 'tag': f"{OWNED}<vlan><tag id='5000'/></vlan>",
    'two forwards': f"<forward mode='nat'><interface dev='a'/><interface dev='b'/></forward>{IP.format('')}",
    'bridge and device': "<forward mode='bridge'><interface dev='a'/></forward><bridge name='b'/>",
    'zone of another': "<forward mode='bridge'/><bridge name='b' zone='z'/>", 'mac': f"{OWNED}<mac address='53:54:00:00:00:07'/>",
    'address': f"{OWNED}<ip address='x'/>", 'netmask': f"{OWNED}<ip address='192.0.2.1' netmask='x'/>",
    'both masks': f"{OWNED}<ip address='192.0.2.1' netmask='255.255.255.0' prefix='24'/>",
    'range': OWNED + IP.format("<dhcp><range start='198.51.100.9' end='198.51.100.2'/></dhcp>"),
    'range elsewhere': OWNED + IP.format("<dhcp><range start='192.0.2.1' end='192.0.2.9'/></dhcp>"),
    'host': OWNED + IP.format('<dhcp><host/></dhcp>'), 'lease': OWNED + IP.format("<dhcp><range start='198.51.100.2' "
                                                                                  "end='198.51.100.3'><lease unit='days'/></range></dhcp>"),
    'txt': f"{OWNED}<dns><txt value='v'/></dns>", 'srv': f"{OWNED}<dns><srv service='s'/></dns>", 'dns host': f"{OWNED}<dns><host/></dns>",
    'forwarder': f"{OWNED}<dns><forwarder/></dns>", 'route': f"{OWNED}{IP.format('')}<route address='203.0.113.0'/>",
    'ports': f"<forward><nat><port start='9' end='5'/></nat></forward>{IP.format('')}",
    'reversed': f"<forward><nat><address start='192.0.2.9' end='192.0.2.1'/></nat></forward>{IP.format('')}",
    'nat of route': f"<forward mode='route'><nat><port start='1' end='5'/></nat></forward>{IP.format('')}",
    'unnamed group': f"{OWNED}<portgroup/>",
    'driver': "<forward mode='hostdev'><driver name='x'/><pf dev='e0'/></forward>",
    'usb': "<forward mode='hostdev'><address type='usb'/></forward>",
}


def document(name, body):
    return f"<network{HEADS.get(name, '')}><name>n</name><uuid>11111111-1111-4111-8111-111111111120</uuid>{body}</network>"


# Label (a name, and 1 if the document is validated): why the answers differ.
BY_RULE = "what a rule refuses is told as invalid, too, when a document is validated"
KINDER = "Debian's schema lacks what its parser takes"
DIFFERING = {
    **{f'bad {name} 1': BY_RULE for name in ('nat without ip', 'open with dev', 'floor', 'two forwards', 'bridge and device', 'zone of another',
                                             'forwarder', 'nat of route')},
    **{f'bad {name} 1': "what is missing is told as that" for name in ('txt', 'srv', 'dns host')},
    'none 1': KINDER, 'v6 1': KINDER,
    **{f'{name} {flags}': "documented, and not known to Debian's" for name in ('hostdev xen', 'vlan tagged', 'vlan untagged') for flags in (0, 1)},
    **{f'other {flags}': "Debian's test driver drops options of dnsmasq" for flags in (0, 1)},
    **{f'bad {name} 0': "Debian's takes a wrong word for none" for name in ('stp', 'lease')},
}

SCRIPT = r'''
for name, text in json.loads(%r).items():
    def defined(flags):
        n = c.networkDefineXMLFlags(text, flags)
        try:
            return tree(n.XMLDesc(0), ('mac',) if '<mac' not in text else ())
        finally:
            n.undefine()
    for flags in (0, 1):
        call('%%s %%d' %% (name, flags), defined, flags)
'''


def test_agrees(tmp_path):
    documents = {name: document(name, body) for name, body in {**TAKEN, **{f'bad {n}': b for n, b in REFUSED.items()}}.items()}
    answers = agreement.check(SCRIPT % json.dumps(documents), tmp_path, DIFFERING)
    assert len(answers) == 2 * len(documents)


def test_every_row_and_every_value_has_a_document():
    coverage = corpus.Coverage(corpus.schema('network'))
    for name, body in {**TAKEN, **NEWER}.items():
        coverage.add(corpus.Case(name, ET.fromstring(document(name, body))))
    rows, values = coverage.missing()
    missing = [row for row in rows + values if '/device.schema' not in row and not any(word in row for word in NEVER)]
    assert not missing and not coverage.unknown, '\n'.join(missing + [str(u) for u in coverage.unknown])
