#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The header that config makes of the Lua scripts holds exactly their text, with
# their parts and without comments.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Basename qw(basename dirname);
use Test::More;

use Intake::File;
use Intake::Store qw(script);
use Intake::Test;


my $t = Intake::Test->new();
my $built = dirname($t->static() ? $t->{nginx} : $t->{module});
my $header = Intake::File::slurp("$built/ngx_intake_scripts.h") // '';
my %strings;

while ($header =~ /^#define NGX_INTAKE_(\w+)_LUA \\\n((?:    ".*" \\\n)*)\n/mg)
{
    my ($name, $lines) = ($1, $2);
    my $text = join '', $lines =~ /^    "(.*)" \\$/mg;

    $text =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
    $strings{$name} = $text;
}

my @scripts = glob $t->root() . '/src/redis/scripts/*.lua';

ok(scalar @scripts, 'there are scripts');

for my $path (@scripts) {
    my $name = basename($path, '.lua');

    is($strings{uc $name =~ tr/-/_/r}, script($name), $name);
    unlike(script($name), qr/^ *--/m, "$name: without comments");
}

is(scalar keys %strings, scalar @scripts, 'and no others');

done_testing();
