# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a reader is told about each declaration: the words of the tables, and the sentences that follow from other columns.

Words stand in the keys 'doc', 'arg', 'returns', 'error' and, for values and fields, behind ' : '. What a key column
already says (who owns a result, whether NULL is allowed, which procedure carries the call) is derived here, once.
"""
import re
from lang import TableError, nearest, signature, split_doc

OBJECTS = {
    "virConnectPtr": ("connection", "virConnectClose"), "virStreamPtr": ("stream", "virStreamFree"),
    "virDomainPtr": ("domain", "virDomainFree"), "virNetworkPtr": ("network", "virNetworkFree"),
    "virNetworkPortPtr": ("network port", "virNetworkPortFree"), "virInterfacePtr": ("host interface", "virInterfaceFree"),
    "virStoragePoolPtr": ("storage pool", "virStoragePoolFree"), "virStorageVolPtr": ("storage volume", "virStorageVolFree"),
    "virNodeDevicePtr": ("node device", "virNodeDeviceFree"), "virSecretPtr": ("secret", "virSecretFree"),
    "virNWFilterPtr": ("network filter", "virNWFilterFree"),
    "virNWFilterBindingPtr": ("network filter binding", "virNWFilterBindingFree"),
    "virDomainSnapshotPtr": ("snapshot", "virDomainSnapshotFree"),
    "virDomainCheckpointPtr": ("checkpoint", "virDomainCheckpointFree"),
    "virAdmConnectPtr": ("connection to the daemon", "virAdmConnectClose"),
    "virAdmServerPtr": ("server", "virAdmServerFree"), "virAdmClientPtr": ("client", "virAdmClientFree"),
}
NO_FLAGS = "no flag is known yet; pass 0"
NAME = re.compile(r"\b(vir[A-Z]\w*|_vir\w+|VIR_[A-Z]\w*|LIBVIR_\w+)(\*)?")


class Doc:
    """Summary, further paragraphs, [(parameter, text)], what is returned ('' for void), [(code, text)]."""

    def __init__(self, paragraphs, args=(), returns="", errors=()):
        self.summary, self.more = (paragraphs[0], paragraphs[1:]) if paragraphs else (None, [])
        self.args, self.returns, self.errors = list(args), returns, list(errors)


def of_block(block):
    return Doc(block.all("doc"))


def of_callback(block):
    returns, _, params, _ = signature(block)
    given = arguments(block, params)
    args = [(n, given.get(n) or derived_callback_argument(t, n)) for t, n in params]
    return Doc(block.all("doc"), args, outcome(returns, block.get("returns"), ""))


def derived_callback_argument(ctype, name):
    if ctype == "void *" and name == "opaque":
        return "what was given with the callback"
    if ctype in ("virConnectPtr", "virAdmConnectPtr"):
        return f"the {OBJECTS[ctype][0]}"
    if ctype in OBJECTS:
        noun, free = OBJECTS[ctype]
        return f"the {noun}; the handle is good during the call, {free.removesuffix('Free')}Ref() keeps it longer"
    return None


def of_function(function):
    entry = (function.block.get("entry") or "").split(" ")[0]
    given = arguments(function.block, function.params)
    args = [(n, argument(function, i, t, n, given.get(n))) for i, (t, n) in enumerate(function.params)]
    if function.variadic:
        args.append(("...", given.get("...")))
    errors = [code_and_text(key) for key in function.block.keys if key.word == "error"]
    result = "0" if entry in ENTRIES and entry not in ("connect", "by-uuid-string") else derived_result(function)
    words = function.block.all("doc") or derived_summary(function, entry)
    return Doc(words, args, outcome(function.returns, function.block.get("returns"), result), errors)


ENTRIES = {
    "ref": "Takes another reference of a {noun}'s handle. Each is given back with {free}().",
    "free": "Gives a reference of a {noun}'s handle back. With the last one the handle ends, not the {noun}.",
    "connect": "Tells the connection that a {noun}'s handle belongs to.",
    "uuid": "Tells the UUID of a {noun}.",
    "uuid-string": "Tells the UUID of a {noun} as text.",
    "by-uuid-string": "Finds a {noun} by its UUID as text.",
}


def derived_summary(function, entry):
    """The summary of what every kind of object has."""
    if entry not in ENTRIES:
        return []
    noun, free = OBJECTS[function.returns if entry == "by-uuid-string" else function.params[0][0]]
    return [ENTRIES[entry].format(noun=noun, free=free)]


def code_and_text(key):
    code, _, text = key.value.partition(" ")
    if not text:
        raise TableError(key.where, "error needs a code and when it comes")
    return code, text


def arguments(block, params):
    """The 'arg' keys as {name: text}; they must name parameters, each once, in their order."""
    names, given = [n for _, n in params] + ["..."], {}
    for key in block.keys:
        if key.word != "arg":
            continue
        name, _, text = key.value.partition(" ")
        if name not in names:
            raise TableError(key.where, f"no parameter '{name}'{nearest(name, names)}")
        if name in given:
            raise TableError(key.where, f"parameter '{name}' twice")
        if given and names.index(name) < names.index(list(given)[-1]):
            raise TableError(key.where, f"parameter '{name}' comes before '{list(given)[-1]}'")
        if not text:
            raise TableError(key.where, f"parameter '{name}' without a text")
        given[name] = text
    return given


def argument(function, index, ctype, name, text):
    if text == "none" and name == "flags":
        return NO_FLAGS
    text = text or derived_argument(function, index, ctype, name)
    if text and name in function.path:
        text += "; what isn't absolute begins in the caller's folder"
    if text and "NULL" not in text:
        optional = optional_parameters(function)
        if name in optional:
            text += "; may be NULL"
    return text


def optional_parameters(function):
    names = set(function.null)
    for call in function.calls:
        for field in call.args:
            target = field.binding or field.name
            if field.form == "optional" and field.type == "string" and target not in function.nonnull:
                names.add(target)
    return names


def derived_argument(function, index, ctype, name):
    if index == 0 and ctype in OBJECTS:
        return f"the {OBJECTS[ctype][0]}"
    if ctype in ("virConnectPtr", "virStreamPtr"):
        return f"the {OBJECTS[ctype][0]}"
    if ctype == "virFreeCallback":
        return "called with opaque when the registration ends; may be NULL"
    if ctype == "void *" and name in ("opaque", "cbdata"):
        return "handed to the callback as it is"
    if ctype.endswith("Ptr **") and ctype[:-3] in OBJECTS:
        noun, free = OBJECTS[ctype[:-3]]
        return (f"set to a new array of {noun} handles with a NULL behind the last; release each with {free}(), the array "
                "with free(). NULL if only the number is wanted")
    by_name = COMMON.get((ctype, name))
    if by_name:
        return by_name.format(params=function.params[index - 1][1])
    for call in function.calls:
        for field in call.ret:
            text = derived_target(field.binding or "", name)
            if text:
                return text
    return None


# Parameters that mean the same wherever they stand.
COMMON = {
    ("const unsigned char *", "uuid"): "the UUID, VIR_UUID_BUFLEN bytes",
    ("unsigned char *", "uuid"): "room for VIR_UUID_BUFLEN bytes",
    ("char *", "buf"): "room for VIR_UUID_STRING_BUFLEN bytes",
    ("const char *", "uuid"): "the UUID, with or without dashes",
    ("int", "nparams"): "number of {params}", ("unsigned int", "nparams"): "number of {params}",
    ("unsigned int", "nkeys"): "number of {params}", ("int", "nkeycodes"): "number of {params}",
    ("unsigned int", "ncpus"): "number of {params}", ("unsigned int", "nfiles"): "number of files",
    ("int", "callbackID"): "what the registration returned",
    ("int *", "autostart"): "set to 1 if it starts with the daemon, else 0",
    ("int", "autostart"): "1 to start it with the daemon, 0 not to",
}


def derived_target(binding, name):
    if binding.startswith("alloc("):
        params, count = [n.strip("* ") for n in binding[6:-1].split(",")]
        return {params: "set to a new array of parameters, released with virTypedParamsFree()",
                count: f"set to the number of {params}"}.get(name)
    if binding.startswith("fill(params"):
        return {"params": "room for *nparams parameters, filled; NULL to learn how many there are",
                "nparams": "in: room in params; out: how many there are"}.get(name)
    if binding.startswith("fill(") and binding.endswith(")"):
        array, room = [n.strip() for n in binding[5:-1].split(",")]
        return {array: f"room for {room} entries" + ("; each string put there is released with free()"
                                                     if array in ("names", "uuids") else ""),
                room: f"room in {array}"}.get(name)
    return None


def derived_result(function):
    """What is returned, where other columns tell it; None where the table must."""
    if function.returns in OBJECTS:
        noun, free = OBJECTS[function.returns]
        if function.owns == "caller-unref":
            return f"a handle of the {noun}, released with {free}()"
        if function.owns == "object":
            return f"the {noun}, without a reference of its own"
        return None
    if function.returns == "char *" and function.owns == "caller-free":
        return "a new string, released with free()"
    if function.returns == "const char *" and function.owns == "object":
        return "a string that lives as long as the handle"
    if function.returns == "int" and function.calls:
        lists = [f.binding.split("(")[0] for c in function.calls for f in c.ret if "(" in (f.binding or "")]
        if "list" in lists:
            return "the number of items"
        fills = [f.binding for c in function.calls for f in c.ret if (f.binding or "").startswith("fill(")]
        if fills and not fills[0].startswith("fill(params"):
            return "the number of entries put there"
        return None if counts(function) else "0"
    return None


def counts(function):
    bindings = [f.binding or "" for call in function.calls for f in call.ret]
    return any(b == "return" or b.startswith("list(") or (b.startswith("fill(") and not b.startswith("fill(params"))
               for b in bindings)


def outcome(ctype, given, derived):
    """The sentence about what is returned: with what an error gives unless the text speaks of it."""
    text = given or derived
    if ctype == "void":
        return ""
    if not text or "error" in text or derived == "":
        return text
    bad = "NULL" if ctype.endswith("*") or ctype.endswith("Ptr") else "0" if ctype.startswith("unsigned") else "-1"
    return f"{text}, or {bad} on error"


# Rules about the words.

def known_names(model):
    names = {f.name: f.where for f in model.functions}
    for _, block in blocks_of(model):
        for name in block_names(block):
            if name in names:
                raise TableError(block.where, f"{name} twice, first at {names[name]}")
            names[name] = block.where
    return names


def block_names(block):
    if block.kind == "callback":
        return [signature(block)[1]]
    names = [re.match(r"\w+", block.heading)[0]] if block.kind != "strings" and block.kind != "variable" else []
    if block.kind == "variable":
        names.append(block.heading.split()[-1])
    names += (block.get("names") or "").split()
    if block.kind in ("enum", "strings"):
        names += [k.value.split()[0] for k in block.keys if k.word in ("value", "last")]
    return names


WORDS = ("doc", "arg", "returns", "error")
MEMBERS = ("value", "field", "member")


def check(model):
    """Each name that a text mentions exists, sentences look alike, error codes are codes."""
    names = known_names(model)
    codes = {k.value.split()[0] for h in model.headers.values() for b in h.blocks
             if b.kind == "enum" and b.heading == "virErrorNumber" for k in b.keys if k.word == "value"}
    for block in [b for _, b in blocks_of(model)] + [f.block for f in model.functions] + model.topics:
        for key in block.keys:
            text = key.value if key.word in WORDS else split_doc(key.value)[1] if key.word in MEMBERS else None
            if text:
                check_text(key, text, names)
            if key.word == "error" and codes and key.value.split()[0] not in codes:
                raise TableError(key.where, f"unknown error code '{key.value.split()[0]}'{nearest(key.value.split()[0], codes)}")
    for where, what in debt(model):
        raise TableError(where, f"{what} is missing")


def check_text(key, text, names):
    for name, star in NAME.findall(text):
        if star and any(n.startswith(name) for n in names) or not star and name in names:
            continue
        raise TableError(key.where, f"no '{name}{star}' in the tables{nearest(name, names)}")
    if key.word == "doc" and text[-1] not in ".:)":
        raise TableError(key.where, "a doc is whole sentences; it ends with a full stop")
    if key.word != "doc" and text.endswith("."):
        raise TableError(key.where, f"the text of '{key.word}' is no sentence; it ends without a full stop")


def blocks_of(model, *kinds):
    return [(h, b) for h in model.headers.values() for b in h.blocks if not kinds or b.kind in kinds]


def debt(model):
    """Everything public that is told nothing about: [(where, what)]."""
    missing = []
    for function in model.functions:
        doc = of_function(function)
        missing += lacking(function.where, function.name, doc, function.returns)
    for header, block in blocks_of(model, "opaque", "macro", "enum", "struct", "callback", "variable", "strings"):
        missing += block_debt(block)
    return missing


def lacking(where, name, doc, returns):
    found = [(where, f"{name}: doc")] if not doc.summary else []
    found += [(where, f"{name}: arg {n}") for n, text in doc.args if not text]
    return found + ([(where, f"{name}: returns")] if returns != "void" and not doc.returns else [])


def block_debt(block):
    missing = [(k.where, k.value.split()[0] if k.word == "value" else f"{block.heading}: {k.value}")
               for k in block.keys if k.word in MEMBERS and not told(block, k)]
    if block.kind == "callback":
        returns, name, _, _ = signature(block)
        return missing + lacking(block.where, name, of_callback(block), returns)
    if block.kind != "typedef" and not block.get("doc"):
        missing.append((block.where, f"{block.kind} {block.heading}: doc"))
    return missing


def told(block, key):
    """Whether a member says what it is; an error's standing text does."""
    if block.kind == "macro":
        return True
    words, doc = split_doc(key.value)
    return bool(doc) or block.kind == "enum" and len(words.split(" ", 3)) > 3
