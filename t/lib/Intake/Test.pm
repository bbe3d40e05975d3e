package Intake::Test;

# Copyright (C) nginx-intake contributors

# One nginx of a test's own, in a folder of its own.
#
#     my $t = Intake::Test->new();
#     $t->redis();
#     $t->write_file_expand('nginx.conf', <<'EOF_');
#     %%TEST_GLOBALS%%
#     events {}
#     http {
#         %%TEST_HTTP%%
#         include %%PLATFORMS%%;
#         intake_redis { server %%REDIS%%; }
#         server { listen 127.0.0.1:%%PORT_0%%; ... }
#     }
#     EOF_
#     $t->run();
#     is($t->post('/a', 'x')->status, 200);
#     $t->finish();
#
# finish() stops everything, looks for what no test may leave behind (see
# Intake::Test::Checks) and ends the plan.
#
# Environment: INTAKE_NGINX, the binary; INTAKE_MODULE, the module it loads,
# empty when it is built in; INTAKE_LEAVE=1 keeps the folder;
# INTAKE_VALGRIND=FOLDER runs it under valgrind (see Intake::Test::Valgrind).

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More ();
use Time::HiRes qw(time);

use Intake::File qw(slurp spew);
use Intake::HTTP;
use Intake::Port;
use Intake::Process;
use Intake::RedisServer;
use Intake::Test::Checks;
use Intake::Test::Clock;
use Intake::Test::Valgrind;

our $root = abs_path(dirname(__FILE__) . '/../../..');


# log: the level of error_log (info); module: the file to load, '' for none.

sub new {
    my ($class, %opt) = @_;
    my $self = bless {
        log => 'info',
        nginx => $ENV{INTAKE_NGINX} || '/usr/sbin/nginx',
        module => $ENV{INTAKE_MODULE}
                  // "$root/build/ngx_http_intake_module.so",
        expected => [], redis => [], ports => [],
        owner => $$, %opt }, $class;

    Test::More::BAIL_OUT("there is no $self->{module}: run make")
        if $self->{module} ne '' && ! -e $self->{module};

    $self->{dir} = tempdir('intake-XXXXXX', TMPDIR => 1,
                           CLEANUP => !$ENV{INTAKE_LEAVE});
    chmod 0755, $self->{dir};
    make_path("$self->{dir}/html");

    return $self;
}


sub dir { $_[0]{dir} }
sub root { $root }


# True when the module is built into nginx, and so cannot be left out.

sub static { $_[0]{module} eq '' }


# Whether `nginx -V` has the words.

sub has {
    my ($self, $words) = @_;
    $self->{built} //= qx($self->{nginx} -V 2>&1);
    return index($self->{built}, $words) >= 0;
}


# Whether something watches nginx that slows it and keeps its memory.

sub instrumented {
    my ($self) = @_;
    return Intake::Test::Valgrind::on() || $self->has('-fsanitize');
}


# Files.

sub path {
    my ($self, $name) = @_;
    return $name =~ m{^/} ? $name : "$self->{dir}/$name";
}


sub write_file {
    my ($self, $name, $content, $mode) = @_;
    my $path = $self->path($name);

    make_path(dirname($path));
    spew($path, $content);
    chmod $mode, $path if defined $mode;

    return $path;
}


sub write_file_expand {
    my ($self, $name, $content, $mode) = @_;
    return $self->write_file($name, $self->expand($content), $mode);
}


sub read_file {
    my ($self, $name) = @_;
    return slurp($self->path($name))
        // die $self->path($name) . ": $!";
}


sub expand {
    my ($self, $text) = @_;

    $text =~ s/%%TEST_GLOBALS%%/$self->globals()/ge;
    $text =~ s/%%TEST_HTTP%%/$self->http_settings()/ge;
    $text =~ s/%%PORT_(\d+)%%/$self->port($1)/ge;
    $text =~ s/%%REDIS%%/unix:$self->{dir}\/redis.sock/g;
    $text =~ s/%%DIR%%/$self->{dir}/g;
    $text =~ s/%%PLATFORMS%%/$root\/conf\/intake\/platforms.conf/g;
    $text =~ s/%%DESK%%/$root\/t\/data\/desk.conf/g;

    return $text;
}


# Workers run as whoever runs the test, so that they reach its folder.

sub globals {
    my ($self) = @_;
    my $text = $self->{module} ne '' ? "load_module $self->{module};\n" : '';

    $text .= "user root root;\n" if $> == 0;
    $text .= "daemon off;\n"
           . "pid $self->{dir}/nginx.pid;\n"
           . "working_directory $self->{dir};\n"
           . "error_log $self->{dir}/error.log $self->{log};\n";
    $text .= "env $_;\n" for Intake::Test::Clock::variables();

    return $text;
}


sub http_settings {
    my ($self) = @_;
    my $text = "root $self->{dir}/html;\n"
             . "access_log $self->{dir}/access.log;\n";

    $text .= "${_}_temp_path $self->{dir}/$_;\n"
        for qw(client_body proxy fastcgi uwsgi scgi);

    return $text;
}


sub port {
    my ($self, $number) = @_;
    $self->{ports}[$number || 0] //= Intake::Port->new();
    return $self->{ports}[$number || 0]->number();
}


# The test's Redis, started at the first call with the options of
# Intake::RedisServer; another one when `name` is given.

sub redis {
    my ($self, %opt) = @_;
    my $name = $opt{name} // 'redis';
    my ($redis) = grep { $_->{name} eq $name } @{$self->{redis}};

    return $redis if $redis;

    $redis = Intake::RedisServer->new(dir => $self->{dir}, %opt)->start();
    push @{$self->{redis}}, $redis;

    return $redis;
}


# Starts nginx and waits for its workers; dies with the log when it does not
# start.  faketime: see set_time(); env: more of its environment.

sub run {
    my ($self, %opt) = @_;
    my %env = (ASAN_OPTIONS => join(':', 'detect_leaks=1',
                                    $ENV{ASAN_OPTIONS} // ()),
               LSAN_OPTIONS => "print_suppressions=0:suppressions="
                               . $self->nginx_leaks(),
               UBSAN_OPTIONS => 'print_stacktrace=1', %{$opt{env} || {}});

    if (defined $opt{faketime}) {
        $self->{clock} = Intake::Test::Clock->new("$self->{dir}/faketime");
        $self->{clock}->set($opt{faketime});
        %env = (%env, $self->{clock}->environment());
    }

    $self->{process} = Intake::Process->spawn(
        command => [$self->command(), $self->arguments('nginx.conf')],
        env => \%env, out => "$self->{dir}/error.log");

    my $workers = $self->read_file('nginx.conf')
        =~ /^\s*worker_processes\s+(\d+);/m ? $1 : 1;

    $self->wait_for(sub {
        $self->{process}->gone() || $self->worker_pids() >= $workers });

    if ($self->{process}->gone()) {
        push @{$self->{refused}}, (delete $self->{process})->pid();
        die "nginx did not start:\n" . $self->log() . "\n";
    }

    return $self;
}


# nginx 1.22 forgets what it has compiled regular expressions with, one small
# allocation a configuration (ngx_regex_module_init).

sub nginx_leaks {
    my ($self) = @_;
    return $self->write_file('leaks', "leak:ngx_regex_malloc\n");
}


# What is run, and under what.

sub command {
    my ($self) = @_;

    return $self->{start} if $self->{start};
    return (Intake::Test::Valgrind::command($self->{dir}), $self->{nginx});
}


# nginx gets a parent that can be killed without it: a master in the
# foreground then obeys USR2.

sub without_parent {
    my ($self) = @_;
    my $command = join ' ', map { "'$_'" } $self->command();

    $self->{start} = $self->write_file(
        'start', qq(#!/bin/sh\n$command "\$@" &\nwait\n), 0755);
}


sub arguments {
    my ($self, $conf) = @_;
    return ('-p', "$self->{dir}/", '-c', $self->path($conf),
            '-e', "$self->{dir}/error.log");
}


# Runs `nginx -t` on a configuration; (exit code, what it said).

sub test_config {
    my ($self, $text) = @_;
    my $conf = $self->write_file_expand('test.conf', $text);

    $self->write_file('test.conf',
        $self->read_file('test.conf')
            =~ s{error_log \Q$self->{dir}\E/error\.log}
                {error_log $self->{dir}/test.log}r);

    my @command = ($self->{nginx}, '-t', '-p', "$self->{dir}/", '-c', $conf,
                   '-e', "$self->{dir}/test.log");

    my $output = do {
        local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
        open my $fh, '-|', join(' ', map { "'$_'" } @command) . ' 2>&1'
            or die "nginx: $!";
        local $/;
        my $said = <$fh> // '';
        close $fh;
        $said;
    };

    $self->{tested} .= $output;

    return ($? >> 8, $output);
}


# Processes.

sub master_pid {
    my ($self) = @_;
    my $pid = Intake::File::slurp("$self->{dir}/nginx.pid") // '';
    return $pid =~ /^(\d+)/ ? $1 : 0;
}


# The workers that take requests; with `all` those too that are leaving.

sub worker_pids {
    my ($self, $all) = @_;
    my $master = $self->master_pid();
    my @workers;

    for my $process ($self->{process} ? $self->{process}->group() : ()) {
        my ($pid, $parent, $title) = @$process;

        next unless $title =~ /^nginx: worker process/;
        next unless $all || $parent == $master && $title !~ /shutting down/;
        push @workers, $pid;
    }

    return @workers;
}


sub signal {
    my ($self, $signal) = @_;
    my $pid = $self->master_pid() or return 0;
    return kill $signal, $pid;
}


# Kills one worker, the first by default, and waits for its successor.

sub kill_worker {
    my ($self, $pid) = @_;
    my @before = $self->worker_pids();

    $pid //= $before[0];
    $self->expect_log(qr/worker process $pid exited on signal 9/);
    kill 'KILL', $pid;

    return $self->wait_for(sub {
        my @now = $self->worker_pids();
        return @now == @before && !grep { $_ == $pid } @now;
    });
}


# True when new workers serve and the old ones take nothing new; false when
# the new configuration was refused.

sub reload {
    my ($self) = @_;
    my %old = map { $_ => 1 } $self->worker_pids();
    my $refused = $self->error_log_lines(qr/\[emerg\]/);

    $self->signal('HUP');

    return $self->wait_for(sub {
        return 'refused'
            if $self->error_log_lines(qr/\[emerg\]/) > $refused;

        my @now = $self->worker_pids();
        return @now && !grep { $old{$_} } @now;
    }) eq '1';
}


# The orderly end; true when every process left by itself in time.

sub quit { $_[0]->leave('QUIT', $_[1]) }


# The fast end.

sub stop { $_[0]->leave('TERM', $_[1]) }


sub leave {
    my ($self, $signal, $timeout) = @_;
    my $process = $self->{process} or return 1;

    $self->signal($signal) || $process->signal($signal);

    my $gone = $process->wait_group($timeout // 15);

    if (!$gone) {
        push @{$self->{stayed}},
            map { "$_->[0] $_->[2]" } $process->group();
        $process->kill_group();
    }

    delete $self->{process};

    return $gone;
}


# The clock of nginx, when run() was told faketime: '@2026-01-01 09:00:00'
# runs on from there, without @ it stands still, '+3600' is added to the real
# time; all UTC.  Redis keeps the real time.

sub set_time {
    my ($self, $time) = @_;
    $self->{clock}->set($time);
}


# Lets seconds pass at once.

sub advance {
    my ($self, $seconds) = @_;
    $self->{clock}->advance($seconds);
}


# Seconds since the epoch, as nginx sees them.

sub now {
    my ($self) = @_;
    return $self->{clock} ? $self->{clock}->now() : time();
}


# Requests, each on its own connection; `port` is the number of a %%PORT_N%%
# (0), the other options are those of Intake::HTTP.

sub http {
    my ($self, %opt) = @_;
    return Intake::HTTP->new(%opt, port => $self->port($opt{port}));
}


sub request {
    my ($self, $method, $uri, %opt) = @_;
    return $self->http(port => delete $opt{port})
                ->request($method, $uri, close => 1, %opt);
}


sub get {
    my ($self, $uri, $headers, %opt) = @_;
    return $self->request('GET', $uri, headers => $headers, %opt);
}


sub post {
    my ($self, $uri, $body, $headers, %opt) = @_;
    return $self->request('POST', $uri, body => $body, headers => $headers,
                          %opt);
}


# Over HTTP/2; the server must listen with http2.

sub request_h2 {
    my ($self, $method, $uri, %opt) = @_;
    my $port = $self->port(delete $opt{port});

    require Intake::HTTP2;
    return Intake::HTTP2->request($port, $method, $uri, %opt);
}


# Waiting and logs.

sub wait_for {
    my ($self, $sub, $timeout) = @_;
    return Intake::Process::wait_for(\&$sub, $timeout);
}


sub log { slurp("$_[0]{dir}/error.log") // '' }


sub error_log_lines {
    my ($self, $pattern) = @_;
    return grep { $_ =~ $pattern } split /\n/, $self->log();
}


sub wait_for_log {
    my ($self, $pattern, $timeout) = @_;
    return $self->wait_for(
        sub { scalar $self->error_log_lines($pattern) }, $timeout);
}


# Lines of the error log that this test means to cause.

sub expect_log {
    my ($self, @patterns) = @_;
    push @{$self->{expected}}, @patterns;
}


# The end.

sub shut_down {
    my ($self) = @_;

    $self->quit();

    for my $redis (@{$self->{redis}}) {
        $redis->stop() or push @{$self->{stayed}}, $redis->{name};
    }
}


sub finish {
    my ($self) = @_;

    $self->shut_down();
    Intake::Test::Checks::report($self);
    Test::More::done_testing();
}


sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    return unless $self->{owner} == $$;

    delete $self->{process};
    $_->kill() for grep { defined } @{$self->{redis}};
}


1;
