# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: alone
# runner: timeout 1200
"""What needs a whole host (systemd, AppArmor, LVM, NFS, iSCSI, VLANs, bonds, KVM): run inside one (tests/nested), where our files
are installed in their usual places. Each test of tests/nested/inside is one here; the host boots once."""
import os
import sys
import tempfile

import pytest

import support

sys.path.insert(0, os.path.join(support.SOURCE, 'tests', 'nested'))
import nested  # noqa: E402  pylint: disable=wrong-import-position

pytestmark = pytest.mark.skipif(nested.missing() is not None, reason=str(nested.missing()))


@pytest.fixture(scope='module')
def report():
    with tempfile.TemporaryDirectory() as folder:
        yield nested.run(folder, support.BUILD, support.build_guest().folder, os.environ.get('LIBVIRT_TEST_NESTED'))


@pytest.mark.parametrize('name', nested.names())
def test_inside(report, name):
    outcome, text = report.results.get(name, ('error', 'it did not run:\n' + report.text('output')))
    if outcome == 'skipped':
        pytest.skip(text.strip().split('\n')[0])
    assert outcome == 'passed', f'{text}\n{report.text("journal", 40)}'


def test_sanitizers(report):
    assert report.sanitizers() == ''
