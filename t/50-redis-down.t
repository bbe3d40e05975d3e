#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Redis away, slow or refusing: 503 in bounded time, one line of the log for
# each change, and the next delivery is stored as soon as that is possible,
# without a reload.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Deliveries;
use Intake::Load;
use Intake::Problem;
use Intake::Process;
use Intake::Redis;
use Intake::RedisServer;
use Intake::Test;


my $t = Intake::Test->new();

$t->write_file_expand('nginx.conf', delivery_conf(
    redis => 'server %%REDIS%%;', source => 'deadline 1s; retain age=1h;'));
$t->run();

# with everysec a reply may precede the write while an fsync takes its time

my $redis = Intake::RedisServer->new(dir => $t->dir(), options => {
    appendonly => 'yes', appendfsync => 'no',
    'enable-debug-command' => 'yes' });
my $d = Intake::Deliveries->new(t => $t, redis => $redis);
my $seen = 0;


# the lines of the error log since the last call that an operator looks at

sub news {
    my @lines = $t->error_log_lines(qr/\[(?:warn|error|notice)\].*redis/i);
    my @new = splice @lines, $seen;

    $seen += @new;
    return grep { !/may lose/ } @new;
}


sub is_news {
    my ($name, @patterns) = @_;
    my @new = news();
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(scalar @new, scalar @patterns, "$name: lines of the log")
        or diag(join "\n", @new);
    like($_, shift @patterns // qr/^nothing/, "$name: log") for @new;
}


sub is_stored {
    my ($id, $name) = @_;
    my $res = $d->deliver($id);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status, 200, "$name: stored") or diag($res->body);
    return $res;
}


# refused at once, several times

sub is_refused {
    my ($id, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $n (1 .. 3) {
        my $res = $d->deliver($id);

        is_problem($res, $code, $name);
        cmp_ok($res->{elapsed}, '<', 0.9, "$name: at once");
    }
}


subtest 'a start without Redis' => sub {
    is_refused('start', 'STORE_UNAVAILABLE', 'away');
    is($t->get('/up')->status, 204, 'nginx serves');
    is($t->get('/status?health')->status, 503, 'health');
    is_news('away', qr/\[error\] .*connect\(\) failed .*redis unix:\S+sock$/);

    $redis->start();
    ok($d->ready(), 'it comes');
    is_stored('start', 'then');
    is_news('here', qr/\[notice\] .*redis is ready again, [3-9]/);
};


subtest 'killed and started again' => sub {
    for my $round (1, 2) {
        $redis->kill();
        ok($t->wait_for(sub { $t->get('/status?health')->status == 503 }),
           'it is gone');
        is_refused("killed-$round", 'STORE_UNAVAILABLE', 'killed');
        is_news('killed', qr/\[error\] .*the server closed|connect/);

        $redis->start();
        ok($d->ready(), 'it comes back');
        is_stored("killed-$round", 'back');
        is_news('back', qr/\[notice\] .*ready again/);
    }
};


# [name, what breaks it, what mends it, the one line]

my @refusals = (
    ['no memory',
     sub { $redis->command(qw(CONFIG SET maxmemory 1mb)) },
     sub { $redis->command(qw(CONFIG SET maxmemory 0)) },
     qr/OOM/],
    ['cannot save',
     sub {
         mkdir "$redis->{path}/dump.rdb";
         $redis->command('CONFIG', 'SET', 'save', '3600 1');
         bgsave('err');
     },
     sub { rmdir "$redis->{path}/dump.rdb"; bgsave('ok') },
     qr/MISCONF/],
    ['too few replicas',
     sub { $redis->command(qw(CONFIG SET min-replicas-to-write 1)) },
     sub { $redis->command(qw(CONFIG SET min-replicas-to-write 0)) },
     qr/NOREPLICAS/],
    ['a key of another type',
     sub { $redis->command(qw(RENAME intake:{a} kept));
           $redis->command(qw(SET intake:{a} text)) },
     sub { $redis->command(qw(RENAME kept intake:{a})) },
     qr/WRONGTYPE/],
    ['a replica',
     sub { $redis->command(qw(REPLICAOF 127.0.0.1 1)) },
     sub { $redis->command(qw(REPLICAOF NO ONE)) },
     qr/READONLY/],
    ['no right to a command of the script',
     sub { $redis->command(qw(ACL SETUSER default -xadd)) },
     sub { $redis->command(qw(ACL SETUSER default +xadd)) },
     qr/can't run this command/],
    ['no right to the script',
     sub { $redis->command(qw(ACL SETUSER default -evalsha)) },
     sub { $redis->command(qw(ACL SETUSER default +evalsha)) },
     qr/NOPERM/],
    ['busy', \&keep_busy, \&stop_busy, qr/BUSY/],
);


sub bgsave {
    my ($status) = @_;

    $t->wait_for(sub { eval { $redis->command('BGSAVE') } });
    $t->wait_for(sub { $redis->command('INFO', 'persistence')
                           =~ /rdb_last_bgsave_status:$status/ });
}


# a script of another program that does not end

sub keep_busy {
    $redis->command(qw(CONFIG SET busy-reply-threshold 50));
    $redis->{busy} = Intake::Redis->new(socket => $redis->socket());
    syswrite $redis->{busy}{fh}, qq(EVAL "while true do end" 0\r\n);
    $t->wait_for(sub { !eval { $redis->command('PING') } && $@ =~ /BUSY/ });
}


sub stop_busy {
    $redis->command('SCRIPT', 'KILL');
    $t->wait_for(sub { eval { $redis->command('PING') } });
}


for my $row (@refusals) {
    my ($name, $break, $mend, $line) = @$row;

    subtest $name => sub {
        is_stored("$name, before", 'before');
        $break->();
        is_refused($name, 'STORE_REFUSED', 'refused');
        is_news('refused', qr/\[error\] .*$line/);

        $mend->();
        is($d->count($name), 0, 'nothing was stored');
        is(scalar @{$redis->command('KEYS', '*:dedupe:s:'
            . $d->hash($name))}, 0, 'and no key');
        is($d->deliver($name)->json->{duplicate}, JSON::PP::false,
           'the next one is, as the first');
        is_well("$name, well", 3);
    };
}


# that it is well again is said when none was refused for a second

sub is_well {
    my ($id, $refused) = @_;
    my $n = 0;
    my $line = qr/\[notice\] .*Redis takes entries of "intake:\{a\}" again/;
    my $before = $t->error_log_lines($line);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($t->wait_for(sub { $d->deliver("$id, " . ++$n)->status == 200
                              && $t->error_log_lines($line) > $before }),
       'well again');
    is_news('well', qr/$line, refused meanwhile: $refused$/);
}


# each kind is said once

subtest 'one trouble behind another' => sub {
    for my $round (1, 2) {
        $redis->command(qw(CONFIG SET maxmemory 1mb));
        is_refused('troubles', 'STORE_REFUSED', 'no memory');
        $redis->command(qw(CONFIG SET maxmemory 0));
        $redis->command(qw(CONFIG SET min-replicas-to-write 1));
        is_refused('troubles', 'STORE_REFUSED', 'no replicas');
        $redis->command(qw(CONFIG SET min-replicas-to-write 0));
    }

    is_news('refused', qr/\[error\] .*(?:OOM|NOREPLICAS)/,
            qr/\[error\] .*(?:OOM|NOREPLICAS)/);
    is_well('troubles', 12);
};


subtest 'at the edge' => sub {
    for my $n (1 .. 10) {
        $redis->command(qw(CONFIG SET maxmemory 1mb));
        is($d->deliver("edge-$n")->status, 503, 'refused');
        $redis->command(qw(CONFIG SET maxmemory 0));
        is_stored("edge-$n", 'between');
    }

    is_news('refused', qr/\[error\] .*OOM/);
    is_well('edge', 10);
};


# [a command of the script; what is refused without it; what it does again]

my @parts = (
    ['set', qr/refused a dedupe key of/, qr/takes dedupe keys of/],
    ['xtrim', qr/refused to trim/, qr/Redis trims/],
);

for my $row (@parts) {
    my ($command, $refused, $again) = @$row;

    subtest "stored without $command" => sub {
        $redis->command('ACL', 'SETUSER', 'default', "-$command");
        is_stored("$command-$_", 'without') for 1 .. 3;
        is_news('refused', qr/\[error\] .*$refused "intake:\{a\}"/);
        $redis->command('ACL', 'SETUSER', 'default', "+$command");

        my $n = 3;

        ok($t->wait_for(sub { $d->deliver("$command-" . ++$n);
                              $t->error_log_lines($again) }), 'well again');
        is_news('well', qr/\[notice\] .*$again .*refused meanwhile: 3$/);
    };
}


subtest 'loading' => sub {
    $redis->command(qw(DEBUG POPULATE 2000));
    $redis->command('BGREWRITEAOF');
    ok($t->wait_for(sub { $redis->command('INFO', 'persistence')
        =~ /aof_rewrite_in_progress:0\s.*aof_rewrite_scheduled:0\s/s }),
       'saved');
    $redis->stop();

    # ten seconds, if nothing is done; between the keys clients are served

    my %options = %{$redis->{options}};
    $redis->{options} = { %options, 'key-load-delay' => 5000,
                          'loading-process-events-interval-bytes' => 1024 };
    $redis->write_conf();
    $redis->{process} = Intake::Process->spawn(
        command => ['redis-server', "$redis->{path}.conf"],
        out => "$redis->{path}.out");

    ok($t->wait_for(sub { ask_loading() }), 'it loads');
    ok($t->wait_for(sub {
        $t->error_log_lines(qr/is loading its data/) }), 'nginx hears');
    is_refused('loading', 'STORE_UNAVAILABLE', 'refused');
    ok(ask_loading(), 'it still loads');
    is_news('loading', qr/\[error\]/);

    $redis->command(qw(CONFIG SET key-load-delay 0));
    ok($d->ready(), 'and is done');
    is_stored('loading', 'loaded');
    is_news('loaded', qr/\[notice\] .*ready again/);

    $redis->{options} = \%options;
    is($redis->command('DBSIZE') > 2000, 1, 'all of it');
};


sub ask_loading {
    my $client = eval { Intake::Redis->new(socket => $redis->socket()) }
        or return 0;
    return !eval { $client->command('PING') } && $@ =~ /^LOADING/;
}


# replies that come after their time are those of nobody, and the ones behind
# them belong to their own deliveries

subtest 'silent' => sub {
    my $before = $d->in_flight();
    my @sent;

    $redis->pause();

    for my $n (1 .. 5) {
        push @sent, $d->send("silent-$n");
        $t->wait_for(sub { $d->in_flight() == $before + $n });
    }

    for my $sent (@sent) {
        my $res = $d->receive($sent);
        is_problem($res, 'STORE_TIMEOUT', 'silent');
        cmp_ok($res->{elapsed}, '>', 0.99, 'not before its deadline');
        cmp_ok($res->{elapsed}, '<', 2, 'and soon after it');
    }

    is($d->in_flight(), 5, 'each keeps its place');

    # of the last of those that are written now the reply comes in time

    @sent = map { $d->send("silent-$_") } 6 .. 15;
    $t->wait_for(sub { $d->in_flight() > 5 });
    $redis->resume();
    push @sent, map { $d->send("silent-$_") } 16 .. 30;
    is_deeply([map { $d->receive($_)->status } @sent], [(200) x 25],
              'then it answers');
    is($d->in_flight(), 0, 'all were answered');
    $d->balance('each its own');

    for my $n (1 .. 5) {
        my $again = $d->deliver("silent-$n")->json;
        is($again->{duplicate}, JSON::PP::true, 'a late one was stored');
        is($again->{id}, "silent-$n", 'and is recognised');
    }

    $d->balance('once');
    is_news('silent');
};


subtest 'killed under load' => sub {
    my $load = Intake::Load->start($d, clients => 3);

    for my $round (1 .. 3) {
        ok($d->steady() && $load->wait(50), 'it goes on');
        $redis->kill();
        ok($load->wait(5, 503), 'it is refused');
        $redis->start();
    }

    ok($load->wait(50), 'it goes on');

    my @answers = $load->stop();

    is_deeply([grep { $_->{status} != 200
                      && ($_->{code} // '') !~ /^STORE_[UT]/ } @answers], [],
              '200 and 503 only');
    is_deeply([grep { $_->{elapsed} > 2.5 } @answers], [], 'in bounded time');
    $d->balance('what was acknowledged is there once');
    is(scalar(() = news()), 6, 'six changes, six lines');
};


$redis->stop();
$t->finish();
