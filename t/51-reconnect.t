#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# A delivery that finds no connection, or whose connection breaks, is stored
# and not refused: after a quiet hour, after a restart of Redis, at the start
# of a worker; and when its reply is lost it is asked for once more.  Only a
# server that does not answer at all is not waited for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

use Intake::Deliveries;
use Intake::Load;
use Intake::Problem;
use Intake::RedisProxy;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis(options => { appendonly => 'yes', appendfsync => 'no' });
my $d = Intake::Deliveries->new(t => $t, redis => $redis);

$t->write_file_expand('nginx.conf', delivery_conf(
    redis => 'server %%REDIS%%;', source => 'deadline 2s;'));


# those that came while there was somebody to answer

sub is_never_refused {
    my ($load, $name) = @_;
    my @answers = $load->stop();

    cmp_ok(scalar(grep { $_->{status} == 200 } @answers), '>', 0,
           "$name: stored");
    is_deeply([grep { $_->{status} != 200 && $_->{status} != 0 } @answers],
              [], "$name: none refused");
    $d->balance("$name: each once");
}


subtest 'at the start of a worker' => sub {
    my $load = Intake::Load->start($d, clients => 2);

    $t->run();
    ok($load->wait(20), 'the first');

    for my $round (1 .. 3) {
        ok($t->kill_worker(), 'another worker');
        ok($load->wait(20), 'goes on');
    }

    is_never_refused($load, 'at a start');
};


# the connection of the worker, as Redis sees it

sub client {
    my ($client) = grep { / name=nginx-intake-/ }
                   split /\n/, $redis->command('CLIENT', 'LIST');
    return $client && $client =~ /^id=(\d+)/ ? $1 : 0;
}


subtest 'after a quiet hour' => sub {
    ok($d->steady(), 'a connection');

    my $errors = $t->error_log_lines(qr/\[(?:warn|error)\]/);

    my $client = client();

    $redis->command('CONFIG', 'SET', 'timeout', 1);
    ok($t->wait_for(sub { client() != $client }), 'Redis has closed it');

    my $res = $d->deliver('quiet');
    is($res->status, 200, 'stored') or diag($res->body);

    $redis->command('CONFIG', 'SET', 'timeout', 0);
    ok($d->ready(), 'a connection');
    is(scalar $t->error_log_lines(qr/\[(?:warn|error)\]/), $errors,
       'nothing for an operator');
    $d->balance('each once');
};


# Redis closes while the worker looks elsewhere; it sees both at once

subtest 'at the moment of the delivery' => sub {
    for my $order ('closed before', 'closed behind') {
        for my $n (1 .. 2) {
            ok($d->steady(), 'a connection');

            my ($worker) = $t->worker_pids();
            my $id = "$order-$n";
            my (@sent, $client);

            kill 'STOP', $worker;
            @sent = map { $d->send("$id-$_") } 1 .. 3
                if $order eq 'closed behind';
            $client = client();
            $redis->command('CLIENT', 'KILL', 'ID', $client);
            @sent = map { $d->send("$id-$_") } 1 .. 3 unless @sent;
            kill 'CONT', $worker;

            is_deeply([map { $d->receive($_)->status } @sent],
                      [200, 200, 200], "$order: stored");
        }
    }

    $d->balance('each once');
};


subtest 'after a restart of Redis' => sub {
    ok($d->steady(), 'a connection');

    # one that was over before the worker could see it

    my ($worker) = $t->worker_pids();

    kill 'STOP', $worker;
    $redis->restart();
    my @sent = map { $d->send("restart-$_") } 1 .. 3;
    kill 'CONT', $worker;

    is_deeply([map { $d->receive($_)->status } @sent], [200, 200, 200],
              'stored');

    # one that it has seen

    ok($d->steady(), 'a connection');
    $redis->stop();
    is($d->deliver('restart')->status, 503, 'refused meanwhile');
    $redis->start();
    ok($d->ready(5), 'a connection');
    is($d->deliver('restart')->status, 200, 'stored');
    $d->balance('each once');
};


# nobody has delivered meanwhile, and the last try of the worker has failed

subtest 'the first one after a restart' => sub {
    for my $away (0.05, 1, 5) {
        ok($d->steady(), 'a connection');
        $redis->stop();
        sleep $away;
        $redis->start();

        is_deeply([map { $d->deliver("away-$away-$_")->status } 1 .. 5],
                  [(200) x 5], "away for $away s: none is refused");
    }

    $d->balance('each once');
};


# what was on its way when Redis died, in part or as a whole

subtest 'after a crash' => sub {
    ok($d->steady(), 'a connection');
    $redis->pause();

    my @sent;

    for my $n (1 .. 5) {
        push @sent, $d->send("crash-$n");
        $t->wait_for(sub { $d->in_flight() == $n });
    }

    $redis->kill();
    $redis->start();

    is_deeply([map { $d->receive($_)->status } @sent], [(200) x 5],
              'what was sent is sent again');
    $d->balance('each once');
};


my $proxy = Intake::RedisProxy->new(dir => $t->dir(), redis => $redis);

$t->write_file_expand('nginx.conf', delivery_conf(
    redis => "server @{[$proxy->url()]};", source => 'deadline 10s;'));


# a failed try is no reason to refuse those that come right behind it, nor is
# a connection that was lost when it was new

subtest 'again and again' => sub {
    ok($t->reload(), 'through a proxy');
    ok($d->ready(), 'a connection');

    for my $n (1 .. 5) {
        $proxy->stop();

        my $res = $d->deliver("again-$n");
        is_problem($res, 'STORE_UNAVAILABLE', 'away');
        cmp_ok($res->{elapsed}, '<', 1, 'soon');

        $proxy->start();
        is($d->deliver("again-$n")->status, 200, 'stored');
    }

    $d->balance('each once');
};


my %breaks = (
    'closed' => sub { $proxy->stop(); $proxy->start() },
    'closed, the reply is due' => sub {
        $proxy->rules(EVALSHA => [{ pass => 1, close_after => 0 },
                                  { pass => 1 }]) },
    'no master now' => sub {
        $proxy->rules(EVALSHA => [{ reply => "-READONLY You can't.\r\n" },
                                  { pass => 1 }]) },
    'loading' => sub {
        $proxy->rules(TIME => ["-LOADING Redis is loading\r\n",
                               { pass => 1 }]);
        $proxy->rules(EVALSHA => [{ reply => '', close => 1 },
                                  { pass => 1 }]) },
);

subtest 'a new connection breaks' => sub {
    for my $name (sort keys %breaks) {
        ok($d->steady(), 'a connection');

        for my $n (1 .. 5) {
            is($d->deliver("$name-$n, before")->status, 200,
               "$name: a connection");
            $breaks{$name}->();
            is($d->deliver("$name-$n")->status, 200, "$name: stored");
        }
    }

    $d->balance('each once');
};


# [what becomes of the operations in turn; whether Redis did them]

my %cuts = (
    'before it was done' => [{ reply => '', close => 1 }, 0],
    'before the reply' => [{ pass => 1, close_after => 0 }, 1],
    'in the reply' => [{ pass => 1, close_after => 7 }, 1],
    'by a reset' => [{ pass => 1, reply => "\0" }, 1],
);

sub scripts { scalar(() = $proxy->commands('EVALSHA')) }

subtest 'cut once' => sub {
    for my $name (sort keys %cuts) {
        my ($rule, $done) = @{$cuts{$name}};

        ok($d->connected(), 'a connection');
        is($d->deliver("$name, before")->status, 200, "$name: before");
        $proxy->rules(EVALSHA => [$rule, { pass => 1 }]);

        my ($scripts, $connections) = (scripts(), $proxy->connections());
        my $res = $d->deliver($name);

        is($res->status, 200, "$name: stored") or diag($res->body);
        is($res->json->{duplicate}, JSON::PP::false, "$name: as the first");
        is(scripts() - $scripts, 2, "$name: asked for twice");
        is($proxy->connections() - $connections, 1, "$name: once more");
    }

    $d->balance('each once');
};


subtest 'cut once, many on their way' => sub {
    for my $done (0, 1) {
        ok($d->steady(), 'a connection');
        $proxy->rules(EVALSHA => [
            ({ pass => $done, reply => '' }) x 9,
            { pass => $done, reply => '', close => 1 }, { pass => 1 }]);

        my ($n, @sent) = (scripts());

        for my $i (1 .. 10) {
            push @sent, $d->send("many-$done-$i");
            $t->wait_for(sub { scripts() >= $n + $i });
        }

        is_deeply([map { $_->status, $_->json->{duplicate} ? 1 : 0 }
                   map { $d->receive($_) } @sent], [(200, 0) x 10],
                  'all are stored, as the first');
        is(scripts() - $n, 20, 'each was asked for twice');
    }

    $d->balance('each once');
};


subtest 'cut twice' => sub {
    for my $name (sort keys %cuts) {
        my ($rule, $done) = @{$cuts{$name}};

        ok($d->connected(), 'a connection');
        $proxy->rules(EVALSHA => [$rule, $rule, { pass => 1 }]);

        my $n = scripts();
        my $id = "$name, twice";
        my $res = $d->deliver($id);

        is_problem($res, 'STORE_TIMEOUT', $name);
        cmp_ok($res->{elapsed}, '<', 1.5, "$name: before its deadline");
        is(scripts() - $n, 2, "$name: not asked for a third time");
        is($d->count($id), $done, "$name: done or not");

        ok($d->ready(), 'a connection');
        my $again = $d->deliver($id);
        is($again->status, 200, "$name: the retry");
        is($again->json->{duplicate} ? 1 : 0, $done, "$name: recognised");
        is($again->json->{id}, $id, "$name: its id");
    }

    $d->balance('each once');
};


# a host that takes no connection and refuses none: once that is known nobody
# waits for it; a host that refuses is met as soon as Redis is there

subtest 'no answer at all' => sub {
    my $t = Intake::Test->new();
    my $redis = $t->redis(port => 1);
    my $d = Intake::Deliveries->new(t => $t, redis => $redis);

    $redis->stop();

    # of a queue that is full nothing more is taken

    my $hole = IO::Socket::INET->new(
        Proto => 'tcp', LocalAddr => '127.0.0.1', LocalPort => $redis->port(),
        Listen => 1, ReuseAddr => 1);
    my @full = map { IO::Socket::INET->new(
        Proto => 'tcp', PeerAddr => '127.0.0.1', PeerPort => $redis->port(),
        Blocking => 0) } 1 .. 3;

    $t->write_file_expand('nginx.conf', delivery_conf(redis =>
        "server @{[$redis->tcp_url()]}; connect_timeout 400ms;"));
    $t->run();

    my $res = $d->deliver('first');
    is_problem($res, 'STORE_UNAVAILABLE', 'the first');
    cmp_ok($res->{elapsed}, '<', 1, 'waits for the try');
    is(scalar $t->error_log_lines(qr/connect\(\) timed out/), 1, 'it failed');

    my ($end, @elapsed) = (time() + 3);

    while (time() < $end) {
        my $res = $d->deliver('next');
        push @elapsed, $res->{elapsed};
        last unless $res->status == 503;
    }

    cmp_ok(scalar @elapsed, '>', 100, 'the next ones are refused at once');
    is_deeply([grep { $_ > 0.3 } @elapsed], [], 'none of them waits');
    cmp_ok(scalar $t->error_log_lines(qr/connect\(\) timed out/), '>', 1,
           'though it is tried again');

    # what refuses connections has no long tries

    close $_ for $hole, @full;
    ok($t->wait_for_log(qr/connect\(\) failed .*refused/), 'it refuses');
    $redis->start();
    is($d->deliver('next')->status, 200, 'stored');
    $d->balance('once');
    $t->finish();
};


# of two servers the master is used, whichever it is

subtest 'another master' => sub {
    my $t = Intake::Test->new();
    my ($one, $two) = map { $t->redis(name => $_, port => 1) } 'one', 'two';
    my $d = Intake::Deliveries->new(t => $t, redis => $two);

    my $follow = sub {
        my ($replica, $master) = @_;

        $replica->command('REPLICAOF', '127.0.0.1', $master->port());
        return $t->wait_for(sub { $replica->command('INFO', 'replication')
                                      =~ /master_link_status:up/ });
    };

    ok($follow->($two, $one), 'a replica');
    $t->write_file_expand('nginx.conf', delivery_conf(redis =>
        "server @{[$two->url()]}; server @{[$one->tcp_url()]};"));
    $t->run();
    ok($d->ready(), 'the second is the master');
    is($d->deliver('a')->status, 200, 'stored');
    ok($t->wait_for(sub { $d->count('a') }), 'and replicated');

    $two->command('REPLICAOF', 'NO', 'ONE');
    ok($follow->($one, $two), 'they change places');
    ok($t->wait_for(sub { $d->deliver('b')->status == 200 }, 3), 'stored');
    is($d->count('b'), 1, 'in the new one');

    $d->{redis} = $one;
    ok($t->wait_for(sub { $d->count('b') }), 'and replicated');
    $two->kill();
    ok($t->wait_for(sub { $d->deliver('c')->status == 503 }), 'no master');
    $one->command('REPLICAOF', 'NO', 'ONE');
    ok($d->ready() && $d->deliver('c')->status == 200, 'stored');
    $d->balance('each once');
    $t->finish();
};


$t->finish();
$proxy->stop();
