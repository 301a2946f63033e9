# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command lines of QEMU that our daemon and Debian's make of the corpus's documents (domxml-to-native): the same options with the
same properties, but for what tests/data/corpus/native.toml names, with reasons."""
import json
import re
import shlex

import corpus
import support
import wire

DEATHS = 6          # of the reference, at most
NEWER = corpus.Coverage(corpus.schema())
CASES = [case for case in corpus.load() if not case.refused]
ASKED = [case for case in CASES if NEWER.add(case) <= corpus.REFERENCE and not case.newer]
# What differs from call to call, where each keeps its files, and what they call processes that serve a device.
VOLATILE = ((r'52:54:00:..:..:..', 'MAC'), (r'-uuid [-0-9a-f]+', '-uuid UUID'), (r'domain--1-.*?/', 'DIR/'), (r'port=59\d\d', 'port=PORT'), (r'base=\d{4}-\d\d-\d\dT[\d:]+', 'base=TIME'),
            (r'channel/target/DIR', 'DIR'), (r'(chr-vu-|char)(fs|virtio-disk)(?=\d)', r'CHAR-\2'))
LISTS = ('-spice', '-machine', '-cpu', '-smp', '-boot', '-rtc', '-m')     # options whose properties may stand in any order


def canonical(option, value):
    if value.startswith('{'):
        value = json.dumps(json.loads(value), sort_keys=True)
    elif option in LISTS:
        first, *others = value.split(',')
        value = ','.join([first, *sorted(others)])
    text = f'{option} {value}'
    for pattern, name in VOLATILE:
        text = re.sub(pattern, name, text)
    return text


def options(text):
    """Options with their values, sorted; the program, and what is set around it, are left out."""
    words = shlex.split(text)
    while re.match(r'[A-Z_]+=', words[0]):
        words.pop(0)
    made, at = [], 1
    while at < len(words):
        has_value = at + 1 < len(words) and not words[at + 1].startswith('-')
        option, value = words[at], words[at + 1] if has_value else ''
        at += 1 + has_value
        if option != '-netdev':     # the reference makes a tap device of every interface here
            made.append(canonical(option, value))
    return sorted(made)


def natives(daemon, protocol, root, revive=None):
    """What each document becomes, by the case's name: options, or Refused. @root is the folder that the daemon takes for '/'."""
    def native(connection, document):
        try:
            text = connection.call('CONNECT_DOMAIN_XML_TO_NATIVE', nativeFormat='qemu-argv', domainXml=document, flags=0)['nativeConfig']
        except wire.RemoteError as error:
            return corpus.Refused(error)
        return options(text.replace(root, '') if root else text)
    return corpus.ask_all(daemon.socket, protocol, ASKED, native, revive)


def problems(name, ours, theirs, known):
    def explained(line):
        return any([entry.covers(name, line) for entry in known])   # each of them is told

    if isinstance(ours, corpus.Refused):
        return [] if explained('ours') else [f'ours {ours}']
    differing = [f'- {line}' for line in theirs if line not in ours] + [f'+ {line}' for line in ours if line not in theirs]
    return [line for line in differing if not explained(line)]


def test_command_lines(daemon, reference, protocol):
    ours, theirs = natives(daemon, protocol, daemon.root), natives(reference, protocol, '', reference.restart)
    assert len(theirs) >= len(ASKED) - DEATHS
    compared = [name for name in theirs if not isinstance(theirs[name], corpus.Refused)]   # it refuses what its own host can't do
    known = corpus.differences(name='native.toml')
    wrong = [f'{name}: {line}' for name in compared for line in problems(name, ours[name], theirs[name], known)]
    assert not wrong, '\n'.join(wrong)
    corpus.check_all_used(known, set(ours) - set(theirs))
    assert len(compared) > 150


def test_settings(new_daemon, tmp_path):
    """What qemu.conf says of every guest: its process has its name, also one that QEMU would cut at the comma, and messages have no time."""
    daemon = support.configured(new_daemon, 'set_process_name = 1', 'log_timestamp = 0')
    document = support.written(tmp_path, support.domain_xml('a,b'))
    words = shlex.split(daemon.virsh('domxml-to-native', 'qemu-argv', '--xml', document))
    assert words[words.index('-name') + 1] == 'guest=a,,b,process=qemu:a,,b,debug-threads=on' and '-msg' not in words
    daemon.virsh('create', '--paused', document)
    [pid] = support.guest_processes(daemon.root)
    with open(f'/proc/{pid}/comm', encoding='utf-8') as f:
        assert f.read() == 'qemu:a,b\n'
