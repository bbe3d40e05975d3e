package Intake::Campaign::Server;

# Copyright (C) nginx-intake contributors

# The one Redis of a campaign, in a network of its own if the machine has
# that, and what is done to it.  It keeps what it has answered:
# appendfsync always.

use strict;
use warnings;

use Intake::Campaign::Faults;
use Intake::Campaign::Network;
use Intake::RedisServer;


sub new {
    my ($class, $t) = @_;
    my $self = bless { t => $t }, $class;
    my %opt = (dir => $t->dir(), port => 1);
    my $network = $self->{network}
        = Intake::Campaign::Network->new(dir => $t->dir());

    if ($network) {
        $opt{binary} = $network->program('redis-server');
        ($opt{host}) = $network->addresses();
    }

    $self->{redis} = Intake::RedisServer->new(%opt, options => {
        'protected-mode' => 'no', appendonly => 'yes',
        appendfsync => 'always' })->start();
    push @{$t->{redis}}, $self->{redis};

    return $self;
}


sub words { 'server ' . $_[0]{redis}->tcp_url() . ';' }
sub version { $_[0]->ask('INFO', 'server') =~ /^redis_version:(\S+)/m && $1 }
sub owner { $_[0]{redis} }
sub ready { $_[0]{redis}->ready() }
sub close { $_[0]{network}->close() if $_[0]{network} }


sub ask {
    my ($self, @command) = @_;
    return $self->{redis}->ask(@command);
}


# Killed, and what has to follow.

sub outage {
    my ($self, $seconds) = @_;
    my $redis = $self->{redis};

    $redis->kill();

    return ([after($seconds), sub { $redis->launch() }],
            [sub { die "redis-server has gone: " . $redis->log()
                       if $redis->{process}->gone();
                   return $redis->ready() }]);
}


sub faults {
    my ($self, $faults) = @_;
    my $redis = $self->{redis};
    my $network = $self->{network};

    $faults->add('Redis killed', ['redis'],
                 sub { $self->outage(between(0, 2)) });
    $faults->add('Redis stopped', ['redis'], sub { $self->pause() });
    $faults->add('Redis out of memory', ['redis', 'network'], sub {
        $self->refuse(between(0.2, 1.5), ['CONFIG', 'SET', 'maxmemory', 1],
                      ['CONFIG', 'SET', 'maxmemory', 0]) });
    $faults->add('XADD refused', ['redis', 'network'], sub {
        $self->refuse(2.5, ['ACL', 'SETUSER', 'default', '-xadd'],
                      ['ACL', 'SETUSER', 'default', '+xadd']) });
    $faults->add('scripts forgotten', ['redis'], sub {
        $self->ask('SCRIPT', 'FLUSH');
        return });

    if ($network) {
        $network->faults($faults);

    } else {
        $faults->add('connections closed', ['redis'], sub {
            $self->ask(qw(CLIENT KILL TYPE normal));
            return });
        $faults->absent('connections reset, black holes');
    }
}


sub pause {
    my ($self) = @_;

    $self->{redis}->pause();
    return [after(between(0.1, 3)), sub { $self->{redis}->resume() }];
}


# While nginx has a connection: not before something is stored.  XADD alone is
# refused so that other commands of the script are done, and for longer than it
# takes until a replay is tried.

sub refuse {
    my ($self, $seconds, $refuse, $again) = @_;
    my $before = $self->stored();
    my $late = after(8);
    my $end;

    return ([sub { $self->stored() > $before || $late->() },
             sub { $self->ask(@$refuse); $end = after($seconds) }],
            [sub { $end->() }, sub { $self->ask(@$again) }]);
}


sub stored {
    my ($self) = @_;
    return $self->ask('INFO', 'commandstats') =~ /^cmdstat_xadd:calls=(\d+)/m
        ? $1 : 0;
}


1;
