#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# No counter ever goes back: many scrapes of four workers under load, with
# reloads between.  INTAKE_SLOW=1: 10,000 of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use Intake::Exposition;
use Intake::HTTP;
use Intake::Test;


my $scrapes = $ENV{INTAKE_SLOW} ? 10_000 : 500;
my $reload_every = 50;
my $parse_every = 25;
my $clients = 2;

my $t = Intake::Test->new();

$t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%
worker_processes 4;

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server   %%REDIS%%;
        timeout  5s;
    }

    intake_platform desk {
        algorithm  none;
        id         json:id;
        message    inbound when=json:from=customer conversation=json:thread
                   id=json:id;
        message    outbound conversation=json:thread id=json:id;
    }

    intake_source mail { platform desk; groups workers; sla first=1s; }
    intake_source chat { platform desk; sla first=1h next=2h; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /mail { intake mail; }
        location = /chat { intake chat; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status() == 200 }), 'up');


# Customers who ask and are answered, in conversations of the client's own,
# until the test ends them.

sub client {
    my ($client) = @_;
    my $codec = JSON::PP->new->utf8->canonical;

    for (my $n = 0; getppid() == $t->{owner}; $n++) {
        my $body = $codec->encode({
            id => "$client-$n", thread => "$client-" . int($n / 2) % 50,
            from => $n % 2 ? 'team' : 'customer' });

        eval {
            Intake::HTTP->new(port => $t->port(0))
                ->request('POST', $n % 3 ? '/mail' : '/chat', body => $body,
                          headers => ['Content-Type', 'application/json'],
                          close => 1);
        };

        sleep 0.002;
    }
}


my @pids;

for my $client (1 .. $clients) {
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        client($client);
        POSIX::_exit(0);
    }

    push @pids, $pid;
}


my (%last, @back, @bad, %missing, $reloads);

for my $scrape (1 .. $scrapes) {
    my $openmetrics = $scrape % 2;
    my $format = $openmetrics ? 'openmetrics' : 'prometheus';
    my $r = eval { Intake::HTTP->new(port => $t->port(0))
        ->request('GET', "/status?format=$format", close => 1) };

    if (!$r || $r->status() != 200) {
        push @bad, $@ || $r->status();
        next;
    }

    if ($scrape % $parse_every < 2) {
        eval { Intake::Exposition->parse($r->body(),
                                         openmetrics => $openmetrics); 1 }
            or push @bad, $@;
    }

    my %seen;
    my $text = $r->body();

    while ($text =~ /^(\w+_(?:total|bucket|count|sum)(?:\{.*\})?) ([\d.]+)$/mg)
    {
        my ($series, $value) = ($1, $2);

        push @back, "$scrape: $series from $last{$series} to $value"
            if defined $last{$series} && $value < $last{$series};

        $last{$series} = $value;
        $seen{$series} = 1;
    }

    $missing{$_}++ for grep { !$seen{$_} } keys %last;

    sleep 0.005;

    # not waited for: old and new workers answer side by side

    if ($scrape % $reload_every == 0) {
        $t->signal('HUP');
        $reloads++;
    }
}

kill 'TERM', @pids;
waitpid $_, 0 for @pids;

is_deeply(\@back, [], "$scrapes scrapes, $reloads reloads: none goes back");
is_deeply(\@bad, [], 'all of them are answered and parsed');

my %node = map { $_ => $missing{$_} } grep { !/^intake_sla_/ } keys %missing;

is_deeply(\%node, {}, 'what the node counts is never missing');

my ($most) = sort { $b <=> $a } values %missing, 0;

diag("missing at most $most times") if $ENV{INTAKE_SLOW};
cmp_ok($most, '<=', 4 * $reloads, 'what Redis counts only after a reload');

for my $source (qw(mail chat)) {
    cmp_ok($last{qq(intake_sla_events_total{source="$source",kind="inbound"})},
           '>', 10, "$source: there was load");
}

$t->finish();
