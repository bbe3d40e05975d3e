#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Where a form is sent from: evidence, the list of `origin`, CORS on every
# answer, preflights.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::FormAnswer;
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
        server  %%REDIS%%;
    }

    intake_platform bare { algorithm none; }

    intake_source hook { platform bare; }

    intake_source own { form; }

    intake_source listed {
        form;
        field     message required;
        origin    https://good.example http://other.example:8080;
        redirect  /thanks.html next=on;
        max_body  10k;
    }

    limit_req_zone  $arg_bucket  zone=rate:64k  rate=1r/m;

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /hook   { intake hook; }
        location = /own    { intake own; }
        location = /listed { intake listed; }
        location = /page   { intake listed get=page; }
        location = /denied { intake listed; deny all; }
        location = /broken { intake listed; auth_request /missing; }
        location = /rate   {
            intake            listed;
            limit_req         zone=rate;
            limit_req_status  429;
        }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my $port = $t->port(0);
my $host = "localhost:$port";
my $good = 'https://good.example';
my $seq = 0;
my @form = ('Content-Type' => 'application/x-www-form-urlencoded');
my @cors = ('Access-Control-Allow-Origin', 'Access-Control-Expose-Headers',
            'Access-Control-Allow-Methods', 'Access-Control-Allow-Headers',
            'Access-Control-Max-Age', 'Access-Control-Allow-Credentials');


# The CORS headers of an answer, in the order above.

sub cors { my ($res) = @_; return [map { join '|', $res->headers($_) } @cors] }


sub send_form {
    my ($uri, @headers) = @_;
    return $t->post($uri, encode(message => ++$seq),
                    [Host => $host, @form, @headers]);
}


my @allowed = ($good, 'Retry-After', '', '', '', '');
my @none = ('') x @cors;
my @preflight = ($good, 'Retry-After', 'POST',
                 'content-type, accept, x-requested-with, idempotency-key',
                 '7200', '');


subtest 'the evidence, against a list' => sub {
    my @cases = (
        [200, 'nothing'],
        [200, 'same-origin', 'Sec-Fetch-Site' => 'same-origin'],
        [200, 'which is believed', 'Sec-Fetch-Site' => 'same-origin',
         Origin => 'https://evil.example'],
        [200, 'none', 'Sec-Fetch-Site' => 'none'],
        [403, 'none is neutral', 'Sec-Fetch-Site' => 'none',
         Origin => 'https://evil.example'],
        [200, 'cross-site that is listed', 'Sec-Fetch-Site' => 'cross-site',
         Origin => $good],
        [200, 'same-site that is listed', 'Sec-Fetch-Site' => 'same-site',
         Origin => $good],
        [403, 'cross-site', 'Sec-Fetch-Site' => 'cross-site',
         Origin => 'https://evil.example'],
        [403, 'same-site', 'Sec-Fetch-Site' => 'same-site',
         Origin => 'https://evil.example'],
        [403, 'the own host by another scheme',
         'Sec-Fetch-Site' => 'cross-site', Origin => "https://$host"],
        [200, 'cross-site that keeps its origin',
         'Sec-Fetch-Site' => 'cross-site', Origin => 'null'],
        [200, 'null', Origin => 'null'],
        [200, 'empty', Origin => ''],
        [200, 'the own origin', Origin => "http://$host"],
        [200, 'behind a proxy that ends TLS', Origin => "https://$host"],
        [200, 'in any case', Origin => "HTTP://LOCALHOST:$port"],
        [403, 'another port', Origin => 'http://localhost:1'],
        [403, 'no port', Origin => 'http://localhost'],
        [200, 'listed', Origin => $good],
        [200, 'with its own port', Origin => "$good:443"],
        [200, 'listed with a port', Origin => 'http://other.example:8080'],
        [403, 'listed with another', Origin => 'http://other.example'],
        [403, 'a port too many', Origin => "$good:8443"],
        [403, 'another scheme', Origin => 'http://good.example'],
        [403, 'longer', Origin => "$good.evil.example"],
        [403, 'shorter', Origin => 'https://good.exampl'],
        [403, 'before', Origin => 'https://xgood.example'],
        [403, 'a dot', Origin => "$good."],
        [403, 'a user', Origin => 'https://good.example@evil.example'],
        [403, 'a path', Origin => "$good/"],
        [403, 'no scheme', Origin => 'good.example'],
        [403, 'another kind', Origin => 'chrome-extension://good.example'],
        [403, 'two in one', Origin => "$good $good"],
        [403, 'not a port', Origin => "$good:"],
        [403, 'not a port', Origin => "$good:65536"],
        [403, 'NULL', Origin => 'NULL'],
        [200, 'the own page', Referer => "http://$host/form?a=b"],
        [200, 'a listed page', Referer => "$good/form"],
        [200, 'the bare origin', Referer => $good],
        [403, 'another page', Referer => "https://evil.example/$good/"],
        [403, 'another page', Referer => 'https://evil.example'],
        [403, 'a page beside null', Origin => 'null',
         Referer => 'https://evil.example/'],
        [200, 'the origin first', Origin => $good,
         Referer => 'https://evil.example/'],
        [200, 'no page', Referer => 'about:client'],
        [200, 'an app', Referer => 'android-app://evil.example/'],
        [200, 'a user before a page', Referer => 'https://a@evil.example/'],
        [200, 'an address', Host => '[::1]:8080',
         Origin => 'http://[::1]:8080'],
        [200, 'the usual port', Host => 'www.example',
         Origin => 'https://www.example:443'],
        [200, 'the usual port of http', Host => 'www.example:80',
         Origin => 'http://www.example'],
        [403, 'the port of the other', Host => 'www.example',
         Origin => 'http://www.example:443'],
    );
    my $before = $redis->command('XLEN', 'intake:{listed}');
    my $stored = 0;

    for my $case (@cases) {
        my ($status, $name, @headers) = @$case;
        my $res = $t->post('/listed', encode(message => ++$seq),
                           [(grep({ $_ eq 'Host' } @headers)
                             ? () : (Host => $host)), @form, @headers]);

        is($res->status, $status, "$name: @headers");
        is($res->json->{code}, $status == 403 ? 'ORIGIN_NOT_ALLOWED' : undef,
           "$name: code");
        $stored++ if $status == 200;
    }

    is($redis->command('XLEN', 'intake:{listed}') - $before, $stored,
       'what was refused is not stored');
};


subtest 'without a list nobody is refused' => sub {
    for my $headers ([Origin => 'https://evil.example'], [Origin => $good],
                     ['Sec-Fetch-Site' => 'cross-site',
                      Origin => 'https://evil.example'],
                     ['Sec-Fetch-Site' => 'cross-site', Origin => 'null'],
                     [Referer => 'https://evil.example/'])
    {
        my $res = send_form('/own', @$headers);

        is($res->status, 200, "@$headers");
        is_deeply(cors($res), \@none, "@$headers: no CORS");
        has_form_headers($res, "@$headers");
    }

    my $res = $t->request('OPTIONS', '/own', headers => [
        Origin => $good, 'Access-Control-Request-Method' => 'POST']);
    is($res->status, 204, 'a preflight');
    is_deeply(cors($res), \@none, 'a preflight: no CORS');
};


my @navigation = @{$clients{page}{navigation}};
my %ways = ways($t);

for my $way (sort keys %ways) {
    subtest "CORS on every status: $way" => sub {
        my $send = sub {
            my ($method, $uri, $body, @headers) = @_;
            return $ways{$way}->($method, $uri, $body,
                                 [@form, Origin => $good, @headers]);
        };
        my $body = sub { encode(message => ++$seq) };

        is($send->('POST', "/rate?bucket=$way", $body->())->status, 200,
           'the first of a minute');

        my %answers = (
            200 => sub { $send->('POST', '/listed', $body->(), @_) },
            400 => sub { $ways{$way}->('POST', '/listed', '--x', [
                'Content-Type' => 'multipart/form-data', Origin => $good,
                @_]) },
            403 => sub { $send->('POST', '/denied', $body->(), @_) },
            405 => sub { $send->('PUT', '/listed', $body->(), @_) },
            413 => sub { $send->('POST', '/listed', 'a' x 20480, @_) },
            415 => sub { $send->('POST', '/listed', 'x',
                                 'Content-Encoding' => 'gzip', @_) },
            422 => sub { $send->('POST', '/listed', 'a=b', @_) },
            429 => sub { $send->('POST', "/rate?bucket=$way", $body->(),
                                 @_) },
            500 => sub { $send->('POST', '/broken', $body->(), @_) },
        );

        for my $status (sort keys %answers) {
            for my $headers ([], \@navigation) {
                my $res = $answers{$status}->(@$headers);

                is($res->status,
                   $status == 200 && @$headers ? 303 : $status,
                   "status $status");
                is_deeply(cors($res), \@allowed, "status $status: CORS");
                has_form_headers($res, "status $status");
            }
        }
    };
}


subtest 'the echo' => sub {
    my %echo = (
        $good => $good,
        'http://other.example:8080' => 'http://other.example:8080',
        "$good:443" => "$good:443",
        'null' => '', '*' => '', '' => '',
        "http://$host" => '',
        "$good.evil.example" => '',
        'https://evil.example' => '',
    );

    for my $origin (sort keys %echo) {
        my $res = send_form('/listed', Origin => $origin);

        is_deeply([$res->headers('Access-Control-Allow-Origin')],
                  [$echo{$origin} || ()], "'$origin'");
        is($res->header('Vary'),
           'Accept, Origin, Sec-Fetch-Mode, Sec-Fetch-Site', 'Vary');
    }

    is_deeply(cors($t->request('GET', '/listed', headers => [
        Origin => 'https://evil.example'])), \@none, 'nor on a refusal');
};


subtest 'preflights' => sub {
    my $ask = sub {
        my ($uri, @headers) = @_;
        return $t->request('OPTIONS', $uri, headers => [Host => $host,
                                                        @headers]);
    };
    my @method = ('Access-Control-Request-Method' => 'POST',
                  'Access-Control-Request-Headers' => 'content-type');

    for my $uri ('/listed', '/page', '/denied', '/broken',
                 ('/rate?bucket=asked') x 3)
    {
        my $res = $ask->($uri, Origin => $good, @method);

        is($res->status, 204, $uri);
        is($res->body, '', "$uri: no body");
        is_deeply(cors($res), \@preflight, "$uri: CORS");
        has_form_headers($res, $uri);
    }

    is(send_form('/rate?bucket=asked')->status, 200,
       'preflights are not counted as requests');

    is($ask->('/listed')->header('Allow'), 'POST, OPTIONS', 'Allow');
    is($ask->('/page')->header('Allow'), 'POST, OPTIONS, GET, HEAD',
       'Allow, with a page');

    my $res = $ask->('/listed', Origin => $good);
    is($res->status, 204, 'no preflight');
    is_deeply(cors($res), \@allowed, 'no preflight: its headers');

    $res = $ask->('/listed', @method);
    is_deeply([$res->status, @{cors($res)}], [204, @none], 'no origin');

    $res = $ask->('/listed', Origin => 'null', @method);
    is_deeply([$res->status, @{cors($res)}], [204, @none], 'null');

    $res = $ask->('/listed', Origin => 'https://evil.example', @method);
    is_problem_json($res, 403, 'ORIGIN_NOT_ALLOWED', 'another site');
    is_deeply(cors($res), \@none, 'another site: CORS');

    is($t->request('OPTIONS', '/listed', body => 'x' x 100, headers => [
        Origin => $good, @method])->status, 204, 'with a body');

    my $http = $t->http();
    my @res = $http->pipeline(
        ['OPTIONS', '/listed', body => 'x' x 100,
         headers => [Origin => $good, @method]],
        ['POST', '/listed', body => encode(message => ++$seq),
         headers => [@form, Origin => $good], close => 1]);
    is(join(',', map { $_->status } @res), '204,200',
       'and the connection goes on');
};


subtest 'webhooks know nothing of it' => sub {
    my $res = $t->post('/hook', 'x', [Origin => 'https://evil.example']);

    is_deeply([$res->status, $res->header('Vary'), @{cors($res)}],
              [200, undef, @none], 'a delivery');

    $res = $t->request('OPTIONS', '/hook', headers => [
        Origin => $good, 'Access-Control-Request-Method' => 'POST']);
    is_deeply([$res->status, $res->header('Allow'), $res->header('Vary'),
               @{cors($res)}], [405, 'POST', undef, @none], 'OPTIONS');
};


subtest 'preflights are no requests in the metrics' => sub {
    my $count = sub {
        my @counts = $t->get('/status', [Accept => 'text/plain'])->body
            =~ /^intake_requests_total\{[^}]*source="listed"[^}]*\} (\d+)/mg;
        my $sum = 0;
        $sum += $_ for @counts;
        return $sum;
    };
    my $before = $count->();

    ok($before, 'counted');
    $t->request('OPTIONS', '/listed', headers => [Origin => $good]);
    is($count->(), $before, 'OPTIONS');
    send_form('/listed');
    is($count->(), $before + 1, 'POST');
};


$t->finish();
