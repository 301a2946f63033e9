# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test node tells of itself, beside Debian's."""
import agreement

HOST = r'''
import ctypes

path = os.path.join(folder, 'node.xml')
def node(text):
    open(path, 'w').write('<node>%s</node>' % text)
    return libvirt.open('test://' + path)

def about(conn):
    return conn.getInfo(), conn.getCPUMap(0), conn.getFreeMemory(), conn.getMaxVcpus(None), tree(conn.getCapabilities())

# The language binding reads no counts when the number of them is 0, as here.
lib = ctypes.CDLL('libvirt.so.0')
lib.virConnectOpen.restype = ctypes.c_void_p
plain_connection = ctypes.c_void_p(lib.virConnectOpen(b'test:///default'))
def free_pages(sizes, start, cells, flags=0):
    pages = (ctypes.c_uint * len(sizes))(*sizes)
    counts = (ctypes.c_ulonglong * (len(sizes) * max(cells, 1)))()
    return lib.virNodeGetFreePages(plain_connection, len(sizes), pages, start, cells, counts, flags), list(counts)

call('default', about, c)
call('stand', lambda: (c.isSecure(), c.isAlive(), c.isEncrypted(), c.getVersion(), c.getType(), c.getURI()))
call('sysinfo', lambda: tree(c.getSysinfo(0)))
call('sysinfo flags', c.getSysinfo, 1)
call('map flags', c.getCPUMap, 1)
for cpu in (-2, -1, 0, 1, 15, 16, 100):
    call('cpu %d' % cpu, c.getCPUStats, cpu, 0)
call('cpu flags', c.getCPUStats, -1, 1)
for arch in ('x86_64', 'i686', 'ppc64', 'ppc64le', 'ppc', 'aarch64', 's390x', 'armv7l', 'riscv64', 'mips', 'zzz', '', 'x86', 'i686 x86_64'):
    call('models ' + arch, c.getCPUModelNames, arch, 0)
call('models flags', c.getCPUModelNames, 'x86_64', 1)
for start, count in ((0, 1), (0, 2), (1, 1), (1, 5), (2, 1), (0, 0), (-1, 1), (0, 100)):
    call('cells %d %d' % (start, count), c.getCellsFreeMemory, start, count)
for sizes, start, count in (([4], 0, 1), ([4, 8, 2048, 1048576], 0, 2), ([4], -1, 1), ([4], 5, 3), ([7] * 40, 1, 1), ([], 0, 1),
                            ([4], 0, 0)):
    call('pages %s %d %d' % (sizes, start, count), free_pages, sizes, start, count)
call('pages flags', free_pages, [4], 0, 1, 1)
call('pages bound', c.getFreePages, [4], 0, 1)
for name, args in (('getMemoryStats', (-1, 0)), ('getMemoryParameters', (0,)), ('allocPages', ({2048: 1}, 0, 1)),
                   ('compareCPU', ('<cpu/>', 0)), ('getDomainCapabilities', ()), ('setKeepAlive', (5, 5)), ('getSEVInfo', ()),
                   ('suspendForDuration', (0, 60, 0)), ('setIdentity', ({},))):
    call('without ' + name, getattr(c, name), *args)

CPUS = ('', '<nodes>4</nodes><sockets>1</sockets><cores>2</cores><threads>1</threads><active>3</active>', '<mhz>0</mhz>',
        '<mhz>a</mhz>', '<active>999</active>', '<active>0</active>', '<model>ppc</model>', '<nodes>99</nodes>', '<nodes>0</nodes>',
        '<threads>-1</threads>', '<model>%s</model>' % ('a' * 31), '<model>%s</model>' % ('a' * 32))
for cpu in CPUS:
    call('cpu <%s>' % cpu, lambda: about(node('<cpu>%s</cpu>' % cpu)))
for memory in ('1000', 'x', '99999999999999999999999'):
    call('memory ' + memory, lambda: node('<memory>%s</memory>' % memory).getInfo())
call('no cells', lambda: node('').getCellsFreeMemory(0, 1))
'''


def test_host(tmp_path):
    ours = agreement.check(HOST, tmp_path)
    assert ours['cells 0 2'][0] == [2097152, 4194304]


def test_over_the_wire(daemon):
    daemon.python('c = libvirt.open("test+unix:///default?socket=%s")\n' % daemon.socket + r'''
assert c.getCPUMap() == (8, [True, False, True, False, True, False, False, False], 3)
assert c.getCellsFreeMemory(0, 9) == [2097152, 4194304]
assert c.getCPUStats(-1)['iowait'] == 763600000
assert 'LENOVO' in c.getSysinfo()
''')
