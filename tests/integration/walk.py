# SPDX-License-Identifier: LGPL-2.1-or-later
"""The walk through a command table: what a folder of tests/data says is called, and how the answers may differ from the
reference's. `calls.txt` has a call a line; `differences.txt` has `CALL # WHY`."""
import os
import re

import support


def lines_of(folder, name):
    with open(os.path.join(support.SOURCE, 'tests/data', folder, name), encoding='utf-8') as f:
        return [line.rstrip('\n') for line in f if line.strip() and not line.startswith('#')]


def commands_of(call):
    """The commands of a line, each with its options' words; those in quotes aren't told apart, which does no harm here."""
    return [part.split() for part in call.split(';') if part.split()]


class Walk:
    def __init__(self, folder):
        self.folder = folder
        self.calls = lines_of(folder, 'calls.txt')
        self.known = dict(line.split(' # ', 1) for line in lines_of(folder, 'differences.txt'))
        self.needed = set()
        self.wrong = []

    def names(self):
        """Command -> its syntax."""
        return dict((line.split()[0], line) for line in lines_of(self.folder, 'synopsis.txt') if line[0] not in '[=')

    def uncalled(self):
        called = {words[0] for call in self.calls for words in commands_of(call)}
        return set(self.names()) - called

    def unused_options(self):
        """(command, option) of what no call gives by the option's name."""
        given = {(words[0], word) for call in self.calls for words in commands_of(call) for word in words}
        options = {(name, '--' + option) for name, syntax in self.names().items()
                   for option in re.findall(r'(?:--|<(?!number|string))([\w-]+)', syntax)}
        return options - given

    def check_files(self):
        assert len(self.calls) == len(set(self.calls)), 'a call twice'
        assert not set(self.known) - set(self.calls), 'a difference of no call'
        assert not self.uncalled()

    def compare(self, call, ours, theirs, way=''):
        """Remember the outcome of a call on both sides."""
        if ours == theirs:
            return
        if call in self.known:
            self.needed.add(call)
        else:
            self.wrong.append(f'{way} {call}\n  ours:   {ours}\n  theirs: {theirs}'.lstrip())

    def verdict(self):
        assert not self.wrong, '\n'.join(self.wrong)
        needless = [call for call in self.known if call not in self.needed]
        assert not needless, 'no longer in need of an entry in differences.txt:\n' + '\n'.join(needless)
