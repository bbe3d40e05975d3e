#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# intake_replies: who may post, what is taken, what is answered, and what the
# clocks make of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256 sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use Test::More;

use Intake::Desk qw(desk_message stamp);
use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

my $json = JSON::PP->new->utf8->canonical;

$t->write_file('token', "replies-token-1\n");
chmod 0600, $t->path('token');

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server   %%REDIS%%;
        timeout  20s;
    }

    include %%DESK%%;

    intake_source mail {
        platform  desk;
        secret    s3cret;
        sla       first=30m next=1h;
        escalate  after=1h name=manager;
    }

    intake_source plain {
        platform  desk;
        secret    s3cret;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /mail { intake mail; }
        location = /plain { intake plain; }
        location = /replies { intake_replies token=file:token token=second; }
        location = /guarded {
            intake_replies access=nginx;
            allow 127.0.0.1;
            deny all;
        }
        location = /denied {
            intake_replies access=nginx;
            deny all;
        }
    }
}
EOC

$t->run();


sub message {
    my (%m) = @_;
    return desk_message($t, '/mail', \%m);
}


sub reply {
    my ($item, %opt) = @_;
    my $r = $t->post($opt{uri} // '/replies',
                     ref $item ? $json->encode($item) : $item,
                     $opt{headers}
                         // ['Authorization', 'Bearer replies-token-1']);

    return ($r->status(), eval { $json->decode($r->body()) }, $r);
}


my $now = time();


# who may post

for (undef, 'Bearer wrong', 'Basic x', 'Bearer ', 'Bearer replies-token') {
    my ($status, $answer, $r) = reply({},
        headers => [defined $_ ? ('Authorization', $_) : ()]);

    is($status, 401, 'not without the token');
    is($answer->{code}, 'CREDENTIALS', 'says so');
    is($r->header('www-authenticate'), 'Bearer realm="intake_replies"',
       'and which scheme');
}

is((reply({}, headers => ['Authorization', 'bearer second']))[0], 422,
   'a second token');
is((reply({}, uri => '/guarded', headers => []))[0], 422, 'or nginx decides');
is((reply({}, uri => '/denied', headers => []))[0], 403, 'against it, too');

my $r = $t->get('/replies');

is($r->status(), 405, 'GET');
is($r->header('allow'), 'POST', 'names the method');


# what is no item

for my $body ('', '{', '[1]', '3', '"x"', '{"a":1,"a":2}',
              '[' . join(',', ('{}') x 1001) . ']')
{
    my ($status, $answer) = reply($body);

    is($status, 400, 'no item: ' . substr $body, 0, 20);
    is($answer->{code}, 'MALFORMED', 'says so');
    ok($answer->{detail}, 'and why');
}

my %item = (source => 'mail', conversation => 'c1', kind => 'reply');

for ([source => undef, 'MISSING'], [source => 'nowhere', 'UNKNOWN_SOURCE'],
     [source => 'plain', 'UNKNOWN_SOURCE'], [kind => undef, 'MISSING'],
     [kind => 'answer', 'BAD_KIND'], [kind => 'inbound', 'BAD_KIND'],
     [conversation => undef, 'MISSING'], [at => 'today', 'BAD_TIME'],
     [at => 5, 'BAD_TIME'], [at => '2026-01-01T00:00:00', 'BAD_TIME'],
     [at => '1969-12-31T23:59:59Z', 'BAD_TIME'],
     [at => stamp($now + 3600), 'FUTURE_TIME'], [kind => 'merge', 'MISSING'],
     [conversation => 'nobody', 'UNKNOWN_CONVERSATION'])
{
    my ($name, $value, $code) = @$_;
    my %wrong = (%item, $name => $value);

    delete $wrong{$name} unless defined $value;

    my ($status, $answer) = reply(\%wrong);
    my $what = "$name " . ($value // 'missing');

    is($status, 422, $what);
    is($answer->{code}, $code, "$what: code");
    is($answer->{status}, 422, "$what: a problem");
}

# what is not a text is not what is missing: an id would not be known again

for ([id => 'x' x 513], [id => JSON::PP::true], [id => ['r1']], [id => "a\tb"],
     [id => 1.5], [conversation => { id => 'c1' }], [event => 'x' x 513],
     [conversation => 'x' x 513], [into => {}], [source => []],
     [kind => JSON::PP::false])
{
    my ($name, $value) = @$_;
    my ($status, $answer) = reply({ %item, $name => $value });
    my $what = "$name " . substr ref $value || $value, 0, 20;

    is($status, 422, $what);
    is($answer->{code}, 'BAD_MEMBER', "$what: code");
    is($answer->{member}, $name, "$what: which");
}

my ($status, $answer) = reply({ source => 'mail', kind => 'reply',
                                event => 'no-such-event' });

is("$status $answer->{code}", '422 UNKNOWN_EVENT', 'an unknown event');
is(keys %{{ @{$redis->command('HGETALL', 'intake:{mail}:sla:m') || []} }}, 0,
   'nothing has been counted') or diag explain
    $redis->command('HGETALL', 'intake:{mail}:sla:m');


# a wait and its answer

is(message(id => 'm1', thread => 'c1', from => 'customer',
           at => stamp($now - 600))->status(), 200, 'a customer writes');

($status, $answer) = reply({ %item, at => stamp($now - 300), id => 'r1' });

is_deeply([$status, $answer],
          [200, { ok => JSON::PP::true, state => 'answered',
                  response_seconds => 300, business_seconds => 300,
                  met => JSON::PP::true,
                  due => stamp($now + 1200) =~ s/Z$/.000000Z/r }],
          'the answer is measured') or diag explain $answer;

($status, $answer) = reply({ %item, at => stamp($now - 300), id => 'r1' });

is($answer->{state}, 'duplicate', 'the same reply again');

($status, $answer) = reply({ %item });

is($answer->{state}, 'orphan', 'a reply that answers nothing');
is($answer->{met}, undef, 'measures nothing');

message(id => 'm2', thread => 'c2', from => 'customer',
        at => stamp($now - 3000));

($status, $answer) = reply([
    { %item, conversation => 'c2', kind => 'note' },
    { %item, conversation => 'c2', kind => 'auto' },
    { %item, conversation => 'c2', kind => 'nonsense' },
    { %item, conversation => 'c2', at => stamp($now) },
    { source => 'mail', event => 'm2', kind => 'message' },
    { %item, conversation => 'c2', kind => 'pause' },
    { %item, conversation => 'c2', kind => 'resume' },
    { %item, conversation => 'c2', kind => 'merge', into => 'c1' },
    { %item, kind => 'close' },
]);

is($status, 200, 'several at once');
is_deeply([map { $_->{state} // $_->{code} } @{$answer->{results}}],
          [qw(ignored ignored BAD_KIND answered waiting paused waiting
              merged closed)], 'in their order') or diag explain $answer;
is($answer->{results}[3]{met}, JSON::PP::false, 'one was late');
is($answer->{results}[3]{response_seconds}, 3000, 'as long as it took');

is_deeply((reply([]))[1], { results => [] }, 'none at all');


# from outside, without a webhook

($status, $answer) = reply({ source => 'mail', conversation => 'phone',
                             kind => 'message', at => stamp($now - 100) });

is($answer->{state}, 'waiting', 'a message that was reported');
is($answer->{due}, stamp($now + 1700) =~ s/Z$/.000000Z/r, 'has a deadline');


# all of them at once

message(id => "old$_", thread => "old$_", from => 'customer',
        at => stamp($now - 5000)) for 1 .. 5;

($status, $answer) = reply({ source => 'mail', kind => 'close',
                             before => stamp($now - 4000) });

is_deeply([$status, $answer->{state}, $answer->{closed}], [200, 'closed', 5],
          'all that wait too long are closed') or diag explain $answer;

is($redis->command('ZCARD', 'intake:{mail}:sla:wait:default:first'), 1,
   'the others are not');

for (['1969-12-31T23:59:59Z', 'BAD_TIME'],
     [stamp($now + 3600), 'FUTURE_TIME'], [5, 'BAD_TIME'])
{
    ($status, $answer) = reply({ source => 'mail', kind => 'close',
                                 before => $_->[0] });

    is("$status $answer->{code}", "422 $_->[1]", "before $_->[0]");
}

for (['conversation', ''], ['conversation', undef], ['event', '']) {
    ($status, $answer) = reply({ source => 'mail', kind => 'close',
                                 before => stamp($now - 10),
                                 $_->[0] => $_->[1] });

    is("$status $answer->{code}", '422 MISSING', "no $_->[0] is not everybody");
}

message(id => "new$_", thread => "new$_", from => 'customer',
        at => stamp($now - $_)) for 10, 20;

($status, $answer) = reply({ source => 'mail', kind => 'close',
                             before => stamp($now),
                             at => stamp($now - 15) });

is($answer->{closed}, 2, 'a close of the past closes who waited then')
    or diag explain $answer;
is($redis->command('ZCARD', 'intake:{mail}:sla:wait:default:first'), 1,
   'not who has written since');

reply({ %item, conversation => 'new10', kind => 'close' });
message(id => 'new1', thread => 'phone', from => 'customer',
        at => stamp($now));


# the link of a mail

sub token {
    my ($conversation, %opt) = @_;
    my $text = join '.', 'v1', $opt{source} // 'mail',
                    encode_base64url($conversation),
                    $opt{expires} // $now + 1000;

    return "$text." . encode_base64url(hmac_sha256($text,
                                       $opt{key} // 'replies-token-1'));
}

my $link = '/replies?t=' . token('phone');

$r = $t->get($link);

is($r->status(), 200, 'a link');
like($r->header('content-type'), qr{^text/html}, 'is a page');
like($r->body(), qr/<form method="post"><button>/, 'with a button');
is($redis->command('ZCARD', 'intake:{mail}:sla:wait:default:first'), 1,
   'opening it does nothing');

$r = $t->post($link, '', ['Content-Type',
                          'application/x-www-form-urlencoded']);

is($r->status(), 200, 'the button');
like($r->body(), qr/The conversation is closed/, 'says so');
is($redis->command('ZCARD', 'intake:{mail}:sla:wait:default:first'), 0,
   'and it is');

for ([token('phone', key => 'other'), 'of another key'],
     [token('phone', expires => $now - 1), 'that has expired'],
     [token('phone', source => 'plain'), 'of another source'],
     [token('phone') . 'x', 'that was changed'], ['', 'that is empty'],
     ['v1.mail', 'that was cut'])
{
    my ($token, $what) = @$_;

    is($t->get("/replies?t=$token")->status(), 405, "a link $what");
    is($t->post("/replies?t=$token", '')->status(), 401, "$what: posted");
}

($status, $answer) = reply({ %item, kind => 'note' },
    uri => '/replies?t=' . token('phone', source => 'plain'));

is_deeply([$status, $answer->{state}], [200, 'ignored'],
          'a link of another source beside an item');


# what could not be counted is told, once

my $refused = qr/refused counters and marks of clocks of "intake:\{mail\}"/;
my $sent = 0;
my $send = sub { message(id => 'counted-' . ++$sent, thread => 'counted',
                         at => stamp($now)) };

$send->();
$redis->command('DEL', 'intake:{mail}:sla:m');
$redis->command('SET', 'intake:{mail}:sla:m', 'no hash');
is((reply({ %item, conversation => 'counted' }))[0], 200,
   'a reply is taken that is not counted');
ok($t->wait_for_log($refused), 'which is told');

$redis->command('DEL', 'intake:{mail}:sla:m');
ok($t->wait_for(sub { $send->();
                      $t->error_log_lines(qr/takes counters and marks of/) }),
   'so is that all is well');

$redis->command('DEL', 'intake:{mail}:sla:m');
$redis->command('SET', 'intake:{mail}:sla:m', 'no hash');
$send->();
ok($t->wait_for(sub { $t->error_log_lines($refused) == 2 }),
   'and what happens to messages');

$redis->command('DEL', 'intake:{mail}:sla:m');

my $broken = 'intake:{mail}:sla:c:'
             . substr(encode_base64url(sha256('broken')), 0, 22);

$redis->command('SET', $broken, 'of another program');
is(message(id => 'broken', thread => 'broken', at => stamp($now))->status(),
   200, 'a message is stored that the clocks cannot be told of');
ok($t->wait_for_log(qr/refused messages for the clocks of "intake:\{mail\}"/),
   'which is told');
is($t->error_log_lines(qr/refused a dedupe key/), 0, 'as nothing else');

$redis->command('DEL', $broken);
ok($t->wait_for(sub { $send->();
                      $t->error_log_lines(
                          qr/takes messages for the clocks of .* again/) }),
   'and that all is well');


# without Redis

$redis->stop();

($status, $answer, $r) = reply({ %item });

is($status, 503, 'Redis is away');
is($answer->{code}, 'STORE_UNAVAILABLE', 'says so');
ok($r->header('retry-after'), 'and when to come again');

$t->finish();
