#!/usr/bin/perl

# Copyright (C) nginx-intake contributors

# A real Prometheus scrapes a running nginx in both formats with the
# configuration of conf/prometheus: every target is up, every series arrives,
# the rules are evaluated, and the queries of the dashboard are answered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Intake::Exposition;
use Intake::HTTP;
use Intake::Metrics;
use Intake::Process;
use Intake::Test;


my $conf = "$Intake::Test::root/conf";
my $program = $ENV{INTAKE_PROMETHEUS} // 'prometheus';
my $timeout = 60;

plan(skip_all => 'no prometheus')
    if system("$program --version > /dev/null 2>&1");

my $t = Intake::Test->new();
my $redis = $t->redis();

$redis->command('XGROUP', 'CREATE', 'intake:{desk}', 'workers', '0',
                'MKSTREAM');

$t->write_file_expand('nginx.conf', <<'EOC');
%%TEST_GLOBALS%%
worker_processes 2;

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
    }

    intake_calendar office {
        timezone  Europe/Berlin;
        hours     mon-fri 09:00-17:00;
    }

    intake_source desk {
        platform  open;
        groups    workers;
        sla       first=1h next=4h calendar=office;
    }

    intake_source shop { platform open; }

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /hooks/desk { intake desk; }
        location = /status     { intake_status; }
    }
}
EOC

$t->run();
ok($t->wait_for(sub { $t->get('/status?health')->status == 200 }), 'healthy');


# the job as it is shipped, and one for each format

my $scrape = Intake::Metrics::slurp("$conf/prometheus/scrape.yml");
my $port = $t->port(0);
my %formats = ('nginx-intake-text' => 'prometheus',
               'nginx-intake-openmetrics' => 'openmetrics');

ok($scrape =~ s/127\.0\.0\.1:8081/127.0.0.1:$port/, 'the target');
ok($scrape =~ s/^(  scrape_interval:) .*/$1 1s/m, 'more often');
ok($scrape =~ s/^(  evaluation_interval:) .*/$1 1s/m, 'the rules too');

$scrape .= <<"EOC" for sort keys %formats;

  - job_name: $_
    metrics_path: /status
    params:
      format: [$formats{$_}]
    static_configs:
      - targets:
          - 127.0.0.1:$port
EOC

$t->write_file('prometheus/scrape.yml', $scrape);
$t->write_file('prometheus/rules.yml',
               Intake::Metrics::slurp("$conf/prometheus/rules.yml"));

my $log = $t->path('prometheus/log');
my $address = '127.0.0.1:' . $t->port(1);
my $prometheus = Intake::Process->spawn(
    command => [$program, "--web.listen-address=$address",
                '--config.file=' . $t->path('prometheus/scrape.yml'),
                '--storage.tsdb.path=' . $t->path('prometheus/data'),
                '--log.format=json'],
    out => $log);


sub ask {
    my ($path, %parameters) = @_;

    my $query = join '&', map {
        "$_=" . $parameters{$_} =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ger
    } sort keys %parameters;

    return eval {
        Intake::HTTP->new(port => $t->port(1))
            ->request('GET', $query eq '' ? $path : "$path?$query",
                      close => 1);
    };
}


sub api {
    my $res = ask(@_);
    return $res && $res->status == 200 ? $res->json->{data} : undef;
}


# The value of each series of an answer, by the label.

sub query {
    my ($expression, $label) = @_;
    my $data = api('/api/v1/query', query => $expression) // return {};

    return { map { ($_->{metric}{$label} // '') => $_->{value}[1] }
                 @{$data->{result}} };
}


sub await {
    my ($expression, $label, $expected, $name) = @_;
    my $is;

    $t->wait_for(sub {
        $is = query($expression, $label);
        return encode($is) eq encode($expected);
    }, $timeout);

    is_deeply($is, $expected, $name);
}


sub encode { JSON::PP->new->canonical->encode($_[0]) }


my @jobs = ('nginx-intake', sort keys %formats);

sub each_job { return { map { $_ => "$_[0]" } @jobs } }


my $started = $t->wait_for(sub {
    my $res = ask('/-/ready');
    return $prometheus->gone() || $res && $res->status == 200;
}, $timeout);

ok($started && !$prometheus->gone(), 'Prometheus runs')
    or diag(Intake::File::slurp($log) // 'it has said nothing');


# scraping

await('up', 'job', each_job(1), 'every target is up');

my $targets = api('/api/v1/targets')->{activeTargets};

is_deeply([map { "$_->{labels}{job} $_->{health} $_->{lastError}" }
           sort { $a->{labels}{job} cmp $b->{labels}{job} } @$targets],
          [map { "$_ up " } sort @jobs], 'and no error is known');

my $exposition = Intake::Exposition->parse(
    $t->get('/status?format=prometheus')->body);
my $series = keys %{{$exposition->series}};

# those of rules begin with "intake:"

await('count by (job) ({__name__=~"intake_.*"})', 'job', each_job($series),
      'each series arrives in both formats');

is($t->post('/hooks/desk', "{\"n\":$_}",
            ['Content-Type' => 'application/json'])->status, 200, 'stored')
    for 1 .. 3;

await('intake_requests_total{source="desk",outcome="stored"}', 'job',
      each_job(3), 'a counter');
await('intake_store_duration_seconds_bucket{source="desk",le="+Inf"}', 'job',
      each_job(3), 'a histogram');
await('intake_build_info', 'job', each_job(1), 'what is no number');


# rules

my $rules = api('/api/v1/rules')->{groups};

is(scalar @$rules,
   () = Intake::Metrics::slurp("$conf/prometheus/rules.yml") =~ /^- name: /mg,
   'the groups of rules are loaded');

my @troubled;

ok($t->wait_for(sub {
    @troubled = map { "$_->{name}: $_->{health} " . ($_->{lastError} // '') }
                grep { $_->{health} ne 'ok' }
                map { @{$_->{rules}} } @{api('/api/v1/rules')->{groups}};
    return !@troubled;
}, $timeout), 'and evaluated') or diag(join "\n", @troubled);

sub alert {
    my ($name) = @_;
    return scalar grep { $_->{labels}{alertname} eq $name }
                       @{api('/api/v1/alerts')->{alerts}};
}

ok(!alert('IntakeNoWorkerReady'), 'no alert while Redis is up');

$redis->stop();
ok($t->wait_for(sub { alert('IntakeNoWorkerReady') }, $timeout),
   'an alert when it is not');

is($t->post('/hooks/desk', '{}', ['Content-Type' => 'application/json'])
     ->status, 200, 'spooled');
await('intake_spool_files', 'job', each_job(1), 'a file of the spool');
await('time() - intake_spool_oldest_timestamp_seconds < bool 600', 'job',
      each_job(1), 'and how old it is');


# the dashboard

my $dashboard = decode_json(
    Intake::Metrics::slurp("$conf/grafana/dashboard.json"));

for my $expression (Intake::Metrics::dashboard_expressions($dashboard)) {
    my ($where, $text) = @$expression;
    my $res = ask('/api/v1/query', query => $text);

    is($res->status, 200, $where) or diag($res->body);
}


# the end

$prometheus->signal('TERM');
ok($t->wait_for(sub { $prometheus->gone() }, $timeout), 'Prometheus ends');
is($prometheus->status, 0, 'by itself');

my @bad = grep { /"level":"(?:warn|error)"|"err"/ && !/Received SIGTERM/ }
              split /\n/, Intake::File::slurp($log);

is_deeply(\@bad, [], 'and has had no trouble');

$t->finish();
