#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# t/spool-dump, written from docs/spool-format.md, and the reader in C say the
# same of a segment, whole, cut or damaged.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use Test::More;

use Intake::File qw(slurp spew);


my $root = "$FindBin::Bin/..";
my $reader = "$root/build/unit/segment_test";
my $dir = tempdir(CLEANUP => 1);

is(system('make', '-s', '-C', $root, 'build/unit/segment_test'), 0,
   'the reader in C is built')
    or BAIL_OUT('no reader');


sub run {
    my (@command) = @_;

    open my $fh, '-|', @command or die "$command[0]: $!";
    my $out = do { local $/; <$fh> } // '';
    close $fh;

    return ($out, $? >> 8);
}


# What both print of a text, and what they exit with.

sub both {
    my ($name, $text) = @_;

    spew("$dir/segment", $text);

    my ($ours, $status) = run("$root/t/spool-dump", "$dir/segment");
    my ($theirs, $other) = run($reader, 'print', "$dir/segment");

    is($ours, $theirs, $name) if $ours ne $theirs || $name ne '';
    is($status, $other, "$name: the status") if $status != $other;

    return ($ours, $status);
}


run($reader, 'write', "$dir/segment");

my $segment = slurp("$dir/segment");
my ($out, $status) = both('a segment', $segment);

is($status, 0, 'nothing is wrong with it');
is(() = $out =~ /^record\ at=\d+\ size=\d+
                  \ arrival=2026-01-01T00:00:00\.00000\dZ\ /mgx,
   4, 'four records');
like($out, qr/^segment\ version=1\ salt=018073616c747361
              \ created=2026-01-01T00:00:00\.000001Z\ done=44$/mx,
     'the header');
like($out, qr/\ source=abcdefghijklmnopqrstuvwxyz_-1234\ kind=u\ stream=m
              \ key=s:A{22}\ key=u:B{22}$/mx, 'source, kind and keys');
like($out, qr/^    type: type$/m, 'a field');
like($out, qr/^    data: \\x00\\x01.*\[\\x5c\].*~\\x7f\\x80.*\\xff$/m,
     'every byte in print');
like($out, qr/^    extra: "clock"$/m, 'messages for the clocks');

my ($second) = $out =~ /\A.*?^record .*?^record at=(\d+)/ms;

($out, $status) = both('a torn tail', substr $segment, 0, $second + 30);
is($status, 1, 'it shows in the status');
like($out, qr/^tail at=$second size=30\n^end at=@{[$second + 30]}$/m,
     'and where it begins');

my $damaged = $segment;
substr($damaged, $second + 40, 1) ^= "\x01";

($out, $status) = both('a damaged record', $damaged);
is(() = $out =~ /^record /mg, 3, 'the others are found');
like($out, qr/^damage at=$second size=\d+$/m, 'it is named');

both('no segment', "nothing\n");
both('an empty file', '');
both('a header alone', substr $segment, 0, 44);
both('zeros at the end', $segment . "\0" x 100);

# some cuts and flips; the unit test has all

my $wrong = 0;

for my $i (map { $_ * 13 + 1 } 0 .. (length($segment) - 2) / 13) {
    my $flipped = $segment;
    substr($flipped, $i, 1) ^= "\x10";

    for my $text (substr($segment, 0, $i), $flipped) {
        spew("$dir/segment", $text);

        my @ours = run("$root/t/spool-dump", "$dir/segment");
        my @theirs = run($reader, 'print', "$dir/segment");

        $wrong++ if "@ours" ne "@theirs";
    }
}

is($wrong, 0, 'cuts and flips');

($out, $status) = run("$root/t/spool-dump", ("$dir/segment") x 2);

my $title = quotemeta "$dir/segment:\n";

ok($status == 1 && $out =~ /\A$title(.+)$title\1\z/s, 'two files');

done_testing();
