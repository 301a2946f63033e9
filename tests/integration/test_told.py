# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people run into with real guests, and what they are told."""
import os

import pytest

import support
from support import domain_xml, tree, written
from terminal import Terminal

VIRTIOFS = "<filesystem type='mount'><driver type='virtiofs'/><source dir='/tmp'/><target dir='shared'/></filesystem>"


def disk(path, target='vda'):
    return f"<disk type='file'><driver name='qemu' type='raw'/><source file='{path}'/><target dev='{target}' bus='virtio'/></disk>"


@pytest.fixture
def image(tmp_path):
    """Makes empty images."""
    def make(name):
        path = tmp_path / name
        path.write_bytes(bytes(1 << 20))
        return str(path)
    return make


def refused(daemon, *words):
    done = support.run([tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, *words], check=False)
    assert done.returncode != 0
    return done.stderr


def test_who_has_the_disk(daemon, image, tmp_path):
    """The guest is named, whatever of its command line QEMU stumbles over."""
    path = image('disk')
    daemon.virsh('create', '--paused', written(tmp_path, domain_xml('holder', memory=16, devices=disk(path))))
    told = refused(daemon, 'create', '--paused', written(tmp_path, domain_xml('second', memory=16, devices=disk(path))))
    assert 'resource busy: domain.devices.disk[1] (vda)' in told and "it is used by QEMU of domain 'holder' (process " in told
    assert any(f'(process {pid})' in told for pid in support.guest_processes(daemon.root))


def test_no_port_is_free(daemon, image, tmp_path):
    """How many ports there are, all in use, and how one gets more."""
    xml = domain_xml('full', memory=16, devices=disk(image('one'))).replace("machine='pc'", "machine='q35'")
    daemon.virsh('create', '--paused', written(tmp_path, xml))
    for letter in 'bcdefghij':
        device = written(tmp_path, disk(image(f'more-{letter}'), f'vd{letter}'))
        done = support.run([tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'attach-device', 'full', device, '--live'], check=False)
        if done.returncode:
            break
    ports = daemon.virsh('dumpxml', 'full').count("model='pcie-root-port'")
    assert f'all its {ports} hotpluggable ports are used' in done.stderr and "<controller type='pci' model='pcie-root-port'/>" in done.stderr


def test_conventional_device_on_express(daemon, tmp_path):
    """Free ports of PCI Express are of no use to it: what is missing is a bridge."""
    xml = domain_xml('express', memory=16).replace("machine='pc'", "machine='q35'")
    daemon.virsh('create', '--paused', written(tmp_path, xml))
    said = refused(daemon, 'attach-device', 'express', written(tmp_path, "<watchdog model='i6300esb' action='none'/>"), '--live')
    assert 'conventional PCI device' in said and "<controller type='pci' model='pcie-to-pci-bridge'/>" in said


def test_ports_that_are_spare(new_daemon, image, tmp_path):
    """Who wants more of them in every guest gets them: while it runs only, and in what was saved."""
    daemon = support.configured(new_daemon, 'pcie_spare_ports = 4')

    def ports(name, *options):
        return daemon.virsh('dumpxml', name, *options).count("model='pcie-root-port'")
    for name, machine in ('plain', 'pc'), ('express', 'q35'):
        xml = domain_xml(name, memory=16, devices=disk(image(name))).replace("machine='pc'", f"machine='{machine}'")
        daemon.virsh('define', written(tmp_path, xml))
        daemon.virsh('start', '--paused', name)
    assert ports('plain') == 0
    defined = ports('express', '--inactive')
    assert ports('express') == defined + 3      # one was free
    for letter in 'bcde':
        daemon.virsh('attach-device', 'express', written(tmp_path, disk(image(letter), f'vd{letter}')), '--live')
    assert 'pcie_spare_ports' in refused(daemon, 'attach-device', 'express', written(tmp_path, disk(image('f'), 'vdf')), '--live')
    daemon.virsh('managedsave', 'express')
    daemon.virsh('start', '--paused', 'express')
    assert (ports('express'), ports('express', '--inactive')) == (defined + 3, defined)
    targets = [line.split()[0] for line in daemon.virsh('domblklist', 'express').splitlines()[2:] if line.strip()]
    assert targets == ['vda', 'vdb', 'vdc', 'vdd', 'vde']
    daemon.virsh('destroy', 'express')
    daemon.virsh('start', '--paused', 'express')
    assert ports('express') == defined + 3


def test_edit_adds_shared_memory(daemon, tmp_path):
    """What virtiofs lacks is offered, and only put in if it is wanted."""
    daemon.virsh('define', written(tmp_path, domain_xml('edited', memory=16)))
    editor = tmp_path / 'editor'
    editor.write_text(f'#!/bin/sh\nsed -i "s|<serial|{VIRTIOFS}<serial|" "$1"\n')
    editor.chmod(0o755)
    command = [tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'edit', 'edited']
    env = {**os.environ, 'VISUAL': str(editor), 'TMPDIR': str(tmp_path)}
    with Terminal(command, env) as terminal:
        assert "<access mode='shared'/>" in terminal.expect(r"Try again\? \[[^]]*,a,f,\?\]: ")
        terminal.type('n\n')
        terminal.expect('nothing was changed; your text is kept in')
    assert '<filesystem' not in daemon.virsh('dumpxml', 'edited')
    with Terminal(command, env) as terminal:
        terminal.expect(r'Try again\? \[[^]]*,a,f,\?\]: ')
        terminal.type('a\n')
        terminal.expect('XML configuration edited')
    shown = daemon.virsh('dumpxml', 'edited')
    assert '<filesystem' in shown and "<source type='memfd'/>" in shown and "<access mode='shared'/>" in shown
