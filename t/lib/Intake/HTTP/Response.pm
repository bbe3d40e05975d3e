package Intake::HTTP::Response;

# Copyright (C) nginx-intake contributors

# An answer: status (0: there was none), reason, version, body, complete (the
# body was all there), headers ({ name in lower case => [values] }) and names
# (as they were sent).

use strict;
use warnings;

use JSON::PP;


# Takes the head off the front of the text.

sub parse_head {
    my ($class, $text) = @_;

    $$text =~ s/^(.*?)\r?\n\r?\n//s or die "no head";
    my ($line, @lines) = split /\r?\n/, my $head = $1;
    my ($version, $status, $reason)
        = $line =~ m{^HTTP/([0-9.]+) ([0-9]{3}) ?(.*)$}
        or die "bad status line: $line";

    return $class->new(
        version => $version, status => $status, reason => $reason,
        head => $head,
        pairs => [map { /^([^:]+):[ \t]*(.*?)[ \t]*$/ ? ($1, $2) : () }
                  @lines]);
}


sub new {
    my ($class, %fields) = @_;
    my $self = bless { body => '', complete => 1, headers => {}, names => [],
                       %fields }, $class;
    my @pairs = @{delete $self->{pairs} || []};

    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @{$self->{names}}, $name;
        push @{$self->{headers}{lc $name}}, $value;
    }

    return $self;
}


sub status { $_[0]{status} }
sub reason { $_[0]{reason} }
sub body { $_[0]{body} }
sub head { $_[0]{head} }
sub names { @{$_[0]{names}} }


# The first value, or undef.

sub header {
    my ($self, $name) = @_;
    return ($self->{headers}{lc $name} || [])->[0];
}


# Every value.

sub headers {
    my ($self, $name) = @_;
    return @{$self->{headers}{lc $name} || []};
}


# The decoded body; dies when it is no JSON.

sub json {
    my ($self) = @_;
    return $self->{json} //= JSON::PP->new->utf8->allow_nonref
                                 ->decode($self->{body});
}


1;
