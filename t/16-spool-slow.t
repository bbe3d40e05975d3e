#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# A Redis that is slow, far away, busy or silent: what is large gets there in
# the end, out of the spool and live, others do not wait for it, and nothing of
# that is a reason to set a record aside for good.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use Intake::RedisProxy;
use Intake::RedisServer;
use Intake::Spool;
use Intake::Test;


# Source a, which is signed, and n, which takes anything; Redis is behind a
# proxy that is away, with these rules.  timeout: that of intake_redis.

sub start {
    my (%rules) = @_;
    my $timeout = delete $rules{timeout} // '2s';
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir())->start();
    my $proxy = Intake::RedisProxy->new(dir => $t->dir(), redis => $redis,
                                        rules => \%rules);

    $proxy->stop();

    my $d = spool_deliveries($t, $redis,
        redis => "server @{[$proxy->url()]}; timeout $timeout;",
        http => 'intake_platform none { algorithm none; }
                 intake_source n { platform none; max_body 32m;
                                   deadline 14s; }',
        server => 'location = /n { intake n; }');

    return ($t, $redis, $proxy, $d);
}


sub lengths {
    my ($redis) = @_;
    return map { length $_->{fields}{data} } $redis->entries('intake:{n}');
}


# 4 MB take more than the five seconds that Redis may be silent

subtest 'a slow link' => sub {
    my ($t, $redis, $proxy, $d) = start(pace => 0.1);
    my $size = 4_000_000;

    is($t->post('/n', 'x' x $size)->status, 200, 'kept');
    $proxy->start();
    ok(spool_empty($t, 60), 'replayed');
    is_deeply([lengths($redis)], [$size], 'all of it, once');

    my $res = $t->post('/n', 'y' x $size);

    is($res->status, 200, 'live');
    ok($res->json->{entry}, 'stored');
    is_deeply([lengths($redis)], [$size, $size], 'all of it, once');
    is($d->metric('intake_redis_connects_total'), 1, 'on one connection');
    is($d->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    $proxy->stop();
    $t->finish();
};


# each time longer than `timeout`

subtest 'a slow server' => sub {
    my ($t, $redis, $proxy, $d) = start(
        timeout => '5s', EVALSHA => { pass => 1, delay => 5.5 });

    is($t->post('/n', 'x' x 600_000)->status, 200, 'kept');
    $d->deliver('behind');
    $proxy->start();
    ok(spool_empty($t, 40), 'replayed');
    is_deeply([lengths($redis)], [600_000], 'once');
    $d->balance('once');
    is($d->metric('intake_redis_connects_total'), 1, 'on one connection');
    is($d->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    $proxy->stop();
    $t->finish();
};


# something is always on its way, so that there is never room for all of what
# is larger than 8 MB

subtest 'live traffic all the while' => sub {
    my ($t, $redis, $proxy, $d) = start(
        EVALSHA => { pass => 1, delay => 0.2 });
    my $size = 9_000_000;
    my (@sent, $n);
    my $while = sub {
        my ($sub, $end) = ($_[0], time() + 40);

        while (!$sub->() && time() < $end) {
            push @sent, $d->send('live' . $n++) while @sent < 4;
            $d->receive(shift @sent);
        }

        return $sub->();
    };

    is($t->post('/n', 'x' x $size)->status, 200, 'kept');
    $proxy->start();
    ok($d->ready(), 'a connection');
    ok($while->(sub { !spool_files($t) }), 'replayed');
    is_deeply([lengths($redis)], [$size], 'all of it, once');

    my $http = $t->http();
    my $res;

    $http->send('POST', '/n', body => 'y' x $size, close => 1);
    $while->(sub { $http->fill(0) });
    $res = $http->response('POST');
    is($res->status, 200, 'live');
    ok($res->json->{entry}, 'stored');
    $d->receive($_) for @sent;
    ok(spool_empty($t), 'what was late is replayed');
    $d->balance('each of the others once');
    is($d->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    $proxy->stop();
    $t->finish();
};


# it never answers what is large, but all else

subtest 'a silent server' => sub {
    my ($t, $redis, $proxy, $d) = start(EVALSHA => sub {
        my $large = grep { length > 500_000 } @_;

        return $large ? { silent => 1 } : { pass => 1 };
    });

    $t->expect_log(qr/\[error\] .*redis connection (?:ended|lost): no reply/);
    $t->expect_log(qr/\[error\] .*nothing of the source "n" gets out/);
    is($t->post('/n', 'x' x 600_000)->status, 200, 'kept');
    is($t->post('/n', 'behind')->status, 200, 'kept');
    $d->deliver("behind-$_") for 1 .. 5;
    $proxy->start();

    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 60), 'others go on');
    $d->balance('each once');
    is_deeply([lengths($redis)], [6], 'of its source, too');
    is(scalar spool_files($t, 'later'), 1, 'it is tried again later');
    is(scalar $t->error_log_lines(qr/a record of the spool/), 0,
       'nothing is said of it');

    $proxy->stop();
    $proxy->{rules}{EVALSHA} = { pass => 1 };
    $proxy->start();
    ok(spool_empty($t, 60), 'replayed in the end');
    is_deeply([sort { $a <=> $b } lengths($redis)], [6, 600_000], 'once');
    is($d->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    $proxy->stop();
    $t->finish();
};


done_testing();
