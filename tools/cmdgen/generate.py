#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generate everything that follows from the command tables of a program.

usage: generate.py PROGRAM TABLES SHAPES OUTDIR KIND...    KIND: c, man, debt

Layers: api/gen/lang.py (text to blocks), model.py (blocks to checked objects), one visitor out_KIND.py per output.
SHAPES is the folder of the JSON shapes that commands may name.
"""
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from model import TableError, load  # noqa: E402

KINDS = ("c", "man", "debt")


def main():
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    program, tables, shapes, outdir, kinds = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
    try:
        groups = load(tables, {n[:-5] for n in os.listdir(shapes) if n.endswith(".json")})
    except TableError as error:
        sys.exit(str(error))
    os.makedirs(outdir, exist_ok=True)
    for kind in kinds:
        if kind not in KINDS:
            sys.exit(f"unknown output '{kind}', one of {', '.join(KINDS)}")
        for name, text in importlib.import_module(f"out_{kind}").generate(groups, program).items():
            with open(os.path.join(outdir, name), "w", encoding="utf-8") as stream:
                stream.write(text)


if __name__ == "__main__":
    main()
