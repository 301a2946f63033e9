# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: remote_calls.c/.h, the client side of every call: put arguments, run, get results."""
from bindings import declare, is_record, pointee, results
from model import SCALARS
from out_driver import struct_name
from out_entry import conn_of, failure
from out_headers import join

HEAD = "/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/calls/. */\n"


def put(model, field, function):
    """C statements that put one argument."""
    binding = field.binding or field.name
    if binding.startswith("?"):
        return [f"xdr_put_int(&call.out, {binding[1:]} != NULL);"]
    if field.form == "array":
        return put_array(field, *binding.split(","))
    if field.type == "string":
        return [f"xdr_put_string{'_opt' if field.form == 'optional' else ''}(&call.out, {binding});"]
    if binding == "*nparams" and function.param_type("params") == "virTypedParameterPtr *":
        return [f"xdr_put_{field.type}(&call.out, 0); /* a result only */"]
    suffix = "_opt" if field.form == "optional" else ""
    return [f"xdr_put_{field.type}{suffix}(&call.out, {binding});"]


def put_array(field, pointer, count):
    if field.type == "opaque":
        return [f"xdr_put_opaque(&call.out, {pointer}, {count}, {field.max});"]
    if field.type == "typed_param":
        return [f"xdr_put_typed_params(&call.out, {pointer}, {count}, {field.max});"]
    return [f"if (xdr_put_count(&call.out, {count}, {field.max}))",
            f"    for (size_t i = 0; i < (size_t) {count}; i++)",
            f"        xdr_put_{field.type}(&call.out, {pointer}[i]);"]


def query_or_fetch(copy, n):
    """With *nparams == 0 the caller asks how many there are; otherwise for at most that many."""
    return ["if (*nparams == 0) {\n        *nparams = nparams_value;\n    } else {\n        " + copy.replace("\n", "\n    ") +
            f"\n        *nparams = {n};\n    }}"]


class Getter:
    """The statements around reading results: declarations, reads, what a failure frees, what success hands over."""

    def __init__(self, model, function, call):
        self.model, self.function, self.call = model, function, call
        self.decl, self.read, self.undo, self.give = [], [], [], []
        self.result = "0"
        if any(f.name == "params" and f.form == "array" for f in call.ret) and not any(f.name == "nparams" for f in call.ret) \
                and function.param_type("nparams") == "int *" and function.param_type("params") == "virTypedParameterPtr":
            self.decl.append("int nparams_value = 0;")
        for item in results(call):
            getattr(self, "take_" + item.kind)(item, item.field)

    def take_return(self, item, field):
        returns = self.function.returns
        if field.handle:
            self.simple(declare(field.handle, "handle"), f"handle = xdr_get_{field.type}(&call.in, conn);")
            self.undo.append("object_unref(handle);")
            self.result = "handle"
        elif field.type == "string":
            opt = "_opt" if field.form == "optional" else ""
            self.simple("char *text", f"text = xdr_get_string{opt}(&call.in);")
            self.undo.append("g_free(text);")
            self.result = "text"
        else:
            self.simple(declare(returns, "value"), f"value = xdr_get_{field.type}(&call.in);")
            self.result = "value"

    def simple(self, decl, read):
        self.decl.append(f"{decl};")
        self.read.append(read)

    def take_refresh(self, item, field):
        self.simple("virDomainPtr fresh", "fresh = xdr_get_domain(&call.in, conn);")
        self.undo.append("object_unref(fresh);")
        self.give += [f"{item.target}->id = fresh->id;", "object_unref(fresh);"]

    def take_pointer(self, item, field):
        ctype = pointee(self.function.param_type(item.target))
        name = f"{item.target}_value"
        if item.target == "nparams" and any("alloc(" in (f.binding or "") for f in self.call.ret):
            self.read.append(f"xdr_get_{field.type}(&call.in); /* the array has its own count */")
            return
        if field.type == "string":
            opt = "_opt" if field.form == "optional" else ""
            self.simple(f"char *{name}", f"{name} = xdr_get_string{opt}(&call.in);")
            self.undo.append(f"g_free({name});")
        else:
            self.simple(declare(ctype, name), f"{name} = xdr_get_{field.type}(&call.in);")
        if item.target == "nparams" and any("fill(" in (f.binding or "") for f in self.call.ret):
            return
        guard = f"if ({item.target})\n        " if item.target in self.function.null else ""
        self.give.append(f"{guard}*{item.target} = {name};")

    def take_member(self, item, field):
        ctype = pointee(self.function.param_type(item.target))
        name = f"{item.target}_value"
        decl = f"{ctype} {name} = {{ 0 }};"
        if decl not in self.decl:
            self.decl.append(decl)
            self.give.append(f"*{item.target} = {name};")
        if field.form == "fixed":
            self.read.append(f"for (size_t i = 0; i < {field.max}; i++)\n        {name}.{item.count}[i] = xdr_get_{field.type}(&call.in);")
        elif field.form == "array":
            self.read.append(f"xdr_get_chars_into(&call.in, {name}.{item.count}, sizeof({name}.{item.count}), {field.max});")
        else:
            self.read.append(f"{name}.{item.count} = xdr_get_{field.type}(&call.in);")

    def take_alloc(self, item, field):
        self.decl += ["virTypedParameterPtr list = NULL;", "int n_list = 0;"]
        self.read.append(f"list = xdr_get_typed_params(&call.in, {field.max}, &n_list);")
        self.undo.append("virTypedParamsFree(list, n_list);")
        self.give += [f"*{item.target} = list;", f"*{item.count} = n_list;"]

    def take_fill(self, item, field):
        if field.type == "typed_param":
            self.take_fill_params(item, field)
            return
        ctype = self.model.record_types.get(field.type) or ("char *" if field.type == "string" else SCALARS.get(field.type))
        if field.type == "opaque":
            self.decl.append("size_t n_list = 0;")
            self.simple("unsigned char *list = NULL", f"list = xdr_get_opaque(&call.in, {field.max}, &n_list);")
            self.undo.append("g_free(list);")
            self.give += [f"n_list = MIN(n_list, (size_t) ({item.count}));", f"memcpy({item.target}, list, n_list);", "g_free(list);"]
            self.result = "(int) n_list" if self.result == "0" else self.result
            return
        free = {"string": "g_free(list[i])"}.get(field.type)
        if is_record(self.model, field):
            free = f"xdr_clear_{field.type}(&list[i])"
        room = f"*{item.count}" if self.function.param_type(item.count).endswith("*") else item.count
        self.decl += [f"{declare(ctype, '*list') if not ctype.endswith('*') else ctype + '*list'} = NULL;", "size_t n_list = 0;"]
        read = f"list[i] = xdr_get_{field.type}(&call.in);" if not is_record(self.model, field) \
            else f"xdr_get_{field.type}(&call.in, conn, &list[i]);"
        self.read += [f"n_list = xdr_get_count(&call.in, MIN({field.max}, (size_t) MAX({room}, 0)));", f"list = g_new0({ctype}, n_list);",
                      f"for (size_t i = 0; i < n_list; i++)\n        {read}"]
        if free:
            self.undo.append(f"for (size_t i = 0; i < n_list; i++)\n            {free};")
        self.undo.append("g_free(list);")
        copy = f"if (n_list)\n        memcpy({item.target}, list, n_list * sizeof(*list));"
        if room.startswith("*"):
            self.give += query_or_fetch(copy, "n_list")
        else:
            self.give.append(copy)
            if self.result == "0":
                self.result = "(int) n_list"
        self.give.append("g_free(list);")

    def take_fill_params(self, item, field):
        self.decl += ["virTypedParameterPtr list = NULL;", "int n_list = 0;"]
        self.read.append(f"list = xdr_get_typed_params(&call.in, {field.max}, &n_list);")
        self.undo.append("virTypedParamsFree(list, n_list);")
        self.give += query_or_fetch("remote_fill_params(params, *nparams, list, n_list);", "MIN(*nparams, n_list)")
        self.give.append("virTypedParamsFree(list, n_list);")

    def take_list(self, item, field):
        if field.handle:
            ctype, read, free = field.handle, f"list[i] = xdr_get_{field.type}(&call.in, conn);", "object_unref(list[i])"
        elif is_record(self.model, field):
            record = self.model.record_types[field.type]
            ctype = f"{record} *"
            read = f"list[i] = g_new0({record}, 1);\n        xdr_get_{field.type}(&call.in, conn, list[i]);"
            free = f"xdr_clear_{field.type}(list[i]);\n            g_free(list[i])"
        else:
            ctype, read, free = "char *", "list[i] = xdr_get_string(&call.in);", "g_free(list[i])"
        star = f"{ctype}*list" if ctype.endswith("*") else f"{ctype} *list"
        self.decl += [f"{star} = NULL;", "size_t n_list = 0;"]
        self.read += [f"n_list = xdr_get_count(&call.in, {field.max});", f"list = g_new0({ctype}, n_list + 1);",
                      f"for (size_t i = 0; i < n_list; i++) {{\n        {read}\n    }}"]
        body = f"for (size_t i = 0; list && i < n_list; i++) {{\n            {free};\n        }}"
        self.undo += [body, "g_free(list);"]
        self.give.append(f"if ({item.target})\n        *{item.target} = list;\n    else\n        remote_free_list((void **) list, n_list);")
        if self.result == "0":
            self.result = "(int) n_list"


def body(model, function, call):
    getter = Getter(model, function, call)
    fail = failure(function.returns)
    lines = [f"{declare(function.returns, '')}remote_{function.member}({', '.join(join(t, n) for t, n in function.params) or 'void'})", "{",
             "    RemoteCall call;"]
    if conn_of(function) != "conn":
        lines.insert(2, f"    virConnectPtr conn = {conn_of(function)};")
    lines += [f"    {d}" for d in getter.decl]
    lines.append(f"    remote_call_begin(&call, conn, {call.program.upper()}_PROGRAM, {call.symbol});")
    if function.secret_argument:
        lines.append("    call.out.secret = TRUE;")
    for field in call.args:
        lines += [f"    {s}" for s in put(model, field, function)]
    stream = next((n for t, n in function.params if t == "virStreamPtr"), None)
    run = f"remote_call_run_stream(&call, {stream}, {'TRUE' if call.options.get('sparse') else 'FALSE'})" if call.stream else "remote_call_run(&call)"
    lines.append(f"    if ({run} < 0)\n        return {fail};")
    lines += [f"    {r}" for r in getter.read]
    end = "    if (remote_call_end(&call) < 0)"
    if getter.undo:
        lines += [end + " {"] + [f"        {u}" for u in getter.undo] + [f"        return {fail};", "    }"]
    else:
        lines += [end, f"        return {fail};"]
    lines += [f"    {g}" for g in getter.give]
    lines += [f"    domain_handle_rename({function.params[0][1]}, {name});" for name in function.renames]
    lines += [f"    {name}->id = -1;" for name in function.ends]
    return "\n".join(lines + [f"    return {getter.result};", "}"]) + "\n"


def generate(model):
    out = HEAD + '#include "remote/remote_calls.h"\n#include "remote/remote_call.h"\n\n'
    tables, protos = {}, []
    for function in model.functions:
        if function.driver in ("none", "admin") or "local" in function.hand:
            continue
        if not function.calls or function.hand_side("client"):
            protos.append(f"{declare(function.returns, '')}remote_{function.member}"
                          f"({', '.join(join(t, n) for t, n in function.params) or 'void'});")
            if not function.calls and function.name not in BY_HAND_WITHOUT_CALL:
                protos.pop()
                continue
        else:
            out += "static " + body(model, function, function.calls[0]) + "\n"
        tables.setdefault(function.driver, []).append(f"    .{function.member} = remote_{function.member},")
    for group, rows in tables.items():
        out += f"const {struct_name(group)} remote_{group}_driver = {{\n" + "\n".join(rows) + "\n};\n\n"
    header = HEAD + '#pragma once\n#include "core/driver_table.h"\n\n'
    header += "\n".join(f"extern const {struct_name(g)} remote_{g}_driver;" for g in tables)
    return {"remote_calls.c": out, "remote_calls.h": header + "\n\n/* Written by hand in src/remote/. */\n" + "\n".join(protos) + "\n"}


# Driver members of the remote driver for which no procedure of the same name exists.
BY_HAND_WITHOUT_CALL = ("virDomainListGetStats", "virConnectIsAlive", "virConnectIsEncrypted", "virConnectSetKeepAlive")
