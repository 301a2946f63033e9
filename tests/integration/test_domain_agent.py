# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a running domain tells of itself: disks, memory, addresses, file systems, time. The same script on the reference and on
ours."""
import agreement

INFORMATION = r'''
INSIDE = """<devices>
<disk type='file' device='disk'><source file='/images/one'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><source file='/images/two'/><target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>
<interface type='bridge'><mac address='aa:bb:cc:dd:ee:f1'/><source bridge='br0'/><target dev='tn0'/></interface>
<interface type='network'><mac address='aa:bb:cc:dd:ee:f2'/><source network='default'/></interface>
<memballoon model='virtio'/></devices>"""
d = c.defineXML(xml('p1', 1, INSIDE))
e = c.defineXML(xml('p2', 2, "<devices><disk type='file' device='disk'><source file='/i'/><target dev='sda' bus='scsi'/></disk></devices>"))

def calls(name, x):
    for disk in ('vda', 'vdb', 'hda', '/images/two', 'zz', 'sda'):
        call(name + ' block info ' + disk, x.blockInfo, disk)
        call(name + ' block stats ' + disk, lambda: len(x.blockStats(disk)))
    call(name + ' block info bits', x.blockInfo, 'vda', 1)
    call(name + ' disk errors', x.diskErrors)
    call(name + ' file systems', x.fsInfo)
    call(name + ' freeze', x.fsFreeze)
    call(name + ' freeze again', x.fsFreeze)
    call(name + ' frozen', x.fsInfo)
    call(name + ' thaw one', x.fsThaw, ['/boot'])
    call(name + ' freeze one', x.fsFreeze, ['/boot'])
    call(name + ' freeze both', x.fsFreeze, ['/boot', '/'])
    call(name + ' thaw', x.fsThaw)
    call(name + ' thaw again', x.fsThaw)
    call(name + ' freeze root', x.fsFreeze, ['/'])
    call(name + ' freeze unknown', x.fsFreeze, ['/home'])
    call(name + ' freeze rest', x.fsFreeze)
    call(name + ' thaw unknown', x.fsThaw, ['/home'])
    call(name + ' thaw rest', x.fsThaw)
    call(name + ' freeze bits', x.fsFreeze, None, 1)
    for place in (None, '/', '/boot', '/home'):
        call(name + ' trim %s' % place, x.fSTrim, place, 0)
        call(name + ' trim least %s' % place, x.fSTrim, place, 5)
    call(name + ' trim bits', x.fSTrim, None, 0, 1)
    call(name + ' time', x.getTime)
    call(name + ' time bits', x.getTime, 1)
    call(name + ' set time', x.setTime, {'seconds': 5, 'nseconds': 6})
    call(name + ' set time bits', x.setTime, {'seconds': 5}, 2)
    call(name + ' sync time', x.setTime, None, libvirt.VIR_DOMAIN_TIME_SYNC)
    call(name + ' time after', x.getTime)
    call(name + ' password', x.setUserPassword, 'root', 'x')
    call(name + ' password encrypted', x.setUserPassword, 'root', 'x', 1)
    call(name + ' password bits', x.setUserPassword, 'root', 'x', 2)
    for pid, signal in ((1, 9), (1, 0), (2, 9), (0, 9), (-1, 9), (1, 15), (1, 65), (1, 64), (1, 33)):
        call(name + ' signal %d %d' % (pid, signal), x.sendProcessSignal, pid, signal)
    call(name + ' signal bits', x.sendProcessSignal, 1, 9, 1)
    for source in range(4):
        call(name + ' addresses %d' % source, x.interfaceAddresses, source)
    call(name + ' addresses bits', x.interfaceAddresses, 0, 1)
    call(name + ' memory stats', lambda: {k: v for k, v in x.memoryStats().items() if k != 'last_update'})
    for start, size, flags in ((0, 10, 1), (0, 10, 2), (0, 0, 1), (65, 26, 2), (0, 10, 3), (1000, 5, 1)):
        call(name + ' peek %d %d %d' % (start, size, flags), lambda: list(x.memoryPeek(start, size, flags)))
    for total in (True, False):
        call(name + ' cpu stats %s' % total, x.getCPUStats, total)
    call(name + ' cpu stats bits', x.getCPUStats, True, 4)
    call(name + ' host name', x.hostname)
    call(name + ' host name agent', x.hostname, libvirt.VIR_DOMAIN_GET_HOSTNAME_AGENT)
    call(name + ' statistics', lambda: sorted(c.domainListGetStats([x], libvirt.VIR_DOMAIN_STATS_STATE)[0][1]))
    stream = c.newStream()
    call(name + ' picture', x.screenshot, stream, 0)
    call(name + ' picture begins', lambda: list(stream.recv(8)))
    call(name + ' other picture', x.screenshot, c.newStream(), 3)
    call(name + ' picture bits', x.screenshot, c.newStream(), 0, 1)
    call(name + ' key', x.sendKey, 0, 0, [1], 1)
    call(name + ' nmi', x.injectNMI)
    call(name + ' open graphics', x.openGraphicsFD, 0)
    call(name + ' messages', x.messages)
    call(name + ' stats period', x.setMemoryStatsPeriod, 5)
    call(name + ' sleep', x.pMSuspendForDuration, 0, 0)
    call(name + ' wake', x.pMWakeup)

calls('inactive', d)
d.create()
e.create()
drain()
calls('active', d)
calls('other', e)
NETWORKS = {'plain': "<ip address='10.1.2.1' prefix='16'/>",
            'range': "<ip address='10.3.2.1' netmask='255.255.255.128'><dhcp><range start='10.3.2.40' end='10.3.2.41'/></dhcp></ip>",
            'six': "<ip family='ipv6' address='2001:db8::1' prefix='64'/>",
            'carry': "<ip address='10.7.2.1' netmask='255.255.255.0'><dhcp><range start='10.7.2.253' end='10.7.2.254'/></dhcp></ip>"}
for name in NETWORKS:
    c.networkCreateXML("<network><name>%s</name>%s</network>" % (name, NETWORKS[name]))
for n, name in enumerate([*NETWORKS, 'default', 'nope']):
    nic = "<interface type='network'><mac address='aa:bb:cc:dd:ee:0%d'/><source network='" + name + "'/></interface>"
    x = c.createXML(xml('n%d' % n, 10 + n, '<devices>%s%s</devices>' % (nic % 1, nic % 2)))
    call('addresses in ' + name, x.interfaceAddresses, 0)
    x.destroy()
x = c.createXML(xml('cd', 20, "<devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk></devices>"))
call('file systems of no disk', x.fsInfo)
call('freeze of no disk', x.fsFreeze)
'''

# The reference sends signals to domains that don't run and takes pictures of them; it doesn't know the flag for the source of a
# host name, nor sleep. A balloon that isn't there is an internal error to it.
DIFFERING = ([f'inactive signal {x}' for x in ('1 9', '1 0', '2 9', '0 9', '-1 9', '1 15', '1 64', '1 33')] +
             ['inactive picture', 'inactive picture begins', 'inactive other picture'] +
             [f'{who} {what}' for who in ('inactive', 'active', 'other') for what in ('host name agent', 'sleep', 'wake')])

# What the reference's test driver has not.
OURS = r'''
d = c.defineXML(xml('p1', 1, '''+"'''"+r'''<devices><disk type='file' device='disk'><source file='/images/one'/><target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><mac address='aa:bb:cc:dd:ee:f1'/><source bridge='br0'/><target dev='tn0'/></interface>
<memballoon model='virtio'/></devices>'''+"'''"+r'''))
call('peek of inactive', lambda: len(d.blockPeek('vda', 0, 10)))
call('resize of inactive', d.blockResize, 'vda', 5)
d.create()
drain()
call('peek', lambda: len(d.blockPeek('vda', 0, 10)))
call('peek much', lambda: len(d.memoryPeek(0, 1 << 20, 1)))
call('peek of no disk', lambda: d.blockPeek('vdz', 0, 10))
call('resize', d.blockResize, 'vda', 5)
call('resize to bytes', d.blockResize, 'vda', 5, 1)
call('resize too much', d.blockResize, 'vda', 1 << 60)
call('resize no disk', d.blockResize, 'vdz', 5)
call('threshold', d.setBlockThreshold, 'vda', 5)
call('threshold of no disk', d.setBlockThreshold, 'vdz', 5)
call('keys', d.authorizedSSHKeysGet, 'root')
call('set keys', d.authorizedSSHKeysSet, 'root', ['a', 'b'])
call('add keys', d.authorizedSSHKeysSet, 'root', ['b', 'c'], 1)
call('remove keys', d.authorizedSSHKeysSet, 'root', ['a'], 2)
call('both', d.authorizedSSHKeysSet, 'root', ['a'], 3)
call('keys after', d.authorizedSSHKeysGet, 'root')
call('keys of another', d.authorizedSSHKeysGet, 'nobody')
call('info', d.guestInfo)
call('info of some', d.guestInfo, libvirt.VIR_DOMAIN_GUEST_INFO_HOSTNAME)
call('info of what is not there', d.guestInfo, 1 << 8)
for timeout in (5, 0, -1, -2, -3):
    call('agent timeout %d' % timeout, d.agentSetResponseTimeout, timeout)
call('agent timeout bits', d.agentSetResponseTimeout, 5, 1)
call('sleep for a while', d.pMSuspendForDuration, 0, 5)
call('sleep on disk', d.pMSuspendForDuration, 1, 0)
call('wake who is awake', d.pMWakeup)
call('sleep', d.pMSuspendForDuration, 0, 0)
call('asleep', d.state)
call('wake', d.pMWakeup)
call('awake', d.state)
stream = c.newStream()
d.screenshot(stream, 0)
picture = b''
while True:
    more = stream.recv(4096)
    if not more:
        break
    picture += more
stream.finish()

def decoded():
    import struct, zlib
    at, chunks = 8, {}
    while at < len(picture):
        size, name = struct.unpack('>I4s', picture[at:at + 8])
        content = picture[at + 8:at + 8 + size]
        assert struct.unpack('>I', picture[at + 8 + size:at + 12 + size])[0] == zlib.crc32(name + content)
        chunks[name.decode()] = content
        at += size + 12
    return [list(chunks), struct.unpack('>II', chunks['IHDR'][:8]), len(zlib.decompress(chunks['IDAT']))]
call('picture', decoded)
'''


def test_information(tmp_path):
    agreement.check(INFORMATION, tmp_path, DIFFERING)


def test_information_over_the_wire(tmp_path, daemon):
    agreement.check_wire(INFORMATION, tmp_path, daemon)
    (tmp_path / 'more').mkdir()
    agreement.check_wire(OURS, tmp_path / 'more', daemon)


def test_what_only_we_tell(tmp_path):
    got = {label: value for label, value, _ in agreement.answers(OURS, agreement.support.our_library_environment(),
                                                                 tmp_path / 'ours')}
    assert got.pop('info') == {
        'user.count': 1, 'user.0.name': 'root', 'user.0.login-time': 627319920000, 'os.id': 'test', 'os.name': 'Test',
        'os.pretty-name': 'Test guest 1', 'os.version': '1', 'os.version-id': '1', 'os.kernel-release': '1.0', 'os.machine': 'i686',
        'timezone.name': 'UTC', 'timezone.offset': 0, 'disk.count': 1, 'disk.0.name': '/dev/vda', 'disk.0.partition': False,
        'disk.0.alias': 'vda', 'hostname': 'p1host', 'fs.count': 2, 'fs.0.mountpoint': '/', 'fs.0.name': 'vda1', 'fs.0.fstype': 'ext4',
        'fs.0.disk.count': 1, 'fs.0.disk.0.alias': 'vda', 'fs.1.mountpoint': '/boot', 'fs.1.name': 'vda2',
        'fs.1.fstype': 'ext4', 'fs.1.disk.count': 1, 'fs.1.disk.0.alias': 'vda', 'if.count': 1, 'if.0.name': 'tn0',
        'if.0.hwaddr': 'aa:bb:cc:dd:ee:f1', 'if.0.addr.count': 1, 'if.0.addr.0.type': 'ipv4',
        'if.0.addr.0.addr': '192.168.0.1', 'if.0.addr.0.prefix': 24}
    assert got == {
        'peek of inactive': 10, 'resize of inactive': 'error 55', 'peek': 10, 'peek much': 'error 8', 'peek of no disk': 'error 8',
        'resize': 0, 'resize to bytes': 0, 'resize too much': 'error 82', 'resize no disk': 'error 8', 'threshold': 0,
        'threshold of no disk': 'error 8', 'keys': [], 'set keys': 0, 'add keys': 0, 'remove keys': 0, 'both': 'error 8',
        'keys after': ['b', 'c'], 'keys of another': [], 'info of some': {'hostname': 'p1host'},
        'info of what is not there': 'error 8', 'agent timeout 5': 0, 'agent timeout 0': 0, 'agent timeout -1': 0,
        'agent timeout -2': 0, 'agent timeout -3': 'error 8', 'agent timeout bits': 'error 8', 'sleep for a while': 'error 74', 'sleep on disk': 'error 84',
        'wake who is awake': 'error 55', 'sleep': 0, 'asleep': [7, 0], 'wake': 0, 'awake': [1, 8],
        'picture': [['IHDR', 'IDAT', 'IEND'], [64, 48], 65 * 48]}
