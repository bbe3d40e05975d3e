#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# durability: a 2xx means as many copies, or as synced a file, as the source
# asks for; what the server does not give is refused, at once where it is
# known.  `fsync` needs WAITAOF, which a fake has, and a Valkey or a Redis 7.2
# if there is one: INTAKE_VALKEY names it, else valkey-server is looked for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::Deliveries;
use Intake::Exposition;
use Intake::Problem;
use Intake::RedisProxy;
use Intake::RedisServer;
use Intake::Test;


my $lacks = qr/\[error\] .*redis does not give the durability/;
my $gives = qr/\[notice\] .*redis gives the durability .* again/;


# An nginx whose source `a` has the durability, and `b` that of intake_redis.

sub durable {
    my ($t, $server, $durability, $default, %opt) = @_;
    my $conf = delivery_conf(
        workers => 2, redis => "server $server; "
        . ($default ? "durability $default;" : '') . ($opt{redis} // ''),
        source => "durability $durability; deadline 1500ms;");

    $conf =~ s/(    server \{)/    intake_source b {
        platform  signed;
        secret    s3cret;
    }

$1/;
    $conf =~ s/(location = \/a )/location = \/b      { intake b; }
        $1/;
    $t->write_file_expand('nginx.conf', $conf);
    $t->run();

    my ($a, $b) = map { Intake::Deliveries->new(
        t => $t, redis => $opt{store} // $t->redis(), uri => "/$_",
        stream => "intake:{$_}") } qw(a b);

    ok($a->ready(), 'a connection');

    return ($a, $b);
}


# What the status says of both sources: the promise, and whether it holds.

sub promises {
    my ($t) = @_;
    my $doc = $t->get('/status?format=json')->json;
    my $m = Intake::Exposition->parse(
        $t->get('/status?format=prometheus')->body);

    return [map {
        my $in = $m->value('intake_durability_in_force', source => $_->{name});

        [$_->{durability}{promise}, $in,
         $in eq 'NaN' || ($_->{durability}{in_force} ? 1 : 0) == $in ? () : '?']
    } @{$doc->{sources}}];
}


sub is_promise {
    my ($t, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $t->wait_for(sub {
        join(' ', map { "@$_" } @{promises($t)})
            eq join(' ', map { "@$_" } @$expected) });
    is_deeply(promises($t), $expected, $name);
}


sub calls {
    my ($redis, $command) = @_;
    return $redis->command('INFO', 'commandstats')
        =~ /^cmdstat_$command:calls=(\d+)/m ? $1 : 0;
}


sub replica {
    my ($t, $name) = @_;
    my $replica = Intake::RedisServer->new(
        dir => $t->dir(), name => $name, port => 1, options => {
            replicaof => '127.0.0.1 ' . $t->redis(port => 1)->port() });

    push @{$t->{redis}}, $replica;

    return $replica;
}


# n replicas have all that there is, and there is something: "online" alone is
# said before they answer

sub attached {
    my ($t, $n) = @_;

    $t->redis()->command('INCR', 'written');

    return $t->wait_for(sub {
        my $info = $t->redis()->command('INFO', 'replication');
        my ($all) = $info =~ /^master_repl_offset:(\d+)/m;

        return $info =~ /^connected_slaves:$n\r?$/m
            && (() = $info =~ /state=online,offset=$all,/g) == $n });
}


subtest 'replicas' => sub {
    my $t = Intake::Test->new();
    my $master = $t->redis(
        port => 1, options => { 'repl-diskless-sync-delay' => 0,
                                'appendonly' => 'yes' },
        acl => ['default on nopass ~* +@all',
                'intake on >s3cret resetkeys ~intake:* -@all +evalsha +eval'
                . ' +get +mget +set +xadd +xtrim +time +select +ping'
                . ' +client|setname +role +info +config|get +wait']);
    my $replica = replica($t, 'replica')->start();

    ok(attached($t, 1), 'a replica');

    my ($a, $b) = durable($t, '%%REDIS%%', 'replicas=1', undef,
                          redis => ' user intake; password s3cret;');
    is_promise($t, [['replicas=1', 1], ['memory', 1]], 'the status');

    # what was acknowledged is at the replica, then and not later

    my $there = 0;

    for my $i (1 .. 50) {
        is($a->deliver("a$i")->status, 200, 'stored') or last;
        $there++ if $replica->command('XLEN', 'intake:{a}') == $i;
    }

    is($there, 50, 'each is at the replica when it is answered');
    is($b->deliver('b')->status, 200, 'beside it');

    $master->command('SCRIPT', 'FLUSH');
    is($a->deliver('flushed')->status, 200, 'stored by EVAL');
    is($replica->command('XLEN', 'intake:{a}'), 51, 'at the replica');

    # one question for all that came meanwhile

    my $before = calls($master, 'wait');

    $replica->pause();

    my @late = map { $a->send("late$_") } 1 .. 40;

    ok($t->wait_for(sub { $master->command('XLEN', 'intake:{a}') > 51 }),
       'a round begins');
    $replica->resume();
    is(scalar(grep { $a->receive($_)->status == 200 } @late), 40, 'stored');
    cmp_ok(calls($master, 'wait') - $before, '<', 25, 'groups of them');
    $_->balance('each once') for $a, $b;

    # a replica that is there and does not answer

    $replica->pause();

    my $res = $a->deliver('slow');

    is_problem($res, 'DURABILITY_UNAVAILABLE', 'not acknowledged');
    cmp_ok($res->{elapsed}, '>', 0.9, 'it was waited for');
    cmp_ok($res->{elapsed}, '<', 1.5, 'inside of the deadline');
    ok($t->wait_for_log($lacks), 'the log says so');
    is_promise($t, [['replicas=1', 0], ['memory', 1]], 'the status');

    $res = $a->deliver('slow');
    is_problem($res, 'DURABILITY_UNAVAILABLE', 'the next');
    is($b->deliver('b, too')->status, 200, 'the other source has no trouble');

    $replica->resume();
    ok($t->wait_for_log($gives), 'it is back');
    is_promise($t, [['replicas=1', 1], ['memory', 1]], 'the status');
    $res = $a->deliver('slow');
    is($res->status, 200, 'the retry');
    is($res->json->{duplicate}, JSON::PP::true, 'it was there');
    is($a->count('slow'), 1, 'once');

    # no replica at all: refused before anything is written

    $replica->kill();
    ok(attached($t, 0), 'no replica');
    ok($t->wait_for(sub {
        my $res = $a->deliver('known');
        return ($res->json->{code} // '') eq 'DURABILITY_UNAVAILABLE'
               && $res->{elapsed} < 0.5 }), 'refused at once');

    # each worker finds out by itself, so this is asked of one that knows

    my $n = 0;

    ok($t->wait_for(sub {
        $res = $a->deliver('never' . ++$n);
        return $res->{elapsed} < 0.5 }), 'at once');
    is_problem($res, 'DURABILITY_UNAVAILABLE', 'refused');
    is($a->count("never$n"), 0, 'and not stored');
    ok($t->wait_for(sub { $t->error_log_lines($lacks) == 2 }),
       'one line for each loss');

    $replica->start();
    ok(attached($t, 1), 'a replica');
    ok($t->wait_for(sub { $t->error_log_lines($gives) == 2 }), 'it is back');
    ok($t->wait_for(sub { $a->deliver("never$n")->status == 200 }), 'stored');
    $_->balance('each once') for $a, $b;
    $t->finish();
};


subtest 'duplicates' => sub {
    my $t = Intake::Test->new();
    my $master = $t->redis(
        port => 1, options => { 'repl-diskless-sync-delay' => 0 });
    my $replica = replica($t, 'replica')->start();

    ok(attached($t, 1), 'a replica');

    my ($a) = durable($t, '%%REDIS%%', 'replicas=1', 'memory');

    is($a->deliver('first')->status, 200, 'stored');
    $replica->pause();
    is_problem($a->deliver('first'), 'DURABILITY_UNAVAILABLE',
               'its copy is as durable');
    $replica->resume();
    ok($t->wait_for(sub { $a->deliver('first')->status == 200 }), 'answered');
    $a->balance('once');
    $t->finish();
};


subtest 'two are asked for' => sub {
    my $t = Intake::Test->new();

    $t->redis(port => 1, options => { 'repl-diskless-sync-delay' => 0 });
    replica($t, 'one')->start();
    ok(attached($t, 1), 'one replica');

    my ($a, $b) = durable($t, '%%REDIS%%', 'replicas=2', 'replicas=1');

    is_promise($t, [['replicas=2', 0], ['replicas=1', 1]], 'the status');
    is_problem($a->deliver('a'), 'DURABILITY_UNAVAILABLE', 'two are not there');
    is($b->deliver('b')->status, 200, 'one is');
    ok($t->wait_for_log(qr/$lacks.*replicas=2.*it has 1/), 'the log');
    is(scalar $t->error_log_lines($lacks), 1, 'one line');

    replica($t, 'two')->start();
    ok(attached($t, 2), 'two');
    ok($t->wait_for(sub { $a->deliver('a')->status == 200 }), 'stored');
    is_promise($t, [['replicas=2', 1], ['replicas=1', 1]], 'the status');
    $_->balance('each once') for $a, $b;
    $t->finish();
};


# A server that is written to all the time, and whose replica answers in some
# milliseconds, has what is asked for: it is not said to lack it.

subtest 'a replica that lags a little' => sub {
    my $t = Intake::Test->new();
    my $master = $t->redis(
        port => 1, options => { 'repl-diskless-sync-delay' => 0 });
    my $replica = replica($t, 'replica')->start();

    ok(attached($t, 1), 'a replica');

    my $lag = Intake::Process->spawn(
        out => $t->path('lag.log'),
        command => ['perl', '-MIO::Socket::UNIX', '-e', <<'END',
            my ($path, $pid) = @ARGV;
            my $redis = IO::Socket::UNIX->new($path);

            while (1) {
                kill STOP => $pid;
                syswrite $redis, "INCR busy\r\n";
                sysread $redis, my $answer, 100;
                select undef, undef, undef, 0.02;
                kill CONT => $pid;
                select undef, undef, undef, 0.01;
            }
END
                    $master->socket(), $replica->pid()]);

    my ($a) = durable($t, '%%REDIS%%', 'replicas=1', 'memory',
                      redis => 'timeout 20s;');

    for (1 .. 6) {
        ok($t->reload(), 'other workers');
        ok($t->wait_for(sub { $a->deliver("a$_")->status == 200 }), 'stored');
    }

    is(scalar $t->error_log_lines($lacks), 0, 'it never lacked a replica');
    $lag->signal('KILL');
    $lag->gone();
    $replica->resume();
    $a->balance('each once');
    $t->finish();
};


# [what answers WAITAOF; what the log says]

my %without = (
    'an old Redis' => ["-ERR unknown command 'WAITAOF', with args beginning"
                       . " with: '1' '0' '1'\r\n",
                       qr/fsync: "ERR unknown command 'WAITAOF'", it needs/],
    'appendonly no' => ["-ERR WAITAOF cannot be used when numlocal is set but"
                        . " appendonly is disabled.\r\n",
                        qr/fsync: "ERR WAITAOF cannot be used/],
    'no right' => ["-NOPERM User intake has no permissions to run the"
                   . " 'waitaof' command\r\n", qr/fsync: "NOPERM/],
    'a file that lags' => ["*2\r\n:0\r\n:0\r\n", qr/file is not synced/],
    'nonsense' => ["+OK\r\n", qr/file is not synced/],
);

for my $name (sort keys %without) {
    my ($answer, $log) = @{$without{$name}};

    subtest "fsync: $name" => sub {
        my $t = Intake::Test->new();
        my $proxy = Intake::RedisProxy->new(
            dir => $t->dir(), redis => $t->redis(),
            rules => { WAITAOF => $answer });
        my ($a, $b) = durable($t, $proxy->url(), 'fsync', undef);

        ok($t->wait_for_log(qr/$lacks.*$log/), 'the log says so');

        for (1 .. 3) {
            my $res = $a->deliver('a');

            is_problem($res, 'DURABILITY_UNAVAILABLE', 'refused');
            cmp_ok($res->{elapsed}, '<', 0.5, 'at once');
        }

        is($a->count('a'), 0, 'nothing was stored');
        is($b->deliver('b')->status, 200, 'the other source');
        is_promise($t, [['fsync', 0], ['memory', 0]], 'the status');

        $proxy->rules(WAITAOF => "*2\r\n:1\r\n:0\r\n");
        ok($t->wait_for(sub { $a->deliver('a')->status == 200 }),
           'then it has it');
        is(scalar $t->error_log_lines($lacks), 1, 'one line');
        ok($t->wait_for(sub { $t->error_log_lines($gives) == 1 }), 'and one');
        is_promise($t, [['fsync', 1], ['memory', 0]], 'the status');
        $_->balance('each once') for $a, $b;
        $t->finish();
    };
}


# [what the round's WAITAOF is answered; the code, none: stored in the end]

my $synced = "*2\r\n:1\r\n:0\r\n";

my %rounds = (
    'not in time' => ["*2\r\n:0\r\n:0\r\n", 'DURABILITY_UNAVAILABLE'],
    'an error' => ["-ERR no\r\n", 'DURABILITY_UNAVAILABLE'],
    'nonsense' => ["\$-1\r\n", 'DURABILITY_UNAVAILABLE'],
    'byte by byte' => [{ reply => $synced, chunk => 1 }],
    'late' => [{ reply => $synced, delay => 0.5 }],
    'closed' => [{ reply => '', close => 1 }],
    'half, then closed' => [{ reply => $synced, close_after => 5 }],
    'no master now' => ["-UNBLOCKED force unblock, instance state changed\r\n"],
    'silent' => [{ silent => 1 }, 'STORE_TIMEOUT'],
);

subtest 'fsync: the answer of a round' => sub {
    my $t = Intake::Test->new();
    my $proxy = Intake::RedisProxy->new(
        dir => $t->dir(), redis => $t->redis(),
        rules => { WAITAOF => $synced });
    my ($a) = durable($t, $proxy->url(), 'fsync', undef,
                      redis => ' timeout 1s;');

    for my $name (sort keys %rounds) {
        my ($answer, $code) = @{$rounds{$name}};

        ok($a->steady(), "$name: connections");
        is($a->deliver("$name, before")->status, 200, "$name: before");
        $proxy->rules(WAITAOF => [$answer, $synced]);

        my $res = $a->deliver($name);

        if ($code) {
            is_problem($res, $code, "$name: not acknowledged");

        } else {
            is($res->status, 200, "$name: stored");
            is($res->json->{duplicate}, JSON::PP::false, "$name: the first");
        }

        ok($t->wait_for(sub { $a->deliver($name)->status == 200 }, 20),
           "$name: the retry");
        is($a->count($name), 1, "$name: once");
    }

    $a->balance('each once');
    $t->finish();
};


subtest 'fsync: a server that has it' => sub {
    my $binary = Intake::RedisServer::valkey();

    plan skip_all => 'there is no valkey-server' unless $binary;

    my $t = Intake::Test->new();
    my $valkey = Intake::RedisServer->new(
        dir => $t->dir(), name => 'valkey', binary => $binary,
        options => { appendonly => 'yes' })->start();

    push @{$t->{redis}}, $valkey;

    my ($a, $b) = durable($t, $valkey->url(), 'fsync', undef,
                          store => $valkey);

    is_promise($t, [['fsync', 1], ['memory', 1]], 'the status');
    is($a->deliver("a$_")->status, 200, 'stored') for 1 .. 3;
    is($a->deliver('a1')->status, 200, 'a duplicate');
    is($b->deliver('b')->status, 200, 'the other source');
    cmp_ok(calls($valkey, 'waitaof'), '>=', 4, 'WAITAOF was asked');

    my @sent = map { $a->send("many$_") } 1 .. 30;

    is(scalar(grep { $a->receive($_)->status == 200 } @sent), 30, 'stored');

    # as by a power loss a moment after the answer: the file is all there is

    $valkey->kill();
    $valkey->start();
    ok($a->ready(), 'a connection');
    ok($t->wait_for(sub { $a->deliver('after')->status == 200 }), 'stored');
    $a->balance('each once');

    $valkey->command(qw(CONFIG SET appendonly no));
    $t->wait_for(sub { $a->deliver('none')->status == 503 });
    is_problem($a->deliver('none'), 'DURABILITY_UNAVAILABLE', 'refused');
    ok($t->wait_for_log(qr/$lacks.*appendonly is disabled/), 'the log');
    $valkey->command(qw(CONFIG SET appendonly yes));
    ok($t->wait_for(sub { $a->deliver('none')->status == 200 }), 'stored');
    $a->balance('each once');
    $t->finish();
};


subtest 'configuration' => sub {
    my $t = Intake::Test->new();

    for my $value (qw(disk replicas replicas= replicas=0 replicas=x
                      replicas=101 replicas=-1))
    {
        for my $where (qw(redis source)) {
            my ($code, $said) = $t->test_config(
                delivery_conf($where => "durability $value;"));

            isnt($code, 0, "$where: $value");
            like($said, qr/"durability" in intake_.* must be "memory", "fsync"/,
                 'it says what to write');
        }
    }

    $t->finish();
};


done_testing();
