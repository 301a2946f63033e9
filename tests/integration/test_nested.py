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
def report():
    """Of a part: boots the host when it is asked for the first time."""
    reports = {}
    with tempfile.TemporaryDirectory() as work:
        def of(part):
            if part not in reports:
                folder = os.path.join(work, str(len(reports)))
                os.mkdir(folder)
                try:
                    reports[part] = nested.run(folder, support.BUILD, support.build_guest().folder, part)
                except AssertionError as problem:
                    reports[part] = problem
            if isinstance(reports[part], AssertionError):
                raise reports[part]
            return reports[part]
        yield of


@pytest.mark.parametrize('part, name', [(part, name) for part in PARTS for name in nested.names(part)])
def test_inside(report, part, name):
    ran = report(part)
    outcome, text = ran.results.get(name, ('error', 'it did not run:\n' + ran.text('output')))
    if outcome == 'skipped':
        pytest.skip(text.strip().split('\n')[0])
    assert outcome == 'passed', f'{text}\n{ran.text("journal", 40)}'


@pytest.mark.parametrize('part', PARTS)
def test_sanitizers(report, part):
    assert report(part).sanitizers() == ''
