#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What a stream keeps: about maxlen entries, none older than age.

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

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server %%REDIS%%;
    }

    intake_platform bare {
        algorithm  none;
        dedupe     window=1h;
    }

    intake_source all   { platform bare; }
    intake_source few   { platform bare; retain maxlen=100; }
    intake_source young { platform bare; retain age=1s; }
    intake_source both  { platform bare; retain maxlen=100 age=1s; }

    server {
        listen  127.0.0.1:%%PORT_0%%;

        location = /all    { intake all; }
        location = /few    { intake few; }
        location = /young  { intake young; }
        location = /both   { intake both; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


sub data {
    my ($source) = @_;
    return [map { $_->{fields}{data} } $redis->entries("intake:{$source}")];
}


# the answer's entry is more than a second old

sub grows_old {
    my ($res) = @_;
    my ($ms) = $res->json->{entry} =~ /^(\d+)/;

    return $t->wait_for(sub {
        my ($s, $us) = @{$redis->command('TIME')};
        return $s * 1000 + int($us / 1000) > $ms + 1000;
    });
}


for my $source (qw(all few both)) {
    my $http = $t->http();

    $http->request('POST', "/$source", body => "n $_") for 1 .. 350;
}

is(scalar @{data('all')}, 350, 'without it everything is kept');

my $few = data('few');
cmp_ok(scalar @$few, '>=', 100, 'at least maxlen');
cmp_ok(scalar @$few, '<', 300, 'not much more');
is($few->[-1], 'n 350', 'the newest');
cmp_ok(scalar @{data('both')}, '<', 300, 'maxlen beside age');


ok(grows_old($t->post('/young', 'old')), 'an entry');
$t->post('/both', 'old');
$t->post('/young', 'younger');
is_deeply(data('young'), ['younger'], 'which age takes out');

ok(grows_old($t->post('/both', 'older')), 'another');
$t->post('/both', 'younger');
is_deeply(data('both'), ['younger'], 'age beside maxlen');

# a duplicate is not stored, and adds nothing to trim for
ok($t->post('/both', 'younger')->json->{duplicate}, 'a duplicate');

ok(!$t->error_log_lines(qr/\[error\]/), 'without an error');

$t->finish();
