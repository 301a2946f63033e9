# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon as systemd's service on a whole host: started by its socket, its guests outlive it, and KVM is KVM."""
import json
import os

from conftest import guest_xml, modules, python, run, virsh, wait_for


def active(unit):
    return run('systemctl', 'is-active', unit, check=False).strip() == 'active'


def test_units_are_sound():
    folder = '/usr/lib/systemd/system'
    units = [name for name in os.listdir(folder) if name.startswith('libvirtd')]
    assert len(units) >= 4
    for name in units:
        said = run('systemd-analyze', 'verify', f'{folder}/{name}', check=False)
        # no manual is installed there
        assert [line for line in said.splitlines() if 'libvirtd' in line and "Command 'man " not in line] == []


def test_socket_starts_daemon():
    run('systemctl', 'stop', 'libvirtd.service')
    assert not active('libvirtd.service') and active('libvirtd.socket')
    assert virsh('uri').strip() == 'qemu:///system'
    assert active('libvirtd.service')
    assert 'qemu:///system' in python('import libvirt; print(libvirt.open().getURI())')


def test_default_network_is_up():
    assert virsh('net-list', '--name').split() == ['default']
    virbr0 = json.loads(run('ip', '-j', 'addr', 'show', 'dev', 'virbr0'))[0]
    assert virbr0['addr_info'][0]['local'] == '192.168.122.1'


def test_kvm_is_told():
    """The host offers KVM, whose CPU is the host's."""
    modules('kvm_amd')
    assert os.path.exists('/dev/kvm')
    run('systemctl', 'restart', 'libvirtd.service')
    assert "<domain type='kvm'" in virsh('capabilities')
    assert '<domain>kvm</domain>' in virsh('domcapabilities')


def test_kvm_guest_outlives_the_daemon(xml):
    modules('kvm_amd')
    net = "<interface type='network'><source network='default'/><model type='virtio'/></interface>"
    virsh('define', xml(guest_xml('kvm', devices=net)))
    try:
        virsh('start', 'kvm')
        pid = open('/run/libvirt/qemu/kvm.pid', encoding='utf-8').read().strip()
        run('systemctl', 'restart', 'libvirtd.service')
        assert virsh('domstate', 'kvm').strip() == 'running'
        console = '/run/kvm.console'
        wait_for(lambda: os.path.exists(console) and 'GUEST-READY' in open(console, errors='replace').read(), what='the guest')
        assert '192.168.122.' in wait_for(lambda: virsh('domifaddr', 'kvm') if '192.168' in virsh('domifaddr', 'kvm') else None)
        assert os.path.exists(f'/proc/{pid}')
        virsh('shutdown', 'kvm')
        wait_for(lambda: virsh('domstate', 'kvm').strip() == 'shut off', what='the shutdown')
    finally:
        virsh('destroy', 'kvm', check=False)
        virsh('undefine', 'kvm')


def test_control_groups_of_version_2(xml):
    """CPU shares, quota and memory limits arrive in the guest's group and can be changed."""
    virsh('define', xml(guest_xml('groups', kind='qemu').replace('</domain>', '''
<cputune><shares>2048</shares><period>100000</period><quota>50000</quota></cputune>
<memtune><hard_limit unit='MiB'>1024</hard_limit></memtune></domain>''')))
    try:
        virsh('start', 'groups', '--paused')
        pid = open('/run/libvirt/qemu/groups.pid', encoding='utf-8').read().strip()
        assert 'hard_limit     : 1048576' in virsh('memtune', 'groups')
        assert 'cpu_shares     : 2048' in virsh('schedinfo', 'groups')
        with open(f'/proc/{pid}/cgroup', encoding='utf-8') as f:
            group = '/sys/fs/cgroup' + f.read().strip().split('::')[1]
        limits = [parent for parent in (group, os.path.dirname(group), os.path.dirname(os.path.dirname(group)))
                  if os.path.exists(f'{parent}/memory.max') and open(f'{parent}/memory.max').read().strip() == str(1 << 30)]
        assert limits, group
        virsh('memtune', 'groups', '--hard-limit', 2097152)
        assert open(f'{limits[0]}/memory.max').read().strip() == str(1 << 31)
        virsh('schedinfo', 'groups', '--set', 'cpu_shares=512')
        assert 'cpu_shares     : 512' in virsh('schedinfo', 'groups')
    finally:
        virsh('destroy', 'groups', check=False)
        virsh('undefine', 'groups')
    assert not os.path.exists(limits[0])
