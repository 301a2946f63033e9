# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: wire_records.h/.c, encoders and decoders of the records that carry handles and public structs, and wire_protocol.h."""
from model import HANDLES, SCALARS

# Admin handles belong to another library; typed_param is a union, error is part of the framing.
BY_HAND = {"server", "client", "typed_param", "error", "domain_event_graphics_address",
           "domain_event_graphics_identity", "auth_type"}


def handles(model):
    return [n for n in model.records if n in HANDLES and n not in BY_HAND]


def structs(model):
    return [n for n in model.records if model.record_types.get(n)]


def put_field(field, value):
    if field.type == "string":
        return f"xdr_put_string{'_opt' if field.form == 'optional' else ''}(out, {value});"
    if field.type == "uuid":
        return f"xdr_put_uuid(out, {value});"
    return f"xdr_put_{field.type}(out, {value});"


def handle_put(name, fields):
    lines = [f"void xdr_put_{name}(XdrOut *out, {HANDLES[name]} handle)", "{"]
    lines += ["    " + put_field(f, f"handle->{f.binding or f.name}") for f in fields]
    return "\n".join(lines + ["}"]) + f"""

void xdr_put_{name}_opt(XdrOut *out, {HANDLES[name]} handle)
{{
    xdr_put_uint(out, handle != NULL);
    if (handle)
        xdr_put_{name}(out, handle);
}}
"""


def handle_get(name, fields):
    lines = [f"{HANDLES[name]} xdr_get_{name}(XdrIn *in, virConnectPtr conn)", "{"]
    args = []
    for field in fields:
        if field.type == "string":
            lines.append(f"    g_autofree char *{field.name} = xdr_get_string(in);")
        elif field.type == "uuid":
            lines.append(f"    unsigned char {field.name}[VIR_UUID_BUFLEN];\n    xdr_get_uuid(in, {field.name});")
        elif field.handle:
            lines.append(f"    g_autoptr({HANDLES[field.type][:-3]}) {field.name} = xdr_get_{field.type}(in, conn);")
        else:
            lines.append(f"    {SCALARS[field.type]} {field.name} = xdr_get_{field.type}(in);")
        args.append((not field.handle, field.name))
    has_handle = any(f.handle for f in fields)
    ordered = [n for _, n in sorted(args, key=lambda a: a[0])]
    call = ", ".join(([] if has_handle else ["conn"]) + ordered)
    return "\n".join(lines + [f"    return in->failure ? NULL : {name}_handle_new({call});", "}"]) + f"""

{HANDLES[name]} xdr_get_{name}_opt(XdrIn *in, virConnectPtr conn)
{{
    return xdr_get_present(in) ? xdr_get_{name}(in, conn) : NULL;
}}
"""


def array_binding(field):
    pointer, _, count = (field.binding or field.name).partition(",")
    return pointer, count


def struct_put(model, name, fields):
    lines = [f"void xdr_put_{name}(XdrOut *out, const {model.record_types[name]} *v)", "{"]
    for field in fields:
        binding = field.binding or field.name
        if field.form == "array" and field.type == "char":
            lines.append(f"    xdr_put_chars(out, v->{binding[:-2]}, {field.max});")
        elif field.form == "array" and field.type == "opaque":
            pointer, count = array_binding(field)
            lines.append(f"    xdr_put_opaque(out, v->{pointer}, v->{count}, {field.max});")
        elif field.form == "array" and field.type == "typed_param":
            pointer, count = array_binding(field)
            lines.append(f"    xdr_put_typed_params(out, v->{pointer}, v->{count}, {field.max});")
        elif field.form == "array":
            pointer, count = array_binding(field)
            item = f"v->{pointer}[i]" if field.type == "string" else f"&v->{pointer}[i]"
            lines.append(f"    if (xdr_put_count(out, v->{count}, {field.max}))\n        for (size_t i = 0; i < (size_t) v->{count}; i++)\n"
                         f"            xdr_put_{field.type}(out, {item});")
        else:
            lines.append("    " + put_field(field, f"v->{binding.removesuffix('[]')}"))
    return "\n".join(lines + ["}"]) + "\n"


def struct_get(model, name, fields):
    ctype = model.record_types[name]
    lines = [f"void xdr_get_{name}(XdrIn *in, virConnectPtr conn, {ctype} *v)", "{", "    memset(v, 0, sizeof(*v));"]
    for field in fields:
        lines += ["    " + line for line in get_lines(model, field)]
    return "\n".join(lines + ["}"]) + "\n"


def get_lines(model, field):
    binding = field.binding or field.name
    if field.form == "array":
        return get_array(model, field)
    if binding.endswith("[]"):
        return [f"xdr_get_string_into(in, v->{binding[:-2]}, sizeof(v->{binding[:-2]}));"]
    if field.type == "string":
        return [f"v->{binding} = xdr_get_string{'_opt' if field.form == 'optional' else ''}(in);"]
    if field.handle:
        return [f"v->{binding} = xdr_get_{field.type}(in, conn);"]
    return [f"v->{binding} = xdr_get_{field.type}(in);"]


def get_array(model, field):
    pointer, count = array_binding(field)
    if field.type == "char":
        name = pointer.removesuffix("[]")
        return [f"xdr_get_chars_into(in, v->{name}, sizeof(v->{name}), {field.max});"]
    if field.type == "opaque":
        return ["size_t len;", f"v->{pointer} = xdr_get_opaque(in, {field.max}, &len);", f"v->{count} = len;"]
    if field.type == "typed_param":
        return [f"v->{pointer} = xdr_get_typed_params(in, {field.max}, &v->{count});"]
    ctype = "char *" if field.type == "string" else model.record_types[field.type]
    item = f"v->{pointer}[i] = xdr_get_string(in);" if field.type == "string" \
        else f"xdr_get_{field.type}(in, conn, &v->{pointer}[i]);"
    return [f"v->{count} = xdr_get_count(in, {field.max});", f"v->{pointer} = g_new0({ctype}, v->{count});",
            f"for (size_t i = 0; i < v->{count}; i++)", f"    {item}"]


def struct_clear(model, name, fields):
    lines = [f"void xdr_clear_{name}({model.record_types[name]} *v)", "{"]
    for field in fields:
        binding = field.binding or field.name
        pointer, count = array_binding(field)
        if binding.endswith("[]"):
            continue
        if field.form == "array" and field.type == "typed_param":
            lines.append(f"    virTypedParamsFree(v->{pointer}, v->{count});")
        elif field.form == "array":
            if field.type != "opaque":
                free = f"g_free(v->{pointer}[i])" if field.type == "string" else f"xdr_clear_{field.type}(&v->{pointer}[i])"
                lines.append(f"    for (size_t i = 0; v->{pointer} && i < (size_t) v->{count}; i++)\n        {free};")
            lines.append(f"    g_free(v->{pointer});")
        elif field.type == "string":
            lines.append(f"    g_free(v->{binding});")
        elif field.handle:
            lines.append(f"    object_unref(v->{binding});")
    return "\n".join(lines + ["    memset(v, 0, sizeof(*v));", "}"]) + "\n"


def protocol_header(model):
    lines = ["/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/: program numbers, procedure numbers, limits. */",
             "#pragma once", ""]
    for name, block in model.programs.items():
        lines += [f"#define {name.upper()}_PROGRAM {block.get('number')}", f"#define {name.upper()}_PROTOCOL_VERSION {block.get('version')}"]
    lines += ["", "/* Limits */"]
    lines += [f"#define {n} {v}" for n, v in model.limits.items()]
    for name, members in model.wire_enums.items():
        lines += ["", f"/* {name} */"] + [f"#define {n} {v}" for n, v in members]
    lines += ["", "/* Procedures */"]
    lines += [f"#define {c.symbol} {c.number}" for c, _ in model.all_calls()]
    lines += [f"#define {e.program.upper()}_PROC_{e.name} {e.number}" for e in model.events]
    return "\n".join(lines) + "\n"


def generate(model):
    head = "/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/wire/. */\n"
    protos, bodies = [], []
    for name in handles(model):
        fields = model.records[name]
        protos += [f"void xdr_put_{name}(XdrOut *out, {HANDLES[name]} handle);", f"void xdr_put_{name}_opt(XdrOut *out, {HANDLES[name]} handle);",
                   f"{HANDLES[name]} xdr_get_{name}(XdrIn *in, virConnectPtr conn);", f"{HANDLES[name]} xdr_get_{name}_opt(XdrIn *in, virConnectPtr conn);"]
        bodies += [handle_put(name, fields), handle_get(name, fields)]
    for name in structs(model):
        ctype, fields = model.record_types[name], model.records[name]
        protos += [f"void xdr_put_{name}(XdrOut *out, const {ctype} *v);", f"void xdr_get_{name}(XdrIn *in, virConnectPtr conn, {ctype} *v);",
                   f"void xdr_clear_{name}({ctype} *v);"]
        bodies += [struct_put(model, name, fields), struct_get(model, name, fields), struct_clear(model, name, fields)]
    return {
        "wire_protocol.h": protocol_header(model),
        "wire_records.h": head + '#pragma once\n#include "core/objects.h"\n#include "rpc/xdr.h"\n#include "rpc/xdr_values.h"\n\n'
        "/* Handles: get gives an owned handle, NULL after a failure. Structs: get fills (owned members), clear frees members. */\n" +
        "\n".join(protos) + "\n",
        "wire_records.c": head + '#include "rpc/wire_records.h"\n\n' + "\n".join(bodies)}
