# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Python programs share: printing what a call gives, and the record of the functions of libvirt.py that were called."""
import inspect
import os
import sys

import libvirt

URI = sys.argv[1]
FILES = os.environ['BINDINGS_FILES']      # a folder that the daemon sees under the same name
DOMAIN = '''<domain type='test'><name>{0}</name><uuid>{1}</uuid><memory unit='MiB'>64</memory>
<currentMemory unit='MiB'>32</currentMemory><vcpu current='1'>2</vcpu><os><type arch='i686'>hvm</type></os>
<devices><disk type='file' device='disk'><source file='/guest/one'/><target dev='vda' bus='virtio'/></disk>
<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/><target dev='net0'/></interface>
</devices></domain>'''
ONE = '11111111-1111-4111-8111-111111111111'
TWO = '22222222-2222-4222-8222-222222222222'
NETWORK = ("<network><name>{0}</name><uuid>{1}</uuid><forward mode='nat'/><bridge name='virbr7'/>"
           "<ip address='192.168.77.1' netmask='255.255.255.0'/></network>")
POOL = "<pool type='dir'><name>{0}</name><uuid>{1}</uuid><target><path>/pool-{0}</path></target></pool>"
VOLUME = "<volume><name>{0}</name><capacity unit='bytes'>{1}</capacity><target><format type='raw'/></target></volume>"


def canonical(value):
    """Text that is the same in each run."""
    if isinstance(value, dict):
        return '{' + ', '.join(f'{k}={canonical(value[k])}' for k in sorted(value)) + '}'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(canonical(v) for v in value) + ']'
    if isinstance(value, bytes):
        return f'{len(value)} bytes'
    return value.name() if hasattr(value, 'name') else value.getName() if hasattr(value, 'getName') else repr(value)


def show(name, call, *arguments):
    """Print what a call gives, which is returned as well; None after an error."""
    try:
        value = call(*arguments)
    except libvirt.libvirtError as e:
        print(f'{name}: error {e.get_error_code()} domain {e.get_error_domain()} level {e.get_error_level()}')
        return None
    except (LookupError, TypeError, AttributeError) as e:     # the binding's own, or None from a failed step
        print(f'{name}: {type(e).__name__}')
        return None
    print(f'{name}: {canonical(value)}')
    return value


def document(name, call, *without):
    """Print an XML document line by line, but no line that contains one of the words."""
    try:
        for line in call().split('\n'):
            if not any(word in line for word in without):
                print(f'{name}| {line}')
    except libvirt.libvirtError as e:
        print(f'{name}: error {e.get_error_code()} domain {e.get_error_domain()}')


def names(objects):
    return sorted(canonical(o) for o in objects)


def section(function):
    """A part that ends early prints why, and the rest goes on."""
    print(f'== {function.__name__}')
    conn = libvirt.open(URI)
    try:
        function(conn)
    except libvirt.libvirtError as e:
        print(f'{function.__name__} ended: error {e.get_error_code()} domain {e.get_error_domain()}')
    except AttributeError:      # of a None that a step before gave
        print(f'{function.__name__} ended')
    finally:
        conn.close()
    return function


called = set()


def watch(frame, event, _):
    if event == 'call' and frame.f_code.co_filename == libvirt.__file__:
        called.add(frame.f_code.co_qualname)


def offered():
    """Functions, and methods as CLASS.NAME, that the module defines itself."""
    places = [libvirt] + [c for c in vars(libvirt).values() if inspect.isclass(c) and c.__module__ == libvirt.__name__]
    for place in places:
        for name, value in vars(place).items():
            if inspect.isfunction(value) and value.__code__.co_filename == libvirt.__file__ and not name.startswith('_'):
                yield value.__qualname__


def record():
    """Add to the record; a program of several processes does it in each."""
    with open(os.path.join(os.environ['BINDINGS_FILES'], 'calls'), 'a', encoding='utf-8') as f:
        f.writelines(f'{"+" if name in called else "-"} {name}\n' for name in offered())


sys.setprofile(watch)
