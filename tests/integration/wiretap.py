# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands between programs and a daemon's socket, passes everything on, and knows what was called and which procedures were answered."""
import contextlib
import socket
import threading

import wire

PIECE = 65536
FDS_MAX = 16


class Frames:
    """What flows one way, message by message: (program, procedure, type, the bytes behind the header)."""

    def __init__(self):
        self.data = bytearray()

    def take(self, piece):
        self.data += piece
        while len(self.data) >= 4:
            size = int.from_bytes(self.data[:4], 'big')
            assert 4 + wire.HEADER.size <= size <= wire.PACKET_MAX, f'no message has {size} bytes'
            if len(self.data) < size:
                return
            program, _, procedure, kind, _, _ = wire.HEADER.unpack_from(self.data, 4)
            begin, end = 4 + wire.HEADER.size, size
            if kind in (wire.CALL_WITH_FDS, wire.REPLY_WITH_FDS):   # a byte for each descriptor follows
                size += int.from_bytes(self.data[begin:begin + 4], 'big')
                if len(self.data) < size:
                    return
            body = bytes(self.data[begin:end])
            del self.data[:size]
            yield program, procedure, kind, body


class WireTap:
    """A listening socket at @path for the daemon at @daemon. As a context: at its end nobody is connected any more."""

    def __init__(self, path, daemon):
        self.daemon, self.asked, self.answered, self.faults = daemon, [], set(), []
        self.threads, self.open = [], True
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)

    def __enter__(self):
        self.acceptor = threading.Thread(target=self.accept)
        self.acceptor.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        for thread in self.threads:
            thread.join()
        assert not self.faults, self.faults

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.threads = [t for t in self.threads if t.is_alive()]
            self.threads.append(threading.Thread(target=self.serve, args=(client,)))
            self.threads[-1].start()

    def serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as daemon:
            daemon.connect(self.daemon)
            back = threading.Thread(target=self.pass_on, args=(daemon, client, True))
            back.start()
            self.pass_on(client, daemon, False)
            back.join()

    def pass_on(self, source, target, answers):
        """One way of a connection, up to its end."""
        frames = Frames()
        try:
            while True:
                piece, fds, _, _ = socket.recv_fds(source, PIECE, FDS_MAX)
                if not piece:
                    break
                try:    # what brings descriptors ends a piece
                    target.sendall(piece[:-1])
                    socket.send_fds(target, [piece[-1:]], fds)
                finally:
                    for fd in fds:
                        socket.close(fd)
                for program, procedure, kind, body in frames.take(piece):
                    if not answers:
                        self.asked.append((program, procedure, body))
                    elif kind in (wire.REPLY, wire.REPLY_WITH_FDS):
                        self.answered.add((program, procedure))
        except AssertionError as fault:
            self.faults.append(str(fault))
        except OSError:
            pass    # the other side has gone
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
