# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: the public headers include/libvirt/*.h."""
import re
import textwrap
from lang import signature

# What each header needs beside itself; the umbrella headers include the rest.
UMBRELLA = {
    "libvirt.h": ["libvirt-common.h", "libvirt-host.h", "libvirt-domain.h", "libvirt-domain-checkpoint.h",
                  "libvirt-domain-snapshot.h", "libvirt-event.h", "libvirt-interface.h", "libvirt-network.h",
                  "libvirt-nodedev.h", "libvirt-nwfilter.h", "libvirt-secret.h", "libvirt-storage.h",
                  "libvirt-stream.h"],
    "virterror.h": ["libvirt.h"], "libvirt-qemu.h": ["libvirt.h"], "libvirt-lxc.h": ["libvirt.h"],
    "libvirt-admin.h": ["libvirt-common.h"],
    "libvirt-host.h": ["libvirt-common.h"], "libvirt-domain.h": ["libvirt-host.h"],
    "libvirt-stream.h": ["libvirt-host.h"], "libvirt-domain-checkpoint.h": ["libvirt-domain.h"],
    "libvirt-domain-snapshot.h": ["libvirt-domain.h"], "libvirt-interface.h": ["libvirt-host.h"],
    "libvirt-network.h": ["libvirt-host.h"], "libvirt-nodedev.h": ["libvirt-host.h"],
    "libvirt-nwfilter.h": ["libvirt-host.h"], "libvirt-secret.h": ["libvirt-host.h"],
    "libvirt-storage.h": ["libvirt-host.h"],
}
ORDER = ("opaque", "macro-int", "struct-names", "macro-alias", "typedef", "enum", "callback", "struct",
         "macro-function", "strings", "variable")


def join(ctype, name):
    return f"{ctype}{name}" if ctype.endswith("*") else f"{ctype} {name}"


def comment(doc, since):
    text = f"{doc} Since {since}." if doc else f"Since {since}."
    if len(text) < 90:
        return f"/** {text} */\n"
    return "/**\n" + textwrap.fill(text, 96, initial_indent=" * ", subsequent_indent=" * ") + "\n */\n"


def prototype(returns, name, params, variadic=False):
    items = [join(t, n) for t, n in params] + (["..."] if variadic else [])
    head = f"{join(returns, name)}("
    one = head + (", ".join(items) or "void") + ")"
    if len(one) <= 98:
        return one
    return head + (",\n" + " " * len(head)).join(items) + ")"


def block_kinds(block):
    if block.kind == "macro":
        if block.get("kind") in ("int", "attribute"):
            return ["macro-int"]
        return ["macro-alias"] if block.get("kind") == "alias" else ["macro-function"]
    return ["struct-names", "struct"] if block.kind == "struct" else [block.kind]


def emit(kind, block):
    return {"opaque": opaque, "macro-int": macro, "macro-alias": macro, "macro-function": macro,
            "struct-names": struct_names, "struct": struct, "typedef": typedef, "enum": enum,
            "callback": callback, "strings": strings, "variable": variable}[kind](block)


def opaque(block):
    return comment(block.get("doc"), block.get("since")) + f"typedef struct {block.get('tag')} {block.heading};\n"


def macro(block):
    text = f"# define {block.heading} {block.get('value')}\n"
    if block.get("kind") == "attribute":
        text = f"# ifndef {block.heading}\n#  define {block.heading} {block.get('value')}\n# endif\n"
    return comment(block.get("doc"), block.get("since")) + text


def struct_names(block):
    return "".join(f"typedef struct {block.heading} {name};\n" for name in block.get("names").split())


def typedef(block):
    return comment(block.get("doc"), block.get("since")) + \
        f"typedef {join(block.get('type'), block.heading)};\n"


def enum(block):
    lines = [f"/** {block.get('doc')} */"] if block.get("doc") else []
    lines.append("typedef enum {")
    for key in block.keys:
        if key.word == "doc":
            continue
        name, value, since, *doc = key.value.split(" ", 3)
        number = f"{value}U" if int(value) > 0x7fffffff else value
        line = f"    {name} = {number}, /* {doc[0] + ', ' if doc else ''}since {since} */"
        lines += ["# ifdef VIR_ENUM_SENTINELS", line, "# endif"] if key.word == "last" else [line]
    return "\n".join(lines + [f"}} {block.heading};"]) + "\n"


def callback(block):
    returns, name, params, _ = signature(block)
    items = ", ".join(join(t, n) for t, n in params) or "void"
    star = "" if block.get("form") == "function" else "*"
    return comment(block.get("doc"), block.get("since")) + f"typedef {returns} ({star}{name})({items});\n"


def struct(block):
    lines, inner = [f"struct {block.heading} {{"], None
    for key in block.keys:
        if key.word in ("union", "struct"):
            inner = key.value
            lines.append(f"    {key.word} {{")
        elif key.word == "member":
            lines.append("        " + field(key.value) + ";")
        elif key.word == "field":
            inner = close(lines, inner)
            lines.append("    " + field(key.value) + ";")
    close(lines, inner)
    return "\n".join(lines + ["};"]) + "\n"


def close(lines, inner):
    if inner:
        lines.append(f"    }} {inner};")
    return None


def field(text):
    deprecated = text.endswith("  deprecated")
    text = text.removesuffix("deprecated").strip()
    ctype, _, name = text.rpartition(" ")
    return join(ctype, name) + (" VIR_DEPRECATED" if deprecated else "")


def strings(block):
    lines = []
    for value in block.all("value"):
        name, since, rest = value.split(" ", 2)
        text = re.match(r'^("(?:[^"\\]|\\.)*")', rest)[1]
        lines.append(f"# define {name} {text} /* since {since} */")
    return "\n".join(lines) + "\n"


def variable(block):
    ctype, _, name = block.heading.rpartition(" ")
    return comment(block.get("doc"), block.get("since")) + f"VIR_EXPORT_VAR {join(ctype, name)};\n"


def header_text(model, header):
    guard = header.guard
    parts = ["/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n"
             f" * {header.name}: part of the public API. Generated from api/; change the table, not this file.\n */\n",
             f"#ifndef {guard}\n# define {guard}\n"]
    includes = "".join(f"# include <libvirt/{n}>\n" for n in UMBRELLA.get(header.name, []))
    parts.append("# include <stddef.h>\n# include <string.h>\n# include <sys/types.h>\n" + includes
                 if header.name == "libvirt-common.h" else includes)
    parts.append('# ifdef __cplusplus\nextern "C" {\n# endif\n')
    for kind in ORDER:
        parts += [emit(kind, b) for b in header.blocks if kind in block_kinds(b)]
    for function in model.functions:
        if function.header == header.name:
            parts.append(comment(function.doc, function.since) +
                         prototype(function.returns, function.name, function.params, function.variadic) + ";\n")
    parts.append(f"# ifdef __cplusplus\n}}\n# endif\n#endif /* {guard} */\n")
    return "\n".join(p for p in parts if p)


def generate(model):
    return {name: header_text(model, header) for name, header in model.headers.items()}
