# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the programs of tests/every/, which call every public function, and reads what came of the calls."""
import os

import support
from support import tree

NO_SUPPORT = '3'
SECONDS = 400


def guest_functions(model):
    """Names of what is asked of a domain, or of a hypervisor about one: what is tried on a real guest as well."""
    return [f.name for f in model.functions if f.driver == 'hypervisor' and f.name.startswith(('virDomain', 'virConnectDomain'))]


def run(name, words, tally=None, disk=None):
    """function -> ('ok' or the error's code, the message). @tally: a file for the count of the calls; @disk: a file for the guest's
    disk."""
    env = dict(os.environ, LIBVIRT_DRIVER_DIR=tree.modules(support.BUILD))
    if disk:
        env['EVERY_DISK'] = str(disk)
    if tally:
        preload = [tree.place(support.BUILD, 'libtally.so')]
        if support.sanitized():
            preload.insert(0, support.run(['gcc', '-print-file-name=libasan.so']).stdout.strip())
        env.update(TALLY=str(tally), LD_PRELOAD=' '.join(preload))
    text = support.run([tree.place(support.BUILD, name), *words], env=env, seconds=SECONDS).stdout
    lines = [line.split(' ', 2) for line in text.splitlines() if line.startswith('vir')]
    return {words[0]: (words[1], ' '.join(words[2:])) for words in lines}
