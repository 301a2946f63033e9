# SPDX-License-Identifier: LGPL-2.1-or-later
"""virsh on the test driver and beside Debian's virsh on one daemon: help, output, JSON, exit codes, editing."""
import glob
import json
import os
import re
import socket
import subprocess

import pytest

import shapes
import support
from support import tree, written

SHAPES = os.path.join(support.SOURCE, 'tools/virsh/json')


@pytest.fixture(scope='module')
def program():
    try:
        return tree.place(support.BUILD, 'virsh')
    except tree.NotBuilt as problem:
        pytest.skip(str(problem))


@pytest.fixture
def virsh(program):
    """Runs our virsh on the test driver."""
    def call(*words, uri='test:///default', check=True, stdin=None, env=None):
        done = subprocess.run([program, '-c', uri, *words], capture_output=True, text=True, input=stdin or '',
                              env=dict(os.environ, **(env or {})), timeout=60, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done
    return call


def test_checker_finds_mistakes():
    shape = {'type': 'object', 'properties': {'a': {'type': 'integer'}}}
    shapes.check({'a': 1}, shape)
    for wrong in ({}, {'a': '1'}, {'a': True}, {'a': 1, 'b': 2}, [], None):
        with pytest.raises(AssertionError):
            shapes.check(wrong, shape)


def test_help_of_every_command(virsh):
    with open(os.path.join(support.SOURCE, 'tests/data/virsh/synopsis.txt'), encoding='utf-8') as f:
        synopses = [line.rstrip('\n') for line in f if not line.startswith(('#', '['))]
    text = virsh('; '.join('help ' + s.split()[0] for s in synopses)).stdout
    shown = re.findall(r'^  SYNOPSIS\n    (.*)$', text, re.M)
    assert shown == synopses
    groups = re.findall(r"^ .* \(help keyword '(\w+)'\):$", virsh('help').stdout, re.M)
    groups.remove('more')   # commands of ours alone
    assert len(groups) == 15 and sum(len(virsh('help', g).stdout.splitlines()) - 2 for g in groups) == len(synopses)


JSON_COMMANDS = ['list --all', 'list --all --title --managed-save', 'dominfo test', 'domstate test', 'domid test',
                 'domname test', 'domuuid test', 'domstats', 'domblklist test', 'domiflist test', 'nodeinfo', 'hostname',
                 'uri', 'version', 'maxvcpus', 'desc test']


@pytest.mark.parametrize('command', JSON_COMMANDS)
def test_json_shapes(virsh, command):
    name = command.split()[0]
    shape = re.search(r"--format json +print JSON \(shape '(.*)'\)", virsh('help', name).stdout).group(1)
    done = virsh(*command.split(), '--format', 'json', check=False)
    if done.returncode and 'not supported' in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    shapes.check(json.loads(done.stdout), shapes.load(SHAPES, shape))


def test_every_shape_is_used_and_valid(virsh):
    text = virsh('self-test', '--dump-help').stdout
    used = set(re.findall(r"\(shape '(.*)'\)", text))
    assert used == {n[:-5] for n in os.listdir(SHAPES) if n.endswith('.json')}
    for name in used:
        assert shapes.load(SHAPES, name)['description']


# Options of the commands, and the elements that Debian's virsh writes for them.
MOMENTS = {
    ('snapshot', '--diskspec vda,snapshot=external,file=/a,,b,stype=file,driver=qcow2 --diskspec vdb,snapshot=no'):
        """  <disks>
    <disk name='vda' snapshot='external' type='file'>
      <driver type='qcow2'/>
      <source file='/a,b'/>
    </disk>
    <disk name='vdb' snapshot='no'/>
  </disks>
""",
    ('snapshot', '--memspec file=/m,snapshot=external --diskspec vda,stype=block,file=/dev/x'):
        """  <memory snapshot='external' file='/m'/>
  <disks>
    <disk name='vda' type='block'>
      <source dev='/dev/x'/>
    </disk>
  </disks>
""",
    ('snapshot', '--name n --description d'): "  <name>n</name>\n  <description>d</description>\n",
    ('checkpoint', ''): '',
    ('checkpoint', '--diskspec vda,checkpoint=bitmap,bitmap=b1 --diskspec vdb,checkpoint=no'):
        """  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='b1'/>
    <disk name='vdb' checkpoint='no'/>
  </disks>
""",
}


@pytest.mark.parametrize('what,words', MOMENTS)
def test_xml_of_moments(virsh, what, words):
    done = virsh(f'{what}-create-as', 'test', '--print-xml', *words.split())
    assert done.stdout == f'<domain{what}>\n{MOMENTS[what, words]}</domain{what}>\n\n\n'


@pytest.mark.parametrize('spec,error', [('vda,x=1', 'unable to parse diskspec: vda,x=1'),
                                        ('vda,snapshot=a,snapshot=b', 'unable to parse diskspec'),
                                        ('vda,stype=net', "Unknown storage type: 'net'")])
def test_bad_disks_of_snapshots(virsh, spec, error):
    done = virsh('snapshot-create-as', 'test', '--print-xml', '--diskspec', spec, check=False)
    assert done.returncode == 1 and error in done.stderr and not done.stdout.strip()


@pytest.mark.parametrize('words,error', [
    (['nosuch'], "unknown command: 'nosuch'"),
    (['lsit'], "unknown command: 'lsit'; did you mean 'list'?"),
    (['list', '--nosuch'], "command 'list' doesn't support option --nosuch"),
    (['list', 'x'], "unexpected data 'x'"),
    (['dominfo'], "command 'dominfo' requires <domain> option"),
    (['dominfo', '--domain'], 'expected syntax: --domain <string>'),
    (['dominfo', 'nosuch'], "failed to get domain 'nosuch'"),
    (['dominfo', ''], "Failed to get option 'domain': Option argument is empty"),
    (['list', '--all', '--all'], 'option --all already seen'),
    (['list', '--format', 'xml'], "unknown format 'xml', expecting 'text' or 'json'"),
    (['help', 'nosuch'], "command or command group 'nosuch' doesn't exist"),
    (['define', '/nonexistent'], "Failed to open file '/nonexistent': No such file or directory"),
    (['start', 'test'], 'Domain is already active'),
    (['nodeinfo; dominfo nosuch'], "failed to get domain 'nosuch'"),
])
def test_errors(virsh, words, error):
    done = virsh(*words, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == 'error: ' + error


def test_line_with_a_mistake_does_nothing(virsh):
    done = virsh('destroy test; nosuch; list', check=False)
    assert done.returncode == 1 and done.stdout == ''


def test_life_cycle_messages(virsh):
    out = virsh('suspend test; domstate test; resume test; domstate test; destroy test; domstate test; start test; list')
    assert "Domain 'test' suspended" in out.stdout and 'paused' in out.stdout
    assert "Domain 'test' resumed" in out.stdout and "Domain 'test' destroyed" in out.stdout
    assert "Domain 'test' started" in out.stdout and re.search(r'^ \d+ +test +running$', out.stdout, re.M)
    assert virsh('-q', 'suspend test; resume test').stdout == ''


def test_script_from_standard_input(virsh):
    out = virsh(stdin='list --name\n\n# a comment\necho "a; b"\nnosuch\nquit\nlist\n')
    assert 'Welcome to virsh' in out.stdout and out.stdout.count('virsh # ') == 6
    assert 'test\n' in out.stdout and 'a; b' in out.stdout and "unknown command: 'nosuch'" in out.stderr
    assert out.stdout.endswith('virsh # quit\n\n')


def test_complete(virsh):
    assert virsh('complete', '--', 'domin').stdout.split() == ['dominfo']
    assert virsh('complete', '--', 'dominfo', '').stdout.split() == ['test']
    assert virsh('complete', '--', 'list', '--state-p').stdout.split() == ['--state-paused']
    assert virsh('complete', '--', 'shutdown', 'test', '--mode', 'a').stdout.split() == ['acpi', 'agent']


def edit(virsh, tmp_path, script, **options):
    editor = tmp_path / 'editor'
    editor.write_text('#!/bin/sh\n' + script)
    editor.chmod(0o755)
    env = {'VISUAL': str(editor), 'EDITOR': '', 'TMPDIR': str(tmp_path)}
    return virsh('edit test; desc test --config', env=env, check=False, **options)


def test_edit(virsh, tmp_path):
    done = edit(virsh, tmp_path, 'sed -i "s|</name>|</name><description>new one</description>|" "$1"\n')
    assert "Domain 'test' XML configuration edited." in done.stdout, done.stderr
    assert 'new one' in done.stdout
    assert [n for n in os.listdir(tmp_path) if n.startswith('virsh')] == []


def test_edit_without_change(virsh, tmp_path):
    done = edit(virsh, tmp_path, 'true\n')
    assert "Domain 'test' XML configuration not changed." in done.stdout
    assert [n for n in os.listdir(tmp_path) if n.startswith('virsh')] == []


def test_edit_keeps_a_refused_text(virsh, tmp_path):
    done = edit(virsh, tmp_path, 'echo "<precious" > "$1"\n')
    path = re.search(r'your text is kept in (\S+)', done.stderr).group(1)
    with open(path, encoding='utf-8') as f:
        assert f.read() == '<precious\n'
    os.unlink(path)


COMPARED = ['list', 'list --all', 'list --all --title', 'list --all --name --uuid', 'list --inactive --id', 'dominfo test',
            'domstate test --reason', 'domid test', 'domuuid test', 'dumpxml test', 'dumpxml test --xpath //name',
            'dumpxml test --xpath //target --wrap', 'desc test', 'desc test --title', 'domblklist test --details',
            'domiflist test', 'nodeinfo', 'hostname', 'freecell', 'nodecpumap', 'maxvcpus', 'dominfo nosuch',
            'domcontrol test', 'domdisplay test', 'domblkinfo test vda', 'vcpucount test', 'cpu-models x86_64',
            'domstats test --state', 'suspend test', 'net-list --all', 'domjobinfo test', 'list --nosuch',
            'destroy test; start test; list', 'start test', 'undefine nosuch', 'autostart test', 'capabilities',
            'dommemstat test', 'domifaddr test', 'resume test', 'reboot test --mode wrong', 'setmem test 1x',
            'event --event nosuch', 'console test', 'net-info default', 'pool-list --all', 'nodedev-list', 'vcpuinfo test']


def comparable(done):
    """What is compared: without the CPU time, which goes on."""
    return re.sub(r'CPU time: .*\n', '', done.stdout), done.stderr, done.returncode


def test_same_output_as_debian(program, daemon):
    if not support.have(support.DEBIAN_VIRSH):
        pytest.skip('libvirt-clients is not installed')
    uri = daemon.uri.replace('qemu+unix:///system', 'test+unix:///default')
    differing = {}
    for command in COMPARED:
        for quiet in ([], ['-q']):
            words = ['-c', uri, *quiet, command]
            ours = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)
            if "isn't available in this build yet" in ours.stderr:
                continue
            if 'not supported by the connection driver' in ours.stderr:
                continue  # Debian's then tries calls that were superseded long ago, and names those
            theirs = subprocess.run([support.DEBIAN_VIRSH, *words], capture_output=True, text=True, timeout=60,
                                    env=support.foreign_environment(), check=False)
            if comparable(ours) != comparable(theirs):
                differing[' '.join(quiet + [command])] = (comparable(ours), comparable(theirs))
    assert not differing


def test_wait(virsh):
    assert virsh('wait test --state running').stderr == ''
    late = virsh('wait test --state shutoff --timeout 1', check=False)
    assert late.returncode == 1 and late.stderr == "error: timed out: domain 'test' is not shut off\n"
    assert virsh('destroy test; wait test --state shutoff; await test --condition domain-inactive').stderr == ''
    for line, error in (('wait test', 'one of --state, --ip, --agent or --job is required'),
                        ('wait test --ip --job', 'Options --ip and --job are mutually exclusive'),
                        ('await test --condition x', "unknown condition 'x', expecting 'domain-inactive' or "
                                                     "'guest-agent-available'")):
        assert virsh(line, check=False).stderr == f'error: {error}\n'


def test_wait_is_woken_by_the_event(program, daemon):
    uri = daemon.uri.replace('qemu+unix:///system', 'test+unix:///default')
    with subprocess.Popen([program, '-c', uri, 'list --name; wait test --state shutoff --timeout 60'],
                          stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout.readline() == 'test\n'
        support.run([program, '-c', uri, 'destroy test'])
        assert waiting.wait(60) == 0


def test_addresses_of_all_sources(virsh):
    done = virsh('domifaddr', 'test', '--source', 'all', check=False)
    if 'not supported' in done.stderr:
        pytest.skip(done.stderr)
    assert re.search(r'^ testnet0 +aa:bb:cc:dd:ee:ff +ipv4 +192\.168\.122\.3/24 +lease,agent,arp$', done.stdout, re.M)


def test_addresses_whoever_knows_them(virsh, program):
    """Merged by default, as Debian's shows those of leases; documents and terminals are told who knows them."""
    line = ' testnet0   aa:bb:cc:dd:ee:ff    ipv4         192.168.122.3/24'
    for words in (['test'], ['test', 'testnet0'], ['test', 'AA:bb:cc:dd:ee:ff', '--full'], ['test', '--wait', '--timeout', '5']):
        assert virsh('domifaddr', *words).stdout.splitlines()[2:] == [line, '']
    [known] = json.loads(virsh('domifaddr', 'test', '--format', 'json').stdout)
    shapes.check([known], shapes.load(SHAPES, 'domain-addresses'))
    assert known['source'] == 'lease,agent,arp' and known['address'] == '192.168.122.3'
    assert virsh('domifaddr', 'test', 'nosuch').stdout.splitlines()[2:] == ['']
    late = virsh('domifaddr', 'test', 'nosuch', '--wait', '--timeout', '1', check=False)
    assert late.returncode == 1 and late.stderr == "error: timed out: domain 'test' has no address on interface nosuch\n"
    late = virsh('destroy test; domifaddr test --wait', check=False)
    assert late.returncode == 1 and 'domain is not running' in late.stderr
    done = subprocess.run(['script', '-qec', f'{program} -c test:///default domifaddr test', '/dev/null'], capture_output=True, text=True,
                          timeout=60, check=True)
    assert line + '  (lease,agent,arp)' in done.stdout


def test_ports_that_lead_to_a_guest(program, tmp_path):
    """Where nobody reaches the guest otherwise: people see the way, programs see addresses only."""
    with open(tmp_path / 'g.xml', 'w', encoding='utf-8') as f:
        f.write("<domain type='test'><name>g</name><memory>1024</memory><os><type>hvm</type></os><devices><interface type='user'>"
                "<mac address='52:54:00:01:02:03'/><portForward proto='tcp' address='127.0.0.1'><range start='2222' to='22'/>"
                "<range start='8000' end='8010'/><range start='8005' exclude='yes'/></portForward></interface></devices></domain>")
    words = f'create {tmp_path}/g.xml; domifaddr g'
    done = subprocess.run(['script', '-qec', f'{program} -c test:///default "{words}"', '/dev/null'], capture_output=True, text=True,
                          timeout=60, check=True)
    shown = [line.split('port ')[1].strip() for line in done.stdout.splitlines() if ' leads to ' in line]
    assert shown == ['2222 at 127.0.0.1 of the host leads to 22', '8000-8010 at 127.0.0.1 of the host leads to 8000'], done.stdout
    done = support.run([program, '-c', 'test:///default', words])
    assert ' leads to ' not in done.stdout


def test_deadline(program, tmp_path):
    """A daemon that takes the connection and says nothing."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / 's'))
        silent.listen()
        done = subprocess.run([program, '--timeout', '1', '-c', f'qemu+unix:///system?socket={tmp_path}/s', 'list'],
                              capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and done.stderr == 'error: no answer within 1 s (--timeout)\n'
    for wrong in ('0', 'x', '-1'):
        done = subprocess.run([program, '--timeout', wrong, 'list'], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and 'Invalid value for option --timeout' in done.stderr


def test_top(virsh):
    out = virsh('top', '--interval', '1').stdout
    assert re.search(r'^ 1 +test +running +2 +[\d.]+ +[\d.]+ [KMG]iB +', out, re.M)
    done = virsh('top', '--interval', '1', '--count', '2', '--format', 'json').stdout
    first, end = json.JSONDecoder().raw_decode(done)
    second = json.loads(done[end:])
    for one in (first, second):
        shapes.check(one, shapes.load(SHAPES, 'top'))
        assert one[0]['name'] == 'test' and one[0]['cpu_percent'] > 0
    for wrong in ('--interval 0', '--count -1', '--sort nosuch'):
        assert virsh('top ' + wrong, check=False).returncode == 1


SET = [     # words of `set` on the machine below, and what it then has or why it is refused
    (['memory@unit=MiB', 'memory=1024', 'title=A & B <c>'], ['<memory unit="KiB">1048576</memory>', '<title>A &amp; B &lt;c&gt;</title>']),
    (['devices.disk[vda].driver@cache=none', 'domain.devices.disk[2].driver@discard=unmap'],
     ['<driver name="qemu" type="qcow2" cache="none"/>', '<driver discard="unmap"/>']),
    (['devices.disk[3]@type=file', 'devices.disk[3].source@file=/c=d.img', 'devices.disk[3].target@dev=vdc', 'devices.disk[3].target@bus=virtio'],
     ['<source file="/c=d.img"/>']),
    (['--unset', 'devices.disk[/images/data.img]', 'cpu'], []),
    (['devices.disk@type=file'], 'there are 2 <disk>; say which'),
    (['devices.disk[vdz].driver@io=native'], "0 of 2 <disk> have the value 'vdz'"),
    (['devices.disk[9]@type=file'], 'there are 2 <disk> in <devices>'),
    (['--unset', 'devices.tpm'], 'there are 0 <tpm> in <devices>'),
    (['--unset', 'devices.disk[1]@snapshot'], 'has no such attribute'),
    (['devices.dsk@type=file'], "'devices' has no element 'dsk'; it has emulator, disk"),
    (['cpu@mod=maximum'], "'cpu' has no attribute 'mod'; it has mode"),
    (['title=x', 'cpu@mode=maximal'], "domain.cpu@mode: invalid value 'maximal': allowed: custom, host-model"),
    (['devices=x'], '<devices> holds elements'),
    (['qemu:commandline.qemu:arg@value=-S'], 'what has a namespace of its own'),
    (['memory'], "'memory' is no change; one looks like"),
    (['a..b=1'], 'is no path of a value'), (['devices.disk[=1'], 'is no path of a value'), (['devices.disk[]=1'], 'is no path of a value'),
    (['devices.disk[vda=1'], 'is no path of a value'), (['domain.=1'], 'names the whole definition'), (['=1'], 'names the whole definition'),
]


@pytest.mark.parametrize('words,expected', SET, ids=lambda x: x[-1] if isinstance(x, list) and x else '')
def test_set(virsh, words, expected):
    """Single values of a definition; what is refused leaves it as it was."""
    show = 'dumpxml described --xpath //domain'
    lines = [f"define {os.path.join(support.SOURCE, 'tests/bench/domain.xml')}", show, ' '.join(map(repr, ['set', 'described', *words])), show]
    done = virsh(stdin='\n'.join(lines))
    before, after = re.findall(r'^<domain .*?^</domain>$', done.stdout, re.M | re.S)
    if isinstance(expected, str):
        assert expected in done.stderr and after == before
        return
    assert not done.stderr and "Domain 'described' changed" in done.stdout and after != before
    assert all(line in after for line in expected)
    assert expected or ('/images/data.img' not in after and '<cpu ' not in after and '/images/system.qcow2' in after)


def test_explain(virsh):
    out = virsh('explain', 'domain.devices.disk.driver@cache').stdout
    assert out.startswith('domain.devices.disk.driver@cache\n  Cache mode.\n  Value: default, none, ') and 'Since 0.6.0' in out
    assert '    @placement ' in virsh('explain', 'domain.vcpu').stdout
    told = json.loads(virsh('explain', 'domain.memory', '--format', 'json').stdout)
    shapes.check(told, shapes.load(SHAPES, 'explanation'))
    assert [m['kind'] for m in told['members']] == ['attribute', 'text']
    for path, error in (('nosuch', "no format 'nosuch', expecting one of domain, "),
                        ('domain.devices.nosuch', "'devices' has no element 'nosuch'; it has emulator, "),
                        ('domain.vcpu@nosuch', "'vcpu' has no attribute 'nosuch'; it has placement, "),
                        ('domain.name.x', "'name' has no element 'x'"), ('@', "no format ''")):
        done = virsh('explain', path, check=False)
        assert done.returncode == 1 and done.stderr.startswith('error: ' + error)
    assert virsh('complete', '--', 'explain', 'domain.devices.disk.d').stdout.split() == ['domain.devices.disk.driver']
    assert 'domain.vcpu@placement' in virsh('complete', '--', 'explain', 'domain.vcpu@').stdout.split()


def test_what_a_file_would_change(virsh, tmp_path):
    now = virsh('dumpxml', 'test').stdout
    same = written(tmp_path, now.replace("<memory unit='KiB'>8388608<", "<memory unit='GiB'>8<"))
    assert virsh('define', same, '--check').stdout == f'{same} would change nothing\n\n'
    assert virsh('-q', 'define', same, '--diff').stdout == ''
    other = now.replace('<clock', '<title>new</title><clock').replace('diskimage1', 'other').replace('>8388608<', '>1024<')
    other = written(tmp_path, re.sub('<interface.*</interface>', '', other, flags=re.S))
    done = virsh('-q', 'define', other, '--diff').stdout
    assert set(done.splitlines()) == {
        '+ domain.title', '~ domain.devices.disk[vda].source@file: /guest/diskimage1 -> /guest/other',
        '~ domain.memory: 8589934592 bytes -> 1048576 bytes', '- domain.devices.interface[testnet0]'}
    assert virsh('define', other, '--check', check=False).returncode == 1
    fresh = written(tmp_path, now.replace('<name>test<', '<name>fresh<'))
    assert virsh('-q', 'define', fresh, '--diff').stdout == '+ domain: there is no such object yet\n'
    assert 'fresh' not in virsh('list', '--all').stdout
    net = written(tmp_path, virsh('net-dumpxml', 'default').stdout.replace('.254', '.200'))
    assert virsh('-q', 'net-define', net, '--diff').stdout == \
        '~ network.ip[192.168.122.1].dhcp.range@end: 192.168.122.254 -> 192.168.122.200\n'
    broken = virsh('define', written(tmp_path, '<domain'), '--check', check=False)
    assert broken.returncode == 1 and "isn't well-formed XML" in broken.stderr


def test_what_would_be_dropped(virsh, tmp_path):
    """Elements and attributes that no format has are warned of; nothing that we print is."""
    shown = virsh('dumpxml', 'test').stdout
    other = shown.replace('<clock ', '<clok/><clock ofset="utc" ').replace("type='test'", "type='test' xmlns:x='http://example.org/'")
    other = other.replace('</metadata>', '').replace('<os>', '<x:y/><metadata><x:z><any/></x:z></metadata><os>')
    path = written(tmp_path, other)
    told = [re.sub(r'^warning: .*?:[0-9]+: ', '', line) for line in virsh('define', path, check=False).stderr.splitlines()
            if line.startswith('warning: ')]
    assert told == ["element 'y' of <domain> is unknown and will be dropped",
                    "element 'clok' of <domain> is unknown and will be dropped; did you mean 'clock'?",
                    "attribute 'ofset' of <clock> is unknown and will be dropped; did you mean 'offset'?"]
    assert virsh('-q', 'define', path, check=False).stderr.count('warning') == 0
    before = virsh('dumpxml', 'test', '--inactive').stdout
    strict = virsh('-q', 'define', path, '--strict', check=False)
    assert strict.returncode == 1 and strict.stderr.count('will be dropped') == 3 and 'nothing was done' in strict.stderr
    assert virsh('dumpxml', 'test', '--inactive').stdout == before
    assert virsh('define', written(tmp_path, before), '--strict').stderr == ''
    device = written(tmp_path, "<interface type='network'><source network='default'/><modell/></interface>")
    assert "element 'modell' of <interface> is unknown and will be dropped; did you mean 'model'?" in \
        virsh('attach-device', 'test', device, '--config', check=False).stderr
    ours = sorted(glob.glob(os.path.join(support.SOURCE, 'tests/data/**/*.xml'), recursive=True))
    ours = [path for path in ours if '/corpus/' not in path]
    assert len(ours) > 100
    done = virsh(stdin=''.join(f'define {path}\n' for path in ours), check=False)
    assert [line for line in done.stderr.splitlines() if line.startswith('warning: ')] == []
