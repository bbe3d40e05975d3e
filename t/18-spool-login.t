#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The user of Redis loses its password, its rights or its life while deliveries
# are on the way: what was in flight is in the spool or in Redis, once, and all
# is well when the user is right again, or when the password is.  Each trouble
# has an nginx of its own and they wait together.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use Test::More;

use Intake::Deliveries;
use Intake::Spool;
use Intake::Test;


my $secret = 'c0rrect-h0rse';
my $other = 'battery-st4ple';
my @user = ('ACL', 'SETUSER', 'shop', 'on', ">$secret", '~intake:*', '-@all',
            qw(+evalsha +eval +get +mget +set +xadd +xtrim +time +select),
            '+client|setname');
my $kill = 'CLIENT KILL USER shop';

# [what breaks it, what mends it, what the log says, whether they are spooled,
# lines of the log: the end of the connection is one of its own]

my %troubles = (
    'the password is changed' => [
        ["ACL SETUSER shop resetpass >$other"], undef, undef, 0, 0],
    'changed, and the connection ended' => [
        ["ACL SETUSER shop resetpass >$other", $kill],
        sub { $_[0]->command('ACL', 'SETUSER', 'shop', ">$secret") },
        qr/refuses the user.*WRONGPASS/, 1, 2],
    'changed, and the file later' => [
        ["ACL SETUSER shop resetpass >$other", $kill],
        sub { $_[1]->write_file('password', "$other\n", 0600);
              $_[1]->reload() },
        qr/refuses the user.*WRONGPASS/, 1, 2],
    'the user is off' => [
        ['ACL SETUSER shop off', $kill],
        sub { $_[0]->command(qw(ACL SETUSER shop on)) },
        qr/refuses the user.*WRONGPASS/, 1, 2],
    'the user is gone' => [
        ['ACL DELUSER shop'], sub { $_[0]->command(@user) },
        qr/refuses the user.*WRONGPASS/, 1, 2],
    'the right is gone' => [
        ['ACL SETUSER shop -evalsha -eval'],
        sub { $_[0]->command(qw(ACL SETUSER shop +evalsha +eval)) },
        qr/Redis refused an entry of "intake:\{a\}": "NOPERM/, 1, 1],
    'the keys are others' => [
        ['ACL SETUSER shop resetkeys ~other:*'],
        sub { $_[0]->command(qw(ACL SETUSER shop ~intake:*)) },
        qr/Redis refused an entry of "intake:\{a\}": "NOPERM/, 1, 1],
);

my %running;

for my $name (sort keys %troubles) {
    my $t = Intake::Test->new();
    my $redis = $t->redis(options => { 'enable-debug-command' => 'yes' });

    $redis->command(@user);
    $t->write_file('password', "$secret\n", 0600);
    $t->write_file_expand('nginx.conf', spool_conf(
        redis => 'server %%REDIS%%; user shop; password file:password;',
        source => 'deadline 3s;'));
    $t->run();
    $running{$name} = Intake::Deliveries->new(t => $t, redis => $redis);
}


# It happens while deliveries are in the socket of a Redis that is asleep.

sub break_in_flight {
    my ($d, @commands) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $d->{redis}->socket());

    $socket->print(join "\r\n", 'MULTI', 'DEBUG SLEEP 0.7', @commands, 'EXEC',
                   '');
    $socket->flush();
    select undef, undef, undef, 0.1;

    return ($socket, map { $d->send("flight-$_") } 1 .. 10);
}


for my $name (sort keys %troubles) {
    my $d = $running{$name};
    my ($commands, $mend, $log, $spooled, $lines) = @{$troubles{$name}};

    subtest "$name: in flight" => sub {
        ok($d->ready(), 'ready');
        is($d->deliver('before')->status, 200, 'before');

        my ($socket, @sent) = break_in_flight($d, @$commands);
        my @answers = map { $d->receive($_) } @sent;

        is(scalar(grep { $_->status == 200 } @answers), 10, 'all accepted');
        is(scalar(grep { !defined $_->json->{entry} } @answers),
           $spooled ? 10 : 0, 'in the spool, or not');

        my @after = map { $d->deliver("after-$_") } 1 .. 3;

        is(scalar(grep { $_->status == 200 } @after), 3, 'those after it');
        ok($d->{t}->wait_for_log(qr/\[error\] .*$log/), 'the log says so')
            if $log;
        is(scalar $d->{t}->error_log_lines(qr/\[error\]/), $lines,
           'a line each') or diag($d->{t}->error_log_lines(qr/\[error\]/));
    };
}

for my $name (sort keys %troubles) {
    my $mend = $troubles{$name}[1];

    $mend->($running{$name}{redis}, $running{$name}{t}) if $mend;
}

for my $name (sort keys %troubles) {
    my $d = $running{$name};

    subtest "$name: then" => sub {
        ok(spool_empty($d->{t}, 40), 'the spool is empty');
        is($d->deliver('then')->json->{duplicate}, JSON::PP::false, 'stored');
        $d->balance('each once');
        is(scalar $d->{redis}->entries('intake:{a}'), 15, 'all of them');
        is($d->metric('intake_spool_bad_total'), 0, 'nothing is bad');
        unlike($d->{t}->log(), qr/\Q$_\E/, 'no password in the log')
            for $secret, $other;
        $d->{t}->finish();
    };
}


done_testing();
