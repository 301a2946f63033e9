# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each class of device is started for real once: what stands in the definition is asked of QEMU over its monitor. Several
devices share a guest, which needs nothing but firmware. A row has the devices' XML and questions: object, property, value."""
import contextlib
import json
import os
import shutil
import socket
import ssl
import struct
import tempfile
import threading

import pytest

import networked
import support

SHARED = f'libvirt-test-{os.getpid()}'

ROWS = {
    'small': [
        (f"<shmem name='{SHARED}' role='master'><model type='ivshmem-plain'/><size unit='M'>8</size></shmem>",
         [('shmem0', 'type', 'ivshmem-plain'), ('shmem0', 'master', 'on'), ('/objects/shmmem-shmem0', 'size', 8 << 20)]),
        ("<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>",
         [('crypto0', 'type', 'virtio-crypto-pci'), ('/objects/objcrypto0', 'type', 'cryptodev-backend-builtin')]),
        ("<pstore backend='acpi-erst'><path>{folder}/store</path><size unit='KiB'>64</size></pstore>",
         [('pstore0', 'type', 'acpi-erst'), ('/objects/mem-pstore0', 'size', 65536)]),
        ("<controller type='usb' model='qemu-xhci'/><hub type='usb'/><input type='tablet' bus='usb'/>"
         "<input type='mouse' bus='virtio'/><input type='keyboard' bus='virtio'/>",
         [('hub0', 'type', 'usb-hub'), ('input0', 'type', 'usb-tablet'), ('input1', 'type', 'virtio-mouse-pci')]),
        ("<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='0'/></redirdev>"
         "<redirfilter><usbdev class='0x08' vendor='0x1234' product='0xBEEF' version='1.10' allow='yes'/>"
         "<usbdev allow='no'/></redirfilter>",
         [('redir0', 'filter', '0x08:0x1234:0xBEEF:0x0110:1|-1:-1:-1:-1:0')]),
        ("<smartcard mode='passthrough' type='unix'><source mode='bind' path='{folder}/card'/></smartcard>",
         [('smartcard0', 'type', 'ccid-card-passthru'), ('smartcard0', 'chardev', 'charsmartcard0')]),
        ("<watchdog model='i6300esb' action='pause'/>", [('watchdog0', 'type', 'i6300esb')]),
        ("<rng model='virtio-non-transitional'><backend model='builtin'/></rng>",
         [('rng0', 'type', 'virtio-rng-pci-non-transitional'), ('/objects/objrng0', 'type', 'rng-builtin')]),
    ],
    'chardevs': [
        ("<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/><mouse mode='client'/></source>"
         "<target type='virtio' name='com.redhat.spice.0'/></channel>",
         [('channel0', 'chardev', 'charchannel0'), ('/chardevs/charchannel0', 'type', 'chardev-qemu-vdagent')]),
        ("<channel type='pty'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
         [('/chardevs/charchannel1', 'type', 'chardev-pty')]),
        ("<channel type='udp'><source mode='connect' host='127.0.0.1' service='9'/><target type='virtio' name='u'/></channel>",
         [('channel2', 'name', 'u'), ('/chardevs/charchannel2', 'type', 'chardev-udp')]),
        ("<console type='null'><target type='virtio'/></console>", [('console1', 'type', 'virtconsole')]),
        ("<parallel type='null'/>", [('parallel0', 'type', 'isa-parallel')]),
        ("<graphics type='spice'/><channel type='spicevmc'><target type='virtio' name='s'/></channel>"
         "<channel type='spiceport'><source channel='org.x'/><target type='virtio' name='p'/></channel>",
         [('/chardevs/charchannel3', 'type', 'chardev-spicevmc'), ('/chardevs/charchannel4', 'type', 'chardev-spiceport')]),
    ],
    'displays': [
        ("<graphics type='vnc' powerControl='yes' sharePolicy='ignore'><listen type='socket'/></graphics>", []),
        ("<graphics type='spice'><listen type='socket'/><image compression='off'/><mouse mode='client'/>"
         "<clipboard copypaste='no'/></graphics>", []),
        ("<video><model type='qxl' heads='1' vgamem='8192'/></video><video><model type='virtio' heads='2'/><driver packed='on'/></video>",
         [('video0', 'type', 'qxl-vga'), ('video0', 'vgamem_mb', 8), ('video1', 'max_outputs', 2), ('video1', 'packed', True)]),
        ("<audio id='1' type='none'><output mixingEngine='yes' voices='2'><settings frequency='44100' channels='2' format='s16'/>"
         "</output></audio><audio id='2' type='file' path='{folder}/out.wav'/>", []),
        ("<sound model='sb16'/><sound model='es1370'><audio id='2'/></sound><sound model='ac97'/><sound model='pcspk'/>"
         "<sound model='ich6'><codec type='micro'/></sound><sound model='ich9'><codec type='output'/></sound>",
         [('sound0', 'type', 'sb16'), ('sound1', 'audiodev', 'audio2'), ('sound2', 'type', 'AC97'), ('sound4-codec0', 'type', 'hda-micro'),
          ('sound5', 'type', 'ich9-intel-hda'), ('/machine', 'pcspk-audiodev', 'audio1')]),
    ],
    'dbus': [
        ("<graphics type='dbus' p2p='yes'><audio id='1'/></graphics><audio id='1' type='dbus'/>"
         "<video><model type='bochs'><resolution x='800' y='600'/></model></video>",
         [('video0', 'type', 'bochs-display'), ('video0', 'xres', 800)]),
    ],
    'doorbell': [
        ("<shmem name='d'><model type='ivshmem-doorbell'/><server path='{folder}/door'/><msi vectors='3' ioeventfd='off'/></shmem>",
         [('shmem0', 'type', 'ivshmem-doorbell'), ('shmem0', 'vectors', 3), ('shmem0', 'ioeventfd', False)]),
    ],
}


def ask(daemon, name, command, **arguments):
    text = daemon.virsh('qemu-monitor-command', name, json.dumps({'execute': command, 'arguments': arguments}))
    reply = json.loads(text)
    assert 'return' in reply, (command, arguments, reply)
    return reply['return']


def run_row_group(daemon, name, folder, rows):
    devices = ''.join(xml for xml, _ in rows).format(folder=folder)
    xml = support.domain_xml(name, devices=devices)
    if '<controller type=\'usb\'' in devices:
        xml = xml.replace("<controller type='usb' model='none'/>", '')
    daemon.virsh('create', support.written(folder, xml))
    for _, questions in rows:
        for place, what, value in questions:
            path = place if place.startswith('/') else f'/machine/peripheral/{place}'
            assert ask(daemon, name, 'qom-get', path=path, property=what) == value, (place, what)


def serve_shared_memory(listening):
    """The greeting of a server of shared memory: version, the guest's number, and the memory."""
    peer, _ = listening.accept()
    memory = os.memfd_create('door')
    os.truncate(memory, 1 << 20)
    peer.sendall(struct.pack('<qq', 0, 7))
    socket.send_fds(peer, [struct.pack('<q', -1)], [memory])
    os.close(memory)
    return peer


@pytest.mark.parametrize('group', ['small', 'chardevs', 'displays', 'dbus'])
def test_started(daemon, tmp_path, group):
    try:
        run_row_group(daemon, group, tmp_path, ROWS[group])
    finally:
        if os.path.exists(f'/dev/shm/{SHARED}'):
            os.unlink(f'/dev/shm/{SHARED}')


def test_shared_memory_with_a_server(daemon, tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / 'door'))
        listening.listen()
        guests = []
        server = threading.Thread(target=lambda: guests.append(serve_shared_memory(listening)))
        server.start()
        run_row_group(daemon, 'doorbell', tmp_path, ROWS['doorbell'])
        server.join(support.START_SECONDS)
        assert guests
        guests[0].close()


QEMU_NAMES = {'CA/cacert.pem': 'ca-cert.pem', 'libvirt/servercert.pem': 'server-cert.pem', 'libvirt/private/serverkey.pem': 'server-key.pem',
              'libvirt/clientcert.pem': 'client-cert.pem', 'libvirt/private/clientkey.pem': 'client-key.pem'}


@pytest.fixture(scope='module')
def certificates():
    """A folder with certificates as QEMU names them."""
    if not support.have('certtool'):
        pytest.skip('gnutls-bin is not installed')
    with tempfile.TemporaryDirectory(prefix='tls') as folder:
        pki = support.Pki(folder)
        for ours, name in QEMU_NAMES.items():
            shutil.copy(pki.path(ours), os.path.join(folder, name))
        yield folder


def configured(new_daemon, *lines):
    """A running daemon with these lines in its qemu.conf."""
    daemon = new_daemon()
    folder = os.path.join(daemon.root, 'etc/libvirt')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'qemu.conf'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')
    return daemon.start()


def test_tls(new_daemon, tmp_path, certificates):
    daemon = configured(new_daemon, f'chardev_tls_x509_cert_dir = "{certificates}"', 'chardev_tls = 1')
    port = networked.free_port()
    source = f"<source mode='bind' host='127.0.0.1' service='{port}'/>"
    run_row_group(daemon, 'tls', tmp_path, [
        (f"<serial type='tcp'>{source}<target port='1'/></serial>",
         [('/objects/objcharserial1_tls0', 'endpoint', 'server'), ('/objects/objcharserial1_tls0', 'verify-peer', True)])])
    context = ssl.create_default_context(cafile=f'{certificates}/ca-cert.pem')
    with socket.create_connection(('127.0.0.1', port), 10) as plain, contextlib.suppress(ssl.SSLError, ConnectionError):
        with context.wrap_socket(plain, server_hostname='localhost') as unknown:
            assert unknown.recv(1) == b''           # shown out: it has no certificate
    context.load_cert_chain(f'{certificates}/client-cert.pem', f'{certificates}/client-key.pem')
    with socket.create_connection(('127.0.0.1', port), 10) as plain:
        with context.wrap_socket(plain, server_hostname='localhost') as known:
            assert known.version()
            support.wait_for(lambda: 'disconnected' not in next(
                c['filename'] for c in ask(daemon, 'tls', 'query-chardev') if c['label'] == 'charserial1'), what='the connection')


def test_displays_with_tls_and_sasl(new_daemon, tmp_path, certificates):
    daemon = configured(new_daemon, f'vnc_tls_x509_cert_dir = "{certificates}"', f'spice_tls_x509_cert_dir = "{certificates}"',
                        'vnc_tls = 1', 'vnc_tls_x509_verify = 1', 'vnc_sasl = 1', 'spice_tls = 1', 'spice_password = "sesame"')
    run_row_group(daemon, 'safe', tmp_path, [
        ("<graphics type='vnc' autoport='yes' websocket='-1'/><graphics type='spice' autoport='yes'><channel name='main' mode='secure'/>"
         "</graphics>", [('/objects/vnc-tls-creds0', 'verify-peer', True)])])
    [server] = ask(daemon, 'safe', 'query-vnc-servers')      # the second one speaks TLS before VNC: over web sockets
    assert {(one['auth'], one.get('vencrypt')) for one in server['server']} == {('vencrypt', 'x509-sasl'), ('sasl', None)}
    spice = ask(daemon, 'safe', 'query-spice')
    assert spice['auth'] == 'spice' and spice['enabled'] and spice['tls-port'] > 0 and spice['port'] > 0
    xml = daemon.virsh('dumpxml', 'safe')
    assert f"tlsPort='{spice['tls-port']}'" in xml and 'sesame' not in daemon.virsh('dumpxml', 'safe', '--security-info')


def test_displays_on_sockets(new_daemon, tmp_path):
    daemon = configured(new_daemon, 'vnc_auto_unix_socket = 1', 'spice_auto_unix_socket = 1', 'vnc_password = ""')
    run_row_group(daemon, 'sockets', tmp_path, [("<graphics type='vnc'/><graphics type='spice' autoport='yes'/>", [])])
    xml = daemon.virsh('dumpxml', 'sockets')
    for kind in ('vnc', 'spice'):
        [path] = [part.split("'")[0] for part in xml.split("<listen type='socket' socket='")[1:] if part.split("'")[0].endswith(f'/{kind}.sock')]
        with socket.socket(socket.AF_UNIX) as viewer:
            viewer.connect(path)
    assert ask(daemon, 'sockets', 'query-vnc')['auth'] == 'vnc'     # the empty password lets nobody in
    daemon.virsh('destroy', 'sockets')
