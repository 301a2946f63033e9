# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: alone
# runner: timeout 2600
"""What needs a whole host (systemd, AppArmor, LVM, NFS, iSCSI, VLANs, bonds, KVM): run inside one (tests/nested), where our files
are installed in their usual places. Each test of tests/nested/inside is one here; LIBVIRT_TEST_NESTED chooses files by their names."""
import concurrent.futures
import os
import sys
import tempfile

import pytest

import support

sys.path.insert(0, os.path.join(support.SOURCE, 'tests', 'nested'))
import nested  # noqa: E402  pylint: disable=wrong-import-position

pytestmark = pytest.mark.skipif(nested.missing() is not None, reason=str(nested.missing()))


PARTS = [os.environ['LIBVIRT_TEST_NESTED']] if os.environ.get('LIBVIRT_TEST_NESTED') else nested.PARTS


@pytest.fixture(scope='module')
def report():
    """Of a part. Each has a host of one processor; two of them run at a time."""
    guest = support.build_guest().folder
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        def run(number):
            folder = os.path.join(work, str(number))
            os.mkdir(folder)
            return nested.run(folder, support.BUILD, guest, PARTS[number])
        runs = {part: pool.submit(run, number) for number, part in enumerate(PARTS)}
        yield lambda part: runs[part].result()


@pytest.mark.parametrize('part, name', [(part, name) for part in PARTS for name in nested.names(part)])
def test_inside(report, part, name):
    ran = report(part)
    outcome, text = ran.results.get(name, ('error', 'it did not run:\n' + ran.text('output')))
    if outcome == 'skipped':
        pytest.skip(text.strip().split('\n')[0])
    assert outcome == 'passed', f'{text}\n{ran.text("journal", 40)}\n{ran.guests()}'


@pytest.mark.parametrize('part', PARTS)
def test_sanitizers(report, part):
    assert report(part).sanitizers() == ''
