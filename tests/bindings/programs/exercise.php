<?php
// SPDX-License-Identifier: LGPL-2.1-or-later
// php-libvirt: exercise.php URI prints what the library answers, as text without times and addresses. The binding has no events,
// no event loop, no secrets and interfaces; its errors are texts.
require __DIR__ . '/../shared/exercise.php';

const NETWORK = "<network><name>one</name><uuid>" . ONE . "</uuid><forward mode='nat'/><bridge name='virbr7'/>"
    . "<ip address='192.168.77.1' netmask='255.255.255.0'/></network>";
const POOL = "<pool type='dir'><name>one</name><uuid>" . ONE . "</uuid><target><path>/pool</path></target></pool>";
const VOLUME = "<volume><name>%s</name><capacity unit='bytes'>1048576</capacity><target><format type='raw'/></target></volume>";
const DISK = "<disk type='file' device='disk'><source file='/guest/%s'/><target dev='%s' bus='virtio'/></disk>";
$files = getenv('BINDINGS_FILES');
$uri = $argv[1];

section('connection');
show('version', (quiet('version', 'libvirt')['libvirt.major'] ?? 0) >= 9);
call('check_version', 0, 5, 6, VIR_VERSION_BINDING);
call('check_version', 9, 0, 0, VIR_VERSION_LIBVIRT);
call('has_feature', 'libvirt_php');
call('logfile_set', '/tmp/php.log', 10);
$conn = call('connect', $uri, false);
foreach (['hypervisor', 'encrypted', 'secure', 'maxvcpus', 'sysinfo'] as $what) {
    call("connect_get_$what", $conn);
}
show('uri', quiet('connect_get_uri', $conn) === $uri);
show('hostname', is_string(quiet('connect_get_hostname', $conn)));
show('information', array_diff_key(quiet('connect_get_information', $conn), array_flip(['uri', 'hostname', 'hypervisor_string', 'num_secrets', 'num_nwfilters'])));
document('capabilities', quiet('connect_get_capabilities', $conn));
call('connect_get_capabilities', $conn, '/capabilities/host/cpu/arch');
call('connect_get_emulator', $conn, 'i686');
call('connect_get_machine_types', $conn);
call('connect_get_nic_models', $conn, 'i686');
call('connect_get_soundhw_models', $conn, 'i686');
foreach (['info', 'free_memory', 'mem_stats'] as $what) {
    call("node_get_$what", $conn);
}
show('cpu stats', array_map(fn($cpu) => is_array($cpu) ? array_diff_key($cpu, ['time' => 0]) : $cpu, quiet('node_get_cpu_stats', $conn)));
show('cpu stats of each', array_diff_key(quiet('node_get_cpu_stats_for_each_cpu', $conn)[0] ?? [], ['time' => 0]));
call('connect', 'bindings', true);
show('nonsense', quiet('connect', 'nonsense:///', false));
$reader = call('connect', $uri, true);
call('domain_define_xml', $reader, DOMAIN);

section('credentials');
file_put_contents('/tmp/auth.xml', "<node><auth><user password='123'>one</user><user>two</user></auth></node>");
foreach (['right' => ['one', '123'], 'wrong' => ['one', '124'], 'free' => ['two', 'x'], 'unknown' => ['three', 'x']] as $name => [$user, $password]) {
    echo "$name ";
    call('connect', 'test:///tmp/auth.xml', false, [VIR_CRED_AUTHNAME => $user, VIR_CRED_PASSPHRASE => $password]);
}
call('connect', 'test:///tmp/auth.xml', false);

section('domains');
foreach (['domains', 'active_domains', 'active_domain_ids', 'inactive_domains'] as $what) {
    call("list_$what", $conn);
}
call('list_domain_resources', $conn);
call('domain_get_counts', $conn);
$test = call('domain_lookup_by_name', $conn, 'test');
call('domain_lookup_by_name', $conn, 'nobody');
call('domain_lookup_by_id', $conn, 1);
call('domain_lookup_by_id', $conn, 99);
call('domain_lookup_by_uuid', $conn, quiet('domain_get_uuid', $test));
call('domain_lookup_by_uuid_string', $conn, ONE);
$one = call('domain_define_xml', $conn, DOMAIN);
foreach (['create', 'create', 'suspend', 'resume', 'reboot', 'shutdown', 'create', 'reset', 'destroy', 'is_active', 'is_persistent',
          'get_uuid_string', 'get_name', 'get_id', 'get_autostart', 'get_connect', 'get_next_dev_ids'] as $step) {
    call("domain_$step", $one);
}
call('domain_set_autostart', $one, true);
call('domain_get_autostart', $one);
call('domain_undefine', $one);
call('domain_undefine_flags', call('domain_define_xml', $conn, DOMAIN), VIR_DOMAIN_UNDEFINE_MANAGED_SAVE);
call('domain_destroy', call('domain_create_xml', $conn, DOMAIN));
show('info', array_diff_key(quiet('domain_get_info', $test), ['cpuUsed' => 0]));
document('xml', quiet('domain_get_xml_desc', $test, null));
call('domain_get_xml_desc', $test, '/domain/name');
call('domain_xml_xpath', $test, '//devices/disk/target/@dev');
call('domain_xml_from_native', $conn, 'qemu-argv', 'qemu');
call('domain_xml_to_native', $conn, 'qemu-argv', DOMAIN);
call('domain_get_disk_devices', $test);
call('domain_get_interface_devices', $test);
call('domain_get_metadata', $test, VIR_DOMAIN_METADATA_TITLE, '', 0);
call('domain_set_metadata', $test, VIR_DOMAIN_METADATA_TITLE, 'title', '', '', 0);
call('domain_get_metadata', $test, VIR_DOMAIN_METADATA_TITLE, '', 0);
call('domain_new', $conn, 'two', 'i686', 64, 64, 1, '/nothing.iso', [], [], 0);
call('domain_new_get_vnc');
foreach (['image_path', 'iso'] as $what) {
    call('get_iso_images', "/$what");
}

section('parameters');
call('domain_set_memory', $test, 1048576);
call('domain_set_memory_flags', $test, 524288, VIR_DOMAIN_MEM_LIVE);
call('domain_set_max_memory', $test, 8388608);
show('memory stats', array_diff_key(quiet('domain_memory_stats', $test), [9 => 'time']));
call('domain_memory_peek', $test, 0, 10, VIR_MEMORY_PHYSICAL);
call('domain_get_block_info', $test, 'vda');
call('domain_get_network_info', $test, 'aa:bb:cc:dd:ee:ff');
call('domain_get_job_info', $test);
call('domain_interface_addresses', $test, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE);
foreach (['block_stats' => ['vda', 'vdz'], 'interface_stats' => ['testnet0', 'net9']] as $what => [$there, $missing]) {
    show($what, array_keys(quiet("domain_$what", $test, $there)));      // their figures grow with the time
    call("domain_$what", $test, $missing);
}
show('cpu stats', is_array(quiet('domain_get_cpu_total_stats', $test)));
call('connect_get_all_domain_stats', $conn, VIR_DOMAIN_STATS_STATE, 0);

section('devices');
call('domain_attach_device', $test, sprintf(DISK, 'two', 'vdb'));
call('domain_update_device', $test, sprintf(DISK, 'three', 'vda'), 0);
call('domain_detach_device', $test, sprintf(DISK, 'two', 'vdb'));
call('domain_disk_add', $test, '/guest/four', 'vdd', 'virtio', 'raw', 0);
call('domain_disk_remove', $test, 'vdd', 0);
call('domain_nic_add', $test, '52:54:00:00:00:09', 'default', 'virtio', 0);
call('domain_nic_remove', $test, '52:54:00:00:00:09', 0);
call('domain_block_resize', $test, 'vda', 2048);
call('domain_block_commit', $test, 'vda', '', '');
show('block job', quiet('domain_block_job_info', $test, 'vda')['status']);
call('domain_block_job_set_speed', $test, 'vda', 1);
call('domain_block_job_abort', $test, 'vda');
call('domain_send_key_api', $test, VIR_KEYCODE_SET_LINUX, 0, [30]);
call('domain_qemu_agent_command', $test, '{}', 1, 0);
foreach (['get_screen_dimensions' => [], 'get_screenshot' => [0], 'send_keys' => ['a'], 'send_pointer_event' => [1, 1, 0]] as $what => $words) {
    call("domain_$what", $test, '127.0.0.1', ...$words);
}
$shot = quiet('domain_get_screenshot_api', $test, 0);
show('screenshot', is_array($shot) ? [$shot['mime'] ?? null, substr(file_get_contents($shot['file']), 1, 3)] : $shot);

// These define the domain anew and mix up the resources of the connection that they work on.
section('changes');
foreach (['memory' => [32, 64, 0], 'vcpus' => [2, 0], 'boot_devices' => ['hd', 'network', 0]] as $what => $words) {
    $own = quiet('connect', $uri, false);
    $kept[] = $own;
    $kept[] = quiet('domain_define_xml', $own, DOMAIN);
    $kept[] = call("domain_change_$what", end($kept), ...$words);
    document($what, quiet('domain_get_xml_desc', end($kept), null), '/^  <(?!memory|vcpu)|^    (?!<boot)/');
}

section('migration');
$other = quiet('connect', $uri, false);
call('domain_migrate', $test, $other, 0);
call('domain_migrate_to_uri', $test, 'test:///default', 0);
call('domain_migrate_to_uri2', $test, 'test:///default');

section('images');
call('domain_managedsave', $test);
call('domain_is_active', $test);
call('domain_create', $test);
show('dump', [quiet('domain_core_dump', $test, "$files/core"), file_exists("$files/core")]);

section('snapshots');
call('domain_has_current_snapshot', $test);
call('domain_snapshot_current', $test);
call('list_domain_snapshots', $test);
$snapshot = call('domain_snapshot_create', $test);
show('snapshots', count(quiet('list_domain_snapshots', $test)));
call('domain_has_current_snapshot', $test);
call('domain_snapshot_current', $test);
call('domain_snapshot_lookup_by_name', $test, 'nothing');
show('named by the time', preg_match('/<name>\d+<\/name>/', quiet('domain_snapshot_get_xml', $snapshot)));
call('domain_snapshot_revert', $snapshot);
call('domain_snapshot_delete', $snapshot);

section('networks');
call('list_networks', $conn);
call('list_all_networks', $conn);
$net = call('network_define_xml', $conn, NETWORK);
call('network_set_active', $net, 1);
call('network_set_active', $net, 1);
call('network_set_autostart', $net, true);
foreach (['active', 'autostart', 'bridge', 'information', 'name', 'uuid_string', 'dhcp_leases'] as $what) {
    call("network_get_$what", $net);
}
show('uuid', substr(bin2hex(quiet('network_get_uuid', $net)), 0, 32));     // what follows is no part of it
document('xml', quiet('network_get_xml_desc', $net, null));
call('network_set_active', $net, 0);
call('network_undefine', $net);
call('network_get', $conn, 'nowhere');

section('node devices');
foreach ([[], ['scsi_host']] as $words) {
    $devices = quiet('list_nodedevs', $conn, ...$words);
    sort($devices);
    show('list', $devices);
}
$device = call('nodedev_get', $conn, 'scsi_host1');
call('nodedev_capabilities', $device);
call('nodedev_get_information', $device);
document('xml', quiet('nodedev_get_xml_desc', $device, null));
call('nodedev_get', $conn, 'nothing');

section('filters');
call('list_all_nwfilters', $conn);
call('list_nwfilters', $conn);
call('nwfilter_lookup_by_name', $conn, 'x');
call('nwfilter_lookup_by_uuid', $conn, str_repeat('a', 16));
call('nwfilter_lookup_by_uuid_string', $conn, ONE);
$filter = call('nwfilter_define_xml', $conn, "<filter name='one'><uuid>" . ONE . '</uuid></filter>');
if ($filter) {
    foreach (['get_name', 'get_uuid_string', 'undefine'] as $step) {
        call("nwfilter_$step", $filter);
    }
    show('uuid', substr(bin2hex(quiet('nwfilter_get_uuid', $filter)), 0, 32));     // what follows is no part of it
    show('xml', strlen(quiet('nwfilter_get_xml_desc', $filter, null) ?: '') > 0);
}

section('storage');
foreach (['', 'active_', 'inactive_'] as $what) {
    call("list_{$what}storagepools", $conn);
}
$pool = call('storagepool_define_xml', $conn, POOL);
foreach (['build', 'create', 'create', 'refresh', 'is_active', 'get_info', 'get_name', 'get_uuid_string', 'get_volume_count', 'list_volumes',
          'get_autostart'] as $step) {
    call("storagepool_$step", $pool);
}
call('storagepool_set_autostart', $pool, true);
document('xml', quiet('storagepool_get_xml_desc', $pool, null));
call('storagepool_lookup_by_uuid_string', $conn, ONE);
call('storagepool_lookup_by_name', $conn, 'nothing');
$volume = call('storagevolume_create_xml', $pool, sprintf(VOLUME, 'v'));
call('storagevolume_create_xml_from', $pool, sprintf(VOLUME, 'w'), $volume);
foreach (['name', 'path', 'info'] as $what) {
    call("storagevolume_get_$what", $volume);
}
document('xml', quiet('storagevolume_get_xml_desc', $volume, null), '/time/');
call('storagepool_lookup_by_volume', $volume);
call('storagevolume_lookup_by_name', $pool, 'v');
call('storagevolume_lookup_by_name', $pool, 'nothing');
call('storagevolume_lookup_by_path', $conn, '/pool/v');
$volumes = quiet('storagepool_list_volumes', $pool);
sort($volumes);
show('volumes', $volumes);
call('storagevolume_resize', $volume, 2 << 20, 0);
$stream = call('stream_create', $conn);
call('storagevolume_upload', $volume, $stream, 0, 10);
call('stream_send', $stream, '0123456789', 10);
call('stream_finish', $stream);
call('stream_close', $stream);
$stream = call('stream_create', $conn);
call('storagevolume_download', $volume, $stream, 0, 10);
$data = '';
$called['libvirt_stream_recv'] = true;      // by reference
show('received', [@libvirt_stream_recv($stream, $data, 10), $data]);
call('stream_abort', $stream);
call('storagevolume_delete', $volume);
foreach (['destroy', 'delete', 'undefine'] as $step) {
    call("storagepool_$step", $pool);
}
show('resources', quiet('print_binding_resources') !== false);
