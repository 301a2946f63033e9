# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every case of the corpus to our daemon and to Debian's: taken or refused alike, and told alike. What is newer than the
reference is read, told and read again without loss. No row of the schema, and no value of an enum, is without a case."""
import pytest

import corpus
import wire

DEATHS = 5          # of the reference, at most
CASES = corpus.load()
COVERAGE = corpus.Coverage(corpus.schema())
NEWER = {case.name for case in CASES if COVERAGE.add(case) > corpus.REFERENCE or case.newer}


@pytest.fixture(name='ours', scope='module')
def fixture_ours(module_daemon, protocol):
    """What our daemon makes of each case, as it would be told in a daemon without a root folder of its own."""
    told = corpus.define_all(module_daemon.socket, protocol, CASES)
    return {name: what if isinstance(what, corpus.Refused) else what.replace(module_daemon.root, '') for name, what in told.items()}


def test_cases_are_taken_or_refused(ours):
    """As the case itself says, so that a corpus without a reference beside it proves something."""
    wrong = [f'{case.name}: {ours[case.name] if not case.refused else "taken"}' for case in CASES
             if isinstance(ours[case.name], corpus.Refused) != case.refused]
    assert not wrong, '\n'.join(wrong)


def test_as_the_reference(ours, reference, protocol):
    asked = [case for case in CASES if case.name not in NEWER]
    def revive():    # it frees the distances of NUMA cells twice, now and then
        reference.forget()
        reference.restart()
    theirs = corpus.define_all(reference.socket, protocol, asked, revive)
    assert len(theirs) >= len(asked) - DEATHS
    died = [case.name for case in asked if case.name not in theirs]
    asked = [case for case in asked if case.name in theirs]
    known = corpus.differences()
    wrong = [f'{case.name}: {line}' for case in asked for line in corpus.compare(case, ours[case.name], theirs[case.name], known)]
    assert not wrong, '\n'.join(wrong)
    corpus.check_all_used(known, died)
    assert len(asked) > 500


def test_what_is_newer_loses_nothing(ours):
    wrong = [f'{case.name}: {lost}' for case in CASES if case.name in NEWER and not case.refused
             for lost in corpus.lost(case, ours[case.name])]
    assert not wrong, '\n'.join(wrong)


def test_a_description_is_stable(ours, module_daemon, protocol):
    """What we print we read back to the same; but for the order, as controllers may be sorted by their index then."""
    wrong = []
    with wire.Client(module_daemon.socket, protocol) as connection:
        connection.open()
        for name, first in ours.items():
            if isinstance(first, corpus.Refused):
                continue
            second = corpus.defined(connection, first)
            if isinstance(second, corpus.Refused):
                wrong.append(f'{name}: {second}')
            else:
                wrong += [f'{name}: {line}' for line in corpus.difference(second, first) if line != corpus.ORDER]
    assert not wrong, '\n'.join(wrong)


def test_every_row_and_every_value_has_a_case():
    rows, values = COVERAGE.missing()
    print(f'{len(CASES)} cases of {len(COVERAGE.rows())} rows')
    assert not rows + values, '\n'.join(rows + values)
