#!/usr/bin/ruby
# SPDX-License-Identifier: LGPL-2.1-or-later
# ruby-libvirt: exercise.rb URI prints what the library answers, as text without times and addresses.
require 'libvirt'

URI = ARGV[0]
ONE = '11111111-1111-4111-8111-111111111111'
DOMAIN = "<domain type='test'><name>one</name><uuid>#{ONE}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>" \
         "<os><type arch='i686'>hvm</type></os></domain>"

def text(value)
  case value
  when Hash then '{' + value.sort.map { |k, v| "#{k}=#{text(v)}" }.join(', ') + '}'
  when Array then '[' + value.map { |v| text(v) }.join(', ') + ']'
  else value.respond_to?(:name) && !value.is_a?(Module) ? value.name : value.inspect
  end
end

def show(name)
  value = yield
  puts "#{name}: #{text(value)}"
  value
rescue Libvirt::Error => e
  puts "#{name}: #{e.class} #{e.libvirt_code} domain #{e.libvirt_component} level #{e.libvirt_level}"
rescue NoMethodError, ArgumentError, TypeError => e
  puts "#{name}: #{e.class}"
end

$stdout.sync = true
puts '== connection'
conn = Libvirt.open(URI)
show('type') { conn.type }
show('version') { conn.version }
show('alias') { Libvirt.open('bindings').type }
show('nonsense') { Libvirt.open('nonsense:///') }
show('read-only') { Libvirt.open_read_only(URI).define_domain_xml(DOMAIN) }
show('free memory') { conn.node_free_memory }
show('node') { i = conn.node_info; [i.model, i.memory, i.cpus, i.mhz, i.nodes, i.sockets, i.cores, i.threads] }
show('cpu stats') { conn.node_cpu_stats }
show('alive') { conn.alive? }
show('auth') { Libvirt.open_auth(URI, [Libvirt::CRED_AUTHNAME]) { |c| 'x' }.type }

puts '== domains'
show('list') { conn.list_all_domains }
show('lists') { [conn.list_domains, conn.list_defined_domains, conn.num_of_domains] }
test = show('lookup') { conn.lookup_domain_by_name('test') }
show('missing') { conn.lookup_domain_by_name('nobody') }
show('missing id') { conn.lookup_domain_by_id(99) }
one = show('define') { conn.define_domain_xml(DOMAIN) }
%w[create suspend resume reboot shutdown state create destroy state active? persistent? uuid os_type].each do |step|
  show(step) { one.send(step) }
end
show('autostart') { one.autostart = true; one.autostart? }
show('info') { i = test.info; [i.state, i.max_mem, i.memory, i.nr_virt_cpu] }
show('undefine') { one.undefine }
show('metadata') { test.metadata = [Libvirt::Domain::METADATA_DESCRIPTION, 'text']; test.metadata(Libvirt::Domain::METADATA_DESCRIPTION) }

puts '== parameters'
show('memory') { test.memory_parameters }
show('set memory') { test.memory_parameters = { 'hard_limit' => 9000000 } }
show('memory') { test.memory_parameters }
show('blkio') { test.blkio_parameters }
show('scheduler') { [test.scheduler_type, test.scheduler_parameters] }
show('interface') { test.interface_parameters('testnet0') }
show('fs') { test.fs_info.length }
show('pin') { test.pin_vcpu(0, [0]) }

puts '== snapshots'
show('create') { test.snapshot_create_xml('<domainsnapshot><name>s</name></domainsnapshot>') }
show('list') { test.list_all_snapshots }
show('current') { test.current_snapshot }
show('delete') { test.lookup_snapshot_by_name('s').delete }

puts '== networks'
show('list') { conn.list_all_networks }
show('define') { conn.define_network_xml("<network><name>one</name><uuid>#{ONE}</uuid></network>") }
show('missing') { conn.lookup_network_by_name('nowhere') }
puts '== interfaces'
show('list') { conn.list_all_interfaces }
puts '== node devices'
show('list') { conn.list_nodedevices.sort }

puts '== storage'
show('pools') { conn.list_all_storage_pools }
pool = show('pool') { conn.lookup_storage_pool_by_name('default-pool') }
volume = show('volume') { pool.create_volume_xml('<volume><name>v</name><capacity>1048576</capacity></volume>') }
show('path') { volume.path }
show('info') { i = volume.info; [i.type, i.capacity, i.allocation] }
show('upload') { stream = conn.stream; volume.upload(stream, 0, 10); stream.send('0123456789'); stream.finish }
show('screenshot') do
  stream = conn.stream
  test.screenshot(stream, 0)
  got = +''
  stream.recvall { |data, _| got << data; data.length }
  stream.finish
  got[1, 3]
end
