package Intake::Exposition;

# Copyright (C) nginx-intake contributors

# A strict reader of the Prometheus text format 0.0.4 and of OpenMetrics 1.0,
# for what both allow and a careful writer sends.
#
#     my $m = Intake::Exposition->parse($text, openmetrics => 1);
#     $m->value('x_total', source => 'a'), $m->type('x_total')
#
# parse() dies with the first line that breaks a rule.

use strict;
use warnings;

my $name = qr/[a-zA-Z_][a-zA-Z0-9_]*/;
my $label = qr/($name)="((?:[^"\\\n]|\\[\\"n])*)"/;
my $number = qr/[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN/;


sub parse {
    my ($class, $text, %opt) = @_;
    my $self = bless { openmetrics => $opt{openmetrics}, series => {},
                       order => [], families => {} }, $class;

    die "no line feed at the end\n" if $text !~ /\n\z/;
    die "carriage return\n" if $text =~ /\r/;

    my @lines = split /\n/, $text, -1;
    pop @lines;

    if ($self->{openmetrics}) {
        (pop(@lines) // '') eq '# EOF' or die "no # EOF at the end\n";
    }

    for my $line (@lines) {
        eval { $self->line($line); 1 } or die "$line: $@";
    }

    $self->check_histograms();

    return $self;
}


sub line {
    my ($self, $line) = @_;

    return $self->describe($1, $2, $3)
        if $line =~ /^# (HELP|TYPE|UNIT) ($name) (\S.*)$/;
    die "comment\n" if $line =~ /^#/;

    $line =~ /^($name)(?:\{(.*)\})? ($number)$/ or die "no sample\n";
    $self->sample($1, $2, $3);
}


# HELP, TYPE, UNIT: once each, before the samples, a family in one piece

sub describe {
    my ($self, $what, $subject, $text) = @_;
    my $om = $self->{openmetrics};
    my $family = $self->{families}{$subject};

    if (!$family) {
        $family = $self->{families}{$subject} = { name => $subject };
        push @{$self->{order}}, $family;
    }

    die "families are mixed\n" if $self->{order}[-1] != $family;
    die "after a sample\n" if $family->{samples};
    die "twice\n" if exists $family->{$what};
    $family->{$what} = $text;

    my %types = map { $_ => 1 } qw(counter gauge histogram),
                                $om ? 'info' : ();

    die "type\n" if $what eq 'TYPE' && !$types{$text};
    die "unit in 0.0.4\n" if $what eq 'UNIT' && !$om;
    die "unit is no suffix\n" if $what eq 'UNIT' && $subject !~ /_\Q$text\E$/;
    die "escape\n" if $what eq 'HELP' && $text =~ /\\[^\\n"]/;
    die "quote\n" if $what eq 'HELP' && $om && $text =~ /(?<!\\)"/;
    die "type in the name\n"
        if $subject =~ /_(?:counter|gauge|histogram|info)$/
           && !($subject =~ /_info$/ && !$om);
    die "suffix in the family\n"
        if $subject =~ /_(?:total|bucket|count|sum)$/
           && !($subject =~ /_total$/ && !$om);
}


sub sample {
    my ($self, $sample, $labels, $value) = @_;
    my $family = $self->{order}[-1] or die "before any family\n";
    my $type = $family->{TYPE} // die "without TYPE\n";
    my $base = $family->{name};

    die "without HELP\n" unless exists $family->{HELP};

    my %suffixes = (
        counter => [$self->{openmetrics} ? '_total' : ''],
        gauge => [''], info => ['_info'],
        histogram => [qw(_bucket _sum _count)]);

    grep { $sample eq "$base$_" } @{$suffixes{$type}} or die "family\n";
    die "counter without _total\n"
        if $type eq 'counter' && $sample !~ /_total$/;
    die "gauge with _total\n" if $type eq 'gauge' && $sample =~ /_total$/;

    my %labels = $self->labels($labels // '');

    die "le\n" if exists $labels{le} != ($sample =~ /_bucket$/
                                         && $type eq 'histogram');
    die "no count\n"
        if ($type eq 'counter' || $sample =~ /_(?:bucket|count)$/)
           && $value !~ /^\d+$/;
    die "info\n" if $sample =~ /_info$/ && $value ne '1';

    my $key = key($sample, %labels);
    die "twice\n" if exists $self->{series}{$key};

    $self->{series}{$key} = $value;
    $family->{samples}++;
    push @{$family->{buckets}{key($base, map { $_ => $labels{$_} }
                                         grep { $_ ne 'le' } keys %labels)}},
        [$labels{le}, $value] if exists $labels{le};
}


sub labels {
    my ($self, $text) = @_;
    my %labels;

    while (length $text) {
        $text =~ s/^$label(?:,(?=.)|$)// or die "labels\n";
        my ($key, $value) = ($1, $2);

        die "label twice\n" if exists $labels{$key};
        die "label name\n" if $key =~ /^__/;
        $value =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
        $labels{$key} = $value;
    }

    return %labels;
}


# le rises to +Inf, the counts do not fall, the last is _count

sub check_histograms {
    my ($self) = @_;

    for my $family (@{$self->{order}}) {
        for my $key (sort keys %{$family->{buckets} || {}}) {
            my @buckets = @{$family->{buckets}{$key}};
            my ($le, $count) = ('-Inf', 0);

            for my $bucket (@buckets) {
                die "$key: le $bucket->[0]\n"
                    if !($bucket->[0] > $le) || $bucket->[1] < $count
                       || $bucket->[0] !~ /^(?:\d+\.\d+|\+Inf)$/;
                ($le, $count) = @$bucket;
            }

            my $name = $family->{name};
            die "$key: no +Inf\n" if $le ne '+Inf';
            die "$key: _count\n"
                if $self->{series}{$key =~ s/^\Q$name\E/${name}_count/r}
                   != $count;
            die "$key: _sum\n"
                unless exists $self->{series}{$key =~ s/^\Q$name\E
                                                       /${name}_sum/xr};
        }
    }
}


sub key {
    my ($sample, %labels) = @_;
    return $sample . join '', map { "|$_=$labels{$_}" } sort keys %labels;
}


# The text of a sample's value, or undef.

sub value {
    my ($self, $sample, %labels) = @_;
    return $self->{series}{key($sample, %labels)};
}


# Every series as { "name|label=value" => value }.

sub series { %{$_[0]{series}} }


sub type { ($_[0]{families}{$_[1]} || {})->{TYPE} }
sub families { map { $_->{name} } @{$_[0]{order}} }


1;
