#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The user of docs/redis.md, as it is printed there, has every right that is
# used: all kinds of deliveries work and Redis denies nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::Cluster;
use Intake::Deliveries;
use Intake::Desk qw(stamp);
use Intake::File;
use Intake::Sign;
use Intake::Test;


my $text = Intake::File::slurp("$Intake::Test::root/docs/redis.md");
my @lines = $text =~ /^ {4}ACL SETUSER (intake .+)$/mg;

is(scalar @lines, 7, 'what is needed, what is asked, durability, a cluster,'
                     . ' clocks, the status');

my ($wait, $waitaof, $cluster) = splice @lines, 2, 3;

is("$wait $waitaof $cluster",
   'intake +wait intake +waitaof intake +cluster|slots +asking', 'for some');
like($lines[0], qr/^intake on >PASSWORD resetkeys ~intake:\* -\@all /,
     'from nothing');
unlike("@lines", qr{\+\@|\ball(?:commands|keys|channels)\b|~\*},
       'no categories, no other keys');
s/PASSWORD/s3cret/ for @lines;

my %sources = (
    new => ['covered', 'dedupe window=1h;'],
    unsigned => ['loose', 'dedupe window=1h;'],
    body => ['covered', 'dedupe window=1h key=body;'],
    none => ['covered', 'dedupe window=1h key=none;'],
    mark => ['covered', 'dedupe window=1h on_duplicate=mark;'],
    'mark-unsigned' => ['loose', 'dedupe window=1h on_duplicate=mark;'],
    length => ['covered', 'dedupe window=1h; retain maxlen=10;'],
    age => ['covered', 'dedupe window=1h; retain age=1h;'],
    both => ['loose', 'dedupe window=1h; retain maxlen=10 age=1h;'],
);

my $sources = join '', map { <<"EOC" } sort keys %sources;
    intake_source $_ {
        platform  $sources{$_}[0];
        secret    s3cret;
        $sources{$_}[1]
    }
EOC

my $locations = join '',
    map { "        location = /$_ { intake $_; }\n" } sort keys %sources;

my $conf = <<'EOC' =~ s/SOURCES/$sources/r =~ s/LOCATIONS/$locations/r;
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server    %%REDIS%%;
        user      intake;
        password  s3cret;
        database  2;
    }

    intake_platform covered {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "$id.$body";
        id         header:X-Id;
    }

    intake_platform loose {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "$body";
        id         header:X-Id unsigned;
    }

SOURCES
    server {
        listen  127.0.0.1:%%PORT_0%%;

LOCATIONS
        location = /status { intake_status; }
    }
}
EOC


sub request_of {
    my ($source, $id, $body) = @_;
    my $signed = $sources{$source}[0] eq 'covered' ? "$id.$body" : $body;

    return (body => $body, close => 1, headers => ['X-Id' => $id,
        'X-Signature' => hmac('sha256', 'hex', 's3cret', $signed)]);
}


sub deliver {
    my ($t, $source, $id, $body) = @_;
    my $res = $t->request('POST', "/$source",
                          request_of($source, $id, $body));
    my $answer = $res->json;

    return join ' ', $res->status,
        $answer->{code} // ($answer->{duplicate} ? 'duplicate' : 'new');
}


# What Redis has denied: "REASON OBJECT" each.

sub denied {
    my ($redis) = @_;
    my %denied = map { my %entry = @$_; ("$entry{reason} $entry{object}" => 1) }
                 @{$redis->command('ACL', 'LOG')};
    return [sort keys %denied];
}


for my $count (1, 2) {
    subtest "the first $count" => sub {
        my $t = Intake::Test->new();
        my $redis = $t->redis();

        $redis->command('ACL', 'SETUSER', split / /, $lines[$_ - 1])
            for 1 .. $count;
        $redis->command('SELECT', 2);

        $t->write_file_expand('nginx.conf', $conf);
        $t->run();

        for my $source (sort keys %sources) {
            my $again = $source eq 'none' ? 'new' : 'duplicate';

            is(deliver($t, $source, 'a', 'one'), '200 new', "$source: new");
            is(deliver($t, $source, 'a', 'one'), "200 $again",
               "$source: again");
            is(deliver($t, $source, 'b', 'two'), '200 new',
               "$source: another");
            is(deliver($t, $source, $sources{$source}[0] eq 'loose' ? 'a' : 'c',
                       'three'), '200 new', "$source: one more");

            batch($t, $redis, $source);
        }

        # each script is loaded by its first call

        ok($t->wait_for(sub { calls($redis, 'eval') >= 2 }),
           'streams that get nothing are trimmed');

        # the questions come first and with each connection

        is_deeply(denied($redis), $count == 2 ? []
                  : ['command config|get', 'command info', 'command role'],
                  'what was denied');
        is(scalar $t->error_log_lines(qr/\[error\]/), 0, 'no errors');

        my $node = $t->get('/status?format=json')->json->{node};

        is_deeply([@{$node->{durability}}{qw(appendonly appendfsync)}],
                  $count == 2 ? [JSON::PP::false, 'everysec'] : [undef, undef],
                  'what is known');
        like($node->{redis}{clock_skew_seconds} // 'none', qr/^-?[\d.e-]+$/,
             'the clock');
        $t->finish();
    };
}


subtest 'clocks' => sub {
    my $t = Intake::Test->new();
    my $redis = $t->redis();
    my $json = JSON::PP->new->utf8;

    $redis->command('ACL', 'SETUSER', split / /) for @lines;
    $redis->command('SELECT', 2);

    $t->write_file('sla.conf', clocks('1h', ''));
    $t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    intake_redis {
        server    %%REDIS%%;
        user      intake;
        password  s3cret;
        database  2;
    }
    include  sla.conf;
    server {
        listen    127.0.0.1:%%PORT_0%%;
        location = /form { intake form; }
        location = /replies { intake_replies token=t; }
        location = /status { intake_status detail=on; }
    }
}
EOC
    $t->run();

    my $tell = sub {
        my $r = $t->post('/replies', $json->encode({ source => 'form', @_ }),
                         ['Authorization', 'Bearer t']);
        return $r->status() == 200 ? $r->json->{state} : $r->body();
    };

    is($t->post('/form', 'who=a', ['Content-Type',
                'application/x-www-form-urlencoded', 'Accept',
                'application/json'])->status(), 200, 'a form');

    is($tell->(conversation => $_->[0], kind => $_->[1], @$_[3 .. $#$_]),
       $_->[2], "$_->[1] of $_->[0]")
        for ['a', 'note', 'ignored'], ['a', 'pause', 'paused'],
            ['a', 'resume', 'waiting'], ['a', 'reply', 'answered'],
            ['a', 'reply', 'orphan'], ['b', 'message', 'waiting', id => 1],
            ['b', 'message', 'duplicate', id => 1],
            ['b', 'merge', 'merged', into => 'a'], ['a', 'close', 'closed'],
            ['c', 'message', 'waiting'];

    my $at = stamp(time() - 4000);

    is($tell->(conversation => 'late', kind => 'message', at => $at),
       'waiting', 'one that is late');
    ok($t->wait_for(sub {
        $redis->command('XLEN', 'intake:{form}:escalations') == 3 }),
       'is told');

    $t->write_file('sla.conf', clocks('2h', 'closed 2020-01-01;'));
    $t->reload();
    ok($t->wait_for_log(qr/2 open conversations were read anew/),
       'another calendar');

    is($tell->(kind => 'close', before => $at =~ s/^\d+/2100/r) =~ /FUTURE/, 1,
       'nothing of the future');
    is($tell->(kind => 'close', before => $json->decode(
        $t->get('/status?format=json')->body())->{now}), 'closed', 'all');

    my $r = $t->get('/status?format=json');

    is($r->json->{sources}[0]{stream}{entries}, 1, 'a length');
    is_deeply(denied($redis), [], 'nothing was denied');
    is(scalar $t->error_log_lines(qr/\[error\]/), 0, 'no errors');
    $t->finish();
};


# The user on a server: the lines that are needed and asked, and more.

sub user {
    my ($redis, @more) = @_;

    $redis->ask('ACL', 'SETUSER', split / /) for @lines[0, 1], @more;
}


my $login = 'user intake; password s3cret;';


# What a source with a durability does to a Redis whose user has one right more.

sub durable {
    my ($t, $redis, $right, $source) = @_;

    user($redis, $right);
    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => 'server ' . $redis->url() . "; $login", source => $source));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t, redis => $redis);

    ok($t->wait_for(sub { $d->deliver('a')->status == 200 }), 'stored');
    is($d->deliver('a')->json->{duplicate}, JSON::PP::true, 'a duplicate');
    is_deeply(denied($redis), [], 'nothing was denied');
    $t->finish();
}


subtest 'replicas' => sub {
    my $t = Intake::Test->new();
    my %common = ('repl-diskless-sync-delay' => 0);
    my $redis = $t->redis(port => 1, options => { %common });

    $t->redis(name => 'replica', port => 1, options => {
        %common, replicaof => '127.0.0.1 ' . $redis->port() });
    durable($t, $redis, $wait, 'durability replicas=1;');
};


subtest 'fsync' => sub {
    my $binary = Intake::RedisServer::valkey();

    plan skip_all => 'there is no valkey-server' unless $binary;

    my $t = Intake::Test->new();
    my $valkey = $t->redis(binary => $binary,
                           options => { appendonly => 'yes' });

    durable($t, $valkey, $waitaof, 'durability fsync; deadline 3s;');
};


# `a` is on a node, and then on another, by ASK and by MOVED

subtest 'a cluster' => sub {
    my $t = Intake::Test->new();
    my $all = Intake::Cluster->new($t, masters => 2, replicas => 0);
    my $stream = 'intake:{a}';

    user($_, $cluster) for $all->nodes();
    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => 'server ' . $all->url() . "; $login"));
    $t->run();

    my $d = Intake::Deliveries->new(t => $t, redis => $all);

    ok($d->ready(), 'the map is known');
    is($d->deliver('a')->status, 200, 'stored');

    my $from = $all->owner($stream);
    my ($to) = grep { $_ != $from } $all->nodes();
    my $slot = $from->ask('CLUSTER', 'KEYSLOT', $stream);
    my @slot = ('CLUSTER', 'SETSLOT', $slot);
    my ($from_id, $to_id) = map { $all->id($_) } $from, $to;

    $to->ask(@slot, 'IMPORTING', $from_id);
    $from->ask(@slot, 'MIGRATING', $to_id);
    $from->ask('MIGRATE', '127.0.0.1', $to->port(), '', 0, 5000, 'KEYS',
               @{$from->ask('CLUSTER', 'GETKEYSINSLOT', $slot, 9)});
    is($d->deliver('a')->json->{duplicate}, JSON::PP::true, 'by ASK');
    $_->ask(@slot, 'NODE', $to_id) for $to, $from;
    ok($t->wait_for(sub { $d->deliver('b')->status == 200 }), 'by MOVED');
    $d->balance('each once');
    is_deeply(denied($_), [], 'nothing was denied') for $from, $to;
    is(scalar $t->error_log_lines(qr/\[error\]/), 0, 'no errors');
    $t->finish();
};


sub clocks {
    my ($first, $more) = @_;

    return "intake_calendar c { timezone UTC; hours mon-sun 00:00-24:00;
                                $more }
    intake_source form {
        form; field who; groups g; conversation field:who;
        sla first=$first calendar=c; escalate after=1h name=x;
    }";
}


# deliveries of one turn of the event loop: one call of the script

sub batch {
    my ($t, $redis, $source) = @_;
    my ($worker) = $t->worker_pids();
    my $calls = calls($redis, 'evalsha');
    my @http = map { $t->http() } 1 .. 20;

    for my $i (1 .. 20) {
        my %request = request_of($source, "batch-$i", "batch $i");
        my $bytes = Intake::HTTP::head('POST', "/$source", %request)
                    . $request{body};

        $http[$i - 1]->write(substr $bytes, 0, -1);
        $http[$i - 1]{rest} = substr $bytes, -1;
    }

    # they were all read when this one was

    $t->get('/status?health');
    kill 'STOP', $worker;
    $t->wait_for(sub { Intake::File::slurp("/proc/$worker/stat")
                           =~ /\) T / });
    $_->write($_->{rest}) for @http;
    kill 'CONT', $worker;

    is_deeply([map { $_->response('POST')->status } @http], [(200) x 20],
              "$source: many at once");
    cmp_ok(calls($redis, 'evalsha') - $calls, '<', 5,
           "$source: in few calls");
}


sub calls {
    my ($redis, $command) = @_;
    return $redis->command('INFO', 'commandstats')
        =~ /cmdstat_$command:calls=(\d+)/ ? $1 : 0;
}


done_testing();
