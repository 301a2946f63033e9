# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents that use every row and every value of the formats of filters and bindings: taken, told and refused as by Debian's daemon."""
import json

import agreement
import corpus
import filtered

RULE = "<rule action='drop' direction='{}'>{}</rule>"
UUID = '11111111-1111-4111-8111-111111111120'
PARAMETERS = "<parameter name='B' value='1.2.3.4'/><parameter name='A' value='52:54:00:00:00:01'/><parameter name='A' value='x_y.z'/>"
# name: the element's attributes, and what is in it
TAKEN = {
    **{f'{protocol} {name}': ('', RULE.format('out', text)) for protocol, name, text in filtered.rules_of_rows()},
    **{f'match {word}': ('', RULE.format('in', f"<mac match='{word}' srcmacaddr='$MAC'/>")) for word in ('yes', 'no')},
    **{f'action {word}': ('', f"<rule action='{word}' direction='in'/>") for word in ('drop', 'accept', 'reject', 'return', 'continue')},
    **{f'direction {word}': ('', f"<rule action='drop' direction='{word}'/>") for word in ('in', 'out', 'inout')},
    **{f'statematch {word}': ('', f"<rule action='drop' direction='in' priority='-1' statematch='{word}'/>") for word in ('false', 'true', '0', '1')},
    **{f'chain {word}': (f"chain='{word}' priority='-5'", "<filterref filter='g'/><filterref filter='x'>" + PARAMETERS + '</filterref>')
       for word in ('root', 'mac', 'vlan-x', 'stp-1', 'arp-a', 'rarp', 'ipv4', 'ipv6-b')},
    'several': ('', RULE.format('inout', "<tcp dstportstart='$P'/><tcp srcipaddr='$A[@1]' dstipaddr='$B[@2]'/><tcp srcportstart='$P[7]'/>")),
    'last': ('', RULE.format('in', "<tcp dstportstart='5' comment='x'/><tcp dstportstart='6'/>")),
    'no last': ('', RULE.format('in', "<tcp dstportstart='5' srcportstart='7'/><tcp match='no' dstportstart='6'/>")),
    'no first': ('', RULE.format('in', "<tcp match='no' dstportstart='5'/><tcp srcportstart='6'/>")),
    'two no': ('', RULE.format('in', "<tcp match='no' dstportstart='5'/><tcp match='no' srcportstart='6'/>")),
    'nothing left': ('', RULE.format('in', "<tcp dstportstart='5'/><tcp match='no' dstportstart='6'/>")),
    'in turn': ('', RULE.format('in', "<mac srcmacaddr='$A'/><mac match='no' dstmacaddr='$B'/><mac protocolid='arp'/>")),
}
REFUSED = {
    'chain': ("chain='x'", ''), 'action': ('', "<rule action='x' direction='in'/>"), 'direction': ('', "<rule action='drop' direction='x'/>"),
    'no action': ('', "<rule direction='in'/>"), 'no ref': ('', '<filterref/>'), 'priority': ("chain='root' priority='x'", ''),
    'ports of icmp': ('', RULE.format('in', "<ip protocol='icmp' srcportstart='5'/>")),
}
BINDING = ("<filterbinding><owner><name>vm</name><uuid>" + UUID + "</uuid></owner><portdev name='lo'/><linkdev name='l'/>"
           "<mac address='00:11:22:33:44:55'/><filterref filter='f'>" + PARAMETERS + '</filterref></filterbinding>')


def document(attributes, inside):
    return f"<filter name='f' {attributes}><uuid>{UUID}</uuid>{inside}</filter>"


# Label (a name, and 1 if the document is validated): why the answers differ.
FORGETS = "Debian's forgets that the ports must not be so, or sets of ipset where it knows them for all protocols only"
STRICT = "Debian's schema lacks what its parser takes"
V6 = [f'{protocol}-ipv6' for protocol in ('tcp', 'udp', 'sctp', 'esp', 'ah', 'udplite', 'all')] + ['icmpv6']
DIFFERING = {
    **{f'{protocol} dstipto {flags}': "Debian's wants an IPv4 address there" for protocol in V6 for flags in (0, 1)},
    **{f'{protocol} {name} 1': STRICT for protocol in V6 for name in ('state', 'connlimit-above')},
    **{f'{name} 1': STRICT for name in ('arp arpsrcipmask', 'rarp arpsrcipmask', 'arp arpdstipmask', 'rarp arpdstipmask')},
    **{f'{protocol} {name} {flags}': FORGETS for protocol, name, _ in filtered.rules_of_rows() for flags in (0, 1)
       if name.startswith('ipset') and (protocol, flags) not in (('all', 0), ('all', 1), ('all-ipv6', 0))},
    **{f'{name} {flags}': FORGETS for name in ('no last', 'no first', 'nothing left') for flags in (0, 1)},
    **{f'{name} 1': STRICT for name in ('statematch true', 'statematch 1', 'several', 'last', 'two no')},
    **{f'in turn {flags}': 'what must be so is told in one element' for flags in (0, 1)},
    'bad chain 1': 'what a rule refuses is told as that, too, when a document is validated', 'bad no ref 0': 'another code',
}

SCRIPT = r'''
def told(text, flags):
    made = c.nwfilterDefineXMLFlags(text, flags)
    try:
        return tree(made.XMLDesc(0))
    finally:
        made.undefine()
for name, text in json.loads(%r).items():
    for flags in (0, 1):
        call('%%s %%d' %% (name, flags), told, text, flags)
f = c.nwfilterDefineXML("<filter name='f'/>")
def bound(flags):
    made = c.nwfilterBindingCreateXML(%r, flags)
    try:
        return tree(made.XMLDesc(0))
    finally:
        made.delete()
for flags in (0, 1):
    call('binding %%d' %% flags, bound, flags)
f.undefine()
'''


def test_agrees(tmp_path, reference):
    documents = {name: document(*what) for name, what in {**TAKEN, **{f'bad {n}': w for n, w in REFUSED.items()}}.items()}
    answers = agreement.check(SCRIPT % (json.dumps(documents), BINDING), tmp_path, DIFFERING, reference=reference)
    assert len(answers) == 2 * len(documents) + 2
    assert [name for name in TAKEN if str(answers[f'{name} 0'][0]).startswith('error')] == []


def covered(of, texts):
    missing = corpus.uncovered(of, texts)
    assert not missing, '\n'.join(missing)


def test_every_row_and_every_value_has_a_document():
    covered('nwfilter', {name: document(*what) for name, what in TAKEN.items()})
    covered('nwfilterbinding', {'binding': BINDING})
