package Intake::Campaign::Nodes;

# Copyright (C) nginx-intake contributors

# The cluster of a campaign, in a network of its own if the machine has that,
# and what is done to it.  One fault of the nodes at a time: the copy that
# replicas=1 asks for is one more, so that a master and its replica may not die
# together, and MIGRATE is acknowledged before the replica of the node that the
# keys go to has them.  Beside it the network may fail, between nginx and the
# nodes.

use strict;
use warnings;

use Intake::Campaign::Faults;
use Intake::Campaign::Network;
use Intake::Cluster;

my $nodes = 6;


# sources: the names of the sources

sub new {
    my ($class, $t, %opt) = @_;
    my $network = Intake::Campaign::Network->new(dir => $t->dir(),
                                                 servers => $nodes);
    my $cluster = Intake::Cluster->new(
        $t, appendfsync => 'always', 'protected-mode' => 'no',
        $network ? (binary => $network->program('redis-server'),
                    hosts => [$network->addresses()]) : ());

    return bless { t => $t, cluster => $cluster, network => $network, %opt },
        $class;
}


sub words { 'server ' . $_[0]{cluster}->url() . ';' }
sub owner { $_[0]{cluster}->owner($_[1]) }


# A node that loads refuses to say what it is.

sub ready {
    my ($self) = @_;
    return eval { $self->{cluster}->is_whole() };
}


sub close { $_[0]{network}->close() if $_[0]{network} }


sub version {
    my ($self) = @_;
    my ($node) = $self->{cluster}->nodes();

    return $node->ask('INFO', 'server') =~ /^redis_version:(\S+)/m && $1;
}


sub stream {
    my ($self) = @_;
    return "intake:{$self->{sources}[rand @{$self->{sources}}]}";
}


sub master {
    my ($self) = @_;
    return $self->owner($self->stream());
}


sub replica {
    my ($self) = @_;
    my @replicas = grep { $_->ask('ROLE')->[0] eq 'slave' }
                   $self->{cluster}->nodes();

    return $replicas[rand @replicas];
}


sub whole {
    my ($self) = @_;
    return [sub { $self->ready() }];
}


# A node is killed, and what has to follow.

sub outage {
    my ($self, $seconds, $node) = @_;

    $node //= $self->master();
    $node->kill();

    return ([after($seconds), sub { $node->launch() }],
            [sub { die "redis-server has gone: " . $node->log()
                       if $node->{process}->gone();
                   return $node->ready() }], $self->whole());
}


# Until another has become the master in its place.

sub fail_over {
    my ($self, $name) = @_;
    my $stream = $self->stream();
    my $node = $self->owner($stream);

    $name eq 'kill' ? $node->kill() : $node->pause();

    return ([sub {
        my $owner = eval { $self->other($node, $stream) };
        return defined $owner;
    }, sub { $name eq 'kill' ? $node->launch() : $node->resume() }],
    [sub { $node->ready() }], $self->whole());
}


# The master of a key, if it is not this node, which may not answer.

sub other {
    my ($self, $node, $key) = @_;

    for my $other (grep { $_ != $node } $self->{cluster}->nodes()) {
        next if $other->ask('ROLE')->[0] ne 'master';
        return $other if eval { $other->ask('EXISTS', $key); 1 };
    }

    return undef;
}


sub faults {
    my ($self, $faults) = @_;

    $faults->add('master killed', ['redis'],
                 sub { $self->fail_over('kill') });
    $faults->add('master killed for a moment', ['redis'],
                 sub { $self->outage(between(0, 0.5)) });
    $faults->add('master stopped', ['redis'],
                 sub { $self->fail_over('stop') });
    $faults->add('replica killed', ['redis'],
                 sub { $self->outage(between(0, 2), $self->replica()) });
    $faults->add('fail-over asked for', ['redis'], sub {
        $self->replica()->ask('CLUSTER', 'FAILOVER');
        return ([after(0.5)], $self->whole()) });
    $faults->add('slot moved', ['redis'], sub { $self->move() });
    $faults->add('connections closed', ['redis'], sub {
        $self->master()->ask(qw(CLIENT KILL TYPE normal));
        return });
    $faults->add('scripts forgotten', ['redis'], sub {
        $self->master()->ask('SCRIPT', 'FLUSH');
        return });

    return $self->{network}->faults($faults) if $self->{network};
    $faults->absent('connections reset, black holes');
}


# All keys of a source go to another master, some at each step.

sub move {
    my ($self) = @_;
    my $stream = $self->stream();
    my $from = $self->owner($stream);
    my @others = grep { $_ != $from && $_->ask('ROLE')->[0] eq 'master' }
                 $self->{cluster}->nodes();
    my $to = $others[rand @others];
    my $slot = $from->ask('CLUSTER', 'KEYSLOT', $stream);
    my ($from_id, $to_id) = map { $self->{cluster}->id($_) } $from, $to;
    my $written;

    $to->ask('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from_id);
    $from->ask('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to_id);

    return ([sub {
        my $keys = $from->ask('CLUSTER', 'GETKEYSINSLOT', $slot, 500);

        $from->ask('MIGRATE', $to->host(), $to->port(), '', 0, 10000,
                   'REPLACE', 'KEYS', @$keys) if @$keys;

        return 0 if @$keys;

        # its replica has them when it has what is written by now

        my $info = $to->ask('INFO', 'replication');

        ($written) = $info =~ /^master_repl_offset:(\d+)/m
            unless defined $written;
        return $info =~ /^slave0:.*offset=(\d+)/m && $1 >= $written;
    }, sub {
        $_->ask('CLUSTER', 'SETSLOT', $slot, 'NODE', $to_id) for $to, $from;
    }], $self->whole());
}


1;
