# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each class of device is started for real once: what stands in the definition is asked of QEMU over its monitor. Several
devices share a guest, which needs nothing but firmware. A row has the devices' XML and questions: object, property, value."""
import contextlib
import glob
import http.server
import json
import os
import shutil
import socket
import ssl
import struct
import tempfile
import threading
import xml.etree.ElementTree as ElementTree

import pytest

import networked
import support
from support import ask, configured, wait_for

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
        ("<controller type='pci' index='0' model='pci-root'><pcihole64 unit='GiB'>1</pcihole64></controller>", []),
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
    'folders': [
        ("<filesystem type='mount' accessmode='mapped' fmode='755' dmode='644' multidevs='remap'><source dir='{folder}'/>"
         "<target dir='mine'/></filesystem>"
         "<filesystem type='mount' model='virtio-non-transitional'><driver wrpolicy='immediate'/><source dir='/'/><target dir='root'/>"
         "<readonly/></filesystem>",
         [('fs0', 'type', 'virtio-9p-pci'), ('fs0', 'mount_tag', 'mine'), ('fs1', 'type', 'virtio-9p-pci-non-transitional')]),
    ],
    'networks': [
        ("<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><ip family='ipv4' address='10.9.8.0' prefix='24'/>"
         "<driver rx_queue_size='512' packed='on'><host csum='off'/><guest tso4='off'/></driver><mtu size='1400'/></interface>",
         [('net0', 'rx_queue_size', 512), ('net0', 'csum', False), ('net0', 'guest_tso4', False), ('net0', 'host_mtu', 1400)]),
        ("<interface type='udp'><mac address='52:54:00:00:00:02'/><source address='127.0.0.1' port='9'><local address='127.0.0.1' port='0'/>"
         "</source><model type='e1000'/><rom enabled='no'/></interface>", [('net1', 'type', 'e1000'), ('net1', 'romfile', '')]),
        ("<interface type='server'><mac address='52:54:00:00:00:03'/><source address='127.0.0.1' port='{port}'/><model type='rtl8139'/></interface>",
         [('net2', 'type', 'rtl8139')]),
    ],
    'doorbell': [
        ("<shmem name='d'><model type='ivshmem-doorbell'/><server path='{folder}/door'/><msi vectors='3' ioeventfd='off'/></shmem>",
         [('shmem0', 'type', 'ivshmem-doorbell'), ('shmem0', 'vectors', 3), ('shmem0', 'ioeventfd', False)]),
    ],
}


def run_row_group(daemon, name, folder, rows):
    devices = ''.join(xml for xml, _ in rows).format(folder=folder, port=networked.free_port())
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


@pytest.mark.parametrize('group', ['small', 'chardevs', 'displays', 'dbus', 'folders', 'networks'])
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
    daemon.virsh('domdisplay-reload', 'safe')
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


def image(folder, name, *options, size='1M'):
    path = f'{folder}/{name}'
    support.run(['qemu-img', 'create', '-q', *options, path, size])
    return path


class Web(http.server.BaseHTTPRequestHandler):
    """One image for those who have the cookie."""

    protocol_version = 'HTTP/1.1'
    content = bytes(range(256)) * 4096

    def do_HEAD(self):      # pylint: disable=invalid-name
        self.answer(False)

    def do_GET(self):       # pylint: disable=invalid-name
        self.answer(True)

    def answer(self, body):
        if self.headers.get('Cookie') != 'door=open; n="1"' or self.path != '/a%20b?c=d':
            self.send_error(403)
            return
        first, last = 0, len(self.content) - 1
        if self.headers.get('Range'):
            first, last = (int(n) for n in self.headers['Range'].removeprefix('bytes=').split('-'))
            last = min(last, len(self.content) - 1)
        part = self.content[first:last + 1]
        self.send_response(206 if self.headers.get('Range') else 200)
        self.send_header('Accept-Ranges', 'bytes')
        self.send_header('Content-Range', f'bytes {first}-{last}/{len(self.content)}')
        self.send_header('Content-Length', str(len(part)))
        self.end_headers()
        if body:
            self.wfile.write(part)

    def log_message(self, format, *args):       # pylint: disable=redefined-builtin
        pass


@pytest.fixture
def web():
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Web) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def nodes(daemon, name):
    return {node['node-name']: node for node in ask(daemon, name, 'query-named-block-nodes')}


def test_network_disks(new_daemon, tmp_path, certificates):
    daemon = configured(new_daemon, f'nbd_tls_x509_cert_dir = "{certificates}"')
    raw, door, secure = image(tmp_path, 'raw'), f'{tmp_path}/nbd', networked.free_port()
    pid = f'{tmp_path}/pid'
    with support.serving('qemu-nbd', '-t', '-e', '2', '-x', 'e x', '-f', 'raw', '-k', door, '--shared', '9', raw, socket_path=door), \
            support.serving('qemu-nbd', '-t', '-x', 'safe', '-f', 'raw', '-b', '127.0.0.1', '-p', str(secure), '--pid-file', pid, '--object',
                    f'tls-creds-x509,id=t,dir={certificates},endpoint=server', '--tls-creds', 't', image(tmp_path, 'safe'), socket_path=pid):
        run_row_group(daemon, 'network', tmp_path, [
            (f"<disk type='network'><source protocol='nbd' name='e x'><host transport='unix' socket='{door}'/></source>"
             "<target dev='vda' bus='virtio'/></disk>", [('virtio-disk0', 'drive', 'libvirt-2-format')]),
            (f"<disk type='network'><source protocol='nbd' name='safe' tls='yes' tlsHostname='localhost'><host name='127.0.0.1' "
             f"port='{secure}'/></source><target dev='vdb' bus='virtio'/></disk>",
             [('/objects/objlibvirt-1-storage_tls0', 'endpoint', 'client')])])
        sizes = {name: node['image']['virtual-size'] for name, node in nodes(daemon, 'network').items()}
        assert sizes['libvirt-2-format'] == sizes['libvirt-1-format'] == 1 << 20
        daemon.virsh('destroy', 'network')


@pytest.mark.skipif(not glob.glob('/usr/lib/*/qemu/block-curl.so'), reason='qemu-block-extra is not installed')
def test_disk_on_the_web(daemon, tmp_path, web):
    run_row_group(daemon, 'web', tmp_path, [
        (f"<disk type='network' device='cdrom'><source protocol='http' name='a b' query='c=d'><host name='127.0.0.1' port='{web}'/>"
         "<cookies><cookie name='door'>open</cookie><cookie name='n'>\"1\"</cookie></cookies></source>"
         "<target dev='sda' bus='sata'/></disk>", [])])
    assert nodes(daemon, 'web')['libvirt-1-format']['image']['virtual-size'] == len(Web.content)
    with open(f'{daemon.root}/var/log/libvirt/qemu/web.log', encoding='utf-8') as log:
        assert 'door=open' not in log.read()
    daemon.virsh('destroy', 'web')


def test_local_disks(daemon, tmp_path):
    raw, base = image(tmp_path, 'raw'), image(tmp_path, 'base')
    top = image(tmp_path, 'top', '-f', 'qcow2', '-b', base, '-F', 'raw')
    os.mkdir(tmp_path / 'folder')
    xml = ''.join((
        f"<disk type='file'><source file='{raw}'><slices><slice type='storage' offset='4096' size='8192'/></slices></source>"
        "<target dev='vda' bus='virtio'/></disk>",
        f"<disk type='file'><driver type='qcow2' copy_on_read='on' discard='unmap' cache='none' io='native'><metadata_cache>"
        f"<max_size unit='KiB'>512</max_size></metadata_cache></driver><source file='{top}'/><backingStore type='file'><format type='raw'/>"
        f"<source file='{base}'/><backingStore/></backingStore><target dev='vdb' bus='virtio'/></disk>",
        f"<disk type='dir'><driver type='fat'/><source dir='{tmp_path}/folder'/><target dev='vdc' bus='virtio'/><readonly/></disk>",
        f"<disk type='file'><driver queues='2' queue_size='256' packed='on' ioeventfd='on'/><source file='{image(tmp_path, 'd')}'/>"
        "<target dev='vdd' bus='virtio'/><iotune><total_iops_sec>7</total_iops_sec><group_name>g1</group_name></iotune></disk>",
        f"<disk type='file'><source file='{image(tmp_path, 'e')}'/><target dev='sda' bus='scsi' rotation_rate='7200'/><vendor>V</vendor>"
        "<wwn>5000c50015ea71aa</wwn></disk><controller type='scsi' model='virtio-scsi'><driver ioeventfd='on' queues='2'/></controller>",
        f"<disk type='file' device='cdrom' model='usb-bot'><source file='{image(tmp_path, 'f')}'/><target dev='sdb' bus='usb'/></disk>"
        "<controller type='usb' model='qemu-xhci'/>"))
    run_row_group(daemon, 'local', tmp_path, [
        (xml, [('virtio-disk1', 'drive', 'libvirt-CoR-vdb'), ('virtio-disk3', 'packed', True), ('scsi0-0-0-0', 'rotation_rate', 7200),
               ('usb-disk1', 'type', 'scsi-cd'), ('usb-disk1-bot', 'type', 'usb-bot'), ('scsi0', 'num_queues', 2)])])
    found = nodes(daemon, 'local')
    assert found['libvirt-CoR-vdb']['drv'] == 'copy-on-read'
    assert any(n['file'] == top and n['drv'] == 'qcow2' and n['cache']['direct'] for n in found.values())
    assert any(n['drv'] == 'raw' and n['image']['virtual-size'] == 8192 for n in found.values())
    assert any(n['drv'] == 'vvfat' for n in found.values())
    [limited] = [b['inserted'] for b in ask(daemon, 'local', 'query-block') if b.get('inserted', {}).get('group') == 'g1']
    assert limited['iops'] == 7


def test_transient_disks(daemon, tmp_path):
    path = image(tmp_path, 'disk')
    xml = support.domain_xml('passing', devices=f"<disk type='file'><source file='{path}'/><target dev='vda' bus='virtio'/><transient/></disk>")
    daemon.virsh('create', support.written(tmp_path, xml))
    overlay = f'{path}.TRANSIENT-passing'
    found = nodes(daemon, 'passing')
    assert found['libvirt-1-format']['file'] == overlay and found['libvirt-2-format']['ro'] and os.path.exists(overlay)
    daemon.kill()
    daemon.start()
    refused = support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'save', 'passing', f'{tmp_path}/state'], check=False)
    assert refused.returncode and 'transient disk' in refused.stderr
    daemon.virsh('destroy', 'passing')
    support.wait_for(lambda: not os.path.exists(overlay), what='the overlay being gone')
    with open(overlay, 'w', encoding='utf-8') as other:
        other.write('of somebody else')
    refused = support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'create', support.written(tmp_path, xml)], check=False)
    assert refused.returncode and 'exists already' in refused.stderr
    with open(overlay, encoding='utf-8') as other:
        assert other.read() == 'of somebody else'


def test_transient_disks_of_several_guests(daemon, tmp_path):
    """Each writes to a file of its own, over one image."""
    path = image(tmp_path, 'disk')
    for name, share in (('first', " shareBacking='yes'"), ('second', " shareBacking='yes'"), ('third', '')):
        device = f"<disk type='file'><source file='{path}'/><target dev='vda' bus='virtio'/><transient{share}/></disk>"
        daemon.virsh('create', support.written(tmp_path, support.domain_xml(name, memory=32, devices=device)))
    for name in ('first', 'second', 'third'):
        assert nodes(daemon, name)['libvirt-1-format']['file'] == f'{path}.TRANSIENT-{name}'
        daemon.virsh('destroy', name)
    support.wait_for(lambda: os.listdir(tmp_path) and not [n for n in os.listdir(tmp_path) if 'TRANSIENT' in n], what='the overlays being gone')


SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def test_disk_of_a_process(daemon, tmp_path):
    door, path = f'{tmp_path}/door', image(tmp_path, 'disk')
    with support.serving('qemu-storage-daemon', '--blockdev', f'driver=file,node-name=f,filename={path}', '--export',
                 f'type=vhost-user-blk,id=e,node-name=f,writable=on,addr.type=unix,addr.path={door}', socket_path=door):
        xml = support.domain_xml('served', devices=f"<disk type='vhostuser'><source type='unix' path='{door}'/>"
                                 "<target dev='vda' bus='virtio'/></disk>").replace('<features>', f'{SHARED_MEMORY}<features>')
        daemon.virsh('create', support.written(tmp_path, xml))
        assert ask(daemon, 'served', 'qom-get', path='/machine/peripheral/virtio-disk0', property='type') == 'vhost-user-blk-pci'
        daemon.virsh('destroy', 'served')


def test_missing_devices_of_the_host(daemon, tmp_path):
    """What the host lacks: refused, or left out where the definition allows it."""
    usb = "<hostdev mode='subsystem' type='usb'><source%s><vendor id='0xdead'/><product id='0xbeef'/></source></hostdev>"
    pci = ("<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0xfffe' bus='0' slot='0' function='0'/></source>"
           "</hostdev>")
    controller = "<controller type='usb' model='qemu-xhci'/>"

    def create(devices):
        xml = support.domain_xml('lone', devices=controller + devices).replace("<controller type='usb' model='none'/>", '')
        return support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'create', support.written(tmp_path, xml)], check=False)
    assert 'dead:beef' in create(usb % '').stderr
    assert 'fffe:00:00.0' in create(pci).stderr
    assert create(usb % " startupPolicy='optional'").returncode == 0
    assert '<hostdev' not in daemon.virsh('dumpxml', 'lone')


def test_ports_forwarded_by_qemu(daemon, tmp_path):
    first, second = networked.free_port(), networked.free_port()
    xml = support.domain_xml('forward', devices=(
        f"<interface type='user'><model type='virtio'/><portForward proto='tcp' address='127.0.0.1'><range start='{first}' to='22'/>"
        f"<range start='{second}'/></portForward></interface>"))
    daemon.virsh('create', support.written(tmp_path, xml))
    for port in (first, second):
        socket.create_connection(('127.0.0.1', port), 10).close()


def test_scripts_of_interfaces(daemon, tmp_path):
    """Run when the device is there, and when the guest is gone."""
    said = tmp_path / 'said'
    for name in ('up', 'down'):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\ngrep -q "$1:" /proc/net/dev && set -- $1 there\necho {name} $* >> {said}\n')
        path.chmod(0o755)
    device = (f"<interface type='ethernet'><script path='{tmp_path}/%s'/><downscript path='{tmp_path}/down'/><target dev='lvtesttap'/>"
              "<model type='virtio'/><mtu size='1300'/><coalesce><rx><frames max='7'/></rx></coalesce></interface>")
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('scripted', devices=device % 'up')))
    assert support.coalesced_frames('lvtesttap') == 7
    assert said.read_text() == 'up lvtesttap there\n'
    daemon.virsh('destroy', 'scripted')
    support.wait_for(lambda: said.read_text() == 'up lvtesttap there\ndown lvtesttap\n', what='the second script')
    (tmp_path / 'fails').write_text('#!/bin/sh\necho that was nothing >&2; exit 3\n')
    (tmp_path / 'fails').chmod(0o755)
    refused = support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'create', support.written(
        tmp_path, support.domain_xml('scripted', devices=device % 'fails'))], check=False)
    assert refused.returncode and 'that was nothing' in refused.stderr


def test_chains_of_images(daemon, tmp_path):
    """What an image is based on is read at the start, and what may be missing is left out."""
    base = image(tmp_path, 'base')
    middle = image(tmp_path, 'middle', '-f', 'qcow2', '-b', 'base', '-F', 'raw')
    top = image(tmp_path, 'top', '-f', 'qcow2', '-b', middle, '-F', 'qcow2')
    devices = (f"<disk type='file'><driver type='qcow2'/><source file='{top}'/><target dev='vda' bus='virtio'/></disk>"
               f"<disk type='file'><source file='{tmp_path}/none' startupPolicy='optional'/><target dev='vdb' bus='virtio'/></disk>"
               f"<disk type='file' device='cdrom'><source file='{tmp_path}/none' startupPolicy='optional'/><target dev='hda' bus='ide'/></disk>")
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('chain', devices=devices)))
    tree = ElementTree.fromstring(daemon.virsh('dumpxml', 'chain'))
    assert [d.find('target').get('dev') for d in tree.findall('devices/disk')] == ['vda', 'hda']
    chain, found = tree.find('devices/disk'), []
    while chain is not None and chain.find('source') is not None:
        found.append((chain.find('source').get('file'), chain.find('source').get('index')))
        chain = chain.find('backingStore')
    assert found == [(top, '2'), (middle, '3'), (base, '4')] and chain is not None
    assert nodes(daemon, 'chain')['libvirt-4-format']['file'] == base
    daemon.virsh('destroy', 'chain')
    os.unlink(base)
    refused = support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'create', support.written(
        tmp_path, support.domain_xml('chain', devices=devices))], check=False)
    assert refused.returncode and base in refused.stderr


def helpers(daemon, word):
    """Process ids of programs beside QEMU whose command line has this word and the daemon's root."""
    found = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError), open(f'/proc/{name}/cmdline', 'rb') as f:
            words = f.read().split(b'\0')
            with open(f'/proc/{name}/environ', 'rb') as e:
                ours = daemon.root.encode() in e.read() or daemon.root.encode() in b' '.join(words)
            if ours and word.encode() in words[0] and b'qemu-system' not in words[0]:
                found.append(int(name))
    return found


def with_shared_memory(name, devices):
    return support.domain_xml(name, devices=devices).replace('<features>', f'{SHARED_MEMORY}<features>')


@pytest.mark.skipif(not os.path.exists('/usr/lib/qemu/virtiofsd'), reason='virtiofsd is not installed')
def test_virtiofs(daemon, tmp_path):
    os.mkdir(tmp_path / 'a,b')
    xml = with_shared_memory('shared', (
        f"<filesystem type='mount'><driver type='virtiofs' queue='512'/><binary xattr='on'><cache mode='none'/><sandbox mode='chroot'/>"
        f"<lock posix='on' flock='off'/></binary><source dir='{tmp_path}/a,b'/><target dir='tag'/></filesystem>"))
    daemon.virsh('create', support.written(tmp_path, xml))
    [pid] = helpers(daemon, 'virtiofsd')[:1]
    with open(f'/proc/{pid}/cmdline', encoding='utf-8') as f:
        assert f'source={tmp_path}/a\\,b,cache=none,sandbox=chroot,xattr,posix_lock,no_flock' in f.read().split('\0')
    path = '/machine/peripheral/fs0'
    assert ask(daemon, 'shared', 'qom-get', path=path, property='tag') == 'tag'
    assert ask(daemon, 'shared', 'qom-get', path=path, property='queue-size') == 512
    daemon.kill()
    daemon.start()
    daemon.virsh('destroy', 'shared')
    support.wait_for(lambda: not helpers(daemon, 'virtiofsd'), what='the server ending with the guest')
    missing = with_shared_memory('shared', "<filesystem type='mount'><driver type='virtiofs'/><source dir='/nowhere'/><target dir='x'/></filesystem>")
    refused = support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'create', support.written(tmp_path, missing)], check=False)
    assert refused.returncode and '/nowhere' in refused.stderr and not support.guest_processes(daemon.root)


@pytest.mark.skipif(not support.have('dbus-daemon'), reason='dbus-daemon is not installed')
def test_display_on_a_bus_of_its_own(daemon, tmp_path):
    daemon.virsh('create', support.written(tmp_path, support.domain_xml('bus', devices="<graphics type='dbus'/>")))
    address = ElementTree.fromstring(daemon.virsh('dumpxml', 'bus')).find('devices/graphics').get('address')
    with socket.socket(socket.AF_UNIX) as viewer:
        viewer.connect(address.removeprefix('unix:path='))
        viewer.sendall(b'\0AUTH EXTERNAL ' + str(os.geteuid()).encode().hex().encode() + b'\r\n')
        assert viewer.recv(100).startswith(b'OK')
    daemon.virsh('destroy', 'bus')
    support.wait_for(lambda: not helpers(daemon, 'dbus-daemon'), what='the bus ending with the guest')


@pytest.mark.skipif(not support.have('passt'), reason='passt is not installed')
def test_passt(daemon, tmp_path):
    port = networked.free_port()
    support.run(['ip', 'tuntap', 'add', 'dev', 'lvtestup', 'mode', 'tap'])
    try:
        support.run(['ip', 'address', 'add', '192.0.2.2/24', 'dev', 'lvtestup'])
        support.run(['ip', 'link', 'set', 'lvtestup', 'up'])
        support.run(['ip', 'route', 'add', 'default', 'via', '192.0.2.1'])
        xml = support.domain_xml('passed', devices=(
            f"<interface type='user'><mac address='52:54:00:00:00:09'/><model type='virtio'/><backend type='passt'/><ip family='ipv4' "
            f"address='10.9.8.7' prefix='24'/><portForward proto='tcp' address='127.0.0.1'><range start='{port}' to='22'/></portForward>"
            "</interface>"))
        daemon.virsh('create', support.written(tmp_path, xml))
        socket.create_connection(('127.0.0.1', port), 10).close()
        daemon.virsh('destroy', 'passed')
        support.wait_for(lambda: not helpers(daemon, 'passt'), what='passt ending with the guest')
    finally:
        support.run(['ip', 'link', 'delete', 'lvtestup'])


def test_what_is_not_there_yet_is_refused(daemon, tmp_path):
    for devices, words in (
            ("<graphics type='vnc'><listen type='network' network='lab'/></graphics>", "'lab'"),
            ("<interface type='direct'><source dev='lo' mode='bridge'/><vlan><tag id='7'/></vlan></interface>", 'VLANs'),
            ("<interface type='network'><source network='lab'/></interface>", "'lab'")):
        refused = support.run([support.tree.place(support.BUILD, 'virsh'), '-c', daemon.uri, 'create', support.written(
            tmp_path, support.domain_xml('early', devices=devices))], check=False)
        assert refused.returncode and words in refused.stderr, (devices, refused.stderr)
