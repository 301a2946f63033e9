# SPDX-License-Identifier: LGPL-2.1-or-later
# What the Perl programs share: printing what a call gives, and the record of the binding's methods that were called.
package Exercise;
use strict;
use warnings;
use Exporter 'import';
use Sys::Virt;
use Sys::Virt::Event;
our @EXPORT = qw(text show call calls document section open_connection $uri $files $one $two $domain);

our $uri = $ARGV[0];
our $files = $ENV{BINDINGS_FILES};      # a folder that the daemon sees under the same name
our $one = '11111111-1111-4111-8111-111111111111';
our $two = '22222222-2222-4222-8222-222222222222';
our $domain = "<domain type='test'><name>one</name><uuid>$one</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu>"
    . "<os><type arch='i686'>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest/one'/>"
    . "<target dev='vda' bus='virtio'/></disk></devices></domain>";
# Figures that differ from run to run.
my %varying = map { $_ => 1 } qw(cpuTime last_update stateTime timeElapsed);
$| = 1;

sub text {
    my ($value) = @_;
    return 'undef' unless defined $value;
    return '[' . join(', ', map { text($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return '{' . join(', ', map { "$_=" . text($value->{$_}) } grep { !$varying{$_} } sort keys %$value) . '}' if ref $value eq 'HASH';
    return $value->get_name() if ref $value && $value->can('get_name');
    $value = ref $value if ref $value;
    return $value =~ /^[\x20-\x7e\n]*$/ ? $value : unpack('H*', $value);
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

# Print what a method gives; its result, or undef after an error.
sub call {
    my ($object, $method, @words) = @_;
    return show($method, sub { $object->$method(@words) });
}

# Methods by name, or [name, arguments].
sub calls {
    my ($object, @methods) = @_;
    call($object, ref $_ ? @$_ : $_) for @methods;
}

# Like call(), for documents: line by line, without those that have one of the words.
sub document {
    my ($object, $method, $without) = @_;
    my $document = eval { $object->$method() };
    return print "$method: error " . $@->code . "\n" if $@;
    defined $without && /$without/ or print "$method| $_\n" for split /\n/, $document;
}

my $anchor;     # keeps the state of the test driver between the parts of a program

# A part with a connection of its own; one that ends early says so and the rest goes on.
sub section {
    my ($name, $code) = @_;
    print "== $name\n";
    $anchor ||= Sys::Virt->new(uri => $uri);
    eval { $code->(Sys::Virt->new(uri => $uri)); 1 } or print 'ended: ' . (ref $@ ? 'error ' . $@->code : 'failed') . "\n";
}

# Every public method of the binding counts itself.
my %called;
my @packages = ('Sys::Virt', map { "Sys::Virt::$_" } qw(Domain DomainCheckpoint DomainSnapshot Error Event Interface NWFilter NWFilterBinding
    Network NetworkPort NodeDevice Secret StoragePool StorageVol Stream));
for my $package (@packages) {
    no strict 'refs';
    no warnings qw(redefine prototype);
    for my $name (grep { /^[a-z]/ && $_ ne 'bootstrap' && defined &{"${package}::$_"} } keys %{"${package}::"}) {
        my $code = \&{"${package}::$name"};
        $called{"${package}::$name"} = 0;
        *{"${package}::$name"} = sub { $called{"${package}::$name"}++; goto &$code };
    }
}
# Take over the record that another process of the program has left.
sub called_elsewhere {
    open my $record, '<', "$files/calls" or die "$files/calls: $!";
    /^\+ (.*)/ and $called{$1}++ for <$record>;
}

END {
    open my $record, '>', "$files/calls" or die "$files/calls: $!";
    print $record map { ($called{$_} ? '+' : '-') . " $_\n" } sort keys %called;
}

1;
