#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Where Redis is and who may come in: places, databases, users; wrong ones,
# and those that become wrong; and the two troubles after which the client
# itself waits for long.  Each has an nginx of its own and they wait together.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use Intake::Deliveries;
use Intake::FakeRedis;
use Intake::Port;
use Intake::Problem;
use Intake::Test;


my $secret = 'c0rrect-h0rse';
my $other = 'battery-st4ple';


# An nginx and its deliveries; REDIS and PORT in `conf` are the socket and the
# port of a Redis of its own with `options` and `acl`.

sub nginx {
    my (%opt) = @_;
    my $t = Intake::Test->new();
    my $redis = $t->redis(port => 1, %opt);
    my $conf = $opt{conf} =~ s/PORT/$redis->port()/er
                          =~ s/REDIS/$redis->url()/er;

    $t->write_file('password', "$secret\n", 0600);
    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => $conf, source => 'deadline 500ms;'));
    $t->run();

    return Intake::Deliveries->new(t => $t, redis => $redis, %opt);
}


sub errors { scalar $_[0]{t}->error_log_lines(qr/\[error\].*redis/) }


# no secret may be in a log of ours

sub is_quiet {
    my ($d) = @_;
    my $said = $d->{t}->log() . $d->{t}->read_file('access.log')
               . $d->{t}->get('/status?format=json')->body;

    unlike($said, qr/\Q$_\E/, 'no password in the logs') for $secret, $other;
}


# [intake_redis {}, options of the Redis, the user and database it then sees]

my @user = ("shop on >$secret ~intake:* -\@all +evalsha +eval +get +mget +set"
            . ' +xadd +xtrim +time +select +client|setname',
            'default on nopass ~* +@all');

my %places = (
    'a unix socket' => ['server REDIS;', {}, 'default', 0],
    'a port' => ['server redis://127.0.0.1:PORT;', {}, 'default', 0],
    'a name' => ['server redis://localhost:PORT;', {}, 'default', 0],
    'a database' => ['server redis://127.0.0.1:PORT; database 3;', {},
                     'default', 3],
    'a password' => ["server REDIS; password $secret;",
                     { options => { requirepass => $secret },
                       password => $secret }, 'default', 0],
    'a password of a file'
        => ['server redis://127.0.0.1:PORT; password file:password;',
            { options => { requirepass => $secret }, password => $secret },
            'default', 0],
    'a user' => ["server REDIS; user shop; password $secret;",
                 { acl => \@user }, 'shop', 0],
    'a user and a database'
        => ["server REDIS; user shop; password $secret; database 5;",
            { acl => \@user }, 'shop', 5],
);

for my $name (sort keys %places) {
    my ($conf, $options, $user, $database) = @{$places{$name}};

    subtest $name => sub {
        my $d = nginx(%$options, conf => $conf);
        my $redis = $d->{redis};

        is($d->deliver('a')->status, 200, 'stored');

        my ($client) = grep { / name=nginx-intake-\d+ / }
                       split /\n/, $redis->command('CLIENT', 'LIST');
        like($client, qr/ db=$database .* user=$user /, 'user and database');

        $redis->command('SELECT', $database);
        $d->balance('where it belongs');
        is(errors($d), 0, 'no errors');
        is_quiet($d);
        $d->{t}->finish();
    };
}


# [intake_redis {}, options; what breaks it; what mends it; the code meanwhile;
# what the log says, once; the longest time until it is well again]

my $free = Intake::Port->new()->number();

sub drop_clients {
    my ($redis) = @_;
    $redis->command(qw(CLIENT KILL TYPE normal SKIPME yes));
}

my %troubles = (
    'a wrong password from the start' => [
        "server REDIS; password $secret;",
        { options => { requirepass => $other }, password => $other },
        sub { },
        sub { $_[0]->command('CONFIG', 'SET', 'requirepass', $secret) },
        'STORE_UNAVAILABLE', qr/refuses the user.*WRONGPASS/, 13],
    'a password that is missing' => [
        'server REDIS;', {},
        sub { $_[0]->command('CONFIG', 'SET', 'requirepass', $other);
              drop_clients($_[0]) },
        sub { $_[0]->command('CONFIG', 'SET', 'requirepass', '') },
        'STORE_UNAVAILABLE', qr/refuses the user.*NOAUTH/, 13],
    'a password that changes' => [
        "server redis://127.0.0.1:PORT; password $secret;",
        { options => { requirepass => $secret }, password => $secret },
        sub { $_[0]->command('CONFIG', 'SET', 'requirepass', $other);
              drop_clients($_[0]) },
        sub { $_[0]->command('CONFIG', 'SET', 'requirepass', $secret) },
        'STORE_UNAVAILABLE', qr/refuses the user.*WRONGPASS/, 13],
    'a user that is gone' => [
        "server REDIS; user shop; password $secret;", { acl => \@user },
        sub { $_[0]->command(qw(ACL DELUSER shop)) },
        sub { $_[0]->command('ACL', 'SETUSER', split / /, $user[0]) },
        'STORE_UNAVAILABLE', qr/refuses the user.*WRONGPASS/, 13],
    'no such database' => [
        'server REDIS; database 99;', {}, sub { },
        sub { $_[0]->stop(); $_[0]{options} = { databases => 100 };
              $_[0]->start() },
        'STORE_UNAVAILABLE', qr/the user or the database.*out of range/, 13],
    'no AUTH' => [
        "server REDIS; password $secret;",
        { options => { 'rename-command' => 'AUTH ""' } }, sub { }, undef,
        'STORE_UNAVAILABLE', qr/the user or the database while/],
    'nobody at the port' => [
        "server redis://127.0.0.1:$free;", {}, sub { }, undef,
        'STORE_UNAVAILABLE', qr/connect\(\) failed.*127\.0\.0\.1:$free/],
    'nothing at the path' => [
        'server unix:%%DIR%%/none.sock;', {}, sub { }, undef,
        'STORE_UNAVAILABLE', qr/connect\(\) failed.*none\.sock/],
    'silent for long' => [
        'server redis://127.0.0.1:PORT;', {},
        sub { $_[0]->pause() },
        sub { $_[0]->resume() },
        'STORE_TIMEOUT', qr/no reply/, 8, 5],
);

# what a server says to a password is not repeated in a log

subtest 'an echo' => sub {
    my $t = Intake::Test->new();
    my $fake = Intake::FakeRedis->new(dir => $t->dir(), rules => {
        AUTH => "-ERR who is shop with $secret?\r\n" });

    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => "server @{[$fake->url()]}; user shop; password $secret;"));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t);

    ok($t->wait_for_log(qr/\[error\].*refuses the user or the database/),
       'refused');

    # deliveries do not make it try passwords

    my $tries = $fake->commands('AUTH');

    is_problem($d->deliver('a'), 'STORE_UNAVAILABLE', 'refused') for 1 .. 5;
    is(scalar(() = $fake->commands('AUTH')), $tries, 'it is not asked again');
    is_quiet($d);
    $t->finish();
};


my %running;

for my $name (sort keys %troubles) {
    my ($conf, $options, $break) = @{$troubles{$name}};

    $running{$name} = nginx(%$options, conf => $conf);
}

# the first is as old as the others when it is old enough

my $old;

for my $name (sort keys %troubles) {
    my $d = $running{$name};

    if ($name =~ /(?:missing|changes|gone|silent)/) {
        ok($old++ ? $d->ready() : $d->steady(), "$name: a connection");
        is($d->deliver('before')->status, 200, "$name: before");
    }

    $troubles{$name}[2]->($d->{redis});
}

for my $name (sort keys %troubles) {
    my ($d, $code) = ($running{$name}, $troubles{$name}[4]);
    my $t = $d->{t};

    subtest "$name: refused" => sub {
        $t->wait_for(sub { $t->get('/status?health')->status == 503 })
            if $code eq 'STORE_UNAVAILABLE';

        for (1 .. 2) {
            my $res = $d->deliver('refused');
            is_problem($res, $code, 'refused');
            cmp_ok($res->{elapsed}, '<', 1.5, 'in bounded time');
        }
    };
}

# it is asked again, and nothing more is said

for my $name (sort keys %troubles) {
    my ($d, $log) = ($running{$name}, $troubles{$name}[5]);

    ok($d->{t}->wait_for_log(qr/\[error\] .*$log/, 8), "$name: the log");
    is(errors($d), 1, "$name: one line")
        or diag($d->{t}->error_log_lines(qr/\[error\]/));
}

my $mended = time();

$troubles{$_}[3] && $troubles{$_}[3]->($running{$_}{redis})
    for sort keys %troubles;

for my $name (sort { ($troubles{$a}[6] // 0) <=> ($troubles{$b}[6] // 0) }
              keys %troubles)
{
    my ($d, $mend, $longest) = ($running{$name}, @{$troubles{$name}}[3, 6]);

    subtest "$name: then" => sub {
        if ($mend) {
            delete $d->{redis}{client};
            $d->{redis}{password} = $secret
                if $name =~ /password/ && $name !~ /missing/;

            ok($d->ready(15), 'it is well again');
            cmp_ok(time() - $mended, '<', $longest, 'in time');
            is($d->deliver('refused')->status, 200, 'stored');
            $d->{redis}->command('SELECT', 99) if $name eq 'no such database';
            $d->balance('once');
            is(scalar $d->{t}->error_log_lines(qr/\[notice\].*ready again/),
               1, 'the log says so');
        }

        is(errors($d), 1, 'one line');
        is_quiet($d);
        $d->{t}->finish();
    };
}


done_testing();
