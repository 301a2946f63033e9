# SPDX-License-Identifier: LGPL-2.1-or-later
# runner: timeout 300
"""QEMU runs as a user of its own (qemu.conf: user, group; <seclabel model='dac'>), and files of a guest belong to that user while it runs:
who has which, before, meanwhile and afterwards, also if the daemon is killed, and what is told if a file can't be reached."""
import contextlib
import os
import random
import re
import signal
import stat
import subprocess
import threading

import pytest

import support
from support import domain_xml, wait_for

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='only root can run QEMU as another user'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='compared below')]

libvirt.registerErrorHandler(lambda *_: None, None)

QEMU, OTHER, FIRST = (64055, 64056), (2000, 2001), (1234, 1235)
SETTINGS = [f'user = "+{QEMU[0]}"', f'group = "+{QEMU[1]}"']
NOTES = 'trusted.libvirt.security.'


@pytest.fixture
def folder(tmp_path):
    """A folder that everybody can pass, as those above."""
    for above in (tmp_path, *tmp_path.parents):
        status = os.stat(above)
        if status.st_uid == os.geteuid() and not status.st_mode & stat.S_IXOTH:
            os.chmod(above, status.st_mode | stat.S_IXGRP | stat.S_IXOTH)
    path = tmp_path / 'files'
    path.mkdir()
    return str(path)


@pytest.fixture
def run(new_daemon, folder):   # the folders above are the daemon's, too
    """A function that starts a daemon with these settings: it, and a connection."""
    connections = []

    def make(*settings):
        daemon = new_daemon()
        os.chmod(os.path.dirname(daemon.root), 0o755)
        where = os.path.join(daemon.root, 'etc/libvirt')
        os.makedirs(where, exist_ok=True)
        with open(os.path.join(where, 'qemu.conf'), 'w', encoding='utf-8') as f:
            f.write('\n'.join([line for line in SETTINGS if not any(more.startswith(line.split()[0]) for more in settings)] + list(settings)) + '\n')
        daemon.start()
        connections.append(libvirt.open(daemon.uri))
        return daemon, connections[-1]
    yield make
    for connection in connections:
        with contextlib.suppress(libvirt.libvirtError):
            connection.close()


def made(folder, name, owner=FIRST, mode=0o600):
    path = os.path.join(folder, name)
    with open(path, 'wb') as f:
        f.truncate(1 << 20)
    os.chown(path, *owner)
    os.chmod(path, mode)
    return path


def owner(path):
    status = os.stat(path)
    return status.st_uid, status.st_gid


def notes(path):
    return {name.removeprefix(NOTES): os.getxattr(path, name).decode() for name in os.listxattr(path) if name.startswith(NOTES)}


def notes_work(folder):
    path = made(folder, 'probe')
    try:
        os.setxattr(path, NOTES + 'probe', b'1')
    except OSError:
        return False
    finally:
        os.unlink(path)
    return True


def disk(path, target, more='', label='', device='disk', kind='raw'):
    return (f"<disk type='file' device='{device}'><driver name='qemu' type='{kind}'/><source file='{path}'>{label}</source>"
            f"<target dev='{target}' bus='scsi'/>{more}</disk>")


def label(text='', relabel='yes', model='dac', kind='static'):
    inner = f'<label>{text}</label>' if text else ''
    return f"<seclabel type='{kind}' model='{model}' relabel='{relabel}'>{inner}</seclabel>"


def guest_xml(name, devices, more=''):
    return domain_xml(name, memory=32, devices="<controller type='scsi' model='virtio-scsi'/>" + devices, more=more)


def process_of(daemon, domain):
    with open(os.path.join(daemon.root, f'run/libvirt/qemu/{domain.name()}.pid'), encoding='utf-8') as f:
        return int(f.read())


def credentials(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as f:
        lines = dict(line.split(':', 1) for line in f)
    return [[int(word) for word in lines[name].split()] for name in ('Uid', 'Gid', 'Groups')]


def error(call, *words):
    with pytest.raises(libvirt.libvirtError) as raised:
        call(*words)
    return raised.value


def pids_of(name):
    found = subprocess.run(['pgrep', '-f', f'guest={name},'], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_the_process_and_its_label(run, folder):
    _, conn = run()
    domain = conn.createXML(guest_xml('own', disk(made(folder, 'a.img'), 'sda')), 0)
    [pid] = pids_of('own')
    assert credentials(pid) == [[QEMU[0]] * 4, [QEMU[1]] * 4, [QEMU[1]]]
    text = f'+{QEMU[0]}:+{QEMU[1]}'
    assert re.search(r"<seclabel type='dynamic' model='dac' relabel='yes'>\s*<label>(.*)</label>\s*<imagelabel>(.*)</imagelabel>",
                     domain.XMLDesc()).groups() == (text, text)
    assert domain.securityLabelList() == [['', False], [text, False]]      # of no model, and of dac
    told = re.findall(r'<model>(?:none|dac)</model>|<baselabel.*', conn.getCapabilities())
    assert told == ['<model>none</model>', '<model>dac</model>', *(f"<baselabel type='{kind}'>{text}</baselabel>" for kind in ('kvm', 'qemu'))]
    domain.destroy()
    domain = conn.createXML(guest_xml('static', disk(made(folder, 'b.img'), 'sda'), label('+2000:+2001')), 0)
    [pid] = pids_of('static')
    assert credentials(pid) == [[OTHER[0]] * 4, [OTHER[1]] * 4, [OTHER[1]]]
    assert owner(os.path.join(folder, 'b.img')) == OTHER
    domain.destroy()
    assert owner(os.path.join(folder, 'b.img')) == FIRST


def test_every_kind_of_file(run, folder):
    """Those that belong to the guest do so while it runs, and to whom they did, afterwards."""
    daemon, conn = run()
    base, top = os.path.join(folder, 'base.qcow2'), os.path.join(folder, 'top.qcow2')
    support.run(['qemu-img', 'create', '-q', '-f', 'qcow2', base, '1M'])
    support.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', top])
    for path in (base, top):
        os.chown(path, *FIRST)
    names = {name: made(folder, name) for name in ('plain.img', 'cd.iso', 'shared.img', 'own.img')}
    kept = made(folder, 'kept.img', mode=0o666)
    null, pipe = os.path.join(folder, 'null'), os.path.join(folder, 'pipe')
    os.mknod(null, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    os.mkfifo(pipe, 0o600)
    for path in (null, pipe):
        os.chown(path, *FIRST)
    devices = (disk(top, 'sda', kind='qcow2') + disk(names['plain.img'], 'sdb') + disk(names['cd.iso'], 'sdc', '<readonly/>', device='cdrom') +
               disk(names['shared.img'], 'sdd', '<shareable/>') + disk(kept, 'sde', label="<seclabel model='dac' relabel='no'/>") +
               disk(names['own.img'], 'sdf', label="<seclabel model='dac' relabel='yes'><label>+64055:+5</label></seclabel>") +
               f"<serial type='dev'><source path='{null}'/></serial><serial type='pipe'><source path='{pipe}'/></serial>")
    domain = conn.createXML(guest_xml('kinds', devices), 0)
    for path in (base, top, names['plain.img'], names['cd.iso'], names['shared.img'], null, pipe):
        assert owner(path) == QEMU, path
    assert (owner(kept), owner(names['own.img'])) == (FIRST, (64055, 5))
    if notes_work(folder):
        told = notes(top)
        boot = int(re.search(r'^btime (\d+)', open('/proc/stat', encoding='utf-8').read(), re.M).group(1))
        assert abs(int(told.pop('timestamp_dac')) - boot) < 5
        assert told == {'dac': '+1234:+1235', 'ref_dac': '1'}
        assert notes(kept) == {}
    assert os.path.exists(os.path.join(daemon.root, 'run/libvirt/qemu/kinds.owners'))
    domain.destroy()
    for path in (base, top, kept, null, pipe, *names.values()):
        assert (owner(path), notes(path)) == (FIRST, {}), path
    assert not os.path.exists(os.path.join(daemon.root, 'run/libvirt/qemu/kinds.owners'))


def test_shared_by_guests(run, folder):
    """The last one gives it back; one with another user is refused, and so is nobody harmed by one that fails."""
    _, conn = run()
    image, alone = made(folder, 'shared.img'), made(folder, 'alone.img')
    shared = disk(image, 'sda', '<shareable/>')
    first = conn.createXML(guest_xml('first', shared + disk(alone, 'sdb')), 0)
    second = conn.createXML(guest_xml('second', shared), 0)
    if notes_work(folder):
        assert notes(image)['ref_dac'] == '2'
    said = error(conn.createXML, guest_xml('third', shared, label('+2000:+2001')), 0)
    assert "is used by domain 'first' as user 64055" in str(said)
    said = error(conn.createXML, guest_xml('writer', disk(alone, 'sda')), 0)     # QEMU itself refuses
    assert said.get_error_code() == libvirt.VIR_ERR_RESOURCE_BUSY
    assert (owner(image), owner(alone)) == (QEMU, QEMU)
    first.destroy()
    assert (owner(image), owner(alone), notes(alone)) == (QEMU, FIRST, {})
    second.destroy()
    assert (owner(image), notes(image)) == (FIRST, {})


def test_devices_come_and_go(run, folder):
    _, conn = run()
    new, one, two = made(folder, 'new.img'), made(folder, 'one.iso'), made(folder, 'two.iso')
    drive = "<readonly/><address type='drive' controller='0' bus='0' target='0' unit='3'/>"
    domain = conn.createXML(guest_xml('plug', disk(one, 'sdd', drive, device='cdrom')), libvirt.VIR_DOMAIN_START_PAUSED) # no firmware shuts the tray
    domain.attachDevice(disk(new, 'sdf'))
    assert (owner(new), owner(one)) == (QEMU, QEMU)
    domain.detachDevice(disk(new, 'sdf'))
    wait_for(lambda: owner(new) == FIRST, what='the disk being given back')
    domain.updateDeviceFlags(disk(two, 'sdd', drive, device='cdrom'), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    wait_for(lambda: owner(one) == FIRST, what='the medium being given back')
    assert owner(two) == QEMU
    broken = disk(new, 'sdg', "<address type='drive' controller='0' bus='0' target='0' unit='3'/>")     # where the drive is
    error(domain.attachDevice, broken)
    assert owner(new) == FIRST
    domain.destroy()
    assert (owner(two), notes(two), notes(new)) == (FIRST, {}, {})


def test_settings(run, folder):
    image = made(folder, 'a.img', mode=0o666)
    _, conn = run('dynamic_ownership = 0')
    domain = conn.createXML(guest_xml('static', disk(image, 'sda')), 0)
    assert owner(image) == FIRST
    domain.destroy()
    _, conn = run('remember_owner = 0')
    domain = conn.createXML(guest_xml('forgets', disk(image, 'sda')), 0)
    assert (owner(image), notes(image)) == (QEMU, {})
    domain.destroy()
    assert owner(image) == (0, 0)
    for text, told in (('nobody', "isn't 'USER:GROUP'"), ('no.such.user:+5', "there is no user 'no.such.user'")):
        assert told in str(error(conn.createXML, guest_xml('bad', '', label(text)), 0))
    said = error(conn.createXML, guest_xml('bad', '', label('some', model='selinux')), 0)
    assert said.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED


def test_a_user_that_is_not_there(run):
    _, conn = run('user = "no.such.user"')
    said = str(error(conn.createXML, guest_xml('nobody', ''), 0))
    assert "there is no user 'no.such.user'" in said and 'qemu.conf' in said and 'useradd' in said


def test_a_folder_in_the_way(run, folder):
    """Who can't pass which folder, and the command that mends it, before QEMU is started; no right is widened by itself."""
    _, conn = run()
    private = os.path.join(folder, 'private')
    os.makedirs(os.path.join(private, 'deep'))
    os.chmod(private, 0o700)
    image = made(os.path.join(private, 'deep'), 'a.img')
    xml = guest_xml('blocked', disk(image, 'sda'))
    said = str(error(conn.createXML, xml, 0))
    assert f"disk 'sda': QEMU's user '64055' can't reach '{image}': it can't pass folder '{private}'" in said
    assert f"'setfacl -m u:64055:x {private}'" in said
    assert (owner(image), notes(image), stat.S_IMODE(os.stat(private).st_mode)) == (FIRST, {}, 0o700)
    kept = made(folder, 'kept.img')
    said = str(error(conn.createXML, guest_xml('kept', disk(kept, 'sda', label="<seclabel model='dac' relabel='no'/>")), 0))
    assert f"'setfacl -m u:64055:rw {kept}' lets it" in said
    os.chmod(private, 0o711)
    conn.createXML(xml, 0).destroy()
    assert owner(image) == FIRST


def test_given_back_by_the_next_daemon(run, folder):
    """Of a guest that ended while no daemon ran, and of one that goes on."""
    daemon, conn = run()
    paths = [made(folder, name) for name in ('a.img', 'b.img', 'c.img')]
    conn.createXML(guest_xml('ends', disk(paths[0], 'sda') + disk(paths[2], 'sdb', '<shareable/>')), 0)
    conn.createXML(guest_xml('stays', disk(paths[1], 'sda') + disk(paths[2], 'sdb', '<shareable/>')), 0)
    daemon.kill()
    [pid] = pids_of('ends')
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not pids_of('ends'), what='the end of the guest')
    daemon.start()
    wait_for(lambda: owner(paths[0]) == FIRST, what='the disk being given back')
    with contextlib.closing(libvirt.open(daemon.uri)) as again:
        assert (owner(paths[1]), owner(paths[2])) == (QEMU, QEMU)
        domain = again.lookupByName('stays')
        assert f'<label>+{QEMU[0]}:+{QEMU[1]}</label>' in domain.XMLDesc()
        domain.destroy()
    assert [(owner(path), notes(path)) for path in paths] == [(FIRST, {})] * 3


def test_killed_at_any_moment(run, folder):
    """Whatever the daemon was doing: in the end each file is as it was before, without a note."""
    daemon, conn = run()
    rounds, dice = int(os.environ.get('LIBVIRT_TEST_OWNER_KILLS', 6)), random.Random(int(os.environ.get('LIBVIRT_TEST_SEED', 1)))
    names = ('one', 'two')
    paths = [made(folder, f'{name}.img') for name in (*names, 'shared', 'plugged')]

    def busy(uri, stop):
        with contextlib.suppress(libvirt.libvirtError), contextlib.closing(libvirt.open(uri)) as mine:
            while not stop.is_set():
                for name in names:
                    domain = mine.createXML(guest_xml(name, disk(os.path.join(folder, f'{name}.img'), 'sda') +
                                                      disk(paths[2], 'sdb', '<shareable/>')), libvirt.VIR_DOMAIN_START_PAUSED)
                    if name == 'two':
                        domain.attachDevice(disk(paths[3], 'sdf'))
                        domain.detachDevice(disk(paths[3], 'sdf'))
                for name in names:
                    mine.lookupByName(name).destroy()

    def settled():
        conn = libvirt.open(daemon.uri)
        with contextlib.closing(conn):
            for domain in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
                with contextlib.suppress(libvirt.libvirtError):
                    domain.destroy()
            return not conn.listAllDomains() and all((owner(path), notes(path)) == (FIRST, {}) for path in paths)
    conn.close()
    for _ in range(rounds):
        stop = threading.Event()
        worker = threading.Thread(target=busy, args=(daemon.uri, stop))
        worker.start()
        stop.wait(dice.uniform(0.02, 2.0))      # the moment itself
        daemon.kill()
        stop.set()
        worker.join()
        daemon.start()
        wait_for(settled, 30, 'all files being given back')
    assert not [name for name in os.listdir(os.path.join(daemon.root, 'run/libvirt/qemu')) if name.endswith('.owners')]


# ---- beside the reference ----

def story(conn, folder):
    """What becomes of files: [(when, {name: owner})]."""
    told = []
    base, top = os.path.join(folder, 'base.qcow2'), os.path.join(folder, 'top.qcow2')
    support.run(['qemu-img', 'create', '-q', '-f', 'qcow2', base, '1M'])
    support.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', top])
    for path in (base, top):
        os.chown(path, *FIRST)
    plain, new, iso, shared = [made(folder, name) for name in ('plain.img', 'new.img', 'cd.iso', 'shared.img')]
    kept = made(folder, 'kept.img', mode=0o666)
    null = os.path.join(folder, 'null')
    os.mknod(null, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    os.chown(null, *FIRST)

    def tell(when):
        told.append((when, {name: (owner(os.path.join(folder, name)), notes(os.path.join(folder, name)).get('dac'))
                            for name in sorted(os.listdir(folder))}))
    tell('before')
    domain = conn.createXML(guest_xml('same', disk(top, 'sda', kind='qcow2') + disk(plain, 'sdb') +
                                      disk(iso, 'sdc', '<readonly/>', device='cdrom') + disk(shared, 'sdd', '<shareable/>') +
                                      disk(kept, 'sde', label="<seclabel model='dac' relabel='no'/>") +
                                      f"<serial type='dev'><source path='{null}'/></serial>"), 0)
    tell('runs')
    labels = re.findall(r'<(?:image)?label>.*|<seclabel.*', domain.XMLDesc())
    domain.attachDevice(disk(new, 'sdf'))
    tell('attached')
    domain.detachDevice(disk(new, 'sdf'))
    wait_for(lambda: owner(new) == FIRST, what='the disk being given back')
    tell('detached')
    domain.destroy()
    tell('after')
    return told, labels


# What the reference never gives back: it notes no owner of what is only read or may be shared.
NOT_NOTED = ('base.qcow2', 'cd.iso', 'shared.img')


def test_as_the_reference(run, folder, tmp_path):
    if not support.reference_root():
        pytest.skip('LIBVIRT_REFERENCE does not name a reference root')
    _, conn = run()
    os.mkdir(f'{folder}/ours')
    os.mkdir(f'{folder}/theirs')
    ours, our_labels = story(conn, f'{folder}/ours')
    other = support.ReferenceDaemon(str(tmp_path / 'r'), binds=[folder], qemu_config=SETTINGS)
    other.start()
    try:
        with contextlib.closing(libvirt.open(other.uri)) as connection:
            theirs, their_labels = story(connection, f'{folder}/theirs')
    finally:
        other.clean()
    assert our_labels == their_labels
    for (when, mine), (_, others) in zip(ours, theirs):
        for name, (who, note) in others.items():
            if name in NOT_NOTED:
                assert mine[name][0] == (FIRST if when == 'after' else who), (when, name)
            else:
                assert mine[name] == (who, note), (when, name)


@pytest.mark.parametrize('line', ['done {0} {1} {2} {3} 0 1 {4}', 'done +{0}:+{1} +{2}:+{3} 0 1 {4}'])
def test_lists_of_former_daemons(new_daemon, folder, line):
    """Of a guest that is gone, also as they were written before they had words."""
    daemon = new_daemon()
    path = made(folder, 'left.img', owner=QEMU)
    state = os.path.join(daemon.root, 'run/libvirt/qemu')
    os.makedirs(state)
    with open(os.path.join(state, 'gone.owners'), 'w', encoding='utf-8') as f:
        f.write(line.format(*QEMU, *FIRST, path) + '\n')
    daemon.start()
    wait_for(lambda: owner(path) == FIRST)
    wait_for(lambda: not os.path.exists(os.path.join(state, 'gone.owners')))
