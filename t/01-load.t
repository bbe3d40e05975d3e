#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The module beside others, in every order, and without any directive.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Sign;
use Intake::Test;


my $t = Intake::Test->new();
my $intake = $t->{module};
my $modules = '/usr/lib/nginx/modules';
my %others = (
    nchan => ['ngx_nchan_module'],
    lua => ['ndk_http_module', 'ngx_http_lua_module'],
);

my $redis = $t->redis(port => 1);
my $nchan = <<"EOC";
        location = /sub { nchan_subscriber; nchan_channel_id a;
                          nchan_subscriber_first_message oldest;
                          nchan_redis_pass there; }
        location = /pub { nchan_publisher; nchan_channel_id a;
                          nchan_redis_pass there; }
EOC
my $lua = <<'EOC';
        location /lua { content_by_lua_block { ngx.print("lua") } }
EOC
my $upstream = 'upstream there { nchan_redis_server redis://127.0.0.1:'
               . $redis->port() . '; }';

my $source = <<'EOC';
    intake_redis { server %%REDIS%%; }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "$body";
        id         header:X-Id;
    }

    intake_source a { platform signed; secret s3cret; }
EOC
my $hook = '        location = /hook { intake a; }';


# the modules in this order, and what they add to http {} and server {}

sub conf {
    my ($load, $http, $server) = @_;
    my $lines = join '', map { "load_module $_;\n" } @$load;

    return <<"EOC";
$lines
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%
    @{[ $http // '' ]}

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location / {
            return 200 "one\n";
        }

        @{[ $server // '' ]}
    }
}
EOC
}


# a whole life of nginx, with the checks of the sub

sub life {
    my ($name, $conf, $checks) = @_;

    subtest $name => sub {
        is(($t->test_config($conf))[0], 0, 'nginx -t');
        $t->write_file_expand('nginx.conf', $conf);
        $t->run();
        $checks->();
        ok($t->reload(), 'reload');
        ok($t->quit(), 'quit');
    };
}


sub serves {
    is($t->get('/')->body, "one\n", 'serves');
}


# its own hiredis still is the one it was built with

sub nchan_delivers {
    ok($t->wait_for(sub { $t->post('/pub', 'x')->status =~ /^20[12]$/ }),
        'nchan publishes');
    is($t->get('/sub')->body, 'x', 'nchan delivers');
}


sub lua_serves {
    is($t->get('/lua')->body, 'lua', 'lua serves');
}


sub stores {
    my $res = $t->post('/hook', '{}',
        ['X-Signature' => hmac('sha256', 'hex', 's3cret', '{}'),
         'X-Id' => new_id()]);

    is($res->status, 200, 'the module stores');
    like($res->body, qr/"entry":"\d+-\d+"/, 'and reads what Redis says');
}


# a life before the other module's, and one after it

sub beside {
    my ($name, $http, $server, $serves) = @_;
    my @paths = map { "$modules/$_.so" } @{$others{$name}};
    my @more = ("$http\n$source", "$server\n$hook");
    my $checks = sub { serves(); $serves->(); stores() };

    SKIP: {
        skip "no $name module", 2 if grep { ! -e } @paths;

        local $t->{module} = '';
        life("before $name", conf([$intake, @paths], @more), $checks);
        life("after $name", conf([@paths, $intake], @more), $checks);
    }
}


# sockets, pipes and files that the worker holds when it has closed the
# connection of a client

sub descriptors {
    my ($pid) = $t->worker_pids();
    my $http = $t->http();

    $http->request('GET', '/', headers => [Connection => 'close']);
    ok($http->closed(5), 'closed');

    my @open = glob "/proc/$pid/fd/*";
    return scalar @open;
}


my $held;

if (!$t->static()) {
    local $t->{module} = '';
    life('without the module', conf([]), sub {
        serves();
        $held = descriptors();
    });
}

life('without directives', conf([]), sub {
    serves();
    is(descriptors(), $held, 'nothing is open for it') if defined $held;
});


# no http {} at all

$t->write_file_expand('nginx.conf', "%%TEST_GLOBALS%%\nevents {}\n");
ok($t->run(), 'without http');
ok($t->reload(), 'without http, reload');
ok($t->quit(), 'without http, quit');


if ($t->static()) {
    life('built in', conf([], $source, $hook), \&stores);

} else {
    beside('nchan', $upstream, $nchan, \&nchan_delivers);
    beside('lua', '', $lua, \&lua_serves);
}


$t->finish();
