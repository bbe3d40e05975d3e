#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# config names every file under src, and no line is longer than 80 columns, has
# a tab or ends with a blank.

use strict;
use warnings;

use FindBin;
use Test::More;


my $root = "$FindBin::Bin/..";

open my $fh, '<', "$root/config" or die "config: $!";
my $config = do { local $/; <$fh> };
my @named = $config =~ m{\$intake_dir/(\S+\.[ch])\b}g;
my @found = map { s{^\Q$root\E/src/}{}r } map { glob "$root/src/$_" }
            qw(*.c *.h */*.c */*.h);

is_deeply([sort @named], [sort @found], 'every file of src, once');

# nginx's style, as far as a line can tell

my @wrong;

for my $path (map { glob "$root/$_" }
              qw(src/*.[ch] src/*/*.[ch] src/redis/scripts/*.lua
                 src/redis/scripts/*/*.lua t/*.t t/lib/Intake/*.pm
                 t/lib/Intake/*/*.pm t/*/*.[ch]))
{
    open my $file, '<:encoding(UTF-8)', $path or die "$path: $!";

    while (my $line = <$file>) {
        chomp $line;
        push @wrong, "$path:$." =~ s{^\Q$root\E/}{}r
            if length $line > 80 || $line =~ /\t|[ \r]$/;
    }
}

is_deeply(\@wrong, [], 'no line is too long, has a tab or blanks at its end');

done_testing();
