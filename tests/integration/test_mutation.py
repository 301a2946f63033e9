# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 1200
"""Thousands of damaged messages and documents: each is answered, nothing crashes, leaks or hangs.

SEED repeats a run, LIBVIRT_TEST_MUTATIONS sets how many (10,000 of each)."""
import collections
import os
import random
import re
import socket
import struct

import pytest

import support
import wire
from values import UNTOUCHED, Values

COUNT = int(os.environ.get('LIBVIRT_TEST_MUTATIONS', '10000'))
SEED = int(os.environ.get('SEED') or random.SystemRandom().randrange(2**32))
PER_CONNECTION = 100
RPC_ERROR = 39
XML_ERRORS = (27, 68)
LINE = re.compile(r':\d+:|\bline \d+', re.I)
ANSWER_SECONDS = 30

DOCUMENT = '''<domain type='qemu'>
  <name>victim</name>
  <uuid>8ad3cd47-9bc1-4ccb-a0b1-4e9c4a4c3d2e</uuid>
  <title>A title</title>
  <metadata><x:y xmlns:x='http://example.org/x'>z</x:y></metadata>
  <memory unit='MiB'>64</memory>
  <currentMemory unit='KiB'>65536</currentMemory>
  <vcpu placement='static' current='1'>2</vcpu>
  <iothreads>1</iothreads>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <bootmenu enable='yes' timeout='3000'/>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact'><model fallback='allow'>qemu64</model></cpu>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/></clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/nonexistent/a.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <serial>abc</serial>
      <boot order='1'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='nbd' name='x'><host name='localhost' port='10809'/></source>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <interface type='user'>
      <mac address='52:54:00:11:22:33'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>
    <video><model type='vga' vram='16384' heads='1'/></video>
    <watchdog model='i6300esb' action='reset'/>
    <memballoon model='virtio'><stats period='10'/></memballoon>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
'''


@pytest.fixture(autouse=True)
def say_seed():
    print(f'SEED={SEED}')


def connected(daemon, protocol):
    return wire.Client(daemon.socket, protocol, ANSWER_SECONDS).open()


def test_mutated_messages(daemon, protocol):
    """Each damaged call is answered, or its connection closed; the daemon stays and leaks no connection."""
    with connected(daemon, protocol) as first:
        domain = first.call('DOMAIN_DEFINE_XML', xml=support.domain_xml('victim'))['dom']
    values = Values(protocol, {'domain': domain}, SEED)
    names = sorted(k for k in protocol.calls if k[0] in ('remote', 'qemu', 'lxc') and k[1] not in UNTOUCHED)
    connection, outcomes = None, collections.Counter()
    try:
        for number in range(COUNT):
            if connection is None or number % PER_CONNECTION == 0 or connection.socket.fileno() < 0:
                close(connection)
                connection = connected(daemon, protocol)
            program, name = values.random.choice(names)
            try:
                outcomes[exchange(connection, values, protocol.calls[program, name][0])] += 1
            except socket.timeout:
                pytest.fail(f'message {number}, {name}: no answer within {ANSWER_SECONDS} s')
            assert daemon.alive(), f'message {number}, {name}, ended the daemon: {daemon.output()}'
    finally:
        close(connection)
    with connected(daemon, protocol) as last:
        assert last.call('CONNECT_GET_LIB_VERSION')
    print(dict(outcomes))
    assert outcomes['refused'] > COUNT // 10, 'the mutations hardly damage anything'


def close(connection):
    if connection:
        connection.socket.close()


def exchange(connection, values, call):
    """Send one damaged call; what became of it. No answer in time is an error (socket.timeout)."""
    payload = connection.protocol.encode(call.args, values.wild(call.args))
    if values.random.random() < 0.1:
        return exchange_header(connection, values, connection.packet(call.name, payload, call.program))
    connection.send(connection.packet(call.name, values.mutate(payload), call.program))
    try:
        status, reader = connection.answer(connection.serial)
    except (wire.Closed, ConnectionError):
        connection.socket.close()
        return 'closed'
    if status == wire.ERROR:
        return 'refused' if wire.decode_error(reader).code == RPC_ERROR else 'answered'
    return 'answered'


def exchange_header(connection, values, packet):
    """Damage the header, too. It may now be anything, also something that gets no answer or waits for descriptors;
    but when nothing more comes, the daemon must come to an end with it."""
    body = values.mutate(packet[4:28])[:24].ljust(24, b'\0') + packet[28:]
    try:
        connection.send(struct.pack('>I', len(body) + 4) + body)
        connection.socket.shutdown(socket.SHUT_WR)
        while True:
            connection.receive()
    except (wire.Closed, ConnectionError):
        connection.socket.close()
        return 'header'


def mutated_document(rng):
    text = DOCUMENT.replace("type='qemu'>\n  <name", f"type='{support.DOMAIN_TYPE}'>\n  <name")
    for _ in range(rng.choice([1, 1, 2, 3])):
        text = rng.choice(MUTATIONS)(rng, text)
    return text


def pick(rng, pattern, text):
    """One of the places that match; an empty one when earlier damage left none."""
    return rng.choice(list(re.finditer(pattern, text)) or [re.match('', text)])


def drop_piece(rng, text):
    """Leave out an element, attribute, tag or some characters."""
    piece = pick(rng, r"<[^<>]*/>|</?\w[^<>]*>| \w+='[^']*'|\w+", text)
    return text[:piece.start()] + text[piece.end():]


def double_piece(rng, text):
    piece = pick(rng, r"<\w[^<>]*/>| \w+='[^']*'|<(\w+)>[^<]*</\1>", text)
    return text[:piece.end()] + piece.group(0) * rng.choice([1, 1, 300]) + text[piece.end():]


def swap_value(rng, text):
    piece = pick(rng, r"(?<==')[^']*(?=')|(?<=>)[^<>\s]+(?=<)", text)
    value = rng.choice(['', '0', '-1', '4294967296', '18446744073709551616', '1e9', ' ', 'x' * 5000, '\u00e4', '&#65;',
                        '../..', '%n', '0x10', '99999999999', 'NaN', 'yes', 'none', '\t7', "7'", '&lt;', '&bad;'])
    return text[:piece.start()] + value + text[piece.end():]


def swap_name(rng, text):
    piece = pick(rng, r'(?<=<)\w+|(?<=</)\w+|\w+(?==)', text)
    return text[:piece.start()] + rng.choice(['memory', 'disk', 'typ', 'x', 'n' * 2000]) + text[piece.end():]


def spoil_bytes(rng, text):
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(['\x01', '<', '>', '&', '\ufffe', ']]>', '<!--', '<![CDATA[', '']) + \
        text[at + rng.randrange(3):]


def cut_document(rng, text):
    return text[:rng.randrange(len(text) + 1)]


def nest(rng, text):
    depth = rng.choice([10, 1000, 100000])
    return text.replace('<devices>', '<devices>' + '<a>' * depth, 1)


def entities(rng, text):
    kind = rng.choice(['<!ENTITY a "x">', '<!ENTITY a SYSTEM "file:///etc/passwd">',
                       '<!ENTITY b "bbbbbbbbbb"><!ENTITY a "&b;&b;&b;&b;&b;&b;">'])
    return f'<!DOCTYPE domain [{kind}]>\n' + text.replace('A title', '&a;')


MUTATIONS = [drop_piece] * 4 + [double_piece] * 3 + [swap_value] * 8 + [swap_name] * 3 + [spoil_bytes] * 3 + \
    [cut_document] * 2 + [nest, entities]


def test_mutated_documents(daemon, protocol):
    """Each damaged definition is taken or refused with a line; nothing else happens."""
    rng = random.Random(SEED)
    refused = without_line = 0
    examples = []
    with connected(daemon, protocol) as client:
        whole = client.call('DOMAIN_DEFINE_XML_FLAGS', xml=DOCUMENT.replace("type='qemu'", f"type='{support.DOMAIN_TYPE}'", 1), flags=0)['dom']
        client.call('DOMAIN_UNDEFINE_FLAGS', dom=whole, flags=0)
        for number in range(COUNT):
            text = mutated_document(rng)
            try:
                domain = client.call('DOMAIN_DEFINE_XML_FLAGS', xml=text.encode('utf-8', 'replace').decode(), flags=0)
                client.call('DOMAIN_UNDEFINE_FLAGS', dom=domain['dom'], flags=0)
            except wire.RemoteError as error:
                refused += 1
                if error.code in XML_ERRORS and not LINE.search(error.message):
                    without_line += 1
                    examples.append(f'{error.message}')
            assert daemon.alive(), f'document {number} ended the daemon: {daemon.output()}'
        assert client.call('CONNECT_LIST_ALL_DOMAINS', need_results=0, flags=0)['ret'] == 0
    assert refused > COUNT // 3, 'the mutations hardly damage anything'
    assert not without_line, f'{without_line} of {refused} errors name no line, such as {sorted(set(examples))[:10]}'
