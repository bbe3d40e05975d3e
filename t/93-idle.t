#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Clients that open connections and then say nothing, or too little: what each
# costs the worker, that it gets all of it back, and that another source is
# served meanwhile.  INTAKE_CONNECTIONS is how many there are (400).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(ceil);
use Socket qw(inet_aton pack_sockaddr_in AF_INET SOCK_STREAM);
use Test::More;

use Intake::Deliveries;
use Intake::File;
use Intake::Load;
use Intake::Test;


my $count = $ENV{INTAKE_CONNECTIONS} || 400;
my $rounds = 3;
my $deliveries = $count;

# nginx ends those that say nothing when less than a sixteenth of its
# connections is free

my $connections = int($count * 1.2) + 400;
my ($limit) = qx(sh -c 'ulimit -n') =~ /^(\d+)/;

plan skip_all => "$count connections need ulimit -n $connections"
    if defined $limit && $limit < $connections;

# the most that one may cost, in KB: the buffer for a body and nginx's pools

use constant BOUND => 64 + 16;

my $t = Intake::Test->new(log => 'warn');
my $redis = $t->redis();
my $d = Intake::Deliveries->new(t => $t, redis => $redis);

my $conf = delivery_conf(
    redis => 'server %%REDIS%%;',
    globals => "worker_rlimit_nofile $connections;");

my $sources = <<'EOC';
    client_header_timeout  600s;
    client_body_timeout    600s;

    intake_source hook { platform signed; secret s3cret; max_body 1m; }
    intake_source form { form; field message required max=5000;
                         max_body 1m; }

EOC

my $locations = <<'EOC';
        location = /hook   { intake hook; }
        location = /form   { intake form; }
        location = /active { stub_status; }
EOC

$conf =~ s/^events \{/$& worker_connections $connections;/m;
$conf =~ s/^    server \{/$sources$&/m;
$conf =~ s/^(?= +location = .up)/$locations/m;

$t->write_file_expand('nginx.conf', $conf);
# valgrind lets no limit be set

$t->expect_log(qr/setrlimit\(RLIMIT_NOFILE/)
    if Intake::Test::Valgrind::on();
$t->run();
ok($d->ready(), 'ready');

my ($worker) = $t->worker_pids();


# [what, what nginx counts it as, what is sent]

my @kinds = (
    ['nothing', 'Waiting', ''],
    ['half a head for a form', 'Reading', half('/form')],
    ['half a head for a webhook', 'Reading', half('/hook')],
    ['a slow body for a form', 'Writing', begun('/form', 500)],
    ['a slow body for a webhook, 60 KB of it', 'Writing',
     begun('/hook', 60_000)],
);


sub half {
    my ($uri) = @_;
    return "POST $uri HTTP/1.1\r\nHost: localhost\r\nX-Signature: 0";
}


sub begun {
    my ($uri, $size) = @_;
    return half($uri) . "\r\nContent-Length: 1000000\r\nContent-Type: "
           . "application/x-www-form-urlencoded\r\n\r\nmessage=" . 'x' x $size;
}


# many attackers: each address has ports of its own

sub connection {
    my ($number) = @_;

    socket my $socket, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
    bind $socket, pack_sockaddr_in(0, inet_aton('127.0.1.' . $number % 200))
        or die "bind: $!";
    connect $socket, pack_sockaddr_in($t->port(0), inet_aton('127.0.0.1'))
        or die "connect: $!";

    return $socket;
}


# how many connections there are of a kind, this one not counted

sub active {
    my ($kind) = @_;
    my $text = $t->get('/active')->body;
    my ($number) = $text =~ /\b$kind(?: connections)?: (\d+)/;

    return $kind =~ /Active|Writing/ ? $number - 1 : $number;
}


# KB of the worker: VmRSS, or VmData, what it has asked the system for

sub memory {
    my ($what) = @_;
    return Intake::File::slurp("/proc/$worker/status")
           =~ /^$what:\s*(\d+) kB/m ? $1 : 0;
}


# what is open costs so much more of the worker's memory, in KB

sub occupy {
    my ($open) = @_;
    my $each = $count / @kinds;
    my (%sum, @cost);

    for my $kind (@kinds) {
        my ($what, $state, $bytes) = @$kind;
        my $before = memory('VmRSS');

        for (1 .. $each) {
            my $socket = connection(scalar @$open);
            syswrite $socket, $bytes if length $bytes;
            push @$open, [$socket, $bytes];
        }

        $sum{$state} += $each;
        ok($t->wait_for(sub { active($state) == $sum{$state} }, 60), $what);
        push @cost, [$what, (memory('VmRSS') - $before) / $each];
    }

    return @cost;
}


# a byte now and then, as the patient do it

sub linger {
    my ($open, $load) = @_;
    my $end = $load->count(200) + $deliveries;

    return $t->wait_for(sub {
        for my $entry (@$open) {
            syswrite $entry->[0], 'x' if length $entry->[1];
        }

        return $load->count(200) >= $end;
    }, 300);
}


sub p99 {
    my @elapsed = sort { $a <=> $b } map { $_->{elapsed} } @_;
    return sprintf '%.1f ms', 1000 * $elapsed[ceil(0.99 * @elapsed) - 1];
}


sub others {
    my ($what, $load) = @_;
    my @answers = $load->stop();

    is(scalar(grep { $_->{status} != 200 } @answers), 0,
       "$what: all of another source are accepted");
    note("$what: p99 of " . @answers . ' deliveries: ' . p99(@answers));
}


my $load = Intake::Load->start($d, clients => 2);

ok($load->wait($deliveries), 'deliveries');
others('before', $load);

my @asked;

for my $round (1 .. $rounds) {
    my (@open, @cost, $peak);
    my $load = Intake::Load->start($d, clients => 2);

    subtest "round $round" => sub {
        @cost = occupy(\@open);
        cmp_ok(active('Active'), '>=', $count, "$count connections");
        ok(linger(\@open, $load), 'deliveries meanwhile');
        $peak = memory('VmRSS');
        others("round $round", $load);
        note(sprintf '%s: %.1f KB each', @$_) for @cost;
    };

    close $_->[0] for @open;
    ok($t->wait_for(sub { active('Active') == 0 }, 60), 'they are gone');
    push @asked, memory('VmData');

    note("round $round: $peak KB resident, $asked[-1] KB asked for");

    SKIP: {
        skip 'memory is not nginx\'s own', 1 if $t->instrumented();

        is(join(', ', map { $_->[0] } grep { $_->[1] > BOUND } @cost), '',
           'none costs more than ' . BOUND . ' KB');
    }
}

# what has been freed stays with the worker: the next ones are to fit in

SKIP: {
    skip 'memory is not nginx\'s own', 1 if $t->instrumented();

    cmp_ok($asked[-1] - $asked[0], '<', 512 + 0.05 * $asked[0],
           'the last ones fit into what the first ones took')
        or diag("KB: @asked");
}

is(join(' ', $t->worker_pids()), $worker, 'the same worker');
is($redis->command('EXISTS', 'intake:{hook}', 'intake:{form}',
                   'intake:{form}:spam'), 0, 'nothing of theirs is stored');
$d->balance('all of the other source is, once');

$t->finish();
