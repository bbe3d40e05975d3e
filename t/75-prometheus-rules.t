#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# conf/prometheus and conf/grafana: the rules pass their own tests, each alert
# is seen to fire and to stay silent, every expression can be parsed, and asks
# only for what a running nginx exposes.  docs/operations.md explains every
# metric and every alert.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::Exposition;
use Intake::Metrics;
use Intake::Test;


my $promtool = $ENV{INTAKE_PROMTOOL} // 'promtool';
my $conf = "$Intake::Test::root/conf";
my $rules = Intake::Metrics::yaml("$conf/prometheus/rules.yml");

plan(skip_all => 'no promtool')
    if system("$promtool --version > /dev/null 2>&1");
plan(skip_all => 'no python3-yaml') if !$rules;

my $t = Intake::Test->new();

$t->redis();
$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_HTTP%%

    intake_redis {
        server  %%REDIS%%;
    }

    intake_spool %%DIR%%/spool;

    intake_platform open {
        algorithm  none;
        message    inbound when=json:from=customer conversation=json:thread;
        message    outbound conversation=json:thread;
    }

    intake_calendar office {
        timezone  UTC;
        hours     mon-fri 09:00-17:00;
    }

    intake_source desk {
        platform  open;
        groups    workers;
        sla       first=1h next=4h calendar=office;
    }

    intake_source contact {
        form;
        field  message required;
    }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /hooks/desk { intake desk; }
        location = /status     { intake_status; }
    }
}
EOC

$t->redis()->command('XGROUP', 'CREATE', 'intake:{desk}', 'workers', '0',
                     'MKSTREAM');
$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'healthy');

# some of them are there while the spool is in use

my $exposition = metrics();

$t->redis()->kill();
ok($t->wait_for(sub { metrics()->value('intake_redis_up') == 0 }),
   'Redis is away');
is($t->post('/hooks/desk', '{}', ['Content-Type' => 'application/json'])
     ->status, 200, 'spooled');
ok($t->wait_for(sub { metrics()->value('intake_spool_files') == 1 }),
   'the spool is in use');

my %series = ($exposition->series, metrics()->series);
my @series = keys %series;
my %exposed = map { $_ => 1 } $exposition->families, metrics()->families;


sub metrics {
    return Intake::Exposition->parse(
        $t->get('/status?format=prometheus')->body);
}


sub promtool {
    my ($name, @arguments) = @_;
    my $said = qx($promtool @arguments 2>&1);

    is($?, 0, $name) or diag($said);
}


promtool('check rules', 'check', 'rules', '--lint-fatal',
         "$conf/prometheus/rules.yml");
promtool('check config', 'check', 'config', "$conf/prometheus/scrape.yml");
promtool('test rules', 'test', 'rules', "$conf/prometheus/rules-test.yml");


subtest 'each alert fires and stays silent' => sub {
    my %seen;

    for my $test (@{Intake::Metrics::yaml("$conf/prometheus/rules-test.yml")
                        ->{tests}})
    {
        $seen{$_->{alertname}}{@{$_->{exp_alerts} || []} ? 'fires'
                                                         : 'silent'}++
            for @{$test->{alert_rule_test} || []};
    }

    my @alerts = grep { defined } map { $_->{alert} }
                     map { @{$_->{rules}} } @{$rules->{groups}};

    ok($seen{$_}{fires} && $seen{$_}{silent}, $_) for @alerts;
    is_deeply([sort keys %seen], [sort @alerts], 'and no others');
};


# the expressions

my $dashboard = eval {
    decode_json(Intake::Metrics::slurp("$conf/grafana/dashboard.json")) };

ok($dashboard, 'the dashboard is JSON') or diag($@);

my @panels = @{$dashboard->{panels}};
my @queried = grep { @{$_->{targets} || []} } @panels;

cmp_ok(scalar @queried, '>=', 15, 'it has panels');
is_deeply([map { $_->{name} } @{$dashboard->{templating}{list}}],
          [qw(datasource source tier clock)], 'and variables');
is(keys %{{map { $_->{id} => 1 } @panels}}, @panels, 'each id once');
is_deeply([map { $_->{title} } grep { overlaps($_) } @panels], [],
          'no panel lies upon another');

my @rules = Intake::Metrics::rule_expressions($rules);
my @expressions = (@rules,
                   Intake::Metrics::dashboard_expressions($dashboard));

unlike(join("\n", map { $_->[1] } @expressions), qr/\$/,
       'no other variables');

$t->write_file('expressions.yml', encode_json({ groups => [{
    name => 'all',
    rules => [map { { record => "expression:$_",
                      expr => $expressions[$_][1] } } 0 .. $#expressions],
}] }));

promtool('every expression is parsed', 'check', 'rules',
         $t->path('expressions.yml'));


sub overlaps {
    my ($panel) = @_;
    my $p = $panel->{gridPos};

    return 1 if $p->{x} + $p->{w} > 24;

    return grep {
        my $q = $_->{gridPos};
        $_->{id} != $panel->{id}
            && $p->{x} < $q->{x} + $q->{w} && $q->{x} < $p->{x} + $p->{w}
            && $p->{y} < $q->{y} + $q->{h} && $q->{y} < $p->{y} + $p->{h};
    } @panels;
}


# what they ask for

my %records = map { $_->[0] => $_->[1] } grep { $_->[0] =~ /:/ } @rules;


# The labels of what an expression asks for, those of recordings from theirs.

sub labels_of {
    my ($name) = @_;

    if (defined $records{$name}) {
        my ($selectors) = Intake::Metrics::parse($records{$name});
        return map { labels_of($_->[0]) } @$selectors;
    }

    return (@{$Intake::Metrics::labels{Intake::Metrics::family($name)} || []},
            qw(instance job le));
}


sub wrong {
    my ($selector) = @_;
    my ($name, $wanted) = @$selector;
    my $family = Intake::Metrics::family($name);
    my %known = map { $_ => 1 } labels_of($name);

    return "$name: label $_" for grep { !$known{$_} } sort keys %$wanted;

    return () if defined $records{$name} || $name eq 'up';
    return "$name is no metric" if !$Intake::Metrics::labels{$family};
    return "$name is a histogram, and needs a suffix"
        if $name eq $family && ($exposition->type($name) // '') eq 'histogram';

    return "$name with these labels is not exposed"
        if !grep { Intake::Metrics::selects($selector, $_) } @series;
    return ();
}


for my $expression (@expressions) {
    my ($where, $text) = @$expression;
    my ($selectors, $grouped) = Intake::Metrics::parse($text);
    my %known = map { $_ => 1 } map { labels_of($_->[0]) } @$selectors;

    my @wrong = (map({ wrong($_) } @$selectors),
                 map({ "by label $_" } grep { !$known{$_} } @$grouped));

    push @wrong, 'asks for nothing' if !@$selectors;
    is_deeply(\@wrong, [], $where);
}


# the list itself

subtest 'the list of metrics is that of the endpoint' => sub {
    is_deeply([sort grep { !$Intake::Metrics::labels{$_} } keys %exposed], [],
              'no metric is exposed that is not listed');
    is_deeply([sort grep { !$exposed{$_} } keys %Intake::Metrics::labels], [],
              'and none listed that is not exposed');

    my %labels;

    for (@series) {
        my ($name, @pairs) = split /\|/;
        $labels{Intake::Metrics::family($name)}{s/=.*//r}++
            for grep { !/^le=/ } @pairs;
    }

    is_deeply([sort keys %{$labels{$_} || {}}],
              [sort @{$Intake::Metrics::labels{$_} || []}], "labels of $_")
        for sort keys %exposed;
};


# the docs

my $docs = Intake::Metrics::slurp("$Intake::Test::root/docs/operations.md");
my %explained = $docs =~ /^\| `(intake_\w+)` \| ([^|]*?) *\|/mg;

is_deeply([sort keys %explained], [sort keys %Intake::Metrics::labels],
          'docs/operations.md has the metrics, and no others');
is_deeply([sort split /, /, $explained{$_} // ''],
          [sort @{$Intake::Metrics::labels{$_}}], "labels of $_ in the docs")
    for sort keys %Intake::Metrics::labels;

my %severity = $docs =~ /^\| `(Intake\w+)` \| (\w+) \|/mg;

is_deeply(\%severity,
          { map { $_->{alert} => $_->{labels}{severity} }
                grep { defined $_->{alert} }
                map { @{$_->{rules}} } @{$rules->{groups}} },
          'docs/operations.md has the alerts with their severity');

$t->finish();
