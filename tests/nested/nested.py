# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole Debian host with systemd under QEMU, with our files installed as a distribution would: for what the machine's own kernel
can't do. LIBVIRT_NESTED is the folder that tests/nested/build made."""
import ast
import glob
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
import xml.etree.ElementTree as ET

from guest import bootable

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = os.path.join(HERE, 'inside')
SECONDS = 1200
# A machine that is merely busy says less.
HUNG_SECONDS = 100
# Where guests of KVM run in it, one of two processors now and then slept on although the other had called it, and waited for ever ("soft
# lockup"; QEMU 7.2). So it has but one, and a timer that ticks by itself, instead of being set anew by each tick: none can be lost.
TICK = 'nohz=off highres=off'
# The host is booted for each: all in one boot would take too long.
SELINUX = 'selinux'
PARTS = ('^(?!test_(storage|selinux))', 'storage') + ((SELINUX,) if os.environ.get('LIBVIRT_TEST_LONG') else ())
MEMORY_MIB = 2048


def missing():
    """Why there is no nested host, or None."""
    folder = os.environ.get('LIBVIRT_NESTED')
    if not folder:
        return 'LIBVIRT_NESTED is not set (tests/nested/build DIR makes the host)'
    if not os.path.exists(os.path.join(folder, 'root.img')):
        return f'{folder} has no nested host (tests/nested/build makes it)'
    return None


def names(only):
    """'FILE::FUNCTION' of every test that is run inside, of files whose names match, without importing them: what they import is only
    there."""
    found = []
    for path in sorted(glob.glob(os.path.join(INSIDE, 'test_*.py'))):
        if not re.search(only, os.path.basename(path)):
            continue
        with open(path, encoding='utf-8') as f:
            module = ast.parse(f.read())
        found += [f'{os.path.basename(path)[:-3]}::{item.name}' for item in module.body
                  if isinstance(item, ast.FunctionDef) and item.name.startswith('test_')]
    return found


def payload(folder, build, guest, only):
    """The second disk: our files, the tests, a tiny guest."""
    content = os.path.join(folder, 'payload')
    os.makedirs(content)
    subprocess.run(['meson', 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', os.path.join(content, 'tree')], check=True)
    shutil.copytree(INSIDE, os.path.join(content, 'tests'), ignore=shutil.ignore_patterns('__pycache__'))
    for path in glob.glob(os.path.join(content, 'tests', 'test_*.py')):
        if not re.search(only, os.path.basename(path)):
            os.unlink(path)
    shutil.copy(os.path.join(HERE, 'begin'), content)
    if os.environ.get('LIBVIRT_TEST_LONG'):
        open(os.path.join(content, 'long'), 'w', encoding='utf-8').close()
    os.makedirs(os.path.join(content, 'guest'))
    for name in ('vmlinuz', 'initrd.img', 'cmdline'):
        if os.path.exists(os.path.join(guest, name)):
            shutil.copy(os.path.join(guest, name), os.path.join(content, 'guest'))
    with open(os.path.join(content, 'guest', 'boot.img'), 'wb') as f:
        f.write(bootable.sector(3 << 20).ljust(4 << 20, b'\0'))
    size = sum(os.lstat(os.path.join(where, name)).st_size for where, _, files in os.walk(content) for name in files)
    image = os.path.join(folder, 'payload.img')
    with open(image, 'wb') as f:
        f.truncate(size + size // 4 + (64 << 20))
    subprocess.run(['mkfs.ext4', '-q', '-F', '-m', '0', '-d', content, image], check=True)
    shutil.rmtree(content)
    return image


def command(host, folder, image, only):
    disk = 'if=virtio,format=raw,snapshot=on,cache=unsafe'
    return ['qemu-system-x86_64', '-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', str(MEMORY_MIB),
            '-nodefaults', '-display', 'none', '-no-reboot', '-serial', f'file:{folder}/console',
            '-kernel', f'{host}/vmlinuz', '-initrd', f'{host}/initrd.img',
            '-append', f'root=/dev/vda rw console=ttyS0 mitigations=off {TICK} systemd.show_status=no quiet' +
            (' security=selinux selinux=1 enforcing=0' if only == SELINUX else ''),
            '-drive', f'file={host}/root.img,{disk}', '-drive', f'file={image},{disk}',
            '-device', 'virtio-rng-pci',
            # for tests of node devices: nobody needs it
            '-blockdev', 'null-co,node-name=spare,size=16777216,read-zeroes=on', '-device', 'pcie-root-port,id=port1,chassis=1,slot=1',
            '-device', 'nvme,drive=spare,serial=SPARE,bus=port1', '-device', 'virtio-serial-pci',
            '-chardev', f'file,id=report,path={folder}/report.tar', '-device', 'virtserialport,chardev=report,name=report']


def tail(path, lines):
    try:
        with open(path, encoding='utf-8', errors='replace') as f:
            return ''.join(f.readlines()[-lines:])
    except OSError as problem:
        return str(problem)


class Report:
    """What one run of the host has brought: @results maps 'FILE::FUNCTION' to (outcome, text)."""
    def __init__(self, folder):
        self.folder = folder
        self.results = {}
        try:
            with tarfile.open(os.path.join(folder, 'report.tar')) as archive:
                archive.extractall(os.path.join(folder, 'report'))
        except (OSError, tarfile.TarError) as problem:
            raise AssertionError(f'the nested host reported nothing ({problem}):\n{tail(os.path.join(folder, "qemu"), 10)}\n'
                                 f'{tail(os.path.join(folder, "console"), 60)}')
        results = os.path.join(folder, 'report', 'results.xml')
        if not os.path.exists(results):
            raise AssertionError(f'no test ran in the nested host:\n{self.text("output")}')
        for case in ET.parse(results).getroot().iter('testcase'):
            name = f'{case.get("classname").split(".")[-1]}::{case.get("name").split("[")[0]}'
            outcome, text = 'passed', ''
            for child in case:
                if child.tag in ('failure', 'error', 'skipped'):
                    outcome, text = child.tag, child.get('message', '') + '\n' + (child.text or '')
            if self.results.get(name, ('passed',))[0] == 'passed':
                self.results[name] = (outcome, text)

    def text(self, name, lines=200):
        return tail(os.path.join(self.folder, 'report', name), lines)

    def guests(self):
        """The last words of QEMUs inside: what KVM can't go on with stands there."""
        return '\n'.join(f'{os.path.basename(path)}:\n{tail(path, 12)}' for path in sorted(glob.glob(os.path.join(self.folder, 'report/guests/*.log'))))

    def sanitizers(self):
        """Reports of sanitizers, as text."""
        return '\n'.join(tail(path, 60) for path in sorted(glob.glob(os.path.join(self.folder, 'report/sanitizers/*'))))


def hangs(folder):
    """Whether a processor of the host has stood still for long."""
    return any(int(seconds) >= HUNG_SECONDS for seconds in re.findall(r'soft lockup - CPU#\d+ stuck for (\d+)s', tail(os.path.join(folder, 'console'), 200)))


def wait_for_end(qemu, folder, seconds):
    """None, or how the host failed to end."""
    end = time.monotonic() + seconds
    while True:
        try:
            qemu.wait(5)
            return None
        except subprocess.TimeoutExpired:
            if hangs(folder):
                return 'hangs'
            if time.monotonic() > end:
                return f'did not end in {seconds} s'


def run(folder, build, guest, only, seconds=SECONDS):
    """Boot the host with what @build installs and run the tests inside whose file's name matches @only; gives the Report. What
    it needs and brings is in @folder, which the caller removes."""
    host = os.environ['LIBVIRT_NESTED']
    image = payload(folder, build, guest, only)
    with open(os.path.join(folder, 'qemu'), 'wb') as log:
        qemu = subprocess.Popen(command(host, folder, image, only), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        failure = wait_for_end(qemu, folder, seconds)
        if failure:
            qemu.send_signal(signal.SIGKILL)
            qemu.wait()
            raise AssertionError(f'the nested host {failure}:\n{tail(os.path.join(folder, "console"), 80)}')
    return Report(folder)
