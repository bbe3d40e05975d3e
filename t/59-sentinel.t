#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Sentinel: the master is found, whoever of the sentinels knows it, and found
# again when another server has become it, under load, with nothing lost that
# was acknowledged.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use Intake::DNS;
use Intake::Deliveries;
use Intake::FakeRedis;
use Intake::Problem;
use Intake::Sentinels;
use Intake::Test;


sub url {
    my (@sentinels) = @_;
    return 'sentinel://shop@' . join ',', map { '127.0.0.1:' . $_->port() }
                                          @sentinels;
}


# With Redis, and with Valkey if INTAKE_VALKEY names one.

for my $binary ('redis-server', $ENV{INTAKE_VALKEY} // ()) {

subtest "a fail-over under load: $binary" => sub {
    my $t = Intake::Test->new();
    my $shop = Intake::Sentinels->new($t, password => 's3cret',
                                      binary => $binary);
    my ($one, $two, @sentinels) = ($shop->one(), $shop->two(),
                                   $shop->sentinels());

    $t->write_file_expand('nginx.conf', delivery_conf(
        workers => 2, redis => 'server ' . url(@sentinels) . ';'
                               . ' sentinel_password s3cret;',
        source => 'durability replicas=1; deadline 1s;'));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t, redis => $one);

    ok($d->ready(), 'a connection');
    is($d->deliver('first')->status, 200, 'stored');
    is($two->ask('XLEN', 'intake:{a}'), 1, 'at the replica, too');

    my ($n, $stored, $killed, $since, @kept) = (0, 0);

    # the master dies, the replica becomes it; the first comes back as its
    # replica, because without one nothing is acknowledged.  What was refused
    # is sent again, as a platform does.

    while (1) {
        my @sent = map { $d->send(@kept ? shift @kept : 'load' . $n++) }
                   1 .. 5;
        my @answers = map { [$_->{id}, $d->receive($_)->status] } @sent;

        $stored += grep { $_->[1] == 200 } @answers;
        push @kept, map { $_->[0] } grep { $_->[1] != 200 } @answers;

        if (!$killed && $stored >= 100) {
            $one->kill();
            $killed = time();
            $stored = 0;
        }

        if ($killed && !$since && $two->ask('ROLE')->[0] eq 'master') {
            $one->start();
            $since = time();
        }

        last if $since && $stored >= 100
                || $killed && time() > $killed + 40;
    }

    ok($since, 'the replica became the master');
    cmp_ok($stored, '>=', 100, 'and stores');

    for my $id (@kept) {
        $t->wait_for(sub { $d->deliver($id)->status == 200 }, 20) or last;
    }

    delete $two->{client};
    $d->{redis} = $two;
    $d->balance('all that was acknowledged is there, once');
    is(scalar $d->{redis}->entries('intake:{a}'), $n + 1, 'each delivery');

    # what serves us is the new one, and the sentinels are tried in turn

    $sentinels[0]->kill();
    ok($d->steady(), 'connections');
    $two->ask(qw(CLIENT KILL TYPE normal SKIPME yes));
    ok($t->wait_for(sub { $d->deliver('without one')->status == 200 }),
       'stored with two sentinels');
    $d->balance('each once');
    $t->finish();
};

}


# [what the sentinels name, in order; which master is used]

sub named {
    my ($port, $host) = @_;
    return "*2\r\n" . join '', map { '$' . length($_) . "\r\n$_\r\n" }
                             $host // '127.0.0.1', $port;
}

my %answers = (
    'it does not know' => ["*-1\r\n"],
    'an error' => ["-ERR No such master with that name\r\n"],
    'nonsense' => ["*2\r\n\$9\r\n127.0.0.1\r\n\$3\r\n0x1\r\n"],
    'a list' => ["*0\r\n"],
    'a replica: it is of yesterday' => ['REPLICA'],
    'nobody is there' => [named('1')],
    'no answer' => [{ silent => 1 }],
    'half, then closed' => [{ reply => named('1'), close_after => 7 }],
    'another protocol' => ["HTTP/1.0 400 Bad Request\r\n\r\n"],
);

subtest 'a sentinel that is of no use' => sub {
    my $t = Intake::Test->new();
    my $master = $t->redis(port => 1);
    my $replica = $t->redis(name => 'replica', port => 1, options => {
        replicaof => '127.0.0.1 ' . $master->port() });
    my @fakes = map { Intake::FakeRedis->new(
        dir => $t->dir(), name => "fake$_", port => 1,
        rules => { SENTINEL => named($master->port()) }) } 1 .. 2;

    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => 'server ' . url(@fakes) . '; connect_timeout 300ms;',
        source => 'deadline 3s;'));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t, redis => $master);

    for my $name (sort keys %answers) {
        my ($rule) = @{$answers{$name}};

        $rule = named($replica->port()) if $rule eq 'REPLICA';
        ok($d->steady(), "$name: a connection");
        $fakes[0]->rules(SENTINEL => $rule);
        $fakes[1]->rules(SENTINEL => named($master->port()));

        for my $i (1 .. 2) {
            $master->command(qw(CLIENT KILL TYPE normal SKIPME yes));
            ok($t->wait_for(sub { $d->deliver("$name, $i")->status == 200 }),
               "$name: the other one knows");
        }

        is($replica->command('INFO', 'commandstats') =~ /cmdstat_eval/ ? 1 : 0,
           0, "$name: nothing goes to a replica");

        # all of them

        ok($d->steady(), "$name: a connection");
        $fakes[1]->rules(SENTINEL => $rule);
        $master->command(qw(CLIENT KILL TYPE normal SKIPME yes));
        ok($t->wait_for(sub { $t->get('/status?health')->status == 503 }),
           "$name: no connection");
        is_problem($d->deliver("$name, no"), 'STORE_UNAVAILABLE',
                   "$name: refused");
        $_->rules(SENTINEL => named($master->port())) for @fakes;

        # one that was silent answers no more on that connection

        ok($t->wait_for(sub { $d->deliver("$name, no")->status == 200 }, 30),
           "$name: until one knows");
    }

    $d->balance('each once');
    $t->finish();
};


# where the sentinels announce host names; nobody listens at 127.0.0.8 and .9

subtest 'names with several addresses' => sub {
    my $t = Intake::Test->new();
    my $master = $t->redis(port => 1);
    my $dns = Intake::DNS->new(dir => $t->dir(), names => {
        'one.test' => [qw(127.0.0.8 127.0.0.9 127.0.0.1)],
        'none.test' => [qw(127.0.0.8 127.0.0.9)] });
    my ($one, $none, $address) = map { named($master->port(), $_) }
                                 'one.test', 'none.test', '127.0.0.1';
    my $fake = Intake::FakeRedis->new(dir => $t->dir(), port => 1,
                                      rules => { SENTINEL => $one });
    my $conf = delivery_conf(redis => 'server ' . url($fake) . ';
                                       connect_timeout 1s;',
                             source => 'deadline 5s;');

    $conf =~ s/(?=^ +intake_redis)/resolver 127.0.0.1:@{[$dns->port()]};/m;
    $t->write_file_expand('nginx.conf', $conf);
    $t->run();

    my $d = Intake::Deliveries->new(t => $t, redis => $master);
    my ($worker) = $t->worker_pids();
    my $asked = sub { scalar(() = $fake->commands('SENTINEL')) };
    my $drop = sub {
        ok($d->steady(), 'a connection');
        $fake->rules(SENTINEL => [@_]);
        $master->command(qw(CLIENT KILL TYPE normal SKIPME yes));
    };

    ok($d->ready(), 'a connection');
    is($asked->(), 1, 'all are tried before a sentinel is asked again');

    # a fail-over between two tries

    my %after = (address => $address, name => $one);

    for my $after (sort keys %after) {
        $drop->(($none, $after{$after}) x 9);
        ok($t->wait_for(sub { $d->deliver($after)->status == 200 }, 20),
           "another $after: stored");
    }

    is_deeply([$t->worker_pids()], [$worker], 'by the same worker');

    # what was named before is not used when nobody knows

    my ($n, $connects) = ($asked->(),
                          $d->metric('intake_redis_connects_total'));

    $drop->("*-1\r\n");
    ok($t->wait_for(sub { $asked->() >= $n + 4 }, 20), 'nobody knows');
    is($d->metric('intake_redis_connects_total'), $connects,
       'nobody is used');
    $fake->rules(SENTINEL => $one);
    ok($d->ready(20), 'a connection');
    $d->balance('each once');
    $dns->stop();
    $t->finish();
};


subtest 'configuration' => sub {
    my $t = Intake::Test->new();

    my %wrong = (
        'server sentinel://127.0.0.1;' => qr/must be sentinel:\/\/NAME\@HOST/,
        'server sentinel://@127.0.0.1;' => qr/must be sentinel:\/\/NAME\@HOST/,
        'server sentinel://a@127.0.0.1/1;' => qr/takes hosts with ports/,
        'server sentinel://a@b@127.0.0.1;' => qr/takes hosts with ports/,
        'server sentinel://a@127.0.0.1,;' => qr/no host/,
        'server sentinel://a@127.0.0.1:x;' => qr/invalid port/,
        'server redis://127.0.0.1; server sentinel://a@127.0.0.1;'
            => qr/cannot stand beside another/,
        'server sentinel://a@127.0.0.1; server redis://127.0.0.1;'
            => qr/cannot stand beside another/,
        'server redis://127.0.0.1; sentinel_password x;'
            => qr/needs a "server sentinel/,
    );

    for my $conf (sort keys %wrong) {
        my ($code, $said) = $t->test_config(delivery_conf(redis => $conf));

        isnt($code, 0, $conf);
        like($said, $wrong{$conf}, 'it says what to write');
    }

    my ($code, $said) = $t->test_config(delivery_conf(
        redis => 'server sentinel://a@127.0.0.1,127.0.0.2:1,[::1]:26380;'));

    is($code, 0, 'several sentinels') or diag($said);
    $t->finish();
};


done_testing();
