# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures one implementation: its daemon, its client library, its virsh. Runs beside it (in the reference's root,
too), so it uses only the standard library. Prints JSON lines: {"name", "unit", "values"}."""
import argparse
import contextlib
import glob
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

START_SECONDS = 120
TEMPLATE = '''<domain type='qemu'>
  <name>{name}</name>{uuid}
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>{devices}
    <memballoon model='none'/>
  </devices>
</domain>
'''
DEVICES = '''
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/nonexistent/{name}.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'>
      <model type='virtio'/>
    </interface>
    <serial type='pty'/>
    <console type='pty'/>'''


def many_devices(name):
    """A guest with 30 devices, all of which QEMU can have without anything of the host."""
    devices = "<controller type='usb' model='qemu-xhci'/>" + "<interface type='user'><model type='virtio'/></interface>" * 8
    devices += ''.join(f"<channel type='null'><target type='virtio' name='port.{i}'/></channel>" for i in range(8))
    devices += ''.join(f"<disk type='file' device='cdrom'><target dev='sd{chr(97 + i)}' bus='scsi'/></disk>" for i in range(6))
    devices += "<controller type='scsi' model='virtio-scsi'/><input type='tablet' bus='usb'/><input type='keyboard' bus='usb'/>"
    devices += "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng><watchdog model='i6300esb'/>"
    devices += "<video><model type='vga'/></video><memballoon model='virtio'/>"
    return f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
<features><acpi/></features><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{devices}</devices></domain>"""


def emit(name, unit, values):
    print(json.dumps({'name': name, 'unit': unit, 'values': values}), flush=True)


def domain_xml(name, fixed_uuid=True, devices=True):
    identity = f'\n  <uuid>{uuid.uuid5(uuid.NAMESPACE_DNS, name)}</uuid>' if fixed_uuid else ''
    return TEMPLATE.format(name=name, uuid=identity, devices=DEVICES.format(name=name) if devices else '')


@contextlib.contextmanager
def one_core(*pids):
    """Everything on one core: on which cores the kernel puts two programs that talk to each other changes the time of a call
    tenfold on a virtual machine, and says nothing about the programs."""
    before = os.sched_getaffinity(0)

    def put(cores):
        os.sched_setaffinity(0, cores)
        for pid in pids:
            for thread in os.listdir(f'/proc/{pid}/task'):
                os.sched_setaffinity(int(thread), cores)
    put({min(before)})
    try:
        yield
    finally:
        put(before)


class Side:
    """One implementation, with its daemon as a child of this process."""

    def __init__(self, args):
        self.args = args
        self.rounds = 3 if args.short else 15
        self.daemon = None
        self.log = tempfile.TemporaryFile()

    def start(self):
        """Start the daemon; gives the seconds until a client had its first answer."""
        if os.path.exists(self.args.socket):
            os.unlink(self.args.socket)
        begin = time.monotonic()
        self.daemon = subprocess.Popen(shlex.split(self.args.daemon), stdin=subprocess.DEVNULL,
                                       stdout=self.log, stderr=self.log)
        while True:
            probe = socket.socket(socket.AF_UNIX)
            try:
                probe.connect(self.args.socket)
                break
            except OSError:
                if self.daemon.poll() is not None or time.monotonic() > begin + START_SECONDS:
                    self.log.seek(0)
                    sys.exit(f'bench: the daemon does not start: {self.log.read().decode()[-2000:]}')
                time.sleep(0.0005)
            finally:
                probe.close()
        self.client('count', 1)
        return time.monotonic() - begin

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(30)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()

    def client(self, command, rounds, *arguments):
        """Lists of nanoseconds by name."""
        done = subprocess.run([self.args.client, self.args.uri, command, str(rounds), *arguments],
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'client {command} failed')
        return {item['name']: item['ns'] for item in map(json.loads, done.stdout.splitlines())}

    def show(self, command, rounds, *arguments):
        for name, values in self.client(command, rounds, *arguments).items():
            emit(name, 'ns', values)

    def rss(self):
        with open(f'/proc/{self.daemon.pid}/status', encoding='utf-8') as f:
            return int(next(line for line in f if line.startswith('VmRSS')).split()[1]) * 1024

    def rest(self, still=0.2, deadline=30):
        """Wait until what the daemon does on its own after its start is over: it has used no processor time for a while."""
        def used():
            total = 0
            for path in glob.glob(f'/proc/{self.daemon.pid}/task/*/schedstat'):
                with contextlib.suppress(FileNotFoundError), open(path, encoding='utf-8') as f:   # a thread may have ended
                    total += int(f.read().split()[0])
            return total
        end = time.monotonic() + deadline
        last = used()
        while time.monotonic() < end:
            time.sleep(still)
            now = used()
            if now == last:
                return
            last = now
        raise RuntimeError(f'the daemon has not come to rest within {deadline} s')

    def syscalls(self, command, rounds, calls, *arguments):
        """System calls of the daemon for one call of a client; the opening of the connection is taken off."""
        def count(times):
            out = tempfile.NamedTemporaryFile('r')
            tracer = subprocess.Popen(['strace', '-f', '-c', '-U', 'calls', '-o', out.name, '-p',
                                       str(self.daemon.pid)], stderr=subprocess.PIPE)
            if b'attached' not in tracer.stderr.readline():
                raise RuntimeError('strace does not attach')
            self.client(command, times, *arguments)
            tracer.send_signal(signal.SIGINT)
            tracer.communicate()
            return sum(int(line) for line in out.read().split() if line.isdigit()) // 2   # and the total line
        return (count(2 * rounds) - count(rounds)) / (rounds * calls)


def template_file(folder, name, **options):
    path = os.path.join(folder, f'{name}.xml')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(domain_xml(f'{name}%', fixed_uuid=False, **options))
    return path


def small(side, folder):
    """Everything that needs few domains."""
    side.start()
    side.rest()
    emit('idle', 'B', [side.rss()])
    with one_core(side.daemon.pid):
        side.show('roundtrip', side.rounds * 2)
    side.show('define', side.rounds * 5, template_file(folder, 'defined'))
    show_description(side)
    running = template_file(folder, 'running', devices=False)
    side.show('create', side.rounds, running)
    many = os.path.join(folder, 'many.xml')
    with open(many, 'w', encoding='utf-8') as f:
        f.write(many_devices('many%'))
    for name, values in side.client('create', side.rounds, many).items():
        emit(f'{name} 30', 'ns', values)
    side.client('many', 1, running)
    side.show('events', side.rounds * 4, 'running0')
    virsh(side, 'destroy', 'running0')
    side.stop()


def show_description(side):
    """A document of 60 lines, on the driver that keeps all in memory: the daemon and its disk have no part in it."""
    args = dict(vars(side.args), uri='test:///default')
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'domain.xml')
    Side(type(side.args)(**args)).show('describe', side.rounds * 10, here)


def virsh(side, *words):
    begin = time.monotonic()
    subprocess.run([*shlex.split(side.args.virsh), '-c', side.args.uri, *words], check=True,
                   stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def statistics(side, folder):
    """Bulk statistics of many running (paused) guests."""
    guests = 10 if side.args.short else 100
    side.start()
    side.client('many', guests, template_file(folder, 'many', devices=False))
    side.show('stats', side.rounds, str(guests))
    for i in range(guests):
        virsh(side, 'destroy', f'many{i}')
    side.stop()


def populate(folder, count):
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(os.path.join(folder, '*.xml')):
        os.unlink(old)
    for i in range(count):
        with open(os.path.join(folder, f'd{i}.xml'), 'w', encoding='utf-8') as f:
            f.write(domain_xml(f'd{i}'))


def large(side, _folder):
    """Start-up, lists and memory with ever more definitions."""
    rss = {}
    for count in (1, 1000) if side.args.short else (1, 1000, 10000):
        populate(side.args.definitions, count)
        times = []
        for _ in range(2 if side.args.short else 3):
            if side.daemon and side.daemon.poll() is None:
                side.stop()
            times.append(side.start() * 1e9)
        seen = side.client('count', 1)['count'][0]
        if seen != count:
            raise RuntimeError(f'{count} domains were defined, {seen} are there')
        emit(f'start {count}', 'ns', times)
        if count == 1:
            side.rest()
            with one_core(side.daemon.pid):
                side.show('xmldesc', side.rounds, 'd0')
        rss[count] = side.rss()
        emit(f'rss {count}', 'B', [rss[count]])
        emit(f'list {count}', 'ns', side.client('list', side.rounds)['list'])
        emit(f'virsh list {count}', 'ns', [virsh(side, 'list', '--all') * 1e9 for _ in range(side.rounds)])
    most = max(rss)
    emit('bytes per domain', 'B', [(rss[most] - rss[1]) / (most - 1)])
    side.stop()
    populate(side.args.definitions, 0)


def counted(side, _folder):
    """What does not depend on the clock."""
    populate(side.args.definitions, 1)
    side.start()
    side.rest()
    emit('syscalls roundtrip', 'n', [side.syscalls('roundtrip', 2, 200)])
    emit('syscalls xmldesc', 'n', [side.syscalls('xmldesc', 2, 200, 'd0')])
    side.stop()
    populate(side.args.definitions, 0)


GROUPS = {'small': small, 'large': large, 'statistics': statistics, 'counted': counted}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('daemon', 'socket', 'definitions', 'uri', 'client', 'virsh'):
        parser.add_argument('--' + name, required=True)
    parser.add_argument('--short', action='store_true')
    parser.add_argument('--group', action='append', choices=sorted(GROUPS))
    args = parser.parse_args()
    side = Side(args)
    with tempfile.TemporaryDirectory() as folder:
        for name in args.group or GROUPS:
            try:
                GROUPS[name](side, folder)
            except (RuntimeError, subprocess.CalledProcessError) as problem:
                print(f'bench: {name}: {problem}', file=sys.stderr)
                emit(f'failed {name}', 'n', [1])
            finally:
                if side.daemon and side.daemon.poll() is None:
                    side.stop()


if __name__ == '__main__':
    main()
