# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters that follow connections, which needs a kernel that does so in bridges."""
import contextlib
import subprocess

import pytest

from conftest import modules, run, virsh, wait_for

UUID = '11111111-1111-1111-1111-111111111111'
BINDING = (f"<filterbinding><owner><name>g</name><uuid>{UUID}</uuid></owner><portdev name='veth0'/><mac address='52:54:00:00:00:01'/>"
           "<filterref filter='t'/></filterbinding>")
REST = "<rule action='drop' direction='inout' priority='1000'><all/></rule>"
SERVER = r'''
import socket, sys, threading
listeners = [socket.create_server((sys.argv[1], int(port)), backlog=20) for port in sys.argv[2:]]
def serve(listener):
    kept = []
    while True:
        kept.append(listener.accept()[0])
        kept[-1].sendall(b'x')
for listener in listeners:
    threading.Thread(target=serve, args=(listener,)).start()
print('up', flush=True)
'''
CLIENT = r'''
import socket, sys
target, source, count = (sys.argv[1], int(sys.argv[2])), int(sys.argv[3]), int(sys.argv[4])
kept = []
for _ in range(count):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(3)
    try:
        s.bind(('10.0.0.2' if source else '', source))
        s.connect(target)
        s.settimeout(20)
        if s.recv(1) == b'x':
            kept.append(s)
    except OSError:
        pass
print(len(kept))
'''


def connected(port, count=1, source=0, inside=True):
    """How many of so many connections at a time come about: from the guest's side to the host, or the other way."""
    words = ['python3', '-c', CLIENT, '10.0.0.1' if inside else '10.0.0.5', port, source, count]
    return int(run(*((['ip', 'netns', 'exec', 'guest'] if inside else []) + words)))


@contextlib.contextmanager
def serving(*words):
    with subprocess.Popen([*words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == 'up\n'
            yield
        finally:
            process.kill()


@pytest.fixture
def sides():
    """A bridge with a guest's side behind it, and servers on both."""
    modules('nf_conntrack_bridge', 'veth')
    for line in ('netns add guest', 'link add br7 type bridge', 'address add 10.0.0.1/24 dev br7', 'address add 10.0.0.2/24 dev br7',
                 'link set br7 up',
                 'link add veth0 type veth peer name eth7 netns guest address 52:54:00:00:00:01', 'link set veth0 master br7 up',
                 'netns exec guest ip address add 10.0.0.5/24 dev eth7', 'netns exec guest ip link set eth7 up'):
        run('ip', *line.split())
    try:
        with serving('python3', '-c', SERVER, '10.0.0.1', '80', '81'), \
                serving('ip', 'netns', 'exec', 'guest', 'python3', '-c', SERVER, '10.0.0.5', '9000', '9001'):
            wait_for(lambda: connected(80), what='the bridge to forward')
            yield
    finally:
        run('ip', 'netns', 'del', 'guest', check=False)
        run('ip', 'link', 'del', 'br7', check=False)


def define(rules):
    with open('/run/t.xml', 'w', encoding='utf-8') as f:
        f.write(f"<filter name='t' chain='root'><uuid>{UUID}</uuid>{rules}{REST}</filter>")
    virsh('nwfilter-define', '/run/t.xml')


def test_connections(sides):
    assert connected(81) == connected(9000, inside=False) == connected(9000, source=80, inside=False) == 1
    with open('/run/b.xml', 'w', encoding='utf-8') as f:
        f.write(BINDING)
    accept = "<rule action='accept' direction='{}' {}><tcp {}/></rule>"
    define(accept.format('out', '', "dstportstart='80'"))
    virsh('nwfilter-binding-create', '/run/b.xml')
    try:
        # answers pass, and what only looks like one does not
        assert connected(80) == 1 and connected(81) == 0 and connected(9000, source=80, inside=False) == 0
        define(accept.format('out', "statematch='false'", "dstportstart='80'"))
        assert connected(80) == 1 and connected(9000, source=80, inside=False) == 1
        # states that a rule names
        define(accept.format('in', '', "dstportstart='9000' state='NEW,ESTABLISHED'") + accept.format('out', '', "state='ESTABLISHED'"))
        assert connected(9000, inside=False) == 1 and connected(9001, inside=False) == 0 and connected(80) == 0
        # no more than two at a time
        limit = "<rule action='drop' direction='out' priority='400'><tcp dstportstart='80' connlimit-above='2'/></rule>"
        define(limit + accept.format('out', '', "dstportstart='80'"))
        assert connected(80, count=4) == 2
    finally:
        virsh('nwfilter-binding-delete', 'veth0')
        virsh('nwfilter-undefine', 't')
    assert connected(81) == 1 and 'libvirt_nwfilter' not in run('nft', 'list', 'tables')
