# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 400
"""The walk: every command of virsh is called on the test driver behind a daemon, as the reference's is on its own."""
import json
import os
import re
import subprocess

import pytest

import shapes
import support
from support import tree
from walk import Walk

SHAPES = os.path.join(support.SOURCE, 'tools/virsh/json')
# What drivers and library say after these is in their own words; that the error is the same one counts.
CODES = ('invalid argument', 'internal error', 'Requested operation is not valid', 'Operation not supported',
         'metadata not found', 'XML error', 'argument unsupported', 'unsupported configuration', 'Interface not found',
         'Network not found', 'Storage pool not found', 'Storage volume not found', 'Node device not found')
CHANGING = ('desc test some', 'desc test --title a')    # print no JSON: they change something

DOMAIN = "<domain type='test'><name>{}</name><memory unit='MiB'>512</memory><os><type>hvm</type></os>{}</domain>"
FILES = {
    'broken.xml': '<broken',
    'new.xml': DOMAIN.format('new', ''),
    'drives.xml': DOMAIN.format('drives', """<devices>
        <disk type='file' device='cdrom'><source file='/a.iso'/><target dev='hdc'/></disk>
        <disk type='block' device='cdrom'><target dev='hdd'/></disk>
        <disk type='file' device='floppy'><target dev='fda'/></disk></devices>"""),
    'memory.xml': """<domain type='test'><name>memory</name><maxMemory slots='4'>8388608</maxMemory>
        <memory>4194304</memory><vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os>
        <cpu><numa><cell id='0' cpus='0' memory='1048576'/><cell id='1' cpus='1' memory='1048576'/></numa></cpu>
        <devices><memory model='virtio-mem'><target><size>1048576</size><node>0</node><block>2048</block>
        <requested>524288</requested></target></memory></devices></domain>""",
    'disk.xml': "<disk type='file'><source file='/tmp/a.img'/><target dev='vdb' bus='virtio'/></disk>",
    'cpu.xml': "<cpu mode='custom'><model>qemu64</model></cpu>",
    'host-cpu.xml': "<cpu><arch>x86_64</arch><model>Nehalem</model><vendor>Intel</vendor><feature name='vmx'/></cpu>",
    'host-cpus.xml': "<cpu><arch>x86_64</arch><model>Haswell</model><feature name='ht'/></cpu>"
                     "<cpu><arch>x86_64</arch><model>Penryn</model><feature name='ht'/><feature name='vmx'/></cpu>",
    'interface.xml': "<interface type='ethernet' name='eth9'><mac address='66:55:44:33:22:99'/></interface>",
    'filter.xml': "<filter name='f'/>",
    'network.xml': "<network><name>net</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e1931</uuid>"
                   "<bridge name='virbr9'/><ip address='10.9.0.1' prefix='24'/></network>",
    'device.xml': "<device><name>d</name><parent>computer</parent><capability type='scsi_host'/></device>",
    'secret.xml': "<secret><usage type='volume'><volume>/v</volume></usage></secret>",
    'pool.xml': "<pool type='dir'><name>new</name><target><path>/mnt</path></target></pool>",
    'volume.xml': "<volume><name>v</name><capacity>1000</capacity></volume>",
}


def test_each_command_is_called_and_each_difference_is_one_of_a_call():
    Walk('virsh').check_files()


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / 'files'
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def debian(tmp_path, files):
    """Debian's own daemon, running; it sees the files."""
    if not support.reference_root() or not support.have(support.DEBIAN_VIRSH):
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root, or libvirt-clients is not installed')
    other = support.ReferenceDaemon(str(tmp_path / 'r'), binds=[str(files)])
    other.start()
    yield other
    other.clean()


@pytest.fixture(scope='module')
def program():
    try:
        return tree.place(support.BUILD, 'virsh')
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))


def uri_of(daemon):
    """The test driver's, behind the same socket."""
    return daemon.uri.replace('qemu+unix:///system', 'test+unix:///default')


def answer(program, uri, call, files, environment):
    """Output, errors and status. What depends on the moment (time, random UUIDs, the host's load) is hidden."""
    for name in ('core', 'image', 'shot', 'vol'):
        (files / name).unlink(missing_ok=True)
    done = subprocess.run([program, '-c', uri, call.replace('@', str(files))], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False,
                          env=dict(environment or os.environ, VISUAL='true', EDITOR='true'))

    def plain(text):
        text = re.sub(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'UUID', text)
        text = re.sub(r'(?m)^CPU time: .*\n', '', text)
        text = re.sub(r'(?m)^(Time:|Creation Time:)( +).*$', r'\1\2T', text)
        text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( \+\d{4})?', 'TIME', text)
        text = re.sub(r'\b1[5-9]\d{8}\b', 'SECONDS', text)
        text = re.sub(f"(?m)^error: ({'|'.join(CODES)}): .*$", r'error: \1', text)
        text = re.sub(r'(?<=in function )[a-zA-Z]\w+', 'FUNCTION', text)
        return text.replace(str(files), '@').replace(uri, 'URI')
    return plain(done.stdout), plain(done.stderr), done.returncode


def test_every_call_is_answered_as_by_the_reference(program, daemon, debian, files):
    """That a driver has no such function is an answer like others."""
    sides = [(program, uri_of(daemon), None), (support.DEBIAN_VIRSH, uri_of(debian), support.foreign_environment())]
    walk = Walk('virsh')
    for call in walk.calls:
        walk.compare(call, *(answer(side, uri, call, files, environment) for side, uri, environment in sides))
    walk.verdict()


def test_json_of_every_call(program, daemon, files):
    """Whatever prints JSON prints what its shape says."""
    text = support.run([program, 'self-test', '--dump-help']).stdout
    shape_of = dict(re.findall(r"^  NAME\n    ([\w-]+) - (?:.(?!^  NAME))*?\(shape '([\w-]+)'\)", text, re.M | re.S))
    checked = set()
    for part in {part.strip() for call in Walk('virsh').calls for part in call.split(';')}:
        name = part.split()[0] if part else None
        if name not in shape_of or name.endswith('event') or part.startswith(CHANGING):
            continue
        done = subprocess.run([program, '-c', uri_of(daemon), f'{part.replace("@", str(files))} --format json'], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        if done.returncode == 0 and done.stdout.strip():
            shapes.check(json.loads(done.stdout), shapes.load(SHAPES, shape_of[name]), part)
            checked.add(name)
    assert len(checked) > 40, checked
