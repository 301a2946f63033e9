# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ours and the reference in turn, each on a network of its own, timed from the client's side; the table of both, and what is promised."""
import contextlib
import os
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


def one_side(support, kind, root, prepare, measure):
    """@prepare: what is done before the daemon starts (its folder, None for the reference) and after (its process id)."""
    import libvirt      # pylint: disable=import-outside-toplevel
    daemon = support.Daemon(root) if kind == 'ours' else support.ReferenceDaemon(root)
    before, after = prepare
    before(support, root if kind == 'ours' else None)
    daemon.start()
    after(daemon.process.pid if kind == 'ours' else daemon.init())
    try:
        with contextlib.closing(libvirt.open(daemon.uri)) as conn:
            return measure(conn)
    finally:
        daemon.clean() if kind != 'ours' else daemon.stop()


def nothing(*_):
    """For who has nothing to prepare."""


def run(build, items, measure, prepare=(nothing, nothing)):
    """@items: NAME -> (title, how many times as fast is promised, or None); @measure gives seconds by NAME."""
    if os.geteuid() != 0:
        sys.exit('bench: networks and filters can be had by root only')
    if os.environ.get('LIBVIRT_BENCH_INSIDE') != 'yes':     # a network of its own, as the reference has
        os.environ.update(LIBVIRT_BENCH_INSIDE='yes', LIBVIRT_BUILD=os.path.abspath(build))
        os.execvp('unshare', ['unshare', '--net', sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])
    import support      # pylint: disable=import-outside-toplevel
    figures = {}
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    with tempfile.TemporaryDirectory(prefix='lvturns', dir='/var/tmp') as work:
        os.chmod(work, 0o755)
        for kind in ['ours'] + ['reference'] * bool(support.reference_root()):
            print(f'bench: {kind}', file=sys.stderr, flush=True)
            figures[kind] = one_side(support, kind, os.path.join(work, kind), prepare, measure)
    show(items, figures)


def show(items, figures):
    print(f'{"median":42} {"ours ms":>10} {"reference":>10} {"times":>7}  promise')
    for name, (title, promised) in items.items():
        if name not in figures['ours']:
            continue
        ours, theirs = figures['ours'][name] * 1000, figures.get('reference', {}).get(name, 0) * 1000
        times = theirs / ours
        word = f'{promised}x as fast: {"kept" if times >= promised else "NOT KEPT"}' if promised and theirs else ''
        print(f'{title:42} {ours:10.1f} {theirs:10.1f} {times:7.1f}  {word}')
