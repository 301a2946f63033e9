# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 1800
"""The daemon is killed at random moments while guests start, stop and are redefined. What it had acknowledged is
there afterwards, what it had not is done or undone wholly, and no guest is lost or left over.

SEED repeats a run's choices; LIBVIRT_TEST_CRASHES sets how many (100)."""
import os
import random
import re
import subprocess
import threading
import time
import xml.etree.ElementTree

import pytest

import support
import wire

CRASHES = int(os.environ.get('LIBVIRT_TEST_CRASHES', '100'))
SEED = int(os.environ.get('SEED') or random.SystemRandom().randrange(2**32))
WORKERS, DOMAINS_EACH = 3, 2
LONGEST_LIFE = 0.4      # seconds until a kill
RUNNING, PAUSED = 1, 3
FLAG_PAUSED = 1
NOT_VALID, EXISTS = 55, 9


class Domain:
    """What was acknowledged of one domain, and what was asked for and not answered yet."""

    def __init__(self, name):
        self.name = name
        self.title = None           # acknowledged; None: not defined
        self.title_asked = None     # in flight
        self.active = False         # acknowledged
        self.active_asked = None    # in flight

    def xml(self, title):
        return support.domain_xml(self.name, memory=16).replace('<memory', f'<title>{title}</title><memory', 1)


class Worker(threading.Thread):
    """Does things to its domains until the connection breaks."""

    def __init__(self, daemon, protocol, domains, seed):
        super().__init__(daemon=True)
        self.connection = wire.Client(daemon.socket, protocol).open()
        self.domains, self.random = domains, random.Random(seed)
        self.problem, self.done = None, 0

    def run(self):
        try:
            while True:
                domain = self.random.choice(self.domains)
                self.random.choice([self.define, self.switch, self.switch])(domain)
                self.done += 1
        except (wire.Closed, ConnectionError):
            pass
        except Exception as problem:    # pylint: disable=broad-except
            self.problem = problem
        finally:
            self.connection.socket.close()

    def handle(self, domain):
        return self.connection.call('DOMAIN_LOOKUP_BY_NAME', name=domain.name)['dom']

    def define(self, domain):
        domain.title_asked = f't{self.random.randrange(10**9)}'
        self.connection.call('DOMAIN_DEFINE_XML', xml=domain.xml(domain.title_asked))
        domain.title, domain.title_asked = domain.title_asked, None

    def switch(self, domain):
        if domain.title is None:
            self.define(domain)
        handle = self.handle(domain)
        domain.active_asked = not domain.active
        if domain.active_asked:
            self.connection.call('DOMAIN_CREATE_WITH_FLAGS', dom=handle, flags=FLAG_PAUSED)
        else:
            self.connection.call('DOMAIN_DESTROY', dom=handle)
        domain.active, domain.active_asked = domain.active_asked, None


def guests_by_name(daemon):
    """name -> process ids of the QEMUs that run for it."""
    found = {}
    for pid in support.guest_processes(''):
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            words = f.read().decode(errors='replace').split('\0')
        name = re.search(r'guest=([^,]+)', words[words.index('-name') + 1]) if '-name' in words else None
        found.setdefault(name.group(1) if name else '?', []).append(pid)
    return found


def check(daemon, protocol, domains, when):
    """All invariants, and takes over what the daemon says about what was in flight."""
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open()
        found = {d['name']: d for d in
                 connection.call('CONNECT_LIST_ALL_DOMAINS', need_results=1, flags=0)['domains']}
        expected = []
        for domain in domains:
            there = found.pop(domain.name, None)
            domain.title = check_definition(connection, domain, there, when)
            domain.title_asked = None
            active = bool(there) and connection.call('DOMAIN_GET_STATE', dom=there, flags=0)['state'] in (
                RUNNING, PAUSED)
            if domain.active_asked is None:
                assert active == domain.active, f'{when}: {domain.name} should be active: {domain.active}'
            domain.active, domain.active_asked = active, None
            expected += [domain.name] * active
        assert not found, f'{when}: unexpected domains {sorted(found)}'
    # What was on its way out may take a moment to be gone.
    try:
        support.wait_for(lambda: names_of_guests(daemon) == sorted(expected), 10)
    except support.Timeout:
        pytest.fail(f'{when}: active are {expected}, QEMUs run for {guests_by_name(daemon)}')


def names_of_guests(daemon):
    return sorted(name for name, pids in guests_by_name(daemon).items() for _ in pids)


def check_definition(connection, domain, there, when):
    """The title that the daemon knows now."""
    if there is None:
        assert domain.title is None, f'{when}: {domain.name} is lost'
        return None
    text = connection.call('DOMAIN_GET_XML_DESC', dom=there, flags=2)['xml']
    title = xml.etree.ElementTree.fromstring(text).findtext('title')
    allowed = {t for t in (domain.title, domain.title_asked) if t}
    assert title in allowed, f'{when}: {domain.name} has title {title}, not one of {allowed}'
    return title


def check_files(daemon, when):
    """Nothing torn, nothing half done."""
    for where, _, names in os.walk(os.path.join(daemon.root, 'etc/libvirt/qemu')):
        for name in names:
            assert name.endswith('.xml'), f'{when}: {name} is left over'
            xml.etree.ElementTree.parse(os.path.join(where, name))


def test_killed_at_random_moments(daemon, protocol):
    print(f'SEED={SEED}')
    rng = random.Random(SEED)
    with wire.Client(daemon.socket, protocol) as connection:
        # What QEMU can do is found out once, which may take longer than these lives. (Killed in that moment, the reference
        # leaves the QEMU of the probe behind.)
        connection.open()
        connection.call('CONNECT_GET_DOMAIN_CAPABILITIES', emulatorbin=None, arch=None, machine=None, virttype='qemu', flags=0)
    domains = [Domain(f'g{i}') for i in range(WORKERS * DOMAINS_EACH)]
    done = 0
    for crash in range(CRASHES):
        workers = [Worker(daemon, protocol, domains[i::WORKERS], rng.random()) for i in range(WORKERS)]
        for worker in workers:
            worker.start()
        time.sleep(rng.uniform(0, LONGEST_LIFE))    # the random moment itself, not a condition
        daemon.crash()
        for worker in workers:
            worker.join(60)
            assert not worker.is_alive(), 'a client does not notice that the daemon is gone'
            if worker.problem:
                raise AssertionError(f'crash {crash}: {worker.problem!r}') from worker.problem
            done += worker.done
        daemon.restart()
        check(daemon, protocol, domains, f'after crash {crash}')
        check_files(daemon, f'after crash {crash}')
    daemon.crash()
    daemon.restart()
    check(daemon, protocol, domains, 'after one more start')
    print(f'{done} changes in {CRASHES} lives')
    assert done > CRASHES, 'hardly anything happened between the crashes'


def test_guests_outlive_a_stop(daemon, protocol):
    """An orderly end and a new start change nothing for a guest."""
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open().call('DOMAIN_CREATE_XML', xml_desc=support.domain_xml('stays', memory=16), flags=1)
    before = guests_by_name(daemon)
    if isinstance(daemon, support.ReferenceDaemon):
        pytest.skip('the reference ends with its namespaces')
    daemon.stop()
    assert guests_by_name(daemon) == before
    daemon.start()
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open()
        found = connection.call('DOMAIN_LOOKUP_BY_NAME', name='stays')['dom']
        assert found['id'] > 0
        connection.call('DOMAIN_RESUME', dom=found)
        assert connection.call('DOMAIN_GET_STATE', dom=found, flags=0)['state'] == RUNNING


def children_of(pid):
    found = []
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/children', encoding='utf-8') as f:
            found += f.read().split()
    return found


@pytest.mark.skipif(not support.have('strace'), reason='strace, which holds the start of a program up, is missing')
def test_killed_just_before_qemu_is_executed(daemon, protocol, tmp_path):
    """A process that is not QEMU yet is not found by a search for QEMUs: the next daemon waits until it is."""
    if isinstance(daemon, support.ReferenceDaemon):
        pytest.skip('a promise of ours')
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open()
        handle = connection.call('DOMAIN_DEFINE_XML', xml=support.domain_xml('late', memory=16))['dom']
        before = children_of(daemon.process.pid)
        tracer = subprocess.Popen(['strace', '-f', '-o', tmp_path / 'calls', '-e', 'trace=execve', '-e',
                                   'inject=execve:delay_enter=1000000', '-p', str(daemon.process.pid)],
                                  stderr=subprocess.PIPE)
        assert b'attached' in tracer.stderr.readline()
        connection.ask('DOMAIN_CREATE_WITH_FLAGS', dom=handle, flags=FLAG_PAUSED)
        support.wait_for(lambda: children_of(daemon.process.pid) != before, what='the child that becomes QEMU')
        assert not guests_by_name(daemon)
        daemon.crash()
    daemon.restart()
    tracer.communicate(timeout=30)      # it ends with the last process that it watches
    assert not guests_by_name(daemon)
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open()
        assert connection.call('DOMAIN_LOOKUP_BY_NAME', name='late')['dom']['id'] == -1
