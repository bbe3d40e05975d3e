#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Tests for the test library itself, with a plain nginx.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(time);

use Intake::FakeRedis;
use Intake::Sign;
use Intake::Test;
use Intake::Test::Checks;


my $conf = <<'EOC';

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    server {
        listen       127.0.0.1:%%PORT_0%%;
        listen       127.0.0.1:%%PORT_1%% http2;

        location / {
            return 200 "one $msec";
        }

        location /put/ {
            dav_methods PUT;
            create_full_put_path on;
        }

        location /type {
            default_type application/json;
            add_header X-A 1;
            add_header X-A 2;
            return 201 '{"a":[1,null]}';
        }

        location = /chunks {
            proxy_pass http://127.0.0.1:%%PORT_0%%/;
            gzip on;
            gzip_types *;
            gzip_min_length 1;
        }
    }
}

EOC


sub plain_nginx {
    my $t = Intake::Test->new(module => '');
    $t->write_file_expand('nginx.conf', $conf);
    return $t->run();
}


# the names of the checks that fail once the test is shut down

sub failing {
    my ($t) = @_;
    $t->shut_down();
    return join ', ', map { $_->[0] }
                      grep { @$_ > 1 } Intake::Test::Checks::results($t);
}


my $t = plain_nginx();
my $res;


subtest 'requests' => sub {
    $res = $t->get('/type', ['Host' => 'example.org']);

    is($res->status, 201, 'status');
    is($res->reason, 'Created', 'reason');
    is($res->header('content-type'), 'application/json', 'header');
    is(join(',', $res->headers('X-A')), '1,2', 'headers');
    is_deeply($res->json, { a => [1, undef] }, 'json');

    is($t->request('HEAD', '/type')->body, '', 'HEAD');
    is($t->get('/no', { Host => 'a' })->status, 200, 'headers from a hash');

    is($t->request('PUT', '/put/a', body => 'x' x 100_000)->status, 201,
        'long body');
    is(length $t->read_file('html/put/a'), 100_000, 'all of it came');

    is($t->request('PUT', '/put/b', body => 'abcdefg', chunked => 3)->status,
        201, 'chunked body');
    is($t->read_file('html/put/b'), 'abcdefg', 'all chunks came');

    $res = $t->get('/chunks', ['Accept-Encoding' => 'gzip']);
    is($res->header('transfer-encoding'), 'chunked', 'chunked answer');
    ok($res->{complete}, 'all of it');
};


subtest 'connections' => sub {
    my $http = $t->http();

    is($http->request('PUT', '/put/c', body => 'abc', expect100 => 1)->status,
        201, 'expect');
    ok($http->continued, '100 Continue came');

    my @res = $http->pipeline(['GET', '/type'], ['PUT', '/put/d', body => 'x'],
                              ['GET', '/']);
    is(join(',', map { $_->status } @res), '201,201,200', 'pipelined');

    $http->write_slowly("GET /type HTTP/1.1\r\nHost: a\r\n"
                        . "Connection: close\r\n\r\n", chunk => 7);
    is($http->response->status, 201, 'slowly');
    ok($http->closed(5), 'closed');

    $http = $t->http();
    $http->write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
    is($http->response->status, 400, 'malformed');
    is($http->response->status, 0, 'no answer');
};


SKIP: {
    eval { require Protocol::HTTP2::Client } or skip 'no HTTP/2 client', 3;

    $res = $t->request_h2('PUT', '/put/e', port => 1, body => 'y' x 200_000);
    is($res->status, 201, 'HTTP/2');
    is(length $t->read_file('html/put/e'), 200_000, 'HTTP/2 body');

    $res = $t->request_h2('GET', '/type', port => 1);
    is(join(',', $res->headers('X-A')), '1,2', 'HTTP/2 headers');
}


subtest 'configurations' => sub {
    my ($code, $output) = $t->test_config($conf);

    is($code, 0, 'good');
    like($output, qr/test is successful/, 'and says so');

    ($code, $output) = $t->test_config("%%TEST_GLOBALS%%\nnonsense 1;\n");
    is($code, 1, 'bad');
    like($output, qr/\[emerg\] unknown directive "nonsense" in .*test\.conf:/,
        'and says where');
};


subtest 'life' => sub {
    my ($worker) = $t->worker_pids();

    ok($t->reload(), 'reload');
    ok(!grep({ $_ == $worker } $t->worker_pids()), 'another worker');

    ($worker) = $t->worker_pids();
    ok($t->kill_worker(), 'killed');
    isnt(($t->worker_pids())[0], $worker, 'and replaced');

    $t->write_file('nginx.conf', 'nonsense;');
    ok(!$t->reload(), 'refused');
    $t->expect_log(qr/\[emerg\].*unexpected ";"/,
                   qr/\[emerg\].*unknown directive "nonsense"/);
    is($t->get('/')->status, 200, 'still there');

    ok($t->quit(), 'quit');
    eval { $t->run() };
    like($@, qr/did not start.*nonsense/s, 'does not start');
    $t->write_file_expand('nginx.conf', $conf);
    ok($t->run(), 'starts again');
};


subtest 'clock' => sub {
    plan skip_all => 'no libfaketime'
        unless glob '/usr/lib/*/faketime/libfaketime.so.1';

    my $t = Intake::Test->new(module => '');

    plan skip_all => 'libfaketime and the sanitizers do not go together'
        if $t->has('-fsanitize');

    $t->write_file_expand('nginx.conf', $conf);
    $t->run(faketime => '2026-01-01 09:00:00');

    is($t->get('/')->body, 'one 1767258000.000', 'stands');
    $t->advance(3600);
    is($t->get('/')->body, 'one 1767261600.000', 'set ahead');

    $t->set_time('@2026-07-01 00:00:00');
    my ($first) = $t->get('/')->body =~ /([0-9.]+)/;
    my $start = time();

    ok($t->wait_for(sub { $t->get('/')->body =~ /([0-9.]+)/;
                          $1 > $first + 0.2 }), 'moves');
    cmp_ok(time() - $start, '<', 10, 'as the real one does');
    cmp_ok(abs($t->now() - 1782864000), '<', 60, 'from where it was set');

    $t->set_time('-86400');
    ok($t->reload(), 'reload');
    my ($now) = $t->get('/')->body =~ /([0-9.]+)/;
    cmp_ok(abs($now + 86400 - time()), '<', 10, 'beside the real one');
    is(failing($t), '', 'nothing left');
};


subtest 'redis' => sub {
    my $redis = $t->redis(port => 1, options => { maxmemory => '50mb' });

    my $ask = sub {
        my $socket = IO::Socket::UNIX->new(Peer => $redis->socket())
            or return 'gone';
        print $socket "@_\r\n";
        return IO::Select->new($socket)->can_read(0.3)
            ? scalar <$socket> =~ s/\r\n//r : 'silent';
    };

    is($t->expand('%%REDIS%%'), $redis->url(), 'address');
    is($ask->('PING'), '+PONG', 'serves');
    is($ask->('SET a b'), '+OK', 'stores');

    SKIP: {
        eval { require Intake::Redis } or skip 'no client', 1;

        $redis->command('XADD', 's', '1-1', 'b', 2, 'a', "\r\n");
        is_deeply([$redis->entries('s')],
            [{ entry => '1-1', fields => { a => "\r\n", b => 2 },
               names => ['b', 'a'] }], 'entries');
    }

    $redis->pause();
    is($ask->('PING'), 'silent', 'paused');
    $redis->resume();
    is($ask->('EXISTS a'), ':1', 'resumed');

    $redis->kill();
    is($ask->('PING'), 'gone', 'killed');
    $redis->start();
    is($ask->('EXISTS a'), ':0', 'empty again');
    is($t->redis(), $redis, 'the same');
    ok(-e $t->redis(name => 'other')->socket(), 'another');
};


subtest 'fake redis' => sub {
    my $fake = Intake::FakeRedis->new(dir => $t->dir(), rules => {
        'GET' => [":1\r\n", { reply => ":2\r\n", chunk => 1 }],
        'SET' => sub { ":" . length($_[1]) . "\r\n" },
        'HALF' => { reply => "+OK\r\n", close_after => 2 },
        'LATE' => { reply => "+LATE\r\n", delay => 0.2 },
        'NEVER' => { silent => 1 },
    });

    my $socket = IO::Socket::UNIX->new(Peer => $fake->socket());
    my $say = sub {
        print $socket map { sprintf "*%d\r\n%s", scalar @$_,
            join '', map { sprintf "\$%d\r\n%s\r\n", length, $_ } @$_ } @_;
    };
    my $hear = sub { my $line = <$socket> // 'end'; $line =~ s/\r\n//r };

    $say->(['GET', 'a'], ['GET', 'b'], ['get', 'c'], ['SET', "\0\r\n\xff"]);
    is(join(' ', map { $hear->() } 1 .. 4), ':1 :2 :2 :4', 'replies');

    $say->(['LATE'], ['SCRIPT', 'LOAD', 'x'], ['ODD']);
    is($hear->(), '+LATE', 'late');
    is($hear->(), '$40', 'the handshake has replies');
    is($hear->(), '0' x 40, 'all of it');
    is($hear->(), '-ERR unknown command', 'the default');

    $fake->rules(ODD => "+ODD\r\n");
    $say->(['ODD'], ['HALF']);
    is($hear->(), '+ODD', 'another rule');
    is($hear->(), '+O', 'half a reply');
    is($hear->(), 'end', 'and an end');

    $socket = IO::Socket::UNIX->new(Peer => $fake->socket());
    $say->(['NEVER'], ['GET', 'd']);
    ok($t->wait_for(sub { $fake->commands('GET') == 4 }), 'all was noted');
    ok(!IO::Select->new($socket)->can_read(0.1), 'silent');
    is(($fake->commands('SET'))[0][1], "\0\r\n\xff", 'byte for byte');
    is($fake->connections(), 2, 'connections');

    $fake->stop();
    ok(!IO::Socket::UNIX->new(Peer => $fake->socket()), 'stopped');
};


subtest 'signatures' => sub {
    is(hmac('sha256', 'hex', 'key',
            'The quick brown fox jumps over the lazy dog'),
        'f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8',
        'hmac');
    is({ sign_github("It's a Secret to Everybody", 'Hello, World!') }
           ->{'X-Hub-Signature-256'},
        'sha256=757107ea0eb2509fc211221cce984b8a'
        . '37570b6d7586c22c46f4379c8b043e17', 'github');
    is({ sign_slack('8f742231b10e8888abcd99yyyzzz85a5', 'a=b',
                    time => 1531420618) }->{'X-Slack-Request-Timestamp'},
        1531420618, 'slack');
    is({ sign_standard('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
                       '{"test": 2432232314}', time => 1614265330,
                       id => 'msg_p5jXN8AQM9LWM0D4loKWxJek') }
           ->{'webhook-signature'},
        'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', 'standard');
};


# the last checks can fail

subtest 'checks' => sub {
    my %lines = (
        '2026/01/01 00:00:00 [alert] 1#1: something' => 'no alerts',
        '2026/01/01 00:00:00 [crit] 1#1: something' => 'no alerts',
        '==1==ERROR: AddressSanitizer: use' => 'no sanitizer reports',
        'a.c:1:2: runtime error: shift' => 'no sanitizer reports',
        '[notice] 1#1: open socket #5 left in connection 3'
            => 'no sockets left',
        '[notice] 1#1: worker process 2 exited with code 23'
            => 'every process left by itself',
    );

    for my $line (sort keys %lines) {
        my $t = Intake::Test->new(module => '');
        $t->write_file('error.log', "a\n$line\nb\n");
        is(failing($t), $lines{$line}, $line);

        $t->expect_log(qr/something/);
        is(failing($t), '', 'expected') if $line =~ /something/;
    }

    my $t = plain_nginx();
    $t->write_file('core.1', '');
    is(failing($t), 'no core files', 'core');

    # a worker that waits for a slow client
    $t = plain_nginx();
    my $http = $t->http();
    $http->write("PUT /put/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    $t->get('/');
    ok(!$t->quit(0.5), 'a worker stays');
    is(failing($t), 'every process left by itself', 'and is found');

    # a master that dies alone
    $t = plain_nginx();
    my ($worker) = $t->worker_pids();
    kill 'KILL', $t->master_pid();
    ok(!$t->quit(0.5), 'an orphan stays');
    like(Intake::File::slurp("/proc/$worker/stat") // '1 (nginx) Z',
        qr/\) Z/, 'and is killed');
};


$t->finish();
