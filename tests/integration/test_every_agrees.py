# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 900
"""The generated calls of tests/every/, through our library, on our daemon and on Debian's: the same codes of errors, but for what
a driver doesn't have and what tests/every/differences.toml explains."""
import os
import re
import tomllib

import pytest

import every
import support
from every import NO_SUPPORT

RPC = '39'      # what is newer than the other daemon
USED, ASKED = set(), set()


def explained():
    with open(os.path.join(support.SOURCE, 'tests/every/differences.toml'), 'rb') as f:
        entries = tomllib.load(f)['difference']
    for entry in entries:
        assert set(entry) == {'driver', 'function', 'reason'} and len(entry['reason']) > 10, entry
    return entries


def check(driver, ours, theirs):
    """Where both have the function, both must say the same."""
    unknown = []
    for name in ours.keys() & theirs.keys():
        mine, other = ours[name], theirs[name]
        if mine[0] == other[0] or mine[0] == NO_SUPPORT or other[0] in (NO_SUPPORT, RPC):
            continue
        fitting = {n for n, e in enumerate(explained()) if e['driver'] == driver and re.fullmatch(e['function'], name)}
        USED.update(fitting)
        if not fitting:
            unknown.append(f'{name}: ours {" ".join(mine)}; theirs {" ".join(other)}')
    ASKED.add(driver)
    assert not unknown, '\n'.join(sorted(unknown))


@pytest.fixture(name='other')
def fixture_other(tmp_path):
    """Debian's daemon, which sees the same folder."""
    if not support.reference_root():
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root, or not root')
    os.chmod(tmp_path, 0o755)
    daemon = support.ReferenceDaemon(str(tmp_path / 'r'), binds=[str(tmp_path)])
    daemon.start()
    yield daemon
    daemon.clean()


def test_on_the_test_driver(daemon, other):
    ours, theirs = (every.run('every', [f'test+unix:///default?socket={side.socket}']) for side in (daemon, other))
    assert len(ours) > 500 and len(theirs) > 500
    check('test', ours, theirs)


def test_on_a_guest_of_qemu(daemon, other, protocol, tmp_path):
    disk = tmp_path / 'disk'
    disk.write_bytes(bytes(1 << 20))
    ours = every.run('every', [daemon.uri, *every.guest_functions(protocol.model)], disk=disk)
    have = [name for name, outcome in ours.items() if outcome[0] != NO_SUPPORT]
    theirs = every.run('every', [other.uri, *have], disk=disk)
    assert len(have) > 100
    check('qemu', ours, theirs)


MISSING = '''
conn = libvirt.open(uri)
for kind, source, target in (('disk', "file='/nosuch'", 'vda'), ('disk', "file='/etc/passwd/nosuch'", 'vda'), ('cdrom', "file='/nosuch'", 'hda')):
    try:
        conn.createXML(f"<domain type='qemu'><name>m</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='pc'>hvm</type>"
                       f"</os><devices><disk type='file' device='{kind}'><source {source}/><target dev='{target}'/></disk></devices></domain>")
        print('started')
    except libvirt.libvirtError as error:
        print(error.get_error_code(), error.get_error_domain())
'''


def test_start_without_its_images(daemon, other):
    ours, theirs = daemon.python(MISSING), other.python(MISSING)
    assert ours == theirs and len(set(ours.splitlines())) == 1 and ours.startswith('38 ')


def test_explanations_are_needed():
    if len(ASKED) < 2:
        pytest.skip('not everything was compared, so an explanation may look unused')
    unused = [entry['function'] for number, entry in enumerate(explained()) if number not in USED]
    assert not unused, f'these agree now, so they need no explanation: {unused}'
