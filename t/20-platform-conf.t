#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# intake_platform: what the grammar takes, and what it says to the rest.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Test;


my $t = Intake::Test->new();

my $main = <<'EOC';
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    include  platform.conf;
}
EOC


# A block of its own file, so that its lines are those of the message.

sub check {
    my ($block) = @_;

    $t->write_file('platform.conf', $block);

    my ($code, $output) = $t->test_config($main);

    my @said = $output =~ /^nginx: \[(?:emerg|warn)\] (.*)/mg;
    s{ in \Q$t->{dir}\E/([^ ]+)$}{ in $1} for @said;

    return ($code, @said);
}


# Lines of a platform: what it needs, then those in question from line 5 on.

sub block {
    my ($lines, $base) = @_;

    $base //= "algorithm  hmac-sha256;\n"
            . "signature  header:X-Sig;\n"
            . "signed     \"\$body\";\n";

    return "intake_platform p {\n$base$lines\n}\n";
}


sub taken {
    my ($block, $name) = @_;
    my ($code, @said) = check($block);

    is_deeply([$code, @said], [0], $name // $block =~ s/\s+/ /gr);
}


sub refused {
    my ($block, $message, $line, $name) = @_;
    my ($code, @said) = check($block);

    is_deeply([$code, @said], [1, "$message in platform.conf:$line"],
              $name // $block =~ s/\s+/ /gr);
}


# with all a platform needs but what the name says

sub base {
    my ($algorithm, $signed) = @_;

    return "algorithm $algorithm;\n"
           . "signature header:X-Sig;\n"
           . (defined $signed ? "signed '$signed';\n" : "\n");
}


my @algorithms = qw(hmac-md5 hmac-sha1 hmac-sha256 hmac-sha384 hmac-sha512
                    ed25519 ecdsa-p256-sha256 rsa-sha1 rsa-sha256);


subtest 'algorithms' => sub {
    taken(block('', base($_, '$body')), $_) for @algorithms;
    taken(block('', base($_, '$secret$body')), $_) for qw(md5 sha1 sha256);
    taken(block('', base('equal')), 'equal');
    taken(block("algorithm $_;", ''), $_) for qw(basic none);

    refused(block('', base('hmac-sha265', '$body')),
            'unknown algorithm "hmac-sha265" in "algorithm", did you mean '
            . '"hmac-sha256"?', 2);
    refused(block('', base('blowfish', '$body')),
            'unknown algorithm "blowfish" in "algorithm", write hmac-md5, '
            . 'hmac-sha1, hmac-sha256, hmac-sha384, hmac-sha512, md5, sha1, '
            . 'sha256, ed25519, ecdsa-p256-sha256, rsa-sha1, rsa-sha256, '
            . 'equal, basic, jwt-hs256, jwt-rs256, sns or none', 2);
    refused("intake_platform p {\nsignature header:A;\n}\n",
            'no "algorithm" in intake_platform "p": write how its deliveries '
            . 'are verified, such as "algorithm hmac-sha256;", or '
            . '"algorithm none;" if they cannot be', 1);

    for (@algorithms, qw(md5 sha1 sha256)) {
        my $secret = /^(?:md5|sha)/ ? '$secret' : '';

        refused(block('', base($_)),
                'no "signed" in intake_platform "p": write the string that '
                . "the sender signs, such as signed \"$secret\$body\";", 1,
                "$_ without signed");
    }

    for (@algorithms, 'equal') {
        my $signed = $_ eq 'equal' ? '' : "signed \$body;\n";

        refused(block("algorithm $_;\n$signed", ''),
                'no "signature" in intake_platform "p": write where the '
                . 'sender puts it, such as "signature header:X-Signature;"',
                1, "$_ without signature");
    }

    refused(block('', base('md5', '$body')),
            'no $secret in "signed" of intake_platform "p": everybody can '
            . 'compute a plain digest', 4);
    refused(block('', base('hmac-sha256', $_)),
            '"signed" in intake_platform "p" is the same for every request: '
            . 'write what of the request is signed, such as $body', 4)
        for '', 'text', '$method', '${conf:a}$secret', '$sorted(secret)';
};


subtest 'what an algorithm has no use for' => sub {
    for (['signed', 'signed $body;'],
         ['key', 'key encoding=base64;'],
         ['url_decode', 'url_decode on;'],
         ['url_variants', 'url_variants port;'])
    {
        my ($what, $line) = @$_;

        refused(block($line, base('equal')),
                "\"$what\" in intake_platform \"p\" has no effect with "
                . '"algorithm equal", leave it out', 5);
    }

    refused(block("algorithm none;\nsignature header:A;", ''),
            '"signature" in intake_platform "p" has no effect with '
            . '"algorithm none", leave it out', 3);
    refused(block("algorithm basic;\nsignature header:A;", ''),
            '"signature" in intake_platform "p" has no effect with '
            . '"algorithm basic", leave it out: the header is Authorization',
            3);
    refused(block("algorithm equal;\nsignature header:A encoding=hex;", ''),
            '"encoding=" of "signature" in intake_platform "p" has no effect '
            . 'with "algorithm equal", leave it out: the text is compared as '
            . 'it is', 3);
    refused(block('key strip=a;', base('sha1', '$secret$body')),
            '"key" in intake_platform "p" has no effect with "algorithm '
            . 'sha1", leave it out: $secret is the text as it is', 5);

    for ('url_variants port', 'url_decode on') {
        my ($what) = /^(\w+)/;

        refused(block("$_;"),
                "\"$what\" in intake_platform \"p\" has no effect: "
                . '"signed" has no $url', 5);
        taken(block("$_;", base('hmac-sha1', '$url')));
    }

    taken(block('url_decode off;'));
};


subtest 'sources' => sub {
    my $base = "algorithm hmac-sha256;\nsigned \$body;\n\n";

    taken(block("signature $_;", $base))
        for 'header:X-Sig', 'query:sig', 'form:sig', 'json:a.0.*.b',
            'header:A split=,', 'header:A prefix=v1=', '"form:First Name"',
            'header:A "split= " prefix=v1, encoding=base64',
            'header:A encoding=base64url "prefix=HMAC "', 'header:A "split=;"',
            'json:a.* every', 'header:A encoding=hex every split=,',
            '"header:A split=  prefix=v1,"';

    my @bad = (
        'X-Sig', '"X-Sig" in "signature" does not say where the value '
            . 'stands, write header:NAME, query:NAME, form:NAME, json:PATH, '
            . 'xml:PATH or conf:NAME',
        'heder:A', 'unknown source "heder" in "signature", did you mean '
            . '"header"?',
        'cookie:A', 'unknown source "cookie" in "signature", write header, '
            . 'query, form, json, xml, jwt or conf',
        'header:', 'no name after ":" of "header:" in "signature"',
        '"header:A B"', 'invalid header name "A B" in "signature"',
        'json:a..b', 'empty name in json path "a..b" in "signature"',
        'json:a.', 'empty name in json path "a." in "signature"',
        'json:*.*.*.*.*', 'json path "*.*.*.*.*" in "signature" has more '
            . 'than 4 "*"',
        'json:' . join('.', 1 .. 33), 'json path "' . join('.', 1 .. 33)
            . '" in "signature" has more than 32 names',
        'conf:A', 'invalid name "A" of conf: in "signature", write up to 32 '
            . 'of a-z, 0-9, "_" and "-", a letter first',
        'conf:a', '"signature" in intake_platform "p" is not of the request',
        '@.a', '"@.a" in "signature": "@" is the element of "message" and '
            . 'known only there',
        'header:A split=', '"split=" in "signature" must have one character '
            . 'after "=", such as split=, or "split=;"',
        'header:A split=ab', '"split=ab" in "signature" must have one '
            . 'character after "=", such as split=, or "split=;"',
        'header:A prefix=', '"prefix=" in "signature" is empty, leave it out',
        'header:A split=, split=.', 'duplicate "split=" of one source in '
            . '"signature"',
        'header:A prefix=a prefix=b', 'duplicate "prefix=" of one source in '
            . '"signature"',
        'header:A encoding=base46', 'unknown encoding "base46" in '
            . '"signature", write hex, base64 or base64url',
        'header:A encoding=raw', 'unknown encoding "raw" in "signature", '
            . 'write hex, base64 or base64url',
        'header:A encoding=', '"encoding=" in "signature" is empty, leave it '
            . 'out',
        'header:A encoding=hex encoding=hex', 'duplicate "encoding=" in '
            . '"signature"',
        'header:A all', '"signature" in intake_platform "p" takes SRC, '
            . 'split=, prefix=, encoding= and every',
        'split=, header:A', '"split=," in "signature" does not say where the '
            . 'value stands, write header:NAME, query:NAME, form:NAME, '
            . 'json:PATH, xml:PATH or conf:NAME',
    );

    while (my ($text, $message) = splice @bad, 0, 2) {
        refused(block("signature $text;", $base), $message, 5);
    }
};


subtest 'templates' => sub {
    my $id = "timestamp query:t tolerance=off; id query:i unsigned;";

    taken(block($id, base('hmac-sha256', $_)))
        for '$body', '$url$path', '$method$url', '$secret$body', '$crc32_body',
            '$timestamp.$body', '$id.$body', '$form_sorted', '$$$body$$',
            '$params_amp(sig)', '${body}x', '${header:X-Id}.$body',
            '${json:a.b}', '${form:First Name}', '${conf:webhook_id}$body',
            '$sorted(secret,query:timestamp,query:nonce)',
            '$sorted($secret,${query:a},$body)', '$sorted( body , path )',
            '$hmac(sha256,hex,body)', '$hmac(hmac-sha1, base64, $body)',
            '$hmac(md5,hex,${query:a})', '${hmac(sha512,hex,query:a)}',
            '$hmac(sha384,hex,$sorted(secret,query:a))', '{"a":"$body"}',
            '${header:A split=, prefix=t=}$body', 'a{$body}',
            '$sorted($sorted($sorted($sorted(body))))';

    my @bad = (
        '$bdy', 'unknown word "$bdy" in "signed", did you mean "$body"?',
        '$bodyx', 'unknown word "$bodyx" in "signed", did you mean "$body"?',
        '$crc32', 'unknown word "$crc32" in "signed", write $body, $url, '
            . '$path, $method, $secret, $timestamp, $id, $crc32_body, '
            . '$form_sorted, $params_amp, $sorted or $hmac',
        '$http_x_id', 'unknown word "$http_x_id" in "signed", write $body, '
            . '$url, $path, $method, $secret, $timestamp, $id, $crc32_body, '
            . '$form_sorted, $params_amp, $sorted or $hmac',
        'a$', 'no word after "$" in "signed", write "$$" for a dollar',
        '$$$', 'no word after "$" in "signed", write "$$" for a dollar',
        '$ body', 'no word after "$" in "signed", write "$$" for a dollar',
        '${}', 'no word after "$" in "signed", write "$$" for a dollar',
        '${body', '"${" without "}" in "signed"',
        '${body x}', '"${body x}" in "signed" is not one word',
        '${header:}', 'no name after ":" of "header:" in "signed"',
        '${hdr:A}', 'unknown source "hdr" in "signed", write header, query, '
            . 'form, json, xml, jwt or conf',
        '$header:A', 'unknown word "$header" in "signed", write braces: '
            . '"${header:...}"',
        '$sorted', '"(" is missing in "signed", write $sorted(WORD,...)',
        '$sorted()', 'empty argument of $sorted() or $hmac() in "signed"',
        '$sorted(body,)', 'empty argument of $sorted() or $hmac() in '
            . '"signed"',
        '$sorted(body', '")" is missing in "signed", write $sorted(WORD,...)',
        '$sorted(bdy)', 'unknown word "$bdy" in "signed", did you mean '
            . '"$body"?',
        '$hmac(sha256)', '"," is missing in "signed", write '
            . '$hmac(ALG,hex|base64,WORD)',
        '$hmac(sha256,hex)', '"," is missing in "signed", write '
            . '$hmac(ALG,hex|base64,WORD)',
        '$hmac(sha256,hex,body', '")" is missing in "signed", write '
            . '$hmac(ALG,hex|base64,WORD)',
        '$hmac(sha3,hex,body)', 'unknown algorithm of $hmac() "sha3" in '
            . '"signed", did you mean "sha1"?',
        '$hmac(ed25519,hex,body)', 'unknown algorithm of $hmac() "ed25519" '
            . 'in "signed", write md5, sha1, sha256, sha384 or sha512',
        '$hmac(sha256,base32,body)', 'unknown encoding of $hmac() "base32" '
            . 'in "signed", write hex or base64',
        '$params_amp', '"(" is missing in "signed", write $params_amp(NAME)',
        '$params_amp(a', '")" is missing in "signed", write '
            . '$params_amp(NAME)',
        '$params_amp()', 'no name in "$params_amp()" in "signed", write that '
            . 'of the signature, which is left out',
        '$sorted(sorted(sorted(sorted(sorted(body)))))', 'more than 4 of '
            . '$sorted() and $hmac() in each other in "signed"',
    );

    while (my ($text, $message) = splice @bad, 0, 2) {
        refused(block('', base('hmac-sha256', $text)), $message, 4);
    }

    refused(block('', base('hmac-sha256', '$timestamp$body')),
            '$timestamp in "signed" of intake_platform "p" without '
            . '"timestamp": write where it stands, such as "timestamp '
            . 'header:X-Timestamp;"', 4);
    refused(block('', base('hmac-sha256', '$id$body')),
            '$id in "signed" of intake_platform "p" without "id": write '
            . 'where it stands, such as "id header:X-Id;"', 4);
};


subtest 'keys and digests' => sub {
    taken(block("$_;"))
        for 'key encoding=raw', 'key encoding=base64 strip=whsec_',
            'key strip=whsec_', 'key encoding=hex',
            'body_digest query:bodySHA256', 'body_digest header:A split=, '
            . 'prefix=b= encoding=base64url';

    refused(block("$_->[0];"), $_->[1], 5)
        for ['key whsec_',
             '"key" in intake_platform "p" takes encoding= and strip='],
            ['key encoding=base64url',
             'unknown encoding "base64url" in "key", write raw, base64 or '
             . 'hex'],
            ['key strip=', '"strip=" in "key" is empty, leave it out'],
            ['key strip=a strip=b', 'duplicate "strip=" in "key"'],
            ['body_digest query:a encoding=hx',
             'unknown encoding "hx" in "body_digest", write hex, base64 or '
             . 'base64url'],
            ['body_digest query:a raw',
             '"body_digest" in intake_platform "p" takes SRC, split=, '
             . 'prefix= and encoding='],
            ['url_variants ports',
             '"url_variants" in intake_platform "p" must be "port": the URL '
             . 'is tried with and without its port'],
            ['url_decode yes',
             '"url_decode" in intake_platform "p" must be "on" or "off"'];
};


subtest 'timestamps' => sub {
    my $signed = base('hmac-sha256', '$timestamp$body');

    taken(block("timestamp $_;", $signed))
        for 'header:A', 'header:A split=, prefix=t=', 'header:A unit=s',
            'json:a unit=ms tolerance=1m', 'header:A tolerance=off',
            'query:t unit=rfc3339 tolerance=10m';

    taken(block('timestamp json:a;'), 'in the body');
    taken(block('timestamp header:A;', base('equal')), 'with a token');
    taken(block('timestamp header:A tolerance=off;'), 'not looked at');

    refused(block("timestamp $_->[0];", $signed), $_->[1], 5)
        for ['header:A unit=m', 'unknown unit "m" in "timestamp", write s, '
             . 'ms or rfc3339'],
            ['header:A unit=snowflake', 'unknown unit "snowflake" in '
             . '"timestamp", write s, ms or rfc3339'],
            ['header:A tolerance=5x', 'invalid tolerance "5x" in '
             . '"timestamp", write a time of whole seconds, such as 5m, or '
             . '"off"'],
            ['header:A tolerance=0', 'invalid tolerance "0" in "timestamp", '
             . 'write a time of whole seconds, such as 5m, or "off"'],
            ['header:A tolerance=10ms', 'invalid tolerance "10ms" in '
             . '"timestamp", write a time of whole seconds, such as 5m, or '
             . '"off"'],
            ['header:A tolerance=1m tolerance=2m',
             'duplicate "tolerance=" in "timestamp"'],
            ['header:A within=5m', '"timestamp" in intake_platform "p" takes '
             . 'SRC, split=, prefix=, unit= and tolerance='];

    my ($code, @said) = check(block('timestamp header:A;'));

    is_deeply([$code, @said],
              [0, '"timestamp header:a" of intake_platform "p" is not in '
                  . '"signed": it does not keep a delivery from being sent '
                  . 'again with another time in platform.conf:5'],
              'not signed');
};


subtest 'ids and types' => sub {
    taken(block("$_;"))
        for 'id json:id', 'id json:a json:b joined', 'id header:A unsigned',
            'id header:A json:b joined unsigned', 'id form:a',
            'id json:a split=, prefix=x json:b', 'type json:type',
            'type json:a json:b joined as=com.example.', 'type as=com.a.',
            'type header:X-Event as=com.a.';

    for (['id header:A', '$url${header:A}'], ['id query:a', '$path$body'],
         ['id query:a', '$url'], ['id header:A', '$id.$body'],
         ['id header:A split=, prefix=i=', '${header:A}$body'],
         ['id form:a', '$url$form_sorted'], ['id query:a', '$params_amp(s)'],
         ['timestamp header:A; id header:A', '$timestamp$body'],
         ['body_digest query:b; id json:a', '$url'])
    {
        taken(block("$_->[0];", base('hmac-sha1', $_->[1])),
              "$_->[0] in $_->[1]");
    }

    taken(block('id header:A;', base('equal')), 'with a token');
    taken(block("algorithm $_;\nid header:A;", ''), "with $_")
        for qw(basic none);

    for (['header:a', 'id header:A', '$body'],
         ['query:a', 'id query:a', '$body'],
         ['header:a', 'id json:a header:A joined', '$body'],
         ['json:a', 'id json:a', '$url'],
         ['query:s', 'id query:s', '$params_amp(s)'],
         ['header:a', 'id header:A', '${header:A split=, prefix=i=}$body'],
         ['form:a', 'methods POST GET; id form:a', '$body'])
    {
        my ($src, $line, $signed) = @$_;
        my ($code, @said) = check(block("$line;",
                                        base('hmac-sha1', $signed)));

        is_deeply([$code, @said],
                  [0, "\"id $src\" of intake_platform \"p\" is not covered "
                      . 'by "signed" and taken as unsigned: write '
                      . '"unsigned" after it, or name it in "signed" in '
                      . 'platform.conf:5'],
                  "$line, not in $signed");
    }

    refused(block("$_->[0];"), $_->[1], 5)
        for ['id joined', '"id" in intake_platform "p" names no source: '
             . 'write one, such as header:X-Request-Id'],
            ['id conf:a', '"id conf:a" in intake_platform "p" is the same '
             . 'for every delivery'],
            ['id joind json:a', '"joind" in "id" does not say where the '
             . 'value stands, write header:NAME, query:NAME, form:NAME, '
             . 'json:PATH, xml:PATH or conf:NAME'],
            ['id split=, json:a', '"split=," in "id" must follow a source '
             . 'such as header:NAME'],
            ['type joined', '"type" in intake_platform "p" names no source: '
             . 'write one, such as json:type'],
            ['type json:a as=', '"as=" in "type" is empty, leave it out'],
            ['type json:a as=b as=c', 'duplicate "as=" in "type"'];
};


subtest 'challenges' => sub {
    taken(block("challenge $_;"))
        for 'GET -> 200', 'HEAD -> 204', 'OPTIONS header:A -> 200 '
            . '"header=B: ${header:A}" "header=C: 1"',
            'GET query:a=b query:c token=query:d -> 200 text/plain '
            . '"${query:c}"',
            'POST json:type=url_verification verified -> 200 text/plain '
            . '"${json:challenge}"',
            'GET query:t -> 200 application/json '
            . '\'{"a":"sha256=$hmac(sha256,base64,query:t)"}\'',
            'POST json:p verified -> 200 application/json '
            . '\'{"a":"$hmac(sha256,hex,$body)"}\' "header=X-A: b"',
            'POST header:A split=, prefix=b= -> 503';

    refused(block("challenge $_->[0];"), $_->[1], 5)
        for ['get -> 200', 'unknown method "get" in "challenge", write GET, '
             . 'HEAD, POST, PUT, PATCH, DELETE or OPTIONS'],
            ['GET 200 text/plain', '"200" in "challenge" does not say where '
             . 'the value stands, write header:NAME, query:NAME, form:NAME, '
             . 'json:PATH, xml:PATH or conf:NAME'],
            ['GET query:a verified', 'no "->" in "challenge", write the '
             . 'answer after it, such as -> 200 text/plain '
             . '"${query:challenge}"'],
            ['GET query:a ->', 'no status after "->" in "challenge"'],
            ['GET -> ok', 'invalid status "ok" in "challenge", write one of '
             . '200 to 599'],
            ['GET -> 101', 'invalid status "101" in "challenge", write one '
             . 'of 200 to 599'],
            ['GET -> 600', 'invalid status "600" in "challenge", write one '
             . 'of 200 to 599'],
            ['GET -> 200 text/plain', 'no template after the type '
             . '"text/plain" in "challenge", write 200 TYPE "TEMPLATE"'],
            ['GET -> 200 text/plain "header=A: b"', 'no template after the '
             . 'type "text/plain" in "challenge", write 200 TYPE "TEMPLATE"'],
            ['GET -> 200 plain a', 'invalid type "plain" in "challenge", '
             . 'write one such as text/plain or application/json'],
            ['GET -> 204 text/plain a', 'status 204 in "challenge" has no '
             . 'body, the template behind "text/plain" must be empty'],
            ['GET -> 200 text/plain a b', 'unknown "b" in "challenge" after '
             . '"->", which is STATUS [TYPE "TEMPLATE"] '
             . '["header=NAME: TEMPLATE"]...'],
            ['GET -> 200 text/plain $chalenge', 'unknown word "$chalenge" in '
             . '"challenge", write $body, $url, $path, $method, $secret, '
             . '$timestamp, $id, $crc32_body, $form_sorted, $params_amp, '
             . '$sorted or $hmac'],
            ['GET -> 200 text/plain $secret', '"$secret" in "challenge" '
             . 'would send the secret, it may stand in "signed" only'],
            ['GET -> 200 text/plain $sorted(secret,query:a)', '"$secret" in '
             . '"challenge" would send the secret, it may stand in "signed" '
             . 'only'],
            ['GET query:a= -> 200', 'no value after "query:a=" in '
             . '"challenge", write SRC=VALUE, or SRC for any value'],
            ['GET "header:A split=," -> 200', '"header:A split=," in '
             . '"challenge": write split= and prefix= as arguments of their '
             . 'own after it'],
            ['GET token=query:a token=query:b -> 200', 'duplicate "token=" '
             . 'in "challenge"'],
            ['GET token=a -> 200', '"a" in "challenge" does not say where '
             . 'the value stands, write header:NAME, query:NAME, form:NAME, '
             . 'json:PATH, xml:PATH or conf:NAME'],
            ['GET split=, -> 200', '"split=," in "challenge" must follow a '
             . 'source such as header:NAME'],
            ['GET -> 200 "header=A b"', 'no name and ":" in "header=A b" in '
             . '"challenge", write "header=NAME: TEMPLATE"'],
            ['GET -> 200 "header=A B: c"', 'invalid header name "A B" in '
             . '"challenge"'],
            ['GET -> 200 "header=Content-Type: c"', 'header "Content-Type" '
             . 'in "challenge" is written by nginx, leave it out'],
            ['GET -> 200 "header=A: b\\nC: d"', 'control character in header '
             . '"A" in "challenge"'],
            ['GET -> 200 text/plain $hmac(sha256,hex,body)', '$hmac() in '
             . '"challenge" without "verified" would sign deliveries for '
             . 'anybody, write it in the body with one source, such as '
             . '$hmac(sha256,hex,query:NAME)'],
            ['GET query:a -> 200 "header=A: $hmac(sha256,hex,query:a)"',
             '$hmac() in "challenge" without "verified" would sign '
             . 'deliveries for anybody, write it in the body with one '
             . 'source, such as $hmac(sha256,hex,query:NAME)'],
            ['GET -> 200 text/plain $sorted($hmac(sha256,hex,query:a))',
             '$hmac() in "challenge" without "verified" would sign '
             . 'deliveries for anybody, write it in the body with one '
             . 'source, such as $hmac(sha256,hex,query:NAME)'];
};


subtest 'messages' => sub {
    taken(block("message $_;"))
        for 'inbound conversation=json:a', 'outbound conversation=header:A '
            . 'conversation=form:b id=json:c|json:d',
            'auto conversation=conf:a',
            'inbound each=json:direct_message_events.* '
            . 'when=@.message_create.sender_id!=json:for_user_id '
            . 'conversation=json:for_user_id '
            . 'conversation=@.message_create.sender_id id=@.id '
            . 'time=@.created_timestamp unit=ms',
            'inbound when=@.a|@.b==json:c each=json:d.* conversation=@',
            'inbound when=json:a when=json:a=1|2 unless=json:a==json:b '
            . 'unless=json:a|json:c!=json:b|json:d conversation=@.a',
            'inbound conversation=header:A split=, prefix=b= time=json:t '
            . 'unit=rfc3339', 'inbound conversation=json:a time=json:id '
            . 'unit=snowflake', 'inbound conversation=json:a time=json:t '
            . 'unit=s', 'inbound when=header:A prefix=b conversation=json:a';

    refused(block("message $_->[0];"), $_->[1], 5)
        for ['inbond conversation=json:a', 'unknown direction "inbond" in '
             . '"message", write inbound, outbound or auto'],
            ['both conversation=json:a', 'unknown direction "both" in '
             . '"message", write inbound, outbound or auto'],
            ['inbound when=json:a', '"message" in intake_platform "p" has no '
             . '"conversation=": write where the customer\'s or thread\'s id '
             . 'stands, such as conversation=json:from.id'],
            ['inbound conversaton=json:a', 'unknown parameter "conversaton" '
             . 'in "message", did you mean "conversation"?'],
            ['inbound conversation=', 'no value of "conversation=" in '
             . '"message"'],
            ['inbound conversation', 'no value of "conversation=" in '
             . '"message"'],
            ['inbound from=json:a', 'unknown parameter "from" in "message", '
             . 'write each, when, unless, conversation, id, time or unit'],
            ['inbound each=form:a conversation=@', '"each=form:a" in '
             . '"message" must be each=json:PATH'],
            ['inbound each=json:a.* each=json:b.* conversation=@',
             'duplicate "each=" in "message"'],
            ['inbound conversation=@', '"@" in "message" without "each=" is '
             . 'the whole delivery, which is no value'],
            ['inbound each=json:a.* conversation=@b', '"@b" in "message": '
             . 'write "@" or "@.NAME"'],
            ['inbound each=json:a.*.*.* conversation=@.*.*', 'json path '
             . '"a.*.*.*.*.*" in "message" has more than 4 "*"'],
            ['inbound conversation=json:a|', '"" in "message" does not say '
             . 'where the value stands, write header:NAME, query:NAME, '
             . 'form:NAME, json:PATH, xml:PATH or conf:NAME'],
            ['inbound conversation=json:a when=json:b=', 'empty value after '
             . '"=" in "message", write REF=VALUE, or REF alone for any '
             . 'value'],
            ['inbound conversation=json:a when=json:b=1||2', 'empty value '
             . 'after "=" in "message", write REF=VALUE, or REF alone for '
             . 'any value'],
            ['inbound conversation=json:a when=json:b==c', '"c" in "message" '
             . 'does not say where the value stands, write header:NAME, '
             . 'query:NAME, form:NAME, json:PATH, xml:PATH or conf:NAME'],
            ['inbound conversation=json:a unit=s', '"message" in '
             . 'intake_platform "p" has "unit=" without "time="'],
            ['inbound conversation=json:a time=json:b unit=m',
             'unknown unit "m" in "message", write s, ms, rfc3339 or '
             . 'snowflake'],
            ['inbound conversation=json:a time=json:b time=json:c',
             'duplicate "time=" in "message"'],
            ['inbound conversation=json:a time=json:b unit=s unit=s',
             'duplicate "unit=" in "message"'],
            ['inbound split=, conversation=json:a', '"split=," in "message" '
             . 'must follow a source such as header:NAME'];
};


subtest 'the rest' => sub {
    taken(block("$_;"))
        for 'methods POST', 'methods POST GET', 'dedupe window=1d',
            'dedupe window=7d key=id on_duplicate=mark',
            'dedupe window=1h key=body on_duplicate=drop', 'dedupe key=none',
            'answer 200', 'answer 204', 'answer 202 text/plain ok',
            'answer 200 application/json \'{"id":"$id"}\'',
            'headers X-A x-b', 'max_body 512m', 'deadline 800ms';

    refused(block("$_->[0];"), $_->[1], 5)
        for ['methods PUT', 'unknown method "PUT" in "methods", write POST '
             . 'or GET'],
            ['dedupe 1d', '"dedupe" in intake_platform "p" takes window=, '
             . 'key= and on_duplicate='],
            ['dedupe key=body', '"dedupe" in intake_platform "p" has no '
             . '"window=": write the time in which the sender repeats '
             . 'itself, such as window=1d'],
            ['dedupe window=0', 'invalid time "window=0" in "dedupe", write '
             . 'one such as window=1d'],
            ['dedupe window=1x', 'invalid time "window=1x" in "dedupe", '
             . 'write one such as window=1d'],
            ['dedupe window=1d window=2d', 'duplicate "window=" in "dedupe"'],
            ['dedupe window=1d key=ids', 'unknown key "ids" in "dedupe", '
             . 'write id, body or none'],
            ['dedupe window=1d on_duplicate=keep', 'unknown on_duplicate '
             . '"keep" in "dedupe", write drop or mark'],
            ['answer 302', 'invalid status "302" in "answer", write one of '
             . '200 to 299'],
            ['answer 2', 'invalid status "2" in "answer", write one of 200 '
             . 'to 299'],
            ['answer 200 text/plain', 'no template after the type '
             . '"text/plain" in "answer", write 200 TYPE "TEMPLATE"'],
            ['answer 204 text/plain a', 'status 204 in "answer" has no body, '
             . 'the template behind "text/plain" must be empty'],
            ['answer 200 "header=A: b"', 'unknown "header=A: b" in "answer", '
             . 'which is STATUS [TYPE "TEMPLATE"]'],
            ['answer 200 text/plain $secret', '"$secret" in "answer" would '
             . 'send the secret, it may stand in "signed" only'],
            ['answer 200 text/plain $timestamp', '$timestamp in "answer" of '
             . 'intake_platform "p" without "timestamp"'],
            ['headers X-A Authorization', 'header "Authorization" in '
             . '"headers" is a credential and never stored, leave it out'],
            ['headers cookie', 'header "cookie" in "headers" is a credential '
             . 'and never stored, leave it out'],
            ['headers X-A x-a', 'duplicate header "x-a" in "headers"'],
            ['headers "X A"', 'invalid header name "X A" in "headers"'],
            ['max_body 513m', '"max_body" in intake_platform "p" is larger '
             . 'than 512m, which Redis takes in one value'],
            ['max_body a', '"max_body" in intake_platform "p" must be a size '
             . 'such as 64k or 1m'],
            ['deadline a', '"deadline" in intake_platform "p" must be a time '
             . 'such as 500ms, 2s or 5m'],
            ['singed $body', 'unknown directive "singed" in intake_platform '
             . '"p", did you mean "signed"?'],
            ['signed $path', 'duplicate "signed" in intake_platform "p": '
             . 'write it once'];

    refused(block('headers X-Other X-Sig;', base('equal')),
            'header "x-sig" in "headers" is the secret of platform "p" and '
            . 'never stored, leave it out', 5);
    taken(block('headers X-Sig;'), 'a signature may be kept');

    my @paths = map { "json:a$_" } 1 .. 65;

    taken(block("id @paths[0 .. 63];"), '64 paths');
    taken(block("id @paths[0 .. 63];\ntype json:a1;"), 'shared ones');
    refused(block("id @paths;"), 'json path "a65" in "id" is one too many: a '
            . 'block may read 64', 5, '65 paths');
};


subtest 'blocks' => sub {
    my $good = "algorithm none;\n";

    taken("intake_platform $_ {\n$good}\n") for 'a', 'a-b_1', 'x' x 32;

    refused("intake_platform $_ {\n$good}\n",
            "invalid name \"$_\" of intake_platform: up to 32 of a-z, 0-9, "
            . '"_" and "-", a letter first', 1)
        for 'A', '1a', 'a.b', 'x' x 33;

    refused("intake_platform p {\n$good}\nintake_platform p {\n$good}\n",
            "duplicate intake_platform \"p\": the first is in "
            . "$t->{dir}/platform.conf:1", 4);

    $t->write_file('more.conf', "algorithm hmac-sha256;\n\nsignature A;\n");

    my ($code, @said) = check("intake_platform p {\ninclude more.conf;\n}\n");

    is_deeply([$code, @said],
              [1, '"A" in "signature" does not say where the value stands, '
                  . 'write header:NAME, query:NAME, form:NAME, json:PATH, '
                  . 'xml:PATH or conf:NAME in more.conf:3'],
              'an included file');

    my $text = $main =~ s/include .*/intake_platform p { algorithm nome; }/r;
    my ($line) = grep { (split /\n/, $t->expand($text))[$_ - 1] =~ /nome;/ }
                 1 .. split /\n/, $t->expand($text);

    ($code, my $output) = $t->test_config($text);
    like($output, qr/unknown\ algorithm\ "nome"\ in\ "algorithm",\ did\ you
                     \ mean\ "none"\?\ in\ \S+test\.conf:$line\n/x,
         'the file itself');
};


subtest 'presets' => sub {
    my ($code, $output) = $t->test_config(<<'EOC');
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    include  %%PLATFORMS%%;
}
EOC

    is($code, 0, 'taken');
    unlike($output, qr/\[(?:warn|emerg)\]/, 'without a word');
};


$t->finish();
