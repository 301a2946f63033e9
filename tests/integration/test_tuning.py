# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""What a running QEMU may use of the host: CPUs, schedulers, I/O threads, through python3-libvirt on Debian's library; seen in the
kernel and in QEMU."""
import json
import os
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


def test_what_cannot_be_done_is_refused_before_the_start(make):
    for number, tune in enumerate(("<cputune><cachetune vcpus='0'><cache id='0' level='3' type='both' size='3' unit='MiB'/></cachetune></cputune>",
                                   "<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1000'/></cputune>")):
        guest = make(f'refused{number}', start=False, more=tune)
        assert caught_code(guest.domain.create) == libvirt.VIR_ERR_CONFIG_UNSUPPORTED, tune
