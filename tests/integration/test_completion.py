# SPDX-License-Identifier: LGPL-2.1-or-later
"""The completion of each shell, as a person has it when it is installed: commands, options, names of things, files."""
import os
import shutil

import pytest

import support
from support import tree
from terminal import Terminal

READY = 'ready to type'
# How a shell is started, and what is typed first; {script} is the file for it, {folder} one that holds it as _virsh.
SHELLS = {
    'bash': (['bash', '--norc', '--noprofile', '-i'], 'source {script}'),
    'zsh': (['zsh', '-f', '-i'], 'fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D'),
}
URI = 'test:///default'
# What is typed before the tabulator, and how it goes on.
LINES = [
    ('virsh dominf', 'dominfo'),
    (f'virsh -c {URI} dominfo te', 'dominfo test'),
    (f'virsh --connect {URI} --timeout 5 -q dominfo te', 'dominfo test'),
    (f'virsh -c {URI} start --auto', 'start --autodestroy'),
    (f'virsh -c {URI} vol-list --pool defa', 'default-pool'),
    (f'virsh -c {URI} domif-getlink test aa:bb:c', 'test aa:bb:cc:dd:ee:ff'),
    ('virsh define ./a-fi', 'a-file-of-mine.xml'),
]


@pytest.fixture
def env(tmp_path):
    (tmp_path / 'a-file-of-mine.xml').write_text('')
    return dict(os.environ, HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path),
                PATH=os.path.dirname(tree.place(support.BUILD, 'virsh')) + ':' + os.environ['PATH'])


def script_of(shell):
    if not shutil.which(shell):
        pytest.skip(f'{shell} is not installed')
    return os.path.join(support.BUILD, f'tools/virsh.{shell}')


@pytest.mark.parametrize('typed, whole', LINES)
@pytest.mark.parametrize('shell', SHELLS)
def test_tabulator(shell, typed, whole, env, tmp_path, monkeypatch):
    script = script_of(shell)
    command, prepare = SHELLS[shell]
    shutil.copy(script, tmp_path / '_virsh')
    monkeypatch.chdir(tmp_path)
    with Terminal(command, env) as terminal:
        terminal.type(prepare.format(script=script, folder=tmp_path) + '; echo ready "to" type\n')
        terminal.expect(READY)
        terminal.wait_raw()
        terminal.type(typed + '\t')
        terminal.expect(whole)


@pytest.mark.parametrize('typed, whole', LINES)
def test_fish(typed, whole, env, tmp_path, monkeypatch):
    script = script_of('fish')
    os.makedirs(tmp_path / 'fish/completions')
    shutil.copy(script, tmp_path / 'fish/completions/virsh.fish')
    monkeypatch.chdir(tmp_path)
    offered = support.run(['fish', '-c', f"complete -C '{typed}'"], env=env).stdout.splitlines()
    assert any(word.endswith(whole.split()[-1]) for word in offered), offered
