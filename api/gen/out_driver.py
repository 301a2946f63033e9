# SPDX-License-Identifier: LGPL-2.1-or-later
"""Visitor: core/driver_table.h, the function table that each driver fills (one struct per group)."""
from out_headers import join

ASYNC = """/** How an asynchronous member says that it is done: exactly once, from any thread; @status is 0, or -1 with the thread's
 * error set. */
typedef void (*AsyncDone)(int status, void *opaque);

/** What became of an asynchronous member, which never blocks. */
typedef enum {
    ASYNC_FAILED = -1,  /* the thread's error is set; done is not called */
    ASYNC_REFUSED = 0,  /* it would have to wait, or is out of the ordinary: have a worker call the plain member */
    ASYNC_BEGUN = 1,    /* done will be called */
} AsyncStart;

"""
GROUPS = ("hypervisor", "network", "interface", "nodedev", "nwfilter", "secret", "storage", "admin")


def struct_name(group):
    """The C name of a group's table. A guest's network card has an InterfaceDriver already."""
    return "HostInterfaceDriver" if group == "interface" else f"{group.capitalize()}Driver"


def group_struct(model, group):
    lines = [f"/** What a {group} driver can do. A member that is NULL answers VIR_ERR_NO_SUPPORT. */",
             f"typedef struct {struct_name(group)} {{"]
    for function in model.functions:
        if function.driver == group:
            params = ", ".join(join(t, n) for t, n in function.params) or "void"
            lines.append(f"    {join(function.returns, '')}(*{function.member})({params});")
            if function.asynchronous:
                lines.append(f"    AsyncStart (*{function.member}_async)({params}, AsyncDone done, void *opaque);")
    return "\n".join(lines + [f"}} {struct_name(group)};"]) + "\n"


def generate(model):
    text = ("/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * Generated from api/. The driver tables: a driver implements the public function\n"
            " * virXxxYyy() as the member xxx_yyy with the very same parameters and result; arguments are already checked.\n */\n#pragma once\n"
            "#include <libvirt/libvirt.h>\n#include <libvirt/virterror.h>\n#include <libvirt/libvirt-qemu.h>\n"
            "#include <libvirt/libvirt-lxc.h>\n#include <libvirt/libvirt-admin.h>\n\n" + ASYNC)
    return {"driver_table.h": text + "\n".join(group_struct(model, g) for g in GROUPS)}
