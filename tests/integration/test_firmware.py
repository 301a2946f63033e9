# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests with UEFI firmware that is chosen for them: a real one boots it, keeps its variables, and leaves them with the definition."""
import glob
import os
import shutil
import xml.etree.ElementTree as ET

import pytest

import support
from support import wait_for

pytestmark = pytest.mark.skipif(not glob.glob('/usr/share/qemu/firmware/*x86_64*.json'), reason='no firmware is installed (package ovmf)')


def document(folder, machine='q35', features='', os_=''):
    return f"""<domain type='qemu'><name>uefi</name><memory unit='MiB'>256</memory>
      <os firmware='efi'><type arch='x86_64' machine='{machine}'>hvm</type>{os_}</os><features><acpi/>{features}</features>
      <devices><controller type='usb' model='none'/><serial type='file'><source path='{folder}/serial'/></serial></devices></domain>"""


def defined(daemon, folder, **options):
    path = os.path.join(folder, 'uefi.xml')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(document(folder, **options))
    daemon.virsh('define', path)


def test_chosen_firmware_boots(daemon, tmp_path):
    defined(daemon, tmp_path)
    daemon.virsh('start', 'uefi')
    live = ET.fromstring(daemon.virsh('dumpxml', 'uefi'))
    loader, nvram = live.find('os/loader'), live.find('os/nvram')
    assert loader.attrib == {'readonly': 'yes', 'secure': 'no', 'type': 'pflash'} and os.path.exists(loader.text)
    assert os.path.exists(nvram.get('template')) and os.path.getsize(nvram.text) == os.path.getsize(nvram.get('template'))

    def serial():
        with open(tmp_path / 'serial', 'rb') as f:
            return b'BdsDxe' in f.read()
    wait_for(serial, 90, 'the firmware looking for something to boot')
    daemon.virsh('destroy', 'uefi')
    assert ET.fromstring(daemon.virsh('dumpxml', 'uefi', '--inactive')).find('os/loader') is None
    with pytest.raises(AssertionError, match='cannot undefine domain with nvram'):
        daemon.virsh('undefine', 'uefi')
    daemon.virsh('undefine', 'uefi', '--nvram')
    assert not os.path.exists(nvram.text)


def test_secure_firmware(daemon, tmp_path):
    defined(daemon, tmp_path, features="<smm state='on'/>", os_="<loader secure='yes'/>")
    daemon.virsh('start', 'uefi', '--paused')
    os_ = ET.fromstring(daemon.virsh('dumpxml', 'uefi')).find('os')
    assert os_.find('loader').get('secure') == 'yes' and 'secboot' in os_.find('loader').text or '.ms.' in os_.find('loader').text
    flash = daemon.virsh('qemu-monitor-command', 'uefi', '{"execute":"qom-get","arguments":{"path":"/machine","property":"smm"}}')
    assert '"on"' in flash
    daemon.virsh('destroy', 'uefi')
    # variables are made anew only if that is asked for
    path = os_.find('nvram').text
    with open(path, 'r+b') as f:
        f.write(b'mine')
    daemon.virsh('start', 'uefi', '--paused')
    with open(path, 'rb') as f:
        assert f.read(4) == b'mine'
    daemon.virsh('destroy', 'uefi')
    daemon.virsh('start', 'uefi', '--paused', '--reset-nvram')
    with open(path, 'rb') as f:
        assert f.read(4) != b'mine'
    daemon.virsh('destroy', 'uefi')


def test_variables_on_a_server(daemon, tmp_path):
    """What the firmware writes goes to an export of NBD."""
    [image] = [p for p in ('/usr/share/OVMF/OVMF_VARS_4M.fd', '/usr/share/OVMF/OVMF_VARS.fd') if os.path.exists(p)][:1]
    variables, door = tmp_path / 'variables', f'{tmp_path}/door'
    shutil.copy(image, variables)
    before = variables.read_bytes()
    with support.serving('qemu-nbd', '-t', '-f', 'raw', '-k', door, variables, socket_path=door):
        defined(daemon, tmp_path, os_=f"<nvram type='network'><source protocol='nbd'><host transport='unix' socket='{door}'/></source></nvram>")
        daemon.virsh('start', 'uefi')
        nodes = {node['node-name']: node['drv'] for node in support.ask(daemon, 'uefi', 'query-named-block-nodes')}
        assert nodes['libvirt-pflash1-storage'] == 'nbd' and nodes['libvirt-pflash0-storage'] == 'file'
        wait_for(lambda: variables.read_bytes() != before, 90, 'the firmware writing its variables')
        daemon.virsh('destroy', 'uefi')


def test_variables_nowhere(daemon, tmp_path):
    defined(daemon, tmp_path, os_="<nvram type='block'/>")
    with pytest.raises(AssertionError, match='has a type, but nothing that QEMU could write to'):
        daemon.virsh('start', 'uefi')


def test_nothing_fits(daemon, tmp_path):
    defined(daemon, tmp_path, machine='pc', features="<smm state='on'/>", os_="<loader secure='yes'/>")
    with pytest.raises(AssertionError, match="(?s)Unable to find any firmware to satisfy 'efi'.*it isn't a secure one"):
        daemon.virsh('start', 'uefi')


def test_what_can_be_chosen_is_told(daemon):
    def told(machine):
        os_ = ET.fromstring(daemon.virsh('domcapabilities', '--machine', machine)).find('os')
        values = {enum.get('name'): [value.text for value in enum] for enum in os_.iter('enum')}
        return values, [value.text for value in os_.findall('loader/value')]
    q35, loaders = told('q35')
    assert q35['firmware'] == ['efi'] and q35['secure'] == ['yes', 'no'] and q35['enrolledKeys'] == ['yes', 'no']
    assert loaders and all(os.path.exists(path) for path in loaders)
    assert told('pc')[0]['secure'] == ['no']
