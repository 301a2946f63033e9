# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual processors and I/O threads of domains: numbers, states, pinning. The same script on the reference and on ours."""
import agreement

CPU = r'''
import re
CONFIG, LIVE, NOW, BOTH = 2, 1, 0, 3
INSIDE = """<devices><disk type='file' device='disk'><driver name='qemu' type='raw' iothread='2'/><source file='/images/one'/>
<target dev='vda' bus='virtio'/></disk><memballoon model='virtio'/></devices>"""
d = c.defineXML(xml('p1', 1, INSIDE).replace("<vcpu>2</vcpu>", "<vcpu cpuset='1-5' current='2'>4</vcpu><iothreads>3</iothreads>"))

def part(flags, *names):
    text = d.XMLDesc(flags)
    return [m.group(0) for n in names for m in re.finditer(r'<%s( [^>]*)?>.*?</%s>' % (n, n), text, re.S)]

def cpus(*on):
    return tuple(n in on for n in range(8))

call('inactive vcpus', d.vcpus)
call('inactive max', d.maxVcpus)
call('inactive pin', d.pinVcpu, 0, cpus(1))
call('inactive emulator', d.emulatorPinInfo)
call('inactive pin info', d.vcpuPinInfo)
call('inactive xml', part, 0, 'vcpu', 'vcpus', 'cputune', 'iothreads', 'iothreadids')
d.create()
call('vcpus', lambda: [[[v[0], v[1], v[3]] for v in d.vcpus()[0]], d.vcpus()[1]])
call('max vcpus', d.maxVcpus)
for flags in (NOW, LIVE, CONFIG, BOTH, 4, LIVE | 4, CONFIG | 4, 16):
    call('vcpu count %d' % flags, d.vcpusFlags, flags)
for flags in (NOW, LIVE, CONFIG):
    call('pin info %d' % flags, d.vcpuPinInfo, flags)
    call('emulator %d' % flags, d.emulatorPinInfo, flags)
    call('pin emulator %d' % flags, d.pinEmulator, cpus(0, 2), flags)
    call('pin emulator to nothing %d' % flags, d.pinEmulator, cpus(), flags)
    call('pin emulator to all %d' % flags, d.pinEmulator, cpus(*range(8)), flags)
    call('emulator pinned %d' % flags, d.emulatorPinInfo, flags)
call('pin', d.pinVcpu, 1, cpus(0, 2))
call('pin offline', d.pinVcpu, 3, cpus(5))
call('pin flags', d.pinVcpuFlags, 0, cpus(3, 7), NOW)
call('pin too far', d.pinVcpu, 4, cpus(1))
call('pin bits', d.pinVcpuFlags, 0, cpus(3, 7), 1 << 8)
call('pinned', d.vcpuPinInfo)
call('pinned vcpus', lambda: [[[v[0], v[1], v[3]] for v in d.vcpus()[0]], d.vcpus()[1]])
call('pinned xml', part, 0, 'cputune')
call('set more', d.setVcpus, 3)
call('set too many', d.setVcpus, 5)
call('set none', d.setVcpus, 0)
call('set config', d.setVcpusFlags, 1, CONFIG)
call('set both', d.setVcpusFlags, 4, BOTH)
call('set max live', d.setVcpusFlags, 8, LIVE | 4)
call('set max', d.setVcpusFlags, 8, CONFIG | 4)
call('set max far', d.setVcpusFlags, 80, CONFIG | 4)
call('set less max', d.setVcpusFlags, 2, CONFIG | 4)
call('set xml', part, 0, 'vcpu', 'cputune')
call('set config xml', part, 2, 'vcpu', 'cputune')
call('set guest', d.setVcpusFlags, 1, 8)
for flags in (NOW, LIVE, CONFIG):
    call('threads %d' % flags, lambda: [i[0] for i in d.ioThreadInfo(flags)])
    call('add 0 %d' % flags, d.addIOThread, 0, flags)
    call('add taken %d' % flags, d.addIOThread, 2, flags)
    call('add %d' % flags, d.addIOThread, 7, flags)
    call('add more %d' % flags, d.addIOThread, 5, flags)
    call('pin thread %d' % flags, d.pinIOThread, 7, cpus(1, 3), flags)
    call('pin thread to nothing %d' % flags, d.pinIOThread, 7, cpus(), flags)
    call('pin no thread %d' % flags, d.pinIOThread, 9, cpus(1), flags)
    call('threads pinned %d' % flags, lambda: [i for i in d.ioThreadInfo(flags) if i[0] == 7])
    call('thread params %d' % flags, d.setIOThreadParams, 7, {'poll_max_ns': 1000, 'poll_grow': 2}, flags)
    call('no thread params %d' % flags, d.setIOThreadParams, 9, {'poll_max_ns': 1000, 'poll_grow': 2}, flags)
    call('threads xml %d' % flags, part, 2 if flags == CONFIG else 0, 'iothreads', 'iothreadids', 'cputune')
    call('remove used %d' % flags, d.delIOThread, 2, flags)
    call('remove %d' % flags, d.delIOThread, 7, flags)
    call('remove first %d' % flags, d.delIOThread, 1, flags)
    call('remove again %d' % flags, d.delIOThread, 7, flags)
    call('remove 0 %d' % flags, d.delIOThread, 0, flags)
    call('add first again %d' % flags, d.addIOThread, 1, flags)
    call('threads xml after %d' % flags, part, 2 if flags == CONFIG else 0, 'iothreads', 'iothreadids', 'cputune')
    call('remove more %d' % flags, d.delIOThread, 5, flags)
call('threads both', d.addIOThread, 8, BOTH)
for flags in (4, 5, 8 | 2, 8 | 3, 8 | 4, 8 | 4 | 2):
    call('count %d' % flags, d.setVcpusFlags, 1, flags)
half = c.createXML(xml('half', 9, '<iothreads>1</iothreads>').replace('<vcpu>2', "<vcpu current='1'>4"))
call('threads of few', half.ioThreadInfo)
call('threads bits', d.addIOThread, 8, 1 << 8)
call('info both', d.ioThreadInfo, BOTH)
'''

# Polling stands in the definition since 9.4. What the reference refuses of its own flags and we do not.
DIFFERING = ['threads xml 0', 'threads xml 1', 'threads xml 2', 'thread params 2', 'threads both', 'set guest']

# The reference's test driver has none of it; the answers are those of its QEMU driver for a definition.
SINGLE = r'''
import re
d = c.defineXML(xml('p1', 1).replace("<vcpu>2</vcpu>", "<vcpu current='2'>4</vcpu>"))
d.create()

def plugged(flags):
    text = d.XMLDesc(flags)
    return re.findall(r"<vcpu [^>]*current='(.)'", text) + re.findall(r"<vcpu id='.' enabled='(.)[a-z]*' hotpluggable='(.)", text)

for flags in (2, 0):
    for name, state in (('0', 0), ('0', 1), ('1', 0), ('3', 1), ('2-3', 1), ('2-3', 0), ('4', 1), ('x', 1), ('1', 1), ('1', 5),
                        ('', 1)):
        call('set %s %d %d' % (name, state, flags), d.setVcpu, name, state, flags)
        call('plugged %s %d %d' % (name, state, flags), plugged, flags)
    for count in (3, 1, 4, 5):
        call('count %d %d' % (count, flags), d.setVcpusFlags, count, flags)
        call('counted %d %d' % (count, flags), plugged, flags)
call('max', d.setVcpusFlags, 3, 2 | 4)
call('max set', plugged, 2)
call('guest', d.guestVcpus)
call('guest off', d.setGuestVcpus, '1-2', 0)
call('guest after', d.guestVcpus)
call('guest count', d.vcpusFlags, 8)
call('guest first', d.setGuestVcpus, '0', 0)
call('guest none', d.setGuestVcpus, '9', 1)
call('guest on', d.setGuestVcpus, '1', 1)
call('guest count after', d.vcpusFlags, 8)
for count in (1, 3, 4, 5, 0):
    call('guest has %d' % count, d.setVcpusFlags, count, 8)
    call('guest had %d' % count, lambda: (d.vcpusFlags(8), d.guestVcpus()['online']))
d.destroy()
call('guest off count', d.setVcpusFlags, 1, 8)
'''

# As many as a definition may have, with numbers given to some.
MANY = r'''
d = c.defineXML(xml('p1', 1).replace("<vcpu>2</vcpu>", "<vcpu>2</vcpu><iothreads>65535</iothreads>"
                                     "<iothreadids><iothread id='3'/><iothread id='70000'/></iothreadids>"))
call('how many', lambda: len(d.ioThreadInfo(2)))
call('which', lambda: [i[0] for i in d.ioThreadInfo(2)][:5])
call('one more', d.addIOThread, 80000, 2)
'''


def test_many_iothreads(tmp_path):
    got = {label: value for label, value, _ in agreement.answers(MANY, agreement.support.our_library_environment(),
                                                                 tmp_path / 'ours')}
    assert got == {'how many': 65535, 'which': [3, 70000, 1, 2, 4], 'one more': 'error 8'}


def test_cpus(tmp_path):
    agreement.check(CPU, tmp_path, DIFFERING)


def test_cpus_over_the_wire(tmp_path, daemon):
    agreement.check_wire(CPU, tmp_path, daemon)
    (tmp_path / 'single').mkdir()
    agreement.check_wire(SINGLE, tmp_path / 'single', daemon)


def test_single_vcpus(tmp_path):
    got = {label: value for label, value, _ in agreement.answers(SINGLE, agreement.support.our_library_environment(),
                                                                 tmp_path / 'ours')}
    for flags in (2, 0):
        refused = [name for name in ('0 0', '0 1', '4 1', 'x 1', '1 5', ' 1')
                   if got[f'set {name} {flags}'] != ('error 84' if name[0] == '0' and not flags else 'error 8')]
        assert not refused
        assert got[f'plugged 1 0 {flags}'] == ['1', ['y', 'n'], ['n', 'y'], ['n', 'y'], ['n', 'y']]
        assert got[f'plugged 3 1 {flags}'] == ['2', ['y', 'n'], ['n', 'y'], ['n', 'y'], ['y', 'y']]
        assert got[f'plugged 2-3 1 {flags}'] == ['3', ['y', 'n'], ['n', 'y'], ['y', 'y'], ['y', 'y']]
        assert got[f'plugged 2-3 0 {flags}'] == ['1', ['y', 'n'], ['n', 'y'], ['n', 'y'], ['n', 'y']]
        assert got[f'plugged  1 {flags}'] == ['2', ['y', 'n'], ['y', 'y'], ['n', 'y'], ['n', 'y']]
        assert got[f'counted 3 {flags}'] == ['3', ['y', 'n'], ['y', 'y'], ['y', 'n'], ['n', 'y']]
        assert got[f'counted 1 {flags}'] == ['1', ['y', 'n'], ['n', 'y'], ['n', 'y'], ['n', 'y']]
        assert got[f'counted 4 {flags}'] == [['y', 'n'], ['y', 'n'], ['y', 'n'], ['y', 'n']]
        assert got[f'count 5 {flags}'] == 'error 8'
    assert got['max set'] == [['y', 'n'], ['y', 'n'], ['y', 'n']]
    assert got['guest'] == {'vcpus': '0-3', 'online': '0-3', 'offlinable': '1-3'}
    assert got['guest after'] == {'vcpus': '0-3', 'online': '0,3', 'offlinable': '1-3'}
    assert (got['guest count'], got['guest count after']) == (2, 3)
    assert (got['guest first'], got['guest none']) == ('error 8', 'error 8')
    assert [got[f'guest has {n}'] for n in (1, 3, 4, 5, 0)] == [0, 0, 0, 'error 8', 'error 8']
    assert [got[f'guest had {n}'] for n in (1, 3, 4, 5, 0)] == [[1, '0'], [3, '0-2'], [4, '0-3'], [4, '0-3'], [4, '0-3']]
    assert got['guest off count'] == 'error 55'
