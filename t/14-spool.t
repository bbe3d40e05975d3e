#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The spool: while Redis is away deliveries are kept on the disk, acknowledged,
# and each is in its stream once when Redis is back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use POSIX qw(strftime);
use Test::More;

use Intake::Deliveries;
use Intake::Load;
use Intake::Process;
use Intake::RedisServer;
use Intake::Spool;
use Intake::Test;


subtest 'Redis is away at the start' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis);

    for my $id (1 .. 5) {
        my $res = $d->deliver("away-$id");

        is($res->status, 200, 'accepted');
        is_deeply($res->json, { ok => JSON::PP::true, id => "away-$id",
                                duplicate => JSON::PP::false },
                  'without an entry');
        cmp_ok($res->{elapsed}, '<', 0.9, 'soon');
    }

    ok($t->wait_for(sub { $t->read_file('outcome.log')
                              =~ /\A(?:spooled away-\d - - -\n){5}\z/ }),
       'the outcome');
    is($t->get('/status?health')->status, 200, 'well');
    is($t->get('/redis?health')->status, 503, 'not if Redis is asked for');
    is($t->get('/spool?health')->status, 200, 'the spool');

    my $node = spool_of($t);

    ok($node->{takes} && $node->{bytes} > 0 && $node->{files} == 1
       && $node->{replayed} == 0 && $node->{bad} == 0, 'the status')
        or diag(explain($node));
    like($node->{oldest}, qr/^20\d\d-.*Z$/, 'since when');
    is(scalar spool_files($t, 'seg'), 1, 'a segment');
    is((stat +($t->dir() . '/spool'))[2] & 0777, 0700, 'nobody else reads it');
    cmp_ok($d->metric('intake_spool_bytes'), '>', 5 * 200, 'its bytes');
    is($d->metric('intake_spool_files'), 1, 'its files');
    cmp_ok(abs($d->metric('intake_spool_oldest_timestamp_seconds') - time()),
           '<', 20, 'its age');

    my %arrival = map { $_->{fields}{id} => $_->{fields}{recordedtime} }
                  spool_records($t);
    is(scalar keys %arrival, 5, 'five records');

    $redis->start();
    ok(spool_empty($t), 'it empties itself');
    $d->balance('each is there once');

    for my $row ($redis->entries('intake:{a}')) {
        is($row->{fields}{recordedtime}, $arrival{$row->{fields}{id}},
           'when it had arrived');
    }

    is($d->metric('intake_spool_replayed_total'), 5, 'replayed');
    is($d->metric('intake_spool_bytes'), 0, 'no bytes');
    is($d->metric('intake_spool_files'), 0, 'no files');
    is($d->metric('intake_spool_oldest_timestamp_seconds'), 0, 'no age');
    is($d->deliver('away-1')->json->{duplicate}, JSON::PP::true,
       'a copy is a duplicate');
    cmp_ok($redis->command('TTL', 'intake:{a}:dedupe:s:' . $d->hash('away-1')),
           '>', 7 * 86400 - 60, 'known for a week');

    $t->finish();
};


# [what breaks it, what mends it]

my %refusals = (
    'no memory' => [
        sub { $_[0]->command(qw(CONFIG SET maxmemory 1mb)) },
        sub { $_[0]->command(qw(CONFIG SET maxmemory 0)) }],
    'too few replicas' => [
        sub { $_[0]->command(qw(CONFIG SET min-replicas-to-write 1)) },
        sub { $_[0]->command(qw(CONFIG SET min-replicas-to-write 0)) }],
    'a replica' => [
        sub { $_[0]->command(qw(REPLICAOF 127.0.0.1 1)) },
        sub { $_[0]->command(qw(REPLICAOF NO ONE)) }],
    'no right to the script' => [
        sub { $_[0]->command(qw(ACL SETUSER default -evalsha)) },
        sub { $_[0]->command(qw(ACL SETUSER default +evalsha)) }],
    'another type' => [
        sub { $_[0]->command(qw(RENAME intake:{a} kept));
              $_[0]->command(qw(SET intake:{a} text)) },
        sub { $_[0]->command(qw(RENAME kept intake:{a})) }],
    'cannot save' => [
        sub { mkdir "$_[0]{path}/dump.rdb";
              $_[0]->command('CONFIG', 'SET', 'save', '3600 1');
              bgsave($_[0], 'err') },
        sub { rmdir "$_[0]{path}/dump.rdb"; bgsave($_[0], 'ok') }],
);


sub bgsave {
    my ($redis, $status) = @_;

    Intake::Process::wait_for(sub { eval { $redis->command('BGSAVE') } });
    Intake::Process::wait_for(sub {
        $redis->command('INFO', 'persistence')
            =~ /rdb_last_bgsave_status:$status/ });
}


subtest 'Redis refuses' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir())->start();
    my $d = spool_deliveries($t, $redis, source => 'retain age=1h;');

    ok($d->ready(), 'ready');

    for my $name (sort keys %refusals) {
        my ($break, $mend) = @{$refusals{$name}};

        $break->($redis);
        is_deeply([map { my $res = $d->deliver("$name-$_");
                         $res->status . ($res->json->{entry} // '') } 1 .. 3],
                  [(200) x 3], "$name: accepted");
        ok(scalar spool_files($t, 'seg'), "$name: in the spool");

        $mend->($redis);
        ok(spool_empty($t), "$name: replayed");
        $d->balance("$name: once");
    }

    $t->finish();
};


# Redis may have stored it: nobody knows before it answers again

subtest 'Redis does not answer' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir())->start();
    my $d = spool_deliveries($t, $redis, source => 'deadline 1s;');

    for my $config ('', 'dedupe window=1h on_duplicate=mark;') {
        my $name = $config ? 'mark' : 'drop';

        $t->write_file_expand('nginx.conf',
                              spool_conf(source => "deadline 1s; $config"));
        ok($t->reload() && $d->ready(), "$name: ready");
        is($d->deliver("$name-before")->status, 200, 'stored');
        is($d->deliver("$name-copied")->status, 200, 'stored');

        $redis->pause();

        my $res = $d->deliver("$name-silent");
        my $copy = $d->deliver("$name-copied");

        is($res->status, 200, "$name: accepted");
        is($res->json->{entry}, undef, "$name: without an entry");
        cmp_ok($res->{elapsed}, '>', 0.7, 'Redis had its time');
        cmp_ok($res->{elapsed}, '<', 1.2, 'the sender his');

        $redis->resume();
        ok(spool_empty($t), "$name: replayed");
        is($d->count("$name-silent"), 1, "$name: it is there once");
        is($d->count("$name-copied"), $config ? 2 : 1, "$name: the copy");
    }

    is($d->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    $t->finish();
};


# nginx waits until the client of the last request of a connection has closed
# it: the request is still there, the disk has answered long ago

subtest 'a client that stays' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis, source => 'deadline 300ms;');
    my ($worker) = $t->worker_pids();

    my @stay = map { $d->send("stays-$_") } 1 .. 3;

    for my $sent (@stay) {
        $sent->{http}->write('x');
        my $res = $sent->{http}->response('POST');
        is($res->status, 200, 'accepted');
        $d->note($sent->{id}, $res);
    }

    ok(!$t->wait_for(sub { (($t->worker_pids())[0] // 0) != $worker }, 1),
       'the same worker');
    is(scalar spool_records($t), 3, 'each is in the spool once');
    $_->{http}->close() for @stay;

    $redis->start();
    ok(spool_empty($t), 'replayed');
    $d->balance('once');
    $t->finish();
};


subtest 'full' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis, size => '8k',
                             source => 'max_body 8k;');
    my ($n, $res) = (0);

    do { $res = $d->deliver('full-' . ++$n) }
        while $res->status == 200 && $n < 100;

    is($res->status, 503, 'refused');
    is($res->json->{code}, 'STORE_UNAVAILABLE', 'as without a spool');
    ok($res->header('Retry-After'), 'to be sent again');
    cmp_ok($n, '>', 10, 'not before it was full');
    is($d->deliver("full-$n")->status, 503, 'still');
    cmp_ok($d->metric('intake_spool_bytes'), '<=', 8192, 'within its size');
    is(scalar $t->error_log_lines(qr/\[error\].*is full/), 1, 'one line');

    $redis->start();
    ok(spool_empty($t), 'replayed');
    is($d->deliver("full-$n")->json->{duplicate}, JSON::PP::false,
       'what was refused was not kept');
    is(scalar @{[$redis->entries('intake:{a}')]}, $n, 'the others were');
    $d->balance('once');

    $redis->kill();
    is($d->deliver('room')->status, 200, 'there is room again');
    $t->finish();
};


subtest 'the largest finds an empty spool' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries(
        $t, $redis, size => '64k', source => 'max_body 64k;',
        server => 'location = /n { intake n; }', http =>
        'intake_platform none { algorithm none; }
         intake_source n { platform none; max_body 64k; }');

    is($t->post('/n', 'x' x 65536)->status, 200, 'kept');
    is($t->post('/n', 'y')->status, 503, 'and the next one not');

    $redis->start();
    ok(spool_empty($t), 'replayed');
    is(length +($redis->entries('intake:{n}'))[0]{fields}{data}, 65536,
       'all of it');
    $t->finish();
};


# a worker that is killed leaves its segment, and so do those that go

subtest 'segments outlive their workers' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis, workers => 2);

    for my $n (1 .. 20) {
        is($d->deliver("first-$n")->status, 200, 'accepted') if $n % 5;
        $d->deliver("first-$n") unless $n % 5;
    }

    for my $pid ($t->worker_pids()) {
        ok($t->kill_worker($pid), 'killed');
    }

    is($d->deliver("second-$_")->status, 200, 'accepted') for 1 .. 3;
    ok($t->reload(), 'reloaded');
    is($d->deliver("third-$_")->status, 200, 'accepted') for 1 .. 3;

    ok($t->quit(), 'quit');
    $t->run();
    is($d->deliver("fourth-$_")->status, 200, 'accepted') for 1 .. 3;
    cmp_ok(scalar spool_files($t, 'seg'), '>=', 4, 'several segments');

    $redis->start();
    ok(spool_empty($t), 'replayed');
    $d->balance('once');
    is($d->metric('intake_spool_replayed_total'), 29, 'the count');
    is($d->metric('intake_spool_files'), 0, 'no files are left');
    ok($t->wait_for(sub { $d->metric('intake_spool_bytes') == 0 }), 'no bytes');
    $t->finish();
};


# A download, a websocket: the worker of the last configuration is there for
# hours.  First it replays when it is told to quit, then it writes.

subtest 'an old worker that stays' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $body = 'x' x 1000;
    my $d = spool_deliveries($t, $redis, server =>
        "location = /long { limit_rate 1; return 200 $body; }");
    my ($old) = $t->worker_pids();
    my @stay = map { $t->http() } 1 .. 2;

    is($d->deliver("first-$_")->status, 200, 'accepted') for 1 .. 3;
    start_with($t, $redis, qw(SET intake:{a} text));
    ok($t->wait_for_log(qr/WRONGTYPE/), 'it replays');

    $stay[0]->send('GET', '/long', close => 1);
    ok($t->wait_for(sub { $d->metric('intake_spool_files') }), 'it is there');
    ok($t->reload(), 'reloaded');
    $redis->command(qw(DEL intake:{a}));
    ok($t->wait_for(sub { !spool_files($t) }, 40), 'the new one replays');
    $d->balance('once');

    delete $d->{book};
    $redis->kill();
    $stay[1]->send('GET', '/long', close => 1);
    is($d->deliver("second-$_")->status, 200, 'accepted') for 1 .. 3;
    ok($t->reload(), 'reloaded');
    $redis->start();
    ok(spool_empty($t, 40), 'the third one replays');
    $d->balance('once');

    ok(kill(0, $old), 'the first is still there');
    $_->close() for @stay;
    $t->finish();
};


# a master in the foreground obeys USR2 when its first parent has gone

subtest 'a binary upgrade' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());

    $t->without_parent();

    my $d = spool_deliveries($t, $redis, workers => 2);
    my $old = $t->master_pid();

    $t->{process}->signal('KILL');
    ok($t->wait_for(sub { $t->{process}->gone() }), 'without a parent');

    is($d->deliver("old-$_")->status, 200, 'accepted') for 1 .. 5;

    $t->signal('USR2');
    ok($t->wait_for(sub { my $pid = $t->master_pid();
                          $pid && $pid != $old && $t->worker_pids() == 2 }),
       'a new master');
    is($d->deliver("both-$_")->status, 200, 'accepted') for 1 .. 10;

    $redis->start();
    ok(spool_empty($t), 'both replay');
    $d->balance('once');

    $redis->kill();
    is($d->deliver("again-$_")->status, 200, 'accepted') for 1 .. 10;
    kill 'QUIT', $old;
    ok($t->wait_for(sub { !kill 0, $old }), 'the old one leaves');

    $redis->start();
    ok(spool_empty($t), 'the new one replays');
    is($d->count("again-$_"), 1, 'once') for 1 .. 10;
    $t->finish();
};


subtest 'live traffic goes on' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir(), options => {
        appendonly => 'yes', appendfsync => 'no' })->start();
    my $d = spool_deliveries($t, $redis, workers => 2);

    ok($d->ready(), 'ready');

    my $load = Intake::Load->start($d, clients => 3);

    for my $round (1 .. 4) {
        ok($load->wait(100), 'it goes on with Redis');
        $redis->kill();
        ok($load->wait(300), 'it goes on without');
        ok($t->kill_worker(), 'a worker is killed') if $round == 2;
        ok($t->reload(), 'a reload') if $round == 3;
        $redis->start();
    }

    ok($load->wait(200), 'it goes on');

    my @answers = $load->stop();

    is_deeply([grep { $_->{status} != 200 && $_->{status} != 0 } @answers], [],
              'none is refused');
    is_deeply([grep { $_->{elapsed} > 2 } @answers], [], 'none waits long');
    ok(spool_empty($t), 'replayed');
    $d->balance('what was acknowledged is there once');
    $t->finish();
};


# the platform sends it again, and that copy gets to Redis first

subtest 'a copy is faster' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis);

    is($d->deliver('copied')->status, 200, 'accepted');
    ok($t->quit(), 'quit');

    my ($segment) = spool_files($t, 'seg');

    rename $segment, "$segment.held" or die $!;
    $redis->start();
    $t->run();
    ok($d->ready(), 'ready');
    is($d->deliver('copied')->json->{duplicate}, JSON::PP::false,
       'it is the first');

    rename "$segment.held", $segment or die $!;
    ok(spool_empty($t), 'replayed');
    is($d->count('copied'), 1, 'once');
    is($d->metric('intake_spool_replayed_total'), 1, 'and done');
    $t->finish();
};


# What has waited for longer than the window is still a copy of what came before
# it within the window, and of what has overtaken it.
# The keys are as if copies had come and been stored at other times.

subtest 'the age of what has waited' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis);    # window=1h
    my $now = time();

    # [the other copy arrived, s from now, and was stored; becomes an entry]

    my %copies = (
        'waited' => [-1800, -7200, 0],
        'came later' => [-7200, -7200, 1],
        'waited together' => [-7200, -1, 0],
        'was overtaken' => [1800, -1, 0],
        'was overtaken long ago' => [7200, -7200, 0],
    );
    my @keys;

    for my $id (sort keys %copies) {
        my ($arrived, $stored) = @{$copies{$id}};

        is($d->deliver($id)->status, 200, "$id: accepted");
        push @keys, 'intake:{a}:dedupe:s:' . $d->hash($id),
            sprintf '%d000-0 %s %s', $now + $stored,
                    strftime('%Y-%m-%dT%H:%M:%S.500000Z',
                             gmtime $now + $arrived), $id;
    }

    start_with($t, $redis, 'MSET', @keys);
    ok(spool_empty($t), 'replayed');
    is($d->count($_), $copies{$_}[2], $_) for sort keys %copies;
    $t->finish();
};


my $other = 'intake_source b { platform signed; secret s3cret; }';

subtest 'a source that is gone' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my %b = (http => $other, server => 'location = /b { intake b; }');
    my $d = spool_deliveries($t, $redis, %b);
    my $b = Intake::Deliveries->new(t => $t, redis => $redis, uri => '/b',
                                    stream => 'intake:{b}');

    for my $n (1 .. 100) {
        $d->deliver("a-$n");
        $b->deliver("b-$n");
    }

    my @segments = spool_files($t, 'seg');

    $t->write_file_expand('nginx.conf', spool_conf());
    ok($t->reload(), 'reloaded');
    $redis->start();
    ok($t->wait_for(sub { !spool_files($t, 'seg') }), 'replayed');
    $d->balance('the others');
    is(scalar $redis->entries('intake:{a}'), 100, 'all of them');

    my @bad = spool_files($t, 'bad');

    is(scalar @bad, 1, 'a file of its records');
    ok(!grep({ $_ eq $bad[0] =~ s/bad$/seg/r } @segments),
       'a name that no segment had');
    is(() = spool_dump($t, 'bad') =~ / source=b /g, 100, 'all of them');
    is($d->metric('intake_spool_bad_total'), 100, 'counted');
    is(scalar $t->error_log_lines(qr/\[error\].*is refused.*source "b"/), 100,
       'logged');

    $t->write_file_expand('nginx.conf', spool_conf(%b));
    rename $bad[0], $bad[0] =~ s/bad$/seg/r or die $!;
    ok($t->reload() && spool_empty($t), 'replayed under its old name');
    $b->balance('once');
    is(scalar $redis->entries('intake:{b}'), 100, 'all of them');
    $t->finish();
};


# Offsets and sizes of the records of a segment.

sub records {
    my ($t) = @_;
    return map { [/at=(\d+) size=(\d+)/] }
           grep { /^record/ } split /\n/, spool_dump($t, 'seg');
}


sub patch {
    my ($path, $at, $text) = @_;

    open my $fh, '+<:raw', $path or die "$path: $!";
    seek $fh, $at, 0;
    print $fh $text;
    close $fh or die "$path: $!";
}


# The rest cannot be replayed, so that the mark can be looked at.  It is moved
# with each window, which is a megabyte.

subtest 'damage' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis, http =>
        'intake_platform none { algorithm none; }
         intake_source n { platform none; }',
        server => 'location = /n { intake n; }');
    my $length = sub { $redis->command('XLEN', 'intake:{n}') };

    is($t->post('/n', "$_ " x 20_000)->status, 200, 'accepted') for 10 .. 89;
    is($d->deliver('blocked')->status, 200, 'accepted');
    ok($t->quit(), 'quit');

    my ($segment) = spool_files($t, 'seg');
    my @at = records($t);

    is(scalar @at, 81, 'the records');
    $redis->start();
    $redis->command(qw(SET intake:{a} text));
    $t->run();
    ok($t->wait_for(sub { $length->() == 80 && $t->error_log_lines(
           qr/WRONGTYPE/) }), 'all but the last');
    ok($t->stop(), 'the end');

    my ($done) = spool_dump($t, 'seg') =~ /\bdone=(\d+)\n/;

    cmp_ok($done, '>', 1024 * 1024, 'the mark has been moved');

    # from the beginning again, with damage

    patch($segment, 32, "\0" x 12);
    patch($segment, $at[10][0] + 60, 'damage');
    $redis->command(qw(FLUSHALL));
    $redis->command(qw(SET intake:{a} text));
    $t->expect_log(qr/\[alert\].*is damaged/);
    $t->run();
    ok($t->wait_for(sub { $length->() == 79 && $t->error_log_lines(
           qr/WRONGTYPE/) > 1 }), 'all but two');
    ok($t->stop(), 'the end');

    ($done) = spool_dump($t, 'seg') =~ /\bdone=(\d+)\n/;
    cmp_ok($done, '<=', $at[10][0], 'the mark does not pass damage');

    $redis->command(qw(DEL intake:{a}));
    $t->run();
    ok($t->wait_for(sub { !spool_files($t, 'seg') }), 'it ends');
    is(scalar spool_files($t, 'damaged'), 1, 'and is kept');
    is($length->(), 79, 'once');
    $d->balance('the last, too');
    is($d->metric('intake_spool_bad_total'), 1, 'counted');
    $t->finish();
};


# [what is done to the last record, what comes of it]

my %tails = (
    'cut' => [sub { truncate $_[0], $_[1] + $_[2] - 5 or die $! }, ''],
    'a head that is cut' => [sub { truncate $_[0], $_[1] + 9 or die $! }, ''],
    'zeros' => [sub { patch($_[0], $_[1], "\0" x $_[2]) }, ''],
    'a damaged length' => [sub { patch($_[0], $_[1] + 5, "\x70") }, 'damaged'],
    'another data' => [sub { patch($_[0], $_[1] + 50, 'damage') }, 'damaged'],
);

subtest 'the end of a segment' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir())->start();
    my $d = spool_deliveries($t, $redis);
    my $all = 0;

    $t->expect_log(qr/\[alert\].*is damaged/);

    for my $name (sort keys %tails) {
        my ($change, $end) = @{$tails{$name}};

        $redis->kill();
        $redis->start();
        $redis->kill();
        $d->deliver("$name-$_") for 1 .. 3;
        delete $d->{book}{"$name-3"};
        ok($t->quit(), "$name: quit");

        my ($segment) = spool_files($t, 'seg');

        $change->($segment, @{(records($t))[-1]});
        $redis->start();
        $t->run();
        ok($t->wait_for(sub { !spool_files($t, 'seg') }), "$name: replayed");
        is(scalar $redis->entries('intake:{a}'), 2, "$name: the others");
        is(join(' ', map { /([a-z]+)$/ } spool_files($t)), $end,
           "$name: what is left");
        unlink spool_files($t, 'damaged');
        delete $d->{book};
    }

    $t->finish();
};


subtest 'configuration' => sub {
    my $t = Intake::Test->new();

    for my $row (
        ['intake_spool %%DIR%%/s;', ''],
        ['intake_spool %%DIR%%/s max_size=1m;', ''],
        ['intake_spool spool max_size=10g;', ''],
        ['intake_spool %%DIR%%/s max_size=1m; intake_spool %%DIR%%/r;',
         '"intake_spool" directive is duplicate'],
        ['intake_spool %%DIR%%/s size=1m;', 'write max_size=SIZE'],
        ['intake_spool %%DIR%%/s max_size=much;', 'invalid size "much"'],
        ['intake_spool %%DIR%%/s max_size=0;', 'invalid size "0"'],
        ['intake_spool;', 'invalid number of arguments'],
        ['intake_spool "";', 'needs the path'],
        ['intake_spool %%DIR%%/s max_size=1023k;',
         '"max_size" of "intake_spool" is smaller than "max_body" of '
         . 'intake_source "a"'],
        ['intake_spool %%DIR%%/proxy;', 'the same path name'],
    ) {
        my ($line, $error) = @$row;
        my ($status, $said) = $t->test_config(
            delivery_conf() =~ s/(?=^ +intake_redis)/$line\n/mr);

        is($status, $error eq '' ? 0 : 1, $line) or diag($said);
        like($said, qr/\Q$error\E/, "$line: $error") if $error ne '';
    }

    my ($status, $said) = $t->test_config(
        delivery_conf() =~ s/intake_status;/intake_status health=spool;/r);

    is($status, 1, 'health=spool');
    like($said, qr/there is no "intake_spool".* in .*test\.conf:\d+/,
         'needs a spool');
};


done_testing();
