#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# A file system that is really full, of a megabyte: what does not fit is refused
# with 503, nothing torn is replayed or left, and all is well when there is
# room.

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


plan skip_all => 'a file system is mounted by root only' if $> != 0;

my @mounted;
my $said = mount(tempdir(CLEANUP => 1));

plan skip_all => "tmpfs cannot be mounted here: $said" if $said;
unmount();


# '', or why not

sub mount {
    my ($path) = @_;

    mkdir $path;

    my $said = qx(mount -t tmpfs -o size=1m,mode=700 tmpfs $path 2>&1);

    return $said || 'no reason' if $?;
    push @mounted, $path;

    return '';
}


sub unmount {
    system('umount', '-l', pop @mounted) while @mounted;
}


END {
    local $?;
    unmount();
}


sub start {
    my $t = Intake::Test->new();
    my $redis = Intake::RedisServer->new(dir => $t->dir());

    mount($t->path('spool')) eq '' or die "no tmpfs\n";

    my $d = spool_deliveries($t, $redis, http =>
        'intake_platform none { algorithm none; deadline 20s; }
         intake_source n { platform none; max_body 2m; }',
        server => 'location = /n { intake n; }');

    return ($t, $redis, $d);
}


sub fill {
    my ($t) = @_;

    open my $fh, '>', $t->path('spool/filler') or die $!;
    while (syswrite $fh, "\0" x 4096) { }
    close $fh;
}


subtest 'the spool' => sub {
    my ($t, $redis, $d) = start();
    my ($n, $kept, $res) = (0, 0);

    $t->expect_log(qr/\[crit\] .*pwritev\(\) failed.*\(28/);

    # 90 kB each: the last one that finds room is not the last that is sent

    for (1 .. 20) {
        $res = $t->post('/n', sprintf('%06d', ++$n) x 15_000);

        if ($res->status == 200) {
            $kept++;
            next;
        }

        is($res->status, 503, "No. $n: refused");
        is($res->json->{code}, 'STORE_UNAVAILABLE', 'for what reason');
        ok($res->header('Retry-After'), 'to be sent again');
    }

    cmp_ok($kept, '>=', 8, 'what fits is kept');
    cmp_ok($kept, '<=', 11, 'what does not is not');
    is(scalar $t->error_log_lines(qr/\[crit\] .*takes nothing/), 1, 'one line');
    is($t->get('/spool?health')->status, 503, 'not well');
    is(scalar spool_files($t, 'new'), 0, 'nothing half made');
    is(spool_dump($t, 'seg') =~ /^(?:tail|damage)/m, '', 'nothing torn');

    # one that needs less than is left

    is($d->deliver('small')->status, 200, 'a small one is kept');

    # more at once than there is room for

    my @many = map { $d->send("many-$_") } 1 .. 60;
    my %status;

    $status{$d->receive($_)->status}++ for @many;
    is_deeply([grep { !/^(?:200|503)$/ } keys %status], [], 'kept or refused');

    $redis->start();
    ok(spool_empty($t), 'replayed');
    is($redis->command(qw(XLEN intake:{n})), $kept, 'what was kept');
    is(scalar(grep { $_->{fields}{data} !~ /\A(\d{6})\1{14999}\z/ }
              $redis->entries('intake:{n}')), 0, 'each as it was');
    is(scalar @{[$redis->entries('intake:{a}')]}, 1 + ($status{200} // 0),
       'no more and no less');
    $d->balance('once');
    is(scalar $t->error_log_lines(qr/\[alert\]|had not been written/), 0,
       'nothing torn was found');

    $redis->kill();
    is($t->post('/n', 'room' x 20_000)->status, 200, 'there is room again');
    ok($t->wait_for(sub { $t->get('/spool?health')->status == 200 }), 'well');
    $redis->start();
    ok(spool_empty($t), 'replayed');
    ok($t->wait_for(sub { $d->metric('intake_spool_bytes') == 0 }),
       'the bytes are counted right');
    $t->finish();
    unmount();
};


# records that are to be set aside find no room: they stay where they are

subtest 'what is set aside' => sub {
    my ($t, $redis, $d) = start();

    is($t->post('/n', "$_" x 60_000)->status, 200, 'kept') for 1 .. 4;
    is($d->deliver('behind')->status, 200, 'kept');
    fill($t);
    $t->expect_log(qr/\[crit\] .*pwritev\(\) failed.*\(28/);
    start_with($t, $redis, qw(SET intake:{n} text));
    ok($t->wait_for_log(qr/\[crit\] .*pwritev\(\) failed.*not replayed \(28/),
       'there is no room');
    is(scalar spool_files($t, 'seg'), 1, 'the segment stays');
    ok($t->wait_for(sub { !spool_files($t, 'later') }),
       'and no file that is empty');
    unlink $t->path('spool/filler') or die $!;
    ok($t->wait_for(sub { spool_files($t, 'later') }), 'with room they are');
    ok($t->wait_for(sub { !spool_files($t, 'seg') }), 'it goes on');
    $d->balance('what is behind them');
    $redis->command(qw(DEL intake:{n}));
    ok(spool_empty($t, 40), 'all is replayed');
    is_deeply([map { length $_->{fields}{data} } $redis->entries('intake:{n}')],
              [(60_000) x 4], 'each as it was, once');
    $t->finish();
    unmount();
};


subtest 'attachments' => sub {
    my $t = Intake::Test->new();
    my $redis = $t->redis();

    mount($t->path('files')) eq '' or die "no tmpfs\n";
    $t->write_file_expand('nginx.conf', delivery_conf(
        redis => 'server %%REDIS%%;',
        http => 'intake_source files {
                     form; attachments path=%%DIR%%/files; max_body 4m; }',
        server => 'location = /files { intake files; }'));
    $t->run();
    ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'ready');
    $t->expect_log(qr/\[crit\] .*\(28/);

    my $send = sub {
        my ($char) = @_;

        return $t->post('/files', join("\r\n", '--b',
            'Content-Disposition: form-data; name="message"', '', $char,
            '--b', 'Content-Disposition: form-data; name="cv"; filename="a"',
            '', $char x 400_000, '--b--', ''),
            ['Content-Type' => 'multipart/form-data; boundary=b',
             'Accept' => 'application/json']);
    };
    my $files = sub {
        return grep { -f } map { glob("$_/*") } $t->path('files'),
               grep { -d } glob($t->path('files') . '/*');
    };

    is($send->($_)->status, 200, "$_: stored") for 'a', 'b';

    for my $char ('c', 'd') {
        my $res = $send->($char);

        is($res->status, 503, "$char: refused");
        is($res->json->{code}, 'STORE_UNAVAILABLE', 'for what reason');
        ok($res->header('Retry-After'), 'to be sent again');
    }

    is(scalar $files->(), 2, 'nothing is left of them');
    is($redis->command(qw(XLEN intake:{files})), 2, 'no entry');

    unlink +($files->())[0] or die $!;
    ok($t->wait_for(sub { $send->('c')->status == 200 }),
       'with room it is stored');
    is((grep { -s == 400_000 } $files->()), 2, 'all of it');
    $t->finish();
    unmount();
};


done_testing();
