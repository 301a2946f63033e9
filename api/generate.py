#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generate everything that follows from the API tables.

usage: generate.py TABLES OUTDIR KIND    KIND: headers, maps, driver, ... (see KINDS)

Layers: lang.py (text to blocks), model.py (blocks to checked objects), one visitor out_KIND.py per output.
"""
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "gen"))
from lang import TableError  # noqa: E402
from model import load  # noqa: E402

KINDS = ("headers", "map", "errors", "driver", "entry", "remote", "dispatch", "wire", "events", "coverage", "reference")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    tables, outdir, kinds = sys.argv[1], sys.argv[2], sys.argv[3:]
    try:
        model = load(tables)
    except TableError as error:
        sys.exit(str(error))
    os.makedirs(outdir, exist_ok=True)
    for kind in kinds:
        if kind not in KINDS:
            sys.exit(f"unknown output '{kind}', one of {', '.join(KINDS)}")
        try:
            texts = importlib.import_module(f"out_{kind}").generate(model)
        except TableError as error:
            sys.exit(str(error))
        for name, text in texts.items():
            write_if_new(os.path.join(outdir, name), text)


def write_if_new(path, text):
    """An output that stays as it is keeps its time, so that nothing is built again for it."""
    try:
        with open(path, encoding="utf-8") as stream:
            if stream.read() == text:
                return
    except OSError:
        pass
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


if __name__ == "__main__":
    main()
