# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: dispatch_PROGRAM.c, the server side of every call, and the procedure tables of the programs."""
from bindings import declare, is_record, pointee, results
from model import SCALARS, Procedure

HEAD = "/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/calls/. */\n"


class Server:
    """The body of one dispatch function: how each C parameter comes about, and how results are sent."""

    def __init__(self, model, function, call):
        self.model, self.function, self.call = model, function, call
        self.decl, self.get, self.guard, self.put, self.free = [], [], [], [], []
        self.arg = {}
        for field in call.args:
            self.take_arg(field)
        for ctype, name in function.params:
            if ctype == "virConnectPtr" and name not in self.arg:
                self.arg[name] = "call->conn"
            elif ctype == "virStreamPtr" and name not in self.arg:
                self.arg[name] = "call->stream"
            elif name == "size" and name not in self.arg:
                self.arg[name] = None  # size of the struct that the results live in
        self.ret = None
        for item in results(call):
            self.take_result(item, item.field)

    def local(self, decl, get):
        self.decl.append(decl)
        self.get.append(get)

    def take_arg(self, field):
        binding = field.binding or field.name
        name = f"in_{field.name}"
        opt = "_opt" if field.form == "optional" else ""
        if field.form == "array":
            self.take_array(field, name, *binding.split(","))
            return
        if binding == "*nparams" and self.function.param_type("params") == "virTypedParameterPtr *":
            self.get.append(f"xdr_get_{field.type}(&call->in); /* the array has its own count */")
            return
        if field.handle:
            self.local(f"g_autoptr({field.handle[:-3]}) {name} = NULL;", f"{name} = xdr_get_{field.type}{opt}(&call->in, call->conn);")
        elif field.type == "string":
            self.local(f"g_autofree char *{name} = NULL;", f"{name} = xdr_get_string{opt}(&call->in);")
        elif field.type == "uuid":
            self.local(f"unsigned char {name}[VIR_UUID_BUFLEN];", f"xdr_get_uuid(&call->in, {name});")
        else:
            self.local(f"{declare(SCALARS[field.type], name)};", f"{name} = xdr_get_{field.type}(&call->in);")
        if binding.startswith("?"):
            self.arg[binding] = name
        elif "->" in binding:
            target = binding.split("->")[0]
            self.decl.append("g_autoptr(virNodeDevice) handle = NULL;")
            self.get.append(f"handle = {name} ? node_device_handle_new(call->conn, {name}) : NULL;")
            self.arg[target] = "handle"
        elif binding.startswith("*"):
            self.arg[binding] = name
        else:
            self.arg[binding] = name

    def take_array(self, field, name, pointer, count):
        if field.type == "opaque":
            self.decl += [f"g_autofree unsigned char *{name} = NULL;", f"size_t n_{name} = 0;"]
            self.get.append(f"{name} = xdr_get_opaque(&call->in, {field.max}, &n_{name});")
            cast = "" if self.function.param_type(pointer) in ("unsigned char *", "const unsigned char *") else "(void *) "
            self.arg[pointer], self.arg[count] = f"{cast}{name}", f"n_{name}"
            return
        if field.type == "typed_param":
            self.decl += [f"virTypedParameterPtr {name} = NULL;", f"int n_{name} = 0;"]
            self.get.append(f"{name} = xdr_get_typed_params(&call->in, {field.max}, &n_{name});")
            self.free.append(f"virTypedParamsFree({name}, n_{name});")
            self.arg[pointer], self.arg[count] = name, f"n_{name}"
            return
        ctype = "char *" if field.type == "string" else SCALARS[field.type] + " "
        self.decl += [f"g_autofree {ctype}*{name} = NULL;", f"size_t n_{name} = 0;"]
        self.get += [f"n_{name} = xdr_get_count(&call->in, {field.max});", f"{name} = g_new0({ctype.strip()}, n_{name} + 1);",
                     f"for (size_t i = 0; i < n_{name}; i++)\n        {name}[i] = xdr_get_{field.type}(&call->in);"]
        if field.type == "string":
            self.free.append(f"for (size_t i = 0; i < n_{name}; i++)\n        g_free({name}[i]);")
        self.arg[pointer] = f"(const char **) {name}" if field.type == "string" else name
        self.arg[count] = f"n_{name}"

    # results

    def take_result(self, item, field):
        getattr(self, "result_" + item.kind)(item, field)

    def put_scalar(self, field, value):
        opt = "_opt" if field.form == "optional" else ""
        self.put.append(f"xdr_put_{field.type}{opt}(&call->out, {value});")

    def result_return(self, item, field):
        self.put_scalar(field, "ret")

    def result_refresh(self, item, field):
        self.put.append(f"xdr_put_domain(&call->out, {self.arg[item.target]});")

    def result_pointer(self, item, field):
        ctype = pointee(self.function.param_type(item.target))
        name = f"out_{item.target}"
        if item.target == "nparams" and any("alloc(" in (f.binding or "") for f in self.call.ret):
            self.put_scalar(field, "n_out_list")
            return
        if item.target == "nparams" and "*nparams" in self.arg:
            self.put_scalar(field, f"query ? {self.arg['*nparams']} : 0")
            return
        if field.type == "string":
            self.decl.append(f"g_autofree char *{name} = NULL;")
        else:
            self.decl.append(f"{declare(ctype, name)} = 0;")
        self.arg[item.target] = f"&{name}"
        self.put_scalar(field, name)

    def result_member(self, item, field):
        ctype = pointee(self.function.param_type(item.target))
        name = f"out_{item.target}"
        if self.arg.get(item.target) is None:
            self.decl.append(f"{ctype} {name} = {{ 0 }};")
            self.arg[item.target] = f"&{name}"
            if "size" in self.arg and self.arg["size"] is None:
                self.arg["size"] = f"sizeof({name})"
        if field.form == "fixed":
            self.put.append(f"for (size_t i = 0; i < {field.max}; i++)\n        xdr_put_{field.type}(&call->out, {name}.{item.count}[i]);")
        elif field.form == "array":
            self.put.append(f"xdr_put_chars(&call->out, {name}.{item.count}, {field.max});")
        else:
            self.put_scalar(field, f"{name}.{item.count}")

    def result_alloc(self, item, field):
        ctype = pointee(self.function.param_type(item.count))
        self.decl += ["virTypedParameterPtr out_list = NULL;", f"{declare(ctype, 'n_out_list')} = 0;"]
        self.arg[item.target], self.arg[item.count] = "&out_list", "&n_out_list"
        self.put.append(f"xdr_put_typed_params(&call->out, out_list, n_out_list, {field.max});")
        self.free.append("virTypedParamsFree(out_list, n_out_list);")

    def result_list(self, item, field):
        wanted = self.arg.get("?" + item.target)
        if field.handle:
            ctype, put, free = field.handle, f"xdr_put_{field.type}(&call->out, out_list[i]);", "object_unref(out_list[i]);"
        elif is_record(self.model, field):
            record = self.model.record_types[field.type]
            ctype, put = f"{record} *", f"xdr_put_{field.type}(&call->out, out_list[i]);"
            free = f"xdr_clear_{field.type}(out_list[i]);\n        g_free(out_list[i]);"
        else:
            ctype, put, free = "char *", "xdr_put_string(&call->out, out_list[i]);", "g_free(out_list[i]);"
        star = f"{ctype}*out_list" if ctype.endswith("*") else f"{ctype} *out_list"
        self.decl.append(f"{star} = NULL;")
        self.arg[item.target] = f"{wanted} ? &out_list : NULL" if wanted else "&out_list"
        self.put.append(f"if (xdr_put_count(&call->out, out_list ? ret : 0, {field.max}))\n        for (int i = 0; out_list && i < ret; i++)\n            {put}")
        self.free.append(f"for (int i = 0; out_list && i < ret; i++) {{\n        {free}\n    }}\n    g_free(out_list);")

    def result_fill(self, item, field):
        room = self.arg.get("*" + item.count) or self.arg.get(item.count)
        is_pointer = self.function.param_type(item.count).endswith("*")
        record = self.model.record_types.get(field.type)
        ctype = "virTypedParameter" if field.type == "typed_param" else record or \
            ("char *" if field.type == "string" else "unsigned char" if field.type == "opaque" else SCALARS.get(field.type))
        space = "" if ctype.endswith("*") else " "
        self.decl.append(f"g_autofree {ctype}{space}*out_list = NULL;")
        self.guard.append(f"dispatch_room(call, {room}, {field.max}) < 0")
        self.get_after = f"out_list = g_new0({ctype}, MAX({room}, 1));"
        self.arg[item.target] = f"{room} ? out_list : NULL" if is_pointer else "out_list"
        if is_pointer:
            self.arg[item.count] = f"&{room}"
            self.decl.append("gboolean query = FALSE;")
            self.get_after += f"\n    query = {room} == 0;"
            n = f"query ? 0 : {room}"
        else:
            # what is returned may be the room that would be enough
            n = room if field.type == "opaque" else f"MIN(ret, (int) {room})"
        if field.type == "opaque":
            self.put.append(f"xdr_put_opaque(&call->out, out_list, {room}, {field.max});")
            return
        if field.type == "typed_param":
            if is_pointer:
                takes = self.arg.get("flags")
                old = f"if (!({takes} & VIR_TYPED_PARAM_STRING_OKAY))\n        " if takes else ""
                self.put.append(f"{old}dispatch_drop_strings(out_list, {n});")
            self.put.append(f"xdr_put_typed_params(&call->out, out_list, {n}, {field.max});")
            self.free.append(f"virTypedParamsClear(out_list, {n});")
            return
        item_ref = "&out_list[i]" if record else "out_list[i]"
        self.put.append(f"if (xdr_put_count(&call->out, {n}, {field.max}))\n        for (int i = 0; i < (int) ({n}); i++)\n            xdr_put_{field.type}(&call->out, {item_ref});")
        clear = f"xdr_clear_{field.type}(&out_list[i])" if record else "g_free(out_list[i])" if field.type == "string" else None
        if clear:
            self.free.append(f"for (int i = 0; out_list && i < (int) ({n}); i++)\n        {clear};")

    get_after = None

    def forget(self, function):
        """Clears the argument that is a secret."""
        name = function.secret_argument
        if not name:
            return []
        local = self.arg[name]
        if ("const unsigned char *", name) in function.params:
            return [f"if ({local})\n        explicit_bzero({local}, n_{local});"]
        if ("const char *", name) in function.params:
            return [f"if ({local})\n        explicit_bzero({local}, strlen({local}));"]
        return []


def body(model, function, call):
    server = Server(model, function, call)
    returns = function.returns
    owned = {"char *": "g_autofree char *", "unsigned char *": "g_autofree unsigned char *"}.get(returns)
    if returns.endswith("Ptr"):
        owned = f"g_autoptr({returns[:-3]}) "
    bad = "!ret" if returns.endswith(("*", "Ptr")) or returns.startswith("unsigned") else "ret < 0"
    if any(f.form == "optional" and f.binding == "return" for f in call.ret):
        bad = "!ret && virGetLastError()"       # none is an answer
    lines = [f"static int dispatch_{call.name.lower()}(DispatchCall *call)", "{"]
    lines += [f"    {d}" for d in server.decl]
    lines.append(f"    {owned}ret = NULL;" if owned else f"    {declare(returns, 'ret')} = {'NULL' if returns.endswith('*') else '0' if bad == '!ret' else '-1'};")
    lines.append("    int status = -1;\n")
    lines += [f"    {g}" for g in server.get]
    tests = ["dispatch_args_done(call) < 0"] + server.guard
    if call.stream:
        tests.append("dispatch_stream_new(call) < 0")
    lines.append(f"    if ({' || '.join(tests)})\n        goto cleanup;")
    if server.get_after:
        lines.append(f"    {server.get_after}")
    args = ", ".join(server.arg[n] for _, n in function.params)
    lines.append(f"    ret = {function.name}({args});\n    if ({bad})\n        goto cleanup;")
    lines += [f"    {p}" for p in server.put]
    if call.stream:
        lines.append(f"    if (dispatch_stream_start(call, {'TRUE' if call.stream == 'read' else 'FALSE'}) < 0)\n        goto cleanup;")
    lines.append("    status = 0;\ncleanup:")
    lines += [f"    {f}" for f in server.free + server.forget(function)]
    return "\n".join(lines + ["    return status;", "}"]) + "\n"


def async_body(function, call):
    """The same for the loop's thread: takes the arguments and lets the driver begin."""
    server = Server(None, function, call)
    args = ", ".join(server.arg[n] for _, n in function.params)
    owner = next(server.arg[n] for t, n in function.params if t == "virDomainPtr")
    lines = [f"static AsyncStart async_{call.name.lower()}(DispatchCall *call, AsyncDone done, void *opaque)", "{"]
    lines += [f"    {line}" for line in server.decl + server.get]
    lines.append("    if (dispatch_args_done(call) < 0)\n        return ASYNC_FAILED;")
    lines.append(f"    if (!{owner}->o.conn->hypervisor->{function.member}_async)\n        return ASYNC_REFUSED;")
    lines.append(f"    return {owner}->o.conn->hypervisor->{function.member}_async({args}, done, opaque);")
    return "\n".join(lines + ["}"]) + "\n"


def lane(call):
    """Where the UUID of the domain that a call is about stands in its arguments."""
    first = call.args[0] if call.args else None
    if first is None or first.form != "single":
        return "LANE_NONE"
    return {"domain": "LANE_DOMAIN", "domain_snapshot": "LANE_CHILD", "domain_checkpoint": "LANE_CHILD"}.get(first.type, "LANE_NONE")


def acl_rows(owner):
    rows = []
    for thing, perm, cond in owner.acl:
        flags, equals, negate = "0", "NULL", "FALSE"
        if cond and "==" in cond:
            name, value = cond.split("==")
            equals, flags = f'"{name}"', value
        elif cond:
            negate = "TRUE" if cond.startswith("!") else "FALSE"
            flags = cond.lstrip("!")
        rows.append(f'{{ "{thing}", "{perm}", {flags}, {negate}, {equals} }}')
    return rows


def where_is(call, name):
    """Index of an argument by name, for conditional permissions."""
    for index, field in enumerate(call.args):
        if field.name == name:
            return index
    return -1


def generate(model):
    files = {}
    for program in ("remote", "qemu", "lxc"):
        out = HEAD + '#include "daemon/dispatch.h"\n#include <libvirt/libvirt-qemu.h>\n#include <libvirt/libvirt-lxc.h>\n\n'
        rows, hand, acls = [], [], []
        for call, owner in model.all_calls():
            if call.program != program:
                continue
            name = f"dispatch_{call.name.lower()}"
            if isinstance(owner, Procedure) or owner.hand_side("server"):
                hand.append(f"int {name}(DispatchCall *call);")
            else:
                out += body(model, owner, call) + "\n"
            begin = "NULL"
            if not isinstance(owner, Procedure) and owner.asynchronous:
                out += async_body(owner, call) + "\n"
                begin = f"async_{call.name.lower()}"
            acl = acl_rows(owner)
            ref = "NULL"
            if acl:
                acls.append(f"static const AclRule acl_{call.name.lower()}[] = {{ {', '.join(acl)}, {{ NULL }} }};")
                ref = f"acl_{call.name.lower()}"
            owner_name = owner.name if not isinstance(owner, Procedure) else call.name
            rows.append(f'    [{call.number}] = {{ "{call.name}", "{owner_name}", {name}, {begin}, CALL_{owner.blocking.upper()}, '
                        f'{"TRUE" if call.priority == "high" else "FALSE"}, CALL_RO_{owner.readonly.upper().replace("-", "ALLOWED")}, {lane(call)}, {ref}, {"TRUE" if owner.always_secret else "FALSE"} }},')
        files[f"dispatch_{program}.c"] = out + "\n".join(acls) + f"\n\nconst DispatchProc {program}_procs[] = {{\n" + "\n".join(rows) + \
            f"\n}};\nconst guint {program}_n_procs = G_N_ELEMENTS({program}_procs);\n"
        files.setdefault("dispatch_table.h", HEAD + '#pragma once\n\n/* Written by hand in src/daemon/. */\n')
        files["dispatch_table.h"] += "\n".join(hand) + f"\nextern const DispatchProc {program}_procs[];\nextern const guint {program}_n_procs;\n\n"
    return files
