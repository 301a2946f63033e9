# SPDX-License-Identifier: LGPL-2.1-or-later
"""The frame of libvirtd: options, configuration, sockets, signals, life and death. No client library is involved."""
import os
import signal
import socket
import stat
import subprocess

import pytest

from support import BUILD, run, tree, wait_for

try:
    LIBVIRTD = tree.place(BUILD, 'libvirtd')
except tree.NotBuilt as why:
    LIBVIRTD = None
    pytestmark = pytest.mark.skip(str(why))
SECONDS = 30


def environment(**extra):
    env = {k: v for k, v in os.environ.items() if not k.startswith(('LIBVIRT_', 'LISTEN_', 'NOTIFY_'))}
    return {**env, **extra}


class Private:
    """A daemon below a folder of its own, step by step."""

    def __init__(self, root):
        self.root = str(root)
        self.process = None

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def configure(self, text):
        os.makedirs(self.path('etc/libvirt'), exist_ok=True)
        with open(self.path('etc/libvirt/libvirtd.conf'), 'w', encoding='utf-8') as f:
            f.write(text)

    def run(self, *words, **options):
        return run([LIBVIRTD, '--root', self.root, *words], env=environment(), check=False, seconds=SECONDS, **options)

    def start(self, *words, **options):
        options.setdefault('env', environment())
        self.process = subprocess.Popen([LIBVIRTD, '--root', self.root, *words], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        wait_for(self.up, SECONDS, 'the daemon being up')
        return self.process

    def connect(self, name='libvirt-sock'):
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.path('run/libvirt', name))
        return client

    def up(self):
        """It accepts, and not only queues, connections: it has something to say about nonsense."""
        if self.process.poll() is not None:
            raise AssertionError(self.process.communicate()[0])
        try:
            with self.connect() as client:
                client.settimeout(SECONDS)
                client.sendall(b'\0\0\0\1' * 8)
                client.shutdown(socket.SHUT_WR)
                client.recv(1)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except ConnectionResetError:
            pass
        return True

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        output = self.process.communicate(timeout=SECONDS)[0]
        return self.process.returncode, output

    def remains(self):
        """What a daemon that ended in order must not leave."""
        found = []
        for name in ('run/libvirtd.pid', 'run/libvirt/libvirt-sock', 'run/libvirt/libvirt-sock-ro',
                     'run/libvirt/libvirt-admin-sock'):
            if os.path.lexists(self.path(name)):
                found.append(name)
        return found


@pytest.fixture
def daemon(tmp_path):
    private = Private(tmp_path / 'root')
    yield private
    if private.process and private.process.poll() is None:
        private.process.kill()
        private.process.communicate()


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_help_and_version():
    done = run([LIBVIRTD, '--version'], env=environment())
    assert done.stdout.startswith('libvirtd (libvirt) 12.')
    for option in ('--help', '--verbose', '--daemon', '--listen', '--timeout', '--config', '--version', '--pid-file', '--check',
                   '--root'):
        assert option in run([LIBVIRTD, '-h'], env=environment()).stdout


@pytest.mark.parametrize('words,text', [
    (['--nonsense'], 'nonsense'), (['word'], "unexpected argument 'word'"), (['-t', '0'], "timeout '0'"),
    (['-t', '5x'], "timeout '5x'"), (['-t', '-1'], "timeout '-1'"), (['-t', '9999999999999999999999'], 'timeout'),
    (['-f', '/no/such/file'], "cannot open '/no/such/file'"),
])
def test_bad_options(daemon, words, text):
    done = daemon.run(*words)
    assert done.returncode == 1 and text in done.stderr
    assert not os.path.exists(daemon.path('run'))


@pytest.mark.parametrize('line,text', [
    ('max_clients = 0', "libvirtd.conf:1: 'max_clients' must be from 1 to 4294967295"),
    ('max_clients "x"', "libvirtd.conf:1: expected = behind key 'max_clients'"),
    ('access_drivers = [ "polkit" ]', "'access_drivers' names 'polkit'"),
    ('min_workers = 9\nmax_workers = 2', "'min_workers' is 9, more than 'max_workers', which is 2"),
    ('unix_sock_rw_perms = "999"', "'unix_sock_rw_perms' is '999', must be permissions in octal"),
    ('unix_sock_group = "no-such-group-here"', "there is no group 'no-such-group-here'"),
    ('host_uuid = "11111111-1111-1111-1111-111111111111"', "'host_uuid' is '11111111"),
    ('unix_sock_dir = "relative"', "'unix_sock_dir' is 'relative', must begin with '/'"),
])
def test_bad_configuration(daemon, line, text):
    """Told by --check, and by a start in the foreground and the background; nothing is left of it."""
    if 'group' in line and os.getuid() != 0:
        pytest.skip('only root gives sockets to a group')
    daemon.configure(line + '\n')
    check = daemon.run('--check')
    assert check.returncode == 1 and text in check.stdout
    assert not os.path.exists(daemon.path('run'))
    for words in ([], ['--daemon']):
        done = daemon.run(*words)
        assert done.returncode == 1 and text in done.stderr
        assert daemon.remains() == []


def test_check(daemon):
    assert daemon.run('--check').returncode == 0
    daemon.configure('max_client = 5\n')
    os.makedirs(daemon.path('etc/libvirt/qemu'))
    with open(daemon.path('etc/libvirt/qemu/broken.xml'), 'w', encoding='utf-8') as f:
        f.write('<domain><name>broken</name>')
    before = sorted(os.walk(daemon.root))
    done = daemon.run('--check')
    assert done.returncode == 1
    assert "libvirtd.conf:1: unknown key 'max_client' is ignored; did you mean 'max_clients'?" in done.stdout
    assert 'broken.xml: ' in done.stdout
    assert '2 files checked, 2 problems' in done.stdout
    assert sorted(os.walk(daemon.root)) == before


@pytest.mark.parametrize('mask', [0o000, 0o022, 0o077])
def test_modes(daemon, mask):
    daemon.configure('unix_sock_rw_perms = "0770"\nunix_sock_ro_perms = "0766"\n')
    daemon.start(umask=mask)
    assert mode(daemon.path('run/libvirt/libvirt-sock')) == 0o770
    assert mode(daemon.path('run/libvirt/libvirt-sock-ro')) == 0o766
    assert mode(daemon.path('run/libvirt/libvirt-admin-sock')) == 0o700
    assert mode(daemon.path('run/libvirtd.pid')) == 0o644
    assert mode(daemon.path('run/libvirt')) == 0o755
    assert daemon.end()[0] == 0


def test_safe_by_default(daemon):
    daemon.start()
    assert mode(daemon.path('run/libvirt/libvirt-sock')) == 0o700
    daemon.end()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_end_it(daemon, number):
    daemon.start('-v')
    client = daemon.connect()
    status, output = daemon.end(number)
    client.close()
    assert status == 0, output
    assert f'signal {int(number)} from process {os.getpid()}' in output
    assert daemon.remains() == []


def test_other_signals_do_not(daemon):
    daemon.start()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.process.send_signal(signal.SIGPIPE)
    assert daemon.up()
    assert daemon.end()[0] == 0


def test_only_one(daemon):
    daemon.start()
    with open(daemon.path('run/libvirtd.pid'), encoding='utf-8') as f:
        assert int(f.read()) == daemon.process.pid
    done = daemon.run()
    assert done.returncode == 1
    assert f'process {daemon.process.pid} is already running' in done.stderr
    assert f'a daemon is running as process {daemon.process.pid}' in daemon.run('--check').stdout
    assert daemon.up()
    daemon.end()


def test_after_a_crash(daemon):
    daemon.start()
    daemon.process.kill()
    daemon.process.communicate()
    assert len(daemon.remains()) == 4
    daemon.start()
    assert daemon.end()[0] == 0
    assert daemon.remains() == []


def test_background(daemon):
    """The command returns when clients can connect, without holding on to our streams."""
    done = daemon.run('--daemon', '--pid-file', daemon.path('my.pid'))
    assert done.returncode == 0, done.stderr
    with open(daemon.path('my.pid'), encoding='utf-8') as f:
        pid = int(f.read())
    try:
        daemon.connect().close()
        assert os.getsid(pid) != os.getsid(0)
        assert {os.readlink(f'/proc/{pid}/fd/{n}') for n in range(3)} == {'/dev/null'}
        assert os.readlink(f'/proc/{pid}/cwd') == '/'
        assert mode(daemon.path('var/log/libvirt/libvirtd.log')) == 0o600
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(f'/proc/{pid}') or 'Z' in open(f'/proc/{pid}/stat', encoding='utf-8').read()
                 .rpartition(')')[2], SECONDS, 'the end of the daemon')
    assert daemon.remains() == []


def test_timeout(daemon):
    daemon.start('--timeout', '1', '-v')
    client = daemon.connect()
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.process.wait(3)  # somebody is there
    client.close()
    output = daemon.process.communicate(timeout=SECONDS)[0]
    assert daemon.process.returncode == 0
    assert 'idle for 1 s' in output


def test_timeout_by_administration(daemon):
    daemon.start('--timeout', '1', '-v')
    socket_path = daemon.path('run/libvirt/libvirt-admin-sock')
    admin = [tree.place(BUILD, 'virt-admin'), '-c', f'libvirtd:///system?socket={socket_path}', 'daemon-timeout']
    run([*admin, '0'])
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.process.wait(3)
    run([*admin, '2'])
    output = daemon.process.communicate(timeout=SECONDS)[0]
    assert daemon.process.returncode == 0
    assert 'idle for 2 s' in output


def test_log(daemon):
    log = daemon.path('special.log')
    daemon.configure(f'log_outputs = "2:file:{log}"\nlog_level = 2\nmax_client = 1\n')
    daemon.start()
    assert daemon.end()[1] == ''
    with open(log, encoding='utf-8') as f:
        text = f.read()
    assert ': info : ' in text and 'libvirt version: 12.' in text
    assert "unknown key 'max_client' is ignored" in text
    daemon.start(env=environment(LIBVIRT_LOG_OUTPUTS='1:stderr', LIBVIRT_DEBUG='1'))  # goes before the file
    assert ': info : ' in daemon.end()[1]
    daemon.configure('log_outputs = "9:stderr"\n')
    assert "log output '9:stderr' must begin with a level from 1 to 4" in daemon.run().stderr


def activated(daemon, listeners, tmp_path, **extra):
    """Start the daemon as systemd would, with listening sockets from descriptor 3 on."""
    def hand_over():
        for number, listener in enumerate(listeners):
            os.dup2(listener.fileno(), 100 + number)
        for number in range(len(listeners)):
            os.dup2(100 + number, 3 + number)
            os.set_inheritable(3 + number, True)
    words = ['sh', '-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', LIBVIRTD, '--root', daemon.root, '-v']
    daemon.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, preexec_fn=hand_over, close_fds=False,
                                      env=environment(LISTEN_FDS=str(len(listeners)), **extra))


def listener_at(path, permissions):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, permissions)
    listener.listen(5)
    return listener


def test_systemd(daemon, tmp_path):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / 'notify'))
    notify.settimeout(SECONDS)
    listeners = [listener_at(daemon.path('run/libvirt/libvirt-sock-ro'), 0o666),
                 listener_at(daemon.path('run/libvirt/libvirt-sock'), 0o660)]
    activated(daemon, listeners, tmp_path, NOTIFY_SOCKET=str(tmp_path / 'notify'))
    for listener in listeners:
        listener.close()
    assert notify.recv(100) == b'READY=1'
    assert daemon.up()
    assert not os.path.exists(daemon.path('run/libvirt/libvirt-admin-sock'))  # systemd decides which there are
    assert daemon.end()[0] == 0
    assert notify.recv(100) == b'STOPPING=1'
    assert os.path.exists(daemon.path('run/libvirt/libvirt-sock'))  # they are systemd's
    notify.close()


@pytest.mark.parametrize('by', ['name', 'port'])
def test_systemd_sockets_of_the_network(daemon, tmp_path, by):
    network = socket.create_server(('127.0.0.1', 0))
    port = network.getsockname()[1]
    listeners = [listener_at(daemon.path('run/libvirt/libvirt-sock'), 0o600), network]
    daemon.configure('auth_tcp = "none"\n' + (f'tcp_port = "{port}"\n' if by == 'port' else ''))
    activated(daemon, listeners, tmp_path, **({'LISTEN_FDNAMES': 'libvirtd.socket:libvirtd-tcp.socket'} if by == 'name' else {}))
    for listener in listeners:
        listener.close()
    assert daemon.up()
    run([tree.place(BUILD, 'virsh'), '-c', f'qemu+tcp://127.0.0.1:{port}/system', 'list'])
    assert daemon.end()[0] == 0


def test_systemd_wants_tls_without_certificates(daemon, tmp_path):
    with listener_at(daemon.path('run/libvirt/libvirt-sock'), 0o600) as listener, \
            socket.create_server(('127.0.0.1', 0)) as network:
        daemon.configure('ca_file = "/nowhere/ca.pem"\n')
        activated(daemon, [listener, network], tmp_path, LISTEN_FDNAMES='libvirtd.socket:libvirtd-tls.socket')
        output = daemon.process.communicate(timeout=SECONDS)[0]
    assert daemon.process.returncode == 1 and '/nowhere/ca.pem' in output


def test_systemd_open_to_everybody(daemon, tmp_path):
    with listener_at(daemon.path('run/libvirt/libvirt-sock'), 0o666) as listener:
        activated(daemon, [listener], tmp_path)
        output = daemon.process.communicate(timeout=SECONDS)[0]
    assert daemon.process.returncode == 1
    assert 'open to everybody' in output and 'SocketMode' in output
