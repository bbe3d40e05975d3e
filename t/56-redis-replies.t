#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Replies that come in pieces, late, broken or not at all, from a Redis that
# has done what it was told, or has not: every delivery is stored once or
# refused, and the next one is stored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Deliveries;
use Intake::Problem;
use Intake::RedisProxy;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $proxy = Intake::RedisProxy->new(dir => $t->dir(), redis => $redis);

$t->write_file_expand('nginx.conf', delivery_conf(
    redis => "server @{[$proxy->url()]}; connect_timeout 300ms;",
    source => 'deadline 700ms;'));
$t->run();

my $d = Intake::Deliveries->new(t => $t, redis => $redis);
my $entry_size = length "*1\r\n\$15\r\n1234567890123-0\r\n";


# [what is done to the first reply; whether the connection breaks, 2: one that
# is not new; the code of the refusal, none when it is stored in the end; what
# the log says]

my %replies = (
    'byte by byte' => [{ pass => 1, chunk => 1 }],
    'in two parts' => [{ pass => 1, chunk => 9, pause => 0.05 }],
    'closed behind it' => [{ pass => 1, close => 1 }, 1],

    # it was done, and is asked for again
    'nothing, then closed' => [{ pass => 1, close_after => 0 }, 1],
    'a byte, then closed' => [{ pass => 1, close_after => 1 }, 1],
    'half, then closed' => [{ pass => 1, close_after => 12 }, 1],
    'all but a byte, then closed'
        => [{ pass => 1, close_after => $entry_size - 1 }, 1],
    'another protocol' => [{ pass => 1, reply => "HTTP/1.0 400 no\r\n\r\n" },
                           1, undef, qr/sent an invalid reply/],
    'RESP3' => [{ pass => 1, reply => "%1\r\n+a\r\n:1\r\n" },
                1, undef, qr/sent an invalid reply/],
    'a length that is none' => [{ pass => 1, reply => "\$x\r\n" },
                                1, undef, qr/sent an invalid reply/],
    'an array of arrays of arrays ...'
        => [{ pass => 1, reply => "*1\r\n" x 20 },
            1, undef, qr/sent an invalid reply/],
    'a huge array' => [{ pass => 1, reply => "*1000000000\r\n" },
                       1, undef, qr/sent an invalid reply/],
    'a huge string'
        => [{ pass => 1, reply => "\$500000000\r\n" . 'x' x 1_200_000 },
            1, undef, qr/sent an invalid reply/],

    # it was not done
    'closed, not done' => [{ reply => '', close => 1 }, 1],
    'no master now' => [{ reply => "-READONLY You can't write.\r\n" }, 2],
    'no script, again' => [{ reply => "-NOSCRIPT No matching script.\r\n" }],

    # it was done, and what was said of it makes no sense
    'another type' => [{ pass => 1, reply => ":1\r\n" }, 0, 'STORE_REFUSED',
                       qr/answered the store script with something else/],
    'nil' => [{ pass => 1, reply => "\$-1\r\n" }, 0, 'STORE_REFUSED'],
    'no elements' => [{ pass => 1, reply => "*0\r\n" }, 0, 'STORE_REFUSED'],
    'an element of another type' => [{ pass => 1, reply => "*1\r\n:1\r\n" },
                                     0, 'STORE_REFUSED'],
    'an element without a text' => [{ pass => 1, reply => "*1\r\n*0\r\n" },
                                    0, 'STORE_REFUSED'],

    'loading' => [{ reply => "-LOADING Redis is loading\r\n" }, 1,
                  'STORE_REFUSED', qr/LOADING/],
    'down' => [{ reply => "-MASTERDOWN Link is down\r\n" }, 2],
    'an error' => [{ reply => "-ERR no\r\n" }, 0, 'STORE_REFUSED',
                   qr/Redis refused an entry of .*: "ERR no"/],
    'another slot' => [{ reply => "-MOVED 1 127.0.0.1:1\r\n" }, 0,
                       'STORE_REFUSED', qr/"MOVED .* part of a cluster/],

    # the words of Redis for what it does not do, and the connection stays
    map({ my ($word, $text, $hint) = @$_;
          ("the word $word" => [{ reply => "-$word $text\r\n" }, 0,
                                'STORE_REFUSED',
                                qr/refused an entry of .*"$word .*$hint/]) }
        ['ASK', '1 127.0.0.1:1', 'part of a cluster'],
        ['TRYAGAIN', 'Multiple keys request during rehashing of slot', ''],
        ['CLUSTERDOWN', 'Hash slot not served', ''],
        ['CROSSSLOT', "Keys in request don't hash to the same slot",
         'part of a cluster'],
        ['WRONGTYPE', 'Operation against a key holding the wrong kind of value',
         'a key of another program'],
        ['BUSY', 'Redis is busy running a script', ''],
        ['OOM', "command not allowed when used memory > 'maxmemory'",
         'maxmemory of the server is reached'],
        ['MISCONF', 'Redis is configured to save RDB snapshots',
         'cannot save to its disk'],
        ['NOREPLICAS', 'Not enough good replicas to write.',
         'misses the replicas'],
        ['NOPERM', "this user has no permissions to run 'evalsha'",
         'ACL of the user']),

    'a long error' => [{ reply => "-ODD \e[31m" . 'x' x 100_000 . "\r\n" }, 0,
                       'STORE_REFUSED', qr/"ODD \?\[31mx{50,300}"/],
    'late' => [{ pass => 1, delay => 1 }, 0, 'STORE_TIMEOUT'],
);

for my $name (sort keys %replies) {
    my ($rule, $breaks, $code, $log) = @{$replies{$name}};

    subtest $name => sub {
        ok(!$breaks ? $d->ready()
           : $breaks == 2 ? $d->steady() : $d->connected(), 'a connection');
        $proxy->rules(EVALSHA => [$rule, { pass => 1 }]);

        my $res = $d->deliver($name);

        if ($code) {
            is_problem($res, $code, 'refused');
            is($d->count($name), $rule->{pass} ? 1 : 0, 'done or not');
            ok($t->wait_for(sub { $d->in_flight() == 0 }), 'answered');

        } else {
            is($res->status, 200, 'stored') or diag($res->body);
            is($res->json->{duplicate}, JSON::PP::false, 'as the first');
        }

        ok($t->wait_for_log($log), 'the log says so') if $log;
        ok($d->ready(), 'a connection');
        is($d->deliver("$name, next")->status, 200, 'the next is stored');

        my $again = $d->deliver($name);

        is($again->status, 200, 'the retry');
        is($again->json->{duplicate} ? 1 : 0,
           $code && !$rule->{pass} ? 0 : 1, 'is recognised');
        is($again->json->{id}, $name, 'by its id');
        $d->balance('each once');
    };
}


# a server that takes connections and nothing else is no change of state

subtest 'it comes and goes' => sub {
    my $change = qr/\[(?:error|notice)\] .*redis/i;
    my $ready = qr/redis is ready/;

    ok($d->steady() && $d->deliver('goes')->status == 200, 'a connection');

    my ($changes, $n) = map { scalar $t->error_log_lines($_) } $change, $ready;

    $proxy->rules(EVALSHA => "-LOADING Redis is loading\r\n");

    for my $i (1 .. 10) {
        is_problem($d->deliver("goes-$i"), 'STORE_REFUSED', 'refused');
        ok($t->wait_for(sub { $t->error_log_lines($ready) >= $n + $i }),
           'a connection');
    }

    my @lines = $t->error_log_lines($change);

    is(scalar @lines, $changes + 1, 'one line');
    like($lines[-1], qr/\[error\] .*is not ready: "LOADING/, 'of the first');

    $proxy->rules(EVALSHA => { pass => 1 });
    is($d->deliver('comes')->status, 200, 'stored');

    @lines = $t->error_log_lines($change);
    is(scalar @lines, $changes + 2, 'one more');
    like($lines[-1], qr/\[notice\] .*ready again, 10 operations/, 'it is well');

    # where nobody delivers a second without a break is enough

    ok($d->steady(), 'a connection');
    $proxy->stop();
    ok($t->wait_for(sub { $t->error_log_lines($change) == $changes + 3 }),
       'it goes');
    $proxy->start();
    ok($t->wait_for(sub { $t->error_log_lines($change) == $changes + 4 }),
       'it comes');
    $d->balance('each once');
};


# nobody hears it, and it is stored all the same

subtest 'the client leaves' => sub {
    for my $left (0.2, 1) {
        my $name = "left, $left";

        $proxy->rules(EVALSHA => [{ pass => 1, delay => $left },
                                  { pass => 1 }]);
        my $sent = $d->send($name);
        ok($t->wait_for(sub { $d->in_flight() == 1 }), 'sent');
        $d->abandon($sent);
        ok($t->wait_for(sub { $d->count($name) == 1 }), 'stored');
        ok($t->wait_for(sub { $d->in_flight() == 0 }), 'answered');
        is($d->deliver($name)->json->{duplicate}, JSON::PP::true,
           'the retry is recognised');
        is($d->deliver("$name, next")->status, 200, 'the next is stored');
    }

    $d->balance('each once');
};


# what nobody has asked for: positions cannot be trusted any more

subtest 'a reply too many' => sub {
    ok($d->steady(), 'a connection');
    $proxy->rules(EVALSHA => [{ pass => 1, suffix => "*1\r\n+1-1\r\n" },
                              { pass => 1 }]);

    is($d->deliver('too-many')->status, 200, 'stored');
    ok($t->wait_for_log(qr/sent an unexpected reply/), 'the log says so');
    ok($d->ready(), 'a connection');
    is($d->deliver('too-many, next')->status, 200, 'the next is stored');
    $d->balance('each once');
};


# [what answers on connect, and what the log says]

my %hellos = (
    'no answer' => [{ INFO => { silent => 1 } }, qr/no answer after connect/],
    'half' => [{ ROLE => { pass => 1, close_after => 5 } },
               qr/closed the connection/],
    'too many clients' => [{ CLIENT => {
        reply => "-ERR max number of clients reached\r\n", close => 1 },
        ROLE => { silent => 1 } }, qr/max number of clients|closed the conn/],
    'another protocol' => [{ CLIENT => "220 welcome\r\n" },
                           qr/sent an invalid reply/],
    'loading' => [{ TIME => "-LOADING Redis is loading\r\n" },
                  qr/is not ready: "LOADING/],
    'a replica' => [{ ROLE => "*1\r\n\$5\r\nslave\r\n" }, qr/not a master/],
);

for my $name (sort keys %hellos) {
    my ($rules, $log) = @{$hellos{$name}};

    subtest "on connect: $name" => sub {
        ok($d->steady(), 'a connection');

        my $before = $t->error_log_lines(qr/\[error\] .*redis connection/);

        $proxy->stop();
        $proxy->{rules} = { %{$proxy->{rules}}, %$rules };
        $proxy->start();
        ok($t->wait_for(sub { $t->get('/status?health')->status == 503 }),
           'it is gone');
        ok($t->wait_for_log($log), 'the log says so');

        my $res = $d->deliver("hello $name");

        is_problem($res, 'STORE_UNAVAILABLE', 'refused');
        cmp_ok($res->{elapsed}, '<', 0.7 + 0.5, 'in time');
        cmp_ok($t->error_log_lines(qr/\[error\] .*redis connection/), '==',
               $before + 1, 'one line');

        $proxy->rules(map { $_ => { pass => 1 } } keys %$rules);
        ok($d->ready(), 'it comes back');
        is($d->deliver("hello $name")->status, 200, 'stored');
        $d->balance('once');
    };
}


$t->finish();
$proxy->stop();
