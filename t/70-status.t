#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The status endpoint: formats, negotiation, health, and counters that say
# exactly what happened, also after a reload and a worker's death.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use JSON::PP;
use Test::More;

use Intake::Exposition;
use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis(options => { appendonly => 'yes' });

my $text = 'text/plain; version=0.0.4; charset=utf-8';
my $openmetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
my $json = 'application/json';
my $html = 'text/html; charset=utf-8';
my $problem = 'application/problem+json';

my @codes = qw(MALFORMED SIGNATURE_MISSING SIGNATURE_MISMATCH
    TIMESTAMP_MISSING TIMESTAMP_RANGE CREDENTIALS CHALLENGE_REFUSED
    ORIGIN_NOT_ALLOWED METHOD_NOT_ALLOWED TOO_LARGE
    UNSUPPORTED_CONTENT_ENCODING RATE_LIMITED STORE_UNAVAILABLE STORE_TIMEOUT
    STORE_REFUSED DURABILITY_UNAVAILABLE);
my @outcomes = qw(stored duplicate spooled spam challenge rejected
    unavailable);


sub conf {
    my ($sources, %opt) = @_;
    my $workers = $opt{workers} // 1;
    my $status = $opt{status} // '';

    my $blocks = join '', map { <<"EOC" } @$sources;
    intake_source $_ {
        platform  signed;
        secret    s3cret;
        max_body  1k;
    }
EOC

    my $locations = join '', map { <<"EOC" } @$sources;
        location = /hooks/$_ { intake $_; }
EOC

    return <<"EOC";
%%TEST_GLOBALS%%
worker_processes $workers;

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server   %%REDIS%%;
        timeout  2s;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "\$body";
        id         header:X-Id unsigned;
        message    inbound when=json:from=customer conversation=json:thread;
        message    outbound conversation=json:thread;
    }

$blocks
    server {
        listen 127.0.0.1:%%PORT_0%%;

$locations
        location = /status { intake_status $status; }
        location = /detail { intake_status detail=on; }
        location = /zipped {
            gzip             on;
            gzip_min_length  20;
            gzip_types       text/plain;
            charset          koi8-r;
            intake_status;
        }
    }
}
EOC
}


sub deliver {
    my ($source, $id, $body, %opt) = @_;
    my $signature = $opt{signature} // hmac('sha256', 'hex', 's3cret', $body);

    return $t->post("/hooks/$source", $body,
                    ['X-Id' => $id, 'Content-Type' => 'application/json',
                     length $signature ? ('X-Signature' => $signature) : ()]);
}


sub metrics {
    my ($query) = @_;
    my $res = $t->get('/status?format=prometheus' . ($query // ''));
    my $m = eval { Intake::Exposition->parse($res->body) };

    fail("exposition: $@"), diag($res->body) if $@;
    return $m;
}


sub document { $t->get('/status?format=json' . ($_[0] // ''))->json }


sub up { $t->wait_for(sub { $t->get('/status?health')->status == 200 }) }


$t->write_file_expand('nginx.conf', conf(['first', 'second-one']));
$t->run();

ok(up(), 'healthy with Redis');


subtest 'series from the start' => sub {
    my $m = metrics();

    for my $source (qw(first second-one)) {
        my @missing = grep { ($m->value(@$_) // '') ne '0' } (
            (map { ['intake_requests_total', source => $source,
                    outcome => $_] } @outcomes),
            (map { ['intake_rejected_total', source => $source,
                    code => $_] } @codes),
            (map { ['intake_messages_total', source => $source,
                    direction => $_] } qw(inbound outbound auto)),
            (map { ['intake_anomalies_total', source => $source,
                    reason => $_] } qw(id_reused unparsed unknown_outcome
                                messages_left_out)),
            ['intake_body_bytes_total', source => $source],
            ['intake_store_duration_seconds_count', source => $source],
            map { ['intake_store_duration_seconds_bucket', source => $source,
                   le => $_] }
                qw(0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5
                   1.0 2.5 5.0 10.0 +Inf));

        is_deeply(\@missing, [], "$source: all are there and 0");
    }

    is($m->value('intake_requests_total', source => 'third',
                 outcome => 'stored'), undef, 'and no others');
    is($m->value('intake_redis_up'), 1, 'Redis is up');
    is($m->value('intake_redis_in_flight'), 0, 'nothing in flight');
    is($m->value('intake_redis_connects_total'), 1, 'one connection');
    cmp_ok($m->value('intake_redis_round_trip_seconds'), '<', 1,
           'round trip');
    cmp_ok(abs $m->value('intake_redis_clock_skew_seconds'), '<', 1,
           'clock skew');
    cmp_ok(abs($m->value('intake_start_timestamp_seconds') - time()), '<', 60,
           'start');

    my ($build) = grep { /^intake_build_info/ } keys %{{$m->series}};
    like($build, qr/^intake_build_info\|nginx=\d+\.\d+\.\d+\|version=\d/,
         'versions');
};


subtest 'formats' => sub {
    for my $case (['', $text], ['?format=prometheus', $text],
                  ['?format=openmetrics', $openmetrics],
                  ['?format=json', $json], ['?format=html', $html],
                  ['?unknown=1', $text],
                  ['?health', $json], ['?health=1', $json])
    {
        my ($query, $type) = @$case;
        my $res = $t->get("/status$query");

        is($res->status, 200, "'$query'");
        is($res->header('Content-Type'), $type, 'type');
        is(join(',', $res->headers('Vary')), 'Accept', 'Vary');
        is($res->header('Cache-Control'), 'no-store', 'no-store');
        is($res->header('X-Content-Type-Options'), 'nosniff', 'nosniff');

        my $head = $t->request('HEAD', "/status$query");

        is($head->status, 200, 'HEAD');
        is($head->header('Content-Type'), $type, 'HEAD: type');
        like($head->header('Content-Length'), qr/^[1-9]/, 'HEAD: length');
        is($head->body, '', 'HEAD: no body');
    }

    my $om = $t->get('/status?format=openmetrics')->body;
    my $m = eval { Intake::Exposition->parse($om, openmetrics => 1) };

    ok($m, 'OpenMetrics') or diag($@);
    is_deeply([sort keys %{{$m->series}}], [sort keys %{{metrics()->series}}],
              'the same series in both formats');
    is($m->type('intake_build'), 'info', 'OpenMetrics has info');
    is($m->type('intake_requests'), 'counter', 'and counters by family');
    like($om, qr/^# UNIT intake_body_bytes bytes$/m, 'and units');

    my $zipped = $t->get('/zipped', ['Accept-Encoding' => 'gzip']);

    is($zipped->header('Content-Encoding'), 'gzip', 'gzip_types');
    is($zipped->header('Content-Type'), $text, 'one charset');
};


SKIP: {
    my $promtool = $ENV{INTAKE_PROMTOOL} // 'promtool';

    skip 'no promtool', 1 if system("$promtool --version >" . $t->path('p')
                                    . ' 2>&1');

    $t->write_file('metrics', $t->get('/status')->body);
    my $said = qx($promtool check metrics < @{[$t->path('metrics')]} 2>&1);

    is($said, '', 'promtool has nothing to say');
}


subtest 'negotiation' => sub {
    my $prometheus = 'application/openmetrics-text;version=1.0.0;'
        . 'escaping=allow-utf-8;q=0.6,application/openmetrics-text;'
        . 'version=0.0.1;q=0.5,text/plain;version=1.0.0;'
        . 'escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,'
        . '*/*;q=0.2';

    for my $case (
        [undef, $text],
        ['', $text],
        ['*/*', $text],
        ['text/plain', $text],
        ['TEXT/Plain', $text],
        ['text/*', $text],
        ['text/plain;version=0.0.4', $text],
        [$prometheus, $openmetrics],
        ['application/openmetrics-text', $openmetrics],
        ['application/openmetrics-text; version=1.0.0,text/plain;q=0.5',
         $openmetrics],
        ['text/plain, application/openmetrics-text', $openmetrics],
        ['application/openmetrics-text;q=0.4, text/plain;q=0.5', $text],
        ['application/openmetrics-text;q=0, text/plain', $text],
        ['application/openmetrics-text;q=0, */*', $text],
        ['application/openmetrics-text;q=0.1, */*;q=0.05', $openmetrics],
        ['application/json', $json],
        ['application/json;charset=utf-8', $json],
        ['application/*', $json],
        ['application/json, text/plain, */*', $json],
        ['application/json, */*', $json],
        ['application/json;q=0.9, text/plain', $text],
        ['text/plain;q=0.2, application/json ; Q=0.3', $json],
        ['application/json;q=0.6;x="\",text/plain;q=1,", text/plain;q=0.5',
         $json],
        ['text/plain;q=0, */*;q=0.1', $json],
        ['text/plain;q=0, text/*;q=0.9, */*;q=0.1', $json],
        ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
         $html],
        ['text/html, *; q=.2, */*; q=.2', $html],
        ['text/html', $html],
        [', ,text/plain,', $text],
        ['application/xhtml+xml', undef],
        ['text/plain;q=0', undef],
        ['*/*;q=0', undef],
        ['*/*;q=0.000', undef],
        ['image/*, text/plainer, text', undef])
    {
        my ($accept, $type) = @$case;
        my $name = $accept // 'no Accept';
        my $res = $t->get('/status',
                          defined $accept ? [Accept => $accept] : []);

        if ($type) {
            is($res->status, 200, $name);
            is($res->header('Content-Type'), $type, "$name: type");
            next;
        }

        is($res->status, 406, $name);
        is($res->header('Content-Type'), $problem, "$name: type");
        is($res->json->{code}, 'NOT_ACCEPTABLE', "$name: code");
        is($res->json->{$_}, { status => 406, type => 'about:blank' }->{$_},
           "$name: $_") for qw(status type);
        like($res->json->{detail}, qr{\Q$_\E}, "$name: $_")
            for qw(text/plain application/openmetrics-text application/json
                   text/html);
        is(join(',', $res->headers('Vary')), 'Accept', "$name: Vary");
    }

    is($t->get('/status', [Accept => 'image/png', Accept => 'application/json',
                           Accept => 'text/plain'])
         ->header('Content-Type'), $json, 'several headers');
    is($t->get('/status?format=json', [Accept => 'text/plain'])
         ->header('Content-Type'), $json, 'format= beats Accept');
    is($t->get('/status?format=json', [Accept => 'text/html'])
         ->status, 200, 'format= beats an Accept without hope');
};


subtest 'refused' => sub {
    for my $case (['?format=xml', 400, 'MALFORMED'],
                  ['?format=', 400, 'MALFORMED'],
                  ['?format', 400, 'MALFORMED'],
                  ['?format=JSON', 400, 'MALFORMED'],
                  ['?source=', 400, 'MALFORMED'],
                  ['?source=Nobody', 400, 'MALFORMED'],
                  ['?source=%00', 400, 'MALFORMED'],
                  ['?source=' . 'a' x 33, 400, 'MALFORMED'],
                  ['?health=2', 400, 'MALFORMED'],
                  ['?source=nobody', 404, 'NOT_FOUND'])
    {
        my ($query, $status, $code) = @$case;
        my $res = $t->get("/status$query");

        is($res->status, $status, $query);
        is($res->header('Content-Type'), $problem, "$query: type");
        is($res->json->{code}, $code, "$query: code");
        is($res->json->{status}, $status, "$query: status");
        ok($res->json->{detail}, "$query: detail");
    }

    for my $method (qw(POST PUT DELETE OPTIONS)) {
        my $res = $t->request($method, '/status', body => 'x');

        is($res->status, 405, $method);
        is($res->header('Allow'), 'GET, HEAD', "$method: Allow");
        is($res->json->{code}, 'METHOD_NOT_ALLOWED', "$method: code");
    }
};


subtest 'source=' => sub {
    my $m = metrics('&source=second-one');

    is($m->value('intake_body_bytes_total', source => 'second-one'), 0,
       'the one');
    is($m->value('intake_body_bytes_total', source => 'first'), undef,
       'not the other');
    is($m->value('intake_redis_up'), 1, 'and the node');

    my $doc = document('&source=%73econd%2Done');
    is_deeply([map { $_->{name} } @{$doc->{sources}}], ['second-one'],
              'JSON, percent-encoded');
};


# a known set of deliveries; what the counters must say afterwards

my %bodies = (1 => '{"from":"customer","thread":"t1"}',
              2 => '{"from":"team","thread":"t1"}',
              3 => 'not JSON');
my $bytes = 0;

subtest 'deliveries' => sub {
    for my $id (1 .. 3) {
        is(deliver('first', $id, $bodies{$id})->status, 200, "stored $id");
        $bytes += length $bodies{$id};
    }

    my $res = deliver('first', 1, $bodies{1});
    $bytes += length $bodies{1};
    is($res->json->{duplicate}, JSON::PP::true, 'duplicate');

    for (1, 2) {
        is(deliver('first', 4, 'x', signature => '')->status, 401,
           'without a signature');
        $bytes++;
    }

    is(deliver('first', 4, 'xyz', signature => 'ab' x 32)->status, 401,
       'wrong signature');
    $bytes += 3;

    is($t->request('PUT', '/hooks/first', body => 'x')->status, 405, 'PUT');
    is(deliver('first', 5, 'x' x 1025)->status, 413, 'too large');

    is(deliver('first', 1, '{"thread":"another"}')->status, 200,
       'another body under the same id');
    $bytes += length '{"thread":"another"}';
};


sub first_is_as_delivered {
    my ($name) = @_;
    my $m = metrics();
    my $v = sub { $m->value("intake_$_[0]_total", source => 'first',
                            @_[1 .. $#_]) };

    subtest $name => sub {
        my %outcome = (stored => 4, duplicate => 1, rejected => 5);
        my %code = (SIGNATURE_MISSING => 2, SIGNATURE_MISMATCH => 1,
                    METHOD_NOT_ALLOWED => 1, TOO_LARGE => 1);

        is($v->('requests', outcome => $_), $outcome{$_} // 0, $_)
            for @outcomes;
        is($v->('rejected', code => $_), $code{$_} // 0, $_) for @codes;
        is($v->('messages', direction => 'inbound'), 1, 'inbound');
        is($v->('messages', direction => 'outbound'), 2, 'outbound');
        is($v->('messages', direction => 'auto'), 0, 'auto');
        is($v->('anomalies', reason => 'id_reused'), 1, 'id_reused');
        is($v->('anomalies', reason => 'unparsed'), 1, 'unparsed');
        is($v->('body_bytes'), $bytes, 'body bytes');
        is($m->value('intake_store_duration_seconds_count',
                     source => 'first'), 5, 'store: count');
        cmp_ok($m->value('intake_store_duration_seconds_sum',
                         source => 'first'), '>', 0, 'store: sum');
    };
}

first_is_as_delivered('exact');

is(metrics()->value('intake_requests_total', source => 'second-one',
                    outcome => 'stored'), 0, 'the other source has nothing');


subtest 'JSON' => sub {
    my $doc = document();

    is($doc->{schema}, 'intake-status/1', 'schema');
    like($doc->{now}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'now');
    is_deeply([map { $_->{name} } @{$doc->{sources}}],
              ['first', 'second-one'], 'sources');

    my $source = $doc->{sources}[0];
    my $m = metrics();

    for my $family (['requests', 'outcome'], ['rejected', 'code'],
                    ['messages', 'direction'], ['anomalies', 'reason'])
    {
        my ($key, $label) = @$family;
        my %series = $m->series;
        my $name = qr/^intake_${key}_total\|$label=(\w+)\|source=first$/;
        my %expected = map { /$name/ ? ($1 => $series{$_}) : () }
                       keys %series;

        is_deeply($source->{$key}, \%expected, $key);
    }

    is($source->{body_bytes}, $bytes, 'body_bytes');
    is($source->{store}{count}, 5, 'store.count');
    cmp_ok($source->{store}{p50_seconds}, '>', 0, 'p50');
    cmp_ok($source->{store}{p99_seconds}, '>=', $source->{store}{p50_seconds},
           'p99');
    is_deeply($source->{durability},
              { promise => 'memory', in_force => JSON::PP::true },
              'the promise is in force');
    is($doc->{sources}[1]{store}{p50_seconds}, undef, 'null: no data');

    my $node = $doc->{node};

    ok(length $node->{$_}, $_) for qw(name version nginx start);
    is($node->{workers}, 1, 'workers');
    is($node->{redis}{state}, 'ready', 'state');
    is($node->{redis}{up}, JSON::PP::true, 'up');
    is($node->{redis}{ready_workers}, 1, 'ready_workers');
    is($node->{redis}{connects}, 1, 'connects');
    like($node->{redis}{version}, qr/^\d+\.\d+\.\d+$/, 'version');
    ok(exists $node->{redis}{$_}, $_)
        for qw(in_flight round_trip_seconds clock_skew_seconds);
    is_deeply($node->{durability},
              { appendonly => JSON::PP::true, appendfsync => 'everysec',
                maxmemory_policy => 'noeviction',
                evicting => JSON::PP::false }, 'durability');

    ok(!exists $node->{redis}{connections}, 'no detail');
    my $detail = $t->get('/detail?format=json')->json->{node}{redis};
    is_deeply([map { $_->{pid} } @{$detail->{connections}}],
              [$t->worker_pids()], 'detail=on');
};


subtest 'reload' => sub {
    my $started = metrics()->value('intake_start_timestamp_seconds');

    # other sources, in another order, and more workers

    $t->write_file_expand('nginx.conf',
        conf(['third', 'first'], workers => 2));
    ok($t->reload(), 'other sources');
    ok($t->wait_for(sub { document()->{node}{redis}{ready_workers} == 2 }),
       'two workers are ready');

    first_is_as_delivered('kept');

    is(deliver('third', 1, '{}')->status, 200, 'a new source');
    my $m = metrics();
    is($m->value('intake_requests_total', source => 'third',
                 outcome => 'stored'), 1, 'its counters');
    is($m->value('intake_body_bytes_total', source => 'second-one'), undef,
       'one that is gone is not shown');
    is($m->value('intake_start_timestamp_seconds'), $started,
       'the start stays');
    is($m->value('intake_redis_connects_total'), 3, 'so do the connects');

    # back, with fewer workers

    $t->write_file_expand('nginx.conf', conf(['first', 'second-one']));
    ok($t->reload(), 'back');
    ok($t->wait_for(sub { my $node = document()->{node};
                          $node->{workers} == 1
                              && $node->{redis}{ready_workers} == 1 }),
       'one worker is left');
    first_is_as_delivered('still kept');
};


subtest 'a reload that fails' => sub {
    $t->expect_log(qr/\[emerg\]/);
    $t->write_file_expand('nginx.conf', conf(['fourth'])
                          =~ s/hooks\/fourth/hooks\/fourth { } nothing/r);
    ok(!$t->reload(), 'refused');
    first_is_as_delivered('harms nothing');
    is(deliver('second-one', 1, '{}')->status, 200, 'and serves');
    is(metrics()->value('intake_requests_total', source => 'second-one',
                        outcome => 'stored'), 1, 'and counts');
    is(document()->{node}{redis}{ready_workers}, 1, 'and publishes');
};


# What is shown comes from the configuration: what cannot be shown is refused.

subtest 'names of groups' => sub {
    my $said = sub {
        my ($code, $output) = $t->test_config(conf(['first'])
            =~ s/(max_body.*)/$1 groups @_;/r);

        return ($code, $output =~ /\[emerg\] "groups" .*? "first" (.*) in /);
    };

    is_deeply([$said->("\xC3\xA4rzte 'a \"group\"' \xF0\x9F\x93\xAC")], [0],
              'UTF-8, quotes');

    for my $name ("wor\xFFkers", "caf\xE9", "cut\xE2\x82",
                  "\xED\xA0\x80", "\xC0\xAF", "a\rb", "a\tb", "a\nb", "a\x7F",
                  "a\xC2\x85b")
    {
        is_deeply([$said->("good \"$name\"")],
                  [1, 'takes names in UTF-8 without control characters'],
                  'bytes ' . unpack('H*', $name));
    }

    is_deeply([$said->('a b a')], [1, 'has the same name twice'],
              'twice');
};


subtest 'a worker dies' => sub {
    my $connects = metrics()->value('intake_redis_connects_total');

    ok($t->kill_worker(), 'killed');
    ok(up(), 'the next one is ready');
    first_is_as_delivered('counters stay');
    is(document()->{node}{workers}, 1, 'one worker');
    is(metrics()->value('intake_redis_connects_total'), $connects + 1,
       'connects');
};


subtest 'Redis dies' => sub {
    is($t->get('/status?health=1')->status, 200, 'healthy');

    $redis->kill();

    ok($t->wait_for(sub { $t->get('/status?health=1')->status == 503 }),
       'no longer');
    my $res = $t->get('/status?health');
    is($res->header('Content-Type'), $problem, 'a problem');
    is($res->json->{code}, 'STORE_UNAVAILABLE', 'its code');
    ok($res->header('Retry-After'), 'Retry-After');
    is($t->request('HEAD', '/status?health')->status, 503, 'HEAD');
    is($t->get('/status')->status, 200, 'the page is there');
    is(metrics()->value('intake_redis_up'), 0, 'intake_redis_up');
    is(document()->{node}{redis}{up}, JSON::PP::false, 'up');
    is(metrics()->value('intake_redis_round_trip_seconds'), 'NaN',
       'no round trip');
    is(document()->{node}{redis}{round_trip_seconds}, undef, 'in JSON');
    is_deeply([map { $_->{round_trip_seconds} }
               @{$t->get('/detail?format=json')
                   ->json->{node}{redis}{connections}}], [undef],
              'of any worker');

    for my $source (qw(first second-one)) {
        is(metrics()->value('intake_durability_in_force', source => $source),
           'NaN', "$source: no promise is known to be kept");
        is_deeply([grep { $_->{name} eq $source } @{document()->{sources}}]
                  ->[0]{durability},
                  { promise => 'memory', in_force => undef }, 'in JSON');
    }

    isnt(document()->{node}{redis}{state}, 'ready', 'state');

    is(deliver('second-one', 9, '{}')->status, 503, 'unavailable');
    my $m = metrics();
    is($m->value('intake_requests_total', source => 'second-one',
                 outcome => 'unavailable'), 1, 'counted');
    is($m->value('intake_rejected_total', source => 'second-one',
                 code => 'STORE_UNAVAILABLE'), 1, 'by code');

    $redis->start();
    ok(up(), 'healthy again');
};


subtest 'durability' => sub {
    my $in_force = sub {
        metrics()->value('intake_durability_in_force', source => 'first') };

    is($in_force->(), 1, 'in force');

    $redis->stop();
    $redis->{options} = {};
    $redis->start();
    ok($t->wait_for(sub { $in_force->() eq '0' }), 'not without appendonly');
    ok(up(), 'healthy all the same');
    my $doc = document();
    is($doc->{node}{durability}{appendonly}, JSON::PP::false, 'appendonly');
    is($doc->{sources}[0]{durability}{in_force}, JSON::PP::false, 'in_force');

    $redis->stop();
    $redis->{options} = { appendonly => 'yes', maxmemory => '100mb',
                          'maxmemory-policy' => 'allkeys-lru' };
    $redis->start();
    ok($t->wait_for(sub { (document()->{node}{durability}{evicting} // 0)
                          eq JSON::PP::true }), 'evicting');
    is($in_force->(), 0, 'not with eviction');
    is(document()->{node}{durability}{maxmemory_policy}, 'allkeys-lru',
       'policy');
};


# 64 sources thrice: more than there are slots; those of older configurations
# are given away, cleared, those of the running one never

my $stored = sub {
    my %series = metrics()->series;

    return { map { /\|outcome=stored\|source=(\w+)$/ && $series{$_}
                   ? ($1 => $series{$_}) : () } keys %series };
};

subtest 'more sources than slots' => sub {
    for my $letter (qw(a b c)) {
        my @names = map { "$letter$_" } 1 .. 64;

        $t->write_file_expand('nginx.conf', conf(\@names));
        ok($t->reload(), "64 sources $letter");
        ok(up(), 'ready');

        my $m = metrics();
        my @wrong = grep { ($m->value('intake_requests_total', source => $_,
                                      outcome => 'stored') // '') ne '0' }
                    @names;

        is_deeply(\@wrong, [], 'all start at 0');
        is(deliver($_, 1, '{}')->status, 200, "$_ stores")
            for @names[0, 31, 63];

        is_deeply($stored->(), { map { $_ => 1 } @names[0, 31, 63] },
                  'and is counted');
    }

    # refused only after the slots of its sources were found

    my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
    my $listen = '127.0.0.1:' . $taken->sockport();

    $t->write_file_expand('nginx.conf', conf([map { "d$_" } 1 .. 64])
                          =~ s/(listen ).*;/$&\n$1$listen;/r);
    ok(!$t->reload(), 'refused');
    ok($t->wait_for_log(qr/still could not bind/), 'for its port');
    is_deeply($stored->(), { map { $_ => 1 } qw(c1 c32 c64) }, 'all kept');
    is(deliver('c1', 2, '{"a":1}')->status, 200, 'still stores');
    is_deeply($stored->(), { c1 => 2, c32 => 1, c64 => 1 }, 'and counts');
};


subtest 'without any source' => sub {
    $t->write_file_expand('nginx.conf', conf([]));
    ok($t->reload(), 'reload');
    ok(up(), 'healthy');
    is(metrics()->value('intake_redis_up'), 1, 'metrics');
    is_deeply(document()->{sources}, [], 'JSON');
};


subtest 'configuration' => sub {
    my $refuses = sub {
        my ($status, $pattern, $name) = @_;
        my ($code, $said) = $t->test_config(conf(['first'],
                                                 status => $status));
        isnt($code, 0, $name);
        like($said, $pattern, "$name: says so");
        like($said, qr/ in \S+test\.conf:\d+/, "$name: and where");
    };

    $refuses->('health=disk', qr/"health=disk".*write health=redis/,
               'unknown health');
    $refuses->('detail=1', qr/"detail=1".*detail=on/, 'unknown detail');
    $refuses->('on', qr/"on".*write health=redis, detail=on/, 'unknown word');
    $refuses->('; intake_status', qr/"intake_status".*is duplicate/, 'twice');
    $refuses->('; intake first', qr/"intake".*another handler/,
               'beside intake');

    is(($t->test_config(conf(['first'], status => 'health=redis detail=on')))
       [0], 0, 'both words');
};


$t->finish();
