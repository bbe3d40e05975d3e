#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Where a source may stand, and what reaches it: locations of every kind,
# beside other directives, through subrequests and redirects.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file('html/page.html', 'a page');
$t->write_file('html/page/index.html', 'an index');
$t->write_file('html/page/other.html', 'another page');
$t->write_file('html/file', 'a file');
$t->write_file('html/ssi.html', 'a<!--#include virtual="/hook" -->b');
$t->write_file('html/ssi-page.html', 'a<!--#include virtual="/page.html" -->b');
$t->write_file('html/added.html', 'added ');
$t->write_file('html/error.html', 'an error');

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server %%REDIS%%;
    }

    intake_platform bare {
        algorithm  none;
        dedupe     window=1h key=none;
        challenge  GET query:echo -> 200 text/plain "${query:echo}";
    }

    intake_source first  { platform bare; }
    intake_source second { platform bare; }
    intake_source small  { platform bare; max_body 10; }

    error_page  404  /error.html;

    server {
        listen       127.0.0.1:%%PORT_0%%;
        server_name  one;

        # of every kind

        location = /hook              { intake first; }
        location = /again             { intake first; }
        location = /second            { intake second; }
        location /prefix/             { intake first; }
        location ^~ /strong/          { intake second; }
        location ~ ^/regex/(?<n>\d+)$ { intake first; }
        location @named               { intake first; }
        location = /internal          { internal; intake first; }
        location /outer {
            intake  first;

            location /outer/same  { intake second; }
            location /outer/plain { return 200 "plain"; }
            location /outer/file  { alias %%DIR%%/html/file; }
        }

        # with something of nginx's

        location = /if {
            intake  first;

            if ($arg_stop)  { return 402; }
            if ($arg_small) { set $x 1; }
        }
        location = /limit-except {
            intake  first;
            limit_except POST { deny all; }
        }
        location = /small-if {
            intake  small;
            if ($arg_a) { set $x 1; }
        }
        location = /asked    { intake first; auth_request /yes; }
        location = /mirrored { intake first; mirror /second; }
        location = /rewrite  { rewrite ^ /hook last; }
        location = /break    { rewrite ^ /elsewhere break; intake first; }
        location = /tried    { try_files /file /hook; intake first; }
        location = /satisfy  { satisfy any; deny all; allow all;
                               intake first; }

        # pages

        location = /page.html { intake first get=page; }
        location /page/       { intake first get=page; }
        location = /missing   { intake first get=page; }

        # what must not reach a source

        location = /by-auth     { auth_request /hook; alias %%DIR%%/html/file; }
        location = /by-mirror   { mirror /hook; return 200 "mirror"; }
        location = /file-mirror { mirror /hook; alias %%DIR%%/html/file; }
        location = /ssi.html    { ssi on; }
        location = /ssi-page.html { ssi on; }
        location = /added.html  { add_after_body /hook; }
        location = /by-error    { error_page 403 = /hook; deny all; }
        location = /by-name     { error_page 403 = @named; deny all; }
        location = /by-internal { error_page 403 = /internal; deny all; }
        location = /by-405      { error_page 405 =200 /hook;
                                  alias %%DIR%%/html/file; }
        location = /by-tries    { try_files /none /hook; }
        location = /by-named    { try_files /none @named; }
        location = /by-accel    { proxy_pass http://127.0.0.1:%%PORT_1%%; }

        location = /yes         { internal; return 204; }
        location = /error.html  { }
        location = /status      { intake_status; }
    }

    server {
        listen       127.0.0.1:%%PORT_0%%;
        server_name  two;

        location = /hook { intake second; }
        location /       { return 200 "two"; }
    }

    server {
        listen  127.0.0.1:%%PORT_1%%;

        location / { add_header X-Accel-Redirect /hook; return 200; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my %count = map { $_ => 0 } qw(first second small);


# that each source has as many entries more as said

sub stored {
    my ($name, %more) = @_;

    $count{$_} += $more{$_} for keys %more;
    is_deeply({ map { $_ => 0 + $redis->command('XLEN', "intake:{$_}") }
                    keys %count }, \%count, $name);
}


sub last_data {
    my ($row) = @{$redis->command('XREVRANGE', "intake:{$_[0]}", '+', '-',
                                  'COUNT', 1)};
    return { @{$row->[1]} }->{data};
}


for my $case (['/hook', 'first'], ['/again', 'first'], ['/second', 'second'],
              ['/prefix/', 'first'], ['/prefix/a/b?c', 'first'],
              ['/strong/1', 'second'], ['/regex/12', 'first'],
              ['/outer', 'first'], ['/outer/any', 'first'],
              ['/outer/same', 'second'], ['/if', 'first'],
              ['/if?small=1', 'first'], ['/limit-except', 'first'],
              ['/asked', 'first'], ['/mirrored', 'first'],
              ['/rewrite', 'first'], ['/break', 'first'], ['/tried', 'first'],
              ['/page.html', 'first'], ['/page/', 'first'])
{
    my ($uri, $source) = @$case;
    my $res = $t->post($uri, "data of $uri");

    is($res->status, 200, "$uri: status");
    ok(eval { $res->json->{ok} }, "$uri: answer") or diag($res->body);
    stored("$uri: stored", $source => 1);
    is(last_data($source), "data of $uri", "$uri: data");
}


for my $case (['POST', '/strong', 404, 'an error'],
              ['POST', '/regex/x', 404, 'an error'],
              ['POST', '/outer/plain', 200, 'plain'],
              ['POST', '/outer/file', 405],
              ['GET', '/outer/file', 200, 'a file'],
              ['POST', '/if?stop=1', 402],
              ['GET', '/limit-except?echo=x', 403],
              ['PUT', '/limit-except', 405],
              ['POST', '/satisfy', 403],
              ['POST', '/internal', 404],
              ['GET', '/hook?echo=x', 200, 'x'],

              # subrequests and redirects
              ['GET', '/by-auth', 500],
              ['POST', '/by-mirror', 200, 'mirror'],
              ['GET', '/file-mirror', 200, 'a file'],
              ['GET', '/ssi-page.html', 200, 'aa pageb'],
              ['POST', '/by-error', 404], ['POST', '/by-name', 404],
              ['POST', '/by-internal', 404], ['POST', '/by-405', 404],
              ['POST', '/by-tries', 404], ['POST', '/by-named', 404],
              ['POST', '/by-accel', 404], ['GET', '/by-error?echo=x', 404])
{
    my ($method, $uri, $status, $body) = @$case;
    my $res = $t->request($method, $uri,
                          body => $method eq 'POST' ? 'x' : undef);

    is($res->status, $status, "$method $uri: status");
    is($res->body, $body, "$method $uri: body") if defined $body;
    stored("$method $uri: nothing is stored");
}

like($t->get('/ssi.html')->body, qr/^a.*404.*b$/s, 'SSI: 404 in its place');
like($t->get('/added.html')->body, qr/^added .*404/s, 'add_after_body');
stored('nothing is stored');
ok($t->error_log_lines(
       qr/\[error\].*intake source "first" takes no subrequest/),
   'and the log says why');


subtest 'pages' => sub {
    for my $case (['GET', '/page.html', 200, 'a page'],
                  ['HEAD', '/page.html', 200, ''],
                  ['GET', '/page.html?echo=x', 200, 'a page'],
                  ['GET', '/page/', 200, 'an index'],
                  ['GET', '/page/other.html', 200, 'another page'],
                  ['GET', '/missing', 404, 'an error'],
                  ['GET', '/page/missing', 404, 'an error'])
    {
        my ($method, $uri, $status, $body) = @$case;
        my $res = $t->request($method, $uri);

        is($res->status, $status, "$method $uri: status");
        is($res->body, $body, "$method $uri: body");
    }

    my $res = $t->request('PUT', '/page.html', body => 'x');
    is($res->status, 405, 'PUT: status');
    is($res->json->{code}, 'METHOD_NOT_ALLOWED', 'PUT: code');

    $res = $t->get('/page.html', ['If-None-Match' => '*']);
    is($res->status, 304, 'a page may be unchanged');
    stored('pages store nothing');
};


subtest 'limits' => sub {
    for my $uri ('/small-if', '/small-if?a=1') {
        is($t->post($uri, 'x' x 10)->status, 200, "$uri: the most");
        is($t->post($uri, 'x' x 11)->status, 413, "$uri: one more");
    }

    stored('stored', small => 2);
};


subtest 'servers' => sub {
    is($t->post('/hook', 'two', [Host => 'two'])->status, 200, 'the other');
    stored('its source', second => 1);
    is($t->post('/again', 'two', [Host => 'two'])->body, 'two', 'not there');
    stored('nothing');
};


subtest 'configurations' => sub {
    my $conf = sub {
        my ($locations) = @_;
        return $t->test_config(<<"EOC");
%%TEST_GLOBALS%%
events { }
http {
    %%TEST_HTTP%%
    intake_redis { server %%REDIS%%; }
    intake_platform bare { algorithm none; dedupe window=1h key=none; }
    intake_source first  { platform bare; }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        $locations
    }
}
EOC
    };

    for my $other ('proxy_pass http://127.0.0.1:1;', 'stub_status;',
                   'intake_status;', 'dav_methods PUT; empty_gif;',
                   'fastcgi_pass 127.0.0.1:1;', 'return 200; intake first;',
                   'intake first;')
    {
        for my $inside ("intake first; $other", "$other intake first;") {
            my ($code, $said) = $conf->("location / { $inside }");

            is($code, 1, "$inside: refused");
            like($said, qr{\[emerg\].*(?:handler|duplicate).*test\.conf:\d+},
                 "$inside: says so");
        }
    }

    for my $case (['location / { intake frist; }', qr/did you mean "first"/],
                  ['location / { intake other; }', qr/unknown source "other"/],
                  ['location / { intake; }', qr/invalid number of arguments/],
                  ['location / { intake first get=form; }', qr/get=page/],
                  ['intake first;', qr/not allowed here/],
                  ['location / { if ($a) { intake first; } }',
                   qr/not allowed here|unknown "a" variable/],
                  ['location / { limit_except GET { intake first; } }',
                   qr/not allowed here/])
    {
        my ($inside, $like) = @$case;
        my ($code, $said) = $conf->($inside);

        is($code, 1, "$inside: refused");
        like($said, $like, "$inside: says why");
    }

    my ($code, $said) = $conf->('location / { intake first get=page; }
                                 location /a { }');
    is($code, 0, 'and a good one');
};


$t->finish();
