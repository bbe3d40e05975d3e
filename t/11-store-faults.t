#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The store script where Redis refuses, trims, forgets, or is a cluster; what
# it costs; and that it has no globals.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp;
use Test::More;

use Intake::Process qw(wait_for);
use Intake::Redis;
use Intake::RedisServer;
use Intake::Store qw(store_script store_args entry_fields dedupe_key);


my $dir = File::Temp->newdir();
my $server = Intake::RedisServer->new(dir => "$dir")->start();
my $redis = $server->client();
my $sha = $redis->command('SCRIPT', 'LOAD', store_script());
my $stream = 'intake:{a}';
my $serial = 0;

# 6.2 has no word for it
my $no_right = qr/(?:NOPERM|ERR|The user executing the script can't)/;

my @rights = qw(+evalsha +eval +get +mget +set +xadd +xtrim +time);


# a new event of a kind

sub event {
    my ($kind, %fields) = @_;
    my $id = 'id-' . ++$serial;
    my $own = dedupe_key('o', "own $id");
    my $body = "body of $id";

    return {
        kind => $kind,
        keys => $kind eq 'o' ? [$own]
                : $kind eq 'k' ? [dedupe_key('s', $id)]
                : [dedupe_key('u', $id), dedupe_key('h', $body)],
        own => $own,
        id => $id,
        type => 'com.example.event',
        time => '2026-01-01T00:00:00Z',
        recordedtime => sprintf('2026-01-01T00:00:00.%06dZ', $serial),
        intakekey => "s:$id",
        intakeverify => 'ok',
        data => $body,
        %fields,
    };
}


# the same event, in another delivery

sub again {
    my ($d, %fields) = @_;
    my $other = event($d->{kind});

    return { %$d, own => $other->{own},
             recordedtime => $other->{recordedtime}, %fields };
}


sub store { store_as($redis, @_) }


sub store_as {
    my ($client, $call, @deliveries) = @_;
    my ($reply) = $client->pipeline(
        ['EVALSHA', $sha, store_args({ stream => $stream, %$call },
                                     @deliveries)]);

    return ref $reply eq 'SCALAR' ? $$reply : $reply;
}


sub keys_left { scalar @{$redis->command('KEYS', "$stream:*")} }
sub stored { ok($_[0] =~ /^\d+-\d+\z/, $_[1]) or diag explain $_[0] }


# refused, with the text that begins with this; nothing is left behind

sub refused {
    my ($reply, $text, $name) = @_;

    is(ref $reply eq 'ARRAY' && $reply->[0], -1, "$name: refused");
    like(ref $reply eq 'ARRAY' ? $reply->[1] : $reply, qr/^$text\b.*\S\z/,
         "$name: says why");
}


sub entries { scalar @{$redis->command('XRANGE', $stream, '-', '+')} }


sub now {
    my ($s, $us) = @{$redis->command('TIME')};
    return $s * 1000 + int $us / 1000;
}


subtest 'a key of another type' => sub {
    $redis->command('FLUSHALL');

    my $known = event('k');
    my ($entry) = @{store({}, $known)};

    stored($entry, 'stored');
    $redis->command('RENAME', $stream, 'aside');
    $redis->command('SET', $stream, 'no stream');

    my @new = map { event($_) } qw(k u o);
    my $reply = store({}, $new[0], again($known), @new[1, 2]);

    refused($reply->[$_], 'WRONGTYPE', "delivery $_") for 0, 2, 3;
    is_deeply($reply->[1], [1, $entry, $known->{id}],
              'the duplicate in between is answered');
    is(keys_left(), 1, 'no key without an entry');

    $redis->command('RENAME', 'aside', $stream);
    $reply = store({}, @new);
    stored($reply->[$_], "delivery $_ stored when repaired") for 0 .. 2;
    is(entries(), 4, 'once');

    $redis->command('DEL', map { "$stream:dedupe:$_" } @{$new[0]{keys}});
    $redis->command('LPUSH', "$stream:dedupe:$new[0]{keys}[0]", 'x');
    stored(store({}, $new[0])->[0], 'a dedupe key of another type is no hit');
    like($redis->command('GET', "$stream:dedupe:$new[0]{keys}[0]"),
         qr/^\d+-\d+ $new[0]{recordedtime} $new[0]{id}\z/,
         'and is overwritten');

    my $own = event('o');

    $redis->command('SET', "$stream:dedupe:$own->{own}",
                    now() . '-0 2026-01-01T00:00:00.000000Z other');
    stored(store({}, $own)->[0], 'an own key has no duplicates');
};


subtest 'maxmemory is reached' => sub {
    $redis->command('FLUSHALL');

    my $known = event('u');
    my ($entry) = @{store({}, $known)};
    my @new = map { event($_) } qw(k u o);

    $redis->command('CONFIG', 'SET', 'maxmemory', 1);

    my $reply = store({}, again($known), @new, $known);

    is_deeply($reply->[0], [1, $entry, $known->{id}], 'a duplicate');
    refused($reply->[$_], 'OOM', "delivery $_") for 1 .. 3;
    is($reply->[4], $entry, 'a resend');
    refused(store({ durable => 1 }, $known)->[0], 'OOM',
            'a resend that has to write');

    $redis->command('CONFIG', 'SET', 'maxmemory', 0);
    is(keys_left(), 2, 'no key without an entry');
    stored($_, 'stored afterwards') for @{store({}, @new)};
};


subtest 'writes are refused' => sub {
    $redis->command('FLUSHALL');

    my $known = event('k');
    my ($entry) = @{store({}, $known)};

    $redis->command('CONFIG', 'SET', 'min-replicas-to-write', 1);

    my $reply = store({}, event('k'), again($known));

    refused($reply->[0], 'NOREPLICAS', 'no replica');
    is($reply->[1][0], 1, 'a duplicate is answered');
    $redis->command('CONFIG', 'SET', 'min-replicas-to-write', 0);

    $redis->command('REPLICAOF', '127.0.0.1', 1);
    $reply = store({}, event('k'), $known);
    refused($reply->[0], 'READONLY', 'a replica');
    is($reply->[1], $entry, 'a resend is answered');
    $redis->command('REPLICAOF', 'NO', 'ONE');

    is(keys_left(), 1, 'no key without an entry');
};


subtest 'rights' => sub {
    $redis->command('FLUSHALL');

    my $client = Intake::Redis->new(socket => $server->socket());
    my $as = sub {
        my ($without, $call, @deliveries) = @_;

        $redis->command('ACL', 'SETUSER', 'intake', 'reset', 'on', '>secret',
                        '~intake:*', grep { $_ ne "+$without" } @rights);
        $client->command('AUTH', 'intake', 'secret');

        return store_as($client, $call, @deliveries);
    };

    my %retain = (maxlen => 1000, age => 60000);
    my $known = event('u');
    my @all = ($known, map { event($_) } qw(k o));
    my $reply = $as->('', { %retain }, @all, again($known));

    stored($reply->[$_], "these rights are enough: $_") for 0 .. 2;
    is($reply->[3][0], 1, 'and for a duplicate');
    is(scalar @$reply, 4, 'and to trim');
    is($as->('', { on_duplicate => 'mark', durable => 1 },
             again($known))->[0][0], 2, 'and to mark');

    my ($entry) = @$reply;
    my ($keys, $entries) = (keys_left(), entries());

    refused($as->('xadd', {}, event('k'))->[0], $no_right, 'no XADD');
    refused($as->('get', {}, event('k'))->[0], $no_right, 'no GET');
    refused($as->('mget', {}, event('u'))->[0], $no_right, 'no MGET');
    refused($as->('time', {}, again($known))->[0], $no_right,
            'no TIME for the age of a hit');
    is_deeply([keys_left(), entries()], [$keys, $entries],
              'nothing was stored');

    is($as->('time', {}, $known)->[0], $entry, 'a resend needs no TIME');
    $reply = $as->('xtrim', { %retain }, event('k'));
    stored($reply->[0], 'stored without XTRIM');
    like($reply->[1], qr/^$no_right/, 'and one element more says so');

    $reply = $as->('set', {}, event('k'), event('u'));
    is_deeply([map { $_->[0] } @$reply], [0, 0], 'stored without SET');
    like($_->[1], qr/^\d+-\d+\z/, 'its entry') for @$reply;
    like($_->[2], qr/^$no_right/, 'and why') for @$reply;

    $redis->command('ACL', 'SETUSER', 'intake', 'resetkeys', '~other');
    like(store_as($client, {}, event('k')), qr/^NOPERM/,
         'no right to the keys refuses the call') or diag explain $reply;
};


subtest 'retention' => sub {
    $redis->command('FLUSHALL');

    store({ maxlen => 100 }, map { event('k') } 1 .. 64) for 1 .. 30;
    cmp_ok(entries(), '<', 400, 'maxlen is about kept');
    cmp_ok(entries(), '>=', 100, 'and no more');

    $redis->command('DEL', $stream);
    store({}, map { event('k') } 1 .. 64) for 1 .. 10;
    is(entries(), 640, 'without one nothing is trimmed');

    $redis->command('DEL', $stream);

    my $now = now();

    $redis->command('XADD', $stream, "$_-0", 'a', 'b')
        for 1, $now - 60000, $now - 59000 + 1000, $now;
    my $known = event('k');

    is(scalar @{store({ age => 30000 }, $known, again($known))}, 2,
       'no error');
    is($redis->command('XRANGE', $stream, '-', '+')->[0][0], "$now-0",
       'older than age is gone');
    is(entries(), 2, 'and nothing else');

    $redis->command('DEL', $stream);
    $redis->command('XADD', $stream, "1-$_", 'a', 'b') for 1 .. 3;
    store({ age => 30000 }, again($known));
    is(entries(), 3, 'a call that stores nothing does not trim');
    store({ age => 30000, maxlen => 1 }, event('k'));
    is(entries(), 1, 'age is exact beside maxlen');
};


subtest 'time passes' => sub {
    $redis->command('FLUSHALL');

    my %call = (window => 30, ttl => 3600000);
    my $d = event('u');
    my ($first) = @{store({ %call }, $d)};
    my ($ms) = $first =~ /^(\d+)/;

    wait_for { now() >= $ms + 30 };
    is(store({ %call }, $d)->[0], $first, 'a resend is known all the same');

    my $retry = again($d);
    my ($second) = @{store({ %call }, $retry)};

    stored($second, 'a retry after the window is a new event');
    isnt($second, $first, 'with an entry of its own');
    is_deeply(store({ %call, window => 60000 }, again($d))->[0],
              [1, $second, $d->{id}], 'which is what a copy now repeats');

    my $short = event('k');

    ($first) = @{store({ window => 60000, ttl => 20 }, $short)};
    ok(wait_for(sub {
        !$redis->command('EXISTS', "$stream:dedupe:$short->{keys}[0]")
    }), 'the key expires');
    isnt(store({}, $short)->[0], $first, 'and is forgotten');

    my $own = event('o');

    $redis->command('DEL', "$stream:dedupe:$own->{own}");
    store({ own_ttl => 20 }, $own);
    ok(wait_for(sub {
        !$redis->command('EXISTS', "$stream:dedupe:$own->{own}")
    }), 'an own key expires');
};


# [recordedtime of the first, of the replayed one, ms from it to that]

my @apart = (
    ['2026-11-22T08:00:00.000000Z', '2026-11-22T08:00:00.000000Z', 0],
    ['2026-11-22T08:00:00.123999Z', '2026-11-22T08:00:00.125000Z', 2],
    ['2026-11-22T08:00:00.000000Z', '2026-11-22T08:00:00.001000Z', 1],
    ['2026-12-31T23:59:59.999999Z', '2027-01-01T00:00:00.000000Z', 1],
    ['2027-02-28T23:00:00.000000Z', '2027-03-01T01:00:00.000000Z', 7200000],
    ['2028-02-28T23:00:00.000000Z', '2028-03-01T01:00:00.000000Z',
     26 * 3600000],
    ['2028-02-29T00:00:00.000000Z', '2028-03-01T00:00:00.000000Z',
     24 * 3600000],
    ['2100-02-28T00:00:00.000000Z', '2100-03-01T00:00:00.000000Z',
     24 * 3600000],
    ['2026-11-15T08:00:00.000000Z', '2026-11-22T08:00:00.000000Z',
     7 * 86400000],
    ['2026-11-22T08:00:00.000000Z', '2027-11-22T08:00:00.000000Z',
     365 * 86400000],
);

subtest 'the time between two arrivals' => sub {
    for my $row (@apart) {
        my ($one, $other, $ms) = @$row;

        for my $kind (qw(k u)) {
            my $first = event($kind, recordedtime => $one);
            my $copy = again($first, recordedtime => $other,
                             id => "$first->{id} again");

            $redis->command('SET', "$stream:dedupe:$_",
                            "1-1 $one $first->{id}") for @{$first->{keys}};
            is(store({ replayed => 1, window => $ms + 1 }, $copy)->[0][0], 1,
               "$kind $one $other is a copy within $ms ms");
            stored(store({ replayed => 1, window => $ms }, $copy)->[0],
                   'and not after it');
        }
    }

    my $known = event('k');

    stored(store({}, $known)->[0], 'stored');
    is(store({ replayed => $_, window => 60000 }, again($known,
             recordedtime => '2027-01-01T00:00:00.000000Z'))->[0][0], 1,
       'it is no older than its entry') for 0, 1;
    $redis->command('SET', "$stream:dedupe:$known->{keys}[0]",
                    "1-1 $known->{recordedtime} $known->{id}");
    is(store({ replayed => 1, window => 1 }, again($known,
             recordedtime => '2025-01-01T00:00:00.000000Z'))->[0][0], 1,
       'what came before it is a copy');
    $redis->command('SET', "$stream:dedupe:$known->{keys}[0]",
                    "1-1 yesterday $known->{id}");
    stored(store({ replayed => 1 }, again($known))->[0],
           'a key with another time');
};


subtest 'a duplicate before WAIT or WAITAOF' => sub {
    $redis->command('FLUSHALL');

    my $changes = sub {
        $redis->command('INFO', 'persistence')
            =~ /^rdb_changes_since_last_save:(\d+)/m;
        return $1;
    };

    for my $policy (qw(drop mark)) {
        my %call = (on_duplicate => $policy);
        my $known = event('u');
        my $marked = again($known);

        store({ %call }, $known);
        store({ %call }, $marked) if $policy eq 'mark';

        for my $d ($known, $policy eq 'drop' ? again($known) : $marked) {
            my $before = $changes->();
            my $reply = store({ %call }, $d);

            is($changes->(), $before, "$policy: writes nothing");

            my @ttl = map { $redis->command('PTTL', "$stream:dedupe:$_") }
                      @{$d->{keys}};

            is_deeply(store({ %call, durable => 1 }, $d), $reply,
                      "$policy: the same answer");
            cmp_ok($changes->(), '>', $before, "$policy: and a write");

            for (0, 1) {
                my $ttl = $redis->command('PTTL',
                                          "$stream:dedupe:$d->{keys}[$_]");

                ok($ttl > 0 && $ttl <= $ttl[$_],
                   "$policy: which prolongs nothing");
            }
        }
    }
};


subtest 'what a call costs' => sub {
    $redis->command('FLUSHALL');

    my $cost = sub {
        my ($call, @deliveries) = @_;

        $redis->command('CONFIG', 'RESETSTAT');
        store($call, @deliveries);

        my $info = $redis->command('INFO', 'commandstats');

        return join ' ',
            map { $info =~ /^cmdstat_$_:calls=(\d+)/m ? "$_=$1" : () }
            qw(get mget time xadd set xtrim);
    };

    my ($k, $u, $o) = map { event($_) } qw(k u o);

    is($cost->({}, $k), 'get=1 xadd=1 set=1', 'one key');
    is($cost->({}, $u), 'mget=1 xadd=1 set=2', 'two keys');
    is($cost->({}, $o), 'get=1 xadd=1 set=1', 'its own key');
    is($cost->({}, $k, $u, $o), 'get=2 mget=1', 'resends');
    is($cost->({}, map { again($_) } $k, $u, $k), 'get=2 mget=1 time=1',
       'duplicates share one TIME');
    is($cost->({ age => 1000, maxlen => 10 }, event('k'), event('k')),
       'get=2 time=1 xadd=2 set=2 xtrim=1', 'one trim a call');
    is($cost->({ on_duplicate => 'mark' }, event('k')),
       'mget=1 xadd=1 set=1', 'one key and mark');
};


subtest 'sizes' => sub {
    $redis->command('FLUSHALL');

    my %optional = map { ($_ => "$_ \0\r\n\xff") }
        qw(datacontenttype subject intakekeyid intakeip intakeheaders
           intakespam intakefiles);
    my @deliveries = map { event('u', %optional) } 1 .. 64;

    $deliveries[7]{data} = join '', map { chr } (0 .. 255) x 8192;

    my $reply = store({ on_duplicate => 'mark' }, @deliveries);
    my $entries = $redis->command('XRANGE', $stream, '-', '+');

    is_deeply([map { $_->[0] } @$entries], $reply, '64 with every field');
    is_deeply($entries->[7][1],
              [entry_fields({ stream => $stream }, $deliveries[7])],
              '2 MB, byte for byte');
    is(scalar @{store({ on_duplicate => 'mark' },
                      map { again($_) } @deliveries)}, 64, 'and their copies');
    is(scalar @{$redis->command('XREVRANGE', $stream, '+', '-',
                                'COUNT', 1)->[0][1]}, 36, '18 fields');
};


# Lua 5.1 bytecode, which string.dump makes: what a function and those inside
# it read and write by name.

sub globals_of {
    my ($code) = @_;
    my %found = (read => {}, written => {}, upvalues => 0);
    my ($int, $size, $word, $number) = unpack 'x7 C4', $code;
    my $pos = 12;

    my $take = sub {
        my ($n) = @_;
        my $bytes = substr $code, $pos, $n;
        $pos += $n;
        return $bytes;
    };

    my $integer = sub { unpack 'V', $take->($int) };
    my $string = sub {
        my $n = unpack 'Q<', $take->($size);
        return $n ? substr $take->($n), 0, -1 : '';
    };

    my $function;

    $function = sub {
        $string->();
        $integer->() for 1, 2;
        $found{upvalues} += unpack 'C', $take->(1);
        $take->(3);

        my @code = unpack 'V*', $take->($word * $integer->());
        my @constants = map {
            my $type = unpack 'C', $take->(1);
            $type == 4 ? $string->()
                : $take->($type == 1 ? 1 : $type == 3 ? $number : 0)
        } 1 .. $integer->();

        for my $op (@code) {
            $found{read}{$constants[$op >> 14]} = 1 if ($op & 63) == 5;
            $found{written}{$constants[$op >> 14]} = 1 if ($op & 63) == 7;
        }

        $function->() for 1 .. $integer->();

        $take->($int * $integer->());
        for (1 .. $integer->()) { $string->(); $integer->() for 1, 2 }
        $string->() for 1 .. $integer->();
    };

    $function->();
    $found{left} = length($code) - $pos;

    return \%found;
}


subtest 'globals' => sub {
    my $dump = sub {
        my ($reply) = $redis->pipeline(
            ['EVAL', 'return string.dump(assert(loadstring(ARGV[1])))', 0,
             $_[0]]);
        return ref $reply ? die $$reply : globals_of($reply);
    };

    my $found = $dump->(store_script());

    is_deeply([sort keys %{$found->{read}}],
              [qw(ARGV KEYS ipairs math redis string tonumber type unpack)],
              'reads what Redis gives');
    is_deeply([keys %{$found->{written}}], [], 'writes none');
    is($found->{upvalues}, 0, 'functions have no upvalues');
    is($found->{left}, 0, 'all of it was read');

    $found = $dump->('local a = 1; local function f() b = a; return c end');
    is_deeply([$found->{read}, $found->{written}, $found->{upvalues}],
              [{ c => 1 }, { b => 1 }, 1], 'the check finds them');
};


# A node needs a second port, 10000 above its own, that somebody may have.

sub cluster_node {
    for (1 .. 5) {
        my $node = Intake::RedisServer->new(dir => "$dir", port => 1,
            name => 'cluster', options => { 'cluster-enabled' => 'yes' });

        return $node if eval { $node->start() };
    }

    die "no node: $@";
}


subtest 'a cluster' => sub {
    my $node = cluster_node();
    my $client = $node->client();

    $client->command('CLUSTER', 'ADDSLOTS', 0 .. 16383);
    wait_for {
        $client->command('CLUSTER', 'INFO') =~ /^cluster_state:ok/m
    } or die 'no cluster';
    $client->command('SCRIPT', 'LOAD', store_script());

    for my $policy (qw(drop mark)) {
        my @new = map { event($_) } qw(k u o);
        my $reply = store_as($client, { on_duplicate => $policy,
                                        age => 60000, maxlen => 1000 },
                             @new, map { again($_) } @new[0, 1]);

        stored($reply->[$_], "$policy $_") for 0 .. 2;
        is($reply->[$_][0], $policy eq 'drop' ? 1 : 2, "$policy $_") for 3, 4;
    }

    ok($node->stop(), 'has ended');
};


ok($server->stop(), 'redis-server has ended');

done_testing();
