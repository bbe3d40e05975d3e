#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The replay goes on: whatever is wrong with one record, one source or one
# sector, the others get to Redis, what does not is kept in a file of its own,
# and somebody is told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use Test::More;

use Intake::Deliveries;
use Intake::RedisServer;
use Intake::Spool;
use Intake::Test;


my $dir = tempdir(CLEANUP => 1);

is(system('gcc', '-Wall', '-Werror', '-O', '-shared', '-fPIC',
          '-fno-builtin-malloc', '-o', "$dir/faults.so",
          "$FindBin::Bin/lib/spool_faults.c", '-ldl'),
   0, 'the faults are built')
    or BAIL_OUT('no faults');


# Sources a and b, which are signed, and n, which takes anything.

sub start {
    my (%opt) = @_;
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $a = spool_deliveries($t, $redis, %opt,
        globals => 'env INTAKE_FAULTS;',
        http => 'intake_platform none { algorithm none; deadline 20s; }
                 intake_source b { platform signed; secret s3cret; }
                 intake_source n { platform none; max_body 32m; }',
        server => 'location = /b { intake b; } location = /n { intake n; }',
        run => { env => { LD_PRELOAD => "$dir/faults.so",
                          INTAKE_FAULTS => $t->dir() . '/fault' } });
    my $b = Intake::Deliveries->new(t => $t, redis => $redis, uri => '/b',
                                    stream => 'intake:{b}');

    return ($t, $redis, $a, $b);
}


# A disk that many share may be too slow once or twice.

sub keep {
    my ($d, @ids) = @_;

    for my $id (@ids) {
        my $tries = 0;

        until ($d->deliver($id)->status == 200) {
            return fail("$id is kept") if ++$tries == 10;
        }
    }
}


sub fault {
    my ($t, $fault) = @_;

    $t->write_file('fault.next', "$fault\n");
    rename $t->path('fault.next'), $t->path('fault') or die $!;
}


# Redis takes nothing of b, whose records come first and fill more than a
# window

subtest 'a source that is stuck' => sub {
    my ($t, $redis, $a, $b) = start();

    $b->deliver("b-$_") for 1 .. 70;
    $a->deliver("a-$_") for 1 .. 5;
    $b->deliver("b-$_") for 71 .. 75;
    start_with($t, $redis, qw(SET intake:{b} text));

    ok($t->wait_for(sub { $redis->command(qw(XLEN intake:{a})) == 5 }, 30),
       'others are replayed');
    $a->balance('once');
    ok($t->wait_for(sub { !spool_files($t, 'seg') }), 'the segment has gone');

    my ($later, @more) = spool_files($t, 'later');

    like($later, qr/\.b\.later$/, 'a file of the source');
    is(scalar @more, 0, 'and no other');
    is(() = spool_dump($t, 'later') =~ / source=b /g, 75, 'all of them');
    is($a->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    is($a->metric('intake_spool_files'), 1, 'a file');
    cmp_ok($a->metric('intake_spool_oldest_timestamp_seconds'), '>', 0,
           'its age');
    is(scalar $t->error_log_lines(
           qr/\[error\] .*nothing of the source "b" gets out of the spool/),
       1, 'one line');

    # what comes now is not held up either, and the worker may be another

    is($a->deliver('a-live')->status, 200, 'live');
    ok($t->kill_worker(), 'killed');
    is($b->deliver('b-live')->status, 200, 'spooled');
    is($redis->command('GET', 'intake:{b}'), 'text', 'as it was');

    $redis->command(qw(DEL intake:{b}));
    ok(spool_empty($t, 40), 'replayed when it is mended');
    $b->balance('each once');
    is(scalar $redis->entries('intake:{b}'), 76, 'all of them');
    ok($t->wait_for(sub { $a->metric('intake_spool_bytes') == 0
                          && $a->metric('intake_spool_files') == 0 }),
       'the bytes are counted right');
    $t->finish();
};


# One of the records may not use its key, so that a call with it fails: the
# others of its source get out of the .later.

subtest 'a record of a .later that is refused' => sub {
    my ($t, $redis, $a, $b) = start();
    my @keys = map { 'intake:{b}:dedupe:s:' . $b->hash("b-$_") } 1 .. 70;

    keep($b, map { "b-$_" } 1 .. 70);
    start_with($t, $redis, qw(SET intake:{b} text));
    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 40), 'set aside');

    my ($first, @more) = spool_files($t, 'later');

    is(scalar @more, 0, 'a file');
    splice @keys, 4, 1;
    $redis->command(qw(ACL SETUSER default resetkeys ~intake:{a}*
                       ~intake:{b}), map { "~$_" } @keys);
    $redis->command(qw(DEL intake:{b}));
    utime 1, 1, $first;
    ok($t->wait_for(sub { !-e $first }, 40), 'tried again');
    is(scalar $redis->entries('intake:{b}'), 69, 'the others get out');
    is($b->count('b-5'), 0, 'it does not');

    my ($left, @none) = spool_files($t);

    like($left, qr/\.b\.later$/, 'it waits');
    is(scalar @none, 0, 'in a file');
    is(() = spool_dump($t, 'later') =~ /^record/gm, 1, 'alone');
    is($a->metric('intake_spool_files'), 1, 'counted');
    is(scalar $t->error_log_lines(qr/\[error\] .*a record of the source "b"/),
       1, 'one line');

    # it is the only one, and nothing changes

    utime 1, 1, $left;
    ok($t->wait_for(sub { (stat $left)[9] > 1 }, 20), 'tried again');
    is(join(' ', spool_files($t)), $left, 'it stays where it is');

    $redis->command(qw(ACL SETUSER default allkeys));
    utime 1, 1, $left;
    ok(spool_empty($t, 40), 'replayed when it is mended');
    $b->balance('each once');
    is(scalar $redis->entries('intake:{b}'), 70, 'all of them');
    $t->finish();
};


# Somebody mends what is in the .bad, as they think, and renames it, while its
# segment is still being replayed: a, which is stuck, holds that up for seconds.

subtest 'a .bad that is renamed too early' => sub {
    my ($t, $redis, $a, $b) = start();

    keep($b, map { "b-$_" } 1 .. 64);
    keep($a, 'a');
    keep($b, map { "b-$_" } 65 .. 70);

    my $records = () = spool_dump($t, 'seg') =~ / source=b /g;
    my $conf = $t->read_file('nginx.conf');
    my $without = $conf =~ s/intake_source b .*//r;

    $t->write_file('nginx.conf', $without =~ s/location = \/b .*?\}//r);
    ok($t->reload(), 'b is gone');
    start_with($t, $redis, qw(SET intake:{a} text));
    ok($t->wait_for(sub { spool_files($t, 'bad') }, 20), 'set aside');

    my ($bad) = spool_files($t, 'bad');

    is(system('mv', '-n', $bad, $bad =~ s/bad$/seg/r), 0, 'renamed');
    ok(!-e $bad, 'there was none of that name');
    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 40), 'replayed');
    is(() = spool_dump($t, 'bad') =~ / source=b /g, $records,
       'all of b are there');

    $redis->command(qw(DEL intake:{a}));
    $t->write_file('nginx.conf', $conf);
    ok($t->reload(), 'b is back');
    rename $_, s/bad$/seg/r or die $! for spool_files($t, 'bad');
    utime 1, 1, spool_files($t, 'later');
    ok(spool_empty($t, 40), 'replayed');
    $_->balance('each once') for $a, $b;
    is(scalar $redis->entries('intake:{b}'), 70, 'all of b');
    $t->finish();
};


# The file of what is being replayed, which a holds up for seconds, is no longer
# there at its end.  The first worker, which counts the files, has seen that.

subtest 'a segment that is removed too early' => sub {
    my ($t, $redis, $a, $b) = start(workers => 2);
    my ($first, $second) = $t->worker_pids();

    ($first, $second) = ($second, $first) if $first > $second;
    kill 'STOP', $first;
    keep($a, 'a-1');
    keep($b, 'b-1');
    kill 'STOP', $second;
    $redis->start();
    $redis->command(qw(SET intake:{a} text));
    kill 'CONT', $second;
    ok($t->wait_for(sub { $redis->command(qw(XLEN intake:{b})) == 1 }, 20),
       'it is being replayed');
    is(unlink(spool_files($t, 'seg')), 1, 'removed');
    kill 'CONT', $first;
    $t->wait_for(sub { $a->metric('intake_spool_files') == 0 }, 3);
    kill 'STOP', $first;
    $redis->command(qw(DEL intake:{a}));
    ok($t->wait_for(sub { $a->count('a-1') }, 40), 'replayed all the same');
    $t->wait_for(sub { $a->metric('intake_spool_files') != 0 }, 1);
    cmp_ok($a->metric('intake_spool_files'), '<', 2, 'the files are no less');
    $_->balance('each once') for $a, $b;

    $redis->stop();
    keep($a, 'a-2');
    $redis->start();
    ok(spool_empty($t, 40), 'so is the next one');
    is($a->count('a-2'), 1, 'once');
    kill 'CONT', $first;
    ok($t->wait_for(sub { $a->metric('intake_spool_bytes') == 0
                          && $a->metric('intake_spool_files') == 0 }),
       'the bytes are counted right');
    $t->finish();
};


# what a loss of power, or a disk, makes of the first 44 bytes

my %headers = (
    b => sub { "\0" x 20 },
    c => sub { "\0" x 5000 },
    d => sub { substr $_[0], 0, 13 },
    e => sub { substr $_[0], 0, 38 },
    f => sub { substr($_[0], 0, 20) . "\xff" . substr $_[0], 21 },
);

subtest 'a torn .later' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my @sources = sort keys %headers;

    spool_deliveries($t, $redis,
        http => join('', map {
            "intake_source $_ { platform signed; secret s3cret; }" } @sources),
        server => join('', map { "location = /$_ { intake $_; }" } @sources));

    my %d = map { $_ => Intake::Deliveries->new(
        t => $t, redis => $redis, uri => "/$_", stream => "intake:{$_}") }
        @sources;

    keep($d{$_}, "$_-1", "$_-2") for @sources;

    my ($segment) = spool_files($t, 'seg');

    open my $fh, '<:raw', $segment or die $!;
    read $fh, my $header, 44;

    for my $source (@sources) {
        my $name = $segment =~ s/seg$/$source.later/r;

        open my $later, '>:raw', $name or die $!;
        print $later $headers{$source}->($header);
        close $later or die $!;
        chmod 0600, $name;
        chown +(stat $segment)[4, 5], $name;
    }

    start_with($t, $redis, 'MSET', map { ("intake:{$_}", 'text') } @sources);
    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 40), 'set aside');
    $redis->command('DEL', map { "intake:{$_}" } @sources);
    utime 1, 1, spool_files($t, 'later');
    ok(spool_empty($t, 40), 'replayed, and nothing is damaged');
    $d{$_}->balance("$_: both") for @sources;
    $t->finish();
};


# the same without a segment: it has been taken by another worker, say

subtest 'a .later that was not written' => sub {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $d = spool_deliveries($t, $redis);
    my $n = 0;

    $d->deliver('a');

    my ($segment) = spool_files($t, 'seg');

    open my $fh, '<:raw', $segment or die $!;
    read $fh, my $header, 44;

    for my $bytes ('', map { $headers{$_}->($header) } qw(b c d e)) {
        my $name = $t->write_file('spool/' . sprintf('%016x-1-0.a.later', ++$n),
                                  $bytes, 0600);

        chown +(stat $segment)[4, 5], $name;
        utime 1, 1, $name;
    }

    $redis->start();
    ok(spool_empty($t, 40), 'nothing is kept as damaged');
    is($d->metric('intake_spool_bad_total'), 0, 'nor counted');
    is(scalar $t->error_log_lines(qr/\[warn\] .*had not been written/), 5,
       'the log says so');
    $d->balance('once');
    $t->finish();
};


# One of three records has 3 MB, which a Redis with this option does not take.
# The file it is kept in is returned.

sub too_large {
    my ($t, $redis, $a, $option) = @_;

    is($t->post('/n', 'small')->status, 200, 'kept');
    is($t->post('/n', 'x' x (3 * 1024 * 1024))->status, 200, 'kept');
    is($t->post('/n', 'behind')->status, 200, 'kept');
    $a->deliver("a-$_") for 1 .. 5;
    $redis->{options} = { $option => '1mb' };
    $t->expect_log(qr/\[error\] .*redis connection/);
    $redis->start();

    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 60), 'replayed');
    $a->balance('others');
    is($redis->command(qw(XLEN intake:{a})), 5, 'all of them');
    is($redis->command(qw(XLEN intake:{n})), 2, 'and of the source');

    my @bad = spool_files($t, 'bad');

    is(scalar @bad, 1, 'it is kept');
    is(() = spool_dump($t, 'bad') =~ /^record/gm, 1, 'alone');
    cmp_ok(-s $bad[0], '>', 3 * 1024 * 1024, 'all of it');
    is($a->metric('intake_spool_bad_total'), 1, 'counted');
    is(scalar $t->error_log_lines(qr/\[error\] .*a record of the spool is/),
       1, 'one line');

    return $bad[0];
}


# When Redis can take it.

sub renamed {
    my ($t, $redis, $bad) = @_;

    rename $bad, $bad =~ s/bad$/seg/r or die $!;
    ok(spool_empty($t), 'replayed under its old name');
    is($redis->command(qw(XLEN intake:{n})), 3, 'once');
    is(length +(($redis->entries('intake:{n}'))[-1]{fields}{data}),
       3 * 1024 * 1024, 'all of it');
    $t->finish();
}


# Redis closes the connection when it sees the record

subtest 'a record that is too large for Redis' => sub {
    my ($t, $redis, $a) = start();
    my $bad = too_large($t, $redis, $a, 'proto-max-bulk-len');

    unlike($redis->log() . $t->log(), qr/inline/,
           'what was broken off is sent from its beginning');
    cmp_ok($a->metric('intake_redis_connects_total'), '<', 8,
           'not again and again');

    $redis->command(qw(CONFIG SET proto-max-bulk-len 512mb));
    renamed($t, $redis, $bad);
};


# Redis says nothing to it: the connection ends when so much of it was read

subtest 'a record that Redis does not read to its end' => sub {
    my ($t, $redis, $a) = start();
    my $bad = too_large($t, $redis, $a, 'client-query-buffer-limit');

    cmp_ok($a->metric('intake_redis_connects_total'), '<', 10,
           'not again and again');

    $redis->command(qw(CONFIG SET client-query-buffer-limit 1gb));
    renamed($t, $redis, $bad);
};


# the connection breaks while Redis, which is well, is written to

subtest 'a write that breaks off' => sub {
    my ($t, $redis, $a) = start();

    $redis->start();
    ok($t->wait_for(sub { defined $a->deliver('before')->json->{entry} }),
       'Redis answers');
    fault($t, 'pipe');
    $t->expect_log(qr/\[error\] .*redis connection/);

    is($t->post('/n', 'x' x (3 * 1024 * 1024))->status, 200, 'kept');
    ok(-e $t->path('fault.done'), 'it broke off');
    is($a->deliver('behind')->status, 200, 'and goes on');
    ok(spool_empty($t, 60), 'replayed');

    unlike($t->log(), qr/refused an entry|unexpected reply/,
           'its rest is not taken for a command');
    is_deeply([map { length $_->{fields}{data} } $redis->entries('intake:{n}')],
              [3 * 1024 * 1024], 'sent again from its beginning');
    $a->balance('others');
    is($a->metric('intake_spool_bad_total'), 0, 'nothing is bad');
    $t->finish();
};


# the third of five records lies on it, the others do not

subtest 'a sector that cannot be read' => sub {
    my ($t, $redis, $a) = start();

    is($t->post('/n', "$_" x 10_000)->status, 200, 'kept') for 1 .. 5;
    $a->deliver('behind');

    my ($size) = spool_dump($t, 'seg') =~ /^record at=44 size=(\d+)/m;
    my $sector = int((44 + 2 * $size + 5000) / 4096) * 4096;

    fault($t, "sector $sector");
    $t->expect_log(qr/\[crit\] .*pread\(\) failed/);
    $t->expect_log(qr/\[alert\] .*(?:cannot be read|is damaged)/);
    $redis->start();

    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 60), 'replayed');
    is_deeply([map { substr $_->{fields}{data}, 0, 1 }
               $redis->entries('intake:{n}')], [1, 2, 4, 5], 'the others');
    $a->balance('what lies behind it');
    is(scalar spool_files($t, 'damaged'), 1, 'the file is kept');
    is($a->metric('intake_spool_bad_total'), 1, 'counted');
    is(scalar $t->error_log_lines(qr/\[alert\] .*4096 bytes .*cannot be read/),
       1, 'one line');
    is(scalar $t->error_log_lines(qr/\[crit\] .*pread\(\) failed/), 1,
       'and one before it');

    # a disk that can read it after all

    fault($t, '');

    my ($damaged) = spool_files($t, 'damaged');

    rename $damaged, $damaged =~ s/damaged$/seg/r or die $!;
    ok(spool_empty($t), 'replayed under its old name');
    is_deeply([map { substr $_->{fields}{data}, 0, 1 }
               $redis->entries('intake:{n}')], [1, 2, 4, 5, 3], 'each once');
    $t->finish();
};


# the last one of a file: zeros would be a torn tail

subtest 'the last sector' => sub {
    my ($t, $redis, $a) = start();

    is($t->post('/n', "$_" x 10_000)->status, 200, 'kept') for 1 .. 2;

    my ($segment) = spool_files($t, 'seg');

    fault($t, 'sector ' . int((-s $segment) / 4096) * 4096);
    $t->expect_log(qr/\[crit\] .*pread\(\) failed/);
    $t->expect_log(qr/\[alert\] .*(?:cannot be read|is damaged)/);
    $redis->start();
    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 60), 'replayed');
    is($redis->command(qw(XLEN intake:{n})), 1, 'the other');
    is(scalar spool_files($t, 'damaged'), 1, 'the file is kept');
    $t->finish();
};


subtest 'a record that does not fit into memory' => sub {
    plan skip_all => 'the malloc() is not the C library\'s'
        if Intake::Test->new()->instrumented();

    my ($t, $redis, $a) = start();

    is($t->post('/n', 'x' x (6 * 1024 * 1024))->status, 200, 'kept');
    $a->deliver('behind');
    fault($t, 'memory');
    $t->expect_log(qr/\[emerg\] .*malloc\(\d+\) failed/);
    $redis->start();

    ok($t->wait_for(sub { !spool_files($t, 'seg') }, 60), 'replayed');
    $a->balance('what lies behind it');
    is($redis->command(qw(XLEN intake:{n})), 0, 'it is not');

    my ($bad) = spool_files($t, 'bad');

    is(() = spool_dump($t, 'bad') =~ /^record/gm, 1, 'it is kept');
    is($a->metric('intake_spool_bad_total'), 1, 'counted');
    is(scalar $t->error_log_lines(qr/\[error\] .*does not fit into memory/),
       1, 'one line');

    fault($t, '');
    rename $bad, $bad =~ s/bad$/seg/r or die $!;
    ok(spool_empty($t), 'replayed under its old name');
    is(length +(($redis->entries('intake:{n}'))[-1]{fields}{data}),
       6 * 1024 * 1024, 'all of it');
    $t->finish();
};


done_testing();
