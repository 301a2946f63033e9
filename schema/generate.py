#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make C, RNG and reference from the schema tables.

    generate.py KIND OUTPUT FORMAT TABLE... [--with FORMAT TABLE...]...

KIND: header tables rng reference explain. Tables behind --with belong to another format: their structs and enums
may be used, and are made there (model/FORMAT_def.h).
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from schemagen import check, model, parse  # noqa: E402


def split_formats(words):
    """[(name, [table...])...], those that are used first and our own last."""
    groups = [[]]
    for word in words:
        if word == '--with':
            groups.append([])
        else:
            groups[-1].append(word)
    if any(len(group) < 2 for group in groups):
        return None
    return [(group[0], group[1:]) for group in groups[1:] + groups[:1]]


def load(formats, base):
    tables = check.Tables([name for name, _ in formats])
    for name, paths in formats:
        for path in paths:
            with open(path, encoding='utf-8') as file:
                for item in parse.parse_file(os.path.relpath(path, base), file.read()):
                    tables.add(item, name)
    check.check(tables)
    return tables


def render(kind, tables):
    import importlib
    made = model.Model(tables)
    return importlib.import_module('schemagen.' + kind).render(made)


def main(argv):
    formats = split_formats(argv[3:])
    if not formats or argv[1] not in ('header', 'tables', 'rng', 'reference', 'explain'):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        text = render(argv[1], load(formats, os.getcwd()))
    except parse.SchemaError as err:
        print(err, file=sys.stderr)
        return 1
    with open(argv[2], 'w', encoding='utf-8') as file:
        file.write(text)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
