#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Handshakes: the exact answer to those that are right, none to others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use Test::More;

use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
$t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    include %%PLATFORMS%%;

    intake_redis {
        server %%REDIS%%;
    }

    intake_source meta {
        platform      meta;
        secret        me-secret;
        verify_token  first;
        verify_token  "sec ond+";
    }
    intake_source tokenless { platform meta;  secret me-secret; }
    intake_source x         { platform x;     secret tw-secret; secret old; }
    intake_source linkedin  { platform linkedin; secret li-secret; }
    intake_source slack     { platform slack; secret sl-secret; }

    intake_platform shapes {
        algorithm  hmac-sha256;
        signature  header:X-Sig;
        signed     "$body";
        challenge  HEAD -> 200;
        challenge  POST query:validationToken
                   -> 200 text/plain "${query:validationToken}";
        challenge  POST form:challenge -> 200 text/plain "${form:challenge}";
        challenge  POST json:type=2 -> 201 text/plain "first";
        challenge  POST json:type=2 -> 202 text/plain "second";
        challenge  POST json:type=0 verified -> 204;
        challenge  POST header:X-Hook-Secret verified
                   -> 200 "header=X-Hook-Secret: ${header:X-Hook-Secret}";
        challenge  POST json:plain verified -> 200 application/json
        '{"plain":"${json:plain}","made":"$hmac(hmac-sha256,hex,json:plain)"}';
        challenge  POST json:echo verified -> 200 text/plain "${json:echo}"
                   "header=X-Echo: a${json:echo}b";
        challenge  GET query:path -> 200 text/plain
                   "$$ $method $path ${query:none}.";
        challenge  GET query:tags=a split=, -> 200 text/plain "tagged";
        challenge  GET query:ask -> 200 text/plain
                   "$hmac(sha256,hex,query:token)";
        methods    POST;
    }
    intake_source shapes { platform shapes; secret s; }

    server {
        listen  127.0.0.1:%%PORT_0%%;

        location = /meta      { intake meta; }
        location = /tokenless { intake tokenless; }
        location = /x         { intake x; }
        location = /linkedin  { intake linkedin; }
        location = /slack     { intake slack; }
        location = /shapes    { intake shapes; }
    }
}

EOC

$t->run();


my $res;

# The answer to a handshake: status, type and body.

sub answered {
    my ($name, $status, $type, $body) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status . ' ' . ($res->header('content-type') // '') . ' '
       . $res->body, "$status $type $body", $name);
    is($res->header('x-content-type-options'), 'nosniff', "$name: nosniff");
}


sub refused {
    my ($name, $status, $code) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status . ' ' . $res->json->{code}, "$status $code", $name);
}


subtest 'Meta' => sub {
    my $query = 'hub.mode=subscribe&hub.challenge=1158201444'
                . '&hub.verify_token=';

    $res = $t->get("/meta?${query}first");
    answered('first token', 200, 'text/plain', '1158201444');

    $res = $t->get("/meta?${query}sec+ond%2B");
    answered('second token, percent-decoded', 200, 'text/plain',
             '1158201444');

    $res = $t->get('/meta?hub.challenge=%3Cb%3E%0Aa+b&hub.mode=subscribe'
                   . '&hub.verify_token=first');
    answered('the challenge as it is', 200, 'text/plain', "<b>\na b");

    for my $token ('', 'firs', 'firstt', 'First', 'sec+ond',
                   'x&hub.verify_token=first')
    {
        $res = $t->get("/meta?$query$token");
        refused("token '$token'", 403, 'CHALLENGE_REFUSED');
    }

    $res = $t->get('/meta?hub.mode=subscribe&hub.challenge=1');
    refused('no token', 403, 'CHALLENGE_REFUSED');

    $res = $t->get("/tokenless?$query");
    refused('a source without tokens', 403, 'CHALLENGE_REFUSED');

    for my $other ('hub.mode=unsubscribe&hub.challenge=1', 'hub.mode='
                   . 'subscribe&hub.challenge=', 'hub.mode=subscribe', '')
    {
        $res = $t->get("/meta?$other&hub.verify_token=first");
        refused("no handshake: '$other'", 405, 'METHOD_NOT_ALLOWED');
    }

    $res = $t->post("/meta?${query}first", '{}');
    refused('POST', 401, 'SIGNATURE_MISSING');

    $res = $t->request('HEAD', "/meta?${query}first");
    is($res->status, 405, 'HEAD');
};


subtest 'X' => sub {
    my $token = '9b4507b3-9040-4669-9ca3-6b94edb50553';

    $res = $t->get("/x?crc_token=$token");
    answered('CRC', 200, 'application/json', '{"response_token":"'
             . crc_token('tw-secret', $token) . '"}');

    $res = $t->get('/x?crc_token=YWJj%2B%2F%3D%3D&nonce=1');
    answered('a token in base64', 200, 'application/json',
             '{"response_token":"' . crc_token('tw-secret', 'YWJj+/==')
             . '"}');

    # what we sign for anybody must not be a signature of a delivery

    for my $token ('%7B%22a%22:1%7D', '[]', '"', 'a=1%26b=2', 'a+b',
                   'a%0A', '%FF')
    {
        $res = $t->get("/x?crc_token=$token");
        refused("no token: $token", 403, 'CHALLENGE_REFUSED');
    }

    $res = $t->get('/x?crc_token=');
    refused('empty', 405, 'METHOD_NOT_ALLOWED');

    $res = $t->get('/shapes?ask=1&token=abc');
    answered('another condition', 200, 'text/plain',
             hmac('sha256', 'hex', 's', 'abc'));

    for my $token ('', '&token=') {
        $res = $t->get("/shapes?ask=1$token");
        refused("nothing to sign: \"$token\"", 403, 'CHALLENGE_REFUSED');
    }
};


# Who knows no secret asks for the signature of a text, and sends that text.

subtest 'an answer is no signature of a delivery' => sub {
    for my $body (qw(123 true null a=b 9b4507b3-9040-4669)) {
        my $made = $t->get("/x?crc_token=$body")->json->{response_token};

        $res = $t->post('/x', $body, ['X-Twitter-Webhooks-Signature' => $made]);
        refused("x: $body", 401, 'SIGNATURE_MISMATCH');

        $made = $t->get("/linkedin?challengeCode=hmacsha256%3D$body")->json
                ->{challengeResponse};
        is($made, hmac('sha256', 'hex', 'li-secret', "hmacsha256=$body"),
           'what would sign it');

        $res = $t->post('/linkedin', $body, ['X-LI-Signature' => $made]);
        refused("linkedin: $body", 401, 'SIGNATURE_MISMATCH');
    }
};


subtest 'Slack' => sub {
    my $body = '{"type":"url_verification","challenge":"3eZ\u0062\"<"}';

    $res = $t->post('/slack', $body, [sign_slack('sl-secret', $body)]);
    answered('signed', 200, 'text/plain', '3eZb"<');

    $res = $t->post('/slack', $body, [sign_slack('other', $body)]);
    refused('another secret', 401, 'SIGNATURE_MISMATCH');

    $res = $t->post('/slack', $body);
    refused('not signed', 401, 'SIGNATURE_MISSING');

    $res = $t->post('/slack', $body,
                    [sign_slack('sl-secret', $body, time => time() - 400)]);
    refused('old', 401, 'TIMESTAMP_RANGE');
};


sub signed {
    my ($body, @headers) = @_;

    $res = $t->post('/shapes', $body,
                    ['X-Sig' => hmac('sha256', 'hex', 's', $body), @headers]);
}


subtest 'shapes' => sub {
    $res = $t->request('HEAD', '/shapes');
    is($res->status, 200, 'HEAD');
    is($res->body, '', 'HEAD: no body');

    $res = $t->post('/shapes?validationToken=Validation%3A+x%26y', '');
    answered('POST with a query', 200, 'text/plain', 'Validation: x&y');

    $res = $t->post('/shapes', 'a=1&challenge=x%20y',
                    ['Content-Type' => 'application/x-www-form-urlencoded']);
    answered('a form', 200, 'text/plain', 'x y');

    $res = $t->post('/shapes', 'a=1&challenge=x%20y');
    refused('not a form', 401, 'SIGNATURE_MISSING');

    $res = $t->post('/shapes', '{"type":2}');
    answered('the first that matches', 201, 'text/plain', 'first');

    $res = $t->post('/shapes', '{"type":2');
    refused('a document that ends early', 401, 'SIGNATURE_MISSING');

    $res = $t->post('/shapes', '{"type":"2","type":3}');
    refused('the last of equal names', 401, 'SIGNATURE_MISSING');

    signed('{"type":0}');
    is($res->status, 204, 'no content');
    is($res->body, '', 'no content: no body');

    $res = $t->post('/shapes', '{"type":0}', ['X-Sig' => '0' x 64]);
    refused('no content, not signed', 401, 'SIGNATURE_MISMATCH');

    signed('{}', 'X-Hook-Secret' => 'b537207f');
    is($res->status, 200, 'header');
    is($res->header('x-hook-secret'), 'b537207f', 'header: sent back');

    signed('{"plain":"a\"\\\\\u0001\u00e9</x>"}');
    is($res->status, 200, 'JSON');
    is_deeply($res->json, { plain => "a\"\\\x01\xe9</x>",
        made => hmac('sha256', 'hex', 's', "a\"\\\x01\xc3\xa9</x>") },
        'JSON: escaped in the answer, not in what is signed');
    unlike($res->body, qr/</, 'JSON: no markup');

    signed('{"echo":"1\r\nX-Evil: 1\u0000\u007f\t2"}');
    is($res->header('x-echo'), "a1X-Evil: 1\t2b",
        'header: control characters left out');
    is($res->header('x-evil'), undef, 'header: none of the request\'s own');
    is($res->body, "1\r\nX-Evil: 1\0\x7f\t2", 'header: the body as it is');

    $res = $t->get('/shapes?path=%41');
    answered('words', 200, 'text/plain', '$ GET /shapes?path=%41 .');

    $res = $t->get('/shapes?tags=b,+a');
    answered('an item of a list', 200, 'text/plain', 'tagged');

    $res = $t->get('/shapes?tags=b,aa');
    refused('no item of the list', 405, 'METHOD_NOT_ALLOWED');
};


subtest 'nothing is stored' => sub {
    my $socket = IO::Socket::UNIX->new(Peer => $t->redis()->socket());
    print $socket "DBSIZE\r\n";
    is(scalar <$socket>, ":0\r\n", 'no keys');

    unlike($t->log(), qr/tw-secret|me-secret|sl-secret/, 'no secret is logged');
};


$t->finish();
