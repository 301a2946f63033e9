# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the built libraries offer to a linker is what the tables say, and the headers can be used as they are."""
import os
import re
import subprocess

import pytest

import support
import wire
from support import tree

LIBRARIES = {'libvirt': 'libvirt.so.0', 'libvirt-qemu': 'libvirt-qemu.so.0', 'libvirt-lxc': 'libvirt-lxc.so.0',
             'libvirt-admin': 'libvirt-admin.so.0'}


def library(name):
    return tree.place(support.BUILD, LIBRARIES[name])


def symbols(path, defined=True):
    """(name, version) of the global symbols that a library has, or that it wants from others."""
    out = subprocess.run(['readelf', '-W', '--dyn-syms', path], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in out.splitlines():
        words = line.split()
        if len(words) < 8 or words[4] not in ('GLOBAL', 'WEAK') or words[6] == 'ABS':   # ABS: a version's own name
            continue
        if (words[6] != 'UND') == defined:
            name, _, version = words[7].replace('@@', '@').partition('@')
            found.add((name, version))
    return found


@pytest.fixture(scope='module')
def model():
    return wire.Protocol().model


def wanted(model, name):
    functions = {(f.name, f.version) for f in model.functions if f.library == name}
    variables = {(block.heading.split()[-1], block.get('version')) for header, block in model.variables
                 if header.library == name}
    return functions | variables


@pytest.mark.parametrize('name', sorted(LIBRARIES))
def test_exported_symbols(model, name):
    there = {s for s in symbols(library(name)) if 'PRIVATE' not in s[1]}
    expected = wanted(model, name)
    assert len(expected) > 3
    missing = expected - there
    assert not missing, f'{len(missing)} missing: {sorted(missing)[:10]}'
    assert not there - expected, f'too many: {sorted(there - expected)[:10]}'


@pytest.mark.parametrize('name', sorted(LIBRARIES))
def test_nothing_of_ours_is_unresolved(name):
    """No library hopes for a function of this project that nobody has."""
    defined = {s[0] for n in LIBRARIES for s in symbols(library(n))}
    ours = re.compile(r'^(vir|remote_|rpc_|object_|error_|driver_|loop_|qemu_|domain_|xdr_|event_|conf_|file_)')
    hoped = {s[0] for s in symbols(library(name), defined=False) if ours.match(s[0])}
    assert not hoped - defined, sorted(hoped - defined)


@pytest.mark.parametrize('language', ['c', 'c++'])
def test_headers_stand_alone(tmp_path, language):
    """Each header compiles alone, in both languages, with the warnings that users switch on."""
    compiler = {'c': ['gcc', '-std=c99'], 'c++': ['g++', '-std=c++11']}[language]
    if not support.have(compiler[0]):
        pytest.skip(f'{compiler[0]} is not installed')
    folder = os.path.join(support.BUILD, 'include')
    headers = [n for n in sorted(os.listdir(os.path.join(folder, 'libvirt'))) if n.endswith('.h')]
    assert len(headers) > 15
    for name in headers:
        if name in ('libvirt-common.h',) or re.match(r'libvirt-(domain|host|network|storage|stream|secret|event|'
                                                     r'interface|nodedev|nwfilter)', name):
            name = 'libvirt.h'      # these say themselves that they are a part of it
        source = tmp_path / f'x.{"c" if language == "c" else "cc"}'
        source.write_text(f'#include <libvirt/{name}>\nint main(void) {{ return 0; }}\n')
        done = subprocess.run([*compiler, '-Wall', '-Wextra', '-Werror', '-I', folder, '-fsyntax-only',
                               str(source)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_library_has_its_name():
    for name, file in LIBRARIES.items():
        out = subprocess.run(['readelf', '-d', library(name)], capture_output=True, text=True, check=True).stdout
        assert f'[{file}]' in out


def test_the_tables_know_no_other_library(model):
    assert set(LIBRARIES) == set(model.libraries)


@pytest.mark.parametrize('name', LIBRARIES)
def test_symbol_versions_of_the_release(name):
    """Against the facts of release 12.8.0, not our own tables."""
    wanted = set()
    with open(os.path.join(support.SOURCE, 'tests', 'abi', 'functions.facts'), encoding='utf-8') as stream:
        for line in stream:
            if line.startswith('#') or line.split(' ')[0] != name:
                continue
            version, prototype = line.split(' ', 2)[1:]
            wanted.add((re.search(r'(\w+)(?:\(|$)', prototype.strip())[1], version))
    have = {(n, v) for n, v in symbols(library(name)) if '_PRIVATE_' not in v}
    assert have == wanted
