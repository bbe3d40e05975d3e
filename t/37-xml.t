#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Bodies that are no JSON: fields of XML, and documents inside of a form.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use Test::More;
use Time::HiRes qw(time);

use Intake::Sign;
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

    intake_redis {
        server %%REDIS%%;
    }

    intake_source wechat  { platform wechat; secret s3cret; }
    intake_source youtube { platform youtube-websub; secret s3cret; }
    intake_source slack   { platform slack; secret s3cret; }
    intake_source github  { platform github; secret s3cret; }
    intake_source gitea   { platform gitea-form; secret s3cret; }

    intake_platform fields {
        algorithm  hmac-sha256;
        signature  xml:r.head.sig "split= " prefix=v1=;
        timestamp  xml:r.head.time tolerance=off;
        signed     "$timestamp.${xml:r.body.text}";
        id         xml:r.body.id json:id;
        type       xml:r.body.kind as=com.example.;
        challenge  POST xml:r.ping=1 -> 200 text/xml "<p>${xml:r.ping}</p>";
        answer     200 text/plain "${xml:r.body.id}";
        dedupe     window=1h key=none;
    }
    intake_source fields { platform fields; secret s3cret; }
    intake_source answer {
        platform  fields;
        secret    s3cret;
        answer    200 text/plain "got ${xml:r.body.kind}";
    }

    intake_platform either {
        algorithm  none;
        id         json:a.id xml:a.id;
        type       json:a.kind xml:a.kind;
        message    inbound conversation=json:a.from|xml:a.from
                   id=xml:a.id|json:a.id;
        dedupe     window=1h key=none;
        max_body   8m;
    }
    intake_source either { platform either; }

    intake_platform document {
        algorithm  hmac-sha256;
        signature  header:X-Sig;
        signed     "${form:payload}";
        document   form:payload;
        id         json:id;
        type       json:type;
        methods    POST GET;
        dedupe     window=1h key=none;
    }
    intake_source document { platform document; secret s3cret; }

    server {
        listen  127.0.0.1:%%PORT_0%%;

        location = /wechat   { intake wechat; }
        location = /youtube  { intake youtube; }
        location = /slack    { intake slack; }
        location = /github   { intake github; }
        location = /gitea    { intake gitea; }
        location = /fields   { intake fields; }
        location = /answer   { intake answer; }
        location = /either   { intake either; }
        location = /document { intake document; }

        location = /status   { intake_status; }
    }
}

EOC

$t->run();

my $form = 'application/x-www-form-urlencoded';


sub last_entry {
    my ($source) = @_;
    my ($entry) = reverse $redis->entries("intake:{$source}");
    return $entry->{fields} || {};
}


sub said {
    my ($res) = @_;
    return $res->status . ' ' . ($res->status == 200 ? $res->body
                                                     : $res->json->{code});
}


sub wechat {
    my ($body) = @_;
    my $time = int time();
    my $signature = sha1_hex(join '', sort 's3cret', $time, 'n');

    return said($t->post("/wechat?signature=$signature&timestamp=$time"
                         . '&nonce=n', $body, ['Content-Type' => 'text/xml']));
}


subtest 'WeChat' => sub {
    my $text = '<xml><ToUserName><![CDATA[us]]></ToUserName>'
             . '<FromUserName><![CDATA[them]]></FromUserName>'
             . '<CreateTime>1772442000</CreateTime>'
             . '<MsgType><![CDATA[text]]></MsgType>'
             . '<Content><![CDATA[<MsgId>2</MsgId>]]></Content>'
             . '<MsgId>1</MsgId></xml>';

    is(wechat($text), '200 success', 'a message');

    my $fields = last_entry('wechat');

    is($fields->{intakekey}, 'u:1', 'its id');
    is($fields->{type}, 'com.weixin.text', 'its type');
    is($fields->{subject}, 'us:them', 'its conversation');
    is($fields->{data}, $text, 'the body as it is');

    is(wechat($text), '200 success', 'again');
    is(scalar $redis->entries('intake:{wechat}'), 1, 'is a duplicate');

    my $event = $text =~ s/\[text\]/[event]/r =~ s/<MsgId>1.*/<\/xml>/r
                =~ s/<Content>.*?<\/Content>/<Event>subscribe<\/Event>/r;

    is(wechat($event), '200 success', 'an event');
    $fields = last_entry('wechat');
    is($fields->{type}, 'com.weixin.event.subscribe', 'its type');
    like($fields->{intakekey}, qr/^h:/, 'known by its digest');
    is($fields->{subject}, undef, 'no message');

    is(wechat($event), '200 success', 'again');
    is(scalar $redis->entries('intake:{wechat}'), 2, 'is a duplicate');

    is(wechat($_), '200 success', "what cannot be read: $_")
        for '<xml><MsgId>3</MsgId>', '{}';
    is(last_entry('wechat')->{type}, 'com.weixin.unparsed', 'is unparsed');
    is(wechat('<xml><Encrypt>AAAA</Encrypt></xml>'), '200 success',
       'the safe mode');
    is(last_entry('wechat')->{type}, 'com.weixin.event', 'can be read');
    is(wechat(''), '200 success', 'nothing');
    is(last_entry('wechat')->{type}, 'com.weixin.event', 'is not unparsed');
};


subtest 'YouTube' => sub {
    my $deliver = sub {
        my ($updated) = @_;
        my $body = '<feed xmlns:yt="http://x" xmlns="http://y">'
            . '<updated>1</updated><entry><yt:videoId>V</yt:videoId>'
            . "<updated>$updated</updated></entry></feed>";

        return $t->post('/youtube', $body, ['X-Hub-Signature' => 'sha1='
            . hmac('sha1', 'hex', 's3cret', $body)])->json->{duplicate} ? 1 : 0;
    };

    is($deliver->(2), 0, 'a video');
    is(last_entry('youtube')->{intakekey}, 's:V:2', 'its id');
    is($deliver->(2), 1, 'again');
    is($deliver->(3), 0, 'changed');
};


# r.head.sig signs r.body.text.

sub fields {
    my ($body, %change) = @_;
    my $time = $change{time} // 1772442000;
    my $text = $change{text} // 'a & b';
    my $signature = hmac('sha256', 'hex', 's3cret', "$time.$text");

    return said($t->post($change{uri} // '/fields',
                         $body =~ s/SIG/v0=00 v1=$signature/r));
}

my $body = '<r><head><sig> SIG </sig><time>1772442000</time></head><body>'
         . '<text>a &amp; b</text><id>7</id><kind>x</kind></body></r>';


subtest 'any field' => sub {
    is(fields($body), '200 7', 'signature, time and text');
    is(last_entry('fields')->{id}, '7', 'id');
    is(last_entry('fields')->{type}, 'com.example.x', 'type');
    is(fields($body, uri => '/answer'), '200 got x',
       'the answer of the source');
    is(fields($body =~ s/a &amp; b/<![CDATA[a & b]]>/r), '200 7',
       'written in another way');
    is(fields($body =~ s/a &amp; b/a &#x26; b/r), '200 7', 'and in another');
    is(fields("<?xml version='1.0'?><!DOCTYPE r [<!ENTITY e 'a'>]>\n$body\n"),
       '200 7', 'behind a DOCTYPE');

    is(fields($body =~ s/a &amp; b/&e; &amp; b/r =~ s/^/<!DOCTYPE r [<!ENTITY
       e 'a'>]>/r), '401 SIGNATURE_MISMATCH', 'an entity of its own');
    is(fields($body, text => '&e; & b'), '401 SIGNATURE_MISMATCH',
       'another text');
    is(fields($body =~ s/<sig>.*<\/sig>//r), '401 SIGNATURE_MISSING',
       'no signature');
    is(fields($body =~ s/ SIG / v0=00 /r), '401 SIGNATURE_MISSING',
       'no such signature');
    is(fields($body =~ s/<time>.*<\/time>//r), '401 TIMESTAMP_MISSING',
       'no time');
    is(fields($body =~ s/<text>.*<\/text>/<text\/>/r),
       '401 SIGNATURE_MISSING', 'no text');
    is(fields($_), '400 MALFORMED', "'" . substr($_, 0, 20) . "'")
        for '', 'x', '{"id":1}', $body =~ s/<\/r>$//r, "$body<r/>",
            '<a>' x 200, $body =~ s/<id>/<id x>/r;
    is(fields('<r><ping>1</ping></r>'), '200 <p>1</p>', 'a handshake');
    is(fields('<r><ping>2</ping></r>'), '401 SIGNATURE_MISSING', 'is another');
};


subtest 'XML or JSON' => sub {
    my $deliver = sub {
        my ($body) = @_;
        my $status = $t->post('/either', $body)->status;
        my $fields = last_entry('either');

        return join ' ', $status, map { $_ // '-' } @$fields{qw(type subject)},
            $fields->{id} =~ /^[0-9a-f-]{36}$/ ? 'ours' : $fields->{id};
    };

    is($deliver->('{"a":{"id":1,"kind":"k","from":"f"}}'), '200 k f 1', 'JSON');
    is($deliver->('<a><id>1</id><kind>k</kind><from>f</from></a>'),
       '200 k f 1', 'XML');
    is($deliver->('<a><from>f</from></a>'), '200 event - ours',
       'XML without an id');
    is($deliver->('{"a":{}}'), '200 event - ours', 'JSON without an id');
    is($deliver->('<a><id>1</id>'), '200 unparsed - ours', 'neither');
    is($deliver->("<a><id>1\n2</id></a>"), '200 event - '
       . base64url(pack 'H*', Digest::SHA::sha256_hex("1\n2")),
       'an id that cannot be one');
};


subtest 'hostile' => sub {
    my $size = 4 * 1024 * 1024;

    for my $piece ('<b>', '<!-- ', '<![CDATA[', '<? ', '<b c="',
                   '<!DOCTYPE a [', '</a><a>', '<a ',
                   '<b/>', '<b></b>', '&#', '&')
    {
        my $start = time();
        my $res = $t->post('/either',
            '<a>' . $piece x ($size / length $piece) . '</a>');

        is($res->status, 200, "4 MB of '$piece'");
        cmp_ok(time() - $start, '<', 5, 'in time');
    }

    # eight of them, and one before

    my ($count) = $t->get('/status?format=prometheus&source=either')->body
        =~ /^intake_anomalies_total\{.*reason="unparsed"\} (\d+)$/m;

    is($count, 9, 'those that are no XML are unparsed');
};


# Documents in forms.

sub encoded {
    my ($text) = @_;
    return $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
}


subtest 'a document in a form' => sub {
    my $deliver = sub {
        my ($document, %opt) = @_;
        my $body = 'a=b&payload=' . encoded($document);
        my @headers = ('Content-Type' => $form, 'X-Sig' => $opt{signature}
                       // hmac('sha256', 'hex', 's3cret', $document));
        my $res = $opt{get}
            ? $t->get("/document?$body", \@headers)
            : $t->post('/document', $opt{body} // $body, \@headers);

        return $res->status . ' ' . ($res->json->{code} // '')
            unless $res->status == 200;

        my $fields = last_entry('document');
        return "200 $fields->{type} $fields->{intakekey}" =~ s/o:.*/o/r;
    };

    is($deliver->('{"id":1,"type":"t"}'), '200 t o', 'POST');
    is(last_entry('document')->{id}, '1', 'its id');
    is(last_entry('document')->{data},
       'a=b&payload=' . encoded('{"id":1,"type":"t"}'), 'the form as it is');
    is($deliver->('{"id":2,"type":"g"}', get => 1), '200 g o', 'GET');
    is(last_entry('document')->{id}, '2', 'its id');
    is($deliver->('{"id":1'), '200 unparsed o', 'no document');
    is($deliver->('{"id":1}', signature => '0' x 64),
       '401 SIGNATURE_MISMATCH', 'another signature');
    is($deliver->('{"id":1}', body => '{"id":1}'), '401 SIGNATURE_MISSING',
       'no form');
};


subtest 'Slack, GitHub and Gitea' => sub {
    my $document = '{"type":"block_actions","trigger_id":"12.98","a":"\u00e9"}';
    my $body = 'payload=' . encoded($document);
    my $res = $t->post('/slack', $body, [
        'Content-Type' => $form, sign_slack('s3cret', $body)]);

    is($res->status, 200, 'an interaction of Slack');
    is(last_entry('slack')->{type}, 'com.slack.block_actions', 'its type');
    is(last_entry('slack')->{intakekey}, 's:12.98', 'its id');

    $body = 'command=%2Fweather&trigger_id=13.9';
    $res = $t->post('/slack', $body, [
        'Content-Type' => $form, sign_slack('s3cret', $body)]);
    is(last_entry('slack')->{intakekey}, 's:13.9', 'a command of Slack');
    is(last_entry('slack')->{type}, 'com.slack.event', 'is not unparsed');

    $document = '{"action":"created","issue":{"number":5,"user":{"login":"u"}},'
              . '"repository":{"full_name":"a/b"},"sender":{"type":"User"},'
              . '"comment":{"id":9,"created_at":"2026-03-02T09:00:00Z",'
              . '"author_association":"NONE","user":{"type":"User"}}}';
    $body = 'payload=' . encoded($document);
    $res = $t->post('/github', $body, [
        'Content-Type' => $form,
        sign_github('s3cret', $body, event => 'issue_comment')]);
    is($res->status, 200, 'GitHub with a form');
    like(last_entry('github')->{subject}, qr/a\/b.*5/, 'its conversation');

    $res = $t->post('/gitea', $body, [
        'Content-Type' => $form, 'X-Gitea-Event' => 'push',
        'X-Gitea-Signature' => hmac('sha256', 'hex', 's3cret', $document)]);
    is($res->status, 200, 'Gitea with a form');
    is(last_entry('gitea')->{type}, 'com.gitea.push', 'its type');

    for my $twice ("$body&payload=%7B%7D", "payload=%7B%7D&$body") {
        $res = $t->post('/gitea', $twice, [
            'Content-Type' => $form, 'X-Gitea-Event' => 'push',
            'X-Gitea-Signature' => hmac('sha256', 'hex', 's3cret',
                                        $document)]);
        is($res->status . ' ' . $res->body =~ s/.*"code":"(\w+)".*/$1/sr,
           '401 SIGNATURE_MISSING', 'another payload beside it');
    }
};


# What nginx says of a configuration.

sub checked {
    my ($platform) = @_;
    my ($code, $output) = $t->test_config(<<"EOC");
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    intake_platform p {
        algorithm hmac-sha256; signature header:A;
        $platform
    }
}
EOC

    my @said = $output =~ /\[(?:emerg|warn)\] (.*?) in \S+:\d+$/mg;
    return join '; ', $code, @said;
}


subtest 'configuration' => sub {
    is(checked("signed \$body; $_"), '0', $_)
        for 'id xml:a.b;', 'id xml:yt:a.b-c split=, prefix=x;',
            'document form:payload; id json:a;',
            'document query:a split=, prefix=x;',
            'message inbound conversation=xml:a.b when=xml:a.c=d|e;';
    is(checked('signed ${form:p}; document form:p; id json:a;'), '0',
       'what is in a document is signed with it');
    is(checked('signed $form_sorted; document form:p; id json:a;'), '0',
       'and with all of a form');

    is(checked("signed \$body; id xml:$_;"), "1; \"xml:$_\" in \"id\": write "
       . 'names of elements, the root first, joined by dots', "xml:$_")
        for '*', 'a.*', 'a.0';
    is(checked('signed $body; id xml:a..b;'),
       '1; empty name in xml path "a..b" in "id"', 'an empty name');
    is(checked('signed $body; id xml:;'),
       '1; no name after ":" of "xml:" in "id"', 'no name');
    is(checked('signed ${xml:a}; id xml:b;'), '0; "id xml:b" of '
       . 'intake_platform "p" is not covered by "signed" and taken as '
       . 'unsigned: write "unsigned" after it, or name it in "signed"',
       'a field that is not signed');
    is(checked('signed ${xml:a}; id xml:a;'), '0', 'and one that is');
    is(checked("signed \$body; document $_;"), '1; "document" in '
       . 'intake_platform "p" must be a parameter, such as form:payload',
       "document $_")
        for 'json:a', 'header:A', 'conf:a';
    is(checked('signed $body; document form:a b;'), '1; "document" in '
       . 'intake_platform "p" takes SRC, split= and prefix=',
       'more than a place');
    is(checked('signed $body; message inbound each=xml:a conversation=@.b;'),
       '1; "each=xml:a" in "message" must be each=json:PATH', 'each=xml:');
};


$t->finish();
