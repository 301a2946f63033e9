# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: alone
# runner: timeout 2600
"""What needs a whole host (systemd, AppArmor, LVM, NFS, iSCSI, VLANs, bonds, KVM): run inside one (tests/nested), where our files
are installed in their usual places. Each test of tests/nested/inside is one here; LIBVIRT_TEST_NESTED chooses files by their names."""
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
def report(request):
    with tempfile.TemporaryDirectory() as folder:
        yield nested.run(folder, support.BUILD, support.build_guest().folder, request.param)


@pytest.mark.parametrize('report, name', [(part, name) for part in PARTS for name in nested.names(part)], indirect=['report'],
                         ids=[name for part in PARTS for name in nested.names(part)])
def test_inside(report, name):
    outcome, text = report.results.get(name, ('error', 'it did not run:\n' + report.text('output')))
    if outcome == 'skipped':
        pytest.skip(text.strip().split('\n')[0])
    assert outcome == 'passed', f'{text}\n{report.text("journal", 40)}'


@pytest.mark.parametrize('report', PARTS, indirect=True)
def test_sanitizers(report):
    assert report.sanitizers() == ''
