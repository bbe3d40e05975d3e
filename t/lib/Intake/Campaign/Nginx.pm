package Intake::Campaign::Nginx;

# Copyright (C) nginx-intake contributors

# The nginx of a campaign, with a spool, and what is done to its processes and
# to its clock.
#
#     my $nginx = Intake::Campaign::Nginx->new($t, disk => $disk,
#         redis => 'server ...;', source => '...', sources => ['a', 'b']);
#     $nginx->faults($faults);

use strict;
use warnings;


use Intake::Campaign::Faults;
use Intake::Process;
use Intake::Test::Clock;

my $workers = 3;

# seconds that a clock may go wrong, and how far it may be from the truth
my @steps = (1, 60, 3600, 2 * 86400);
my $farthest = 30 * 86400;

my @log = (
    qr/exited on signal 9/,
    qr/\[crit\].*spool.*(?:failed|takes nothing)/,
    qr/\[crit\].*failed, the segment .* is not replayed \((?:5|28): /,
);


sub conf {
    my (%opt) = @_;
    my $sources = join '', map { <<"EOC" } @{$opt{sources}};
    intake_source $_ {
        platform  signed;
        secret    s3cret;
        $opt{source}
    }
EOC
    my $locations = join '', map { "        location = /$_ { intake $_; }\n" }
                             @{$opt{sources}};

    return <<"EOC";
%%TEST_GLOBALS%%
worker_processes $workers;
env LD_PRELOAD;
env INTAKE_FAULTS;
env ASAN_OPTIONS;
env LSAN_OPTIONS;
env UBSAN_OPTIONS;

events {
}

http {
    %%TEST_HTTP%%
    access_log  off;

    intake_spool %%DIR%%/spool;

    intake_redis {
        $opt{redis}
    }

    intake_platform signed {
        algorithm  hmac-sha256;
        signature  header:X-Signature;
        signed     "\$id.\$body";
        id         header:X-Id;
    }

$sources
    server {
        listen 127.0.0.1:%%PORT_0%%;

$locations
        location = /status { intake_status health=redis; }
    }
}
EOC
}


# Started by a shell that is killed then: a master in the foreground upgrades
# only when its first parent has gone, and obeys WINCH only when it has been
# upgraded itself.

sub new {
    my ($class, $t, %opt) = @_;
    my $self = bless { t => $t, %opt }, $class;
    my %env = $self->{disk}->environment();
    my @preload = $self->{disk}->library();

    if (!$t->static()) {
        $self->{clock} = Intake::Test::Clock->new($t->dir() . '/faketime');
        $self->{clock}->set('+0');
        %env = (%env, $self->{clock}->environment());
        push @preload, $env{LD_PRELOAD};
    }

    $t->{nginx_itself} = $t->{nginx};
    $t->write_file('start', qq(#!/bin/sh\n"$t->{nginx}" "\$@" &\nwait\n), 0755);
    $t->{nginx} = $t->dir() . '/start';
    $t->write_file_expand('nginx.conf', conf(%opt));
    $t->expect_log(@log);
    $t->run(env => { %env, LD_PRELOAD => join ' ', @preload });
    $t->{process}->signal('KILL');
    $t->wait_for(sub { $t->{process}->gone() });

    my $old = $t->master_pid();

    kill 'USR2', $old;
    $t->wait_for(sub { $t->master_pid() && $t->master_pid() != $old
                       && $self->serves() }) or die "no other binary\n";
    kill 'QUIT', $old;
    $t->wait_for(sub { $self->alone(old => $old) })
        or die "the first does not leave\n";

    return $self;
}


sub serves { $_[0]{t}->worker_pids() == $workers }


# No master is left but one.  It would not upgrade before its parent, `old`,
# has gone, or its child, `new`.

sub alone {
    my ($self, %other) = @_;
    my $master = $self->{t}->master_pid() or return 0;
    my ($parent) = map { $_->[2] } grep { $_->[0] == $master }
                   Intake::Process::processes();

    return 0 if -e $self->{t}->dir() . '/nginx.pid.oldbin'
                || !$parent || $parent == ($other{old} // 0)
                || $other{new} && -e "/proc/$other{new}";

    return $self->serves();
}


sub faults {
    my ($self, $faults) = @_;

    $faults->add('worker killed', ['killed'], sub { $self->kill_worker(1) });
    $faults->add('all workers killed', ['killed'],
                 sub { $self->kill_worker($workers) });
    $faults->add('worker stopped', ['stopped'], sub { $self->stop_worker() });
    $faults->add('reload', ['master'], sub { $self->reload() });
    $faults->add('binary upgrade', ['master'], sub { $self->upgrade(0) });
    $faults->add('binary upgrade taken back', ['master'],
                 sub { $self->upgrade(1) });

    if ($self->{clock}) {
        $faults->add('clock set forward', ['clock'], sub { $self->clock(1) });
        $faults->add('clock set back', ['clock'], sub { $self->clock(-1) });

    } else {
        $faults->absent('clock steps');
    }
}


sub kill_worker {
    my ($self, $n) = @_;
    my @pids = $self->{t}->worker_pids();

    while ($n-- && @pids) {
        kill 'KILL', splice @pids, rand @pids, 1;
    }

    return [sub { $self->serves() }];
}


sub stop_worker {
    my ($self) = @_;
    my @pids = $self->{t}->worker_pids() or return;
    my $pid = $pids[rand @pids];

    kill 'STOP', $pid;

    return [after(between(0.1, 2)), sub { kill 'CONT', $pid }];
}


sub reload {
    my ($self) = @_;
    my $t = $self->{t};
    my %old = map { $_ => 1 } $t->worker_pids();

    $t->signal('HUP');

    return [sub { $self->serves() && !grep { $old{$_} } $t->worker_pids() }];
}


# Workers of a master that take requests.

sub workers_of {
    my ($self, $master) = @_;
    return grep { $_->[1] == $master && $_->[2] =~ /^nginx: worker process/
                  && $_->[2] !~ /shutting down/ } $self->{t}{process}->group();
}


sub upgrade {
    my ($self, $back) = @_;
    my $t = $self->{t};
    my $old = $t->master_pid();
    my $new;

    kill 'USR2', $old;

    my @steps = (
        [sub { $new = $t->master_pid();
               return $new && $new != $old && $self->serves() },
         sub { kill 'WINCH', $old }],
        [sub { !$self->workers_of($old) }],
        [after(between(0.1, 1))]);

    return (@steps, [sub { 1 }, sub { kill 'QUIT', $old }],
            [sub { $self->alone(old => $old) }]) unless $back;

    return (@steps, [sub { 1 }, sub { kill 'HUP', $old }],
            [sub { $self->workers_of($old) == $workers },
             sub { kill 'QUIT', $new }],
            [sub { $self->alone(new => $new) }]);
}


sub clock {
    my ($self, $sign) = @_;
    my $step = $sign * $steps[rand @steps];

    $step = $sign if abs($self->{clock}{offset} + $step) > $farthest;
    $self->{clock}->advance($step);

    return;
}


# A number of the status, that of all workers.

sub metric {
    my ($self, $name) = @_;
    return $self->{t}->get('/status?format=prometheus&scope=node')->body
        =~ /^\Q$name\E ([0-9.]+)$/m ? $1 : undef;
}


1;
