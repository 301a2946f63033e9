# SPDX-License-Identifier: LGPL-2.1-or-later
"""The far ends of devices that QEMU hands on: a USB device that is redirected to a guest, and a smartcard."""
import contextlib
import re
import socket
import struct
import threading


class Peer:
    """Talks to QEMU on a thread of its own until the connection ends. What it saw go wrong is told by close()."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(address)
        self.socket.settimeout(None)
        self.problem = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            with contextlib.suppress(ConnectionError):
                self.talk()
        except Exception as problem:    # told by close(); pylint: disable=broad-exception-caught
            self.problem = problem

    def talk(self):
        raise NotImplementedError

    def read(self, length):
        data = b''
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(30)
        self.socket.close()
        assert not self.thread.is_alive() and self.problem is None, self.problem


class UsbDevice(Peer):
    """A USB device of no class with one interrupt endpoint, offered by the protocol of usbredir."""
    HELLO, CONNECT, INTERFACES, ENDPOINTS = 0, 1, 4, 5
    SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION, CONTROL = 6, 7, 8, 100
    CAPABILITIES = 1 << 4 | 1 << 5 | 1 << 6     # without sizes of packets and more bits for numbers and lengths QEMU takes no device to a bus of USB 3
    FULL_SPEED, NO_ENDPOINT, NONE, INTERRUPT, STALLED = 1, 255, 0, 3, 4
    DESCRIPTORS = {
        1: lambda vendor, product: struct.pack('<BBHBBBBHHHBBBB', 18, 1, 0x0110, 0xff, 0, 0, 64, vendor, product, 0x0100, 0, 0, 0, 1),
        2: lambda *_: struct.pack('<BBHBBBBB', 9, 2, 25, 1, 1, 0, 0x80, 50) + struct.pack('<BBBBBBBBB', 9, 4, 0, 0, 1, 0xff, 0, 0, 0)
        + struct.pack('<BBBBHB', 7, 5, 0x81, 3, 8, 10),
    }

    def __init__(self, port, vendor, product):
        self.vendor, self.product, self.asked = vendor, product, []
        super().__init__(socket.AF_INET, ('127.0.0.1', port))

    def send(self, kind, number, data):
        self.socket.sendall(struct.pack('<IIQ', kind, len(data), number) + data)

    def talk(self):
        """Each side says hello in the older form, with 32 bit for the number."""
        self.socket.sendall(struct.pack('<III64sI', self.HELLO, 68, 0, b'a device of a test', self.CAPABILITIES))
        kind, length, _ = struct.unpack('<III', self.read(12))
        capabilities, = struct.unpack('<I', self.read(length)[64:68])
        assert kind == self.HELLO and capabilities & self.CAPABILITIES == self.CAPABILITIES
        self.connect()
        while True:
            kind, length, number = struct.unpack('<IIQ', self.read(16))
            self.answer(kind, number, self.read(length))

    def answer(self, kind, number, data):
        if kind == self.SET_CONFIGURATION:
            self.send(self.CONFIGURATION, number, struct.pack('<BB', 0, data[0]))
        elif kind == self.GET_CONFIGURATION:
            self.send(self.CONFIGURATION, number, struct.pack('<BB', 0, 1))
        elif kind == self.CONTROL:
            self.control(number, *struct.unpack('<BBBBHHH', data[:10]))

    def connect(self):
        """All about the device. An endpoint has its place by its number, those of input behind those of output."""
        none = [self.NO_ENDPOINT] * 32
        kinds = [self.NONE] + none[1:16] + [self.NONE, self.INTERRUPT] + none[18:]
        self.send(self.INTERFACES, 0, struct.pack('<I', 1) + bytes(32) + b'\xff' + bytes(31) + bytes(64))
        sizes = struct.pack('<32H', *[64] + [0] * 15 + [64, 8] + [0] * 14)
        self.send(self.ENDPOINTS, 0, bytes(kinds) + bytes([0] * 17 + [10] + [0] * 14) + bytes(32) + sizes)
        self.send(self.CONNECT, 0, struct.pack('<BBBBHH', self.FULL_SPEED, 0xff, 0, 0, self.vendor, self.product))

    def control(self, number, endpoint, request, kind, _status, value, index, length):
        self.asked.append((kind, request, value))
        descriptor = self.DESCRIPTORS.get(value >> 8) if (kind, request) == (0x80, 6) else None
        data = descriptor(self.vendor, self.product)[:length] if descriptor else b''
        status = 0 if descriptor or not kind & 0x80 else self.STALLED
        self.send(self.CONTROL, number, struct.pack('<BBBBHHH', endpoint, request, kind, status, value, index, len(data)) + data)


class Smartcard(Peer):
    """A reader with a card, offered by the protocol of virtual smartcards (VSC)."""
    INIT, ERROR, READER_ADD, CARD = 1, 2, 3, 5
    VERSION = 2

    def __init__(self, path, answer):
        self.card = answer
        super().__init__(socket.AF_UNIX, path)

    def send(self, kind, reader, data):
        self.socket.sendall(struct.pack('>III', kind, reader, len(data)) + data)

    def talk(self):
        self.send(self.INIT, 0xffffffff, b'VSCD' + struct.pack('>II', self.VERSION, 0))
        while True:
            kind, reader, length = struct.unpack('>III', self.read(12))
            data = self.read(length)
            if kind == self.INIT:
                self.send(self.READER_ADD, 0xffffffff, b'reader of a test\0')
            elif kind == self.ERROR:
                assert struct.unpack('>I', data[:4])[0] == 0
                self.send(self.CARD, reader, self.card)
                return self.wait()

    def wait(self):
        """The card has nothing to say to commands; whoever sends some waits."""
        while self.socket.recv(4096):
            continue


def port_of(chardev):
    """On which QEMU listens for a character device."""
    return int(re.search(r'tcp:127\.0\.0\.1:(\d+)', chardev['filename']).group(1))
