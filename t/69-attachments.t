#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# Files of forms: on the disk under the name of their content before an entry
# names them, and never left where no entry does.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8);
use JSON::PP;
use Test::More;

use Intake::Test;


my $t = Intake::Test->new();
my $redis = $t->redis();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

worker_processes 2;

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server           %%REDIS%%;
        connect_timeout  500ms;
    }

    intake_source off {
        form;
    }

    intake_source files {
        form;
        attachments  path=%%DIR%%/files max=10m count=10;
        max_body     60m;
        deadline     500ms;
    }

    intake_source slow {
        form;
        attachments  path=%%DIR%%/files;
        max_body     12m;
        deadline     20s;
    }

    intake_source small {
        form;
        attachments  path=%%DIR%%/small max=1k count=2;
    }

    intake_source typed {
        form;
        attachments  path=%%DIR%%/typed
                     types=application/pdf,image/*,text/plain,text/csv;
    }

    intake_source large {
        form;
        attachments  path=%%DIR%%/large max=60m;
        max_body     61m;
    }

    server {
        listen  127.0.0.1:%%PORT_0%%;
        listen  127.0.0.1:%%PORT_1%%  http2;

        location = /off    { intake off; }
        location = /files  { intake files; }
        location = /slow   { intake slow; }
        location = /small  { intake small; }
        location = /typed  { intake typed; }
        location = /large  { intake large; }
        location = /status { intake_status; }
    }
}
EOC

$t->run();
ok(ready(), 'ready');


# Every worker has its Redis, not only the one that would answer.

sub ready {
    return $t->wait_for(sub {
        my %last = map { /\] (\d+)#.*? redis (.*)/ ? ($1, $2) : () }
                   $t->error_log_lines(qr/ redis /);

        return !grep { ($last{$_} // '') !~ /^is ready/ } $t->worker_pids();
    });
}


# [NAME, VALUE] is a field, [NAME, CONTENT, FILENAME, TYPE] a file

sub form {
    my (@parts) = @_;
    my $boundary = 'a-boundary-of-the-test';
    my $body = '';

    for my $part (@parts) {
        my ($name, $content, $filename, $type) = @$part;

        $body .= "--$boundary\r\n"
               . "Content-Disposition: form-data; name=\"$name\""
               . (defined $filename ? "; filename=\"$filename\"" : '')
               . "\r\n" . ($type ? "Content-Type: $type\r\n" : '')
               . "\r\n$content\r\n";
    }

    return ("$body--$boundary--\r\n",
            ['Content-Type' => "multipart/form-data; boundary=$boundary",
             'Accept' => 'application/json']);
}


my $number = 0;

sub send_form {
    my ($uri, @files) = @_;
    return $t->post($uri, form(['message', 'No. ' . ++$number], @files));
}


sub entries { $redis->entries("intake:{$_[0]}") }


# What the newest entry says of its files.

sub newest {
    my ($source) = @_;
    my @entries = entries($source);
    my $text = $entries[-1]{fields}{intakefiles};

    return defined $text ? @{decode_json($text)} : ();
}


# The files below a folder, by their path in it.

sub tree {
    my ($dir, $below) = @_;
    my $path = $t->path($dir);

    return map { substr $_, 1 + length $path }
           grep { -f } glob "$path/" . ($below // '*') . '/*';
}


sub code { eval { $_[0]->json->{code} } // $_[0]->status }


sub content_path {
    my ($dir, $content) = @_;
    my $hex = sha256_hex($content);
    return $t->path($dir) . '/' . substr($hex, 0, 2) . '/' . substr $hex, 2;
}


sub fds {
    return scalar map { glob "/proc/$_/fd/*" } $t->worker_pids();
}


my $megabytes = join '', map { pack 'N*', map { int rand 2**32 } 1 .. 16384 }
                         1 .. 160;

is(length $megabytes, 10 * 1024 * 1024, 'ten megabytes');


subtest 'off' => sub {
    my $res = send_form('/off', ['cv', 'x', 'cv.pdf', 'application/pdf']);

    is(code($res), 'NO_FILE_UPLOADS', 'a file is refused');
    is($res->status, 422, 'with 422');
    is(code(send_form('/off', ['cv', '', 'cv.pdf', 'application/pdf'])),
       'NO_FILE_UPLOADS', 'one that is empty too');
    is(scalar entries('off'), 0, 'nothing is stored');

    is(send_form('/off', ['cv', '', '', 'application/octet-stream'])->status,
       200, 'no file was chosen: that is none');
    is((entries('off'))[-1]{fields}{intakefiles}, undef, 'and not told of');

    my ($body, $headers) = form(['cv', 'x', 'a']);
    is(code($t->post('/off', substr($body, 0, -4), $headers)), 'MALFORMED',
       'a body that is cut is malformed first');
};


subtest 'kept' => sub {
    my %contents = (
        'one byte' => 'x',
        'nothing' => '',
        'every byte' => join('', map { chr } 0 .. 255),
        'like a delimiter' => "\r\n--a-boundary\r\n--\r\n--a-boundary-of",
        'CRs' => "\r" x 70000,
        'the buffer' => 'b' x 65536,
        'more than it' => 'c' x 65537,
        'ten megabytes' => $megabytes,
    );

    for my $name (sort keys %contents) {
        my $content = $contents{$name};
        my $res = send_form('/files', ['cv', $content, 'cv.pdf',
                                       'Application/PDF; x=y']);

        is($res->status, 200, "$name: stored") or next;

        my @files = newest('files');

        is_deeply(\@files, [{
            field => 'cv', name => 'cv.pdf', type => 'application/pdf',
            size => length $content, sha256 => sha256_hex($content),
            path => content_path('files', $content) }], "$name: told of");

        ok($t->read_file($files[0]{path}) eq $content, "$name: kept");
        is((stat $files[0]{path})[2] & 07777, 0600, "$name: for us alone");
    }

    for my $dir ('', '/incoming', '/pending',
                 '/' . substr sha256_hex('x'), 0, 2)
    {
        is((stat $t->path("files$dir"))[2] & 07777, 0700, "folder $dir");
    }

    is_deeply([tree('files', 'incoming')], [], 'nothing under way');
    is_deeply([tree('files', 'pending')], [], 'nothing marked');
};


subtest 'in every way' => sub {
    my $n = 0;
    my %ways = (
        'chunks' => sub { $t->post('/files', @_, chunked => 1009) },
        'HTTP/2' => sub {
            my ($body, $headers) = @_;
            my %headers = @$headers;

            return $t->request_h2('POST', '/files', port => 1, body => $body,
                headers => [map { lc $_ => $headers{$_} } sort keys %headers]);
        },
    );

    for my $way (sort keys %ways) {
        my $content = 'no. ' . ++$n . 'x' x 200_000;
        my $res = $ways{$way}->(form(['cv', $content, 'a.txt', 'text/plain']));

        is($res->status, 200, "$way: stored");
        is((newest('files'))[0]{sha256}, sha256_hex($content), "$way: whole");
    }
};


subtest 'names' => sub {
    my $long = 'ä' x 150;
    my @names = (
        ['../../etc/passwd', 'passwd'],
        ['..', 'file'],
        ['C:\\Users\\me\\cv.doc', 'cv.doc'],
        ['/abs/olute.txt', 'olute.txt'],
        ["a\x{202e}fdp.exe", 'afdp.exe'],
        ["a\tb\x{7f}\x{85}c.txt", 'abc.txt'],
        ["$long.pdf", 'ä' x 58 . '.pdf'],
        ['%22quoted%22.txt', '%22quoted%22.txt'],
        ['a&<b>\'.txt', 'a&<b>\'.txt'],
    );

    for my $case (@names) {
        my ($sent, $name) = @$case;
        my $res = send_form('/files', ['cv', 'named', encode_utf8($sent),
                                       'text/plain']);

        is($res->status, 200, encode_utf8("stored: $name"));

        my ($file) = newest('files');

        is($file->{name}, $name, encode_utf8("the safe name: $name"));
        is($file->{path}, content_path('files', 'named'), 'no path of theirs');
    }

    is(code(send_form('/files', ['cv', 'named', "a\0b.txt", 'text/plain'])),
       'MALFORMED', 'a zero byte is malformed');

    send_form('/files', ['"cv"', 'x', 'a', 'text/plain']);
    send_form('/files', ['a\\b', 'x', 'a', 'no type']);
    is((newest('files'))[0]{field}, 'a\\b', 'a field to be escaped');
    is((newest('files'))[0]{type}, '', 'what is no type');
};


subtest 'several' => sub {
    my $res = send_form('/files', (map { ['cv', "same", "$_.txt"] } 1 .. 2),
                        ['photo', 'other', 'p.png', 'image/png'],
                        ['none', '', '']);

    is($res->status, 200, 'stored');
    is_deeply([map { [@$_{qw(field name sha256)}] } newest('files')],
              [['cv', '1.txt', sha256_hex('same')],
               ['cv', '2.txt', sha256_hex('same')],
               ['photo', 'p.png', sha256_hex('other')]], 'all, in order');

    my @stat = stat content_path('files', 'same');
    is($stat[3], 1, 'one file');

    is(send_form('/files', ['cv', 'same', '3.txt'])->status, 200,
       'the same content again');
    is($t->read_file(content_path('files', 'same')), 'same', 'is still there');
    is_deeply([tree('files', 'pending')], [], 'nothing marked');
};


subtest 'limits' => sub {
    is(send_form('/small', ['a', 'x' x 1024, 'a'])->status, 200, 'just max');
    is(send_form('/small', map { ['a', "$_", 'a'] } 1 .. 2)->status, 200,
       'just count');

    my @before = tree('small');
    my $res = send_form('/small', ['a', 'y', 'a'], ['a', 'x' x 1025, 'a']);

    is(code($res), 'FILES_TOO_BIG', 'a byte more');
    is($res->status, 413, 'is 413');

    $res = send_form('/small', map { ['a', "more $_", 'a'] } 1 .. 3);

    is(code($res), 'TOO_MANY_FILES', 'a file more');
    is($res->status, 413, 'is 413');

    is(code(send_form('/files', ['a', $megabytes . 'x', 'a'])),
       'FILES_TOO_BIG', 'a byte more than ten megabytes');

    is_deeply([tree('small')], \@before, 'nothing is left');
    is_deeply([tree('files', 'incoming')], [], 'nor under way');
};


subtest 'types' => sub {
    my $png = "\x89PNG\r\n\x1a\n" . "\0" x 20;
    my $svg = '<?xml version="1.0"?><!-- --><svg xmlns="a"/>';

    for my $good (['application/pdf', '%PDF-1.7'],
                  ['image/png', $png],
                  ['IMAGE/PNG', $png],
                  ['image/jpeg', $png],
                  ['text/plain', encode_utf8('grüße')],
                  ['text/csv', 'a;b'],
                  ['text/plain', 'x' x 65535 . encode_utf8('ü')])
    {
        is(send_form('/typed', ['cv', $good->[1], 'a', $good->[0]])->status,
           200, "$good->[0] is allowed");
    }

    my @before = tree('typed');

    for my $bad (['application/pdf', 'MZ' . "\0" x 100],
                 ['application/zip', '%PDF-1.7'],
                 ['application/octet-stream', '%PDF-1.7'],
                 ['application/pdf', "PK\3\4"],
                 ['image/svg+xml', $svg],
                 ['image/png', $svg],
                 ['text/plain', "a\0b"],
                 ['text/plain', "gr\xfc\xdfe"],
                 ['text/plain', 'x' x 65535 . "\xc3"],
                 ['text/plain', '<!DOCTYPE html><p>'],
                 ['text/html', 'plain'])
    {
        my $res = send_form('/typed', ['ok', '%PDF-', 'b', 'application/pdf'],
                            ['cv', $bad->[1], 'a', $bad->[0]]);

        is($res->status, 422, "$bad->[0] is refused");
        is(code($res), 'VALIDATION_FAILED', 'as a fault of the form');
        is_deeply([map { [@$_{qw(field code)}] } @{$res->json->{errors}}],
                  [['cv', 'FILE_TYPE']], 'of its field');
    }

    is_deeply([tree('typed')], \@before, 'nothing is left');
};


subtest 'no entry' => sub {
    my @before = tree('files');

    is(send_form('/files', ['cv', 'shared', 'a'])->status, 200, 'a first one');

    # what Redis refuses

    $redis->command('CONFIG', 'SET', 'maxmemory', '1');

    my $res = send_form('/files', ['cv', 'refused', 'a'], ['b', 'shared', 'b'],
                        ['c', 'refused', 'c']);

    is(code($res), 'STORE_REFUSED', 'refused');
    ok(!-e content_path('files', 'refused'), 'its file is gone');
    ok(-e content_path('files', 'shared'), 'but not that of another entry');

    # two at a time, of one content

    $redis->pause();

    my @clients = map { $t->http() } 1 .. 2;
    my ($mark) = $t->path('files/pending/' . sha256_hex('two'));

    for my $client (@clients) {
        my ($body, $headers) = form(['m', ++$number], ['cv', 'two', 'a']);
        $client->send('POST', '/slow', body => $body, headers => $headers);
    }

    ok($t->wait_for(sub { -e $mark && -s $mark == 2 }), 'two under way');
    $redis->resume();
    is_deeply([map { code($_->response('POST')) } @clients],
              [('STORE_REFUSED') x 2], 'both refused');
    ok(!-e content_path('files', 'two'), 'the file is gone');
    ok(!-e $mark, 'the mark too');

    $redis->command('CONFIG', 'SET', 'maxmemory', '0');

    # nobody knows

    $redis->pause();
    is(code(send_form('/files', ['cv', 'unknown', 'a'])), 'STORE_TIMEOUT',
       'no answer in time');
    $redis->resume();
    ok(-e content_path('files', 'unknown'), 'an entry may name it: it stays');

    is_deeply([tree('files', 'pending')], [], 'nothing marked');

    # nobody is there

    $redis->stop();
    is(code(send_form('/files', ['cv', 'away', 'a'])), 'STORE_UNAVAILABLE',
       'Redis is away');
    ok(!-e content_path('files', 'away'), 'nothing is left');
    $redis->start();
    ok(ready(), 'Redis is back');

    is_deeply([sort(tree('files', 'incoming'), tree('files', 'pending'))], [],
              'nothing under way');
};


subtest 'the sender leaves' => sub {
    my ($body, $headers) = form(['cv', 'left' x 100_000, 'a']);
    my $client = $t->http();

    $client->write(Intake::HTTP::head('POST', '/files', body => $body,
                                      headers => $headers)
                   . substr $body, 0, 300_000);
    $client->close();

    ok(send_form('/files')->status == 200, 'another one is served');
    ok(!-e content_path('files', 'left' x 100_000), 'nothing is kept');

    # after all was sent

    $redis->pause();
    $client = $t->http();
    $client->send('POST', '/slow', body => $body, headers => $headers);
    ok($t->wait_for(sub { -e content_path('files', 'left' x 100_000) }),
       'it waits');
    $client->close();
    $redis->resume();
    ok($t->wait_for(sub { !tree('files', 'pending') }), 'and is settled');
    ok(-e content_path('files', 'left' x 100_000), 'with an entry');
};


subtest 'the disk fails' => sub {
    my $broken = qr/attachments of source "files" cannot be kept/;

    rename $t->path('files/incoming'), $t->path('files/aside') or die;
    is(code(send_form('/files', ['cv', 'x', 'a'])), 'STORE_UNAVAILABLE',
       'our own trouble');
    my $failed = send_form('/files', ['cv', 'x', 'a']);
    is($failed->status, 503, 'is 503');
    ok($failed->header('Retry-After'), 'that may pass');
    is(send_form('/files')->status, 200, 'a form without files is stored');
    rename $t->path('files/aside'), $t->path('files/incoming') or die;

    # a worker each may tell, once

    cmp_ok(scalar $t->error_log_lines($broken), '<=', 2, 'told once');
    ok(scalar $t->error_log_lines($broken), 'told');

    # where it should be kept

    my $content = 'unplaced';
    my $path = content_path('files', $content);
    my ($folder) = $path =~ m{(.*)/};

    rename $folder, "$folder.aside" if -e $folder;
    $t->write_file($folder, 'in the way');
    is(send_form('/files', ['cv', 'x', 'a'], ['b', $content, 'b'])->status,
       503, 'no folder for it');
    unlink $folder;
    rename "$folder.aside", $folder if -e "$folder.aside";

    is_deeply([sort(tree('files', 'incoming'), tree('files', 'pending'))], [],
              'nothing is left');

    ok($t->wait_for(sub {
        send_form('/files', ['cv', 'x', 'a'])->status == 200
            && $t->error_log_lines(qr/source "files" are kept again/) }),
       'and told when it is well again');
};


subtest 'leaks' => sub {
    my $before = fds();

    send_form('/files', map { ['cv', "leak $_", 'a'] } 1 .. 10) for 1 .. 20;
    send_form('/small', ['a', 'y', 'a'], ['a', 'x' x 1025, 'a']) for 1 .. 20;
    send_form('/typed', ['a', 'y', 'a', 'a/b']) for 1 .. 20;

    cmp_ok(fds(), '<=', $before + 2, 'no file stays open');
};


SKIP: {
    skip 'sanitizers need memory of their own', 1 if $t->static();

    subtest 'memory' => sub {
        my $peak = sub {
            my $most = 0;

            for my $pid ($t->worker_pids()) {
                my ($kb) = $t->read_file("/proc/$pid/status")
                           =~ /^VmHWM:\s+(\d+)/m;
                $most = $kb if $kb > $most;
            }

            return $most;
        };

        my $fifty = $megabytes x 5;

        # every worker has had one of a megabyte

        send_form('/large', ['cv', 'x' x 1_000_000, 'a']) for 1 .. 20;

        my $before = $peak->();
        is(send_form('/large', ['cv', $fifty, 'a'])->status, 200,
           'fifty megabytes are stored');
        my $after = $peak->();

        cmp_ok($after - $before, '<', 1024, 'in a megabyte of memory');
        is((newest('large'))[0]{sha256}, sha256_hex($fifty), 'whole');
    };
}


SKIP: {
    my $pid = ($t->worker_pids())[0];
    my $trace = $t->path('trace');

    skip 'no strace', 1 if system('strace -o /dev/null true 2>/dev/null') != 0;

    subtest 'order' => sub {
        my $tracer = fork() // die "fork: $!";
        my @pids = map { ('-p', $_) } $t->worker_pids();

        if ($tracer == 0) {
            open STDERR, '>', '/dev/null';
            exec 'strace', '-f', '-y', '-s', '4096', '-o', $trace, '-e',
                 'trace=fsync,rename,writev,sendto,write,unlink', @pids;
        }

        my $content = 'in order';
        my $path = content_path('files', $content);
        my ($folder) = $path =~ m{(.*)/};

        # attached when a request leaves its trace

        ok($t->wait_for(sub {
            $t->get('/status');
            -s $trace; }), 'traced');
        is(send_form('/files', ['cv', $content, 'a'])->status, 200, 'stored');

        kill 'INT', $tracer;
        waitpid $tracer, 0;

        my @order = map {
            /ENOENT/                         ? ()
            : /fsync\(\d+<\S+\/incoming\//     ? 'content'
            : /rename\("\S+", "\Q$path\E"/   ? 'name'
            : /fsync\(\d+<\Q$folder\E>/      ? 'folder'
            : /intakefiles|\Q$path\E.*EVAL|EVAL.*\Q$path\E/ ? 'entry'
            : /unlink\("\S+\/pending\//      ? 'mark'
            : /HTTP\/1.1 200.*json/          ? 'answer' : ()
        } split /\n/, $t->read_file('trace');

        is_deeply([grep { $_ ne 'answer' } @order],
                  [qw(content name folder entry mark)], 'in order');
        is($order[-1], 'answer', 'the answer comes last');
    };
}


subtest 'the sweep' => sub {
    my $week = 7 * 86400;
    my $now = time;

    # what a worker leaves that dies while Redis has its command

    my $orphan = content_path('files', 'orphan');
    my $mark = $t->path('files/pending/' . sha256_hex('orphan'));

    $redis->pause();
    my $client = $t->http();
    my ($body, $headers) = form(['cv', 'orphan', 'a']);
    $client->send('POST', '/slow', body => $body, headers => $headers);
    ok($t->wait_for(sub { -e $orphan }), 'a file is under way');

    my @workers = $t->worker_pids();

    $t->kill_worker($_) for @workers;
    $redis->resume();
    $client->close();
    ok(ready(), 'other workers');

    ok(-e $mark, 'it stays marked');

    # a mark that is younger, another entry's file, and what is not ours

    my $kept = content_path('files', 'shared');
    my $young = $t->write_file('files/pending/' . sha256_hex('young'), '.');
    my $fresh = $t->write_file('files/incoming/fresh', 'x');
    my $stale = $t->write_file('files/incoming/stale', 'x');

    $t->write_file(content_path('files', 'young'), 'young');
    utime $now - $week - 60, $now - $week - 60, $mark;
    utime $now - $week + 60, $now - $week + 60, $young;
    utime $now - 30 * $week, $now - 30 * $week, $kept;
    utime $now - 3660, $now - 3660, $stale;
    utime $now - 3540, $now - 3540, $fresh;

    ok($t->reload(), 'reloaded');
    ok($t->wait_for(sub { !-e $mark }), 'swept');
    ok(!-e $orphan, 'with its file');
    ok($t->wait_for(sub { !-e $stale }), 'a file that was not whole');
    ok(-e $fresh, 'not one of this hour');
    ok(-e $young && -e content_path('files', 'young'), 'nor one of this week');
    ok(-e $kept, 'nor one that an entry names');
    ok($t->wait_for_log(qr/swept ".*files": 1 files .*, 1 that no entry/),
       'and told');
};


subtest 'the end' => sub {

    # a worker that is told to leave answers first

    my $client = $t->http();
    my ($body, $headers) = form(['cv', 'last', 'a']);

    $client->write(Intake::HTTP::head('POST', '/files', body => $body,
                                      headers => $headers)
                   . substr $body, 0, 100);
    ok($t->reload(), 'reloaded');
    $client->write(substr $body, 100);
    is($client->response('POST')->status, 200, 'the last one is answered');
    is($t->read_file(content_path('files', 'last')), 'last', 'and kept');
};


$t->finish();
