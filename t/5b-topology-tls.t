#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# TLS together with Sentinel and Cluster: the sentinels, the servers that they
# name, and each node of a cluster, those that were learnt from CLUSTER SLOTS or
# MOVED too, are talked to with TLS alone, and only with a certificate that is
# right.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Certificates;
use Intake::Cluster;
use Intake::Deliveries;
use Intake::Problem;
use Intake::Sentinels;
use Intake::Test;


my $files = Intake::Test->new();
my $dir = $files->dir();
my $certs = Intake::Certificates->new($files);

$certs->authority($_) for qw(ca foreign);
$certs->certificate('server', 'ca', 'DNS:redis.test,IP:127.0.0.1');
$certs->certificate('other', 'ca', 'DNS:other.test');
$certs->certificate('stranger', 'foreign', 'DNS:redis.test,IP:127.0.0.1');
$certs->certificate('client', 'ca', '');

# servers trust both authorities, we do not

$files->write_file('all.crt', join '', map { $files->read_file("$_.crt") }
                                       qw(ca foreign));

my $ca = "tls_ca $dir/ca.crt;";
my $own = "tls_certificate $dir/client.crt;"
          . " tls_certificate_key $dir/client.key;";


# The options of a server that wants certificates of clients.

sub tls { $certs->options($_[0], 'ca', 'yes') }


subtest 'Sentinel' => sub {
    my $t = Intake::Test->new();
    my $shop = Intake::Sentinels->new($t, password => 's3cret',
                                      tls => sub { tls('server') });

    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => 'server ' . $shop->url() . "; sentinel_password s3cret; $ca"
                 . " $own", source => 'deadline 1s;'));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t, redis => $shop);

    ok($d->ready(), 'a connection');
    is($d->deliver("first-$_")->status, 200, 'stored') for 1 .. 3;

    # the other one becomes the master

    ok($t->wait_for(sub { eval {
        ($shop->sentinels())[0]->ask(qw(SENTINEL FAILOVER shop)); 1 } }),
       'a fail-over');
    ok($t->wait_for(sub { Intake::Sentinels::is_master($shop->two())
                          && !Intake::Sentinels::is_master($shop->one()) },
                    30), 'another master');
    ok($t->wait_for(sub { $d->deliver('second')->status == 200 }, 20),
       'stored there');
    $d->balance('each once');
    is(scalar $t->error_log_lines(qr/certificate|handshake/), 0,
       'no certificate was refused');

    # [intake_redis {}, what the log says]

    my $url = $shop->url();
    my %bad = (
        'no TLS' => ['server ' . $url =~ s/^rediss\+//r
                     . '; sentinel_password s3cret;', qr/no sentinel/],
        'no certificate of ours' => [
            "server $url; sentinel_password s3cret; $ca",
            qr/no sentinel|redis connection failed/,
            qr/\[crit\] .*SSL_read\(\) failed .*certificate required/],
        'another authority' => [
            "server $url; sentinel_password s3cret; $own"
            . " tls_ca $dir/foreign.crt;", qr/certificate is not valid/],
        'another name' => [
            "server $url; sentinel_password s3cret; $own $ca"
            . ' tls_name other.test;',
            qr/certificate is of another name: "other\.test"/],
    );

    for my $name (sort keys %bad) {
        my ($conf, $log, $details) = @{$bad{$name}};

        $t->expect_log($details) if $details;
        $t->write_file_expand('nginx.conf', delivery_conf(
            redis => $conf, source => 'deadline 1s;'));
        ok($t->reload(), "$name: a reload");
        ok($t->wait_for_log(qr/\[error\] .*$log/), "$name: the log says so");
        is_problem($d->deliver($name), 'STORE_UNAVAILABLE', "$name: refused");
    }

    is($d->count($_), 0, "$_: not stored") for keys %bad;
    $t->expect_log(qr/SSL_do_handshake\(\) failed/);
    $t->finish();
};


# the sentinels are who they say, the servers are not

for my $row (['other', qr/certificate is of another name: "127\.0\.0\.1"/],
             ['stranger', qr/certificate is not valid/])
{
    my ($certificate, $log) = @$row;

    subtest "a master that Sentinel names: $certificate" => sub {
        my $t = Intake::Test->new();
        my $shop = Intake::Sentinels->new($t, tls => sub {
            $certs->options($_[0] =~ /sentinel/ ? 'server' : $certificate,
                            'all') });

        $t->write_file_expand('nginx.conf', delivery_conf(
            redis => 'server ' . $shop->url() . "; $ca",
            source => 'deadline 1s;'));
        $t->run();

        my $d = Intake::Deliveries->new(t => $t, redis => $shop);

        ok($t->wait_for_log(qr/\[error\] .*$log/), 'the log says so');
        is_problem($d->deliver('a'), 'STORE_UNAVAILABLE', 'refused');
        is($d->count('a'), 0, 'not stored');
        $t->expect_log(qr/SSL_do_handshake\(\) failed/);
        $t->finish();
    };
}


my @names = ('a' .. 'h');

sub conf {
    my ($redis) = @_;
    my $conf = delivery_conf(redis => $redis, source => 'deadline 1s;');
    my $more = join '', map { <<"EOC" } @names[1 .. $#names];
    intake_source $_ {
        platform  signed;
        secret    s3cret;
        deadline  1s;
    }
EOC

    $conf =~ s/(    server \{)/$more$1/;
    $conf =~ s/(location = \/a )/join("\n        ",
        map("location = \/$_ { intake $_; }", @names[1 .. $#names]), $1)/e;

    return $conf;
}


sub deliveries {
    my ($t, $cluster) = @_;

    return map { $_ => Intake::Deliveries->new(
        t => $t, redis => $cluster, uri => "/$_", stream => "intake:{$_}") }
        @names;
}


# The slot of a source that has stored nothing goes to another node.

sub give {
    my ($cluster, $name, $to) = @_;
    my $from = $cluster->owner("intake:{$name}");
    my $slot = $from->ask('CLUSTER', 'KEYSLOT', "intake:{$name}");
    my $id = $cluster->id($to);

    $_->ask('CLUSTER', 'SETSLOT', $slot, 'NODE', $id) for $to, $from;
}


# Two masters, and a node that has no slots at the beginning: it is learnt from
# MOVED.

subtest 'Cluster' => sub {
    my $t = Intake::Test->new();
    my $cluster = Intake::Cluster->new($t, masters => 2, replicas => 0,
                                       spare => 1,
                                       tls => sub { tls('server') });
    my ($first, $spare) = ($cluster->nodes())[0, 2];

    # one configured node: the others are learnt

    $t->write_file_expand('nginx.conf', conf(
        'server rediss+cluster://127.0.0.1:' . $first->port()
        . "; $ca $own"));
    $t->run();

    my %d = deliveries($t, $cluster);

    ok($d{a}->ready(), 'the map is known');

    my %owners = map { $cluster->owner("intake:{$_}")->port() => 1 } @names;

    is(scalar keys %owners, 2, 'the sources are spread');
    is($d{$_}->deliver("first $_")->status, 200, "$_: stored")
        for @names[0 .. 6];
    give($cluster, 'h', $spare);
    is($d{h}->deliver('moved')->status, 200, 'MOVED to another node');
    is($cluster->owner('intake:{h}'), $spare, 'it is there');
    $d{$_}->balance("$_: once") for @names;
    is(scalar $t->error_log_lines(qr/certificate|handshake/), 0,
       'no certificate was refused');
    $t->finish();
};


# one of two masters is not who it should be: what is its is refused, what is
# the other's is stored

for my $row (['other', qr/certificate is of another name: "127\.0\.0\.1"/],
             ['stranger', qr/certificate is not valid/])
{
    my ($certificate, $log) = @$row;

    subtest "a node of a cluster: $certificate" => sub {
        my $t = Intake::Test->new();
        my $cluster = Intake::Cluster->new(
            $t, masters => 2, replicas => 0, tls => sub {
                $certs->options($_[0] ? $certificate : 'server', 'all') });
        my ($first, $second) = $cluster->nodes();

        $t->write_file_expand('nginx.conf', conf(
            'server rediss+cluster://127.0.0.1:' . $first->port() . "; $ca"));
        $t->run();

        my %d = deliveries($t, $cluster);

        for my $name (@names) {
            my $res = $d{$name}->deliver("of $name");

            if ($cluster->owner("intake:{$name}") == $first) {
                is($res->status, 200, "$name: stored");
                $d{$name}->balance("$name: once");

            } else {
                is_problem($res, 'STORE_UNAVAILABLE', "$name: refused");
                is($d{$name}->count("of $name"), 0, "$name: not stored");
            }
        }

        ok($t->wait_for_log(qr/\[error\] .*$log/), 'the log says so');
        $t->expect_log(qr/SSL_do_handshake\(\) failed/);
        $t->finish();
    };
}


subtest 'configuration' => sub {
    my $t = Intake::Test->new();

    my %wrong = (
        'server rediss+sentinel://127.0.0.1;'
            => qr/must be sentinel:\/\/NAME\@HOST/,
        'server rediss+sentinel://a@127.0.0.1/1;' => qr/takes hosts with ports/,
        'server rediss+cluster://a@127.0.0.1;' => qr/takes hosts with ports/,
        'server rediss+cluster://127.0.0.1; server rediss://127.0.0.1;'
            => qr/cannot stand beside another/,
        'server rediss+cluster://127.0.0.1; database 1;' => qr/in a cluster/,
        "server cluster://127.0.0.1; $ca" => qr/rediss\+cluster:\/\//,
        "server sentinel://a\@127.0.0.1; $ca" => qr/rediss\+sentinel:\/\//,
        'server redis+cluster://127.0.0.1;' => qr/must be redis:\/\/HOST/,
    );

    for my $conf (sort keys %wrong) {
        my ($code, $said) = $t->test_config(delivery_conf(redis => $conf));

        isnt($code, 0, $conf);
        like($said, $wrong{$conf}, 'it says what to write');
    }

    for my $url ('rediss+sentinel://a@127.0.0.1,127.0.0.2:1,[::1]:26380',
                 'rediss+cluster://127.0.0.1,127.0.0.2:1,[::1]:7001')
    {
        my ($code, $said) = $t->test_config(delivery_conf(
            redis => "server $url; $ca $own sentinel_password x;"
                     =~ s/(rediss\+cluster.*) sentinel_password x;/$1/r));

        is($code, 0, $url) or diag($said);
    }

    $t->finish();
};


$files->finish();
