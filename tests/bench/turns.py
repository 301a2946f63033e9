# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ours and the reference in turn, each on a network of its own, timed from the client's side; the table of both, and what is promised.

Files are where they are on a real host, for both: /run in memory, /var/lib/libvirt on the disk."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'integration'))


def timed(call):
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


@contextlib.contextmanager
def memory_at(folder):
    os.makedirs(folder)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'run', folder], check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', folder], check=True)


def reference(support, root):
    lib = os.path.join(root, 'lib')
    subprocess.run(['cp', '-a', os.path.join(support.reference_root(), 'var/lib/libvirt'), lib], check=True)
    return support.ReferenceDaemon(root, binds=[f'{lib}:/var/lib/libvirt'])


def one_side(support, kind, root, prepare, measure):
    """@prepare: what is done before the daemon starts (its folder, None for the reference) and after (its process id)."""
    with memory_at(os.path.join(root, 'run')):
        found = one_daemon(support, support.Daemon(root) if kind == 'ours' else reference(support, root), kind, root, prepare, measure)
    shutil.rmtree(root)
    return found


def one_daemon(support, daemon, kind, root, prepare, measure):
    import libvirt      # pylint: disable=import-outside-toplevel
    before, after = prepare
    before(support, root if kind == 'ours' else None)
    daemon.start()
    after(daemon.process.pid if kind == 'ours' else daemon.init())
    try:
        with contextlib.closing(libvirt.open(daemon.uri)) as conn:
            return measure(conn)
    finally:
        daemon.clean() if kind != 'ours' else daemon.stop()


def give_filters(support, root):
    """The filters that are installed with the daemon."""
    if root:
        os.makedirs(f'{root}/etc/libvirt')
        subprocess.run(['cp', '-r', f'{support.SOURCE}/data/nwfilter', f'{root}/etc/libvirt/'], check=True)


def nothing(*_):
    """For who has nothing to prepare."""


def best(rounds):
    """Of each item the least: what others on the machine took isn't in it."""
    return {name: min(found[name] for found in rounds) for name in rounds[0]}


def run(build, items, measure, prepare=(nothing, nothing), rounds=1, bare=None):
    """@items: NAME -> (title, how many times as fast is promised, or None); @measure gives seconds by NAME, and so does @bare, for those
    of which is known what they take without either."""
    if os.geteuid() != 0:
        sys.exit('bench: networks and filters can be had by root only')
    if os.environ.get('LIBVIRT_BENCH_INSIDE') != 'yes':     # a network of its own, as the reference has
        os.environ.update(LIBVIRT_BENCH_INSIDE='yes', LIBVIRT_BUILD=os.path.abspath(build))
        os.execvp('unshare', ['unshare', '--net', '--mount', sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])
    import support      # pylint: disable=import-outside-toplevel
    kinds = ['ours'] + ['reference'] * bool(support.reference_root())
    found = {kind: [] for kind in kinds}
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    with tempfile.TemporaryDirectory(prefix='lvturns', dir='/var/tmp') as work:
        os.chmod(work, 0o755)
        for turn in range(rounds):
            for kind in kinds:
                print(f'bench: {kind}, {turn + 1} of {rounds}', file=sys.stderr, flush=True)
                found[kind].append(one_side(support, kind, os.path.join(work, kind), prepare, measure))
            if bare:
                found.setdefault('bare', []).append(bare())
    show(items, {kind: best(all_rounds) for kind, all_rounds in found.items()}, rounds)


def show(items, figures, rounds):
    bare = figures.get('bare', {})
    print(f'{"median" if rounds == 1 else f"best median of {rounds} rounds":48} {"ours ms":>10} {"reference":>10} {"times":>7}  promise')
    for name, (title, promised) in items.items():
        if name not in figures['ours']:
            continue
        ours, theirs = figures['ours'][name] * 1000, figures.get('reference', {}).get(name, 0) * 1000
        times = theirs / ours
        word = f'{promised}x as fast: {"kept" if times >= promised else "NOT KEPT"}' if promised and theirs else ''
        if name in bare:
            word += f' (bare {bare[name] * 1000:.1f} ms, which is {theirs / bare[name] / 1000:.1f}x)'
        print(f'{title:48} {ours:10.1f} {theirs:10.1f} {times:7.1f}  {word}')
