#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make C, RNG and reference from the schema tables.

    generate.py KIND OUTPUT TABLE...      KIND: header tables rng reference
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from schemagen import check, model, parse  # noqa: E402


def load(paths, base):
    tables = check.Tables()
    for path in paths:
        with open(path, encoding='utf-8') as file:
            for item in parse.parse_file(os.path.relpath(path, base), file.read()):
                tables.add(item)
    check.check(tables)
    return tables


def render(kind, tables):
    import importlib
    made = model.Model(tables)
    return importlib.import_module('schemagen.' + kind).render(made)


def main(argv):
    if len(argv) < 4 or argv[1] not in ('header', 'tables', 'rng', 'reference'):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        text = render(argv[1], load(argv[3:], os.getcwd()))
    except parse.SchemaError as err:
        print(err, file=sys.stderr)
        return 1
    with open(argv[2], 'w', encoding='utf-8') as file:
        file.write(text)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
