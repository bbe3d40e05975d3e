#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# docs/platforms.md: every preset stands in its tables as it is, the lines that
# it gives for each are taken by nginx, and its recipe works as it is printed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Intake::File;
use Intake::Platforms;
use Intake::Test;


my $root = Intake::Test->root();
my $docs = Intake::File::slurp("$root/docs/platforms.md");
my $conf = Intake::File::slurp("$root/conf/intake/platforms.conf");
my (%presets, @presets);

while ($conf =~ /^intake_platform (\S+) \{\n(.*?)^\}/msg) {
    my ($name, $rules) = ($1, $2);

    push @presets, $name;
    $presets{$name} = $rules =~ s/^ *#.*//mgr;
}


# the tables

my %rows;

for my $line (split /\n/, $docs) {
    my ($name, @columns) = split / \| /, $line =~ s/^\| | \|$//gr;

    push @{$rows{$1}}, \@columns
        if ($name // '') =~ /^`([a-z0-9-]+)`$/ && @columns == 4;
}

is_deeply([sort keys %rows], [sort @presets],
          'the presets of the file, and no others, have a row');
is_deeply([grep { @{$rows{$_}} > 1 } sort keys %rows], [], 'one row each');


# What a table says of a window: "1d", "1d, body, marked", "none".

sub window {
    my ($rules) = @_;
    my ($dedupe) = $rules =~ /^\s*dedupe\s+([^;]*);/m;

    return 'none' if $dedupe =~ /key=none/;
    return join ', ', $dedupe =~ /window=(\S+)/,
                      $dedupe =~ /key=(body)/,
                      $dedupe =~ /on_duplicate=mark/ ? 'marked' : ();
}


sub uncovered {
    my ($name, $rules) = @_;
    my ($signed) = $rules =~ /^\s*signed\s+"(.*)";/m;
    my ($type) = $rules =~ /^\s*type\s+(\w+):/m;

    return 'attributes' if $rules =~ /^\s*algorithm\s+sns;/m;

    $signed //= join ' ', $rules =~ /^\s*claim\s+\S+\s+"(.*)"/mg
        if $rules =~ /^\s*algorithm\s+jwt-/m;
    return 'body' unless defined $signed;
    return join ', ', $rules =~ /^\s*id\s[^;]*\bunsigned;/m ? 'id' : (),
        $signed !~ /\$(?:body|form_sorted|params_amp)|\$\{form:/ ? 'body'
            : ($type // '') eq 'header' ? 'type' : ();
}


for my $name (@presets) {
    my ($row) = @{$rows{$name} || [['', '', '', '']]};
    my ($verified, $uncovered, $handshake, $window) = @$row;
    my $rules = $presets{$name};
    my $facts = Intake::Platforms->row($name) || {};

    is($window, window($rules), "$name: window");
    is($uncovered =~ s/^—$//r, uncovered($name, $rules),
       "$name: not covered");
    is($handshake !~ /^—/ ? 1 : 0, $rules =~ /^\s*challenge\s/m ? 1 : 0,
       "$name: handshake");
    is($verified =~ /, (\d+) (min|s)$/ ? $2 eq 's' ? $1 : $1 * 60 : 0,
       $facts->{stale} ? tolerance($rules) : 0, "$name: time");
}


# Seconds.

sub tolerance {
    my ($rules) = @_;
    my ($time, $unit) = $rules =~ /\btolerance=(\d+)(s|m)\b/;

    return 300 unless $time;
    return $unit eq 'm' ? $time * 60 : $time;
}


# the lines of configuration

my $t = Intake::Test->new();
my $platforms = Intake::Platforms->new($t);
my @sources = $docs =~ /^    (intake_source \S+ \{\n.*?^    \})/msg;
my %shown;

for my $source (@sources) {
    my ($name) = $source =~ /^\s*platform\s+(\S+);/m;
    my ($file) = $source =~ /^\s*secret\s+file:([^\s;]+)/m;
    my ($token) = $source =~ /^\s*verify_token\s+file:([^\s;]+)/m;

    $shown{$name} = $source;
    $t->write_file($token, 'token', 0600) if $token;

    if (Intake::Platforms->row($name)) {
        $platforms->conf($name);
        $t->write_file($file, $t->read_file("secret/$name"), 0600);
    } else {
        $t->write_file($file, 's3cret', 0600);
    }
}

is_deeply([grep { !$shown{$_} } @presets], [], 'a source for each preset');

my @all = @shown{@presets};

while (my @some = splice @all, 0, 60) {
    my $blocks = join "\n", grep { defined } @some;
    my ($code, $output) = $t->test_config(<<"EOC");
%%TEST_GLOBALS%%
events {
}
http {
    %%TEST_HTTP%%
    include %%PLATFORMS%%;
    $blocks
}
EOC

    is($code, 0, 'nginx takes them') or diag($output);
    unlike($output, qr/\[warn\]/, 'without a warning');
}


# the recipe

my ($example) = $docs =~ /^### An example\n(.*?)^###? /ms;
my ($platform) = $example =~ /^(    intake_platform acme \{\n.*?^    \})/ms;
my ($source) = $example =~ /^(    intake_source acme \{\n.*?^    \})/ms;
my ($location) = $example =~ /^(    location .*)$/m;
my ($command) = $example =~ /^(    body=.*?)\n\n[^ ]/ms;

$t->redis();
$t->write_file('intake/acme.secret', "s3cret\n", 0600);
$t->write_file_expand('nginx.conf', <<"EOC");
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server %%REDIS%%;
    }

$platform

$source

    server {
        listen  127.0.0.1:%%PORT_0%%;

$location
    }
}
EOC

$t->run();

my $port = $t->port();

$command =~ s{/etc/nginx/}{$t->dir() . '/'}ge;
$command =~ s{http://localhost/}{http://127.0.0.1:$port/};

like(qx($command), qr/"id":"e-1".*"duplicate":false/, 'the recipe works');
like(qx($command), qr/"id":"e-1".*"duplicate":true/, 'the second time');

my ($entry, @more) = $t->redis()->entries('intake:{acme}');

is($entry->{fields}{type}, 'com.acme.order.paid', 'type');
is($entry->{fields}{intakekeyid}, '2', 'the secret that matched');
is(@more, 0, 'stored once');

my $changed = $command =~ s/(--data-binary) "\$body"/$1 "\$body "/r;
isnt($changed, $command, 'a changed body');
like(qx($changed), qr/"code":"SIGNATURE_MISMATCH"/, 'is refused');


$t->finish();
