# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host sleeps for a while: a daemon with a root of its own has power states of its own there, so that nothing sleeps here."""
import os

import pytest

from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = pytest.mark.foreign_library
libvirt.registerErrorHandler(lambda *_: None, None)
MEM, DISK, HYBRID = libvirt.VIR_NODE_SUSPEND_TARGET_MEM, libvirt.VIR_NODE_SUSPEND_TARGET_DISK, libvirt.VIR_NODE_SUSPEND_TARGET_HYBRID


class Power:
    """The kernel's files."""

    def __init__(self, root):
        self.files = {'state': f'{root}/sys/power/state', 'disk': f'{root}/sys/power/disk', 'alarm': f'{root}/sys/class/rtc/rtc0/wakealarm'}
        for path in self.files.values():
            os.makedirs(os.path.dirname(path), exist_ok=True)

    def offer(self, **texts):
        for name, text in texts.items():
            with open(self.files[name], 'w', encoding='utf-8') as file:
                file.write(text)

    def read(self, name):
        with open(self.files[name], encoding='utf-8') as file:
            return file.read()


def caught(function, *args):
    with pytest.raises(libvirt.libvirtError) as error:
        function(*args)
    return error.value.get_error_code()


@pytest.mark.parametrize('target, state, disk', [(MEM, 'mem', None), (DISK, 'disk', 'platform'), (HYBRID, 'disk', 'suspend')])
def test_sleeps(daemon, target, state, disk):
    power, connection = Power(daemon.root), libvirt.open(daemon.uri)
    offered = 'shutdown [platform] suspend test_resume\n'
    power.offer(state='freeze mem disk\n', disk=offered, alarm='')
    assert connection.suspendForDuration(target, 75, 0) == 0
    assert power.read('alarm') == '+75'
    wait_for(lambda: power.read('state') == state, 10, 'the host being put to sleep')
    assert power.read('disk') == (disk or offered)
    connection.close()


def test_does_not_sleep(daemon):
    """What the kernel doesn't offer, no clock to wake it, a bad question; two at a time."""
    power, connection = Power(daemon.root), libvirt.open(daemon.uri)
    assert caught(connection.suspendForDuration, MEM, 60, 0) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    power.offer(state='freeze mem\n', disk='[disabled]\n')
    for target in (DISK, HYBRID):
        assert caught(connection.suspendForDuration, target, 60, 0) == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED
    for target, seconds, flags in ((7, 60, 0), (MEM, 59, 0), (MEM, 60, 1)):
        assert caught(connection.suspendForDuration, target, seconds, flags) == libvirt.VIR_ERR_INVALID_ARG
    assert caught(connection.suspendForDuration, MEM, 60, 0) == libvirt.VIR_ERR_SYSTEM_ERROR      # no clock
    power.offer(alarm='')
    assert connection.suspendForDuration(MEM, 60, 0) == 0
    assert caught(connection.suspendForDuration, MEM, 60, 0) == libvirt.VIR_ERR_OPERATION_INVALID
    wait_for(lambda: power.read('state') == 'mem', 10, 'the host being put to sleep')
    connection.close()
