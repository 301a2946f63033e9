# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one test program and tells what it left behind.

As root the program gets mount, pid, network, ipc and uts namespaces of its own (entered through `unshare` by
command_line()), so whatever it does ends with it; as an ordinary user it is only watched. In both cases this
process is the one that orphans fall to. After the program has ended, nothing may be there that was not there
before: process, mount, network interface, firewall rule, file in its private temporary folder, shared memory,
sanitizer report.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 3       # for processes that are about to end when the test program has ended
ABORT_SECONDS = 5       # between asking a program that hangs for its stack and killing it


def command_line(request_path):
    """The command that runs this file for a request, in namespaces when allowed."""
    inner = [sys.executable, os.path.abspath(__file__), request_path]
    if os.geteuid() != 0:
        return inner
    # The thread that waits for it dies with the runner, and takes all of it along.
    return ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child=SIGKILL',
            '--mount-proc', '--propagation', 'private'] + inner


def processes():
    """pid -> (parent pid, state, command line) of every process that can be seen."""
    found = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open(f'/proc/{name}/stat', encoding='utf-8', errors='replace') as f:
                fields = f.read().rpartition(')')[2].split()
            with open(f'/proc/{name}/cmdline', 'rb') as f:
                command = f.read().replace(b'\0', b' ').decode(errors='replace').strip()
        except OSError:
            continue    # it ended meanwhile
        found[int(name)] = (int(fields[1]), fields[0], command)
    return found


def descendants(root):
    table = processes()
    found, todo = {}, [root]
    while todo:
        parent = todo.pop()
        for pid, (ppid, state, command) in table.items():
            if ppid == parent and pid not in found:
                found[pid] = (state, command)
                todo.append(pid)
    return found


def reap():
    """Collect orphans that have ended; they are no leak."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def leftover_processes():
    end = time.monotonic() + GRACE_SECONDS
    while True:
        reap()
        left = {p: c for p, (s, c) in descendants(os.getpid()).items() if s not in 'ZX'}
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)


def mounts():
    with open('/proc/self/mountinfo', encoding='utf-8') as f:
        return sorted(line.split()[4] for line in f)


def interfaces():
    with open('/proc/self/net/dev', encoding='utf-8') as f:
        return sorted(line.split(':')[0].strip() for line in f if ':' in line)


def shared_memory():
    return sorted(os.listdir('/dev/shm')) if os.path.isdir('/dev/shm') else []


def firewall():
    """Rules of this network namespace, [] where nobody can have made any."""
    if os.geteuid() != 0 or not shutil.which('nft'):
        return []
    done = subprocess.run(['nft', 'list', 'tables'], capture_output=True, text=True, check=False)
    return sorted(done.stdout.splitlines())


CHECKS = {'mount': mounts, 'interface': interfaces, 'shared memory': shared_memory, 'firewall table': firewall}


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(where, name), folder)
                  for where, folders, names in os.walk(folder)
                  for name in names + [d for d in folders if not os.listdir(os.path.join(where, d))])


def run(request):
    """Run request['command']; gives {'status', 'timeout', 'leaks', 'seconds'}."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.geteuid() == 0:
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        # The folder that guests' programs look into must be its own: ipc namespaces do not cover it.
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=1777', 'shm', '/dev/shm'], check=True)
        if not request.get('cgroups'):      # no namespace of ours has its own: who doesn't say how it cleans them has none
            subprocess.run(['umount', '-q', '-R', '/sys/fs/cgroup'], check=False)
    before = {name: look() for name, look in CHECKS.items()}
    start = time.monotonic()
    with open(request['log'], 'wb') as log:
        child = subprocess.Popen(request['command'], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 env=request['env'], cwd=request['cwd'], start_new_session=True)
        timed_out = False
        try:
            child.wait(request['timeout'])
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(child.pid, signal.SIGABRT)    # Python and GLib programs say where they were
            try:
                child.wait(ABORT_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    seconds = time.monotonic() - start
    left = leftover_processes()
    leaks = [f"process {pid}: {command or '?'}" for pid, command in left.items()]
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for name, look in CHECKS.items():
        leaks += [f'{name}: {item}' for item in look() if item not in before[name]]
    leaks += [f'file: {path}' for path in files_below(request['tmp'])]
    return {'status': child.returncode, 'timeout': timed_out, 'leaks': leaks, 'seconds': seconds}


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        request = json.load(f)
    result = run(request)
    with open(request['result'], 'w', encoding='utf-8') as f:
        json.dump(result, f)


if __name__ == '__main__':
    main()
