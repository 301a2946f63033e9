# SPDX-License-Identifier: LGPL-2.1-or-later
"""Displays of a real guest that are opened through the library: the same script on Debian's daemon and on ours."""
import pytest

import support

DOCUMENT = support.domain_xml('NAME', memory=64, devices="<video><model type='vga'/></video>DISPLAYS")
SCRIPT = f'DOCUMENT = {DOCUMENT!r}' + r'''
import os, socket
c = libvirt.open(uri)

def document(name, displays):
    return DOCUMENT.replace('NAME', name).replace('DISPLAYS', displays)

def call(label, function):
    try:
        print(label, function())
    except libvirt.libvirtError as e:
        print(label, 'error', e.get_error_code(), 'of', e.get_error_domain())

def greeting(fd):
    with socket.socket(fileno=fd) as s:
        s.settimeout(20)
        return s.recv(12)

def joined(dom, index, flags=0):
    """What comes from a display that is joined to a socket of ours."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        result = dom.openGraphics(index, theirs.fileno(), flags)
        theirs.close()
        return result, greeting(ours.detach())

def spice(dom, index):
    """A SPICE server speaks second."""
    with socket.socket(fileno=dom.openGraphicsFD(index)) as s:
        s.settimeout(20)
        s.send(b'nonsense' * 4)
        return s.recv(4)

def ask(dom, index, what):
    call(f'{dom.name()} {index} descriptor', lambda: what(dom, index))
    call(f'{dom.name()} {index} without password', lambda: greeting(dom.openGraphicsFD(index, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH))
         if what is not spice else 0)
    call(f'{dom.name()} {index} unknown flag', lambda: dom.openGraphicsFD(index, 2))

for name, displays in (
        ('vnc', "<graphics type='vnc' port='-1' autoport='yes'/>"),
        ('secret', "<graphics type='vnc' port='-1' autoport='yes' passwd='x'/>"),
        ('unheard', "<graphics type='vnc'><listen type='none'/></graphics>"),
        ('two', "<graphics type='spice'><listen type='none'/></graphics><graphics type='vnc'><listen type='none'/></graphics>"),
        ('none', '')):
    dom = c.createXML(document(name, displays))
    ask(dom, 0, spice if name == 'two' else lambda d, i: greeting(d.openGraphicsFD(i)))
    ask(dom, 1, lambda d, i: greeting(d.openGraphicsFD(i)))
    call(name + ' joined', lambda: joined(dom, 1 if name == 'two' else 0))
    call(name + ' joined to nothing', lambda: joined(dom, 7))
    call(name + ' unknown flag', lambda: joined(dom, 0, 2))
    for kind, fd in (('file', os.open('/dev/null', os.O_RDWR)), ('pipe', os.pipe()[0]), ('closed', 999), ('no', -1)):
        call(f'{name} {kind} descriptor', lambda: dom.openGraphics(0, fd, 0))
    call(name + ' lives', dom.isActive)
    dom.destroy()
off = c.defineXML(document('off', "<graphics type='vnc'/>"))
call('off', lambda: off.openGraphicsFD(0))
call('off joined', lambda: joined(off, 0))
off.undefine()
'''


@pytest.mark.skipif(not support.have('qemu-system-x86_64'), reason='QEMU is not installed')
@pytest.mark.parametrize('ours', (True, False), ids=('our library', 'their library'))
def test_displays_are_opened_as_the_reference_does_it(daemon, reference, ours):
    theirs = reference.python(SCRIPT)
    assert "vnc 0 descriptor b'RFB 003.008\\n'" in theirs
    assert daemon.python(SCRIPT, ours=ours).splitlines() == theirs.splitlines()
