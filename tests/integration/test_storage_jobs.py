# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 200
"""What lasts: calls on one pool and volume beside each other, given up by who began them, cut short by a daemon that is killed."""
import json
import os
import random
import subprocess
import threading
import time

import pytest

import support
from support import wait_for
from test_storage_node import MIB, folder, pool_xml, vol_xml

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
pytestmark = pytest.mark.foreign_library
KILLS = int(os.environ.get('LIBVIRT_TEST_KILLS') or 6)
GUTMANN = 4


@pytest.fixture
def pool(daemon, tmp_path):
    connection = libvirt.open(daemon.uri)
    yield connection.storagePoolCreateXML(pool_xml('pool', tmp_path / 'pool'), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    connection.close()


def filled(pool, name, mib):
    vol = pool.createXML(vol_xml(name, mib, allocation=0))
    with open(vol.path(), 'wb') as f:
        for _ in range(mib):
            f.write(os.urandom(MIB))
    return vol


def client(daemon, script, pool='pool'):
    """A process with a connection of its own that does something with the pool and says it has begun."""
    head = f'import libvirt\nc = libvirt.open({daemon.uri!r})\np = c.storagePoolLookupByName({pool!r})\nprint("ready", flush=True)\n'
    process = subprocess.Popen([support.PYTHON, '-c', head + script], env=support.foreign_environment(), stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == 'ready\n'
    return process


def first_bytes(path):
    with open(path, 'rb') as f:
        return f.read(64)


def test_calls_wait_for_each_other(daemon, pool):
    """A wipe keeps nobody from other volumes; who wants the same one waits, and is not refused; so does the end of the pool."""
    vol = filled(pool, 'big', 48)
    before = first_bytes(vol.path())
    wiper = client(daemon, f"p.storageVolLookupByName('big').wipePattern({GUTMANN})\nprint('wiped', flush=True)")
    wait_for(lambda: first_bytes(vol.path()) != before, what='the wipe having begun')
    other = pool.createXML(vol_xml('other', 1, 'qcow2'))
    other.resize(2 * MIB)
    pool.refresh()
    assert sorted(pool.listVolumes()) == ['big', 'other'] and vol.info()[1] == 48 * MIB
    assert wiper.poll() is None, 'all of that happens during the wipe'
    vol.resize(49 * MIB)
    assert wiper.wait(30) == 0 and wiper.stdout.read() == 'wiped\n'
    wiper.stdout.close()
    assert os.stat(vol.path()).st_size == 49 * MIB
    wiper = client(daemon, f"p.storageVolLookupByName('big').wipePattern({GUTMANN})\nprint('wiped', flush=True)")
    before = first_bytes(vol.path())
    wait_for(lambda: first_bytes(vol.path()) != before, what='the wipe having begun')
    pool.destroy()
    assert wiper.wait(30) == 0
    wiper.stdout.close()


def test_many_at_once(daemon, pool):
    """Twenty clients' worth of calls on one pool: all are done."""
    errors = []

    def work(number):
        try:
            connection = libvirt.open(daemon.uri)
            mine = connection.storagePoolLookupByName('pool')
            for n in range(5):
                vol = mine.createXML(vol_xml(f'v{number}-{n}', 1, 'qcow2' if n % 2 else 'raw', allocation=0))
                mine.refresh()
                vol.resize(2 * MIB)
                if n % 2:
                    vol.delete()
            connection.close()
        except libvirt.libvirtError as problem:
            errors.append(str(problem))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(pool.listVolumes()) == 8 * 3


@pytest.mark.parametrize('base', ['', 'base'])
def test_given_up_by_who_began_it(daemon, pool, base):
    """Who goes away ends what he began: the volume is free at once, a copy leaves nothing, nor one that is based on another volume."""
    if base:
        pool.createXML(vol_xml(base, 128, 'qcow2'))
    vol = filled(pool, 'big', 128)
    before = first_bytes(vol.path())
    wiper = client(daemon, f"p.storageVolLookupByName('big').wipePattern({GUTMANN})")
    wait_for(lambda: first_bytes(vol.path()) != before, what='the wipe having begun')
    wiper.kill()
    wiper.wait()
    wiper.stdout.close()
    began = time.monotonic()
    vol.resize(129 * MIB)
    assert time.monotonic() - began < 10
    below = f'<backingStore><path>{folder(pool)}/{base}</path><format type="qcow2"/></backingStore>' if base else ''
    document = f'<volume><name>copy</name><capacity>0</capacity><target><format type="qcow2"/></target>{below}</volume>'
    copier = client(daemon, f"p.createXMLFrom({document!r}, p.storageVolLookupByName('big'), 0)")
    wait_for(lambda: 'copy' in pool.listVolumes(), what='the copy having begun')
    wait_for(lambda: pool.storageVolLookupByName('copy').info()[2] > 0, what='progress of the copy')
    copier.kill()
    copier.wait()
    copier.stdout.close()
    wait_for(lambda: 'copy' not in pool.listVolumes() or os.path.exists(os.path.join(folder(pool), 'copy')), what='the end of the copy')
    assert set(os.listdir(folder(pool))) <= {'big', 'copy', *base.split()}


CHURN = r'''
import json, random, sys
chance = random.Random(%d)
def say(*words): print(json.dumps(words), flush=True)
n = 0
while True:
    n += 1
    name = 'v%%d-%d' %% n
    kind = chance.choice(['raw', 'qcow2'])
    xml = '<volume><name>%%s</name><capacity>4194304</capacity><allocation>0</allocation><target><format type="%%s"/></target></volume>'
    try:
        vol = p.createXML(xml %% (name, kind))
        say('there', name)
        what = chance.randrange(4)
        if what == 0:
            vol.resize(8388608)
        elif what == 1:
            copy = name + '-copy'
            p.createXMLFrom(xml %% (copy, chance.choice(['raw', 'qcow2'])), vol, 0)
            say('there', copy)
        elif what == 2 and kind == 'raw':
            vol.wipe()
        else:
            say('going', name)
            vol.delete()
            say('gone', name)
        if n %% 3 == 0:
            pool = 'p' + name
            q = c.storagePoolDefineXML('<pool type="dir"><name>%%s</name><target><path>/nowhere/%%s</path></target></pool>' %% (pool, pool))
            say('pool', pool)
            if chance.randrange(2):
                say('pool going', pool)
                q.undefine()
                say('pool gone', pool)
    except libvirt.libvirtError:
        break
'''


def acknowledged(clients):
    """What the clients were told of, volumes and pools, but for what was to go again."""
    volumes, pools, unsure = set(), {'pool'}, set()
    for process in clients:
        for line in process.stdout.read().splitlines():
            what, name = json.loads(line)
            if what == 'there':
                volumes.add(name)
            elif what == 'pool':
                pools.add(name)
            else:       # going, gone
                unsure.add(name)
        process.wait()
        process.stdout.close()
    return volumes - unsure, pools - unsure


def test_killed_at_any_moment(daemon, pool):
    """What was acknowledged is there, nothing is there by half, nothing is left behind."""
    path, chance = folder(pool), random.Random(7)
    connection = libvirt.open(daemon.uri)
    connection.storagePoolDefineXML(pool_xml('pool', path).replace('<name>', f'<uuid>{pool.UUIDString()}</uuid><name>'))
    for turn in range(KILLS):
        clients = [client(daemon, CHURN % (turn * 10 + n, turn * 10 + n)) for n in range(2)]
        time.sleep(chance.random() * 0.8)       # the moment is the point
        daemon.kill()
        volumes, pools = acknowledged(clients)
        daemon.start()
        connection = libvirt.open(daemon.uri)
        now = connection.storagePoolLookupByName('pool')
        assert now.isActive()
        listed, defined = set(now.listVolumes()), set(connection.listDefinedStoragePools()) | set(connection.listStoragePools())
        assert volumes <= listed and pools <= defined
        assert set(os.listdir(path)) == listed, 'nothing is left behind'
        for name in listed:
            vol = now.storageVolLookupByName(name)
            assert vol.info()[1] in (4 * MIB, 8 * MIB)
            if '<format type=\'qcow2\'/>' in vol.XMLDesc():
                assert subprocess.run(['qemu-img', 'check', '-q', vol.path()], check=False).returncode == 0, name
        for name in listed:
            now.storageVolLookupByName(name).delete()
        for name in defined - {'pool'}:
            connection.storagePoolLookupByName(name).undefine()
        connection.close()
