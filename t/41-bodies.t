#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Bodies of every size and kind, however they arrive, are stored byte for
# byte; clients that leave; connections that carry many requests.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Socket;
use Test::More;

use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $buffer = 64 * 1024;
my $max = 200_000;

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server   %%REDIS%%;
        timeout  10s;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "${header:X-Id}.$body";
        id         header:X-Id;
        max_body   200000;
    }
    intake_source raw { platform signed; secret s3cret; }

    # every body here is shorter than what it allows
    client_max_body_size  1;

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /raw    { intake raw; }
        location = /file   { intake raw; client_body_in_file_only clean; }
        location = /small  { intake raw; client_body_buffer_size 1k; }
        location = /single { intake raw; client_body_in_single_buffer on; }
        location = /mirror { intake raw; mirror /mirrored; }
        location = /mirrored { internal; return 200; }
        location = /timeout { intake raw; client_body_timeout 200ms; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');

my @workers = $t->worker_pids();


sub headers_of {
    my ($id, $body) = @_;
    return ['x-id' => $id,
            'x-signature' => hmac('sha256', 'hex', 's3cret', "$id.$body")];
}


sub count { $redis->command('XLEN', 'intake:{raw}') }


# that the answer tells of an entry with this id and body

sub is_stored {
    my ($res, $id, $body, $name) = @_;
    my $json = eval { $res->json } || {};

    is($json->{id} // $res->status, $id, "$name: stored") or return;

    my $rows = $redis->command('XRANGE', 'intake:{raw}',
                               $json->{entry}, $json->{entry});
    my %fields = @{$rows->[0][1]};

    # not is(): a difference would fill the screen
    ok($fields{id} eq $id && $fields{data} eq $body, "$name: the same bytes");
}


my $random = join '', map { chr int rand 256 } 1 .. $max;

my %bodies = (
    'empty' => '',
    'one byte' => 'x',
    'every byte' => join('', map { chr } 0 .. 255),
    'NULs' => "\0" x 100,
    'no UTF-8' => "\xff\xfe\xc3\x28\xed\xa0\x80\xf8",
    'line ends' => "\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    'like RESP' => "\$5\r\nhello\r\n*1\r\n+OK\r\n-ERR\r\n",
    'less than the buffer' => substr($random, 0, $buffer - 1),
    'the buffer' => substr($random, 0, $buffer),
    'more than the buffer' => substr($random, 0, $buffer + 1),
    'the most' => $random,
);

my %ways = (
    'length' => sub { $t->post('/raw', @_) },
    'chunks' => sub { $t->post('/raw', @_, chunked => 1009) },
    'a small buffer' => sub { $t->post('/small', @_) },
    'a file' => sub { $t->post('/file', @_) },
    'a file, chunks' => sub { $t->post('/file', @_, chunked => 1009) },
    'a single buffer' => sub { $t->post('/single', @_) },
    'a mirror' => sub { $t->post('/mirror', @_) },
    'HTTP/2' => sub {
        my ($body, $headers) = @_;
        return $t->request_h2('POST', '/raw', port => 1, body => $body,
                              headers => $headers);
    },
);

for my $way (sort keys %ways) {
    subtest $way => sub {
        for my $name (sort keys %bodies) {
            my $id = new_id();
            my $body = $bodies{$name};

            is_stored($ways{$way}->($body, headers_of($id, $body)),
                      $id, $body, $name);
        }

        my $body = "$random.";
        my $res = $ways{$way}->($body, headers_of('over', $body));
        is($res->status, 413, 'one byte more');
        is($res->json->{code}, 'TOO_LARGE', 'is too large');
    };
}


subtest 'in pieces' => sub {
    my $body = $bodies{'every byte'};
    my $send = sub {
        my ($id, $head, $bytes, %opt) = @_;
        my $http = $t->http();
        my %headers = @{headers_of($id, $body)};

        $http->write(join '', "POST /raw HTTP/1.1\r\nHost: a\r\n$head\r\n",
                     map({ "$_: $headers{$_}\r\n" } keys %headers), "\r\n");
        $http->write_slowly($bytes, %opt);
        is_stored($http->response, $id, $body, $id);
    };

    $send->('by bytes', 'Content-Length: 256', $body);

    $send->('chunks by bytes', 'Transfer-Encoding: chunked',
            Intake::HTTP::encoded_body(body => $body, chunked => 1));

    $send->('chunk extensions and a trailer', 'Transfer-Encoding: chunked',
            "80;a=b\r\n" . substr($body, 0, 128) . "\r\n"
            . "00080 \r\n" . substr($body, 128) . "\r\n"
            . "0\r\nX-Trailer: x\r\n\r\n");

    $body = $random;
    $send->('slowly', "Content-Length: $max", $body, chunk => 5000);
};


subtest 'one connection' => sub {
    my $http = $t->http();
    my $before = count();
    my @requests;

    for my $i (1 .. 300) {
        my $body = "keep-alive $i";
        my $res = $http->request('POST', '/raw', body => $body,
                                 headers => headers_of("k$i", $body));
        is($res->json->{id}, "k$i", 'its own answer')
            if $i % 50 == 0 || $res->status != 200;
    }

    is(count() - $before, 300, '300 in turn');

    for my $i (1 .. 40) {
        my $body = "pipelined $i" . substr $random, 0, $i % 4 ? 10 : 3000;
        my @how = $i % 10 ? () : $i % 20 ? (chunked => 9) : (version => '1.1');

        push @requests, ['POST', '/raw', body => $body, @how,
                         headers => headers_of("p$i", $body)];
        push @requests, ['GET', '/raw'] if $i % 15 == 0;
    }

    is_deeply([map { $_->json->{id} // $_->status }
               $http->pipeline(@requests)],
              [map { $_ % 15 ? "p$_" : ("p$_", 405) } 1 .. 40],
              'pipelined: answers in order');
    is(count() - $before, 340, 'pipelined: all stored');
};


subtest 'streams of one connection' => sub {
    eval { require Protocol::HTTP2::Client; require Intake::HTTP2 }
        or plan skip_all => 'no HTTP/2 client';

    my $client = Protocol::HTTP2::Client->new(on_error => sub { });
    my $socket = IO::Socket::INET->new(
        Proto => 'tcp', PeerAddr => '127.0.0.1', PeerPort => $t->port(1));
    my %answers;

    for my $id (map { "s$_" } 1 .. 60) {
        my $body = substr $random, 0, $id =~ /7$/ ? 20_000 : 30;

        $client->request(
            ':scheme' => 'http', ':authority' => 'a', ':path' => '/raw',
            ':method' => $id =~ /0$/ ? 'PUT' : 'POST',
            headers => headers_of($id, $body), data => $body,
            on_done => sub {
                my $res = Intake::HTTP2::response(@_);
                $answers{$id} = $res->json->{id} // $res->status;
            });
    }

    my $before = count();
    $t->wait_for(sub {
        Intake::HTTP2::exchange($client, $socket);
        return keys %answers == 60;
    });
    is_deeply(\%answers, { map { ("s$_" => $_ % 10 ? "s$_" : 405) } 1 .. 60 },
              'each its own answer');
    is(count() - $before, 54, 'all stored');
};


# everything is ready in one turn of the event loop: more than one call of the
# script carries, by number and by size

subtest 'one turn' => sub {
    my $before = count();
    my @http = map { $t->http() } 1 .. 200;
    my @bodies = map { substr($random, 0, $_ % 10 ? 100 : 60_000) . $_ }
                     1 .. 200;

    $_->request('GET', '/raw') for @http;

    my %request = map {
        ($_ => ['POST', '/raw', body => $bodies[$_],
                headers => headers_of("t$_", $bodies[$_])])
    } 0 .. $#http;

    kill 'STOP', $workers[0];
    $http[$_]->send(@{$request{$_}}) for 0 .. $#http;
    kill 'CONT', $workers[0];

    is_deeply([map { eval { $_->response->json->{id} } } @http],
              [map { "t$_" } 0 .. $#http], 'each its own answer');
    is(count() - $before, 200, 'all stored');

    my %data = map { ($_->{fields}{id} => $_->{fields}{data}) }
                   $redis->entries('intake:{raw}');
    is_deeply([grep { $data{"t$_"} ne $bodies[$_] } 0 .. $#http], [],
              'each its own body');
};


# a close that the other side takes for an error

sub reset_connection {
    my ($socket) = @_;
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    close $socket;
}


sub in_flight {
    my ($n) = @_;
    return $t->wait_for(sub {
        $t->get('/status?format=prometheus&scope=node')->body
            =~ /^intake_redis_in_flight (\d+)/m && $1 == $n;
    });
}


subtest 'clients that leave' => sub {
    my $before = count();
    my $waiting = sub {
        my ($leave) = @_;
        my $http = $t->http();
        my $body = "gone $leave";

        $redis->pause();
        $http->send('POST', '/raw', body => $body,
                    headers => headers_of($body, $body));
        ok(in_flight(1), 'waits for Redis');
        $leave eq 'reset' ? reset_connection($http->socket) : $http->close;
        is($t->get('/raw')->status, 405, "$leave: others are served");
        $redis->resume();
        ok(in_flight(0), "$leave: Redis has answered");
        is(count(), ++$before, "$leave: stored");
    };

    $waiting->($_) for 'reset', 'closed';

    for my $leave ('reset', 'closed') {
        my $http = $t->http();

        $http->write("POST /raw HTTP/1.1\r\nHost: a\r\n"
                     . "Content-Length: 100000\r\n\r\n" . 'x' x 70_000);
        $leave eq 'reset' ? reset_connection($http->socket) : $http->close;
        is($t->get('/raw')->status, 405, "$leave in mid-body");
    }

    my $http = $t->http();
    $http->write("POST /timeout HTTP/1.1\r\nHost: a\r\n"
                 . "Content-Length: 10\r\n\r\nx");
    ok($http->closed(5), 'a client that stops is left');

    SKIP: {
        eval { require Protocol::HTTP2::Client; require Intake::HTTP2 }
            or skip 'no HTTP/2 client', 2;

        $redis->pause();

        my $client = Protocol::HTTP2::Client->new(on_error => sub { });
        my $socket = IO::Socket::INET->new(
            Proto => 'tcp', PeerAddr => '127.0.0.1', PeerPort => $t->port(1));

        $client->request(
            ':scheme' => 'http', ':authority' => 'a', ':path' => '/raw',
            ':method' => 'POST', headers => headers_of('gone h2', 'gone h2'),
            data => 'gone h2', on_done => sub { });
        Intake::HTTP2::exchange($client, $socket);
        Intake::HTTP2::exchange($client, $socket);
        ok(in_flight(1), 'HTTP/2: waits for Redis');
        reset_connection($socket);
        is($t->get('/raw')->status, 405, 'HTTP/2: others are served');
        $redis->resume();
        ok(in_flight(0), 'HTTP/2: Redis has answered');
        is(count(), ++$before, 'HTTP/2: stored');
    }

    is_deeply([$t->worker_pids()], \@workers, 'the worker lives');
    is(count(), $before, 'and half a body is nothing');
};


ok(!glob($t->path('client_body/*')), 'no temporary files are left');

$t->finish();
