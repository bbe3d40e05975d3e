package Intake::Metrics;

# Copyright (C) nginx-intake contributors

# The metrics of the status endpoint, and the expressions that ask for them:
# those of conf/prometheus/rules.yml and of conf/grafana/dashboard.json.

use strict;
use warnings;

use JSON::PP;


my @lane = qw(source tier clock);

# every metric and its labels; a histogram without its suffixes

our %labels = (
    intake_requests_total => [qw(source outcome)],
    intake_rejected_total => [qw(source code)],
    intake_spam_total => [qw(source reason)],
    intake_messages_total => [qw(source direction)],
    intake_anomalies_total => [qw(source reason)],
    intake_body_bytes_total => [qw(source)],
    intake_store_duration_seconds => [qw(source)],
    intake_durability_in_force => [qw(source)],
    intake_stream_entries => [qw(source)],
    intake_spam_stream_entries => [qw(source)],
    intake_escalation_stream_entries => [qw(source)],
    intake_group_exists => [qw(source group)],
    intake_group_lag_entries => [qw(source group)],
    intake_group_pending_entries => [qw(source group)],
    intake_group_oldest_pending_timestamp_seconds => [qw(source group)],

    intake_sla_events_total => [qw(source kind)],
    intake_sla_event_anomalies_total => [qw(source reason)],
    intake_sla_response_seconds => [@lane],
    intake_sla_response_business_seconds => [@lane],
    intake_sla_met_total => [@lane],
    intake_sla_breaches_total => [@lane],
    intake_sla_breaches_retracted_total => [@lane],
    intake_sla_closed_unanswered_total => [@lane],
    intake_sla_waiting_conversations => [@lane, 'age'],
    intake_sla_at_risk_conversations => [@lane],
    intake_sla_overdue_conversations => [@lane],
    intake_sla_oldest_waiting_timestamp_seconds => [@lane],
    intake_sla_next_due_timestamp_seconds => [@lane],
    intake_sla_target_seconds => [@lane],
    intake_sla_objective_ratio => [@lane],
    intake_sla_calendar_open => [qw(source tier)],
    intake_sla_calendar_end_timestamp_seconds => [qw(source tier)],
    intake_sla_last_sweep_timestamp_seconds => [qw(source)],
    intake_sla_snapshot_timestamp_seconds => [],
    intake_sla_redis_up => [qw(source)],

    intake_redis_up => [],
    intake_redis_in_flight => [],
    intake_redis_round_trip_seconds => [],
    intake_redis_connects_total => [],
    intake_redis_clock_skew_seconds => [],
    intake_spool_bytes => [],
    intake_spool_files => [],
    intake_spool_oldest_timestamp_seconds => [],
    intake_spool_replayed_total => [],
    intake_spool_bad_total => [],
    intake_start_timestamp_seconds => [],
    intake_build_info => [qw(version nginx)],
);


# The metric of a sample's name.

sub family {
    my ($name) = @_;
    my $base = $name =~ s/_(?:bucket|sum|count)$//r;

    return $labels{$base} && $base =~ /_duration_seconds$|_response_\w+$/
           ? $base : $name;
}


sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!";
    local $/;

    return scalar <$fh>;
}


# YAML as Perl; undef where Debian's python3-yaml is not installed.

sub yaml {
    my ($path) = @_;

    open my $fh, '-|', '/usr/bin/python3', '-c',
        'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])),'
        . ' sys.stdout)', $path or die "python3: $!";
    local $/;
    my $json = <$fh> // '';

    return close $fh ? decode_json($json) : undef;
}


# [where, expression] each.

sub rule_expressions {
    my ($rules) = @_;

    return map { [$_->{record} // $_->{alert}, $_->{expr}] }
               map { @{$_->{rules}} } @{$rules->{groups}};
}


# With a value for each of Grafana's variables; those of the variables' own
# queries too.

sub dashboard_expressions {
    my ($dashboard) = @_;
    my @list;

    for my $panel (@{$dashboard->{panels}}) {
        push @list, ["$panel->{title}, $_->{refId}", $_->{expr}]
            for @{$panel->{targets} || []};
    }

    for my $variable (@{$dashboard->{templating}{list}}) {
        my $query = $variable->{definition} // next;

        $query =~ /^label_values\((.*), (\w+)\)$/
            or die "$variable->{name}: $query";
        push @list, ["variable $variable->{name}", "count by ($2) ($1)"];
    }

    for my $expression (@list) {
        $expression->[1] =~ s/\$__rate_interval/1m/g;
        $expression->[1] =~ s/"\$(?:source|tier|clock)"/".*"/g;
    }

    return @list;
}


my $string = qr/"(?:[^"\\]|\\.)*"/;
my %words = map { $_ => 1 } qw(and or unless bool offset group_left
                               group_right inf nan);


# What an expression asks for: [name, { label => [operator, value] }] each,
# and the labels that it groups or matches by.

sub parse {
    my ($text) = @_;
    my (@selectors, @grouped);

    $text =~ s/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)
              /push @grouped, split(' ', $1 =~ tr|,| |r); ' '/gex;
    $text =~ s/\[[^\]]*\]/ /g;

    while ($text =~ /\G(?:
            (?<number> [0-9][0-9.eE]*[a-z]* )
          | (?<string> $string )
          | (?<name> [a-zA-Z_:][\w:]* ) \s*
            (?: (?<call> \( ) | \{ (?<labels> (?:[^"{}]|$string)* ) \} )?
          | (?<other> . )
        )/gcsx)
    {
        my %part = %+;

        next if !defined $part{name} || defined $part{call}
                || $words{$part{name}};

        my %wanted;
        $wanted{$1} = [$2, $3 =~ s{\\(.)}{$1}gr]
            while ($part{labels} // '')
                =~ /(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;

        push @selectors, [$part{name}, \%wanted];
    }

    return (\@selectors, \@grouped);
}


# Whether a series, as Intake::Exposition has it ("name|label=value"), is
# meant by a selector.

sub selects {
    my ($selector, $series) = @_;
    my ($name, @labels) = split /\|/, $series;
    my %has = map { split /=/, $_, 2 } @labels;

    return 0 if $name ne $selector->[0];

    for my $label (keys %{$selector->[1]}) {
        my ($operator, $value) = @{$selector->[1]{$label}};
        my $is = $operator =~ /~/ ? ($has{$label} // '') =~ /^(?:$value)$/
                                  : ($has{$label} // '') eq $value;

        return 0 if $is == ($operator =~ /!/ ? 1 : 0);
    }

    return 1;
}


1;
