# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same running guests in our daemon and in Debian's: what dumpxml tells must be the same. (Definitions: test_corpus.py.)"""
import re

import pytest

import support
import wire
from corpus import described


LIVE = {
    'terminals': "<serial type='pty'/><serial type='pty'/><console type='pty'/><console type='pty'><target type='virtio'/></console>"
                 "<channel type='unix'><target type='virtio' name='a.b'/></channel><parallel type='pty'/>",
    'virtio-console': "<console type='pty'><target type='virtio'/></console>",
    'display': "<graphics type='vnc' autoport='yes'/><video><model type='vga'/></video>",
    'cards': "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
             "<controller type='scsi' model='virtio-scsi'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
}
# Not compared: where our daemon keeps the sockets of channels, what the CPU became (the reference notes down each feature), and labels of security drivers.
NOT_COMPARED = ('/domain/cpu', '/domain/seclabel')


def numbered(text):
    """Terminals by the order in which they come: their numbers depend on what else has one."""
    names = {}
    return re.sub(r'/dev/pts/[0-9]+', lambda found: names.setdefault(found.group(), f'terminal {len(names)}'), text)


def running(socket, protocol, document, leave_out=NOT_COMPARED):
    with wire.Client(socket, protocol) as connection:
        connection.open()
        domain = connection.call('DOMAIN_CREATE_XML', xml_desc=document, flags=1)['dom']
        try:
            text = connection.call('DOMAIN_GET_XML_DESC', dom=domain, flags=0)['xml']
        finally:
            connection.call('DOMAIN_DESTROY', dom=domain)
        return [re.sub(r"path='/[^']*/channel/(target/)?", "path='", line) for line in described(numbered(text))
                if not line.startswith(leave_out)]


@pytest.mark.parametrize('name', LIVE)
def test_live(name, daemon, reference, protocol):
    document = support.domain_xml('live', memory=16, devices=LIVE[name]).replace("<serial type='pty'/>", '', 1)
    ours, theirs = (running(side.socket, protocol, document) for side in (daemon, reference))
    problems = [f'- {line}' for line in theirs if line not in ours] + [f'+ {line}' for line in ours if line not in theirs]
    assert not problems, '\n'.join(problems)


@pytest.mark.parametrize('cpu', ["<cpu mode='host-model'><feature policy='disable' name='vmx'/></cpu>", "<cpu match='minimum'><model>qemu64</model></cpu>"])
def test_host_model(daemon, reference, protocol, cpu):
    """A running guest's CPU is written out, with all that the host gives: it must be the same wherever the guest goes on."""
    document = support.domain_xml('live', memory=16).replace('<devices>', cpu + '<devices>', 1)
    ours, theirs = ([line for line in running(side.socket, protocol, document, '/domain/seclabel') if line.startswith('/domain/cpu')]
                    for side in (daemon, reference))
    assert ours == theirs and len(ours) > 10
