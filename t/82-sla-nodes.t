#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The response clocks on more than one node: what is found is counted and told
# once, whoever is killed meanwhile; calendars that change; nights; and what
# tier, escalate, out_of_hours, weekend_weight, skew and forget do.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

use Intake::Desk qw(desk_message stamp);
use Intake::RedisMonitor;
use Intake::Sign;
use Intake::Test;


my $json = JSON::PP->new->utf8->canonical;
my $sanitized = Intake::Test->new()->has('-fsanitize');

my $main = <<'EOC';
%%TEST_GLOBALS%%

worker_processes 2;

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server          REDIS;
        timeout         20s;
        max_clock_skew  SKEW;
    }

    include %%DESK%%;

    include  sla.conf;

    server {
        listen  127.0.0.1:%%PORT_0%%;

        location = /a { intake a; }
        location = /replies { intake_replies token=t0ken; }
        location = /status { intake_status detail=on; }
    }
}
EOC


# Nodes.  The first has the Redis.

sub node {
    my ($sla, $redis, %opt) = @_;
    my $t = Intake::Test->new();
    my $server = $redis ? $redis->url() : '%%REDIS%%';
    my $skew = $opt{skew} // 'off';

    $t->redis(%{$opt{redis} || {}}) unless $redis;
    configure($t, $sla);
    $t->write_file_expand('nginx.conf', $main =~ s/REDIS/$server/r
                                              =~ s/SKEW/$skew/r);
    $t->run($opt{time} ? (faketime => $opt{time}) : ())
        unless $opt{stopped};

    return $t;
}


sub configure {
    my ($t, $sla) = @_;

    $t->write_file('sla.conf', $sla =~ s/SOURCE/intake_source a {
        platform desk; secret s3cret;/r);
}


sub clock {
    my ($text, @nodes) = @_;

    $_->set_time($text) for @nodes;
}


sub seconds {
    my ($y, $m, $d, $h, $min, $s)
        = $_[0] =~ /^(\d+)-(\d+)-(\d+)[T ](\d+):(\d+):(\d+)/;

    return timegm($s, $min, $h, $d, $m - 1, $y);
}


sub message {
    my ($t, $thread, $at, %opt) = @_;

    return desk_message($t, '/a',
        { id => $opt{id} // "m-$thread-$at", thread => $thread, at => $at,
          from => $opt{from} // 'customer' },
        $opt{tier} ? ('X-Tier', $opt{tier}) : ())->status();
}


sub reply {
    my ($t, %item) = @_;

    return $json->decode($t->post('/replies',
        $json->encode({ source => 'a', kind => 'reply', %item }),
        ['Authorization', 'Bearer t0ken'])->body());
}


# Each look has a time of its own: what is younger than a second is shown
# again.

my $looks = 0;

sub source_of {
    my ($t, $at) = @_;
    my $time = stamp(seconds($at) - 7 * (++$looks % 50));

    $t->set_time($time =~ s/T/ /r =~ s/Z//r);

    my $source = $t->get('/status?format=json&source=a')->json->{sources}[0];

    $t->set_time($at);

    return $source;
}


sub dues {
    my ($t, $at) = @_;

    return map { ($_->{due} // 'none') =~ s/\.\d+Z/Z/r }
           sort { $a->{waiting_since} cmp $b->{waiting_since} }
           @{source_of($t, $at)->{conversations}};
}


sub counter {
    my ($redis, $name) = @_;
    return $redis->command('HGET', 'intake:{a}:sla:m', $name) // 0;
}


sub told {
    my ($redis) = @_;
    return map { $_->{fields} } $redis->entries('intake:{a}:escalations');
}


sub tally {
    my %n;

    $n{"$_->{event} $_->{conversation}" . ($_->{name} ? " $_->{name}" : '')}++
        for @_;

    return \%n;
}


# All nodes have swept at a time, after which nothing is left to be told.

sub swept {
    my ($monitor, $at, @nodes) = @_;

    my @times = map { seconds($at) + $_ } 0 .. $#nodes;

    for my $i (0 .. $#nodes) {
        clock(stamp($times[$i]) =~ s/T/ /r =~ s/Z//r, $nodes[$i]);
    }

    $monitor->sweep('a', @times);
}


sub finish {
    my (@nodes) = @_;

    $_->shut_down() for reverse @nodes;
    Intake::Test::Checks::report($_) for @nodes;
}


my $steps = 'SOURCE
    sla first=30m next=1h at_risk=50%;
    escalate after=1h name=manager;
    escalate after=2h name=head;
}';


sub two_nodes {
    my $one = node($steps, undef, time => '2025-03-03 10:00:00');
    my $redis = $one->redis();
    my $two = node($steps, $redis, time => '2025-03-03 10:00:00');
    my $monitor = Intake::RedisMonitor->new($redis);
    my @threads = map { "c$_" } 1 .. 30;

    message($_ % 2 ? $one : $two, $threads[$_], '2025-03-03T10:00:00Z')
        for 0 .. $#threads;

    my %expected;

    for (['10:15:00', 'at_risk'], ['10:29:50'], ['10:30:05', 'breach'],
         ['11:00:05', 'escalate', 'manager'], ['12:30:00', 'escalate', 'head'],
         ['18:00:00'])
    {
        my ($at, $event, $name) = @$_;

        swept($monitor, "2025-03-03 $at", $one, $two);

        $event and $expected{"$event $_" . ($name ? " $name" : '')} = 1
            for @threads;
        is_deeply(tally(told($redis)), \%expected, "$at: each once");
    }

    is(counter($redis, 'breach:default:first'), 30, 'each is counted once');

    my %entry = (source => '/a', conversation => 'c1', tier => 'default',
                 clock => 'first', id => 'm-c1-2025-03-03T10:00:00Z',
                 since => '2025-03-03T10:00:00.000Z',
                 due => '2025-03-03T10:30:00.000000Z');

    for my $entry (grep { $_->{fields}{conversation} eq 'c1' }
                   $redis->entries('intake:{a}:escalations'))
    {
        my %fields = (%entry, event => $entry->{fields}{event});

        $fields{name} = $entry->{fields}{name}
            if $fields{event} eq 'escalate';
        is_deeply($entry->{fields}, \%fields, "fields of $fields{event}")
            or diag explain $entry;
        is_deeply($entry->{names}, [grep { exists $fields{$_} }
            qw(event source conversation tier clock id since due name)],
            'in this order');
    }

    # in time, but told late: taken back, once

    my $answer = reply($one, conversation => 'c1',
                       at => '2025-03-03T10:29:00Z');

    is($answer->{met}, JSON::PP::true, 'an answer in time that was late');
    swept($monitor, '2025-03-03 18:10:00', $one, $two);
    is_deeply([map { "$_->{event} $_->{conversation}" } (told($redis))[-1]],
              ['retracted c1'], 'is told');
    is(counter($redis, 'retract:default:first'), 1, 'and counted');

    # nobody is there while much becomes due

    message($one, 'night', '2025-03-03T18:10:00Z');
    $one->quit();
    $two->quit();

    my $before = told($redis);

    $one->run(faketime => '2025-03-03 21:00:00');
    $monitor->sweep('a', seconds('2025-03-03 21:00:00'));
    $one->wait_for(sub { told($redis) == $before + 4 });

    my @late = (told($redis))[$before .. $before + 3];

    is_deeply([map { $_->{event} . ($_->{name} // '') } @late],
              [qw(at_risk breach escalatemanager escalatehead)],
              'whoever comes back makes up for it');
    is_deeply([map { $_->{conversation} } @late], [('night') x 4],
              'for who waits');

    finish($one, $two);
}


sub wrong_clock {
    my $sla = 'SOURCE sla first=0; }';
    my $one = node($sla, undef, time => '+0', skew => '5s');
    my $redis = $one->redis();

    $one->set_time('+3600');
    ok($one->wait_for_log(qr/the clock of this node differs from that of Redis/,
                        40), 'a wrong clock is noticed');

    message($one, 'c', stamp(time() - 60));
    sleep 4.5;

    is(counter($redis, 'breach:default:first'), 0,
       'who has it counts nothing');
    is(scalar $one->error_log_lines(qr/differs from that of Redis/), 1,
       'says so once');

    $one->set_time('+0');
    ok($one->wait_for_log(qr/the clock of this node is right again/, 40),
       'until it is right');
    ok($one->wait_for(sub { counter($redis, 'breach:default:first') == 1 }),
       'then it counts');

    finish($one);
}


sub rules {
    my $office = 'intake_calendar office {
        timezone UTC; hours mon-fri 00:00-24:00; hours sat,sun 00:00-24:00;
        staffed mon-fri 09:00-17:00; weekend_weight 0.5;
    }
    ';

    my $one = node($office . 'SOURCE
        sla first=1h;
        sla tier=gold first=10m;
        sla tier=late first=1h out_of_hours=24h calendar=office skew=5m;
        sla tier=weekend first=24h calendar=office;
        tier $http_x_tier;
        escalate after=20m name=desk tier=gold;
    }', undef, time => '2025-03-07 18:00:00');
    my $redis = $one->redis();
    my $now = '2025-03-07 18:00:00';

    for (['gold', '2025-03-07T18:10:00Z'], ['silver', '2025-03-07T19:00:00Z'],
         [undef, '2025-03-07T19:00:00Z'],
         ['late', '2025-03-09T14:00:00Z', 'nobody was there'],
         ['weekend', '2025-03-09T12:00:00Z', 'half the pace at the weekend'])
    {
        my ($tier, $due, $why) = @$_;

        message($one, 'c', '2025-03-07T18:00:00Z', tier => $tier,
                id => 't' . ($tier // ''));
        is_deeply([dues($one, $now)], [$due],
                  join ': ', 'tier ' . ($tier // 'none'), $why // 'its own');
        reply($one, conversation => 'c', kind => 'close');
        $redis->command('FLUSHALL');
    }

    # times of senders

    message($one, 'ahead', '2025-03-07T18:01:00Z');
    message($one, 'wrong', '2025-03-07T18:30:00Z');
    message($one, 'past', '2025-03-07T17:00:00Z');
    message($one, 'unit', '1970-01-21T03:49:00Z');
    message($one, 'unit', '1970-01-21T03:50:00Z', from => 'desk');

    is_deeply([dues($one, $now)],
              ['2025-03-07T18:00:00Z', ('2025-03-07T19:00:00Z') x 2,
               '2025-03-07T19:01:00Z'],
              'a late delivery keeps its time, one from the future, or from '
              . 'longer ago than what is forgotten, has ours');
    is(counter($redis, 'an:clock_skew'), 2, 'which is counted');
    is(counter($redis, 'an:orphan_reply') || counter($redis, 'an:overtaken'),
       1, 'not so an answer from then, which answers nothing');
    reply($one, conversation => 'unit', kind => 'close');

    # copies and disorder

    my %from = (from => 'desk');

    message($one, 'past', '2025-03-07T17:00:00Z') for 1 .. 2;
    message($one, 'past', '2025-03-07T17:10:00Z', %from) for 1 .. 2;
    message($one, 'past', '2025-03-07T16:50:00Z', id => 'overtaken');
    reply($one, conversation => 'wrong', id => 'r1') for 1 .. 2;

    is_deeply([map { counter($redis, $_) } qw(met:default:first an:duplicate
                                              an:overtaken)],
              [2, 1, 1], 'copies and disorder change nothing')
        or diag explain {@{$redis->command('HGETALL', 'intake:{a}:sla:m')}};
    is_deeply([dues($one, $now)], ['2025-03-07T19:01:00Z'], 'one waits');

    finish($one);
}


sub forgets {
    my $sla = 'SOURCE sla first=30m forget=2h; }';
    my $one = node($sla, undef, time => '2025-03-03 10:00:00');
    my $redis = $one->redis();
    my $two = node($sla, $redis, time => '2025-03-03 10:00:00');
    my $monitor = Intake::RedisMonitor->new($redis);

    message($one, 'c', '2025-03-03T10:00:00Z');
    swept($monitor, '2025-03-03 11:59:50', $one, $two);
    is(counter($redis, 'closed:default:first'), 0, 'not yet');

    swept($monitor, '2025-03-03 12:00:10', $one, $two);
    swept($monitor, '2025-03-03 13:00:10', $one, $two);

    is_deeply([map { counter($redis, "$_:default:first") } qw(closed breach)],
              [1, 1], 'forgotten once, and it was late');
    is_deeply($redis->command('KEYS', 'intake:{a}:sla:[cworl][:aikt]*'), [],
              'nothing is left of it');

    # whom the evicted key of a conversation left behind

    message($one, 'gone', '2025-03-03T13:00:00Z');
    $redis->command('DEL',
                    @{$redis->command('KEYS', 'intake:{a}:sla:c:*')});
    swept($monitor, '2025-03-03 13:01:00', $one, $two);
    is($redis->command('ZCARD', 'intake:{a}:sla:wait:default:first'), 0,
       'an orphan is removed');

    finish($one, $two);
}


sub calendars {
    my $conf = sub {
        my ($more, $first) = @_;

        return "intake_calendar office {
            timezone UTC; hours mon-fri 09:00-17:00; $more }\n"
            . 'SOURCE sla first=' . ($first // '1h') . ' calendar=office; }';
    };

    my $one = node($conf->(''), undef, time => '2025-03-03 16:30:00');
    my $redis = $one->redis();
    my $two = node($conf->(''), $redis, time => '2025-03-03 16:30:00');
    my $monitor = Intake::RedisMonitor->new($redis);
    my $anew = qr/(\d+) open conversations were read anew/;
    my $at = '2025-03-03 16:30:00';

    message($one, "c$_", '2025-03-03T16:30:00Z') for 1 .. 80;
    is((dues($one, $at))[0], '2025-03-04T09:30:00Z', 'a deadline');
    $monitor->sweep('a', seconds($at));

    # the future: by itself

    configure($_, $conf->('closed 2025-03-04;')) for $one, $two;
    $_->reload() for $one, $two;
    swept($monitor, '2025-03-03 16:40:00', $one, $two);
    is((dues($one, '2025-03-03 16:40:00'))[0], '2025-03-05T09:30:00Z',
       'a holiday to come moves it');
    is(scalar $one->error_log_lines($anew) + $two->error_log_lines($anew), 0,
       'without a word');

    # the past: read anew, by one of them

    swept($monitor, '2025-03-05 08:00:00', $one, $two);
    configure($_, $conf->('closed 2025-03-04; closed 2025-03-03 16:40-17:00;'))
        for $one, $two;
    $_->reload() for $one, $two;
    ok($one->wait_for(sub { $one->error_log_lines($anew)
                          + $two->error_log_lines($anew) }),
       'an hour of the past');
    is((dues($one, '2025-03-05 08:10:00'))[0], '2025-03-05T09:50:00Z',
       'was none: who waits has more time');

    # other targets

    configure($_, $conf->('closed 2025-03-04; closed 2025-03-03 16:40-17:00;',
                          '2h')) for $one, $two;
    $_->reload() for $one, $two;
    $one->wait_for(sub { (dues($one, '2025-03-05 08:20:00'))[0]
                       eq '2025-03-05T10:50:00Z' });
    is_deeply([dues($one, '2025-03-05 08:20:00')],
              [('2025-03-05T10:50:00Z') x 80], 'another target');
    is(counter($redis, 'breach:default:first'), 0, 'nobody was late');

    # whoever began to read anew has gone: somebody else does it

    $redis->command('HSET', 'intake:{a}:sla:m', 'cal:default',
                    (seconds('2025-03-05 08:20:00') - 70) . '000:r'
                    . '0' x 15);

    my $lines = $one->error_log_lines($anew) + $two->error_log_lines($anew);

    clock('2025-03-05 08:25:00', $one, $two);
    ok($one->wait_for(sub { $one->error_log_lines($anew)
                          + $two->error_log_lines($anew) > $lines }),
       'what was not finished is begun anew');
    like($redis->command('HGET', 'intake:{a}:sla:m', 'cal:default'),
         qr/^\d+:[0-9a-f]{16}$/, 'and finished');

    finish($one, $two);
}


# Who waits in a tier that has been taken out of the configuration waits in the
# first one, by its target and calendar.

sub gone {
    my $office = 'intake_calendar office {
        timezone UTC; hours mon-fri 09:00-17:00; }
    ';
    my $one = node($office . 'SOURCE
        sla first=1h calendar=office;
        sla tier=gold first=10m;
        tier $http_x_tier;
    }', undef, time => '2025-03-03 10:00:00');
    my $redis = $one->redis();
    my $monitor = Intake::RedisMonitor->new($redis);

    message($one, 'c', '2025-03-03T10:00:00Z', tier => 'gold');
    message($one, 'd', '2025-03-03T10:00:00Z', tier => 'gold');
    is_deeply([dues($one, '2025-03-03 10:00:00')],
              [('2025-03-03T10:10:00Z') x 2], 'a tier');
    swept($monitor, '2025-03-03 10:01:00', $one);

    configure($one, $office . 'SOURCE sla first=1h calendar=office; }');
    $one->reload();
    swept($monitor, '2025-03-03 10:20:00', $one);
    message($one, 'd', '2025-03-03T10:20:00Z');

    ok($one->wait_for(sub { join(' ', dues($one, '2025-03-03 10:20:00'))
                          eq join ' ', ('2025-03-03T11:00:00Z') x 2 }),
       'that is gone: they wait in the first one')
        or diag join ' ', dues($one, '2025-03-03 10:20:00');

    swept($monitor, '2025-03-03 12:00:00', $one);
    $one->wait_for(sub { counter($redis, 'breach:default:first') == 2 });
    is(counter($redis, 'breach:default:first'), 2, 'and are late by it');
    is($redis->command('EXISTS', 'intake:{a}:sla:wait:gold:first'), 0,
       'nothing is left of it');
    is(counter($redis, 'cal:gold'), '', 'nor looked for any more');

    finish($one);
}


sub nights {
    my $one = node('intake_calendar office {
            timezone UTC; hours mon-fri 09:00-17:00; }
        SOURCE sla first=1h calendar=office; }', undef,
        time => '@2025-03-08 10:00:00');
    my $redis = $one->redis();

    message($one, 'c', '2025-03-07T16:50:00Z');
    $one->wait_for(sub { $redis->command('EXISTS', 'intake:{a}:sla:m')
        && $redis->command('HEXISTS', 'intake:{a}:sla:m', 'cal:default') });

    my $calls = sub {
        $redis->command('INFO', 'commandstats')
            =~ /cmdstat_evalsha:calls=(\d+)/ ? $1 : 0 };

    my $before = $calls->();

    sleep 7;
    cmp_ok($calls->() - $before, '<=', 1, 'a closed calendar asks nothing');

    $one->set_time('@2025-03-10 09:10:00');
    ok($one->wait_for(sub { $calls->() - $before >= 3 }), 'an open one does');

    finish($one);
}


# A node that is a few seconds behind counts in an hour, or a day, that is over
# for others: whichever worker reads it, they show it.

sub windows {
    my $one = node('SOURCE sla first=1h; }', undef,
                   time => '2025-03-03 23:40:00');
    my $redis = $one->redis();

    message($one, 'c', '2025-03-03T23:30:00Z');
    reply($one, conversation => 'c', at => '2025-03-03T23:35:00Z');

    my $met = sub {
        my ($from) = @_;
        my %met;

        # each look has its own second, and may be of either worker

        for my $second (0 .. 7) {
            my $at = stamp(seconds($from) + 2 * $second);

            $one->set_time($at =~ s/T/ /r =~ s/Z//r);

            my $doc = $one->get('/status?format=json')->json;
            my $windows = $doc->{sources}[0]{tiers}[0]{clocks}{first}{windows};

            $met{join ' ', map { $windows->{$_}{met} } qw(24h 7d 30d)} = 1;
        }

        return [sort keys %met];
    };

    is_deeply($met->('2025-03-04 00:00:01'), ['1 1 1'], 'a day is over');

    $redis->command('HINCRBY', "intake:{a}:sla:d:2025-03-03$_",
                    'met:default:first', 3) for '', ':23';

    is_deeply($met->('2025-03-04 00:00:21'), ['4 4 4'],
              'what came into it later is seen');

    $redis->command('HINCRBY', "intake:{a}:sla:d:2025-03-03$_",
                    'met:default:first', 1) for '', ':23';

    is_deeply($met->('2025-03-04 00:01:00'), ['5 5 5'], 'a minute later, too');
    is_deeply($met->('2025-03-04 00:03:00'), ['5 5 5'], 'it stays');

    finish($one);
}


# Whatever is killed at whatever moment: everybody whose message was taken is
# late once.

sub crowds {
    my $one = node('intake_platform crowd {
        algorithm hmac-sha256; signature header:X-Signature;
        signed "$body"; dedupe window=1h key=body;
        message inbound each=json:messages.* conversation=@.from id=@.id;
    }
    intake_source a { platform crowd; secret s3cret; sla first=1h; }');

    for my $n (1000, 1001) {
        my $body = $json->encode({ messages => [
            map { { from => "$n-$_", id => "$n-$_" } } 1 .. $n ] });

        is($one->post('/a', $body, ['X-Signature',
               Intake::Sign::hmac('sha256', 'hex', 's3cret', $body)])
               ->status(), 200, "$n messages");
    }

    is(counter($one->redis(), 'ev:inbound'), 2000, 'the first thousand');

    my $source = $one->get('/status?format=json&source=a')
                     ->json->{sources}[0];

    is($source->{anomalies}{messages_left_out}, 1, 'which is counted');
    is($source->{tiers}[0]{clocks}{first}{waiting}, 2000, 'who waits');
    is(() = $one->log() =~ /more than 1000 messages/g, 1,
       'and logged');

    finish($one);
}


sub kills {
    my $sla = 'SOURCE sla first=1s at_risk=50%; escalate after=2s name=x; }';
    my $one = node($sla, undef, skew => '5s', redis => { options => {
        appendonly => 'yes', appendfsync => 'always' } });
    my $redis = $one->redis();
    my $two = node($sla, $redis, skew => '5s');
    my @nodes = ($one, $two);
    my (%taken, %sent, $n);

    for my $round (1 .. 12) {
        for (1 .. 8) {
            my $thread = 'k' . ++$n;

            $sent{$thread} = stamp(time());
            $taken{$thread} = 1
                if send_to($nodes[$n % 2], $thread, $sent{$thread}) == 200;
        }

        if ($round % 4 == 0) {
            $redis->kill();
            $redis->start();

        } else {
            my $node = $nodes[$round % 2];
            my @workers = sort $node->worker_pids();

            $node->kill_worker($workers[$round % @workers]);
        }

        sleep rand 1;
    }

    # senders try again

    for my $thread (grep { !$taken{$_} } keys %sent) {
        ok($one->wait_for(sub {
            send_to($one, $thread, $sent{$thread}) == 200 }),
           "$thread: at last");
    }

    my $late = sub { tally(told($redis)) };

    ok($one->wait_for(sub {
        (grep { /escalate/ } keys %{$late->()}) == $n }, 30),
       'everybody was late');

    my %expected = map { ("at_risk $_" => 1, "breach $_" => 1,
                          "escalate $_ x" => 1) } keys %sent;

    is_deeply($late->(), \%expected, 'and is told once') or diag explain
        { map { $_ => $late->()->{$_} } grep { $late->()->{$_} != 1 }
              keys %{$late->()} };
    is(counter($redis, 'breach:default:first'), $n, 'and is counted once');

    $_->expect_log(qr/exited on signal 9/) for @nodes;
    finish(@nodes);
}


sub send_to {
    return eval { message(@_) } // 0;
}


if (!$sanitized) {
    subtest 'two nodes' => sub { two_nodes(); done_testing() };
    subtest 'a wrong clock' => sub { wrong_clock(); done_testing() };
    subtest 'rules' => sub { rules(); done_testing() };
    subtest 'forgotten' => sub { forgets(); done_testing() };
    subtest 'calendars' => sub { calendars(); done_testing() };
    subtest 'tiers that are gone' => sub { gone(); done_testing() };
    subtest 'nights' => sub { nights(); done_testing() };
    subtest 'windows' => sub { windows(); done_testing() };
}

subtest 'crowds' => sub { crowds(); done_testing() };
subtest 'kills' => sub { kills(); done_testing() };

done_testing();
