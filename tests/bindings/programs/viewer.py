#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-viewer: viewer.py URI prints what its window and its log say; over the daemon it shows the display of a guest of QEMU, by a
socket of QEMU's and by one that the daemon joins, and sees the guest come and go."""
import json
import os
import re
import sys

import libvirt
import libvirt_qemu

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from screen import Late, Screen, lines, plain, wait  # noqa: E402

URI = sys.argv[1]
FILES = os.environ['BINDINGS_FILES']
LOG = f'{FILES}/log'
DOMAIN = f"""<domain type='qemu'><name>one</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os>
<devices><graphics type='vnc' socket='{FILES}/vnc'/><video><model type='vga'/></video></devices></domain>"""
# What the log says of the library and the display; the events of the end come too late for it, or not.
TOLD = re.compile('Opening|Guest|Set connect|Error|After open|initial connect|Insert display|Initial desktop|Display name|'
                  'Disconnect|Cannot|Got domain event [24]|.*[Ff]ailed')

# How the display's connection ends when its guest is killed is up to chance.
END = re.compile('Error: (Unable to read|Server closed|Failed to flush)')


def log():
    with open(LOG, encoding='utf-8', errors='replace') as f:
        return f.read()


def told():
    """The daemon's events come beside what the display tells."""
    found = [re.sub(r'fd=\d+|size \d+x\d+', 'N', plain(line)) for line in re.findall(r'DEBUG: [\d:.]+: (?:\S*\.c )?(.*)', log())
             if TOLD.match(line) and not END.match(line)]
    for line in sorted(found, key=lambda line: line.startswith('Got domain event')):
        print('log:', line)
    print('memory errors:', log().count('ERROR: AddressSanitizer'))


class Viewer:
    """A context: the program runs in it with these options."""

    def __init__(self, screen, section, *words):
        print(f'== {section}', flush=True)
        self.screen, self.words = screen, words

    def __enter__(self):
        # Its display has stacks of its own, of which the sanitizer warns: what that finds is looked for in the log.
        environment = dict(os.environ, ASAN_OPTIONS=re.sub('log_path=[^:]*:?', '', os.environ.get('ASAN_OPTIONS', '')))
        with open(LOG, 'w', encoding='utf-8') as output:
            self.process = self.screen.start('virt-viewer', '--debug', '--gtk-vnc-debug', *self.words, stdout=output, stderr=output,
                                             env=environment)
        return self

    def says(self, text):
        wait(lambda: text in log(), text)

    def shows(self, text):
        """A window or a dialog with this text, which is printed."""
        window = wait(lambda: next((w for w in self.screen.windows() if re.search(text, '\n'.join(lines(w)))), None), text)
        print('\n'.join(self.screen.steady(window)))

    def __exit__(self, *_):
        told()
        self.process.terminate()
        self.process.wait()
        wait(lambda: not self.screen.windows(), 'the end of its windows')


def clients(dom):
    reply = json.loads(libvirt_qemu.qemuMonitorCommand(dom, '{"execute":"query-vnc"}', 0))
    return len(reply['return']['clients'])


def without_display(screen):
    for section, words in (('nobody', ('-c', URI, 'nobody')), ('no display', ('-c', URI, 'test')),
                           ('nonsense', ('-c', 'nonsense:///', 'test')), ('waiting', ('-c', URI, '--wait', 'nobody'))):
        with Viewer(screen, section, *words) as viewer:
            viewer.shows('.')


def with_display(screen):
    conn = libvirt.open('qemu:///system')
    os.chmod(FILES, 0o755)
    for section, words in (('socket', ()), ('joined', ('--attach',))):
        dom = conn.createXML(DOMAIN)
        with Viewer(screen, section, '-c', 'qemu:///system', *words, 'one') as viewer:
            viewer.says("Display name 'QEMU (one)'")
            wait(lambda d=dom: clients(d) == 1, 'the client')
            print('clients of the display:', clients(dom))
            viewer.shows('one')
            dom.destroy()
            wait(lambda v=viewer: v.process.poll() is not None or 'shut down' in log(), 'the end of the guest')
    # That it waits for the next start as well is not tried: its own timer then uses a display that it has freed.
    with Viewer(screen, 'comes', '-c', 'qemu:///system', '--wait', 'one') as viewer:
        viewer.shows('[Ww]aiting')
        dom = conn.createXML(DOMAIN)
        viewer.says("Display name 'QEMU (one)'")
        dom.destroy()
        wait(lambda: viewer.process.poll() is not None or 'shutting down' in log(), 'the end of the guest')
    conn.close()


libvirt.registerErrorHandler(lambda *_: None, None)
with Screen() as the_screen:
    try:
        without_display(the_screen)
        if not URI.startswith('test:///'):
            with_display(the_screen)
    except Late as late:
        for one in the_screen.windows():
            print('\n'.join(lines(one)))
        sys.exit(f'{late} did not come\n{log()[-4000:]}')
