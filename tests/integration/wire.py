# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client that speaks the wire protocol by itself: frames and XDR in Python, driven by the tables under api/.

It shares no code with the library, so it can check it, and it can say what the library never would.
"""
import os
import socket
import struct
import sys

SOURCE = os.environ.get('LIBVIRT_SOURCE') or os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, 'api', 'gen'))
import model as tables  # noqa: E402  pylint: disable=wrong-import-position

CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS, STREAM_HOLE = range(7)
OK, ERROR, CONTINUE = range(3)
HEADER = struct.Struct('>IIiiIi')
# Another driver can be put through the same tests: test:///default needs no QEMU.
URI = os.environ.get('LIBVIRT_TEST_URI', 'qemu:///system')
PACKET_MAX = 33554436
STRING_MAX = 4194304
FORMATS = {'int': '>i', 'uint': '>I', 'hyper': '>q', 'uhyper': '>Q', 'double': '>d',
           'char': '>i', 'uchar': '>I', 'short': '>i', 'ushort': '>I', 'bool': '>I'}
TYPED_VALUES = {1: 'int', 2: 'uint', 3: 'hyper', 4: 'uhyper', 5: 'double', 6: 'int', 7: 'string'}


class WireError(Exception):
    """Bytes that are not what the tables say."""


class RemoteError(Exception):
    """The error that a reply carried."""

    def __init__(self, code, domain, message):
        super().__init__(f'{message} (code {code}, domain {domain})')
        self.code, self.domain, self.message = code, domain, message


class Closed(Exception):
    """The other side closed the connection."""


class Reader:
    """Takes values off a packet, bounded by it."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, length):
        if length > len(self.data) - self.at:
            raise WireError(f'{length} bytes wanted, {len(self.data) - self.at} there')
        part = self.data[self.at:self.at + length]
        self.at += length
        return part

    def number(self, kind):
        layout = struct.Struct(FORMATS[kind])
        return layout.unpack(self.raw(layout.size))[0]

    def counted(self, limit):
        length = self.number('uint')
        if length > limit:
            raise WireError(f'length {length} is above {limit}')
        part = self.raw(length)
        self.raw(-length % 4)
        return part

    def finish(self):
        if self.at != len(self.data):
            raise WireError(f'{len(self.data) - self.at} bytes too many')


def padded(data):
    return struct.pack('>I', len(data)) + data + bytes(-len(data) % 4)


class Protocol:
    """Encoding and decoding by the tables."""

    def __init__(self, source=SOURCE):
        self.model = tables.load(os.path.join(source, 'api'))
        self.calls = {(c.program, c.name): (c, owner) for c, owner in self.model.all_calls()}
        self.events = {(e.program, e.number): e for e in self.model.events}

    def program(self, name):
        block = self.model.programs[name]
        return int(block.get('number'), 0), int(block.get('version'))

    def program_name(self, number):
        return next((n for n in self.model.programs if self.program(n)[0] == number), None)

    # encoding
    def encode(self, fields, values):
        unknown = set(values) - {f.name for f in fields}
        if unknown:
            raise WireError(f'no field {", ".join(sorted(unknown))}')
        return b''.join(self.encode_field(f, values.get(f.name)) for f in fields)

    def encode_field(self, field, value):
        if field.form == 'optional':
            return struct.pack('>I', 0) if value is None else struct.pack('>I', 1) + self.encode_one(field, value)
        if field.type == 'opaque':
            if field.form == 'fixed':
                return bytes(value) + bytes(-len(value) % 4)
            return padded(bytes(value or b''))
        if field.form in ('array', 'fixed'):
            items = b''.join(self.encode_one(field, v) for v in value or [])
            return items if field.form == 'fixed' else struct.pack('>I', len(value or [])) + items
        return self.encode_one(field, value)

    def encode_one(self, field, value):
        kind = field.type
        if kind == 'string':
            return padded(value if isinstance(value, bytes) else (value or '').encode())
        if kind == 'uuid':
            return bytes(value) if value is not None else bytes(16)
        if kind == 'typed_param_value':
            kind, inner = value
            body = padded(inner.encode()) if TYPED_VALUES[kind] == 'string' else \
                struct.pack(FORMATS[TYPED_VALUES[kind]], inner)
            return struct.pack('>i', kind) + body
        if kind in self.model.records:
            return self.encode(self.model.records[kind], value or {})
        return struct.pack(FORMATS.get(kind, '>i'), value or 0)

    # decoding
    def decode(self, fields, reader):
        return {f.name: self.decode_field(f, reader) for f in fields}

    def decode_field(self, field, reader):
        if field.form == 'optional':
            there = reader.number('uint')
            if there > 1:
                raise WireError(f'optional {field.name} has the mark {there}')
            return self.decode_one(field, reader) if there else None
        if field.type == 'opaque':
            if field.form == 'array':
                return reader.counted(field.max)
            value = reader.raw(field.max)
            reader.raw(-field.max % 4)
            return value
        if field.form == 'fixed':
            return [self.decode_one(field, reader) for _ in range(field.max)]
        if field.form == 'array':
            count = reader.number('uint')
            if count > field.max:
                raise WireError(f'{field.name} has {count} items, at most {field.max} are allowed')
            return [self.decode_one(field, reader) for _ in range(count)]
        return self.decode_one(field, reader)

    def decode_one(self, field, reader):
        kind = field.type
        if kind == 'string':
            return reader.counted(STRING_MAX).decode()
        if kind == 'uuid':
            return reader.raw(16)
        if kind == 'typed_param_value':
            kind = reader.number('int')
            if kind not in TYPED_VALUES:
                raise WireError(f'typed parameter of type {kind}')
            name = TYPED_VALUES[kind]
            return kind, reader.counted(STRING_MAX).decode() if name == 'string' else reader.number(name)
        if kind in self.model.records:
            return self.decode(self.model.records[kind], reader)
        return reader.number(kind if kind in FORMATS else 'int')


def decode_error(reader):
    def text():
        return reader.counted(STRING_MAX).decode(errors='replace') if reader.number('uint') else None
    code, domain = reader.number('int'), reader.number('int')
    message = text()
    reader.number('int')
    if reader.number('uint'):
        reader.counted(STRING_MAX), reader.raw(16), reader.number('int')
    text(), text(), text()
    reader.number('int'), reader.number('int')
    if reader.number('uint'):
        reader.counted(STRING_MAX), reader.raw(16)
    reader.finish()
    return RemoteError(code, domain, message)


class Client:
    """One connection. call() answers with the reply's fields; packets of other kinds are kept in `others`. @path may also
    be a connected socket."""

    def __init__(self, path, protocol, seconds=90):
        self.protocol, self.serial, self.others, self.buffer = protocol, 0, [], b''
        if isinstance(path, socket.socket):
            self.socket = path
            self.socket.settimeout(seconds)
            return
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def open(self, uri=URI, read_only=False):
        if self.call('AUTH_LIST')['types'] != [0]:
            raise WireError('the socket wants authentication')
        self.call('CONNECT_OPEN', name=uri, flags=1 if read_only else 0)
        return self

    def packet(self, name, payload=b'', program='remote', kind=CALL, status=OK, serial=None):
        """The bytes of a packet; a call gets the next serial."""
        number, version = self.protocol.program(program)
        procedure = name if isinstance(name, int) else self.protocol.calls[program, name][0].number
        if serial is None:
            self.serial += 1
            serial = self.serial
        body = HEADER.pack(number, version, procedure, kind, serial, status) + payload
        return struct.pack('>I', len(body) + 4) + body

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next packet: (program, procedure, type, serial, status, Reader)."""
        length = struct.unpack('>I', self.exactly(4))[0]
        if not 28 <= length <= PACKET_MAX:
            raise WireError(f'packet length {length}')
        body = self.exactly(length - 4)
        program, _, procedure, kind, serial, status = HEADER.unpack_from(body)
        return program, procedure, kind, serial, status, Reader(body[HEADER.size:])

    def exactly(self, length):
        while len(self.buffer) < length:
            part = self.socket.recv(65536)
            if not part:
                raise Closed()
            self.buffer += part
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def answer(self, serial):
        """Status and Reader of the reply to a call; keeps what comes before it."""
        while True:
            packet = self.receive()
            if packet[2] in (REPLY, REPLY_WITH_FDS) and packet[3] == serial:
                return packet[4], packet[5]
            self.others.append(packet)

    def ask(self, name, program='remote', /, **values):
        """Send a call without waiting for its answer."""
        call, _ = self.protocol.calls[program, name]
        self.send(self.packet(name, self.protocol.encode(call.args, values), program))
        return call

    def call(self, name, program='remote', /, **values):
        call = self.ask(name, program, **values)
        status, reader = self.answer(self.serial)
        if status == ERROR:
            raise decode_error(reader)
        result = self.protocol.decode(call.ret, reader)
        reader.finish()
        return result
