# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same calls on test:///default by python3-libvirt, once on Debian's library and once on ours: results, states and
error codes must agree, but for what is listed with its reason."""
import json
import sys

import pytest

import support

SCRIPT = r'''
import json, libvirt, sys
libvirt.registerErrorHandler(lambda *a: None, None)
c = libvirt.open('test:///default')
XML = """<domain type='test'><name>d1</name><uuid>3a57d2d6-fb20-404d-b591-97e0f5aead94</uuid>
<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os></domain>"""
out = []
def call(label, fn):
    try:
        out.append([label, fn()])
    except libvirt.libvirtError as e:
        out.append([label, 'error %d' % e.get_error_code()])
def state(label):
    call(label, d.state)
call('uri', c.getURI)
call('type', c.getType)
call('version', c.getVersion)
call('node', c.getInfo)
call('max vcpus', lambda: c.getMaxVcpus('test'))
call('lookup name', lambda: c.lookupByName('x'))
call('lookup id', lambda: c.lookupByID(99))
call('lookup uuid', lambda: c.lookupByUUIDString('3a57d2d6-fb20-404d-b591-97e0f5aead94'))
d = c.defineXML(XML)
state('defined')
call('start', d.create); state('started')
call('suspend', d.suspend); state('suspended')
call('resume', d.resume); state('resumed')
call('info', lambda: d.info()[:4])
call('max memory', d.maxMemory)
call('set memory', lambda: d.setMemory(16384))
call('info', lambda: d.info()[:4])
call('too much memory', lambda: d.setMemory(165384))
call('live vcpus', lambda: d.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_LIVE))
call('too many vcpus', lambda: d.setVcpus(3))
call('max vcpus', lambda: d.setVcpusFlags(3, libvirt.VIR_DOMAIN_AFFECT_CONFIG | libvirt.VIR_DOMAIN_VCPU_MAXIMUM))
call('config vcpus', lambda: d.vcpusFlags(libvirt.VIR_DOMAIN_AFFECT_CONFIG))
call('reboot', d.reboot); state('rebooted')
call('shutdown', d.shutdown); state('shut down')
call('destroy', d.destroy)
call('autostart', d.autostart)
call('set autostart', lambda: d.setAutostart(1))
call('autostart', d.autostart)
call('rename', lambda: d.rename('d2'))
d = c.lookupByName('d2')
call('old name', lambda: c.lookupByName('d1'))
call('set title', lambda: d.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'hello', None, None))
call('title', lambda: d.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None))
call('description', lambda: d.metadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, None))
call('set element', lambda: d.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, '<q><r/></q>', 'z', 'http://a.b/'))
call('element', lambda: d.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, 'http://a.b/'))
call('other element', lambda: d.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, 'http://c.d/'))
call('uuid taken', lambda: c.defineXML(XML))
call('name taken', lambda: c.defineXML(XML.replace('3a57', '3a58').replace('d1', 'd2')))
call('no name', lambda: c.defineXML("<domain type='test'/>"))
call('other root', lambda: c.defineXML("<foo/>"))
call('list', lambda: sorted(x.name() for x in c.listAllDomains()))
call('defined', c.listDefinedDomains)
call('ids', c.listDomainsID)
call('active only', lambda: [x.name() for x in c.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)])
call('autostart only', lambda: [x.name() for x in c.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)])
call('undefine', d.undefine); state('undefined')
call('create', lambda: c.createXML(XML).name())
call('create again', lambda: c.createXML(XML))
d = c.lookupByName('d1')
call('transient', d.isPersistent)
call('config of transient', lambda: d.setMemoryFlags(1000, libvirt.VIR_DOMAIN_AFFECT_CONFIG))
call('destroy', d.destroy)
call('gone', d.info)
t = c.lookupByName('test')
call('wrong disk', lambda: t.blockStats('vdz'))
call('wrong interface', lambda: t.interfaceStats('zz'))
call('control', t.controlInfo)
call('managed save', t.hasManagedSaveImage)
call('xml flags', lambda: t.XMLDesc(1 << 20))
call('destroy flags', lambda: t.destroyFlags(1 << 20))
json.dump(out, sys.stdout)
'''


def answers(env):
    return json.loads(support.run([sys.executable, '-c', SCRIPT], env=env).stdout)


def test_same_answers_as_debian():
    pytest.importorskip('libvirt')
    ours, theirs = answers(support.our_library_environment()), answers(support.foreign_environment())
    assert len(ours) > 60
    assert [a[0] for a in ours] == [a[0] for a in theirs]
    differing = [(o, t) for o, t in zip(ours, theirs) if o != t]
    assert differing == []
