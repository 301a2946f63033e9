# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/mistakes.md is true: each mistake of its tables gets the answer that stands beside it.

What is written is put into a small guest: elements of <devices> there, other ones beside them; a whole <domain> stays as it is."""
import concurrent.futures
import os
import re
import subprocess

import pytest

import support
import wire
from support import tree

PAGE = os.path.join(support.SOURCE, 'docs/mistakes.md')
MARK = re.compile(r'^<!-- mistakes: (\w+) -->$')
ROW = re.compile(r'^\| (?P<what>[^|]+) \| `(?P<xml>[^`]+)` \| (?P<told>.+) \|$')
COMMANDS = {'define': ['define'], 'validate': ['define', '--validate'], 'start': ['create', '--paused']}
ABOVE = {'arch': 'x86_64', 'machine': 'q35'}
# Elements beside <devices>; all others are devices.
TOP = set('''blkiotune bootloader clock cpu cputune currentMemory description features genid idmap iothreads iothreadids keywrap launchSecurity
maxMemory memery memory memoryBacking memtune metadata name numatune on_crash on_poweroff on_reboot os perf pm resource seclabel sysinfo title uuid
vcpu vcpus'''.split())
FEWEST = 100


def rows(text):
    """(number of the line, way to try, match) of each row."""
    way = None
    for number, line in enumerate(text.splitlines()):
        mark, row = MARK.match(line), ROW.match(line)
        if mark:
            way = mark.group(1)
        elif row and way:
            yield number, way, row
        elif not line.startswith('|'):
            way = None if way and not line.startswith('<!--') and line.strip() else way


def document(written, folder):
    """The whole document, with the part on its second line."""
    written = written.replace('FOLDER', folder)
    if re.match(r'<doma|<domi|[^<]', written):
        return written
    name = re.match(r'<([\w:]+)', written).group(1)
    parts = {'name': '<name>guest</name>', 'memory': "<memory unit='MiB'>64</memory>",
             'os': f"<os><type arch='{ABOVE['arch']}' machine='{ABOVE['machine']}'>hvm</type></os>"}
    if written.startswith('<memory model'):    # a device, which has the name of the domain's memory
        name = 'device'
    parts.pop(name, None)
    top, device = (f'\n{written}\n', '') if name in TOP else ('', f'\n{written}\n')
    return f"<domain type='qemu'>{''.join(parts.values())}{top}<devices>{device}</devices></domain>"


def told(done, path, folder):
    """What virsh printed, in one line of a table."""
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith('error: Failed to ')]
    text = '\n'.join(line.removeprefix('error: ').rstrip() for line in lines).replace(path, 'FILE').replace(folder, 'FOLDER')
    text = re.sub(r'QEMU \d+\.\d+\.\d+', 'QEMU 7.2.0', text)
    return '<br>'.join(f'`{line.strip()}`' for line in text.replace('|', '\\|').split('\n')) or 'taken, and nothing said'


def attempt(virsh, daemon, way, row, folder, number):
    path = os.path.join(folder, f'{number}.xml')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(document(row.group('xml'), folder).replace('<name>guest<', f'<name>guest{number}<'))
    command, *options = COMMANDS[way]
    done = subprocess.run([virsh, '-c', daemon.uri, command, path, *options], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 0:
        subprocess.run([virsh, '-c', daemon.uri, 'undefine' if command == 'define' else 'destroy', f'guest{number}'],
                       capture_output=True, timeout=120, check=False)
    answer = told(done, path, folder).replace(f'guest{number}', 'guest')
    return answer if done.returncode or answer.startswith('`warning') else 'taken, and nothing said'


def prepare(folder):
    """The images that the page speaks of."""
    image = os.path.join(folder, 'image')
    with open(image, 'wb') as f:
        f.truncate(1 << 20)
    with open(os.path.join(folder, 'text'), 'w', encoding='utf-8') as f:
        f.write('this is no kernel\n' * 100)
    support.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-u', '-b', os.path.join(folder, 'none'), '-F', 'raw',
                 os.path.join(folder, 'layer.qcow2'), '1M'])


@pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='these are our messages')
def test_answers(daemon, tmp_path):
    virsh = tree.place(support.BUILD, 'virsh')
    folder = str(tmp_path)
    prepare(folder)
    with open(PAGE, encoding='utf-8') as f:
        text = f.read()
    table = list(rows(text))
    assert len(table) >= FEWEST
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda job: attempt(virsh, daemon, job[1], job[2], folder, job[0]), table))
    wrong = [f"{PAGE}:{number + 1}: {row.group('what')}\n  page: {row.group('told')}\n  told: {answer}"
             for (number, _, row), answer in zip(table, answers) if answer != row.group('told')]
    assert not wrong, '\n'.join(wrong)


DIES_AT_ONCE = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>early</name><memory>65536</memory>
<os><type>hvm</type></os><qemu:commandline><qemu:arg value='-nonsense'/></qemu:commandline></domain>"""


@pytest.mark.skipif(not support.have('strace'), reason='strace, which holds the daemon up, is missing')
@pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='these are our messages')
def test_early_death(daemon, protocol):
    """QEMU may be gone before anybody could connect to it: its words are told all the same."""
    slow = ['strace', '-f', '-e', 'trace=connect', '-e', 'inject=connect:delay_enter=300000', '-o', '/dev/null', '-p', str(daemon.process.pid)]
    with subprocess.Popen(slow, stderr=subprocess.PIPE) as tracer:
        try:
            assert b'attached' in tracer.stderr.readline()
            with wire.Client(daemon.socket, protocol) as connection:
                connection.open()
                with pytest.raises(wire.RemoteError, match='-nonsense: invalid option'):
                    connection.call('DOMAIN_CREATE_XML', xml_desc=DIES_AT_ONCE, flags=0)
        finally:
            tracer.terminate()
