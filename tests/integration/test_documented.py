# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements and attributes that Debian's page of the domain format (package libvirt-doc) uses in its examples: the schema has each."""
import html
import os
import re

import pytest

import corpus

PAGE = '/usr/share/doc/libvirt-doc/html/formatdomain.html'
TAG = re.compile(r'''<([A-Za-z][\w:-]*)((?:\s+[\w:-]+\s*=\s*(?:'[^']*'|"[^"]*"))*)\s*/?>''')
# What stands in examples and isn't the format's.
OTHERS = {
    'app1:foo': 'metadata of a program', 'app1:foo@xmlns:app1': 'metadata of a program',
    'app2:bar': 'metadata of a program', 'app2:bar@xmlns:app2': 'metadata of a program',
    'encryption@type': 'the attribute is named format',
    'port@start': 'the element is named range', 'port@end': 'the element is named range',
    'portForward@start': 'they stand in range', 'portForward@end': 'they stand in range',
    'portForward@exclude': 'it stands in range',
}


def documented():
    """Pairs of element and attribute (None: the element itself)."""
    with open(PAGE, encoding='utf-8') as f:
        blocks = re.findall(r'<pre[^>]*>(.*?)</pre>', f.read(), re.S)
    found = set()
    for block in blocks:
        text = re.sub(r'<!--.*?-->', '', html.unescape(re.sub(r'<[^>]+>', '', block)), flags=re.S)
        for tag, attributes in TAG.findall(text):
            found.add((tag, None))
            found |= {(tag, name) for name in re.findall(r'([\w:-]+)\s*=', re.sub(r'''('[^']*'|"[^"]*")''', '', attributes))}
    return found


def known():
    """The same of the schema."""
    made = corpus.schema()
    found = {(made.tables.roots[0].name, None)}

    def visit(desc, tags, seen):
        if (id(desc), tags) in seen:
            return
        seen.add((id(desc), tags))
        for member in desc.members:
            prefix = f'{member.prefix}:' if member.prefix else ''
            if member.kind == 'attr':
                found.update((tag, prefix + member.name) for tag in tags)
            elif member.kind != 'text':
                names = tuple(word for word, _ in member.names[0].words) if member.names else (prefix + member.name,)
                found.update((name, None) for name in names)
                if member.leaf:
                    found.update((name, member.leaf) for name in names)
                found.update((name, 'unit') for name in names)
                if member.desc:
                    visit(member.desc, names, seen)
    visit(made.descs[made.tables.roots[0].type], (made.tables.roots[0].name,), set())
    return found


@pytest.mark.skipif(not os.path.exists(PAGE), reason='libvirt-doc is not installed')
def test_all_that_is_documented_is_there():
    pairs = documented()
    missing = {f'{tag}@{name}' if name else tag for tag, name in pairs - known()}
    assert len(pairs) > 800
    assert missing == set(OTHERS), f'missing: {sorted(missing - set(OTHERS))}, there now: {sorted(set(OTHERS) - missing)}'
