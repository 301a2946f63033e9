# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons that listen to the network, and who asks them: certificates, ports, clients."""
import os
import shutil
import socket

import pytest

import support
from support import tree

CLIENTS = ['ours', 'debian']
TRUST = {'ca': 'ca\ncert_signing_key', 'server': 'tls_www_server\nsigning_key\nencryption_key',
         'client': 'tls_www_client\nsigning_key\nencryption_key'}


def certtool(*words):
    support.run(['certtool', *words])


class Pki:
    """Certificates and keys made with certtool, each folder in the form that a client's pkipath has."""

    def __init__(self, folder):
        self.folder = str(folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def authority(self, name):
        os.makedirs(self.path(name))
        self.make(name, 'ca', f'cn = {name}', self_signed=True)

    def make(self, name, kind, lines, self_signed=False):
        """A certificate and its key in folder @name, signed by the authority there."""
        key, cert, template = (self.path(name, f'{kind}{end}') for end in ('key.pem', 'cert.pem', '.template'))
        with open(template, 'w', encoding='utf-8') as f:
            f.write(f'{lines}\n{TRUST[kind]}\nexpiration_days = 30\n')
        certtool('--generate-privkey', '--key-type', 'rsa', '--bits', '2048', '--outfile', key)
        signer = ['--generate-self-signed'] if self_signed else [
            '--generate-certificate', '--load-ca-certificate', self.path(name, 'cacert.pem'),
            '--load-ca-privkey', self.path(name, 'cakey.pem')]
        certtool(*signer, '--load-privkey', key, '--template', template, '--outfile', cert)

    def variant(self, base, name, kind, lines):
        """A copy of folder @base in which one certificate is another."""
        shutil.copytree(self.path(base), self.path(name))
        self.make(name, kind, lines)


def make_all(made):
    server = 'cn = localhost\ndns_name = localhost\nip_address = 127.0.0.1'
    for name in ('good', 'foreign'):
        made.authority(name)
        made.make(name, 'server', server)
        made.make(name, 'client', 'cn = alice\norganization = Us')
    made.variant('good', 'bob', 'client', 'cn = bob\norganization = Them')
    made.variant('good', 'misnamed', 'server', 'cn = elsewhere.example\ndns_name = elsewhere.example')
    shutil.copytree(made.path('good'), made.path('posing'))     # a server's certificate used by a client
    for end in ('cert.pem', 'key.pem'):
        shutil.copy(made.path('good', 'server' + end), made.path('posing', 'client' + end))
    os.makedirs(made.path('nobody'))
    shutil.copy(made.path('good', 'cacert.pem'), made.path('nobody'))
    return made


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def server_conf(folder, tls_port, tcp_port, extra='', auth_tcp='none'):
    return (f'listen_tcp = 1\nauth_tcp = "{auth_tcp}"\nlisten_addr = "127.0.0.1"\n'
            f'tls_port = "{tls_port}"\ntcp_port = "{tcp_port}"\nca_file = "{folder}/cacert.pem"\n'
            f'cert_file = "{folder}/servercert.pem"\nkey_file = "{folder}/serverkey.pem"\n{extra}')


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(('127.0.0.1', port)) == 0


def ask(daemon, uri, *words, who='ours', check=False):
    if who == 'debian' and not support.have(support.DEBIAN_VIRSH):
        pytest.skip('libvirt-clients is not installed')
    program, env = (tree.place(support.BUILD, 'virsh'), None) if who == 'ours' else (
        support.DEBIAN_VIRSH, support.foreign_environment())
    return support.run([program, '-c', uri, *words], env=env, check=check)
