#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sys::Virt: exercise.pl URI prints what the library answers, as text without times and addresses. Events are in events.pl. Two of its
# calls can't be made, for the binding itself lacks what they use (migrate_to_uri2, create_interface); `level` of an error gives the code.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../shared";
use Exercise;

my $network = "<network><name>%s</name><uuid>%s</uuid><forward mode='nat'/><bridge name='virbr7'/>"
    . "<ip address='192.168.77.1' netmask='255.255.255.0'/></network>";
my $pool_xml = "<pool type='dir'><name>%s</name><uuid>%s</uuid><target><path>/pool-%s</path></target></pool>";
my $volume_xml = "<volume><name>%s</name><capacity unit='bytes'>1048576</capacity><target><format type='raw'/></target></volume>";
my $snapshot = '<domainsnapshot><name>%s</name></domainsnapshot>';
my $cpu = "<cpu><arch>x86_64</arch><model>qemu64</model><topology sockets='1' cores='1' threads='1'/></cpu>";
my $disk = "<disk type='file' device='disk'><source file='/guest/%s'/><target dev='%s' bus='virtio'/></disk>";

section('connection', sub {
    my ($conn) = @_;
    calls($conn, qw(get_type get_version get_major_version get_minor_version get_micro_version get_sysinfo get_node_info get_node_free_memory
        get_node_cpu_map get_node_cpu_stats get_node_memory_stats get_node_memory_parameters get_node_security_model get_node_sev_info
        is_alive is_encrypted is_secure), ['get_max_vcpus', 'test'], ['get_node_cells_free_memory', 0, 2],
        ['node_alloc_pages', [[4, 1]], 0, 1], ['set_node_memory_parameters', {shm_pages_to_scan => 200}],
        ['node_suspend_for_duration', 0, 60], ['baseline_cpu', [$cpu]], ['baseline_hypervisor_cpu', undef, undef, undef, undef, [$cpu]],
        ['compare_cpu', $cpu], ['compare_hypervisor_cpu', undef, undef, undef, undef, $cpu], ['get_domain_capabilities', undef, 'i686', undef, 'test'],
        ['domain_xml_from_native', 'qemu-argv', 'qemu'], ['domain_xml_to_native', 'qemu-argv', $domain], ['set_keep_alive', -1, 0],
        ['set_identity', {'user-name' => 'x'}], ['find_storage_pool_sources', 'nonsense', undef], ['find_storage_pool_sources', 'logical', undef]);
    document($conn, 'get_capabilities');
    show('library', sub { $conn->get_library_version() >= 9000000 });
    show('storage', sub { (split /\n/, $conn->get_storage_pool_capabilities())[0] });
    show('free pages', sub { $conn->get_node_free_pages([4], 0, 1); 'done' });     # what it shows of none is not to be read
    show('hostname', sub { length $conn->get_hostname() > 0 });
    show('uri', sub { $conn->get_uri() eq $uri });
    show('cpu models', sub { ($conn->get_cpu_model_names('x86_64'))[0 .. 2] });
    show('alias', sub { Sys::Virt->new(uri => 'bindings')->get_type() });
    show('nonsense', sub { Sys::Virt->new(uri => 'nonsense:///') });
    my $reader = Sys::Virt->new(uri => $uri, readonly => 1);
    calls($reader, ['define_domain', $domain], ['get_domain_by_name', 'test']);
    eval { $conn->get_domain_by_name('nobody') };
    my $error = $@;
    show('error', sub { [length($error->message) > 0, $error->stringify() eq "$error", "$error" =~ /^libvirt error code: (\d+)/, $error->level()] });
});

section('credentials', sub {
    open my $file, '>', '/tmp/auth.xml' or die;
    print $file "<node><auth><user password='123'>one</user><user>two</user></auth></node>";
    close $file;
    my @kinds = (Sys::Virt::CRED_AUTHNAME(), Sys::Virt::CRED_PASSPHRASE());
    for my $case (['right', 'one', '123'], ['wrong', 'one', '124'], ['free', 'two', ''], ['unknown', 'three', '']) {
        my ($name, $user, $password) = @$case;
        my @asked;
        show($name, sub { Sys::Virt->new(uri => 'test:///tmp/auth.xml', auth => 1, credlist => \@kinds, callback => sub {
            for my $wanted (@{$_[0]}) {
                push @asked, $wanted->{type};
                $wanted->{result} = $wanted->{type} == $kinds[0] ? $user : $password;
            }
            return 0 })->get_type() });
        print "asked: @asked\n";
    }
    show('refused', sub { Sys::Virt->new(uri => 'test:///tmp/auth.xml', auth => 1, credlist => \@kinds, callback => sub { -1 }) });
    show('without', sub { Sys::Virt->new(uri => 'test:///tmp/auth.xml') });
});

section('domains', sub {
    my ($conn) = @_;
    calls($conn, qw(list_domains list_defined_domains num_of_domains num_of_defined_domains list_all_domains), ['list_domain_ids', 10],
        ['list_defined_domain_names', 10], ['list_all_domains', 2], ['list_all_domains', 1 << 30], ['get_domain_by_name', 'nobody'],
        ['get_domain_by_id', 99], ['get_domain_by_id', 1], ['get_domain_by_uuid', $one]);
    my $test = $conn->get_domain_by_name('test');
    show('by uuid', sub { $conn->get_domain_by_uuid($test->get_uuid()) });
    my $dom = call($conn, 'define_domain', $domain);
    calls($dom, qw(create create suspend resume reboot get_state shutdown get_state create reset destroy get_state), ['create', Sys::Virt::Domain::START_PAUSED()],
        qw(get_state destroy get_autostart is_active is_persistent is_updated get_uuid get_uuid_string get_name get_os_type), ['set_autostart', 1],
        qw(get_autostart), ['create_with_files', []], 'destroy', ['set_autostart', 0], ['set_lifecycle_action', 0, 0], ['rename', 'new'], 'get_name', 'undefine');
    my $transient = call($conn, 'create_domain', $domain);
    calls($transient, qw(is_persistent get_id destroy));
    show('with files', sub { $conn->create_domain_with_files($domain, [])->destroy() });
    document($test, 'get_xml_description');
    calls($test, qw(get_info get_id get_max_memory get_max_vcpus get_vcpus get_guest_vcpus get_control_info get_security_label get_security_label_list
        get_emulator_pin_info get_iothread_info get_messages get_hostname get_disk_errors get_job_info get_job_stats abort_job
        get_launch_security_info), ['set_vcpus', 1], ['set_vcpu', "\1", 0], ['set_guest_vcpus', '0', 1], ['pin_vcpu', 0, "\1"],
        ['pin_emulator', "\1"], ['add_iothread', 1], ['pin_iothread', 1, "\1"], ['set_iothread', 1, {}], ['del_iothread', 1], ['set_memory', 1048576],
        ['set_max_memory', 8388608], ['memory_stats'], ['set_memory_stats_period', 5], ['set_agent_response_timeout', 5]);
    show('cpu stats', sub { my @stats = $test->get_cpu_stats(0, 2); [map { sort keys %$_ } @stats] });      # of all (-1) it reads too much
    show('vcpu info', sub { map { {number => $_->{number}, state => $_->{state}} } $test->get_vcpu_info() });
    show('time', sub { join ' ', map { $_ > 0 } ($test->get_time())[0] });
    calls($test, ['set_time', 5, 0], ['set_user_password', 'root', 'x'], ['fs_freeze', ['/']], ['fs_freeze', []], 'get_fs_info', ['fs_thaw', []], ['fs_trim', '/', 0],
        ['get_guest_info', 0], ['authorized_ssh_keys_get', 'root'], ['authorized_ssh_keys_set', 'root', ['x']], ['send_key', 0, 0, [30]],
        ['send_process_signal', 1, 1], ['inject_nmi', 0], ['pm_suspend_for_duration', 0, 0], 'pm_wakeup', ['start_dirty_rate_calc', 1],
        ['set_launch_security_state', {}], ['get_interface_addresses', 0], ['fd_associate', 'x', [0]]);
});

section('parameters', sub {
    my ($conn) = @_;
    my $test = $conn->get_domain_by_name('test');
    for my $case (['memory', {hard_limit => 9000000}], ['blkio', {weight => 500}], ['scheduler', {weight => 60}], ['numa', {numa_mode => 1}]) {
        my ($kind, $change) = @$case;
        my ($get, $set) = ("get_${kind}_parameters", "set_${kind}_parameters");
        calls($test, $get, [$set, $change], $get, [$set, {nonsense => 1}]);
    }
    calls($test, 'get_scheduler_type', ['get_interface_parameters', 'testnet0'], ['set_interface_parameters', 'testnet0', {'inbound.average' => 100}],
        ['get_interface_parameters', 'testnet0'], ['get_interface_parameters', 'net9'], ['get_block_iotune', 'vda'],
        ['set_block_iotune', 'vda', {read_bytes_sec => 1000}], ['get_block_iotune', 'vda'], 'get_perf_events', ['set_perf_events', {cmt => 1}],
        ['get_block_info', 'vda'], ['block_stats', 'vdz'], ['interface_stats', 'net9'], ['set_block_threshold', 'vda', 1]);
    show('block stats', sub { [sort keys %{$test->block_stats('vda')}] });
    show('interface stats', sub { [sort keys %{$test->interface_stats('testnet0')}] });
    show('stats', sub { map { [$_->{dom}->get_name(), sort keys %{$_->{data}}] } $conn->get_all_domain_stats(Sys::Virt::Domain::STATS_STATE()) });
    show('stats of one', sub { map { sort keys %{$_->{data}} } $conn->get_all_domain_stats(Sys::Virt::Domain::STATS_STATE(), [$test]) });
});

section('metadata', sub {
    my ($conn) = @_;
    my $test = $conn->get_domain_by_name('test');
    calls($test, ['set_metadata', Sys::Virt::Domain::METADATA_ELEMENT(), '<a/>', 'x', 'http://example.org/x'],
        ['get_metadata', Sys::Virt::Domain::METADATA_ELEMENT(), 'http://example.org/x'], ['get_metadata', Sys::Virt::Domain::METADATA_TITLE(), undef]);
});

section('devices', sub {
    my ($conn) = @_;
    my $test = $conn->get_domain_by_name('test');
    calls($test, ['attach_device', sprintf($disk, 'two', 'vdb')], ['update_device', sprintf($disk, 'three', 'vda')],
        ['detach_device', sprintf($disk, 'two', 'vdb')], ['detach_device', sprintf($disk, 'nine', 'vdx')], ['detach_device_alias', 'none'],
        ['block_peek', 'vda', 0, 10], ['memory_peek', 0, 10], ['block_resize', 'vda', 2048], ['block_pull', 'vda', 0], ['block_commit', 'vda', undef, undef, 0],
        ['block_rebase', 'vda', undef, 0], ['block_copy', 'vda', "<disk type='file'><source file='/x'/></disk>", {}], ['get_block_job_info', 'vda'],
        ['set_block_job_speed', 'vda', 1], ['abort_block_job', 'vda'], ['open_console', $conn->new_stream(), undef], ['open_channel', $conn->new_stream(), 'x'],
        ['open_graphics', 0, 1], ['open_graphics_fd', 0], ['backup_begin', '<domainbackup/>', undef], 'backup_get_xml_description');
});

section('migration', sub {
    my ($conn) = @_;
    my $test = $conn->get_domain_by_name('test');
    my $other = Sys::Virt->new(uri => $uri);
    calls($test, ['migrate', $other], ['migrate', $other, {Sys::Virt::Domain::MIGRATE_PARAM_DEST_NAME() => 'x'}], ['migrate2', $other],
        ['migrate_to_uri', 'test:///default'], ['migrate_to_uri', 'test:///default', {}], ['migrate_to_uri2', 'test:///default'],
        ['migrate_set_max_downtime', 5], 'migrate_get_max_downtime', ['migrate_set_max_speed', 5], 'migrate_get_max_speed',
        ['migrate_set_compression_cache', 1 << 20], 'migrate_get_compression_cache', 'migrate_start_post_copy');
});

section('snapshots', sub {
    my ($conn) = @_;
    my $test = $conn->get_domain_by_name('test');
    calls($test, 'has_current_snapshot', 'current_snapshot');
    my $first = call($test, 'create_snapshot', sprintf($snapshot, 'one'));
    my $second = call($test, 'create_snapshot', sprintf($snapshot, 'two'));
    calls($test, ['create_snapshot', sprintf($snapshot, 'one')], qw(num_of_snapshots has_current_snapshot current_snapshot), ['get_snapshot_by_name', 'three'],
        ['get_snapshot_by_name', 'one']);
    show('lists', sub { map { [sort map { text($_) } @$_] } [$test->list_snapshot_names(10)], [$test->list_snapshots()], [$test->list_all_snapshots()] });
    calls($first, qw(get_name is_current has_metadata num_of_child_snapshots list_child_snapshots list_all_children get_parent), ['list_child_snapshot_names', 10]);
    calls($second, qw(is_current get_parent));
    document($second, 'get_xml_description', qr/creationTime/);
    calls($first, 'revert_to');
    calls($test, 'current_snapshot');
    calls($first, ['delete', Sys::Virt::DomainSnapshot::DELETE_CHILDREN()]);
    calls($test, 'num_of_snapshots');
});

section('checkpoints', sub {
    my ($conn) = @_;
    my $dom = $conn->get_domain_by_name('test');
    calls($conn->define_domain($domain), ['create_checkpoint', '<domaincheckpoint/>'], 'undefine');
    my $xml = "<domaincheckpoint><name>%s</name></domaincheckpoint>";
    my $first = call($dom, 'create_checkpoint', sprintf($xml, 'one'));
    calls($dom, ['get_checkpoint_by_name', 'none'], 'list_all_checkpoints');
    my $second = call($dom, 'create_checkpoint', sprintf($xml, 'two'));
    calls($second, qw(get_name get_parent));
    calls($first, 'list_all_children');
    document($second, 'get_xml_description', qr/creationTime/);
    calls($first, ['delete', Sys::Virt::DomainCheckpoint::DELETE_CHILDREN()]);
    calls($dom, 'list_all_checkpoints');
});

section('images', sub {
    my ($conn) = @_;
    my $test = $conn->get_domain_by_name('test');
    calls($test, ['save', "$files/image"], 'get_state');
    show('image', sub { (split /\n/, $conn->get_save_image_xml_description("$files/image"))[0] });
    show('define image', sub { $conn->define_save_image_xml("$files/image", $test->get_xml_description()); 'done' });
    calls($conn, ['restore_domain', "$files/image"], ['restore_domain', "$files/nothing"]);
    calls($test, qw(get_state has_managed_save_image managed_save has_managed_save_image));
    show('managed', sub { (split /\n/, $test->managed_save_get_xml_description())[0] });
    show('define managed', sub { $test->managed_save_define_xml($test->get_xml_description()); 'done' });
    calls($test, qw(managed_save_remove has_managed_save_image create));
    show('dump', sub { $test->core_dump("$files/core"); -s "$files/core" > 0 });
    show('dump format', sub { $test->core_dump_format("$files/core2", 0); -s "$files/core2" > 0 });
});

section('networks', sub {
    my ($conn) = @_;
    calls($conn, qw(list_networks num_of_networks list_defined_networks num_of_defined_networks list_all_networks), ['list_network_names', 10],
        ['list_defined_network_names', 10], ['get_network_by_name', 'nowhere'], ['get_network_by_uuid', $one]);
    my $net = call($conn, 'define_network', sprintf($network, 'one', $one));
    calls($net, qw(is_active is_persistent create create get_bridge_name get_uuid get_uuid_string get_name get_dhcp_leases), ['set_autostart', 1], 'get_autostart',
        ['update', Sys::Virt::Network::UPDATE_COMMAND_ADD_LAST(), Sys::Virt::Network::SECTION_IP_DHCP_HOST(), 0,
         "<host mac='52:54:00:00:00:05' name='h' ip='192.168.77.5'/>"]);
    document($net, 'get_xml_description');
    calls($net, 'list_all_ports', ['get_port_by_uuid', $two]);
    my $port = call($net, 'create_port', "<networkport><owner><name>o</name><uuid>$two</uuid></owner><mac address='52:54:00:00:00:07'/></networkport>");
    if ($port) {
        show('port xml', sub { $port->get_xml_description() =~ /^<networkport>/ });
        calls($port, 'get_parameters', ['set_parameters', {'inbound.average' => 100}], 'delete');
        show('port', sub { [length $port->get_uuid(), length $port->get_uuid_string()] });
    }
    calls($net, qw(destroy destroy undefine));
    calls(call($conn, 'create_network', sprintf($network, 'two', $two)), qw(is_persistent destroy));
});

section('interfaces', sub {
    my ($conn) = @_;
    calls($conn, qw(list_interfaces num_of_interfaces list_defined_interfaces num_of_defined_interfaces list_all_interfaces), ['list_interface_names', 10],
        ['list_defined_interface_names', 10], ['get_interface_by_name', 'eth9'], ['get_interface_by_mac', 'aa:bb:cc:dd:ee:99'],
        qw(interface_change_commit interface_change_begin interface_change_begin));
    my $eth = $conn->get_interface_by_name('eth1');
    calls($eth, qw(get_name get_mac is_active destroy is_active create));
    document($eth, 'get_xml_description');
    show('by mac', sub { $conn->get_interface_by_mac($eth->get_mac()) });
    calls($conn, ['define_interface', "<interface type='ethernet' name='eth2'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:01'/><mtu size='1500'/></interface>"],
        ['create_interface', '<nonsense/>'], qw(interface_change_rollback list_all_interfaces));
    calls($eth, 'undefine');
});

section('node devices', sub {
    my ($conn) = @_;
    show('lists', sub { map { [sort map { text($_) } @$_] } [$conn->list_node_devices(undef)], [$conn->list_node_device_names('scsi_host', 10)], [$conn->list_all_node_devices()] });
    calls($conn, ['num_of_node_devices', undef], ['get_node_device_by_name', 'nothing'], ['get_node_device_scsihost_by_wwn', '2000000012341234', '1000000012341234'],
        ['define_node_device', '<device/>']);
    my $device = $conn->get_node_device_by_name('scsi_host1');
    calls($device, qw(get_name get_parent list_capabilities reattach reset is_active is_persistent get_autostart), ['set_autostart', 1], ['dettach', undef], 'create', 'undefine');
    document($device, 'get_xml_description');
    calls(call($conn, 'create_node_device', "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
        . '<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>'), qw(get_parent destroy));
});

section('filters', sub {
    my ($conn) = @_;
    calls($conn, qw(list_nwfilters num_of_nwfilters list_all_nwfilters list_all_nwfilter_bindings), ['list_nwfilter_names', 10], ['get_nwfilter_by_name', 'x'],
        ['get_nwfilter_by_uuid', $one], ['get_nwfilter_binding_by_port_dev', 'x'], ['create_nwfilter_binding', '<filterbinding/>']);
    my $filter = call($conn, 'define_nwfilter', "<filter name='one'><uuid>$one</uuid></filter>");
    if ($filter) {
        my $binding = call($conn, 'create_nwfilter_binding', "<filterbinding><owner><name>o</name><uuid>$two</uuid></owner><portdev name='vnet9'/>"
            . "<mac address='52:54:00:00:00:09'/><filterref filter='one'/></filterbinding>");
        show('binding xml', sub { $binding->get_xml_description() =~ /^<filterbinding>/ });
        calls($binding, qw(get_port_dev get_filter_name delete));
        show('filter xml', sub { $filter->get_xml_description() =~ /^<filter/ });
        calls($filter, qw(get_name get_uuid_string get_uuid undefine));
    }
});

section('secrets', sub {
    my ($conn) = @_;
    calls($conn, qw(list_secrets num_of_secrets list_all_secrets), ['list_secret_uuids', 10], ['get_secret_by_uuid', $one], ['get_secret_by_usage', 1, '/x']);
    my $secret = call($conn, 'define_secret', "<secret ephemeral='no'><uuid>$one</uuid><usage type='volume'><volume>/x</volume></usage></secret>");
    if ($secret) {
        show('secret xml', sub { $secret->get_xml_description() =~ /^<secret/ });
        calls($secret, qw(get_uuid get_uuid_string get_usage_type get_usage_id get_value), ['set_value', 'abc'], qw(get_value undefine));
    }
});

section('storage', sub {
    my ($conn) = @_;
    calls($conn, qw(list_storage_pools num_of_storage_pools list_defined_storage_pools num_of_defined_storage_pools list_all_storage_pools), ['list_storage_pool_names', 10],
        ['list_defined_storage_pool_names', 10], ['get_storage_pool_by_name', 'nothing'], ['get_storage_pool_by_uuid', $one], ['get_storage_pool_by_target_path', '/nowhere']);
    my $pool = call($conn, 'define_storage_pool', sprintf($pool_xml, 'one', $one, 'one'));
    calls($pool, qw(is_active build create refresh is_persistent get_uuid get_uuid_string get_name num_of_storage_volumes), ['set_autostart', 1], qw(get_autostart get_info));
    show('by target', sub { $conn->get_storage_pool_by_target_path('/pool-one') });
    document($pool, 'get_xml_description');
    my $volume = call($pool, 'create_volume', sprintf($volume_xml, 'v'));
    calls($pool, ['create_volume', sprintf($volume_xml, 'v')], ['clone_volume', sprintf($volume_xml, 'w'), $volume], ['get_volume_by_name', 'v9'], ['get_volume_by_name', 'v']);
    show('lists', sub { map { [sort map { text($_) } @$_] } [$pool->list_storage_vol_names(10)], [$pool->list_volumes()], [$pool->list_all_volumes()] });
    show('found', sub { [$conn->get_storage_volume_by_path($volume->get_path()), $conn->get_storage_volume_by_key($volume->get_key()), $conn->get_storage_pool_by_volume($volume)] });
    calls($conn, ['get_storage_volume_by_path', '/nowhere'], ['get_storage_volume_by_key', 'nothing']);
    calls($volume, qw(get_name get_key get_path get_info), ['resize', 2 << 20], 'wipe', ['wipe_pattern', 0]);
    document($volume, 'get_xml_description', qr/time/);
    calls($volume, ['delete', 0], 'get_info');
    calls($pool, qw(destroy delete undefine));
    calls(call($conn, 'create_storage_pool', sprintf($pool_xml, 'two', $two, 'two')), 'destroy');
});

section('streams', sub {
    my ($conn) = @_;
    my $test = $conn->get_domain_by_name('test');
    my $volume = $conn->get_storage_pool_by_name('default-pool')->create_volume(sprintf($volume_xml, 's'));
    show('upload', sub {
        my $stream = $conn->new_stream();
        $volume->upload($stream, 0, 10);
        my $sent = $stream->send('0123456789', 10);
        $stream->finish();
        $sent });
    show('upload all', sub {
        my ($stream, @parts) = ($conn->new_stream(), '01234', '56789');
        $volume->upload($stream, 0, 10);
        # As much as is asked for is read from what is given, whatever is said of its length.
        $stream->send_all(sub { my $part = shift @parts // ''; $_[1] = $part . "\0" x $_[2]; length $part });
        $stream->finish() });
    show('download', sub {
        my $stream = $conn->new_stream();
        $volume->download($stream, 0, 10);
        my $got = $stream->recv(my $data, 10);
        $stream->finish();
        [$got, $data] });
    show('sparse upload', sub {
        my ($stream, @parts) = ($conn->new_stream(), '01234');
        $volume->upload($stream, 0, 0, Sys::Virt::StorageVol::VOL_UPLOAD_SPARSE_STREAM());
        $stream->sparse_send_all(sub { my $part = shift @parts // ''; $_[1] = $part . "\0" x $_[2]; length $part }, sub { (1, 5) }, sub { 0 });
        $stream->send_hole(10);
        $stream->finish() });
    show('sparse download', sub {
        my $stream = $conn->new_stream();
        $volume->download($stream, 0, 0, Sys::Virt::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM());
        $stream->sparse_recv_all(sub { $_[2] }, sub { 0 });
        $stream->finish() });
    show('screenshot', sub {
        my ($stream, $got) = ($conn->new_stream(), '');
        my $kind = $test->screenshot($stream, 0);
        $stream->recv_all(sub { my ($st, $data, $n) = @_; $got .= $data; return $n });
        $stream->finish();
        [$kind, substr($got, 1, 3)] });
    show('aborted', sub {
        my $stream = $conn->new_stream();
        $test->screenshot($stream, 0);
        $stream->abort() });
    show('unused', sub { $conn->new_stream()->recv(my $data, 10) });
    show('hole of nothing', sub { $conn->new_stream()->recv_hole() });
    show('finish unused', sub { $conn->new_stream()->finish() });
});
