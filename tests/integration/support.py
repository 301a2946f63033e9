# SPDX-License-Identifier: LGPL-2.1-or-later
"""What integration tests share: private daemons, clients of all kinds, guests, waiting.

The daemon under test is ours; with LIBVIRT_TEST_SIDE=reference it is Debian's own, inside the root that
LIBVIRT_REFERENCE names, so that a test can be tried against what it describes.
"""
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid

SOURCE = os.environ.get('LIBVIRT_SOURCE') or os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.environ.get('LIBVIRT_BUILD') or os.path.join(SOURCE, 'build')
sys.path.insert(0, os.path.join(SOURCE, 'tests'))
from runner import tree  # noqa: E402  pylint: disable=wrong-import-position

EMULATOR = '/usr/bin/qemu-system-x86_64'
DEBIAN_VIRSH = '/usr/bin/virsh'
PYTHON = '/usr/bin/python3'
START_SECONDS = 30
CALL_SECONDS = 60
# Tests of the protocol itself run on the test driver as well, see LIBVIRT_TEST_URI in wire.py.
DOMAIN_TYPE = 'test' if os.environ.get('LIBVIRT_TEST_URI', '').startswith('test:') else 'qemu'


class Timeout(AssertionError):
    """A condition did not come true in time."""


# What is done while a test waits: a program with an event loop must run it, or the daemon gives its connection up.
MEANWHILE = []


def run_events_while_waiting(libvirt):
    """Register the library's own event loop, which runs whenever a test waits."""
    def run_loop():
        timer = libvirt.virEventAddTimeout(0, lambda *_: None, None)
        libvirt.virEventRunDefaultImpl()
        libvirt.virEventRemoveTimeout(timer)
    libvirt.virEventRegisterDefaultImpl()
    MEANWHILE.append(run_loop)


def run_meanwhile():
    """What goes on while a test is busy with something else: a client that runs no events answers no pings, and is dropped after a while."""
    for function in MEANWHILE:
        function()


def wait_for(condition, seconds=40, what='the condition'):
    """Call @condition until its value is true, which is returned. The only place where tests wait."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f'{what} did not come true within {seconds} s')
        run_meanwhile()
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def sanitized():
    """Whether the built library needs the sanitizer's runtime in programs that are not built with it."""
    path = tree.place(BUILD, 'libvirt.so.0')
    done = subprocess.run(['readelf', '-d', path], capture_output=True, text=True, check=True)
    return 'libasan' in done.stdout


def our_library_environment():
    """Variables that make a foreign program use our libvirt.so.0."""
    env = dict(os.environ, LD_LIBRARY_PATH=tree.library_path(BUILD))
    if sanitized():
        found = subprocess.run(['gcc', '-print-file-name=libasan.so'], capture_output=True, text=True, check=True)
        env['LD_PRELOAD'] = found.stdout.strip()
        # The interpreter itself leaks at its end; what our library leaks is seen in our own programs.
        env['ASAN_OPTIONS'] = 'detect_leaks=0:' + env.get('ASAN_OPTIONS', '').replace('detect_leaks=1', '')
    return env


def foreign_environment():
    return {k: v for k, v in os.environ.items() if k not in ('LD_LIBRARY_PATH', 'LD_PRELOAD')}


def run(command, env=None, check=True, stdin=None, seconds=CALL_SECONDS):
    """Output of a command; a failure shows both outputs."""
    try:
        done = subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=seconds,
                              stdin=subprocess.DEVNULL if stdin is None else None, check=False)
    except subprocess.TimeoutExpired as late:
        said = b''.join(part for part in (late.stdout, late.stderr) if part).decode(errors='replace')
        raise Timeout(f'{" ".join(command)}: not done after {seconds} s\n{said}') from None
    if check and done.returncode != 0:
        raise AssertionError(f'{" ".join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}')
    return done


def make_encrypted(*words):
    """Run qemu-img, which measures the processor for passphrases, and gives up where the kernel tells too little of its own time: by luck."""
    for left in range(100, -1, -1):
        done = run(['qemu-img', *words], check=not left)
        if done.returncode == 0:
            return
        assert 'Unable to get accurate CPU usage' in done.stderr, done.stderr


class Daemon:
    """A private daemon of our build, with everything of it below @root."""

    driver_path = 'system'
    alive_ones = []     # those that were started and not cleaned up yet

    def __init__(self, root, config='', arguments=()):
        self.root, self.arguments, self.process = str(root), list(arguments), None
        os.makedirs(self.root, exist_ok=True)
        if config:
            folder = os.path.join(self.root, 'etc/libvirt')
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, 'libvirtd.conf'), 'w', encoding='utf-8') as f:
                f.write(config)

    @property
    def socket(self):
        return tree.socket_path(self.root)

    @property
    def socket_ro(self):
        return tree.socket_path(self.root, read_only=True)

    @property
    def uri(self):
        return tree.uri(self.root, path=self.driver_path)

    @property
    def uri_ro(self):
        return tree.uri(self.root, path=self.driver_path, read_only=True)

    @property
    def admin_uri(self):
        return f'libvirtd:///system?socket={os.path.dirname(self.socket)}/libvirt-admin-sock'

    @property
    def log(self):
        return os.path.join(self.root, 'daemon.log')

    def command(self):
        return [tree.place(BUILD, 'libvirtd'), '--root', self.root] + self.arguments

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if self not in self.alive_ones:
            self.alive_ones.append(self)
        wait_for(self.answers, START_SECONDS, 'the daemon listening')
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f'the daemon ended with {self.process.returncode}: {self.output()}')
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.socket)
            except OSError:
                return False
        return True

    def output(self):
        with open(self.log, encoding='utf-8', errors='replace') as f:
            return f.read()[-4000:]

    def stop(self):
        """Ask it to end; it must do so with status 0."""
        self.process.terminate()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f'the daemon does not end: {self.output()}') from None
        assert status == 0, f'the daemon ended with {status}: {self.output()}'

    def kill(self):
        self.process.kill()
        self.process.wait()

    # What a crash test needs, apart from the end of the whole test bed.
    def crash(self):
        self.kill()

    def restart(self):
        self.start()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def virsh(self, *words, uri=None, **options):
        """Standard output of our virsh."""
        return run([tree.place(BUILD, 'virsh'), '-c', uri or self.uri, *words], **options).stdout

    def debian_virsh(self, *words, uri=None, **options):
        """Standard output of Debian's unmodified virsh with Debian's library."""
        return run([DEBIAN_VIRSH, '-c', uri or self.uri, *words], env=foreign_environment(), **options).stdout

    def python(self, script, ours=False, seconds=CALL_SECONDS):
        """Run a script with python3-libvirt; `uri` and `libvirt` are there. Gives its output; a script that is late says
        where it is."""
        head = (f'import faulthandler, libvirt\nfaulthandler.dump_traceback_later({seconds - 5})\n'
                f'uri = {self.uri!r}\nlibvirt.registerErrorHandler(lambda *_: None, None)\n')
        env = our_library_environment() if ours else foreign_environment()
        return run([PYTHON, '-c', head + script], env=env, seconds=seconds).stdout

    def clean(self):
        """End of a test: no guest and no daemon is left, whatever the test did; a daemon that died by itself is told."""
        died = self.process.poll() if self.process else None
        by_itself = died is not None and died < 0 and -died not in (signal.SIGKILL, signal.SIGTERM)
        if self in self.alive_ones:
            self.alive_ones.remove(self)
        last_words = self.output() if by_itself else ''
        if not self.alive():
            self.start()
        try:
            kill_guests(self.root)
        finally:
            self.stop()
            kill_guests(self.root)      # one may have been about to start
        assert not by_itself, f'the daemon died of signal {-died} in the test: {last_words}'


def process_stat(pid):
    """Of a process: its name, whether its last thread has ended, its session."""
    with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
        name, _, rest = f.read().rpartition(')')
    state, _, _, session, *_ = rest.split()
    return name.partition('(')[2], state == 'Z' and len(os.listdir(f'/proc/{pid}/task')) == 1, session


class ReferenceDaemon(Daemon):
    """Debian's own, in the reference root; the sockets lie where ours would."""

    def __init__(self, root, config='', arguments=(), binds=(), qemu_config=()):
        super().__init__(root, arguments=arguments)
        self.config, self.qemu_config = config.splitlines(), list(qemu_config)
        self.binds = list(binds)
        self.shared = os.path.dirname(self.socket)
        os.makedirs(self.shared, exist_ok=True)
        os.chmod(self.root, 0o755)

    def command(self):
        words = [os.path.join(SOURCE, 'tests/reference/enter'), '--run', self.shared]
        for folder in self.binds:
            words += ['--bind', folder]
        as_root = ['user = "root"', 'group = "root"', 'dynamic_ownership = 0']
        for line in ([] if any(line.startswith('user ') for line in self.qemu_config) else as_root) + self.qemu_config:
            words += ['--conf', line]
        for line in self.config:
            words += ['--daemon-conf', line]
        return words + [reference_root(), 'sleep', 'infinity']

    def init(self):
        """Process id of the first process in its namespaces."""
        with open(f'/proc/{self.process.pid}/task/{self.process.pid}/children', encoding='utf-8') as f:
            return int(f.read().split()[0])

    def children(self):
        """Of the first process in its namespaces: process id, name, whether the last thread has ended, session."""
        with open(f'/proc/{self.init()}/task/{self.init()}/children', encoding='utf-8') as f:
            pids = f.read().split()
        for pid in pids:
            with contextlib.suppress(FileNotFoundError):    # it has ended
                yield int(pid), *process_stat(pid)

    def answers(self):
        """It listens before the one that has begun it is told so, which gives up when it dies before that; after it comes what we wait in."""
        return super().answers() and any(name == 'sleep' for _, name, _, _ in self.children())

    def daemon_pid(self):
        """The daemon's process id out here, None when it does not run. The one that has begun it is in its first process's session. While
        a thread of it goes on, so do its locks, though the first one has ended."""
        beginner = process_stat(self.init())[2]
        for pid, name, ended, session in self.children():
            if name == 'libvirtd' and not ended and session != beginner:
                return pid
        return None

    def crash(self):
        """Kill it, and a child that it has forked but that isn't another program yet: that looks like the daemon, and may hang for ever."""
        def gone():
            pid = self.daemon_pid()
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not pid
        assert self.daemon_pid()
        wait_for(gone, 10, 'the daemon being gone')

    def restart(self):
        run(['nsenter', '-t', str(self.init()), '-a', 'libvirtd', '-d'])

    def forget(self):
        """Have a daemon that is dead forget what was defined."""
        run(['nsenter', '-t', str(self.init()), '-a', 'sh', '-c', 'rm -f /etc/libvirt/qemu/*.xml'])

    def stop(self):
        """End everything that lives in its namespaces."""
        self.kill()

    def virsh(self, *words, uri=None, **options):
        try:
            return super().virsh(*words, uri=uri, **options)
        except tree.NotBuilt:
            return self.debian_virsh(*words, uri=uri, **options)

    def clean(self):
        self.kill()     # its guests live in its namespace


def reference_root():
    """The reference root, None where there is none or it cannot be used."""
    root = os.environ.get('LIBVIRT_REFERENCE')
    return root if root and os.geteuid() == 0 and os.path.exists(root) else None


class Guest:
    """The files of the tiny guest."""

    def __init__(self, folder):
        self.folder = folder

    @property
    def cmdline(self):
        with open(os.path.join(self.folder, 'cmdline'), encoding='utf-8') as f:
            return f.read().strip()

    def boot(self, extra=''):
        """The <os> element that boots it."""
        return (f"<os><type arch='x86_64' machine='pc'>hvm</type><kernel>{self.folder}/vmlinuz</kernel>"
                f"<initrd>{self.folder}/initrd.img</initrd><cmdline>{self.cmdline} {extra}</cmdline></os>")


def build_guest(*options, name='guest'):
    """The tiny guest of the build, made when it is not there."""
    folder = os.path.join(BUILD, name)
    cache = os.environ.get('LIBVIRT_TEST_GUEST_CACHE') or os.path.join(BUILD, 'guest-cache')
    run([os.path.join(SOURCE, 'tests/guest/build'), '--cache', cache, '--agent', *options, folder], seconds=300)
    return Guest(folder)


def coalesced_frames(name):
    """What the kernel says of received packets that wait for one interrupt."""
    answer = ctypes.create_string_buffer(struct.pack('II', 0xe, 0), 92)         # ETHTOOL_GCOALESCE
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8946, struct.pack('16sP16x', name.encode(), ctypes.addressof(answer)))      # SIOCETHTOOL
    return struct.unpack_from('III', answer.raw)[2]


def configured(new_daemon, *lines):
    """A running daemon with these lines in its qemu.conf."""
    daemon = new_daemon()
    folder = os.path.join(daemon.root, 'etc/libvirt')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'qemu.conf'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')
    return daemon.start()


def domain_xml(name, *, guest=None, extra='', memory=128, devices='', vcpus=1, console=None,
               on_reboot='destroy', no_usb=True, vcpus_now=0, more=''):
    """A small domain. Without @guest it has firmware only: for guests that need not run. @console names a file
    for the serial line, else it is a terminal. @more goes before the devices."""
    boot = guest.boot(extra) if guest else "<os><type arch='x86_64' machine='pc'>hvm</type></os>"
    serial = f"<serial type='file'><source path='{console}'/></serial>" if console else "<serial type='pty'/>"
    no_usb = "<controller type='usb' model='none'/>" if no_usb else ''
    identity = uuid.uuid5(uuid.NAMESPACE_URL, name)
    return f"""<domain type='{DOMAIN_TYPE}'>
  <name>{name}</name>
  <uuid>{identity}</uuid>
  <memory unit='MiB'>{memory}</memory>
  <vcpu current='{vcpus_now or vcpus}'>{vcpus}</vcpu>
  {more}
  {boot}
  <features><acpi/></features>
  <on_reboot>{on_reboot}</on_reboot>
  <devices>
    <emulator>{EMULATOR}</emulator>
    {no_usb}
    {serial}
    {devices}
    <memballoon model='none'/>
  </devices>
</domain>
"""


def written(folder, text):
    """Path of a new file with this text."""
    fd, path = tempfile.mkstemp(dir=folder, suffix='.xml')
    with os.fdopen(fd, 'w') as f:
        f.write(text)
    return path


def file_has(path, text, start=0):
    try:
        with open(path, 'rb') as f:
            f.seek(start)
            return text in f.read().decode(errors='replace')
    except FileNotFoundError:
        return False


def console_file(guest, name):
    """A new name for the file that a guest's console writes: where the reference's daemon can write as well."""
    return os.path.join(guest.folder, f'{name}-{uuid.uuid4()}.log')


def wait_for_mark(console, mark, seconds=20, start=0):
    """Wait until a guest has written @mark, behind @start, to the file of its console. In vain, its last words are shown."""
    try:
        wait_for(lambda: file_has(console, mark, start), seconds, f"the mark '{mark}'")
    except Timeout as problem:
        with open(console, encoding='utf-8', errors='replace') as f:
            raise Timeout(f'{problem}; the console ends with {f.read()[-600:]!r}') from None


def have(program):
    return shutil.which(program) is not None


def ask(daemon, name, command, **arguments):
    """The answer of a guest's QEMU to a command of its monitor, asked through virsh."""
    text = daemon.virsh('qemu-monitor-command', name, json.dumps({'execute': command, 'arguments': arguments}))
    reply = json.loads(text)
    assert 'return' in reply, (command, arguments, reply)
    return reply['return']


def kill_guests(root):
    for pid in guest_processes(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def guest_processes(root):
    """Process ids of the QEMUs of the daemon with this root (known by their files or their log), zombies excepted."""
    found = []
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open(f'/proc/{name}/cmdline', 'rb') as f:
                command = f.read()
            log = os.readlink(f'/proc/{name}/fd/2')
            with open(f'/proc/{name}/stat', encoding='utf-8', errors='replace') as f:
                state = f.read().rpartition(')')[2].split()[0]
        except OSError:
            continue
        ours = root.encode() in command or log.startswith(root + '/')
        if b'qemu-system' in command.split(b'\0')[0] and ours and state != 'Z':
            found.append(int(name))
    return sorted(found)


class Pki:
    """A certificate authority with a client and a server, in the folders that libvirt expects below @folder."""

    SIDES = {'client': ('the client', 'tls_www_client'), 'server': ('localhost', 'tls_www_server')}

    def __init__(self, folder):
        self.folder = str(folder)
        for name in ('CA', 'libvirt/private'):
            os.makedirs(self.path(name), exist_ok=True)
        self.write('ca.info', 'cn = "Test CA"\nca\ncert_signing_key\n')
        self.certtool('--generate-privkey', '--ecc', '--outfile', self.path('ca.key'))
        self.certtool('--generate-self-signed', '--load-privkey', self.path('ca.key'), '--template', self.path('ca.info'),
                      '--outfile', self.path('CA/cacert.pem'))
        for side, (name, purpose) in self.SIDES.items():
            self.issue(side, name, purpose)

    def issue(self, side, name, purpose, extra=''):
        """A certificate and key of a side."""
        key, cert = self.path(f'libvirt/private/{side}key.pem'), self.path(f'libvirt/{side}cert.pem')
        self.write('info', f'organization = "Test"\ncn = "{name}"\ndns_name = "{name}"\n{purpose}\nsigning_key\n'
                           f'encryption_key\n{extra}')
        self.certtool('--generate-privkey', '--ecc', '--outfile', key)
        os.chmod(key, 0o600)
        self.certtool('--generate-certificate', '--load-privkey', key, '--load-ca-certificate', self.path('CA/cacert.pem'),
                      '--load-ca-privkey', self.path('ca.key'), '--template', self.path('info'), '--outfile', cert)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as f:
            f.write(text)

    @staticmethod
    def certtool(*words):
        run(['certtool', *words])


@contextlib.contextmanager
def serving(*command, socket_path):
    """A server that runs while the test does."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)     # pylint: disable=consider-using-with
    try:
        wait_for(lambda: process.poll() is not None or os.path.exists(socket_path), what='the server')
        assert process.poll() is None, command
        yield process
    finally:
        process.terminate()
        process.wait(30)
