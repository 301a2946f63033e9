#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sys::Virt: exercise.pl URI prints what the library answers, as text without times and addresses.
use strict;
use warnings;
use Sys::Virt;
use Sys::Virt::Domain;
use Sys::Virt::Event;
use Sys::Virt::Stream;

my $uri = $ARGV[0];
my $one = '11111111-1111-4111-8111-111111111111';
my $domain = "<domain type='test'><name>one</name><uuid>$one</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
    . "<os><type arch='i686'>hvm</type></os></domain>";
$| = 1;

sub text {
    my ($value) = @_;
    return 'undef' unless defined $value;
    return '[' . join(', ', map { text($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return '{' . join(', ', map { "$_=" . text($value->{$_}) } sort keys %$value) . '}' if ref $value eq 'HASH';
    return $value->get_name() if ref $value && $value->can('get_name');
    return ref $value ? ref $value : $value;
}

sub show {
    my ($name, $call) = @_;
    my @value = eval { $call->() };
    if (my $error = $@) {
        print ref $error ? "$name: error " . $error->code . ' domain ' . $error->domain . ' level ' . $error->level . "\n"
            : "$name: failed\n";
        return undef;
    }
    print "$name: " . text(@value == 1 ? $value[0] : \@value) . "\n";
    return $value[0];
}

print "== connection\n";
my $conn = Sys::Virt->new(uri => $uri);
show('type', sub { $conn->get_type() });
show('version', sub { $conn->get_version() });
show('node', sub { $conn->get_node_info() });
show('alias', sub { Sys::Virt->new(uri => 'bindings')->get_type() });
show('nonsense', sub { Sys::Virt->new(uri => 'nonsense:///') });
show('free memory', sub { $conn->get_node_free_memory() });
show('cpu stats', sub { $conn->get_node_cpu_stats() });
show('read-only', sub { Sys::Virt->new(uri => $uri, readonly => 1)->define_domain($domain) });

print "== domains\n";
show('list', sub { $conn->list_all_domains() });
show('lists', sub { [$conn->num_of_domains(), $conn->num_of_defined_domains(), [$conn->list_domains()], [$conn->list_defined_domains()]] });
my $test = show('lookup', sub { $conn->get_domain_by_name('test') });
show('missing', sub { $conn->get_domain_by_name('nobody') });
show('missing id', sub { $conn->get_domain_by_id(99) });
my $dom = show('define', sub { $conn->define_domain($domain) });
show('create', sub { $dom->create() });
for my $step (qw(suspend resume reboot shutdown get_state create destroy get_state get_autostart is_active is_persistent get_uuid_string)) {
    show($step, sub { $dom->$step() });
}
show('set autostart', sub { $dom->set_autostart(1); $dom->get_autostart() });
show('info', sub { my $i = $test->get_info(); delete $i->{cpuTime}; $i });
show('stats', sub { sort { $a->{name} cmp $b->{name} } map { {name => $_->{dom}->get_name(), state => $_->{data}->{'state.state'}} }
    $conn->get_all_domain_stats(Sys::Virt::Domain::STATS_STATE) });

print "== parameters\n";
show('memory', sub { $test->get_memory_parameters() });
show('set memory', sub { $test->set_memory_parameters({Sys::Virt::Domain::MEMORY_HARD_LIMIT => 9000000}) });
show('memory', sub { $test->get_memory_parameters() });
show('scheduler', sub { $test->get_scheduler_parameters() });
show('blkio', sub { $test->get_blkio_parameters() });
show('interface', sub { $test->get_interface_parameters('testnet0') });
show('block stats', sub { [sort keys %{$test->block_stats('vda')}] });
show('fs', sub { $test->get_fs_info() });
show('vcpu info', sub { map { {number => $_->{number}, state => $_->{state}} } $test->get_vcpu_info() });

print "== metadata\n";
show('set', sub { $test->set_metadata(Sys::Virt::Domain::METADATA_ELEMENT, '<a/>', 'x', 'http://example.org/x', 0) });
show('get', sub { $test->get_metadata(Sys::Virt::Domain::METADATA_ELEMENT, 'http://example.org/x', 0) });
show('missing', sub { $test->get_metadata(Sys::Virt::Domain::METADATA_TITLE, undef, 0) });

print "== snapshots\n";
show('create', sub { $test->create_snapshot('<domainsnapshot><name>s</name></domainsnapshot>') });
show('list', sub { $test->list_all_snapshots() });
show('revert', sub { $test->get_snapshot_by_name('s')->revert_to() });
show('delete', sub { $test->get_snapshot_by_name('s')->delete() });

print "== networks\n";
show('networks', sub { $conn->list_all_networks() });
show('missing', sub { $conn->get_network_by_name('nowhere') });
show('define', sub { $conn->define_network("<network><name>one</name><uuid>$one</uuid></network>") });
show('active', sub { $conn->get_network_by_name('one')->is_active() });

print "== interfaces\n";
show('interfaces', sub { $conn->list_all_interfaces() });
print "== node devices\n";
show('devices', sub { sort map { $_->get_name() } $conn->list_all_node_devices() });

print "== storage\n";
show('pools', sub { $conn->list_all_storage_pools() });
my $pool = show('pool', sub { $conn->get_storage_pool_by_name('default-pool') });
my $volume = show('volume', sub { $pool->create_volume('<volume><name>v</name><capacity>1048576</capacity></volume>') });
show('volume info', sub { $volume->get_info() });
show('volumes', sub { $pool->list_all_volumes() });
show('upload', sub {
    my $stream = $conn->new_stream();
    $volume->upload($stream, 0, 10);
    my $sent = $stream->send('0123456789', 10);
    $stream->finish();
    $sent });
show('screenshot', sub {
    my ($stream, $got) = ($conn->new_stream(), '');
    $test->screenshot($stream, 0);
    $stream->recv_all(sub { my ($st, $data, $n) = @_; $got .= $data; return $n });
    $stream->finish();
    substr($got, 1, 3) });

print "== events\n";
Sys::Virt::Event::register_default();
my $watched = Sys::Virt->new(uri => $uri);
my @seen;
my $id = $watched->domain_event_register_any(undef, Sys::Virt::Domain::EVENT_ID_LIFECYCLE,
    sub { my ($c, $d, $event, $detail) = @_; push @seen, $d->get_name() . " $event $detail" });
my $timer = Sys::Virt::Event::add_timeout(50, sub { });
my $target = show('define', sub { $watched->define_domain($domain) });
$target->create();
$target->destroy();
$target->undefine();
my $end = time + 10;
Sys::Virt::Event::run_default() while (time < $end && !grep { $_ eq 'one 1 0' } @seen);
print "$_\n" for @seen;
$watched->domain_event_deregister_any($id);
show('deregister again', sub { $watched->domain_event_deregister_any($id) });
Sys::Virt::Event::remove_timeout($timer);
