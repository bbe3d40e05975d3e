#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The power fails: of each file the disk has what had been synchronized.  What
# was acknowledged is there afterwards, once, where a promise says so; where
# Redis promises a second, what is lost is counted.  INTAKE_CUTS is how often
# it fails, for each of the three.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Intake::Deliveries;
use Intake::Load;
use Intake::Power;
use Intake::Process;
use Intake::RedisServer;
use Intake::Spool;
use Intake::Test;


my $cuts = $ENV{INTAKE_CUTS};


# How often each id is in the stream.

sub stored {
    my ($redis) = @_;
    my %count;

    $count{$_}++ for @{$redis->command('EVAL', <<'EOS', 1, 'intake:{a}')};
local ids = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
    ids[#ids + 1] = entry[2][4]
end
return ids
EOS

    return \%count;
}


# Sends it until it is accepted, as a platform does.

sub deliver {
    my ($d, $id) = @_;

    return $d->{t}->wait_for(sub {
        my $res = eval { $d->deliver($id) };
        return $res && $res->status == 200;
    });
}


# Redis 7.0 leaves a transaction behind that has begun and does not end when the
# last command of its file is torn inside of one, and runs it together with the
# next one after the next start: the file is written anew before it is used.

sub start_redis {
    my ($redis) = @_;
    my $torn = () = $redis->log() =~ /Truncating the AOF/g;

    $redis->start();

    return 0 if $torn == (() = $redis->log() =~ /Truncating the AOF/g);

    $redis->command('BGREWRITEAOF');
    Intake::Process::wait_for(sub { $redis->command('INFO', 'persistence')
        !~ /^aof_rewrite_(?:in_progress|scheduled):1/m });

    return 1;
}


# Redis under load, $fsync its appendfsync: how many were acknowledged, lost,
# stored twice, and the bytes of its file that are gone.

sub redis_loses_power {
    my ($t, $fsync, $rounds) = @_;
    my $power = Intake::Power->new(t => $t,
                                   dir => $t->path('redis/appendonlydir'));
    my $redis = $t->redis(env => $power->environment(), options => {
        appendonly => 'yes', appendfsync => $fsync,
        'auto-aof-rewrite-percentage' => 0 });

    my $d = Intake::Deliveries->new(t => $t, redis => $redis);
    my %sum = map { $_ => 0 } qw(acknowledged lost twice bytes torn missing
                                 rounds);

    $t->write_file_expand('nginx.conf', delivery_conf(
        workers => 2, redis => 'server %%REDIS%%;',
        source => 'deadline 1s;'));
    $t->run();
    ok($d->ready(), 'ready');

    for my $round (1 .. $rounds) {
        my $load = Intake::Load->start($d, clients => 4);

        $load->wait(20 + rand 100);
        $redis->command('BGREWRITEAOF') if $round % 3 == 0;
        sleep rand 0.05;
        $redis->kill();

        my @answers = $load->stop();

        $sum{bytes} += $power->lose(tail => $round % 3 == 1 ? 'part' : undef);
        $sum{torn} += start_redis($redis);
        $sum{acknowledged} += deliver($d, "round-$round") or last;

        # what was acknowledged, in this round or before

        my $there = stored($redis);
        my @lost = grep { !$there->{$_} } keys %{$d->{book}};
        my %sent = map { $_->{id} => 1 } @answers;

        $sum{lost} += @lost;
        $sum{acknowledged} += grep { $_->{status} == 200 } @answers;

        # the platform sends again what it heard nothing of, or is asked to

        delete $d->{book}{$_} for @lost;

        my @again = (@lost, grep { !$d->{book}{$_} } keys %sent);

        $sum{acknowledged} += grep { deliver($d, $_) } @again;

        $there = stored($redis);
        $sum{twice} += grep { $there->{$_} > 1 } keys %$there;
        $sum{missing} += grep { !$there->{$_} } keys %{$d->{book}};
        $sum{rounds}++;
    }

    is($sum{rounds}, $rounds, "$fsync: rounds");
    is($sum{twice}, 0, "$fsync: none is there twice");
    is($sum{missing}, 0, "$fsync: and none is missing in the end");
    $d->balance("$fsync: each at its entry");

    return \%sum;
}


sub told {
    my ($sum, $rounds) = @_;
    return "$rounds cuts, $sum->{acknowledged} acknowledged, $sum->{lost} lost,"
        . " $sum->{twice} twice, $sum->{bytes} bytes gone"
        . ($sum->{torn} ? ", $sum->{torn} files torn" : '');
}


subtest 'appendfsync always' => sub {
    my $rounds = $cuts // 3;
    my $t = Intake::Test->new(log => 'notice');
    my $sum = redis_loses_power($t, 'always', $rounds);

    note("always: ", told($sum, $rounds));
    is($sum->{lost}, 0, 'none is lost');
    cmp_ok($sum->{acknowledged}, '>=', 20 * $rounds, 'there was a load');
    $t->finish();
};


subtest 'appendfsync everysec' => sub {
    my $rounds = $cuts // 2;
    my $t = Intake::Test->new(log => 'notice');
    my $sum = redis_loses_power($t, 'everysec', $rounds);

    note("everysec: ", told($sum, $rounds));
    cmp_ok($sum->{lost}, '>', 0, 'some are lost: the loss is seen');
    cmp_ok($sum->{bytes}, '>', 0, 'with bytes');
    $t->finish();
};


# nginx and its spool, Redis away, and there at every fourth time

subtest 'the spool' => sub {
    my $rounds = $cuts // 4;
    my $t = Intake::Test->new(log => 'notice');
    my $power = Intake::Power->new(t => $t, dir => $t->path('spool'));
    my $redis = Intake::RedisServer->new(dir => $t->dir(), options => {
        appendonly => 'yes', appendfsync => 'no' });
    my @run = (env => $power->environment());
    my $d = spool_deliveries($t, $redis, workers => 2, globals =>
        'env INTAKE_SYNCED; env INTAKE_KEPT;', run => {@run});
    my ($acknowledged, $bytes, $done) = (0, 0, 0);
    my @tails = (undef, 'part', 'zeros');

    for my $round (1 .. $rounds) {
        my $load = Intake::Load->start($d, clients => 4);

        $load->wait(20 + rand 100);
        $redis->start() if $round % 4 == 0;
        sleep rand 0.05;
        (delete $t->{process})->kill_group();
        $acknowledged += grep { $_->{status} == 200 } $load->stop();
        $bytes += $power->lose(tail => $tails[$round % 3]);
        $t->run(@run);

        if ($round % 4 == 0 || $round == $rounds) {
            $redis->start() if $round % 4;
            spool_empty($t) or last;
            $d->balance("round $round: each once");
            $redis->stop();
        }

        $done++;
    }

    $redis->start();
    ok(spool_empty($t), 'replayed');
    is($done, $rounds, 'rounds');
    cmp_ok($acknowledged, '>=', 20 * $rounds, 'there was a load');

    my @wrong = $d->wrong();

    note("the spool: ", told({
        acknowledged => $acknowledged, bytes => $bytes,
        lost => scalar(grep { /is not there/ } @wrong),
        twice => scalar(grep { /twice/ } @wrong) }, $rounds));
    is("@wrong", '', 'each is there once');
    $t->finish();
};


done_testing();
