# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real servers that hold images, on loopback: Ceph, iSCSI, Gluster, NFS, SSH, FTP. Each is a context manager with a folder of its own, and
says with missing() which package it lacks. The runner gives tests a network of their own, so ports are the usual ones."""
import base64
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import uuid

import support
from support import wait_for


def lacking(*programs):
    """Which of these programs isn't there, or None."""
    return next((f'{program} is not installed' for program in programs if not shutil.which(program)), None)


def tell(*words, **options):
    return support.run([str(word) for word in words], **options).stdout


class Server:
    """Processes that are ended with the server."""
    PROGRAMS = ()

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.processes = []

    @classmethod
    def missing(cls):
        return lacking(*cls.PROGRAMS)

    def run(self, *words, **options):
        """A process that lives as long as the server; what it says is in the folder."""
        log = open(os.path.join(self.folder, f'{os.path.basename(words[0])}.out'), 'ab')
        with log:
            process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
        self.processes.append(process)
        return process

    def said(self, program):
        with open(os.path.join(self.folder, f'{program}.out'), encoding='utf-8', errors='replace') as log:
            return log.read()[-4000:]

    def check(self):
        for process in self.processes:
            assert process.poll() is None, f'{process.args} ended: {self.said(os.path.basename(process.args[0]))}'

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *unused):
        self.stop()

    def start(self):
        raise NotImplementedError

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Ceph(Server):
    """One monitor and one store in memory; @user and @key (base64) may do everything, without @keys everybody; pool "rbd"."""
    PROGRAMS = ('ceph-mon', 'ceph-osd', 'ceph', 'rbd')
    user, port = 'admin', 6789
    CONF = '''[global]
fsid = {fsid}
mon host = 127.0.0.1:{port}
mon initial members = a
auth cluster required = {auth}
auth service required = {auth}
auth client required = {auth}
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd objectstore = memstore
osd client watch timeout = 10
memstore device bytes = 268435456
osd crush chooseleaf type = 0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr2 = false
keyring = {folder}/keyring
run dir = {folder}
pid file = {folder}/$name.pid
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
'''

    def __init__(self, folder, keys=True):
        super().__init__(folder)
        self.auth = 'cephx' if keys else 'none'

    @property
    def conf(self):
        return os.path.join(self.folder, 'ceph.conf')

    def start(self):
        for name in ('mon', 'osd'):
            os.mkdir(os.path.join(self.folder, name))
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        with open(self.conf, 'w', encoding='utf-8') as f:
            f.write(self.CONF.format(fsid=fsid, folder=self.folder, port=self.port, auth=self.auth))
        keyring, everything = f'{self.folder}/keyring', ('--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *')
        for n, name in enumerate(('mon.', 'client.admin', 'osd.0')):
            tell('ceph-authtool', *([] if n else ['--create-keyring']), keyring, '--gen-key', '-n', name, *everything)
        self.key = tell('ceph-authtool', keyring, '-n', 'client.admin', '-p').strip()
        tell('monmaptool', '--create', '--add', 'a', f'127.0.0.1:{self.port}', '--fsid', fsid, f'{self.folder}/monmap')
        tell('ceph-mon', '-i', 'a', '--mkfs', '--monmap', f'{self.folder}/monmap', '--keyring', keyring, '-c', self.conf)
        self.run('ceph-mon', '-f', '-i', 'a', '-c', self.conf)
        self.ceph('osd', 'new', osd)
        tell('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd, '-c', self.conf)
        wait_for(self.store_is_up, 60, 'the store of Ceph')
        self.ceph('osd', 'pool', 'create', 'rbd', '8', '8')
        self.check()

    def store_is_up(self):
        """The store ends at once when its first word reaches the monitor before the map of monitors reaches it: it is started anew."""
        if len(self.processes) > 1 and self.processes[-1].poll() is not None and 'wrong fsid' in self.said('ceph-osd'):
            self.processes.pop()
        if len(self.processes) == 1:
            self.run('ceph-osd', '-f', '-i', '0', '-c', self.conf)
        self.check()
        return json.loads(self.ceph('osd', 'stat', '-f', 'json'))['num_up_osds']

    def ceph(self, *words):
        """Output of a command. A busy monitor may refuse to say which commands it knows; then nothing was commanded yet."""
        command = ['ceph', '-c', self.conf, '--connect-timeout', '30', *(str(word) for word in words)]

        def answer():
            done = support.run(command, check=False)
            return None if done.returncode and 'getting command descriptions' in done.stderr else done
        done = wait_for(answer, 60, 'the monitor of Ceph knowing its commands')
        assert done.returncode == 0, f'{" ".join(command)}: status {done.returncode}\n{done.stderr}'
        return done.stdout

    def rbd(self, *words):
        return tell('rbd', '-c', self.conf, *words)


class Iscsi(Server):
    """A target with logical units 1, 2 …; with @user and @secret it wants CHAP."""
    PROGRAMS = ('tgtd', 'tgtadm')
    target, port, user, secret = 'iqn.2026-01.test.example:disks', 3260, 'visitor', 'twelvechars1'

    def __init__(self, folder, *images, chap=False):
        super().__init__(folder)
        self.images, self.chap = images, chap

    def admin(self, *words, check=True):
        return subprocess.run(['tgtadm', '--lld', 'iscsi', *words], check=check, capture_output=True, text=True).returncode == 0

    def start(self):
        self.run('tgtd', '-f', '--iscsi', f'portal=127.0.0.1:{self.port}')
        wait_for(lambda: self.check() or self.admin('--mode', 'sys', '--op', 'show', check=False), what='tgtd')
        self.admin('--mode', 'target', '--op', 'new', '--tid', '1', '--targetname', self.target)
        for n, image in enumerate(self.images, 1):
            self.admin('--mode', 'logicalunit', '--op', 'new', '--tid', '1', '--lun', str(n), '--backing-store', str(image))
        self.admin('--mode', 'target', '--op', 'bind', '--tid', '1', '--initiator-address', 'ALL')
        if self.chap:
            self.admin('--mode', 'account', '--op', 'new', '--user', self.user, '--password', self.secret)
            self.admin('--mode', 'account', '--op', 'bind', '--tid', '1', '--user', self.user)

    @property
    def encoded(self):
        return base64.b64encode(self.secret.encode()).decode()


class Gluster(Server):
    """A volume "vol" on one brick, a folder. The server's own place is /run, which must be private."""
    PROGRAMS = ('glusterd', 'gluster', 'glusterfsd')
    address, port = '10.77.0.1', 24007      # bricks can't be on an address of loopback
    CONF = '''volume management
    type mgmt/glusterd
    option working-directory {folder}/state
    option run-directory /run/gluster
    option transport-type socket
    option transport.address-family inet
    option transport.socket.bind-address {address}
    option transport.socket.read-fail-log off
    option ping-timeout 0
    option event-threads 1
    option max-port 49160
end-volume
'''

    @property
    def brick(self):
        return f'{self.folder}/brick/files'

    def gluster(self, *words, check=True):
        return tell('gluster', '--mode=script', '--log-file=/dev/null', *words, check=check)

    def start(self):
        for name in ('state', 'brick', 'log'):
            os.makedirs(f'{self.folder}/{name}', exist_ok=True)
        os.makedirs('/run/gluster', exist_ok=True)
        for place, path in self.hidden():
            os.makedirs(path, exist_ok=True)
            tell('mount', '--bind', f'{self.folder}/{place}', path)
        tell('mount', '-t', 'tmpfs', '-o', 'size=512M', 'brick', f'{self.folder}/brick')
        tell('ip', 'address', 'replace', f'{self.address}/32', 'dev', 'lo')
        with open(f'{self.folder}/glusterd.vol', 'w', encoding='utf-8') as f:
            f.write(self.CONF.format(folder=self.folder, address=self.address))
        self.begin()
        self.gluster('volume', 'create', 'vol', f'{self.address}:{self.brick}', 'force')
        self.gluster('volume', 'start', 'vol')
        self.check()

    def hidden(self):
        """Folders of the host that the server writes to whatever it is told."""
        return (('log', '/var/log/glusterfs'), ('state', '/var/lib/glusterd'))

    def begin(self):
        self.run('glusterd', '-N', '-f', f'{self.folder}/glusterd.vol', f'--log-file={self.folder}/glusterd.log')
        wait_for(lambda: self.check() or 'onnection failed' not in self.listed(), 60, 'the server of Gluster')

    def listed(self):
        done = subprocess.run(['gluster', '--log-file=/dev/null', 'volume', 'list'], capture_output=True, text=True)
        return done.stdout + done.stderr

    def bricks(self):
        """Processes that the server has started, which don't end with it."""
        found = []
        for name in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError), open(f'/proc/{name}/cmdline', 'rb') as f:
                if os.fsencode(self.brick) in f.read().split(b'\0'):
                    found.append(int(name))
        return found

    def stop(self):
        super().stop()
        for signal_ in signal.SIGTERM, signal.SIGKILL:
            for pid in self.bricks():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal_)
            with contextlib.suppress(support.Timeout):
                wait_for(lambda: not self.bricks(), 10, 'the end of the bricks')
        for path in f'{self.folder}/brick', *(path for _, path in self.hidden()):
            subprocess.run(['umount', '-l', path], check=False, capture_output=True)
        subprocess.run(['ip', 'address', 'del', f'{self.address}/32', 'dev', 'lo'], check=False, capture_output=True)


class Ssh(Server):
    """A server that lets this user in with a key, which an agent at @agent has."""
    PROGRAMS = ('sshd', 'ssh-agent', 'ssh-add', 'ssh-keygen')

    def start(self):
        self.port, self.user = 2222, pwd.getpwuid(os.geteuid()).pw_name
        for name in ('host', 'key'):
            tell('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', f'{self.folder}/{name}')
        os.makedirs('/run/sshd', exist_ok=True)
        self.agent = f'{self.folder}/agent'
        self.run(shutil.which('sshd'), '-D', '-e', '-f', '/dev/null', '-h', f'{self.folder}/host', '-o', f'ListenAddress=127.0.0.1:{self.port}',
                 '-o', f'AuthorizedKeysFile={self.folder}/key.pub', '-o', 'StrictModes=no', '-o', 'UsePAM=no', '-o', 'PidFile=none',
                 '-o', 'Subsystem=sftp internal-sftp')
        self.run('ssh-agent', '-D', '-a', self.agent)
        wait_for(lambda: self.check() or os.path.exists(self.agent), what='ssh-agent')
        tell('ssh-add', '-q', f'{self.folder}/key', env=dict(os.environ, SSH_AUTH_SOCK=self.agent))
        with open(f'{self.folder}/host.pub', encoding='utf-8') as f:
            self.host_key = f.read().split()[1]


class Nfs(Server):
    """Exports the folder "export" by NFS 3, with the server in user space."""
    PROGRAMS = ('ganesha.nfsd', 'rpcbind')
    CONF = '''NFS_Core_Param {{ Protocols = 3; NFS_Port = 2049; MNT_Port = 20048; Enable_NLM = false; Enable_RQUOTA = false; }}
NFSV4 {{ Graceless = true; }}
EXPORT {{ Export_Id = 1; Path = "{folder}/export"; Pseudo = "/export"; Access_Type = RW; Squash = No_Root_Squash; SecType = sys;
    FSAL {{ Name = VFS; }} }}
LOG {{ Default_Log_Level = EVENT; }}
'''

    def start(self):
        self.export = f'{self.folder}/export'
        os.makedirs(self.export, exist_ok=True)
        with open(f'{self.folder}/ganesha.conf', 'w', encoding='utf-8') as f:
            f.write(self.CONF.format(folder=self.folder))
        self.run('rpcbind', '-f')
        wait_for(lambda: self.check() or tell("rpcinfo", "-p", "127.0.0.1", check=False).count("100000"), what="rpcbind")
        self.run('ganesha.nfsd', '-F', '-f', f'{self.folder}/ganesha.conf', '-p', f'{self.folder}/pid', '-L', '/dev/stdout')
        wait_for(lambda: self.check() or {'100003', '100005'} <= set(tell('rpcinfo', '-p', '127.0.0.1', check=False).split()), 60,
                 what='the NFS server and what it mounts by')


class Ftp(Server):
    """Files of a folder by FTP; unless it is @open to all, for @user with @password only."""
    user, password = 'visitor', 'open sesame'

    @classmethod
    def missing(cls):
        done = subprocess.run([support.PYTHON, '-c', 'import pyftpdlib'], capture_output=True)
        return None if done.returncode == 0 else 'python3-pyftpdlib is not installed'

    def __init__(self, folder, files, open=False):      # pylint: disable=redefined-builtin
        super().__init__(folder)
        self.files, self.open = str(files), open

    def start(self):
        self.port = 2121
        login = [] if self.open else ['-u', self.user, '-P', self.password]
        self.run(support.PYTHON, '-m', 'pyftpdlib', '-i', '127.0.0.1', '-p', self.port, '-d', self.files, *login)
        wait_for(lambda: self.check() or 'starting FTP' in self.said(os.path.basename(support.PYTHON)), what='the FTP server')
