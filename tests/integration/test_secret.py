# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets: ours (of the test driver, in memory) beside those of Debian's daemon."""
import subprocess

import agreement
import support

HEAD = r'''
U = '11111111-1111-1111-1111-1111111111%02d'
KINDS = {'volume': 'volume', 'ceph': 'name', 'iscsi': 'target', 'tls': 'name', 'vtpm': 'name'}
def secret(number=1, type='volume', id=None, attrs='', inside=''):
    id = ('/v1' if type == 'volume' else 'v1') if id is None else id
    usage = "<usage type='%s'><%s>%s</%s></usage>" % (type, KINDS[type], id, KINDS[type]) if type else ''
    return "<secret%s><uuid>%s</uuid>%s%s</secret>" % (attrs, U % number, inside, usage)
def S(number=1, conn=c):
    return conn.secretLookupByUUIDString(U % number)
def define(*args, **named):
    return shown(c.secretDefineXML(secret(*args, **named)))
def shown(s):
    return s.UUIDString()[-2:], s.usageType(), s.usageID(), tree(s.XMLDesc(), hidden=['uuid'])
def gone(s):
    s.undefine()
    return s
def once(document, flags=0):
    s = c.secretDefineXML(document, flags)
    try:
        return tree(s.XMLDesc(), hidden=['uuid']), s.usageType(), s.usageID()
    finally:
        s.undefine()
'''

SECRETS = HEAD + r'''
for flags in (0, 1):
    for type in KINDS:
        call('%s %d' % (type, flags), once, secret(type=type), flags)
    for what, document in {
            'plain': secret(type=None), 'none': secret(type=None, inside="<usage type='none'/>"), 'no uuid': '<secret/>',
            'private': secret(attrs=" private='yes'"), 'public': secret(attrs=" private='no' ephemeral='no'"),
            'ephemeral': secret(attrs=" ephemeral='yes'"), 'described': secret(inside='<description>d &lt;</description>'),
            'garbage': '<x', 'root': '<network/>', 'private bad': secret(attrs=" private='zz'"),
            'ephemeral bad': secret(attrs=" ephemeral='zz'"), 'uuid bad': secret().replace(U % 1, 'zz'),
            'type bad': secret().replace("type='volume'", "type='zz'"), 'no type': secret().replace(" type='volume'", ''),
            'no id': secret().replace('<volume>/v1</volume>', ''), 'empty id': secret(id=''),
            'other id': secret().replace('volume>', 'name>'), 'relative': secret(id='v1'), 'unknown': secret(inside='<zzz/>'),
            'two usages': secret(inside="<usage type='ceph'><name>x</name></usage>"), 'long': secret(type='ceph', id='x' * 300),
            'empty description': secret(inside='<description/>')}.items():
        call('%s %d' % (what, flags), once, document, flags)
call('define flags', c.secretDefineXML, secret(), 2)

call('define', define)
call('again', define)
call('other description', lambda: define(inside='<description>x</description>'))
call('other usage', lambda: define(id='/v2'))
call('no usage', lambda: define(type=None))
call('usage taken', lambda: define(2))
call('id of another type', lambda: define(2, type='ceph', id='/v1'))
call('same id, iscsi', lambda: define(3, type='iscsi', attrs=" ephemeral='yes'"))
call('no usage at all', lambda: define(4, type=None))
call('no usage a second time', lambda: define(5, type=None, attrs=" private='yes'"))
call('lists', lambda: (sorted(x[-2:] for x in c.listSecrets()), c.numOfSecrets(), len(c.listAllSecrets())))
for flags in (1, 2, 4, 8, 5, 10, 3, 15, 16):
    call('list %d' % flags, lambda: sorted(s.UUIDString()[-2:] for s in c.listAllSecrets(flags)))
call('xml flags', lambda: S().XMLDesc(1))
for kind in range(7):
    call('usage %d' % kind, lambda: c.secretLookupByUsage(kind, '/v1').UUIDString())
call('usage none', lambda: c.secretLookupByUsage(0, ''))
call('usage other', lambda: c.secretLookupByUsage(1, '/v9'))
call('usage bad', lambda: c.secretLookupByUsage(-1, '/v1'))
call('unknown', S, 99)
call('bad uuid', c.secretLookupByUUIDString, 'zz')

value = lambda n=1: S(n).value().decode('latin1')
call('no value', value)
call('set', lambda: S().setValue(b'\0abc\xff'))
call('value', value)
call('set again', lambda: S().setValue(b'second'))
call('value again', value)
call('set flags', lambda: S().setValue(b'x', 1))
call('value flags', lambda: S().value(1))
call('value after flags', value)
call('redefine', lambda: define(inside='<description>new</description>'))
call('value after redefinition', value)
call('xml has no value', lambda: 'second' in S().XMLDesc())
call('empty', lambda: S(3).setValue(b''))
call('empty value', value, 3)
call('long', lambda: (S(3).setValue(b'x' * 65536), len(value(3))))
call('private', lambda: S(5).setValue(b'x'))
call('private value', value, 5)
call('make private public', lambda: define(5, type=None))
call('make public private', lambda: define(4, type=None, attrs=" private='yes'"))
call('now private', lambda: (S(4).setValue(b'q'), value(4)))
call('make ephemeral', lambda: define(attrs=" ephemeral='yes'"))
call('value of ephemeral', value)
call('make kept', lambda: define())
call('value kept', value)

call('other type', lambda: define(type='ceph', id='/v1'))
for number in (1, 2, 3, 4, 5):
    call('undefine %d' % number, lambda: S(number).undefine())
call('empty lists', lambda: (c.listSecrets(), c.numOfSecrets()))
for name, args in (('undefine', ()), ('XMLDesc', ()), ('value', ()), ('setValue', (b'x',))):
    call('gone ' + name, lambda: getattr(gone(c.secretDefineXML(secret())), name)(*args))
call('back without value', lambda: (define(), value()))
call('end', lambda: S().undefine())
'''


def test_secrets(tmp_path, reference):
    agreement.check(SECRETS, tmp_path, reference=reference, differing=[
        'none 1', 'relative 1',     # its grammar has no usage 'none', and wants paths to be absolute
        'other type',               # it looks at the text of the usage only, and then has two for one usage
    ])


def test_over_the_wire(tmp_path, daemon):
    agreement.check_wire(SECRETS, tmp_path, daemon)


MORE = HEAD + r'''
c.secretDefineXML(secret())
S().setValue(b'x')
call('too long', lambda: S().setValue(b'x' * 65537))
call('kept', lambda: S().value().decode())
reader = libvirt.openReadOnly(sys.argv[2])
call('read', lambda: S(1, reader).UUIDString())
call('read value', lambda: S(1, reader).value().decode())
call('read set', lambda: S(1, reader).setValue(b'x'))
call('read define', reader.secretDefineXML, secret(2))
call('read undefine', lambda: S(1, reader).undefine())

def wait(count):
    """Events from a daemon come when they come; more than @count must not."""
    for _ in range(2000):
        if len(seen) >= count:
            break
        drain()
    drain()
    found = list(seen)
    seen.clear()
    return found
seen = []
one = c.secretDefineXML(secret(7, id='/v7'))
note = lambda name: lambda conn, s, *a: seen.append([name, s.UUIDString()[-2:], s.usageType(), s.usageID()] + list(a[:-1]))
c.secretEventRegisterAny(None, 0, note('life'), None)
c.secretEventRegisterAny(None, 1, note('value'), None)
number = c.secretEventRegisterAny(one, 1, note('value of one'), None)
call('defined', lambda: (c.secretDefineXML(secret(8, type=None)) and None, wait(1)))
call('value changed', lambda: (S(8).setValue(b'v'), wait(1)))
call('value of one', lambda: (one.setValue(b'v'), sorted(wait(2))))
call('refused', lambda: S(8).setValue(b'v', 1))
call('redefined', lambda: (c.secretDefineXML(secret(8, type=None, attrs=" private='yes'")) and None, wait(1)))
call('undefined', lambda: (S(8).undefine(), wait(1)))
call('deregister', c.secretEventDeregisterAny, number)
call('deregister twice', c.secretEventDeregisterAny, number)
call('after that', lambda: (one.setValue(b'w'), wait(1)))
call('end', lambda: (one.undefine(), S().undefine()))
'''


def test_events_and_readers(tmp_path, reference):
    ours = agreement.check(MORE, tmp_path, reference=reference, differing=[
        'too long',     # the reference's client can't send it
    ])
    assert ours['too long'][0] == 'error 8' and ours['read value'][0] == 'error 29'


NODE = HEAD + r'''
path = os.path.join(folder, 'node.xml')
open(path, 'w').write('<node>' + secret() + secret(2, type='ceph', attrs=" private='yes'") + '</node>')
call('node', lambda: sorted(shown(s) for s in libvirt.open('test://' + path).listAllSecrets()))
'''


def test_node_file(tmp_path):
    """A node file may have secrets; Debian's test driver knows none."""
    assert [s[2] for s in agreement.check(NODE, tmp_path, differing=['node'])['node'][0]] == ['/v1', 'v1']


def memory_has(pid, word, most=1 << 28):
    """Whether a process has @word anywhere in its writable memory (regions larger than @most aside: a sanitizer's)."""
    with open(f'/proc/{pid}/maps', encoding='utf-8') as f:
        regions = [line.split() for line in f]
    with open(f'/proc/{pid}/mem', 'rb', buffering=0) as memory:
        for span, rights, *_ in regions:
            start, end = (int(x, 16) for x in span.split('-'))
            if not rights.startswith('rw') or end - start > most:
                continue
            memory.seek(start)
            try:
                if word in memory.read(end - start):
                    return True
            except OSError:
                pass
    return False


def test_values_are_nowhere_else(new_daemon):
    """Neither in the daemon's log at its most talkative, nor in its memory once the secret is gone."""
    daemon = new_daemon(config='log_level = 1\nlog_outputs = "1:stderr"\n').start()
    uri = f'test+unix:///default?socket={daemon.socket}'
    script = f'''
c = libvirt.open({uri!r})
s = c.secretDefineXML("<secret><uuid>11111111-1111-1111-1111-111111111101</uuid></secret>")
value = b'treasure' + b''.join(b'%04d' % i for i in range(500))
s.setValue(value)
assert s.value() == value and 'treasure' not in s.XMLDesc()
'''
    keeper = '''
import sys
print('there', flush=True)
sys.stdin.readline()
s.undefine()
t = c.secretDefineXML("<secret><uuid>11111111-1111-1111-1111-111111111101</uuid></secret>")
try:
    t.value()
except libvirt.libvirtError as e:
    assert e.get_error_code() == 66 and 'treasure' not in str(e)
else:
    raise AssertionError('the value of an undefined secret is still there')
print('gone', flush=True)
sys.stdin.readline()
'''
    head = 'import libvirt\nlibvirt.registerErrorHandler(lambda *_: None, None)\n'
    with subprocess.Popen([support.PYTHON, '-c', head + script + keeper], env=support.foreign_environment(), text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout.readline() == 'there\n'
        # long, as copying leaves some hundred bytes in registers, which the dynamic linker may have put on a stack
        value = b''.join(b'%04d' % i for i in range(100, 400))
        assert memory_has(daemon.process.pid, value)    # so it would be found
        client.stdin.write('\n')
        client.stdin.flush()
        assert client.stdout.readline() == 'gone\n'
        support.wait_for(lambda: not memory_has(daemon.process.pid, value), what='the value being gone from memory')
    with open(daemon.log, 'rb') as f:
        log = f.read()
    assert b': debug : ' in log and b'treasure' not in log
