# SPDX-License-Identifier: LGPL-2.1-or-later
"""One script by python3-libvirt on test:///default, once on Debian's library and once on ours: what each call answers (error
codes, not texts) and which events it raises must agree, but for what is listed with its reason.

A script calls `call(LABEL, FUNCTION, ARGUMENT...)`, or `where(…)` to have errors shown with their domain; labels are unique. It has the connection `c`, the domain `t`, the folder
`folder` for files, `xml(NAME, NUMBER, INSIDE='')` for definitions and `tree(TEXT)` to compare documents."""
import json
import sys

import pytest

import support

PRELUDE = r'''
import atexit, json, libvirt, os, sys
import xml.etree.ElementTree as ET
folder = sys.argv[1]
libvirt.registerErrorHandler(lambda *a: None, None)
libvirt.virEventRegisterDefaultImpl()
c = libvirt.open(sys.argv[2])
t = c.lookupByName('test') if c.getType() == 'TEST' else None
out, events, fired = [], [], []
timer = libvirt.virEventAddTimeout(-1, lambda *a: fired.append(1), None)

def watch(number, name):
    c.domainEventRegisterAny(None, number, lambda conn, dom, *a: events.append(
        [name, dom.name()] + [x if isinstance(x, (int, str)) else str(x) for x in a[:-1]]), None)

for number, name in ((libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, 'life'), (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, 'added'),
                     (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, 'removed'), (libvirt.VIR_DOMAIN_EVENT_ID_TUNABLE, 'tunable')):
    watch(number, name)

def drain():
    for _ in range(4):      # events are delivered by a timeout of their own
        fired.clear()
        libvirt.virEventUpdateTimeout(timer, 0)
        while not fired:
            libvirt.virEventRunDefaultImpl()
        libvirt.virEventUpdateTimeout(timer, -1)
    found = list(events)
    events.clear()
    return found

def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    for name in ('getName', 'name'):
        if hasattr(value, name):
            return '<%s>' % getattr(value, name)()
    return value

def tree(text, hidden=()):
    """A document; the text of elements called @hidden, as random UUIDs, isn't shown."""
    def flat(e):
        return [e.tag, sorted(e.attrib.items()), e.tag.upper() if e.tag in hidden else (e.text or '').strip(), [flat(x) for x in e]]
    return flat(ET.fromstring(text))

def call(label, fn, *args):
    try:
        value = plain(fn(*args))
    except libvirt.libvirtError as e:
        value = 'error %s' % e.get_error_code()
    out.append([label, value, drain()])

def where(label, fn, *args):
    try:
        value = plain(fn(*args))
    except libvirt.libvirtError as e:
        value = 'error %s of %s' % (e.get_error_code(), e.get_error_domain())
    out.append([label, value, drain()])

def xml(name, number, inside=''):
    return """<domain type='test'><name>%s</name><uuid>3a57d2d6-fb20-404d-b591-97e0f5aead%02d</uuid><memory unit='MiB'>32</memory>
<vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os>%s</domain>""" % (name, number, inside)

atexit.register(lambda: print(json.dumps(out)))
'''


def answers(script, env, folder, uri='test:///default'):
    folder.mkdir()
    done = support.run([support.PYTHON, '-c', PRELUDE + script, str(folder), uri], env=env)
    found = json.loads(done.stdout)
    labels = [label for label, _, _ in found]
    assert len(set(labels)) == len(labels), 'a label is used twice'
    return found


def check(script, folder, differing=(), reference=None):
    """Run @script on both sides. @differing: labels whose answers are known to differ. @reference: a daemon of Debian's that is
    asked in place of its test driver, for what that doesn't have. Gives our answers by label."""
    sys.path.insert(0, '/usr/lib/python3/dist-packages')
    pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
    ours = answers(script, support.our_library_environment(), folder / 'ours')
    theirs = answers(script, support.foreign_environment(), folder / 'theirs', reference.uri if reference else 'test:///default')
    assert [a[0] for a in ours] == [a[0] for a in theirs]
    wrong = [f'{o[0]}: ours {o[1:]}, theirs {t[1:]}' for o, t in zip(ours, theirs) if o != t and o[0] not in differing]
    assert not wrong, '\n'.join(wrong)
    same = [o[0] for o, t in zip(ours, theirs) if o == t and o[0] in differing]
    assert not same, f'these agree now, so they need no exception: {same}'
    return {label: answer for label, *answer in ours}


def check_wire(script, folder, daemon):
    """Run @script on our side, in process and by way of @daemon: the same answers (events come when they come)."""
    near = answers(script, support.our_library_environment(), folder / 'near')
    far = answers(script, support.our_library_environment(), folder / 'far', f'test+unix:///default?socket={daemon.socket}')
    wrong = [f'{n[0]}: near {n[1]}, far {f[1]}' for n, f in zip(near, far) if n[:2] != f[:2]]
    assert len(near) == len(far) and not wrong, '\n'.join(wrong)
