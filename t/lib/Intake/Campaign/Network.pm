package Intake::Campaign::Network;

# Copyright (C) nginx-intake contributors

# A network of its own for a server, with one cable to it, where the machine
# lets us have that:
#
#     my $network = Intake::Campaign::Network->new() or ...;
#     $network->address(), $network->command('redis-server', ...)
#     $network->lose('both');    # or 'requests', 'replies'
#     $network->heal();
#     $network->reset($port);
#
# The kernel takes it away when the process that holds it ends.

use strict;
use warnings;

use Intake::Process qw(wait_for);

my $nowhere = '02:00:00:00:00:99';


# Undef where it cannot be had.

sub new {
    my ($class, %opt) = @_;

    return undef if $> != 0 || quiet('unshare', '-n', 'true')
                    || quiet('ip', '-V') || quiet('ss', '-V');

    my $self = bless { %opt }, $class;
    my $net = $$ % 32768;
    my @address = map { sprintf '198.%d.%d.%d', 18 + ($net >> 14),
                                $net >> 6 & 255, ($net << 2 & 255) + $_ } 1, 2;

    $self->{holder} = Intake::Process->spawn(
        command => ['unshare', '-n', 'sleep', 'infinity'],
        out => "$self->{dir}/network.out");
    wait_for { $self->elsewhere() } or return undef;

    @$self{qw(here there)} = ("intake$$", "peer$$");
    @$self{qw(near far)} = @address;
    my $pid = $self->{holder}->pid();

    return undef
        if quiet(qw(ip link add), $self->{here}, qw(type veth peer name),
                 $self->{there}, 'netns', $pid)
           || quiet(qw(ip addr add), "$self->{near}/30", 'dev', $self->{here})
           || quiet(qw(ip link set), $self->{here}, 'up')
           || quiet($self->command(qw(ip addr add), "$self->{far}/30", 'dev',
                                   $self->{there}))
           || quiet($self->command(qw(ip link set), $self->{there}, 'up'));

    return $self;
}


sub quiet {
    my (@command) = @_;

    open my $out, '>&', \*STDOUT;
    open my $err, '>&', \*STDERR;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    my $status = system { $command[0] } @command;
    open STDOUT, '>&', $out;
    open STDERR, '>&', $err;

    return $status;
}


sub elsewhere {
    my ($self) = @_;
    my $there = readlink '/proc/' . $self->{holder}->pid() . '/ns/net';

    return defined $there && $there ne readlink '/proc/self/ns/net';
}


sub address { $_[0]{far} }


sub command {
    my ($self, @command) = @_;
    return ('nsenter', '-n', '-t', $self->{holder}->pid(), '--', @command);
}


# The cable takes what is sent and nobody gets it.

sub lose {
    my ($self, $which) = @_;

    quiet(qw(ip neigh replace), $self->{far}, 'lladdr', $nowhere, 'dev',
          $self->{here}, qw(nud permanent)) if $which ne 'replies';
    quiet($self->command(
        qw(ip neigh replace), $self->{near}, 'lladdr', $nowhere, 'dev',
        $self->{there}, qw(nud permanent))) if $which ne 'requests';
}


sub heal {
    my ($self) = @_;

    quiet(qw(ip neigh del), $self->{far}, 'dev', $self->{here});
    quiet($self->command(qw(ip neigh del), $self->{near}, 'dev',
                         $self->{there}));
}


# All connections to a port get a RST.

sub reset {
    my ($self, $port) = @_;
    quiet($self->command(qw(ss -tnK sport = ), ":$port"));
}


sub close {
    my ($self) = @_;

    quiet(qw(ip link del), $self->{here}) if $self->{here};
    $self->{holder}->kill_group() if $self->{holder};
    delete $self->{holder};
}


1;
