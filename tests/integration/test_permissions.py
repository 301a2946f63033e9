# SPDX-License-Identifier: LGPL-2.1-or-later
"""The permission matrix: every procedure over the read-only socket is allowed or refused as its row in api/ says,
and a refused one has no side effect."""
import os

import pytest

import support
import wire
from values import UNTOUCHED, Values

DENIED = 29             # VIR_ERR_OPERATION_DENIED
UNKNOWN = 39            # VIR_ERR_RPC: a procedure that the other side does not have (the older reference)
PROGRAMS = ('remote', 'qemu', 'lxc')


def state_of(daemon, connection):
    """Everything that a forbidden call could have changed."""
    files = {}
    for where, folders, names in os.walk(daemon.root):
        if 'cache' in folders:
            folders.remove('cache')     # what an allowed call found out about QEMU
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path) and not path.endswith('.log'):
                info = os.stat(path)
                files[path] = (info.st_size, info.st_mtime_ns, info.st_mode, info.st_uid)
    domains = connection.call('CONNECT_LIST_ALL_DOMAINS', need_results=1, flags=0)['domains']
    descriptions = [connection.call('DOMAIN_GET_XML_DESC', dom=d, flags=0)['xml'] for d in domains]
    states = [connection.call('DOMAIN_GET_STATE', dom=d, flags=0) for d in domains]
    return files, [d['name'] for d in domains], descriptions, states


def answer(connection, protocol, program, name, arguments):
    """Error code of a call, 0 when it was done."""
    call = protocol.calls[program, name][0]
    connection.send(connection.packet(name, protocol.encode(call.args, arguments), program))
    status, reader = connection.answer(connection.serial)
    return wire.decode_error(reader).code if status == wire.ERROR else 0


@pytest.fixture
def domain(daemon, protocol):
    """A defined and a running domain; the running one is given."""
    with wire.Client(daemon.socket, protocol) as writer:
        writer.open()
        writer.call('DOMAIN_DEFINE_XML', xml=support.domain_xml('idle', memory=16))
        found = writer.call('DOMAIN_CREATE_XML', xml_desc=support.domain_xml('victim', memory=16), flags=1)['dom']
        yield found
        writer.call('DOMAIN_DESTROY', dom=found)


def open_reader(daemon, protocol, how):
    if how == 'read-only socket':
        return wire.Client(daemon.socket_ro, protocol).open()
    return wire.Client(daemon.socket, protocol).open(read_only=True)


@pytest.mark.parametrize('how', ['read-only socket', 'read-only flag'])
def test_matrix(daemon, protocol, domain, how):
    values = Values(protocol, {'domain': domain})
    wrong, seen = [], {'allowed': 0, 'denied': 0}
    with wire.Client(daemon.socket, protocol) as writer:
        writer.open()
        before = state_of(daemon, writer)
        for (program, name), (call, owner) in sorted(protocol.calls.items()):
            if program not in PROGRAMS or name in UNTOUCHED or owner.readonly not in seen:
                continue
            # A connection each: what one call opens (a stream) must not swallow the next.
            with open_reader(daemon, protocol, how) as reader:
                code = answer(reader, protocol, program, name, values.plain(call.args))
            if code == UNKNOWN:
                continue
            seen[owner.readonly] += 1
            if (code == DENIED) != (owner.readonly == 'denied'):
                wrong.append(f'{program} {name}: {owner.readonly}, answered with code {code}')
        assert state_of(daemon, writer) == before, 'a refused call had a side effect'
    assert not wrong, '\n'.join(wrong)
    assert seen['denied'] > 150 and seen['allowed'] > 100, seen


def constant(protocol, name):
    """Value of an enum's member."""
    for header in protocol.model.headers.values():
        for block in header.blocks:
            for words in map(str.split, block.all('value') if block.kind == 'enum' else []):
                if words[0] == name:
                    return int(words[1])
    raise KeyError(name)


def test_conditional_rows(daemon, protocol, domain):
    """What is denied only with some flags or arguments is denied with them, and nothing else."""
    values = Values(protocol, {'domain': domain})
    wrong, tried = [], 0
    with open_reader(daemon, protocol, 'read-only socket') as reader:
        for call, owner in protocol.model.all_calls():
            if owner.readonly != 'conditional' or call.program not in PROGRAMS:
                continue
            for term in owner.readonly_if.split(';'):
                left, _, right = term.strip().rpartition('==')
                number = constant(protocol, right)
                arguments = values.plain(call.args)
                arguments[left or 'flags'] = number
                tried += 1
                if answer(reader, protocol, call.program, call.name, arguments) not in (DENIED, UNKNOWN):
                    wrong.append(f'{call.name} with {term}')
            if answer(reader, protocol, call.program, call.name, values.plain(call.args)) == DENIED:
                wrong.append(f'{call.name} without flags is denied')
    assert tried > 4 and not wrong, '\n'.join(wrong)


def test_read_only_clients_may_not_hold_the_writers_secrets(daemon, protocol, domain):
    """SECURE and MIGRATABLE descriptions want more than reading."""
    with open_reader(daemon, protocol, 'read-only socket') as reader:
        for flags in (1, 8):
            with pytest.raises(wire.RemoteError) as caught:
                reader.call('DOMAIN_GET_XML_DESC', dom=domain, flags=flags)
            assert caught.value.code == DENIED
        assert reader.call('DOMAIN_GET_XML_DESC', dom=domain, flags=0)['xml']


def test_read_only_socket_opens_no_files(daemon, protocol, tmp_path):
    """The daemon may read what its client may not."""
    node = tmp_path / 'node.xml'
    node.write_text('<node><cpu><mhz>6000</mhz></cpu></node>')
    with wire.Client(daemon.socket, protocol) as writer:
        writer.open(f'test://{node}')
        assert writer.call('NODE_GET_INFO')['mhz'] == 6000
    for uri, code in ((f'test://{node}', DENIED), ('test:///etc/shadow', DENIED), ('nothing:///embed?root=/tmp', 5)):
        with wire.Client(daemon.socket_ro, protocol) as reader:
            with pytest.raises(wire.RemoteError) as caught:
                reader.open(uri)
            assert caught.value.code == code
    with wire.Client(daemon.socket_ro, protocol) as reader:
        reader.open('test:///default')


def test_read_only_socket_cannot_be_talked_into_writing(daemon, protocol, domain):
    with wire.Client(daemon.socket_ro, protocol) as reader:
        reader.open(read_only=False)
        with pytest.raises(wire.RemoteError) as caught:
            reader.call('DOMAIN_DESTROY', dom=domain)
        assert caught.value.code == DENIED
        assert reader.call('DOMAIN_GET_STATE', dom=domain, flags=0)['state'] == 3
