# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
# runner: cgroups
"""What a running QEMU may use of the host: CPUs, schedulers, I/O threads, through python3-libvirt on Debian's library; seen in the
kernel and in QEMU."""
import json
import os
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

import support

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')
libvirt_qemu = pytest.importorskip('libvirt_qemu')

pytestmark = pytest.mark.foreign_library
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG
CPUS = sorted(os.sched_getaffinity(0))

libvirt.registerErrorHandler(lambda *_: None, None)


class Guest:
    """A domain that runs nothing but firmware."""

    def __init__(self, domain):
        self.domain = domain

    def qmp(self, command, **arguments):
        text = json.dumps({'execute': command, **({'arguments': arguments} if arguments else {})})
        return json.loads(libvirt_qemu.qemuMonitorCommand(self.domain, text, 0))['return']

    def vcpus(self):
        return {c['cpu-index']: c['thread-id'] for c in self.qmp('query-cpus-fast')}

    def iothreads(self):
        return {t['id']: t['thread-id'] for t in self.qmp('query-iothreads')}

    def pid(self):
        return int(open(f'/proc/{next(iter(self.vcpus().values()))}/status', encoding='utf-8').read().split('Tgid:')[1].split()[0])

    def find(self, path, inactive=False):
        tree = ElementTree.fromstring(self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0))
        return tree.findall(path)


@pytest.fixture
def make(daemon):
    connection = libvirt.open(daemon.uri)

    def make(name, start=True, **options):
        domain = connection.defineXML(support.domain_xml(name, **options))
        if start:
            domain.create()
        return Guest(domain)
    yield make
    connection.close()


def caught_code(function, *args):
    with pytest.raises(libvirt.libvirtError) as caught:
        function(*args)
    return caught.value.get_error_code()


def allowed(tid):
    return sorted(os.sched_getaffinity(tid))


def only(cpu):
    return tuple(n == cpu for n in range(max(CPUS) + 1))


def test_iothreads(make):
    guest = make('threads', more='<iothreads>1</iothreads>')
    guest.domain.addIOThread(5, LIVE | CONFIG)
    assert sorted(guest.iothreads()) == ['iothread1', 'iothread5']
    assert sorted(t[0] for t in guest.domain.ioThreadInfo(LIVE)) == [1, 5]
    assert caught_code(guest.domain.addIOThread, 5, LIVE) == libvirt.VIR_ERR_INVALID_ARG
    guest.domain.setIOThreadParams(5, {'poll_max_ns': 1000, 'poll_grow': 2}, LIVE)
    for low, high in ((3, 10), (20, 30), (1, 2)):       # whatever there was before
        guest.domain.setIOThreadParams(5, {'thread_pool_min': low, 'thread_pool_max': high}, LIVE)
        assert [guest.qmp('qom-get', path='/objects/iothread5', property=f'thread-pool-{p}') for p in ('min', 'max')] == [low, high]
    assert next(t for t in guest.qmp('query-iothreads') if t['id'] == 'iothread5')['poll-max-ns'] == 1000
    guest.domain.pinIOThread(5, only(CPUS[0]), LIVE)
    assert allowed(guest.iothreads()['iothread5']) == CPUS[:1] and allowed(guest.iothreads()['iothread1']) == CPUS
    guest.domain.delIOThread(1, LIVE)
    assert sorted(guest.iothreads()) == ['iothread5'] and [t[0] for t in guest.domain.ioThreadInfo(CONFIG)] == [1, 5]
    assert guest.find('iothreads')[0].text == '1' and guest.find('iothreads', inactive=True)[0].text == '2'


def test_iothreads_in_use_stay(make, tmp_path):
    path = tmp_path / 'image'
    path.write_bytes(bytes(1 << 20))
    disk = (f"<disk type='file' device='disk'><driver name='qemu' type='raw' iothread='1'/><source file='{path}'/>"
            "<target dev='vda' bus='virtio'/></disk>")
    guest = make('used', more='<iothreads>1</iothreads>', devices=disk)
    assert caught_code(guest.domain.delIOThread, 1, LIVE) == libvirt.VIR_ERR_INVALID_ARG
    assert list(guest.iothreads()) == ['iothread1']


def test_cpus_from_the_start(make):
    tune = (f"<cputune><vcpupin vcpu='0' cpuset='{CPUS[0]}'/><emulatorpin cpuset='{CPUS[-1]}'/><iothreadpin iothread='1' "
            f"cpuset='{CPUS[-1]}'/><vcpusched vcpus='1' scheduler='batch'/><iothreadsched iothreads='1' scheduler='idle'/></cputune>")
    guest = make('pinned', vcpus=2, more=f'<iothreads>1</iothreads>{tune}')
    vcpus = guest.vcpus()
    assert allowed(vcpus[0]) == CPUS[:1] and allowed(vcpus[1]) == CPUS
    assert allowed(guest.pid()) == CPUS[-1:] and allowed(guest.iothreads()['iothread1']) == CPUS[-1:]
    assert os.sched_getscheduler(vcpus[1]) == os.SCHED_BATCH and os.sched_getscheduler(vcpus[0]) == os.SCHED_OTHER
    assert os.sched_getscheduler(guest.iothreads()['iothread1']) == os.SCHED_IDLE


def test_pinning(make):
    guest = make('moved', vcpus=3, vcpus_now=2)
    guest.domain.pinVcpuFlags(1, only(CPUS[-1]), LIVE | CONFIG)
    guest.domain.pinEmulator(only(CPUS[0]), LIVE)
    assert allowed(guest.vcpus()[1]) == CPUS[-1:] and allowed(guest.vcpus()[0]) == CPUS and allowed(guest.pid()) == CPUS[:1]
    assert [p.get('vcpu') for p in guest.find('cputune/vcpupin', inactive=True)] == ['1']
    guest.domain.setVcpusFlags(3, LIVE)                 # it comes from a thread that is pinned, and isn't
    assert allowed(guest.vcpus()[2]) == CPUS
    assert guest.domain.vcpuPinInfo(LIVE)[1] == only(CPUS[-1])
    assert caught_code(guest.domain.pinVcpuFlags, 7, only(CPUS[0]), LIVE) == libvirt.VIR_ERR_INVALID_ARG
    assert caught_code(guest.domain.pinIOThread, 1, only(CPUS[0]), LIVE) == libvirt.VIR_ERR_INVALID_ARG


# ---- control groups ----

TREES = {c: f'/sys/fs/cgroup/{c}' for c in ('cpu', 'memory', 'cpuset', 'blkio')}


def value(*path):
    with open(os.path.join(*path), encoding='utf-8') as f:
        return f.read().strip()


@pytest.fixture
def partition():
    """A partition of our own in all trees of the first form."""
    if not all(os.access(f'{tree}/cgroup.procs', os.W_OK) for tree in TREES.values()):
        pytest.skip('the host has no control groups of the first form that may be changed')
    name = f'lvtest-{uuid.uuid4()}'
    folders = [f'{tree}/{name}.partition' for tree in TREES.values()]
    for folder in folders:
        os.mkdir(folder)
    for file in ('cpuset.cpus', 'cpuset.mems'):
        with open(f"{TREES['cpuset']}/{name}.partition/{file}", 'w', encoding='utf-8') as f:
            f.write(value(TREES['cpuset'], file))
    yield f'/{name}'
    for folder in folders:
        support.wait_for(lambda f=folder: not [e for e in os.scandir(f) if e.is_dir()], what=f'{folder} having no groups any more')
        os.rmdir(folder)


def group_of(guest, tree, partition, sub=''):
    folder = f'{TREES[tree]}{partition}.partition'
    return os.path.join(folder, f'qemu-{guest.domain.ID()}-{guest.domain.name()}.libvirt-qemu', sub)


def test_limits_from_the_start(partition, make):
    more = f"""<resource><partition>{partition}</partition></resource><iothreads>1</iothreads>
<memtune><hard_limit unit='MiB'>900</hard_limit><soft_limit unit='MiB'>800</soft_limit></memtune>
<cputune><shares>600</shares><period>50000</period><quota>25000</quota><emulator_period>20000</emulator_period>
<emulator_quota>10000</emulator_quota><iothread_quota>30000</iothread_quota><global_quota>90000</global_quota></cputune>
<numatune><memory mode='strict' nodeset='0'/></numatune>"""
    guest = make('limited', vcpus=3, vcpus_now=2, more=more)
    cpu = group_of(guest, 'cpu', partition)
    assert value(cpu, 'cpu.shares') == '600' and value(cpu, 'cpu.cfs_quota_us') == '90000'
    for sub, period, quota in (('vcpu0', 50000, 25000), ('vcpu1', 50000, 25000), ('emulator', 20000, 10000), ('iothread1', 100000, 30000)):
        assert (value(cpu, sub, 'cpu.cfs_period_us'), value(cpu, sub, 'cpu.cfs_quota_us')) == (str(period), str(quota)), sub
    assert value(cpu, 'vcpu1/tasks') == str(guest.vcpus()[1]) and value(cpu, 'iothread1/tasks') == str(guest.iothreads()['iothread1'])
    assert str(guest.pid()) in value(cpu, 'emulator/tasks').split() and value(cpu, 'tasks') == ''
    memory = group_of(guest, 'memory', partition)
    assert value(memory, 'memory.limit_in_bytes') == str(900 << 20) and value(memory, 'memory.soft_limit_in_bytes') == str(800 << 20)
    assert value(group_of(guest, 'cpuset', partition), 'cpuset.mems') == '0'
    assert [(m['policy'], m['host-nodes']) for m in guest.qmp('query-memdev')] == [('bind', [0])]
    for tree in ('memory', 'cpuset'):
        assert str(guest.pid()) in value(group_of(guest, tree, partition), 'cgroup.procs').split()
    guest.domain.setVcpusFlags(3, LIVE)
    guest.domain.addIOThread(2, LIVE)
    assert value(cpu, 'vcpu2/cpu.cfs_quota_us') == '25000' and value(cpu, 'vcpu2/tasks') == str(guest.vcpus()[2])
    assert value(cpu, 'iothread2/cpu.cfs_quota_us') == '30000'
    guest.domain.destroy()
    assert not os.path.exists(cpu) and not os.path.exists(memory)


def test_limits_while_it_runs(partition, make, daemon):
    guest = make('tuned', more=f'<resource><partition>{partition}</partition></resource>')
    cpu, memory = group_of(guest, 'cpu', partition), group_of(guest, 'memory', partition)
    assert not os.path.exists(cpu)      # nothing is made that nobody wants
    assert guest.domain.schedulerParametersFlags(LIVE) == {
        'cpu_shares': 1024, **{f'{who}_period': 100000 for who in ('vcpu', 'emulator', 'global', 'iothread')},
        **{f'{who}_quota': -1 for who in ('vcpu', 'emulator', 'global', 'iothread')}}
    assert set(guest.domain.schedulerParametersFlags(CONFIG).values()) == {0}
    for where in (LIVE, CONFIG):
        guest.domain.setSchedulerParametersFlags({'cpu_shares': 512, 'vcpu_quota': 60000}, where)
    assert value(cpu, 'cpu.shares') == '512' and value(cpu, 'vcpu0/cpu.cfs_quota_us') == '60000'
    assert guest.domain.schedulerParametersFlags(LIVE)['cpu_shares'] == 512
    assert guest.find('cputune/quota', inactive=True)[0].text == '60000'
    guest.domain.setSchedulerParametersFlags({'vcpu_quota': -1}, LIVE)
    assert value(cpu, 'vcpu0/cpu.cfs_quota_us') == '-1'
    for megabytes in (900, 800, 1000):
        guest.domain.setMemoryParameters({'hard_limit': megabytes << 10}, LIVE)
        assert value(memory, 'memory.limit_in_bytes') == str(megabytes << 20)
    assert guest.domain.memoryParameters(LIVE)['hard_limit'] == 1000 << 10
    guest.domain.setMemoryParameters({'hard_limit': (1 << 53) - 1}, LIVE)
    assert int(value(memory, 'memory.limit_in_bytes')) > 1 << 50
    guest.domain.setNumaParameters({'numa_nodeset': '0'}, LIVE)
    assert value(group_of(guest, 'cpuset', partition), 'cpuset.mems') == '0'
    before = guest.domain.XMLDesc()
    for call, values, code in ((guest.domain.setBlkioParameters, {'device_read_iops_sec': '/dev/null,5'}, libvirt.VIR_ERR_SYSTEM_ERROR),
                               (guest.domain.setNumaParameters, {'numa_nodeset': '63'}, libvirt.VIR_ERR_INVALID_ARG)):
        assert caught_code(call, values, LIVE) == code
    assert guest.domain.XMLDesc() == before
    name = guest.domain.name()
    daemon.crash()
    daemon.restart()
    connection = libvirt.open(daemon.uri)
    again = connection.lookupByName(name)
    again.setSchedulerParametersFlags({'cpu_shares': 256}, LIVE)        # it finds the group again
    assert value(cpu, 'cpu.shares') == '256'
    again.destroy()
    assert not os.path.exists(cpu)
    connection.close()


def test_nodes(make):
    """QEMU is told, for all memory or by node of the guest."""
    cells = "<cpu><numa><cell id='0' cpus='0' memory='128' unit='MiB'/></numa></cpu>"
    for mode, policy in (('preferred', 'preferred'), ('interleave', 'interleave')):
        guest = make(f'nodes-{mode}', more=f"<numatune><memory mode='{mode}' nodeset='0'/></numatune>")
        assert [(m['policy'], m['host-nodes']) for m in guest.qmp('query-memdev')] == [(policy, [0])]
    guest = make('cell', more=f"<numatune><memory mode='preferred' nodeset='0'/><memnode cellid='0' mode='interleave' nodeset='0'/></numatune>{cells}")
    assert [m['policy'] for m in guest.qmp('query-memdev')] == ['interleave']
    assert caught_code(guest.domain.setNumaParameters, {'numa_nodeset': '0'}, LIVE) == libvirt.VIR_ERR_OPERATION_INVALID


def test_a_partition_that_is_not_there(partition, make):
    guest = make('nowhere', start=False, more='<resource><partition>/lvtest-none</partition></resource><cputune><shares>5</shares></cputune>')
    assert caught_code(guest.domain.create) == libvirt.VIR_ERR_SYSTEM_ERROR
    assert not guest.domain.isActive()


def test_what_cannot_be_done_is_refused_before_the_start(make):
    tune = "<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1000'/></cputune>"
    guest = make('refused', start=False, more=tune)
    assert caught_code(guest.domain.create) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
