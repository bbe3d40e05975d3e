#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# An allocation fails while a request is handled: the answer is right, or 500
# or 503, or there is none; what was acknowledged is stored once, and so is
# what is sent again.  Some eight allocations of each kind of request fail, one
# at a time, and with INTAKE_SLOW every one; INTAKE_KIND is a pattern of the
# kinds that are tried.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64 encode_base64url);
use Test::More;
use Time::HiRes qw(time);

use Intake::Deliveries;
use Intake::Form;
use Intake::Memory;
use Intake::Sign;
use Intake::Spool;
use Intake::Test;
use Intake::Verifier;


my $slow = $ENV{INTAKE_SLOW};
my ($only) = map { qr/$_/ } grep { defined } $ENV{INTAKE_KIND};
my $json = JSON::PP->new->utf8->canonical;

# the longest that an answer may take: the deadline of the sources, and what a
# loaded machine adds

my $longest = 8;
my $stuck;

my $t = Intake::Test->new();
my $memory = Intake::Memory->new(t => $t);

plan skip_all => 'the sanitizers have no allocations that fail'
    if !$memory->works();

my $verifier = Intake::Verifier->new(dir => $t->dir());
my $redis = $t->redis(port => 1);

$t->redis(name => 'replica', options => {
    replicaof => '127.0.0.1 ' . $redis->port() });


# Every allocation of more than 32 bytes in a pool is one of its own.

sub conf {
    my ($redis, $http) = @_;
    my $proxy = $verifier->port();

    return <<"EOC";
%%TEST_GLOBALS%%
env INTAKE_MEMORY;

events {
}

http {
    %%TEST_HTTP%%

    request_pool_size     112;
    connection_pool_size  112;

    include %%PLATFORMS%%;
    $http

    intake_redis {
        server           $redis;
        timeout          1s;
        connect_timeout  1s;
        max_clock_skew   off;
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "\$id.\$body";
        id         header:X-Id;
        type       json:type as=com.example.;
        message    inbound conversation=json:thread id=json:id;
        dedupe     window=1h;
    }

    intake_platform token {
        algorithm  jwt-hs256;
        signature  header:X-Token;
        claim      payload_hash "\$body" digest=sha256;
        id         jwt:jti;
        dedupe     window=1h;
    }

    intake_source a {
        platform  signed;
        secret    s3cret;
        deadline  2s;
        retain    maxlen=100000;
        sla       first=30m next=1h;
        escalate  after=1h name=manager;
    }

    intake_source copies {
        platform  signed;
        secret    s3cret;
        deadline  2s;
        dedupe    window=1h on_duplicate=mark;
    }

    intake_source durable {
        platform    signed;
        secret      s3cret;
        deadline    2s;
        durability  replicas=1;
    }

    intake_source token { platform token; secret s3cret; deadline 2s; }
    intake_source sns   { platform amazon-sns; secret file:sns.crt; }
    intake_source meta  {
        platform      meta;
        secret        s3cret;
        verify_token  words;
    }
    intake_source x     { platform x; secret s3cret; }

    intake_source form {
        form;
        field        name     required max=100;
        field        email    type=email;
        field        message  max=10000;
        honeypot     trap;
        spam         links=3;
        attachments  path=%%DIR%%/files;
        deadline     2s;
        sla          first=1h;
    }

    limit_req_zone    \$server_port  zone=full:64k  rate=1r/m;
    limit_req_status  429;

    intake_source captcha {
        form;
        captcha   location=/verify field=answer strict;
        deadline  2s;
    }

    server {
        listen  127.0.0.1:%%PORT_0%%;

        location = /a        { intake a; }
        location = /copies   { intake copies; }
        location = /durable  { intake durable; }
        location = /token    { intake token; }
        location = /sns      { intake sns; }
        location = /meta     { intake meta; }
        location = /x        { intake x; }
        location = /form     { intake form; }
        location = /limited  { intake form; limit_req zone=full; }
        location = /captcha  { intake captcha; }
        location = /replies  { intake_replies token=words; }
        location = /status   { intake_status; }
        location = /ready    { intake_status; }

        location = /verify {
            internal;
            proxy_pass      http://127.0.0.1:$proxy;
            proxy_set_body  "\$intake_captcha_response";
        }
    }
}
EOC
}


# The kinds of requests.  `make` gives [METHOD, URI, BODY, HEADERS] of a mark,
# which what is stored has in its data; `right` is true of a right answer,
# `stream` where the marks are looked for; `before` is run first.

my %kinds = (
    webhook => { stream => 'a', make => \&webhook, right => \&is_stored },
    duplicate => { stream => 'a', make => \&webhook, before => \&again,
                   right => sub { is_stored(@_)
                                  && $_[0]->json->{duplicate} } },
    copy => { stream => 'copies', before => \&again, copies => 2,
              make => sub { webhook($_[0], '/copies') },
              right => \&is_stored },
    durable => { stream => 'durable', right => \&is_stored,
                 make => sub { webhook($_[0], '/durable') } },
    refused => { make => sub { my ($method, $uri, $body) = webhook(@_);
                               return ($method, $uri, "$body ", [
                                   'X-Id' => 1, 'X-Signature' => 'ab']) },
                 right => sub { $_[0]->status == 401 } },
    token => { stream => 'token', make => \&token, right => \&is_stored },
    sns => { stream => 'sns', make => \&sns, right => \&is_stored },
    urlencoded => { stream => 'form', make => \&urlencoded,
                    right => \&is_stored },
    'form of a browser' => { stream => 'form', make => sub {
            my ($method, $uri, $body) = urlencoded(@_);
            return ($method, $uri, $body, Intake::Form->headers(
                Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate')) },
        right => sub { $_[0]->status == 200
                       && $_[0]->body =~ m{</html>\s*\z} } },
    'form over a limit' => { make => \&limited,
        before => sub { ask(limited('first')); return '' },
        right => \&is_limited },
    'form with errors' => { make => sub {
            return ('POST', '/form', 'email=none&name=',
                    Intake::Form->headers()) },
        right => sub { $_[0]->status == 422
                       && @{$_[0]->json->{errors}} == 2 } },
    multipart => { stream => 'form', make => \&multipart,
                   right => \&is_stored },
    json => { stream => 'form', right => \&is_stored, make => sub {
        return ('POST', '/form',
                $json->encode({ name => $_[0], email => 'ann@example.org',
                                message => "Hello \x{e9}" }),
                Intake::Form->headers('Content-Type' => 'application/json'))
    } },
    captcha => { stream => 'captcha', right => \&is_stored, make => sub {
        return ('POST', '/captcha', "name=$_[0]&answer=good",
                Intake::Form->headers()) } },
    replies => { make => \&replies, right => \&are_replies },
    link => { make => sub { return ('GET', '/replies?t=' . link_token()) },
              right => sub { $_[0]->status == 200
                             && $_[0]->body =~ /<button>/ } },
    challenge => { make => sub {
            return ('GET', '/meta?hub.mode=subscribe&hub.verify_token=words'
                           . "&hub.challenge=$_[0]") },
        right => sub { $_[0]->status == 200 && $_[0]->body eq $_[1] } },
    'challenge with a digest' => {
        make => sub { return ('GET', "/x?crc_token=$_[0]") },
        right => sub { $_[0]->status == 200 && $_[0]->json->{response_token}
                       eq crc_token('s3cret', $_[1]) } },
    connect => { stream => 'a', make => \&webhook, right => \&is_stored,
                 armed => sub { $redis->command(qw(CLIENT KILL TYPE normal
                                                   SKIPME yes)) } },
    'status prometheus' => status('prometheus', qr/\n\z/, \&families),
    'status openmetrics' => status('openmetrics', qr/^# EOF\n\z/m,
                                   \&families),
    'status html' => status('html', qr{</html>\s*\z},
                            sub { $_[0]->body =~ /(<h\d.*)/g }),
    'status json' => status('json', qr/\}\s*\z/,
                            sub { paths($_[0]->json, '') }),
);

$kinds{spooled} = { %{$kinds{webhook}}, right => sub {
    is_stored(@_) && !exists $_[0]->json->{entry} } };
$kinds{'spooled form'} = { %{$kinds{multipart}} };
$kinds{'used captcha'} = {
    stream => 'captcha', right => $kinds{duplicate}{right}, make => sub {
        return ('POST', '/captcha', "name=$_[0]&answer=used",
                Intake::Form->headers()) },
    before => sub {
        return deliver($kinds{captcha}, $_[1], $kinds{captcha}{make}->($_[1]))
    } };


sub webhook {
    my ($mark, $uri) = @_;
    my $body = $json->encode({ id => $mark, thread => "c-$mark",
                               type => 'sent', text => 'x' x 200 });

    return ('POST', $uri // '/a', $body, [
        'Content-Type' => 'application/json', 'X-Id' => $mark,
        'X-Signature' => hmac('sha256', 'hex', 's3cret', "$mark.$body")]);
}


sub limited {
    my ($mark) = @_;

    return ('POST', '/limited', "name=Ann&message=$mark", Intake::Form->headers(
        Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate'));
}


# nginx does not limit when it has no memory for the key

sub is_limited {
    my ($res, $mark) = @_;

    return $res->body =~ m{</html>\s*\z}
           && ($res->status == 429
               || $res->status == 200
                  && grep { $_->{fields}{data} =~ /\b$mark\b/ }
                          $redis->entries('intake:{form}'));
}


sub token {
    my ($mark) = @_;
    my $body = "body $mark";

    return ('POST', '/token', $body, [
        'X-Token' => jwt(sub { hmac('sha256', 'raw', 's3cret', $_[0]) },
                         { jti => $mark, exp => int time() + 600,
                           payload_hash => Digest::SHA::sha256_hex($body) },
                         { alg => 'HS256', typ => 'JWT' })]);
}


sub sns {
    my ($mark) = @_;
    my %message = (
        Type => 'Notification', MessageId => $mark,
        TopicArn => 'arn:aws:sns:us-west-2:123456789012:MyTopic',
        Message => "Hello \x{e9}", Timestamp => '2012-05-02T00:54:06.655Z',
        SignatureVersion => '2',
        SigningCertURL => 'https://sns.us-west-2.amazonaws.com/x.pem');
    my $text = join '', map { "$_\n$message{$_}\n" }
               qw(Message MessageId Timestamp TopicArn Type);

    utf8::encode($text);
    $t->write_file('message', $text);

    my $signature = qx(openssl dgst -sha256 -sign @{[$t->path('sns.key')]} \\
                       @{[$t->path('message')]});

    return ('POST', '/sns', $json->encode({
        %message, Signature => encode_base64($signature, '') }), [
        'Content-Type' => 'text/plain; charset=UTF-8']);
}


sub urlencoded {
    my ($mark) = @_;

    return ('POST', '/form', Intake::Form::encoded([
        name => $mark, email => 'ann@example.org',
        message => 'Hello, ' . 'x' x 500]), Intake::Form->headers());
}


sub multipart {
    my ($mark) = @_;
    my $boundary = 'a-boundary';
    my $body = join '', map { "--$boundary\r\nContent-Disposition: form-data; "
                              . "name=\"$_->[0]\"$_->[1]\r\n\r\n$_->[2]\r\n" }
        ['name', '', $mark], ['message', '', 'Hello'],
        ['cv', "; filename=\"cv.txt\"\r\nContent-Type: text/plain",
         "of $mark\n" x 500];

    return ('POST', '/form', "$body--$boundary--\r\n", Intake::Form->headers(
        'Content-Type' => "multipart/form-data; boundary=$boundary"));
}


my @items = (
    { source => 'a', conversation => 'c-again', kind => 'reply' },
    { source => 'a', conversation => 'c-again', kind => 'message' },
    { source => 'a', conversation => 'c-again', kind => 'note' },
    { source => 'a', conversation => 'c-again', kind => 'close' },
);

sub replies {
    my ($mark) = @_;

    return ('POST', '/replies', $json->encode([
        map { { %{$items[$_]}, id => "$mark-$_" } } 0 .. $#items ]),
        ['Authorization' => 'Bearer words']);
}


# A link to close; the digest of what it says.

sub link_token {
    my $said = join '.', 'v1', 'a', encode_base64url('c-again'), 4102444800;

    return "$said." . encode_base64url(hmac_sha256($said, 'words'));
}


sub are_replies {
    my ($res) = @_;

    return 0 if $res->status != 200;

    my $results = $res->json->{results};

    return @$results == @items && !grep { !$_->{ok} } @$results;
}


# A document that lacks something has another shape than the first one: the
# paths of a JSON, the tags of a page, the families of the others.

sub status {
    my ($format, $whole, $shape) = @_;
    my $first;

    return {
        most => 120,
        make => sub { return ('GET', "/status?format=$format") },
        right => sub {
            my ($res) = @_;

            return 0 if $res->status != 200 || $res->body !~ $whole;

            my %shape = map { $_ => 1 } $shape->($res);
            my $this = join ' ', sort keys %shape;

            return $this eq ($first //= $this);
        } };
}


sub families { $_[0]->body =~ /^# TYPE (.*)/mg }


sub paths {
    my ($value, $path) = @_;

    return map { paths($value->{$_}, "$path.$_") } keys %$value
        if ref $value eq 'HASH';
    return map { paths($_, "$path.*") } @$value if ref $value eq 'ARRAY';

    return $path;
}


sub is_stored {
    my ($res) = @_;
    return $res->status == 200 && $res->json->{ok};
}


# One request; false when there was no whole answer.

sub ask {
    my (@request) = @_;
    my ($method, $uri, $body, $headers) = @request;
    my $http = eval { $t->http(timeout => $longest) } or return;
    my $res = $http->request($method, $uri, body => $body,
                             headers => $headers, close => 1);

    $stuck = !$http->closed();

    return $res->status && $res->{complete} ? $res : undef;
}


# Sends it until it is answered, as a platform does.

sub deliver {
    my ($kind, $mark, @request) = @_;
    my $res;

    $t->wait_for(sub {
        $res = ask(@request);
        return $res && $res->status !~ /^50[03]$/;
    });

    return $res && eval { $kind->{right}->($res, $mark) } ? '' : told($res);
}


# Once as if nothing were wrong, so that it has been there before.

sub again {
    my ($kind, $mark, @request) = @_;
    return deliver({ %$kind, right => \&is_stored }, $mark, @request);
}


sub told {
    my ($res) = @_;
    return $res ? $res->status . ' ' . substr($res->body, 0, 300)
                : 'no answer';
}


my $d = Intake::Deliveries->new(t => $t, redis => $redis);
my ($marks, $logged) = (0, 0);
my $worker;


# What nginx has called a fault of its own since the last time.

sub alerts {
    open my $fh, '<', $t->path('error.log') or return '';
    seek $fh, $logged, 0;

    my @alerts = grep { /\[(?:alert|crit)\]/ } <$fh>;

    $logged = tell $fh;
    return join '', @alerts;
}


# One request whose allocation $n fails; what was wrong, and whether it came
# to that one.

sub try {
    my ($kind, $n, $away) = @_;
    my $mark = 'mark-' . ++$marks;
    my @request = $kind->{make}->($mark);
    my $wrong = '';

    $wrong = $kind->{before}->($kind, $mark, @request) if $kind->{before};

    my $begun = time();

    $memory->fail($n);
    $kind->{armed}->() if $kind->{armed};

    my $res = ask(@request);
    my $seen = $memory->end();

    $wrong .= ' the connection stays' if $stuck;

    my $took = time() - $begun;
    my $right = $res && eval { $kind->{right}->($res, $mark) };

    if ($res && !$right && $res->status !~ /^50[03]$/) {
        $wrong .= 'answered ' . told($res);
    }

    $wrong .= alerts();
    $wrong .= " after $took s" if $took > $longest - 1;
    $wrong .= ' without a fault: ' . told($res)
        if !$right && !$seen->{failed};
    $wrong .= ' the worker has gone' if "@{[$t->worker_pids()]}" ne $worker;

    if (!$away) {
        $wrong .= ' no connection' if !$d->ready();
        $wrong .= ' something is in flight'
            if !$t->wait_for(sub { $d->in_flight() == 0 }, 5);
    }

    my $then = deliver($kind, $mark, @request);

    $wrong .= " sent again: $then" if $then;

    return ($seen, $wrong, $mark, $right ? 'right' : $res ? $res->status
                                                          : 'closed');
}


# Every $step-th allocation; how many there are is seen when none fails.

sub campaign {
    my ($name, $away) = @_;
    my $kind = $kinds{$name};
    my (@wrong, %marks, %answers);

    $worker = "@{[$t->worker_pids()]}";

    # what is made once for all, as by OpenSSL, is made by the first

    try($kind, undef, $away);

    my ($seen, $said) = try($kind, undef, $away);
    my $count = $seen->{count};
    my $step = $slow ? 1 : int($count / 8) + 1;
    my $n = $slow ? 1 : 1 + int rand $step;

    push @wrong, "none fails: $said" if $said ne '';

    while (1) {
        ($seen, my $wrong, my $mark, my $answer) = try($kind, $n, $away);
        $marks{$mark} = 1 if $kind->{stream};
        last if !$seen->{failed} && $n > $count;

        $answers{$answer}++;
        push @wrong, "$n of $count: $wrong\n$seen->{trace}" if $wrong ne '';
        last if @wrong > 5;
        $n += $step;
    }

    ok($count > 0, "$name: there are allocations");
    cmp_ok($count, '<', $kind->{most}, "$name: but none for a value")
        if $kind->{most};
    ok(!@wrong, "$name: $count allocations, " . join ', ',
       map { "$answers{$_} $_" } sort keys %answers)
        or diag(join "\n", @wrong);

    return \%marks;
}


# How often each mark is in the stream of a kind.

sub stored_once {
    my ($name, $marks) = @_;
    my $kind = $kinds{$name};
    my %count = map { $_ => 0 } keys %$marks;

    for my $entry ($redis->entries("intake:{$kind->{stream}}")) {
        my ($mark) = "$entry->{fields}{id} $entry->{fields}{data}"
            =~ /\b(mark-\d+)\b/;
        $count{$mark}++ if defined $mark && exists $count{$mark};
    }

    my @wrong = grep { !$count{$_} || $count{$_} > 1 && !$kind->{copies} }
                sort keys %count;

    ok(!@wrong, "$name: each is stored once")
        or diag(join ' ', map { "$_: $count{$_}" } @wrong);
}


system('openssl req -new -newkey rsa:2048 -nodes -x509 -subj /CN=x -days 30'
       . " -keyout $t->{dir}/sns.key -out $t->{dir}/sns.crt 2>/dev/null") == 0
    or BAIL_OUT('openssl');
chmod 0600, "$t->{dir}/sns.crt";

$verifier->answers(
    good => '{"success":true}',
    used => '{"success":false,"error-codes":["timeout-or-duplicate"]}');
$t->expect_log(qr/\[emerg\].*(?:malloc|memalign|alloc)\(.*failed \(12/);
$t->write_file_expand('nginx.conf', conf('%%REDIS%%', ''));
$t->run(env => $memory->environment());
ok($d->ready(), 'ready');
is((deliver($kinds{webhook}, 'again', webhook('again'))), '', 'a conversation');

for my $name (grep { !/^spooled/ } sort keys %kinds) {
    next if $only && $name !~ $only;

    my $marks = campaign($name);
    stored_once($name, $marks) if $kinds{$name}{stream};
}

ok($t->quit(), 'nginx leaves');


# Without Redis, and then with it

$redis->stop();
$t->write_file_expand('nginx.conf', conf('%%REDIS%%',
                      'intake_spool %%DIR%%/spool max_size=1g;'));
$t->run(env => $memory->environment());

my %spooled;

for my $name (grep { /^spooled/ } sort keys %kinds) {
    next if $only && $name !~ $only;
    $spooled{$name} = campaign($name, 1);
}

$redis->start();
ok(spool_empty($t), 'replayed');
stored_once($_, $spooled{$_}) for sort keys %spooled;

$t->finish();
