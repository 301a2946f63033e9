# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage pools and volumes of a real host: what is on the disk, and what the files say."""
import contextlib
import json
import os
import re
import subprocess

import pytest

import hostile_images
import support

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
pytestmark = pytest.mark.foreign_library
libvirt.registerErrorHandler(lambda *_: None, None)
MIB = 1 << 20


@pytest.fixture
def connection(daemon):
    opened = libvirt.open(daemon.uri)
    yield opened
    with contextlib.suppress(libvirt.libvirtError):     # the daemon may have been killed
        opened.close()


@pytest.fixture
def pool(connection, tmp_path):
    """A running pool of type dir."""
    made = connection.storagePoolDefineXML(pool_xml('pool', tmp_path / 'pool'))
    made.build()
    made.create()
    yield made


def pool_xml(name, path, more=''):
    return f"<pool type='dir'><name>{name}</name><target><path>{path}</path>{more}</target></pool>"


def folder(pool):
    return re.search('<path>(.*)</path>', pool.XMLDesc()).group(1)


def vol_xml(name, mib=1, kind='raw', allocation=None, target='', more=''):
    allocation = '' if allocation is None else f"<allocation>{allocation}</allocation>"
    return (f"<volume><name>{name}</name><capacity unit='MiB'>{mib}</capacity>{allocation}"
            f"<target><format type='{kind}'/>{target}</target>{more}</volume>")


def image(path):
    return json.loads(support.run(['qemu-img', 'info', '--output=json', str(path)]).stdout)


def refused(code, call, *arguments):
    with pytest.raises(libvirt.libvirtError) as caught:
        call(*arguments)
    assert caught.value.get_error_code() == code, caught.value
    return str(caught.value)


def test_pool_life(connection, daemon, tmp_path):
    path = tmp_path / 'a' / 'b'
    pool = connection.storagePoolDefineXML(pool_xml('p', path, '<permissions><mode>0750</mode></permissions>'))
    refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.create)
    refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.build, libvirt.VIR_STORAGE_POOL_BUILD_OVERWRITE)
    pool.build()
    assert os.stat(path).st_mode & 0o7777 == 0o750
    pool.create()
    pool.setAutostart(True)
    assert pool.info()[0] == libvirt.VIR_STORAGE_POOL_RUNNING and pool.info()[1] > pool.info()[3] > 0
    assert '<mode>0750</mode>' in pool.XMLDesc() and '<owner>' in pool.XMLDesc()
    assert '<owner>' not in pool.XMLDesc(libvirt.VIR_STORAGE_XML_INACTIVE)
    pool.createXML(vol_xml('v'))
    daemon.kill()
    daemon.start()
    connection = libvirt.open(daemon.uri)
    pool = connection.storagePoolLookupByName('p')
    assert pool.isActive() and pool.autostart() and pool.listVolumes() == ['v']
    pool.destroy()
    refused(libvirt.VIR_ERR_OPERATION_INVALID, pool.listVolumes)
    refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.delete)
    os.unlink(path / 'v')
    pool.delete()
    assert not path.exists()
    pool.undefine()
    assert not connection.listAllStoragePools()
    connection.close()


def test_raw_volumes(pool):
    path = folder(pool)
    for name, allocation, blocks in ('sparse', 0, 0), ('half', MIB // 2, MIB // 2), ('whole', None, MIB):
        vol = pool.createXML(vol_xml(name, allocation=allocation))
        info = os.stat(vol.path())
        assert (info.st_size, info.st_blocks * 512, info.st_mode & 0o7777) == (MIB, blocks, 0o600)
        assert vol.info() == [libvirt.VIR_STORAGE_VOL_FILE, MIB, blocks]
        assert vol.infoFlags(libvirt.VIR_STORAGE_VOL_GET_PHYSICAL)[2] == MIB
        assert vol.key() == vol.path() == os.path.join(path, name)
    vol = pool.createXML(vol_xml('mine', target='<permissions><mode>0640</mode><owner>7</owner><group>8</group></permissions>'))
    info = os.stat(vol.path())
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (7, 8, 0o640)
    assert '<owner>7</owner>' in vol.XMLDesc()
    refused(libvirt.VIR_ERR_STORAGE_VOL_EXIST, pool.createXML, vol_xml('mine'))
    vol.resize(3 * MIB)
    assert os.stat(vol.path()).st_size == 3 * MIB
    refused(libvirt.VIR_ERR_INVALID_ARG, vol.resize, MIB // 2)
    vol.resize(MIB // 2, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK)
    vol.resize(MIB // 2, libvirt.VIR_STORAGE_VOL_RESIZE_DELTA | libvirt.VIR_STORAGE_VOL_RESIZE_ALLOCATE)
    assert os.stat(vol.path()).st_blocks * 512 == os.stat(vol.path()).st_size == MIB
    vol.delete()
    assert not os.path.exists(os.path.join(path, 'mine'))
    assert sorted(os.listdir(path)) == sorted(pool.listVolumes()) == ['half', 'sparse', 'whole']


def test_images(pool):
    features = '<compat>1.1</compat><clusterSize unit="KiB">128</clusterSize><features><lazy_refcounts/><extended_l2/></features>'
    for kind in 'qcow2', 'qed', 'vmdk', 'vdi', 'vpc':
        vol = pool.createXML(vol_xml(f'plain.{kind}', 16, kind))
        assert image(vol.path())['format'] == kind
        assert image(vol.path())['virtual-size'] == vol.info()[1] >= 16 * MIB
        assert f"<format type='{kind}'/>" in vol.XMLDesc()
    vol = pool.createXML(vol_xml('full.qcow2', 16, 'qcow2', target=features))
    data = image(vol.path())
    assert data['cluster-size'] == 131072 and data['format-specific']['data']['extended-l2'] and \
        data['format-specific']['data']['lazy-refcounts']
    assert '<extended_l2/>' in vol.XMLDesc() and "<clusterSize unit='B'>131072" in vol.XMLDesc()
    base = pool.storageVolLookupByName('plain.qcow2')
    layer = pool.createXML(vol_xml('layer.qcow2', 32, 'qcow2', more=(
        f"<backingStore><path>{base.path()}</path><format type='qcow2'/></backingStore>")))
    assert image(layer.path())['backing-filename'] == base.path() and image(layer.path())['backing-filename-format'] == 'qcow2'
    assert f'<path>{base.path()}</path>' in layer.XMLDesc().split('<backingStore>')[1]
    layer.resize(64 * MIB)
    assert image(layer.path())['virtual-size'] == layer.info()[1] == 64 * MIB
    subprocess.run(['qemu-img', 'resize', '-q', layer.path(), '65M'], check=True)
    assert layer.info()[1] == 65 * MIB, 'what others change is seen without a refresh'
    refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, pool.createXML, vol_xml('none.cow', 1, 'cow'))
    refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, pool.createXML, vol_xml('none.vdi', 1, 'vdi', target=features))
    assert not [name for name in os.listdir(folder(pool)) if 'none' in name or name.startswith('.')]


PASSPHRASE = 'a, long=passphrase'
ENCRYPTION = "<encryption format='luks'><secret type='passphrase' {}/>{}</encryption>"
CIPHER = "<cipher name='aes' size='128' mode='cbc' hash='sha256'/><ivgen name='essiv' hash='sha256'/>"


def unlocked(vol, kind, *words):
    """What a qemu-img that has the passphrase says of an encrypted volume."""
    secret = folder_file(vol, PASSPHRASE)
    spec = f"driver={kind},{'' if kind == 'luks' else 'encrypt.'}key-secret=k,file.filename={vol.path()}"
    return subprocess.run(['qemu-img', *words, '--object', f'secret,id=k,file={secret}', '--image-opts', spec], capture_output=True, text=True,
                          check=False)


def folder_file(vol, text):
    path = os.path.join(os.path.dirname(os.path.dirname(vol.path())), 'passphrase')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def test_encrypted_on_a_busy_host(new_daemon, monkeypatch, tmp_path):
    """A qemu-img that couldn't measure the processor is asked again, but not for ever, nor for anything else."""
    programs, tries, words = tmp_path / 'programs', tmp_path / 'tries', tmp_path / 'words'
    programs.mkdir()
    (programs / 'qemu-img').write_text(f"""#!/bin/sh
real() {{ PATH=$(echo "$PATH" | sed 's|{programs}:||') exec qemu-img "$@"; }}
[ "$1" = create ] || real "$@"
left=$(cat {tries}); echo $((left - 1)) >{tries}
[ "$left" -gt 0 ] || real "$@"
echo "qemu-img: x: $(cat {words})" >&2
exit 1
""")
    (programs / 'qemu-img').chmod(0o755)
    monkeypatch.setenv('PATH', f"{programs}:{os.environ['PATH']}")
    connection = libvirt.open(new_daemon().start().uri)
    pool = connection.storagePoolCreateXML(pool_xml('pool', tmp_path / 'pool'), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    secret = connection.secretDefineXML("<secret><usage type='volume'><volume>/x</volume></usage></secret>")
    secret.setValue(PASSPHRASE.encode())
    xml = vol_xml('v', 4, target=ENCRYPTION.format("usage='/x'", ''))
    for said, times, left in ('Unable to get accurate CPU usage', 1000, 990), ('no room', 1000, 999):
        tries.write_text(str(times))
        words.write_text(said)
        assert said in refused(libvirt.VIR_ERR_OPERATION_FAILED, pool.createXML, xml)
        assert tries.read_text().strip() == str(left)
    words.write_text('Unable to get accurate CPU usage')
    tries.write_text('3')
    assert "<encryption format='luks'>" in pool.createXML(xml).XMLDesc()
    connection.close()


def test_encrypted(connection, daemon, pool):
    secret = connection.secretDefineXML(f"<secret><usage type='volume'><volume>{folder(pool)}/plain</volume></usage></secret>")
    by_uuid, by_usage = f"uuid='{secret.UUIDString()}'", f"usage='{folder(pool)}/plain'"
    refused(libvirt.VIR_ERR_NO_SECRET, pool.createXML, vol_xml('plain', 4, target=ENCRYPTION.format(by_uuid, '')))
    secret.setValue(PASSPHRASE.encode())
    for name, kind, reference, more in ('plain', 'raw', by_usage, ''), ('chosen', 'raw', by_uuid, CIPHER), ('image', 'qcow2', by_uuid, CIPHER):
        vol = pool.createXML(vol_xml(name, 4, kind, target=ENCRYPTION.format(reference, more)))
        shown = 'luks' if kind == 'raw' else kind
        assert image(vol.path())['format'] == shown and "<encryption format='luks'>" in vol.XMLDesc() and PASSPHRASE not in vol.XMLDesc()
        assert image(vol.path())['virtual-size'] == 4 * MIB
        vol.resize(8 * MIB)
        told = unlocked(vol, shown, 'info', '--output=json')
        assert told.returncode == 0 and json.loads(told.stdout)['virtual-size'] == 8 * MIB, told.stderr
        if more:
            assert '"cipher-alg": "aes-128"' in told.stdout and '"ivgen-alg": "essiv"' in told.stdout
        if kind == 'qcow2':
            assert unlocked(vol, shown, 'check').returncode == 0
    for wrong in ("<encryption format='qcow'/>", "<encryption format='luks' engine='librbd'/>"):
        refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, pool.createXML, vol_xml('wrong', 4, target=wrong))
    refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, pool.createXML, vol_xml('wrong', 4, 'vdi', target=ENCRYPTION.format(by_uuid, '')))
    refused(libvirt.VIR_ERR_NO_SECRET, pool.createXML, vol_xml('wrong', 4, target=ENCRYPTION.format("usage='/none'", '')))
    assert sorted(os.listdir(folder(pool))) == ['chosen', 'image', 'plain']
    pool.refresh()
    pool.storageVolLookupByName('plain').resize(9 * MIB)
    secret.undefine()
    refused(libvirt.VIR_ERR_NO_SECRET, pool.storageVolLookupByName('plain').resize, 10 * MIB)


@pytest.mark.parametrize('name', ['../up', '..', '.', 'a/b', '/etc/x', 'a\nb', '.new-libvirt-1', 'x' * 256])
def test_names_stay_in_the_pool(pool, name):
    with pytest.raises(libvirt.libvirtError):
        pool.createXML(vol_xml(name.replace('\n', '&#10;')))
    assert not os.listdir(folder(pool))
    assert os.listdir(os.path.dirname(folder(pool))).count('up') == 0


def test_only_what_is_in_the_pool_is_a_volume(pool, tmp_path):
    path = folder(pool)
    (tmp_path / 'secret').write_text('secret')
    for name, target in ('out', tmp_path / 'secret'), ('up', '../secret'), ('none', 'nothing'), ('null', '/dev/null'), ('in', 'file'):
        os.symlink(target, os.path.join(path, name))
    os.mkfifo(os.path.join(path, 'fifo'))
    os.mkdir(os.path.join(path, 'folder'))
    with open(os.path.join(path, 'file'), 'w', encoding='utf-8') as f:
        f.write('x' * 1000)
    with open(os.path.join(path.encode(), b'bad\nname'), 'w', encoding='utf-8'):
        pass
    pool.refresh()
    assert sorted(pool.listVolumes()) == ['file', 'folder', 'in']
    assert pool.storageVolLookupByName('in').info()[1] == 1000
    assert pool.storageVolLookupByName('folder').info()[0] == libvirt.VIR_STORAGE_VOL_DIR
    vol = pool.storageVolLookupByName('file')
    os.unlink(os.path.join(path, 'file'))
    os.symlink(tmp_path / 'secret', os.path.join(path, 'file'))
    refused(libvirt.VIR_ERR_SYSTEM_ERROR, vol.info)
    refused(libvirt.VIR_ERR_SYSTEM_ERROR, vol.resize, 5000)
    assert (tmp_path / 'secret').read_text() == 'secret'


def copy(pool, source, name, kind, capacity=0):
    return pool.createXMLFrom(f"<volume><name>{name}</name><capacity>{capacity}</capacity><target><format type='{kind}'/></target></volume>",
                              source, 0)


def same_content(one, other):
    return subprocess.run(['qemu-img', 'compare', '-q', one, other], check=False).returncode == 0


def with_data(vol):
    subprocess.run(['qemu-io', '-f', image(vol.path())['format'], '-c', 'write -P 0x55 1M 2M', vol.path()], check=True, stdout=subprocess.DEVNULL)
    return vol


def test_copies(connection, pool, tmp_path):
    other = connection.storagePoolCreateXML(pool_xml('other', tmp_path / 'other'), libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
    base = with_data(pool.createXML(vol_xml('base', 8, 'qcow2')))
    layer = pool.createXML(vol_xml('layer', 8, 'qcow2', more=f"<backingStore><path>{base.path()}</path><format type='qcow2'/></backingStore>"))
    raw = with_data(pool.createXML(vol_xml('raw', 8, allocation=0)))
    for source in base, layer, raw:
        for kind in 'raw', 'qcow2', 'qed', 'vmdk', 'vdi':
            made = copy(other, source, f'{source.name()}.{kind}', kind)
            assert image(made.path())['format'] == kind and 'backing-filename' not in image(made.path())
            assert same_content(source.path(), made.path())
            assert os.stat(made.path()).st_blocks * 512 < 5 * MIB, 'holes stay holes'
            made.delete()
    grown = copy(other, layer, 'grown', 'qcow2', 32 * MIB)
    assert image(grown.path())['virtual-size'] == grown.info()[1] == 32 * MIB
    clone = pool.createXMLFrom(layer.XMLDesc().replace('<name>layer', '<name>clone'), layer, 0)
    assert image(clone.path())['backing-filename'] == base.path() and same_content(layer.path(), clone.path())
    if not shares_blocks(tmp_path):
        refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.createXMLFrom, vol_xml('reflinked'), raw, libvirt.VIR_STORAGE_VOL_CREATE_REFLINK)
    assert sorted(os.listdir(tmp_path / 'other')) == ['grown']
    other.destroy()
    refused(libvirt.VIR_ERR_STORAGE_VOL_EXIST, copy, pool, raw, 'raw', 'raw')


def shares_blocks(path):
    (path / 'a').write_text('a')
    return subprocess.run(['cp', '--reflink=always', path / 'a', path / 'b'], stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_wipe(pool):
    for number in range(libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM + 1):
        vol = with_data(pool.createXML(vol_xml(f'v{number}', 4, allocation=0)))
        vol.wipePattern(number)
        with open(vol.path(), 'rb') as f:
            data = f.read()
        assert len(data) == 4 * MIB and b'\x55' * 64 not in data and data[:MIB] == bytes(MIB), 'holes are left alone'
        last = {libvirt.VIR_STORAGE_VOL_WIPE_ALG_DOD: b'\xff', libvirt.VIR_STORAGE_VOL_WIPE_ALG_BSI: b'\x7f'}
        if number in (libvirt.VIR_STORAGE_VOL_WIPE_ALG_ZERO, libvirt.VIR_STORAGE_VOL_WIPE_ALG_NNSA, libvirt.VIR_STORAGE_VOL_WIPE_ALG_TRIM):
            assert data == bytes(4 * MIB)
        elif number in last:
            assert data[MIB:3 * MIB] == last[number] * (2 * MIB)
        else:
            assert len(set(data[MIB:MIB + 4096])) > 100
    assert os.stat(vol.path()).st_blocks == 0, 'trimmed'
    refused(libvirt.VIR_ERR_INVALID_ARG, vol.wipePattern, 99)


def test_hostile_images(daemon, pool, tmp_path):
    """Each is told as it is, without a look at what it names; copies hold nothing from outside of the pool."""
    marker = b'this stands outside of the pool'
    secret = tmp_path / 'secret'
    secret.write_bytes(marker * 1000)
    os.mkfifo(str(secret) + '.fifo')        # who opens it waits for ever
    names = hostile_images.generate(folder(pool), str(secret))
    assert len(names) >= 50
    pool.refresh()
    assert set(pool.listVolumes()) >= set(names) and 'link-out' not in pool.listVolumes()
    copied = 0
    for name in names:
        vol = pool.storageVolLookupByName(name)
        assert f'<name>{name}</name>' in vol.XMLDesc() and len(vol.info()) == 3
        if not 0 < vol.info()[1] <= 16 * MIB:
            continue
        for kind in 'raw', 'qcow2':
            with contextlib.suppress(libvirt.libvirtError):
                made = copy(pool, vol, 'copy', kind)
                with open(made.path(), 'rb') as f:
                    assert marker not in f.read(), name
                made.delete()
                copied += 1
    assert copied > 10
    for name in 'absolute', 'upwards', 'link', 'json', 'nbd', 'fifo', 'myself', 'ping', 'second', 'dev', 'proc', 'no-format', 'data-file':
        vol = pool.storageVolLookupByName(name + '.qcow2')
        with pytest.raises(libvirt.libvirtError):
            copy(pool, vol, 'copy', 'raw')
    assert not [name for name in os.listdir(folder(pool)) if name.startswith(('copy', '.'))]
    assert daemon.alive()
