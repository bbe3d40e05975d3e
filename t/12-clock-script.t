#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# The scripts of the response clocks against the model of t/oracle/clocks.py,
# and that it finds faults which are put into them.  INTAKE_SEED repeats a run,
# INTAKE_STEPS sets its length; with INTAKE_SLOW every fault is tried.  The
# cases of INTAKE_VECTORS are played where it is set.

use strict;
use warnings;

use FindBin;
use Test::More;


my $seed = $ENV{INTAKE_SEED} // int rand 2 ** 31;
my $steps = $ENV{INTAKE_STEPS} // 400;

note "INTAKE_SEED=$seed";


sub oracle {
    open my $pipe, '-|', '/usr/bin/python3', "$FindBin::Bin/oracle/clocks.py",
        @_ or die "python3: $!";
    my $text = do { local $/; <$pipe> } // '';

    close $pipe;
    return ($? >> 8, $text);
}


sub passes {
    my ($name, @args) = @_;
    my ($status, $text) = oracle(@args);

    ok($status == 0, $name) ? note $text : diag $text;
}


passes('edges', 'edges');
passes('random conversations', 'random', '-s', $seed, '-n', $steps);
passes('in a cluster', 'random', '--cluster', '-s', $seed + 1, '-n',
       $steps / 2);
passes('any order', 'converge', '-s', $seed, '-n', 5000);

my @faults = qw(waiting-expires breach-twice not-retracted pause-hides);

@faults = split ' ', (oracle('faults'))[1] if $ENV{INTAKE_SLOW};

for my $fault (@faults) {
    my ($status, $text) = oracle('random', '-s', 1, '-n', 1000, '--fault',
                                 $fault);

    is($status, 1, "$fault is found") or diag $text;
    like($text, qr/^seed 1: .*(?:, not |no end)/, 'by a difference');
}

passes('cases', 'cases', "$ENV{INTAKE_VECTORS}/sla/cases.json")
    if $ENV{INTAKE_VECTORS};

done_testing();
