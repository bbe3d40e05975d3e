#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What is sent to webhooks, forms and replies to do harm: slow bodies, idle
# connections, lengths that lie, floods of headers, too much of everything.
# The memory of the worker stays as it was, others are served meanwhile, and
# nothing of it is stored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(time);

use Intake::File;
use Intake::Sign;
use Intake::Test;


use constant IDLE => 1000;


my $t = Intake::Test->new(log => 'warn');
my $redis = $t->redis();
my $sent = 0;

$t->write_file('token', "replies-token-1\n");
chmod 0600, $t->path('token');

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

worker_rlimit_nofile  4096;

events {
    worker_connections  2048;
}

http {
    %%TEST_HTTP%%

    client_body_timeout    1s;
    client_header_timeout  60s;

    intake_redis {
        server %%REDIS%%;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "$body";
        dedupe     key=none;
    }

    intake_source hook  { platform signed; secret s3cret; max_body 100k;
                          sla first=1h; }
    intake_source other { platform signed; secret s3cret; }
    intake_source form  { form; field message required max=5000;
                          max_body 100k; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /hook    { intake hook; }
        location = /other   { intake other; }
        location = /form    { intake form; }
        location = /replies { intake_replies token=file:token; }
        location = /status  { intake_status; }
    }
}
EOC

# valgrind lets no limit be set

$t->expect_log(qr/setrlimit\(RLIMIT_NOFILE/)
    if Intake::Test::Valgrind::on();
$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my %types = (
    '/hook' => 'application/json',
    '/form' => 'application/x-www-form-urlencoded',
    '/replies' => 'application/json',
);

my @bearer = (Authorization => 'Bearer replies-token-1');


# a head as it stands, with the lines in between

sub head {
    my ($uri, @lines) = @_;

    return join "\r\n", "POST $uri HTTP/1.1", 'Host: localhost',
                        "Content-Type: $types{$uri}",
                        'Authorization: Bearer replies-token-1',
                        'X-Signature: 00', @lines, '', '';
}


# what is answered to these bytes; 0: nothing

sub status_of {
    my ($bytes) = @_;
    my $http = $t->http();

    $http->write($bytes);
    my $status = $http->response('POST')->status;
    $http->close();

    return $status;
}


# others, in time

sub served {
    my ($when) = @_;
    my $body = 'n ' . ++$sent;
    my $start = time();
    my $res = $t->post('/other', $body, ['X-Signature' =>
        Intake::Sign::hmac('sha256', 'hex', 's3cret', $body)]);

    is($res->status, 200, "$when: another source is served");
    cmp_ok(time() - $start, '<', 2 * Intake::Test::Valgrind::patience(),
           "$when: in time");
}


# [what, the status, the lines of the head, what comes behind it]

my @lies = (
    ['a length of 16 TB', 413, ['Content-Length: 17592186044416'], 'x'],
    ['a length beyond 64 bits', 400,
     ['Content-Length: 184467440737095516160'], 'x'],
    ['a negative length', 400, ['Content-Length: -1'], 'x'],
    ['a length in hex', 400, ['Content-Length: 0x10'], 'x' x 16],
    ['two lengths', 400, ['Content-Length: 1', 'Content-Length: 2'], 'xx'],
    ['a length and chunks', 400,
     ['Content-Length: 3', 'Transfer-Encoding: chunked'], "0\r\n\r\n"],
    ['a chunk beyond 64 bits', 400, ['Transfer-Encoding: chunked'],
     "fffffffffffffffff\r\nx"],
    ['a chunk without a length', 400, ['Transfer-Encoding: chunked'],
     "xyz\r\n"],
    ['a large header', 400, ['X-Large: ' . 'x' x 9000], ''],
    ['many headers', 400, [map { "X-$_: " . 'x' x 100 } 1 .. 1000], ''],
    ['many small headers', 400, ['Content-Length: 1',
                                 map { "X-$_:" } 1 .. 20_000], 'x'],
    ['a long address', 414, [], '', '?t=' . 'x' x 9000],
);


sub lies {
    for my $uri (sort keys %types) {
        for (@lies) {
            my ($what, $status, $lines, $rest, $args) = @$_;
            my $head = head($uri, @$lines);

            $head =~ s/ HTTP/$args HTTP/ if $args;

            is(status_of($head . $rest), $status, "$uri: $what");
        }
    }
}


# [where, the status, the body], in chunks of a byte each, and with something
# behind each length that nobody asked for

my @chunks = (
    ['/hook', 401, 'x' x 10_000],
    ['/form', 422, 'message=' . '+' x 4000],
    ['/replies', 400, '[' x 10_000],
);


sub chunks {
    for (@chunks) {
        my ($uri, $status, $body) = @$_;

        for my $more ('', ';x=' . 'y' x 40) {
            my $bytes = join '', map { "1$more\r\n$_\r\n" } split //, $body;

            is(status_of(head($uri, 'Transfer-Encoding: chunked') . $bytes
                         . "0\r\n\r\n"), $status, "$uri: many chunks");
        }
    }
}


# requests one behind the other, whose answers nobody reads; a head that goes
# beyond its buffer makes nginx reckon with a pointer to nothing, which the
# sanitizers do not let pass

sub unread {
    return if $t->has('-fsanitize');

    my @unread = map {
        my $http = $t->http();

        setsockopt $http->{socket}, SOL_SOCKET, SO_RCVBUF, 2048;
        syswrite $http->{socket}, head($_, 'Content-Length: 0') x 500;
        $http;
    } map { ($_) x 5 } sort keys %types;

    served('answers that nobody reads');
    $_->close() for @unread;
}


# more than comes, and then nothing comes

sub broken_off {
    for my $uri (sort keys %types) {
        for my $size (10, 20_000, 90_000) {
            my $http = $t->http();

            $http->write(head($uri, 'Content-Length: 100000')
                         . 'x' x $size);
            $http->close();
        }
    }
}


# [where, what, the status, the body, its type]

my $parts = join '', map { "--b\r\nContent-Disposition: form-data; "
                           . "name=\"f$_\"\r\n\r\nv\r\n" } 1 .. 1500;

my @large = (
    ['/hook', 'a large body', 413, 'x' x 200_000],
    ['/hook', 'a deep body', 401, '[' x 90_000],
    ['/form', 'a large body', 413, 'message=' . 'x' x 200_000],
    ['/form', 'a large field', 413, 'message=' . 'x' x 90_000],
    ['/form', 'a large name', 413, 'x' x 90_000 . '=1'],
    ['/form', 'many fields', 413, 'a=1&' x 20_000],
    ['/form', 'escapes', 422, 'message=' . '%00' x 30_000],
    ['/form', 'a deep body', 400, '[' x 90_000, 'application/json'],
    ['/form', 'many members', 413,
     '{' . join(',', map { "\"m$_\":1" } 1 .. 5000) . '}',
     'application/json'],
    ['/form', 'many parts', 413, "$parts--b--\r\n",
     'multipart/form-data; boundary=b'],
    ['/form', 'no end of boundaries', 400, "--b\r\n" x 18_000,
     'multipart/form-data; boundary=b'],
    ['/form', 'a part without an end of its head', 413,
     "--b\r\nContent-Disposition: form-data; name=\"" . 'x' x 90_000,
     'multipart/form-data; boundary=b'],
    ['/replies', 'a large body', 413, ' ' x 1_100_000],
    ['/replies', 'a deep body', 400, '[' x 900_000],
    ['/replies', 'many items', 400, '[' . join(',', ('{}') x 1001) . ']'],
    ['/replies', 'a large text', 422,
     '{"source":"hook","kind":"reply","conversation":"' . 'x' x 900_000
     . '"}'],
);


sub large {
    for (@large) {
        my ($uri, $what, $status, $body, $type) = @$_;
        my $head = head($uri, 'Content-Length: ' . length $body);

        $head =~ s/^Content-Type: \K[^\r]*/$type/m if $type;

        is(status_of($head . $body), $status, "$uri: $what");
    }
}


# bodies that do not go on: nginx ends them

sub slow {
    my @slow = map { my $http = $t->http();
                     $http->write(head($_, 'Content-Length: 90000')
                                  . 'x' x 70_000); $http }
               map { ($_) x 20 } sort keys %types;

    served('slow bodies');
    is(scalar(grep { $_->response('POST')->status =~ /^(?:0|408)$/ } @slow),
       scalar @slow, 'slow bodies are ended');
}


# connections that say nothing, or half of a head

sub idle {
    my @idle = map { my $http = $t->http();
                     $http->write(substr head('/form'), 0, 60) if $_ % 2;
                     $http } 1 .. IDLE;

    served(IDLE . ' idle connections');
    $_->close() for @idle;
}


sub rss {
    my ($worker) = $t->worker_pids();

    return Intake::File::slurp("/proc/$worker/status")
           =~ /^VmRSS:\s*(\d+) kB/m ? $1 : 0;
}


my ($pid) = $t->worker_pids();
my @rss;

for my $round (1 .. 4) {
    subtest "round $round" => sub {
        idle();
        lies();
        chunks();
        unread();
        broken_off();
        large() for 1 .. 5;
        slow();
        served('afterwards');
    };

    push @rss, rss();
}

SKIP: {
    skip 'memory is not nginx\'s own', 1 if $t->instrumented();

    cmp_ok($rss[-1] - $rss[0], '<', 128, 'no more memory')
        or diag("KB: @rss");
}

note("KB: @rss");

is(join(' ', $t->worker_pids()), $pid, 'the same worker');
is($redis->command('XLEN', 'intake:{other}'), $sent,
   'what others sent is stored');
is($redis->command('EXISTS', "intake:{$_}"), 0, "$_: nothing is stored")
    for qw(hook form);
is($redis->command('EXISTS', 'intake:{form}:spam'), 0, 'nor as spam');

$t->finish();
