#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The page of the status endpoint: what stands where, in which order and whose
# time; that nothing foreign gets into it, and nothing from it gets out.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_base64);
use Test::More;
use Time::HiRes qw(time);

use Intake::Desk qw(happen stamp);
use Intake::Page;
use Intake::Schema;
use Intake::Sign;
use Intake::Test;


my $html = 'text/html; charset=utf-8';
my $tag = '<b>&"x';

my @columns = ('Source', 'State', 'Waiting', 'At risk', 'Overdue', 'Oldest',
    'Next due', 'Attainment 24 h', 'Attainment 7 d', 'p50 7 d', 'p90 7 d',
    'Target');


# %opt: blocks, the text of calendars and sources; skew, max_clock_skew.

sub conf {
    my (%opt) = @_;
    my @names = $opt{blocks} =~ /^\s*intake_source (\S+)/mg;
    my $locations = join '', map { "location = /hooks/$_ { intake $_; }\n" }
                    @names;
    my $skew = $opt{skew} // '5s';

    return <<"EOC";
%%TEST_GLOBALS%%
worker_processes 2;

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server          %%REDIS%%;
        timeout         20s;
        max_clock_skew  $skew;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "\$body";
        id         header:X-Id unsigned;
        message    inbound conversation=json:thread;
    }

    $opt{blocks}

    server {
        listen 127.0.0.1:%%PORT_0%%;

        $locations
        location = /replies { intake_replies access=nginx; }
        location = /status { intake_status; }
        location = /detail { intake_status detail=on; }
    }
}
EOC
}


sub source {
    my ($name, $lines) = @_;
    return <<"EOC";
    intake_source $name {
        platform  signed;
        secret    s3cret;
        $lines
    }
EOC
}


sub page {
    my ($t, $uri) = @_;
    my $res = $t->get($uri =~ /\?/ ? "$uri&format=html"
                                   : "$uri?format=html");
    my $page = eval { Intake::Page->parse($res->body) };

    fail("$uri: $@"), diag($res->body) unless $page;
    return $page;
}


# { CAPTION => [[cell, ...], ...] }, as the text of each; and the order

sub tables {
    my ($page) = @_;
    my (%tables, @order, $rows);

    for my $e (@{$page->{elements}}) {
        if ($e->{name} eq 'caption') {
            my $name = $e->{text} =~ s/ (?:\d|the oldest|counted).*//r;
            push @order, $name;
            $rows = $tables{$name} = [];
        }

        push @$rows, [] if $e->{name} eq 'tr';
        push @{$rows->[-1]}, $e->{text} if $e->{name} =~ /^t[hd]$/;
    }

    return (\%tables, \@order);
}


# Waits until a reading is newer than what has happened.

sub settle {
    my ($t, $done) = @_;
    ok($t->wait_for(sub { $done->((tables(page($t, '/detail')))[0]) }),
       'the page shows it');
}


sub rows {
    my ($tables, $caption) = @_;
    return { map { $_->[0] => [@$_[1 .. $#$_]] } @{$tables->{$caption}} };
}


my $t = Intake::Test->new();
my $redis = $t->redis(options => { appendonly => 'yes' });
my $schema = Intake::Schema->new();

my $blocks = <<'EOC' . source('mail', <<'EOS') . source('plain', '');
    intake_calendar office {
        timezone  Asia/Kolkata;
        hours     mon-sun 00:00-24:00;
    }
EOC
        groups    readers '<b>&"x';
        sla       first=30m next=2h objective=95% calendar=office;
        sla       tier=vip first=10m calendar=office;
        tier      $http_x_tier;
EOS

$blocks .= source($_, 'sla first=1h objective=90%;') for qw(chat desk still);
$blocks .= <<'EOC';
    intake_source contact {
        form;
        field     message required;
        honeypot  _gotcha;
        sla       first=1h;
    }
EOC

$t->write_file_expand('nginx.conf', conf(blocks => $blocks));
$t->run();

ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'up');


subtest 'calm' => sub {
    my $page = page($t, '/status');
    my ($tables, $order) = tables($page);

    is_deeply($page->faults, [], 'a page');
    is($page->title, 'Calm - intake', 'its title says the worst');
    is_deeply($order, ['Calm', 'Deliveries', 'Consumer groups'], 'tables');
    is_deeply($tables->{Calm}[0], \@columns, 'columns');
    like($_->[0], qr/ (?:first|next)\b/, $_->[0]),
        is($_->[1], 'calm', 'its state'),
        is_deeply([@$_[2 .. 10]], [0, 0, 0, ('') x 6], 'nothing')
        for @{$tables->{Calm}}[1 .. $#{$tables->{Calm}}];
    is(@{$tables->{Calm}}, 1 + 4 + 4 * 2, 'a row a lane');
    is_deeply([$page->words('li')], ['0 overdue', '0 at risk', '0 waiting'],
              'the sums');
    ok(!(grep { $_->{'-class'} ne 'calm' } $page->all('li')),
       'of the colour of calm');
    like(join('|', $page->words('p')), qr/Without clocks: plain\b/,
         'a source without clocks is named');
};


subtest 'made for everybody' => sub {
    my $page = page($t, '/detail');
    my @elements = @{$page->{elements}};

    is((grep { ($_->{'-http-equiv'} // '') eq 'refresh' }
             $page->all('meta'))[0]{'-content'}, 15, 'loads itself anew');
    is(scalar(grep { ($_->{'-scope'} // '') eq 'row' } $page->all('th')),
       $page->all('tr') - $page->all('thead'), 'every row has a name');
    is(scalar $page->all('caption'), scalar $page->all('table'),
       'every table a caption');
    is_deeply([grep { $_->{name} eq 'span' && $_->{'-title'} !~ /^before/
                      && $_->{'-title'}
                         !~ /^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/ }
               @elements], [], 'every time is there in UTC, too');
    is_deeply([grep { $_->{name} eq 'b'
                      && $_->{'-class'} && $_->{text} !~ /\w/ } @elements],
              [], 'no colour without a word');
    is_deeply([grep { $_->{name} eq 'div' && exists $_->{'-role'}
                      && !($_->{'-tabindex'} eq '0'
                           && length $_->{'-aria-label'}) } @elements],
              [], 'what scrolls can be reached by keyboard');
};


subtest 'policy' => sub {
    my $res = $t->get('/status?format=html');
    my ($style) = $res->body =~ m{<style>(.*?)</style>}s;

    is($res->header('Content-Security-Policy'),
       "default-src 'none'; style-src 'sha256-" . sha256_base64($style)
       . "='; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
       'its own style and nothing else');
    unlike($res->body, qr/<script|\son\w+=|style=|https?:|url\(|\@import/i,
           'and there is nothing else');
    is($t->get('/status?format=json')->header('Content-Security-Policy'),
       undef, 'not of other formats');
};


subtest 'asked for' => sub {
    for my $case (['text/html', $html],
                  ['text/html,application/xhtml+xml,application/xml;q=0.9,'
                   . 'image/avif,*/*;q=0.8', $html],
                  ['text/html, text/plain, */*;q=0.01', $html],
                  ['text/html, text/*;q=0.5', $html],
                  ['text/plain, text/html', 'text/plain; version=0.0.4; '
                                            . 'charset=utf-8'],
                  ['text/html;q=0.5, application/json', 'application/json'],
                  ['text/plain;q=0, text/*;q=0.9, */*;q=0.1',
                   'application/json'],
                  ['text/*', 'text/plain; version=0.0.4; charset=utf-8'],
                  ['*/*', 'text/plain; version=0.0.4; charset=utf-8'])
    {
        my $res = $t->get('/status', [Accept => $case->[0]]);

        is($res->status, 200, $case->[0]);
        is($res->header('Content-Type'), $case->[1], 'type');
    }

    my $get = $t->get('/status?format=html', [Accept => 'text/plain']);
    my $head = $t->request('HEAD', '/status?format=html');

    for my $res ($get, $head) {
        is($res->status, 200, 'format=html');
        is($res->header('Content-Type'), $html, 'type');
        is(join(',', $res->headers('Vary')), 'Accept', 'Vary');
        is($res->header('Cache-Control'), 'no-store', 'no-store');
        is($res->header('X-Content-Type-Options'), 'nosniff', 'nosniff');
        ok($res->header('Content-Security-Policy'), 'policy');
    }

    is($head->body, '', 'HEAD: no body');
    like($head->header('Content-Length'), qr/^[1-9]\d{3}/, 'but its length');
    is($t->get('/status?format=html&source=nobody')->status, 404,
       'no such source');
};


my $now = time();

subtest 'on fire' => sub {
    happen($t, ['mail', '<script>alert(1)</script>', 'message', $now - 7200],
         ['mail', 'second', 'message', $now - 5400],
         ['desk', 'third', 'message', $now - 3000],
         ['chat', 'fourth', 'message', $now - 60],
         ['chat', 'fifth', 'message', $now - 1800],
         ['chat', 'fifth', 'reply', $now - 1200]);
    settle($t, sub { $_[0]{Waiting} && $_[0]{Overdue}
                     && $_[0]{'Overdue conversations'} });

    my $page = page($t, '/detail');
    my ($tables, $order) = tables($page);

    is_deeply($page->faults, [], 'a page');
    is($page->title, '2 overdue - intake', 'its title');
    is_deeply($order, ['Overdue', 'At risk', 'Waiting', 'Calm',
                       'Overdue conversations', 'Deliveries',
                       'Consumer groups'], 'the worst first');
    is_deeply([$page->words('li')], ['2 overdue', '1 at risk', '4 waiting'],
              'the sums');
    is_deeply([map { $_->{'-class'} } $page->all('li')],
              [qw(late risk wait)], 'in their colours');

    my $mail = (grep { $_->[0] =~ /^mail default first/ }
                     @{$tables->{Overdue}})[0];
    is_deeply([@$mail[1 .. 4]], ['overdue', 2, 0, 2], 'overdue');
    is($mail->[5], '2 h', 'the oldest');
    is($mail->[6], '', 'nothing else is due');
    is($mail->[11], '30 min 95 %', 'the target');
    is_deeply([map { $_->[1] } @{$tables->{Overdue}}[2 .. 4]],
              [('calm') x 3], 'its other lanes are calm');

    my $desk = rows($tables, 'At risk')->{'desk first'};
    my @due = gmtime int $now - 3000 + 3600;
    is_deeply([@$desk[0 .. 3]], ['at risk', 1, 1, 0], 'at risk');
    my $at = sprintf '%02d:%02d', @due[2, 1];
    like($desk->[5], qr/^(?:\w{3} )?$at in \d/,
         'its deadline, in UTC');

    my $chat = rows($tables, 'Waiting')->{'chat first'};
    is_deeply([@$chat[0 .. 3]], ['waiting', 1, 0, 0], 'waiting');
    is_deeply([@$chat[6, 7, 10]], ['100 %', '100 %', '1 h 90 %'],
              'answered in time');
    like($chat->[8], qr/^\d+ min/, 'p50');
};


subtest 'who is overdue' => sub {
    my $page = page($t, '/detail');
    my ($tables) = tables($page);
    my @rows = @{$tables->{'Overdue conversations'}};
    my $doc = $t->get('/detail?format=json')->json;
    my @refs = map { $_->{ref} } grep { $_->{state} eq 'overdue' }
               @{$doc->{sources}[0]{conversations}};

    is_deeply([map { $_->[0] } @rows[1 .. 2]],
              [map { "$_ mail default first" } @refs],
              'by the names of the JSON, the oldest first');
    is($rows[1][1], '1 h 30 min', 'overdue by');
    is($rows[1][3], '2 h', 'waiting');

    # the deadline is told in the time of the office

    my @local = gmtime int $now - 7200 + 1800 + 5.5 * 3600;
    my @time = grep { $_->{parent} eq 'td' } $page->all('span');

    my $at = sprintf '%02d:%02d', @local[2, 1];

    like($rows[1][2], qr/^(?:\w{3} )?$at$/,
         'in the time of the zone');
    ok((grep { $_->{text} eq $rows[1][2]
               && $_->{'-title'} eq substr(stamp($now - 5400), 0, 16)
                                    =~ s/T/ /r . ' UTC' } @time),
       'and in UTC');

    unlike($t->get('/detail?format=html')->body, qr/alert|second/,
           'no id of a conversation');
    ok(!(tables(page($t, '/status')))[0]{'Overdue conversations'},
       'only with detail=on');
};


subtest 'what was delivered' => sub {
    my $body = '{"thread":"t"}';
    my $sign = hmac('sha256', 'hex', 's3cret', $body);

    is($t->post('/hooks/plain', $body, ['X-Signature' => $sign,
                                        'X-Id' => 1])->status, 200, 'stored')
        for 1 .. 2;
    is($t->post('/hooks/plain', $body, ['X-Signature' => '00'])->status, 401,
       'refused') for 1 .. 3;
    is($t->post('/hooks/mail', $body, ['X-Signature' => $sign])->status, 200,
       'stored');

    $redis->command('XGROUP', 'CREATE', 'intake:{mail}', $tag, 0);
    $redis->command('XREADGROUP', 'GROUP', $tag, 'one', 'STREAMS',
                    'intake:{mail}', '>');
    settle($t, sub {
        my $of = rows($_[0], 'Deliveries');
        $of->{plain}[6] eq '1' && $of->{mail}[6] eq '1'
            && rows($_[0], 'Consumer groups')->{mail}[0] =~ /1 pending/ });

    my ($tables) = tables(page($t, '/status'));

    is_deeply($tables->{Deliveries}[0],
              [qw(Source Durability Stored Duplicates Rejected Unavailable
                  Spam Entries), 'Spam stream', 'Escalations'], 'columns');
    is_deeply(rows($tables, 'Deliveries')->{plain},
              ['in force memory', 1, 1, '3 SIGNATURE_MISMATCH 3', 0, '', 1,
               '', ''], 'counted');
    is_deeply([@{rows($tables, 'Deliveries')->{contact}}[5 .. 7]],
              [0, 0, 0], 'a form has spam');

    my $groups = rows($tables, 'Consumer groups');

    is_deeply([sort keys %$groups], [qw(Source mail)],
              'one row for the groups of a source');
    like($groups->{mail}[0],
         qr/^readers: no such group\s\Q$tag\E: lag 0, 1 pending, the oldest /,
         'one is not there, one has read, under its own name');
    unlike($t->get('/status?format=html')->body, qr/<b>&/, 'escaped');
};


subtest 'this node' => sub {
    my $page = page($t, '/status');
    my @names = $page->words('dt');
    my %facts;

    @facts{@names} = $page->words('dd');

    is_deeply(\@names, ['Redis', 'Round trip', 'Clock', 'In flight',
                        'Durability', 'Workers', 'Versions'], 'facts');
    is($facts{Redis}, 'ready in 2 of 2 workers, connected 2 times', 'Redis');
    like($facts{'Round trip'}, qr/^\d+\.\d\d ms$/, 'round trip');
    like($facts{Clock}, qr/^\d+\.\d\d ms (?:ahead of|behind) that of Redis$/,
         'clock');
    is($facts{Durability}, 'in force appendonly yes, appendfsync everysec, '
                           . 'maxmemory-policy noeviction', 'durability');
    like($facts{Versions}, qr/^nginx-intake \d\S+, nginx \d\S+, Redis \d\S+$/,
         'versions');
};


subtest 'a part of it' => sub {
    my $page = page($t, '/detail?source=desk');
    my ($tables, $order) = tables($page);

    is($page->title, '1 at risk - intake', 'the title is of the one');
    is(($page->words('h1'))[0], 'Intake: desk', 'the heading, too');
    is_deeply($order, ['At risk', 'Deliveries'], 'source=');
    is_deeply([map { $_->[0] } @{$tables->{'At risk'}}],
              ['Source', 'desk first', 'desk next'], 'one source');
    is(($page->all('a'))[0]{'-href'}, '?', 'a way back');
    is((page($t, '/status')->all('a'))[0]{'-href'}, '?source=mail',
       'and there');

    (undef, $order) = tables(page($t, '/status?scope=node'));
    is_deeply($order, [], 'scope=node');
    is(scalar page($t, '/status?scope=global')->all('dl'), 0,
       'scope=global');
    ok(scalar page($t, '/status?scope=node')->all('dl'), 'and the node');
};


subtest 'in a text browser' => sub {
    $t->write_file('page.html', $t->get('/detail?format=html')->body);

    for my $browser ('w3m -dump -cols 130 -T text/html', 'lynx -dump '
                     . '-width=130')
    {
        my ($name) = split / /, $browser;

        SKIP: {
            skip "no $name", 1 unless grep { -x "$_/$name" }
                                      split /:/, $ENV{PATH};

            my $said = qx($browser @{[$t->path('page.html')]});

            like($said, qr/2\ overdue.*Overdue\ 1\ source.*At\ risk\ 1\ source
                           .*
                           ^[\W\d]*desk\ first\s+at\ risk\s+1\s+1\s+0\s.*
                           ^\s*Redis.*\bready\ in\ 2\b/smx, $name);
            unlike($said, qr/content:|--late/, "$name: no style");
        }
    }
};


subtest 'Redis is away' => sub {
    $redis->kill();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 503 }),
       'away');

    my $page = page($t, '/detail');
    my @banners = grep { ($_->{'-class'} // '') =~ /late|risk/ }
                  $page->all('p');

    is($page->title, 'Redis away - intake', 'the title says so');
    like($banners[0]{text}, qr/^Redis is away\./, 'a banner, too');
    is($banners[0]{'-class'}, 'late', 'in red');
    like(join('|', $page->words('dd')), qr/^(?:away|connecting) in 0 of 2/,
         'and the node');
    like(join('|', $page->words('dd')), qr/\bunknown appendonly yes/,
         'what is in force is not known');

    ok($t->wait_for(sub { $t->get('/detail?format=html')->body
                          =~ /Stale\./ }), 'soon it is stale');
    ok((tables(page($t, '/detail')))[0]{Overdue}, 'what is known is shown');

    $redis->start();
    ok($t->wait_for(sub { $t->get('/detail?format=html')->body
                          !~ /Stale\.|Redis is away/ }), 'back');

    $redis->stop();
    $redis->{options} = {};
    $redis->start();
    ok($t->wait_for(sub { (grep { /^not in force appendonly no/ }
                           page($t, '/status')->words('dd')) }),
       'without its file it keeps no promise');
    ok($t->wait_for(sub { (grep { /^Stale\. Redis knows less than before/ }
                           page($t, '/status')->words('p')) }),
       'and has forgotten what is still shown');
    is((grep { $_->{text} eq 'not in force' }
             page($t, '/status')->all('b'))[0]{'-class'}, 'late', 'in red');
};


subtest 'the spool' => sub {
    my $spool = sub {
        my $page = page($t, '/status');
        my %facts;

        @facts{$page->words('dt')} = $page->words('dd');
        return $facts{Spool} // 'none';
    };

    is($spool->(), 'none', 'no line without one');

    $t->write_file_expand('nginx.conf', conf(
        blocks => 'intake_spool ' . $t->path('spool') . " max_size=9m;\n"
                  . source('plain', '')));
    ok($t->reload(), 'one is configured');
    ok($t->wait_for(sub { $spool->() eq 'empty' }), 'empty');

    $redis->kill();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 200
                          && page($t, '/status')->title =~ /^Redis away/ }),
       'Redis is away');

    my $body = '{}';
    my $res = $t->post('/hooks/plain', $body, ['X-Id' => 's1',
        'X-Signature' => hmac('sha256', 'hex', 's3cret', $body)]);

    is($res->status, 200, 'spooled');
    ok($t->wait_for(sub { $spool->() =~
        /^in use \d\.\d MB of 9\.0 MB in 1 file, the oldest \d+ s old$/ }),
       'in use') or diag($spool->());
    like(join('|', page($t, '/status')->words('p')),
         qr/\QRedis is away. Deliveries are kept in the spool./, 'a banner');

    $redis->start();
    ok($t->wait_for(sub { $spool->() eq 'empty' }), 'empty again');
};


subtest 'sizes' => sub {
    my @names = map { "source-$_" } 1 .. 10;
    my $many = <<'EOC' . join '', map { source($_, <<'EOS') } @names;
    intake_calendar office {
        timezone  America/Argentina/Buenos_Aires;
        hours     mon-sun 00:00-24:00;
    }
EOC
        groups    mailer archive;
        sla       first=30m next=1h calendar=office;
EOS

    $t->write_file_expand('nginx.conf', conf(blocks => $many));
    ok($t->reload(), 'ten sources');
    $now = time();

    for my $name (@names) {
        is($t->post("/hooks/$name", '{}', ['X-Signature' => '00'])->status,
           401, "$name: refused");
        is($t->post("/hooks/$name", '{"thread":"t"}', ['X-Id' => 1,
            'X-Signature' => hmac('sha256', 'hex', 's3cret',
                                  '{"thread":"t"}')])->status, 200, 'stored');

        for my $group (qw(mailer archive)) {
            $redis->command('XGROUP', 'CREATE', "intake:{$name}", $group, 0);
            $redis->command('XREADGROUP', 'GROUP', $group, 'one', 'STREAMS',
                            "intake:{$name}", '>');
        }
    }

    happen($t, map { my $name = $_;
                     ([$name, 'n', 'message', $now - 12000],
                      [$name, 'n', 'reply', $now - 11900],
                      [$name, 'n', 'message', $now - 900],
                      [$name, 'a', 'message', $now - 1000],
                      [$name, 'a', 'reply', $now - 800]) } @names);
    happen($t, map { my $name = $_;
                   map { ["$name", "c$_", 'message', $now - 3600 * $_] }
                       1 .. 5 } @names);
    settle($t, sub { @{$_[0]{Overdue} // []} == 21 });

    my $res = $t->get('/detail?format=html');
    my ($tables) = tables(page($t, '/detail'));

    cmp_ok(length $res->body, '<', 20000, 'below 20 KB');
    like($tables->{Overdue}[1][0], qr/Aires, open/, 'the calendar');
    unlike($tables->{Overdue}[2][0], qr/Aires/, 'once');
    like($tables->{Overdue}[1][9], qr/ open /, 'on both clocks');
    is(@{$tables->{'Consumer groups'}}, 11, 'groups');
    is(@{$tables->{'Overdue conversations'}}, 16, 'fifteen of them');
    like($res->body, qr/>15 of 50, the longest overdue first</,
         'and of how many');
    is_deeply([grep { $_->[3] ne '5 h' }
               @{$tables->{'Overdue conversations'}}[1 .. 10]], [],
              'the oldest first');

    # one, fifty, none

    $t->write_file_expand('nginx.conf', conf(blocks => source('only',
        'sla first=30m;')));
    ok($t->reload(), 'one source');
    settle($t, sub { @{$_[0]{Calm} // []} == 3 });

    # the clock that is worst stands first, and has the link

    happen($t, ['only', 'n', 'message', $now - 9000],
               ['only', 'n', 'reply', $now - 8900],
               ['only', 'n', 'message', $now - 8000],
               map { ['only', "w$_", 'message', $now - $_] } 1 .. 3);
    settle($t, sub { @{$_[0]{Overdue} // []} == 3 });

    ($tables) = tables(page($t, '/detail'));
    is_deeply([map { "@$_[0, 1, 2]" } @{$tables->{Overdue}}[1, 2]],
              ['only next overdue 1', 'only first waiting 3'],
              'the worst clock first');
    is_deeply([map { $_->{text} } page($t, '/detail')->all('a')], ['only'],
              'one link');

    $many = join '', map { source("s$_", 'sla first=30m next=1h;') } 1 .. 50;
    $t->write_file_expand('nginx.conf', conf(blocks => $many));
    ok($t->reload(), 'fifty');
    settle($t, sub { @{$_[0]{Calm} // []} == 101 });

    is_deeply(page($t, '/detail')->faults, [], 'a page');
    is($schema->complains($t->get('/detail?format=json')->body), '',
       'a document of several buffers');

    $t->write_file_expand('nginx.conf', conf(blocks => ''));
    ok($t->reload(), 'none');
    ok($t->wait_for(sub { page($t, '/status')->title eq 'Ready - intake' }),
       'ready');
    like(join('|', page($t, '/status')->words('p')), qr/There is no source/,
         'and says why it is empty');
    is((tables(page($t, '/status')))[1][0], undef, 'no table');
};


# Who is overdue is listed first, however many others wait for longer, and in
# whatever lane.

subtest 'overdue among many' => sub {
    $t->write_file_expand('nginx.conf', conf(blocks => join '',
        map { source($_->[0], $_->[1]) } ['fresh', 'sla first=30m next=30m;'],
        ['paused', 'sla first=30m;'], ['slow', 'sla first=9h at_risk=50%;']));
    ok($t->reload(), 'other sources');
    $now = time();

    happen($t, (map { ['fresh', "f$_", 'message', $now - 60] } 1 .. 120),
           (map { ['fresh', "n$_", 'message', $now - 5 * 3600 - 120],
                  ['fresh', "n$_", 'reply', $now - 5 * 3600 - 60],
                  ['fresh', "n$_", 'message', $now - 5 * 3600] } 1 .. 5),
           (map { ['paused', "p$_", 'message', $now - 6 * 3600],
                  ['paused', "p$_", 'pause', $now - 6 * 3600 + 60] } 1 .. 100),
           (map { ['paused', "o$_", 'message', $now - 3 * 3600] } 1 .. 5),
           (map { ['slow', "r$_", 'message', $now - 8 * 3600] } 1 .. 5),
           (map { ['slow', "s$_", 'message', $now - 10 * 3600 - $_] }
                1 .. 10));
    settle($t, sub { @{$_[0]{Overdue} // []} == 7 });

    my ($tables) = tables(page($t, '/detail'));
    my (undef, @rows) = @{$tables->{'Overdue conversations'}};

    like($t->get('/detail?format=html')->body, qr/>15 of 20, the longest /,
         'of all');
    is_deeply([map { $_->[0] =~ s/^\S+ //r . ", $_->[1], $_->[3]" } @rows],
              [('fresh next, 4 h 30 min, 5 h') x 5,
               ('paused first, 2 h 30 min, 3 h') x 5,
               ('slow first, 1 h, 10 h') x 5],
              'the longest overdue, not the oldest');

    my $doc = $t->get('/detail?format=json')->json;

    for my $case (['fresh', 25, ['next overdue', 5], ['first ok', 95]],
                  ['paused', 5, ['first overdue', 5], ['first paused', 95]],
                  ['slow', 0, ['first overdue', 10], ['first at_risk', 5]])
    {
        my ($name, $left_out, @expected) = @$case;
        my ($source) = grep { $_->{name} eq $name } @{$doc->{sources}};
        my @list = @{$source->{conversations}};
        my @runs;

        for (map { "$_->{clock} $_->{state}" } @list) {
            push @runs, [$_, 0] if !@runs || $runs[-1][0] ne $_;
            $runs[-1][1]++;
        }

        is_deeply(\@runs, \@expected, "$name: the overdue first");
        is($source->{conversations_left_out}, $left_out,
           "$name: and how many more");
        is_deeply([map { $_->{overdue_business_seconds} } @list],
                  [sort { $b <=> $a } map { $_->{overdue_business_seconds} }
                                          @list], "$name: in order");
    }
};


# Replies count for the hour in which they are told of: that hour is moved.
# What is over is read once by each worker: new ones see it.

subtest 'better and worse' => sub {
    $t->write_file_expand('nginx.conf', conf(blocks => join '',
        map { source($_, 'sla first=30m objective=80%;') } qw(up down even)));
    ok($t->reload(), 'other sources');
    $now = time();

    my $answer = sub {
        my ($source, $hours, @minutes) = @_;
        return map { my $id = "$hours-$_";
                     my $at = $now - $hours * 3600;
                     [$source, $id, 'message', $at],
                     [$source, $id, 'reply', $at + 60 * $_] } @minutes;
    };

    happen($t, $answer->('up', 36, 40, 5), $answer->('down', 36, 1, 2),
           $answer->('even', 36, 7));

    my $before = stamp($now - 36 * 3600) =~ s/T(\d\d).*/:$1/r;

    for my $key (map { @{$redis->command('KEYS', "intake:{$_}:sla:d:*:*")} }
                 qw(up down even))
    {
        $redis->command('RENAME', $key,
                        $key =~ s/:d:[0-9-]+:\d\d$/:d:$before/r);
    }

    happen($t, $answer->('up', 4, 1, 2, 3), $answer->('even', 4, 8),
           $answer->('down', 4, 10, 20, 31));
    ok($t->reload(), 'new workers');
    settle($t, sub { (rows($_[0], 'Calm')->{'up first'} // [])->[6] });

    my $page = page($t, '/status');
    my $lanes = rows((tables($page))[0], 'Calm');

    is($lanes->{'up first'}[6], "100 % \xE2\x86\x91", 'better');
    is($lanes->{'down first'}[6], "66.6 % \xE2\x86\x93 low", 'worse');
    is($lanes->{'even first'}[6], "100 % \xE2\x86\x92", 'the same');
    is($lanes->{'up first'}[7], '80 %', '7 days: at the objective, not low');
    is_deeply([map { $_->{'-title'} =~ /^(before.*)/ } $page->all('span')],
              ['before: 50 %', 'before: 100 %', 'before: 100 %'],
              'what it was');
    is_deeply([map { $_->{text} } grep { ($_->{'-class'} // '') eq 'low' }
               $page->all('td')],
              ["66.6 % \xE2\x86\x93 low"], 'low by colour and word');
};


# the clock that people see: closed at night, used up at closing time, late
# from the next opening on

subtest 'at night' => sub {
    plan skip_all => 'libfaketime and the sanitizers do not go together'
        if $t->has('-fsanitize');

    my $night = Intake::Test->new();
    my $away = $night->redis();

    $night->write_file_expand('nginx.conf', conf(skew => 'off',
        blocks => <<'EOC' . source('mail', 'sla first=30m calendar=office;')));
    intake_calendar office {
        timezone  America/New_York;
        hours     mon-fri 09:00-17:00;
    }
EOC
    $night->run(faketime => '2026-03-06 21:40:00');     # Friday, 16:40
    ok($night->wait_for(sub { $night->get('/status?health')->status == 200 }),
       'up');

    my $first = sub { (grep { $_->[0] =~ /^mail first/ } map { @$_ }
                       values %{(tables(page($night, '/detail')))[0]})[0] };
    my $seen = sub {
        my ($pattern) = @_;
        my $row;

        $night->wait_for(sub { $row = $first->();
                               join('|', @$row) =~ $pattern });
        like(join('|', @$row), $pattern, 'at ' . gmtime $night->now());
    };

    $seen->(qr/^mail first America\/New_York, open until 17:00\|calm/);

    happen($night, ['mail', 'c', 'message', $night->now() - 600]);
    $night->advance(60);
    $seen->(qr/\|waiting\|1\|0\|0\|11 min\|17:00 in 19 min\|/);

    # the clocks are set forward on Sunday: Monday, 9:00 is 13:00 UTC

    $night->set_time('2026-03-07 03:00:00');
    $seen->(qr/, closed until Mon 09:00\|at risk\|1\|1\|0\|5 h 30 min\|Mon/);
    $seen->(qr/\|Mon 09:00 in 2 d 10 h\|/);

    $night->set_time('2026-03-09 13:20:00');
    $seen->(qr/, open until 17:00\|overdue\|1\|0\|1\|/);

    my ($tables) = tables(page($night, '/detail'));
    my $row = $tables->{'Overdue conversations'}[1];

    is_deeply([@$row[1, 2]], ['20 min', 'Fri 17:00'],
              'late since the opening, due at closing time');

    # half an hour on Friday and twenty minutes now; the last bound is 2 days

    happen($night, ['mail', 'c', 'reply', $night->now()]);
    $night->advance(60);
    $seen->(qr/\|2 d open 45 min\|2 d open 57 min\|30 min/);

    # what is too old is not shown, but said

    my $stale = sub { [grep { /^Stale/ }
                       page($night, '/detail')->words('p')] };

    is_deeply($stale->(), [], 'up to date');
    $away->kill();
    ok($night->wait_for(sub { $night->get('/status?health')->status == 503 }),
       'Redis is away');
    $night->advance(20);
    ok($night->wait_for(sub { "@{$stale->()}" =~ /Nothing/ }), 'too old');
    like("@{$stale->()}", qr/^Stale\.\ Nothing\ is\ known\ now\ of\ mail\.
         \ Redis\ was\ last\ read\ \d+\ s\ ago\.$/x, 'a banner');
    is_deeply((tables(page($night, '/detail')))[1], ['Deliveries'],
              'instead of old numbers');
    is(page($night, '/detail')->title, 'Redis away - intake', 'the title');

    $night->shut_down();
};


$t->finish();
