#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The page of the status endpoint in a headless Chromium: calm and on fire,
# with no source, one and fifty.  Nothing sticks out of a telephone, its policy
# lets its own style through, and a reader of screens finds every cell.
# Pictures of what was seen are left in build/screenshots, those of fifty
# sources with INTAKE_SLOW only.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use Test::More;

use Intake::Browser;
use Intake::Desk qw(happen);
use Intake::Test;


plan skip_all => 'NO BROWSER: there is no chromium, and none could be'
                 . ' installed: the page was not looked at'
    unless Intake::Browser->program();

my $t = Intake::Test->new();
my $redis = $t->redis(options => { appendonly => 'yes' });
my $album = Intake::Test->root() . '/build/screenshots';

make_path($album, $t->dir() . '/browser');


sub conf {
    my (@names) = @_;
    my $locations = join '', map { "location = /hooks/$_ { intake $_; }\n" }
                    @names;
    my $sources = join '', map { <<"EOC" } @names;
    intake_source $_ {
        platform  desk;
        secret    s3cret;
        groups    mailer archive;
        sla       first=30m next=1h calendar=office;
        sla       tier=vip first=10m calendar=office;
        tier      \$http_x_tier;
    }
EOC

    return <<"EOC";
%%TEST_GLOBALS%%
worker_processes 2;

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server   %%REDIS%%;
        timeout  20s;
    }

    include %%DESK%%;

    intake_calendar office {
        timezone  America/Argentina/Buenos_Aires;
        hours     mon-sun 00:00-24:00;
    }

$sources
    server {
        listen 127.0.0.1:%%PORT_0%%;

$locations
        location = /replies { intake_replies access=nginx; }
        location = /status { intake_status detail=on; }
    }
}
EOC
}


sub settle {
    my ($pattern) = @_;
    ok($t->wait_for(sub { $t->get('/status?format=html')->body =~ $pattern }),
       'the page shows it');
}


my $browser;

sub look {
    my ($name) = @_;
    my $page = $browser->page(scripts => 0);

    $page->go('http://127.0.0.1:' . $t->port() . '/status?format=html');

    for my $width (320, 360, 768, 1280) {
        $page->window(width => $width);

        cmp_ok($page->overflow(), '<=', 0,
               "$name: nothing sticks out at $width pixels");
        is($page->value('[...document.querySelectorAll("td,th")].filter(e =>'
                        . ' getComputedStyle(e).display == "none").length'),
           0, 'all cells are there');

        # fifty sources are metres of a picture

        next if $width == 320 || $name =~ /fifty/ && !$ENV{INTAKE_SLOW};

        for my $dark (0, 1) {
            $page->window(width => $width, dark => $dark);
            $page->picture("$album/status-$name-$width-"
                           . ($dark ? 'dark' : 'light') . '.png');
        }
    }

    is($page->value('getComputedStyle(document.querySelector("h1")).fontSize'),
       '20px', "$name: its own style");
    is_deeply([$page->complaints()], [], "$name: nothing in the console");

    # a telephone: what is read out is what is there

    return if $name !~ /^one/;

    $page->window(width => 360);

    my $cells = $page->value('document.querySelectorAll(".lanes td").length');
    my %count;

    $count{$_->{role}{value} // ''}++
        for @{$page->call('Accessibility.getFullAXTree')->{nodes}};
    cmp_ok($count{cell} // 0, '>=', $cells, "$name: every cell is read out");
}


$t->write_file_expand('nginx.conf', conf());
$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');

$browser = Intake::Browser->new(dir => $t->dir() . '/browser');

settle(qr/There is no source/);
look('none');

$t->write_file_expand('nginx.conf', conf('only'));
ok($t->reload(), 'one');
settle(qr/<title>Calm/);
look('one-calm');

my @many = map { "support-$_" } 1 .. 50;

$t->write_file_expand('nginx.conf', conf(@many));
ok($t->reload(), 'fifty');
settle(qr/Calm <small>50 sources/);

my $now = time();

happen($t, map { my $name = $_;
                 ([$name, 'a', 'message', $now - 9000],
                  [$name, 'a', 'reply', $now - 8000],
                  [$name, 'a', 'message', $now - 600]) } @many);
happen($t, map { my $name = $_;
                 map { [$name, "c$_", 'message', $now - 2000 * $_] } 1 .. 3 }
           @many[0 .. 9]);
happen($t, map { [$_, 'r', 'message', $now - 1500] } @many[10 .. 14]);

for my $name (@many[0 .. 4]) {
    $t->post("/hooks/$name", '{}', ['X-Signature' => '00']);
    $redis->command('XGROUP', 'CREATE', "intake:{$name}", 'mailer', 0,
                    'MKSTREAM');
}

settle(qr/Overdue <small>10 sources.*At risk <small>5 sources/s);
look('fifty-fire');

$t->write_file_expand('nginx.conf', conf('support-1'));
ok($t->reload(), 'one of them');
settle(qr/Overdue <small>1 source</);
look('one-fire');

$redis->kill();
settle(qr/Redis away/);
look('away');

$browser->close();
$t->finish();
