#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# docs/forms.md and the first form of the README: every block of configuration
# is taken by nginx, every command works as it is printed and says what is
# printed below it, every form is sent as a browser sends it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::File;
use Intake::Form;
use Intake::Test;
use Intake::Verifier;


my $root = Intake::Test->root();
my $docs = Intake::File::slurp("$root/docs/forms.md");
my $t = Intake::Test->new();
my $redis = $t->redis();
my $verifier = Intake::Verifier->new(dir => $t->dir());
my $dir = $t->dir();


# the blocks: { type, text, done }

my @blocks;

while ($docs =~ /^```(\w*)\n(.*?)^```$/msg) {
    push @blocks, { type => $1, text => $2 };
}


# Paths and ports of the text are those of the test.

sub here {
    my ($text) = @_;
    my $port = $t->port();

    $text =~ s{/etc/nginx/}{$dir/}g;
    $text =~ s{/var/lib/nginx/intake}{$dir/files}g;
    $text =~ s{http://localhost/}{http://127.0.0.1:$port/}g;
    $text =~ s{\bredis-cli\b}{redis-cli -s $dir/redis.sock}g;

    return $text;
}


# Runs the one command that matches, and compares what it says.

sub works {
    my ($pattern, $name, %opt) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @found = grep { $blocks[$_]{type} eq 'sh'
                       && $blocks[$_]{text} =~ $pattern } 0 .. $#blocks;

    is(@found, 1, "$name: there is one") or return '';

    my $block = $blocks[$found[0]];
    my $next = $blocks[$found[0] + 1];
    my $command = here($block->{text});

    $command =~ s/$_/$opt{instead}{$_}/g for keys %{$opt{instead} || {}};
    $block->{done} = 1;
    $t->write_file('command', "cd $dir\n$command");

    my $output = qx(bash -e $dir/command 2>$dir/command.err);

    is($?, 0, "$name: it works") or diag($t->read_file('command.err'));

    if ($next && $next->{type} eq '') {
        says($output, $next->{text}, $name);
        $next->{done} = 1;
    }

    return $output;
}


# Of a head the lines that are printed, of the rest everything, but for what
# differs each time.

sub says {
    my ($output, $printed, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $output =~ s/\r//g;

    if ($printed =~ /^HTTP/) {
        my ($head) = $printed =~ /\A(.*?)(?:\n\n|\z)/s;
        my %got = map { $_ => 1 } split /\n/, $output =~ s/\n\n.*//sr;

        is_deeply([grep { !$got{$_} } split /\n/, $head], [],
                  "$name: the head") or diag($output);
        $_ = /\n\n(.*)/s ? $1 : '' for $printed, $output;
    }

    is(same($output), same(here($printed)), "$name: what it says");
}


sub same {
    my ($text) = @_;

    $text =~ s/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g;
    $text =~ s/\d{4}-\d\d-\d\dT[\d:.]+Z/TIME/g;

    return $text =~ s/\s+//gr;
}


# A form as a browser without JavaScript sends it: what is printed, filled in.

sub send_form {
    my ($html, %values) = @_;
    my ($action) = $html =~ /<form [^>]*action="([^"]+)"/;
    my @fields;

    while ($html =~ /<(?:input|textarea) ([^>]*)>/g) {
        my $attributes = $1;
        my ($name) = $attributes =~ /\bname="([^"]+)"/;
        my ($value) = $attributes =~ /\bvalue="([^"]*)"/;

        push @fields, $name => delete $values{$name} // $value // ''
            unless $attributes =~ /type="file"/;
    }

    is_deeply([keys %values], [], "$action: the fields are there");

    return Intake::Form->new(t => $t)->post($action, \@fields,
        headers => ['Accept' => 'text/html', 'Sec-Fetch-Mode' => 'navigate']);
}


sub form_for {
    my ($action) = @_;
    my ($block) = grep { $_->{text} =~ /<form[^>]* action="\Q$action\E"/ }
                       @blocks;

    $block->{done} = 1;
    return $block->{text};
}


sub last_entry {
    my ($source) = @_;
    my @rows = $redis->entries("intake:{$source}");
    my $fields = @rows ? $rows[-1]{fields} : {};

    return { %$fields, data => decode_json($fields->{data} // '{}') };
}


# the configuration, of all the blocks

my %parts = (http => '', server => '');

for my $block (grep { $_->{type} eq 'nginx' } @blocks) {
    my $part = $block->{text} =~ /\A(?:location|include)\b/ ? 'server'
                                                            : 'http';
    $parts{$part} .= here($block->{text});
    $block->{done} = 1;
}


# one source more for each other captcha of the table

my %vendors;

for my $row ($docs =~ /^(\| .*`captcha-.*)$/mg) {
    my ($vendor, $location, $field, $variable)
        = $row =~ /`captcha-(\w+)\.conf` \| `(\S+)` \| `(\S+)` \| `(\S+)`/;

    $vendors{$vendor} = { location => $location, field => $field,
                          variable => $variable };
}

is_deeply([sort keys %vendors],
          [map { m{captcha-(\w+)\.conf$} }
               sort glob "$root/conf/intake/captcha-*.conf"],
          'the captchas that there are');

for my $vendor (sort keys %vendors) {
    my $file = "captcha-$vendor.conf";
    my $port = $verifier->port();

    $t->write_file("intake/$file",
        Intake::File::slurp("$root/conf/intake/$file")
            =~ s{https://[\w.]+/}{http://127.0.0.1:$port/}r);

    next if $vendor eq 'turnstile';

    $t->write_file("intake/$vendor.secret",
                   "set $vendors{$vendor}{variable} s3cret;\n", 0600);
    $parts{http} .= "intake_source $vendor { form; captcha "
        . "location=$vendors{$vendor}{location} "
        . "field=$vendors{$vendor}{field}; }\n";
    $parts{server} .= "include intake/$file;\n"
        . "location = /$vendor { intake $vendor; }\n";
}

$t->write_file('intake/spam-words.txt', "casino\n");
$t->write_file('intake/spam-domains.txt', "trash.example\n");

works(qr/^openssl rand/m, 'the secret of tokens');
works(qr/turnstile\.secret/, 'the secret of a captcha');
$t->write_file('html/thanks.html', "thanks\n");

my ($ssi, $sub, $link) = map {
    my $pattern = $_;
    my ($block) = grep { $_->{type} eq 'html' && $_->{text} =~ $pattern }
                       @blocks;
    $block->{done} = 1;
    $block->{text};
} qr/<!--#/, qr/value="TOKEN"/, qr/<link/;

$t->write_file('html/booking.html', $ssi);
$t->write_file('html/rooms/1.html', $sub);

$t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    types { text/html html; }

    intake_redis { server %%REDIS%%; }

    $parts{http}

    server {
        listen            127.0.0.1:%%PORT_0%%;
        set_real_ip_from  127.0.0.1;
        real_ip_header    X-Address;

        $parts{server}

        location = /status { intake_status; }
    }
}
EOC

my ($code, $output) = $t->test_config($t->read_file('nginx.conf'));
is($code, 0, 'nginx takes all blocks') or diag($output);
unlike($output, qr/\[warn\]/, 'without a warning');

$verifier->answers(
    good => '{"success":true}', bad => '{"success":false}',
    used => '{"success":false,"error-codes":["timeout-or-duplicate"]}');
$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


# from a form to an endpoint, and what is answered

works(qr/^curl -d name=Ann .*message=Hello http/, 'the first form');
works(qr/^redis-cli XREVRANGE 'intake:\{contact\}'/, 'the entry');
works(qr/^curl -i -d name=Ann -d email=ann@ /, 'a wrong address');
works(qr/^curl -i -H 'Accept: text\/html'/, 'a browser');

my $res = send_form(form_for('/contact'), name => 'Bob', message => 'Hello',
                    email => 'bob@example.org');
is($res->status, 303, 'the form of step 1');
is($res->header('Location'), '/thanks.html', 'the form of step 1: where to');
is(last_entry('contact')->{data}{name}[0], 'Bob', 'the form of step 1: kept');
is(last_entry('contact')->{intakespam}, undef,
   'the form of step 1: not suspected');

send_form(form_for('/contact'), name => 'Bob', message => 'Hello again',
          email => 'bob@example.org', reference => 'x');
like(last_entry('contact')->{intakespam}, qr/honeypot/,
     'the form of step 1: its honeypot');


# tokens

my $forms = Intake::Form->new(t => $t, redis => $redis);

sub metric {
    my ($name, %labels) = @_;
    my $body = $t->get('/status?format=prometheus')->body;
    my ($line) = grep { my $l = $_;
                        !grep { $l !~ /\b$_="$labels{$_}"/ } keys %labels }
                 grep { /^\Q$name\E\{/ } split /\n/, $body;

    return ($line // '0') =~ /(\d+)$/ ? $1 : 0;
}

my %given = (
    SSI => $t->get('/booking.html')->body =~ /value="([^"]*)"/,
    sub_filter => $t->get('/rooms/1.html')->body
        =~ /name="_token" value="([^"]*)"/,
);

my ($css) = $link =~ /href="([^"]+)"/;
$given{cookie} = $1
    if ($t->get($css)->header('Set-Cookie') // '') =~ /^booking=([^;]+)/;

for my $way (sort keys %given) {
    my $token = $given{$way};

    like($token, qr/^v1\.booking\./, "$way: a token");

    my @sent = $way eq 'cookie'
        ? ([name => $way], headers => ['Cookie' => "booking=$token"])
        : ([name => $way, _token => $token]);

    is($forms->post('/booking', @sent)->status, 200, "$way: taken");
    is($forms->filed('booking')->{stream}, 'main', "$way: no spam");
}

is(metric('intake_spam_total', source => 'booking',
          reason => 'token_missing'), 0, 'none was missing');

$forms->post('/booking', [name => 'forged', _token => $given{SSI} . 'x']);
is($forms->filed('booking')->{stream}, 'spam', 'a forged one is spam');


# spam: the table is that of the code

my $code_of = Intake::File::slurp(
    "$root/src/form/ngx_http_intake_spam.c");
my %scores = $docs =~ /^\| `(\w+)` \| (\d+) \| /mg;
my %by_name;
while ($code_of =~ /^ +(\d+),? +\/\* (\w+) \*\/$/mg) {
    $by_name{$2} = $1;
}

ok(%by_name, 'there are weights');
is_deeply(\%scores, \%by_name, 'evidence and scores');

for my $case ([main => undef, name => 'Ann'],
              [main => '3 words', message => 'Casino'],
              [main => '3 domain', email => 'a@trash.example'],
              [main => '3 honeypot', name => 'Bob', reference => 'x'],
              [spam => '6 honeypot,words', reference => 'x',
               message => 'a casino'])
{
    my ($stream, $why, @fields) = @$case;

    $forms->post('/enquiry', \@fields);

    my $row = $forms->filed('enquiry');
    is($row->{stream}, $stream, ($why // 'nothing') . ': where to');
    is($row->{fields}{intakespam}, $why, ($why // 'nothing') . ': why');
}

$output = works(qr/^redis-cli XLEN/, 'to read the spam');
like($output, qr/\A1\n.*^intakespam\n6 honeypot,words\n\z/ms,
     'to read the spam: what is there');

$forms->post('/enquiry', [reference => 'y', message => 'casino 2']);

my @spam = $redis->entries('intake:{enquiry}:spam');

is(@spam, 2, 'two of them');
is(works(qr/^redis-cli XDEL/, 'to empty the spam',
         instead => { '1795318284467-0' => $spam[0]{entry} }), "1\n1\n",
   'to empty the spam: one, then the other');
is(scalar $redis->entries('intake:{enquiry}:spam'), 0,
   'to empty the spam: none is left');


# captchas

$vendors{turnstile}{uri} = '/signup';

for my $vendor (sort keys %vendors) {
    my ($uri, $field) = ($vendors{$vendor}{uri} // "/$vendor",
                         $vendors{$vendor}{field});
    my @email = (email => 'ann@example.org');

    is($forms->post($uri, [@email, $field => 'good'])->status, 200,
       "$vendor: good");
    is($forms->post($uri, [@email, $field => 'bad'])->json->{code},
       'CAPTCHA_FAILED', "$vendor: bad");
    is($forms->post($uri, \@email)->json->{code}, 'CAPTCHA_MISSING',
       "$vendor: none");
    is($forms->post($uri, [@email, $field => 'used'])->json->{duplicate},
       JSON::PP::true, "$vendor: used, for this message");
}


# a poll

for my $n (1, 2) {
    is($forms->post('/rating', [stars => 5])->json->{duplicate},
       JSON::PP::false, "vote $n counts");
}

is($redis->command('XLEN', 'intake:{rating}'), 2, 'two votes');


# attachments

works(qr/^echo ding/, 'attachments');
is(send_form(form_for('/repair'), message => 'no file')->status, 200,
   'the form with files');

my ($kept) = glob "$dir/files/74/*";
my $old = $t->write_file('files/ab/' . 'c' x 62, 'old');
utime time() - 366 * 86400, time() - 366 * 86400, $old;

works(qr/^find/, 'to remove files');
ok(-e $kept, 'to remove files: new ones stay');
ok(!-e $old, 'to remove files: old ones do not');


# other sites

works(qr/-X OPTIONS/, 'a preflight');
works(qr/evil\.example/, 'another site');
$res = $forms->post('/newsletter', [email => 'ann@example.org'],
                    headers => ['Origin' => 'https://www.example.org',
                                'Sec-Fetch-Site' => 'cross-site']);
is($res->header('Access-Control-Allow-Origin'), 'https://www.example.org',
   'a site that may');


# rate limits

sub allowed {
    my (@addresses) = @_;
    my $number = 0;

    for (1 .. 40) {
        $res = $forms->post('/feedback', [name => "$addresses[0] $_"],
            headers => ['X-Address' => $addresses[$number
                                                  % @addresses]]);
        last if $res->status != 200;
        $number++;
    }

    return $number;
}

my $allowed = allowed('192.0.2.1');

ok($allowed >= 6 && $allowed <= 7, "an address may send six: $allowed");
is($res->status, 429, 'too many: 429');
ok($res->header('Retry-After'), 'too many: when to try again');
ok(allowed('192.0.2.2') >= 6, 'another address is another one');

# 0a, a line end, is a byte as any other

$allowed = allowed('2001:db8:a:a0a::1', '2001:db8:a:a0a:1234:5678:9abc:a');
ok($allowed >= 6 && $allowed <= 7, "a /64 is one address: $allowed");
ok(allowed('2001:db8:a:a0b::1') >= 6, 'the next /64 is another one');

$allowed = 0;
$allowed += $forms->post('/feedback', [name => "many $_"],
    headers => ['X-Address' => "198.51.100.$_"])->status == 200
    for 1 .. 40;
ok($allowed < 31, "and all of them have a limit: $allowed");


# privacy

my $text = 'rosebud' . $$;

$res = $forms->post('/survey', [name => $text, $text => 'x',
                                email => "$text\@example.org"],
                    headers => ['X-Address' => '192.0.2.77']);
is($res->status, 200, 'a message with a word');
is(last_entry('survey')->{intakeip}, '192.0.2.0', 'its address is masked');

my $id = $res->json->{id};
my $found = works(qr/^id=/, 'to find an entry');
my @rows = $redis->entries('intake:{survey}');
is($found, "$rows[-1]{entry}\n", 'to find an entry: its id');

$t->post('/contact', "name=$text&email=$text",
         ['Content-Type' => 'application/x-www-form-urlencoded']);
unlike($t->log(), qr/$text/, 'no word in the error log');
unlike($t->read_file('access.log'), qr/$text/, 'nor in the access log');
unlike($t->get('/status')->body, qr/$text/, 'nor in the status');
is(scalar(grep { /$text/ } map { %{$_->{fields}} }
          map { delete $_->{fields}{data}; $_ } @rows), 0,
   'nor in an attribute');


# other services

$res = send_form(form_for('/form'), name => 'Ann', message => 'Hello',
                 _replyto => 'ann@example.org');
is($res->header('Location'), '/thanks.html', 'Formspree: where to');
is_deeply(last_entry('formspree')->{data},
          { name => ['Ann'], _replyto => ['ann@example.org'],
            message => ['Hello'], _subject => ['From the site'] },
          'Formspree: what is kept');

$res = $forms->post('/form', [_replyto => 'ann', _cc => 'x@example.org',
                              message => 'x'])->json;
is($res->{errors}[0]{code}, 'TYPE_EMAIL', 'Formspree: an error');
is(ref \$res->{error}, 'SCALAR', 'Formspree: its text');

$res = $forms->post('/form', [_replyto => 'ann@example.org', name => 'cc',
                              _cc => 'x@example.org', _to => 'x',
                              message => 'x']);
ok($res->json->{ok} && $res->json->{next}, 'Formspree: ok and next');
is_deeply([sort keys %{last_entry('formspree')->{data}}],
          [qw(_replyto message name)], 'Formspree: _cc and _to are dropped');

$res = send_form(form_for('/ask'), email => 'ann@example.org',
                 message => 'Hello');
is($res->header('Location'), '/thanks/', 'Netlify: where to');
is_deeply(last_entry('ask')->{data},
          { 'form-name' => ['ask'], email => ['ann@example.org'],
            message => ['Hello'] }, 'Netlify: what is kept');

$res = send_form(form_for('/wpcf7'), 'your-name' => 'Ann',
                 'your-email' => 'ann@example.org', 'your-subject' => 'Hi',
                 'your-message' => 'Hello');
is($res->header('Location'), '/thanks.html', 'Contact Form 7: where to');
is_deeply([sort keys %{last_entry('wpcf7')->{data}}],
          [qw(your-company your-email your-message your-name your-subject)],
          'Contact Form 7: what is kept');

for my $name (qw(your-name your-subject your-company)) {
    my %fields = ('your-name' => 'Ann', 'your-email' => 'ann@example.org',
                  'your-subject' => 'Hi', 'your-message' => "Hello\nyou",
                  $name => "Hi\r\nBcc: all\@victim.example");

    $res = $forms->post('/wpcf7', [%fields]);
    is($res->status . " @{[$res->json->{errors}[0]{field} // '']} "
       . $res->json->{errors}[0]{code}, "422 $name CONTROL_CHARACTERS",
       "Contact Form 7: $name is one line")
        or diag($res->body);
}


# all of them

is_deeply([map { $_->{text} } grep { !$_->{done} } @blocks], [],
          'every block was used');


# the first form of the README, and the webhook beside it

my $readme = Intake::File::slurp("$root/README.md");
my ($first) = $readme =~ /^## First form\n(.*?)^## /ms;
my ($second) = $readme =~ /^## First webhook\n(.*?)^## /ms;
my ($html) = $first =~ /^(    <form.*?<\/form>\n)/ms;
my ($conf) = $first =~ /^    load_module[^\n]*\n(.*?^    http .*?^    \}\n)/ms;
my ($command) = $first =~ /^    (redis-cli .*)$/m;
my ($reply) = $first =~ /^(    curl [^\n]*\\\n[^\n]*\n)/m;
my ($more, $location) = $second
    =~ /^(    include.*?^    \}\n)\n(    location .*?\n)/ms;

$conf =~ s{unix:/run/redis/redis-server\.sock}{%%REDIS%%};
$conf =~ s{/var/www/html}{$dir/html};
$conf =~ s/listen 80;/listen 127.0.0.1:%%PORT_0%%;/;
$conf =~ s/listen 127\.0\.0\.1:8081;/listen 127.0.0.1:%%PORT_1%%;/;
$conf =~ s/^( *http \{\n)/$1%%TEST_HTTP%%/m;
$conf = "%%TEST_GLOBALS%%\n$conf";

$t->write_file('intake/github.secret', "It's a Secret to Everybody\n", 0600);
$t->write_file('intake/platforms.conf',
    Intake::File::slurp("$root/conf/intake/platforms.conf"));

my $both = $conf =~ s/^( *server \{)/$more\n$1/mr
                 =~ s/^( *location )/$location$1/mr;

for my $text ($conf, $both) {
    ($code, $output) = $t->test_config(here($text));
    is($code, 0, 'README: nginx takes it') or diag($output);
    unlike($output, qr/\[warn\]/, 'README: without a warning');
}

$redis->command('FLUSHALL');
$t->write_file_expand('nginx.conf', here($both));
ok($t->reload(), 'README: reloaded');

$res = send_form($html, name => 'Ann', email => 'ann@example.org',
                 message => 'Hello');
is($res->status, 200, 'README: the form');
like($res->body, qr/<h1>Thank you</, 'README: thanks');
$res = send_form($html, name => 'Ann', email => 'ann', message => 'Hello');
is($res->status, 422, 'README: a wrong address');
like($res->body, qr/like name\@example\.com/, 'README: what is wrong');

$command = here($command);
like(qx($command), qr/^\{"name":\["Ann"\],"email":\["ann\@example\.org"\],/m,
     'README: the entry');

my ($entry) = $redis->entries('intake:{contact}');

$reply = $t->expand($reply =~ s/"ID"/"$entry->{fields}{id}"/r
                           =~ s/127\.0\.0\.1:8081/127.0.0.1:%%PORT_1%%/r);
chomp $reply;
like(qx($reply 2>/dev/null), qr/"state":"answered".*"met":true/,
     'README: the reply');
like($t->get('/status?format=prometheus', undef, port => 1)->body,
     qr/^intake_requests_total\{source="contact",outcome="stored"\} /m,
     'README: the status');


$t->expect_log(qr/limiting requests/);
$t->finish();
