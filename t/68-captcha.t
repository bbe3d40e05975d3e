#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The captcha: one subrequest to a location of the operator's, with the
# configurations in conf/intake and a stand-in for their vendors.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::Form;
use Intake::Test;
use Intake::Verifier;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $verifier = Intake::Verifier->new(dir => $t->dir());


# the files as they are, but for the vendor's address

my %vendors = (
    turnstile => 'cf-turnstile-response',
    hcaptcha  => 'h-captcha-response',
    recaptcha => 'g-recaptcha-response',
    friendly  => 'frc-captcha-response',
);

my %paths = (
    turnstile => '/turnstile/v0/siteverify',
    hcaptcha  => '/siteverify',
    recaptcha => '/recaptcha/api/siteverify',
    friendly  => '/api/v2/captcha/siteverify',
);

my $port = $verifier->port();
my ($sources, $locations) = ('', '');

for my $vendor (sort keys %vendors) {
    my $file = "intake/captcha-$vendor.conf";
    my $text = Intake::File::slurp(Intake::Test->root() . "/conf/$file")
        =~ s{https://[\w.]+/}{http://127.0.0.1:$port/}r;

    $t->write_file($file, $text);
    $t->write_file("intake/$vendor.secret",
                   "set \$intake_${vendor}_secret \"the-secret\";\n", 0600);

    $locations .= "location = /$vendor { intake $vendor; }\n"
        . "include $file;\n";
    $sources .= "intake_source $vendor { form; field name required;"
        . " captcha location=/intake/$vendor field=$vendors{$vendor}; }\n";
}

$t->write_file_expand('nginx.conf', <<"EOC" =~ s/VERIFIER/127.0.0.1:$port/gr);
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis { server %%REDIS%%; }

    $sources

    intake_source strict {
        form;
        captcha  location=/plain field=answer strict;
    }
    intake_source plain  {
        form;
        honeypot trap;
        captcha  location=/plain field=answer;
    }
    intake_source closed { form; captcha location=/closed field=answer; }
    intake_source slow   { form; captcha location=/slow field=answer; }
    intake_source here   { form; captcha location=/here field=answer; }
    intake_source no     { form; captcha location=/no field=answer; }
    intake_source empty  { form; captcha location=/empty field=answer; }
    intake_source none   { form; captcha location=/none field=answer; }
    intake_source itself { form; captcha location=/itself field=answer; }
    intake_source pages  { form; captcha location=/pages field=answer; }
    intake_source asks   { form; captcha location=/asks field=answer; }
    intake_source bare   { form; captcha location=/bare field=answer; }

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%% http2;

        $locations

        location = /status      { intake_status; }

        location = /form/strict { intake strict; }
        location = /form/plain  { intake plain; }
        location = /form/closed { intake closed; }
        location = /form/slow   { intake slow; }
        location = /form/here   { intake here; }
        location = /form/no     { intake no; }
        location = /form/empty  { intake empty; }
        location = /form/none   { intake none; }
        location = /itself      { intake itself; }
        location = /form/pages  { intake pages; }
        location = /form/asks   { intake asks; }
        location = /form/bare   { intake bare; }

        location = /plain {
            internal;
            proxy_pass      http://VERIFIER;
            proxy_set_body  "\$intake_captcha_response";
        }
        location = /bare { internal; proxy_pass http://VERIFIER; }
        location = /closed {
            internal;
            proxy_pass  http://127.0.0.1:%%PORT_2%%;
        }
        location = /slow {
            internal;
            proxy_pass          http://VERIFIER;
            proxy_read_timeout  200ms;
            proxy_set_body      "\$intake_captcha_response";
        }

        location = /here  { internal; return 200 '{"success":true}'; }
        location = /no    { internal; return 200 '{"success":false}'; }
        location = /empty { internal; return 204; }

        # one whose pages for errors are elsewhere, and one that is guarded

        location = /pages {
            internal;
            proxy_pass              http://VERIFIER;
            proxy_set_body          "\$intake_captcha_response";
            proxy_intercept_errors  on;
            error_page              500 =200 /here;
        }
        location = /asks {
            internal;
            auth_request  /here;
            return        200 '{"success":true}';
        }
    }
}
EOC

my %answers = (
    good => '{"success":true,"challenge_ts":"2026-01-01T00:00:00Z",'
          . '"hostname":"localhost","error-codes":[]}',
    bad => '{"success":false,"error-codes":["invalid-input-response"]}',
    old => '{"success": false, "error-codes": ["timeout-or-duplicate"]}',
    secretless => '{"success":false,"error-codes":["invalid-input-secret"]}',
    mismatch => '{"success":false,"error-codes":["sitekey-secret-mismatch"]}',
    badfriend => '{"success":false,"error":{"error_code":"response_invalid",'
               . '"detail":"x"}}',
    oldfriend => '{"success":false,"error":{"error_code":"response_timeout"}}',
    nofriend => { status => 401, body => '{"success":false,"error":'
                . '{"error_code":"auth_invalid"}}' },
    missing => { status => 400, body => '{"success":false,"error":'
                . '{"error_code":"response_missing"}}' },
    fault => { status => 500, body => '{"success":true}' },
    busy => { status => 429, body => '{"success":false}' },
    page => { body => '<html>sorry</html>', type => 'text/html' },
    scalar => '"success"',
    text => '{"success":"true"}',
    nosuccess => '{"ok":true}',
    cut => { body => '{"success":true', cut => 10 },
    half => '{"success":true',
    closing => { close => 1 },
    moved => { status => 302, body => '{"success":true}' },
    big => '{"success":true,"x":"' . 'x' x 70000 . '"}',
    held => { hold => 1 },
);

$verifier->answers(%answers);
$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');

my $forms = Intake::Form->new(t => $t, redis => $redis);
my $number = 0;


sub send_form {
    my ($uri, $field, $value, %opt) = @_;

    $number++;

    return $forms->post($uri,
        [name => "number $number", map { ($field => $_) }
                                   grep { defined } $value], %opt);
}


# every vendor

for my $vendor (sort keys %vendors) {
    my $friendly = $vendor eq 'friendly' ? 'friend' : '';
    my @asked = $verifier->requests();
    my @post = ("/$vendor", $vendors{$vendor});

    my $res = send_form(@post, 'good+&="\\%');
    my $row = $forms->filed($vendor);

    is($res->status, 200, "$vendor: good");
    is($row->{fields}{intakespam}, undef, "$vendor: good: not marked");
    unlike($row->{fields}{data}, qr/response|good/,
           "$vendor: the answer is not stored");

    my ($request) = splice @{[$verifier->requests()]}, scalar @asked;
    like($request->{head}, qr{^POST \Q$paths{$vendor}\E HTTP/1.0\r\n},
         "$vendor: what is asked");
    unlike($request->{head}, qr/^(?:Cookie|User-Agent|Origin|Accept.*):/mi,
           "$vendor: nothing of the visitor's head");

    if ($vendor eq 'friendly') {
        is_deeply(decode_json($request->{body}),
                  { response => 'good+&="\\%' }, "$vendor: the body");
        like($request->{head}, qr/^X-API-Key: the-secret\r?$/m,
             "$vendor: the secret");
        like($request->{head}, qr{^Content-Type: application/json\r?$}m,
             "$vendor: the type");

    } else {
        is($request->{body}, 'secret=the-secret'
           . '&response=good%2B%26%3D%22%5C%25&remoteip=127.0.0.1',
           "$vendor: the body");
        like($request->{head},
             qr{^Content-Type: application/x-www-form-urlencoded\r?$}m,
             "$vendor: the type");
    }

    for my $case (["bad$friendly", 'CAPTCHA_FAILED'],
                  ["old$friendly", 'CAPTCHA_EXPIRED'],
                  [undef, 'CAPTCHA_MISSING'], ['', 'CAPTCHA_MISSING'],
                  [" \t", 'CAPTCHA_MISSING'])
    {
        my ($answer, $code) = @$case;

        $res = send_form(@post, $answer);
        is($res->status, 422, "$vendor: " . ($answer // 'none') . ': 422');
        is($res->json->{code}, $code, "$vendor: " . ($answer // 'none'));
        is($forms->filed($vendor), undef, "$vendor: it is not stored");
    }
}

my $res;

is(send_form('/friendly', $vendors{friendly}, 'missing')->json->{code},
   'CAPTCHA_FAILED', 'a no with a status of 400');


# of two fields the first that says something

$res = $forms->post('/form/plain', [answer => ' ', name => 'two', answer => '',
                                    answer => 'good', answer => 'bad']);
is($res->status, 200, 'two answers, the first is blank');
is(decode_json($forms->filed('plain')->{fields}{data})->{name}[0], 'two',
   'two answers: stored');
is(($verifier->requests())[-1]{body}, 'good', 'two answers: what is asked');
is($forms->post('/form/plain', [answer => 'bad', name => 'two',
                                answer => 'good'])->json->{code},
   'CAPTCHA_FAILED', 'two answers, the first does not hold');


# the captcha is asked last

my $asked = $verifier->requests();

$res = $forms->post('/turnstile', [$vendors{turnstile} => 'good']);

is($res->status, 422, 'an invalid form');
isnt($res->json->{code}, 'CAPTCHA_FAILED', 'an invalid form: what is wrong');
is(scalar $verifier->requests(), $asked, 'an invalid form: nobody is asked');


# an answer that no vendor can have given, never asked for

for my $answer ("good\n", "good\x00", "g\xc3\xb6\xc3\xb6d", 'good' x 5000) {
    is(send_form('/form/plain', 'answer', $answer)->json->{code},
       'CAPTCHA_FAILED', 'no answer: ' . length $answer);
}

is(scalar $verifier->requests(), $asked, 'no answer: nobody is asked');

is(send_form('/form/plain', 'answer', 'mismatch')->json->{code},
   'CAPTCHA_FAILED', "another site's answer is no trouble of ours");


# nobody can say whether it holds

my $mark = '2 captcha_unverified';

for my $answer (qw(fault busy page scalar text nosuccess cut half closing moved
                   big nofriend secretless nonsense))
{
    $res = send_form('/form/plain', 'answer', $answer);
    is($res->status, 200, "$answer: taken");
    is_deeply([@{$forms->filed('plain')}{qw(stream)}], ['main'],
              "$answer: where to");
    is(($redis->entries('intake:{plain}'))[-1]{fields}{intakespam}, $mark,
       "$answer: marked");

    $res = send_form('/form/strict', 'answer', $answer);
    is($res->status, 503, "$answer: strict: 503");
    is($res->json->{code}, 'CAPTCHA_UNAVAILABLE', "$answer: strict: code");
    ok($res->header('Retry-After'), "$answer: strict: Retry-After");
    is($forms->filed('strict'), undef, "$answer: strict: not stored");
}

ok($t->wait_for_log(qr/a captcha of intake_source "plain" could not be /
                    . qr/verified by "\/plain", status 200: the verifier /
                    . qr/says invalid-input-secret/), 'the log says why');

is(send_form('/form/strict', 'answer', 'good')->status, 200, 'strict: good');
is($forms->filed('strict')->{fields}{intakespam}, undef,
   'strict: good: not marked');

for my $source (qw(closed slow empty none)) {
    is(send_form("/form/$source", 'answer', 'held')->status, 200,
       "$source: taken");
    is($forms->filed($source)->{fields}{intakespam}, $mark,
       "$source: marked");
}

is(send_form('/itself', 'answer', 'x')->status, 200,
   'a location that is a form: taken');
is($forms->filed('itself')->{fields}{intakespam}, $mark,
   'a location that is a form: marked');
$t->expect_log(qr/takes no subrequest/);


# a verifier that is away is no evidence beside a honeypot

$res = $forms->post('/form/plain', [name => 'x', trap => 'x',
                                    answer => 'fault']);
is($res->status, 200, 'a trap and no verifier');
is_deeply([@{$forms->filed('plain')}{qw(stream)}], ['main'],
          'a trap and no verifier: suspected');


# locations that are no proxies, and ones that are led elsewhere

is(send_form('/form/here', 'answer', 'x')->status, 200, 'yes from here');
is($forms->filed('here')->{fields}{intakespam}, undef,
   'yes from here: not marked');
is(send_form('/form/asks', 'answer', 'x')->status, 200, 'guarded');
is($forms->filed('asks')->{fields}{intakespam}, undef, 'guarded: yes');
is(send_form('/form/no', 'answer', 'x')->json->{code}, 'CAPTCHA_FAILED',
   'no from here');
is(send_form('/form/pages', 'answer', 'fault')->status, 200, 'error_page');
is($forms->filed('pages')->{fields}{intakespam}, undef, 'error_page: yes');


# bodies of every size, and HTTP/2

for my $size (1, 5000, 50000) {
    $res = $forms->post('/form/plain', [answer => 'good',
                                        map { ($_ => 'x' x $size) } 1 .. 5]);
    is($res->status, 200, "a body of 5 times $size bytes");
}

$forms->filed('plain');

my ($last) = reverse $verifier->requests();
is($last->{body}, 'good', 'the body is ours, not the visitor\'s');

is(send_form('/form/bare', 'answer', 'good')->status, 200, 'no body is said');
($last) = reverse $verifier->requests();
is($last->{body}, '', 'no body is said: none is sent');
like($last->{head}, qr/^Content-Length: 0\r?$/m,
     'no body is said: and no length');

SKIP: {
    skip 'no HTTP/2 in this nginx', 2 unless $t->has('http_v2_module');

    $res = $t->request_h2('POST', '/form/plain', port => 1,
        body => 'name=over+h2&answer=good',
        headers => [map { lc } 'Content-Type',
                    'application/x-www-form-urlencoded', 'Accept',
                    'application/json']);
    is($res->status, 200, 'HTTP/2: good');
    $res = $t->request_h2('POST', '/form/plain', port => 1,
        body => 'name=over+h2&answer=bad',
        headers => [map { lc } 'Content-Type',
                    'application/x-www-form-urlencoded', 'Accept',
                    'application/json']);
    is($res->status, 422, 'HTTP/2: bad');
    $forms->filed('plain');
}


# slow, with others beside it

sub held { grep { $_->{body} =~ /held/ } $verifier->requests() }

my $before = held();
my @waiting = map { $forms->send('/form/plain',
                                 [name => "slow $_", answer => 'held']) }
              1 .. 20;

ok($t->wait_for(sub { held() == $before + 20 }), 'twenty wait');
is(send_form('/form/plain', 'answer', 'good')->status, 200,
   'one that does not have to');
is(scalar(grep { $_->{fields}{data} =~ /slow/ }
          $redis->entries('intake:{plain}')), 0, 'nothing is stored meanwhile');

$verifier->release('{"success":true}');
is(scalar(grep { $_->response('POST')->status == 200 } @waiting), 20,
   'twenty are taken');
is(scalar(grep { $_->{fields}{data} =~ /slow/ }
          $redis->entries('intake:{plain}')), 20, 'twenty are stored');
$forms->filed('plain');


# the client leaves meanwhile

$before = held();
@waiting = map { $forms->send('/form/plain',
                              [name => "gone $_", answer => 'held']) } 1 .. 5;

ok($t->wait_for(sub { held() == $before + 5 }), 'five wait');
$_->close() for @waiting;
ok($t->wait_for(sub { $verifier->left() >= 5 }), 'and leave');
$verifier->release('{"success":true}');

is(send_form('/form/plain', 'answer', 'good')->status, 200, 'the next one');
is(scalar(grep { $_->{fields}{data} =~ /gone/ }
          $redis->entries('intake:{plain}')), 0,
   'who left before the captcha was checked is not stored');


# with the files as they are it is: the vendor takes the answer only once

for my $vendor (sort keys %vendors) {
    my $n = held();
    my $http = $forms->send("/$vendor", [name => 'gone', $vendors{$vendor} =>
                                         'held']);

    ok($t->wait_for(sub { held() == $n + 1 }), "$vendor: one waits");
    $http->close();
    $verifier->release('{"success":true}');
    ok($t->wait_for(sub { $forms->filed($vendor) }),
       "$vendor: who left is stored");
}


# nginx reloads meanwhile

$before = held();
@waiting = map { $forms->send('/form/plain',
                              [name => "reload $_", answer => 'held']) }
           1 .. 5;

ok($t->wait_for(sub { held() == $before + 5 }), 'five wait again');
ok($t->reload(), 'reloaded');
$verifier->release('{"success":true}');

is(scalar(grep { $_->response('POST')->status == 200 } @waiting), 5,
   'they are taken by the old worker');
is(scalar(grep { $_->{fields}{data} =~ /reload/ }
          $redis->entries('intake:{plain}')), 5, 'and stored');


# the verifier goes away

$verifier->stop();
is(send_form('/form/plain', 'answer', 'good')->status, 200, 'gone: taken');
is(($redis->entries('intake:{plain}'))[-1]{fields}{intakespam}, $mark,
   'gone: marked');
is(send_form('/form/strict', 'answer', 'good')->status, 503, 'gone: strict');


$t->finish();
