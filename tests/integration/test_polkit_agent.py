# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon wants a password that no desktop asks for: virsh starts the agent for terminals and tries once more. The daemon here only
speaks of authentication."""
import contextlib
import os
import socket
import struct
import threading

import pytest

import support
import wire
from support import tree
from terminal import Terminal

AUTH_UNAVAILABLE, RPC_DOMAIN, ERROR_LEVEL, POLKIT = 94, 7, 2, 2


class Daemon:
    """Answers as long as it is asked how to prove who one is; says what it was asked."""

    def __init__(self, path, protocol):
        self.protocol, self.asked = protocol, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(5)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(ConnectionError, struct.error):
                while True:
                    self.answer(connection)

    def answer(self, connection):
        length = struct.unpack('>I', connection.recv(4, socket.MSG_WAITALL))[0]
        body = connection.recv(length - 4, socket.MSG_WAITALL)
        program, version, procedure, _, serial, _ = wire.HEADER.unpack_from(body)
        name = next(name for (_, name), (call, _) in self.protocol.calls.items() if call.number == procedure)
        self.asked.append(name)
        if name == 'AUTH_LIST':
            payload, status = struct.pack('>II', 1, POLKIT), wire.OK
        else:
            text = b'nobody asks'.ljust(12, b'\0')
            payload = struct.pack('>iiII12si', AUTH_UNAVAILABLE, RPC_DOMAIN, 1, 11, text, ERROR_LEVEL) + bytes(28)
            status = wire.ERROR
        reply = wire.HEADER.pack(program, version, procedure, wire.REPLY, serial, status) + payload
        connection.sendall(struct.pack('>I', len(reply) + 4) + reply)


@pytest.fixture
def asks(tmp_path, protocol):
    """A function that runs virsh on a terminal, with such an agent; (what it says, what the daemon was asked, the agent's words)."""
    def run(agent, *options):
        (tmp_path / 'bin').mkdir()
        script = tmp_path / 'bin/pkttyagent'
        script.write_text(f'#!/bin/sh\necho "$@" $PPID > {tmp_path}/words\n{agent}\n')
        script.chmod(0o755)
        daemon = Daemon(str(tmp_path / 'sock'), protocol)
        env = dict(os.environ, PATH=f'{tmp_path}/bin:' + os.environ['PATH'])
        with contextlib.closing(daemon.listener):
            uri = f'qemu+unix:///system?socket={tmp_path}/sock'
            with Terminal([tree.place(support.BUILD, 'virsh'), *options, '-c', uri, 'list'], env) as virsh:
                assert virsh.end() == 1
                said, pid = virsh.text, virsh.pid
        words = (tmp_path / 'words').read_text().split() if (tmp_path / 'words').exists() else None
        return said, daemon.asked, words, str(pid)
    return run


def test_agent(asks):
    said, asked, words, pid = asks('exec 9>&-; exec sleep 60')
    assert words == ['--process', pid, '--notify-fd', '9', pid]
    assert asked == ['AUTH_LIST', 'AUTH_POLKIT'] * 2 and 'nobody asks' in said


def test_agent_that_does_not_stay(asks):
    said, asked, _, _ = asks('exit 1')
    assert asked == ['AUTH_LIST', 'AUTH_POLKIT'] * 2 and 'nobody asks' in said


def test_no_agent_on_demand(asks):
    said, asked, words, _ = asks('exec 9>&-; exec sleep 60', '--no-pkttyagent')
    assert words is None and asked == ['AUTH_LIST', 'AUTH_POLKIT'] and 'nobody asks' in said
