# SPDX-License-Identifier: LGPL-2.1-or-later
"""The generator of configuration files: for each rule a wrong table with the exact error, and what a right one gives."""
import glob
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATE = os.path.join(ROOT, 'config', 'generate.py')

HEAD = 'file t.conf\nstruct TestConf\nabout A test.\ngroup Some\n'
KEY = 'key one\n  type string\n  default none\n  state works\n  doc Does it.\n'


def key(**changes):
    """The lines of a key; a change of None leaves the property out."""
    parts = {'type': 'string', 'default': 'none', 'state': 'works', 'doc': 'Does it.', **changes}
    return 'key one\n' + ''.join(f'  {word} {text}\n' for word, text in parts.items() if text is not None)


def generate(tmp_path, text, name='t.conf-table'):
    path = tmp_path / name
    path.write_text(text)
    return subprocess.run([sys.executable, GENERATE, str(tmp_path), str(path)], capture_output=True, text=True,
                          check=False)


BAD = [
    ('struct TestConf\nabout x\n', "t.conf-table:1: 'file' is missing"),
    ('file t.conf\nstruct TestConf\nabout x\n', 'the table has no keys'),
    ('file t.conf\nfile t.conf\n', "t.conf-table:2: 'file' is given twice"),
    ('file T.conf\nstruct TestConf\nabout x\n', "t.conf-table:1: 'T.conf' is no name of a configuration file"),
    ('file t.conf\nstruct test\nabout x\n', "t.conf-table:2: 'test' is no CamelCase name"),
    ('file t.conf\nstruct TestConf\nabout x\nmode 9\n', "t.conf-table:4: '9' is no file mode"),
    ('colour red\n', "t.conf-table:1: unknown line 'colour', must be one of: file, struct, about, mode"),
    ('file\n', "t.conf-table:1: 'file' is empty"),
    ('  type int\n', 't.conf-table:1: a property stands outside of any key'),
    ('file t.conf\nkey x\n', 't.conf-table:2: a key stands before any group'),
    (HEAD + key(type=None), "t.conf-table:5: key 'one' has no 'type'"),
    (HEAD + key(default=None), "t.conf-table:5: key 'one' has no 'default'"),
    (HEAD + key(state=None), "t.conf-table:5: key 'one' has no 'state'"),
    (HEAD + key(doc=None), "t.conf-table:5: key 'one' has no 'doc'"),
    (HEAD + key(doc='no end'), "t.conf-table:9: key 'one': doc must be whole sentences"),
    (HEAD + KEY + '  colour red\n', "t.conf-table:10: unknown property 'colour', must be one of: type, default, state, "
                                    'doc, range, values, sample, since'),
    (HEAD + KEY + '  type int\n', "t.conf-table:10: 'type' is given twice"),
    (HEAD + KEY + KEY, "t.conf-table:10: key 'one' stands already at t.conf-table:5"),
    (HEAD + KEY.replace('key one', 'key ' + 'One'), "t.conf-table:5: 'One' is no name of a key"),
    (HEAD + KEY.replace('key one', 'key ' + 'default'), "t.conf-table:5: 'default' is no name of a key"),
    (HEAD + key(type='text'), "t.conf-table:6: key 'one': unknown type 'text', must be one of: bool, int, signed, bytes, "
                              'string, string-list, string-or-list, int-or-string'),
    (HEAD + key(state='soon'), "t.conf-table:8: key 'one': unknown state 'soon', must be one of: works, later, ignored"),
    (HEAD + key(default='abc'), "t.conf-table:7: value 'abc' is neither a number, a string in quotes, a list of them, none "
                                'nor computed TEXT'),
    (HEAD + key(default='true'), "t.conf-table:7: value 'true' is of no known kind"),
    (HEAD + key(default='[ 1 ]'), "t.conf-table:7: list '[ 1 ]' must hold strings"),
    (HEAD + key(default='5'), "t.conf-table:7: key 'one': default of type int, must be string"),
    (HEAD + key(default='"a\\"b"'), "t.conf-table:7: key 'one': default 'a\"b' cannot be written in a configuration file"),
    (HEAD + key(type='bool', default='2'), "t.conf-table:7: key 'one': default must be 0 or 1"),
    (HEAD + key(type='int', default='5'), "t.conf-table:5: key 'one': a range is for int, signed, int-or-string, and needed "
                                          'there; its type is int'),
    (HEAD + key(range='1 2'), "t.conf-table:10: key 'one': a range is for int, signed, int-or-string, and needed there; its "
                              'type is string'),
    (HEAD + key(type='int', default='5', range='1'), "t.conf-table:10: range '1' must be MIN MAX"),
    (HEAD + key(type='int', default='5', range='9 1'), "t.conf-table:10: key 'one': range is empty or beyond 0 to 4294967295"),
    (HEAD + key(type='int', default='5', range='1 4'), "t.conf-table:7: key 'one': default 5 is out of range"),
    (HEAD + key(type='int', range='1 4'), "t.conf-table:7: key 'one': a number needs a constant default"),
    (HEAD + key(type='bytes', default='"1X"'), "t.conf-table:7: key 'one': default '1X' is no number of bytes"),
    (HEAD + key(default='"c"', values='a b'), "t.conf-table:7: key 'one': default 'c' is not among its values"),
    (HEAD + key(sample='"c"', values='a b'), "t.conf-table:10: key 'one': sample 'c' is not among its values"),
    (HEAD + key(sample='none'), "key 'one': a sample must be a value"),
    (HEAD + key(type='bool', default='1', values='a'), "key 'one': values are for strings"),
    (HEAD + key(since='9'), "key 'one': '9' is no release"),
]


@pytest.mark.parametrize('text,error', BAD, ids=[error[-40:] for _, error in BAD])
def test_bad(tmp_path, text, error):
    run = generate(tmp_path, text)
    assert run.returncode == 1
    assert error in run.stderr
    assert run.stderr.count('\n') == 1
    assert sorted(os.listdir(tmp_path)) == ['t.conf-table']


def test_file_name(tmp_path):
    run = generate(tmp_path, HEAD + KEY, 'u.conf-table')
    assert run.returncode == 1 and 'must be called t.conf-table' in run.stderr


def test_good(tmp_path):
    run = generate(tmp_path, HEAD + key(type='int', default='5', range='1 9', since='1.2.3')
                   + KEY.replace('key one', 'key ' + 'two') + '  sample "x"\n')
    assert run.returncode == 0, run.stderr
    header = (tmp_path / 't.h').read_text()
    assert '    unsigned int one;' in header and '    char *two;' in header
    assert 'extern const ConfSchema t_conf_schema;' in header
    sample = (tmp_path / 't.conf').read_text()
    assert '\n#one = 5\n' in sample and '\n#two = "x"\n' in sample
    assert 'From 1 to 9. Default: 5. Since 1.2.3.' in (tmp_path / 't.conf.md').read_text()


@pytest.mark.parametrize('table', sorted(glob.glob(os.path.join(ROOT, 'config', '*.conf-table'))), ids=os.path.basename)
def test_sample_is_valid(tmp_path, table):
    """Every line of a sample that begins with "#key =" becomes a valid file when its # is taken away."""
    run = subprocess.run([sys.executable, GENERATE, str(tmp_path), table], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    name = os.path.basename(table).replace('.conf-table', '.conf')
    text = (tmp_path / name).read_text()
    keys = re.findall(r'^#([a-z0-9_]+) = ', text, re.M)
    assert keys == re.findall(r'^key ([a-z0-9_]+)$', open(table, encoding='utf-8').read(), re.M)
    assert len(set(keys)) == len(keys)
    assert all(line.startswith('#') or not line for line in text.split('\n'))
