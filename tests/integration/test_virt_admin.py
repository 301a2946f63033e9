# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-admin on a private daemon, and beside Debian's virt-admin on one daemon: help, output, JSON, errors."""
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
        shown = params(admin(name, 'libvirtd').stdout)
        values = json.loads(admin(name, 'libvirtd', '--format', 'json').stdout)
        assert {k: str(v) for k, v in values.items()} == shown and shown


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


# Commands that say the same on both sides, whatever the daemon answers.
COMPARED = [
    'uri', 'server-list', 'srv-list', 'srv-threadpool-info libvirtd', 'srv-threadpool-info admin',
    'srv-threadpool-info nosuch', 'srv-clients-list libvirtd', 'client-list nosuch', 'client-info libvirtd ID',
    'client-info libvirtd 99999', 'client-info libvirtd x', 'client-info libvirtd -1', 'client-info libvirtd',
    'client-info libvirtd 99999999999999999999', 'srv-clients-info libvirtd', 'srv-clients-info nosuch',
    'srv-threadpool-set libvirtd', 'srv-threadpool-set libvirtd --min-workers 3 --max-workers 2',
    'srv-threadpool-set libvirtd --max-workers 10', 'srv-threadpool-set libvirtd 4 11 3; srv-threadpool-info libvirtd',
    'srv-threadpool-set libvirtd --min-workers x', 'srv-threadpool-set libvirtd --max-workers 1',
    'srv-threadpool-set nosuch --max-workers 5', 'srv-clients-set libvirtd', 'srv-clients-set nosuch --max-clients 4',
    'srv-clients-set libvirtd --max-clients 5 --max-unauth-clients 6', 'srv-clients-set libvirtd --max-clients 1',
    'srv-clients-set libvirtd 60 7; srv-clients-info libvirtd', 'srv-clients-set libvirtd --max-clients -4',
    'srv-update-tls nosuch', 'daemon-log-filters', 'daemon-log-filters "1:rpc 3:qemu"; daemon-log-filters',
    'daemon-log-filters ""; daemon-log-filters', 'daemon-log-filters 9:x', 'daemon-log-outputs',
    'daemon-log-outputs 2:stderr; daemon-log-outputs', 'daemon-log-outputs bad', 'daemon-timeout --timeout -1',
    'client-disconnect libvirtd 99999', 'client-disconnect libvirtd x', 'client-disconnect nosuch 1',
    'connect', 'connect; uri', 'connect libvirtd:///system?socket=/none', 'nosuch',
    'server-list x', 'server-list --nosuch', 'client-disconnect admin 99999; uri', 'pwd', 'cd /', 'srv-update-tls libvirtd',
    'daemon-timeout --timeout 0',
]


def comparable(done):
    """Without blanks at the end of lines, and without the number of workers, which come and go."""
    text = re.sub(r'^(nWorkers|freeWorkers) .*\n', '', done.stdout, flags=re.M)
    return [re.sub(' +$', '', part, flags=re.M) for part in (text, done.stderr)] + [done.returncode]


def test_same_output_as_debian(program, daemon, client):
    if not support.have(DEBIAN):
        pytest.skip('libvirt-clients is not installed')
    listed = subprocess.run([program, '-q', '-c', admin_uri(daemon), 'client-list', 'libvirtd'], capture_output=True,
                            text=True, timeout=60, check=True)
    number = listed.stdout.split()[0]
    differing = {}
    for command in COMPARED:
        for quiet in ([], ['-q']):
            words = ['-c', admin_uri(daemon), *quiet, command.replace('ID', number)]
            ours = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)
            theirs = subprocess.run([DEBIAN, *words], capture_output=True, text=True, timeout=60, check=False,
                                    env=support.foreign_environment())
            if comparable(ours) != comparable(theirs):
                differing[' '.join(quiet + [command])] = (comparable(ours), comparable(theirs))
    assert not differing


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
