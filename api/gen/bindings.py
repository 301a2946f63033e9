# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a wire field means for a C function: shared by the client (out_remote) and the server (out_dispatch).

Bindings of arguments: NAME of a parameter (default: the field's own name), PARAM->MEMBER, POINTER,COUNT for arrays,
*PARAM for the value behind a pointer, ?PARAM for "is the caller interested in that result".
Bindings of results: return, *PARAM, PARAM->MEMBER, fill(ARRAY,ROOM), list(*PARAM), alloc(*PARAM,*COUNT),
fill(params,*nparams), refresh(domain).
"""
import re
from lang import TableError
from model import SCALARS


class Result:
    """A result field with its binding taken apart."""

    def __init__(self, field):
        self.field = field
        binding = field.binding or ""
        match = re.match(r"^(fill|list|alloc|refresh)\((.*)\)$", binding)
        if match:
            self.kind, names = match[1], [n.strip().lstrip("*") for n in match[2].split(",")]
            self.target, self.count = names[0], names[1] if len(names) > 1 else None
        elif binding == "return":
            self.kind, self.target, self.count = "return", None, None
        elif binding.startswith("*"):
            self.kind, self.target, self.count = "pointer", binding[1:], None
        elif "->" in binding:
            self.kind, (self.target, self.count) = "member", binding.split("->")
        else:
            raise TableError(field.where, f"result '{field.name}' has no binding")


def results(call):
    return [Result(f) for f in call.ret]


def pointee(ctype):
    """The type behind a pointer type: 'int *' -> 'int', virDomainInfoPtr -> virDomainInfo."""
    if ctype.endswith("*"):
        return ctype[:-1].strip()
    special = {"virDomainBlockStatsPtr": "virDomainBlockStatsStruct",
               "virDomainInterfaceStatsPtr": "virDomainInterfaceStatsStruct",
               "virDomainMemoryStatPtr": "virDomainMemoryStatStruct"}
    return special.get(ctype, ctype.removesuffix("Ptr"))


def is_record(model, field):
    return bool(model.record_types.get(field.type))


def scalar_ctype(field):
    return SCALARS[field.type]


def declare(ctype, name):
    return f"{ctype}{name}" if ctype.endswith("*") else f"{ctype} {name}"
