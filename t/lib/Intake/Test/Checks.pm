package Intake::Test::Checks;

# Copyright (C) nginx-intake contributors

# What is looked for after every test, once everything was told to stop.

use strict;
use warnings;

use Test::More;

use Intake::Test::Valgrind;


# One check each: [name, what was found...]; nothing found is well.

sub results {
    my ($t) = @_;

    return (
        ['no alerts', unexpected($t, qr/\[(?:alert|emerg|crit)\]/)],
        ['no sanitizer reports', sanitizer($t),
         Intake::Test::Valgrind::reports($t->{dir}, @{$t->{refused} || []})],
        ['no sockets left', unexpected($t, qr/open socket #\d+ left/)],
        ['no core files', glob "$t->{dir}/core*"],
        ['every process left by itself', @{$t->{stayed} || []},
         unexpected($t, qr/exited (?:on signal|with (?:fatal )?code [1-9])/)],
    );
}


sub report {
    my ($t) = @_;

    for my $result (results($t)) {
        my ($name, @found) = @$result;

        ok(!@found, $name) or diag(first(20, @found));
    }

    return if Test::More->builder->is_passing();

    my @log = split /\n/, $t->log();
    my $from = @log > 30 ? @log - 30 : 0;
    diag("the end of the error log:\n", join "\n", @log[$from .. $#log]);
}


sub unexpected {
    my ($t, $pattern) = @_;

    return grep {
        my $line = $_;
        !grep { $line =~ $_ } @{$t->{expected}};
    } $t->error_log_lines($pattern);
}


# Reports, each from its first line to its summary.  An nginx that refuses its
# configuration leaves its first pool behind, which is no leak of a service.

sub sanitizer {
    my ($t) = @_;
    my (@reports, $open);

    for my $line (split /\n/, $t->log() . ($t->{tested} // '')) {
        if (!$open && $line =~ /(?:ERROR:\ \w+Sanitizer:|runtime\ error:
                                 |Sanitizer\ has\ encountered)/x) {
            next if $line =~ /^==(\d+)==.*LeakSanitizer/
                    && grep { $_ == $1 } @{$t->{refused} || []};
            push @reports, $line;
            $open = 30;

        } elsif ($open) {
            $reports[-1] .= "\n$line";
            $open = $line =~ /^SUMMARY:/ ? 0 : $open - 1;
        }
    }

    return @reports;
}


sub first {
    my ($count, @found) = @_;

    splice @found, $count if @found > $count;
    return join "\n", @found;
}


1;
