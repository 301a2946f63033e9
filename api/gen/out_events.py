# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: event_table.h/.c, the descriptors, constructors and callback calls of every event."""
from lang import signature
from model import HANDLES

FAMILY = {"VIR_DOMAIN": "EVENT_DOMAIN", "VIR_NETWORK": "EVENT_NETWORK", "VIR_STORAGE": "EVENT_STORAGE_POOL",
          "VIR_NODE": "EVENT_NODE_DEVICE", "VIR_SECRET": "EVENT_SECRET"}
LETTER = {"int": "i", "uint": "u", "hyper": "l", "uhyper": "L"}
CTYPE = {"i": "int", "u": "unsigned int", "l": "long long", "L": "unsigned long long", "s": "const char *",
         "S": "const char *", "p": "virTypedParameterPtr", "a": "const virDomainEventGraphicsAddress *",
         "j": "const virDomainEventGraphicsSubject *"}
MEMBER = {"i": "l", "u": "l", "l": "l", "L": "l", "s": "s", "S": "s", "a": "address", "j": "subject"}


class Kind:
    """One kind of event: the row with a callback id and its legacy twin."""

    def __init__(self, event):
        self.id = event.id
        self.event, self.legacy = event, None
        fields = [f for f in event.msg if f.name != "callbackID"]
        self.reason_first = fields[0].type not in HANDLES
        self.fields = [f for f in fields if f.type not in HANDLES]
        self.letters = "".join(letter(f) for f in self.fields)
        self.name = "qemu_monitor" if not event.id else \
            event.id.replace("VIR_", "").replace("_EVENT_ID", "").lower()
        self.family = "EVENT_QEMU_MONITOR" if not event.id else \
            FAMILY["_".join(event.id.split("_")[:2])]


def letter(field):
    if field.type == "string":
        return "S" if field.form == "optional" else "s"
    if field.type == "typed_param":
        return "p"
    if field.type == "domain_event_graphics_address":
        return "a"
    if field.type == "domain_event_graphics_identity":
        return "j"
    return LETTER[field.type]


def kinds(model):
    found, legacy = [], {}
    for event in model.events:
        if event.name == "CONNECT_EVENT_CONNECTION_CLOSED":
            continue
        has_id = any(f.name == "callbackID" for f in event.msg)
        if has_id:
            found.append(Kind(event))
        else:
            legacy[event.id] = event
    for kind in found:
        kind.legacy = legacy.get(kind.id) if kind.id else None
    return found


def params_of(kind):
    items = ["const char *name", "const unsigned char *uuid", "int id"]
    if kind.family == "EVENT_NODE_DEVICE":
        items = ["const char *name"]
    for field, code in zip(kind.fields, kind.letters):
        space = "" if CTYPE[code].endswith("*") else " "
        items.append(f"{CTYPE[code]}{space}{field.name}")
        if code == "p":
            items.append(f"int n_{field.name}")
    return ", ".join(items)


def constructor(kind, index):
    args = "name, NULL, 0" if kind.family == "EVENT_NODE_DEVICE" else "name, uuid, id"
    lines = [f"Event *event_{kind.name}_new({params_of(kind)})", "{",
             f"    Event *made = event_new(&event_descs[{index}], {args});"]
    for n, (field, code) in enumerate(zip(kind.fields, kind.letters)):
        if code in "iulL":
            lines.append(f"    made->values[{n}].l = {field.name};")
        elif code in "sS":
            lines.append(f"    made->values[{n}].s = g_strdup({field.name});")
        elif code == "p":
            lines.append(f"    made->values[{n}].params = typed_params_copy({field.name}, n_{field.name});")
            lines.append(f"    made->values[{n}].n_params = n_{field.name};")
        else:
            copy = "event_address_copy" if code == "a" else "event_subject_copy"
            lines.append(f"    made->values[{n}].{MEMBER[code]} = {copy}({field.name});")
    return "\n".join(lines + ["    return made;", "}"]) + "\n"


def call_case(kind, index, callbacks):
    name = kind.event_callback
    _, _, params, _ = signature(callbacks[name])
    args = ["conn", "object"]
    wanted = [t for t, n in params if n not in ("conn", "opaque")][1:]
    at = 0
    for n, code in enumerate(kind.letters):
        if at >= len(wanted):
            break
        if code == "p":
            args += [f"v[{n}].params", f"v[{n}].n_params"]
            at += 2
        else:
            args.append(f"v[{n}].{MEMBER[code]}" if code not in "iuL" else f"({CTYPE[code]}) v[{n}].l")
            at += 1
    return f"    case {index}: (({name}) cb)({', '.join(args)}, opaque); break;"


def generate(model):
    callbacks = {}
    for header in model.headers.values():
        for block in header.blocks:
            if block.kind == "callback":
                callbacks[signature(block)[1]] = block
    table = kinds(model)
    rows, protos, makers, cases = [], [], [], []
    for index, kind in enumerate(table):
        kind.event_callback = model.event_callbacks[kind.event.number, kind.event.program]
        legacy = kind.legacy.number if kind.legacy else 0
        rows.append(f'    {{ {kind.family}, {kind.id or 0}, "{kind.name}", "{kind.letters}", {kind.event.number}, {legacy}, '
                    f'{"TRUE" if kind.reason_first else "FALSE"} }},')
        protos.append(f"Event *event_{kind.name}_new({params_of(kind)});")
        makers.append(constructor(kind, index))
        cases.append(call_case(kind, index, callbacks))
    head = "/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/events.api. */\n"
    return {
        "event_table.h": head + '#pragma once\n#include "core/event.h"\n\n#define EVENT_DESCS ' + f"{len(table)}\n"
        "extern const EventDesc event_descs[EVENT_DESCS];\n\n"
        "/* New event of each kind, to be given to event_emit(). Strings, parameters and structs are copied. */\n" +
        "\n".join(protos) + "\n",
        "event_table.c": head + '#include "core/event_table.h"\n#include "base/typed_param.h"\n#include "core/event_values.h"\n\n'
        "const EventDesc event_descs[EVENT_DESCS] = {\n" + "\n".join(rows) + "\n};\n\n" + "\n".join(makers) +
        "\nvoid event_call(const Event *event, PublicCallback cb, virConnectPtr conn, void *object, void *opaque)\n{\n"
        "    const EventValue *v = event->values;\n    switch (event->desc - event_descs) {\n" + "\n".join(cases) + "\n    }\n}\n"}
