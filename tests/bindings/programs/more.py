#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3-libvirt: more.py URI calls what exercise.py and events.py don't, so that the binding is called wholly."""
import os
import sys

import libvirt

sys.path.append(os.path.join(os.path.dirname(__file__), '../shared'))
import common  # noqa: E402  pylint: disable=wrong-import-position
from common import DOMAIN, FILES, NETWORK, ONE, POOL, TWO, VOLUME, names, section, show  # noqa: E402  pylint: disable=wrong-import-position

CPU = "<cpu><arch>x86_64</arch><model>qemu64</model><topology sockets='1' cores='1' threads='1'/></cpu>"
DISK = "<disk type='file' device='disk'><source file='/guest/two'/><target dev='vdb' bus='virtio'/></disk>"


def calls(thing, *what):
    """Methods by name, or (name, arguments...)."""
    for one in what:
        name, words = (one, ()) if isinstance(one, str) else (one[0], one[1:])
        show(name, getattr(thing, name), *words)


def of_objects(thing, *more):
    """What each kind of object has."""
    print('pointer:', isinstance(thing.c_pointer(), int), 'connection:', thing.connect().getType())
    calls(thing, *more)


def connections(conn):
    show('library', lambda: libvirt.getVersion() >= 9000000 and conn.getLibVersion() >= 9000000)
    show('initialize', libvirt.virInitialize)
    show('hostname', lambda: len(conn.getHostname()) > 0)
    print('pointer:', isinstance(conn.c_pointer(), int))
    calls(conn, 'getSysinfo', 'isSecure', ('allocPages', {4: 1}), ('getFreePages', [4], 0, 1), ('baselineCPU', [CPU]), ('compareCPU', CPU),
          ('baselineHypervisorCPU', None, None, None, None, [CPU]), ('compareHypervisorCPU', None, None, None, None, CPU),
          ('getDomainCapabilities', None, 'i686', None, 'test'), ('domainXMLFromNative', 'qemu-argv', 'qemu'),
          ('domainXMLToNative', 'qemu-argv', DOMAIN.format('x', ONE)), 'getSEVInfo', ('setIdentity', {'user-name': 'x'}),
          ('setMemoryParameters', {'shm_pages_to_scan': 200}), ('suspendForDuration', 0, 60), 'changeCommit', 'listDefinedDomains',
          'numOfDefinedDomains', 'numOfDefinedInterfaces', 'numOfDefinedNetworks', 'numOfDefinedStoragePools', ('numOfDevices', None),
          'numOfInterfaces', 'numOfStoragePools')
    show('pool capabilities', lambda: conn.getStoragePoolCapabilities().split('\n')[0])


def errors(conn):
    try:
        conn.lookupByName('nobody')
    except libvirt.libvirtError as e:
        print('parts:', e.get_error_message() is not None, e.get_str1() is not None, e.get_str2() is not None, e.get_str3(), e.get_int1(), e.get_int2())
    print('last:', libvirt.virGetLastErrorCode(), libvirt.virGetLastErrorDomain())
    show('reset', conn.virConnResetLastError)


def domains(conn):
    test = conn.lookupByName('test')
    show('create linux', lambda: conn.createLinux(DOMAIN.format('two', TWO), 0).destroy())
    show('with files', lambda: conn.createXMLWithFiles(DOMAIN.format('two', TWO), []).destroy())
    one = show('define', conn.defineXMLFlags, DOMAIN.format('one', ONE), 0)
    calls(one, ('createWithFiles', []), 'isUpdated', ('shutdownFlags', 0), ('setLifecycleAction', 0, 0), ('setMaxMemory', 131072), ('setVcpusFlags', 2, 2))
    of_objects(test, ('getCPUStats', False), 'jobStats', 'abortJob', ('abortJobFlags', 0), ('addIOThread', 1), ('pinIOThread', 1, (True,)),
               ('setIOThreadParams', 1, {'poll_max_ns': 1}), ('delIOThread', 1), ('agentSetResponseTimeout', 5), ('authorizedSSHKeysGet', 'root'),
               ('authorizedSSHKeysSet', 'root', ['x']), ('FDAssociate', 'x', [0]), ('injectNMI',), 'messages', ('openChannel', 'x', conn.newStream()),
               ('openGraphics', 0, 1), ('openGraphicsFD', 0), ('pinEmulator', (True,)), ('pinVcpuFlags', 0, (True,)), 'securityLabelList',
               ('sendKey', 0, 0, [30], 1), ('sendProcessSignal', 1, 1), ('setGuestVcpus', '0', 1), ('setLaunchSecurityState', {'sev-secret': 'x'}),
               ('setMemoryStatsPeriod', 5), ('setTime', {'seconds': 5}), ('setUserPassword', 'root', 'x'), ('setVcpu', '1', 0),
               ('startDirtyRateCalc', 1), ('fSTrim', '/', 0), ('pMWakeup',), ('memoryPeek', 0, 10, 1))


def parameters(conn):
    test = conn.lookupByName('test')
    calls(test, 'schedulerParametersFlags', ('setSchedulerParametersFlags', {'weight': 60}), ('setNumaParameters', {'numa_mode': 1}), ('setPerfEvents', {'cmt': True}),
          ('setBlockThreshold', 'vda', 1))
    show('block stats', lambda: sorted(test.blockStatsFlags('vda')))


def blocks(conn):
    test = conn.lookupByName('test')
    calls(test, ('blockPeek', 'vda', 0, 10), ('blockResize', 'vda', 2048), ('blockPull', 'vda'), ('blockRebase', 'vda', None), ('blockCopy', 'vda', DISK),
          ('blockJobInfo', 'vda'), ('blockJobSetSpeed', 'vda', 1), ('blockJobAbort', 'vda'), ('detachDeviceFlags', DISK, 0),
          ('backupBegin', '<domainbackup/>', None), 'backupGetXMLDesc')


def migration(conn):
    test = conn.lookupByName('test')
    other = libvirt.open(common.URI)
    calls(test, ('migrate', other), ('migrate2', other), ('migrate3', other, {'destination_name': 'x'}), ('migrateToURI', 'test:///default', 0),
          ('migrateToURI2', 'test:///default'), 'migrateGetCompressionCache', ('migrateSetCompressionCache', 1 << 20), 'migrateGetMaxDowntime',
          ('migrateSetMaxDowntime', 5), 'migrateGetMaxSpeed', ('migrateSetMaxSpeed', 5), 'migrateStartPostCopy')
    other.close()


def images(conn):
    test = conn.lookupByName('test')
    xml = test.XMLDesc()
    calls(test, ('saveFlags', f'{FILES}/image'))
    calls(conn, ('saveImageDefineXML', f'{FILES}/image', xml), ('restoreFlags', f'{FILES}/image'))
    calls(test, ('saveParams', {'file': f'{FILES}/image2'}))
    calls(conn, ('restoreParams', {'file': f'{FILES}/image2'}))
    calls(test, 'isActive', 'managedSave')
    show('managed', lambda: test.managedSaveGetXMLDesc().split('\n')[0])
    calls(test, ('managedSaveDefineXML', xml), 'create')
    show('dump', lambda: (test.coreDumpWithFormat(f'{FILES}/core', 0), os.path.getsize(f'{FILES}/core') > 0))


def checkpoints(conn):
    calls(conn.defineXML(DOMAIN.format('one', ONE)), ('checkpointCreateXML', '<domaincheckpoint/>'), 'undefine')
    one = conn.lookupByName('test')
    calls(one, ('checkpointLookupByName', 'none'), 'listAllCheckpoints')
    first = show('create', one.checkpointCreateXML, '<domaincheckpoint><name>first</name></domaincheckpoint>')
    second = show('create', one.checkpointCreateXML, '<domaincheckpoint><name>second</name></domaincheckpoint>')
    of_objects(second, 'getParent', ('domain',), 'getDomain', 'getName')
    show('children', lambda: (names(first.listAllChildren()), first.getConnect().getType()))
    show('xml', lambda: first.getXMLDesc().split('\n')[0])
    calls(second, 'delete')
    calls(first, 'delete')


def snapshots(conn):
    of_objects(conn.lookupByName('test').snapshotCreateXML('<domainsnapshot><name>s</name></domainsnapshot>'), 'delete')


def networks(conn):
    one = show('define', conn.networkDefineXMLFlags, NETWORK.format('one', ONE), 0)
    show('transient', lambda: conn.networkCreateXMLFlags(NETWORK.format('two', TWO).replace('virbr7', 'virbr8').replace('.77.', '.78.'), 0).destroy())
    show('by uuid', lambda: (conn.networkLookupByUUIDString(ONE), conn.networkLookupByUUID(one.UUID())))
    of_objects(one, 'create')
    port = show('port', lambda: one.portCreateXML(
        f"<networkport><uuid>{TWO}</uuid><owner><name>o</name><uuid>{ONE}</uuid></owner><mac address='52:54:00:00:00:07'/></networkport>") and 'made')
    calls(one, ('portLookupByUUIDString', ONE))
    if port:
        port = one.portLookupByUUIDString(TWO)
        of_objects(port, 'UUIDString', 'parameters', ('setParameters', {'inbound.average': 100}))
        show('port', lambda: (one.portLookupByUUID(port.UUID()).UUIDString(), port.network().name(), port.XMLDesc().split('\n')[0]))
        calls(port, 'delete')
    calls(one, 'destroy', 'undefine')


def interfaces(conn):
    of_objects(conn.interfaceLookupByName('eth1'), 'destroy', 'create')


def nodedevs(conn):
    calls(conn, ('nodeDeviceDefineXML', '<device/>'), ('nodeDeviceLookupSCSIHostByWWN', '2000000012341234', '1000000012341234'))
    of_objects(conn.nodeDeviceLookupByName('scsi_host1'), 'isActive', 'isPersistent', 'autostart', ('setAutostart', 1), 'create', 'undefine', 'dettach',
               ('detachFlags', None), 'reAttach')


def filters(conn):
    calls(conn, 'numOfNWFilters', 'listAllNWFilters', 'listAllNWFilterBindings', ('nwfilterLookupByName', 'x'), ('nwfilterLookupByUUIDString', ONE),
          ('nwfilterBindingLookupByPortDev', 'x'), ('nwfilterBindingCreateXML', '<filterbinding/>'), ('nwfilterDefineXMLFlags', '<nonsense/>'))
    one = show('define', conn.nwfilterDefineXML, f"<filter name='one'><uuid>{ONE}</uuid></filter>")
    if one:
        of_objects(one, 'name', 'UUIDString')
        show('by uuid', lambda: (conn.nwfilterLookupByUUID(one.UUID()), one.XMLDesc().split('\n')[0]))
        binding = conn.nwfilterBindingCreateXML(f"<filterbinding><owner><name>o</name><uuid>{TWO}</uuid></owner><portdev name='vnet9'/>"
                                                "<mac address='52:54:00:00:00:09'/><filterref filter='one'/></filterbinding>")
        of_objects(binding, 'portDev', 'filterName')
        show('binding', lambda: (binding.XMLDesc().split('\n')[0], binding.delete()))
        calls(one, 'undefine')


def secrets(conn):
    calls(conn, 'numOfSecrets', 'listAllSecrets', ('secretLookupByUUIDString', ONE), ('secretLookupByUsage', 1, '/x'))
    one = show('define', lambda: conn.secretDefineXML(f"<secret ephemeral='no'><uuid>{ONE}</uuid><usage type='volume'><volume>/x</volume></usage></secret>") and 1)
    if one:
        one = conn.secretLookupByUUIDString(ONE)
        of_objects(one, 'usageID', 'usageType', 'value', ('setValue', b'abc'), 'value')
        show('by uuid', lambda: (conn.secretLookupByUUID(one.UUID()).UUIDString(), one.XMLDesc().split('\n')[0]))
        calls(one, 'undefine')


def pools(conn):
    show('transient', lambda: conn.storagePoolCreateXML(POOL.format('two', TWO), 0).destroy())
    one = show('define', conn.storagePoolDefineXML, POOL.format('one', ONE), 0)
    show('by uuid', lambda: (one.UUIDString(), conn.storagePoolLookupByUUIDString(ONE), conn.storagePoolLookupByUUID(one.UUID())))
    calls(conn, ('storagePoolLookupByTargetPath', '/pool-one'))
    of_objects(one, 'build', 'create')
    volume = one.createXML(VOLUME.format('v', 1 << 20))
    of_objects(volume, 'infoFlags', ('wipePattern', 0))


def streams(conn):
    volume = conn.storagePoolLookupByName('default-pool').createXML(VOLUME.format('s', 1 << 20))

    def upload():
        stream = conn.newStream()
        volume.upload(stream, 0, 10)
        return stream.send(b'0123456789'), stream.finish()

    def all_of_it():
        stream, parts = conn.newStream(), [b'0123456789', b'']
        volume.upload(stream, 0, 10)
        stream.sendAll(lambda *_: parts.pop(0), None)
        stream.finish()

    def sparse_upload():
        stream, parts = conn.newStream(), [b'01234', b'']
        volume.upload(stream, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
        stream.sparseSendAll(lambda *_: parts.pop(0), lambda *_: (True, 5), lambda *_: None, None)
        stream.sendHole(10)
        stream.finish()

    def sparse_download():
        stream, got = conn.newStream(), []
        volume.download(stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
        stream.sparseRecvAll(lambda st, data, _: got.append(len(data)), lambda st, length, _: got.append(-length), None)
        stream.finish()
        return sum(abs(n) for n in got)

    def with_flags():
        stream = conn.newStream()
        volume.download(stream, 0, 10)
        got = stream.recvFlags(10, libvirt.VIR_STREAM_RECV_STOP_AT_HOLE)
        stream.abort()
        return got
    for function in (upload, all_of_it, sparse_upload, sparse_download, with_flags):
        show(function.__name__, function)
    stream = conn.newStream()
    of_objects(stream, 'recvHole', ('eventUpdateCallback', 1))


for part in (connections, errors, domains, parameters, blocks, migration, images, checkpoints, snapshots, networks, interfaces, nodedevs, filters, secrets,
             pools, streams):
    libvirt.registerErrorHandler(lambda *_: None, None)
    section(part)
common.record()
