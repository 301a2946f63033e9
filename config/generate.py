#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""generate.py OUTDIR TABLE    write NAME.h, NAME.c, NAME.conf and NAME.conf.md of a table into OUTDIR
generate.py --debt TABLE...   list the keys whose feature isn't there yet, and count them"""
import os
import sys

sys.dont_write_bytecode = True
from confgen import c_output, check, parse, text_output  # noqa: E402


def load(path):
    table = parse.parse(path, os.path.basename(path))
    check.check(table)
    if os.path.basename(path) != table.stem + '.conf-table':
        raise parse.TableError(f'{os.path.basename(path)}:1', f'a table of {table.file} must be called '
                               f'{table.stem}.conf-table')
    return table


def write(outdir, name, text):
    with open(os.path.join(outdir, name), 'w', encoding='utf-8') as f:
        f.write(text)


def debt(paths):
    total = 0
    for path in paths:
        table = load(path)
        later = [key.name for key in table.keys if key.state == 'later']
        total += len(later)
        print(f'{table.file}: {len(later)} of {len(table.keys)}: {" ".join(later)}')
    print(f'{total} keys are accepted without effect')


def main(args):
    try:
        if args[:1] == ['--debt']:
            debt(args[1:])
            return 0
        outdir, path = args
        table = load(path)
    except parse.TableError as error:
        print(error, file=sys.stderr)
        return 1
    except ValueError:
        print(__doc__, file=sys.stderr)
        return 2
    write(outdir, table.stem + '.h', c_output.header(table))
    write(outdir, table.stem + '.c', c_output.source(table))
    write(outdir, table.file, text_output.sample(table))
    write(outdir, table.file + '.md', text_output.manual(table))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
