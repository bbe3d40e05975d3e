#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# config names every file under src.

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

done_testing();
