# SPDX-License-Identifier: LGPL-2.1-or-later
"""What confines guests beyond their user (qemu.conf: security_…; <seclabel>), on a machine that has nothing for it: asking for it tells what
is missing. Where it is there: tests/nested/inside/test_apparmor.py."""
import contextlib
import os
import re

import pytest

from support import domain_xml

libvirt = pytest.importorskip('libvirt', reason='python3-libvirt is not installed')

pytestmark = [pytest.mark.foreign_library,
              pytest.mark.skipif(os.geteuid() != 0, reason='only root can confine guests'),
              pytest.mark.skipif(os.path.exists('/sys/module/apparmor'), reason='this kernel has AppArmor'),
              pytest.mark.skipif(os.environ.get('LIBVIRT_TEST_SIDE') == 'reference', reason='about our own texts')]

libvirt.registerErrorHandler(lambda *_: None, None)

LACKS = 'qemu.conf: this host has nothing that security_driver names'
NO_APPARMOR = "'apparmor': the host's kernel runs without AppArmor; 'apparmor=1 security=apparmor' on its command line turns it on"


def configured(daemon, *settings):
    where = os.path.join(daemon.root, 'etc/libvirt')
    os.makedirs(where, exist_ok=True)
    with open(os.path.join(where, 'qemu.conf'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(settings) + '\n')
    return daemon


@pytest.mark.parametrize('settings, told', [
    (['security_driver = [ "selinux", "apparmor" ]'], f"{LACKS} ('selinux': the host's kernel runs without SELinux; "),
    (['security_driver = "apparmor"'], f'{LACKS} ({NO_APPARMOR}); '),
    (['security_driver = [ ]'], f'{LACKS} (it is empty); '),
    (['security_require_confined = 1'], 'qemu.conf: guests must be confined (security_require_confined), but nothing confines them'),
    (['security_driver = "none"', 'security_require_confined = 1'], 'guests must be confined'),
    (['namespaces = [ "pid" ]'], "'namespaces'"),
    (['namespaces = [ "mount", "pid" ]'], "'namespaces'"),
])
def test_refused_settings(new_daemon, settings, told):
    daemon = configured(new_daemon(), *settings)
    with contextlib.suppress(AssertionError):   # it may answer before it comes to its drivers
        daemon.start()
    assert daemon.process.wait(60) == 1
    assert told in daemon.output()
    configured(daemon)  # it is started once more, to see that no guest is left


@pytest.mark.parametrize('settings, warned', [(['namespaces = [ "mount" ]'], True), (['namespaces = []'], False), ([], False)])
def test_namespaces(new_daemon, settings, warned):
    """There are none: who asks for one is told so, and nobody else."""
    daemon = configured(new_daemon(), *settings).start()
    libvirt.open(daemon.uri).close()
    assert ("'namespaces' has no effect" in daemon.output()) == warned
    daemon.stop()


def test_none(new_daemon):
    """The last resort of a list; labels of what isn't there are refused with the way to get it."""
    daemon = configured(new_daemon(), 'security_driver = [ "apparmor", "none" ]')
    daemon.start()
    conn = libvirt.open(daemon.uri)
    assert conn.getSecurityModel() == ['none', '0']
    assert re.findall('<model>(none|dac|apparmor)</model>', conn.getCapabilities()) == ['none', 'dac']

    def xml(label):
        return domain_xml('free', memory=32, more=label)
    with pytest.raises(libvirt.libvirtError) as raised:
        conn.createXML(xml("<seclabel type='dynamic' model='apparmor'/>"))
    assert raised.value.get_error_code() == libvirt.VIR_ERR_CONFIG_UNSUPPORTED
    assert "of model 'apparmor', which isn't available: the host's kernel runs without AppArmor" in str(raised.value)
    with pytest.raises(libvirt.libvirtError, match="which isn't available: the models are selinux, apparmor and dac"):
        conn.createXML(xml("<seclabel type='dynamic' model='smack'/>"))
    domain = conn.createXML(xml("<seclabel type='none' model='apparmor'/>"))
    assert domain.securityLabel() == ['', False]
    assert domain.securityLabelList()[0] == ['', False]
    domain.destroy()
    conn.close()
