# SPDX-License-Identifier: LGPL-2.1-or-later
"""Authentication by SASL on every kind of socket: our clients and Debian's, our daemon and Debian's."""
import contextlib
import os
import shutil
import socket
import struct
import threading

import pytest

import support
import wire
from networked import CLIENTS, ask

USER, PASSWORD = 'fred', 'let me in'
SASL_START, SASL_STEP = 'AUTH_SASL_START', 'AUTH_SASL_STEP'


@pytest.fixture(autouse=True)
def sasl_is_there():
    if not shutil.which('saslpasswd2'):
        pytest.skip('sasl2-bin is not installed')


def accounts(folder, mechanisms, realm=None):
    """SASL's settings for a daemon, with one user."""
    os.makedirs(folder, exist_ok=True)
    file = os.path.join(folder, 'passwd.db')
    with open(os.path.join(folder, 'libvirt.conf'), 'w', encoding='utf-8') as f:
        f.write(f'mech_list: {mechanisms}\nsasldb_path: {file}\n')
    support.run(['saslpasswd2', '-p', '-c', '-a', 'libvirt', '-f', file, '-u', realm or socket.gethostname(), USER],
                stdin=PASSWORD)


def said(daemon):
    """The log."""
    with open(daemon.log, encoding='utf-8') as f:
        return f.read()


@pytest.fixture
def closed(new_daemon, listening):
    """Makes daemons of which every socket wants SASL."""
    def make(mechanisms, extra='', network=False):
        def prepare(daemon):
            accounts(os.path.join(daemon.root, 'etc/sasl2'), mechanisms)
        if network:
            return listening(extra='auth_tls = "sasl"\n' + extra, auth_tcp='sasl', prepare=prepare)
        daemon = new_daemon(config='auth_unix_rw = "sasl"\nauth_unix_ro = "sasl"\n' + extra)
        prepare(daemon)
        return daemon.start()
    return make


@pytest.fixture
def known(tmp_path, monkeypatch):
    """The file of credentials that clients use."""
    def write(user=USER, password=PASSWORD, host='default'):
        file = tmp_path / 'auth.conf'
        file.write_text(f'[credentials-c]\nauthname={user}\npassword={password}\n[auth-libvirt-{host}]\ncredentials=c\n')
        monkeypatch.setenv('LIBVIRT_AUTH_FILE', str(file))
    return write


@pytest.mark.parametrize('who', CLIENTS)
@pytest.mark.parametrize('mechanism', ['scram-sha-256', 'scram-sha-1', 'digest-md5', 'plain'])
def test_unix(closed, known, who, mechanism):
    daemon = closed(mechanism)
    known()
    assert ask(daemon, daemon.uri, 'uri', who=who, check=True).stdout.strip() == daemon.uri
    known(password='wrong')
    refused = ask(daemon, daemon.uri, 'uri', who=who)
    assert refused.returncode == 1 and 'authentication failed' in refused.stderr


@pytest.mark.parametrize('who', CLIENTS)
def test_tcp_is_encrypted(closed, known, who, tmp_path):
    daemon = closed('digest-md5', extra='tcp_min_ssf = 56\n', network=True)
    known()
    much = 'x' * 1_000_000      # many records, both ways
    text = support.domain_xml('far').replace('<memory', f'<description>{much}</description><memory', 1)
    ask(daemon, daemon.tcp, 'define', support.written(tmp_path, text), who=who, check=True)
    assert much in ask(daemon, daemon.tcp, 'dumpxml', 'far', who=who, check=True).stdout
    with socket.create_connection(('127.0.0.1', daemon.tcp_port)) as stranger:
        stranger.sendall(b'\0\0\0\x1c' + b'\0' * 24)
        assert stranger.recv(1) in (b'', b'\0')


class Intruder:
    """Sits between client and daemon and adds bytes of its own to a packet that one of them sends."""

    def __init__(self, port, serial, kind, extra):
        self.wanted, self.extra, self.added = (serial, kind), extra, threading.Event()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, args=(port,), daemon=True).start()

    def serve(self, port):
        with self.listener, self.listener.accept()[0] as client, socket.create_connection(('127.0.0.1', port)) as server:
            back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
            back.start()
            self.pump(client, server)
            back.join()

    def pump(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if len(data) >= 28 and (struct.unpack_from('>I', data, 20)[0], struct.unpack_from('>I', data, 16)[0]) == self.wanted:
                    data += self.extra
                    self.added.set()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


# The client's last message is its fourth call; the daemon's answer to it ends the authentication.
@pytest.mark.parametrize('kind, text', [(wire.CALL, 'is not encrypted'), (wire.REPLY, 'somebody is in between')], ids=['to', 'from'])
def test_words_of_others_behind_the_authentication(closed, known, kind, text):
    """They came when nothing was encrypted yet, so they are nobody's: not taken for the one who proved itself."""
    daemon = closed('digest-md5', extra='tcp_min_ssf = 56\n', network=True)
    known()
    with contextlib.closing(Intruder(daemon.tcp_port, 4, kind, b'\0\0\0\x1c').listener) as listener:
        done = ask(daemon, f'test+tcp://127.0.0.1:{listener.getsockname()[1]}/default', 'list')
    assert done.returncode == 1
    assert text in (said(daemon) if kind == wire.CALL else done.stderr)


@pytest.mark.parametrize('who', CLIENTS)
def test_tcp_without_encryption_is_refused(closed, known, who):
    daemon = closed('scram-sha-256', network=True)
    known()
    refused = ask(daemon, daemon.tcp, 'uri', who=who)
    assert refused.returncode == 1 and 'authentication failed' in refused.stderr
    assert 'no client can be authenticated by SASL over TCP' in said(daemon)


@pytest.mark.parametrize('who', CLIENTS)
def test_tls_and_a_password(closed, known, who):
    daemon = closed('scram-sha-256', network=True)
    known()
    ask(daemon, daemon.tls(), 'list', who=who, check=True)
    known(user='nobody')
    assert ask(daemon, daemon.tls(), 'list', who=who).returncode == 1


def test_users_that_are_allowed(closed, known):
    daemon = closed('scram-sha-256', extra='sasl_allowed_username_list = [ "joe@*", "fr?d" ]\n')
    known()
    ask(daemon, daemon.uri, 'list', check=True)
    daemon = closed('scram-sha-256', extra='sasl_allowed_username_list = [ "joe" ]\n')
    refused = ask(daemon, daemon.uri, 'list')
    assert refused.stderr.splitlines()[-1] == 'error: authentication failed: authentication failed'
    assert "SASL user 'fred' is not in sasl_allowed_username_list of libvirtd.conf" in said(daemon)


PYTHON = '''
import os
os.environ.pop('LIBVIRT_AUTH_FILE', None)
asked = []
def answer(password):
    def ask(credentials, opaque):
        asked.append([c[:4] for c in credentials])
        for c in credentials:
            c[4] = 'fred' if c[0] == libvirt.VIR_CRED_AUTHNAME else password
        return 0
    return ask
def attempt(*auth):
    del asked[:]
    try:
        conn = libvirt.openAuth(uri, [*auth, None], 0) if auth else libvirt.open(uri)
        print(conn.isEncrypted(), conn.isSecure(), conn.getHostname() != '', asked)
        conn.close()
    except libvirt.libvirtError as e:
        print(e.get_error_code(), e.get_error_domain(), asked)
both = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
attempt(both, answer('let me in'))
attempt(both[::-1], answer('let me in'))
attempt(both + [libvirt.VIR_CRED_REALM, libvirt.VIR_CRED_ECHOPROMPT, libvirt.VIR_CRED_CNONCE], answer('let me in'))
attempt(both, answer('wrong'))
attempt(both, lambda c, o: -1)
attempt(both[:1], answer('let me in'))
attempt([], answer('let me in'))
attempt()
'''


@pytest.mark.parametrize('mechanism', ['scram-sha-256', 'digest-md5', 'plain'])
def test_who_is_asked_what(closed, reference_with, mechanism):
    """Our library and Debian's ask the same questions, of our daemon and of Debian's."""
    daemons = [closed(mechanism), reference_with(mechanism)]
    seen = {(n, ours): daemon.python(PYTHON, ours=ours) for n, daemon in enumerate(daemons) for ours in (True, False)}
    assert len(set(seen.values())) == 1, seen
    assert seen[0, True].startswith('1 1 True [[[2, ')


@pytest.fixture
def reference_with(tmp_path):
    """Makes Debian's daemon with such a mechanism."""
    made = []

    def make(mechanism):
        if not support.reference_root():
            pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
        folder = tmp_path / 'sasl2'
        accounts(folder, mechanism, realm='reference')
        made.append(support.ReferenceDaemon(str(tmp_path / 'r'), config='auth_unix_rw = "sasl"\n',
                                            binds=[support.BUILD, str(folder), f'{folder}:/etc/sasl2']))
        made[0].start()
        return made[0]
    yield make
    for daemon in made:
        daemon.clean()


def test_the_user_is_shown(closed, known):
    daemon = closed('scram-sha-256')
    known()
    out = daemon.python(f'''
import subprocess
conn = libvirt.open(uri)
def admin(*words):
    return subprocess.run([{support.tree.place(support.BUILD, 'virt-admin')!r}, '-c', {daemon.admin_uri!r}, *words], check=True,
                          capture_output=True, text=True).stdout
number = admin('-q', 'client-list', 'libvirtd').split()[0]
print(admin('client-info', 'libvirtd', number))
''', ours=True)
    assert 'sasl_user_name : fred' in ' '.join(out.split())


def bytes_of(text):
    return [c if c < 128 else c - 256 for c in text]


def test_a_client_that_keeps_no_order(closed, protocol):
    """Steps without a beginning, twice at once, after the end, of nonsense: an error each, and nothing else is possible."""
    daemon = closed('scram-sha-256 plain')

    def refused(*calls):
        with wire.Client(daemon.socket, protocol) as client:
            for n, (name, arguments) in enumerate(calls):
                client.ask(name, **arguments)
                status, _ = client.answer(client.serial)
                assert (status == wire.ERROR) == (n == len(calls) - 1), (n, name)

    nothing = {'nil': 1, 'data': []}
    refused((SASL_STEP, nothing))
    refused((SASL_START, {'mech': 'PLAIN', **nothing}))
    refused(('CONNECT_OPEN', {'name': 'test:///default', 'flags': 0}))
    refused(('AUTH_POLKIT', {}))
    refused(('AUTH_SASL_INIT', {}), (SASL_START, {'mech': 'NONE', **nothing}))
    refused(('AUTH_SASL_INIT', {}), ('AUTH_SASL_INIT', {}))
    refused(('AUTH_SASL_INIT', {}), (SASL_START, {'mech': 'PLAIN', 'nil': 0, 'data': bytes_of(b'\xff' * 300)}))
    good = bytes_of(f'\0{USER}\0{PASSWORD}'.encode())
    refused(('AUTH_SASL_INIT', {}), (SASL_START, {'mech': 'PLAIN', 'nil': 0, 'data': good}), (SASL_STEP, nothing))
