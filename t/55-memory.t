#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The memory of a worker does not grow with what it has answered: not with
# what was stored, nor with what was refused, nor with connections that broke.
# t/bench/soak does the same for longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Deliveries;
use Intake::File;
use Intake::Test;


my $t = Intake::Test->new(log => 'warn');
my $redis = $t->redis();
my $d = Intake::Deliveries->new(t => $t, redis => $redis);
my ($n, $answers) = (0, 0);

$t->write_file_expand('nginx.conf', delivery_conf(
    redis => 'server %%REDIS%%; timeout 1s;',
    source => 'retain maxlen=100; max_body 200k; deadline 500ms;'));
$t->run();
ok($d->ready(), 'ready');


sub request_of {
    my (%opt) = @_;
    my $id = $opt{id} // 'm-' . ++$n;
    my $body = 'x' x ($opt{size} // 300);
    my $key = $opt{key} // 's3cret';

    return ['POST', '/a', body => $body, headers => ['X-Id' => $id,
        'X-Signature' => Intake::Sign::hmac('sha256', 'hex', $key,
                                            "$id.$body")]];
}


# a thousand deliveries of all kinds: by their statuses

sub thousand {
    my %count;

    for my $turn (1 .. 10) {
        my $http = $t->http();

        for my $batch (1 .. 4) {
            my @requests = (
                (map { request_of() } 1 .. 16),
                (map { request_of(id => 'copy') } 1 .. 4),
                (map { request_of(key => 'another') } 1 .. 3),
                request_of(size => 20_000), request_of(size => 120_000));

            $count{$_->status}++ for $http->pipeline(@requests);
        }
    }

    $answers += $_ for values %count;
    return \%count;
}


# a client that leaves, Redis that is silent, and one that closes

sub trouble {
    for my $size (1000, 150_000) {
        my $http = $t->http();
        my ($method, $uri, @request) = @{request_of(size => $size)};
        $http->send($method, $uri, @request);
        $http->close();
    }

    $redis->pause();
    my $res = $t->http()->request(@{request_of()});
    $redis->resume();
    $redis->command(qw(CLIENT KILL TYPE normal SKIPME yes));

    return $res->status == 503 && $d->ready();
}


# in KB

sub rss {
    my ($worker) = $t->worker_pids();
    return Intake::File::slurp("/proc/$worker/status")
           =~ /^VmRSS:\s*(\d+) kB/m ? $1 : 0;
}


my @rss;

for my $thousands (5, 15) {
    for (1 .. $thousands) {
        is_deeply(thousand(), { 200 => 880, 401 => 120 }, 'a thousand');
        ok(trouble(), 'and trouble') if $_ % 5 == 0;
    }

    push @rss, rss();
}

is($answers, 20_000, 'answers');
diag("after 5000: $rss[0] KB, after 20000: $rss[1] KB")
    if $ENV{TEST_VERBOSE};

SKIP: {
    skip 'memory is not nginx\'s own', 1 if $t->instrumented();

    # an operation that is not freed is 200 bytes and more; what the heap
    # grows by until it has seen the largest turn is less than 64 a request

    cmp_ok($rss[1] - $rss[0], '<', 15 * 64, 'no more memory')
        or diag("after 5000: $rss[0] KB, after 20000: $rss[1] KB");
}

is($d->in_flight(), 0, 'nothing is held');

$t->finish();
