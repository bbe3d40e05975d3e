#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The entry, version 1: its fields, their order and their formats.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);
use Time::Local qw(timegm);

use Intake::Sign;
use Intake::Store qw(dedupe_key $time $uuid7);
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
        server  %%REDIS%%;
        prefix  "test:";
    }

    intake_platform bare {
        algorithm  none;
        dedupe     window=1h;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        timestamp  header:X-Time tolerance=off;
        signed     "$timestamp.${header:X-Id}.$body";
        id         header:X-Id;
        type       header:X-Type as=com.example.;
        message    inbound each=json:messages.* conversation=@.thread;
        headers    X-Type X-List X-Time;
    }

    intake_platform loose {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        timestamp  header:X-Time tolerance=off;
        signed     "$body";
        id         header:X-Id unsigned;
        type       json:type json:kind joined as=com.example.;
    }

    intake_platform inner {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        timestamp  json:at unit=rfc3339 tolerance=off;
        signed     "$body";
        id         json:id json:name joined;
        type       json:type;
    }

    intake_source bare   { platform bare; }
    intake_source signed {
        platform  signed;
        secret    s3cret;
        secret    n3w id=new;
    }
    intake_source loose  { platform loose; secret s3cret; }
    intake_source inner  { platform inner; secret s3cret; }

    intake_source masked { platform bare; client_ip masked; }
    intake_source off    { platform bare; client_ip off; }

    intake_source own    {
        platform      bare;
        stream        own-stream;
        event_source  https://example.com/hooks;
        headers       x-second X-First Content-Type;
    }

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        set_real_ip_from  127.0.0.1;
        real_ip_header    X-Real-IP;

        location = /bare   { intake bare; }
        location = /signed { intake signed; }
        location = /loose  { intake loose; }
        location = /inner  { intake inner; }
        location = /masked { intake masked; }
        location = /off    { intake off; }
        location = /own    { intake own; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');


# what stands in the stream for an answer: its id, names and values

sub entry_of {
    my ($res, $stream) = @_;
    my $id = $res->json->{entry} // diag($res->body);
    my ($entry) = $redis->entries($stream, $id);

    return { %$entry, names => "@{$entry->{names}}" };
}


sub send_bare {
    my ($source, $body, $headers, %opt) = @_;
    my $stream = $opt{stream} // "test:{$source}";
    return entry_of($t->post("/$source", $body, $headers, %opt), $stream);
}


# signed as the platforms here want it; the headers may be changed

sub send_signed {
    my ($source, $body, %change) = @_;
    my %headers = ('X-Time' => 1700000000, 'X-Id' => 'e-1', %change);
    my $secret = delete $headers{secret} // 's3cret';
    my $signed = $source eq 'signed'
        ? "$headers{'X-Time'}.$headers{'X-Id'}.$body" : $body;

    $headers{'X-Signature'} = hmac('sha256', 'hex', $secret, $signed);
    delete @headers{grep { !defined $headers{$_} } keys %headers};

    return entry_of($t->post("/$source", $body, \%headers),
                    "test:{$source}");
}


# seconds, of the form that $time matches

sub epoch {
    my ($text) = @_;
    my ($y, $mo, $d, $h, $m, $s) = $text =~ /[\d.]+/g;

    return timegm(0, $m, $h, $d, $mo - 1, $y) + $s;
}


subtest 'the least' => sub {
    my $before = time();
    my $entry = send_bare('bare', 'x');
    my $after = time();
    my %f = %{$entry->{fields}};

    is($entry->{names}, 'specversion id source type time recordedtime'
       . ' intakeversion intakekey intakeverify intakeip data', 'names');

    like($f{id}, $uuid7, 'id: UUIDv7');
    like($f{recordedtime}, $time, 'recordedtime');
    cmp_ok(epoch($f{recordedtime}), '>=', $before - 0.0001, 'not before');
    cmp_ok(epoch($f{recordedtime}), '<=', $after, 'not after');
    is($f{id} =~ /^(\w{8})-(\w{4})/ && hex($1) * 65536 + hex($2),
       int(epoch($f{recordedtime}) * 1000 + 0.0001), 'id: the same time');

    is_deeply({ %f, id => '', recordedtime => '' },
              { specversion => '1.0', id => '', source => '/bare',
                type => 'event', time => $f{recordedtime}, recordedtime => '',
                intakeversion => '1', intakekey => dedupe_key('h', 'x'),
                intakeverify => 'none', intakeip => '127.0.0.1',
                data => 'x' }, 'values');
};


subtest 'the most' => sub {
    my $body = '{"messages":[{"thread":"t-1"},{"thread":"t-1"}]}';
    my $entry = send_signed('signed', $body, 'X-Type' => 'made',
                            'Content-Type' => 'application/json; charset=x',
                            'X-List' => 'a', secret => 'n3w');

    is($entry->{names}, 'specversion id source type time datacontenttype'
       . ' subject recordedtime intakeversion intakekey intakeverify'
       . ' intakekeyid intakeip intakeheaders data', 'names');
    delete $entry->{fields}{recordedtime};
    is_deeply($entry->{fields},
              { specversion => '1.0', id => 'e-1', source => '/signed',
                type => 'com.example.made',
                time => '2023-11-14T22:13:20.000000Z',
                datacontenttype => 'application/json; charset=x',
                subject => 't-1', intakeversion => '1',
                intakekey => 's:e-1', intakeverify => 'ok',
                intakekeyid => 'new', intakeip => '127.0.0.1',
                intakeheaders => '{"x-type":"made","x-list":"a",'
                                 . '"x-time":"1700000000"}',
                data => $body }, 'values');

    my $other = '{"messages":[{"thread":"t-1"},{"thread":"t-2"}]}';
    $entry = send_signed('signed', $other, 'X-Id' => 'e-2');
    is($entry->{fields}{subject}, undef, 'two conversations: no subject');
    is($entry->{fields}{type}, 'com.example.event', 'no type');
    is($entry->{fields}{intakekeyid}, undef, 'the secret has no id');

    is(send_signed('signed', '', 'X-Id' => 'e-3')->{fields}{data}, '',
       'empty data is there');
};


subtest 'id, type, time and key' => sub {
    my %f = %{send_signed('loose', '{"type":"a","kind":"b"}')->{fields}};

    is($f{time}, $f{recordedtime}, 'an unsigned time is not believed');
    is($f{intakekey}, 'u:e-1', 'unsigned id');
    is($f{type}, 'com.example.a.b', 'joined type');

    %f = %{send_signed('loose', 'no JSON', 'X-Id' => undef)->{fields}};
    is($f{type}, 'com.example.unparsed', 'unparsed');
    is($f{intakekey}, dedupe_key('h', 'no JSON'), 'its key is the body');
    like($f{id}, $uuid7, 'and its id our own');

    %f = %{send_signed('loose', '', 'X-Id' => undef)->{fields}};
    like($f{intakekey}, qr/^o:[\w-]{22}$/, 'nothing at all: our own key');
    is($f{intakekey}, dedupe_key('o', $f{id}), 'made of our id');

    %f = %{send_signed('inner', '{"at":"2024-02-29T23:59:59.5+01:00",'
                                . '"id":12.50,"name":"\u00e9\"","type":"a"}')
           ->{fields}};
    is($f{time}, '2024-02-29T22:59:59.500000Z', "the sender's time");
    is($f{id}, "12.50:\xc3\xa9\"", 'joined id, decoded');
    is($f{intakekey}, "s:12.50:\xc3\xa9\"", 'its key');
    is($f{type}, 'a', 'type without a prefix');

    %f = %{send_signed('inner', '{"at":"2024-02-29T00:00:00Z","id":"a\nb",'
                                . '"name":"x"}')->{fields}};
    like($f{id}, qr/^[\w-]{43}$/, 'an id that is no text is digested');
    is($f{intakekey}, "s:$f{id}", 'and its key');
};


subtest 'addresses' => sub {
    my $ip = sub { $_[0]->{fields}{intakeip} };
    my %masked = (
        '203.0.113.195' => '203.0.113.0',
        '2001:db8:1:2:3:4:5:6' => '2001:db8:1::',
        '::ffff:203.0.113.195' => '::ffff:203.0.113.0',
        '::1' => '::',
    );

    for my $address (sort keys %masked) {
        my @headers = (['X-Real-IP' => $address, 'X-N' => 1]);

        is($ip->(send_bare('bare', "ip $address", @headers)), $address,
           "$address: on");
        is($ip->(send_bare('masked', "ip $address", @headers)),
           $masked{$address}, "$address: masked");
        is($ip->(send_bare('off', "ip $address", @headers)), undef,
           "$address: off");
    }

    is($ip->(send_bare('masked', 'ip')), '127.0.0.0', 'without realip');
};


subtest 'headers' => sub {
    my %opt = (stream => 'own-stream');
    my $headers = sub {
        my ($body, @headers) = @_;
        my $f = send_bare('own', $body, \@headers, %opt)->{fields};
        return $f->{intakeheaders};
    };

    is($headers->('none', Cookie => 'a', 'X-Third' => 'b'), undef,
       'none of the list');
    is($headers->('case', 'x-first' => 'a', 'X-SECOND' => 'b'),
       '{"x-second":"b","x-first":"a"}', 'the order of the list');
    is($headers->('twice', 'X-First' => 'a', 'X-Second' => 'z',
                  'X-First' => 'b', 'X-First' => 'c'),
       '{"x-second":"z","x-first":["a","b","c"]}', 'repeated');

    my $value = "\"\\/<&>\t\xc3\xa9\xff'";
    my $json = $headers->('escapes', 'X-First' => $value,
                          'Content-Type' => 'a/b', 'X-First' => '');
    is_deeply(decode_json($json),
              { 'x-first' => ["\"\\/<&>\t\x{e9}\x{fffd}'", ''],
                'content-type' => 'a/b' }, 'escapes');

    my $res = $t->request_h2('POST', '/own', port => 1, body => 'h2',
                             headers => ['x-first', '1', 'x-first', '2']);
    is(entry_of($res, 'own-stream')->{fields}{intakeheaders},
       '{"x-first":["1","2"]}', 'HTTP/2');
};


subtest 'names of keys' => sub {
    my $f = send_bare('own', 'keys', [], stream => 'own-stream')->{fields};

    is($f->{source}, 'https://example.com/hooks', 'event_source');
    is($redis->command('EXISTS', '{own-stream}:dedupe:'
                             . dedupe_key('h', 'keys')), 1,
       'the keys of a stream with a name');
    is($redis->command('EXISTS', 'test:{signed}:dedupe:'
                             . dedupe_key('s', 'e-1')), 1,
       'of a signed id');
    is($redis->command('EXISTS', 'test:{loose}:dedupe:'
                             . dedupe_key('u', 'e-1')), 1,
       'of an unsigned id');
    is_deeply([grep { !/^(?:test:\{\w+\}|own-stream|\{own-stream\}:dedupe:h:.*
                           |test:\{\w+\}:dedupe:[suho]:[\w-]{22})$/x }
               @{$redis->command('KEYS', '*')}], [], 'and no others');
};


$t->finish();
