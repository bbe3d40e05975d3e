#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Answers that nginx itself makes have our form where a source stands, and
# their own elsewhere; what a refusal does to a connection and to a client
# that waits for "100 Continue".

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;

use Intake::Problem;
use Intake::Test;
use Intake::Ways;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file('users', 'user:{PLAIN}pass');
$t->write_file('html/error.html', 'a page');
$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server %%REDIS%%;
    }

    intake_platform bare {
        algorithm  none;
        dedupe     window=1h key=none;
        challenge  GET query:echo -> 200 text/plain "${query:echo}";
    }

    intake_source bare  { platform bare; max_body 2k; }
    intake_source large { platform bare; max_body 2m; }

    limit_req_zone   $arg_bucket          zone=rate:64k  rate=1r/m;
    limit_req_zone   $binary_remote_addr  zone=slow:64k  rate=20r/s;
    limit_conn_zone  $binary_remote_addr  zone=conn:64k;

    # none of these may reach a sender

    error_page  400 401 403 404 405 413 415 429 500 503  /error.html;
    error_page  402  =302 https://example.com/;

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /bare     { intake bare; }
        location = /large    { intake large; }
        location = /page     { intake bare get=page; }
        location = /closed   { intake bare get=page; deny all; }
        location = /gone     { intake bare get=page; return 410; }
        location = /denied   { intake bare; deny all; }
        location = /internal { intake bare; internal; }
        location = /password {
            intake                bare;
            auth_basic            "own";
            auth_basic_user_file  %%DIR%%/users;
        }
        location = /asked   { intake bare; auth_request /plain/403; }
        location = /broken  { intake bare; auth_request /plain/404; }
        location = /paid    { intake bare; return 402; }
        location = /teapot  { intake bare; return 503 "with a text"; }
        location = /rate429 {
            intake            bare;
            limit_req         zone=rate;
            limit_req_status  429;
        }
        location = /rate503 { intake bare; limit_req zone=rate; }
        location = /conn    { intake bare; limit_conn conn 1; }
        location = /slow    { intake bare; limit_req zone=slow burst=5; }
        location = /zipped  {
            intake           bare;
            deny             all;
            gzip             on;
            gzip_types       *;
            gzip_min_length  1;
        }

        location = /plain/403   { return 403; }
        location = /plain/404   { return 404; }
        location = /plain/402   { return 402; }
        location = /plain/limit { client_max_body_size 2k; deny all; }
        location = /error.html  { }
        location = /status      { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


# each of [name, [method, uri, body, headers], code, options of is_problem]

my $large = 'x' x 2049;
my @refused = (
    ['too large', ['POST', '/bare', $large], 'TOO_LARGE'],
    ['too large for a page', ['POST', '/page', $large], 'TOO_LARGE'],
    ['too large, but a method', ['PUT', '/large', $large],
     'METHOD_NOT_ALLOWED', allow => 'POST, GET'],
    ['deny', ['POST', '/denied', 'x'], 'FORBIDDEN'],
    ['deny, though there is a page', ['POST', '/closed', 'x'], 'FORBIDDEN'],
    ['deny a challenge', ['GET', '/denied?echo=x'], 'FORBIDDEN'],
    ['internal', ['POST', '/internal', 'x'], 'NOT_FOUND'],
    ['auth_basic', ['POST', '/password', 'x'], 'CREDENTIALS',
     realm => 'Basic realm="own"'],
    ['auth_request', ['POST', '/asked', 'x'], 'FORBIDDEN'],
    ['auth_request that fails', ['POST', '/broken', 'x'], 'INTERNAL_ERROR'],
    ['return', ['POST', '/teapot', 'x'], 'INTERNAL_ERROR', status => 503],
    ['return that is a redirect elsewhere', ['POST', '/paid', 'x'],
     'MALFORMED', status => 402],
);

my %ways = ways($t);

for my $way (sort keys %ways) {
    subtest $way => sub {
        my $send = $ways{$way};

        for my $case (@refused) {
            my ($name, $request, $code, @options) = @$case;
            is_problem($send->(@$request), $code, $name, @options);
        }

        for my $status (429, 503) {
            my @request = ('POST', "/rate$status?bucket=$way-$status", 'x');

            is($send->(@request, ['Content-Encoding' => 'br'])->status, 415,
               "rate $status: what the head refuses does not count");
            is($send->(@request)->status, 200, "rate $status: the first");
            is_problem($send->(@request), 'RATE_LIMITED',
                       "rate $status: the next", status => $status);
        }
    };
}

is($redis->command('XLEN', 'intake:{bare}'), 2 * keys %ways,
   'nothing that was refused is stored');

is_problem($t->request('HEAD', '/teapot'), 'INTERNAL_ERROR', 'HEAD',
           status => 503, head => 1);

is_deeply([map { $t->post('/slow', 'x' x 1000 . $_)->status } 1 .. 3],
          [200, 200, 200], 'what is only delayed is taken');

is_problem($t->post('/gone', 'x'), 'MALFORMED', 'a page posted to',
           status => 410);
like($t->get('/gone')->body, qr/^<html>/, 'and asked for');

my $res = $t->post('/zipped', 'x', ['Accept-Encoding' => 'gzip']);
gunzip(\$res->{body} => \my $text);
like($text, qr/"code":"FORBIDDEN"}$/, 'compressed');


subtest 'elsewhere nginx answers as always' => sub {
    for my $case (['GET', '/plain/404', undef, 404],
                  ['GET', '/plain/403', undef, 403],
                  ['POST', '/plain/limit', 'x', 403],
                  ['POST', '/plain/limit', $large, 413],
                  ['GET', '/page', undef, 404],
                  ['GET', '/closed', undef, 403])
    {
        my ($method, $uri, $body, $status) = @$case;
        my $res = $t->request($method, $uri, body => $body);

        is_deeply([$res->status, $res->body], [$status, 'a page'],
                  "$uri: $status");
    }

    is($t->get('/plain/402')->header('Location'), 'https://example.com/',
       'error_page with a redirect');
};


subtest 'keep-alive' => sub {
    my $http = $t->http();

    for my $size (10, 300_000) {
        for my $chunked (undef, 1000) {
            my $res = $http->request('PUT', '/large', body => 'x' x $size,
                                     chunked => $chunked);
            is($res->status, 405, "refused with $size bytes unread");
        }
    }

    is($http->request('POST', '/denied', body => 'x' x 2048)->status, 403,
       'refused by nginx');
    is($http->request('POST', '/bare', body => 'x')->status, 200,
       'and the connection goes on');
    is($t->http()->request('POST', '/bare', body => 'x', version => '1.0')
           ->status, 200, 'HTTP/1.0');

    my @res = $http->pipeline(
        ['PUT', '/bare', body => "POST /bare HTTP/1.1\r\nHost: a\r\n\r\n"],
        ['POST', '/bare', body => 'x'],
        ['PUT', '/bare', body => 'x' x 100, chunked => 7],
        ['POST', '/bare', body => 'x'],
        ['HEAD', '/bare'],
        ['POST', '/bare', body => 'x', close => 1]);
    is(join(',', map { $_->status } @res), '405,200,405,200,405,200',
       'pipelined');
    ok($http->closed(5), 'closed when asked to');
};


subtest '100-continue' => sub {
    my $http = $t->http();
    my $res = $http->request('POST', '/bare', body => 'x', expect100 => 1);

    ok($http->continued, '100 Continue');
    is($res->status, 200, 'accepted');
    is($http->request('POST', '/bare', body => 'x')->status, 200,
       'and the connection goes on');

    for my $case (['PUT', '/bare', 'METHOD_NOT_ALLOWED'],
                  ['POST', '/bare', 'UNSUPPORTED_CONTENT_ENCODING',
                   'Content-Encoding' => 'gzip'],
                  ['POST', '/denied', 'FORBIDDEN'],
                  ['POST', '/bare', 'TOO_LARGE', 'Content-Length' => 2049])
    {
        my ($method, $uri, $code, @headers) = @$case;

        $http = $t->http();
        is_problem($http->request($method, $uri, body => 'x', expect100 => 1,
                                  headers => \@headers),
                   $code, "$code early", allow => 'POST, GET');
        ok(!$http->continued, 'the body is not asked for');
    }

    # a client may take that body for sent or not: only closing is safe

    $http = $t->http();
    $res = $http->request('PUT', '/bare', body => 'x', expect100 => 1);
    is($res->header('Connection'), 'close', 'then the connection ends');
    ok($http->closed(5), 'at once');

    $http = $t->http();
    $http->send('PUT', '/bare', body => 'x', headers => [
        'Expect' => '100-continue']);
    is_problem($http->response, 'METHOD_NOT_ALLOWED', 'a body that comes',
               allow => 'POST, GET');
};


subtest 'in mid-body' => sub {
    my $head = "POST /bare HTTP/1.1\r\nHost: a\r\n";
    my $http = $t->http();

    $http->write("${head}Transfer-Encoding: chunked\r\n\r\n");
    $http->write("400\r\n" . 'x' x 1024 . "\r\n") for 1 .. 2;
    $http->write("1\r\nx");
    is_problem($http->response, 'TOO_LARGE', 'a chunk too many');

    $http = $t->http();
    $http->write("${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ");
    is_problem($http->response, 'MALFORMED', 'no chunk');

    $http = $t->http();
    $http->write("${head}Transfer-Encoding: chunked\r\n\r\nZZ");
    is_problem($http->response, 'MALFORMED', 'no chunk at once');

    $http = $t->http();
    $http->write("POST /conn HTTP/1.1\r\nHost: a\r\n"
                 . "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    is($http->response->status, 100, 'one connection');
    is_problem($t->post('/conn', 'x'), 'RATE_LIMITED', 'another',
               status => 503);
    $http->write('x');
    is($http->response->status, 200, 'the first goes on');
};


$t->finish();
