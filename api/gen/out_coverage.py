# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: coverage_table.h, where each function's member lies in its driver table. tests/coverage prints what drivers have."""
from out_driver import GROUPS, struct_name


def generate(model):
    rows = []
    for group in GROUPS:
        for function in model.functions:
            if function.driver == group and group != "admin":
                rows.append(f'    {{ "{group}", "{function.name}", offsetof({struct_name(group)}, {function.member}) }},')
    head = "/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/calls/. */\n#pragma once\n"
    return {"coverage_table.h": head + '#include <stddef.h>\n#include "core/driver_table.h"\n\n'
            "static const struct CoverageRow { const char *group, *function; size_t offset; } coverage_rows[] = {\n" +
            "\n".join(rows) + "\n};\n"}
