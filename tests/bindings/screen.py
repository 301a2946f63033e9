# SPDX-License-Identifier: LGPL-2.1-or-later
"""A screen and a message bus for programs with windows, which are read and worked as assistive programs do it."""
import contextlib
import os
import re
import subprocess
import time

import gi

gi.require_version('Atspi', '2.0')
from gi.repository import Atspi, GLib  # noqa: E402

WAIT_SECONDS = 40
MOST_CHILDREN = 80
# What is new each time: identities, addresses, amounts.
MOVING = ((r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'UUID'), (r'([0-9a-f]{2}:){5}[0-9a-f]{2}', 'MAC'),
          (r'\b0x[0-9a-f]+', 'ADDRESS'), (r'\d+(\.\d+)? (G|M|K)iB', 'SIZE'), (r'\d+(\.\d+)? ?%', 'PERCENT'),
          (r'\b(library|driver)=\S+', r'\1=VERSION'))
# Roles whose text is more than their name, and pictures, which have none that matters.
TEXTS, PICTURES = ('text', 'label', 'spin button', 'entry'), ('icon', 'image')


def plain(text):
    for pattern, word in MOVING:
        text = re.sub(pattern, word, text)
    return text.replace(os.environ['BINDINGS_FILES'], 'FILES').replace('\n', ' / ')


class Late(Exception):
    """Something did not come."""


def wait(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while True:
        with contextlib.suppress(GLib.Error):       # of a thing on the screen that is just going
            value = condition()
            if value:
                return value
        if time.monotonic() > end:
            raise Late(what)
        time.sleep(0.05)


def showing(thing):
    return thing.get_state_set().contains(Atspi.StateType.SHOWING)


def children(thing):
    return filter(None, (thing.get_child_at_index(i) for i in range(min(thing.get_child_count(), MOST_CHILDREN))))


def lines(thing):
    """What is to be read in a thing and all that it has."""
    if not showing(thing):
        return
    role, text = thing.get_role_name(), thing.get_name() or ''
    with contextlib.suppress(GLib.Error):
        if role in TEXTS:
            text = Atspi.Text.get_text(thing, 0, -1) or text
    if text and role not in PICTURES:
        yield f'{role}: {plain(text)}'
    for child in children(thing):
        yield from lines(child)


def find(thing, role, name):
    """The first thing to be seen in another whose role and name match, None."""
    if not showing(thing):
        return None
    if re.fullmatch(role, thing.get_role_name()) and re.fullmatch(name, thing.get_name() or ''):
        return thing
    return next(filter(None, (find(child, role, name) for child in children(thing))), None)


class Screen:
    """A context: all that was started in it has ended behind it."""

    def __enter__(self):
        # Neither has anything of libvirt in it, nor what is loaded with it.
        plain_environment = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
        self.processes = []
        reader, writer = os.pipe()
        self.start('Xvfb', '-displayfd', str(writer), '-screen', '0', '1024x768x24', '-nolisten', 'tcp', '-noreset',
                   env=plain_environment, pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as number:
            os.environ['DISPLAY'] = plain_environment['DISPLAY'] = ':' + number.readline().strip()
        bus = self.start('dbus-daemon', '--session', '--nofork', '--print-address', env=plain_environment, stdout=subprocess.PIPE,
                         text=True)
        os.environ['DBUS_SESSION_BUS_ADDRESS'] = bus.stdout.readline().strip()
        os.environ.update(XDG_RUNTIME_DIR=os.environ['BINDINGS_FILES'], GSETTINGS_BACKEND='memory')
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(WAIT_SECONDS)

    def start(self, *command, **options):
        options = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL} | options
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        return process

    @staticmethod
    def windows():
        """All that are to be seen, dialogs and all."""
        return [w for application in children(Atspi.get_desktop(0)) for w in children(application) if showing(w)]

    def window(self, title):
        """The window whose title matches, as soon as it is there."""
        return wait(lambda: next((w for w in self.windows() if re.fullmatch(title, w.get_name() or '')), None), f'window {title}')

    @staticmethod
    def steady(thing):
        """What is to be read in it once that stays."""
        last = []

        def same():
            last.insert(0, list(lines(thing)))
            del last[4:]
            return len(last) == 4 and all(one == last[0] for one in last) and last[0]
        return wait(same, 'a steady window')

    @staticmethod
    def press(thing, role, name):
        """Use a button, an item of a menu or the like."""
        found = wait(lambda: find(thing, role, name), f'{role} {name}')
        wait(lambda: found.get_state_set().contains(Atspi.StateType.SENSITIVE), f'{role} {name} being usable')
        found.do_action(0)

    @staticmethod
    def click(thing):
        """With the mouse, for what has no action."""
        place = thing.get_extents(Atspi.CoordType.SCREEN)
        Atspi.generate_mouse_event(place.x + place.width // 2, place.y + place.height // 2, 'b1c')
