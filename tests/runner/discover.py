# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds the tests: what meson knows (unit programs, generators, lint) and the pytest files under tests/."""
import dataclasses
import glob
import json
import os
import re
import subprocess

INTEGRATION_SECONDS = 900
PYTHON = '/usr/bin/python3'


@dataclasses.dataclass
class Test:
    """One program to run. @kind says how its results are counted: tap, pytest or exitcode."""
    name: str
    suite: str
    kind: str
    command: list
    env: dict
    cwd: str
    timeout: int
    alone: bool = False
    cgroups: bool = False


def meson_tests(build):
    """Everything that a meson.build registered with test()."""
    out = subprocess.run(['meson', 'introspect', '--tests', build], check=True, capture_output=True, text=True)
    found = []
    for item in json.loads(out.stdout):
        suites = [s.partition(':')[2] or s for s in item['suite']]
        kind = 'tap' if item['protocol'] == 'tap' else 'exitcode'
        found.append(Test(name=item['name'], suite=suites[0] if suites[0] != 'libvirt' else 'unit', kind=kind,
                          command=item['cmd'], env=item['env'], cwd=item['workdir'] or build,
                          timeout=item['timeout'] or 120))
    return found


def pytest_files(source):
    """Python tests that need a built tree: each file is one program. `# runner: alone` keeps others away;
    `# runner: timeout N` sets its time; `# runner: cgroups` leaves it the host's control groups."""
    found = []
    for path in sorted(glob.glob(os.path.join(source, 'tests', '*', 'test_*.py'))):
        with open(path, encoding='utf-8') as f:
            head = f.read(4000)
        limit = re.search(r'^# runner: timeout (\d+)$', head, re.M)
        found.append(Test(
            name=os.path.basename(path)[5:-3], suite=os.path.basename(os.path.dirname(path)), kind='pytest',
            command=[PYTHON, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--tb=short', path],
            env={}, cwd=source, timeout=int(limit.group(1)) if limit else INTEGRATION_SECONDS,
            alone=bool(re.search(r'^# runner: alone$', head, re.M)),
            cgroups=bool(re.search(r'^# runner: cgroups$', head, re.M))))
    return found


def everything(source, build):
    return meson_tests(build) + pytest_files(source)
