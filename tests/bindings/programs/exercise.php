<?php
// SPDX-License-Identifier: LGPL-2.1-or-later
// php-libvirt: exercise.php URI prints what the library answers, as text without times and addresses.
const ONE = '11111111-1111-4111-8111-111111111111';
const DOMAIN = "<domain type='test'><name>one</name><uuid>" . ONE . "</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
    . "<os><type arch='i686'>hvm</type></os></domain>";

function show(string $name, $value)
{
    echo "$name: ", is_resource($value) ? 'resource' : json_encode($value, JSON_UNESCAPED_SLASHES), "\n";
    return $value;
}

echo "== connection\n";
$conn = libvirt_connect($argv[1], false);
show('type', libvirt_connect_get_hypervisor($conn)['hypervisor'] ?? null);
show('node', libvirt_node_get_info($conn));
show('encrypted', libvirt_connect_get_encrypted($conn));
show('max vcpus', libvirt_connect_get_maxvcpus($conn));
echo "== domains\n";
show('list', libvirt_list_domains($conn));
show('active', libvirt_list_active_domains($conn));
$test = show('lookup', libvirt_domain_lookup_by_name($conn, 'test'));
show('missing', @libvirt_domain_lookup_by_name($conn, 'nobody'));
$one = show('define', libvirt_domain_define_xml($conn, DOMAIN));
foreach (['create', 'suspend', 'resume', 'reboot', 'shutdown', 'create', 'destroy', 'is_active', 'is_persistent',
          'get_uuid_string', 'get_name', 'get_autostart'] as $step) {
    show($step, @('libvirt_domain_' . $step)($one));
}
$info = libvirt_domain_get_info($test);
unset($info['cpuUsed']);
show('info', $info);
show('undefine', libvirt_domain_undefine($one));
echo "== snapshots\n";
$snapshot = show('create', libvirt_domain_snapshot_create($test));
show('has', libvirt_domain_has_current_snapshot($test));
show('revert', libvirt_domain_snapshot_revert($snapshot));
show('delete', libvirt_domain_snapshot_delete($snapshot));
echo "== networks\n";
show('list', libvirt_list_networks($conn));
$net = show('lookup', libvirt_network_get($conn, 'default'));
show('active', libvirt_network_get_active($net));
show('missing', @libvirt_network_get($conn, 'nowhere'));
echo "== storage\n";
show('pools', libvirt_list_storagepools($conn));
$pool = show('pool', libvirt_storagepool_lookup_by_name($conn, 'default-pool'));
show('info', libvirt_storagepool_get_info($pool));
$volume = show('volume', libvirt_storagevolume_create_xml($pool, '<volume><name>v</name><capacity>1048576</capacity></volume>'));
show('path', libvirt_storagevolume_get_path($volume));
show('volumes', libvirt_storagepool_list_volumes($pool));
show('delete', libvirt_storagevolume_delete($volume));
echo "== node devices\n";
$devices = libvirt_list_nodedevs($conn);
sort($devices);
show('list', $devices);
