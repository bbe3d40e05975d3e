package Intake::File;

# Copyright (C) nginx-intake contributors

# Files as strings of bytes.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(slurp spew);


# undef: it cannot be opened

sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or return undef;
    local $/;

    return scalar <$fh>;
}


sub spew {
    my ($path, $bytes) = @_;

    open my $fh, '>:raw', $path or die "$path: $!";
    print $fh $bytes;
    close $fh or die "$path: $!";
}


1;
