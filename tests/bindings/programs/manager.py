#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-manager: manager.py URI opens its windows by its options, works them by what assistive programs see, and prints what is
to be read in them and in its log."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from screen import WAIT_SECONDS, Late, Screen, find, lines, plain, wait  # noqa: E402

URI = sys.argv[1]
LOG = os.path.join(os.environ['BINDINGS_FILES'], 'log')


def log():
    with open(LOG, encoding='utf-8', errors='replace') as f:
        return f.read()


def option(screen, section, *words, title):
    """A second start with options: the running program does it."""
    print(f'== {section}', flush=True)
    subprocess.run(['virt-manager', '--connect', URI, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   timeout=WAIT_SECONDS, check=True)
    return screen.window(title)


def show(screen, thing):
    print('\n'.join(screen.steady(thing)), flush=True)


def domain_windows(screen):
    print('== console')
    window = screen.window('test on .*')
    show(screen, window)
    option(screen, 'editor', '--show-domain-editor', 'test', title='test on .*')
    wait(lambda: find(window, 'table cell', 'Memory'), 'the list of devices')
    show(screen, window)
    for item, page in (('OS information', 'os'), ('Performance', 'performance'), ('CPUs', 'cpu'), ('Memory', 'memory'),
                       ('Boot Options', 'boot'), ('NIC.*', 'network'), ('.*Disk 1', 'disk')):
        print(f'== editor {page}')
        screen.click(find(window, 'table cell', item))
        wait(lambda p=page: find(window, '(filler|panel)', p + '-tab'), f'the page {page}')
        show(screen, find(window, 'page tab', 'Details'))
    option(screen, 'performance', '--show-domain-performance', 'test', title='test on .*')
    wait(lambda: find(window, 'filler', 'performance-tab'), 'the page of performance')
    return window


def life(screen, window):
    """Each step is seen in the list of domains, which hears of it by an event."""
    main = option(screen, 'list', title='Virtual Machine Manager')
    show(screen, main)
    for role, button, state in (('toggle button', 'Pause', 'Paused'), ('toggle button', 'Pause', 'Running'),
                                ('push button', 'Shut Down', 'Shutoff'), ('push button', 'Run', 'Running')):
        screen.press(window, role, button)
        wait(lambda s=state: any(s in line for line in lines(main)), f'{state} behind {button}')
        print(f'{button}: {state}')


def host(screen):
    window = option(screen, 'host', '--show-host-summary', title='.*Connection Details')
    show(screen, window)
    for page, row in (('Virtual Networks', 'default'), ('Storage', 'default-pool')):
        print(f'== host {page}')
        screen.click(find(window, 'page tab', page))
        screen.click(wait(lambda r=row: find(window, 'table cell', f'{r}(\n.*)?'), f'the row {row}'))
        wait(lambda r=row: f'text: {r}' in lines(window), f'the page of {row}')
        show(screen, window)


def work(screen):
    window = domain_windows(screen)
    life(screen, window)
    host(screen)
    show(screen, option(screen, 'creator', '--show-domain-creator', title='New VM'))
    show(screen, option(screen, 'delete', '--show-domain-delete', 'test', title='Delete Virtual Machine'))


def log_lines():
    print('== log')
    messages = re.findall(r'^\[[^\]]*\] +(\w+) +\((\w+):\d+\) (.*)', log(), re.M)
    # The program makes a pool at its start, and sees it before or behind its own start and refresh.
    found = {plain(f'{level} {module}: {message}') for level, module, message in messages}
    for line in sorted(line for line in found if not re.search('(refresh event: pool=default$|pool=default (status=|requested))', line)):
        print(line)
    print('tracebacks:', log().count('Traceback'))


with Screen() as the_screen, open(LOG, 'w', encoding='utf-8') as output:
    the_screen.start('virt-manager', '--connect', URI, '--no-fork', '--debug', '--show-domain-console', 'test', stdout=output,
                     stderr=output)
    try:
        work(the_screen)
    except Late as late:
        for one in the_screen.windows():
            print('\n'.join(lines(one)))
        sys.exit(f'{late} did not come\n{log()[-3000:]}')
log_lines()
