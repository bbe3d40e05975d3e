package Intake::Campaign::Faults;

# Copyright (C) nginx-intake contributors

# Faults at random, several at a time, each kind as often as the others.
#
#     my $faults = Intake::Campaign::Faults->new(gap => 1.5);
#     $faults->add('Redis killed', ['redis'], sub {
#         $redis->kill();
#         return ([after(2), sub { $redis->launch() }],
#                 [sub { $redis->ready() }]);
#     });
#     $faults->tick() until $faults->each_done();
#     $faults->finish();
#
# A kind names what it needs for itself.  Its sub begins the fault and returns
# what has to follow: [when, what is done then] each; a sub that says whether
# it is time, and another.

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(shuffle);
use Time::HiRes qw(sleep time);

our @EXPORT = qw(after between);

# seconds in which a step has to come to its end
my $limit = 120;


# how long faults last; 1: as it is written
my $pace = $ENV{PACE} || 1;


# gap: seconds between two beginnings, on average

sub new {
    my ($class, %opt) = @_;
    return bless { gap => 1, kinds => {}, deck => [], running => [],
                   count => {}, absent => [], next => time(), %opt }, $class;
}


sub add {
    my ($self, $name, $needs, $begin) = @_;

    $self->{kinds}{$name} = { name => $name, needs => $needs,
                              begin => $begin };
    $self->{count}{$name} = 0;
}


# A kind that this machine does not let us have.

sub absent {
    my ($self, $name) = @_;
    push @{$self->{absent}}, $name;
}


# Seconds between two numbers of them, at random.

sub between { $pace * ($_[0] + rand($_[1] - $_[0])) }


sub after {
    my ($seconds) = @_;
    my $end = time() + $seconds;

    return sub { time() >= $end };
}


sub tick {
    my ($self) = @_;

    $self->go_on();
    return if time() < $self->{next};

    $self->begin();
    $self->{next} = time() - log(1 - rand) * $self->{gap};
}


# The first of the deck that needs nothing which is in use.

sub begin {
    my ($self) = @_;
    my %busy = map { $_ => 1 } map { @{$_->{needs}} } @{$self->{running}};
    my $deck = $self->{deck};

    @$deck = shuffle(sort keys %{$self->{kinds}}) unless @$deck;

    for my $i (0 .. $#$deck) {
        my $kind = $self->{kinds}{$deck->[$i]};

        next if grep { $busy{$_} } @{$kind->{needs}};

        splice @$deck, $i, 1;
        push @{$self->{running}}, {
            %$kind, since => time(), steps => [$kind->{begin}->()] };
        return;
    }
}


sub go_on {
    my ($self) = @_;
    my @running;

    for my $fault (@{$self->{running}}) {
        while (my $step = $fault->{steps}[0]) {
            my ($when, $what) = @$step;

            if (!$when->()) {
                die "\"$fault->{name}\" does not come to its end, "
                    . @{$fault->{steps}} . " steps are left\n"
                    if time() > $fault->{since} + $limit;
                last;
            }

            shift @{$fault->{steps}};
            $what->() if $what;
            $fault->{since} = time();
        }

        if (@{$fault->{steps}}) {
            push @running, $fault;

        } else {
            $self->{count}{$fault->{name}}++;
        }
    }

    $self->{running} = \@running;
}


sub finish {
    my ($self) = @_;

    while (@{$self->{running}}) {
        $self->go_on();
        sleep 0.02;
    }
}


sub each_done {
    my ($self) = @_;
    return !grep { !$_ } values %{$self->{count}};
}


sub total {
    my ($self) = @_;
    my $total = 0;

    $total += $_ for values %{$self->{count}};
    return $total;
}


sub report {
    my ($self) = @_;
    my $count = $self->{count};

    return 'faults ' . $self->total() . ': '
           . join(', ', map { "$_ $count->{$_}" } sort keys %$count) . "\n"
           . join '', map { "not on this machine: $_\n" } @{$self->{absent}};
}


1;
