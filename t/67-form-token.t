#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The signed token of forms: how a page gets it, and what it says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes qw(time);

use Intake::Form;
use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $secret = '0123456789abcdef0123456789abcdef';

$t->write_file('secret', "$secret\n", 0600);
$t->write_file('html/ssi.html', '[<!--#echo var="intake_token" -->]'
    . '[<!--#echo var="intake_token" -->]');
$t->write_file('html/named.html', '[<!--#echo var="intake_token_contact" -->]'
    . '[<!--#echo var="intake_token_no_cookie" -->]'
    . '[<!--#echo var="intake_token_nosuch" default="none" -->]');
$t->write_file('html/sub.html', 'value="__TOKEN__"');
$t->write_file('html/part.html', '<!--#include virtual="/ssi.html" -->');

my $conf = <<'EOC';
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis { server %%REDIS%%; }

    intake_source contact {
        form;
        token  secret=file:secret min=1s max=1h cookie=contact_token;
        spam   suspect=1;
    }

    SOURCES

    server {
        listen  127.0.0.1:%%PORT_0%%;
        ssi     on;

        location = /contact     { intake contact; }
        location = /contact.css { intake_token contact; }
        location = /sub.html    { sub_filter __TOKEN__ $intake_token_contact; }
        location = /status      { intake_status; }

        LOCATIONS
    }
}
EOC

my $sources = <<'EOC';
    intake_source no-cookie {
        form;
        token   secret=file:secret;
        dedupe  window=1s;
    }

    intake_source other {
        form;
        token  secret=file:secret min=1s max=1h cookie=other_token;
    }

    intake_source severe {
        form;
        token  secret=file:secret min=1s max=1h;
        spam   suspect=1 certain=1;
    }

    intake_source hook { platform none; }
    intake_platform none { algorithm none; }
EOC

my $locations = <<'EOC';
        location = /no-cookie { intake no-cookie; }
        location = /severe    { intake severe; }

        location = /page.html {
            alias   %%DIR%%/html/ssi.html;
            intake  no-cookie get=page;
        }
        location = /if.css {
            intake_token  other;
            if ($arg_a) { set $x 1; }
        }
EOC

sub conf_with {
    my ($more_sources, $more_locations) = @_;
    return $conf =~ s/SOURCES/$more_sources/r
                 =~ s/LOCATIONS/$more_locations/r;
}


$t->write_file_expand('nginx.conf', conf_with($sources, $locations));
$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');

my $forms = Intake::Form->new(t => $t, redis => $redis);
my $number = 0;


# a token as the server makes it; age in seconds

sub token {
    my ($form, $age, %opt) = @_;
    my $text = join '.', 'v1', $form, int((time() - $age) * 1000),
                    $opt{nonce} // encode_base64url(pack 'N4',
                        map { rand 2 ** 32 } 1 .. 4);

    return "$text." . encode_base64url(
        pack 'H*', hmac('sha256', 'hex', $opt{secret} // $secret, "$text."));
}


sub is_token {
    my ($token, $form, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($text, $time, $nonce, $mac) = ($token // '')
        =~ /^((?:v1\.\Q$form\E\.(\d{13})\.([\w-]{22}))\.)([\w-]{43})$/;

    ok(defined $mac, "$name: its form") or return diag($token);
    is($mac, encode_base64url(pack 'H*', hmac('sha256', 'hex', $secret,
                                              $text)), "$name: its MAC");
    ok(abs($time / 1000 - time()) < 10, "$name: its time");

    return $nonce;
}


# how a page gets it

my @tokens = $t->get('/page.html')->body =~ /\[([^\]]*)\]/g;
my @nonces = map { is_token($_, 'no-cookie', "the form of the location") }
             @tokens;

is(@tokens, 2, 'two tokens in a page');
isnt($nonces[0], $nonces[1], 'each is another one');

@tokens = $t->get('/named.html')->body =~ /\[([^\]]*)\]/g;
is_token($tokens[0], 'contact', 'by name');
is_token($tokens[1], 'no-cookie', 'by name, "-" as "_"');
is($tokens[2], 'none', 'of no form');

is($t->get('/ssi.html')->body, '[(none)][(none)]',
   'a page that no form is known for');
is_token($t->get('/sub.html')->body =~ /value="(.*)"/, 'contact',
         'sub_filter');


# the cookie

my $cookie = qr{^contact_token=(\S+);[ ]Path=/;[ ]HttpOnly;
                [ ]SameSite=Lax;[ ]Max-Age=3600$}x;
my $res = $t->get('/contact.css');

is($res->status, 200, 'cookie: 200');
is($res->body, '', 'cookie: no body');
is($res->header('Content-Type'), 'text/css', 'cookie: a style sheet');
is($res->header('Cache-Control'), 'no-store', 'cookie: Cache-Control');
is($res->header('X-Content-Type-Options'), 'nosniff', 'cookie: nosniff');
like($res->header('Set-Cookie'), $cookie, 'cookie: Set-Cookie');
my ($issued) = $res->header('Set-Cookie') =~ $cookie;
is_token($issued, 'contact', 'cookie');

$res = $t->request('HEAD', '/contact.css');
is($res->status, 200, 'cookie: HEAD');
like($res->header('Set-Cookie'), $cookie, 'cookie: HEAD sets it');
is($t->post('/contact.css', 'x')->status, 405, 'cookie: POST');
like($t->get('/if.css?a=1')->header('Set-Cookie'), qr/^other_token=v1\.other/,
     'cookie: beside an "if"');


# What it says.  One that is missing marks nobody: that it is found is seen
# when the form comes from another site, too.

my $missing = '3 token_missing,cross_site';
my $forged = '6 token_forged';

sub judged {
    my ($name, $stream, $spam, $token, @cookies) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @from = ($spam // '') eq $missing
               ? ('Origin' => 'https://evil.example',
                  'Sec-Fetch-Site' => 'cross-site') : ();

    $number++;

    my $res = $forms->post('/contact',
        [message => "number $number",
         map { (_token => $_) } grep { defined }
             ref $token ? @$token : $token],
        headers => [@from, map { (Cookie => $_) } @cookies]);
    my $row = $forms->filed('contact') || {};

    is($res->status, 200, "$name: taken");
    is($row->{stream}, $stream, "$name: the stream");
    is($row->{fields}{intakespam}, $spam, "$name: the reasons");
    unlike($row->{fields}{data}, qr/_token|v1\./, "$name: it is not stored");
}


judged('a token', 'main', undef, token('contact', 5));
judged('with blanks', 'main', undef, ' ' . token('contact', 5) . "\r\n");
judged('too fast', 'main', '2 too_fast', token('contact', 0));
judged('an hour ago', 'main', undef, token('contact', 3590));
judged('too old', 'main', undef, token('contact', 3700));
judged('very old', 'main', undef, token('contact', 86400 * 3650));
judged('a clock that was set back', 'main', undef, token('contact', -240));
judged('and further', 'main', undef, token('contact', -86400));

judged('none', 'main', $missing, undef);

for my $text ('', ' ', '(none)', '__TOKEN__', '<!--#echo var="intake_token"-->',
              '$intake_token')
{
    judged("no token: '$text'", 'main', $missing, $text);
}

my $good = token('contact', 5);
my @parts = split /\./, $good;

judged('another MAC', 'spam', $forged,
       join '.', @parts[0 .. 3], 'A' x 43);
judged('the last character', 'spam', $forged,
       $good =~ s/(.)$/$1 eq 'A' ? 'B' : 'A'/er);
judged('another time', 'spam', $forged,
       join '.', @parts[0, 1], $parts[2] + 1, @parts[3, 4]);
judged('another nonce', 'spam', $forged,
       join '.', @parts[0 .. 2], 'A' x 22, $parts[4]);
judged('a digit of the time in the nonce', 'spam', $forged,
       join '.', @parts[0, 1], substr($parts[2], 0, 12),
                 substr($parts[2], 12) . $parts[3], $parts[4]);
judged('a dot more', 'spam', $forged,
       join '.', @parts[0 .. 2], '', @parts[3, 4]);
judged('parts that are missing', 'spam', $forged,
       join '.', @parts[0 .. 3]);
judged('one part', 'spam', $forged, 'v1.');
judged('no MAC', 'spam', $forged, join '.', @parts[0 .. 3], '');
judged('a longer MAC', 'spam', $forged, "${good}A");
judged('another secret', 'spam', $forged,
       token('contact', 5, secret => 'guessed'));
judged("another form's", 'spam', $forged, token('other', 5));

judged('a placeholder and a token', 'main', undef, ['(none)', $good]);


# in the cookie

sub cookie { join '; ', map { "contact_token=$_" } @_ }

judged('a cookie', 'main', undef, undef, cookie(token('contact', 5)));
judged('the one that was set', 'main', '2 too_fast', undef,
       cookie($t->get('/contact.css')->header('Set-Cookie') =~ $cookie));
judged('among others', 'main', undef, undef,
       'a=b; contact_token2=x; ' . cookie(token('contact', 5)) . '; c');
judged('in the second header', 'main', undef, undef, 'a=b',
       cookie(token('contact', 5)));
judged('a forged one', 'spam', $forged, undef, cookie("${good}A"));
judged('a forged one and a good one', 'main', undef, undef,
       cookie("${good}A", token('contact', 5)));
judged("another form's", 'main', $missing, undef, cookie(token('other', 5)));
judged('no token', 'main', $missing, undef, cookie('x'));
judged('an empty one', 'main', $missing, undef, 'contact_token=; a');
judged('of another name', 'main', $missing, undef,
       'xcontact_token=' . token('contact', 5));

judged('the field comes first', 'spam', $forged, "${good}A",
       cookie(token('contact', 5)));
judged('a placeholder, but a cookie', 'main', undef, '(none)',
       cookie(token('contact', 5)));

number_of_reasons();


# none, or one that is old, is nothing by itself, whatever the scores are

for my $case (['none', undef], ['no token', '(none)'],
              ['an old one', token('severe', 86400)])
{
    my ($name, $token) = @$case;

    $forms->post('/severe', [message => "severe: $name",
                             map { (_token => $_) } grep { defined } $token]);
    my $row = $forms->filed('severe') || {};

    is($row->{stream}, 'main', "certain=1, $name: the main stream");
    is($row->{fields}{intakespam}, undef, "certain=1, $name: not marked");
}

$forms->post('/severe', [message => 'severe: a trap', _gotcha => 'x']);
is($forms->filed('severe')->{fields}{intakespam}, '4 honeypot,token_missing',
   'certain=1: beside something else it counts');


# counted, each of them

sub number_of_reasons {
    my ($source) = grep { $_->{name} eq 'contact' }
                   @{$t->get('/status?format=json')->json->{sources}};

    is($source->{spam}{token_forged}, 14, 'forged ones are counted');
    is($source->{spam}{too_fast}, 2, 'fast ones are counted');
    is($source->{spam}{token_missing}, 11, 'missing ones are counted');
}


# a token is good for one text, however often it is sent

sub send_again {
    my ($message, $token) = @_;
    my $res = $forms->post('/no-cookie', [message => $message,
                                          _token => $token]);

    is($res->status, 200, "$message: taken");
    return $res->json;
}


sub entries { scalar $redis->entries('intake:{no-cookie}') }


my $token = token('no-cookie', 5);
my $first = send_again('one', $token);
my $again = send_again('one', $token);

is($again->{id}, $first->{id}, 'sent twice: the same id');
is(entries(), 1, 'sent twice: stored once');

isnt(send_again('two', $token)->{id}, $first->{id},
     'edited: another message');
is(entries(), 2, 'edited: stored');

my ($last) = reverse $redis->entries('intake:{no-cookie}');
my ($ms) = $last->{entry} =~ /^(\d+)/;

ok($t->wait_for(sub {
    my $time = $redis->command('TIME');
    return $time->[0] * 1000 + $time->[1] / 1000 > $ms + 1100;
}), 'the window has passed');

SKIP: {
    my $script = Intake::Test->root() . '/src/redis/scripts/store.lua';

    skip 'the script keeps no key of tokens', 2
        unless Intake::File::slurp($script) =~ /^--   n {2}/m;

    is(send_again('one', $token)->{id}, $first->{id}, 'replayed: the same id');
    is(entries(), 2, 'replayed: stored once');
}

my $entries = entries();
isnt(send_again('one', token('no-cookie', 5))->{id}, $first->{id},
     'another token: another message');
is(entries(), $entries + 1, 'another token: stored');


# the only form

$t->write_file_expand('nginx.conf', conf_with('', ''));
ok($t->reload(), 'reloaded');

@tokens = $t->get('/ssi.html')->body =~ /\[([^\]]*)\]/g;
is_token($tokens[0], 'contact', 'the only form with tokens');
@tokens = $t->get('/part.html')->body =~ /\[([^\]]*)\]/g;
is_token($tokens[0], 'contact', 'in a part');


# over TLS

SKIP: {
    skip 'no TLS in this nginx', 2 unless $t->has('http_ssl_module');

    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x "
           . "-keyout " . $t->path('key') . " -out " . $t->path('cert')
           . " 2>/dev/null") == 0 or die 'openssl';

    my $tls = conf_with('', '')
        =~ s/(PORT_0%%;)/$1 listen 127.0.0.1:%%PORT_1%% ssl;
             ssl_certificate cert; ssl_certificate_key key;/r;

    $t->write_file_expand('nginx.conf', $tls);
    ok($t->reload(), 'TLS');

    my $head = qx(curl -sk -D - https://127.0.0.1:@{[$t->port(1)]}/contact.css);
    like($head, qr/^Set-Cookie: contact_token=\S+; .*Max-Age=3600; Secure\r$/m,
         'TLS: Secure');
}


# configurations that cannot work

for my $case (
    ['intake_token nosuch;', qr/unknown source "nosuch"/],
    ['intake_token contcat;', qr/did you mean "contact"/],
    ['intake_token no-cookie;', qr/"no-cookie" has no cookie to set/],
    ['intake_token hook;', qr/"hook" has no cookie to set/],
    ['intake_token;', qr/invalid number of arguments/],
    ['intake_token contact; intake_token contact;', qr/is duplicate/],
    ['intake_token contact; proxy_pass http://127.0.0.1;',
     qr/cannot stand beside another handler/],
    ['proxy_pass http://127.0.0.1; intake_token contact;',
     qr/cannot stand beside another handler/],
    ['intake contact; intake_token contact;',
     qr/cannot stand beside another handler/],
    ['return 200 $intake_token_nosuch;',
     qr/"\$intake_token_nosuch": there is no intake_source "nosuch"/],
    ['return 200 $intake_token_hook;', qr/there is no intake_source "hook"/])
{
    my ($directives, $expected) = @$case;
    my ($code, $said) = $t->test_config(
        conf_with($sources, "location = /x { $directives }"));

    isnt($code, 0, "$directives: refused");
    like($said, $expected, "$directives: what it says");
}


$t->finish();
