#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# TLS to Redis, with a redis-server that has it: who is trusted, whose name,
# who comes in; users, and a password that is changed while all goes on; names
# whose addresses change.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Certificates;
use Intake::Deliveries;
use Intake::DNS;
use Intake::Port;
use Intake::Problem;
use Intake::RedisServer;
use Intake::Test;


my $files = Intake::Test->new();
my $dir = $files->dir();


# Certificates: two authorities; `server` of redis.test and 127.0.0.1, `other`
# of another name, `old` that has expired, `stranger` of the other authority.

my $certs = Intake::Certificates->new($files);

$certs->authority($_) for qw(ca foreign);
$certs->certificate('server', 'ca', 'DNS:redis.test,IP:127.0.0.1');
$certs->certificate('other', 'ca', 'DNS:other.test');
$certs->certificate('stranger', 'foreign', 'DNS:redis.test,IP:127.0.0.1');
$certs->certificate('client', 'ca', '');
$certs->expired('old', 'ca', 'server');


sub server {
    my ($t, $certificate, %opt) = @_;
    my $port = Intake::Port->new();
    my $redis = Intake::RedisServer->new(
        dir => $t->dir(), %opt, options => {
            'tls-port' => $port->number(),
            $certs->options($certificate, 'ca', $opt{clients}),
            %{$opt{options} || {}} });

    @$redis{qw(tls held)} = ($port->number(), $port);
    push @{$t->{redis}}, $redis;

    return $redis->start();
}


sub nginx {
    my ($certificate, $conf, %opt) = @_;
    my $t = Intake::Test->new();
    my $redis = server($t, $certificate, %opt);
    my $text = delivery_conf(redis => $conf =~ s/PORT/$redis->{tls}/gr
                                           =~ s/FILES/$dir/gr,
                             source => 'deadline 700ms;');

    $text =~ s/(http \{)/$1\n    resolver 127.0.0.1:$opt{dns} valid=1s;/
        if $opt{dns};
    $t->write_file_expand('nginx.conf', $text);
    $t->run();

    return Intake::Deliveries->new(t => $t, redis => $redis);
}


my $here = 'server rediss://127.0.0.1:PORT; tls_ca FILES/ca.crt;';
my $own = 'tls_certificate FILES/client.crt;'
          . ' tls_certificate_key FILES/client.key;';


# [certificate of the server; intake_redis {}; of the server: whether clients
# need one]

my %good = (
    'an address' => ['server', $here],
    'a name' => ['server', "$here tls_name redis.test;"],
    'not verified: the name' => ['other', "$here tls_verify off;"],
    'not verified: the authority' => ['stranger', "$here tls_verify off;"],
    'a certificate of the client' => ['server', "$here $own", 'yes'],
);

for my $name (sort keys %good) {
    my ($certificate, $conf, $clients) = @{$good{$name}};

    subtest $name => sub {
        my $d = nginx($certificate, $conf, clients => $clients);
        my $t = $d->{t};

        ok($d->ready(), 'a connection');
        is($d->deliver("a$_")->status, 200, 'stored') for 1 .. 3;
        is($d->deliver('a1')->json->{duplicate}, JSON::PP::true, 'once');

        # a body of many records, in both directions at once

        my @sent = map { $d->send("b$_") } 1 .. 40;

        is(scalar(grep { $d->receive($_)->status == 200 } @sent), 40,
           'many at once');

        # and again, each time with a handshake

        for my $i (1 .. 3) {
            ok($d->connected(), 'a connection');
            $d->{redis}->command(qw(CLIENT KILL TYPE normal SKIPME yes));
            is($d->deliver("again$i")->status, 200, 'stored after a break');
        }

        ok($d->steady(), 'a connection');
        $d->{redis}->restart();
        ok($t->wait_for(sub { $d->deliver('restart')->status == 200 }),
           'stored after a restart');
        is($d->metric('intake_redis_up'), 1, 'up');
        $t->finish();
    };
}


# [certificate of the server; intake_redis {}; what the log says; whether
# clients need one; the details that the log has]

my %bad = (
    'another authority' => ['stranger', $here,
        qr/is not valid: "[^"]*unable to (?:get local issuer|verify)/],
    'one that is the system\'s' => ['server',
        'server rediss://127.0.0.1:PORT;',
        qr/certificate is not valid: "[^"]*(?:unable to|self.signed)/],
    'expired' => ['old', $here,
        qr/certificate is not valid: "certificate has expired"/],
    'another address' => ['other', $here,
        qr/certificate is of another name: "127\.0\.0\.1"/],
    'another name' => ['server', "$here tls_name other.test;",
        qr/certificate is of another name: "other\.test"/],
    'no certificate of the client' => ['server', $here,
        qr/redis connection failed/, 'yes',
        qr/\[crit\] .*SSL_read\(\) failed .*certificate required/],
    'no TLS there' => ['server', 'server rediss://127.0.0.1:PLAIN;'
                                 . ' tls_ca FILES/ca.crt;',
        qr/the TLS handshake failed/],
);

for my $name (sort keys %bad) {
    my ($certificate, $conf, $log, $clients, $details) = @{$bad{$name}};

    subtest "refused: $name" => sub {
        my $plain = Intake::RedisServer->new(
            dir => $dir, name => 'plain', port => 1)->start();
        my $port = $plain->port();
        my $d = nginx($certificate, $conf =~ s/PLAIN/$port/r,
                      clients => $clients);
        my $t = $d->{t};

        ok($t->wait_for_log(qr/\[error\] .*$log/), 'the log says so');
        is_problem($d->deliver('a'), 'STORE_UNAVAILABLE', 'not stored');
        is(scalar $t->error_log_lines(qr/\[error\] .*redis connection/), 1,
           'one line');
        is($d->{redis}->command('XLEN', 'intake:{a}'), 0, 'nothing came');
        $t->expect_log(qr/SSL_do_handshake\(\) failed/);

        # the details with the first try, and not with all others

        if ($details) {
            $t->expect_log($details);
            ok($t->wait_for(sub { $d->deliver('a')->status == 200
                || $t->error_log_lines(qr/redis connection failed/) > 3 }),
               'it tries again');
            is(scalar $t->error_log_lines($details), 1, 'the details, once');
        }

        $t->finish();
        $plain->stop();
    };
}


subtest 'a server that speaks no TLS to us' => sub {
    my $d = nginx('server', 'server redis://127.0.0.1:PORT;');

    ok($d->{t}->wait_for_log(qr/\[error\] .*redis connection failed/),
       'the log says so');
    is_problem($d->deliver('a'), 'STORE_UNAVAILABLE', 'not stored');
    $d->{t}->finish();
};


my $rights = 'resetkeys ~intake:* -@all +evalsha +eval +get +mget +set +xadd'
             . ' +xtrim +time +select +client|setname';

subtest 'a password is changed' => sub {
    my $t = Intake::Test->new();
    my $redis = server($t, 'server', acl => [
        'default on nopass ~* +@all', "intake on >first $rights"]);

    $t->write_file('password', "first\n", 0600);
    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => "server rediss://127.0.0.1:$redis->{tls};"
                 . " tls_ca $dir/ca.crt; user intake;"
                 . " password file:$t->{dir}/password;"));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t, redis => $redis);

    is($d->deliver('first')->status, 200, 'with the first one');

    # both are good, then the file changes, then the old one is taken away

    $redis->command('ACL', 'SETUSER', 'intake', '>second');
    is($d->deliver('both')->status, 200, 'both');
    $t->write_file('password', "second\n", 0600);
    ok($t->reload(), 'a reload');
    ok($d->ready(), 'a connection');
    is($d->deliver('reloaded')->status, 200, 'with the second one');
    $redis->command('ACL', 'SETUSER', 'intake', '<first');
    ok($t->wait_for(sub { $t->worker_pids(1) == 1 }), 'the old worker left');
    ok($d->steady(), 'a connection');
    $redis->command(qw(CLIENT KILL USER intake));
    is($d->deliver('taken')->status, 200, 'without the first one');
    is(scalar $t->error_log_lines(qr/\[error\].*refuses the user/), 0,
       'never refused');

    my ($client) = grep { / name=nginx-intake-\d+ / }
                   split /\n/, $redis->command('CLIENT', 'LIST');

    like($client, qr/ user=intake /, 'the user');
    unlike($t->log(), qr/first\n|second/, 'no password in the log');
    $d->balance('each once');
    $t->finish();
};


# the name of the server is that of its certificate, its address changes

subtest 'a name and its addresses' => sub {
    my $dns = Intake::DNS->new(dir => $dir,
                               names => { 'redis.test' => ['127.0.0.9'] });
    my $d = nginx('server', 'server rediss://redis.test:PORT;'
                            . ' tls_ca FILES/ca.crt;',
                  dns => $dns->port());
    my $t = $d->{t};

    ok($t->wait_for_log(qr/\[error\] .*connect\(\) failed.*127\.0\.0\.9/),
       'nobody is there');
    is_problem($d->deliver('a'), 'STORE_UNAVAILABLE', 'not stored');

    $dns->names('redis.test' => ['127.0.0.1']);
    ok($t->wait_for(sub { $d->deliver('a')->status == 200 }),
       'the new address');

    # of several the next one is tried

    $dns->names('redis.test' => ['127.0.0.8', '127.0.0.9', '127.0.0.1']);
    ok($d->steady(), 'a connection');
    $d->{redis}->restart();
    ok($t->wait_for(sub { $d->deliver('b')->status == 200 }), 'one of three');

    # a name server that has gone: the last answer is better than none

    ok($d->steady(), 'a connection');
    $dns->stop();
    $d->{redis}->restart();
    ok($t->wait_for(sub { $d->deliver('c')->status == 200 }, 40),
       'without a name server');
    $t->finish();
};


$files->finish();
