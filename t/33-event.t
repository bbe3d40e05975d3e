#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What an entry says of a delivery: id, type, times, key and conversation.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use Intake::Sign;
use Intake::Store qw(dedupe_hash dedupe_key $time $uuid7);
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    include %%PLATFORMS%%;

    log_format  event  "$intake_id|$intake_type|$intake_conversation";

    intake_redis {
        server %%REDIS%%;
    }

    intake_platform open {
        algorithm  none;
        id         json:id header:X-Id;
        type       json:type header:X-Type as=com.open.;
        methods    POST GET;
        dedupe     window=1h;
    }
    intake_source open  { platform open; }
    intake_source body  { platform open; dedupe window=1h key=body; }
    intake_source never { platform open; dedupe window=1h key=none; }

    intake_platform unsigned {
        algorithm  none;
        id         header:X-Id unsigned;
        dedupe     window=1h;
    }
    intake_source unsigned { platform unsigned; }

    intake_platform joined {
        algorithm  none;
        id         json:id json:kind joined;
        type       json:kind json:action joined;
    }
    intake_source joined { platform joined; }

    intake_platform batch {
        algorithm  none;
        id         json:events.*.id;
        type       json:events.*.type;
        methods    POST GET;
    }
    intake_source batch { platform batch; }

    intake_platform form {
        algorithm  none;
        id         form:id json:id;
        type       form:type json:type as=f.;
        methods    POST GET;
        message    inbound conversation=form:From conversation=form:To;
    }
    intake_source form { platform form; }

    intake_platform typeless {
        algorithm  none;
        message    inbound each=json:list.* conversation=@.c;
    }
    intake_source typeless { platform typeless; }

    intake_platform talk {
        algorithm  none;
        message    auto each=json:page.*.talk.* when=@.bot
                   conversation=json:page.*.id conversation=@.with;
        message    outbound each=json:page.*.talk.*
                   when=@.from==json:page.*.id
                   unless=@.kind=seen|typing
                   conversation=json:page.*.id conversation=@.with|@.to
                   id=@.id time=@.at unit=ms;
        message    inbound each=json:page.*.talk.*
                   when=@.from!=json:page.*.id when=@.kind=text|image
                   unless=@.deleted
                   conversation=json:page.*.id conversation=@.with|@.from
                   id=@.id time=@.at unit=ms;
    }
    intake_source talk { platform talk; }

    intake_source stripe   { platform stripe;            secret st; }
    intake_source github   { platform github;            secret gh; }
    intake_source slack    { platform slack;             secret sl; }
    intake_source meta     { platform meta;              secret me; }
    intake_source x        { platform x;                 secret tw; }
    intake_source standard { platform standard-webhooks; secret c2V0; }

    server {
        listen      127.0.0.1:%%PORT_0%%;
        access_log  %%DIR%%/event.log event;
        large_client_header_buffers  4 64k;

        location = /open     { intake open; }
        location = /body     { intake body; }
        location = /never    { intake never; }
        location = /unsigned { intake unsigned; }
        location = /joined   { intake joined; }
        location = /batch    { intake batch; }
        location = /form     { intake form; }
        location = /typeless { intake typeless; }
        location = /talk     { intake talk; }
        location = /stripe   { intake stripe; }
        location = /github   { intake github; }
        location = /slack    { intake slack; }
        location = /meta     { intake meta; }
        location = /x        { intake x; }
        location = /standard { intake standard; }

        location = /status   { intake_status; }
    }
}

EOC

$t->run();


my %seen;


# Delivers, and returns the fields of the one entry that came of it.

sub deliver {
    my ($source, $body, $headers, %opt) = @_;
    my $res = $t->request($opt{method} // 'POST', "/$source" . ($opt{query}
                          // ''), headers => $headers // [],
                          defined $body ? (body => $body) : ());

    is($res->status, 200, "$source: " . substr $body // '', 0, 60)
        or return {};

    my @entries = $redis->entries("intake:{$source}");
    my $new = @entries - ($seen{$source} // 0);

    $seen{$source} = @entries;
    return $new == 1 ? { %{$entries[-1]{fields}}, answer => $res->json }
                     : { entries => $new, answer => $res->json };
}


sub keys_of {
    my ($source) = @_;
    my $prefix = "intake:{$source}:dedupe:";

    return join ' ', sort map { substr $_, length $prefix }
                          @{$redis->command('KEYS', "$prefix*")};
}


sub clear {
    $redis->command('FLUSHALL');
    %seen = ();
}


subtest 'id' => sub {
    my $e = deliver('open', '{"id":"evt_1"}', ['X-Id' => 'x']);

    is($e->{id}, 'evt_1', 'the first that is present');
    is($e->{answer}{id}, 'evt_1', 'in the answer');
    is($e->{intakekey}, 's:evt_1', 'key');
    is(keys_of('open'), dedupe_key('s', 'evt_1'), 'key in Redis');

    is(deliver('open', '{"id":17}')->{id}, '17', 'a number');
    is(deliver('open', '{"id":true}')->{id}, 'true', 'a word');
    is(deliver('open', '{"id":"\u00e4\ud83d\ude00"}')->{id},
        "\xc3\xa4\xf0\x9f\x98\x80", 'escapes');
    is(deliver('open', "{\"id\":\"\xff\"}")->{id}, "\xff", 'not UTF-8');
    is(deliver('open', '{"id":"a b:c"}')->{id}, 'a b:c', 'spaces');
    is(deliver('open', '{"id":"one","id":"two"}')->{id}, 'two',
        'the last of equal names');

    for my $none ('null', '""', '{}', '[]', '{"id":"y"}') {
        is(deliver('open', "{\"id\":$none,\"n\":1}", ['X-Id' => "x$none"])
               ->{id}, "x$none", "the next when it is $none");
    }

    $e = deliver('open', '{}');
    like($e->{id}, $uuid7, 'none: ours');
    is($e->{intakekey}, dedupe_key('h', '{}'), 'none: the body is the key');

    $e = deliver('open', '');
    like($e->{id}, $uuid7, 'no body: ours');
    like($e->{intakekey}, qr/^o:[A-Za-z0-9_-]{22}$/, 'no body: no key');
    is(deliver('open', '')->{entries} // 1, 1, 'no body: no duplicate');

    $e = deliver('open', '', ['X-Id' => 'a', 'X-Id' => 'b']);
    is($e->{id}, 'a', 'two headers: the first');
    is($e->{intakekey}, 's:a', 'two headers: no other key');

    my $long = 'x' x 512;
    is(deliver('open', "{\"id\":\"$long\"}")->{id}, $long, '512 bytes');
    clear();

    for my $odd ('y' x 513, 'z' x 30_000, "a\nb", "\0", "a\x7f") {
        my $text = $odd =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ger;

        $e = deliver('open', "{\"id\":\"$text\"}");
        is($e->{id}, encode_base64(sha256($odd), '') =~ tr{+/=}{-_}dr,
            'what cannot be an id: its digest');
        is($e->{intakekey}, "s:$e->{id}", 'its key');
        like(keys_of('open'), qr/s:\Q${\dedupe_hash($e->{id})}\E/, 'in Redis');
        is(deliver('open', "{\"id\":\"$text\"}")->{answer}{duplicate},
            JSON::PP::true, 'its duplicate');
    }
};


subtest 'joined ids' => sub {
    my $e = deliver('joined', '{"id":1,"kind":"a","action":"b"}');

    is($e->{id}, '1:a', 'id');
    is($e->{type}, 'a.b', 'type');
    is($e->{intakekey}, 's:1:a', 'key');
    is(keys_of('joined'), dedupe_key('s', '1:a'), 'key in Redis');
    is(deliver('joined', '{"id":1,"kind":"b"}')->{type}, 'b',
        'a type without a part');

    $e = deliver('joined', '{"id":1}');
    like($e->{id}, $uuid7, 'a part is missing');
    is($e->{intakekey}, dedupe_key('h', '{"id":1}'), 'its key');
    is($e->{type}, 'event', 'its type');
};


subtest 'several ids' => sub {
    my $list = sub {
        '{"events":[' . join(',', map { qq({"id":"$_","type":"t$_"}) } @_)
        . ']}';
    };
    my $e = deliver('batch', $list->(1, 2));

    is($e->{id}, '1', 'the first');
    is($e->{type}, 't1', 'its type');
    is($e->{intakekey}, dedupe_key('s', '1:11:2'),
       'the key is the digest of all');
    is(keys_of('batch'), dedupe_key('s', dedupe_hash('1:11:2')), 'in Redis');
    is(deliver('batch', $list->(1, 2))->{answer}{duplicate}, JSON::PP::true,
        'a duplicate');
    is(deliver('batch', $list->(@$_))->{id}, $_->[0], "another: @$_")
        for [2, 1], [1], [1, 2, 3], ['12'], ['1:1', 2];

    $e = deliver('batch', $list->('a', 'b', 'c') =~ s/"b"/null/r);
    is($e->{intakekey}, dedupe_key('s', '1:a1:c'), 'one of them missing');

    $e = deliver('batch', $list->(map { $_ } 1 .. 5000));
    is($e->{id}, '1', '5000 of them');

    $e = deliver('batch', $list->(1 .. 10_001));
    like($e->{id}, $uuid7, 'more values than are read');
    is($e->{type}, 'unparsed', 'its type');
    like($e->{intakekey}, qr/^h:/, 'its key');
};


subtest 'keys' => sub {
    clear();

    my $e = deliver('body', '{"id":"a"}');
    is($e->{id}, 'a', 'key=body: the id');
    is($e->{intakekey}, dedupe_key('h', '{"id":"a"}'), 'key=body: the key');
    is(keys_of('body'), $e->{intakekey}, 'key=body: in Redis');
    is(deliver('body', '{"id":"a"}')->{answer}{duplicate}, JSON::PP::true,
        'key=body: duplicate');
    is(deliver('body', '{"id":"a" }')->{id}, 'a', 'key=body: another body');

    for (1 .. 2) {
        $e = deliver('never', '{"id":"a"}');
        is($e->{id}, 'a', 'key=none: the id');
        like($e->{intakekey}, qr/^o:[A-Za-z0-9_-]{22}$/, 'key=none: the key');
    }

    is(scalar(split ' ', keys_of('never')), 2, 'key=none: two keys in Redis');

    $e = deliver('unsigned', 'x', ['X-Id' => 'a']);
    is($e->{intakekey}, 'u:a', 'unsigned');
    is(keys_of('unsigned'),
       join(' ', sort(dedupe_key('h', 'x'), dedupe_key('u', 'a'))),
       'unsigned: two keys in Redis');
    is(deliver('unsigned', 'x', ['X-Id' => 'b'])->{answer}{duplicate},
        JSON::PP::true, 'unsigned: the same body');

    my $first = $e;
    $e = deliver('unsigned', 'y', ['X-Id' => 'a']);
    is($e->{intakekey}, 'u:a', 'unsigned: another body is stored');
    like($e->{intakedup} // '', qr/^\d+-\d+$/, 'unsigned: and marked');

    $e = deliver('unsigned', '', ['X-Id' => 'c']);
    is($e->{intakekey}, 'u:c', 'unsigned: no body');
};


sub unparsed {
    my ($source) = @_;
    my $text = $t->get('/status?format=prometheus')->body;

    return $text =~ /^intake_anomalies_total\{source="$source",
                     reason="unparsed"\}\ (\d+)/mx ? $1 : 'none';
}


subtest 'type' => sub {
    clear();

    is(deliver('open', '{"type":"a"}')->{type}, 'com.open.a', 'type');
    is(deliver('open', '{"n":1}', ['X-Type' => 'b'])->{type}, 'com.open.b',
        'the next');
    is(deliver('open', '{"n":2}')->{type}, 'com.open.event', 'none');
    is(deliver('open', '{"type":"a\u0007"}')->{type}, 'com.open.event',
        'not a type');
    is(deliver('open', '')->{type}, 'com.open.event', 'no body');
    is(unparsed('open'), 0, 'all of them were read');

    my $n = 0;

    for my $body ('{"type":"a"', 'x', '{"type":"a"}}', "\0", '[' x 1000) {
        my $e = deliver('open', $body);

        is($e->{type}, 'com.open.unparsed', 'unparsed');
        is($e->{intakekey}, dedupe_key('h', $body), 'unparsed: the key');
        is($e->{data}, $body, 'unparsed: the body as it is');
        is(unparsed('open'), ++$n, 'unparsed: counted');
    }

    my $e = deliver('open', 'y', ['X-Type' => 'b', 'X-Id' => 'i']);
    is("$e->{type} $e->{id}", 'com.open.b i', 'found elsewhere');
    is(unparsed('open'), $n, 'not counted');

    $e = deliver('typeless', 'x');
    is($e->{type}, 'unparsed', 'messages that cannot be read');
    is(unparsed('typeless'), 1, 'counted');
    is(deliver('typeless', '{"list":[]}')->{type}, 'event', 'none to read');
};


subtest 'forms' => sub {
    my @form = ('Content-Type' => 'application/x-www-form-urlencoded');
    my $e = deliver('form', 'id=a+b&type=%63&From=%2B1&To=2', \@form);

    is("$e->{id} $e->{type} $e->{subject}", 'a b f.c +1:2', 'POST');

    $e = deliver('form', undef, [], method => 'GET',
                 query => '?id=c&type=d&id=e');
    is("$e->{id} $e->{type}", 'c f.d', 'GET');
    ok(!exists $e->{subject}, 'a part of the conversation is missing');

    $e = deliver('form', 'x=1', \@form);
    is($e->{type}, 'f.event', 'a form without them');
    is(unparsed('form'), 0, 'is readable');

    $e = deliver('form', '{"id":"j","type":"k"}');
    is("$e->{id} $e->{type}", 'j f.k', 'a document');

    $e = deliver('form', 'id=a&type=c');
    is($e->{type}, 'f.unparsed', 'neither');
};


subtest 'times' => sub {
    my $before = time();
    my $e = deliver('open', '{"n":3}');

    like($e->{recordedtime}, $time, 'recorded');
    is($e->{time}, $e->{recordedtime}, 'not signed: the same');

    my $now = int(time()) - 7;
    my ($s, $m, $h, $day, $month, $year) = gmtime $now;
    my $text = sprintf '%04d-%02d-%02dT%02d:%02d:%02d', $year + 1900,
                       $month + 1, $day, $h, $m, $s;

    $e = deliver('stripe', '{"id":"evt_1","type":"a.b"}',
                 [sign_stripe('st', '{"id":"evt_1","type":"a.b"}',
                              time => $now)]);
    is($e->{time}, "$text.000000Z", 'signed: the sender\'s');
    isnt($e->{recordedtime}, $e->{time}, 'and our own');

    $e = deliver('standard', '{}', [sign_standard('set', '{}',
                                                  time => "$now.25")]);
    is($e->{time}, "$text.250000Z", 'with a fraction');
};


# The messages that the status page has counted: inbound, outbound, auto.

sub messages {
    my ($source) = @_;
    my $text = $t->get('/status?format=prometheus')->body;

    return join ' ', map {
        $text =~ /^intake_messages_total\{source="$source",direction="$_"\}
                  \ (\d+)/mx ? $1 : '-';
    } qw(inbound outbound auto);
}


subtest 'messages' => sub {
    my $talk = sub {
        my ($e) = deliver('talk', shift);
        return ($e->{subject} // '-') . ' ' . messages('talk');
    };

    is($talk->('{"page":[{"id":"P","talk":[{"from":"C","kind":"text"}]}]}'),
        '- 0 0 0', 'the id is missing');
    is($talk->('{"page":[{"id":"P","talk":[{"from":"C","kind":"text",'
               . '"id":1}]}]}'), 'P:C 1 0 0', 'inbound');
    is($talk->('{"page":[{"talk":[{"from":"P","to":"C","id":2}],"id":"P"}]}'),
        'P:C 1 1 0', 'outbound, id after it');
    is($talk->('{"page":[{"id":"P","talk":[{"from":"P","to":"C","id":2,'
               . '"kind":"seen"}]}]}'), '- 1 1 0', 'unless');
    is($talk->('{"page":[{"id":"P","talk":[{"from":"C","id":3,'
               . '"kind":"text","deleted":false}]}]}'), '- 1 1 0',
        'present is not true');
    is($talk->('{"page":[{"id":"P","talk":[{"bot":1,"with":"C"}]}]}'),
        'P:C 1 1 1', 'the first line that matches');
    is($talk->('{"page":[{"id":"P","talk":[{"bot":1,"from":"P","to":"C",'
               . '"id":4}]}]}'), '- 1 1 1', 'decides, also for none');

    is($talk->('{"page":[{"id":"P","talk":[{"from":"P","to":"C","id":5},'
               . '{"from":"C","with":"","kind":"image","id":6}]}]}'),
        'P:C 2 2 1', 'two of one conversation');
    is($talk->('{"page":[{"id":"P","talk":[{"from":"P","to":"C","id":5}]},'
               . '{"id":"Q","talk":[{"from":"P","kind":"text","id":6},'
               . '{"from":"Q","to":"C","id":7}]}]}'),
        '- 3 4 1', 'each with the id of its own page');
    is($talk->('{"page":[{"talk":[{"from":"P","to":"C","id":8}]},'
               . '{"id":"P"}]}'), '- 3 4 1', 'no id, not another\'s');
    is($talk->('{"page":[{"id":"O","talk":[{"from":"P","to":"C","id":8}],'
               . '"id":"P"}]}'), 'P:C 3 5 1', 'the last of equal names');
    is($talk->('{"page":[{"id":"P","talk":[{"from":"P","to":"C","id":8}],'
               . '"talk":[]}]}'), '- 3 5 1', 'the last of equal lists');

    my $many = join ',', map { qq({"from":"P","to":"C","id":$_}) } 1 .. 1200;
    is($talk->("{\"page\":[{\"id\":\"P\",\"talk\":[$many]}]}"),
        'P:C 3 1005 1', '1000 at most');
};


subtest 'presets' => sub {
    my $body = '{"ref":"main"}';
    my $e = deliver('github', $body, [sign_github('gh', $body, id => 'd1')]);

    is("$e->{id} $e->{type} $e->{intakekey}", 'd1 com.github.push u:d1',
        'GitHub');

    $e = deliver('github', 'x', [sign_github('gh', 'x', id => 'd2')]);
    is($e->{type}, 'com.github.push', 'GitHub, not a document');

    $body = '{"id":"evt_1","type":"charge.succeeded"}';
    $e = deliver('stripe', "$body\n", [sign_stripe('st', "$body\n")]);
    is($e->{entries}, 0, 'Stripe: the same event');

    $body = '{"type":"event_callback","event_id":"Ev1","event":{"type":'
            . '"message","user":"U1","channel":"C1","ts":"1700000000.000100",'
            . '"text":"hi"}}';
    $e = deliver('slack', $body, [sign_slack('sl', $body)]);
    is("$e->{id} $e->{type} $e->{subject}",
        'Ev1 com.slack.message C1:1700000000.000100', 'Slack');

    $body = 'command=%2Fhelp&trigger_id=t.1';
    $e = deliver('slack', $body, [sign_slack('sl', $body), 'Content-Type'
                 => 'application/x-www-form-urlencoded']);
    is("$e->{id} $e->{type}", 't.1 com.slack.event', 'Slack: a command');
    is(unparsed('slack'), 0, 'Slack: nothing unparsed');

    $body = '{"object":"page","entry":[{"id":"P","messaging":[{"sender":'
            . '{"id":"C"},"recipient":{"id":"P"},"timestamp":1700000000000,'
            . '"message":{"mid":"m1","text":"hi"}}]}]}';
    $e = deliver('meta', $body, [sign_meta('me', $body)]);
    is("$e->{id} $e->{subject}", 'm1 P:C', 'Messenger');

    $body = '{"for_user_id":"U","direct_message_events":[{"id":"9","type":'
            . '"message_create","created_timestamp":"1700000000000",'
            . '"message_create":{"sender_id":"C","target":'
            . '{"recipient_id":"U"}}}]}';
    $e = deliver('x', $body, [sign_x('tw', $body)]);
    is("$e->{id} $e->{subject}", '9 U:C', 'X');

    $e = deliver('standard', '{"type":"a"}',
                 [sign_standard('set', '{"type":"a"}', id => 'msg_1')]);
    is("$e->{id} $e->{type} $e->{intakekey}", 'msg_1 a s:msg_1',
        'Standard Webhooks');

    like($t->read_file('event.log'), qr/^9\|[^|]+\|U:C$/m, 'variables');
};


$t->finish();
