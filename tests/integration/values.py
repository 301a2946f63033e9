# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values for the fields of the wire protocol: well-formed ones, and mutations of encoded messages."""
import random
import struct

# Procedures that change the machine itself, which no test may do, or end the connection.
UNTOUCHED = {'NODE_SUSPEND_FOR_DURATION', 'NODE_SET_MEMORY_PARAMETERS', 'NODE_ALLOC_PAGES', 'CONNECT_OPEN',
             'CONNECT_CLOSE', 'AUTH_LIST', 'AUTH_POLKIT', 'AUTH_SASL_INIT', 'AUTH_SASL_START', 'AUTH_SASL_STEP'}
BORDERS = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1]
INTEGER_RANGE = {'int': (-2**31, 2**31 - 1), 'uint': (0, 2**32 - 1), 'hyper': (-2**63, 2**63 - 1),
                 'uhyper': (0, 2**64 - 1), 'char': (-128, 127), 'uchar': (0, 255), 'short': (-2**15, 2**15 - 1),
                 'ushort': (0, 65535), 'bool': (0, 1)}
# Some calls write to a file that is named: no word names one outside the folder that the test runs in, but for /dev/null.
WORDS = ['', 'x', 'victim', '/dev/null', '../../nosuch/passwd', '-rf', 'a' * 300, 'ä', '<domain/>', '%s%n', '\x01',
         '<domain type="qemu"><name>n</name></domain>', '8ad3cd47-9bc1-4ccb-a0b1-4e9c4a4c3d2e', 'vda', 'memory']


class Values:
    """Makes values of fields. @known maps record names to values of objects that exist."""

    def __init__(self, protocol, known=None, seed=None):
        self.protocol, self.known = protocol, known or {}
        self.random = random.Random(seed)

    def plain(self, fields):
        """The simplest value of every field; optional ones are there, arrays have one item."""
        return {f.name: self.plain_field(f) for f in fields}

    def plain_field(self, field):
        if field.type == 'opaque':
            return bytes(field.max if field.form == 'fixed' else 1)
        if field.form == 'fixed':
            return [self.plain_one(field.type)] * field.max
        one = self.plain_one(field.type)
        return [one] if field.form == 'array' else one

    def plain_one(self, kind):
        if kind in self.known:
            return self.known[kind]
        if kind in self.protocol.model.records:
            return self.plain(self.protocol.model.records[kind])
        return {'string': 'x', 'uuid': bytes(range(16)), 'typed_param_value': (1, 1), 'double': 0.0}.get(kind, 0)

    def wild(self, fields):
        """Well-formed, but with whatever the types allow."""
        return {f.name: self.wild_field(f) for f in fields}

    def wild_field(self, field):
        if field.form == 'optional' and self.random.random() < 0.4:
            return None
        if field.type == 'opaque':
            length = field.max if field.form == 'fixed' else min(field.max, self.random.choice([0, 1, 5, 100]))
            return self.random.randbytes(length)
        if field.form == 'fixed':
            return [self.wild_one(field.type) for _ in range(field.max)]
        if field.form == 'array':
            return [self.wild_one(field.type) for _ in range(min(field.max, self.random.choice([0, 1, 1, 2, 9])))]
        return self.wild_one(field.type)

    def wild_one(self, kind):
        if kind in self.known and self.random.random() < 0.8:
            return self.known[kind]
        if kind in self.protocol.model.records:
            return self.wild(self.protocol.model.records[kind])
        if kind == 'string':
            return self.random.choice(WORDS)
        if kind == 'uuid':
            return self.random.randbytes(16)
        if kind == 'double':
            return self.random.choice([0.0, -1.0, 1e308, float('nan'), float('inf')])
        if kind == 'typed_param_value':
            return self.random.choice([(1, -1), (2, 1), (3, -2**63), (4, 2**64 - 1), (5, 0.5), (6, 1), (7, 'x')])
        low, high = INTEGER_RANGE.get(kind, (0, 3))
        return self.random.choice([low, high, 0, min(high, 1), self.random.randint(low, high)])

    def mutate(self, data):
        """Encoded bytes with one or a few things wrong."""
        data = bytearray(data)
        for _ in range(self.random.choice([1, 1, 1, 2, 5])):
            getattr(self, self.random.choice(['flip', 'border', 'cut', 'add', 'repeat']))(data)
        return bytes(data)

    def flip(self, data):
        if data:
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)

    def border(self, data):
        """A word, which may be a length, a count, a mark or a number, becomes a border value."""
        if len(data) >= 4:
            at = self.random.randrange(len(data) // 4) * 4
            data[at:at + 4] = struct.pack('>I', self.random.choice(BORDERS))

    def cut(self, data):
        if data:
            del data[self.random.randrange(len(data)):]

    def add(self, data):
        data += self.random.randbytes(self.random.choice([1, 4, 64, 5000]))

    def repeat(self, data):
        if data:
            at = self.random.randrange(len(data))
            data[at:at] = data[at:at + self.random.randrange(1, 64)]
