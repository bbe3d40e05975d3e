package Intake::Campaign::Network;

# Copyright (C) nginx-intake contributors

# A network of its own for some servers, with one cable to it, where the
# machine lets us have that:
#
#     my $network = Intake::Campaign::Network->new(dir => $dir, servers => 6)
#         or ...;
#     my @addresses = $network->addresses();
#     $network->program('redis-server')
#     $network->lose('both', @some);    # or 'requests', 'replies'
#     $network->heal(@some);
#     $network->reset(@some);
#     $network->faults($faults);
#
# Each server has an address of its own, and so have those who come to it from
# here: what is lost or reset is between here and the servers named, never
# between two servers.  The kernel takes it all away when the process that holds
# it ends.

use strict;
use warnings;

use Intake::Campaign::Faults;
use Intake::File qw(spew);
use Intake::Process qw(wait_for);

my $nowhere = '02:00:00:00:00:99';


# Undef where it cannot be had.  dir; servers (1)

sub new {
    my ($class, %opt) = @_;

    return undef if $> != 0 || quiet('unshare', '-n', 'true')
                    || quiet('ip', '-V') || quiet('ss', '-V');

    my $self = bless { servers => 1, %opt }, $class;
    my $net = $$ * $self->{servers};

    $self->{near} = {map { link_of($net + $_) } 1 .. $self->{servers}};

    $self->{holder} = Intake::Process->spawn(
        command => ['unshare', '-n', 'sleep', 'infinity'],
        out => "$self->{dir}/network.out");
    wait_for { $self->elsewhere() } or return undef;

    @$self{qw(here there)} = ("intake$$", "peer$$");

    return $self->connect() ? $self : undef;
}


# The addresses of a server and of those who come to it, of those that are for
# measurements (RFC 2544).

sub link_of {
    my ($net) = @_;

    $net %= 32768;
    return map { sprintf '198.%d.%d.%d', 18 + ($net >> 14), $net >> 6 & 255,
                         ($net << 2 & 255) + $_ } 2, 1;
}


sub connect {
    my ($self) = @_;

    return 0 if quiet(qw(ip link add), $self->{here},
                      qw(type veth peer name), $self->{there}, 'netns',
                      $self->{holder}->pid());

    for my $far ($self->addresses()) {
        return 0
            if quiet(qw(ip addr add), "$self->{near}{$far}/30", 'dev',
                     $self->{here})
               || quiet($self->command(qw(ip addr add), "$far/30", 'dev',
                                       $self->{there}));
    }

    return !quiet(qw(ip link set), $self->{here}, 'up')
           && !quiet($self->command(qw(ip link set lo up)))
           && !quiet($self->command(qw(ip link set), $self->{there}, 'up'));
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


sub addresses { sort keys %{$_[0]{near}} }


sub command {
    my ($self, @command) = @_;
    return ('nsenter', '-n', '-t', $self->{holder}->pid(), '--', @command);
}


# The path of what runs a program there.

sub program {
    my ($self, $name) = @_;
    my $path = "$self->{dir}/$name-there";
    my @command = $self->command($name);

    spew($path, qq(#!/bin/sh\nexec @command "\$@"\n));
    chmod 0755, $path;

    return $path;
}


# The cable takes what is sent and nobody gets it.

sub lose {
    my ($self, $which, @servers) = @_;

    for my $far (@servers) {
        quiet(qw(ip neigh replace), $far, 'lladdr', $nowhere, 'dev',
              $self->{here}, qw(nud permanent)) if $which ne 'replies';
        quiet($self->command(
            qw(ip neigh replace), $self->{near}{$far}, 'lladdr', $nowhere,
            'dev', $self->{there}, qw(nud permanent))) if $which ne 'requests';
    }
}


sub heal {
    my ($self, @servers) = @_;

    for my $far (@servers) {
        quiet(qw(ip neigh del), $far, 'dev', $self->{here});
        quiet($self->command(qw(ip neigh del), $self->{near}{$far}, 'dev',
                             $self->{there}));
    }
}


# All connections from here get a RST.

sub reset {
    my ($self, @servers) = @_;
    quiet($self->command(qw(ss -tnK dst), $self->{near}{$_})) for @servers;
}


# Of all servers and, if there are several, of any one of them.

sub faults {
    my ($self, $faults) = @_;
    my @servers = $self->addresses();
    my %of = ('' => sub { @servers });

    $of{' of a node'} = sub { $servers[rand @servers] } if @servers > 1;

    for my $of (keys %of) {
        $faults->add("connections$of reset", ['network'], sub {
            $self->reset($of{$of}->());
            return });
        $faults->add("black hole$of for $_", ['network'],
                     $self->black_hole($_, $of{$of}))
            for 'both', 'requests', 'replies';
    }
}


sub black_hole {
    my ($self, $which, $servers) = @_;

    return sub {
        my @some = $servers->();

        $self->lose($which, @some);
        return [after(between(0.2, 3)), sub { $self->heal(@some) }];
    };
}


sub close {
    my ($self) = @_;

    quiet(qw(ip link del), $self->{here}) if $self->{here};
    $self->{holder}->kill_group() if $self->{holder};
    delete $self->{holder};
}


1;
