#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3-libvirt: exercise.py URI prints what the library answers, as text without times and addresses."""
import gc
import io
import os
import sys
import weakref

import libvirt

sys.path.append(os.path.join(os.path.dirname(__file__), '../shared'))
import common  # noqa: E402  pylint: disable=wrong-import-position
from common import (DOMAIN, FILES, NETWORK, ONE, POOL, TWO, URI, VOLUME,  # noqa: E402  pylint: disable=wrong-import-position
                    document, names, section, show)


def connections(conn):
    show('type', conn.getType)
    show('driver version', conn.getVersion)
    show('alive', conn.isAlive)
    show('encrypted', conn.isEncrypted)
    show('max vcpus', conn.getMaxVcpus, 'test')
    show('node', conn.getInfo)
    show('free memory', conn.getFreeMemory)
    show('cells', conn.getCellsFreeMemory, 0, 2)
    show('cpu map', conn.getCPUMap)
    show('cpu stats', conn.getCPUStats, -1)
    show('memory stats', conn.getMemoryStats, -1)
    show('memory parameters', conn.getMemoryParameters)
    show('security model', conn.getSecurityModel)
    document('capabilities', conn.getCapabilities)
    show('cpu models', lambda: conn.getCPUModelNames('x86_64')[:3])
    show('keepalive', conn.setKeepAlive, -1, 0)
    again = libvirt.open('bindings')        # an alias of the configuration file, see ../run
    show('alias', lambda: again.getURI() == conn.getURI())
    show('close', again.close)
    reader = libvirt.openReadOnly(URI)
    show('read-only name', reader.lookupByName, 'test')
    show('read-only define', reader.defineXML, DOMAIN.format('x', ONE))
    show('read-only suspend', lambda: reader.lookupByName('test').suspend())
    reader.close()
    show('nonsense', libvirt.open, 'nonsense:///')


def credentials(unused):
    """A node with user and password asks for them."""
    with open('/tmp/auth.xml', 'w', encoding='utf-8') as f:
        f.write("<node><auth><user password='123'>one</user><user>two</user></auth></node>")
    asked = []

    def answer(wanted, answers):
        for credential in wanted:
            asked.append(credential[0])
            credential[4] = answers.get(credential[0], 'x')
        return 0
    kinds = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
    uri = 'test:///tmp/auth.xml'
    for name, answers in (('right', {2: 'one', 5: '123'}), ('wrong', {2: 'one', 5: '124'}), ('free', {2: 'two'}),
                          ('unknown', {2: 'three'})):
        asked.clear()
        show(f'auth {name}', lambda: libvirt.openAuth(uri, [kinds, answer, answers], 0).getURI())
        print(f'auth {name} asked: {asked}')
    show('auth refused', lambda: libvirt.openAuth(uri, [kinds, lambda *_: -1, None], 0).getURI())
    show('auth without callback', lambda: libvirt.open(uri).getURI())


def domains(conn):
    dom = conn.lookupByName('test')
    document('xml', dom.XMLDesc)
    show('by id', conn.lookupByID, 1)
    show('by uuid', conn.lookupByUUIDString, dom.UUIDString())
    show('by raw uuid', conn.lookupByUUID, dom.UUID())
    show('missing name', conn.lookupByName, 'nobody')
    show('missing id', conn.lookupByID, 77)
    show('missing uuid', conn.lookupByUUIDString, ONE)
    show('bad uuid', conn.lookupByUUIDString, 'xyz')
    show('ids', conn.listDomainsID)
    show('count', conn.numOfDomains)
    for name, flags in (('active', 1), ('inactive', 2), ('persistent', 4), ('transient', 8), ('running', 16),
                        ('paused', 32), ('no autostart', 2048), ('no snapshot', 8192)):
        show(f'list {name}', lambda f=flags: names(conn.listAllDomains(f)))
    one = conn.defineXML(DOMAIN.format('one', ONE))
    show('define', lambda: (one.name(), one.UUIDString(), one.ID(), one.isActive(), one.isPersistent()))
    show('define again', conn.defineXML, DOMAIN.format('one', TWO))
    show('define same uuid', conn.defineXML, DOMAIN.format('two', ONE))
    show('define nonsense', conn.defineXML, '<domain>')
    show('define without name', conn.defineXML, "<domain type='test'/>")
    for step in ('create', 'create', 'suspend', 'suspend', 'resume', 'resume', 'reboot', 'state', 'shutdown', 'state', 'destroy',
                 'create', 'reset', 'destroy', 'state'):
        show(step, getattr(one, step))
    show('autostart', lambda: (one.setAutostart(1), one.autostart()))
    show('create paused', one.createWithFlags, libvirt.VIR_DOMAIN_START_PAUSED)
    show('create', one.createWithFlags, 0)
    show('state', one.state)
    show('info', lambda: one.info()[:4])
    show('undefine active', one.undefine)
    show('list transient', lambda: names(conn.listAllDomains(8)))
    show('destroy', one.destroy)
    show('gone', one.state)
    two = show('create transient', conn.createXML, DOMAIN.format('two', TWO), 0)
    show('transient', lambda: (two.isPersistent(), two.ID() > 0, two.OSType()))
    show('undefine transient', two.undefine)
    show('suspend for duration', two.pMSuspendForDuration, 0, 0)
    show('destroy flags', two.destroyFlags, libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
    show('unknown flags', conn.listAllDomains, 1 << 30)
    show('rename', lambda: conn.defineXML(DOMAIN.format('old', TWO)).rename('new'))
    show('undefine flags', lambda: conn.lookupByName('new').undefineFlags(0))


def parameters(conn):
    dom = conn.lookupByName('test')
    show('vcpus', lambda: (dom.maxVcpus(), dom.vcpusFlags(0), dom.vcpusFlags(4)))
    show('set vcpus', dom.setVcpus, 1)
    show('set too many vcpus', dom.setVcpus, 33)
    show('vcpu info', lambda: [(v[0], v[1], v[3]) for v in dom.vcpus()[0]] and dom.vcpus()[1])
    show('pin', dom.pinVcpu, 0, (True,) + (False,) * 7)
    show('pin info', dom.vcpuPinInfo)
    show('emulator pin', dom.emulatorPinInfo)
    show('iothreads', dom.ioThreadInfo)
    show('max memory', dom.maxMemory)
    show('set memory', dom.setMemory, 1048576)
    show('set memory flags', dom.setMemoryFlags, 524288, libvirt.VIR_DOMAIN_AFFECT_LIVE)
    show('memory stats', lambda: sorted(dom.memoryStats()))
    show('scheduler', dom.schedulerType)
    show('scheduler parameters', dom.schedulerParameters)
    show('set scheduler', dom.setSchedulerParameters, {'weight': 60})
    show('set bad scheduler', dom.setSchedulerParameters, {'nonsense': 60})
    for name in ('memoryParameters', 'blkioParameters', 'numaParameters', 'perfEvents'):
        show(name, getattr(dom, name), 0)
    show('set memory parameters', dom.setMemoryParameters, {'hard_limit': 9000000}, 0)
    show('memoryParameters', dom.memoryParameters, 0)
    show('set blkio', dom.setBlkioParameters, {'weight': 500}, 0)
    show('blkioParameters', dom.blkioParameters, 0)
    show('interface parameters', dom.interfaceParameters, 'testnet0', 0)
    show('set interface parameters', dom.setInterfaceParameters, 'testnet0', {'inbound.average': 100}, 0)
    show('interface parameters', dom.interfaceParameters, 'testnet0', 0)
    show('iotune', dom.blockIoTune, 'vda')
    show('set iotune', dom.setBlockIoTune, 'vda', {'read_bytes_sec': 1000})
    show('iotune', dom.blockIoTune, 'vda')
    show('block stats', lambda: len(dom.blockStats('vda')))
    show('block stats of nothing', dom.blockStats, 'vdz')
    show('block info', dom.blockInfo, 'vda')
    show('interface stats', lambda: len(dom.interfaceStats('testnet0')))
    show('interface stats of nothing', dom.interfaceStats, 'net9')
    show('guest vcpus', dom.guestVcpus)
    show('guest info', dom.guestInfo, 0)
    show('fs info', lambda: [(f[0], f[1], f[2], f[3]) for f in dom.fsInfo()])
    show('freeze', dom.fsFreeze)
    show('thaw', dom.fsThaw)
    show('interface addresses', dom.interfaceAddresses, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)
    show('time', lambda: isinstance(dom.getTime()['seconds'], int))
    show('job', lambda: dom.jobInfo()[0])
    show('control', lambda: dom.controlInfo()[:2])
    show('hostname', dom.hostname)
    show('disk errors', dom.diskErrors)
    show('security label', dom.securityLabel)
    show('launch security', dom.launchSecurityInfo)
    show('stats', lambda: [(d.name(), sorted(k for k in s if 'time' not in k)) for d, s in conn.getAllDomainStats()])
    show('stats state', lambda: [(d.name(), s) for d, s in conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)])
    show('stats of list', lambda: [d.name() for d, s in conn.domainListGetStats([dom], libvirt.VIR_DOMAIN_STATS_STATE)])
    show('stats unknown', conn.getAllDomainStats, 1 << 30, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS)


def metadata(conn):
    dom = conn.lookupByName('test')
    kinds = libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, libvirt.VIR_DOMAIN_METADATA_TITLE
    for kind in kinds:
        show('missing', dom.metadata, kind, None)
        show('set', dom.setMetadata, kind, f'text {kind}', None, None)
        show('get', dom.metadata, kind, None)
    element, uri = libvirt.VIR_DOMAIN_METADATA_ELEMENT, 'http://example.org/x'
    show('missing element', dom.metadata, element, uri)
    show('set element', dom.setMetadata, element, "<a b='1'><c/></a>", 'x', uri)
    show('element', dom.metadata, element, uri)
    show('set nonsense', dom.setMetadata, element, "<a", 'x', uri)
    show('title with newline', dom.setMetadata, libvirt.VIR_DOMAIN_METADATA_TITLE, 'a\nb', None, None)
    show('in the document', lambda: [line.strip() for line in dom.XMLDesc().split('\n') if 'example.org' in line])
    show('remove element', dom.setMetadata, element, None, 'x', uri)
    show('removed', dom.metadata, element, uri)


def snapshots(conn):
    dom = conn.lookupByName('test')
    show('current', dom.hasCurrentSnapshot)
    show('no current', dom.snapshotCurrent)
    one = show('create', dom.snapshotCreateXML, '<domainsnapshot><name>one</name></domainsnapshot>', 0)
    two = show('create', dom.snapshotCreateXML, '<domainsnapshot><name>two</name><description>d</description></domainsnapshot>', 0)
    show('create again', dom.snapshotCreateXML, '<domainsnapshot><name>one</name></domainsnapshot>', 0)
    show('names', lambda: sorted(dom.snapshotListNames()))
    show('count', lambda: (dom.snapshotNum(), dom.snapshotNum(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_ROOTS)))
    show('list', lambda: names(dom.listAllSnapshots()))
    show('leaves', lambda: names(dom.listAllSnapshots(libvirt.VIR_DOMAIN_SNAPSHOT_LIST_LEAVES)))
    show('parent', lambda: two.getParent())
    show('no parent', lambda: one.getParent())
    show('children', lambda: (one.numChildren(), one.listChildrenNames(), names(one.listAllChildren())))
    show('current', lambda: (dom.snapshotCurrent().getName(), one.isCurrent(), two.isCurrent(), two.hasMetadata()))
    show('lookup', dom.snapshotLookupByName, 'one')
    show('missing', dom.snapshotLookupByName, 'three')
    document('xml', two.getXMLDesc, 'creationTime')
    show('pause', dom.suspend)
    show('revert', dom.revertToSnapshot, one)
    show('state', dom.state)
    show('current', lambda: dom.snapshotCurrent().getName())
    show('back', lambda: two.getDomain().name() + two.getConnect().getType())
    show('undefine refused', lambda: (dom.destroy(), dom.undefine()))
    show('delete', one.delete, libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN)
    show('names', dom.snapshotListNames)
    show('undefine', dom.undefine)


def images(conn):
    dom = conn.lookupByName('test')
    show('save', dom.save, f'{FILES}/image')
    show('saved state', dom.state)
    show('save stopped', dom.save, f'{FILES}/image2')
    show('image xml', lambda: conn.saveImageGetXMLDesc(f'{FILES}/image').split('\n')[0])
    show('restore', conn.restore, f'{FILES}/image')
    show('restored', dom.state)
    show('restore twice', conn.restore, f'{FILES}/image')
    show('restore nothing', conn.restore, f'{FILES}/nothing')
    show('managed', lambda: (dom.managedSave(), dom.hasManagedSaveImage(), dom.state()))
    show('start', lambda: (dom.create(), dom.hasManagedSaveImage(), dom.state()))
    show('remove none', dom.managedSaveRemove)
    show('dump', lambda: (dom.coreDump(f'{FILES}/core', 0), os.path.getsize(f'{FILES}/core') > 0))


def devices(conn):
    dom = conn.lookupByName('test')
    disk = "<disk type='file' device='disk'><source file='/guest/{}'/><target dev='{}' bus='virtio'/></disk>"
    show('attach', dom.attachDevice, disk.format('two', 'vdb'))
    show('attach again', dom.attachDeviceFlags, disk.format('two', 'vdb'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    show('disks', lambda: dom.XMLDesc().count('<disk'))
    show('detach', dom.detachDevice, disk.format('two', 'vdb'))
    show('detach missing', dom.detachDevice, disk.format('nine', 'vdx'))
    show('detach alias', dom.detachDeviceAlias, 'none', 0)
    show('update', dom.updateDeviceFlags, disk.format('three', 'vda'), 0)


def networks(conn):
    net = conn.networkLookupByName('default')
    document('xml', net.XMLDesc)
    show('lists', lambda: (conn.listNetworks(), conn.numOfNetworks(), conn.listDefinedNetworks(), names(conn.listAllNetworks())))
    show('bridge', net.bridgeName)
    show('missing', conn.networkLookupByName, 'nowhere')
    show('leases', lambda: len(net.DHCPLeases()))
    one = conn.networkDefineXML(NETWORK.format('one', ONE))
    show('defined', lambda: (one.isActive(), one.isPersistent(), one.UUIDString()))
    for step in ('create', 'create', 'autostart', 'destroy', 'destroy', 'create'):
        show(step, getattr(one, step))
    show('autostart', lambda: (one.setAutostart(1), one.autostart()))
    host = "<host mac='52:54:00:00:00:05' name='h' ip='192.168.77.5'/>"
    show('update', one.update, libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, 0, host)
    document('xml', one.XMLDesc)
    show('ports', lambda: one.listAllPorts())
    show('undefine', one.undefine)
    show('transient', one.isPersistent)
    show('destroy', one.destroy)
    two = show('create transient', conn.networkCreateXML, NETWORK.format('two', TWO))
    show('destroy', two.destroy)
    show('nonsense', conn.networkDefineXML, '<network/>')


def interfaces(conn):
    show('list', lambda: names(conn.listAllInterfaces()))
    eth = conn.interfaceLookupByName('eth1')
    show('mac', lambda: (eth.MACString(), conn.interfaceLookupByMACString(eth.MACString()).name(), eth.isActive()))
    document('xml', eth.XMLDesc)
    show('missing', conn.interfaceLookupByName, 'eth9')
    show('begin', conn.changeBegin)
    show('begin twice', conn.changeBegin)
    show('define', conn.interfaceDefineXML, "<interface type='ethernet' name='eth2'><start mode='onboot'/>"
         "<mac address='aa:bb:cc:dd:ee:01'/><mtu size='1500'/></interface>")
    show('destroy', eth.destroy)
    show('stopped', lambda: (conn.listInterfaces(), sorted(conn.listDefinedInterfaces())))
    show('undefine', eth.undefine)
    show('rollback', conn.changeRollback)
    show('rollback twice', conn.changeRollback)
    show('list', lambda: names(conn.listAllInterfaces()))


def pools(conn):
    pool = conn.storagePoolLookupByName('default-pool')
    document('xml', pool.XMLDesc)
    show('info', pool.info)
    show('lists', lambda: (conn.listStoragePools(), conn.listDefinedStoragePools(), names(conn.listAllStoragePools())))
    one = conn.storagePoolDefineXML(POOL.format('one', ONE))
    for step, words in (('isActive', ()), ('build', ()), ('create', ()), ('create', ()), ('refresh', ()), ('isPersistent', ()),
                        ('numOfVolumes', ()), ('setAutostart', (1,)), ('autostart', ()), ('destroy', ()), ('delete', ()), ('undefine', ())):
        show(step, getattr(one, step), *words)
    show('missing', conn.storagePoolLookupByName, 'nothing')
    volume = show('create volume', pool.createXML, VOLUME.format('v1', 1 << 20))
    show('create volume again', pool.createXML, VOLUME.format('v1', 1 << 20))
    show('too big', pool.createXML, VOLUME.format('v2', 1 << 50))
    show('volume', lambda: (volume.name(), volume.key(), volume.path(), volume.info()))
    document('volume xml', volume.XMLDesc, 'time')
    show('by key', conn.storageVolLookupByKey, volume.key())
    show('by path', lambda: conn.storageVolLookupByPath(volume.path()).storagePoolLookupByVolume().name())
    show('missing volume', pool.storageVolLookupByName, 'v9')
    show('missing path', conn.storageVolLookupByPath, '/nowhere')
    show('clone', pool.createXMLFrom, VOLUME.format('v3', 1 << 20), volume)
    show('volumes', lambda: (sorted(pool.listVolumes()), names(pool.listAllVolumes())))
    show('pool info', pool.info)
    show('resize', volume.resize, 2 << 20)
    show('wipe', volume.wipe)
    show('delete', volume.delete)
    show('deleted', volume.info)
    document('discover', lambda: conn.findStoragePoolSources('logical', None))
    show('discover nonsense', conn.findStoragePoolSources, 'nonsense', None)


def nodedevs(conn):
    show('list', lambda: names(conn.listAllDevices()))
    show('scsi hosts', lambda: sorted(conn.listDevices('scsi_host')))
    device = conn.nodeDeviceLookupByName('scsi_host1')
    show('device', lambda: (device.parent(), device.listCaps(), device.numOfCaps()))
    document('xml', device.XMLDesc)
    show('missing', conn.nodeDeviceLookupByName, 'nothing')
    vport = show('create', conn.nodeDeviceCreateXML, "<device><parent>scsi_host1</parent><capability type='scsi_host'>"
                 "<capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability>"
                 "</capability></device>")
    show('parent', lambda: vport.parent())
    show('destroy', lambda: vport.destroy())
    show('reset', device.reset)


def secrets(conn):
    """The reference's test driver has none of these."""
    show('secrets', conn.listSecrets)
    show('filters', conn.listNWFilters)
    show('define secret', conn.secretDefineXML, "<secret ephemeral='no'><usage type='volume'><volume>/x</volume></usage></secret>")
    show('migrate', conn.lookupByName('test').migrateToURI3, 'test:///default', {}, libvirt.VIR_MIGRATE_PEER2PEER)
    show('backup', conn.lookupByName('test').backupBegin, '<domainbackup/>')
    show('block commit', conn.lookupByName('test').blockCommit, 'vda', None, None)


def streams(conn):
    pool = conn.storagePoolLookupByName('default-pool')
    volume = pool.createXML(VOLUME.format('s', 1 << 20))
    data = bytes(i * 7 % 251 for i in range(300000))

    def upload():
        stream = conn.newStream()
        volume.upload(stream, 0, len(data))
        source = io.BytesIO(data)
        stream.sendAll(lambda s, count, f: f.read(count), source)
        stream.finish()
        return len(data)

    def download():
        stream, got = conn.newStream(), io.BytesIO()
        volume.download(stream, 0, len(data))
        stream.recvAll(lambda s, piece, f: f.write(piece), got)
        stream.finish()
        return got.getvalue() == data

    def aborted():
        stream = conn.newStream()
        volume.download(stream, 0, 0)
        stream.recv(100)
        stream.abort()
        return stream.recv(100)

    def broken():
        stream = conn.newStream()
        volume.upload(stream, 0, 0)

        def source(*_):
            raise ValueError('enough')
        try:
            stream.sendAll(source, None)
        except ValueError as e:
            return str(e)
        return None

    def screenshot():
        stream, got = conn.newStream(), io.BytesIO()
        kind = conn.lookupByName('test').screenshot(stream, 0)
        stream.recvAll(lambda s, piece, f: f.write(piece), got)
        stream.finish()
        return kind, got.getvalue()[:4] == b'\x89PNG'
    for function in (upload, download, aborted, broken, screenshot):
        show(function.__name__, function)
    show('unknown flags', lambda: conn.lookupByName('test').screenshot(conn.newStream(6), 0))
    show('unused stream', lambda: conn.newStream().recv(10))
    show('finish unused', lambda: conn.newStream().finish())
    show('upload too far', lambda: volume.upload(conn.newStream(), 1 << 40, 10))
    show('console', lambda: conn.lookupByName('test').openConsole(None, conn.newStream()))


def errors(conn):
    seen = []
    libvirt.registerErrorHandler(lambda context, error: seen.append((context, error[0], error[1], error[3])), 'global')
    show('missing', conn.lookupByName, 'nobody')
    print('handler:', seen)
    libvirt.registerErrorHandler(lambda *_: None, None)
    last = libvirt.virGetLastError()
    print('last:', last and last[:2])
    libvirt.virResetLastError()
    print('last after reset:', libvirt.virGetLastError(), repr(libvirt.virGetLastErrorMessage()))
    print('connection error:', conn.virConnGetLastError() and conn.virConnGetLastError()[0])


def life_of_objects(conn):
    """Objects keep their connection."""
    other = libvirt.open(URI)
    dom = other.lookupByName('test')
    reference = weakref.ref(other)
    show('close with objects', other.close)
    del other
    gc.collect()
    print('connection object kept by domain:', reference() is not None)
    for _ in range(200):
        conn.lookupByName('test').connect().listAllDomains()
        conn.newStream()
    show('after many objects', lambda: conn.lookupByName('test').name())


for part in (connections, credentials, domains, parameters, metadata, snapshots, images, devices, networks, interfaces, pools,
             nodedevs, secrets, streams, errors, life_of_objects):
    libvirt.registerErrorHandler(lambda *_: None, None)
    section(part)
common.record()
