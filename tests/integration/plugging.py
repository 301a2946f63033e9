# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of devices that come and go share: a guest, what it sees and what is told of it, and how devices are written."""
import json
import os
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu
import pytest

import support
from support import wait_for, wait_for_mark

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
PLUG_SECONDS = 30

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


class Guest:
    """A booted guest, what its console says, and what the daemon tells of its devices."""

    def __init__(self, connection, domain, log):
        self.domain, self.log, self.events, self.heard = domain, log, [], 0
        for number, word in ((libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, 'added'), (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, 'removed'),
                             (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, 'kept')):
            connection.domainEventRegisterAny(domain, number, lambda c, d, alias, what: self.events.append((what, alias)), word)

    def from_now(self):
        """What its console has said until now doesn't count any more."""
        self.heard = os.path.getsize(self.log)

    def says(self, text):
        wait_for_mark(self.log, text, PLUG_SECONDS, self.heard)

    def told(self, *event):
        wait_for(lambda: event in self.events, PLUG_SECONDS, f'the event {event}')
        self.events.remove(event)

    def devices(self, path, inactive=False):
        tree = ElementTree.fromstring(self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0))
        return tree.findall(f'devices/{path}')

    def qmp(self, command, **arguments):
        text = json.dumps({'execute': command, **({'arguments': arguments} if arguments else {})})
        return json.loads(libvirt_qemu.qemuMonitorCommand(self.domain, text, 0))['return']

    def nodes(self):
        return sorted(node['node-name'] for node in self.qmp('query-named-block-nodes'))


def image(folder, name, *options):
    path = f'{folder}/{name}'
    support.run(['qemu-img', 'create', '-q', *options, path, '8M'])
    return path


def disk(path, target, kind='raw', more='', bus='virtio', device='disk'):
    source = f"<source file='{path}'/>" if path else ''
    return f"<disk type='file' device='{device}'><driver name='qemu' type='{kind}'/>{source}<target dev='{target}' bus='{bus}'/>{more}</disk>"


def caught_code(function, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        function(*args)
    return caught.value.get_error_code()
