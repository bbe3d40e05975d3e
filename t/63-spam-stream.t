#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What is spam for certain goes to a stream of its own, and the sender does
# not see that; what is suspected is marked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Exposition;
use Intake::FormCases;
use Intake::Store qw(dedupe_key);
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();
my $month = 30 * 24 * 3600 * 1000;

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server  %%REDIS%%;
        prefix  "test:";
    }

    intake_source form  { form; honeypot trap; spam links=1; }
    intake_source named { form; spam links=1; stream posts; retain age=1h; }

    server {
        listen  127.0.0.1:%%PORT_0%%;

        location = /form   { intake form; }
        location = /named  { intake named; }
        location = /status { intake_status; }
    }
}
EOC


# what is older than a month in streams that get nothing

my ($s) = @{$redis->command('TIME')};
my $now = $s * 1000;

for my $stream ('test:{form}:spam', '{posts}:spam', 'posts') {
    $redis->command('XADD', $stream, $now - $month - 60_000, 'data', 'old');
    $redis->command('XADD', $stream, $now - 60_000, 'data', 'young');
}

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my @headers = ('Content-Type' => 'application/x-www-form-urlencoded',
               'Accept' => 'application/json', 'Accept-Language' => 'en',
               'User-Agent' => 'Mozilla/5.0');

my $links = 'http://a.example http://b.example http://c.example';


sub submit { $t->post("/$_[0]", $_[1], \@headers) }
sub count { $redis->command('XLEN', $_[0]) }


sub newest {
    my $entry = ($redis->entries($_[0]))[-1];

    return { %{$entry->{fields}}, names => "@{$entry->{names}}" };
}


# the answer without what is its own: names of members, in their order

sub shape {
    my ($res) = @_;
    my %json = %{$res->json};

    return join "\n", $res->status,
        map({ "$_: " . ($res->header($_) // '') =~ s/\d/0/gr }
            grep { !/^(?:date|connection)$/i } $res->names),
        $res->body =~ s/[0-9a-f-]{36}/ID/gr
            =~ s/\d{4}-\d\d-\d\dT[\d:.]+Z/TIME/gr =~ s/\b\d+-\d+\b/ENTRY/gr;
}


subtest 'retention' => sub {
    for my $stream ('test:{form}:spam', '{posts}:spam', 'posts') {
        ok($t->wait_for(sub { count($stream) == 1 }),
           "$stream: a month has passed for the first");
        is(newest($stream)->{data}, 'young', "$stream: not for the second");
    }
};


my $ham = submit('form', "text=$links%20x");
my $spam = submit('form', "text=$links&trap=gotcha&trap=&_gotcha=");

subtest 'certain' => sub {
    is($spam->status, 200, 'the sender sees success');
    is(shape($spam), shape($ham), 'and nothing else');
    is(count('test:{form}'), 1, 'one is in the stream');
    is(count('test:{form}:spam'), 2, 'the other in the other one');

    my $entry = newest('test:{form}:spam');
    my $data = $entry->{data};

    is($entry->{names}, 'specversion id source type time datacontenttype'
       . ' subject recordedtime intakeversion intakekey intakeverify'
       . ' intakeip intakespam data', 'an entry as any other');
    is($entry->{id}, $spam->json->{id}, 'with the id of the answer');
    is_deeply(parse_data($data), [['text', [$links]], ['trap', ['gotcha', '']],
                                  ['_gotcha', ['']]],
              'the honeypots are shown');
    like($entry->{intakespam}, qr/^\d+ honeypot,links$/, 'and the reasons');
    is($entry->{intakekey}, dedupe_key('f', $data), 'its key');
    is($redis->command('EXISTS', 'test:{form}:spam:dedupe:'
                             . dedupe_key('f', $data)), 1,
       'in a space of its own');
    is($redis->command('EXISTS', 'test:{form}:dedupe:'
                             . dedupe_key('f', $data)), 0,
       'not with the others');
};


subtest 'again' => sub {
    my $again = submit('form', "text=$links&trap=gotcha&trap=&_gotcha=");
    my $same = submit('form', "text=$links%20x");

    is($again->json->{id}, $spam->json->{id}, 'the same id');
    is(shape($again), shape($same), 'as another duplicate');
    is(count('test:{form}:spam'), 2, 'is not stored again');

    # a message that only looks like the spam is heard
    my $other = submit('form', "text=$links");
    ok(!$other->json->{duplicate}, 'without the honeypot it is another');
    is(count('test:{form}'), 2, 'which is stored');
};


subtest 'suspected' => sub {
    my $res = submit('form', 'text=hello&trap=autofill');
    my $entry = newest('test:{form}');

    is(shape($res), shape($ham), 'success, too');
    is_deeply(parse_data($entry->{data}), [['text', ['hello']]],
              'in the stream, without the honeypot');
    like($entry->{intakespam}, qr/^\d+ honeypot$/, 'marked');

    submit('form', 'text=hello+you');
    is(newest('test:{form}')->{intakespam}, undef, 'others are not');
};


subtest 'a stream with a name' => sub {
    submit('named', "text=$links&_gotcha=x");

    my $entry = newest('{posts}:spam');
    like($entry->{intakespam}, qr/honeypot/, 'its spam');
    is($redis->command('EXISTS', '{posts}:spam:dedupe:'
                                 . dedupe_key('f', $entry->{data})), 1,
       'and its keys');
};


subtest 'many' => sub {
    my $http = $t->http();
    my ($before, $n) = (count('test:{form}:spam'), 11_000);

    # what the script adds, so that its own bound is what trims
    $redis->command('EVAL', "for i = 1, $n do redis.call('XADD', KEYS[1],"
                    . "'*', 'data', i) end", 1, 'test:{form}:spam');
    $http->request('POST', '/form', headers => \@headers,
                   body => "text=$links+$_&trap=x") for 1 .. 3;

    cmp_ok(count('test:{form}:spam'), '<', 10_200, 'about 10000 are kept');
    cmp_ok(count('test:{form}:spam'), '>=', 10_000, 'no fewer');
    like(newest('test:{form}:spam')->{data}, qr/ 3"/, 'the newest');
};


subtest 'long names' => sub {
    for my $length (893, 894) {
        my ($code, $said) = $t->test_config(<<"EOC" =~ s/KEY/'k' x $length/er);
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    intake_source form { form; stream KEY; }
}
EOC

        is($code, $length == 893 ? 0 : 1, "a key of $length bytes");
        like($said, qr/keys of intake_source "form" would be longer than 900/,
             'is too long') if $code;
    }
};


my $m = Intake::Exposition->parse($t->get('/status?format=prometheus')->body);

is_deeply([map { $m->value('intake_requests_total', source => 'form',
                           outcome => $_) } qw(spam stored duplicate)],
          [5, 4, 1], 'counted');
is($m->value('intake_messages_total', source => 'form',
             direction => 'inbound'), 4, 'spam is no message');

$t->finish();
