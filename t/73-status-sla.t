#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What the status shows of what Redis knows: clocks, streams, groups, and who
# waits; in all formats, by the schema, with and without Redis.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use Intake::Desk;
use Intake::Exposition;
use Intake::Schema;
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis(options => { appendonly => 'yes', appendfsync => 'no' });
my $schema = Intake::Schema->new();
my $codec = JSON::PP->new->utf8->canonical;

$t->write_file('token', "form token secret of a test\n", 0600);

my $conf = <<'EOC';
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

    intake_calendar never-today {
        timezone  Europe/Berlin;
        hours     mon-sun 00:00-24:00;
        closed    %%TODAY%%;
        weekend_weight  0.5;
    }

    include %%DESK%%;

    intake_source mail {
        platform  desk;
        secret    s3cret;
        groups    workers "a \"group\"";
        sla       first=30m next=90m objective=90% at_risk=75%;
        sla       tier=office first=10m calendar=never-today;
        tier      $http_x_tier;
    }

    intake_source plain {
        platform  desk;
        secret    s3cret;
    }

    intake_source contact {
        form;
        sla       first=1h;
        field     message required;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /mail { intake mail; }
        location = /plain { intake plain; }
        location = /contact { intake contact; }
        location = /replies { intake_replies access=nginx; }
        location = /status { intake_status; }
        location = /detail { intake_status detail=on; }
        location = /overdue { intake_status health=redis,overdue; }
    }
}
EOC


sub stamp {
    my ($time) = @_;
    my $ms = int($time * 1000 + 0.5);
    my @t = gmtime int($ms / 1000);

    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', $t[5] + 1900,
                   $t[4] + 1, @t[3, 2, 1, 0], $ms % 1000;
}


sub day { substr stamp(time() + $_[0] * 86400), 0, 10 }


my $number = 0;

sub message {
    my ($thread, $from, $at, %opt) = @_;

    my $r = desk_message($t, $opt{uri} // '/mail',
        { id => 'm' . ++$number, thread => $thread, from => $from,
          at => stamp($at) },
        $opt{tier} ? ('X-Tier' => $opt{tier}) : ());

    return $r->status();
}


sub document {
    my ($query, $uri) = @_;
    my $r = $t->get(($uri // '/status') . '?format=json' . ($query // ''));

    is($schema->complains($r->body()), '', 'as the schema says'
       . (defined $query ? " ($query)" : ''))
        or diag($r->body());

    return $r->json();
}


# The next reading is newer than what has happened before.

sub settle {
    my $now = stamp(time());

    $t->wait_for(sub {
        my $at = $t->get('/status?format=json')->json()->{snapshot}{at};
        defined $at && $at gt $now;
    }) or fail('a new reading');
}


sub metrics {
    my ($query, %opt) = @_;
    my $format = $opt{openmetrics} ? 'openmetrics' : 'prometheus';
    my $text = $t->get("/status?format=$format" . ($query // ''))->body();
    my $m = eval { Intake::Exposition->parse($text, %opt) };

    fail("exposition: $@"), diag($text) unless $m;
    return $m;
}


sub both_formats {
    my $m = metrics();
    my $om = metrics('', openmetrics => 1);

    # both say the same, but for what time has done between them

    is_deeply([sort keys %{{$om->series()}}], [sort keys %{{$m->series()}}],
              'the same series');
    is($om->type('intake_requests'), 'counter', 'families in OpenMetrics');
    is($m->type('intake_requests_total'), 'counter', 'samples in the other');

    SKIP: {
        my $promtool = $ENV{INTAKE_PROMTOOL} // 'promtool';

        skip 'no promtool', 1
            if system("$promtool --version > /dev/null 2>&1");

        $t->write_file('metrics', $t->get('/status')->body());
        is(scalar qx($promtool check metrics < @{[$t->path('metrics')]} 2>&1),
           '', 'promtool has nothing to say');
    }

    return $m;
}


sub source {
    my ($doc, $name) = @_;
    return (grep { $_->{name} eq $name } @{$doc->{sources}})[0];
}


$conf =~ s/%%TODAY%%/day(-4) . '..' . day(1)/e;

# the clock is moved at the end, where that is possible

my $movable = !$t->has('-fsanitize');

$t->write_file_expand('nginx.conf', $conf);
$t->run($movable ? (faketime => '+0') : ());

ok($t->wait_for(sub { $t->get('/status?health')->status() == 200 }), 'up');


my %ages = (lt_30m => 0, '30m_1h' => 0, '1h_4h' => 0, '4h_24h' => 0,
            ge_24h => 0);
my %outcome = (met => 0, breached => 0, retracted => 0,
               closed_unanswered => 0);
my %nothing = (%outcome, map { $_ => undef } qw(attainment previous_attainment
    within_30m within_1h within_4h within_24h p50_seconds p90_seconds
    p99_seconds business_p50_seconds business_p90_seconds
    business_p99_seconds));

subtest 'JSON of an idle node' => sub {
    my $doc = document('', '/detail');

    is($doc->{snapshot}{stale}, JSON::PP::false, 'not stale');
    cmp_ok($doc->{snapshot}{age_ms}, '<', 1500, 'new');
    is($doc->{snapshot}{revision}, 0, 'nothing has happened');

    my $mail = source($doc, 'mail');

    is($mail->{redis_up}, JSON::PP::true, 'read');
    is_deeply($mail->{tiers}[0], {
        name => 'default',
        calendar => { name => '24/7', timezone => 'UTC',
                      open => JSON::PP::true, changes_at => undef,
                      known_until => undef, weekend_weight => 1 },
        clocks => { map { $_->[0] => {
            target_seconds => $_->[1], objective => 0.9, waiting => 0,
            at_risk => 0, overdue => 0, paused => 0, next_due => undef,
            oldest_waiting_since => undef, oldest_waiting_seconds => undef,
            oldest_waiting_business_seconds => undef, age => \%ages,
            totals => \%outcome,
            windows => { map { $_ => \%nothing } qw(24h 7d 30d) } }
        } [first => 1800], [next => 5400] } }, 'a tier') or diag explain
        $mail->{tiers}[0];

    my $calendar = $mail->{tiers}[1]{calendar};

    is($calendar->{name}, 'never-today', 'a calendar');
    is($calendar->{timezone}, 'Europe/Berlin', 'its zone');
    is($calendar->{open}, JSON::PP::false, 'closed');
    is($calendar->{weekend_weight}, 0.5, 'its weight');
    cmp_ok($calendar->{changes_at}, 'gt', stamp(time()), 'opens');
    cmp_ok($calendar->{known_until}, 'gt', stamp(time() + 9 * 365 * 86400),
           'its horizon');

    is_deeply($mail->{conversations}, [], 'nobody waits');
    is($mail->{conversations_left_out}, 0, 'nor more than are listed');
    is_deeply($mail->{events}, { map { $_ => 0 } qw(inbound outbound auto
        note reaction pause resume close merge) }, 'events');
    is_deeply($mail->{anomalies}, { map { $_ => 0 } qw(id_reused unparsed
        unknown_outcome messages_left_out duplicate overtaken orphan_reply
        clock_skew) },
        'anomalies of the node and of the clocks');
    is_deeply($mail->{stream}, { entries => 0, escalations => 0, groups => [
        map { { name => $_, lag => undef, pending => undef,
                oldest_pending => undef } } 'workers', 'a "group"' ] },
        'streams');

    my $plain = source($doc, 'plain');

    is_deeply($plain->{tiers}, [], 'a source without clocks');
    is_deeply($plain->{conversations}, [], 'nor conversations');
    ok(!exists $plain->{events}, 'nor events');
    is_deeply($plain->{stream}, { entries => 0, groups => [] },
              'it has a stream');
    is_deeply(source($doc, 'contact')->{stream},
              { entries => 0, spam => 0, escalations => 0, groups => [] },
              'a form has one for spam');
};


my @les = qw(60.0 300.0 900.0 1800.0 3600.0 7200.0 14400.0 28800.0 86400.0
    172800.0 +Inf);

subtest 'metrics of an idle node' => sub {
    my $m = both_formats();
    my @missing;

    for my $lane (['mail', 'default', 'first'], ['mail', 'default', 'next'],
                  ['mail', 'office', 'first'], ['mail', 'office', 'next'],
                  ['contact', 'default', 'first'])
    {
        my %lane;
        @lane{qw(source tier clock)} = @$lane;

        push @missing, grep { ($m->value(@$_, %lane) // '') ne '0' }
            (map { ["intake_sla_${_}_total"] } qw(met breaches
                breaches_retracted closed_unanswered)),
            (map { ["intake_sla_$_"] } qw(at_risk_conversations
                overdue_conversations oldest_waiting_timestamp_seconds
                next_due_timestamp_seconds)),
            (map { ['intake_sla_waiting_conversations', age => $_] }
                keys %ages),
            map { my $name = $_;
                  ["intake_sla_${name}_count"],
                  map { ["intake_sla_${name}_bucket", le => $_] } @les }
                qw(response_seconds response_business_seconds);
    }

    for my $source (qw(mail contact)) {
        push @missing, grep { ($m->value(@$_, source => $source) // '')
                              ne '0' }
            (map { ['intake_sla_events_total', kind => $_] }
                qw(inbound outbound auto note reaction pause resume close
                   merge)),
            (map { ['intake_sla_event_anomalies_total', reason => $_] }
                qw(duplicate overtaken orphan_reply clock_skew)),
            ['intake_stream_entries'], ['intake_escalation_stream_entries'];
    }

    is_deeply(\@missing, [], 'all are there and 0');

    my %mail = (source => 'mail', tier => 'default');

    is($m->value('intake_sla_target_seconds', %mail, clock => 'next'), 5400,
       'target');
    is($m->value('intake_sla_objective_ratio', %mail, clock => 'next'),
       '0.900', 'objective');
    is($m->value('intake_sla_calendar_open', %mail), 1, '24/7 is open');
    is($m->value('intake_sla_calendar_end_timestamp_seconds', %mail), undef,
       'and has no end');

    my %office = (source => 'mail', tier => 'office');

    is($m->value('intake_sla_calendar_open', %office), 0, 'closed');
    cmp_ok($m->value('intake_sla_calendar_end_timestamp_seconds', %office),
           '>', time() + 9 * 365 * 86400, 'its end');

    # the targets are bounds

    is($m->value('intake_sla_response_seconds_bucket', %mail,
                 clock => 'first', le => '5400.0'), 0, '90 minutes');
    is($m->value('intake_sla_response_seconds_bucket', %office,
                 clock => 'first', le => '600.0'), 0, '10 minutes');

    is($m->value('intake_spam_stream_entries', source => 'contact'), 0,
       'spam of a form');
    is($m->value('intake_spam_stream_entries', source => 'mail'), undef,
       'of nothing else');
    is($m->value('intake_sla_redis_up', source => $_), 1, "$_: up")
        for qw(mail plain contact);
    ok($t->wait_for(sub {
           my $at = metrics()->value('intake_sla_snapshot_timestamp_seconds');
           return abs($at - time()) < 3;
       }), 'when');

    # a group that is not there, or has another name than the one that is

    for my $group ('workers', 'a "group"') {
        is($m->value("intake_group_$_", source => 'mail', group => $group), 0,
           "$_: 0") for qw(exists pending_entries
                           oldest_pending_timestamp_seconds);
        is($m->value('intake_group_lag_entries', source => 'mail',
                     group => $group), undef, 'a lag that is not known');
    }

    is($t->get('/overdue?health')->status(), 200, 'nobody is overdue');
};


my $now = time();

subtest 'messages' => sub {
    is(message('met', 'customer', $now - 4000), 200, 'a question');
    is(message('met', 'team', $now - 3100), 200, 'answered after 15 minutes');
    is(message('late', 'customer', $now - 9000), 200, 'another');
    is(message('late', 'team', $now - 3600), 200, 'answered after 90');
    is(message('next', 'customer', $now - 8000), 200, 'a third');
    is(message('next', 'team', $now - 7000), 200, 'answered');
    is(message('next', 'customer', $now - 600), 200, 'goes on');
    is(message('ok', 'customer', $now - 300.25), 200, 'waits');
    is(message('risk', 'customer', $now - 1500), 200, 'at risk');
    is(message('over', 'customer', $now - 7200), 200, 'overdue');
    is(message('paused', 'customer', $now - 60), 200, 'to be paused');
    is(message('closed', 'customer', $now - 86400 * 2, tier => 'office'), 200,
       'of the other tier');

    is(message('night', 'customer', $now - 5000, tier => 'office'), 200,
       'another');
    is(message('night', 'team', $now - 1000), 200, 'answered while closed');

    my $r = $t->post('/replies', $codec->encode({
        source => 'mail', conversation => 'paused', kind => 'pause' }));

    is($r->status(), 200, 'paused');
    is($t->post('/contact', 'message=hello', ['Content-Type',
        'application/x-www-form-urlencoded', 'Accept', 'application/json'])
        ->status(), 200, 'a form');

    ok($t->wait_for(sub {
        ($redis->command('HGET', 'intake:{mail}:sla:m',
                         'breach:default:first') // 0) == 2;
    }), 'the sweep has been there');

    $redis->command('XGROUP', 'CREATE', 'intake:{mail}', 'workers', '0');
    $redis->command('XREADGROUP', 'GROUP', 'workers', 'one', 'COUNT', 3,
                    'STREAMS', 'intake:{mail}', '>');
};

settle();

subtest 'JSON' => sub {
    my $asked = time();
    my $doc = document('', '/detail');
    my $answered = time();
    my $mail = source($doc, 'mail');
    my $first = $mail->{tiers}[0]{clocks}{first};
    my $next = $mail->{tiers}[0]{clocks}{next};
    my $office = $mail->{tiers}[1]{clocks}{first};

    cmp_ok($doc->{snapshot}{revision}, '>', 0, 'revision');
    is("@$first{qw(waiting at_risk overdue paused)}", '4 1 1 1', 'first');
    is("@$next{qw(waiting at_risk overdue paused)}", '1 0 0 0', 'next');
    is($first->{oldest_waiting_since}, stamp($now - 7200), 'oldest');

    my $seen = $now - 7200 + $first->{oldest_waiting_seconds};

    cmp_ok($seen, '>', $asked - 5, 'its age');
    cmp_ok($seen, '<', $answered + 5, 'and no more');
    is($first->{oldest_waiting_business_seconds},
       $first->{oldest_waiting_seconds}, 'always open');
    is($first->{next_due}, stamp($now - 1500 + 1800), 'next due');
    is($next->{next_due}, stamp($now - 600 + 5400), 'of the other clock');
    is_deeply($first->{age}, { %ages, lt_30m => 3, '1h_4h' => 1 }, 'ages');

    is_deeply($first->{totals}, { %outcome, met => 2, breached => 2 },
              'totals');

    for my $name (qw(24h 7d 30d)) {
        my $window = $first->{windows}{$name};

        is($window->{attainment}, 0.5, "$name: attainment");
        is($window->{previous_attainment}, undef, 'the one before');
        is(sprintf('%.3f %.3f %.3f %.3f', @$window{qw(within_30m within_1h
           within_4h within_24h)}), '0.667 0.667 1.000 1.000', 'shares');

        # 900, 1000 and 5400 s: buckets up to 900, 1800 and 5400

        is($window->{p50_seconds}, 900 + 900 * 0.5, 'p50');
        is($window->{p90_seconds}, 3600 + 1800 * 0.7, 'p90');
        is($window->{"business_${_}_seconds"}, $window->{"${_}_seconds"},
           "$_ of a clock that always runs") for qw(p50 p90 p99);

        # one of 4000 s, of which the office was closed all the time

        $window = $office->{windows}{$name};

        is($window->{p50_seconds}, 3600 + 1800 * 0.5, 'p50 on the wall');
        is($window->{business_p50_seconds}, 60 * 0.5, 'p50 of the business');
        cmp_ok(abs($window->{business_p99_seconds} - 60 * 0.99), '<', 1e-6,
               'p99, too');
    }

    is("@$office{qw(waiting at_risk overdue)}", '1 0 0', 'while closed');
    is($office->{oldest_waiting_seconds} > 86400, 1, 'waits for long');
    is_deeply($office->{age}, { %ages, ge_24h => 1 }, 'the last band');

    is($mail->{events}{inbound}, 10, 'events');
    is($mail->{events}{outbound}, 4, 'and replies');
    is($mail->{events}{pause}, 1, 'and pauses');
    is($mail->{stream}{entries}, 14, 'entries');
    cmp_ok($mail->{stream}{escalations}, '>=', 3, 'escalations');

    my ($group, $none) = @{$mail->{stream}{groups}};

    is($group->{lag}, 11, 'lag');
    is($group->{pending}, 3, 'pending');
    cmp_ok($group->{oldest_pending}, 'ge', stamp($now - 5), 'the oldest');
    is($none->{pending}, undef, 'a group that is not there');

    my %open = map { ($_->{waiting_since} => $_) } @{$mail->{conversations}};
    my $open = sub {
        my ($at) = @_;
        my $c = $open{stamp($now - $at)} or return fail("$at s ago");

        delete $open{stamp($now - $at)};
        like($c->{ref}, qr/^[0-9a-f]{16}$/, "$at s ago: ref");
        return $c;
    };

    is(keys %open, 6, 'six wait');

    my $c = $open->(7200);
    is($c->{state}, 'overdue', 'overdue');
    is($c->{due}, stamp($now - 5400), 'was due');
    is($c->{exhausted_at}, stamp($now - 5400), 'at the same time');
    cmp_ok(abs($c->{overdue_business_seconds} - 5400), '<', 10, 'for');

    $c = $open->(1500);
    is("$c->{state} $c->{tier} $c->{clock}", 'at_risk default first',
       'at risk');
    is($c->{due}, stamp($now + 300), 'its deadline');
    is($c->{overdue_business_seconds}, 0, 'not overdue');

    $c = $open->(300.25);
    is("$c->{state} $c->{due}", 'ok ' . stamp($now - 300.25 + 1800), 'ok');

    $c = $open->(600);
    is("$c->{state} $c->{clock}", 'ok next', 'the next clock');

    $c = $open->(60);
    is($c->{state}, 'paused', 'paused');
    is($c->{due}, undef, 'without a deadline');
    is($c->{exhausted_at}, undef, 'at all');

    $c = $open->(86400 * 2);
    is("$c->{state} $c->{tier}", 'ok office', 'of the other tier');

    is(keys %{{ map { $_->{ref} => 1 } @{$mail->{conversations}} }}, 6,
       'refs are different');
    unlike($t->get('/detail?format=json')->body(), qr/risk-|"over"|s3cret/,
           'no id is shown');

    ok(!exists source(document(), 'mail')->{conversations},
       'none without detail=on');
    is(source($doc, 'contact')->{tiers}[0]{clocks}{first}{waiting}, 1,
       'a form waits, too');
};


subtest 'metrics' => sub {
    my $m = both_formats();
    my $is = sub {
        my ($name, $expected, %labels) = @_;
        is($m->value("intake_$name", source => 'mail', %labels), $expected,
           join ' ', $name, map { "$_=$labels{$_}" } sort keys %labels);
    };
    my %first = (tier => 'default', clock => 'first');
    my %next = (tier => 'default', clock => 'next');
    my %office = (tier => 'office', clock => 'first');

    $is->('sla_met_total', 2, %first);
    $is->('sla_breaches_total', 2, %first);
    $is->('sla_waiting_conversations', 3, %first, age => 'lt_30m');
    $is->('sla_waiting_conversations', 1, %first, age => '1h_4h');
    $is->('sla_waiting_conversations', 1, %next, age => 'lt_30m');
    $is->('sla_waiting_conversations', 1, %office, age => 'ge_24h');
    $is->('sla_at_risk_conversations', 1, %first);
    $is->('sla_overdue_conversations', 1, %first);

    my %at_most = map { $_ => 0 } @les;

    for my $waited (900, 1000, 5400) {
        $at_most{$_}++ for grep { $_ eq '+Inf' || $waited <= $_ } @les;
    }

    for my $name (qw(response_seconds response_business_seconds)) {
        $is->("sla_${name}_bucket", $at_most{$_}, %first, le => $_) for @les;
        $is->("sla_${name}_count", 3, %first);
        is(0 + $m->value("intake_sla_${name}_sum", source => 'mail', %first),
           7300, "$name: sum");
    }

    for (['oldest_waiting', $now - 7200, %first],
         ['oldest_waiting', $now - 600, %next],
         ['next_due', $now + 300, %first], ['next_due', $now + 4800, %next])
    {
        my ($name, $time, %lane) = @$_;
        my $value = $m->value("intake_sla_${name}_timestamp_seconds",
                              source => 'mail', %lane);

        cmp_ok(abs($value - $time), '<', 0.002, "$name $lane{clock}");
    }

    $is->('sla_events_total', 10, kind => 'inbound');
    $is->('sla_events_total', 1, kind => 'pause');
    $is->('stream_entries', 14);
    $is->('group_lag_entries', 11, group => 'workers');
    $is->('group_pending_entries', 3, group => 'workers');
    $is->('group_exists', 1, group => 'workers');
    $is->('group_exists', 0, group => 'a "group"');
    $is->('group_pending_entries', 0, group => 'a "group"');

    cmp_ok(abs($m->value('intake_group_oldest_pending_timestamp_seconds',
                         source => 'mail', group => 'workers') - $now), '<',
           30, 'the oldest of them');

    for my $source (qw(mail contact)) {
        my $swept = $m->value('intake_sla_last_sweep_timestamp_seconds',
                              source => $source);

        cmp_ok(abs($swept - time()), '<', 70, "$source: swept");
    }

    is($m->value('intake_sla_last_sweep_timestamp_seconds',
                 source => 'plain'), undef, 'where there are clocks');

    my $r = $t->get('/overdue?health');

    is($r->status(), 503, 'somebody is overdue');
    is($r->json()->{code}, 'OVERDUE', 'the code says so');
    is($t->get('/overdue?health&source=contact')->status(), 200,
       'not of this source');
    is($t->get('/status?health')->status(), 200, 'where nobody asks for it');
};


subtest 'metrics by scope' => sub {
    my %all = metrics()->series();
    my %global = metrics('&scope=global')->series();
    my %node = metrics('&scope=node')->series();

    is_deeply([sort keys %all], [sort keys %global, keys %node],
              'each is in one of the two');
    ok($global{'intake_sla_redis_up|source=mail'}, 'of all nodes');
    ok($node{'intake_sla_last_sweep_timestamp_seconds|source=mail'},
       'of this node');
    ok(!grep({ /^intake_(?:requests|redis|start|build)/ } keys %global),
       'none of this node');

    metrics('&scope=global', openmetrics => 1);
    metrics('&scope=node', openmetrics => 1);
};


subtest 'scope' => sub {
    my $global = document('&scope=global');
    my $node = document('&scope=node');

    ok(!exists $global->{node}, 'global: no node');
    ok(!exists source($global, 'mail')->{requests}, 'nor its counters');
    is(source($global, 'mail')->{anomalies}{duplicate}, 0, 'anomalies');
    ok(!exists source($global, 'mail')->{anomalies}{unparsed},
       'of the clocks alone');
    ok(source($global, 'mail')->{tiers}, 'clocks');

    ok($node->{node}, 'node');
    ok(!exists $node->{snapshot}, 'no snapshot');
    ok(!exists source($node, 'mail')->{$_}, "nor $_")
        for qw(tiers stream events conversations redis_up);
    is_deeply([sort keys %{source($node, 'mail')->{anomalies}}],
              [qw(id_reused messages_left_out unknown_outcome unparsed)],
              'own anomalies');
};


# By its ref nobody finds out who somebody is, also where there is no secret.

sub refs {
    my ($node, $name) = @_;
    my $doc = $node->get('/detail?format=json')->json();

    return [sort map { $_->{ref} } @{source($doc, $name)->{conversations}}];
}


sub refs_with {
    my ($name, $key) = @_;
    my $stream = "intake:{$name}";
    my @members = map { @{$redis->command('ZRANGE', "$stream:sla:wait:$_", 0,
                                          -1)} }
                  qw(default:first default:next office:first office:next);

    return [sort map { substr sha256_hex("ref:$stream\n$key$_"), 0, 16 }
                     @members];
}


subtest 'refs' => sub {
    my %key = map { $_ => $redis->command('HGET', "intake:{$_}:sla:m", 'key') }
              qw(mail contact);

    like($key{$_}, qr/^[0-9a-f]{32}$/, "$_: a key") for keys %key;
    isnt($key{mail}, $key{contact}, 'each its own');
    is_deeply(refs($t, $_), refs_with($_, $key{$_}), "$_: refs")
        for sort keys %key;

    # another node, another secret

    my $node = Intake::Test->new();
    my $url = $redis->url();

    $node->write_file('token', "another\n", 0600);
    $node->write_file_expand('nginx.conf', $conf =~ s/%%REDIS%%/$url/r
                                                 =~ s/s3cret/s3cond/gr);
    $node->run();
    ok($node->wait_for(sub { $node->get('/status?health')->status() == 200 }),
       'another node');
    is_deeply(refs($node, $_), refs($t, $_), "$_: is of one mind")
        for sort keys %key;
    $node->shut_down();
    Intake::Test::Checks::report($node);

    # until there is one in Redis, and when it is lost

    $redis->command('HDEL', 'intake:{contact}:sla:m', 'key');
    settle();

    my $refs = refs($t, 'contact');

    is(@$refs, 1, 'without one, the list is there');
    isnt($refs->[0], refs_with('contact', '')->[0], 'and is keyed, too');
    ok($t->wait_for(sub { $redis->command('HGET', 'intake:{contact}:sla:m',
                                          'key') }), 'another is made');
    settle();
    is_deeply(refs($t, 'contact'), refs_with('contact',
        $redis->command('HGET', 'intake:{contact}:sla:m', 'key')),
        'which is used');
};


# A server that knows less takes over: not one counter goes back.

subtest 'after a fail-over' => sub {
    my @sum = ('intake:{mail}:sla:m', 'hw:default:first:sum');
    my @met = ('intake:{mail}:sla:m', 'met:default:first');
    my $shown = sub {
        my $m = metrics();
        my $doc = document();

        return [$m->value('intake_sla_met_total', source => 'mail',
                          tier => 'default', clock => 'first'),
                $m->value('intake_sla_response_seconds_sum', source => 'mail',
                          tier => 'default', clock => 'first') + 0,
                $doc->{snapshot}{stale} ? 'held' : 'shown'];
    };

    is_deeply($shown->(), [2, 7300, 'shown'], 'before');

    # an answer that took five hours comes after what is gone

    $redis->command('HINCRBY', @met, -1);
    $redis->command('HINCRBY', @sum, 18000000);
    settle();
    is_deeply($shown->(), [2, 7300, 'held'], 'what was shown is held');

    # not who waits

    for (['pause', '1 0 2', 200], ['resume', '1 1 1', 503]) {
        my ($kind, $waiting, $health) = @$_;

        $t->post('/replies', qq({"source":"mail","conversation":"over",)
                             . qq("kind":"$kind"}));
        settle();

        my $doc = document('&source=mail', '/detail');
        my $lane = source($doc, 'mail')->{tiers}[0]{clocks}{first};

        is($doc->{snapshot}{stale}, JSON::PP::true, 'while that is held');
        is("@$lane{qw(at_risk overdue paused)}", $waiting, "$kind is shown");
        is(scalar(grep { $_->{state} eq 'overdue' }
                  @{source($doc, 'mail')->{conversations}}),
           $kind eq 'resume' ? 1 : 0, 'in the list, too');
        is($t->get('/overdue?health')->status(), $health, 'and asked for');
    }

    is_deeply($shown->(), [2, 7300, 'held'], 'what was shown is still held');

    $redis->command('HINCRBY', @met, 1);
    settle();
    is_deeply($shown->(), [2, 25300, 'shown'], 'until it is passed');
};


# Redis goes: what was read is shown for a while, then left out; then it is
# back

subtest 'without Redis' => sub {
    my $left_out = qr/^intake_(?!sla_(?:target|objective|calendar|redis_up
                               |snapshot|last))(?:sla|stream|spam_stream
                               |escalation|group)_/x;
    my %before = metrics()->series();

    $redis->kill();

    ok($t->wait_for(sub { $t->get('/status?health')->status() == 503 }),
       'Redis is gone');
    is($t->get('/overdue?health')->json()->{code}, 'STORE_UNAVAILABLE',
       'first things first');
    ok($t->wait_for(sub {
        my $doc = $t->get('/status?format=json')->json();
        $doc->{snapshot}{stale} && !source($doc, 'mail')->{redis_up};
    }), 'stale');

    my $m = metrics();

    is($m->value('intake_sla_redis_up', source => 'mail'), 0, 'not up');
    is($m->value('intake_stream_entries', source => 'mail'), 14,
       'shown for a while');
    is(scalar @{[grep { /$left_out/ } keys %{{$m->series()}}]},
       scalar @{[grep { /$left_out/ } keys %before]}, 'all of it');

    if ($movable) {
        my $at = $m->value('intake_sla_snapshot_timestamp_seconds');

        $t->{clock}->advance(20);

        my $none = sub {
            $m = both_formats();
            return [grep { /$left_out/ } keys %{{$m->series()}}];
        };

        ok($t->wait_for(sub {
            !defined source($t->get('/status?format=json')->json(), 'mail')
                ->{tiers};
        }), 'then it is too old');
        is_deeply($none->(), [], 'and left out');
        is($m->value('intake_sla_redis_up', source => 'mail'), 0, 'not up');
        is($m->value('intake_sla_snapshot_timestamp_seconds'), $at, 'when');
        is($m->value('intake_sla_target_seconds', source => 'mail',
                     tier => 'default', clock => 'first'), 1800,
           'the configuration is known');

        my $doc = document('', '/detail');
        my $mail = source($doc, 'mail');

        is($doc->{snapshot}{stale}, JSON::PP::true, 'stale');
        cmp_ok($doc->{snapshot}{age_ms}, '>', 15000, 'for long');
        is($mail->{$_}, undef, "$_: null")
            for qw(tiers events conversations conversations_left_out
                   stream);
        is_deeply([sort keys %{$mail->{anomalies}}],
                  [qw(id_reused messages_left_out unknown_outcome unparsed)],
                  'own anomalies');
    }

    $redis->start();
    ok($t->wait_for(sub {
        ($t->get('/status?format=json')->json()->{snapshot} || {})->{stale}
            == 0;
    }), 'back');
};


subtest 'with a spool' => sub {
    $t->write_file_expand('nginx.conf', $conf =~ s/(?=include)/
        'intake_spool ' . $t->path('spool') . ";\n    "/er);
    ok($t->reload(), 'configured');
    ok($t->wait_for(sub {
        $t->get('/status?format=json')->json()->{node}{spool} }), 'shown');

    my $spool = document('&scope=node')->{node}{spool};

    is("$spool->{files} " . ($spool->{oldest} // 'none'), '0 none', 'empty');

    $redis->kill();
    ok($t->wait_for(sub {
        !$t->get('/status?format=json')->json()->{node}{redis}{up} }),
       'Redis is away');
    is(message('spooled', 'customer', $now), 200, 'spooled');

    ok($t->wait_for(sub { document()->{node}{spool}{files} == 1 }), 'a file');
    cmp_ok(document('', '/detail')->{node}{spool}{oldest}, 'ge',
           stamp($now), 'since when');

    $redis->start();
    ok($t->wait_for(sub { document()->{node}{spool}{replayed} == 1 }),
       'replayed');
};


$t->finish();
