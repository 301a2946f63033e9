# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: error_text.c, the standing text of each error code (the words behind a code in enum virErrorNumber)."""
from lang import split_doc


def generate(model):
    rows = []
    for header in model.headers.values():
        for block in header.blocks:
            if block.kind == "enum" and block.heading == "virErrorNumber":
                for value in block.all("value"):
                    name, _, _, *text = split_doc(value)[0].split(" ", 3)
                    if text:
                        rows.append(f'    case {name}: return "{text[0]}";')
    return {"error_text.c": "/* Generated from api/types/virterror.api. */\n#include \"base/error.h\"\n\n"
            "const char *error_code_text(int code)\n{\n    switch (code) {\n" + "\n".join(rows) +
            "\n    default: return NULL;\n    }\n}\n"}
