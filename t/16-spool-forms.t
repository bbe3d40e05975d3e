#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Forms, their files, what is spam, tokens and response clocks through the
# spool.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use POSIX qw(strftime);
use Test::More;

use Intake::Desk;
use Intake::RedisServer;
use Intake::Spool;
use Intake::Test;


my $hours = <<'EOC';
map $intake_captcha_response $used {
    default  '{"success":true}';
    used     '{"success":false,"error-codes":["timeout-or-duplicate"]}';
}

intake_calendar office {
    timezone  UTC;
    hours     mon-sun 09:00-17:00;
}
EOC

my $sources = <<'EOC';
intake_source contact {
    form;
    honeypot     trap;
    token        secret=file:secret min=0s;
    spam         suspect=3 certain=4;
    attachments  path=%%DIR%%/files;
    redirect     /thanks.html;
    sla          first=1h calendar=office;
}

intake_source signup {
    form;
    captcha  location=/once field=answer;
}

include %%DESK%%;

intake_source mail {
    platform  desk;
    secret    s3cret;
    sla       first=1h next=30m calendar=office;
    sla       tier=gold first=10m calendar=office;
    tier      $arg_tier;
}
EOC

my $locations = <<'EOC';
location = /contact { intake contact; }
location = /signup  { intake signup; }
location = /once    { internal; return 200 $used; }
location = /mail    { intake mail; }
location = /token   { return 200 $intake_token_contact; }
location = /replies { intake_replies access=nginx; }
EOC

my @json = ('Accept' => 'application/json', 'Accept-Language' => 'en',
            'User-Agent' => 'Mozilla/5.0');
my @form = (@json, 'Content-Type' => 'application/x-www-form-urlencoded');


sub start {
    my ($calendar) = @_;
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());

    $t->write_file('secret', '0123456789abcdef0123456789abcdef', 0600);
    $t->{conf} = sub {
        spool_conf(http => $_[0] . $sources, server => $locations) };
    spool_deliveries($t, $redis, http => $hours . $sources,
                     server => $locations);

    return ($t, $redis);
}


sub fields {
    my ($redis, $stream) = @_;
    return map { $_->{fields} } $redis->entries($stream);
}


sub mail {
    my ($t, $query, %event) = @_;

    return desk_message($t, "/mail$query", \%event);
}


# What is measured when somebody answers.

sub answer {
    my ($t, %item) = @_;
    return $t->post('/replies', encode_json({ kind => 'reply', %item }),
                    ['Content-Type' => 'application/json'])->json;
}


subtest 'forms' => sub {
    my ($t, $redis) = start();

    my $res = $t->post('/contact', 'name=A&message=hello', \@form);

    is($res->status, 200, 'accepted');
    is($res->json->{ok}, JSON::PP::true, 'as when it is stored');

    my $id = $res->json->{id};

    is($t->post('/contact', 'name=B&message=there', [
           'Content-Type' => 'application/x-www-form-urlencoded',
           'Accept' => 'text/html', 'Accept-Language' => 'en',
           'User-Agent' => 'Mozilla/5.0', 'Sec-Fetch-Mode' => 'navigate'])
           ->status, 303, 'a page redirects');

    # certain spam: its sender sees no difference

    is($t->post('/contact', 'name=C&message=buy&trap=x&_token=forged', \@form)
           ->status, 200, 'spam');

    my ($token) = $t->get('/token')->body;

    for (1, 2) {
        is($t->post('/contact', "name=D&message=token&_token=$token", \@form)
               ->status, 200, 'with a token, sent twice');
    }

    my @heads = map { $_->{head} } spool_records($t);

    is(scalar @heads, 5, 'five records');
    is(scalar(grep { /stream=s/ } @heads), 1, 'one of them is spam');
    is(scalar(grep { /kind=n / } @heads), 2, 'two have a nonce');
    ok($t->wait_for(sub { $t->read_file('outcome.log')
           =~ /\A(?:spooled.*\n){2}spam .*\n(?:spooled.*\n){2}\z/ }),
       'the outcomes') or diag($t->read_file('outcome.log'));

    $redis->start();
    ok(spool_empty($t), 'replayed');

    my @main = fields($redis, 'intake:{contact}');
    my @spam = fields($redis, 'intake:{contact}:spam');

    is(join(' ', map { $_->{data} =~ /"name":\["(\w)/ } @main), 'A B D',
       'the stream');
    is($main[0]{id}, $id, 'the id that was told');
    is($main[0]{intakeverify}, 'none', 'a field of it');
    is(join(' ', map { $_->{data} =~ /"name":\["(\w)/ } @spam), 'C',
       'the stream of spam');
    like($spam[0]{intakespam}, qr/honeypot/, 'its evidence');
    is($t->post('/contact', 'name=A&message=hello', \@form)->json->{duplicate},
       JSON::PP::true, 'a copy is a duplicate');
    $t->finish();
};


# each copy has an id of its own until Redis can tell

subtest 'copies' => sub {
    my ($t, $redis) = start();
    my @answers = map { $t->post('/contact', 'name=A', \@form)->json } 1 .. 3;
    my %ids = map { ($_->{id} => 1) } @answers;

    is(join(' ', map { $_->{duplicate} ? 1 : 0 } @answers), '0 0 0',
       'none is called a duplicate');
    is(scalar keys %ids, 3, 'three ids');
    $redis->start();
    ok(spool_empty($t), 'replayed');

    my ($one, @others) = fields($redis, 'intake:{contact}');

    ok($ids{$one->{id}}, 'one of them is stored');
    is(scalar @others, 0, 'and no other');

    my $res = $t->post('/contact', 'name=A', \@form)->json;
    is("$res->{duplicate} $res->{id}", "1 $one->{id}", 'which is known now');
    $t->finish();
};


# a captcha's answer that comes again

subtest 'captcha' => sub {
    my ($t, $redis) = start();
    my $send = sub { $t->post('/signup', "name=A&answer=$_[0]", \@form) };

    is($send->('good')->status, 200, 'accepted');
    is($send->('used')->json->{code}, 'CAPTCHA_EXPIRED',
       'nobody can tell whether it is the same');
    $redis->start();
    ok(spool_empty($t), 'replayed');
    is($send->('used')->json->{duplicate}, JSON::PP::true, 'which it is');
    $t->finish();
};


subtest 'attachments' => sub {
    my ($t, $redis) = start();
    my $text = "a text for the spool\n";
    my $sum = sha256_hex($text);
    my $body = join "\r\n",
        '--b', 'Content-Disposition: form-data; name="message"', '', 'look',
        '--b', 'Content-Disposition: form-data; name="f"; filename="a.txt"',
        'Content-Type: text/plain', '', $text, '--b--', '';
    my $res = $t->post('/contact', $body, [
        @json, 'Content-Type' => 'multipart/form-data; boundary=b']);

    is($res->status, 200, 'accepted') or diag($res->body);

    my $files = sub {
        my @found = split /\n/, qx(find "$t->{dir}/files" -type f);
        return sort map { s{^\Q$t->{dir}\E/files/}{}r =~ tr{/}{}dr } @found;
    };

    is_deeply([$files->()], [$sum], 'the file alone, no mark');
    $redis->start();
    ok(spool_empty($t), 'replayed');

    my ($entry) = fields($redis, 'intake:{contact}');
    my ($file) = @{decode_json($entry->{intakefiles})};

    is($file->{sha256}, $sum, 'the entry names it');
    is($t->read_file($file->{path} =~ m{^/} ? $file->{path}
                                            : "files/$file->{path}"),
       $text, 'and it is there');
    $t->finish();
};


# Redis has the real time: messages are of two days ago

subtest 'clocks' => sub {
    my ($t, $redis) = start();
    my $day = strftime('%Y-%m-%d', gmtime(time() - 2 * 86400));
    my @one = (id => 'm1', from => 'customer', thread => 'one',
               at => "${day}T10:00:00Z");

    is(mail($t, '', @one)->status, 200, 'a message');
    is(mail($t, '?tier=gold', id => 'm2', from => 'customer', thread => 'two',
            at => "${day}T10:00:00Z")->status, 200, 'of another tier');
    is(mail($t, '', id => 'm3', from => 'customer', thread => 'three',
            at => "${day}T10:00:00Z")->status, 200, 'that is answered');
    is(mail($t, '', id => 'm4', from => 'agent', thread => 'three',
            at => "${day}T10:20:00Z")->status, 200, 'in time');

    my $form = $t->post('/contact', 'message=clock', \@form)->json->{id};

    is(join(' ', map { ($_->{fields}{extra} // '') =~ /(default|gold)/ }
                     spool_records($t)),
       'default gold default default default', 'tiers by name');

    # the office opens at other times by now

    $t->write_file_expand('nginx.conf',
        $t->{conf}->($hours =~ s/09:00-17:00/10:30-17:00/r));
    ok($t->reload(), 'reloaded');
    $redis->start();
    ok(spool_empty($t), 'replayed');

    my @mail = (source => 'mail');
    my $res = answer($t, @mail, conversation => 'one',
                     at => "${day}T11:15:00Z");

    is($res->{state}, 'answered', 'one waits');
    is($res->{response_seconds}, 75 * 60, 'since it was written');
    is($res->{business_seconds}, 45 * 60, 'by the new hours');
    ok($res->{met}, 'in time');

    $res = answer($t, @mail, event => 'm2', at => "${day}T10:45:00Z");

    is($res->{state}, 'answered', 'the event is known');
    is($res->{business_seconds}, 15 * 60, 'by the new hours');
    ok(defined $res->{met} && !$res->{met}, 'too late for its tier');

    $res = answer($t, @mail, conversation => 'three');

    is($res->{state}, 'orphan', 'nobody waits any more')
        or diag(explain($res));
    is(answer($t, source => 'contact', conversation => $form)->{state},
       'answered', 'who wrote by form waits');
    is(mail($t, '', @one)->json->{duplicate}, JSON::PP::true,
       'a copy is a duplicate');
    $t->finish();
};


# replies are not kept: who reports them hears what was measured, or 503

subtest 'replies' => sub {
    my ($t, $redis) = start();

    is($t->post('/replies', encode_json({
           source => 'mail', event => 'm2', kind => 'reply' }),
           ['Content-Type' => 'application/json'])->status, 503, 'refused');
    is(scalar spool_files($t), 0, 'nothing is kept');
    $t->finish();
};


done_testing();
