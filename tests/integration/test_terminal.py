# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interactive virsh on a terminal, ours and (to see that the test is right) Debian's: prompt, completion, history,
interruption."""
import glob
import os

import pytest

import support
from support import domain_xml, tree, wait_for, written
from terminal import Terminal

PROMPT = r'virsh # $'
INTERRUPT, TAB = '\x03', '\t'


@pytest.fixture(params=['ours', 'debian'])
def shell(request, daemon, tmp_path):
    """A function that starts virsh on a terminal; it has reached its prompt. shell.home is its home."""
    if request.param == 'debian':
        if not support.have(support.DEBIAN_VIRSH):
            pytest.skip('libvirt-clients is not installed')
        program, env = support.DEBIAN_VIRSH, support.foreign_environment()
    else:
        program, env = tree.place(support.BUILD, 'virsh'), dict(os.environ)
    home = tmp_path / 'home'
    home.mkdir()
    env = {k: v for k, v in env.items() if not k.startswith('XDG_')} | {'HOME': str(home)}
    daemon.virsh('define', written(tmp_path, domain_xml('completed-name')))

    def start():
        terminal = Terminal([program, '-c', daemon.uri], env)
        try:
            terminal.expect(PROMPT)
        except AssertionError:
            terminal.__exit__()
            raise
        return terminal
    start.home = str(home)
    return start


def test_prompt_and_quit(shell):
    with shell() as virsh:
        virsh.type('list --all\n')
        assert 'completed-name' in virsh.expect(PROMPT)
        virsh.type('nonsense\n')
        assert "unknown command: 'nonsense'" in virsh.expect(PROMPT)
        virsh.type('quit\n')
        assert virsh.end() == 0


def test_end_of_input_quits(shell):
    with shell() as virsh:
        virsh.type('\x04')
        assert virsh.end() == 0


def test_completion_of_commands_and_names(shell):
    with shell() as virsh:
        virsh.type('dominf' + TAB)
        virsh.expect('dominfo ')
        virsh.type('completed' + TAB)
        virsh.expect('completed-name')
        virsh.type('\n')
        seen = virsh.expect(PROMPT)
        assert 'shut off' in seen and 'error' not in seen
        virsh.type('list --inact' + TAB + '\n')
        assert 'completed-name' in virsh.expect('(?s)completed-name.*' + PROMPT)


def test_history_is_kept(shell):
    with shell() as virsh:
        virsh.type('domstate completed-name\n')
        virsh.expect('(?s)shut off.*' + PROMPT)
        virsh.type('quit\n')
        assert virsh.end() == 0
    files = glob.glob(os.path.join(shell.home, '.cache', '**', 'history'), recursive=True)
    assert [os.path.relpath(f, shell.home) for f in files] == ['.cache/libvirt/virsh/history']
    with open(files[0], encoding='utf-8') as f:
        assert f.read().splitlines()[0] == 'domstate completed-name'
    with shell() as virsh:
        virsh.type('\x10\x10')     # ^P: the line before; `quit` is the last one
        virsh.expect('domstate completed-name')
        virsh.type('\n')
        virsh.expect('shut off')


def test_interrupt_comes_back_to_the_prompt(shell, daemon):
    with shell() as virsh:
        virsh.type('event --loop completed-name lifecycle\n')
        # The event tells that the command waits; it is caused until it is seen.
        wait_for(lambda: (daemon.virsh('start', 'completed-name', '--paused'), daemon.virsh('destroy', 'completed-name'),
                          virsh.read(10), 'Stopped' in virsh.text)[-1], what='an event')
        virsh.type(INTERRUPT)
        assert 'events received: ' in virsh.expect('(?s)events received.*' + PROMPT)
        virsh.type('domstate completed-name\n')
        virsh.expect('(?s)shut off.*' + PROMPT)
