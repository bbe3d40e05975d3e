#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The short form of t/campaign/deliveries, with each of its faults once, and
# that what it looks for is found.  INTAKE_SLOW=1: with a cluster, too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use Test::More;

use Intake::Campaign::Book;


# What a server would answer: some entries, then nothing.

package Entries {
    sub command {
        my ($self, @command) = @_;
        return delete $self->{rows} // [];
    }
}


# A book with what clients were told, and the entries [ENTRY, ID, BODY].

sub book {
    my ($told, @rows) = @_;
    my $dir = tempdir(CLEANUP => 1);

    open my $fh, '>', "$dir/client" or die $!;
    print $fh map { "$_\n" } @$told;
    close $fh;

    my $book = Intake::Campaign::Book->new(files => ["$dir/client"]);

    $book->read();
    $book->look(bless({ rows => [map {
        ($_->[0], $_->[1], $_->[2] // "body of $_->[1]") } @rows] },
        'Entries'), 'intake:{a}');

    return $book;
}


sub counts { [map { scalar @$_ } $_[0]->verdict()] }


subtest 'the book' => sub {
    is_deeply(counts(book(['200 a 1-1 0'], ['1-1', 'a'])), [0, 0, 0], 'well');
    is_deeply(counts(book(['200 a - 0', '200 a 1-1 1', '503 b - 0', '0 c - 0'],
                          ['1-1', 'a'], ['1-2', 'c'])), [0, 0, 0],
              'a retry, and what is there without an answer');
    is_deeply(counts(book(['200 a 1-1 0'])), [1, 0, 0], 'lost');
    is_deeply(counts(book(['200 a - 0'])), [1, 0, 0], 'lost from the spool');
    is_deeply(counts(book(['200 a - 0'], ['1-1', 'a'], ['1-2', 'a'])),
              [0, 1, 0], 'twice');
    is_deeply(counts(book([], ['1-1', 'b'], ['1-2', 'b'])), [0, 1, 0],
              'twice, and not acknowledged');
    is_deeply(counts(book(['200 a 1-1 0'], ['1-2', 'a'])), [0, 0, 1],
              'another entry');
    is_deeply(counts(book(['200 a 1-1 0', '200 a 1-2 1'], ['1-1', 'a'])),
              [0, 0, 2], 'two entries are told');
    is_deeply(counts(book(['200 a 1-1 0'], ['1-1', 'a', 'x'])), [0, 0, 1],
              'another body');
    is_deeply(counts(book(['? a 1-1 0'])), [0, 0, 1], 'another answer');

    my $book = book(['200 a - 0', '200 b 1-1 0']);

    $book->spooled('a', 'b');
    is_deeply(counts($book), [1, 0, 0], 'in the spool, but with an entry');
    is(book(['404 a - 0', '503 a - 0', '200 a 1-1 0'])->others(), 1,
       'others than 200 and 503');
};


# valgrind is too slow for what is to happen in time

my @kinds = $ENV{INTAKE_VALGRIND} ? ()
            : ('server', $ENV{INTAKE_SLOW} ? 'cluster' : ());

for my $kind (@kinds) {
    subtest $kind => sub {
        local @ENV{qw(DELIVERIES RATE GAP PACE)} = (2000, 250, 0.3, 0.4);

        open my $pipe, '-|', "$FindBin::Bin/campaign/deliveries $kind 2>&1"
            or die "deliveries: $!\n";
        my $said = do { local $/; <$pipe> };

        close $pipe;
        like($said, qr/^lost 0, twice 0$/m, 'none is lost, none is twice');
        is($?, 0, 'it ends well') or diag $said;
        like($said, qr/^[2-9]\d{3,} deliveries acknowledged/m, 'all of them');

        my ($faults) = $said =~ /^faults \d+: (.*)$/m;

        is(scalar grep({ / 0$/ } split /, /, $faults // ' 0'), 0,
           'each fault was there');
        remove_tree($1) if $said =~ /^kept: (\S+)$/m && !$ENV{INTAKE_LEAVE};
        note $said;
    };
}

done_testing();
