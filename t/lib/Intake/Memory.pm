package Intake::Memory;

# Copyright (C) nginx-intake contributors

# Allocations of nginx that fail, one at a time.
#
#     my $memory = Intake::Memory->new(t => $t);
#     $t->run(env => $memory->environment());
#     $memory->fail(7);
#     ... one request ...
#     my $seen = $memory->end();
#
# $seen is { count, failed, trace }: how many allocations there were meanwhile,
# whether the seventh was among them, and where it was called from.  fail()
# without a number only counts.  See t/campaign/failing_malloc.c; an nginx for
# the sanitizers or valgrind is linked with it, another one gets it preloaded.

use strict;
use warnings;

use Fcntl qw(SEEK_SET);


sub new {
    my ($class, %opt) = @_;
    my $self = bless { %opt }, $class;
    my $t = $self->{t};

    $self->{path} = $t->write_file('memory', pack 'Q3', 0, 0, 0);
    open $self->{fh}, '+<:raw:unix', $self->{path}
        or die "$self->{path}: $!";

    if (!$t->has('-fsanitize') && !$t->has('--wrap=malloc')) {
        $self->{library} = $t->path('failing_malloc.so');
        system('gcc', '-Wall', '-Wextra', '-Werror', '-O2', '-shared', '-fPIC',
               '-o', $self->{library},
               $t->root() . '/t/campaign/failing_malloc.c') == 0
            or die "gcc failed\n";
    }

    return $self;
}


# Whether allocations of this nginx can be made to fail at all.

sub works {
    my ($self) = @_;
    return $self->{library} || $self->{t}->has('--wrap=malloc');
}


sub environment {
    my ($self) = @_;
    return { INTAKE_MEMORY => $self->{path},
             $self->{library} ? (LD_PRELOAD => $self->{library}) : () };
}


# The number is written last: it is what begins.

sub fail {
    my ($self, $n) = @_;

    $self->put(8, 0, 0);
    $self->put(0, $n // ~0);
}


sub end {
    my ($self) = @_;

    $self->put(0, 0);

    sysseek $self->{fh}, 8, SEEK_SET;
    sysread $self->{fh}, my $bytes, 65536;
    my ($count, $failed) = unpack 'Q2', $bytes;

    return { count => $count, failed => $failed,
             trace => $failed ? substr($bytes, 16) : '' };
}


sub put {
    my ($self, $at, @numbers) = @_;

    sysseek $self->{fh}, $at, SEEK_SET;
    syswrite $self->{fh}, pack 'Q*', @numbers;
}


1;
