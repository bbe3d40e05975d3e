#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Copies of one delivery that come at once, each on a connection of its own,
# to two workers: one is stored, the others hear of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

worker_processes 2;

events {
}

http {
    %%TEST_HTTP%%

    log_format  pid  "$pid";
    access_log  %%DIR%%/pids.log  pid;

    intake_redis {
        server %%REDIS%%;
    }

    intake_platform loose {
        algorithm  none;
        id         header:X-Id unsigned;
    }

    intake_platform listed {
        algorithm  none;
        id         json:events.*.id;
    }

    intake_source unsigned { platform loose; dedupe window=1h; }
    intake_source list     { platform listed; dedupe window=1h; }
    intake_source body     { platform loose; dedupe window=1h key=body; }
    intake_source mark     {
        platform  loose;
        dedupe    window=1h on_duplicate=mark;
    }

    server {
        listen  127.0.0.1:%%PORT_0%%  reuseport;

        location = /unsigned { intake unsigned; }
        location = /list     { intake list; }
        location = /body     { intake body; }
        location = /mark     { intake mark; }
        location = /status   { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


# 50 answers; the last byte of every copy is held back until all are there

sub at_once {
    my ($source) = @_;
    my @http = map { $t->http() } 1 .. 50;
    my $body = '{"events":[{"id":"a"},{"id":"b"}]}';
    my $bytes = Intake::HTTP::head('POST', "/$source", body => $body,
                                   headers => ['X-Id' => 'c']) . $body;

    $_->write(substr $bytes, 0, -1) for @http;
    $_->write(substr $bytes, -1) for @http;

    return map { $_->response->json } @http;
}


for my $source (qw(unsigned list body)) {
    my @answers = at_once($source);
    my ($first, @more) = grep { !$_->{duplicate} } @answers;

    is(scalar @more, 0, "$source: one is the first");
    is_deeply([grep { $_->{id} ne $first->{id}
                      || $_->{entry} ne $first->{entry} } @answers], [],
              "$source: the others have its id and entry");
    is_deeply([map { $_->{entry} } $redis->entries("intake:{$source}")],
              [$first->{entry}], "$source: which is the only one");
}


my ($first, @more) = grep { !$_->{duplicate} } at_once('mark');
my @entries = $redis->entries('intake:{mark}');

is(scalar @more, 0, 'mark: one is the first');
is(scalar @entries, 50, 'mark: all are stored');
is(scalar(grep { ($_->{fields}{intakedup} // '') eq $first->{entry} }
          @entries), 49, 'mark: the others say of which they are copies');

my %times = map { ($_->{fields}{recordedtime} => 1) } @entries;
is(scalar keys %times, 50, 'no two have one time');

my %pids = map { ($_ => 1) } split /\n/, $t->read_file('pids.log');
is(scalar keys %pids, 2, 'both workers had a part');

$t->finish();
