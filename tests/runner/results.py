# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what a test program reported."""
import dataclasses
import os
import re
import xml.etree.ElementTree

SKIP_STATUS = 77


@dataclasses.dataclass
class Outcome:
    """Of one program: how many cases passed, the names of the failed, (name, reason) of the skipped."""
    passed: int = 0
    failed: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def of_tap(text):
    outcome = Outcome()
    for line in text.splitlines():
        match = re.match(r'(not )?ok \d+(?: -)? ?(\S*)\s*(?:# *(SKIP|TODO)\b *(.*))?', line)
        if not match:
            continue
        bad, name, directive, reason = match.groups()
        if directive:
            outcome.skipped.append((name, reason or 'no reason given'))
        elif bad:
            outcome.failed.append(name)
        else:
            outcome.passed += 1
    return outcome


def of_junit(path):
    outcome = Outcome()
    if not os.path.exists(path):
        return outcome
    for case in xml.etree.ElementTree.parse(path).getroot().iter('testcase'):
        name = case.get('name')
        skipped = case.find('skipped')
        if case.find('failure') is not None or case.find('error') is not None:
            outcome.failed.append(name)
        elif skipped is not None:
            outcome.skipped.append((name, skipped.get('message') or 'no reason given'))
        else:
            outcome.passed += 1
    return outcome


def of_exit(status, text):
    """A plain program is one case, unless it is Python's unittest, which says how many it ran."""
    outcome = Outcome()
    if status == SKIP_STATUS:
        outcome.skipped.append(('', text.strip().splitlines()[-1] if text.strip() else 'no reason given'))
        return outcome
    many = re.search(r'^Ran (\d+) tests? in', text, re.M)
    bad = re.findall(r'^(?:FAIL|ERROR): (\S+)', text, re.M) if many else []
    outcome.failed += bad
    if status == 0:
        outcome.passed = int(many.group(1)) if many else 1
    elif many:
        outcome.passed = max(0, int(many.group(1)) - len(bad))
    return outcome


def collect(kind, status, text, junit):
    """The outcome of a program that ended with @status. A status that the cases do not explain is a failure."""
    if kind == 'tap':
        outcome = of_tap(text)
    elif kind == 'pytest':
        outcome = of_junit(junit)
    else:
        outcome = of_exit(status, text)
    if status not in (0, SKIP_STATUS) and not outcome.failed:
        outcome.failed.append(f'exit status {status}')
    if status == 0 and not (outcome.passed or outcome.failed or outcome.skipped):
        outcome.failed.append('no test ran')
    return outcome
