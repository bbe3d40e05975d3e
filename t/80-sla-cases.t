#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Numeric cases of the response clocks through a running nginx, whose clock is
# libfaketime's: customers write by a signed webhook, answers come by it and,
# the case played again, by intake_replies; what came of it is read from the
# status endpoint.
#
# A case has the fields of t/data/sla/cases.json: the hours of a calendar, and
# events in the order in which they came in.  Those of the folder that
# INTAKE_VECTORS names are played too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;
use Time::Local qw(timegm);

use Intake::Desk;
use Intake::File;
use Intake::RedisMonitor;
use Intake::Test;


plan(skip_all => 'libfaketime and the sanitizers do not go together')
    if Intake::Test->new()->has('-fsanitize');

my $json = JSON::PP->new->utf8->canonical;

my @cases;

for my $path ("$FindBin::Bin/data/sla/cases.json",
              $ENV{INTAKE_VECTORS} ? "$ENV{INTAKE_VECTORS}/sla/cases.json"
                                   : ())
{
    next unless -e $path;
    push @cases, @{$json->decode(Intake::File::slurp($path))};
}


sub seconds {
    my ($text) = @_;
    my ($y, $m, $d, $h, $min, $s, $sign, $oh, $om)
        = $text =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.0+)?
                    (?:Z|([+-])(\d+):(\d+))$/x
        or die "no time: $text";
    my $offset = $sign ? "${sign}1" * ($oh * 3600 + $om * 60) : 0;

    return timegm($s, $min, $h, $d, $m - 1, $y) - $offset;
}


sub stamp {
    my ($seconds, $format) = @_;
    my @t = gmtime $seconds;

    return sprintf $format // '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900,
                   $t[4] + 1, @t[3, 2, 1, 0];
}


sub arrival { seconds($_[0]{recv} // $_[0]{t}) }


# Configuration.

sub calendar {
    my ($case, $name) = @_;
    my $text = "intake_calendar $name {\ntimezone $case->{timezone};\n";

    for ([hours => 'hours'], [staffed_hours => 'staffed']) {
        my ($from, $word) = @$_;
        my $week = $case->{$from} || {};

        $text .= "$word $_ " . times_of($week->{$_}) . ";\n"
            for grep { @{$week->{$_}} } sort keys %$week;
    }

    $text .= "closed $_;\n" for @{$case->{holidays}};
    $text .= "open $_ " . times_of($case->{shifts}{$_}) . ";\n"
        for sort keys %{$case->{shifts} || {}};

    for my $date (sort keys %{$case->{breaks} || {}}) {
        $text .= "closed $date $_->[0]-$_->[1];\n"
            for @{$case->{breaks}{$date}};
    }

    $text .= "weekend_weight $case->{weekend_weight};\n"
        if defined $case->{weekend_weight};

    return "$text}\n";
}


sub times_of { join ' ', map { "$_->[0]-$_->[1]" } @{$_[0]} }


sub source {
    my ($case, $name) = @_;
    my $sla = 'sla first=' . $case->{target_minutes} * 60
              . "s calendar=$name forget=1000d";

    $sla .= " out_of_hours=$case->{out_of_hours_extra_minutes}m"
        if $case->{out_of_hours_extra_minutes};
    $sla .= " skew=$case->{max_skew_seconds}s"
        if $case->{max_skew_seconds};

    return "intake_source $name { platform desk; secret s3cret; $sla; }\n";
}


my $main = <<'EOC';
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server          %%REDIS%%;
        timeout         20s;
        max_clock_skew  off;
    }

    include %%DESK%%;

    include  sources.conf;

    server {
        listen  127.0.0.1:%%PORT_0%%;

        include  locations.conf;

        location = /replies { intake_replies token=t0ken; }
        location = /status { intake_status detail=on; }
    }
}
EOC


# Plays the events of a case on a source.

sub play {
    my ($t, $monitor, $case, $name, $echo) = @_;
    my ($n, $answered, %got) = (0, 0);

    for my $event (@{$case->{events}}) {
        my $at = arrival($event);
        my $te = seconds($event->{t});

        $t->set_time(stamp($at, '%04d-%02d-%02d %02d:%02d:%02d'));

        # an answer that is ahead of us is not taken of replies, and what was
        # overtaken by its answer has no deadline that the status could show

        my $by_webhook = $event->{kind} eq 'inbound' ? $te > $answered
                         : $event->{kind} eq 'outbound' && ($echo || $te > $at);

        $answered = $te if $event->{kind} eq 'outbound' && $te > $answered;

        if ($event->{kind} eq 'eval') {
            $monitor->sweep($name, $at);

        } elsif ($by_webhook) {
            deliver($t, $name, $event, $te, ++$n);

        } else {
            my $answer = reply($t, $name, $event, $te, ++$n);

            $got{due} = seconds($answer->{due}) if defined $answer->{due};
            $got{business} //= $answer->{business_seconds};
        }

        look($t, $name, \%got, $at);
    }

    return \%got;
}


sub deliver {
    my ($t, $name, $event, $te, $n) = @_;

    my $r = desk_message($t, "/$name", {
        id => $event->{id} // "e$n", thread => $event->{conv} // 'c',
        from => $event->{kind} eq 'inbound' ? 'customer' : 'desk',
        at => stamp($te) });

    is($r->status(), 200, "$name: a delivery") if $r->status() != 200;
}


sub reply {
    my ($t, $name, $event, $te, $n) = @_;
    my %kinds = (inbound => 'message', outbound => 'reply');

    my $body = $json->encode({
        source => $name, conversation => $event->{conv} // 'c',
        kind => $kinds{$event->{kind}} // $event->{kind}, at => stamp($te),
        id => $event->{id} // "e$n",
        $event->{into} ? (into => $event->{into}) : () });

    my $r = $t->post('/replies', $body, ['Authorization', 'Bearer t0ken']);

    is($r->status(), 200, "$name: $body") if $r->status() != 200
        && $r->body() !~ /UNKNOWN_CONVERSATION/;

    return $json->decode($r->body());
}


# What the status endpoint says: the deadline of whoever waits, and what has
# been counted.  A deadline is that of the wait that began last.  It is read
# once a second, so each look has a time of its own, and nothing is due at it
# that was not at the last one.

my $looks = 0;

sub look {
    my ($t, $name, $got, $at) = @_;

    $t->set_time(stamp($at - 7 * (++$looks % 50),
                       '%04d-%02d-%02d %02d:%02d:%02d'));

    my $r = $t->get("/status?format=json&source=$name");
    my ($source) = @{$json->decode($r->body())->{sources}};
    my ($open) = sort { $b->{waiting_since} cmp $a->{waiting_since} }
                 @{$source->{conversations}};

    if ($open) {
        $got->{due} = defined $open->{due} ? seconds($open->{due}) : undef;
        $got->{exhausted} = $open->{exhausted_at};
    }

    my @totals = map { $_->{totals} } @{$source->{tiers}[0]{clocks}}{qw(first
                                                                        next)};

    $got->{breaches} = 0;
    $got->{breaches} += $_->{breached} - $_->{retracted} for @totals;
}


# Seconds of the business clock, of first answers; undef if there was none.

sub business_sum {
    my ($t, $name) = @_;
    my $metrics = $t->get("/status?format=prometheus&source=$name")->body();

    my ($sum, $count) = map {
        $metrics =~ /^intake_sla_response_business_seconds_$_\{
                      source="$name",tier="default",clock="first"\}
                      \ (\S+)$/mx ? $1 : undef } qw(sum count);

    return $count ? $sum : undef;
}


sub compare {
    my ($case, $got, $name) = @_;
    my $expect = $case->{expect};
    my $minutes = $expect->{first_response_business_minutes};

    my %expected = (
        due => defined $expect->{due} ? seconds($expect->{due}) : undef,
        minutes => defined $minutes ? sprintf('%.4f', $minutes) : undef,
        breached => $expect->{breached} ? 1 : 0);

    my %found = (
        due => $got->{due}, breached => $got->{breaches} ? 1 : 0,
        minutes => defined $got->{business}
                   ? sprintf('%.4f', $got->{business} / 60) : undef);

    # a target of nothing is exhausted where it began

    if (defined $got->{exhausted} && $expected{due}
        && ($case->{target_minutes} || $expect->{exhausted_at}))
    {
        $expected{exhausted} = seconds($expect->{exhausted_at}
                                       // $expect->{due});
        $found{exhausted} = seconds($got->{exhausted});
    }

    is_deeply(\%found, \%expected, "$name: $case->{name}"
                                   . ($case->{echo} ? ', by echoes' : ''))
        or diag explain [\%found, \%expected];
}


# All cases of one nginx, the earliest first.

sub run_cases {
    my (@chunk) = @_;
    my $t = Intake::Test->new();
    my $redis = $t->redis();
    my $n = 0;

    @chunk = sort { arrival($a->{events}[0]) <=> arrival($b->{events}[0]) }
             @chunk;

    my %named = map { 's' . ++$n => $_ } @chunk;
    my @names = map { "s$_" } 1 .. $n;

    $t->write_file('sources.conf', join '', map {
        calendar($named{$_}, $_) . source($named{$_}, $_) } @names);
    $t->write_file('locations.conf', join '', map {
        "location = /$_ { intake $_; }\n" } @names);
    $t->write_file_expand('nginx.conf', $main);

    my $monitor = Intake::RedisMonitor->new($redis);

    # calendars are known for ten years from the start on

    $t->run(faketime => stamp(arrival($chunk[-1]{events}[-1]),
                              '%04d-%02d-%02d %02d:%02d:%02d'));

    for my $name (@names) {
        my $case = $named{$name};
        my $got = play($t, $monitor, $case, $name, $case->{echo});

        $got->{business} //= business_sum($t, $name)
            if grep { $_->{kind} eq 'outbound' } @{$case->{events}};
        compare($case, $got, $name);
    }

    $t->shut_down();

    my @found = Intake::Test::Checks::unexpected($t, qr/\[(?:error|alert)\]/);

    is("@found", '', 'no errors');
}


cmp_ok(scalar @cases, '>=', 8, scalar(@cases) . ' cases');

# A case is played once by an nginx, since its times are the same again.

my @echoes = map { { %$_, echo => 1 } }
             grep { grep { $_->{kind} eq 'outbound' } @{$_->{events}} } @cases;

for my $list (\@cases, \@echoes) {
    run_cases(splice @$list, 0, 48) while @$list;
}

done_testing();
