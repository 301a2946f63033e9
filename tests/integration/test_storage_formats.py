# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""Every format of volumes with every thing that is done to volumes: what qemu-img says of the result is what counts."""
import contextlib
import json
import os
import subprocess
from typing import NamedTuple

import pytest

import hostile_images
import support
from storage_parts import MIB, connected, libvirt, loop_device, pool_xml, refused
from test_storage_streams import download, upload

pytestmark = pytest.mark.foreign_library
UNSUPPORTED, CONFIG = libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_CONFIG_UNSUPPORTED
SHRINK = libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK
PATTERN = b'\x5a'


class Kind(NamedTuple):
    """A format as a user asks for it, and what can be done with it."""
    format: str
    target: str = ''
    grows: bool = False
    shrinks: bool = False
    checked: bool = True        # qemu-img check knows it
    based: bool = True


KINDS = {
    'raw': Kind('raw', '', True, True, False, False),
    'iso': Kind('iso', '', True, True, False, False),
    'qcow2': Kind('qcow2', '', True, True),
    'old': Kind('qcow2', '<compat>0.10</compat>', True, True),
    'new': Kind('qcow2', "<compat>1.1</compat><clusterSize unit='KiB'>128</clusterSize><features><lazy_refcounts/><extended_l2/></features>", True, True),
    'small': Kind('qcow2', "<clusterSize unit='KiB'>4</clusterSize>", True, True),
    'qed': Kind('qed', '', True, False),
    'qcow': Kind('qcow', checked=False),
    'vmdk': Kind('vmdk', based=False),
    'vdi': Kind('vdi', based=False),
    'vpc': Kind('vpc', checked=False, based=False),
}
NEVER_MADE = 'bochs cloop cow dmg fat vhd ploop'.split()


@pytest.fixture
def connection(daemon):
    with connected(daemon) as opened:
        yield opened


@pytest.fixture
def pools(connection, tmp_path):
    made = []
    for name in 'one', 'other':
        (tmp_path / name).mkdir()
        made.append(connection.storagePoolCreateXML(pool_xml('dir', name, '', tmp_path / name)))
    return made


def qemu(*words):
    done = support.run([str(word) for word in words])
    assert done.returncode == 0, f'{words}: {done.stdout} {done.stderr}'
    return done.stdout


def driver(kind):
    return 'raw' if kind.format == 'iso' else kind.format


def xml(name, kind, size=8 * MIB, more=''):
    return (f"<volume><name>{name}</name><capacity>{size}</capacity><allocation>0</allocation>"
            f"<target><format type='{kind.format}'/>{kind.target}</target>{more}</volume>")


def base_xml(path, form):
    return f"<backingStore><path>{path}</path><format type='{form}'/></backingStore>"


def fill(path, form):
    qemu('qemu-io', '-f', form, '-c', 'write -P 0x5a 1M 1M', '-c', 'write -P 0x11 4194816 1536', '-c', 'write -P 0x22 6M 64k', path)


def checked(vol, kind):
    """What an image says of itself; a sound one."""
    if kind.checked:
        qemu('qemu-img', 'check', '-q', '-f', driver(kind), vol.path())
    return json.loads(qemu('qemu-img', 'info', '--output=json', '-f', driver(kind), vol.path()))


def same(one, first, other, second):
    qemu('qemu-img', 'compare', '-q', '-f', first, '-F', second, one, other)


@pytest.mark.parametrize('name', KINDS)
def test_life(connection, pools, name):
    """Made, filled, resized, cloned, copied to another pool, downloaded, wiped, deleted."""
    kind, (pool, other) = KINDS[name], pools
    vol = pool.createXML(xml('v', kind))
    info = checked(vol, kind)
    assert info['format'] == driver(kind) and info['virtual-size'] >= 8 * MIB
    if name in ('old', 'new', 'qcow2'):
        assert info['format-specific']['data']['compat'] == ('0.10' if name == 'old' else '1.1')
    fill(vol.path(), driver(kind))
    checked(vol, kind)
    whole = download(connection, vol)
    clones = [where.createXMLFrom(vol.XMLDesc().replace('<name>v<', '<name>clone<'), vol) for where in (pool, other)]
    for clone in clones:
        assert checked(clone, kind)['virtual-size'] == info['virtual-size']
        same(vol.path(), driver(kind), clone.path(), driver(kind))
    with open(vol.path(), 'rb') as f:
        assert f.read() == whole
    uploaded = pool.createXML(xml('uploaded', KINDS['raw'], 0))
    upload(connection, uploaded, whole)
    same(uploaded.path(), driver(kind), vol.path(), driver(kind))
    resized(vol, kind, clones[0], whole)
    vol.wipe()
    with open(vol.path(), 'rb') as f:
        assert PATTERN * 64 not in f.read()
    path = vol.path()
    vol.delete()
    assert not os.path.exists(path) and sorted(pool.listVolumes()) == ['clone', 'uploaded']


def resized(vol, kind, clone, whole):
    """Larger and smaller, or refused with the format's name and nothing done."""
    if not kind.grows:
        for size, flags in (16 * MIB, 0), (4 * MIB, SHRINK):
            assert f"'{kind.format}'" in refused(UNSUPPORTED, vol.resize, size, flags)
        with open(vol.path(), 'rb') as f:
            assert f.read() == whole
        return
    vol.resize(16 * MIB)
    assert checked(vol, kind)['virtual-size'] == vol.info()[1] == 16 * MIB
    same(vol.path(), driver(kind), clone.path(), driver(kind))
    assert 'SHRINK' in refused(libvirt.VIR_ERR_INVALID_ARG, vol.resize, 8 * MIB)
    if not kind.shrinks:
        assert f"'{kind.format}'" in refused(UNSUPPORTED, vol.resize, 8 * MIB, SHRINK)
        assert checked(vol, kind)['virtual-size'] == 16 * MIB
        return
    vol.resize(8 * MIB, SHRINK)
    assert checked(vol, kind)['virtual-size'] == vol.info()[1] == 8 * MIB
    same(vol.path(), driver(kind), clone.path(), driver(kind))


@pytest.mark.parametrize('name', KINDS)
def test_converted(pools, name):
    """To all others, as large as it is or larger, in turn."""
    kind, (pool, other) = KINDS[name], pools
    vol = pool.createXML(xml('v', kind))
    fill(vol.path(), driver(kind))
    for n, (target_name, target) in enumerate(KINDS.items(), list(KINDS).index(name)):
        size = 24 * MIB if n % 2 else 0
        copy = other.createXMLFrom(xml(target_name, target, size), vol)
        info = checked(copy, target)
        assert info['format'] == driver(target) and info['virtual-size'] >= max(size, 8 * MIB)
        assert f"<format type='{'raw' if target.format == 'iso' else target.format}'/>" in copy.XMLDesc()
        same(vol.path(), driver(kind), copy.path(), driver(target))
        assert os.stat(copy.path()).st_blocks * 512 < 4 * MIB, 'holes stay holes'
        copy.delete()


def test_based(pools):
    """Layers, of what can be based on what; a copy holds what is seen through them, a clone is a layer itself."""
    pool, other = pools
    for form in 'raw', 'qcow2', 'vmdk':
        base = pool.createXML(xml(f'base-{form}', KINDS[form]))
        fill(base.path(), form)
        for name, kind in KINDS.items():
            document = xml(f'{name}-on-{form}', kind, more=base_xml(base.path(), form))
            if kind.format in ('raw', 'iso'):
                refused(CONFIG if kind.format == 'raw' else UNSUPPORTED, pool.createXML, document)
            elif not (kind.based or kind.format == form == 'vmdk'):
                assert f"'{kind.format}'" in refused(UNSUPPORTED, pool.createXML, document)
            else:
                layer = pool.createXML(document)
                same(layer.path(), driver(kind), base.path(), form)
                if kind.format == 'qcow' or kind.format == 'qed' and form != 'raw':     # which can't say what their bases are
                    assert 'format' in refused(libvirt.VIR_ERR_OPERATION_INVALID, other.createXMLFrom, xml('copy', KINDS['raw'], 0), layer)
                else:
                    copy = other.createXMLFrom(xml('copy', KINDS['raw'], 0), layer)
                    same(copy.path(), 'raw', base.path(), form)
                    copy.delete()
                layer.delete()
        assert pool.listVolumes() == [base.name()] == os.listdir(os.path.dirname(base.path())), 'what is refused leaves nothing'
        base.delete()


def test_what_cannot_be(pools):
    """Refused with the format's name before anything is there, new or as a copy."""
    pool = pools[0]
    source = pool.createXML(xml('source', KINDS['raw']))
    for form in NEVER_MADE:
        for call in (pool.createXML, ), (pool.createXMLFrom, source):
            assert f"'{form}'" in refused(UNSUPPORTED, call[0], xml('v', Kind(form)), *call[1:])
    refused(CONFIG, pool.createXML, xml('v', Kind('vhdx')))
    refused(CONFIG, pool.createXML, xml('v', Kind('luks')))
    for name, target in ('qcow2', '<compat>0.10</compat><features><lazy_refcounts/></features>'), ('vdi', '<compat>1.1</compat>'), (
            'qcow2', '<compat>0.10</compat><features><extended_l2/></features>'), ('vmdk', "<clusterSize unit='KiB'>64</clusterSize>"):
        refused(CONFIG, pool.createXML, xml('v', Kind(name, target)))
    assert pool.listVolumes() == ['source'] == os.listdir(os.path.dirname(source.path()))


def test_data_file(pools, tmp_path):
    """An image whose data are in another file: copied as what it holds if that is a volume, and never changed through it."""
    pool, other = pools
    inside, outside = tmp_path / 'one' / 'data', tmp_path / 'outside'
    for name, data in ('in', inside), ('out', outside):
        qemu('qemu-img', 'create', '-q', '-f', 'qcow2', '-o', f'data_file={data}', tmp_path / 'one' / name, '8M')
        fill(tmp_path / 'one' / name, 'qcow2')
    before = outside.read_bytes()
    pool.refresh()
    for target_name in 'raw', 'qcow2', 'vmdk':
        copy = other.createXMLFrom(xml(target_name, KINDS[target_name], 0), pool.storageVolLookupByName('in'))
        same(tmp_path / 'one' / 'in', 'qcow2', copy.path(), target_name)
        message = refused(libvirt.VIR_ERR_OPERATION_INVALID, other.createXMLFrom, xml('no', KINDS[target_name], 0), pool.storageVolLookupByName('out'))
        assert f"'{outside}'" in message and 'pool-create-as' in message
    for name in 'in', 'out':
        for size in 4 * MIB, 16 * MIB:
            assert 'another file' in refused(UNSUPPORTED, pool.storageVolLookupByName(name).resize, size, SHRINK if size < 8 * MIB else 0)
    assert outside.read_bytes() == before, 'what an image names is not touched'


def test_resize_opens_nothing_by_name(pools, tmp_path):
    """What an image says it is based on is no command to open it: a pipe would hang the call."""
    pool = pools[0]
    os.mkfifo(tmp_path / 'pipe')
    qemu('qemu-img', 'create', '-q', '-u', '-f', 'qcow2', '-b', tmp_path / 'pipe', '-F', 'raw', tmp_path / 'one' / 'v', '8M')
    pool.refresh()
    vol = pool.storageVolLookupByName('v')
    for size in 16 * MIB, 8 * MIB:
        vol.resize(size, SHRINK if size < 16 * MIB else 0)
        assert vol.info()[1] == size
    assert f'<path>{tmp_path}/pipe</path>' in vol.XMLDesc(), 'it is based on what it was'


def test_hostile_resized(daemon, pools, tmp_path):
    """Images that say all kinds of things of others: larger and smaller or refused, soon, and what they name is as before."""
    pool, secret = pools[0], tmp_path / 'secret'
    secret.write_bytes(b'outside' * 10000)
    os.mkfifo(str(secret) + '.fifo')        # who opens it waits for ever
    names, done = hostile_images.generate(str(tmp_path / 'one'), str(secret)), 0
    pool.refresh()
    for name in names:
        vol = pool.storageVolLookupByName(name)
        for change, flags in (MIB, 0), (MIB, SHRINK):
            with contextlib.suppress(libvirt.libvirtError):
                vol.resize(change, flags | libvirt.VIR_STORAGE_VOL_RESIZE_DELTA)
                done += 1
        assert secret.read_bytes() == b'outside' * 10000, name
    assert done > 20 and daemon.alive()


def test_onto_a_device(connection, pools, tmp_path):
    """An image becomes what a new logical volume or partition holds; one that is too large is refused."""
    with contextlib.ExitStack() as stack:
        device = stack.enter_context(loop_device(tmp_path / 'disk', 64))
        subprocess.run(['sfdisk', '-q', device], input='label: gpt\n', text=True, check=True)
        disk = connection.storagePoolCreateXML(pool_xml('disk', 'disk', f"<device path='{device}'/><format type='gpt'/>", '/dev'))
        vol = pools[0].createXML(xml('v', KINDS['qcow2']))
        fill(vol.path(), 'qcow2')
        part = disk.createXMLFrom(f'<volume><name>{os.path.basename(device)}p1</name><capacity>{16 * MIB}</capacity></volume>', vol)
        qemu('qemu-img', 'compare', '-q', '-f', 'qcow2', '-F', 'raw', vol.path(), part.path())
        part.delete()


# ---- copies that are based on another volume ----

COPIES = [name for name, kind in KINDS.items() if kind.format == 'qcow2']


def data_of(vol, form='qcow2'):
    """The parts of an image that it holds itself."""
    parts = json.loads(qemu('qemu-img', 'map', '--output=json', '-f', form, vol.path()))
    return sum(part['length'] for part in parts if part['depth'] == 0 and part['present'] and not part['zero'])


def names_base(vol, path, form):
    info = json.loads(qemu('qemu-img', 'info', '--output=json', vol.path()))
    assert info['backing-filename'] == str(path) and info.get('backing-filename-format', 'raw') == form
    told = vol.XMLDesc().split('<backingStore>')[1]
    assert f'<path>{path}</path>' in told and f"<format type='{form}'/>" in told


@pytest.fixture
def base(pools):
    """An image with content, and a copy of it in which a block and a hole differ."""
    made = pools[0].createXML(xml('base', KINDS['qcow2']))
    fill(made.path(), 'qcow2')
    source = pools[0].createXMLFrom(xml('source', KINDS['qcow2']), made)
    qemu('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x77 1M 512', '-c', 'write -P 0 6M 64k', '-c', 'write -P 0x33 3M 64k', source.path())
    return made


@pytest.mark.parametrize('name', COPIES)
@pytest.mark.parametrize('size', [8, 16])
def test_copy_on_base(pools, base, name, size):
    """A copy holds what differs from its base and nothing else, whatever holds the content, in the base's pool or another one."""
    pool, other = pools
    source = pool.storageVolLookupByName('source')
    sources = [source] + [other.createXMLFrom(xml(form, KINDS[form], 0), source) for form in ('raw', 'vmdk')]
    for from_, where in zip(sources, (pool, other, other)):
        form = {'source': 'qcow2'}.get(from_.name(), from_.name())
        copy = where.createXMLFrom(xml('copy', KINDS[name], size * MIB, base_xml(base.path(), 'qcow2')), from_)
        assert checked(copy, KINDS[name])['virtual-size'] == copy.info()[1] == size * MIB
        same(from_.path(), form, copy.path(), 'qcow2')
        names_base(copy, base.path(), 'qcow2')
        assert 64 * 1024 < data_of(copy) <= 384 * 1024 < data_of(source), 'three clusters at most differ'
        copy.delete()


def test_copy_on_what_it_is_on(pools, base):
    """The source may be the base, be based on it, or share nothing with it."""
    pool, other = pools
    layer = pool.createXML(xml('layer', KINDS['qcow2'], more=base_xml(base.path(), 'qcow2')))
    qemu('qemu-io', '-f', 'qcow2', '-c', 'write -P 0x66 3M 64k', layer.path())
    for source, below, largest in (base, base, 0), (layer, base, 65536), (base, layer, 65536), (layer, layer, 0):
        copy = other.createXMLFrom(xml('copy', KINDS['qcow2'], more=base_xml(below.path(), 'qcow2')), source)
        same(source.path(), 'qcow2', copy.path(), 'qcow2')
        names_base(copy, below.path(), 'qcow2')
        checked(copy, KINDS['qcow2'])
        assert data_of(copy) <= largest
        copy.delete()
    for form, kind in ('raw', 'qcow2'), ('vdi', 'qcow2'), ('raw', 'qed'):
        below = other.createXML(xml('below', KINDS[form]))
        qemu('qemu-io', '-f', form, '-c', 'write -P 0x66 0 8M', below.path())
        copy = other.createXMLFrom(xml('copy', KINDS[kind], more=base_xml(below.path(), form)), layer)
        same(layer.path(), 'qcow2', copy.path(), kind)
        names_base(copy, below.path(), form)
        checked(copy, KINDS[kind])
        copy.delete()
        below.delete()


@pytest.mark.parametrize('size', [4, 32])
def test_copy_on_base_of_other_size(pools, base, size):
    """A base that is smaller or larger than the copy, full of something else: behind the source's end is nothing."""
    pool = pools[0]
    source = pool.storageVolLookupByName('source')
    below = pool.createXML(xml('below', KINDS['qcow2'], size * MIB))
    qemu('qemu-io', '-f', 'qcow2', '-c', f'write -P 0x44 0 {size}M', below.path())
    for wanted in 8, 16:
        copy = pool.createXMLFrom(xml('copy', KINDS['qcow2'], wanted * MIB, base_xml(below.path(), 'qcow2')), source)
        assert checked(copy, KINDS['qcow2'])['virtual-size'] == wanted * MIB
        same(source.path(), 'qcow2', copy.path(), 'qcow2')
        names_base(copy, below.path(), 'qcow2')
        copy.delete()


def test_copy_on_base_refused(pools, base, tmp_path):
    """What can't be based on another one or can't be a base is named, and nothing is left."""
    pool = pools[0]
    source = pool.storageVolLookupByName('source')
    invalid, failed = libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_OPERATION_FAILED
    outside = tmp_path / 'outside'
    qemu('qemu-img', 'create', '-q', '-f', 'raw', outside, '8M')
    for name, other in ('a', 'b'), ('b', 'a'):
        qemu('qemu-img', 'create', '-q', '-u', '-f', 'qcow2', '-b', tmp_path / 'one' / other, '-F', 'qcow2', tmp_path / 'one' / name, '8M')
    pool.refresh()
    left = sorted(pool.listVolumes())

    def no(code, kind, path, form, flags=0):
        message = refused(code, pool.createXMLFrom, xml('copy', KINDS[kind], more=base_xml(path, form)), source, flags)
        assert 'copy' in message
        return message
    none = str(tmp_path / 'one' / 'none')
    assert none in no(libvirt.VIR_ERR_SYSTEM_ERROR, 'qcow2', none, 'qcow2')
    assert none in refused(libvirt.VIR_ERR_SYSTEM_ERROR, pool.createXML, xml('new', KINDS['qcow2'], more=base_xml(none, 'qcow2')))
    assert 'pool-create-as' in no(invalid, 'qcow2', outside, 'raw')
    assert 'based on itself' in refused(invalid, pool.createXMLFrom, xml('copy', KINDS['qcow2'], more=base_xml(tmp_path / 'one' / 'a', 'qcow2')), source)
    assert 'not in QED format' in no(failed, 'qcow2', base.path(), 'qed')
    no(CONFIG, 'raw', base.path(), 'qcow2')
    for kind in 'iso', 'vdi', 'vpc', 'vmdk', 'qcow', 'qed':
        assert f"'{kind}'" in no(UNSUPPORTED, kind, base.path(), 'qcow2')
    assert 'metadata' in no(UNSUPPORTED, 'qcow2', base.path(), 'qcow2', libvirt.VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA)
    assert sorted(pool.listVolumes()) == left == sorted(os.listdir(tmp_path / 'one'))


def test_copy_on_long_chain(pools, base):
    """A base may have some below it; what is too long for an image's head is refused before anything is copied."""
    pool = pools[0]
    source, below = pool.storageVolLookupByName('source'), base
    for n in range(20):
        below = pool.createXML(xml(f'layer{n}', KINDS['qcow2'], more=base_xml(below.path(), 'qcow2')))
        document = xml('copy', KINDS['qcow2'], more=base_xml(below.path(), 'qcow2'))
        if n > 14:
            assert 'copy of it' in refused(UNSUPPORTED, pool.createXMLFrom, document, source)
        elif n in (0, 5):
            copy = pool.createXMLFrom(document, source)
            same(source.path(), 'qcow2', copy.path(), 'qcow2')
            names_base(copy, below.path(), 'qcow2')
            copy.delete()
    assert 'copy' not in pool.listVolumes()
