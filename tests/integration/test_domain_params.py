# SPDX-License-Identifier: LGPL-2.1-or-later
"""Typed parameters of domains: what can be set, what is refused, what the definition says afterwards. The same script on the
reference and on ours."""
import pytest

import agreement

DEVICES = r'''
DEVICES = """<devices>
<disk type='file' device='disk'><source file='/images/one'/><target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><mac address='aa:bb:cc:dd:ee:f1'/><source bridge='br0'/><target dev='tn0'/></interface>
<memballoon model='virtio'/></devices>"""
import re

def part(flags, *names):
    text = d.XMLDesc(flags)
    return [m.group(0) for n in names for m in re.finditer(r'<%s( [^>]*)?>.*?</%s>' % (n, n), text, re.S)]
'''

PARAMS = DEVICES + r'''
d = c.defineXML(xml('p1', 1, DEVICES))
CONFIG, LIVE, NOW = 2, 1, 0

def sets(label, what, setter, getter, cases, parts, device=()):
    for flags in FLAGS:
        for n, case in enumerate(cases):
            call('%s %d set %d %s' % (label, flags, n, sorted(case)), setter, *device, case, flags)
            call('%s %d get %d' % (label, flags, n), getter, *device, flags)
        call('%s %d xml' % (label, flags), lambda: part(2 if flags == CONFIG else 0, *parts))
    call('%s %d flags' % (label, flags), setter, *device, cases[0], 1 << 10)
    call('%s %d get both' % (label, flags), getter, *device, CONFIG | LIVE)

FLAGS = (CONFIG,) if MODE == 'config' else (LIVE, NOW)
call('inactive live', d.setMemoryParameters, {'hard_limit': 1}, LIVE)
call('inactive live get', d.memoryParameters, LIVE)
call('iotune of no disk', d.blockIoTune, None)
if MODE == 'live':
    d.create()
drain()
sets('memory', 'memory', d.setMemoryParameters, d.memoryParameters, [
    {'hard_limit': 100000, 'soft_limit': 50000, 'swap_hard_limit': 200000},
    {'hard_limit': 300000}, {'swap_hard_limit': 10}, {'soft_limit': 900000},
    {'hard_limit': 100, 'swap_hard_limit': 50}, {'hard_limit': (1 << 53) - 1}, {'hard_limit': (1 << 53) + 5},
    {'hard_limit': 0}, {'swap_hard_limit': 0}, {'soft_limit': 0}, {'hard_limit': 7, 'soft_limit': 7}], ['memtune'])
sets('blkio', 'blkio', d.setBlkioParameters, d.blkioParameters, [
    {'weight': 500}, {'weight': 5000}, {'weight': 0}, {'device_weight': '/dev/sda,300'},
    {'device_read_iops_sec': '/dev/sda,20,/dev/sdb,5', 'device_write_bytes_sec': '/dev/sdc,1000000000000'},
    {'device_weight': '/dev/sda'}, {'device_weight': '/dev/sda,xx'}, {'device_weight': '/dev/sda,0'},
    {'device_weight': '/dev/sda,5,/dev/sda,6'}, {'device_weight': 'sda,5000000000'},
    {'device_weight': '/dev/sda,-1'}, {'device_weight': ''}, {'device_read_iops_sec': '/dev/sdb,7,'},
    {'device_read_iops_sec': '/dev/sdb,0', 'device_write_iops_sec': '/dev/sdb,4'}, {'device_read_bytes_sec': '/dev/sdb,12'}],
    ['blkiotune'])
sets('numa', 'numa', d.setNumaParameters, d.numaParameters, [
    {'numa_nodeset': '0'}, {'numa_mode': 1, 'numa_nodeset': '0-2'}, {'numa_mode': 3}, {'numa_mode': 4}, {'numa_mode': -1},
    {'numa_nodeset': 'x'}, {'numa_nodeset': '99'}, {'numa_nodeset': ''}, {'numa_mode': 0}], ['numatune'])
for name in ('tn0', 'aa:bb:cc:dd:ee:f1'):
    sets('interface ' + name, 'interface', d.setInterfaceParameters, d.interfaceParameters, [
        {'inbound.average': 100, 'inbound.peak': 200, 'outbound.average': 5}, {'inbound.peak': 300}, {'inbound.average': 40},
        {'inbound.burst': 9}, {'outbound.average': 0}, {'inbound.floor': 7}, {'inbound.average': 0},
        {'outbound.average': 3, 'outbound.burst': 4}, {'outbound.peak': 4}], ['bandwidth'], (name,))
call('no interface', d.setInterfaceParameters, 'zz', {'inbound.average': 3}, LIVE)
call('no interface get', d.interfaceParameters, 'zz', LIVE)
for name in ('vda', '/images/one'):
    sets('disk ' + name, 'disk', d.setBlockIoTune, d.blockIoTune, [
        {'total_bytes_sec': 100000, 'total_bytes_sec_max': 200000}, {'read_bytes_sec': 100000, 'total_bytes_sec': 1},
        {'total_bytes_sec': 300000}, {'read_bytes_sec': 5}, {'read_bytes_sec': 100000, 'total_bytes_sec': 0},
        {'total_bytes_sec': 0, 'total_bytes_sec_max': 0}, {'read_iops_sec': 100, 'group_name': 'g1'},
        {'read_iops_sec_max_length': 10}, {'read_iops_sec_max': 10}, {'read_iops_sec_max': 2000, 'read_iops_sec_max_length': 10},
        {'read_iops_sec_max': 0}, {'size_iops_sec': 8}, {'group_name': 'g2'}, {'group_name': ''}, {'write_bytes_sec': 0},
        {'total_iops_sec': 4}, {'write_bytes_sec_max': 7}, {'write_bytes_sec': 8},
        {'write_bytes_sec_max': 10 ** 15}, {'write_bytes_sec_max': 10 ** 15 + 1}, {'size_iops_sec': 10 ** 15 + 1},
        {'write_bytes_sec_max_length': 10 ** 15 + 1}, {'write_bytes_sec_max': 1 << 63}, {'write_bytes_sec_max': (1 << 64) - 1},
        {'read_iops_sec': 0, 'total_iops_sec': 0, 'read_iops_sec_max': 0, 'read_iops_sec_max_length': 0}], ['iotune'], (name,))
call('no disk', d.setBlockIoTune, 'vdz', {'total_bytes_sec': 3}, LIVE)
call('no disk get', d.blockIoTune, 'vdz', LIVE)
sets('perf', 'perf', d.setPerfEvents, d.perfEvents, [
    {'cmt': True, 'cpu_cycles': True}, {'cpu_cycles': False}, {'alignment_faults': True}], ['perf'])
call('scheduler type', d.schedulerType)
call('scheduler', d.schedulerParameters)
call('set scheduler', d.setSchedulerParameters, {'weight': 70})
call('scheduler after', d.schedulerParameters)
call('scheduler flags', d.schedulerParametersFlags, 0)
call('set scheduler flags', d.setSchedulerParametersFlags, {'weight': 70}, 0)
if MODE == 'live':
    d.destroy()
call('inactive', d.memoryParameters)
call('inactive scheduler', d.schedulerParameters)
call('inactive scheduler type', d.schedulerType)
d.undefine()
d = c.createXML(xml('p1', 1, DEVICES))
call('transient', d.setMemoryParameters, {'hard_limit': 10}, CONFIG)
call('transient get', d.memoryParameters, CONFIG)
'''


# The reference forgot a flag that its own clients set.
FORGOTTEN = ['scheduler flags', 'set scheduler flags']


@pytest.mark.parametrize('mode', ['config', 'live'])
def test_parameters(tmp_path, mode):
    agreement.check(f'MODE = {mode!r}\n' + PARAMS, tmp_path, FORGOTTEN)


def test_parameters_over_the_wire(tmp_path, daemon):
    agreement.check_wire("MODE = 'live'\n" + PARAMS, tmp_path, daemon)
