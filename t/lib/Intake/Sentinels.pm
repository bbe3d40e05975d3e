package Intake::Sentinels;

# Copyright (C) nginx-intake contributors

# A master and a replica and three sentinels that know them as `shop`, killed
# with the test they belong to.
#
#     my $shop = Intake::Sentinels->new($t, password => 's3cret');
#     $shop->url(), $shop->one(), $shop->two(), $shop->sentinels()
#     $shop->command(...)      of whichever is the master
#
# Options: password, that of the sentinels; options, of the two servers; tls, a
# code that is given the name of one of the five and returns the options of its
# TLS; binary.

use strict;
use warnings;


sub new {
    my ($class, $t, %opt) = @_;
    my %common = ('repl-diskless-sync-delay' => 0, 'repl-timeout' => 5,
                  %{$opt{options} || {}});
    my $self = bless { t => $t, tls => $opt{tls} }, $class;
    my $server = sub {
        my ($name, %more) = @_;

        return $t->redis(name => $name, port => 1, binary => $opt{binary},
                         $opt{tls} ? (tls => { $opt{tls}->($name) }) : (),
                         %more);
    };

    my $one = $server->('one', options => { %common });
    my $two = $server->('two', options => {
        %common, replicaof => '127.0.0.1 ' . $one->port() });

    $self->{servers} = [$one, $two];
    $self->{sentinels} = [map { $server->(
        "sentinel$_", sentinel => 1, options => {
            sentinel => ['monitor shop 127.0.0.1 ' . $one->port() . ' 2',
                         'down-after-milliseconds shop 1000',
                         'failover-timeout shop 4000'],
            $opt{password} ? (requirepass => $opt{password}) : () },
        password => $opt{password}) } 1 .. 3];

    $t->wait_for(sub {
        $one->ask('INFO', 'replication') =~ /state=online/
        && !grep { my %of = @{$_->ask(qw(SENTINEL MASTER shop))};
                   $of{'num-slaves'} != 1 || $of{'num-other-sentinels'} != 2
        } $self->sentinels() }, 30) or die "the sentinels see nothing\n";

    return $self;
}


sub one { $_[0]{servers}[0] }
sub two { $_[0]{servers}[1] }
sub sentinels { @{$_[0]{sentinels}} }


sub url {
    my ($self) = @_;
    return ($self->{tls} ? 'rediss+sentinel://' : 'sentinel://') . 'shop@'
           . join ',', map { '127.0.0.1:' . $_->port() } $self->sentinels();
}


sub is_master {
    my ($redis) = @_;
    my $role = eval { $redis->ask('ROLE') };

    return $role && $role->[0] eq 'master';
}


# The server that is the master, the one that has become it last.

sub master {
    my ($self) = @_;
    my ($master) = grep { is_master($_) } reverse @{$self->{servers}};

    return $master // die "there is no master\n";
}


sub command {
    my ($self, @command) = @_;
    return $self->master()->ask(@command);
}


sub entries {
    my ($self, $stream) = @_;
    my $master = $self->master();

    return $master->entries($stream);
}


1;
