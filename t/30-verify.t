#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Signatures and times: what is accepted, and that nothing else is.  Every
# body here is signed by the test itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha1_hex sha256_hex);
use MIME::Base64 qw(encode_base64);
use Test::More;

use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
$t->redis();

my $whsec = 'whsec_' . encode_base64('standard-webhooks key', '');
my %keys;

for my $kind (qw(ed25519 ec rsa)) {
    my @options = $kind eq 'ec' ? ('-algorithm', 'EC', '-pkeyopt',
                                   'ec_paramgen_curve:P-256')
                : $kind eq 'rsa' ? ('-algorithm', 'RSA', '-pkeyopt',
                                    'rsa_keygen_bits:2048')
                : ('-algorithm', 'ed25519');
    my $path = $t->path("$kind.key");

    system("openssl genpkey @options -out $path 2>/dev/null") == 0
        or BAIL_OUT('openssl genpkey');
    system("openssl pkey -in $path -pubout -out $path.pub") == 0
        or BAIL_OUT('openssl pkey');
    chmod 0600, "$path.pub";
    $keys{$kind} = $path;
}

$t->write_file_expand('nginx.conf', <<'EOC' =~ s/%%WHSEC%%/$whsec/r);

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    include %%PLATFORMS%%;

    intake_redis {
        server %%REDIS%%;
    }

    intake_source github   { platform github;   secret gh-secret; }
    intake_source stripe   { platform stripe;   secret whsec_st; }
    intake_source slack    { platform slack;    secret sl-secret; }
    intake_source meta     { platform meta;     secret me-secret; }
    intake_source x        { platform x;        secret tw-secret; }
    intake_source standard {
        platform  standard-webhooks;
        secret    %%WHSEC%%;
    }

    intake_source rotation {
        platform  github;
        secret    old-secret id=old;
        secret    new-secret id=new;
    }

    intake_source off {
        platform   slack;
        secret     sl-secret;
        tolerance  off;
    }

    intake_platform plain-equal {
        algorithm  equal;
        signature  header:X-Token;
        dedupe     window=1h key=none;
    }
    intake_source equal { platform plain-equal; secret one; secret two; }

    intake_platform every-element {
        algorithm  equal;
        signature  json:value.*.state every;
    }
    intake_source every { platform every-element; secret st4te; }

    intake_platform every-signature {
        algorithm  hmac-sha256;
        signature  header:X-Sig split=, every;
        signed     "$body";
    }
    intake_source every-sig { platform every-signature; secret s; }

    intake_platform user-and-password {
        algorithm  basic;
        dedupe     window=1h key=none;
    }
    intake_source basic {
        platform  user-and-password;
        secret    "user:pass:word";
        secret    "other:x";
    }

    intake_platform nobody {
        algorithm  none;
        dedupe     window=1h key=none;
    }
    intake_source open { platform nobody; }

    intake_platform digest {
        algorithm  sha256;
        signature  header:X-Sig;
        signed     "$secret$method$url$body";
        methods    POST GET;
    }
    intake_source digest {
        platform  digest;
        secret    a;
        secret    b;
        url_base  https://example.com;
    }

    intake_platform ports {
        algorithm     hmac-sha1;
        signature     header:X-Sig encoding=base64;
        signed        "$url$form_sorted";
        url_variants  port;
        body_digest   query:bodySHA256;
        methods       POST GET;
    }
    intake_source ports {
        platform  ports;
        secret    token;
        url_base  https://example.com:8443;
    }
    intake_source portless {
        platform  ports;
        secret    token;
        url_base  http://example.com;
    }

    intake_platform decoded {
        algorithm   hmac-sha256;
        signature   header:X-Sig encoding=base64;
        signed      "$method$url$body";
        url_decode  on;
    }
    intake_source decoded {
        platform  decoded;
        secret    key;
        url_base  https://example.com;
    }

    intake_platform params {
        algorithm  md5;
        signature  form:sig;
        signed     "$params_amp(sig)$secret";
        methods    POST GET;
    }
    intake_source params { platform params; secret pw; }

    intake_platform sorted {
        algorithm  sha1;
        signature  query:signature;
        timestamp  query:timestamp;
        signed     "$sorted($secret,${query:timestamp},${query:nonce})";
    }
    intake_source sorted { platform sorted; secret MMM; }

    intake_platform inside {
        algorithm  hmac-sha256;
        signature  json:signature.signature;
        timestamp  json:signature.timestamp;
        signed     "${json:signature.timestamp}${json:signature.token}";
    }
    intake_source inside { platform inside; secret key; }

    intake_platform words {
        algorithm  hmac-sha512;
        signature  header:X-Sig encoding=base64url;
        key        encoding=hex;
        id         header:X-Id;
        signed     "$$ $path|$id|$crc32_body|${conf:name}|${header:X-H}";
    }
    intake_source words {
        platform  words;
        secret    00ff80;
        set       name "a;b";
    }

    intake_platform ed25519 {
        algorithm  ed25519;
        signature  header:X-Sig;
        timestamp  header:X-Time tolerance=off;
        signed     "$timestamp$body";
    }
    intake_source ed25519 { platform ed25519; secret file:ed25519.key.pub; }

    intake_platform ecdsa {
        algorithm  ecdsa-p256-sha256;
        signature  header:X-Sig encoding=base64;
        signed     "$body";
    }
    intake_source ecdsa { platform ecdsa; secret file:ec.key.pub; }

    intake_platform rsa {
        algorithm  rsa-sha256;
        signature  header:X-Sig encoding=base64;
        signed     "$body";
    }
    intake_source rsa { platform rsa; secret file:rsa.key.pub; }

    server {
        listen                       127.0.0.1:%%PORT_0%%;
        keepalive_requests           100000;
        large_client_header_buffers  4 64k;

        location = /github    { intake github; }
        location = /stripe    { intake stripe; }
        location = /slack     { intake slack; }
        location = /meta      { intake meta; }
        location = /x         { intake x; }
        location = /standard  { intake standard; }
        location = /rotation  { intake rotation; }
        location = /off       { intake off; }
        location = /equal     { intake equal; }
        location = /every     { intake every; }
        location = /every-sig { intake every-sig; }
        location = /basic     { intake basic; }
        location = /open      { intake open; }
        location = /digest    { intake digest; }
        location = /ports     { intake ports; }
        location = /portless  { intake portless; }
        location /decoded     { intake decoded; }
        location = /params    { intake params; }
        location = /sorted    { intake sorted; }
        location = /inside    { intake inside; }
        location = /words     { intake words; }
        location = /ed25519   { intake ed25519; }
        location = /ecdsa     { intake ecdsa; }
        location = /rsa       { intake rsa; }
    }
}

EOC

$t->run();


# One keep-alive connection for all of a subtest.

my $http;

sub said {
    my ($res) = @_;

    return 'nothing' unless $res;
    return $res->status . ' ' . ($res->status == 200 ? 'OK'
                                                     : $res->json->{code});
}


sub answer {
    my ($uri, $body, $headers, %opt) = @_;

    $http //= $t->http();
    my $res = $http->request($opt{method} // 'POST', $uri, headers => $headers,
                             defined $body ? (body => $body) : (), %opt);
    $http = undef if !$res || ($res->header('connection') // '') eq 'close';

    return said($res);
}


sub accepted {
    my ($name, @request) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(answer(@request), '200 OK', $name);
}


sub refused {
    my ($code, $name, @request) = @_;
    my $status = $code eq 'MALFORMED' ? 400 : 401;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(answer(@request), "$status $code", $name);
}


# A list of pairs with one header replaced, or without it.

sub with {
    my ($headers, $name, $value) = @_;
    my @pairs = @$headers;
    my @new;

    while (my ($n, $v) = splice @pairs, 0, 2) {
        next if lc $n eq lc $name && !defined $value;
        push @new, $n, lc $n eq lc $name ? $value : $v;
    }

    return \@new;
}


sub value {
    my ($headers, $name) = @_;
    for (my $i = 0; $i < @$headers; $i += 2) {
        return $headers->[$i + 1] if lc $headers->[$i] eq lc $name;
    }
}


# The schemes of well-known senders.  sign: the headers; header: where the
# signature stands, after prefix; time, id: headers that are signed too.

my $b64 = 'base64';

my @schemes = (
    { name => 'github', secret => 'gh-secret', sign => \&sign_github,
      header => 'X-Hub-Signature-256', prefix => 'sha256=' },
    { name => 'stripe', secret => 'whsec_st', sign => \&sign_stripe,
      header => 'Stripe-Signature', prefix => 'v1=',
      time => 'Stripe-Signature', time_prefix => 't=' },
    { name => 'slack', secret => 'sl-secret', sign => \&sign_slack,
      header => 'X-Slack-Signature', prefix => 'v0=',
      time => 'X-Slack-Request-Timestamp' },
    { name => 'meta', secret => 'me-secret', sign => \&sign_meta,
      header => 'X-Hub-Signature-256', prefix => 'sha256=' },
    { name => 'x', secret => 'tw-secret', sign => \&sign_x,
      header => 'X-Twitter-Webhooks-Signature', prefix => 'sha256=',
      encoding => $b64 },
    { name => 'standard', secret => $whsec, sign => \&sign_standard,
      header => 'webhook-signature', prefix => 'v1,', encoding => $b64,
      time => 'webhook-timestamp', id => 'webhook-id' },
);

my $json = '{"id":"evt_1","type":"a.b","text":"Gr\u00fc\u00dfe"}';


# How many of the texts are accepted, each at the place in which change()
# puts it.

sub count_accepted {
    my ($change, @texts) = @_;
    my @accepted = grep { answer($change->($_)) eq '200 OK' } @texts;

    diag("accepted: $_") for @accepted;
    return scalar @accepted;
}


# The text with one byte changed, once for each of its bytes from $from on.

sub changes {
    my ($text, $from) = @_;

    return map {
        my $copy = $text;
        substr($copy, $_, 1) = chr(ord(substr $copy, $_, 1) ^ 1);
        $copy;
    } ($from // 0) .. length($text) - 1;
}


for my $scheme (@schemes) {
    my ($name, $secret, $sign) = @$scheme{qw(name secret sign)};
    my $uri = "/$name";

    subtest $name => sub {
        $http = undef;

        my $headers = [$sign->($secret, $json)];
        my $at = $scheme->{header};
        my $signature = value($headers, $at);
        my ($start) = $signature =~ /(.*\Q$scheme->{prefix}\E)/;
        my $own = substr $signature, length $start;

        # what is right; none is what the handshake of X signs for anybody

        my %bodies = (
            'a document' => $json,
            'a final newline' => "$json\r\n",
            'no document' => "\0\xff\xfe raw \xc3\x28\0\r\n",
            'one byte' => '{',
            'long' => '{' x 200_000,
        );

        accepted($_, $uri, $bodies{$_}, [$sign->($secret, $bodies{$_})])
            for sort keys %bodies;

        accepted('an empty body', $uri, '', [$sign->($secret, '')]);
        accepted('chunks', $uri, $json, $headers, chunked => 7);
        accepted('names of the headers in capitals', $uri, $json,
                 [map { $_ % 2 ? $headers->[$_] : uc $headers->[$_] }
                  0 .. $#$headers]);

        # what was changed on the way

        is(count_accepted(sub { ($uri, $_[0], $headers) }, changes($json)),
            0, 'every byte of the body counts');
        refused('SIGNATURE_MISMATCH', 'body cut', $uri, substr($json, 0, -1),
                $headers);
        refused('SIGNATURE_MISMATCH', 'body longer', $uri, "$json\n",
                $headers);
        refused('SIGNATURE_MISMATCH', 'body left out', $uri, '', $headers);

        is(count_accepted(
                sub { ($uri, $json, with($headers, $at, $_[0])) },
                changes($signature, length $start)),
            0, 'every byte of the signature counts');

        if ($scheme->{time}) {
            my $text = value($headers, $scheme->{time});
            my ($digits) = $text =~ /(\d+)/;

            is(count_accepted(
                    sub {
                        my $new = $text =~ s/\d+/$_[0]/r;
                        ($uri, $json, with($headers, $scheme->{time}, $new));
                    }, changes($digits)),
                0, 'every digit of the time counts');
        }

        if ($scheme->{id}) {
            my $id = value($headers, $scheme->{id});

            is(count_accepted(
                    sub { ($uri, $json, with($headers, $scheme->{id}, $_[0])) },
                    changes($id)),
                0, 'every byte of the id counts');
            refused('SIGNATURE_MISSING', 'no id', $uri, $json,
                    with($headers, $scheme->{id}));
            refused('SIGNATURE_MISSING', 'empty id', $uri, $json,
                    with($headers, $scheme->{id}, ''));
        }

        # signatures that are none

        refused('SIGNATURE_MISSING', 'no signature', $uri, $json,
                with($headers, $at));
        refused('SIGNATURE_MISSING', 'empty header', $uri, $json,
                with($headers, $at, ''));
        refused('SIGNATURE_MISSING', 'empty signature', $uri, $json,
                with($headers, $at, $start));
        refused('SIGNATURE_MISSING', 'without its prefix', $uri, $json,
                with($headers, $at, $own));
        refused('SIGNATURE_MISMATCH', $_->[0], $uri, $json,
                with($headers, $at, $start . $_->[1]))
            for ['one character less', substr $own, 0, -1],
                ['half', substr $own, 0, 16],
                ['one character more', "${own}0"],
                ['twice', $own x 2],
                ['no characters of its encoding', '!' x length $own],
                ['another secret',
                 substr value([$sign->("$secret-", $json)], $at),
                        length $start];

        my $other = $scheme->{encoding} ? 'hex' : $b64;
        my $raw = $scheme->{encoding} ? MIME::Base64::decode_base64($own)
                                      : pack 'H*', $own;

        refused('SIGNATURE_MISMATCH', "in $other", $uri, $json,
                with($headers, $at, $start . ($other eq 'hex'
                                              ? unpack 'H*', $raw
                                              : encode_base64($raw, ''))));

        accepted('hex in capitals', $uri, $json,
                 with($headers, $at, $start . uc $own))
            unless $scheme->{encoding};

        # several of them

        my $bad = $start . ($scheme->{encoding} ? 'A' x 43 : '0' x 64);

        accepted('a second header', $uri, $json, [$at => $bad, @$headers]);
        accepted('the first of two headers', $uri, $json,
                 [@$headers, $at => $bad])
            unless ($scheme->{time} // '') eq $at;
        accepted('the eighth', $uri, $json, [($at => $bad) x 7, @$headers]);
        refused('SIGNATURE_MISMATCH', 'not the ninth', $uri, $json,
                [($at => $bad) x 8, @$headers]);

        test_times($scheme) if $scheme->{time};
    };
}


sub test_times {
    my ($scheme) = @_;
    my ($name, $secret, $sign) = @$scheme{qw(name secret sign)};
    my $now = time();
    my $prefix = $scheme->{time_prefix} // '';

    my $signed = sub {
        my $headers = [$sign->($secret, $json, time => $_[0])];
        return ("/$name", $json, $headers);
    };

    accepted('the past', $signed->($now - 290));
    accepted('the future', $signed->($now + 290));
    accepted('a fraction', $signed->("$now.123"));
    refused('TIMESTAMP_RANGE', "$_->[0]", $signed->($_->[1]))
        for ['too old', $now - 310],
            ['too new', $now + 310],
            ['milliseconds', "${now}000"],
            ['zero', '0'],
            ['negative', "-$now"],
            ['a sign', "+$now"],
            ['hexadecimal', sprintf '0x%x', $now],
            ['an exponent', '1e9'],
            ['more digits than there are', '9' x 40],
            ['a word', 'now'],
            ['two', "$now $now"],
            ['a date', '2026-11-21T00:00:00Z'];

    my ($uri, $body, $headers) = $signed->($now);
    my $text = value($headers, $scheme->{time});

    refused('TIMESTAMP_MISSING', 'no time', $uri, $body,
            with($headers, $scheme->{time},
                 $prefix ? $text =~ s/\b\Q$prefix\E\d+,?//r : undef));
    refused('TIMESTAMP_MISSING', 'empty time', $uri, $body,
            with($headers, $scheme->{time}, $prefix . $text =~ s/.*?\d+//r));

    # the first of two is the one that is signed and tested

    my $two = $prefix ? "$prefix" . ($now - 310) . ",$text"
                      : $now - 310;

    if ($prefix) {
        refused('TIMESTAMP_RANGE', 'another time in front', $uri, $body,
                with($headers, $scheme->{time}, $two));
    } else {
        refused('TIMESTAMP_RANGE', 'another time in front', $uri, $body,
                [$scheme->{time} => $two, @$headers]);
    }
}


subtest 'rotation' => sub {
    accepted($_, '/rotation', $json, [sign_github($_, $json)])
        for qw(old-secret new-secret);
    refused('SIGNATURE_MISMATCH', $_, '/rotation', $json,
            [sign_github($_, $json)])
        for qw(old new old-secre gh-secret);
};


subtest 'tolerance off' => sub {
    accepted("time $_", '/off', $json,
             [sign_slack('sl-secret', $json, time => $_)])
        for 1, 2_000_000_000;
    refused('TIMESTAMP_RANGE', 'still a time', '/off', $json,
            [sign_slack('sl-secret', $json, time => 'x')]);
    refused('TIMESTAMP_MISSING', 'still there', '/off', $json,
            with([sign_slack('sl-secret', $json)],
                 'X-Slack-Request-Timestamp'));
};


subtest 'equal' => sub {
    accepted($_, '/equal', 'x', ['X-Token' => $_]) for qw(one two);
    refused('SIGNATURE_MISMATCH', "'$_'", '/equal', 'x', ['X-Token' => $_])
        for 'on', 'onee', 'One', 'onetwo', 'one,two';
    refused('SIGNATURE_MISSING', 'none', '/equal', 'x', []);
    refused('SIGNATURE_MISSING', 'empty', '/equal', 'x', ['X-Token' => '']);
    accepted('one of several', '/equal', 'x',
             ['X-Token' => 'three', 'X-Token' => 'two']);
};


subtest 'every' => sub {
    my $body = sub {
        '{"value":[' . join(',', map { qq({"state":$_}) } @_) . ']}';
    };
    my $ok = '"st4te"';

    accepted('one', '/every', $body->($ok), []);
    accepted('more than eight', '/every', $body->(($ok) x 50), []);
    accepted('an escape', '/every', $body->('"\u0073t4te"'), []);
    refused('SIGNATURE_MISMATCH', 'one of them wrong', '/every',
            $body->(($ok) x 20, '"x"', ($ok) x 20), []);
    refused('SIGNATURE_MISMATCH', 'the last one wrong', '/every',
            $body->(($ok) x 20, '"x"'), []);
    refused('SIGNATURE_MISMATCH', 'an empty one', '/every',
            $body->($ok, '""'), []);
    refused('SIGNATURE_MISMATCH', 'an element without one', '/every',
            '{"value":[{"state":"st4te"},{"other":"x"}]}', []);
    refused('SIGNATURE_MISMATCH', 'an element that is no object', '/every',
            '{"value":[{"state":"st4te"},"st4te"]}', []);
    refused('SIGNATURE_MISSING', 'none', '/every', '{"value":[]}', []);
    refused('SIGNATURE_MISSING', 'no text', '/every',
            $body->('null', '{}', '[]'), []);
    refused('SIGNATURE_MISMATCH', 'a number', '/every', $body->('4'), []);
    refused('SIGNATURE_MISMATCH', 'the last of equal names', '/every',
            '{"value":[{"state":"st4te","state":"x"}]}', []);
    refused('SIGNATURE_MISMATCH', 'the last of equal lists', '/every',
            '{"value":[{"state":"st4te"}],"value":[{"state":"x"}]}', []);

    my $sig = hmac('sha256', 'hex', 's', 'x');

    accepted('signatures', '/every-sig', 'x', ['X-Sig' => "$sig, $sig"]);
    refused('SIGNATURE_MISMATCH', 'one signature wrong', '/every-sig', 'x',
            ['X-Sig' => "$sig," . '0' x 64]);
    refused('SIGNATURE_MISMATCH', 'one signature unreadable', '/every-sig',
            'x', ['X-Sig' => "$sig,x"]);
    refused('SIGNATURE_MISMATCH', 'too many signatures', '/every-sig', 'x',
            ['X-Sig' => join ',', ($sig) x 9]);
};


subtest 'basic' => sub {
    my $header = sub { ['Authorization' => $_[0]
                        . encode_base64($_[1], '')] };

    accepted('first', '/basic', 'x', $header->('Basic ', 'user:pass:word'));
    accepted('second', '/basic', 'x', $header->('basic  ', 'other:x'));
    refused('CREDENTIALS', "'$_'", '/basic', 'x', $header->('Basic ', $_))
        for 'user:pass', 'user', '', 'user:pass:wordx', 'other:X',
            "user:pass:word\0";
    refused('CREDENTIALS', 'none', '/basic', 'x', []);
    refused('CREDENTIALS', 'another scheme', '/basic', 'x',
            $header->('Bearer ', 'other:x'));
    refused('CREDENTIALS', 'not in base64', '/basic', 'x',
            ['Authorization' => 'Basic other:x']);
    refused('CREDENTIALS', 'empty', '/basic', 'x',
            ['Authorization' => 'Basic']);
};


subtest 'none' => sub {
    accepted('anybody', '/open', 'x', []);
};


subtest 'plain digest with the secret' => sub {
    my $url = 'https://example.com/digest?a=1';

    accepted("secret $_", '/digest?a=1', 'x',
             ['X-Sig' => sha256_hex("${_}POST${url}x")]) for qw(a b);
    accepted('GET', '/digest?a=1', undef,
             ['X-Sig' => sha256_hex("aGET$url")], method => 'GET');
    refused('SIGNATURE_MISMATCH', 'another method', '/digest?a=1', 'x',
            ['X-Sig' => sha256_hex("aGET${url}x")]);
    refused('SIGNATURE_MISMATCH', 'another query', '/digest?a=2', 'x',
            ['X-Sig' => sha256_hex("aPOST${url}x")]);
    refused('SIGNATURE_MISMATCH', 'another secret', '/digest?a=1', 'x',
            ['X-Sig' => sha256_hex("cPOST${url}x")]);
    refused('SIGNATURE_MISMATCH', 'the Host is not asked', '/digest', 'x',
            ['Host' => 'evil.example',
             'X-Sig' => sha256_hex('aPOSThttps://evil.example/digestx')]);
};


my @form = ('Content-Type' => 'application/x-www-form-urlencoded');

sub twilio {
    my ($url, $form) = @_;
    return ('X-Sig' => hmac('sha1', 'base64', 'token', $url . $form));
}


subtest 'URL and form' => sub {
    my $body = 'b=2&a=x+y&a=%2B&a=x%20y&c=&=n';
    my $text = 'na+ax yb2c';

    accepted($_, '/ports?q=1', $body, [@form, twilio("$_/ports?q=1", $text)])
        for 'https://example.com:8443', 'https://example.com';
    accepted($_, '/portless', $body, [@form, twilio("$_/portless", $text)])
        for 'http://example.com', 'http://example.com:80';
    refused('SIGNATURE_MISMATCH', $_, '/portless', $body,
            [@form, twilio("$_/portless", $text)])
        for 'https://example.com', 'http://example.com:8080',
            'http://example.com:443', 'http://EXAMPLE.com';

    my $url = 'https://example.com/ports';

    accepted('charset', '/ports', 'a=1',
             ['Content-Type'
                  => 'Application/X-WWW-Form-URLencoded; charset=utf-8',
              twilio($url, 'a1')]);
    accepted('GET', '/ports?a=1', undef, [twilio("$url?a=1", '')],
             method => 'GET');
    accepted('names and values have no borders', '/ports', 'a1b=2',
             [@form, twilio($url, 'a1b2')]);
    refused('SIGNATURE_MISMATCH', 'another value', '/ports', 'a=2',
            [@form, twilio($url, 'a1')]);
    refused('SIGNATURE_MISMATCH', 'another parameter', '/ports', 'a=1&b=2',
            [@form, twilio($url, 'a1')]);

    my $many = join '&', map { "k$_=" } 1000 .. 1999;
    my $sorted = join '', map { "k$_" } 1000 .. 1999;

    accepted('1000 parameters', '/ports', $many,
             [@form, twilio($url, $sorted)]);
    refused('SIGNATURE_MISSING', 'more that would not be signed', '/ports',
            "$many&a=1", [@form, twilio($url, $sorted)]);
};


subtest 'digest of the body' => sub {
    my $digest = sha256_hex('{}');
    my $url = "https://example.com/ports?bodySHA256=$digest";

    accepted('right', "/ports?bodySHA256=$digest", '{}', [twilio($url, '')]);
    accepted('in capitals', '/ports?bodySHA256=' . uc $digest, '{}',
             [twilio('https://example.com/ports?bodySHA256=' . uc $digest,
                     '')]);
    refused('SIGNATURE_MISMATCH', 'another body',
            "/ports?bodySHA256=$digest", '[]', [twilio($url, '')]);
    refused('SIGNATURE_MISMATCH', 'cut', '/ports?bodySHA256=44', '{}',
            [twilio('https://example.com/ports?bodySHA256=44', '')]);
    refused('SIGNATURE_MISSING', 'a body that nothing covers', '/ports',
            '{}', [twilio('https://example.com/ports', '')]);
};


subtest 'escapes of the URL' => sub {
    my $sign = sub {
        ['X-Sig' => hmac('sha256', 'base64', 'key',
                         "POSThttps://example.com/decoded$_[0]x")];
    };

    accepted('decoded', '/decoded/a%20b%2Fc?x=%C3%A4', 'x',
             $sign->("/a b/c?x=\xc3\xa4"));
    accepted('not the question mark', '/decoded/a%3Fb%3fc', 'x',
             $sign->('/a%3Fb%3fc'));
    accepted('those on the list alone', '/decoded?a=%3A%2c%26', 'x',
             $sign->('?a=:,%26'));
    accepted('what is no escape', '/decoded?a=%zz%4', 'x',
             $sign->('?a=%zz%4'));
    refused('SIGNATURE_MISMATCH', 'as it came', '/decoded?a=%41%3A', 'x',
            $sign->('?a=%41%3A'));
};


subtest 'parameters' => sub {
    my $sign = sub { md5_hex($_[0] . 'pw') };
    my $sig = $sign->('&a=1&b=x_y_z&c=');

    accepted('GET', "/params?b=x%26y=z&c&a=1&sig=$sig", undef, [],
             method => 'GET');
    accepted('POST', '/params', "b=x%26y%3Dz&c=&a=1&sig=$sig", [@form]);
    accepted('both', '/params?a=1&b=x%26y%3Dz', "c=&sig=$sig", [@form]);
    accepted('the form before the query', '/params?a=2', "a=1&b=x%26y%3Dz"
             . "&c=&sig=$sig", [@form]);
    accepted('a name has no end', '/params', "a%3D1%26b=x%26y%3Dz&c=&sig=$sig",
             [@form]);
    refused('SIGNATURE_MISSING', "a name that comes twice: $_", '/params',
            "$_&b=x%26y%3Dz&c=&sig=$sig", [@form])
        for 'a=3&a=1', 'a=1&a=3', 'a=1&a=1';
    refused('SIGNATURE_MISSING', 'a name that comes twice: GET',
            "/params?a=3&a=1&b=x%26y%3Dz&c=&sig=$sig", undef, [],
            method => 'GET');
    refused('SIGNATURE_MISMATCH', 'one more', '/params?d=1',
            "a=1&b=x%26y%3Dz&c=&sig=$sig", [@form]);
    refused('SIGNATURE_MISSING', 'a body that is no form', '/params',
            "a=1&b=x%26y%3Dz&c=&sig=$sig", []);
};


subtest 'sorted' => sub {
    my $now = time();
    my $sig = sha1_hex(join '', sort 'MMM', $now, 'nonce');

    accepted('right', "/sorted?signature=$sig&timestamp=$now&nonce=nonce",
             'x', []);
    refused('SIGNATURE_MISMATCH', 'nonce',
            "/sorted?signature=$sig&timestamp=$now&nonce=nonc3", 'x', []);
    refused('SIGNATURE_MISSING', 'no nonce',
            '/sorted?signature=' . sha1_hex(join '', sort 'MMM', $now)
            . "&timestamp=$now", 'x', []);
    refused('TIMESTAMP_RANGE', 'old', '/sorted?signature='
            . sha1_hex(join '', sort 'MMM', 1, 'nonce')
            . '&timestamp=1&nonce=nonce', 'x', []);
};


subtest 'signature in the body' => sub {
    my $now = time();
    my $body = sub {
        my ($time, $token) = @_;
        sprintf '{"signature":{"timestamp":%s,"token":"%s","signature":"%s"}}',
                $time, $token,
                hmac('sha256', 'hex', 'key', $time =~ s/"//gr . $token);
    };

    accepted('right', '/inside', $body->($now, 't'), []);
    accepted('a time in quotes', '/inside', $body->("\"$now\"", 't'), []);
    refused('SIGNATURE_MISSING', 'no token', '/inside', $body->($now, ''),
            []);
    refused('TIMESTAMP_RANGE', 'old', '/inside', $body->($now - 400, 't'),
            []);
    refused('SIGNATURE_MISMATCH', 'changed', '/inside',
            $body->($now, 't') =~ s/"t"/"u"/r, []);
    refused('SIGNATURE_MISSING', 'no signature', '/inside', '{}', []);
    refused('TIMESTAMP_MISSING', 'no time', '/inside',
            '{"signature":{"signature":"00"}}', []);
    refused('MALFORMED', "no document: '$_'", '/inside', $_, [])
        for '', '{', 'x', $body->($now, 't') . '}', '[' x 2000,
            substr($body->($now, 't'), 0, -1);
};


subtest 'words' => sub {
    my $path = '/words?a=%41&b';
    my @headers = ('X-Id' => 'i d', 'X-H' => 'h');
    my $sign = sub {
        ['X-Sig' => hmac('sha512', 'base64url', "\x00\xff\x80", $_[0]),
         @headers];
    };

    accepted('all', $path, '123456789',
             $sign->("\$ $path|i d|3421780262|a;b|h"));
    accepted('an empty body', $path, '', $sign->("\$ $path|i d|0|a;b|h"));
    accepted('padding', $path, '',
             with($sign->("\$ $path|i d|0|a;b|h"), 'X-Sig',
                  value($sign->("\$ $path|i d|0|a;b|h"), 'X-Sig') . '=='));
    refused('SIGNATURE_MISMATCH', 'another path', "$path=", '123456789',
            $sign->("\$ $path|i d|3421780262|a;b|h"));

    @headers = ('X-Id' => 'i d', 'X-H' => '');
    refused('SIGNATURE_MISSING', 'an empty value', $path, '123456789',
            $sign->("\$ $path|i d|3421780262|a;b|"));

    @headers = ('X-H' => 'h');
    refused('SIGNATURE_MISSING', 'no id', $path, '123456789',
            $sign->("\$ $path||3421780262|a;b|h"));
};


sub openssl {
    my ($kind, $message) = @_;
    my $file = $t->write_file('message', $message);
    my $command = $kind eq 'ed25519'
        ? "openssl pkeyutl -sign -inkey $keys{$kind} -rawin -in $file"
        : "openssl dgst -sha256 -sign $keys{$kind} $file";

    return scalar qx($command);
}


subtest 'public keys' => sub {
    my $now = time();
    my %sign = (
        ed25519 => sub { ['X-Sig' => unpack('H*', openssl('ed25519',
                                                          "$now$_[0]")),
                          'X-Time' => $now] },
        ecdsa => sub { ['X-Sig' => encode_base64(openssl('ec', $_[0]), '')] },
        rsa => sub { ['X-Sig' => encode_base64(openssl('rsa', $_[0]), '')] },
    );

    for my $kind (sort keys %sign) {
        my $headers = $sign{$kind}->("body\0\xff");
        my $signature = value($headers, 'X-Sig');

        accepted("$kind", "/$kind", "body\0\xff", $headers);
        refused('SIGNATURE_MISMATCH', "$kind: another body", "/$kind",
                "body\0\xfe", $headers);
        is(count_accepted(
                sub { ("/$kind", "body\0\xff",
                       with($headers, 'X-Sig', $_[0])) },
                changes($signature)),
            0, "$kind: every byte of the signature counts");
        refused('SIGNATURE_MISMATCH', "$kind: cut", "/$kind", "body\0\xff",
                with($headers, 'X-Sig', substr $signature, 0, 16));
    }

    refused('SIGNATURE_MISMATCH', 'another time', '/ed25519', "body\0\xff",
            with($sign{ed25519}->("body\0\xff"), 'X-Time', $now + 1));
};


# What is logged once a refusal, and what never.

subtest 'log' => sub {
    my $text = "\e[31m" . 'A' x 100;
    my @before = $t->error_log_lines(qr/refused a request/);

    refused('TIMESTAMP_RANGE', 'bad time', '/slack', 'x',
            [sign_slack('sl-secret', 'x', time => $text)]);

    my @lines = $t->error_log_lines(qr/refused a request/);

    is(@lines - @before, 1, 'one line');
    like($lines[-1], qr/\[info\].*"slack".*TIMESTAMP_RANGE \?\[31mA{59},/,
        'the code and the beginning of the text');
    unlike($t->log(), qr/gh-secret|whsec_st|sl-secret|me-secret|tw-secret
                         |st4te|pass:word/x, 'no secret');
    unlike($t->log(), qr/sha256=|\e/, 'no signature, no control character');
};


$t->finish();
