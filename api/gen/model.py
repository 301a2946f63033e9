# SPDX-License-Identifier: LGPL-2.1-or-later
"""The model: blocks become objects, and every rule that a table must obey is checked here."""
import os
import re
import docs
from lang import TableError, nearest, parse, signature, tidy

BLOCKING = ("never", "disk", "process", "guest", "agent", "bulk", "urgent")
DRIVERS = ("none", "hypervisor", "network", "interface", "nodedev", "nwfilter", "secret", "storage", "admin")
READONLY = ("allowed", "denied", "conditional", "-")
HAND = ("client", "server", "both", "local")
SCALARS = {"int": "int", "uint": "unsigned int", "hyper": "long long", "uhyper": "unsigned long long",
           "double": "double", "char": "char", "uchar": "unsigned char", "short": "short",
           "ushort": "unsigned short"}
# Wire handles and the public pointer that each stands for.
HANDLES = {"domain": "virDomainPtr", "network": "virNetworkPtr", "network_port": "virNetworkPortPtr",
           "nwfilter": "virNWFilterPtr", "nwfilter_binding": "virNWFilterBindingPtr",
           "interface": "virInterfacePtr", "storage_pool": "virStoragePoolPtr",
           "storage_vol": "virStorageVolPtr", "node_device": "virNodeDevicePtr", "secret": "virSecretPtr",
           "domain_checkpoint": "virDomainCheckpointPtr", "domain_snapshot": "virDomainSnapshotPtr",
           "server": "virAdmServerPtr", "client": "virAdmClientPtr"}


def snake(name):
    """virDomainGetXMLDesc -> domain_get_xml_desc."""
    name = re.sub(r"^vir(?=[A-Z])", "", name)
    for word in ("NWFilter", "IOThread", "FSInfo", "FSTrim", "FSFreeze", "FSThaw", "DHCP", "SSHKeys"):
        name = name.replace(word, "_" + word.lower() + "_" if word != "DHCP" else "Dhcp")
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"_+", "_", name).strip("_").lower()


class Field:
    """One wire field NAME:TYPE=BINDING. form: single, optional, array, fixed."""

    def __init__(self, text, model, where):
        match = re.match(r"^(\w+):([\w-]+)(\?|<(\w+)>|\[(\w+)\])?(?:=(.+))?$", text)
        if not match:
            raise TableError(where, f"not a wire field: '{text}'")
        self.name, self.type, self.where = match[1], match[2], where
        mark = match[3] or ""
        self.form = {"": "single", "?": "optional", "<": "array", "[": "fixed"}[mark[:1]]
        self.max_name = match[4] or match[5]
        self.binding = match[6]
        if self.type not in SCALARS and self.type not in ("string", "uuid", "opaque") \
                and self.type not in model.records and self.type not in model.wire_enums \
                and self.type != "typed_param_value":
            raise TableError(where, f"unknown wire type '{self.type}'"
                             f"{nearest(self.type, list(model.records) + list(SCALARS))}")
        self.max = model.limit(self.max_name, where) if self.max_name else None

    @property
    def handle(self):
        return HANDLES.get(self.type)


class Call:
    """A procedure as it stands on the wire."""

    def __init__(self, value, args, ret, model, where):
        words = value.split()
        if len(words) < 4:
            raise TableError(where, f"call needs PROGRAM NUMBER NAME PRIORITY, got '{value}'")
        self.program, self.number, self.name, self.priority = words[0], int(words[1]), words[2], words[3]
        self.where = where
        if self.program not in model.programs:
            raise TableError(where, f"unknown program '{self.program}'{nearest(self.program, model.programs)}")
        if self.priority not in ("high", "low"):
            raise TableError(where, f"priority is high or low, not '{self.priority}'")
        self.options = dict(w.split("=", 1) for w in words[4:])
        for key in self.options:
            if key not in ("stream", "sparse", "fds"):
                raise TableError(where, f"unknown option '{key}' of a call{nearest(key, ('stream', 'sparse', 'fds'))}")
        self.args = [Field(t, model, where) for t in args.split() if t != "-"]
        self.ret = [Field(t, model, where) for t in ret.split() if t != "-"]

    @property
    def symbol(self):
        return f"{self.program.upper()}_PROC_{self.name}"

    @property
    def stream(self):
        return self.options.get("stream", "").split(":")[0] or None


def enumerated(block, key, allowed):
    value = block.get(key).split()[0]
    if value not in allowed:
        raise TableError(block.where_of(key), f"{key} is one of {', '.join(allowed)}, "
                         f"not '{value}'{nearest(value, allowed)}")
    return value


ACL = re.compile(r"^(none|([a-z-]+):([a-z-]+)(?: if (\S+))?)$")


def parse_secret(block):
    """Whether a call always carries a secret, and the parameter that is one."""
    words = block.get("secret").split()
    if words[0] not in ("no", "in", "out") or (words[0] == "in") != (len(words) == 2):
        raise TableError(block.where_of("secret"), "secret is no, in PARAM, out, or out if FLAGS")
    return words[0] == "in" or words == ["out"], words[1] if words[0] == "in" else None


class Function:
    """A public function."""

    def __init__(self, block, model):
        self.block, self.where = block, block.where
        self.returns, self.name, self.params, self.variadic = signature(block)
        self.header, self.version, self.since = (block.get(k) for k in ("header", "version", "since"))
        if self.header not in model.headers:
            raise TableError(block.where_of("header"), f"unknown header '{self.header}'")
        self.library = model.headers[self.header].library
        self.readonly = enumerated(block, "readonly", READONLY)
        self.readonly_if = block.get("readonly").partition(" ")[2]
        if self.readonly == "conditional" and not self.readonly_if:
            raise TableError(block.where_of("readonly"), "conditional needs the flags or the comparison")
        self.driver = enumerated(block, "driver", DRIVERS)
        self.blocking = enumerated(block, "blocking", BLOCKING)
        self.owns, self.secret, self.topic = block.get("owns"), block.get("secret"), block.topic
        self.always_secret, self.secret_argument = parse_secret(block)
        if self.secret_argument and self.secret_argument not in [n for _, n in self.params]:
            raise TableError(block.where_of("secret"), f"no parameter '{self.secret_argument}'")
        self.acl = parse_acl(block)
        self.filters = block.all("filter")
        self.hand = set(block.all("hand"))
        for word in self.hand:
            if word not in HAND:
                raise TableError(block.where_of("hand"), f"hand is one of {', '.join(HAND)}, not '{word}'")
        self.null = (block.get("null") or "").split()
        self.nonnull = (block.get("nonnull") or "").split()
        self.nonempty = (block.get("nonempty") or "").split()
        self.path = (block.get("path") or "").split()
        self.positive = (block.get("positive") or "").split()
        self.socket = (block.get("socket") or "").split()
        self.renames = (block.get("renames") or "").split()
        self.ends = (block.get("ends") or "").split()
        for key in ("null", "nonnull", "nonempty", "path", "positive", "socket", "renames", "ends"):
            for name in getattr(self, key):
                if name not in [n for _, n in self.params]:
                    raise TableError(block.where_of(key), f"no parameter '{name}'")
        for key, wanted in (("path", "const char *"), ("ends", "virDomainPtr")):
            for name in getattr(self, key):
                if self.param_type(name) != wanted:
                    raise TableError(block.where_of(key), f"'{name}' is no {wanted}")
        if set(self.path) & set(self.nonempty):
            raise TableError(block.where_of("path"), "a path is checked as such, and may be empty")
        self.calls = calls_of(block, model)
        if self.driver == "none" and self.calls:
            raise TableError(block.where_of("driver"), "a function with a call needs a driver")
        self.strings = bool(block.get("strings")) and bool(enumerated(block, "strings", ("yes",)))
        if self.strings and self.param_type("flags") != "unsigned int":
            raise TableError(block.where_of("strings"), "strings are asked for by a flag, and there are no flags")
        self.asynchronous = bool(block.get("async")) and self.check_async(block)
        self.missing = block.get("missing") or "VIR_ERR_NO_SUPPORT"
        if block.get("missing") and self.driver == "none":
            raise TableError(block.where_of("missing"), "what needs no driver can't be missing in one")

    def check_async(self, block):
        where = block.where_of("async")
        if enumerated(block, "async", ("yes",)) and self.blocking != "guest":
            raise TableError(where, "only what waits for a guest can be asynchronous")
        if self.returns != "int" or any(call.ret or call.stream for call in self.calls):
            raise TableError(where, "an asynchronous function has no results but success")
        return True

    @property
    def member(self):
        return snake(self.name)

    def hand_side(self, side):
        return "both" in self.hand or side in self.hand

    def param_type(self, name):
        return dict((n, t) for t, n in self.params).get(name)


def parse_acl(block):
    rules = []
    for key in block.keys:
        if key.word != "acl":
            continue
        match = ACL.match(key.value)
        if not match:
            raise TableError(key.where, f"acl is 'none' or OBJECT:PERMISSION [if FLAGS], not '{key.value}'")
        if key.value != "none":
            rules.append((match[2], match[3], match[4]))
    return rules


def calls_of(block, model):
    calls = [k for k in block.keys if k.word == "call"]
    args = [k for k in block.keys if k.word == "args"]
    rets = [k for k in block.keys if k.word == "ret"]
    if not len(calls) == len(args) == len(rets):
        raise TableError(block.where, f"'{block.heading}': each call needs its args and ret")
    return [Call(c.value, a.value, r.value, model, c.where) for c, a, r in zip(calls, args, rets)]


class Procedure:
    """A procedure without a public function of its own."""

    def __init__(self, block, model):
        self.block, self.name, self.where = block, block.heading, block.where
        self.readonly = enumerated(block, "readonly", READONLY)
        self.blocking = enumerated(block, "blocking", BLOCKING)
        self.always_secret, _ = parse_secret(block)
        self.acl = parse_acl(block)
        self.calls = calls_of(block, model)


class Event:
    """An event message."""

    def __init__(self, block, model):
        words = block.heading.split()
        if len(words) != 3:
            raise TableError(block.where, "event needs PROGRAM NUMBER NAME")
        self.program, self.number, self.name, self.where = words[0], int(words[1]), words[2], block.where
        self.msg = [Field(t, model, block.where) for t in block.get("msg").split() if t != "-"]
        self.filters = block.all("filter")
        self.id, self.callback = block.get("id"), block.get("callback")


class Header:
    """A public header; errors: the domain of what its functions find wrong themselves."""

    def __init__(self, block):
        self.name, self.library, self.guard = block.heading, block.get("library"), block.get("guard")
        self.errors = block.get("errors") or "DOMAIN"
        self.block = block
        self.blocks = []


class Model:
    """Everything the tables say. load() reads them; the visitors (out_*.py) read the model."""

    def __init__(self):
        self.headers, self.libraries, self.programs = {}, {}, {}
        self.records, self.record_types, self.wire_enums, self.limits = {}, {}, {}, {}
        self.functions, self.procedures, self.events, self.variables, self.topics = [], [], [], [], []
        self.constants = {}

    def limit(self, name, where):
        if name.isdigit():
            return int(name)
        if name in self.limits:
            return self.limits[name]
        if name in self.constants:
            return self.constants[name]
        raise TableError(where, f"unknown limit '{name}'{nearest(name, self.limits)}")

    @property
    def event_callbacks(self):
        return {(e.number, e.program): e.callback for e in self.events}

    def all_calls(self):
        """(call, owner) of every procedure, by program and number."""
        found = [(c, f) for f in self.functions for c in f.calls]
        found += [(c, p) for p in self.procedures for c in p.calls]
        return sorted(found, key=lambda item: (item[0].program, item[0].number))

    def check(self):
        seen = {}
        for call, _ in self.all_calls():
            self.unique(seen, call.program, call.number, call.where)
        for event in self.events:
            self.unique(seen, event.program, event.number, event.where)
        for program in self.programs:
            numbers = sorted(n for p, n in seen if p == program)
            for expect, number in enumerate(numbers, 1):
                if expect != number:
                    raise TableError(seen[(program, number)],
                                     f"program {program}: number {expect} is missing before {number}")
        names = {}
        for function in self.functions:
            if function.name in names:
                raise TableError(function.where, f"function {function.name} twice, first at {names[function.name]}")
            names[function.name] = function.where

    @staticmethod
    def unique(seen, program, number, where):
        if (program, number) in seen:
            raise TableError(where, f"program {program}: number {number} is already used at {seen[(program, number)]}")
        seen[(program, number)] = where


def collect(directory):
    paths = []
    for root, dirs, files in os.walk(directory):
        dirs[:] = sorted(d for d in dirs if d not in ("gen", "tests", "__pycache__"))
        paths += [os.path.join(root, f) for f in sorted(files, key=lambda n: n[:-4])
                  if f.endswith(".api")]
    return paths


def load(directory):
    """The model of all tables below a directory; raises TableError."""
    model, late = Model(), []
    for path in collect(directory):
        with open(path, encoding="utf-8") as stream:
            blocks = parse(path, stream.read(), os.path.relpath(path, directory))
        take_types(model, blocks, late)
    for block in late:
        take_record(model, block)
    for kind, cls, target in (("function", Function, model.functions), ("procedure", Procedure, model.procedures),
                              ("event", Event, model.events)):
        target.extend(cls(b, model) for b in late if b.kind == kind)
    model.check()
    docs.check(model)
    return model


def take_types(model, blocks, late):
    header = topic = None
    for block in blocks:
        block.topic = topic
        if block.kind == "header":
            header = model.headers.setdefault(block.heading, Header(block))
            header.library, header.guard, header.block = block.get("library"), block.get("guard"), block
        elif block.kind == "continue":
            header = model.headers.get(block.heading)
            if header is None:
                raise TableError(block.where, f"continue of unknown header '{block.heading}'")
        elif block.kind in ("opaque", "macro", "strings", "enum", "typedef", "struct", "callback", "variable"):
            if header is None:
                raise TableError(block.where, f"{block.kind} before any header")
            header.blocks.append(block)
            note_constant(model, block)
            if block.kind == "variable":
                model.variables.append((header, block))
        elif block.kind == "topic":
            topic = block
            model.topics.append(block)
        elif block.kind == "library":
            model.libraries[block.heading] = block
        elif block.kind == "program":
            model.programs[block.heading] = block
        elif block.kind == "limits":
            for value in block.all("value"):
                name, number = value.split()
                model.limits[name] = int(number)
        else:
            late.append(block)
            if block.kind == "record":
                model.records[block.heading] = None
            elif block.kind == "wire-enum":
                model.wire_enums[block.heading] = [v.split() for v in block.all("value")]


def note_constant(model, block):
    if block.kind == "macro" and block.get("kind") == "int":
        value = block.get("value")
        model.constants[block.heading] = int(value) if value.lstrip("-").isdigit() else model.constants.get(value)


def take_record(model, block):
    if block.kind == "record":
        model.records[block.heading] = [Field(i, model, block.where) for i in block.all("item")]
        model.record_types[block.heading] = block.get("c")
