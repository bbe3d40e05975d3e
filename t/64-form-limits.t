#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Forms that nginx's own limits refuse: the page gives the text back, for which
# the body is read before them; what that means for the connection, for others
# who stand between, and that nobody else's body is waited for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::FormAnswer;
use Intake::Test;
use Intake::Ways;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server  %%REDIS%%;
    }

    intake_platform bare {
        algorithm  none;
        dedupe     window=1h key=none;
    }

    intake_source hook    { platform bare; }
    intake_source contact { form; field message label=Message; max_body 1m; }
    intake_source files   { form; attachments path=%%DIR%%/files; }
    intake_source small   { form; max_body 100; }

    limit_req_zone   $arg_bucket   zone=rate:64k  rate=1r/m;
    limit_req_zone   $server_port  zone=slow:64k  rate=20r/s;
    limit_conn_zone  $server_port  zone=conn:64k;

    limit_req_status  429;

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /contact { intake contact; limit_req zone=rate; }
        location = /files   { intake files; limit_req zone=rate; }
        location = /small   { intake small; limit_req zone=rate; }
        location = /hook    { intake hook; limit_req zone=rate; }

        location = /rate503 {
            intake            contact;
            limit_req         zone=rate;
            limit_req_status  503;
        }

        location = /disk {
            intake                    contact;
            limit_req                 zone=rate;
            client_body_in_file_only  clean;
        }

        location = /hasty {
            intake               contact;
            limit_req            zone=rate;
            client_body_timeout  100ms;
        }

        location = /slow   { intake contact; limit_req zone=slow burst=9; }
        location = /conn   { intake contact; limit_conn conn 1; }
        location = /asked  { intake contact; auth_request /yes; }
        location = /wrong  { intake contact; auth_request /no; }
        location = /denied { intake contact; deny all; }
        location = /mirror { intake contact; mirror /yes; }

        location = /yes    { return 204; }
        location = /no     { return 404; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my $form = 'application/x-www-form-urlencoded';
my @browser = (@{$clients{page}{navigation}}, 'Content-Type' => $form);
my $limited = 'Too many forms in a short time';
my ($seq, $stored) = (0, 0);
my %full;


# A URI whose limit is reached: of a bucket of its own for each location.

sub full {
    my ($location) = @_;
    my $uri = "$location?bucket=full$location";

    return $uri if $full{$uri}++;

    is($t->post($uri, encode(message => ++$seq),
                ['Content-Type' => $form])->status, 200, "$uri: the first");
    return $uri;
}


sub text { return 'Hello <b>&amp; ' . ++$seq . "</b>\n\xc3\xa9" }
sub entries { return $redis->command('XLEN', 'intake:{contact}') }


# What a page gives back of what was sent.

sub gives {
    my ($res, $expected, $name, $status, $heading) = @_;
    my $page = is_page($res, $status // 429, $heading // $limited, $name)
        or return;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply($page->given_back, $expected, "$name: what comes back");
    is_deeply([$page->words('li')], [], "$name: nothing else is wrong");
}


sub multipart {
    my (@parts) = @_;
    return join '', map({ "--x\r\nContent-Disposition: form-data; $_\r\n" }
                        @parts), "--x--\r\n";
}


my @multipart = (@{$clients{page}{navigation}},
                 'Content-Type' => 'multipart/form-data; boundary=x');

# Like a browser, the client of HTTP/2 says how long the body is.

my %ways = ways($t);
my $http2 = delete $ways{'HTTP/2'};

$ways{'HTTP/2'} = sub {
    my ($method, $uri, $body, $headers) = @_;
    return $http2->($method, $uri, $body,
                    [@$headers, 'Content-Length' => length $body]);
} if $http2;

for my $way (sort keys %ways) {
    subtest "what comes back: $way" => sub {
        my $send = sub { $ways{$way}->('POST', full($_[0]), @_[1 .. $#_]) };
        my $text = text();
        my $known = $way ne 'chunked';

        gives($send->('/contact', encode(message => $text, other => 'x',
                                         _gotcha => 'y', empty => ''),
                      \@browser),
              $known ? { Message => $text, other => 'x' } : {}, 'a form');

        # a file that was written would be missed, and said so

        my $dir = $t->path('files');

        full('/files');
        rename $dir, "$dir.away" or die "$dir: $!";
        gives($send->('/files', multipart(
                  "name=message\r\n\r\n$text",
                  "name=a; filename=a.txt\r\n\r\nthe file",
                  "name=b\r\n\r\nbehind it"), \@multipart),
              $known ? { message => $text, b => 'behind it' } : {}, 'a file');
        rename "$dir.away", $dir or die "$dir: $!";

        gives($send->('/contact', multipart(
                  "name=message\r\n\r\n$text",
                  "name=a; filename=a.txt\r\n\r\nthe file"), \@multipart),
              $known ? { Message => $text } : {}, 'a file that is not taken');
        gives($send->('/rate503', encode(message => $text), \@browser),
              $known ? { Message => $text } : {}, 'another status', 503);
        gives($send->('/disk', encode(message => $text), \@browser),
              $known ? { Message => $text } : {}, 'from a file');
        gives($send->('/contact', encode(message => 'x' x 65000), \@browser),
              $known ? { Message => 'x' x 65000 } : {}, 'long');
        gives($send->('/contact', encode(message => 'x' x 65536), \@browser),
              {}, 'too long to be waited for');
        gives($send->('/contact', "--x\r\nA: b\r\n\r\n$text",
                      \@multipart), {}, 'what cannot be read');
        gives($send->('/contact', 'message', [@{$clients{page}{navigation}},
                                              'Content-Type' => 'text/plain']),
              {}, 'no form');
        gives($ways{$way}->('POST', '/wrong', encode(message => $text),
                            \@browser),
              $known ? { Message => $text } : {}, 'trouble', 500,
              'Something went wrong here');
        gives($ways{$way}->('POST', '/denied', encode(message => $text),
                            \@browser), {}, 'deny', 403,
              'The form cannot be sent');
        is_page($send->('/small', 'x' x 101, \@browser), 413,
                'That is too much', 'too large') if $known;

        my $res = $send->('/contact', encode(message => $text),
                          ['Content-Type' => $form]);
        is_problem_json($res, 429, 'RATE_LIMITED', 'a script');
        unlike($res->body, qr/Hello/, 'a script: nothing of the text');
    };
}

is(entries(), $stored = grep({ !/files|small|hook/ } keys %full),
   'nothing that was refused is stored');
is_deeply([$t->error_log_lines(qr/cannot be kept/)], [], 'nor is a file');
is_deeply([$t->error_log_lines(qr/a form for .* is refused/)], [],
          'it is refused for one reason');


for my $way (sort keys %ways) {
    subtest "what is let through: $way" => sub {
        for my $location (qw(/slow /conn /asked /mirror /disk)) {
            my $uri = "$location?bucket=$way";
            my $body = encode(message => text());

            is_page($ways{$way}->('POST', $uri, $body, \@browser), 200,
                    'Thank you', $location);
            $stored++;
        }

        is(entries(), $stored, 'is there, once');

        my $body = encode(message => 'x' x 60000 . text());

        is_page($ways{$way}->('POST', '/slow', $body, \@browser), 200,
                'Thank you', 'long');
        is_page($ways{$way}->('POST', '/slow', $body, \@browser), 200,
                'Thank you', 'the same again');
        is(entries(), ++$stored, 'is there once');
        is($redis->command('XREVRANGE', 'intake:{contact}', '+', '-', 'COUNT',
                           1)->[0][1][-1]
               =~ tr/x/x/ >= 60000, 1, 'and whole');
    };
}


subtest 'keep-alive' => sub {
    my $http = $t->http();
    my $uri = full('/contact');

    for my $length (10, 5000, 60_000) {
        my $text = text() . 'x' x $length;

        gives($http->request('POST', $uri, headers => \@browser,
                             body => encode(message => $text)),
              { Message => $text }, "refused with $length bytes");
    }

    is_page($http->request('POST', '/asked', headers => \@browser,
                           body => encode(message => text())),
            200, 'Thank you', 'and the connection goes on');
    $stored++;

    my @texts = map { text() } 1 .. 3;
    my @res = $http->pipeline(
        ['POST', $uri, headers => \@browser,
         body => encode(message => $texts[0])],
        ['POST', '/asked', headers => \@browser,
         body => encode(message => $texts[1])],
        ['POST', $uri, headers => \@browser,
         body => encode(message => $texts[2])],
        ['HEAD', '/status'],
        ['POST', $uri, headers => \@browser, close => 1, body => 'message=z']);

    is(join(',', map { $_->status } @res), '429,200,429,200,429', 'pipelined');
    gives($res[2], { Message => $texts[2] }, 'pipelined');
    $stored++;
    ok($http->closed(5), 'closed when asked to');
    is(entries(), $stored, 'what was let through is there');

    $http = $t->http();
    gives($http->request('POST', $uri, headers => \@browser, version => '1.0',
                         body => 'message=z'), { Message => 'z' }, 'HTTP/1.0');
};


subtest 'bytes that come slowly' => sub {
    my $uri = full('/contact');
    my $text = text();
    my $body = encode(message => $text);
    my $http = $t->http();

    $http->write(Intake::HTTP::head('POST', $uri, headers => \@browser,
                                    body => $body));
    $http->write_slowly($body);
    gives($http->response, { Message => $text }, 'one by one');

    $http = $t->http();
    $http->write(Intake::HTTP::head('POST', '/asked', headers => \@browser,
                                    body => $body));
    $http->write_slowly($body);
    is_page($http->response, 200, 'Thank you', 'one by one');
    is(entries(), ++$stored, 'stored');

    $http = $t->http();
    $http->write(Intake::HTTP::head('POST', full('/hasty'),
                                    headers => \@browser, body => $body));
    $http->write('mess');
    is($http->response->status, 0, 'no more in time: no answer');
    $stored++;
};


subtest 'a client that leaves' => sub {
    my @requests = ([full('/contact'), 'mess'], [full('/contact'), ''],
                    ['/asked', 'x' x 9000]);

    for my $request (@requests) {
        my ($uri, $sent) = @$request;
        my $http = $t->http();
        my $before = $t->error_log_lines(qr/prematurely closed/);

        $http->write(Intake::HTTP::head('POST', $uri, headers => \@browser,
                                        body => 'x' x 9001) . $sent);
        $http->close();
        ok($t->wait_for(sub {
               $t->error_log_lines(qr/prematurely closed/) > $before }),
           "$uri, after " . length($sent) . ' bytes');
    }

    # while it is delayed

    for my $n (1 .. 3) {
        my $http = $t->http();

        $http->write(Intake::HTTP::head('POST', '/slow', body => 'message=a',
                                        headers => \@browser) . 'message=a');
        $http->close() if $n < 3;
        is($http->response->status, 200, 'the last one stays') if $n == 3;
    }

    $stored++;
    is(entries(), $stored, 'the same message, once');
};


# who is answered at the end of the head

subtest 'a body that is not waited for' => sub {
    my %early = (
        'a script' => ['/contact', 1, 'Content-Type' => $form],
        'a script that says so' => ['/contact', 1, 'Content-Type' => $form,
                                    @{$clients{json}{fetch}}],
        'JSON' => ['/contact', 1, @{$clients{page}{navigation}},
                   'Content-Type' => 'application/json'],
        'a long form' => ['/contact', 65537, @browser],
        'a webhook' => ['/hook', 1, @browser],
    );

    for my $name (sort keys %early) {
        my ($location, $length, @headers) = @{$early{$name}};
        my $http = $t->http();

        $http->write(Intake::HTTP::head(
            'POST', full($location),
            headers => ['Content-Length' => $length, @headers]));
        is($http->response->status, 429, $name);
    }

    my $http = $t->http();

    $http->write(Intake::HTTP::head('POST', full('/contact'), chunked => 1,
                                    headers => \@browser));
    is($http->response->status, 429, 'chunks');

    $http = $t->http();
    is($http->request('POST', full('/contact'), body => 'message=a',
                      headers => \@browser, expect100 => 1)->status, 429,
       'who waits to be asked for it');
    ok(!$http->continued, 'is not asked');

    $http = $t->http();
    is($http->request('POST', '/asked', body => encode(message => text()),
                      headers => \@browser, expect100 => 1)->status, 200,
       'and is, when there is no limit');
    ok($http->continued, 'is asked');
};


$t->finish();
