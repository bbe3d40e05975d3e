#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The spool together with durability, Sentinel and Cluster: what came while the
# master was away is with the new master, or at the right node, once, and as
# durable as its source asks for; what cannot go there yet holds up nothing
# else.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Cluster;
use Intake::Deliveries;
use Intake::Problem;
use Intake::RedisProxy;
use Intake::Sentinels;
use Intake::Spool;
use Intake::Test;


# Sources b to h as a is, or with lines of their own.

sub more {
    my ($names, $lines) = @_;

    return (http => join('', map { <<"EOC" } @$names),
    intake_source $_ {
        platform  signed;
        secret    s3cret;
        $lines
    }
EOC
            server => join "\n", map { "location = /$_ { intake $_; }" }
                                 @$names);
}


sub deliveries {
    my ($t, $redis, @names) = @_;

    return map { $_ => Intake::Deliveries->new(
        t => $t, redis => $redis, uri => "/$_", stream => "intake:{$_}") }
        @names;
}


sub nginx {
    my ($t, %opt) = @_;

    $t->write_file_expand('nginx.conf', spool_conf(%opt));
    $t->run();
}


# a asks for a replica, b does not

subtest 'replicas=1' => sub {
    my $t = Intake::Test->new();
    my %common = ('repl-diskless-sync-delay' => 0);
    my $master = $t->redis(port => 1, options => {
        %common, appendonly => 'yes', appendfsync => 'no' });
    my $replica = $t->redis(name => 'replica', port => 1, options => {
        %common, replicaof => '127.0.0.1 ' . $master->port() });

    nginx($t, source => 'durability replicas=1; deadline 1s;',
          more(['b'], 'durability memory;'));

    my %d = deliveries($t, $master, 'a', 'b');

    ok($d{a}->ready(), 'ready');
    ok($t->wait_for(sub { $d{a}->deliver('first')->status == 200 }),
       'a replica');

    # no replica: refused, whatever the spool has room for

    $replica->kill();
    my $weak = 0;

    ok($t->wait_for(sub {
        my $res = $d{a}->deliver('weak-' . ++$weak);
        return ($res->json->{code} // '') eq 'DURABILITY_UNAVAILABLE'
               && $res->{elapsed} < 0.5 }), 'it is known');

    my $before = spool_records($t);

    is_problem($d{a}->deliver('refused'), 'DURABILITY_UNAVAILABLE', 'refused');
    is(scalar(spool_records($t)), $before, 'and not in the spool');

    # no master either: into the spool

    $master->kill();

    for my $n (1 .. 70) {
        $d{a}->deliver("spooled-$n");
        $d{b}->deliver("spooled-$n");
    }

    is(scalar(grep { /^spooled/ } keys %{$d{$_}{book}}), 70, "$_: accepted")
        for 'a', 'b';
    $master->start();
    ok($t->wait_for(sub { $master->command(qw(XLEN intake:{b})) == 70 }, 30),
       'what does not ask for it is replayed');
    ok(scalar spool_files($t), 'what does is in the spool');
    ok($t->wait_for(sub { spool_files($t, 'later') }), 'set aside');

    $replica->start();
    ok(spool_empty($t, 40), 'until there is a replica');
    is($replica->command(qw(XLEN intake:{a})),
       $master->command(qw(XLEN intake:{a})), 'that has it');
    $d{$_}->balance("$_: each once") for 'a', 'b';
    is($d{a}->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    $t->finish();
};


# WAITAOF is that of a proxy: Redis has it since 7.2.  The file lags after the
# replay has written, which is then asked for again.

subtest 'fsync' => sub {
    my $t = Intake::Test->new();
    my $redis = $t->redis(options => { appendonly => 'yes',
                                       appendfsync => 'no' });
    my $proxy = Intake::RedisProxy->new(dir => $t->dir(), redis => $redis,
                                        rules => { WAITAOF =>
                                                   "*2\r\n:1\r\n:0\r\n" });

    nginx($t, redis => 'server ' . $proxy->url() . ';',
          source => 'durability fsync; deadline 1s;');

    my ($d) = values %{{deliveries($t, $redis, 'a')}};

    ok($d->ready(), 'ready');
    is($d->deliver('first')->status, 200, 'synced');

    $proxy->rules(EVALSHA => "-OOM command not allowed\r\n",
                  EVAL => "-OOM command not allowed\r\n");
    is($d->deliver("spooled-$_")->json->{entry}, undef, 'spooled') for 1 .. 3;
    ok(scalar spool_files($t, 'seg'), 'in the spool');

    my $before = () = $proxy->commands('WAITAOF');

    $proxy->rules(WAITAOF => "*2\r\n:0\r\n:0\r\n", EVALSHA => { pass => 1 },
                  EVAL => { pass => 1 });
    ok($t->wait_for(sub { $before < (() = $proxy->commands('WAITAOF')) }),
       'asked for by the replay');
    ok(scalar spool_files($t), 'not done before it is synced');
    is_problem($d->deliver('weak'), 'DURABILITY_UNAVAILABLE', 'as live');

    $proxy->rules(WAITAOF => "*2\r\n:1\r\n:0\r\n");
    ok(spool_empty($t, 40), 'done then');
    $d->balance('each once');
    is($d->count("spooled-$_"), 1, 'once') for 1 .. 3;
    $t->finish();
};


# One that has WAITAOF, and whose file is not synced when it comes back.

subtest 'fsync: a server that has it' => sub {
    my $binary = Intake::RedisServer::valkey();

    plan skip_all => 'there is no valkey-server' unless $binary;

    my $t = Intake::Test->new();
    my $valkey = Intake::RedisServer->new(
        dir => $t->dir(), name => 'valkey', binary => $binary,
        options => { appendonly => 'yes', appendfsync => 'always' })->start();

    push @{$t->{redis}}, $valkey;
    nginx($t, redis => 'server ' . $valkey->url() . ';',
          source => 'durability fsync; deadline 1s;');

    my ($d) = values %{{deliveries($t, $valkey, 'a')}};

    ok($d->ready(), 'ready');
    is($d->deliver('first')->status, 200, 'synced');
    $valkey->kill();
    is($d->deliver("spooled-$_")->json->{entry}, undef, 'spooled') for 1 .. 3;

    my @segments = spool_files($t, 'seg');

    $valkey->{options}{appendfsync} = 'no';
    $valkey->start();
    ok($t->wait_for(sub { $valkey->command(qw(XLEN intake:{a})) == 4 }, 30),
       'replayed');
    ok($t->wait_for_log(qr/does not give .* fsync: .*file is not synced/),
       'its WAITAOF has told that it is not synced');
    ok(@segments && !grep({ !-s } @segments), 'so the segments stay');
    is_problem($d->deliver('weak'), 'DURABILITY_UNAVAILABLE', 'as live');

    $valkey->command(qw(CONFIG SET appendfsync always));
    ok(spool_empty($t, 40), 'until it is');

    # the file is all there is

    $valkey->kill();
    $valkey->start();
    $d->balance('each once');
    is($d->count("spooled-$_"), 1, 'once') for 1 .. 3;
    $t->finish();
};


# [durability; of the new master, whether it needs the old one as its replica]

for my $row (['memory', 0], ['replicas=1', 1]) {
    my ($durability, $alone) = @$row;

    subtest "Sentinel, $durability" => sub {
        my $t = Intake::Test->new();
        my $shop = Intake::Sentinels->new($t);
        my ($one, $two) = ($shop->one(), $shop->two());

        nginx($t, redis => 'server ' . $shop->url() . ';',
              source => "durability $durability; deadline 5s;");

        my ($d) = values %{{deliveries($t, $shop, 'a')}};

        ok($d->ready(), 'ready');
        ok($t->wait_for(sub { $d->deliver('first')->status == 200 }),
           'stored');
        ok($t->wait_for(sub {
            $two->command(qw(XLEN intake:{a})) == 1 }), 'at both');

        # until another is the master all are accepted, or refused where a
        # replica is missing

        my ($n, $code) = (0, '');

        $one->kill();

        ok($t->wait_for(sub {
            my $res = $d->deliver('fail-over-' . ++$n);

            $code = $res->json->{code} if $res->status != 200;
            return Intake::Sentinels::is_master($two)
                   && (defined $res->json->{entry}
                       || $code eq 'DURABILITY_UNAVAILABLE');
        }, 90), 'the other becomes the master');

        is($code, $alone ? 'DURABILITY_UNAVAILABLE' : '',
           'what is refused meanwhile');
        cmp_ok(scalar(grep { !defined $_->{entry} }
                      map { @$_ } values %{$d->{book}}), '>', 0,
               'some were spooled');

        if ($alone) {
            ok(scalar spool_files($t), 'they wait for a replica');
            $one->start();
        }

        ok(spool_empty($t, 60), 'replayed to the new master');
        delete $two->{client};
        $d->balance('each once');

        if ($alone) {
            is($one->command(qw(XLEN intake:{a})),
               $two->command(qw(XLEN intake:{a})), 'the replica has them');
        }

        $t->finish();
    };
}


my @names = ('a' .. 'h');

subtest 'Cluster' => sub {
    my $t = Intake::Test->new();
    my $cluster = Intake::Cluster->new(
        $t, replicas => 0, 'cluster-require-full-coverage' => 'no');

    nginx($t, redis => 'server ' . $cluster->url() . ';',
          source => 'deadline 1s;', more([@names[1 .. 7]], 'deadline 1s;'));

    my %d = deliveries($t, $cluster, @names);

    ok($d{a}->ready(), 'the map is known');
    is($d{$_}->deliver("first-$_")->status, 200, "$_: stored") for @names;

    my $dead = $cluster->owner('intake:{a}');
    my @dead = grep { $cluster->owner("intake:{$_}") == $dead } @names;
    my @alive = grep { $cluster->owner("intake:{$_}") != $dead } @names;

    # one node is away: what is its is kept, what is of others is stored

    $dead->kill();

    for my $name (@names) {
        my $res = $d{$name}->deliver("away-$name");

        is($res->status, 200, "$name: accepted");
        is(defined $res->json->{entry} ? 'stored' : 'spooled',
           (grep { $_ eq $name } @dead) ? 'spooled' : 'stored', "$name: how");
    }

    # all are away, all but one come back

    $_->kill() for grep { $_ != $dead } $cluster->nodes();

    for my $n (1 .. 20) {
        $d{$_}->deliver("none-$n-$_") for @names;
    }

    $_->start() for grep { $_ != $dead } $cluster->nodes();

    for my $name (@alive) {
        ok($t->wait_for(sub {
            my $owner = eval { $cluster->owner("intake:{$name}") };

            $owner && eval { $owner->command('XLEN', "intake:{$name}") } == 22
        }, 40), "$name: replayed without the other node");
    }

    ok(scalar spool_files($t), 'what is of that node is in the spool');
    $dead->start();
    ok(spool_empty($t, 60), 'until it is back');
    $d{$_}->balance("$_: each once") for @names;
    is(scalar($cluster->entries("intake:{$_}")), 22, "$_: all") for @names;

    # the slot has another node when the replay comes

    my $name = $dead[0];
    my $stream = "intake:{$name}";
    my $slot = $dead->ask('CLUSTER', 'KEYSLOT', $stream);
    my ($to) = grep { $_ != $dead } $cluster->nodes();

    $dead->ask('FLUSHALL');
    $dead->kill();
    is($d{$name}->deliver('moved')->json->{entry}, undef, 'spooled');

    my $id = $cluster->id($to);

    for my $node (grep { $_ != $dead } $cluster->nodes()) {
        $node->ask('CLUSTER', 'SETSLOT', $slot, 'NODE', $id);
    }

    ok($t->wait_for(sub {
        eval { $to->command('XLEN', $stream) } == 1 }, 40),
       'replayed to the node that has the slot now');
    ok(spool_empty($t, 40), 'nothing is left');
    is(scalar($to->entries($stream)), 1, 'once');
    $t->finish();
};


done_testing();
