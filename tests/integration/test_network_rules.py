# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 600
"""Networks on hosts with rules of others, of iptables and of nftables: guests reach the world, or the error says which rules are missing."""
import errno
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

import support
from netnode import OUR_MARKS, caught, network_xml, nft, nothing_left, rules, start_network, works
from netnode import connection, firewall, server      # pylint: disable=unused-import # noqa: F401
from support import wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = OUR_MARKS

libvirt.registerErrorHandler(lambda *_: None, None)
support.run_events_while_waiting(libvirt)


CHAINS_OF_DOCKER = '''add table ip filter
add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }
add chain ip filter INPUT { type filter hook input priority 0; policy drop; }
add rule ip filter INPUT ct state established accept
'''


def test_rules_that_come_later(connection, firewall):
    network = start_network(connection, network_xml('n1', 31, bridge='virbr31'))
    nft('flush ruleset')
    wait_for(lambda: 'to_virbr31' in rules() and 'nat_virbr31' in rules(), 10, 'the rules to be put back')
    firewall(CHAINS_OF_DOCKER)
    wait_for(lambda: rules().count('libvirt bridge virbr31') == 7, 10, 'the new chains to let the bridge pass')
    nft('flush chain ip filter FORWARD')
    wait_for(lambda: rules().count('libvirt bridge virbr31') == 7, 10, 'the rules to be put back')
    nft('flush ruleset')
    for words in (['FORWARD', '-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'ACCEPT'], ['FORWARD', '-j', 'LOG'], ['FORWARD', '-j', 'REJECT']):
        support.run(['iptables', '-A', *words])     # many hosts drop by their last rule, not by a policy
    wait_for(lambda: rules().count('libvirt bridge virbr31') == 2, 10, 'the new chain to let the bridge pass')
    network.destroy()
    assert 'virbr31' not in rules()


def test_dhcp_and_dns_are_tried(guest_daemon, connection, firewall):
    """net-info asks dnsmasq: one that hangs is told, one that ends is started again."""
    start_network(connection, network_xml('n1', 31, bridge='virbr31'))

    def told():
        return json.loads(guest_daemon.virsh('net-info', 'n1', '--format', 'json'))['service']

    def process():
        with open(f'{guest_daemon.root}/run/libvirt/network/n1.pid', encoding='utf-8') as f:
            return int(f.read())
    assert told() == 'works' and 'DHCP and DNS:   works\n' in guest_daemon.virsh('net-info', 'n1')
    os.kill(process(), signal.SIGSTOP)
    assert told() == f'dnsmasq does not answer at 192.168.31.1 ({os.strerror(errno.ETIMEDOUT)})'
    os.kill(process(), signal.SIGKILL)
    wait_for(lambda: told() == 'works', 20, 'dnsmasq being started again')
    firewall('add table inet mine\nadd chain inet mine in { type filter hook input priority 0; policy accept; }\n'
             'add rule inet mine in iifname lo drop\n')
    assert told() == 'works'    # the host can't ask, guests can
    start_network(connection, "<network><name>n2</name><bridge name='virbr32'/></network>")
    assert json.loads(guest_daemon.virsh('net-info', 'n2', '--format', 'json'))['service'] is None     # it has neither


HOOK = 'add table inet mine\nadd chain inet mine through {{ type filter hook forward priority 0; policy {}; }}\n'
BY_POLICY = HOOK.format('drop')
BY_RULE = HOOK.format('accept') + 'add rule inet mine through ct state established accept\nadd rule inet mine through counter log reject\n'


@pytest.mark.parametrize('drops', [BY_POLICY, BY_RULE], ids=['policy', 'rule'])
def test_firewall_of_the_administrator(guest_daemon, connection, firewall, drops):
    """A chain that is nobody's business but the administrator's: what it lacks is told."""
    firewall(drops)
    network = connection.networkDefineXML(network_xml('n1', 31, bridge='virbr31'))
    problem = caught(network.create)
    assert 'inet mine' in str(problem) and "'through'" in str(problem) and 'nft insert rule inet mine through iifname virbr31 accept' in str(problem)
    nothing_left('virbr31', 'n1')
    nft('add rule inet mine through iifname "virbr*" accept\nadd rule inet mine through oifname "virbr*" accept\n')
    network.create()
    assert 'Blocked by' not in guest_daemon.virsh('net-info', 'n1')
    nft('flush table inet mine')    # a chain that drops by its policy does so without rules
    if drops == BY_RULE:
        nft(drops)
    wait_for(lambda: "Blocked by:     chain 'through' of table 'inet mine', which drops what passes" in guest_daemon.virsh('net-info', 'n1'), 10, 'it')
    told = json.loads(guest_daemon.virsh('net-info', 'n1', '--format', 'json'))
    assert told['zone'] is None and len(told['blocked_by']) == 1 and "'through'" in told['blocked_by'][0]
    network.destroy()
    assert 'Blocked by' not in guest_daemon.virsh('net-info', 'n1')
    # an isolated network sends nothing through
    alone = connection.networkDefineXML(network_xml('n2', 32, mode=None))
    alone.create()
    assert 'Blocked by' not in guest_daemon.virsh('net-info', 'n2')


def test_rules_of_nftables_alone(connection, boot_defined, server, firewall):
    """Tables of somebody's own that drop what passes and what comes in: the error says which rules are missing, and with them all works."""
    firewall('add table inet mine\n' + ''.join(f'add chain inet mine {hook} {{ type filter hook {hook} priority 0; policy drop; }}\n'
                                               f'add rule inet mine {hook} ct state established,related accept\n' for hook in ('forward', 'input')))
    network = connection.networkDefineXML(network_xml('n1', 31, bridge='virbr31'))
    for _ in ('forward', 'input'):
        firewall(''.join(f'{found}\n' for found in re.findall(r"'nft ([^']+)'", str(caught(network.create)))))
    network.undefine()
    works(connection, boot_defined)


# ---- iptables ----

def saved(program='iptables'):
    return support.run([f'{program}-save']).stdout


def use(daemon, backend):
    """The daemon with this in its network.conf, from now on."""
    with open(os.path.join(daemon.root, 'etc/libvirt/network.conf'), 'w', encoding='utf-8') as f:
        f.write(f'firewall_backend = "{backend}"\n' if backend else '')


needs_iptables = pytest.mark.skipif(not shutil.which('iptables-save'), reason='iptables is not installed')
DROP = ['-P', 'FORWARD', 'DROP']


@pytest.fixture
def own_iptables(guest_daemon, request):
    """A host that has its rules in iptables, by network.conf or (old) in the old tables."""
    if request.param == 'old':
        support.run(['iptables-legacy', *DROP])
    else:
        use(guest_daemon, 'iptables')
    guest_daemon.crash()
    guest_daemon.restart()
    yield
    for program in ('iptables', 'ip6tables', 'iptables-legacy', 'ip6tables-legacy'):
        for words in (['-P', 'FORWARD', 'ACCEPT'], ['-P', 'INPUT', 'ACCEPT'], ['-F'], ['-X'], ['-t', 'nat', '-F'], ['-t', 'nat', '-X']):
            subprocess.run([program, *words], stderr=subprocess.DEVNULL, check=False)
    support.run(['nft', 'flush', 'ruleset'])


DOCKER = [DROP, ['-P', 'INPUT', 'DROP'], ['-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'ACCEPT'], ['-N', 'DOCKER-USER'],
          ['-N', 'DOCKER-FORWARD'], ['-A', 'FORWARD', '-j', 'DOCKER-USER'], ['-A', 'FORWARD', '-j', 'DOCKER-FORWARD'],
          ['-A', 'DOCKER-FORWARD', '-o', 'docker0', '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'],
          ['-A', 'DOCKER-FORWARD', '-i', 'docker0', '-j', 'ACCEPT'], ['-A', 'DOCKER-USER', '-j', 'RETURN'],
          ['-t', 'nat', '-A', 'POSTROUTING', '-s', '172.17.0.0/16', '!', '-o', 'docker0', '-j', 'MASQUERADE']]


@needs_iptables
def test_rules_of_docker(guest_daemon, connection, boot_defined, server, firewall):
    """As Docker sets them up by iptables: everything is dropped that isn't its own; guests get addresses and reach the server all the same."""
    for words in DOCKER:
        support.run(['iptables', *words])
    network = works(connection, boot_defined)
    assert 'Blocked by' not in guest_daemon.virsh('net-info', 'n1')
    network.destroy()
    assert 'virbr31' not in rules() and 'policy drop' in rules() and 'DOCKER-FORWARD' in rules()


@needs_iptables
@pytest.mark.parametrize('own_iptables', ['new'], indirect=True)
def test_iptables(guest_daemon, own_iptables, connection, boot_defined, server):
    """By network.conf; what is forwarded and comes in is dropped by policy. Then back to nftables, while the network runs."""
    for words in (DROP, ['-P', 'INPUT', 'DROP'], ['-I', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'ACCEPT']):
        support.run(['iptables', *words])
    works(connection, boot_defined)
    assert 'libvirt_network' not in rules()
    support.run(['iptables', '-F', 'FORWARD'])
    wait_for(lambda: '-A FORWARD -i virbr31 -j LV_FROM_virbr31' in saved(), 10, 'the rules to be put back')
    assert saved().count('-j LV_') == 5
    use(guest_daemon, 'nftables')
    guest_daemon.crash()
    guest_daemon.restart()
    wait_for(lambda: 'LV_' not in saved() and 'to_virbr31' in rules() and 'libvirt bridge virbr31' in saved(), 10, 'the rules to move')
    use(guest_daemon, 'iptables')
    guest_daemon.crash()
    guest_daemon.restart()
    wait_for(lambda: saved().count('-j LV_') == 5 and 'to_virbr31' not in rules() and 'libvirt bridge' not in saved(), 10,
             'the rules to move back')
    again = libvirt.open(guest_daemon.uri)
    again.networkLookupByName('n1').destroy()
    assert 'virbr31' not in saved()
    again.close()


@pytest.mark.skipif(not shutil.which('iptables-legacy') or subprocess.run(['unshare', '-n', 'iptables-legacy', '-L'], stderr=subprocess.DEVNULL,
                                                                         stdout=subprocess.DEVNULL, check=False).returncode != 0,
                    reason="there is no iptables-legacy, or this kernel hasn't its tables")
@pytest.mark.parametrize('own_iptables', ['old'], indirect=True)
def test_old_iptables(own_iptables, connection, boot_defined, server):
    """A host whose rules are in the old tables, where nftables sees nothing: chosen without being told."""
    for words in DOCKER:
        support.run(['iptables-legacy', *words])
    network = works(connection, boot_defined)
    assert '-A FORWARD -o virbr31 -j LV_TO_virbr31' in saved('iptables-legacy')
    six = "<ip family='ipv6' address='fd00:32::1' prefix='64'/>"
    other = start_network(connection, network_xml('n2', 32, bridge='virbr32').replace('</network>', six + '</network>'))
    assert 'fd00:32::/64' in saved('ip6tables-legacy')
    network.destroy()
    other.destroy()
    assert 'virbr32' not in saved('iptables-legacy') + saved('ip6tables-legacy')
    assert 'virbr31' not in saved('iptables-legacy') + saved('ip6tables-legacy')

