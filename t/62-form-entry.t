#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# What a submission becomes: the fields of its entry, its conversation, and
# what is a repetition of it; and where nothing of it is to be found.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Exposition;
use Intake::Store qw(dedupe_key $time $uuid7);
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

worker_processes  2;

events {
}

http {
    %%TEST_HTTP%%

    log_format  intake  '$intake_source|$intake_outcome|$intake_reason|'
                        '$intake_id|$intake_entry|$intake_type|'
                        '$intake_conversation|$intake_store_time|$request';
    access_log  intake.log  intake;

    intake_redis { server %%REDIS%%; }

    intake_source plain { form; }
    intake_source masked { form; client_ip masked; }
    intake_source off    { form; client_ip off; }
    intake_source named  {
        form;
        stream        posts;
        event_source  https://example.com/contact;
        field         mail type=email;
        conversation  field:mail;
        headers       X-First Referer;
    }
    intake_source short  { form; dedupe window=700ms; }
    intake_source marked { form; dedupe window=1h on_duplicate=mark; }

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        set_real_ip_from  127.0.0.1;
        real_ip_header    X-Real-IP;

        location = /plain  { intake plain; }
        location = /masked { intake masked; }
        location = /off    { intake off; }
        location = /named  { intake named; }
        location = /short  { intake short; }
        location = /marked { intake marked; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


my @type = ('Content-Type' => 'application/x-www-form-urlencoded');


sub submit {
    my ($source, $body, @headers) = @_;
    my $res = $t->post("/$source", $body, [@type, @headers]);

    return { %{$res->json}, status => $res->status };
}


sub rows {
    my ($stream) = @_;
    return @{$redis->command('XRANGE', $stream, '-', '+')};
}


# the newest entry of a stream

sub entry {
    my ($stream) = @_;
    my $entry = ($redis->entries($stream))[-1];

    return { %$entry, names => "@{$entry->{names}}" };
}


subtest 'the least' => sub {
    my $answer = submit('plain', 'b=2&a=%C3%A9%3C%22%0D%0A&b=3&_next=/x');
    my $data = '{"b":["2","3"],"a":["' . "\xc3\xa9" . '\u003c\"\n"]}';
    my $entry = entry('intake:{plain}');
    my %f = %{$entry->{fields}};

    is($answer->{status}, 200, 'taken');
    is($entry->{names}, 'specversion id source type time datacontenttype'
       . ' subject recordedtime intakeversion intakekey intakeverify'
       . ' intakeip data', 'names');
    like($f{id}, $uuid7, 'id: UUIDv7');
    is($f{id}, $answer->{id}, 'which the answer tells');
    like($f{recordedtime}, $time, 'recordedtime');

    is_deeply({ %f, id => '', recordedtime => '' },
              { specversion => '1.0', id => '', source => '/plain',
                type => 'intake.form.submitted', time => $f{recordedtime},
                datacontenttype => 'application/json', subject => $f{id},
                recordedtime => '', intakeversion => '1',
                intakekey => dedupe_key('f', $data), intakeverify => 'none',
                intakeip => '127.0.0.1', data => $data }, 'values');
    is($redis->command('EXISTS', 'intake:{plain}:dedupe:'
                             . dedupe_key('f', $data)), 1,
       'its key');
};


subtest 'the same in every type' => sub {
    my $multipart = "--b\r\nContent-Disposition: form-data; name=\"k\"\r\n"
                  . "\r\nv\r\n--b--\r\n";
    my $res = $t->post('/plain', 'k=v', \@type);
    my $first = $res->json->{id};

    for (['multipart/form-data; boundary=b', $multipart],
         ['application/json', '{"k":"v"}'],
         ['application/json', ' {"k" : ["v"], "_token": "x"}'])
    {
        my ($type, $body) = @$_;
        my $json = $t->post('/plain', $body, ['Content-Type' => $type])->json;

        is($json->{id}, $first, "$type: the same message");
    }

    is($t->request_h2('POST', '/plain', port => 1, body => 'k=v',
                      headers => [map { lc } @type])->json->{id}, $first,
       'HTTP/2: the same message');
};


subtest 'conversation, headers, addresses' => sub {
    submit('named', 'mail=+Ann@b.example+&text=x', 'X-First' => 'a',
           Cookie => 'c', Referer => 'http://localhost/');
    my $f = entry('posts')->{fields};

    is($f->{subject}, 'Ann@b.example', 'the value of a field');
    is($f->{source}, 'https://example.com/contact', 'event_source');
    is($f->{intakeheaders},
       '{"x-first":"a","referer":"http://localhost/"}', 'headers');
    is($f->{data}, '{"mail":["Ann@b.example"],"text":["x"]}', 'data');

    submit('named', 'text=y');
    $f = entry('posts')->{fields};
    is($f->{subject}, $f->{id}, 'without it the message alone');

    submit('named', 'mail=&text=y');
    $f = entry('posts')->{fields};
    is($f->{subject}, $f->{id}, 'and when it is empty');

    my $ip = sub {
        submit($_[0], "ip=$_[1]", 'X-Real-IP' => $_[1]);
        return entry("intake:{$_[0]}")->{fields}{intakeip};
    };

    is($ip->('plain', '203.0.113.195'), '203.0.113.195', 'on');
    is($ip->('masked', '203.0.113.195'), '203.0.113.0', 'masked');
    is($ip->('masked', '2001:db8:1:2::3'), '2001:db8:1::', 'masked, IPv6');
    is($ip->('off', '203.0.113.195'), undef, 'off');
};


subtest 'once' => sub {
    my $before = rows('intake:{plain}');
    my $first = submit('plain', 'text=once&_token=1');

    ok(!$first->{duplicate}, 'the first');

    for ('text=once', 'text=once&_token=2&_gotcha=&_cc=a@b') {
        my $again = submit('plain', $_);

        ok($again->{duplicate}, "$_: again");
        is($again->{id}, $first->{id}, 'the same id');
    }

    my $other = submit('plain', 'text=Once');
    ok(!$other->{duplicate}, 'another text');
    isnt($other->{id}, $first->{id}, 'another id');

    ok(!submit('plain', 'text=once&more=')->{duplicate}, 'another field');
    ok(!submit('plain', 'texto=nce')->{duplicate}, 'other names');
    is(rows('intake:{plain}') - $before, 4, 'four messages');
};


subtest 'a double click' => sub {
    my $before = rows('intake:{plain}');
    my @http = map { $t->http() } 1 .. 20;

    $_->send('POST', '/plain', body => 'text=twice', headers => \@type)
        for @http;

    my @answers = map { $_->response('POST')->json } @http;
    my %ids = map { $_->{id} => 1 } @answers;

    is(keys %ids, 1, '20 at once: one id');
    is(rows('intake:{plain}') - $before, 1, 'one entry');
    is(grep({ !$_->{duplicate} } @answers), 1, 'one is the first');
};


subtest 'the window' => sub {
    my $first = submit('short', 'text=x');

    is(submit('short', 'text=x')->{id}, $first->{id}, 'within');

    my ($ms) = entry('intake:{short}')->{entry} =~ /^(\d+)/;
    ok($t->wait_for(sub {
        my ($s, $us) = @{$redis->command('TIME')};
        return $s * 1000 + int($us / 1000) > $ms + 700;
    }), 'time passes');

    ok(!submit('short', 'text=x')->{duplicate}, 'after');
    is(scalar rows('intake:{short}'), 2, 'two messages');

    submit('marked', 'text=x');
    my $marked = submit('marked', 'text=x');
    my $f = entry('intake:{marked}')->{fields};

    is(scalar rows('intake:{marked}'), 2, 'marked ones are stored');
    is($f->{intakedup}, (rows('intake:{marked}'))[0][0], 'and marked');
};


subtest 'what others see' => sub {
    my $secret = 'sesame';

    submit('plain', "$secret=$secret&email=$secret&_subject=$secret");
    submit('plain', "email=$secret%0A");
    submit('plain', '{"' . $secret . '":', 'X-N' => 1);
    $t->post('/plain', "$secret=$secret" . 'x' x 200_000, \@type);
    $t->post('/plain', "{\"$secret\":", ['Content-Type' =>
                                         'application/json']);

    my $logs = $t->log() . $t->read_file('intake.log')
        . $t->read_file('access.log');

    unlike($logs, qr/sesame/, 'no field is in a log');
    unlike($t->get('/status')->body . $t->get('/status?format=prometheus')
           ->body, qr/sesame/, 'nor on the status page');

    my ($line) = grep { /^plain\|stored/ } split /\n/,
                      $t->read_file('intake.log');
    my $u = qr/[0-9a-f-]{36}/;
    like($line, qr/^plain\|stored\|-\|($u)\|\d+-\d+\|intake\.form\.submitted
                   \|\1\|\d\.\d{3}\|POST\ \/plain/x, 'what is');
};


my $m = Intake::Exposition->parse($t->get('/status?format=prometheus')->body);
my $stored = rows('intake:{plain}');

is($m->value('intake_requests_total', source => 'plain',
             outcome => 'stored'), $stored, 'counted: stored');
is($m->value('intake_messages_total', source => 'plain',
             direction => 'inbound'), $stored, 'counted: messages');
is($m->value('intake_messages_total', source => 'short',
             direction => 'inbound'), 2, 'a duplicate is none');
cmp_ok($m->value('intake_body_bytes_total', source => 'plain'), '>',
       200_000, 'counted: bytes, as they were sent');

$t->finish();
