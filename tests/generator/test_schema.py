# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table language of schema/: each rule with a table that breaks it and the exact words of the error; the outputs."""
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATOR = os.path.join(SOURCE, 'schema', 'generate.py')
COMMON = ['device', 'net-common', 'storage-common']
DOMAIN = ['domain-storage', 'domain-char', 'domain-net', 'domain-display', 'domain-misc', 'domain']
GOOD = 'enum E : e\n    a b\nstruct S : s\n    attr k enum:E 1.0.0 open - : k\n'

BAD = [
    ('frob X : x', 1, "unknown kind 'frob'"),
    ('struct S', 1, "missing documentation: ' : ' and one line of text at the end"),
    ('struct S T : s', 1, 'struct takes one name'),
    ('root domain D', 1, 'root takes three words'),
    ('root domain D DOMAIN', 1, "root 'domain': there is no struct 'D'"),
    (GOOD + 'root s S FROB', 5, "root 's': unknown error domain 'FROB'"),
    ('namespace q', 1, 'namespace takes two words'),
    ('    attr x u32 1.0.0 open - : x', 1, 'indented line without an item above it'),
    ('struct S : s\n  attr x u32 1.0.0 open - : x', 2, 'indentation is four spaces a level'),
    ('struct S : s\n\tattr x u32 1.0.0 open - : x', 2, 'tab: indent with spaces'),
    ('struct S : s\n    frob x u32 1.0.0 open - : x', 2, "unknown kind 'frob'"),
    ('struct S : s\n    attr x u32 1.0.0 open - : x\n        attr y u32 1.0.0 open - : y', 3,
     "nothing may stand under attr 'x'"),
    ('struct S : s\n    attr x', 2, "missing documentation: ' : ' and one line of text at the end"),
    ('struct S : s\n    attr x : x', 2, "attr 'x': missing column 'type'"),
    ('struct S : s\n    attr x u32 : x', 2, "attr 'x': missing column 'since'"),
    ('struct S : s\n    attr x u32 open - : x', 2, "attr 'x': 'open' is not a version: expected column 'since'"),
    ('struct S : s\n    attr x u32 1.0.0 : x', 2, "attr 'x': missing column 'secret'"),
    ('struct S : s\n    attr x u32 1.0.0 maybe - : x', 2, "attr 'x': column 'secret' must be 'open' or 'secret', not 'maybe'"),
    ('struct S : s\n    attr x u32 1.0.0 - - : x', 2, "attr 'x': column 'secret' must be 'open' or 'secret'"),
    ('struct S : s\n    attr x u32 1.0.0 open : x', 2, "attr 'x': missing column 'max'"),
    ('struct S : s\n    attr x u32 1.0.0 open big : x', 2, "attr 'x': column 'max' must be a number or '-', not 'big'"),
    ('struct S : s\n    attr x string 1.0.0 open - : x', 2, "attr 'x': column 'max' is mandatory for type string"),
    ('struct S : s\n    attr x u32 1.0.0 open 4 : x', 2, "attr 'x': type u32 takes no maximal length"),
    ('struct S : s\n    attr x u32 1.0.0 open - frob : x', 2, "unknown key 'frob'"),
    ('struct S : s\n    attr x u32 1.0.0 open - has has : x', 2, "key 'has' given twice"),
    ('struct S : s\n    attr x- u32 1.0.0 open - ref : x', 2, "attr 'x-': key 'ref' is for elements"),
    ('struct S : s\n    attr 1x u32 1.0.0 open - : x', 2, "'1x' is not a name"),
    ('struct S : s\n    attr x T 1.0.0 open - : x', 2, "attr 'x': there is no type 'T'"),
    ('struct S : s\n    attr x S 1.0.0 open - : x', 2, "attr 'x': needs a scalar type, not S"),
    ('struct S : s\n    attr x enum:T 1.0.0 open - : x', 2, "attr 'x': there is no enum 'T'"),
    ('struct S : s\n    attr x u32 1.0.0 open - default=1 : x', 2, "attr 'x': only an enum has a default"),
    (GOOD + '    attr x enum:E 1.0.0 open - default=c : x', 5, "attr 'x': default 'c' is not a value of E"),
    ('struct S : s\n    attr x string 1.0.0 open 9 range=1..2 : x', 2, "attr 'x': only a number has a range"),
    ('struct S : s\n    attr x u32 1.0.0 open - form=f : x', 2, "attr 'x': only a string has a form"),
    ('struct T : t\n    attr a u32 1.0.0 open - : a\nstruct S : s\n    list *k T 1.0.0 - 5 field=l : x', 4,
     "list '*k': T has no key 'k' that is an enum of less than 64 values"),
    ('enum E : e\n    a b\nstruct T : t\n    key k enum:E : k\nstruct S : s\n    list *k T 1.0.0 - 5 : x', 6,
     "list '*k': a name that begins with '*' is for lists with a key 'field'"),
    ('enum E : e\n    a b\nstruct T : t\n    key k enum:E : k\nstruct S : s\n    list *k T 1.0.0 - 5 field=l : x\n'
     '    list *k T 1.0.0 - 5 field=m : x', 7, "list '*k': stands twice without a condition"),
    ('struct S : s\n    attr x string 1.0.0 open 9 has : x', 2, "attr 'x': type string needs no 'has'"),
    ('struct S : s\n    attr x u32 1.0.0 open - error=FROB : x', 2, "attr 'x': unknown error 'FROB'"),
    ('struct S : s\n    attr x u32 1.0.0 open - bad=FROB : x', 2, "attr 'x': unknown error 'FROB'"),
    ('struct S : s\n    elem x S 1.0.0 ref bad=XML_ERROR : x', 2, "elem 'x': key 'bad' is for values"),
    ('struct S : s\n    attr x u32 1.0.0 open - : x\n    attr x u32 1.0.0 open - : x', 3, "attr 'x': stands twice without a condition"),
    ('struct S : s\n    text u32 1.0.0 open - when=k:a : x\n    text u32 1.0.0 open - field=y when=k:b : x', 1, "struct 'S': has two texts"),
    ('struct S : s\n    list x string 1.0.0 open 9 : x', 2, "list 'x': column 'max' must bound the length of a list"),
    ('struct S : s\n    list x S 1.0.0 - - : x', 2, "list 'x': column 'max' must bound the length of a list"),
    ('struct S : s\n    elem x - 1.0.0 : x', 2, "elem 'x': has neither a struct nor lines of its own"),
    ('struct S : s\n    elem x S 1.0.0 : x\n        attr y u32 1.0.0 open - : y', 2, "elem 'x': has both a struct and lines of its own"),
    ('struct S : s\n    elem x S 1.0.0 flat : x', 2, "elem 'x': key 'flat' needs a body of its own"),
    ('struct S : s\n    elem x u32 1.0.0 : x', 2, "elem 'x': needs a struct, not u32"),
    ('struct S : s\n    elem x S 1.0.0 : x', 1, "struct 'S' holds itself"),
    ('struct S : s\n    elem q:x S 1.0.0 ref : x', 2, "elem 'q:x': there is no namespace 'q'"),
    (GOOD + '    attr x u32 1.0.0 open - when=k:c : x', 5, "attr 'x': condition: 'c' is not a value of E"),
    (GOOD + '    attr x u32 1.0.0 open - when=z:a : x', 5, "attr 'x': S has no field 'z'"),
    (GOOD + '    attr x u32 1.0.0 open - when=k : x', 5, "attr 'x': condition 'k' is not FIELD:VALUE,... of an enum"),
    (GOOD + '    attr x u32 1.0.0 open - when=k:a unless=k:b : x', 5, "attr 'x': has both 'when' and 'unless'"),
    (GOOD + '    attr x u32 1.0.0 open - when=k:a : x\n    attr y u64 1.0.0 open - field=x when=k:b : y', 6,
     "attr 'y': field 'x' of S already has type guint32"),
    ('enum E : e', 1, "enum 'E' has no values"),
    ('enum E : e\n    a b\n    a', 2, "enum 'E': value 'a' given twice"),
    ('enum E : e\n    a\nstruct E : e', 3, "'E' is already defined"),
]


def run(kind, out, *args, cwd=None):
    return subprocess.run([sys.executable, GENERATOR, kind, str(out), *[str(arg) for arg in args]], cwd=cwd,
                          capture_output=True, text=True, timeout=60, check=False)


def generate(kind, tables, out):
    return run(kind, out, *tables)


@pytest.mark.parametrize('text,line,message', BAD, ids=[f'{n}' for n in range(len(BAD))])
def test_mistake(tmp_path, text, line, message):
    table = tmp_path / 'bad.schema'
    table.write_text(text + '\n', encoding='utf-8')
    result = run('header', 'out.h', 'bad', 'bad.schema', cwd=tmp_path)
    assert result.stderr == f'bad.schema:{line}: {message}\n'
    assert result.returncode == 1
    assert not (tmp_path / 'out.h').exists()


@pytest.mark.parametrize('args', [[], ['frob', 'out', 'a', 'a.schema'], ['header', 'out.h', 'a'],
                                  ['header', 'out.h', 'a', 'a.schema', '--with', 'b']])
def test_usage(args, tmp_path):
    result = subprocess.run([sys.executable, GENERATOR, *args], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                            check=False)
    assert result.returncode == 2 and 'generate.py KIND OUTPUT FORMAT' in result.stderr


USED = '''root used Used DOMAIN
namespace q http://example.org/q
enum E : e
    a b
struct Used : shared
    attr e enum:E 1.0.0 open - : e
    elem q:deep - 1.0.0 ref : Anonymous
        attr x u32 1.0.0 open - : x
struct Spare : nobody needs it
    attr x u32 1.0.0 open - : x
'''
OWN = '''root own OwnDef NETWORK
struct OwnDef : ours
    attr kind enum:E 1.0.0 open - : kind
    part used Used when=kind:b : in our own element
    elem used Used 1.0.0 field=inner : shared
'''


@pytest.fixture(name='two')
def fixture_two(tmp_path):
    """What the generator makes of a format that uses another one."""
    (tmp_path / 'used.schema').write_text(USED, encoding='utf-8')
    (tmp_path / 'own.schema').write_text(OWN, encoding='utf-8')
    made = {}
    for kind in ('header', 'tables', 'rng', 'reference'):
        result = run(kind, kind, 'own', 'own.schema', '--with', 'used', 'used.schema', cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        made[kind] = (tmp_path / kind).read_text(encoding='utf-8')
    return made


def test_used_format_is_made_elsewhere(two):
    assert '#include "model/used_def.h"' in two['header'] and '#include "base/xml.h"' not in two['header']
    assert 'struct OwnDef {' in two['header'] and 'extern const XmlRoot OWN_ROOT;' in two['header']
    for word in ('struct Used {', 'typedef struct Used Used;', '} E;', 'XmlDesc USED_DESC', 'USED_ROOT', 'USED_DEEP_DESC'):
        assert word not in two['header'], word
    assert '#include "model/own_def.h"' in two['tables'] and 'const XmlRoot OWN_ROOT' in two['tables']
    assert 'VIR_FROM_NETWORK' in two['tables'] and '.info = &USED_DESC' in two['tables']
    for word in ('const XmlDesc USED', 'E_TEXTS', 'USED_ROOT', 'SPARE'):
        assert word not in two['tables'], word


def test_grammar_and_page_show_what_the_root_reaches(two):
    for text in (two['rng'], two['reference']):
        assert 'OwnDef' in text and 'UsedDeep' in text and 'Spare' not in text
    assert 'xmlns:q=' in two['rng']
    ElementTree.fromstring(two['rng'])


def test_formats_share_names(tmp_path):
    (tmp_path / 'used.schema').write_text(USED, encoding='utf-8')
    (tmp_path / 'own.schema').write_text('enum Used : u\n    a\n', encoding='utf-8')
    result = run('header', 'out.h', 'own', 'own.schema', '--with', 'used', 'used.schema', cwd=tmp_path)
    assert result.stderr == "own.schema:1: 'Used' is already defined\n" and result.returncode == 1


def paths(names):
    return [os.path.join(SOURCE, 'schema', name + '.schema') for name in names]


@pytest.fixture(name='tables', scope='module')
def fixture_tables():
    return ['domain', *paths(DOMAIN), '--with', 'common', *paths(COMMON)]


def test_header_compiles_alone(tmp_path, tables):
    if not shutil.which('cc') or not shutil.which('pkg-config'):
        pytest.skip('no C compiler')
    (tmp_path / 'model').mkdir()
    assert generate('header', ['common', *paths(COMMON)], tmp_path / 'model' / 'common_def.h').returncode == 0
    assert generate('header', tables, tmp_path / 'model' / 'domain_def.h').returncode == 0
    flags = subprocess.run(['pkg-config', '--cflags', 'glib-2.0', 'libxml-2.0'], capture_output=True, text=True,
                           timeout=60, check=True).stdout.split()
    (tmp_path / 'a.c').write_text('#include "model/domain_def.h"\n', encoding='utf-8')
    subprocess.run(['cc', '-fsyntax-only', '-Wall', '-Werror', '-I' + str(tmp_path), '-I' + os.path.join(SOURCE, 'src'),
                    *flags, str(tmp_path / 'a.c')], timeout=60, check=True)


def test_reference_names_everything(tmp_path, tables):
    assert generate('reference', tables, tmp_path / 'ref.md').returncode == 0
    text = (tmp_path / 'ref.md').read_text(encoding='utf-8')
    for word in ('`cache=`', '`<backingStore>`', '**Secret**', 'Default: `disk`', '`<qemu:commandline>`'):
        assert word in text
    anchors = {part.split('"')[0] for part in text.split('<a id="')[1:]}
    links = {part.split(')')[0] for part in text.split('](#')[1:]}
    assert links <= anchors


def samples():
    """What libvirt prints. One file is left out: with a dozen optional parts in one element, libxml2's validator
    takes exponential time, with whatever grammar."""
    found = []
    for folder, _, names in os.walk(os.path.join(SOURCE, 'tests', 'data', 'domain')):
        found += [os.path.join(folder, name) for name in names if name != 'devices-storage.xml']
    return sorted(found)


def test_rng_accepts_what_is_printed(tmp_path, tables):
    if not shutil.which('xmllint'):
        pytest.skip('xmllint is not installed')
    rng = tmp_path / 'domain.rng'
    assert generate('rng', tables, rng).returncode == 0
    ElementTree.parse(rng)
    result = subprocess.run(['xmllint', '--noout', '--relaxng', str(rng), *samples()], capture_output=True, text=True,
                            timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_rng_refuses_mistakes(tmp_path, tables):
    if not shutil.which('xmllint'):
        pytest.skip('xmllint is not installed')
    rng = tmp_path / 'domain.rng'
    assert generate('rng', tables, rng).returncode == 0
    good = open(os.path.join(SOURCE, 'tests/data/domain/define/pc-min.out'), encoding='utf-8').read()
    for old, new in (("<name>pc-min</name>", ''), ("<clock offset='utc'/>", "<clock offset='frob'/>"), ("vcpu", "vcpv"),
                     ("<on_crash>", "<on_crash a='b'>")):
        (tmp_path / 'bad.xml').write_text(good.replace(old, new), encoding='utf-8')
        result = subprocess.run(['xmllint', '--noout', '--relaxng', str(rng), str(tmp_path / 'bad.xml')],
                                capture_output=True, timeout=60, check=False)
        assert result.returncode == 3, old
