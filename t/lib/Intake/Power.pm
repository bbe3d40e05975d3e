package Intake::Power;

# Copyright (C) nginx-intake contributors

# What a directory holds after a loss of power: of each file as much as had
# been synchronized, under the names that had been.
#
#     my $power = Intake::Power->new(t => $t, dir => $dir);
#     my $redis = $t->redis(env => $power->environment(), ...);
#     ...
#     $redis->kill();
#     my $bytes = $power->lose();
#     $redis->start();
#
# lose() gives the bytes that are gone.  What had been written, and had not
# been synchronized, may be there all the same: with `tail`, a part of it is,
# or zeros (part, zeros).  See t/campaign/synced_sizes.c.

use strict;
use warnings;

use File::Path qw(make_path);


# t, dir (made if it is not there), name (another one for each directory)

sub new {
    my ($class, %opt) = @_;
    my $self = bless { name => 'power', %opt }, $class;
    my $t = $self->{t};

    $self->{record} = $t->path("$self->{name}.synced");
    $self->{kept} = $t->path("$self->{name}.kept");
    $self->{library} = $t->path('synced_sizes.so');

    system('gcc', '-Wall', '-Wextra', '-Werror', '-O2', '-shared', '-fPIC',
           '-o', $self->{library}, $t->root() . '/t/campaign/synced_sizes.c',
           '-ldl') == 0
        or die "gcc failed\n";

    make_path($self->{dir}, $self->{kept});
    $self->begin();

    return $self;
}


sub environment {
    my ($self) = @_;
    return { LD_PRELOAD => $self->{library},
             INTAKE_SYNCED => $self->{record}, INTAKE_KEPT => $self->{kept} };
}


# What is there now is on the disk.

sub begin {
    my ($self) = @_;

    unlink glob "$self->{kept}/*";

    $self->{size} = {};
    $self->{names} = {};

    for my $name (names($self->{dir})) {
        my ($inode, $size) = (stat "$self->{dir}/$name")[1, 7];

        $self->{size}{$inode} = $size;
        $self->{names}{$name} = $inode;
    }

    open my $fh, '>', $self->{record} or die "$self->{record}: $!";
}


sub names {
    my ($dir) = @_;

    opendir my $dh, $dir or die "$dir: $!";
    return grep { -f "$dir/$_" } readdir $dh;
}


# Nobody has a file of the directory open.

sub lose {
    my ($self, %opt) = @_;
    my $dir = $self->{dir};
    my $lost = 0;

    $self->read_record();

    for my $name (names($dir)) {
        my $inode = (stat "$dir/$name")[1];

        link "$dir/$name", "$self->{kept}/$inode";
        unlink "$dir/$name" or die "$dir/$name: $!";
    }

    for my $name (sort keys %{$self->{names}}) {
        my $inode = $self->{names}{$name};

        link "$self->{kept}/$inode", "$dir/$name" or die "$dir/$name: $!";
        $lost += cut("$dir/$name", $self->{size}{$inode} // 0, $opt{tail});
    }

    $self->begin();

    return $lost;
}


sub cut {
    my ($path, $size, $tail) = @_;
    my $more = (stat $path)[7] - $size;

    return 0 if $more <= 0;

    my $left = defined $tail ? int rand $more + 1 : 0;

    if (defined $tail && $tail eq 'zeros') {
        truncate $path, $size or die "$path: $!";
    }

    truncate $path, $size + $left or die "$path: $!";

    return $more;
}


# A file is only ever longer than before.

sub read_record {
    my ($self) = @_;
    my $directory = (stat $self->{dir})[1];

    open my $fh, '<', $self->{record} or die "$self->{record}: $!";

    for my $line (<$fh>) {
        my ($kind, $inode, @rest) = split ' ', $line;

        if ($kind eq 'file') {
            $self->{size}{$inode} = $rest[0]
                if $rest[0] > ($self->{size}{$inode} // 0);

        } elsif ($inode == $directory) {
            $self->{names} = { map { split m{/} } @rest };
        }
    }
}


1;
