# SPDX-License-Identifier: LGPL-2.1-or-later
"""Save, restore, managed save and core dumps of the test driver, beside Debian's; and what only ours can do."""

import agreement

SAVE = r'''
image = os.path.join(folder, 'image')
def state():
    return [t.state(), t.isActive()]
call('save', t.save, image); call('saved', state)
call('save of inactive', t.save, image)
text = c.saveImageGetXMLDesc(image, 0)
call('name in the image', lambda: '<name>test</name>' in text)
call('flags of the image', c.saveImageGetXMLDesc, image, 2)
call('no image', c.saveImageGetXMLDesc, '/nonexistent', 0)
call('no definition', c.saveImageDefineXML, image, '<a/>', 0)
call('both marks', c.saveImageDefineXML, image, text, 6)
call('new definition', c.saveImageDefineXML, image, text.replace('8388608', '8288608'), 0)
call('restore', c.restore, image); call('restored', state)
call('memory', t.maxMemory)
call('restore twice', c.restore, image)
call('restore of nothing', c.restore, '/nonexistent')
open(image, 'w').write('short'); call('short image', c.restore, image)
call('no folder', t.save, '/nonexistent/image'); call('goes on', state)
call('managed save', t.managedSave); call('is saved', state)
call('has image', t.hasManagedSaveImage)
call('list with', c.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
call('list without', c.listAllDomains, libvirt.VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE)
call('undefine', t.undefine)
call('start', t.create)
call('has none', t.hasManagedSaveImage)
call('managed save again', t.managedSave)
call('remove', t.managedSaveRemove); call('remove once more', t.managedSaveRemove)
call('start afresh', t.create); call('afresh', state)
call('managed save for undefine', t.managedSave)
call('undefine with image', t.undefineFlags, libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
d = c.createXML(xml('transient', 1), 0)
call('transient managed save', d.managedSave)
call('transient save', d.save, image)
call('transient is gone', c.listAllDomains)
call('transient restore', c.restore, image)
d = c.lookupByName('transient')
call('transient restored', lambda: [d.state(), d.isPersistent()])
os.chdir(folder)
call('relative save', d.save, 'relative'); call('is here', os.path.exists, image.replace('image', 'relative'))
call('relative image', lambda: '<name>transient</name>' in c.saveImageGetXMLDesc('./relative', 0))
call('relative definition', c.saveImageDefineXML, 'relative', c.saveImageGetXMLDesc('relative', 0), 0)
call('relative restore', c.restoreFlags, 'relative', None, 0)
d = c.lookupByName('transient')
call('relative dump', d.coreDump, 'dumped', 0); call('dump is here', os.path.exists, image.replace('image', 'dumped'))
core = os.path.join(folder, 'core')
call('dump', d.coreDump, core, 0); call('dumped', d.state)
call('dump there', os.path.exists, core)
call('dump of unknown format', d.coreDumpWithFormat, core, 9, 0)
call('dump without folder', d.coreDump, '/nonexistent/core', 0)
call('dump crash and live', d.coreDump, core, 3)
call('dump crash and reset', d.coreDump, core, 9)
call('dump unknown flag', d.coreDump, core, 1 << 10)
call('dump and crash', d.coreDump, core, 1)
call('crashed is gone', c.listAllDomains)
'''


def test_as_debian(tmp_path):
    # Theirs starts a saved domain as if it booted.
    ours = agreement.check(SAVE, tmp_path, differing=('start',))
    assert ours['start'][1] == [['life', 'test', 2, 2]]


OURS = r'''
image = os.path.join(folder, 'image')
t.suspend(); drain()
t.saveFlags(image, None, 0); drain()
call('restore paused', c.restore, image); call('paused', t.state)
t.saveFlags(image, None, libvirt.VIR_DOMAIN_SAVE_RUNNING); drain()
call('restore running', c.restore, image); call('running', t.state)
t.saveFlags(image, t.XMLDesc().replace('8388608', '8288608'), 0)
call('other memory', lambda: '8288608' in c.saveImageGetXMLDesc(image))
call('other name', c.restoreFlags, image, xml('other', 1), 0)
call('restore for good', c.restoreFlags, image, None, libvirt.VIR_DOMAIN_SAVE_PAUSED)
drain()
call('managed save as running', t.managedSave, libvirt.VIR_DOMAIN_SAVE_RUNNING)
text = t.managedSaveGetXMLDesc(0)
call('managed definition', t.managedSaveDefineXML, text.replace('8288608', '8188608'), 0)
call('managed memory', lambda: '8188608' in t.managedSaveGetXMLDesc(0))
call('start', t.create); call('started', lambda: [t.state(), t.maxMemory()])
call('managed save again', t.managedSave, 0)
call('force boot', t.createWithFlags, libvirt.VIR_DOMAIN_START_FORCE_BOOT)
call('no image', t.managedSaveGetXMLDesc, 0)
call('both', t.saveFlags, image, None, 6)
data = open(image, 'rb').read()
for label, changed in (('partial', b'LibvirtTestdPart' + data[16:]), ('foreign', b'LibvirtQemudSave' + data[16:]),
                       ('huge', data[:20] + b'\xff' * 4 + data[24:]), ('cut', data[:200]), ('newer', data[:16] + b'\x09' + data[17:])):
    open(image, 'wb').write(changed)
    call(label, c.restore, image)
fifo = os.path.join(folder, 'fifo')
os.mkfifo(fifo)
call('fifo', c.restore, fifo)
'''


def test_more_than_debian(tmp_path):
    found = {label: answer for label, *answer in agreement.answers(
        OURS, agreement.support.our_library_environment(), tmp_path / 'ours')}
    assert found['restore paused'] == [0, [['life', 'test', 2, 2], ['life', 'test', 3, 4]]]
    assert found['paused'][0][0] == 3
    assert found['restore running'] == [0, [['life', 'test', 2, 2]]]
    assert found['running'][0] == [1, 3]
    assert found['other memory'][0] and found['managed memory'][0]
    assert found['other name'][0] == 'error 67'
    assert found['started'][0] == [[1, 3], 8188608]
    assert found['force boot'][1] == [['life', 'test', 2, 0]]
    assert found['no image'][0] == 'error 55'
    assert found['both'][0] == 'error 8'
    assert [found[x][0] for x in ('partial', 'foreign', 'huge', 'newer', 'fifo')] == ['error 9'] * 5
    assert found['cut'][0] == 'error 38'
