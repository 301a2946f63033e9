# SPDX-License-Identifier: LGPL-2.1-or-later
"""The report that says of each public function whether tests reach it: in process, and over the wire.

A function is unreachable if no program calls it in either way. In process is nothing of libvirt-admin, which talks to a
daemon; and what has a procedure is reached over the wire if an answer to that was seen, or to the one of instead.toml.
"""
import os
import struct
import tomllib

RECORD = struct.Struct('56sQ')      # TallyRecord of ../every/tally.h


def read_tally(path):
    """The functions that were called, of a file of libtally.so."""
    with open(path, 'rb') as f:
        return {name.rstrip(b'\0').decode() for name, calls in RECORD.iter_unpack(f.read()) if calls}


def read_instead():
    """function -> the procedure that it calls instead of its own, or None."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'instead.toml')
    with open(path, 'rb') as f:
        entries = tomllib.load(f)['function']
    for entry in entries:
        assert {'function', 'reason'} <= set(entry) <= {'function', 'procedure', 'reason'}, entry
        assert len(entry['reason']) > 10, entry
    return {entry['function']: entry.get('procedure') for entry in entries}


class Reached:
    """Collects what programs have called; @model: the tables of api/."""

    def __init__(self, model):
        self.functions = model.functions
        self.numbers = {name: int(block.get('number'), 0) for name, block in model.programs.items()}
        self.procedures = {call.name: call for call, _ in model.all_calls()}
        self.ways = {'in process': {}, 'over the wire': {}}
        self.answered = set()       # (program's number, procedure's number)
        self.instead = read_instead()

    def add(self, way, program, tally):
        for name in read_tally(tally):
            self.ways[way].setdefault(name, []).append(program)

    def was_answered(self, call):
        return (self.numbers[call.program], call.number) in self.answered

    def programs(self, way, function):
        """Names of the programs that reach a function this way."""
        calls = function.calls
        if function.name in self.instead:
            name = self.instead[function.name]
            calls = [self.procedures[name]] if name else []
        if way == 'over the wire' and calls and not any(map(self.was_answered, calls)):
            return []
        return self.ways[way].get(function.name, [])

    def wanted(self, function):
        return [way for way in self.ways if way != 'in process' or function.library != 'libvirt-admin']

    def unreachable(self):
        """'FUNCTION WAY' of all that is missing."""
        return [f'{f.name} {way}' for f in self.functions for way in self.wanted(f) if not self.programs(way, f)]

    def stale(self):
        """Functions of instead.toml that are none, or whose own procedure was answered."""
        known = {f.name: f for f in self.functions}
        return [name for name in self.instead if name not in known or any(map(self.was_answered, known[name].calls))]

    def report(self, drivers):
        """Markdown; @drivers: function -> names of the drivers that have it."""
        missing = self.unreachable()
        lines = ['# What tests reach', '',
                 'Made by `tests/integration/test_every_function.py`: the programs that call each function, with arguments that it takes. '
                 '`-`: only a daemon serves it. Over the wire: the answer to its procedure was seen, if it has one.', '',
                 f'{len(self.functions)} functions. Unreachable: {", ".join(missing) or "none"}.', '',
                 '| function | in process | over the wire | drivers | unreachable |', '|---|---|---|---|---|']
        for f in self.functions:
            cells = [', '.join(self.programs(way, f)) if way in self.wanted(f) else '-' for way in self.ways]
            lacks = ', '.join(way for way in self.wanted(f) if not self.programs(way, f))
            lines.append(f'| {f.name} | {" | ".join(cells)} | {", ".join(drivers.get(f.name, []))} | {lacks} |')
        return '\n'.join(lines) + '\n'
