package Intake::Campaign::Disk;

# Copyright (C) nginx-intake contributors

# A small disk for the spool, that is filled, and whose fdatasync() fails.
# Where nothing can be mounted a library that is preloaded into nginx says
# that it is full.
#
#     Intake::Campaign::Disk::alone();
#     my $disk = Intake::Campaign::Disk->new(dir => $t->dir(), size => 256);
#     %env = ($disk->environment());
#     $disk->fill();
#     $disk->clear();

use strict;
use warnings;

my $source = __FILE__ =~ s{Campaign/Disk\.pm$}{../spool_faults.c}r;


# Runs this program again with mounts of its own, which end with it.

sub alone {
    return if $> != 0 || $ENV{INTAKE_MOUNTS}
              || system('unshare -m true 2>/dev/null') != 0;

    $ENV{INTAKE_MOUNTS} = 1;
    exec 'unshare', '-m', '--', $^X, $0, @ARGV;
}


# dir; size in megabytes

sub new {
    my ($class, %opt) = @_;
    my $self = bless { %opt, path => "$opt{dir}/spool" }, $class;
    my $library = "$opt{dir}/faults.so";

    system('gcc', '-O', '-shared', '-fPIC', '-o', $library, $source, '-ldl')
        == 0 or die "the faults cannot be built\n";

    if ($ENV{INTAKE_MOUNTS}) {
        mkdir $self->{path};
        $self->{mounted} = system('mount', '-t', 'tmpfs', '-o',
            "size=$opt{size}m", 'none', $self->{path}) == 0;
    }

    return $self;
}


sub mounted { $_[0]{mounted} }
sub library { "$_[0]{dir}/faults.so" }
sub environment { (INTAKE_FAULTS => "$_[0]{dir}/fault") }


# Of the preloaded library: eio, full, or '' for none.

sub fault {
    my ($self, $fault) = @_;
    my $path = "$self->{dir}/fault";

    open my $fh, '>', "$path.next" or die "$path.next: $!\n";
    print $fh "$fault\n";
    close $fh;
    rename "$path.next", $path or die "$path: $!\n";
}


sub fill {
    my ($self) = @_;

    return $self->fault('full') if !$self->{mounted};

    open my $fh, '>', "$self->{path}/.filler" or return;
    1 while syswrite $fh, "\0" x 65536;
    close $fh;
}


sub clear {
    my ($self) = @_;

    unlink "$self->{path}/.filler";
    $self->fault('');
}


1;
