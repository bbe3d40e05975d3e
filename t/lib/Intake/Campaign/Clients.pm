package Intake::Campaign::Clients;

# Copyright (C) nginx-intake contributors

# The processes of the clients, see Intake::Campaign::Client.
#
#     my $clients = Intake::Campaign::Clients->new($t, processes => 2,
#         seed => 1, sources => ['a'], rate => 0);
#     $clients->files();
#     $clients->stop(), $clients->gone(), $clients->failed()

use strict;
use warnings;

use POSIX qw(WNOHANG);

use Intake::Campaign::Client;


sub new {
    my ($class, $t, %opt) = @_;
    my $self = bless { processes => 2, slots => 24, seed => 1, %opt,
                       dir => $t->dir(), pids => {} }, $class;
    my $rate = $self->{rate} / $self->{processes};

    for my $n (1 .. $self->{processes}) {
        my $client = Intake::Campaign::Client->new(
            port => $t->port(0), name => $n, sources => $self->{sources},
            slots => $self->{slots}, rate => $rate, out => $self->file($n),
            stop => "$self->{dir}/stop");
        my $pid = fork() // die "fork: $!\n";

        if ($pid == 0) {
            srand $self->{seed} + $n;
            eval { $client->run() };
            print STDERR "client $n: $@" if $@;
            POSIX::_exit($@ ? 1 : 0);
        }

        $self->{pids}{$pid} = 1;
    }

    return $self;
}


sub file { "$_[0]{dir}/client-$_[1]" }


sub files {
    my ($self) = @_;
    return map { $self->file($_) } 1 .. $self->{processes};
}


# They acknowledge what they have begun, then they end.

sub stop {
    my ($self) = @_;

    open my $fh, '>', "$self->{dir}/stop" or die "$self->{dir}/stop: $!\n";
    close $fh;
}


sub gone {
    my ($self) = @_;

    for my $pid (keys %{$self->{pids}}) {
        next if waitpid($pid, WNOHANG) == 0;
        $self->{failed}++ if $?;
        delete $self->{pids}{$pid};
    }

    return !%{$self->{pids}};
}


sub failed { $_[0]{failed} // 0 }


sub kill {
    my ($self) = @_;
    CORE::kill 'KILL', keys %{$self->{pids}};
}


1;
