#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One call of every public function that works on a connection or an object, as C for every.c. What is left is written by hand in
hand.c, streams.c and admin.c; `report` names what neither calls.

    generate.py API-FOLDER OUTPUT

Arguments come from the type and name of each parameter: handles from the fixture, texts from every.c (`text_for`), results into
fresh variables that are given back as the row's `owns` says.
"""
import os
import sys

ROOM = 16           # items that an array of the caller has room for
BYTES = 4096        # bytes that a buffer has

HANDLES = {'virDomainPtr': 'domain', 'virNetworkPtr': 'network', 'virNetworkPortPtr': 'port',
           'virInterfacePtr': 'interface', 'virStoragePoolPtr': 'pool', 'virStorageVolPtr': 'volume',
           'virNodeDevicePtr': 'device', 'virSecretPtr': 'secret', 'virNWFilterPtr': 'filter',
           'virNWFilterBindingPtr': 'binding', 'virDomainSnapshotPtr': 'snapshot',
           'virDomainCheckpointPtr': 'checkpoint'}
STRUCTS = {'virDomainBlockStatsPtr': 'virDomainBlockStatsStruct', 'virDomainInterfaceStatsPtr':
           'virDomainInterfaceStatsStruct', 'virDomainMemoryStatPtr': 'virDomainMemoryStatStruct',
           'virNodeCPUStatsPtr': 'virNodeCPUStats', 'virNodeMemoryStatsPtr': 'virNodeMemoryStats'}
# Where 0 is no useful value.
NUMBERS = {('virDomainSetMemory', 'memory'): 1024 * 1024, ('virDomainSetMaxMemory', 'memory'): 8 * 1024 * 1024,
           ('virDomainSetMemoryFlags', 'memory'): 1024 * 1024, ('virDomainSetVcpus', 'nvcpus'): 1,
           ('virDomainSetVcpusFlags', 'nvcpus'): 1, ('virDomainLookupByID', 'id'): 1, ('virDomainAddIOThread', 'iothread_id'): 7,
           ('virDomainBlockResize', 'size'): 1024 * 1024, ('virStorageVolResize', 'capacity'): 2 * 1024 * 1024 * 1024,
           ('virNetworkUpdate', 'command'): 3, ('virNetworkUpdate', 'section'): 11,
           ('virDomainSetUserPassword', 'flags'): 0, ('virDomainBlockPeek', 'size'): 512, ('virDomainMemoryPeek', 'size'): 512,
           ('virDomainMemoryPeek', 'flags'): 1, ('virSecretLookupByUsage', 'usageType'): 1,
           ('virDomainPinIOThread', 'iothread_id'): 1, ('virDomainDelIOThread', 'iothread_id'): 1,
           ('virDomainSetIOThreadParams', 'iothread_id'): 1, ('virDomainSendProcessSignal', 'pid_value'): 1, ('virDomainQemuAttach', 'pid_value'): 1,
           ('virDomainFDAssociate', 'nfds'): 1}
SKIPPED = {'virConnectOpen', 'virConnectClose', 'virStreamFree'}     # the fixture calls them each time
# Entries by hand that need nothing but an object.
SIMPLE = {'virDomainGetID', 'virDomainCreateLinux', 'virDomainLxcEnterCGroup', 'virStreamNew'}
COUNT_OF_TEXTS = {'nmountpoints', 'ncpus', 'nkeys'}


def generated(function):
    """Whether the call of a function is made here."""
    return function.name not in SKIPPED and function.driver != 'admin' and (
        function.driver != 'none' or function.block.get('entry').split()[0] != 'hand' or function.name in SIMPLE)


def free_of(ctype):
    """The function that gives a handle, or an allocated struct, back."""
    return 'virConnectClose' if ctype == 'virConnectPtr' else ctype.removesuffix('Ptr') + 'Free'


class Caller:
    """The body of one call."""

    def __init__(self, function):
        self.f, self.declare, self.args, self.before, self.after = function, [], [], [], []
        self.gives_params = any((field.binding or '').startswith('params,') for call in function.calls for field in call.args)
        for ctype, name in function.params:
            self.args.append(self.argument(ctype, name))
        self.kind = (function.block.get('entry') or '').split(' ')[0]
        if self.kind in ('ref', 'free'):    # the object stays as it is
            ctype, handle = function.params[0][0], self.args[0]
            if self.kind == 'ref':
                self.after.append(f'{free_of(ctype)}({handle});')
            else:
                self.before.append(f'{ctype.removesuffix("Ptr")}Ref({handle});')

    def variable(self, declaration, name):
        self.declare.append(declaration)
        return name

    def argument(self, ctype, name):
        f = self.f.name
        if ctype == 'virConnectPtr':
            return 'x->conn'
        if ctype == 'virStreamPtr':
            return 'x->stream'
        if ctype == 'virDomainPtr' and 'Checkpoint' in f:
            return 'x->other'
        if ctype in HANDLES:
            return f'x->{HANDLES[ctype]}'
        if ctype.endswith('Callback') or ctype in ('virConnectCloseFunc', 'virFreeCallback'):
            return 'NULL' if ctype == 'virFreeCallback' else f'({ctype}) ignore'
        if ctype in ('int', 'unsigned int', 'unsigned long', 'unsigned long long', 'long long', 'size_t'):
            return self.number(name)
        if ctype == 'const char *':
            return f'text_for(x, "{f}", "{name}")'
        return self.pointer(ctype, name)

    def number(self, name):
        if (self.f.name, name) in NUMBERS:
            return str(NUMBERS[self.f.name, name])
        types = dict((n, t) for t, n in self.f.params)
        if name in self.f.socket:
            self.declare.append(f'int v_{name}[2];')
            self.before.append(f'if (socketpair(AF_UNIX, SOCK_STREAM, 0, v_{name}) < 0) abort();')
            self.after.append(f'close(v_{name}[0]); close(v_{name}[1]);')
            return f'v_{name}[1]'
        if name == 'callbackID':
            return f'callback_for(x, "{self.f.name}")'
        if name == 'nparams':
            return '1' if self.gives_params else str(ROOM)
        if name in COUNT_OF_TEXTS or name in ('nkeycodes', 'ndoms'):
            return '1'
        if name == 'value_size':
            return '6'
        if name == 'size':
            struct = next((STRUCTS[t] for t in types.values() if t in STRUCTS), None)
            return f'sizeof({struct})' if struct else '512'
        if name == 'maplen':
            return '1' if 'cpumap' in types else '2'
        if name.startswith('max') or name in ('nameslen', 'ncpumaps', 'nr_stats', 'ncounts', 'npages', 'cellCount', 'cellcount'):
            return '1' if name in ('npages', 'cellCount', 'cellcount') else str(ROOM)
        return '1' if name in self.f.positive else '0'

    def pointer(self, ctype, name):
        v = f'v_{name}'
        special = {'const unsigned char *': 'uuid_for(x, "%s")' % self.f.name if name == 'uuid' else '(const void *) "secret"',
                   'const char **': '(const char *[]) { text_for(x, "%s", "%s"), NULL }' % (self.f.name, name),
                   'virDomainPtr *': '(virDomainPtr[]) { x->domain, NULL }',
                   'void *': 'NULL'}
        if ctype == 'void *' and name == 'buffer' or ctype in ('unsigned char *', 'char *'):
            if ctype == 'unsigned char *' and name == 'cpumap':
                return '(unsigned char[]) { 1 }'
            return self.variable(f'unsigned char {v}[{BYTES}] = {{ 0 }};', v if ctype != 'char *' else f'(char *) {v}')
        if ctype in special:
            return special[ctype]
        if ctype in ('char **const', 'char **') and name in ('names', 'uuids'):
            self.after.append(f'free_texts({v}, {ROOM});')
            return self.variable(f'char *{v}[{ROOM}] = {{ NULL }};', v)
        if ctype == 'virTypedParameterPtr':
            if self.gives_params:
                return f'parameter_for(x, "{self.f.name}")'
            self.after.append(f'virTypedParamsClear({v}, {ROOM});')
            return self.variable(f'virTypedParameter {v}[{ROOM}]; memset({v}, 0, sizeof({v}));', v)
        if ctype == 'virTypedParameterPtr *':
            self.after.append(f'virTypedParamsFree({v}, v_nparams);')
            return self.variable(f'virTypedParameterPtr {v} = NULL;', f'&{v}')
        if ctype.endswith('Ptr **'):
            return self.list_of(ctype[:-3].strip(), v)
        if ctype == 'char ***':
            self.after.append(f'free_text_list({v});')
            return self.variable(f'char **{v} = NULL;', f'&{v}')
        if ctype.endswith(' **'):
            self.after.append(f'free({v});')
            return self.variable(f'{ctype[:-1]}{v} = NULL;', f'&{v}')
        if ctype.endswith('Ptr *'):
            self.after.append(f'free({v});')
            return self.variable(f'{ctype[:-2]} {v} = NULL;', f'&{v}')
        if ctype.endswith('Ptr'):
            struct = STRUCTS.get(ctype, ctype[:-3])
            if struct == 'virDomainDiskError':
                self.after.append(f'for (int i = 0; i < {ROOM}; i++)\n        free({v}[i].disk);')
            return self.variable(f'{struct} {v}[{ROOM}]; memset({v}, 0, sizeof({v}));', v)
        return self.scalar_pointer(ctype, name, v)

    def list_of(self, item, v):
        if item == 'virDomainStatsRecordPtr':
            self.after.append(f'virDomainStatsRecordListFree({v});')
        else:
            self.after.append(f'for (int i = 0; {v} && i < (int) ret; i++)\n        {free_of(item)}({v}[i]);')
            self.after.append(f'free({v});')
        return self.variable(f'{item} *{v} = NULL;', f'&{v}')

    def scalar_pointer(self, ctype, name, v):
        base = ctype[:-1].strip()
        if name == 'nparams':
            room = ROOM if ('virTypedParameterPtr', 'params') in self.f.params else 0
            return self.variable(f'{base} {v} = {room};', f'&{v}')
        if name in ('keycodes', 'pages', 'pageSizes'):
            return self.variable(f'{base} {v}[{ROOM}] = {{ 4 }};', v)
        return self.variable(f'{base} {v}[{ROOM}] = {{ 0 }};', v)

    def text(self):
        f = self.f
        head = f'static void call_{f.name}(Fixture *x)\n{{\n' + ''.join(f'    {d}\n' for d in self.declare)
        head += ''.join(f'    {b}\n' for b in self.before)
        call = f'{f.name}({", ".join(self.args)})'
        if f.returns == 'void':
            return head + f'    {call};\n    report(x, true);\n}}\n'
        good = {'int': 'ret >= 0', 'unsigned int': 'ret != (unsigned int) -1', 'unsigned long long': 'ret != 0', 'unsigned long': 'ret != 0'}.get(f.returns, 'ret != NULL')
        if any(field.form == 'optional' and field.binding == 'return' for call in f.calls for field in call.ret):
            good += ' || !virGetLastError()'    # none is an answer
        star = '' if f.returns.endswith('*') else ' '
        free = ''
        if f.owns.startswith('caller-free') and f.returns.endswith('char *'):
            free = '    free((void *) ret);\n'
        if f.owns == 'caller-unref':
            free = f'    if (ret)\n        {free_of(f.returns)}(ret);\n'
        return head + f'    {f.returns}{star}ret = {call};\n    report(x, {good});\n' + \
            ''.join(f'    {a}\n' for a in self.after) + free + '}\n'


def main():
    folder, output = sys.argv[1:]
    sys.path.insert(0, os.path.join(folder, 'gen'))
    import model
    functions = [f for f in model.load(folder).functions if generated(f)]
    out = ['/* Generated by tests/every/generate.py. */', '#include "every.h"', '']
    out += [Caller(f).text() for f in functions]
    out.append('const Call every_calls[] = {')
    out += [f'    {{ "{f.name}", call_{f.name} }},' for f in functions]
    out += ['    { NULL, NULL }', '};', '']
    with open(output, 'w', encoding='utf-8') as f:
        f.write('\n'.join(out))


if __name__ == '__main__':
    main()
