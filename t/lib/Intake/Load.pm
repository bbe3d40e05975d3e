package Intake::Load;

# Copyright (C) nginx-intake contributors

# Clients that deliver as fast as they can, each one after another, until they
# are told to stop; every answer gets into the book of the deliveries.
#
#     my $load = Intake::Load->start($deliveries, clients => 4);
#     ...
#     $load->wait(200);
#     my @answers = $load->stop();
#     $deliveries->balance('none lost, none twice');
#
# An answer is { id, status, code, duplicate, elapsed }; status 0: there was
# none.  An id that got no 200 is delivered again, as a platform does.

use strict;
use warnings;

use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep);

use Intake::Process qw(wait_for);

my $loads = 0;


# clients (4); pause, seconds between the deliveries of one (0)

sub start {
    my ($class, $deliveries, %opt) = @_;
    my $number = ++$loads;
    my $self = bless {
        deliveries => $deliveries, clients => 4, pause => 0, %opt,
        path => "$deliveries->{t}{dir}/load-$number", name => "load-$number",
        parent => $$ }, $class;

    for my $client (1 .. $self->{clients}) {
        my $pid = fork() // die "fork: $!";

        if ($pid == 0) {
            eval { $self->run($client) };
            print STDERR "Intake::Load: $@" if $@;
            POSIX::_exit($@ ? 1 : 0);
        }

        push @{$self->{pids}}, $pid;
    }

    return $self;
}


sub run {
    my ($self, $client) = @_;
    my ($id, $n) = ('', 0);

    open my $out, '>', "$self->{path}.$client" or die "$self->{path}: $!";
    $out->autoflush(1);

    until (-e "$self->{path}.stop" || getppid() != $self->{parent}) {
        $id = "$self->{name}-$client-" . ++$n if $id eq '';

        my $res = eval { $self->{deliveries}->deliver($id) };
        my $answer = !$res ? {} : eval { $res->json } || {};

        print $out encode_json({
            %$answer, id => $id, answered => $answer->{id},
            status => $res ? 0 + $res->status : 0,
            elapsed => $res ? $res->{elapsed} : 0 }), "\n";

        if ($res && $res->status == 200) {
            $id = '';

        } else {
            sleep 0.005;
        }

        sleep $self->{pause} if $self->{pause};
    }
}


# The lines that the clients have written up to now.

sub lines {
    my ($self) = @_;
    my @lines;

    for my $client (1 .. $self->{clients}) {
        open my $fh, '<', "$self->{path}.$client" or next;
        push @lines, grep { /\n$/ } <$fh>;
    }

    return @lines;
}


# How many answers of a status there are.

sub count {
    my ($self, $status) = @_;
    return scalar grep { /"status":$status\b/ } $self->lines();
}


# Waits until there are so many more of a status (200) than now.

sub wait {
    my ($self, $n, $status) = @_;
    my $before = $self->count($status //= 200);

    return wait_for { $self->count($status) >= $before + $n } 30;
}


sub stop {
    my ($self) = @_;
    my $deliveries = $self->{deliveries};

    open my $fh, '>', "$self->{path}.stop" or die "$self->{path}: $!";
    {
        local $?;
        waitpid $_, 0 for @{$self->{pids}};
    }

    my @answers = map { decode_json($_) } $self->lines();

    for my $answer (grep { $_->{status} == 200 } @answers) {
        push @{$deliveries->{book}{$answer->{id}}},
            { %$answer, id => $answer->{answered} };
    }

    return @answers;
}


1;
