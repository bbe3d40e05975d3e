#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What people and scripts are answered when they send a form: who is asking,
# each status in both forms, what the visitor wrote, redirects.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::FormAnswer;
use Intake::Test;
use Intake::Ways;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file('html/page', 'the page of the form');
$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server  %%REDIS%%;
    }

    intake_source contact {
        form;
        field     name     required max=100 "label=Your <name>";
        field     email    required type=email label=E-mail;
        field     message  required max=5000 label=Message;
        max_body  20k;
    }

    intake_source goes {
        form;
        field     message required;
        redirect  /thanks.html next=on;
        origin    https://good.example;
    }

    intake_source stays {
        form;
        field     message required;
        redirect  /thanks.html;
    }

    intake_source marked {
        form;
        field     email type=email;
        field     message required;
        redirect  /thanks.html "error=/contact/?a=1#form-error";
        strict    on;
    }

    intake_source typed {
        form;
        field  short   min=3 max=5;
        field  tel     type=tel;
        field  url     type=url;
        field  number  type=number min=2 max=12.5;
        field  date    type=date min=2026-01-01;
        field  choice  type=choice "values=a|b";
        field  a/b~c   required;
        strict on;
    }

    intake_source quick { form; deadline 300ms; }
    intake_source loose { form; redirect /thanks.html error=/wrong; }

    limit_req_zone  $arg_bucket  zone=rate:64k  rate=1r/m;

    server {
        listen       127.0.0.1:%%PORT_0%%;
        listen       127.0.0.1:%%PORT_1%%  http2;
        server_name  localhost;

        location = /contact  { intake contact; }
        location = /goes     { intake goes; }
        location = /stays    { intake stays; }
        location = /marked   { intake marked; }
        location = /typed    { intake typed; }
        location = /quick    { intake quick; }
        location = /loose    { intake loose; }
        location = /page     { intake contact get=page; }
        location = /denied   { intake contact; deny all; }
        location = /internal { intake contact; internal; }
        location = /broken   { intake contact; auth_request /missing; }
        location = /paid     { intake contact; return 402; }
        location = /busy     { intake contact; return 503; }
        location = /rate     {
            intake            contact;
            limit_req         zone=rate;
            limit_req_status  429;
        }
        location = /zipped   {
            intake   contact;
            gzip     on;
            charset  koi8-r;
        }
        location = /status   { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my $form = 'application/x-www-form-urlencoded';
my ($seq, $stored) = (0, 0);


sub form {
    my ($uri, $body, @headers) = @_;
    return $t->post($uri, $body, ['Content-Type' => $form, @headers]);
}


# A submission that is in order, and another one each time.

sub good {
    return encode(name => 'Ann', email => 'ann@example.com',
                  message => 'Hello ' . ++$seq, @_);
}


sub entries {
    my $n = 0;
    $n += $redis->command('XLEN', "intake:{$_}")
        for qw(contact goes stays marked typed quick);
    return $n;
}


my $navigation = $clients{page}{navigation};

subtest 'who is asking' => sub {
    my @cases = (
        [0, 'nothing'],
        [0, 'anything', Accept => '*/*'],
        [1, 'HTML', Accept => 'text/html'],
        [1, 'XHTML', Accept => 'application/xhtml+xml'],
        [1, 'in any case', Accept => 'TEXT/HTML'],
        [0, 'HTML, not at all', Accept => 'text/html;q=0, */*'],
        [0, 'some text', Accept => 'text/*'],
        [0, 'plain text', Accept => 'text/plain'],
        [0, 'the word', Accept => 'text/html-json'],
        [0, 'JSON', Accept => 'application/json'],
        [0, 'problems', Accept => 'application/problem+json, text/html;q=0.9'],
        [0, 'JSON first', Accept => 'application/json, text/html'],
        [1, 'HTML first', Accept => 'text/html, application/json'],
        [1, 'HTML rather', Accept => 'application/json;q=0.8, text/html'],
        [0, 'JSON rather', Accept => 'text/html;q=0.8, application/json'],
        [0, 'JSON by a little',
         Accept => 'text/html;q=0.998,application/json;q=0.999'],
        [1, 'JSON, not at all',
         Accept => 'application/json;q=0, text/html;q=0.001'],
        [0, 'axios', Accept => 'application/json, text/plain, */*'],
        [0, 'two headers', Accept => 'text/html;q=0.5',
         Accept => 'application/json'],
        [1, 'JSON among others', Accept => 'text/html, application/json;q=0.9,'
         . ' */*;q=0.8'],
        [1, 'navigate', 'Sec-Fetch-Mode' => 'navigate'],
        [1, 'navigate for anything', Accept => '*/*',
         'Sec-Fetch-Mode' => 'navigate'],
        [0, 'navigate for JSON', Accept => 'application/json',
         'Sec-Fetch-Mode' => 'navigate'],
        map({ [0, "mode $_", Accept => 'text/html', 'Sec-Fetch-Mode' => $_] }
            qw(cors no-cors same-origin websocket NAVIGATE)),
        [0, 'XHR', Accept => 'text/html',
         'X-Requested-With' => 'xmlhttprequest'],
        [1, 'an app', Accept => 'text/html', 'X-Requested-With' => 'org.app'],
        [1, 'a browser beats a library', 'Sec-Fetch-Mode' => 'navigate',
         'X-Requested-With' => 'XMLHttpRequest'],
        [0, 'its own type says nothing',
         'Content-Type' => 'text/html'],
        [1, 'nor does this', Accept => 'text/html',
         'Content-Type' => 'application/json'],
    );

    for my $case (@cases) {
        my ($page, $name, @headers) = @$case;

        is($t->request('PUT', '/contact', body => 'x',
                       headers => \@headers)->header('Content-Type'),
           $page ? 'text/html; charset=utf-8' : 'application/problem+json',
           $name);
    }
};


# each of [name, code, status, heading, sub that sends with headers]

my $large = good(more => 'x' x 20480);
my %hidden = (word => 'HIDDEN-5e1f');

my @refused = (
    ['no form at all', 'MALFORMED', 400, 'The form could not be read', sub {
        $t->post('/contact', "--x\r\n$hidden{word}",
                 ['Content-Type' => 'multipart/form-data; boundary=x', @_]) }],
    ['deny', 'FORBIDDEN', 403, 'The form cannot be sent',
     sub { form('/denied', good(), @_) }],
    ['another site', 'ORIGIN_NOT_ALLOWED', 403,
     'The form cannot be sent from there',
     sub { form('/goes', good(), Origin => 'https://evil.example', @_) }],
    ['internal', 'NOT_FOUND', 404, 'There is no form here',
     sub { form('/internal', good(), @_) }],
    (map { my $method = $_;
           [$method, 'METHOD_NOT_ALLOWED', 405, 'This address receives forms',
            sub { $t->request($method, '/contact', headers => [@_]) }] }
     qw(GET PUT DELETE PATCH FROB)),
    ['declared too large', 'TOO_LARGE', 413, 'That is too much',
     sub { form('/contact', $large, @_) }],
    ['found too large', 'TOO_LARGE', 413, 'That is too much',
     sub { $t->post('/contact', $large, ['Content-Type' => $form, @_],
                    chunked => 5000) }],
    ['too many fields', 'TOO_MANY_FIELDS', 413, 'Too many fields',
     sub { form('/contact', good() . '&a=HIDDEN-5e1f' x 101, @_) }],
    ['plain text', 'UNSUPPORTED_MEDIA_TYPE', 415, 'The form could not be read',
     sub { $t->post('/contact', 'x', ['Content-Type' => 'text/plain', @_]) }],
    ['compressed', 'UNSUPPORTED_CONTENT_ENCODING', 415,
     'The form could not be read',
     sub { form('/contact', 'x', 'Content-Encoding' => 'gzip', @_) }],
    ['errors', 'VALIDATION_FAILED', 422, 'The form has errors',
     sub { form('/contact', encode(email => $hidden{word}), @_) }],
    ['empty', 'EMPTY', 422, 'The form is empty',
     sub { form('/contact', '', @_) }],
    ['too often', 'RATE_LIMITED', 429, 'Too many forms in a short time',
     sub { form('/rate?bucket=full', good(), @_) }],
    ['trouble', 'INTERNAL_ERROR', 500, 'Something went wrong here',
     sub { form('/broken', good(), @_) }],
    ['trouble of the operator', 'INTERNAL_ERROR', 503,
     'Something went wrong here', sub { form('/busy', good(), @_) }],
    ['what nobody has heard of', 'MALFORMED', 402,
     'The form could not be read', sub { form('/paid', good(), @_) }],
);

is(form('/rate?bucket=full', good())->status, 200, 'the first of a minute');
$stored++;

for my $case (@refused) {
    my ($name, $code, $status, $heading, $send) = @$case;

    subtest "refused: $name" => sub {
        my @demands = ({}, {});

        for my $client (sort keys %{$clients{page}}) {
            my $res = $send->(@{$clients{page}{$client}});
            my $page = is_page($res, $status, $heading, $client) or next;

            $demands[0] = $res;
            is($page->all('a'), 0, "$client: no links");
            like($page->{elements}[0]{text}, qr/Use the Back button/,
                 "$client: back") if $name !~ /^[A-Z]+$/;
        }

        for my $client (sort keys %{$clients{json}}) {
            my $res = $send->(@{$clients{json}{$client}});

            is_problem_json($res, $status, $code, $client);
            unlike($res->body, qr/$hidden{word}|Ann|Hello/,
                   "$client: what was written is not in it");
            $demands[1] = $res;
        }

        for my $res (@demands) {
            is_deeply(
                [map { $res->header($_) // '' } qw(Allow Accept
                                                   Accept-Encoding Location)],
                [$status == 405 ? 'POST, OPTIONS' : '',
                 $code eq 'UNSUPPORTED_MEDIA_TYPE'
                     ? "$form, multipart/form-data, application/json" : '',
                 $code eq 'UNSUPPORTED_CONTENT_ENCODING' ? 'identity' : '',
                 ''], 'what the status demands');
        }
    };
}

is(entries(), $stored, 'nothing that was refused is stored');

my %limits = (
    413 => [$t->post('/contact', $large, ['Content-Type' => $form]), 20480],
    chunks => [$t->post('/contact', $large, ['Content-Type' => $form],
                        chunked => 4096), 20480],
    fields => [form('/contact', good() . '&a=b' x 101), 100],
);

is($limits{$_}[0]->json->{limit}, $limits{$_}[1], "the limit: $_")
    for sort keys %limits;

like($t->post('/contact', '--x--', ['Content-Type' => 'multipart/form-data'])
         ->json->{detail}, qr/do not set Content-Type yourself/,
     'a boundary that was left out');


subtest 'HEAD' => sub {
    for my $headers ([], $navigation) {
        my $get = $t->get('/contact', $headers);
        my $head = $t->request('HEAD', '/contact', headers => $headers);

        is($head->status, 405, 'status');
        is($head->body, '', 'no body');
        is($head->header('Allow'), 'POST, OPTIONS', 'Allow');
        is($head->header('Content-Length'), length $get->body,
           'the length of that of GET');
        has_form_headers($head, 'HEAD');
    }
};


subtest 'a page of the site at the same address' => sub {
    my $res = $t->get('/page', $navigation);

    is_deeply([$res->status, $res->body, $res->header('Vary')],
              [200, 'the page of the form', undef], 'GET');
    is($t->request('HEAD', '/page')->status, 200, 'HEAD');

    $res = $t->request('PUT', '/page', body => 'x');
    is_problem_json($res, 405, 'METHOD_NOT_ALLOWED', 'PUT');
    is($res->header('Allow'), 'POST, OPTIONS, GET, HEAD', 'Allow');

    is(form('/page', good())->status, 200, 'POST');
    $stored++;
};


subtest 'success' => sub {
    my $uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-
                  [0-9a-f]{12}$/x;

    for my $client (sort keys %{$clients{json}}) {
        my $body = good();
        my @send = ('/contact', $body, @{$clients{json}{$client}});
        my $res = form(@send);
        my $json = $res->json;

        $stored++;
        is($res->status, 200, "$client: stored");
        is($res->header('Content-Type'), 'application/json', "$client: type");
        has_form_headers($res, $client);
        like(delete $json->{id}, $uuid, "$client: id");
        like(delete $json->{received_at},
             qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "$client: time");
        is_deeply($json, { ok => JSON::PP::true, success => JSON::PP::true,
                           message => 'Thank you. Your message was sent.',
                           duplicate => JSON::PP::false },
                  "$client: nothing else");

        my $first = decode_json($res->body);
        my $again = form(@send);

        is($again->status, 200, "$client: again");
        is_deeply($again->json, { %$first, duplicate => JSON::PP::true },
                  "$client: the same answer");
    }

    for my $client (sort keys %{$clients{page}}) {
        my @send = ('/contact', good(), @{$clients{page}{$client}});

        for my $time ('first', 'again') {
            my $page = is_page(form(@send), 200, 'Thank you',
                               "$client: $time") or next;
            like($page->{elements}[0]{text}, qr/Your message was sent\./,
                 "$client: $time: words");
        }

        $stored++;

        @send = ('/stays', encode(message => ++$seq, _next => '/elsewhere'),
                 @{$clients{page}{$client}});

        for my $time ('first', 'again') {
            my $res = form(@send);

            is_deeply([$res->status, $res->body, $res->headers('Location')],
                      [303, '', '/thanks.html'], "$client: $time: redirect");
            has_form_headers($res, "$client: $time");
        }

        $stored++;
    }

    is(form('/stays', encode(message => ++$seq))->json->{next},
       '/thanks.html', 'a script is told where to go');
    $stored++;

    is(entries(), $stored, 'all that was accepted is stored, once');
};


my %ways = ways($t);

for my $way (sort keys %ways) {
    subtest "both answers: $way" => sub {
        my @headers = ('Content-Type' => $form);
        my $send = sub { $ways{$way}->('POST', '/contact', $_[0],
                                       [@headers, @{$_[1]}]) };

        is_page($send->(good(), $navigation), 200, 'Thank you', 'stored');
        is($send->(good(), [])->json->{ok}, JSON::PP::true, 'stored');
        $stored += 2;
        is_page($send->('a=b', $navigation), 422, 'The form has errors',
                'refused');
        is_problem_json($send->('a=b', []), 422, 'VALIDATION_FAILED',
                        'refused');
        is_page($send->($large, $navigation), 413, 'That is too much',
                'too large');
    };
}


subtest 'errors' => sub {
    my $res = form('/contact', encode(email => 'ann', message => ' '));
    my $json = $res->json;

    is($res->reason, 'Unprocessable Content', 'reason');
    is($json->{detail}, '3 fields need attention.', 'detail');
    is($json->{error}, $json->{title}, 'the error as clients read it');
    is_deeply($json->{errors}, [
        { field => 'name', code => 'REQUIRED_FIELD_MISSING',
          message => 'Fill in "Your <name>"', pointer => '#/name' },
        { field => 'email', code => 'TYPE_EMAIL', pointer => '#/email',
          message => 'Enter an e-mail address like name@example.com' },
        { field => 'message', code => 'REQUIRED_FIELD_EMPTY',
          message => 'Fill in "Message"', pointer => '#/message' },
    ], 'all at once, in the order of the form');

    is(form('/contact', encode(name => 'Ann', message => 'x', email => '@'))
           ->json->{detail}, '1 field needs attention.', 'one');

    my @cases = (
        [short => 'ab', 'TOO_SHORT', qr/3 characters at least/],
        [short => 'abcdef', 'TOO_LONG', qr/5 characters at most/],
        [tel => 'call me', 'TYPE_TEL', qr/telephone/],
        [url => 'javascript:1', 'TYPE_URL', qr/web address/],
        [number => 'two', 'TYPE_NUMERIC', qr/number/],
        [number => '1', 'RANGE_UNDERFLOW', qr/the least is 2$/],
        [number => '12.51', 'RANGE_OVERFLOW', qr/the greatest is 12\.5$/],
        [date => 'today', 'TYPE_DATE', qr/2026-11-21/],
        [date => '2025-12-31', 'RANGE_UNDERFLOW',
         qr/the least is 2026-01-01$/],
        [choice => 'c', 'NOT_ONE_OF', qr/Choose one/],
        [tel => "12\n345", 'CONTROL_CHARACTERS', qr/one line/],
        ['x<y' => 'z', 'UNKNOWN_FIELD', qr/no field "x<y"/],
    );

    for my $case (@cases) {
        my ($name, $value, $code, $message) = @$case;

        my $json = form('/typed', encode('a/b~c' => 'x', $name => $value))
            ->json;
        my ($error) = @{$json->{errors}};

        is($error->{code}, $code, "$name: $code");
        like($error->{message}, $message, "$name: $code: words");
        is($error->{field}, $name, "$name: $code: field");
    }

    is(form('/typed', encode(short => 'abc'))->json->{errors}[0]{pointer},
       '#/a~1b~0c', 'the pointer of a strange name');
    is_deeply(form('/quick', '')->json->{errors},
              [{ code => 'EMPTY',
                 message => 'Please fill it in before you send it.' }],
              'what is wrong with the whole form has no field');
};


subtest 'what the visitor wrote' => sub {
    my $page = is_page(form('/contact', encode(
        name => 'Ann <b>"&amp;\'</b>',
        email => '"><script>alert(1)</script>',
        message => "\r\n</textarea><script>alert(2)</script>\r\n&lt; \xc3\xa9",
        'a"><img src=x>' => 'x', _gotcha => '', _next => '//evil.example',
        _token => 'secret', 'h-captcha-response' => 'answer', empty => ''),
        @$navigation), 422, 'The form has errors', 'hostile') or return;

    is_deeply($page->given_back, {
        'Your <name>' => 'Ann <b>"&amp;\'</b>',
        'E-mail' => '"><script>alert(1)</script>',
        'Message' => "\n</textarea><script>alert(2)</script>\n&lt; \xc3\xa9",
        'a"><img src=x>' => 'x',
    }, 'comes back, and control fields do not');
    is_deeply([$page->words('li')],
              ['E-mail: Enter an e-mail address like name@example.com'],
              'the list');

    $page = is_page(form('/typed', encode("\x01<\x7f" => "\0<\x1b[1m"),
                         @$navigation), 422, 'The form has errors', 'control')
        or return;
    my ($label) = keys %{$page->given_back};
    is($label, "\xef\xbf\xbd<\xef\xbf\xbd", 'control characters of names');
    unlike($page->given_back->{$label}, qr/[\0-\x08\x0b-\x1f\x7f]/,
           'control characters of values');

    my $text = '"<>&' x 1200;
    $page = is_page(form('/contact', encode(message => $text), @$navigation),
                    422, 'The form has errors', 'long') or return;
    is($page->given_back->{Message}, $text, 'all of it');

    my $res = form('/zipped', encode(message => "\xc3\xa9"), @$navigation);
    is($res->header('Content-Type'), 'text/html; charset=utf-8',
       'no other charset is said');
};


subtest 'the way back' => sub {
    my $host = 'localhost:' . $t->port(0);
    my %links = (
        "http://$host/form?a=1&b=2" => 1,
        "http://$host/" => 1,
        "http://$host" => 1,
        "HTTP://LOCALHOST:" . $t->port(0) . '/form' => 1,
        "https://$host/behind-a-proxy" => 1,
        "http://localhost/form" => 0,
        "http://$host.evil.example/" => 0,
        "http://$host\@evil.example/" => 0,
        "http://$host\\\@evil.example/" => 0,
        "http://evil.example/?http://$host/" => 0,
        "//$host/" => 0,
        '/form' => 0,
        "javascript:alert('http://$host/')" => 0,
        "http://$host/\"><script>" => 1,
        "http://$host/\xc3\xa9" => 0,
        "http://$host/a b" => 0,
        "http://$host/" . 'x' x 2048 => 0,
    );

    for my $referer (sort keys %links) {
        my $page = is_page(form('/contact', '', @$navigation, Host => $host,
                                Referer => $referer),
                           422, 'The form is empty', $referer) or next;
        is_deeply([map { $_->{'-href'} } $page->all('a')],
                  $links{$referer} ? [$referer] : [], "$referer: link");
    }
};


subtest 'redirects that the page asks for' => sub {
    my $file = "$FindBin::Bin/data/forms/redirect-cases.json";
    my $cases = JSON::PP->new->utf8->decode(do {
        open my $fh, '<:raw', $file or die "$file: $!"; local $/; <$fh> });

    push @$cases, map { { next => $_->[0], allowed => $_->[1] } }
        ['/' . 'x' x 2047, 1], ['/' . 'x' x 2048, 0], ['', 0],
        ['http://localhost/thanks', 0],
        ['http://localhost:' . $t->port(0) . '/thanks', 1],
        ['http://LOCALHOST:' . $t->port(0) . '#x', 1],
        ['http://localhost:' . $t->port(0) . '.evil.example', 0],
        ['http://localhost:' . $t->port(0) . '0/', 0];

    for my $case (@$cases) {
        my $next = $case->{next};
        my $name = JSON::PP->new->ascii->allow_nonref->encode(
            length $next > 60 ? substr($next, 0, 60) . '...' : $next);
        my @headers = (Host => 'localhost:' . $t->port(0));

        utf8::encode($next);

        for my $field ('_next', 'redirect') {
            my $body = encode(message => ++$seq, $field => $next);
            my $res = form('/goes', $body, @headers, @$navigation);
            my $to = $case->{allowed} ? $next : '/thanks.html';

            $stored++;
            is_deeply([$res->status, $res->headers('Location')], [303, $to],
                      "$field $name");
            is(form('/goes', $body, @headers)->json->{next}, $to,
               "$field $name: JSON");
        }
    }

    my $res = form('/goes', encode(message => ++$seq, _next => '//evil',
                                   _next => '/second', _next => '/third'),
                   @$navigation);
    $stored++;
    is($res->header('Location'), '/second', 'the first that is allowed');
};


subtest 'an error page of the site' => sub {
    my $to = sub { [303, "/contact/?a=1&form_error=$_[0]#form-error"] };
    my $send = sub {
        my $res = form('/marked', encode(@_), @$navigation);
        has_form_headers($res, "@_");
        return [$res->status, $res->headers('Location')];
    };

    is_deeply($send->(email => 'ann'),
              $to->('email:TYPE_EMAIL,message:REQUIRED_FIELD_MISSING'),
              'fields');
    is_deeply($send->(message => 'x', "a b:c,d&\xc3\xa9#" => 'x'),
              $to->('a%20b%3Ac%2Cd%26%C3%A9%23:UNKNOWN_FIELD'),
              'a strange name');
    is_deeply($send->(), $to->('message:REQUIRED_FIELD_MISSING'), 'empty');
    is(form('/loose', '', @$navigation)->header('Location'),
       '/wrong?form_error=EMPTY', 'the whole form');
    cmp_ok(length $send->(map { ("$_-" . '<' x 200 => 'x') } 1 .. 90)->[1],
           '<', 4096, 'many');

    is_problem_json(form('/marked', encode(email => 'ann')), 422,
                    'VALIDATION_FAILED', 'a script');
    is_page($t->post('/marked', 'x', ['Content-Type' => 'text/plain',
                                      @$navigation]),
            415, 'The form could not be read', 'what is no 422');
};


subtest 'the store' => sub {
    my @send = ('/quick', encode(message => 'Keep <this>', n => ++$seq));
    my $text = { message => 'Keep <this>', n => $seq };

    $redis->pause();

    my $page = is_page(form(@send, @$navigation), 503,
                       'Your message may not have been sent', 'silent');
    is_deeply($page->given_back, $text, 'the text comes back') if $page;

    $redis->resume();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }),
       'it is back');
    is(form(@send)->status, 200, 'the same form again');
    is($redis->command('XLEN', 'intake:{quick}'), 1, 'is there once');
    $stored++;

    is(entries(), $stored, 'what was answered with success, and no more');

    $redis->kill();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 503 }),
       'it is gone');

    $seq++;
    @send = ('/quick', encode(message => 'Keep <this>', n => $seq));
    $text->{n} = $seq;

    $page = is_page(form(@send, @$navigation), 503,
                    'Your message could not be sent', 'gone');
    is_deeply($page->given_back, $text, 'the text comes back') if $page;
    is_problem_json(form(@send), 503, 'STORE_UNAVAILABLE', 'gone');
};


$t->finish();
