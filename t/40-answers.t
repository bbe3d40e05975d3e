#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Every status and code, over HTTP/1.1 with a length, HTTP/1.1 in chunks and
# HTTP/2; that a refused delivery is not stored; nginx's own answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;

use Intake::Sign;
use Intake::Test;


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
        server   %%REDIS%%;
        timeout  2s;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        timestamp  header:X-Time;
        signed     "$timestamp.$body";
        id         header:X-Id unsigned;
        challenge  GET query:mode=subscribe token=query:token
                   -> 200 text/plain "welcome";
        max_body   2k;
    }

    intake_platform inside  { algorithm equal; signature json:token; }
    intake_platform account { algorithm basic; }

    intake_source signed {
        platform      signed;
        secret        s3cret;
        verify_token  t0ken;
    }
    intake_source inside  { platform inside; secret s3cret; }
    intake_source account { platform account; secret user:pass; }
    intake_source quick   { platform inside; secret s3cret; deadline 300ms; }
    intake_source empty   { platform inside; secret s3cret; answer 202; }
    intake_source worded  {
        platform  inside;
        secret    s3cret;
        answer    201 application/json '{"was":"${json:word}"}';
    }

    limit_req_zone   $arg_bucket          zone=rate:64k  rate=1r/m;
    limit_conn_zone  $binary_remote_addr  zone=conn:64k;

    # these must not reach a sender

    error_page  400 401 403 404 405 413 415 429 500 503  /error.html;
    error_page  402  =302 https://example.com/;

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /signed  { intake signed; }
        location = /inside  { intake inside; }
        location = /account { intake account; }
        location = /quick   { intake quick; }
        location = /empty   { intake empty; }
        location = /worded  { intake worded; }
        location /folder/   { intake inside; }
        location = /zipped  {
            intake           inside;
            gzip             on;
            gzip_types       *;
            gzip_min_length  1;
        }

        location = /own/denied   { intake inside; deny all; }
        location = /own/internal { intake inside; internal; }
        location = /own/password {
            intake                inside;
            auth_basic            "own";
            auth_basic_user_file  %%DIR%%/users;
        }
        location = /own/asked   { intake inside; auth_request /no; }
        location = /own/broken  { intake inside; auth_request /none; }
        location = /own/paid    { intake inside; return 402; }
        location = /own/rate429 {
            intake            inside;
            limit_req         zone=rate;
            limit_req_status  429;
        }
        location = /own/rate503 { intake inside; limit_req zone=rate; }
        location = /own/conn    { intake inside; limit_conn conn 1; }

        location = /no           { return 403; }
        location = /none         { return 404; }
        location = /error.html   { }
        location = /plain        { client_max_body_size 2k; deny all; }
        location = /status       { intake_status; error_page 404 /404; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my %titles = (
    MALFORMED => [400, 'Malformed request'],
    SIGNATURE_MISSING => [401, 'Signature missing'],
    SIGNATURE_MISMATCH => [401, 'Signature does not match'],
    TIMESTAMP_MISSING => [401, 'Timestamp missing'],
    TIMESTAMP_RANGE => [401, 'Timestamp outside the tolerance'],
    CREDENTIALS => [401, 'Wrong or missing credentials'],
    CHALLENGE_REFUSED => [403, 'Challenge refused'],
    FORBIDDEN => [403, 'Forbidden'],
    NOT_FOUND => [404, 'Not found'],
    METHOD_NOT_ALLOWED => [405, 'Method not allowed'],
    TOO_LARGE => [413, 'Body too large'],
    UNSUPPORTED_CONTENT_ENCODING => [415, 'Content-Encoding not supported'],
    RATE_LIMITED => [429, 'Too many requests'],
    STORE_UNAVAILABLE => [503, 'Store unavailable'],
    STORE_TIMEOUT => [503, 'Store did not answer in time'],
    STORE_REFUSED => [503, 'Store refused the write'],
    INTERNAL_ERROR => [500, 'Internal error'],
);


# a problem of this code, with the headers that its status demands and no
# others

sub is_problem {
    my ($res, $code, $name, %opt) = @_;
    my ($status, $title) = @{$titles{$code}};

    $status = $opt{status} // $status;

    is($res->status, $status, "$name: $status");
    is($res->body, $opt{head} ? ''
       : qq({"type":"about:blank","title":"$title","status":$status,)
         . qq("code":"$code"}), "$name: $code");
    is_deeply({ map { $_ => join '|', $res->headers($_) }
                    qw(Content-Type WWW-Authenticate Retry-After Allow
                       Location) },
              { 'Content-Type' => 'application/problem+json',
                'WWW-Authenticate' => $status == 401
                    ? $opt{realm} // 'Signature realm="signed"' : '',
                'Retry-After' => $status =~ /^(429|503)$/ ? '5' : '',
                'Allow' => $status == 405 ? $opt{allow} // 'POST' : '',
                'Location' => '' },
              "$name: headers");
}


sub headers_of {
    my ($body, %change) = @_;
    my $time = $change{'X-Time'} // time();
    my %headers = ('X-Time' => $time, 'X-Id' => new_id(),
                   'X-Signature' => hmac('sha256', 'hex', 's3cret',
                                         "$time.$body"), %change);

    return [map { $_ => $headers{$_} }
            grep { defined $headers{$_} } sort keys %headers];
}


# each of [name, [method, uri, body, headers], code, options of is_problem]

my $body = '{"token":"s3cret"}';
my @refused = (
    ['not JSON', ['POST', '/inside', '{'], 'MALFORMED'],
    ['no signature', ['POST', '/signed', 'x', ['X-Time' => time()]],
     'SIGNATURE_MISSING'],
    ['another body', ['POST', '/signed', 'x', headers_of('y')],
     'SIGNATURE_MISMATCH'],
    ['no value', ['POST', '/inside', '{}'], 'SIGNATURE_MISSING',
     realm => 'Signature realm="inside"'],
    ['no time', ['POST', '/signed', 'x', ['X-Signature' => 'ab']],
     'TIMESTAMP_MISSING'],
    ['old', ['POST', '/signed', 'x', headers_of('x', 'X-Time' => 1)],
     'TIMESTAMP_RANGE'],
    ['no password', ['POST', '/account', 'x'], 'CREDENTIALS',
     realm => 'Basic realm="account"'],
    ['no challenge token', ['GET', '/signed?mode=subscribe'],
     'CHALLENGE_REFUSED'],
    ['no challenge', ['GET', '/signed'], 'METHOD_NOT_ALLOWED',
     allow => 'POST, GET'],
    ['HEAD', ['HEAD', '/signed'], 'METHOD_NOT_ALLOWED', head => 1,
     allow => 'POST, GET'],
    map({ [$_, [$_, '/inside', 'x'], 'METHOD_NOT_ALLOWED'] }
        qw(GET PUT DELETE PATCH OPTIONS PROPFIND FROB)),
    ['too large', ['POST', '/signed', 'x' x 2049, headers_of('x' x 2049)],
     'TOO_LARGE'],
    ['compressed', ['POST', '/signed', 'x',
                    headers_of('x', 'Content-Encoding' => 'gzip')],
     'UNSUPPORTED_CONTENT_ENCODING'],

    # by nginx itself
    ['deny', ['POST', '/own/denied', $body], 'FORBIDDEN'],
    ['internal', ['POST', '/own/internal', $body], 'NOT_FOUND'],
    ['auth_basic', ['POST', '/own/password', $body], 'CREDENTIALS',
     realm => 'Basic realm="own"'],
    ['auth_request', ['POST', '/own/asked', $body], 'FORBIDDEN'],
    ['auth_request that fails', ['POST', '/own/broken', $body],
     'INTERNAL_ERROR'],
    ['another status', ['POST', '/own/paid', $body], 'MALFORMED',
     status => 402],
);


# the ways to send a request

my %ways = (
    length => sub {
        my ($method, $uri, $body, $headers) = @_;
        return $t->request($method, $uri, headers => $headers, body => $body);
    },
    chunked => sub {
        my ($method, $uri, $body, $headers) = @_;
        return $t->request($method, $uri, headers => $headers, body => $body,
                           chunked => defined $body ? 700 : undef);
    },
    'HTTP/2' => sub {
        my ($method, $uri, $body, $headers) = @_;
        my @headers = map { lc } @{$headers || []};
        return $t->request_h2($method, $uri, port => 1, body => $body,
                              headers => \@headers);
    },
);

for my $way (sort keys %ways) {
    subtest "refusals: $way" => sub {
        for my $case (@refused) {
            my ($name, $request, $code, @options) = @$case;
            is_problem($ways{$way}->(@$request), $code, $name, @options);
        }

        for my $status (429, 503) {
            my $uri = "/own/rate$status?bucket=$way-$status";
            my @request = ('POST', $uri, '{"token":"wrong"}');

            is($ways{$way}->(@request)->status, 401, "rate $status: the first");
            is_problem($ways{$way}->(@request), 'RATE_LIMITED',
                       "rate $status: the next", status => $status);

            # what the head alone refuses is not counted
            is($ways{$way}->('PUT', $uri, 'x')->status, 405, 'but methods');
        }
    };
}

is_deeply($redis->command('KEYS', '*'), [], 'nothing was stored');


for my $way (sort keys %ways) {
    subtest "success: $way" => sub {
        my $tail = lc $way;
        my $id = "a\"b\\c\xc3\xa9-$tail";
        my $json = "{\"ok\":true,\"id\":\"a\\\"b\\\\c\xc3\xa9-$tail\",";
        my @request = ('POST', '/signed', $tail,
                       headers_of($tail, 'X-Id' => $id));
        my $res = $ways{$way}->(@request);
        my ($entry) = map { $_->{entry} } grep { $_->{fields}{id} eq $id }
                      $redis->entries('intake:{signed}');

        is($res->status, 200, 'stored');
        is($res->header('Content-Type'), 'application/json', 'type');
        is($res->body, qq($json"entry":"$entry","duplicate":false}), 'body');

        $res = $ways{$way}->(@request);
        is($res->status, 200, 'duplicate');
        is($res->header('Content-Type'), 'application/json', 'type');
        is($res->body, qq($json"entry":"$entry","duplicate":true}), 'body');

        $res = $ways{$way}->('GET', '/signed?mode=subscribe&token=t0ken');
        is($res->body, 'welcome', 'challenge');
        is($res->header('X-Content-Type-Options'), 'nosniff', 'nosniff');

        $res = $ways{$way}->('POST', '/empty', '{"token":"s3cret","n":1}');
        is_deeply([$res->status, $res->body, $res->header('Content-Type')],
                  [202, '', undef], 'an answer without a body');

        $res = $ways{$way}->('POST', '/worded',
                             '{"token":"s3cret","word":"a\"b"}');
        is_deeply([$res->status, $res->body], [201, '{"was":"a\"b"}'],
                  'an answer of words');
    };
}


subtest 'never 3xx or 412' => sub {
    for my $headers (['If-None-Match' => '*'], ['If-None-Match' => '"a"'],
                     ['If-Match' => '"a"'], ['Range' => 'bytes=0-1'],
                     map { ["If-${_}modified-Since"
                            => 'Sat, 01 Jan 2000 00:00:00 GMT'] } '', 'Un')
    {
        is($t->post('/inside', $body, $headers)->status, 200, "@$headers");
    }

    is($t->post('/inside/', $body)->status, 404, 'a slash too many');
    is($t->post('/folder', $body)->status, 404, 'a slash too few');
    is($t->post('/folder/x', $body)->status, 200, 'a folder');
    is($t->post('//inside/../inside', $body)->status, 200, 'merged');
};


subtest 'gzip' => sub {
    for my $case ([$body, 200, qr/^{"ok":true,/],
                  ['{}', 401, qr/"SIGNATURE_MISSING"/],
                  ['{', 400, qr/"MALFORMED"/])
    {
        my ($request, $status, $like) = @$case;
        my $res = $t->post('/zipped', $request, ['Accept-Encoding' => 'gzip']);
        my $text = $res->body;

        gunzip(\$res->{body} => \$text)
            if ($res->header('Content-Encoding') // '') eq 'gzip';
        is($res->status, $status, "status $status");
        like($text, $like, "$status: body");
    }
};


subtest 'connections' => sub {
    my $http = $t->http();

    for my $size (10, 300_000) {
        for my $chunked (undef, 1000) {
            my $res = $http->request('PUT', '/inside', body => 'x' x $size,
                                     chunked => $chunked);
            is($res->status, 405, "refused with $size bytes unread");
        }
    }

    is($http->request('POST', '/inside', body => $body)->status, 200,
       'and the connection goes on');

    my $res = $http->request('POST', '/inside', body => $body, expect100 => 1);
    ok($http->continued, '100 Continue');
    is($res->status, 200, 'accepted');

    for my $case (['PUT', '/inside', 'METHOD_NOT_ALLOWED'],
                  ['POST', '/inside', 'UNSUPPORTED_CONTENT_ENCODING',
                   'Content-Encoding' => 'br'],
                  ['POST', '/own/denied', 'FORBIDDEN'],
                  ['POST', '/inside', 'TOO_LARGE',
                   'Content-Length' => 2_000_000])
    {
        my ($method, $uri, $code, @headers) = @$case;

        $http = $t->http();
        is_problem($http->request($method, $uri, body => $body,
                                  expect100 => 1, headers => \@headers),
                   $code, 'expects 100');
        ok(!$http->continued, 'its body is not asked for');
    }

    # the client may take that body for sent or not: only closing is safe

    $http = $t->http();
    $res = $http->request('PUT', '/inside', body => $body, expect100 => 1);
    is($res->header('Connection'), 'close', 'then the connection ends');

    $http = $t->http();
    $http->send('POST', '/own/conn', body => $body, headers => [
        'Expect' => '100-continue']);
    $http = $t->http();
    is($http->request('POST', '/inside', body => $body, version => '1.0')
           ->status, 200, 'HTTP/1.0');
};


subtest 'in mid-body' => sub {
    my $head = "POST /signed HTTP/1.1\r\nHost: a\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n";
    my $http = $t->http();

    $http->write($head);
    $http->write('400' . "\r\n" . 'x' x 1024 . "\r\n") for 1 .. 2;
    $http->write("1\r\nx");
    is_problem($http->response, 'TOO_LARGE', 'a chunk too many');

    $http = $t->http();
    $http->write("${head}3\r\nabc\r\nZZ\r\n");
    is_problem($http->response, 'MALFORMED', 'no chunk');

    $http = $t->http();
    $http->write("POST /own/conn HTTP/1.1\r\nHost: a\r\n"
                 . "Content-Length: 18\r\nExpect: 100-continue\r\n\r\n");
    is($http->response->status, 100, 'one connection');
    is_problem($t->post('/own/conn', $body), 'RATE_LIMITED', 'another',
               status => 503);
    $http->write($body);
    is($http->response->status, 200, 'the first goes on');
};


subtest 'elsewhere nginx answers as always' => sub {
    for my $case (['GET', '/none', undef, 404], ['GET', '/no', undef, 403],
                  ['POST', '/plain', 'x', 403],
                  ['POST', '/plain', 'x' x 2049, 413])
    {
        my ($method, $uri, $body, $status) = @$case;
        my $res = $t->request($method, $uri, body => $body);

        is_deeply([$res->status, $res->body], [$status, 'a page'],
                  "$uri: $status");
    }
};


subtest 'the store' => sub {
    my $send = sub { $t->post($_[0], qq({"token":"s3cret","n":"$_[1]"})) };

    $redis->command('DEL', 'intake:{inside}');
    $redis->command('SET', 'intake:{inside}', 'not a stream');
    is_problem($send->('/inside', 'wrongtype'), 'STORE_REFUSED', 'WRONGTYPE');
    $redis->command('DEL', 'intake:{inside}');
    is($send->('/inside', 'wrongtype')->json->{duplicate}, JSON::PP::false,
       'what was refused left no key');

    $redis->pause();
    is_problem($send->('/quick', 'late'), 'STORE_TIMEOUT', 'silent');
    $redis->resume();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }),
       'it is back');

    $redis->kill();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 503 }),
       'it is gone');
    is_problem($send->('/inside', 'gone'), 'STORE_UNAVAILABLE', 'gone');
};


$t->finish();
