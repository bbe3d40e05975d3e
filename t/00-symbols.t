#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# nginx opens modules with RTLD_GLOBAL: a name that the module exports, or a
# library that it links with and exports again, replaces that of others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::Test;


my $module = Intake::Test->new()->{module};

plan skip_all => 'the module is built in' if $module eq '';

my @names = map { (split)[2] } qx(nm -D --defined-only $module);
my @foreign = grep { !/^ngx_/
                     && !/^(_init|_fini|_edata|_end|__bss_start)$/ } @names;

ok(grep({ $_ eq 'ngx_modules' } @names), 'nm lists what is exported');
is("@foreign", '', 'nothing but ngx_ is exported');

my @undefined = map { (split)[1] =~ s/@.*//r } qx(nm -D -u $module);

is(join(' ', grep { /^redis/ } @undefined), '', 'hiredis is inside');

done_testing();
