# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same documents to our daemon and to Debian's: what dumpxml tells must be the same.

LIBVIRT_TEST_DOMAINS may name a folder with more documents."""
import glob
import os
import re
import xml.etree.ElementTree

import pytest

import support
import wire

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'domains')
FOLDERS = [HERE] + [f for f in [os.environ.get('LIBVIRT_TEST_DOMAINS')] if f]
DOCUMENTS = sorted(path for folder in FOLDERS for path in glob.glob(os.path.join(folder, '*.xml')))
INACTIVE = 2


def lines(element, path=''):
    """A document as sorted-by-attribute lines: place in the tree, attributes, text. Order of elements counts."""
    here = f'{path}/{element.tag}'
    attributes = ' '.join(f"{k}='{v}'" for k, v in sorted(element.attrib.items()))
    text = (element.text or '').strip()
    yield f'{here} {attributes} {text}'.rstrip()
    for child in element:
        yield from lines(child, here)


def described(text):
    return list(lines(xml.etree.ElementTree.fromstring(text)))


def defined(socket, protocol, document):
    """What becomes of a document: lines of its description, or (error code, message)."""
    with wire.Client(socket, protocol) as connection:
        connection.open()
        try:
            domain = connection.call('DOMAIN_DEFINE_XML_FLAGS', xml=document, flags=0)['dom']
        except wire.RemoteError as error:
            return error.code, error.message
        text = connection.call('DOMAIN_GET_XML_DESC', dom=domain, flags=INACTIVE)['xml']
        connection.call('DOMAIN_UNDEFINE_FLAGS', dom=domain, flags=0)
        return described(text)


def difference(ours, theirs):
    return [f'- {line}' for line in theirs if line not in ours] + [f'+ {line}' for line in ours if line not in theirs]


@pytest.fixture
def both(daemon, reference, protocol):
    """A function that gives what each side makes of a document."""
    return lambda text: (defined(daemon.socket, protocol, text), defined(reference.socket, protocol, text))


def test_definitions(both):
    problems = []
    for path in DOCUMENTS:
        with open(path, encoding='utf-8') as f:
            ours, theirs = both(f.read())
        if ours == theirs:
            continue
        name = os.path.basename(path)
        if isinstance(ours, tuple) or isinstance(theirs, tuple):
            if not (isinstance(ours, tuple) and isinstance(theirs, tuple)):
                problems.append(f'{name}: ours {ours if isinstance(ours, tuple) else "taken"}, '
                                f'theirs {theirs if isinstance(theirs, tuple) else "taken"}')
            continue
        problems += [f'{name}: {line}' for line in difference(ours, theirs) or ['only the order differs']]
    assert not problems, '\n'.join(problems)


def test_a_definition_is_stable(daemon, protocol):
    """What we print we read back to the same."""
    with wire.Client(daemon.socket, protocol) as connection:
        connection.open()
        for path in DOCUMENTS:
            with open(path, encoding='utf-8') as f:
                text = f.read()
            try:
                domain = connection.call('DOMAIN_DEFINE_XML_FLAGS', xml=text, flags=0)['dom']
            except wire.RemoteError as error:
                pytest.fail(f'{os.path.basename(path)}: {error}')
            first = connection.call('DOMAIN_GET_XML_DESC', dom=domain, flags=INACTIVE)['xml']
            domain = connection.call('DOMAIN_DEFINE_XML_FLAGS', xml=first, flags=0)['dom']
            second = connection.call('DOMAIN_GET_XML_DESC', dom=domain, flags=INACTIVE)['xml']
            connection.call('DOMAIN_UNDEFINE_FLAGS', dom=domain, flags=0)
            # Not the order: controllers may be sorted by their index when they are read again.
            assert sorted(described(first)) == sorted(described(second)), os.path.basename(path)


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


def running(socket, protocol, document):
    with wire.Client(socket, protocol) as connection:
        connection.open()
        domain = connection.call('DOMAIN_CREATE_XML', xml_desc=document, flags=1)['dom']
        try:
            text = connection.call('DOMAIN_GET_XML_DESC', dom=domain, flags=0)['xml']
        finally:
            connection.call('DOMAIN_DESTROY', dom=domain)
        return [re.sub(r"path='/[^']*/channel/(target/)?", "path='", line) for line in described(numbered(text))
                if not line.startswith(NOT_COMPARED)]


@pytest.mark.parametrize('name', LIVE)
def test_live(name, daemon, reference, protocol):
    document = support.domain_xml('live', memory=16, devices=LIVE[name]).replace("<serial type='pty'/>", '', 1)
    problems = difference(running(daemon.socket, protocol, document), running(reference.socket, protocol, document))
    assert not problems, '\n'.join(problems)
