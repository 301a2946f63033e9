# SPDX-License-Identifier: LGPL-2.1-or-later
"""The runner must see each kind of thing that a test can leave behind, and count right."""
import os
import runpy
import sys

import pytest

SOURCE = os.environ['LIBVIRT_SOURCE']
sys.path.insert(0, os.path.join(SOURCE, 'tests'))
from runner import discover, results  # noqa: E402  pylint: disable=wrong-import-position

RUN = runpy.run_path(os.path.join(SOURCE, 'tests', 'run'))
as_root = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')


def outcome_of(tmp_path, script, timeout=20, kind='exitcode'):
    """Run a shell script as a test; gives its outcome and the explaining lines."""
    test = discover.Test(name='sample', suite='runner', kind=kind, command=['sh', '-c', script],
                         env={}, cwd='/', timeout=timeout)
    logs = tmp_path / 'logs'
    logs.mkdir(exist_ok=True)
    _, outcome, why = RUN['run_one'](test, os.environ['LIBVIRT_BUILD'], str(logs))
    return outcome, why


def test_clean_program_passes(tmp_path):
    outcome, _ = outcome_of(tmp_path, 'echo x >$TMPDIR/f; rm $TMPDIR/f')
    assert (outcome.passed, outcome.failed) == (1, [])


def test_failure_shows_output(tmp_path):
    outcome, why = outcome_of(tmp_path, 'echo because; exit 3')
    assert outcome.failed == ['exit status 3'] and why == ['because']


def test_left_file(tmp_path):
    outcome, _ = outcome_of(tmp_path, 'mkdir $TMPDIR/d; : >$TMPDIR/d/f; mkdir $TMPDIR/empty')
    assert outcome.failed == ['left behind: file: d/f', 'left behind: file: empty']


def test_left_process(tmp_path):
    outcome, _ = outcome_of(tmp_path, 'setsid sleep 1000 &')
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith('left behind: process') and 'sleep 1000' in outcome.failed[0]


@as_root
def test_left_mount(tmp_path):
    outcome, _ = outcome_of(tmp_path, 'mount -t tmpfs x /mnt')
    assert outcome.failed == ['left behind: mount: /mnt']
    assert '/mnt' not in [line.split()[4] for line in open('/proc/self/mountinfo', encoding='utf-8')]


@as_root
def test_left_interface(tmp_path):
    outcome, _ = outcome_of(tmp_path, 'ip link add lv0 type bridge')
    assert outcome.failed == ['left behind: interface: lv0']


@as_root
def test_left_shared_memory(tmp_path):
    outcome, _ = outcome_of(tmp_path, ': >/dev/shm/lv')
    assert outcome.failed == ['left behind: shared memory: lv']


def test_hanging_program_is_ended(tmp_path):
    outcome, _ = outcome_of(tmp_path, 'sleep 1000', timeout=1)
    assert 'no end within 1 s' in outcome.failed
    assert outcome.seconds < 10


def test_sanitizer_report_of_a_background_process(tmp_path):
    outcome, why = outcome_of(
        tmp_path, r'''p=${ASAN_OPTIONS#*log_path=}; (echo "ERROR: leak" >"${p%%:*}.daemon.7") & wait''')
    assert outcome.failed == ['sanitizer report asan.daemon.7'] and why == ['ERROR: leak']


def test_tap_counts():
    text = '1..4\nok 1 /a/b\nnot ok 2 /a/c\nok 3 /a/d # SKIP no such thing\n# ok 9 comment\nok 4 /a/e\n'
    outcome = results.collect('tap', 1, text, '')
    assert (outcome.passed, outcome.failed, outcome.skipped) == (2, ['/a/c'], [('/a/d', 'no such thing')])


def test_tap_program_that_crashes_after_its_cases():
    outcome = results.collect('tap', -11, 'ok 1 /a\n', '')
    assert outcome.failed == ['exit status -11']


def test_nothing_ran_is_a_failure():
    assert results.collect('tap', 0, '', '').failed == ['no test ran']


def test_unittest_counts():
    outcome = results.collect('exitcode', 1, 'FAIL: test_x (m.C)\nRan 12 tests in 0.1s\n', '')
    assert (outcome.passed, outcome.failed) == (11, ['test_x'])


def test_skip_status():
    outcome = results.collect('exitcode', 77, 'no qemu here\n', '')
    assert outcome.skipped == [('', 'no qemu here')]
