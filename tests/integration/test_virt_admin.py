# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 400
"""virt-admin on a private daemon, and the walk of its commands beside Debian's on Debian's: help, output, JSON, errors."""
import json
import os
import re
import subprocess
import time

import pytest

import shapes
import support
import wire
from support import tree
from walk import Walk

SHAPES = os.path.join(support.SOURCE, 'tools/virt-admin/json')
DEBIAN = '/usr/bin/virt-admin'


def admin_socket(daemon):
    return os.path.join(os.path.dirname(daemon.socket), 'libvirt-admin-sock')


def admin_uri(daemon):
    return 'libvirtd:///system?socket=' + admin_socket(daemon)


@pytest.fixture(scope='module')
def program():
    try:
        return tree.place(support.BUILD, 'virt-admin')
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))


@pytest.fixture
def bare(program):
    """Runs our virt-admin with these words, and no daemon by default."""
    def call(*words, check=True, stdin='', env=None):
        done = subprocess.run([program, *words], capture_output=True, text=True, input=stdin, timeout=60, check=False,
                              env=dict(os.environ, **{'LIBVIRT_ADMIN_DEFAULT_URI': 'libvirtd:///system?socket=/none',
                                                      **(env or {})}))
        assert not check or done.returncode == 0, done.stderr
        return done
    return call


@pytest.fixture
def admin(bare, daemon):
    """Runs our virt-admin on the private daemon."""
    return lambda *words, **options: bare('-c', admin_uri(daemon), *words, **options)


def params(text):
    """NAME : VALUE lines as a dictionary."""
    return dict(re.findall(r'^(\w+) *: (.*)$', text, re.M))


def facts():
    with open(os.path.join(support.SOURCE, 'tests/data/virt-admin/synopsis.txt'), encoding='utf-8') as f:
        return [line.rstrip('\n') for line in f if not line.startswith('#')]


def test_help_of_every_command(bare):
    synopses = [line for line in facts() if line[0] not in '[=']
    text = bare('; '.join('help ' + s.split()[0] for s in synopses)).stdout
    assert re.findall(r'^  SYNOPSIS\n    (.*)$', text, re.M) == synopses and len(synopses) == 22
    groups = [f"[{k}] {t}" for t, k in re.findall(r"^ (.*) \(help keyword '(.*)'\):$", bare('help').stdout, re.M)]
    assert groups == [line for line in facts() if line[0] == '[']


def test_every_alias(bare):
    aliases = [line.split()[1:] for line in facts() if line[0] == '=']
    assert len(aliases) == 7
    for alias, name in aliases:
        assert bare('help', alias).stdout == bare('help', name).stdout


def test_only_its_own_options(bare):
    usage = bare('--help').stdout
    assert set(re.findall(r'--(\w[\w-]*)', usage)) == {'connect', 'debug', 'help', 'log', 'quiet', 'version'}
    for word in ('-r', '-t', '-e', '-k', '-A', '--readonly', '--timing', '--no-pkttyagent', '--keepalive-count'):
        done = bare(word, 'help', check=False)
        assert done.returncode == 1 and done.stderr == f"error: unsupported option '{word}'. See --help.\n"


def test_shapes_are_used_and_valid(bare):
    used = set(re.findall(r"\(shape '(.*)'\)", bare('self-test', '--dump-help').stdout))
    assert used == {n[:-5] for n in os.listdir(SHAPES) if n.endswith('.json')}
    for name in used:
        assert shapes.load(SHAPES, name)['description']


@pytest.mark.parametrize('command', ['uri', 'version', 'server-list', 'server-threadpool-info libvirtd',
                                     'client-list libvirtd', 'client-info libvirtd ID', 'server-clients-info libvirtd',
                                     'daemon-log-filters', 'daemon-log-outputs'])
def test_json_shapes(admin, client, command):
    listed = json.loads(admin('client-list', 'libvirtd', '--format', 'json').stdout)
    assert len(listed) == 1
    words = command.replace('ID', str(listed[0]['id'])).split()
    shape = re.search(r"\(shape '(.*)'\)", admin('help', words[0]).stdout).group(1)
    value = json.loads(admin(*words, '--format', 'json').stdout)
    shapes.check(value, shapes.load(SHAPES, shape))
    assert value
    if words[0] == 'client-info':
        assert value['unix_process_id'] == os.getpid() and value['readonly'] is False
        assert value['transport'] == 'unix' and abs(value['connected_since_s'] - time.time()) < 3600


def test_json_agrees_with_text(admin, client):
    for name in ('server-threadpool-info', 'server-clients-info'):
        def agree():
            shown = params(admin(name, 'libvirtd').stdout)
            values = json.loads(admin(name, 'libvirtd', '--format', 'json').stdout)
            return shown and {k: str(v) for k, v in values.items()} == shown
        # a worker may still read the host's devices at the first look
        support.wait_for(agree, 20, 'the same figures in both forms')


def test_limits_are_changed(admin):
    assert admin('server-threadpool-set', 'libvirtd', '--min-workers', '3', '--max-workers', '9').stdout == '\n'
    admin('srv-threadpool-set', 'libvirtd', '--priority-workers', '2')
    shown = params(admin('server-threadpool-info', 'libvirtd').stdout)
    assert (shown['minWorkers'], shown['maxWorkers'], shown['prioWorkers']) == ('3', '9', '2')
    admin('server-clients-set', 'libvirtd', '70', '8')
    admin('srv-clients-set', 'libvirtd', '--max-clients', '60')
    shown = params(admin('srv-clients-info', 'libvirtd').stdout)
    assert (shown['nclients_max'], shown['nclients_unauth_max']) == ('60', '8')


def test_log_is_changed(admin, tmp_path):
    admin('daemon-log-filters', '1:rpc 3:qemu')
    shown = json.loads(admin('daemon-log-filters', '--format', 'json').stdout)['filters']
    assert [f.replace('*', '') for f in shown] == ['1:rpc', '3:qemu']
    admin('daemon-log-filters', '')
    assert json.loads(admin('daemon-log-filters', '--format', 'json').stdout) == {'filters': []}
    output = f'1:file:{tmp_path}/log'
    admin('daemon-log-outputs', '--outputs', output)
    assert admin('daemon-log-outputs').stdout == f' Logging outputs: {output}\n\n'
    assert admin('-q', 'daemon-log-outputs').stdout == output + '\n'
    assert os.path.exists(f'{tmp_path}/log')


def test_client_is_disconnected(admin, daemon, protocol):
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open()
        number = json.loads(admin('client-list', 'libvirtd', '--format', 'json').stdout)[0]['id']
        assert admin('client-disconnect', 'libvirtd', str(number)).stdout == f"Client '{number}' disconnected\n"
        support.wait_for(lambda: admin('-q', 'client-list', 'libvirtd').stdout == '', what='the client gone')
        with pytest.raises((OSError, EOFError, wire.Closed)):
            connection.call('CONNECT_GET_LIB_VERSION')


def test_shutdown_ends_the_daemon(admin, daemon):
    admin('daemon-shutdown')
    assert daemon.process.wait(30) == 0


def test_complete(admin, client):
    number = admin('-q', 'client-list', 'libvirtd').stdout.split()[0]
    assert admin('complete', '--', 'client-l').stdout.split() == ['client-list']
    assert admin('complete', '--', 'client-list', '').stdout.split() == ['admin', 'libvirtd']
    assert admin('complete', '--', 'client-info', 'libvirtd', '').stdout.split() == [number]
    assert admin('complete', '--', 'server-clients-set', 'libvirtd', '--max-u').stdout.split() == ['--max-unauth-clients']


def test_complete_without_a_daemon(bare):
    done = bare('complete', '--', 'client-list', '')
    assert (done.stdout.split(), done.stderr) == (['--format', '--server'], '')


def test_session_outlives_the_daemon(bare, daemon):
    """A list of commands goes on where one cannot connect; what was lost is said."""
    done = bare(f'uri; connect {admin_uri(daemon)}; daemon-shutdown', check=False)
    assert done.returncode == 0 and 'Connected to the admin server\n' in done.stdout
    assert done.stderr.splitlines()[:2] == ['error: Failed to connect to the admin server',
                                            'error: no valid connection']
    daemon.process.wait(30)
    done = bare('-c', admin_uri(daemon), 'help', check=False)
    assert done.returncode == 1 and done.stdout == ''
    assert done.stderr.startswith('error: Failed to connect to the admin server\n')


@pytest.mark.parametrize('words,error', [
    (['client-disconnect', 'admin'], "command 'client-disconnect' requires <client> option"),
    (['daemon-timeout'], "command 'daemon-timeout' requires <timeout> option"),
    (['daemon-timeout', '30x'], "Numeric value '30x' for <timeout> option is malformed or out of range"),
    (['server-list', '--format', 'xml'], "unknown format 'xml', expecting 'text' or 'json'"),
    (['server-list', '--format', 'json', '--quiet'], "command 'server-list' doesn't support option --quiet"),
])
def test_errors(admin, words, error):
    done = admin(*words, check=False)
    assert (done.returncode, done.stderr) == (1, f'error: {error}\n')


# What follows after these is said in the daemon's own words; that the error is the same one counts.
CODES = ('Server not found', 'Client not found', 'invalid argument', 'internal error', 'unsupported configuration')


def plain(text, uri, number):
    """Without what depends on the moment: workers come and go, connections have numbers, times and processes, and the
    reference's list of servers has no order."""
    text = re.sub(r'^(nWorkers|freeWorkers|jobQueueDepth) .*\n', '', text, flags=re.M)
    text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4}', 'TIME', text)
    text = re.sub(r'^(unix_process_id *: ).*', r'\1N', text, flags=re.M)
    text = re.sub(r'^ \d+(?= +(unix|admin|libvirtd)\b)', ' N', text, flags=re.M)
    text = re.sub(r'( N +libvirtd)\n( N +admin)', r'\2\n\1', text)
    text = re.sub(rf'\b{number}\b', 'ID', text) if number else text
    text = re.sub(f"(?m)^error: ({'|'.join(CODES)}): .*$", r'error: \1', text)
    return re.sub(' +$', '', text.replace(uri, 'URI'), flags=re.M)


def comparable(done, uri='', number=None):
    return [plain(done.stdout, uri, number), plain(done.stderr, uri, number), done.returncode]


class Side:
    """A virt-admin on a daemon."""

    def __init__(self, program, daemon, protocol):
        self.program, self.daemon, self.protocol = program, daemon, protocol
        self.uri = admin_uri(daemon)
        self.env = support.foreign_environment() if program == DEBIAN else dict(os.environ)

    def run(self, words):
        return subprocess.run([self.program, '-c', self.uri, *words], capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL, env=self.env)

    def clients(self):
        return [int(line.split()[0]) for line in self.run(['-q', 'client-list', 'libvirtd']).stdout.splitlines()]

    def answer(self, words):
        """A call that names a client has one for itself, which is gone afterwards."""
        if 'ID' not in words[-1]:
            return comparable(self.run(words), self.uri)
        with wire.Client(self.daemon.socket, self.protocol) as connection:
            connection.open()
            number = support.wait_for(self.clients, what='the client in the list')[0]
            done = self.run([*words[:-1], words[-1].replace('ID', str(number))])
        support.wait_for(lambda: not self.clients(), what='the client gone')
        return comparable(done, self.uri, number)


def settled(side, words):
    """The answer to a call. The reference counts the priority workers that are still there, which end when they get to it."""
    limit = re.search('(?<=--priority-workers )[0-9]+', words[-1])
    answer = side.answer(words)
    if limit and answer[2] == 0:
        support.wait_for(lambda: params(side.run(['srv-threadpool-info', 'libvirtd']).stdout)['prioWorkers'] == limit.group(),
                         what='the number of priority workers')
    return answer


def test_each_command_and_option_is_in_the_walk():
    walk = Walk('virt-admin')
    walk.check_files()
    assert not walk.unused_options()


@pytest.fixture
def new_debian(tmp_path):
    """Makes daemons of Debian's, which end with the test."""
    if not support.reference_root() or not support.have(DEBIAN):
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root, or libvirt-clients is not installed')
    made = []

    def make():
        made.append(support.ReferenceDaemon(str(tmp_path / str(len(made)))))
        return made[-1].start()
    yield make
    for daemon in made:
        daemon.clean()


def test_every_call_is_answered_as_by_the_reference(program, new_daemon, new_debian, protocol):
    """Debian's virt-admin on Debian's daemon, and what has one or two of ours in it. Each with a daemon of its own."""
    theirs = Side(DEBIAN, new_debian(), protocol)
    sides = {'ours on ours': Side(program, new_daemon().start(), protocol),
             "Debian's on ours": Side(DEBIAN, new_daemon().start(), protocol),
             "ours on Debian's": Side(program, new_debian(), protocol)}
    walk = Walk('virt-admin')
    for call in walk.calls:
        for quiet in ([], ['-q']):
            wanted = settled(theirs, [*quiet, call])
            for way, side in sides.items():
                walk.compare(call, settled(side, [*quiet, call]), wanted, ' '.join([way, *quiet]))
    walk.verdict()


INTERACTIVE = ['uri\nserver-list\nquit\n', '\n\n# nothing\nserver-list', 'connect libvirtd:///system?socket=/none\nuri\n',
               'connect\nclient-disconnect admin 99999\nuri\n']


@pytest.mark.parametrize('script', INTERACTIVE)
def test_same_session_as_debian(admin, daemon, script, tmp_path):
    if not support.have(DEBIAN):
        pytest.skip('libvirt-clients is not installed')
    private = {'XDG_CACHE_HOME': str(tmp_path)}     # where the history goes
    ours = admin(stdin=script, env=private)
    theirs = subprocess.run([DEBIAN, '-c', admin_uri(daemon)], capture_output=True, text=True, timeout=60, check=False,
                            input=script, env=support.foreign_environment() | private)
    assert comparable(ours) == comparable(theirs)
