package Intake::Process;

# Copyright (C) nginx-intake contributors

# A program that a test starts, with everything it forks: its own process
# group, so that what it leaves behind is found, and killed with the test.

use strict;
use warnings;

use Exporter qw(import);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

use Intake::File qw(slurp);
use Intake::Test::Valgrind;

our @EXPORT_OK = qw(wait_for);


# Polls until the sub returns true; its value, or "" after $timeout seconds,
# or what they are under valgrind.

sub wait_for(&;$) {
    my ($sub, $timeout) = @_;
    my $end = time()
              + ($timeout // 15) * Intake::Test::Valgrind::patience();

    while (1) {
        my $value = $sub->();
        return $value if $value;
        return '' if time() > $end;
        sleep 0.01;
    }
}


# spawn(command => [...], env => {...}, out => FILE): stdout and stderr are
# appended to FILE; the program gets SIGTERM when the test dies.

sub spawn {
    my ($class, %opt) = @_;
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        setpgrp(0, 0);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $opt{out} or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT;
        @ENV{keys %{$opt{env} || {}}} = values %{$opt{env} || {}};
        { exec qw(setpriv --pdeathsig TERM --), @{$opt{command}} }
        POSIX::_exit(127);
    }

    setpgrp($pid, $pid);

    return bless { pid => $pid, owner => $$, command => $opt{command} },
        $class;
}


sub pid { $_[0]{pid} }


sub signal {
    my ($self, $signal) = @_;
    return kill $signal, $self->{pid};
}


# Collects the exit status; true as soon as the program itself has gone.

sub gone {
    my ($self) = @_;

    if (!defined $self->{status}) {
        my $pid = waitpid($self->{pid}, WNOHANG);
        $self->{status} = $pid > 0 ? $? : -1 if $pid;
    }

    return defined $self->{status};
}


sub status { $_[0]{status} }


# The pids of the group that still run: [pid, parent, title] each.

sub group {
    my ($self) = @_;
    my @left;

    $self->gone();

    for my $process (processes()) {
        my ($pid, $state, $parent, $group) = @$process;
        next if $group != $self->{pid} || $state eq 'Z';

        push @left, [$pid, $parent, title($pid)];
    }

    return @left;
}


# What the process calls itself.

sub title {
    my ($pid) = @_;
    my $title = slurp("/proc/$pid/cmdline") // '';

    $title =~ tr/\0/ /;
    $title =~ s/ +$//;
    $title = Intake::Test::Valgrind::title($pid) // $title
        if $title =~ m{^\S*valgrind(?:\.bin)? };

    return $title;
}


# Waits until the whole group has gone; true, or false after $timeout.

sub wait_group {
    my ($self, $timeout) = @_;
    return wait_for { !$self->group() } $timeout;
}


sub kill_group {
    my ($self) = @_;

    kill 'CONT', -$self->{pid};
    kill 'KILL', -$self->{pid};
    $self->wait_group(5);
}


sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    $self->kill_group() if $self->{owner} == $$ && $self->group();
}


# Every process: [pid, state, parent, group].

sub processes {
    my @list;

    for my $dir (glob '/proc/[0-9]*') {
        my $stat = slurp("$dir/stat") // next;
        push @list, [$1, $2, $3, $4]
            if $stat =~ /^(\d+) \(.*\) (\S) (\d+) (\d+)/s;
    }

    return @list;
}


1;
