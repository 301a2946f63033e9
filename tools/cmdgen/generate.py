#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generate everything that follows from the command tables of a program.

usage: generate.py PROGRAM TABLES SHAPES OUTDIR KIND...    KIND: c, man, debt, schema

Layers: api/gen/lang.py (text to blocks), model.py (blocks to checked objects), one visitor out_KIND.py per output.
SHAPES is the folder of the JSON shapes that commands may name.
"""
import importlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import TableError, load  # noqa: E402

KINDS = ("c", "man", "debt", "schema")


def load_shapes(folder):
    """The shapes of a folder by their names."""
    found = {}
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".json")):
        with open(os.path.join(folder, name), encoding="utf-8") as stream:
            found[name[:-5]] = json.load(stream)
    return found


def main():
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    program, tables, shapes, outdir, kinds = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
    try:
        groups = load(tables, load_shapes(shapes))
    except TableError as error:
        sys.exit(str(error))
    os.makedirs(outdir, exist_ok=True)
    for kind in kinds:
        if kind not in KINDS:
            sys.exit(f"unknown output '{kind}', one of {', '.join(KINDS)}")
        visitor = importlib.import_module(f"out_{kind}")
        more = (load_shapes(shapes),) if kind == "schema" else ()
        for name, text in visitor.generate(groups, program, *more).items():
            with open(os.path.join(outdir, name), "w", encoding="utf-8") as stream:
                stream.write(text)


if __name__ == "__main__":
    main()
