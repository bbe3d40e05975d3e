#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Cluster: every source is one slot; slots that move and masters that die under
# load lose nothing that was acknowledged and store nothing twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use Intake::Cluster;
use Intake::Deliveries;
use Intake::FakeRedis;
use Intake::Problem;
use Intake::Sign;
use Intake::Test;


my @names = ('a' .. 'h');


# Sources a to h, those after a as it is.

sub conf {
    my (%opt) = @_;
    my $conf = delivery_conf(%opt);
    my $more = join '', map { <<"EOC" } @names[1 .. $#names];
    intake_source $_ {
        platform  signed;
        secret    s3cret;
        $opt{source}
    }
EOC

    $conf =~ s/(    server \{)/$more$1/;
    $conf =~ s/(location = \/a )/join("\n        ",
        map("location = \/$_ { intake $_; }", @names[1 .. $#names]), $1)/e;

    return $conf;
}


# A source's deliveries; what is refused is sent again, at the end of the next
# call at the latest, unless $later.

sub work {
    my ($t, $d, $until, $later) = @_;
    my ($taken, $refused) = (0, 0);
    my $again = $d->{again} //= [];
    my $end = time() + 45;

    while (!$until->($taken) && time() < $end) {
        my @sent = map { $d->send(@$again ? shift @$again
                                          : $d->{uri} . $d->{n}++) } 1 .. 5;

        for my $sent (@sent) {
            my $status = $d->receive($sent)->status;

            $taken++ if $status == 200;
            $refused++, push @$again, $sent->{id} if $status != 200;
        }
    }

    while (!$later && @$again) {
        $t->wait_for(sub { $d->deliver($again->[0])->status == 200 }, 20)
            or last;
        shift @$again;
    }

    return ($taken, $refused);
}


# With Redis, and with Valkey if INTAKE_VALKEY names one.

for my $binary ('redis-server', $ENV{INTAKE_VALKEY} // ()) {

subtest "six servers: $binary" => sub {
    my $t = Intake::Test->new();
    my $cluster = Intake::Cluster->new($t, binary => $binary);

    $t->write_file_expand('nginx.conf', conf(
        workers => 2, redis => 'server ' . $cluster->url() . ';',
        source => 'durability replicas=1; deadline 2s;'));
    $t->run();

    my %d = map { $_ => Intake::Deliveries->new(
        t => $t, redis => $cluster, uri => "/$_", stream => "intake:{$_}",
        n => 0) } @names;
    my $d = $d{a};

    ok($d->ready(), 'the map is known');

    my %owners = map { $cluster->owner("intake:{$_}")->port() => 1 } @names;

    is(scalar keys %owners, 3, 'the sources are spread');
    is($d{$_}->deliver("first $_")->status, 200, "$_: stored") for @names;
    is($d{$_}->deliver("first $_")->json->{duplicate}, JSON::PP::true,
       "$_: a duplicate") for @names;
    $d{$_}->balance("$_: once") for @names;

    # a script that a node has not got, on each of them

    $_->ask('SCRIPT', 'FLUSH') for map { $cluster->owner("intake:{$_}") }
                                   @names;
    is($d{$_}->deliver("flushed $_")->status, 200, "$_: stored by EVAL")
        for @names;

    # the slot of `a` goes to another node, key by key, while it is used

    my $stream = 'intake:{a}';
    my $from = $cluster->owner($stream);
    my ($to) = grep { $_ != $from } map { $cluster->owner("intake:{$_}") }
                                    @names;
    my $slot = $from->ask('CLUSTER', 'KEYSLOT', $stream);
    my ($from_id, $to_id) = map { $cluster->id($_) } $from, $to;
    my $left;

    work($t, $d, sub { $_[0] >= 50 });
    $to->ask('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from_id);
    $from->ask('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to_id);

    my ($taken, $refused) = work($t, $d, sub {
        my $keys = $from->ask('CLUSTER', 'GETKEYSINSLOT', $slot, 40);

        $from->ask('MIGRATE', '127.0.0.1', $to->port(), '', 0, 5000,
                   'REPLACE', 'KEYS', @$keys) if @$keys;
        $left = @$keys;

        return $left == 0;
    }, 1);

    is($left, 0, 'all keys have moved');

    # Redis does not let a script use a key that it has not got meanwhile, so
    # what is new has to wait; what is known is known by ASK

    is($d->deliver('first a')->status, 200, 'a duplicate, by ASK');
    is_problem($d->deliver('asked'), 'STORE_UNAVAILABLE', 'what is new');
    $_->ask('CLUSTER', 'SETSLOT', $slot, 'NODE', $to_id) for $to, $from;
    work($t, $d, sub { $_[0] >= 50 });
    is($cluster->owner($stream), $to, 'it is there');
    $d->balance('each once');
    is(scalar($cluster->entries($stream)), $d->{n} + 2, 'each delivery');
    note("$refused of ", $taken + $refused, ' were refused meanwhile');

    # a master dies, and comes back as the replica of its replica

    my $dead = $cluster->owner($stream);
    my ($other) = grep { $cluster->owner("intake:{$_}") != $dead } @names;
    my ($killed, $back);

    work($t, $d, sub {
        my ($n) = @_;

        if (!$killed && $n >= 50) {
            $dead->kill();
            $killed = time();
        }

        if ($killed && !$back
            && eval { $cluster->owner($stream)->port() != $dead->port() })
        {
            is($d{$other}->deliver('meanwhile')->status, 200,
               'other sources are stored');
            $dead->start();
            $back = time();
        }

        return $n >= 200 || $killed && time() > $killed + 40;
    });

    ok($back, 'a replica has become the master');
    ok($cluster->whole(), 'the cluster is whole again');
    ok($d->ready(), 'and known');
    $d{$_}->balance("$_: each once") for @names;
    is(scalar($cluster->entries($stream)), $d->{n} + 2, 'each delivery');

    # half of the cluster starts anew, one after another

    for my $node (($cluster->nodes())[0 .. 2]) {
        my $again = 0;

        $node->restart();
        work($t, $d{$_}, sub { $_[0] >= 10 }) for @names;
        ok($cluster->whole(), 'a node was restarted');
    }

    $d{$_}->balance("$_: each once") for @names;
    ok($t->reload(), 'a reload');
    is($d{$_}->deliver("last $_")->status, 200, "$_: stored") for @names;
    $t->finish();
};

}


# two nodes that say what they are told

sub slots {
    my (@ports) = @_;
    my $step = int(16384 / @ports);
    my $n = 0;

    return '*' . @ports . "\r\n" . join '', map {
        my $last = $n == $#ports ? 16383 : ($n + 1) * $step - 1;

        sprintf "*3\r\n:%d\r\n:%d\r\n*2\r\n\$9\r\n127.0.0.1\r\n:%d\r\n",
                $n++ * $step, $last, $_
    } @ports;
}


my $stored = "*1\r\n\$3\r\n1-1\r\n";

# [what EVALSHA is answered here and there, the code, how many calls here and
# there, ASKING]

my %words = (
    'MOVED' => [["-MOVED 15495 127.0.0.1:THERE\r\n", $stored], [$stored],
                undef, 1, 1],
    'MOVED to and fro' => [["-MOVED 15495 127.0.0.1:THERE\r\n"],
                           ["-MOVED 15495 127.0.0.1:HERE\r\n"],
                           'STORE_REFUSED'],
    'MOVED nowhere' => [["-MOVED 15495 127.0.0.1:99999\r\n"], [$stored],
                        'STORE_REFUSED'],
    'MOVED here' => [["-MOVED 15495 :HERE\r\n", $stored], [$stored],
                     undef, 2, 0],
    'ASK' => [["-ASK 15495 127.0.0.1:THERE\r\n"], [$stored], undef, 1, 1, 1],
    'ASK, then MOVED back' => [
        ["-ASK 15495 127.0.0.1:THERE\r\n", $stored],
        ["-MOVED 15495 127.0.0.1:HERE\r\n"], undef, 2, 1, 1],
    'ASK, then TRYAGAIN' => [
        ["-ASK 15495 127.0.0.1:THERE\r\n"],
        ["-TRYAGAIN Multiple keys request\r\n", $stored], undef, 2, 2, 2],
    'ASK, then NOSCRIPT' => [
        ["-ASK 15495 127.0.0.1:THERE\r\n"], ["-NOSCRIPT no\r\n", $stored],
        undef, 1, 1, 1],
    'TRYAGAIN' => [["-TRYAGAIN Multiple keys request\r\n",
                    "-TRYAGAIN Multiple keys request\r\n", $stored], [$stored],
                   undef, 3, 0],
    'TRYAGAIN for ever' => [["-TRYAGAIN Multiple keys request\r\n"],
                            [$stored], 'STORE_UNAVAILABLE'],
    'CLUSTERDOWN' => [["-CLUSTERDOWN Hash slot not served\r\n", $stored],
                      [$stored], undef, 2, 0],
    'CLUSTERDOWN for ever' => [["-CLUSTERDOWN The cluster is down\r\n"],
                               [$stored], 'STORE_UNAVAILABLE'],
    'CROSSSLOT' => [["-CROSSSLOT Keys in request\r\n"], [$stored],
                    'STORE_REFUSED'],
);

subtest 'what a node answers' => sub {
    my $t = Intake::Test->new();
    my ($here, $there) = map { Intake::FakeRedis->new(
        dir => $t->dir(), name => $_, port => 1,
        rules => { EVALSHA => $stored, EVAL => $stored,
                   ASKING => "+OK\r\n" }) } qw(here there);
    my @ports = map { $_->port() } $here, $there;

    # the slot of intake:{a} is 15495, in the second half

    $_->rules('CLUSTER SLOTS' => slots($ports[1], $ports[0]))
        for $here, $there;

    $t->write_file_expand('nginx.conf', conf(
        redis => "server cluster://127.0.0.1:$ports[0];",
        source => 'deadline 700ms;'));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t);

    ok($d->ready(), 'the map is known');

    for my $name (sort keys %words) {
        my ($first, $second, $code, @calls) = @{$words{$name}};
        my @rules = map {
            [map { s/\bTHERE/$ports[1]/r =~ s/\bHERE/$ports[0]/r } @$_]
        } $first, $second;

        is($d->deliver("$name, before")->status, 200, "$name: before");

        my @before = (scalar(() = $here->commands('EVALSHA')),
                      scalar(() = $there->commands('EVALSHA')),
                      scalar(() = $there->commands('ASKING')));

        $here->rules(EVALSHA => $rules[0]);
        $there->rules(EVALSHA => $rules[1], EVAL => $rules[1][-1]);

        my $res = $d->deliver($name);

        if ($code) {
            is_problem($res, $code, "$name: refused");
            cmp_ok($res->{elapsed}, '<', 1.2, "$name: in time");

        } else {
            is($res->status, 200, "$name: stored");
            is(scalar(() = $here->commands('EVALSHA')) - $before[0],
               $calls[0], "$name: calls here");
            cmp_ok(scalar(() = $there->commands('EVALSHA')) - $before[1], '>=',
                   $calls[1], "$name: calls there");
            cmp_ok(scalar(() = $there->commands('ASKING')) - $before[2], '>=',
                   $calls[2] // 0, "$name: ASKING");
        }

        $_->rules(EVALSHA => $stored, EVAL => $stored) for $here, $there;
        ok($t->wait_for(sub { $d->in_flight() == 0 }), "$name: nothing left");
        ok($t->wait_for(sub {
            my $n = () = $there->commands('EVALSHA');

            $d->deliver("$name, after")->status == 200
            && $n == (() = $there->commands('EVALSHA')) }),
           "$name: the map is that of the nodes again");
    }

    $t->finish();
};


# ASKING is answered while the rest of what is behind it is still on its way

subtest 'a large one, by ASK' => sub {
    my $t = Intake::Test->new();
    my ($here, $there) = map { Intake::FakeRedis->new(
        dir => $t->dir(), name => $_, port => 1,
        rules => { EVALSHA => $stored, ASKING => "+OK\r\n" }) }
        qw(here there);
    my @ports = map { $_->port() } $here, $there;

    $_->rules('CLUSTER SLOTS' => slots($ports[1], $ports[0]))
        for $here, $there;

    $t->write_file_expand('nginx.conf', conf(
        redis => "server cluster://127.0.0.1:$ports[0];",
        source => 'deadline 10s; max_body 16m;'));
    $t->run();
    ok(Intake::Deliveries->new(t => $t)->ready(), 'the map is known');

    $here->rules(EVALSHA => "-ASK 15495 127.0.0.1:$ports[1]\r\n");

    for my $size (1000, 8_000_000) {
        my $body = 'x' x $size;
        my $res = $t->post('/a', $body, ['X-Id' => "ask-$size",
            'X-Signature' => Intake::Sign::hmac('sha256', 'hex', 's3cret',
                                                "ask-$size.$body")]);

        is($res->status, 200, "$size bytes: stored");
    }

    is(scalar(() = $there->commands('ASKING')), 2, 'asked once each');
    is(scalar(() = $there->commands('EVALSHA')), 2, 'and sent once');
    is(scalar $t->error_log_lines(qr/unexpected reply/), 0,
       'the connection stays');

    $t->finish();
};


# [what CLUSTER SLOTS is answered]

my %maps = (
    'no cluster' => "-ERR This instance has cluster support disabled\r\n",
    'nobody has a slot' => "*0\r\n",
    'nonsense' => "+OK\r\n",
    'nested nonsense' => "*2\r\n*1\r\n:1\r\n:2\r\n",
    'slots that are none' => "*1\r\n*3\r\n:-5\r\n:99999\r\n*2\r\n\$1\r\nx\r\n"
                             . ":1\r\n",
    'a port that is none' => "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n\$9\r\n"
                             . "127.0.0.1\r\n:70000\r\n",
    'no answer' => { silent => 1 },
    'half, then closed' => { reply => slots(1), close_after => 20 },
);

subtest 'what is no map' => sub {
    my $t = Intake::Test->new();
    my $fake = Intake::FakeRedis->new(
        dir => $t->dir(), port => 1,
        rules => { EVALSHA => $stored, 'CLUSTER SLOTS' => "*0\r\n" });

    $t->write_file_expand('nginx.conf', conf(
        redis => 'server cluster://127.0.0.1:' . $fake->port() . ';'
                 . ' connect_timeout 200ms;', source => 'deadline 500ms;'));

    for my $name (sort keys %maps) {
        $fake->rules('CLUSTER SLOTS' => $maps{$name});
        $t->run();

        my $d = Intake::Deliveries->new(t => $t);
        my $res = $d->deliver($name);

        is_problem($res, 'STORE_UNAVAILABLE', "$name: refused");
        cmp_ok($res->{elapsed}, '<', 1, "$name: in time");

        $fake->rules('CLUSTER SLOTS' => slots($fake->port()));
        ok($t->wait_for(sub { $d->deliver($name)->status == 200 }),
           "$name: until there is one");
        ok($t->quit(), "$name: the worker leaves");
    }

    $t->finish();
};


subtest 'configuration' => sub {
    my $t = Intake::Test->new();

    my %wrong = (
        'server cluster://;' => qr/no host/,
        'server cluster://a@127.0.0.1;' => qr/takes hosts with ports/,
        'server cluster://127.0.0.1/1;' => qr/takes hosts with ports/,
        'server cluster://127.0.0.1; server redis://127.0.0.1;'
            => qr/cannot stand beside another/,
        'server cluster://127.0.0.1; database 1;' => qr/in a cluster/,
    );

    for my $conf (sort keys %wrong) {
        my ($code, $said) = $t->test_config(delivery_conf(redis => $conf));

        isnt($code, 0, $conf);
        like($said, $wrong{$conf}, 'it says what to write');
    }

    $t->finish();
};


done_testing();
