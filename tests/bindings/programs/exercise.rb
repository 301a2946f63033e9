#!/usr/bin/ruby
# SPDX-License-Identifier: LGPL-2.1-or-later
# ruby-libvirt: exercise.rb URI prints what the library answers, as text without times and addresses. The binding has no class
# for network ports, checkpoints and filter bindings, and no events but those of domains (events.rb).
require_relative '../shared/exercise'

NETWORK = "<network><name>%s</name><uuid>%s</uuid><forward mode='nat'/><bridge name='virbr7'/>" \
          "<ip address='192.168.77.1' netmask='255.255.255.0'/></network>"
POOL = "<pool type='dir'><name>%s</name><uuid>%s</uuid><target><path>/pool-%s</path></target></pool>"
VOLUME = "<volume><name>%s</name><capacity unit='bytes'>1048576</capacity><target><format type='raw'/></target></volume>"
SNAPSHOT = '<domainsnapshot><name>%s</name></domainsnapshot>'
CPU = "<cpu><arch>x86_64</arch><model>qemu64</model><topology sockets='1' cores='1' threads='1'/></cpu>"

section 'versions' do
  show('version') { [Libvirt.version.length, Libvirt.version('Test').map(&:class)] }
  show('parts') { v = Libvirt.version[0]; [v.type, v.version >= 9_000_000, v.major >= 9, v.minor >= 0, v.release >= 0, v.to_s =~ /^\d+\.\d+\.\d+$/] }
end

section 'connection' do |conn|
  calls conn, :type, :alive?, :closed?, :encrypted?, :secure?, :node_free_memory, :node_get_info, :node_info, :sys_info,
        [:max_vcpus, 'test'], [:node_cells_free_memory, 0, 2], [:node_cpu_stats, -1], [:node_memory_stats, -1], :node_memory_parameters,
        [:node_memory_parameters=, [{ 'shm_pages_to_scan' => 200 }, 0]], :node_cpu_map, :node_get_cpu_map, :node_security_model,
        :node_get_security_model, [:node_suspend_for_duration, 0, 60], [:node_free_pages, [4], 0], [:node_alloc_pages, [{ 4 => 1 }]],
        [:compare_cpu, CPU], [:baseline_cpu, [CPU]], [:domain_capabilities, nil, 'i686', nil, 'test'],
        [:domain_xml_from_native, 'qemu-argv', 'qemu'], [:domain_xml_to_native, 'qemu-argv', DOMAIN], [:keepalive=, [-1, 0]],
        [:set_keepalive, -1, 0], [:discover_storage_pool_sources, 'nonsense']
  show('version') { conn.version }
  show('hostname') { conn.hostname.class }
  show('library') { conn.libversion >= 9_000_000 }
  show('uri') { conn.uri == ARGV[0] }
  show('cpu models') { conn.cpu_model_names('x86_64')[0, 3] }
  document conn, :capabilities
  show('alias') { Libvirt.open('bindings').type }
  show('nonsense') { Libvirt.open('nonsense:///') }
  show('read-only') { Libvirt.open_read_only(ARGV[0]).define_domain_xml(DOMAIN) }
  show('wrong type') { Libvirt.open(5) }
  other = Libvirt.open(ARGV[0])
  calls other, :close, :closed?, :type
  show('error text') do
    conn.lookup_domain_by_name('nobody')
  rescue Libvirt::RetrieveError => e
    [e.libvirt_message.class, e.libvirt_function_name]
  end
end

section 'credentials' do
  File.write('/tmp/auth.xml', "<node><auth><user password='123'>one</user><user>two</user></auth></node>")
  uri = 'test:///tmp/auth.xml'
  kinds = [Libvirt::CRED_AUTHNAME, Libvirt::CRED_PASSPHRASE]
  { 'right' => ['one', '123'], 'wrong' => ['one', '124'], 'free' => ['two', ''], 'unknown' => ['three', ''] }.each do |name, (user, password)|
    asked = []
    show(name) do
      Libvirt.open_auth(uri, kinds, 'opaque') do |c|
        asked << [c['type'], c['challenge'].class, c['defresult'], c['opaque']]
        c['type'] == Libvirt::CRED_AUTHNAME ? user : password
      end.type
    end
    puts "asked: #{asked.map { |a| a[0] }} #{asked.map { |a| a[3] }.uniq}"
  end
  show('without') { Libvirt.open(uri) }
  show('read-only') { Libvirt.open_auth(ARGV[0], kinds, nil, Libvirt::CONNECT_RO) { 'x' }.define_domain_xml(DOMAIN) }
end

section 'domains' do |conn|
  calls conn, :list_domains, :num_of_domains, :list_defined_domains, :num_of_defined_domains, :list_all_domains,
        [:list_all_domains, Libvirt::Connect::LIST_DOMAINS_INACTIVE], [:lookup_domain_by_name, 'nobody'], [:lookup_domain_by_id, 99],
        [:lookup_domain_by_id, 1], [:lookup_domain_by_uuid, ONE]
  test = conn.lookup_domain_by_name('test')
  show('by uuid') { d = conn.lookup_domain_by_uuid(test.uuid); [d, d.id] }
  one = call(conn, :define_domain_xml, DOMAIN)
  calls one, :create, :create, :suspend, :suspend, :resume, :resume, :reboot, :state, :shutdown, :state, :create, :reset, :destroy, :state,
        [:create, Libvirt::Domain::START_PAUSED], :state, :destroy, :active?, :persistent?, :updated?, :uuid, :os_type, :name,
        [:autostart=, true], :autostart?, :autostart, [:create_with_files, []], [:rename, 'new'], :name, :undefine
  show('connection') { one.connection.type }
  show('free') { [one.free, one.name] }
  two = call(conn, :create_domain_linux, DOMAIN)
  calls two, :persistent?, :undefine, :destroy
  show('transient') { conn.create_domain_xml(DOMAIN, 0).destroy }
  show('with files') { conn.create_domain_xml_with_files(DOMAIN, []).destroy }
  calls test, :info, :max_memory, :max_vcpus, :num_vcpus, :hostname, :control_info, :security_label, :security_label_list, :job_info, :job_stats,
        :abort_job, :get_vcpus, :vcpus, [:vcpus=, 1], [:vcpus_flags=, [2, 0]], [:pin_vcpu, 0, [0]], [:pin_emulator, [0]], :emulator_pin_info,
        [:memory=, 1_048_576], [:max_memory=, 8_388_608], :memory_stats, [:memory_stats_period=, 5], [:cpu_stats, -1, 1], :disk_errors
  document test, :xml_desc
  calls test, [:metadata=, [Libvirt::Domain::METADATA_DESCRIPTION, 'text']], [:metadata, Libvirt::Domain::METADATA_DESCRIPTION],
        [:metadata, Libvirt::Domain::METADATA_TITLE],
        [:metadata=, [Libvirt::Domain::METADATA_ELEMENT, '<a/>', 'x', 'http://example.org/x']],
        [:metadata, Libvirt::Domain::METADATA_ELEMENT, 'http://example.org/x']
  calls test, [:send_key, Libvirt::Domain::KEYCODE_SET_LINUX, 0, [30]], [:send_process_signal, 1, Libvirt::Domain::PROCESS_SIGNAL_HUP], :inject_nmi,
        [:pmsuspend_for_duration, Libvirt::Connect::NODE_SUSPEND_TARGET_MEM, 0], :pmwakeup, [:time=, { 'seconds' => 5, 'nseconds' => 0 }],
        [:user_password=, %w[root x]], [:fs_freeze, ['/']], :fs_freeze, :fs_info, :fs_thaw, [:fstrim], :hostname
  show('time') { test.time.keys.sort }
end

section 'parameters' do |conn|
  test = conn.lookup_domain_by_name('test')
  calls test, :memory_parameters, [:memory_parameters=, { 'hard_limit' => 9_000_000 }], :memory_parameters,
        [:memory_parameters=, { 'nonsense' => 1 }], :blkio_parameters, [:blkio_parameters=, { 'weight' => 500 }], :blkio_parameters,
        :scheduler_type, :scheduler_parameters, [:scheduler_parameters=, { 'weight' => 60 }], [:scheduler_parameters=, { 'nonsense' => 60 }],
        :numa_parameters, [:numa_parameters=, { 'nonsense' => 1 }], [:interface_parameters, 'testnet0'],
        [:interface_parameters=, ['testnet0', { 'inbound.average' => 100 }]], [:interface_parameters, 'testnet0'], [:interface_parameters, 'net9'],
        [:block_iotune, 'vda'], [:block_iotune=, ['vda', { 'read_bytes_sec' => 1000 }]], [:block_iotune, 'vda'],
        [:ifinfo, 'net9'], [:block_stats_flags, 'vda'], [:block_stats, 'vdz'], [:blockinfo, 'vda']
  # Their figures grow with the time.
  show('counts') { [test.ifinfo('testnet0').rx_bytes.class, test.block_stats('vda').rd_bytes.class] }
end

section 'devices' do |conn|
  test = conn.lookup_domain_by_name('test')
  disk = "<disk type='file' device='disk'><source file='/guest/%s'/><target dev='%s' bus='virtio'/></disk>"
  calls test, [:attach_device, format(disk, 'two', 'vdb')], [:update_device, format(disk, 'three', 'vda')],
        [:detach_device, format(disk, 'two', 'vdb')], [:detach_device, format(disk, 'nine', 'vdx')], [:block_peek, '/guest/disk', 0, 10],
        [:memory_peek, 0, 10], [:block_resize, 'vda', 2048], [:block_pull, 'vda'], [:block_commit, 'vda'], [:block_rebase, 'vda', '/x'],
        [:block_job_info, 'vda'], [:block_job_speed=, ['vda', 1]], [:block_job_abort, 'vda'], [:open_channel, 'x', conn.stream],
        [:open_console, conn.stream, 'x'], [:open_graphics, $stdout.fileno, 0]
  calls test, [:qemu_monitor_command, '{}', 0], [:qemu_agent_command, '{}']
  calls conn, [:qemu_attach, 1]
  show('lxc') { test.lxc_open_namespace }
  show('lxc') { test.lxc_enter_namespace([]) }
end

section 'migration' do |conn|
  test = conn.lookup_domain_by_name('test')
  other = Libvirt.open(ARGV[0])
  calls test, [:migrate, other], [:migrate2, other], [:migrate3, other, { 'destination_name' => 'x' }], [:migrate_to_uri, 'test:///default', 0],
        [:migrate_to_uri2, 'test:///default'], [:migrate_to_uri3, 'test:///default', {}, 0], [:migrate_max_speed], [:migrate_max_speed=, 5],
        [:migrate_set_max_speed, 5], [:migrate_max_downtime=, 5], [:migrate_set_max_downtime, 5], [:migrate_compression_cache],
        [:migrate_compression_cache=, 1 << 20]
end

section 'snapshots' do |conn|
  test = conn.lookup_domain_by_name('test')
  calls test, :has_current_snapshot?, :current_snapshot
  one = call(test, :snapshot_create_xml, format(SNAPSHOT, 'one'))
  two = call(test, :snapshot_create_xml, format(SNAPSHOT, 'two'))
  calls test, [:snapshot_create_xml, format(SNAPSHOT, 'one')], :num_of_snapshots, :current_snapshot,
        [:lookup_snapshot_by_name, 'three'], [:lookup_snapshot_by_name, 'one']
  show('lists') { [test.list_snapshots.sort, test.list_all_snapshots.map(&:name).sort] }
  calls one, :name, :current?, :has_metadata?, :num_children, :list_children_names, :list_all_children, :parent
  calls two, :current?, :parent
  document two, :xml_desc, without: /creationTime/
  calls test, [:revert_to_snapshot, one], :current_snapshot
  calls one, [:delete, Libvirt::Domain::Snapshot::DELETE_CHILDREN], :free
  calls test, :list_snapshots
end

section 'images' do |conn|
  test = conn.lookup_domain_by_name('test')
  calls test, [:save, "#{FILES}/image"], :state
  show('image') { conn.save_image_xml_desc("#{FILES}/image").lines.first }
  show('define image') { conn.define_save_image_xml("#{FILES}/image", test.xml_desc) }
  show('restore') { Libvirt::Domain.restore(conn, "#{FILES}/image") }
  show('restore nothing') { Libvirt::Domain.restore(conn, "#{FILES}/nothing") }
  calls test, :state, :has_managed_save?, :managed_save, :has_managed_save?, :managed_save_remove, :has_managed_save?, :create
  show('dump') { [test.core_dump("#{FILES}/core"), File.size("#{FILES}/core").positive?] }
  show('dump') { [test.core_dump_with_format("#{FILES}/core2", Libvirt::Domain::CORE_DUMP_FORMAT_RAW), File.size("#{FILES}/core2").positive?] }
end

section 'networks' do |conn|
  calls conn, :list_networks, :num_of_networks, :list_defined_networks, :num_of_defined_networks, :list_all_networks,
        [:lookup_network_by_name, 'nowhere'], [:lookup_network_by_uuid, ONE]
  one = call(conn, :define_network_xml, format(NETWORK, 'one', ONE))
  calls one, :active?, :persistent?, :create, :create, :bridge_name, [:autostart=, true], :autostart?, :autostart, :uuid, :name, :dhcp_leases,
        [:update, Libvirt::Network::UPDATE_COMMAND_ADD_LAST, Libvirt::Network::SECTION_IP_DHCP_HOST, 0,
         "<host mac='52:54:00:00:00:05' name='h' ip='192.168.77.5'/>", 0]
  document one, :xml_desc
  show('connection') { one.connection.type }
  calls one, :destroy, :destroy, :undefine, :free
  two = call(conn, :create_network_xml, format(NETWORK, 'two', TWO))
  calls two, :persistent?, :destroy
end

section 'interfaces' do |conn|
  calls conn, :list_interfaces, :num_of_interfaces, :list_defined_interfaces, :num_of_defined_interfaces, :list_all_interfaces,
        [:lookup_interface_by_name, 'eth9'], [:lookup_interface_by_mac, 'aa:bb:cc:dd:ee:99'], :interface_change_commit,
        :interface_change_begin, :interface_change_begin
  eth = conn.lookup_interface_by_name('eth1')
  calls eth, :name, :mac, :active?, :destroy, :active?, :create
  document eth, :xml_desc
  show('by mac') { conn.lookup_interface_by_mac(eth.mac) }
  show('connection') { eth.connection.type }
  calls conn, [:define_interface_xml, "<interface type='ethernet' name='eth2'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:01'/>" \
                                      "<mtu size='1500'/></interface>"], :list_defined_interfaces, :interface_change_rollback, :list_all_interfaces
  calls eth, :destroy, :undefine, :free
end

section 'node devices' do |conn|
  show('list') { conn.list_nodedevices.sort }
  show('list all') { conn.list_all_nodedevices.map(&:name).sort }
  calls conn, :num_of_nodedevices, [:lookup_nodedevice_by_name, 'nothing']
  device = conn.lookup_nodedevice_by_name('scsi_host1')
  calls device, :name, :parent, :num_of_caps, :list_caps, :detach, :reattach, :reset
  document device, :xml_desc
  show('connection') { device.connection.type }
  show('by wwn') { device.lookup_scsi_host_by_wwn('2000000012341234', '1000000012341234') }
  made = call(conn, :create_nodedevice_xml, "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>" \
                                            '<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>')
  calls made, :parent, :destroy, :free
end

section 'filters' do |conn|
  calls conn, :list_nwfilters, :num_of_nwfilters, :list_all_nwfilters, [:lookup_nwfilter_by_name, 'x'], [:lookup_nwfilter_by_uuid, ONE],
        [:define_nwfilter_xml, '<nonsense/>']
  one = call(conn, :define_nwfilter_xml, "<filter name='one'><uuid>#{ONE}</uuid></filter>")
  calls one, :name, :uuid
  document one, :xml_desc
  show('connection') { one.connection.type }
  calls one, :undefine, :free
end

section 'secrets' do |conn|
  calls conn, :list_secrets, :num_of_secrets, :list_all_secrets, [:lookup_secret_by_uuid, ONE],
        [:lookup_secret_by_usage, Libvirt::Secret::USAGE_TYPE_VOLUME, '/x']
  one = call(conn, :define_secret_xml, "<secret ephemeral='no'><uuid>#{ONE}</uuid><usage type='volume'><volume>/x</volume></usage></secret>")
  calls one, :uuid, :usagetype, :usageid, :get_value, [:set_value, 'abc'], :get_value, [:value=, 'abcd'], :value
  document one, :xml_desc
  show('connection') { one.connection.type }
  calls one, :undefine, :free
end

section 'storage' do |conn|
  calls conn, :list_storage_pools, :num_of_storage_pools, :list_defined_storage_pools, :num_of_defined_storage_pools, :list_all_storage_pools,
        [:lookup_storage_pool_by_name, 'nothing'], [:lookup_storage_pool_by_uuid, ONE]
  one = call(conn, :define_storage_pool_xml, format(POOL, 'one', ONE, 'one'))
  calls one, :active?, :build, :create, :refresh, :persistent?, :num_of_volumes, [:autostart=, true], :autostart?, :autostart, :name, :uuid,
        :destroy, :delete, :undefine, :free
  show('transient') { conn.create_storage_pool_xml(format(POOL, 'two', TWO, 'two')).destroy }
  pool = conn.lookup_storage_pool_by_name('default-pool')
  calls pool, :info, :list_volumes
  document pool, :xml_desc
  show('connection') { pool.connection.type }
  volume = call(pool, :create_volume_xml, format(VOLUME, 'v'))
  calls pool, [:create_vol_xml, format(VOLUME, 'v')], [:create_vol_xml, format(VOLUME, 'w')], [:create_volume_xml_from, format(VOLUME, 'x'), volume],
        [:create_vol_xml_from, format(VOLUME, 'y'), volume], :num_of_volumes, [:lookup_volume_by_name, 'v9'],
        [:lookup_volume_by_name, 'v'], [:lookup_volume_by_path, '/nowhere'], [:lookup_volume_by_key, 'nothing']
  show('lists') { pool.list_volumes.sort }
  show('list all') { pool.list_all_volumes(0).map(&:name).sort }
  show('found') { [pool.lookup_volume_by_path(volume.path), pool.lookup_volume_by_key(volume.key)] }
  calls volume, :name, :key, :path, :info, :pool, [:resize, 2 << 20], :wipe, [:wipe_pattern, Libvirt::StorageVol::WIPE_ALG_ZERO]
  document volume, :xml_desc, without: /time/
  calls volume, :delete, :info, :free
end

section 'streams' do |conn|
  pool = conn.lookup_storage_pool_by_name('default-pool')
  volume = pool.create_volume_xml(format(VOLUME, 's'))
  show('upload') { s = conn.stream; volume.upload(s, 0, 10); [s.send('0123456789'), s.finish, s.connection.type, s.free] }
  show('upload all') do
    stream = conn.stream
    parts = ['01234', '56789']
    volume.upload(stream, 0, 10)
    stream.sendall { |_, _| (part = parts.shift) ? [part.length, part] : [0, ''] }
    stream.finish
  end
  show('download') { s = conn.stream; volume.download(s, 0, 10); got = s.recv(10); s.finish; got }
  show('abort') { s = conn.stream; volume.download(s, 0, 10); s.abort }
  show('screenshot') do
    stream = conn.stream
    kind = conn.lookup_domain_by_name('test').screenshot(stream, 0)
    got = +''
    stream.recvall { |data, _| got << data; data.length }
    stream.finish
    [kind, got[1, 3]]
  end
  show('unused') { conn.stream.recv(10) }
  show('finish unused') { conn.stream.finish }
end
