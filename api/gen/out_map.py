# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: linker version scripts. Private symbols (internal names never begin with 'vir' and a capital) go to the private node."""

# Prefixes of internal functions that the daemon, the modules and the side libraries may use.
PRIVATE = "*"


def script(model, library):
    block = model.libraries[library]
    members = {}
    for function in model.functions:
        if function.library == library:
            members.setdefault(function.version, []).append(function.name)
    for header, variable in model.variables:
        if header.library == library:
            members.setdefault(variable.get("version"), []).append(variable.heading.split()[-1].lstrip("*"))
    out, previous = "/* Generated from api/; the version nodes of the public ABI. */\n", None
    for node in block.all("node"):
        name, *parents = node.split()
        symbols = "".join(f"        {s};\n" for s in sorted(members.pop(name, [])))
        body = "    global:\n" + symbols if symbols else ""
        out += f"{name} {{\n{body}}}{' ' + ' '.join(parents) if parents else ''};\n\n"
        previous = name
    if members:
        raise SystemExit(f"libraries.api: {library} lacks version nodes {sorted(members)}")
    for name in block.all("private"):
        out += f"{name} {{\n    global:\n        {PRIVATE};\n}} {previous};\n"
    if not block.all("private"):
        out = out.rsplit("}", 1)
        out = out[0] + "    local:\n        *;\n}" + out[1]
    return out


def generate(model):
    return {f"{name}.map": script(model, name) for name in model.libraries}
