# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: the API reference in Markdown, one page per header and an index."""
import re
import docs
from out_headers import UMBRELLA, callback_type, join, prototype

READONLY = {"allowed": "allowed", "denied": "refused with VIR_ERR_OPERATION_DENIED"}
BLOCKING = {
    "never": "answered at once by the daemon's loop", "disk": "may wait for a disk", "process": "may wait for a process",
    "guest": "may wait for the guest", "agent": "may wait for the agent in the guest",
    "bulk": "collects from many objects", "urgent": "never waits behind other calls on the object",
}
PROLOGUE = """\
How to read these pages:

- A call fails with `-1`, `NULL` or, where the result has no sign, `0`; virGetLastError() tells why. A call that succeeds
  leaves no error behind.
- Any call may end with VIR_ERR_INVALID_ARG (a pointer that must be there is NULL, an unknown flag), VIR_ERR_NO_SUPPORT (this
  driver hasn't got the function), VIR_ERR_ACCESS_DENIED (the user lacks the permission named), VIR_ERR_NO_DOMAIN and its
  sisters (the object behind the handle is gone), VIR_ERR_INTERNAL_ERROR or VIR_ERR_RPC (the connection broke). Only what
  else is typical stands with a function.
- Strings are UTF-8 and end with a zero byte. Memory is in KiB, time in seconds, unless something else is said.
- `flags` without a known value must be 0.
"""


LINKED = re.compile(docs.NAME.pattern.removesuffix(r"(\*)?") + r"(\*|\(\))?")


class Pages:
    """Where each name is described, so that texts can link to it."""

    def __init__(self, model):
        self.model, self.page = model, {}
        for header in model.headers.values():
            for block in header.blocks:
                for name in docs.block_names(block):
                    self.page.setdefault(name, (header.name, name if block.kind == "callback" else anchor(block)))
        for function in model.functions:
            self.page[function.name] = (function.header, function.name)

    def link(self, text, here):
        """A text with its names as links."""
        def one(match):
            name, rest = match[1], match[2] or ""
            if rest == "*" or name not in self.page:
                return f"`{name}{rest}`"
            header, target = self.page[name]
            return f"[{name}{rest}]({'' if header == here else page_name(header)}#{target.lower()})"
        return LINKED.sub(one, text).replace("|", "\\|")


def anchor(block):
    """A strings block by its whole title, a variable by its last word, a macro without its parameters."""
    if block.kind == "strings":
        return "names-" + re.sub(r"\W+", "-", block.heading)
    return re.sub(r"\W.*", "", block.heading.split()[-1])


def page_name(header):
    return header.removesuffix(".h") + ".md"


def title(name):
    return [f'### <a id="{name.lower()}"></a>{name}', ""]


def code(*lines):
    return ["```c", *lines, "```", ""]


def function_section(pages, function):
    doc, here = docs.of_function(function), function.header
    lines = title(function.name) + code(prototype(function.returns, function.name, function.params, function.variadic) + ";")
    lines += paragraphs(pages, doc, here)
    lines += [f"- `{name}`: {pages.link(text, here)}" for name, text in doc.args]
    lines += ["", f"Returns {pages.link(doc.returns, here)}."] if doc.returns else []
    if doc.errors:
        lines += ["", "Errors: " + "; ".join(f"{pages.link(c, here)} {pages.link(t, here)}" for c, t in doc.errors) + "."]
    return lines + ["", "*" + " · ".join(pages.link(f, here) for f in facts(function)) + "*", ""]


def paragraphs(pages, doc, here):
    lines = []
    for paragraph in ([doc.summary] if doc.summary else []) + doc.more:
        lines += [pages.link(paragraph, here), ""]
    return lines


def facts(function):
    """What other columns of the table say, in words."""
    found = [f"Since {function.since}", f"symbol version {function.version}"]
    if function.readonly in READONLY:
        found.append(f"read-only connection: {READONLY[function.readonly]}")
    elif function.readonly == "conditional":
        found.append(f"read-only connection: refused with {function.readonly_if.replace(';', ' or').replace('==', ' = ')}")
    if function.acl:
        found.append("permission: " + ", ".join(f"{o}:{p}{condition(c)}" for o, p, c in function.acl))
    if function.filters:
        found.append("shows only what one has the permission for: " + ", ".join(function.filters))
    if function.secret != "no":
        found.append("carries secrets: " + function.secret)
    if function.calls:
        found.append(BLOCKING[function.blocking])
        found.append("procedure " + ", ".join(f"{c.symbol} ({c.number})" for c in function.calls))
    return found


def condition(text):
    if not text:
        return ""
    return f" (without {text[1:]})" if text.startswith("!") else f" (with {text.replace('==', ' = ')})"


def block_section(pages, block, here):
    maker = {"enum": enum, "strings": strings, "struct": struct, "callback": callback, "macro": macro}.get(block.kind)
    return maker(pages, block, here) if maker else plain(pages, block, here)


def enum(pages, block, here):
    lines = title(block.heading) + paragraphs(pages, docs.of_block(block), here)
    lines += ["| value | number | since | meaning |", "| --- | --- | --- | --- |"]
    for value in block.all("value"):
        words, doc = docs.split_doc(value)
        name, number, since, *text = words.split(" ", 3)
        lines.append(f"| `{name}` | {number} | {since} | {pages.link(doc or ' '.join(text), here)} |")
    return lines + [""]


def strings(pages, block, here):
    lines = [f'### <a id="{anchor(block).lower()}"></a>{block.heading}', ""] + paragraphs(pages, docs.of_block(block), here)
    lines += ["| name | text | type | since | meaning |", "| --- | --- | --- | --- | --- |"]
    for value in block.all("value"):
        words, doc = docs.split_doc(value)
        name, since, rest = words.split(" ", 2)
        text, types = re.match(r'^"(.*?)"(?: = \w+)?(?: \((.*)\))?$', rest).groups()
        lines.append(f"| `{name}` | `{text}` | {(types or '').lower()} | {since} | {pages.link(doc, here)} |")
    return lines + [""]


def struct(pages, block, here):
    names = block.get("names").split()
    lines = title(block.heading) + ["Also named " + ", ".join(f"`{n}`" for n in names) + ".", ""]
    lines += paragraphs(pages, docs.of_block(block), here) + ["| field | type | meaning |", "| --- | --- | --- |"]
    inner = ""
    for key in block.keys:
        if key.word in ("union", "struct"):
            inner = key.value + "."
        elif key.word in ("field", "member"):
            words, doc = docs.split_doc(key.value)
            inner = "" if key.word == "field" else inner
            ctype, _, name = words.removesuffix("  deprecated").rpartition(" ")
            note = "Deprecated. " if words.endswith("deprecated") else ""
            lines.append(f"| `{inner}{name}` | `{ctype}` | {note}{pages.link(doc, here)} |")
    return lines + ["", f"*Since {block.get('since')}*", ""]


def callback(pages, block, here):
    _, name, _, _ = docs.signature(block)
    doc = docs.of_callback(block)
    lines = title(name) + code(callback_type(block)) + paragraphs(pages, doc, here)
    lines += [f"- `{n}`: {pages.link(text, here)}" for n, text in doc.args]
    lines += ["", f"Returns {pages.link(doc.returns, here)}."] if doc.returns else []
    return lines + ["", f"*Since {block.get('since')}*", ""]


def macro(pages, block, here):
    lines = title(anchor(block)) + code(f"#define {block.heading} {block.get('value')}")
    return lines + paragraphs(pages, docs.of_block(block), here) + [f"*Since {block.get('since')}*", ""]


def plain(pages, block, here):
    text = {"opaque": f"typedef struct {block.get('tag')} {block.heading};",
            "typedef": f"typedef {join(block.get('type', ''), block.heading)};",
            "variable": f"extern {block.heading};"}[block.kind]
    lines = title(anchor(block)) + code(text) + paragraphs(pages, docs.of_block(block), here)
    return lines + [f"*Since {block.get('since')}*", ""]


SECTIONS = (("Handles", ("opaque", "variable")), ("Enumerations", ("enum",)), ("Structures", ("struct",)),
            ("Callbacks", ("callback",)), ("Names of parameters", ("strings",)), ("Macros", ("macro",)),
            ("Other types", ("typedef",)))


def page(pages, header):
    model, here = pages.model, header.name
    lines = [f"# <libvirt/{header.name}>", "", *[p + "\n" for p in header.block.all("doc")],
             f"Library: `{header.library}`. [All headers](index.md)", ""]
    if UMBRELLA.get(header.name):
        lines += ["Includes " + ", ".join(f"[{n}]({page_name(n)})" for n in UMBRELLA[header.name]) + ".", ""]
    functions = [f for f in model.functions if f.header == header.name]
    topics = []
    for function in functions:
        if function.topic not in topics:
            topics.append(function.topic)
    body = []
    for topic in topics:
        mine = [f for f in functions if f.topic is topic]
        body += [f"## {topic.heading if topic else 'Functions'}", ""]
        body += [pages.link(p, here) + "\n" for p in (topic.all("doc") if topic else [])]
        body += [f"- [{f.name}](#{f.name.lower()}): {pages.link(docs.of_function(f).summary, here)}" for f in mine] + [""]
        for function in mine:
            body += function_section(pages, function)
    for heading, kinds in SECTIONS:
        blocks = [b for b in header.blocks if b.kind in kinds and not (b.kind == "typedef" and not b.get("doc"))]
        body += [f"## {heading}", ""] if blocks else []
        for block in blocks:
            body += block_section(pages, block, here)
    return "\n".join(lines + body).rstrip() + "\n"


def index(pages):
    model = pages.model
    lines = ["# API reference", "", pages.link(PROLOGUE, ""), "## Headers", "", "| header | library | what |", "| --- | --- | --- |"]
    lines += [f"| [{h.name}]({page_name(h.name)}) | {h.library} | {h.block.get('doc')} |" for h in model.headers.values()]
    lines += ["", "## Functions", ""]
    for function in sorted(model.functions, key=lambda f: f.name):
        summary = pages.link(docs.of_function(function).summary, "")
        lines.append(f"- [{function.name}]({page_name(function.header)}#{function.name.lower()}): {summary}")
    return "\n".join(lines) + "\n"


def generate(model):
    pages = Pages(model)
    texts = {page_name(h.name): page(pages, h) for h in model.headers.values()}
    texts["index.md"] = index(pages)
    return texts
