#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# A captcha's answer that comes again: its vendor takes it once, but a double
# click, a reload and a second try after an error bring it twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use Intake::Form;
use Intake::Test;
use Intake::Verifier;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $verifier = Intake::Verifier->new(dir => $t->dir());
my $port = $verifier->port();

$t->write_file('secret', '0123456789abcdef0123456789abcdef', 0600);
$t->write_file_expand('nginx.conf', <<'EOC' =~ s/VERIFIER/127.0.0.1:$port/gr);
%%TEST_GLOBALS%%
worker_processes 2;

events {
}

http {
    %%TEST_HTTP%%

    intake_redis { server %%REDIS%%; timeout 5s; }

    intake_source form {
        form;
        honeypot  trap;
        captcha   location=/check field=answer;
    }
    intake_source files {
        form;
        captcha      location=/check field=answer;
        attachments  path=%%DIR%%/files;
    }
    intake_source token {
        form;
        token    secret=file:secret min=0s;
        captcha  location=/check field=answer;
    }
    intake_source short {
        form;
        captcha  location=/check field=answer;
        dedupe   window=700ms;
    }
    intake_source copies {
        form;
        captcha  location=/check field=answer;
        dedupe   key=none;
    }
    intake_source marked {
        form;
        captcha  location=/check field=answer;
        dedupe   window=10m on_duplicate=mark;
    }

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /form   { intake form; }
        location = /files  { intake files; }
        location = /token  { intake token; }
        location = /short  { intake short; }
        location = /copies { intake copies; }
        location = /marked { intake marked; }
        location = /fresh  { return 200 $intake_token_token; }
        location = /status { intake_status; }

        location = /check {
            internal;
            proxy_pass                 http://VERIFIER;
            proxy_ignore_client_abort  on;
            proxy_set_body             "$intake_captcha_response";
        }
    }
}
EOC

$verifier->answers(
    good => { once => 1, body => '{"success":true}' },
    held => { once => 1, hold => 1 },
    bad => '{"success":false,"error-codes":["invalid-input-response"]}',
    old => '{"success":false,"error-codes":["timeout-or-duplicate"]}',
);
$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');

my $forms = Intake::Form->new(t => $t, redis => $redis);


sub count { $redis->command('XLEN', "intake:{$_[0]}") }


# how often the verifier has been asked about an answer

sub asked {
    my ($answer) = @_;
    return scalar grep { $_->{body} eq $answer } $verifier->requests();
}


sub is_stored {
    my ($res, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status, 200, "$name: taken") or diag($res->body);
    is($res->json->{duplicate}, JSON::PP::false, "$name: stored");

    return $res->json;
}


sub is_repeated {
    my ($res, $first, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status, 200, "$name: success") or diag($res->body);
    is($res->json->{duplicate}, JSON::PP::true, "$name: a duplicate");
    is($res->json->{id}, $first->{id}, "$name: the same id");
    is($res->json->{received_at}, $first->{received_at},
       "$name: the same time");
}


sub is_refused {
    my ($res, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($res->status . ' ' . ($res->json->{code} // ''), $code, $name);
}


subtest 'the same again' => sub {
    my @post = (name => 'Ann', text => 'Hello', answer => 'good-1');
    my $first = is_stored($forms->post('/form', \@post), 'first');

    is_repeated($forms->post('/form', \@post), $first, 'a reload') for 1 .. 3;
    is(asked('good-1'), 4, 'the verifier is asked each time');

    my %others = (
        'another text' => ['/form', [@post[0 .. 2], 'Hello!', @post[4, 5]]],
        'another field' => ['/form', [@post, more => 'x']],
        'another order' => ['/form', [@post[2, 3, 0, 1, 4, 5]]],
        'another form' => ['/short', \@post],
    );
    my %sent = map { $_ => $forms->send(@{$others{$_}}) } keys %others;

    is_refused($sent{$_}->response('POST'), '422 CAPTCHA_EXPIRED', $_)
        for sort keys %sent;

    is_refused($forms->post('/form', [@post[0 .. 3], answer => 'bad']),
               '422 CAPTCHA_FAILED', 'an answer that never held');
    is_repeated($forms->post('/form', [@post[0 .. 3], answer => 'good-2']),
                $first, 'a new answer');
    is_repeated($forms->post('/form', [@post[0 .. 3], answer => 'good-2']),
                $first, 'which comes again');
    is(count('form'), 1, 'one entry');

    my $res = $forms->post('/form', \@post,
        headers => ['Accept' => 'text/html', 'Sec-Fetch-Mode' => 'navigate']);
    is($res->status, 200, 'a person');
    like($res->body, qr/\Q$first->{id}/, 'a person sees the same id');
};


subtest 'spam' => sub {
    my @post = (name => 'Bob', trap => 'x', answer => 'good-1s');
    my $first = is_stored($forms->post('/form', \@post), 'first');

    is_repeated($forms->post('/form', \@post), $first, 'suspected');
    is(count('form'), 2, 'one entry more');
};


subtest 'with a token' => sub {
    my $token = $t->get('/fresh')->body;
    my @post = (name => 'Ann', _token => $token, answer => 'good-1t');
    my $first = is_stored($forms->post('/token', \@post), 'first');

    is_repeated($forms->post('/token', \@post), $first, 'a reload');
    is(count('token'), 1, 'one entry');
};


subtest 'with files' => sub {
    my $send = sub {
        my ($text, $answer) = @_;
        my $body = join "\r\n",
            '--b', 'Content-Disposition: form-data; name="answer"', '',
            $answer,
            '--b', 'Content-Disposition: form-data; name="f"; filename="a"',
            'Content-Type: text/plain', '', $text, '--b--', '';

        return $t->post('/files', $body, $forms->headers('Content-Type' =>
                        'multipart/form-data; boundary=b'));
    };
    my $first = is_stored($send->('one', 'good-1f'), 'first');

    is_repeated($send->('one', 'good-1f'), $first, 'the same file');
    is_refused($send->('two', 'good-1f'), '422 CAPTCHA_EXPIRED', 'another');
    is(count('files'), 1, 'one entry');

    my @found = sort map { s{^.*/files/}{}r =~ tr{/}{}dr }
                split /\n/, qx(find "$t->{dir}/files" -type f);
    is_deeply(\@found, [sha256_hex('one')], 'and one file');
};


subtest 'in parallel' => sub {
    for my $n (1 .. 3) {
        my @post = (name => "Ann $n", answer => "good-2p-$n");
        my $before = count('form');
        my @sent = map { $forms->send('/form', \@post) } 1 .. 4;
        my @all = map { $_->response('POST') } @sent;
        my %ids = map { ($_->json->{id} // '') => 1 } @all;

        is_deeply([map { $_->status } @all], [(200) x 4], 'four clicks')
            or diag(map { $_->body } @all);
        is(scalar keys %ids, 1, 'one id');
        is(count('form'), $before + 1, 'one entry');
    }

    # the first is still being verified when the second is refused

    my @post = (name => 'Ann', answer => 'held-2');
    my $first = $forms->send('/form', \@post);

    ok($t->wait_for(sub { asked('held-2') == 1 }), 'one is being verified');

    my $second = $forms->send('/form', \@post);

    ok($t->wait_for(sub { asked('held-2') == 2 }), 'another is refused');
    $verifier->release('{"success":true}');

    $first = is_stored($first->response('POST'), 'the first');
    is_repeated($second->response('POST'), $first, 'the second');
};


subtest 'not for ever' => sub {
    my @post = (name => 'Ann', answer => 'good-3');
    my $first = is_stored($forms->post('/short', \@post), 'first');
    my ($entry) = $redis->entries('intake:{short}');
    my ($ms) = $entry->{entry} =~ /^(\d+)/;

    # it lives longer with a spool; the worker knows Redis's clock as well as
    # the answers tell, so there is some time between

    is($redis->command('PERSIST', $_), 1, 'its key stays')
        for @{$redis->command('KEYS', 'intake:{short}:dedupe:*')};

    ok($t->wait_for(sub {
        my ($s, $us) = @{$redis->command('TIME')};
        return $s * 1000 + $us / 1000 > $ms + 1200;
    }), 'the window has passed');

    my $begun = time();

    is_refused($forms->post('/short', \@post), '422 CAPTCHA_EXPIRED',
               'after the window');
    cmp_ok(time() - $begun, '<', 10, 'it does not wait for long');
    is(count('short'), 1, 'one entry');
};


subtest 'where copies are stored' => sub {
    my @sources = ('copies', 'marked');
    my @post = (name => 'Ann', answer => 'good-4');

    is_stored($forms->post("/$_", [@post[0 .. 2], "good-4-$_"]), $_)
        for @sources;

    my %sent = map {
        $_ => $forms->send("/$_", [@post[0 .. 2], "good-4-$_"]) } @sources;

    for my $source (@sources) {
        is_refused($sent{$source}->response('POST'), '422 CAPTCHA_EXPIRED',
                   "$source: one answer, one entry");
        is(count($source), 1, "$source: one entry");
    }
};


subtest 'the store was away' => sub {
    my @sources = ('form', 'copies', 'files');

    $redis->stop();

    for my $source (@sources) {
        my @post = (name => 'Eve', answer => "good-5-$source");

        is_refused($forms->post("/$source", \@post), '503 STORE_UNAVAILABLE',
                   "$source: nothing takes it") for 1 .. 3;
    }

    is_refused($forms->post('/form', [name => 'Old', answer => 'old']),
               '503 STORE_UNAVAILABLE', 'nobody knows what is stored');

    $redis->start();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }),
       'it is back');

    is_refused($forms->post('/form', [name => 'Eva', answer => 'good-5-form']),
               '422 CAPTCHA_EXPIRED', 'another text');

    for my $source (@sources) {
        my @post = (name => 'Eve', answer => "good-5-$source");
        my $before = count($source);
        my $first = is_stored($forms->post("/$source", \@post), $source);
        my $again = $forms->post("/$source", \@post);

        $source eq 'copies'
            ? is_refused($again, '422 CAPTCHA_EXPIRED', "$source: once only")
            : is_repeated($again, $first, "$source: again");
        is(count($source), $before + 1, "$source: one entry");
    }
};


# a browser that sends a form again ends the request that was under way

subtest 'the visitor left' => sub {
    my @post = (name => 'Joe', answer => 'held-6');
    my $first = $forms->send('/form', \@post);

    ok($t->wait_for(sub { asked('held-6') == 1 }), 'one is being verified');
    $first->close();

    my $second = $forms->send('/form', \@post);

    ok($t->wait_for(sub { asked('held-6') == 2 }), 'another is refused');
    $verifier->release('{"success":true}');

    my $res = $second->response('POST');
    is($res->status, 200, 'the second is taken') or diag($res->body);
    is(scalar(grep { $_->{fields}{data} =~ /Joe/ }
              $redis->entries('intake:{form}')), 1, 'one entry');
};


subtest 'the visitor left, over HTTP/2' => sub {
    plan skip_all => 'no HTTP/2 in this nginx'
        unless $t->has('http_v2_module');

    $t->request_h2('POST', '/form', port => 1,
        body => 'name=Jim&answer=held-7', headers => [
            'content-type' => 'application/x-www-form-urlencoded',
            'accept' => 'application/json'],
        leave => sub { asked('held-7') });

    my $second = $forms->send('/form', [name => 'Jim', answer => 'held-7']);

    ok($t->wait_for(sub { asked('held-7') == 2 }), 'another is refused');
    $verifier->release('{"success":true}');

    my $res = $second->response('POST');
    is($res->status, 200, 'the second is taken') or diag($res->body);
    is(scalar(grep { $_->{fields}{data} =~ /Jim/ }
              $redis->entries('intake:{form}')), 1, 'one entry');
};


$t->finish();
