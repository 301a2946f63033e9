# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: the public headers include/libvirt/*.h."""
import re
import textwrap
import docs

WIDTH = 100

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


def comment(block):
    """The comment above a declaration without parameters."""
    text = " ".join(block.all("doc") + [f"Since {block.get('since')}."] if block.get("since") else block.all("doc"))
    if not text:
        return ""
    one = f"/** {text} */"
    return one + "\n" if len(one) <= WIDTH else "/**\n" + wrapped(text) + " */\n"


def wrapped(text, first="", later=""):
    return textwrap.fill(text, WIDTH, initial_indent=" * " + first, subsequent_indent=" * " + later,
                         break_long_words=False, break_on_hyphens=False) + "\n"


def described(name, doc, since):
    """The comment above a function or callback: summary, parameters, result."""
    text = f"/**\n * {name}:\n" + "".join(wrapped(f"@{n}: {words}", later="    ") for n, words in doc.args if words)
    for paragraph in ([doc.summary] if doc.summary else []) + doc.more:
        text += " *\n" + wrapped(paragraph)
    result = f"Returns {doc.returns}. " if doc.returns else ""
    return text + " *\n" + wrapped(f"{result}Since {since}.") + " */\n"


def member(line, doc, after=""):
    """A value or field with its words: behind it if they fit, else above."""
    note = "; ".join(p for p in (doc, after) if p)
    if not note:
        return [line]
    if len(line) + len(note) + 7 <= WIDTH:
        return [f"{line} /* {note} */"]
    indent = line[:len(line) - len(line.lstrip(" "))]
    return [textwrap.fill(f"/* {note} */", WIDTH, initial_indent=indent, subsequent_indent=indent + " * ",
                          break_long_words=False, break_on_hyphens=False), line]


def prototype(returns, name, params, variadic=False):
    return laid_out(join(returns, name), params, variadic)


def laid_out(name, params, variadic=False):
    """NAME(PARAMETERS) on one line, or with a line for each parameter."""
    items = [join(t, n) for t, n in params] + (["..."] if variadic else [])
    one = f"{name}({', '.join(items) or 'void'})"
    if len(one) <= 98:
        return one
    return f"{name}(" + (",\n" + " " * (len(name) + 1)).join(items) + ")"


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
    return comment(block) + f"typedef struct {block.get('tag')} {block.heading};\n"


def macro(block):
    text = f"# define {block.heading} {block.get('value')}\n"
    if block.get("kind") == "attribute":
        text = f"# ifndef {block.heading}\n#  define {block.heading} {block.get('value')}\n# endif\n"
    return comment(block) + text


def struct_names(block):
    return "".join(f"typedef struct {block.heading} {name};\n" for name in block.get("names").split())


def typedef(block):
    return comment(block) + f"typedef {join(block.get('type'), block.heading)};\n"


def enum(block):
    lines = [comment(block) + "typedef enum {"]
    for key in block.keys:
        if key.word == "doc":
            continue
        words, doc = docs.split_doc(key.value)
        name, value, since, *text = words.split(" ", 3)
        number = f"{value}U" if int(value) > 0x7fffffff else value
        made = member(f"    {name} = {number},", doc or " ".join(text), f"since {since}")
        lines += ["# ifdef VIR_ENUM_SENTINELS", *made, "# endif"] if key.word == "last" else made
    return "\n".join(lines + [f"}} {block.heading};"]) + "\n"


def callback(block):
    _, name, _, _ = docs.signature(block)
    return described(name, docs.of_callback(block), block.get("since")) + callback_type(block) + "\n"


def callback_type(block):
    returns, name, params, _ = docs.signature(block)
    star = "" if block.get("form") == "function" else "*"
    return laid_out(f"typedef {returns} ({star}{name})", params) + ";"


def struct(block):
    lines, inner = [f"{comment(block)}struct {block.heading} {{"], None
    for key in block.keys:
        if key.word in ("union", "struct"):
            inner = key.value
            lines.append(f"    {key.word} {{")
        elif key.word == "member":
            lines += field("        ", key.value)
        elif key.word == "field":
            inner = close(lines, inner)
            lines += field("    ", key.value)
    close(lines, inner)
    return "\n".join(lines + ["};"]) + "\n"


def close(lines, inner):
    if inner:
        lines.append(f"    }} {inner};")
    return None


def field(indent, text):
    text, doc = docs.split_doc(text)
    deprecated = text.endswith("  deprecated")
    text = text.removesuffix("deprecated").strip()
    ctype, _, name = text.rpartition(" ")
    return member(indent + join(ctype, name) + (" VIR_DEPRECATED" if deprecated else "") + ";", doc)


def strings(block):
    lines = [wrapped(" ".join([block.heading + "."] + block.all("doc"))).join(("/**\n", " */\n"))]
    for value in block.all("value"):
        words, doc = docs.split_doc(value)
        name, since, rest = words.split(" ", 2)
        text, types = re.match(r'^("(?:[^"\\]|\\.)*")(?: = \w+)?(?: \((.*)\))?$', rest).groups()
        lines += member(f"# define {name} {text}", doc, f"{types.lower()}, since {since}" if types else f"since {since}")
    return "\n".join(lines) + "\n"


def variable(block):
    ctype, _, name = block.heading.rpartition(" ")
    return comment(block) + f"VIR_EXPORT_VAR {join(ctype, name)};\n"


def header_text(model, header):
    guard = header.guard
    parts = ["/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n"
             f" * {header.name}: {header.block.get('doc') or 'part of the public API'}\n * Generated from api/; change the table, "
             "not this file.\n */\n",
             f"#ifndef {guard}\n# define {guard}\n"]
    includes = "".join(f"# include <libvirt/{n}>\n" for n in UMBRELLA.get(header.name, []))
    parts.append("# include <stddef.h>\n# include <string.h>\n# include <sys/types.h>\n" + includes
                 if header.name == "libvirt-common.h" else includes)
    parts.append('# ifdef __cplusplus\nextern "C" {\n# endif\n')
    for kind in ORDER:
        parts += [emit(kind, b) for b in header.blocks if kind in block_kinds(b)]
    for function in model.functions:
        if function.header == header.name:
            parts.append(described(function.name, docs.of_function(function), function.since) +
                         prototype(function.returns, function.name, function.params, function.variadic) + ";\n")
    parts.append(f"# ifdef __cplusplus\n}}\n# endif\n#endif /* {guard} */\n")
    return "\n".join(p for p in parts if p)


def generate(model):
    return {name: header_text(model, header) for name, header in model.headers.items()}
