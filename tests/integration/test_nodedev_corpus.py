# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents that use every row and every value of the format of node devices: taken, told and refused as by Debian's library, which
reads them in the file of a test node."""
import glob
import json
import os
import re

import agreement
import corpus
import support

STORED = glob.glob(os.path.join(support.SOURCE, 'tests/data/nodedev/*.xml'))
PCI = "<domain>0</domain><bus>2</bus><slot>0</slot><function>0</function><product id='0x1'/><vendor id='0x2'/>"
ADDRESS = "<address domain='0x0000' bus='0x02' slot='0x10' function='0x0'/>"
CCW = '<cssid>0x0</cssid><ssid>0x1</ssid><devno>0x0001</devno>'
DISK = '<block>/dev/sda</block>'


def device(kind, inside, more=''):
    return f"<device><name>d</name>{more}<capability type='{kind}'>{inside}</capability></device>"


def stored():
    for path in STORED:
        with open(path, encoding='utf-8') as f:
            yield os.path.basename(path)[:-4], re.sub('<name>[^<]*</name>', '<name>d</name>', f.read(), count=1)


TAKEN = {
    **dict(stored()),
    **{f'drm {kind}': device('drm', f'<type>{kind}</type>') for kind in ('primary', 'control', 'render')},
    **{f'speed {speed}': device('pci', f"{PCI}<pci-express><link validity='cap' port='0' speed='{speed}' width='4'/><link validity='sta' speed='{speed}' "
                                "width='4'/></pci-express>") for speed in (2.5, 5, 8, 16)},
    **{f'link {state}': device('net', f"<interface>e0</interface><link speed='10' state='{state}'/>") for state in
       ('unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up')},
    **{f'bridge {kind}': device('pci', f"{PCI}<capability type='{kind}'/>") for kind in ('pci-bridge', 'cardbus-bridge')},
    'no vfs': device('pci', f"{PCI}<capability type='virt_functions' maxCount='5'/>"),
    'parent names': device('scsi_host', '<host>3</host>', "<parent wwnn='20000000c9831b4b' wwpn='10000000c9831b4b'>p</parent>"),
    'parent fabric': device('scsi_host', '<host>3</host>', "<parent fabric_wwn='2002000573de9a81'>p</parent>"),
    'blocks': device('storage', DISK + '<size>4096</size><logical_block_size>512</logical_block_size><num_blocks>8</num_blocks>'),
    'removable': device('storage', DISK + "<capability type='removable'><media_available>1</media_available><media_size>4096</media_size><media_label>l"
                        '</media_label><logical_block_size>512</logical_block_size><num_blocks>8</num_blocks></capability>'),
    'empty': device('storage', DISK + "<capability type='removable'><media_available>0</media_available><media_size>0</media_size></capability>"),
    'several': "<device><name>d</name><capability type='pci'>" + PCI + "</capability><capability type='usb_device'><bus>1</bus><device>2</device><product id='0x1'/><vendor id='0x2'/>"
               '</capability></device>',
    'ccw': device('ccw', CCW), 'iommu': device('pci', f"{PCI}<iommuGroup number='3'>{ADDRESS}</iommuGroup>"),
}
NEWER = {
    **{f'speed {speed}': device('pci', f"{PCI}<pci-express><link validity='cap' speed='{speed}' width='4'/></pci-express>") for speed in (32, 64)},
    'css address': device('css', f'{CCW}<channel_dev_addr>{CCW}</channel_dev_addr>'),
    'mdev place': device('mdev', "<type id='t'/><uuid>11111111-1111-4111-8111-111111111120</uuid><parent_addr>0000:00:02.0</parent_addr>"),
}
REFUSED = {
    'type': device('x', ''), 'no capability': '<device><name>d</name></device>', 'pci without bus': device('pci', '<domain>0</domain>'), 'no product': device('pci', PCI.replace("<product id='0x1'/>", '')),
    'domain': device('pci', PCI.replace('<domain>0', '<domain>x')), 'class': device('pci', f'<class>x</class>{PCI}'),
    'product': device('pci', PCI.replace('0x1', 'x')), 'numa': device('pci', f"{PCI}<numa node='x'/>"),
    'subcapability': device('pci', f"{PCI}<capability type='x'/>"), 'validity': device('pci', f"{PCI}<pci-express><link validity='x' width='1'/></pci-express>"),
    'speed': device('pci', f"{PCI}<pci-express><link validity='cap' speed='x' width='1'/></pci-express>"),
    'iommu': device('pci', f'{PCI}<iommuGroup/>'), 'usb': device('usb', '<number>1</number>'), 'usb device': device('usb_device', '<bus>1</bus>'),
    'usb number': device('usb_device', '<bus>1</bus><device>x</device>'), 'net': device('net', ''),
    'net kind': device('net', "<interface>e</interface><capability type='x'/>"), 'link': device('net', "<interface>e</interface><link state='x'/>"),
    'feature': device('net', '<interface>e</interface><feature/>'), 'host': device('scsi_host', '<host>x</host>'),
    'host kind': device('scsi_host', "<host>1</host><capability type='x'/>"), 'vports': device('scsi_host', "<host>1</host><capability type='vport_ops'>"
                                                                                              '<max_vports>x</max_vports></capability>'),
    'target': device('scsi_target', ''), 'scsi': device('scsi', '<host>1</host>'), 'unit': device('scsi', '<host>1</host><bus>0</bus><target>0</target><lun>x</lun>'),
    'no host': device('scsi_host', ''), 'block': device('storage', ''), 'size': device('storage', DISK + '<size>x</size>'), 'storage kind': device('storage', DISK + "<capability type='x'/>"),
    'no medium size': device('storage', DISK + "<capability type='removable'><media_available>1</media_available></capability>"),
    'drm': device('drm', '<type>x</type>'), 'no drm': device('drm', ''), 'mdev': device('mdev', ''), 'mdev uuid': device('mdev', "<type id='t'/><uuid>x</uuid>"),
    'ccw': device('ccw', '<cssid>0x0</cssid>'), 'devno': device('ccw', CCW.replace('0x0001', 'x')), 'cssid': device('ccw', CCW.replace('<cssid>0x0', '<cssid>0xffff')),
    'card': device('ap_card', '<ap-adapter>x</ap-adapter>'), 'no card': device('ap_card', ''), 'queue': device('ap_queue', '<ap-adapter>0x01</ap-adapter>'),
    'queue domain': device('ap_queue', '<ap-adapter>0x01</ap-adapter><ap-domain>0x1000</ap-domain>'),
    'system': device('system', '<hardware><uuid>x</uuid></hardware>'),
    'two': "<device><name>d</name><capability type='x'/></device>", 'root': '<device/>',
}

# Label: why the answers differ.
DIFFERING = {
    **{name: "Debian's tells such devices and can't read them" for name in ('vdpa', 'scsi_generic')},
    **{name: "Debian's tells the parent's name alone" for name in ('parent names', 'parent fabric')},
    **{name: "Debian's doesn't read blocks" for name in ('blocks', 'removable')},
    **{name: "Debian's passes over words that it doesn't know" for name in ('bad subcapability', 'bad validity')},
    'bad vports': "Debian's takes a wrong number for none", 'bad cssid': 'no such subsystem exists',
}

SCRIPT = r'''
def told(text):
    path = os.path.join(folder, 'node.xml')
    with open(path, 'w') as f:
        f.write('<node>' + text + '</node>')
    node = libvirt.open('test://' + path)
    try:
        device = node.nodeDeviceLookupByName('d')
        return tree(device.XMLDesc(0)), device.parent(), device.listCaps()
    finally:
        node.close()
for name, text in json.loads(%r).items():
    call(name, told, text)
'''


def test_agrees(tmp_path):
    documents = {**TAKEN, **{f'bad {name}': text for name, text in REFUSED.items()}}
    answers = agreement.check(SCRIPT % json.dumps(documents), tmp_path, DIFFERING)
    assert len(answers) == len(documents)
    assert [name for name in TAKEN if str(answers[name][0]).startswith('error')] == []


def test_every_row_and_every_value_has_a_document():
    missing = corpus.uncovered('nodedev', {**TAKEN, **NEWER})
    assert not missing, '\n'.join(missing)
