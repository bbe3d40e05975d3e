package Intake::Cluster;

# Copyright (C) nginx-intake contributors

# Real redis-servers that are one cluster, by default six, three masters with a
# replica each, killed with the test they belong to.
#
#     my $cluster = Intake::Cluster->new($t);
#     $cluster->url(), $cluster->owner($key), $cluster->entries($stream)
#
# Options: masters (3), replicas of each (1), spare, nodes without slots (0),
# tls, a code that is given the number of a node and returns the options of its
# TLS, binary, hosts, the addresses of the nodes if they are not 127.0.0.1; all
# others are those of redis-server.
#
# Nodes are Intake::RedisServers.

use strict;
use warnings;

use Intake::Port;
use Intake::RedisServer;


# With "everysec" a write waits for the fsync before it, and a server that is
# killed meanwhile has lost what it answered.

sub new {
    my ($class, $t, %opt) = @_;
    my $self = bless { t => $t, masters => 3, replicas => 1, spare => 0,
                       nodes => [] }, $class;
    my ($tls, $binary, $hosts) = delete @opt{qw(tls binary hosts)};

    for my $name (qw(masters replicas spare)) {
        $self->{$name} = delete $opt{$name} if exists $opt{$name};
    }

    my $count = $self->{masters} * (1 + $self->{replicas}) + $self->{spare};

    for my $n (0 .. $count - 1) {
        my $bus = Intake::Port->new();
        my $host = $hosts ? $hosts->[$n] : '127.0.0.1';

        push @{$self->{bus}}, $bus;
        push @{$self->{nodes}}, Intake::RedisServer->new(
            dir => $t->dir(), name => "node$n", port => 1, host => $host,
            binary => $binary,
            $tls ? (tls => { 'tls-cluster' => 'yes', $tls->($n) }) : (),
            options => {
                'cluster-enabled' => 'yes', 'cluster-node-timeout' => 1000,
                'cluster-port' => $bus->number(),
                'cluster-announce-ip' => $host, 'appendonly' => 'yes',
                'appendfsync' => 'no',
                'repl-diskless-sync-delay' => 0, %opt })->start();
    }

    $self->{tls} = 1 if $tls;
    push @{$t->{redis}}, @{$self->{nodes}};
    $self->join();

    return $self;
}


sub nodes { @{$_[0]{nodes}} }
sub id { $_[1]->ask('CLUSTER', 'MYID') }


sub join {
    my ($self) = @_;
    my ($first, @others) = $self->nodes();
    my ($masters, $count) = ($self->{masters}, scalar $self->nodes());

    for my $i (0 .. $masters - 1) {
        my $node = $self->{nodes}[$i];

        $node->ask('CLUSTER', 'ADDSLOTSRANGE', int($i * 16384 / $masters),
                   int(($i + 1) * 16384 / $masters) - 1);
        $node->ask('CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
    }

    $first->ask('CLUSTER', 'MEET', $_->host(), $_->port(),
                $_->{options}{'cluster-port'}) for @others;

    $self->{t}->wait_for(sub { $count == grep {
        $count == (() = $_->ask('CLUSTER', 'NODES') =~ /connected/g)
    } $self->nodes() }, 30) or die "the nodes do not meet\n";

    for my $i ($masters .. $count - 1 - $self->{spare}) {
        my $id = $self->id($self->{nodes}[$i % $masters]);

        $self->{t}->wait_for(sub {
            eval { $self->{nodes}[$i]->ask('CLUSTER', 'REPLICATE', $id) } });
    }

    $self->whole() or die "no cluster\n";
}


# Waits until every slot is served, by a master that has a replica.

sub whole {
    my ($self) = @_;
    return $self->{t}->wait_for(sub { $self->is_whole() }, 30);
}


sub is_whole {
    my ($self) = @_;
    my @up = grep { eval { $_->ask('PING') } } $self->nodes();
    my @masters = grep { $_->ask('ROLE')->[0] eq 'master'
                         && $_->ask('CLUSTER', 'NODES')
                            =~ /myself,master \S+ \S+ \S+ \S+ \S+ \d/ }
                  @up;

    return @masters == $self->{masters}
           && !grep({ $_->ask('CLUSTER', 'INFO')
                      !~ /^cluster_state:ok/m } @up)
           && @masters == grep { !$self->{replicas}
               || $_->ask('INFO', 'replication') =~ /state=online/
           } @masters;
}


# The masters of the beginning; any node has the map.

sub url {
    my ($self) = @_;
    return ($self->{tls} ? 'rediss+cluster://' : 'cluster://')
           . CORE::join(',', map { $_->host() . ':' . $_->port() }
                             @{$self->{nodes}}[0 .. $self->{masters} - 1]);
}


# The master that serves a key.

sub owner {
    my ($self, $key) = @_;

    for my $node ($self->nodes()) {
        next unless eval { $node->ask('ROLE')->[0] eq 'master' };
        return $node if eval { $node->ask('EXISTS', $key); 1 };
    }

    die "nobody has $key\n";
}


sub entries {
    my ($self, $stream) = @_;
    return $self->owner($stream)->entries($stream);
}


sub command {
    my ($self, @command) = @_;
    return $self->owner($command[1])->ask(@command);
}


1;
