#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write a C program that compiles only if our headers agree with the facts beside, and whose run compares the texts.

usage: generate.py FOLDER OUTPUT
"""
import os
import re
import sys

HEAD = """/* Generated from tests/abi. */
#define VIR_ENUM_SENTINELS
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-admin.h>
#include <stdio.h>
#include <string.h>
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

"""


def facts(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as stream:
        return [line.rstrip("\n") for line in stream if line.strip() and not line.startswith("#")]


def structs(folder):
    for line in facts(folder, "structs.facts"):
        words = line.split()
        if words[0] == "struct":
            yield f'_Static_assert(sizeof(struct {words[1]}) == {words[2]}, "size of {words[1]}");'
            yield f'_Static_assert(_Alignof(struct {words[1]}) == {words[3]}, "alignment of {words[1]}");'
        else:
            tag, _, field = words[0].partition(".")
            yield f'_Static_assert(offsetof(struct {tag}, {field}) == {words[1]}, "offset of {words[0]}");'
            yield f'_Static_assert(sizeof(((struct {tag} *) 0)->{field}) == {words[2]}, "size of {words[0]}");'


def values(folder):
    for line in facts(folder, "values.facts"):
        name, value = line.lstrip("!").split()
        yield f'_Static_assert({name} == {value}{"LL" if abs(int(value)) > 0x7fffffff else ""}, "value of {name}");'


def prototypes(folder):
    """A second declaration that differs from the header's is an error of the compiler."""
    for line in facts(folder, "functions.facts"):
        _, _, text = line.split(" ", 2)
        yield ("extern " if "(" not in text else "") + text + ";"


def strings(folder):
    for line in facts(folder, "strings.facts"):
        name, _, value = line.partition(" ")
        yield f'    bad += compare("{name}", {name}, "{value}");'


def main():
    folder, output = sys.argv[1:3]
    parts = [HEAD, *structs(folder), *values(folder), *prototypes(folder),
             "\nstatic int compare(const char *name, const char *is, const char *should)\n{\n"
             "    if (strcmp(is, should) == 0)\n        return 0;\n"
             '    printf("%s is \\"%s\\", should be \\"%s\\"\\n", name, is, should);\n    return 1;\n}\n',
             "int main(void)\n{\n    int bad = 0;", *strings(folder),
             '    printf("ABI: %d texts differ\\n", bad);\n    return bad != 0;\n}\n']
    with open(output, "w", encoding="utf-8") as stream:
        stream.write("\n".join(parts))
    if not re.search(r"_Static_assert", "".join(parts)):
        sys.exit("no facts")


if __name__ == "__main__":
    main()
