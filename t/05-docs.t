#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# docs/directives.md has every directive of the tables in the sources, and no
# other; each with its syntax, default and context.

use strict;
use warnings;

use FindBin;
use Test::More;


my $root = "$FindBin::Bin/..";


sub slurp {
    my ($file) = @_;

    open my $fh, '<', "$root/$file" or die "$file: $!";
    local $/;

    return scalar <$fh>;
}


# the tables: which file, and the context of what stands in it

my %tables = (
    'src/ngx_http_intake_module.c' => [qw(http location)],
    'src/conf/ngx_http_intake_calendar_block.c' => ['intake_calendar'],
    'src/conf/ngx_http_intake_redis_block.c' => ['intake_redis'],
    'src/conf/ngx_http_intake_platform.c' => ['intake_platform'],
    'src/conf/ngx_http_intake_source_block.c' => ['intake_source'],
);

my %known;

for my $file (keys %tables) {
    my ($table) = slurp($file)
        =~ /_(?:commands|directives)\[\] = \{(.*?)^\};/ms
        or die "no table in $file";

    push @{$known{$_}}, $tables{$file} for $table =~ /ngx_string\("(\w+)"\)/g;
}

my %documented;

for my $section (split /^### /m, slurp('docs/directives.md')) {
    my ($name) = $section =~ /\A(\w+)\n/ or next;

    my ($context) = $section =~ /^\| Context: \| (.*) \|$/m;

    $documented{$name}++;

    ok($section =~ /^\| Syntax: \| \*\*\Q$name\E\*\* ?.* \|$/m
       && $section =~ /^\| Default: \| .+ \|$/m && defined $context,
       "$name: syntax, default, context")
        or next;

    my %in = map { $_ => 1 } split /, /, $context;
    my @missing = grep { !grep { $in{$_} } @$_ } @{$known{$name} || []};

    is_deeply(\@missing, [], "$name: the context is that of its table");
}

is_deeply([sort keys %documented], [sort keys %known],
          'the directives of the tables, and no others');
is_deeply([grep { $documented{$_} > 1 } keys %documented], [],
          'each of them once');


# the variables

my ($table) = slurp('src/http/ngx_http_intake_variables.c')
    =~ /_vars\[\] = \{(.*?)^\};/ms;
my @variables = ($table // '') =~ /ngx_string\("(\w+)"\)/g;
my @named = slurp('docs/directives.md') =~ /^\| `\$(intake_\w+)` \|/mg;

ok(@variables, 'there are variables');
is_deeply([sort @named], [sort @variables], 'the variables, and no others');


# the codes of answers

($table) = slurp('src/http/ngx_http_intake_codes.c')
    =~ /_problems\[\] = \{(.*?)^\};/ms;
my @codes = $table =~ /ngx_string\("([A-Z_]{4,})"\)/g;
@named = slurp('docs/http.md') =~ /^\| \d+ \| `([A-Z_]+)` \|/mg;

is_deeply([sort @named], [sort @codes],
          'docs/http.md has the codes that can be answered');

($table) = slurp('src/form/ngx_intake_field.c')
    =~ /_codes\[\] = \{(.*?)^\};/ms;
@codes = ($table // '') =~ /"([A-Z_]+)"/g;
my ($list) = slurp('docs/http.md') =~ /^The codes of fields are ([^.]+)\./m;
@named = ($list // '') =~ /`([A-Z_]+)`/g;

ok(@codes, 'there are codes of fields');
is_deeply([sort @named], [sort @codes], 'docs/http.md has them');

done_testing();
