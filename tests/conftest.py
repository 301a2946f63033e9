# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every pytest file of the project gets: a temporary folder that really goes, and leak checks."""
import os
import tempfile
import pathlib

import pytest

# Kept open by the interpreter or pytest themselves once they are first used.
HARMLESS = ('/dev/null', '/dev/urandom')


def pytest_configure(config):
    config.addinivalue_line('markers', 'foreign_library: runs a library inside that is not ours, which may keep '
                            'descriptors until the end')


def open_descriptors():
    found = {}
    for name in os.listdir('/proc/self/fd'):
        try:
            target = os.readlink(f'/proc/self/fd/{name}')
        except OSError:
            continue    # the descriptor of listdir() itself
        if target not in HARMLESS:
            found[int(name)] = target
    return found


@pytest.fixture
def tmp_path():
    """As pytest's, with a short name (sockets lie in it) and gone when the test ends."""
    with tempfile.TemporaryDirectory(prefix='t') as folder:
        yield pathlib.Path(folder)


@pytest.fixture(autouse=True)
def no_descriptor_left(request):
    """Fails a test that leaves a descriptor open in this process."""
    before = open_descriptors()
    yield
    if request.node.get_closest_marker('foreign_library'):
        return
    left = {fd: t for fd, t in open_descriptors().items() if before.get(fd) != t}
    assert not left, f'descriptors were left open: {left}'
