#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Disks that are slow, full or broken: nobody is told that a delivery is kept
# before it is, and what is refused is not claimed later.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use Test::More;

use Intake::RedisServer;
use Intake::Spool;
use Intake::Test;


my $dir = tempdir(CLEANUP => 1);

is(system('gcc', '-Wall', '-Werror', '-O', '-shared', '-fPIC',
          '-o', "$dir/faults.so", "$FindBin::Bin/lib/spool_faults.c", '-ldl'),
   0, 'the faults are built')
    or BAIL_OUT('no faults');


# An nginx without Redis; the words of a fault go to fault().

sub start {
    my (%opt) = @_;
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());
    my $globals = 'env INTAKE_FAULTS; ' . ($opt{globals} // '');
    my $d = spool_deliveries($t, $redis, %opt, globals => $globals, run => {
        env => { LD_PRELOAD => "$dir/faults.so",
                 INTAKE_FAULTS => $t->dir() . '/fault' } });

    return ($t, $redis, $d);
}


sub fault {
    my ($t, $fault) = @_;

    $t->write_file('fault.next', "$fault\n");
    rename $t->path('fault.next'), $t->path('fault') or die $!;
}


sub done {
    my ($t) = @_;
    return scalar(() = (-e $t->path('fault.done')
                        ? $t->read_file('fault.done') : '') =~ /\n/g);
}


# What is added to a segment that has no name any more would never be replayed.

subtest 'a segment that somebody removes' => sub {
    my ($t, $redis, $d) = start();

    $t->expect_log(qr/\[crit\].*fstat\(\) failed/);
    is($d->deliver('removed')->status, 200, 'kept');
    is(unlink(spool_files($t, 'seg')), 1, 'removed');
    is($d->deliver('behind')->status, 503, 'not kept there');
    is($d->deliver('next')->status, 200, 'in the next one');
    is(scalar spool_files($t), 1, 'a file');

    $redis->start();
    ok(spool_empty($t), 'replayed');
    is(join(' ', map { $_->{fields}{id} } $redis->entries('intake:{a}')),
       'next', 'what was kept');
    $t->finish();
};


# [the fault, the call that the log names, whether a segment goes on]

my @failures = (['eio', 'fdatasync', 0], ['full', 'pwritev', 1]);

for my $row (@failures) {
    my ($fault, $call, $goes_on) = @$row;

    subtest "$fault" => sub {
        my ($t, $redis, $d) = start();

        $t->expect_log(qr/\[crit\].*$call\(\) failed/);

        # the first batch of a segment, then a later one

        for my $round (1, 2) {
            my $segments = spool_files($t, 'seg');

            fault($t, $fault);

            for my $n (1 .. 3) {
                my $res = $d->deliver("$fault-$round-$n");

                is($res->status, 503, 'refused');
                is($res->json->{code}, 'STORE_UNAVAILABLE', 'for what reason');
            }

            cmp_ok(done($t), '>=', 3, 'by the disk');
            is(scalar spool_files($t, 'new'), 0, 'nothing half made');
            is(scalar spool_files($t, 'seg'), $segments, 'no more segments');
            is($t->get('/spool?health')->status, 503, 'not well');
            is(scalar $t->error_log_lines(qr/\[crit\].*takes nothing/), $round,
               'one line');

            fault($t, '');
            is($d->deliver("well-$round-$_")->status, 200, 'later it is kept')
                for 1 .. 2;
            is(scalar spool_files($t, 'seg'),
               $segments + ($round == 1 || !$goes_on ? 1 : 0), 'in a segment');
            is($t->get('/spool?health')->status, 200, 'well');
            is(scalar $t->error_log_lines(qr/\[notice\].*is written again/),
               $round, 'one line');
            is(spool_dump($t, 'seg') =~ /^(?:tail|damage)/m, '',
               'nothing else is in it');
        }

        $redis->start();
        ok(spool_empty($t), 'replayed');
        $d->balance('each once');
        is(scalar $redis->entries('intake:{a}'), 4, 'nothing else');
        ok($t->wait_for(sub { $d->metric('intake_spool_bytes') == 0 }),
           'the bytes are counted right');
        $t->finish();
    };
}


subtest 'a segment that does not get its name' => sub {
    my ($t, $redis, $d) = start();

    $t->expect_log(qr/\[crit\].*renameat\(\) failed/);
    fault($t, 'rename');
    is($d->deliver('nameless')->status, 503, 'refused');
    is(scalar spool_files($t), 0, 'nothing is left');
    fault($t, '');
    is($d->deliver('named')->status, 200, 'later it is kept');
    $redis->start();
    ok(spool_empty($t), 'replayed');
    is($d->count('nameless'), 0, 'not the first');
    $d->balance('once');
    $t->finish();
};


# nobody hears of it before the disk has it

subtest 'a slow disk' => sub {
    my ($t, $redis, $d) = start(source => 'deadline 5s;');

    fault($t, 'slow 1000');

    my @sent = map { $d->send("slow-$_") } 1 .. 5;

    ok($t->wait_for(sub { done($t) }), 'it is being written');
    is($t->get('/up')->status, 204, 'others are served meanwhile');
    push @sent, map { $d->send("gathered-$_") } 1 .. 5;

    for my $sent (@sent) {
        my $res = $d->receive($sent);

        is($res->status, 200, 'accepted');
        cmp_ok($res->{elapsed}, '>', 0.9, 'when it was written');
    }

    cmp_ok(done($t), '<=', 4, 'together');

    # a sender that does not wait

    my $left = $d->send('left');

    ok($t->wait_for(sub { done($t) > 2 }), 'it is being written');
    $d->abandon($left);
    fault($t, '');
    $redis->start();
    ok(spool_empty($t), 'replayed');
    is($d->count('left'), 1, 'whether he waited or not');
    $d->balance('once');
    $t->finish();
};


subtest 'a disk that is too slow' => sub {
    my ($t, $redis, $d) = start(source => 'deadline 1s;');

    fault($t, 'slow 2500');

    my $res = $d->deliver('late');

    is($res->status, 503, 'refused');
    is($res->json->{code}, 'STORE_TIMEOUT', 'nobody knows');
    cmp_ok($res->{elapsed}, '<', 2, 'in time');
    fault($t, '');
    ok($t->wait_for(sub { spool_files($t, 'seg') }), 'it is kept then');
    is($d->deliver('late')->status, 200, 'sent again');
    $redis->start();
    ok(spool_empty($t), 'replayed');
    is($d->count('late'), 1, 'once');
    $t->finish();
};


# [signal, whether the sender is answered]

for my $row (['QUIT', 1], ['HUP', 1], ['TERM', 0]) {
    my ($signal, $answered) = @$row;

    subtest "$signal while the disk is busy" => sub {
        my ($t, $redis, $d) = start(source => 'deadline 5s;');

        fault($t, 'slow 1500');

        my $sent = $d->send('pending');

        ok($t->wait_for(sub { done($t) }), 'it is being written');
        $t->signal($signal);

        if ($answered) {
            is($d->receive($sent)->status, 200, 'answered');
        }

        if ($signal ne 'HUP') {
            ok($t->leave($signal), 'the worker leaves');
            fault($t, '');
            is(scalar spool_files($t, 'seg'), 1, 'a segment');
            $t->run(env => { LD_PRELOAD => '' });
        }

        fault($t, '');
        $redis->start();
        ok(spool_empty($t), 'replayed');
        is($d->count('pending'), 1, 'once');
        $d->balance('once');
        $t->finish();
    };
}


# the directory cannot be opened: as without a spool

subtest 'no directory' => sub {
    my ($t, $redis, $d) = start();

    $t->expect_log(qr/\[crit\].*open\(\) "\S+spool" failed/);
    rename $t->path('spool'), $t->path('moved') or die $!;
    ok($t->kill_worker(), 'another worker');
    is($d->deliver('nowhere')->status, 503, 'refused');
    is($t->get('/status?health')->status, 503, 'not well');
    $redis->start();
    ok($d->ready(), 'with Redis');
    is($d->deliver('nowhere')->status, 200, 'it is stored');
    $d->balance('once');
    $t->finish();
};


done_testing();
