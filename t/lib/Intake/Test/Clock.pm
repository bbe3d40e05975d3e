package Intake::Test::Clock;

# Copyright (C) nginx-intake contributors

# The clock that libfaketime shows to one program.  A moving clock is an
# offset to the real time, so that all processes agree whenever they look.

use strict;
use warnings;

use Time::HiRes qw(time);
use Time::Local qw(timegm);


sub new {
    my ($class, $file) = @_;
    return bless { file => $file }, $class;
}


# What nginx must leave in the environment of its workers.

sub variables {
    return qw(FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE
              FAKETIME_DONT_FAKE_MONOTONIC NO_FAKE_STAT TZ);
}


# Timers count on the monotonic clock, which stays real.

sub environment {
    my ($self) = @_;
    my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';

    die "there is no libfaketime: install faketime\n" unless $library;

    return (LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => $self->{file},
            FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1,
            NO_FAKE_STAT => 1, TZ => 'UTC');
}


# '@YYYY-MM-DD HH:MM:SS' moves, without @ it stands, '+N' or '-N' seconds
# beside the real time.

sub set {
    my ($self, $time) = @_;

    if ($time =~ /^[+-][0-9.]+$/) {
        $self->{stands} = undef;
        $self->{offset} = $time;

    } elsif ($time =~ /^(@?)(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)$/) {
        my $epoch = timegm($7, $6, $5, $4, $3 - 1, $2);

        $self->{stands} = $1 ? undef : $epoch;
        $self->{offset} = $epoch - time();

    } else {
        die "bad time: $time\n";
    }

    $self->show();
}


sub advance {
    my ($self, $seconds) = @_;

    $self->{defined $self->{stands} ? 'stands' : 'offset'} += $seconds;
    $self->show();
}


sub now {
    my ($self) = @_;
    return $self->{stands} // time() + $self->{offset};
}


sub show {
    my ($self) = @_;
    my $text = sprintf '%+.6f', $self->{offset};

    if (defined $self->{stands}) {
        my ($s, $m, $h, $day, $month, $year) = gmtime $self->{stands};
        $text = sprintf '%d-%02d-%02d %02d:%02d:%02d',
                        $year + 1900, $month + 1, $day, $h, $m, $s;
    }

    open my $fh, '>', "$self->{file}.new" or die "$self->{file}: $!";
    print $fh "$text\n";
    close $fh;
    rename "$self->{file}.new", $self->{file} or die "$self->{file}: $!";
}


1;
