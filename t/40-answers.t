#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Every status and code, over HTTP/1.1 with a length, HTTP/1.1 in chunks and
# HTTP/2, to the byte; and that a refused delivery is not stored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;

use Intake::Problem;
use Intake::Sign;
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
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


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
);


my %ways = ways($t);

for my $way (sort keys %ways) {
    subtest "refusals: $way" => sub {
        for my $case (@refused) {
            my ($name, $request, $code, @options) = @$case;
            is_problem($ways{$way}->(@$request), $code, $name, @options);
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


subtest 'headers and URIs that change nothing' => sub {
    for my $headers (['If-None-Match' => '*'], ['If-None-Match' => '"a"'],
                     ['If-Match' => '"a"'], ['Range' => 'bytes=0-1'],
                     map { ["If-${_}modified-Since"
                            => 'Sat, 01 Jan 2000 00:00:00 GMT'] } '', 'Un')
    {
        is($t->post('/inside', $body, $headers)->status, 200, "@$headers");
    }

    is($t->post('/inside', $body, ['Content-Encoding' => $_])->status, 200,
       "Content-Encoding '$_'") for '', 'identity', 'Identity';

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
