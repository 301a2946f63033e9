# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Copies of encrypted volumes, and copies that are encrypted: their content under the passphrase that each is to have.

Sources have a key that is found quickly; what the daemon encrypts takes seconds each time it is opened, so it is done no more often than needed."""
import json
import os
import threading

import pytest

import support
from storage_parts import MIB, connected, libvirt, pool_xml, refused

pytestmark = pytest.mark.foreign_library
VALUES = {'a': 'first, passphrase', 'b': 'second=passphrase'}
SPECS = {'raw': 'driver=raw', 'vmdk': 'driver=vmdk', 'qcow2': 'driver=qcow2', 'crypt': 'driver=qcow2,encrypt.key-secret={}'}
QUICK = 'iter-time=10'


class Parts:
    """A pool, its folder, and secrets whose values stand in files for qemu-img."""

    def __init__(self, connection, folder):
        self.connection, self.files, self.folder, self.secrets = connection, folder, folder / 'pool', {}
        self.folder.mkdir()
        self.pool = connection.storagePoolCreateXML(pool_xml('dir', 'pool', '', self.folder))
        for name, value in VALUES.items():
            (folder / f'key-{name}').write_text(value)

    def secret(self, value, usage):
        made = self.connection.secretDefineXML(f"<secret><usage type='volume'><volume>{usage}</volume></usage></secret>")
        made.setValue(VALUES[value].encode())
        return made

    def keys(self):
        return [word for name in VALUES for word in ('--object', f"secret,id={name},file={self.files / f'key-{name}'}")]

    def spec(self, name, kind, key):
        """What is compared is what the sources have: new space of luks reads as anything."""
        path = self.folder / name
        if kind == 'luks':
            return f'driver=raw,size={8 * MIB},file.driver=luks,file.key-secret={key},file.file.filename={path}'
        return f'{SPECS[kind].format(key)},file.filename={path}'

    def source(self, name, kind, key='a', more=''):
        """A volume that others have made, with the common content."""
        options = {'luks': f'key-secret={key},{QUICK}', 'crypt': f'encrypt.format=luks,encrypt.key-secret={key},encrypt.{QUICK}'}.get(kind)
        form = {'crypt': 'qcow2'}.get(kind, kind)
        support.make_encrypted('create', '-q', '-f', form, *self.keys(), *(['-o', options + more] if options else []), str(self.folder / name), '8M')
        self.run('qemu-io', *self.keys(), '--image-opts', '-c', 'write -P 0x5a 1M 1M', '-c', 'write -P 0x11 4194816 1536', self.spec(name, kind, key))
        self.pool.refresh()
        return self.pool.storageVolLookupByName(name)

    @staticmethod
    def run(*words):
        done = support.run([str(word) for word in words])
        assert done.returncode == 0, f'{words}: {done.stdout} {done.stderr}'
        return done.stdout

    def same(self, one, other):
        """Whether two volumes, each with its format and key, hold the same."""
        self.run('qemu-img', 'compare', '-q', *self.keys(), '--image-opts', self.spec(*one), self.spec(*other))

    def copy(self, name, source, kind='raw', size=0, encryption=''):
        return self.pool.createXMLFrom(f"<volume><name>{name}</name><capacity>{size}</capacity><target><format type='{kind}'/>{encryption}"
                                       '</target></volume>', source)


@pytest.fixture
def parts(daemon, tmp_path):
    with connected(daemon) as connection:
        yield Parts(connection, tmp_path)


def luks(secret, more=''):
    return f"<encryption format='luks'><secret type='passphrase' uuid='{secret.UUIDString()}'/>{more}</encryption>"


@pytest.mark.parametrize('source, target, size', [('vmdk', 'crypt', 16), ('crypt', 'luks', 16)])
def test_encrypted(parts, source, target, size):
    """A copy that is encrypted with a secret of its own, which is on no command line."""
    parts.secret('a', parts.folder / 'source')
    secret, seen, done = parts.secret('b', '/nowhere'), set(), threading.Event()

    def look():
        while not done.wait(0.01):
            for process in filter(str.isdigit, os.listdir('/proc')):
                try:
                    with open(f'/proc/{process}/cmdline', 'rb') as f:
                        seen.add(f.read())
                except (FileNotFoundError, ProcessLookupError):
                    pass
    watcher = threading.Thread(target=look)
    vol = parts.source('source', source)
    watcher.start()
    try:
        copy = parts.copy('copy', vol, 'raw' if target == 'luks' else 'qcow2', size * MIB, luks(secret))
    finally:
        done.set()
        watcher.join()
    parts.same(('source', source, 'a'), ('copy', target, 'b'))
    assert copy.info()[1] == (size or 8) * MIB and secret.UUIDString() in copy.XMLDesc()
    assert any(b'qemu-img' in words for words in seen) and not any(value.encode() in words for words in seen for value in VALUES.values())


def test_decrypted(parts):
    """Without <encryption> a copy is what the volume holds, whether that, or what it is based on, is encrypted."""
    for name in 'luks', 'crypt':
        parts.secret('a', parts.folder / name)
        vol = parts.source(name, name)
        for kind, size in ('raw', 16), ('qcow2', 0), ('vmdk', 16):
            copy = parts.copy('copy', vol, kind, size * MIB)
            parts.same((name, name, 'a'), ('copy', kind, ''))
            assert '<encryption' not in copy.XMLDesc() and copy.info()[1] == (size or 8) * MIB
            copy.delete()
    base = f"<backingStore><path>{parts.folder / 'crypt'}</path><format type='qcow2'/></backingStore>"
    layer = parts.pool.createXML(f"<volume><name>layer</name><capacity>{8 * MIB}</capacity><target><format type='qcow2'/></target>{base}</volume>")
    parts.copy('copy', layer)
    parts.same(('crypt', 'crypt', 'a'), ('copy', 'raw', ''))


def test_encrypted_on_encrypted_base(parts):
    """Source, base and copy have a key each: the copy holds what differs, under its own."""
    for name in 'source', 'base':
        parts.secret('a', parts.folder / name)
    vol, below, secret = parts.source('source', 'crypt'), parts.source('base', 'crypt'), parts.secret('b', '/nowhere')
    parts.run('qemu-io', *parts.keys(), '--image-opts', '-c', 'write -P 0x77 2M 64k', parts.spec('source', 'crypt', 'a'))
    document = (f"<volume><name>copy</name><capacity>{8 * MIB}</capacity><target><format type='qcow2'/>{luks(secret)}</target>"
                f"<backingStore><path>{below.path()}</path><format type='qcow2'/></backingStore></volume>")
    copy = parts.pool.createXMLFrom(document, vol)
    chain = (f"{parts.spec('copy', 'crypt', 'b')},backing.driver=qcow2,backing.encrypt.key-secret=a,"
             f'backing.file.driver=file,backing.file.filename={below.path()}')
    parts.run('qemu-img', 'compare', '-q', *parts.keys(), '--image-opts', parts.spec('source', 'crypt', 'a'), chain)
    mapped = json.loads(parts.run('qemu-img', 'map', '--output=json', *parts.keys(), '--image-opts', chain))
    assert sum(part['length'] for part in mapped if part['depth'] == 0 and part['data']) == 65536
    assert secret.UUIDString() in copy.XMLDesc() and f'<path>{below.path()}</path>' in copy.XMLDesc()


def test_as_it_is(parts):
    """A clone that names no secret is the same bytes: its passphrase need not be known, but to make it larger."""
    for name in 'luks', 'crypt':
        vol = parts.source(name, name)
        assert "<encryption format='luks'/>" in vol.XMLDesc()
        clone = parts.pool.createXMLFrom(vol.XMLDesc().replace(f'<name>{name}<', '<name>clone<'), vol)
        assert (parts.folder / 'clone').read_bytes() == (parts.folder / name).read_bytes() and clone.info()[1] == 8 * MIB
        kind = 'raw' if name == 'luks' else 'qcow2'
        large = ('large', vol, kind, 16 * MIB, "<encryption format='luks'/>")
        assert 'secret-define' in refused(libvirt.VIR_ERR_NO_SECRET, parts.copy, *large)
        secret = parts.secret('a', parts.folder / name)
        assert parts.copy(*large).info()[1] == 16 * MIB
        parts.same((name, name, 'a'), ('large', name, 'a'))
        secret.undefine()
        for left in 'clone', 'large':
            parts.pool.storageVolLookupByName(left).delete()


def test_refused(parts):
    """No secret, the wrong one, or what QEMU can't read: said, and nothing is left."""
    vol, plain = parts.source('source', 'luks'), parts.source('plain', 'raw')
    assert f"'{parts.folder / 'source'}'" in refused(libvirt.VIR_ERR_NO_SECRET, parts.copy, 'copy', vol)
    parts.secret('b', parts.folder / 'source')
    assert 'nvalid password' in refused(libvirt.VIR_ERR_OPERATION_FAILED, parts.copy, 'copy', vol)
    refused(libvirt.VIR_ERR_NO_SECRET, parts.copy, 'copy', plain, 'raw', 0, "<encryption format='luks'/>")
    for kind in 'vmdk', 'qed':
        refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, parts.copy, 'copy', plain, kind, 0, "<encryption format='luks'/>")
    with open(parts.folder / 'old', 'wb') as f:
        f.write(b'LUKS\xba\xbe\0\2' + bytes(MIB))
    parts.pool.refresh()
    assert "'luks2'" in refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, parts.copy, 'copy', parts.pool.storageVolLookupByName('old'))
    assert sorted(os.listdir(parts.folder)) == ['old', 'plain', 'source']
