#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Senders of tokens: what a token must be, be signed with, and say.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;

use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $json = JSON::PP->new->canonical;
my $now = 1772442000;


# RSA keys: each has PATH, PATH.pub and PATH.crt.

sub make_key {
    my ($name, $bits) = @_;
    my $path = $t->path("$name.key");

    system("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:$bits"
           . " -out $path 2>/dev/null"
           . " && openssl pkey -in $path -pubout -out $path.pub"
           . " && openssl req -new -x509 -key $path -subj /CN=x -days 30"
           . " -out $path.crt 2>/dev/null") == 0
        or BAIL_OUT('openssl');
    chmod 0600, "$path.pub", "$path.crt";

    return $path;
}


sub rsa {
    my ($path, $digest) = @_;
    $digest //= 'sha256';

    return sub {
        my $file = $t->write_file('message', $_[0]);
        return scalar qx(openssl dgst -$digest -sign $path $file);
    };
}


sub hs {
    my ($secret, $digest) = @_;
    return sub { hmac($digest // 'sha256', 'raw', $secret, $_[0]) };
}


my %keys = map { $_ => make_key($_, 2048) } qw(one two three);


# A key as a JWK.

sub jwk {
    my ($path, %more) = @_;
    my ($modulus) = qx(openssl rsa -in $path -noout -modulus)
        =~ /=([0-9A-F]+)/;

    return { kty => 'RSA', n => base64url(pack 'H*', $modulus), e => 'AQAB',
             %more };
}


sub jwks { $json->encode({ keys => [@_] }) }


my $ec = { kty => 'EC', crv => 'P-256', x => 'AA', y => 'AA', kid => 'ec' };

$t->write_file('jwks.json', "\n" . jwks(
    $ec, jwk($keys{one}, kid => 'k1', alg => 'RS256', use => 'sig'),
    jwk($keys{two}, kid => 'k2'),
    jwk($keys{three}, kid => 'encryption', use => 'enc')) . "\n", 0600);
$t->write_file('nameless.json', jwks(jwk($keys{one})), 0600);

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server          %%REDIS%%;
        max_clock_skew  off;
    }

    intake_platform hs {
        algorithm  jwt-hs256 leeway=1s;
        signature  header:X-Token;
        claim      iss "Sender";
        claim      url_hash "$url" digest=sha256;
        claim      payload_hash "$body" digest=sha256 optional;
        id         jwt:jti;
        type       jwt:typ json:type as=com.sender.;
        dedupe     window=1h;
        methods    POST GET;
    }
    intake_source hs {
        platform  hs;
        secret    old-s3cret id=old;
        secret    s3cret id=new;
        url_base  https://example.com;
    }
    intake_source tolerant {
        platform   hs;
        secret     s3cret;
        url_base   https://example.com;
        tolerance  30s;
    }

    intake_platform rs {
        algorithm  jwt-rs256;
        signature  header:Authorization "prefix=Bearer ";
        claim      iss "https://accounts.example.com";
        claim      aud "${conf:aud}";
        claim      email_verified "true";
        claim      level "7";
        id         json:id unsigned;
        dedupe     window=1h;
    }
    intake_source pem  { platform rs; secret file:one.key.pub; set aud a; }
    intake_source cert { platform rs; secret file:one.key.crt; set aud a; }
    intake_source jwks { platform rs; secret file:jwks.json; set aud a; }
    intake_source rotation {
        platform  rs;
        secret    file:nameless.json id=json;
        secret    file:two.key.pub id=pem;
        set       aud a;
    }

    intake_platform plain {
        algorithm  jwt-hs256;
        signature  header:X-Token split=,;
        key        encoding=base64;
        timestamp  jwt:iat tolerance=60s;
        claim      exp optional;
        claim      nbf;
        claim      path "$method $path";
        claim      deep.role "x${header:X-Role}";
        dedupe     window=1h key=none;
    }
    intake_source plain { platform plain; secret czNjcmV0; }

    intake_platform inside {
        algorithm  jwt-hs256;
        signature  json:token;
        id         json:id;
    }
    intake_source inside { platform inside; secret s3cret; }

    server {
        listen                       127.0.0.1:%%PORT_0%%;
        large_client_header_buffers  4 64k;

        location = /hs       { intake hs; }
        location = /tolerant { intake tolerant; }
        location = /pem      { intake pem; }
        location = /cert     { intake cert; }
        location = /jwks     { intake jwks; }
        location = /rotation { intake rotation; }
        location = /plain    { intake plain; }
        location = /inside   { intake inside; }
    }
}

EOC

my $faketime = !$t->has('-fsanitize');

# libfaketime and the sanitizers do not go together: there it is now

$now = time() unless $faketime;
$t->run($faketime ? (faketime => '2026-03-02 09:00:00') : ());


sub said {
    my ($uri, $headers, $body, $method) = @_;
    my $res = $t->request($method // 'POST', $uri, headers => $headers,
                          defined $body ? (body => $body) : ());

    return 'nothing' unless $res;
    return $res->status . ' ' . ($res->status == 200 ? 'OK'
                                                     : $res->json->{code});
}


# A token of the platform "hs": claims may be changed, or left out (undef).

my $body = '{"type":"made"}';
my $count = 0;

sub hs_claims {
    my ($uri, $data, %change) = @_;
    my %claims = (
        iss => 'Sender', nbf => $now - 10, exp => $now + 60,
        jti => 'jti-' . ++$count,
        url_hash => sha256_hex("https://example.com$uri"),
        length $data ? (payload_hash => sha256_hex($data)) : (), %change);

    delete $claims{$_} for grep { !defined $claims{$_} } keys %claims;
    return \%claims;
}

sub hs_said {
    my (%change) = @_;
    my %opt = map { $_ => delete $change{"-$_"} } qw(uri body secret header
                                                     method sent);
    my $uri = $opt{uri} // '/hs';
    my $data = $opt{body} // $body;
    my $token = jwt(hs($opt{secret} // 's3cret'),
                    hs_claims($uri, $data, %change),
                    $opt{header} // { alg => 'HS256', typ => 'JWT' });

    return said($uri, ['X-Token' => $token], $opt{sent} // $data,
                $opt{method});
}


subtest 'a shared secret' => sub {
    is(hs_said(), '200 OK', 'accepted');

    my ($entry) = $redis->entries('intake:{hs}');

    is($entry->{fields}{id}, 'jti-1', 'the id of the token');
    is($entry->{fields}{intakekey}, 's:jti-1', 'which is signed');
    is($entry->{fields}{type}, 'com.sender.made', 'the type of the body');
    is($entry->{fields}{intakekeyid}, 'new', 'the secret that matched');
    is($entry->{fields}{time}, $entry->{fields}{recordedtime},
       'the time is ours');
    is($entry->{fields}{data}, $body, 'the body as it is');

    is(hs_said(typ => 'told'), '200 OK', 'another');
    is(($redis->entries('intake:{hs}'))[-1]{fields}{type}, 'com.sender.told',
       'the type of the token');

    is(hs_said(-secret => 'old-s3cret'), '200 OK', 'the older secret');
    is(($redis->entries('intake:{hs}'))[-1]{fields}{intakekeyid}, 'old',
       'is the one that matched');
    is(hs_said(-uri => '/hs?a=%41&b'), '200 OK', 'a query');

    is(hs_said(-secret => 's3creT'), '401 SIGNATURE_MISMATCH',
       'another secret');
    is(hs_said(-secret => ''), '401 SIGNATURE_MISMATCH', 'no secret');
    is(said('/hs', [], $body), '401 SIGNATURE_MISSING', 'no token');
    is(said('/hs', ['X-Token' => ''], $body), '401 SIGNATURE_MISSING',
       'an empty token');
    is(hs_said(jti => undef), '200 OK', 'no id');
    like(($redis->entries('intake:{hs}'))[-1]{fields}{intakekey}, qr/^h:/,
         'the key is the digest of the body');
};


subtest 'what is bound' => sub {
    is(hs_said(-sent => "$body "), '401 CREDENTIALS', 'another body');
    is(hs_said(-sent => ''), '401 CREDENTIALS', 'the body left out');
    is(hs_said(-body => ''), '200 OK', 'an empty body');
    is(hs_said(-body => '', -sent => $body), '401 CREDENTIALS',
       'a body where there was none');
    is(hs_said(-body => '', payload_hash => sha256_hex('')), '200 OK',
       'an empty body, with its digest');
    is(hs_said(-body => '', payload_hash => sha256_hex('x')),
       '401 CREDENTIALS', 'an empty body, with another digest');
    is(hs_said(-method => 'GET', -body => '', -uri => '/hs?x=1'), '200 OK',
       'GET');
    is(hs_said(payload_hash => undef), '401 CREDENTIALS',
       'a body, and no digest');
    is(hs_said(payload_hash => uc sha256_hex($body)), '401 CREDENTIALS',
       'the digest in upper case');
    is(hs_said(payload_hash => ''), '401 CREDENTIALS', 'an empty digest');
    is(hs_said(payload_hash => [sha256_hex($body)]), '200 OK', 'in a list');
    is(hs_said(payload_hash => { a => sha256_hex($body) }),
       '401 CREDENTIALS', 'in an object');
    is(hs_said(url_hash => sha256_hex('https://example.com/hs?')),
       '401 CREDENTIALS', 'another URL');
    is(hs_said(url_hash => undef), '401 CREDENTIALS', 'no URL');
    is(hs_said(iss => 'sender'), '401 CREDENTIALS', 'another issuer');
    is(hs_said(iss => undef), '401 CREDENTIALS', 'no issuer');
    is(hs_said(iss => 'Sender2'), '401 CREDENTIALS', 'more of an issuer');
    is(hs_said(iss => ['x', 'Sender']), '200 OK', 'one of several');
    is(hs_said(iss => [['Sender']]), '401 CREDENTIALS', 'too deep');
    like($t->log(), qr/refused a request: CREDENTIALS url_hash/,
         'the log names the claim');
};


subtest 'times' => sub {
    my @times = (
        [exp => -2, 'TIMESTAMP_RANGE'], [exp => -1, 'TIMESTAMP_RANGE'],
        [exp => 0], [exp => 1], [exp => 3600],
        [nbf => 2, 'TIMESTAMP_RANGE'], [nbf => 1], [nbf => 0], [nbf => -9999],
        [nbf => 1.5, 'TIMESTAMP_RANGE'], [nbf => 0.5], [exp => -0.5],
        [exp => -1.5, 'TIMESTAMP_RANGE'],
    );

  SKIP: {
        skip 'without libfaketime', scalar @times unless $faketime;

        for (@times) {
            my ($name, $offset, $code) = @$_;

            is(hs_said($name => $now + $offset),
               $code ? "401 $code" : '200 OK',
               sprintf '%s %+g s, with a leeway of 1 s', $name, $offset);
        }
    }

    is(hs_said(exp => $now - 100), '401 TIMESTAMP_RANGE', 'expired');
    is(hs_said(nbf => $now + 100), '401 TIMESTAMP_RANGE', 'not yet valid');
    is(hs_said(-uri => '/tolerant', exp => $now - 20), '200 OK',
       'the tolerance of the source');
    is(hs_said(-uri => '/tolerant', exp => $now - 40), '401 TIMESTAMP_RANGE',
       'and its end');
    is(hs_said(-uri => '/tolerant', nbf => $now + 20), '200 OK',
       'in both directions');
    is(hs_said(exp => undef), '401 TIMESTAMP_MISSING', 'no exp');
    is(hs_said(nbf => undef), '200 OK', 'no nbf');
    is(hs_said(exp => $_), '401 TIMESTAMP_RANGE', "exp: $_")
        for 'never', '-1', '1e18', 99999999999999, '0x7fffffff', 'NaN';
    is(hs_said(exp => ''), '401 TIMESTAMP_MISSING', 'an empty exp');
    is(hs_said(exp => [$now + 60]), '401 TIMESTAMP_MISSING', 'exp in a list');
    is(hs_said(exp => \0), '401 TIMESTAMP_RANGE', 'exp: false');
    is(hs_said(nbf => 'now'), '401 TIMESTAMP_RANGE', 'nbf: now');
};


# Tokens of any text, with a good signature or without.

sub raw_said {
    my ($token) = @_;
    return said('/hs', ['X-Token' => $token], $body);
}


subtest 'the header' => sub {
    my $none = sub { '' };
    my $claims = hs_claims('/hs', $body);

    for (qw(none None NONE nOnE hs256 HS384 HS512 RS256 ES256), '', 'HS256 ') {
        is(hs_said(-header => { alg => $_ }), '401 SIGNATURE_MISMATCH',
           "alg \"$_\"");
        is(raw_said(jwt($none, $claims, { alg => $_ })),
           '401 SIGNATURE_MISMATCH', "alg \"$_\", without a signature");
    }

    is(raw_said(jwt(hs('s3cret', 'sha512'), $claims, { alg => 'HS512' })),
       '401 SIGNATURE_MISMATCH', 'HS512, and it is');
    is(raw_said(jwt(hs('s3cret', 'sha512'), $claims, { alg => 'HS256' })),
       '401 SIGNATURE_MISMATCH', 'another digest');
    is(hs_said(-header => $_), '401 SIGNATURE_MISMATCH', "header $_")
        for '{"typ":"JWT"}', '{}', '[]', '"HS256"', '{"alg":["HS256"]}',
            '{"alg":{"a":"HS256"}}', '{"alg":null}', '{"alg":"HS256"',
            '{"alg":"HS256"}x', 'x', '{"alg":"HS256","alg":"none"}',
            '{"alg":"HS256","crit":["b64"],"b64":false}',
            '{"alg":"HS256","crit":[]}', '{"alg":"HS256","crit":"exp"}',
            '[' x 600;
    is(hs_said(-header => $_), '200 OK', "header $_")
        for '{"alg":"HS256"}', '{"alg":"\u0048S256"}',
            ' { "typ" : 1, "alg" : "HS256", "kid" : "any" } ',
            '{"alg":"none","alg":"HS256"}', '{"alg":"HS256","kid":["a"]}';
};


subtest 'malformed' => sub {
    my $good = jwt(hs('s3cret'), hs_claims('/hs', $body), { alg => 'HS256' });
    my ($header, $claims, $signature) = split /\./, $good;
    my $mismatch = '401 SIGNATURE_MISMATCH';

    is(raw_said($_), $mismatch, "a token '$_'")
        for 'x', '.', '..', '...', 'a.b', 'a.b.c', "$header.$claims",
            "$header.$claims.", "$header..$signature",
            ".$claims.$signature", "$good.", "$good.x", "$good.$claims.x",
            "$header.$claims.$signature=", "$header=.$claims.$signature",
            "$header.$claims.$signature~", "$header $claims $signature",
            "Bearer $good", "$good,$good";

    # each character matters, the bits at the end too

    my $wrong = 0;
    my $alphabet = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-_';

    for my $i (0 .. length($good) - 1) {
        my $changed = $good;
        my $value = index $alphabet, substr $good, $i, 1;

        substr $changed, $i, 1, substr $alphabet, $value ^ 1, 1 if $value >= 0;
        $wrong++ if $value >= 0 && raw_said($changed) ne $mismatch;
    }

    is($wrong, 0, 'no character can be changed');

    $wrong = 0;

    for my $i (0 .. length($good) - 1) {
        $wrong++ if raw_said(substr $good, 0, $i)
                    ne ($i ? $mismatch : '401 SIGNATURE_MISSING');
    }

    is($wrong, 0, 'no beginning of it is one');
    is(raw_said($good), '200 OK', 'but the whole');

    for my $claims ('', 'x', '[]', '"x"', '{"iss":"Sender"', '{"exp":1}{}') {
        my $said = raw_said(jwt(hs('s3cret'), $claims, { alg => 'HS256' }));

        is($said, $claims =~ /^[\["]/ ? '401 TIMESTAMP_MISSING' : $mismatch,
           "claims '$claims'");
    }

    my $pad = sub { hs_said(pad => 'x' x $_[0]) };
    my $length = length jwt(hs('s3cret'), hs_claims('/hs', $body, pad => ''),
                            { alg => 'HS256', typ => 'JWT' });

    is($pad->(int((8192 - $length) / 4 * 3) - 4), '200 OK', 'nearly 8 KB');
    is($pad->(int((8192 - $length) / 4 * 3) + 4), $mismatch, 'more than 8 KB');
    is($pad->(30000), $mismatch, '40 KB');
};


# A token of the platform "rs".

sub rs_said {
    my ($uri, $sign, $header, %change) = @_;
    my %claims = (
        iss => 'https://accounts.example.com', aud => 'a', exp => $now + 60,
        email_verified => JSON::PP::true, level => 7, %change);

    delete $claims{$_} for grep { !defined $claims{$_} } keys %claims;

    return said($uri, [Authorization => 'Bearer ' . jwt($sign, \%claims,
        { alg => 'RS256', %$header })], '{"id":"' . ++$count . '"}');
}


subtest 'a public key' => sub {
    for my $uri ('/pem', '/cert') {
        is(rs_said($uri, rsa($keys{one}), {}), '200 OK', $uri);
        is(rs_said($uri, rsa($keys{one}), { kid => 'any' }), '200 OK',
           "$uri: any kid");
        is(rs_said($uri, rsa($keys{two}), {}), '401 SIGNATURE_MISMATCH',
           "$uri: another key");
        is(rs_said($uri, rsa($keys{one}, 'sha1'), {}),
           '401 SIGNATURE_MISMATCH', "$uri: another digest");
        is(rs_said($uri, sub { '' }, { alg => 'none' }),
           '401 SIGNATURE_MISMATCH', "$uri: alg none");

        # the public key, which everybody may know, as a shared secret

        my $public = $t->read_file($uri eq '/pem' ? 'one.key.pub'
                                                  : 'one.key.crt');

        for my $secret ($public, $public =~ s/\n\z//r) {
            is(rs_said($uri, hs($secret), { alg => $_ }),
               '401 SIGNATURE_MISMATCH', "$uri: $_ with the public key")
                for 'HS256', 'RS256';
        }
    }

    my ($entry) = $redis->entries('intake:{pem}');

    like($entry->{fields}{intakekey}, qr/^u:\d+$/,
         'the id of a body that is not covered');
};


subtest 'JWKS' => sub {
    is(rs_said('/jwks', rsa($keys{one}), { kid => 'k1' }), '200 OK', 'k1');
    is(rs_said('/jwks', rsa($keys{two}), { kid => 'k2' }), '200 OK', 'k2');
    is(rs_said('/jwks', rsa($keys{one}), {}), '200 OK', 'no kid: the first');
    is(rs_said('/jwks', rsa($keys{two}), {}), '200 OK', 'no kid: the second');
    is(rs_said('/jwks', rsa($keys{two}), { kid => '' }), '200 OK',
       'an empty kid');
    is(rs_said('/jwks', rsa($keys{two}), { kid => 'k1' }),
       '401 SIGNATURE_MISMATCH', 'the kid of another key');
    is(rs_said('/jwks', rsa($keys{one}), { kid => 'k3' }),
       '401 SIGNATURE_MISMATCH', 'an unknown kid');
    is(rs_said('/jwks', rsa($keys{one}), { kid => 'k' }),
       '401 SIGNATURE_MISMATCH', 'a part of a kid');
    is(rs_said('/jwks', rsa($keys{three}), { kid => 'encryption' }),
       '401 SIGNATURE_MISMATCH', 'a key of another use');
    is(rs_said('/jwks', rsa($keys{three}), {}), '401 SIGNATURE_MISMATCH',
       'no kid: a key of another use');
    is(rs_said('/jwks', rsa($keys{one}), { kid => 'ec' }),
       '401 SIGNATURE_MISMATCH', 'the kid of a key of another kind');

    is(rs_said('/rotation', rsa($keys{one}), { kid => 'x' }), '200 OK',
       'a key without a kid');
    is(rs_said('/rotation', rsa($keys{two}), { kid => 'x' }), '200 OK',
       'the other secret');
    is_deeply([map { $_->{fields}{intakekeyid} }
               $redis->entries('intake:{rotation}')], [qw(json pem)],
              'the secrets that matched');
};


subtest 'claims' => sub {
    my $said = sub { rs_said('/pem', rsa($keys{one}), {}, @_) };

    is($said->(aud => 'b'), '401 CREDENTIALS', 'another audience');
    is($said->(aud => undef), '401 CREDENTIALS', 'no audience');
    is($said->(aud => ''), '401 CREDENTIALS', 'an empty audience');
    is($said->(aud => ['b', 'a']), '200 OK', 'several audiences');
    is($said->(aud => ['b', 'c']), '401 CREDENTIALS', 'several others');
    is($said->(aud => []), '401 CREDENTIALS', 'an empty list');
    is($said->(email_verified => JSON::PP::false), '401 CREDENTIALS',
       'false is not true');
    is($said->(email_verified => 'true'), '200 OK', 'the word');
    is($said->(email_verified => 1), '401 CREDENTIALS', 'a number');
    is($said->(level => 8), '401 CREDENTIALS', 'another number');
    is($said->(level => '7'), '200 OK', 'a number as text');
    is($said->(level => JSON::PP::null), '401 CREDENTIALS', 'null');
    is($said->(exp => $now), '401 TIMESTAMP_RANGE', 'expired now');
    is($said->(exp => $now + 30), '200 OK', 'without a leeway');

    my %role = (path => 'POST /plain', nbf => $now, iat => $now,
                deep => { role => 'xadmin' });
    my $plain = sub {
        my ($role, %change) = @_;
        my %claims = (%role, %change);

        delete $claims{$_} for grep { !defined $claims{$_} } keys %claims;
        return said('/plain', [
            defined $role ? ('X-Role' => $role) : (), 'X-Token' => join(',',
                'x.y.z', jwt(hs('s3cret'), \%claims, { alg => 'HS256' }))],
            'x');
    };

    is($plain->('admin'), '200 OK', 'no exp, and one of several tokens');
    is($plain->('admin', exp => $now - 1), '401 TIMESTAMP_RANGE',
       'an exp that has passed');
    is($plain->('admin', nbf => undef), '401 CREDENTIALS',
       'a claim that must be there');
    is($plain->('admin', path => 'GET /plain'), '401 CREDENTIALS',
       'another method');
    is($plain->('user'), '401 CREDENTIALS', 'another header');
    is($plain->(undef), '401 CREDENTIALS', 'no header');
    is($plain->('admin', deep => 'xadmin'), '401 CREDENTIALS', 'not as deep');
    is($plain->('admin', iat => $now - 50), '200 OK', 'iat, 50 s ago');
    is($plain->('admin', iat => $now - 70), '401 TIMESTAMP_RANGE',
       'iat, 70 s ago');
    is($plain->('admin', iat => $now + 70), '401 TIMESTAMP_RANGE',
       'iat, 70 s ahead');
    is($plain->('admin', iat => undef), '401 TIMESTAMP_MISSING', 'no iat');

    # a token that holds but says too little does not help another

    my $poor = jwt(hs('s3cret'), { %role, path => 'x' }, { alg => 'HS256' });
    my $forged = jwt(hs('another'), \%role, { alg => 'HS256' });

    is(said('/plain', ['X-Role' => 'admin', 'X-Token' => "$poor,$forged"],
            'x'), '401 SIGNATURE_MISMATCH', 'a forged token behind a poor one');
    is(said('/plain', ['X-Role' => 'admin', 'X-Token' => "$forged,$poor"],
            'x'), '401 CREDENTIALS', 'and in front of it');
};


subtest 'a token in the body' => sub {
    my $token = jwt(hs('s3cret'), { exp => $now + 60 }, { alg => 'HS256' });

    is(said('/inside', [], "{\"id\":\"a\",\"token\":\"$token\"}"), '200 OK',
       'there');
    is(said('/inside', [], '{"id":"a"}'), '401 SIGNATURE_MISSING', 'not there');
    is(said('/inside', [], "{\"token\":\"$token\""), '400 MALFORMED',
       'no document');
    is(($redis->entries('intake:{inside}'))[0]{fields}{intakekey}, 'u:a',
       'it covers nothing else');
    unlike($t->log(), qr/s3cret/, 'no secret is logged');
};


# What nginx says of a configuration.

my $main = <<'EOC';
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    include  platform.conf;
}
EOC

sub checked {
    my ($platform, $source) = @_;

    $t->write_file('platform.conf', "intake_platform p {\n$platform\n}\n"
        . (defined $source ? "intake_source s { platform p; $source }\n" : ''));

    my ($code, $output) = $t->test_config($main);
    my @said = $output =~ /^nginx: \[(?:emerg|warn)\] (.*)/mg;

    s{ in \S+/([^ ]+)$}{ in $1} for @said;
    return join '; ', $code, @said;
}


subtest 'configuration' => sub {
    my $hs = 'algorithm jwt-hs256; signature header:A;';
    my $rs = 'algorithm jwt-rs256; signature header:A;';
    my $no_effect = sub {
        "1; \"$_[0]\" in intake_platform \"p\" has no effect with \"algorithm "
        . "$_[1]\", leave it out in platform.conf:" . ($_[2] // 2)
    };

    is(checked($hs, 'secret x;'), '0', 'a shared secret');
    is(checked("$rs id jwt:jti;", 'secret file:jwks.json;'), '0', 'JWKS');
    is(checked('algorithm jwt-hs256;'), '1; no "signature" in intake_platform '
       . '"p": write where the sender puts it, such as "signature '
       . 'header:X-Signature;" in platform.conf:1', 'no place');
    is(checked('algorithm jwt-hs256; signature jwt:a;'), '1; "signature" in '
       . 'intake_platform "p" is not of the request in platform.conf:2',
       'a place in itself');

    is(checked("$hs $_->[0]"), $no_effect->($_->[1], 'jwt-hs256', $_->[2]),
       "$_->[1] with a token")
        for ['signed $body;', 'signed'], ['url_decode on;', 'url_decode'],
            ['body_digest header:B;', 'body_digest', 1];
    is(checked("algorithm jwt-hs256; signature header:A $_;"),
       $no_effect->($_ eq 'every' ? $_ : 'encoding=', 'jwt-hs256'), $_)
        for 'every', 'encoding=base64';
    is(checked('algorithm none; claim iss a;'), $no_effect->('claim', 'none'),
       'a claim of nothing');
    is(checked('algorithm basic leeway=1s;'),
       $no_effect->('leeway=', 'basic', 1), 'a leeway of nothing');
    is(checked('algorithm equal; signature header:A; id jwt:jti;'),
       '1; "jwt:" in intake_platform "p" with "algorithm equal": there is no '
       . 'token in platform.conf:1', 'an id of nothing');

    is(checked("$hs claim $_->[0];"), "1; $_->[1] in platform.conf:2",
       "claim $_->[0]")
        for ['a b c', 'unknown "c" in "claim", which is NAME ["TEMPLATE"] '
             . '[digest=sha256] [optional]'],
            ['a digest=sha256', '"claim" in intake_platform "p" has "digest=" '
             . 'without a template'],
            ['a b digest=md5', 'unknown digest "md5" in "claim", write '
             . 'sha256'],
            ['a optional', '"claim" in intake_platform "p" that is optional '
             . 'needs a template to be tested'],
            ['a $nobody', 'unknown word "$nobody" in "claim", did you mean '
             . '"$body"?'],
            ['a..b', 'empty name in jwt path "a..b" in "claim"'],
            ['a $id', '$id in "claim" of intake_platform "p" without "id"'],
            ['a $timestamp', '$timestamp in "claim" of intake_platform "p" '
             . 'without "timestamp"'];
    is(checked("algorithm jwt-hs256 $_;"), '1; "algorithm" in intake_platform '
       . '"p" takes a name and leeway= in platform.conf:2', "algorithm $_")
        for 'tolerance=1s', 'x';
    is(checked('algorithm jwt-hs256 leeway=x;'), '1; invalid leeway "x" in '
       . '"algorithm", write a time of whole seconds, such as 1s in '
       . 'platform.conf:2', 'leeway=x');

    is(checked("$hs id json:a;"), '0; "id json:a" of intake_platform "p" is '
       . 'not covered by the token and taken as unsigned: write "unsigned" '
       . 'after it, or test it with "claim" in platform.conf:2',
       'an id of the body');
    is(checked("$hs claim h \$body digest=sha256; id json:a;"), '0',
       'an id of a body that is covered');
    is(checked("$hs headers A;"), '1; header "a" in "headers" is the token of '
       . 'platform "p" and never stored, leave it out in platform.conf:2',
       'the token is not stored');

    my $secret = '1; "secret" of intake_source "s": ';
    my $place = ' in platform.conf:4';

    is(checked($hs, 'secret file:one.key.pub;'), $secret . 'is a key for '
       . '"algorithm jwt-rs256": with jwt-hs256 it would be the shared secret'
       . $place, 'a public key as a shared secret');

    my %wrong = (
        '{"keys":' => 'is not a JSON document',
        '{"kys":[]}' => 'is a JSON document without "keys"',
        '{"keys":{}}' => 'is a JSON document without "keys"',
        '{"keys":[]}' => 'has no RSA key for signatures of RS256',
        jwks($ec, 1, 'x') => 'has no RSA key for signatures of RS256',
        jwks(jwk($keys{one}, alg => 'RS512'))
            => 'has no RSA key for signatures of RS256',
        jwks({ kty => 'RSA', n => 'AQAB' })
            => 'has a key whose "n" or "e" cannot be read',
        jwks({ kty => 'RSA', n => 'AQAB', e => 3 })
            => 'has a key whose "n" or "e" cannot be read',
        jwks({ kty => 'RSA', n => '+/+/', e => 'AQAB' })
            => 'has a key whose "n" or "e" cannot be read',
        jwks({ kty => 'RSA', n => '', e => 'AQAB' })
            => 'is not a public key',
        jwks({ kty => 'RSA', n => 'AQAB', e => 'AQAB' })
            => 'is too short: an RSA key of 1024 bits or more is needed',
        jwks(map { jwk($keys{one}) } 1 .. 65) => 'has more than 64 keys',
        'x' => 'is not a public key',
        $t->read_file('one.key')
            => 'is a private key: its public key is needed',
    );

    for (sort keys %wrong) {
        $t->write_file('wrong.json', $_, 0600);
        is(checked($rs, 'secret file:wrong.json;'),
           $secret . $wrong{$_} . $place, $wrong{$_});
    }

    is(checked("$rs claim a \"\${conf:b}\";", 'secret file:jwks.json;'),
       '1; no "set b" in intake_source "s": platform "p" needs it, write '
       . '"set b VALUE;"' . $place, 'a value of the source');
    is(checked("$rs claim a \$url;", 'secret file:jwks.json;'),
       '1; no "url_base" in intake_source "s": platform "p" signs the URL, '
       . 'write "url_base https://HOST;" as the platform knows this site'
       . $place, '$url');
    is(checked($hs, 'secret x; tolerance off;'), '1; "tolerance off" in '
       . 'intake_source "s": tokens of platform "p" would never expire, write '
       . "a time$place", 'tolerance off');
};


$t->finish();
