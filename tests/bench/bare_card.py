# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kernel and QEMU alone take for a card that comes while a guest runs: a tap device is made and put into a bridge, QEMU is told of
it in as few bytes as it can be (it reads them one by one), and all that can goes on at the same time."""
import array
import contextlib
import fcntl
import json
import os
import socket
import statistics
import struct
import subprocess
import tempfile
import time

TUNSETIFF, TAP = 0x400454ca, 0x5002                      # linux/if_tun.h: IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
SIOCBRADDIF, SIOCSIFFLAGS, IFF_UP = 0x89a2, 0x8914, 1    # linux/sockios.h, linux/if.h
QEMU = ['qemu-system-x86_64', '-M', 'pc', '-accel', 'tcg', '-m', '32', '-nodefaults', '-display', 'none', '-S', '-qmp']


class Guest:
    """A QEMU that doesn't run yet."""
    def __init__(self, folder):
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.join(folder, 'qmp'))
            listening.listen()
            os.set_inheritable(listening.fileno(), True)
            self.process = subprocess.Popen(QEMU + [f'unix:fd={listening.fileno()},server=on,wait=off'], pass_fds=[listening.fileno()])
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(os.path.join(folder, 'qmp'))
        self.answers = self.socket.makefile()
        self.answers.readline()
        self.tell('{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}')
        self.answered()

    def tell(self, text, *descriptors):
        self.socket.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', descriptors))] if descriptors else [])

    def answered(self):
        answer = {}
        while not {'return', 'error'} & answer.keys():
            answer = json.loads(self.answers.readline())
        assert 'return' in answer, answer

    def close(self):
        self.process.kill()
        self.process.wait()
        self.answers.close()
        self.socket.close()


def plug(guest, control, bridge, number):
    name = f'bare{number}'.encode()
    with open('/dev/net/tun', 'r+b', buffering=0) as tap:
        guest.tell('{"execute":"getfd","arguments":{"fdname":"a"}}', tap.fileno())
        fcntl.ioctl(tap, TUNSETIFF, struct.pack('16sH22x', name, TAP))
        guest.answered()
        guest.tell(f'{{"execute":"netdev_add","arguments":{{"type":"tap","fd":"a","id":"hostnet{number}"}}}}'
                   f'{{"execute":"device_add","arguments":{{"driver":"virtio-net-pci","netdev":"hostnet{number}","id":"net{number}",'
                   f'"mac":"52:54:00:00:31:{number:02x}","bus":"pci.0","addr":"0x{number + 3:x}"}}')
        fcntl.ioctl(control, SIOCBRADDIF, struct.pack('16si20x', bridge.encode(), socket.if_nametoindex(name.decode())))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack('16sH22x', name, IFF_UP))
        guest.tell('}')
        guest.answered()
        guest.answered()


def measure(bridge, cards):
    """The median of so many, in seconds; @bridge is there."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Guest(folder)) as guest, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        found = []
        for number in range(cards):
            begin = time.monotonic()
            plug(guest, control, bridge, number)
            found.append(time.monotonic() - begin)
        return statistics.median(found)
