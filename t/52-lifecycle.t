#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Workers that are killed, reloaded, replaced and told to quit, under load and
# with replies pending: what was acknowledged is in the stream once, whoever
# can be answered is, and every process leaves by itself.
#
# INTAKE_SLOW=1: 50 reloads instead of 10.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use Intake::Deliveries;
use Intake::Load;
use Intake::Process;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis(options => { appendonly => 'yes', appendfsync => 'no' });
my $d = Intake::Deliveries->new(t => $t, redis => $redis);


# (Re)starts nginx with more lines for delivery_conf().

sub start {
    my ($t, %opt) = @_;

    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => 'server %%REDIS%%;', workers => 2, %opt));
    $t->run();
}


sub statuses {
    my %count;
    $count{$_->{status}}++ for @_;
    return \%count;
}


# only those workers that serve are left

sub alone {
    my ($t, $workers) = @_;
    return $t->wait_for(sub { $t->worker_pids('all') == $workers });
}


subtest 'workers are killed' => sub {
    start($t);

    my $load = Intake::Load->start($d);

    for my $round (1 .. 6) {
        ok($load->wait(100), 'it goes on');
        ok($t->kill_worker(), 'killed');
    }

    ok($load->wait(100), 'it goes on');
    my @answers = $load->stop();
    my $count = statuses(@answers);

    cmp_ok($count->{200}, '>=', 700, 'stored');
    is(scalar @answers, $count->{200} + ($count->{0} || 0),
       'some were cut off, none was refused');
    $d->balance('acknowledged, and there once');
};


subtest 'reloads' => sub {
    my $load = Intake::Load->start($d);

    for my $round (1 .. ($ENV{INTAKE_SLOW} ? 50 : 10)) {
        ok($load->wait(20), 'it goes on');
        ok($t->reload(), 'reloaded');
    }

    ok($load->wait(100), 'it goes on');
    ok(alone($t, 2), 'old workers leave, under load');

    my @answers = $load->stop();

    is_deeply(statuses(@answers), { 200 => scalar @answers },
              'every one was stored');
    is_deeply([grep { $_->{duplicate} } @answers], [], 'none was sent again');
    $d->balance('there once');
    ok($t->quit(), 'and the last ones');
};


# What is pending while the worker is told to leave, by a signal to the
# master: [signal, deadline, whether Redis answers after all, statuses]

my %pending = (
    'quit' => ['QUIT', '10s', 1, 200],
    'reload' => ['HUP', '10s', 1, 200],
    'quit, no answer' => ['QUIT', '300ms', 0, 503],
    'reload, no answer' => ['HUP', '300ms', 0, 503],
);

for my $name (sort keys %pending) {
    my ($signal, $deadline, $answers, $status) = @{$pending{$name}};

    subtest "pending: $name" => sub {
        start($t, workers => 1, source => "deadline $deadline;");
        ok($d->ready(), 'a connection');

        my ($worker) = $t->worker_pids();
        my ($half, @sent) = slow_request("$name, slow");

        $redis->pause();

        for my $n (1 .. 5) {
            push @sent, $d->send("$name-$n");
            $t->wait_for(sub { $d->in_flight() == $n });
        }

        $t->signal($signal);
        ok($t->wait_for(sub { leaving($worker) }), 'the worker is told');

        # a whole request is among those that wait now

        $half->{http}->write($half->{rest});

        $redis->resume() if $answers;
        is_deeply([map { $d->receive($_)->status } @sent], [($status) x 5],
                  'all are answered');
        is($d->receive($half)->status, $status, 'and a late body');
        $redis->resume() unless $answers;

        if ($signal eq 'HUP') {
            ok($t->wait_for(sub { !kill 0, $worker }), 'the worker leaves');
            ok($d->ready(), 'a connection');
            is($d->deliver("$name, next")->status, 200, 'the next is stored');
        }

        ok($t->quit(5), 'all leave');
        $d->balance('there once');
    };
}


# all of a request but the last byte

sub slow_request {
    my ($id) = @_;
    my %request = Intake::Deliveries::request_of($id);
    my $bytes = Intake::HTTP::head('POST', '/a', %request) . $request{body};
    my $http = $t->http();

    $http->write(substr $bytes, 0, -1);
    $t->get('/up');

    return { id => $id, at => time(), http => $http,
             rest => substr $bytes, -1 };
}


sub leaving {
    my ($pid) = @_;
    return Intake::Process::title($pid) =~ /shutting down/;
}


# the connection was idle and is closed; a body comes after that

subtest 'a late body' => sub {
    start($t, workers => 1);
    ok($d->ready(), 'a connection');

    my ($worker) = $t->worker_pids();
    my $half = slow_request('late');

    $t->signal('QUIT');
    ok($t->wait_for(sub { leaving($worker)
        && $redis->command('CLIENT', 'LIST') !~ /name=nginx-intake-$worker / }),
       'the connection is closed');

    $half->{http}->write($half->{rest});
    is($d->receive($half)->status, 200, 'stored');
    ok($t->quit(5), 'the worker leaves');
    $d->balance('there once');
};


# it would ask again in ten seconds

subtest 'quit without Redis' => sub {
    start($t, workers => 1, redis => 'server %%REDIS%%; database 99;');
    ok($t->wait_for_log(qr/DB index is out of range/), 'refused');
    is($d->deliver('away')->status, 503, 'away');

    my $start = time();

    ok($t->quit(5), 'the worker leaves');
    cmp_ok(time() - $start, '<', 2, 'soon');
};


subtest 'worker_shutdown_timeout' => sub {
    start($t, workers => 1, globals => 'worker_shutdown_timeout 1s;',
          source => 'deadline 60s;');
    ok($d->ready(), 'a connection');
    $redis->pause();

    my @sent = map { $d->send("shutdown-$_") } 1 .. 3;
    my $start = time();

    $t->wait_for(sub { $d->in_flight() });
    ok($t->quit(5), 'the worker leaves');
    cmp_ok(time() - $start, '>', 0.9, 'in its time');
    $redis->resume();

    is_deeply([grep { !/^(?:0|503)$/ } map { $d->receive($_)->status } @sent],
              [], 'nobody is told that it was stored');

    start($t, workers => 1);
    is_deeply([map { $d->deliver("shutdown-$_")->status } 1 .. 3],
              [200, 200, 200], 'the retries');
    $d->balance('there once');
    ok($t->quit(), 'leaves');
};


# A master in the foreground does that when its first parent has gone.  It does
# not obey WINCH there, so the old one gets QUIT at once.

subtest 'another binary' => sub {
    my $t = Intake::Test->new();
    my $d = Intake::Deliveries->new(t => $t, redis => $redis);

    $t->without_parent();
    start($t, redis => 'server ' . $redis->url() . ';');
    $t->{process}->signal('KILL');
    ok($t->wait_for(sub { $t->{process}->gone() }), 'without a parent');

    my $load = Intake::Load->start($d);
    my $old = $t->master_pid();

    ok($load->wait(100), 'it goes on');
    kill 'USR2', $old;
    ok($t->wait_for(sub { $t->master_pid() && $t->master_pid() != $old
                          && $t->worker_pids() == 2 }), 'two of them');
    ok($load->wait(100), 'it goes on');
    kill 'QUIT', $old;
    ok(alone($t, 2) && $t->wait_for(sub { ! -e "$t->{dir}/nginx.pid.oldbin" }),
       'the old ones leave');
    ok($load->wait(100), 'it goes on');

    my @answers = $load->stop();

    is_deeply(statuses(@answers), { 200 => scalar @answers },
              'every one was stored');
    $d->balance('there once');
    $t->finish();
};


$t->finish();
