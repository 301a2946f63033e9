#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sys::Virt's events: callbacks of every type that the binding has, with the default loop and with one of the program's own; timers,
# handles, a stream that the loop reads, and the close callback.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../shared";
use Exercise;
use Socket;
use Time::HiRes qw(time);

my $wait_seconds = 10;
my $network = "<network><name>one</name><uuid>$one</uuid><forward mode='nat'/><bridge name='virbr7'/>"
    . "<ip address='192.168.77.1' netmask='255.255.255.0'/></network>";
my $pool = "<pool type='dir'><name>one</name><uuid>$one</uuid><target><path>/pool</path></target></pool>";
my $device = "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
    . '<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>';
my @seen;

# A loop of one's own: what is watched, and when, in two tables.
package OwnLoop;
our @ISA = ('Sys::Virt::Event');

sub new { return bless {handles => {}, timers => {}, last => 0, cleanup => []}, shift }

sub add_handle {
    my ($self, $fd, $events, $cb, $opaque, $ff) = @_;
    $self->{handles}{++$self->{last}} = {fd => $fd, events => $events, cb => $cb, opaque => $opaque, ff => $ff};
    return $self->{last};
}

sub update_handle { my ($self, $id, $events) = @_; $self->{handles}{$id}{events} = $events }

# What belongs to a handle or timer is freed later: never from inside the call that removes it.
sub remove_handle { my ($self, $id) = @_; push @{$self->{cleanup}}, delete $self->{handles}{$id}; return 0 }

sub add_timeout {
    my ($self, $frequency, $cb, $opaque, $ff) = @_;
    $self->{timers}{++$self->{last}} = {cb => $cb, opaque => $opaque, ff => $ff};
    $self->update_timeout($self->{last}, $frequency);
    return $self->{last};
}

sub update_timeout {
    my ($self, $id, $frequency) = @_;
    $self->{timers}{$id}{frequency} = $frequency;
    $self->{timers}{$id}{due} = $frequency < 0 ? undef : Time::HiRes::time() + $frequency / 1000;
}

sub remove_timeout { my ($self, $id) = @_; push @{$self->{cleanup}}, delete $self->{timers}{$id}; return 0 }

sub turn {
    my ($self) = @_;
    $self->_free_callback_opaque($_->{ff}, $_->{opaque}) for splice @{$self->{cleanup}};
    my ($read, $write) = ('', '');
    for my $handle (values %{$self->{handles}}) {
        vec($read, $handle->{fd}, 1) = 1 if $handle->{events} & Sys::Virt::Event::HANDLE_READABLE();
        vec($write, $handle->{fd}, 1) = 1 if $handle->{events} & Sys::Virt::Event::HANDLE_WRITABLE();
    }
    select($read, $write, undef, 0.02);
    for my $id (keys %{$self->{handles}}) {
        my $handle = $self->{handles}{$id} or next;
        my $events = (vec($read, $handle->{fd}, 1) ? Sys::Virt::Event::HANDLE_READABLE() : 0)
            | (vec($write, $handle->{fd}, 1) ? Sys::Virt::Event::HANDLE_WRITABLE() : 0);
        $self->_run_handle_callback($id, $handle->{fd}, $events, $handle->{cb}, $handle->{opaque}) if $events;
    }
    for my $id (keys %{$self->{timers}}) {
        my $timer = $self->{timers}{$id} or next;
        next unless defined $timer->{due} && $timer->{due} <= Time::HiRes::time();
        $self->update_timeout($id, $timer->{frequency});
        $self->_run_timeout_callback($id, $timer->{cb}, $timer->{opaque});
    }
}

package main;

# The names of the constants EVENT_ID_... of a class, by their numbers.
sub event_ids {
    my ($package) = @_;
    no strict 'refs';
    return sort { &{"${package}::$a"}() <=> &{"${package}::$b"}() } grep { /^EVENT_ID_/ && defined &{"${package}::$_"} } keys %{"${package}::"};
}

# Every callback; gives what takes them away again.
sub register {
    my ($conn) = @_;
    my @ids;
    for my $kind (['Domain', 'domain'], ['Network', 'network'], ['StoragePool', 'storage_pool'], ['NodeDevice', 'node_device'], ['Secret', 'secret']) {
        my ($class, $name) = @$kind;
        my $method = "${name}_event_register_any";
        for my $event (event_ids("Sys::Virt::$class")) {
            no strict 'refs';
            my $number = &{"Sys::Virt::${class}::$event"}();
            my $id = show("$name $event", sub { $conn->$method(undef, $number, sub { my ($c, @rest) = @_; push @seen, [$name, $event, map { text($_) } @rest] }) });
            push @ids, ["${name}_event_deregister_any", $id] if defined $id;
        }
    }
    return @ids;
}

# Everything that makes events; the last one is the marker.
sub cause {
    my ($conn) = @_;
    my $dom = $conn->define_domain($domain);
    calls($dom, qw(create suspend resume reboot shutdown create destroy), ['set_metadata', Sys::Virt::Domain::METADATA_TITLE(), 'title', undef, undef]);
    my $test = $conn->get_domain_by_name('test');
    calls($test, ['set_memory', 1048576], ['create_snapshot', '<domainsnapshot><name>s</name></domainsnapshot>'], 'suspend');
    calls($test->get_snapshot_by_name('s'), 'revert_to', 'delete');
    calls($test, ['set_block_iotune', 'vda', {total_bytes_sec => 5000, group_name => 'g'}], 'managed_save', 'create');
    calls($conn->define_network($network), qw(create destroy undefine));
    calls($conn->define_storage_pool($pool), qw(build create refresh destroy delete undefine));
    calls($conn->create_node_device($device), 'destroy');
    $dom->undefine();
}

sub finished { return grep { join(' ', @$_[0 .. 3]) eq 'domain EVENT_ID_LIFECYCLE one 1' } grep { @$_ > 3 } @seen }

# Events of one kind of object come in their order; between the kinds there is none.
sub report {
    for my $kind (qw(domain network storage_pool node_device secret)) {
        print join(' ', @$_) . "\n" for grep { $_->[0] eq $kind } @seen;
    }
    @seen = ();
}

sub run_until {
    my ($turn, $condition) = @_;
    my $end = time + $wait_seconds;
    $turn->() while !$condition->() && time < $end;
    return $condition->() ? 'yes' : 'no';
}

sub all_events {
    my ($turn) = @_;
    my $conn = Sys::Virt->new(uri => $uri);
    my @ids = register($conn);
    cause($conn);
    print 'all came: ' . run_until($turn, \&finished) . "\n";
    report();
    for (@ids) {
        my ($method, $id) = @$_;
        show($method, sub { $conn->$method($id) });
    }
    show('deregister again', sub { $conn->domain_event_deregister_any($ids[0][1]) });
    my (@old, @limited);
    show('old style', sub { $conn->domain_event_register(sub { my ($c, $d, $event, $detail) = @_; push @old, $d->get_name() . " $event $detail" }) });
    my $test = $conn->get_domain_by_name('test');
    calls($test, 'suspend');
    print 'old style: ' . run_until($turn, sub { @old }) . " @old\n";
    show('old style', sub { $conn->domain_event_deregister() });
    my $id = $conn->domain_event_register_any($test, Sys::Virt::Domain::EVENT_ID_LIFECYCLE(), sub { push @limited, $_[1]->get_name() });
    $conn->define_domain($domain)->undefine();
    calls($test, 'resume');
    print 'limited: ' . run_until($turn, sub { @limited }) . " @limited\n";
    $conn->domain_event_deregister_any($id);
    show('close callback', sub { $conn->register_close_callback(sub { print "closed\n" }) });
    show('no close callback', sub { $conn->unregister_close_callback() });
    stream($conn, $turn);
}

sub stream {
    my ($conn, $turn) = @_;
    my $stream = $conn->new_stream(Sys::Virt::Stream::NONBLOCK());
    call($conn->get_domain_by_name('test'), 'screenshot', $stream, 0);
    my ($got, $ended, $data) = ('', 0);
    show('add', sub { $stream->add_callback(Sys::Virt::Stream::EVENT_READABLE(), sub {
        my ($st, $events) = @_;
        my $n = $st->recv($data, 4096);
        return if $n == -2;
        $got .= substr $data, 0, $n;
        $ended = 1 if $n == 0 }) });
    show('update', sub { $stream->update_callback(Sys::Virt::Stream::EVENT_READABLE()) });
    print 'read: ' . run_until($turn, sub { $ended }) . ' ' . substr($got, 1, 3) . "\n";
    show('remove', sub { $stream->remove_callback() });
    show('finish', sub { $stream->finish() });
}

sub default_loop {
    print "== default loop\n";
    Sys::Virt::Event::register_default();
    my $timer = Sys::Virt::Event::add_timeout(50, sub { });      # a turn ends
    my $turn = sub { Sys::Virt::Event::run_default() };
    all_events($turn);
    print "== timers and handles\n";
    my (@fired, @heard);
    my %timers = map { my $ms = $_; $ms => Sys::Virt::Event::add_timeout($ms, sub { push @fired, $ms }) } (-1, 0, 1);
    run_until($turn, sub { (grep { $_ == 0 } @fired) && grep { $_ == 1 } @fired });
    print 'fired never: ' . (grep { $_ == -1 } @fired) . "\n";
    Sys::Virt::Event::update_timeout($timers{-1}, 0);
    print 'updated: ' . run_until($turn, sub { grep { $_ == -1 } @fired }) . "\n";
    Sys::Virt::Event::remove_timeout($_) for values %timers;
    socketpair(my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
    my $watch = Sys::Virt::Event::add_handle(fileno $here, Sys::Virt::Event::HANDLE_READABLE(),
        sub { my ($id, $fd, $events) = @_; sysread $here, my $data, 10; push @heard, "$events $data" });
    syswrite $there, 'one';
    print 'heard: ' . run_until($turn, sub { @heard }) . " @heard\n";
    Sys::Virt::Event::update_handle($watch, 0);
    syswrite $there, 'two';
    $turn->() for 1 .. 3;
    print "not asked for: @heard\n";
    Sys::Virt::Event::remove_handle($watch);
    Sys::Virt::Event::remove_timeout($timer);
}

sub own_loop {
    print "== own loop\n";
    my $loop = OwnLoop->new();
    Sys::Virt::Event::register($loop);
    all_events(sub { $loop->turn() });
}

# A program has one loop: the first part is a process of its own, which leaves its record to the second.
my $child = fork // die;
if (!$child) {
    default_loop();
    exit 0;
}
waitpid $child, 0;
die "the default loop ended with $?" if $?;
Exercise::called_elsewhere();
own_loop();
