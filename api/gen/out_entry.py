# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: the public entry points. Each checks its arguments as the table says and calls the driver."""
from model import HANDLES
from out_headers import prototype

# Classes of core/objects.h.
CLASS = {"virConnectPtr": "OBJECT_CONNECT", "virStreamPtr": "OBJECT_STREAM",
         **{ctype: f"OBJECT_{name.upper()}" for name, ctype in HANDLES.items()}}
HEAD = ("/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/calls/. Public entry points: check, call the driver, "
        "report. */\n#include \"lib/entry.h\"\n#include <libvirt/libvirt-qemu.h>\n#include <libvirt/libvirt-lxc.h>\n\n")



def failure(ctype):
    return "NULL" if ctype.endswith("*") or ctype.endswith("Ptr") else "0" if ctype.startswith("unsigned") else "-1"


def failed_test(ctype):
    return "!ret" if failure(ctype) in ("NULL", "0") else "ret < 0"


def checks(function):
    """The argument checks as C expressions that are true when an argument is wrong."""
    first_type, first = function.params[0]
    write = "ENTRY_WRITE" if function.readonly == "denied" else "ENTRY_READ"
    lines = [f"entry_check({first}, {CLASS[first_type]}, {write}, __func__) < 0"]
    if function.readonly == "conditional":
        lines.append(f"(({condition(function)}) && entry_check({first}, {CLASS[first_type]}, ENTRY_WRITE, __func__) < 0)")
    for ctype, name in function.params[1:]:
        if ctype in CLASS:
            if name not in function.null:
                lines.append(f"entry_check({name}, {CLASS[ctype]}, ENTRY_READ, __func__) < 0")
        elif name in function.nonempty:
            lines.append(f'entry_nonempty({name}, "{name}", __func__) < 0')
        elif name in function.path:
            lines.append(f'entry_path({name}, "{name}", __func__, &{name}_path) < 0')
        elif name in needed(function):
            lines.append(f'entry_nonnull({name}, "{name}", __func__) < 0')
        elif name in function.positive:
            kind = "nonzero" if ctype.startswith("unsigned") else "positive"
            lines.append(f'entry_{kind}({name}, "{name}", __func__) < 0')
        elif name in function.socket:
            lines.append(f'entry_socket({name}, "{name}", __func__) < 0')
        elif ctype == "int" and name in ("id", "maxnames", "maxids", "maxuuids", "nameslen", "maxinfo", "maplen", "ncpumaps", "nparams"):
            lines.append(f'entry_nonneg({name}, "{name}", __func__) < 0')
    lines += [f'entry_array({pointer}, {count}, "{pointer}", __func__) < 0' for pointer, count in arrays(function)]
    return lines


def arrays(function):
    """(pointer, count) of the caller's arrays: only without items may the pointer be NULL. A count behind a pointer is known
    not to be NULL by then."""
    types = {n: t for t, n in function.params}
    bindings = [(f.binding or "") for call in function.calls for f in call.args if f.form == "array"]
    bindings += [(f.binding or "")[5:-1] for call in function.calls for f in call.ret if (f.binding or "").startswith("fill(")]
    found = [("buffer", "(long long) size")] if types.get("buffer") == "void *" and "size" in types else []
    filled_by_hand = {f.name for call in function.calls for f in call.ret if f.form == "array" and not f.binding}
    found += [(n, f"(long long) n{n}") for t, n in function.params if n in filled_by_hand and types.get(f"n{n}") == "unsigned int"]
    for binding in bindings:
        pointer, _, count = (part.strip("* ") for part in binding.partition(","))
        if pointer in types and count in types and (pointer, count) not in found and pointer not in function.null:
            found.append((pointer, f"(long long) *{count}" if types[count].endswith("*") else f"(long long) {count}"))
    return found


def condition(function):
    parts = []
    for clause in function.readonly_if.split(";"):
        clause = clause.strip()
        parts.append(clause.replace("==", " == ") if "==" in clause else f"(flags & {clause})")
    return " || ".join(parts)


def needed(function):
    """Names of pointer parameters that must not be NULL: what the wire demands, and where results go."""
    names = set(function.nonnull)
    for call in function.calls:
        for field in call.args:
            target = (field.binding or field.name).split(",")[0]
            if field.form == "single" and field.type in ("string", "uuid") and "->" not in target:
                names.add(target)
        for field in call.ret:
            binding = field.binding or ""
            if binding.startswith("*"):
                names.add(binding[1:])
            elif "->" in binding:
                names.add(binding.split("->")[0])
            elif binding.startswith("alloc("):
                names.update(n.strip("* ") for n in binding[6:-1].split(","))
            elif binding.startswith("fill(params"):
                names.add("nparams")
    pointers = {n for t, n in function.params if t.endswith("*") or t.endswith("Ptr")}
    return (names & pointers) - set(function.null)


def conn_of(function):
    ctype, name = function.params[0]
    return name if ctype == "virConnectPtr" else f"{name}->o.conn"


def strings_wanted(function):
    """Old programs could not take typed parameters that are strings; ours all can, and say so."""
    into_params = ("virTypedParameterPtr", "params") in function.params and any(
        (f.binding or "").startswith("fill(params") for call in function.calls for f in call.ret)
    return "    flags |= VIR_TYPED_PARAM_STRING_OKAY;\n" if (into_params or function.strings) and ("unsigned int", "flags") in function.params else ""


def driver_entry(function):
    first = function.params[0][1]
    conn, fail = conn_of(function), failure(function.returns)
    tests = " ||\n        ".join(checks(function))
    space = "" if function.returns.endswith("*") else " "
    args = ", ".join(f"{n}_path" if n in function.path else n for _, n in function.params)
    paths = "".join(f"    g_autofree char *{n}_path = NULL;\n" for n in function.path)
    return f"""{prototype(function.returns, function.name, function.params)}
{{
{paths}    virResetLastError();
    if ({tests}) {{
        entry_failed({first});
        return {fail};
    }}
    if (!{conn}->{function.driver} || !{conn}->{function.driver}->{function.member}) {{
        entry_missing({first}, {function.missing}, __func__);
        return {fail};
    }}
{strings_wanted(function)}    {function.returns}{space}ret = {conn}->{function.driver}->{function.member}({args});
    if ({failed_test(function.returns)})
        entry_failed({first});
    return ret;
}}
"""


def local_entry(function):
    first_type, first = function.params[0]
    fail, kind, _, what = failure(function.returns), *function.block.get("entry").partition(" ")
    check = f"entry_check({first}, {CLASS[first_type]}, ENTRY_READ, __func__) < 0"
    tail = {
        "ref": f"    object_ref({first});\n    return 0;",
        "free": f"    object_unref({first});\n    return 0;",
        "connect": f"    return object_connect({first});",
        "field": f"    return {first}->{what};",
    }.get(kind)
    if kind in ("uuid", "uuid-string", "by-uuid-string"):
        out = function.params[1][1]
        check += f' ||\n        entry_nonnull({out}, "{out}", __func__) < 0'
        tail = {"uuid": f"    memcpy({out}, {first}->uuid, VIR_UUID_BUFLEN);\n    return 0;",
                "uuid-string": f"    entry_format_uuid({first}->uuid, {out});\n    return 0;",
                "by-uuid-string": f"    unsigned char raw[VIR_UUID_BUFLEN];\n    if (entry_parse_uuid({out}, raw, __func__) < 0) {{\n"
                f"        entry_failed({first});\n        return {fail};\n    }}\n    return {what}({first}, raw);"}[kind]
    return f"""{prototype(function.returns, function.name, function.params)}
{{
    virResetLastError();
    if ({check}) {{
        entry_failed({first});
        return {fail};
    }}
{tail}
}}
"""


def generate(model):
    out = {"libvirt": HEAD, "libvirt-qemu": HEAD, "libvirt-lxc": HEAD}
    domains = dict.fromkeys(out)
    for function in model.functions:
        kind = (function.block.get("entry") or "driver").split()[0]
        if kind == "hand":
            continue
        if function.driver == "none" and kind == "driver":
            raise SystemExit(f"{function.where}: {function.name} needs 'entry' since it has no driver")
        text = driver_entry(function) if kind == "driver" else local_entry(function)
        domain = model.headers[function.header].errors
        if domain != domains[function.library]:
            undefine = "#undef ERROR_DOMAIN\n" if domains[function.library] else ""
            text = f"{undefine}#define ERROR_DOMAIN VIR_FROM_{domain}\n\n{text}"
            domains[function.library] = domain
        out[function.library] += text + "\n"
    return {f"entry_{name.replace('-', '_')}.c": text for name, text in out.items()}
