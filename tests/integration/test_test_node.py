# SPDX-License-Identifier: LGPL-2.1-or-later
"""test:///path: who is let in, beside Debian's."""

import agreement

USERS = r'''
path = os.path.join(folder, 'node.xml')
def node(users):
    open(path, 'w').write(f'<node><auth>{users}</auth></node>')
asked = []
def answer(wanted, answers):
    for credential in wanted:
        asked.append(credential[0:3])
        credential[4] = answers.get(credential[0], 'x')
    return 0
def enter(kinds, answers):
    asked.clear()
    return libvirt.openAuth('test://' + path, [kinds, answer, answers], 0).getType()
def enter_asked(kinds, answers):
    try: enter(kinds, answers)
    except libvirt.libvirtError: pass
    return list(asked)
node("<user password='123'>one</user><user>two</user>")
BOTH = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
for label, kinds, answers in (('right', BOTH, {2: 'one', 5: '123'}), ('wrong', BOTH, {2: 'one', 5: '124'}),
                              ('free', BOTH, {2: 'two'}), ('unknown', BOTH, {2: 'three'}),
                              ('prefix', BOTH, {2: 'one', 5: '12'}), ('only the name', [2], {2: 'one'}),
                              ('no echo', [2, 7], {2: 'one', 7: '123'})):
    call(label, enter, kinds, answers)
    call(label + ', asked', enter_asked, kinds, answers)
call('refused', lambda: libvirt.openAuth('test://' + path, [BOTH, lambda *a: -1, None], 0))
call('nobody to ask', libvirt.open, 'test://' + path)
call('read only', libvirt.openReadOnly, 'test://' + path)
node('')
call('no users', lambda: libvirt.open('test://' + path).getType())
node("<user password='p'/>")
call('nameless', libvirt.open, 'test://' + path)
'''


def test_users(tmp_path):
    ours = agreement.check(USERS, tmp_path)
    assert ours['right'][0] == 'TEST'
    assert ours['wrong'][0] == ours['unknown'][0] == ours['prefix'][0] == 'error 45'
