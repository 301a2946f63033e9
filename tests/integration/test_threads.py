# SPDX-License-Identifier: LGPL-2.1-or-later
"""Eight threads make random calls on one connection: nothing crashes, hangs, leaks, or is lost. tests/every/stress.c makes them;
under the thread sanitizer tests/tsan/run does. LIBVIRT_TEST_STRESS_SECONDS sets how long (5), SEED repeats the choices."""
import os
import re

import pytest

import support
from runner import tree

SECONDS = int(os.environ.get('LIBVIRT_TEST_STRESS_SECONDS', '5'))


@pytest.mark.parametrize('way', ['in process', 'over the wire'])
def test_random_calls(daemon, way):
    uri = 'test:///default' if way == 'in process' else f'test+unix:///default?socket={daemon.socket}'
    seed = [os.environ['SEED']] if 'SEED' in os.environ else []
    done = support.run([tree.place(support.BUILD, 'stress'), uri, str(SECONDS), *seed], seconds=SECONDS + 120)
    calls, succeeded = map(int, re.search(r'(\d+) calls, (\d+) succeeded', done.stdout).groups())
    assert succeeded > calls // 20, 'hardly any call does what it should'
