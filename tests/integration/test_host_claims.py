# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `domcapabilities` and `capabilities` claim: as Debian's daemon does, but for what is named here with its reason."""
import xml.etree.ElementTree as ET

import pytest

import support

# Debian's release is older than the document that is written here, which tells more.
LATER = {
    'devices/crypto', 'devices/interface', 'devices/panic', 'devices/console', 'features/async-teardown', 'features/s390-pv',
    'features/ps2', 'features/tdx', 'features/launchSecurity', 'os/firmwareFeatures', 'os/varstore', 'devices/hostdev/iommufd',
}
# What Debian's claims though nobody can start it.
FALSE_CLAIMS = {
    'devices/filesystem/driverType handle',         # gone from QEMU since 4.0
    'features/hyperv/features spinlocks', 'features/hyperv/features vendor_id', 'features/hyperv supported=yes',   # KVM's
}
# What this driver can't do yet.
NOT_YET = {
    'features/backup', 'features/genid', 'devices/filesystem', 'devices/graphics/type dbus', 'devices/graphics/type sdl', 'devices/hostdev',
    'memoryBacking/sourceType file',
}


def claims(text):
    """A document as a set of lines, one for each value and for whether something is supported."""
    found = set()

    def walk(element, path):
        if 'supported' in element.attrib:
            found.add(f'{path} supported={element.get("supported")}')
        for child in element:
            name = child.get('name') or child.tag
            if child.tag == 'value':
                found.add(f'{path} {child.text}')
            elif child.tag != 'cpu':
                walk(child, f'{path}/{name}'.lstrip('/'))
    walk(ET.fromstring(text), '')
    return found


def after(claim, places):
    return any(claim == place or claim.startswith((place + ' ', place + '/')) for place in places)


@pytest.mark.parametrize('machine', ['pc', 'q35'])
def test_what_a_domain_may_have(daemon, reference, machine):
    ours = claims(daemon.virsh('domcapabilities', '--machine', machine))
    theirs = claims(reference.virsh('domcapabilities', '--machine', machine))
    lost = {claim for claim in theirs - ours - FALSE_CLAIMS if not after(claim, NOT_YET)}
    more = {claim for claim in ours - theirs if not after(claim, LATER | NOT_YET)}
    assert not lost and not more, f'not claimed: {sorted(lost)}\nclaimed alone: {sorted(more)}'


def cpus(text):
    """Modes, and models with their vendor and whether they can be used. Debian's release doesn't list versioned models."""
    cpu = ET.fromstring(text).find('cpu')
    modes = {m.get('name'): m.get('supported') for m in cpu.findall('mode')}
    models = {m.text: (m.get('usable'), m.get('vendor'), m.get('deprecated')) for m in cpu.findall("mode[@name='custom']/model")}
    host = cpu.find("mode[@name='host-model']")
    return modes, models, sorted(ET.tostring(e).decode().strip() for e in host)


def test_cpus(daemon, reference):
    ours, theirs = cpus(daemon.virsh('domcapabilities')), cpus(reference.virsh('domcapabilities'))
    assert ours[0] == theirs[0]
    assert {name: ours[1].get(name) for name in theirs[1]} == theirs[1]
    assert ours[2] == theirs[2]
