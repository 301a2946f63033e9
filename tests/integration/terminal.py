# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program on a terminal of its own, as a person uses it."""
import os
import pty
import re
import select
import signal
import termios
import time

from support import wait_for

CONTROL = re.compile(r'\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|c)')
SECONDS = 20


class Terminal:
    """Types into a program and waits for what it shows. To be used in a `with` statement, which ends the program."""

    def __init__(self, command, env):
        self.text, self.status = '', None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, dict(env, TERM='dumb'))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_raw(self):
        """Wait until the program reads single keys: what is typed before may be thrown away."""
        wait_for(lambda: not termios.tcgetattr(self.fd)[3] & termios.ICANON, SECONDS, 'the program reading single keys')

    def read(self, seconds):
        """Whether more came; False at the program's end. AssertionError if nothing comes in time."""
        if not select.select([self.fd], [], [], max(0, seconds))[0]:
            raise AssertionError(f'nothing more is shown after {self.text!r}')
        try:
            data = os.read(self.fd, 4096)
        except OSError:     # Linux: EIO when the program has closed its side
            data = b''
        self.text = CONTROL.sub('', self.text + data.decode(errors='replace').replace('\r', ''))
        return bool(data)

    def expect(self, pattern, seconds=SECONDS):
        """Wait for a pattern; what is shown up to its end is returned and forgotten."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            if not self.read(end - time.monotonic()):
                raise AssertionError(f'the program ended without {pattern!r}: {self.text!r}')
        seen, self.text = self.text[:found.end()], self.text[found.end():]
        return seen

    def end(self, seconds=SECONDS):
        """Wait for the program's end; its exit status."""
        end = time.monotonic() + seconds
        while self.read(end - time.monotonic()):
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status
