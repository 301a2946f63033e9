# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command tables: for each rule a wrong table with the exact error, and what virsh's own tables give."""
import json
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATE = os.path.join(ROOT, 'tools', 'cmdgen', 'generate.py')
GROUP = 'group some\n  title Some\n  order 1\n'
ACT = 'object plane\n  type T\n  find f()\n  name n()\n  label Plane\ncommand go\n  summary go there\n'
COMMAND = 'command go\n  summary go there\n  handler cmd_go\n'


def generate(tmp_path, text, kinds=('c',)):
    tables, shapes, out = tmp_path / 'commands', tmp_path / 'json', tmp_path / 'out'
    tables.mkdir()
    shapes.mkdir()
    (shapes / 'place.json').write_text('{}')
    (tables / 't.cmd').write_text(text)
    done = subprocess.run([sys.executable, GENERATE, 'prog', str(tables), str(shapes), str(out), *kinds],
                          capture_output=True, text=True, check=False)
    return done, out


WRONG = [
    ('nonsense x\n', 'commands/t.cmd:1: unknown block \'nonsense\''),
    ('comand go\n', "commands/t.cmd:1: unknown block 'comand'; did you mean 'command'?"),
    ('group some\n  title Some\n', "commands/t.cmd:1: group 'some' lacks the key 'order'"),
    ('group some\n  title Some\n  order first\n', "commands/t.cmd:1: order of group 'some' is not a number: 'first'"),
    (GROUP + 'group more\n  title More\n  order 2\n', "commands/t.cmd:4: second group 'more' in one file"),
    (COMMAND, "commands/t.cmd:1: command 'go' in a file without a group"),
    (GROUP + 'command go\n  handler cmd_go\n', "commands/t.cmd:4: command 'go' lacks the key 'summary'"),
    (GROUP + 'command go\n  summary s\n', "commands/t.cmd:4: command 'go' needs one of handler, todo, act, autostart, dump, edit, make, print"),
    (GROUP + COMMAND + '  todo later\n', "commands/t.cmd:4: command 'go' needs one of handler, todo, act, autostart, dump, edit, make, print"),
    (GROUP + COMMAND + '  sumary x\n',
     "commands/t.cmd:7: unknown key 'sumary' in command 'go'; did you mean 'summary'?"),
    (GROUP + COMMAND + '  connection maybe\n', "commands/t.cmd:7: connection of 'go' is yes or no"),
    (GROUP + COMMAND + COMMAND, "commands/t.cmd:7: command 'go' twice, first at commands/t.cmd:4"),
    (GROUP + COMMAND + '  json plase\n', "commands/t.cmd:4: no JSON shape 'plase'; did you mean 'place'?"),
    (GROUP + COMMAND + '  json place\n  option format string -- f\n',
     "commands/t.cmd:4: command 'go' has its own --format and cannot have json"),
    (GROUP + COMMAND + '  use domain\n', "commands/t.cmd:7: no shared options 'domain'"),
    (GROUP + COMMAND + '  option x string\n', "commands/t.cmd:7: option 'x' has no documentation (after ' -- ')"),
    (GROUP + COMMAND + '  option x word -- d\n',
     "commands/t.cmd:7: option 'x' has type 'word', not one of bool, string, int, argv"),
    (GROUP + COMMAND + '  option 1x bool -- d\n', "commands/t.cmd:7: not an option name: '1x'"),
    (GROUP + COMMAND + '  option x string requird -- d\n',
     "commands/t.cmd:7: unknown word 'requird' in option 'x'; did you mean 'required'?"),
    (GROUP + COMMAND + '  option x bool required -- d\n',
     "commands/t.cmd:7: option 'x' is a bool, which takes no value"),
    (GROUP + COMMAND + '  option x bool -- d\n  option x bool -- d\n',
     "commands/t.cmd:8: option 'x' twice in command 'go'"),
    (GROUP + COMMAND + '  option x argv -- d\n  option y bool -- d\n',
     "commands/t.cmd:8: option 'y' after 'x', which takes all words that are left"),
    (GROUP + COMMAND + '  option x string positional -- d\n  option y string positional required -- d\n',
     "commands/t.cmd:8: 'y' is required but comes after 'x', which is not"),
    (GROUP + COMMAND + '  option x string complete=place -- d\n', "commands/t.cmd:7: no completer 'place'"),
    (GROUP + COMMAND + '  option x bool -- d\n  option-alias y z\n',
     "commands/t.cmd:8: alias 'y' of unknown option 'z'"),
    (GROUP + COMMAND + '  option x bool -- d\n  option-alias y x 1\n',
     "commands/t.cmd:8: alias 'y' gives a value to the bool 'x'"),
    (GROUP + COMMAND + '  option x bool -- d\n  option-alias x x\n',
     "commands/t.cmd:8: alias 'x' is also an option of 'go'"),
    (GROUP + COMMAND + '  done gone\n', "commands/t.cmd:4: command 'go' has done or fail without an action"),
    (GROUP + ACT + '  act place go_there\n  fail no\n', "commands/t.cmd:11: act needs an object and a function: "
     "'place go_there'; did you mean 'plane'?"),
    (GROUP + ACT + '  act plane go_there\n  fail no\n',
     "commands/t.cmd:11: 'done' belongs to act and make, which need it ('go')"),
    (GROUP + ACT + '  act plane go_there\n  done yes\n', "commands/t.cmd:11: act of 'go' needs 'fail'"),
    (GROUP + COMMAND + '  option x bool -- d\n  exclusive x y\n',
     "commands/t.cmd:8: exclusive names 'y', no option of 'go'"),
    (GROUP + COMMAND + '  option x bool -- d\n  exclusive x\n',
     "commands/t.cmd:8: exclusive needs two options or more"),
    (GROUP + COMMAND + '  option x string flag=F -- d\n', "commands/t.cmd:7: option 'x' has a flag but isn't a bool"),
    (GROUP + COMMAND + '  option x bool -- d\n  flag z F\n',
     "commands/t.cmd:8: flag needs a bool of 'go' and a constant"),
    (GROUP + COMMAND + '  option x string param=F:word -- d\n', "commands/t.cmd:7: kind 'word' of the parameter F is "
     "none of bool, int, uint, llong, ullong, string, bytes, kib"),
]


@pytest.mark.parametrize('text,error', WRONG)
def test_wrong_table(tmp_path, text, error):
    done, out = generate(tmp_path, text)
    assert done.returncode == 1
    assert done.stderr.strip() == error
    assert not out.exists()


def test_right_table(tmp_path):
    text = GROUP + COMMAND + '  text More "words".\n  option x string positional required values=a,b -- an x\n' \
        '  option-alias y x b\ncommand later\n  summary s\n  todo no time\n'
    done, out = generate(tmp_path, text, ('c', 'man', 'debt'))
    assert done.returncode == 0, done.stderr
    source = (out / 'prog_commands.c').read_text()
    assert '.synopsis = "go <x>"' in source and '.handler = cmd_go' in source and '.handler = NULL' in source
    assert 'More \\"words\\".' in source
    assert (out / 'prog-debt.txt').read_text() == '1 of 2 commands are not written yet\nlater: no time\n'
    assert '``[--x] <string>``: an x' in (out / 'prog-commands.rst').read_text()


def test_generated_handlers(tmp_path):
    text = GROUP + ACT + '  act plane fly flags\n  done Plane %s flies\n  fail no "%s"\n' \
        '  option high bool flag=HIGH -- h\n  option far int param=FAR:uint -- f\n  exclusive high far\n'
    done, out = generate(tmp_path, text)
    assert done.returncode == 0, done.stderr
    source = (out / 'prog_commands.c').read_text()
    assert 'g_autoptr(T) object = f();' in source and 'if (fly(object, cmd_flags(cmd)) < 0)' in source
    assert 'shell_error(shell, "no \\"%s\\"", n());' in source and '"Plane %s flies\\n", n());' in source
    assert '.flag = HIGH' in source and '.param = FAR, .kind = SHELL_PARAM_UINT' in source
    assert 'exclusive_go[] = {"high", "far", NULL, NULL};' in source
    assert 'bool cmd_go(Shell *shell, const Cmd *cmd);' in (out / 'prog_commands.h').read_text()


def expected():
    """(group lines, synopses) of the release whose interface we have."""
    with open(os.path.join(ROOT, 'tests/data/virsh/synopsis.txt'), encoding='utf-8') as f:
        lines = [line.rstrip('\n') for line in f if not line.startswith('#')]
    return [x for x in lines if x.startswith('[')], [x for x in lines if not x.startswith('[')]


def test_virsh_tables_are_complete():
    sys.path.insert(0, os.path.join(ROOT, 'tools/cmdgen'))
    import model  # pylint: disable=import-outside-toplevel,import-error
    groups = [g for g in model.load(os.path.join(ROOT, 'tools/virsh/commands')) if not g.hidden and g.keyword != 'more']
    heads, synopses = expected()
    assert [f'[{g.keyword}] {g.title}' for g in groups] == heads
    assert [c.synopsis() for g in groups for c in g.commands] == synopses


def option_line(command):
    """As the lines of options.txt."""
    aliases = [f' {name}={option}{"=" + value if value else ""}' for name, option, value in command.option_aliases]
    return '='.join([command.name] + command.aliases) + \
        ''.join(f' {o.name}:{o.type}' for o in command.options if 'extra' not in o.words) + \
        (' |' + ''.join(aliases) if aliases else '')


@pytest.mark.parametrize('program', ['virsh', 'virt-admin'])
def test_options_have_the_types_and_aliases_of_the_reference(program):
    sys.path.insert(0, os.path.join(ROOT, 'tools/cmdgen'))
    import model  # pylint: disable=import-outside-toplevel,import-error
    with open(os.path.join(ROOT, 'tests/data', program, 'options.txt'), encoding='utf-8') as f:
        wanted = {line.split()[0].split('=')[0]: line.rstrip('\n') for line in f if not line.startswith('#')}
    ours = {c.name: option_line(c) for g in model.load(os.path.join(ROOT, 'tools', program, 'commands')) for c in g.commands}
    assert {name: ours.get(name) for name in wanted} == wanted


def test_handlers_name_known_options():
    """A handler asks for options by name; a name that no table has would abort it at run time."""
    known = set()
    for name in os.listdir(os.path.join(ROOT, 'tools/virsh/commands')):
        with open(os.path.join(ROOT, 'tools/virsh/commands', name), encoding='utf-8') as f:
            known |= set(re.findall(r'^\s+option(?:-alias)? (\S+)', f.read(), re.M))
    known.add('format')
    for name in os.listdir(os.path.join(ROOT, 'tools/virsh')):
        if name.endswith('.c'):
            with open(os.path.join(ROOT, 'tools/virsh', name), encoding='utf-8') as f:
                used = set(re.findall(r'\bcmd_(?:has|get|argv|joined|may_have|may_get)\(cmd, "([^"]+)"', f.read()))
            assert used <= known, f'{name}: {sorted(used - known)}'


def test_extra_options_are_no_part_of_the_syntax_line(tmp_path):
    done, out = generate(tmp_path, GROUP + COMMAND + '  option x bool extra -- d\n  option y bool -- d\n')
    assert done.returncode == 0, done.stderr
    source = (out / 'prog_commands.c').read_text()
    assert '.synopsis = "go [--y]"' in source and '{"x", SHELL_BOOL, 0, "d"' in source


def test_schema(tmp_path):
    """The shapes in the words of the standard: a key that isn't optional is required, another one is forbidden."""
    tables, out = os.path.join(ROOT, 'tools/virsh/commands'), tmp_path / 'out'
    shapes = os.path.join(ROOT, 'tools/virsh/json')
    subprocess.run([sys.executable, GENERATE, 'virsh', tables, shapes, str(out), 'schema'], check=True)
    document = json.loads((out / 'virsh-json.schema.json').read_text())
    assert document['commands']['domifaddr']['$ref'] == '#/$defs/domain-addresses'
    assert all(entry['$ref'].removeprefix('#/$defs/') in document['$defs'] for entry in document['commands'].values())
    item = document['$defs']['domain-addresses']['items']
    assert item['required'] == ['interface', 'mac', 'family', 'address', 'prefix'] and 'source' in item['properties']
    assert item['additionalProperties'] is False
    assert document['$defs']['parameters']['additionalProperties']['type']
